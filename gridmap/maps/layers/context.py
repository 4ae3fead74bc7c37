"""What lies around the hotspots: roads, water, buildings, cameras. Grey, and never in the way."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np

from gridmap.errors import SettingError
from gridmap.maps.classes import Class
from gridmap.maps.layers.base import Layer, checked_shapes
from gridmap.messages import Note

__all__ = ["ContextLayer", "context_layer"]


@dataclass(frozen=True, repr=False)
class ContextLayer(Layer):
    """Lines, areas or points from the user's own file.

    Attributes
    ----------
    width_px : float
        Of lines, in pixels on the screen.
    nearest : str or None
        What to call one of them, where each ranked place tells how far the nearest is.
    """

    kind: ClassVar[str] = "context"

    width_px: float = 1.0
    nearest: str | None = None

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """How wide lines are."""
        return {"width_px": self.width_px}


def context_layer(
    frame: gpd.GeoDataFrame,
    *,
    name: str,
    colour: str = "#9AA5B1",
    width_px: float = 1.0,
    nearest: bool = False,
    show: bool = True,
) -> ContextLayer:
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
    frame = checked_shapes(frame, name)
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", str(colour)):
        raise SettingError(Note("maps.colour", found=str(colour)))
    label = next((c for c in ("name", "名称", "NAME") if c in frame), None)
    return ContextLayer(
        name,
        frame,
        (Class(colour),),
        np.zeros(len(frame), np.uint8),
        columns=(label,) if label else (),
        show=show,
        width_px=float(width_px),
        nearest=str(name)[:60] if nearest else None,
    )
