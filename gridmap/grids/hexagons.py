"""H3 hexagons: the analyst's grid, of nearly equal area and with six neighbours that are all alike.

A point's cell is H3's own answer for it. Source: Uber's H3, https://h3geo.org.
"""

from functools import cached_property

import geopandas as gpd
import h3
import h3.api.numpy_int as h3i
import numpy as np
import shapely
from scipy import sparse

from gridmap.errors import SettingError
from gridmap.grids.base import Grid
from gridmap.grids.territory import cells_frame
from gridmap.read.metric import metric_crs

__all__ = ["HexGrid"]

MOST_CELLS = 5_000_000


class HexGrid(Grid):
    """H3 cells of one resolution that overlap a territory."""

    system = "h3"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, resolution: int) -> "HexGrid":
        """All H3 cells that overlap `boundaries` (EPSG:4326)."""
        if not isinstance(resolution, int | np.integer) or isinstance(resolution, bool) or not 0 <= resolution <= 15:
            raise SettingError(f"resolution is H3's, a whole number from 0 to 15; found {resolution!r}.")
        territory = shapely.union_all(boundaries.geometry.to_numpy())
        crs = metric_crs(territory.bounds)
        expected = boundaries.geometry.to_crs(crs).area.sum() / h3.average_hexagon_area(resolution, unit="m^2")
        if expected > MOST_CELLS:
            raise SettingError(
                f"H3 resolution {resolution} over this territory makes about {expected:,.0f} cells; "
                f"at most {MOST_CELLS:,} are handled. Take a lower resolution."
            )
        ids = _overlapping(territory, int(resolution))
        outlines = hexagons(ids)
        centres = shapely.points([h3i.cell_to_latlng(c)[::-1] for c in ids])
        area = np.array([h3i.cell_area(c, unit="m^2") for c in ids])
        names = np.array([h3.int_to_str(int(c)) for c in ids], dtype=object)
        return cls(cells_frame(names, outlines, centres, area, boundaries, crs), {"resolution": int(resolution)})

    @cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """H3 ids as sorted integers, and the row of each."""
        ids = np.array([h3.str_to_int(c) for c in self.cells.index], dtype=np.uint64)
        order = np.argsort(ids)
        return ids[order], order.astype(np.int32)

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on an edge belongs to the cell that H3 gives it."""
        lon, lat = np.broadcast_arrays(np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float)))
        good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90) & (np.abs(lon) <= 360)
        rows = np.full(lon.shape, -1, np.int32)
        resolution = self.params["resolution"]
        keys = np.fromiter(
            (h3i.latlng_to_cell(y, x, resolution) for x, y in zip(lon[good].tolist(), lat[good].tolist(), strict=True)),
            np.uint64,
            int(good.sum()),
        )
        ids, order = self._rows
        at = np.searchsorted(ids, keys).clip(max=len(ids) - 1)
        rows[good] = np.where(ids[at] == keys, order[at], -1)
        return rows

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        ids, order = self._rows
        rings = [h3i.grid_disk(c, 1) for c in ids]
        source = np.repeat(order, [len(r) for r in rings])
        near = np.concatenate(rings).astype(np.uint64)
        at = np.searchsorted(ids, near).clip(max=len(ids) - 1)
        there = (ids[at] == near) & (order[at] != source)
        entries = (np.ones(there.sum(), np.int8), (source[there], order[at][there]))
        return sparse.csr_array(sparse.coo_array(entries, shape=(len(self), len(self))))


def hexagons(ids: np.ndarray) -> np.ndarray:
    """Outlines of H3 cells as polygons in lon/lat; one that crosses the antimeridian runs past ±180°."""
    rings = [np.array(h3i.cell_to_boundary(c))[:, ::-1] for c in ids]
    corners = np.concatenate(rings)
    which = np.repeat(np.arange(len(rings)), [len(r) for r in rings])
    first = corners[np.searchsorted(which, which), 0]
    corners[:, 0] += 360 * ((first - corners[:, 0] > 180).astype(int) - (corners[:, 0] - first > 180))
    return shapely.polygons(shapely.linearrings(corners, indices=which))


def _overlapping(territory, resolution: int) -> np.ndarray:
    """Ids of all cells that overlap the territory, sorted."""
    cells: set[int] = set()
    for part in shapely.get_parts(territory):
        shape = h3.geo_to_h3shape(part)
        cells.update(h3i.h3shape_to_cells_experimental(shape, resolution, contain="overlap").tolist())
        # The corners' own cells too: H3 draws its edges straight on the sphere, we in lon/lat.
        cells.update(h3i.latlng_to_cell(y, x, resolution) for x, y in shapely.get_coordinates(part))
    return np.array(sorted(cells), dtype=np.uint64)
