"""Squares in a metric CRS: a point's cell is arithmetic, and every cell has the same area.

Cell `x_y` covers [x·s, (x+1)·s) × [y·s, (y+1)·s) metres in the grid's CRS, so a point on a shared edge
belongs to the cell east or north of it, and the same ground gets the same ids whatever the territory.
"""

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
from gridmap.grids.locator import each
from gridmap.grids.near_projection import SAFETY, UNSURE, NearProjection, near_projection, square_rows_near
from gridmap.grids.raster import compiled
from gridmap.grids.territory import Territory, rings_of
from gridmap.messages import Note
from gridmap.read.metric import metric_crs, project, require_metric, unproject

__all__ = ["SquareGrid"]

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
            raise SettingError(f"cell_size_m is the side of a square in metres, above 0; found {cell_size_m!r}.")
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
                f"Cells of {size:g} m over this extent make {expected:,} squares; at most {MOST_CELLS:,} are handled. "
                f"Take a larger cell_size_m, or leave out what does not belong: {Territory(boundaries).far_zone()}."
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
        source, target = np.concatenate(source), np.concatenate(target)
        return sparse.csr_array(
            sparse.coo_array((np.ones(len(source), np.int8), (source, target)), shape=(len(self), len(self)))
        )

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
                raise CRSError(
                    f"The territory lies across the antimeridian, where {CRS.from_user_input(crs).name} is cut in two. "
                    "Leave crs=None to have one chosen, or name one centred on the territory."
                )


def _unprojected(x: np.ndarray, y: np.ndarray, crs, middle: float) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes; across the antimeridian they count on from the territory's side (180.1 for −179.9)."""
    lon, lat = unproject(x, y, crs)
    return lon + 360 * np.round((middle - lon) / 360), lat


def _outlines(x: np.ndarray, y: np.ndarray, size: float, crs, middle: float) -> np.ndarray:
    """Corners of the squares, taken to lon/lat."""
    at_x = (x[:, None] + [0, 1, 1, 0, 0]) * size
    at_y = (y[:, None] + [0, 0, 1, 1, 0]) * size
    return rings_of(np.stack(_unprojected(at_x, at_y, crs, middle), axis=-1))
