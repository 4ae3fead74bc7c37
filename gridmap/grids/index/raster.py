"""A raster over zones in which nearly every point finds its zone by one look-up.

Each raster cell is one of three: wholly outside, wholly inside one zone, or touched by some zone's edge. The last
kind lists the zones that may hold a point there. An edge is drawn with a margin far above rounding error, so a cell
that no edge was drawn in lies on one side of every edge, and its middle speaks for all of it.

These are the loops (numba, no Python objects, no lock held); `locator.py` tells the whole idea.
"""

import numba as nb
import numpy as np

__all__ = ["OUTSIDE", "column_of", "compiled", "longer", "paint", "slabs"]

OUTSIDE = -1  # a border cell is −2 − (its number)
MARGIN = 1e-6  # of a raster cell

compiled = nb.njit(nogil=True, cache=True)


@compiled
def column_of(x, low, scale, n):
    """The column (or row) of the raster that x is in: never falls as x grows, so no point slips between cells."""
    at = int((x - low) * scale)
    return 0 if at < 0 else (n - 1 if at >= n else at)


@compiled
def _stroke(ax, ay, bx, by, frame, nx, ny, mark, value, touched, count):
    """Write `value` in every cell that an edge touches, margin included; list those that did not hold it yet."""
    x0, y0, sx, sy, mx, my = frame
    ylow, yhigh = min(ay, by), max(ay, by)
    xlow, xhigh = min(ax, bx), max(ax, bx)
    first, last = column_of(ylow - my, y0, sy, ny), column_of(yhigh + my, y0, sy, ny)
    for j in range(first, last + 1):
        left, right = xlow, xhigh
        if last > first and yhigh - ylow > my:
            below = max(y0 + j / sy - my, ylow)
            above = min(y0 + (j + 1) / sy + my, yhigh)
            t0 = min(max((below - ay) / (by - ay), 0.0), 1.0)
            t1 = min(max((above - ay) / (by - ay), 0.0), 1.0)
            xa, xb = ax + t0 * (bx - ax), ax + t1 * (bx - ax)
            left, right = max(min(xa, xb), xlow), min(max(xa, xb), xhigh)
        for i in range(column_of(left - mx, x0, sx, nx), column_of(right + mx, x0, sx, nx) + 1):
            cell = j * nx + i
            if mark[cell] != value:
                mark[cell] = value
                if count == len(touched):
                    touched = longer(touched)
                touched[count] = cell
                count += 1
    return touched, count


@compiled
def longer(values):
    """A copy with twice the room."""
    grown = np.empty(2 * len(values), values.dtype)
    for k in range(len(values)):  # a slice that is assigned takes two seconds to compile: its errors are words
        grown[k] = values[k]
    return grown


@compiled
def _outline(xy, edges, frame, nx, ny, own, value, touched):
    """The cells that a zone's edges touch, marked with `value`, and the lowest and highest corner."""
    count = np.int64(0)
    ylow, yhigh = np.inf, -np.inf
    for e in edges:
        touched, count = _stroke(
            xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1], frame, nx, ny, own, value, touched, count
        )
        ylow, yhigh = min(ylow, xy[e, 1]), max(yhigh, xy[e, 1])
    return touched, count, ylow, yhigh


@compiled
def _crossings(xy, edges, frame, nx, ny, first, last):
    """Where the middle line of each raster row crosses a zone's edges: columns in order, and where each row begins."""
    x0, y0, sx, sy, _, _ = frame
    begin_row = np.zeros(last - first + 2, np.int64)
    for e in edges:
        low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
        for j in range(column_of(low, y0, sy, ny), column_of(high, y0, sy, ny) + 1):
            middle = y0 + (j + 0.5) / sy
            if (low > middle) != (high > middle):
                begin_row[j - first + 1] += 1
    for j in range(last - first + 1):
        begin_row[j + 1] += begin_row[j]
    crossing = np.empty(begin_row[-1], np.int64)
    filled = begin_row[:-1].copy()
    for e in edges:
        low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
        for j in range(column_of(low, y0, sy, ny), column_of(high, y0, sy, ny) + 1):
            middle = y0 + (j + 0.5) / sy
            if (low > middle) != (high > middle):
                t = (middle - xy[e, 1]) / (xy[e + 1, 1] - xy[e, 1])
                x = xy[e, 0] + t * (xy[e + 1, 0] - xy[e, 0])
                at = filled[j - first]
                column = column_of(x, x0, sx, nx)
                while at > begin_row[j - first] and crossing[at - 1] > column:  # keep the row in order
                    crossing[at] = crossing[at - 1]
                    at -= 1
                crossing[at] = column
                filled[j - first] += 1
    return begin_row, crossing


@compiled
def _fill(zone, begin_row, crossing, first, nx, label, border, own, every, pair_cell, pair_zone, pairs):
    """Give a zone the cells between two crossings; those that are a border, or another's already, get a pair."""
    for j in range(len(begin_row) - 1):
        for k in range(begin_row[j], begin_row[j + 1] - 1, 2):
            for cell in range((first + j) * nx + crossing[k], (first + j) * nx + crossing[k + 1] + 1):
                if own[cell] == zone:
                    continue
                if border[cell] == 0 and label[cell] == OUTSIDE:
                    label[cell] = zone
                    continue
                if pairs + 2 > len(pair_cell):
                    pair_cell, pair_zone = longer(pair_cell), longer(pair_zone)
                if border[cell] == 0:
                    if not every:
                        continue
                    border[cell] = 1
                    pair_cell[pairs], pair_zone[pairs] = cell, label[cell]
                    pairs += 1
                pair_cell[pairs], pair_zone[pairs] = cell, zone
                pairs += 1
    return pair_cell, pair_zone, pairs


@compiled
def _by_border_cell(label, border, pair_cell, pair_zone, pairs):
    """Number the border cells in `label`, and sort the pairs by them."""
    borders = 0
    for cell in range(len(label)):
        if border[cell]:
            label[cell] = -2 - borders
            borders += 1
    start = np.zeros(borders + 1, np.int64)
    for k in range(pairs):
        start[-1 - label[pair_cell[k]]] += 1
    for c in range(borders):
        start[c + 1] += start[c]
    candidates = np.empty(pairs, np.int32)
    at = start[:-1].copy()
    for k in range(pairs):  # zones came in ascending order, and stay so within each cell
        c = -2 - label[pair_cell[k]]
        candidates[at[c]] = pair_zone[k]
        at[c] += 1
    return start, candidates


@compiled
def paint(xy, edges, edge_start, frame, nx, ny, every):
    """Paint zones into a raster.

    Parameters
    ----------
    xy : array (v, 2)
        Corners of all rings, one ring after the other.
    edges : array of int64
        An edge runs from corner `e` to corner `e + 1`; ordered by zone.
    edge_start : array of int64, (zones + 1,)
        Where each zone's edges begin.
    frame : (x0, y0, columns per degree, rows per degree, margin in x, margin in y)
    nx, ny : int
    every : bool
        Where zones overlap keep all of them, not just the lowest.

    Returns
    -------
    label : int32 array (ny × nx)
        Zone, OUTSIDE, or −2 − number of a border cell.
    start, candidates : int64 and int32 arrays
        Zones that may hold a point of border cell `c`, ascending: `candidates[start[c]:start[c + 1]]`.
    """
    y0, sy = frame[1], frame[3]
    label = np.full(nx * ny, OUTSIDE, np.int32)
    border = np.zeros(nx * ny, np.int8)
    own = np.full(nx * ny, -1, np.int32)
    touched = np.empty(1024, np.int64)
    for z in range(len(edge_start) - 1):  # every border first, under marks that are not used again
        of = edges[edge_start[z] : edge_start[z + 1]]
        touched, count, _, _ = _outline(xy, of, frame, nx, ny, own, np.int32(-2 - z), touched)
        for k in range(count):
            border[touched[k]] = 1
    pair_cell, pair_zone, pairs = np.empty(4096, np.int64), np.empty(4096, np.int32), np.int64(0)
    for z in range(len(edge_start) - 1):
        of = edges[edge_start[z] : edge_start[z + 1]]
        if not len(of):
            continue
        touched, count, ylow, yhigh = _outline(xy, of, frame, nx, ny, own, np.int32(z), touched)
        while pairs + count > len(pair_cell):
            pair_cell, pair_zone = longer(pair_cell), longer(pair_zone)
        for k in range(count):
            pair_cell[pairs], pair_zone[pairs] = touched[k], z
            pairs += 1
        first, last = column_of(ylow, y0, sy, ny), column_of(yhigh, y0, sy, ny)
        begin_row, crossing = _crossings(xy, of, frame, nx, ny, first, last)
        pair_cell, pair_zone, pairs = _fill(
            z, begin_row, crossing, first, nx, label, border, own, every, pair_cell, pair_zone, pairs
        )
    start, candidates = _by_border_cell(label, border, pair_cell, pair_zone, pairs)
    return label, start, candidates


@compiled
def slabs(xy, edges, edge_start, box):
    """Each zone's edges, sorted into horizontal slabs, so that a point meets only those at its own height.

    Parameters
    ----------
    xy, edges, edge_start :
        As for `paint`.
    box : array (zones, 4)
        west, south, east, north of each zone

    Returns
    -------
    first : int64 array (zones + 1,)
        Where each zone's slabs begin.
    scale : float64 array (zones,)
        Slabs per degree.
    start : int64 array
    ends : float64 array (m, 4)
        x, y, x, y of the edges of slab `s`: `ends[start[s]:start[s + 1]]`; copied, so that they lie side by side.
    """
    zones = len(edge_start) - 1
    first = np.zeros(zones + 1, np.int64)
    scale = np.zeros(zones)
    for z in range(zones):
        n = edge_start[z + 1] - edge_start[z]
        height = box[z, 3] - box[z, 1]
        count = min(max(n // 2, 1), 65536) if n and height > 0 else 1
        first[z + 1] = first[z] + count
        if n and height > 0 and np.isfinite(count / height):
            scale[z] = count / height
    start = np.zeros(first[-1] + 1, np.int64)
    for z in range(zones):
        for e in edges[edge_start[z] : edge_start[z + 1]]:
            low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
            n = first[z + 1] - first[z]
            for s in range(column_of(low, box[z, 1], scale[z], n), column_of(high, box[z, 1], scale[z], n) + 1):
                start[first[z] + s + 1] += 1
    for s in range(first[-1]):
        start[s + 1] += start[s]
    ends = np.empty((start[-1], 4))
    at = start[:-1].copy()
    for z in range(zones):
        for e in edges[edge_start[z] : edge_start[z + 1]]:
            low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
            n = first[z + 1] - first[z]
            for s in range(column_of(low, box[z, 1], scale[z], n), column_of(high, box[z, 1], scale[z], n) + 1):
                k = at[first[z] + s]
                ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3] = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
                at[first[z] + s] += 1
    return first, scale, start, ends
