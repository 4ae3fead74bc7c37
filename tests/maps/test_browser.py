import pytest

import gridmap as gm

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u2028\u202e\"'`${1}{{7*7}}"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, placed, clustered, town):
    layers = [gm.hotspot_layer(placed), gm.cells_layer(placed.cells, "count"), gm.clusters_layer(clustered)]
    page = gm.build_map(layers, title="Burglary", period="July 2018", incidents=2027, set_aside=18, boundaries=town)
    return page.save(tmp_path_factory.mktemp("page") / "page.html")


def clean(page):
    assert page.requests() == []
    assert page.errors() == []


def test_a_tooltip_appears_where_the_pointer_is(browser, page_file):
    page = browser.open(page_file)
    x, y = page.centre(".folium-map")
    page.hover((x, y))
    page.wait("!!document.querySelector('.leaflet-tooltip')", 5)
    assert "Harehills" in page.text(".leaflet-tooltip")
    assert "hot 99" in page.text(".leaflet-tooltip")
    page.screenshot("build/screenshots/tooltip.png")
    clean(page)


def test_layers_switch(browser, page_file):
    page = browser.open(page_file)
    assert "Hotspots (Gi*)" in page.text("#gm-legend")
    page.click("#gm-layers label:nth-of-type(2)")
    assert "Counts" in page.text("#gm-legend")
    before = page.run("document.querySelectorAll('canvas').length")
    page.click("#gm-layers .leaflet-control-layers-overlays input")
    assert page.run("document.querySelectorAll('canvas').length") == before - 1
    clean(page)


def test_hostile_text_is_text(browser, tmp_path, placed, town):
    town = town.assign(name=HOSTILE)
    layers = [gm.hotspot_layer(placed, name=HOSTILE), gm.cells_layer(placed.cells.assign(kind=HOSTILE), "kind")]
    page = gm.build_map(layers, title=HOSTILE, period=HOSTILE, source=HOSTILE, notes=[HOSTILE], boundaries=town)
    page = browser.open(page.save(tmp_path / "m.html"))
    page.hover(".folium-map")
    page.wait("!!document.querySelector('.leaflet-tooltip')", 5)
    assert "</script>" in page.text("h1")
    assert page.run("document.querySelector('h1').textContent") == HOSTILE
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    clean(page)
