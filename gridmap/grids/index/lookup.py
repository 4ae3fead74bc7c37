"""The loops that ask a raster over zones for points, compiled: no Python objects, no lock held.

First a look-up for every point of a block, then, for the few that fell in a border cell, the zones whose edges pass
there. The two are kept apart because a loop of look-ups alone keeps many of them under way in the processor at once.
`locator.py` tells the whole idea.
"""

import numpy as np

from gridmap.grids.index.raster import column_of, compiled, longer

__all__ = ["UNSURE", "locate", "locate_all", "tally", "tally_sums"]

UNSURE = -2
BLOCK = 2048  # points looked up at a time


@compiled
def _holds(x, y, zone, box, first, scale, start, ends):
    """1 when the zone holds the point or has it on its edge, 0 when not, UNSURE when rounding could decide."""
    if not (box[zone, 0] <= x <= box[zone, 2] and box[zone, 1] <= y <= box[zone, 3]):
        return 0
    slab = first[zone] + column_of(y, box[zone, 1], scale[zone], first[zone + 1] - first[zone])
    inside = 0
    for k in range(start[slab], start[slab + 1]):
        ax, ay, bx, by = ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3]
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
def locate(
    px, py, rows,
    frame, nx, ny, limits, round_world, label, cell_start, candidates, box, first, scale, start, ends,
):  # fmt: skip
    """Write the lowest zone of each point into `rows`: −1 outside, UNSURE where it must be put to shapely."""
    x0, y0, sx, sy, _, _ = frame
    x1, y1 = limits
    later = np.empty(BLOCK, np.int64)
    for begin in range(0, len(px), BLOCK):
        borders = 0
        for k in range(begin, min(begin + BLOCK, len(px))):
            x, y = px[k], py[k]
            if round_world and not x0 <= x <= x1:
                x = x + 360.0 if x < x0 else x - 360.0
            if not (x0 <= x <= x1 and y0 <= y <= y1):
                rows[k] = -1
                continue
            rows[k] = label[column_of(y, y0, sy, ny) * nx + column_of(x, x0, sx, nx)]
            later[borders] = k
            borders += rows[k] < -1
        for k in later[:borders]:
            x, y, at = px[k], py[k], rows[k]
            if round_world and not x0 <= x <= x1:
                x = x + 360.0 if x < x0 else x - 360.0
            rows[k] = -1
            for c in range(cell_start[-2 - at], cell_start[-1 - at]):
                held = _holds(x, y, candidates[c], box, first, scale, start, ends)
                if held:
                    rows[k] = candidates[c] if held == 1 else UNSURE
                    break


@compiled
def locate_all(
    px, py, points, zones,
    frame, nx, ny, limits, round_world, label, cell_start, candidates, box, first, scale, start, ends,
):  # fmt: skip
    """Pairs of point and zone; a zone of UNSURE stands for a whole point that must be put to shapely."""
    x0, y0, sx, sy, _, _ = frame
    x1, y1 = limits
    n = 0
    for k in range(len(px)):
        x, y = px[k], py[k]
        if round_world and not x0 <= x <= x1:
            x = x + 360.0 if x < x0 else x - 360.0
        if not (x0 <= x <= x1 and y0 <= y <= y1):
            continue
        at = label[column_of(y, y0, sy, ny) * nx + column_of(x, x0, sx, nx)]
        if at == -1:
            continue
        most = 1 if at >= 0 else cell_start[-1 - at] - cell_start[-2 - at]
        while n + most > len(points):
            points, zones = longer(points), longer(zones)
        if at >= 0:
            points[n], zones[n] = k, at
            n += 1
            continue
        before = n
        for c in range(cell_start[-2 - at], cell_start[-1 - at]):
            held = _holds(x, y, candidates[c], box, first, scale, start, ends)
            if held == UNSURE:
                n = before + 1
                points[before], zones[before] = k, UNSURE
                break
            if held:
                points[n], zones[n] = k, candidates[c]
                n += 1
    return points[:n], zones[:n]


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
