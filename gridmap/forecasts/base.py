"""What every forecast keeps to: it learns from what was known at a moment, and says how many incidents to expect where.

`History` holds what a model may learn from: each incident's cell, its place in metres and its time, in the order of
time. `History.before(until)` cuts it; a model is only ever given a history that is cut, so it cannot see what came
later, whatever it does. Reporting delay is part of that cut: with `delay="7D"` the last week is not known yet.

A model is an estimator, because it is learnt from one period and applied to another: `fit(incidents, grid, until=…)`
returns itself, `predict(period)` gives the expected count of every cell with an interval in which the next count will
lie. Third parties add models by the entry point `gridmap.models` (a class with a name and these two functions).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy import sparse

from gridmap._intervals import prediction_interval
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents

__all__ = [
    "DAY",
    "MODELS",
    "Forecaster",
    "History",
    "Space",
    "model_named",
    "moment",
    "period_of",
    "span_days",
    "windows_of_time",
]

#: Times are days since 1970, local.
DAY = np.timedelta64(1, "D")

#: Trees and weights are learned anew after so many days, and never from fewer days than the second.
RELEARN_DAYS, LEAST_TO_LEARN_DAYS = 56.0, 56.0

#: Records of one event that was entered twice lie within so many metres.
DOUBLED_M = 150.0

#: Name → where its class stands.
MODELS: dict[str, str] = {
    "mean_count": "gridmap.forecasts.baselines:MeanCount",
    "recent_count": "gridmap.forecasts.baselines:RecentCount",
    "last_year": "gridmap.forecasts.baselines:LastYear",
    "prospective": "gridmap.forecasts.density_models:Prospective",
    "density": "gridmap.forecasts.density_models:DecayedDensity",
    "density_mixture": "gridmap.forecasts.density_models:DensityMixture",
    "lasting_density": "gridmap.forecasts.density_models:LastingDensity",
    "boosted": "gridmap.forecasts.boosted:Boosted",
    "near_repeat": "gridmap.forecasts.near_repeat_model:NearRepeat",
    "self_exciting": "gridmap.forecasts.self_exciting:SelfExciting",
    "risk_terrain": "gridmap.forecasts.risk_terrain:RiskTerrain",
    "ensemble": "gridmap.forecasts.ensemble:Ensemble",
}


def model_named(name: str) -> type["Forecaster"]:
    """The class of a model, of gridmap or of a plug-in.

    Raises
    ------
    SettingError
        If there is none of that name.
    """
    if name in MODELS:
        module, _, called = MODELS[name].partition(":")
        return getattr(import_module(module), called)
    others = {point.name: point for point in entry_points(group="gridmap.models")}
    if name in others:
        return others[name].load()
    raise SettingError(Note("forecasts.no_model", found=name, meant=did_you_mean(name, [*MODELS, *others])))


def moment(value: Any) -> float:
    """A date or a time as days since 1970.

    Examples
    --------
    >>> moment("1970-01-03"), moment("1970-01-03T12:00")
    (2.0, 2.5)
    """
    try:
        return float((np.datetime64(pd.Timestamp(value), "us") - np.datetime64("1970-01-01", "us")) / DAY)
    except (ValueError, TypeError):
        raise SettingError(Note("forecasts.no_moment", found=str(value))) from None


def span_days(value: Any) -> float:
    """A length of time in days, as in "7D", "4h", 7 (days) or a Timedelta.

    Examples
    --------
    >>> span_days("7D"), span_days("12h"), span_days(28)
    (7.0, 0.5, 28.0)
    """
    try:
        days = float(value) if isinstance(value, int | float | np.number) else pd.Timedelta(value) / pd.Timedelta("1D")
    except (ValueError, TypeError):
        raise SettingError(Note("forecasts.no_span", found=str(value))) from None
    if not (np.isfinite(days) and days > 0):
        raise SettingError(Note("forecasts.no_span", found=str(value)))
    return days


def period_of(value: Any) -> tuple[float, float]:
    """From and to (exclusive) of a period, in days since 1970: a Period, "2024-07", or a pair of dates.

    Examples
    --------
    >>> period_of(("1970-01-02", "1970-01-09"))
    (1.0, 8.0)
    """
    if isinstance(value, tuple | list) and len(value) == 2:
        begin, end = (v if isinstance(v, float) else moment(v) for v in value)
    else:
        try:
            period = value if isinstance(value, pd.Period) else pd.Period(str(value))
        except (ValueError, TypeError):
            raise SettingError(Note("forecasts.no_moment", found=str(value))) from None
        begin, end = moment(period.start_time), moment((period + 1).start_time)
    if not end > begin:
        raise SettingError(Note("forecasts.no_span", found=str(value)))
    return begin, end


class Space:
    """The cells as a forecast sees them: places in metres, areas, and who lies near whom.

    Attributes
    ----------
    cells : Index
    centre_m : ndarray, shape (n, 2)
    area_m2 : ndarray, shape (n,)
    occupied : ndarray of int
        Cells that are known to have had an incident.
    """

    def __init__(self, grid: Grid):
        grid = as_grid(grid)
        if not isinstance(grid, Grid):
            raise InputError(wrong_kind("grid", "grid", grid))
        self.grid = grid
        self.cells = grid.cells.index
        self.centre_m = grid.centroids_m
        self.area_m2 = grid.cells["area_m2"].to_numpy(float)
        self.occupied = np.empty(0, np.int64)
        self._smoothers: dict[float, Smoother] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def cell_m(self) -> float:
        """The side of a square as large as the median cell."""
        return float(np.sqrt(np.median(self.area_m2)))

    @cached_property
    def neighbours(self) -> sparse.csr_array:
        """Cells × cells, 1 where two cells touch."""
        return sparse.csr_array(self.grid.adjacency(), dtype=float)

    @cached_property
    def tree(self) -> "scipy.spatial.cKDTree":
        """The centres, for looking up who is near."""
        return scipy.spatial.cKDTree(self.centre_m)

    def smoother(self, bandwidth_m: float) -> "Smoother":
        """A Gaussian over the cells, made once for each width."""
        with self._lock:
            return self._smoothers.setdefault(bandwidth_m, Smoother(self, bandwidth_m))

    def occupy(self, row: np.ndarray) -> None:
        """Says which cells have incidents, so that smoothers are made for all of them at once."""
        with self._lock:
            self.occupied = np.union1d(self.occupied, row)


class Smoother:
    """A Gaussian over the cells: the share of each cell's incidents that goes to each other; each gives away 1 in all.

    Near the border nothing is lost: what would fall outside is given to the cells inside. Only the columns of cells
    that hold something are made: of the 700,000 smallest squares that the NIJ challenge permits in a county, 15,000
    have ever had an incident. What a column without incidents would add is 0, so the numbers are the same.
    """

    def __init__(self, space: Space, bandwidth_m: float):
        self.space, self.bandwidth_m, self._lock = space, bandwidth_m, Lock()
        self._made: tuple[np.ndarray, sparse.csr_array] | None = None

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Numbers by cell, shape (cells,), smoothed."""
        if self.bandwidth_m <= 0:
            return np.array(values, float)
        columns, kernel = self._for(values)
        return kernel @ values[columns]

    def at(self, row: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The same at some cells alone, of one or several maps: values of shape (cells, …)."""
        if self.bandwidth_m <= 0:
            return np.asarray(values, float)[row]
        columns, kernel = self._for(values)
        return kernel[row] @ values[columns]

    def own(self, row: np.ndarray) -> np.ndarray:
        """The share that cells keep of what they hold."""
        if self.bandwidth_m <= 0:
            return np.ones(len(row))
        cells, which = np.unique(row, return_inverse=True)
        columns, kernel = self._with(cells)
        return np.asarray(kernel[cells, np.searchsorted(columns, cells)]).ravel()[which]

    def _for(self, values: np.ndarray) -> tuple[np.ndarray, sparse.csr_array]:
        there = values != 0
        return self._with(np.flatnonzero(there if there.ndim == 1 else there.any(axis=1)))

    def _with(self, wanted: np.ndarray) -> tuple[np.ndarray, sparse.csr_array]:
        """The columns that were made, those that are wanted among them, in the order of the cells."""
        made = self._made
        if made is None or not np.isin(wanted, made[0], assume_unique=True).all():
            with self._lock:
                columns = np.union1d(self.space.occupied, wanted)
                columns = columns if self._made is None else np.union1d(self._made[0], columns)
                made = self._made = (columns, self._columns(columns))
        return made

    def _columns(self, columns: np.ndarray) -> sparse.csr_array:
        space, width = self.space, self.bandwidth_m
        there = scipy.spatial.cKDTree(space.centre_m[columns])
        near = space.tree.sparse_distance_matrix(there, 3 * width, output_type="coo_matrix")
        weight = np.exp(-0.5 * (near.data / width) ** 2) * space.area_m2[near.row]
        other = near.row != columns[near.col]  # the distance to oneself is 0, which a sparse matrix may drop
        rows = np.r_[near.row[other], columns]
        own = np.r_[near.col[other], np.arange(len(columns))]
        data = np.r_[weight[other], space.area_m2[columns]]
        kernel = sparse.csr_array((data, (rows, own)), shape=(len(space), len(columns)))
        kernel.data /= kernel.sum(axis=0)[kernel.indices]
        return kernel


@dataclass(frozen=True)
class History:
    """What was known at a moment: incidents in the order of time, none of them later than `until`.

    Attributes
    ----------
    space : Space
    row : ndarray of int32
        The cell of each incident.
    time : ndarray of float
        Days since 1970, ascending.
    xy_m : ndarray, shape (n, 2)
        Places in the grid's metric CRS.
    since, until : float
        The span that is known, in days since 1970.
    precision : float
        Days within which the time of most incidents is known.
    end : ndarray of float, optional
        When each incident was over at the latest, where times are intervals. Who came home on Monday reports Monday's
        burglary on Monday, though it may have been on Saturday: nobody knows of it before.
    """

    space: Space
    row: np.ndarray
    time: np.ndarray
    xy_m: np.ndarray
    since: float
    until: float
    precision: float = 0.0
    end: np.ndarray | None = None
    _kept: dict = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        incidents: Incidents,
        grid: Grid | Space,
        *,
        officer_initiated: bool | None = False,
        since: Any = None,
        until: Any = None,
    ) -> "History":
        """The history of incidents on a grid.

        Parameters
        ----------
        incidents : Incidents
        grid : Grid or Space
        officer_initiated : bool or None
            False leaves out what a patrol itself came upon, since sending patrols where patrols found things feeds on
            itself; True takes nothing else, None everything.
        since, until : date, optional
            Of what the data speak; the first and the end of the last day that has an incident when not given.

        Raises
        ------
        InputError
            If no incident is left with a time and a cell.
        """
        space = grid if isinstance(grid, Space) else Space(grid)
        incidents = as_incidents(incidents)
        if not isinstance(incidents, Incidents):
            raise InputError(Note("forecasts.need_incidents", found=type(incidents).__name__))
        columns = ["lon", "lat", "occurred_from", "occurred_to"]
        by = next((c for c in ("officer_initiated", "patrol_found") if c in incidents.data.schema.names), None)
        frame = incidents.to_frame([*columns, *([by] if by else [])])
        if by and officer_initiated is not None:
            found = frame[by].astype("boolean").fillna(False).to_numpy(bool)
            frame = frame[found if officer_initiated else ~found]
        frame = frame[frame["occurred_from"].notna()]
        row = space.grid.locate(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        frame, row = frame[row >= 0], row[row >= 0]
        if not len(frame):
            raise InputError(Note("forecasts.nothing_left"))
        begin = frame["occurred_from"].to_numpy("datetime64[us]")
        end = frame["occurred_to"].fillna(frame["occurred_from"]).to_numpy("datetime64[us]")
        origin = np.datetime64("1970-01-01", "us")
        begin, end = (begin - origin) / DAY, (end - origin) / DAY
        time = begin + np.maximum(end - begin, 0) / 2
        order = np.argsort(time, kind="stable")
        xy = space.grid.xy_m(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        first = np.floor(time.min()) if since is None else moment(since)
        last = np.floor(time.max()) + 1 if until is None else moment(until)
        space.occupy(row)
        whole = cls(
            space=space,
            row=np.asarray(row, np.int32)[order],
            time=time[order],
            xy_m=np.asarray(xy, float)[order],
            since=float(first),
            until=float(last),
            precision=float(np.median(end - begin)),
            end=np.maximum(end, begin)[order] if (end > begin).any() else None,
        )
        return whole.between(whole.since, whole.until)

    def __len__(self) -> int:
        return len(self.row)

    @property
    def days(self) -> float:
        """How long the known span is."""
        return self.until - self.since

    def between(self, since: float, until: float) -> "History":
        """The part within a span; what lies outside is gone."""
        a, b = np.searchsorted(self.time, [since, until])
        end = None if self.end is None else self.end[a:b]
        return History(self.space, self.row[a:b], self.time[a:b], self.xy_m[a:b], since, until, self.precision, end)

    def over_by(self, until: float) -> "History":
        """Without the incidents whose end was not known yet."""
        if self.end is None or not (self.end > until).any():
            return self
        over = self.end <= until
        row, time, xy = self.row[over], self.time[over], self.xy_m[over]
        return History(self.space, row, time, xy, self.since, self.until, self.precision, self.end[over])

    def before(self, until: float, delay_days: float = 0.0) -> "History":
        """What was known at `until`, with what happened in the last `delay_days` not reported yet.

        Maps that were computed of an earlier moment are kept, since they cannot know anything later either.
        """
        known = min(until - delay_days, self.until)
        cut = self.between(self.since, known).over_by(known)
        object.__setattr__(cut, "_kept", self._kept)
        return cut

    def doubled(self) -> int:
        """How many incidents stand near another of the same minute, where that is far more than chance has it; else 0.

        One event that was recorded twice, under another number and some metres off, looks like a near repeat. Pairs
        within 150 m and a minute are held against those of a minute anywhere, times the share of all pairs that are
        within 150 m. Where times are not known to the hour, nothing can be concluded.
        """
        n = len(self)
        if n < 2 or self.precision > 1 / 24:
            return 0
        minute, same, near, found = np.round(self.time * 1440).astype(np.int64), 0, 0, np.zeros(n, bool)
        for lag in range(1, min(n, 50)):
            first = np.flatnonzero(minute[lag:] == minute[:-lag])
            if not len(first):
                break
            close = np.hypot(*(self.xy_m[first] - self.xy_m[first + lag]).T) <= DOUBLED_M
            same, near = same + len(first), near + int(close.sum())
            found[first[close] + lag] = True
        tree = scipy.spatial.cKDTree(self.xy_m)
        by_chance = same * (tree.count_neighbors(tree, DOUBLED_M) - n) / (n * (n - 1))
        return int(found.sum()) if near > max(3 * by_chance, 5, 0.01 * n) else 0

    def longest_gap(self, until: float | None = None) -> Note | None:
        """The longest time without an incident, as a sentence, where chance has none that long; else None.

        Data that are missing look like weeks in which nothing happens, and one wrong year (1900, 2099) like a century
        of them. A gap is stated where it is longer than two weeks (and twice what the times are vague by), and where
        incidents at the mean rate would leave one as long in fewer than one of a million histories.
        """
        last = max(self.until if until is None else until, self.time[-1])
        at = np.r_[self.time, last]
        gaps = np.diff(at)
        longest = int(gaps.argmax())
        days, usual = float(gaps[longest]), len(self) / max(last - self.since, 1.0)
        if days <= 14 + 2 * self.precision or len(self) * np.exp(-usual * days) > 1e-6:
            return None
        begin, end = (str(np.datetime64("1970-01-01") + int(np.floor(t))) for t in at[longest : longest + 2])
        return Note("fact.forecast_gap", begin=begin, end=end, days=days, usual=usual * days)

    def counts(self, since: float | None = None, until: float | None = None) -> np.ndarray:
        """Incidents by cell within a span, as float, shape (cells,)."""
        a = 0 if since is None else np.searchsorted(self.time, since)
        b = len(self.time) if until is None else np.searchsorted(self.time, until)
        return np.bincount(self.row[a:b], minlength=len(self.space)).astype(float)

    def last_lesson(self, horizon_days: float) -> float:
        """The moment at which a model last learned its weights: at most `RELEARN_DAYS` ago, and the same for all
        histories that end within those days.

        What is slow to learn and slow to change (trees, weights of a mixture) is learned once in eight weeks; what is
        put into it is always as new as the history.
        """
        step = max(int(RELEARN_DAYS // horizon_days), 1) * horizon_days
        last = self.until - (self.until - self.since) % step
        return last if last - self.since >= step + LEAST_TO_LEARN_DAYS else self.until

    def kept(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What depends on nothing after the moment in its key, computed once, whichever thread wants it first."""
        if key[1] > self.until + 1e-9:
            raise ValueError(f"a map of {key[1]} was wanted of a history that ends at {self.until}")
        if key not in self._kept:
            with self._kept.setdefault(("lock", *key), Lock()):
                if key not in self._kept:
                    self._kept[key] = make()
        return self._kept[key]

    def decayed(self, at: float, half_life_days: float) -> np.ndarray:
        """Incidents a day by cell before `at`, an incident counting half after each half-life; plain mean for inf."""

        def make() -> np.ndarray:
            known = self.between(self.since, at).over_by(at)
            span = at - self.since
            if np.isinf(half_life_days):
                return np.bincount(known.row, minlength=len(self.space)) / max(span, 1e-9)
            weight = np.exp2((known.time - at) / half_life_days)
            length = half_life_days / np.log(2) * -np.expm1(-np.log(2) * span / half_life_days)
            return np.bincount(known.row, weights=weight, minlength=len(self.space)) / max(length, 1e-9)

        return self.kept(("decayed", at, half_life_days, self.since), make)

    def smoothed(
        self, at: float, half_life_days: float, bandwidth_m: float, row: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """The same, smoothed over the cells by a Gaussian; of some cells alone, if their rows are given."""
        smoother, decayed = self.space.smoother(bandwidth_m), self.decayed(at, half_life_days)
        return smoother(decayed) if isinstance(row, slice) else smoother.at(row, decayed)


def windows_of_time(
    time: np.ndarray, earlier: np.ndarray, reach_days: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of `time` by short stretches, each with the rows of `earlier` (ascending) that can reach into it."""
    order, length = np.argsort(time, kind="stable"), reach_days / 5
    ordered = time[order]
    for begin in np.arange(time.min(initial=0.0), time.max(initial=0.0) + length, length):
        a, b = np.searchsorted(ordered, [begin, begin + length])
        c, d = np.searchsorted(earlier, [begin - reach_days, begin + length])
        if b > a and d > c:
            yield order[a:b], np.arange(c, d)


class Forecaster(ABC):
    """A model of where incidents will be.

    Subclasses have a `name`, `_learn(history, horizon_days)` and `_rate(begin, end)`: incidents a day by cell.
    """

    name: str = ""
    #: The shortest known span, in days, of which the model can learn.
    least_days: float = 1.0

    def fit(
        self,
        incidents: Incidents | History,
        grid: Grid | None = None,
        *,
        until: Any = None,
        horizon: Any = "7D",
        delay: Any = None,
    ) -> "Forecaster":
        """Learn from what was known at a moment.

        Parameters
        ----------
        incidents : Incidents or History
        grid : Grid
            Not needed with a History, which has one.
        until : date
            Nothing from then on is seen; the end of the data when not given.
        horizon : span
            How long the periods are that are to be forecast, as in "7D".
        delay : span, optional
            How late incidents are reported: what happened in this last stretch is not seen either.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If nothing is known before `until`, or times are known to no better than the horizon.
        """
        if not isinstance(incidents, History):
            if grid is None:
                raise InputError(Note("forecasts.need_grid"))
            incidents = History.of(incidents, grid)
        at = incidents.until if until is None else until if isinstance(until, float) else moment(until)
        history = incidents.before(at, 0.0 if delay is None else span_days(delay))
        horizon_days = span_days(horizon)
        if history.precision > max(horizon_days, 1.0):
            raise InputError(Note("forecasts.too_vague", known=history.precision, horizon=horizon_days))
        if not len(history) or history.days < self.least_days:
            raise InputError(Note("forecasts.nothing_before", model=self.name, days=max(history.days, 0.0)))
        self.until_ = at
        self.space_ = history.space
        self.known_ = (history, horizon_days)
        self.__dict__.pop("dispersion_", None)
        self._learn(history, horizon_days)
        return self

    def predict(self, period: Any, *, confidence: float = 0.9) -> pd.DataFrame:
        """The counts to expect in a period.

        Parameters
        ----------
        period : Period, str or (from, to)
            Not before `until`.
        confidence : float
            Of the prediction interval: in this share of cases the count to come will lie in it.

        Returns
        -------
        DataFrame by cell_id, in the grid's order
            `expected` incidents, and the interval's `low` and `high` (whole numbers).

        Raises
        ------
        InputError
            If the model was not fitted, or the period begins before what it has seen ends.
        """
        if not hasattr(self, "space_"):
            raise InputError(Note("forecasts.not_fitted", model=self.name))
        begin, end = period_of(period)
        if begin < self.until_ - 1e-9:
            raise InputError(Note("forecasts.period_is_past"))
        expected = np.maximum(self._rate(begin, end) * (end - begin), 0.0)
        low, high = prediction_interval(expected, self._dispersion(), confidence)
        return pd.DataFrame({"expected": expected, "low": low, "high": high}, index=self.space_.cells)

    def rate(self, history: History, horizon_days: float, begin: float | None = None) -> np.ndarray:
        """Incidents a day by cell for the period from `begin` (where the history ends, if not given).

        Learnt once for equal settings and an equal history.
        """
        begin = history.until if begin is None else begin
        settings = repr({k: v for k, v in sorted(vars(self).items()) if not k.endswith("_")})
        key = ("rate", history.until, self.name, horizon_days, begin, history.since, settings)

        def make() -> np.ndarray:
            self.fit(history, until=history.until, horizon=horizon_days)
            return np.maximum(self._rate(begin, begin + horizon_days), 0.0)

        return history.kept(key, make)

    @abstractmethod
    def _learn(self, history: History, horizon_days: float) -> None: ...

    @abstractmethod
    def _rate(self, begin: float, end: float) -> np.ndarray: ...

    def _dispersion(self) -> float:
        """Variance over mean of a count given its expectation; 1 is Poisson."""
        if not hasattr(self, "dispersion_"):  # only intervals need it, and a back-test has none
            self.dispersion_ = dispersion(*self.known_)
        return float(self.dispersion_)


def dispersion(history: History, horizon_days: float, periods: int = 8) -> float:
    """Variance over mean of the counts of recent periods, each expected from what was known before it; 1 at least.

    Pearson's statistic over cells and periods, expectations below 0.05 added together.
    """
    off, n = 0.0, 0.0
    for k in range(1, periods + 1):
        origin = history.until - k * horizon_days
        if origin - history.since < max(4 * horizon_days, 28.0):
            break
        expected = history.decayed(origin, np.inf) * horizon_days
        seen = history.counts(origin, origin + horizon_days)
        if expected.sum() <= 0:
            continue
        expected = expected * seen.sum() / expected.sum()  # the total may rise and fall; here it is the places
        often = expected >= 0.05
        pairs = [(seen[often], expected[often]), (np.r_[seen[~often].sum()], np.r_[expected[~often].sum()])]
        for y, mu in pairs:
            known = mu > 0
            off += ((y[known] - mu[known]) ** 2 / mu[known]).sum()
            n += known.sum()
    return float(max(off / n, 1.0)) if n else 1.0
