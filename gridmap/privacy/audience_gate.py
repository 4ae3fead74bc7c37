"""The gate: what a frame carries is declared by its writer, and held against what its readers may have.

A writer says *what* it writes (cells, clusters, zones, counts, …) and *for whom*; the gate gives back the frame that
may be written, or refuses in one line that says what to do. It looks at what is there, not at where it came from: an
attribute of a boundary, a category's name or a user's own column is searched for persons like any other.
"""

import re
from typing import Any, overload

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._periods import DAYS, days_of
from gridmap.audiences import AUDIENCES, DEFAULT_AUDIENCE, Audience, check_audience
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.privacy.disclosive_columns import (
    COORDINATES,
    TIME_OF_DAY,
    has_incidents,
    is_number,
    without_incidents,
    without_persons,
)
from gridmap.privacy.safe_shapes import covered
from gridmap.read.metric_projection import metric_crs
from gridmap.read.persons import mask

__all__ = ["CONTENTS", "check_k", "check_periods", "gate", "gate_text", "smallest_counts"]

#: What a writer can declare, and what that is.
CONTENTS = {
    "cells": "one row a cell of a grid, with numbers about it",
    "counts": "numbers by cell, period or category, without shapes",
    "clusters": "one row a cluster, its outline drawn around incidents",
    "points": "one row an incident",
    "places": "points that are not incidents: cameras, posts, stops of a patrol",
    "lines": "streets",
    "patrols": "who goes where, and when",
    "zones": "boundaries",
    "rows": "rows of an input that were set aside",
    "table": "any other table: bands, hours, settings, sentences",
}
COUNTS = re.compile(r"^(count|counts|n|cases|events|incidents|observed|before|after|total)$|^count_|_count$", re.I)
#: Numbers that only incidents can have made: the public may have them beside counts, not without.
DERIVED = re.compile(
    r"^(z_score|p_value|q_value|intensity|density|rate|expected|ratio|label|local_.*|difference|stability)$|^rate_",
    re.I,
)
#: Values of notes that are coordinates of places.
PLACED = re.compile(r"^(lon|lat|lng|longitude|latitude|x|y|x_m|y_m|easting|northing)\d*$", re.I)


def gate(
    frame: pd.DataFrame,
    content: str,
    *,
    audience: str = DEFAULT_AUDIENCE,
    k: int | None = None,
    what: str | None = None,
) -> pd.DataFrame:
    """What of a frame may be written for an audience.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Not changed.
    content : str
        What it is: one of `CONTENTS`.
    audience : {"internal", "meeting", "public"}
    k : int, optional
        The smallest count for the public; the table's when not given.
    what : str or Note, optional
        What to call it in a message; "The table" when not given.

    Returns
    -------
    DataFrame or GeoDataFrame
        The same rows in the same order. Columns about persons (a GridmapWarning names them), single incidents, exact
        places and times are gone, outlines of clusters are covered by cells.

    Raises
    ------
    InputError
        If the audience may not have this at all, with what could be written instead.
    SettingError
        For an unknown audience or content, or a k below 2.

    Examples
    --------
    >>> cells = pd.DataFrame({"count": [7, 2], "occurred_from": pd.to_datetime(["2024-03-05 03:17:42"] * 2)})
    >>> gate(cells, "cells", audience="meeting").columns.tolist()
    ['count']
    """
    who = check_audience(audience)
    what = Note("privacy.the_table") if what is None else what
    least = who.smallest_count if k is None else check_k(k)
    if content not in CONTENTS:
        raise SettingError(Note("privacy.no_content", found=content, meant=did_you_mean(content, CONTENTS)))
    frame = without_persons(frame, content, what)
    if who.points:
        return frame
    if content == "points" or has_incidents(frame, content):
        raise InputError(Note("privacy.single_incidents", what=what, audience=_for(who)))
    if content == "patrols" and not who.patrols:
        raise InputError(Note("privacy.patrols", what=what, audience=_for(who)))
    if content == "clusters":
        frame = _clusters(frame, who, what)
    timed = content in ("places", "lines", "patrols")  # 08:05 at the station is when a patrol comes by
    say = mask if timed else lambda text: gate_text(text, audience=audience)
    frame = without_incidents(frame, content, who.time_unit, say)
    check_periods(frame.index, audience=audience, what=what)
    if content == "cells":
        _check_cell_size(frame, who, what)
    if not who.smallest_count:
        return frame
    if content == "rows":
        return _reasons(frame, least)
    _check_counts(frame, content, least, what)
    return frame


@overload
def gate_text(text: Note, *, audience: str = ...) -> Note: ...
@overload
def gate_text(text: str, *, audience: str = ...) -> str: ...
def gate_text(text: str, *, audience: str = DEFAULT_AUDIENCE) -> str:
    """A text with what its readers may not have starred out.

    Identity numbers, telephones, plates and e-mail addresses for nobody; coordinates of four decimals and more and the
    time of day only for `internal`. A Note stays one, and its values are looked at, not the sentence that they make: a
    rate of 0.00523 is a number, a latitude of 53.80123 is a place and is rounded.

    Examples
    --------
    >>> gate_text("13812345678 at 53.80123, -1.54321, 03:17:42")
    '*** at ***, ***, ***'
    """
    who = check_audience(audience)
    if isinstance(text, Note):  # stays a note, to be stated in the reader's language
        return Note(text.code, **{name: _gated_value(value, name, audience) for name, value in text.values.items()})
    text = mask(str(text))
    return text if who.points else TIME_OF_DAY.sub("***", COORDINATES.sub("***", text))


def _gated_value(value: Any, name: str, audience: str) -> Any:
    if isinstance(value, str):
        return gate_text(value, audience=audience)
    if isinstance(value, float) and PLACED.match(name) and not AUDIENCES[audience].points:
        return round(value, 3 if abs(value) <= 180 else -2)  # degrees, else metres
    return [_gated_value(v, name, audience) for v in value] if isinstance(value, list | tuple) else value


def check_k(k) -> int:
    """The smallest count, 2 or more: a number about one incident is that incident."""
    if isinstance(k, bool) or not hasattr(k, "__index__") or k < 2:
        raise SettingError(Note("privacy.small_k", found=k))
    return int(k)


def smallest_counts(frame: pd.DataFrame) -> pd.Series:
    """The smallest value of each column that counts incidents."""
    counting = [c for c in frame.columns if _counts_incidents(frame, c)]
    return pd.DataFrame(frame)[counting].min() if counting else pd.Series(dtype=float)


def _reasons(frame: pd.DataFrame, k: int) -> pd.DataFrame:
    """How many rows were set aside for what, those for rare reasons together."""
    many = frame["reason"].astype(str).value_counts() if "reason" in frame else pd.Series({"": len(frame)})
    rare = many[many < k]
    kept = many[many >= k]
    if len(rare):
        kept = pd.concat([kept, pd.Series({"other": int(rare.sum())})])
    return pd.DataFrame({"reason": kept.index, "rows": kept.to_numpy()})


def _for(who: Audience) -> Note:
    return Note("privacy.for_audience", name=who.name, who=Note(f"audience.{who.name}.who"))


def check_periods(index: pd.Index, *, audience: str, what: str | None = None) -> None:
    """Refuse periods that are finer than the audience's finest time (hours of the week are not moments)."""
    who = check_audience(audience)
    what = Note("privacy.the_table") if what is None else what
    if who.points:
        return
    finest = DAYS[who.time_unit]
    for level in range(index.nlevels):
        times = index.levels[level] if isinstance(index, pd.MultiIndex) else index
        exact = isinstance(times, pd.DatetimeIndex) and len(times) and bool((times != times.normalize()).any())
        if exact or (isinstance(times, pd.PeriodIndex) and days_of(times.freq) < finest):
            unit = Note(f"privacy.unit.{who.time_unit}")
            raise InputError(Note("privacy.too_fine_times", what=what, unit=unit, audience=_for(who)))


def _clusters(frame: gpd.GeoDataFrame, who: Audience, what: str) -> gpd.GeoDataFrame:
    if who.clusters == "none":
        raise InputError(Note("privacy.cluster_outlines", what=what, audience=_for(who)))
    return covered(frame) if who.clusters == "covers" else frame


#: Columns with the residents of a cell (`population` of a result is whatever was at risk, such as its area).
PERSONS = ("persons", "人口")


def _check_cell_size(frame: pd.DataFrame, who: Audience, what: str) -> None:
    """Refuse cells that are as good as an address, each by itself: one parcel among large ones is one too."""
    if not len(frame):
        return
    counting = pd.DataFrame(frame)[[c for c in frame.columns if _counts_incidents(frame, c)]]
    holding = (counting.to_numpy(float) > 0).any(axis=1) if counting.shape[1] else np.ones(len(frame), bool)
    if "area_m2" in frame and is_number(frame["area_m2"]):
        size = frame["area_m2"].to_numpy(float)
    elif isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and holding.any():
        size = np.full(len(frame), np.inf)
        shapes = frame.geometry[holding]
        size[holding] = shapes.to_crs(metric_crs(shapes.to_crs(4326).total_bounds)).area.to_numpy()
    else:
        size = np.full(len(frame), np.inf)
    small = holding & (size < who.finest_cell_m2)
    if small.any():
        raise InputError(
            Note(
                "privacy.small_cells",
                what=what,
                n=int(small.sum()),
                size=float(size[small].min()),
                audience=_for(who),
                least=who.finest_cell_m2,
            )
        )
    for column in PERSONS:
        if column in frame and is_number(frame[column]) and who.fewest_persons:
            persons = frame[column].to_numpy(float)
            few = holding & (persons > 0) & (persons < who.fewest_persons)
            if few.any():
                raise InputError(
                    Note(
                        "privacy.few_residents",
                        what=what,
                        n=int(few.sum()),
                        audience=_for(who),
                        least=who.fewest_persons,
                    )
                )


def _counts_incidents(frame: pd.DataFrame, column: object) -> bool:
    return isinstance(column, str) and bool(COUNTS.search(column)) and is_number(frame[column])


def _check_counts(frame: pd.DataFrame, content: str, k: int, what: str) -> None:
    if content not in ("cells", "counts", "table"):
        return
    least = smallest_counts(frame)
    low = least[least < k]
    if len(low):
        raise InputError(Note("privacy.small_counts", what=what, k=k, column=str(low.index[0])))
    if content == "cells" and not len(least) and any(isinstance(c, str) and DERIVED.search(c) for c in frame.columns):
        raise InputError(Note("privacy.no_count_beside", what=what, k=k))
