# ruff: noqa: E501, PT018 - what the page is asked stands in one line of JavaScript
"""The page as a person uses it: Chromium with the network cut off, every control, both languages, three screens."""

import time
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pypdf
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gridmap as gm
from gridmap.maps.legend_classes import codes_of

pytestmark = pytest.mark.browser

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u2028\u202e\"'`${1}{{7*7}}{%raw%}"
)
SHOTS = "build/screenshots"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory, placed, clustered, town):
    """A page with all there is: a test, a change, amounts by month, hours of the week, clusters, cameras, zones."""
    cells, n = placed.cells, len(placed.cells)
    change = gm.HotspotResult(
        cells[["zone_id", "area_m2", "geometry"]].assign(
            before=1,
            after=cells["count"],
            difference=cells["count"] - 1,
            label=np.where(cells["count"] > 7, "up 95", "none"),
        ),
        "compare_periods",
        {"before": "2017-07", "after": "2018-07"},
    )
    months = pd.period_range("2018-01", "2018-06", freq="M")
    by_month = pd.DataFrame(np.outer(cells["count"], [1, 2, 3, 2, 1, 0]), index=cells.index, columns=months)
    hours = np.zeros((n, 168))
    hours[:, 20] = cells["count"] // 2
    hours[:, 140] = cells["count"] - cells["count"] // 2
    by_hour = pd.DataFrame(hours, index=cells.index, columns=range(168))
    stacked = [x.rename_axis(columns="period").stack().to_frame("count") for x in (by_month, by_hour)]  # noqa: PD013
    cameras = gpd.GeoDataFrame(geometry=[shapely.Point(-1.53, 53.8)], crs=4326)
    layers = [
        gm.hotspot_layer(placed),
        gm.hotspot_layer(change),
        gm.cells_layer(stacked[0], "count", name="By month"),
        gm.cells_layer(stacked[1], "count", name="Hours"),
        gm.clusters_layer(clustered),
        gm.context_layer(cameras, name="camera", nearest=True),
    ]
    page = gm.build_map(
        layers,
        title="Burglary",
        period="July 2018",
        source="test",
        incidents=2027,
        set_aside=18,
        notes=["14 of 600 lie outside"],
        classification="内部资料",
        approval="GS(2026)1号",
        boundaries=town,
    )
    return page.save(tmp_path_factory.mktemp("page") / "page.html")


def clean(page):
    assert page.requests() == []
    assert page.errors() == []
    page.close()


def test_the_browser_cannot_reach_anything(browser, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<body data-ready=true><img src=http://127.0.0.1:9/x.png></body>")
    page = browser.open(bad)
    page.wait("document.querySelector('img').complete")
    address, until = "http://127.0.0.1:9/x.png", time.monotonic() + 120
    while address not in page.requests() and time.monotonic() < until:  # asked again until the news of it is in
        page.run("document.querySelector('img').src = 'http://127.0.0.1:9/x.png'")
        time.sleep(0.2)
    assert address in page.requests()  # so a request would be seen
    assert page.run("document.querySelector('img').naturalWidth") == 0


def test_the_policy_stops_what_a_page_might_try(browser, page_file):
    page = browser.open(page_file)
    tried = "fetch('http://127.0.0.1:9/').then(function () { return 'went out'; }, function () { return 'stopped'; })"
    assert page.run(tried) == "stopped"
    page.run(
        "(function () { const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s); })()"
    )
    assert page.run("window.ran") is None  # a script that was not in the file when it was written
    assert page.requests() == []


def test_a_tooltip_appears_where_the_pointer_is(browser, page_file):
    page = browser.open(page_file)
    page.hover(".folium-map")
    page.wait("!!document.querySelector('.leaflet-tooltip')", 5)
    assert "hot 99" in page.text(".leaflet-tooltip")
    assert any(name in page.text(".leaflet-tooltip") for name in ("Harehills", "Seacroft", "人民街社区", "Gipton"))
    page.screenshot(f"{SHOTS}/tooltip.png")
    clean(page)


def test_layers_switch(browser, page_file):
    page = browser.open(page_file)
    assert "Hotspots (Gi*)" in page.text("#gm-legend")
    page.click("#gm-layers label:nth-of-type(2) input")
    assert "Change" in page.text("#gm-legend")
    before = page.run("document.querySelectorAll('canvas').length")
    page.click("#gm-layers .leaflet-control-layers-overlays input")
    assert page.run("document.querySelectorAll('canvas').length") == before - 1
    clean(page)


def test_table_and_map_are_linked_both_ways(browser, page_file):
    page = browser.open(page_file)
    zoom = page.run("gridmap.map.getZoom()")
    page.click(".gm-ranked button")
    page.wait(f"gridmap.map.getZoom() !== {zoom}", 10)
    assert page.run("document.querySelector('.gm-ranked button').getAttribute('aria-current')") == "true"
    page.run("gridmap.select(null)")
    page.wait("document.querySelector('.gm-ranked button').getAttribute('aria-current') === 'false'")
    page.run(
        "gridmap.map.setView(gridmap.boundsOf(gridmap.layers[0], gridmap.layers[0].ranked[0].rows).getCenter(), 13, {animate: false}); 0"
    )
    page.click(".folium-map")
    page.wait("document.querySelector('.gm-ranked button[aria-current=true]') !== null", 5)
    clean(page)


def test_the_table_is_searched_and_sorted(browser, page_file):
    page = browser.open(page_file)
    page.click(".gm-search")
    page.type("no such place")
    assert "Nothing matches" in page.text(".gm-ranked")
    page.run(
        "document.querySelector('.gm-search').value = ''; document.querySelector('.gm-search').dispatchEvent(new Event('input'))"
    )
    page.run(
        "document.querySelector('.gm-sort').value = 'name'; document.querySelector('.gm-sort').dispatchEvent(new Event('change'))"
    )
    assert page.run("document.querySelectorAll('.gm-ranked button').length") >= 1
    clean(page)


def test_the_tour_walks_through_the_hotspots_and_gives_the_map_back(browser, page_file):
    page = browser.open(page_file)
    before = page.run("[gridmap.map.getCenter().lat, gridmap.map.getZoom()]")
    page.key("t")
    assert page.run("!document.getElementById('gm-tour').hidden")
    card = page.text("#gm-tour")
    assert "incidents" in card and "nearest of camera" in card and "peak hours" in card and "20–23 h" in card
    assert "change" in card  # the same incidents' change, from the layer beside it
    size = page.run("parseFloat(getComputedStyle(document.querySelector('#gm-tour dd')).fontSize)")
    assert size >= 18
    page.screenshot(f"{SHOTS}/tour.png")
    if page.run("gridmap.rankedRows().length") > 1:
        page.key("ArrowRight")
        assert page.text(".gm-tour-rank") == "2"
        page.key("ArrowLeft")
        assert page.text(".gm-tour-rank") == "1"
    page.key("Escape")
    assert page.run("document.getElementById('gm-tour').hidden")
    after = page.run("[gridmap.map.getCenter().lat, gridmap.map.getZoom()]")
    assert after == pytest.approx(before, abs=1e-3)
    clean(page)


def test_the_time_slider_steps_plays_and_cumulates_with_the_same_breaks(browser, page_file):
    page = browser.open(page_file)
    page.click("#gm-layers label:nth-of-type(3) input")
    page.wait("!document.getElementById('gm-time').hidden")
    assert "Jun 2018" in page.text(".gm-now")
    ends = "[...document.querySelectorAll('.gm-scale, .gm-scale span')].map((e) => e.getBoundingClientRect()).map((r) => [r.left, r.right])"
    (left, right), *labels = page.run(ends)
    assert labels and all(left - 1 <= a and b <= right + 1 for a, b in labels)  # no month is cut
    classes = "[...document.querySelectorAll('#gm-legend li span:last-of-type')].map((e) => e.textContent).join()"
    legend = page.run(classes)
    assert legend.count(",") >= 3
    amounts = []
    for _ in range(5):
        page.click(".gm-time-buttons button:first-child")
        assert page.run(classes) == legend
        amounts.append(
            page.run(
                "Math.max.apply(null, gridmap.theme().shapes().box.length ? Array.from({length: gridmap.theme().draw.n}, function (_, r) { return gridmap.theme().amountNow(r); }) : [])"
            )
        )
    assert amounts == [30, 60, 90, 60, 30]
    assert "Jan 2018" in page.text(".gm-now")
    page.run("gridmap.map.setZoom(14, {animate: false}); 0")  # the slider that vanished on zoom: folium#841
    page.key("ArrowRight")
    page.wait("gridmap.state.frame === 1", 5)
    page.run(
        "(function () { const s = document.querySelector('.gm-time-options select'); s.value = 'cumulated'; s.dispatchEvent(new Event('change')); })()"
    )
    assert "up to Feb 2018" in page.text(".gm-now")
    assert page.run("gridmap.theme().amountNow(gridmap.theme().ranked[0].rows[0])") == 90
    page.click(".gm-play")
    page.wait("gridmap.state.frame === 5", 20)
    page.screenshot(f"{SHOTS}/timeline.png")
    clean(page)


def test_periods_of_unequal_areas_have_the_classes_of_their_densities(browser, tmp_path):
    """Each month on the page is coloured as Python classes counts per km², and the cards rank by the same."""
    side = np.linspace(0.002, 0.05, 24)
    west = np.cumsum(side) - side
    boxes = [shapely.box(x, 50, x + a, 50 + a) for x, a in zip(west, side, strict=True)]
    names = [f"z{i:02d}" for i in range(24)]
    zones = gpd.GeoDataFrame({"zone_id": names, "name": names}, geometry=boxes, crs=4326, index=names)
    zones["area_m2"] = zones.to_crs("ESRI:54034").area
    months = pd.period_range("2018-01", periods=3, freq="M")
    at = pd.MultiIndex.from_product([names, months], names=["cell_id", "period"])
    counts = pd.DataFrame({"count": np.random.default_rng(1).poisson(6, len(at))}, index=at)
    layer = gm.cells_layer(counts, "count", grid=SimpleNamespace(cells=zones), name="By month")
    page = browser.open(gm.build_map([layer], boundaries=zones).save(tmp_path / "unequal.html"))
    for period, month in enumerate(months):
        page.run(f"gridmap.periodGo({period}), 0")
        drawn = layer.drawn_frames()[month]
        wanted = codes_of(drawn.to_numpy(), layer.frame_breaks).tolist()
        assert page.run("Array.from(gridmap.theme().codesNow())") == wanted
        assert page.run("gridmap.rankedRows()[0].rows[0]") == int(drawn.to_numpy().argmax())
        assert page.run("gridmap.theme().countNow(3)") == counts["count"].xs(month, level=1).iloc[3]
    assert "incidents per km²" in page.text("#gm-legend")
    assert f"{counts['count'].xs(months[2], level=1).sum()} incidents" in page.text(".gm-now").replace("\n", " ")
    page.run(
        "(function () { const s = document.querySelector('.gm-mode'); s.value = 'cumulated'; s.dispatchEvent(new Event('change')); })()"
    )
    whole = page.run("[gridmap.theme().countNow(3), gridmap.theme().amountNow(3)]")
    total = counts["count"].unstack().sum(axis=1).iloc[3]  # noqa: PD010 - the index is unique
    assert whole == [total, pytest.approx(total / layer.frame_km2[3])]
    clean(page)


def test_the_clock_filters_the_map(browser, page_file):
    page = browser.open(page_file)
    page.click("#gm-tabbutton-clock")
    page.click("td[data-hour='20']")
    text = page.text(".gm-clock-now")
    assert text.startswith("1 of 168 hours")
    assert page.run("gridmap.theme().amountNow(gridmap.theme().ranked[0].rows[0])") == 15
    page.drag("td[data-hour='20']", "td[data-hour='140']")
    assert page.text(".gm-clock-now").startswith("6 of 168 hours")
    small = "[...document.querySelectorAll('.gm-clock td[data-hour], .gm-clock button')].filter((e) => { const r = e.getBoundingClientRect(); return r.width < 24 || r.height < 23.5; }).length"
    assert page.run(small) == 0  # nothing is too small to be hit
    page.screenshot(f"{SHOTS}/clock.png")
    page.run("document.querySelector('.gm-clock td[tabindex=\"0\"]').focus(), 0")  # and by keyboard alone
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.key(key)
    chosen = "[...document.querySelectorAll('.gm-clock td[aria-selected=true]')].map((e) => +e.dataset.hour)"
    assert page.run(chosen) == [25]  # Tuesday, from 1 to 2
    page.key("Shift+ArrowDown")
    assert sorted(page.run(chosen)) == [25, 26]
    clean(page)


def test_areas_hold_the_period_that_the_map_shows(browser, page_file, placed, town):
    """A month on the map and the sum of all months beside it would be two numbers for one thing."""
    page = browser.open(page_file)
    page.run("gridmap.showTheme('l2'), gridmap.openTab('areas'), 0")
    by_zone = placed.cells.groupby("zone_id")["count"].sum()
    for period, times in ((1, 2), (2, 3), (5, 0)):
        page.run(f"gridmap.periodGo({period}), 0")
        for node, zones in ((-1, list(by_zone.index)), (0, ["A1", "A2"]), (1, ["B1", "B2"])):
            page.run(f"gridmap.areaGo({node}, false), 0")
            assert page.text(".gm-area-sum").split(" · ")[0] == f"count: {times * by_zone[zones].sum():,}"
    page.run("gridmap.showTheme('l0'), gridmap.areaGo(-1, false), 0")
    assert page.text(".gm-area-sum").startswith(f"count: {by_zone.sum():,}")
    clean(page)


def test_areas_drill_down_and_up(browser, page_file):
    page = browser.open(page_file)
    page.click("#gm-tabbutton-areas")
    total = page.text(".gm-area-sum")
    assert page.run("document.querySelectorAll('.gm-areas tbody tr').length") == 2
    page.click(".gm-areas tbody button")
    names = page.text(".gm-areas tbody")
    assert "人民街社区" in names or "Harehills" in names
    page.click(".gm-areas tbody button")
    assert page.run("document.querySelectorAll('.gm-crumbs button').length") == 2
    page.screenshot(f"{SHOTS}/areas.png")
    page.click(".gm-crumbs button")
    assert page.text(".gm-area-sum") == total
    clean(page)


def test_the_story_is_five_sentences_with_a_view_each_and_gives_the_map_back(browser, page_file):
    page = browser.open(page_file)
    page.reduce_motion()
    before = page.run("[gridmap.map.getCenter().lat, gridmap.map.getZoom(), gridmap.state.theme]")
    strip = page.run("gridmap.theme().answers")
    seen, views = [], []
    page.key("p")
    assert page.run("document.activeElement.id") == "gm-story"
    for step in range(5):
        assert page.run("gridmap.theme().id") == page.run(f"gridmap.byId('l0').story[{step}].theme")
        seen.append((page.text("#gm-story h2"), page.text(".gm-story-text")))
        views.append(page.run("gridmap.map.getZoom()"))
        assert page.run("parseFloat(getComputedStyle(document.querySelector('.gm-story-text')).fontSize)") >= 18
        page.key("ArrowRight")
    page.screenshot(f"{SHOTS}/story.png")
    assert page.text("#gm-story h2") == seen[-1][0]  # the last step stays
    said = [
        page.run(f"gridmap.text(gridmap.byId('l0').answers['{k}'][1])") for k in ("where", "sure", "changed", "next")
    ]
    assert [seen[i][1] for i in (0, 2, 3, 4)] == said and len(strip) == 4
    assert page.run("gridmap.text(gridmap.rankedRows()[0].name)") in seen[1][0] or "1:" in seen[1][0]
    assert views[1] > views[0]  # the first place is flown to, from the whole area
    page.key("Tab")
    assert page.run("document.getElementById('gm-story').contains(document.activeElement)")
    page.key("Escape")
    after = page.run("[gridmap.map.getCenter().lat, gridmap.map.getZoom(), gridmap.state.theme]")
    assert after[2] == before[2] and after[:2] == pytest.approx(before[:2], abs=1e-3)
    clean(page)


def test_two_themes_stand_side_by_side_as_two_maps_that_move_together(browser, page_file):
    page = browser.open(page_file)
    page.run("gridmap.compare('l1'); 0")
    halves = "['.folium-map', '#gm-second'].map(s => document.querySelector(s).getBoundingClientRect())"
    left, right = page.run(f"{halves}.map(r => [Math.round(r.left), Math.round(r.right)])")
    assert left[1] <= right[0] + 1 and abs((left[1] - left[0]) - (right[1] - right[0])) <= 2
    assert page.run("document.getElementById('gm-swipe').hidden")  # no handle: they lie side by side
    painted = page.run("document.querySelectorAll('#gm-second canvas').length")
    assert painted >= 2
    assert page.run("gridmap.text(gridmap.byId('l1').name)") in page.text("#gm-right-name")
    page.screenshot(f"{SHOTS}/linked.png")
    page.key("Escape")
    assert page.run("document.getElementById('gm-second').hidden") and page.run("gridmap.comparing") is None
    clean(page)


def test_compare_swipes_between_two_periods_of_one_theme(browser, page_file):
    page = browser.open(page_file)
    page.click("#gm-layers label:nth-of-type(3) input")
    page.key("c")
    assert page.run("!document.getElementById('gm-swipe').hidden")
    left = "gridmap.map.getPane('gm-l2').style.clipPath"
    before = page.run(left)
    x, y = page.centre("#gm-swipe")
    page.drag((x, y), (x - 200, y))
    assert page.run(left) != before
    assert page.run("+document.getElementById('gm-swipe').getAttribute('aria-valuenow')") < 40
    page.screenshot(f"{SHOTS}/compare.png")
    page.key("c")
    assert page.run(left) == ""
    page.run("gridmap.compare('l2@0')")
    assert page.run("gridmap.comparing") == "l2@0"
    labels = page.run("[...document.querySelectorAll('.gm-scale span')].map(s => s.textContent)")
    periods = page.run("gridmap.theme().frames.periods.map(p => gridmap.period(p, gridmap.theme().frames.every))")
    assert len(labels) >= 2 and set(labels) <= set(periods) and labels[-1] == periods[-1]
    clean(page)


def test_a_view_is_shared_by_the_fragment(browser, page_file):
    page = browser.open(page_file)
    page.click("#gm-layers label:nth-of-type(3) input")
    page.run(
        "gridmap.map.setView([53.8, -1.53], 14, {animate: false}); gridmap.periodGo(2); gridmap.setLanguage('zh'); 0"
    )
    fragment = "#" + page.run("gridmap.view()")
    again = browser.open(page_file, fragment=fragment)
    assert again.run("gridmap.view()") == fragment[1:]
    assert again.run("document.documentElement.lang") == "zh-Hans-CN"
    clean(again)
    hostile = browser.open(page_file, fragment="#m=NaN/x&l=<script>&t=9999999&s=l0.-1&c=%E0%A4%A&o=&g=xx")
    assert hostile.run("gridmap.state.theme") == "l0"
    clean(hostile)


def test_measuring_gives_metres(browser, page_file):
    page = browser.open(page_file)
    page.key("m")
    x, y = page.centre(".folium-map")
    page.click((x, y))
    page.click((x + 200, y))
    text = page.text(".gm-tooltip")
    metres = page.run(
        "(function (m) { const a = m.containerPointToLatLng([0, 300]), b = m.containerPointToLatLng([200, 300]); return m.distance(a, b); })(gridmap.map)"
    )
    shown = float(text.split()[0].replace(",", "")) * (1000 if "km" in text else 1)
    assert shown == pytest.approx(metres, rel=0.02)
    page.key("Escape")
    assert page.run("!gridmap.busy")
    clean(page)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (390, 844)])
def test_every_screen_in_both_languages(browser, page_file, language, size):
    page = browser.open(page_file, width=size[0], height=size[1], mobile=size[0] < 500, fragment=f"#g={language}")
    assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
    for tab in ("areas", "clock", "about", "hotspots"):
        page.click(f"#gm-tabbutton-{tab}")
        assert page.text(f"#gm-tab-{tab}").strip()
    small = page.run(
        "Array.from(document.querySelectorAll('body *')).filter(function (e) {"
        "return e.childNodes.length && Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.data.trim(); })"
        "&& e.getClientRects().length && !/^(SCRIPT|STYLE)$/.test(e.tagName) && parseFloat(getComputedStyle(e).fontSize) < 13;"
        "}).map(function (e) { return e.tagName + '.' + e.className; })"
    )
    assert small == []
    page.screenshot(f"{SHOTS}/page_{language}_{size[0]}.png")
    clean(page)


def test_no_word_is_left_in_the_other_language(browser, page_file):
    page = browser.open(page_file, fragment="#g=zh")
    said = "\n".join(
        page.text(s) for s in ("#gm-tools", "#gm-legend", "#gm-layers legend", "#gm-tab-hotspots", ".gm-tabs")
    )
    words = page.run("gridmap.data.words")
    english = {en for code, en in words["en"].items() if len(en) > 4 and en != words["zh"][code] and "{" not in en}
    assert [w for w in english if w in said] == []
    clean(page)


def test_every_control_is_reached_by_the_keyboard_and_named(browser, page_file):
    page = browser.open(page_file)
    nameless = page.run(
        "Array.from(document.querySelectorAll('button, select, input, [role=slider]')).filter(function (e) {"
        "return e.getClientRects().length && !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.closest('label')); }).map(function (e) { return e.outerHTML; })"
    )
    assert nameless == []
    seen = set()
    for _ in range(60):
        page.key("Tab")
        seen.add(
            page.run(
                "(document.activeElement.id || document.activeElement.className || document.activeElement.tagName)"
            )
        )
    assert {"gm-language", "gm-search", "gm-do-tell", "leaflet-control-zoom-in"} <= seen
    clean(page)


def test_text_has_the_contrast_of_wcag_aa(browser, page_file):
    page = browser.open(page_file)
    weak = page.run("""(function () {
      function parts(c) { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; }
      function lum(c) { const l = c.slice(0, 3).map(function (v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; }
      function ground(e) { for (; e; e = e.parentElement) { const b = parts(getComputedStyle(e).backgroundColor); if (b[3] > 0.5) return b; } return [255, 255, 255, 1]; }
      return Array.from(document.querySelectorAll('#gm-header *, #gm-panel *, #gm-tools *, #gm-legend *, #gm-layers *')).filter(function (e) {
        return e.getClientRects().length && Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.data.trim(); });
      }).map(function (e) {
        const a = lum(parts(getComputedStyle(e).color)), b = lum(ground(e)), r = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return [e.tagName + '.' + e.className, Math.round(10 * r) / 10];
      }).filter(function (p) { return p[1] < 4.5; });
    })()""")
    assert weak == []
    clean(page)


def test_it_prints_on_one_sheet_with_legend_and_without_controls(browser, page_file, tmp_path):
    page = browser.open(page_file)
    pdf = page.pdf(tmp_path / "page.pdf")
    (sheet,) = pypdf.PdfReader(pdf).pages
    assert [round(side) for side in sheet.mediabox[2:]] in ([842, 595], [595, 842])  # A4 in points
    text = "".join(sheet.extract_text().split())
    assert "hot99" in text and "内部资料" in text and "GS(2026)1号" in text and "14of600" in text
    assert "Fullscreen" not in text
    assert len(sheet.images) >= 2  # the canvases, which a browser may leave empty
    assert page.run("!document.body.classList.contains('gm-print')")
    clean(page)


def test_it_prints_on_one_sheet_where_the_dialog_stands_on_portrait(browser, demo, tmp_path):
    """A browser lays the page out on its own paper first: the widths of narrow windows are those of screens alone."""
    page = browser.open(demo / "out" / "index.html")
    for width, height in ((8.5, 11), (8.27, 11.69)):
        assert len(pypdf.PdfReader(page.pdf(tmp_path / "page.pdf", width_in=width, height_in=height)).pages) == 1


def test_a_sheet_is_mostly_map_whatever_the_notes_are(browser, tmp_path, hot):
    notes = [f"Note {i}: what a reader has to know." for i in range(10)]
    source = "A source, of which nothing may be cut off on paper, end of source"
    page = browser.open(gm.build_map(gm.hotspot_layer(hot), notes=notes, source=source).save(tmp_path / "m.html"))
    for paper, area in (("A4", 297 * 210), ("A3", 420 * 297)):
        page.run(f"window.print = () => 0, gridmap.print('{paper}'), gridmap.printing.before(), 0")
        wide, high = page.run("(r => [r.width, r.height])(document.getElementById('gm-stage').getBoundingClientRect())")
        assert wide * high * (25.4 / 96) ** 2 >= 0.6 * area, paper
        lines = page.run(
            "(p => p.scrollHeight / parseFloat(getComputedStyle(p).lineHeight))(document.querySelector('#gm-sheet p'))"
        )
        assert lines <= 6.1, paper
        page.run("gridmap.printing.after(), 0")
    pdf = page.pdf(tmp_path / "page.pdf")  # the browser's own command, after A3
    (sheet,) = pypdf.PdfReader(pdf).pages
    assert [round(side) for side in sheet.mediabox[2:]] in ([842, 595], [595, 842])
    text = "".join(sheet.extract_text().split())
    assert "Note0:" in text and "Note9:" not in text and "About,onthepage" in text  # those that do not fit are said
    assert "endofsource" in text
    clean(page)


def test_a_sheet_names_its_places_whatever_the_screen_showed(browser, demo):
    """Names stand beside the numbers on paper: after A3, another language, a room; what is not printed covers nothing."""
    page = browser.open(demo / "out" / "index.html")
    page.run("window.print = () => 0, 0")
    places = page.run("Math.min(gridmap.shownRanks(), gridmap.rankedRows().length)")
    looks = {"as it opens": "0", "language": "gridmap.setLanguage('zh'), 0", "room": "gridmap.room(true), 0"}
    for look, code in looks.items():
        page.run(code)
        before = page.run("document.body.className")
        for paper in ("A3", "A4"):
            page.run(f"gridmap.print('{paper}'), gridmap.printing.before(), 0")
            assert page.run("gridmap.named.length") >= places - 1, (look, paper)
            tools = "['gm-tools', 'gm-fold'].map((id) => document.getElementById(id).offsetHeight)"
            assert page.run(tools) == [0, 0], (look, paper)
            assert page.run("document.getElementById('gm-legend').querySelector('em').offsetHeight") > 0, (look, paper)
            page.run("gridmap.printing.after(), 0")
            assert page.run("document.body.className") == before, (look, paper)
    clean(page)


def test_hostile_text_is_text(browser, tmp_path, placed, town):
    town = town.assign(name=HOSTILE)
    layers = [gm.hotspot_layer(placed, name=HOSTILE), gm.cells_layer(placed.cells.assign(kind=HOSTILE), "kind")]
    page = gm.build_map(layers, title=HOSTILE, period=HOSTILE, source=HOSTILE, notes=[HOSTILE], boundaries=town)
    page = browser.open(page.save(tmp_path / "m.html"))
    page.hover(".folium-map")
    page.wait("!!document.querySelector('.leaflet-tooltip')", 5)
    assert page.run("document.querySelector('h1').textContent") == HOSTILE
    page.click("#gm-tabbutton-about")
    page.key("p")
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img').length") == 0
    clean(page)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                [
                    "</script><script>window.hacked=1</script>",
                    "<svg onload=window.hacked=1>",
                    "\u2028]]>",
                    "]]>-->",
                    "\u202eevil",
                    "x" * 10_000,
                    "{{1}}",
                    "{% raw %}",
                    "\\u003c",
                    "\x00",
                    "'\"`",
                ]
            ),
        ),
        min_size=4,
        max_size=4,
    )
)
def test_any_text_from_data_is_shown_as_itself(browser, tmp_path_factory, placed, town, texts):
    cells = placed.cells.assign(kind=[texts[i % 4] for i in range(len(placed.cells))])
    town = town.assign(name=texts)
    page = gm.build_map(
        [gm.hotspot_layer(placed, name=texts[1]), gm.cells_layer(cells, "kind", name=texts[2])],
        title=texts[0],
        notes=texts,
        classification=texts[3],
        boundaries=town,
    )
    page = browser.open(page.save(tmp_path_factory.mktemp("fuzz") / "m.html"))
    shown = page.run("[gridmap.data.head.title, gridmap.data.head.notes]")
    clear = lambda t: t.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # noqa: E731
    assert [clear(shown[0]), [clear(t) for t in shown[1]]] == [clear(texts[0]), [clear(t) for t in texts]]
    page.hover(".folium-map")
    page.run(
        "gridmap.tour(true); gridmap.tour(false); gridmap.showTheme('l1'); gridmap.openTab('areas'); gridmap.openTab('about')"
    )
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('img, svg:not(.leaflet-zoom-animated)').length") == 0
    clean(page)


def test_squares_zones_and_hexagons_answer_to_the_pointer_alike(browser, tmp_path, town):
    layers, rows = [], []
    for system, setting in (("h3", {"resolution": 9}), ("square", {"cell_size_m": 300}), ("zones", {})):
        grid = gm.make_grid(town, system=system, **setting)
        layers.append(gm.cells_layer(grid.cells.assign(count=range(1, len(grid) + 1)), "count", name=system))
        at = grid.locate([-1.535], [53.8])[0]
        rows.append(grid.cells.index[at])
    page = browser.open(gm.build_map(layers).save(tmp_path / "m.html"))
    for i, row in enumerate(rows):
        found = page.run(
            f"(function (l) {{ return l.cell(gridmap.rowAt(l.shapes(), 53.8, -1.535, 0)); }})(gridmap.layers[{i}])"
        )
        assert found == row
    clean(page)


def test_folium_elements_can_be_added(browser, tmp_path, hot):
    import folium

    page = gm.build_map([gm.hotspot_layer(hot)])
    folium.CircleMarker([53.8, -1.535], radius=8).add_to(page)
    page = browser.open(page.save(tmp_path / "m.html"))
    assert page.run("document.querySelectorAll('path.leaflet-interactive').length") == 1
    clean(page)


def test_tiles_beside_the_file_are_the_only_thing_asked_for(browser, tmp_path, hot):
    page = gm.build_map([gm.hotspot_layer(hot)], basemap="tiles/{z}/{x}/{y}.png").save(tmp_path / "m.html")
    z12 = tmp_path / "tiles"
    from gridmap.maps.layers import Class
    from gridmap.maps.layers.surface import palette_png

    png = palette_png(np.ones((256, 256), np.uint8), (Class("#FFFFFF"), Class("#88AACC")))
    for z in range(10, 15):
        n = 2**z
        x0 = int((-1.535 + 180) / 360 * n)
        y0 = int((0.5 - np.arcsinh(np.tan(np.radians(53.8))) / (2 * np.pi)) * n)
        for x in range(x0 - 8, x0 + 9):
            for y in range(y0 - 6, y0 + 7):
                (z12 / f"{z}/{x}").mkdir(parents=True, exist_ok=True)
                (z12 / f"{z}/{x}/{y}.png").write_bytes(png)
    opened = browser.open(page)
    opened.wait("document.querySelectorAll('.leaflet-tile-loaded').length > 3", 10)
    assert opened.run(
        "Array.from(document.querySelectorAll('.leaflet-tile-loaded')).every(function (i) { return i.naturalWidth === 256; })"
    )
    assert all(r.startswith("file://") and "/tiles/" in r for r in opened.requests())
    opened.close()


LONG = "Burglary, robbery and theft from vehicles in the northern districts, first half of the year, " * 3


def test_a_change_that_found_nothing_says_so_and_a_long_title_pushes_nothing_off(browser, tmp_path, placed, clustered):
    cells = placed.cells
    change = cells[["zone_id", "area_m2", "geometry"]].assign(
        count_before=1, count_after=1, difference=0, label="none", significant=False
    )
    layers = [
        gm.hotspot_layer(placed),
        gm.hotspot_layer(gm.HotspotResult(change, "compare_periods", {"fdr": 0.05, "before": "2017", "after": "2018"})),
        gm.clusters_layer(clustered),
    ]
    file = gm.build_map(
        layers, title=LONG, classification="内部资料", approval="审图号：GS(2026)1号", incidents=9
    ).save(tmp_path / "m.html")
    for width, height in ((1366, 768), (390, 844)):
        page = browser.open(file, width=width, height=height, mobile=width < 500)
        right = "Math.max(...[...document.querySelectorAll('#gm-language, .gm-classification, .gm-count, .gm-approval')].map((e) => e.getBoundingClientRect().right))"
        assert page.run(right) <= width
        assert "审图号：GS" not in page.text("#gm-header")  # in English, and once
        assert page.text(".gm-approval").count("GS(2026)") == 1
        if width < 500:
            page.close()
            continue
        page.run("gridmap.showTheme('l1'), 0")
        assert (
            page.text(".gm-of") == page.text("#gm-nothing") == "This test finds nothing here"
        )  # not the clusters over it
        assert page.run("document.querySelectorAll('.gm-ranked li').length + gridmap.marks().length") == 0
        page.run("gridmap.showTheme('l0'), gridmap.setLanguage('zh'), 0")
        assert page.text(".gm-approval").count("审图号") == 1
        page.run(
            "window.copied = '', gridmap.copy = (text) => { copied = text; }, (function () { const s = document.querySelector('.gm-search'); s.value = gridmap.placeOf(gridmap.rankedRows()[0]); s.dispatchEvent(new Event('input')); document.querySelectorAll('.gm-list-foot .gm-copy')[1].click(); })()"
        )
        found = page.run("document.querySelectorAll('.gm-ranked li').length")
        assert len(page.run("copied").splitlines()) == found + 1 < page.run("gridmap.rankedRows().length") + 1
        page.run("gridmap.share(document.body), 0")
        assert page.run("copied").startswith("#m=")  # no path of this machine
        clean(page)


def test_side_by_side_both_maps_have_their_pale_ground_and_their_places(browser, tmp_path, placed):
    """What the legend names is drawn: the ground of both themes, the places of both."""
    warm = gm.HotspotResult(placed.cells.assign(concentrated=placed.cells["count"] >= 1), placed.method, placed.params)
    page = browser.open(
        gm.build_map([gm.hotspot_layer(warm, name="A"), gm.hotspot_layer(warm, name="B")]).save(tmp_path / "m.html")
    )
    page.run("gridmap.compare('l1'), 0")
    page.wait("gridmap.linked()", 5)
    assert page.run("document.querySelectorAll('.leaflet-gm-concentrated-pane canvas').length") == 1
    assert page.text("#gm-legend").count("place to patrol") == page.text("#gm-legend").count("concentrated") == 2
    page.run(
        "(function () { const p = CanvasRenderingContext2D.prototype, old = p.fillText; window.written = []; p.fillText = function (text) {"
        " if (this.canvas.closest('#gm-second')) written.push(text); return old.apply(this, arguments); }; })(),"
        " gridmap.map.setZoom(gridmap.map.getZoom() + 0.1, {animate: false}), 0"
    )
    names = page.run("gridmap.byId('l1').ranked.slice(0, 10).map((r, i) => gridmap.placeOf({...r, rank: i + 1}))")
    assert names[0].split(",")[0] in " ".join(page.run("written"))  # the right map says what its numbers are
    clean(page)


def test_only_clusters_have_a_legend_and_a_list(browser, tmp_path, clustered, town):
    made = gm.build_map(gm.clusters_layer(clustered), title="Clusters", boundaries=town)
    page = browser.open(made.save(tmp_path / "m.html"))
    assert page.run("gridmap.named.length") == 4  # two numbers, and the two names beside them, among those of districts
    assert page.run("[...document.querySelectorAll('#gm-legend em')].map((e) => e.textContent)") == ["2"]
    assert page.run("document.querySelectorAll('.gm-ranked li').length") == 2
    clean(page)


def test_forty_kinds_across_the_antimeridian_look_as_nine_and_others_west_of_it(browser, tmp_path):
    """The same territory twice: over 180° and three degrees west of it."""
    views = []
    for lon in (178.6, 175.6):
        west = lon + 0.07 * np.arange(40)
        boxes = [shapely.box(x, -17.5, x + 0.07, -17.4) for x in west]
        shifted = [
            shapely.transform(b, lambda xy: np.column_stack([(xy[:, 0] + 180) % 360 - 180, xy[:, 1]]))
            if b.bounds[0] >= 180
            else b
            for b in boxes
        ]
        at = [i for i, b in enumerate(boxes) if b.bounds[2] <= 180 or b.bounds[0] >= 180]
        kinds = [f"kind {k}" for k in at]
        cells = gpd.GeoDataFrame(
            {"main": kinds}, geometry=[shifted[i] for i in at], crs=4326, index=[f"c{i}" for i in at]
        )
        page = browser.open(
            gm.build_map(gm.cells_layer(cells, "main", name="Main kind")).save(tmp_path / f"{lon}.html")
        )
        assert page.run("document.querySelectorAll('#gm-legend li').length") == 10
        assert "others" in page.text("#gm-legend").lower()
        assert page.run("document.getElementById('gm-legend').getBoundingClientRect().bottom") <= 768
        views.append(page.run("gridmap.map.getZoom()"))
        clean(page)
    assert views[0] == pytest.approx(views[1], abs=0.1)


AXE = Path(gm.__file__).parent / "maps" / "web" / "node_modules" / "axe-core" / "axe.min.js"
STATES = {
    "opened": "0",
    "areas": "gridmap.openTab('areas')",
    "about": "gridmap.openTab('about')",
    "clock": "gridmap.openTab('clock')",
    "story": "gridmap.story(true)",
    "place by place": "gridmap.tour(true)",
    "side by side": "gridmap.compare('l1')",
    "periods": "gridmap.showTheme('l2'), gridmap.compare('l2@0')",
    "room": "gridmap.room(true)",
    "more tools": "document.getElementById('gm-more').click()",
    "selected": "gridmap.select(gridmap.rankedLayer(), 0, false)",
    "searching": "(function () { const s = document.querySelector('.gm-search'); s.focus(); s.value = 'no such place'; s.dispatchEvent(new Event('input')); })()",
    "playing": "gridmap.showTheme('l2'), document.querySelector('.gm-play').click()",
    "panel folded": "gridmap.foldPanel(true)",
    "measuring": "gridmap.measure(true)",
    "print preview": "gridmap.printing.before()",
    "nothing found": "gridmap.showTheme('l1')",
}


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: npm ci in gridmap/maps/web")
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(browser, page_file, state):
    page = browser.open(page_file)
    page.reduce_motion()
    page.run(f"{STATES[state]}, 0")
    page.run(AXE.read_text(encoding="utf-8") + ";0")
    for language in ("en", "zh"):
        page.run(f"gridmap.setLanguage({language!r}), 0")
        found = page.run(
            "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes[0].html.slice(0, 120)))"
        )
        assert found == []
    clean(page)


@pytest.mark.parametrize("without", ["script", "canvas"])
def test_without_script_or_canvas_there_are_a_picture_and_the_table(browser, page_file, without):
    """No white page: the still picture of the first theme, the answers, the first places."""
    context = browser._chromium.new_context(java_script_enabled=without == "canvas", offline=True)
    try:
        if without == "canvas":
            context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
        page = context.new_page()
        page.goto(page_file.resolve().as_uri())
        page.wait_for_selector("svg[role=img] circle", timeout=120_000)
        assert page.locator("svg[role=img] circle").count() == page.locator("table").first.locator("tr").count() > 0
        box = page.locator("svg[role=img]").bounding_box()
        assert box["width"] > 300
        assert box["height"] > 200
        assert "canvas" in page.inner_text("body")
    finally:
        context.close()
