"""Outlines and names of the zones, and of the districts that they make up."""

from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.grids.hierarchy import zone_levels
from gridmap.maps.layers.base import Layer, checked_shapes
from gridmap.maps.legend_classes import Class
from gridmap.maps.packing import pack_outlines
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs

__all__ = ["BoundariesLayer", "boundaries_layer", "districts"]

#: More districts than this are a haze of names; then the level above is drawn, or none.
MOST_DISTRICTS = 40
#: Corners of an outline closer than this share of the territory's width are one.
FINEST = 1 / 1500


@dataclass(frozen=True, repr=False)
class BoundariesLayer(Layer):
    """Zones as outlines: grey, over the cells and never in their way."""

    kind: ClassVar[str] = "boundaries"
    content: ClassVar[str] = "zones"


def boundaries_layer(
    boundaries: gpd.GeoDataFrame, *, name: str | Note | None = None, show: bool = True
) -> BoundariesLayer:
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
        If it is not a GeoDataFrame, or empty.
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


def districts(zones: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    """The levels above the zones as outlines and names for the page, the coarsest first.

    Neighbours that do not quite meet are closed by a little, so that no slivers stand inside a district.

    Returns
    -------
    list of dict
        `names`, `at` (lon and lat of each name), `outlines` and `draw`, the outlines packed, of every level of 2 to 40
        units; of the zones themselves where they are so few.
    """
    if zones is None or not len(zones):
        return []
    units = [level["name"].to_numpy() for level in zone_levels(zones) if 1 < level["name"].nunique() <= MOST_DISTRICTS][
        ::-1
    ]
    if "name" in zones and len(zones) <= MOST_DISTRICTS and not units:
        units = [zones["name"].astype(str).to_numpy()]
    if not units:
        return []
    left, bottom, right, top = map(float, zones.total_bounds)
    crs = metric_crs((left, bottom, right, top))
    flat = gpd.GeoSeries(zones.geometry.to_numpy(), crs=4326).to_crs(crs)
    west, _, east, _ = flat.total_bounds
    return [_level(pd.Series(names), flat, max(east - west, 1) * FINEST) for names in units]


def _level(names: pd.Series, flat: gpd.GeoSeries, fine: float) -> dict[str, Any]:
    shapes, called = [], []
    for name, rows in names.groupby(names).groups.items():
        whole = shapely.union_all(shapely.make_valid(flat.iloc[list(rows)].to_numpy()))
        shapes.append(whole.buffer(fine).buffer(-fine).simplify(fine))
        called.append(str(name)[:80])
    drawn = gpd.GeoSeries(shapes, crs=flat.crs)
    at = drawn.representative_point().to_crs(4326)
    outlines = drawn.to_crs(4326).to_numpy()
    return {
        "names": called,
        "at": np.round(shapely.get_coordinates(at.to_numpy()), 5).tolist(),
        "draw": pack_outlines(outlines, simplify=False),
        "outlines": outlines,  # for the still picture; the page is not sent them
    }
