"""What a page can draw, one kind a file: cells, a surface, clusters, zones, named areas, context, reach, patrol routes.

`layers_of(result)` makes the layers of a method's answer; the other functions make one layer each of something else.
"""

from gridmap.maps.layers.base import Layer
from gridmap.maps.layers.boundaries import BoundariesLayer, boundaries_layer
from gridmap.maps.layers.case_handling import handling_layer
from gridmap.maps.layers.cells import CellsLayer, cells_layer
from gridmap.maps.layers.clusters import ClustersLayer, clusters_layer
from gridmap.maps.layers.context import ContextLayer, context_layer, context_layers
from gridmap.maps.layers.named_areas import NamedAreasLayer, named_areas_layer
from gridmap.maps.layers.reach import ReachLayer, reach_layer
from gridmap.maps.layers.result_layers import density_layer, hotspot_layer, layers_of
from gridmap.maps.layers.routes import RoutesLayer, patrol_layers
from gridmap.maps.layers.surface import SurfaceLayer
from gridmap.maps.legend_classes import Class, Rule

__all__ = [
    "BoundariesLayer",
    "CellsLayer",
    "Class",
    "ClustersLayer",
    "ContextLayer",
    "Layer",
    "NamedAreasLayer",
    "ReachLayer",
    "RoutesLayer",
    "Rule",
    "SurfaceLayer",
    "boundaries_layer",
    "cells_layer",
    "clusters_layer",
    "context_layer",
    "context_layers",
    "density_layer",
    "handling_layer",
    "hotspot_layer",
    "layers_of",
    "named_areas_layer",
    "patrol_layers",
    "reach_layer",
]
