"""The GeoPackage opened in QGIS has the legend of the map: the same classes, colours and rows."""

import re
import sqlite3
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pytest

import gridmap as gm
from gridmap.exports.formats.geopackage import filter_of
from gridmap.exports.result_parts import parts_of
from gridmap.exports.styles import style_of
from gridmap.maps.figure import class_text


def styles_in(path):
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT f_table_name, f_geometry_column, styleName, useAsDefault, styleQML FROM layer_styles")
        found = {row[0]: row[1:] for row in rows.fetchall()}
    db.close()
    return found


def legend_of(qml):
    """(label, colour, hatched) of each entry of a QML style, in its order."""
    root = ET.fromstring(qml.split("\n", 1)[1])
    symbols = {s.get("name"): s for s in root.iter("symbol")}
    entries = list(root.iter("category")) or list(root.iter("rule"))
    out = []
    for entry in entries:
        symbol = symbols[entry.get("symbol")]
        fill = symbol.find("layer[@class='SimpleFill']/Option/Option[@name='color']").get("value")
        colour = "#" + "".join(f"{int(v):02X}" for v in fill.split(",")[:3])
        out.append((entry.get("label"), colour, symbol.find("layer[@class='LinePatternFill']") is not None))
    return out


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_style_of_hotspots_is_the_legend_of_the_map(answers, tmp_path, language):
    path = gm.export(answers.hot, tmp_path / "a.gpkg", language=language)
    geometry, name, default, qml = styles_in(path)["getis_ord"]
    assert (geometry, default) == ("geom", 1)
    assert name == "gridmap"
    legend = [(class_text(c, language), c.colour, c.hatch) for c in gm.hotspot_layer(answers.hot).classes]
    assert list(dict.fromkeys(legend_of(qml))) == legend  # several labels may be of one class
    assert qml.startswith("<!DOCTYPE qgis")
    values = [c.get("value") for c in ET.fromstring(qml.split("\n", 1)[1]).iter("category")]
    assert sorted(values) == sorted(["hot 99", "hot 95", "hot 90", "none", "cold 90", "cold 95", "cold 99"])
    assert values[0] == "hot 99"  # in the legend's order; what the test's own level does not allow stands with "none"
    assert values[-1] == "cold 99"


def test_the_style_of_counts_is_the_legend_of_the_map_and_takes_the_same_rows(answers, tmp_path):
    path = gm.export({"counts": answers.counts}, tmp_path / "a.gpkg", grid=answers.grid)
    qml = styles_in(path)["counts"][-1]
    layer = gm.cells_layer(answers.counts, "count", grid=answers.grid)
    assert legend_of(qml) == [(class_text(c), c.colour, c.hatch) for c in layer.classes]
    rules = [rule.get("filter") for rule in ET.fromstring(qml.split("\n", 1)[1]).iter("rule")]
    with sqlite3.connect(path) as db:  # QGIS's filters are SQL here: each row must be in exactly its class
        taken = [{r[0] for r in db.execute(f"SELECT cell_id FROM counts WHERE {rule}")} for rule in rules]
    db.close()
    for code, ids in enumerate(taken):
        assert ids == set(layer.frame.index[layer.codes == code])


def test_a_surface_without_labels_is_styled_by_its_amount(answers, tmp_path):
    path = gm.export(answers.density, tmp_path / "a.gpkg", audience="internal")
    layer = gm.hotspot_layer(answers.density)
    assert legend_of(styles_in(path)["kernel_density"][-1]) == [
        (class_text(c), c.colour, c.hatch) for c in layer.classes
    ]


def test_clusters_are_outlines(answers, tmp_path):
    qml = styles_in(gm.export(answers.clusters, tmp_path / "a.gpkg"))["hdbscan_clusters"][-1]
    root = ET.fromstring(qml.split("\n", 1)[1])
    assert root.find("renderer-v2").get("type") == "singleSymbol"
    assert root.find(".//Option[@name='style']").get("value") == "no"


def test_hostile_labels_and_columns_are_quoted(answers, tmp_path):
    cells = answers.grid.cells.iloc[:3][["geometry"]].assign(label=["<b>&\"'", "; DROP TABLE x", None])
    path = gm.export(cells, tmp_path / "a.gpkg", audience="internal")
    root = ET.fromstring(styles_in(path)["cells"][-1].split("\n", 1)[1])
    assert {c.get("value") for c in root.iter("category")} == {"<b>&\"'", "; DROP TABLE x", ""}
    rule = style_of(parts_of(answers.counts, grid=answers.grid)[0]).rules[2]
    assert filter_of(rule, 'a"b').startswith('"a""b" > 0')


def test_the_table_is_told_to_readers_and_dates_are_as_the_standard_wants(answers, tmp_path):
    path = gm.export(answers.hot, tmp_path / "a.gpkg")
    with sqlite3.connect(path) as db:
        kinds = dict(db.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall())
        stamps = [r[0] for r in db.execute("SELECT update_time FROM layer_styles")]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    assert kinds == {"getis_ord": "features", "layer_styles": "attributes"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", s) for s in stamps)


def test_each_row_has_the_class_that_the_map_gives_it(answers):
    for result in (answers.hot, answers.density):
        style = style_of(parts_of(result)[0])
        assert np.array_equal(style.codes, gm.hotspot_layer(result).codes)


def test_cells_that_the_map_cannot_draw_are_written_without_a_style(tmp_path):
    bare = gpd.GeoDataFrame({"count": [1]}, geometry=gpd.GeoSeries([None], crs=4326))
    assert style_of(parts_of(bare, content="cells")[0]) is None
    gm.export(bare, tmp_path / "a.gpkg", content="cells", audience="internal")
