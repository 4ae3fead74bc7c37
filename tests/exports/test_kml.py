"""KML that phones open: well-formed, in the schema's order, lon before lat, no altitude, everything escaped."""

import re
import zipfile
from xml.etree import ElementTree as ET

import geopandas as gpd
import pytest
import shapely

import gridmap as gm

NS = "{http://www.opengis.net/kml/2.2}"
#: The children of each element in the order of OGC KML 2.2's schema, of those that we write.
ORDER = {
    "kml": ["Document"],
    "Document": ["name", "description", "Style", "Folder"],
    "Folder": ["name", "description", "Placemark"],
    "Style": ["LineStyle", "PolyStyle"],
    "LineStyle": ["color", "width"],
    "PolyStyle": ["color", "fill"],
    "Placemark": ["name", "styleUrl", "ExtendedData", "Polygon", "MultiGeometry", "Point", "LineString"],
    "ExtendedData": ["Data"],
    "Data": ["value"],
    "MultiGeometry": ["Polygon", "Point", "LineString"],
    "Polygon": ["outerBoundaryIs", "innerBoundaryIs"],
    "outerBoundaryIs": ["LinearRing"],
    "innerBoundaryIs": ["LinearRing"],
    "LinearRing": ["coordinates"],
    "Point": ["coordinates"],
    "LineString": ["coordinates"],
}


def checked(text: bytes):
    """The root, when the document keeps to the rules."""
    root = ET.fromstring(text)
    styles = {s.get("id") for s in root.iter(f"{NS}Style")}
    for element in root.iter():
        name = element.tag.removeprefix(NS)
        places = [ORDER[name].index(child.tag.removeprefix(NS)) for child in element] if name in ORDER else []
        assert places == sorted(places), name
        assert name in ORDER or not len(element), name
    for colour in root.iter(f"{NS}color"):
        assert re.fullmatch("[0-9a-fA-F]{8}", colour.text)
    for url in root.iter(f"{NS}styleUrl"):
        assert url.text.removeprefix("#") in styles
    for held in root.iter(f"{NS}coordinates"):
        for point in held.text.split():
            lon, lat = map(float, point.split(","))  # two numbers: no altitude
            assert -180 <= lon <= 180
            assert -90 <= lat <= 90
    for way, ccw in (("outerBoundaryIs", True), ("innerBoundaryIs", False)):
        for held in root.iter(f"{NS}{way}"):
            ring = [tuple(map(float, p.split(","))) for p in held[0][0].text.split()]
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
            assert shapely.is_ccw(shapely.LinearRing(ring)) == ccw
    return root


@pytest.mark.parametrize("language", ["en", "zh"])
def test_results_as_kml_keep_to_the_rules(answers, tmp_path, language):
    path = gm.export({"hot": answers.hot, "found": answers.clusters}, tmp_path / "a.kml", language=language)
    root = checked(path.read_bytes())
    folders = root.findall(f"{NS}Document/{NS}Folder")
    assert [f.find(f"{NS}name").text for f in folders] == ["hot", "found_clusters"]
    marks = folders[0].findall(f"{NS}Placemark")
    assert [m.find(f"{NS}name").text for m in marks] == answers.hot.cells.index.tolist()
    layer = gm.hotspot_layer(answers.hot)
    for mark, code in zip(marks, layer.codes, strict=True):
        style = root.find(f".//{NS}Style[@id='{mark.find(f'{NS}styleUrl').text[1:]}']")
        colour = layer.classes[code].colour
        assert style.find(f"{NS}PolyStyle/{NS}color").text[2:] == colour[5:7] + colour[3:5] + colour[1:3]
    west, south, east, north = answers.grid.cells.total_bounds
    lon, lat = map(float, next(root.iter(f"{NS}coordinates")).text.split()[0].split(","))
    assert west <= lon <= east  # and not the other way round
    assert south <= lat <= north


def test_hostile_text_is_text(hostile, tmp_path):
    root = checked(gm.export(hostile, tmp_path / "a.kml", audience="internal").read_bytes())
    values = [d.find(f"{NS}value").text for d in root.iter(f"{NS}Data") if d.get("name") == "案件类别"]
    assert values == ["<b>&\"'</b>]]>", "=1+1", "'; DROP TABLE cells; --", "城关街道第一社区", 'a,b\n"c"\tд']
    assert not list(root.iter(f"{NS}b"))


def test_holes_and_parts_and_names(tmp_path):
    ring = shapely.box(0, 0, 3, 3).difference(shapely.box(1, 1, 2, 2))
    shapes = [ring, shapely.MultiPolygon([shapely.box(5, 5, 6, 6), shapely.box(7, 7, 8, 8)])]
    frame = gpd.GeoDataFrame({"name": ["环路 & 内", None], "zone_id": ["z1", "z2"]}, geometry=shapes, crs=4326)
    root = checked(gm.export(frame, tmp_path / "a.kml", audience="internal").read_bytes())
    assert [m.find(f"{NS}name").text for m in root.iter(f"{NS}Placemark")] == ["环路 & 内", "z2"]
    assert len(list(root.iter(f"{NS}innerBoundaryIs"))) == 1
    assert len(list(root.iter(f"{NS}MultiGeometry"))) == 1


def test_a_kmz_is_the_same_zipped_and_the_same_each_time(answers, tmp_path):
    kml = gm.export(answers.hot, tmp_path / "a.kml").read_bytes()
    one = gm.export(answers.hot, tmp_path / "a.kmz").read_bytes()
    assert zipfile.ZipFile(tmp_path / "a.kmz").read("doc.kml") == kml
    assert one == gm.export(answers.hot, tmp_path / "a.kmz").read_bytes()
