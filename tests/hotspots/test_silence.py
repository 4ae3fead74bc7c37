"""Quiet cells: the formula by hand, planted silences, and few false alarms where nobody keeps silent."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse, stats

from gridmap.errors import InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.silence import QUIET, quiet_cells


def lattice(side):
    one = sparse.diags_array([np.ones(side - 1), np.ones(side - 1)], offsets=[-1, 1]) + sparse.eye_array(side)
    both = sparse.kron(one, one).tocsr()
    both.setdiag(0)
    both.eliminate_zeros()
    return sparse.csr_array(both)


def test_expectation_by_hand():
    near = lattice(6)
    rng = np.random.default_rng(0)
    people = rng.integers(100, 900, 36).astype(float)
    count = rng.poisson(people * rng.gamma(4, 0.01, 36))
    found = quiet_cells(pd.Series(count), near, population=people)
    mean = count.sum() / people.sum()
    variance = (people * (count / people - mean) ** 2).sum() / people.sum() - mean / people.mean()
    assert variance > 0
    for i in (0, 7, 35):
        j = near[[i]].indices
        rate = (count[j].sum() + mean**2 / variance) / (people[j].sum() + mean / variance)
        assert found.cells["expected"].iloc[i] == pytest.approx(people[i] * rate)
        k = found.params["size"]
        tail = stats.nbinom.cdf(count[i], k, k / (k + people[i] * rate))
        assert found.cells["p_value"].iloc[i] == pytest.approx(tail)


def test_size_is_the_most_likely_one():
    near, rng = lattice(12), np.random.default_rng(1)
    found = quiet_cells(pd.Series(rng.negative_binomial(3, 3 / 23, 144)), near)
    cells = found.cells
    sizes = np.geomspace(0.1, 100, 400)
    fit = [stats.nbinom.logpmf(cells["count"], k, k / (k + cells["expected"])).sum() for k in sizes]
    assert found.params["size"] == pytest.approx(sizes[np.argmax(fit)], rel=0.02)


def test_planted_silence_is_named_and_a_small_village_is_not():
    near, rng = lattice(15), np.random.default_rng(2)
    people = rng.integers(500, 3000, 225).astype(float)
    people[20] = 20
    count = rng.poisson(people * 0.02)
    silent = [40, 112, 180]
    people[silent] = 2000
    count[silent] = [1, 0, 2]
    count[20] = 0
    found = quiet_cells(pd.Series(count), near, population=people).cells
    assert set(found.index[found["label"] == QUIET]) == set(silent)
    assert found["p_value"].iloc[20] > 0.3


def test_silence_is_not_excused_by_a_busy_neighbour_nor_found_where_all_is_quiet():
    near, rng = lattice(10), np.random.default_rng(3)
    quiet_half = np.repeat([2, 40], 50)  # a border between two districts is no silence
    count = pd.Series(rng.poisson(quiet_half))
    assert (quiet_cells(count, near).cells["label"] == "none").all()


def test_border_cells_are_expected_to_hold_less():
    zone = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.Point(-1.55, 53.75).buffer(0.04)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=1000)
    inside = (grid.cells["area_m2"] * grid.cells["share_inside"]).to_numpy()
    count = np.random.default_rng(4).poisson(30 * inside / 1e6)
    found = quiet_cells(pd.DataFrame({"count": count}, index=grid.cells.index), grid)
    assert isinstance(found.cells, gpd.GeoDataFrame)
    assert found.params["population"] == "area inside the territory"
    assert (found.cells["label"] == "none").all()
    corner = grid.cells["share_inside"].to_numpy().argmin()
    assert found.cells["expected"].iloc[corner] < 0.2 * found.cells["expected"].max()


def test_cells_without_people_are_not_judged():
    count = pd.Series(np.random.default_rng(5).poisson(20, 36))
    people = np.full(36, 100.0)
    people[4], count[4] = 0, 0
    found = quiet_cells(count, lattice(6), population=people)
    assert np.isnan(found.cells["p_value"].iloc[4])
    assert found.cells["label"].iloc[4] == "none"
    assert "1 cells without population" in found.notes[0]


def test_where_nothing_could_be_told_the_result_says_so():
    count = pd.Series(np.random.default_rng(6).poisson(0.5, 100))
    assert "longer period" in quiet_cells(count, lattice(10)).notes[-1]


@pytest.mark.parametrize(
    ("count", "options", "error", "message"),
    [
        (np.zeros(36), {}, InputError, "0 incidents"),
        (np.r_[90, np.zeros(35)], {}, InputError, "one cell"),
        (np.full(36, 3.5), {}, InputError, "whole numbers"),
        (np.full(36, 3), {"population": np.zeros(36)}, InputError, "population of 0"),
        (np.full(36, 3), {"population": "persons"}, SettingError, "Grid"),
        (np.full(36, 3), {"fdr": 5}, SettingError, "fdr"),
        (np.full(35, 3), {}, InputError, "35 values"),
        (np.r_[np.nan, np.full(35, 3)], {}, InputError, "finite"),
    ],
)
def test_bad_input_is_refused_by_name(count, options, error, message):
    with pytest.raises(error, match=message):
        quiet_cells(pd.Series(count), lattice(6), **options)


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["poisson", "negative binomial", "smooth"])
def test_false_alarms_are_not_more_than_promised(truth):
    near, rng = lattice(12), np.random.default_rng(7)
    x, y = np.divmod(np.arange(144), 12)
    alarms = 0
    for _ in range(400):
        people = rng.integers(200, 2000, 144)
        mean = people * 0.02
        if truth == "smooth":
            mean = mean * np.exp(0.8 * np.sin(x / 3) * np.cos(y / 4))
        if truth == "negative binomial":
            mean = mean * rng.gamma(5, 1 / 5, 144)
        found = quiet_cells(pd.Series(rng.poisson(mean)), near, population=people.astype(float))
        alarms += bool((found.cells["label"] == QUIET).any())
    assert alarms <= stats.binom.ppf(0.995, 400, 0.05)
