"""`gridmap demo --county`: files as an office has them, grids drawn from them, and the planted hotspot on the map."""

import json
import re

import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.cli import main
from gridmap.runs.demos import county_demo

SIZES = {"households": 20_000, "events": 12_000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("county")


@pytest.fixture(scope="module")
def report(folder):
    return county_demo(folder, random_state=3, **SIZES)


def test_the_county_is_written_as_files_to_look_at(report, folder):
    assert {p.name for p in (folder / "data").iterdir()} >= {
        *("communities.geojson", "streets.geojson", "roads.geojson", "river.geojson", "cameras.geojson"),
        *("buildings.csv", "incidents.csv"),
    }
    houses = pd.read_csv(folder / "data/buildings.csv")
    assert houses["户数"].sum() == SIZES["households"]
    assert (folder / "county.yaml").exists()
    assert (folder / "index.html").stat().st_size > 100_000


def test_all_incidents_are_read_back_to_where_they_were(report):
    county = gm.samples.simulated_county(random_state=3, **SIZES)
    assert len(report.incidents) == len(county.incidents)
    was = county.incidents.to_frame(["incident_id", "lon", "lat"]).set_index("incident_id").sort_index()
    now = report.incidents.to_frame(["incident_id", "lon", "lat"]).set_index("incident_id").sort_index()
    assert (was - now).abs().to_numpy().max() < 2e-6  # 0.2 m: GCJ-02 and back, seven decimals
    assert report.incidents.to_frame(["officer_initiated"])["officer_initiated"].eq(True).sum() == (
        county.incidents.to_frame(["officer_initiated"])["officer_initiated"].eq(True).sum()
    )


def test_grids_are_even_and_coded(report):
    grid = report.grid
    assert grid.cells["户数"].sum() >= 0.999 * SIZES["households"]
    assert grid.report["contiguous"].all()
    assert grid.cells["code"].str.fullmatch(r"\d{15}").all()
    assert grid.cells["code"].is_unique
    assert (grid.cells["code"].str[:12] == grid.cells["zone_id"]).all()


def test_the_planted_burglaries_are_the_first_hotspot(report):
    county = gm.samples.simulated_county(random_state=3, **SIZES)
    planted = county.truth.hotspots.set_index("name").loc["老城入室盗窃"]
    hot = report.results[0][1].cells
    hot = hot[hot["label"].str.startswith("hot")]
    assert shapely.intersects(hot.geometry.to_numpy(), planted["geometry"]).any()
    facts = json.loads(report.outputs["run"].read_text(encoding="utf-8"))
    assert facts["title"].startswith("望川县")


def test_a_language_there_is_not_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["demo", "--county", str(tmp_path / "x"), "--language", "fr"])
    assert left.value.code == 1
    assert "There are: en, zh." in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def page_of(path) -> dict:
    return json.loads(re.search(r'id="gridmap-data">(.*?)</script>', path.read_text(encoding="utf-8"), re.S)[1])


def test_the_county_shows_its_months_on_the_slider_and_its_hours_on_the_clock(report):
    data = page_of(report.outputs["map"])
    months, hours = (layer["frames"] for layer in data["layers"] if layer.get("frames"))
    assert months["every"] == "month"
    assert {f"{year}-{month:02}" for year in (2023, 2024) for month in range(1, 13)} <= set(months["periods"])
    assert hours["every"] == "hour_of_week"
    burglaries = report.incidents.where(category="入室盗窃")
    assert sum(months["totals"]) == len(burglaries) == data["layers"][0]["total"]
    around = {layer.get("surround") for layer in data["layers"]}
    assert "streets" in around
    assert around & {"water", "rivers"}


@pytest.mark.slow
def test_the_hours_demo_advises_on_hours_and_plans_patrols_along_streets(tmp_path):
    report = county_demo(tmp_path, pipeline="hours_en", random_state=3, **SIZES)
    data = page_of(report.outputs["map"])
    first = data["layers"][0]
    assert first["answers"]["next"][1]["values"]["hours"]["code"] == "page.next_hours"
    assert first["answers"]["changed"][0]["code"] == "page.changed"
    kinds = [layer["kind"] for layer in data["layers"]]
    assert "routes" in kinds
    assert {layer["frames"]["every"] for layer in data["layers"] if layer.get("frames")} == {"month", "hour_of_week"}
    assert (tmp_path / "hours.yaml").exists()
    assert (tmp_path / "patrol" / "plan.xlsx").exists()
