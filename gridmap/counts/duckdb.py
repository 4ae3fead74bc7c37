"""Counting on one machine: DuckDB scans and adds up, the grid finds the cells in between.

::

    Parquet, CSV, Arrow ─▶ DuckDB scans, filters, finds periods ─▶ batches ─▶ grid.locate ─▶ DuckDB adds up

Batches are keyed on all cores, a few at a time, and dropped as soon as they are added up, so memory is bounded by
the batches and the answer, whatever the number of points. DuckDB spills to disk beyond its `memory_limit`.

SQL lives in `sql/*.sql`, named after the operation, with `$named` parameters, and sees only what was handed to it: no
extension is needed, none is downloaded, and Python's variables are out of its sight. A file's name is taken as it is
written: `cases[1].parquet` is that file, and a pattern is one only where no file of that name is there.
"""

import os
import re
import stat
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from glob import has_magic
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridmap.counts.task import (
    PERIOD,
    CountQuery,
    CountResult,
    Place,
    Progress,
    create_incidents_view,
    distinct,
    how_often_query,
    keyed_points,
    points_query,
    prepare_connection,
    quoted,
    refuse_missing_places,
    refuse_missing_weights,
    sql,
    sums_query,
)
from gridmap.errors import InputError, ReadError, SettingError, is_want_of_memory
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts
from gridmap.grids.index.locator import cores
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = [
    "arrow_schema_of",
    "connect",
    "count_in_duckdb",
    "files_of",
    "is_text",
    "literal_pattern",
    "open_source",
    "paths_of",
    "source_of",
]

BATCH_ROWS = 1 << 17
ROW_BYTES = 40  # of an incident in a file, about
TABLES = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".gz": "csv", ".txt": "csv", ".tsv": "csv"}


def count_in_duckdb(
    incidents: Incidents | str | Path | Sequence[str | Path],
    grid: Grid,
    query: CountQuery,
    *,
    memory_limit: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Counts:
    """Carry out a query; settings as for `count_by_cell`.

    Raises
    ------
    InputError
        For columns or categories that are not there.
    ReadError
        For files that cannot be read.
    """
    con = connect(memory_limit=memory_limit, threads=threads)
    query.check_grid(grid)
    name, place = open_source(con, incidents, query)
    prepare_connection(con, query)
    grid.expect(len(incidents) if isinstance(incidents, Incidents) else _about_rows(files_of(incidents)))
    try:
        return _count(con, grid, query, place, threads or cores(), progress).frame(grid, query)
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(str(error).splitlines()[0]) from None
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        if is_want_of_memory(error):
            raise MemoryError from None
        raise ReadError(Note("counts.unreadable", name=name, why=str(error).splitlines()[0])) from error


def _count(con, grid: Grid, query: CountQuery, place: Place, threads: int, progress: Progress | None) -> CountResult:
    if query.categories is not None:
        query.check_categories([key for _, key in distinct(con, "category") if key is not None])
    first = last = None
    rows = 0
    if query.every:
        extent = con.execute(sql("extent").format(period=PERIOD), {"every": query.every}).fetchall()[0]
        first, last, rows, _ = extent
    periods = query.periods(first, last, rows)
    found = [] if query.by is None or query.kinds_are_given else distinct(con, quoted(query.by))
    kinds, keys = query.kinds(found)
    query.check_size(grid, periods, kinds)

    text, values = points_query(query, place)
    total = None
    if progress is not None and query.categories is None and query.officer_initiated is None:
        total = con.execute("SELECT count(*) FROM incidents").fetchall()[0][0]
    batches = con.sql(text, params=values).to_arrow_reader(BATCH_ROWS)

    keying = _Keying(grid, query, threads, progress, total)
    adding = con.cursor()  # the same database and memory limit, while `con` is still reading
    adding.register("keyed", pa.RecordBatchReader.from_batches(query.keyed, keying.over(batches)))
    adding.execute(sums_query(query))
    refuse_missing_weights(query, keying.no_weight)
    refuse_missing_places(grid, query, *keying.no_place)
    sums = adding.sql("FROM counted").to_arrow_table()
    result = CountResult.of(grid, query, sums, periods, kinds, keys)
    how_often = None
    if query.weight is not None:
        text, values = how_often_query(query)
        how_often = tuple((float(weight), int(n)) for weight, n in con.execute(text, values).fetchall())
    known = {"rows": keying.rows, "repeated": keying.repeated, "how_often": how_often}
    return CountResult(**{**result.__dict__, **known})


class _Keying:
    """Batches of points → batches of rows in the grid, and how many points went through."""

    def __init__(self, grid: Grid, query: CountQuery, threads: int, progress: Progress | None, total: int | None):
        self.grid, self.query, self.threads, self.progress, self.total = grid, query, threads, progress, total
        self.rows = self.repeated = self.no_weight = 0
        self.no_place: tuple[int, str | None] = (0, None)

    def over(self, batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """Key batches on all cores, a few at a time, in their order.

        Incidents counted by cell alone are added up here: each cell reaches DuckDB once, and not once for each batch.
        """
        if not self.query.by_cell_alone or self.query.weight is not None:
            yield from self._keyed(batches)
            return
        counts = np.zeros(len(self.grid) + 1, np.int64)
        for points in self._keyed(batches):
            counts[points["row"].to_numpy() + 1] += points["n"].to_numpy()  # a batch has each row once
        hit = np.flatnonzero(counts)
        empty = pa.nulls(len(hit))
        columns = [(hit - 1).astype(np.int32), empty.cast(pa.int64()), empty.cast(pa.string()), counts[hit]]
        yield pa.record_batch(columns, schema=self.query.keyed)

    def _keyed(self, batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        began = time.perf_counter()
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[tuple[int, Future]] = deque()
            for batch in batches:
                waiting.append((batch.num_rows, pool.submit(keyed_points, batch, self.grid, self.query)))
                if len(waiting) > 2 * self.threads:  # so that memory holds a few batches, however many there are
                    yield self._next(waiting, began)
            while waiting:
                yield self._next(waiting, began)

    def _next(self, waiting: deque, began: float) -> pa.RecordBatch:
        rows, future = waiting.popleft()
        keyed = future.result()
        self.rows += rows
        self.repeated += keyed.repeated
        self.no_weight += keyed.no_weight
        (n, found), (more, other) = self.no_place, keyed.no_place
        self.no_place = (n + more, found if n else other)
        if self.progress is not None:
            self.progress(self.rows, self.total, time.perf_counter() - began)
        return keyed.points


def connect(*, memory_limit: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A new in-memory DuckDB that sees only what is handed to it.

    Parameters
    ----------
    memory_limit : str, optional
        As in "800MB"; DuckDB's own default is 80 % of the machine.
    threads : int, optional
        All cores when not given.

    Raises
    ------
    MemoryError
        Where a limit on the process (`ulimit -v`) leaves no room for it.
    """
    _check_room()
    con = duckdb.connect(":memory:")
    con.execute("SET python_enable_replacements = false")
    con.execute("SET TimeZone = 'UTC'")  # texts of moments are the same on every machine
    con.execute("SET autoinstall_known_extensions = false")
    con.execute("SET autoload_known_extensions = false")
    con.execute("SET temp_directory = $folder", {"folder": str(_spill_folder())})
    if memory_limit is not None:
        try:
            con.execute("SET memory_limit = $limit", {"limit": str(memory_limit)})
        except duckdb.Error:
            raise SettingError(Note("counts.memory_limit", found=memory_limit)) from None
    if threads is not None:
        con.execute("SET threads = $threads", {"threads": threads})
    return con


#: Address space that a DuckDB and its threads reserve when they begin (650 MB on two cores), and some to count in.
ROOM = 1 << 30


def _check_room() -> None:
    """Raise MemoryError where the process may not reserve what DuckDB begins with: DuckDB ends it without a word."""
    try:
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit == resource.RLIM_INFINITY:
            return
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    if limit - pages * resource.getpagesize() < ROOM:
        raise MemoryError


def _spill_folder() -> Path:
    """Where rows go that do not fit into memory: a folder that nobody else can read or have made before."""
    folder = Path(gettempdir()) / f"gridmap-spill-{os.getuid() if hasattr(os, 'getuid') else 'files'}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and (
            not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
        ):
            return folder
    except OSError:
        pass
    return Path(gettempdir()) / f"gridmap-spill-{token_hex(8)}"  # made by DuckDB where it is needed


def open_source(con: duckdb.DuckDBPyConnection, incidents, query: CountQuery) -> tuple[str, Place]:
    """Make the view `incidents` on a connection, and check that it has what a query needs.

    Returns
    -------
    name : str
        For messages.
    place : Place
        Which of its columns say where incidents lie.

    Raises
    ------
    InputError
        When `lon`, `lat` (or a geometry, or H3 cells) or a column of the query is not there or of the wrong kind.
    ReadError
        When a file is absent or cannot be read.
    """
    if isinstance(incidents, Incidents):
        name, files = source_of(incidents)
        schema = incidents.data.schema
        if files is not None and len(files) == 1 and schema.equals(arrow_schema_of(files[0]) or pa.schema([])):
            _scan(con, files, name, partitioned=False)  # in less memory: Arrow reads many batches ahead
        else:
            con.register("source", incidents.data)
    else:
        paths = files_of(incidents)
        name = Path(paths[0]).name if len(paths) == 1 else Note("counts.files", n=len(paths))
        _scan(con, paths, name, partitioned=_is_partitioned(incidents, paths))
        schema = arrow_schema_of(paths[0]) if query.every else None
    place, _ = create_incidents_view(con, name, query, schema)
    return name, place


def arrow_schema_of(path: str | Path) -> pa.Schema | None:
    """Arrow's schema of a Parquet file, which knows time zones where DuckDB and Spark do not; None of a text."""
    if is_text(path):
        return None
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return None


def is_text(path: str | Path) -> bool:
    """Whether a file is CSV by its ending, and not Parquet."""
    return TABLES.get(Path(path).suffix.lower()) == "csv"


def source_of(incidents: Incidents) -> tuple[str, list[str] | None]:
    """The name of what was read, for messages; and its files of Parquet, None where it is in memory."""
    files = getattr(incidents.data, "files", None)
    name = Path(str(incidents.source.get("path", Note("counts.the_table")))).name
    return name, None if files is None else [str(path) for path in files]


def paths_of(incidents: object) -> list[str]:
    """The path or paths that were given, as text; an InputError for anything else."""
    given = [incidents] if isinstance(incidents, str | Path) else incidents
    if not isinstance(given, Sequence) or not given or not all(isinstance(p, str | Path) for p in given):
        raise InputError(Note("counts.needs_incidents", found=type(incidents).__name__))
    return [str(path) for path in given]


def _about_rows(paths: Sequence[str]) -> int:
    """About how many rows files have, by their size."""
    return sum(Path(path).stat().st_size for path in paths if Path(path).is_file()) // ROW_BYTES


def files_of(given: str | Path | Sequence[str | Path]) -> list[str]:
    """The files meant, each of which must be there.

    A path that exists is that file or folder, whatever its name; one that does not and holds `*`, `?` or `[…]` is a
    pattern.
    """
    if isinstance(given, str | Path):
        given = [given]
    if not isinstance(given, Sequence) or not all(isinstance(p, str | Path) for p in given):
        raise InputError(Note("counts.needs_incidents", found=type(given).__name__))
    if not given:
        raise InputError(Note("counts.no_files"))
    paths: list[str] = []
    for path in map(Path, given):
        if path.is_dir():
            inside = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in (".parquet", ".pq") and p.is_file())
            if not inside:
                raise ReadError(Note("counts.empty_folder", path=str(path)))
            paths += inside
        elif path.is_file():
            paths.append(str(path))
        elif has_magic(str(path)):
            found = sorted(str(p) for p in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
            if not found:
                raise ReadError(Note("counts.no_match", path=str(path)))
            paths += found
        else:
            raise ReadError(Note("counts.no_file", path=str(path)))
    return paths


def _is_partitioned(given: str | Path | Sequence[str | Path], paths: list[str]) -> bool:
    """Whether folders below what was given name columns, as in `month=2024-01`; a file alone is what it holds.

    Raises
    ------
    InputError
        If a folder above does too, which DuckDB would take for a column of every file.
    """
    roots = [Path(root).absolute() for root in ([given] if isinstance(given, str | Path) else given)]
    roots = [next(p for p in (root, *root.parents) if p.is_dir()) for root in roots if not root.is_file()]

    def named(path: Path) -> bool:
        return any(re.fullmatch(r"[^=]+=.*", part) for part in path.parts)

    folders = {Path(path).absolute().parent for path in paths}
    below = any(named(f.relative_to(root)) for f in folders for root in roots if f.is_relative_to(root))
    if below and any(map(named, roots)):
        raise InputError(Note("counts.partition_above", path=str(next(filter(named, roots)))))
    return below


def literal_pattern(path: str) -> str:
    """A path as the pattern that matches it alone: DuckDB takes every path for a pattern.

    Examples
    --------
    >>> literal_pattern("cases[1].parquet"), literal_pattern("p*s.csv"), literal_pattern("plain.csv")
    ('cases[[]1].parquet', 'p[*]s.csv', 'plain.csv')
    """
    return re.sub(r"[*?\[]", lambda sign: f"[{sign.group()}]", path)


def _scan(con: duckdb.DuckDBPyConnection, paths: list[str], name: str, *, partitioned: bool) -> None:
    kinds = {TABLES.get(Path(p).suffix.lower()) for p in paths}
    if len(kinds) > 1 or None in kinds:
        raise ReadError(Note("counts.not_a_table", name=name))
    names = [literal_pattern(str(Path(path).absolute())) for path in paths]  # else a folder named ~ is the user's home
    try:
        if kinds == {"parquet"}:
            con.read_parquet(names, hive_partitioning=partitioned, union_by_name=True).create_view("source")
        else:
            con.read_csv(names, hive_partitioning=False).create_view("source")  # type: ignore[arg-type]  # it takes lists, its stub does not say so
    except duckdb.Error as error:
        raise ReadError(Note("counts.unreadable", name=name, why=str(error).splitlines()[0])) from None
