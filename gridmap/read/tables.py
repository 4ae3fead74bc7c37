"""Any table as batches of Arrow columns, with the number each row has in its file.

One question: what rows are there. What the columns mean is decided later. Text stays text, so that "007" and a date
keep what they say. A CSV is read by pyarrow where every row has as many fields as the header, and by Python's csv
otherwise, which is slower but knows which row is at fault. Batches keep 10⁷ rows in bounded memory.
"""

import codecs
import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from gridmap.errors import InputError, ReadError, SettingError
from gridmap.messages import did_you_mean
from gridmap.read.files import LONGEST_LINE, READ_FAILURES, check_text, open_bytes, zip_members
from gridmap.read.raw_tables import Batch, MemoryTable, RawTable, is_total
from gridmap.read.sniff import BOMS, find_layout, sniff_encoding

__all__ = ["Batch", "CsvTable", "MemoryTable", "ParquetTable", "RawTable", "ReadAgain", "open_table"]

TEXTS = (".csv", ".txt", ".tsv", ".tab", ".dat")
BOOKS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
VECTORS = (".geojson", ".json", ".gpkg", ".shp", ".fgb", ".gml", ".kml", ".kmz", ".geoparquet")
BLOCK = 16 << 20
CSV_ROWS = 50_000


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
            raise ReadError(
                f"{self.name} is damaged ({' '.join(str(problem).split())[:120]}). Export it again."
            ) from None
        finally:
            file.close()


@dataclass
class CsvTable(RawTable):
    """Delimited text, also in .gz and .zip."""

    path: Path | None = None
    member: str | None = None
    offset: int = 0
    delimiter: str = ","
    width: int = 0
    ragged: bool = False

    def _open(self):
        stream = open_bytes(self.path, self.member)
        left = self.offset
        while left:
            left -= len(stream.read(left)) or left
        return stream

    def batches(self, columns=None):
        """The rows in order; restarted by Python's csv when a row has another number of fields."""
        if not self.ragged and len(self.delimiter.encode()) == 1:
            done = 0
            try:
                for batch in self._arrow(columns):
                    done += 1
                    yield batch
                return
            except (pa.ArrowInvalid, UnicodeDecodeError) as problem:
                self.ragged = True
                if done:
                    raise ReadAgain(str(problem)) from None
        yield from self._python(columns)

    def _arrow(self, columns):
        stream, start = self._open(), 1
        with stream:
            if not stream.read(1):
                return
        with self._open() as stream:
            reader = pacsv.open_csv(
                stream,
                pacsv.ReadOptions(column_names=self.columns, encoding=self.encoding, block_size=BLOCK),
                pacsv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self.columns, pa.string()),
                    include_columns=columns,
                    strings_can_be_null=True,
                    null_values=[""],
                ),
            )
            for batch in reader:
                if batch.num_rows:
                    yield Batch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
                    start += batch.num_rows

    def _python(self, columns):
        wanted = self.columns if columns is None else columns
        at = [self.columns.index(c) for c in wanted]
        width, number, kept, rows, faults = self.width, 0, [], [], []

        def batch():
            cells = list(zip(*kept, strict=True)) if kept else [()] * width
            arrays = [pa.array([v or None for v in cells[i]], pa.string()) for i in at]
            return Batch(pa.Table.from_arrays(arrays, names=list(wanted)), np.array(rows, np.int64), list(faults))

        with self._open() as stream:
            text = io.TextIOWrapper(stream, encoding=self.encoding, errors="replace", newline="")
            csv.field_size_limit(LONGEST_LINE)
            try:
                for row in csv.reader(text, delimiter=self.delimiter):
                    if not row:
                        continue
                    number += 1
                    if len(row) > width and not any(c.strip() for c in row[width:]):
                        row = row[:width]
                    if len(row) == width:
                        kept.append(row)
                        rows.append(number)
                    elif is_total(row):
                        faults.append((number, "totals_row", f"{len(row)} fields instead of {width}"))
                    else:
                        faults.append((number, "wrong_field_count", f"{len(row)} fields instead of {width}"))
                    if len(kept) >= CSV_ROWS or len(faults) >= CSV_ROWS:
                        yield batch()
                        kept, rows, faults = [], [], []
            except csv.Error as problem:
                raise ReadError(
                    f"{self.name} is no table of text: {' '.join(str(problem).split())} in row {number + 1}."
                ) from None
            except READ_FAILURES as problem:
                why = " ".join(str(problem).split())
                raise ReadError(
                    f"{self.name} breaks off or is damaged after row {number} ({why}). Export it again."
                ) from None
        if kept or faults:
            yield batch()


class ReadAgain(Exception):
    """The quick reader failed midway; the whole file is to be read again by the careful one."""


def open_table(
    path: Path, *, table: str | None = None, encoding: str | None = None, what: str = "incidents"
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
            raise ReadError(f"{path.name}: only text tables (.csv, .txt, .tsv) are read from .gz. Unpack it first.")
    elif suffix == ".zip":
        inside = zip_members(path)
        tables = [m for m in inside if Path(m).suffix.lower() in TEXTS]
        if not tables and any(Path(m).suffix.lower() in (".shp", ".geojson", ".gpkg") for m in inside):
            return _vector(path, table)
        if table is not None and table not in tables:
            raise InputError(f"{path.name} holds no table {table!r}. {did_you_mean(table, tables)}")
        if not tables:
            raise ReadError(
                f"{path.name} holds no .csv or .txt table but {', '.join(list(inside)[:5]) or 'nothing'}. "
                "Unpack it first."
            )
        if len(tables) > 1 and table is None:
            raise InputError(
                f"{path.name} holds {len(tables)} tables. Choose one with table=…: {', '.join(sorted(tables)[:8])}."
            )
        member = table or tables[0]
        suffix = Path(member).suffix.lower()
    if suffix == ".parquet" or suffix == ".geoparquet":
        return _parquet(path)
    if suffix in BOOKS:
        from gridmap.read.workbooks import open_workbook

        return open_workbook(path, table=table)
    if suffix in VECTORS:
        return _vector(path, table)
    if suffix in TEXTS:
        return _text(path, member, encoding, what)
    raise ReadError(
        f"{path.name} is of no known table format. "
        f"{did_you_mean(suffix, (*TEXTS, '.gz', '.zip', '.parquet', *BOOKS, *VECTORS))}"
    )


def _text(path: Path, member: str | None, encoding: str | None, what: str) -> CsvTable:
    name = f"{path.name}/{member}" if member else path.name
    try:
        check_text(path, member)
        with open_bytes(path, member) as stream:
            bom = 0
            if encoding is None:
                encoding, bom = sniff_encoding(stream)
                found = True
            else:
                try:
                    codecs.lookup(encoding)
                except LookupError:
                    raise SettingError(
                        f"encoding={encoding!r} is not known. Use utf-8, gb18030, big5, utf-16, …"
                    ) from None
                found = False
        with open_bytes(path, member) as stream:
            head = stream.read(1 << 20)
            whole = len(head) < 1 << 20
            if not found:
                for mark, plain in BOMS:
                    if head.startswith(mark) and codecs.lookup(encoding).name.startswith(plain[:6]):
                        encoding, bom = plain, len(mark)
            text = codecs.getincrementaldecoder(encoding)("replace").decode(head[bom:])
    except READ_FAILURES as problem:
        if isinstance(problem, ReadError):
            raise
        raise ReadError(f"{name} cannot be unpacked ({' '.join(str(problem).split())}). Export it again.") from None
    if text.count("\0") > 0.001 * len(text) or (len(text) and text.count("\ufffd") > 0.05 * len(text)):
        raise ReadError(
            f"{name} is not a table of text, or not in {encoding}. Export it as CSV, or name its encoding=…."
        )
    try:
        layout = find_layout(text, whole=whole)
    except ReadError:
        raise ReadError(
            f"{name} is blank: it has no header and no rows, so there are no {what} in it. Export it again."
        ) from None
    notes = [f"title row left out: {t[:80]}" for t in layout.titles]
    if not layout.named:
        notes.append("The file has no header row, so its columns were numbered.")
    offset = bom + len(text[: layout.header_chars].encode(encoding, "replace"))
    size = path.stat().st_size * (8 if path.suffix.lower() in (".gz", ".zip") else 1)
    return CsvTable(
        name=name,
        columns=layout.header,
        encoding=encoding,
        notes=notes,
        size=size,
        layout={
            "delimiter": layout.delimiter,
            "header_row": layout.header_rows if layout.named else 0,
            "titles": len(layout.titles),
        },
        path=path,
        member=member,
        offset=offset,
        delimiter=layout.delimiter,
        width=layout.width,
    )


def _parquet(path: Path) -> RawTable:
    try:
        with pq.ParquetFile(path) as file:
            schema, size = (
                file.schema_arrow,
                sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)),
            )
    except (pa.ArrowException, OSError) as problem:
        raise ReadError(
            f"{path.name} is not a readable Parquet file ({' '.join(str(problem).split())[:100]}). Export it again."
        ) from None
    if schema.metadata and b"geo" in schema.metadata:
        return _vector(path, None)
    return ParquetTable(name=path.name, columns=list(schema.names), size=size, path=path)


def _vector(path: Path, layer: str | None) -> MemoryTable:
    from gridmap.read.boundaries import read_vector
    from gridmap.read.frames import frame_table

    return frame_table(read_vector(path, layer=layer), path.name)
