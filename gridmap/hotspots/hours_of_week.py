"""When? Which hours of which weekdays, and how sure is that?

Burglaries are found out later: left on Friday evening, found on Monday morning. Taking the middle, or either end,
invents a time. Aoristic analysis spreads each incident evenly over the hours in which it may have happened, so that an
hour's sum is the number of incidents expected in it. An exact time falls wholly into its hour; an interval of a week or
more says nothing about the hour, and is spread almost flat.

What an interval of one hour or more contributes is a guess: the share of such incidents is reported with every matrix,
and a matrix of month-only dates is flat by construction, not by observation.

Source: Ratcliffe & McCullagh (1998), Int. J. Geographical Information Science 12, 751–764; Ratcliffe (2002),
J. Quantitative Criminology 18, 23–43.
"""

from typing import Any

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts, CountsAbout
from gridmap.hotspots.incident_points import a_number, weights_of
from gridmap.hotspots.registry import hotspot_method, side_of
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.space_time_clusters import interval_us
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents

__all__ = ["aoristic_weights", "hour_of_week", "hours_by_hotspot"]

HOUR_US = 3_600_000_000
WEEK = 168
MONDAY_US = 4 * 24 * HOUR_US  # 1970-01-05, the first Monday after the epoch


@hotspot_method(draws="table", of_points=True, facts="hours", columns=("weekday", "hour"))
def hour_of_week(incidents: Incidents, *, weights=None, longest_h: float | None = None) -> pd.DataFrame:
    """Incidents expected in each hour of the week, each spread over the hours in which it may have happened.

    Parameters
    ----------
    incidents : Incidents
        With times; local time is taken as it stands.
    weights : str or array of float (n,), optional
        A numeric column or one number an incident, such as its harm.
    longest_h : float, optional
        Leave out incidents whose interval is longer than so many hours. All are counted when not given.

    Returns
    -------
    DataFrame of float, 7 × 24
        Rows `weekday` 0 (Monday) to 6, columns `hour` 0 to 23. The sum is the number (weight) of incidents counted.
        `attrs`: `rows`; `counted`; `untimed` (no time at all) and `too_long` (beyond `longest_h`), which with `counted`
        make `rows`; `uncertain` (counted, but known to no single hour: an interval longer than one hour) and
        `uncertain_share` of those counted; `no_information` (counted, an interval of a week or more); `notes`.

    Raises
    ------
    InputError
        For no incidents, or none with a time.
    SettingError
        For a `longest_h` that is not a positive number.

    Examples
    --------
    Three incidents: Monday 09:30 sharp; Tuesday between 22:30 and 01:30; some day of January 2024:

    >>> import pyarrow as pa
    >>> start = np.array(["2024-01-08T09:30", "2024-01-09T22:30", "2024-01-01"], "datetime64[us]")
    >>> end = np.array(["2024-01-08T09:30", "2024-01-10T01:30", "2024-02-01"], "datetime64[us]")
    >>> few = Incidents(pa.table({"incident_id": ["a", "b", "c"], "occurred_from": start, "occurred_to": end,
    ...     "lon": [0.0] * 3, "lat": [0.0] * 3}))
    >>> week = hour_of_week(few)
    >>> [round(float(v), 2) for v in (week.loc[0, 9], week.loc[1, 23], week.to_numpy().sum())]
    [1.01, 0.34, 3.0]
    >>> week.attrs["uncertain"], week.attrs["no_information"]
    (2, 1)

    References
    ----------
    Ratcliffe & McCullagh (1998), Int. J. Geographical Information Science 12, 751–764.
    """
    incidents = as_incidents(incidents)
    start, end, weight, attrs, kept = _intervals(incidents, weights, longest_h)
    flat = _spread(start[kept], end[kept], weight[kept], np.zeros(int(kept.sum()), np.int64), 1)[0]
    days, hours = pd.RangeIndex(7, name="weekday"), pd.RangeIndex(24, name="hour")
    matrix = Counts(flat.reshape(7, 24), index=days, columns=hours, about=_about(attrs))
    matrix.attrs = attrs
    return matrix


def _about(attrs: dict) -> CountsAbout:
    return CountsAbout(kind="aoristic", rows=attrs["rows"], untimed=attrs["untimed"] + attrs["too_long"])


def aoristic_weights(incidents: Incidents, *, hours=range(24), weekdays=range(7)) -> np.ndarray:
    """How likely each incident happened in certain hours: the `weights=` of a map of the evening, or of the weekend.

    Parameters
    ----------
    incidents : Incidents
        With times.
    hours : iterable of int
        Hours of the day, 0 to 23; 22 is from 22:00 to 23:00.
    weekdays : iterable of int
        0 (Monday) to 6.

    Returns
    -------
    ndarray of float, one an incident
        Between 0 and 1: the share of its interval that lies in these hours; 0 where it has no time.

    Raises
    ------
    InputError
        For no incidents, or none with a time.
    SettingError
        For hours or weekdays that do not exist.

    Examples
    --------
    >>> import pyarrow as pa
    >>> start = np.array(["2024-01-12T23:00", "2024-01-12T17:00"], "datetime64[us]")  # a Friday
    >>> end = np.array(["2024-01-12T23:00", "2024-01-13T01:00"], "datetime64[us]")
    >>> two = Incidents(pa.table({"incident_id": ["a", "b"], "occurred_from": start, "occurred_to": end,
    ...     "lon": [0.0] * 2, "lat": [0.0] * 2}))
    >>> aoristic_weights(two, hours=range(18, 24)).tolist()
    [1.0, 0.75]

    References
    ----------
    Ratcliffe (2002), Journal of Quantitative Criminology 18, 23–43.
    """
    incidents = as_incidents(incidents)
    start, end, _, _, timed = _intervals(incidents, None, None)
    wanted = np.zeros((7, 24))
    wanted[np.ix_(_whole(weekdays, "weekdays", 7), _whole(hours, "hours", 24))] = 1.0
    found = np.zeros(len(incidents))
    rows = np.flatnonzero(timed)
    for part in np.array_split(rows, len(rows) // 20_000 + 1):  # a week of hours for each would not fit for millions
        spread = _spread(start[part], end[part], np.ones(len(part)), np.arange(len(part)), len(part))
        found[part] = spread @ wanted.ravel()
    return found.clip(0, 1)


def _whole(values, name: str, below: int) -> list[int]:
    """Whole numbers from 0 to below `below`, or a SettingError."""
    found = list(values) if np.iterable(values) and not isinstance(values, str) else [values]
    good = all(isinstance(v, int | np.integer) and not isinstance(v, bool) and 0 <= v < below for v in found)
    if not found or not good:
        raise SettingError(Note("hotspots.whole_numbers_to", name=name, value=below - 1, values=values))
    return [int(v) for v in found]


def hours_by_hotspot(
    incidents: Incidents,
    hotspots: HotspotResult,
    grid: Grid | None = None,
    *,
    weights=None,
    longest_h: float | None = None,
) -> pd.DataFrame:
    """The hour-of-week profile of each hotspot.

    Parameters
    ----------
    incidents : Incidents
        For clusters, those that the clusters were made from.
    hotspots : HotspotResult
        Clusters of points, or cells with hot labels.
    grid : Grid, for cells
        The grid of the result.
    weights, longest_h
        As `hour_of_week`.

    Returns
    -------
    DataFrame of float, one row a hotspot, 168 columns
        Rows `cluster_id` (or `cell_id` of a hot cell), columns (`weekday`, `hour`). `attrs` as `hour_of_week`'s, and
        `uncertain_by_hotspot`: the share of each hotspot's incidents that is known to no single hour.

    Raises
    ------
    InputError
        Where the incidents are not those of the result, or cells come without their grid.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from gridmap.hotspots.clusters import dbscan
    >>> when = pa.array([1_704_704_400_000_000] * 40).cast(pa.timestamp("us"))  # Monday 8 January 2024, 09:00
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(40)], "occurred_from": when,
    ...     "occurred_to": when, "lon": np.full(40, -1.55), "lat": np.full(40, 53.75)}))
    >>> profile = hours_by_hotspot(points, dbscan(points, eps_m=50, min_samples=5))
    >>> profile.loc[0, (0, 9)]
    np.float64(40.0)

    References
    ----------
    Ratcliffe (2004), Police Practice and Research 5, 5–23: the hotspot matrix of places and hours.
    """
    incidents = as_incidents(incidents)
    start, end, weight, attrs, kept = _intervals(incidents, weights, longest_h)
    names, place = _places(incidents, hotspots, grid)
    kept = kept & (place >= 0)
    flat = _spread(start[kept], end[kept], weight[kept], place[kept], len(names))
    columns = pd.MultiIndex.from_product([range(7), range(24)], names=["weekday", "hour"])
    profile = Counts(flat, index=names, columns=columns, about=_about(attrs))
    there = np.bincount(place[kept], minlength=len(names))
    unsure = np.bincount(place[kept & (end - start > HOUR_US)], minlength=len(names))
    share = np.divide(unsure, there, out=np.full(len(names), np.nan), where=there > 0)
    profile.attrs = {**attrs, "uncertain_by_hotspot": dict(zip(names, share.tolist(), strict=True))}
    return profile


def _intervals(incidents, weights, longest_h):
    """Start, end, weight of each incident, the account of them, and which are counted."""
    if not isinstance(incidents, Incidents):
        raise InputError(Note("hotspots.hours_need_incidents", name=type(incidents).__name__))
    if not len(incidents):
        raise InputError(Note("hotspots.no_hours"))
    weight = weights_of(incidents, weights)
    start, end, timed = interval_us(incidents)
    if not timed.any():
        raise InputError(Note("hotspots.no_times"))
    most = np.inf if longest_h is None else a_number(longest_h, "longest_h", above=0) * HOUR_US
    kept = timed & (end - start <= most)
    unsure = kept & (end - start > HOUR_US)
    blank = kept & (end - start >= WEEK * HOUR_US)
    exact = kept & (end == start)
    notes = []
    if blank.any():
        notes.append(Note("hotspots.known_to_a_week", n=int(blank.sum()), n2=int(kept.sum())))
    if exact.sum() >= 10 and (start[exact] % (24 * HOUR_US) == 0).all():
        notes.append(Note("hotspots.all_midnight"))
    attrs = {
        "rows": len(kept), "counted": int(kept.sum()), "untimed": int((~timed).sum()),
        "too_long": int((timed & ~kept).sum()), "uncertain": int(unsure.sum()),
        "uncertain_share": float(unsure.sum() / kept.sum()) if kept.any() else float("nan"),
        "no_information": int(blank.sum()), "notes": notes,
    }  # fmt: skip
    return start, end, weight, attrs, kept


def _spread(start, end, weight, place, places: int) -> np.ndarray:
    """Weight by place and hour of the week, (places, 168): each interval spread evenly over its hours."""
    out = np.zeros((places, WEEK))
    exact = end == start
    hour = (start - MONDAY_US) // HOUR_US % WEEK
    np.add.at(out, (place[exact], hour[exact]), weight[exact])
    start, end, weight, place = start[~exact], end[~exact], weight[~exact], place[~exact]
    length = end - start
    weeks, rest = length // (WEEK * HOUR_US), length % (WEEK * HOUR_US)
    per_hour = weight / (length / HOUR_US)
    np.add.at(out, place, (weeks * per_hour)[:, None] * np.ones(WEEK))
    # What remains is shorter than a week: a part of its first hour, whole hours, a part of its last.
    begin = (start - MONDAY_US) % (WEEK * HOUR_US) / HOUR_US
    finish = begin + rest / HOUR_US
    first, last = np.floor(begin).astype(np.int64), np.floor(finish).astype(np.int64)
    steps = np.zeros((places, 2 * WEEK + 2))
    np.add.at(steps, (place, first), per_hour)
    np.add.at(steps, (place, last), -per_hour)
    hours = np.cumsum(steps, axis=1)
    np.add.at(hours, (place, first), -per_hour * (begin - first))
    np.add.at(hours, (place, last), per_hour * (finish - last))
    return out + hours[:, :WEEK] + hours[:, WEEK : 2 * WEEK]


def _places(incidents, hotspots, grid) -> tuple[pd.Index, np.ndarray]:
    """The hotspots' names, and each incident's row among them (−1 = in none)."""
    if not isinstance(hotspots, HotspotResult):
        raise InputError(Note("hotspots.hours_need_result", name=type(hotspots).__name__))
    if hotspots.members is not None:
        members = hotspots.members
        ids = incidents.to_frame(["incident_id"])["incident_id"]
        if len(members) == len(ids):
            if not members["incident_id"].reset_index(drop=True).equals(ids):
                raise InputError(Note("hotspots.other_incidents"))
            place = members["cluster_id"].to_numpy()
        elif members["incident_id"].is_unique and members["incident_id"].isin(ids).all():
            place = ids.map(members.set_index("incident_id")["cluster_id"]).fillna(-1).astype(np.int64).to_numpy()
        else:
            raise InputError(Note("hotspots.other_incidents"))
        clusters: Any = hotspots.clusters
        return clusters.index, place.astype(np.int64)
    if "label" not in hotspots.cells:
        raise InputError(Note("hotspots.none_labelled_hot", method=hotspots.method))
    if grid is None or not grid.cells.index.equals(hotspots.cells.index):
        raise InputError(Note("hotspots.hours_need_grid"))
    hot = (hotspots.cells["label"].map(side_of) > 0).to_numpy()
    rows = grid.locate(*incidents.lonlat())
    number = np.where(hot, np.cumsum(hot) - 1, -1)
    return hotspots.cells.index[hot], np.where(rows >= 0, number[rows], -1)
