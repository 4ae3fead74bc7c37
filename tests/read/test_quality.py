"""inspect_file: what is in a file and what is wrong with it, said before a map is made."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import yaml
from shapely.geometry import box

from gridmap.errors import ReadError
from gridmap.read.datum import estimate_datum, from_wgs84
from gridmap.read.quality import inspect_file

DATA = Path(__file__).parents[2] / "data" / "west_yorkshire"


@pytest.fixture
def town() -> gpd.GeoDataFrame:
    cells = [
        box(116.40 + i / 100, 39.90 + j / 100, 116.41 + i / 100, 39.91 + j / 100) for i in range(4) for j in range(4)
    ]
    ids = [f"Z{i}" for i in range(16)]
    return gpd.GeoDataFrame({"zone_id": ids, "name": ids}, geometry=cells, crs=4326)


def _export(datum: str, n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(116.40, 116.44, n), rng.uniform(39.90, 39.94, n)
    zone = [f"Z{int((x - 116.40) * 100) * 4 + int((y - 39.90) * 100)}" for x, y in zip(lon, lat, strict=True)]
    lon, lat = from_wgs84(lon, lat, datum=datum)
    return pd.DataFrame(
        {"案发时间": "2024-03-05 10:00", "案由": "盗窃", "经度": lon, "纬度": lat, "社区": zone, "报警人": "张伟"}
    )


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("evidence", ["extent", "named zone"])
def test_the_planted_datum_is_found(town, datum, evidence):
    frame = _export(datum)
    zone = list(frame["社区"]) if evidence == "named zone" else None
    estimate = estimate_datum(frame["经度"], frame["纬度"], boundaries=town, zone=zone)
    assert estimate.likely == datum
    assert estimate.z_score > 3
    assert datum in estimate.sentence()


def test_points_far_inside_tell_nothing_about_the_datum(town):
    whole = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[box(110, 35, 120, 45)], crs=4326)
    frame = _export("gcj02", 200)
    assert estimate_datum(frame["经度"], frame["纬度"], boundaries=whole).likely is None


def test_roads_tell_the_datum():
    from shapely.geometry import LineString

    rng = np.random.default_rng(0)
    roads = gpd.GeoDataFrame(
        geometry=[LineString([(116.3 + k / 50, 39.8), (116.3 + k / 50, 40.0)]) for k in range(10)], crs=4326
    )
    lon = 116.3 + rng.integers(0, 10, 400) / 50 + rng.normal(0, 5e-5, 400)
    x, y = from_wgs84(lon, rng.uniform(39.82, 39.98, 400), datum="bd09")
    assert estimate_datum(x, y, roads=roads).likely == "bd09"


def test_chinese_export_without_a_datum_is_reported_not_refused(town):
    report = inspect_file(_export("gcj02"), boundaries=town)
    assert report.coordinates["datum_estimate"]["likely"] == "gcj02"
    assert any("probably gcj02" in p for p in report.problems)
    assert yaml.safe_load(report.pipeline_yaml())["incidents"]["datum"] == "gcj02"
    wrong = inspect_file(_export("gcj02"), boundaries=town, datum="wgs84")
    assert any("is given, but probably gcj02" in p for p in wrong.problems)
    right = inspect_file(_export("gcj02"), boundaries=town, datum="gcj02")
    assert not any("datum" in p for p in right.problems)


def test_report_of_west_yorkshire():
    report = inspect_file(DATA / "2018-07-west-yorkshire-street.csv.gz", boundaries=DATA / "lsoa_2011.geojson")
    assert (report.rows, report.used, report.set_aside) == (31_635, 30_752, {"no_coordinates": 883})
    assert report.located_share == pytest.approx(30_752 / 31_635)
    roles = {c["name"]: c["role"] for c in report.columns}
    assert roles["Month"] == "occurred_from"
    assert roles["Crime ID"] == "incident_id"
    assert report.coordinates["missing"] == 883
    assert json.loads(json.dumps(report.to_dict()))["rows"] == 31_635
    pipeline = yaml.safe_load(report.pipeline_yaml())
    assert list(pipeline) == ["title", "language", "boundaries", "grid", "incidents", "hotspots", "outputs"]
    assert pipeline["grid"] == {"system": "h3", "resolution": 8}
    assert pipeline["boundaries"]["path"].endswith("lsoa_2011.geojson")
    assert "31,635 rows = 30,752 used + 883 set aside" in report.text()
    assert list(pipeline["hotspots"][0]) == ["hotspot_test"]
    assert all(line in report.text() for line in report.pipeline_yaml().splitlines())


def test_a_datum_that_is_yours_to_say_is_asked_for_in_the_proposed_pipeline(town):
    proposed = inspect_file(_export("wgs84"), boundaries=town).pipeline_yaml()
    assert "datum" not in yaml.safe_load(proposed)["incidents"]
    assert "请先为两个文件写明坐标基准" in proposed
    assert " 至 " in yaml.safe_load(proposed)["title"]
    assert "请先" not in inspect_file(_export("gcj02"), boundaries=town, datum="gcj02").pipeline_yaml()


def test_what_is_wrong_is_said():
    n = 200
    frame = pd.DataFrame(
        {
            "case id": [f"C{i // 2}" for i in range(n)],
            "date": ["03/04/2024"] * n,
            "type": ["theft"] * n,
            "lon": [np.nan] * 60 + [0.0] * 20 + [-87.6] * 120,
            "lat": [np.nan] * 60 + [0.0] * 20 + [41.8] * 120,
            "victim name": ["x"] * n,
        }
    )
    report = inspect_file(frame)
    text = report.text()
    assert "Day and month are ambiguous" in text
    assert "60% of the rows have a usable place" in text
    assert "lie on one point" in text
    assert "three decimals or fewer" in text
    assert "repeat an incident id" in text
    assert report.duplicates["same_id"] == 60
    assert list(report.personal) == ["victim name"]
    assert report.coordinates["zero"] == 20


def test_exchanged_file_is_reported_with_the_columns_to_use():
    frame = _export("wgs84").rename(columns={"经度": "纬度", "纬度": "经度"})
    report = inspect_file(frame, datum="wgs84")
    assert any("exchanged" in p for p in report.problems)
    assert yaml.safe_load(report.pipeline_yaml())["incidents"]["columns"] == {"lon": "纬度", "lat": "经度"}
    assert report.used == len(frame)


def test_html_is_self_contained_and_escaped(tmp_path):
    frame = _export("gcj02").assign(案由="</td><script>alert(1)</script>")
    page = inspect_file(frame, datum="gcj02").to_html()
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page
    assert "张伟" not in page


def test_files_without_a_table_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text(" \n")
    with pytest.raises(ReadError, match="blank"):
        inspect_file(tmp_path / "a.csv")
    with pytest.raises(ReadError, match="no file"):
        inspect_file(tmp_path / "b.csv")


def test_file_of_another_shape_is_described(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,x\n2,y\n")
    report = inspect_file(tmp_path / "a.csv")
    assert any("no coordinate columns" in p for p in report.problems)
    assert (report.rows, report.used) == (2, 0)
    assert report.to_html()


def test_a_boundary_file_is_inspected_as_zones(town, tmp_path):
    report = inspect_file(DATA / "lsoa_2011.geojson")
    assert (report.zones, report.parents, report.level) == (1388, 299, "lsoa")
    assert report.area_km2 == pytest.approx(2029, rel=0.02)
    assert json.dumps(report.to_dict())
    assert "1,388 zones" in report.text()
    assert "<pre>" in report.to_html()
    twice = pd.concat([town, town.iloc[[0]].assign(zone_id="Z99", geometry=[box(116.395, 39.895, 116.405, 39.905)])])
    report = inspect_file(gpd.GeoDataFrame(twice, crs=4326))
    assert report.overlapping_pairs == 1
    assert any("overlap" in p for p in report.problems)
