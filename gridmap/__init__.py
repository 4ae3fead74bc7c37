"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from gridmap.grids.base import Grid
from gridmap.grids.tiling import make_grid
from gridmap.hotspots.association import local_moran
from gridmap.hotspots.autocorrelation import getis_ord
from gridmap.hotspots.change import compare_periods
from gridmap.hotspots.clusters import dbscan, hdbscan
from gridmap.hotspots.density import kernel_density
from gridmap.hotspots.global_autocorrelation import global_geary, global_getis_ord, global_moran
from gridmap.hotspots.rates import incident_rates
from gridmap.hotspots.result import GlobalResult, HotspotResult
from gridmap.hotspots.significance import adjust_p
from gridmap.read.base import Incidents
from gridmap.read.boundaries import read_boundaries
from gridmap.read.datum import from_wgs84, to_wgs84
from gridmap.read.incidents import read_incidents
from gridmap.store.counts import count_by_cell

__all__ = [
    "GlobalResult",
    "Grid",
    "HotspotResult",
    "Incidents",
    "adjust_p",
    "compare_periods",
    "count_by_cell",
    "dbscan",
    "from_wgs84",
    "getis_ord",
    "global_geary",
    "global_getis_ord",
    "global_moran",
    "hdbscan",
    "incident_rates",
    "kernel_density",
    "local_moran",
    "make_grid",
    "read_boundaries",
    "read_incidents",
    "to_wgs84",
]
