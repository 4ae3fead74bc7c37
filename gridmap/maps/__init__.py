"""One HTML file that a meeting can open without a network.

`build_map` makes the page, the `*_layer` functions what it shows. The way of a layer: `layers/` says what it is, one
kind a file; `legend_classes` and `palette` how it is read; `released_layers` lets it pass the privacy gate; `ranking`
says which places to name; `packing` how it travels; `page` and `offline` print it; `web/` is the page's own code. What
it says stands in the catalogue (`gridmap/messages`).
"""

import io
import warnings
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from gridmap._moved import keep_old_names
from gridmap.hotspots.result import HotspotResult, register_viewer
from gridmap.maps.basemaps import Basemap, basemap
from gridmap.maps.figure import figure_of
from gridmap.maps.layers import (
    Layer,
    boundaries_layer,
    cells_layer,
    clusters_layer,
    context_layer,
    context_layers,
    density_layer,
    hotspot_layer,
    layers_of,
    patrol_layers,
    reach_layer,
)
from gridmap.messages import Note

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gridmap.maps.page import MapPage, build_map

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
    "context_layers",
    "density_layer",
    "explore",
    "hotspot_layer",
    "layers_of",
    "patrol_layers",
    "reach_layer",
]


def __getattr__(name: str) -> Any:
    """The page with its folium comes when it is first used: a paper and a table need none of it."""
    if name not in ("MapPage", "build_map"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gridmap.maps import page

    return getattr(page, name)


def explore(
    shown: "HotspotResult | gpd.GeoDataFrame | Layer | Iterable[Layer]", *, column: str | None = None, **options: Any
) -> "MapPage":
    """What one has at hand as an interactive map, for the analyst's own desk and notebooks.

    In a notebook the page stands in one iframe of its own, without a widget, an extension or a request; the notebook
    as HTML (nbconvert) keeps it. Outputs that came with another's notebook JupyterLab hides until their cell is run.

    Parameters
    ----------
    shown : HotspotResult, GeoDataFrame, Layer or list of Layer
        Of any method; areas or cells; or what the `*_layer` functions make.
    column : str, optional
        Of a GeoDataFrame: the values that colour it. Its outlines alone, by default.
    **options
        Of `build_map`. The audience is "internal" where none is given.

    Returns
    -------
    MapPage

    Raises
    ------
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> areas = gpd.GeoDataFrame({"zone_id": ["a"], "cases": [3]}, geometry=[shapely.box(0, 0, 0.1, 0.1)], crs=4326)
    >>> page = explore(areas, column="cases", title="Cases")
    >>> page._repr_html_().count("<iframe")
    1
    """
    import geopandas as gpd

    from gridmap.maps.page import build_map

    if isinstance(shown, HotspotResult):
        layers = layers_of(shown)
    elif isinstance(shown, gpd.GeoDataFrame):
        layers = [boundaries_layer(shown) if column is None else cells_layer(shown, column)]
    else:
        layers = [shown] if isinstance(shown, Layer) else list(shown)
    return build_map(layers, **{"audience": "internal", **options})


def plot(result: HotspotResult, **options: Any) -> "Axes":
    """A result drawn for a paper, on the Axes given as `ax` or on new ones, which are returned as geopandas does."""
    figure = figure_of(layers_of(result)[0], **options)
    if options.get("ax") is not None:
        return options["ax"]
    axes = figure.axes[0]
    axes._repr_png_ = partial(_as_png, figure)  # a notebook shows figures, and of pyplot's own axes only the figure
    axes.savefig = partial(_save_as_before, figure)  # the figure was returned here
    return axes


def _as_png(figure: "Figure") -> bytes:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _save_as_before(figure: "Figure", *args: Any, **options: Any) -> None:
    note = Note("errors.moved", old="result.plot().savefig(…)", new="result.plot().figure.savefig(…)")
    warnings.warn(note, DeprecationWarning, stacklevel=2)
    figure.savefig(*args, **options)


register_viewer(explore, plot)

keep_old_names(
    __name__,
    {
        "classes": "legend_classes",
        "drawing": "packing",
        "gated": "released_layers",
        "layers.handling": "layers.case_handling",
        "layers.naming": "layers.result_captions",
        "layers.results": "layers.result_layers",
    },
)
