"""A forecast that has to earn its place: offered only where it has beaten counting on the past of the same data.

`forecast` first back-tests the ensemble on the last periods that are known, each forecast from what was known before
it. The ensemble is offered where two things are shown, each by a paired difference that lies above zero with its whole
interval. There is something that changes: densities with half-lives place incidents better (log likelihood) than the
same densities of all that is known, old and new alike. And it catches more than the mean count on the same area (PAI).
The first keeps out what is only smoothness: over a smooth town where nothing changes, a smooth map beats raw counts
and says nothing of next week. Everywhere else the mean count is offered, and is called what it is.

Both must hold and one model is tested, so nothing has to be corrected for the best
of several; and the ensemble has nothing that was chosen on the periods that test it.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.backtesting import BASELINE, Backtest, backtest
from gridmap.forecasts.base import Forecaster, History, Space, model_named, moment, span_days
from gridmap.forecasts.scores import block_bootstrap, hit_rate, pai
from gridmap.grids.base import Grid
from gridmap.hotspots.hours_of_week import hour_of_week
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, wrong_kind
from gridmap.read.incident_table import Incidents

__all__ = ["ForecastCells", "ForecastResult", "forecast", "score_forecast"]

#: Fewer past periods than this cannot tell a forecast from luck.
LEAST_PERIODS = 16
#: Something changes where the first, which knows old from new, places incidents better than the second, which does not.
RECENT, LASTING = "density_mixture", "lasting_density"


@dataclass(frozen=True, repr=False)
class ForecastResult(ShortForm):
    """What to expect of the next period, and why one may say so.

    Attributes
    ----------
    cells : GeoDataFrame by cell_id
        `expected, low, high` incidents, `chosen` (the best cells up to the share of the area), `lately` and `usual`
        (incidents in the cell and its neighbours in the last 14 days, and in 14 days on average), `a_year` (incidents
        in the cell), `reasons` (a tuple of Notes, for the chosen cells), `zone_id, area_m2, geometry`.
    model : str
        The model offered: the one that was tested, or "mean_count".
    offered : bool
        Whether the model that was tested beat the mean count.
    verdict : Note
        In a sentence, with the numbers of the back-test.
    backtest : Backtest or None
        None where there was too little past to test on.
    period : (from, to)
        Timestamps; the end is exclusive.
    grid : Grid
    params : mapping
    profile : DataFrame of float, 7 × 24, or None
        Share of the incidents in each hour of the week (weekday 0 is Monday), each incident spread over the hours in
        which it may have happened; None where most times are vaguer than a shift.
    notes : tuple of Note
        What to know of the data: a long time without any incident, events that were entered twice.
    """

    cells: pd.DataFrame
    model: str
    offered: bool
    verdict: Note
    backtest: Backtest | None
    period: tuple[pd.Timestamp, pd.Timestamp]
    grid: Grid
    params: dict[str, Any] = field(default_factory=dict)
    profile: pd.DataFrame | None = field(default=None, repr=False)
    notes: tuple[Note, ...] = ()

    def by_shift(self, hours: int = 4) -> pd.DataFrame:
        """The expected incidents of each cell in each shift of the period.

        A cell's expectation is spread over the week as all incidents are: a cell has too few of its own to tell its
        hours apart. The gate tested where, not when.

        Parameters
        ----------
        hours : int
            Length of a shift; a whole part of 24, shifts begin at midnight.

        Returns
        -------
        DataFrame by cell_id, a column a shift (its begin, a Timestamp)
            Rows sum to `expected`.

        Raises
        ------
        InputError
            If the incidents' times are too vague for shifts.
        SettingError
            If 24 is not a multiple of `hours`.
        """
        if not 0 < hours <= 24 or 24 % hours:
            raise SettingError(Note("forecasts.shift_hours", found=hours))
        if self.profile is None:
            raise InputError(Note("forecasts.no_hours"))
        begin, end = self.period
        every = pd.date_range(begin, end, freq="h", inclusive="left")
        share = self.profile.to_numpy()[every.day_of_week, every.hour]
        shift = every.floor("D") + pd.to_timedelta(every.hour // hours * hours, unit="h")
        by_shift = pd.Series(share, index=shift).groupby(level=0).sum()
        by_shift /= by_shift.sum()
        expected = self.cells["expected"].to_numpy(float)
        return pd.DataFrame(np.outer(expected, by_shift), index=self.cells.index, columns=by_shift.index)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        begin, end = (t.strftime("%Y-%m-%d") for t in self.period)
        total = self.cells["expected"].sum()
        return f"ForecastResult {self.model}, {begin} to {end}: {total:,.0f} expected in {len(self.cells):,} cells"


@dataclass(frozen=True, repr=False)
class ForecastCells(HotspotResult):
    """A forecast in the form in which a run draws and writes it, with what stands beside it.

    Attributes
    ----------
    exposure : DataFrame by zone_id, or None
        `neighbourhood` (its name), and how often each would have been chosen, as `Backtest.exposure` gives it.
    hours : DataFrame of float, 7 × 24, or None
        The incidents to expect in each hour of a week (weekday 0 is Monday).
    """

    exposure: pd.DataFrame | None = None
    hours: pd.DataFrame | None = None


def forecast(
    incidents: Incidents,
    grid: Grid,
    *,
    until: Any = None,
    horizon: Any = "7D",
    model: str = "ensemble",
    area_share: float = 0.01,
    periods: int = 104,
    delay: Any = None,
    officer_initiated: bool | None = False,
    holidays: str | None = None,
    confidence: float = 0.9,
    progress: Callable[[int, int], None] | None = None,
) -> ForecastResult:
    """How many incidents to expect where in the next period, by a model that beat the mean count, or by the mean count.

    Parameters
    ----------
    incidents : Incidents
    grid : Grid
    until : date, optional
        The period begins here and nothing later is seen; the day after the last incident when not given.
    horizon : span
        Length of the period, as in "7D".
    model : str
        The model that has to earn its place.
    area_share : float
        The share of the area that can be held, in the back-test and for `chosen`.
    periods : int
        How many past periods are tested on, at most; at least 16 are needed, each with as much history as four periods.
    delay : span, optional
        How late incidents are reported.
    officer_initiated : bool or None
        False leaves out what a patrol itself came upon.
    holidays : str, optional
        A country, as in "CN": `boosted`, alone or in the ensemble, then knows its holidays, the lunar ones too.
    confidence : float
        Of the interval of each cell's count.
    progress : callable, optional
        Called with the periods tested and in all; each period is gone through twice where places change.

    Returns
    -------
    ForecastResult

    Raises
    ------
    InputError
        If there is nothing to learn from, or times are vaguer than the horizon.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
    >>> next_month = gm.forecast(town.incidents, grid, horizon="28D", model="density_mixture")
    >>> next_month.offered, next_month.model
    (False, 'mean_count')

    References
    ----------
    Sankin et al. (2023), The Markup: 64 of 23,631 boxes of a commercial forecast were hit, for want of such a test.
    """
    if not isinstance(model, str):
        raise SettingError(Note("forecasts.one_model", found=type(model).__name__))
    if periods < LEAST_PERIODS:
        raise SettingError(Note("forecasts.periods_at_least", least=LEAST_PERIODS, found=periods))
    if not 0 < confidence < 1:
        raise SettingError(Note("forecasts.confidence_between", found=confidence))
    space = Space(grid)
    grid = space.grid
    whole = History.of(incidents, space, officer_initiated=officer_initiated)
    at, horizon_days = whole.until if until is None else moment(until), span_days(horizon)
    late = 0.0 if delay is None else span_days(delay)
    known = whole.before(at, late)
    given = {"area_share": area_share, "delay": delay, "officer_initiated": officer_initiated, "progress": progress}
    by_calendar = _knowing_holidays(model, holidays)
    tested = _tested(incidents, known, at, horizon_days, by_calendar, periods, given)
    offered, verdict = _verdict(tested, model, horizon_days)
    used = model if offered else BASELINE
    fitted = (copy(by_calendar) if offered else model_named(BASELINE)()).fit(known, until=at, horizon=horizon_days)
    expected = fitted.predict((at, at + horizon_days), confidence=confidence)
    order = np.lexsort((space.area_m2, -expected["expected"].to_numpy()))
    held = int(np.searchsorted(space.area_m2[order].cumsum(), area_share * space.area_m2.sum() * (1 + 1e-9), "right"))
    chosen = np.zeros(len(space), bool)
    chosen[order[:held]] = True
    why = _numbers(known, space)
    reasons = _reasons(why, chosen, round(1.5 * space.cell_m, -1))
    carried = [c for c in ("zone_id", "area_m2", "geometry") if c in grid.cells]
    cells = grid.cells[carried].assign(**expected, chosen=chosen, **why, reasons=pd.Series(reasons, index=space.cells))
    params = {"model": model, "horizon_days": horizon_days, "area_share": area_share, "delay_days": late}
    params |= {} if holidays is None else {"holidays": holidays}
    params |= {"periods_tested": 0 if tested is None else tested.scores["origin"].nunique(), "confidence": confidence}
    begin = pd.Timestamp("1970-01-01") + pd.Timedelta(days=at)
    period = (begin, begin + pd.Timedelta(days=horizon_days))
    profile, params["timed"] = _profile(incidents, known) if known.precision <= VAGUE_DAYS else (None, 0)
    # What the back-test states of the data it states of all of them, up to now.
    gap = known.longest_gap(at - late)
    of_test = () if tested is None else (n for n in tested.notes if n.code == "fact.forecast_doubled")
    notes = (*([] if gap is None else [gap]), *of_test)
    return ForecastResult(cells, used, offered, verdict, tested, period, grid, params, profile, notes)


#: Times of which most are vaguer than this say nothing of shifts, in days.
VAGUE_DAYS = 0.25


def _profile(incidents: Incidents, known: History) -> tuple[pd.DataFrame | None, int]:
    """Shares by weekday and hour of what is known, drawn towards weekday × hour of the day where there are few; and of
    how many incidents."""
    table = incidents.arrow()
    origin = np.datetime64("1970-01-01", "us")
    since, until = (pa.scalar(origin + np.timedelta64(round(t * 86_400e6), "us")) for t in (known.since, known.until))
    begin = pc.cast(table["occurred_from"], pa.timestamp("us"))
    within = table.filter(pc.and_(pc.greater_equal(begin, since), pc.less(begin, until)))
    if not len(within):
        return None, 0
    week = hour_of_week(Incidents(within))
    counts = week.to_numpy()
    total = counts.sum()
    usual = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total**2
    shares = (counts + counts.size * usual) / (total + counts.size)
    return pd.DataFrame(shares, week.index, week.columns), round(total)


def _knowing_holidays(model: str, country: str | None) -> Forecaster:
    """The model, with the holidays of a country where it is one that takes them."""
    if country is None:
        return model_named(model)()
    by_name: dict[str, type[Any]] = {name: model_named(name) for name in ("boosted", "ensemble")}
    if model not in by_name:
        raise SettingError(Note("forecasts.holidays_unused", found=model))
    boosted = by_name["boosted"](holidays=country)
    if model == "boosted":
        return boosted
    members = by_name["ensemble"]().members
    return by_name["ensemble"](members=tuple(boosted if m == "boosted" else m for m in members))


def _tested(
    incidents: Incidents,
    known: History,
    at: float,
    horizon_days: float,
    model: Forecaster,
    periods: int,
    given: dict[str, Any],
) -> Backtest | None:
    """The back-test on the periods before `at`; None where there are too few of them."""
    possible = int((at - known.since - max(4 * horizon_days, 56.0)) // horizon_days)
    n = min(periods, possible)
    if n < LEAST_PERIODS or model.name == BASELINE:
        return None
    days = pd.Timestamp("1970-01-01") + pd.to_timedelta([at - n * horizon_days, at], unit="D")
    progress, rounds = given["progress"], 1 if model.name == RECENT else 2
    given = given | {"start": days[0], "end": days[1], "horizon": horizon_days}
    given["progress"] = progress and (lambda done, of: progress(done, rounds * of))
    # What is quick to see is looked at first: where nothing changes, no forecast can know more than all of the past.
    first = backtest(incidents, known.space, models=(BASELINE, LASTING, RECENT), **given)
    happened = (first.scores["incidents"] > 0).any()
    if model.name == RECENT or not happened or not first.difference(RECENT, LASTING, "gain")[1] > 0:
        return first
    given["progress"] = progress and (lambda done, of: progress(of + done, rounds * of))
    tried: list[str | Forecaster] = [RECENT, model] if model.name == LASTING else [LASTING, RECENT, model]
    return backtest(incidents, known.space, models=(BASELINE, *tried), **given)


def _verdict(tested: Backtest | None, model: str, horizon_days: float) -> tuple[bool, Note]:
    untested = Note("fact.forecast_untested", least=LEAST_PERIODS, horizon=horizon_days)
    if tested is None or not (tested.scores["incidents"] > 0).any():
        return False, untested
    table: Any = tested.summary()
    count: Any = table.loc[BASELINE]
    numbers = {
        "periods": int(count["periods"]),
        "count_hit_rate": float(count["hit_rate"]),
        "share": float(tested.params["area_share"]),
        "confidence": 0.95,
    }
    _, low, high = tested.difference(RECENT, LASTING, "gain")
    if not low > 0:
        gains = {"low": 100 * low, "high": 100 * high}
        numbers |= gains | _promised(tested, BASELINE)
        return False, Note("fact.forecast_nothing_changes", **numbers) if np.isfinite(low) else untested
    if model not in table.index or not np.isfinite(table.loc[model, "difference_low"]):
        return False, untested
    row: Any = table.loc[model]
    numbers |= {
        "hit_rate": float(row["hit_rate"]),
        "difference": float(row["difference"]),
        "low": float(row["difference_low"]),
        "high": float(row["difference_high"]),
    }
    better = bool(row["difference_low"] > 0)
    numbers |= _promised(tested, model if better else BASELINE)
    return better, Note("fact.forecast_offered" if better else "fact.forecast_refused", **numbers)


def _promised(tested: Backtest, used: str) -> dict[str, float]:
    """What the back-test lets one expect of what is shown: mean and interval of the mean, to be held against later."""
    part = tested.scores[(tested.scores["model"] == used) & (tested.scores["incidents"] > 0)]
    found: dict[str, float] = {}
    for score in ("hit_rate", "pai"):
        mean, low, high = block_bootstrap(part[score])
        found |= {f"promised_{score}": mean, f"promised_{score}_low": low, f"promised_{score}_high": high}
    return found


#: What "lately" means, in days.
LATELY_DAYS = 14.0


def _numbers(known: History, space: Space) -> dict[str, np.ndarray]:
    """What speaks for each cell: incidents in it and its neighbours lately and usually, and in it in a year."""
    around = space.neighbours
    lately, ever = known.counts(known.until - LATELY_DAYS), known.counts()
    days = max(known.days, 1.0)
    return {
        "lately": lately + around @ lately,
        "usual": (ever + around @ ever) / days * LATELY_DAYS,
        "a_year": ever / days * 365.25,
    }


def _reasons(why: dict[str, np.ndarray], chosen: np.ndarray, reach_m: float) -> list[tuple[Note, ...]]:
    """Why a cell is among the best, in words: what happened there lately, and what always does."""
    lately, usual, a_year = why["lately"], why["usual"], why["a_year"]
    mean = a_year.mean()
    out: list[tuple[Note, ...]] = [()] * len(chosen)
    for i in np.flatnonzero(chosen):
        notes = []
        if lately[i] >= 2 and lately[i] > 2 * usual[i]:
            values = {"n": int(lately[i]), "reach": reach_m, "days": LATELY_DAYS, "usual": usual[i]}
            notes.append(Note("forecasts.reason_lately", **values))
        if mean > 0 and a_year[i] > 2 * mean:
            notes.append(Note("forecasts.reason_lasting", n=a_year[i], ratio=a_year[i] / mean))
        out[i] = tuple(notes) or (Note("forecasts.reason_near"),)
    return out


def score_forecast(earlier: ForecastResult, incidents: Incidents, *, until: Any = None) -> dict[str, float]:
    """How an earlier forecast did, once the incidents of its period are known.

    Parameters
    ----------
    earlier : ForecastResult
    incidents : Incidents
        With all of its period.
    until : date, optional
        Up to when all incidents are known; the end of the last day that has one when not given.

    Returns
    -------
    dict
        `incidents, hits, hit_rate, pai, expected, inside`: `inside` is the share of the cells whose count lay in its
        interval.

    Raises
    ------
    InputError
        If the incidents end before the period does, or none lies in it.
    """
    if not isinstance(earlier, ForecastResult):
        raise InputError(wrong_kind("earlier", "forecast", earlier))
    begin, end = (moment(t) for t in earlier.period)
    known = History.of(incidents, earlier.grid)
    known_until = known.until if until is None else moment(until)
    if known_until < end:
        days = [str(pd.Timestamp("1970-01-01") + pd.Timedelta(days=t))[:10] for t in (end, known_until)]
        raise InputError(Note("forecasts.not_over", end=days[0], known=days[1]))
    seen = known.counts(begin, end)
    if not seen.sum():
        raise InputError(Note("forecasts.none_in_period"))
    cells, chosen = earlier.cells, earlier.cells["chosen"].to_numpy()
    area = cells["area_m2"].to_numpy(float)
    return {
        "incidents": float(seen.sum()),
        "hits": float(seen[chosen].sum()),
        "hit_rate": float(hit_rate(seen[chosen].sum(), seen.sum())),
        "pai": float(pai(seen[chosen].sum(), seen.sum(), area[chosen].sum(), area.sum())),
        "expected": float(cells["expected"].sum()),
        "inside": float(((seen >= cells["low"]) & (seen <= cells["high"])).mean()),
    }
