"""One community, divided: how many grids, and which pieces make each.

A community falls into regions that no grid may span: its islands, its exclusive grids, the sides of a river. Each
region is divided by itself. How many grids it gets is the number that brings their mean load nearest the target.
"""

import contextlib

import numpy as np
import shapely
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gridmap.grids.fresh_grids import Task, fresh
from gridmap.grids.kept_grids import kept
from gridmap.grids.piece_graph import PieceGraph
from gridmap.grids.tessellation import Mosaic, polygon_parts

__all__ = ["Task", "draw", "outline"]

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
    part, owner, notes = np.full(n, -1), [], []
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
    with contextlib.suppress(shapely.GEOSException):  # said when corners do not meet
        whole = shapely.coverage_union_all(pieces)
        if shapely.is_valid(whole) and abs(whole.area - total) < 1e-9 * total:
            return whole
    return shapely.union_all(pieces, grid_size=1e-6)
