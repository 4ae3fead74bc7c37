"""Frames as other programs can hold them: no periods, lists, categories, or whole numbers beyond 64 bits.

What cannot be kept as it is becomes text that says the same; nothing is lost, and the caller's frame is left alone.
"""

import json
from collections.abc import Iterable
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap._io import xml_text

__all__ = ["geometry_kind", "pieces_of", "plain_frame", "unique_names"]

LARGEST = 2**63 - 1
CORNERS_TOGETHER = 1_000_000  # that are written at a time


def plain_frame(frame: pd.DataFrame, *, reserved: Iterable[str] = ()) -> pd.DataFrame:
    """The frame with its named index as columns, column names as text, and values of plain types.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
    reserved : names that the format keeps for itself, as GeoPackage does `fid`
        A column of that name, in any case of letters, gets a `_` behind it.

    Returns
    -------
    DataFrame or GeoDataFrame
        Types: bool, int64, float64, text, datetime (with or without time zone), date as text, geometry.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"n": [1, 2]}, index=pd.PeriodIndex(["2018-07", "2018-08"], freq="M", name="period"))
    >>> plain_frame(frame).to_dict("list")
    {'period': ['2018-07', '2018-08'], 'n': [1, 2]}
    """
    geometry = frame._geometry_column_name if isinstance(frame, gpd.GeoDataFrame) else None
    geometry = geometry if geometry in frame else None
    columns: list[tuple[str, object]] = []
    if any(name is not None for name in frame.index.names):
        for i, name in enumerate(frame.index.names):
            columns.append((f"level_{i}" if name is None else _name(name), frame.index.get_level_values(i)))
    shapes = None
    for i, column in enumerate(frame.columns):
        if geometry is not None and column == geometry and shapes is None:
            shapes = frame.geometry.array
            continue
        columns.append((_name(column), frame.iloc[:, i]))
    names = unique_names([name for name, _ in columns], ({geometry} if geometry else set()) | set(reserved))
    made = {n: _plain(values) for n, (_, values) in zip(names, columns, strict=True)}
    table = pd.DataFrame(made, index=pd.RangeIndex(len(frame)))
    return table if shapes is None else gpd.GeoDataFrame(table, geometry=shapes, crs=frame.crs)


def unique_names(names: list[str], reserved: Iterable[str] = ()) -> list[str]:
    """Names as databases tell them apart, which is without regard to the case of letters.

    Examples
    --------
    >>> unique_names(["count", "Count", "fid"], {"fid"})
    ['count', 'Count_2', 'fid_']
    """
    taken, found = {r.lower() for r in reserved}, []
    for name in names:
        new, n = name, 2
        if new.lower() in {r.lower() for r in reserved}:
            new = f"{name}_"
        while new.lower() in taken:
            new, n = f"{name}_{n}", n + 1
        taken.add(new.lower())
        found.append(new)
    return found


def _name(column) -> str:
    text = "_".join(map(str, column)) if isinstance(column, tuple) else str(column)
    return xml_text(text).strip() or "column"


def _plain(values) -> pd.Series | np.ndarray:
    """One column, of a plain type."""
    series = pd.Series(values).reset_index(drop=True)
    dtype = series.dtype
    if isinstance(dtype, gpd.array.GeometryDtype):  # a second geometry
        return _text(series.to_wkt())
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(series.astype(dtype.categories.dtype) if len(dtype.categories) else series.astype(object))
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        return _text(series.astype(object))
    if dtype.kind == "m":
        return series.dt.total_seconds()
    if dtype.kind == "c":
        return _text(series.astype(object))
    if dtype.kind == "u" and len(series) and series.max() > LARGEST:
        return _text(series.astype(object))
    if dtype.kind == "u":
        return series.astype("Int64" if series.isna().any() else "int64")
    if dtype.kind == "f":
        return _finite(series)
    if dtype.kind in "biM":
        return series
    return _of_objects(series)


def _finite(series: pd.Series) -> pd.Series:
    numbers = series.astype("float64")
    return numbers.where(np.isfinite(numbers.to_numpy("float64", na_value=np.nan)))


def _of_objects(series: pd.Series) -> pd.Series:
    """Objects as the one plain type that holds all of them; else as text."""
    series = series.astype(object)
    there = series[series.notna().to_numpy(bool)]
    kinds = {type(v) for v in there}
    if kinds and kinds <= {bool, np.bool_}:
        return series.where(series.notna(), None).astype("boolean")
    if kinds and all(issubclass(k, int | np.integer) and k is not bool for k in kinds):
        if all(-LARGEST <= int(v) <= LARGEST for v in there):
            return series.where(series.notna(), None).astype("Int64")
    elif kinds and all(issubclass(k, int | float | np.integer | np.floating) and k is not bool for k in kinds):
        return _finite(series)
    elif kinds and all(issubclass(k, pd.Timestamp) for k in kinds) and len({v.tzinfo for v in there}) == 1:
        return pd.Series(pd.to_datetime(series))
    return _text(series)


def _text(series: pd.Series) -> pd.Series:
    """Text without control characters; what is missing stays missing."""

    def written(value):
        if isinstance(value, str):
            return xml_text(value)
        if isinstance(value, list | tuple | dict | set | np.ndarray):
            given = sorted(value, key=str) if isinstance(value, set) else value
            given = given.tolist() if isinstance(given, np.ndarray) else given
            return xml_text(json.dumps(given, ensure_ascii=False, default=str))
        if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            return None
        return value.hex() if isinstance(value, bytes) else xml_text(str(value))

    return pd.Series([written(v) for v in series], dtype=object).astype("str")


def pieces_of(frame: gpd.GeoDataFrame) -> list[slice]:
    """Runs of rows with a million corners or so each: a file is written piece by piece, so that memory never holds all
    outlines in its format as well."""
    corners = np.cumsum(shapely.get_num_coordinates(frame.geometry.to_numpy()))
    if not len(corners) or corners[-1] <= CORNERS_TOGETHER:
        return [slice(0, len(frame))]
    ends = np.searchsorted(corners, np.arange(CORNERS_TOGETHER, corners[-1], CORNERS_TOGETHER)) + 1
    limits = np.unique(np.r_[0, ends, len(frame)]).tolist()
    return [slice(first, end) for first, end in pairwise(limits)]


def geometry_kind(frame: pd.DataFrame) -> dict:
    """The kind of shape, named where an empty or mixed frame does not show it."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return {}
    kinds = set(frame.geom_type.dropna())
    if kinds <= {"Polygon", "MultiPolygon"}:
        several = kinds != {"Polygon"}
        return {"geometry_type": "MultiPolygon" if several else "Polygon", "promote_to_multi": several}
    return {"promote_to_multi": False} if len(kinds) == 1 else {"geometry_type": "Unknown"}
