"""Which incidents belong together? Clusters of points, whatever the administrative borders.

A cluster is a place that is denser than its surroundings, in its own shape: a street, an estate, a market. None of
these methods tests whether a cluster is more than chance, or looks at who lives there.

* `dbscan`: places with at least `min_samples` incidents within `eps_m`, chained together. One density for all.
* `hdbscan`, `optics`: no radius; a cluster may be dense in the town and thin in the country.

`space_time_clusters` has `st_dbscan` (near in space *and* in time), `crimestat_clusters` has CrimeStat's two.

Sources: Ester et al. (1996), KDD-96; Campello, Moulavi & Sander (2013), PAKDD; Ankerst et al. (1999), SIGMOD.
"""

import warnings

import numpy as np
import scipy
import shapely
from scipy import sparse

from gridmap._intervals import poisson_mean
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.bandwidths import places_of
from gridmap.hotspots.dbscan_kernel import dbscan_labels
from gridmap.hotspots.hdbscan_tree import reachability_tree
from gridmap.hotspots.hulls import CLUSTER_COLUMNS, clusters_result
from gridmap.hotspots.incident_points import a_count, a_length_m, a_number, one_of, points_of
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = ["automatic", "dbscan", "hdbscan", "optics"]


@hotspot_method(draws="clusters", of_points=True, amount="count", facts="clusters", columns=CLUSTER_COLUMNS)
def dbscan(
    incidents: Incidents,
    *,
    eps_m: float | None = None,
    min_samples: float | None = None,
    weights=None,
    hull: str = "convex",
    min_incidents: int = 30,
) -> HotspotResult:
    """Clusters of incidents that are dense and hang together.

    Parameters
    ----------
    incidents : Incidents
    eps_m : float, optional
        Radius in metres. Not given: what makes a core incident's surroundings four times as dense as the median
        incident's, and rare by chance; see `gridmap.hotspots.clusters`.
    min_samples : float, optional
        Incidents (or weight) within `eps_m` of a core incident, itself included. Not given: ln n, at least 5
        (Birant & Kut 2007), times the mean weight.
    weights : str or array of float (n,), optional
        A numeric column or one number an incident; then `min_samples` is a sum of weights.
    hull : {"convex", "ellipse"}
    min_incidents : int
        Fewer are refused.

    Returns
    -------
    HotspotResult
        `.clusters`: `count, rank, weight, area_m2, density` (per km²), centre `lon, lat`, the standard deviational
        ellipse `axis_long_m, axis_short_m, bearing_deg`, and the hull, 10 m outside its outermost points.
        `.members`: `incident_id, cluster_id` (−1 = noise), `core`. Automatic settings are reported in `params`.

    Raises
    ------
    InputError
        For fewer than `min_incidents`, or no radius to be found.
    SettingError
        For a radius in degrees or a setting out of range.

    Notes
    -----
    Labels equal scikit-learn's `DBSCAN`. The automatic radius is a start, not an answer: look at the map. (The usual
    one, the knee of the sorted neighbour distances, makes one cluster of a whole town: it tells town from country.)

    Examples
    --------
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.normal(-1.55, 0.0005, 40), rng.uniform(-1.6, -1.5, 20)]
    >>> lat = np.r_[rng.normal(53.75, 0.0003, 40), rng.uniform(53.7, 53.8, 20)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(60)], "lon": lon, "lat": lat}))
    >>> dbscan(points, eps_m=100, min_samples=10).clusters["count"].tolist()
    [40]

    References
    ----------
    Ester, Kriegel, Sander & Xu (1996), KDD-96, 226–231.
    Birant & Kut (2007), Data & Knowledge Engineering 60, 208–221.
    """
    points = points_of(incidents, "dbscan", weights=weights, fewest=min_incidents)
    chosen = [name for name, value in (("eps_m", eps_m), ("min_samples", min_samples)) if value is None]
    least, radius = automatic(
        points.xy,
        points.weight,
        None if min_samples is None else a_number(min_samples, "min_samples", above=0),
        None if eps_m is None else a_length_m(eps_m, "eps_m"),
    )
    # Incidents at one place are one point that weighs more: the same labels, and no square of the heap.
    order, place = place_of(*points.xy.T)
    heap = np.bincount(place, points.weight)
    labels, core = dbscan_labels(points.xy[order], heap, radius, least)
    params = {"eps_m": radius, "min_samples": least, "automatic": chosen,
              "weights": weights if weights is None or isinstance(weights, str) else "array"}  # fmt: skip
    return clusters_result("dbscan", points, labels[place], params, hull=hull, members={"core": core[place]})


@hotspot_method(draws="clusters", of_points=True, amount="count", facts="clusters", columns=CLUSTER_COLUMNS)
def hdbscan(
    incidents: Incidents,
    *,
    min_cluster_size: int = 15,
    min_samples: int | None = None,
    eps_m: float = 0.0,
    selection: str = "eom",
    hull: str = "convex",
    min_incidents: int = 30,
) -> HotspotResult:
    """Clusters of differing density, found without a radius.

    Parameters
    ----------
    incidents : Incidents
    min_cluster_size : int
        The fewest incidents that make a cluster.
    min_samples : int, optional
        How many neighbours make a place dense; `min_cluster_size` when not given. Larger calls more of it noise.
    eps_m : float
        Clusters nearer than this are not separated; 0 for no such limit.
    selection : {"eom", "leaf"}
        "eom" prefers large, stable clusters, "leaf" the smallest of the tree.
    hull : {"convex", "ellipse"}
    min_incidents : int
        Fewer are refused.

    Returns
    -------
    HotspotResult
        As `dbscan`'s; `.members` has `probability` (0 to 1, how firmly an incident belongs) in place of `core`.

    Raises
    ------
    InputError, SettingError
        As `dbscan`.

    Notes
    -----
    scikit-learn's `HDBSCAN`. Every level of density is tried, and the clusters that last longest are kept.
    scikit-learn looks at all pairs of points, a million of which would take days; beyond 20,000 the same spanning tree
    comes from `gridmap.hotspots.hdbscan_tree`, and scikit-learn makes the clusters of it. Which of several ways of
    equal length comes first, on which the membership of a few points at the edges of clusters depends, follows from
    the order of the rows up to there, from the plain distance beyond.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.normal(-1.58, 0.0005, 40), rng.normal(-1.52, 0.003, 40)]
    >>> lat = np.r_[rng.normal(53.75, 0.0003, 40), rng.normal(53.75, 0.002, 40)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(80)], "lon": lon, "lat": lat}))
    >>> len(hdbscan(points, min_cluster_size=15).clusters)
    2

    References
    ----------
    Campello, Moulavi & Sander (2013), PAKDD, LNCS 7819, 160–172.
    """
    from sklearn.cluster import HDBSCAN  # a second of imports that only this needs

    points = points_of(incidents, "hdbscan", fewest=min_incidents)
    size = a_count(min_cluster_size, "min_cluster_size", least=2)
    least = size if min_samples is None else a_count(min_samples, "min_samples", least=1)
    eps = 0.0 if eps_m == 0 else a_length_m(eps_m, "eps_m")
    one_of(selection, "selection", ("eom", "leaf"))
    if max(size, least) > len(points):
        raise InputError(Note("hotspots.hdbscan_too_few", value=max(size, least), n=len(points)))
    chosen = {"min_cluster_size": size, "cluster_selection_epsilon": eps, "cluster_selection_method": selection}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coincident points divide by a distance of zero: their level is infinite
        if len(points) <= ALL_PAIRS:
            model = HDBSCAN(min_samples=least, copy=True, **chosen).fit(points.xy)
        else:
            tree = _as_matrix(*reachability_tree(points.xy, least))
            model = HDBSCAN(min_samples=1, metric="precomputed", copy=True, **chosen).fit(tree)
    params = {"min_cluster_size": size, "min_samples": least, "eps_m": eps, "selection": selection,
              "automatic": ["min_samples"] if min_samples is None else []}  # fmt: skip
    firmness = np.nan_to_num(model.probabilities_, nan=1.0)
    return clusters_result("hdbscan", points, model.labels_, params, hull=hull, members={"probability": firmness})


ALL_PAIRS = 20_000  # points up to which scikit-learn finds the spanning tree by itself, in two or three seconds
COINCIDENT_M = 1e-9  # what a distance of zero becomes, which a sparse matrix could not hold


def _as_matrix(one: np.ndarray, other: np.ndarray, metres: np.ndarray) -> sparse.csr_matrix:
    """A spanning tree as a symmetric matrix; ways of equal length differ by the last digit, in their order."""
    rank = np.arange(len(metres))
    digits = np.maximum(metres, COINCIDENT_M).view(np.int64)  # the next number is one more
    metres = (np.maximum.accumulate(digits - rank) + rank).view(float)
    ends = (np.r_[one, other], np.r_[other, one])
    return sparse.csr_matrix((np.r_[metres, metres], ends), shape=(len(one) + 1, len(one) + 1))


@hotspot_method(draws="clusters", of_points=True, amount="count", facts="clusters", columns=CLUSTER_COLUMNS)
def optics(
    incidents: Incidents,
    *,
    min_samples: int | None = None,
    max_eps_m: float | None = None,
    xi: float = 0.05,
    min_cluster_size: int = 15,
    hull: str = "convex",
    min_incidents: int = 30,
) -> HotspotResult:
    """Clusters as valleys of the reachability plot: of differing density, and steep-sided.

    Parameters
    ----------
    incidents : Incidents
        Time grows with the square of their number: 2,000 take seconds, 30,000 minutes.
    min_samples : int, optional
        Incidents in the neighbourhood of a core incident, itself included. Not given: ln n, at least 5.
    max_eps_m : float, optional
        The largest radius looked at, in metres; no limit when not given. A limit saves time.
    xi : float
        How steep a valley's side must be, between 0 and 1: a drop of this share from one incident to the next.
    min_cluster_size : int
        The fewest incidents that make a cluster.
    hull : {"convex", "ellipse"}
    min_incidents : int
        Fewer are refused.

    Returns
    -------
    HotspotResult
        As `dbscan`'s; `.members` has `reachability_m` in place of `core` (inf where nothing reaches).

    Raises
    ------
    InputError, SettingError
        As `dbscan`.

    Notes
    -----
    scikit-learn's `OPTICS` with its ξ method.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.normal(-1.58, 0.0005, 40), rng.normal(-1.52, 0.003, 40)]
    >>> lat = np.r_[rng.normal(53.75, 0.0003, 40), rng.normal(53.75, 0.002, 40)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(80)], "lon": lon, "lat": lat}))
    >>> len(optics(points, min_cluster_size=25).clusters)
    2

    References
    ----------
    Ankerst, Breunig, Kriegel & Sander (1999), SIGMOD, 49–60.
    """
    from sklearn.cluster import OPTICS

    points = points_of(incidents, "optics", fewest=min_incidents)
    least = max(5, round(np.log(len(points)))) if min_samples is None else a_count(min_samples, "min_samples", least=2)
    size = a_count(min_cluster_size, "min_cluster_size", least=2)
    reach = np.inf if max_eps_m is None else a_length_m(max_eps_m, "max_eps_m")
    if not 0 < (xi := a_number(xi, "xi", above=0)) < 1:
        raise SettingError(Note("hotspots.xi_share", xi=xi))
    if max(size, least) > len(points):
        raise InputError(Note("hotspots.optics_too_few", value=max(size, least), n=len(points)))
    model = OPTICS(min_samples=least, max_eps=reach, xi=xi, min_cluster_size=size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coincident points divide by a reachability of zero
        model.fit(points.xy)
    params = {"min_samples": least, "max_eps_m": reach, "xi": xi, "min_cluster_size": size,
              "automatic": ["min_samples"] if min_samples is None else []}  # fmt: skip
    members = {"reachability_m": model.reachability_}
    return clusters_result("optics", points, model.labels_, params, hull=hull, members=members)


def place_of(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each distinct combination, in the order they appear, and the combination of each row."""
    order = np.lexsort(columns)
    new = np.r_[True, np.any([np.diff(c[order]) != 0 for c in columns], axis=0)]
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(new) - 1
    first = np.minimum.reduceat(order, np.flatnonzero(new))
    appear = np.argsort(first)
    number = np.empty(len(first), np.int64)
    number[appear] = np.arange(len(first))
    return first[appear], number[group]


# --------------------------------------------------------------------------------------------------
# Which radius makes a hotspot? An automatic start for the density-based cluster methods.
#
# The usual automatic radius, the knee of the sorted neighbour distances, tells town from country: it makes one cluster
# of the whole town. A hotspot stands out within the town. So the radius is the smaller of two:
#
# * the one at which a core incident's surroundings are `DENSER` times as dense as the median incident's;
# * the one at which, were the incidents spread evenly over their convex hull, one core incident would be expected.
#
# Where many incidents share few places, as the police's anonymous ones, that radius may be shorter than the way from a
# place to the next. It is then lifted to the median of those ways, and the count needed grows to `DENSER` times the
# median incident's.

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
        raise InputError(Note("hotspots.no_radius"))
    tree = scipy.spatial.cKDTree(places)
    near = min(len(places), max(2, int(np.ceil(4 * chosen / heap.mean()))))
    distance, which = tree.query(places, k=near)
    full = np.cumsum(heap[which], axis=1) >= chosen
    reach = np.where(full.any(axis=1), distance[np.arange(len(places)), full.argmax(axis=1)], np.inf)
    # A core incident needs k more than itself; an even spread has Poisson(n / hull · π r²) of them around it.
    n, k = len(xy), max(int(np.ceil(chosen / weight.mean())) - 1, 1)
    chance = np.sqrt(poisson_mean(k, 1 / n) / (np.pi * n / hull))
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
