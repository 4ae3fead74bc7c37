"""What a frame's columns tell: persons, single incidents, exact places, exact times.

Found by the column's name and by what stands in it, the same way as at reading (`gridmap.read.persons`), because a
column may have come by another road: a frame of the user's own, an attribute of the boundaries.
"""

import re
import warnings
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._periods import DAYS, days_of
from gridmap.errors import GridmapWarning
from gridmap.messages import Note
from gridmap.read.persons import mask, personal_columns

__all__ = [
    "COORDINATES",
    "TIME_OF_DAY",
    "has_incidents",
    "is_number",
    "without_incidents",
    "without_persons",
]

#: Columns that tell one incident from another.
ONE_BY_ONE = re.compile(r"^(incident_?id|crime_?id|case_?(id|no|number)|member_?id|found)$", re.I)
#: Columns that tell where it was.
WHERE = re.compile(
    r"^(lon|lat|lng|longitude|latitude|x|y|x_m|y_m|easting|northing|coordinates?|wkt|geohash|location|address|"
    r"(centre|center|centroid)_?[xy]|axis_(long|short)_m|bearing_deg|radius(_m)?|经度|纬度|坐标|地址)$",
    re.I,
)
#: Columns that tell when it was.
WHEN = re.compile(r"^(occurred(_from|_to)?|reported_at|发生时间|发案时间)$", re.I)
#: The words of a zone are its names; a village called 王家庄 is not a person.
NAMES_OF_PLACES = {"name", "zone_id", "cell_id", "place_id", "level", "parent_id", "unit_id", "label", "category"}
#: Columns of codes, whose digits are nobody's number.
CODES = {"zone_id", "cell_id", "place_id", "parent_id"}
ABOUT_PLACES = ("zones", "cells", "places", "lines", "patrols", "clusters", "counts")
#: What has a place of its own, and is not an incident.
PLACED = ("places", "lines", "patrols", "zones")
COORDINATES = re.compile(r"(?<![\d.])-?\d{1,3}\.\d{4,}(?!\d)")
TIME_OF_DAY = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3])[:：][0-5]\d(?:[:：][0-5]\d(?:\.\d+)?)?(?![\d:])")


def is_number(column) -> bool:
    """Whether a column holds numbers (truth values are none)."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def without_persons(frame: pd.DataFrame, content: str, what: str) -> pd.DataFrame:
    """Without columns about persons (a warning names them); what text stays is starred where it quotes one."""
    geometry = _geometry(frame)
    named = (
        NAMES_OF_PLACES
        if content in ABOUT_PLACES
        else {"file", "spreadsheet_row", "row", "reason"}
        if content == "rows"
        else set()
    )
    requested = [c for c in frame.columns if isinstance(c, str) and c != geometry and c not in named]
    found = personal_columns((c, _values(frame[c])) for c in requested)
    if found:
        columns = [Note("privacy.column_why", column=mask(name), why=why) for name, why in found.items()]
        warnings.warn(Note("privacy.columns_left_out", what=what, columns=columns), GridmapWarning, stacklevel=3)
        frame = frame.drop(columns=list(found))
    return _rewritten(frame, mask)


def has_incidents(frame: pd.DataFrame, content: str) -> bool:
    """Whether rows are incidents, whatever was declared."""
    named = [c for c in frame.columns if isinstance(c, str)]
    one_by_one = "incident_id" in named
    if content in ("rows", "clusters"):
        return False
    if content in PLACED:
        return one_by_one or any(WHEN.match(c) for c in named)
    if isinstance(frame, gpd.GeoDataFrame) and len(frame):
        return bool(frame.geometry.geom_type.isin(("Point", "MultiPoint")).any())
    return one_by_one and any(WHERE.match(c) or WHEN.match(c) for c in named)


def without_incidents(frame: pd.DataFrame, content: str, unit: str, say: Callable[[str], str]) -> pd.DataFrame:
    """Without what tells incidents apart, exact places and times finer than `unit` ("day", "month")."""
    placed = content in PLACED
    gone = [
        c
        for c in frame.columns
        if isinstance(c, str) and (ONE_BY_ONE.match(c) or WHEN.match(c) or (WHERE.match(c) and not placed))
    ]
    frame = frame.drop(columns=gone)
    coarse = {c: _coarse(frame[c], unit) for c in frame.columns if isinstance(frame[c], pd.Series)}
    frame = frame.assign(**{c: v for c, v in coarse.items() if v is not None})
    if "days" in frame and is_number(frame["days"]):
        frame = frame.assign(days=np.ceil(frame["days"]))  # the time between two exact times is one too
    return _rewritten(frame, say)


def _geometry(frame: pd.DataFrame) -> str | None:
    return frame._geometry_column_name if isinstance(frame, gpd.GeoDataFrame) else None


def _values(column) -> list:
    """The different values of a column that may be text about persons; decimal numbers never are."""
    if not isinstance(column, pd.Series) or column.dtype.kind in "mMb":
        return []
    there = column.dropna()
    if column.dtype.kind == "f":
        there = there[np.isfinite(there.astype(float))]
        if not len(there) or (there % 1 != 0).any() or there.abs().max() >= 1e18:
            return []
        there = there.astype("int64")
    return [str(v) for v in there.unique()] if column.dtype != object else [str(v) for v in pd.unique(there.map(str))]


def _rewritten(frame: pd.DataFrame, say: Callable[[str], str]) -> pd.DataFrame:
    """Every text of a frame (values, headers, index) as `say` rewrites it."""
    geometry, changed = _geometry(frame), {}
    if frame.index.nlevels > 1 or not _codes(frame.index):
        frame = _index_rewritten(frame, say)
    for c in frame.columns:
        column = frame[c]
        if c == geometry or not isinstance(column, pd.Series) or column.dtype.kind in "biufcmM":
            continue
        if isinstance(column.dtype, pd.PeriodDtype | pd.IntervalDtype):
            continue
        if c in CODES and _codes(column):
            continue
        plain = column.astype(object)
        others = {v: say(v) for v in pd.unique(plain[plain.map(lambda v: isinstance(v, str))])}
        others = {v: s for v, s in others.items() if s != v}
        if others:
            changed[c] = plain.map(lambda v, o=others: o.get(v, v) if isinstance(v, str) else v)
    frame = frame.assign(**changed) if changed else frame
    headers = {c: say(c) for c in frame.columns if isinstance(c, str) and c != geometry and say(c) != c}
    return frame.rename(columns=headers) if headers else frame


def _codes(values) -> bool:
    """Whether all are codes: digits, which may look like anybody's number, or letters and digits."""
    return all(not isinstance(v, str) or v.isalnum() for v in values[:50_000].unique()[:2000])


def _index_rewritten(frame: pd.DataFrame, say: Callable[[str], str]) -> pd.DataFrame:
    index = frame.index
    if not isinstance(index, pd.MultiIndex):
        stated = [say(v) if isinstance(v, str) else v for v in index]
        return frame.set_axis(pd.Index(stated, name=index.name), axis=0) if list(index) != stated else frame
    for name, level in zip(index.names, index.levels, strict=True):
        stated = [say(v) if isinstance(v, str) else v for v in level]
        if name not in CODES and stated != list(level) and len(set(stated)) == len(stated):
            index = index.set_levels(stated, level=name)
    return frame.set_axis(index, axis=0) if index is not frame.index else frame


def _coarse(column: pd.Series, unit: str) -> pd.Series | None:
    """Times as text of the unit; None for what are not times, or coarse enough."""
    pattern = {"day": "%Y-%m-%d", "month": "%Y-%m"}[unit]
    if isinstance(column.dtype, pd.PeriodDtype):
        fine = days_of(column.dtype.freq) < DAYS[unit]
        return column.dt.start_time.dt.strftime(pattern) if fine else None
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.strftime(pattern)
    if column.dtype == object and column.map(lambda v: hasattr(v, "strftime")).any():
        return column.map(lambda v: v.strftime(pattern) if hasattr(v, "strftime") and v == v else v)
    return None
