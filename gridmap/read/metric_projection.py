"""Which metric CRS a territory is measured in.

Coordinates inside gridmap are lon, lat in WGS 84. A length or an area needs metres, so one CRS is
chosen from the territory's extent and named in every result that used it: the UTM zone of its
middle, or, where it is wider than two UTM zones or reaches the poles, a Lambert azimuthal
equal-area projection centred on it.
"""

import re
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjError
from pyproj.exceptions import ProjError as TransformError

from gridmap.errors import CRSError
from gridmap.messages import Note

__all__ = ["as_crs", "metric_crs", "metric_crs_of_points", "names_a_file", "project", "require_metric", "unproject"]

WGS84 = CRS.from_epsg(4326)


def metric_crs(bounds: tuple[float, float, float, float]) -> CRS:
    """The CRS in metres for a territory.

    Parameters
    ----------
    bounds : (west, south, east, north) in degrees, WGS 84

    Returns
    -------
    pyproj.CRS

    Examples
    --------
    >>> metric_crs((-2.1, 53.5, -1.2, 53.9)).name
    'WGS 84 / UTM zone 30N'
    >>> metric_crs((73.0, 18.0, 135.0, 53.0)).coordinate_operation.method_name
    'Lambert Azimuthal Equal Area'
    """
    west, south, east, north = (float(v) for v in bounds)
    if not np.isfinite([west, south, east, north]).all():
        raise CRSError(Note("read.no_metric_crs", bounds=bounds))
    lon, lat = (west + east) / 2, (south + north) / 2
    if not _fits_utm(west, south, east, north):
        return _equal_area(lon, lat)
    zone = min(int(((lon + 180) % 360) // 6) + 1, 60) if lon != 180 else 60
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


#: Degrees of longitude that two UTM zones span.
TWO_ZONES = 12


def metric_crs_of_points(lon: np.ndarray, lat: np.ndarray) -> CRS:
    """The CRS in metres for points: chosen by where most of them lie, so that a stray one moves nobody.

    Parameters
    ----------
    lon, lat : float arrays, (n,), degrees, WGS 84

    Returns
    -------
    pyproj.CRS
        The UTM zone of the extent's middle where all points lie within two zones, astride 180° too. Where only a few
        points (1 % at each side) make the extent wider, an equal-area projection centred on the others.

    Examples
    --------
    >>> metric_crs_of_points(np.array([179.9, -179.9]), np.array([-17.0, -17.1])).name
    'WGS 84 / UTM zone 60S'
    >>> lon, lat = np.append(np.linspace(-1.6, -1.4, 300), -180), np.append(np.linspace(53.7, 53.9, 300), -90)
    >>> crs = metric_crs_of_points(lon, lat)
    >>> bool(np.abs(np.array(project(np.array([-1.5]), np.array([53.8]), crs))).max() < 100)
    True
    """
    usable = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = np.asarray(lon, float)[usable], np.asarray(lat, float)[usable]
    if not len(lon):
        raise CRSError(Note("read.no_metric_crs", bounds="[]"))
    if np.ptp(lon) > 180:  # perhaps astride 180°: look at it from the other side
        turned = np.where(lon < 0, lon + 360, lon)
        if np.ptp(np.quantile(turned, [0.01, 0.99])) < np.ptp(np.quantile(lon, [0.01, 0.99])):
            lon = turned
    bounds = (lon.min(), lat.min(), lon.max(), lat.max())
    west, east = np.quantile(lon, [0.01, 0.99])
    south, north = np.quantile(lat, [0.01, 0.99])
    if _fits_utm(*bounds) or not _fits_utm(west, south, east, north):
        return metric_crs(bounds)
    return _equal_area((west + east) / 2, (south + north) / 2)


def _fits_utm(west: float, south: float, east: float, north: float) -> bool:
    return east - west <= TWO_ZONES and north <= 84 and south >= -80


def _equal_area(lon: float, lat: float) -> CRS:
    lon = (lon + 180) % 360 - 180
    return CRS.from_proj4(f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +datum=WGS84 +units=m")


#: What makes a CRS open a file or an address: grids of shifts by name, `+init=` of a file, a link. "@null" names none.
_NAMES_A_FILE = re.compile(
    r"(nadgrids|geoidgrids|grids|catalog|file)\s*=(?!\s*\"?@?null)|init\s*=(?!\s*epsg:)|PARAMETERFILE|://|^\s*[@./~]"
    r"|\.(gsb|gtx|tif|db|wkt|prj)\b",
    re.IGNORECASE,
)
#: The names of CRSs that look like addresses and are none.
_OGC = re.compile(r"https?://www\.opengis\.net/(def/crs|gml/srs)/", re.IGNORECASE)


def names_a_file(value: str) -> bool:
    """Whether a CRS, as text, would make PROJ open a file or an address."""
    return bool(_NAMES_A_FILE.search(_OGC.sub("", value)))


def as_crs(value: Any) -> CRS:
    """Anything that pyproj understands as a CRS, but for what would open another file or an address.

    Parameters
    ----------
    value : anything pyproj understands
        EPSG codes, URNs, WKT, PROJ strings.

    Raises
    ------
    CRSError
        If it is no CRS, names a file or an address, or cannot be taken to longitude and latitude.

    Examples
    --------
    >>> as_crs("EPSG:4527").name
    'CGCS2000 / 3-degree Gauss-Kruger zone 39'
    """
    if isinstance(value, str) and names_a_file(value):
        raise CRSError(Note("read.crs_names_a_file", crs=value[:80]))
    try:
        crs = CRS.from_user_input(value)
    except (ProjError, ValueError, TypeError):
        raise CRSError(Note("read.bad_crs", crs=str(value)[:80])) from None
    if not isinstance(value, str | int) and names_a_file(crs.to_wkt()):
        raise CRSError(Note("read.crs_names_a_file", crs=crs.name[:80]))
    if not _on_the_earth(crs):
        raise CRSError(Note("read.crs_not_on_earth", crs=crs.name[:80]))
    return crs


@lru_cache(64)
def _on_the_earth(crs: CRS) -> bool:
    """Whether its coordinates can be taken to longitude and latitude: not the Moon's, nor a building site's."""
    try:
        Transformer.from_crs(crs, WGS84, always_xy=True)
    except TransformError:
        return False
    return True


def require_metric(crs, meant: str) -> CRS:
    """`crs` as a CRS in metres, or a CRSError that says for what it was needed.

    Parameters
    ----------
    crs : anything pyproj understands
    meant : str
        What the metres are for, as in "Cells of 250 m".
    """
    crs = as_crs(crs)
    unit = crs.axis_info[0].unit_name if crs.axis_info else "unknown"
    if crs.is_geographic or unit not in ("metre", "meter"):
        raise CRSError(Note("read.needs_metric_crs", wanted=meant, crs=crs.name, unit=unit))
    return crs


def project(lon, lat, crs) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (WGS 84, degrees) → x, y in `crs`. What cannot be projected is inf."""
    return Transformer.from_crs(WGS84, crs, always_xy=True).transform(np.asarray(lon, float), np.asarray(lat, float))


def unproject(x, y, crs) -> tuple[np.ndarray, np.ndarray]:
    """x, y in `crs` → longitude, latitude (WGS 84, degrees)."""
    return Transformer.from_crs(crs, WGS84, always_xy=True).transform(np.asarray(x, float), np.asarray(y, float))
