"""Two periods compared: exact against scipy, by hand, with exposure, and every wrong use."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots import significance
from gridmap.hotspots.significance import binomial_p


def monthly(cells, *periods, freq="M", values=None):
    """Counts by cell and period, as count_by_cell gives them."""
    index = pd.MultiIndex.from_product([cells, [pd.Period(p, freq) for p in periods]], names=["cell_id", "period"])
    return pd.DataFrame({"count": np.asarray(values).ravel()}, index=index)


def test_p_equals_scipys_binomial_test():
    rng = np.random.default_rng(0)
    n = rng.integers(0, 80, 600)
    share = np.where(np.arange(600) < 200, 0.5, rng.choice([31 / 59, 0.1, 0.25, 0.9], 600))
    k = rng.binomial(n, share)
    expected = [stats.binomtest(int(a), int(b), c).pvalue if b else 1.0 for a, b, c in zip(k, n, share, strict=True)]
    np.testing.assert_allclose(binomial_p(k, n, share), expected, atol=1e-12)


@pytest.mark.parametrize("what", ["pmf", "cdf", "sf"])
def test_the_binomial_law_is_scipys_to_the_last_digit_wherever_scipy_keeps_it(what, monkeypatch):
    """scipy.stats takes half a second to import, so the compiled functions beneath it are called, where they are."""
    n, k = (v.ravel().astype(float) for v in np.meshgrid([0, 1, 7, 300, 10**8], [-1, 0, 1, 6, 7, 8, 299, 10**8 + 1]))
    for share in (0.0, 1e-9, 0.3, 1.0):
        share = np.full(len(n), share)
        known = getattr(stats.binom, what)(k, n, share)
        np.testing.assert_array_equal(significance._binomial(what, k, n, share), known)
        with monkeypatch.context() as patch:
            patch.setattr(significance, "scipy", SimpleNamespace(special=SimpleNamespace(_ufuncs=None), stats=stats))
            np.testing.assert_array_equal(significance._binomial(what, k, n, share), known)


def test_by_hand():
    counts = monthly(list("abc"), "2017-07", "2018-07", values=[[20, 52], [9, 11], [0, 0]])
    cells = gm.compare_periods(counts, before="2017-07", after="2018-07").cells
    a = cells.loc["a"]
    assert (a["before"], a["after"], a["difference"], a["expected"], a["ratio"]) == (20, 52, 32, 20, 2.6)
    assert a["p_value"] == pytest.approx(2 * stats.binom.sf(51, 72, 0.5))
    assert a["label"] == "up 99"
    nothing = cells.loc["c"]
    assert nothing["p_value"] == 1
    assert np.isnan(nothing[["ratio", "ratio_low", "ratio_high"]].astype(float)).all()
    np.testing.assert_allclose(cells["q_value"], stats.false_discovery_control(cells["p_value"]))


def test_interval_is_clopper_and_pearsons_as_a_ratio():
    counts = monthly(list("ab"), "2017-07", "2018-07", values=[[12, 30], [10, 0]])
    cells = gm.compare_periods(counts, before="2017-07", after="2018-07").cells
    low, high = stats.binomtest(30, 42).proportion_ci(0.95)
    assert cells.loc["a", ["ratio_low", "ratio_high"]].tolist() == pytest.approx([low / (1 - low), high / (1 - high)])
    assert cells.loc["b", "ratio_low"] == 0
    assert np.isfinite(cells.loc["b", "ratio_high"])
    assert (gm.compare_periods(counts, before="2018-07", after="2017-07").cells.loc["b", ["ratio", "ratio_high"]]
            == np.inf).all()  # fmt: skip


def test_months_of_unequal_length_are_weighed_by_their_days():
    counts = monthly(list("ab"), "2018-02", "2018-03", values=[[280, 310], [28, 31]])
    result = gm.compare_periods(counts, before="2018-02", after="2018-03")
    assert result.params["exposure"] == (28.0, 31.0)
    assert result.cells["expected"].tolist() == pytest.approx([310, 31])
    assert result.cells["ratio"].tolist() == pytest.approx([1, 1])
    assert result.cells["p_value"].min() > 0.95
    assert result.cells["difference"].tolist() == [30, 3]


def test_several_periods_on_a_side_and_a_year_as_one():
    counts = monthly(list("ab"), "2017-06", "2017-07", "2018-06", "2018-07", values=[[10, 11, 30, 31], [5, 5, 5, 5]])
    years = gm.compare_periods(counts, before="2017", after="2018")
    months = gm.compare_periods(counts, before=["2017-06", "2017-07"], after=["2018-06", "2018-07"])
    pd.testing.assert_frame_equal(years.cells, months.cells)
    assert years.cells["before"].tolist() == [21, 10]
    assert years.params["after"] == ["2018-06", "2018-07"]


def test_a_side_may_be_the_days_from_one_to_another():
    counts = monthly(list("ab"), "2017-06", "2017-07", "2018-06", "2018-07", values=[[10, 11, 30, 31], [5, 5, 5, 5]])
    found = gm.compare_periods(counts, before="2017-06-01/2017-07-31", after="2018-06-01/2018-07-31")
    assert found.cells["before"].tolist() == [21, 10]
    assert found.params["after"] == ["2018-06", "2018-07"]


def test_year_on_year_by_default():
    counts = monthly(list("ab"), "2017-07", "2018-06", "2018-07", values=[[10, 50, 31], [5, 50, 5]])
    result = gm.compare_periods(counts)
    assert (result.params["before"], result.params["after"]) == (["2017-07"], ["2018-07"])
    assert result.cells["before"].tolist() == [10, 5]


def test_against_the_territorys_own_change():
    """All doubled but one, which stayed: against the territory it is the one that changed."""
    counts = {"before": np.array([50, 60, 70, 80]), "after": np.array([100, 120, 140, 80])}
    plain = gm.compare_periods(counts, before="before", after="after").cells
    relative = gm.compare_periods(counts, before="before", after="after", against="territory").cells
    assert plain["label"].tolist() == ["up 99"] * 3 + ["none"]
    assert relative["label"].tolist()[3] == "down 99"
    assert relative["expected"].tolist() == pytest.approx((np.array([50, 60, 70, 80]) * 440 / 260).tolist())


def test_exposure_per_cell():
    counts = {"before": np.array([50, 50]), "after": np.array([100, 100])}
    people = (np.array([1000, 1000]), np.array([2000, 1000]))
    cells = gm.compare_periods(counts, before="before", after="after", exposure=people).cells
    assert cells["ratio"].tolist() == [1, 2]
    assert cells["label"].tolist() == ["none", "up 99"]


def test_on_a_grid_in_its_order(small_grid):
    cells = small_grid.cells.index
    values = np.random.default_rng(0).poisson(3, (len(cells), 2))
    counts = monthly(cells, "2017-07", "2018-07", values=values)
    result = gm.compare_periods(counts, small_grid, before="2017-07", after="2018-07")
    assert result.cells.index.equals(cells)
    assert result.cells["after"].tolist() == values[:, 1].tolist()
    assert "geometry" in result.cells
    with pytest.raises(InputError, match="not in the grid's order"):
        gm.compare_periods(counts.iloc[::-1], small_grid, before="2017-07", after="2018-07")
    with pytest.raises(InputError, match="missing"):
        gm.compare_periods(counts.iloc[2:], small_grid, before="2017-07", after="2018-07")


COUNTS = monthly(list("ab"), "2017-07", "2018-07", values=[[20, 52], [9, 11]])


@pytest.mark.parametrize(
    "counts, options, message",
    [
        (COUNTS, {"before": "2016-07", "after": "2018-07"}, "no period '2016-07'.*2017-07, 2018-07"),
        (COUNTS, {"before": "2018-07", "after": "2018-07"}, "both before and after"),
        (COUNTS, {"before": "last year", "after": "2018-07"}, "no period 'last year'"),
        (COUNTS, {"against": "terrain"}, "Did you mean 'territory'"),
        (COUNTS, {"exposure": 3}, "exposure is a pair"),
        (COUNTS, {"exposure": (0, 1)}, "above 0"),
        (COUNTS, {"exposure": ("x", "y")}, "One value a cell"),
        (COUNTS, {"before": []}, "before= names no period"),
        (COUNTS // 5, {}, "fewer than 30"),
        (COUNTS.xs("2017-07", level="period"), {}, "by cell and period are wanted"),
        (COUNTS.rename(columns={"count": "n"}), {}, "no column 'count'"),
        (COUNTS.mul([1, 1, 0, 0], axis=0), {}, "in one cell"),
        (COUNTS.mul([-1, 1, 1, 9], axis=0), {}, "negative"),
        (COUNTS / 7, {}, "whole numbers"),
        ({}, {}, "no periods"),
        ({"a": [40, 1], "b": [1, 2]}, {}, "before= must be named"),
        (COUNTS.iloc[:3], {}, "no count in some period"),
        (pd.concat([COUNTS, COUNTS]), {}, "occurs twice"),
    ],
)
def test_wrong_use_is_named(counts, options, message):
    with pytest.raises((InputError, SettingError), match=message):
        gm.compare_periods(counts, **options)


@pytest.mark.slow
def test_the_interval_of_the_totals_allows_for_weeks_that_vary_more_than_counts():
    rng, cells = np.random.default_rng(31), [f"c{i}" for i in range(40)]
    weeks = pd.period_range("2024-01-01", periods=16, freq="W")

    def total(factor, seed):
        rng = np.random.default_rng(seed)
        mean = np.full(16, 200.0) if factor == 1 else rng.gamma(200 / (factor - 1), factor - 1, 16)
        counts = rng.poisson(np.repeat(mean[:, None] / 40, 40, axis=1))
        index = pd.MultiIndex.from_product([cells, weeks], names=["cell_id", "period"])
        return gm.compare_periods(
            pd.Series(counts.T.ravel(), index, name="count"), before=weeks[:8], after=weeks[8:]
        ).params

    covered = dict.fromkeys((1, 2), 0)
    factors = []
    for seed in range(60):
        for factor in covered:
            found = total(factor, seed)
            covered[factor] += found["total_ratio_low"] <= 1 <= found["total_ratio_high"]
            factors += [found["extra_variation"]] if factor == 2 else []
    assert all(n >= stats.binom.ppf(0.005, 60, 0.93) for n in covered.values())
    assert np.median(factors) == pytest.approx(2, abs=0.6)
    few = pd.Series(rng.poisson(5, 80), pd.MultiIndex.from_product([cells, weeks[:2]], names=["cell_id", "period"]))
    assert gm.compare_periods(few.rename("count"), before=weeks[0], after=weeks[1]).params["extra_variation"] is None


def test_weighted_sums_are_refused():
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["cell_id", "period"])
    harm = pd.DataFrame({"count": [50, 60, 70, 80], "incidents": [5, 6, 7, 8]}, index)
    with pytest.raises(InputError, match="weighted sums"):
        gm.compare_periods(harm, before=1, after=2)


def test_the_e_test_gives_the_published_p():
    """Krishnamoorthy & Thomson 2004; both printed by the R package ptools."""
    from gridmap.hotspots.change import e_test_p

    assert e_test_p(np.array([3, 6]), np.array([0, 2])) == pytest.approx([0.088379, 0.174875], abs=2e-6)


def test_mid_p_and_the_e_test_lie_below_the_exact_p_and_keep_their_promise():
    """Cells that did not change, of six incidents a period: exact is far below 5 %, the others near it."""
    rng = np.random.default_rng(3)
    before, after = rng.poisson(6, 4000), rng.poisson(6, 4000)
    periods = {"2023": pd.Series(before), "2024": pd.Series(after)}
    rates = {}
    for test in ("exact", "mid-p", "e-test"):
        found = gm.compare_periods(periods, before="2023", after="2024", test=test, correction="none")
        assert found.params["test"] == test
        rates[test] = (found.cells["p_value"] <= 0.05).mean()
    assert rates["exact"] < 0.035
    assert rates["exact"] < rates["mid-p"] < 0.06
    assert rates["exact"] < rates["e-test"] < 0.06


def test_a_test_of_change_that_there_is_not_is_refused():
    periods = {"2023": pd.Series([20, 30]), "2024": pd.Series([25, 31])}
    with pytest.raises(SettingError, match="Did you mean 'exact'"):
        gm.compare_periods(periods, before="2023", after="2024", test="exakt")
