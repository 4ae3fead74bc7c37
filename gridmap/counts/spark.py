"""The same count on Apache Spark, for when one machine is not enough.

Spark reads the files where they lie and hands each executor Arrow batches (`mapInArrow`). There a batch goes through
the very same steps as on one machine: DuckDB filters it and finds the periods, the grid, which is broadcast once,
finds the cells, and the batch leaves added up. Spark SQL adds up what comes from all executors. What reaches the
driver is no longer than the answer, and the zeros are put in there, by the same SQL.

Needs `pip install gridmap[spark]` and Java 17 on the driver, and gridmap itself on the executors. `docs/scale.md`
tells when this is worth it and how to submit to a cluster.
"""

import copy
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridmap.counts.asked import Asked, Counted
from gridmap.counts.connection import connect, sql
from gridmap.counts.duck import KEYED, PERIOD, key, points_query, totals
from gridmap.counts.source import Source, see
from gridmap.errors import GridmapError, InputError, ReadError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import Note
from gridmap.read.base import Incidents

__all__ = ["count_in_spark", "local_session"]

CHUNK_ROWS = 1 << 17
KEYED_DDL = "`row` int, period bigint, kind string, n bigint, repeated bigint"
EXTENT_DDL = "first bigint, last bigint, `rows` bigint, timed bigint"


def local_session(cores: int | str = "*"):
    """A Spark on this machine, with the Python that runs now.

    Parameters
    ----------
    cores : int or "*"

    Raises
    ------
    SettingError
        Where pyspark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise SettingError(Note("counts.no_pyspark")) from None
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        raise SettingError(Note("counts.no_java"))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("gridmap")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", CHUNK_ROWS)
        .config("spark.sql.shuffle.partitions", 8)
        .getOrCreate()
    )


def count_in_spark(incidents, grid: Grid, asked: Asked, *, spark=None) -> Counted:
    """Answer a question on Spark.

    Parameters
    ----------
    incidents : Incidents, or path(s) of Parquet or CSV
        Paths are Spark's to understand, so `hdfs://` and `s3a://` work where the cluster has them.
    grid : Grid
    asked : Asked
    spark : pyspark.sql.SparkSession, optional
        The active session, or a new local one, when not given.

    Raises
    ------
    InputError, ReadError
        As `count_by_cell`.
    SettingError
        Where pyspark or Java is missing.
    """
    spark = spark or _active() or local_session()
    with tempfile.TemporaryDirectory(prefix="gridmap-spark-") as folder, warnings.catch_warnings():
        # PySpark warns of pandas 3; only Arrow passes between the two here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        frame, source = _read(spark, incidents, Path(folder))
        for column, setting in asked.needed().items():
            source.need(column, setting)
        needed = ["lon", "lat", *asked.needed()]
        if asked.every and "occurred_to" in source.columns:
            needed.append("occurred_to")
        frame = frame.select(*(f"`{name.replace('`', '``')}`" for name in dict.fromkeys(needed)))
        return _count(spark, frame, grid, asked)


def _count(spark, frame, grid: Grid, asked: Asked) -> Counted:
    if asked.categories is not None:
        asked.check_categories([str(k) for k in _distinct(frame, "category") if k is not None])
    extent = (None, None, 0, 0)
    if asked.every:
        parts = frame.mapInArrow(_extents(asked), EXTENT_DDL)
        extent = parts.selectExpr("min(first)", "max(last)", "sum(`rows`)", "sum(timed)").first()
    periods = asked.periods(*(v if k < 2 or v is not None else 0 for k, v in enumerate(extent)))
    fixed = asked.by is None or (asked.by == "category" and asked.categories is not None)
    kinds = asked.kinds([] if fixed else _distinct(frame, asked.by))
    asked.check_size(grid, periods, kinds)

    sent = spark.sparkContext.broadcast(_light(grid))
    try:
        keyed = frame.mapInArrow(_keyer(sent, asked), KEYED_DDL)
        added = keyed.groupBy("row", "period", "kind").sum("n", "repeated").toArrow()
    finally:
        sent.unpersist()
    con = connect()
    con.register("keyed", added.select(range(4)).rename_columns(KEYED.names))
    con.execute(sql("counted"))
    counts, outside, untimed = totals(con, grid, asked, periods, kinds)
    n, repeated = (int(np.nansum(added.column(k).to_numpy())) if added.num_rows else 0 for k in (3, 4))
    return Counted(periods, kinds, counts, n - repeated, outside, untimed, repeated)


def _keyer(sent, asked: Asked):
    """What an executor does with its batches: filter, find periods, find cells, add up."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        con = _prepared(asked)
        query, values = points_query(asked)
        for chunk in _chunks(batches):
            con.register("source", chunk)
            see(con, "the batch")
            points = con.sql(query, params=values).to_arrow_table().combine_chunks()
            for batch in points.to_batches():
                keyed, repeated = key(batch, sent.value, asked.plain)
                con.register("keyed", pa.Table.from_batches([keyed]))
                con.execute("DROP TABLE IF EXISTS counted")
                con.execute(sql("counted"))
                added = con.sql('SELECT "row", period, kind, n FROM counted').to_arrow_table().combine_chunks()
                extra = np.zeros(added.num_rows, np.int64)
                extra[:1] = repeated
                yield from added.append_column("repeated", pa.array(extra)).to_batches()

    return run


def _extents(asked: Asked):
    """What an executor does to find the first and last period."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        con = _prepared(asked)
        for chunk in _chunks(batches):
            con.register("source", chunk)
            see(con, "the batch")
            found = con.execute(sql("extent").format(period=PERIOD), {"every": asked.every}).fetchall()[0]
            yield pa.record_batch([pa.array([v], pa.int64()) for v in found], names=["first", "last", "rows", "timed"])

    return run


def _prepared(asked: Asked):
    con = connect(threads=1)  # Spark runs a task a core
    if asked.every is not None:
        con.execute(sql("period_of"))
    return con


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Spark's batches put together until they are worth a query."""
    held, rows = [], 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= CHUNK_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if rows:
        yield pa.Table.from_batches(held)


def _light(grid: Grid) -> Grid:
    """The grid with what `locate` needs and no more, to be sent."""
    grid.locate([0.0], [0.0])  # tables are made here, not once a task
    light = copy.copy(grid)
    light.cells = grid.cells[[]]
    for name in ("_first_order", "centroids", "centroids_m", "_tree"):
        light.__dict__.pop(name, None)
    return light


def _active():
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return None
    return SparkSession.getActiveSession()


def _read(spark, incidents, folder: Path):
    """The incidents as a Spark frame; what is in memory goes by way of Parquet."""
    if isinstance(incidents, Incidents):
        name = Path(str(incidents.source.get("path", "the incident table"))).name
        files = getattr(incidents.data, "files", None)
        if files is None:
            files = [str(folder / "incidents.parquet")]
            pq.write_table(incidents.arrow(), files[0], row_group_size=122_880)
        paths, suffix = list(files), Path(files[0]).suffix
    else:
        given = [incidents] if isinstance(incidents, str | Path) else incidents
        if not isinstance(given, Sequence) or not given or not all(isinstance(p, str | Path) for p in given):
            raise InputError(Note("counts.needs_incidents", found=type(incidents).__name__))
        paths = [str(p) for p in given]
        name, suffix = (Path(paths[0]).name if len(paths) == 1 else f"{len(paths):,} files"), Path(paths[0]).suffix
    try:
        if suffix.lower() in (".csv", ".txt", ".tsv", ".gz"):
            frame = spark.read.csv(paths, header=True, inferSchema=True)
        else:
            frame = spark.read.parquet(*paths)
        columns = dict(frame.dtypes)
    except GridmapError:
        raise
    except Exception as error:  # Spark's errors have no common public class over its versions
        line = str(error).strip().splitlines()[0]
        raise ReadError(Note("counts.unreadable_by_spark", name=name, why=line)) from None
    for degree in ("lon", "lat"):
        if degree not in columns:
            raise InputError(Note("counts.no_place", name=name, column=degree, there=", ".join(columns)))
        if columns[degree] not in ("double", "float", "int", "bigint", "smallint", "tinyint") and not columns[
            degree
        ].startswith("decimal"):
            raise InputError(Note("counts.degrees", column=degree, name=name, found=columns[degree]))
    return frame, Source(name, columns)


def _distinct(frame, column: str) -> list:
    return [row[0] for row in frame.select(f"`{column.replace('`', '``')}`").distinct().collect()]
