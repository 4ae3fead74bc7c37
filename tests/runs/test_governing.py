"""The stages of governance: what was planted is said, shown on the page and printed, and nobody is named."""

import json
import re

import geopandas as gpd
import pandas as pd
import pytest
from shapely import box

import gridmap as gm
from gridmap.errors import SettingError
from gridmap.governance.pipeline_results import CaseHandling, KindsTogether, Measures
from gridmap.maps.layers import named_areas_layer
from gridmap.maps.page import page_data
from gridmap.reports.briefing import paper_bytes
from gridmap.reports.paper.governance_pages import governed_pages
from gridmap.reports.results_folder import read_run
from gridmap.runs.config import read_pipeline
from gridmap.runs.run import run_pipeline
from gridmap.runs.stages.drawing import map_layers

PIPELINE = """
title: Meeting
language: en
boundaries: {path: "sample://county/7/communities", zone_id: zone_id}
grid: {system: zones}
incidents: {path: "sample://county/7/incidents"}
hotspots: [{hotspot_test: {}, category: 入室盗窃, period: "2024"}]
case_life:
  by: zone
  alike: category
  population: persons
  breakdowns: [group]
  indicators:
    on_time: {over: on_time, of: due, formula: our own, source: county rule 7}
register:
  path: register.yaml
  day: "2024-12-31"
  period: "2024"
  follow: [{category: 入室盗窃, periods: ["2023", "2024"]}]
evaluations:
  - {name: cleaning, area: cleaning, start: "2024-01-01", category: 占道经营, buffer: 400}
together: {kinds: [邻里纠纷, 打架斗殴], permutations: 19, pairs: [[讨薪, 赌博]], distances_m: [100, 300]}
denominators: {per: [persons, households], unit: street_name, stratum: urban_rural, category: 入室盗窃}
sites: {path: sites.geojson, rings_m: [300], category: 入室盗窃}
outputs: {map: index.html}
"""


@pytest.fixture(scope="module")
def county(monkeypatch_module):
    made = gm.samples.simulated_county(7, households=12_000, events=14_000)
    monkeypatch_module.setattr("gridmap.runs.input_files._county", lambda seed: made)
    return made


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def folder(tmp_path_factory, county):
    folder = tmp_path_factory.mktemp("meeting")
    named = {"named_by": "县平安办", "named_on": "2024-01-01"}
    register = gm.Register().add(
        "cleaning", area=county.truth.measures.geometry.iloc[1], category="占道经营", review_on="2025-01-20", **named
    )
    register.write(folder / "register.yaml")
    sites = gpd.GeoDataFrame(
        {"name": ["A", "B", "C"]}, geometry=list(county.streets.representative_point()[:3]), crs=4326
    )
    sites.to_file(folder / "sites.geojson", driver="GeoJSON")
    (folder / "meeting.yaml").write_text(PIPELINE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(folder):
    return run_pipeline(read_pipeline(folder / "meeting.yaml"), folder / "out")


def test_each_planted_truth_of_handling_is_a_sentence(report, county):
    names = county.boundaries.set_index("zone_id")["name"]
    whole = " ".join(report.summary)
    assert f"{names[county.truth.late_community]} is the one worst unit" in whole
    assert re.search(f"{names[county.truth.paper_community]}: .* minutes before the deadline", whole)
    assert "cleaning: review on 2025-01-20, in 20 days." in whole
    verdict = next(r for _, r in report.results if isinstance(r, Measures)).found["cleaning"].verdict
    assert verdict in ("moved", "partly_moved", "cannot_tell")  # a small county: it is never said to have worked
    assert f"{names[county.truth.late_community]} is the one worst unit" not in report.summary[0]


def test_a_finding_names_what_it_is_beyond(report, folder):
    told = json.loads((folder / "out/results/facts.json").read_text(encoding="utf-8"))["facts"]
    findings = [f for f in told if f["kind"] == "finding"]
    assert findings
    assert all(f["values"]["null"]["code"].startswith("null.") for f in findings)


def test_the_table_of_indicators_is_the_file_s_own(report):
    life = next(r for _, r in report.results if isinstance(r, CaseHandling)).life
    assert life.standards.index.tolist() == ["on_time"]
    assert life.standards.loc["on_time", "source"] == "county rule 7"
    assert life.events is None, "what was released carries no single times"


def test_the_drill_down_adds_up_what_became_of_the_events(folder, report):
    page = (folder / "out/index.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', page, re.S)[1])
    handled = data["areas"]["handled"]
    life = next(r for _, r in report.results if isinstance(r, CaseHandling)).life
    assert sum(handled["due"]) == life.overall["due"]
    assert sum(handled["overdue"]) == life.overall["overdue"]
    kinds = {layer["kind"] for layer in data["layers"]}
    assert "named_areas" in kinds


@pytest.mark.parametrize("shown", [True, False])
def test_where_no_step_is_shown_the_page_opens_on_how_events_were_handled(folder, report, county, shown):
    results = [(step.model_copy(update={"show": shown and step.show}), found) for step, found in report.results]
    layers = map_layers(read_pipeline(folder / "meeting.yaml"), county.boundaries, results)
    data = page_data(layers, head={}, language="en", boundaries=None)
    opened = [packed for packed, layer in zip(data["layers"], layers, strict=True) if layer.role == "theme"]
    assert [("handled_share" in [c["key"] for c in packed["columns"]]) == packed["show"] for packed in opened] == [
        not shown
    ] * len(opened)
    assert data["opens"] == ("hotspots" if shown else "areas")


def test_the_file_of_named_areas_says_their_names(folder, report):
    written = pd.read_csv(next((folder / "out").glob("*register_areas.csv")))
    assert written["area"].tolist() == ["cleaning"]
    assert not [note for note in report.warnings if "register_areas" in note]


def test_page_and_papers_have_the_two_pages(folder, report):
    run = read_run(folder / "out")
    pages = governed_pages(run, "en", pictures=False)
    assert [page.heading for page in pages] == ["Areas we named", "How the grids work"]
    areas = pages[0].parts[0].table
    assert areas is not None
    assert areas.rows[0][0].text == "cleaning"
    verdicts = next(p for p in pages[0].parts if p.heading == "Did it work?").table
    assert verdicts is not None
    assert verdicts.rows[0][0].text == "cleaning"
    assert [p.heading for p in governed_pages(run, "zh", pictures=False)] == ["挂牌地区", "网格运行"]
    book = pd.read_excel(
        pd.io.common.BytesIO(paper_bytes(run, ".xlsx", language="en")), sheet_name=None, engine="openpyxl"
    )
    assert {"Dates that come", "Indicators", "Areas we named"} <= set(book)


def test_no_single_event_leaves_with_the_tables(folder, report, county):
    ids = set(county.incidents.to_frame(["incident_id"])["incident_id"])
    for path in [*(folder / "out").glob("*.csv"), *(folder / "out/results").glob("*.parquet")]:
        table = pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pd.read_parquet(path)
        table = table.drop(columns="geometry", errors="ignore").astype(object).map(str)
        assert not set(table.columns) & {"incident_id", "found_at", "closed_at", "deadline_at", "local"}, path.name
        assert not ids & set(table.to_numpy().ravel().tolist()), path.name
    together = next(r for _, r in report.results if isinstance(r, KindsTogether))
    assert len(together.colocation.local) == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("audience=public", "not for the public|for the analyst and the meeting"),
        ("case_life.alik=category", "alike"),
        ("evaluations.0.start=May", "2024-03-31|day"),
        ("register.path=nowhere.yaml", "nowhere.yaml"),
        ("boundaries.path=sample://county/x/houses", "sample://county/0/incidents"),
        ("together.null=lables", "labels"),
    ],
)
def test_a_mistake_in_a_stage_is_answered_in_one_line(folder, county, change, what):
    with pytest.raises(SettingError, match=what):
        read_pipeline(folder / "meeting.yaml", overrides=[change])


def test_an_area_that_is_neither_a_file_nor_named_is_refused(folder, county):
    pipeline = read_pipeline(folder / "meeting.yaml", overrides=["evaluations.0.area=claening"])
    with pytest.raises(SettingError, match="cleaning"):
        run_pipeline(pipeline, folder / "other")


def test_named_areas_are_outlines_in_the_order_of_what_needs_the_meeting():
    areas = gpd.GeoDataFrame(
        {"name": list("abc"), "standing": ["active", "back", "overdue"], "days": [9, 800, 300]},
        geometry=[box(x, 0, x + 0.01, 0.01) for x in (0, 1, 2)],
        crs=4326,
    )
    layer = named_areas_layer(areas)
    assert [entry.text() for entry in layer.classes] == ["back again", "overdue for review", "active"]
    assert layer.codes.tolist() == [2, 0, 1]
    assert [rule.values for rule in layer.rules()] == [("back",), ("overdue",), ("active",)]
