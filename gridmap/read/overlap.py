"""Do the points lie in the territory at all, and if not, why not.

Exchanged coordinates in Yorkshire (53.6° E, 1.4° S) are as plausible as any; only the boundaries tell. The
same goes for a lost minus sign.
"""

import geopandas as gpd
import numpy as np

from gridmap.errors import InputError
from gridmap.read.base import Incidents

__all__ = ["require_overlap"]


def require_overlap(incidents: Incidents, boundaries: gpd.GeoDataFrame, *, least: float = 0.01) -> float:
    """Share of the points in the extent of the boundaries, or an error that says what went wrong.

    Parameters
    ----------
    incidents : Incidents
    boundaries : GeoDataFrame in EPSG:4326
    least : float, default 0.01
        The smallest share that passes.

    Raises
    ------
    InputError
        If fewer lie there: exchanged, without their sign, or of another place.
    """
    lon, lat = incidents.lonlat()
    if not len(lon):
        return 0.0
    west, south, east, north = boundaries.total_bounds
    pad = 0.1 * max(east - west, north - south)

    def share(x, y) -> float:
        return float(np.mean((x >= west - pad) & (x <= east + pad) & (y >= south - pad) & (y <= north + pad)))

    here = share(lon, lat)
    if here >= least:
        return here
    roles = incidents.source.get("columns", {})
    path = incidents.source.get("path", "the incidents")
    of = f"{here:.0%} of the {len(lon)} points of {path} lie in the boundaries' extent"
    if share(lat, lon) > 0.5:
        columns = f"columns={{'lon': {roles.get('lat', '…')!r}, 'lat': {roles.get('lon', '…')!r}}}"
        raise InputError(
            f"{of}, but {share(lat, lon):.0%} do when longitude and latitude are exchanged. Read them with {columns}."
        )
    signs = {s: share(s[0] * lon, s[1] * lat) for s in ((-1, 1), (1, -1), (-1, -1))}
    sign = max(signs, key=signs.get)
    if signs[sign] > 0.5:
        which = {(-1, 1): "longitude", (1, -1): "latitude", (-1, -1): "longitude and latitude"}[sign]
        raise InputError(
            f"{of}, but {signs[sign]:.0%} do with a minus sign before the {which}. Read them with repair=['sign']."
        )
    raise InputError(
        f"{of} ({west:.3f} to {east:.3f}, {south:.3f} to {north:.3f}); they lie between {lon.min():.3f} "
        f"and {lon.max():.3f}, "
        f"{lat.min():.3f} and {lat.max():.3f}. Are both files of the same place, and is the datum or CRS right?"
    )
