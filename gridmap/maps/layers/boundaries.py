"""Outlines and names of the zones, and of the districts that they make up."""

from dataclasses import dataclass
from typing import ClassVar

import geopandas as gpd
import numpy as np

from gridmap.maps.classes import Class
from gridmap.maps.layers.base import Layer, checked_shapes
from gridmap.messages import Note

__all__ = ["BoundariesLayer", "boundaries_layer"]


@dataclass(frozen=True, repr=False)
class BoundariesLayer(Layer):
    """Zones as outlines: grey, over the cells and never in their way."""

    kind: ClassVar[str] = "boundaries"
    content: ClassVar[str] = "zones"


def boundaries_layer(boundaries: gpd.GeoDataFrame, *, name: str | Note | None = None, show: bool = True) -> BoundariesLayer:
    """Outlines of zones, with their names on hover.

    Parameters
    ----------
    boundaries : GeoDataFrame
        As `read_boundaries` gives it.
    name : str, optional
        As the layer control shows it.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        If it is no GeoDataFrame, or empty.
    CRSError
        If it has no CRS.
    """
    frame = checked_shapes(boundaries, "boundaries")
    columns = tuple(c for c in ("name", "zone_id") if c in frame)
    return BoundariesLayer(
        Note("method.zones.name") if name is None else name,
        frame,
        (Class("#6B7280"),),
        np.zeros(len(frame), np.uint8),
        columns=columns,
        show=show,
    )
