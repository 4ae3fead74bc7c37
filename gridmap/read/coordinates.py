"""Numbers that are to be places: what is written in the coordinate columns, and what is wrong with it.

Decimal degrees, degrees-minutes-seconds (116°23′50″E, 东经116度23分50秒), metres of a named CRS, "lon,lat" or WKT in
one cell. Zeros, exchanged pairs and lost signs are recognised; they are repaired only when the caller asks.
"""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

__all__ = ["CHINA", "beside_the_mainland", "could_be_in_china", "needs_datum", "numbers", "split_pairs", "swapped_rows"]

#: Mainland China with Hong Kong, Macao and Taiwan, as (west, south, east, north) in degrees.
CHINA = (73.4, 3.4, 135.2, 53.7)

# Coarse boxes that cover the land of China. They decide only whether the datum must be given, so they are
# drawn to leave most of Korea, Vietnam, India and Mongolia outside, not to be a border.
_BOXES = (
    (73.4, 35.0, 80.4, 41.1),
    (79.9, 41.0, 97.0, 45.3),
    (82.0, 45.0, 97.0, 49.3),
    (78.0, 28.0, 100.0, 37.0),
    (97.3, 21.8, 108.0, 42.5),
    (106.6, 18.0, 122.2, 41.8),
    (111.0, 41.0, 124.6, 50.0),
    (119.5, 41.0, 131.2, 53.7),
)

_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?$"
_DMS = re.compile(
    r"^\s*(?P<before>[NSEW东西南北+-]?)[经纬:]*\s*(?P<d>\d{1,3}(?:\.\d+)?)\s*[°度º˚d:\s]\s*"
    r"(?:(?P<m>\d{1,2}(?:\.\d+)?)\s*['′’分m:\s]?\s*)?(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:\"|″|”|''|′′|秒|s)?)?\s*(?P<after>[NSEW东西南北]?)\s*$",
    re.IGNORECASE,
)
#: Characters that no coordinate has; patterns take the square of a text's length.
LONGEST = 400
_PAIR = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
#: A pair in brackets at the end of an address, as Socrata writes a place.
_AFTER_ADDRESS = re.compile(r"^[^()]*[^\W\d_][^()]*\(([-+]?\d+\.\d+)[°\s]*[,;]\s*([-+]?\d+\.\d+)[°\s]*\)\s*$")


#: A point as PostGIS exports it: well-known binary in hexadecimal digits, with or without the number of its CRS.
_WKB = re.compile(r"0[01][0-9A-Fa-f]{40,84}")


def _point_of_wkb(text: str) -> tuple[float, float]:
    try:
        point = shapely.from_wkb(text)
    except (shapely.errors.GEOSException, ValueError):
        return np.nan, np.nan
    return (point.x, point.y) if point.geom_type == "Point" and not point.is_empty else (np.nan, np.nan)


def could_be_in_china(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Which points may lie in China, generously: there the datum must be known."""
    inside = np.zeros(np.shape(lon), bool)
    for west, south, east, north in _BOXES:
        inside |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


#: Taiwan with its islands, Hong Kong and Macao: as boxes and outlines that leave the mainland's coast outside. Offices
#: there write WGS 84 or a grid of their own, never the shifted coordinates of the mainland's maps.
_BOXES_BESIDE = {
    "Asia/Taipei": (
        (119.95, 21.8, 122.2, 25.4),
        (119.2, 21.8, 122.2, 24.0),
        (118.205, 24.375, 118.5, 24.53),
        (119.9, 25.93, 120.1, 26.27),
        (120.4, 26.3, 120.6, 26.4),
    )
}
_OUTLINES_BESIDE = {
    "Asia/Hong_Kong": (
        (113.83, 22.13), (114.5, 22.13), (114.5, 22.4), (114.33, 22.555), (114.22, 22.553), (114.16, 22.56),
        (114.11, 22.53), (114.07, 22.517), (114.03, 22.5), (113.98, 22.475), (113.92, 22.44), (113.84, 22.36),
    ),
    "Asia/Macau": (
        (113.552, 22.1), (113.61, 22.1), (113.61, 22.215), (113.547, 22.2165), (113.534, 22.212), (113.529, 22.203),
        (113.533, 22.19), (113.538, 22.177), (113.55, 22.165), (113.552, 22.14),
    ),
}  # fmt: skip


def beside_the_mainland(lon: np.ndarray, lat: np.ndarray) -> str | None:
    """The time zone of Taiwan, Hong Kong or Macao where most of the points lie there; None elsewhere.

    Examples
    --------
    >>> beside_the_mainland([121.5, 121.6], [25.0, 25.1]), beside_the_mainland([114.17], [22.3])
    ('Asia/Taipei', 'Asia/Hong_Kong')
    >>> beside_the_mainland([114.06], [22.54]), beside_the_mainland([118.1], [24.47])  # Shenzhen, Xiamen
    (None, None)
    """
    x, y = np.asarray(lon, float), np.asarray(lat, float)
    if not x.size:
        return None
    for zone, boxes in _BOXES_BESIDE.items():
        inside = np.zeros(x.shape, bool)
        for west, south, east, north in boxes:
            inside |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
        if inside.mean() > 0.5:
            return zone
    for zone, outline in _OUTLINES_BESIDE.items():
        if shapely.contains_xy(shapely.Polygon(outline), x, y).mean() > 0.5:
            return zone
    return None


def needs_datum(lon: np.ndarray, lat: np.ndarray) -> bool:
    """Whether most of the points may lie on the mainland of China, where the datum must be known."""
    return bool(could_be_in_china(lon, lat).mean() > 0.5) and beside_the_mainland(lon, lat) is None


def numbers(values) -> tuple[np.ndarray, np.ndarray]:
    """A coordinate column as floats.

    Parameters
    ----------
    values : Arrow array, (n,)
        Text or numbers.

    Returns
    -------
    number : float array, (n,)
        nan where there is none.
    written : bool array, (n,)
        Whether something stood there at all; written and nan is what could not be read.

    Examples
    --------
    >>> number, written = numbers(pa.array(["116.5", "39°54′0″", "东经116度30分", "1,5", "here", ""]))
    >>> number.tolist(), written.tolist()
    ([116.5, 39.9, 116.5, 1.5, nan, nan], [True, True, True, True, True, False])
    """
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    kind = values.type
    if (packed := _packed_degrees(values)) is not None:
        return packed, np.isfinite(packed)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        out = values.cast(pa.float64(), safe=False)
        found = np.asarray(out.fill_null(np.nan))
        return np.where(np.isfinite(found), found, np.nan), ~np.isnan(found)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        values = pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
    try:  # the common case: plain decimals in every row
        out = np.array(values.cast(pa.float64()).fill_null(np.nan))
        written = np.asarray(values.is_valid())
        if np.isfinite(out[written]).all() and not _are_thousands(values.slice(0, 20)):
            return out, written
    except pa.ArrowInvalid:
        pass
    text = pc.utf8_trim_whitespace(values)
    if _are_thousands(text):
        text = pc.replace_substring_regex(text, r"[.,]", "")
    plain = pc.fill_null(pc.match_substring_regex(text, _PLAIN), False)
    out = np.array(pc.if_else(plain, text, None).cast(pa.float64()).fill_null(np.nan))
    written = np.array(pc.fill_null(pc.not_equal(text, ""), False))
    rest = np.flatnonzero(written & ~np.asarray(plain))
    if len(rest):
        coded = text.take(pa.array(rest)).dictionary_encode()
        read = np.array([_odd_number(t) for t in coded.dictionary.to_pylist()], float)
        out[rest] = read[np.asarray(coded.indices)]
        words = np.array([t.lower() in _ABSENT for t in coded.dictionary.to_pylist()])
        written[rest[words[np.asarray(coded.indices)]]] = False
    return np.where(np.isfinite(out), out, np.nan), written


def _packed_degrees(values: pa.Array) -> np.ndarray | None:
    """354012345 and 1394512345, degrees with minutes, seconds and milliseconds behind each other; None if they are not.

    Japan's traffic accidents are written so. No metre has so many digits.
    """
    some = [v for v in values.slice(0, 50).to_pylist() if v not in (None, "", 0, "0")]
    if not some or not all(re.fullmatch(r"\d{9,10}(\.0)?", str(v).strip()) for v in some):
        return None
    try:
        written = pc.utf8_trim_whitespace(values.cast(pa.string()))
        whole = pc.cast(pc.if_else(pc.equal(written, ""), None, written), pa.float64())
    except pa.ArrowInvalid:
        return None
    number = np.asarray(whole.fill_null(0.0))
    degrees, minutes, seconds = number // 1e7, number // 1e5 % 100, number % 1e5 / 1e3
    if ((minutes >= 60) | (seconds >= 60) | (degrees >= 180) | (number < 0)).any():
        return None
    return np.where(number == 0, np.nan, degrees + minutes / 60 + seconds / 3600)


def _are_thousands(text: pa.Array) -> bool:
    """Whether every number has one group of three digits behind a point or comma, and most would be no degrees.

    430,000 and 430.000 are metres then; 116,397 is a degree with a decimal comma.
    """
    some = [
        t
        for t in text.slice(0, 10_000).to_pylist()
        if t and t.lower() not in _ABSENT and not re.fullmatch(r"0|\d{1,3}", t)
    ]
    grouped = [t for t in some if re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", t)]
    if not some or len(grouped) < len(some):
        return False
    return sum(abs(float(t.replace(",", "."))) > 180 for t in grouped) > 0.5 * len(grouped)


_ABSENT = {"nan", "null", "none", "na", "n/a", "-", "--", "\\n", "无", "未知", "不详", "空"}


def _odd_number(text: str) -> float:
    """Fullwidth digits, decimal commas, degrees-minutes-seconds; nan for anything else."""
    if len(text) > LONGEST:
        return float("nan")
    text = unicodedata.normalize("NFKC", text).strip().removeprefix("=").strip("'\"“”").strip()
    text = text.replace("′′", "″").replace("−", "-")
    if re.match(_PLAIN, text):
        return float(text)
    if (grouped := _grouped(text)) is not None:
        return grouped
    if match := re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*[°度]?\s*([NSEW东西南北]?)", text, re.IGNORECASE):
        return float(match.group(1)) * (
            -1 if match.group(2).upper() in ("S", "W", "西", "南") and match.group(2) else 1
        )
    if (match := re.fullmatch(r"([NSEW东西南北])[经纬:]*\s*(\d+(?:\.\d+)?)\s*[°度]?", text, re.IGNORECASE)) is not None:
        return float(match.group(2)) * (-1 if match.group(1).upper() in ("S", "W", "西", "南") else 1)
    if match := _DMS.match(text):
        minutes, seconds = float(match["m"] or 0), float(match["s"] or 0)
        if minutes < 60 and seconds < 60 and match["m"]:
            side = {match["before"].upper(), match["after"].upper()}
            sign = -1 if side & {"S", "W", "西", "南", "-"} else 1
            return sign * (float(match["d"]) + minutes / 60 + seconds / 3600)
    return float("nan")


def _grouped(text: str) -> float | None:
    """Decimal commas and groups of thousands: 1,5 and 3.450.123,75 and 3,450,123.75 and 3 450 123,75."""
    text = re.sub(r"(?<=\d)[\s'’](?=\d{3}(\D|$))", "", text)
    if re.match(_PLAIN, text):
        return float(text)
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d{1,3}(\.\d{3}){2,}", text):
        return float(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if re.fullmatch(r"[+-]?\d+,\d+", text) else None


def split_pairs(values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two numbers in one cell, "116.4,39.9", "(41.8, -87.6)" or "POINT (116.4 39.9)", in the order they stand.

    Returns
    -------
    first, second : float arrays, (n,)
    written : bool array, (n,)

    Examples
    --------
    >>> split_pairs(pa.array(["116.4,39.9", "POINT (116.4 39.9)", "none"]))[0].tolist()
    [116.4, 116.4, nan]
    """
    texts = [None if v is None else unicodedata.normalize("NFKC", str(v)) for v in values.to_pylist()]
    first, second = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    absent = {"", *_ABSENT}
    written = np.array([t is not None and t.strip().lower() not in absent for t in texts], dtype=bool)
    for i, text in enumerate(texts):
        if text and _WKB.fullmatch(text.strip()):
            first[i], second[i] = _point_of_wkb(text.strip())
        elif text and (pair := _AFTER_ADDRESS.match(text[:LONGEST])):
            first[i], second[i] = float(pair[1]), float(pair[2])
        elif text and len(found := _PAIR.findall(text[:LONGEST])) in (2, 3):
            first[i], second[i] = float(found[0]), float(found[1])
    return first, second, written


def swapped_rows(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Which pairs make sense only when exchanged.

    A latitude beyond 90° with a "longitude" within it is exchanged for certain. Where most of the rest lies in
    China, so is a pair that lies there only when exchanged.

    Examples
    --------
    >>> swapped_rows(np.array([116.4, 39.9]), np.array([39.9, 116.4])).tolist()
    [False, True]
    """
    with np.errstate(invalid="ignore"):
        certain = (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
        here = could_be_in_china(lon, lat)
        if here.all():
            return certain
        there = could_be_in_china(lat, lon)
        usual = here | (certain & there)
        if usual.sum() > 0.5 * np.isfinite(lon).sum():
            certain |= ~here & there
    return certain
