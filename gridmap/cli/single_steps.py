"""From files to files: `gridmap inspect`, `gridmap tile`, `gridmap count`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from gridmap._io import write_text
from gridmap.cli.app import app, progress_shown, text
from gridmap.cli.app import language as spoken

__all__ = ["count", "inspect", "tile", "warehouse"]


@app.command(help="cli.inspect.help")
def inspect(
    file: Annotated[str, typer.Argument(help="cli.inspect.file")],
    boundaries: Annotated[str | None, typer.Option(help="cli.inspect.boundaries")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="cli.inspect.as_json")] = False,
    html: Annotated[Path | None, typer.Option(help="cli.inspect.html")] = None,
) -> None:
    """What is in this file, and what is wrong with it."""
    from gridmap.read.quality import inspect_file

    report, language = inspect_file(file, boundaries=boundaries), spoken()
    if html is not None:
        write_text(html, report.to_html(language))
    plain = (
        json.dumps(report.to_dict(), ensure_ascii=False, indent=2, default=str) if as_json else report.text(language)
    )
    print(plain)


@app.command(help="cli.tile.help")
def tile(
    boundaries: Annotated[str, typer.Argument(help="cli.tile.boundaries")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.tile.output")],
    system: Annotated[str, typer.Option(help="cli.tile.system")] = "h3",
    resolution: Annotated[int | None, typer.Option(help="cli.tile.resolution")] = None,
    cell_size_m: Annotated[float | None, typer.Option(help="cli.tile.cell_size_m")] = None,
    zone_id: Annotated[str | None, typer.Option(help="cli.tile.zone_id")] = None,
) -> None:
    """Divide a territory into cells."""
    from gridmap.runs.single_steps import tile_file

    given = {"system": system, "resolution": resolution, "cell_size_m": cell_size_m}
    with progress_shown() as watch:
        grid = tile_file(boundaries, output, zone_id=zone_id, on_step=watch, **given)
    about = {"system": grid.system, "cells": len(grid.cells), "median": float(grid.cells["area_m2"].median())}
    print(f"{text('cli.tiled', **about)} → {output}")


@app.command(help="cli.count.help")
def count(
    incidents: Annotated[str, typer.Argument(help="cli.count.incidents")],
    cells: Annotated[Path, typer.Argument(help="cli.count.cells")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.count.output")],
    category: Annotated[list[str], typer.Option(help="cli.count.category")] = [],  # noqa: B006
    by: Annotated[str | None, typer.Option(help="cli.count.by")] = None,
    every: Annotated[str | None, typer.Option(help="cli.count.every")] = None,
    weight: Annotated[str | None, typer.Option(help="cli.count.weight")] = None,
    period: Annotated[str | None, typer.Option(help="cli.count.period")] = None,
    datum: Annotated[str | None, typer.Option(help="cli.count.datum")] = None,
    zones_datum: Annotated[str | None, typer.Option(help="cli.count.zones_datum")] = None,
    audience: Annotated[str, typer.Option(help="cli.count.audience")] = "meeting",
    engine: Annotated[str, typer.Option(help="cli.count.engine")] = "duckdb",
    h3_column: Annotated[str | None, typer.Option(help="cli.count.h3_column")] = None,
    timezone: Annotated[str | None, typer.Option(help="cli.count.timezone")] = None,
    memory_limit: Annotated[str | None, typer.Option(help="cli.count.memory_limit")] = None,
    threads: Annotated[int | None, typer.Option(help="cli.count.threads")] = None,
) -> None:
    """Count incidents by cell. Parquet with lon and lat is streamed; anything else is read and checked first."""
    from gridmap.counts.progress import bar
    from gridmap.runs.single_steps import count_file

    with bar(text("cli.step.count")) as progress:
        found = count_file(
            incidents,
            cells,
            output,
            datum=datum,
            zones_datum=zones_datum,
            audience=audience,
            category=category or None,
            by=by,
            every=every,
            weight=weight,
            period=period,
            progress=progress,
            engine=engine,
            h3_column=h3_column,
            timezone=timezone,
            memory_limit=memory_limit,
            threads=threads,
        )
    for note in found.notes:
        print(f"gridmap: {note.say(spoken())}", file=sys.stderr)
    numbers = {"n": found.incidents, "cells": found.cells, "outside": found.outside, "aside": found.set_aside}
    print(f"{text('cli.counted', **numbers)} → {output}")


@app.command(help="cli.warehouse.help")
def warehouse(
    cells: Annotated[Path, typer.Argument(help="cli.warehouse.cells")],
    table: Annotated[str, typer.Argument(help="cli.warehouse.table")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.warehouse.output")],
    dialect: Annotated[str, typer.Option(help="cli.warehouse.dialect")] = "duckdb",
    by: Annotated[str | None, typer.Option(help="cli.count.by")] = None,
    lon: Annotated[str, typer.Option(help="cli.warehouse.lon")] = "lon",
    lat: Annotated[str, typer.Option(help="cli.warehouse.lat")] = "lat",
    h3_column: Annotated[str | None, typer.Option(help="cli.count.h3_column")] = None,
    result: Annotated[Path | None, typer.Option(help="cli.warehouse.result")] = None,
    audience: Annotated[str, typer.Option(help="cli.warehouse.audience")] = "meeting",
) -> None:
    """Write what a warehouse of SQL needs to count a table itself, or make the counts of its answer."""
    from gridmap.runs.single_steps import warehouse_file

    columns = {"by": by, "lon": lon, "lat": lat, "h3_column": h3_column}
    written = warehouse_file(cells, table, output, dialect=dialect, result=result, audience=audience, **columns)
    for path in written:
        print(path)
