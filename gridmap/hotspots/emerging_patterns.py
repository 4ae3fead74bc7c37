"""The 17 words of a cell's history: which bins were hot, which cold, and whether the trend is up or down.

A cell gets the first word whose rule it meets, in this order; the cold half mirrors the hot one and comes after it
(so a cell that was hot in 90 % of bins and cold in the final one is "historical hot").

==============  ==================================================================================================
new             hot in the final bin and never before
consecutive     one unbroken run of hot bins that reaches the end (≥ 2 bins), never hot before it, < 90 % of bins hot
intensifying    ≥ 90 % of bins hot, the final one too, and a significant rise
historical      ≥ 90 % of bins hot, but not the final one
persistent      ≥ 90 % of bins hot, no significant trend
diminishing     ≥ 90 % of bins hot, the final one too, and a significant fall
sporadic        hot in the final bin, on and off before, < 90 % hot, never cold
oscillating     hot in the final bin, cold at some time before, < 90 % hot
==============  ==================================================================================================

In definition "esri-2.8" *sporadic* does not ask for a hot final bin, and *consecutive* has no least length (a run of
one is *new*, which goes first, so this changes no label).

Source: ArcGIS Pro, "How Emerging Hot Spot Analysis works", versions 3.x and 2.8.
"""

import numpy as np

from gridmap.errors import InputError, SettingError
from gridmap.messages import did_you_mean

__all__ = ["DEFINITIONS", "PATTERNS", "pattern_labels"]

DEFINITIONS = ("esri-3", "esri-2.8")
PATTERNS = (
    "new",
    "consecutive",
    "intensifying",
    "historical",
    "persistent",
    "diminishing",
    "sporadic",
    "oscillating",
)


def pattern_labels(state, trend, *, definition: str = "esri-3") -> np.ndarray:
    """The pattern of each cell.

    Parameters
    ----------
    state : array-like of int, shape (cells, bins)
        1 where a bin is significantly hot, −1 where cold, 0 elsewhere; bins in the order of time.
    trend : array-like of int, shape (cells,)
        1 for a significant rise of the z-scores, −1 for a significant fall, 0 for neither.
    definition : {"esri-3", "esri-2.8"}

    Returns
    -------
    ndarray of str, shape (cells,)
        "new hot" … "oscillating hot", "new cold" … "oscillating cold", or "none".

    Examples
    --------
    >>> pattern_labels([[0, 0, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0]], [0, 0, 0]).tolist()
    ['new hot', 'consecutive hot', 'none']
    >>> pattern_labels([[1, 0, 1, 0]], [0], definition="esri-2.8").tolist()
    ['sporadic hot']
    """
    if definition not in DEFINITIONS:
        raise SettingError(f"There is no definition {definition!r}. {did_you_mean(str(definition), DEFINITIONS)}")
    state, trend = np.asarray(state), np.asarray(trend)
    if state.ndim != 2 or state.shape[1] < 2 or trend.shape != state.shape[:1]:
        raise InputError(f"Bins (cells × 2 or more) and a trend a cell are wanted; found {state.shape}, {trend.shape}.")
    labels = np.full(len(state), "none", dtype=object)
    for side, word in ((1, "hot"), (-1, "cold")):
        found = _one_half(state == side, state == -side, trend * side, definition)
        labels = np.where((labels == "none") & (found != ""), found + f" {word}", labels)
    return labels


def _one_half(hot: np.ndarray, cold: np.ndarray, trend: np.ndarray, definition: str) -> np.ndarray:
    bins = hot.shape[1]
    number = hot.sum(axis=1)
    final = hot[:, -1]
    mostly = 10 * number >= 9 * bins  # whole numbers: 0.9 × 10 bins is 9 bins, not 9.000000001
    # The run that reaches the end: bins after the last one that is not hot.
    run = np.where(hot.all(axis=1), bins, np.argmax(~hot[:, ::-1], axis=1))
    ever_cold = cold.any(axis=1)
    fresh = final & (number == 1)
    rules = {
        "new": fresh,
        "consecutive": final & (run == number) & (run >= (2 if definition == "esri-3" else 1)) & ~mostly,
        "intensifying": mostly & final & (trend > 0),
        "historical": mostly & ~final,
        "persistent": mostly & (trend == 0),
        "diminishing": mostly & final & (trend < 0),
        "sporadic": (final if definition == "esri-3" else number > 0) & ~mostly & ~ever_cold,
        "oscillating": final & ~mostly & ever_cold,
    }
    return np.select([rules[name] for name in PATTERNS], PATTERNS, default="").astype(object)
