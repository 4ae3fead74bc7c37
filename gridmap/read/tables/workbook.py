"""Excel and OpenDocument sheets as tables.

python-calamine reads .xlsx, .xls, .xlsb and .ods with one code. Merged cells carry their value to every cell
they cover; dates arrive as dates where the sheet formats them so, otherwise as serial numbers that the time reader
knows. Sheets with the same header, such as one a month, are read as one table.
"""

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import roles_in
from gridmap.read.files import check_zip
from gridmap.read.tables.base import MemoryTable, is_total
from gridmap.read.tables.text import find_header, unique_names

__all__ = ["open_workbook"]


def open_workbook(path: Path, *, table: str | None = None) -> MemoryTable:
    """The table in a workbook: the named sheet, or all sheets with the header that fills most roles.

    Raises
    ------
    ReadError
        If it is no workbook, locked with a password, or blank.
    InputError
        If the named sheet is absent, or several sheets of different shape hold coordinates.
    """
    import python_calamine

    if zipfile.is_zipfile(path):
        check_zip(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if table is not None and table not in names:
            raise InputError(Note("read.no_sheet", file=path.name, table=table, meant=did_you_mean(table, names)))
        sheets = {n: _sheet(book.get_sheet_by_name(n)) for n in ([table] if table is not None else names)}
    except InputError:
        raise
    except BaseException as problem:  # a panic of the parser is no Exception
        if isinstance(problem, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise ReadError(Note("read.no_workbook", file=path.name, why=reason)) from None
    sheets = {n: s for n, s in sheets.items() if s is not None}
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
        layout={"sheet": ", ".join(taken), "titles": sum(len(sheets[n][2]) for n in taken)},
        data=data,
        faults=faults,
        rows=np.array(numbers, np.int64),
    )


def _sheet(sheet) -> tuple[list[str], list[list[str]], list[str]] | None:
    """Header, rows and titles of a sheet as text; None for a blank one."""
    cells = [[_text(v) for v in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or ():
        if top < len(cells) and left < len(cells[top]) and (value := cells[top][left]):
            for r in range(top, min(bottom + 1, len(cells))):
                for c in range(left, min(right + 1, len(cells[r]))):
                    cells[r][c] = cells[r][c] or value
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
