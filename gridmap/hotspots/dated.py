"""Events with a place and a time, made ready for the methods that look at both.

A date may come as a timestamp, a pandas Period, a whole number of days, or ISO text (2018-07-14); 03/04/2018 is
refused, because nobody can know which day it is. What has no place or no time is set aside and counted. An incident
known only as an interval (left on Friday, found on Monday) stands at its middle if the interval is short enough.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._periods import FREQUENCIES
from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import did_you_mean
from gridmap.read.base import Incidents
from gridmap.read.metric import metric_crs

__all__ = ["EVERY_STEP", "days_of", "events_frame", "steps_of"]

#: Lengths of a period, and pandas' name for each.
EVERY_STEP = {every: FREQUENCIES[every] for every in ("day", "week", "month", "quarter", "year")}
MOST_STEPS = 20_000
DAY = np.timedelta64(86_400_000_000, "us")


def events_frame(
    events, *, x: str, y: str, time: str, lonlat: bool = False, crs=None, within_days: float = 1.0
) -> tuple[pd.DataFrame, list[str]]:
    """The events that have both a place and a time, and notes on those that do not.

    Parameters
    ----------
    events : DataFrame, GeoDataFrame or Incidents
        Incidents become columns `incident_id, date` and `lon, lat` or, projected, `x, y` in metres. A GeoDataFrame
        without the columns x and y is placed by its points.
    x, y, time : str
        Columns of a frame.
    lonlat : bool
        Whether degrees are wanted from Incidents; metres otherwise.
    crs : optional
        The metric CRS to project Incidents to; theirs by default.
    within_days : float
        Incidents known to a longer interval than this are set aside.
    """
    if isinstance(events, Incidents):
        frame, notes = _from_incidents(events, lonlat, crs, within_days)
        x, y, time = ("lon", "lat", "date") if lonlat else ("x", "y", "date")
    elif isinstance(events, pd.DataFrame):
        frame, notes = events, []
        if isinstance(events, gpd.GeoDataFrame) and x not in events and y not in events and len(events):
            if events.crs is None:
                raise CRSError("The events have no CRS; set_crs() them.")
            points = events.geometry.to_crs(4326)
            if not lonlat:
                points = points.to_crs(metric_crs(tuple(points.total_bounds)) if crs is None else crs)
            frame = pd.DataFrame(events.drop(columns=events.geometry.name)).assign(**{x: points.x, y: points.y})
    else:
        raise InputError(f"Events are a DataFrame or Incidents; found {type(events).__name__}.")
    if not len(frame):
        raise InputError("There are no events." + "".join(f" {n}" for n in notes))
    for name, role in ((x, "x="), (y, "y="), (time, "time=")):
        if not isinstance(name, str) or name not in frame:
            raise InputError(f"The events have no column {name!r} ({role}). {did_you_mean(str(name), frame.columns)}")
    try:
        places = frame[[x, y]].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(
            f"{x!r} and {y!r} must be numbers; found {frame[x].iloc[0]!r}, {frame[y].iloc[0]!r}."
        ) from None
    no_place = ~np.isfinite(places).all(axis=1)
    no_time = frame[time].isna().to_numpy()
    if no_place.all():
        raise InputError(f"No event has a place: {x!r} and {y!r} are empty.")
    if no_time.all():
        raise InputError(f"No event has a time: {time!r} is empty. A method in space and time needs dates.")
    aside = no_place | no_time
    if aside.any():
        notes.append(
            f"{int(aside.sum()):,} of {len(frame):,} events were set aside: {int(no_place.sum()):,} without a place, "
            f"{int((no_time & ~no_place).sum()):,} without a time."
        )
    return frame.loc[~aside], notes


def _from_incidents(events: Incidents, lonlat: bool, crs, within_days: float) -> tuple[pd.DataFrame, list[str]]:
    if not len(events):
        raise InputError("There are no incidents.")
    table = events.to_frame(["incident_id", "occurred_from", "occurred_to"])
    first = table["occurred_from"].to_numpy("datetime64[us]")
    last = table["occurred_to"].to_numpy("datetime64[us]")
    last = np.where(np.isnat(last), first, last)
    first = np.where(np.isnat(first), last, first)
    long = ~np.isnat(first) & ((last - first) / DAY > within_days)
    names, at = (("lon", "lat"), np.column_stack(events.lonlat())) if lonlat else (("x", "y"), events.xy_m(crs))
    frame = pd.DataFrame({"incident_id": table["incident_id"], names[0]: at[:, 0], names[1]: at[:, 1]})
    frame["date"] = first + (last - first) // 2
    notes = []
    if long.any():
        whole = (
            f"{int(long.sum()):,} of {len(frame):,} incidents are known only to within more than {within_days:g} days"
        )
        if long.all():
            raise InputError(f"{whole} (as month-only dates are): too coarse for this method. It needs days.")
        notes.append(f"{whole} and were set aside.")
    return frame.loc[~long], notes


def days_of(times: pd.Series, name: str) -> np.ndarray:
    """Times as days since the first, with fractions where hours are known.

    Examples
    --------
    >>> days_of(pd.Series(["2018-07-01", "2018-07-03"]), "date").tolist()
    [0.0, 2.0]
    """
    stamps = _stamps(times, name)
    if stamps.dtype.kind == "M":
        return (stamps - stamps.min()) / DAY
    return stamps - stamps.min()


def steps_of(times: pd.Series, every: str | None, name: str) -> tuple[np.ndarray, pd.Index]:
    """The position of each time in an unbroken sequence of periods, and that sequence.

    Examples
    --------
    >>> at, steps = steps_of(pd.Series(["2018-07-01", "2018-09-30"]), "month", "date")
    >>> at.tolist(), steps.astype(str).tolist()
    ([0, 2], ['2018-07', '2018-08', '2018-09'])
    """
    if every is not None and (not isinstance(every, str) or every not in EVERY_STEP):
        raise SettingError(f"every={every!r} is no length of a period. {did_you_mean(str(every), EVERY_STEP)}")
    stamps = _stamps(times, name)
    if stamps.dtype.kind == "M":
        freq = EVERY_STEP[every or "day"]
        if every is None and isinstance(times.dtype, pd.PeriodDtype):
            freq = times.dtype.freq
        periods = pd.PeriodIndex(pd.DatetimeIndex(stamps), freq=freq)
        codes = periods.asi8
        steps = pd.period_range(periods.min(), periods.max(), freq=freq)
    else:
        if every not in (None, "day") or (stamps != np.floor(stamps)).any():
            raise InputError(
                f"{name!r} holds plain numbers: whole numbers are taken as periods, but every={every!r} or fractions "
                "need dates. Give timestamps."
            )
        codes = stamps.astype(np.int64)
        steps = pd.RangeIndex(codes.min(), codes.max() + 1) if np.ptp(codes) < MOST_STEPS else range(np.ptp(codes) + 1)
    if len(steps) < 2:
        raise InputError(
            f"All events are in one period ({steps[0]}): there is no time to look at. Take shorter periods."
        )
    if len(steps) > MOST_STEPS:
        raise InputError(
            f"From the first to the last time in {name!r} there are {len(steps):,} periods; at most {MOST_STEPS:,} are "
            "handled. Take longer ones (every='month'), or look for a wrong date."
        )
    return codes - codes.min(), steps


def _stamps(times: pd.Series, name: str) -> np.ndarray:
    """Timestamps in microseconds, or numbers of days."""
    if isinstance(times.dtype, pd.PeriodDtype):
        times = times.dt.start_time
    if pd.api.types.is_bool_dtype(times):
        raise InputError(f"{name!r} must hold dates; found true and false.")
    if pd.api.types.is_numeric_dtype(times):
        values = times.to_numpy(dtype=float)
        if not np.isfinite(values).all():
            raise InputError(f"{name!r} holds numbers that are not finite.")
        return values
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.tz_localize(None)
    if times.dtype.kind != "M":
        given = times
        if len(given) and all(isinstance(v, pd.Period) for v in given):
            given = pd.Series([v.start_time for v in given])
        try:
            times = pd.to_datetime(given, format="ISO8601")
        except (ValueError, TypeError):
            raise InputError(
                f"{name!r} holds {times.iloc[0]!r}, which is no date that can only be read one way. "
                "Parse it first, as in pd.to_datetime(column, format='%d/%m/%Y')."
            ) from None
        if isinstance(times.dtype, pd.DatetimeTZDtype):
            times = times.dt.tz_localize(None)
    return times.to_numpy("datetime64[us]")
