"""The streets as a graph: how long from here to there.

One question: how many seconds does a unit need between two places, on real streets, in the direction they may
be driven. Streets are split where they meet, the largest part in which every place reaches every other is kept
and the rest reported, points are snapped to the nearest street within a stated distance, and travel times are
shortest paths (Dijkstra 1959). Without streets there are straight lines times a detour factor, and every result
made with them says so.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.errors import InputError, SettingError
from gridmap.patrol.points import check_number, lonlat
from gridmap.patrol.segments import split_at_junctions
from gridmap.patrol.shortest import search
from gridmap.patrol.speeds import NO_STOP, WALK_KMH, street_speeds
from gridmap.patrol.straight import StraightLines
from gridmap.read.metric import metric_crs, project, unproject

__all__ = ["Network", "build_network"]


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


@dataclass(frozen=True)
class Network:
    """Streets as a graph. Made by `build_network`.

    Attributes
    ----------
    mode : "drive" or "walk"
    roads : GeoDataFrame
        The streets it was made from.
    segments : DataFrame
        One row a street segment between junctions: `u, v, length_m, road` (row in `roads`), `time_s` (u → v),
        `back_time_s` (v → u; inf where that is forbidden), `stop` (whether a unit may stop there), `shape` (metric).
    nodes : ndarray (n, 2)
        Junctions and ends, in `crs`.
    left_out : DataFrame
        Segments cut off from the largest part.
    crs : pyproj.CRS
        Metres.
    max_snap_m : float
    notes : tuple of str
    """

    mode: str
    roads: gpd.GeoDataFrame
    segments: pd.DataFrame
    nodes: np.ndarray
    left_out: pd.DataFrame
    crs: object
    max_snap_m: float
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        km = self.segments["length_m"].sum() / 1000
        return f"<Network {self.mode}: {len(self.nodes):,} junctions, {len(self.segments):,} segments, {km:,.1f} km>"

    @cached_property
    def edges(self) -> gpd.GeoDataFrame:
        """The segments with their geometry in EPSG:4326 and the street's id, name and class."""
        table = self.segments.drop(columns="shape")
        for column in ("road_id", "name", "highway"):
            if column in self.roads:
                table[column] = self.roads[column].to_numpy()[table["road"]]
        return gpd.GeoDataFrame(table, geometry=self._degrees(self.segments["shape"].to_numpy()), crs=4326)

    @cached_property
    def junctions(self) -> gpd.GeoDataFrame:
        """The nodes as points in EPSG:4326, in the order of `u` and `v`."""
        return gpd.GeoDataFrame(geometry=self._degrees(shapely.points(self.nodes)), crs=4326)

    def snap(self, points) -> pd.DataFrame:
        """Where each point meets the network.

        Returns
        -------
        DataFrame
            `segment` (row in `segments`, −1 when no street is within `max_snap_m`), `share` (0 at u … 1 at v),
            `snap_m` (distance to the street), `x, y` (metric, on the street).
        """
        at = shapely.points(np.column_stack(project(*lonlat(points, "the points").T, self.crs)))
        stop = np.flatnonzero(self.segments["stop"].to_numpy())
        shapes = self.segments["shape"].to_numpy()
        pairs, gaps = self._tree.query_nearest(at, max_distance=self.max_snap_m, return_distance=True, all_matches=True)
        found = pd.DataFrame({"point": pairs[0], "segment": stop[pairs[1]], "snap_m": gaps})
        found = found.sort_values(["point", "segment"]).drop_duplicates("point").set_index("point")
        snapped = found.reindex(range(len(at)))
        segment = snapped["segment"].fillna(-1).to_numpy(int)
        on = segment >= 0
        share = np.full(len(at), np.nan)
        share[on] = shapely.line_locate_point(shapes[segment[on]], at[on], normalized=True)
        foot = shapely.line_interpolate_point(shapes[segment[on]], share[on], normalized=True)
        xy = np.full((len(at), 2), np.nan)
        xy[on] = shapely.get_coordinates(foot)
        return pd.DataFrame(
            {"segment": segment, "share": share, "snap_m": snapped["snap_m"].to_numpy(), "x": xy[:, 0], "y": xy[:, 1]}
        )

    def distance_m(self, points) -> np.ndarray:
        """Metres from each point to the nearest street, however far."""
        at = shapely.points(np.column_stack(project(*lonlat(points, "the points").T, self.crs)))
        return self._tree.query_nearest(at, return_distance=True, all_matches=False)[1]

    def travel_time_s(self, origins, destinations=None) -> np.ndarray:
        """Seconds of travel from each origin to each destination.

        Parameters
        ----------
        origins, destinations : GeoDataFrame or array-like of (lon, lat)
            Destinations default to the origins.

        Returns
        -------
        ndarray (origins, destinations)
            inf where a point is off the network.
        """
        return self._matrix(self.snap(origins), None if destinations is None else self.snap(destinations), "time")

    def travel_distance_m(self, origins, destinations=None) -> np.ndarray:
        """Metres of the shortest way, as `travel_time_s`."""
        return self._matrix(self.snap(origins), None if destinations is None else self.snap(destinations), "length")

    def reach_s(self, origins, *, limit_s: float = np.inf) -> np.ndarray:
        """Seconds from each origin to every node, shape (origins, nodes); inf beyond the limit."""
        snapped = self.snap(origins)
        start, to, cost, *_ = self._graph("time")
        everything = np.ones(len(self.nodes), bool)
        seeds = [self._seeds(row, "time") for row in snapped.itertuples(index=False)]
        return np.array([search(start, to, cost, n, c, everything, float(limit_s))[0] for n, c in seeds])

    def ways(self, points, legs) -> list:
        """The way of each leg as a LineString in EPSG:4326 (None where there is none).

        Parameters
        ----------
        points : as in `travel_time_s`
        legs : sequence of (int, int)
            From which point to which.
        """
        from gridmap.patrol.ways import trace  # the longer half of the answer has a room of its own

        return trace(self, self.snap(points), list(legs))

    # -- inside ---------------------------------------------------------------------------------------------------

    @cached_property
    def _tree(self):
        return shapely.STRtree(self.segments["shape"].to_numpy()[self.segments["stop"].to_numpy()])

    @cached_property
    def _graphs(self) -> dict:
        return {}

    def _graph(self, weight: str):
        """CSR arrays of the arcs: start, to, cost, segment, whether along the segment."""
        if weight not in self._graphs:
            table = self.segments
            along, back = self._costs(weight)
            u, v, n = table["u"].to_numpy(), table["v"].to_numpy(), len(table)
            a, b, c = np.r_[u, v], np.r_[v, u], np.r_[along, back]
            segment, forward = np.tile(np.arange(n), 2), np.repeat([True, False], n)
            allowed = np.flatnonzero(np.isfinite(c))
            order = allowed[np.lexsort((b[allowed], a[allowed]))]
            start = np.r_[0, np.cumsum(np.bincount(a[order], minlength=len(self.nodes)))].astype(np.int64)
            self._graphs[weight] = (start, b[order].astype(np.int64), c[order], segment[order], forward[order])
        return self._graphs[weight]

    def _costs(self, weight):
        along, back = self.segments["time_s"].to_numpy(), self.segments["back_time_s"].to_numpy()
        if weight == "time":
            return along, back
        metres = self.segments["length_m"].to_numpy()
        return np.where(np.isfinite(along), metres, np.inf), np.where(np.isfinite(back), metres, np.inf)

    def _seeds(self, row, weight):
        if row.segment < 0:
            return np.empty(0, np.int64), np.empty(0)
        along, back = self._costs(weight)
        u, v = self.segments["u"].to_numpy()[row.segment], self.segments["v"].to_numpy()[row.segment]
        costs = np.array([_share(back[row.segment], row.share), _share(along[row.segment], 1 - row.share)])
        return np.array([u, v], np.int64), costs

    def _matrix(self, origins, destinations, weight) -> np.ndarray:
        destinations = origins if destinations is None else destinations
        start, to, cost, *_ = self._graph(weight)
        along, back = self._costs(weight)
        target, share = destinations["segment"].to_numpy(), destinations["share"].to_numpy()
        on = target >= 0
        u, v = self.segments["u"].to_numpy(), self.segments["v"].to_numpy()
        wanted = np.zeros(len(self.nodes), bool)
        wanted[u[target[on]]] = wanted[v[target[on]]] = True
        into_u = np.array([_share(along[t], s) for t, s in zip(target[on], share[on], strict=True)])
        into_v = np.array([_share(back[t], 1 - s) for t, s in zip(target[on], share[on], strict=True)])

        def one(row):
            times = np.full(len(target), np.inf)
            if row.segment >= 0:
                reached, _ = search(start, to, cost, *self._seeds(row, weight), wanted, np.inf)
                best = np.minimum(reached[u[target[on]]] + into_u, reached[v[target[on]]] + into_v)
                step = share[on] - row.share
                direct = np.where(step >= 0, along[row.segment], back[row.segment])
                direct = np.where(
                    step == 0, 0.0, np.where(np.isfinite(direct), direct, np.inf) * np.maximum(np.abs(step), 1e-300)
                )
                times[on] = np.where(target[on] == row.segment, np.minimum(best, direct), best)
            return times

        rows = list(origins.itertuples(index=False))
        with ThreadPoolExecutor(2) as pool:  # each row by itself: the same answer on any number of threads
            return np.array(list(pool.map(one, rows)))

    def _degrees(self, shapes):
        return shapely.transform(shapes, lambda xy: np.column_stack(unproject(*xy.T, self.crs)))


def _share(cost: float, share: float) -> float:
    """A share of a segment's cost; none of a forbidden direction costs nothing, and any of it is impossible."""
    return 0.0 if share <= 0 else cost * share
