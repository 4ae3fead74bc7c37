"""Where the next camera should hang.

Cameras and alarm points cover what lies within their reach. Which hotspots have none, and where do the next n cover
most? That is the maximal covering location problem (Church & ReVelle 1974), solved exactly.

References
----------
Church & ReVelle (1974), Papers of the Regional Science Association 32, 101–118.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely
from scipy.sparse import coo_array

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note
from gridmap.patrol.network import Network
from gridmap.patrol.point_inputs import check_number, id_column, lonlat, weighted
from gridmap.read.metric_projection import metric_crs, project

__all__ = ["best_sites", "covered_by"]


def covered_by(demand, sites, *, reach_m: float, network: Network | None = None) -> np.ndarray:
    """Which demand points have a site within reach, as an array of bool.

    Parameters
    ----------
    demand, sites : points
    reach_m : float
    network : Network, optional
        Measures along the streets instead of straight.

    Examples
    --------
    >>> covered_by([(0, 0), (1, 1)], [(0.001, 0)], reach_m=200).tolist()
    [True, False]
    """
    reach_m = check_number(reach_m, "reach_m")
    return np.asarray(_cover(demand, sites, reach_m, network).sum(axis=0)).ravel() > 0


def best_sites(
    candidates,
    demand,
    *,
    n: int,
    reach_m: float,
    network: Network | None = None,
    existing=None,
    weight: str | None = None,
) -> gpd.GeoDataFrame:
    """The n sites that together cover most of the demand (maximal covering, proven optimal).

    Parameters
    ----------
    candidates : GeoDataFrame of points (`site_id`), or lon, lat
        Up to about 1,000.
    demand : GeoDataFrame of points, or lon, lat
        Incidents, hotspots or cells.
    n : int
        How many sites to choose.
    reach_m : float
        How far a site covers, metres; straight, or along the streets with `network`.
    network : Network, optional
    existing : points, optional
        Sites that are there already: what they cover counts as covered.
    weight : str, optional
        Column of `demand` that says how much each point counts; by default `weight`, `prize` or `count` where there is
        one, else each point counts 1.

    Returns
    -------
    GeoDataFrame in EPSG:4326
        The chosen candidates with their own columns and `site_id`, `rank` (1: adds most), `adds` (demand that it adds
        to those ranked before). `.attrs` has `covered, total, share` (existing sites included), `before` (covered by
        the existing ones alone), `optimal`, `uncovered` (rows of `demand` that stay uncovered).

    Raises
    ------
    InputError, SettingError

    Examples
    --------
    >>> sites = best_sites([(0, 0), (0.01, 0)], [(0, 0.0001), (0.01, 0), (0.0101, 0)], n=1, reach_m=100)
    >>> sites["site_id"].tolist(), sites.attrs["share"]
    (['site 2'], 0.6666666666666666)
    """
    reach_m = check_number(reach_m, "reach_m")
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise SettingError(Note("patrol.site_number", found=n))
    xy = lonlat(candidates, "candidates")
    framed = isinstance(candidates, pd.DataFrame)
    ids = id_column(candidates, ("site_id", "name"), "site ") if framed else [f"site {i + 1}" for i in range(len(xy))]
    if weight is not None and not (isinstance(demand, pd.DataFrame) and weight in demand):
        raise SettingError(Note("patrol.no_weight", found=weight))
    _, heavy = weighted(demand, "demand", (weight,) if weight else ("weight", "prize", "count"))
    cover = _cover(demand, candidates, reach_m, network)
    have = (
        np.zeros(len(heavy), bool)
        if existing is None
        else covered_by(demand, existing, reach_m=reach_m, network=network)
    )
    chosen, optimal = _maximal_cover(cover[:, ~have], heavy[~have], min(int(n), len(xy)))

    ranked, seen, left = [], have.copy(), list(chosen)
    dense = cover.toarray() > 0
    while left:
        gains = [heavy[dense[c] & ~seen].sum() for c in left]
        k = int(np.argmax(gains))
        ranked.append((left[k], float(gains[k])))
        seen |= dense[left.pop(k)]
    rows = [c for c, _ in ranked]
    own = (
        pd.DataFrame(candidates).drop(
            columns=[candidates.geometry.name] if isinstance(candidates, gpd.GeoDataFrame) else []
        )
        if framed
        else pd.DataFrame(index=range(len(xy)))
    )
    table = own.iloc[rows].assign(
        site_id=[ids[c] for c in rows], rank=range(1, len(rows) + 1), adds=[g for _, g in ranked]
    )
    result = gpd.GeoDataFrame(table, geometry=shapely.points(xy[rows]), crs=4326)
    total = float(heavy.sum())
    result.attrs = {
        "covered": float(heavy[seen].sum()),
        "total": total,
        "share": float(heavy[seen].sum() / total) if total else float("nan"),
        "before": float(heavy[have].sum()),
        "optimal": optimal,
        "uncovered": np.flatnonzero(~seen).tolist(),
    }
    return result


def _cover(demand, sites, reach_m, network):
    """Sites × demand, 1 within reach (sparse)."""
    a, b = lonlat(sites, "sites"), lonlat(demand, "demand")
    if network is not None:
        return coo_array((network.travel_distance_m(a, b) <= reach_m).astype(np.int8)).tocsr()
    both = np.vstack([a, b])
    xy = np.column_stack(project(both[:, 0], both[:, 1], metric_crs((*both.min(axis=0), *both.max(axis=0)))))
    near = scipy.spatial.cKDTree(xy[: len(a)]).query_ball_tree(scipy.spatial.cKDTree(xy[len(a) :]), reach_m)
    rows = np.repeat(np.arange(len(a)), [len(x) for x in near])
    columns = np.concatenate([np.asarray(x, int) for x in near]) if len(rows) else np.empty(0, int)
    return coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(len(a), len(b))).tocsr()


def _maximal_cover(cover, weight, n):
    """Rows of `cover` that maximise the weight of the columns covered; and whether that is proven."""
    sites, points = cover.shape
    columns = cover.T.tocsr()
    same: dict = {}  # points seen by the same sites are one point
    for j in range(points):
        seen = tuple(columns.indices[columns.indptr[j] : columns.indptr[j + 1]])
        if seen and weight[j] > 0:
            same[seen] = same.get(seen, 0.0) + weight[j]
    if not same:
        return list(range(n)), True
    worth = np.array(list(same.values()))
    rows = np.repeat(np.arange(len(same)), [len(k) for k in same])
    sites_of = np.concatenate([np.array(k) for k in same])
    table = coo_array(
        (
            np.r_[np.ones(len(rows)), -np.ones(len(same)), np.ones(sites)],
            (
                np.r_[rows, np.arange(len(same)), np.full(sites, len(same))],
                np.r_[sites_of, sites + np.arange(len(same)), np.arange(sites)],
            ),
        )
    )
    low, high = np.r_[np.zeros(len(same)), -np.inf], np.r_[np.full(len(same), np.inf), n]
    whole = np.r_[np.ones(sites), np.zeros(len(same))]  # a point is covered in whole once its sites are
    found = scipy.optimize.milp(
        np.r_[np.zeros(sites), -worth],
        constraints=scipy.optimize.LinearConstraint(table.tocsr(), low, high),
        integrality=whole,
        bounds=scipy.optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise InputError(Note("patrol.unsolved", n=n, sites=sites, problem=found.message))
    order = np.argsort(-found.x[:sites], kind="stable")
    return sorted(int(c) for c in order[:n]), bool(found.status == 0)
