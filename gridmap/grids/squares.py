"""Squares in a metric CRS: a point's cell is arithmetic, and every cell has the same area.

Cell `x_y` covers [x·s, (x+1)·s) × [y·s, (y+1)·s) metres in the grid's CRS, so a point on a shared edge
belongs to the cell east or north of it, and the same ground gets the same ids whatever the territory.

**Points are not projected one by one, and the answer is still exact.** A square's column and row are the projected
coordinates, divided by its side. PROJ takes 0.2 µs a point for them, most of it in sines. Over a small piece of the
earth, though, a projection is nearly a plane: a polynomial of degree five in longitude and latitude follows it to the
hundredth of a millimetre. So the territory is cut into pieces, each with a polynomial through PROJ's own answers
(tensor Chebyshev nodes), whose error is measured on points between the nodes. A point that lies further from every side
of a square than a hundred times that error has its square for certain; the few others are put to PROJ itself.
"""

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyproj import CRS
from scipy import sparse

from gridmap.errors import CRSError, SettingError
from gridmap.grids.base import Grid, degrees
from gridmap.grids.index.locator import each
from gridmap.grids.index.zone_raster import compiled
from gridmap.grids.territory_overlap import Territory, rings_of
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs, project, require_metric, unproject

__all__ = ["SAFETY", "UNSURE", "NearProjection", "SquareGrid", "near_projection", "square_rows_near"]


UNSURE = -2
DEGREE = 5
FINEST_M = 1e-5  # the error that a piece may have
MOST_PIECES = 1 << 12
SAFETY = 100.0


@dataclass(frozen=True)
class NearProjection:
    """Polynomials in place of a projection, over a box of longitudes and latitudes.

    Attributes
    ----------
    box : (west, south, east, north) in degrees
    across, down : int
        Pieces of the box.
    terms : array (pieces, 2, 6, 6)
        x and y in metres: the factor of sⁱ·tʲ, where s and t run from −1 to 1 over the piece.
    error_m : float
        The largest difference to PROJ that was measured.
    """

    box: tuple[float, float, float, float]
    across: int
    down: int
    terms: np.ndarray
    error_m: float


def near_projection(crs, box: tuple[float, float, float, float]) -> NearProjection | None:
    """Polynomials that follow a projection to a hundredth of a millimetre, or None where none do.

    Parameters
    ----------
    crs : pyproj.CRS
        In metres.
    box : (west, south, east, north) in degrees
        What must be covered; a hundredth more on each side is.

    Examples
    --------
    >>> near_projection("EPSG:32630", (-2.2, 53.5, -1.2, 54.0)).error_m < 1e-5
    True
    >>> near_projection("EPSG:32601", (-180, 50, 180, 52)) is None  # on both sides of the antimeridian
    True
    """
    west, south, east, north = (float(v) for v in box)
    if not (np.isfinite(box).all() and 0 < east - west < 180 and north > south):
        return None  # nothing to follow, or the antimeridian or a pole is in it
    wider, higher = (east - west) / 100, (north - south) / 100
    west, south, east, north = west - wider, max(south - higher, -90), east + wider, min(north + higher, 90)
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    inverse = np.linalg.inv(np.vander(nodes, increasing=True))
    between = np.linspace(-1, 1, 2 * DEGREE + 3)
    side = 1.0
    while True:
        across, down = (max(int(np.ceil(width / side)), 1) for width in (east - west, north - south))
        if across * down > MOST_PIECES:
            return None
        at = _sampled(crs, (west, south, east, north), across, down, nodes)
        terms = np.einsum("ij,pcjk,lk->pcil", inverse, at, inverse)
        powers = np.vander(between, DEGREE + 1, increasing=True)
        drawn = np.einsum("ij,pcjk,lk->pcil", powers, terms, powers)
        error_m = np.abs(drawn - _sampled(crs, (west, south, east, north), across, down, between)).max()
        if error_m < FINEST_M:
            return NearProjection((west, south, east, north), across, down, terms, float(error_m))
        side /= 2


def _sampled(crs, box, across: int, down: int, at: np.ndarray) -> np.ndarray:
    """PROJ's x and y at the same places of every piece, shape (pieces, 2, west → east, south → north)."""
    west, south, east, north = box
    lon = west + (np.arange(across)[:, None] + (at + 1) / 2) * (east - west) / across
    lat = south + (np.arange(down)[:, None] + (at + 1) / 2) * (north - south) / down
    shape = (down, across, len(at), len(at))
    lon = np.broadcast_to(lon[None, :, :, None], shape)
    lat = np.broadcast_to(lat[:, None, None, :], shape)
    with np.errstate(invalid="ignore"):
        x, y = project(lon.ravel(), lat.ravel(), crs)
        return np.stack([x.reshape(shape), y.reshape(shape)], axis=2).reshape(down * across, 2, len(at), len(at))


@compiled
def square_rows_near(lon, lat, rows, box, across, down, terms, origin, size, near, table):
    """Write each point's row of `table` (−1 outside), or UNSURE where it lies within `near` squares of a side.

    Parameters
    ----------
    lon, lat, rows : arrays (n,)
    box, across, down, terms :
        Of a NearProjection.
    origin : (x, y)
        Lower left corner of `table` in metres.
    size : float
        Side of a square in metres.
    near : float
        As a share of the side.
    table : int32 array (rows, columns)
    """
    west, south, east, north = box
    wide, high = across / (east - west), down / (north - south)
    height, width = table.shape
    for k in range(len(lon)):
        px, py = lon[k], lat[k]
        if not (west <= px <= east and south <= py <= north):
            rows[k] = -1 if abs(px) <= 180 or not np.isfinite(px) or not np.isfinite(py) else UNSURE
            continue
        s, t = (px - west) * wide, (py - south) * high
        i, j = min(int(s), across - 1), min(int(t), down - 1)
        s, t = 2 * (s - i) - 1, 2 * (t - j) - 1
        of = terms[j * across + i]
        x, y = 0.0, 0.0
        for a in range(DEGREE, -1, -1):
            cx, cy = 0.0, 0.0
            for b in range(DEGREE, -1, -1):
                cx = cx * t + of[0, a, b]
                cy = cy * t + of[1, a, b]
            x, y = x * s + cx, y * s + cy
        x, y = (x - origin[0]) / size, (y - origin[1]) / size
        column, row = np.floor(x), np.floor(y)
        if min(x - column, y - row) < near or max(x - column, y - row) > 1 - near:
            rows[k] = UNSURE
        elif 0 <= column < width and 0 <= row < height:
            rows[k] = table[int(row), int(column)]
        else:
            rows[k] = -1


MOST_CELLS = 5_000_000


class SquareGrid(Grid):
    """Squares of one size that overlap a territory; eight neighbours each."""

    system = "square"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, cell_size_m: float, crs=None) -> "SquareGrid":
        """All squares that overlap `boundaries` (EPSG:4326)."""
        try:
            size = float(cell_size_m)
        except (TypeError, ValueError):
            size = np.nan
        if not (np.isfinite(size) and size > 0):
            raise SettingError(Note("grids.cell_size", found=cell_size_m))
        crs = (
            metric_crs(tuple(boundaries.total_bounds))
            if crs is None
            else require_metric(crs, Note("read.cells_of", size=size))
        )
        _require_no_cut(boundaries, crs)
        zones = boundaries.geometry.to_crs(crs)
        west, south, east, north = np.floor(np.asarray(zones.total_bounds) / size).astype(np.int64)
        if (expected := int((east - west + 1) * (north - south + 1))) > 4 * MOST_CELLS:
            raise SettingError(
                Note(
                    "grids.squares_extent",
                    size=size,
                    expected=expected,
                    most=MOST_CELLS,
                    far=Territory(boundaries).far_zone(),
                )
            )
        x, y = (a.ravel() for a in np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1)))
        boxes = shapely.box(x * size, y * size, (x + 1) * size, (y + 1) * size)
        hit = np.unique(shapely.STRtree(boxes).query(zones.to_numpy(), predicate="intersects")[1])
        x, y = x[hit], y[hit]
        order = np.lexsort((x, -y))  # north to south, west to east: as one reads a map
        x, y = x[order], y[order]
        ids = np.char.add(np.char.add(x.astype(str), "_"), y.astype(str))
        middle = boundaries.total_bounds[[0, 2]].mean()
        outlines = _outlines(x, y, size, crs, middle)
        middles = np.column_stack(_unprojected((x + 0.5) * size, (y + 0.5) * size, crs, middle))
        cells = Territory(boundaries).cells(ids, outlines, middles, np.full(len(ids), size * size))
        grid = cls(cells, {"cell_size_m": size, "crs": crs.to_string()})
        grid.metric_crs = crs
        return grid

    @cached_property
    def _xy(self) -> np.ndarray:
        """Column and row number of each cell, shape (n, 2)."""
        parts = pc.split_pattern(pa.array(self.cells.index, pa.string()), "_")
        return parts.flatten().cast(pa.int64()).to_numpy().reshape(-1, 2)

    @cached_property
    def _lookup(self) -> tuple[np.ndarray, np.ndarray]:
        """A dense table from (y, x) to row, −1 where there is no cell, and its lowest corner."""
        low = self._xy.min(axis=0)
        width, height = self._xy.max(axis=0) - low + 1
        table = np.full((height, width), -1, np.int32)
        table[self._xy[:, 1] - low[1], self._xy[:, 0] - low[0]] = np.arange(len(self), dtype=np.int32)
        return table, low

    def _row(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        table, low = self._lookup
        x, y = x - low[0], y - low[1]
        inside = (x >= 0) & (y >= 0) & (x < table.shape[1]) & (y < table.shape[0])
        rows = np.full(x.shape, -1, np.int32)
        rows[inside] = table[y[inside], x[inside]]
        return rows

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on a shared edge belongs to the cell east or north of it."""
        lon, lat = degrees(lon, lat)
        rows = np.full(lon.shape, UNSURE, np.int32)
        size = self.params["cell_size_m"]
        table, low = self._lookup
        near = self._near
        if near is not None:
            beside = SAFETY * near.error_m / size
            fixed = near.box, near.across, near.down, near.terms, tuple(low * size), size, beside, table
            each(lambda part: square_rows_near(lon[part], lat[part], rows[part], *fixed), len(lon))
        unsure = np.flatnonzero(rows == UNSURE)

        def ask(part: slice) -> None:
            of = unsure[part]
            x, y = project(lon[of], lat[of], self.metric_crs)
            rows[of] = _square_rows(x, y, lon[of], lat[of], size, table, low)

        each(ask, len(unsure))
        return rows

    @cached_property
    def _near(self) -> NearProjection | None:
        """Polynomials in place of the projection, over the cells and one cell more on each side."""
        (x0, y0), (x1, y1) = self._xy.min(axis=0) - 1, self._xy.max(axis=0) + 2
        size = self.params["cell_size_m"]
        x, y = np.linspace(x0, x1, 65) * size, np.linspace(y0, y1, 65) * size
        rim_x = np.concatenate([x, x, np.full(65, x[0]), np.full(65, x[-1])])
        rim_y = np.concatenate([np.full(65, y[0]), np.full(65, y[-1]), y, y])
        lon, lat = unproject(rim_x, rim_y, self.metric_crs)
        return near_projection(self.metric_crs, (lon.min(), lat.min(), lon.max(), lat.max()))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        x, y = self._xy.T
        source, target = [], []
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                if dx or dy:
                    row = self._row(x + dx, y + dy)
                    source.append(np.flatnonzero(row >= 0))
                    target.append(row[row >= 0])
        at = np.concatenate(source), np.concatenate(target)
        return sparse.csr_array(sparse.coo_array((np.ones(len(at[0]), np.int8), at), shape=(len(self), len(self))))

    @cached_property
    def centroids_m(self) -> np.ndarray:
        """Centres of the cells in `metric_crs`, shape (n, 2): exact, by arithmetic."""
        return (self._xy + 0.5) * self.params["cell_size_m"]


@compiled
def _square_rows(x, y, lon, lat, size, table, low):
    height, width = table.shape
    rows = np.full(len(x), np.int32(-1))
    for k in range(len(x)):
        if not (np.isfinite(lon[k]) and np.isfinite(lat[k])):
            continue
        i, j = np.floor(x[k] / size) - low[0], np.floor(y[k] / size) - low[1]
        if 0 <= i < width and 0 <= j < height:
            rows[k] = table[int(j), int(i)]
    return rows


def _require_no_cut(boundaries: gpd.GeoDataFrame, crs) -> None:
    """Refuse a CRS that is cut along the antimeridian for a territory that lies across it: a part would be lost."""
    west, south, east, north = boundaries.total_bounds
    for seam in (180.0, -180.0):
        if west < seam < east:
            x, y = project([seam - 1e-4, seam + 1e-4], [(south + north) / 2] * 2, crs)
            if not np.hypot(np.diff(x), np.diff(y))[0] < 1_000:
                raise CRSError(Note("grids.antimeridian", crs=CRS.from_user_input(crs).name))


def _unprojected(x: np.ndarray, y: np.ndarray, crs, middle: float) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes; across the antimeridian they count on from the territory's side (180.1 for −179.9)."""
    lon, lat = unproject(x, y, crs)
    return lon + 360 * np.round((middle - lon) / 360), lat


def _outlines(x: np.ndarray, y: np.ndarray, size: float, crs, middle: float) -> np.ndarray:
    """Corners of the squares, taken to lon/lat."""
    at_x = (x[:, None] + [0, 1, 1, 0, 0]) * size
    at_y = (y[:, None] + [0, 0, 1, 1, 0]) * size
    return rings_of(np.stack(_unprojected(at_x, at_y, crs, middle), axis=-1))
