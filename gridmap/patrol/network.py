"""How long from here to there, on real streets: `build_network` and the `Network` that it makes.

Drawn lines are split where they meet, each street gets its speed and the directions in which it may be driven, and the
largest part in which every place reaches every other is kept; the rest is reported. A point is snapped to the nearest
street within a stated distance, and a travel time is a shortest path (Dijkstra 1959). Without streets there are
straight lines times a detour factor, and every result made with them says so.

The file goes from streets to answers: speeds, streets between junctions, the graph, shortest paths, the way itself,
straight lines.

References
----------
Dijkstra (1959), Numerische Mathematik 1, 269–271. Boscoe, Henry & Zdeb (2012), The Professional Geographer 64, 188–196,
for the detour factor.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import scipy
import shapely
import shapely.ops
from scipy.sparse import coo_array

from gridmap._compiled import njit
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.patrol.point_inputs import check_number, lonlat
from gridmap.read.metric_projection import metric_crs, project, unproject

__all__ = [
    "HOUR_FACTORS",
    "Network",
    "StraightLines",
    "build_network",
    "dijkstra",
    "split_at_junctions",
    "street_speeds",
]


# -- the graph of the streets ---------------------------------------------------------------------------------------


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
        raise SettingError(Note("patrol.mode", found=mode))
    if roads is None:
        if isinstance(speed_kmh, dict):
            raise SettingError(Note("patrol.no_classes"))
        own = WALK_KMH if mode == "walk" else 30.0
        return StraightLines(mode, own if speed_kmh is None else check_number(speed_kmh, "speed_kmh"), detour)
    if not isinstance(roads, gpd.GeoDataFrame) or len(roads) == 0:
        raise InputError(Note("patrol.roads_type", found=_found(roads)))
    if roads.crs is None:
        raise InputError(Note("patrol.roads_crs"))
    roads = roads.reset_index(drop=True)
    speed = street_speeds(roads, mode, speed_kmh=speed_kmh, hour=hour, hour_factors=hour_factors)
    degrees = roads.geometry.to_crs(4326)
    shapes, row = shapely.get_parts(degrees.to_numpy(), return_index=True)
    usable = (shapely.get_type_id(shapes) == 1) & (speed[row] > 0) & ~shapely.is_empty(shapes)
    if not usable.any():
        raise InputError(Note("patrol.no_street_for_mode", streets=len(roads), mode=mode))
    shapes, row = shapely.force_2d(shapes[usable]), row[usable]
    crs = metric_crs(tuple(shapely.total_bounds(shapes)))
    metric = shapely.transform(shapes, lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1], crs)))
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
    notes = []
    if not usable.all():
        notes.append(Note("patrol.lines_left_out", lines=int((~usable).sum()), all=len(usable), mode=mode))
    if len(dropped):
        notes.append(
            Note(
                "patrol.cut_off",
                segments=len(dropped),
                km=dropped["length_m"].sum() / 1000,
                kept=len(edges),
                kept_km=edges["length_m"].sum() / 1000,
            )
        )
    if hour is not None and mode == "drive":
        notes.append(Note("patrol.hour_assumed", hour=int(hour)))
    return Network(mode, roads, edges, nodes, dropped, crs, max_snap_m, tuple(notes))


def _found(value) -> Note:
    if isinstance(value, gpd.GeoDataFrame):
        return Note("patrol.empty_table")
    return Note("patrol.a_type", name=type(value).__name__)


def _largest_part(edges, nodes):
    """The largest strongly connected part; what hangs off it is reported, for no unit comes back from there."""
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    along, back = np.isfinite(edges["time_s"].to_numpy()), np.isfinite(edges["back_time_s"].to_numpy())
    a, b = np.r_[u[along], v[back]], np.r_[v[along], u[back]]
    _, part = scipy.sparse.csgraph.connected_components(
        coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes),) * 2), connection="strong"
    )
    inside = part[u] == part[v]
    km = np.bincount(part[u[inside]], weights=edges["length_m"].to_numpy()[inside], minlength=part.max() + 1)
    keep = inside & (part[u] == np.argmax(km))
    ids, numbered = np.unique(np.r_[u[keep], v[keep]], return_inverse=True)
    kept = edges[keep].reset_index(drop=True)
    half = int(keep.sum())
    return kept.assign(u=numbered[:half], v=numbered[half:]), nodes[ids], edges[~keep].reset_index(drop=True)


# -- how fast a street is driven or walked --------------------------------------------------------------------------

# A posted limit counts where there is one; else the class says it. The speeds are round figures for an urban patrol in
# free traffic, not measurements: give your own with `speed_kmh={"primary": 35, …}` when you have them. Rush hours slow
# the driving by `HOUR_FACTORS`, which are likewise an assumption to replace.

DRIVE_KMH = {
    "motorway": 90.0,
    "motorway_link": 50.0,
    "trunk": 70.0,
    "trunk_link": 45.0,
    "primary": 50.0,
    "primary_link": 40.0,
    "secondary": 45.0,
    "secondary_link": 35.0,
    "tertiary": 40.0,
    "tertiary_link": 30.0,
    "unclassified": 35.0,
    "residential": 30.0,
    "living_street": 15.0,
    "service": 20.0,
    "road": 30.0,
    "busway": 30.0,
}
NOT_DRIVEN = {"footway", "path", "steps", "pedestrian", "cycleway", "bridleway", "track"}
NOT_WALKED = {"motorway", "motorway_link", "trunk_link", "busway"}
WALK_KMH, STEPS_KMH = 4.8, 2.4
#: Where no car stops for a visit: nothing is snapped there.
NO_STOP = {"motorway", "motorway_link", "trunk_link"}
CLOSED = {"private", "no"}
#: Chinese road classes, as survey files name them.
CLASS_WORDS = {
    "高速": "motorway",
    "高速公路": "motorway",
    "快速路": "trunk",
    "国道": "trunk",
    "省道": "primary",
    "主干路": "primary",
    "主干道": "primary",
    "县道": "secondary",
    "次干路": "secondary",
    "次干道": "secondary",
    "乡道": "tertiary",
    "支路": "tertiary",
    "村道": "unclassified",
    "街道": "residential",
    "小区道路": "living_street",
    "内部道路": "service",
    "人行道": "footway",
    "步行街": "pedestrian",
}
#: Share of the free speed left at an hour of the day (driving).
HOUR_FACTORS = {7: 0.75, 8: 0.65, 9: 0.8, 16: 0.8, 17: 0.65, 18: 0.65, 19: 0.8}


def street_speeds(roads: pd.DataFrame, mode: str, *, speed_kmh=None, hour=None, hour_factors=None) -> np.ndarray:
    """Speed in km/h on each street, 0 where the mode may not go.

    Parameters
    ----------
    roads : frame with `highway`, `maxspeed_kmh`, `access` (what is missing counts as unsaid)
    mode : "drive" or "walk"
    speed_kmh : number or mapping of class to number, optional
        A speed for all streets, or for some classes; it goes before class and limit.
    hour : int, optional
        Hour of the day, 0–23; None is free traffic.
    hour_factors : mapping of hour to share, optional

    Examples
    --------
    >>> street_speeds(pd.DataFrame({"highway": ["primary", "footway"]}), "drive").tolist()
    [50.0, 0.0]
    """
    if mode not in ("drive", "walk"):
        raise SettingError(Note("patrol.unknown_mode", found=mode, meant=did_you_mean(mode, ("drive", "walk"))))
    n = len(roads)
    kind = pd.Series(roads["highway"].to_numpy() if "highway" in roads else np.full(n, "road", object), dtype=object)
    kind = kind.where(kind.notna(), "road").astype(str).str.lower().replace(CLASS_WORDS)
    if mode == "walk":
        speed = np.where(kind == "steps", STEPS_KMH, WALK_KMH)
        speed[kind.isin(NOT_WALKED)] = 0.0
    else:
        speed = kind.map(DRIVE_KMH).fillna(DRIVE_KMH["road"]).to_numpy(float).copy()
        if "maxspeed_kmh" in roads:
            limit = pd.to_numeric(roads["maxspeed_kmh"], errors="coerce").to_numpy(float)
            speed = np.where(np.isfinite(limit) & (limit > 0), limit, speed)
        speed[kind.isin(NOT_DRIVEN)] = 0.0
    if "access" in roads:
        speed[roads["access"].isin(CLOSED).to_numpy()] = 0.0
    if isinstance(speed_kmh, dict):
        for name, value in speed_kmh.items():
            speed[((kind == name) & (speed > 0)).to_numpy()] = _check_speed(value)
    elif speed_kmh is not None:
        speed[speed > 0] = _check_speed(speed_kmh)
    if hour is not None and mode == "drive":
        if isinstance(hour, bool) or not isinstance(hour, int | np.integer) or not 0 <= hour <= 23:
            raise SettingError(Note("patrol.hour", found=hour))
        factors = HOUR_FACTORS if hour_factors is None else dict(hour_factors)
        speed = speed * _check_speed(factors.get(int(hour), 1.0))
    return speed


def _check_speed(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 400:
        raise SettingError(Note("patrol.speed", found=value))
    return float(value)


# -- from drawn lines to streets between junctions ------------------------------------------------------------------

# Lines meet where they share a vertex, where ends lie within a tolerance of each other, and where an end touches
# another line. Two lines that merely cross do not meet: one of them may be a bridge.


def split_at_junctions(lines: np.ndarray, *, tolerance_m: float) -> tuple[pd.DataFrame, np.ndarray]:
    """Streets between junctions.

    Parameters
    ----------
    lines : array of LineString in a metric CRS
    tolerance_m : float
        Ends nearer than this to each other, or to another line, are joined.

    Returns
    -------
    edges : DataFrame
        `u, v` (nodes), `length_m`, `line` (position in `lines`), `shape` (LineString, metric).
    nodes : array (n, 2)
        Coordinates, metric.

    Examples
    --------
    >>> t = [shapely.LineString([(0, 0), (100, 0)]), shapely.LineString([(50, 0.2), (50, 80)])]
    >>> edges, nodes = split_at_junctions(t, tolerance_m=0.5)
    >>> edges["length_m"].round().tolist(), len(nodes)
    ([50.0, 50.0, 80.0], 4)
    """
    lines = np.asarray(lines, dtype=object)
    if tolerance_m > 0:
        lines = _meet_where_ends_touch(lines, tolerance_m)
    xy, line = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, line[1:] != line[:-1]]
    last = np.r_[line[1:] != line[:-1], True]
    same = np.r_[False, (np.abs(np.diff(xy, axis=0)).max(axis=1) < 1e-9)] & ~first
    keep = ~same | last  # a vertex drawn twice is one vertex
    xy, line, first, last = xy[keep], line[keep], first[keep], last[keep]

    keys = np.round(xy * 1000).astype(np.int64)  # the same millimetre is the same place
    _, vertex = np.unique(keys, axis=0, return_inverse=True)
    vertex = _join_near_ends(vertex.ravel(), xy, first | last, tolerance_m)
    ends = np.zeros(vertex.max() + 1, dtype=bool)
    ends[vertex[first | last]] = True
    cut = ends[vertex] | (np.bincount(vertex)[vertex] > 1)

    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[first] = 0.0
    along = np.cumsum(step)
    at = np.flatnonzero(cut)
    a, b = at[:-1], at[1:]
    inside = line[a] == line[b]
    a, b = a[inside], b[inside]
    length = along[b] - along[a]
    real = (length > 1e-6) & ~((vertex[a] == vertex[b]) & (length <= tolerance_m))
    a, b, length = a[real], b[real], length[real]

    sizes = b - a + 1
    rows = np.repeat(a - np.r_[0, np.cumsum(sizes)[:-1]], sizes) + np.arange(sizes.sum())
    shapes = shapely.linestrings(xy[rows], indices=np.repeat(np.arange(len(a)), sizes))
    used, ids = np.unique(np.r_[vertex[a], vertex[b]], return_inverse=True)
    nodes = np.zeros((vertex.max() + 1, 2))
    nodes[vertex[::-1]] = xy[::-1]  # joined ends take the place of the first
    u, v = ids[: len(a)], ids[len(a) :]
    edges = pd.DataFrame({"u": u, "v": v, "length_m": length, "line": line[a], "shape": shapes})
    return edges, nodes[used]


def _join_near_ends(vertex, xy, end, tolerance_m):
    """The same number for ends that lie within the tolerance of each other."""
    numbers, where = np.unique(vertex[end], return_index=True)
    if tolerance_m <= 0 or len(numbers) < 2:
        return vertex
    pairs = scipy.spatial.cKDTree(xy[end][where]).query_pairs(tolerance_m, output_type="ndarray")
    if not len(pairs):
        return vertex
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(numbers), len(numbers)))
    _, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    _, representative = np.unique(group, return_index=True)
    joined = np.arange(vertex.max() + 1)
    joined[numbers] = numbers[representative[group]]
    return joined[vertex]


def _meet_where_ends_touch(lines, tolerance_m):
    """Give a line a vertex wherever the end of another touches its middle."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    first = np.r_[True, line[1:] != line[:-1]]
    last = np.r_[line[1:] != line[:-1], True]
    keys = np.round(xy * 1000).astype(np.int64)
    _, vertex = np.unique(keys, axis=0, return_inverse=True)
    lonely = (first | last) & (np.bincount(vertex.ravel())[vertex.ravel()] == 1)  # an end that meets nothing yet
    ends, owner = shapely.points(xy[lonely]), line[lonely]
    if not len(ends):
        return lines
    point, touched = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=tolerance_m)
    other = owner[point] != touched
    point, touched = point[other], touched[other]
    place = shapely.line_locate_point(lines[touched], ends[point])
    middle = (place > tolerance_m) & (place < shapely.length(lines[touched]) - tolerance_m)
    lines = lines.copy()
    for target in np.unique(touched[middle]):
        here = middle & (touched == target)
        own = shapely.get_coordinates(lines[target])
        reach = np.r_[0, np.cumsum(np.hypot(*np.diff(own, axis=0).T))]
        order = np.argsort(np.r_[reach, place[here]], kind="stable")
        lines[target] = shapely.LineString(np.vstack([own, shapely.get_coordinates(ends[point[here]])])[order])
    return lines


# -- travel times ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Network(ShortForm):
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

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        km = self.segments["length_m"].sum() / 1000
        return f"Network {self.mode}: {len(self.nodes):,} junctions, {len(self.segments):,} segments, {km:,.1f} km"

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
        at = shapely.points(self._metric(points))
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
        end = 0.01 / np.maximum(self.segments["length_m"].to_numpy()[segment], 0.01)  # within 1 cm it is the junction
        share = np.where(share < end, 0.0, np.where(share > 1 - end, 1.0, share))
        foot = shapely.line_interpolate_point(shapes[segment[on]], share[on], normalized=True)
        xy = np.full((len(at), 2), np.nan)
        xy[on] = shapely.get_coordinates(foot)
        return pd.DataFrame(
            {"segment": segment, "share": share, "snap_m": snapped["snap_m"].to_numpy(), "x": xy[:, 0], "y": xy[:, 1]}
        )

    def distance_m(self, points) -> np.ndarray:
        """Metres from each point to the nearest street, however far."""
        at = shapely.points(self._metric(points))
        return self._tree.query_nearest(at, return_distance=True, all_matches=False)[1]

    def corners(self, points, *, within_m: float = 300.0) -> list[str]:
        """The nearest corner of two named streets to each point, as "High Street / Mill Lane".

        Parameters
        ----------
        points : as in `travel_time_s`
        within_m : float
            Farther corners are of no help: the name of the point's own street then, or nothing.
        """
        xy = self._metric(points)
        if "name" not in self.roads:
            return [""] * len(xy)
        name = pd.Series(self.roads["name"].to_numpy()[self.segments["road"]], dtype=object)
        name = name.where(name.notna(), "").astype(str).str.strip()
        ends = pd.DataFrame({"node": np.r_[self.segments["u"], self.segments["v"]], "name": np.tile(name, 2)})
        ends = ends[ends["name"] != ""].drop_duplicates().sort_values(["node", "name"])
        streets = ends.groupby("node")["name"].agg(list)
        streets = streets[streets.map(len) >= 2]
        own = [name.iloc[segment] if segment >= 0 else "" for segment in self.snap(points)["segment"]]
        if not len(streets):
            return own
        metres, nearest = scipy.spatial.cKDTree(self.nodes[streets.index]).query(xy)
        return [
            " / ".join(streets.iloc[at][:2]) if far <= within_m else street
            for far, at, street in zip(metres, nearest, own, strict=True)
        ]

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
        return np.array([dijkstra(start, to, cost, n, c, everything, float(limit_s))[0] for n, c in seeds])

    def ways(self, points, legs) -> list:
        """The way of each leg as a LineString in EPSG:4326 (None where there is none).

        Parameters
        ----------
        points : as in `travel_time_s`
        legs : sequence of (int, int)
            From which point to which.
        """
        return _trace(self, self.snap(points), list(legs))

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
                reached, _ = dijkstra(start, to, cost, *self._seeds(row, weight), wanted, np.inf)
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

    def _metric(self, points) -> np.ndarray:
        """Points in the network's CRS, shape (n, 2)."""
        lon, lat = lonlat(points, "points").T
        return np.column_stack(project(lon, lat, self.crs))

    def _degrees(self, shapes):
        return shapely.transform(shapes, lambda xy: np.column_stack(unproject(*xy.T, self.crs)))


def _share(cost: float, share: float) -> float:
    """A share of a segment's cost; none of a forbidden direction costs nothing, and any of it is impossible."""
    return 0.0 if share <= 0 else cost * share


# -- shortest paths, compiled ---------------------------------------------------------------------------------------

# Dijkstra with a four-way heap, many starts at a time. A point lies somewhere along a street, so a search starts at
# both ends of that street at once, with the time to each end as its head start; it
# stops when all ends that are wanted are settled. Measured against scipy and rustworkx in docs/patrol.md.


@njit(cache=True, nogil=True)
def dijkstra(start, arc_to, arc_cost, seeds, seed_cost, wanted, limit):  # pragma: no cover (compiled)
    """Cost from the seeds to every node, and the arc by which each was reached.

    Parameters
    ----------
    start : int64 (nodes + 1,)
        The arcs of node i are `start[i]:start[i + 1]`.
    arc_to, arc_cost : int64, float64 (arcs,)
    seeds, seed_cost : int64, float64
        Nodes to start from, with what it costs to get to them.
    wanted : bool (nodes,)
        The search ends when all these are settled (or all that can be reached are).
    limit : float
        Costs above it are not followed.

    Returns
    -------
    cost : float64 (nodes,), inf where not reached; right for the wanted nodes and for all at less cost
    by_arc : int64 (nodes,), −1 at the seeds and where not reached
    """
    n = len(start) - 1
    cost = np.full(n, np.inf)
    by_arc = np.full(n, -1, np.int64)
    settled = np.zeros(n, np.bool_)
    left = wanted.sum()
    key = np.empty(len(arc_to) + len(seeds) + 1)
    node = np.empty(len(arc_to) + len(seeds) + 1, np.int64)
    size = 0
    for i in range(len(seeds)):
        if seed_cost[i] < cost[seeds[i]] and seed_cost[i] <= limit:
            cost[seeds[i]] = seed_cost[i]
            size = _push(key, node, size, seed_cost[i], seeds[i])
    while size > 0 and left > 0:
        nearest, v = key[0], node[0]
        size = _pop(key, node, size)
        if settled[v]:
            continue
        settled[v] = True
        if wanted[v]:
            left -= 1
        for arc in range(start[v], start[v + 1]):
            w, through = arc_to[arc], nearest + arc_cost[arc]
            if through < cost[w] and through <= limit:
                cost[w] = through
                by_arc[w] = arc
                size = _push(key, node, size, through, w)
    for v in range(n):
        if not settled[v]:
            cost[v] = np.inf
            by_arc[v] = -1
    return cost, by_arc


@njit(cache=True, nogil=True)
def _push(key, node, size, cost, v):  # pragma: no cover (compiled)
    i = size
    while i > 0:
        parent = (i - 1) // 4
        if key[parent] <= cost:
            break
        key[i], node[i] = key[parent], node[parent]
        i = parent
    key[i], node[i] = cost, v
    return size + 1


@njit(cache=True, nogil=True)
def _pop(key, node, size):  # pragma: no cover (compiled)
    size -= 1
    last_key, last_node = key[size], node[size]
    i = 0
    while True:
        first = 4 * i + 1
        if first >= size:
            break
        least = first
        for j in range(first + 1, min(first + 4, size)):
            if key[j] < key[least]:
                least = j
        if key[least] >= last_key:
            break
        key[i], node[i] = key[least], node[least]
        i = least
    key[i], node[i] = last_key, last_node
    return size


# -- the way itself -------------------------------------------------------------------------------------------------


def _trace(network, snapped, legs: list) -> list:
    """The fastest way of each leg as a LineString in EPSG:4326, None where there is none.

    Parameters
    ----------
    network : Network
    snapped : DataFrame, as from `Network.snap`
    legs : list of (int, int)
        Rows of `snapped`: from, to.
    """
    rows = list(snapped.itertuples(index=False))
    start, to, cost, segment, forward = network._graph("time")
    arc_from = np.repeat(np.arange(len(start) - 1), np.diff(start))
    along, back = network._costs("time")
    u, v = network.segments["u"].to_numpy(), network.segments["v"].to_numpy()
    shapes = network.segments["shape"].to_numpy()
    found: list = [None] * len(legs)
    for origin in sorted({a for a, _ in legs}):
        a = rows[origin]
        if a.segment < 0:
            continue
        mine = [i for i, leg in enumerate(legs) if leg[0] == origin and rows[leg[1]].segment >= 0]
        wanted = np.zeros(len(network.nodes), bool)
        for i in mine:
            wanted[[u[rows[legs[i][1]].segment], v[rows[legs[i][1]].segment]]] = True
        nodes, costs = network._seeds(a, "time")
        reached, by_arc = dijkstra(start, to, cost, nodes, costs, wanted, np.inf)
        for i in mine:
            b = rows[legs[i][1]]
            s = b.segment
            enter = [
                reached[u[s]] + (along[s] * b.share if b.share > 0 else 0.0),
                reached[v[s]] + (back[s] * (1 - b.share) if b.share < 1 else 0.0),
            ]
            direct = np.inf
            if a.segment == s:
                way = along[s] if b.share > a.share else back[s]
                direct = 0.0 if a.share == b.share else way * abs(b.share - a.share)
            if direct <= min(enter):
                pieces = [_part(shapes[s], a.share, b.share)]
            elif not np.isfinite(min(enter)):
                continue
            else:
                node = u[s] if enter[0] <= enter[1] else v[s]
                pieces = [_part(shapes[s], 0.0 if enter[0] <= enter[1] else 1.0, b.share)]
                while by_arc[node] >= 0:
                    arc = by_arc[node]
                    line = shapes[segment[arc]]
                    pieces.append(line if forward[arc] else shapely.reverse(line))
                    node = arc_from[arc]
                at_u = node == u[a.segment] and (node != v[a.segment] or costs[0] <= costs[1])
                pieces.append(_part(shapes[a.segment], a.share, 0.0 if at_u else 1.0))
            found[i] = _joined(pieces[::-1], network)
    return found


def _part(line, a: float, b: float):
    """The piece of a line from share a to share b, in that direction."""
    piece = shapely.ops.substring(line, min(a, b), max(a, b), normalized=True)
    return shapely.reverse(piece) if a > b else piece


def _joined(pieces, network):
    xy = np.vstack([shapely.get_coordinates(p) for p in pieces])
    keep = np.r_[True, np.abs(np.diff(xy, axis=0)).max(axis=1) > 1e-6]
    xy = xy[keep] if keep.sum() > 1 else np.vstack([xy[:1], xy[:1]])
    return network._degrees(np.array([shapely.LineString(xy)]))[0]


# -- without streets ------------------------------------------------------------------------------------------------

# A way along streets is longer than the straight line, by a factor near 1.2 to 1.5 in towns (Boscoe, Henry & Zdeb 2012
# found 1.417 in the United States). What is planned on it is a sketch, and says so.


@dataclass(frozen=True)
class StraightLines:
    """Travel times without streets; answers as `Network` does.

    Attributes
    ----------
    mode : "drive" or "walk"
    speed_kmh : float
    detour : float
        Way over straight line.

    Examples
    --------
    >>> StraightLines("drive", 36.0, 1.0).travel_time_s([(0, 0)], [(0.01, 0)]).round(1).tolist()
    [[111.3]]

    References
    ----------
    Boscoe, Henry & Zdeb (2012), The Professional Geographer 64, 188–196.
    """

    mode: str
    speed_kmh: float
    detour: float = 1.4

    def __post_init__(self):
        object.__setattr__(self, "detour", check_number(self.detour, "detour", least=1.0, most=10, above=False))

    @property
    def notes(self) -> tuple[str, ...]:
        """What every result made with straight lines says."""
        return (Note("patrol.straight_lines", detour=self.detour, speed=self.speed_kmh),)

    def travel_distance_m(self, origins, destinations=None) -> np.ndarray:
        """Metres, geodesic × detour, shape (origins, destinations)."""
        a = lonlat(origins, "points")
        b = a if destinations is None else lonlat(destinations, "points")
        i, j = np.meshgrid(np.arange(len(a)), np.arange(len(b)), indexing="ij")
        _, _, metres = pyproj.Geod(ellps="WGS84").inv(a[i, 0], a[i, 1], b[j, 0], b[j, 1])
        return np.asarray(metres).reshape(i.shape) * self.detour

    def travel_time_s(self, origins, destinations=None) -> np.ndarray:
        """Seconds, shape (origins, destinations)."""
        return self.travel_distance_m(origins, destinations) / (self.speed_kmh / 3.6)

    def ways(self, points, legs) -> list:
        """Each leg as a straight LineString in EPSG:4326."""
        xy = lonlat(points, "points")
        return [shapely.LineString([xy[a], xy[b]]) for a, b in legs]
