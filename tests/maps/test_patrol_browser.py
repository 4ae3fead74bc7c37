# ruff: noqa: E501 - what the page is asked stands in one line of JavaScript
"""A shift in the time slider: units where the plan says, stops lit in their window, in words too, still when asked."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pypdf
import pytest
import shapely

import gridmap as gm

pytestmark = pytest.mark.browser
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"


@pytest.fixture(scope="module")
def plan():
    """Two cars from a depot and one without, on a lattice of streets, two shifts, one place with a hostile name."""
    x, y = -1.55 + np.arange(7) * 0.004, 53.79 + np.arange(7) * 0.003
    streets = [shapely.LineString([(a, y[0]), (a, y[-1])]) for a in x] + [
        shapely.LineString([(x[0], b), (x[-1], b)]) for b in y
    ]
    network = gm.build_network(gpd.GeoDataFrame(geometry=streets, crs=4326), speed_kmh=12)
    rng = np.random.default_rng(0)
    nodes = rng.choice(len(network.junctions), 14, replace=False)
    places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
    places = places.assign(place_id=[HOSTILE, *[f"地点{i}" for i in range(1, 14)]], prize=[9.0, *rng.gamma(1, 1, 13)])
    units = pd.DataFrame(
        {
            "unit_id": ["car 1", "car 2", "foot"],
            "pause_min": [20, 0, 0],
            "lon": [x[0], x[0], None],
            "lat": [y[0], y[0], None],
        }
    )
    return gm.plan_patrols(places, network, units=units, shift_h=3, shifts=2, random_state=1, rounds=60)


@pytest.fixture(scope="module")
def page_file(plan, tmp_path_factory):
    page = gm.build_map(gm.patrol_layers(plan, start="22:30"), title="Patrols")
    return page.save(tmp_path_factory.mktemp("patrols") / "page.html")


@pytest.mark.parametrize(("shown", "tab"), [(True, "hotspots"), (False, "patrols")])
def test_the_page_opens_on_the_patrols_where_no_theme_is_meant_to_be_shown(browser, plan, tmp_path, shown, tab):
    cells = gpd.GeoDataFrame(
        {"count": [3, 1]}, index=["a", "b"], geometry=[shapely.box(-1.55, 53.79, -1.54, 53.8), shapely.box(-1.54, 53.79, -1.53, 53.8)], crs=4326,
    )  # fmt: skip
    theme = gm.cells_layer(cells, "count", show=shown)
    page = browser.open(gm.build_map([theme, *gm.patrol_layers(plan)], title="Patrols").save(tmp_path / "page.html"))
    assert page.run("gridmap.state.tab") == tab
    assert page.run(f"document.getElementById('gm-tab-{tab}').hidden") is False
    page.close()


def where(plan, unit, shift, t):
    """lon, lat of a unit by the plan's own tables: on its way in even speed, else at the end of its last way."""
    legs = plan.legs[(plan.legs["unit_id"] == unit) & (plan.legs["shift"] == shift)].sort_values("depart_s")
    for leg in legs.itertuples():
        if leg.depart_s <= t < leg.arrive_s:
            scale = np.array([np.cos(np.radians(53.8)), 1.0])
            line = shapely.LineString(shapely.get_coordinates(leg.geometry) * scale)
            at = line.interpolate((t - leg.depart_s) / (leg.arrive_s - leg.depart_s), normalized=True)
            return at.x / scale[0], at.y
    before = legs[legs["arrive_s"] <= t]
    x, y = (
        shapely.get_coordinates(before.geometry.iloc[-1])[-1]
        if len(before)
        else shapely.get_coordinates(legs.geometry.iloc[0])[0]
    )
    return x, y


def test_units_are_where_the_plan_says_at_any_moment(browser, plan, page_file):
    page = browser.open(page_file)
    rng = np.random.default_rng(3)
    for shift in (1, 2):
        for t in [0, *rng.uniform(0, 3 * 3600, 25)]:
            page.run(f"gridmap.patrolTime({shift}, {t}), 0")
            seen = page.run(
                "gridmap.patrols.map(l => { const h = gridmap.patrolAt(l, gridmap.state.second); return [gridmap.text(l.name), (h.xy[0] - 0.5) * 360, 360 / Math.PI * Math.atan(Math.exp((0.5 - h.xy[1]) * 2 * Math.PI)) - 90, h.doing]; })"
            )
            for unit, lon, lat, doing in seen:
                assert (lon, lat) == pytest.approx(where(plan, unit, shift, t), abs=3e-5)
                stops = plan.stops[(plan.stops["unit_id"] == unit) & (plan.stops["shift"] == shift)]
                there = ((stops["arrive_s"] <= t) & (t < stops["leave_s"])).any()
                assert (doing == "stop") == there or abs(stops[["arrive_s", "leave_s"]] - t).min().min() < 1
    assert page.errors() == []
    page.close()


def test_stops_light_up_in_their_window_on_the_map_and_in_words(browser, plan, page_file):
    page = browser.open(page_file)
    assert page.text(".gm-now").startswith("22:30")
    page.run("gridmap.periodGo(12), 0")  # an hour in, in steps of five minutes
    assert page.text(".gm-now").startswith("23:30")
    t = 3600
    lit = plan.stops[
        (plan.stops["shift"] == 1) & (plan.stops["arrive_s"].astype(int) <= t) & (t < plan.stops["leave_s"])
    ]
    assert page.run("document.querySelectorAll('.gm-stops [aria-current=step]').length") == len(lit)
    assert f"{len(lit)} of 3" in page.text(".gm-now")
    assert page.text("#gm-tab-patrols").count("at ") >= len(lit)
    page.run("gridmap.setLanguage('zh'), 0")
    assert f"3 个巡组中 {len(lit)} 个在点位" in page.text(".gm-now")
    assert "第 1 班" in page.text("#gm-tab-patrols")
    assert page.run("window.hacked") is None
    assert HOSTILE in page.run("document.querySelector('#gm-tab-patrols').textContent")
    page.screenshot("build/screenshots/patrol_zh.png")
    assert page.errors() == []
    page.close()


def test_play_moves_the_units_smoothly_and_stops_at_the_end(browser, page_file):
    page = browser.open(page_file)
    page.run(
        "(function () { const s = document.querySelector('.gm-speed'); s.value = 4; s.dispatchEvent(new Event('change')); window.seen = []; const old = gridmap.patrolMove; gridmap.patrolMove = function (t) { window.seen.push(t); old(t); }; })()"
    )
    page.click(".gm-play")
    page.wait("gridmap.state.second >= 1800", 30)
    page.click(".gm-play")
    seen = page.run("window.seen")
    assert any(t % 300 for t in seen)  # between the steps too
    assert sorted(seen) == seen
    page.run("gridmap.periodGo(34), 0")
    page.click(".gm-play")
    page.wait("gridmap.state.second === 10800 && document.querySelector('.gm-play').textContent === '▶'", 30)
    page.key("ArrowLeft")
    assert page.run("gridmap.state.second") == 10500
    assert page.requests() == []
    assert page.errors() == []
    page.close()


def test_who_asked_for_less_motion_gets_steps(browser, page_file):
    page = browser.open(page_file)
    page.reduce_motion()
    page.run(
        "(function () { window.seen = []; const old = gridmap.patrolMove; gridmap.patrolMove = function (t) { window.seen.push(t); old(t); }; })()"
    )
    page.click(".gm-play")
    page.wait("gridmap.state.second >= 600", 30)
    assert page.run("window.seen") == []
    page.close()


def test_another_shift_is_chosen_shared_and_printed(browser, plan, page_file, tmp_path):
    page = browser.open(page_file)
    page.run(
        "(function () { const s = document.querySelector('.gm-which'); s.value = 'shift2'; s.dispatchEvent(new Event('change')); gridmap.periodGo(5); })()"
    )
    view = page.run("gridmap.view()")
    assert "w=2.5" in view
    page.close()
    page = browser.open(page_file, fragment=f"#{view}")
    assert page.run("[gridmap.state.shift, gridmap.state.second]") == [2, 1500]
    page.run("gridmap.printing.before()")
    text = page.text("#gm-patrol-sheet")
    second = plan.stops[plan.stops["shift"] == 2]
    assert all(str(place) in text for place in second["place_id"])
    first, second = (sheet.extract_text() for sheet in pypdf.PdfReader(page.pdf(tmp_path / "patrol.pdf")).pages)
    assert "where incidents were recorded" in " ".join(first.split())  # the notes stand under the map
    assert "Shift 2" in second
    assert page.errors() == []
    page.close()


def test_a_hidden_unit_is_not_drawn_and_a_stop_answers_to_the_pointer(browser, plan, page_file):
    page = browser.open(page_file)
    page.run("gridmap.map.setZoom(15, {animate: false}); gridmap.periodGo(0), 0")
    stop = plan.stops[(plan.stops["shift"] == 1) & (plan.stops["unit_id"] == "foot")].iloc[0]
    page.run(f"gridmap.map.setView([{stop.geometry.y}, {stop.geometry.x}], 15, {{animate: false}}), 0")
    page.hover(".folium-map")
    page.wait("!!document.querySelector('.leaflet-tooltip')", 10)
    assert str(stop["place_id"]) in page.text(".leaflet-tooltip")
    painted = "(function () { const c = gridmap.map.getPane('gm-units').querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; })()"
    assert page.run(painted) > 0
    page.run("gridmap.patrols.forEach(l => gridmap.showOverlay(l, false)), 0")
    assert page.run(painted) == 0
    page.close()


def test_patrols_are_quiet_marks_until_their_clock_or_their_tab_is_used(browser, plan, tmp_path):
    """Over a theme that is shown, units neither move nor tell their times: the numbers and names of the places do."""
    cells = gpd.GeoDataFrame(
        {"count": [3, 1], "name": ["Harehills", "Seacroft"]}, index=["a", "b"], geometry=[shapely.box(-1.55, 53.79, -1.54, 53.8), shapely.box(-1.54, 53.79, -1.53, 53.8)], crs=4326,
    )  # fmt: skip
    layers = [gm.cells_layer(cells, "count"), *gm.patrol_layers(plan, start="22:30")]
    page = browser.open(gm.build_map(layers, title="Patrols").save(tmp_path / "page.html"))
    page.run(
        """(function () { const p = CanvasRenderingContext2D.prototype, old = p.fillText; window.written = {};
        p.fillText = function (text) { const pane = this.canvas.closest('.leaflet-pane').className.match(/leaflet-(gm-[a-z0-9]+)-pane/);
          if (pane) (written[pane[1]] = written[pane[1]] || []).push(text); return old.apply(this, arguments); };
        window.anew = () => { for (const k of Object.keys(written)) delete written[k];
          gridmap.map.eachLayer((l) => { if (l.redraw) l.redraw(); }); return written; }; })(), 0"""
    )
    clock = "[...document.querySelectorAll('#gm-legend li')].map((e) => e.textContent)"

    def seen():
        """What the panes write, whether the legend tells what a lit stop is, and whether its list of units is shown."""
        units = page.run("getComputedStyle(document.querySelector('#gm-legend .gm-units')).display")
        return page.run("anew()"), "somebody is there" in " ".join(page.run(clock)), units

    words, told, units = seen()
    assert not page.run("gridmap.patrolsAtWork()")
    assert {"1", "2", "Harehills", "Seacroft"} <= set(words["gm-numbers"])
    assert set(words) <= {"gm-numbers", "gm-names"}  # no unit on its way, no window of a stop, no second kind of number
    assert not told
    assert units == "flex"
    assert len({round(y) for y in page.run("[...document.querySelectorAll('.gm-units li')].map((e) => e.getBoundingClientRect().y)")}) == 1  # fmt: skip
    page.run("gridmap.openTab('patrols'), 0")  # read beside the map, they are marks no longer
    words, told, units = seen()
    assert page.run("gridmap.patrolsAtWork()")
    assert {"1", "2", "3"} <= set(words["gm-units"])
    assert any(text.startswith("22:30–") for text in words["gm-units"])  # the window of the stop that is lit
    assert set(words["gm-numbers"]) == {"1", "2"}  # the numbers stay, the names make room for the windows
    assert told
    assert units == "none"
    page.run("gridmap.openTab('hotspots'), 0")  # nobody has used the clock: quiet again
    words, told, units = seen()
    assert "gm-units" not in words
    assert {"Harehills", "Seacroft"} <= set(words["gm-numbers"])
    page.run("gridmap.timeOf('shift1'), gridmap.periodGo(3), 0")
    words, told, units = seen()
    assert page.run("gridmap.patrolsAtWork()")
    assert told
    assert {"1", "2"} <= set(words["gm-units"])
    assert page.requests() + page.errors() == []
    page.close()
