"""Local Moran: by hand, against esda, and what it says that Gi* cannot."""

import esda
import libpysal
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import gridmap as gm
from gridmap.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore:The alternative hypothesis:DeprecationWarning")  # esda's own


@pytest.fixture(scope="module")
def lattice():
    w = libpysal.weights.lat2W(20, 20, rook=False)
    return w, sparse.csr_array(w.sparse)


@pytest.mark.parametrize("transform", ["r", "b"])
def test_i_and_its_z_equal_esda(lattice, transform):
    w, adjacency = lattice
    y = np.random.default_rng(1).gamma(1.5, 3, 400)
    theirs = esda.Moran_Local(y, w, transformation=transform, permutations=0)
    ours = gm.local_moran(y, adjacency, row_standardise=transform == "r", permutations=0).cells
    np.testing.assert_allclose(ours["I"], theirs.Is, atol=1e-9, rtol=0)
    z = (theirs.Is * 400 / 399 - theirs.EIc) / np.sqrt(theirs.VIc)  # its I has n − 1, its moments n
    np.testing.assert_allclose(ours["z_score"], z, atol=1e-9, rtol=0)
    words = np.array(["", "high-high", "low-high", "low-low", "high-low"])
    assert (ours["quadrant"] == words[theirs.q]).all()


@pytest.mark.slow  # esda compiles for a while
def test_permutation_p_is_twice_the_folded_p_of_esda(lattice):
    w, adjacency = lattice
    y = np.random.default_rng(2).gamma(1.5, 3, 400)
    theirs = esda.Moran_Local(y, w, permutations=9_999, seed=3)
    ours = gm.local_moran(y, adjacency, permutations=9_999, random_state=4).cells
    np.testing.assert_allclose(ours["p_value"], np.minimum(1, 2 * theirs.p_sim), atol=0.06)


def test_z_is_gis_with_the_sign_of_the_cell(lattice):
    _, adjacency = lattice
    y = np.random.default_rng(2).gamma(1.5, 3, 400)
    gi = gm.getis_ord(y, adjacency, star=False).cells["z_score"]
    lisa = gm.local_moran(y, adjacency, permutations=0).cells["z_score"]
    np.testing.assert_allclose(lisa, np.sign(y - y.mean()) * gi, atol=1e-12)


def test_a_busy_cell_in_a_quiet_quarter_is_high_low(lattice):
    _, adjacency = lattice
    x = np.random.default_rng(0).poisson(30, 400)
    town = x.reshape(20, 20)
    town[:6, :6] = 5
    town[3, 3] = 60
    town[14:, 14:] = 60
    town[17, 17] = 5
    lisa = gm.local_moran(town.ravel(), adjacency, permutations=9_999, random_state=0).cells
    label = lisa["label"].to_numpy().reshape(20, 20)
    assert label[3, 3] == "high-low"
    assert label[17, 17] == "low-high"
    assert label[1, 1] == "low-low"
    assert label[18, 18] == "high-high"
    assert set(lisa["label"]) <= {"high-high", "low-low", "high-low", "low-high", "none"}
    assert ((lisa["label"] != "none") == (lisa["q_value"] <= 0.05)).all()
    assert lisa["significant"].equals(lisa["label"] != "none")


def test_row_standardising_changes_i_but_not_p(lattice):
    _, adjacency = lattice
    y = np.random.default_rng(5).poisson(3, 400)
    one = gm.local_moran(y, adjacency, permutations=199, random_state=1).cells
    two = gm.local_moran(y, adjacency, row_standardise=False, permutations=199, random_state=1).cells
    assert not np.allclose(one["I"], two["I"])
    pd.testing.assert_series_equal(one["p_value"], two["p_value"])


def test_too_few_permutations_for_so_many_tests_is_said(lattice):
    _, adjacency = lattice
    y = np.random.default_rng(7).poisson(4, 400)
    lisa = gm.local_moran(y, adjacency, permutations=99, refine=1, random_state=0)
    assert (lisa.cells["label"] == "none").all()
    assert any("With 99 permutations no p is below 0.02" in note for note in lisa.notes)


def test_an_island_has_i_0_and_no_p():
    near = sparse.diags_array([np.ones(8), np.ones(8)], offsets=[-1, 1])
    w = sparse.block_array([[near, None], [None, sparse.csr_array((1, 1))]])
    lisa = gm.local_moran(np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1]), w, random_state=0)
    assert lisa.cells["I"].iloc[9] == 0
    assert np.isnan(lisa.cells[["z_score", "p_value", "q_value"]].iloc[9].astype(float)).all()
    assert lisa.cells["label"].iloc[9] == "none"


def test_a_diagonal_is_refused():
    with pytest.raises(InputError, match="their own neighbours"):
        gm.local_moran(np.arange(10) * 3, np.ones((10, 10)))


def test_on_a_grid(small_grid):
    x = pd.Series(np.random.default_rng(1).poisson(4, len(small_grid)), small_grid.cells.index, name="count")
    lisa = gm.local_moran(x.to_frame(), small_grid, permutations=99, random_state=0)
    assert lisa.cells.index.equals(small_grid.cells.index)
    assert {"count", "I", "p_value", "q_value", "label", "geometry"} <= set(lisa.cells)
