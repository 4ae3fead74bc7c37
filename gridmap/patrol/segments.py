"""From drawn lines to streets between junctions.

Lines meet where they share a vertex, where ends lie within a tolerance of each other, and where an end touches
another line. Two lines that merely cross do not meet: one of them may be a bridge.
"""

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

__all__ = ["split_at_junctions"]


def split_at_junctions(lines: np.ndarray, *, tolerance_m: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Streets between junctions.

    Parameters
    ----------
    lines : array of LineString in a metric CRS
    tolerance_m : float
        Ends nearer than this to each other, or to another line, are joined.

    Returns
    -------
    edges : DataFrame
        `u, v` (nodes), `length_m`, `line` (position in `lines`), `shape` (LineString, metric).
    nodes : array (n, 2)
        Coordinates, metric.

    Examples
    --------
    >>> t = [shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(50, 0.2), (50, 80)])]
    >>> edges, nodes = split_at_junctions(t, tolerance_m=0.5)
    >>> edges["length_m"].round().tolist(), len(nodes)
    ([50.0, 50.0, 80.0], 4)
    """
    lines = np.asarray(lines, dtype=object)
    if tolerance_m > 0:
        lines = _meet_where_ends_touch(lines, tolerance_m)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, line[1:] != line[:-1]]
    last = np.r_[line[1:] != line[:-1], True]
    same = np.r_[False, (np.abs(np.diff(xy, axis=0)).max(axis=1) < 1e-9)] & ~first
    keep = ~same | last  # a vertex drawn twice is one vertex
    xy, line, first, last = xy[keep], line[keep], first[keep], last[keep]

    keys = np.round(xy * 1000).astype(np.int64)  # the same millimetre is the same place
    _, vertex = np.unique(keys, axis=0, return_inverse=True)
    vertex = _join_near_ends(vertex.ravel(), xy, first | last, tolerance_m)
    ends = np.zeros(vertex.max() + 1, dtype=bool)
    ends[vertex[first | last]] = True
    cut = ends[vertex] | (np.bincount(vertex)[vertex] > 1)

    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[first] = 0.0
    along = np.cumsum(step)
    at = np.flatnonzero(cut)
    a, b = at[:-1], at[1:]
    inside = line[a] == line[b]
    a, b = a[inside], b[inside]
    length = along[b] - along[a]
    real = (length > 1e-6) & ~((vertex[a] == vertex[b]) & (length <= tolerance_m))
    a, b, length = a[real], b[real], length[real]

    sizes = b - a + 1
    rows = np.repeat(a - np.r_[0, np.cumsum(sizes)[:-1]], sizes) + np.arange(sizes.sum())
    shapes = shapely.linestrings(xy[rows], indices=np.repeat(np.arange(len(a)), sizes))
    used, ids = np.unique(np.r_[vertex[a], vertex[b]], return_inverse=True)
    nodes = np.zeros((vertex.max() + 1, 2))
    nodes[vertex[::-1]] = xy[::-1]  # joined ends take the place of the first
    u, v = ids[: len(a)], ids[len(a) :]
    edges = pd.DataFrame({"u": u, "v": v, "length_m": length, "line": line[a], "shape": shapes})
    return edges, nodes[used]


def _join_near_ends(vertex, xy, end, tolerance_m):
    """The same number for ends that lie within the tolerance of each other."""
    numbers, where = np.unique(vertex[end], return_index=True)
    if tolerance_m <= 0 or len(numbers) < 2:
        return vertex
    pairs = cKDTree(xy[end][where]).query_pairs(tolerance_m, output_type="ndarray")
    if not len(pairs):
        return vertex
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(numbers), len(numbers)))
    _, group = connected_components(links, directed=False)
    _, representative = np.unique(group, return_index=True)
    joined = np.arange(vertex.max() + 1)
    joined[numbers] = numbers[representative[group]]
    return joined[vertex]


def _meet_where_ends_touch(lines, tolerance_m):
    """Give a line a vertex wherever the end of another touches its middle."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, line[1:] != line[:-1]]
    last = np.r_[line[1:] != line[:-1], True]
    keys = np.round(xy * 1000).astype(np.int64)
    _, vertex = np.unique(keys, axis=0, return_inverse=True)
    lonely = (first | last) & (np.bincount(vertex.ravel())[vertex.ravel()] == 1)  # an end that meets nothing yet
    ends, owner = shapely.points(xy[lonely]), line[lonely]
    if not len(ends):
        return lines
    point, touched = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=tolerance_m)
    other = owner[point] != touched
    point, touched = point[other], touched[other]
    place = shapely.line_locate_point(lines[touched], ends[point])
    middle = (place > tolerance_m) & (place < shapely.length(lines[touched]) - tolerance_m)
    lines = lines.copy()
    for target in np.unique(touched[middle]):
        here = middle & (touched == target)
        own = shapely.get_coordinates(lines[target])
        reach = np.r_[0, np.cumsum(np.hypot(*np.diff(own, axis=0).T))]
        order = np.argsort(np.r_[reach, place[here]], kind="stable")
        lines[target] = shapely.LineString(np.vstack([own, shapely.get_coordinates(ends[point[here]])])[order])
    return lines
