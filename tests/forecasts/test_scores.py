"""Scores against published numbers and by hand."""

import json

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError
from gridmap.forecasts.scores import (
    area_curve,
    block_bootstrap,
    brier,
    crps_poisson,
    hits_in_area,
    log_score,
    pit_values,
)


@pytest.fixture(scope="module")
def published(shared_data):
    return {entry["name"]: entry for entry in json.loads((shared_data / "reference_next.json").read_text())}


@pytest.mark.parametrize("name", ["pai_nij_grier_toa_1mo", "pai_nij_pasda_burg_1mo"])
def test_pai_of_the_nij_challenge(published, name):
    given = published[name]["input"]
    found = gm.pai(given["hits"], given["incidents"], given["area_ft2"], given["total_area_ft2"])
    assert found == pytest.approx(published[name]["expected"]["pai"], rel=1e-10)


@pytest.mark.parametrize("name", ["pai_ptools", "pai_simple"])
def test_pai_pei_and_rri_as_ptools_has_them(published, name):
    given, expected = published[name]["input"], published[name]["expected"]
    observed, predicted = np.array(given["observed"]), np.array(given["predicted"])
    order = expected.get("order") or np.lexsort((observed, -predicted))
    hits, best = observed[order].cumsum(), np.sort(observed)[::-1].cumsum()
    area = np.arange(1, len(order) + 1)
    assert gm.pai(hits, observed.sum(), area, len(order)) == pytest.approx(np.array(expected["pai"]))
    assert gm.pei(hits, best) == pytest.approx(np.array(expected["pei"]))
    assert gm.rri(hits, predicted[order].cumsum()) == pytest.approx(np.array(expected["rri"]))


def test_crps_and_log_score_of_counts(published):
    given = published["crps_poisson"]["input"]
    assert crps_poisson(given["lam"], given["y"]) == pytest.approx(
        np.array(published["crps_poisson"]["expected"]["crps"])
    )
    given, expected = published["log_score_poisson"]["input"], published["log_score_poisson"]["expected"]
    assert log_score(given["lam"], given["y"]) == pytest.approx(np.array(expected["log_score"]))


def test_ties_are_averaged_over_all_their_orders():
    """Nine cells tie for the last two places; by brute force over many orders of the rows."""
    rng = np.random.default_rng(0)
    expected = np.r_[5.0, 4.0, np.ones(9), 0.0]
    observed, area = rng.poisson(2, 12), np.ones(12)
    found = hits_in_area(expected, observed, area, 4)
    drawn = []
    for _ in range(20_000):
        order = rng.permutation(12)
        top = order[np.argsort(-expected[order], kind="stable")[:4]]
        drawn.append(observed[top].sum())
    assert found.hits == pytest.approx(np.mean(drawn), abs=0.1)
    assert (found.least, found.most) == (min(drawn), max(drawn))
    assert found.tied == 2
    assert found.best_hits == np.sort(observed)[-4:].sum()


def test_the_area_is_never_passed_and_small_cells_of_one_rank_come_first():
    found = hits_in_area([2, 1, 1, 1], [1, 1, 1, 1], [1.0, 3.0, 1.0, 1.0], 3.5)
    assert found.area == 3.0
    assert found.cells == 3
    assert hits_in_area([2, 1], [1, 1], [5.0, 5.0], 4).cells == 0


def test_more_hits_than_incidents_is_refused():
    with pytest.raises(InputError, match="in this order"):
        gm.pai(5, 4, 1, 10)
    with pytest.raises(InputError, match="one value a cell"):
        hits_in_area([1, 2], [1], [1, 1], 1)
    assert np.isnan(gm.pai(0, 0, 1, 10))


def test_the_curve_of_a_perfect_and_of_an_even_forecast():
    observed, area = np.array([4, 2, 1, 1]), np.ones(4)
    assert area_curve(observed, observed, area).attrs["area_under_curve"] > 0.6
    assert area_curve(np.ones(4), observed, area).attrs["area_under_curve"] == pytest.approx(0.5)


def test_pit_values_of_a_right_forecast_are_even_and_of_a_wrong_one_not():
    from scipy.stats import kstest

    rng = np.random.default_rng(3)
    expected = rng.gamma(2, 2, 4000)
    observed = rng.poisson(expected)
    assert kstest(pit_values(expected, observed, random_state=1), "uniform").pvalue > 0.01
    assert kstest(pit_values(expected * 1.5, observed, random_state=1), "uniform").pvalue < 1e-6


def test_brier_of_a_sure_thing():
    assert brier([1e9, 0.0], [3, 0]).tolist() == [0.0, 0.0]


def test_intervals_of_a_mean_hold_for_series_whose_neighbours_are_alike():
    """First-order autoregression with .5: plain resampling covers less, blocks come near to what is promised."""
    rng = np.random.default_rng(1)
    covered = {None: 0, 1: 0}
    for _ in range(150):
        noise, series = rng.normal(size=60), np.zeros(60)
        for t in range(1, 60):
            series[t] = 0.5 * series[t - 1] + noise[t]
        for block in covered:
            _, low, high = block_bootstrap(series, block=block, draws=400, random_state=0)
            covered[block] += low <= 0 <= high
    assert covered[None] > covered[1]
    assert covered[None] >= 0.8 * 150


def test_few_periods_have_a_mean_and_no_interval():
    mean, low, high = block_bootstrap([1.0, 2.0, np.nan])
    assert mean == 1.5
    assert np.isnan([low, high]).all()
    assert pd.isna(block_bootstrap([])[0])
