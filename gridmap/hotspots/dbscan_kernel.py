"""The compiled DBSCAN kernel: which points reach which, in space and, where a time is given, in time.

Points are sorted into boxes as wide as the radius, so only neighbouring boxes are searched and memory stays
linear; clusters are joined by union-find. The labels are those of scikit-learn's DBSCAN to the last point: clusters in
the order of their first core point, and a border point goes to the first of the clusters that reach it.

Source: Ester, Kriegel, Sander & Xu (1996), KDD-96, 226–231.
"""

import numpy as np

from gridmap._compiled import njit

__all__ = ["dbscan_labels", "root_of"]


@njit(cache=True, nogil=True)
def root_of(parent, i):
    """The root of an element's group (union-find), with its path halved on the way; `parent` is changed."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def _find_box(key, wanted):
    low, high = 0, len(key)
    while low < high:
        middle = (low + high) // 2
        if key[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(key) and key[low] == wanted else -1


@njit(cache=True, nogil=True)
def _label(x, y, t, w, bx, by, bt, key, start, wide, deep, eps2, eps_t, least):
    n = len(x)
    reach = np.zeros(n)
    core = np.zeros(n, np.bool_)
    parent = np.arange(n)
    # Twice over the pairs: once to weigh each neighbourhood, once to join core points.
    for step in range(2):
        for i in range(n):
            if step == 1 and not core[i]:
                continue
            for dt in range(-1, 2):
                for dy in range(-1, 2):
                    for dx in range(-1, 2):
                        box = _find_box(key, ((bt[i] + dt) * deep + by[i] + dy) * wide + bx[i] + dx)
                        if box < 0:
                            continue
                        for j in range(start[box], start[box + 1]):
                            if step == 1 and (j >= i or not core[j]):
                                continue
                            if abs(t[i] - t[j]) <= eps_t and (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= eps2:
                                if step == 0:
                                    reach[i] += w[j]
                                else:
                                    a, b = root_of(parent, i), root_of(parent, j)
                                    if a != b:
                                        parent[max(a, b)] = min(a, b)
            if step == 0:
                core[i] = reach[i] >= least
    return core, parent


@njit(cache=True, nogil=True)
def _borders(x, y, t, bx, by, bt, key, start, wide, deep, eps2, eps_t, core, label):
    for i in range(len(x)):
        if core[i]:
            continue
        best = -1
        for dt in range(-1, 2):
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    box = _find_box(key, ((bt[i] + dt) * deep + by[i] + dy) * wide + bx[i] + dx)
                    if box < 0:
                        continue
                    for j in range(start[box], start[box + 1]):
                        if (
                            core[j]
                            and (best < 0 or label[j] < best)
                            and abs(t[i] - t[j]) <= eps_t
                            and (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= eps2
                        ):
                            best = label[j]
        label[i] = best


def dbscan_labels(xy: np.ndarray, weight: np.ndarray, eps: float, least: float, *, t=None, eps_t: float = 0.0):
    """Cluster labels, −1 = noise, and which points are core.

    Parameters
    ----------
    xy : array (n, 2)
    weight : array (n,)
        How many incidents each point stands for.
    eps : float
        Two points reach each other at most this far apart, the edge included.
    least : float
        A core point has at least this weight within reach, its own included.
    t : array (n,), optional
        Times, in any unit.
    eps_t : float
        Two points reach each other at most this long apart.

    Returns
    -------
    labels : array of int64 (n,)
    core : array of bool (n,)
    """
    n = len(xy)
    t = np.zeros(n) if t is None else np.asarray(t, float)
    # A hair wider than the radius, so that rounding never puts two neighbours more than one box apart.
    box = np.floor((xy - xy.min(axis=0)) / (eps * (1 + 1e-9))).astype(np.int64) + 1
    slice_ = np.floor((t - t.min()) / (eps_t * (1 + 1e-9) if eps_t > 0 else 1.0)).astype(np.int64) + 1
    wide, deep = int(box[:, 0].max()) + 2, int(box[:, 1].max()) + 2
    place = (slice_ * deep + box[:, 1]) * wide + box[:, 0]
    order = np.argsort(place, kind="stable")
    key, start = np.unique(place[order], return_index=True)
    start = np.append(start, n)
    x, y = xy[order].T.astype(float, order="C").copy()
    boxes = (box[order, 0].copy(), box[order, 1].copy(), slice_[order].copy(), key, start, wide, deep)
    times, w = t[order].copy(), weight[order].astype(float)
    core, parent = _label(x, y, times, w, *boxes, eps * eps, float(eps_t), float(least))
    root = parent.copy()
    while (root != root[root]).any():
        root = root[root]
    # Numbered by their first core point in the caller's order.
    first = np.full(n, n)
    np.minimum.at(first, root[core], order[core])
    rank = np.full(n, -1)
    roots = np.flatnonzero(first < n)
    rank[roots[np.argsort(first[roots])]] = np.arange(len(roots))
    label = np.where(core, rank[root], -1)
    _borders(x, y, times, *boxes, eps * eps, float(eps_t), core, label)
    labels, cores = np.empty(n, np.int64), np.empty(n, bool)
    labels[order], cores[order] = label, core
    return labels, cores
