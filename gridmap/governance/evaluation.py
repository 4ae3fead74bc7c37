"""Did it work, did it only move, or would it have fallen anyway?

A measure is judged by what happened where it was taken against what happened where it was not. Four questions follow
each other, and each has its own number:

- *Did it fall by more than elsewhere?* The weighted displacement difference (counts) and the ratio of ratios of a
  Poisson difference in differences, with the variation of periods and areas beyond counting error and with serial
  correlation; a synthetic control where the history is long enough.
- *Did it only move?* The same for the bands around the treated area, the displacement quotient, and the net effect.
- *Would it have fallen anyway?* An area named because of its peak falls back whatever is done. How far, is estimated
  from all areas that could have been named (empirical Bayes), and the expected fall stands beside the seen one.
- *Could it have been seen at all?* The smallest fall that counts such as these would show.

Source: Wheeler & Ratcliffe 2018; Bowers & Johnson 2003; Guerette 2009; Abadie, Diamond & Hainmueller 2010; Hauer 1997.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

from gridmap._notebook_line import ShortForm
from gridmap._periods import FREQUENCIES, frequency_of
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.significance import adjust_p
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs
from gridmap.read.numbers import as_numbers, number_columns

__all__ = [
    "VERDICTS",
    "Difference",
    "Evaluation",
    "RegressionToMean",
    "WeightedDisplacementDifference",
    "comparable_controls",
    "difference_in_differences",
    "displacement_quotient",
    "evaluate_intervention",
    "randomised_pairs",
    "regression_to_mean",
    "smallest_visible_fall",
    "weighted_displacement_difference",
]

#: What an evaluation may come to.
VERDICTS = ("worked", "partly_moved", "moved", "fell_back", "cannot_tell", "rose")
#: An expected fall below this share is not called a falling back to normal.
NOTABLE_FALL = 0.1
#: Periods from which variation is estimated; periods before and control areas that a synthetic control needs.
LEAST_PERIODS, SYNTHETIC_PERIODS, SYNTHETIC_AREAS = 6, 8, 5
#: Control areas from which the variation between areas is estimated.
LEAST_AREAS = 6

Pair = Sequence[float]


# --------------------------------------------------------------------------------------------------
# the weighted displacement difference, and the quotient


@dataclass(frozen=True, repr=False)
class WeightedDisplacementDifference(ShortForm):
    """How many fewer (negative) or more events than the control areas let one expect, displacement counted in.

    Attributes
    ----------
    estimate : float
        Events, or harm where the kinds were weighted.
    variance : float
        Of `estimate`, every count taken as Poisson.
    local, displaced : float
        The two parts of `estimate`: of the treated area, and of the area around it.
    confidence : float
        Of `interval`.
    kinds : DataFrame or None
        With harm weights, one row a kind: `estimate, variance, weight`.
    """

    estimate: float
    variance: float
    local: float
    displaced: float
    confidence: float = 0.9
    kinds: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def standard_error(self) -> float:
        """Square root of the variance."""
        return float(np.sqrt(self.variance))

    @property
    def z_score(self) -> float:
        """Estimate in standard errors; nan where all counts are 0."""
        return self.estimate / self.standard_error if self.variance else float("nan")

    @property
    def p_value(self) -> float:
        """Two-sided, by the normal distribution."""
        return float(2 * scipy.stats.norm.sf(abs(self.z_score)))

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end at `confidence`."""
        return self.interval_at(self.confidence)

    def interval_at(self, confidence: float) -> tuple[float, float]:
        """Lower and upper end at another confidence, such as 0.95."""
        half = float(scipy.stats.norm.ppf((1 + _share(confidence, "confidence")) / 2)) * self.standard_error
        return self.estimate - half, self.estimate + half

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        low, high = self.interval
        return (
            f"WeightedDisplacementDifference {self.estimate:,.1f}, standard error {self.standard_error:,.1f}, "
            f"{self.confidence:.0%} interval {low:,.1f} to {high:,.1f}"
        )


def _share(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < float(value) < 1:
        raise SettingError(Note("governance.share", name=name, found=str(value)))
    return float(value)


def _pair(value: Any, name: str) -> np.ndarray:
    try:
        pair = np.asarray(value, float)
    except (TypeError, ValueError):
        pair = np.array([])
    if pair.shape != (2,) or not np.isfinite(pair).all() or (pair < 0).any():
        raise InputError(Note("governance.pair", name=name, found=str(value)))
    return pair


def weighted_displacement_difference(
    treated: Any,
    control: Any,
    displacement_treated: Any = None,
    displacement_control: Any = None,
    *,
    exposure: Pair = (1, 1),
    harm: Mapping[str, float] | None = None,
    confidence: float = 0.9,
) -> WeightedDisplacementDifference:
    """Change in the treated area less change in the control area, with the areas around both.

    (treated after − before) − (control after − before) + (around treated after − before) − (around control after −
    before). Counts are taken as Poisson, so the variance is the sum of them all.

    Parameters
    ----------
    treated, control : (before, after)
        Events in the treated and in a comparable area; with `harm`, a mapping kind → (before, after).
    displacement_treated, displacement_control : (before, after), optional
        Events in the areas to which they may have moved, around the treated and around the control area.
    exposure : (before, after)
        Lengths of the two times, where they differ: (2, 1) for two years before and one after. Counts are divided by
        them, so the estimate is per unit of time.
    harm : mapping, optional
        Kind → weight (sentence days, costs); the answer is then in that unit.
    confidence : float
        Of `interval`; 0.9 as in the authors' own tool. `interval_at(0.95)` gives another.

    Returns
    -------
    WeightedDisplacementDifference
        `.estimate`, `.standard_error`, `.interval`, `.variance`, `.z_score`, `.p_value`.

    Raises
    ------
    InputError
        A pair that is not two numbers of 0 or more; a kind that one of the areas lacks.

    Examples
    --------
    >>> weighted_displacement_difference(treated=(207, 110), control=(308, 318),
    ...     displacement_treated=(178, 157), displacement_control=(150, 140))
    <WeightedDisplacementDifference -118.0, standard error 39.6, 90% interval -183.1 to -52.9>
    >>> weighted_displacement_difference(treated=(20, 10), control=(20, 20))
    <WeightedDisplacementDifference -10.0, standard error 8.4, 90% interval -23.8 to 3.8>

    References
    ----------
    Wheeler & Ratcliffe (2018), Crime Science 7:11. Wheeler (2021), on harm weights and unequal times.
    """
    given = {
        "treated": treated,
        "control": control,
        "displacement_treated": displacement_treated,
        "displacement_control": displacement_control,
    }
    for name in ("treated", "control"):
        if given[name] is None:
            raise InputError(wrong_kind(name, "pair", None))
    given = {name: value for name, value in given.items() if value is not None}
    _share(confidence, "confidence")
    if harm is None:
        local, displaced, variance = _wdd_parts(given, exposure)
        return WeightedDisplacementDifference(local + displaced, variance, local, displaced, confidence)
    rows = []
    for kind, weight in harm.items():
        own = {}
        for name, value in given.items():
            if not isinstance(value, Mapping) or kind not in value:
                raise InputError(Note("governance.harm_kind", kind=str(kind), name=name))
            own[name] = value[kind]
        rows.append((kind, *_wdd_parts(own, exposure), float(weight)))
    kinds = pd.DataFrame(rows, columns=["kind", "local", "displaced", "variance", "weight"]).set_index("kind")
    kinds.insert(0, "estimate", kinds["local"] + kinds["displaced"])
    weights = kinds["weight"]
    local, displaced = (float((kinds[c] * weights).sum()) for c in ("local", "displaced"))
    return WeightedDisplacementDifference(
        local + displaced, float((kinds["variance"] * weights**2).sum()), local, displaced, confidence, kinds
    )


def _wdd_parts(given: Mapping[str, Any], exposure: Pair) -> tuple[float, float, float]:
    """Local and displaced difference, and their variance."""
    length = _pair(exposure, "exposure")
    if (length == 0).any():
        raise InputError(Note("governance.pair", name="exposure", found=str(exposure)))
    pairs = {name: _pair(value, name) for name, value in given.items()}
    change = {name: float(np.diff(pair / length)[0]) for name, pair in pairs.items()}
    local = change["treated"] - change["control"]
    displaced = change.get("displacement_treated", 0.0) - change.get("displacement_control", 0.0)
    return local, displaced, float(sum((pair / length**2).sum() for pair in pairs.values()))


def displacement_quotient(target: Pair, buffer: Pair, control: Pair) -> pd.Series:
    """The weighted displacement quotient: what happened around the target in proportion to what happened in it.

    Parameters
    ----------
    target, buffer, control : (before, after)
        Events.

    Returns
    -------
    Series
        `quotient` (above 0 benefits spread, above 1 by more than the effect itself; 0 to −1 some moved; below −1 more
        moved than was gained), `success` (target / control after − before; below 0 the target did better), `buffer`
        (the same around it), `gross` (fewer in the target), `net` (−success), `total_net` (fewer in target and buffer
        than the control lets one expect). `quotient` is nan where the target did not do better: it then has no
        meaning.

    Raises
    ------
    InputError
        A control without events before or after.

    Examples
    --------
    >>> displacement_quotient((207, 110), (178, 157), (308, 318)).round(3).to_dict()
    {'quotient': 0.258, 'success': -0.326, 'buffer': -0.084, 'gross': 97.0, 'net': 0.326, 'total_net': 130.5}

    References
    ----------
    Bowers & Johnson (2003), J. Quantitative Criminology 19, 275–301. Guerette (2009), POP Center tool guide 10.
    """
    a, b, c = _pair(target, "target"), _pair(buffer, "buffer"), _pair(control, "control")
    if (c == 0).any():
        raise InputError(Note("governance.quotient_control", found=str(tuple(c.tolist()))))
    success, around = float(a[1] / c[1] - a[0] / c[0]), float(b[1] / c[1] - b[0] / c[0])
    trend = c[1] / c[0]
    return pd.Series(
        {
            "quotient": around / success if success < 0 else float("nan"),
            "success": success,
            "buffer": around,
            "gross": float(a[0] - a[1]),
            "net": -success,
            "total_net": float(a[0] * trend - a[1] + b[0] * trend - b[1]),
        }
    )


# --------------------------------------------------------------------------------------------------
# difference in differences on counts


@dataclass(frozen=True, repr=False)
class Difference(ShortForm):
    """How the ratio of treated to control changed.

    Attributes
    ----------
    ratio, low, high : float
        After over before, against the control; 0.6 is a fall by 40 % more than there. Interval at `confidence`.
    p_value : float
        Two-sided.
    p_fall, p_rise : float
        One-sided.
    standard_error : float
        Of the logarithm of `ratio`, all variation included.
    dispersion : float
        Variation of periods beyond counting error, 1 for none.
    serial : float
        Correlation of successive periods, as allowed for (0 or more).
    between_areas : float
        Variation of the control areas' changes beyond counting error, 1 for none.
    before, after, expected : float
        Events of the treated area, and those expected after without action.
    confidence : float
    """

    ratio: float
    low: float
    high: float
    p_value: float
    p_fall: float
    p_rise: float
    standard_error: float
    dispersion: float
    serial: float
    between_areas: float
    before: float
    after: float
    expected: float
    confidence: float = 0.95

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"Difference ratio {self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}), p = {self.p_value:.2g}"


def difference_in_differences(
    treated: Any, control: Any, after: Any, *, confidence: float = 0.95, between_areas: float = 1.0
) -> Difference:
    """Poisson difference in differences of two series of counts: the ratio of ratios, with its interval.

    Given a period's total of both areas, the treated count is binomial, whatever season or trend both share; so no
    period needs a parameter of its own. Where there are six periods or more, their variation beyond counting error
    (Pearson) and the correlation of successive ones widen the interval, and it is Student's.

    Parameters
    ----------
    treated, control : array of counts
        One a period, in the order of time; two numbers for before and after.
    after : array of bool
        Which periods are after the start.
    confidence : float
    between_areas : float
        Variation of areas beyond counting error, where it is known; the larger of the two is taken.

    Returns
    -------
    Difference

    Raises
    ------
    InputError
        Series of different lengths, negative counts, no period before or after.

    Examples
    --------
    >>> difference_in_differences([207, 110], [308, 318], [False, True])
    <Difference ratio 0.51 (0.39 to 0.68), p = 3.2e-06>

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models. Bertrand, Duflo & Mullainathan (2004), QJE 119, 249–275.
    """
    t, c = as_numbers(treated, "treated"), as_numbers(control, "control")
    later = np.asarray(after, bool)
    if not t.shape == c.shape == later.shape or t.ndim != 1 or not later.any() or later.all():
        raise InputError(Note("governance.series", treated=t.size, control=c.size, after=int(later.sum())))
    if not (np.isfinite(t).all() and np.isfinite(c).all()) or (t < 0).any() or (c < 0).any():
        raise InputError(Note("governance.series_negative"))
    _share(confidence, "confidence")
    sums = np.array([t[~later].sum(), t[later].sum(), c[~later].sum(), c[later].sum()])
    used = sums + 0.5 if (sums == 0).any() else sums
    spread, serial, free = _variation(t, c, later)
    scale = max(spread * (1 + serial) / (1 - serial), between_areas)
    error = float(np.sqrt(scale * (1 / used).sum()))
    log = float(np.log(used[1] / used[0]) - np.log(used[3] / used[2]))
    law = scipy.stats.t(free) if free else scipy.stats.norm
    half = float(law.ppf((1 + confidence) / 2)) * error
    return Difference(
        ratio=float(np.exp(log)),
        low=float(np.exp(log - half)),
        high=float(np.exp(log + half)),
        p_value=float(2 * law.sf(abs(log) / error)),
        p_fall=float(law.cdf(log / error)),
        p_rise=float(law.sf(log / error)),
        standard_error=error,
        dispersion=spread,
        serial=serial,
        between_areas=float(between_areas),
        before=float(sums[0]),
        after=float(sums[1]),
        expected=float(used[0] * used[3] / used[2]),
        confidence=confidence,
    )


def _variation(t: np.ndarray, c: np.ndarray, later: np.ndarray) -> tuple[float, float, int | None]:
    """Over-dispersion, serial correlation and degrees of freedom of the treated share, period by period."""
    both = t + c
    seen = both > 0
    free = int(seen.sum()) - 2
    if free < LEAST_PERIODS - 2:
        return 1.0, 0.0, None
    share = np.where(later, t[later].sum() / max(both[later].sum(), 1), t[~later].sum() / max(both[~later].sum(), 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.where(seen, (t - both * share) / np.sqrt(both * share * (1 - share)), np.nan)
    fine = np.isfinite(residual)
    if fine.sum() < LEAST_PERIODS:
        return 1.0, 0.0, None
    spread = max(1.0, float((residual[fine] ** 2).sum() / free))
    pair = fine[1:] & fine[:-1] & (later[1:] == later[:-1])
    squares = (residual[fine] ** 2).mean()
    serial = float((residual[1:] * residual[:-1])[pair].mean() / squares) if pair.sum() > 3 and squares else 0.0
    return spread, float(np.clip(serial, 0, 0.8)), free


def _between_areas(before: np.ndarray, after: np.ndarray) -> float:
    """How much more the control areas' changes vary than counting error makes them; 1 with fewer than six areas."""
    both = before + after
    kept = both >= 5
    if kept.sum() < LEAST_AREAS:
        return 1.0
    share = after[kept].sum() / both[kept].sum()
    if share in (0, 1):
        return 1.0
    squares = (after[kept] - both[kept] * share) ** 2 / (both[kept] * share * (1 - share))
    return max(1.0, float(squares.sum() / (kept.sum() - 1)))


# --------------------------------------------------------------------------------------------------
# what falls anyway, and what could be seen


@dataclass(frozen=True, repr=False)
class RegressionToMean(ShortForm):
    """How far an area chosen for its count falls without any action.

    Attributes
    ----------
    before, after : float
    expected : float
        After, without action.
    low, high : float
        Where the count after lies in 90 of 100 cases without action.
    expected_fall, seen_fall : float
        Shares of `before`; negative for a rise. `seen_fall` is nan where `after` is not known.
    p_value : float
        The chance of so low a count, or a lower one, without action.
    shape, rate : float
        Of the gamma distribution of the areas' true rates.
    """

    before: float
    after: float
    expected: float
    low: float
    high: float
    expected_fall: float
    seen_fall: float
    p_value: float
    shape: float
    rate: float

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"RegressionToMean {self.before:,.0f} before, {self.expected:,.1f} expected after without action "
            f"({self.low:,.0f} to {self.high:,.0f}), {self.after:,.0f} seen"
        )


def regression_to_mean(
    before: float,
    after: float | None = None,
    *,
    pool: Any = None,
    exposure: float = 1.0,
    pool_exposure: Any = None,
    trend: float = 1.0,
    prior: Pair | None = None,
) -> RegressionToMean:
    """The fall of an area chosen for its count, had nothing been done.

    The true rates of all areas that could have been chosen are taken as gamma; its shape and rate are estimated from
    their counts (negative binomial, maximum likelihood). An area with y events then has (shape + y) / (rate + exposure)
    as its expected rate: the more it stood out by chance, the further it falls.

    Parameters
    ----------
    before, after : float
        Counts of the chosen area; without `after` only what is to be expected.
    pool : array of counts
        Of all areas from which it was chosen, itself included, in the time before.
    exposure, pool_exposure : float, array
        Residents or the like, of the chosen area and of the pool; 1 for each by default.
    trend : float
        After over before where nothing was done: of the control, or the ratio of lengths of the two times.
    prior : (shape, rate), optional
        In place of `pool`.

    Returns
    -------
    RegressionToMean

    Raises
    ------
    InputError
        Neither pool nor prior; a pool of fewer than 10 areas or without events.

    Examples
    --------
    >>> regression_to_mean(10, 4, prior=(0.5, 0.5))
    <RegressionToMean 10 before, 7.0 expected after without action (2 to 13), 4 seen>

    References
    ----------
    Hauer (1997), Observational Before–After Studies in Road Safety. Robbins (1956).
    """
    if prior is not None:
        shape, rate = (float(v) for v in prior)
    else:
        count = as_numbers(() if pool is None else pool, "pool").ravel()
        people = np.ones(len(count)) if pool_exposure is None else as_numbers(pool_exposure, "pool_exposure")
        if people.shape != count.shape:
            raise InputError(Note("governance.pool_exposure", n=count.size, m=people.size))
        usable = (people > 0) & np.isfinite(count)
        if usable.sum() < 10 or count[usable].sum() <= 0:
            raise InputError(Note("governance.pool", n=int(usable.sum())))
        shape, rate = _gamma_of_rates(count[usable], people[usable])
    size = shape + before
    mean = size / (rate + exposure) * exposure * trend
    chance = size / (size + mean)
    seen = float("nan") if after is None else float(after)
    fall = 1 - mean / before if before else float("nan")
    return RegressionToMean(
        before=float(before),
        after=seen,
        expected=float(mean),
        low=float(scipy.stats.nbinom.ppf(0.05, size, chance)),
        high=float(scipy.stats.nbinom.ppf(0.95, size, chance)),
        expected_fall=float(fall),
        seen_fall=1 - seen / before if before else float("nan"),
        p_value=float("nan") if after is None else float(scipy.stats.nbinom.cdf(seen, size, chance)),
        shape=shape,
        rate=rate,
    )


def _gamma_of_rates(count: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """Shape and rate of the true rates, by maximum likelihood of the counts."""
    mean = count.sum() / people.sum()

    def lack_of_fit(v):
        size, level = np.exp(v)
        return -scipy.stats.nbinom.logpmf(count, size, size / (size + people * level)).sum()

    found = scipy.optimize.minimize(
        lack_of_fit, [0.0, np.log(mean)], method="L-BFGS-B", bounds=[(-7, 12), (np.log(mean) - 3, np.log(mean) + 3)]
    )
    size, level = np.exp(found.x)
    return float(size), float(size / level)


def smallest_visible_fall(
    before: float,
    control_before: float,
    *,
    trend: float = 1.0,
    dispersion: float = 1.0,
    power: float = 0.8,
    confidence: float = 0.95,
) -> float | None:
    """The smallest fall that counts such as these would show, as a share; None where even a fall to nothing would not.

    Parameters
    ----------
    before, control_before : float
        Events of the treated and of the control area in the time before.
    trend : float
        After over before where nothing is done (or the ratio of the lengths of both times).
    dispersion : float
        Variation beyond counting error, as an earlier evaluation found it.
    power : float
        The chance with which it should be seen.
    confidence : float
        Of the two-sided test.

    Returns
    -------
    float or None

    Examples
    --------
    >>> round(smallest_visible_fall(100, 1000), 2)
    0.37
    >>> smallest_visible_fall(6, 50) is None
    True

    References
    ----------
    The normal approximation of the log ratio of ratios, as in `difference_in_differences`.
    """
    for value, name in ((power, "power"), (confidence, "confidence")):
        _share(value, name)
    if min(before, control_before) <= 0:
        return None
    z = scipy.stats.norm.ppf((1 + confidence) / 2), scipy.stats.norm.ppf(power)
    fixed = 1 / before + 1 / control_before + 1 / (control_before * trend)

    def lack(fall: float) -> float:
        left = before * trend * (1 - fall)
        seen = np.sqrt(dispersion * (fixed + 1 / left))
        return -np.log1p(-fall) - (z[0] + z[1]) * seen

    most = 1 - 1 / (before * trend)  # one event left
    if most <= 0 or lack(most) < 0:
        return None
    return float(scipy.optimize.brentq(lack, 1e-9, most))


# --------------------------------------------------------------------------------------------------
# areas to compare with


def comparable_controls(
    areas: pd.DataFrame, treated: Iterable[Any], *, columns: Sequence[str], n: int = 5, exclude: Iterable[Any] = ()
) -> pd.DataFrame:
    """The areas most like the treated ones, to compare them with.

    Parameters
    ----------
    areas : DataFrame, one row an area
    treated : list of index labels
    columns : list of str
        Numbers to be alike in: events of earlier periods, residents, households; compared by their logarithm.
    n : int
        How many.
    exclude : list of index labels
        Not to be taken: the areas around the treated ones, to which events may have moved.

    Returns
    -------
    DataFrame
        The chosen rows with `distance` (root mean square of standardised differences), the nearest first. Above 1 an
        area is as far away as any two are on average, and is not comparable.

    Raises
    ------
    InputError
        A column or an area that is not there, fewer than n areas left.

    Examples
    --------
    >>> areas = pd.DataFrame({"events": [50, 48, 10, 52, 5], "persons": [900, 950, 300, 870, 200]}, index=list("abcde"))
    >>> comparable_controls(areas, ["a"], columns=["events", "persons"], n=2).index.tolist()
    ['d', 'b']
    """
    treated, exclude = list(treated), set(exclude)
    for column in columns:
        if column not in areas:
            raise InputError(
                Note("governance.no_area_column", found=column, meant=did_you_mean(column, map(str, areas)))
            )
    unknown = [a for a in treated if a not in areas.index]
    left = areas.index[~areas.index.isin([*treated, *exclude])]
    if unknown or not treated or len(left) < n:
        raise InputError(Note("governance.controls_left", n=n, left=len(left), unknown=[str(u) for u in unknown]))
    value = _standardised(areas, columns)
    goal = value.loc[treated].mean()
    distance = np.sqrt(((value.loc[left] - goal) ** 2).mean(axis=1)).sort_values(kind="stable")
    return areas.loc[distance.index[:n]].assign(distance=distance.iloc[:n])


def _standardised(areas: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    value = number_columns(areas, columns, missing=False)
    for column in value.columns[~(value < 0).any()]:  # amounts are compared by their ratios, other numbers as they are
        value[column] = np.log1p(value[column])
    return (value - value.mean()) / value.std().replace(0, 1)


def randomised_pairs(
    areas: pd.DataFrame, *, columns: Sequence[str], pairs: int | None = None, random_state: int | None = None
) -> pd.DataFrame:
    """Pairs of areas as alike as can be, and a coin for each: who is treated, where the committee agrees to draw lots.

    Parameters
    ----------
    areas : DataFrame, one row an area that could be treated
    columns : list of str
        As in `comparable_controls`.
    pairs : int, optional
        As many as there can be by default; the most alike first.
    random_state : int

    Returns
    -------
    DataFrame
        The rows in pairs, with `pair` (from 1) and `treated`; one of each pair is treated.

    Raises
    ------
    InputError
        Fewer areas than two a pair.

    Examples
    --------
    >>> areas = pd.DataFrame({"events": [50, 48, 10, 11]}, index=list("abcd"))
    >>> randomised_pairs(areas, columns=["events"], random_state=1).groupby("pair")["treated"].sum().tolist()
    [1, 1]
    """
    most = len(areas) // 2
    if most < 1 or (pairs or 1) > most:
        raise InputError(Note("governance.pairs", n=len(areas), pairs=pairs or 1))
    value = _standardised(areas, columns).to_numpy()
    apart = np.sqrt(((value[:, None] - value[None]) ** 2).mean(axis=2))
    first, second = np.triu_indices(len(areas), 1)
    free = np.ones(len(areas), bool)
    found: list[Any] = []
    for k in np.argsort(apart[first, second], kind="stable"):
        if free[first[k]] and free[second[k]] and len(found) < (pairs or most):
            found.append((first[k], second[k]))
            free[[first[k], second[k]]] = False
    coin = np.random.default_rng(random_state).random(len(found)) < 0.5
    rows = [i for pair in found for i in pair]
    treated = [bool(flip) == (side == 0) for flip in coin for side in (0, 1)]
    return areas.iloc[rows].assign(pair=np.repeat(np.arange(len(found)) + 1, 2), treated=treated)


# --------------------------------------------------------------------------------------------------
# the whole evaluation


@dataclass(frozen=True, repr=False)
class Evaluation(ShortForm):
    """What became of a measure.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`: "worked" (fell by more than elsewhere, and did not move), "partly_moved" (fell, some of it
        moved, less in all), "moved" (fell here, rose around, no less in all), "fell_back" (no more than what falls
        anyway), "rose", "cannot_tell".
    difference : Difference
        Treated against control.
    buffer_difference : Difference or None
        The area around against control, all bands together.
    net : Difference or None
        Treated and around together against control.
    wdd : WeightedDisplacementDifference
        In events of a time as long as that after.
    quotient : Series or None
        `displacement_quotient`.
    bands : DataFrame indexed by band
        `before, after, ratio, low, high, p_value` of each band around.
    kinds, hours : DataFrame
        The same by kind and by quarter of the day, in the treated area; `q_value` for all rows together (Holm), and
        `around_ratio` for the area around.
    synthetic : Series or None
        `observed, expected, effect, p_value, areas`: against a weighted mix of control areas that went along with the
        treated one before; p by placing the start in each of them.
    regression_to_mean : RegressionToMean or None
        Where `chosen_from` says what the area was chosen from.
    smallest_fall : float or None
        The fall that could have been seen.
    counts : DataFrame
        Events by area (treated, bands, controls) and period.
    notes : tuple of Note
    """

    verdict: str
    difference: Difference
    buffer_difference: Difference | None
    net: Difference | None
    wdd: WeightedDisplacementDifference
    quotient: pd.Series | None
    bands: pd.DataFrame
    kinds: pd.DataFrame
    hours: pd.DataFrame
    synthetic: pd.Series | None
    regression_to_mean: RegressionToMean | None
    smallest_fall: float | None
    counts: pd.DataFrame = field(compare=False)
    notes: tuple[Note, ...] = ()

    @property
    def sentence(self) -> Note:
        """The verdict with its numbers."""
        d = self.difference
        counted = {"before": round(d.before), "after": round(d.after)}
        values: dict[str, Any] = {**counted, "expected": d.expected, "change": d.ratio - 1}
        values |= {"low": d.low - 1, "high": d.high - 1, "smallest": self.smallest_fall}
        around = self.buffer_difference
        values["around"] = None if around is None else around.ratio - 1
        anyway = self.regression_to_mean
        values["anyway"] = None if anyway is None else anyway.expected_fall
        values["fall"] = 1 - d.after / d.before if d.before else None
        code = "cannot_be_seen" if self.verdict == "cannot_tell" and self.smallest_fall is None else self.verdict
        return Note(f"governance.verdict.{code}", **values)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"Evaluation: {self.verdict}; {self.difference!r}, {self.wdd!r}"


def evaluate_intervention(
    before: Any,
    after: Any,
    treated: Any,
    control: Any,
    buffer: Any = None,
    *,
    every: str = "month",
    harm: Mapping[str, float] | None = None,
    chosen_from: Any = None,
    exposure: str | pd.Series | None = None,
    confidence: float = 0.95,
) -> Evaluation:
    """Did the measure work, did it only move things, or would it have fallen anyway?

    Parameters
    ----------
    before, after : Incidents, frame of points, or table of counts
        Events of the time before and after the start, of the kind that was meant. Points (`lon, lat`, with
        `occurred_from` and `category` where known), or counts with one row an area and one column a period.
    treated, control : geometry, GeoDataFrame (EPSG:4326), or list of row labels
        Where it was done, and where nothing was. Several control areas are kept apart: their changes say how much areas
        vary anyway. What of the control lies in the treated area or in the buffer is left out.
    buffer : number or list of numbers (metres), geometry, or list of row labels, optional
        The area around: one ring, rings that end at each distance, or named.
    every : {"day", "week", "month", "quarter"}
        Periods of the series.
    harm : mapping, optional
        Kind → weight, for the harm-weighted form of `wdd`; points only.
    chosen_from : GeoDataFrame or list of row labels, optional
        All areas that could have been named, the treated one included. With it, what would have fallen anyway is
        estimated.
    exposure : str or Series, optional
        Column of `chosen_from` (or Series by label) with residents or the like; each area counts the same by default.
    confidence : float
        Of the claim, and of all intervals behind it together: with a `buffer` the verdict looks at three of them (the
        area, the area around, both), and each is as much wider (Bonferroni).

    Returns
    -------
    Evaluation
        `.verdict`, `.sentence`, and every number behind it.

    Raises
    ------
    InputError
        No events in the treated or in the control area before, areas that do not exist.

    Examples
    --------
    >>> before = pd.DataFrame({"m1": [20, 60, 55], "m2": [22, 58, 61]}, index=["park", "north", "south"])
    >>> after = pd.DataFrame({"m3": [8, 61, 54], "m4": [7, 59, 60]}, index=["park", "north", "south"])
    >>> evaluate_intervention(before, after, ["park"], ["north", "south"]).verdict
    'worked'

    References
    ----------
    Wheeler & Ratcliffe (2018), Crime Science 7:11. Bowers & Johnson (2003), JQC 19, 275–301. Abadie, Diamond &
    Hainmueller (2010), JASA 105, 493–505. Hauer (1997).
    """
    _share(confidence, "confidence")
    if every not in FREQUENCIES:
        raise SettingError(Note("governance.every", found=str(every), meant=did_you_mean(str(every), FREQUENCIES)))
    reader = _of_tables if _is_table(before) else _of_points
    data = reader(before, after, treated, control, buffer, every, chosen_from, exposure)
    t, bands, controls, later = data.treated, data.bands, data.controls, data.later
    c = controls.sum(axis=0)
    if not t[~later].sum() or not c[~later].sum():
        raise InputError(Note("governance.nothing_before", treated=int(t[~later].sum()), control=int(c[~later].sum())))
    between = _between_areas(controls[:, ~later].sum(axis=1), controls[:, later].sum(axis=1))
    looks = 3 if len(bands) else 1  # the area, the area around, both: what the verdict says must hold for all of them
    together = 1 - (1 - confidence) / looks

    def differ(series: np.ndarray) -> Difference:
        return difference_in_differences(series, c, later, confidence=together, between_areas=between)

    main, around = differ(t), bands.sum(axis=0)
    near = differ(around) if len(bands) else None
    net = differ(t + around) if len(bands) else None
    longer = float((~later).sum() / later.sum())
    wdd = _scaled_wdd(
        {"all": (t, around, c)} if harm is None else _by_harm(data, harm), later, longer, harm, confidence
    )
    notes = [*data.notes, Note("governance.control_scaled")]
    trend = float(c[later].sum() / c[~later].sum())
    fell = None
    if data.pool is not None:
        pool, people, own = data.pool
        fell = regression_to_mean(
            t[~later].sum(), t[later].sum(), pool=pool, pool_exposure=people, exposure=own, trend=trend
        )
    variation = max(main.dispersion * (1 + main.serial) / (1 - main.serial), between)
    smallest = smallest_visible_fall(
        t[~later].sum(), c[~later].sum(), trend=trend, dispersion=variation, confidence=together
    )
    quotient = (
        displacement_quotient(*(tuple(map(float, _two(v, later))) for v in (t, around, c)))
        if (len(bands) and (_two(c, later) > 0).all())
        else None
    )
    rows = [(name, differ(series)) for name, series in zip(data.band_names, bands, strict=True)]
    return Evaluation(
        verdict=_verdict(main, near, net, fell, 1 - confidence),
        difference=main,
        buffer_difference=near,
        net=net,
        wdd=wdd,
        quotient=quotient,
        bands=_difference_rows(rows, "band"),
        kinds=_by_part(data, "kind", differ, c, later, confidence),
        hours=_by_part(data, "hour", differ, c, later, confidence),
        synthetic=_synthetic(t, controls, later),
        regression_to_mean=fell,
        smallest_fall=smallest,
        counts=data.counts,
        notes=tuple(notes),
    )


def _two(series: np.ndarray, later: np.ndarray) -> np.ndarray:
    return np.array([series[~later].sum(), series[later].sum()])


def _by_harm(data: "_Series", harm: Mapping[str, float]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    kinds = data.parts.get("kind", {})
    missing = [str(k) for k in harm if k not in kinds]
    if missing:
        raise InputError(Note("governance.harm_unknown", missing=missing, names=[str(k) for k in kinds]))
    return {k: kinds[k] for k in harm}


def _scaled_wdd(
    parts: Mapping[Any, tuple], later: np.ndarray, longer: float, harm: Mapping[str, float] | None, confidence: float
) -> WeightedDisplacementDifference:
    """The difference with the control's change in the size of the treated area and of the area around it.

    Where control and treated are of one size it is `weighted_displacement_difference`; a larger control is weighed
    down, its variance too, and as it serves both areas its error counts for both at once.
    """
    rows = []
    for kind, series in parts.items():
        own, near, other = (_two(v, later) / (longer, 1) for v in series)
        errors = [float((_two(v, later) / (longer**2, 1)).sum()) for v in series]
        size = own[0] / other[0] if other[0] else 0.0
        beside = near[0] / other[0] if other[0] else 0.0
        change = other[1] - other[0]
        local, displaced = own[1] - own[0] - size * change, near[1] - near[0] - beside * change
        weight = 1.0 if harm is None else float(harm[kind])
        rows.append((kind, local, displaced, errors[0] + errors[1] + (size + beside) ** 2 * errors[2], weight))
    kinds = pd.DataFrame(rows, columns=["kind", "local", "displaced", "variance", "weight"]).set_index("kind")
    kinds.insert(0, "estimate", kinds["local"] + kinds["displaced"])
    local, displaced = (float((kinds[c] * kinds["weight"]).sum()) for c in ("local", "displaced"))
    variance = float((kinds["variance"] * kinds["weight"] ** 2).sum())
    return WeightedDisplacementDifference(
        local + displaced, variance, local, displaced, confidence, None if harm is None else kinds
    )


def _verdict(main, near, net, fell, level: float) -> str:
    """The verdict, by the tests behind it; what falls anyway comes first."""
    falls = main.high < 1
    if fell is not None and fell.seen_fall > 0 and fell.expected_fall >= NOTABLE_FALL and fell.p_value > level:
        return "fell_back"
    if main.low > 1:
        return "rose"
    if not falls:
        return "cannot_tell"
    if near is None or near.p_rise > 2 * level:  # one-sided at 10 %: a move is easier to overlook than to invent
        return "worked"
    return "partly_moved" if net.high < 1 else "moved"


def _difference_rows(rows: list[tuple[Any, Difference]], name: str) -> pd.DataFrame:
    columns = ["before", "after", "expected", "ratio", "low", "high", "p_value"]
    values = [[getattr(d, c) for c in columns] for _, d in rows]
    return pd.DataFrame(values, columns=columns, index=pd.Index([k for k, _ in rows], name=name))


def _by_part(data, what: str, differ, c: np.ndarray, later: np.ndarray, confidence: float) -> pd.DataFrame:
    """The treated area by kind or by quarter of the day, each against the same part of the control."""
    rows, around = [], []
    for name, (own, near, other) in data.parts.get(what, {}).items():
        if own[~later].sum() + own[later].sum() < 5 or not other[~later].sum():
            continue
        rows.append((name, difference_in_differences(own, other, later, confidence=confidence)))
        beside = difference_in_differences(near, other, later) if near.sum() >= 5 else None
        around.append(beside.ratio if beside is not None else float("nan"))
    table = _difference_rows(rows, what)
    q = adjust_p(table["p_value"].to_numpy(), "holm") if len(table) else np.zeros(0)
    return table.assign(q_value=q, around_ratio=around)


def _synthetic(t: np.ndarray, controls: np.ndarray, later: np.ndarray) -> pd.Series | None:
    """Against a weighted mix of control areas, and the same for each of these as a placebo."""
    lively = controls[controls[:, ~later].sum(axis=1) >= 2 * (~later).sum()]
    if (~later).sum() < SYNTHETIC_PERIODS or len(lively) < SYNTHETIC_AREAS:
        return None

    def gaps(own: np.ndarray, others: np.ndarray) -> tuple[float, float]:
        """Expected after, and how much worse the fit is after than before."""
        level = own[~later].mean()
        y, x = own / level, others / others[:, ~later].mean(axis=1, keepdims=True)
        heavy = 1e3  # weights add up to one
        weights = scipy.optimize.nnls(
            np.vstack([x[:, ~later].T, np.full((1, len(x)), heavy)]), np.append(y[~later], heavy)
        )[0]
        mix = weights @ x
        before, behind = (np.sqrt(np.mean((y - mix)[part] ** 2)) for part in (~later, later))
        return float(mix[later].sum() * level), float(behind / max(before, 1e-9))

    expected, ratio = gaps(t.astype(float), lively)
    others = [gaps(lively[k], np.delete(lively, k, axis=0))[1] for k in range(len(lively))]
    observed = float(t[later].sum())
    p = (1 + sum(o >= ratio for o in others)) / (1 + len(others))
    return pd.Series(
        {"observed": observed, "expected": expected, "effect": observed - expected, "p_value": p, "areas": len(lively)}
    )


# --------------------------------------------------------------------------------------------------
# from points and from tables to series


@dataclass(frozen=True)
class _Series:
    """Counts by period of the treated area, of the bands around it and of each control area."""

    treated: np.ndarray
    bands: np.ndarray
    controls: np.ndarray
    later: np.ndarray
    band_names: list[str]
    counts: pd.DataFrame
    pool: tuple[np.ndarray, np.ndarray, float] | None
    parts: dict[str, dict[Any, tuple[np.ndarray, np.ndarray, np.ndarray]]]
    notes: tuple[Note, ...] = ()


def _is_table(value: Any) -> bool:
    return isinstance(value, pd.Series) or (isinstance(value, pd.DataFrame) and "lon" not in value)


def _of_tables(before, after, treated, control, buffer, every, chosen_from, exposure) -> _Series:
    a, b = (v.to_frame() if isinstance(v, pd.Series) else v for v in (before, after))
    if not a.index.equals(b.index):
        raise InputError(Note("governance.tables_differ", n=len(a), m=len(b)))
    later = np.r_[np.zeros(a.shape[1], bool), np.ones(b.shape[1], bool)]
    whole = pd.concat([a, b], axis=1)

    def rows(labels: Any, what: str) -> np.ndarray:
        labels = [labels] if isinstance(labels, str) or not isinstance(labels, Iterable) else list(labels)
        unknown = [str(x) for x in labels if x not in whole.index]
        if unknown or not labels:
            raise InputError(Note("governance.no_area", what=what, unknown=unknown))
        return whole.loc[labels].to_numpy(float)

    own, others = rows(treated, "treated"), rows(control, "control")
    near = {} if buffer is None else buffer if isinstance(buffer, Mapping) else {"around": buffer}
    bands = np.array([rows(labels, "buffer").sum(axis=0) for labels in near.values()]).reshape(len(near), len(later))
    pool = None
    if chosen_from is not None:
        labels = list(chosen_from)
        count = rows(labels, "chosen_from")[:, ~later].sum(axis=1)
        people = pd.Series(1.0, whole.index) if exposure is None else pd.Series(exposure).reindex(whole.index)
        treated_labels = [treated] if isinstance(treated, str) or not isinstance(treated, Iterable) else list(treated)
        pool = (count, people.loc[labels].to_numpy(float), float(people.loc[treated_labels].sum()))
    series = np.vstack([own.sum(axis=0)[None], bands, others])
    names = ["treated", *near, *(f"control {k}" for k in range(len(others)))]
    counts = pd.DataFrame(series, index=names, columns=whole.columns)
    return _Series(own.sum(axis=0), bands, others, later, [str(k) for k in near], counts, pool, {})


def _points(events: Any, later: bool) -> pd.DataFrame:
    frame = events.to_frame() if isinstance(events, Incidents) else events
    if not isinstance(frame, pd.DataFrame) or not {"lon", "lat"} <= set(frame):
        raise InputError(Note("governance.no_points"))
    out = pd.DataFrame({"lon": frame["lon"].to_numpy(float), "lat": frame["lat"].to_numpy(float), "later": later})
    first = pd.to_datetime(frame["occurred_from"]) if "occurred_from" in frame else pd.Series(pd.NaT, frame.index)
    last = pd.to_datetime(frame["occurred_to"]) if "occurred_to" in frame else first
    out["time"] = (first + (last - first) / 2).to_numpy()
    out["kind"] = frame["category"].to_numpy() if "category" in frame else "all"
    out["exact"] = ((last - first) < pd.Timedelta("6h")).to_numpy()
    return out


def _check_order(events: pd.DataFrame) -> None:
    """Before must be before after; single events of an uncertain day may lie on the wrong side of the start."""
    first, second = (events.loc[events["later"] == flag, "time"].dropna() for flag in (False, True))
    if not len(first) or not len(second):
        return
    start, end = second.quantile(0.05), first.quantile(0.95)
    if end > start:
        days = {"end": f"{end:%Y-%m-%d}", "start": f"{start:%Y-%m-%d}"}
        raise InputError(Note("governance.before_after", **days))


def _shapes(area: Any, what: str) -> np.ndarray:
    """Polygons in EPSG:4326."""
    if isinstance(area, gpd.GeoDataFrame | gpd.GeoSeries):
        if area.crs is not None:
            area = area.to_crs(4326)
        found = area.geometry.to_numpy()
    else:
        found = np.atleast_1d(np.asarray(area, dtype=object))
    if not len(found) or not all(isinstance(g, shapely.Geometry) and g.area > 0 for g in found):
        raise InputError(Note("governance.no_shape", what=what, found=type(area).__name__))
    return found


def _rings(buffer: Any, own: Any) -> tuple[list[str], list[Any]]:
    """Names and shapes of the bands around the treated area."""
    if buffer is None:
        return [], []
    numbers = np.atleast_1d(np.asarray(buffer, dtype=object)) if not hasattr(buffer, "geometry") else np.array([None])
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers):
        shape = shapely.difference(shapely.union_all(_shapes(buffer, "buffer")), own)
        return ["around"], [shape]
    edges = [float(v) for v in numbers]
    if edges != sorted(set(edges)) or edges[0] <= 0:
        raise SettingError(Note("governance.bands", found=str(edges)))
    crs = metric_crs(tuple(shapely.bounds(own)))
    flat = gpd.GeoSeries([own], crs=4326).to_crs(crs).iloc[0]
    grown = [flat, *(flat.buffer(edge) for edge in edges)]
    rings = gpd.GeoSeries([b.difference(a) for a, b in pairwise(grown)], crs=crs).to_crs(4326)
    return [f"{a:.0f}–{b:.0f} m" for a, b in pairwise([0.0, *edges])], list(rings)


def _of_points(before, after, treated, control, buffer, every, chosen_from, exposure) -> _Series:
    events = pd.concat([_points(before, False), _points(after, True)], ignore_index=True)
    _check_order(events)
    own = shapely.union_all(_shapes(treated, "treated"))
    names, rings = _rings(buffer, own)
    taken = shapely.union_all([own, *rings])
    whole = _shapes(control, "control")
    others = shapely.difference(whole, taken)
    cut = int((shapely.area(others) < shapely.area(whole) * (1 - 1e-9)).sum())
    others = others[shapely.area(others) > shapely.area(whole) * 0.2]
    if not len(others):
        raise InputError(Note("governance.control_taken", n=len(whole)))
    period = events["time"].dt.to_period(frequency_of(every))
    if events["time"].isna().any():
        period = pd.Series("all", index=events.index)
    label = list(zip(events["later"], period, strict=True))
    order = sorted(set(label))
    if every in ("month", "quarter", "week", "day") and not isinstance(order[0][1], str):  # periods without an event
        spans = {flag: [p for f, p in order if f == flag] for flag in (False, True)}
        order = [
            (flag, p)
            for flag, seen in spans.items()
            if seen
            for p in pd.period_range(seen[0], seen[-1], freq=seen[0].freq)
        ]
    place = pd.Index(order, tupleize_cols=False).get_indexer(pd.Index(label, tupleize_cols=False))
    later = np.array([flag for flag, _ in order], bool)
    if not later.any() or later.all():
        raise InputError(Note("governance.one_side", n=len(events), side="after" if later.all() else "before"))
    at = shapely.points(events["lon"], events["lat"])
    shapes = np.array([own, *rings, *others], dtype=object)
    shape, which = shapely.STRtree(at).query(shapes, predicate="intersects")
    width = len(order)

    def series(kept: np.ndarray | None = None) -> np.ndarray:
        fine = slice(None) if kept is None else kept[which]
        key = shape[fine] * width + place[which[fine]]
        return np.bincount(key, minlength=len(shapes) * width).reshape(len(shapes), width).astype(float)

    table, b = series(), 1 + len(rings)

    def part(kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        s = series(kept)
        return s[0], s[1:b].sum(axis=0), s[b:].sum(axis=0)

    parts: dict[str, dict] = {"kind": {}, "hour": {}}
    kinds = sorted(events["kind"].dropna().unique())
    if len(kinds) > 1:
        parts["kind"] = {k: part((events["kind"] == k).to_numpy()) for k in kinds}
    exact = events["exact"].to_numpy() & events["time"].notna().to_numpy()
    quarter = np.where(exact, events["time"].dt.hour.fillna(0) // 6, -1)
    if exact.mean() > 0.5 and len(np.unique(quarter[exact])) > 1:
        parts["hour"] = {f"{6 * q:02d}–{6 * q + 6:02d}": part(quarter == q) for q in range(4)}
    pool = None
    if chosen_from is not None:
        pool = _pool(chosen_from, exposure, own, at[~events["later"].to_numpy()])
    index = ["treated", *names, *(f"control {k}" for k in range(len(others)))]
    counts = pd.DataFrame(table, index=index, columns=[str(p) for _, p in order])
    notes = (Note("governance.control_cut", n=cut),) if cut else ()
    return _Series(table[0], table[1:b], table[b:], later, names, counts, pool, parts, notes)


def _pool(chosen_from: Any, exposure: Any, own: Any, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Counts before and exposures of all areas that could have been named, and the treated area's exposure."""
    shapes = _shapes(chosen_from, "chosen_from")
    if exposure is None:
        people = np.ones(len(shapes))
    else:
        if isinstance(exposure, str) and exposure not in chosen_from:
            meant = did_you_mean(exposure, map(str, chosen_from))
            raise InputError(Note("governance.no_area_column", found=exposure, meant=meant))
        column = exposure if isinstance(exposure, str) else "exposure"
        given = chosen_from[exposure] if isinstance(exposure, str) else exposure
        people = as_numbers(given, column, missing=False)
    which = shapely.STRtree(at).query(shapes, predicate="intersects")[0]
    inside = shapely.area(shapely.intersection(shapes, own)) / shapely.area(shapes)
    return np.bincount(which, minlength=len(shapes)).astype(float), people, float((inside * people).sum())
