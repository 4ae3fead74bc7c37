"""`PatrolPlan`: routes, stops with times, and what was left out and why."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.errors import SettingError
from gridmap.messages import Note, check_language, say

__all__ = ["PatrolPlan", "clock", "days_of", "say_unmet", "starts_of"]


@dataclass(frozen=True, repr=False)
class PatrolPlan(ShortForm):
    """Who goes where, in which order, for how long; and how it was made.

    Attributes
    ----------
    stops : GeoDataFrame (EPSG:4326)
        One row a visit: `unit_id, shift` (from 1), `stop_order` (from 1), `place_id, arrive_s, leave_s` (seconds from
        the shift's start), `prize`, `corner` (the nearest corner of two named streets), `geometry` (the place).
    routes : GeoDataFrame (EPSG:4326)
        One row a unit and shift on patrol: `unit_id, shift, kind, stops, prize, start_s, end_s, travel_s, visit_s,
        wait_s, pause_start_s` (nan without a pause), `pause_s, spare_s, length_m, geometry` (the way on the streets).
    legs : GeoDataFrame (EPSG:4326)
        One row a way between two stops: `unit_id, shift, from_stop, to_stop` (`stop_order`; 0: the depot), `depart_s,
        arrive_s`, `geometry`. A unit that has to wait does so before it sets out, where it is. The way along a
        compulsory street is a leg from its stop to itself.
    unmet : DataFrame
        What the plan could not do: `what` ("place", "street", "post", "unit"), `id, reason, remedy` (the smallest
        change that would allow it), and that change as one sets it: `setting` (officers, units, max_snap_m, shift_h,
        shifts, must_visits, end_h), `value` (for end_h: minutes more), `unit_id, shift`.
    places : GeoDataFrame
        Every place with `prize`, `visits` and `street` (whether it is a compulsory street).
    posts : DataFrame
        Minimum staffing, one row a post: `post_id, staff, assigned, units, met`.
    objective, bound : float
        Prize of the plan, and what no plan can exceed.
    method : str
    params : mapping
        Every setting as used.
    notes : tuple of str
    streets : GeoDataFrame (EPSG:4326) or None
        The lines of the streets that it was planned on, and their `name`, for the maps on its sheets.
    """

    stops: gpd.GeoDataFrame
    routes: gpd.GeoDataFrame
    legs: gpd.GeoDataFrame
    unmet: pd.DataFrame
    places: gpd.GeoDataFrame
    posts: pd.DataFrame
    objective: float
    bound: float
    params: Mapping[str, Any]
    method: str = "plan_patrols"
    notes: tuple[str, ...] = field(default=())
    streets: gpd.GeoDataFrame | None = field(default=None, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def gap(self) -> float:
        """How much better a plan could be at most, as a share of the bound (0: this one is proven best)."""
        return 0.0 if self.bound <= 0 else max(0.0, 1 - self.objective / self.bound)

    @property
    def visited(self) -> float:
        """Share of all places' prize whose place is visited at least once."""
        total = self.places["prize"].sum()
        return float(self.places.loc[self.places["visits"] > 0, "prize"].sum() / total) if total > 0 else float("nan")

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        there = int((self.places["visits"] > 0).sum())
        return (
            f"PatrolPlan {len(self.routes)} routes, {len(self.stops)} visits to {there} of {len(self.places)} places, "
            f"prize {self.objective:,.4g} (at most {self.bound:,.4g}), {len(self.unmet)} unmet"
        )


def say_unmet(plan: PatrolPlan, language: str = "en") -> pd.DataFrame:
    """`plan.unmet` with reason and remedy in a language.

    Parameters
    ----------
    plan : PatrolPlan
    language : str

    Returns
    -------
    DataFrame
        The same rows and columns.
    """
    check_language(language)
    texts = {name: [say(text, language) for text in plan.unmet[name]] for name in ("reason", "remedy")}
    return plan.unmet.assign(**texts)


def clock(seconds: float, start: str = "00:00") -> str:
    """Seconds from the shift's start as a time of day, minutes rounded down.

    Examples
    --------
    >>> clock(5400, "22:45")
    '00:15'
    """
    if not isinstance(start, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", start):
        raise SettingError(Note("patrol.start_time", found=start))
    hours, minutes = map(int, start.split(":"))
    total = hours * 60 + minutes + int((seconds + 1e-6) // 60)
    return f"{total // 60 % 24:02d}:{total % 60:02d}"


def starts_of(plan: PatrolPlan, start: str) -> dict[int, str]:
    """The time of day at which each shift starts."""
    every_s = plan.params["shift_every_h"] * 3600
    return {s: clock((s - 1) * every_s, start) for s in range(1, plan.params["shifts"] + 1)}


def days_of(plan: PatrolPlan, start: str, date: str | dt.date | None) -> dict[int, dt.date | None]:
    """The day on which each shift starts; None for each where no date is given.

    Parameters
    ----------
    plan : PatrolPlan
    start : str
        When the first shift starts, as HH:MM.
    date : str or date, optional
        The day on which the first shift starts, as 2026-11-30.

    Raises
    ------
    SettingError
        If it is not a date.
    """
    shifts = range(1, plan.params["shifts"] + 1)
    if date is None:
        return dict.fromkeys(shifts)
    try:
        first = dt.date.fromisoformat(str(date)[:10])
    except ValueError:
        raise SettingError(Note("patrol.start_date", found=str(date))) from None
    hours, minutes = map(int, clock(0, start).split(":"))
    begin = dt.timedelta(hours=hours, minutes=minutes)
    every = dt.timedelta(hours=plan.params["shift_every_h"])
    return {s: first + dt.timedelta(days=(begin + (s - 1) * every).days) for s in shifts}
