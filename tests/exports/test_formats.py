"""Each format opens in GDAL (or where it is at home), and says again what was written."""

import csv
import io
import json
import warnings
import zipfile
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import rasterio
import shapely
from geopandas.testing import assert_geodataframe_equal

import gridmap as gm
from gridmap.errors import GridmapWarning
from gridmap.exports import plain_frames
from gridmap.exports.formats import all_formats
from gridmap.exports.formats.geoparquet import write_shapes

SHAPES = (".gpkg", ".fgb", ".geojson", ".kml", ".shp", ".shp.zip")
INTERNAL = {"audience": "internal"}


def read(path, layer=None):
    """A layer as GDAL reads it; of several the one that is asked for, or the first."""
    layer = layer or pyogrio.list_layers(path)[0, 0]
    return gpd.read_file(path, layer=layer, engine="pyogrio")


def facts(path):
    """What a file says of itself, wherever its format keeps that."""
    ending = "".join(path.suffixes)
    if ending == ".gpkg":
        return pyogrio.read_info(path, layer=pyogrio.list_layers(path)[0, 0])["layer_metadata"]
    if ending == ".fgb":
        return json.loads(pyogrio.read_info(path)["layer_metadata"]["DESCRIPTION"])
    if ending == ".geojson":
        return json.loads(path.read_text(encoding="utf-8"))["gridmap"]
    if ending == ".parquet":
        return json.loads(pq.read_schema(path).metadata[b"gridmap"])
    if ending == ".tif":
        with rasterio.open(path) as file:
            return file.tags()
    if ending == ".kml":
        return json.loads(read_xml(path).find("{*}Document/{*}description").text)
    if ending == ".xlsx":
        book = openpyxl.load_workbook(path)
        return {row[1].value: row[2].value for row in book.worksheets[-1].iter_rows(min_row=2)}
    if ending == ".shp":
        with path.with_suffix(".fields.csv").open(encoding="utf-8-sig", newline="") as file:
            return {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}
    raise AssertionError(ending)


def read_xml(path):
    return ET.fromstring(path.read_bytes())


@pytest.mark.parametrize("ending", SHAPES)
def test_a_result_comes_back_from_gdal_as_it_went(answers, tmp_path, ending):
    cells = answers.hot.cells.drop(columns="significant")
    path = gm.export(cells, tmp_path / f"hot{ending}")
    found = read(path)
    assert found.crs.to_epsg() == 4326
    kept = found.set_index("cell_id" if ending != ".kml" else "Name")
    kept = kept.loc[cells.index] if ending == ".fgb" else kept  # its spatial index orders the rows anew
    assert kept.index.tolist() == cells.index.tolist()
    assert np.allclose(kept.bounds, cells.bounds, atol=1e-6)
    assert kept["label"].tolist() == cells["label"].astype(str).tolist()
    assert pd.to_numeric(kept["count"]).tolist() == cells["count"].tolist()
    assert np.allclose(pd.to_numeric(kept["z_score"]), cells["z_score"], rtol=1e-5)
    if ending != ".kml":  # whose data are text
        assert kept["count"].dtype.kind == "i"
        assert kept["z_score"].dtype.kind == "f"


def test_geoparquet_comes_back_with_its_types_and_its_crs(answers, tmp_path):
    found = gpd.read_parquet(gm.export(answers.hot, tmp_path / "hot.parquet"))
    assert found.crs == answers.hot.cells.crs
    assert found["cell_id"].tolist() == answers.hot.cells.index.tolist()
    pd.testing.assert_series_equal(found["z_score"], answers.hot.cells["z_score"].reset_index(drop=True))
    assert found["significant"].dtype == bool
    assert json.loads(pq.read_schema(tmp_path / "hot.parquet").metadata[b"geo"])["primary_column"] == "geometry"


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".geojson", ".kml", ".parquet", ".tif", ".shp", ".xlsx"])
def test_each_file_says_of_which_run_it_is_and_in_which_units(answers, tmp_path, ending):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        path = gm.export(answers.hot, tmp_path / f"hot{ending}", run_id="run-7", audience="internal")
    told = facts(path)
    assert (told["run_id"], told["audience"], told["method"]) == ("run-7", "internal", "getis_ord")
    units = told["units"] if isinstance(told["units"], dict) else json.loads(told["units"])
    assert (units["count"], units["area_m2"]) == ("incidents", "square metres")
    assert told["crs"] == ("EPSG:32650" if ending == ".tif" else "EPSG:4326")
    settings = told["settings"] if isinstance(told["settings"], dict) else json.loads(told["settings"])
    assert settings["fdr"] == 0.05
    assert told["made_by"].startswith("gridmap ")


def test_without_a_run_the_id_is_that_of_the_contents(answers, tmp_path):
    one = facts(gm.export(answers.hot, tmp_path / "a.geojson"))["run_id"]
    assert one == facts(gm.export(answers.hot, tmp_path / "b.geojson"))["run_id"]
    other = answers.hot.cells.assign(count=answers.hot.cells["count"] + 1)
    assert one != facts(gm.export(other, tmp_path / "c.geojson"))["run_id"]
    assert len(one) == 16


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".parquet", ".shp"])
@pytest.mark.parametrize("crs", [4490, 32650, 3857])
def test_a_crs_is_kept(answers, tmp_path, ending, crs):
    cells = answers.grid.cells[["area_m2", "geometry"]].to_crs(crs)
    path = gm.export(cells, tmp_path / f"cells{ending}", **INTERNAL)
    found = gpd.read_parquet(path) if ending == ".parquet" else read(path)
    assert found.crs.to_epsg() == crs
    assert np.allclose(found.total_bounds, cells.total_bounds)


@pytest.mark.parametrize("ending", [".geojson", ".kml"])
def test_formats_that_know_wgs84_only_get_it(answers, tmp_path, ending):
    flat = answers.grid.cells[["area_m2", "geometry"]].to_crs(32650)
    found = read(gm.export(flat, tmp_path / f"cells{ending}", **INTERNAL))
    assert found.crs.to_epsg() == 4326
    assert np.allclose(found.total_bounds, answers.grid.cells.total_bounds, atol=1e-6)


def test_a_geopackage_holds_all_layers_of_all_results(answers, tmp_path):
    path = gm.export(
        {"hot": answers.hot, "found": answers.clusters, "counts": answers.counts},
        tmp_path / "a.gpkg",
        grid=answers.grid,
    )
    assert [n for n, _ in pyogrio.list_layers(path)] == ["hot", "found_clusters", "counts", "layer_styles"]
    assert read(path, "counts")["count"].sum() == answers.counts["count"].sum()
    assert len(read(path, "found_clusters")) == len(answers.clusters.clusters)
    assert (read(path, "counts")["count"] == 0).any()  # zeros are kept


def test_written_twice_the_second_file_stands(answers, tmp_path):
    cells = answers.grid.cells[["area_m2", "geometry"]]
    for ending in (".gpkg", ".fgb", ".shp", ".tif", ".kml"):
        gm.export(cells, tmp_path / f"a{ending}", **INTERNAL)
        gm.export(answers.hot.cells[["count", "geometry"]], tmp_path / f"a{ending}", **INTERNAL)
    assert [n for n, _ in pyogrio.list_layers(tmp_path / "a.gpkg")] == ["cells", "layer_styles"]
    assert "count" in read(tmp_path / "a.gpkg", "cells")


def test_counts_with_periods_take_their_shapes_from_the_grid(answers, tmp_path):
    counts = gm.count_by_cell(answers.incidents, answers.grid, every="month")
    found = gpd.read_parquet(gm.export(counts, tmp_path / "c.parquet", grid=answers.grid))
    assert len(found) == len(counts)
    assert found["period"].iloc[0] == str(counts.index[0][1])
    assert found["count"].sum() == counts["count"].sum()
    assert found.geometry.iloc[0].equals(answers.grid.cells.geometry.loc[counts.index[0][0]])


def test_hostile_text_and_odd_types_come_back(hostile, tmp_path):
    """What each column must come back as, by format; text is never lost but for control characters."""
    texts = hostile["案件类别"].tolist()
    wanted = [t.replace("\u0000", "") if isinstance(t, str) else None for t in texts]
    for ending in (".gpkg", ".fgb", ".geojson", ".parquet"):
        path = gm.export(hostile, tmp_path / f"h{ending}", **INTERNAL)
        found = gpd.read_parquet(path) if ending == ".parquet" else read(path)
        found = found.sort_values("count", ignore_index=True)  # FlatGeobuf orders rows by place
        assert [None if pd.isna(t) else t for t in found["案件类别"]] == wanted, ending
        assert found["count"].tolist() == [0, 1, 2, 3, 4, 5]
        assert found["Count_2"].tolist()[0] == 5.5
        assert found["Count_2"].isna().tolist() == [False, True, True, True, False, False]
        assert ("fid_" if ending in (".gpkg", ".fgb") else "fid") in found
        assert found["月份"].tolist()[0] == "2024-01"
        assert [None if pd.isna(v) else v for v in found["kind"]] == ["盗窃", "抢夺", "盗窃", None, "诈骗", "盗窃"]
        assert found["whole"].isna().tolist() == [False, True, False, False, False, False]
        assert found["yes"].astype(bool).tolist() == hostile["yes"].tolist()
        assert found["huge"].astype(str).tolist()[0] == str(2**70)
        assert found["largest"].astype(str).tolist()[0] == str(2**64 - 1)
        assert json.loads(found["list"].iloc[4]) == ["中"]
        assert found["wait"].tolist()[:2] == [60.0, 120.0]
        assert {"tuple_1", "7"} <= set(found.columns)
        times = pd.to_datetime(found["zoned"], utc=True)
        assert times.iloc[0] == pd.Timestamp("2024-03-05 15:30", tz="UTC"), ending
        assert pd.to_datetime(found["day_of"]).iloc[0] == pd.Timestamp("2024-01-02")
        assert pd.isna(found["day_of"].iloc[1])


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_a_shapefile_keeps_chinese_names_and_values(tmp_path, answers, encoding):
    cells = answers.grid.cells.iloc[:3][["geometry"]].assign(
        案件数量=[1, 2, 3], 辖区名称=["城关街道", "第一社区", "王家庄"], share_inside_of_it=0.5
    )
    with pytest.warns(GridmapWarning, match="share_inside_of_it → share_insi"):
        path = gm.export(cells, tmp_path / "网格.shp", encoding=encoding, **INTERNAL)
    assert path.with_suffix(".cpg").read_text() == encoding.upper()
    found = gpd.read_file(path)  # GDAL reads the .cpg; nothing else is said
    name = "辖区名称" if encoding == "gbk" else "辖区名"  # ten bytes: five characters, or three
    assert found[name].tolist() == ["城关街道", "第一社区", "王家庄"]
    assert found["案件数量" if encoding == "gbk" else "案件数"].tolist() == [1, 2, 3]
    raw = path.with_suffix(".dbf").read_bytes()
    assert "城关街道".encode(encoding) in raw
    with path.with_suffix(".fields.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert ["share_insi", "share_inside_of_it", ""] in rows


def test_a_shapefile_tells_what_it_cannot_hold(hostile, tmp_path):
    with pytest.warns(GridmapWarning) as told:
        path = gm.export(hostile.assign(rare="𠮷野家😀"), tmp_path / "h.shp", encoding="gbk", **INTERNAL)
    said = " ".join(str(w.message) for w in told)
    assert "longer than 254 bytes" in said
    assert "gbk cannot write" in said
    found = gpd.read_file(path)
    assert len(found["long"].iloc[0]) == 127  # 254 bytes, and no half character
    assert found["rare"].iloc[0] == "?野家?"
    assert found["huge"].iloc[0] == str(2**70)
    assert len({c.lower() for c in found.columns}) == len(found.columns)


def test_a_zipped_shapefile_is_one_archive_that_gdal_opens(answers, tmp_path):
    with pytest.warns(GridmapWarning, match="significan"):
        path = gm.export({"hot": answers.hot, "cl": answers.clusters}, tmp_path / "all.shp.zip")
    names = zipfile.ZipFile(path).namelist()
    assert {"hot.shp", "hot.dbf", "hot.prj", "hot.cpg", "cl_clusters.shp"} <= set(names)
    assert len(read(path, "hot")) == len(answers.hot.cells)
    assert [p.name for p in tmp_path.iterdir()] == ["all.shp.zip"]


def test_a_csv_opens_in_excel_and_runs_no_formula(hostile, tmp_path):
    path = gm.export(hostile, tmp_path / "h.csv", **INTERNAL)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    assert rows[1]["案件类别"] == "'=1+1"
    assert rows[5]["案件类别"] == 'a,b\n"c"\tд'
    assert 116 < float(rows[0]["lon"]) < 118


def test_a_workbook_has_types_filters_and_no_formula(hostile, answers, tmp_path):
    path = gm.export({"格": hostile, "hot": answers.hot}, tmp_path / "h.xlsx", **INTERNAL)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["格", "hot", "gridmap"]
    sheet = book["格"]
    head = [c.value for c in sheet[1]]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    cell = sheet.cell(3, head.index("案件类别") + 1)
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    day = sheet.cell(2, head.index("day_of") + 1)
    assert day.is_date
    assert day.value.isoformat() == "2024-01-02T00:00:00"
    assert sheet.cell(2, head.index("count") + 1).data_type == "n"
    assert book["hot"].max_row == len(answers.hot.cells) + 1


def test_a_density_becomes_its_surface(answers, tmp_path):
    with rasterio.open(gm.export(answers.density, tmp_path / "d.tif", run_id="r", **INTERNAL)) as file:
        assert file.crs.to_epsg() == answers.density.crs.to_epsg()
        assert np.allclose(file.read(1), answers.density.surface.astype("float32"), equal_nan=True)
        assert file.tags()["run_id"] == "r"
        assert file.tags()["unit"] == "incidents per square kilometre"


def test_squares_become_one_pixel_each(answers, tmp_path):
    with rasterio.open(gm.export(answers.hot, tmp_path / "h.tif", grid=answers.grid)) as file:
        assert file.res == (400.0, 400.0)
        band = file.descriptions.index("count, incidents") + 1
        burnt = file.read(band)
        assert np.nansum(burnt) == answers.hot.cells["count"].sum()
        assert np.isfinite(burnt).sum() == len(answers.hot.cells)
        at = [file.index(x, y) for x, y in answers.grid.centroids_m]
        assert [burnt[r, c] for r, c in at] == answers.hot.cells["count"].tolist()
        label = file.descriptions.index("label") + 1
        classes = json.loads(file.tags(label)["classes"])
        codes = [file.read(label)[r, c] for r, c in at]
        assert [classes[str(int(c))] for c in codes] == answers.hot.cells["label"].astype(str).tolist()


def test_hexagons_are_burnt_where_they_lie(answers, tmp_path):
    counts = gm.count_by_cell(answers.incidents, answers.hexagons)
    with rasterio.open(gm.export(counts, tmp_path / "h.tif", grid=answers.hexagons)) as file:
        seen = file.read(1)
        at = [file.index(x, y) for x, y in answers.hexagons.centroids_m]
        assert [seen[r, c] for r, c in at] == counts["count"].tolist()


def test_a_plan_of_patrols_is_written_by_its_own_writer(tmp_path):
    places = gpd.GeoDataFrame(
        {"prize": [3.0, 1.0]}, geometry=gpd.points_from_xy([117.0, 117.01], [36.6, 36.61]), crs=4326
    )
    plan = gm.plan_patrols(places.assign(place_id=["a", "b"]), None, units=1, random_state=0, rounds=5, shift_h=4)
    layers = [n for n, _ in pyogrio.list_layers(gm.export(plan, tmp_path / "p.gpkg"))]
    assert layers == ["stops", "routes", "places", "unmet", "posts"]
    assert "<kml" in gm.export(plan, tmp_path / "p.kml").read_text(encoding="utf-8")
    with pytest.raises(gm.errors.InputError, match="not written for the public"):
        gm.export(plan, tmp_path / "q.gpkg", audience="public")


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".geojson", ".kml", ".shp", ".parquet", ".csv", ".xlsx"])
def test_nothing_found_is_an_empty_file_that_opens(answers, tmp_path, ending):
    none = answers.hot.cells.iloc[:0][["count", "label", "geometry"]]
    path = gm.export(none, tmp_path / f"none{ending}", **INTERNAL)
    if ending == ".csv":
        assert len(pd.read_csv(path)) == 0
    elif ending == ".xlsx":
        assert openpyxl.load_workbook(path).worksheets[0].max_row == 1
    else:
        found = gpd.read_parquet(path) if ending == ".parquet" else read(path)
        assert len(found) == 0


def test_mixed_and_missing_shapes_pass_where_the_format_can(tmp_path):
    mixed = gpd.GeoDataFrame(
        {"n": [1, 2, 3]},
        geometry=[shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)]), None],
        crs=4326,
    )
    for ending in (".gpkg", ".geojson", ".fgb"):
        found = read(gm.export(mixed, tmp_path / f"m{ending}", **INTERNAL))
        assert found["n"].tolist() == [1, 2, 3]
        assert found.geometry.isna().tolist() == [False, False, True]
    assert len(read(gm.export(mixed, tmp_path / "m.kml", **INTERNAL))) == 2  # a placemark without a place is none


def test_text_that_looks_like_json_stays_text(answers, tmp_path):
    cells = answers.grid.cells.iloc[:2][["geometry"]].assign(note=["[1]", '{"a": 1}'])
    path = gm.export(cells, tmp_path / "a.geojson", audience="internal")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert [f["properties"]["note"] for f in found["features"]] == ["[1]", '{"a": 1}']
    assert found["type"] == "FeatureCollection"
    assert all(len(p) == 2 for p in found["features"][0]["geometry"]["coordinates"][0])


@pytest.mark.parametrize("ending", all_formats())
def test_on_one_day_the_same_contents_are_the_same_file(answers, tmp_path, ending):
    """A run that is replayed sets GDAL's clock; then every format gives the same file to the byte."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GridmapWarning)
            one, two = (
                gm.export(answers.hot, tmp_path / folder / f"a{ending}").read_bytes() for folder in made(tmp_path)
            )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    assert one == two


def made(folder):
    for name in ("one", "two"):
        (folder / name).mkdir()
        yield name


@pytest.fixture
def zones():
    """Polygons, and some in several parts, with a name that is missing in whole pieces."""
    rng = np.random.default_rng(3)
    shapes = [shapely.Point(x, 0).buffer(rng.uniform(0.1, 0.4), quad_segs=4) for x in range(40)]
    shapes[7] = shapely.MultiPolygon([shapes[7], shapely.box(7, 5, 8, 6)])
    shapes[30] = shapely.MultiPolygon([shapes[30], shapely.box(30, 5, 31, 6)])
    values = {"count": np.arange(40), "name": [None] * 20 + [f"“{i}”" for i in range(20)], "open": [True, False] * 20}
    return gpd.GeoDataFrame(
        values, geometry=shapes, crs=4326, index=pd.Index([f"z{i}" for i in range(40)], name="cell_id")
    )


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".parquet"])
def test_written_in_pieces_the_file_says_the_same(zones, tmp_path, monkeypatch, ending):
    whole, pieces = tmp_path / f"whole{ending}", tmp_path / f"pieces{ending}"
    gm.export({"cells": zones}, whole, **INTERNAL)
    monkeypatch.setattr(plain_frames, "CORNERS_TOGETHER", 50)
    assert len(plain_frames.pieces_of(zones)) > 8
    gm.export({"cells": zones}, pieces, **INTERNAL)
    if ending == ".geojson":
        assert pieces.read_bytes() == whole.read_bytes()
    elif ending == ".parquet":
        assert pq.read_schema(pieces).equals(pq.read_schema(whole), check_metadata=True)
        assert pq.read_table(pieces).equals(pq.read_table(whole))
    else:
        one, other = (pyogrio.read_info(path, layer="cells", force_total_bounds=True) for path in (whole, pieces))
        assert repr(one) == repr(other)
        pd.testing.assert_frame_equal(read(pieces, "cells"), read(whole, "cells"))


@pytest.mark.parametrize("crs", [4326, 3857])
def test_geoparquet_in_pieces_is_that_of_geopandas(zones, tmp_path, monkeypatch, crs):
    zones = zones.to_crs(crs)
    zones.iloc[3, zones.columns.get_loc("geometry")] = None
    zones.to_parquet(tmp_path / "whole.parquet")
    monkeypatch.setattr(plain_frames, "CORNERS_TOGETHER", 50)
    write_shapes(zones, tmp_path / "pieces.parquet")
    one, other = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("whole", "pieces"))
    assert other.equals(one)
    geo, again = (json.loads(table.schema.metadata[b"geo"]) for table in (one, other))
    assert again == geo
    assert other.schema.metadata[b"pandas"] == one.schema.metadata[b"pandas"]
    back = gpd.read_parquet(tmp_path / "pieces.parquet")
    assert_geodataframe_equal(back, zones)
