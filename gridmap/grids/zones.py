"""The zones as they are: beats, communities, census areas, existing management grids.

A zone's row in `cells` is its row in the boundaries. Zones are meant to divide the territory, but real partitions
overlap by rounding, and some by mistake. So each point is counted once, in the zone with the lowest row, and an
overlap that is more than rounding is told.
"""

import warnings
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from gridmap.errors import GridmapWarning, InputError, SettingError
from gridmap.grids.base import Grid, degrees
from gridmap.grids.locator import Locator
from gridmap.grids.overlaps import ROUNDING_M2, overlapping
from gridmap.messages import did_you_mean
from gridmap.read.metric import metric_crs

__all__ = ["ZoneGrid"]

TOUCH_M = 1.0  # zones that lie this near are neighbours: digitised borders seldom meet to the millimetre
OVERLAPS = ("first", "refuse", "all")


class ZoneGrid(Grid):
    """One cell a zone; neighbours are the zones that touch."""

    system = "zones"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, overlaps: str = "first") -> "ZoneGrid":
        """The zones of `boundaries` (EPSG:4326) as cells, all their columns kept."""
        if overlaps not in OVERLAPS:
            raise SettingError(f"There is no overlaps={overlaps!r}. {did_you_mean(overlaps, OVERLAPS)}")
        crs = metric_crs(tuple(boundaries.total_bounds))
        cells = boundaries.copy()
        area_m2 = boundaries.geometry.to_crs(crs).area.to_numpy()
        if "area_m2" in cells.columns:
            cells["area_m2"] = area_m2
        else:
            cells.insert(0, "area_m2", area_m2)
        cells.index = boundaries["zone_id"].astype(str).to_numpy()
        cells.index.name = "cell_id"
        grid = cls(cells, {} if overlaps == "first" else {"overlaps": overlaps})
        if overlaps != "all":
            grid._tell_overlaps(overlaps)
        return grid

    def _tell_overlaps(self, overlaps: str) -> None:
        first, second, area_m2 = overlapping(self.cells.geometry.to_numpy())
        if not len(area_m2):
            return
        worst = np.argmax(area_m2)
        a, b = self.cells.index[first[worst]], self.cells.index[second[worst]]
        found = (
            f"{len(area_m2):,} pairs of zones overlap by more than {ROUNDING_M2:g} m², "
            f"together {area_m2.sum():,.0f} m²; most of all {a!r} and {b!r}, by {area_m2[worst]:,.0f} m²."
        )
        if overlaps == "refuse":
            raise InputError(f'{found} Mend the boundaries, or take overlaps="first" or "all".')
        warnings.warn(
            f'{found} A point in two zones is counted in the upper row; overlaps="all" counts it in both.',
            GridmapWarning,
            stacklevel=4,
        )

    @property
    def overlaps(self) -> str:
        """What becomes of a point in two zones: "first", "refuse" or "all"."""
        return self.params.get("overlaps", "first")

    @cached_property
    def locator(self) -> Locator:
        """Points → zones; built at the first use, then kept."""
        return Locator(self.cells.geometry.to_numpy(), every=self.overlaps == "all")

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on a shared edge belongs to the zone with the lowest row."""
        return self.locator.locate(*degrees(lon, lat))

    def locate_all(self, lon, lat) -> tuple[np.ndarray, np.ndarray]:
        """Every zone of each point, where zones overlap: pairs of the point's number and the row in `cells`."""
        return self.locator.locate_all(*degrees(lon, lat))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        shapes = self.cells.geometry.to_crs(self.metric_crs).to_numpy()
        source, target = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=TOUCH_M)
        apart = source != target
        entries = (np.ones(apart.sum(), np.int8), (source[apart], target[apart]))
        return sparse.csr_array(sparse.coo_array(entries, shape=(len(self), len(self))))
