import hashlib
import json
import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import yaml

from gridmap.errors import GridmapError, GridmapWarning, InputError, OutputError
from gridmap.hotspots.registry import METHODS, inputs_of
from gridmap.read.incidents import read_incidents
from gridmap.runs import read_pipeline, run_pipeline
from gridmap.runs.audience_limits import shown_timeline


@pytest.fixture
def town(tmp_path):
    """A town of two zones, 300 thefts around one corner and 60 elsewhere, 5 rows without coordinates."""
    rng = np.random.default_rng(7)
    boxes = [shapely.box(-1.60, 53.74, -1.55, 53.80), shapely.box(-1.55, 53.74, -1.50, 53.80)]
    zones = gpd.GeoDataFrame({"code": ["W", "E"], "name": ["West", "East"]}, geometry=boxes, crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    lon = np.r_[rng.normal(-1.53, 0.003, 300), rng.uniform(-1.60, -1.50, 60), [np.nan] * 5]
    lat = np.r_[rng.normal(53.77, 0.002, 300), rng.uniform(53.74, 53.80, 60), [np.nan] * 5]
    rows = pd.DataFrame({"date": "2024-03-05", "category": "theft", "lon": lon, "lat": lat})
    rows.to_csv(tmp_path / "points.csv", index=False)
    values = {
        "title": "A town",
        "boundaries": {"path": "zones.geojson"},
        "grid": {"system": "square", "cell_size_m": 500},
        "incidents": {"path": "points.csv"},
        "hotspots": [
            {"getis_ord": {"order": 1, "inference": "exact"}, "name": "Theft"},
            {"dbscan": {"eps_m": 150, "min_samples": 10}},
        ],
        "outputs": {"map": "map.html", "layers": "l.gpkg", "counts": "c.parquet", "set_aside": "aside.csv"},
    }

    def write(**changes):
        path = tmp_path / "p.yaml"
        path.write_text(yaml.safe_dump(values | changes), encoding="utf-8")
        return read_pipeline(path)

    return write


def test_a_run_writes_all_it_names_and_a_manifest_that_adds_up(town, tmp_path):
    steps = []
    report = run_pipeline(town(), tmp_path / "out", on_step=steps.append)
    out = tmp_path / "out"
    assert {p.name for p in out.iterdir()} == {
        *("map.html", "l.gpkg", "c.parquet", "aside.csv", "results", "run.json", "audit.jsonl"),
    }
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    boundary, points = manifest["inputs"]
    assert boundary["path"] == "zones.geojson"
    assert points["sha256"] == hashlib.sha256((tmp_path / "points.csv").read_bytes()).hexdigest()
    assert (points["rows"], points["used"], points["set_aside"]) == (365, 360, 5)
    assert sum(manifest["incidents"]["reasons"].values()) == 5
    for output in manifest["outputs"]:
        assert output["sha256"] == hashlib.sha256((out / output["path"]).read_bytes()).hexdigest()
    counts = pd.read_parquet(out / "c.parquet")
    assert counts["count"].sum() + manifest["incidents"]["outside_grid"] == 360
    assert len(pd.read_csv(out / "aside.csv")) == 5
    assert steps[:3] == ["read boundaries", "make grid", "read incidents"]
    assert set(report.seconds) >= {"getis_ord", "write map"}


def test_the_planted_corner_is_hot_in_the_files_and_in_the_sentences(town, tmp_path):
    report = run_pipeline(town(), tmp_path / "out")
    layers = [name for name, _ in pyogrio.list_layers(tmp_path / "out" / "l.gpkg")]
    assert layers == ["1_Theft", "2_dbscan_clusters", "layer_styles"]  # the last: the colours for QGIS
    cells = gpd.read_file(tmp_path / "out" / "l.gpkg", layer="1_Theft")
    hottest = cells.loc[cells["z_score"].idxmax()]
    assert hottest.geometry.distance(shapely.Point(-1.53, 53.77)) < 0.005
    assert any("more than if the counts were shuffled" in sentence for sentence in report.summary)
    assert any("East" in sentence for sentence in report.summary)


def test_that_stability_was_not_tried_stands_in_the_notes_of_the_method_with_its_setting(town, tmp_path):
    report = run_pipeline(town(outputs={"map": "map.html"}), tmp_path / "out")
    (hot, clusters) = ([note.code for note in result.notes] for _, result in report.results)
    assert "runs.stability_not_tried" in hot
    assert "runs.stability_not_tried" not in clusters  # which cannot be tried
    assert "stability: 50" in (tmp_path / "out" / "map.html").read_text(encoding="utf-8")  # in About


def test_a_test_that_does_not_hold_is_drawn_and_claims_nothing(town, tmp_path):
    report = run_pipeline(town(hotspots=[{"getis_ord": {"order": 1}, "name": "Theft"}]), tmp_path / "out")
    assert (report.results[0][1].cells["label"] == "hot 99").any()
    assert any("claims nothing" in sentence for sentence in report.summary)
    assert not any("more than" in sentence for sentence in report.summary)
    facts = json.loads((tmp_path / "out" / "results" / "facts.json").read_text(encoding="utf-8"))
    assert not facts["results"][0]["layers"][0]["tested"]


def test_the_default_says_beyond_what_in_both_languages(town, tmp_path):
    for language, words in (("en", "more than if all land were alike"), ("zh", "超出各处土地情形相同时的水平")):
        asked = [{"hotspot_test": {}, "name": "Theft"}]
        report = run_pipeline(town(language=language, hotspots=asked), tmp_path / language)
        assert any(words in sentence for sentence in report.summary)
        assert any("East" in sentence for sentence in report.summary)


def test_both_languages_say_the_same_numbers(town, tmp_path):
    said = {}
    for language in ("en", "zh"):
        report = run_pipeline(town(language=language), tmp_path / language)
        said[language] = [sorted(re.findall(r"\d+(?:[,.]\d+)*", sentence)) for sentence in report.summary]
    assert said["en"] == said["zh"]


def test_two_runs_write_the_same_data(town, tmp_path):
    for name in ("one", "two"):
        run_pipeline(town(), tmp_path / name)
    for file in ("c.parquet", "aside.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_run_that_fails_leaves_nothing_and_keeps_what_was_there(town, tmp_path):
    with pytest.raises(InputError, match="no such kind"):
        run_pipeline(town(incidents={"path": "points.csv", "category": "no such kind"}), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    run_pipeline(town(), tmp_path / "out")
    before = {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    with pytest.raises(InputError, match="no such kind"):
        run_pipeline(town(hotspots=[{"getis_ord": {}, "category": "no such kind"}]), tmp_path / "out")
    assert {p: p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == before


def test_a_folder_that_cannot_be_written_is_said_before_any_work(town, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    steps = []
    with pytest.raises(OutputError, match="taken"):
        run_pipeline(town(), tmp_path / "taken", on_step=steps.append)
    assert steps == []


def test_a_change_between_periods_reads_its_periods_from_before(town, tmp_path):
    march = pd.read_csv(tmp_path / "points.csv")
    february = march.head(100).assign(date="2024-02-10")
    pd.concat([march, february]).to_csv(tmp_path / "points.csv", index=False)
    step = {"compare_periods": {"before": "2024-02", "after": "2024-03"}, "name": "Change"}
    report = run_pipeline(town(hotspots=[step]), tmp_path / "out")
    ((_, result),) = report.results
    assert (result.cells["before"].sum(), result.cells["after"].sum()) == (100, 360)
    assert any("100 incidents before (2024-02), 360 after (2024-03) (+260%)" in sentence for sentence in report.summary)


BANDS = {"space_breaks_m": [0, 100, 200], "time_breaks_days": [0, 7, 14], "permutations": 19, "random_state": 0}
METHODS_IN_A_FILE = {
    "near_repeat": BANDS,
    "cross_near_repeat": {"second": "shop"} | BANDS,
    "space_time_scan": {"population": "persons", "permutations": 19, "random_state": 0},
    "space_time_permutation_scan": {"permutations": 19, "random_state": 0},
    "compare_periods": {"before": "2024-02", "after": "2024-03"},
    "kernel_density": {"bandwidth_m": 1500},
    "incident_rates": {"population": "persons"},
    "spatial_scan": {"population": "persons", "permutations": 19, "random_state": 0},
    "st_dbscan": {"eps_m": 150, "eps_days": 3, "min_samples": 10},
    "stac": {"radius_m": 300},
    "relative_risk": {"at_risk": "shop", "bandwidth_m": 1500, "permutations": 39, "random_state": 0},
    "local_moran": {"permutations": 99, "random_state": 0},
}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_runs_from_a_pipeline_file(town, tmp_path, method):
    points = pd.read_csv(tmp_path / "points.csv").dropna()
    points["date"] = pd.to_datetime("2024-02-01") + pd.to_timedelta(np.arange(len(points)) % 58, unit="D")
    points["category"] = np.where(np.arange(len(points)) % 4, "theft", "shop")
    points.to_csv(tmp_path / "points.csv", index=False)
    corners = [(x, y) for x in np.arange(-1.6, -1.5, 0.02) for y in np.arange(53.74, 53.8, 0.02)]
    boxes = [shapely.box(x, y, x + 0.02, y + 0.02) for x, y in corners]
    zones = gpd.GeoDataFrame({"code": range(len(boxes)), "persons": 1000}, geometry=boxes, crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    step = {method: METHODS_IN_A_FILE.get(method, {}), "name": "A step/name"}
    if "counts_by_period" in inputs_of(METHODS[method]).values() and method != "compare_periods":
        step["every"] = "week" if method == "space_time_scan" else "day"
    if method == "cross_near_repeat":
        step["category"] = "theft"
    report = run_pipeline(town(hotspots=[step], grid={"system": "zones"}), tmp_path / "out")
    assert len(report.results) == 1
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    facts = json.loads((tmp_path / "out" / "results" / "facts.json").read_text(encoding="utf-8"))
    assert [result["method"] for result in facts["results"]] == [method]
    for output in manifest["outputs"]:
        assert output["sha256"] == hashlib.sha256((tmp_path / "out" / output["path"]).read_bytes()).hexdigest()


@pytest.mark.parametrize("method", ["getis_ord", "dbscan"])
def test_every_is_refused_beside_a_method_that_compares_no_periods(town, method):
    with pytest.raises(GridmapError, match=f"{method} does not compare.*emerging_hotspots"):
        town(hotspots=[{method: {}, "every": "month"}])
    assert town(hotspots=[{"emerging_hotspots": {}, "every": "week"}]).hotspots[0].every == "week"


def test_a_paper_that_fails_leaves_the_run_whole(town, tmp_path, monkeypatch):
    def no_font(*_, **__):
        raise RuntimeError("no font")

    monkeypatch.setattr("gridmap.runs.stages.reporting.paper_bytes", no_font)
    report = run_pipeline(town(outputs={"counts": "c.csv", "report": "r.pdf"}), tmp_path / "out")
    assert any("r.pdf was not written: RuntimeError: no font" in str(warning) for warning in report.warnings)
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("r.pdf was not written" in text for text in manifest["warnings"])
    assert (tmp_path / "out" / "c.csv").exists()
    assert not (tmp_path / "out" / "r.pdf").exists()


def test_a_population_that_is_not_there_is_found_before_the_incidents_are_read(town, tmp_path):
    zones = gpd.read_file(tmp_path / "zones.geojson").assign(residents=[100, 200])
    zones.to_file(tmp_path / "zones.geojson")
    pipeline = town(hotspots=[{"incident_rates": {"population": "resident"}}])
    (tmp_path / "points.csv").write_text("nothing,of use\n1,2\n", encoding="utf-8")
    with pytest.raises(GridmapError, match="Did you mean 'residents'"):
        run_pipeline(pipeline, tmp_path / "out")


def test_a_timeline_that_the_public_may_not_see_is_left_out_with_a_warning(town):
    every = {"every": "month"}
    public = town(audience="public", timeline=[every], hotspots=["getis_ord"])
    with pytest.warns(GridmapWarning, match="timeline by month is left out for the public"):
        assert shown_timeline(public, None) == ()
    same = town(audience="public", timeline=[every], hotspots=[{"emerging_hotspots": {}, **every}])
    assert [step.every for step in shown_timeline(same, None)] == ["month"]


def test_a_patrol_stage_drives_along_the_compulsory_streets_of_a_file(town, tmp_path):
    line = shapely.LineString([(-1.54, 53.76), (-1.52, 53.76)])
    streets = gpd.GeoDataFrame({"name": ["High Street"], "times": [2]}, geometry=[line], crs=4326)
    streets.to_file(tmp_path / "streets.geojson")
    patrol = {"units": 1, "shift_h": 4, "revisit_h": 1, "most": 5, "rounds": 3, "random_state": 0, "sheets": False}
    for given in ("streets.geojson", {"path": "streets.geojson"}):
        run_pipeline(town(patrol=patrol | {"streets": given}), tmp_path / "out")
        legs = gpd.read_file(tmp_path / "out" / "patrol" / "plan.gpkg", layer="stops")
        assert (legs["place_id"] == "High Street").sum() >= 2
        manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
        assert "streets.geojson" in {Path(entry["path"]).name for entry in manifest["also_read"]}
    with pytest.raises(GridmapError, match=r"no file lanes\.geojson"):
        town(patrol=patrol | {"streets": "lanes.geojson"})


def test_a_patrol_stage_writes_routes_and_a_log(town, tmp_path):
    patrol = {"units": 1, "shift_h": 2, "most": 5, "rounds": 3, "random_state": 0, "sheets": False}
    for _ in range(2):  # a second run replaces the folder
        report = run_pipeline(town(patrol=patrol), tmp_path / "out")
    visits = pd.read_csv(tmp_path / "out" / "patrol" / "visits.csv")
    assert len(visits) > 0
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert {"patrol/visits.csv", "patrol/plan.gpkg"} <= {output["path"] for output in manifest["outputs"]}
    assert all(path.exists() for path in report.outputs.values())


def test_stops_of_one_zone_are_called_by_their_corners_where_the_patrols_have_roads(town, tmp_path):
    across = [((x, 53.70), (x, 53.84)) for x in np.arange(-1.62, -1.44, 0.005)]
    along = [((-1.62, y), (-1.44, y)) for y in np.arange(53.70, 53.84, 0.003)]
    names = [f"Road {i}" for i in range(len(across))] + [f"Lane {i}" for i in range(len(along))]
    lines = [shapely.LineString(line) for line in [*across, *along]]
    gpd.GeoDataFrame({"name": names}, geometry=lines, crs=4326).to_file(tmp_path / "roads.geojson")
    patrol = {"units": 1, "shift_h": 2, "most": 4, "rounds": 1, "random_state": 0, "sheets": False, "max_snap_m": 1500}
    run_pipeline(town(patrol=patrol | {"roads": "roads.geojson"}), tmp_path / "out")
    places = gpd.read_file(tmp_path / "out" / "patrol" / "plan.gpkg", layer="places")["place_id"]
    assert places.is_unique
    assert places.str.contains(r", Lane \d+ / Road \d+$").any()
    assert not places.str.contains(r"/ \d+$").any()  # no bare number


@pytest.mark.parametrize("name", ["l.kml", "l.geojson", "l.shp", "l.shp.zip", "l.fgb", "l.parquet"])
def test_layers_may_be_any_format_that_holds_shapes_and_each_file_is_in_the_manifest(town, tmp_path, name):
    pipeline = town(outputs={"layers": name})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        report = run_pipeline(pipeline, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    told = {entry["path"] for entry in manifest["outputs"]}
    there = {p.name for p in (tmp_path / "out").iterdir() if p.is_file()} - {"run.json"}
    assert there <= told | {"audit.jsonl"}
    assert report.outputs["layers"].is_file()
    if name in ("l.geojson", "l.fgb", "l.parquet", "l.shp"):  # a file each, where the format holds one layer
        assert any(p.startswith("l_1_Theft") for p in told)
    if name == "l.geojson":
        member = json.loads(report.outputs["layers"].read_text(encoding="utf-8"))["gridmap"]
        assert member["run_id"] == manifest["run_id"]


def test_a_pile_of_rows_on_one_point_is_said_by_reading_and_by_the_run(town, tmp_path):
    """A default of the system: 60 of 420 rows on one point; `inspect` names it, and a map of it is doubtful."""
    points = pd.read_csv(tmp_path / "points.csv")
    default = points.head(60).assign(lon=-1.56, lat=53.75)
    pd.concat([points, default]).to_csv(tmp_path / "points.csv", index=False)
    notes = read_incidents(tmp_path / "points.csv").source["notes"]
    assert [note.values["n"] for note in notes if note.code == "read.piled_rows"] == [60]
    report = run_pipeline(town(), tmp_path / "out")
    assert any(getattr(warning, "code", "") == "read.piled_rows" for warning in report.warnings)
    told = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("lie on one point" in note for note in told["incidents"]["notes"])
    assert len(told["incidents"]["notes"]) > 1  # what reading guessed stands there too


def test_rows_spread_over_places_are_not_called_a_pile(town, tmp_path):
    notes = read_incidents(tmp_path / "points.csv").source["notes"]
    assert [note for note in notes if getattr(note, "code", "") == "read.piled_rows"] == []
