"""How likely is so large a sum, if the values of all cells were dealt anew? Counted, not drawn.

Shuffle the values of all n cells and look at the sum over a neighbourhood of m cells: it is the sum of m values drawn
without replacement. Of the (n choose m) ways to draw them, how many give at least the sum that was seen? For whole
numbers this can be counted: multiply, over the different values v with multiplicity c, the polynomials
(1 + t x^v)^c and read the coefficient of t^m x^s. No seed, no normal approximation, and p-values as small as they are.

The cell's own value takes part in the shuffle, as it does in Gi*. (Conditional permutations, in `permutations`, never
move it: they test a cell's neighbours, given the cell.)

Values that are not whole, or large, are rounded to 32,768 steps of the largest sum first. The p-value is then the exact
one of the sum of the rounded values, so the test keeps its level whatever the values are: weighted sums, fractions.

Source: Pagano & Tritchler 1983; Streitberg & Röhmel 1986 (the shift algorithm).
"""

import numpy as np
from numba import njit
from scipy import sparse

__all__ = ["subset_sum_p", "subset_sum_tails"]

STEPS = 32_768  # of the largest sum that m cells can have


def subset_sum_p(values: np.ndarray, weights: sparse.csr_array) -> np.ndarray:
    """Two-sided exact permutation p-values of sums over neighbourhoods.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        0 or more.
    weights : csr_array, shape (n, n)
        The cells that are summed, the cell itself among them; within a row all weights are equal.

    Returns
    -------
    ndarray of float, shape (n,)
        Twice the smaller tail, at most 1; the observed sum belongs to both tails.
    """
    members = sparse.csr_array((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    sizes = np.diff(weights.indptr)
    steps = _in_steps(values, int(sizes.max()))
    sums = np.rint(members @ steps).astype(np.int64)
    upper, lower = subset_sum_tails(steps.astype(np.int64), int(sizes.max()))
    return np.minimum(1.0, 2 * np.minimum(upper[sizes, sums], lower[sizes, sums]))


def _in_steps(values: np.ndarray, size: int) -> np.ndarray:
    """Whole numbers as they are where sums stay small, else rounded to steps."""
    size = min(size, len(values))
    largest = np.partition(values, len(values) - size)[-size:].sum()
    if largest <= STEPS and (values == np.floor(values)).all():
        return values
    return np.rint(values * (STEPS / largest))


def subset_sum_tails(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Chance that m values drawn without replacement sum to at least, and to at most, s.

    Parameters
    ----------
    values : ndarray of int, 0 or more
    size : int
        The largest m.

    Returns
    -------
    upper, lower : ndarray, shape (size + 1, largest sum + 1)
        By m and s.

    Examples
    --------
    Two of the values 0, 1, 1, 2: of six pairs, one sums to 3 twice over.

    >>> upper, lower = subset_sum_tails(np.array([0, 1, 1, 2]), 2)
    >>> (upper[2] * 6).round(6).tolist(), (lower[2] * 6).round(6).tolist()
    ([6.0, 6.0, 4.0, 2.0], [0.0, 2.0, 4.0, 6.0])
    """
    different, times = np.unique(values, return_counts=True)
    largest = int(np.sort(values)[-size:].sum())
    ways = np.zeros((size + 1, largest + 1))
    ways[0, 0] = 1.0
    # Each value carries the factor size / (e n), so that (n choose m) of them stays within a float's range.
    _multiply(ways, different, times, size / (np.e * len(values)))
    ways /= ways.sum(axis=1, keepdims=True)
    upper = ways[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.minimum(upper, 1.0), np.minimum(ways.cumsum(axis=1), 1.0)


@njit(cache=True)
def _multiply(ways, different, times, factor):
    """`ways` times (1 + factor t x^v)^c for each value v that occurs c times; t up to its last row."""
    size, largest = ways.shape[0] - 1, ways.shape[1] - 1
    reach = np.zeros(size + 1, np.int64)  # the largest sum of k values so far
    for d in range(len(different)):
        value, most = different[d], min(times[d], size)
        chosen = np.empty(most + 1)
        chosen[0] = 1.0
        for j in range(1, most + 1):
            chosen[j] = chosen[j - 1] * (times[d] - j + 1) / j * factor
        for k in range(size, 0, -1):  # from above: rows below are still without this value
            for j in range(1, min(k, most) + 1):
                shift = j * value
                for s in range(min(reach[k - j], largest - shift) + 1):
                    if ways[k - j, s] > 0.0:
                        ways[k, s + shift] += chosen[j] * ways[k - j, s]
        for k in range(size, 0, -1):
            for j in range(1, min(k, most) + 1):
                reach[k] = max(reach[k], reach[k - j] + j * value)
