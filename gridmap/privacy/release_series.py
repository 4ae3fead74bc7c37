"""Series: the kinds and periods of incidents that a release tells apart.

What is distinguished decides how coarse everything must be, so only that is distinguished which somebody will look at.
Periods that overlap (a year, and a month of it) are cut into the finest that is wanted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridmap._periods import frequency_of
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents

__all__ = ["OTHER", "Series", "check_series", "series_of"]

OTHER = "other"
#: Periods that may be distinguished, finest first.
FREQUENCIES = {every: frequency_of(every) for every in ("month", "quarter", "year")}


@dataclass(frozen=True)
class Series:
    """Which series each incident is in.

    Attributes
    ----------
    names : list of (category or None, period or None)
    code : array of int (n,)
        The series of each incident; −1 for none.
    starts, ends : list of datetime64
        The interval that stands for each series' period, its end exclusive; not a time where it has none.
    """

    names: list[tuple[str | None, pd.Period | None]]
    code: np.ndarray
    starts: list
    ends: list

    def without(self, gone: np.ndarray) -> "Series":
        """The series without some."""
        place = np.append(np.where(gone, -1, np.cumsum(~gone) - 1), -1)
        kept = [i for i, out in enumerate(gone) if not out]
        names, starts, ends = ([part[i] for i in kept] for part in (self.names, self.starts, self.ends))
        return Series(names, place[self.code], starts, ends)

    def columns(self) -> pd.Index:
        """The names as columns of a table."""
        return pd.Index(
            [" ".join(str(p) for p in name if p is not None) or "all" for name in self.names], name="series"
        )


def series_of(incidents: Incidents, requested: Iterable[Mapping[str, Any]]) -> Series:
    """The series that were requested, and the one each incident is in.

    Raises
    ------
    SettingError
        For a key that there is not, or a period finer than a month.
    InputError
        If no incident is in any.
    """
    requested = [dict(one) for one in requested] or [{}]
    check_series(requested)
    frame = incidents.to_frame(["category", "occurred_from", "occurred_to"])
    kind = _kinds(frame["category"], requested)
    span = _spans(frame, requested)
    wanted = np.zeros(len(frame), bool)
    for one in requested:
        named = _listed(one.get("category"))
        here = np.ones(len(frame), bool) if named is None else frame["category"].isin(named).to_numpy()
        if one.get("period") is not None:
            here = here & _inside(frame, _period(one["period"]))
        elif one.get("every") is not None:
            here = here & span.notna().to_numpy()
        wanted |= here
    kinds = [name if isinstance(name, str) else None for name in kind[wanted]]
    periods = [p if isinstance(p, pd.Period) else None for p in span[wanted]]
    found = sorted(set(zip(kinds, periods, strict=True)), key=lambda name: (name[0] or "", str(name[1] or "")))
    if not len(found):
        raise InputError(Note("privacy.series.empty"))
    place = {name: i for i, name in enumerate(found)}
    code = np.full(len(frame), -1)
    code[wanted] = [place[name] for name in zip(kinds, periods, strict=True)]
    starts = [np.datetime64("NaT") if p is None else p.start_time.to_datetime64() for _, p in found]
    ends = [np.datetime64("NaT") if p is None else (p + 1).start_time.to_datetime64() for _, p in found]
    return Series(found, code, starts, ends)


def check_series(requested: Iterable[Mapping[str, Any]]) -> None:
    """Refuse what cannot be distinguished, before anything is read."""
    for one in requested:
        for key in one:
            if key not in ("category", "period", "every"):
                meant = did_you_mean(key, ("category", "period", "every"))
                raise SettingError(Note("privacy.series.no_key", found=key, meant=meant))
        if one.get("period") is not None:
            _period(one["period"])
        if one.get("every") is not None and one["every"] not in FREQUENCIES:
            raise SettingError(Note("privacy.series.every", found=one["every"]))


def _listed(category) -> list[str] | None:
    if category is None:
        return None
    return [category] if isinstance(category, str) else list(map(str, category))


def _kinds(category: pd.Series, requested: Sequence[Mapping]) -> pd.Series:
    """The category where some series names it, OTHER where none does; nothing where no series tells kinds apart."""
    named = {name for one in requested for name in _listed(one.get("category")) or ()}
    if not named:
        return pd.Series(None, index=category.index, dtype=object)
    there = set(category.dropna().unique())
    for name in sorted(named - there):
        raise InputError(Note("privacy.series.no_category", found=name, meant=did_you_mean(name, there)))
    return category.astype(object).where(category.isin(named), OTHER)


def _period(text) -> pd.Period:
    try:
        period = pd.Period(text)
    except (ValueError, TypeError):
        raise SettingError(Note("privacy.series.not_a_period", found=text)) from None
    if period.freqstr[0] not in "MQY":
        raise SettingError(Note("privacy.series.fine_period", found=text))
    return period


def _spans(frame: pd.DataFrame, requested: Sequence[Mapping]) -> pd.Series:
    """The period that each incident is released by, at the finest frequency that is wanted."""
    periods = {_period(one["period"]) for one in requested if one.get("period") is not None}
    every = [one["every"] for one in requested if one.get("every") is not None]
    frequencies = {*(FREQUENCIES[one] for one in every), *(p.freqstr[0] for p in periods)}
    spans = pd.Series(None, index=frame.index, dtype=object)
    if not frequencies:
        return spans
    finest = next(f for f in FREQUENCIES.values() if f in frequencies)
    length = frame["occurred_to"] - frame["occurred_from"]
    middle = frame["occurred_from"] + length / 2
    at = middle[middle.notna()].dt.to_period(finest)
    after = pd.Series(pd.PeriodIndex(at) + 1, index=at.index)
    fits = length[at.index] <= after.dt.start_time - at.dt.start_time  # else nobody knows in which it was
    at = at[fits]
    if not every:  # what lies in no period that is spoken of is not distinguished
        at = at[[any(p.start_time <= one.start_time <= p.end_time for p in periods) for one in at]]
    spans[at.index] = at.astype(object)
    return spans


def _inside(frame: pd.DataFrame, period: pd.Period) -> np.ndarray:
    start, end = period.start_time, (period + 1).start_time
    length = frame["occurred_to"] - frame["occurred_from"]
    middle = frame["occurred_from"] + length / 2
    return ((middle >= start) & (middle < end) & (length <= end - start)).to_numpy()
