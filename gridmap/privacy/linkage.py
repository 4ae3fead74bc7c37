"""Tables that may each be released, and together tell more: hours of the week beside days.

A meeting may know the day of an incident, and the hours of the week of all. Seven days have one Monday: beside a trend
by day, "Monday, 3 o'clock: 1" is a date with its hour. Told exactly: of N incidents of a weekday, n_d lie on one date
and n_h in one hour; where n_d + n_h > N, at least one is known to lie in both (the bound of Fréchet): its date
and its hour. The hours are then released only where every weekday has several dates (four weeks and more), and the days
are not released beside them.

Source: Fréchet's bounds for the cells of a table with given margins, as in Dobra & Fienberg (2000), Proceedings of the
National Academy of Sciences 97, 11885–11892.
"""

import pandas as pd

from gridmap.audiences import check_audience
from gridmap.read.incident_table import Incidents

__all__ = ["hours_beside_days", "hours_tell_dates"]

FOUR_WEEKS = pd.Timedelta(days=27)  # between the first and the last moment: 28 dates, each weekday four times


def hours_tell_dates(times: pd.DataFrame) -> bool:
    """Whether counts by weekday and hour, beside counts by day, fix the date and hour of an incident.

    Parameters
    ----------
    times : DataFrame
        `occurred_from, occurred_to`; what is not known within a day counts in neither.

    Examples
    --------
    >>> week = pd.to_datetime(["2024-03-04 03:00", "2024-03-05 14:00", "2024-03-06 14:00"])
    >>> hours_tell_dates(pd.DataFrame({"occurred_from": week, "occurred_to": week}))
    True
    """
    known = times.dropna()
    known = known[known["occurred_to"] - known["occurred_from"] <= pd.Timedelta(days=1)]
    at = known["occurred_from"]
    parts = pd.DataFrame({"weekday": at.dt.day_of_week, "date": at.dt.normalize(), "hour": at.dt.hour})
    for _, day in parts.groupby("weekday"):
        if day["date"].value_counts().max() + day["hour"].value_counts().max() > len(day):
            return True
    return False


def hours_beside_days(incidents: Incidents, *, audience: str, days_written: bool = False) -> str:
    """What of hours and days may stand beside each other: "both", "hours" (and no days), or "days" (and no hours).

    Parameters
    ----------
    incidents : Incidents
    audience : {"internal", "meeting", "public"}
    days_written : bool
        Whether something else that is written tells days or weeks, such as a method over periods.
    """
    times = incidents.to_frame(["occurred_from", "occurred_to"])
    if check_audience(audience).time_unit == "exact" or not hours_tell_dates(times):
        return "both"
    span = times["occurred_from"].max() - times["occurred_from"].min()
    return "hours" if not days_written and isinstance(span, pd.Timedelta) and span >= FOUR_WEEKS else "days"
