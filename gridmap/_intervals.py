"""Intervals of counts: of a mean, of a ratio of two rates, of the count to come if nothing changes; how much more than
counting error periods vary, and whether the fullest hours or days hold more than chance."""

from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

__all__ = [
    "LEAST_PERIODS",
    "fullest_window",
    "no_change_limits",
    "poisson_interval",
    "poisson_mean",
    "prediction_interval",
    "ratio_interval",
    "share_interval",
    "variation_of_periods",
    "wilson_interval",
]

#: Fewer periods tell too little of how much they vary.
LEAST_PERIODS = 8


def poisson_interval(counts: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Exact (Garwood) interval of each Poisson mean.

    Parameters
    ----------
    counts : array of numbers, 0 or more
    confidence : float
        Between 0 and 1.

    Returns
    -------
    (array, array)
        Lower and upper ends, in the unit of the counts; the lower end of a count of 0 is 0.

    Examples
    --------
    >>> [v.round(3).tolist() for v in poisson_interval([0, 10])]
    [[0.0, 4.795], [3.689, 18.39]]

    References
    ----------
    Garwood (1936), Biometrika 28, 437–442.
    """
    counts = np.asarray(counts, float)
    tail = (1 - confidence) / 2
    low = np.where(counts > 0, poisson_mean(np.where(counts > 0, counts, 1), tail), 0.0)
    return low, poisson_mean(counts + 1, 1 - tail)


def poisson_mean(at_least: ArrayLike, chance: ArrayLike) -> np.ndarray:
    """The mean at which a Poisson count is `at_least` or more with this chance: half a quantile of chi-square.

    Examples
    --------
    >>> float(poisson_mean(1, 0.5).round(4))
    0.6931
    """
    return scipy.special.gammaincinv(at_least, chance)


def fullest_window(
    counts: ArrayLike, length: int = 1, *, exposure: ArrayLike | None = None
) -> tuple[int, float, float]:
    """The window of a cycle (hours of a day, days of a week) that holds the most, and whether that is more than chance.

    Parameters
    ----------
    counts : array of numbers, 0 or more
        What was counted in each part of the cycle; fractions are rounded for the test.
    length : int
        How many parts next to each other make a window.
    exposure : array, optional
        How often each part occurred (Fridays in the span, say); all alike where it is left out.

    Returns
    -------
    (int, float, float)
        Where the window begins (of equal ones, the one whose first part holds the most); its share; and a p-value that
        is never too small: the binomial upper tail times the number of windows.

    Examples
    --------
    >>> start, share, p = fullest_window([2] * 20 + [9] * 4, 3)
    >>> start, round(share, 3), p < 0.001
    (20, 0.355, True)
    >>> fullest_window([4, 5, 3, 4, 4, 6, 4])[2]
    1.0
    """
    counts = np.asarray(counts, float)
    weights = np.ones(len(counts)) if exposure is None else np.asarray(exposure, float)
    held, chance = (np.sum([np.roll(v, -k) for k in range(length)], axis=0) for v in (counts, weights / weights.sum()))
    start = int((held + 1e-6 * counts).argmax())
    n, k = round(counts.sum()), np.round(held)
    tails = np.where(
        k > 0, scipy.special.betainc(np.maximum(k, 1), np.maximum(n - k, 0) + 1, np.minimum(chance, 1.0)), 1.0
    )
    return start, float(held[start] / counts.sum()), min(1.0, float(tails[start]) * len(counts))


def no_change_limits(counts: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """The least and the most that may come again after each count, if nothing has changed.

    Given the sum of two Poisson counts of one mean, the first is binomial with a half: both tails are above
    (1 − confidence) / 2 for the counts between.

    Examples
    --------
    >>> low, high = no_change_limits([0, 10, 100])
    >>> low.tolist(), high.tolist()
    ([0.0, 3.0, 74.0], [5.0, 22.0, 130.0])
    """
    counts, tail = np.asarray(counts, float), (1 - confidence) / 2
    low, high = np.empty(len(counts)), np.empty(len(counts))
    for i, x in enumerate(counts):
        y = np.arange(int(x + 8 * np.sqrt(x + 1) + 12))
        fine = (scipy.stats.binom.cdf(x, x + y, 0.5) > tail) & (scipy.stats.binom.sf(x - 1, x + y, 0.5) > tail)
        low[i], high[i] = y[fine][0], y[fine][-1]
    return low, high


def share_interval(hits: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> tuple[Any, Any]:
    """Exact interval of a share (Clopper and Pearson).

    Parameters
    ----------
    hits, of : number or array of counts
    confidence : float

    Returns
    -------
    (low, high), as `hits`
        0 and 1 of nothing.

    Examples
    --------
    >>> [round(float(v), 3) for v in share_interval(3, 10)]
    [0.067, 0.652]
    """
    hits, of = np.asarray(hits, float), np.asarray(of, float)
    tail = (1 - confidence) / 2
    low = np.where(hits > 0, scipy.special.betaincinv(np.maximum(hits, 1), of - hits + 1, tail), 0.0)
    high = np.where(hits < of, scipy.special.betaincinv(hits + 1, np.maximum(of - hits, 1), 1 - tail), 1.0)
    return (low, high) if low.ndim else (float(low), float(high))


def wilson_interval(hits: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share: shorter than the exact one, right on the average; for many units side by side.

    Parameters
    ----------
    hits, of : array of counts
    confidence : float

    Returns
    -------
    (low, high) : arrays
        nan of nothing.

    Examples
    --------
    >>> [v.round(3).tolist() for v in wilson_interval([3, 0], [10, 10])]
    [[0.108, 0.0], [0.603, 0.278]]

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    """
    hits, of = np.asarray(hits, float), np.asarray(of, float)
    z = scipy.special.ndtri((1 + confidence) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = hits / of
        middle, half = p + z**2 / (2 * of), z * np.sqrt(p * (1 - p) / of + z**2 / (4 * of**2))
        return (middle - half) / (1 + z**2 / of), (middle + half) / (1 + z**2 / of)


def ratio_interval(
    after: np.ndarray, together: np.ndarray, share: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Exact interval of the rate after over the rate before, from Clopper and Pearson's interval of a share.

    Parameters
    ----------
    after, together : array of counts
        Of the later period, and of both.
    share : float or array
        The later period's share of the time of both: 0.5 where they are equally long.
    confidence : float

    Returns
    -------
    (array, array)
        1 is not a change; nan where nothing happened in either.

    Examples
    --------
    >>> [v.round(2).tolist() for v in ratio_interval(np.array([20, 0]), np.array([30, 0]), 0.5)]
    [[0.89, nan], [4.78, nan]]
    """
    low, high = share_interval(after, together, confidence)
    share = np.asarray(share, float)
    with np.errstate(divide="ignore"):
        low, high = (v / (1 - v) * (1 - share) / share for v in (low, high))
    return np.where(together > 0, low, np.nan), np.where(together > 0, high, np.nan)


def variation_of_periods(totals: ArrayLike, exposure: ArrayLike | None = None) -> float | None:
    """How much more totals vary from period to period than counting error makes them; None with fewer than eight.

    Weeks differ for more reasons than chance: weather, holidays, one busy offender. The squared difference of two
    successive totals over their sum is 1 on average where only counting error is at work, whatever the slow trend.

    Parameters
    ----------
    totals : array of numbers, in the order of time
    exposure : array of numbers, optional
        Length of each period, in any unit; all alike by default.

    Returns
    -------
    float or None
        1 where periods vary as counting error makes them; not below 1.

    Examples
    --------
    >>> round(variation_of_periods([100, 140, 90, 130, 95, 150, 85, 120, 100]), 1)
    8.5
    >>> variation_of_periods([100, 140, 90]) is None
    True

    Two months a year apart are two periods, however many empty ones lie between them:

    >>> variation_of_periods([2161, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1999]) is None
    True

    References
    ----------
    von Neumann (1941), Annals of Mathematical Statistics 12, 367–395. McCullagh & Nelder (1989), Generalized Linear
    Models, chapter 6.
    """
    y = np.asarray(totals, float)
    days = np.ones(len(y)) if exposure is None else np.asarray(exposure, float)
    # A period without a single incident among busy ones is a gap in the data, not a quiet time: exp(−14) is one in a
    # million.
    known = (y > 0) | (y.sum() <= 14 * max((y > 0).sum(), 1))
    if known.sum() < LEAST_PERIODS:
        return None
    share = days[1:] / (days[1:] + days[:-1])
    both = y[1:] + y[:-1]
    there = (both > 0) & known[1:] & known[:-1]
    if not there.any():
        return None
    squares = (y[1:] - both * share)[there] ** 2 / (both * share * (1 - share))[there]
    return float(max(1.0, squares.mean()))


def prediction_interval(expected: np.ndarray, dispersion: float, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The counts between which the next one lies: Poisson, or negative binomial where counts vary more than that."""
    tail = (1 - confidence) / 2
    if dispersion <= 1 + 1e-6:
        return scipy.stats.poisson.ppf(tail, expected), scipy.stats.poisson.ppf(1 - tail, expected)
    p = 1 / dispersion
    size = np.maximum(expected * p / (1 - p), 1e-9)
    return scipy.stats.nbinom.ppf(tail, size, p), scipy.stats.nbinom.ppf(1 - tail, size, p)
