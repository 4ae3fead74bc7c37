"""A raster over zones in which nearly every point finds its zone by one look-up.

Each raster cell is one of three: wholly outside, wholly inside one zone, or touched by some zone's edge. The last
kind lists the zones that may hold a point there. An edge is drawn with a margin far above rounding error, so a cell
that no edge was drawn in lies on one side of every edge, and its middle speaks for all of it.

A border cell also keeps the few edges that run through it, each once, with the zones whose border it is as bits. Which
zones hold the middle of its right side is known from the painting. From there a point is reached by going up or down
that side and then left, and each edge crossed on the way turns its zones' bits (the crossing rule, within one cell). So
a point costs what its own cell's edges cost, whatever the number of corners of the zones. An edge that crosses the
right side is crossed on the first leg by every point beyond that crossing: such a crossing is kept as an edge
infinitely far to the right. All this is in parts of the cell (0 to 1 across and up) and in single precision; whatever
lies nearer to an edge, an edge's end or a side of the cell than NEAR is left to the exact test of `raster_lookup.py`.

These are the loops (numba, no Python objects, no lock held); `locator.py` tells the whole idea.
"""

import numpy as np

from gridmap._compiled import njit

__all__ = ["CROWDED", "NEAR", "OUTSIDE", "column_of", "compiled", "longer", "paint", "slabs"]

OUTSIDE = -1  # a border cell is −2 − (its number)
MARGIN = 1e-6  # of a raster cell
NEAR = 1e-6  # of a raster cell: far above what single precision rounds, and the drawn margin
CROWDED = -1  # instead of a number of lines: a border cell whose points are all put to the exact test
MOST_EDGES = 48  # in a border cell that has lines
MOST_ZONES = 8  # that have bits in a border cell
FIRST_ZONES = 4
STEEPEST = 1e5  # of an edge, in parts of a cell: beyond it rounding is as large as NEAR
FAR = np.float32(1e30)
AMBIGUOUS = 2  # in `border`: an edge passes so near the middle of a side that the painting may have misjudged it

compiled = njit(nogil=True, cache=True)


@compiled
def column_of(x, low, scale, n):
    """The column (or row) of the raster that x is in: never falls as x grows, so no point slips between cells."""
    at = int((x - low) * scale)
    return 0 if at < 0 else (n - 1 if at >= n else at)


@compiled
def _stroke(ax, ay, bx, by, frame, nx, ny, rows, touched):
    """List every cell of these rows that an edge touches, margin included; how many there are."""
    x0, y0, sx, sy, mx, my = frame
    ylow, yhigh = min(ay, by), max(ay, by)
    xlow, xhigh = min(ax, bx), max(ax, bx)
    first, last = column_of(ylow - my, y0, sy, ny), column_of(yhigh + my, y0, sy, ny)
    count = 0
    for j in range(max(first, rows[0]), min(last, rows[1] - 1) + 1):
        left, right = xlow, xhigh
        if last > first and yhigh - ylow > my:
            below = max(y0 + j / sy - my, ylow)
            above = min(y0 + (j + 1) / sy + my, yhigh)
            t0 = min(max((below - ay) / (by - ay), 0.0), 1.0)
            t1 = min(max((above - ay) / (by - ay), 0.0), 1.0)
            xa, xb = ax + t0 * (bx - ax), ax + t1 * (bx - ax)
            left, right = max(min(xa, xb), xlow), min(max(xa, xb), xhigh)
        for i in range(column_of(left - mx, x0, sx, nx), column_of(right + mx, x0, sx, nx) + 1):
            if count == len(touched):
                touched = longer(touched)
            touched[count] = (j - rows[0]) * nx + i
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
def _crossings(xy, edges, frame, nx, ny, first, last, row0, border):
    """Where the middle line of each row crosses a zone's edges: columns in order, and where each row begins.

    A crossing beside a side of a raster cell makes the cells on both sides AMBIGUOUS.
    """
    x0, y0, sx, sy, _, _ = frame
    begin_row = np.zeros(last - first + 2, np.int64)
    for e in edges:
        low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
        for j in range(max(column_of(low, y0, sy, ny), first), min(column_of(high, y0, sy, ny), last) + 1):
            middle = y0 + (j + 0.5) / sy
            if (low > middle) != (high > middle):
                begin_row[j - first + 1] += 1
    for j in range(last - first + 1):
        begin_row[j + 1] += begin_row[j]
    crossing = np.empty(begin_row[-1], np.int64)
    filled = begin_row[:-1].copy()
    for e in edges:
        low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
        for j in range(max(column_of(low, y0, sy, ny), first), min(column_of(high, y0, sy, ny), last) + 1):
            middle = y0 + (j + 0.5) / sy
            if (low > middle) != (high > middle):
                t = (middle - xy[e, 1]) / (xy[e + 1, 1] - xy[e, 1])
                x = xy[e, 0] + t * (xy[e + 1, 0] - xy[e, 0])
                at = filled[j - first]
                column = column_of(x, x0, sx, nx)
                across = (x - x0) * sx - column
                cell = (j - row0) * nx + column
                if across < NEAR and column > 0 and border[cell - 1]:
                    border[cell - 1] |= AMBIGUOUS
                if across > 1 - NEAR:
                    border[cell] |= AMBIGUOUS
                while at > begin_row[j - first] and crossing[at - 1] > column:  # keep the row in order
                    crossing[at] = crossing[at - 1]
                    at -= 1
                crossing[at] = column
                filled[j - first] += 1
    return begin_row, crossing


@compiled
def _fill(zone, begin_row, crossing, first, nx, label, border, every, held_cell, held_zone, held):
    """Give a zone the cells between two crossings; list the border cells whose right side's middle it holds.

    Of the last cell of each run the right side lies beyond the crossing. Cells that another zone has already are that
    zone's, or become border cells where every zone is wanted.
    """
    for j in range(len(begin_row) - 1):
        for k in range(begin_row[j], begin_row[j + 1] - 1, 2):
            for cell in range((first + j) * nx + crossing[k], (first + j) * nx + crossing[k + 1]):
                if border[cell] == 0 and label[cell] == OUTSIDE:
                    label[cell] = zone
                    continue
                if held + 2 > len(held_cell):
                    held_cell, held_zone = longer(held_cell), longer(held_zone)
                if border[cell] == 0:
                    if not every:
                        continue
                    border[cell] = 1
                    held_cell[held], held_zone[held] = cell, label[cell]
                    held += 1
                held_cell[held], held_zone[held] = cell, zone
                held += 1
    return held_cell, held_zone, held


@compiled
def _draw(xy, edges, frame, nx, ny, rows, border):
    """Mark the cells that edges touch; pairs of cell and edge, ordered by edge."""
    at_cell, at_edge = np.empty(len(edges) + 16, np.int32), np.empty(len(edges) + 16, edges.dtype)
    touched, pairs = np.empty(1024, np.int32), np.int64(0)
    for k in range(len(edges)):
        e = edges[k]
        touched, count = _stroke(xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1], frame, nx, ny, rows, touched)
        while pairs + count > len(at_cell):
            at_cell, at_edge = longer(at_cell), longer(at_edge)
        for c in range(count):
            border[touched[c]] = 1
            at_cell[pairs], at_edge[pairs] = touched[c], e
            pairs += 1
    return at_cell[:pairs], at_edge[:pairs]


@compiled
def _by_border_cell(label, at_cell, values, borders):
    """What border cells were paired with, cell by cell in the order of the pairs, and where each cell's begin."""
    start = np.zeros(borders + 1, np.int64)
    for cell in at_cell:
        start[-1 - label[cell]] += 1
    for c in range(borders):
        start[c + 1] += start[c]
    sorted_values = np.empty(len(at_cell), values.dtype)
    filled = start[:-1].copy()
    for k in range(len(at_cell)):
        c = -2 - label[at_cell[k]]
        sorted_values[filled[c]] = values[k]
        filled[c] += 1
    return start, sorted_values


@compiled
def _zones_here(edge, zone_of, held, here):
    """The zones with an edge in a cell or that hold its right side's middle, ascending, into `here`; their number."""
    n = 0
    for k in range(len(edge) + len(held)):
        zone = zone_of[edge[k]] if k < len(edge) else held[k - len(edge)]
        at = n
        while at > 0 and here[at - 1] > zone:
            at -= 1
        if at > 0 and here[at - 1] == zone:
            continue
        if n == len(here):
            here = longer(here)
        for later in range(n, at, -1):
            here[later] = here[later - 1]
        here[at] = zone
        n += 1
    return here, n


@compiled
def _add(lines, n, low, high, at, slope, bits):
    """One more line, if a point between the cell's lower and upper side can meet it; how many there are."""
    if high < 0 or low > 1:
        return n
    lines[n, 0], lines[n, 1] = max(low, -2.0), min(high, 3.0)
    lines[n, 2], lines[n, 3], lines[n, 4] = at, slope, bits
    return n + 1


@compiled
def _lines_of(ends, bits, count, lines):
    """The lines by which a cell's points find their zones, from its edges' ends (lower first, in parts of the cell).

    Returns
    -------
    int
        How many lines, or CROWDED where an edge runs along the right side, or near its middle.
    """
    n = 0
    for k in range(count):
        au, av, bu, bv = ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3]
        if au > 1 and bu > 1:
            continue  # but not where bits are 0: a point may lie between two edges of a zone that are a rounding apart
        low, high = av, bv
        if (au > 1) != (bu > 1):  # it crosses the right side
            rise = (bv - av) / (bu - au)
            crossing = av + (1 - au) * rise
            if abs(rise) > STEEPEST or abs(crossing - 0.5) < 10 * NEAR:
                return CROWDED
            if crossing > 0.5:
                n = _add(lines, n, crossing, 3.0, FAR, 0.0, bits[k])
            else:
                n = _add(lines, n, -2.0, crossing, FAR, 0.0, bits[k])
            if au > 1:
                low = crossing
            else:
                high = crossing
        if bv == av:  # no point crosses it, but one may lie on it
            n = _add(lines, n, low, high, 0.0, 0.0, bits[k])
            continue
        slope = (bu - au) / (bv - av)
        if abs(slope) > STEEPEST:  # almost level: points beside it in height meet it, and all those are too near
            left, right = av - au / slope, av + (1 - au) / slope
            n = _add(lines, n, max(low, min(left, right)), min(high, max(left, right)), 0.0, np.inf, bits[k])
            continue
        n = _add(lines, n, low, high, au - av * slope, slope, bits[k])
    return n


@compiled
def _edges_here(edge, xy, zone_of, here, n, i, j, frame, ends, bits):
    """The ends of a cell's edges in parts of the cell, an edge of two zones once, with the bits of its zones."""
    x0, y0, sx, sy, _, _ = frame
    count = 0
    for e in edge:
        au, av = (xy[e, 0] - x0) * sx - i, (xy[e, 1] - y0) * sy - j
        bu, bv = (xy[e + 1, 0] - x0) * sx - i, (xy[e + 1, 1] - y0) * sy - j
        if av > bv or (av == bv and au > bu):
            au, av, bu, bv = bu, bv, au, av
        slot = 0
        while slot < n and here[slot] != zone_of[e]:
            slot += 1
        at = 0
        while at < count and not (ends[at, 0] == au and ends[at, 1] == av and ends[at, 2] == bu and ends[at, 3] == bv):
            at += 1
        if at == count:
            if count == len(bits):
                return CROWDED
            ends[at, 0], ends[at, 1], ends[at, 2], ends[at, 3] = au, av, bu, bv
            bits[at] = 0
            count += 1
        bits[at] ^= 1 << slot
    return count


@compiled
def _describe(xy, zone_of, frame, nx, row0, label, border, borders, edge_start, edge, held_start, held, fine):
    """What each border cell needs for its points: see `paint`."""
    heads = np.zeros((borders + 1, 4 + FIRST_ZONES), np.int32)
    zones, lines = np.empty(2 * borders + 16, np.int32), np.empty((2 * borders + 64, 5), np.float32)
    here = np.empty(64, np.int32)
    ends, bits = np.empty((MOST_EDGES, 4)), np.empty(MOST_EDGES, np.int64)
    own = np.empty((2 * MOST_EDGES, 5), np.float32)
    zones_n, lines_n = np.int64(0), np.int64(0)
    for cell in range(len(label)):
        if label[cell] > -2:
            continue
        c = -2 - label[cell]
        edges = edge[edge_start[c] : edge_start[c + 1]]
        holding = held[held_start[c] : held_start[c + 1]]
        here, n = _zones_here(edges, zone_of, holding, here)
        count = CROWDED
        if fine and n <= MOST_ZONES and border[cell] < AMBIGUOUS:
            count = _edges_here(edges, xy, zone_of, here, n, cell % nx, row0 + cell // nx, frame, ends, bits)
        if count != CROWDED:
            count = _lines_of(ends, bits, count, own)
        base, slot = 0, 0
        for zone in holding:  # ascending, as `here`
            while here[slot] != zone:
                slot += 1
            base |= (1 << slot) & 255
        while zones_n + n > len(zones):
            zones = longer(zones)
        for k in range(n):
            zones[zones_n + k] = here[k]
        while lines_n + max(count, 0) > len(lines):
            grown = np.empty((2 * len(lines), 5), np.float32)
            grown[:lines_n] = lines[:lines_n]
            lines = grown
        for k in range(count):
            for f in range(5):
                lines[lines_n + k, f] = own[k, f]
        heads[c, 0], heads[c, 1], heads[c, 2], heads[c, 3] = zones_n, lines_n, count, base
        for k in range(min(n, FIRST_ZONES)):
            heads[c, 4 + k] = here[k]
        zones_n += n
        lines_n += max(count, 0)
    heads[borders, 0], heads[borders, 1] = zones_n, lines_n
    return heads, zones[:zones_n].copy(), lines[: max(lines_n, 1)].copy()  # never none: look-ups fetch ahead


@compiled
def paint(xy, edges, edge_start, zone_of, frame, nx, ny, rows, every, fine):
    """Paint zones into some rows of a raster.

    Parameters
    ----------
    xy : array (v, 2)
        Corners of all rings, one ring after the other.
    edges : array of int64
        An edge runs from corner `e` to corner `e + 1`; ordered by zone.
    edge_start : array of int64, (zones + 1,)
        Where each zone's edges begin.
    zone_of : array of int32, (v,)
        The zone of each corner.
    frame : (x0, y0, columns per degree, rows per degree, margin in x, margin in y)
    nx, ny : int
        Of the whole raster.
    rows : (first, one after the last)
        Each row is painted by itself, so a raster can be painted in bands, each with the parts that reach into it.
    every : bool
        Where zones overlap keep all of them, not just the lowest.
    fine : bool
        Whether cells are so much wider than rounding that lines can serve for their points.

    Returns
    -------
    label : int32 array (rows × nx)
        Zone, OUTSIDE, or −2 − number of a border cell.
    heads : int32 array (border cells + 1, 4 + FIRST_ZONES)
        Where the cell's zones begin in `zones`, where its lines begin in `lines`, how many lines (or CROWDED), the
        zones that hold the middle of its right side as bits, and its first zones once more, to have them at hand.
    zones : int32 array
        Zones that may hold a point of a border cell, ascending.
    lines : float32 array (m, 5)
        Lower and upper end, place at the cell's lower side, slope, and the bits of the zones that it bounds.
    """
    y0, sy = frame[1], frame[3]
    label = np.full(nx * (rows[1] - rows[0]), OUTSIDE, np.int32)
    border = np.zeros(nx * (rows[1] - rows[0]), np.int8)
    at_cell, at_edge = _draw(xy, edges, frame, nx, ny, rows, border)
    held_cell, held_zone, held = np.empty(4096, np.int32), np.empty(4096, np.int32), np.int64(0)
    for z in range(len(edge_start) - 1):
        of = edges[edge_start[z] : edge_start[z + 1]]
        if not len(of):
            continue
        ylow, yhigh = np.inf, -np.inf
        for e in of:
            ylow, yhigh = min(ylow, xy[e, 1]), max(yhigh, xy[e, 1])
        first, last = max(column_of(ylow, y0, sy, ny), rows[0]), min(column_of(yhigh, y0, sy, ny), rows[1] - 1)
        if first > last:
            continue
        begin_row, crossing = _crossings(xy, of, frame, nx, ny, first, last, rows[0], border)
        held_cell, held_zone, held = _fill(
            z, begin_row, crossing, first - rows[0], nx, label, border, every, held_cell, held_zone, held
        )
    borders = 0
    for cell in range(len(label)):
        if border[cell]:
            label[cell] = -2 - borders
            borders += 1
    edge_start_in, edge_in = _by_border_cell(label, at_cell, at_edge, borders)
    held_start, held_in = _by_border_cell(label, held_cell[:held], held_zone, borders)
    heads, zones, lines = _describe(
        xy, zone_of, frame, nx, rows[0], label, border, borders, edge_start_in, edge_in, held_start, held_in, fine
    )
    return label, heads, zones, lines


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
    within : array like `edges`
        The edges of slab `s`: `within[start[s]:start[s + 1]]`.
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
    within = np.empty(start[-1], edges.dtype)
    at = start[:-1].copy()
    for z in range(zones):
        for e in edges[edge_start[z] : edge_start[z + 1]]:
            low, high = min(xy[e, 1], xy[e + 1, 1]), max(xy[e, 1], xy[e + 1, 1])
            n = first[z + 1] - first[z]
            for s in range(column_of(low, box[z, 1], scale[z], n), column_of(high, box[z, 1], scale[z], n) + 1):
                within[at[first[z] + s]] = e
                at[first[z] + s] += 1
    return first, scale, start, within
