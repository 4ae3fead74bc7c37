"""Excel as offices write it: titles over merged cells, serial dates, numbers as text, a sheet a month."""

import datetime as dt

import openpyxl
import pandas as pd
import pytest
import xlwt

from gridmap.errors import InputError, ReadError
from gridmap.read.incidents import read_incidents

HEADER = ["案件编号", "案发时间", "案由", "经度", "纬度", "联系电话"]


def _rows(n, start=0):
    return [
        [f"A{start + i}", dt.datetime(2024, 3, 1 + i, 15, 20), "盗窃", 116.39 + i / 100, 39.91, 13812345678]
        for i in range(n)
    ]


@pytest.fixture
def book(tmp_path):
    made = openpyxl.Workbook()

    def save(name="案件.xlsx"):
        made.save(tmp_path / name)
        return tmp_path / name

    return made, save


def test_titles_merged_cells_and_totals(book):
    made, save = book
    sheet = made.active
    sheet.append(["2024年3月案件统计表"])
    sheet.merge_cells("A1:F1")
    sheet.append(["填报单位：某派出所"])
    sheet.append(HEADER)
    for row in _rows(4):
        sheet.append(row)
    sheet["C5"] = None
    sheet.merge_cells("C4:C5")  # one category over two rows
    sheet.append(["合计", None, None, None, None, None])
    incidents = read_incidents(save(), datum="wgs84")
    frame = incidents.to_frame()
    assert list(frame["category"]) == ["盗窃"] * 4
    assert list(frame["occurred_from"]) == [pd.Timestamp(2024, 3, 1 + i, 15, 20) for i in range(4)]
    assert incidents.set_aside[["row", "reason"]].to_numpy().tolist() == [[5, "totals_row"]]
    assert "联系电话" in incidents.source["dropped"]


def test_serials_and_numbers_stored_as_text(book):
    made, save = book
    made.active.append(HEADER)
    made.active.append(["A1", 45356.625, "盗窃", "116.39", "39.91", ""])
    made.active.append(["A2", "45357", "盗窃", " 116.40 ", "39.91", ""])
    frame = read_incidents(save(), datum="wgs84").to_frame()
    assert list(frame["occurred_from"]) == [pd.Timestamp("2024-03-05 15:00"), pd.Timestamp("2024-03-06")]
    assert list(frame["lon"]) == [116.39, 116.40]


def test_sheets_of_one_header_are_one_table(book):
    made, save = book
    made.active.append(HEADER)
    for row in _rows(3):
        made.active.append(row)
    second = made.create_sheet("四月")
    second.append(HEADER)
    for row in _rows(2, start=10):
        second.append(row)
    made.create_sheet("说明").append(["本表由系统导出"])
    incidents = read_incidents(save(), datum="wgs84")
    assert list(incidents.to_frame()["incident_id"]) == ["A0", "A1", "A2", "A10", "A11"]
    assert any("四月" in note for note in incidents.source["notes"])
    assert len(read_incidents(save(), datum="wgs84", table="四月")) == 2
    with pytest.raises(InputError, match="Did you mean '四月'"):
        read_incidents(save(), datum="wgs84", table="四月份")


def test_sheets_of_different_tables_are_asked_for(book):
    made, save = book
    made.active.append(HEADER)
    made.active.append(_rows(1)[0])
    second = made.create_sheet("other")
    second.append(["id", "date", "type", "lon", "lat", "phone"])
    second.append(["1", "2024-03-01", "theft", "116.4", "39.9", "1"])
    with pytest.raises(InputError, match="table=…"):
        read_incidents(save(), datum="wgs84")


def test_two_header_rows(book):
    made, save = book
    made.active.append(["编号", "案发时间", "案由", "位置", None])
    made.active.append([None, None, None, "经度", "纬度"])
    made.active.merge_cells("A1:A2")
    made.active.merge_cells("D1:E1")
    made.active.append(["A1", "2024-03-05", "盗窃", 116.39, 39.91])
    frame = read_incidents(save(), datum="wgs84").to_frame()
    assert frame[["incident_id", "category", "lon", "lat"]].to_numpy().tolist() == [["A1", "盗窃", 116.39, 39.91]]


def test_old_xls(tmp_path):
    made = xlwt.Workbook(encoding="utf-8")
    sheet = made.add_sheet("案件")
    style = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for c, name in enumerate(HEADER):
        sheet.write(0, c, name)
    for r, row in enumerate(_rows(3), 1):
        for c, value in enumerate(row):
            sheet.write(r, c, value, style) if c == 1 else sheet.write(r, c, value)
    made.save(str(tmp_path / "a.xls"))
    frame = read_incidents(tmp_path / "a.xls", datum="wgs84").to_frame()
    assert list(frame["occurred_from"]) == [pd.Timestamp(2024, 3, 1 + i, 15, 20) for i in range(3)]


def test_broken_workbooks_are_one_clear_line(tmp_path, book):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04rubbish")
    with pytest.raises(ReadError, match="workbook"):
        read_incidents(tmp_path / "a.xlsx")
    (tmp_path / "b.xls").write_text("<html><table><tr><td>x</td></tr></table></html>")
    with pytest.raises(ReadError, match="workbook"):
        read_incidents(tmp_path / "b.xls")
    _, save = book
    with pytest.raises(ReadError, match="blank"):
        read_incidents(save("c.xlsx"))
