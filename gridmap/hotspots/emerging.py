"""Which hotspots are new, which persist, which fade?

A space-time cube: Gi* for every cell and period, a Mann–Kendall trend over each cell's z-scores, and one of 17 words
(8 hot, 8 cold, none) a cell. The words and their rules stand in `emerging_patterns`.

What is compared with what, as in ArcGIS's defaults:

- a bin's neighbours are the cells next to it in the same period and in the `time_steps` periods before it, and the
  bin's own cell in these periods (nothing later: what comes after does not make a bin hot);
- mean and standard deviation are those of the whole cube;
- significance is corrected for all bins of the cube at once (Benjamini & Hochberg).

Source: Getis & Ord 1992; Ord & Getis 1995; Mann 1945; Kendall & Gibbons 1990; ArcGIS Pro, "How Emerging Hot Spot
Analysis works".
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy

from gridmap._compiled import njit
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import about_counts
from gridmap.hotspots.cell_vectors import cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import OF_UNKNOWN_LAW, counts_only
from gridmap.hotspots.neighbours import neighbour_weights
from gridmap.hotspots.nulls import TRUSTED_INCIDENTS, normal_fits
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p, correction_in_use, whole_number
from gridmap.messages import Note, did_you_mean
from gridmap.read.numbers import one_column

__all__ = ["DEFINITIONS", "PATTERNS", "EmergingResult", "emerging_hotspots", "mann_kendall", "pattern_labels"]

# --------------------------------------------------------------------------------------------------
# The 17 words of a cell's history: which bins were hot, which cold, and whether the trend is up or down.
#
# A cell gets the first word whose rule it meets, in this order; the cold half mirrors the hot one and comes after it
# (so a cell that was hot in 90 % of bins and cold in the final one is "historical hot").
#
# ==============  ==================================================================================================
# new             hot in the final bin and never before
# consecutive     one unbroken run of hot bins that reaches the end (≥ 2 bins), never hot before it, < 90 % of bins hot
# intensifying    ≥ 90 % of bins hot, the final one too, and a significant rise
# historical      ≥ 90 % of bins hot, but not the final one
# persistent      ≥ 90 % of bins hot, no significant trend
# diminishing     ≥ 90 % of bins hot, the final one too, and a significant fall
# sporadic        hot in the final bin, on and off before, < 90 % hot, never cold
# oscillating     hot in the final bin, cold at some time before, < 90 % hot
# ==============  ==================================================================================================
#
# In definition "esri-2.8" *sporadic* does not ask for a hot final bin, and *consecutive* has no least length (a run of
# one is *new*, which goes first, so this changes no label).
#
# Source: ArcGIS Pro, "How Emerging Hot Spot Analysis works", versions 3.x and 2.8.

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
        raise SettingError(
            Note("hotspots.no_definition", definition=definition, meant=did_you_mean(str(definition), DEFINITIONS))
        )
    state, trend = np.asarray(state), np.asarray(trend)
    if state.ndim != 2 or state.shape[1] < 2 or trend.shape != state.shape[:1]:
        raise InputError(Note("hotspots.bins_shape", shape=state.shape, shape2=trend.shape))
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


TRENDS = ("periods", "windows")
LEAST_PERIODS = 10  # what ArcGIS asks for; fewer get a note
REFUSED_BELOW = 4


@dataclass(frozen=True, repr=False)
class EmergingResult(HotspotResult):
    """Emerging hotspots, with the cube they were read from.

    Attributes
    ----------
    z_scores, q_values : DataFrame, cells × periods
        Gi* of each bin, and its p-value after correction.
    """

    z_scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    q_values: pd.DataFrame = field(default_factory=pd.DataFrame)


@hotspot_method(
    draws="labels",
    scale="emerging",
    amount="count",
    facts="emerging",
    null="shuffled",
    trusted_from=TRUSTED_INCIDENTS,
    columns=("count", "periods_hot", "periods_cold", "trend_z", "trend_p", "z_score", "p_value", "q_value", "label"),
)
def emerging_hotspots(
    counts_by_period,
    grid,
    *,
    definition: str = "esri-3",
    order: int = 1,
    distance_m: float | None = None,
    time_steps: int = 1,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
    trend_level: float = 0.05,
    trend_of: str = "periods",
) -> EmergingResult:
    """One of 17 words for each cell's history: new, consecutive, intensifying, persistent …

    Parameters
    ----------
    counts_by_period : DataFrame indexed by (cell_id, period) with a column `count`
        As `count_by_cell(…, every=…)` gives it: every cell in every period, zeros included. A frame cells × periods
        is taken too.
    grid : Grid or adjacency
        As in `getis_ord`.
    definition : {"esri-3", "esri-2.8"}
        Which published set of rules.
    order, distance_m
        Neighbours in space, as in `getis_ord`.
    time_steps : int
        How many periods before its own a bin's neighbourhood reaches back; 0 for none.
    fdr, correction
        A bin is hot (or cold) when its q is at most `fdr`, corrected over all bins. `fdr=None` or `correction="none"`:
        when its p is at most 0.05.
    trend_level : float
        A trend counts as significant when Mann and Kendall's two-sided p is at most this.
    trend_of : {"periods", "windows"}
        Which scores the trend is of: each period's own Gi*, or, as Esri has it, those that reach `time_steps` back.
        The windows overlap, so neighbouring scores share incidents and the test calls some 14 % of stationary cells
        growing or fading where 5 % are promised; of the periods' own scores it calls 3 to 4 %.

    Returns
    -------
    EmergingResult
        `cells`: `label` ("new hot", "consecutive hot", "intensifying hot", "persistent hot", "diminishing hot",
        "sporadic hot", "oscillating hot", "historical hot", the same with "cold", "none"), `count` over all periods,
        `periods_hot, periods_cold`, `trend_z, trend_p` (Mann–Kendall), and of the final period `z_score, p_value,
        q_value`. `z_scores, q_values`: cells × periods.

    Raises
    ------
    InputError
        Fewer than 30 incidents, fewer than 4 periods, missing cells or periods, no neighbours.
    SettingError
        Unknown definition, options out of range.

    Examples
    --------
    Ten cells in a row over twelve weeks; the third to fifth become busy in the last week only:

    >>> import numpy as np, pandas as pd
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> cube = pd.DataFrame(np.random.default_rng(0).poisson(2, (10, 12)))
    >>> cube.iloc[2:5, 11] = 15
    >>> emerging_hotspots(cube, line).cells["label"].tolist()[:6]
    ['none', 'none', 'new hot', 'new hot', 'new hot', 'none']

    References
    ----------
    Ord & Getis (1995), Geographical Analysis 27, 286–306. Mann (1945), Econometrica 13, 245–259.
    """
    if not isinstance(definition, str) or definition not in DEFINITIONS:
        raise SettingError(
            Note("hotspots.no_definition", definition=definition, meant=did_you_mean(str(definition), DEFINITIONS))
        )
    level, how = correction_in_use(fdr, correction)
    steps = whole_number(time_steps, "time_steps", least=0)
    if trend_of not in TRENDS:
        meant = did_you_mean(str(trend_of), TRENDS)
        raise SettingError(Note("hotspots.no_choice", name="trend_of", value=trend_of, meant=meant))
    if isinstance(trend_level, bool) or not isinstance(trend_level, int | float | np.number) or not 0 < trend_level < 1:
        raise SettingError(Note("hotspots.trend_level_share", trend_level=trend_level))
    if about_counts(counts_by_period).kind in OF_UNKNOWN_LAW:
        counts_only(counts_by_period, "emerging_hotspots")
    cube, index, periods = _cube(counts_by_period, grid)
    n, bins = cube.shape
    require_incidents(cube.sum(axis=1), variation=False)
    if np.ptp(cube) == 0:
        raise InputError(Note("hotspots.bins_alike", value=cube[0, 0]))
    if bins < REFUSED_BELOW:
        raise InputError(
            Note("hotspots.history_too_short", bins=bins, refused_below=REFUSED_BELOW, least_periods=LEAST_PERIODS)
        )
    weights = neighbour_weights(grid, order=order, distance_m=distance_m, n=n)
    z = _space_time_gi(cube, weights, steps)
    p = 2 * scipy.special.ndtr(-np.abs(z))
    q = adjust_p(p.ravel(), "fdr" if how == "none" else how).reshape(p.shape)
    significant = p <= 0.05 if how == "none" else q <= level
    state = np.where(significant, np.sign(np.nan_to_num(z)), 0).astype(np.int8)
    trend_z, trend_p = mann_kendall(z if trend_of == "windows" else _space_time_gi(cube, weights, 0))
    trend = np.where(trend_p <= trend_level, np.sign(trend_z), 0).astype(np.int8)
    notes = []
    if bins < LEAST_PERIODS:
        notes.append(Note("hotspots.history_short", bins=bins, least_periods=LEAST_PERIODS))
    expected = cube.mean() * (1 + np.median(np.diff(weights.indptr))) * (steps + 1)
    if expected < TRUSTED_INCIDENTS and (cube == np.floor(cube)).all():
        notes.append(Note("hotspots.few_expected_bin", expected=expected, trusted_incidents=TRUSTED_INCIDENTS))
    columns = {
        "count": cube.sum(axis=1).astype(np.int64) if (cube == np.floor(cube)).all() else cube.sum(axis=1),
        "periods_hot": (state == 1).sum(axis=1),
        "periods_cold": (state == -1).sum(axis=1),
        "trend_z": trend_z,
        "trend_p": trend_p,
        "z_score": z[:, -1],
        "p_value": p[:, -1],
        "q_value": q[:, -1],
        "label": pattern_labels(state, trend, definition=definition),
    }
    params = {
        "definition": definition,
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        "time_steps": steps,
        "fdr": level,
        "correction": how,
        "trend_level": float(trend_level),
        "trend_of": trend_of,
        "periods": bins,
        "first": str(periods[0]),
        "last": str(periods[-1]),
        "expected_around": float(expected) if (cube == np.floor(cube)).all() else None,
        "normal_fits": _normal_fits(cube, float(1 + np.median(np.diff(weights.indptr))), steps),
    }
    frames: dict[str, Any] = {"z_scores": pd.DataFrame(z, index, periods), "q_values": pd.DataFrame(q, index, periods)}
    cells = named_cells(columns, index, grid)
    return EmergingResult(cells, "emerging_hotspots", params, notes=tuple(notes), **frames)


def _cube(counts, grid) -> tuple[np.ndarray, pd.Index, pd.Index]:
    """Counts as cells × periods, checked."""
    if isinstance(counts, pd.Series):
        counts = counts.to_frame("count")
    if not isinstance(counts, pd.DataFrame):
        raise InputError(Note("hotspots.cell_period_wanted", name=type(counts).__name__))
    if not len(counts):
        raise InputError(Note("hotspots.cell_period_wanted_index", value=list(counts.index.names)))
    if counts.index.nlevels == 2 and "count" in counts:
        one_column(counts, "count")
        if counts.index.has_duplicates:
            raise InputError(Note("hotspots.twice_in_counts", value=counts.index[counts.index.duplicated()][0]))
        cells = counts.index.get_level_values(0).unique()
        periods = counts.index.get_level_values(1).unique().sort_values()
        if len(counts) != len(cells) * len(periods):
            raise InputError(
                Note(
                    "hotspots.bins_missing",
                    value=len(cells) * len(periods) - len(counts),
                    n=len(cells),
                    n2=len(periods),
                )
            )
        values = counts.reindex(pd.MultiIndex.from_product([cells, periods]))["count"].to_numpy()
        wide = pd.DataFrame(values.reshape(len(cells), len(periods)), cells, periods)
    elif counts.index.nlevels == 1 and counts.size and list(counts.columns) != ["count"]:
        wide = counts
    else:
        raise InputError(Note("hotspots.cell_period_wanted_index", value=list(counts.index.names)))
    if isinstance(wide.columns, pd.PeriodIndex):
        whole = pd.period_range(wide.columns.min(), wide.columns.max(), freq=wide.columns.freq)
        if len(whole) != len(wide.columns):
            gap = whole.difference(wide.columns)[0]
            raise InputError(Note("hotspots.periods_missing", value=len(whole) - len(wide.columns), gap=gap))
    if not wide.columns.is_monotonic_increasing:
        raise InputError(Note("hotspots.periods_out_of_order"))
    cell_values(wide.iloc[:, -1], grid)  # checks the cells and their order
    try:
        cube = wide.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise InputError(Note("hotspots.counts_numbers")) from None
    if not np.isfinite(cube).all() or (cube < 0).any():
        raise InputError(Note("hotspots.counts_finite"))
    return cube, grid.cells.index if isinstance(grid, Grid) else wide.index, wide.columns


ALIKE_FROM = 0.1  # correlation of a cell's successive periods, from which on they do not count as shuffled


def _normal_fits(cube: np.ndarray, around: float, steps: int) -> bool:
    """Whether the normal p may be believed: counts about symmetric, and where a window holds several periods, a cell's
    periods not alike. Gi* of a window takes its bins as dealt anew one by one; where the same cells are busy in every
    period, its sums vary more than that.
    """
    if not normal_fits(cube.ravel(), around * (steps + 1)) or not normal_fits(cube.sum(axis=1), around):
        return False
    away = cube - cube.mean()
    spread = float((away**2).mean())
    alike = float((away[:, 1:] * away[:, :-1]).mean()) / spread if spread > 0 and cube.shape[1] > 1 else 0.0
    return steps == 0 or alike <= ALIKE_FROM


def _space_time_gi(cube: np.ndarray, weights, steps: int) -> np.ndarray:
    """Gi* of every bin against the whole cube; nan where it cannot be reported."""
    n, bins = cube.shape
    total = n * bins
    own = weights.copy()
    own.setdiag(1)
    near = own @ cube
    inside, squares = own.sum(axis=1), own.power(2).sum(axis=1)
    reach = np.minimum(np.arange(bins), steps) + 1  # periods in each bin's neighbourhood
    summed = np.cumsum(np.c_[np.zeros(n), near], axis=1)
    sums = summed[:, 1:] - summed[:, np.arange(1, bins + 1) - reach]
    weight, square = np.outer(inside, reach), np.outer(squares, reach)
    spread = cube.std() * np.sqrt(np.maximum(total * square - weight**2, 0) / (total - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (sums - weight * cube.mean()) / spread
    z[spread == 0] = np.nan
    return z


def mann_kendall(series) -> tuple[np.ndarray, np.ndarray]:
    """Mann and Kendall's test of a trend, row by row, corrected for ties.

    Parameters
    ----------
    series : array-like of float, shape (n, T)

    Returns
    -------
    z, p : ndarray of float, shape (n,)
        z > 0 for a rise; p is two-sided. A row without any change has z = 0, p = 1.

    Examples
    --------
    >>> z, p = mann_kendall([[1, 2, 3, 4, 5, 6], [3, 1, 3, 1, 3, 1]])
    >>> z.round(3).tolist(), p.round(3).tolist()
    ([2.63, -0.436], [0.009, 0.663])

    References
    ----------
    Mann (1945), Econometrica 13, 245–259. Kendall & Gibbons (1990), Rank Correlation Methods, 5th edition.
    """
    values = np.ascontiguousarray(np.atleast_2d(series), dtype=float)
    concordant, ties = _concordance(values)
    t = values.shape[1]
    variance = (t * (t - 1) * (2 * t + 5) - ties) / 18
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, (concordant - np.sign(concordant)) / np.sqrt(variance), 0.0)
    return z, 2 * scipy.special.ndtr(-np.abs(z))


@njit(nogil=True, cache=True)
def _concordance(values):  # pragma: no cover
    """Rises minus falls over all pairs of bins, and Σ t(t − 1)(2t + 5) over groups of ties."""
    n, bins = values.shape
    rises, ties = np.zeros(n), np.zeros(n)
    for i in range(n):
        row = values[i]
        for a in range(bins):
            equal_before, equal = 0, 1
            for b in range(a):
                equal_before += row[b] == row[a]
            for b in range(a + 1, bins):
                rises[i] += (row[b] > row[a]) - (row[b] < row[a])
                equal += row[b] == row[a]
            if equal_before == 0 and equal > 1:  # the first of its group counts it
                ties[i] += equal * (equal - 1) * (2 * equal + 5)
    return rises, ties
