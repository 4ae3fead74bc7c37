"""The stage `forecasts`: a forecast that is offered or refused, on the map, in the files and in words."""

import json
import re

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
import yaml

from gridmap.errors import SettingError
from gridmap.messages import step_name
from gridmap.reports.briefing import PAPERS, write_briefing
from gridmap.reports.paper.content import forecast_pages
from gridmap.reports.results_folder import read_run
from gridmap.runs import read_pipeline, run_pipeline
from gridmap.runs.backtests import backtest_pipeline, write_backtest

from ..reports.test_papers import words

FORECAST = {"horizon": "7D", "model": "recent_count", "area_share": 0.05, "name": "Next week"}


@pytest.fixture
def places_that_move(tmp_path):
    """A year of weeks: four places flare up for six weeks each, one after another, over a thin background."""
    rng = np.random.default_rng(0)
    halves = [shapely.box(-1.60, 53.74, -1.565, 53.78), shapely.box(-1.565, 53.74, -1.53, 53.78)]
    zones = gpd.GeoDataFrame({"code": ["A", "B"], "name": ["West End", "East End"]}, geometry=halves, crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    rows = []
    for week in range(60):
        for k in range(4):
            spot = np.random.default_rng(1000 + 10 * (week // 6) + k)
            lon, lat = spot.uniform(-1.595, -1.535), spot.uniform(53.745, 53.775)
            rows += [(week, lon, lat)] * rng.poisson(6)
        n = rng.poisson(8)
        rows += [(week, *p) for p in zip(rng.uniform(-1.60, -1.53, n), rng.uniform(53.74, 53.78, n), strict=True)]
    week, lon, lat = map(np.array, zip(*rows, strict=True))
    day = pd.Timestamp("2023-01-02") + pd.to_timedelta(week * 7 + rng.integers(0, 7, len(week)), unit="D")
    hours = pd.to_timedelta(rng.integers(0, 24, len(week)), unit="h")
    table = pd.DataFrame({"date": (day + hours).astype(str), "category": "theft", "lon": lon, "lat": lat})
    table.to_csv(tmp_path / "points.csv", index=False)

    def write(*, since=None, **changes):
        if since is not None:
            table[table["date"] >= since].to_csv(tmp_path / "points.csv", index=False)
        values = {
            "title": "A town",
            "boundaries": {"path": "zones.geojson"},
            "grid": {"system": "square", "cell_size_m": 250},
            "incidents": {"path": "points.csv"},
            "hotspots": [{"hotspot_test": {}}],
            "forecasts": FORECAST,
            "outputs": {"map": "map.html", "layers": "l.gpkg"},
        } | changes
        (tmp_path / "p.yaml").write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
        return tmp_path / "p.yaml"

    return write


def test_an_offered_forecast_stands_on_the_map_in_the_files_and_in_words(places_that_move, tmp_path):
    report = run_pipeline(read_pipeline(places_that_move(language="zh")), tmp_path / "out")
    step, result = report.results[-1]
    assert step.method == "forecast"
    assert result.params["offered"] is True
    assert any("在过去" in sentence and "命中" in sentence for sentence in report.summary)
    layer = gpd.read_file(tmp_path / "out" / "l.gpkg", layer="2_Next_week")
    assert layer["expected"].sum() == pytest.approx(result.cells["expected"].sum())
    assert (layer["low"] <= layer["expected"]).all()
    assert {"lately", "usual", "a_year"} <= set(layer)
    assert layer["chosen"].astype(bool).sum() == result.cells["chosen"].sum() > 0
    facts = json.loads((tmp_path / "out" / "results" / "facts.json").read_text(encoding="utf-8"))["facts"]
    (told,) = [fact for fact in facts if fact["kind"] == "forecast_offered"]
    assert told["values"]["low"] > 0
    assert "Next week" in (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    what_stands_beside_it(tmp_path / "out", result, facts)


def what_stands_beside_it(out, result, facts):
    """Hours of the week and whom it would keep choosing: on the page, in words, in tables and on paper."""
    page = (out / "map.html").read_text(encoding="utf-8")
    layers = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', page, re.S)[1])["layers"]
    zones, clock = ([la for la in layers if words_ in str(la["name"])] for words_ in ("forecast_exposure", "by_hour"))
    assert len(zones) == len(clock) == 1
    assert clock[0]["frames"]["every"] == "hour_of_week"
    chosen = result.cells["chosen"]
    assert sum(clock[0]["frames"]["totals"]) == pytest.approx(result.cells.loc[chosen, "expected"].sum(), abs=0.05)
    exposure = pd.read_csv(out / "2_Next_week_exposure.csv")
    assert sorted(exposure["neighbourhood"]) == ["East End", "West End"]
    assert exposure["of_chosen"].sum() == pytest.approx(1)
    assert exposure["of_incidents"].sum() == pytest.approx(1)
    (told,) = [fact for fact in facts if fact["kind"] == "forecast_exposure"]
    most = exposure.set_index("neighbourhood")["of_chosen"][told["values"]["zone"]]
    assert told["values"]["of_chosen"] == pytest.approx(most, abs=1e-4)
    assert result.hours.to_numpy().sum() == pytest.approx(result.cells["expected"].sum())
    (outlook,) = forecast_pages(read_run(out), "zh")
    assert outlook.parts[0].picture is not None
    assert {row[0].text for row in outlook.parts[1].table.rows} == {"East End", "West End"}
    assert [row[1].value for row in outlook.parts[1].whole.rows] == pytest.approx(exposure["of_chosen"])


@pytest.mark.parametrize("shown", [True, False])
def test_the_page_opens_on_the_forecast_where_no_step_is_shown(places_that_move, tmp_path, shown):
    steps = [{"hotspot_test": {}, "show": shown}]
    run_pipeline(
        read_pipeline(places_that_move(hotspots=steps, outputs={"map": "map.html"}, since="2023-10-01")),
        tmp_path / "out",
    )
    page = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', page, re.S)[1])
    opened = [layer["name"] for layer in data["layers"] if layer["role"] == "theme" and layer["show"]]
    assert [("Next week" in str(name)) for name in opened] == [not shown]


def test_a_stage_that_cannot_be_run_is_refused_before_any_work(places_that_move):
    with pytest.raises(SettingError, match=r"p\.yaml.*horizon"):
        read_pipeline(places_that_move(forecasts={"horizont": "7D"}))


def test_the_same_files_are_back_tested_from_the_command_line(places_that_move, tmp_path):
    from ..command import run_here

    path = places_that_move()
    given = ["--start", "2023-10-02", "--end", "2024-01-29", "--model", "density_mixture", "--area-share", "0.05"]
    done = run_here(["backtest", path, *given, "-o", tmp_path / "scores.csv"])
    assert done.returncode == 0, done.stderr
    assert "density_mixture" in done.stdout
    scores = pd.read_csv(tmp_path / "scores.csv")
    found = backtest_pipeline(path, start="2023-10-02", end="2024-01-29", models=["density_mixture"], area_share=0.05)
    assert scores["hits"].to_numpy() == pytest.approx(found.scores["hits"].to_numpy())
    assert found.summary().loc["density_mixture", "better"]
    assert run_here(["backtest", path, "--start", "2023-10-02", "--end", "2023-10-03"]).returncode == 1
    write_backtest(found, tmp_path / "tested", language="zh")
    made = {p.name for p in (tmp_path / "tested").iterdir()}
    assert {"scores.csv", "summary.csv", "intervals.csv", "curves.csv", "calibration.csv"} < made
    assert {"chosen.gpkg", "chosen.png", "curves.png"} < made
    curves = pd.read_csv(tmp_path / "tested" / "curves.csv")
    assert curves["density_mixture"].iloc[-1] == 1
    looked = gpd.read_file(tmp_path / "tested" / "chosen.gpkg", layer="chosen")
    often = looked["chosen_density_mixture"] * found.scores["origin"].nunique()
    assert often.sum() == pytest.approx(found.chosen["density_mixture"].sum())
    assert looked["count"].sum() == found.seen.sum()
    held = ["--area-m2", "600000", "1000000", "--cell-area-m2", "90000", "160000", "--model", "mean_count"]
    done = run_here(["backtest", path, *given[:4], *held, "-o", tmp_path / "squares"])
    assert done.returncode == 0, done.stderr
    squares = pd.read_csv(tmp_path / "squares" / "scores.csv")
    land = float(gpd.read_file(tmp_path / "zones.geojson").to_crs(32630).area.sum())
    assert (squares["area_share"] * land).max() <= 1_000_000 * (1 + 1e-6)
    assert (squares["area_share"] * land).min() >= 600_000
    assert squares["cells"].between(11, 15).all()  # of 300 m; of the pipeline's own 250 m it would be 16
    assert run_here(["backtest", path, *given[:4], "--area-share", "0.05", *held[:3]]).returncode == 1


def test_the_last_forecast_is_scored_by_itself_when_the_next_data_arrive(places_that_move, tmp_path):
    """Three weeks held back, then added: the next run says how the forecast did, in the folder itself and beside it."""
    path = places_that_move(since="2023-08")
    points = pd.read_csv(tmp_path / "points.csv")
    days = points["date"].str[:10]
    known = points[days < "2024-02-05"]
    known.to_csv(tmp_path / "points.csv", index=False)
    first = run_pipeline(read_pipeline(path), tmp_path / "runs" / "february")
    assert not any("last forecast" in sentence for sentence in first.summary)
    pages = forecast_pages(read_run(tmp_path / "runs" / "february"), "en", pictures=False)
    assert not [page for page in pages if "hold" in page.heading]
    cells = first.results[-1][1].cells
    points.to_csv(tmp_path / "points.csv", index=False)
    for folder in ("march", "february"):
        later = run_pipeline(read_pipeline(path), tmp_path / "runs" / folder)
        (told,) = [s for s in later.summary if "The last forecast, for 2024-02-05 to 2024-02-12" in s]
    week = points[(days >= "2024-02-05") & (days < "2024-02-12")]
    row = first.grid.locate(week["lon"].to_numpy(), week["lat"].to_numpy())
    hits = cells["chosen"].to_numpy()[row[row >= 0]].sum()
    assert f"{hits} of {(row >= 0).sum()} incidents" in told
    facts = json.loads((tmp_path / "runs" / "march" / "results" / "facts.json").read_text(encoding="utf-8"))["facts"]
    (stored,) = [fact for fact in facts if fact["kind"] == "last_forecast"]
    assert stored["values"]["hits"] == hits
    assert stored["values"]["low"] < stored["values"]["hit_rate"] < stored["values"]["high"]
    the_papers_say_whether_it_held(tmp_path / "runs", stored["values"], first.results[-1][1].notes[0].values)


def the_papers_say_whether_it_held(runs, values, verdict):
    """On a page of its own in every paper, in both languages, beside the mean count and what the back-test promised."""
    promised = {k: v for k, v in verdict.items() if k.startswith("promised_")}
    assert {k: v for k, v in values.items() if k.startswith("promised_")} == pytest.approx(promised, rel=1e-6)
    assert values["promised_pai_low"] < values["promised_pai"] < values["promised_pai_high"]
    assert values["pai"] == pytest.approx(values["hits"] / values["incidents"] / values["share"], rel=1e-6)
    assert values["promised_hit_rate"] > values["count_hit_rate"]
    headings = {"en": ("Did the last forecast hold?", "promised: "), "zh": ("上次预测是否应验？", "回测：")}
    for language, (heading, held) in headings.items():
        for ending in PAPERS if language == "zh" else [".docx"]:
            paper = write_briefing(runs / "march", runs / f"{language}{ending}", language=language)
            text = words(paper)
            if ending == ".xlsx":
                (sheet,) = [s for s in openpyxl.load_workbook(paper) if s.title.startswith(heading[:-1])]
                (pai,) = [row for row in sheet.iter_rows(values_only=True) if row[0] == "PAI"]
                kept = (values["pai"], values["count_pai"], values["promised_pai"], values["promised_pai_high"])
                assert [pai[i] for i in (1, 4, 5, 7)] == pytest.approx(kept)
            else:
                assert re.sub(r"\s", "", heading) in text, (ending, language)
                assert re.sub(r"\s", "", held) in text
                assert f"{values['pai']:.1f}" in text
                assert f"{values['promised_pai']:.1f}(" in text.replace("（", "(")


def test_a_forecast_of_another_audience_or_of_other_cells_is_not_scored(places_that_move, tmp_path):
    path = places_that_move(since="2023-08")
    points = pd.read_csv(tmp_path / "points.csv")
    points[points["date"].str[:10] < "2024-02-05"].to_csv(tmp_path / "points.csv", index=False)
    run_pipeline(read_pipeline(path, overrides=["audience=internal"]), tmp_path / "runs" / "one")
    points.to_csv(tmp_path / "points.csv", index=False)
    for change in ("audience=meeting", "grid.cell_size_m=300"):
        later = run_pipeline(read_pipeline(path, overrides=[change]), tmp_path / "runs" / "two")
        assert not any("last forecast" in sentence for sentence in later.summary)


def test_patrols_take_the_forecast_as_their_prize(places_that_move, tmp_path):
    """They go where it expects most; without a stage forecasts that is refused before any work."""
    patrol = {"units": 2, "shift_h": 2, "most": 4, "prize": "forecast"}
    report = run_pipeline(read_pipeline(places_that_move(since="2023-08", patrol=patrol)), tmp_path / "out")
    expected = report.results[-1][1].cells["expected"].nlargest(4)
    places = gpd.read_file(tmp_path / "out" / "patrol" / "plan.gpkg", layer="places")
    np.testing.assert_allclose(places["prize"].nlargest(4), expected / (7 * 24) * 2)
    with pytest.raises(SettingError, match=r"p\.yaml.*add the stage forecasts"):
        read_pipeline(places_that_move(patrol=patrol, forecasts=None))


def test_the_strip_says_what_the_back_test_said(places_that_move, tmp_path):
    """Never "not tested" of a forecast that was held against the past; only one that beat counting names visits."""
    for since, verdict, following in (
        (None, "page.forecast_beats", "page.next_two"),
        ("2023-11-01", "page.forecast_too_short", "page.next_no_forecast"),
    ):
        out, steps = tmp_path / verdict, []
        changes = {"hotspots": [{"hotspot_test": {}}], "outputs": {"map": "map.html"}, "since": since}
        run_pipeline(read_pipeline(places_that_move(**changes)), out, on_step=steps.append)
        page = (out / "map.html").read_text(encoding="utf-8")
        layers = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', page, re.S)[1])["layers"]
        of_forecast = [la["answers"] for la in layers if "Next week" in str(la["name"])]
        assert of_forecast
        assert {a["sure"][0]["code"] for a in of_forecast} == {verdict}
        assert of_forecast[0]["next"][0]["code"] == following
        counted = [step_name(step) for step in steps if step.startswith("forecast ")]
        assert bool(counted) == (since is None)
        assert all(re.fullmatch(r"forecast, \d+ of 104 past periods.*", words) for words in counted)
