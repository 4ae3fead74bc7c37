"""Whatever is given to a public function in place of what it takes ends in a clear error: one of gridmap's own, a
TypeError or a ValueError, never in what happened to fail deep inside (AttributeError, KeyError, IndexError …).
"""

import inspect

import geopandas as gpd
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import GridmapError

CLEAR = (GridmapError, TypeError, ValueError)
WRONG = {
    "text": lambda: "x",
    "number": lambda: 5,
    "none": lambda: None,
    "object": object,
    "list": lambda: [1, 2],
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "points": lambda: gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326),
}


def needed(function) -> list[inspect.Parameter]:
    """The parameters that must be given."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = inspect.signature(function).parameters.values()
    return [p for p in given if p.default is p.empty and p.kind not in kinds]


def public_callables() -> list[str]:
    found = {name: getattr(gm, name) for name in gm.__all__}
    errors = {n for n, f in found.items() if inspect.isclass(f) and issubclass(f, BaseException)}
    return sorted(n for n, f in found.items() if callable(f) and n not in errors and needed(f))


@pytest.fixture(scope="module")
def right() -> dict[str, object]:
    """What fits, by the name of the parameter: so that each of a function's arguments is the only wrong one in turn."""
    town = gm.samples.town()
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
    counts = gm.count_by_cell(town.incidents, grid)
    given = {"grid": grid, "counts": counts, "incidents": town.incidents, "boundaries": town.boundaries}
    return given | {"result": gm.hotspot_test(counts, grid), "cells": grid, "zones": town.boundaries}


def test_the_whole_surface_is_walked():
    assert len(public_callables()) > 130


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", public_callables())
def test_a_wrong_argument_is_a_clear_error(name, right, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function = getattr(gm, name)
    unclear = {}
    for wrong in needed(function):
        for kind, make in WRONG.items():
            given = {p.name: make() if p.name == wrong.name else right.get(p.name, make()) for p in needed(function)}
            before = [given.pop(p.name) for p in needed(function) if p.kind is p.POSITIONAL_ONLY]
            try:
                function(*before, **given)
            except CLEAR as error:
                if not str(error).strip():
                    unclear[wrong.name, kind] = repr(error)
            except Exception as error:
                unclear[wrong.name, kind] = repr(error)
    assert unclear == {}


def test_the_error_names_the_argument_and_what_it_should_be():
    with pytest.raises(GridmapError, match=r"^result is the result of a hotspot method; found str\.$") as raised:
        gm.hotspot_cores("busy places")
    assert raised.value.say("zh") == "result 应为热点方法的结果；现为 str。"
    with pytest.raises(GridmapError, match=r"^register is a Register; .* found list\.$"):
        gm.watch_areas([])
