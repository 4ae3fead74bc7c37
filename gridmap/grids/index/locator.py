"""`Locator`: points → zones, exactly, at tens of millions a second.

Which zone is this point in? Asked one by one, each point climbs a tree and walks the whole outline of two or three
zones. But nearly all points are nowhere near a border. So a fine raster is laid over the zones once (`zone_raster.py`).
A raster cell without a border answers for all its points by one look-up. In a border cell only the few edges that run
through that cell are met: each that lies to the right of the point turns inside to outside (the crossing rule; Shimrat
1962), from what is known at the cell's side. What a point costs depends neither on the zones nor on their corners.

Exact means: the answer of shapely's `intersects` for every point. The cells' edges answer only for points well away
from them. One in some hundred thousand is put to shapely or, where they become many, to the edges of its zones at its
own height. Which side of an edge a point lies on is a sign that rounding could turn, so it is trusted only beyond a
bound on its rounding error (Ozaki et al. 2016), and what is nearer than that is put to shapely itself.

The raster is laid when there is something to gain: the first FEW points (more, where there are millions of edges to
paint) are put to shapely outright, for which nothing need be painted, nor compiled. The answers are the same.

The rules, all tested:

- A point on a shared edge or corner lies in both zones, and the zone with the lowest row has it: always the same one.
- A point in a hole is outside, on the hole's rim inside. Parts of a multipart zone are one zone.
- Where zones overlap the lowest row has the point (`every=True` and `locate_all` give all of them).
- NaN and infinite coordinates are outside (−1), as is whatever lies beyond the zones' extent.
- Only areas hold points: lines and points among the zones' parts are passed over. Empty zones hold nothing.
- Zones that run past ±180° also find their points on the other side of the antimeridian.

References
----------
Shimrat (1962), Algorithm 112, Communications of the ACM 5, 434.
Ozaki, Bünger, Ogita, Oishi & Rump (2016), BIT Numerical Mathematics 56, 335–352.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from threading import Lock

import numpy as np
import shapely

from gridmap.grids.index.raster_lookup import LATER, UNSURE, locate, locate_all, settle, settle_all
from gridmap.grids.index.zone_raster import MARGIN, OUTSIDE, paint, slabs

__all__ = ["Locator", "Parts", "cores", "each", "polygons_of"]

TOGETHER = 1 << 17  # points a thread takes at a time
MOST_RASTER = 1 << 23
FEW = 50_000  # points that are put to shapely before a raster is laid, of zones with up to FEW_EDGES; in proportion
FEW_EDGES = 1_600_000  # beyond: an edge takes some 0.7 µs and 40 bytes to lay, a point some 4 µs to be put to shapely
BAND = 2_000_000  # edges that are painted at a time
SOME = 4_096  # parts that are taken out of their zones at a time
SOME_CORNERS = 300_000  # of parts that are projected or simplified at a time
FINE = 2.0**24  # times rounding: raster cells at least so wide keep their edges in single precision


class Locator:
    """Points → zones, built once and used often.

    Parameters
    ----------
    zones : array of shapely geometry, (n,)
        In lon/lat. Rings should not cross themselves (`read_boundaries` repairs those that do).
    every : bool
        Keep all zones where they overlap, for `locate_all`.
    raster_cells : int, optional
        About how many raster cells, laid at once; when not given they are chosen from the zones, and laid when more
        than FEW points were looked up. Only speed depends on it.

    Examples
    --------
    >>> west, east = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    >>> Locator(np.array([west, east])).locate([0.5, 1.0, 1.5, 2.5], [0.5, 0.5, 0.5, 0.5]).tolist()
    [0, 0, 1, -1]
    """

    def __init__(self, zones, *, every: bool = False, raster_cells: int | None = None):
        self._zones = np.asarray(zones, dtype=object)
        self._every = bool(every)
        self._raster_cells = raster_cells
        self._so_far, self._laid, self._laying = 0, False, Lock()
        self._parts = Parts(self._zones)
        self._edges = int(self._parts.edges.sum())
        west, _, east, _ = self._parts.extent
        self._round_world = bool(east > 180 or west < -180)
        self._west_east = float(west), float(east)
        if raster_cells:
            self._lay()

    def __getstate__(self):
        # The raster is quicker built than sent: only the outlines travel.
        return {"wkb": shapely.to_wkb(self._zones), "every": self._every, "raster_cells": self._raster_cells}

    def __setstate__(self, state):
        self.__init__(shapely.from_wkb(state["wkb"]), every=state["every"], raster_cells=state["raster_cells"])

    def __len__(self) -> int:
        return len(self._zones)

    def _few(self, n: int) -> bool:
        """Whether `n` more points are few enough to put to shapely; else the raster is there after this."""
        if self._laid:
            return False
        self._so_far += n
        if self._so_far <= self._most:
            return True
        with self._laying:
            if not self._laid:
                self._lay()
        return False

    def expect(self, n: int) -> None:
        """Tell that about `n` points are to be looked up, some at a time: are they many, the raster is laid first.

        Only speed depends on it.
        """
        if self._so_far + n > self._most:
            self._few(n)

    @property
    def _most(self) -> float:
        """So many points are few."""
        return FEW * max(1.0, self._edges / FEW_EDGES)

    def _lay(self) -> None:
        """Paint the raster."""
        parts = self._parts
        x0, y0, x1, y1 = parts.extent if len(parts) else (0.0, 0.0, -1.0, -1.0)
        nx, ny = self._shape(x1 - x0, y1 - y0, int(parts.edges.sum()), max(abs(x0), abs(x1), abs(y0), abs(y1)))
        sx, sy = (nx / (x1 - x0) if x1 > x0 else 0.0), (ny / (y1 - y0) if y1 > y0 else 0.0)
        step = np.spacing(max(abs(x0), abs(x1), abs(y0), abs(y1), 1e-300)) * 64
        mx = max(MARGIN * (x1 - x0) / nx, step)
        my = max(MARGIN * (y1 - y0) / ny, step)
        self._frame = (float(x0), float(y0), float(sx), float(sy), float(mx), float(my))
        self._limits = (float(x1), float(y1))
        self._size = (nx, ny)
        rounding = np.spacing(max(abs(x0), abs(x1), abs(y0), abs(y1), 1e-300))
        fine = bool(0 < sx * FINE * rounding < 1 and 0 < sy * FINE * rounding < 1)
        bands = [self._painted(rows, which, fine) for rows, which in self._bands(ny)]
        self._raster = _joined(bands)
        self._exact: tuple | None = None
        self._met = 0
        self._corners = np.bincount(parts.zone, parts.corners, minlength=len(self)).astype(np.int64)
        self._laid = True

    def _bands(self, ny: int) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
        """Bands of rows with BAND edges or so each, and the parts that reach into each."""
        parts = self._parts
        _, y0, _, sy, _, my = self._frame
        low = (
            np.floor((parts.bounds[:, 1] - my - y0) * sy).clip(0, ny - 1) - 1
        )  # a row more than its own on either side
        high = np.floor((parts.bounds[:, 3] + my - y0) * sy).clip(0, ny - 1) + 1
        order = np.argsort(low + high, kind="stable")
        before = np.cumsum(parts.edges[order])
        ends = order[np.searchsorted(before, np.arange(BAND, before[-1] if len(before) else 0, BAND))]
        limits = np.unique(np.r_[0, ((low + high)[ends] / 2).astype(np.int64).clip(0, ny), ny]).tolist()
        for first, end in pairwise(limits):
            yield (first, end), np.flatnonzero((low < end) & (high >= first))

    def _painted(self, rows: tuple[int, int], which: np.ndarray, fine: bool) -> tuple:
        """A band of the raster."""
        xy, edges, edge_start, corners = self._outlines(which)
        zone_of = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(corners))
        return paint(xy, edges, edge_start, zone_of, self._frame, *self._size, rows, self._every, fine)

    def _outlines(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Corners of these parts, at which an edge begins, where each zone's edges begin, and where its corners do."""
        parts, zone = self._parts.take(which), self._parts.zone[which]
        if not len(parts):
            parts, zone = np.array([shapely.Polygon()]), np.zeros(1, np.int64)
        _, xy, (ring_starts, part_starts) = shapely.to_ragged_array(parts, include_z=False)
        xy = np.ascontiguousarray(xy)
        starts = np.ones(len(xy), bool)  # every corner but a ring's last begins an edge
        starts[ring_starts[1:] - 1] = False
        edges = np.flatnonzero(starts).astype(np.int32 if len(xy) < 2**31 else np.int64)
        part = np.searchsorted(zone, np.arange(len(self) + 1))
        ring = part_starts[part]
        corners = ring_starts[ring]
        return xy, edges, (corners - ring).astype(np.int64), corners  # an edge less than corners for each ring

    def _in_order_of_height(self) -> tuple:
        """Every zone's box, and its edges in order of height, for the exact test."""
        xy, edges, edge_start, corners = self._outlines(np.arange(len(self._parts)))
        box = np.full((len(self), 4), np.nan)
        some = np.flatnonzero(np.diff(corners))
        box[some, :2] = np.minimum.reduceat(xy, corners[some])
        box[some, 2:] = np.maximum.reduceat(xy, corners[some])
        return box, xy, *slabs(xy, edges, edge_start, box)

    def _shape(self, width: float, height: float, edges: int, far: float) -> tuple[int, int]:
        """Columns and rows of the raster."""
        wanted = self._raster_cells or min(max(16 * edges, 1 << 12), MOST_RASTER)
        least = 1024 * np.spacing(max(far, 1e-300))  # a raster cell must stay far above rounding error
        if not (width > 0 and height > 0):
            long = max(width, height)
            n = int(min(max(wanted**0.5, 1), max(long / least, 1))) if long > 0 else 1
            return (n, 1) if width > 0 else (1, n)
        narrow = 0.6  # a degree of longitude is shorter than one of latitude; its exact share matters little
        nx = (wanted * narrow * width / height) ** 0.5
        ny = wanted / max(nx, 1)
        return (
            int(min(max(nx, 1), max(width / least, 1), wanted)),
            int(min(max(ny, 1), max(height / least, 1), wanted)),
        )

    def locate(self, lon, lat, *, threads: int | None = None) -> np.ndarray:
        """The lowest zone that holds each point.

        Parameters
        ----------
        lon, lat : array of float, (n,)
        threads : int, optional
            All cores when not given.

        Returns
        -------
        ndarray of int32
            Row of the zone, −1 outside.
        """
        lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
        if self._few(len(lon)):
            return _lowest(*self._held_by_areas(lon, lat), len(lon))
        rows = np.empty(len(lon), np.int32)
        each(lambda part: locate(lon[part], lat[part], rows[part], *self._tables()), len(lon), threads)
        later = np.flatnonzero(rows == LATER)
        if len(later):
            x, y, cells = self._in_border_cells(lon[later], lat[later])
            found = np.full(len(later), UNSURE, np.int32)
            if (exact := self._exact_tables(cells)) is not None:
                settle(x, y, cells, found, *exact)
            unsure = np.flatnonzero(found == UNSURE)
            if len(unsure):
                found[unsure] = _lowest(*self._pairs_of(x[unsure], y[unsure], cells[unsure]), len(unsure))
            rows[later] = found
        return rows

    def locate_all(self, lon, lat) -> tuple[np.ndarray, np.ndarray]:
        """Every zone that holds each point, as pairs, for a locator made with `every=True`.

        Returns
        -------
        point, zone : arrays of int64 and int32
            Sorted by point, then zone; a point outside is in no pair.
        """
        lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
        if self._few(len(lon)):
            return self._held_by_areas(lon, lat)
        room = max(len(lon), 64)
        point, zone = locate_all(lon, lat, np.empty(room, np.int64), np.empty(room, np.int32), *self._tables())
        later = point[zone == LATER]
        if len(later):
            x, y, cells = self._in_border_cells(lon[later], lat[later])
            at, held = np.arange(len(later)), np.full(len(later), UNSURE, np.int32)
            if (exact := self._exact_tables(cells)) is not None:
                at, held = settle_all(x, y, cells, np.empty_like(at), np.empty_like(held), *exact)
            unsure = at[held == UNSURE]
            if len(unsure):
                again, by_shapely = self._pairs_of(x[unsure], y[unsure], cells[unsure])
                sure = held != UNSURE
                at, held = np.r_[at[sure], unsure[again]], np.r_[held[sure], by_shapely]
            sure = zone != LATER
            point, zone = np.r_[point[sure], later[at]], np.r_[zone[sure], held]
            order = np.lexsort((zone, point))
            point, zone = point[order], zone[order]
        return point, zone

    def _tables(self) -> tuple:
        """What the compiled look-ups read."""
        return (self._frame, *self._size, self._limits, self._round_world, *self._raster)

    def _exact_tables(self, cells: np.ndarray) -> tuple | None:
        """What the exact test reads for points of border cells; None while there were so few that shapely may say.

        Their zones' outlines are put in order of height only when shapely would have met each of their edges often.
        """
        _, heads, zones, _ = self._raster
        if self._exact is None:
            begin, end = heads[cells, 0], heads[cells + 1, 0]
            self._met += int(((end - begin) * self._corners[zones[begin]]).sum())
            if self._met <= 4 * self._corners.sum():
                return None
            with self._laying:
                self._exact = self._exact or self._in_order_of_height()
        return heads, zones, *self._exact

    def _in_border_cells(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points on the zones' side of the antimeridian, and the number of the border cell of each."""
        x = self._wrapped(lon)
        x0, y0, sx, sy, _, _ = self._frame
        nx, ny = self._size
        i = ((x - x0) * sx).astype(np.int64).clip(0, nx - 1)
        j = ((lat - y0) * sy).astype(np.int64).clip(0, ny - 1)
        return x, lat, -2 - self._raster[0][j * nx + i].astype(np.int64)

    def _wrapped(self, lon: np.ndarray) -> np.ndarray:
        """Longitudes on the zones' side of the antimeridian."""
        if not self._round_world:
            return lon
        west, east = self._west_east
        return np.where(lon < west, lon + 360, np.where(lon > east, lon - 360, lon))

    @cached_property
    def _polygonal(self) -> np.ndarray:
        """The zones, of collections only the areas."""
        areas = self._parts.zones.copy()
        areas[~np.isin(shapely.get_type_id(areas), (3, 6))] = None
        return areas

    def _held_by_areas(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points with each zone that shapely says holds them, sorted by point, then zone."""
        real = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        tree = shapely.STRtree(shapely.points(self._wrapped(lon[real]), lat[real]))
        n, keys = max(len(self._polygonal), 1), [np.zeros(0, np.int64)]
        for first in range(0, len(self._polygonal), SOME):  # by parts: the box around far islands holds half the points
            parts, zone = shapely.get_parts(self._polygonal[first : first + SOME], return_index=True)
            part, point = tree.query(parts, predicate="intersects")
            keys.append(point * n + first + zone[part])
        point, zone = np.divmod(np.unique(np.concatenate(keys)), n)
        return real[point], zone.astype(np.int32)

    def _pairs_of(self, x: np.ndarray, y: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points of border cells with each of the cell's zones that shapely says holds them."""
        _, heads, zones, _ = self._raster
        length = heads[cells + 1, 0] - heads[cells, 0]
        point = np.repeat(np.arange(len(x)), length)
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        zone = zones[np.repeat(heads[cells, 0], length) + within]
        held = shapely.intersects(self._polygonal[zone], shapely.points(x, y)[point])
        return point[held], zone[held]


def _lowest(point: np.ndarray, zone: np.ndarray, n: int) -> np.ndarray:
    """The lowest zone of each of `n` points, −1 where it is in no pair."""
    rows = np.full(n, np.iinfo(np.int32).max, np.int32)
    np.minimum.at(rows, point, zone.astype(np.int32))
    return np.where(rows == np.iinfo(np.int32).max, -1, rows)


def _joined(bands: list[tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bands of a raster as one: what refers to border cells, zones and lines counts on from band to band."""
    borders = zones = lines = 0
    of_all: tuple[list, list, list, list] = ([], [], [], [])
    for label, heads, zones_here, lines_here in bands:
        label[label < OUTSIDE] -= borders
        heads[:, 0] += zones
        heads[:, 1] += lines
        borders, zones, lines = borders + len(heads) - 1, int(heads[-1, 0]), int(heads[-1, 1])
        last = heads[-1:]
        for pieces, piece in zip(of_all, (label, heads[:-1], zones_here, lines_here), strict=True):
            pieces.append(piece)
    of_all[1].append(last)
    if lines:  # a band without lines has one that nothing refers to
        of_all[3][:] = [piece if (piece != 0).any() else piece[:0] for piece in of_all[3]]
    bands.clear()
    label, heads, zones_of, lines_of = (_in_one(pieces) for pieces in of_all)
    return label, heads, zones_of, lines_of


def _in_one(pieces: list[np.ndarray]) -> np.ndarray:
    """The pieces one after the other, each given back as soon as it is copied."""
    if len(pieces) == 1:
        return pieces[0]
    whole = np.empty((sum(map(len, pieces)), *pieces[0].shape[1:]), pieces[0].dtype)
    at = 0
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        whole[at : at + len(piece)] = piece
        at += len(piece)
    return whole


class Parts:
    """The polygons among the parts of zones, taken out of them some at a time: all of them are the zones once more.

    Attributes
    ----------
    zones : array of shapely geometry
        As given, of collections only the areas.
    zone : array of int, (p,)
        The zone of each part, ascending.
    bounds : array (p, 4)
    corners, edges : arrays of int, (p,)
        Corners, the first of each ring twice, and edges.
    extent : tuple of float
        Bounds of all parts; nan where there is none.

    Examples
    --------
    >>> one, two = shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 0, 3, 1), shapely.box(4, 0, 5, 1)])
    >>> parts = Parts(np.array([one, two]))
    >>> parts.zone.tolist(), parts.edges.tolist(), parts.take(np.array([2]))[0].bounds
    ([0, 1, 1], [4, 4, 4], (4.0, 0.0, 5.0, 1.0))
    """

    def __init__(self, zones: np.ndarray):
        mixed = np.flatnonzero(shapely.get_type_id(zones) == 7)
        if len(mixed):
            zones = zones.copy()
            for k in mixed.tolist():
                zones[k] = shapely.MultiPolygon(list(polygons_of(zones[k : k + 1])[0]))
        self.zones = zones
        rows = np.flatnonzero(np.isin(shapely.get_type_id(zones), (3, 6)) & ~shapely.is_empty(zones))
        count = shapely.get_num_geometries(zones[rows])
        self.zone = np.repeat(rows, count)
        self._number = np.arange(len(self.zone)) - np.repeat(np.cumsum(count) - count, count)
        self.bounds = np.empty((len(self), 4))
        self.corners, self.edges = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        for k in range(0, len(self), SOME):
            some = slice(k, k + SOME)
            parts = self.take(some)
            self.bounds[some], self.corners[some] = shapely.bounds(parts), shapely.get_num_coordinates(parts)
            self.edges[some] = self.corners[some] - 1 - shapely.get_num_interior_rings(parts)
        there = self.corners > 0
        for name in ("zone", "_number", "bounds", "corners", "edges"):
            setattr(self, name, getattr(self, name)[there])
        low, high = (
            (self.bounds[:, :2].min(axis=0), self.bounds[:, 2:].max(axis=0)) if len(self) else ((np.nan,) * 2,) * 2
        )
        self.extent = float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def __len__(self) -> int:
        return len(self.zone)

    def side_by_side(self) -> np.ndarray:
        """An order in which each SOME parts lie together: by strips from west to east, each from south to north."""
        strips = int(np.ceil((len(self) / SOME) ** 0.5))
        strip = np.empty(len(self), np.int64)
        strip[np.argsort(self.bounds[:, 0], kind="stable")] = np.arange(len(self)) * strips // max(len(self), 1)
        return np.lexsort((self.bounds[:, 1], strip))

    def pieces(self) -> Iterator[np.ndarray]:
        """All parts, those together that lie side by side: up to SOME, and of SOME_CORNERS corners or so."""
        order = self.side_by_side()
        before = np.cumsum(self.corners[order]) - self.corners[order]
        first = 0
        while first < len(order):
            end = int(np.searchsorted(before, before[first] + SOME_CORNERS))
            end = min(max(end, first + 1), first + SOME)
            yield order[first:end]
            first = end

    def meeting(self, some: np.ndarray, grown: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of one of these parts and any part whose boxes meet, theirs grown by so much; each meets itself."""
        low, high = self.bounds[some, :2] - grown, self.bounds[some, 2:] + grown
        there = (self.bounds[:, 2:] >= low.min(axis=0)) & (self.bounds[:, :2] <= high.max(axis=0))
        near = np.flatnonzero(there.all(axis=1))
        one, other = shapely.STRtree(shapely.box(*self.bounds[near].T)).query(shapely.box(*low.T, *high.T))
        return some[one], near[other]

    def take(self, which: np.ndarray | slice) -> np.ndarray:
        """These parts as polygons; those of zones of one part are not copied."""
        found = self.zones[self.zone[which]]
        several = shapely.get_type_id(found) == 6
        found[several] = shapely.get_geometry(found[several], self._number[which][several])
        return found


def polygons_of(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every polygon among the parts of geometries of any kind, in their order, and the row that each comes from."""
    rows = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    parts = shapes[rows]
    while (
        nested := shapely.get_type_id(parts) > 3
    ).any():  # collections may hold collections; single ones are not copied
        inner, of = shapely.get_parts(parts[nested], return_index=True)
        parts, rows = np.r_[parts[~nested], inner], np.r_[rows[~nested], rows[nested][of]]
    flat = np.flatnonzero((shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts))
    flat = flat[np.argsort(rows[flat], kind="stable")]
    return parts[flat], rows[flat]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work, n: int, threads: int | None = None) -> None:
    """Run `work(slice)` over 0..n, on all cores when there is enough to do."""
    threads = threads or cores()
    parts = [slice(i, min(i + TOGETHER, n)) for i in range(0, n, TOGETHER)]
    if len(parts) < 2 or threads < 2:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, parts):
            pass
