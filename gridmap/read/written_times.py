"""Written times taken apart: which format a text has, and the numbers in it as columns.

A column repeats itself, so only its distinct texts are looked at, each format over all of them at once. What comes
out is calendar arithmetic in whole microseconds: the days since 1970, the time of day, the shift of a zone. What the
numbers mean where a date can be read in two ways is decided in `gridmap.read.times`.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridmap.read.time_patterns import MONTHS, PATTERNS, clean

__all__ = [
    "DAY",
    "HOUR",
    "days_since_1970",
    "distinct_texts",
    "format_parts",
    "in_order",
    "is_date",
    "plain_iso",
    "shift_zones",
    "time_of_day",
    "to_local",
]

DAY = 86_400_000_000
HOUR = DAY // 24


def distinct_texts(values) -> tuple[pa.Array, np.ndarray]:
    """Distinct texts, trimmed, and for each row which of them; their number stands for missing."""
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.array([None if v is None or v != v else str(v) for v in values], pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        if pa.types.is_floating(values.type):
            values = pa.array(
                [None if v is None or v != v else f"{v:.10f}".rstrip("0").rstrip(".") for v in values.to_pylist()],
                pa.string(),
            )
        else:
            values = values.cast(pa.string())
    values = pc.utf8_trim_whitespace(values)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    coded = values.dictionary_encode()
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return coded.dictionary, codes


def plain_iso(texts: pa.Array) -> np.ndarray | None:
    """Microseconds of plain ISO texts of one length, the common and fast case; None if any is not."""
    if not len(texts) or texts[0].as_py()[4:5] != "-":
        return None
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    if lengths["min"] != lengths["max"] or lengths["min"] not in (10, 19):
        return None
    try:
        return texts.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def format_parts(texts: list[str]):
    """(format, which texts, their numbers) for each format that some text has."""
    left = np.arange(len(texts))
    cleaned = [clean(t) for t in texts]
    for name, pattern in PATTERNS.items():
        if not len(left):
            return
        values = pa.array([cleaned[i] for i in left], pa.string())
        found = pc.extract_regex(values, pattern=pattern)
        hit = np.asarray(found.is_valid())
        if not hit.any():
            continue
        fields = found.filter(pa.array(hit))
        raw = {f.name: fields.field(f.name) for f in fields.type}
        yield name, left[hit], {k: _number(k, v) for k, v in raw.items()}
        left = left[~hit]


def _number(name: str, values: pa.Array) -> np.ndarray:
    if name in ("ap", "pm", "z", "half"):
        return np.asarray(values.fill_null("").to_pylist(), object)
    if name == "mon":
        return np.asarray([MONTHS[v[:3].lower()] for v in values.to_pylist()], np.int64)
    if name == "f":
        return np.asarray([int((v or "0").ljust(6, "0")[:6]) for v in values.to_pylist()], np.int64)
    if name == "serial":
        return np.asarray(values.cast(pa.float64()))
    filled = pc.if_else(pc.equal(values.fill_null(""), ""), "-1", values)
    return np.asarray(filled.cast(pa.int64()))


def in_order(parts: dict, order: str):
    """Year, month and day of dates written with numbers only, read in an order such as `dmy`; −1 for no year."""
    a, b, c = parts["a"], parts["b"], parts["c"]
    long_year = c > 99
    y, m, d = {"ymd": (a, b, c), "dmy": (c, b, a), "mdy": (c, a, b)}[order]
    if order == "ymd":
        y = np.where(long_year, -1, y)
    y = np.where((y >= 0) & (y < 70), y + 2000, np.where((y >= 70) & (y < 100), y + 1900, y))
    return y, m, d


def is_date(y, m, d) -> np.ndarray:
    """Whether there is such a day, from 1900 to 2100."""
    leap = (y % 4 == 0) & ((y % 100 != 0) | (y % 400 == 0))
    days = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.clip(m, 0, 12)]
    days = np.where(leap & (m == 2), 29, days)
    return (y >= 1900) & (y <= 2100) & (m >= 1) & (m <= 12) & (d >= 1) & (d <= days)


def days_since_1970(y, m, d) -> np.ndarray:
    """Days from 1 January 1970 to a date."""
    months = ((np.clip(y, 1, 9999) - 1970) * 12 + np.clip(m, 1, 12) - 1).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64) + d - 1


def time_of_day(parts: dict, size: int):
    """Microseconds after midnight, whether a clock was written, whether it can be."""
    if "H" not in parts:
        return np.zeros(size, np.int64), np.zeros(size, bool), np.ones(size, bool)
    hour, minute, second = (np.maximum(parts.get(k, np.zeros(size, np.int64)), 0) for k in "HMS")
    clocked = parts["H"] >= 0
    word = parts["ap"] if "ap" in parts else np.full(size, "", object)
    word = np.where(word == "", parts.get("pm", ""), word)
    word = np.array([str(w).lower().replace(".", "") for w in word], object)
    late = np.isin(word, ["下午", "傍晚", "晚上", "晚间", "夜间", "夜里", "pm"])
    noon = np.isin(word, ["中午", "正午"])
    early = np.isin(word, ["凌晨", "上午", "am", "午夜"])
    hour = np.where((late & (hour < 12)) | (noon & (hour < 3)), hour + 12, hour)
    # 夜间2时 and 晚上12时 are after midnight of the same date as written; 12 of the morning is midnight.
    hour = np.where(early & (hour == 12) & (word != "上午"), 0, hour)
    if "half" in parts:
        minute = np.where(parts["half"] == "半", 30, minute)
    whole_day = (hour == 24) & (minute == 0) & (second == 0)
    right = ((hour <= 23) | whole_day) & (minute <= 59) & (second <= 60)
    micro = hour * HOUR + minute * 60_000_000 + second * 1_000_000 + parts.get("f", 0)
    return micro, clocked, right | ~clocked


def shift_zones(moment: np.ndarray, zones: np.ndarray, timezone: str | None) -> np.ndarray:
    """Times with an offset, in the local time asked for; without one they keep the clock as written."""
    if timezone is None or not (zones != "").any():
        return moment
    out = moment.copy()
    for zone in set(zones[zones != ""]):
        sign = -1 if zone[0] == "-" else 1
        offset = 0 if zone in ("Z", "UTC", "GMT") else sign * (int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0))
        at = zones == zone
        out[at] = to_local(moment[at] - offset * 60_000_000, timezone)
    return out


def to_local(micro: np.ndarray, timezone: str) -> np.ndarray:
    """Microseconds of UTC as microseconds on the clock of a time zone."""
    stamps = pa.array(micro, pa.int64()).cast(pa.timestamp("us", tz=timezone))
    return np.asarray(pc.local_timestamp(stamps).cast(pa.int64()))
