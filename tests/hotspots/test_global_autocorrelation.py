"""Moran's I, Geary's C, the general G: published numbers, esda, and every wrong use."""

import json

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
from libpysal import examples
from scipy import sparse, stats

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.grids.counts_table import Counts, CountsAbout


def example(name):
    """One of libpysal's example files, read and closed."""
    file = libpysal.io.open(examples.get_path(name))
    try:
        return file.by_col["HR8893"] if name.endswith(".txt") else file.read().sparse
    finally:
        file.close()


@pytest.fixture(scope="module")
def columbus():
    frame = gpd.read_file(examples.get_path("columbus.shp"))
    w = libpysal.weights.Rook.from_dataframe(frame, use_index=False)
    return frame["CRIME"].to_numpy(), w, sparse.csr_array(w.sparse)


def test_published_moran_of_the_st_louis_homicides(shared_data):
    reference = json.loads((shared_data / "reference.json").read_text())["moran_stl"]
    values = np.array(example("stl_hom.txt"))
    adjacency = example("stl.gal")
    moran = gm.global_moran(values, adjacency)
    assert pytest.approx(reference["I"], abs=1e-9) == moran.I
    assert moran.p_value / 2 == pytest.approx(reference["p_normal_one_sided"], abs=1e-9)


def test_published_geary_of_the_columbus_crimes(shared_data, columbus):
    reference = json.loads((shared_data / "reference.json").read_text())["geary_columbus"]
    values, _, adjacency = columbus
    geary = gm.global_geary(values, adjacency)
    assert pytest.approx(reference["C"], abs=1e-9) == geary.C
    assert geary.z_normality == pytest.approx(reference["z_normal"], abs=1e-5)


@pytest.mark.parametrize("transform", ["r", "b"])
def test_moran_and_geary_equal_esda(columbus, transform):
    values, w, adjacency = columbus
    m = esda.Moran(values, w, transformation=transform, permutations=0)
    ours = gm.global_moran(values, adjacency, row_standardise=transform == "r")
    mine = [ours.I, ours.expected, ours.variance_normality, ours.variance_randomisation, ours.p_randomisation]
    assert mine == pytest.approx([m.I, m.EI, m.VI_norm, m.VI_rand, m.p_rand], abs=1e-9)
    g = esda.Geary(values, w, transformation=transform, permutations=0)
    ours = gm.global_geary(values, adjacency, row_standardise=transform == "r")
    mine = [ours.C, ours.variance_normality, ours.variance_randomisation, ours.p_normality / 2]
    assert mine == pytest.approx([g.C, g.VC_norm, g.VC_rand, g.p_norm], abs=1e-9)


def test_general_g_equals_esda(columbus):
    values, w, adjacency = columbus
    g = esda.G(values, w, permutations=0)
    ours = gm.global_getis_ord(values, adjacency)
    mine = [ours.G, ours.expected, ours.variance_randomisation, ours.z_score, ours.p_value / 2]
    assert mine == pytest.approx([g.G, g.EG, g.VG, g.z_norm, g.p_norm], abs=1e-9)


def test_one_sided_neighbours_equal_esda():
    points = np.random.default_rng(0).uniform(size=(60, 2))
    w = libpysal.weights.KNN.from_array(points, k=4)
    y = np.random.default_rng(1).gamma(2, 2, 60)
    m, c = esda.Moran(y, w, permutations=0), esda.Geary(y, w, permutations=0)
    ours, apart = gm.global_moran(y, w.sparse), gm.global_geary(y, w.sparse)
    assert [ours.I, ours.variance_normality, ours.variance_randomisation] == pytest.approx([m.I, m.VI_norm, m.VI_rand])
    assert [apart.C, apart.variance_normality, apart.variance_randomisation] == pytest.approx(
        [c.C, c.VC_norm, c.VC_rand]
    )


def test_moran_of_a_chessboard_is_minus_one():
    board = np.indices((6, 6)).sum(axis=0).ravel() % 2
    w = libpysal.weights.lat2W(6, 6).sparse
    assert pytest.approx(-1) == gm.global_moran(board, w, row_standardise=False).I


def test_permutation_moments_agree_with_randomisation():
    """The analytic variance under randomisation is that of shuffled values: p must be near it."""
    w = libpysal.weights.lat2W(15, 15).sparse
    y = np.random.default_rng(3).gamma(1, 2, 225)
    for method in (gm.global_moran, gm.global_geary, gm.global_getis_ord):
        found = method(y, w, permutations=4_999, random_state=0)
        assert found.p_value == found.p_permutation
        assert found.p_permutation == pytest.approx(found.p_randomisation, abs=0.06)
        again = method(y, w, permutations=4_999, random_state=0)
        assert again.p_value == found.p_value


def test_the_letter_belongs_to_the_statistic():
    w = libpysal.weights.lat2W(5, 5).sparse
    moran = gm.global_moran(np.arange(25.0), w)
    assert moran.statistic == moran.I
    assert not hasattr(moran, "C")
    assert "global_moran: I = " in repr(moran)
    assert moran.z_score == moran.z_normality
    assert gm.global_moran(np.arange(25.0), w, assumption="randomisation").p_value == moran.p_randomisation


def test_on_a_grid(small_grid):
    x = pd.DataFrame({"count": np.random.default_rng(1).poisson(4, len(small_grid))}, small_grid.cells.index)
    a = gm.global_moran(x, small_grid, order=2)
    b = gm.global_moran(x["count"], small_grid.adjacency(2))
    assert a.I == b.I
    near = gm.global_moran(x, small_grid, distance_m=500)
    assert near.params["distance_m"] == 500
    assert near.I != a.I


@pytest.mark.parametrize(
    "values, options, message",
    [
        (np.full(25, 3.3), {}, "same value"),
        (np.r_[np.nan, np.arange(24.0)], {}, "no finite number"),
        (np.arange(24.0), {}, "24 values but neighbours for 25"),
        (pd.Series(np.r_[9, np.zeros(23), 1], name="count"), {}, "fewer than 30"),
        (np.arange(25.0), {"assumption": "normal"}, "Did you mean 'normality'"),
        (np.arange(25.0), {"permutations": -1}, "permutations"),
        (np.arange(25.0), {"row_standardise": "no"}, "row_standardise is True or False"),
        (pd.Series(pd.date_range("2020", periods=25)), {}, "must be numbers"),
    ],
)
def test_wrong_use_is_named(values, options, message):
    with pytest.raises((InputError, SettingError), match=message):
        gm.global_moran(values, libpysal.weights.lat2W(5, 5).sparse, **options)


def test_a_diagonal_no_neighbours_and_negative_values_are_refused():
    y = np.arange(25.0)
    with pytest.raises(InputError, match="their own neighbours"):
        gm.global_moran(y, np.ones((25, 25)))
    with pytest.raises(InputError, match="No cell has a neighbour"):
        gm.global_geary(y, sparse.csr_array((25, 25)))
    with pytest.raises(InputError, match="12 are negative"):
        gm.global_getis_ord(y - 12, libpysal.weights.lat2W(5, 5).sparse)
    with pytest.raises(InputError, match="at least 4 cells"):
        gm.global_moran(y[:3], np.ones((3, 3)) - np.eye(3))


def test_one_heavy_incident_makes_no_pattern():
    """Sums of weights, one of 10,000 among ones: p is from rearrangements, whatever the normal law says."""
    side = 12
    line = sparse.diags_array([np.ones(side - 1), np.ones(side - 1)], offsets=[-1, 1])
    square = sparse.csr_array(sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line))
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cell, weight = rng.integers(0, side**2, 300), np.ones(300)
        weight[0] = 10_000
        sums = np.bincount(cell, weight, minlength=side**2)
        about = CountsAbout(kind="weighted", weight="harm", rows=300, weights=((1.0, 299), (10_000.0, 1)))
        counts = Counts({"count": sums, "incidents": np.bincount(cell, minlength=side**2)}, about=about)
        found = gm.global_geary(counts, square)
        assert found.params["permutations"] == 999
        assert found.p_value == found.p_permutation
        alarms += found.p_value <= 0.05
    assert alarms <= stats.binom.ppf(0.999, 20, 0.05)
