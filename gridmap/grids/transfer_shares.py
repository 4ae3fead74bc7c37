"""Values shared out by weights: totals to the last one, averages, labels, and what the sharing may be off by."""

import numpy as np
import pandas as pd
from scipy import sparse

__all__ = ["average", "largest", "scatter", "share_out", "sharing_error"]

UNIT = 2.0**20  # shares are multiples of 1 / UNIT: sums of them are exact


def share_out(values: np.ndarray, weights: sparse.csr_array) -> tuple[np.ndarray, float]:
    """Values times weights, every source's shares in whole 1 / UNIT that sum to its value exactly."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    held = np.diff(weights.indptr) > 0
    lost = float(values[~held].sum())
    exact = bool(np.all(values * UNIT == np.round(values * UNIT)) and np.abs(values).sum() < 2**32)
    share = values[rows] * weights.data
    if not exact:
        return np.bincount(weights.indices, share, minlength=weights.shape[1]), lost
    whole = np.floor(share * UNIT)
    missing = np.round(values * UNIT) - np.bincount(rows, whole, minlength=len(values))
    order = np.lexsort((whole - share * UNIT, rows))  # largest remainder first, row by row
    place = np.arange(len(order)) - weights.indptr[rows[order]]
    size = np.diff(weights.indptr)[rows[order]]
    extra = np.floor(missing[rows[order]] / size) + (place < np.mod(missing[rows[order]], size))
    whole[order] += extra
    return np.bincount(weights.indices, whole, minlength=weights.shape[1]) / UNIT, lost


def scatter(frames, ways, grid) -> dict[str, float]:
    """How unevenly incidents lie inside a cell: 0 for even, 1 for all in one place, by column.

    Estimated one scale up: how unevenly the total of a cell and its neighbours lies over them (the intra-class
    correlation of a Dirichlet-multinomial, by moments).
    """
    near = grid.adjacency()
    near = near + sparse.eye_array(near.shape[0], format="csr")
    size = grid.cells["area_m2"].to_numpy(float)
    group = near @ size
    found = {}
    for name in [c for c, w in ways.items() if w == "sum"]:
        count = sum(np.nan_to_num(frame[name].to_numpy(float)) for _, frame in frames)
        total = near @ count
        share = size / group
        spread = (count - total * share) ** 2
        even = total * share * (1 - share)
        many = (total * (total - 1) * share * (1 - share)).clip(0)
        found[name] = float(np.clip((spread.sum() - even.sum()) / max(many.sum(), 1e-12), 0, 1))
    return found


def sharing_error(values, weights, scattered: float, by: str) -> np.ndarray:
    """One standard error of each target's total: what the sharing of cut cells may be off by."""
    if by == "points":
        return np.zeros(weights.shape[1])
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    number = values[rows].clip(0)
    spread = number * weights.data * (1 - weights.data) * (1 + (number - 1).clip(0) * scattered)
    return np.sqrt(np.bincount(weights.indices, spread, minlength=weights.shape[1]))


def average(values: np.ndarray, cover: sparse.csr_array) -> np.ndarray:
    """Means by area; what is not known has no weight."""
    known = np.isfinite(values)
    weight = cover.T @ known.astype(float)
    with np.errstate(invalid="ignore"):
        return np.where(weight > 0, (cover.T @ np.where(known, values, 0.0)) / np.where(weight > 0, weight, 1), np.nan)


def largest(column: pd.Series, cover: sparse.csr_array) -> np.ndarray:
    """The value that covers most of each target."""
    codes, names = pd.factorize(column)
    known = codes >= 0
    table = sparse.coo_array(
        (np.ones(known.sum()), (np.flatnonzero(known), codes[known])), shape=(len(column), max(len(names), 1))
    ).tocsr()
    held = (cover.T @ table).toarray()
    best = held.argmax(axis=1)
    if not len(names):
        return np.full(cover.shape[1], None, object)
    found = np.asarray(names)[best].astype(object)
    found[held.max(axis=1) <= 0] = None
    return found
