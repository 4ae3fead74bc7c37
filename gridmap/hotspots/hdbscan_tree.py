"""The shortest tree that joins all points, by distances that are long where points are sparse.

HDBSCAN looks at points through *mutual reachability*: the distance of two points, but no less than either's distance to
its k-th neighbour. All it needs of n (n − 1) / 2 such distances are the n − 1 of a minimum spanning tree. The plain way
(Prim) looks at all pairs. Here every group of points looks for its nearest other group, all groups at once, and they
join; a few rounds and there is one (Borůvka). A k-d tree leaves out what is too far or in the group itself, so that the
time grows little faster than the number of points.

Ways of equal length are common (all from one point to neighbours nearer than its k-th are alike). They are put in order
by plain distance, then by the points' numbers, so that the tree is one and the same on every machine.

Source: Borůvka 1926; March, Ram & Gray 2010, KDD (with trees of space); Campello, Moulavi & Sander 2013.
"""

import numpy as np
import scipy

from gridmap._compiled import njit
from gridmap.hotspots.dbscan_kernel import root_of

__all__ = ["reachability_tree"]

LEAF = 12  # places in a leaf, at most
AT_A_TIME = 4_000_000  # neighbours that are looked up at a time: bounded memory


def reachability_tree(xy: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A minimum spanning tree of mutual reachability.

    Parameters
    ----------
    xy : ndarray of float, shape (n, 2), in metres, n ≥ 2
    neighbours : int
        k: a point's own distance is that to its k-th nearest, itself the first.

    Returns
    -------
    one, other : ndarray of int, shape (n − 1,)
        The ends of each way, the shortest first.
    metres : ndarray of float, shape (n − 1,)
        0 between points that coincide.

    Examples
    --------
    >>> one, other, metres = reachability_tree(np.array([[0.0, 0.0], [3.0, 0.0], [4.0, 0.0], [9.0, 0.0]]), 1)
    >>> [(int(min(a, b)), int(max(a, b)), float(m)) for a, b, m in zip(one, other, metres)]
    [(1, 2, 1.0), (0, 1, 3.0), (2, 3, 5.0)]
    """
    x, y = np.asarray(xy, float).T.copy()
    by_place = np.lexsort((y, x))
    again = np.r_[False, (np.diff(x[by_place]) == 0) & (np.diff(y[by_place]) == 0)]
    first = by_place[~again]  # of each place, its first point
    heap = np.diff(np.r_[np.flatnonzero(~again), len(x)])
    px, py = x[first], y[first]
    core = _squared_core(px, py, heap, neighbours)
    # Points of one place are as far from each other as their k-th neighbour is, and no way from them is shorter.
    alike = np.flatnonzero(again)
    one, other = by_place[alike - 1], by_place[alike]
    squared, plain = np.repeat(core, heap - 1), np.zeros(len(alike))
    if len(first) > 1:
        order = np.arange(len(first))
        levels = max(0, int(np.ceil(np.log2(len(first) / LEAF))))
        _halve(px, py, order, levels)
        px, py, core, number = px[order], py[order], core[order], first[order]
        start, box = _boxes(px, py, core, levels)
        joined = _join(px, py, core, levels, start, box, number)
        one, other, squared, plain = (np.r_[a, b] for a, b in zip((one, other, squared, plain), joined, strict=True))
    ranked = np.lexsort((np.maximum(one, other), np.minimum(one, other), plain, squared))
    return one[ranked], other[ranked], np.sqrt(squared[ranked])


def _squared_core(x: np.ndarray, y: np.ndarray, heap: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance of each place to the k-th nearest point, computed as all others are, so that equal is equal."""
    places = np.column_stack([x, y])
    tree, most = scipy.spatial.cKDTree(places), min(neighbours, len(x))
    core = np.empty(len(x))
    rows = max(1, AT_A_TIME // most)
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        near = tree.query(places[part], k=np.arange(1, most + 1), workers=-1)[1]
        enough = np.cumsum(heap[near], axis=1) >= neighbours
        last = near[np.arange(len(near)), enough.argmax(axis=1)]
        core[part] = (x[part] - x[last]) ** 2 + (y[part] - y[last]) ** 2
    return core


@njit(cache=True, nogil=True)
def _halve(x, y, order, levels):
    """Sort so that node j of level l holds the points from n j / 2^l to n (j + 1) / 2^l."""
    n = len(order)
    for level in range(levels):
        nodes = 1 << level
        for node in range(nodes):
            first, last = n * node // nodes, n * (node + 1) // nodes
            middle = n * (2 * node + 1) // (2 * nodes)
            west = east = x[order[first]]
            south = north = y[order[first]]
            for t in range(first, last):
                west, east = min(west, x[order[t]]), max(east, x[order[t]])
                south, north = min(south, y[order[t]]), max(north, y[order[t]])
            _put_nth(x if east - west >= north - south else y, order, first, last - 1, middle)


@njit(cache=True, nogil=True)
def _put_nth(values, order, first, last, middle):
    """Quickselect (Hoare 1961): nothing before `middle` is larger, nothing after it smaller."""
    while first < last:
        pivot = values[order[(first + last) // 2]]
        i, j = first, last
        while i <= j:
            while values[order[i]] < pivot:
                i += 1
            while values[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            last = j
        elif middle >= i:
            first = i
        else:
            return


@njit(cache=True, nogil=True)
def _boxes(x, y, core, levels):
    """Of each node, numbered from 1 with children 2k and 2k + 1: where its points start, its box, its least core."""
    n, nodes = len(x), 1 << levels
    start = np.zeros(2 * nodes + 1, np.int64)
    box = np.empty((2 * nodes, 5))
    for level in range(levels, -1, -1):
        wide = 1 << level
        for j in range(wide):
            k = wide + j
            start[k] = n * j // wide
            if level == levels:
                a, b = start[k], n * (j + 1) // wide
                box[k, 0], box[k, 1] = x[a:b].min(), x[a:b].max()
                box[k, 2], box[k, 3] = y[a:b].min(), y[a:b].max()
                box[k, 4] = core[a:b].min()
            else:
                for c in range(5):
                    low, high = box[2 * k, c], box[2 * k + 1, c]
                    box[k, c] = max(low, high) if c in (1, 3) else min(low, high)
    start[2 * nodes] = n
    return start, box


@njit(cache=True, nogil=True)
def _join(x, y, core, levels, start, box, number):
    """Rounds of joining each group with its nearest other group."""
    n = len(x)
    parent = np.arange(n)
    group = np.arange(n)
    pure = np.zeros(2 << levels, np.int64)  # the group that all points of a node are of, or -1
    one, other = np.empty(n - 1, np.int64), np.empty(n - 1, np.int64)
    squared, plain = np.empty(n - 1), np.empty(n - 1)
    ways = 0
    best, near = np.empty(n), np.empty(n)  # of each group: the least reachability, and the plain distance of that way
    here, there = np.empty(n, np.int64), np.empty(n, np.int64)
    while ways < n - 1:
        for i in range(n):
            group[i] = root_of(parent, i)
        _paint(group, levels, start, pure)
        best[:] = np.inf
        near[:] = np.inf
        here[:] = -1
        for i in range(n):
            _look_around(i, x, y, core, levels, start, box, group, pure, number, best, near, here, there)
        for g in range(n):
            if here[g] < 0:
                continue
            a, b = root_of(parent, here[g]), root_of(parent, there[g])
            if a == b:
                continue
            parent[a] = b
            one[ways], other[ways] = number[here[g]], number[there[g]]
            squared[ways], plain[ways] = best[g], near[g]
            ways += 1
    return one, other, squared, plain


@njit(cache=True, nogil=True)
def _paint(group, levels, start, pure):
    for k in range((2 << levels) - 1, 0, -1):
        if k >= 1 << levels:
            first, last = start[k], start[k + 1]
            pure[k] = group[first]
            for t in range(first, last):
                if group[t] != group[first]:
                    pure[k] = -1
                    break
        else:
            pure[k] = pure[2 * k] if pure[2 * k] == pure[2 * k + 1] else -1


@njit(cache=True, nogil=True)
def _too_far(k, px, py, own, box, best, near):
    """Whether no point of node k can be reached by a better way."""
    dx = max(box[k, 0] - px, px - box[k, 1], 0.0)
    dy = max(box[k, 2] - py, py - box[k, 3], 0.0)
    plain = dx * dx + dy * dy
    least = max(plain, own, box[k, 4])
    return least > best or (least == best and plain > near)


@njit(cache=True, nogil=True)
def _look_around(i, x, y, core, levels, start, box, group, pure, number, best, near, here, there):
    """Point i's nearest point of another group, if it is nearer than what the group has found."""
    g, px, py, own = group[i], x[i], y[i], core[i]
    if own > best[g]:
        return
    stack = np.empty(2 * levels + 4, np.int64)
    stack[0] = 1
    height = 1
    while height:
        height -= 1
        k = stack[height]
        if pure[k] == g or _too_far(k, px, py, own, box, best[g], near[g]):
            continue
        if k < 1 << levels:  # the half that the point is in is looked at first
            left = 2 * k
            to_left = max(box[left, 0] - px, px - box[left, 1], 0.0) + max(box[left, 2] - py, py - box[left, 3], 0.0)
            right = left + 1
            to_right = max(box[right, 0] - px, px - box[right, 1], 0.0) + max(
                box[right, 2] - py, py - box[right, 3], 0.0
            )
            first, second = (left, right) if to_left <= to_right else (right, left)
            stack[height] = second
            stack[height + 1] = first
            height += 2
            continue
        for t in range(start[k], start[k + 1]):
            if group[t] == g:
                continue
            plain = (px - x[t]) ** 2 + (py - y[t]) ** 2
            way = max(plain, own, core[t])
            if way > best[g] or (way == best[g] and plain > near[g]):
                continue
            if way == best[g] and plain == near[g] and here[g] >= 0:
                old = (min(number[here[g]], number[there[g]]), max(number[here[g]], number[there[g]]))
                if (min(number[i], number[t]), max(number[i], number[t])) >= old:
                    continue
            best[g], near[g], here[g], there[g] = way, plain, i, t
