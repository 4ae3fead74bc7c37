"""Are these numbers? Values that a person gives to a function: a list, an array, a Series, columns of a frame.

A text column in the place of numbers is the most common slip with a table that came out of a CSV file. It ends here, in
one sentence that names the argument and what stands in it, and not in what happened to fail deep inside.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.messages import Note, did_you_mean, wrong_kind

__all__ = ["as_numbers", "number_columns", "one_column", "with_geometry"]


def as_numbers(values: Any, name: str, *, missing: bool = True) -> np.ndarray:
    """Numbers as floats; what is missing (None, pd.NA) as nan.

    Parameters
    ----------
    values : number or array-like of any shape
        Text is refused, also where it looks like a number: a code cannot be an amount.
    name : str
        Of the argument or column, for the message.
    missing : bool
        Whether some may be missing. An infinite one never passes.

    Returns
    -------
    ndarray of float

    Raises
    ------
    InputError

    Examples
    --------
    >>> as_numbers([1, None, 2.5], "hits").tolist()
    [1.0, nan, 2.5]
    >>> try:
    ...     as_numbers(["many", 2], "hits")
    ... except InputError as error:
    ...     print(str(error).split(". ")[0])
    hits must be numbers; found 'many'
    """
    if values is None or isinstance(values, str | bytes | Mapping | set | frozenset | pd.DataFrame):
        raise InputError(Note("read.no_numbers", name=name, found=_shown(values)))
    if isinstance(values, pd.Series | pd.Index) and not isinstance(values.dtype, np.dtype | pd.CategoricalDtype):
        raw = np.asarray(values.astype(object))
    else:
        try:
            raw = np.asarray(values)
        except ValueError:  # lists of different lengths
            raise InputError(Note("read.no_numbers", name=name, found=_shown(values))) from None
    if raw.dtype.kind == "O":
        for value in raw.flat:
            if not (_is_missing(value) or isinstance(value, int | float | np.number | np.bool_)) or _is_complex(value):
                raise InputError(Note("read.no_numbers", name=name, found=_shown(value)))
        raw = np.array([np.nan if _is_missing(v) else float(v) for v in raw.flat], float).reshape(raw.shape)
    elif raw.dtype.kind not in "biuf":
        raise InputError(Note("read.no_numbers", name=name, found=_shown(raw.flat[0] if raw.size else values)))
    numbers = raw.astype(float)
    odd = np.isinf(numbers) if missing else ~np.isfinite(numbers)
    if odd.any():
        n, first = int(odd.sum()), float(numbers[odd].flat[0])
        raise InputError(Note("read.numbers_finite", name=name, n=n, of=numbers.size, found=first))
    return numbers


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _is_complex(value: Any) -> bool:
    return isinstance(value, complex | np.complexfloating)


def _shown(value: Any) -> str:
    if isinstance(value, str | bytes):
        text = repr(str(value) if isinstance(value, str) else value)  # numpy's text would show its type
    else:
        scalar = np.isscalar(value) or value is None or isinstance(value, pd.Timestamp | np.datetime64)
        text = str(value) if scalar else ""
    return text if 0 < len(text) <= 40 and "\n" not in text else type(value).__name__


def one_column(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column by its name, where it stands once.

    Raises
    ------
    InputError
        If the frame has none or two of that name.
    """
    if column not in frame.columns:
        raise InputError(
            Note("read.no_such_column", column=column, meant=did_you_mean(column, map(str, frame.columns)))
        )
    found = frame[column]
    if isinstance(found, pd.DataFrame):
        raise InputError(Note("read.column_twice", column=column, n=found.shape[1]))
    return found


def number_columns(frame: pd.DataFrame, columns: Sequence[str], *, missing: bool = True) -> pd.DataFrame:
    """Columns of numbers, as floats, by the frame's index.

    Raises
    ------
    InputError
        If one is absent, stands twice, or holds anything else.
    """
    if not isinstance(frame, pd.DataFrame):
        raise InputError(wrong_kind("areas", "columns_of", frame))
    return pd.DataFrame(
        {column: as_numbers(one_column(frame, column), column, missing=missing) for column in columns},
        index=frame.index,
    )


def with_geometry(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A GeoDataFrame whose column of shapes is there, and each of whose columns stands once.

    Raises
    ------
    InputError
        If it has lost its shapes, as `frame.drop(columns="geometry")` does, or has two columns of one name.
    """
    if frame.columns.has_duplicates:
        one_column(frame, frame.columns[frame.columns.duplicated()][0])
    if frame._geometry_column_name not in frame.columns:
        raise InputError(Note("read.no_active_geometry", columns=[str(c) for c in frame.columns[:6]]))
    return frame
