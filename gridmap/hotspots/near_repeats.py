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

from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import scipy

from gridmap._compiled import njit
from gridmap.errors import CRSError, InputError, SettingError
from gridmap.hotspots.cell_vectors import LEAST_INCIDENTS
from gridmap.hotspots.dated_events import days_of, events_frame
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import NearRepeatResult
from gridmap.hotspots.scan.windows import cores
from gridmap.hotspots.significance import adjust_p, seed_from, whole_number
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents

__all__ = [
    "NEAR_REPEAT_TABLES",
    "NearRepeatResult",
    "band_tables",
    "breaks_from",
    "check_options",
    "close_pairs",
    "counted",
    "cross_near_repeat",
    "edges_within",
    "link_used",
    "near_repeat",
    "roles_of",
    "shuffled_counts",
    "time_units",
]

# --------------------------------------------------------------------------------------------------
# What a near-repeat test answers with: tables of bands, and which event began or followed.
#
# Source: Johnson et al. 2007; Ratcliffe & Rengert 2008.

#: The tables of a near-repeat analysis, each of space bands × time bands.
NEAR_REPEAT_TABLES = (
    *("observed", "expected_mean", "expected_median", "ratio_mean", "ratio_median", "p_value", "q_value"),
)


def breaks_from(values, name: str) -> np.ndarray:
    """Rising finite edges, or a SettingError that names the option."""
    try:
        breaks = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        breaks = np.empty(0)
    if breaks.ndim != 1 or len(breaks) < 2 or not np.isfinite(breaks).all() or (np.diff(breaks) <= 0).any():
        raise SettingError(Note("hotspots.rising_list", name=name, values=values))
    return breaks


def check_options(metric: str, closed: str, space: np.ndarray) -> None:
    """Refuse an unknown metric or closure, and distances that look like degrees."""
    if not isinstance(metric, str) or metric not in ("euclidean", "manhattan"):
        raise SettingError(Note("hotspots.metric_unknown", metric=metric))
    if not isinstance(closed, str) or closed not in ("right", "left"):
        raise SettingError(Note("hotspots.closed_unknown", closed=closed))
    if space[0] < 0:
        raise SettingError(Note("hotspots.space_breaks_from_zero", value=space[0]))
    if space[-1] < 1:
        raise SettingError(Note("hotspots.space_breaks_degrees", value=space[-1]))


def _bands(breaks: np.ndarray, closed: str) -> list[str]:
    """Words for bands, as in "[0, 7]" and "(7, 14]"."""
    pairs = [(f"{a:g}", f"{b:g}") for a, b in pairwise(breaks)]
    if closed == "left":
        return [f"[{a}, {b})" for a, b in pairs]
    return [f"{'(' if k else '['}{a}, {b}]" for k, (a, b) in enumerate(pairs)]


def band_tables(observed, chance, space, when, closed) -> dict[str, pd.DataFrame]:
    """Observed pairs beside those of the permutations, as frames with the bands in words."""
    rows = pd.Index(_bands(space, closed), name="distance_m")
    columns = pd.Index(_bands(when, closed), name="days")
    mean, median = chance.mean(axis=0), np.median(chance, axis=0)
    p = (1 + (chance >= observed).sum(axis=0)) / (1 + len(chance))
    with np.errstate(divide="ignore", invalid="ignore"):
        arrays = {
            "observed": observed,
            "expected_mean": mean,
            "expected_median": median,
            "ratio_mean": observed / mean,
            "ratio_median": observed / median,
            "p_value": p,
            "q_value": adjust_p(p.ravel()).reshape(p.shape),
        }
    return {name: pd.DataFrame(values, rows, columns) for name, values in arrays.items()}


def link_used(link, p: np.ndarray, space: np.ndarray, when: np.ndarray) -> tuple[float, float] | None:
    """The distance and the days within which a later event repeats an earlier one."""
    if link is not None:
        try:
            far, late = (float(v) for v in link)
        except (TypeError, ValueError):
            far = late = np.nan
        if not (far >= 0 and late >= 0 and np.isfinite([far, late]).all()):
            raise SettingError(Note("hotspots.link_pair", link=link))
        return far, late
    more = p <= 0.05
    sizes = [(i * j, i, j) for i in range(1, len(space)) for j in range(1, len(when)) if more[:i, :j].all()]
    if not sizes:
        return None
    _, i, j = max(sizes)
    return float(space[i]), float(when[j])


def roles_of(xy: np.ndarray, days: np.ndarray, link, metric: str) -> np.ndarray:
    """Which events followed another within the link, at its place or near it, and which only began."""
    roles = np.full(len(xy), "none", dtype=object)
    if link is None:
        return roles
    edges = np.array([np.nextafter(0.0, -1.0), link[0]])
    a, b, _, distance = close_pairs(xy, None, edges, metric)
    close = np.abs(days[a] - days[b]) <= link[1]
    a, b, distance = a[close], b[close], distance[close]
    swap = (days[b] < days[a]) | ((days[b] == days[a]) & (b < a))
    early, late = np.where(swap, b, a), np.where(swap, a, b)
    roles[early] = "originator"
    roles[late] = "near repeat"
    roles[late[distance <= 1]] = "repeat"
    return roles


# --------------------------------------------------------------------------------------------------
# Counting pairs that are close in space and in time, for the events as they were and under shuffled dates.
#
# Only pairs that are close in space are ever listed: a k-d tree finds them once, because shuffling the dates moves no
# event. What remains is to look up, for each of them and each replica, how far apart the two dates are. Replicas lie
# side by side, dates as 16-bit days where they fit, so one instruction compares 32 of them.
#
# Bands are counted from below: N_k pairs lie within edge k, and a band holds N_k+1 − N_k. Which ends are open only
# decides whether "within" means ≤ or <.

BLOCK = 64  # replicas side by side
MOST_PAIRS = 300_000_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def edges_within(breaks: np.ndarray, closed: str, unit: float = 1.0) -> np.ndarray:
    """The largest value that counts as within each edge; edge 0 is what lies below the first band.

    Examples
    --------
    >>> edges_within(np.array([0.0, 7, 14]), "right").round(6).tolist()  # [0, 7], (7, 14]
    [-0.0, 7.0, 14.0]
    >>> edges_within(np.array([0.0, 7, 14]), "left").round(6).tolist()  # [0, 7), [7, 14)
    [-0.0, 7.0, 14.0]
    """
    edges = np.asarray(breaks, float) * unit
    below = np.nextafter(edges, -np.inf)
    if closed == "left":
        return below
    return np.r_[below[:1], edges[1:]]


def close_pairs(first: np.ndarray, second: np.ndarray | None, edges: np.ndarray, metric: str):
    """Pairs whose distance lies in a band, sorted by band.

    Parameters
    ----------
    first, second : ndarray of float, shape (n, 2)
        Metres; with second=None, pairs among the first, each once.
    edges : ndarray
        As `edges_within` gives them.
    metric : {"euclidean", "manhattan"}

    Returns
    -------
    a, b : ndarray of int32
        Rows in first and in second (or first).
    starts : ndarray of int64, shape (bands + 1,)
    distance : ndarray of float
    """
    p, reach = (2 if metric == "euclidean" else 1), max(edges[-1], 0.0) * (1 + 1e-9)
    tree = scipy.spatial.cKDTree(first)
    other = tree if second is None else scipy.spatial.cKDTree(second)
    expected = int(tree.count_neighbors(other, reach, p=p))
    if expected > 2 * MOST_PAIRS:
        raise SettingError(Note("hotspots.too_many_pairs", expected=expected, value=edges[-1], value2=2 * MOST_PAIRS))
    if second is None:
        pairs = tree.query_pairs(reach, p=p, output_type="ndarray")
        a, b, second = pairs[:, 0], pairs[:, 1], first
    else:
        found = tree.sparse_distance_matrix(other, reach, p=p, output_type="ndarray")
        a, b = found["i"], found["j"]
    apart = np.abs(first[a] - second[b])
    distance = np.hypot(*apart.T) if metric == "euclidean" else apart.sum(axis=1)
    band = np.searchsorted(edges, distance, side="left") - 1
    kept = (band >= 0) & (band < len(edges) - 1)
    a, b, band, distance = a[kept], b[kept], band[kept], distance[kept]
    order = np.argsort(band * np.int64(len(first)) + a, kind="stable")
    starts = np.searchsorted(band[order], np.arange(len(edges)))
    return a[order].astype(np.int32), b[order].astype(np.int32), starts.astype(np.int64), distance[order]


def time_units(days: np.ndarray, breaks: np.ndarray, closed: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and edges in the narrowest numbers that hold them exactly: whole days, whole seconds, or as they are."""
    days = days - days.min()
    largest = max(days.max(), np.abs(breaks).max() + 1)
    seconds = np.round(days * 86_400)
    if (days == np.floor(days)).all() and largest < 2**15 - 2:
        return days.astype(np.int16), np.floor(edges_within(breaks, closed)).astype(np.int16)
    if (np.abs(seconds / 86_400 - days) < 1e-9).all() and largest * 86_400 < 2**31 - 2:
        return seconds.astype(np.int32), np.floor(edges_within(breaks, closed, 86_400)).astype(np.int32)
    return days, edges_within(breaks, closed)


def counted(pairs, first_times, second_times, edges, signed: bool) -> np.ndarray:
    """Pairs by band of space and of time, shape (space bands, time bands)."""
    a, b, starts, _ = pairs
    out = np.zeros((len(starts) - 1, len(edges), 1), np.int64)
    _count(a, b, starts, first_times[:, None].copy(), second_times[:, None].copy(), edges, signed, out)
    return np.diff(out[:, :, 0], axis=1)


def shuffled_counts(
    pairs,
    first_times,
    second_times,
    edges,
    signed: bool,
    permutations: int,
    seed: int,
    strata: np.ndarray | None = None,
) -> np.ndarray:
    """`counted` under shuffled times, shape (permutations, space bands, time bands).

    With second_times=None the events are one kind and their times are dealt anew among them; otherwise only the
    second kind's are. Each replica has its own stream of random numbers, so threads do not matter. `strata`, a whole
    number an event, keeps each time within its own.
    """
    a, b, starts, _ = pairs
    kinds = first_times if second_times is None else second_times

    groups = [np.arange(len(kinds))] if strata is None else [np.flatnonzero(strata == k) for k in np.unique(strata)]

    def one_block(first):
        many = min(BLOCK, permutations - first)
        dealt = np.empty((len(kinds), many), kinds.dtype)
        for at in groups:
            part = np.empty((len(at), many), kinds.dtype)
            _shuffle(kinds[at], np.uint64(seed), first, part)
            dealt[at] = part
        fixed = dealt if second_times is None else np.repeat(first_times[:, None], many, axis=1)
        out = np.zeros((len(starts) - 1, len(edges), many), np.int64)
        _count(a, b, starts, fixed, dealt, edges, signed, out)
        return np.diff(out, axis=1)

    with ThreadPoolExecutor(cores()) as pool:
        blocks = list(pool.map(one_block, range(0, permutations, BLOCK)))
    return np.concatenate(blocks, axis=2).transpose(2, 0, 1)


@njit(nogil=True, cache=True)
def _count(a, b, starts, first_times, second_times, edges, signed, out):  # pragma: no cover
    width = first_times.shape[1]
    within = np.zeros((len(edges), width), first_times.dtype)  # as narrow as the times, so emptied now and then
    for band in range(len(starts) - 1):
        held = 0
        for p in range(starts[band], starts[band + 1]):
            early, late = first_times[a[p]], second_times[b[p]]
            for k in range(len(edges)):
                edge, row = edges[k], within[k]
                if signed:
                    for r in range(width):
                        row[r] += row.dtype.type(row.dtype.type(late[r] - early[r]) <= edge)
                elif edge >= 0:
                    for r in range(width):
                        apart = row.dtype.type(late[r] - early[r])
                        row[r] += row.dtype.type((apart <= edge) & (apart >= -edge))
            held += 1
            if held == 30_000 or p == starts[band + 1] - 1:
                for k in range(len(edges)):
                    for r in range(width):
                        out[band, k, r] += np.int64(within[k, r])
                        within[k, r] = 0
                held = 0


@njit(nogil=True, cache=True)
def _shuffle(times, seed, first, dealt):  # pragma: no cover
    """Fisher and Yates's shuffle, one stream a replica."""
    n, width = dealt.shape
    deck = times.copy()
    for r in range(width):
        for k in range(n):
            deck[k] = times[k]
        state = _mixed(seed ^ _mixed(np.uint64(first + r) + _GOLDEN))
        for k in range(n - 1, 0, -1):
            state += _GOLDEN
            j = np.int64(((_mixed(state) >> np.uint64(32)) * np.uint64(k + 1)) >> np.uint64(32))
            deck[k], deck[j] = deck[j], deck[k]
        for k in range(n):
            dealt[k, r] = deck[k]


@njit(nogil=True, cache=True)
def _mixed(z):  # pragma: no cover
    """Splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


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
    strata=None,
    permutations: int = 999,
    random_state=None,
) -> NearRepeatResult:
    """Near-repeat table: are events close in space also close in time, more than shuffled dates would have them?

    Parameters
    ----------
    events : DataFrame, GeoDataFrame or Incidents
        One row an event. Coordinates in metres; Incidents (and a GeoDataFrame without x and y) are projected here.
        Incidents known only to within more than a day are set aside, as are events without a place or a time; how
        many is reported in `notes`.
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
    strata : str or Series, optional
        Districts: a column of the events, or a Series by their id. Dates are shuffled within each district alone, so
        that districts with different seasons or trends are not taken for repetition. Without it they are: of 100 sets
        of events that never repeat, but whose quarters had their season at different times, all were.
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
    order = scipy.spatial.cKDTree(xy).indices  # neighbours in space become neighbours in memory
    times, edges = time_units(days, when, closed)
    pairs = close_pairs(xy[order], None, edges_within(space, closed), metric)
    times = times[order]
    observed = counted(pairs, times, times, edges, False)
    within = _strata(strata, events, names)
    within = None if within is None else within[order]
    chance = shuffled_counts(pairs, times, None, edges, False, permutations, seed_from(random_state), within)
    tables: dict[str, Any] = band_tables(observed, chance, space, when, closed)
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
        "strata": None if within is None else int(within.max()) + 1,
        "permutations": permutations,
        "random_state": random_state,
    }
    if link is None:
        notes.append(Note("hotspots.no_event_is_a_repeat"))
    members = pd.DataFrame({"incident_id": names, "role": roles})
    return NearRepeatResult(pd.DataFrame(), "near_repeat", params, members=members, notes=tuple(notes), **tables)


def _strata(strata: Any, events: Any, names: Any) -> np.ndarray | None:
    """The number of each event's district, in the order of `names`; None where there are none."""
    if strata is None:
        return None
    if isinstance(strata, str):
        is_frame = isinstance(events, pd.DataFrame)
        columns = list(events.columns)
        if strata not in columns:
            raise SettingError(Note("hotspots.no_strata", found=strata, meant=did_you_mean(strata, map(str, columns))))
        frame = events if is_frame else events.to_frame(["incident_id", strata]).set_index("incident_id")
        strata = frame[strata]
        if is_frame and "incident_id" in columns:
            strata = strata.set_axis(events["incident_id"])
    if not isinstance(strata, pd.Series) or strata.index.has_duplicates:
        raise SettingError(Note("hotspots.strata_what", found=type(strata).__name__))
    found = strata.reindex(pd.Index(np.asarray(names)))
    if found.isna().any():
        raise InputError(Note("hotspots.strata_missing", n=int(found.isna().sum()), of=len(found)))
    return pd.factorize(found)[0]


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
        raise InputError(Note("hotspots.one_kind_of_table"))
    crs = first.metric_crs if isinstance(first, Incidents) and len(first) else None
    one = _raw_points(first, x, y, time, space, crs)
    other = _raw_points(second, x, y, time, space, crs)
    both = _days_together(one[1], other[1], time)
    order_a, order_b = scipy.spatial.cKDTree(one[0]).indices, scipy.spatial.cKDTree(other[0]).indices
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
    kinds = (Note("hotspots.first_kind"), one), (Note("hotspots.second_kind"), other)
    notes = [Note("hotspots.note_of", kind=kind, note=note) for kind, part in kinds for note in part[3]]
    tables: dict[str, Any] = band_tables(observed, chance, space, when, closed)
    return NearRepeatResult(pd.DataFrame(), "cross_near_repeat", params, notes=tuple(notes), **tables)


def _raw_points(events, x, y, time, space, crs=None):
    """Places in metres, times as they came, ids, notes and the CRS."""
    frame, notes = events_frame(events, x=x, y=y, time=time, crs=crs)
    if isinstance(events, Incidents):
        x, y, time = "x", "y", "date"
        crs = events.metric_crs if crs is None else crs
    if len(frame) < LEAST_INCIDENTS:
        few = Note("hotspots.few_events", n=len(frame), least=LEAST_INCIDENTS)
        raise InputError(reduce(lambda first, then: Note("messages.then", first=first, then=then), notes, few))
    xy = frame[[x, y]].to_numpy(float)
    extent = np.ptp(xy, axis=0)
    if not extent.any():
        raise InputError(Note("hotspots.events_at_one_place", n=len(xy)))
    nearest = space[space > 0][0]
    if np.abs(xy[:, 0]).max() <= 180 and np.abs(xy[:, 1]).max() <= 90 and np.hypot(*extent) < nearest and nearest >= 1:
        raise CRSError(Note("hotspots.xy_degrees", x=x, y=y, value=np.hypot(*extent), nearest=nearest))
    names = frame["incident_id"].to_numpy() if isinstance(events, Incidents) else frame.index.to_numpy()
    return xy, frame[time], names, notes, None if crs is None else crs.to_string()


def _points(events, x, y, time, space):
    xy, times, names, notes, crs = _raw_points(events, x, y, time, space)
    days = days_of(times, time)
    if days.max() == 0:
        raise InputError(Note("hotspots.events_at_one_time", n=len(days)))
    return xy, days, names, notes, crs


def _days_together(first: pd.Series, second: pd.Series, name: str) -> np.ndarray:
    """Days of both kinds since the first of all."""
    if pd.api.types.is_numeric_dtype(first) != pd.api.types.is_numeric_dtype(second):
        raise InputError(Note("hotspots.number_and_date", name=name))
    days = days_of(pd.concat([pd.Series(first.to_numpy()), pd.Series(second.to_numpy())], ignore_index=True), name)
    if np.ptp(days[len(first) :]) == 0:
        raise InputError(Note("hotspots.second_at_one_time"))
    return days
