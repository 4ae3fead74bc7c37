"""boundaries_layer(), context_layer(): what lies around the hotspots. Grey, and never in the way."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import CRSError, InputError
from gridmap.maps.layers import Class, Layer, Word

__all__ = ["boundaries_layer", "context_layer"]


def boundaries_layer(boundaries: gpd.GeoDataFrame, *, name: str | Word | None = None, show: bool = True) -> Layer:
    """Outlines of zones, with their names on hover.

    Parameters
    ----------
    boundaries : GeoDataFrame
        As `read_boundaries` gives it.
    name : str, optional
        As the layer control shows it.
    show : bool
        Drawn when the page opens.

    Raises
    ------
    InputError
        If it is no GeoDataFrame, or empty.
    CRSError
        If it has no CRS.
    """
    frame = _checked(boundaries, "boundaries")
    columns = tuple(c for c in ("name", "zone_id") if c in frame)
    return Layer(
        Word("layer zones") if name is None else name,
        frame,
        (Class("#6B7280"),),
        np.zeros(len(frame), np.uint8),
        columns=columns,
        role="overlay",
        drawing="lines",
        show=show,
        facts={"zones": True},
    )


def context_layer(
    frame: gpd.GeoDataFrame, *, name: str, colour: str = "#9AA5B1", width_px: float = 1.0, show: bool = True
) -> Layer:
    """Roads, water, buildings or places from the user's own file, drawn in grey under the hotspots."""
    frame = _checked(frame, name)
    label = next((c for c in ("name", "名称", "NAME") if c in frame), None)
    return Layer(
        name,
        frame,
        (Class(colour),),
        np.zeros(len(frame), np.uint8),
        columns=(label,) if label else (),
        role="overlay",
        drawing="lines",
        show=show,
        facts={"context": True, "width_px": float(width_px)},
    )


def _checked(frame, what: str) -> gpd.GeoDataFrame:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"The layer {what!r} needs a GeoDataFrame; found {type(frame).__name__}.")
    if frame.crs is None:
        raise CRSError(f"The layer {what!r} has no CRS. Set it, as in frame.set_crs(4326).")
    frame = frame if frame.crs == "EPSG:4326" else frame.to_crs(4326)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if not len(frame):
        raise InputError(f"The layer {what!r} is empty.")
    return pd.DataFrame.copy(frame)
