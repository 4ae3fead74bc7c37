"""Which datum a coordinate is on, and the way to WGS 84 and back.

Maps sold in China are on GCJ-02, which shifts WGS 84 by some hundreds of metres with a smooth formula; Baidu's
BD-09 shifts GCJ-02 once more. A mix-up moves every point by several cells. The shift applies inside the
published rectangle (72.004–137.8347° E, 0.8293–55.8271° N) and is the identity outside it. The way back has
no closed form; a fixed-point iteration reaches a residual below 10⁻⁹ degrees (0.1 mm) in a few rounds.
CGCS2000 (EPSG:4490) differs from WGS 84 by centimetres and is taken as equal.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.metric_projection import metric_crs, project

__all__ = ["DATUMS", "DatumEstimate", "cgcs2000_zone", "estimate_datum", "from_wgs84", "possible_crs", "to_wgs84"]

DATUMS = ("wgs84", "gcj02", "bd09", "cgcs2000")
_RECTANGLE = (72.004, 137.8347, 0.8293, 55.8271)
_A, _EE = 6378245.0, 0.00669342162296594323  # Krasovsky 1940
_BLOCK = 1 << 15  # rows at a time, so that the work stays in the processor's cache


def _offset(lon, lat):
    """The GCJ-02 shift in degrees at a WGS 84 place."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    px = np.pi * x
    py = np.pi * y
    wave = 20 * np.sin(6 * px) + 20 * np.sin(2 * px)
    dlat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    dlat += (wave + 20 * np.sin(py) + 40 * np.sin(py / 3) + 160 * np.sin(py / 12) + 320 * np.sin(py / 30)) * (2 / 3)
    dlon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    dlon += (wave + 20 * np.sin(px) + 40 * np.sin(px / 3) + 150 * np.sin(px / 12) + 300 * np.sin(px / 30)) * (2 / 3)
    radians = np.deg2rad(lat)
    sine = np.sin(radians)
    magic = 1 - _EE * sine * sine
    sqrt_magic = np.sqrt(magic)
    dlat = dlat * 180 / (_A * (1 - _EE) / (magic * sqrt_magic) * np.pi)
    dlon = dlon * 180 / (_A / sqrt_magic * np.cos(radians) * np.pi)
    return dlon, dlat


def _inside(lon, lat):
    west, east, south, north = _RECTANGLE
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def _gcj_forward(lon, lat):
    dlon, dlat = _offset(lon, lat)
    return lon + dlon, lat + dlat


def _gcj_inverse(lon, lat):
    at_lon, at_lat = lon.copy(), lat.copy()
    for _ in range(12):
        dlon, dlat = _offset(at_lon, at_lat)
        next_lon, next_lat = lon - dlon, lat - dlat
        moved = max(np.max(np.abs(next_lon - at_lon), initial=0), np.max(np.abs(next_lat - at_lat), initial=0))
        at_lon, at_lat = next_lon, next_lat
        if moved < 1e-8:  # the step after that is below 1e-10 degrees
            break
    return at_lon, at_lat


_X_PI = np.pi * 3000 / 180


def _bd_forward(lon, lat):
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _X_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _X_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _bd_inverse(lon, lat):
    at_lon, at_lat = lon - 0.0065, lat - 0.006
    for _ in range(12):
        now_lon, now_lat = _bd_forward(at_lon, at_lat)
        step_lon, step_lat = lon - now_lon, lat - now_lat
        at_lon, at_lat = at_lon + step_lon, at_lat + step_lat
        if max(np.max(np.abs(step_lon), initial=0), np.max(np.abs(step_lat), initial=0)) < 1e-9:
            break
    return at_lon, at_lat


def _arrays(lon, lat, datum):
    if not isinstance(datum, str) or datum not in DATUMS:
        raise SettingError(Note("read.no_datum", datum=datum, meant=did_you_mean(str(datum), DATUMS)))
    try:
        x, y = np.asarray(lon, float), np.asarray(lat, float)
        x, y = np.broadcast_arrays(x, y)
    except (ValueError, TypeError):
        raise InputError(Note("read.lonlat_numbers")) from None
    return x, y


def _blockwise(x, y, convert):
    """`convert` on the finite points, in blocks; the others stay as they are."""
    out_x, out_y = x.ravel().copy(), y.ravel().copy()
    for start in range(0, out_x.size, _BLOCK):
        bx, by = out_x[start : start + _BLOCK], out_y[start : start + _BLOCK]
        # A margin of a hundredth of a degree: the exact rectangle is decided by `convert`.
        west, east, south, north = _RECTANGLE
        near = (bx > west - 0.1) & (bx < east + 0.1) & (by > south - 0.1) & (by < north + 0.1)
        if near.all():
            bx[:], by[:] = convert(bx.copy(), by.copy())
        elif near.any():
            bx[near], by[near] = convert(bx[near], by[near])
    shape = x.shape
    return (out_x.reshape(shape), out_y.reshape(shape)) if shape else (float(out_x[0]), float(out_y[0]))


def to_wgs84(lon, lat, *, datum: str):
    """Longitude and latitude on another datum → WGS 84.

    Parameters
    ----------
    lon, lat : float or array of float, degrees
    datum : {"gcj02", "bd09", "cgcs2000", "wgs84"}
        What they are on.

    Returns
    -------
    lon, lat : float or array of float, degrees
        nan stays nan.

    Raises
    ------
    SettingError
        If the datum is not known.
    InputError
        If lon and lat are not numbers, or of different lengths.

    Examples
    --------
    >>> lon, lat = to_wgs84(116.404, 39.915, datum="gcj02")
    >>> round(lon, 6), round(lat, 6)
    (116.397756, 39.913596)
    """
    x, y = _arrays(lon, lat, datum)

    def convert(x, y):
        if datum == "bd09":
            gx, gy = _bd_inverse(x, y)
        else:
            gx, gy = x, y
        wx, wy = _gcj_inverse(gx, gy)
        shifted = _inside(wx, wy)
        return np.where(shifted, wx, x), np.where(shifted, wy, y)

    if datum in ("wgs84", "cgcs2000"):
        return (x.copy(), y.copy()) if x.shape else (float(x), float(y))
    return _blockwise(x, y, convert)


def from_wgs84(lon, lat, *, datum: str):
    """Longitude and latitude in WGS 84 → another datum; the inverse of `to_wgs84`.

    Parameters
    ----------
    lon, lat : float or array of float, degrees
    datum : {"gcj02", "bd09", "cgcs2000", "wgs84"}
        What they are to be on.

    Returns
    -------
    lon, lat : float or array of float, degrees

    Raises
    ------
    SettingError
        If the datum is not known.
    InputError
        If lon and lat are not numbers, or of different lengths.

    Examples
    --------
    >>> lon, lat = from_wgs84(116.397755, 39.913596, datum="gcj02")
    >>> round(lon, 5), round(lat, 5)
    (116.404, 39.915)
    """
    x, y = _arrays(lon, lat, datum)

    def convert(x, y):
        gx, gy = _gcj_forward(x, y)
        if datum == "bd09":
            gx, gy = _bd_forward(gx, gy)
        shifted = _inside(x, y)
        return np.where(shifted, gx, x), np.where(shifted, gy, y)

    if datum in ("wgs84", "cgcs2000"):
        return (x.copy(), y.copy()) if x.shape else (float(x), float(y))
    return _blockwise(x, y, convert)


def cgcs2000_zone(easting: np.ndarray) -> int | None:
    """EPSG code of the Gauss–Krüger zone whose number stands before the easting, or None where there is none.

    6° zones 13–23 are EPSG:4491–4501, 3° zones 25–45 are EPSG:4513–4533.

    Examples
    --------
    >>> cgcs2000_zone(np.array([39512345.6, 39498000.0])), cgcs2000_zone(np.array([512345.6]))
    (4527, None)
    """
    finite = easting[np.isfinite(easting)]
    if not len(finite):
        return None
    zones = np.unique(finite // 1_000_000)
    zone = int(np.median(finite) // 1_000_000)
    if len(zones) > 3 or np.mean(finite // 1_000_000 == zone) < 0.9:
        return None
    if 13 <= zone <= 23:
        return 4491 + zone - 13
    return 4513 + zone - 25 if 25 <= zone <= 45 else None


#: The central meridians of CGCS2000's 3° zones, EPSG:4534 to 4554; its 6° zones with the same meridian are the same.
_MERIDIANS = range(75, 136, 3)


def possible_crs(bounds, near=None) -> tuple[int, ...]:
    """EPSG codes that the numbers of a file without a CRS could be in, the best first.

    Parameters
    ----------
    bounds : sequence of four floats
        Least x, least y, greatest x, greatest y, as they stand in the file.
    near : array of lon, lat, optional
        Places that should lie within, such as incidents of the same territory: without them an easting that carries no
        number of its zone could be in any.

    Returns
    -------
    tuple of int
        Empty where nothing fits.

    Examples
    --------
    >>> possible_crs([113.2, 27.1, 113.9, 27.6]), possible_crs([38_512_000, 3_001_000, 38_540_000, 3_020_000])
    ((4326,), (4526,))
    >>> possible_crs([635_000, 3_006_000, 651_000, 3_022_000]), possible_crs(
    ...     [635_000, 3_006_000, 651_000, 3_022_000], near=[[112.4, 27.2]]
    ... )[0]
    ((), 4546)
    """
    west, south, east, north = (float(v) for v in bounds)
    if not np.isfinite([west, south, east, north]).all():
        return ()
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return (4326,)
    zone = cgcs2000_zone(np.array([west, east])) if 0 < south <= north < 6e6 else None
    found = [] if zone is None else [zone]
    if max(abs(west), abs(east), abs(south), abs(north)) < 20_048_967 and max(abs(west), abs(east)) > 1_000_000:
        found.append(3857)
    places = np.asarray([] if near is None else near, float).reshape(-1, 2)
    if not len(places):
        return tuple(found)
    lon, lat = np.median(places, axis=0)
    if 0 <= west <= east < 1_000_000 and 0 <= south <= north < 10_000_000:
        nearest = sorted((m for m in _MERIDIANS if abs(m - lon) <= 4.5), key=lambda m: abs(m - lon))
        found += [4534 + (m - 75) // 3 for m in nearest]
        found.append((32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1)
        found += [27700] if -9 < lon < 2.1 and 49.7 < lat < 61 else []
    middle = np.array([(west + east) / 2, (south + north) / 2])
    far = {}
    for code in found:
        x, y = Transformer.from_crs(4326, code, always_xy=True).transform(lon, lat)
        far[code] = float(np.hypot(*(np.array([x, y]) - middle)))
    reach = float(np.hypot(east - west, north - south))
    return tuple(sorted((code for code in found if far[code] <= reach), key=lambda code: far[code]))


CANDIDATES = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True, repr=False)
class DatumEstimate(ShortForm):
    """What the evidence says.

    Attributes
    ----------
    likely : str or None
        None where the evidence does not decide.
    z_score : float
        Of the best against the second best; beyond 3 it counts as decided.
    evidence : dict
        Datum → measure → value, such as `inside` (share in the territory), `in_named_zone`, `road_distance_m` (median).
    """

    likely: str | None
    z_score: float
    evidence: dict

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"DatumEstimate: {self.likely or 'undecided'}, z = {self.z_score:.1f}"

    def sentence(self) -> Note:
        """The estimate in one line."""
        notes = {"inside": "read.measure_inside", "in_named_zone": "read.measure_in_named_zone"}
        evidence = []
        for datum, measures in self.evidence.items():
            found = [Note(notes[k], share=v) for k, v in measures.items() if k in notes]
            found += [Note("read.measure_road", m=v) for k, v in measures.items() if k == "road_distance_m"]
            evidence.append(Note("read.estimate_as", datum=datum, measures=found))
        if self.likely:
            return Note("read.estimate_likely", datum=self.likely, z=self.z_score, evidence=evidence)
        return Note("read.estimate_open", evidence=evidence)


def estimate_datum(lon, lat, *, boundaries=None, roads=None, zone=None, random_state=None) -> DatumEstimate:
    """The likely datum of points in China.

    Parameters
    ----------
    lon, lat : float arrays, (n,), degrees
        As they stand in the file.
    boundaries : GeoDataFrame as `read_boundaries` returns it, optional
    roads : GeoDataFrame of lines in EPSG:4326, optional
    zone : list of str, (n,), optional
        The zone (id or name) that each row itself names.
    random_state : int, optional
        Of the sample of 20,000 points that is looked at where there are more.

    Returns
    -------
    DatumEstimate

    Raises
    ------
    InputError
        If there is neither a boundary nor a road to fit against, or no point.

    Examples
    --------
    >>> from gridmap.read.datum import from_wgs84
    >>> town = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(116.40, 39.90, 116.42, 39.92)], crs=4326)
    >>> rng = np.random.default_rng(0)
    >>> lon, lat = from_wgs84(rng.uniform(116.40, 116.42, 500), rng.uniform(39.90, 39.92, 500), datum="gcj02")
    >>> estimate_datum(lon, lat, boundaries=town).likely
    'gcj02'
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    if boundaries is None and roads is None:
        raise InputError(Note("read.datum_needs_ground"))
    keep = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    if not len(keep):
        raise InputError(Note("read.datum_needs_points"))
    if len(keep) > 20_000:
        keep = np.sort(np.random.default_rng(random_state or 0).choice(keep, 20_000, replace=False))
    lon, lat = lon[keep], lat[keep]
    own = None if zone is None else np.asarray([None if z is None else str(z) for z in zone], object)[keep]
    fits, evidence = {}, {}
    for datum in CANDIDATES:
        x, y = to_wgs84(lon, lat, datum=datum)
        measures, fit = {}, np.zeros(len(x))
        if boundaries is not None:
            tree = shapely.STRtree(shapely.points(x, y))
            row, point = tree.query(boundaries.geometry.to_numpy(), predicate="intersects")
            inside = np.zeros(len(x), bool)
            inside[point] = True
            measures["inside"], fit = float(inside.mean()), inside.astype(float)
            if own is not None:
                names = (
                    boundaries[[c for c in ("zone_id", "name", "parent_id") if c in boundaries]].astype(str).to_numpy()
                )
                same = np.zeros(len(x), bool)
                same[point[(names[row] == own[point][:, None]).any(axis=1)]] = True
                known = pd.Index(own.astype(str)).isin(np.ravel(names))
                if known.mean() > 0.2:
                    measures["in_named_zone"] = float(same[known].mean())
                    fit = np.where(known, same, fit)
        if roads is not None:
            away = _road_distance(x, y, roads)
            measures["road_distance_m"] = float(np.median(away))
            fit = fit + (away < 30)
        fits[datum], evidence[datum] = fit, measures
    order = sorted(CANDIDATES, key=lambda d: -fits[d].sum())
    first, second = fits[order[0]], fits[order[1]]
    better, worse = int((first > second).sum()), int((first < second).sum())
    z = (better - worse) / np.sqrt(better + worse) if better + worse else 0.0
    return DatumEstimate(order[0] if z > 3 else None, float(z), evidence)


def _road_distance(x, y, roads: gpd.GeoDataFrame) -> np.ndarray:
    crs = metric_crs(tuple(roads.total_bounds))
    lines = roads.to_crs(crs).geometry.to_numpy()
    points = shapely.points(np.column_stack(project(x, y, crs)))
    _, distance = shapely.STRtree(lines).query_nearest(points, return_distance=True, all_matches=False)
    return distance
