"""reach_layer(): how far the units come in time, as areas on the map."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.maps.layers.base import Layer
from gridmap.maps.legend_classes import Class
from gridmap.messages import Note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ReachLayer", "reach_layer"]

#: From the nearest time to the farthest: one hue, dark to light, which keeps its order in grey.
COLOURS = ("#08519C", "#3182BD", "#6BAED6", "#9ECAE1", "#C6DBEF")


@dataclass(frozen=True, repr=False)
class ReachLayer(Layer):
    """Areas that are reached within each time, the nearest on top."""

    kind: ClassVar[str] = "reach"
    role: ClassVar[str] = "theme"
    drawing: ClassVar[str] = "shapes"
    content: ClassVar[str] = "cells"

    def draw(self, ax: "Axes", shapes: gpd.GeoSeries) -> None:
        """Into a figure: filled, the farthest first."""
        for code, entry in enumerate(self.classes):
            shapes[self.codes == code].plot(ax=ax, color=entry.colour)


def reach_layer(coverage: gpd.GeoDataFrame, *, name: str | None = None, show: bool = True) -> ReachLayer:
    """Isochrones: the streets that are reached within each time, by the nearest of the stations.

    Parameters
    ----------
    coverage : GeoDataFrame
        As `response_coverage` gives it.
    name : str, optional
        As the layer control shows it.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer
        A theme, with the shares of hotspots, incidents and residents that are reached in the tooltip.

    Raises
    ------
    InputError
        If it is not what `response_coverage` gives.

    Examples
    --------
    >>> import gridmap as gm
    >>> from shapely import LineString
    >>> roads = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (0.05, 0)])], crs=4326)
    >>> reach = gm.response_coverage([(0, 0)], gm.build_network(roads, speed_kmh=36), minutes=[2, 4])
    >>> reach_layer(reach)
    <Layer 'method.response_coverage.name': 2 rows, 2 classes, theme>
    """
    needed = {"station_id", "minutes", "street_km", "street_share"}
    if not isinstance(coverage, gpd.GeoDataFrame) or not needed <= set(coverage.columns):
        raise InputError(Note("maps.reach_takes_coverage"))
    frame = coverage[(coverage["station_id"] == "all") & ~coverage.geometry.is_empty]
    if not len(frame):
        raise InputError(Note("maps.nothing_reached"))
    frame = frame.sort_values("minutes", ascending=False, ignore_index=True)  # the nearest area lies on top
    minutes = frame["minutes"].tolist()
    shade = np.linspace(0, len(COLOURS) - 1, len(minutes)).round().astype(int)[::-1] if len(minutes) > 1 else [0]
    shares = [
        c for c in frame if c.split("_")[0] in ("street", "hotspots", "incidents", "residents") and c != "street_km"
    ]
    shown = pd.DataFrame(frame[shares] * 100).round(1).add_suffix("_percent")
    frame = gpd.GeoDataFrame(shown, geometry=frame.geometry, crs=frame.crs).assign(
        minutes=minutes, street_km=frame["street_km"]
    )
    return ReachLayer(
        Note("method.response_coverage.name") if name is None else name,
        frame,
        tuple(Class(COLOURS[k], low=m, high=m) for m, k in zip(minutes, shade, strict=True)),
        np.arange(len(frame), dtype=np.uint8),
        columns=("minutes", "street_km", *shown.columns),
        show=show,
        unit=Note("page.minutes"),
        method="response_coverage",
        params={"mode": coverage.attrs.get("mode")},
        notes=tuple(coverage.attrs.get("notes", ())),
    )
