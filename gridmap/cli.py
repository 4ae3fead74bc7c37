"""The command line: thin. Each command calls the function of the same name.

Exit codes: 0 well; 1 for what the user can put right, said in one line; 2 for an unknown command or option;
130 when interrupted.
"""

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gridmap.errors import GridmapError, OutputError, ReadError, SettingError, did_you_mean

__all__ = ["app", "main"]

app = typer.Typer(
    name="gridmap",
    help="Boundary files and incident points in, hotspot maps that open without a network out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
err = Console(stderr=True)
UsageError = typer.BadParameter.__mro__[1]  # typer brings its own copy of click and does not name this class


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every mistake of the user ends in one clear line on stderr."""
    try:
        code = app(args=arguments, standalone_mode=False) or 0
    except GridmapError as error:
        code = _say(str(error), 1)
    except UsageError as error:
        unknown = "No such" in error.format_message()  # an option or a command; all else is a wrong value
        code = _say(f"{error.format_message()} See gridmap --help.", 2 if unknown else 1)
    except (KeyboardInterrupt, typer.Abort):
        code = _say("Interrupted; nothing was written.", 130)
    except BrokenPipeError:
        code = 0
    sys.exit(code)


def _say(message: str, code: int) -> int:
    print(f"gridmap: {' '.join(message.split())}", file=sys.stderr)
    return code


@contextmanager
def _watching():
    """A function that names the running step: on a terminal as a spinner, elsewhere not at all."""
    if not err.is_terminal:
        yield lambda step: None
        return
    with err.status("…") as status:
        yield lambda step: status.update(f"{step} …")


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="The folder to write into.")] = Path("out/demo"),
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
) -> None:
    """The bundled police data of West Yorkshire, end to end."""
    import gridmap

    path = (
        Path(gridmap.__file__).resolve().parents[1]
        / "pipelines"
        / ("demo.yaml" if language == "en" else "demo_zh.yaml")
    )
    if language not in ("en", "zh"):
        raise SettingError(f"language is en or zh; found {language!r}.")
    if not path.exists():
        raise ReadError(
            "The demo's data come with a clone of the project, not with the installed package. Clone it first."
        )
    _run(path, out, [])


@app.command()
def run(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline file, as those in pipelines/.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
    set_: Annotated[
        list[str], typer.Option("--set", help="Replace a setting: key=value, as in grid.resolution=9.")
    ] = [],  # noqa: B006
) -> None:
    """Run one pipeline file."""
    _run(pipeline, out, set_)


def _run(path: Path, out: Path, overrides: list[str], needs: str | None = None) -> None:
    from gridmap.pipeline import read_pipeline, run_pipeline

    pipeline = read_pipeline(path, overrides=overrides)
    if needs is not None and getattr(pipeline, needs) is None:
        raise SettingError(f"{path} has no stage {needs!r}; docs/patrol.md shows one.")
    with _watching() as watch:
        report = run_pipeline(pipeline, out, on_step=watch)
    for warning in report.warnings:
        print(f"gridmap: {warning}", file=sys.stderr)
    if pipeline.title:
        print(pipeline.title)
    for sentence in report.summary:
        print(f"  {sentence}")
    for output in report.outputs.values():
        print(f"  → {output}")


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A table of incidents or a boundary file.")],
    boundaries: Annotated[Path | None, typer.Option(help="Boundaries to hold the points against.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    html: Annotated[Path | None, typer.Option(help="Save the report as a page with small charts.")] = None,
) -> None:
    """What is in this file, and what is wrong with it."""
    from gridmap.read.quality import inspect_file

    report = inspect_file(file, boundaries=boundaries)
    if html is not None:
        _write_text(html, report.to_html())
    print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2, default=str) if as_json else report.text())


def _write_text(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}. Name another place.") from None
    finally:
        part.unlink(missing_ok=True)


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
    with _watching() as watch:
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
    datum: Annotated[str | None, typer.Option(help="The points' datum, where it is not WGS 84.")] = None,
    engine: Annotated[str, typer.Option(help="duckdb, or spark for a cluster.")] = "duckdb",
    memory_limit: Annotated[str | None, typer.Option(help="DuckDB's, as in 800MB.")] = None,
    threads: Annotated[int | None, typer.Option(help="DuckDB's; all cores when not given.")] = None,
) -> None:
    """Count incidents by cell. Parquet with lon and lat is streamed; anything else is read and checked first."""
    from gridmap.exports import write_table
    from gridmap.grids.saved import read_grid
    from gridmap.read.incidents import read_incidents
    from gridmap.store.counts import count_by_cell

    if output.suffix not in (".parquet", ".csv"):
        raise OutputError(f"Counts are written as .parquet or .csv; found {output.name}.")
    with _watching() as watch:
        watch("read incidents")
        grid = read_grid(cells)
        streamed = datum is None and (incidents.suffix in (".parquet", ".pq") or incidents.is_dir())
        points = incidents if streamed else read_incidents(incidents, datum=datum)
        watch("count")
        settings = {"engine": engine, "memory_limit": memory_limit, "threads": threads}
        counts = count_by_cell(points, grid, category=category or None, by=by, every=every, **settings)
        part = output.with_name(f".part-{output.name}")
        try:
            write_table(counts, part)
            part.replace(output)
        except OSError as error:
            raise OutputError(f"{output} cannot be written: {error}. Name another place.") from None
        finally:
            part.unlink(missing_ok=True)
    total, outside = int(counts["count"].sum()), counts.attrs["outside"]
    aside = 0 if streamed else len(points.set_aside)
    print(f"{total:,} incidents in {len(grid):,} cells, {outside:,} outside, {aside:,} set aside → {output}")


patrol = typer.Typer(help="Routes for a shift, and what became of them.", no_args_is_help=True)
app.add_typer(patrol, name="patrol")


@patrol.command("plan")
def patrol_plan(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline file with a patrol stage.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
    set_: Annotated[list[str], typer.Option("--set", help="Replace a setting, as in patrol.units=3.")] = [],  # noqa: B006
) -> None:
    """Run a pipeline and plan the patrols for its first hotspots."""
    _run(pipeline, out, set_, needs="patrol")


@patrol.command("log")
def patrol_log(
    plan: Annotated[Path, typer.Argument(help="The folder patrol/ of a run, or its visits.csv.")],
    visited: Annotated[Path, typer.Argument(help="The visits.csv that was filled in.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
) -> None:
    """Planned visits against actual ones."""
    from gridmap.patrol.stage import log_to_folder

    dosage, written = log_to_folder(plan, visited, out)
    print(dosage.places.to_string())
    for path in written:
        print(f"  → {path}")


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(help="A method, for its options and what it does.")] = None,
) -> None:
    """What methods there are, with their options."""
    import inspect as signatures

    from gridmap.hotspots.methods import METHODS, inputs_of, options_of

    out = Console()
    if name is None:
        table = Table(box=None, pad_edge=False)
        for heading in ("method", "works on", "what it does"):
            table.add_column(heading)
        for method, function in sorted(METHODS.items()):
            first = (signatures.getdoc(function) or "").split("\n")[0]
            table.add_row(method, ", ".join(inputs_of(function)), first)
        out.print(table)
        return
    if name not in METHODS:
        raise SettingError(f"There is no method {name!r}. {did_you_mean(name, METHODS)}")
    function = METHODS[name]
    works_on, options = ", ".join(inputs_of(function)), ", ".join(map(str, options_of(function).values()))
    print(f"{name}({works_on}, *, {options})\n")
    print(signatures.getdoc(function))


if __name__ == "__main__":
    main()
