"""Where rows come from: a file of any table format, a frame or a database, opened; and a sample to decide by."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap._io import sha256_of
from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.file_access import check_file, is_web_address, zip_members
from gridmap.read.tables.base import Batch, MemoryTable, RawTable, ReadAgain
from gridmap.read.tables.parquet import open_parquet
from gridmap.read.tables.text import TEXTS, open_text
from gridmap.read.tables.vector import frame_table, read_vector
from gridmap.read.tables.workbook import open_workbook

__all__ = ["again", "open_source", "open_table", "sample_of"]

IN_MEMORY = (
    128 << 20
)  # bytes of a file that is held whole; a larger one is read in pieces, into a temporary Parquet file
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
    if isinstance(path, str) and "://" in path and not is_web_address(path):
        from gridmap.read.databases import open_database

        raw = open_database(path, table=table)
        return raw, {"path": raw.name, "sha256": None}
    if not isinstance(path, str | Path):
        raise InputError(Note("read.incidents_type", kind=type(path).__name__))
    file = check_file(path, Note("read.incidents_file"))
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


def again(batches, columns: list[str] | None = None) -> Iterator[Batch]:
    """The batches once more, whichever reader is needed; a list of them, or what gives them."""
    if isinstance(batches, list):
        yield from batches
        return
    for _ in range(2):
        try:
            yield from batches(columns)
            return
        except ReadAgain:
            continue


def _spread(table: pa.Table) -> pa.Table:
    if table.num_rows <= SAMPLE:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, SAMPLE).astype(np.int64)))


BOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


VECTORS = (".geojson", ".json", ".gpkg", ".shp", ".fgb", ".gml", ".kml", ".kmz", ".geoparquet")


def open_table(
    path: Path, *, table: str | None = None, encoding: str | None = None, what: str | None = None
) -> RawTable:
    """The table in a file, its layout found.

    Parameters
    ----------
    path : Path, checked
    table : str, optional
        Sheet of a workbook, layer of a GeoPackage, or file in a zip archive.
    encoding : str, optional
        Of a text; found where it is not given.

    Raises
    ------
    ReadError, InputError
    """
    suffix = path.suffix.lower()
    member = None
    if suffix == ".gz":
        suffix = Path(path.stem).suffix.lower() or ".csv"
        if suffix not in TEXTS:
            raise ReadError(Note("read.gz_text_only", file=path.name))
    elif suffix == ".zip":
        inside = zip_members(path)
        tables = [m for m in inside if Path(m).suffix.lower() in TEXTS]
        if not tables and any(Path(m).suffix.lower() in (".shp", ".geojson", ".gpkg") for m in inside):
            return _vector(path, table)
        if table is not None and table not in tables:
            raise InputError(Note("read.no_table", file=path.name, table=table, meant=did_you_mean(table, tables)))
        if not tables:
            raise ReadError(Note("read.zip_no_table", file=path.name, inside=", ".join(list(inside)[:5]) or "nothing"))
        if len(tables) > 1 and table is None:
            raise InputError(
                Note("read.zip_many_tables", file=path.name, n=len(tables), tables=list(sorted(tables)[:8]))
            )
        member = table or tables[0]
        suffix = Path(member).suffix.lower()
    if suffix == ".parquet" or suffix == ".geoparquet":
        return open_parquet(path)
    if suffix in BOOKS:
        return open_workbook(path, table=table)
    if suffix in VECTORS:
        return _vector(path, table)
    if suffix in TEXTS:
        return open_text(path, member, encoding, what)
    raise ReadError(
        Note(
            "read.no_table_format",
            file=path.name,
            meant=did_you_mean(suffix, (*TEXTS, ".gz", ".zip", ".parquet", *BOOKS, *VECTORS)),
        )
    )


def _vector(path: Path, layer: str | None) -> MemoryTable:
    return frame_table(read_vector(path, layer=layer), path.name)
