"""How good a division is: one number that adds up over its parts, lower is better.

The energy of a part is (deviation / tolerance)² + what exceeds the tolerance + 1 / Polsby–Popper − 1: even load and
round shape, in one currency. It adds up over the parts, so moving a piece changes two terms only.

References
----------
Polsby & Popper (1991), Yale Law & Policy Review 9, 301–353.
"""

import numba as nb
import numpy as np

__all__ = ["BALANCE", "BEYOND", "ROUNDNESS", "energy", "energy_of_part", "part_totals"]

BALANCE = 1.0  # weight of (deviation / tolerance)²
BEYOND = 8.0  # weight of each tolerance by which a part is too heavy or too light
ROUNDNESS = 0.5  # weight of 1 / Polsby–Popper − 1


@nb.njit(cache=True, nogil=True)
def energy_of_part(load, perimeter, area, target, tolerance, ease=1.0):
    """Energy of one part; `ease` below 1 makes evenness within the tolerance and roundness worth less."""
    deviation = abs(load / target - 1.0)
    beyond = max(0.0, deviation - tolerance) / tolerance
    shape = perimeter * perimeter / (12.566370614359172 * max(area, 1e-9)) - 1.0
    return ease * (BALANCE * (deviation / tolerance) ** 2 + ROUNDNESS * shape) + BEYOND * beyond


@nb.njit(cache=True, nogil=True)
def part_totals(part, k, load, area, rim, indptr, indices, length):
    """Load, area and perimeter of each part; the perimeter counts the outer rim and the cuts."""
    loads, areas, edges = np.zeros(k), np.zeros(k), np.zeros(k)
    for v in range(len(part)):
        p = part[v]
        loads[p] += load[v]
        areas[p] += area[v]
        edges[p] += rim[v]
        for e in range(indptr[v], indptr[v + 1]):
            if part[indices[e]] != p:
                edges[p] += length[e]
    return loads, areas, edges


@nb.njit(cache=True, nogil=True)
def energy(part, k, load, area, rim, indptr, indices, length, target, tolerance):
    """Mean energy of the parts: lower is better; comparable between different `k`."""
    loads, areas, edges = part_totals(part, k, load, area, rim, indptr, indices, length)
    total = 0.0
    for p in range(k):
        total += energy_of_part(loads[p], edges[p], areas[p], target, tolerance)
    return total / k
