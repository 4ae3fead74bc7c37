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

from gridmap.errors import GridmapWarning, InputError, SettingError, did_you_mean
from gridmap.grids.base import Grid, degrees
from gridmap.grids.locator import Locator
from gridmap.read.metric import metric_crs

__all__ = ["ZoneGrid"]

TOUCH_M = 1.0  # zones that lie this near are neighbours: digitised borders seldom meet to the millimetre
ROUNDING_M2 = 1.0
METRES_PER_DEGREE = 111_195.0
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


def overlapping(zones: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of zones that overlap by more than rounding, and by how many square metres.

    Asking for every pair's intersection is slow, so only zones with an edge that does not match its
    neighbour's are asked: of two zones that overlap, at least one has such an edge.
    """
    some = np.flatnonzero(~(shapely.is_missing(zones) | shapely.is_empty(zones)))
    area = some[np.isin(shapely.get_type_id(zones[some]), (3, 6))]
    odd = np.zeros(len(zones), bool)
    odd[some] = True
    odd[area] = ~shapely.is_empty(shapely.coverage_invalid_edges(zones[area]))
    if not odd.any():
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    asked = np.flatnonzero(odd)
    at, second = shapely.STRtree(zones).query(zones[asked])
    first = asked[at]
    once = (first < second) | ((first > second) & ~odd[second])
    first, second = np.minimum(first, second)[once], np.maximum(first, second)[once]
    whole = zones.copy()
    crossed = np.flatnonzero(odd & ~shapely.is_valid(zones))
    whole[crossed] = shapely.make_valid(zones[crossed])
    shared = shapely.intersection(whole[first], whole[second])
    _, south, _, north = shapely.bounds(whole[first]).T  # not the shared part's: it may be empty, and have no middle
    narrow = np.cos(np.radians((south + north) / 2))
    area_m2 = shapely.area(shared) * METRES_PER_DEGREE**2 * narrow
    more = area_m2 > ROUNDING_M2
    return first[more], second[more], area_m2[more]
