"""The demo's own map, as a committee opens it: the network cut off, nothing asked for, every theme shown."""

import re
from pathlib import Path

import pytest

from gridmap.runs import read_pipeline, run_pipeline

pytestmark = pytest.mark.browser

PIPELINES = Path(__file__).parents[2] / "pipelines"


@pytest.mark.parametrize("name, theme", [("demo", "Anti-social behaviour"), ("demo_zh", "反社会行为")])
def test_the_demo_opens_without_a_network_and_answers(browser, tmp_path, name, theme):
    quick = [f"hotspots.{i}.stability=4" for i in (0, 1)]
    run_pipeline(read_pipeline(PIPELINES / f"{name}.yaml", overrides=quick), tmp_path)
    page = browser.open(tmp_path / "index.html")
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


def test_a_number_on_the_map_is_the_number_in_the_table(browser, tmp_path):
    """Only the ranked layer is numbered: the clusters over it are not."""
    quick = [f"hotspots.{i}.stability=0" for i in (0, 1)]
    run_pipeline(read_pipeline(PIPELINES / "demo.yaml", overrides=quick), tmp_path)
    page = browser.open(tmp_path / "index.html")
    panes = page.run("[...document.querySelectorAll('.leaflet-pane.leaflet-gm-numbers-pane canvas')].length")
    assert panes == 1
    assert re.match(r"\s*1\b", page.text(".gm-ranked li"))
    page.close()
