"""read_boundaries: every format gives the same zones; what is wrong is named in one line."""

import json
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, Polygon, box

from gridmap.errors import CRSError, InputError, ReadError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.tables import geojson, vector

LSOA = Path(__file__).parents[2] / "data" / "west_yorkshire" / "lsoa_2011.geojson"


@pytest.fixture
def town() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "街道码": ["110101001", "110101001", "110101002"],
            "街道名": ["东华门", "东华门", "景山"],
            "社区码": ["110101001001", "110101001002", "110101002001"],
            "社区名": ["多福巷", "银闸", "隆福寺"],
            "户数": [310, 280, 420],
        },
        geometry=[box(116.40 + i / 100, 39.9, 116.41 + i / 100, 39.91) for i in range(3)],
        crs=4326,
    )


def test_hierarchy_of_west_yorkshire_is_found_and_said():
    zones = read_boundaries(LSOA)
    assert len(zones) == 1388
    assert zones.crs.to_epsg() == 4326
    assert zones["zone_id"].is_unique
    assert list(zones["zone_id"]) == list(zones["lsoa_code"])
    assert zones["parent_id"].nunique() == 299
    assert zones["district_code"].nunique() == 5
    assert {"persons", "households", "hectares"} <= set(zones.columns)
    assert any("lsoa_code" in note for note in zones.attrs["notes"])


def test_chinese_codes_nest(town):
    zones = read_boundaries(town)
    assert list(zones["zone_id"]) == list(town["社区码"])
    assert list(zones["name"]) == ["多福巷", "银闸", "隆福寺"]
    assert list(zones["parent_id"]) == list(town["街道码"])
    assert list(zones["户数"]) == [310, 280, 420]


def test_declared_columns_win(town):
    zones = read_boundaries(town.assign(k=["a", "b", "c"]), zone_id="k", name="街道名", parent_id="街道名")
    assert list(zones["zone_id"]) == ["a", "b", "c"]
    assert list(zones["parent_id"]) == ["东华门", "东华门", "景山"]


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp", ".parquet", ".fgb"])
def test_every_format_gives_the_same_zones(town, tmp_path, suffix):
    path = tmp_path / f"社区{suffix}"
    if suffix == ".parquet":
        town.to_parquet(path)
    else:
        kwargs = {"encoding": "UTF-8"} if suffix == ".shp" else {}
        town.to_file(path, **kwargs)
    zones = read_boundaries(path)
    assert sorted(zones["zone_id"]) == sorted(town["社区码"])
    assert sorted(zones["name"]) == sorted(town["社区名"])
    assert zones.union_all().symmetric_difference(town.union_all()).area < 1e-12


def test_kml(town, tmp_path):
    path = tmp_path / "a.kml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        town.rename(columns={"社区名": "Name"}).to_file(path, driver="KML")
    assert sorted(read_boundaries(path)["name"]) == ["多福巷", "银闸", "隆福寺"]


@pytest.mark.parametrize("encoding, cpg", [("GBK", False), ("GBK", True), ("UTF-8", False)])
def test_zipped_shapefile_with_chinese_text(town, tmp_path, encoding, cpg):
    town.to_file(tmp_path / "z.shp", encoding=encoding)
    if not cpg:
        (tmp_path / "z.cpg").unlink()
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for part in tmp_path.glob("z.*"):
            if part.suffix != ".zip":
                archive.write(part, part.name)
    assert list(read_boundaries(tmp_path / "z.zip")["name"]) == ["多福巷", "银闸", "隆福寺"]


def test_shapefile_without_prj_needs_its_crs(town, tmp_path):
    town.to_file(tmp_path / "z.shp", encoding="UTF-8")
    (tmp_path / "z.prj").unlink()
    with pytest.raises(CRSError, match="crs="):
        read_boundaries(tmp_path / "z.shp")
    assert len(read_boundaries(tmp_path / "z.shp", crs="EPSG:4490")) == 3
    with pytest.raises(CRSError, match="nonsense"):
        read_boundaries(tmp_path / "z.shp", crs="nonsense")


def test_projected_boundaries_arrive_in_degrees(town):
    zones = read_boundaries(town.to_crs(4527))
    assert zones.total_bounds == pytest.approx(town.total_bounds, abs=1e-7)


def test_crossing_rings_are_repaired_and_counted(town):
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    zones = read_boundaries(gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=[bow, box(2, 0, 3, 1)], crs=4326))
    assert zones.attrs["repaired"] == 1
    assert zones.is_valid.all()
    assert zones.geometry.iloc[0].area == pytest.approx(0.5)


def test_rows_without_area_are_set_aside_and_counted():
    frame = gpd.GeoDataFrame({"code": list("abc")}, geometry=[box(0, 0, 1, 1), None, Point(3, 3)], crs=4326)
    zones = read_boundaries(frame)
    assert len(zones) == 1
    assert zones.attrs["set_aside"] == 2
    assert zones.attrs["rows"] == 3


def test_bad_boundaries_are_refused_by_name(town, tmp_path):
    with pytest.raises(InputError, match="repeat"):
        read_boundaries(town, zone_id="街道码")
    with pytest.raises(InputError, match="repeat"):
        read_boundaries(town.assign(zone_id=["a", "a", "b"]))
    with pytest.raises(InputError, match="Did you mean '社区码'"):
        read_boundaries(town, zone_id="社区马")
    with pytest.raises(InputError, match="no polygons"):
        read_boundaries(_points())
    with pytest.raises(InputError, match="no rows"):
        read_boundaries(town.iloc[:0])
    with pytest.raises(InputError, match="GeoDataFrame"):
        read_boundaries(pd.DataFrame({"a": [1]}))
    with pytest.raises(ReadError, match="no file"):
        read_boundaries(tmp_path / "nowhere.geojson")
    with pytest.raises(ReadError, match="folder"):
        read_boundaries(tmp_path)
    (tmp_path / "zero.geojson").touch()
    with pytest.raises(ReadError, match="0 bytes"):
        read_boundaries(tmp_path / "zero.geojson")
    (tmp_path / "noise.gpkg").write_bytes(b"\x00\x01noise")
    with pytest.raises(ReadError, match="not what its name says"):
        read_boundaries(tmp_path / "noise.gpkg")
    (tmp_path / "noise.zip").write_bytes(b"PKnoise")
    with pytest.raises(ReadError, match="zip"):
        read_boundaries(tmp_path / "noise.zip")
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(ReadError, match="format"):
        read_boundaries(tmp_path / "a.docx")


def _points():
    return gpd.GeoDataFrame({"code": list("abc")}, geometry=[Point(i, 0) for i in range(3)], crs=4326)


def test_swapped_boundaries_are_named():
    frame = gpd.GeoDataFrame({"code": ["a"]}, geometry=[box(39.9, 116.3, 40.0, 116.4)], crs=4326)
    with pytest.raises(CRSError, match="exchanged"):
        read_boundaries(frame)


def test_the_caller_keeps_the_frame(town):
    before = town.copy()
    read_boundaries(town)
    pd.testing.assert_frame_equal(pd.DataFrame(town), pd.DataFrame(before))


def test_field_name_cut_inside_a_character_is_read(town, tmp_path):
    town.rename(columns={"社区名": "ABCDEFGHIJ"}).to_file(tmp_path / "z.shp", encoding="UTF-8")
    raw = (tmp_path / "z.dbf").read_bytes()
    (tmp_path / "z.dbf").write_bytes(raw.replace(b"ABCDEFGHIJ", "社区名称".encode()[:10]))
    (tmp_path / "z.cpg").unlink()
    assert list(read_boundaries(tmp_path / "z.shp")["社区名"]) == ["多福巷", "银闸", "隆福寺"]


def test_nested_properties_of_geojson_become_text(tmp_path):
    path = tmp_path / "nested.geojson"
    ring = "[[[2,0],[2,1],[1,0],[2,0]]]"
    shape = f'{{"type":"Polygon","coordinates":{ring}}}'
    one = f'{{"type":"Feature","properties":{{"code":"A","more":{{"a":1}}}},"geometry":{shape}}}'
    two = one.replace('"A"', '"B"').replace("2,", "4,").replace("1,", "3,")
    path.write_text(f'{{"type":"FeatureCollection","features":[{one},{two}]}}', encoding="utf-8")
    zones = read_boundaries(path)
    assert zones["zone_id"].tolist() == ["A", "B"]
    assert zones["more"].tolist() == ['{"a": 1}', '{"a": 1}']


@pytest.mark.parametrize("index", [None, ["a", "b", "c", "d", "e", "f", "g"]])
def test_a_large_geoparquet_is_read_in_pieces_and_is_the_same(tmp_path, monkeypatch, index):
    shapes = [shapely.box(k, 0, k + 1, 1) for k in range(6)] + [None]
    frame = gpd.GeoDataFrame(
        {
            "zone_id": [str(k) for k in range(7)],
            "n": [1.5, None, 2, 3, 4, 5, 6],
            "kind": pd.Categorical(list("aabbacc")),
        },
        geometry=shapes,
        crs=27700,
        index=index,
    )
    frame.to_parquet(tmp_path / "z.parquet", row_group_size=3)
    whole = vector.read_vector(tmp_path / "z.parquet")
    monkeypatch.setattr(vector, "LARGE", 0)
    monkeypatch.setattr(vector, "TOGETHER", 200)
    pieces = vector.read_vector(tmp_path / "z.parquet")
    assert pieces.crs == whole.crs
    assert pieces["kind"].tolist() == whole["kind"].tolist()
    pd.testing.assert_frame_equal(pd.DataFrame(pieces.drop(columns="kind")), pd.DataFrame(whole.drop(columns="kind")))


@pytest.mark.parametrize(
    "rings",
    [
        [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 1]]],
        [[[0.5, 0, 7], [4, 0, 7], [4, 4, 8.5], [0.5, 0, 7]]],
        [[[0, 0], [4, 0], [4, 4], [0, 4]]],  # not closed
        [[[0, 0], [4, 0], [4, 4, 1], [0, 0]]],  # a height at one corner
        [[["0", "0"], ["4", "0"], ["4", "4"], ["0", "0"]]],
        [[[0, 0, 1, 9], [4, 0, 1, 9], [4, 4, 1, 9], [0, 0, 1, 9]]],  # a measure, too
        [[[0, 0], [4, 4]]],
        [[]],
        [],
        None,
    ],
)
@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon"])
def test_plain_polygons_of_geojson_are_those_of_shapely(rings, kind):
    """The short way for rings of plain numbers gives what `shapely.geometry.shape` gives, or leaves it to it."""
    from shapely.geometry import shape

    from gridmap.read.tables.geojson import _shape

    given = {"type": kind, "coordinates": rings if kind == "Polygon" or rings is None else [rings, rings]}

    def found(read):
        try:
            return shapely.to_wkt(read(given), rounding_precision=-1)
        except Exception as problem:
            return type(problem)

    assert found(_shape) == found(shape)


def test_large_polygons_become_shapes_while_the_text_is_read(tmp_path):
    """As lists of lists the corners of a file of 300 MB would take more than a gigabyte; what is read is the same."""
    round_ = shapely.Point(7, 3).buffer(1, quad_segs=40)
    many = shapely.MultiPolygon([round_, shapely.Point(9, 3).buffer(0.5, quad_segs=40), box(0, 0, 1, 1)])
    shapes = [round_, many, box(2, 0, 3, 1), shapely.GeometryCollection([round_, Point(1, 2)])]
    features = [
        {
            "type": "Feature",
            "properties": {"zone_id": f"z{i}", "beside": json.loads(shapely.to_geojson(round_))},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for i, shape in enumerate(shapes)
    ]
    for odd in ("", "\\ud800"):  # half a character: the text is read twice
        text = json.dumps({"type": "FeatureCollection", "features": features, "odd": "ODD"}).replace("ODD", odd)
        frame = geojson.read_json_layer(text.encode(), "zones.geojson")
        assert shapely.equals_identical(frame.geometry.to_numpy(), shapes).all()
        beside = [shapely.from_geojson(value) for value in frame["beside"]]
        assert shapely.equals_identical(beside, round_).all()
    parsed = geojson._parsed(text.encode(), "zones.geojson")
    assert [isinstance(f["geometry"], geojson._WithShape) for f in parsed["features"]] == [True, True, False, False]
    broken = features[0] | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0]] * 39 + [[0, "x"]]]}}
    with pytest.raises(ReadError):
        geojson.read_json_layer(json.dumps({"features": [broken]}).encode(), "zones.geojson")
