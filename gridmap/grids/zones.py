"""The zones as they are: beats, communities, census areas, existing management grids.

A zone's row in `cells` is its row in the boundaries. Where zones overlap, as real partitions do by rounding,
the lowest row wins, so that each point is counted once.
"""

from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from gridmap.grids.base import Grid
from gridmap.read.metric import metric_crs

__all__ = ["ZoneGrid"]

TOUCH_M = 1.0  # zones that lie this near are neighbours: digitised borders seldom meet to the millimetre


class ZoneGrid(Grid):
    """One cell a zone; neighbours are the zones that touch."""

    system = "zones"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame) -> "ZoneGrid":
        """The zones of `boundaries` (EPSG:4326) as cells, all their columns kept."""
        crs = metric_crs(tuple(boundaries.total_bounds))
        cells = boundaries.copy()
        cells.insert(0, "area_m2", boundaries.geometry.to_crs(crs).area.to_numpy())
        cells.index = boundaries["zone_id"].astype(str).to_numpy()
        cells.index.name = "cell_id"
        return cls(cells, {})

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.cells.geometry.to_numpy())

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on a shared edge belongs to the zone with the lowest row."""
        lon, lat = np.broadcast_arrays(np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float)))
        rows = np.full(lon.shape, -1, np.int32)
        good = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        point, zone = self._tree.query(shapely.points(lon[good], lat[good]), predicate="intersects")
        order = np.lexsort((zone, point))[::-1]
        rows[good[point[order]]] = zone[order]
        return rows

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        shapes = self.cells.geometry.to_crs(self.metric_crs).to_numpy()
        source, target = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=TOUCH_M)
        apart = source != target
        entries = (np.ones(apart.sum(), np.int8), (source[apart], target[apart]))
        return sparse.csr_array(sparse.coo_array(entries, shape=(len(self), len(self))))
