"""The streets as a graph: how long from here to there.

One question: how many seconds does a unit need between two places, on real streets, in the direction they may
be driven. Points are snapped to the nearest street within a stated distance, and travel times are shortest paths
(Dijkstra 1959). `build_network` in `graph.py` makes it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.patrol.points import lonlat
from gridmap.patrol.shortest import search
from gridmap.read.metric import project, unproject

__all__ = ["Network"]


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
