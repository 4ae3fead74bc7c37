"""A file that the form changes: it says what was wanted, and what did not change stands as it was written."""

import copy
import random

import pytest
import yaml

from gridmap.desk.yaml_edits import edited

FILE = """\
# Burglaries, for the Monday meeting.
# Kept by the analysts' office.

title: "Burglary, July"    # shown on the map
audience: internal

boundaries: {path: data/wards.geojson}
grid:
  system: h3
  # 9 was too coarse for the north
  resolution: 10
incidents:
    path: data/export.csv   # as it was sent
    datum: wgs84
hotspots:
# first the question of every week
- hotspot_test: {order: 1, fdr: 0.05}  # exact
  category: Burglary
  # asked for by the deputy
- compare_periods:
    before: 2017-07
    after: 2018-07
outputs:
  map: index.html
  report: briefing.docx
# the end
"""


def changed(**new):
    settings = yaml.safe_load(FILE)
    for key, value in new.items():
        settings[key] = value
    return settings


def test_a_file_that_says_it_already_is_not_touched():
    assert edited(FILE, yaml.safe_load(FILE)) == FILE


def test_one_setting_changes_one_line():
    text = edited(FILE, changed(title="Theft"))
    assert text == FILE.replace('"Burglary, July"', "Theft")
    grid = edited(FILE, changed(grid={"system": "h3", "resolution": 9}))
    assert grid == FILE.replace("resolution: 10", "resolution: 9")


def test_a_step_that_goes_takes_its_comment_and_no_other():
    steps = yaml.safe_load(FILE)["hotspots"]
    text = edited(FILE, changed(hotspots=steps[:1]))
    assert "# first the question of every week\n- hotspot_test: {order: 1, fdr: 0.05}  # exact\n" in text
    assert "compare_periods" not in text
    more = edited(FILE, changed(hotspots=[*steps, {"quiet_cells": {}}]))
    assert more == FILE.replace("outputs:", "- quiet_cells: {}\noutputs:")


def test_a_new_stage_has_its_place_and_a_step_with_another_kind_keeps_its_comments():
    order = ("title", "hotspots", "forecasts", "patrol", "outputs")
    text = edited(FILE, changed(patrol={"units": 4}), order)
    assert text == FILE.replace("outputs:", "patrol: {units: 4}\noutputs:")
    steps = yaml.safe_load(FILE)["hotspots"]
    other = edited(FILE, changed(hotspots=[{**steps[0], "category": "Theft"}, steps[1]]))
    assert "# first the question of every week" in other
    assert "asked for by the deputy" in other
    assert "category: Theft" in other


@pytest.mark.parametrize(
    "text",
    [
        "title: x\n", "title: x", "{title: x, grid: {}}\n", "title: |\n  # no comment\n  text\ngrid: {a: 1}\n",
        "a: &x 1\nb: *x\n", "1: a\ntrue: b\n", "title: 'a # b'  # c\nsteps:\n  - a\n  - b: 1\n    # in it\n    c: 2\n",
        "title: x\r\ngrid:\r\n  a: 1\r\n",
    ],
)  # fmt: skip
def test_what_comes_out_always_says_what_was_wanted(text):
    old = yaml.safe_load(text)
    for wanted in ({**old, "title": "neu # 1"}, {"hotspots": ["a"]}, {**old, "z": None}, {}, old):
        assert yaml.safe_load(edited(text, wanted)) == wanted


def test_many_small_changes_one_after_another():
    rng, text = random.Random(22), FILE
    for _ in range(150):
        settings = copy.deepcopy(yaml.safe_load(text))
        at = rng.choice([settings, *(v for v in settings.values() if isinstance(v, dict))])
        step = {"kde": {"bandwidth_m": rng.randint(1, 9)}, "name": "# not a comment"}
        if isinstance(steps := settings.get("hotspots"), list) and rng.random() < 0.5:
            steps.insert(rng.randint(0, len(steps)), step)
            del steps[rng.randint(0, len(steps) - 1)]
        elif at and rng.random() < 0.3:
            del at[rng.choice(list(at))]
        else:
            at[rng.choice(["a", "grid", "title", "resolution"])] = rng.choice(
                [1, "x: y", [], {"b": [1, {"c": 2}]}, None]
            )
        text = edited(text, settings, ("title", "grid", "hotspots"))
        assert yaml.safe_load(text) == settings
        if not settings:
            text = FILE
