from . import samples as samples
from .counts.query import count_by_cell
from .counts.store_adding import IncidentStore
from .counts.warehouse import WarehouseCount, warehouse_count
from .exports import export
from .forecasts.area_choice import AreaChoice, choose_area
from .forecasts.backtesting import Backtest, backtest
from .forecasts.checked_forecast import ForecastResult, forecast, score_forecast
from .forecasts.scores import pai, pei, rri
from .governance.cases import (
    CaseLife,
    case_life,
    cumulative_incidence,
    kaplan_meier,
    lateness_hotspots,
    threshold_pile,
)
from .governance.colocation import (
    Colocation,
    CrossK,
    Similarity,
    bivariate_moran,
    colocation_quotient,
    cross_k,
    local_bivariate_moran,
    similarity_of_patterns,
)
from .governance.denominators import StandardisedRates, standardised_rates
from .governance.evaluation import (
    Evaluation,
    WeightedDisplacementDifference,
    comparable_controls,
    difference_in_differences,
    displacement_quotient,
    evaluate_intervention,
    randomised_pairs,
    regression_to_mean,
    smallest_visible_fall,
    weighted_displacement_difference,
)
from .governance.register import (
    FollowedHotspots,
    NamedArea,
    Register,
    WatchedAreas,
    follow_hotspots,
    hotspot_areas,
    match_hotspots,
    watch_areas,
)
from .governance.surroundings import SiteRings, site_rings
from .grids.base import Grid
from .grids.codes import check_codes, grid_codes, parse_codes
from .grids.crosswalks import crosswalk
from .grids.hierarchy import drill_down, grid_hierarchy, join_zones, roll_up
from .grids.population import population_by_cell
from .grids.regionalization.basic_units import incident_workload
from .grids.systems import h3_cells, make_grid
from .hotspots.change import changes_by_area, compare_periods
from .hotspots.clusters import dbscan, hdbscan, optics
from .hotspots.cores import hotspot_cores
from .hotspots.crimestat_clusters import nearest_neighbour_hierarchy, stac
from .hotspots.default_method import hotspot_test
from .hotspots.density import kernel_density
from .hotspots.density_result import DensityResult
from .hotspots.emerging import emerging_hotspots
from .hotspots.gi_star import getis_ord
from .hotspots.global_autocorrelation import global_geary, global_getis_ord, global_moran
from .hotspots.hours_of_week import aoristic_weights, hour_of_week, hours_by_hotspot
from .hotspots.moran_local import local_moran
from .hotspots.near_repeats import cross_near_repeat, near_repeat
from .hotspots.rates import incident_rates
from .hotspots.result import GlobalResult, HotspotResult
from .hotspots.risk_surface import relative_risk
from .hotspots.scan.permutation import space_time_permutation_scan
from .hotspots.scan.space_time import space_time_scan
from .hotspots.scan.spatial import spatial_scan
from .hotspots.significance import adjust_p
from .hotspots.silence import quiet_cells
from .hotspots.space_time_clusters import st_dbscan
from .hotspots.stability import hotspot_stability
from .maps import (
    Basemap,
    Layer,
    MapPage,
    basemap,
    boundaries_layer,
    build_map,
    cells_layer,
    clusters_layer,
    context_layer,
    context_layers,
    density_layer,
    explore,
    hotspot_layer,
    patrol_layers,
    reach_layer,
)
from .patrol.camera_sites import best_sites
from .patrol.coverage import check_posts, response_coverage
from .patrol.districts import patrol_districts
from .patrol.log import compare_log, dosage_effect
from .patrol.network import build_network
from .patrol.places import patrol_places
from .patrol.plan import PatrolPlan
from .patrol.plan_files import write_plan
from .patrol.routes.habits import plan_habits
from .patrol.routes.planner import plan_patrols
from .patrol.streets import street_concentration, street_counts, street_density, street_hotspots
from .privacy import geomask, public_release
from .read.boundaries import read_boundaries
from .read.context_features import read_context
from .read.datum import from_wgs84, to_wgs84
from .read.features import read_features
from .read.incident_table import Incidents
from .read.incidents import read_incidents
from .read.roads import read_roads
from .reports.briefing import write_briefing

__version__: str

__all__ = [
    "AreaChoice",
    "Backtest",
    "Basemap",
    "CaseLife",
    "Colocation",
    "CrossK",
    "DensityResult",
    "Evaluation",
    "FollowedHotspots",
    "ForecastResult",
    "GlobalResult",
    "Grid",
    "HotspotResult",
    "IncidentStore",
    "Incidents",
    "Layer",
    "MapPage",
    "NamedArea",
    "PatrolPlan",
    "Register",
    "Similarity",
    "SiteRings",
    "StandardisedRates",
    "WarehouseCount",
    "WatchedAreas",
    "WeightedDisplacementDifference",
    "adjust_p",
    "aoristic_weights",
    "backtest",
    "basemap",
    "best_sites",
    "bivariate_moran",
    "boundaries_layer",
    "build_map",
    "build_network",
    "case_life",
    "cells_layer",
    "changes_by_area",
    "check_codes",
    "check_posts",
    "choose_area",
    "clusters_layer",
    "colocation_quotient",
    "comparable_controls",
    "compare_log",
    "compare_periods",
    "context_layer",
    "context_layers",
    "count_by_cell",
    "cross_k",
    "cross_near_repeat",
    "crosswalk",
    "cumulative_incidence",
    "dbscan",
    "density_layer",
    "difference_in_differences",
    "displacement_quotient",
    "dosage_effect",
    "drill_down",
    "emerging_hotspots",
    "evaluate_intervention",
    "explore",
    "export",
    "follow_hotspots",
    "forecast",
    "from_wgs84",
    "geomask",
    "getis_ord",
    "global_geary",
    "global_getis_ord",
    "global_moran",
    "grid_codes",
    "grid_hierarchy",
    "h3_cells",
    "hdbscan",
    "hotspot_areas",
    "hotspot_cores",
    "hotspot_layer",
    "hotspot_stability",
    "hotspot_test",
    "hour_of_week",
    "hours_by_hotspot",
    "incident_rates",
    "incident_workload",
    "join_zones",
    "kaplan_meier",
    "kernel_density",
    "lateness_hotspots",
    "local_bivariate_moran",
    "local_moran",
    "make_grid",
    "match_hotspots",
    "near_repeat",
    "nearest_neighbour_hierarchy",
    "optics",
    "pai",
    "parse_codes",
    "patrol_districts",
    "patrol_layers",
    "patrol_places",
    "pei",
    "plan_habits",
    "plan_patrols",
    "population_by_cell",
    "public_release",
    "quiet_cells",
    "randomised_pairs",
    "reach_layer",
    "read_boundaries",
    "read_context",
    "read_features",
    "read_incidents",
    "read_roads",
    "regression_to_mean",
    "relative_risk",
    "response_coverage",
    "roll_up",
    "rri",
    "samples",
    "score_forecast",
    "similarity_of_patterns",
    "site_rings",
    "smallest_visible_fall",
    "space_time_permutation_scan",
    "space_time_scan",
    "spatial_scan",
    "st_dbscan",
    "stac",
    "standardised_rates",
    "street_concentration",
    "street_counts",
    "street_density",
    "street_hotspots",
    "threshold_pile",
    "to_wgs84",
    "warehouse_count",
    "watch_areas",
    "weighted_displacement_difference",
    "write_briefing",
    "write_plan",
]
