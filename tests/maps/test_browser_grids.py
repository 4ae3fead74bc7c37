"""The drill-down as a person clicks through it: county → street → community → grid, in both languages."""

import pytest

import gridmap as gm

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def county():
    return gm.samples.simulated_county(random_state=1, households=6_000, events=3_000)


@pytest.fixture(scope="module")
def rolled(county):
    """The page's file by language, and every unit with its numbers."""
    grid = gm.make_grid(county.boundaries, system="balanced", atoms=county.buildings, target=60, tolerance=0.2)
    counts = gm.count_by_cell(county.incidents, grid)
    values = counts.join(grid.cells[["persons"]])
    units = gm.roll_up(values, gm.grid_hierarchy(grid, county.boundaries), rate={"rate": ("count", "persons", 1000)})
    return gm.getis_ord(counts, grid), units


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_the_county_to_a_grid_and_back_all_numbers_agree(browser, county, rolled, language, tmp_path):
    hot, units = rolled
    page = gm.build_map([gm.hotspot_layer(hot)], language=language, boundaries=county.boundaries, hierarchy=units)
    opened = browser.open(page.save(tmp_path / "page.html"))
    opened.click("#gm-tabbutton-areas")
    unit = units.index[units["level"] == "county"][0]
    for level in ("county", "street", "community", "grid"):
        here = units.loc[unit]
        assert here["level"] == level
        assert opened.text(".gm-crumbs strong") == here["name"]
        total = opened.text(".gm-area-sum")
        assert f"{here['count']:,}" in total
        assert f"{here['rate']:.1f}".removesuffix(".0") in total
        assert ("每千人" in total) == (language == "zh")
        below = gm.drill_down(units, unit)
        shown = opened.run("document.querySelectorAll('.gm-areas tbody tr').length")
        assert shown == len(below)
        if not len(below):
            break
        name = opened.text(".gm-areas tbody button")
        row = opened.text(".gm-areas tbody tr")
        unit = below.index[(below["name"] == name) & (below["count"] == below["count"].max())][0]
        assert f"{below.loc[unit, 'count']:,}" in row
        opened.click(".gm-areas tbody button")
    opened.screenshot(f"build/screenshots/drill_down_{language}.png")
    opened.click(".gm-crumbs button")
    assert opened.text(".gm-crumbs strong") == "望川县"
    assert opened.requests() == []
    assert opened.errors() == []
