"""An office's week: messy exports that overlap, boundaries on GCJ-02, fourteen months of six kinds, and a brief."""

import json
import re

import openpyxl
import pandas as pd
import pytest

from gridmap.errors import GridmapError
from gridmap.reports.briefing import write_briefing
from gridmap.runs import read_pipeline, run_pipeline
from tests.runs.office import KINDS, NAMES, PIPELINE, STREETS, make_office


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    rows = make_office(folder)
    return rows, folder, run_pipeline(read_pipeline(folder / "周.yaml"), folder / "out")


def test_nothing_is_counted_twice_and_the_file_given_twice_is_recognised(week):
    rows, folder, report = week
    assert len(report.incidents) == len(rows)
    counts = pd.read_csv(folder / "out" / "counts.csv")
    assert counts["count"].sum() == pytest.approx(len(rows), abs=5)  # a point within a metre of the edge
    record = json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))
    used = {entry["path"]: entry["used"] for entry in record["inputs"]}
    assert 0 in (used["导出/第4周.csv"], used["导出/第4周 (副本).csv"])
    assert (report.incidents.set_aside["reason"] == "counted_before").sum() > 20


def test_the_months_stand_on_the_slider_and_the_change_says_its_dates(week):
    rows, folder, report = week
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    assert '"every":"month"' in page.replace(" ", "")
    before, after = ((rows["when"].dt.strftime("%Y-%m") == month).sum() for month in ("2023-06", "2024-06"))
    (said,) = [line for line in report.summary if "同比：" in line]
    assert "（2023-06）" in said
    assert "（2024-06）" in said
    assert abs(before - report.results[1][1].cells["before"].sum()) <= 2
    assert abs(after - report.results[1][1].cells["after"].sum()) <= 2


def test_the_answer_strip_has_the_facts_interval_and_the_dates(week):
    _, folder, report = week
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script[^>]*id="gridmap-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    strips = [layer["answers"]["changed"] for layer in data["layers"] if layer.get("answers")]
    head, detail = strips[0]
    params = report.results[1][1].params
    assert params["extra_variation"] > 1  # the periods vary, so counting error alone would be too narrow
    assert head["values"]["low"] == pytest.approx(params["total_ratio_low"] - 1, abs=1e-3)
    assert head["values"]["high"] == pytest.approx(params["total_ratio_high"] - 1, abs=1e-3)
    assert detail["values"]["in_before"]["values"]["dates"] == "2023-06"
    assert detail["values"]["in_after"]["values"]["dates"] == "2024-06"


def test_rates_are_those_of_the_communities_under_their_own_names(week):
    rows, _, report = week
    rates = report.results[2][1].cells
    assert sorted(rates.index) == [str(370102001 + i) for i in range(12)]
    names = report.boundaries.set_index("zone_id")["name"]
    by_name = pd.Series(rates["count"].to_numpy(), names.reindex(rates.index).to_numpy())
    true = rows["place"].value_counts().reindex(by_name.index)
    assert (by_name - true).abs().max() <= 5
    assert any("历山社区" in line for line in report.summary)


def test_boundaries_that_are_shifted_alike_are_said(week):
    _, folder, _ = week
    (folder / "shifted.yaml").write_text(PIPELINE.replace("geojson, datum: gcj02", "geojson"), encoding="utf-8")
    pipeline = read_pipeline(folder / "shifted.yaml", overrides=["hotspots=[getis_ord]", "outputs={counts: c.csv}"])
    report = run_pipeline(pipeline, folder / "shifted")
    assert any(getattr(note, "code", "") == "read.boundaries_alike" for note in report.warnings)


def test_a_method_has_a_grid_of_its_own_only_where_that_can_be_released(week):
    _, folder, _ = week
    with pytest.raises(GridmapError, match="for the public all results share the areas"):
        read_pipeline(folder / "周.yaml", overrides=["audience=public", "timeline=[]", "hotspots.0.period=2024-06"])
    with pytest.raises(GridmapError, match="grid beside a method is"):
        read_pipeline(folder / "周.yaml", overrides=["hotspots.2.grid.system=balanced"])


@pytest.mark.slow
def test_the_brief_is_written_in_chinese(week, tmp_path):
    _, folder, _ = week
    path = write_briefing(folder / "out", tmp_path / "简报.docx", language="zh")
    assert path.stat().st_size > 10_000


def test_the_brief_and_the_workbook_tell_of_the_level_above(week, tmp_path):
    rows, folder, _ = week
    table = pd.read_parquet(folder / "out" / "results" / "areas.parquet")
    whole = table[table["category"].isna() & (table["against"] == "2023-06")].set_index("name")
    street = rows["place"].map({f"{name}社区": f"{STREETS[i // 4]}街道" for i, name in enumerate(NAMES)})
    month = rows["when"].dt.strftime("%Y-%m")
    for name, row in whole.iterrows():
        assert row["count_after"] == pytest.approx(((month == "2024-06") & (street == name)).sum(), abs=2)
        assert row["count_before"] == pytest.approx(((month == "2023-06") & (street == name)).sum(), abs=2)
    assert len(whole) == 3
    write_briefing(folder / "out", tmp_path / "b.xlsx")
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book["按上一级区域"].max_row == 4
    kinds = {row[1] for row in list(book["上一级区域分类别"].values)[1:]}
    assert kinds == set(KINDS)
