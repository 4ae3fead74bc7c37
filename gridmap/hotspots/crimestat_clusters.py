"""The two cluster methods that police departments know from CrimeStat: NNH and STAC.

* `nearest_neighbour_hierarchy`: compact clusters of at least so many incidents nearer to a centre than chance would
  have it; then clusters of clusters, and so on.
* `stac`: the densest circles of a fixed raster of circles, merged where they share incidents.

Both are old, quick, and easy to explain at a meeting. Neither looks at who lives there; both draw round shapes where
crime follows a street; STAC sees nothing smaller than its circles.

Sources: Levine (2015), CrimeStat IV, chapters 7 and 8; Clark & Evans (1954), Ecology 35, 445–453; Block (1995), STAC
hot-spot areas, in Crime Analysis Through Computer Mapping, 15–32. Written from their published descriptions.
"""

import heapq
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.hulls import CLUSTER_COLUMNS, HULL_BUFFER_M, clusters_result
from gridmap.hotspots.incident_points import a_count, a_length_m, a_number, one_of, points_of
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import project

__all__ = ["HierarchyResult", "nearest_neighbour_hierarchy", "stac"]


@dataclass(frozen=True, repr=False)
class HierarchyResult(HotspotResult):
    """A `HotspotResult` whose clusters have clusters.

    Attributes
    ----------
    higher : GeoDataFrame (EPSG:4326)
        The clusters of the second and higher orders: `order, rank, clusters` (how many of the order below), `count`
        (incidents in them), `area_m2, geometry`. `parent` is the row here of the next order's cluster, −1 for
        none; `.clusters` has the same column.
    """

    higher: gpd.GeoDataFrame | None = field(default=None)


@hotspot_method(
    draws="clusters", of_points=True, amount="count", facts="clusters", columns=(*CLUSTER_COLUMNS, "parent")
)
def nearest_neighbour_hierarchy(
    incidents: Incidents,
    *,
    min_points: int = 10,
    probability: float = 0.5,
    radius_m: float | None = None,
    area_m2: float | None = None,
    min_clusters: int = 4,
    hull: str = "convex",
    min_incidents: int = 30,
) -> HierarchyResult:
    """CrimeStat's nearest-neighbour hierarchical clustering (Nnh).

    Parameters
    ----------
    incidents : Incidents
    min_points : int
        The fewest incidents that make a first-order cluster.
    probability : float
        Sets the threshold distance: the lower one-sided limit of the mean distance to the nearest neighbour under
        complete randomness. 0.5 is that mean itself; 0.05 is shorter, and finds fewer, tighter clusters.
    radius_m : float, optional
        A fixed threshold distance in metres instead (`probability` and `area_m2` then only serve the higher orders).
    area_m2 : float, optional
        Area of the territory; the incidents' bounding rectangle when not given. Too large an area, too large a
        distance.
    min_clusters : int
        The fewest clusters that make one of the next order.
    hull : {"convex", "ellipse"}
    min_incidents : int
        Fewer are refused.

    Returns
    -------
    HierarchyResult
        As `dbscan`'s, with `seed` among the `.members` (the incident at each cluster's start), and `.higher`.
        `params["radius_m"]` is the threshold distance.

    Raises
    ------
    InputError, SettingError
        As `dbscan`; also where the threshold distance would be zero.

    Notes
    -----
    Threshold: d = ½ √(A / N) − t · 0.26136 √(A / N²), t the normal quantile. The incident with most others within d is
    the first seed, they are its cluster and leave the field; then the one with most of those left; until a seed has
    fewer than `min_points` with itself. The mean centres of the clusters are the points of the next order.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.normal(-1.55, 0.0005, 40), rng.uniform(-1.6, -1.5, 60)]
    >>> lat = np.r_[rng.normal(53.75, 0.0003, 40), rng.uniform(53.7, 53.8, 60)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(100)], "lon": lon, "lat": lat}))
    >>> nearest_neighbour_hierarchy(points, radius_m=150).clusters["count"].tolist()
    [40]

    References
    ----------
    Levine (2015), CrimeStat IV, chapter 7.
    """
    points = points_of(incidents, "nearest_neighbour_hierarchy", fewest=min_incidents)
    least = a_count(min_points, "min_points", least=2)
    above = a_count(min_clusters, "min_clusters", least=2)
    if not 0 < (p := a_number(probability, "probability", above=0)) < 1:
        raise SettingError(Note("hotspots.probability_between", probability=probability))
    area = float(np.prod(np.ptp(points.xy, axis=0))) if area_m2 is None else a_number(area_m2, "area_m2", above=0)
    radius = _threshold_m(area, len(points), p) if radius_m is None else a_length_m(radius_m, "radius_m")
    if not radius > 0:
        raise InputError(Note("hotspots.threshold_zero"))
    labels, seeds = _greedy(points.xy, radius, least)
    started = np.zeros(len(points), bool)
    started[seeds] = True
    params = {"min_points": least, "probability": p, "radius_m": radius, "area_m2": area, "min_clusters": above,
              "automatic": [n for n, v in (("radius_m", radius_m), ("area_m2", area_m2)) if v is None]}  # fmt: skip
    first = clusters_result("nearest_neighbour_hierarchy", points, labels, params, hull=hull, members={"seed": started})
    clusters, higher = _orders(first.clusters, points.crs, area, p, above)
    return HierarchyResult(first.cells, first.method, {**first.params, "orders": 1 + higher["order"].nunique()},
                           clusters, first.members, first.notes, higher)  # fmt: skip


@hotspot_method(
    draws="clusters", of_points=True, amount="count", facts="clusters", columns=(*CLUSTER_COLUMNS, "circles")
)
def stac(
    incidents: Incidents,
    *,
    radius_m: float,
    min_points: int = 10,
    nodes: int = 20,
    scan: str = "rectangular",
    hull: str = "ellipse",
    min_incidents: int = 30,
) -> HotspotResult:
    """STAC hot-spot areas: the 25 densest circles of a raster of circles, merged where they share incidents.

    Parameters
    ----------
    incidents : Incidents
    radius_m : float
        The search radius in metres. The circles are √2 times as wide, so that neighbours overlap.
    min_points : int
        The fewest incidents that make a hot-spot area.
    nodes : int
        Circles along each side of the incidents' bounding rectangle; STAC has 20.
    scan : {"rectangular", "triangular"}
        The pattern of the circles' centres: the first for towns with a street grid, the second for others.
    hull : {"ellipse", "convex"}
    min_incidents : int
        Fewer are refused.

    Returns
    -------
    HotspotResult
        As `dbscan`'s, with `circles` (how many were merged) among the columns of `.clusters`.

    Raises
    ------
    InputError, SettingError
        As `dbscan`.

    Notes
    -----
    Kept are the 25 circles with most incidents, at least two each. Where the circles do not cover the rectangle
    (√2 · radius below half the diagonal between nodes), a note says what part of the incidents no circle holds.

    Examples
    --------
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.normal(-1.55, 0.0005, 40), rng.uniform(-1.6, -1.5, 60)]
    >>> lat = np.r_[rng.normal(53.75, 0.0003, 40), rng.uniform(53.7, 53.8, 60)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(100)], "lon": lon, "lat": lat}))
    >>> int(stac(points, radius_m=300).clusters["count"].iloc[0]) >= 40
    True

    References
    ----------
    Block (1995), in Crime Analysis Through Computer Mapping, 15–32. Levine (2015), CrimeStat IV, chapter 8.
    """
    points = points_of(incidents, "stac", fewest=min_incidents)
    radius = a_length_m(radius_m, "radius_m")
    least, side = a_count(min_points, "min_points", least=2), a_count(nodes, "nodes", least=2)
    one_of(scan, "scan", ("rectangular", "triangular"))
    low, high = points.xy.min(axis=0), points.xy.max(axis=0)
    step = (high - low) / (side - 1)
    column, row = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    shift = np.where(row % 2 == 1, 0.5, 0.0) if scan == "triangular" else 0.0
    centre = low + np.column_stack([column + shift, row]) * step
    tree = scipy.spatial.cKDTree(points.xy)
    inside = tree.query_ball_point(centre, radius * np.sqrt(2))
    count = np.array([len(i) for i in inside])
    best = [i for i in np.lexsort((np.arange(len(count)), -count))[:MOST_CIRCLES] if count[i] >= 2]
    group = list(range(len(best)))
    owner = np.full(len(points), -1)
    for k, circle in enumerate(best):
        touched = {_find(group, j) for j in np.unique(owner[inside[circle]]) if j >= 0}
        for j in touched:
            group[max(j, _find(group, k))] = min(j, _find(group, k))
        fresh = np.asarray(inside[circle])
        owner[fresh[owner[fresh] < 0]] = k
    labels = np.array([_find(group, k) if k >= 0 else -1 for k in owner])
    size = np.bincount(labels[labels >= 0], minlength=len(best) + 1)
    labels = np.where((labels >= 0) & (size[labels] >= least), labels, -1)
    merged = pd.Series([_find(group, k) for k in range(len(best))]).value_counts().rename("circles").to_frame()
    notes = []
    missed = len(points) - len(np.unique(np.concatenate([np.asarray(i, int) for i in inside])))
    if missed:
        notes.append(Note("hotspots.between_circles", missed=missed, n=len(points), value=step.max()))
    params = {"radius_m": radius, "min_points": least, "nodes": side, "scan": scan, "automatic": []}
    return clusters_result("stac", points, labels, params, hull=hull, notes=notes, extra=merged)


MOST_CIRCLES = 25


def _threshold_m(area: float, n: int, p: float) -> float:
    """The lower one-sided limit of the mean distance to the nearest of n random points in `area` (Clark & Evans)."""
    return float(0.5 * np.sqrt(area / n) + scipy.special.ndtri(p) * np.sqrt((4 - np.pi) * area / (4 * np.pi * n**2)))


def _find(group: list[int], k: int) -> int:
    while group[k] != k:
        k = group[k]
    return k


def _greedy(xy: np.ndarray, radius: float, least: int) -> tuple[np.ndarray, list[int]]:
    """Labels in the order of discovery, and the seed of each: most neighbours first, its cluster leaves the field."""
    tree = scipy.spatial.cKDTree(xy)
    around = tree.query_ball_point(xy, radius, return_length=True)
    labels = np.full(len(xy), -1)
    seeds: list[int] = []
    heap = [(-n, i) for i, n in enumerate(around.tolist()) if n >= least]
    heapq.heapify(heap)
    while heap:
        n, i = heapq.heappop(heap)
        if labels[i] >= 0 or around[i] < least:
            continue
        if around[i] < -n:  # some neighbours have left since: back into the queue with what remains
            heapq.heappush(heap, (-int(around[i]), i))
            continue
        near = np.array(tree.query_ball_point(xy[i], radius))
        mine = near[labels[near] < 0]
        labels[mine] = len(seeds)
        seeds.append(i)
        for others in tree.query_ball_point(xy[mine], radius):
            around[others] -= 1
    return labels, seeds


def _orders(clusters: gpd.GeoDataFrame, crs, area: float, p: float, least: int):
    """The clusters with their `parent`, and the clusters of the second and higher orders."""
    below = np.column_stack(project(clusters["lon"], clusters["lat"], crs)) if len(clusters) else np.empty((0, 2))
    shapes = clusters.geometry.to_crs(crs).to_numpy()
    counts = clusters["count"].to_numpy()
    parents, rows, order, offset = [], [], 2, 0
    while True:
        labels = np.full(len(below), -1)
        radius = _threshold_m(area, len(below), p) if len(below) >= least else 0
        if radius > 0:
            labels, _ = _greedy(below, radius, least)
        parents.append(np.where(labels >= 0, labels + offset, -1))
        found = range(labels.max(initial=-1) + 1)
        if not found:
            break
        made = []
        for k in found:
            mine = labels == k
            shape = shapely.convex_hull(shapely.union_all(shapes[mine])).buffer(HULL_BUFFER_M, quad_segs=4)
            made.append((shape, int(counts[mine].sum())))
            rows.append((order, int(mine.sum()), made[-1][1], shape.area, shape))
        below = np.array([below[labels == k].mean(axis=0) for k in found])
        shapes, counts = np.array([s for s, _ in made], dtype=object), np.array([n for _, n in made])
        order, offset = order + 1, offset + len(found)
    frame = pd.DataFrame(rows, columns=["order", "clusters", "count", "area_m2", "shape"])
    outlines = gpd.GeoSeries(frame.pop("shape").to_numpy(), crs=crs).to_crs(4326)
    frame.insert(1, "rank", frame.groupby("order")["count"].rank(ascending=False, method="first").astype(int))
    parent = np.concatenate(parents[1:]) if len(parents) > 1 else np.array([], int)
    higher = gpd.GeoDataFrame(frame.assign(parent=parent), geometry=outlines.to_numpy(), crs=4326)
    return clusters.assign(parent=parents[0])[[*clusters.columns.drop("geometry"), "parent", "geometry"]], higher
