"""Rates: exact intervals, smoothing equal to esda's, funnel, and every wrong use."""

import esda.moran
import esda.smoothing
import libpysal
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import gridmap as gm
from gridmap._intervals import poisson_interval
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.rates import empirical_bayes, funnel_limits, standardised_rates


@pytest.fixture(scope="module")
def town():
    w = libpysal.weights.lat2W(12, 12)
    rng = np.random.default_rng(0)
    people = rng.integers(200, 3_000, 144).astype(float)
    risk = rng.gamma(4, 0.002, 144)
    return w, sparse.csr_array(w.sparse), rng.poisson(risk * people), people


def test_garwoods_interval_covers_by_its_definition():
    low, high = poisson_interval(np.array([0, 1, 5, 30]))
    assert low[0] == 0
    assert stats.poisson.sf(np.array([1, 5, 30]) - 1, low[1:]) == pytest.approx([0.025] * 3)
    assert stats.poisson.cdf([0, 1, 5, 30], high) == pytest.approx([0.025] * 4)


def test_published_interval_of_ten_cases():
    """Ten cases: 4.80 to 18.39 (Garwood 1936; in every epidemiology table)."""
    assert [float(v[0].round(2)) for v in poisson_interval([10])] == [4.80, 18.39]


def test_rates_and_ratios_by_hand(town):
    _, _, count, people = town
    cells = gm.incident_rates(count, population=people).cells
    overall = count.sum() / people.sum()
    np.testing.assert_allclose(cells["rate"], 1000 * count / people)
    np.testing.assert_allclose(cells["expected"], overall * people)
    np.testing.assert_allclose(cells["ratio"], count / (overall * people))
    np.testing.assert_allclose(cells["rate_low"] / cells["rate_high"], cells["ratio_low"] / cells["ratio_high"])
    assert cells["expected"].sum() == pytest.approx(count.sum())
    for i in (0, 70):
        p = stats.binomtest(int(count[i]), int(count.sum()), people[i] / people.sum()).pvalue
        assert cells["p_value"].iloc[i] == pytest.approx(p, abs=1e-9)
    assert cells["small_number"].equals(cells["count"] < 20)


def test_global_smoothing_equals_esda(town):
    _, _, count, people = town
    theirs = esda.smoothing.Empirical_Bayes(count, people).r.ravel()
    np.testing.assert_allclose(gm.incident_rates(count, population=people, per=1).cells["rate_eb"], theirs, atol=1e-9)


def test_local_smoothing_equals_esda(town):
    w, adjacency, count, people = town
    theirs = esda.smoothing.Spatial_Empirical_Bayes(count.astype(float), people, w).r.ravel()
    ours = gm.incident_rates(count, adjacency, population=people, per=1).cells["rate_eb_local"]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_smoothing_moves_rates_of_few_people_most(town):
    _, _, count, people = town
    result = gm.incident_rates(count, population=people)
    rate = result.cells["rate"]
    moved = (result.cells["rate_eb"] - rate) / (result.params["overall_rate"] - rate)
    assert stats.spearmanr(moved, people).statistic < -0.99
    alike = empirical_bayes(np.array([10.0, 20, 30]), np.array([1000.0, 2000, 3000]))
    assert alike.tolist() == pytest.approx([0.01] * 3)  # no more variance than chance: the mean for all


def test_smoothing_is_nearer_to_the_truth():
    rng = np.random.default_rng(4)
    people = rng.integers(50, 2_000, 500).astype(float)
    risk = rng.gamma(4, 0.0025, 500)
    cells = gm.incident_rates(rng.poisson(risk * people), population=people, per=1).cells
    assert ((cells["rate_eb"] - risk) ** 2).mean() < 0.6 * ((cells["rate"] - risk) ** 2).mean()


def test_funnel_holds_the_promised_share():
    rng = np.random.default_rng(1)
    people = rng.integers(5_000, 50_000, 4_000).astype(float)
    cells = gm.incident_rates(rng.poisson(0.01 * people), population=people).cells
    outside = (cells["funnel"] != "within").mean()
    assert 0.035 < outside < 0.055
    assert cells["funnel"].str.contains("99.8").mean() < 0.006
    least, most = funnel_limits(np.array([100.0]), 0.95)
    assert least[0] == pytest.approx(100 - 1.96 * 10, abs=1.5)
    assert most[0] == pytest.approx(100 + 1.96 * 10, abs=1.5)


def test_funnel_is_told_to_be_too_narrow_where_places_differ(town):
    _, _, count, people = town
    result = gm.incident_rates(count, population=people)
    assert result.params["overdispersion"] > 2
    assert any("outside the funnel" in note for note in result.notes)
    alike = gm.incident_rates(np.random.default_rng(0).poisson(0.01 * people), population=people)
    assert alike.params["overdispersion"] < 1.3


def test_expected_counts_of_the_callers_own():
    count, people = np.array([30, 10, 20]), np.array([1000, 1000, 1000])
    result = gm.incident_rates(count, population=people, expected=np.array([15.0, 25.0, 20.0]))
    assert result.cells["ratio"].tolist() == [2, 0.4, 1]
    assert result.cells["p_value"].iloc[0] == pytest.approx(2 * stats.poisson.sf(29, 15))
    assert result.cells["label"].tolist() == ["high 99", "low 99", "none"]


def test_a_cell_without_people_or_cases_has_no_rate():
    cells = gm.incident_rates(
        np.array([30, 0, 20]), np.ones((3, 3)) - np.eye(3), population=np.array([1000, 0, 1000])
    ).cells
    nobody = cells.iloc[1]
    assert nobody[["rate", "ratio", "rate_eb", "rate_eb_local", "p_value", "funnel_95_high"]].isna().all()
    assert nobody["label"] == "none"
    assert cells["rate"].iloc[0] == 30


def test_on_a_grid_by_the_name_of_a_column(west_yorkshire_grid):
    grid, counts = west_yorkshire_grid
    cells = gm.incident_rates(counts, grid, population="households").cells
    assert cells.index.equals(grid.cells.index)
    np.testing.assert_allclose(cells["rate"], 1000 * counts["count"] / grid.cells["households"])
    assert "geometry" in cells


@pytest.fixture(scope="module")
def west_yorkshire_grid(root):
    grid = gm.make_grid(gm.read_boundaries(root / "data/west_yorkshire/lsoa_2011.geojson"), system="zones")
    count = np.random.default_rng(0).poisson(2, len(grid))
    return grid, pd.DataFrame({"count": count}, grid.cells.index)


@pytest.mark.parametrize(
    "count, people, options, message",
    [
        ([30, 5], [1000, 0], {}, "1 cells have 5 cases but a population of 0"),
        ([3, 5], [1000, 10], {}, "fewer than 30"),
        ([50, 0], [1000, 10], {}, "in one cell"),
        ([50, 1], [1000, -10], {}, "below 0"),
        ([50, 1], [1000, np.nan], {}, "no finite number"),
        ([50, 1], [1000], {}, "2 counts but 1 populations"),
        ([50, 1.5], [1000, 10], {}, "whole numbers"),
        ([50, 1], [1000, 10], {"least_count": "few"}, "least_count is a whole number"),
        ([50, 1], [1000, 10], {"per": 0}, "per must be above 0"),
        ([50, 1], [1000, 10], {"confidence": 95}, "below 1"),
        ([50, 1], [1000, 10], {"expected": [0, 1]}, "expected must be above 0"),
        ([50, 1], "persons", {}, "names a column"),
    ],
)
def test_wrong_use_is_named(count, people, options, message):
    with pytest.raises((InputError, SettingError), match=message):
        gm.incident_rates(
            np.array(count), population=people if isinstance(people, str) else np.array(people), **options
        )


def test_counts_and_population_of_other_cells_are_refused():
    count = pd.Series([50, 10], ["a", "b"])
    with pytest.raises(InputError, match="not in the grid's order"):
        gm.incident_rates(count, population=pd.Series([100, 100], ["b", "a"]))


@pytest.mark.parametrize("factor", [1, 3])
def test_overdispersion_is_seen_where_counts_are_few(factor):
    rng = np.random.default_rng(21)
    people = rng.gamma(1.0, 300, 3000).round() + 1
    mean = people * 0.002
    counts = rng.poisson(mean) if factor == 1 else rng.negative_binomial(mean / (factor - 1), 1 / factor)
    result = gm.incident_rates(pd.Series(counts), population=pd.Series(people))
    assert result.params["overdispersion"] == pytest.approx(factor, rel=0.15)
    assert any("spread" in note for note in result.notes) == (factor == 3)


def test_rates_of_equal_variance_are_esdas():
    rng = np.random.default_rng(22)
    people = rng.integers(50, 2000, 300).astype(float)
    counts = rng.poisson(people * rng.gamma(5, 0.002, 300)).astype(float)
    np.testing.assert_allclose(standardised_rates(counts, people), esda.moran.assuncao_rate(counts, people))
