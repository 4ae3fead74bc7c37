"""Events with a place and a time, made ready for the methods that look at both.

A date may come as a timestamp, a pandas Period, a whole number of days, or ISO text (2018-07-14); 03/04/2018 is
refused, because nobody can know which day it is. What has no place or no time is set aside and counted. An incident
known only as an interval (left on Friday, found on Monday) stands at its middle if the interval is short enough.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._periods import FREQUENCIES
from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs

__all__ = ["EVERY_STEP", "days_of", "events_frame", "steps_of"]

#: Lengths of a period, and pandas' name for each.
EVERY_STEP = {every: FREQUENCIES[every] for every in ("day", "week", "month", "quarter", "year")}
MOST_STEPS = 20_000
DAY = np.timedelta64(86_400_000_000, "us")


def events_frame(
    events, *, x: str, y: str, time: str, lonlat: bool = False, crs=None, within_days: float = 1.0
) -> tuple[pd.DataFrame, list[Note]]:
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
                raise CRSError(Note("hotspots.events_no_crs"))
            points = events.geometry.to_crs(4326)
            if not lonlat:
                points = points.to_crs(metric_crs(tuple(points.total_bounds)) if crs is None else crs)
            frame = pd.DataFrame(events.drop(columns=events.geometry.name)).assign(**{x: points.x, y: points.y})
    else:
        raise InputError(Note("hotspots.events_type", name=type(events).__name__))
    if not len(frame):
        raise InputError(Note("hotspots.no_events", notes=notes))
    for name, role in ((x, "x="), (y, "y="), (time, "time=")):
        if not isinstance(name, str) or name not in frame:
            raise InputError(
                Note("hotspots.events_no_column", name=name, role=role, meant=did_you_mean(str(name), frame.columns))
            )
    try:
        places = frame[[x, y]].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(
            Note("hotspots.coordinates_numbers", x=x, y=y, value=frame[x].iloc[0], value2=frame[y].iloc[0])
        ) from None
    no_place = ~np.isfinite(places).all(axis=1)
    no_time = frame[time].isna().to_numpy()
    if no_place.all():
        raise InputError(Note("hotspots.no_event_place", x=x, y=y))
    if no_time.all():
        raise InputError(Note("hotspots.no_event_time", time=time))
    aside = no_place | no_time
    if aside.any():
        notes.append(
            Note(
                "hotspots.events_set_aside",
                n=int(aside.sum()),
                n2=len(frame),
                n3=int(no_place.sum()),
                n4=int((no_time & ~no_place).sum()),
            )
        )
    return frame.loc[~aside], notes


def _from_incidents(events: Incidents, lonlat: bool, crs, within_days: float) -> tuple[pd.DataFrame, list[Note]]:
    if not len(events):
        raise InputError(Note("hotspots.no_incidents"))
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
        found = {"n": int(long.sum()), "of": len(frame), "days": within_days}
        if long.all():
            raise InputError(Note("hotspots.all_too_coarse", **found))
        notes.append(Note("hotspots.too_coarse", **found))
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
        raise SettingError(Note("hotspots.every_unknown", every=every, meant=did_you_mean(str(every), EVERY_STEP)))
    stamps = _stamps(times, name)
    if stamps.dtype.kind == "M":
        freq: Any = EVERY_STEP[every or "day"]
        if every is None and isinstance(times.dtype, pd.PeriodDtype):
            freq = times.dtype.freq
        periods = pd.PeriodIndex(pd.DatetimeIndex(stamps), freq=freq)
        codes = periods.asi8
        steps: Any = pd.period_range(periods.min(), periods.max(), freq=freq)
    else:
        if every not in (None, "day") or (stamps != np.floor(stamps)).any():
            raise InputError(Note("hotspots.plain_numbers", name=name, every=every))
        codes = stamps.astype(np.int64)
        steps = pd.RangeIndex(codes.min(), codes.max() + 1) if np.ptp(codes) < MOST_STEPS else range(np.ptp(codes) + 1)
    if len(steps) < 2:
        raise InputError(Note("hotspots.one_period_only", value=steps[0]))
    if len(steps) > MOST_STEPS:
        raise InputError(Note("hotspots.too_many_steps", name=name, n=len(steps), most_steps=MOST_STEPS))
    return codes - codes.min(), steps


def _stamps(times: pd.Series, name: str) -> np.ndarray:
    """Timestamps in microseconds, or numbers of days."""
    if isinstance(times.dtype, pd.PeriodDtype):
        times = times.dt.start_time
    if pd.api.types.is_bool_dtype(times):
        raise InputError(Note("hotspots.dates_not_bool", name=name))
    if pd.api.types.is_numeric_dtype(times):
        values = times.to_numpy(dtype=float)
        if not np.isfinite(values).all():
            raise InputError(Note("hotspots.not_finite", name=name))
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
            raise InputError(Note("hotspots.ambiguous_date", name=name, value=times.iloc[0])) from None
        if isinstance(times.dtype, pd.DatetimeTZDtype):
            times = times.dt.tz_localize(None)
    return times.to_numpy("datetime64[us]")
