"""`Layer`: one thing that a page can draw, whatever the drawing.

A layer is a name, a frame with a shape a row, and a style: classes with a colour each, and the class of every row.
Whether its shapes travel to the browser as H3 ids, as quantised outlines or as an image is decided in
`gridmap.maps.drawing`; how it is read (legend, tooltip, table) is the same for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError

__all__ = ["Class", "Layer", "Word"]


@dataclass(frozen=True)
class Word:
    """A text that gridmap says itself, by its key in `gridmap.maps.words`, in the reader's language."""

    key: str


@dataclass(frozen=True)
class Class:
    """One entry of a legend.

    `label` is text or a Word; or, for a range of numbers, `low` and `high` are given and the page writes it.
    `hatch` draws it hatched: too few to tell, or possibly under-reported.
    """

    colour: str
    label: str | Word | None = None
    low: float | None = None
    high: float | None = None
    hatch: bool = False


@dataclass(frozen=True)
class Layer:
    """One thing that a page can draw.

    Attributes
    ----------
    name : str or Word
        As the layer control shows it.
    frame : DataFrame or GeoDataFrame
        One row a shape; without geometry its index holds H3 ids. Lines and points only in context layers.
    classes : tuple of Class
        The legend, in its order.
    codes : ndarray of uint8, shape (rows,)
        Which class each row has; 255 draws nothing.
    columns : tuple of str
        Columns of `frame` that the tooltip and the tables show.
    role : {"theme", "overlay"}
        One theme is shown at a time; overlays lie beside it.
    show : bool
        Drawn when the page opens (of several themes, the first with show=True).
    drawing : {"shapes", "lines", "image"}
        Filled shapes, outlines only, or an image (density).
    unit : str or Word
        Of the amounts in the legend.
    frames : DataFrame or None
        Amounts by row × period, where the layer has periods; columns are the periods.
    frame_breaks : tuple of float
        Upper bounds of the amount classes, fixed over all periods.
    method, params, notes
        How the numbers were made, for the page's About.
    facts : mapping
        What a drawing needs besides: an image's bounds, a ranking column.
    content : str
        What it holds, for the privacy gate: "cells", "clusters", "zones", "places" or "lines".
    """

    name: str | Word
    frame: pd.DataFrame
    classes: tuple[Class, ...]
    codes: np.ndarray
    columns: tuple[str, ...] = ()
    role: str = "theme"
    show: bool = True
    drawing: str = "shapes"
    unit: str | Word = ""
    frames: pd.DataFrame | None = None
    frame_breaks: tuple[float, ...] = ()
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    content: str = "cells"

    def __post_init__(self):
        codes = np.asarray(self.codes, dtype=np.uint8)
        if codes.shape != (len(self.frame),):
            raise InputError(f"A layer needs one class a row: {len(self.frame):,} rows, but {codes.shape} codes.")
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "classes", tuple(self.classes))

    @property
    def has_geometry(self) -> bool:
        """Whether the frame brings its own shapes; else its index holds H3 ids."""
        return isinstance(self.frame, gpd.GeoDataFrame)

    def __repr__(self) -> str:
        name = self.name.key if isinstance(self.name, Word) else self.name
        return f"<Layer {name!r}: {len(self.frame):,} rows, {len(self.classes)} classes, {self.role}>"
