"""One HTML file that a meeting can open without a network.

`build_map` makes the page, the `*_layer` functions what it shows. The way of a layer: `layers` says what it is,
`classes` and `palette` how it is read, `ranking` which places to name, `drawing` how it travels, `content` gathers,
`page` and `offline` print it, `templates/` is the page's own code and `words` all it says.
"""

from gridmap.hotspots.result import register_viewer
from gridmap.maps.amounts import cells_layer
from gridmap.maps.basemaps import Basemap, basemap
from gridmap.maps.context import boundaries_layer, context_layer
from gridmap.maps.figure import figure_of
from gridmap.maps.layers import Layer
from gridmap.maps.page import MapPage, build_map
from gridmap.maps.reach import reach_layer
from gridmap.maps.results import clusters_layer, density_layer, hotspot_layer, result_layers

__all__ = [
    "Basemap",
    "Layer",
    "MapPage",
    "basemap",
    "boundaries_layer",
    "build_map",
    "cells_layer",
    "clusters_layer",
    "context_layer",
    "density_layer",
    "hotspot_layer",
    "reach_layer",
]


def view(result, **options) -> MapPage:
    """A result as a page, for the analyst's own desk; what `HotspotResult.explore()` and Jupyter show."""
    return build_map(result_layers(result), **{"audience": "internal", **options})


def plot(result, **options):
    """A result as a matplotlib figure; what `HotspotResult.plot()` gives."""
    return figure_of(result_layers(result)[0], **options)


register_viewer(view, plot)
