"""Shortest paths, compiled: Dijkstra with a four-way heap, many starts at a time.

A point lies somewhere along a street, so a search starts at both ends of that street at once, with the time to
each end as its head start; it stops when all ends that are asked for are settled. Measured against scipy and
rustworkx in docs/patrol.md.
"""

import numpy as np
from numba import njit

__all__ = ["search"]


@njit(cache=True, nogil=True)
def search(start, arc_to, arc_cost, seeds, seed_cost, wanted, limit):  # pragma: no cover (compiled)
    """Cost from the seeds to every node, and the arc by which each was reached.

    Parameters
    ----------
    start : int64 (nodes + 1,)
        The arcs of node i are `start[i]:start[i + 1]`.
    arc_to, arc_cost : int64, float64 (arcs,)
    seeds, seed_cost : int64, float64
        Nodes to start from, with what it costs to get to them.
    wanted : bool (nodes,)
        The search ends when all these are settled (or all that can be reached are).
    limit : float
        Costs above it are not followed.

    Returns
    -------
    cost : float64 (nodes,), inf where not reached; right for the wanted nodes and for all at less cost
    by_arc : int64 (nodes,), −1 at the seeds and where not reached
    """
    n = len(start) - 1
    cost = np.full(n, np.inf)
    by_arc = np.full(n, -1, np.int64)
    settled = np.zeros(n, np.bool_)
    left = wanted.sum()
    key = np.empty(len(arc_to) + len(seeds) + 1)
    node = np.empty(len(arc_to) + len(seeds) + 1, np.int64)
    size = 0
    for i in range(len(seeds)):
        if seed_cost[i] < cost[seeds[i]] and seed_cost[i] <= limit:
            cost[seeds[i]] = seed_cost[i]
            size = _push(key, node, size, seed_cost[i], seeds[i])
    while size > 0 and left > 0:
        nearest, v = key[0], node[0]
        size = _pop(key, node, size)
        if settled[v]:
            continue
        settled[v] = True
        if wanted[v]:
            left -= 1
        for arc in range(start[v], start[v + 1]):
            w, through = arc_to[arc], nearest + arc_cost[arc]
            if through < cost[w] and through <= limit:
                cost[w] = through
                by_arc[w] = arc
                size = _push(key, node, size, through, w)
    for v in range(n):
        if not settled[v]:
            cost[v] = np.inf
            by_arc[v] = -1
    return cost, by_arc


@njit(cache=True, nogil=True)
def _push(key, node, size, cost, v):  # pragma: no cover (compiled)
    i = size
    while i > 0:
        parent = (i - 1) // 4
        if key[parent] <= cost:
            break
        key[i], node[i] = key[parent], node[parent]
        i = parent
    key[i], node[i] = cost, v
    return size + 1


@njit(cache=True, nogil=True)
def _pop(key, node, size):  # pragma: no cover (compiled)
    size -= 1
    last_key, last_node = key[size], node[size]
    i = 0
    while True:
        first = 4 * i + 1
        if first >= size:
            break
        least = first
        for j in range(first + 1, min(first + 4, size)):
            if key[j] < key[least]:
                least = j
        if key[least] >= last_key:
            break
        key[i], node[i] = key[least], node[least]
        i = least
    key[i], node[i] = last_key, last_node
    return size
