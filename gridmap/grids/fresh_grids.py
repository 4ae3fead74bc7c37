"""A region divided anew: how many grids, and which pieces make each.

The number is the one that brings the mean load nearest the target; up to ten pieces every connected division is
tried, beyond that power diagrams start and annealing finishes (`partition`).
"""

from dataclasses import dataclass

import numpy as np

from gridmap.grids import partition
from gridmap.grids.piece_graph import PieceGraph

__all__ = ["Task", "counts_to_try", "divide", "fresh"]

EXACT = 10  # pieces: up to here every division is tried
LEAF = 12  # grids that one power diagram makes; more are first halved


@dataclass
class Task:
    """What is wanted of a community."""

    target: float
    tolerance: float
    fewest: int = 1
    most: int | None = None
    whole_below: float = 0.0
    seed: int = 0


def counts_to_try(total: float, task: Task, pieces: int, loaded: int) -> list[int]:
    """How many grids a region may get: the number that brings the mean load nearest the target, and its neighbour.

    Examples
    --------
    >>> counts_to_try(1000, Task(target=300, tolerance=0.15), 500, 500)
    [3]
    >>> counts_to_try(3100, Task(target=1300, tolerance=0.15), 5, 5)
    [2, 3]
    """
    if total < task.whole_below or pieces == 1 or loaded <= 1:
        return [1]
    low = max(1, int(total // task.target))
    most = min(pieces, max(loaded, 1))
    tries = sorted(
        {min(max(k, task.fewest), most if task.most is None else min(task.most, most)) for k in (low, low + 1)}
    )
    if pieces / (low + 1) > 25:  # fine pieces: the mean decides, both need not be drawn
        tries = sorted(tries, key=lambda k: (abs(total / k / task.target - 1), k))[:1]
    return tries


def fresh(graph: PieceGraph, xy, load, area, rim, task: Task) -> tuple[np.ndarray, str]:
    """A region divided into the number of grids that fits best, and what stood in the way."""
    total = float(load.sum())
    best, low = np.zeros(len(load), np.int64), np.inf
    tried = counts_to_try(total, task, len(load), int((load > 0).sum()))
    for k in tried:
        part, value = divide(graph, xy, load, area, rim, k, task)
        deviation = np.abs(np.bincount(part, load, minlength=k) / task.target - 1)
        value += 4 * deviation.mean() / task.tolerance
        if value < low:
            best, low = part, value
    if total == 0:
        return best, "no load here"
    if total < task.target * (1 - task.tolerance) and best.max() == 0:
        return best, "too little load for a whole grid"
    return best, ""


def divide(graph, xy, load, area, rim, k, task) -> tuple[np.ndarray, float]:
    """`k` connected parts of a connected graph of pieces, and their mean energy."""
    n = len(load)
    measure = (k, load, area, rim, *graph, task.target, task.tolerance)
    if k == 1:
        part = np.zeros(n, np.int64)
        return part, partition.energy(part, *measure)
    if n <= EXACT:
        part = partition.best_division(*measure)
        if part[0] >= 0:
            return part, partition.energy(part, *measure)
    away = np.full(n, -1, np.int64)
    best, low = None, np.inf
    restarts = 6 if n < 300 else 2 if n < 800 else 1
    for attempt in range(restarts):
        rng = np.random.default_rng([task.seed, attempt])
        start = _start(np.arange(n), xy, load, k, rng)
        start = partition.repair(start, k, load, *graph)
        sweeps = 60 if n < 4000 else 40
        part = partition.anneal(
            start, *measure[:-2], task.target, task.tolerance, away, 0.0, 1.0, sweeps, 0.3, task.seed * 31 + attempt
        )
        value = partition.energy(part, *measure)
        if value < low:
            best, low = part, value
    return best, low


def _start(rows, xy, load, k, rng) -> np.ndarray:
    """A first division: halves of halves down to a dozen grids, then power diagrams."""
    if k == 1 or len(rows) <= 1:
        return np.zeros(len(rows), np.int64)
    if k <= LEAF:
        weight = np.where(load[rows] > 0, load[rows], 1e-9 * (load.max() or 1.0))
        centres = _seeds(xy[rows], weight, k, rng)
        part = partition.power_diagram(xy[rows], load[rows].astype(float), centres, 80)
        loads = np.bincount(part, load[rows], minlength=k)
        if np.abs(loads / max(loads.mean(), 1e-12) - 1).max() < 0.3:
            return part
    first = k // 2
    sides = partition.bisect(xy[rows], load[rows].astype(float), first / k, 8)
    spread = [
        sum(np.ptp(xy[rows[m]], axis=0).prod() for m in (s, ~s) if m.any()) + np.inf * (s.all() or not s.any())
        if 0 < s.sum() < len(s)
        else np.inf
        for s in sides
    ]
    side = sides[int(np.argmin(spread))]
    part = np.empty(len(rows), np.int64)
    part[side] = _start(rows[side], xy, load, first, rng)
    part[~side] = _start(rows[~side], xy, load, k - first, rng) + first
    return part


def _seeds(xy, weight, k, rng) -> np.ndarray:
    """Centres far apart, by k-means++."""
    chosen = [int(rng.choice(len(xy), p=weight / weight.sum()))]
    away = ((xy - xy[chosen[0]]) ** 2).sum(1)
    for _ in range(k - 1):
        chance = away * weight
        if not chance.sum() > 0:
            chance = away + 1e-12
        chosen.append(int(rng.choice(len(xy), p=chance / chance.sum())))
        away = np.minimum(away, ((xy - xy[chosen[-1]]) ** 2).sum(1))
    return xy[chosen] + rng.normal(0, 1e-6, (k, 2))
