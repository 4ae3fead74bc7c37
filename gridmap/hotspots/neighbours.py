"""Who is whose neighbour: the other thing every statistic over cells needs.

By steps from cell to cell, by distance between centres, or as a matrix of the user's own. Weights may be any
numbers from 0; they need not be symmetric (the k nearest are not).
"""

import numpy as np
import pandas as pd
import scipy
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import Note

__all__ = ["neighbour_weights", "refuse_diagonal", "row_standardised", "within_distance"]


def within_distance(xy_m: np.ndarray, distance_m: float) -> sparse.csr_array:
    """Which places lie within a distance of each other, the distance itself included.

    Parameters
    ----------
    xy_m : ndarray of float, shape (n, 2)
        Metres.
    distance_m : float

    Returns
    -------
    csr_array, shape (n, n), 0/1, symmetric, nothing on the diagonal
    """
    pairs = scipy.spatial.cKDTree(xy_m).query_pairs(distance_m, output_type="ndarray")
    both = np.concatenate([pairs, pairs[:, ::-1]])
    entries = (np.ones(len(both)), (both[:, 0], both[:, 1]))
    return sparse.csr_array(sparse.coo_array(entries, shape=(len(xy_m), len(xy_m))))


def neighbour_weights(grid, *, order: int = 1, distance_m: float | None = None, n: int) -> sparse.csr_array:
    """Who is whose neighbour, as weights ≥ 0.

    Parameters
    ----------
    grid : Grid, scipy sparse, square array, or a libpysal W or Graph
        A `Grid` gives neighbours by `order` or `distance_m`; a matrix is taken as it is: any weights ≥ 0,
        symmetric or not, a diagonal kept for the method to accept or refuse.
    order : int
        Steps between neighbours.
    distance_m : float, optional
        Neighbours are the cells whose centres lie within this distance; replaces `order`.
    n : int
        How many cells there must be.
    """
    if isinstance(grid, Grid):
        weights = grid.adjacency(order) if distance_m is None else _distance_band(grid, order, distance_m)
    else:
        weights = given_weights(grid)
        if distance_m is not None or order != 1:
            raise SettingError(Note("hotspots.order_on_matrix"))
    if weights.shape != (n, n):
        raise InputError(Note("hotspots.neighbours_length", n=n, value=weights.shape[0], value2=weights.shape[1]))
    weights = sparse.csr_array(weights, dtype=float)
    weights.sum_duplicates()
    weights.eliminate_zeros()
    if not np.isfinite(weights.data).all() or (weights.data < 0).any():
        raise InputError(Note("hotspots.weights_finite_between"))
    if weights.nnz == np.count_nonzero(weights.diagonal()):
        raise InputError(Note("hotspots.no_neighbours"))
    return weights


def given_weights(matrix) -> sparse.csr_array:
    if isinstance(matrix, pd.DataFrame):
        raise InputError(Note("hotspots.frame_for_grid"))
    matrix = getattr(matrix, "sparse", matrix)  # a libpysal W or Graph
    is_matrix = sparse.issparse(matrix) or (isinstance(matrix, np.ndarray) and matrix.ndim == 2)
    if not is_matrix or matrix.dtype.kind not in "biuf":
        found = f"{type(matrix).__name__} of {matrix.dtype}" if is_matrix else type(matrix).__name__
        raise InputError(Note("hotspots.grid_or_matrix", found=found))
    return sparse.csr_array(matrix)


def _distance_band(grid: Grid, order: int, distance_m: float) -> sparse.csr_array:
    if order != 1:
        raise SettingError(Note("hotspots.order_and_distance"))
    if (
        isinstance(distance_m, bool)
        or not isinstance(distance_m, int | float | np.number)
        or not 0 < distance_m < np.inf
    ):
        raise SettingError(Note("hotspots.distance_length", distance_m=distance_m))
    if distance_m < 1:
        raise SettingError(Note("hotspots.distance_degrees", distance_m=distance_m))
    weights = within_distance(grid.centroids_m, float(distance_m))
    if weights.nnz == 0:
        near = scipy.spatial.cKDTree(grid.centroids_m).query(grid.centroids_m, k=min(2, len(grid)))[0][:, -1]
        raise SettingError(Note("hotspots.distance_too_short", distance_m=distance_m, value=near.min()))
    return weights


def refuse_diagonal(weights: sparse.csr_array, statistic: str) -> None:
    """A cell is not its own neighbour, except for Gi*."""
    if weights.diagonal().any():
        raise InputError(
            Note("hotspots.diagonal_refused", statistic=statistic, value=np.count_nonzero(weights.diagonal()))
        )


def row_standardised(weights: sparse.csr_array) -> sparse.csr_array:
    """Each row divided by its sum; rows without neighbours stay empty."""
    total = weights.sum(axis=1)
    return sparse.csr_array(sparse.diags_array(1 / np.where(total > 0, total, 1.0)) @ weights)
