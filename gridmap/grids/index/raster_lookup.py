"""The loops that ask a raster over zones for points, compiled: no Python objects, no lock held.

First a look-up for every point of a block, then, for the few that fell in a border cell, the lines through that cell
(`zone_raster.py`). The two are kept apart because a loop of look-ups alone keeps many of them under way in the
processor at once. The very few points that lie NEAR a line, or in a CROWDED cell, are marked LATER, and put to the
exact test: the edges of each zone that passes there, at the point's height. `locator.py` tells the whole idea.
"""

import numpy as np

from gridmap.grids.index.zone_raster import NEAR, column_of, compiled, longer

__all__ = ["LATER", "UNSURE", "locate", "locate_all", "settle", "settle_all", "tally", "tally_sums"]

UNSURE, LATER = -2, -3
BLOCK = 2048  # points looked up at a time


@compiled
def _bits(x, y, i, j, c, frame, heads, lines):
    """The zones of border cell `c` that hold a point of it, as bits by their place among its zones; LATER if unsure."""
    n = heads[c, 2]
    u, v = (x - frame[0]) * frame[2] - i, (y - frame[1]) * frame[3] - j
    if n < 0 or not (NEAR < u < 1 - NEAR and NEAR < v < 1 - NEAR):
        return LATER
    bits = heads[c, 3]
    for k in range(heads[c, 1], heads[c, 1] + n):
        low, high = lines[k, 0], lines[k, 1]
        if v < low - NEAR or v > high + NEAR:
            continue
        if v < low + NEAR or v > high - NEAR:
            return LATER
        right = lines[k, 2] + lines[k, 3] * v - u
        near = NEAR * (1 + abs(lines[k, 3]))
        if right > near:
            bits ^= np.int32(lines[k, 4])
        elif right > -near:
            return LATER
    return bits


@compiled
def locate(px, py, rows, frame, nx, ny, limits, round_world, label, heads, zones, lines):
    """Write the lowest zone of each point into `rows`: −1 outside, LATER where it needs the exact test."""
    x0, y0, sx, sy, _, _ = frame
    x1, y1 = limits
    later = np.empty(BLOCK, np.int64)
    early = np.empty(BLOCK, np.float32)
    for begin in range(0, len(px), BLOCK):
        end = min(begin + BLOCK, len(px))
        for k in range(begin, end):  # nothing but look-ups: the processor keeps many of them under way
            x, y = px[k], py[k]
            if round_world and not x0 <= x <= x1:
                x = x + 360.0 if x < x0 else x - 360.0
            if not (x0 <= x <= x1 and y0 <= y <= y1):
                rows[k] = -1
                continue
            rows[k] = label[column_of(y, y0, sy, ny) * nx + column_of(x, x0, sx, nx)]
        borders = 0
        for k in range(begin, end):
            later[borders] = k
            borders += rows[k] < -1
        for n in range(borders):  # their lines are fetched into the cache, many at a time, before they are met
            first = heads[-2 - rows[later[n]], 1]
            early[n] = lines[min(first, len(lines) - 1), 0] + lines[min(first + 3, len(lines) - 1), 0]
        for k in later[:borders]:
            x, y, c = px[k], py[k], -2 - rows[k]
            if round_world and not x0 <= x <= x1:
                x = x + 360.0 if x < x0 else x - 360.0
            bits = _bits(x, y, column_of(x, x0, sx, nx), column_of(y, y0, sy, ny), c, frame, heads, lines)
            if bits <= 0:
                rows[k] = -1 if bits == 0 else LATER
                continue
            slot = 0
            while not bits & 1:
                bits >>= 1
                slot += 1
            rows[k] = heads[c, 4 + slot] if slot < heads.shape[1] - 4 else zones[heads[c, 0] + slot]


@compiled
def locate_all(px, py, points, found, frame, nx, ny, limits, round_world, label, heads, zones, lines):
    """Pairs of point and zone; a zone of LATER stands for a whole point that needs the exact test."""
    x0, y0, sx, sy, _, _ = frame
    x1, y1 = limits
    n = 0
    for k in range(len(px)):
        x, y = px[k], py[k]
        if round_world and not x0 <= x <= x1:
            x = x + 360.0 if x < x0 else x - 360.0
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            continue
        i, j = column_of(x, x0, sx, nx), column_of(y, y0, sy, ny)
        at = label[j * nx + i]
        if at == -1:
            continue
        bits = 0 if at >= 0 else _bits(x, y, i, j, -2 - at, frame, heads, lines)
        while n + 32 > len(points):
            points, found = longer(points), longer(found)
        if at >= 0 or bits == LATER:
            points[n], found[n] = k, at if at >= 0 else LATER
            n += 1
            continue
        slot = heads[-2 - at, 0]
        while bits:
            if bits & 1:
                points[n], found[n] = k, zones[slot]
                n += 1
            bits >>= 1
            slot += 1
    return points[:n], found[:n]


# The exact test


@compiled
def _holds(x, y, zone, box, xy, first, scale, start, within):
    """1 when the zone holds the point or has it on its edge, 0 when not, UNSURE when rounding could decide."""
    if not (box[zone, 0] <= x <= box[zone, 2] and box[zone, 1] <= y <= box[zone, 3]):
        return 0
    slab = first[zone] + column_of(y, box[zone, 1], scale[zone], first[zone + 1] - first[zone])
    inside = 0
    for k in range(start[slab], start[slab + 1]):
        e = within[k]
        ax, ay, bx, by = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
        if (ax < x and bx < x) or (ay < y and by < y) or (ay > y and by > y):
            continue
        if (ax == x and ay == y) or (bx == x and by == y):
            return 1
        if ay == y and by == y:
            if min(ax, bx) <= x <= max(ax, bx):
                return 1
            continue
        if (ay > y) == (by > y):
            continue
        if ax > x and bx > x:
            inside ^= 1
            continue
        left, right = (ax - x) * (by - y), (ay - y) * (bx - x)
        side = left - right
        if abs(side) < 3.3306690738754716e-16 * abs(left + right):
            return UNSURE
        if side == 0:
            return 1
        if (side > 0) == (by > ay):
            inside ^= 1
    return inside


@compiled
def settle(px, py, cells, rows, heads, zones, box, xy, first, scale, start, within):
    """Write the lowest zone of each point of a border cell into `rows`: −1 outside, UNSURE where shapely must say."""
    for k in range(len(px)):
        rows[k] = -1
        for z in range(heads[cells[k], 0], heads[cells[k] + 1, 0]):
            held = _holds(px[k], py[k], zones[z], box, xy, first, scale, start, within)
            if held:
                rows[k] = zones[z] if held == 1 else UNSURE
                break


@compiled
def settle_all(px, py, cells, points, found, heads, zones, box, xy, first, scale, start, within):
    """Pairs of point and zone for points of border cells; a zone of UNSURE stands for a point that shapely must say."""
    n = 0
    for k in range(len(px)):
        before = n
        for z in range(heads[cells[k], 0], heads[cells[k] + 1, 0]):
            held = _holds(px[k], py[k], zones[z], box, xy, first, scale, start, within)
            if not held:
                continue
            if n == len(points):
                points, found = longer(points), longer(found)
            if held == UNSURE:
                points[before], found[before] = k, UNSURE
                n = before + 1
                break
            points[n], found[n] = k, zones[z]
            n += 1
    return points[:n], found[:n]


@compiled
def tally(rows, n):
    """How many of `rows` are −1, 0, 1, … n − 1, as an array of n + 1."""
    counts = np.zeros(n + 1, np.int64)
    for row in rows:
        counts[row + 1] += 1
    return counts


@compiled
def tally_sums(rows, values, n):
    """Sums of `values` (int64) over the rows −1, 0, 1, … n − 1, as an array of n + 1."""
    sums = np.zeros(n + 1, np.int64)
    for k in range(len(rows)):
        sums[rows[k] + 1] += values[k]
    return sums
