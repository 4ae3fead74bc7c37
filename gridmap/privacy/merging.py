"""Cells merged until every number about an area speaks of k incidents or more.

One partition for everything: an area is good when *each* of its series (burglary in July 2017, burglary in July 2018,
…) has k incidents. Then no small number is hidden, so there is none to compute back: any sum of areas and series is k
or more too. Areas grow from the poorest on, by the neighbour that lies nearest; what has no neighbour joins the nearest
area there is. A count of none is a small count: an empty cell is merged like any other.
"""

import heapq

import numpy as np
from scipy import sparse

__all__ = ["merged_areas"]

#: How much farther a neighbour may lie that needs incidents itself, or is of the same zone.
FOR_THE_POOR, FOR_THE_SAME_ZONE = 1.3, 1.5


def merged_areas(
    counts: np.ndarray,
    adjacency: sparse.csr_array,
    centres_m: np.ndarray,
    *,
    k: int,
    area_m2: np.ndarray | None = None,
    least_m2: float = 0.0,
    zones: np.ndarray | None = None,
) -> np.ndarray:
    """The area of each cell, as a number from 0 on.

    Parameters
    ----------
    counts : array of int (cells, series)
    adjacency : sparse (cells, cells)
    centres_m : array (cells, 2)
    k : int
    area_m2 : array (cells,), optional
    least_m2 : float
        Areas are at least as large.
    zones : array of int (cells,), optional
        Cells of one zone go together where it makes little difference.

    Returns
    -------
    array of int (cells,)
        One area only, if need be; it may then have fewer than k.

    Examples
    --------
    Four cells in a row, k = 5: the last has enough for itself, and the others have it together.

    >>> row = sparse.csr_array(np.eye(4, k=1) + np.eye(4, k=-1))
    >>> merged_areas(np.array([[2], [0], [4], [9]]), row, np.c_[np.arange(4.0), np.zeros(4)], k=5).tolist()
    [0, 0, 0, 1]
    """
    n = len(counts)
    sums = np.array(counts, float).reshape(n, -1)
    size = np.ones(n) if area_m2 is None else np.asarray(area_m2, float).copy()
    middle, weight = np.array(centres_m, float), np.ones(n)
    near = [set(adjacency.indices[a:b].tolist()) for a, b in zip(adjacency.indptr, adjacency.indptr[1:], strict=False)]
    home, alive, version = np.arange(n), np.ones(n, bool), np.zeros(n, int)
    members: list[list[int]] = [[i] for i in range(n)]

    def wealth(i: int) -> float:
        """1 and more: enough."""
        return min(float(sums[i].min()) / k, size[i] / least_m2 if least_m2 else np.inf)

    def partner(i: int) -> int:
        candidates = np.array(sorted(near[i]) or np.flatnonzero(alive & (np.arange(n) != i)))
        far = np.hypot(*(middle[candidates] - middle[i]).T)
        far *= np.where([wealth(j) < 1 for j in candidates], 1.0, FOR_THE_POOR)
        if zones is not None:
            far *= np.where(zones[candidates] == zones[i], 1.0, FOR_THE_SAME_ZONE)
        return int(candidates[far.argmin()])

    queue = [(wealth(i), i, 0) for i in range(n)]
    heapq.heapify(queue)
    left = n
    while queue and left > 1:
        rich, i, seen = heapq.heappop(queue)
        if not alive[i] or version[i] != seen:
            continue
        if rich >= 1:
            break
        j = partner(i)
        if len(near[i]) > len(near[j]):
            i, j = j, i  # the one with fewer neighbours joins the other
        alive[i] = False
        left -= 1
        for other in near[i]:
            near[other].discard(i)
            if other != j:
                near[other].add(j)
                near[j].add(other)
        near[j].discard(j)
        near[i] = set()
        sums[j] += sums[i]
        size[j] += size[i]
        middle[j] = (middle[j] * weight[j] + middle[i] * weight[i]) / (weight[j] + weight[i])
        weight[j] += weight[i]
        members[j] += members[i]
        members[i] = []
        version[j] += 1
        heapq.heappush(queue, (wealth(j), j, version[j]))
    for i in np.flatnonzero(alive):
        home[members[i]] = min(members[i])
    return np.unique(home, return_inverse=True)[1]
