"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from gridmap.grids.base import Grid
from gridmap.grids.tiling import make_grid
from gridmap.hotspots.autocorrelation import getis_ord
from gridmap.hotspots.change import compare_periods
from gridmap.hotspots.result import HotspotResult
from gridmap.read.boundaries import read_boundaries
from gridmap.store.counts import count_by_cell

__all__ = [
    "Grid",
    "HotspotResult",
    "compare_periods",
    "count_by_cell",
    "getis_ord",
    "make_grid",
    "read_boundaries",
]
