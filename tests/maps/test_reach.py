"""Isochrones and streets on the page: the nearest area on top, streets in the colour of their class."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridmap as gm


@pytest.fixture(scope="module")
def network():
    x, y = -1.55 + np.arange(6) * 0.004, 53.79 + np.arange(6) * 0.003
    lines = [shapely.LineString([(a, b) for b in y]) for a in x] + [shapely.LineString([(a, b) for a in x]) for b in y]
    return gm.build_network(gpd.GeoDataFrame(geometry=lines, crs=4326), speed_kmh=20)


def test_areas_are_in_the_order_that_shows_them_all(network):
    reach = gm.response_coverage(
        [(-1.55, 53.79)], network, minutes=[1, 3, 2], incidents=[(-1.55, 53.79), (-1.53, 53.805)]
    )
    layer = gm.reach_layer(reach)
    assert layer.frame["minutes"].tolist() == [3, 2, 1]
    assert (np.diff(shapely.area(layer.frame.geometry.to_numpy())) < 0).all()
    assert layer.frame["incidents_percent"].tolist() == [50.0, 50.0, 50.0]
    assert [c.high for c in layer.classes] == [3, 2, 1]


def test_only_what_was_made_for_it_is_drawn(network):
    with pytest.raises(gm.errors.InputError, match="what response_coverage gives"):
        gm.reach_layer(gpd.GeoDataFrame(geometry=[], crs=4326))
    reach = gm.response_coverage([(-1.55, 53.79)], network, minutes=1)
    with pytest.raises(gm.errors.InputError, match="nothing to draw"):
        gm.reach_layer(reach.iloc[:0])


@pytest.mark.browser
def test_streets_are_drawn_in_the_colour_of_their_class(network, browser, tmp_path):
    rng = np.random.default_rng(0)
    x = np.r_[rng.uniform(-1.551, -1.529, 40), np.full(120, -1.542)]
    y = np.r_[rng.uniform(53.789, 53.806, 40), rng.uniform(53.793, 53.802, 120)]
    hot = gm.street_hotspots(gpd.GeoSeries(gpd.points_from_xy(x, y), crs=4326), network, fdr=None)
    assert (hot.cells["label"] == "hot 99").any()
    layers = [gm.hotspot_layer(hot), gm.reach_layer(gm.response_coverage([(-1.55, 53.79)], network, minutes=[1, 2]))]
    page = browser.open(gm.build_map(layers, audience="internal").save(tmp_path / "streets.html"))
    seen = (
        "(function (rgb) { const c = gridmap.map.getPane('gm-' + gridmap.state.theme).querySelector('canvas');"
        " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;"
        " for (let i = 0; i < d.length; i += 4)"
        " n += d[i] === rgb[0] && d[i + 1] === rgb[1] && d[i + 2] === rgb[2]; return n; })"
    )
    assert page.run(f"{seen}([214, 47, 39])") > 50  # hot 99
    page.run("gridmap.showTheme('l1'), 0")
    assert page.run(f"{seen}([8, 81, 156])") > 500  # the nearest area
    assert page.errors() == []
    page.close()
