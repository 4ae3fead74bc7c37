"""Tiles of a stranger: a page shows pictures of the size of tiles, and asks no machine that it does not name."""

import io
import sqlite3

import numpy as np
import pytest

import gridmap as gm
from gridmap.errors import GridmapError, ReadError, SettingError
from gridmap.maps.basemaps import _kind_and_sides

BOXES = np.array([[-1.56, 53.78, -1.5, 53.82]])
#: A view that answers for the one tile of level 0.
ONE_TILE = "create view tiles as select 0 as zoom_level, 0 as tile_column, 0 as tile_row, {} as tile_data"


def mbtiles(path, sql):
    con = sqlite3.connect(path)
    con.execute(sql)
    con.commit()
    con.close()
    return path


def picture(kind, sides):
    made = io.BytesIO()
    pytest.importorskip("PIL.Image").new("RGB", sides).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize("kind, more", [("PNG", {}), ("JPEG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})])
def test_the_size_of_a_picture_is_read_from_its_beginning(kind, more):
    made = io.BytesIO()
    pytest.importorskip("PIL.Image").new("RGB", (300, 200), (9, 8, 7)).save(made, kind, **more)
    found, sides = _kind_and_sides(made.getvalue())
    assert (found, sorted(sides)) == (kind.lower(), [200, 300])


HARM = {
    "a view without an end": "create view tiles as with recursive c(x) as (select 1 union all select x + 1 from c) "
    "select x as zoom_level, 0 as tile_column, 0 as tile_row, x'' as tile_data from c where x < 0",
    "a tile of a gigabyte": ONE_TILE.format("zeroblob(999999999)"),
    "a drawing with a script": ONE_TILE.format("cast('<svg onload=\"alert(1)\"/>' as blob)"),
    "a text": ONE_TILE.format("'<script>'"),
    "a text in no encoding": ONE_TILE.format("cast(x'ff89' as text)"),
    "a number": ONE_TILE.format("7"),
    "a picture of thirty thousand pixels a side": ONE_TILE.format(
        "x'89504e470d0a1a0a0000000d49484452" + (30_000).to_bytes(4, "big").hex() * 2 + "'"
    ),
    "a picture that is cut": ONE_TILE.format("x'ffd8ffe000'"),
    "a level beyond all": "create view tiles as select 999999999 as zoom_level, 0 as tile_column, 0 as tile_row, "
    "x'' as tile_data",
    "a level that is a text": "create view tiles as select 'x' as zoom_level, 0 as tile_column, 0 as tile_row, "
    "x'' as tile_data",
    "a function that loads": ONE_TILE.format("load_extension('/tmp/x.so')"),
}


@pytest.mark.parametrize("name", HARM)
def test_a_file_of_tiles_that_means_harm_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr("gridmap.maps.basemaps.MOST_STEPS", 50)
    with pytest.raises(GridmapError, match=r"not an MBTiles file|No tiles|no tiles") as refused:
        gm.basemap(mbtiles(tmp_path / "a.mbtiles", HARM[name])).for_page(BOXES)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a?mode=rwc&x=.mbtiles", "a#b.mbtiles", "a%41.mbtiles"])
def test_the_name_of_a_file_of_tiles_is_a_literal_name(tmp_path, name):
    made = mbtiles(tmp_path / "plain.mbtiles", ONE_TILE.format("x'" + picture("PNG", (256, 256)).hex() + "'"))
    made.rename(tmp_path / name)
    assert len(gm.basemap(tmp_path / name).for_page(BOXES)["tiles"]) == 1
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "source",
    [
        " //evil/{z}/{x}/{y}.png",
        "\t//evil/{z}/{x}/{y}.png",
        "//evil/{z}/{x}/{y}.png",
        "\\\\evil\\{z}\\{x}\\{y}.png",
        "tiles/..//evil/{z}/{x}/{y}.png",
        "javascript:{z}{x}{y}",
        "data:image/svg+xml,{z}{x}{y}",
        "file://evil/share/{z}/{x}/{y}.png",
        "http://a;script-src/{z}/{x}/{y}.png",
        "http://user:word@host/{z}/{x}/{y}.png",
        "http://host\n/{z}/{x}/{y}.png",
    ],
)
def test_no_template_asks_another_machine_unseen(source):
    try:
        made = gm.basemap(source)
    except SettingError:
        return
    assert made.hosts == ("http://host",)
    assert "\n" not in made.templates[0]


def test_tiles_in_a_folder_may_be_written_as_windows_does():
    assert gm.basemap("my tiles\\{z}\\{x}\\{y}.png").templates == ("my tiles/{z}/{x}/{y}.png",)


def test_a_damaged_file_of_tiles_is_told_in_one_line(tmp_path):
    (tmp_path / "a.mbtiles").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(ReadError, match="not an MBTiles file"):
        gm.basemap(tmp_path / "a.mbtiles").for_page(BOXES)
