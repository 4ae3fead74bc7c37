"""Holidays, the lunar ones among them, and the working weekends that pay for them.

Theft follows the calendar of its victims: 春节 empties the cities, and a Sunday before it can be a working day. The
dates come from the `holidays` library, which keeps the State Council's yearly arrangement; they are not computed here.
"""

import datetime as dt

import holidays
import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note

__all__ = ["calendar_features"]

LUNAR = ("春节", "清明", "端午", "中秋")


def calendar_features(dates, *, country: str = "CN") -> pd.DataFrame:
    """What kind of day each date is.

    Parameters
    ----------
    dates : Series, Index or list of dates or timestamps, (n,)
    country : str, default "CN"
        Code of ISO 3166, as the `holidays` library knows it.

    Returns
    -------
    DataFrame, (n,), in the index of `dates` if it has one
        `holiday` (its name, in Chinese for China; None on other days), `festival` (春节, 清明, 端午, 中秋 or None: the
        day itself and the days off around it), `day_off` (no work, weekends among them), `swapped_workday` (a
        weekend that is worked).

    Raises
    ------
    InputError
        If a date cannot be read.
    SettingError
        If the country is not known.

    Examples
    --------
    >>> days = calendar_features(["2024-02-10", "2024-02-04", "2024-03-05"])
    >>> days[["festival", "day_off", "swapped_workday"]].values.tolist()
    [['春节', True, False], [None, False, True], [None, False, False]]
    """
    index = dates.index if isinstance(dates, pd.Series) else None
    try:
        days = pd.Series(pd.to_datetime(pd.Series(list(dates)))).dt.date
    except (ValueError, TypeError) as problem:
        raise InputError(Note("read.not_dates", why=" ".join(str(problem).split())[:120])) from None
    known = [d for d in days if isinstance(d, dt.date) and d == d and d is not pd.NaT]
    years = range(min(d.year for d in known) - 1, max(d.year for d in known) + 2) if known else []
    try:
        language = "zh_CN" if country == "CN" else None
        table = holidays.country_holidays(country, years=list(years), language=language)
    except NotImplementedError:
        raise SettingError(Note("read.no_country", country=country)) from None
    worked = getattr(table, "weekend_workdays", None) or set()
    names = [table.get(d) if d in known else None for d in days]
    swapped = np.array([d in worked for d in days], bool)
    weekend = np.array([d in known and d.weekday() >= 5 for d in days], bool)
    off = (np.array([n is not None for n in names], bool) | weekend) & ~swapped
    frame = pd.DataFrame(
        {
            "holiday": names,
            "festival": [_festival(d, table) if d in known else None for d in days],
            "day_off": off,
            "swapped_workday": swapped,
        },
        dtype=object,
    ).astype({"day_off": bool, "swapped_workday": bool})
    return frame.set_axis(index) if index is not None else frame


def _festival(day: dt.date, table) -> str | None:
    """The lunar festival that a day off belongs to: its own, or that of the days off it touches."""
    if day not in table:
        return None
    for step in range(9):
        for near in (day - dt.timedelta(step), day + dt.timedelta(step)):
            between = [min(day, near) + dt.timedelta(i) for i in range(abs((near - day).days) + 1)]
            if all(d in table or d.weekday() >= 5 for d in between) and (name := table.get(near)):
                for lunar in LUNAR:
                    if lunar in name and "调休" not in name:
                        return lunar
    return None
