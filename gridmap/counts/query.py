"""count_by_cell(): how many incidents fell in each cell, in each period, of each kind.

DuckDB scans the points (an Arrow table, or Parquet and CSV files of any size) batch by batch; the grid gives each
batch its cells; DuckDB adds up. Geometry stays out of SQL, only the cell's row goes in, so no extension is needed and
memory is bounded by the batches and the answer. Every cell is in the answer, also the empty ones: Gi* and its
kind are wrong without the zeros.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gridmap.counts.duckdb import count_in_duckdb
from gridmap.counts.task import EVERY, MISSING, CountQuery, Progress
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts, CountsAbout, about_counts
from gridmap.grids.systems import as_grid
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents
from gridmap.read.times import check_timezone

__all__ = ["ENGINES", "EVERY", "MISSING", "Counts", "CountsAbout", "about_counts", "count_by_cell", "count_query"]

#: Where counting can run: in this process, on Apache Spark, on Ray.
ENGINES = ("duckdb", "spark", "ray")


def count_by_cell(
    incidents: Incidents | str | Path | Sequence[str | Path],
    grid: Grid,
    *,
    category: str | Sequence[str] | None = None,
    by: str | None = None,
    every: str | None = None,
    officer_initiated: bool | None = None,
    weight: str | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    engine: str = "duckdb",
    spark: Any = None,
    patrol_found: bool | None = None,
    h3_column: str | None = None,
    timezone: str | None = None,
) -> Counts:
    """Count incidents in the cells of a grid.

    Parameters
    ----------
    incidents : Incidents, or path of Parquet or CSV
        A path may be one file, a list of files, a pattern (`points/*.parquet`) or a folder, hive-partitioned or not;
        a file that is there is that file, even if its name could be a pattern (`cases[1].parquet`). A file needs the
        columns `lon` and `lat` (degrees, WGS 84), or a column `geometry` of points (WKB, as GeoParquet has); for the
        settings below also `category`, `occurred_from` (and `occurred_to`), `officer_initiated`. With engine="spark"
        also a Spark DataFrame or the name of a table, with engine="ray" a Ray Dataset.
    grid : Grid
        As `make_grid` gives it.
    category : str or list of str, optional
        Count only these categories.
    by : str, optional
        Count each value of this column by itself: "category" or any other. An empty value counts as "(missing)".
    every : {"year", "quarter", "month", "week", "day", "hour", "hour_of_week"}, optional
        Count each period by itself, from the first that occurs in the incidents (of any category) to the last. Weeks
        begin on Monday. An event known as an interval belongs to the period of its middle, provided that the interval
        is no longer than that period; otherwise it is untimed: counted in `about.untimed` and in no period.
    officer_initiated : bool, optional
        False leaves out what a patrol came upon (unknown stays in); True counts only that. `patrol_found` is its
        earlier name.
    weight : str, optional
        A column of numbers of 0 or more, as in "harm" (a Cambridge-style crime harm score, days lost, value): `count`
        is then the sum of it, and `incidents` the number of incidents. Every incident needs a weight; 0 is one.
        Weights are summed to a millionth. Tests that assume counts read `about.kind == "weighted"`.
    memory_limit : str, optional
        For DuckDB, as in "800MB"; it spills to disk beyond.
    threads : int, optional
        For DuckDB and the finding of cells; all cores when not given.
    progress : callable, optional
        Called after each batch with the rows done, the rows in all (None where unknown) and the seconds gone;
        `gridmap.counts.progress.bar` shows them in a terminal.
    engine : {"duckdb", "spark", "ray"}
        Where the counting runs: in this process, on Apache Spark (`pip install gridmap[spark]`) or on Ray (`pip install
        gridmap[ray]`), which read the files themselves and give the same table.
    spark : pyspark.sql.SparkSession, optional
        For engine="spark": the session to use; the active one, or a new local one, when not given.
    h3_column : str, optional
        On a grid of hexagons: a column of H3 cells (hexadecimal text or numbers) of the grid's resolution or finer,
        by whose parents incidents are counted without their coordinates. Cells of the grid's own resolution give the
        counts of the coordinates; a finer cell may lie across its parent's border, so its incidents may too.
    timezone : str, optional
        IANA name of the clock that `every` goes by, as in "Asia/Shanghai", where a table's times are moments (a
        timestamp with a time zone). Where not given, the zone that the column names (Arrow, Parquet of Arrow's
        writers, a Spark session's), else UTC; never this machine's. Times without a zone are clocks already.

    Returns
    -------
    Counts
        A DataFrame with one int64 column `count`. Index `cell_id`, or `cell_id` × `period` × `category` (the name of
        `by`), by the settings; cells in the grid's order, zeros kept. `period` is a pandas Period, or 0 to 167 for
        "hour_of_week" (Monday 00h = 0). With `weight=` the column `count` is float64, and `incidents` int64.

        `about` (a `CountsAbout`, which stays through indexing, assigning and copying; `attrs` has the same) tells
        `kind` ("counts", "weighted"), `rows, outside, untimed, category, by, every, weight`, and `count.sum() +
        outside + untimed == rows` (`incidents.sum()` where weighted). On zones with overlaps="all" a point in two zones
        is counted in both, and `repeated` tells how many counts that added.

    Raises
    ------
    InputError
        For something that is not incidents, a column or category that is not there, an unreadable time, a missing or
        negative weight, a geometry other than a point, an H3 cell coarser than the grid's.
    SettingError
        For an `every` or `engine` that there is not, or more counts than can be held.

    Examples
    --------
    >>> import geopandas as gpd, pyarrow as pa, shapely
    >>> from gridmap.grids.systems import make_grid
    >>> zones = gpd.GeoDataFrame(
    ...     {"zone_id": ["west", "east"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326
    ... )
    >>> points = Incidents(pa.table({"lon": [0.5, 0.7, 9.0], "lat": [0.5, 0.2, 0.5]}))
    >>> counts = count_by_cell(points, make_grid(zones, system="zones"))
    >>> counts["count"].to_dict(), counts.about.outside
    ({'west': 2, 'east': 0}, 1)
    """
    incidents, grid = as_incidents(incidents), as_grid(grid)
    if not isinstance(grid, Grid):
        raise InputError(Note("counts.needs_grid", found=type(grid).__name__))
    query = count_query(
        category=category,
        by=by,
        every=every,
        officer_initiated=officer_initiated if patrol_found is None else patrol_found,
        weight=weight,
        flag="officer_initiated" if patrol_found is None else "patrol_found",
        h3_column=h3_column,
        timezone=timezone,
    )
    if engine not in ENGINES:
        raise SettingError(Note("counts.no_engine", found=engine, meant=did_you_mean(engine, ENGINES)))
    if engine == "spark":
        from gridmap.counts.spark import count_in_spark  # pyspark is an extra

        return count_in_spark(incidents, grid, query, spark=spark)
    if engine == "ray":
        from gridmap.counts.ray import count_in_ray  # ray is an extra

        return count_in_ray(incidents, grid, query)
    threads = _whole(threads)
    return count_in_duckdb(incidents, grid, query, memory_limit=memory_limit, threads=threads, progress=progress)


def count_query(
    *,
    category: str | Sequence[str] | None = None,
    by: str | None = None,
    every: str | None = None,
    officer_initiated: bool | None = None,
    weight: str | None = None,
    flag: str = "officer_initiated",
    h3_column: str | None = None,
    timezone: str | None = None,
) -> CountQuery:
    """The settings of `count_by_cell` as a query, once they are checked; `flag` is the name of the yes or no.

    Raises
    ------
    InputError, SettingError
        As `count_by_cell`.
    """
    if every is not None and every not in EVERY:
        raise SettingError(Note("counts.no_every", found=every, meant=did_you_mean(every, EVERY)))
    if weight is not None and not isinstance(weight, str):
        raise InputError(Note("counts.weight_is_a_column", found=weight))
    if officer_initiated is not None and not isinstance(officer_initiated, bool | np.bool_):
        raise SettingError(Note("counts.officer_initiated", name=flag, found=officer_initiated))
    initiated = None if officer_initiated is None else bool(officer_initiated)
    if h3_column is not None and not isinstance(h3_column, str):
        raise InputError(Note("counts.h3_is_a_column", found=h3_column))
    check_timezone(timezone)
    return CountQuery(_names(category), by, every, initiated, weight, flag, h3_column, timezone)


def _names(category) -> tuple[str, ...] | None:
    if category is None:
        return None
    names = (category,) if isinstance(category, str) else tuple(category)
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(Note("counts.categories", found=category))
    return names


def _whole(threads: int | None) -> int | None:
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1):
        raise SettingError(Note("counts.threads", found=threads))
    return threads if threads is None else int(threads)
