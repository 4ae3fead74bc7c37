"""Excel and OpenDocument sheets as tables.

python-calamine reads .xlsx, .xls, .xlsb and .ods with one code. Merged cells carry their value to every cell
they cover; dates arrive as dates where the sheet formats them so, otherwise as serial numbers that the time reader
knows. Sheets with the same header, such as one a month, are read as one table.
"""

import datetime as dt
import html.parser
import io
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import roles_in
from gridmap.read.files import check_zip
from gridmap.read.tables.base import MemoryTable, RawTable, is_total
from gridmap.read.tables.text import find_header, open_text, sniff_encoding, unique_names

__all__ = ["open_workbook"]


def open_workbook(path: Path, *, table: str | None = None) -> RawTable:
    """The table in a workbook: the named sheet, or all sheets with the header that fills most roles.

    Raises
    ------
    ReadError
        If it is not a workbook, locked with a password, or blank.
    InputError
        If the named sheet is absent, or several sheets of different shape hold coordinates.
    """
    import python_calamine

    with path.open("rb") as file:
        head = file.read(2048)
    if path.suffix.lower() in (".xls", ".xlsx") and not head.startswith((OLE, ZIP)):
        return _text_workbook(path, head)
    try:
        if zipfile.is_zipfile(path):
            check_zip(path)
            _require_dense(path)
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if table is not None and table not in names:
            raise InputError(Note("read.no_sheet", file=path.name, table=table, meant=did_you_mean(table, names)))
        sheets = {n: _sheet(book.get_sheet_by_name(n)) for n in ([table] if table is not None else names)}
    except (InputError, ReadError):
        raise
    except BaseException as problem:  # a panic of the parser is no Exception
        if isinstance(problem, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise ReadError(Note("read.no_workbook", file=path.name, why=reason)) from None
    return _joined(path, sheets, counts_from_1904=_counts_from_1904(path))


def _joined(path: Path, read: dict, **layout) -> MemoryTable:
    """The sheets with the header that fills most roles, as one table."""
    sheets = {n: s for n, s in read.items() if s is not None}
    if not sheets:
        raise ReadError(Note("read.blank_workbook", file=path.name))
    best = max(sheets, key=lambda n: (roles_in(sheets[n][0]), len(sheets[n][1])))
    header = sheets[best][0]
    taken = [n for n in sheets if sheets[n][0] == header]
    others = [n for n in sheets if n not in taken]
    rivals = [n for n in others if roles_in(sheets[n][0]) == roles_in(header) > 1]
    if rivals:
        raise InputError(Note("read.many_sheets", file=path.name, sheets=[*taken, *rivals]))
    notes = [Note("read.title_left_out", title=t[:80]) for n in taken for t in sheets[n][2]]
    if len(taken) > 1:
        notes.append(Note("read.sheets_joined", sheets=list(taken)))
    if others:
        notes.append(Note("read.sheets_left_out", sheets=list(others)))
    rows = [row for n in taken for row in sheets[n][1]]
    faults, kept, numbers = [], [], []
    for number, row in enumerate(rows, 1):
        if is_total(row) and sum(bool(c) for c in row) < 0.7 * len(row):
            faults.append((number, "totals_row", ""))
        else:
            kept.append(row)
            numbers.append(number)
    columns = unique_names(header)
    cells = list(zip(*kept, strict=True)) if kept else [()] * len(columns)
    data = pa.table({c: pa.array([v or None for v in cells[i]], pa.string()) for i, c in enumerate(columns)})
    return MemoryTable(
        name=path.name,
        columns=columns,
        notes=notes,
        layout={"sheet": ", ".join(taken), "titles": sum(len(sheets[n][2]) for n in taken), **layout},
        data=data,
        faults=faults,
        rows=np.array(numbers, np.int64),
    )


OLE, ZIP = b"\xd0\xcf\x11\xe0", b"PK"


def _counts_from_1904(path: Path) -> bool:
    """Whether a workbook's serial days begin on 1 January 1904, as Excel for the Mac counted."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return False
        try:
            said = archive.read("xl/workbook.xml")
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
            return False  # the parser was content with it
        return bool(re.search(rb"date1904\s*=\s*[\"'](1|true)[\"']", said))


#: A sheet with more cells between its corners than this, and few of them filled, would fill the memory.
MOST_EMPTY = 50_000_000


def _require_dense(path: Path) -> None:
    """Refuse a sheet of two cells a million rows apart: the parser would make all the cells between them.

    Raises
    ------
    ReadError
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                continue
            rows = columns = cells = 0
            with archive.open(name) as stream:
                rest = b""
                while block := stream.read(1 << 22):
                    found = re.findall(rb'<c[^>]*? r="([A-Z]{1,3})(\d{1,7})"', rest + block)
                    rest = block[-200:]
                    cells += len(found)
                    rows = max([rows, *(int(row) for _, row in found)])
                    columns = max([columns, *{_column_number(c) for c in {c for c, _ in found}}])
            if rows * columns > MOST_EMPTY and rows * columns > 50 * cells:
                raise ReadError(Note("read.sheet_bomb", file=path.name, rows=rows, columns=columns, cells=cells))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _text_workbook(path: Path, head: bytes) -> RawTable:
    """A file named .xls that is a table of HTML, XML of Excel 2003, or plain text, as many systems export."""
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1]
    if start != b"<":
        return open_text(path, None, None, None)
    parser = _Tables()
    data = path.read_bytes()
    declared = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?([\w-]+)", data[:4096])
    encoding = declared[1].decode() if declared else (sniff_encoding(io.BytesIO(data))[0] or "utf-8")
    try:
        parser.feed(data.decode(encoding, "replace"))
    except LookupError:
        parser.feed(data.decode("utf-8", "replace"))
    tables = {f"table {i}": _cells(rows) for i, rows in enumerate(parser.tables, 1) if len(rows) > 1}
    if not any(tables.values()):
        raise ReadError(Note("read.no_workbook", file=path.name, why="HTML"))
    return _joined(path, tables)


class _Tables(html.parser.HTMLParser):
    """The cells of the tables of an HTML page (tr, td, th) or of a workbook in XML (Row, Cell)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A table, a row or a cell begins."""
        tag = tag.rsplit(":", 1)[-1]
        if tag in ("table", "worksheet"):
            self.tables.append([])
        elif tag in ("tr", "row"):
            self.tables = self.tables or [[]]
            self.tables[-1].append([])
        elif tag in ("td", "th", "cell") and self.tables and self.tables[-1]:
            self._cell = []
            at = dict(attrs).get("ss:index")
            row = self.tables[-1][-1]
            row.extend([""] * ((int(at) - 1 - len(row)) if at and at.isdigit() and int(at) < 20_000 else 0))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A cell without content."""
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        """Text of a cell."""
        if self._cell is not None:
            self._cell.append(data)

    def handle_endtag(self, tag: str) -> None:
        """A cell ends."""
        if tag.rsplit(":", 1)[-1] in ("td", "th", "cell") and self._cell is not None and self.tables:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None


def _sheet(sheet) -> tuple[list[str], list[list[str]], list[str]] | None:
    """Header, rows and titles of a sheet as text; None for a blank one."""
    cells = [[_text(v) for v in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        if top < len(cells) and left < len(cells[top]) and (value := cells[top][left]):
            for r in range(top, min(bottom + 1, len(cells))):
                for c in range(left, min(right + 1, len(cells[r]))):
                    cells[r][c] = cells[r][c] or value
    return _cells(cells)


def _cells(cells: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]] | None:
    """Header, rows and titles of a block of cells; None for a blank one."""
    cells = [row for row in cells if any(c.strip() for c in row)]
    if not cells:
        return None
    used = [i for i in range(max(map(len, cells))) if any(i < len(row) and row[i].strip() for row in cells)]
    cells = [[row[i] if i < len(row) else "" for i in used] for row in cells]
    at, named = find_header(cells, len(used))
    if not named:
        return [f"column_{i}" for i in range(1, len(used) + 1)], cells, []
    header = [c.strip() for c in cells[at]]
    if at + 1 < len(cells):  # two header rows: 位置 over 经度 and 纬度
        both = [c.strip() or header[i] for i, c in enumerate(cells[at + 1])]
        if roles_in(both) > roles_in(header):
            header, at = both, at + 1
    if at and not all(header):
        header = [c or cells[at - 1][i].strip() for i, c in enumerate(header)]
    titles = [" ".join(dict.fromkeys(c.strip() for c in row if c.strip())) for row in cells[:at]]
    return header, cells[at + 1 :], titles


def _text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        seconds = int(value.total_seconds())
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return str(value)
