"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from gridmap.grids.base import Grid
from gridmap.grids.tiling import make_grid
from gridmap.read.boundaries import read_boundaries
from gridmap.store.counts import count_by_cell

__all__ = [
    "Grid",
    "count_by_cell",
    "make_grid",
    "read_boundaries",
]
