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
from gridmap.grids.base import Grid, degrees
from gridmap.grids.h3_keys import KeyTable, h3_keys
from gridmap.grids.h3_shapes import draw, neighbours
from gridmap.grids.territory import METRES_PER_DEGREE, Territory
from gridmap.read.metric import metric_crs

__all__ = ["HexGrid"]

MOST_CELLS = 5_000_000
MOST_NET = 500_000_000


class HexGrid(Grid):
    """H3 cells of one resolution that overlap a territory."""

    system = "h3"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, resolution: int) -> "HexGrid":
        """All H3 cells that overlap `boundaries` (EPSG:4326)."""
        if not isinstance(resolution, int | np.integer) or isinstance(resolution, bool) or not 0 <= resolution <= 15:
            raise SettingError(f"resolution is H3's, a whole number from 0 to 15; found {resolution!r}.")
        resolution = int(resolution)
        crs = metric_crs(tuple(boundaries.total_bounds))
        expected = boundaries.geometry.to_crs(crs).area.sum() / h3.average_hexagon_area(resolution, unit="m^2")
        if expected > MOST_CELLS:
            raise SettingError(
                f"H3 resolution {resolution} over this territory makes about {expected:,.0f} cells; "
                f"at most {MOST_CELLS:,} are handled. Take a lower resolution."
            )
        territory = Territory(boundaries)
        ids, lon, lat = _candidates(territory, resolution)
        outlines, middles, area_m2 = draw(ids, lon, lat, resolution)
        names = np.array([f"{c:x}" for c in ids.tolist()], dtype=object)
        return cls(territory.cells(names, outlines, middles, area_m2), {"resolution": resolution})

    @cached_property
    def _ids(self) -> np.ndarray:
        """H3's cells as integers, in the order of `cells`."""
        return np.array([int(c, 16) for c in self.cells.index], dtype=np.uint64)

    @cached_property
    def _table(self) -> KeyTable:
        return KeyTable(self._ids)

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on an edge belongs to the cell that H3 gives it."""
        return self._table.rows(h3_keys(*degrees(lon, lat), self.params["resolution"]))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        inside = shapely.get_coordinates(shapely.centroid(self.cells.geometry.to_numpy())).T
        source, near = neighbours(self._ids, *inside, self.params["resolution"])
        target = self._table.rows(near)
        there = (target >= 0) & (target != source)
        entries = (np.ones(there.sum(), np.int8), (source[there], target[there]))
        return sparse.csr_array(sparse.coo_array(entries, shape=(len(self), len(self))))


def _candidates(territory: Territory, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All cells that may overlap the territory, sorted, and a point in each."""
    edge_deg = h3.average_hexagon_edge_length(resolution, unit="m") / METRES_PER_DEGREE
    west, south, east, north = territory.boundaries.total_bounds
    net = (east - west) * (north - south) / (0.6 * edge_deg) ** 2
    if net > MOST_NET:
        raise SettingError(
            f"H3 resolution {resolution} is too fine for this extent of {east - west:.1f}° × {north - south:.1f}°: "
            f"{territory.far_zone()}. Leave out what does not belong, or take a lower resolution."
        )
    lon, lat = territory.sample(0.6 * edge_deg)  # so near that no cell slips between
    edge_lon, edge_lat = territory.sample_border(0.25 * edge_deg)
    border = np.unique(h3_keys(edge_lon, edge_lat, resolution))
    # The border may cut the corner of a cell between two samples: that cell is next to one that was found.
    near = np.unique(np.concatenate([h3i.grid_disk(c, 1) for c in border.tolist()]).astype(np.uint64))
    near_lat, near_lon = np.array([h3i.cell_to_latlng(c) for c in near.tolist()]).T
    near_lon += 360 * np.round(((west + east) / 2 - near_lon) / 360)  # a territory may run past ±180°
    ids, first = np.unique(np.concatenate([h3_keys(lon, lat, resolution), near]), return_index=True)
    return ids, np.concatenate([lon, near_lon])[first], np.concatenate([lat, near_lat])[first]
