"""How a part looks: the map's own classes and colours, as rules that other programs can apply.

The classes come from the very functions that make the page's legend (`hotspot_layer`, `clusters_layer`,
`cells_layer`), so a GeoPackage opened in QGIS has the legend of the map. A `Rule` says which rows it takes as a filter
over the columns.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridmap.errors import GridmapError
from gridmap.exports.parts import Part
from gridmap.hotspots.result import HotspotResult
from gridmap.maps import cells_layer, clusters_layer, hotspot_layer
from gridmap.maps.figure import class_text
from gridmap.maps.layers import Layer

__all__ = ["Rule", "Style", "style_of"]

#: Columns by which a frame of the user's own is coloured, the first that it has.
PREFERRED = ("label", "intensity", "rate", "count", "expected", "z_score")


@dataclass(frozen=True)
class Rule:
    """One entry of a legend: what it says, its colour, and which rows it takes.

    `values`: the labels; `above`, `upto`: amounts, the lower end not included; `missing`: rows without a value.
    """

    label: str
    colour: str
    hatch: bool = False
    values: tuple[str, ...] = ()
    above: float | None = None
    upto: float | None = None
    missing: bool = False


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
    if layer.drawing == "lines":
        said = (Rule(class_text(layer.classes[0], language), layer.classes[0].colour),)
        return Style(None, said, np.zeros(len(frame), int), True, layer)
    column = layer.facts.get("labels") or layer.facts.get("rank_by")
    if column not in frame:
        return None
    rules = tuple(_rules(layer, frame[column], language))
    return Style(column, rules, layer.codes.astype(int), False, layer)


def _clusters(part: Part) -> Layer:
    source = part.source if isinstance(part.source, HotspotResult) else None
    if source is None:
        source = HotspotResult(pd.DataFrame(), part.method or "clusters", {})
    return clusters_layer(replace(source, clusters=part.frame))


def _rules(layer: Layer, values: pd.Series, language: str):
    """A rule a class, in the legend's order, so that every row has the class that the map gives it."""
    if "labels" in layer.facts:
        text = values.astype(object).where(values.notna(), None)
        by_class: dict[int, list[str]] = {}
        for label, code in zip(text, layer.codes, strict=True):
            if label is not None and str(label) not in (found := by_class.setdefault(int(code), [])):
                found.append(str(label))
        known = {c.label.key: c.label.key.removeprefix("label ") for c in layer.classes if hasattr(c.label, "key")}
        for code, entry in enumerate(layer.classes):
            key = getattr(entry.label, "key", "")
            own = known.get(key, "") if key.startswith("label ") else ""
            labels = by_class.get(code) or ([own] if own else [])
            missing = key == "no_data" and entry.hatch
            yield Rule(class_text(entry, language), entry.colour, entry.hatch, tuple(labels), missing=missing)
        return
    nodata, zero, *amounts = layer.classes
    yield Rule(class_text(nodata, language), nodata.colour, True, missing=True)
    yield Rule(class_text(zero, language), zero.colour, upto=0.0)
    low = 0.0
    for i, entry in enumerate(amounts):
        last = i == len(amounts) - 1
        yield Rule(class_text(entry, language), entry.colour, above=low, upto=None if last else entry.high)
        low = entry.high
