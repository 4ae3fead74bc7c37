"""From files to files: `gridmap inspect`, `gridmap tile`, `gridmap count`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gridmap._io import write_text
from gridmap.cli.app import app, progress_shown, text
from gridmap.errors import OutputError, SettingError
from gridmap.messages import Note

__all__ = ["count", "inspect", "tile"]


@app.command(help="cli.inspect.help")
def inspect(
    file: Annotated[Path, typer.Argument(help="cli.inspect.file")],
    boundaries: Annotated[Path | None, typer.Option(help="cli.inspect.boundaries")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.inspect.as_json")] = False,
    html: Annotated[Path | None, typer.Option(help="cli.inspect.html")] = None,
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


@app.command(help="cli.tile.help")
def tile(
    boundaries: Annotated[Path, typer.Argument(help="cli.tile.boundaries")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.tile.output")],
    system: Annotated[str, typer.Option(help="cli.tile.system")] = "h3",
    resolution: Annotated[int | None, typer.Option(help="cli.tile.resolution")] = None,
    cell_size_m: Annotated[float | None, typer.Option(help="cli.tile.cell_size_m")] = None,
    zone_id: Annotated[str | None, typer.Option(help="cli.tile.zone_id")] = None,
) -> None:
    """Divide a territory into cells."""
    from gridmap.grids.saved import write_grid
    from gridmap.grids.tiling import make_grid
    from gridmap.read.boundaries import read_boundaries

    given = {"resolution": resolution, "cell_size_m": cell_size_m}
    with progress_shown() as watch:
        watch("read boundaries")
        zones = read_boundaries(boundaries, zone_id=zone_id)
        watch("make grid")
        grid = make_grid(zones, system=system, **{k: v for k, v in given.items() if v is not None})
        write_grid(grid, output)
    print(f"{grid!r} → {output}")


@app.command(help="cli.count.help")
def count(
    incidents: Annotated[Path, typer.Argument(help="cli.count.incidents")],
    cells: Annotated[Path, typer.Argument(help="cli.count.cells")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.count.output")],
    category: Annotated[list[str], typer.Option(help="cli.count.category")] = [],  # noqa: B006
    by: Annotated[str | None, typer.Option(help="cli.count.by")] = None,
    every: Annotated[str | None, typer.Option(help="cli.count.every")] = None,
    weight: Annotated[str | None, typer.Option(help="cli.count.weight")] = None,
    datum: Annotated[str | None, typer.Option(help="cli.count.datum")] = None,
    audience: Annotated[str, typer.Option(help="cli.count.audience")] = "meeting",
    engine: Annotated[str, typer.Option(help="cli.count.engine")] = "duckdb",
    memory_limit: Annotated[str | None, typer.Option(help="cli.count.memory_limit")] = None,
    threads: Annotated[int | None, typer.Option(help="cli.count.threads")] = None,
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
    with progress_shown() as watch:
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
    print(text("cli.counted", n=total, cells=len(grid), outside=outside, aside=aside) + f" → {output}")
