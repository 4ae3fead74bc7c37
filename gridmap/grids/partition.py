"""Dividing a graph of small pieces into connected, compact parts of even load.

The question of a committee: where do the borders of the grids run, so that each leader has about as much to
do as the next and no grid is in two places? The pieces are Voronoi cells of buildings, census blocks or
squares; two are neighbours where they share a border. Three steps, all of them seeded:

1. a start: power diagrams (Voronoi cells whose weights are moved until the loads are even), for many grids
   inside halves of halves; they are near hexagons, the roundest shape that tiles;
2. a repair: what is cut off from its part goes to the neighbour it shares most border with;
3. annealing: pieces on a border change sides when that lowers the energy, never when it would tear a part.
   The energy of a part is (deviation / tolerance)² + what exceeds the tolerance + 1 / Polsby–Popper − 1.

Few pieces (up to 11) are not annealed: all connected divisions are tried, so the answer is the best there is.

References
----------
Cohen-Addad, Klein & Young (2018), Balanced centroidal power diagrams for redistricting, SIGSPATIAL '18.
Polsby & Popper (1991), Yale Law & Policy Review 9, 301–353.
"""

import numba as nb
import numpy as np

from gridmap.grids.connected_parts import components, repair, stays_whole
from gridmap.grids.first_division import bisect, power_diagram
from gridmap.grids.part_energy import BALANCE, ROUNDNESS, energy, energy_of_part, part_totals

__all__ = [
    "BALANCE",
    "ROUNDNESS",
    "anneal",
    "best_division",
    "bisect",
    "components",
    "energy",
    "power_diagram",
    "repair",
]


@nb.njit(cache=True, nogil=True)
def anneal(
    part, k, load, area, rim, indptr, indices, length, target, tolerance, home, stay, ease, sweeps, warmth, seed
):
    """Move pieces across borders while that lowers the energy, some that raise it at first; parts stay connected.

    `home` and `stay`: a piece outside its home part (−1: none) costs `stay` × (load / target + half its share of the
    part's area), so that existing grids change no more than they must. `ease` below 1 makes evenness within the
    tolerance and roundness worth less.
    """
    n = len(part)
    part = part.copy()
    best = part.copy()
    loads, areas, edges = part_totals(part, k, load, area, rim, indptr, indices, length)
    around = rim.copy()
    for v in range(n):
        for e in range(indptr[v], indptr[v + 1]):
            around[v] += length[e]
    now = 0.0
    low = 0.0
    seen, goal, queue = np.zeros(n, np.int64), np.zeros(n, np.int64), np.empty(n, np.int64)
    stamp = 0
    state = np.uint64(seed * 2 + 88172645463325252)
    shared = np.zeros(k)
    border = np.empty(n, np.int64)
    for sweep in range(sweeps + 12):
        cooling = warmth * (1.0 - sweep / sweeps) ** 2 if sweep < sweeps else 0.0
        count = 0
        for v in range(n):
            for e in range(indptr[v], indptr[v + 1]):
                if part[indices[e]] != part[v]:
                    border[count] = v
                    count += 1
                    break
        changed = 0
        for i in range(count):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            j = i + np.int64(state % np.uint64(count - i))
            v = border[j]
            border[j] = border[i]
            a = part[v]
            inside = 0.0
            for e in range(indptr[v], indptr[v + 1]):
                shared[part[indices[e]]] = 0.0
            for e in range(indptr[v], indptr[v + 1]):
                p = part[indices[e]]
                shared[p] += length[e]
                if p == a:
                    inside += length[e]
            gain, to = np.inf, -1
            before = energy_of_part(loads[a], edges[a], areas[a], target, tolerance, ease)
            after = energy_of_part(
                loads[a] - load[v], edges[a] - around[v] + 2 * inside, areas[a] - area[v], target, tolerance, ease
            )
            for e in range(indptr[v], indptr[v + 1]):
                b = part[indices[e]]
                if b == a or shared[b] < 0:
                    continue
                delta = after - before
                delta += energy_of_part(
                    loads[b] + load[v],
                    edges[b] + around[v] - 2 * shared[b],
                    areas[b] + area[v],
                    target,
                    tolerance,
                    ease,
                ) - energy_of_part(loads[b], edges[b], areas[b], target, tolerance, ease)
                if home[v] >= 0:
                    if home[v] == a:
                        delta += stay * (load[v] / target + 1e-3 + 0.5 * area[v] / areas[home[v]])
                    elif home[v] == b:
                        delta -= stay * (load[v] / target + 1e-3 + 0.5 * area[v] / areas[home[v]])
                if delta < gain:
                    gain, to = delta, b
            if to < 0:
                continue
            if gain > -1e-12:
                if cooling <= 0.0 or gain < 1e-12:
                    continue
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                if (state % np.uint64(1000003)) / 1000003.0 >= np.exp(-gain / cooling):
                    continue
            stamp += 1
            if not stays_whole(v, part, indptr, indices, seen, stamp, goal, queue):
                continue
            b = to
            inward = 0.0
            for e in range(indptr[v], indptr[v + 1]):
                if part[indices[e]] == b:
                    inward += length[e]
            loads[a] -= load[v]
            loads[b] += load[v]
            areas[a] -= area[v]
            areas[b] += area[v]
            edges[a] += 2 * inside - around[v]
            edges[b] += around[v] - 2 * inward
            part[v] = b
            now += gain
            changed += 1
        if now < low - 1e-12:
            best[:] = part
            low = now
        if sweep >= sweeps and changed == 0:
            break
    return best


@nb.njit(cache=True, nogil=True)
def best_division(k, load, area, rim, indptr, indices, length, target, tolerance):
    """The best of all connected divisions into `k` parts, by trying each; for 11 pieces at most."""
    n = len(load)
    near = np.zeros(n, np.int64)
    for v in range(n):
        for e in range(indptr[v], indptr[v + 1]):
            near[v] |= 1 << indices[e]
    part, top = np.zeros(n, np.int64), np.zeros(n, np.int64)
    best = np.full(n, -1, np.int64)
    low = np.inf
    masks = np.zeros(k, np.int64)
    while True:
        if top[n - 1] == k - 1:
            masks[:] = 0
            for v in range(n):
                masks[part[v]] |= 1 << v
            whole = True
            for p in range(k):
                reached = masks[p] & -masks[p]
                while True:
                    grown = reached
                    for v in range(n):
                        if reached & (1 << v):
                            grown |= near[v] & masks[p]
                    if grown == reached:
                        break
                    reached = grown
                if reached != masks[p]:
                    whole = False
                    break
            if whole:
                value = energy(part, k, load, area, rim, indptr, indices, length, target, tolerance)
                if value < low - 1e-12:
                    low = value
                    best[:] = part
        v = n - 1  # the next division, as a restricted growth string
        while v > 0 and (part[v] >= k - 1 or part[v] > top[v - 1]):
            v -= 1
        if v == 0:
            break
        part[v] += 1
        top[v] = max(top[v - 1], part[v])
        for u in range(v + 1, n):
            part[u] = 0
            top[u] = top[v]
    return best
