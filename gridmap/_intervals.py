"""Intervals of counts: of a mean, of a ratio of two rates, and of the count to come if nothing changes."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

__all__ = ["no_change_limits", "poisson_interval", "ratio_interval"]


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
    low = np.where(counts > 0, stats.chi2.ppf(tail, 2 * np.where(counts > 0, counts, 1)) / 2, 0.0)
    return low, stats.chi2.ppf(1 - tail, 2 * counts + 2) / 2


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
        fine = (stats.binom.cdf(x, x + y, 0.5) > tail) & (stats.binom.sf(x - 1, x + y, 0.5) > tail)
        low[i], high[i] = y[fine][0], y[fine][-1]
    return low, high


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
        1 is no change; nan where nothing happened in either.

    Examples
    --------
    >>> [v.round(2).tolist() for v in ratio_interval(np.array([20, 0]), np.array([30, 0]), 0.5)]
    [[0.9, nan], [4.78, nan]]
    """
    tail = (1 - confidence) / 2
    low = np.where(after > 0, stats.beta.ppf(tail, np.maximum(after, 1), together - after + 1), 0.0)
    rest = np.maximum(together - after, 1)
    high = np.where(after < together, stats.beta.ppf(1 - tail, after + 1, rest), 1.0)
    with np.errstate(divide="ignore"):
        low, high = (v / (1 - v) * (1 - share) / share for v in (low, high))
    return np.where(together > 0, low, np.nan), np.where(together > 0, high, np.nan)
