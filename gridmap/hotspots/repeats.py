"""After a burglary, are the houses near by at a higher risk, and for how many days?

Near repeats: count the pairs of events that are close in space and in time, band by band, and compare with the same
places under shuffled dates (Knox 1964, as the near-repeat calculator of Ratcliffe tabulates it). If the risk is
communicated, near pairs in the first days are more than shuffled dates give. Shuffling keeps where events happen and
when they happen, and breaks only what ties the two. `cross_near_repeat` asks the same of two kinds: do disputes
precede violence near by more often than chance (民转刑)?

Bands have edges, and an edge belongs to one side only: with closed="right" they are [0, 7], (7, 14], … (the first one
closed at both ends), with closed="left" [0, 7), [7, 14), …

Source: Knox 1964; Johnson et al. 2007; Ratcliffe & Rengert 2008.
"""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from gridmap.errors import CRSError, InputError
from gridmap.hotspots.dated import days_of, events_frame
from gridmap.hotspots.lattice import LEAST_INCIDENTS
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.repeat_pairs import close_pairs, counted, edges_within, shuffled_counts, time_units
from gridmap.hotspots.repeat_tables import (
    NEAR_REPEAT_TABLES,
    NearRepeatResult,
    band_tables,
    breaks_from,
    check_options,
    link_used,
    roles_of,
)
from gridmap.hotspots.significance import seed_from, whole_number
from gridmap.read.base import Incidents

__all__ = ["NearRepeatResult", "cross_near_repeat", "near_repeat"]


@hotspot_method(
    draws="table", unit="pairs", of_points=True, facts="repeats", null="dates_shuffled", columns=NEAR_REPEAT_TABLES
)
def near_repeat(
    events,
    *,
    x: str = "x",
    y: str = "y",
    time: str = "date",
    space_breaks_m,
    time_breaks_days,
    metric: str = "euclidean",
    closed: str = "right",
    link: tuple[float, float] | None = None,
    permutations: int = 999,
    random_state=None,
) -> NearRepeatResult:
    """Near-repeat table: are events close in space also close in time, more than shuffled dates would have them?

    Parameters
    ----------
    events : DataFrame, GeoDataFrame or Incidents
        One row an event. Coordinates in metres; Incidents (and a GeoDataFrame without x and y) are projected here.
        Incidents known only to within more than a day are set aside, as are events without a place or a time; how
        many is told in `notes`.
    x, y, time : str
        Columns of a frame. Times are timestamps, ISO dates, or numbers of days.
    space_breaks_m : list of float
        Edges of the distance bands in metres, as in [0, 0.1, 200, 400, 600]; [0, 0.1] is "the same place".
    time_breaks_days : list of float
        Edges of the time bands in days, as in [0, 7, 14, 21].
    metric : {"euclidean", "manhattan"}
    closed : {"right", "left"}
        Which end of a band belongs to it. "right": [a, b], (b, c], … "left": [a, b), [b, c), …
    link : (distance_m, days), optional
        How near a later event must be to count as a repeat of an earlier one, for the roles. By default the outer
        edge of the largest block of bands, from nearest and soonest on, in which every p is 0.05 or less; without
        such a block no event is linked.
    permutations : int
    random_state : int or Generator, optional
        Same seed, same result, on any number of threads.

    Returns
    -------
    NearRepeatResult
        `observed, expected_mean, expected_median, ratio_mean, ratio_median, p_value, q_value`: frames of space bands
        × time bands. `members`: "repeat" for an event that followed another within `link` at the same place (within
        1 m), "near repeat" at another, "originator" for one that only began, "none" otherwise. Of two events at the
        same time the one that stands first in the table counts as first.

    Raises
    ------
    InputError
        Fewer than 30 events with a place and a time, all at one place or at one time, missing columns.
    CRSError
        Degrees where metres are meant.
    SettingError
        Breaks that do not rise, unknown options.

    Examples
    --------
    Thirty burglaries a kilometre apart, one every ten days; after the first ten, another one two days later 50 m away:

    >>> import numpy as np, pandas as pd
    >>> first = pd.DataFrame({"x": np.arange(30) * 1000.0, "y": 0.0, "date": np.arange(30) * 10})
    >>> second = first.head(10).assign(y=50.0, date=lambda f: f.date + 2)
    >>> table = near_repeat(pd.concat([first, second]), space_breaks_m=[0, 100, 2000], time_breaks_days=[0, 7, 14],
    ...                     random_state=1)
    >>> table.observed
    days        [0, 7]  (7, 14]
    distance_m
    [0, 100]        10        0
    (100, 2000]      0       57
    >>> table.p_value.iloc[0, 0].round(3)
    np.float64(0.001)

    References
    ----------
    Knox (1964), Applied Statistics 13, 25–29. Johnson et al. (2007), Journal of Quantitative Criminology 23, 201–219.
    Ratcliffe & Rengert (2008), Security Journal 21, 58–76.
    """
    space, when = breaks_from(space_breaks_m, "space_breaks_m"), breaks_from(time_breaks_days, "time_breaks_days")
    check_options(metric, closed, space)
    permutations = whole_number(permutations, "permutations", least=1)
    xy, days, names, notes, crs = _points(events, x, y, time, space)
    order = cKDTree(xy).indices  # neighbours in space become neighbours in memory
    times, edges = time_units(days, when, closed)
    pairs = close_pairs(xy[order], None, edges_within(space, closed), metric)
    times = times[order]
    observed = counted(pairs, times, times, edges, False)
    chance = shuffled_counts(pairs, times, None, edges, False, permutations, seed_from(random_state))
    tables = band_tables(observed, chance, space, when, closed)
    link = link_used(link, tables["p_value"].to_numpy(), space, when)
    roles = roles_of(xy, days, link, metric)
    params = {
        "space_breaks_m": space.tolist(),
        "time_breaks_days": when.tolist(),
        "metric": metric,
        "closed": closed,
        "link": link,
        "events": len(xy),
        "crs": crs,
        "permutations": permutations,
        "random_state": random_state,
    }
    if link is None:
        notes.append("Nearest and soonest pairs are not more than chance (p > 0.05), so no event is called a repeat.")
    members = pd.DataFrame({"incident_id": names, "role": roles})
    return NearRepeatResult(pd.DataFrame(), "near_repeat", params, members=members, notes=tuple(notes), **tables)


@hotspot_method(
    draws="table", unit="pairs", of_points=True, facts="repeats", null="dates_shuffled", columns=NEAR_REPEAT_TABLES
)
def cross_near_repeat(
    first,
    second,
    *,
    x: str = "x",
    y: str = "y",
    time: str = "date",
    space_breaks_m,
    time_breaks_days,
    metric: str = "euclidean",
    closed: str = "right",
    permutations: int = 999,
    random_state=None,
) -> NearRepeatResult:
    """Do events of one kind precede events of another near by, more than chance?

    A pair is one event of each kind; its time is (second − first) in days, so the bands [0, 7], (7, 14] ask what
    happens in the days *after* an event of the first kind. Negative breaks look before it: with
    [-14, -7, 0, 7, 14] before and after stand side by side, and a real precursor shows on one side only.

    The null deals the times of the second kind anew among its events; places of both and times of the first stay.

    Parameters
    ----------
    first, second : DataFrame, GeoDataFrame or Incidents
        Both in the same metric coordinates; Incidents are projected to one CRS.
    x, y, time, space_breaks_m, metric, closed, permutations, random_state
        As in `near_repeat`.
    time_breaks_days : list of float
        May be negative.

    Returns
    -------
    NearRepeatResult
        As of `near_repeat`; `members` is None.

    Raises
    ------
    InputError, CRSError, SettingError
        As `near_repeat`.

    Examples
    --------
    Forty disputes; twenty of them are followed by violence three days later and 50 m away:

    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> disputes = pd.DataFrame(rng.random((40, 2)) * 5000, columns=["x", "y"]).assign(date=rng.integers(0, 300, 40))
    >>> later = np.where(disputes.index < 20, 3, 90)
    >>> violence = disputes.assign(y=disputes.y + 50, date=disputes.date + later).head(30)
    >>> table = cross_near_repeat(disputes, violence, space_breaks_m=[0, 100], time_breaks_days=[-7, 0, 7],
    ...                           random_state=1)
    >>> table.observed.to_numpy().tolist(), table.p_value.round(3).to_numpy().tolist()
    ([[0, 20]], [[1.0, 0.001]])

    References
    ----------
    Knox (1964), Applied Statistics 13, 25–29.
    """
    space, when = breaks_from(space_breaks_m, "space_breaks_m"), breaks_from(time_breaks_days, "time_breaks_days")
    check_options(metric, closed, space)
    permutations = whole_number(permutations, "permutations", least=1)
    if isinstance(first, Incidents) != isinstance(second, Incidents):
        raise InputError(
            "first and second must be of one kind: both Incidents, or both frames in the same metric coordinates."
        )
    crs = first.metric_crs if isinstance(first, Incidents) and len(first) else None
    one = _raw_points(first, x, y, time, space, crs)
    other = _raw_points(second, x, y, time, space, crs)
    both = _days_together(one[1], other[1], time)
    order_a, order_b = cKDTree(one[0]).indices, cKDTree(other[0]).indices
    times, edges = time_units(both, when, closed)
    a_times, b_times = times[: len(one[0])][order_a], times[len(one[0]) :][order_b]
    pairs = close_pairs(one[0][order_a], other[0][order_b], edges_within(space, closed), metric)
    observed = counted(pairs, a_times, b_times, edges, True)
    chance = shuffled_counts(pairs, a_times, b_times, edges, True, permutations, seed_from(random_state))
    params = {
        "space_breaks_m": space.tolist(),
        "time_breaks_days": when.tolist(),
        "metric": metric,
        "closed": closed,
        "events": (len(one[0]), len(other[0])),
        "crs": one[4],
        "permutations": permutations,
        "random_state": random_state,
    }
    notes = [f"{kind}: {note}" for kind, part in (("first", one), ("second", other)) for note in part[3]]
    tables = band_tables(observed, chance, space, when, closed)
    return NearRepeatResult(pd.DataFrame(), "cross_near_repeat", params, notes=tuple(notes), **tables)


def _raw_points(events, x, y, time, space, crs=None):
    """Places in metres, times as they came, ids, notes and the CRS."""
    frame, notes = events_frame(events, x=x, y=y, time=time, crs=crs)
    if isinstance(events, Incidents):
        x, y, time = "x", "y", "date"
        crs = events.metric_crs if crs is None else crs
    if len(frame) < LEAST_INCIDENTS:
        raise InputError(
            f"There are {len(frame):,} events with a place and a time; fewer than {LEAST_INCIDENTS} say nothing about "
            "near repeats. Take a longer period or a wider category." + "".join(f" {n}" for n in notes)
        )
    xy = frame[[x, y]].to_numpy(float)
    extent = np.ptp(xy, axis=0)
    if not extent.any():
        raise InputError(f"All {len(xy):,} events are at one place. Look for a default location in the data.")
    nearest = space[space > 0][0]
    if np.abs(xy[:, 0]).max() <= 180 and np.abs(xy[:, 1]).max() <= 90 and np.hypot(*extent) < nearest and nearest >= 1:
        raise CRSError(
            f"{x!r} and {y!r} look like degrees: all events lie within {np.hypot(*extent):.3g} of each other, less "
            f"than the first distance ({nearest:g} m). Give metric coordinates, or Incidents, which are projected."
        )
    names = frame["incident_id"].to_numpy() if isinstance(events, Incidents) else frame.index.to_numpy()
    return xy, frame[time], names, notes, None if crs is None else crs.to_string()


def _points(events, x, y, time, space):
    xy, times, names, notes, crs = _raw_points(events, x, y, time, space)
    days = days_of(times, time)
    if days.max() == 0:
        raise InputError(f"All {len(days):,} events are at one time: there is nothing to shuffle. Dates are needed.")
    return xy, days, names, notes, crs


def _days_together(first: pd.Series, second: pd.Series, name: str) -> np.ndarray:
    """Days of both kinds since the first of all."""
    if pd.api.types.is_numeric_dtype(first) != pd.api.types.is_numeric_dtype(second):
        raise InputError(f"{name!r} is a number in one table and a date in the other.")
    days = days_of(pd.concat([pd.Series(first.to_numpy()), pd.Series(second.to_numpy())], ignore_index=True), name)
    if np.ptp(days[len(first) :]) == 0:
        raise InputError("All events of the second kind are at one time: there is nothing to shuffle.")
    return days
