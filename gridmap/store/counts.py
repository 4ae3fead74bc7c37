"""count_by_cell(): how many incidents fell in each cell, in each period, of each kind.

DuckDB scans the points (an Arrow table, or Parquet and CSV files of any size) batch by batch; the grid gives each
batch its cells; DuckDB adds up. Geometry stays out of SQL, only the cell's row goes in, so no extension is needed and
memory is bounded by the batches and the answer. Every cell is in the answer, also the empty ones: Gi* and its
kind are wrong without the zeros.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap.errors import InputError, SettingError, did_you_mean
from gridmap.grids.base import Grid
from gridmap.read.base import Incidents
from gridmap.store.connection import connect, quoted, sql
from gridmap.store.source import open_source

__all__ = ["EVERY", "MISSING", "count_by_cell"]

#: Lengths of a period, and pandas' name for each.
EVERY = {
    "year": "Y",
    "quarter": "Q",
    "month": "M",
    "week": "W-SUN",
    "day": "D",
    "hour": "h",
    "hour_of_week": None,
}
#: The kind of an incident whose `by` column is empty.
MISSING = "(missing)"
BATCH_ROWS = 1_000_000
MOST_COUNTS = 100_000_000
KEYED = pa.schema([("row", pa.int32()), ("period", pa.int64()), ("kind", pa.string()), ("n", pa.int64())])


def count_by_cell(
    incidents: Incidents | str | Path | Sequence[str | Path],
    grid: Grid,
    *,
    category: str | Sequence[str] | None = None,
    by: str | None = None,
    every: str | None = None,
    patrol_found: bool | None = None,
    memory_limit: str | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Count incidents in the cells of a grid.

    Parameters
    ----------
    incidents : Incidents, or path of Parquet or CSV
        A path may be one file, a list of files, a pattern (`points/*.parquet`) or a folder, hive-partitioned or not.
        A file needs the columns `lon` and `lat` (degrees, WGS 84); for the settings below also `category`,
        `occurred_from` (and `occurred_to`), `patrol_found`.
    grid : Grid
        As `make_grid` gives it.
    category : str or list of str, optional
        Count only these categories.
    by : str, optional
        Count each value of this column by itself: "category" or any other. An empty value counts as "(missing)".
    every : {"year", "quarter", "month", "week", "day", "hour", "hour_of_week"}, optional
        Count each period by itself, from the first that occurs in the incidents (of any category) to the last. Weeks
        begin on Monday. An event known as an interval belongs to the period of its middle, provided that the interval
        is no longer than that period; otherwise it is untimed: counted in `attrs["untimed"]` and in no period.
    patrol_found : bool, optional
        False leaves out what a patrol came upon (unknown stays in); True counts only that.
    memory_limit : str, optional
        For DuckDB, as in "800MB"; it spills to disk beyond.
    threads : int, optional
        For DuckDB; all cores when not given.

    Returns
    -------
    DataFrame
        One int64 column `count`. Index `cell_id`, or `cell_id` × `period` × `category` (the name of `by`) as asked
        for; cells in the grid's order, zeros kept. `period` is a pandas Period, or 0 to 167 for "hour_of_week"
        (Monday 00h = 0). `attrs` tells `rows, outside, untimed, category, by, every, patrol_found`, and
        `count.sum() + outside + untimed == rows`.

    Raises
    ------
    InputError
        For something that is no incidents, a column or category that is not there, an unreadable time.
    SettingError
        For an `every` that there is not, or more counts than can be held.

    Examples
    --------
    >>> import geopandas as gpd, pyarrow as pa, shapely
    >>> from gridmap.grids.tiling import make_grid
    >>> zones = gpd.GeoDataFrame(
    ...     {"zone_id": ["west", "east"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326
    ... )
    >>> points = Incidents(pa.table({"lon": [0.5, 0.7, 9.0], "lat": [0.5, 0.2, 0.5]}))
    >>> counts = count_by_cell(points, make_grid(zones, system="zones"))
    >>> counts["count"].to_dict(), counts.attrs["outside"]
    ({'west': 2, 'east': 0}, 1)
    """
    if not isinstance(grid, Grid):
        raise InputError(f"count_by_cell needs a Grid as make_grid gives it; found {type(grid).__name__}.")
    if every is not None and every not in EVERY:
        raise SettingError(f"There is no every={every!r}. {did_you_mean(every, EVERY)}")
    if patrol_found is not None and not isinstance(patrol_found, bool | np.bool_):
        raise SettingError(f"patrol_found is True, False or None; found {patrol_found!r}.")
    con = connect(memory_limit=memory_limit, threads=threads)
    source = open_source(con, incidents)
    if every is not None:
        source.need("occurred_from", f"every={every!r}")
        con.execute(sql("period_of"))
    if patrol_found is not None:
        source.need("patrol_found", f"patrol_found={bool(patrol_found)}")
    if by is not None:
        source.need(by, f"by={by!r}")
    categories = _categories(con, source, category)

    period = "period_of(occurred_from, occurred_to, $every)" if every else "NULL::BIGINT"
    kind = quoted(by) if by else "NULL"
    filters, values = ["true"], {"every": every} if every else {}
    if categories is not None:
        filters.append("list_contains($categories::VARCHAR[], category::VARCHAR)")
        values["categories"] = categories
    if patrol_found is not None:
        filters.append("coalesce(patrol_found, false) = $patrol_found")
        values["patrol_found"] = bool(patrol_found)
    periods = _periods(con, source, period, every)
    kinds = _kinds(con, by, categories)
    size = len(grid) * len(periods) * len(kinds)
    if size > MOST_COUNTS:
        raise SettingError(
            f"{len(grid):,} cells × {len(periods):,} periods × {len(kinds):,} kinds are {size:,} counts; at most "
            f"{MOST_COUNTS:,} are held. Take a longer period or fewer cells"
            + (f", or look for a stray date: {periods[0]} to {periods[-1]}." if every else ".")
        )

    query = sql("points").format(period=period, kind=f"{kind}::VARCHAR", filter=" AND ".join(filters))
    batches = con.sql(query, params=values).to_arrow_reader(BATCH_ROWS)
    plain = every is None and by is None
    keyed = pa.RecordBatchReader.from_batches(KEYED, _keyed(batches, grid, plain))
    adding = connect(memory_limit=memory_limit, threads=threads)
    adding.register("keyed", keyed)
    adding.execute(sql("counted"))
    adding.register("periods", _positions("period", _period_keys(periods, every), pa.int64()))
    adding.register(
        "kinds", _positions("kind", [None if k == MISSING or not by else str(k) for k in kinds], pa.string())
    )
    counts = adding.execute(sql("count_by_cell"), {"cells": len(grid)}).fetchnumpy()["count"]
    rows, outside, untimed = adding.execute(sql("totals"), {"timed": every is not None}).fetchall()[0]

    levels = {"cell_id": grid.cells.index}
    if every:
        levels["period"] = periods
    if by:
        levels[by] = kinds
    index = pd.MultiIndex.from_product(levels.values(), names=levels) if len(levels) > 1 else grid.cells.index
    frame = pd.DataFrame({"count": np.asarray(counts, dtype=np.int64)}, index=index)
    frame.attrs.update(
        rows=int(rows),
        outside=int(outside),
        untimed=int(untimed),
        category=category if category is None or isinstance(category, str) else list(category),
        by=by,
        every=every,
        patrol_found=patrol_found,
    )
    return frame


def _keyed(batches: pa.RecordBatchReader, grid: Grid, plain: bool) -> Iterator[pa.RecordBatch]:
    """Each batch with its points' rows in the grid; already added up when there is nothing else to count by."""
    for batch in batches:
        row = grid.locate(_degrees(batch["lon"]), _degrees(batch["lat"]))
        if plain:
            n = np.bincount(row + 1, minlength=1)
            hit = np.flatnonzero(n)
            empty = pa.nulls(len(hit))
            columns = [(hit - 1).astype(np.int32), empty.cast(pa.int64()), empty.cast(pa.string()), n[hit]]
        else:
            columns = [row, batch["period"], batch["kind"], np.ones(len(row), np.int64)]
        yield pa.record_batch(columns, schema=KEYED)


def _degrees(column: pa.Array) -> np.ndarray:
    return column.to_numpy(zero_copy_only=False)  # a null becomes NaN: outside


def _categories(con, source, category) -> list[str] | None:
    """The categories asked for, each of which must occur."""
    if category is None:
        return None
    source.need("category", f"category={category!r}")
    wanted = [category] if isinstance(category, str) else list(category)
    there = [
        str(row[0]) for row in con.execute(sql("kinds").format(column="category")).fetchall() if row[0] is not None
    ]
    if not wanted:
        raise InputError(f"category= is an empty list. {did_you_mean('', there)}")
    for name in wanted:
        if name not in there:
            raise InputError(f"No incident has the category {name!r}. {did_you_mean(name, there)}")
    return wanted


def _periods(con, source, period: str, every: str | None) -> Sequence:
    """All periods from the first to the last that occur."""
    if every is None:
        return [None]
    first, last, rows, timed = con.execute(sql("extent").format(period=period), {"every": every}).fetchall()[0]
    if every == "hour_of_week" and timed:
        return pd.RangeIndex(168)
    if not timed:
        why = "there are none" if not rows else f"none of the {rows:,} has a time that lies in one {every}"
        raise InputError(
            f"The incidents cannot be counted by {every}: {why}. Leave out every=, or take a longer period."
        )
    at = pd.to_datetime([first, last], unit="us").to_period(EVERY[every])
    return pd.period_range(at[0], at[1], freq=EVERY[every])


def _period_keys(periods: Sequence, every: str | None) -> Sequence:
    if every is None or every == "hour_of_week":
        return list(periods)
    return periods.to_timestamp(how="start").as_unit("us").asi8


def _kinds(con, by: str | None, categories: list[str] | None) -> Sequence:
    """The values of `by`, in their order, the missing last."""
    if by is None:
        return [None]
    if by == "category" and categories is not None:
        return sorted(set(categories))
    kinds = [row[0] for row in con.execute(sql("kinds").format(column=quoted(by))).fetchall()]
    if None in kinds:
        kinds = [*(str(k) for k in kinds if k is not None), MISSING]
    return kinds


def _positions(name: str, values: Sequence, kind: pa.DataType) -> pa.Table:
    return pa.table({name: pa.array(values, kind), "position": np.arange(len(values))})
