"""The briefing as a workbook: the sentences, every ranked table whole, the series behind the charts, the sources.

Numbers are numbers and dates are dates, so they sort and add up; text from data stays text, whatever sign it begins
with, and no cell is a link. Each table has a frozen head and a filter.
"""

import io
import re

import pandas as pd
import xlsxwriter

from gridmap._fonts import office_fonts
from gridmap.reports.facts import SMALLEST_P
from gridmap.reports.paper.content import Briefing, Table, areas_by_kind_table, since_table, words_in
from gridmap.reports.paper.office import written_at, xml_text

__all__ = ["xlsx_bytes"]

#: A p below a thousandth is shown, and held, as its upper limit: 0 would be false.
P_FORMAT = f'[<={SMALLEST_P}]"< {SMALLEST_P}";0.000'
FORMATS = {
    "count": "#,##0", "count_before": "#,##0", "count_after": "#,##0", "difference": "+#,##0;-#,##0;0", "rows": "#,##0",
    "ratio": "0.0", "stability": "0%", "share": "0.0%", "area_share": "0.0%", "percent": "+0.0%;-0.0%;0%",
    "p_value": P_FORMAT, "q_value": P_FORMAT, "z_score": "0.00", "area_km2": "0.00", "before": "#,##0",
    "after": "#,##0", "used": "#,##0", "set_aside": "#,##0", "cells": "#,##0", "rank": "0",
}  # fmt: skip
#: Excel holds so many characters in a cell, and so many in a sheet's name.
MOST_TEXT, MOST_NAME = 32_000, 31


def xlsx_bytes(briefing: Briefing) -> bytes:
    """The briefing as the bytes of an .xlsx; the same briefing gives the same bytes."""
    out = io.BytesIO()
    safe = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, safe | {"nan_inf_to_errors": False})
    w = words_in(briefing.language)
    book.set_properties(
        {
            "title": xml_text(briefing.title, 250),
            "author": "gridmap",
            "comments": f"{w('run_id')} {briefing.run_id}",
            "created": written_at(briefing.run.written),
        }
    )
    font = {"font_name": office_fonts(briefing.language)[0], "font_size": 10}
    sheets = _Sheets(book, font)
    _summary(sheets, briefing, w)
    for section in briefing.annex:
        if section.whole is not None:
            sheets.table(section.heading, section.whole)
    for page in briefing.governed:
        for section in page.parts:
            if section.whole is not None:
                sheets.table(section.heading or page.heading, section.whole)
    changes = since_table(briefing.changes, briefing.run, briefing.language)
    if changes is not None:
        sheets.table(w("changes"), changes)
    if briefing.kinds is not None:
        sheets.table(w("kinds"), briefing.kinds)
    if briefing.areas is not None:
        sheets.table(w("areas"), briefing.areas)
    by_kind = areas_by_kind_table(briefing.run, briefing.language)
    if by_kind is not None:
        sheets.table(w("areas_by_kind"), by_kind)
    _series(sheets, briefing, w)
    if briefing.set_aside is not None:
        sheets.table(w("set_aside_rows"), briefing.set_aside)
    _method(sheets, briefing, w)
    sheets.table(w("sources"), briefing.sources)
    book.close()
    return out.getvalue()


class _Sheets:
    """Adds sheets with names that Excel takes, each once."""

    def __init__(self, book: xlsxwriter.Workbook, font: dict):
        self.book, self.font = book, font
        self.names: set[str] = set()
        self.made: dict[str, object] = {}
        self.head = self.format(bold=True, bottom=1, text_wrap=True, valign="bottom", bg_color="#F3F4F6")
        self.text = self.format(text_wrap=False, num_format="@")
        self.wrapped = self.format(text_wrap=True, valign="top", num_format="@")

    def format(self, **options):
        key = repr(sorted(options.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format(self.font | options)
        return self.made[key]

    def add(self, name: str):
        """A new sheet, its name cut and made unique."""
        plain = re.sub(r"[\[\]:*?/\\]", " ", xml_text(name)).strip("' ") or "1"
        short, i = plain[:MOST_NAME], 2
        while short.casefold() in self.names or short.casefold() == "history":
            short, i = f"{plain[: MOST_NAME - len(str(i)) - 1]} {i}", i + 1
        self.names.add(short.casefold())
        sheet = self.book.add_worksheet(short)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def write(self, sheet, row: int, column: int, value, key: str = "", wrap: bool = False) -> None:
        """Numbers as numbers, dates as dates, all else as text and never as a formula."""
        if isinstance(value, pd.Timestamp):
            sheet.write_datetime(row, column, value.to_pydatetime(), self.format(num_format="yyyy-mm-dd"))
        elif isinstance(value, bool) or value is None or isinstance(value, str):
            text = "" if value is None else xml_text(value, MOST_TEXT)
            sheet.write_string(row, column, text, self.wrapped if wrap else self.text)
        else:
            value = max(value, SMALLEST_P) if key in ("p_value", "q_value") else value
            sheet.write_number(row, column, value, self.format(num_format=FORMATS.get(key, "#,##0.00")))

    def table(self, name: str, table: Table) -> None:
        """A table whole, with its numbers rather than their text."""
        sheet = self.add(name)
        for i, column in enumerate(table.columns):
            sheet.write_string(0, i, xml_text(column.title), self.head)
            texts = [row[i].text for row in table.rows] + [column.title]
            longest = max(sum(2 if ord(c) > 0x2E80 else 1 for c in text) for text in texts)
            sheet.set_column(i, i, min(max(longest + 2, 9), 44))
        for r, row in enumerate(table.rows, start=1):
            for i, cell in enumerate(row):
                self.write(sheet, r, i, cell.text if cell.value is None else cell.value, table.columns[i].key)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)


def _summary(sheets: _Sheets, briefing: Briefing, w) -> None:
    sheet = sheets.add(w("summary"))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 110)
    title = sheets.format(bold=True, font_size=15)
    sheet.write_string(0, 0, xml_text(briefing.title), title)
    row = 1
    if briefing.classification:
        sheet.write_string(row, 0, xml_text(briefing.classification), sheets.format(bold=True, font_color="#B91C1C"))
        row += 1
    for label, text in [(w("name"), briefing.subtitle), *briefing.head, (w("run_id"), briefing.run_id)]:
        sheets.write(sheet, row, 0, label)
        sheets.write(sheet, row, 1, text, wrap=True)
        row += 1
    if briefing.run.written:
        sheets.write(sheet, row, 0, w("written"))
        when = sheets.format(num_format="yyyy-mm-dd hh:mm", align="left")
        sheet.write_datetime(row, 1, written_at(briefing.run.written), when)
        row += 1
    answers = [f"{a.question}: {a.headline}. {a.detail}" for a in briefing.answers]
    for heading, lines in (
        (w("answer"), answers),
        (w("summary"), briefing.summary),
        (briefing.since.heading, briefing.since.lines),
    ):
        row += 1
        sheet.write_string(row, 0, heading, sheets.head)
        for line in lines:
            sheets.write(sheet, row, 1, line, wrap=True)
            row += 1


def _series(sheets: _Sheets, briefing: Briefing, w) -> None:
    """Trend and hours: what the charts are drawn from."""
    trend, hours = briefing.run.table("trend.parquet"), briefing.run.table("hours.parquet")
    if len(trend):
        starts = [pd.Period(p).start_time for p in trend["period"]]
        columns = [(w("category"), list(trend["category"])), (w("period"), list(trend["period"]))]
        columns += [(w("period_start"), starts), (w("count"), [int(n) for n in trend["count"]])]
        _columns(sheets, w("over_time"), columns)
    if len(hours):
        columns = [(w("category"), list(hours["category"])), (w("weekday"), [int(d) + 1 for d in hours["weekday"]])]
        columns += [(w("hour"), [int(h) for h in hours["hour"]]), (w("count"), [float(n) for n in hours["count"]])]
        _columns(sheets, w("tab_clock"), columns)


def _columns(sheets: _Sheets, name: str, columns: list[tuple[str, list]]) -> None:
    sheet = sheets.add(name)
    for i, (title, values) in enumerate(columns):
        sheet.write_string(0, i, title, sheets.head)
        sheet.set_column(i, i, 22 if isinstance(values[0], str) else 12)
        for r, value in enumerate(values, start=1):
            sheets.write(sheet, r, i, value, "count" if isinstance(value, int) else "")
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(columns[0][1]), len(columns) - 1)


def _method(sheets: _Sheets, briefing: Briefing, w) -> None:
    sheet = sheets.add(w("method_and_limits"))
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 26)
    sheet.set_column(2, 2, 80)
    for i, title in enumerate((w("name"), w("setting"), w("value"))):
        sheet.write_string(0, i, title, sheets.head)
    row = 1
    for method in briefing.methods:
        lines = [(w("method"), text) for text in (method.explains, *method.notes) if text]
        for setting, value in [*lines, *method.settings]:
            for i, cell in enumerate((method.names, setting, value)):
                sheets.write(sheet, row, i, cell, wrap=i == 2)
            row += 1
    for text in briefing.limits:
        for i, cell in enumerate((w("limits"), "", text)):
            sheets.write(sheet, row, i, cell, wrap=i == 2)
        row += 1
    for label, text in briefing.facts:
        for i, cell in enumerate((w("sources"), label, text)):
            sheets.write(sheet, row, i, cell, wrap=i == 2)
        row += 1
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, row - 1, 2)
