"""How a part looks: the map's own classes and colours, as rules that other programs can apply.

The classes come from the very functions that make the page's legend (`hotspot_layer`, `clusters_layer`,
`cells_layer`), each of which says its legend as rules, so a GeoPackage opened in QGIS has the legend of the map.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridmap.errors import GridmapError
from gridmap.exports.result_parts import Part
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.layers import Layer, Rule, cells_layer, clusters_layer, hotspot_layer

__all__ = ["Rule", "Style", "style_of"]

#: Columns by which a frame of the user's own is coloured, the first that it has.
PREFERRED = ("label", "intensity", "rate", "count", "expected", "z_score")


@dataclass(frozen=True)
class Style:
    """The look of a part: its rules, the class of every row, and by which column.

    Attributes
    ----------
    column : str or None
        None where all rows look the same.
    rules : tuple of Rule
    codes : ndarray of int, one a row of the part
    outline : bool
        Outlines over the map, as clusters are drawn.
    layer : Layer
        The page's layer that it was made from.
    """

    column: str | None
    rules: tuple[Rule, ...]
    codes: np.ndarray
    outline: bool
    layer: Layer


def style_of(part: Part, language: str = "en") -> Style | None:
    """The map's style of a part; None for what the map would not draw by itself."""
    if not part.is_spatial or part.kind not in ("cells", "clusters"):
        return None
    frame = part.frame
    try:
        if part.kind == "clusters":
            layer = _clusters(part)
        elif isinstance(part.source, HotspotResult) and len(frame):
            layer = hotspot_layer(replace(part.source, cells=frame))
        else:
            column = next((c for c in PREFERRED if c in frame), None)
            if column is None or not len(frame):
                return None
            flat = frame if frame.index.is_unique and frame.index.nlevels == 1 else frame.reset_index(drop=True)
            layer = cells_layer(flat, column)
    except GridmapError:  # cells that the page could not draw either, such as one of them without a shape
        return None
    if len(layer.codes) != len(frame):
        return None
    column = layer.style_column()
    if column is not None and column not in frame:
        return None
    return Style(column, layer.rules(language), layer.codes.astype(int), layer.drawing == "lines", layer)


def _clusters(part: Part) -> Layer:
    source = part.source if isinstance(part.source, HotspotResult) else None
    if source is None:
        source = HotspotResult(pd.DataFrame(), part.method or "clusters", {})
    return clusters_layer(replace(source, clusters=part.frame))
