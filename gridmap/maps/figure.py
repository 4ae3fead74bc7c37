"""plot(): the same layer as a matplotlib figure, for papers: one panel, a scale bar, a legend, nothing else.

Drawn in the layer's metric CRS, so that a kilometre is as long across as it is up.
"""

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gridmap._extras import needs_extras
from gridmap._fonts import families
from gridmap.errors import InputError
from gridmap.maps.layers import Layer
from gridmap.maps.legend_classes import Class
from gridmap.maps.packing import h3_outlines
from gridmap.messages import Note, check_language, say
from gridmap.read.metric_projection import metric_crs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["class_text", "draw_scale_bar", "figure_of"]


def class_text(entry: Class, language: str = "en") -> str:
    """What the legend says of a class, as the page writes it."""
    return entry.text(language)


def figure_of(
    layer: Layer, *, language: str = "en", title: str | None = None, ax: "Axes | None" = None, width_in=6.5, extent=None
):
    """A layer as a matplotlib figure.

    Parameters
    ----------
    layer : Layer
    language : {"en", "zh"}
        Of the legend.
    title : str, optional
        Over the panel; the layer's name by default.
    ax : matplotlib Axes, optional
        To draw into; a new figure by default.
    width_in : float
        Of a new figure, in inches.
    extent : (west, south, east, north), optional
        What the panel shows, in degrees; the layer, by default.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import pandas as pd, gridmap as gm
    >>> counts = pd.DataFrame({"count": [0, 2, 7]}, index=["8819424409fffff", "881942440bfffff", "881942440dfffff"])
    >>> figure = figure_of(gm.cells_layer(counts, "count", name="Burglary"))
    >>> figure.axes[0].get_title()
    'Burglary'
    """
    check_language(language)
    if not len(layer.frame):
        raise InputError(Note("maps.nothing_to_plot"))
    shapes = layer.frame.geometry.to_numpy() if layer.has_geometry else h3_outlines(layer.frame.index)
    flat = gpd.GeoSeries(shapes, crs=4326)
    flat = flat.to_crs(metric_crs(tuple(flat.total_bounds)))
    panel = flat if extent is None else gpd.GeoSeries([shapely.box(*extent)], crs=4326).to_crs(flat.crs)
    west, south, east, north = panel.total_bounds
    if ax is None:
        height = width_in * min(max((north - south) / max(east - west, 1), 0.3), 2.2)
        with needs_extras():
            from matplotlib.figure import Figure

        figure = Figure(figsize=(width_in + 1.6, height + 0.5), layout="constrained")
        ax = figure.add_subplot()
    root = ax.get_figure(root=True)
    assert root is not None
    figure = root
    layer.draw(ax, flat)
    if layer.role == "theme":
        from matplotlib.patches import Patch

        shown = layer.figure_legend()
        handles = [
            Patch(facecolor=c.colour, edgecolor="#55606E", linewidth=0.5, hatch="////" if c.hatch else None)
            for c in shown
        ]
        ax.legend(
            handles,
            [c.text(language) for c in shown],
            title=say(layer.unit, language) or None,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            prop={"family": families(language), "size": 9},
            title_fontproperties={"family": families(language), "size": 9},
        )
    ax.set_title(title if title is not None else say(layer.name, language), fontfamily=families(language), fontsize=11)
    ax.set_axis_off()
    ax.set_aspect("equal")
    if extent is not None:
        room = 0.02 * (east - west)  # cells of the edge lie half outside
        ax.set_xlim(west - room, east + room)
        ax.set_ylim(south - room, north + room)
    draw_scale_bar(ax, west, south, east - west, language)
    return figure


def draw_scale_bar(ax: "Axes", west: float, south: float, across: float, language: str, *, type_pt: float = 9) -> None:
    """A bar of a round length, about a fifth of the panel, under its lower left corner."""
    length = max(across / 5, 1e-6)
    unit = 10 ** np.floor(np.log10(length))
    length = unit * max(m for m in (1, 2, 5) if m * unit <= length)
    y = south - across * 0.03
    ax.plot([west, west + length], [y, y], color="#111827", linewidth=2.5, solid_capstyle="butt")
    far = say("page.kilometres" if length >= 1000 else "page.metres", language)
    text = f"{length / 1000 if length >= 1000 else length:g} {far}"
    ax.text(
        west + length / 2,
        y - across * 0.012,
        text,
        ha="center",
        va="top",
        fontsize=type_pt,
        fontfamily=families(language),
    )
    ax.set_ylim(bottom=y - across * 0.06)
