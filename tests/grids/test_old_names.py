"""Modules that moved are found under their earlier names, which say where they are now."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("gridmap.grids.hexagons", "HexGrid"),
        ("gridmap.grids.levels", "join_zones"),
        ("gridmap.grids.locator", "Locator"),
        ("gridmap.grids.balanced", "BalancedGrid"),
        ("gridmap.grids.workload", "incident_workload"),
        ("gridmap.grids.code_checks", "check_codes"),
        ("gridmap.hotspots.series", "st_dbscan"),
        ("gridmap.forecasts.following", "NearRepeat"),
        ("gridmap.read.convert", "convert"),
    ],
)
def test_an_earlier_name_still_works_and_says_so(old, name):
    with pytest.warns(DeprecationWarning, match=rf"{old} is now gridmap\."):
        module = importlib.import_module(old)
    assert hasattr(module, name)
    assert module.__spec__.name != old  # the module itself, not a copy


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("gridmap.grids.pentagons")
