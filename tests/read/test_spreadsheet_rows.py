"""A row set aside is found in Excel by the number beside it: each row here carries its own number as its id."""

import csv
import io

import numpy as np
import openpyxl
import pandas as pd
import pytest

from gridmap.counts.store_adding import IncidentStore
from gridmap.read.incidents import read_incident_files, read_incidents
from gridmap.read.quality import inspect_file

HEADING = ["id", "time", "type", "lon", "lat", "note"]


def _messy(seed):
    """Rows as a sheet shows them, some blank, some without a place; and the numbers of those without."""
    rng = np.random.default_rng(seed)
    shown = [["Cases of 2024"], [], HEADING] if seed % 2 else [HEADING]
    lost = []
    for i in range(40):
        if rng.random() < 0.2:
            shown.append([])
        placed = i == 0 or rng.random() < 0.7
        number = len(shown) + 1
        note = rng.choice(["plain", "two\nlines", "a blank\n\nline", 'a "quoted" word', "x,y"])
        shown.append([f"A{number}", "2024-03-01 10:00", "theft", "-1.5" if placed else "", "53.7", note])
        lost += [] if placed else [number]
    return shown, lost


def _as_csv(rows, end, encoding):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows(rows)
    return out.getvalue().encode(encoding)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("end", "encoding"), [("\n", "utf-8"), ("\r\n", "gb18030"), ("\r\n", "utf-16")])
def test_rows_of_a_csv(tmp_path, seed, end, encoding):
    shown, lost = _messy(seed)
    file = tmp_path / "cases.csv"
    file.write_bytes(_as_csv(shown, end, encoding))
    incidents = read_incidents(file)
    assert incidents.set_aside["spreadsheet_row"].tolist() == lost
    used = incidents.to_frame()["incident_id"].str[1:].astype(int)
    assert sorted([*used, *lost]) == [int(row[0][1:]) for row in shown if row and row[0].startswith("A")]


def test_a_row_with_a_field_too_many_has_its_number_too(tmp_path):
    shown, lost = _messy(3)
    shown.append(["A999", "2024-03-01 10:00", "theft", "-1.5", "53.7", "x", "one too many"])
    (tmp_path / "cases.csv").write_bytes(_as_csv(shown, "\r\n", "utf-8"))
    aside = read_incidents(tmp_path / "cases.csv").set_aside
    assert aside["spreadsheet_row"].tolist() == [*lost, len(shown)]


def test_the_line_that_names_the_delimiter_is_not_shown(tmp_path):
    (tmp_path / "x.csv").write_text("sep=;\nid;time;type;lon;lat\n1;2024-01-01;a;-1.5;53.7\n2;2024-01-01;a;;53.7\n")
    assert read_incidents(tmp_path / "x.csv").set_aside["spreadsheet_row"].tolist() == [3]


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_rows_of_a_workbook(tmp_path, seed):
    shown, lost = _messy(seed)
    book = openpyxl.Workbook()
    book.active.title = "March"
    for row in shown:
        book.active.append(row)
    book.save(tmp_path / "cases.xlsx")
    aside = read_incidents(tmp_path / "cases.xlsx").set_aside
    assert aside["spreadsheet_row"].tolist() == lost
    assert set(aside["sheet"]) == {"March"}


def test_two_sheets_are_numbered_each_by_itself(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "一月"
    for sheet in (book.active, book.create_sheet("二月")):
        for row in (
            [f"{sheet.title}案件"],
            ["编号", "时间", "类别", "经度", "纬度"],
            ["1", "2024-01-02", "盗窃", -1.5, 53.7],
        ):
            sheet.append(row)
        sheet.append(["2", "2024-01-02", "盗窃", None, None])
    book.save(tmp_path / "年.xlsx")
    aside = read_incidents(tmp_path / "年.xlsx").set_aside
    assert aside[["sheet", "spreadsheet_row"]].to_numpy().tolist() == [["一月", 4], ["二月", 4]]
    report = inspect_file(tmp_path / "年.xlsx")
    assert "一月!4, 二月!4" in report.text()


def test_a_table_that_excel_2003_wrote_as_xml_says_where_its_rows_stand(tmp_path):
    def row(cells, index=""):
        return f"<Row{index}>" + "".join(f"<Cell><Data>{c}</Data></Cell>" for c in cells) + "</Row>"

    rows = [row(HEADING, ' ss:Index="3"'), row(["A4", "2024-03-01", "x", "-1.5", "53.7", "n"])]
    rows.append(row(["A9", "2024-03-01", "x", " ", "53.7", "n"], ' ss:Index="9"'))
    text = f"<?xml version='1.0'?><Workbook><Worksheet><Table>{''.join(rows)}</Table></Worksheet></Workbook>"
    (tmp_path / "old.xls").write_text(text)
    assert read_incidents(tmp_path / "old.xls").set_aside["spreadsheet_row"].tolist() == [9]


def test_of_several_files_file_and_row(tmp_path):
    for name, first in (("w1.csv", 1), ("w2.csv", 3)):
        lines = [f"{i},2024-03-0{i} 10:00,a,-1.5,53.7" for i in range(first, first + 3)]
        (tmp_path / name).write_text("weekly export\n\nid,time,type,lon,lat\n" + "\n\n".join(lines) + "\n")
    _, second = read_incident_files([tmp_path / "w1.csv", tmp_path / "w2.csv"])
    assert second.set_aside[["file", "spreadsheet_row", "reason"]].to_numpy().tolist() == [
        ["w2.csv", 4, "counted_before"]
    ]
    store = IncidentStore(tmp_path / "store")
    store.add(tmp_path / "w1.csv")
    store.add(tmp_path / "w2.csv")
    aside = store.incidents().set_aside
    assert aside[["file", "spreadsheet_row", "reason"]].to_numpy().tolist() == [["w2.csv", 4, "counted_before"]]


def test_what_no_spreadsheet_opens_has_none(tmp_path):
    frame = pd.DataFrame({"time": ["2024-03-01"] * 2, "type": "a", "lon": [-1.5, None], "lat": 53.7})
    frame.to_parquet(tmp_path / "x.parquet")
    for given in (frame, tmp_path / "x.parquet"):
        aside = read_incidents(given).set_aside
        assert aside["spreadsheet_row"].isna().all()
        assert aside["row"].tolist() == [2]
    read_incidents(frame).write_set_aside(tmp_path / "aside.csv")
    assert (tmp_path / "aside.csv").read_text("utf-8-sig").splitlines()[1].startswith("memory,,,2,no_coordinates")


def test_the_report_names_the_first_rows_in_both_languages(tmp_path):
    shown, lost = _messy(5)
    (tmp_path / "cases.csv").write_bytes(_as_csv(shown, "\n", "utf-8"))
    report = inspect_file(tmp_path / "cases.csv")
    first = ", ".join(map(str, lost[:5]))
    assert f"row no. {first}" in report.text()
    assert f"第 {'、'.join(map(str, lost[:5]))} 行" in report.text("zh")
    assert str(lost[0]) in report.to_html("zh")
