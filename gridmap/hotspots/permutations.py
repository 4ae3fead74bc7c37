"""Conditional permutations: how unusual are a cell's neighbours, if all other values were dealt anew?

For cell i its own value stays; the values of all other cells are shuffled, and i's neighbours get some of
them: k values drawn without replacement from the n − 1 others. Repeated 999 times, this is a reference
distribution without any assumption about the counts. (Anselin 1995; idea of Fisher's permutation test.)

Each cell has its own stream of random numbers, made from the seed and the cell's row. So the answer does
not depend on how the cells are spread over threads, and the cells' p-values do not share one set of draws.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit
from scipy import sparse

__all__ = ["tally_permutations", "two_sided_p"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def tally_permutations(
    values: np.ndarray, weights: sparse.csr_array, permutations: int, seed: int, *, threads: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """How many permutations give each cell a weighted sum of neighbours as large, and as small, as observed.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    weights : csr_array, shape (n, n)
        Nothing on the diagonal: the cell's own value is never shuffled, so it cannot matter.
    permutations : int
    seed : int
    threads : int, optional
        All cores by default. The answer is the same for any number.

    Returns
    -------
    at_least, at_most : ndarray of int64, shape (n,)
        Ties count on both sides, which keeps the test honest where many cells are empty.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    weights = sparse.csr_array(weights, dtype=np.float64, copy=True)
    n = len(values)
    # The comparison does not change when a row is scaled; with equal weights the sums of counts are then exact.
    largest = np.ones(n)
    filled = np.diff(weights.indptr) > 0
    largest[filled] = np.maximum.reduceat(weights.data, weights.indptr[:-1][filled])
    weights.data /= np.repeat(largest, np.diff(weights.indptr))
    rows = weights.indptr.astype(np.int64)
    columns = weights.indices.astype(np.int64)
    at_least, at_most = np.zeros(n, np.int64), np.zeros(n, np.int64)
    threads = threads or _cores()
    cuts = np.linspace(0, n, min(n, 8 * threads) + 1).astype(np.int64)

    def one_share(share):
        arrays = values, rows, columns, weights.data
        _tally(*share, *arrays, permutations, np.uint64(seed), at_least, at_most)  # releases the GIL

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one_share, pairwise(cuts)))
    return at_least, at_most


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def two_sided_p(at_least: np.ndarray, at_most: np.ndarray, permutations: int) -> np.ndarray:
    """Twice the smaller tail, the observed arrangement counted in, at most 1.

    Examples
    --------
    >>> two_sided_p(np.array([0, 400]), np.array([99, 600]), 99).round(2).tolist()
    [0.02, 1.0]
    """
    return np.minimum(1, 2 * (np.minimum(at_least, at_most) + 1) / (permutations + 1))


@njit(nogil=True, cache=True)
def _tally(first, last, values, rows, columns, weights, permutations, seed, at_least, at_most):  # pragma: no cover
    n = len(values)
    pool = values.copy()
    most = 0
    scale = 0.0
    for i in range(n):
        most = max(most, rows[i + 1] - rows[i])
        scale = max(scale, abs(values[i]))
    swapped = np.empty(most, np.int64)
    for i in range(first, last):
        start, k = rows[i], rows[i + 1] - rows[i]
        if k == 0:
            continue
        observed = 0.0
        for t in range(k):
            observed += weights[start + t] * values[columns[start + t]]
        tie = 1e-12 * scale * k
        state = _mixed(seed ^ _mixed(np.uint64(i) + _GOLDEN))
        pool[i], pool[n - 1] = pool[n - 1], pool[i]  # its own value out of the pool
        for _ in range(permutations):
            drawn = 0.0
            for t in range(k):
                state += _GOLDEN
                span = np.uint64(n - 1 - t)
                j = t + np.int64(((_mixed(state) >> np.uint64(32)) * span) >> np.uint64(32))
                swapped[t] = j
                pool[t], pool[j] = pool[j], pool[t]
                drawn += weights[start + t] * pool[t]
            for t in range(k - 1, -1, -1):  # back, so that a cell's draws do not depend on the cells before it
                j = swapped[t]
                pool[t], pool[j] = pool[j], pool[t]
            at_least[i] += drawn >= observed - tie
            at_most[i] += drawn <= observed + tie
        pool[i], pool[n - 1] = pool[n - 1], pool[i]


@njit(nogil=True, cache=True)
def _mixed(z):  # pragma: no cover
    """Splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
