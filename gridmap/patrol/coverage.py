"""Who is reached in time, and where the next camera should hang.

Two questions of a meeting. Response: which streets, hotspots, incidents and residents does a car from the stations
reach within so many minutes? Standards in use are 5 km in 10 minutes in town and 10 km in 20 in the country.
Sites: cameras and alarm points cover what lies within their reach; which hotspots have none, and where do the
next n cover most? That is the maximal covering location problem (Church & ReVelle 1974), solved exactly.

References
----------
Church & ReVelle (1974), Papers of the Regional Science Association 32, 101–118.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array
from scipy.spatial import cKDTree

from gridmap.errors import InputError, SettingError, did_you_mean
from gridmap.patrol.network import Network
from gridmap.patrol.points import check_number, id_column, lonlat
from gridmap.read.metric import metric_crs, project

__all__ = ["RESPONSE_STANDARDS", "best_sites", "covered_by", "response_coverage"]

#: Name → (minutes, metres): places within so many metres of a station are to be reached in so many minutes.
RESPONSE_STANDARDS = {"town": (10.0, 5_000.0), "country": (20.0, 10_000.0)}


def response_coverage(
    network, stations, *, minutes, hotspots=None, incidents=None, residents=None, each: bool = True
) -> gpd.GeoDataFrame:
    """What a unit from the stations reaches in time, along the streets.

    Parameters
    ----------
    network : Network
    stations : GeoDataFrame of points (`station_id`), or lon, lat
    minutes : number, list of numbers, or "town" (10 min), "country" (20 min), "standards" (both)
        With a standard's name, `kept` says which share of the places within its distance is reached in its time.
    hotspots, incidents, residents : GeoDataFrame of points, optional
        Counted by `prize`, by rows, and by `persons` (or `population`, `weight`; else rows).
    each : bool
        A row for each station beside the one for all together.

    Returns
    -------
    GeoDataFrame in EPSG:4326
        One row a time and station (`station_id` "all": the nearest of them), with `minutes, street_km, street_share,
        geometry` (40 m around the streets that are reached) and, for what was given, `hotspots, incidents,
        residents`: the share reached; for a standard also `kept`.

    Raises
    ------
    InputError, SettingError

    Examples
    --------
    >>> from gridmap.patrol.network import build_network
    >>> roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (0.05, 0)])], crs=4326)
    >>> reach = response_coverage(build_network(roads, speed_kmh=36), [(0, 0)], minutes=[2, 4])
    >>> reach.loc[reach["station_id"] == "all", "street_km"].round(2).tolist()
    [1.2, 2.4]
    """
    if not isinstance(network, Network):
        raise InputError("Response times need streets: a Network, as build_network gives for roads.")
    times, standard = _minutes(minutes)
    points = lonlat(stations, "the stations")
    ids = (
        id_column(stations, ("station_id", "name"), "station ")
        if isinstance(stations, pd.DataFrame)
        else [f"station {i + 1}" for i in range(len(points))]
    )
    snapped = network.snap(points)
    lost = snapped["segment"].to_numpy() < 0
    if lost.all():
        raise InputError(
            f"No station is within {network.max_snap_m:g} m of a street. Raise max_snap_m, or check the CRS."
        )
    horizon = max(times) * 60
    node_s = network.reach_s(points, limit_s=horizon)
    groups = {"all": np.flatnonzero(~lost)} | ({i: np.array([k]) for k, i in enumerate(ids)} if each else {})
    sets = {
        name: _weighted(frame, name, preferred)
        for name, frame, preferred in (
            ("hotspots", hotspots, ("prize",)),
            ("incidents", incidents, ()),
            ("residents", residents, ("persons", "population", "weight")),
        )
        if frame is not None
    }
    reached_s = {name: network.travel_time_s(points, xy) for name, (xy, _) in sets.items()}
    apart_m = {name: _metres(points, xy) for name, (xy, _) in sets.items()}
    rows = []
    for limit in times:
        for station, members in groups.items():
            pieces, km = _pieces(network, snapped.iloc[members], node_s[members], limit * 60)
            row = {
                "station_id": station,
                "minutes": limit,
                "street_km": km,
                "street_share": km / (network.segments["length_m"].sum() / 1000),
            }
            for name, (_, weight) in sets.items():
                inside = reached_s[name][members].min(axis=0) <= limit * 60
                row[name] = float(weight[inside].sum() / weight.sum()) if weight.sum() > 0 else np.nan
                if standard.get(limit):
                    near = (apart_m[name][members] <= standard[limit]).any(axis=0)
                    meant = weight[near].sum()
                    row[f"{name}_kept"] = float(weight[near & inside].sum() / meant) if meant > 0 else np.nan
            rows.append(row | {"geometry": pieces})
    result = gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)
    notes = list(network.notes)
    if lost.any():
        notes.append(f"{int(lost.sum())} of {len(lost)} stations are off the network and reach nothing.")
    result.attrs = {"notes": notes, "mode": network.mode}
    return result


def _minutes(minutes):
    if isinstance(minutes, str):
        names = list(RESPONSE_STANDARDS) if minutes == "standards" else [minutes]
        if names[0] not in RESPONSE_STANDARDS:
            raise SettingError(
                f"minutes={minutes!r} is no standard. {did_you_mean(minutes, [*RESPONSE_STANDARDS, 'standards'])}"
            )
        chosen = dict(RESPONSE_STANDARDS[name] for name in names)
        return list(chosen), chosen
    many = list(minutes) if np.iterable(minutes) else [minutes]
    if not many:
        raise SettingError("minutes is empty. Give at least one time, as in minutes=[10, 20].")
    return sorted({check_number(m, "minutes", most=600) for m in many}), {}


def _weighted(frame, name, preferred):
    xy = lonlat(frame, f"the {name}")
    column = next((c for c in preferred if isinstance(frame, pd.DataFrame) and c in frame), None)
    weight = (
        np.ones(len(xy)) if column is None else pd.to_numeric(frame[column], errors="coerce").fillna(0).to_numpy(float)
    )
    if (weight < 0).any():
        raise InputError(f"{column} of the {name} must be 0 or more in every row.")
    return xy, weight


def _metres(a, b) -> np.ndarray:
    both = np.vstack([a, b])
    xy = np.column_stack(project(*both.T, metric_crs((*both.min(axis=0), *both.max(axis=0)))))
    return np.hypot(*(xy[: len(a), None] - xy[None, len(a) :]).transpose(2, 0, 1))


def _pieces(network, snapped, node_s, limit_s):
    """The streets that are reached, whole or in part, as an area around them; and their length in km."""
    table = network.segments
    best = node_s.min(axis=0)
    u, v = table["u"].to_numpy(), table["v"].to_numpy()
    along, back = table["time_s"].to_numpy(), table["back_time_s"].to_numpy()
    from_u = np.clip((limit_s - best[u]) / along, 0, 1)  # inf − inf cannot arise: the limit is finite
    from_v = np.clip((limit_s - best[v]) / back, 0, 1)
    from_u[~np.isfinite(best[u]) | ~np.isfinite(along)] = 0
    from_v[~np.isfinite(best[v]) | ~np.isfinite(back)] = 0
    shapes = table["shape"].to_numpy()
    whole = from_u + from_v >= 1
    spans = [(i, 0.0, from_u[i]) for i in np.flatnonzero(~whole & (from_u > 0))]
    spans += [(i, 1 - from_v[i], 1.0) for i in np.flatnonzero(~whole & (from_v > 0))]
    for station in snapped.itertuples(index=False):  # what lies on the station's own segment
        i = station.segment
        if i >= 0 and not whole[i]:
            ahead = min(1.0, station.share + limit_s / along[i]) if np.isfinite(along[i]) else station.share
            behind = max(0.0, station.share - limit_s / back[i]) if np.isfinite(back[i]) else station.share
            spans.append((i, behind, ahead))
    lengths = table["length_m"].to_numpy()
    metres = lengths[whole].sum()
    for i in {s[0] for s in spans}:
        edge = 0.0
        for low, high in sorted((a, b) for j, a, b in spans if j == i):
            metres += max(0.0, high - max(low, edge)) * lengths[i]
            edge = max(edge, high)
    parts = [shapely.ops.substring(shapes[i], a, b, normalized=True) for i, a, b in spans if b > a]
    area = shapely.union_all(shapely.buffer(np.array([*shapes[whole], *parts], dtype=object), 40, quad_segs=2))
    return network._degrees(np.array([shapely.simplify(area, 2)]))[0], metres / 1000


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
        raise SettingError(f"n counts the sites to choose and must be 1 or more; found {n!r}.")
    xy = lonlat(candidates, "the candidates")
    framed = isinstance(candidates, pd.DataFrame)
    ids = id_column(candidates, ("site_id", "name"), "site ") if framed else [f"site {i + 1}" for i in range(len(xy))]
    if weight is not None and not (isinstance(demand, pd.DataFrame) and weight in demand):
        raise SettingError(f"weight={weight!r} is no column of the demand.")
    _, heavy = _weighted(demand, "demand", (weight,) if weight else ("weight", "prize", "count"))
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
    a, b = lonlat(sites, "the sites"), lonlat(demand, "the demand")
    if network is not None:
        return coo_array((network.travel_distance_m(a, b) <= reach_m).astype(np.int8)).tocsr()
    both = np.vstack([a, b])
    xy = np.column_stack(project(*both.T, metric_crs((*both.min(axis=0), *both.max(axis=0)))))
    near = cKDTree(xy[: len(a)]).query_ball_tree(cKDTree(xy[len(a) :]), reach_m)
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
    found = milp(
        np.r_[np.zeros(sites), -worth],
        constraints=LinearConstraint(table.tocsr(), low, high),
        integrality=whole,
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        raise InputError(f"The choice of {n} of {sites} sites was not solved ({found.message}). Give fewer candidates.")
    order = np.argsort(-found.x[:sites], kind="stable")
    return sorted(int(c) for c in order[:n]), bool(found.status == 0)
