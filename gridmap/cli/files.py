"""From files to files: `gridmap inspect`, `gridmap tile`, `gridmap count`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gridmap._io import write_text
from gridmap.cli.app import app, watching
from gridmap.errors import OutputError, SettingError
from gridmap.messages import Note

__all__ = ["count", "inspect", "tile"]


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A table of incidents or a boundary file.")],
    boundaries: Annotated[Path | None, typer.Option(help="Boundaries to hold the points against.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    html: Annotated[Path | None, typer.Option(help="Save the report as a page with small charts.")] = None,
) -> None:
    """What is in this file, and what is wrong with it."""
    from gridmap.messages import chosen_language
    from gridmap.read.quality import inspect_file

    report, language = inspect_file(file, boundaries=boundaries), chosen_language()
    if html is not None:
        write_text(html, report.to_html(language))
    plain = (
        json.dumps(report.to_dict(), ensure_ascii=False, indent=2, default=str) if as_json else report.text(language)
    )
    print(plain)


@app.command()
def tile(
    boundaries: Annotated[Path, typer.Argument(help="A boundary file.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The grid file to write (.parquet).")],
    system: Annotated[str, typer.Option(help="h3, square or zones.")] = "h3",
    resolution: Annotated[int | None, typer.Option(help="H3's resolution, 0 to 15.")] = None,
    cell_size_m: Annotated[float | None, typer.Option(help="Side of a square in metres.")] = None,
    zone_id: Annotated[str | None, typer.Option(help="The column that names the zones.")] = None,
) -> None:
    """Divide a territory into cells."""
    from gridmap.grids.saved import write_grid
    from gridmap.grids.tiling import make_grid
    from gridmap.read.boundaries import read_boundaries

    given = {"resolution": resolution, "cell_size_m": cell_size_m}
    with watching() as watch:
        watch("read boundaries")
        zones = read_boundaries(boundaries, zone_id=zone_id)
        watch("make grid")
        grid = make_grid(zones, system=system, **{k: v for k, v in given.items() if v is not None})
        write_grid(grid, output)
    print(f"{grid!r} → {output}")


@app.command()
def count(
    incidents: Annotated[Path, typer.Argument(help="A table of incidents.")],
    cells: Annotated[Path, typer.Argument(help="A grid file of `gridmap tile`.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The counts to write (.parquet or .csv).")],
    category: Annotated[list[str], typer.Option(help="Count only this category; may be given again.")] = [],  # noqa: B006
    by: Annotated[str | None, typer.Option(help="Count apart by this column, as in category.")] = None,
    every: Annotated[str | None, typer.Option(help="Count apart by year, month, week, day, hour, …")] = None,
    weight: Annotated[str | None, typer.Option(help="Sum this column of numbers, beside the incidents.")] = None,
    datum: Annotated[str | None, typer.Option(help="The points' datum, where it is not WGS 84.")] = None,
    audience: Annotated[str, typer.Option(help="internal, meeting or public: cells are merged.")] = "meeting",
    engine: Annotated[str, typer.Option(help="duckdb, or spark for a cluster.")] = "duckdb",
    memory_limit: Annotated[str | None, typer.Option(help="DuckDB's, as in 800MB.")] = None,
    threads: Annotated[int | None, typer.Option(help="DuckDB's; all cores when not given.")] = None,
) -> None:
    """Count incidents by cell. Parquet with lon and lat is streamed; anything else is read and checked first."""
    from gridmap.audiences import check_audience
    from gridmap.counts.progress import bar
    from gridmap.counts.query import count_by_cell
    from gridmap.exports import write_table
    from gridmap.grids.saved import read_grid, write_grid
    from gridmap.privacy import public_release
    from gridmap.read.incidents import read_incidents

    if output.suffix not in (".parquet", ".csv"):
        raise OutputError(f"Counts are written as .parquet or .csv; found {output.name}.")
    with watching() as watch:
        watch("read incidents")
        grid = read_grid(cells)
        public = check_audience(audience).smallest_count > 0
        if public and weight is not None:
            raise SettingError(Note("counts.weight_not_public", weight=weight))
        streamed = not public and datum is None and (incidents.suffix in (".parquet", ".pq") or incidents.is_dir())
        points = incidents if streamed else read_incidents(incidents, datum=datum)
        if public:
            told = {"every": every} if every else {}
            kinds = category or (sorted(set(points.to_frame(["category"])["category"].dropna())) if by else [None])
            release = public_release(points, grid, series=[{**({"category": c} if c else {}), **told} for c in kinds])
            points, grid = release.incidents, release.grid
    settings = {"engine": engine, "memory_limit": memory_limit, "threads": threads}
    with bar("count") as progress:
        asked = {"category": category or None, "by": by, "every": every, "weight": weight, "progress": progress}
        counts = count_by_cell(points, grid, **asked, **settings)
        write_table(counts, output, content="counts", audience=audience)
        if public:
            write_grid(grid, output.with_name(f"{output.stem}_areas.parquet"))
    total, outside = int(counts["count" if weight is None else "incidents"].sum()), counts.about.outside
    aside = 0 if streamed else len(points.set_aside)
    print(f"{total:,} incidents in {len(grid):,} cells, {outside:,} outside, {aside:,} set aside → {output}")
