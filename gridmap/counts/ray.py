"""The same count on Ray Data, where a cluster of Ray is at hand.

Ray reads the files (or is given a Dataset) and hands its workers Arrow tables (`map_batches`). There a table goes
through `count_batch` (see `task.py`), with the task that is put into Ray's object store once; what comes back are sums,
which are added up here as they come, so that never more than the answer and a few batches' sums are held.

Needs `pip install gridmap[ray]`, and gridmap itself in the Python of the workers. A cluster that is running is used as
`ray.init` finds it (`RAY_ADDRESS`); otherwise a Ray of this machine is started.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridmap._extras import needs_extras
from gridmap.counts.duckdb import files_of, is_text, paths_of, source_of
from gridmap.counts.task import SUMS, CountQuery, combine, count_batch, finish, prepare
from gridmap.errors import InputError, ReadError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = ["count_in_ray"]

BATCH_ROWS = 1 << 17
#: Tables of sums that are held before they are added up.
HELD = 64


def count_in_ray(incidents: Any, grid: Grid, query: CountQuery) -> Counts:
    """Carry out a query on Ray.

    Parameters
    ----------
    incidents : Incidents, path(s) of Parquet or CSV, or a ray.data.Dataset
        A path with `://` in it is Ray's to understand (`s3://…`); others are files of this machine.
    grid : Grid
    query : CountQuery

    Raises
    ------
    InputError, ReadError
        As `count_by_cell`.
    MissingPackageError
        Where Ray is missing.
    """
    query.check_grid(grid)
    with needs_extras():
        import ray
        import ray.data
    with _quiet():
        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        name, dataset = _read(ray.data, incidents)
        names = query.read_columns(name, _columns(name, dataset))
        task = ray.put(prepare(grid, query))
        counted = dataset.select_columns(names).map_batches(
            _count, batch_format="pyarrow", batch_size=BATCH_ROWS, zero_copy_batch=True, fn_args=(ray.get, task)
        )
        sums = _added(counted.iter_batches(batch_format="pyarrow", batch_size=None))
    return finish(grid, query, sums)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Ray's account of its steps, and its warnings of its own settings, which are not the user's."""
    log = logging.getLogger("ray.data")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _count(batch: pa.Table, get: Callable[[Any], bytes], task: Any) -> pa.Table:
    """What a worker does with a batch; the task lies in its machine's object store."""
    return count_batch(get(task), batch) if batch.num_rows else SUMS.empty_table()


def _added(tables: Iterator[pa.Table]) -> pa.Table:
    """All sums together, added up some at a time."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table.cast(SUMS))
        if len(held) >= HELD:
            held = [combine(held)]
    return combine(held)


def _read(data: Any, incidents: Any) -> tuple[str, Any]:
    """A name for messages, and the incidents as a Dataset."""
    if hasattr(incidents, "map_batches"):
        return Note("counts.the_table"), incidents
    if isinstance(incidents, Incidents):
        name, files = source_of(incidents)
        return name, data.from_arrow(incidents.arrow()) if files is None else data.read_parquet(files)
    given = paths_of(incidents)
    here = [path for path in given if "://" not in path]
    paths = [path for path in given if "://" in path] + (files_of(here) if here else [])
    name = Path(paths[0]).name if len(paths) == 1 else Note("counts.files", n=len(paths))
    read = data.read_csv if is_text(paths[0]) else data.read_parquet
    return name, read(paths)


def _columns(name: str, dataset: Any) -> dict[str, str]:
    """The columns of a Dataset with DuckDB's names of their types."""
    import duckdb

    try:
        schema = dataset.schema()
    except Exception as error:  # Ray's errors carry those of its workers
        line = str(error).strip().splitlines()[-1]
        raise ReadError(Note("counts.unreadable", name=name, why=line)) from None
    if schema is None:
        raise InputError(Note("counts.no_place", name=name, column="lon", there=""))
    base = schema.base_schema
    arrow = base if isinstance(base, pa.Schema) else pa.schema(zip(schema.names, schema.types, strict=True))
    with duckdb.connect(":memory:") as con:
        con.register("source", arrow.empty_table())
        return {row[0]: row[1] for row in con.execute("DESCRIBE source").fetchall()}
