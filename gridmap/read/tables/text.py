"""Tables of text: which encoding and delimiter, where the header stands, and the rows.

Encoding: a byte order mark, else strict UTF-8, else what `encodings` finds. Text stays
text, so that "007" and a date keep what they say. A CSV is read by pyarrow where every row has as many fields as the
header, and by Python's csv otherwise, which is slower but knows which row is at fault. Batches keep 10⁷ rows in bounded
memory.
"""

import codecs
import contextlib
import csv
import io
import re
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from gridmap.errors import ReadError, SettingError
from gridmap.messages import Note
from gridmap.read.columns import roles_in
from gridmap.read.file_access import LONGEST_LINE, READ_FAILURES, check_text, open_bytes, require_few_columns
from gridmap.read.tables.base import Batch, RawTable, ReadAgain, is_total
from gridmap.read.tables.encodings import SAMPLE, code_page

__all__ = ["CsvTable", "Layout", "find_header", "find_layout", "open_text", "sniff_encoding", "unique_names"]

#: Threads that Arrow's reader of CSV begins with: one that reads, two that parse, and one to spare.
FIRST_THREADS = 4
DELIMITERS = ",\t;|，；"
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _check_threads() -> None:
    """Raise MemoryError where the system has no room for the threads of Arrow, which waits for ever for one refused."""
    leave, threads = Event(), []
    try:
        for _ in range(FIRST_THREADS):
            thread = Thread(target=leave.wait, daemon=True)
            thread.start()
            threads.append(thread)
    except RuntimeError as error:  # can't start new thread
        raise MemoryError(str(error)) from None
    finally:
        leave.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class Layout:
    """How the text of a table is laid out."""

    delimiter: str
    header: list[str]
    named: bool
    header_rows: int
    titles: list[str]
    width: int
    header_chars: int
    shown_rows: int  # that a spreadsheet shows before the first of the data, blank ones among them


def sniff_encoding(stream: io.BufferedIOBase) -> tuple[str | None, int]:
    """Encoding of a byte stream, None where it cannot be decided, and the length of its byte order mark.

    Reads to the end where it must.

    Examples
    --------
    >>> sniff_encoding(io.BytesIO("案由,经度\\n盗窃,116.4\\n".encode("gbk")))
    ('gb18030', 0)
    >>> sniff_encoding(io.BytesIO("type,lon\\ncafé,1\\n".encode("latin-1")))
    ('cp1252', 0)
    """
    head = stream.read(1 << 20)
    for mark, name in BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if len(head) >= 4 and (zeros := head[:4000].count(0)) > 0.2 * len(head[:4000]):
        even, odd = head[0:4000:2].count(0), head[1:4000:2].count(0)
        if zeros and max(even, odd) > 3 * min(even, odd):
            return ("utf-16-le" if odd > even else "utf-16-be"), 0
    if b"\x1b$" in head and head.isascii():
        return "iso2022_jp", 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample, block = b"" if head.isascii() else head, head
    utf8 = True
    while block:
        following = stream.read(1 << 20)
        if utf8:
            try:
                decoder.decode(block, final=not following)
            except UnicodeDecodeError:
                utf8 = False
        if not sample and not block.isascii():
            sample = block
        if not utf8 and sample:
            break
        block = following
    return ("utf-8" if utf8 else _code_page(sample)), 0


def _control_share(sample: bytes) -> float:
    """The share of bytes that no text has: below the blank, but for tabs and line ends."""
    return sum(b < 32 and b not in b"\t\r\n\f\x1a" for b in sample) / max(len(sample), 1)


def _code_page(sample: bytes) -> str | None:
    """The encoding of text that is not valid UTF-8; UTF-8 with a few damaged characters stays UTF-8."""
    high = sum(b >= 0x80 for b in sample[:SAMPLE])
    broken = codecs.getincrementaldecoder("utf-8")("replace").decode(sample[:SAMPLE]).count("\ufffd")
    if broken < 0.01 * high:
        return "utf-8"
    return code_page(sample)


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?|\d{4}[-/.年]\d{1,2}.*", cell.strip()))


def find_header(rows: list[list[str]], width: int) -> tuple[int, bool]:
    """Which of the first rows is the header, and whether there is one at all.

    Examples
    --------
    >>> find_header([["2024年案件表", "", ""], ["案由", "经度", "纬度"], ["盗窃", "116", "39"]], 3)
    (1, True)
    >>> find_header([["1", "116.4", "39.9"], ["2", "116.5", "39.8"]], 3)
    (0, False)
    """
    best, best_score = 0, -1.0
    for i, row in enumerate(rows[:30]):
        filled = [c for c in row if c and c.strip()]
        if len(filled) < max(1, min(2, width), 0.5 * width):
            continue
        if len(filled) < len(row) and len({c.strip() for c in filled}) == 1:
            continue  # a title repeated over merged cells
        figures = sum(map(_is_number, filled))
        score = 3 * roles_in(filled) + (len(filled) / max(width, 1)) - 3 * figures / len(filled) - 0.05 * i
        if score > best_score and figures <= 0.34 * len(filled):
            best, best_score = i, score
    return best, best_score >= 0


def find_layout(text: str, *, whole: bool = False, delimiter: str | None = None, name: str = "") -> Layout:
    """Delimiter, header and title rows, from the first part of a file.

    Parameters
    ----------
    text : str
        The beginning of the file, decoded.
    whole : bool
        Whether it is all of it; otherwise the last line may be cut.
    name : str
        Of the file, for messages.
    """
    csv.field_size_limit(LONGEST_LINE)
    lines = text.splitlines(keepends=True)
    if not whole and len(lines) > 1:
        text = "".join(lines[:-1])
    if not text.strip().strip("\ufeff"):
        raise ReadError(Note("read.blank"))
    candidates = [delimiter] if delimiter else DELIMITERS
    looked = []
    for mark in candidates:
        rows = _rows(text, mark, 300)
        widths = Counter(len(r) for r in rows if any(c.strip() for c in r))
        wide = [(n * (w - 1) ** 0.5, w) for w, n in widths.items() if w > 1]
        score, width = max(wide, default=(0, 1))
        looked.append((score, mark, width, rows))
    score, mark, width, rows = max(looked, key=lambda one: one[0])  # the first of equals
    if score == 0:
        mark, rows = ",", _rows(text, ",", 300)
    require_few_columns(max(map(len, rows), default=0), name)
    at, named = find_header(rows, width)
    if not named:
        at = next((i for i, r in enumerate(rows) if len(r) == width), 0)
    top = rows[at] if rows else []
    header = [c.strip().strip("\ufeff") for c in top] if named else [f"column_{i}" for i in range(1, width + 1)]
    if named and at and len(rows[at - 1]) == len(top):  # a second header row over merged cells
        header = [c or rows[at - 1][i].strip() for i, c in enumerate(header)]
    below = [len(r) for r in rows[at + 1 :] if any(c.strip() for c in r)]
    usual = statistics.mode(below) if below else len(header)
    if named and usual == len(header) + 1 and all(not r[-1].strip() for r in rows[at + 1 :] if len(r) == usual):
        header.append("")  # every row ends in a delimiter
    elif named and usual == len(header) - 1 and not header[-1]:
        header.pop()
    titles = [" ".join(c.strip() for c in r if c.strip()).strip("\ufeff") for r in rows[:at]]
    skip = at + 1 if named else at
    chars = _chars_of_rows(text, mark, skip)
    shown = sum(1 for _ in csv.reader(io.StringIO(text[:chars], newline=""), delimiter=mark))
    if shown and re.match(r"\ufeff?sep=.\s*$", text.splitlines()[0], re.IGNORECASE):
        shown -= 1  # Excel obeys this line and does not show it
    return Layout(mark, unique_names(header), named, skip, [t for t in titles if t], len(header), chars, shown)


def _chars_of_rows(text: str, mark: str, rows: int) -> int:
    """How many characters the first rows take, blank lines among them."""
    if rows == 0:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    seen = 0
    for row in reader:
        seen += bool(row)
        if seen == rows:
            break
    lines = io.StringIO(text, newline="")
    return sum(len(next(lines, "")) for _ in range(reader.line_num))


def _rows(text: str, mark: str, limit: int) -> list[list[str]]:
    """The first rows, blank lines left out; a quote that never closes does not swallow the file."""
    out = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
            if row:
                out.append(row)
            if len(out) >= limit:
                break
    except csv.Error:
        return [line.rstrip("\r\n").split(mark) for line in text.splitlines()[:limit] if line.strip()]
    return out


def unique_names(names: list[str]) -> list[str]:
    """Every column with a name of its own: blank ones numbered, repeated ones counted."""
    out, seen = [], set()
    for i, name in enumerate(names, 1):
        name = str(name).strip().replace("\n", " ").replace("\r", "") or f"column_{i}"
        base, k = name, 2
        while name in seen:
            name, k = f"{base}_{k}", k + 1
        seen.add(name)
        out.append(name)
    return out


TEXTS = (".csv", ".txt", ".tsv", ".tab", ".dat")
BLOCK = 4 << 20
CSV_ROWS = 50_000


@dataclass
class CsvTable(RawTable):
    """Delimited text, also in .gz and .zip."""

    path: Path | None = None
    member: str | None = None
    offset: int = 0
    delimiter: str = ","
    width: int = 0
    ragged: bool = False
    shown_before: int = 0

    def spreadsheet_rows(self, rows: np.ndarray) -> tuple[list[str], np.ndarray] | None:
        """The row numbers as Excel shows them: of records, so that a quoted line break makes none, a blank line one."""
        blank = self._rows_before_blank_lines() if self._may_have_blank_lines() else np.empty(0, np.int64)
        return [""] * len(rows), self.shown_before + rows + np.searchsorted(blank, rows)

    def _may_have_blank_lines(self) -> bool:
        """Whether two line ends follow on each other anywhere, be it within quotes."""
        if self.encoding is not None and self.encoding.startswith("utf-16"):
            return True
        last = b"\n"  # of the heading
        with self._open() as stream:
            while block := stream.read(1 << 20):
                block = last + block
                if b"\n\n" in block or b"\n\r" in block or b"\r\r" in block:
                    return True
                last = block[-1:]
        return False

    def _rows_before_blank_lines(self) -> np.ndarray:
        """How many rows of data stand before each blank line, in order."""
        seen, before = 0, []
        with self._open() as stream:
            text = io.TextIOWrapper(stream, encoding=self.encoding, errors="replace", newline="")
            csv.field_size_limit(LONGEST_LINE)
            with contextlib.suppress(csv.Error, *READ_FAILURES):  # read to the end before, by one reader or the other
                for row in csv.reader(text, delimiter=self.delimiter):
                    if row:
                        seen += 1
                    else:
                        before.append(seen)
        return np.array(before, np.int64)

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
        _check_threads()
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
        shown = self.shown_before

        def batch():
            cells = list(zip(*kept, strict=True)) if kept else [()] * width
            arrays = [pa.array([v or None for v in cells[i]], pa.string()) for i in at]
            return Batch(pa.Table.from_arrays(arrays, names=list(wanted)), np.array(rows, np.int64), list(faults))

        with self._open() as stream:
            text = io.TextIOWrapper(stream, encoding=self.encoding, errors="replace", newline="")
            csv.field_size_limit(LONGEST_LINE)
            try:
                for row in csv.reader(text, delimiter=self.delimiter):
                    shown += 1
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
                    Note("read.no_text_table", file=self.name, why=" ".join(str(problem).split()), row=shown + 1)
                ) from None
            except READ_FAILURES as problem:
                why = " ".join(str(problem).split())
                raise ReadError(Note("read.breaks_off", file=self.name, row=shown, why=why)) from None
        if kept or faults:
            yield batch()


def open_text(path: Path, member: str | None, encoding: str | None, what: str | None) -> CsvTable:
    """A delimited text as a table: its encoding, delimiter and header found."""
    name = f"{path.name}/{member}" if member else path.name
    try:
        with open_bytes(path, member) as stream:
            if stream.read(4) in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
                raise ReadError(Note("read.is_workbook", file=name))
        check_text(path, member)
        with open_bytes(path, member) as stream:
            bom = 0
            if encoding is None:
                encoding, bom = sniff_encoding(stream)
                if encoding is None:
                    with open_bytes(path, member) as again:
                        control = _control_share(again.read(1 << 16))
                    code = "read.encoding_needed" if control < 0.02 else "read.not_text"
                    raise ReadError(Note(code, file=name, encoding="utf-8"))
                found = True
            else:
                try:
                    codecs.lookup(encoding)
                except LookupError:
                    raise SettingError(Note("read.no_encoding", encoding=encoding)) from None
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
        raise ReadError(Note("read.cannot_unpack", file=name, why=" ".join(str(problem).split()))) from None
    if text.count("\0") > max(3, 0.001 * len(text)) or text.count("\ufffd") > 0.05 * len(text):
        raise ReadError(Note("read.not_text", file=name, encoding=encoding))
    try:
        layout = find_layout(text, whole=whole, name=name)
    except ReadError as problem:
        if getattr(problem.args[0], "code", "") != "read.blank":
            raise
        raise ReadError(Note("read.blank_table", file=name, what=what or Note("read.incidents_file"))) from None
    notes = [Note("read.title_left_out", title=t[:80]) for t in layout.titles]
    if not layout.named:
        notes.append(Note("read.no_header"))
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
        shown_before=layout.shown_rows,
        delimiter=layout.delimiter,
        width=layout.width,
    )
