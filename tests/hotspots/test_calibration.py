"""Each test keeps its promise on maps of its own null: the marked entries of docs/calibration.md, at a smaller size."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gridmap as gm
from gridmap.errors import InputError
from gridmap.grids.counts_table import Counts, CountsAbout
from gridmap.hotspots.nulls import may_claim, null_of
from gridmap.hotspots.registry import methods
from gridmap.reports.facts import CLAIMS, result_facts

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import calibration

MAPS, SLOW_MAPS = 60, 12
OWN = [(name, case) for name, test in calibration.TESTS.items() for case in test.own if case in calibration.NULLS]


@pytest.fixture(scope="module")
def town():
    return calibration.west_yorkshire(resolution=7)  # 553 cells: the same incidents, fewer cells


@pytest.fixture(scope="module")
def fine_town():
    return calibration.west_yorkshire()  # in 553 cells ten planted neighbourhoods would be what is ordinary


def limit(maps: int) -> float:
    """Exceeded once in a thousand runs of a test that keeps its promise."""
    return stats.binom.ppf(0.999, maps, 0.05) / maps


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), OWN)
def test_a_test_that_claims_raises_few_alarms_on_maps_of_its_null(town, name, case):
    test = calibration.TESTS[name]
    maps = 6 if test.coarse else SLOW_MAPS if test.slow else MAPS
    found = calibration.measure(town, test, calibration.NULLS[case], maps, seed=71)
    assert "refused" not in found
    assert not found["claims"] or found["any"] <= limit(maps), found


#: Tests of numbers of incidents, which have no form for weighted sums.
OF_COUNTS = ("getis_ord, population: persons", "incident_rates", "compare_periods", "quiet_cells", "spatial_scan")


@pytest.mark.parametrize("name", OF_COUNTS)
def test_tests_of_counts_refuse_harm(town, name):
    assert "refused" in calibration.measure(town, calibration.TESTS[name], calibration.NULLS["harm"], 1, seed=72)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case"),
    [("hotspot_test", "×5 on residents"), ("hotspot_test, at_risk: land", "×5 on land"),
     ("hotspot_test, strict", "×5 on residents")],
)  # fmt: skip
def test_what_was_planted_is_found_and_little_else(fine_town, name, case):
    found = calibration.measure(fine_town, calibration.TESTS[name], calibration.TRUTHS[case], 20, seed=73)
    assert found["fdp"] <= 0.1
    assert found["recall"] >= (0.15 if "strict" in name else 0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case"),
    [("hotspot_test", "residents"), ("incident_rates", "residents"), ("compare_periods", "even")],
)
def test_intervals_hold_the_truth(town, name, case):
    found = calibration.measure(town, calibration.TESTS[name], calibration.NULLS[case], 20, seed=74)
    assert found["coverage"] >= 0.95


@pytest.mark.slow
def test_a_test_that_does_not_hold_claims_nothing(fine_town):
    """The normal p of Gi* raises alarms on shuffled counts, and the registry takes its claim away."""
    found = calibration.measure(fine_town, calibration.TESTS["getis_ord"], calibration.NULLS["shuffled"], 20, seed=75)
    assert found["any"] > 0.5
    assert not found["claims"]


def test_the_band_is_the_binomials():
    assert calibration.band(100) == stats.binom.ppf(0.99, 100, 0.05) / 100
    assert np.isclose(calibration.band(100), 0.11)


def test_every_method_that_claims_has_a_row_in_the_calibration():
    """A new method that names a null is measured (benchmarks/calibration.py), or it may not name one."""
    measured = {name.split(",")[0] for name in calibration.TESTS}
    claiming = {name for name, method in methods().items() if method.tests}
    assert claiming - measured == set()
    assert {name for name in measured if not methods()[name].tests} == set()


def out_of_band() -> dict[str, list[str]]:
    """Tests → the maps of their own null on which they raised more alarms than the 99 % band allows."""
    rows = calibration.kept()
    found: dict[str, list[str]] = {}
    for name, row in rows.items():
        entries = {case: row[case] for case in calibration.TESTS[name].own if "any" in row.get(case, ())}
        found[name] = [case for case, entry in entries.items() if entry["any"] > calibration.band(entry["maps"])]
    return {name: cases for name, cases in found.items() if cases}


def test_the_page_is_made_of_what_was_measured():
    assert len(calibration.DOCUMENTS) == 2
    for document, words in calibration.DOCUMENTS.items():
        page = document.read_text(encoding="utf-8")
        assert calibration.put(calibration.tables(calibration.kept()), words) in page
        assert "OUT OF ITS BAND" not in page
        assert "超出区间带" not in page


def test_every_test_was_measured_on_maps_of_its_null():
    rows = calibration.kept()
    assert set(rows) == set(calibration.TESTS)
    for name, test in calibration.TESTS.items():
        measured = [case for case in test.own if rows[name].get(case, {}).get("maps", 0) >= 20]
        assert measured, name


def test_a_method_that_left_its_band_claims_nothing_and_only_such_a_one(town):
    """The registry is held to the measurements: what is out of its band is withdrawn there, and nothing else is."""
    found = out_of_band()
    for name, cases in found.items():
        for case in cases:
            one = calibration.NULLS[case](town, np.random.default_rng(76))
            result = calibration.TESTS[name].run(town, one, np.random.default_rng(77))
            assert not may_claim(result), f"{name} leaves its band on {case}: withdraw its null in the registry"
            assert null_of(result) is None
            assert all(one.kind not in CLAIMS for one in result_facts(Step(name), result, 1, town.grid.cells))
    withdrawn = {name for name, method in methods().items() if method.withdrawn}
    assert withdrawn <= {name.split(",")[0] for name in found}


@dataclass(frozen=True)
class Step:
    """A step of a pipeline, as the facts ask for it."""

    name: str
    method: str = ""
    category: str | None = None
    period: str | None = None
    options: dict = field(default_factory=dict)


def test_scans_know_weighted_sums_by_the_column_that_they_test():
    table = pd.DataFrame({"cases": [40, 3, 5], "population": [10.5, 20.25, 30.0], "lon": [0, 1, 2], "lat": [0, 0, 0]})
    assert len(gm.spatial_scan(table, permutations=9).cells) == 3
    weighted = Counts(table, about=CountsAbout(kind="weighted", weight="harm"))
    with pytest.raises(InputError, match="weighted sums"):
        gm.spatial_scan(weighted, permutations=9)
    with pytest.raises(InputError, match="weighted sums"):
        gm.space_time_scan(weighted.assign(area=[0, 1, 2], date="2018-01-01"), every="month", permutations=9)


def test_numbers_that_were_carried_over_from_coarser_cells_claim_nothing(town):
    """Shares of one coarse cell are alike on any map, so tests over cells would find hotspots on shuffled counts."""
    numbers = Counts(
        {"count": np.repeat(np.random.default_rng(78).poisson(4, len(town.grid) // 3 + 1), 3)[: len(town.grid)] / 3},
        index=town.grid.cells.index,
        about=CountsAbout(kind="crosswalked"),
    )
    results = [method(numbers, town.grid) for method in (gm.getis_ord, gm.global_moran, gm.global_getis_ord)]
    results.append(gm.local_moran(numbers, town.grid, permutations=99, random_state=0))
    for result in results:
        assert null_of(result) is None
        assert all(one.kind not in CLAIMS for one in result_facts(Step("Burglary"), result, 1, town.grid.cells))
    with pytest.raises(InputError, match="carried over"):
        gm.hotspot_test(numbers, town.grid)


def test_the_normal_p_claims_nothing_where_counts_are_skewed_or_stay_where_they_were(town):
    """Many incidents are not enough: dealt among the cells, they raise alarms, so the claim must be gone."""
    rng, periods = np.random.default_rng(79), pd.period_range("2017-01", periods=12, freq="M")
    level = np.full(len(town.counts), 200.0)
    kinds = {"even": level, "skewed": 100.0 * town.counts, "lasting": np.maximum(rng.normal(2400, 600, len(level)), 0)}
    index = pd.MultiIndex.from_product([town.grid.cells.index, periods], names=["cell_id", "period"])
    claims, alarms = {}, {}
    for kind, mean in kinds.items():
        found = []
        for _ in range(4):
            cube = rng.poisson(rng.permutation(mean)[:, None] / 12, (len(mean), 12))
            one = gm.getis_ord(pd.DataFrame({"count": cube.sum(axis=1)}, index=town.grid.cells.index), town.grid)
            several = gm.emerging_hotspots(pd.DataFrame({"count": cube.ravel()}, index), town.grid)
            found.append([calibration.hot_cells(one).any(), calibration.hot_cells(several).any()])
        claims[kind] = may_claim(one), may_claim(several)
        alarms[kind] = np.any(found, axis=0).tolist()
    assert claims == {"even": (True, True), "skewed": (False, False), "lasting": (True, False)}
    assert alarms["even"] == [False, False]
    assert alarms["skewed"] == [True, True]
    assert alarms["lasting"][1]
