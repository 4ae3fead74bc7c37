"""An incident source opened, and the rows that decisions are made by."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap.errors import InputError
from gridmap.read.files import check_file, sha256_of
from gridmap.read.frames import frame_table
from gridmap.read.tables import RawTable, ReadAgain, open_table

__all__ = ["open_source", "sample_of"]

IN_MEMORY = 1 << 29  # bytes of text; what is larger is streamed to Parquet
SAMPLE = 20_000


def open_source(path, table, encoding) -> tuple[RawTable, dict]:
    """A file, a frame or a database as a raw table, and where it came from: `path, sha256`.

    Raises
    ------
    InputError
        For what is none of them.
    ReadError
        If it cannot be opened.
    """
    if isinstance(path, pd.DataFrame):
        return frame_table(path, "memory"), {"path": "memory", "sha256": None}
    if isinstance(path, str) and "://" in path:
        from gridmap.read.databases import open_database

        raw = open_database(path, table=table)
        return raw, {"path": raw.name, "sha256": None}
    if not isinstance(path, str | Path):
        raise InputError(f"Incidents are read from a path or a frame, not from a {type(path).__name__}.")
    file = check_file(path, "incidents")
    return open_table(file, table=table, encoding=encoding), {"path": str(path), "sha256": sha256_of(file)}


def sample_of(raw: RawTable) -> tuple[pa.Table, list | None]:
    """Rows to decide by, and all the batches when they fit in memory."""
    for _ in range(2):
        try:
            if raw.size <= IN_MEMORY:
                whole = list(raw.batches())
                tables = [b.table for b in whole]
                table = (
                    pa.concat_tables(tables)
                    if tables
                    else pa.table({c: pa.array([], pa.string()) for c in raw.columns})
                )
                return _spread(table), whole
            parts, seen = [], 0
            for batch in raw.batches():
                parts.append(batch.table)
                seen += batch.table.num_rows
                if seen >= 5 * SAMPLE:
                    break
            return _spread(pa.concat_tables(parts)), None
        except ReadAgain:
            continue
    raise AssertionError("the careful reader failed as the quick one did")


def _spread(table: pa.Table) -> pa.Table:
    if table.num_rows <= SAMPLE:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, SAMPLE).astype(np.int64)))
