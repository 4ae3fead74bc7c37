"""Counting pairs that are close in space and in time, for the events as they were and under shuffled dates.

Only pairs that are close in space are ever listed: a k-d tree finds them once, because shuffling the dates moves no
event. What remains is to look up, for each of them and each replica, how far apart the two dates are. Replicas lie
side by side, dates as 16-bit days where they fit, so one instruction compares 32 of them.

Bands are counted from below: N_k pairs lie within edge k, and a band holds N_k+1 − N_k. Which ends are open only
decides whether "within" means ≤ or <.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from gridmap.errors import SettingError
from gridmap.hotspots.scan_windows import cores

__all__ = ["close_pairs", "counted", "edges_within", "shuffled_counts", "time_units"]

BLOCK = 64  # replicas side by side
MOST_PAIRS = 300_000_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def edges_within(breaks: np.ndarray, closed: str, unit: float = 1.0) -> np.ndarray:
    """The largest value that counts as within each edge; edge 0 is what lies below the first band.

    Examples
    --------
    >>> edges_within(np.array([0.0, 7, 14]), "right").round(6).tolist()  # [0, 7], (7, 14]
    [-0.0, 7.0, 14.0]
    >>> edges_within(np.array([0.0, 7, 14]), "left").round(6).tolist()  # [0, 7), [7, 14)
    [-0.0, 7.0, 14.0]
    """
    edges = np.asarray(breaks, float) * unit
    below = np.nextafter(edges, -np.inf)
    if closed == "left":
        return below
    return np.r_[below[:1], edges[1:]]


def close_pairs(first: np.ndarray, second: np.ndarray | None, edges: np.ndarray, metric: str):
    """Pairs whose distance lies in a band, sorted by band.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, 2)
        Metres; with second=None, pairs among the first, each once.
    edges : ndarray
        As `edges_within` gives them.
    metric : {"euclidean", "manhattan"}

    Returns
    -------
    a, b : ndarray of int32
        Rows in first and in second (or first).
    starts : ndarray of int64, shape (bands + 1,)
    distance : ndarray of float
    """
    p, reach = (2 if metric == "euclidean" else 1), max(edges[-1], 0.0) * (1 + 1e-9)
    tree = cKDTree(first)
    other = tree if second is None else cKDTree(second)
    expected = int(tree.count_neighbors(other, reach, p=p))
    if expected > 2 * MOST_PAIRS:
        raise SettingError(
            f"{expected:,} pairs lie within {edges[-1]:,.0f} m; at most {2 * MOST_PAIRS:,} are handled. "
            "Take shorter space_breaks_m, a shorter period or one kind of event."
        )
    if second is None:
        pairs = tree.query_pairs(reach, p=p, output_type="ndarray")
        a, b, second = pairs[:, 0], pairs[:, 1], first
    else:
        found = tree.sparse_distance_matrix(other, reach, p=p, output_type="ndarray")
        a, b = found["i"], found["j"]
    apart = np.abs(first[a] - second[b])
    distance = np.hypot(*apart.T) if metric == "euclidean" else apart.sum(axis=1)
    band = np.searchsorted(edges, distance, side="left") - 1
    kept = (band >= 0) & (band < len(edges) - 1)
    a, b, band, distance = a[kept], b[kept], band[kept], distance[kept]
    order = np.argsort(band * np.int64(len(first)) + a, kind="stable")
    starts = np.searchsorted(band[order], np.arange(len(edges)))
    return a[order].astype(np.int32), b[order].astype(np.int32), starts.astype(np.int64), distance[order]


def time_units(days: np.ndarray, breaks: np.ndarray, closed: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and edges in the narrowest numbers that hold them exactly: whole days, whole seconds, or as they are."""
    days = days - days.min()
    largest = max(days.max(), np.abs(breaks).max() + 1)
    seconds = np.round(days * 86_400)
    if (days == np.floor(days)).all() and largest < 2**15 - 2:
        return days.astype(np.int16), np.floor(edges_within(breaks, closed)).astype(np.int16)
    if (np.abs(seconds / 86_400 - days) < 1e-9).all() and largest * 86_400 < 2**31 - 2:
        return seconds.astype(np.int32), np.floor(edges_within(breaks, closed, 86_400)).astype(np.int32)
    return days, edges_within(breaks, closed)


def counted(pairs, first_times, second_times, edges, signed: bool) -> np.ndarray:
    """Pairs by band of space and of time, shape (space bands, time bands)."""
    a, b, starts, _ = pairs
    out = np.zeros((len(starts) - 1, len(edges), 1), np.int64)
    _count(a, b, starts, first_times[:, None].copy(), second_times[:, None].copy(), edges, signed, out)
    return np.diff(out[:, :, 0], axis=1)


def shuffled_counts(pairs, first_times, second_times, edges, signed: bool, permutations: int, seed: int) -> np.ndarray:
    """`counted` under shuffled times, shape (permutations, space bands, time bands).

    With second_times=None the events are one kind and their times are dealt anew among them; otherwise only the
    second kind's are. Each replica has its own stream of random numbers, so threads do not matter.
    """
    a, b, starts, _ = pairs
    kinds = first_times if second_times is None else second_times

    def one_block(first):
        many = min(BLOCK, permutations - first)
        dealt = np.empty((len(kinds), many), kinds.dtype)
        _shuffle(kinds, np.uint64(seed), first, dealt)
        fixed = dealt if second_times is None else np.repeat(first_times[:, None], many, axis=1)
        out = np.zeros((len(starts) - 1, len(edges), many), np.int64)
        _count(a, b, starts, fixed, dealt, edges, signed, out)
        return np.diff(out, axis=1)

    with ThreadPoolExecutor(cores()) as pool:
        blocks = list(pool.map(one_block, range(0, permutations, BLOCK)))
    return np.concatenate(blocks, axis=2).transpose(2, 0, 1)


@njit(nogil=True, cache=True)
def _count(a, b, starts, first_times, second_times, edges, signed, out):  # pragma: no cover
    width = first_times.shape[1]
    within = np.zeros((len(edges), width), first_times.dtype)  # as narrow as the times, so emptied now and then
    for band in range(len(starts) - 1):
        held = 0
        for p in range(starts[band], starts[band + 1]):
            early, late = first_times[a[p]], second_times[b[p]]
            for k in range(len(edges)):
                edge, row = edges[k], within[k]
                if signed:
                    for r in range(width):
                        row[r] += row.dtype.type(row.dtype.type(late[r] - early[r]) <= edge)
                elif edge >= 0:
                    for r in range(width):
                        apart = row.dtype.type(late[r] - early[r])
                        row[r] += row.dtype.type((apart <= edge) & (apart >= -edge))
            held += 1
            if held == 30_000 or p == starts[band + 1] - 1:
                for k in range(len(edges)):
                    for r in range(width):
                        out[band, k, r] += np.int64(within[k, r])
                        within[k, r] = 0
                held = 0


@njit(nogil=True, cache=True)
def _shuffle(times, seed, first, dealt):  # pragma: no cover
    """Fisher and Yates's shuffle, one stream a replica."""
    n, width = dealt.shape
    deck = times.copy()
    for r in range(width):
        deck[:] = times
        state = _mixed(seed ^ _mixed(np.uint64(first + r) + _GOLDEN))
        for k in range(n - 1, 0, -1):
            state += _GOLDEN
            j = np.int64(((_mixed(state) >> np.uint64(32)) * np.uint64(k + 1)) >> np.uint64(32))
            deck[k], deck[j] = deck[j], deck[k]
        for k in range(n):
            dealt[k, r] = deck[k]


@njit(nogil=True, cache=True)
def _mixed(z):  # pragma: no cover
    """Splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
