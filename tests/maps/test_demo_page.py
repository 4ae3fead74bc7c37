# ruff: noqa: E501 - what the page is asked stands in one line of JavaScript
"""The demo's own map, as a committee opens it: the network cut off, nothing asked for, every theme shown."""

import re
from pathlib import Path

import pytest

from gridmap.runs import read_pipeline, run_pipeline
from tests.made_once import made_once

pytestmark = pytest.mark.browser

PIPELINES = Path(__file__).parents[2] / "pipelines"


@pytest.fixture(scope="module")
def pages(demo, tmp_path_factory):
    """The page of the demo, and that of the same data in Chinese."""

    def make(folder):
        quick = [f"hotspots.{i}.stability=2" for i in (0, 1)]
        run_pipeline(read_pipeline(PIPELINES / "demo_zh.yaml", overrides=quick), folder)

    return {"demo": demo / "out/index.html", "demo_zh": made_once(tmp_path_factory, "demo_zh", make) / "index.html"}


@pytest.mark.parametrize("name, theme", [("demo", "Anti-social behaviour"), ("demo_zh", "反社会行为")])
def test_the_demo_opens_without_a_network_and_answers(browser, pages, name, theme):
    page = browser.open(pages[name])
    page.screenshot(f"build/screenshots/{name}.png")
    page.hover(".folium-map")
    page.wait("!!document.querySelector('.leaflet-tooltip')", 10)
    assert page.text(".leaflet-tooltip").strip()
    first = page.text(".gm-ranked li")
    page.run("document.querySelectorAll('input[name=gm-theme]')[1].click()")
    page.wait(f"document.querySelector('.gm-of').textContent.includes({theme!r})", 10)
    assert page.text(".gm-ranked li") != first
    page.screenshot(f"build/screenshots/{name}_second_theme.png")
    assert page.requests() == []
    assert page.errors() == []
    page.close()


def test_the_header_of_a_change_has_a_number_of_each_of_its_periods(browser, demo):
    """Not both periods beside the number of one."""
    page = browser.open(demo / "out/index.html")
    page.run("gridmap.showTheme('l2'), 0")
    before, after = page.run("(({before, after}) => [before, after])(gridmap.theme().answers.changed[1].values)")
    assert page.text(".gm-period") == "Jul 2017 → Jul 2018"
    assert page.text(".gm-count") == f"{before:,} → {after:,} incidents"
    page.run("gridmap.showTheme('l0'), 0")
    assert page.text(".gm-count") == f"{after:,} incidents"
    assert page.text(".gm-theme") == "Burglary"  # the title names no kind
    page.close()


def test_a_number_on_the_map_is_the_number_in_the_table(browser, demo):
    """Only the ranked layer is numbered: the clusters over it are not."""
    page = browser.open(demo / "out/index.html")
    panes = page.run("[...document.querySelectorAll('.leaflet-pane.leaflet-gm-numbers-pane canvas')].length")
    assert panes == 1
    assert re.match(r"\s*1\b", page.text(".gm-ranked li"))
    page.close()


@pytest.mark.parametrize("name", ["demo", "demo_zh"])
def test_a_change_of_an_area_stands_with_its_interval_and_that_of_the_whole_is_the_strips(browser, pages, name):
    page = browser.open(pages[name])
    strip = re.findall(r"[+−]\d+%", page.text("#gm-answer-changed p"))
    page.run("gridmap.openTab('areas'), 0")
    assert re.findall(r"[+−]\d+%", page.text(".gm-area-sum")) == strip[1:]
    rows = page.run("[...document.querySelectorAll('.gm-areas tbody tr')].map((r) => r.innerText)")
    assert all(len(re.findall(r"[+−]\d+%", row)) == 2 for row in rows)
    leeds = page.run("gridmap.data.areas")["names"].index("Leeds")
    page.run(f"gridmap.areaGo({leeds}, false), 0")  # one level down the numbers are its own
    of_leeds = next(re.findall(r"[+−]\d+%", row) for row in rows if row.startswith("Leeds"))
    assert re.findall(r"[+−]\d+%", page.text(".gm-area-sum")) == of_leeds
    page.close()


#: What is written on canvases of a pane: the texts in their order, from now on.
LISTEN = """(function () { const p = CanvasRenderingContext2D.prototype, old = p.fillText; window.written = [];
  p.fillText = function (text, x, y) { const pane = this.canvas.closest('.leaflet-pane, #gm-inset-map .leaflet-pane');
    written.push([this.canvas.closest('#gm-inset-map') ? 'inset' : pane ? pane.className : '', text]); return old.apply(this, arguments); }; })()"""


@pytest.mark.parametrize("name", ["demo", "demo_zh"])
def test_every_place_is_named_beside_its_number_on_the_map_and_in_its_enlarged_part(browser, pages, name):
    """On a projector: no name is left out for want of a line that could be broken, and none covers another."""
    page = browser.open(pages[name])
    page.run(f"{LISTEN}, gridmap.emit('room', false), 0")
    names = page.run("gridmap.rankedRows().slice(0, 10).map(gridmap.placeOf)")
    on_map, enlarged = (
        "".join(page.run(f"written.filter((w) => w[0].includes('{where}')).map((w) => w[1])")).replace(" ", "")
        for where in ("gm-numbers", "inset")
    )
    for place in names:
        assert re.split(r"\s*[（(]|, ", place)[0].replace(" ", "") in on_map
    inside = page.run("document.querySelector('#gm-inset h3').textContent")
    seen = [n for n in names if re.split(r"\s*[（(]|, ", n)[0].replace(" ", "") in enlarged]
    assert len(seen) == 4, inside  # 2, 4, 6 and 9 lie in Bradford, side by side
    boxes = page.run("gridmap.named.concat(gridmap.taken)")
    for i, (x, y, w, h) in enumerate(boxes):
        for a, b, c, d in boxes[i + 1 :]:
            assert abs(x - a) >= w + c - 10 or abs(y - b) >= h + d - 10  # numbers may touch each other's rings
    page.close()


@pytest.mark.parametrize("name", ["demo", "demo_zh"])
def test_the_first_screen_of_a_projector_holds_ten_cards_and_the_themes(browser, pages, name):
    """1366 × 768: nothing of the ten cards is cut, nor of the list of themes, nor of a name on either."""
    page = browser.open(pages[name])
    assert page.run("document.querySelectorAll('.gm-ranked li').length") == 10
    lowest = "Math.max(...[...document.querySelectorAll('%s')].map((e) => e.getBoundingClientRect().bottom))"
    assert page.run(lowest % ".gm-ranked button") <= 768
    assert page.run(lowest % "#gm-layers fieldset:first-of-type label") <= 768
    cut = "[...document.querySelectorAll('%s')].filter((e) => e.scrollHeight > e.clientHeight + 8 || e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    assert page.run(cut % ".gm-entry, .gm-answer, .gm-answer p, #gm-layers label, #gm-header h1") == []
    bar = page.run("document.querySelector('#gm-stage .leaflet-control-scale-line').textContent")
    assert bar.split()[1] == ("km" if name == "demo" else "公里")
    # one number of places: that of the strip is that of the cards and of the numbers on the map
    for answer in ("where", "changed"):
        assert (
            page.run(f"gridmap.theme().answers.{answer}[1].values.places") == 10 == page.run("gridmap.marks().length")
        )
    page.close()


@pytest.mark.parametrize("name", ["demo", "demo_zh"])
def test_a_tenth_card_stands_above_a_timeline_where_places_are_named_by_their_corners(browser, pages, name):
    """A projector's screen with a slider, changes and stability: names of two lines each, and all ten in sight."""
    page = browser.open(pages[name])
    page.run(
        "gridmap.rankedLayer().ranked.forEach((r, i) => { r.name = '朱家沟社区' + i + ', 书香街 / 红旗路'; r.district = '工业园街道'; }),"
        "document.getElementById('gm-time').hidden = false, gridmap.emit('language'), 0"
    )
    cards = page.run("[...document.querySelectorAll('.gm-ranked button')].map((e) => e.getBoundingClientRect().bottom)")
    assert len(cards) == 10
    assert max(cards) <= page.run("document.getElementById('gm-foot').getBoundingClientRect().top") < 720
    page.close()
