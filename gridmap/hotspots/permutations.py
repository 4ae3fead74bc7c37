"""Conditional permutations: how unusual are a cell's neighbours, if all other values were dealt anew?

For cell i its own value stays; the values of all other cells are shuffled, and i's neighbours get some of
them: k values drawn without replacement from the n − 1 others. Repeated 999 times, this is a reference
distribution without any assumption about the counts. (Anselin 1995; idea of Fisher's permutation test.)

What makes it fast: k values drawn at random are a fair sample for every cell with k neighbours, if a draw of
the cell's own value is replaced by one more draw. So 64 cells, far apart in the grid's order, share a set of
draws: their sums are ranked once and each cell's own sum is looked up among them. Each block of 64 has a stream
of random numbers of its own, made from the seed and the block's number, so that the answer does not depend on how
blocks are spread over threads.

The shuffle itself (Fisher and Yates, as far as a cell has neighbours) is never carried out: of the n places only the
few that one permutation has touched are remembered. So nothing as long as the map is written to, and what is read from
it, a value a draw, is as small as it can be: a place in the sorted different values. A map that fits no cache then
takes about as long a cell as a small one.

999 permutations cannot give a p below 0.002, too coarse for a map of thousands of tests. So the few cells that are
still near the edge after these get a hundred times as many fresh ones, and their p from the fresh ones alone. The test
stays exact: a cell reports p ≤ a only if a whole test at level a, of the first or of the second round, says so.
(After Besag & Clifford 1991, who stop early where the first permutations have already answered.)
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from scipy import sparse

from gridmap._compiled import njit

__all__ = ["permutation_p", "tally_permutations", "two_sided_p"]

SHARED_BY = 64  # cells that share a set of draws
NEAR_THE_EDGE = 5  # fewer than so many permutations beyond the observed sum: refined

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def permutation_p(
    values: np.ndarray, weights: sparse.csr_array, permutations: int, seed: int, *, refine: int = 1
) -> np.ndarray:
    """Two-sided p-values of the cells' weighted sums of neighbours.

    Parameters
    ----------
    values, weights, permutations, seed
        As in `tally_permutations`.
    refine : int
        Cells beyond whose sum fewer than 5 permutations lie get `refine` times as many fresh ones; 1: none do.

    Returns
    -------
    ndarray of float, shape (n,)
    """
    at_least, at_most = tally_permutations(values, weights, permutations, seed)
    p = two_sided_p(at_least, at_most, permutations)
    edge = np.flatnonzero((np.minimum(at_least, at_most) < NEAR_THE_EDGE) & (np.diff(weights.indptr) > 0))
    if refine > 1 and len(edge):
        fresh = tally_permutations(values, weights, permutations, seed + 1, cells=edge, rounds=refine)
        p[edge] = two_sided_p(fresh[0][edge], fresh[1][edge], refine * permutations)
    return p


def tally_permutations(
    values: np.ndarray,
    weights: sparse.csr_array,
    permutations: int,
    seed: int,
    *,
    cells: np.ndarray | None = None,
    rounds: int = 1,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How many permutations give each cell a weighted sum of neighbours as large, and as small, as observed.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    weights : csr_array, shape (n, n)
        Nothing on the diagonal: the cell's own value is never shuffled, so it cannot matter.
    permutations : int
    seed : int
    cells : ndarray of int, optional
        Rows of the cells to be tested; all by default. Their neighbours' values come from all cells.
    rounds : int
        How often to do it, each time with other permutations. (Memory is that of one round.)
    threads : int, optional
        All cores by default. The answer is the same for any number.

    Returns
    -------
    at_least, at_most : ndarray of int64, shape (n,)
        Out of rounds × permutations; 0 for cells not tested. Ties count on both sides, which keeps the test honest
        where many cells are empty.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    weights = sparse.csr_array(weights, dtype=np.float64, copy=True)
    n, sizes = len(values), np.diff(weights.indptr)
    # The comparison does not change when a row is scaled; with equal weights the sums of counts are then exact.
    largest, least = np.ones(n), np.ones(n)
    starts = weights.indptr[:-1][sizes > 0]
    largest[sizes > 0] = np.maximum.reduceat(weights.data, starts)
    least[sizes > 0] = np.minimum.reduceat(weights.data, starts)
    weights.data /= np.repeat(largest, sizes)
    tested = np.arange(n) if cells is None else np.asarray(cells, np.int64)
    place = np.full(n, -1, np.int32)
    place[tested] = np.arange(len(tested), dtype=np.int32)
    levels, codes = np.unique(values, return_inverse=True)
    codes = codes.astype(np.uint16 if len(levels) <= 1 << 16 else np.uint32)
    table = weights.indptr, weights.indices, weights.data, largest == least
    at_least, at_most = np.zeros(n, np.int64), np.zeros(n, np.int64)
    threads = threads or _cores()
    blocks = max(1, len(tested) // SHARED_BY)
    cuts = np.linspace(0, blocks, min(blocks, 4 * threads) + 1).astype(np.int64)
    seeds = np.random.default_rng(seed).integers(2**63 - 1, size=rounds).astype(np.uint64)

    def one_share(share):
        _tally(*share, blocks, tested, place, codes, levels, *table, permutations, seeds, at_least, at_most)

    with ThreadPoolExecutor(threads) as pool:  # the compiled loop frees the GIL
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


TOUCHED = 1 << 10  # slots in which a permutation marks the places that it has touched: few share one


@njit(nogil=True, cache=True)
def _tally(
    first, last, blocks, tested, place, codes, levels, rows, columns, weights, even, permutations, seeds, at_least,
    at_most,
):  # fmt: skip
    """Blocks `first` to `last`; block b has the tested cells b, b + blocks, b + 2 blocks, …"""
    for block in range(first, last):
        for seed in seeds:
            _tally_block(
                block, blocks, tested, place, codes, levels, rows, columns, weights, even, permutations, seed,
                at_least, at_most,
            )  # fmt: skip


@njit(nogil=True, cache=True)
def _held(at, t, moved, holds):
    """The cell at a place after `t` swaps."""
    for s in range(t - 1, -1, -1):
        if moved[s] == at:
            return holds[s]
    return at


@njit(nogil=True, cache=True)
def _tally_block(  # noqa: C901 - one compiled kernel: a call for each step would copy or allocate in its inner loops
    block, blocks, tested, place, codes, levels, rows, columns, weights, even, permutations, seed, at_least, at_most
):
    # Plain loops, here and below: each function of numpy's would take half a second and more to compile.
    n, many = len(codes), (len(tested) - block + blocks - 1) // blocks
    cells, sizes = np.empty(many, np.int64), np.empty(many, np.int64)
    most = 0
    for m in range(many):
        cells[m] = tested[block + m * blocks]
        sizes[m] = rows[cells[m] + 1] - rows[cells[m]]
        most = max(most, sizes[m])
    if most == 0:
        return
    # One draw more than a cell has neighbours: it steps in where the cell's own value was drawn.
    width = most + 1
    drawn = np.empty((width, permutations))
    own = np.empty((width * permutations, 3), np.int32)  # permutation, spot, member: where a member drew itself
    owns = 0
    state = _mixed(seed ^ _mixed(np.uint64(block) + _GOLDEN))
    members = np.zeros(TOUCHED, np.bool_)
    for cell in cells:
        members[cell & (TOUCHED - 1)] = True
    touched = np.full(TOUCHED, -1, np.int32)  # the last permutation that swapped a place of this slot
    moved, holds = np.empty(width, np.int64), np.empty(width, np.int64)  # which place it was, and what it holds since
    for p in range(permutations):
        for t in range(width):  # Fisher and Yates, as far as needed
            state += _GOLDEN
            j = t + np.int64(((_mixed(state) >> np.uint64(32)) * np.uint64(n - t)) >> np.uint64(32))
            there = _held(j, t, moved, holds) if touched[j & (TOUCHED - 1)] == p else j
            here = _held(t, t, moved, holds) if touched[t & (TOUCHED - 1)] == p else t
            touched[j & (TOUCHED - 1)] = p
            moved[t], holds[t] = j, here
            drawn[t, p] = levels[codes[there]]
            if members[there & (TOUCHED - 1)]:
                member = place[there]
                if member >= 0 and member % blocks == block:
                    own[owns, 0], own[owns, 1], own[owns, 2] = p, t, member // blocks
                    owns += 1

    observed = np.empty(len(cells))
    tie = np.empty(len(cells))
    scale = 0.0
    for level in levels:
        scale = max(scale, abs(level))
    for m in range(len(cells)):
        start = rows[cells[m]]
        total = 0.0
        for t in range(sizes[m]):
            total += weights[start + t] * levels[codes[columns[start + t]]]
        observed[m], tie[m] = total, 1e-12 * scale * sizes[m]

    sums, weighed = np.zeros(permutations), np.empty(permutations)
    ranked = sums
    ranked_size = 0
    for size in range(1, most + 1):
        for p in range(permutations):
            sums[p] += drawn[size - 1, p]
        for m in range(many):
            if sizes[m] != size:
                continue
            i, low, high = cells[m], observed[m] - tie[m], observed[m] + tie[m]
            if even[i]:  # sums of k draws serve all members with k neighbours: rank them once, look each member up
                if ranked_size < size:
                    ranked, ranked_size = np.sort(sums), size
                at_least[i] += permutations - _below(ranked, low, False)
                at_most[i] += _below(ranked, high, True)
                continue
            weighed[:] = 0.0
            for t in range(size):
                w = weights[rows[i] + t]
                for p in range(permutations):
                    weighed[p] += w * drawn[t, p]
            for p in range(permutations):
                at_least[i] += weighed[p] >= low
                at_most[i] += weighed[p] <= high

    for one in range(owns):  # the draws that must not count, mended
        p, spot, m = own[one]
        if spot >= sizes[m]:
            continue
        i = cells[m]
        wrong = right = 0.0
        for t in range(sizes[m]):
            w = weights[rows[i] + t]
            wrong += w * drawn[t, p]
            right += w * (drawn[sizes[m], p] if t == spot else drawn[t, p])
        low, high = observed[m] - tie[m], observed[m] + tie[m]
        at_least[i] += (right >= low) - (1 if wrong >= low else 0)
        at_most[i] += (right <= high) - (1 if wrong <= high else 0)


@njit(nogil=True, cache=True)
def _below(ranked, value, equal):
    """How many of `ranked`, in ascending order, are smaller than a value (with `equal`: no larger)."""
    low, high = 0, len(ranked)
    while low < high:
        middle = (low + high) // 2
        if ranked[middle] < value or (equal and ranked[middle] == value):
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def _mixed(z):
    """Splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))
