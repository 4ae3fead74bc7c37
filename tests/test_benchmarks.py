"""The table of three sizes: whole, as its script writes it; and the script runs."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from gridmap.exports.formats import all_formats
from gridmap.hotspots.registry import OWN

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def three_sizes():
    spec = spec_from_file_location("three_sizes", ROOT / "benchmarks" / "three_sizes.py")
    module = module_from_spec(spec)
    path = list(sys.path)
    sys.modules["three_sizes"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    sys.path[:] = path
    yield module
    del sys.modules["three_sizes"]


def test_the_documents_have_the_table_as_it_was_measured(three_sizes):
    kept = json.loads(three_sizes.KEPT.read_text(encoding="utf-8"))
    assert set(kept) == set(three_sizes.PARTS)
    for language, page in three_sizes.PAGES.items():
        assert three_sizes.table(kept, language) in page.read_text(encoding="utf-8"), page.name


def test_the_table_has_each_method_export_and_paper(three_sizes):
    kept = json.loads(three_sizes.KEPT.read_text(encoding="utf-8"))
    assert set(OWN) <= {name for name, work in kept["statistics"]["works"].items() if not work["peer"]}
    formats = {f"export {ending}" for ending in all_formats() if ending not in three_sizes.ALIASES}
    assert set(kept["exports"]["works"]) == formats
    assert set(kept["papers"]["works"]) == {
        f"write_briefing {ending}" for ending in (".pdf", ".docx", ".pptx", ".xlsx")
    }
    failed = {n for part in kept.values() for n, work in part["works"].items() if "error" in work or not work["sizes"]}
    assert failed == set()


def test_a_part_is_measured(three_sizes):
    left_out = ["count_by_cell, h3", "count_by_cell, square", "count_by_cell, zones, by category and month"]
    found = list(three_sizes.run_part("join", 0.02, left_out, small=0.01))
    assert [one["name"] for one in found] == ["count_by_cell, zones", "geopandas sjoin"]
    assert [one["peer"] for one in found] == [False, True]
    assert all(one["wall"] > 0 and one["cpu"] >= 0 and "error" not in one for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["read", "tile", "statistics", "maps", "papers", "exports", "grids", "routes"])
def test_each_part_runs(three_sizes, part):
    found = list(three_sizes.run_part(part, 0.1, ["optics"], small=0.1))
    assert found
    assert [one for one in found if "error" in one] == []
