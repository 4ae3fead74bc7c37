"""Which metric CRS a territory is measured in.

Coordinates inside gridmap are lon, lat in WGS 84. A length or an area needs metres, so one CRS is
chosen from the territory's extent and named in every result that used it: the UTM zone of its
middle, or, where it is wider than two UTM zones or reaches the poles, a Lambert azimuthal
equal-area projection centred on it.
"""

import re
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjError

from gridmap.errors import CRSError
from gridmap.messages import Note

__all__ = ["as_crs", "metric_crs", "names_a_file", "project", "require_metric", "unproject"]

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
    if east - west > 12 or north > 84 or south < -80:
        return CRS.from_proj4(f"+proj=laea +lat_0={lat:.6f} +lon_0={lon:.6f} +datum=WGS84 +units=m")
    zone = min(int((lon + 180) // 6) + 1, 60)
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


#: What makes a CRS open a file or an address: grids of shifts by name, `+init=` of a file, a link. "@null" is no file.
_NAMES_A_FILE = re.compile(
    r"(nadgrids|geoidgrids|grids|catalog|file)\s*=(?!\s*\"?@?null)|init\s*=(?!\s*epsg:)|PARAMETERFILE|://|^\s*[@./~]"
    r"|\.(gsb|gtx|tif|db|wkt|prj)\b",
    re.IGNORECASE,
)
#: The names of CRSs that look like addresses and are none.
_OGC = re.compile(r"https?://www\.opengis\.net/(def/crs|gml/srs)/", re.IGNORECASE)


def names_a_file(said: str) -> bool:
    """Whether a CRS, as text, would make PROJ open a file or an address."""
    return bool(_NAMES_A_FILE.search(_OGC.sub("", said)))


def as_crs(said: Any) -> CRS:
    """Anything that pyproj understands as a CRS, but for what would open another file or an address.

    Parameters
    ----------
    said : anything pyproj understands
        EPSG codes, URNs, WKT, PROJ strings.

    Raises
    ------
    CRSError
        If it is no CRS, or names a file or an address.

    Examples
    --------
    >>> as_crs("EPSG:4527").name
    'CGCS2000 / 3-degree Gauss-Kruger zone 39'
    """
    if isinstance(said, str) and names_a_file(said):
        raise CRSError(Note("read.crs_names_a_file", crs=said[:80]))
    try:
        crs = CRS.from_user_input(said)
    except (ProjError, ValueError, TypeError):
        raise CRSError(Note("read.bad_crs", crs=str(said)[:80])) from None
    if not isinstance(said, str | int) and names_a_file(crs.to_wkt()):
        raise CRSError(Note("read.crs_names_a_file", crs=crs.name[:80]))
    return crs


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
