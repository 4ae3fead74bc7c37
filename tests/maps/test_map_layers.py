"""Layers, their classes, and how they travel: checked by taking them apart again."""

import base64
import sqlite3
import sys
import zlib
from types import SimpleNamespace

import geopandas as gpd
import h3
import h3.api.numpy_int
import numpy as np
import pandas as pd
import pytest
import scipy
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridmap as gm
from gridmap.errors import GridmapError, InputError
from gridmap.grids.hierarchy import zone_levels
from gridmap.maps import palette
from gridmap.maps.legend_classes import amount_classes, breaks_of, codes_of, label_classes
from gridmap.maps.packing import MOST_CHARACTERS, pack, pack_column, pack_h3, pack_outlines, varints
from gridmap.maps.page import area_tree, page_data
from gridmap.maps.ranking import rank_places
from gridmap.messages import LANGUAGES, all_texts, note_from, say


def unpack(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def read_varints(data: bytes) -> list[int]:
    out, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            out.append(value)
            value = shift = 0
    return out


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**53 - 1)))
def test_varints_come_back(values):
    assert read_varints(varints(values)) == values


@pytest.mark.parametrize("resolution", [0, 4, 9, 15])
def test_h3_ids_come_back(resolution):
    centre = h3.latlng_to_cell(31.2, 121.5, resolution)
    ids = pd.Index(sorted(h3.grid_disk(centre, 3), reverse=True))
    draw, order = pack_h3(ids)
    keys = np.cumsum(read_varints(unpack(draw["ids"])), dtype=object)
    unit = 8 ** (15 - resolution)
    back = [f"8{resolution:x}{k * unit + unit - 1:013x}" for k in keys]
    assert back == list(ids[order])


def test_h3_ids_of_mixed_resolution_are_refused():
    cells = pd.DataFrame({"count": [1, 2]}, index=["88194ad32bfffff", "891942c5d0fffff"])
    with pytest.raises(InputError, match="resolution"):
        gm.build_map(gm.cells_layer(cells, "count"))


def test_outlines_come_back_within_a_metre():
    holed = shapely.box(0, 0, 0.1, 0.1).difference(shapely.box(0.02, 0.02, 0.05, 0.05))
    two = shapely.MultiPolygon([shapely.box(1, 1, 1.1, 1.1), shapely.box(2, 2, 2.1, 2.1)])
    draw = pack_outlines(np.array([holed, two]))
    steps = np.array(read_varints(unpack(draw["xy"])))
    xy = np.cumsum(((steps >> 1) ^ -(steps & 1)).reshape(-1, 2), axis=0) / draw["scale"]
    rings, parts = read_varints(unpack(draw["rings"])), read_varints(unpack(draw["parts"]))
    assert parts == [2, 2]
    assert rings == [4, 4, 4, 4]
    area = sum(shapely.Polygon(xy[i : i + 4]).area * (1 if k != 1 else -1) for k, i in enumerate(range(0, 16, 4)))
    assert area == pytest.approx(holed.area + two.area, rel=1e-6)


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1))
@settings(deadline=None)
def test_a_column_keeps_four_figures(values):
    values = pd.Series(values, dtype=float)
    packed = pack_column(values)
    kind = {"i1": "<i1", "i2": "<i2", "i4": "<i4", "f4": "<f4"}[packed["type"]]
    back = np.frombuffer(unpack(packed["data"]), kind).astype(float)
    missing = back == np.iinfo(kind[1:]).min if packed["type"] != "f4" else np.isnan(back)
    assert (missing == values.isna().to_numpy()).all()
    there = ~missing
    top = values.abs().max()
    error = np.abs(back[there] / 10 ** packed["digits"] - values[there])
    assert not there.any() or error.max() <= max(1e-3 * top, 1e-6)


def test_a_long_name_is_cut():
    assert len(pack_column(pd.Series(["x" * 10_000]))["texts"][0]) == MOST_CHARACTERS


def test_no_data_zero_and_amounts_are_three_things():
    classes, codes, bounds = amount_classes([np.nan, 0, 1, 2, 3, 100], k=3)
    assert codes.tolist()[:3] == [0, 1, 2]
    assert classes[0].hatch is True
    assert classes[1].high == 0
    assert bounds[-1] == 100


def test_breaks_of_whole_numbers_are_whole_and_cover_the_top():
    values = np.random.default_rng(0).poisson(3, 500)
    for scheme in ("quantiles", "fisher_jenks", "equal_interval", "head_tail"):
        bounds = breaks_of(values, scheme=scheme, k=5)
        assert all(float(b).is_integer() for b in bounds)
        assert bounds[-1] == values.max()
        assert (codes_of(values, bounds) < len(bounds) + 2).all()


def test_given_breaks_are_kept_over_all_periods():
    frame = pd.DataFrame(
        {"count": [1, 5, 9, 2]},
        index=pd.MultiIndex.from_product(
            [["891942c5d0fffff", "891942c5d03ffff"], pd.period_range("2018-01", periods=2, freq="M")]
        ),
    )
    layer = gm.cells_layer(frame, "count", scheme=[3, 9])
    assert layer.frame_breaks == (3.0, 9.0)
    assert layer.frames.shape == (2, 2)
    assert layer.every == "month"


def test_labels_are_drawn_in_the_order_of_their_scale_and_none_is_lost():
    classes, codes = label_classes(pd.Series(["cold 99", "hot 99", "none", None, "too few"]))
    assert [c.label.code for c in classes[:7]] == [f"label.{x.replace(' ', '_')}" for x in palette.HOT_COLD]
    assert [classes[c].hatch for c in codes] == [False, False, False, True, True]
    quiet, codes = label_classes(pd.Series(["none", "possibly under-reported"]))
    assert quiet[codes[1]].hatch is True
    assert quiet[codes[1]].label.code == "page.under_reported"


def test_every_scale_keeps_its_middle_light_and_amounts_keep_their_order_in_grey():
    for k in range(2, 8):
        grey = [palette.luminance(c) for c in palette.amounts(k)]
        assert grey == sorted(grey, reverse=True)
    assert palette.luminance(palette.HOT_COLD["none"]) > palette.luminance(palette.HOT_COLD["hot 90"])


def test_two_peaks_are_two_hotspots_named_after_their_zones():
    ids = sorted(h3.grid_disk("891942c5d0fffff", 4))
    far = max(ids, key=lambda c: h3.grid_distance(c, "891942c5d0fffff"))
    z = np.array([max(9 - 2 * h3.grid_distance(c, "891942c5d0fffff"), 8 - 2 * h3.grid_distance(c, far)) for c in ids])
    near = [h3.grid_distance(c, "891942c5d0fffff") < h3.grid_distance(c, far) for c in ids]
    cells = pd.DataFrame(
        {
            "count": (z > 0) * (z + 1),
            "z_score": z,
            "label": np.where(z > 2, "hot 99", "none"),
            "zone_id": np.where(near, "A", "B"),
        },
        index=pd.Index(ids, name="cell_id"),
    )
    layer = gm.hotspot_layer(gm.HotspotResult(cells, "getis_ord", {}))
    zones = pd.DataFrame({"zone_id": ["A", "B"], "name": ["Harehills", "Gipton"]})
    (places,) = rank_places([layer], zones)
    assert str(places[0].name).startswith("Harehills")
    assert {str(p.name).split(",")[0] for p in places} == {"Harehills", "Gipton"}
    assert len({str(p.name) for p in places}) == len(places)
    hot = cells.loc[cells["label"] != "none", "count"]
    assert all(p.values["count"] == cells["count"].iloc[p.rows].sum() >= p.values["expected"] for p in places)
    left = hot.drop(cells.index[[row for p in places for row in p.rows]])
    assert (left < 1.05 * cells["count"].mean()).all()  # a place has at least its expected count
    assert all(p.values["area_km2"] <= 2 for p in places)


def test_a_change_of_other_incidents_is_not_borrowed(placed):
    cells = placed.cells
    shapes = cells[["zone_id", "area_m2", "geometry"]]
    for after, borrowed in ((cells["count"], True), (cells["count"] + 1, False)):
        change = gm.HotspotResult(
            shapes.assign(before=0, after=after, difference=after, label="none"), "compare_periods", {}
        )
        data = page_data([gm.hotspot_layer(placed), gm.hotspot_layer(change)], head={}, language="en", boundaries=None)
        assert ("difference" in data["layers"][0]["ranked"][0]["values"]) is borrowed


def test_areas_add_up_on_every_level(placed, town):
    tree = area_tree(gm.boundaries_layer(town).frame, [gm.hotspot_layer(placed)])
    assert tree["names"][: tree["zones"]] == ["A", "B"]
    assert sum(tree["layers"]["l0"]["count"]) == placed.cells["count"].sum()
    assert [tree["names"][p] for p in tree["parents"][tree["zones"] :]] == ["A", "A", "B", "B"]


def test_every_area_has_the_exact_interval_of_its_own_change(placed, town):
    """Of a district that of its sums, not a mean of its zones'; none where there was nothing before."""
    cells = placed.cells[["zone_id", "area_m2", "geometry"]].assign(count_after=placed.cells["count"], label="none")
    cells["count_before"] = np.where(cells["zone_id"] == "A1", 0, 2)
    own_interval = {"total_ratio_low": 0.5, "total_ratio_high": 0.9}
    change = gm.HotspotResult(cells.assign(difference=0), "compare_periods", own_interval)
    tree = area_tree(gm.boundaries_layer(town).frame, [gm.hotspot_layer(change)])
    found = tree["layers"]["l0"]
    assert found["whole"] == [-0.5, -0.1]  # the comparison's own, as the strip says it
    for district, zones in (("A", ["A1", "A2"]), ("B", ["B1", "B2"])):
        own = cells[cells["zone_id"].isin(zones)]
        before, after = own["count_before"].sum(), own["count_after"].sum()
        exact = scipy.stats.binomtest(int(after), int(after + before)).proportion_ci(0.95, "exact")
        at = tree["names"].index(district)
        for end, share in (("change_low", exact.low), ("change_high", exact.high)):
            assert found[end][at] == pytest.approx(share / (1 - share) - 1, abs=1e-4)
    assert found["change_high"][tree["zones"]] is None


def test_zones_are_called_zones_and_rates_high_not_hot(placed, town):
    """Rates of the areas of a boundary file: not "cells", and the word of the legend in the list of themes."""
    zones = town.set_index(town["zone_id"], drop=False).rename_axis("cell_id")
    rates = zones[["zone_id", "geometry"]].assign(count=[40, 10, 3, 1], area_m2=1e6, rate=[40.0, 5, 1, 0.2])
    rates["label"] = ["high 99", "none", "none", "none"]
    layers = [gm.hotspot_layer(gm.HotspotResult(rates, "incident_rates", {"fdr": 0.05})), gm.hotspot_layer(placed)]
    of_rates, of_cells = page_data(layers, head={}, language="en", boundaries=town)["layers"][:2]
    assert of_rates["of_zones"]
    assert not of_cells["of_zones"]
    assert say(note_from(of_rates["found"]), "en") == "1 high"
    assert say(note_from(of_rates["found"]), "zh") == "偏高 1"
    said = [say(note_from(part), "zh") for answer in of_rates["answers"].values() for part in answer]
    assert not any("格" in text for text in said if "换一种网格" not in text)
    nothing = gm.HotspotResult(rates.assign(label="none"), "incident_rates", {"fdr": 0.05})
    where = page_data([gm.hotspot_layer(nothing)], head={}, language="en", boundaries=town)["layers"][0]["answers"][
        "where"
    ]
    assert "None of 4 zones" in say(note_from(where[1]), "en")
    assert "4 个统计单元" in say(note_from(where[1]), "zh")


def test_the_bundled_zones_have_their_three_levels():
    zones = gm.read_boundaries("data/west_yorkshire/lsoa_2011.geojson")
    levels = zone_levels(zones)
    assert [level["name"].nunique() for level in levels] == [299, 5]
    assert set(levels[-1]["name"]) == {"Bradford", "Calderdale", "Kirklees", "Leeds", "Wakefield"}


def test_a_density_is_drawn_in_metres_with_its_unit():
    zones = gm.read_boundaries("data/west_yorkshire/lsoa_2011.geojson").iloc[:60]
    grid = gm.make_grid(zones, system="h3", resolution=8)
    at = grid.centroids[:40]
    frame = pd.DataFrame({"lon": at[:, 0], "lat": at[:, 1], "category": "x", "date": "2018-07-01"})
    density = gm.kernel_density(gm.read_incidents(frame), grid, bandwidth_m=800)
    layer = gm.density_layer(density)
    assert layer.unit.code == "page.per_km2"
    data = page_data([layer], head={}, language="en", boundaries=None)
    image = data["layers"][0]["image"]
    assert image["url"].startswith("data:image/png;base64,")
    (south, west), (north, east) = image["bounds"]
    assert [west, south, east, north] == pytest.approx(grid.cells.total_bounds.tolist(), abs=1e-4)


def test_results_are_drawn_on_axes_with_a_legend_and_a_scale_bar(placed, tmp_path):
    axes = placed.plot(language="zh", title="盗窃")
    texts = [t.get_text() for t in axes.get_legend().get_texts()]
    assert "热点 99%" in texts
    bar = axes.texts[0].get_text()
    assert bar.split()[1] in ("公里", "米")
    assert axes._repr_png_().startswith(b"\x89PNG")  # what a notebook shows
    again = placed.plot(ax=axes.figure.add_subplot())
    assert again.figure is axes.figure
    with pytest.warns(DeprecationWarning, match=r"figure\.savefig"):
        axes.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_basemaps_enter_the_policy_by_name(placed, tmp_path):
    layer = gm.hotspot_layer(placed)
    html = gm.build_map(layer, basemap="http://10.0.0.8:8080/{z}/{x}/{y}.png").save(tmp_path / "m.html").read_text()
    assert "img-src data: blob: http://10.0.0.8:8080;" in html
    assert "tianditu" in gm.basemap("tianditu", key="0123456789abcdef").hosts[0]
    for bad, words in (
        ({"source": "tiles.png"}, "template of tiles"),
        ({"source": "tianditu"}, "needs key="),
        ({"source": "/{z}/{x}/{y}"}, "beside the page or on an http server"),
        ({"source": "no.mbtiles"}, "does not exist"),
        ({"source": "http://a b/{z}/{x}/{y}"}, "cannot be named in a policy"),
        ({"source": "t/{z}/{x}/{y}", "datum": "bd08"}, "no datum 'bd08'"),
    ):
        with pytest.raises(GridmapError, match=words):
            gm.basemap(**bad)


def png(side: int) -> bytes:
    """How a picture of so many pixels begins."""
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + side.to_bytes(4, "big") * 2


def test_embedded_tiles_are_capped(placed, tmp_path):
    file = tmp_path / "city.mbtiles"
    with sqlite3.connect(file) as con:
        con.execute("create table tiles (zoom_level, tile_column, tile_row, tile_data)")
        for z in (8, 10):
            n = 2**z
            x = int((-1.535 + 180) / 360 * n)
            y = int((0.5 - np.arcsinh(np.tan(np.radians(53.8))) / (2 * np.pi)) * n)
            con.execute(
                "insert into tiles values (?, ?, ?, ?)",
                (z, x, n - 1 - y, png(256) + b"0" * (100 if z == 8 else 10**6)),
            )
    base = gm.basemap(file, max_mb=0.5)
    boxes = np.array([[-1.56, 53.78, -1.5, 53.82]])
    page = base.for_page(boxes)
    assert page["max_native"] == 8
    assert len(page["tiles"]) == 1


def test_layers_move_to_a_basemap_on_gcj02():
    cells = pd.DataFrame({"count": [3]}, index=[h3.latlng_to_cell(31.23, 121.47, 9)])
    plain = page_data([gm.cells_layer(cells, "count")], head={}, language="zh", boundaries=None)
    base = gm.basemap("tiles/{z}/{x}/{y}.png", datum="gcj02")
    moved = page_data([gm.cells_layer(cells, "count")], head={}, language="zh", boundaries=None, base=base)
    assert moved["layers"][0]["draw"]["type"] == "outlines"
    shift_m = (moved["bounds"][0] - plain["bounds"][0]) * 95_000
    assert 100 < abs(shift_m) < 1000


def test_the_viewer_stays_quiet_over_cells_without_shapes():
    bare = gm.HotspotResult(pd.DataFrame({"label": ["none"]}, index=["x"]), "getis_ord", {})
    assert bare._repr_html_() is None


@pytest.mark.slow
def test_two_hundred_thousand_cells_fit_into_the_bar():
    ids = [
        h3.int_to_str(int(c)) for c in h3.api.numpy_int.grid_disk(h3.api.numpy_int.latlng_to_cell(30.6, 104.1, 10), 258)
    ]
    rng = np.random.default_rng(0)
    cells = pd.DataFrame({"count": rng.poisson(1.5, len(ids))}, index=ids)  # no pattern at all: the worst case
    assert len(ids) > 200_000
    data = page_data([gm.cells_layer(cells, "count")], head={}, language="zh", boundaries=None)
    layer = data["layers"][0]
    size = len(layer["draw"]["ids"]) + len(layer["codes"]) + sum(len(c["data"]) for c in layer["columns"])
    assert size <= 1_200_000
    said = {code for code in all_texts("en") if code.startswith("page.")}
    assert all(said <= set(data["words"][language]) for language in LANGUAGES)


def test_names_of_classes_in_a_frame_of_text():
    cells = gpd.GeoDataFrame(
        {"kind": ["a", "b", "a"]}, geometry=[shapely.box(i, 0, i + 1, 1) for i in range(3)], crs=4326
    )
    layer = gm.cells_layer(cells, "kind")
    assert [c.label for c in layer.classes] == ["a", "b"]


@pytest.fixture(scope="module")
def drawn():
    """A small county with grids drawn, hot spots on them, and its units from the grid to the county."""
    county = gm.samples.simulated_county(random_state=1, households=4_000, events=2_000)
    grid = gm.make_grid(county.boundaries, system="balanced", atoms=county.buildings, target=60, tolerance=0.2)
    counts = gm.count_by_cell(county.incidents, grid)
    table = gm.grid_hierarchy(grid, county.boundaries)
    return (
        county,
        gm.getis_ord(counts, grid, fdr=None, inference="exact"),
        gm.roll_up(counts.join(grid.cells["persons"]), table),
    )


def test_the_drill_down_goes_on_to_the_grids_and_all_levels_agree(drawn):
    county, hot, units = drawn
    zones = gm.boundaries_layer(county.boundaries)
    data = page_data([gm.hotspot_layer(hot), zones], head={}, language="zh", boundaries=None, hierarchy=units)
    tree = data["areas"]
    assert tree["top"] == "望川县"
    assert tree["leaf"] == "l0"
    assert len(tree["names"]) - tree["zones"] == len(hot.cells)
    assert tree["per"] == "per_1000"
    values = {key: np.zeros(len(tree["names"])) for key in ("count", "people", "hot")}
    leaves = {"count": tree["layers"]["l0"]["count"], "people": tree["people"], "hot": tree["layers"]["l0"]["hot"]}
    for key, total in values.items():  # as the page adds them up
        for leaf, value in enumerate(leaves[key]):
            node = tree["zones"] + leaf
            while node >= 0:
                total[node] += value
                node = tree["parents"][node]
    at = {name: units[units["level"] == name] for name in ("street", "community")}
    for level in at.values():
        place = [tree["names"].index(name) for name in level["name"]]
        assert values["count"][place].tolist() == level["count"].tolist()
        assert values["people"][place].tolist() == level["persons"].tolist()
    assert values["hot"][: tree["zones"]].max() > 0
    assert [county.boundaries["zone_id"].iloc[z] for z in tree["zone"]] == hot.cells["zone_id"].tolist()


def test_a_hierarchy_of_other_cells_leaves_the_zones_as_they_were(drawn, placed, town):
    _, _, units = drawn
    layers = [gm.hotspot_layer(placed)]
    data = page_data(layers, head={}, language="en", boundaries=town, hierarchy=units)
    assert data["areas"]["names"][:2] == ["A", "B"]
    with pytest.raises(InputError, match="hierarchy="):
        gm.build_map(layers, boundaries=town, hierarchy=pd.DataFrame({"x": [1]}))


def test_counts_of_unequal_areas_are_drawn_per_square_kilometre():
    """A moor of 31 km² with 15 burglaries is not darker than a centre of 0.1 km² with 9."""
    boxes = [shapely.box(0, 0, 0.1, 0.1), *(shapely.box(1 + i / 100, 0, 1.005 + i / 100, 0.005) for i in range(9))]
    zones = gpd.GeoDataFrame({"count": [15, *[9] * 9], "area_m2": [31e6, *[1e5] * 9]}, geometry=boxes, crs=4326)
    layer = gm.cells_layer(zones, "count")
    assert layer.unit.code == "page.per_km2"
    assert layer.codes[0] < layer.codes[1]
    assert layer.columns[:2] == ("intensity", "count")
    assert gm.cells_layer(zones, "count", scheme=[5, 20]).unit.code == "page.incidents"
    assert gm.cells_layer(zones.assign(area_m2=1e6), "count").unit.code == "page.incidents"


def test_no_colour_named_hot_contradicts_the_test_itself(placed):
    """Hot 90 % beside a false discovery rate of 5 % is drawn as what it is: no evidence."""
    layer = gm.hotspot_layer(placed)
    weak = (placed.cells["label"] == "hot 90").to_numpy()
    assert weak.any()
    assert (layer.side()[weak] == 0).all()
    assert {entry.label.code for entry, _ in layer.legend()} == {
        "label.hot_99",
        "label.hot_95",
        "label.none",
        "label.cold_95",
    }
    tree = area_tree(pd.DataFrame({"zone_id": placed.cells["zone_id"].unique()}), [layer])
    assert sum(tree["layers"]["l0"]["hot"]) == (layer.side() > 0).sum()


def test_every_ranked_place_of_a_test_has_incidents_and_at_least_its_expected_count(placed):
    (places,) = rank_places([gm.hotspot_layer(placed)])
    assert places
    assert all(p.values["count"] > 0 and p.values["count"] >= p.values["expected"] for p in places)


def test_a_change_with_nothing_found_ranks_nothing_and_one_with_both_ranks_rises_and_falls(placed):
    cells = placed.cells[["zone_id", "area_m2", "geometry"]].assign(before=5, after=5, difference=0, label="none")
    quiet = gm.hotspot_layer(gm.HotspotResult(cells, "compare_periods", {}))
    both = cells.copy()
    both.loc[both.index[0], ["after", "difference", "label"]] = [30, 25, "up 99"]
    both.loc[both.index[-1], ["after", "difference", "label"]] = [0, -5, "down 95"]
    found = gm.hotspot_layer(gm.HotspotResult(both, "compare_periods", {}))
    nothing, some = rank_places([quiet, found])
    assert nothing == []
    assert [p.values["difference"] for p in some] == [25, -5]


def test_a_territory_across_the_antimeridian_is_one_box():
    west, east = shapely.box(179.5, -17, 180, -16.5), shapely.box(-180, -17, -179.5, -16.5)
    frame = gpd.GeoDataFrame({"kind": ["a", "b"]}, geometry=[west, east], crs=4326)
    data = page_data([gm.cells_layer(frame, "kind")], head={}, language="en")
    assert data["bounds"] == [179.5, -17, 180.5, -16.5]


def test_layers_that_were_released_are_neither_gated_nor_ranked_again(placed, town):
    from gridmap.maps.released_layers import release_layers

    released = release_layers([gm.hotspot_layer(placed)], "meeting", boundaries=town)
    assert release_layers(released, "meeting") is released
    with pytest.raises(InputError, match="released for the audience"):
        gm.build_map(released, audience="public")


def test_concentrated_land_is_pale_ground_and_never_what_the_test_calls_hot(hexes):
    cells = hexes.assign(
        z_score=0.0,
        label=np.where(hexes["count"] > 7, "hot 99", "none"),
        significant=hexes["count"] > 7,
        concentrated=hexes["count"] > 3,
    )
    layer = gm.hotspot_layer(gm.HotspotResult(cells, "hotspot_test", {"fdr": 0.05}))
    assert set(layer.frame.index[layer.ground()]) == set(hexes.index[hexes["count"].between(4, 7)])
    packed = page_data([layer], head={"title": None}, language="en")["layers"][0]
    rows = np.unpackbits(np.frombuffer(unpack(packed["ground"]["rows"]), np.uint8), count=len(hexes))
    assert rows.sum() == layer.ground().sum() > 0
    assert packed["ground"]["n"] == (hexes["count"] > 3).sum()
    assert palette.CONCENTRATED not in {c["colour"] for c in packed["classes"]}
    assert "concentrated" in layer.figure_legend()[-1].text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The infer_objects")  # lonboard's, with pandas 3
def test_a_layer_for_lonboard_has_the_colours_of_its_legend():
    pytest.importorskip("lonboard", reason="needs lonboard: pip install lonboard", exc_type=ImportError)
    counts = pd.DataFrame({"count": [0, 2, 7]}, index=["8819424409fffff", "881942440bfffff", "881942440dfffff"])
    layer = gm.cells_layer(counts, "count", name="Burglary")
    drawn = layer.to_lonboard(opacity=0.5)
    assert type(drawn).__name__ == "PolygonLayer"
    colours = [layer.classes[code].colour.lower() for code in layer.codes if code < len(layer.classes)]
    found = [tuple(entry.as_py()) for chunk in drawn.get_fill_color.chunks for entry in chunk]
    assert ["#{:02x}{:02x}{:02x}".format(*entry[:3]) for entry in found] == colours


def test_without_lonboard_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lonboard", None)
    counts = pd.DataFrame({"count": [0, 2]}, index=["8819424409fffff", "881942440bfffff"])
    with pytest.raises(InputError, match="pip install lonboard"):
        gm.cells_layer(counts, "count", name="Burglary").to_lonboard()


def test_periods_of_unequal_areas_are_drawn_per_square_kilometre_too():
    """The moor again, by month: its class is that of its density in every month, the counts travel beside it."""
    boxes = [shapely.box(0, 0, 0.1, 0.1), *(shapely.box(1 + i / 100, 0, 1.005 + i / 100, 0.005) for i in range(9))]
    names = [f"z{i}" for i in range(10)]
    cells = gpd.GeoDataFrame({"area_m2": [31e6, *[1e5] * 9]}, geometry=boxes, crs=4326, index=names)
    months = pd.period_range("2018-01", periods=2, freq="M")
    at = pd.MultiIndex.from_product([names, months], names=["cell_id", "period"])
    counts = pd.DataFrame({"count": [15, 30, *[9, 3] * 9]}, index=at)
    grid = SimpleNamespace(cells=cells.assign(zone_id=names))
    layer = gm.cells_layer(counts, "count", grid=grid)
    assert (layer.unit.code, layer.columns[:2], layer.rank_by) == ("page.per_km2", ("intensity", "count"), "intensity")
    assert layer.codes[0] < layer.codes[1]
    assert layer.drawn_frames().loc["z1"].tolist() == [90, 30]
    assert layer.frames.loc["z0"].tolist() == [15, 30]
    given = gm.cells_layer(counts, "count", grid=grid, scheme=[5, 20])
    assert given.unit.code == "page.incidents"
    assert given.frame_km2 is None
    first = page_data([layer], head={}, language="en")["layers"][0]["ranked"][0]["values"]
    assert (first["intensity"], first["count"]) == (30, 3)


def wiggling(seed, n=60):
    """Triangles over random points with wiggling edges that neighbours share, some of them one zone with far ones."""
    rng = np.random.default_rng(seed)
    triangles = shapely.delaunay_triangles(shapely.multipoints(rng.uniform(0, 1, (n, 2)).round(3)))
    cells = shapely.set_precision(shapely.segmentize(np.array(shapely.get_parts(triangles)), 0.01), 1e-6)
    cells = shapely.transform(cells, lambda xy: xy + 0.004 * np.sin(70 * xy[:, ::-1]))
    cells = cells[shapely.get_type_id(cells) == 3]
    owner = np.sort(rng.integers(0, len(cells) * 3 // 4, len(cells)))
    cells = rng.permutation(cells)
    return shapely.multipolygons(cells, indices=np.unique(owner, return_inverse=True)[1])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("most", [30, 1, 0.1])
def test_simplified_in_pieces_outlines_are_those_of_all_at_once(monkeypatch, seed, most):
    zones = wiggling(seed)
    monkeypatch.setattr("gridmap.maps.packing.MOST_CORNERS", most)
    whole = pack_outlines(zones)
    monkeypatch.setattr("gridmap.maps.packing.SOME", 9)
    monkeypatch.setattr("gridmap.grids.index.locator.SOME", 9)
    assert pack_outlines(zones) == whole
    tolerance = (
        np.ptp(shapely.total_bounds(zones)[::2]) / 8000 * np.sqrt(shapely.get_num_coordinates(zones).sum() / most)
    )
    thin = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(shapely.coverage_simplify(zones, tolerance))))
    assert whole["rings"] == pack(varints(shapely.get_num_coordinates(thin) - 1))
    corners = np.concatenate([ring[:-1] for ring in map(shapely.get_coordinates, thin)])
    steps = np.diff(np.round(corners * whole["scale"]).astype(np.int64), axis=0, prepend=0).ravel()
    assert whole["xy"] == pack(varints(np.where(steps < 0, -2 * steps - 1, 2 * steps)))
