"""The spanning tree behind clusters of many points is the shortest there is, and gives scikit-learn's clusters."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN

from gridmap.hotspots import clusters
from gridmap.hotspots.hdbscan_tree import reachability_tree
from tests.hotspots.test_clusters import incidents_at, same_partition


def clumps(n: int, snap: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middle = rng.uniform(0, 10_000, (5, 2))[rng.integers(0, 5, 2 * n // 3)]
    xy = np.r_[middle + rng.normal(0, 150, middle.shape), rng.uniform(0, 10_000, (n - len(middle), 2))]
    return np.round(xy / snap) * snap if snap else xy


@pytest.mark.parametrize("n, snap, neighbours", [(2, 0, 1), (13, 0, 2), (60, 0, 60), (400, 0, 15), (400, 300, 8)])
def test_no_tree_is_shorter(n, snap, neighbours):
    xy = clumps(n, snap)
    apart = cdist(xy, xy)
    core = np.sort(apart, axis=1)[:, neighbours - 1]
    reach = np.maximum(np.maximum(apart, core[:, None]), core) + 1.0  # a dense graph has no ways of length 0
    np.fill_diagonal(reach, 0)
    one, other, metres = reachability_tree(xy, neighbours)
    np.testing.assert_allclose(metres + 1, np.sort(minimum_spanning_tree(reach).data), rtol=1e-12)
    np.testing.assert_allclose(metres + 1, reach[one, other], rtol=1e-12)
    joined = sparse.coo_array((np.ones(n - 1), (one, other)), shape=(n, n))
    assert sparse.csgraph.connected_components(joined, directed=False)[0] == 1


def test_places_that_hold_most_points_take_no_square_of_them():
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, 1000, (3, 2))[rng.integers(0, 3, 60_000)]  # pairs of a heap alone are 400 millions
    metres = reachability_tree(xy, 15)[2]
    assert (metres == 0).sum() == 60_000 - 3


@pytest.mark.parametrize("selection", ["eom", "leaf"])
def test_clusters_of_the_tree_are_scikit_learns(monkeypatch, selection):
    """With one neighbour hardly two ways are equally long, and the labels are the same to the last point."""
    at = clumps(600, 0) / 111_000
    points = incidents_at(at[:, 0], at[:, 1] + 53)
    monkeypatch.setattr(clusters, "ALL_PAIRS", 10)
    found = clusters.hdbscan(points, min_samples=1, selection=selection)
    theirs = HDBSCAN(min_cluster_size=15, min_samples=1, cluster_selection_method=selection, copy=True)
    assert same_partition(found.members["cluster_id"], theirs.fit(points.xy_m()).labels_)


def test_equal_ways_are_taken_in_one_order():
    """With many neighbours many ways are equally long: the order of the rows does not matter."""
    xy = clumps(1500, 0)
    mixed = np.random.default_rng(2).permutation(len(xy))
    one, other, _ = reachability_tree(xy, 15)
    again = reachability_tree(xy[mixed], 15)
    ways = {(min(a, b), max(a, b)) for a, b in zip(one, other, strict=True)}
    assert ways == {(min(a, b), max(a, b)) for a, b in zip(mixed[again[0]], mixed[again[1]], strict=True)}
