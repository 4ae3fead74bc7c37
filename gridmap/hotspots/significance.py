"""How sure: correction for many tests, and the words on the map.

A map of 2,750 cells is 2,750 tests. At p ≤ 0.05 some 137 of them light up where nothing is going on.
So every method reports three things side by side: `p_value` (this cell alone), `q_value` (adjusted for
all cells tested) and `label`, made from q unless there is no correction.

- "fdr": Benjamini & Hochberg. Of the cells labelled "hot 95", at most 5 % are expected to be false. The default.
- "fdr_by": Benjamini & Yekutieli. The same promise under any dependence, at a loss of power.
- "holm", "bonferroni": the chance of even one false cell on the map is at most 5 %.
- "none": each cell for itself; labels from p.

Benjamini–Hochberg keeps its promise for tests that are independent or positively dependent, as
neighbouring cells are. (Caldas de Castro & Singer 2006 carried it to local statistics.)
"""

import numpy as np
import pandas as pd
import scipy

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean

__all__ = [
    "CORRECTIONS",
    "LEVELS",
    "adjust_p",
    "binomial_p",
    "coarseness_notes",
    "correction_in_use",
    "direction_column",
    "direction_labels",
    "found_at",
    "largest_found",
    "seed_from",
    "true_or_false",
    "whole_number",
]

CORRECTIONS = ("fdr", "fdr_by", "holm", "bonferroni", "none")

#: Largest q (or p) of each class of label.
LEVELS = {99: 0.01, 95: 0.05, 90: 0.10}


def adjust_p(p_values, method: str = "fdr") -> np.ndarray:
    """p-values adjusted for the number of tests.

    Parameters
    ----------
    p_values : array-like of float, shape (n,)
        Between 0 and 1; nan where nothing was tested, which does not count as a test.
    method : {"fdr", "fdr_by", "holm", "bonferroni", "none"}

    Returns
    -------
    ndarray of float, shape (n,)
        At least p, at most 1; nan where p is nan.

    Raises
    ------
    SettingError
        If the method is unknown.
    InputError
        If a p-value is outside 0..1.

    Examples
    --------
    >>> adjust_p([0.01, 0.02, 0.03, 0.9], "fdr").round(4).tolist()
    [0.04, 0.04, 0.04, 0.9]
    >>> adjust_p([0.01, 0.02, 0.03, 0.9], "holm").round(4).tolist()
    [0.04, 0.06, 0.06, 0.9]

    References
    ----------
    Benjamini & Hochberg (1995), J. R. Statist. Soc. B 57, 289–300. Holm (1979), Scand. J. Statist. 6, 65–70.
    """
    if method not in CORRECTIONS:
        raise SettingError(Note("hotspots.no_correction", method=method, meant=did_you_mean(method, CORRECTIONS)))
    try:
        p = np.asarray(p_values, float)
    except (TypeError, ValueError):
        raise InputError(Note("hotspots.p_numbers")) from None
    tested = ~np.isnan(p)
    if ((p[tested] < 0) | (p[tested] > 1)).any():
        raise InputError(Note("hotspots.p_between"))
    adjusted = np.full(p.shape, np.nan)
    m = int(tested.sum())
    if m == 0:
        return adjusted
    found = p[tested]
    if method == "none":
        adjusted[tested] = found
    elif method == "bonferroni":
        adjusted[tested] = np.minimum(found * m, 1)
    elif method == "holm":
        order = np.argsort(found, kind="stable")
        stepped = np.maximum.accumulate(np.minimum(found[order] * np.arange(m, 0, -1), 1))
        adjusted[np.flatnonzero(tested)[order]] = stepped
    else:
        times = float(m) if method == "fdr" else m * float((1.0 / np.arange(1, m + 1)).sum())
        adjusted[tested] = _stepped_up(found, times)
    return adjusted


def _stepped_up(p: np.ndarray, times: float) -> np.ndarray:
    """The least of times × p / rank over this and all larger p, at most 1. What p = 1 gets is known without sorting."""
    q = np.ones(len(p))
    below = np.flatnonzero(p < 1)
    order = below[np.argsort(p[below])]
    raised = p[order] * (times / np.arange(1, len(order) + 1))
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q


def found_at(p_values: np.ndarray, level: float, method: str) -> np.ndarray:
    """Where `adjust_p(p_values, method)` ≤ level: only the p-values that can be are looked at.

    Examples
    --------
    >>> found_at(np.array([0.01, 0.02, 0.2, 0.9, np.nan]), 0.05, "fdr").tolist()
    [True, True, False, False, False]
    """
    if method == "fdr":
        return p_values <= largest_found(p_values, level, int(np.count_nonzero(~np.isnan(p_values))))
    found = np.zeros(len(p_values), bool)
    maybe = np.flatnonzero(p_values <= level)  # no correction makes a p smaller
    rest = np.count_nonzero(~np.isnan(p_values)) - len(maybe)
    found[maybe] = adjust_p(np.r_[p_values[maybe], np.ones(rest)], method)[: len(maybe)] <= level
    return found


def largest_found(p_values: np.ndarray, level: float, tests: int) -> float:
    """Benjamini and Hochberg's bound: p-values up to it are found at this level among so many tests.

    The p-values of tests that cannot be found may be left out. From above, without sorting: each bound is level × (how
    many are not above the last one) / tests, until it stays.

    Examples
    --------
    >>> round(largest_found(np.array([0.01, 0.02, 0.2, 0.9]), 0.05, 4), 3)
    0.025
    """
    largest = level
    while True:
        before, largest = largest, level * int(np.count_nonzero(p_values <= largest)) / tests if tests else 0.0
        if largest == before:
            return largest


def correction_in_use(fdr: float | None, correction: str | None) -> tuple[float | None, str]:
    """The level and the correction that `fdr=` and `correction=` ask for together.

    `fdr=None`, `correction=None` and `correction="none"` all ask for no correction.
    """
    if correction is not None and correction not in CORRECTIONS:
        raise SettingError(
            Note("hotspots.no_correction_called", correction=correction, meant=did_you_mean(correction, CORRECTIONS))
        )
    if fdr is None:
        return None, "none"
    if isinstance(fdr, bool) or not isinstance(fdr, int | float | np.number) or not 0 < fdr < 1:
        raise SettingError(Note("hotspots.fdr_share", fdr=fdr))
    return float(fdr), "none" if correction is None else correction


def coarseness_notes(p_values: np.ndarray, significant: np.ndarray, permutations: int, correction: str) -> list[str]:
    """What to say where nothing is significant because so few permutations cannot show it."""
    least, tests = 2 / (permutations + 1), int((~np.isnan(p_values)).sum())
    if not permutations or correction == "none" or significant.any() or not (p_values <= least).any():
        return []
    return [
        f"With {permutations:,} permutations no p is below {least:.2g}, which may be too coarse for {tests:,} tests at "
        "once: try more of them."
    ]


def direction_labels(side, level, words: tuple[str, str] = ("hot", "cold")) -> np.ndarray:
    """Words such as "hot 95" from a direction and a level of significance.

    Parameters
    ----------
    side : array-like of float, shape (n,)
        Above 0 is the first word, below 0 the second; its size does not matter.
    level : array-like of float, shape (n,)
        The q (or p) that the label is made from: ≤ 0.01 → 99, ≤ 0.05 → 95, ≤ 0.10 → 90, else "none"; nan → "none".
    words : (str, str)

    Examples
    --------
    >>> direction_labels([2.9, -2.1, 0.3, 1.8], [0.004, 0.04, 0.8, 0.1]).tolist()
    ['hot 99', 'cold 95', 'none', 'hot 90']
    """
    names, code = _directions(side, level, words)
    return np.array(names, dtype=object)[code]


def direction_column(side, level, words: tuple[str, str] = ("hot", "cold")):
    """`direction_labels` as the column of a frame: text as pandas keeps it, made from seven words, not cell by cell.

    Examples
    --------
    >>> direction_column([2.9, -2.1], [0.004, 0.04]).tolist()
    ['hot 99', 'cold 95']
    """
    names, code = _directions(side, level, words)
    return pd.Index(names).array.take(code)


def _directions(side, level, words: tuple[str, str]) -> tuple[list[str], np.ndarray]:
    """The words, and which of them each is."""
    side, level = np.asarray(side, float), np.asarray(level, float)
    names, code = ["none"], np.zeros(side.shape, np.int8)
    for percent, largest in sorted(LEVELS.items()):  # the strictest last
        code[level <= largest] = len(names)
        names += [f"{words[0]} {percent}", f"{words[1]} {percent}"]
    code[(code > 0) & (side < 0)] += 1
    code[~((side > 0) | (side < 0))] = 0
    return names, code


def whole_number(value, name: str, *, least: int) -> int:
    """`value` as an int of at least `least`, or a SettingError that names the option."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise SettingError(Note("hotspots.whole_number_at_least", name=name, least=least, value=value))
    return int(value)


def true_or_false(value, name: str) -> bool:
    """`value` as a bool, or a SettingError that names the option."""
    if not isinstance(value, bool | np.bool_):
        raise SettingError(Note("hotspots.true_or_false", name=name, value=value))
    return bool(value)


def seed_from(random_state) -> int:
    """One 63-bit seed drawn from what `np.random.default_rng` takes."""
    try:
        return int(np.random.default_rng(random_state).integers(2**63 - 1))
    except (TypeError, ValueError) as problem:
        raise SettingError(Note("hotspots.random_state_what", random_state=random_state)) from problem


def binomial_p(successes, trials, share) -> np.ndarray:
    """Exact two-sided binomial p-values: the chance of all outcomes that are not likelier than the one observed.

    Parameters
    ----------
    successes, trials : array-like of whole numbers, shape (n,)
    share : float or array-like, shape (n,)
        Chance of success, above 0 and below 1.

    Returns
    -------
    ndarray of float, shape (n,); 1 where there are no trials

    Examples
    --------
    >>> binomial_p([5, 9, 0], [7, 10, 0], 0.5).round(4).tolist()
    [0.4531, 0.0215, 1.0]
    """
    k, n, share = np.broadcast_arrays(np.asarray(successes, float), np.asarray(trials, float), np.asarray(share, float))
    # Upper side only: a result below the mean is the mirrored one above it.
    mirrored = k < n * share
    k, share = np.where(mirrored, n - k, k), np.where(mirrored, 1 - share, share)
    upper = _binomial("sf", k - 1, n, share)
    # Largest j below the mode with pmf(j) ≤ pmf(k), by bisection: the pmf rises up to the mode.
    observed = _binomial("pmf", k, n, share) * (1 + 1e-7)  # as R does, so that rounding breaks no tie
    low, high = np.full(n.shape, -1.0), np.ceil(n * share) - 1
    high = np.minimum(high, k - 1)
    for _ in range(int(np.ceil(np.log2(n.max(initial=1) + 2))) + 1):
        middle = np.ceil((low + high) / 2)
        fits = _binomial("pmf", middle, n, share) <= observed
        low, high = np.where(fits, middle, low), np.where(fits, high, np.maximum(middle - 1, low))
    p = upper + np.where(low >= 0, _binomial("cdf", low, n, share), 0.0)
    return np.where((n == 0) | (k == n * share), 1.0, np.minimum(p, 1.0))


#: Function of the binomial law → its values below 0 and above n.
_BESIDE = {"pmf": (0.0, 0.0), "cdf": (0.0, 1.0), "sf": (1.0, 0.0)}


def _binomial(what: str, k: np.ndarray, n: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`scipy.stats.binom`, without the half second that importing scipy.stats takes: the same compiled functions."""
    function = getattr(scipy.special._ufuncs, f"_binom_{what}", None)
    if function is None:  # a scipy that keeps them elsewhere
        return getattr(scipy.stats.binom, what)(k, n, share)
    inside = (k >= 0) & (k <= n)
    values = np.where(inside, function(np.where(inside, k, 0.0), n, share), np.where(k < 0, *_BESIDE[what]))
    return np.where((n >= 0) & (n == np.floor(n)) & (share >= 0) & (share <= 1), values, np.nan)
