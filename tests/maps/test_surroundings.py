"""Streets, water, railways and names under the hotspots: from an OpenStreetMap extract and from an office's files."""

import base64
import gzip
import io
import json
import re
import struct
import zlib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

import gridmap as gm
from gridmap.errors import GridmapError
from gridmap.maps.packing import pack_outlines, varints
from gridmap.maps.page import page_data
from gridmap.messages import note_from

#: A crossroads, a lake of two rings, a canal, a railway with a siding, two places, a street that is only planned.
OSM = """<?xml version="1.0"?><osm version="0.6" generator="test">
<node id="1" lat="53.80" lon="-1.56"/><node id="2" lat="53.80" lon="-1.54"/><node id="3" lat="53.79" lon="-1.55"/>
<node id="4" lat="53.81" lon="-1.55"/><node id="5" lat="53.801" lon="-1.551"/><node id="6" lat="53.801" lon="-1.549"/>
<node id="7" lat="53.803" lon="-1.549"/><node id="8" lat="53.803" lon="-1.551"/>
<node id="9" lat="53.80" lon="-1.55"><tag k="place" v="suburb"/><tag k="name" v="Lakeside"/></node>
<node id="10" lat="53.81" lon="-1.54"><tag k="place" v="city"/><tag k="name" v="Meretown"/></node>
<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="High Street"/></way>
<way id="2"><nd ref="3"/><nd ref="4"/><tag k="highway" v="residential"/><tag k="name" v="Mill Lane"/></way>
<way id="3"><nd ref="1"/><nd ref="4"/><tag k="highway" v="footway"/></way>
<way id="4"><nd ref="2"/><nd ref="3"/><tag k="highway" v="proposed"/></way>
<way id="5"><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="8"/><nd ref="5"/><tag k="natural" v="water"/></way>
<way id="6"><nd ref="1"/><nd ref="3"/><tag k="waterway" v="canal"/></way>
<way id="7"><nd ref="3"/><nd ref="2"/><tag k="railway" v="rail"/></way>
<way id="8"><nd ref="4"/><nd ref="2"/><tag k="railway" v="rail"/><tag k="service" v="siding"/></way>
</osm>"""


@pytest.fixture(scope="module")
def extract(tmp_path_factory):
    """The same as XML and as .osm.pbf."""
    osmium = pytest.importorskip("osmium")
    folder = tmp_path_factory.mktemp("osm")
    plain, packed = folder / "town.osm", folder / "town.osm.pbf"
    plain.write_text(OSM, encoding="utf-8")
    with osmium.SimpleWriter(str(packed)) as writer:
        for thing in osmium.FileProcessor(str(plain)):
            writer.add(thing)
    return plain, packed


def test_an_extract_gives_its_streets_water_railways_and_names(extract):
    for path in extract:
        found = gm.read_context(path)
        rows = {(k, r, n or "") for k, r, n in found[["kind", "rank", "name"]].itertuples(index=False)}
        assert rows == {
            ("streets", 0, "High Street"),
            ("streets", 2, "Mill Lane"),
            ("streets", 3, ""),
            ("water", 1, ""),
            ("railways", 0, ""),
            ("names", 0, "Meretown"),
            ("names", 1, "Lakeside"),
        }
        assert found[found["kind"] == "water"].geom_type.tolist().count("LineString") == 1  # the canal
        lake = found[found.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
        assert len(lake) == 1
        assert shapely.area(lake.geometry.iloc[0]) == pytest.approx(0.002 * 0.002)
    assert set(gm.read_context(extract[1], kind="railways")["kind"]) == {"railways"}


def test_an_offices_shapefile_tells_by_its_columns_or_its_name_what_it_holds(tmp_path):
    line = [shapely.LineString([(-1.56, 53.8), (-1.54, 53.8)])]
    gpd.GeoDataFrame({"fclass": ["river"], "name": ["Aire"]}, geometry=line, crs=4326).to_file(tmp_path / "w.shp")
    gpd.GeoDataFrame({"LEN": [3]}, geometry=line, crs=4326).to_file(tmp_path / "道路2024.shp", encoding="utf-8")
    gpd.GeoDataFrame({"LEN": [3]}, geometry=line, crs=4326).to_file(tmp_path / "lines.geojson")
    river, streets = gm.read_context(tmp_path / "w.shp"), gm.read_context(tmp_path / "道路2024.shp")
    assert river.iloc[0][["kind", "rank", "name"]].tolist() == ["water", 0, "Aire"]
    assert streets["kind"].tolist() == ["streets"]
    with pytest.raises(GridmapError, match="Say kind"):
        gm.read_context(tmp_path / "lines.geojson")
    assert gm.read_context(tmp_path / "lines.geojson", kind="railways")["kind"].tolist() == ["railways"]
    with pytest.raises(GridmapError, match="kind must be"):
        gm.read_context(tmp_path / "lines.geojson", kind="railway")


def wavy(n: int, wave: float) -> shapely.LineString:
    x = np.linspace(-1.7, -1.4, n)
    return shapely.LineString(np.column_stack([x, 53.8 + wave * np.sin(400 * x)]))


def test_corners_are_marked_with_the_scale_from_which_on_they_are_drawn():
    zooms = (9.0, 11.0, 13.0, 15.0)
    packed = pack_outlines(np.array([wavy(4000, 3e-4)]), simplify=False, zooms=zooms)
    levels = np.frombuffer(zlib.decompress(base64.b64decode(packed["levels"])), np.uint8)
    drawn = [int((levels <= level).sum()) for level in range(4)]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3] < 4000
    assert levels[0] == levels[-1] == 0  # the ends are drawn at every scale
    whole = pack_outlines(np.array([wavy(4000, 3e-4)]), simplify=False)
    assert len(packed["xy"]) < 0.7 * len(whole["xy"])


def test_what_does_not_fit_is_left_out_the_least_important_first_and_a_note_says_so():
    walks = np.random.default_rng(0).normal(0, 1e-3, (80, 100, 2)).cumsum(axis=1) + np.array([-1.5, 53.8])
    streets = gpd.GeoDataFrame(
        {"kind": "streets", "rank": [0, 1, 2, 3] * 20, "name": None},
        geometry=list(shapely.linestrings(walks)),
        crs=4326,
    )
    whole = gm.context_layers(streets)[0]
    assert set(whole.frame["rank"]) == {0, 1, 2, 3}
    assert not whole.notes
    small = gm.context_layers(streets, most_mb=0.02)[0]
    assert set(small.frame["rank"]) < {0, 1, 2}
    assert "0.02 MB" in small.notes[0]


def test_what_lies_far_outside_is_left_out():
    town = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.9)], crs=4326)
    away = gpd.GeoDataFrame(
        {"kind": "streets", "rank": 0, "name": ["far", "near"]},
        geometry=[shapely.LineString([(3, 50), (3.1, 50)]), shapely.LineString([(-1.55, 53.8), (9, 53.8)])],
        crs=4326,
    )
    (layer,) = gm.context_layers(away, boundaries=town)
    assert layer.frame["name"].tolist() == ["near"]
    assert layer.frame.total_bounds[2] < -1.4
    assert gm.context_layers(away.iloc[:1], boundaries=town) == []


def test_a_pipeline_draws_its_context_and_names_it_among_its_inputs(tmp_path, extract):
    zones = gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(-1.57, 53.78, -1.53, 53.82)], crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    rng = np.random.default_rng(0)
    pd.DataFrame({"lon": rng.uniform(-1.57, -1.53, 60), "lat": rng.uniform(53.78, 53.82, 60)}).to_csv(
        tmp_path / "in.csv", index=False
    )
    (tmp_path / "town.osm.pbf").write_bytes(extract[1].read_bytes())
    (tmp_path / "p.yaml").write_text(
        "boundaries: {path: zones.geojson}\ngrid: {system: square, cell_size_m: 500}\nincidents: {path: in.csv}\n"
        "hotspots: [{hotspot_test: {}}]\ncontext: town.osm.pbf\noutputs: {map: index.html}\n"
    )
    from gridmap.runs import read_pipeline, run_pipeline

    run_pipeline(read_pipeline(tmp_path / "p.yaml"), tmp_path / "out")
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', html, re.S)[1])
    drawn = {layer["surround"] for layer in data["layers"] if layer.get("surround")}
    assert drawn == {"streets", "water", "rivers", "railways", "names"}
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any(entry["path"] == "town.osm.pbf" for entry in record["also_read"])
    (tmp_path / "q.yaml").write_text((tmp_path / "p.yaml").read_text().replace("town.osm.pbf", "{path: town.osm.pb}"))
    with pytest.raises(GridmapError, match=r"town\.osm\.pb"):
        read_pipeline(tmp_path / "q.yaml")


def test_streets_are_drawn_over_the_theme_and_water_under_it(browser, tmp_path, hot, extract):
    context = gm.read_context(extract[1])
    page = gm.build_map([gm.hotspot_layer(hot), *gm.context_layers(context)]).save(tmp_path / "page.html")
    opened = browser.open(page)
    try:
        heights = opened.run(
            "Object.fromEntries(gridmap.layers.map((l) => [l.surround || l.role, "
            "+gridmap.map.getPane('gm-' + l.id).style.zIndex]))"
        )
        assert heights["water"] < heights["theme"] < heights["railways"] < heights["streets"]
        painted = opened.run(
            "gridmap.map.setView([53.8, -1.55], 15, {animate: false}), gridmap.layers.filter((l) => l.surround)"
            ".map((l) => { const n = l.canvas.node, d = n.getContext('2d').getImageData(0, 0, n.width, n.height).data;"
            " return d.some((v, i) => i % 4 === 3 && v > 0); })"
        )
        assert painted == [True] * 5
        assert opened.requests() == opened.errors() == []
    finally:
        opened.close()
    assert page_data([gm.hotspot_layer(hot)], head={"title": None}, language="en")["layers"][0].get("surround") is None


def test_places_are_named_by_the_streets_that_are_drawn(placed, town):
    """The core lies at a corner of the streets of the page; without them it has the zone's name alone."""
    east, north = shapely.total_bounds(placed.cells.geometry.to_numpy())[2:]
    lon, lat = shapely.get_coordinates(placed.cells.geometry.iloc[0].centroid)[0]
    lines = [
        shapely.LineString([(lon - 0.02, lat), (east, lat)]),
        shapely.LineString([(lon, lat - 0.02), (lon, north)]),
    ]
    streets = gpd.GeoDataFrame(
        {"kind": "streets", "rank": 1, "name": ["High St", "Mill Lane"]}, geometry=lines, crs=4326
    )
    layer = gm.hotspot_layer(placed)
    alone = page_data([layer], head={}, language="en", boundaries=town)["layers"][0]["ranked"]
    layers = [layer, *gm.context_layers(streets)]
    ranked = page_data(layers, head={}, language="en", boundaries=town)["layers"][0]["ranked"]
    assert [r["values"] for r in ranked] == [r["values"] for r in alone]
    names = [note_from(r["name"]).say("en") for r in ranked]
    assert names[0].startswith("Harehills, High St / Mill Lane")
    assert len(set(names)) == len(names) > 1


def archive_of(path, tile: bytes, *, kind: int, box=(-180, -85, 180, 85)):
    """A PMTiles archive of one tile, that of scale 0."""
    root, meta = gzip.compress(bytes([1, 0, 1]) + varints([len(tile)]) + bytes([1])), gzip.compress(b"{}")
    at = 127
    where = [at, len(root), at + len(root), len(meta), at + len(root) + len(meta), 0, at + len(root) + len(meta)]
    head = b"PMTiles\x03" + struct.pack("<11Q", *where, len(tile), 1, 1, 1)
    head += bytes([1, 2, 1, kind, 0, 0]) + struct.pack("<4i", *(int(v * 1e7) for v in box)) + bytes([0]) + bytes(8)
    path.write_bytes(head + root + meta + tile)
    return path


def test_a_map_file_is_drawn_below_without_a_request_and_taken_away_again(browser, tmp_path, hot):
    red = io.BytesIO()
    Image.new("RGB", (256, 256), (200, 30, 40)).save(red, "PNG")
    good = archive_of(tmp_path / "city.pmtiles", red.getvalue(), kind=2)
    away = archive_of(tmp_path / "far.pmtiles", red.getvalue(), kind=2, box=(100, 20, 101, 21))
    strange = tmp_path / "strange.pmtiles"
    strange.write_bytes(b"something else")
    opened = browser.open(gm.build_map([gm.hotspot_layer(hot)]).save(tmp_path / "page.html"))
    try:
        pick = lambda path: opened._page.set_input_files("#gm-map-file", str(path))  # noqa: E731
        pick(good)
        opened.wait("/city\\.pmtiles/.test(document.querySelector('#gm-map-hint').textContent)")
        pixel = (
            "(() => { const n = document.querySelector('.leaflet-tile-loaded'); "
            "return n && Array.from(n.getContext('2d').getImageData(256, 256, 1, 1).data.slice(0, 3)); })()"
        )
        opened.wait(f"({pixel} || [0])[0] === 200", 10)
        assert opened.run("gridmap.map.getPane('gm-' + gridmap.state.theme).style.opacity") == "0.72"
        opened.click("#gm-map-open")
        assert opened.run("document.querySelectorAll('.leaflet-tile').length") == 0
        for path in (away, strange):
            pick(path)
            opened.wait(f"document.querySelector('#gm-map-hint').textContent.startsWith('{path.name}')")
            assert opened.run("document.querySelectorAll('.leaflet-tile').length") == 0
        assert opened.requests() == opened.errors() == []
    finally:
        opened.close()
