"""Every method is drawn as its declaration says, wherever it is drawn: in a pipeline, in Python, in an export."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.exports.result_parts import parts_of
from gridmap.exports.styles import style_of
from gridmap.grids.population import total_by_cell
from gridmap.hotspots.registry import LESS, MORE, SCALES, label_code, methods
from gridmap.maps import palette
from gridmap.maps.layers import CellsLayer, hotspot_layer, layers_of
from gridmap.maps.layers.cells import cells_layer
from gridmap.maps.meeting_questions import found
from gridmap.maps.ranking import rank_places
from gridmap.messages import LANGUAGES, all_texts
from gridmap.runs.stages.drawing import map_layers


def test_every_scale_has_a_palette_with_its_labels_in_order():
    assert set(palette.OF_SCALE) == set(SCALES) == set(MORE) == set(LESS)
    for kind, labels in SCALES.items():
        assert tuple(palette.OF_SCALE[kind]) == labels, kind
        assert set(MORE[kind]) | set(LESS[kind]) <= set(labels)


@pytest.fixture(scope="module")
def town():
    town = gm.samples.town(random_state=0)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=750)
    counts = gm.count_by_cell(town.incidents, grid)
    people = total_by_cell(grid, "persons")
    return SimpleNamespace(
        boundaries=town.boundaries, incidents=town.incidents, grid=grid, counts=counts, people=people
    )


@pytest.fixture(scope="module")
def risk(town):
    return gm.relative_risk(town.incidents, town.people, town.grid, bandwidth_m=1500, permutations=199, random_state=0)


def labels(layer) -> list[str]:
    return [getattr(entry.label, "code", entry.label) for entry in layer.classes]


def test_relative_risk_is_drawn_by_its_labels_everywhere(town, risk):
    """It has an intensity too, which a pipeline used to draw in place of the labels, as incidents per km²."""
    assert (risk.cells["label"] != "none").any()
    hot_cold = [label_code(label) for label in SCALES["hot_cold"]]
    python, (whole, *_) = hotspot_layer(risk), layers_of(risk)
    step = SimpleNamespace(name="Risk", method="relative_risk", show=True, period=None, options={}, category=None)
    pipeline = SimpleNamespace(audience="internal", patrol=None, context=None, timeline=())
    piped = map_layers(pipeline, town.boundaries, [(step, risk)]).layers[0]
    part = next(p for p in parts_of(risk) if p.kind == "cells")
    for layer in (python, whole, piped, style_of(part).layer):
        assert isinstance(layer, CellsLayer)
        assert layer.labels == "label"
        assert [code for code in labels(layer) if str(code).startswith("label.")] == [
            code for code in hot_cold if code in labels(layer)
        ]
        assert "km²" not in str(layer.unit)


def test_rates_are_in_the_order_and_colours_of_a_diverging_scale_and_in_the_readers_words(town):
    rates = gm.incident_rates(town.counts, population=town.people)
    cells = town.grid.cells.assign(**rates.cells)
    layer = hotspot_layer(gm.HotspotResult(cells, "incident_rates", rates.params))
    there = [code for code in labels(layer) if str(code).startswith("label.")]
    order = [label_code(label) for label in SCALES["rates"]]
    assert there == [code for code in order if code in there]
    assert "label.high_99" in there
    colours = {code: entry.colour for code, entry in zip(labels(layer), layer.classes, strict=True)}
    assert colours["label.high_99"] == palette.HOT_COLD["hot 99"]
    for language in LANGUAGES[1:]:
        shown = [entry.text(language) for entry in layer.classes]
        assert not any(word in text for text in shown for word in ("high", "low")), shown
    assert rank_places([layer], town.boundaries)[0], "rates that are high are places to name"


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_cells_have_no_class_that_they_cannot_have(town, quiet):
    label = np.where(np.arange(len(town.grid)) < (3 if quiet else 0), "possibly under-reported", "none")
    cells = town.grid.cells.assign(count=town.counts["count"], expected=9.0, label=label.astype(object))
    layer = hotspot_layer(gm.HotspotResult(cells, "quiet_cells", {"fdr": 0.05}))
    assert labels(layer) == ["page.under_reported", "label.none"]
    assert [entry.hatch for entry in layer.classes] == [True, False]
    assert len(rank_places([layer], town.boundaries)[0]) == (3 if quiet else 0)
    short = found(layer)
    assert (short.code, short.values["n"]) == ("page.found_quiet", 3 if quiet else 0)  # and not "0 hot"


def test_a_change_with_nothing_found_has_the_legend_of_a_change(town):
    cells = town.grid.cells.assign(before=5, after=5, difference=0, label="none", significant=False)
    layer = hotspot_layer(gm.HotspotResult(cells, "compare_periods", {"fdr": 0.05}))
    assert labels(layer) == [label_code(label) for label in SCALES["change"]]


@pytest.mark.parametrize("value", [["a", 1], {"a": 1}, ("a", 1)], ids=["list", "mapping", "tuple"])
def test_a_column_of_lists_is_shown_by_its_text(town, value):
    values = pd.Series([value, None] + ["b"] * (len(town.grid) - 2), town.grid.cells.index, dtype=object)
    layer = cells_layer(town.grid.cells.assign(kinds=values), "kinds")
    assert {str(value), "b"} <= set(labels(layer))


def test_changes_that_were_found_are_places_to_name(town):
    label = pd.Series("none", index=town.grid.cells.index, dtype=object)
    label.iloc[:2], label.iloc[-1] = "up 99", "down 95"
    cells = town.grid.cells.assign(before=5, after=9, difference=4, label=label, significant=label != "none")
    layer = hotspot_layer(gm.HotspotResult(cells, "compare_periods", {"fdr": 0.05}))
    assert len(rank_places([layer], town.boundaries)[0]) >= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_method_has_a_name_and_an_explanation_on_a_page(language):
    texts = all_texts(language)
    for name, method in methods().items():
        for code in (method.title.code, method.explains.code):
            assert texts[code], name
            assert language == "en" or texts[code] != all_texts("en")[code], name


#: Simulated sight (Machado, Oliveira & Fernandes 2009, full strength), and a grey printer, as matrices over linear RGB.
SIGHT = {
    "all": np.eye(3),
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "grey": [[0.2126, 0.7152, 0.0722]] * 3,
}


def lab(colour: str, sight) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    seen = np.clip(sight @ np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_the_colours_behind_the_places_can_be_told_apart_by_everybody(sight):
    """Hot, concentrated and unfilled ground and the places on it; cold and warm differ by dots, cold 95 and 99 here."""
    scale = palette.HOT_COLD
    pale = {
        name: palette.stepping_back(scale[name], 1 if "hot" in name else -1, strong="99" in name)
        for name in ("hot 99", "hot 95", "cold 99", "cold 95")
    }
    warm = ["#B10D1E", pale["hot 99"], pale["hot 95"], palette.CONCENTRATED, palette.ZERO]
    pairs = [(a, b) for i, a in enumerate(warm) for b in warm[:i]] + [(pale["cold 99"], pale["cold 95"])]
    apart = {p: np.linalg.norm(lab(p[0], SIGHT[sight]) - lab(p[1], SIGHT[sight])) for p in pairs}
    assert min(apart.values()) > 8.5, apart
