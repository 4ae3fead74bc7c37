"""How wide should the kernel be? Three answers: an analyst's, a rule of thumb, and cross-validation.

* **rule-of-thumb**: Scott's normal reference, h = σ n^(−1/6), σ the smaller of the standard deviation and the
  interquartile range / 1.349, averaged over x and y. It assumes one broad heap of points, so over a town with several
  hotspots it oversmooths: take it as the widest that makes sense.
* **cross-validated**: the bandwidth under which each incident is most likely given all the others (likelihood
  cross-validation; the Gaussian kernel). Police points are snapped to anonymous places, and many coincide; left out is
  therefore the whole *place*, not the one incident, else the answer would always be zero.

Both are found for the Gaussian and turned to the kernel in use by the canonical ratio (`kernels.CANONICAL`).

Sources: Scott (1992), Multivariate Density Estimation; Silverman (1986), Density Estimation, 3.4;
Habbema, Hermans & van den Broek (1974), for the likelihood.
"""

import numpy as np

from gridmap._compiled import njit
from gridmap.errors import InputError
from gridmap.hotspots.kernels import CANONICAL
from gridmap.messages import Note

__all__ = ["CHOICES", "cross_validated", "places_of", "rule_of_thumb"]

CHOICES = ("rule-of-thumb", "cross-validated")
MOST_PLACES = 5_000  # of a cross-validation: more are drawn from, and h scaled by (drawn / all)^(1/6)


def places_of(xy: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct places among the points, and the weight that coincides at each."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    ordered = xy[order]
    new = np.r_[True, (np.diff(ordered, axis=0) != 0).any(axis=1)]
    first = np.flatnonzero(new)
    return ordered[first], np.add.reduceat(weight[order], first)


def rule_of_thumb(xy: np.ndarray, kernel: str) -> float:
    """Scott's normal-reference bandwidth in metres.

    Examples
    --------
    >>> xy = np.random.default_rng(0).normal(0, 1000, (4096, 2))
    >>> round(rule_of_thumb(xy, "gaussian"))  # 1000 · 4096^(−1/6) = 250
    250
    """
    spread = xy.std(axis=0, ddof=1)
    quartiles = np.ptp(np.quantile(xy, [0.25, 0.75], axis=0), axis=0) / 1.349
    sigma = np.where(quartiles > 0, np.minimum(spread, quartiles), spread).mean()
    if not sigma > 1e-3:  # a standard deviation of equal numbers is seldom exactly zero
        raise InputError(Note("hotspots.one_place_bandwidth"))
    return float(sigma * len(xy) ** (-1 / 6) * CANONICAL[kernel])


@njit(cache=True, nogil=True)
def _log_likelihood(x, y, w, h):
    n = len(x)
    total = w.sum()
    density = np.zeros(n)
    cut, scale = 64.0 * h * h, 0.5 / (h * h)
    for i in range(n):
        for j in range(i + 1, n):
            dx = x[j] - x[i]
            if dx * dx > cut:
                break  # sorted by x
            d2 = dx * dx + (y[j] - y[i]) ** 2
            if d2 < cut:
                k = np.exp(-scale * d2)
                density[i] += w[j] * k
                density[j] += w[i] * k
    score = 0.0
    for i in range(n):
        rest = total - w[i]
        score += w[i] * np.log(max(density[i] / (2.0 * np.pi * h * h * rest), 1e-300))
    return score


def cross_validated(xy: np.ndarray, weight: np.ndarray, kernel: str, random_state=None) -> float:
    """The bandwidth in metres under which each place is most likely given all the others.

    The best of 25 bandwidths between a fiftieth of the rule of thumb and twice that, refined around it.
    """
    widest = 2 * rule_of_thumb(xy, "gaussian")
    places, heap = places_of(xy, weight)
    heap = np.where(heap > 0, heap, 0.0)
    kept = len(places)
    if kept > MOST_PLACES:
        some = np.sort(np.random.default_rng(random_state).choice(kept, MOST_PLACES, replace=False))
        places, heap = places[some], heap[some]
    x, y = places.T.copy()
    tried = np.geomspace(widest / 100, widest, 25)
    for _ in range(2):
        score = [_log_likelihood(x, y, heap, h) for h in tried]
        best = int(np.argmax(score))
        tried = np.linspace(tried[max(best - 1, 0)], tried[min(best + 1, len(tried) - 1)], 11)
    score = [_log_likelihood(x, y, heap, h) for h in tried]
    return float(tried[int(np.argmax(score))] * (len(places) / kept) ** (1 / 6) * CANONICAL[kernel])
