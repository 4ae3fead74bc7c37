"""boundaries_layer(), context_layer(): what lies around the hotspots. Grey, and never in the way."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import CRSError, InputError, SettingError
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
        content="zones",
    )


def context_layer(
    frame: gpd.GeoDataFrame,
    *,
    name: str,
    colour: str = "#9AA5B1",
    width_px: float = 1.0,
    nearest: bool = False,
    show: bool = True,
) -> Layer:
    """Roads, water, buildings, cameras or places from the user's own file, drawn under the hotspots.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines, polygons (filled) or points; a column `name` shows on hover.
    name : str
        As the layer control shows it.
    colour : str
        As #RRGGBB.
    width_px : float
        Of lines, in pixels on the screen.
    nearest : bool
        Tell, for each ranked hotspot, how far the nearest of these is: cameras, alarm points, police posts.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError, CRSError, SettingError
        As for `boundaries_layer`; or for a colour that is none.
    """
    frame = _checked(frame, name)
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", str(colour)):
        raise SettingError(f"colour is written as #RRGGBB; found {colour!r}.")
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
        facts={"context": True, "width_px": float(width_px)} | ({"nearest": str(name)[:60]} if nearest else {}),
        content="places",
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
