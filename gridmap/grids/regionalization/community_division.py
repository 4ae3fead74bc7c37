"""How many grids a community gets, and which pieces make each.

A community falls into regions that no grid may span: its islands, its exclusive grids, the sides of a river. Each
region is divided by itself. How many grids it gets is the number that brings their mean load nearest the target; up to
ten pieces every connected division is tried, beyond that power diagrams start and annealing finishes
(`graph_partition`).

Existing grids are changed as little as the tolerance allows: codes, signs and leaders hang on a grid, so nobody redraws
a district for its looks. Where a community has grown, its heaviest grid is halved until the grids are as many as the
load asks for; where it has shrunk, the lightest one joins a neighbour. Then pieces change sides only where a grid would
else miss the tolerance: each that leaves its grid costs.
"""

import contextlib
from dataclasses import dataclass

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gridmap.grids.regionalization import graph_partition
from gridmap.grids.regionalization.graph_partition import PieceGraph
from gridmap.grids.regionalization.mosaic import Mosaic, polygon_parts
from gridmap.messages import Note

__all__ = ["Task", "counts_to_try", "divide", "draw", "outline"]


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
        return best, Note("grids.reason_no_load")
    if total < task.target * (1 - task.tolerance) and best.max() == 0:
        return best, Note("grids.reason_little_load")
    return best, ""


def divide(graph, xy, load, area, rim, k, task) -> tuple[np.ndarray, float]:
    """`k` connected parts of a connected graph of pieces, and their mean energy."""
    n = len(load)
    measure = (k, load, area, rim, *graph, task.target, task.tolerance)
    if k == 1:
        part = np.zeros(n, np.int64)
        return part, graph_partition.energy(part, *measure)
    if n <= EXACT:
        part = graph_partition.best_division(*measure)
        if part[0] >= 0:
            return part, graph_partition.energy(part, *measure)
    away = np.full(n, -1, np.int64)
    best, low = away, np.inf
    restarts = 6 if n < 300 else 2 if n < 800 else 1
    for attempt in range(restarts):
        rng = np.random.default_rng([task.seed, attempt])
        start = _start(np.arange(n), xy, load, k, rng)
        start = graph_partition.repair(start, k, load, *graph)
        sweeps = 60 if n < 4000 else 40
        part = graph_partition.anneal(
            start, *measure[:-2], task.target, task.tolerance, away, 0.0, 1.0, sweeps, 0.3, task.seed * 31 + attempt
        )
        value = graph_partition.energy(part, *measure)
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
        part = graph_partition.power_diagram(xy[rows], load[rows].astype(float), centres, 80)
        loads = np.bincount(part, load[rows], minlength=k)
        if np.abs(loads / max(loads.mean(), 1e-12) - 1).max() < 0.3:
            return part
    first = k // 2
    sides = graph_partition.bisect(xy[rows], load[rows].astype(float), first / k, 8)
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


STAY = 1.0  # what it costs to move a target's load out of an existing grid


def kept(graph: PieceGraph, xy, load, area, rim, home, task: Task) -> tuple[np.ndarray, str]:
    """Existing grids, changed as little as the tolerance allows."""
    names, local = np.unique(home, return_inverse=True)
    if names[0] < 0:
        local = local - 1
        names = names[1:]
    k = len(names)
    part = np.where(home >= 0, local, -1)
    part = _filled(part, graph)
    part = graph_partition.repair(part, k, load, *graph)
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
        part = _lightest_joined(part, k, load, graph)
        k -= 1
    own = part.copy()
    part = graph_partition.anneal(
        part, k, load, area, rim, *graph, task.target, task.tolerance, own, STAY, 0.02, 0, 0.0, task.seed
    )
    return part, ""


def _lightest_joined(part: np.ndarray, k: int, load: np.ndarray, graph: PieceGraph) -> np.ndarray:
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


def _filled(part: np.ndarray, graph: PieceGraph) -> np.ndarray:
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


ALONG = 0.35  # a border that follows a street counts this much of its length


def draw(mosaic: Mosaic, load: np.ndarray, task: Task, *, fixed: np.ndarray, home: np.ndarray, side: np.ndarray):
    """Divide a mosaic.

    Parameters
    ----------
    mosaic : Mosaic
    load : array of float, (n,)
    task : Task
    fixed : array of int, (n,)
        The exclusive grid a piece is in, −1 for none.
    home : array of int, (n,)
        The existing grid it is in, −1 for none.
    side : array of int, (n,)
        Which side of the barriers it is on.

    Returns
    -------
    part : array of int, (n,)
        Grid of each piece, 0 … grids − 1.
    region : array of int, (grids,)
        Region of each grid: negative for exclusive grids, −1 − fixed.
    note : list of str
        What stood in the way, one a grid.
    """
    n = len(mosaic)
    i, j, metres = mosaic.borders()
    open_border = fixed[i] == fixed[j]
    together = (home[i] == home[j]) & (home[i] >= 0)  # an existing grid on both banks stays one
    free = open_border & ((side[i] == side[j]) | together)
    region = _regions(n, i[free], j[free])
    region = _join_small(
        region, load, shapely.area(mosaic.shapes), fixed, i[open_border], j[open_border], metres[open_border], task
    )
    part = np.full(n, -1)
    owner: list[int] = []
    notes: list[str] = []
    inside = region[i] == region[j]
    i, j, metres = i[inside & open_border], j[inside & open_border], metres[inside & open_border]
    street = mosaic.block[i] != mosaic.block[j]
    weighted = np.where(street, metres * ALONG, metres)
    area, round_m = shapely.area(mosaic.shapes), shapely.length(mosaic.shapes)
    used = np.bincount(i, metres, minlength=n) + np.bincount(j, metres, minlength=n)
    rim = np.maximum(round_m - used, 0.0)
    for r in np.unique(region):
        rows = np.flatnonzero(region == r)
        here = region[i] == r
        local = np.full(n, -1)
        local[rows] = np.arange(len(rows))
        graph = PieceGraph.of(len(rows), local[i[here]], local[j[here]], weighted[here])
        exclusive = fixed[rows[0]]
        if exclusive >= 0:
            mine, note = np.zeros(len(rows), np.int64), ""
        elif (home[rows] >= 0).any():
            mine, note = kept(graph, mosaic.xy[rows], load[rows], area[rows], rim[rows], home[rows], task)
        else:
            mine, note = fresh(graph, mosaic.xy[rows], load[rows], area[rows], rim[rows], task)
        part[rows] = mine + len(owner)
        for _ in range(mine.max() + 1):
            owner.append(-1 - exclusive if exclusive >= 0 else r)
            notes.append(note)
    return part, np.array(owner), notes


def _regions(n: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    links = sparse.coo_array((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    return connected_components(links.tocsr(), directed=False)[1]


def _join_small(region, load, area, fixed, i, j, metres, task) -> np.ndarray:
    """Sides of a barrier too light for a grid join the region they share most border with, lightest first."""
    for _ in range(len(np.unique(region))):
        count = region.max() + 1
        loads = np.bincount(region, load, minlength=count)
        present = np.bincount(region, minlength=count) > 0
        special = np.zeros(count, bool)
        special[region[fixed >= 0]] = True
        apart = region[i] != region[j]
        joins = sparse.coo_array((metres[apart], (region[i[apart]], region[j[apart]])), shape=(count, count)).tocsr()
        joins = joins + joins.T
        linked = np.asarray(joins.sum(axis=1)).ravel() > 0
        small = np.flatnonzero(present & linked & ~special & (loads < task.target * (1 - task.tolerance)))
        if not len(small):
            return region
        r = small[np.lexsort((small, loads[small]))[0]]
        near = joins[[r]].toarray().ravel()
        region = np.where(region == r, int(np.argmax(near)), region)
    return region


def outline(pieces: np.ndarray, block: np.ndarray):
    """Pieces that belong together as one polygon; cracks below a micrometre close.

    Inside a block between streets pieces meet corner to corner, so they are merged fast; then the blocks are.
    """
    blocks = [_merged(pieces[block == b]) for b in np.unique(block)]
    if len(blocks) == 1 and blocks[0].geom_type == "Polygon":
        return blocks[0]
    for crack_m in (1e-6, 1e-3):
        whole = shapely.union_all(blocks, grid_size=crack_m)
        if whole.geom_type == "Polygon":
            return whole
    parts, _ = polygon_parts(np.array([shapely.union_all(blocks, grid_size=1e-6)]))
    return shapely.multipolygons(parts) if len(parts) > 1 else parts[0]


def _merged(pieces: np.ndarray):
    if len(pieces) == 1:
        return pieces[0]
    total = shapely.area(pieces).sum()
    with contextlib.suppress(shapely.GEOSException):  # raised when corners do not meet
        whole = shapely.coverage_union_all(pieces)
        if shapely.is_valid(whole) and abs(whole.area - total) < 1e-9 * total:
            return whole
    return shapely.union_all(pieces, grid_size=1e-6)
