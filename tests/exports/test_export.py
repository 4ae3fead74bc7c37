"""One door: what cannot be written is refused in one line, and nothing is left half-written."""

import os
import stat

import geopandas as gpd
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import CRSError, GridmapError, InputError, OutputError, SettingError
from gridmap.exports import write_layers, write_table
from gridmap.exports.formats import all_formats
from gridmap.exports.plain_frames import plain_frame

#: Endings that take nothing but shapes, by what each format declares; Parquet takes a table too, a GeoTIFF cells.
SPATIAL = [e for e, f in all_formats().items() if (f.shapes and "parquet" not in e) or e in (".tif", ".tiff")]


@pytest.mark.parametrize("name", ["hot.xyz", "hot", "hot.shp.rar", ".gpkg", "gpkg"])
def test_an_unknown_ending_is_refused_with_those_there_are(answers, tmp_path, name):
    with pytest.raises(SettingError, match=r"names no format.*\.gpkg"):
        gm.export(answers.hot, tmp_path / name)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (None, "found NoneType"),
        (7, "found int"),
        ("cells", "found str"),
        ([], "found list"),
        ({}, "the mapping is empty"),
        (object(), "found object"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, what, words):
    with pytest.raises(InputError, match=words):
        gm.export(what, tmp_path / "a.gpkg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("setting", "value"), [("audience", "press"), ("language", "fr"), ("encoding", "latin-1")])
def test_a_wrong_setting_is_refused(answers, tmp_path, setting, value):
    with pytest.raises(SettingError, match=f"There is no {setting} '{value}'"):
        gm.export(answers.hot, tmp_path / "a.gpkg", **{setting: value})


@pytest.mark.parametrize("ending", all_formats())
def test_a_folder_where_the_file_should_be(answers, tmp_path, ending):
    (tmp_path / f"a{ending}").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        gm.export(answers.grid, tmp_path / f"a{ending}", audience="internal")


@pytest.mark.parametrize("ending", all_formats())
def test_a_folder_that_is_not_there(answers, tmp_path, ending):
    with pytest.raises(OutputError, match="cannot be written"):
        gm.export(answers.grid, tmp_path / "no" / f"a{ending}", audience="internal")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours(answers, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            gm.export(answers.grid, tmp_path / "a.gpkg")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("ending", all_formats())
def test_a_writer_that_fails_leaves_nothing_and_the_old_file_stands(answers, tmp_path, ending, monkeypatch):
    path = tmp_path / f"a{ending}"
    path.write_text("what stood here")
    form = all_formats()[ending]

    def breaks(parts, part, stamp):
        part.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(all_formats(), ending, type(form)(breaks, form.many))
    with pytest.raises(OutputError, match="No space left"):
        gm.export(answers.hot, path)
    assert path.read_text() == "what stood here"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", SPATIAL)
def test_a_table_without_shapes_needs_a_grid(answers, tmp_path, ending):
    with pytest.raises(InputError, match="table without"):
        gm.export(answers.counts, tmp_path / f"a{ending}")
    assert not list(tmp_path.iterdir())


def test_cells_of_another_grid_are_refused(answers, tmp_path):
    with pytest.raises(InputError, match="not in the grid"):
        gm.export(answers.counts, tmp_path / "a.gpkg", grid=answers.hexagons)
    with pytest.raises(InputError, match="grid= is a Grid"):
        gm.export(answers.counts, tmp_path / "a.gpkg", grid="squares")
    gm.export(answers.counts, tmp_path / "b.gpkg", grid=answers.grid.cells)  # a frame of polygons is one


@pytest.mark.parametrize("ending", [e for e in SPATIAL if e != ".tif"])
def test_shapes_without_a_crs_are_refused(answers, tmp_path, ending):
    bare = answers.grid.cells[["area_m2", "geometry"]].set_crs(None, allow_override=True)
    with pytest.raises(CRSError, match="no CRS"):
        gm.export(bare, tmp_path / f"a{ending}", audience="internal")


def test_points_are_for_the_analysts_desk_alone(answers, tmp_path):
    for audience in ("meeting", "public"):
        with pytest.raises(InputError, match="one by one"):
            gm.export(answers.incidents, tmp_path / "a.gpkg", audience=audience)
    path = gm.export(answers.incidents, tmp_path / "a.gpkg", audience="internal")
    assert len(gpd.read_file(path)) == len(answers.incidents)


def test_a_meeting_gets_covers_for_hulls_and_a_second_gate_does_not_grow_them(answers, tmp_path):
    once = gpd.read_file(gm.export(answers.clusters, tmp_path / "a.gpkg"), layer="hdbscan_clusters")
    hulls = gpd.read_file(
        gm.export(answers.clusters, tmp_path / "b.gpkg", audience="internal"), layer="hdbscan_clusters"
    )
    corners = set(map(tuple, hulls.geometry.iloc[0].exterior.coords))
    assert not corners & set(map(tuple, once.geometry.iloc[0].exterior.coords))
    from gridmap.privacy import release_result

    shown = release_result(answers.clusters, audience="meeting")
    twice = gpd.read_file(gm.export(shown, tmp_path / "c.gpkg"), layer="hdbscan_clusters")
    assert twice.to_crs(32650).area.sum() == pytest.approx(once.to_crs(32650).area.sum())


def test_layers_go_into_one_file_or_one_each(answers, tmp_path):
    layers = {"1_hot": answers.hot, "2_cells": answers.grid}
    assert write_layers(layers, tmp_path / "l.gpkg") == [tmp_path / "l.gpkg"]
    assert [p.name for p in write_layers(layers, tmp_path / "l.geojson")] == ["l_1_hot.geojson", "l_2_cells.geojson"]


def test_a_table_keeps_its_index_and_its_formulas_are_text(tmp_path):
    table = pd.DataFrame({"说明": ["=1+1", "甲"], "n": [1, 2]}, index=pd.Index(["a", "b"], name="cell_id"))
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8-sig").split() == ["cell_id,说明,n", "a,'=1+1,1", "b,甲,2"]
    write_table(table, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)
    with pytest.raises(OutputError, match=r"\.parquet or \.csv"):
        write_table(table, tmp_path / "t.dbf")


def test_the_callers_frame_is_left_alone(hostile):
    before = hostile.copy(deep=True)
    plain_frame(hostile)
    assert hostile.columns.tolist() == before.columns.tolist()
    assert hostile.dtypes.tolist() == before.dtypes.tolist()


def test_every_refusal_is_one_line(answers, tmp_path):
    for what, name, words in (
        (answers.counts, "a.kml", "KML holds shapes"),
        (answers.incidents, "a.gpkg", "one by one"),
        (answers.hot, "a.xyz", "names no format"),
    ):
        with pytest.raises(GridmapError, match=words) as refused:
            gm.export(what, tmp_path / name)
        assert "\n" not in str(refused.value)
