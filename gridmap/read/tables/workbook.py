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
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import roles_in
from gridmap.read.file_access import MOST_EMPTY, MOST_UNPACKED, check_zip, require_few_columns
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
        _require_sensible(path)
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if table is not None and table not in names:
            raise InputError(Note("read.no_sheet", file=path.name, table=table, meant=did_you_mean(table, names)))
        sheets = {n: _sheet(book.get_sheet_by_name(n), path.name) for n in ([table] if table is not None else names)}
    except (InputError, ReadError):
        raise
    except BaseException as problem:  # a panic of the parser is not an Exception
        if isinstance(problem, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise ReadError(Note("read.no_workbook", file=path.name, why=reason)) from None
    return _joined(path, sheets, counts_from_1904=_counts_from_1904(path))


@dataclass
class _Sheet:
    """A block of cells as a table: its heading, its rows and the number that Excel shows beside each, its titles."""

    header: list[str]
    rows: list[list[str]]
    numbers: list[int]
    titles: list[str]


def _joined(path: Path, read: dict[str, _Sheet | None], **layout) -> MemoryTable:
    """The sheets with the header that fills most roles, as one table."""
    sheets = {n: s for n, s in read.items() if s is not None}
    if not sheets:
        raise ReadError(Note("read.blank_workbook", file=path.name))
    best = max(sheets, key=lambda n: (roles_in(sheets[n].header), len(sheets[n].rows)))
    header = sheets[best].header
    taken = [n for n in sheets if sheets[n].header == header]
    others = [n for n in sheets if n not in taken]
    rivals = [n for n in others if roles_in(sheets[n].header) == roles_in(header) > 1]
    if rivals:
        raise InputError(Note("read.many_sheets", file=path.name, sheets=[*taken, *rivals]))
    notes = [Note("read.title_left_out", title=t[:80]) for n in taken for t in sheets[n].titles]
    if len(taken) > 1:
        notes.append(Note("read.sheets_joined", sheets=list(taken)))
    if others:
        notes.append(Note("read.sheets_left_out", sheets=list(others)))
    rows = [row for n in taken for row in sheets[n].rows]
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
        layout={"sheet": ", ".join(taken), "titles": sum(len(sheets[n].titles) for n in taken), **layout},
        data=data,
        faults=faults,
        rows=np.array(numbers, np.int64),
        shown_at=[(n, number) for n in taken for number in sheets[n].numbers],
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
            text = archive.read("xl/workbook.xml")
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError):
            return False  # the parser was content with it
        return bool(re.search(rb"date1904\s*=\s*[\"'](1|true)[\"']", text))


#: Text that all cells of a workbook have together, below which nobody worries.
MOST_TEXT = 256 << 20


@dataclass
class _Volume:
    """What a sheet comes to when the parser has made it: all cells from the first corner on, each with its text.

    It is measured on the bytes before the parser sees them, because the parser makes all at once and takes the process
    with it when the memory ends. What the parser might not count is counted, so a sheet may be found larger than it is.
    """

    rows: int = 0
    columns: int = 0
    filled: int = 0
    text: int = 0

    def add(self, row: int, column: int) -> None:
        """A cell, by its numbers from 1."""
        self.rows, self.columns, self.filled = max(self.rows, row), max(self.columns, column), self.filled + 1


def _require_sensible(path: Path) -> None:
    """Refuse a workbook of few bytes and many cells: two cells a million rows apart, one long text in each of them.

    Raises
    ------
    ReadError
    """
    if zipfile.is_zipfile(path):
        check_zip(path)
        with zipfile.ZipFile(path) as archive:
            sheets, times = _volumes_of_parts(archive), _sheets_by_part(archive)
    else:
        sheets, times = _volumes_of_xls(path.read_bytes()), 1
    if not sheets:
        return
    worst = max(sheets, key=lambda sheet: sheet.rows * sheet.columns)
    volume, filled = (sum(n) for n in zip(*((s.rows * s.columns, s.filled) for s in sheets), strict=True))
    if volume * times > MOST_EMPTY and (times > 1 or volume > 50 * filled):
        raise ReadError(
            Note("read.sheet_bomb", file=path.name, rows=worst.rows, columns=worst.columns, cells=worst.filled)
        )
    packed, text = path.stat().st_size, sum(sheet.text for sheet in sheets) * times
    if text > MOST_TEXT and text > MOST_UNPACKED * packed:
        raise ReadError(Note("read.text_columns_bomb", file=path.name, packed=packed, total=text))


#: Parts of a workbook that no sheet is made of.
MEDIA = (".png", ".jpg", ".jpeg", ".gif", ".emf", ".wmf", ".rels", ".vml")
#: An attribute `r` of any element of a sheet: the place of a cell, or the number of a row.
PLACE = re.compile(rb"\sr\s*=\s*[\"']\s*([A-Za-z]{0,7})(\d{1,10})")
CELL = re.compile(rb"<(?:[\w.-]+:)?c[\s>/]")
ROW = re.compile(rb"<(?:[\w.-]+:)?row[\s>/]")
TEXT_ITEM = re.compile(rb"<(?:[\w.-]+:)?si[\s>/]")
TEXT_NUMBER = re.compile(rb"<(?:[\w.-]+:)?v(?:\s[^<>]*)?>\s*(\d{1,9})")


def _volumes_of_parts(archive: zipfile.ZipFile) -> list[_Volume]:
    """Of an .xlsx, .xlsb or .ods: of each part that holds cells."""
    found: dict[str, _Volume] = {}
    lengths: list[int] = []
    for name in archive.namelist():
        if name.lower().endswith(MEDIA):
            continue
        with archive.open(name) as stream:
            if name.lower().endswith(".bin"):
                sheet, texts = _volume_of_records(stream.read())
            elif name == "content.xml":
                sheet, texts = _volume_of_table_rows(_blocks(stream)), []
            else:
                sheet, texts = _volume_of_xml(_blocks(stream))
        lengths = texts or lengths
        if sheet.filled:
            found[name] = sheet
    if max(lengths, default=0) * sum(sheet.filled for sheet in found.values()) > MOST_TEXT:
        for name, sheet in found.items():  # counted exactly only where it matters
            sheet.text += _text_of(_numbers_of_texts(archive, name), lengths)
    return list(found.values())


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """A stream in blocks of some megabytes that end before a tag."""
    rest = b""
    while block := stream.read(1 << 22):
        block = rest + block
        at = block.rfind(b"<")
        at = len(block) if at <= 0 else at
        yield block[:at]
        rest = block[at:]
    yield rest


def _volume_of_xml(blocks: Iterable[bytes]) -> tuple[_Volume, list[int]]:
    """Of a sheet of .xlsx; and the lengths of the texts, where the part is the table of texts."""
    found, texts, unnumbered, widest = _Volume(), [], 0, 0
    for block in blocks:
        places, cells, rows = PLACE.findall(block), len(CELL.findall(block)), len(ROW.findall(block))
        found.filled += cells
        if places:
            found.rows = max(found.rows, max(int(row) for _, row in places))
            found.columns = max([found.columns, *map(_column_number, {column for column, _ in places})])
        if cells + rows > len(places):  # those without a place follow on each other
            unnumbered += rows
            widest = max([widest, *(len(CELL.findall(row)) for row in ROW.split(block))])
        texts += [len(item) for item in TEXT_ITEM.split(block)[1:]]
    found.rows += unnumbered
    found.columns += widest
    return found, texts


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _numbers_of_texts(archive: zipfile.ZipFile, name: str) -> Iterator[int]:
    """Which of the texts the cells of a part name."""
    with archive.open(name) as stream:
        if name.lower().endswith(".bin"):
            for kind, body in _records(stream.read()):
                if kind == CELL_OF_TEXT:
                    yield int.from_bytes(body[8:12], "little")
        else:
            for block in _blocks(stream):
                yield from map(int, TEXT_NUMBER.findall(block))


def _text_of(numbers: Iterable[int], lengths: list[int]) -> int:
    """How long those texts are together; one that is not in the table counts as the longest."""
    long = max(lengths, default=0)
    return sum(lengths[n] if n < len(lengths) else long for n in numbers)


def _sheets_by_part(archive: zipfile.ZipFile) -> int:
    """The most sheets of a workbook that are made of one and the same part."""
    targets: dict[bytes, bytes] = {}
    sheets: list[bytes] = []
    for name in archive.namelist():
        if name.lower().endswith((".xml.rels", ".bin.rels")):
            for tag in re.findall(rb"<(?:[\w.-]+:)?Relationship\s[^<>]*>", archive.read(name)):
                link = dict(re.findall(rb"\b(Id|Target)\s*=\s*[\"']([^\"']*)", tag))
                targets[link.get(b"Id", b"")] = link.get(b"Target", b"").rsplit(b"/", 1)[-1].lower()
        elif name.lower().endswith("workbook.xml"):
            tags = re.findall(rb"<(?:[\w.-]+:)?sheet\s[^<>]*>", archive.read(name))
            sheets += [m[1] if (m := re.search(rb":id\s*=\s*[\"']([^\"']*)", tag)) else b"" for tag in tags]
        elif name.lower().endswith("workbook.bin"):
            bodies = [body for kind, body in _records(archive.read(name)) if kind == SHEET_OF_RECORDS]
            sheets += [b[12 : 12 + 2 * int.from_bytes(b[8:12], "little")].replace(b"\0", b"") for b in bodies]
    return max(Counter(targets.get(sheet, b"") for sheet in sheets).values(), default=1)


#: An element of an OpenDocument table with its attributes, in which a > may stand within quotes.
TABLE_TAG = re.compile(rb"<(?:[\w.-]+:)?(table-row|table-cell|covered-table-cell)\b((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
REPEATED = re.compile(rb"number-(?:rows|columns)-repeated\s*=\s*[\"']\s*([^\"'\s]*)")


def _volume_of_table_rows(blocks: Iterable[bytes]) -> _Volume:
    """Of an .ods, whose rows and cells say how often they are repeated; the blank ones at the end are not made."""
    found, rows, times, width, blank = _Volume(), 0, 0, 0, 0
    repeats, text = 0, 0  # of the cell whose text goes on
    for block in blocks:
        for tag in TABLE_TAG.finditer(block):
            found.text += (tag.start() - text) * repeats
            often = max((int(n) if n.isdigit() else 1 << 40 for n in REPEATED.findall(tag[2])), default=1)
            repeats, text = 0, tag.end()
            if tag[1] == b"table-row":
                rows, times, width, blank = rows + times, often, 0, 0
            elif tag[2].rstrip().endswith(b"/") and b"value" not in tag[2]:
                blank += often
            else:
                width, blank, repeats = width + blank + often, 0, often * times
                found.filled += 1
                found.rows, found.columns = max(found.rows, rows + times), max(found.columns, width)
        found.text += (len(block) - text) * repeats
        text = 0
    return found


#: Records of an .xlsb: a row begins, its cells (from blank to formula), a text of the table of texts, a sheet.
ROW_BEGINS, CELLS, CELL_OF_TEXT, TEXT_RECORD, SHEET_OF_RECORDS = 0, range(1, 12), 7, 19, 156


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a part of an .xlsb: kind and content."""
    at, end = 0, len(data)
    while at < end:
        kind = data[at]
        at += 1
        if kind & 128 and at < end:
            kind = (kind & 127) | (data[at] & 127) << 7
            at += 1
        size = 0
        for shift in (0, 7, 14, 21):
            byte = data[at] if at < end else 0
            at += 1
            size |= (byte & 127) << shift
            if not byte & 128:
                break
        yield kind, data[at : at + min(size, 64)]
        at += size


def _volume_of_records(data: bytes) -> tuple[_Volume, list[int]]:
    """Of a part of an .xlsb; and the lengths of the texts, where the part is the table of texts."""
    found, texts, row = _Volume(), [], 0
    for kind, body in _records(data):
        if kind == ROW_BEGINS:
            row = int.from_bytes(body[:4], "little") + 1
        elif kind in CELLS:
            found.add(row, int.from_bytes(body[:4], "little") + 1)
        elif kind == TEXT_RECORD:
            texts.append(int.from_bytes(body[1:5], "little"))
    return found, texts


#: Records of an .xls: a sheet begins, cells, rows of cells, cells of a text, the table of texts, what goes on.
XLS_SHEET, XLS_CELLS, XLS_ROWS = 0x0809, (*range(0x0001, 0x0007), *range(0x0201, 0x0207), 0x027E, 0x00D6), (0xBD, 0xBE)
XLS_OF_TEXT, XLS_TEXTS, XLS_GOES_ON = 0x00FD, 0x00FC, 0x003C


def _volumes_of_xls(data: bytes) -> list[_Volume]:
    """Of an .xls: of each sheet in its stream of records."""
    stream = _stream_of_ole(data)
    sheets, numbers, table, last, at = [_Volume()], [], [], 0, 0
    while at + 4 <= len(stream):
        kind, size = int.from_bytes(stream[at : at + 2], "little"), int.from_bytes(stream[at + 2 : at + 4], "little")
        body = stream[at + 4 : at + 4 + size]
        at += 4 + size
        if kind == XLS_SHEET:
            sheets.append(_Volume())
        elif kind in XLS_CELLS or kind in XLS_ROWS or kind == XLS_OF_TEXT:
            row, first = int.from_bytes(body[:2], "little"), int.from_bytes(body[2:4], "little")
            ends = int.from_bytes(body[-2:], "little") if kind in XLS_ROWS else first
            sheets[-1].add(row + 1, max(first, ends) + 1)
            if kind == XLS_OF_TEXT:
                numbers.append(int.from_bytes(body[6:10], "little"))
        elif kind == XLS_TEXTS or (kind == XLS_GOES_ON and last == XLS_TEXTS):
            table.append(body)
            kind = XLS_TEXTS
        last = kind
    sheets[0].text = _text_of(numbers, _lengths_of_texts(table))
    return sheets


def _lengths_of_texts(table: list[bytes]) -> list[int]:
    """How long the texts of an .xls are, where the end of a record may cut one in two."""
    lengths, part, at = [], 0, 8
    while part < len(table):
        body = table[part]
        if at + 3 > len(body):
            part, at = part + 1, 0
            continue
        left, marks = int.from_bytes(body[at : at + 2], "little"), body[at + 2]
        lengths.append(left)
        at, more, width = at + 3, 0, 1 + (marks & 1)
        if marks & 8:  # runs of another font
            at, more = at + 2, 4 * int.from_bytes(body[at : at + 2], "little")
        if marks & 4:  # how it is read aloud
            at, more = at + 4, more + int.from_bytes(body[at : at + 4], "little")
        while left and part < len(table):
            here = min(left, max(len(table[part]) - at, 0) // width)
            left, at = left - here, at + here * width
            if left:  # the next record says anew how wide its characters are
                part, at = part + 1, 1
                width = 1 + (table[part][0] & 1) if part < len(table) and table[part] else 1
        while more and part < len(table):
            here = min(more, max(len(table[part]) - at, 0))
            more, at = more - here, at + here
            if more:
                part, at = part + 1, 0
    return lengths


def _stream_of_ole(data: bytes) -> bytes:
    """The stream of sheets in a compound file, its sectors in their order; the whole file where there is none."""
    if not data.startswith(OLE) or len(data) < 512:
        return data
    sector = 1 << min(max(data[30], 7), 16)
    words = np.frombuffer(data[: len(data) // 4 * 4], "<u4")

    def place(n: int) -> int:
        return (n + 1) * sector

    blocks, following = words[19:128].tolist(), int(words[17])
    for _ in range(min(int(words[18]), len(data) // sector)):
        at = place(following) // 4
        if at + sector // 4 > len(words):
            break
        blocks += words[at : at + sector // 4 - 1].tolist()
        following = int(words[at + sector // 4 - 1])
    table = [n for b in blocks if place(b) < len(data) for n in words[place(b) // 4 : place(b + 1) // 4].tolist()]

    def chain(n: int) -> bytes:
        parts: list[bytes] = []
        while n < len(table) and len(parts) <= len(table):
            parts.append(data[place(n) : place(n + 1)])
            n = table[n]
        return b"".join(parts)

    folder = chain(int(words[12]))
    for at in range(0, len(folder) - 127, 128):
        name = folder[at : at + 64].decode("utf-16-le", "replace").split("\0")[0]
        if name.lower() in ("workbook", "book"):
            return chain(int.from_bytes(folder[at + 116 : at + 120], "little")) or data
    return data


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
    if parser.wasteful:
        widest = max(len(row) for rows in parser.tables for row in rows)
        n = sum(map(len, parser.tables))
        raise ReadError(Note("read.sheet_bomb", file=path.name, rows=n, columns=widest, cells=data.count(b"</")))
    tables = {f"table {i}": _cells(rows, path.name) for i, rows in enumerate(parser.tables, 1) if len(rows) > 1}
    if not any(tables.values()):
        raise ReadError(Note("read.no_workbook", file=path.name, why="HTML"))
    return _joined(path, tables)


class _Tables(html.parser.HTMLParser):
    """The cells of the tables of an HTML page (tr, td, th) or of a workbook in XML (Row, Cell)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._left = MOST_EMPTY  # blank cells that may be made of a place further on

    @property
    def wasteful(self) -> bool:
        """Whether the places of its cells leave more blanks than any table has."""
        return self._left < 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A table, a row or a cell begins."""
        tag = tag.rsplit(":", 1)[-1]
        if tag in ("table", "worksheet"):
            self.tables.append([])
        elif tag in ("tr", "row"):
            self.tables = self.tables or [[]]
            self.tables[-1].extend([] for _ in range(self._blanks_before(attrs, len(self.tables[-1]))))
            self.tables[-1].append([])
        elif tag in ("td", "th", "cell") and self.tables and self.tables[-1]:
            self._cell = []
            row = self.tables[-1][-1]
            row.extend([""] * self._blanks_before(attrs, len(row)))

    def _blanks_before(self, attrs: list[tuple[str, str | None]], there: int) -> int:
        """How many blank rows or cells stand before one that gives its own number."""
        at = dict(attrs).get("ss:index")
        gap = max(int(at) - 1 - there, 0) if at and at.isascii() and at.isdigit() and int(at) < 1 << 20 else 0
        self._left -= gap
        return gap if self._left >= 0 else 0

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


def _sheet(sheet, name: str) -> _Sheet | None:
    """A sheet as text; None for a blank one."""
    cells = [[_text(v) for v in row] for row in sheet.to_python(skip_empty_area=False)]
    left_to_fill = sum(map(len, cells))  # merged cells do not overlap, so they are no more than all
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        left_to_fill -= (min(bottom + 1, len(cells)) - top) * (min(right + 1, len(cells[0]) if cells else 0) - left)
        if left_to_fill < 0:
            break
        if top < len(cells) and left < len(cells[top]) and (value := cells[top][left]):
            for r in range(top, min(bottom + 1, len(cells))):
                for c in range(left, min(right + 1, len(cells[r]))):
                    cells[r][c] = cells[r][c] or value
    return _cells(cells, name)


def _cells(cells: list[list[str]], name: str) -> _Sheet | None:
    """A block of cells, from the first row of the sheet on, as a table; None for a blank one."""
    numbers = [number for number, row in enumerate(cells, 1) if any(c.strip() for c in row)]
    cells = [cells[number - 1] for number in numbers]
    if not cells:
        return None
    require_few_columns(max(map(len, cells)), name)
    used = [i for i in range(max(map(len, cells))) if any(i < len(row) and row[i].strip() for row in cells)]
    cells = [[row[i] if i < len(row) else "" for i in used] for row in cells]
    at, named = find_header(cells, len(used))
    if not named:
        return _Sheet([f"column_{i}" for i in range(1, len(used) + 1)], cells, numbers, [])
    header = [c.strip() for c in cells[at]]
    if at + 1 < len(cells):  # two header rows: 位置 over 经度 and 纬度
        both = [c.strip() or header[i] for i, c in enumerate(cells[at + 1])]
        if roles_in(both) > roles_in(header):
            header, at = both, at + 1
    if at and not all(header):
        header = [c or cells[at - 1][i].strip() for i, c in enumerate(header)]
    titles = [" ".join(dict.fromkeys(c.strip() for c in row if c.strip())) for row in cells[:at]]
    return _Sheet(header, cells[at + 1 :], numbers[at + 1 :], titles)


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
