"""Points as everybody brings them: a GeoDataFrame in any CRS, a table with lon and lat, a plain array."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note
from gridmap.read.numbers import as_numbers, one_column, with_geometry

__all__ = ["as_points", "check_number", "id_column", "id_or_note", "lonlat", "numbered_note", "shown_id", "weighted"]


def lonlat(points, what: str) -> np.ndarray:
    """Longitude and latitude in WGS 84, shape (n, 2).

    Parameters
    ----------
    points : GeoDataFrame, GeoSeries, DataFrame with `lon, lat`, or array-like (n, 2) of lon, lat
        Areas count by a point inside them, lines by their middle.
    what : str
        What they are, for the error message: one of the catalogue's `patrol.what`.

    Examples
    --------
    >>> lonlat([(-1.55, 53.80)], "stations").shape
    (1, 2)
    """
    named = Note(f"patrol.what.{what}")
    if isinstance(points, gpd.GeoDataFrame | gpd.GeoSeries):
        series = with_geometry(points).geometry if isinstance(points, gpd.GeoDataFrame) else points
        if len(series) == 0:
            raise InputError(Note("patrol.no_rows", what=named))
        if series.crs is None:
            raise CRSError(Note("patrol.no_crs", what=named))
        shapes = series.to_crs(4326).to_numpy()
        areas, lines = np.isin(shapely.get_type_id(shapes), [3, 6]), np.isin(shapely.get_type_id(shapes), [1, 5])
        shapes = shapes.copy()
        shapes[areas] = shapely.point_on_surface(shapes[areas])
        shapes[lines] = shapely.line_interpolate_point(shapely.line_merge(shapes[lines]), 0.5, normalized=True)
        shapes[shapely.is_empty(shapes)] = None  # GEOS knows no coordinate of POINT EMPTY
        xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    elif isinstance(points, pd.DataFrame):
        lower = {str(c).lower(): c for c in points.columns}
        if not {"lon", "lat"} <= lower.keys():
            raise InputError(
                Note("patrol.no_lonlat", what=named, found=list(map(str, points.columns)) or Note("patrol.no_columns"))
            )
        xy = points[[lower["lon"], lower["lat"]]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    else:
        try:
            xy = np.asarray(points, dtype=float)
        except (TypeError, ValueError):
            xy = np.empty(0)
        if xy.ndim != 2 or xy.shape[1] != 2:
            raise InputError(Note("patrol.not_points", what=named, found=type(points).__name__))
    if len(xy) == 0:
        raise InputError(Note("patrol.no_rows", what=named))
    bad = (
        ~np.isfinite(xy).all(axis=1) | (np.abs(np.nan_to_num(xy[:, 0])) > 180) | (np.abs(np.nan_to_num(xy[:, 1])) > 90)
    )
    if bad.any():
        raise InputError(
            Note("patrol.bad_coordinates", bad=int(bad.sum()), rows=len(bad), what=named, row=int(np.argmax(bad)))
        )
    return xy


def id_column(frame, names: tuple[str, ...], prefix: str) -> list[str]:
    """The ids in the first of `names` that the frame has, as unique strings; else `prefix` and the row number.

    Examples
    --------
    >>> id_column(pd.DataFrame({"place_id": [7, 8]}), ("place_id",), "place ")
    ['7', '8']
    """
    for name in names:
        if name in frame.columns:
            held = one_column(frame, name)
            ids = held.astype(str).tolist()
            if held.isna().any():
                raise InputError(Note("patrol.id_missing", column=name))
            if len(set(ids)) < len(ids):
                twice = next(i for i in ids if ids.count(i) > 1)
                raise InputError(Note("patrol.id_repeats", column=name, found=twice))
            return ids
    if frame.index.name in names and frame.index.is_unique:
        return [str(i) for i in frame.index]
    return [f"{prefix}{i + 1}" for i in range(len(frame))]


_NUMBERED = re.compile(r"(unit|post|station|site|street|place) (\d+)")


def shown_id(name: object, language: str = "en") -> str:
    """An id as people read it: a number that gridmap gave in the language's words, any other as it is.

    Examples
    --------
    >>> shown_id("unit 2", "zh"), shown_id("unit 2"), shown_id("城东一组", "zh")
    ('第2组', 'unit 2', '城东一组')
    """
    found = _NUMBERED.fullmatch(str(name))
    return str(name) if found is None else numbered_note(found[1], int(found[2])).say(language)


def numbered_note(kind: str, n: int) -> Note:
    """A number that gridmap gave, to be put in words later."""
    return Note(f"patrol.numbered_{kind}", n=n)


def id_or_note(name: object) -> "str | Note":
    """An id, or the note that says the number which gridmap gave."""
    found = _NUMBERED.fullmatch(str(name))
    return str(name) if found is None else numbered_note(found[1], int(found[2]))


def as_points(xy: np.ndarray) -> np.ndarray:
    """An array of shapely points from lon, lat."""
    return shapely.points(xy[:, 0], xy[:, 1])


def check_number(value, name: str, *, least: float = 0.0, most: float = np.inf, above: bool = True) -> float:
    """`value` as a float within (least, most], or [least, most] when `above` is False; else a SettingError."""
    good = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not good or not np.isfinite(value) or value > most or value < least or (above and value == least):
        code = f"patrol.number_{'above' if above else 'from'}{'_to' if np.isfinite(most) else ''}"
        raise SettingError(Note(code, name=name, least=least, most=most, found=value))
    return float(value)


def weighted(frame, name: str, preferred: tuple[str, ...]):
    """Points with weights: lon, lat (n, 2), and the first of the preferred columns that is there, else ones."""
    xy = lonlat(frame, name)
    column = next((c for c in preferred if isinstance(frame, pd.DataFrame) and c in frame), None)
    weight = np.ones(len(xy)) if column is None else np.nan_to_num(as_numbers(one_column(frame, column), column))
    if (weight < 0).any():
        raise InputError(Note("patrol.weight_negative", column=column, what=Note(f"patrol.what.{name}")))
    return xy, weight
