"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from gridmap import samples
from gridmap.exports import export
from gridmap.grids.base import Grid
from gridmap.grids.code_checks import check_codes
from gridmap.grids.code_templates import parse_codes
from gridmap.grids.codes import grid_codes
from gridmap.grids.hierarchy import drill_down, grid_hierarchy, roll_up
from gridmap.grids.levels import join_zones
from gridmap.grids.population import population_by_cell
from gridmap.grids.tiling import make_grid
from gridmap.grids.transfer import crosswalk
from gridmap.grids.workload import incident_workload
from gridmap.hotspots.association import local_moran
from gridmap.hotspots.autocorrelation import getis_ord
from gridmap.hotspots.change import compare_periods
from gridmap.hotspots.clusters import dbscan, hdbscan, optics
from gridmap.hotspots.density import kernel_density
from gridmap.hotspots.emerging import emerging_hotspots
from gridmap.hotspots.global_autocorrelation import global_geary, global_getis_ord, global_moran
from gridmap.hotspots.police_clusters import nearest_neighbour_hierarchy, stac
from gridmap.hotspots.rates import incident_rates
from gridmap.hotspots.repeats import cross_near_repeat, near_repeat
from gridmap.hotspots.result import GlobalResult, HotspotResult
from gridmap.hotspots.risk import relative_risk
from gridmap.hotspots.scan import spatial_scan
from gridmap.hotspots.scan_space_time import space_time_permutation_scan, space_time_scan
from gridmap.hotspots.series import st_dbscan
from gridmap.hotspots.significance import adjust_p
from gridmap.hotspots.silence import quiet_cells
from gridmap.hotspots.stability import hotspot_stability
from gridmap.hotspots.surfaces import DensityResult
from gridmap.hotspots.times import aoristic_weights, hour_of_week, hours_by_hotspot
from gridmap.maps import (
    Basemap,
    Layer,
    MapPage,
    basemap,
    boundaries_layer,
    build_map,
    cells_layer,
    clusters_layer,
    context_layer,
    density_layer,
    hotspot_layer,
    reach_layer,
)
from gridmap.maps.patrols import patrol_layers
from gridmap.patrol.coverage import check_posts, response_coverage
from gridmap.patrol.districts import patrol_districts
from gridmap.patrol.effects import dosage_effect
from gridmap.patrol.files import write_plan
from gridmap.patrol.graph import build_network
from gridmap.patrol.habits import plan_habits
from gridmap.patrol.logs import compare_log
from gridmap.patrol.places import patrol_places
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.routes import plan_patrols
from gridmap.patrol.sites import best_sites
from gridmap.patrol.streets import street_concentration, street_counts, street_density, street_hotspots
from gridmap.privacy import geomask, public_release
from gridmap.read.base import Incidents
from gridmap.read.boundaries import read_boundaries
from gridmap.read.datum import from_wgs84, to_wgs84
from gridmap.read.features import read_features
from gridmap.read.incidents import read_incidents
from gridmap.read.roads import read_roads
from gridmap.reports.briefing import write_briefing
from gridmap.store.counts import count_by_cell

__all__ = [
    "Basemap",
    "DensityResult",
    "GlobalResult",
    "Grid",
    "HotspotResult",
    "Incidents",
    "Layer",
    "MapPage",
    "PatrolPlan",
    "adjust_p",
    "aoristic_weights",
    "basemap",
    "best_sites",
    "boundaries_layer",
    "build_map",
    "build_network",
    "cells_layer",
    "check_codes",
    "check_posts",
    "clusters_layer",
    "compare_log",
    "compare_periods",
    "context_layer",
    "count_by_cell",
    "cross_near_repeat",
    "crosswalk",
    "dbscan",
    "density_layer",
    "dosage_effect",
    "drill_down",
    "emerging_hotspots",
    "export",
    "from_wgs84",
    "geomask",
    "getis_ord",
    "global_geary",
    "global_getis_ord",
    "global_moran",
    "grid_codes",
    "grid_hierarchy",
    "hdbscan",
    "hotspot_layer",
    "hotspot_stability",
    "hour_of_week",
    "hours_by_hotspot",
    "incident_rates",
    "incident_workload",
    "join_zones",
    "kernel_density",
    "local_moran",
    "make_grid",
    "near_repeat",
    "nearest_neighbour_hierarchy",
    "optics",
    "parse_codes",
    "patrol_districts",
    "patrol_layers",
    "patrol_places",
    "plan_habits",
    "plan_patrols",
    "population_by_cell",
    "public_release",
    "quiet_cells",
    "reach_layer",
    "read_boundaries",
    "read_features",
    "read_incidents",
    "read_roads",
    "relative_risk",
    "response_coverage",
    "roll_up",
    "samples",
    "space_time_permutation_scan",
    "space_time_scan",
    "spatial_scan",
    "st_dbscan",
    "stac",
    "street_concentration",
    "street_counts",
    "street_density",
    "street_hotspots",
    "to_wgs84",
    "write_briefing",
    "write_plan",
]
