"""Travel where no streets are known: straight lines times a detour factor.

A way along streets is longer than the straight line, by a factor near 1.2 to 1.5 in towns (Boscoe, Henry &
Zdeb 2012 found 1.417 in the United States). What is planned on it is a sketch, and says so.
"""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from gridmap.patrol.points import check_number, lonlat

__all__ = ["StraightLines"]


@dataclass(frozen=True)
class StraightLines:
    """Travel times without streets; answers as `Network` does.

    Attributes
    ----------
    mode : "drive" or "walk"
    speed_kmh : float
    detour : float
        Way over straight line.

    Examples
    --------
    >>> StraightLines("drive", 36.0, 1.0).travel_time_s([(0, 0)], [(0.01, 0)]).round(1).tolist()
    [[111.3]]

    References
    ----------
    Boscoe, Henry & Zdeb (2012), The Professional Geographer 64, 188–196.
    """

    mode: str
    speed_kmh: float
    detour: float = 1.4

    def __post_init__(self):
        object.__setattr__(self, "detour", check_number(self.detour, "detour", least=1.0, most=10, above=False))

    @property
    def notes(self) -> tuple[str, ...]:
        """What every result made with straight lines says."""
        return (f"No streets were given: travel is the straight line × {self.detour:g} at {self.speed_kmh:g} km/h.",)

    def travel_distance_m(self, origins, destinations=None) -> np.ndarray:
        """Metres, geodesic × detour, shape (origins, destinations)."""
        a = lonlat(origins, "the points")
        b = a if destinations is None else lonlat(destinations, "the points")
        i, j = np.meshgrid(np.arange(len(a)), np.arange(len(b)), indexing="ij")
        _, _, metres = pyproj.Geod(ellps="WGS84").inv(a[i, 0], a[i, 1], b[j, 0], b[j, 1])
        return np.asarray(metres).reshape(i.shape) * self.detour

    def travel_time_s(self, origins, destinations=None) -> np.ndarray:
        """Seconds, shape (origins, destinations)."""
        return self.travel_distance_m(origins, destinations) / (self.speed_kmh / 3.6)

    def ways(self, points, legs) -> list:
        """Each leg as a straight LineString in EPSG:4326."""
        xy = lonlat(points, "the points")
        return [shapely.LineString([xy[a], xy[b]]) for a, b in legs]
