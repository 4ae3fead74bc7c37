"""Who is reached in time.

Which streets, hotspots, incidents and residents does a unit from the stations reach within so many minutes?
Standards in use are 5 km in 10 minutes in town and 10 km in 20 in the country.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops

from gridmap._moved import in_former_order
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.patrol.network import Network
from gridmap.patrol.point_inputs import check_number, id_column, lonlat, weighted
from gridmap.patrol.units import staff_posts, take_posts, take_units
from gridmap.read.metric_projection import metric_crs, project

__all__ = ["RESPONSE_STANDARDS", "check_posts", "response_coverage"]

#: Name → (minutes, metres): places within so many metres of a station are to be reached in so many minutes.
RESPONSE_STANDARDS = {"town": (10.0, 5_000.0), "country": (20.0, 10_000.0)}


@in_former_order("network, stations", lambda given: hasattr(given[0], "segments") or hasattr(given[0], "travel_min"))
def response_coverage(
    stations, network, *, minutes, hotspots=None, incidents=None, residents=None, each: bool = True
) -> gpd.GeoDataFrame:
    """What a unit from the stations reaches in time, along the streets.

    Parameters
    ----------
    stations : GeoDataFrame of points (`station_id`), or lon, lat
    network : Network
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
    >>> reach = response_coverage([(0, 0)], build_network(roads, speed_kmh=36), minutes=[2, 4])
    >>> reach.loc[reach["station_id"] == "all", "street_km"].round(2).tolist()
    [1.2, 2.4]
    """
    if not isinstance(network, Network):
        raise InputError(Note("patrol.times_need_streets"))
    times, standard = _minutes(minutes)
    points = lonlat(stations, "stations")
    ids = (
        id_column(stations, ("station_id", "name"), "station ")
        if isinstance(stations, pd.DataFrame)
        else [f"station {i + 1}" for i in range(len(points))]
    )
    snapped = network.snap(points)
    lost = snapped["segment"].to_numpy() < 0
    if lost.all():
        raise InputError(Note("patrol.no_station", limit=network.max_snap_m))
    horizon = max(times) * 60
    node_s = network.reach_s(points, limit_s=horizon)
    groups = {"all": np.flatnonzero(~lost)} | ({i: np.array([k]) for k, i in enumerate(ids)} if each else {})
    sets = {
        name: weighted(frame, name, preferred)
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
        notes.append(Note("patrol.stations_off", off=int(lost.sum()), stations=len(lost)))
    result.attrs = {"notes": notes, "mode": network.mode}
    return result


def check_posts(posts, units, *, shift_h: float = 8) -> pd.DataFrame:
    """Whether the minimum staffing of the compulsory posts can be kept, and who is left for patrol.

    Parameters
    ----------
    posts : mapping of name to staff, or frame with `post_id, staff`
        In the order of their weight: the first is staffed first.
    units : int or frame
        As in `plan_patrols`: a number of units of two officers, or a row a unit with `officers`.
    shift_h : float

    Returns
    -------
    DataFrame
        One row a post: `post_id, staff, assigned, units` (names), `met, lacking` (officers). `.attrs` has `officers,
        needed, left` (officers) and `free` (names of the units that remain).

    Examples
    --------
    >>> table = check_posts({"railway station": 20, "bus station": 10, "town": 5}, 16)
    >>> table["met"].tolist(), table["lacking"].tolist(), table.attrs["left"]
    ([True, True, False], [0, 0, 3], 0)
    """
    crew, wanted = take_units(units, check_number(shift_h, "shift_h", most=48)), take_posts(posts)
    table, free = staff_posts(wanted, crew, np.arange(len(crew.unit_id))[::-1])
    table = table.assign(lacking=(table["staff"] - table["assigned"]).clip(lower=0))
    table.attrs = {
        "officers": int(crew.officers.sum()),
        "needed": int(table["staff"].sum()),
        "left": int(crew.officers[free].sum()),
        "free": [crew.unit_id[i] for i in free],
    }
    return table


def _minutes(minutes):
    if isinstance(minutes, str):
        names = list(RESPONSE_STANDARDS) if minutes == "standards" else [minutes]
        if names[0] not in RESPONSE_STANDARDS:
            raise SettingError(
                Note(
                    "patrol.no_standard", found=minutes, meant=did_you_mean(minutes, [*RESPONSE_STANDARDS, "standards"])
                )
            )
        chosen = dict(RESPONSE_STANDARDS[name] for name in names)
        return list(chosen), chosen
    many = list(minutes) if np.iterable(minutes) else [minutes]
    if not many:
        raise SettingError(Note("patrol.no_minutes"))
    return sorted({check_number(m, "minutes", most=600) for m in many}), {}


def _metres(a, b) -> np.ndarray:
    both = np.vstack([a, b])
    xy = np.column_stack(project(both[:, 0], both[:, 1], metric_crs((*both.min(axis=0), *both.max(axis=0)))))
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
