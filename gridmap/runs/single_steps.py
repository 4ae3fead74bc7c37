"""One step of a run on its own, from file to file: a territory into cells, incidents into counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gridmap._periods import relative_period
from gridmap.audiences import DEFAULT_AUDIENCE, check_audience
from gridmap.errors import InputError, OutputError, ReadError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.saved import read_grid, write_grid
from gridmap.grids.systems import make_grid
from gridmap.messages import Note
from gridmap.read.boundaries import read_boundaries
from gridmap.read.file_access import check_file
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import read_incidents
from gridmap.read.store_reading import is_store, stored_incidents

__all__ = ["CountedFile", "count_file", "tile_file", "warehouse_file"]


@dataclass(frozen=True)
class CountedFile:
    """What was counted into a file: incidents inside, cells, incidents outside, rows set aside, and what to mind."""

    incidents: int
    cells: int
    outside: int
    set_aside: int
    notes: tuple[Note, ...] = ()


def tile_file(
    boundaries: str | Path,
    output: str | Path,
    *,
    zone_id: str | None = None,
    on_step: Callable[[str], None] = lambda step: None,
    **settings: Any,
) -> Grid:
    """Divide the territory of a boundary file into cells and write them as a grid file.

    Parameters
    ----------
    boundaries, output : str or Path
        `output` ends in .parquet.
    zone_id : str, optional
        The column that names the zones.
    on_step : callable, optional
        Told the name of each step as it begins.
    **settings
        Of `make_grid`; those that are None are left out.

    Raises
    ------
    GridmapError
        For what cannot be read, divided or written.
    """
    on_step("read boundaries")
    zones = read_boundaries(boundaries, zone_id=zone_id)
    on_step("make grid")
    grid = make_grid(zones, **{name: value for name, value in settings.items() if value is not None})
    write_grid(grid, output)
    return grid


def _cells_of(path: str | Path, datum: str | None) -> Grid:
    """The grid of a file of `gridmap tile`; of any other file of zones, the zones."""
    file = check_file(path, Note("read.boundary_file"))
    try:
        return read_grid(file)
    except ReadError as problem:
        code = getattr(problem.args[0] if problem.args else None, "code", "")
        if code not in ("grids.not_geoparquet", "grids.no_metadata"):
            raise
    return make_grid(read_boundaries(file, datum=datum), system="zones")


def count_file(
    incidents: str | Path,
    cells: str | Path,
    output: str | Path,
    *,
    category: list[str] | None = None,
    by: str | None = None,
    every: str | None = None,
    weight: str | None = None,
    period: str | None = None,
    datum: str | None = None,
    zones_datum: str | None = None,
    audience: str = DEFAULT_AUDIENCE,
    progress: Callable | None = None,
    timezone: str | None = None,
    **engine: Any,
) -> CountedFile:
    """Count the incidents of a file by the cells of a grid file, and write the counts.

    Parquet with `lon` and `lat` (or points as WKB) is streamed, as is whatever is counted by its H3 cells; anything
    else, and everything for the public, is read and checked first. What is not a file of this machine, as the name of a
    table or s3://…, is left to the engine where that is not DuckDB.
    Of a store only the parts are counted that are new since the last count with the same cells and settings.
    For the public, cells are merged, and the areas are written beside the counts (`…_areas.parquet`).

    Parameters
    ----------
    incidents, cells, output : str or Path
        `cells` is a grid file of `gridmap tile`, or any file of zones. `output` ends in .parquet or .csv.
    category, by, every, weight, progress, **engine
        As in `count_by_cell`.
    period : str, optional
        Count only what lies in it, as in "2024-03" or "last month" (from the newest day).
    datum, timezone : str, optional
        As in `read_incidents`.
    zones_datum : str, optional
        Of a file of zones, as in `read_boundaries`.
    audience : {"internal", "meeting", "public"}

    Raises
    ------
    OutputError
        For another ending, or a place that cannot be written.
    SettingError
        For sums of a weight for the public, or what an engine reads by itself where rows must be seen first.
    """
    output = Path(output)
    if output.suffix not in (".parquet", ".csv"):
        raise OutputError(Note("runs.counts_ending", found=output.name))
    grid = _cells_of(cells, zones_datum)
    public = check_audience(audience).smallest_count > 0
    if public and weight is not None:
        raise SettingError(Note("counts.weight_not_public", weight=weight))
    plain = not public and datum is None and period is None
    from gridmap.counts.query import count_by_cell  # neither DuckDB nor formats are needed to draw a grid
    from gridmap.exports import write_table

    elsewhere = engine.get("engine", "duckdb") != "duckdb" and not Path(incidents).exists()
    if elsewhere and not plain:  # a table's name, s3://…: gridmap never sees its rows
        raise SettingError(Note("counts.reads_itself", path=str(incidents)))
    keyed = engine.get("h3_column") is not None
    file = Path(incidents)
    stored = not elsewhere and is_store(file)
    streamed = elsewhere or (plain and not stored and (keyed or file.suffix in (".parquet", ".pq") or file.is_dir()))
    counted: Incidents | str | Path = incidents if elsewhere else file
    aside = 0
    if not streamed:
        points = (
            stored_incidents(file, period=period) if stored else read_incidents(file, datum=datum, timezone=timezone)
        )
        aside = points.source["set_aside"] if stored else len(points.set_aside)
        if by is not None and by not in points.columns:  # the file's own heading of a column that was read as a role
            by = next((role for role, column in points.source.get("columns", {}).items() if column == by), by)
        if period is not None and not stored:
            points = points.where(period=_dated(points, period))
            aside = len(points.set_aside)
        if public:
            span = {"every": every} if every else {}
            kinds: Sequence[str | None] = category or (
                sorted(set(points.to_frame(["category"])["category"].dropna())) if by else [None]
            )
            from gridmap.privacy import public_release

            release = public_release(points, grid, series=[{**({"category": c} if c else {}), **span} for c in kinds])
            points, grid, aside = release.incidents, release.grid, 0
        counted = points
    settings: dict[str, Any] = {"category": category, "by": by, "every": every, "weight": weight}
    if stored and not public and not keyed and engine.get("engine", "duckdb") == "duckdb":
        from gridmap.counts.store_adding import IncidentStore

        counts = IncidentStore(file).counts(grid, period=period, **settings)
    else:
        counts = count_by_cell(counted, grid, progress=progress, timezone=timezone, **settings, **engine)
    write_table(counts, output, content="counts", audience=audience)
    if public:
        write_grid(grid, output.with_name(f"{output.stem}_areas.parquet"))
    inside = int(counts["count" if weight is None else "incidents"].sum())
    outside = 0 if counts.about is None else int(counts.about.outside or 0)
    notes: tuple[Note, ...] = ()
    if not inside and outside and not public:
        w, s, e, n = grid.cells.to_crs(4326).total_bounds
        extent = f"{w:.3f}–{e:.3f}, {s:.3f}–{n:.3f}"
        notes = (Note("counts.all_outside", n=outside, extent=extent),)
    return CountedFile(inside, len(grid), outside, aside, notes)


def warehouse_file(
    cells: str | Path,
    table: str,
    output: str | Path,
    *,
    result: str | Path | None = None,
    audience: str = DEFAULT_AUDIENCE,
    **settings: Any,
) -> list[Path]:
    """Write what a warehouse needs to count a table by the cells of a grid file, or the counts of what it gave.

    Parameters
    ----------
    cells : str or Path
        A grid file.
    table : str
        The table of incidents in the warehouse.
    output : str or Path
        The folder of the lookup tables and the query; with `result`, the counts, which end in .parquet or .csv.
    result : str or Path, optional
        What the query gave, as .parquet or .csv.
    audience : {"internal", "meeting"}
        Whom the counts are for.
    **settings
        Of `warehouse_count`.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    SettingError
        For the public, for whom single incidents would have to be seen.
    GridmapError
        For what cannot be read or written.
    """
    from gridmap.counts.warehouse import warehouse_count
    from gridmap.exports import write_table

    needed = warehouse_count(read_grid(cells), table, **settings)
    if result is None:
        return needed.write(output)
    output, result = Path(output), check_file(result, Note("runs.warehouse_result"))
    if output.suffix not in (".parquet", ".csv"):
        raise OutputError(Note("runs.counts_ending", found=output.name))
    if check_audience(audience).smallest_count > 0:
        raise SettingError(Note("counts.reads_itself", path=table))
    rows = pd.read_parquet(result) if result.suffix in (".parquet", ".pq") else pd.read_csv(result)
    write_table(needed.counts(rows), output, content="counts", audience=audience)
    return [output]


def _dated(incidents: Incidents, period: str) -> str:
    """A period as dates; words such as "last month" are counted from the newest day of the incidents."""
    if relative_period(period, pd.Timestamp("2000-01-01")) is None:
        return period
    from gridmap.runs.stages.settings_from_data import newest_day  # a pipeline's whole grammar comes with it

    day = newest_day(incidents)
    if day is None:
        raise InputError(Note("runs.no_day_for_period", period=period))
    return relative_period(period, day) or period
