"""What a place is called in a sentence or a table: the name of its zone, its id where it has none."""

from typing import Any

import geopandas as gpd
import pandas as pd

__all__ = ["place_name", "zone_at"]


def place_name(zone_id: Any, boundaries: gpd.GeoDataFrame) -> str:
    """A zone's name, or its id where it has none."""
    match = boundaries.loc[boundaries["zone_id"] == zone_id]
    if not len(match):
        return str(zone_id) if zone_id is not None and not pd.isna(zone_id) else "–"
    name = match["name"].iloc[0] if "name" in match else None
    return str(name) if isinstance(name, str) and name else str(zone_id)


def zone_at(point, boundaries: gpd.GeoDataFrame) -> str:
    """The name of the zone that a point lies in; "–" outside of all."""
    inside = boundaries.index[boundaries.contains(point)]
    return place_name(boundaries.loc[inside[0], "zone_id"] if len(inside) else None, boundaries)
