"""Which radius makes a hotspot? An automatic start for the density-based cluster methods.

The usual automatic radius, the knee of the sorted neighbour distances, tells town from country: it makes one cluster of
the whole town. A hotspot stands out within the town. So the radius is the smaller of two:

* the one at which a core incident's surroundings are `DENSER` times as dense as the median incident's;
* the one at which, were the incidents spread evenly over their convex hull, one core incident would be expected.

Where many incidents share few places, as the police's anonymous ones, that radius may be shorter than the way from a
place to the next. It is then lifted to the median of those ways, and the count asked for grows to `DENSER` times the
median incident's.
"""

import numpy as np
import shapely
from scipy import stats
from scipy.spatial import cKDTree

from gridmap.errors import InputError
from gridmap.hotspots.bandwidths import places_of

__all__ = ["automatic"]

DENSER = 4.0


def automatic(xy: np.ndarray, weight: np.ndarray, least: float | None, eps_m: float | None) -> tuple[float, float]:
    """`min_samples` and `eps_m` (at least 1), those that were not given chosen.

    Parameters
    ----------
    xy : array (n, 2), in metres
    weight : array (n,)
    least : float or None
        `min_samples` as given. Else ln n, at least 5 (Birant & Kut 2007), times the mean weight.
    eps_m : float or None
    """
    chosen = max(5, round(np.log(len(xy)))) * float(weight.mean()) if least is None else least
    if eps_m is not None:
        return chosen, eps_m
    places, heap = places_of(xy, weight)
    hull = shapely.convex_hull(shapely.multipoints(places)).area
    if not hull > 0:
        raise InputError(
            "All incidents lie at one place or on one line, so no radius can be chosen. Give eps_m in metres."
        )
    tree = cKDTree(places)
    near = min(len(places), max(2, int(np.ceil(4 * chosen / heap.mean()))))
    distance, which = tree.query(places, k=near)
    full = np.cumsum(heap[which], axis=1) >= chosen
    reach = np.where(full.any(axis=1), distance[np.arange(len(places)), full.argmax(axis=1)], np.inf)
    # A core incident needs k more than itself; an even spread has Poisson(n / hull · π r²) of them around it.
    n, k = len(xy), max(int(np.ceil(chosen / weight.mean())) - 1, 1)
    chance = np.sqrt(stats.gamma.ppf(1 / n, k) / (np.pi * n / hull))
    radius = min(_median(reach, heap) / np.sqrt(DENSER), chance)
    apart = float(np.median(distance[:, 1]))
    if radius < apart:
        radius = apart
        if least is None:
            around = np.array([heap[others].sum() for others in tree.query_ball_point(places, radius)])
            chosen = max(chosen, DENSER * _median(around, heap))
    return float(chosen), float(max(radius, 1.0))


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    """The value that half of the weight does not exceed."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
