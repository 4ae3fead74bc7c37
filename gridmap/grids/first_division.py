"""A first division of pieces by load, before borders are refined: cuts in halves, and power diagrams.

A power diagram is a Voronoi diagram whose centres carry weights: raising a weight makes a cell larger. The weights are
moved until the loads are even and the centres to the middle of their load; the cells come out near hexagons. Neither
function knows which pieces are neighbours, so a part may be torn; `connected_parts` repairs that.

References
----------
Cohen-Addad, Klein & Young (2018), Balanced centroidal power diagrams for redistricting, SIGSPATIAL '18.
"""

import numba as nb
import numpy as np

__all__ = ["bisect", "power_diagram"]


@nb.njit(cache=True, nogil=True)
def bisect(xy, load, share, directions):
    """Which pieces lie before the cut that leaves `share` of the load on its side, shape (directions, n) bool."""
    n = len(load)
    sides = np.zeros((directions, n), np.bool_)
    total = load.sum()
    for d in range(directions):
        angle = np.pi * d / directions
        order = np.argsort(xy[:, 0] * np.cos(angle) + xy[:, 1] * np.sin(angle), kind="mergesort")
        run = 0.0
        for i in range(n):
            v = order[i]
            if i > 0 and run + load[v] / 2 > total * share:
                break
            if i == n - 1:
                break
            sides[d, v] = True
            run += load[v]
    return sides


@nb.njit(cache=True, nogil=True)
def power_diagram(xy, load, centres, rounds):
    """Pieces to the centres so that the loads are even: weights balance, centres move to the middle of their load."""
    n, k = len(load), len(centres)
    part = np.zeros(n, np.int64)
    best = part.copy()
    best_spread = np.inf
    weight = np.zeros(k)
    centres = centres.copy()
    aim = max(load.sum() / k, 1e-12)
    total = max(load.sum(), 1e-12)
    spread_m2 = 0.0
    for d in range(2):
        middle = (xy[:, d] * load).sum() / total
        spread_m2 += ((xy[:, d] - middle) ** 2 * load).sum() / total
    step = np.full(k, 0.5 * spread_m2 / k + 1e-9)
    side = np.zeros(k)
    for r in range(rounds):
        loads, mass = np.zeros(k), np.zeros(k)
        sx, sy = np.zeros(k), np.zeros(k)
        for v in range(n):
            low, own = np.inf, 0
            for c in range(k):
                away = (xy[v, 0] - centres[c, 0]) ** 2 + (xy[v, 1] - centres[c, 1]) ** 2 - weight[c]
                if away < low:
                    low, own = away, c
            part[v] = own
            loads[own] += load[v]
            m = load[v] + 1e-3 * aim * k / n
            mass[own] += m
            sx[own] += m * xy[v, 0]
            sy[own] += m * xy[v, 1]
        spread = np.abs(loads / aim - 1.0).max()
        if spread < best_spread or r == rounds // 2:
            best_spread = spread
            best[:] = part
        for c in range(k):
            gap = 1.0 - loads[c] / aim
            if gap * side[c] > 0:  # still too light or still too heavy: longer steps; overshot: shorter ones
                step[c] *= 1.2
            elif gap * side[c] < 0:
                step[c] *= 0.5
            side[c] = gap
            weight[c] += step[c] * max(-1.0, min(1.0, gap))
            if mass[c] > 0 and r < rounds * 3 // 4:
                centres[c, 0] = sx[c] / mass[c]
                centres[c, 1] = sy[c] / mass[c]
        if spread < 0.005 and r >= rounds // 2:
            break
    return best
