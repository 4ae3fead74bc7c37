"""Parquet as batches of rows, a few row groups at a time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridmap.errors import ReadError
from gridmap.messages import Note
from gridmap.read.tables.base import Batch, RawTable
from gridmap.read.tables.vector import frame_table, read_vector

__all__ = ["ParquetTable", "open_parquet"]


@dataclass
class ParquetTable(RawTable):
    """Parquet, a few row groups at a time."""

    path: Path | None = None

    def batches(self, columns=None):
        """The rows in order."""
        start, file = 1, pq.ParquetFile(self.path)
        try:
            for batch in file.iter_batches(batch_size=500_000, columns=columns):
                yield Batch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
                start += batch.num_rows
        except (pa.ArrowException, OSError) as problem:
            raise ReadError(Note("read.damaged", file=self.name, why=" ".join(str(problem).split())[:120])) from None
        finally:
            file.close()


def open_parquet(path: Path) -> RawTable:
    """A Parquet file as a table; one with geometry is read as a layer of points."""
    try:
        with pq.ParquetFile(path) as file:
            schema, size = (
                file.schema_arrow,
                sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)),
            )
    except (pa.ArrowException, OSError) as problem:
        raise ReadError(Note("read.no_parquet", file=path.name, why=" ".join(str(problem).split())[:100])) from None
    if schema.metadata and b"geo" in schema.metadata:
        return frame_table(read_vector(path), path.name)
    return ParquetTable(name=path.name, columns=list(schema.names), size=size, path=path)
