"""Streets to a graph: `build_network`.

Lines are split where they meet, each gets its speed and its directions, and the largest part in which every place
reaches every other is kept; the rest is reported. Without streets there are straight lines times a detour factor, and
every result made with them says so.
"""

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.errors import InputError, SettingError
from gridmap.patrol.network import Network
from gridmap.patrol.points import check_number
from gridmap.patrol.segments import split_at_junctions
from gridmap.patrol.speeds import NO_STOP, WALK_KMH, street_speeds
from gridmap.patrol.straight import StraightLines
from gridmap.read.metric import metric_crs, project

__all__ = ["build_network"]


def build_network(
    roads,
    mode: str = "drive",
    *,
    speed_kmh=None,
    hour: int | None = None,
    hour_factors=None,
    max_snap_m: float = 250.0,
    tolerance_m: float = 0.5,
    detour: float = 1.4,
):
    """The graph of the streets that a mode of travel may use.

    Parameters
    ----------
    roads : GeoDataFrame of lines, as from `read_roads`, or None
        None means straight lines times `detour`.
    mode : "drive" or "walk"
        Walking ignores one-way streets and keeps off motorways; driving keeps off footways.
    speed_kmh : number or mapping of class to number, optional
        Goes before the posted limit and the class's own speed.
    hour : int, optional
        Hour of the day whose traffic is assumed (driving); None is free traffic.
    hour_factors : mapping of hour to share of the free speed, optional
    max_snap_m : float
        Points farther from any street are not on the network: their travel time is infinite.
    tolerance_m : float
        Ends of lines nearer than this to each other, or to another line, are joined.
    detour : float
        Way over straight line, where there are no streets.

    Returns
    -------
    Network (or StraightLines, which answers the same questions)

    Raises
    ------
    InputError
        If there is no street that the mode may use.
    SettingError

    Examples
    --------
    >>> from shapely import LineString
    >>> lines = [LineString([(0, 0), (0.01, 0)]), LineString([(0.01, 0), (0.01, 0.01)])]
    >>> roads = gpd.GeoDataFrame(geometry=lines, crs=4326)
    >>> network = build_network(roads, mode="walk")
    >>> network.travel_time_s([(0, 0)], [(0.01, 0.01)]).round().tolist()
    [[1666.0]]
    """
    max_snap_m = check_number(max_snap_m, "max_snap_m")
    tolerance_m = check_number(tolerance_m, "tolerance_m", above=False, most=50)
    if mode not in ("drive", "walk"):
        raise SettingError(f"mode must be 'drive' or 'walk'; found {mode!r}.")
    if roads is None:
        if isinstance(speed_kmh, dict):
            raise SettingError("Without streets there are no classes: give speed_kmh as one number.")
        own = WALK_KMH if mode == "walk" else 30.0
        return StraightLines(mode, own if speed_kmh is None else check_number(speed_kmh, "speed_kmh"), detour)
    if not isinstance(roads, gpd.GeoDataFrame) or len(roads) == 0:
        raise InputError(f"Streets are a GeoDataFrame of lines, as read_roads gives; found {_found(roads)}.")
    if roads.crs is None:
        raise InputError("The streets do not say their CRS. Set it, as in roads.set_crs(4326).")
    roads = roads.reset_index(drop=True)
    speed = street_speeds(roads, mode, speed_kmh=speed_kmh, hour=hour, hour_factors=hour_factors)
    degrees = roads.geometry.to_crs(4326)
    shapes, row = shapely.get_parts(degrees.to_numpy(), return_index=True)
    usable = (shapely.get_type_id(shapes) == 1) & (speed[row] > 0) & ~shapely.is_empty(shapes)
    if not usable.any():
        raise InputError(f"None of the {len(roads)} streets may be used in mode {mode!r}. Check highway and access.")
    shapes, row = shapely.force_2d(shapes[usable]), row[usable]
    crs = metric_crs(tuple(shapely.total_bounds(shapes)))
    metric = shapely.transform(shapes, lambda xy: np.column_stack(project(*xy.T, crs)))
    edges, nodes = split_at_junctions(metric, tolerance_m=tolerance_m)
    edges["road"] = row[edges.pop("line").to_numpy()]

    oneway = (
        roads["oneway"].to_numpy()[edges["road"]] if "oneway" in roads and mode == "drive" else np.zeros(len(edges))
    )
    time = edges["length_m"].to_numpy() / (speed[edges["road"]] / 3.6)
    edges["time_s"] = np.where(oneway == -1, np.inf, time)
    edges["back_time_s"] = np.where(oneway == 1, np.inf, time)
    edges, nodes, dropped = _largest_part(edges, nodes)
    kind = (
        roads["highway"].astype(str).str.lower().to_numpy()[edges["road"]]
        if "highway" in roads
        else np.full(len(edges), "road")
    )
    under = roads["layer"].to_numpy()[edges["road"]] < 0 if "layer" in roads else np.zeros(len(edges), bool)
    edges["stop"] = ~(np.isin(kind, list(NO_STOP)) | under) if mode == "drive" else ~under
    if not edges["stop"].any():
        edges["stop"] = True
    notes = (
        [f"{int((~usable).sum())} of {len(usable)} lines may not be used in mode {mode!r}."] if not usable.all() else []
    )
    if len(dropped):
        notes.append(
            f"{len(dropped)} street segments ({dropped['length_m'].sum() / 1000:.1f} km) are cut off from the "
            f"largest part ({len(edges)} segments, {edges['length_m'].sum() / 1000:.1f} km) and were left out."
        )
    if hour is not None and mode == "drive":
        notes.append(
            f"Traffic of {int(hour):02d}:00 is an assumption (speeds.HOUR_FACTORS unless hour_factors were given)."
        )
    return Network(mode, roads, edges, nodes, dropped, crs, max_snap_m, tuple(notes))


def _found(value) -> str:
    return "an empty table" if isinstance(value, gpd.GeoDataFrame) else f"a {type(value).__name__}"


def _largest_part(edges, nodes):
    """The largest strongly connected part; what hangs off it is told, for from there no unit comes back."""
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    along, back = np.isfinite(edges["time_s"].to_numpy()), np.isfinite(edges["back_time_s"].to_numpy())
    a, b = np.r_[u[along], v[back]], np.r_[v[along], u[back]]
    _, part = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes),) * 2), connection="strong")
    inside = part[u] == part[v]
    km = np.bincount(part[u[inside]], weights=edges["length_m"].to_numpy()[inside], minlength=part.max() + 1)
    keep = inside & (part[u] == np.argmax(km))
    ids, numbered = np.unique(np.r_[u[keep], v[keep]], return_inverse=True)
    kept = edges[keep].reset_index(drop=True)
    half = int(keep.sum())
    return kept.assign(u=numbered[:half], v=numbered[half:]), nodes[ids], edges[~keep].reset_index(drop=True)
