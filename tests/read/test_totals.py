"""Rows of sums below or within a table are named as that, and are not incidents without a place."""

import openpyxl
import pytest

from gridmap.read.incidents import read_incidents
from gridmap.read.quality import inspect_file

WORDS = [
    "合计",
    "总计",
    "小计：27起",
    "合計",
    "Total",
    "Summe",
    "Σύνολο",
    "Итого",
    "Total general",
    "Razem",
    "합계",
    "Grand Total",
]
HEADING = ["date", "type", "lon", "lat", "amount"]


def _rows():
    kinds = ("theft", "fraud")
    return [[f"2024-03-{i + 1:02d}", kinds[i % 2], None if i % 9 == 0 else -1.5 + i / 1000, 53.7, 5] for i in range(27)]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("format", ["csv", "xlsx", "first column is the kind"])
def test_sums_are_named_and_kept_out_of_the_share(tmp_path, word, format):
    rows = [HEADING, *_rows()[:13], [word, None, None, None, 65], *_rows()[13:], [word, None, None, None, 135]]
    if format == "first column is the kind":
        rows = [[r[1], r[0], *r[2:]] if r[0] != word else r for r in rows]
    if format == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(file := tmp_path / "x.xlsx")
    else:
        file = tmp_path / "x.csv"
        file.write_text("\n".join(",".join("" if c is None else str(c) for c in r) for r in rows), encoding="utf-8")
    report = inspect_file(file)
    assert report.set_aside == {"no_coordinates": 3, "totals_row": 2}
    assert report.located_share == pytest.approx(24 / 27)
    sums = read_incidents(file).set_aside.query("reason == 'totals_row'")
    assert sums["spreadsheet_row"].tolist() == [15, 30]


@pytest.mark.parametrize("word", ["Total Wine Store", "Sumner", "合计路派出所", "Summer Street", "Totalers"])
def test_names_that_begin_alike_are_no_sums(tmp_path, word):
    file = tmp_path / "x.csv"
    rows = [["place", *HEADING[:4]], *[[word, *r[:4]] for r in _rows()]]
    file.write_text("\n".join(",".join("" if c is None else str(c) for c in r) for r in rows), encoding="utf-8")
    assert inspect_file(file).set_aside == {"no_coordinates": 3}
