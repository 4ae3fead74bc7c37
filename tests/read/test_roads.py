"""Street files of every format become the same table."""

import geopandas as gpd
import pytest
from shapely import LineString, MultiLineString, Point

import gridmap as gm

LINES = [LineString([(116.30, 39.90), (116.31, 39.90)]), LineString([(116.31, 39.90), (116.31, 39.91)])]


def test_openstreetmap_keeps_class_direction_and_limit(shared_data):
    roads = gm.read_roads(shared_data / "roads" / "portland-central-filtered.osm.pbf")
    assert len(roads) == roads.attrs["rows"] - roads.attrs["set_aside"] == 7082
    assert (roads["highway"] == "motorway").sum() == 106
    assert set(roads["oneway"]) <= {-1, 0, 1}
    assert roads["maxspeed_kmh"].dropna().between(5, 130).all()
    assert roads.crs.to_epsg() == 4326


@pytest.mark.parametrize("name", ["roads.geojson", "roads.gpkg", "roads.shp", "roads.parquet"])
def test_every_format_gives_the_same_streets(tmp_path, name):
    column = "路名" if name.endswith("shp") else "道路名称"  # a shapefile cuts longer names
    frame = gpd.GeoDataFrame({column: ["长安街", None], "oneway": ["F", "B"]}, geometry=LINES, crs=4326)
    path = tmp_path / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_file(path, encoding="utf-8", engine="pyogrio")
    roads = gm.read_roads(path)
    assert roads["oneway"].tolist() == [1, 0]
    assert [g.wkt for g in roads.geometry] == [g.wkt for g in LINES]
    assert roads["name"].iloc[0] == "长安街"


def test_parts_become_rows_and_what_is_no_line_is_set_aside():
    frame = gpd.GeoDataFrame(
        {"maxspeed": ["30 mph", "50", "walk"]}, geometry=[MultiLineString(LINES), LINES[0], Point(0, 0)], crs=4326
    )
    roads = gm.read_roads(frame)
    assert len(roads) == 3
    assert roads.attrs["set_aside"] == 1
    assert roads["maxspeed_kmh"].round(2).tolist() == [48.28, 48.28, 50.0]


def test_a_file_that_is_no_street_file_is_refused(tmp_path):
    for name, text, words in (
        ("a.osm.pbf", "no pbf", "cannot be read as OpenStreetMap data"),
        ("b.geojson", "{", "not what its name says"),
        ("c.xyz", "x", "no known boundary format"),
        ("d.osm", "<osm/>", "cannot be read as OpenStreetMap data"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(gm.errors.GridmapError, match=words) as refused:
            gm.read_roads(tmp_path / name)
        assert name in str(refused.value)
    for bad, words in (
        (None, "not from a NoneType"),
        (3, "not from a int"),
        (tmp_path / "absent.shp", "There is no file"),
        (gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326), "has no lines"),
        (gpd.GeoDataFrame(geometry=LINES), "coordinate reference system"),
        (gpd.GeoDataFrame(geometry=[], crs=4326), "no rows with a geometry"),
    ):
        with pytest.raises(gm.errors.GridmapError, match=words):
            gm.read_roads(bad)
