"""The same count on Apache Spark, for when one machine is not enough.

Spark reads the files where they lie and hands each executor Arrow batches (`mapInArrow`). There a batch goes through
`count_batch` (see `task.py`), with the task that is broadcast once, and leaves added up; Spark SQL adds up what comes
from all executors. What reaches the driver is no longer than the answer, and the zeros are put in there.

Needs `pip install gridmap[spark]` and Java 17 on the driver, and gridmap itself on the executors. `docs/scale.md`
tells when this is worth it and how to submit to a cluster.
"""

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gridmap.counts.duckdb import arrow_schema_of, files_of, is_text, paths_of, source_of
from gridmap.counts.task import GEOMETRY_NAMES, SUMS, CountQuery, clock_of, combine, count_batch, finish, prepare
from gridmap.errors import GridmapError, ReadError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts
from gridmap.installation import find_java
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = ["count_in_spark", "local_session"]

CHUNK_ROWS = 1 << 17
SUMS_DDL = "`row` int, period bigint, kind string, n bigint, whole bigint, millionths bigint, repeated bigint"
#: Spark's names of numbers, and DuckDB's.
NUMBERS = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
}
#: And of text, which may hold weights, and of bytes, which may hold WKB.
OTHERS = {"string": "VARCHAR", "binary": "BLOB"}
#: The name of a table of Spark's catalogue, as in "crimes" or "lake.police.crimes", or `delta.`/folder``.
TABLE = re.compile(r"\w+(\.\w+){0,2}|\w+\.`[^`]+`")


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
    if find_java() is None:
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


def count_in_spark(incidents: Any, grid: Grid, query: CountQuery, *, spark: Any = None) -> Counts:
    """Carry out a query on Spark.

    Parameters
    ----------
    incidents : Incidents, path(s) of Parquet or CSV, a Spark DataFrame, or the name of a table
        A path that is on this machine is that file, whatever its name; others are Spark's to understand, so `hdfs://`
        and `s3a://` work where the cluster has them. A table is any that Spark's catalogue has ("lake.crimes": Hive,
        Delta, Iceberg). A DataFrame may have a column of points in place of `lon` and `lat`: Apache Sedona's or Spark's
        own type, or WKB.
    grid : Grid
    query : CountQuery
    spark : pyspark.sql.SparkSession, optional
        The active session, or a new local one, when not given.

    Raises
    ------
    InputError, ReadError
        As `count_by_cell`.
    SettingError
        Where pyspark or Java is missing.
    """
    query.check_grid(grid)
    if hasattr(incidents, "mapInArrow"):
        spark = spark or incidents.sparkSession
    spark = spark or _active() or local_session()
    with tempfile.TemporaryDirectory(prefix="gridmap-spark-") as folder, warnings.catch_warnings():
        # PySpark warns of pandas 3; only Arrow passes between the two here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        name, frame = _read(spark, incidents, Path(folder))
        names = query.read_columns(name, _columns(frame))
        query = _by_the_clock_of_the_file(query, incidents)
        frame = frame.selectExpr(*(_selected(column, frame) for column in names))
        task = spark.sparkContext.broadcast(prepare(grid, query))
        try:
            counted = frame.mapInArrow(_counter(task), SUMS_DDL)
            values = [name for name in SUMS.names if name not in ("row", "period", "kind")]
            added = _collected(counted.groupBy("row", "period", "kind").sum(*values))
        finally:
            task.unpersist()
    return finish(grid, query, combine([added]))


def _by_the_clock_of_the_file(query: CountQuery, incidents: Any) -> CountQuery:
    """The query with the time zone that a Parquet file of this machine names, which Spark does not read.

    Of a table or a frame, moments go by the session's time zone, which Spark puts into its batches.
    """
    if not query.every or query.timezone is not None or hasattr(incidents, "mapInArrow"):
        return query
    if isinstance(incidents, Incidents) or not all(Path(path).exists() for path in paths_of(incidents)):
        return query
    schema = arrow_schema_of(files_of(paths_of(incidents))[0])
    return query if schema is None else replace(query, timezone=clock_of(schema))


def _selected(column: str, frame: Any) -> str:
    """A column as SQL; shapes, Sedona's as Spark's own, as WKB, which both have under the same name."""
    name = f"`{column.replace('`', '``')}`"
    shaped = _columns(frame)[column].startswith("GEOMETRY")
    return f"ST_AsBinary({name}) AS {GEOMETRY_NAMES[0]}" if shaped else name


def _collected(frame: Any) -> pa.Table:
    """The sums on the driver; Spark 3.5 hands over rows, where later ones have Arrow."""
    if hasattr(frame, "toArrow"):
        return frame.toArrow().rename_columns(SUMS.names).cast(SUMS)
    rows = [tuple(row) for row in frame.collect()]
    columns = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(SUMS.types)]
    return pa.table(columns, schema=SUMS)


def _counter(task: Any) -> Any:
    """What an executor does with its batches."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for chunk in _chunks(batches):
            yield from count_batch(task.value, chunk).combine_chunks().to_batches()

    return run


def _chunks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Spark's batches put together until they are worth a query."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= CHUNK_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if rows:
        yield pa.Table.from_batches(held)


def _active() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return None
    return SparkSession.getActiveSession()


def _read(spark: Any, incidents: Any, folder: Path) -> tuple[str, Any]:
    """A name for messages, and the incidents as a Spark frame; what is in memory goes by way of Parquet."""
    if hasattr(incidents, "mapInArrow"):
        return Note("counts.the_table"), incidents
    if isinstance(incidents, Incidents):
        name, files = source_of(incidents)
        if files is None:
            files = [str(folder / "incidents.parquet")]
            pq.write_table(incidents.arrow(), files[0], row_group_size=122_880)
        paths = files
    else:
        paths = paths_of(incidents)
        if len(paths) == 1 and _is_table(spark, paths[0]):
            return paths[0], spark.table(paths[0])
        name = Path(paths[0]).name if len(paths) == 1 else Note("counts.files", n=len(paths))
    text = is_text(paths[0])
    paths = [_literal(path) for path in paths]
    try:
        if text:
            with _clocks_as_written(spark):
                return name, spark.read.csv(paths, header=True, inferSchema=True)
        return name, spark.read.parquet(*paths)
    except GridmapError:
        raise
    except Exception as error:  # Spark's errors have no common public class over its versions
        line = str(error).strip().splitlines()[0]
        raise ReadError(Note("counts.unreadable_by_spark", name=name, why=line)) from None


@contextmanager
def _clocks_as_written(spark: Any) -> Iterator[None]:
    """Times of a text without a zone stay what is written there, not moments of the session's time zone."""
    name = "spark.sql.timestampType"
    before = spark.conf.get(name)
    spark.conf.set(name, "TIMESTAMP_NTZ")
    try:
        yield
    finally:
        spark.conf.set(name, before)


def _is_table(spark: Any, name: str) -> bool:
    """Whether a text is the name of a table; a file or folder of that name on this machine goes first."""
    if not TABLE.fullmatch(name) or Path(name).exists():
        return False
    return "`" in name or spark.catalog.tableExists(name)


def _literal(path: str) -> str:
    """A path of this machine as the pattern that matches it alone: Hadoop takes every path for a pattern."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", str(Path(path).absolute())) if Path(path).exists() else path


def _columns(frame: Any) -> dict[str, str]:
    """The columns of a Spark frame with DuckDB's names of their types; of Sedona's type, GEOMETRY."""
    names = {**NUMBERS, **OTHERS}
    return {
        field.name: "GEOMETRY"
        if type(field.dataType).__name__ in ("GeometryUDT", "GeometryType")
        else names.get(field.dataType.simpleString(), field.dataType.simpleString().upper())
        for field in frame.schema
    }
