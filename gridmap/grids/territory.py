"""What every tiling of a territory needs: which zone a cell belongs to, and how much of it is inside."""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

__all__ = ["cells_frame"]


def cells_frame(
    ids: np.ndarray,
    outlines: np.ndarray,
    centres: np.ndarray,
    area_m2: np.ndarray,
    boundaries: gpd.GeoDataFrame,
    crs: CRS,
) -> gpd.GeoDataFrame:
    """The `cells` of a grid laid over boundaries; cells that share no area with them are left out.

    Parameters
    ----------
    ids : array of str, (n,)
    outlines : array of Polygon, lon/lat, (n,)
    centres : array of Point, lon/lat, (n,)
    area_m2 : array of float, (n,)
        The whole cell, also where part of it lies outside.
    boundaries : GeoDataFrame in EPSG:4326 with `zone_id`
    crs : CRS in metres, for the shares of area

    Returns
    -------
    GeoDataFrame indexed by `cell_id`: `area_m2, share_inside, zone_id, geometry`
    """
    zones = boundaries.geometry.to_numpy()
    tree = shapely.STRtree(zones)
    n = len(ids)

    home = np.full(n, -1)
    at, zone = tree.query(centres, predicate="intersects")
    order = np.lexsort((zone, at))[::-1]  # the lowest row wins where zones overlap
    home[at[order]] = zone[order]

    covered = np.zeros(n, bool)
    at, zone = tree.query(outlines, predicate="covered_by")
    covered[at] = True
    share = np.where(covered, 1.0, 0.0)
    open_cells = np.flatnonzero(~covered)
    at, zone = tree.query(outlines[open_cells], predicate="intersects")
    cell = open_cells[at]
    # Areas only as shares of the same small cell, so degrees are good enough here.
    part = shapely.area(shapely.intersection(outlines[cell], zones[zone])) / shapely.area(outlines[cell])
    np.add.at(share, cell, part)
    largest = np.lexsort((zone, -part, cell))
    first = np.r_[True, np.diff(cell[largest]) > 0] if len(largest) else np.zeros(0, bool)
    best = largest[first]
    lost = home[cell[best]] < 0
    home[cell[best[lost]]] = zone[best[lost]]

    keep = (home >= 0) & (share > 0)
    frame = gpd.GeoDataFrame(
        {
            "area_m2": np.asarray(area_m2, float)[keep],
            "share_inside": share[keep].clip(0, 1),
            "zone_id": boundaries["zone_id"].to_numpy()[home[keep]],
        },
        geometry=outlines[keep],
        crs=4326,
    )
    frame.index = np.asarray(ids, dtype=object)[keep]
    frame.index.name = "cell_id"
    return frame
