"""Counting on one machine: DuckDB scans and adds up, the grid finds the cells in between.

::

    Parquet, CSV, Arrow ─▶ DuckDB scans, filters, finds periods ─▶ batches ─▶ grid.locate ─▶ DuckDB adds up

Batches are keyed on all cores, a few at a time, and dropped as soon as they are added up, so memory is bounded by
the batches and the answer, whatever the number of points. DuckDB spills to disk beyond its `memory_limit`.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa

from gridmap.counts.asked import Asked, Counted, Progress
from gridmap.counts.connection import connect, quoted, sql
from gridmap.counts.source import open_source
from gridmap.errors import ReadError
from gridmap.grids.base import Grid
from gridmap.grids.index.locator import cores
from gridmap.grids.index.lookup import tally
from gridmap.messages import Note

__all__ = ["KEYED", "PERIOD", "count_in_duckdb", "key", "points_query", "totals"]

BATCH_ROWS = 1 << 17
PERIOD = "period_of(occurred_from, occurred_to, $every)"
KEYED = pa.schema([("row", pa.int32()), ("period", pa.int64()), ("kind", pa.string()), ("n", pa.int64())])


def count_in_duckdb(
    incidents,
    grid: Grid,
    asked: Asked,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Counted:
    """Answer a question; settings as for `count_by_cell`.

    Raises
    ------
    InputError
        For columns or categories that are not there.
    ReadError
        For files that cannot be read.
    """
    con = connect(memory_limit=memory_limit, threads=threads)
    source = open_source(con, incidents)
    for column, setting in asked.needed().items():
        source.need(column, setting)
    if asked.every is not None:
        con.execute(sql("period_of"))
    try:
        return _count(con, grid, asked, threads or cores(), progress)
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise ReadError(Note("counts.unreadable", name=source.name, why=str(error).splitlines()[0])) from error


def _count(con, grid: Grid, asked: Asked, threads: int, progress: Progress | None) -> Counted:
    if asked.categories is not None:
        asked.check_categories([str(k) for k in _distinct(con, "category") if k is not None])
    extent = (None, None, 0, 0)
    if asked.every:
        extent = con.execute(sql("extent").format(period=PERIOD), {"every": asked.every}).fetchall()[0]
    periods = asked.periods(*extent)
    fixed = asked.by is None or (asked.by == "category" and asked.categories is not None)
    kinds = asked.kinds([] if fixed else _distinct(con, quoted(asked.by)))
    asked.check_size(grid, periods, kinds)

    query, values = points_query(asked)
    total = None
    if progress is not None and asked.categories is None and asked.patrol_found is None:
        total = con.execute("SELECT count(*) FROM incidents").fetchall()[0][0]
    batches = con.sql(query, params=values).to_arrow_reader(BATCH_ROWS)

    keying = _Keying(grid, asked.plain, threads, progress, total)
    adding = con.cursor()  # the same database and memory limit, while `con` is still reading
    adding.register("keyed", pa.RecordBatchReader.from_batches(KEYED, keying.over(batches)))
    adding.execute(sql("counted"))
    counts, outside, untimed = totals(adding, grid, asked, periods, kinds)
    return Counted(periods, kinds, counts, keying.rows, outside, untimed, keying.repeated)


def points_query(asked: Asked) -> tuple[str, dict]:
    """The SQL that reads the points to be counted from the view `incidents`, and its parameters."""
    filters, values = ["true"], {"every": asked.every} if asked.every else {}
    if asked.categories is not None:
        filters.append("list_contains($categories::VARCHAR[], category::VARCHAR)")
        values["categories"] = list(asked.categories)
    if asked.patrol_found is not None:
        filters.append("coalesce(patrol_found, false) = $patrol_found")
        values["patrol_found"] = asked.patrol_found
    period = PERIOD if asked.every else "NULL::BIGINT"
    kind = f"{quoted(asked.by)}::VARCHAR" if asked.by else "NULL::VARCHAR"
    besides = "" if asked.plain else f", {period} AS period, {kind} AS kind"
    return sql("points").format(besides=besides, filter=" AND ".join(filters)), values


def totals(con, grid: Grid, asked: Asked, periods: Sequence, kinds: Sequence) -> tuple[np.ndarray, int, int]:
    """Counts of every cell × period × kind from the table `counted`, and how many lay outside or had no period."""
    con.register("periods", _positions("period", asked.period_keys(periods), pa.int64()))
    con.register("kinds", _positions("kind", asked.kind_keys(kinds), pa.string()))
    counts = con.execute(sql("count_by_cell"), {"cells": len(grid)}).fetchnumpy()["count"]
    outside, untimed = con.execute(sql("totals"), {"timed": asked.every is not None}).fetchall()[0]
    return counts, int(outside), int(untimed)


def _distinct(con: duckdb.DuckDBPyConnection, column: str) -> list:
    return [row[0] for row in con.execute(sql("kinds").format(column=column)).fetchall()]


def _positions(name: str, values: Sequence, kind: pa.DataType) -> pa.Table:
    return pa.table({name: pa.array(values, kind), "position": np.arange(len(values))})


class _Keying:
    """Batches of points → batches of rows in the grid, and how many points went through."""

    def __init__(self, grid: Grid, plain: bool, threads: int, progress: Progress | None, total: int | None):
        self.grid, self.plain, self.threads, self.progress, self.total = grid, plain, threads, progress, total
        self.rows = self.repeated = 0

    def over(self, batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """Key batches on all cores, a few at a time, in their order."""
        began = time.perf_counter()
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[tuple[int, Future]] = deque()
            for batch in batches:
                waiting.append((batch.num_rows, pool.submit(key, batch, self.grid, self.plain)))
                if len(waiting) > 2 * self.threads:  # so that memory holds a few batches, however many there are
                    yield self._next(waiting, began)
            while waiting:
                yield self._next(waiting, began)

    def _next(self, waiting: deque, began: float) -> pa.RecordBatch:
        rows, future = waiting.popleft()
        keyed, repeated = future.result()
        self.rows += rows
        self.repeated += repeated
        if self.progress is not None:
            self.progress(self.rows, self.total, time.perf_counter() - began)
        return keyed


def key(batch: pa.RecordBatch, grid: Grid, plain: bool) -> tuple[pa.RecordBatch, int]:
    """A batch of points with their rows in the grid, and how many of them stand in more than one cell."""
    lon, lat = (batch[name].to_numpy(zero_copy_only=False) for name in ("lon", "lat"))  # a null becomes NaN
    row, repeated = grid.locate(lon, lat), 0
    if getattr(grid, "overlaps", "first") == "all":
        point, zone = grid.locate_all(lon, lat)
        outside = np.flatnonzero(row < 0)
        point, row = np.r_[point, outside], np.r_[zone, row[outside]].astype(np.int32)
        repeated = len(row) - batch.num_rows
        batch = batch.take(pa.array(point))
    if plain:  # nothing else to count by: added up at once
        n = tally(row, len(grid))
        hit = np.flatnonzero(n)
        empty = pa.nulls(len(hit))
        columns = [(hit - 1).astype(np.int32), empty.cast(pa.int64()), empty.cast(pa.string()), n[hit]]
    else:
        columns = [row, batch["period"], batch["kind"], np.ones(len(row), np.int64)]
    return pa.record_batch(columns, schema=KEYED), repeated
