"""H3 hexagons: the analyst's grid, of nearly equal area and with six neighbours that are all alike.

A point's cell is H3's own answer for it. Source: Uber's H3, https://h3geo.org.

A cell that lies whole on one face of H3's icosahedron is a regular hexagon there, so its corners and the middles of
its neighbours are arithmetic (see `index/h3_keys.py`). Cells that touch an edge between two faces, where H3 bends them,
and the twelve pentagons are put to the library one by one.
"""

from functools import cached_property

import geopandas as gpd
import h3
import h3.api.numpy_int as h3i
import numpy as np
import shapely
from scipy import sparse

from gridmap.errors import SettingError
from gridmap.grids.base import Grid, degrees
from gridmap.grids.index.h3_keys import (
    SURE_OF_FACE,
    KeyTable,
    faces,
    keys_of_points,
    lattice,
    lattice_over,
    measures,
)
from gridmap.grids.index.locator import each
from gridmap.grids.index.zone_raster import compiled
from gridmap.grids.territory_overlap import METRES_PER_DEGREE, Territory, rings_of
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs

__all__ = ["NOT_A_CELL", "HexGrid", "cells_over", "draw", "neighbours", "parents"]


EARTH_M = 6_371_007.180918475  # the radius H3 takes: that of a sphere of the Earth's area
_SIXTHS = np.arange(6) * np.pi / 3
_ROUND = np.column_stack([np.cos(_SIXTHS), np.sin(_SIXTHS)])
#: From a cell's middle to itself and its neighbours' middles; to itself and its corners. In lattice steps.
NEIGHBOURS = np.concatenate([np.zeros((1, 2)), _ROUND])
CORNERS = np.concatenate([np.zeros((1, 2)), _ROUND @ np.array([[3**0.5 / 2, 0.5], [-0.5, 3**0.5 / 2]]) / 3**0.5])


@compiled
def _place(u, v, faces, face, out):
    """A place on a face's plane as lon, lat; whether it surely lies on that face."""
    x = faces[face, 0] + u * faces[face, 3] + v * faces[face, 6]
    y = faces[face, 1] + u * faces[face, 4] + v * faces[face, 7]
    z = faces[face, 2] + u * faces[face, 5] + v * faces[face, 8]
    out[0] = np.arctan2(y, x) * (180 / np.pi)
    out[1] = np.arctan2(z, np.hypot(x, y)) * (180 / np.pi)
    near = x * faces[face, 0] + y * faces[face, 1] + z * faces[face, 2]
    if near > SURE_OF_FACE * np.sqrt(x * x + y * y + z * z):
        return True
    for f in range(20):
        if f != face and x * faces[f, 0] + y * faces[f, 1] + z * faces[f, 2] > near - 1e-9:
            return False
    return True


@compiled
def _parts(lon, lat, faces, scale, turn_cos, turn_sin, steps, places, whole):
    last = np.int64(0)
    for k in range(len(lon)):
        last, i, j, sure = lattice(lon[k], lat[k], faces, scale, turn_cos, turn_sin, last)
        whole[k] = sure
        for part in range(len(steps)):
            x, y = i - j / 2 + steps[part, 0], j * 0.8660254037844386 + steps[part, 1]
            u, v = (x * turn_cos - y * turn_sin) / scale, (x * turn_sin + y * turn_cos) / scale
            if not _place(u, v, faces, last, places[k, part]):
                whole[k] = False


def _places(ids, lon, lat, resolution: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, steps, 2) around the middles of the cells that points lie in, and for which cells they hold."""
    places, whole = np.empty((len(lon), len(steps), 2)), np.empty(len(lon), bool)
    lon, lat, tables = np.ascontiguousarray(lon), np.ascontiguousarray(lat), (faces(), *measures(resolution))
    each(lambda k: _parts(lon[k], lat[k], *tables, steps, places[k], whole[k]), len(lon))
    whole &= keys_of_points(places[:, 0, 0], places[:, 0, 1], resolution) == ids
    return places, whole


@compiled
def _areas(middle, corners, area):
    """Area on the unit sphere: triangles around the middle (van Oosterom & Strackee 1983)."""
    a, b, c = np.empty(3), np.empty(3), np.empty(3)
    for k in range(len(middle)):
        area[k] = 0.0
        _vector(middle[k], a)
        for corner in range(6):
            _vector(corners[k, corner], b)
            _vector(corners[k, (corner + 1) % 6], c)
            # Differences first: the triple product of three nearly equal vectors would lose its digits.
            p0, p1, p2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
            q0, q1, q2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
            triple = a[0] * (p1 * q2 - p2 * q1) + a[1] * (p2 * q0 - p0 * q2) + a[2] * (p0 * q1 - p1 * q0)
            below = 1.0
            for d in range(3):
                below += a[d] * b[d] + b[d] * c[d] + c[d] * a[d]
            area[k] += 2 * np.arctan2(abs(triple), below)


@compiled
def _vector(lonlat, out):
    lon, lat = lonlat[0] * (np.pi / 180), lonlat[1] * (np.pi / 180)
    out[0], out[1], out[2] = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def draw(ids: np.ndarray, lon: np.ndarray, lat: np.ndarray, resolution: int):
    """What H3 cells look like.

    Parameters
    ----------
    ids : array of uint64, (n,)
    lon, lat : arrays of float, (n,)
        A point in each.
    resolution : int

    Returns
    -------
    outlines : array of Polygon, (n,)
        In lon/lat, near their points; so a cell across the antimeridian runs past ±180°.
    middles : array (n, 2)
        lon, lat.
    area_m2 : array (n,)
    """
    places, whole = _places(ids, lon, lat, resolution, CORNERS)
    corners = places[:, 1:]
    bent = np.flatnonzero(~whole)
    for k in bent.tolist():
        places[k, 0] = h3i.cell_to_latlng(ids[k])[::-1]
    for place in (places[:, 0], corners):  # on the point's side of the antimeridian, past ±180° if need be
        beside = lon.reshape(-1, *[1] * (place.ndim - 2))
        place[..., 0] += 360 * np.round((beside - place[..., 0]) / 360)
    outlines = np.empty(len(ids), dtype=object)
    outlines[whole] = rings_of(corners[whole][:, [0, 1, 2, 3, 4, 5, 0]])
    area_m2 = np.empty(len(ids))
    each(lambda k: _areas(places[k, 0], corners[k], area_m2[k]), len(ids))
    area_m2 *= EARTH_M**2
    for k in bent.tolist():
        ring = np.array(h3i.cell_to_boundary(ids[k]))[:, ::-1]
        ring[:, 0] += 360 * np.round((lon[k] - ring[:, 0]) / 360)
        outlines[k] = shapely.Polygon(ring)
        area_m2[k] = h3i.cell_area(ids[k], unit="m^2")
    return outlines, places[:, 0].copy(), area_m2


def neighbours(ids: np.ndarray, lon: np.ndarray, lat: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a cell's position in `ids` and the id of a neighbour; parameters as for `draw`."""
    places, whole = _places(ids, lon, lat, resolution, NEIGHBOURS)
    at = np.flatnonzero(whole)
    near = keys_of_points(places[at, 1:, 0].ravel(), places[at, 1:, 1].ravel(), resolution)
    bent = np.flatnonzero(~whole)
    rings = [h3i.grid_ring(ids[k], 1) for k in bent.tolist()]
    source = np.concatenate([np.repeat(at, 6), np.repeat(bent, [len(r) for r in rings])])
    return source, np.concatenate([near, *rings]).astype(np.uint64)


#: In `HexGrid.rows_of_keys`: neither a cell of the grid's resolution nor a finer one.
NOT_A_CELL = -2


def parents(keys: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """The parent of each H3 cell, and whether it is a cell of this resolution or finer.

    In H3's 64 bits: the mode (1 for a cell), the resolution, the base cell, then fifteen digits of three bits, 7 from
    the one after the resolution on. Source: https://h3geo.org/docs/core-library/h3Indexing.

    Parameters
    ----------
    keys : array of uint64, (n,)
    resolution : int

    Returns
    -------
    parents : array of uint64, (n,)
    fine : array of bool, (n,)

    Examples
    --------
    >>> keys = np.array([h3i.latlng_to_cell(53.8, -1.5, 11), h3i.latlng_to_cell(53.8, -1.5, 7), 5], np.uint64)
    >>> found, fine = parents(keys, 9)
    >>> h3.int_to_str(int(found[0])), fine.tolist()
    ('891942c4e3bffff', [True, False, False])
    """
    keys = np.asarray(keys, np.uint64)
    own = (keys >> np.uint64(52)) & np.uint64(15)
    fine = (keys >> np.uint64(59) == 1) & ((keys >> np.uint64(56)) & np.uint64(7) == 0) & (own >= resolution)
    fine &= (keys >> np.uint64(45)) & np.uint64(127) < 122
    for at in range(1, 16):
        digit = (keys >> np.uint64(3 * (15 - at))) & np.uint64(7)
        fine &= (digit == 7) == (own < at)
    below = np.uint64((1 << (3 * (15 - resolution))) - 1)
    top = keys & ~np.uint64(15 << 52) | np.uint64(resolution << 52)
    return top | below, fine


MOST_CELLS = 5_000_000
MOST_NET = 500_000_000
AT_ONCE = 1 << 21  # lattice points that are looked up together


class HexGrid(Grid):
    """H3 cells of one resolution that overlap a territory."""

    system = "h3"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, resolution: int) -> "HexGrid":
        """All H3 cells that overlap `boundaries` (EPSG:4326)."""
        territory, resolution = _checked(boundaries, resolution)
        border, border_lon, border_lat = _at_border(territory, resolution)
        within, lon, lat = _within(territory, resolution, border, border_lon, border_lat)
        ids = np.concatenate([within, border])
        order = np.argsort(ids)
        ids, lon, lat = ids[order], np.concatenate([lon, border_lon])[order], np.concatenate([lat, border_lat])[order]
        outlines, middles, area_m2 = draw(ids, lon, lat, resolution)
        names = np.array([f"{c:x}" for c in ids.tolist()], dtype=object)
        cut = np.searchsorted(ids, border)
        return cls(territory.cells(names, outlines, middles, area_m2, cut), {"resolution": resolution})

    @cached_property
    def _ids(self) -> np.ndarray:
        """H3's cells as integers, in the order of `cells`."""
        return np.array([int(c, 16) for c in self.cells.index], dtype=np.uint64)

    @cached_property
    def _table(self) -> KeyTable:
        return KeyTable(self._ids)

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on an edge belongs to the cell that H3 gives it."""
        return self._table.rows(keys_of_points(*degrees(lon, lat), self.params["resolution"]))

    def rows_of_keys(self, keys: np.ndarray) -> np.ndarray:
        """The row of each H3 cell, or of its parent in this grid.

        Parameters
        ----------
        keys : array of uint64, (n,)
            H3 cells of the grid's resolution or finer.

        Returns
        -------
        ndarray of int32
            Row in `cells`; −1 outside, −2 (`NOT_A_CELL`) for anything else.
        """
        found, fine = parents(keys, self.params["resolution"])
        return np.where(fine, self._table.rows(found), NOT_A_CELL).astype(np.int32)

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        lon, lat = shapely.get_coordinates(shapely.centroid(self.cells.geometry.to_numpy())).T
        source, near = neighbours(self._ids, lon, lat, self.params["resolution"])
        target = self._table.rows(near)
        there = (target >= 0) & (target != source)
        entries = (np.ones(there.sum(), np.int8), (source[there], target[there]))
        return sparse.csr_array(sparse.coo_array(entries, shape=(len(self), len(self))))


def cells_over(boundaries: gpd.GeoDataFrame, resolution: int) -> np.ndarray:
    """The keys of `HexGrid.over(boundaries, resolution)`, in its order, without making the grid: see `gm.h3_cells`."""
    territory, resolution = _checked(boundaries, resolution)
    border, lon, lat = _at_border(territory, resolution)
    within = _within(territory, resolution, border, lon, lat, places=False)[0]
    inside = territory.locator.locate(lon, lat) >= 0  # by its middle: such a cell overlaps for certain
    outlines, middles, area_m2 = draw(border[~inside], lon[~inside], lat[~inside], resolution)
    beside = territory.cells(border[~inside], outlines, middles, area_m2).index.to_numpy(np.uint64)
    return np.sort(np.concatenate([within, border[inside], beside]))


def _checked(boundaries: gpd.GeoDataFrame, resolution: int) -> tuple[Territory, int]:
    """The territory and the resolution, unless there would be too many cells or too wide a net."""
    if not isinstance(resolution, int | np.integer) or isinstance(resolution, bool) or not 0 <= resolution <= 15:
        raise SettingError(Note("grids.resolution", found=resolution))
    resolution = int(resolution)
    crs = metric_crs(tuple(boundaries.total_bounds))
    expected = boundaries.geometry.to_crs(crs).area.sum() / h3.average_hexagon_area(resolution, unit="m^2")
    if expected > MOST_CELLS:
        raise SettingError(Note("grids.h3_cells", resolution=resolution, expected=expected, most=MOST_CELLS))
    territory = Territory(boundaries)
    west, south, east, north = boundaries.total_bounds
    if (east - west) * (north - south) / (0.6 * _edge_deg(resolution)) ** 2 > MOST_NET:
        far = territory.far_zone()
        raise SettingError(
            Note("grids.h3_extent", resolution=resolution, width=east - west, height=north - south, far=far)
        )
    return territory, resolution


def _edge_deg(resolution: int) -> float:
    return h3.average_hexagon_edge_length(resolution, unit="m") / METRES_PER_DEGREE


def _within(
    territory: Territory, resolution: int, border: np.ndarray, border_lon, border_lat, *, places: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All cells in the territory that are not among those at its border, and a point in each (with `places`).

    On one face of the icosahedron they are counted out, row by row of H3's lattice: between two cells at the border a
    row is all inside or all outside, so that one is looked up for all. Elsewhere they are the cells of a net so narrow
    that no cell slips between.
    """
    west, south, east, north = territory.boundaries.total_bounds
    known = lattice_over((west, south, east, north), resolution)
    if known is None:
        lon, lat = territory.sample(0.6 * _edge_deg(resolution))
        ids, first = np.unique(keys_of_points(lon, lat, resolution), return_index=True)
        first = first[new := KeyTable(border).rows(ids) < 0]
        return ids[new], lon[first], lat[first]

    def middles(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = known.middles(at)
        return lon + 360 * np.round(((west + east) / 2 - lon) / 360), lat  # a territory may run past ±180°

    found = [(np.empty(0, np.uint64), np.empty(0), np.empty(0))]
    taken = np.sort(known.numbers(border_lon, border_lat))
    rows = max(AT_ONCE // known.across, 1) * known.across
    for start in range(0, len(known), rows):
        free = np.ones(min(rows, len(known) - start), bool)
        free[taken[slice(*np.searchsorted(taken, [start, start + len(free)]))] - start] = False
        first = np.r_[False, free[:-1]] < free
        first[:: known.across] = free[:: known.across]
        at = np.flatnonzero(first)
        inside = territory.locator.locate(*middles(start + at)) >= 0
        at = (
            start + np.flatnonzero(free)[np.repeat(inside, np.add.reduceat(free, at, dtype=np.int64))]
            if len(at)
            else at
        )
        found.append((known.keys(at), *(middles(at) if places else found[0][1:])))
    ids, lon, lat = (np.concatenate(v) for v in zip(*found, strict=True))
    return ids, lon, lat


def _at_border(territory: Territory, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All cells that the border may touch and their neighbours, sorted, and a point in each."""
    west, _, east, _ = territory.boundaries.total_bounds
    lon, lat = territory.sample_border(0.25 * _edge_deg(resolution))
    touched, first = np.unique(keys_of_points(lon, lat, resolution), return_index=True)
    # The border may cut the corner of a cell between two samples: that cell is next to one that was found.
    near = np.unique(np.concatenate([touched, neighbours(touched, lon[first], lat[first], resolution)[1]]))
    near_lat, near_lon = np.array([h3i.cell_to_latlng(c) for c in near.tolist()]).T
    return near, near_lon + 360 * np.round(((west + east) / 2 - near_lon) / 360), near_lat
