"""How do the grids work: what became of each event, how long each step took, and which grids really differ?

An event is found, filed, dispatched, handled, checked and closed, and each step has a time. Three errors are common
when such times are put into a league table, and each has its remedy here:

- *Open events left out.* A mean over closed events looks the better, the more lie about unfinished. Step times are
  estimated with the open ones as censored (Kaplan & Meier), and where an event can also be withdrawn, closing and
  withdrawing compete (Aalen & Johansen). A share on time is of the events that are due.
- *Small grids at both ends.* A grid with six events is best or worst by chance. Shares come with intervals, with an
  estimate drawn towards the mean (empirical Bayes), and each grid is tested against the rest, its level held for all
  grids together and for more variation than counting explains. What does not differ "cannot be told from the
  average"; a worst grid is named only where one exists.
- *Numbers made to please.* Closures in the last minutes before the deadline, values piling up just below a threshold,
  and grids that report next to nothing are shown beside the rates.

Places and units of work, never people: a column that names persons is refused as a unit.

Source: Kaplan & Meier 1958; Aalen & Johansen 1978; Greenwood 1926; Marshall 1991; Spiegelhalter 2005; Wilson 1927;
Mantel & Haenszel 1959.
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import scipy

from gridmap._intervals import wilson_interval
from gridmap._notebook_line import ShortForm
from gridmap._periods import frequency_of
from gridmap.audiences import check_audience
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.silence import QUIET, quiet_cells
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.numbers import as_numbers, one_column
from gridmap.read.persons import is_person_column

__all__ = [
    "AVERAGE",
    "INDICATORS",
    "ROLES",
    "STEPS",
    "CaseLife",
    "Indicator",
    "case_life",
    "cumulative_incidence",
    "kaplan_meier",
    "lateness_hotspots",
    "threshold_pile",
]

#: The steps of an event's life, in their order.
STEPS = ("found", "filed", "dispatched", "handled", "checked", "closed")
#: What a column means → the names it may have.
ROLES: dict[str, tuple[str, ...]] = {
    "found": ("found_at", "发现时间", "上报时间", "受理时间"),
    "filed": ("filed_at", "立案时间"),
    "dispatched": ("dispatched_at", "派遣时间", "派单时间"),
    "handled": ("handled_at", "处置时间", "处理时间"),
    "checked": ("checked_at", "核查时间"),
    "closed": ("closed_at", "结案时间", "办结时间"),
    "deadline": ("deadline_at", "截止时间", "办理期限", "办结时限"),
    "withdrawn": ("withdrawn_at", "撤回时间", "作废时间"),
    "reopened": ("reopened_at", "返工时间", "重新打开时间"),
    "outcome": ("outcome", "办理结果", "处理结果"),
    "satisfied": ("satisfied", "是否满意"),
}
TIMES = tuple(role for role in ROLES if role not in ("outcome", "satisfied"))
#: What an outcome's words count as; the first that fits the whole of them, so that 调解不成功 is not a 调解成功.
OUTCOMES = {
    "failed": re.compile(
        r"not mediated|(mediation|conciliation) failed|.*(调[解处]|化解).*(失败|不成|未成|未果|无果|未达成).*"
        r"|.*(未能|不能|无法|没能)(成功)?(调[解处]|化解|达成).*|.*未(调[解处]|化解)(成功|达成).*|.*未(成功|达成).*"
    ),
    "mediated": re.compile(
        r"mediated|(mediation|conciliation) succeeded|(双方)?达成(调解|和解)?协议|和解"
        r"|(已|成功|当场|现场)?(调[解处]|化解)(成功|达成协议|已?达成|完成|结案)?"
    ),
    "unsolved": re.compile(r"unsolved|未侦?破(获|案)?"),
    "cleared": re.compile(r"cleared|solved|(已|侦)?破(获|案)"),
}
#: Outcome words that speak of no success and no failure: what goes on still, what is merely closed.
NEUTRAL = re.compile(
    r"|closed|done|withdrawn|(已|予以)?(办结|结案|处理|处置|撤回|作废|完成)"
    r"|open|pending|ongoing|in progress|(尚|暂)?未(调[解处]|化解|处理|处置|办结|结案|受理)"
    r"|.*(正在|待)(调|处|办|受|化|核).*|(办理|处理|处置|调解|调处|化解|进行|受理|侦查)中"
)
SATISFIED = ("true", "1", "1.0", "yes", "satisfied", "very satisfied", "是", "满意", "非常满意", "很满意", "十分满意")
DISSATISFIED = (
    *("", "false", "0", "0.0", "no", "not satisfied", "dissatisfied", "unsatisfied"),
    *("否", "不满意", "非常不满意", "很不满意"),
)
#: Columns of units that are the one who does the work.
WORKERS = re.compile(
    r"(case_|grid_)?(handler|worker|assignee|staff|operator)(_name|_id|_no)?|(handled|closed|assigned)_(by|to)"
    r"|(处置|处理|办理|经办|核查|巡查)人员(姓名|编号)?",
    re.IGNORECASE,
)
#: A unit that no test tells from the rest.
AVERAGE = "cannot be told from the average"
#: A unit whose numbers an audience may not have.
WITHHELD = "withheld"
#: The label of a unit by the side on which it differs.
LABELS = {1: "better than the average", 0: AVERAGE, -1: "worse than the average"}


@dataclass(frozen=True)
class Indicator:
    """One share by which grids are appraised.

    Attributes
    ----------
    over, of : str
        Which events are counted, and among which: `all, filed, dispatched, handled, checked, closed, due, on_time,
        overdue, open, withdrawn, reopened, ended, mediated, mediation_ended, cleared, rated, satisfied`.
    high_is_good : bool
    formula : str
        In words.
    source : str
        Where it is prescribed or defined.
    """

    over: str
    of: str
    high_is_good: bool
    formula: str
    source: str


_STANDARD = "GB/T 30428.4, digital urban management: performance evaluation"
#: The indicators as appraisal standards have them; a mapping of one's own (`indicators=`) takes their place.
INDICATORS: dict[str, Indicator] = {
    "filing": Indicator("filed", "all", True, "filed / found", _STANDARD),
    "handling": Indicator("handled", "dispatched", True, "handled / dispatched", _STANDARD),
    "closing": Indicator("closed", "filed", True, "closed / filed", _STANDARD),
    "on_time": Indicator("on_time", "due", True, "closed by the deadline / deadline passed, not withdrawn", _STANDARD),
    "rework": Indicator("reopened", "closed", False, "reopened / closed", _STANDARD),
    "mediated": Indicator("mediated", "mediation_ended", True, "mediated / mediations ended", "county year books"),
    "cleared": Indicator("cleared", "cases", True, "cleared / cases with a finding known or open", "county year books"),
    "satisfied": Indicator("satisfied", "rated", True, "satisfied / rated", _STANDARD),
}


# --------------------------------------------------------------------------------------------------
# times until an end, some not yet ended


def _durations(time: Any, event: Any) -> tuple[np.ndarray, np.ndarray]:
    time, event = as_numbers(time, "time"), as_numbers(event, "event", missing=False)
    if time.ndim != 1 or time.shape != event.shape or not len(time):
        raise InputError(Note("governance.durations", n=time.size, m=event.size))
    if not np.isfinite(time).all() or (time < 0).any():
        raise InputError(Note("governance.durations_negative", n=int((~(time >= 0)).sum())))
    return time, event.astype(int)


def _at_risk(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times at which something ended, how many were under way until then, and where each time stands among them."""
    moments = np.unique(time[event > 0])
    left = np.searchsorted(np.sort(time), moments, side="left")
    return moments, len(time) - left, np.searchsorted(moments, time)


def _survival(time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times at which something ended, how many were under way until then, how many ended, and the share still open."""
    moments, at_risk, place = _at_risk(time, event)
    ended = np.bincount(place[event > 0], minlength=len(moments))
    return moments, at_risk, ended, np.cumprod(1 - ended / at_risk)


def kaplan_meier(time: Any, event: Any, *, confidence: float = 0.95) -> pd.DataFrame:
    """Share still open after each time, with the unfinished counted for as long as they were watched.

    Parameters
    ----------
    time : array of numbers, 0 or more
        From the start to the end, or to now where it has not ended.
    event : array of bool
        Whether it has ended.
    confidence : float
        Of the interval (Greenwood's variance on the log-log scale, so it stays between 0 and 1).

    Returns
    -------
    DataFrame indexed by `time` (those at which something ended)
        `at_risk, events, survival, standard_error, low, high, hazard` (Nelson & Aalen's cumulative).

    Raises
    ------
    InputError
        No times, times that are negative or missing.

    Examples
    --------
    >>> days = [3, 5, 5, 8, 10, 10, 12, 15, 20, 20, 30, 7, 9, 14]
    >>> closed = [1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0]
    >>> kaplan_meier(days, closed).loc[[3, 15], ["at_risk", "events", "survival"]]
          at_risk  events  survival
    time
    3.0        14       1  0.928571
    15.0        4       1  0.343750

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457–481. Kalbfleisch & Prentice (1980), section 1.3, for the interval.
    """
    moments, at_risk, ended, survival = _survival(*_durations(time, event))
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(ended / (at_risk * (at_risk - ended.astype(float)))))
        half = scipy.stats.norm.ppf((1 + confidence) / 2) * spread / np.log(survival)
        low, high = survival ** np.exp(-half), survival ** np.exp(half)
        error = np.where(survival > 0, survival * spread, 0.0)
    gone = survival <= 0
    return pd.DataFrame(
        {
            "at_risk": at_risk,
            "events": ended,
            "survival": survival,
            "standard_error": error,
            "low": np.where(gone, 0.0, low),
            "high": np.where(gone, 0.0, high),
            "hazard": np.cumsum(ended / at_risk),
        },
        index=pd.Index(moments, name="time"),
    )


def cumulative_incidence(time: Any, cause: Any) -> pd.DataFrame:
    """Share that has ended by each cause after each time, where the causes compete.

    One minus Kaplan and Meier's curve of one cause, with the other as censored, says too much: who was withdrawn can
    no longer be closed. These shares and the share still open add up to one.

    Parameters
    ----------
    time : array of numbers, 0 or more
    cause : array of int
        0 not ended, 1 the first cause, 2 the second, …

    Returns
    -------
    DataFrame indexed by `time`
        One column a cause (`cause_1`, …), and `open`.

    Raises
    ------
    InputError
        As `kaplan_meier`.

    Examples
    --------
    >>> cumulative_incidence([1, 2, 3, 4, 5], [1, 2, 0, 1, 0]).round(2)
          cause_1  cause_2  open
    time
    1.0       0.2      0.0   0.8
    2.0       0.2      0.2   0.6
    4.0       0.5      0.2   0.3

    References
    ----------
    Aalen & Johansen (1978), Scandinavian Journal of Statistics 5, 141–150.
    """
    time, cause = _durations(time, cause)
    moments, at_risk, place = _at_risk(time, cause)
    causes = np.unique(cause[cause > 0])
    ended = {c: np.bincount(place[cause == c], minlength=len(moments)) for c in causes}
    open_after = np.cumprod(1 - sum(ended.values()) / at_risk) if len(causes) else np.ones(0)
    open_before = np.concatenate([[1.0], open_after[:-1]]) if len(moments) else np.ones(0)
    columns = {f"cause_{c}": np.cumsum(open_before * n / at_risk) for c, n in ended.items()}
    return pd.DataFrame({**columns, "open": open_after}, index=pd.Index(moments, name="time"))


def _quantile(moments: np.ndarray, survival: np.ndarray, share: float) -> float:
    """The time after which `share` have ended; inf where the curve does not come so far."""
    there = moments[survival <= 1 - share + 1e-12]
    return float(there[0]) if len(there) else float("inf")


# --------------------------------------------------------------------------------------------------
# shares of units, and which differ from the rest


def _shrunk(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Marshall's empirical Bayes estimate of each share: the smaller the unit, the nearer to the mean."""
    total = n.sum()
    if not total:
        return np.full(len(n), np.nan)
    mean = x.sum() / total
    with np.errstate(divide="ignore", invalid="ignore"):
        share = x / n
        between = np.nansum(n * (share - mean) ** 2) / total - mean * (1 - mean) * (n > 0).sum() / total
        between = max(0.0, float(between))
        weight = between / (between + mean * (1 - mean) / n) if between else np.zeros(len(n))
    return np.where(n > 0, mean + weight * (np.nan_to_num(share) - mean), mean)


def _tails(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """One-sided p of each unit for less and for more than the rest has, and the over-dispersion allowed for.

    `x` and `n` are units × kinds. Given all units' totals of a kind, a unit's number is hypergeometric where its share
    is that of the rest: exact, however few the units. Over several kinds the means and variances add up (Mantel &
    Haenszel), and the sum is taken as normal with its continuity correction. Where units vary more than that
    (Spiegelhalter's winsorised mean of z², the outer tenths drawn in), the z of each is divided by its root.
    """
    big, hit, own, seen = n.sum(axis=0), x.sum(axis=0), n.sum(axis=1), x.sum(axis=1)
    share = hit / np.maximum(big, 1)
    mean = n @ share
    error = np.sqrt(np.maximum((n * (big - n)) @ (share * (1 - share) / np.maximum(big - 1, 1)), 1e-12))
    z = (seen - mean) / error
    if n.shape[1] == 1:
        low = scipy.stats.hypergeom.cdf(seen, int(big[0]), int(hit[0]), own)
        high = scipy.stats.hypergeom.sf(seen - 1, int(big[0]), int(hit[0]), own)
    else:
        low, high = scipy.stats.norm.cdf(z + 0.5 / error), scipy.stats.norm.sf(z - 0.5 / error)
    usable = (own > 0) & (error > 1e-5)
    if usable.sum() < 3:
        return low, high, 1.0
    a, b = np.quantile(z[usable], [0.1, 0.9])
    spread = max(1.0, float(np.mean(np.clip(z[usable], a, b) ** 2)))
    if spread > 1:
        root = np.sqrt(spread)
        low, high = (
            scipy.stats.norm.sf(scipy.stats.norm.isf(np.clip(p, 1e-300, 1 - 1e-12)) / root) for p in (low, high)
        )
    return low, high, spread


def _holm(p: np.ndarray) -> np.ndarray:
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    out = np.empty(len(p))
    out[order] = np.minimum(steps, 1)
    return out


def _judged(x: np.ndarray, n: np.ndarray, high_is_good: bool, level: float) -> tuple[pd.DataFrame, float]:
    """Share, interval, shrunk share, side and adjusted p of each unit."""
    less, more, spread = _tails(x, n)
    expected = n @ (x.sum(axis=0) / np.maximum(n.sum(axis=0), 1))
    x, n = x.sum(axis=1), n.sum(axis=1)
    low, high = wilson_interval(x, n)
    seen = n > 0
    p = np.ones(len(n))
    p[seen] = _holm(np.minimum(1, 2 * np.minimum(less, more))[seen])
    side = np.where(p <= level, np.where(less < more, -1, 1), 0) * (1 if high_is_good else -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = pd.DataFrame({"share": x / n, "low": low, "high": high, "shrunk": _shrunk(x, n), "ratio": x / expected})
    return table.assign(p_value=p, label=[LABELS[int(s)] for s in side]), spread


def _the_worst(x: np.ndarray, n: np.ndarray, high_is_good: bool, level: float) -> int | None:
    """Position of the one unit that is worse than the rest *and* than the next one; None where there is none."""
    bad, own = n - x if high_is_good else x, n.sum(axis=1)
    _, more, _ = _tails(bad, n)
    p = np.where(own > 0, np.minimum(1, more * (own > 0).sum()), 1.0)  # Bonferroni: the worst of so many
    if not len(p) or p.min() > level:
        return None
    flagged = np.flatnonzero(p <= level)
    first = flagged[np.argsort(p[flagged], kind="stable")][0]
    for other in flagged[flagged != first]:
        two = [first, other]
        if _tails(bad[two], n[two])[1][0] > level:
            return None  # two are alike, and none is the worst
    return int(first)


# --------------------------------------------------------------------------------------------------
# what became of each event


@dataclass(frozen=True, repr=False)
class CaseLife(ShortForm):
    """What became of the events, by unit.

    Attributes
    ----------
    table : DataFrame indexed by unit
        `events, open, overdue, on_time, due, withdrawn, reopened`; for each indicator `<name>_share, _low, _high`
        (Wilson, 95 %), `_shrunk` (empirical Bayes), `_ratio` (to what is expected of it), `_p` (two-sided against the
        rest, adjusted for all units), `_label`;
        `median_days, p90_days` from found to closed with the open as censored (inf: not yet so many), `on_time_by_now`
        (Kaplan & Meier at the deadline, with those not yet due).
    steps : DataFrame indexed by (unit, step)
        `n, open, median_hours, p90_hours` of each step.
    indicators : mapping
        Name → `Indicator`, of those that the data allow.
    overall : Series
        The same numbers of all events together.
    worst : object or None
        The one unit that is worse than the rest and than the next, by `judged_by`; None where there is none.
    spread : mapping
        Indicator → over-dispersion allowed for (1: units vary as counting explains).
    gaming : DataFrame indexed by unit
        `closed, last_minutes` (closures within `params["last_minutes"]` before the deadline), `share, p_value, label`,
        and `silent` where a grid with residents was given.
    judged_by : str
    params : mapping
    notes : tuple of Note
    audience : str or None
    whole_steps : DataFrame indexed by step
        As `steps`, of all events together.
    thresholds : DataFrame indexed by column
        `threshold, width`, and what `threshold_pile` says, where `thresholds=` names some.
    """

    table: pd.DataFrame
    steps: pd.DataFrame
    indicators: Mapping[str, Indicator]
    overall: pd.Series
    worst: Any
    spread: Mapping[str, float]
    gaming: pd.DataFrame
    judged_by: str | None
    params: Mapping[str, Any]
    notes: tuple[Note, ...] = ()
    audience: str | None = None
    whole_steps: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)
    thresholds: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False)
    events: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def standards(self) -> pd.DataFrame:
        """The table of indicators with what they came to: `share, low, high, n, formula, source`, by name."""
        rows: dict[str, dict[str, Any]] = {}
        for name, one in self.indicators.items():
            n, share = float(self.overall[f"{name}_n"]), float(self.overall[f"{name}_share"])
            low, high = wilson_interval(np.array([share * n]), np.array([n]))
            rows[name] = {"share": share, "low": float(low[0]), "high": float(high[0]), "n": int(n)}
            rows[name] |= {"high_is_good": one.high_is_good, "formula": one.formula, "source": one.source}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("indicator")

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        worst = "no worst unit" if self.worst is None else f"worst {self.worst}"
        return (
            f"CaseLife: {int(self.overall['events']):,} events in {len(self.table):,} units, "
            f"{int(self.overall['open']):,} open, {int(self.overall['overdue']):,} overdue, {worst}"
        )

    def curve(self, unit: Any = None, step: str = "closed") -> pd.DataFrame:
        """Kaplan and Meier's curve (hours) of a step, of one unit or of all; for the analyst, not after a release."""
        if self.events is None:
            raise InputError(Note("governance.released_no_curve"))
        chosen = self.events if unit is None else self.events[self.events["unit"] == unit]
        if step not in STEPS[1:]:
            raise SettingError(Note("governance.no_step", found=str(step), meant=did_you_mean(str(step), STEPS[1:])))
        hours, ended = _step_hours(chosen, step, self.params["now"])
        return kaplan_meier(hours, ended)

    def incidence(self, unit: Any = None) -> pd.DataFrame:
        """Share closed, withdrawn and still open by hours since found, as competing ends; for the analyst."""
        if self.events is None:
            raise InputError(Note("governance.released_no_curve"))
        own = self.events if unit is None else self.events[self.events["unit"] == unit]
        now = self.params["now"]
        hours, ended = _step_hours(own, "closed", now, "found")
        gone = _flags(own, now)["withdrawn"][hours.index]
        found = cumulative_incidence(hours, np.where(ended, 1, np.where(gone, 2, 0)))
        return found.rename(columns={"cause_1": "closed", "cause_2": "withdrawn"})

    @cached_property
    def funnel(self) -> pd.DataFrame:
        """Points of the funnel plot of `judged_by`: `n, share, low_95, high_95, low_998, high_998, label` by unit.

        Limits are normal around the share of all, widened by the over-dispersion.
        """
        if self.judged_by is None:
            return pd.DataFrame()
        one = self.indicators[self.judged_by]
        n, share = self.table[f"_{one.of}"], self.overall[f"{self.judged_by}_share"]
        out = pd.DataFrame({"n": n, "share": self.table[f"{self.judged_by}_share"]})
        error = np.sqrt(share * (1 - share) / n.where(n > 0) * self.spread[self.judged_by])
        for name, z in (("95", 1.959964), ("998", 3.090232)):
            out[f"low_{name}"], out[f"high_{name}"] = (share - z * error).clip(0, 1), (share + z * error).clip(0, 1)
        return out.assign(label=self.table[f"{self.judged_by}_label"])

    def released(self, audience: str = "meeting", *, k: int | None = None) -> "CaseLife":
        """The same for an audience: units with fewer events than it may have lose their numbers, and single times go.

        A share of few events says of each of them what became of it; so the whole row is emptied, and with one such row
        alone the next smallest too, or it could be reckoned from the total.
        """
        who = check_audience(audience)
        least = max(who.smallest_count, k or 0)
        small = (self.table["events"] < least) & (self.table["events"] > 0)
        if small.sum() == 1 and (~small).sum():
            small |= self.table.index == self.table.loc[~small, "events"].idxmin()
        table = self.table.astype({c: float for c in self.table if self.table[c].dtype.kind in "iub"})
        table.loc[small, [c for c in table if table[c].dtype.kind == "f"]] = np.nan
        table.loc[small, [c for c in table if str(c).endswith("_label")]] = WITHHELD
        kept = self.table.index[~small]
        steps = self.steps[self.steps.index.get_level_values(0).isin(kept)]
        gaming = self.gaming[self.gaming.index.isin(kept)]
        notes = self.notes + ((Note("governance.small_units", n=int(small.sum()), least=least),) if small.any() else ())
        worst = self.worst if self.worst in kept else None
        return replace(
            self, table=table, steps=steps, gaming=gaming, worst=worst, notes=notes, audience=who.name, events=None
        )


def case_life(
    events: Any,
    grid: Grid | None = None,
    *,
    by: str | Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    now: Any = None,
    indicators: Mapping[str, Indicator] | None = None,
    judge: str | None = None,
    alike: str | None = None,
    population: Any = None,
    last_minutes: float = 10,
    thresholds: Mapping[str, Sequence[float]] | None = None,
    level: float = 0.05,
) -> CaseLife:
    """What became of each event, by grid, community, kind, month or unit, and which of these differ from the rest.

    Parameters
    ----------
    events : Incidents or DataFrame
        With the times of the steps: `found_at, filed_at, dispatched_at, handled_at, checked_at, closed_at`, empty where
        a step is not yet done, and `deadline_at, withdrawn_at, reopened_at, outcome, satisfied` where known. Chinese
        names (发现时间, 结案时间, 截止时间, …) are known too.
    grid : Grid, optional
        With it, and without `by`, the units are its cells, empty ones included.
    by : str or list of str, optional
        A column, or several; "cell" for the grid's cells; "month", "quarter" or "year" for the time an event was found.
        Without both: all events as one unit.
    columns : mapping, optional
        Role (`found, filed, …, deadline, withdrawn, reopened, outcome, satisfied`) → column.
    now : time, optional
        Until when the events were watched; the latest time of any step by default.
    indicators : mapping, optional
        In place of `INDICATORS`.
    judge : str, optional
        The indicator by which a worst unit is sought: "on_time" where there are deadlines, else "closing".
    alike : str, optional
        A column within which events are compared, such as "category": a grid with many burglaries is not slow because
        burglaries are.
    population : str, Series or array, optional
        Residents of the grid's cells: units that report improbably little are then marked `silent` in `gaming`.
    last_minutes : float
        Closures so many minutes before the deadline, or fewer, are counted in `gaming`.
    thresholds : mapping, optional
        Column → (threshold, width): whether values pile up just below the threshold (`threshold_pile`).
    level : float
        The chance with which anything is named though all units are alike.

    Returns
    -------
    CaseLife

    Raises
    ------
    InputError
        No events, no time of finding or of closing, a column that is not there, a unit that names persons.

    Examples
    --------
    >>> import gridmap as gm
    >>> county = gm.samples.simulated_county(0, households=5_000, events=4_000)
    >>> life = case_life(county.incidents, by="zone_id", alike="category")
    >>> life.worst == county.truth.late_community
    True

    References
    ----------
    Kaplan & Meier (1958), JASA 53, 457–481. Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.
    Marshall (1991), Applied Statistics 40, 283–294.
    """
    raw = _rows_of(events)
    table, notes = _normal(raw, columns)
    table["unit"], units = _units(raw, grid, by, table["found"])
    outside = table["unit"].isna()
    if outside.any():
        notes.append(Note("governance.no_unit", n=int(outside.sum())))
        table = table[~outside]
        if not len(table):
            raise InputError(Note("governance.none_left", notes=notes))
    ended = table[[r for r in TIMES if r in table and r != "deadline"]].max().max()
    now = pd.Timestamp(ended if now is None else now)
    ahead = table["found"] > now
    if ahead.any():
        notes.append(Note("governance.found_later", n=int(ahead.sum()), day=now.date().isoformat()))
        table = table[~ahead]
        if not len(table):
            raise InputError(Note("governance.none_left", notes=notes))
    flags = _flags(table, now)
    notes += [*_other_outcomes(table), *_other_answers(table)]
    used = _usable(_as_indicators(indicators or INDICATORS), flags)
    sums = flags.groupby(table["unit"], sort=True).sum().reindex(units, fill_value=0)
    kinds = _kinds(raw, alike, table.index)
    kind, many = kinds.factorize()[0], max(kinds.nunique(), 1)
    place = units.get_indexer(pd.Index(table["unit"])) * many + kind

    def counted(flag: str) -> np.ndarray:
        """Units × kinds."""
        found = np.bincount(place[flags[flag].to_numpy(bool)], minlength=len(units) * many)
        return found.reshape(len(units), many)

    out = sums[["all", "open", "overdue", "on_time", "due", "withdrawn", "reopened"]].rename(columns={"all": "events"})
    overall: dict[Any, Any] = out.sum().to_dict()
    spread: dict[str, float] = {}
    parts = [out.astype(int)]
    for name, one in used.items():
        n = counted(one.of)
        x = np.minimum(counted(one.over), n)
        found, spread[name] = _judged(x, n, one.high_is_good, level)
        found.columns = [f"{name}_{'p' if c == 'p_value' else c}" for c in found]
        parts.append(found.set_axis(units))
        overall[f"{name}_share"] = x.sum() / n.sum() if n.sum() else float("nan")
        overall[f"{name}_n"] = int(n.sum())
    needed = sorted({one.of for one in used.values()})
    parts.append(sums[needed].astype(int).add_prefix("_"))
    steps, totals = _all_steps(table, units, now)
    parts.append(totals)
    out = pd.concat(parts, axis=1)
    judged = judge or next((name for name in ("on_time", "closing", *used) if name in used), None)
    if judged is not None and judged not in used:
        raise SettingError(Note("governance.no_indicator", found=judged, meant=did_you_mean(judged, used)))
    worst = None
    if judged is not None:
        one = used[judged]
        n = counted(one.of)
        at = _the_worst(np.minimum(counted(one.over), n), n, one.high_is_good, level)
        worst = None if at is None else units[at]
    whole = _total_times(_watched(table, "closed", now, "found"), _allowed_hours(table), np.arange(len(table)))
    return CaseLife(
        table=out,
        steps=steps,
        indicators=used,
        overall=pd.Series({**overall, **whole}),
        worst=worst,
        spread=spread,
        gaming=_gaming(table, flags, units, grid, by, population, last_minutes, level),
        judged_by=judged,
        params={"by": by, "alike": alike, "now": now, "level": level, "last_minutes": last_minutes},
        notes=tuple(notes),
        whole_steps=_all_steps(table.assign(unit="all"), pd.Index(["all"]), now)[0].droplevel("unit"),
        thresholds=_piles(raw, thresholds or {}),
        events=table,
    )


def _piles(raw: pd.DataFrame, thresholds: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """`threshold_pile` of each column that is named."""
    rows = {}
    for column, (threshold, width) in thresholds.items():
        if column not in raw:
            raise InputError(Note("governance.no_column", found=column, meant=did_you_mean(column, map(str, raw))))
        values = pd.to_numeric(raw[column], errors="coerce")
        rows[column] = {"threshold": threshold, "width": width, **threshold_pile(values.dropna(), threshold, width)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")


def _normal(raw: pd.DataFrame, columns: Mapping[str, str] | None) -> tuple[pd.DataFrame, list[Note]]:
    """One column a role, times as times; rows whose order cannot be are set aside and counted."""
    chosen = dict(columns or {})
    for role, column in chosen.items():
        if role not in ROLES:
            raise SettingError(Note("governance.no_role", found=str(role), meant=did_you_mean(str(role), ROLES)))
        if column not in raw:
            found = Note("governance.no_column", found=str(column), meant=did_you_mean(str(column), map(str, raw)))
            raise InputError(found)
    for role, names in ROLES.items():
        there = next((name for name in names if name in raw), None)
        if role not in chosen and there is not None:
            chosen[role] = there
    for role in ("found", "closed"):
        if role not in chosen:
            raise InputError(Note("governance.no_step_column", role=role, names=list(ROLES[role])))
    table = pd.DataFrame({role: one_column(raw, column) for role, column in chosen.items()}, index=raw.index)
    notes = []
    for role in (r for r in TIMES if r in chosen):
        written, table[role] = table[role], _as_times(table[role])
        unread = table[role].isna() & written.notna() & (written.astype("string").str.strip() != "")
        if unread.any():
            example = str(written[unread].iloc[0])
            notes.append(Note("governance.unread_times", n=int(unread.sum()), column=chosen[role], found=example))
    zoned = [r for r in TIMES if r in table and table[r].dt.tz is not None]
    plain = [r for r in TIMES if r in table and table[r].dt.tz is None and table[r].notna().any()]
    if zoned and plain:
        raise InputError(Note("governance.mixed_zones", zoned=chosen[zoned[0]], plain=chosen[plain[0]]))
    zone = table[zoned[0]].dt.tz if zoned else None
    for role in zoned:
        table[role] = table[role].dt.tz_convert(zone).dt.tz_localize(None)
    bad = table["found"].isna()
    late = (table["closed"] < table["found"]) & ~bad
    if bad.any():
        notes.append(Note("governance.never_found", n=int(bad.sum())))
    if late.any():
        notes.append(Note("governance.closed_before_found", n=int(late.sum())))
    table = table[~(bad | late)].copy()
    if not len(table):
        raise InputError(Note("governance.none_left", notes=notes))
    return table, notes + _odd_orders(table)


def _as_times(written: pd.Series) -> pd.Series:
    """As times, what cannot be read as NaT; of text in ISO's order, whichever entry comes first."""
    if isinstance(written.dtype, np.dtype) and written.dtype != object:
        return pd.to_datetime(written, errors="coerce")
    iso = pd.to_datetime(written, format="ISO8601", errors="coerce")
    if iso.notna().any() or not written.notna().any():
        return iso
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Could not infer format")
        return pd.to_datetime(written, errors="coerce")


def _odd_orders(table: pd.DataFrame) -> list[Note]:
    """How many events have steps that run backwards, or a deadline that was over when they were found."""
    steps = [s for s in STEPS if s in table]
    back = pd.Series(False, index=table.index)
    for earlier, later in pairwise(steps):
        back |= table[later] < table[earlier]
    notes = [Note("governance.steps_backwards", n=int(back.sum()))] if back.any() else []
    if "deadline" in table and (over := table["deadline"] < table["found"]).any():
        notes.append(Note("governance.deadline_before", n=int(over.sum())))
    return notes


def _rows_of(events: Any) -> pd.DataFrame:
    """The events as rows, each with a label of its own."""
    raw = events.to_frame() if isinstance(events, Incidents) else events
    if not isinstance(raw, pd.DataFrame) or not len(raw):
        raise InputError(Note("governance.no_events"))
    return raw if raw.index.is_unique else raw.reset_index(drop=True)


def _units(raw: pd.DataFrame, grid: Grid | None, by: Any, found: pd.Series) -> tuple[pd.Series, pd.Index]:
    """The unit of each event, and all units in order."""
    names = ["cell" if grid is not None else "all"] if by is None else [by] if isinstance(by, str) else list(by)
    parts, whole = [], None
    for name in names:
        if name == "all":
            part = pd.Series("all", index=found.index)
        elif name == "cell" and grid is not None:
            at = grid.locate(raw.loc[found.index, "lon"].to_numpy(), raw.loc[found.index, "lat"].to_numpy())
            ids = grid.cells.index.to_numpy()
            part = pd.Series(np.where(at >= 0, ids[np.maximum(at, 0)], None), index=found.index)
            whole = grid.cells.index if len(names) == 1 else None
        elif name in ("month", "quarter", "year") and name not in raw:
            part = found.dt.to_period(frequency_of(name))
        elif name not in raw:
            raise InputError(Note("governance.no_column", found=name, meant=did_you_mean(name, map(str, raw))))
        elif is_person_column(name) or WORKERS.fullmatch(str(name)):
            raise InputError(Note("governance.persons", name=name))
        else:
            part = raw.loc[found.index, name]
        parts.append(part)
    if len(parts) == 1:
        unit = parts[0]
        return unit, pd.Index(np.sort(unit.dropna().unique()), name=names[0]) if whole is None else whole
    known = ~pd.concat(parts, axis=1).isna().any(axis=1)
    joined = [t if ok else None for t, ok in zip(zip(*parts, strict=True), known, strict=True)]
    unit = pd.Series(joined, index=found.index, dtype=object)
    return unit, pd.Index(sorted(unit.dropna().unique()), tupleize_cols=False, name="unit")


def _kinds(raw: pd.DataFrame, alike: str | None, index: pd.Index) -> pd.Series:
    if alike is None:
        return pd.Series("all", index=index, name="kind")
    if alike not in raw:
        raise InputError(Note("governance.no_column", found=alike, meant=did_you_mean(alike, map(str, raw))))
    return raw.loc[index, alike].astype("string").fillna("").rename("kind")


def _outcome_words(table: pd.DataFrame) -> pd.Series:
    if "outcome" not in table:
        return pd.Series("", index=table.index)
    return table["outcome"].astype("string").fillna("").str.strip().str.lower()


@cache
def _counts_as(outcome: str) -> str:
    """The group of OUTCOMES that an outcome's words belong to; empty for neutral words, `other` where none is known."""
    found = next((name for name, words in OUTCOMES.items() if words.fullmatch(outcome)), None)
    return found or ("" if NEUTRAL.fullmatch(outcome) else "other")


def _other_outcomes(table: pd.DataFrame) -> list[Note]:
    """That some outcomes are in no share of mediated or cleared, because their words are not known."""
    words = _outcome_words(table)
    groups = words.map(_counts_as)
    if not groups.isin(list(OUTCOMES)).any() or not (other := words[groups == "other"]).size:
        return []
    return [Note("governance.other_outcomes", n=len(other), events=len(words), words=[*other.value_counts().index[:5]])]


def _other_answers(table: pd.DataFrame) -> list[Note]:
    """That some answers about satisfaction say neither yes nor no, and count as not satisfied."""
    if "satisfied" not in table:
        return []
    words = table["satisfied"].dropna().astype("string").str.strip().str.lower()
    other = words[~words.isin([*SATISFIED, *DISSATISFIED])]
    if not len(other):
        return []
    return [Note("governance.other_answers", n=len(other), words=[*other.value_counts().index[:5]])]


def _flags(table: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Yes or no of each event, as the indicators count them."""
    there = {r: table[r].notna() & (table[r] <= now) if r in table else None for r in TIMES}
    no = pd.Series(False, index=table.index)
    has: dict[str, pd.Series] = {r: no if v is None else v for r, v in there.items()}
    flags = pd.DataFrame({"all": True, **{r: has[r] for r in ("filed", "dispatched", "handled", "checked", "closed")}})
    gone = has["withdrawn"] & ~has["closed"]
    deadline = table["deadline"] if "deadline" in table else pd.Series(pd.NaT, index=table.index)
    flags["withdrawn"], flags["reopened"] = gone, has["reopened"]
    flags["open"] = ~has["closed"] & ~gone
    flags["due"] = (deadline <= now) & ~gone
    flags["on_time"] = flags["due"] & has["closed"] & (table["closed"] <= deadline)
    flags["overdue"] = flags["open"] & flags["due"]
    flags["ended"] = has["closed"] | gone
    counts_as = _outcome_words(table).map(_counts_as)
    for name in OUTCOMES:
        flags[name] = counts_as == name
    flags["mediation_ended"] = flags["mediated"] | flags.pop("failed")
    flags["cases"] = flags["cleared"] | flags.pop("unsolved")
    if "satisfied" in table:
        answer = table["satisfied"].astype("string").str.strip().str.lower()
        flags["rated"], flags["satisfied"] = answer.notna(), answer.isin(SATISFIED).fillna(False).astype(bool)
    else:
        flags["rated"] = flags["satisfied"] = False
    for step in ("filed", "dispatched", "handled", "checked"):
        if there[step] is None:
            flags = flags.drop(columns=step)
    return flags


def _as_indicators(indicators: Mapping[str, Any]) -> dict[str, Indicator]:
    """Each as an Indicator; a mapping of its fields will do, as in a pipeline."""
    found = {}
    for name, one in indicators.items():
        if isinstance(one, Mapping):
            names = [f.name for f in fields(Indicator)]
            wrong = next((k for k in one if k not in names), None)
            if wrong is not None or not {"over", "of"} <= set(one):
                raise SettingError(Note("governance.indicator_fields", name=str(name), names=names))
            one = Indicator(**{"high_is_good": True, "formula": f"{one['over']} / {one['of']}", "source": "", **one})
        found[name] = one
    return found


def _usable(indicators: Mapping[str, Indicator], flags: pd.DataFrame) -> dict[str, Indicator]:
    """The indicators whose columns are there and whose denominators are not all 0."""
    known = {"filed", "dispatched", "handled", "checked", *flags}
    for name, one in indicators.items():
        for column in (one.over, one.of):
            if column not in known:
                meant = did_you_mean(column, sorted(known))
                raise SettingError(Note("governance.indicator_column", name=name, found=column, meant=meant))
    there = {n: one for n, one in indicators.items() if one.over in flags and one.of in flags and flags[one.of].any()}
    return {n: one for n, one in there.items() if n != "rework" or flags["reopened"].any()}


@dataclass(frozen=True)
class _Watched:
    """Hours of a step, event by event, whether it has ended, and where that is known."""

    hours: np.ndarray
    ended: np.ndarray
    known: np.ndarray

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hours, and whether it has ended, of these rows; those left out of which it is not known."""
        rows = rows[self.known[rows]]
        return self.hours[rows], self.ended[rows]


def _watched(table: pd.DataFrame, step: str, now: pd.Timestamp, start: str | None = None) -> _Watched:
    """Hours of a step from the one before it; withdrawn and open ones are censored.

    Not known of events that lack the step before, or whose times run backwards.
    """
    there = [s for s in STEPS if s in table]
    start = start or there[max(there.index(step) - 1, 0)]
    until = table["withdrawn"].fillna(now) if "withdrawn" in table else pd.Series(now, index=table.index)
    ended = table[step].notna() & (table[step] <= now)
    stop = table[step].where(ended, until.where(until <= now, now))
    hours = ((stop - table[start]).dt.total_seconds() / 3600).to_numpy(float)
    return _Watched(hours, ended.to_numpy(bool), table[start].notna().to_numpy() & (hours >= 0))


def _step_hours(
    table: pd.DataFrame, step: str, now: pd.Timestamp, start: str | None = None
) -> tuple[pd.Series, pd.Series]:
    """Hours of a step and whether it has ended, by event, as `_watched` has them; those left out of which it is not
    known."""
    found = _watched(table, step, now, start)
    index = table.index[found.known]
    return pd.Series(found.hours[found.known], index), pd.Series(found.ended[found.known], index)


def _times_of(hours: np.ndarray, ended: np.ndarray) -> tuple[float, float]:
    if not len(hours) or not ended.any():
        return float("inf") if len(hours) else float("nan"), float("inf") if len(hours) else float("nan")
    moments, _, _, survival = _survival(hours, ended)
    return _quantile(moments, survival, 0.5), _quantile(moments, survival, 0.9)


def _total_times(whole: _Watched, allowed: np.ndarray | None, rows: np.ndarray) -> dict[str, float]:
    median, most = _times_of(*whole.of(rows))
    found = {"median_days": median / 24, "p90_days": most / 24}
    if allowed is None:
        return found
    own = rows[whole.known[rows] & (allowed[rows] > 0)]
    if not len(own):
        return found
    moments, _, _, survival = _survival(whole.hours[own] / allowed[own], whole.ended[own])
    upto = survival[moments <= 1]
    return {**found, "on_time_by_now": 1 - float(upto[-1]) if len(upto) else 0.0}


def _allowed_hours(table: pd.DataFrame) -> np.ndarray | None:
    """Hours from an event to its deadline; None where the table has no deadlines."""
    if "deadline" not in table:
        return None
    return ((table["deadline"] - table["found"]).dt.total_seconds() / 3600).to_numpy(float)


def _all_steps(table: pd.DataFrame, units: pd.Index, now: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Median and 90 % time of each step and of the whole, by unit."""
    watched = {step: _watched(table, step, now) for step in STEPS[1:] if step in table}
    whole, allowed = _watched(table, "closed", now, "found"), _allowed_hours(table)
    steps, totals = [], {}
    for unit, own in pd.Series(np.arange(len(table)), table.index).groupby(table["unit"], sort=True):
        rows = own.to_numpy()
        totals[unit] = _total_times(whole, allowed, rows)
        for step, one in watched.items():
            hours, ended = one.of(rows)
            median, most = _times_of(hours, ended)
            steps.append((unit, step, len(hours), int((~ended).sum()), median, most))
    frame = pd.DataFrame(steps, columns=["unit", "step", "n", "open", "median_hours", "p90_hours"])
    times = pd.DataFrame(list(totals.values()), index=pd.Index(list(totals), tupleize_cols=False))
    return frame.set_index(["unit", "step"]), times.reindex(units)


def _gaming(table, flags, units, grid, by, population, last_minutes: float, level: float) -> pd.DataFrame:
    """Closures in the minutes before the deadline, unit by unit against the rest; and who reports too little."""
    out = pd.DataFrame(index=units)
    if "deadline" in table:
        left = (table["deadline"] - table["closed"]) / pd.Timedelta("1min")
        last = flags["closed"] & (left >= 0) & (left <= last_minutes)
        counted = pd.DataFrame({"closed": flags["closed"], "last_minutes": last}).groupby(table["unit"]).sum()
        counted = counted.reindex(units, fill_value=0).astype(int)
        x, n = counted["last_minutes"].to_numpy(), counted["closed"].to_numpy()
        _, more, _ = _tails(x[:, None], n[:, None])
        p = np.ones(len(n))
        p[n > 0] = _holm(more[n > 0])
        with np.errstate(divide="ignore", invalid="ignore"):
            out = counted.assign(share=x / n, p_value=p)
        out["label"] = np.where(p <= level, "closes just before the deadline", "none")
    if grid is not None and population is not None and by in (None, "cell"):
        counts = table["unit"].value_counts().reindex(units, fill_value=0)
        quiet = quiet_cells(pd.Series(counts.to_numpy(), units, name="count"), grid, population=population)
        out["silent"] = (quiet.cells["label"] == QUIET).to_numpy()
    return out


def threshold_pile(values: Any, threshold: float, width: float) -> pd.Series:
    """Do values pile up just below a threshold from which more is due?

    Parameters
    ----------
    values : array of numbers
        Losses, persons involved, days.
    threshold, width : float
        Values in [threshold − width, threshold) are compared with those in [threshold, threshold + width).

    Returns
    -------
    Series
        `below, above, share_below, p_value` (one-sided exact, against as many on either side).

    Raises
    ------
    InputError
        If no value lies on either side.

    Examples
    --------
    >>> threshold_pile([2990, 2980, 2950, 2999, 2970, 2960, 2995, 3020], threshold=3000, width=100).round(3).to_dict()
    {'below': 7.0, 'above': 1.0, 'share_below': 0.875, 'p_value': 0.035}

    References
    ----------
    McCrary (2008), J. Econometrics 142, 698–714, for the idea; the exact binomial test is Clopper & Pearson's.
    """
    found = as_numbers(values, "values")
    below = int(((found >= threshold - width) & (found < threshold)).sum())
    above = int(((found >= threshold) & (found < threshold + width)).sum())
    if not below + above:
        raise InputError(Note("governance.threshold", threshold=threshold, width=width))
    p = float(scipy.stats.binom.sf(below - 1, below + above, 0.5))
    return pd.Series({"below": below, "above": above, "share_below": below / (below + above), "p_value": p})


def lateness_hotspots(
    events: Any,
    grid: Grid,
    *,
    alike: str | None = None,
    columns: Mapping[str, str] | None = None,
    now: Any = None,
    permutations: int = 999,
    random_state: int | None = None,
) -> HotspotResult:
    """Where are more events late than their number lets one expect? Kulldorff's scan over the grid's cells.

    Late is what was closed after its deadline, or is open after it; what is not yet due and what was withdrawn plays
    no part. The p-value has paid for looking at all circles, so a cluster is found by chance in 5 % of territories.

    Parameters
    ----------
    events : Incidents or DataFrame
        As in `case_life`, with deadlines and coordinates.
    grid : Grid
    alike, columns, now
        As in `case_life`.
    permutations, random_state
        As in `spatial_scan`.

    Returns
    -------
    HotspotResult
        Of `spatial_scan`: `clusters` with `cases` (late) and `expected`.

    Raises
    ------
    InputError
        No deadlines; fewer than 30 late events.

    Examples
    --------
    >>> import gridmap as gm
    >>> county = gm.samples.simulated_county(0, households=5_000, events=8_000)
    >>> grid = gm.make_grid(county.boundaries, system="zones")
    >>> late = lateness_hotspots(county.incidents, grid, alike="category", permutations=99, random_state=1)
    >>> county.truth.late_community in list(late.members.loc[late.members["cluster_id"] == 0, "area"])
    True

    References
    ----------
    Kulldorff (1997), Communications in Statistics: Theory and Methods 26, 1481–1496.
    """
    raw = _rows_of(events)
    table, _ = _normal(raw, columns)
    if "deadline" not in table:
        raise InputError(Note("governance.no_step_column", role="deadline", names=list(ROLES["deadline"])))
    table["unit"], units = _units(raw, grid, None, table["found"])
    ended = table[[r for r in TIMES if r in table and r != "deadline"]].max().max()
    flags = _flags(table, pd.Timestamp(ended if now is None else now))
    own = pd.DataFrame({"unit": table["unit"], "late": flags["due"] & ~flags["on_time"]})[flags["due"]]
    own["expected"] = own.groupby(_kinds(raw, alike, own.index))["late"].transform("mean")
    sums = own.dropna(subset="unit").groupby("unit").sum().reindex(units, fill_value=0)
    areas = pd.DataFrame({"cases": sums["late"].astype(int)})
    areas.index.name = "cell_id"
    people = sums["expected"].astype(float).to_numpy()
    from gridmap.hotspots.scan.spatial import spatial_scan  # numba comes with it

    return spatial_scan(areas, population=people, grid=grid, permutations=permutations, random_state=random_state)
