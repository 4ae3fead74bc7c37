"""Parquet as batches of rows, a few row groups at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gridmap.errors import ReadError
from gridmap.messages import Note
from gridmap.read.file_access import MOST_UNPACKED, brief
from gridmap.read.tables.base import Batch, RawTable
from gridmap.read.tables.vector import MOST_CELLS, frame_table, read_vector, require_no_bomb

__all__ = ["ParquetTable", "open_parquet"]

ROWS = 500_000


@dataclass
class ParquetTable(RawTable):
    """Parquet, a few row groups at a time."""

    path: Path = Path()
    texts: list[str] = field(default_factory=list)

    def batches(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """The rows in order; text that unpacks to far more than the file is refused before it is unpacked."""
        packed, unpacked, start = self.path.stat().st_size, 0, 1
        file = pq.ParquetFile(self.path, read_dictionary=self.texts)
        try:
            for batch in file.iter_batches(batch_size=ROWS, columns=columns):
                unpacked += sum(_text_bytes(c) for c in batch.columns if pa.types.is_dictionary(c.type))
                if unpacked > MOST_CELLS and unpacked > MOST_UNPACKED * packed:
                    raise ReadError(Note("read.text_columns_bomb", file=self.name, packed=packed, total=unpacked))
                plain = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns]
                table = pa.Table.from_arrays(plain, names=batch.schema.names)
                table.validate(full=True)  # text that is not in UTF-8
                yield Batch(table, np.arange(start, start + batch.num_rows))
                start += batch.num_rows
        except (pa.ArrowException, OSError, UnicodeError) as problem:
            raise ReadError(Note("read.damaged", file=self.name, why=brief(problem, 120))) from None
        finally:
            file.close()


def _text_bytes(column: pa.DictionaryArray) -> int:
    """How many bytes a column of dictionary codes has as text."""
    if not (pa.types.is_string(column.dictionary.type) or pa.types.is_binary(column.dictionary.type)):
        return 0
    lengths = np.append(np.asarray(pc.binary_length(column.dictionary).fill_null(0)), 0)
    return int(lengths[np.asarray(column.indices.fill_null(len(lengths) - 1))].sum())


def open_parquet(path: Path) -> RawTable:
    """A Parquet file as a table; one with geometry is read as a layer of points."""
    require_no_bomb(path)
    try:
        with pq.ParquetFile(path) as file:
            schema, about = file.schema_arrow, file.metadata
            bytes_of_groups = sum(about.row_group(i).total_byte_size for i in range(file.num_row_groups))
    except (pa.ArrowException, OSError, UnicodeError) as problem:
        raise ReadError(Note("read.no_parquet", file=path.name, why=brief(problem, 100))) from None
    if schema.metadata and b"geo" in schema.metadata:
        return frame_table(read_vector(path), path.name)
    size = max(bytes_of_groups, about.num_rows * about.num_columns * 8)
    texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_binary(f.type)]
    return ParquetTable(name=path.name, columns=list(schema.names), size=size, path=path, texts=texts)
