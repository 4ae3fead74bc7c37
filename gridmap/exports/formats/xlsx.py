"""Excel: a sheet a layer, with filters and a frozen header, and a sheet on how the numbers were made."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from gridmap.errors import InputError
from gridmap.exports.formats.base import Format
from gridmap.exports.formats.csv import flat
from gridmap.exports.plain_frames import unique_names
from gridmap.exports.result_parts import Part, Stamp, written_at
from gridmap.messages import Note

__all__ = ["FORMATS", "to_xlsx"]

MOST_ROWS = 1_048_576


def to_xlsx(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """A sheet a part, with filters and a frozen header, and a sheet on how the numbers were made.

    Dates are dates, numbers numbers, and text stays text whatever it begins with.
    """
    options: dict[str, Any] = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    options |= {"default_date_format": "yyyy-mm-dd hh:mm:ss", "remove_timezone": True, "constant_memory": True}
    import xlsxwriter  # here, for the list of formats is read by every run

    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"created": written_at().replace(tzinfo=None, microsecond=0)})
        bold = book.add_format({"bold": True, "bottom": 1})
        taken: list[str] = []
        for part in parts:
            taken.append(unique_names([*taken, _sheet_name(part.name)])[-1])
            _sheet(book.add_worksheet(taken[-1]), flat(part), bold)
        about = book.add_worksheet(unique_names([*taken, "gridmap"])[-1])
        about.set_column(0, 1, 24)
        rows = [(part.name, key, text) for part in parts for key, text in stamp.flat(part).items()]
        for i, row in enumerate([("sheet", "what", "value"), *rows]):
            for j, text in enumerate(row):
                about.write_string(i, j, text[:32_000], bold if i == 0 else None)


def _sheet(sheet, table: pd.DataFrame, bold) -> None:
    if len(table) >= MOST_ROWS:
        raise InputError(Note("exports.too_many_rows", most=MOST_ROWS, found=len(table)))
    columns = []
    for j, column in enumerate(table.columns):
        sheet.set_column(j, j, min(max(len(str(column)) + 4, 10), 30))
        columns.append(_written(sheet, table[column]))
    sheet.freeze_panes(1, 0)
    if len(table.columns):
        sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)
    for j, column in enumerate(table.columns):
        sheet.write_string(0, j, str(column), bold)
    for i in range(len(table)):  # row by row, as constant_memory wants
        for j, (write, cells) in enumerate(columns):
            if (value := cells[i]) is not None:
                write(i + 1, j, value)


def _written(sheet, values: pd.Series):
    """What writes a column's values, and these as that takes them; None for an empty cell."""
    missing, kind = values.isna().to_numpy(), values.dtype.kind
    if kind == "M":
        return sheet.write_datetime, [
            None if gone else v.to_pydatetime() for v, gone in zip(values, missing, strict=True)
        ]
    plain_values = list(zip(values.tolist(), missing.tolist(), strict=True))
    if kind == "f" or (kind == "i" and (not len(values) or values.abs().max() < 10**15)):
        return sheet.write_number, [None if gone else v for v, gone in plain_values]
    if kind == "b":
        return sheet.write_boolean, [None if gone else bool(v) for v, gone in plain_values]
    return sheet.write_string, [None if gone else str(v)[:32_767] for v, gone in plain_values]


def _sheet_name(name: str) -> str:
    """At most 31 characters, without those that Excel refuses."""
    return re.sub(r"[\[\]:*?/\\']", "_", name)[:28] or "table"


FORMATS = {".xlsx": Format(to_xlsx, many=True, shapes=False)}
