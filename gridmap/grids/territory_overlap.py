"""What every tiling of a territory needs: which cells overlap it, by how much, and to which zone each belongs."""

from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely

from gridmap.grids.index.locator import Locator
from gridmap.messages import Note

__all__ = ["METRES_PER_DEGREE", "Territory", "rings_of"]

METRES_PER_DEGREE = 111_195.0  # of latitude


class Territory:
    """Zones, and where their common border runs.

    Parameters
    ----------
    boundaries : GeoDataFrame in EPSG:4326 with `zone_id`
    """

    def __init__(self, boundaries: gpd.GeoDataFrame):
        self.boundaries = boundaries
        self.zones = boundaries.geometry.to_numpy()
        self.locator = Locator(self.zones)

    @cached_property
    def border(self) -> np.ndarray:
        """Straight pieces of the outline of all zones together, rims of holes and gaps included."""
        valid = shapely.is_valid(self.zones)
        whole = self.zones if valid.all() else np.where(valid, self.zones, shapely.make_valid(self.zones))
        outline = shapely.union_all(whole)
        parts = shapely.get_parts(outline)
        rings = shapely.get_rings(parts[shapely.get_type_id(parts) == 3])
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        at = np.flatnonzero(ring[1:] == ring[:-1])
        return np.stack([xy[at], xy[at + 1]], axis=1)

    def far_zone(self) -> Note:
        """Part of an error message: which zone lies farthest from the others' middle, and how far."""
        west, south, east, north = self.boundaries.bounds.to_numpy().T
        lon, lat = (west + east) / 2, (south + north) / 2
        some = np.isfinite(lon)
        at = np.median(lon[some]), np.median(lat[some])
        narrow = np.cos(np.radians(at[1]))
        away_km = np.hypot((lon - at[0]) * narrow, lat - at[1]) * METRES_PER_DEGREE / 1000
        k = int(np.nanargmax(away_km))
        name = self.boundaries["zone_id"].iloc[k]
        return Note("grids.far_zone", zone=str(name), km=float(away_km[k]))

    def sample(self, step_deg: float) -> tuple[np.ndarray, np.ndarray]:
        """Points of the territory on a regular net, `step_deg` (of latitude) or less apart."""
        west, south, _, north = self.boundaries.total_bounds
        lats = np.arange(south + step_deg / 2, north, step_deg)
        row, enter, leave = self._stretches(lats)
        step = step_deg / np.maximum(np.cos(np.radians(np.abs(lats[row]))), 1e-3)
        first = np.ceil((enter - west) / step - 0.5)
        n = np.maximum(np.floor((leave - west) / step - 0.5) - first + 1, 0).astype(np.int64)
        stretch = np.repeat(np.arange(len(n)), n)
        column = first[stretch] + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        return west + (column + 0.5) * step[stretch], lats[row[stretch]]

    def _stretches(self, lats: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where parallels run through the territory: row of `lats`, and the longitudes of entering and leaving it."""
        (ax, ay), (bx, by) = self.border.transpose(1, 2, 0)
        low, high = np.searchsorted(lats, np.minimum(ay, by)), np.searchsorted(lats, np.maximum(ay, by))
        edge = np.repeat(np.arange(len(ax)), high - low)
        row = low[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
        t = (lats[row] - ay[edge]) / (by[edge] - ay[edge])
        x = ax[edge] + t * (bx[edge] - ax[edge])
        order = np.lexsort((x, row))  # a closed ring crosses a parallel an even number of times
        return row[order][::2], x[order][::2], x[order][1::2]

    def sample_border(self, step_deg: float) -> tuple[np.ndarray, np.ndarray]:
        """Points along the border, corners included, `step_deg` or less apart."""
        start, end = self.border[:, 0], self.border[:, 1]
        pieces = np.maximum(np.ceil(np.abs(end - start).max(axis=1) / step_deg), 1).astype(np.int64)
        which = np.repeat(np.arange(len(pieces)), pieces)
        t = (np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[which]
        points = start[which] + t[:, None] * (end - start)[which]
        return points[:, 0], points[:, 1]

    def cells(
        self, ids: np.ndarray, outlines: np.ndarray, middles: np.ndarray, area_m2: np.ndarray, near=slice(None)
    ) -> gpd.GeoDataFrame:
        """The `cells` of a grid; those that share no area with the territory are left out.

        Parameters
        ----------
        ids : array of str, (n,)
        outlines : array of Polygon, lon/lat, (n,)
        middles : array of lon, lat, (n, 2)
        area_m2 : array of float, (n,)
            The whole cell, also where part of it lies outside.
        near : array of int, optional
            The positions of those that the border may touch; all when not given.

        Returns
        -------
        GeoDataFrame indexed by `cell_id`: `area_m2, share_inside, zone_id, geometry`
        """
        home = self.locator.locate(*middles.T)
        share = (home >= 0).astype(float)
        # Only where the border runs through a cell can it be partly inside.
        border = shapely.STRtree(shapely.linestrings(self.border))
        cut = np.arange(len(ids))[near][np.unique(border.query(outlines[near], predicate="intersects")[0])]
        at, zone = shapely.STRtree(self.zones).query(outlines[cut], predicate="intersects")
        cell = cut[at]
        # Areas only as shares of the same small cell, so degrees are good enough here.
        part = shapely.area(shapely.intersection(outlines[cell], self.zones[zone])) / shapely.area(outlines[cell])
        share[cut] = 0
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
                "zone_id": self.boundaries["zone_id"].to_numpy()[home[keep]],
            },
            geometry=outlines[keep],
            crs=4326,
        )
        frame.index = np.asarray(ids, dtype=object)[keep]
        frame.index.name = "cell_id"
        return frame


def rings_of(corners: np.ndarray) -> np.ndarray:
    """Polygons from closed rings of one length, shape (n, corners, 2)."""
    n, length, _ = corners.shape
    offsets = (np.arange(n + 1) * length, np.arange(n + 1))
    return shapely.from_ragged_array(shapely.GeometryType.POLYGON, corners.reshape(-1, 2), offsets)
