"""How good was a forecast of places? The field's own measures.

A forecast ranks cells; a patrol can hold only so much ground. So a forecast is judged by what fell into the best cells
up to a fixed share of the area: the **hit rate**, and the hit rate over the share of the area, the **PAI** (Chainey,
Tompson & Uhlig 2008). **PEI** is the PAI over the highest that any choice of the same area could have had (Hunt 2016),
and **PEI\\*** the same over the best choice of whole cells. **RRI** is what was forecast for the chosen ground over
what fell there (Wheeler & Steenbeek 2021): above 1 too much was promised. For forecasts of numbers there are the
Poisson log score, the continuous ranked probability score, and the randomised probability integral transform.

Forecasts made of counts have ties, and which of seventy equal cells are taken decides the score: hits of one such week
were 42, 57 or 76 by the order of the rows. `hits_in_area` therefore takes the mean over all orders of the tied cells,
exactly, and says how much of the chosen area was tied.

References
----------
Chainey, Tompson & Uhlig (2008), Security Journal 21, 4–28.
Hunt (2016), NIJ Real-Time Crime Forecasting Challenge; Joshi et al. (2021), Journal of Quantitative Criminology 37.
Wheeler & Steenbeek (2021), Journal of Quantitative Criminology 37, 445–480.
Wei & Held (2014), Test 23, 787–805 (CRPS of counts); Czado, Gneiting & Held (2009), Biometrics 65, 1254–1261 (PIT).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy import special

from gridmap.errors import InputError
from gridmap.messages import Note
from gridmap.read.numbers import as_numbers

__all__ = [
    "AreaHits",
    "area_curve",
    "block_bootstrap",
    "brier",
    "caught_at",
    "crps_poisson",
    "hit_rate",
    "hits_in_area",
    "log_score",
    "pai",
    "pei",
    "pit_counts",
    "pit_values",
    "placing_gain",
    "rri",
]


def hit_rate(hits: Any, incidents: Any) -> Any:
    """Share of the incidents that fell into the chosen ground; nan where there were none.

    Parameters
    ----------
    hits, incidents : number or array

    Returns
    -------
    float or ndarray, between 0 and 1

    Examples
    --------
    >>> hit_rate(22, 275)
    0.08
    """
    hits, incidents = as_numbers(hits, "hits"), as_numbers(incidents, "incidents")
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where(incidents > 0, hits / incidents, np.nan))


def pai(hits: Any, incidents: Any, area: Any, total_area: Any) -> Any:
    """Predictive accuracy index: the share of incidents caught over the share of the area that was chosen.

    Parameters
    ----------
    hits, incidents : number or array
        Incidents in the chosen ground, and in all.
    area, total_area : number or array
        Of the chosen ground and of the whole, in one unit.

    Returns
    -------
    float or ndarray
        1 is chance, 10 is ten times as many as chance; nan without incidents or area.

    Raises
    ------
    InputError
        For more hits than incidents, or more ground than there is.

    Examples
    --------
    >>> round(pai(22, 275, 7085378.693659, 4117807523.304117), 4)  # NIJ 2017, one month of vehicle theft
    46.4936

    References
    ----------
    Chainey, Tompson & Uhlig (2008), Security Journal 21, 4–28.
    """
    hits, incidents = as_numbers(hits, "hits"), as_numbers(incidents, "incidents")
    area, total_area = as_numbers(area, "area"), as_numbers(total_area, "total_area")
    if (hits > incidents * (1 + 1e-12)).any() or (area > total_area * (1 + 1e-9)).any():
        raise InputError(Note("forecasts.more_than_all"))
    if min(hits.min(initial=0), area.min(initial=0)) < 0:
        raise InputError(Note("forecasts.negative_amounts"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where((incidents > 0) & (area > 0), hits / incidents * total_area / area, np.nan))


def pei(hits: Any, best_hits: Any) -> Any:
    """Prediction efficiency index: hits over the most that any choice of the same area could have had.

    Parameters
    ----------
    hits, best_hits : number or array

    Returns
    -------
    float or ndarray, between 0 and 1; nan where nothing could be had

    Examples
    --------
    >>> round(pei(9, 13), 8)
    0.69230769
    """
    hits, best_hits = as_numbers(hits, "hits"), as_numbers(best_hits, "best_hits")
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where(best_hits > 0, hits / best_hits, np.nan))


def rri(hits: Any, predicted: Any) -> Any:
    """Recapture rate index: incidents forecast for the chosen ground over those that fell there.

    Parameters
    ----------
    hits, predicted : number or array
        Incidents seen, and incidents forecast, in the same ground.

    Returns
    -------
    float or ndarray
        1 is right, above 1 too much was promised; nan where nothing fell.

    Examples
    --------
    >>> round(rri(6, 8), 4)
    1.3333
    """
    hits, predicted = as_numbers(hits, "hits"), as_numbers(predicted, "predicted")
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.where(hits > 0, predicted / hits, np.nan))


@dataclass(frozen=True)
class AreaHits:
    """What the best cells of a forecast caught, up to a given area.

    Attributes
    ----------
    hits : float
        Incidents in the chosen cells: the mean over all orders of equally ranked cells.
    least, most : float
        With the tied cells taken against the forecast, and for it.
    area : float
        Of the chosen cells; at most what was allowed.
    cells : int
    tied : int
        How many of the chosen cells share their rank with a cell that was left out.
    best_hits : float
        The most that as many cells could have caught.
    predicted : float
        Incidents forecast for the chosen cells.
    """

    hits: float
    least: float
    most: float
    area: float
    cells: int
    tied: int
    best_hits: float
    predicted: float


def hits_in_area(expected: Any, observed: Any, area: Any, limit: float) -> AreaHits:
    """What the best cells of a forecast caught, taking cells in its order as long as they fit into `limit`.

    Parameters
    ----------
    expected : array-like, shape (cells,)
        The forecast; the highest are taken first.
    observed : array-like of int, same shape
        What fell into each cell.
    area : array-like, same shape
    limit : float
        The most area that may be chosen, in the unit of `area`.

    Examples
    --------
    >>> found = hits_in_area([3, 1, 1, 0], [5, 2, 0, 1], [1, 1, 1, 1], 2)
    >>> found.hits, found.least, found.most, found.tied
    (6.0, 5.0, 7.0, 1)
    """
    expected, observed, area = (np.asarray(v, float) for v in (expected, observed, area))
    if not expected.shape == observed.shape == area.shape or expected.ndim != 1:
        raise InputError(Note("forecasts.shapes_differ", found=[expected.shape, observed.shape, area.shape]))
    expected = np.where(np.isfinite(expected), expected, -np.inf)
    order = np.lexsort((area, -expected))  # cells of one rank: the small ones first, so that as many as can be fit
    taken = int(np.searchsorted(area[order].cumsum(), limit * (1 + 1e-9), side="right"))
    chosen = order[:taken]
    if taken == 0:
        return AreaHits(0.0, 0.0, 0.0, 0.0, 0, 0, 0.0, 0.0)
    last = expected[order[taken - 1]]
    level = np.flatnonzero(expected == last)
    sure = chosen[expected[chosen] > last]
    of_level = taken - len(sure)
    there = np.sort(observed[level])
    base = observed[sure].sum()
    return AreaHits(
        hits=float(base + there.mean() * of_level),
        least=float(base + there[:of_level].sum()),
        most=float(base + there[-of_level:].sum()),
        area=float(area[chosen].sum()),
        cells=taken,
        tied=of_level if of_level < len(level) else 0,
        best_hits=float(np.sort(observed)[::-1][:taken].sum()),
        predicted=float(np.maximum(expected[chosen], 0).sum()),
    )


def area_curve(expected: Any, observed: Any, area: Any) -> pd.DataFrame:
    """The share of incidents caught against the share of area, cell by cell, and the area under that curve.

    Returns
    -------
    DataFrame
        `area_share, hit_rate`, one row a cell in the order of the forecast, beginning at 0, 0; cells of equal rank are
        taken together, as a straight line. `.attrs["area_under_curve"]`: 0.5 is chance.

    Examples
    --------
    >>> curve = area_curve([3, 2, 1], [6, 3, 0], [1, 1, 1])
    >>> curve["hit_rate"].round(3).tolist(), round(curve.attrs["area_under_curve"], 3)
    ([0.0, 0.667, 1.0, 1.0], 0.722)
    """
    share, caught = _curve(expected, observed, area)
    curve = pd.DataFrame({"area_share": share, "hit_rate": caught})
    curve.attrs["area_under_curve"] = float(np.trapezoid(caught, share))
    return curve


def _curve(expected: Any, observed: Any, area: Any) -> tuple[np.ndarray, np.ndarray]:
    """Shares of area and of incidents, beginning at 0, 0; cells of equal rank together."""
    expected, observed, area = (np.asarray(v, float) for v in (expected, observed, area))
    order = np.argsort(-expected, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(expected[order]) != 0, True][: len(order)])
    share, caught = area[order].cumsum()[last] / area.sum(), observed[order].cumsum()[last]
    return np.r_[0.0, share], np.r_[0.0, caught / max(observed.sum(), 1e-300)]


def log_score(expected: Any, observed: Any, *, floor: float = 0.0) -> np.ndarray:
    """Minus the log likelihood of each count under a Poisson forecast; the lower, the better.

    Parameters
    ----------
    expected, observed : array-like
    floor : float
        Forecasts are raised to this: where 0 is forecast and something happens, the score is infinite, and a raw count
        forecasts 0 for most cells. Say the floor with the score.

    Examples
    --------
    >>> log_score([0.2, 3.5], [1, 6]).round(4).tolist()
    [1.8094, 2.5627]
    """
    expected = np.maximum(np.asarray(expected, float), floor)
    observed = np.asarray(observed, float)
    return expected - special.xlogy(observed, expected) + special.gammaln(observed + 1)


def crps_poisson(expected: Any, observed: Any) -> np.ndarray:
    """Continuous ranked probability score of a Poisson forecast, in incidents; the lower, the better.

    Examples
    --------
    >>> crps_poisson([0.2, 3.5], [1, 6]).round(6).tolist()
    [0.670628, 1.677154]

    References
    ----------
    Wei & Held (2014), Test 23, 787–805.
    """
    lam, y = np.asarray(expected, float), np.asarray(observed, float)
    mean_difference = 2 * lam * (special.ive(0, 2 * lam) + special.ive(1, 2 * lam))
    below, at = scipy.stats.poisson.cdf(y, lam), scipy.stats.poisson.cdf(y - 1, lam)
    return y * (2 * below - 1) - lam * (2 * at - 1) - mean_difference / 2


def brier(expected: Any, observed: Any) -> np.ndarray:
    """Squared difference between the chance of at least one incident and whether there was one.

    Examples
    --------
    >>> brier([0.5], [2]).round(4).tolist()
    [0.3679]
    """
    at_least_one = -np.expm1(-np.asarray(expected, float))
    return (at_least_one - (np.asarray(observed) > 0)) ** 2


def pit_values(expected: Any, observed: Any, *, random_state: Any = None) -> np.ndarray:
    """Randomised probability integral transform of counts: evenly spread over 0 to 1 where the forecast is right.

    References
    ----------
    Czado, Gneiting & Held (2009), Biometrics 65, 1254–1261.
    """
    rng = np.random.default_rng(random_state)
    lam, y = np.asarray(expected, float), np.asarray(observed, float)
    low, high = scipy.stats.poisson.cdf(y - 1, lam), scipy.stats.poisson.cdf(y, lam)
    return low + rng.random(np.shape(lam)) * (high - low)


def caught_at(expected: Any, observed: Any, area: Any, shares: Any) -> np.ndarray:
    """The share of incidents caught at given shares of the area, by the area-to-hit curve; 0 without incidents.

    Examples
    --------
    >>> caught_at([3, 2, 1], [6, 3, 0], [1, 1, 1], [0, 1 / 3, 1]).round(3).tolist()
    [0.0, 0.667, 1.0]
    """
    return np.interp(shares, *_curve(expected, observed, area))


def pit_counts(expected: Any, observed: Any, bins: int = 10) -> np.ndarray:
    """The same without chance: how many of the counts fall into each of the bins, each count spread over its range.

    Examples
    --------
    >>> pit_counts([0.7], [0], bins=2).round(3).tolist()  # P(0) is just below a half
    [1.0, 0.0]

    References
    ----------
    Czado, Gneiting & Held (2009), Biometrics 65, 1254–1261.
    """
    lam, y = np.asarray(expected, float), np.asarray(observed, float)
    low, high = scipy.stats.poisson.cdf(y - 1, lam), scipy.stats.poisson.cdf(y, lam)
    edges = np.linspace(0, 1, bins + 1)
    reached = np.clip((edges[:, None] - low) / np.maximum(high - low, 1e-12), 0, 1)
    return np.diff(reached.sum(axis=1))


def placing_gain(expected: Any, observed: Any, area: Any, *, even: float = 0.05) -> float:
    """The mean log of how many times likelier than evenly a forecast placed each incident; nan without incidents.

    Parameters
    ----------
    expected, observed, area : array-like, shape (cells,)
    even : float
        This share of every forecast is spread evenly, so that a cell of which 0 was expected costs much and not all.

    Examples
    --------
    >>> placing_gain([1, 1], [3, 5], [1, 1]), round(placing_gain([3, 1], [6, 2], [1, 1]), 3)
    (0.0, 0.13)
    """
    expected, observed, area = (np.asarray(v, float) for v in (expected, observed, area))
    if not observed.sum():
        return float("nan")
    ground = area / area.sum()
    share = expected / expected.sum() if expected.sum() > 0 else ground
    there = observed > 0
    gain = np.log((1 - even) * share[there] / ground[there] + even)
    return float(observed[there] @ gain / observed.sum())


def block_bootstrap(
    values: Any, *, block: int | None = None, draws: int = 2_000, confidence: float = 0.95, random_state: Any = 0
) -> tuple[float, float, float]:
    """Mean of a series with an interval that knows that neighbouring periods are alike.

    Blocks of consecutive periods (circular, Politis & Romano 1992) are drawn with replacement.

    Parameters
    ----------
    values : array-like, shape (periods,)
        nan is left out.
    block : int, optional
        Length of a block; one and a half times the cube root of the number of periods, rounded up, when not given.

    Returns
    -------
    mean, low, high : float
        nan for the interval of fewer than four periods.

    Examples
    --------
    >>> mean, low, high = block_bootstrap([1.0, 2.0, 4.0, 3.0, 5.0, 2.0, 1.0])
    >>> round(mean, 3), low < mean < high
    (2.571, True)
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    n = len(values)
    if n == 0:
        return (np.nan,) * 3
    if n < 4:
        return float(values.mean()), np.nan, np.nan
    length = int(np.ceil(1.5 * n ** (1 / 3))) if block is None else min(max(int(block), 1), n)
    rng = np.random.default_rng(random_state)
    starts = rng.integers(0, n, (draws, -(-n // length)))
    rows = (starts[:, :, None] + np.arange(length)) % n
    means = values[rows.reshape(draws, -1)[:, :n]].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(values.mean()), float(low), float(high)


def _plain(value: np.ndarray) -> Any:
    return float(value) if np.ndim(value) == 0 else value
