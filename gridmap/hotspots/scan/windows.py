"""The compiled heart of the scans: circles around every area, spans of time over every circle.

One likelihood serves the three scans. With C cases in all, c of them inside a window and E expected there
(the expectations sum to C), and more inside than expected::

    LLR = c ln(c / E) + (C − c) ln((C − c) / (C − E)),   0 where c ≤ E

What makes it fast, and changes no digit of the answer:

- Circles grow by one area at a time, nearest first, so a window's cases are a running sum. Areas at the same
  distance enter together: a circle has a radius, not an order.
- Replicas lie side by side in memory, so one instruction adds up many of them.
- LLR grows with c. A window's largest count among a block's replicas is bounded from above without a logarithm
  by d²/2E + d²/(C − E), d = c − E; where even that cannot beat the block's smallest maximum, no replica is looked at.
- The order of neighbours is made for a few centres at a time and forgotten: memory grows with areas × replicas,
  never with areas × areas. Where circles are small, only the areas near a centre are sorted.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gridmap._compiled import njit

__all__ = ["CYLINDER", "areas_in_reach", "best_windows", "cores", "replica_maxima", "xlogx_table"]

BLOCK = 64  # replicas side by side
CENTRES = 16  # centres whose order of neighbours is held at a time
SAME = 1e-9  # squared distances nearer than this, relatively, are one distance
#: What `best_windows` tells of each centre's best window; times are positions, the last one inclusive.
CYLINDER = np.dtype([("llr", "f8"), ("areas", "i8"), ("first", "i8"), ("last", "i8")])


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def xlogx_table(total: int) -> np.ndarray:
    """c ln c for c = 0 … total."""
    c = np.arange(total + 1, dtype=float)
    c[1:] *= np.log(c[1:])
    return c


def best_windows(points, sizes, limits, cases, expected, centres, taken, threads=None) -> np.ndarray:
    """The most likely window around each of some centres, touching no area that is taken.

    Parameters
    ----------
    points : ndarray of float, shape (n, d)
        Where the areas are; Euclidean distance orders them.
    sizes : ndarray of float, shape (n,)
        What `limits` is measured in: population, or cases.
    limits : (largest size, largest squared distance, longest span, only spans that reach the end)
    cases : ndarray of int64, shape (n, T)
    expected : ndarray of float, shape (n, T)
        Sums to the number of cases.
    centres : ndarray of int64
    taken : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of CYLINDER
        `areas` is how many of the nearest areas the window holds; 0 where there is none with LLR > 0.
    """
    found = np.zeros(len(centres), CYLINDER)
    table = xlogx_table(int(cases.sum()))
    shares = np.array_split(np.arange(len(centres)), min(len(centres), 4 * (threads or cores())) or 1)

    def one_share(rows):
        if len(rows):
            out = np.zeros((len(rows), 4))
            _best(centres[rows], points, sizes, *limits, cases, expected, table, taken, out)
            for k, name in enumerate(CYLINDER.names):
                found[name][rows] = out[:, k]

    with ThreadPoolExecutor(threads or cores()) as pool:
        list(pool.map(one_share, shares))
    return found


def replica_maxima(points, sizes, limits, replicas, expected, total: int, threads=None) -> np.ndarray:
    """The largest LLR of each replica, over all windows around all areas.

    Parameters
    ----------
    replicas : ndarray of int32, shape (R, n, T)
        Simulated cases; each replica sums to `total`.

    Returns
    -------
    ndarray of float, shape (R,)
    """
    number, n, spans = replicas.shape
    blocks = -(-number // BLOCK)
    running = np.zeros((blocks, n, spans, BLOCK), np.int32)
    for b in range(blocks):
        part = replicas[b * BLOCK : (b + 1) * BLOCK]
        running[b, :, :, : len(part)] = np.cumsum(part, axis=2, dtype=np.int32).transpose(1, 2, 0)
    table = xlogx_table(total)
    start = np.zeros((blocks, BLOCK))
    start.reshape(-1)[number:] = np.inf  # replicas that only fill the last block
    threads = threads or cores()

    def one_share(rows, best):
        _maxima(rows, points, sizes, *limits, running, expected, table, best)
        return best

    ahead = np.linspace(0, n - 1, min(n, CENTRES)).astype(np.int64)  # raises the bar for all the others
    start = one_share(ahead, start)
    rest = np.setdiff1d(np.arange(n), ahead)
    shares = [s for s in np.array_split(rest, 4 * threads) if len(s)]
    with ThreadPoolExecutor(threads) as pool:
        for best in pool.map(lambda rows: one_share(rows, start.copy()), shares):
            np.maximum(start, best, out=start)
    return start.reshape(-1)[:number]


@njit(nogil=True, cache=True)
def _near(centre, points, along, west, reach, near, far):  # pragma: no cover
    """The areas within a squared distance, and how far they are; `along` has all by their first coordinate, `west`."""
    dims, limit = points.shape[1], reach * (1 + 2 * SAME)
    first, last = 0, len(along)
    if limit < np.inf:  # only those of a strip can be near
        middle, half = points[centre, 0], np.sqrt(limit) * (1 + SAME)
        first = np.searchsorted(west, middle - half)
        last = np.searchsorted(west, middle + half, side="right")
    found = 0
    for k in range(first, last):
        j, d = along[k], 0.0
        for axis in range(dims):
            d += (points[j, axis] - points[centre, axis]) ** 2
        if d <= limit:
            near[found], far[found] = j, d
            found += 1
    return found


@njit(nogil=True, cache=True)
def _neighbours(
    centre, points, sizes, most, farthest, along, west, guess, near, far, order, closed
):  # pragma: no cover
    """Areas by distance from a centre, and after which of them a circle may end.

    Only those nearer than a guess are sorted, and farther ones where these do not fill the largest circle; `near` and
    `far` are room for them. Answers how many are usable, and the guess for the next centre (squared distances).
    """
    n = len(points)
    reach = min(guess, farthest)
    while True:
        found = _near(centre, points, along, west, reach, near, far)
        if found == n or reach >= farthest or sizes[near[:found]].sum() > most * (1 + SAME):
            break
        reach = min(2 * reach, farthest) if reach > 0 else farthest
    by = np.argsort(far[:found])
    size = 0.0
    usable = 0
    for k in range(found):
        j, d = near[by[k]], far[by[k]]
        size += sizes[j]
        if d > farthest or size > most:
            break
        order[k] = j
        closed[k] = k == found - 1 or far[by[k + 1]] > d * (1 + SAME)
        usable = k + 1
    while usable > 0 and not closed[usable - 1]:
        usable -= 1  # the rest of that distance does not fit
    return usable, 1.2 * far[by[min(usable, found - 1)]]


@njit(nogil=True, cache=True)
def _sizes_of_circles(centres, points, sizes, most, farthest):  # pragma: no cover
    n = len(points)
    near, far, order, closed = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int32), np.empty(n, np.bool_)
    along = np.argsort(points[:, 0])
    west = points[along, 0]
    held, guess = np.empty(len(centres)), np.inf
    for row in range(len(centres)):
        held[row], guess = _neighbours(
            centres[row], points, sizes, most, farthest, along, west, guess, near, far, order, closed
        )
    return held


def areas_in_reach(points, sizes, limits) -> float:
    """How many areas the largest circle around an area holds, on average: from 32 of them."""
    some = np.unique(np.linspace(0, len(points) - 1, 32).astype(np.int64))
    return float(_sizes_of_circles(some, points, sizes, limits[0], limits[1]).mean())


@njit(nogil=True, cache=True)
def _best(
    centres, points, sizes, most, farthest, longest, to_end, cases, expected, table, taken, out
):  # pragma: no cover
    n, spans = cases.shape
    total = len(table) - 1
    near, far, order, closed = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int32), np.empty(n, np.bool_)
    along = np.argsort(points[:, 0])
    west, guess = points[along, 0], np.inf
    for row in range(len(centres)):
        usable, guess = _neighbours(
            centres[row], points, sizes, most, farthest, along, west, guess, near, far, order, closed
        )
        c, e = np.zeros(spans + 1, np.int64), np.zeros(spans + 1)
        for k in range(usable):
            if taken[order[k]]:
                break
            inside, awaited = 0, 0.0
            for t in range(spans):
                inside += cases[order[k], t]
                awaited += expected[order[k], t]
                c[t + 1] += inside
                e[t + 1] += awaited
            if not closed[k]:
                continue
            for t in range(spans - 1 if to_end else 0, spans):
                for s in range(max(0, t + 1 - longest), t + 1):
                    found, mean = c[t + 1] - c[s], e[t + 1] - e[s]
                    if found <= mean or mean <= 0 or mean >= total:
                        continue
                    over = found - mean
                    if over * over * (0.5 / mean + 1 / (total - mean)) <= out[row, 0]:
                        continue
                    rest = total - found
                    llr = table[found] + table[rest] - found * np.log(mean) - rest * np.log(total - mean)
                    if llr > out[row, 0] + 1e-12:
                        out[row, 0], out[row, 1], out[row, 2], out[row, 3] = llr, k + 1, s, t


@njit(nogil=True, cache=True)
def _maxima(  # noqa: C901 - one compiled kernel: its inner loops share running sums that no call may copy
    centres, points, sizes, most, farthest, longest, to_end, running, expected, table, best
):  # pragma: no cover
    blocks, n, spans, width = running.shape
    total = len(table) - 1
    orders, closeds = np.empty((CENTRES, n), np.int32), np.empty((CENTRES, n), np.bool_)
    usable, near, far, guess = np.empty(CENTRES, np.int64), np.empty(n, np.int64), np.empty(n), np.inf
    along = np.argsort(points[:, 0])
    west = points[along, 0]
    c = np.empty((spans + 1, width), np.int32)
    e = np.empty(spans + 1)
    for first in range(0, len(centres), CENTRES):
        here = min(CENTRES, len(centres) - first)
        for m in range(here):
            usable[m], guess = _neighbours(
                centres[first + m], points, sizes, most, farthest, along, west, guess, near, far, orders[m], closeds[m]
            )
        for b in range(blocks):
            block, top = running[b], best[b]
            bar = top.min()
            for m in range(here):
                order, closed = orders[m], closeds[m]
                c[:] = 0
                e[:] = 0.0
                for k in range(usable[m]):
                    area = order[k]
                    awaited = 0.0
                    for t in range(spans):
                        awaited += expected[area, t]
                        e[t + 1] += awaited
                        for r in range(width):
                            c[t + 1, r] += block[area, t, r]
                    if not closed[k]:
                        continue
                    for t in range(spans - 1 if to_end else 0, spans):
                        for s in range(max(0, t + 1 - longest), t + 1):
                            mean = e[t + 1] - e[s]
                            if mean <= 0 or mean >= total:
                                continue
                            largest = np.int32(0)
                            for r in range(width):
                                largest = max(largest, np.int32(c[t + 1, r] - c[s, r]))
                            over = largest - mean
                            if over <= 0 or over * over * (0.5 / mean + 1 / (total - mean)) <= bar:
                                continue
                            log_in, log_out = np.log(mean), np.log(total - mean)
                            rest = total - largest
                            if table[largest] + table[rest] - largest * log_in - rest * log_out <= bar:
                                continue
                            for r in range(width):
                                found = c[t + 1, r] - c[s, r]
                                if found > mean:
                                    rest = total - found
                                    llr = table[found] + table[rest] - found * log_in - rest * log_out
                                    if llr > top[r]:
                                        top[r] = llr
                            bar = top.min()
