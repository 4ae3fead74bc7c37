"""Existing grids, changed as little as the tolerance allows.

Codes, signs and leaders hang on a grid, so nobody redraws a district for its looks. Where a community has grown, its
heaviest grid is halved until the grids are as many as the load asks for; where it has shrunk, the lightest one joins a
neighbour. Then pieces change sides only where a grid would else miss the tolerance: each that leaves its grid costs.
"""

import numpy as np

from gridmap.grids import partition
from gridmap.grids.fresh_grids import Task, divide
from gridmap.grids.piece_graph import PieceGraph

__all__ = ["kept"]

STAY = 1.0  # what it costs to move a target's load out of an existing grid


def kept(graph: PieceGraph, xy, load, area, rim, home, task: Task) -> tuple[np.ndarray, str]:
    """Existing grids, changed as little as the tolerance allows."""
    names, local = np.unique(home, return_inverse=True)
    if names[0] < 0:
        local = local - 1
        names = names[1:]
    k = len(names)
    part = np.where(home >= 0, local, -1)
    part = _fill(part, graph)
    part = partition.repair(part, k, load, *graph)
    total = load.sum()
    most = len(load) if task.most is None else min(task.most, len(load))

    def off(count):  # how far the mean load would be from the target
        return abs(total / count / task.target - 1)

    while total / k > task.target * (1 + task.tolerance) and k < most and off(k + 1) < off(k):
        heavy = int(np.argmax(np.bincount(part, load, minlength=k)))
        rows = np.flatnonzero(part == heavy)
        if len(rows) < 2:
            break
        halves, _ = divide(graph.within(rows), xy[rows], load[rows], area[rows], rim[rows], 2, task)
        part[rows[halves == 1]] = k
        k += 1
    while total / k < task.target * (1 - task.tolerance) and k > task.fewest and off(k - 1) < off(k):
        part = _merged(part, k, load, graph)
        k -= 1
    own = part.copy()
    part = partition.anneal(
        part, k, load, area, rim, *graph, task.target, task.tolerance, own, STAY, 0.02, 0, 0.0, task.seed
    )
    return part, ""


def _merged(part: np.ndarray, k: int, load: np.ndarray, graph: PieceGraph) -> np.ndarray:
    """The lightest part joined to the lightest of its neighbours (with equals, the longer border); one part fewer."""
    loads = np.bincount(part, load, minlength=k)
    source = np.repeat(part, np.diff(graph.indptr))
    target = part[graph.indices]
    for light in np.lexsort((np.arange(k), loads)):
        across = (source == light) & (target != light)
        if across.any():
            break
    metres = np.bincount(target[across], graph.length[across], minlength=k)
    near = np.flatnonzero(metres > 0)
    into = near[np.lexsort((near, -metres[near], loads[near]))[0]]
    part = np.where(part == light, into, part)
    return np.where(part == k - 1, light, part) if light != k - 1 else part


def _fill(part: np.ndarray, graph: PieceGraph) -> np.ndarray:
    """Pieces without a grid join the neighbour they share most border with."""
    part = part.copy()
    while (part < 0).any():
        changed = False
        for v in np.flatnonzero(part < 0):
            near = slice(graph.indptr[v], graph.indptr[v + 1])
            own = part[graph.indices[near]]
            known = own >= 0
            if known.any():
                part[v] = np.argmax(np.bincount(own[known], graph.length[near][known]))
                changed = True
        if not changed:
            part[part < 0] = 0
    return part
