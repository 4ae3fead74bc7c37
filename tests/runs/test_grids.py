"""Management grids in a pipeline: their files are read, their report and hierarchy written, mistakes told by line."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import GridmapError, SettingError
from gridmap.runs import read_pipeline, run_pipeline

BALANCED = """
title: 望川县
language: zh
boundaries: {path: boundaries.geojson, zone_id: zone_id}
grid:
  system: balanced
  atoms: {path: buildings.csv, datum: gcj02}
  load: households
  target: 60
  tolerance: 0.2
  follow: {path: roads.geojson, where: {level: [1, 2]}}
  barriers: river.geojson
  codes: "{county:6}{street:3}{community:3}{seq:3}"
incidents: {path: incidents.csv, datum: wgs84}
hotspots: [getis_ord]
outputs: {map: map.html, layers: layers.gpkg}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small county as files: buildings in a table on GCJ-02, as a case system exports them."""
    path = tmp_path_factory.mktemp("county")
    county = gm.samples.simulated_county(random_state=1, households=6_000, events=1_000)
    few = county.boundaries["parent_id"].isin(sorted(county.boundaries["parent_id"].unique())[:3])
    county.boundaries[few].to_file(path / "boundaries.geojson", driver="GeoJSON")
    houses = county.buildings.rename(columns={"lon_gcj02": "经度", "lat_gcj02": "纬度"})
    houses.drop(columns="geometry").to_csv(path / "buildings.csv", index=False, encoding="gb18030")
    county.roads.to_file(path / "roads.geojson", driver="GeoJSON")
    county.river.to_file(path / "river.geojson", driver="GeoJSON")
    frame = county.incidents.to_frame(["incident_id", "occurred_from", "category", "lon", "lat"])
    frame.to_csv(path / "incidents.csv", index=False)
    (path / "grids.yaml").write_text(BALANCED, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def report(folder, tmp_path_factory):
    return run_pipeline(read_pipeline(folder / "grids.yaml"), tmp_path_factory.mktemp("out"))


def test_the_report_of_the_grids_is_a_table_with_codes(report):
    table = pd.read_csv(report.outputs["grid_report"], dtype={"code": str, "zone_id": str})
    assert len(table) == len(report.grid)
    assert table["code"].str.fullmatch(r"990101\d{9}").all()
    assert table["contiguous"].all()
    assert table["deviation"].abs().median() < 0.2
    facts = json.loads(report.outputs["run"].read_text(encoding="utf-8"))
    assert facts["grid"]["report"]["grids"] == len(table)
    assert [i.get("stage") for i in facts["inputs"]] == [None, "grid.atoms", "grid.follow", "grid.barriers", None]
    assert all(i["rows"] == i["used"] + i["set_aside"] for i in facts["inputs"])
    layer = gpd.read_file(report.outputs["layers"], layer="grids")
    assert layer["code"].tolist() == table["code"].tolist()


def test_every_level_of_the_hierarchy_counts_the_same_incidents(report):
    table = pd.read_csv(report.outputs["hierarchy"], dtype={"unit_id": str, "parent_id": str})
    assert table["level"].unique().tolist() == ["grid", "community", "street", "county"]
    totals = table.groupby("level")[["count", "households"]].sum()
    assert (totals == totals.iloc[0]).all(axis=None)
    assert table.loc[table["level"] == "county", "name"].tolist() == ["望川县"]
    below = table.groupby("parent_id")["count"].sum()
    own = table.set_index("unit_id")["count"]
    assert (own[below.index] == below).all()


def test_grids_kept_from_an_earlier_run_keep_their_shapes_and_codes(report, folder, tmp_path):
    path = folder / "again.yaml"
    keep = f"keep: {{path: {report.outputs['layers']}, layer: grids}}"
    path.write_text(BALANCED.replace("tolerance: 0.2", f"tolerance: 0.6\n  {keep}"), encoding="utf-8")
    again = run_pipeline(read_pipeline(path), tmp_path)
    assert len(again.grid) == len(report.grid)
    assert again.grid.report["moved"].sum() == 0
    was = report.grid.cells["code"]
    assert (was.loc[again.grid.cells["kept_id"]].to_numpy() == again.grid.cells["code"].to_numpy()).all()


def test_buildings_on_gcj02_lie_in_their_communities(report, folder):
    houses = pd.read_csv(folder / "buildings.csv", dtype={"zone_id": str}, encoding="gb18030")
    zones = set(gpd.read_file(folder / "boundaries.geojson")["zone_id"])
    inside = houses[houses["zone_id"].isin(zones)]
    found = report.grid.cells.groupby("zone_id")["households"].sum()
    known = inside.groupby("zone_id")["households"].sum()
    off = (found - known.reindex(found.index)).abs()
    assert off.sum() <= 0.01 * known.sum()  # a house on a border may lie on either side of it
    assert report.grid.report.attrs["outside"] == pytest.approx(len(houses) - len(inside), abs=20)


def test_west_yorkshire_is_drawn_from_the_bundled_data(root, tmp_path):
    """The pipeline in pipelines/, on two districts' worth of zones, so that it is quick."""
    zones = gpd.read_file(root / "data/west_yorkshire/lsoa_2011.geojson")
    some = zones[zones["district_name"].isin(["Calderdale", "Wakefield"])]
    (tmp_path / "data/west_yorkshire").mkdir(parents=True)
    (tmp_path / "pipelines").mkdir()
    some.to_file(tmp_path / "data/west_yorkshire/lsoa_2011.geojson", driver="GeoJSON")
    for name in ("data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz", "pipelines/management_grids.yaml"):
        shutil.copy(root / name, tmp_path / name)
    report = run_pipeline(read_pipeline(tmp_path / "pipelines/management_grids.yaml"), tmp_path / "out")
    assert report.grid.cells["zone_id"].nunique() == some["msoa_code"].nunique()
    assert report.grid.cells["households"].sum() == some["households"].sum()
    assert report.grid.report["contiguous"].all()
    assert np.isclose(report.grid.report.attrs["mean_deviation"], report.grid.report["deviation"].abs().mean())
    codes = pd.read_csv(report.outputs["grid_report"])["code"]
    assert codes.str.fullmatch(r"E\d{8}-\d\d").all()


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("roads.geojson", "streets.geojson", "there is no file streets.geojson"),
        ("datum: gcj02", "dattum: gcj02", "datum"),
        ("atoms: {path: buildings.csv, datum: gcj02}", "atoms: 7", "atoms is a file"),
        ("  follow: {path", "  basic_units: buildings.csv\n  follow: {path", "two names of one setting"),
        ("{seq:3}", "", "{seq:…}"),
        ("codes:", "code:", "codes"),
        ("target: 60", "targets: 60", "target"),
        ("tolerance: 0.2", "communities: 3", "communities is a column"),
    ],
)
def test_a_mistake_is_told_with_its_line(folder, was, now, words):
    path = folder / "wrong.yaml"
    assert was in BALANCED
    path.write_text(BALANCED.replace(was, now), encoding="utf-8")
    with pytest.raises(SettingError) as caught:
        read_pipeline(path)
    assert words in str(caught.value)
    assert "wrong.yaml, line" in str(caught.value)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("load: households", "load: househods", "'households'"),
        ("target: 60", "target: 60000", "more than any community holds"),
        ("{level: [1, 2]}", "{klass: 1}", "klass"),
        ("{level: [1, 2]}", "{level: 9}", "no place left"),
        ("{county:6}{street:3}", "{county:6}{district:7}{street:3}", "does not fit the names"),
    ],
)
def test_what_only_the_data_can_tell_is_one_clear_line(folder, was, now, words, tmp_path):
    path = folder / "wrong.yaml"
    path.write_text(BALANCED.replace(was, now), encoding="utf-8")
    with pytest.raises(GridmapError, match=words) as caught:
        run_pipeline(read_pipeline(path), tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
