"""Who there is: units, their kind, hours, pauses and depots, and who must stand at a compulsory post.

Minimum staffing comes first: a station that needs twenty officers has them before anybody drives a round.
Units are given to posts whole, so that as few officers as possible stand beyond the minimum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note
from gridmap.patrol.point_inputs import check_number, id_column, lonlat
from gridmap.read.numbers import one_column

__all__ = ["Units", "staff_posts", "take_posts", "take_units"]

#: Officers of a unit where none are given: a patrol of two.
OFFICERS = 2
#: Hours of duty from which on there is a meal break where no pause is given.
MEAL_FROM_H = 6.0


@dataclass(frozen=True)
class Units:
    """The units of one shift, times in seconds from its start.

    Attributes
    ----------
    unit_id, kind : list of str
    officers : int (units,)
    window : float (units, 2)
    pause : float (units, 3)
        Length, first and last moment to begin.
    depot : float (units, 2)
        lon, lat; nan without one.
    """

    unit_id: list
    kind: list
    officers: np.ndarray
    window: np.ndarray
    pause: np.ndarray
    depot: np.ndarray

    def only(self, keep) -> "Units":
        """Some of the units, by position."""
        return Units(
            [self.unit_id[i] for i in keep],
            [self.kind[i] for i in keep],
            self.officers[keep],
            self.window[keep],
            self.pause[keep],
            self.depot[keep],
        )


def take_units(units, shift_h: float, meal_min: float = 0.0) -> Units:
    """The units as the planner needs them.

    Parameters
    ----------
    units : int or DataFrame
        A number of units (two officers, one kind, no depot), or a frame with any of `unit_id, kind, officers, start_h,
        end_h` (hours from the shift's start), `pause_min, pause_from_h, pause_to_h`, and a geometry or `lon, lat` for
        the depot, where each unit starts and to which it returns.
    shift_h : float
    meal_min : float
        Pause of a unit of which none is given, where its duty is six hours or longer.

    Examples
    --------
    >>> take_units(3, 8.0).unit_id
    ['unit 1', 'unit 2', 'unit 3']
    """
    if isinstance(units, int | np.integer) and not isinstance(units, bool):
        if units < 1:
            raise SettingError(Note("patrol.units_least", found=units))
        units = pd.DataFrame(index=range(int(units)))
    if not isinstance(units, pd.DataFrame):
        raise InputError(Note("patrol.units_type", found=type(units).__name__))
    if len(units) == 0:
        raise InputError(Note("patrol.units_empty"))
    n = len(units)

    def column(name, default):
        values = units[name] if name in units else pd.Series(np.nan, index=units.index)
        values = pd.to_numeric(values, errors="coerce").to_numpy(float)
        return np.where(np.isnan(values), default, values)

    ids = id_column(units, ("unit_id", "unit", "name"), "unit ")
    kind = units["kind"].astype(str).tolist() if "kind" in units else ["car"] * n
    start, end = column("start_h", 0.0), column("end_h", shift_h)
    wrong = (start < 0) | (end <= start) | (end > shift_h + 1e-9)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(Note("patrol.duty", unit=ids[i], start=start[i], end=end[i], shift_h=shift_h))
    pause = column("pause_min", np.where(end - start >= MEAL_FROM_H, meal_min, 0.0))
    middle = (start + end) / 2
    first, latest = column("pause_from_h", 0), column("pause_to_h", 0)
    first = np.where(first > 0, first, np.maximum(start, np.minimum(middle - (end - start) / 8, end - pause / 60)))
    latest = np.where(latest > 0, latest, np.minimum(end - pause / 60, middle + (end - start) / 8))
    wrong = (pause < 0) | ((pause > 0) & ((latest < first) | (first + pause / 60 > end)))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(Note("patrol.pause", unit=ids[i], minutes=pause[i], first=first[i], latest=latest[i]))
    officers = column("officers", OFFICERS)
    if (officers < 1).any() or (officers % 1 != 0).any():
        raise InputError(Note("patrol.officers"))
    return Units(
        ids,
        kind,
        officers.astype(int),
        np.column_stack([start, end]) * 3600,
        np.column_stack([pause * 60, first * 3600, latest * 3600]),
        _depots(units),
    )


def _depots(units) -> np.ndarray:
    depot = np.full((len(units), 2), np.nan)
    if isinstance(units, gpd.GeoDataFrame):
        has = (~units.geometry.isna() & ~units.geometry.is_empty).to_numpy()
        if has.any():
            depot[has] = lonlat(units.geometry[has], "depots")
    elif {"lon", "lat"} <= set(units.columns):
        has = units[["lon", "lat"]].notna().all(axis=1).to_numpy()
        if has.any():
            depot[has] = lonlat(units.loc[has, ["lon", "lat"]], "depots")
    return depot


def take_posts(posts) -> pd.DataFrame:
    """Posts as a frame of `post_id, staff`.

    Examples
    --------
    >>> take_posts({"railway station": 20, "bus station": 10})["staff"].tolist()
    [20, 10]
    """
    if posts is None:
        return pd.DataFrame({"post_id": pd.Series(dtype=object), "staff": pd.Series(dtype=int)})
    if isinstance(posts, Mapping):
        posts = pd.DataFrame({"post_id": list(posts), "staff": list(posts.values())})
    if not isinstance(posts, pd.DataFrame):
        raise InputError(Note("patrol.posts_type", found=type(posts).__name__))
    staff = next((c for c in ("staff", "minimum", "min_staff", "officers") if c in posts), None)
    if staff is None:
        raise InputError(Note("patrol.posts_staff", found=list(map(str, posts.columns))))
    need = [int(check_number(v, "staff of a post", above=False)) for v in one_column(posts, staff).tolist()]
    return pd.DataFrame({"post_id": id_column(posts, ("post_id", "place_id", "name"), "post "), "staff": need})


def staff_posts(posts: pd.DataFrame, units: Units, order: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Who stands where, in the order of the posts.

    Parameters
    ----------
    posts : frame of `post_id, staff`
    units : Units
    order : int (units,)
        Which units are taken first.

    Returns
    -------
    table : DataFrame
        `post_id, staff, assigned, units` (names), `met`.
    free : int array
        Positions of the units that remain for patrol, in their own order.
    """
    free, rows = [int(i) for i in order], []
    for post_id, staff in zip(posts["post_id"], posts["staff"].astype(int), strict=True):
        chosen = _fewest(staff, free, units.officers)
        free = [u for u in free if u not in chosen]
        names = [units.unit_id[u] for u in sorted(chosen)]
        assigned = int(units.officers[list(chosen)].sum()) if chosen else 0
        rows.append((post_id, staff, assigned, names, assigned >= staff))
    table = pd.DataFrame(rows, columns=["post_id", "staff", "assigned", "units", "met"])
    return table, np.array(sorted(free), dtype=int)


def _fewest(need: int, free: list, officers: np.ndarray) -> set:
    """The units whose officers together are the least number that is enough (all of them, when none is)."""
    if need <= 0:
        return set()
    if officers[free].sum() < need:
        return set(free)
    reach: dict[int, tuple] = {0: ()}  # officers in sum → the units, first found (so in the given order)
    for u in free:
        for total, chosen in list(reach.items()):
            if total < need:
                reach.setdefault(total + int(officers[u]), (*chosen, u))
    return set(reach[min(t for t in reach if t >= need)])
