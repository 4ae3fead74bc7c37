"""Where do more incidents happen than the people who live there explain?

Incidents lie where people are. So the question is not whether a map is uneven (every map is), but whether a place
holds more than its share. Let w be what is at risk in a cell (residents; land inside the territory where nobody has
counted residents) and W their sum. If N incidents fall on the territory, each with chance w / W on a cell, the number
in a cell and its neighbours is binomial with N trials and their joint share: no approximation, no permutations, no
seed. `hotspot_test` calls a cell hot when that number is larger than this null explains, by a test of all cells at
once.

Three claims, each with its null, from the weakest:

1. *a concentration*: more than if all land were alike (`concentrated`; where land is known);
2. *hot*: more than its share of what is at risk explains (`p_value, q_value, label`);
3. *hot among ordinary differences*: cells differ for many reasons that no census holds: a bus station, a school, a
   landlord. The strict tier lets every neighbourhood have a rate of its own, with a spread that is estimated from the
   map itself, the highest tenth of the counts taken only as "high" (censored), so that the hotspots that are looked
   for do not excuse themselves; it holds each against its wider surroundings, and asks whether one of its cells
   alone would bring as much (`q_strict, strict`).

Where what is at risk is a count of incidents itself (last year's), it is as uncertain as the counts tested. The test
is then Fisher's: of all incidents of both periods that fell on a neighbourhood, how many are of this one
(hypergeometric).

Source: Fisher 1934; Clopper & Pearson 1934; Turnbull et al. 1990 and Besag & Newell 1991 for the binomial test of
neighbourhoods; Benjamini & Hochberg 1995; Hilbe 2011 for negative binomial regression with a free variance function.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy
from scipy import sparse

from gridmap._compiled import njit
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import about_counts
from gridmap.grids.population import RESIDENTS, residents_column, total_by_cell
from gridmap.hotspots.cell_vectors import as_counts, cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import counts_only
from gridmap.hotspots.neighbours import neighbour_weights
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import (
    adjust_p,
    correction_in_use,
    direction_column,
    found_at,
    largest_found,
    true_or_false,
)
from gridmap.messages import Note, did_you_mean

__all__ = [
    "AtRisk",
    "Law",
    "Variation",
    "Weights",
    "at_risk_by_cell",
    "binomial_tails",
    "compound_tails",
    "hotspot_test",
    "incident_weights",
    "ordinary_differences",
    "share_interval",
]

STRICT_UP_TO = 0.6  # spread of neighbourhoods' rates up to which the strict tier was measured to hold


@hotspot_method(
    draws="labels",
    scale="hot_cold",
    amount="count",
    resampled=True,
    facts="hot",
    null="residents",
    strict_up_to=STRICT_UP_TO,
    at_risk="at_risk",
    columns=(
        "count",
        "expected",
        "ratio",
        "ratio_low",
        "ratio_high",
        "count_around",
        "expected_around",
        "ratio_around",
        "ratio_around_low",
        "ratio_around_high",
        "z_score",
        "p_value",
        "q_value",
        "label",
        "significant",
        "q_strict",
        "strict",
    ),
    optional=("concentrated", "p_exact", "q_exact"),
)
def hotspot_test(
    counts,
    grid,
    *,
    at_risk=None,
    order: int = 1,
    distance_m: float | None = None,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
    strict: bool = False,
    confidence: float = 0.95,
) -> HotspotResult:
    """Cells whose neighbourhood holds more incidents than its share of what is at risk explains, by an exact test.

    For cell i with neighbours, ::

        K_i = Σ count,  K_i ~ Binomial(N, Σ w / W)   (sums over the cell and its neighbours)

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, or Series
        Numbers of incidents, one a cell in the grid's order, zeros included. Or weighted sums, as
        `count_by_cell(weight=…)` gives them, with the numbers in the column `incidents`: then the null is that
        incidents follow what is at risk and that each brings the weight of any incident. No fractions, no rates.
    grid : Grid or adjacency
        A `Grid`, or a scipy sparse matrix of neighbours, of which only who is whose neighbour is used.
    at_risk : name, list of names, Series, array, counts, or "land", optional
        What incidents would follow if there were no hotspot. None: the residents, where the grid or the boundaries it
        divides have a column `persons`, `population`, `residents`, `常住人口` or `人口`; otherwise the land inside the
        territory; over a bare matrix all cells alike. A name is a column of `grid.cells` or of the boundaries (shared
        among the cells by area); several are added up (residents and workers). Numbers, one a cell, may be in any unit:
        addresses, metres of street, expected incidents. Counts of another period, as `count_by_cell` gives them (a
        frame or Series named `count`), are taken as counts, with their own uncertainty.
    order : int
        Neighbours are the cells within this many steps.
    distance_m : float, optional
        Neighbours are the cells whose centres lie within this distance. Replaces `order`.
    fdr : float or None
        The level of the columns `significant`, `concentrated` and `strict` (q ≤ fdr). None: p ≤ 0.05, uncorrected.
    correction : {"fdr", "fdr_by", "holm", "bonferroni", "none"} or None
        How `q_value` is made from `p_value`, over all cells.
    strict : bool
        Let `p_value, q_value, label` and `significant` be of the strict tier; the exact ones stand in `p_exact`,
        `q_exact`.
    confidence : float
        Of the intervals of the ratios.

    Returns
    -------
    HotspotResult
        `cells`: `count`, `expected` (its share of all incidents), `ratio` (count / expected) with its exact interval
        `ratio_low, ratio_high`; the same of the cell and its neighbours, which is what is tested: `count_around,
        expected_around, ratio_around, ratio_around_low, ratio_around_high`; `z_score` (its standardised excess, for
        ranks and drawing); `p_value` (two-sided: twice the smaller
        tail), `q_value`, `label` (hot 99, hot 95, hot 90, none, cold 90, cold 95, cold 99), `significant`;
        `q_strict, strict` (a hot cell that the strict tier finds too); `concentrated` (more than if all land were
        alike) where a Grid gives the land. nan where nothing around is at risk, or everything is.

        `params`: `at_risk` (what was used), `null`, and of the strict tier `extra_variation` (variance over mean of a
        typical neighbourhood, 1 = Poisson) and `rate_spread` (standard deviation of the logarithm of neighbourhoods'
        rates; 0 where counts differ as clumps do), both nan where no cell was hot, so that nothing was to be judged.
        Above a `rate_spread` of 0.6 the strict tier was measured not to hold: `q_strict` is nan then, nothing is
        `strict`, with strict=True nothing is labelled, and a note says so.

    Raises
    ------
    InputError
        Fewer than 30 incidents, all in one cell, values that are not whole numbers, cells missing or in another order,
        nothing at risk.
    SettingError
        A column that is not there; an option of a wrong type.

    Notes
    -----
    Measured in `docs/calibration.md`. The exact tier keeps its promise under its own null and only there: where cells
    differ for ordinary reasons, it finds these differences. The strict tier takes the larger p of a negative binomial
    and a Poisson–lognormal whose mean is proportional to what is at risk and whose variance is μ + μ² / κ, κ ∝ μ^a,
    0 ≤ a ≤ 1, all fitted by censored maximum likelihood, κ taken one standard error lower, and lower still where
    neighbouring cells differ alike. Where the cells three and four steps away hold more than is expected of them, so
    much more is expected of the neighbourhood: a wide region of high risk is not a hotspot. Nor is what one cell alone
    may bring, where cells differ for themselves: either no cell is likely to reach so far (a lognormal rate, its
    spread fitted to single cells), or the neighbourhood is found without the cell of its largest excess (twice the
    smaller p of the two). A rise that is as small as a neighbourhood is found, whatever its reason.

    Examples
    --------
    A row of ten cells with equal residents, the first three busy:

    >>> import numpy as np, pandas as pd
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> counts = pd.Series([20, 25, 20, 3, 2, 1, 2, 3, 2, 1], name="count")
    >>> hot = hotspot_test(counts, line)
    >>> hot.cells[["count", "expected", "count_around", "ratio_around", "label"]].round(2).head(4)
             count  expected  count_around  ratio_around   label
    cell_id
    0           20       7.9            45          2.85  hot 99
    1           25       7.9            65          2.74  hot 99
    2           20       7.9            48          2.03  hot 99
    3            3       7.9            25          1.05    none

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26, 404–413. Besag & Newell (1991), J. R. Statist. Soc. A 154, 143–155.
    """
    level, how = correction_in_use(fdr, correction)
    strict = true_or_false(strict, "strict")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence < 1:
        raise SettingError(Note("hotspots.confidence", found=confidence))
    count, index = cell_values(counts, grid)
    of, incidents = _what_is_summed(counts, count)
    require_incidents(incidents, variation=False)
    near = _neighbours(grid, order, distance_m, len(count))
    risk = at_risk_by_cell(at_risk, grid, index)
    total, n = count.sum(), incidents.sum()
    around, share = _around(near, count), np.clip(_around(near, risk.weight / risk.weight.sum()), 0.0, 1.0)
    share[share > 1 - 1e-12] = 1.0
    before = None if risk.counts is None else _around(near, risk.counts)
    n_around = around if of is None else _around(near, incidents)
    tested = (share > 0) & (share < 1) if before is None else (n_around + before > 0) & (share < 1)
    expected = total * risk.weight / risk.weight.sum()
    columns = {"count": as_counts(count), "expected": expected}
    interval = None if of is not None else share_interval(np.concatenate([count, around]), total, confidence)
    columns |= _ratios(count, expected, total, interval, slice(len(count)), "")
    columns |= {"count_around": as_counts(around), "expected_around": total * share}
    columns |= _ratios(around, columns["expected_around"], total, interval, slice(len(count), None), "_around")
    notes = _notes(count, around, share, risk, of)
    p = np.full(len(count), np.nan)
    likely = n * share
    if before is None:
        p[tested] = _binomial(around[tested], n, share[tested], of)
    else:
        earlier = 0.0 if risk.counts is None else risk.counts.sum()
        likely = n * (before + 0.5) / (earlier + 0.5)  # none before does not mean that none can come
        p[tested] = _fisher(around[tested], before[tested], n, earlier, of, n_around[tested])
    side = around - total * share
    cut = 0.05 if level is None else level
    q, judged = _adjusted(p, how)
    local = _Ring(near, incidents, n * risk.weight / risk.weight.sum())
    strictly = _strict(p, q, around, likely, side, how, n_around, of, local)
    hot = (judged <= cut) & (side > 0)
    columns |= {"z_score": _z_score(side, n, share, of), "p_value": p, "q_value": q}
    if strict:
        columns |= {"p_value": strictly.p, "q_value": strictly.q, "p_exact": p, "q_exact": q}
        judged = strictly.p if how == "none" else strictly.q
    columns |= {"label": direction_column(side, judged), "significant": judged <= cut}
    columns |= {"q_strict": strictly.q, "strict": hot & ((strictly.p if how == "none" else strictly.q) <= cut)}
    if not strictly.holds:
        notes = (*notes, Note("hotspots.strict_silent", spread=strictly.spread, limit=STRICT_UP_TO))
    if strict and columns["strict"].any():
        notes = (*notes, Note("hotspots.strict_smooth", n=int(columns["strict"].sum())))
    if isinstance(grid, Grid):
        columns["concentrated"] = hot if risk.null == "land" else _concentrated(near, around, n, grid, how, cut, of)
    params = {
        "at_risk": risk.name,
        "null": risk.null if not strict else f"{risk.null}_strict",
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        "fdr": level,
        "correction": how,
        "strict": strict,
        "confidence": confidence,
        "extra_variation": strictly.extra,
        "rate_spread": strictly.spread,
        "weighted": of is not None,
    }
    return HotspotResult(named_cells(columns, index, grid), "hotspot_test", params, notes=notes)


def _what_is_summed(counts, count: np.ndarray) -> "tuple[Weights | None, np.ndarray]":
    """The weights of incidents where sums of them are tested, and the numbers of incidents."""
    if about_counts(counts).kind != "weighted" or not isinstance(counts, pd.DataFrame) or "incidents" not in counts:
        counts_only(counts, "hotspot_test")
        return None, count
    incidents = counts["incidents"].to_numpy(float)
    if (count < 0).any() or not count.sum() > 0:
        raise InputError(Note("hotspots.weights_finite"))
    without = (count > 0) & ~(incidents > 0)
    if without.any():
        raise InputError(Note("hotspots.weight_without_incidents", n=int(without.sum())))
    return incident_weights(counts), incidents


KEPT = 5_000_000  # pairs of neighbours up to which they are kept with the grid: 60 MB


def _neighbours(grid, order: int, distance_m: float | None, n: int) -> sparse.csr_array:
    """Who is whose neighbour, 0/1, nothing on the diagonal."""
    if isinstance(grid, Grid) and distance_m is None and len(grid) == n:
        kept = grid.__dict__.get("_neighbours_of_order")  # who is whose neighbour does not change
        if kept is None or type(order) is not int or kept[0] != order:
            weights = grid.adjacency(order)
            ones = sparse.csr_array((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
            kept = (order, ones)
            if weights.nnz <= KEPT:
                grid.__dict__["_neighbours_of_order"] = kept
        if kept[1].nnz:
            return kept[1]
    weights = neighbour_weights(grid, order=order, distance_m=distance_m, n=n)
    if weights.diagonal().any():
        weights = weights - sparse.diags_array(weights.diagonal(), format="csr")
        weights.eliminate_zeros()
    return sparse.csr_array((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)


def _around(near: sparse.csr_array, values: np.ndarray) -> np.ndarray:
    """Sums over each cell and its neighbours."""
    return near @ values + values


# ----------------------------------------------------------------------------------------------------
# what is at risk


@dataclass(frozen=True)
class AtRisk:
    """What incidents would follow if there were no hotspot.

    Attributes
    ----------
    weight : ndarray of float, shape (n,)
        Above 0 somewhere.
    name : str
        What it is, for `params`: a column, "land", "cells", "counts" or "values".
    null : {"residents", "land", "cells", "earlier", "at_risk"}
        The null that a claim names: `null.<code>` of the catalogue.
    counts : ndarray or None
        The same as counts of incidents, where they are uncertain themselves.
    """

    weight: np.ndarray
    name: str
    null: str
    counts: np.ndarray | None = None


def at_risk_by_cell(at_risk, grid, index: pd.Index) -> AtRisk:
    """Numbers at risk in the order of the cells, from what `at_risk=` names.

    Parameters
    ----------
    at_risk
        As in `hotspot_test`.
    grid : Grid or adjacency
    index : Index
        The cells of the counts.
    """
    n = len(index)
    if at_risk is None:
        name = residents_column(grid) if isinstance(grid, Grid) else None
        at_risk = name if name is not None else "land" if isinstance(grid, Grid) else np.ones(n)
        if name is None and not isinstance(grid, Grid):
            return AtRisk(np.ones(n), "cells", "cells")
    if isinstance(at_risk, str | list | tuple) and not (len(at_risk) and not isinstance(at_risk[0], str)):
        return _named_at_risk([at_risk] if isinstance(at_risk, str) else list(at_risk), grid)
    counted = (isinstance(at_risk, pd.DataFrame) and "count" in at_risk) or getattr(at_risk, "name", None) == "count"
    column = "count" if counted else "at_risk"
    if isinstance(at_risk, pd.DataFrame) and not counted and len(at_risk.columns) == 1:
        at_risk = at_risk.iloc[:, 0]
    values, cells = cell_values(at_risk, grid, column=column, what="at_risk")
    if len(values) != n:
        raise InputError(Note("hotspots.at_risk_length", found=len(values), n=n))
    if isinstance(at_risk, pd.Series | pd.DataFrame) and not isinstance(grid, Grid) and not cells.equals(index):
        raise InputError(Note("hotspots.at_risk_other_cells"))
    _require_some(values)
    if counted and (values == np.floor(values)).all():
        return AtRisk(values, "counts", "earlier", values)
    name = str(at_risk.name) if isinstance(at_risk, pd.Series) and at_risk.name is not None else "values"
    return AtRisk(values, name, "residents" if name in RESIDENTS else "at_risk")


def _named_at_risk(names: list[str], grid) -> AtRisk:
    if not isinstance(grid, Grid):
        raise SettingError(Note("hotspots.at_risk_needs_grid", found=", ".join(names)))
    if names == ["land"] and "land" not in grid.cells:
        return AtRisk(_land(grid), "land", "land")
    total = np.zeros(len(grid))
    for name in names:
        values = total_by_cell(grid, name)
        if values is None or not np.isfinite(values).all():
            there = [grid.cells, *([] if grid.territory is None else [grid.territory])]
            numbers = dict.fromkeys(c for frame in there for c in frame.select_dtypes("number").columns)
            meant = did_you_mean(name, ["land", *numbers])
            code = "hotspots.at_risk_no_column" if values is None else "hotspots.at_risk_not_numbers"
            raise SettingError(Note(code, found=name, meant=meant))
        total = total + values.to_numpy(float)
    _require_some(total)
    null = "residents" if len(names) == 1 and names[0] in RESIDENTS else "at_risk"
    return AtRisk(total, " + ".join(names), null)


def _require_some(values: np.ndarray) -> None:
    if (values < 0).any():
        raise InputError(Note("hotspots.at_risk_negative", n=int((values < 0).sum())))
    if not values.sum() > 0:
        raise InputError(Note("hotspots.at_risk_nothing"))


def _land(grid: Grid) -> np.ndarray:
    """m² of each cell inside the territory."""
    cells = grid.cells
    inside = cells["share_inside"].to_numpy(float) if "share_inside" in cells else 1.0
    return np.asarray(cells["area_m2"].to_numpy(float) * inside)


# ----------------------------------------------------------------------------------------------------
# the exact tier


def binomial_tails(k, n: float, share) -> np.ndarray:
    """Exact two-sided p of binomial counts: twice the smaller tail, the count itself in both, at most 1.

    Parameters
    ----------
    k : array of whole numbers
    n : float
        Trials.
    share : array, above 0 and below 1

    Examples
    --------
    >>> binomial_tails(np.array([9.0, 0.0, 5.0]), 10, np.array([0.5, 0.5, 0.5])).round(4).tolist()
    [0.0215, 0.002, 1.0]
    """
    k, share = np.asarray(k, float), np.asarray(share, float)
    if len(share) > 1000 and len(np.unique(share[:: len(share) // 200])) > 150:
        return _doubled(k, n, share)  # hardly two alike
    codes = pd.factorize(share)[0]
    where, pairs = pd.factorize(codes * (int(k.max(initial=0)) + 1) + k.astype(np.int64))
    if len(pairs) > len(k) / 2:
        return _doubled(k, n, share)
    first = np.empty(len(pairs), np.int64)
    first[where[::-1]] = np.arange(len(k))[::-1]
    return _doubled(k[first], n, share[first])[where]  # cells of one size and count are many


SUMMED = 150  # counts up to which tails are summed term by term


def _doubled(k: np.ndarray, n: float, share: np.ndarray) -> np.ndarray:
    p = np.empty(k.shape)
    if len(k) < 1000 or k.ndim > 1:
        return _doubled_by_function(k, n, share)
    others = np.flatnonzero(_add_up(k, n, share, p, -np.inf, True))
    if len(others):
        p[others] = _doubled_by_function(k[others], n, share[others])
    return p


@njit(cache=True)
def _add_up(k, n, share, p, above, both):
    """Twice the smaller tail (of both, or the upper one) by adding up, each term from the one before it, P(K = 0)
    first. A small upper tail is added up upwards, so that it is as exact as it is small.

    Only counts more than `above` standard deviations over their mean are looked at. Says which are too large for sums.
    """
    left = np.zeros(len(k), np.bool_)
    for i in range(len(k)):
        mean = n * share[i]
        if k[i] <= mean + above * math.sqrt(mean * (1 - share[i])) and above > -np.inf:
            continue
        if k[i] > SUMMED or mean >= 2 * SUMMED or share[i] >= 0.5:
            left[i] = True
            continue
        term = math.exp(n * math.log1p(-share[i]))
        odds, total = share[i] / (1 - share[i]), term
        for j in range(1, int(k[i]) + 1):
            term *= odds * ((n - j + 1) / j)
            total += term
        lower, upper = min(total, 1.0), 1.0 - total + term
        if upper < 1e-3:
            j, total = int(k[i]), term
            while j < n and term > 1e-17 * total:
                j += 1
                term *= odds * ((n - j + 1) / j)
                total += term
            upper = total
        p[i] = min(1.0, 2 * (min(lower, upper) if both else upper))
    return left


def _doubled_by_function(k: np.ndarray, n: float, share: np.ndarray) -> np.ndarray:
    upper, lower = np.ones(k.shape), np.ones(k.shape)
    above = k > n * share
    upper[above] = scipy.special.betainc(k[above], n - k[above] + 1, share[above])
    below = (~above | (upper > 0.4)) & (k < n)  # near the middle either tail may be the smaller one
    lower[below] = scipy.special.betainc(n - k[below], k[below] + 1, 1 - share[below])
    middle = ~above & (lower > 0.4) & (k > 0)
    upper[middle] = scipy.special.betainc(k[middle], n - k[middle] + 1, share[middle])
    return np.minimum(1.0, 2 * np.minimum(upper, lower))


def _binomial(around: np.ndarray, n: float, share: np.ndarray, of: "Weights | None") -> np.ndarray:
    """Two-sided p of numbers of incidents, or of the sums of their weights, if each of n falls here with a chance."""
    if of is None:
        return binomial_tails(around, n, share)
    return _two_sided(compound_tails(around, Law("binomial", np.full(len(share), n), share), of))


def _two_sided(tails: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.minimum(1.0, 2 * np.minimum(*tails))


def _fisher(
    k: np.ndarray, before: np.ndarray, n: float, n_before: float, of: "Weights | None", n_around: np.ndarray
) -> np.ndarray:
    """Of k + before incidents here, k are of this period, n of n + n_before everywhere: twice the smaller tail."""
    if of is not None:  # the binomial law is a little wider than the hypergeometric one
        both = np.full(len(k), n / (n + n_before))
        return _two_sided(compound_tails(k, Law("binomial", n_around + before, both), of))
    both = k + before
    upper = scipy.stats.hypergeom.sf(k - 1, n + n_before, both, n)
    lower = scipy.stats.hypergeom.cdf(k, n + n_before, both, n)
    return np.minimum(1.0, 2 * np.minimum(upper, lower))


def _z_score(side: np.ndarray, n: float, share: np.ndarray, of: "Weights | None") -> np.ndarray:
    """How many standard deviations from what is expected; for ranks and for drawing, no p is made of it."""
    variance = n * share * (1 - share)
    if of is not None:
        variance = n * share * (of.square - share * of.mean**2)
    return np.divide(side, np.sqrt(variance), out=np.full(len(side), np.nan), where=variance > 0)


def _adjusted(p: np.ndarray, how: str) -> tuple[np.ndarray, np.ndarray]:
    """q, and what labels are made from."""
    q = adjust_p(p, "fdr" if how == "none" else how)
    return q, p if how == "none" else q


def _ratios(
    k: np.ndarray,
    expected: np.ndarray,
    total: float,
    interval: tuple[np.ndarray, np.ndarray] | None,
    where: slice,
    after: str,
) -> dict[str, np.ndarray]:
    """Observed over expected with its exact interval, by column; no interval for weighted sums."""
    over = np.divide(1.0, expected, out=np.full(len(k), np.nan), where=expected > 0)
    columns = {f"ratio{after}": k * over}
    if interval is None:
        nan = np.full(len(k), np.nan)
        return columns | {f"ratio{after}_low": nan, f"ratio{after}_high": nan}
    over *= total
    return columns | {f"ratio{after}_low": interval[0][where] * over, f"ratio{after}_high": interval[1][where] * over}


def share_interval(k, n: float, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Clopper and Pearson's exact interval of a share, of k among n.

    Examples
    --------
    >>> [v.round(4).tolist() for v in share_interval([0, 5], 10)]
    [[0.0, 0.1871], [0.3085, 0.8129]]
    """
    tail = (1 - confidence) / 2
    k = np.asarray(k, np.int64)
    if k.max() > 4 * len(k):
        different, where = np.unique(k, return_inverse=True)
    else:
        different = np.flatnonzero(np.bincount(k))
        place = np.zeros(k.max() + 1, np.int64)
        place[different] = np.arange(len(different))
        where = place[k]
    low = np.where(different > 0, scipy.special.betaincinv(np.maximum(different, 0.5), n - different + 1, tail), 0.0)
    rest = np.maximum(n - different, 0.5)
    high = np.where(different < n, scipy.special.betaincinv(different + 1, rest, 1 - tail), 1.0)
    return low[where], high[where]


NOT_MANY = 1.0  # standard deviations above the mean: a binomial passes them once in seven or more often


def _concentrated(
    near, around: np.ndarray, n: float, grid: Grid, how: str, cut: float, of: "Weights | None"
) -> np.ndarray:
    """More in the neighbourhood than if all land were alike."""
    land = _land(grid)
    share = np.clip(_around(near, land / land.sum()), 0.0, 1.0)
    p = np.where((share > 0) & (share < 1 - 1e-12), 1.0, np.nan)
    if of is None:
        share[np.isnan(p)] = 0.0  # looked at, and not found
        mean = n * share
        up = np.flatnonzero(_add_up(around, n, share, p, NOT_MANY if cut <= 0.2 else 0.0, False))
        p[up] = np.minimum(1.0, 2 * scipy.special.betainc(around[up], n - around[up] + 1, share[up]))
    else:
        mean = n * share * of.mean
        up = np.flatnonzero((around > mean) & ~np.isnan(p))
        if len(up):
            p[up] = _binomial(around[up], n, share[up], of)
    return found_at(p, cut, how) & (around > mean)


def _notes(
    count: np.ndarray, around: np.ndarray, share: np.ndarray, risk: AtRisk, of: "Weights | None"
) -> tuple[str, ...]:
    notes: list[str] = []
    if of is not None:
        notes.append(Note("hotspots.weights_drawn" if of.known else "hotspots.weights_unknown"))
    empty = (share <= 0) & (risk.counts is None)
    if empty.any():
        held = int(count[empty].sum())
        notes.append(Note("hotspots.nothing_at_risk", n=int(empty.sum()), incidents=held, at_risk=risk.name))
    if (share >= 1).any():
        notes.append(Note("hotspots.everything_around", n=int((share >= 1).sum())))
    if risk.null == "land":
        notes.append(Note("hotspots.land_alike"))
    return tuple(notes)


# ----------------------------------------------------------------------------------------------------
# the strict tier: ordinary differences between cells

FITTED_ON = 500  # neighbourhoods, evenly taken along the grid's order; they overlap, so more would add little
ALIKE = 0.05  # expected numbers that differ by less (in the logarithm) are fitted as one
CENSORED_FROM = 0.9  # counts above this quantile of a Poisson are only taken as "high"
#: By what κ is multiplied, by the correlation of neighbours. Up to the first each cell differs for itself: κ is one
#: standard error lower than it is fitted, for some 150 neighbourhoods tell of it. Then whole quarters differ, so fewer
#: tell, and the more they differ, the more do their peaks exceed what the censored rest tells (docs/calibration.md).
CAUTION = {0.15: 0.8, 0.3: 0.65, 0.45: 0.35, 0.7: 0.2}
APART = 3.0  # how many times expected numbers must differ to tell rates from clumps
CLUMPS = 0.6  # power of κ from which on counts differ as clumps do: 0 for rates, 1 for clumps of incidents
CELLS_FITTED_ON = 1_000  # single cells, which share nothing, so more of them tell more
CELLS_CENSORED_FROM = 0.97
SIZE_UP_TO = 8.0  # logarithm; from there on cells do not differ
PRIOR = 5.0  # expected incidents by which the level of a ring is drawn towards the territory's
NODES = np.linspace(-6.0, 6.0, 61)
MASS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()


@dataclass(frozen=True)
class _Strict:
    p: np.ndarray
    q: np.ndarray
    extra: float = float("nan")
    spread: float = float("nan")
    holds: bool = True


@dataclass(frozen=True)
class Variation:
    """How much neighbourhoods differ: mean = `level` × expected, variance = mean + mean² / κ, κ = size × (expected /
    `typical`)^`power`. `apart` is the 90 % quantile of what is expected over the 10 % one: near 1 the counts tell
    nothing of the power.
    """

    level: float
    size: float
    power: float
    typical: float
    apart: float = 1.0

    def mean(self, expected: np.ndarray) -> np.ndarray:
        """Incidents that a neighbourhood has without a hotspot."""
        return self.level * expected

    def kappa(self, expected: np.ndarray) -> np.ndarray:
        """The negative binomial's size."""
        return np.clip(self.size * (expected / self.typical) ** self.power, 1e-3, 1e7)

    @property
    def rate_spread(self) -> float:
        """Standard deviation of the logarithm of neighbourhoods' rates; 0 where counts differ as clumps of incidents
        do (κ grows with what is expected), not as rates do.
        """
        clumps = self.power >= CLUMPS and self.apart >= APART
        return 0.0 if clumps else float(np.sqrt(np.log1p(1 / self.size)))

    @property
    def over_poisson(self) -> float:
        """Variance over mean of a typical neighbourhood."""
        return 1.0 + self.level * self.typical / self.size


def ordinary_differences(around: np.ndarray, expected: np.ndarray) -> Variation:
    """The extra variation of counts around what is expected of them, by censored maximum likelihood.

    Parameters
    ----------
    around : ndarray of whole numbers, shape (n,)
        Incidents in each neighbourhood.
    expected : ndarray of float, shape (n,)
        Above 0.

    Returns
    -------
    Variation
    """
    step = max(1, len(around) // FITTED_ON)
    typical, alike = _alike(expected[::step])
    e, cap, *seen = _censored(around[::step], alike, CENSORED_FROM)
    found = _most_likely(e, np.log(e / typical), cap, *seen)
    low, high = np.quantile(alike, [0.1, 0.9])
    return Variation(*map(float, (*np.exp(found[:2]), found[2], typical, high / low)))


def cells_differ(count: np.ndarray, expected: np.ndarray, level: float) -> float:
    """Standard deviation of the logarithm of single cells' rates, each cell differing for itself.

    The negative binomial of one size for all cells that the counts make most likely, those that are high taken only
    as that, κ one standard error lower. The lognormal that goes with it has the same mean and the same mean logarithm:
    a gamma fitted to lognormal rates is one that agrees in these two, so no heavier tail is overlooked.

    Parameters
    ----------
    count : ndarray of whole numbers, shape (n,)
        Incidents in each cell.
    expected : ndarray of float, shape (n,)
        Above 0.
    level : float
        What the expected numbers are multiplied by, from `ordinary_differences`.

    Returns
    -------
    float
        Near 0 where cells differ by chance only.

    References
    ----------
    Johnson, Kotz & Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 17: a gamma's likelihood knows of
    the mean and the mean logarithm alone.
    """
    step = max(1, len(count) // CELLS_FITTED_ON)
    seen = _censored(count[::step], _alike(level * expected[::step])[1], CELLS_CENSORED_FROM)
    size = math.exp(_most_likely_size(*seen)) * min(1.0, max(CAUTION.values()))
    return math.sqrt(2 * (math.log(size) - scipy.special.digamma(size)))


def _alike(expected: np.ndarray) -> tuple[float, np.ndarray]:
    """The median, and the expected numbers with those that hardly differ made one."""
    typical = float(np.median(expected))
    return typical, typical * np.exp(np.rint(np.log(expected / typical) / ALIKE) * ALIKE)


def _censored(count: np.ndarray, expected: np.ndarray, quantile: float) -> tuple[np.ndarray, ...]:
    """What the likelihood reads: each expected number once, the count from which on counts are only "high", how many
    of them there are, where each one's other counts begin and end, these counts, and how often each occurs.
    """
    pairs, times = np.unique(expected + 1j * count, return_counts=True)
    e, first_of = np.unique(pairs.real, return_index=True)
    cap = np.ceil(scipy.special.pdtrik(quantile, e) - 1e-9)
    group = np.repeat(np.arange(len(e)), np.diff(np.r_[first_of, len(pairs)]))
    seen = pairs.imag <= cap[group]
    beyond = np.bincount(group[~seen], times[~seen], minlength=len(e))
    ends = np.searchsorted(group[seen], np.arange(len(e) + 1))
    return e, cap, beyond.astype(float), ends, pairs.imag[seen], times[seen].astype(float)


FIT_WITHIN = 0.02  # of the parameters, and of the log-likelihood: far inside what the counts can tell
FIT_CALLS = 70
LEAST_FIT, LARGEST_FIT = np.array([-3.0, -4.0, 0.0]), np.array([3.0, 12.0, 1.0])
FIRST_FIT = np.array([[0.0, 1.0, 0.3], [0.3, 1.0, 0.3], [0.0, 2.0, 0.3], [0.0, 1.0, 0.8]])


@njit(cache=True)
def _most_likely(e, log_e, cap, beyond, ends, k, often):
    """Level, log size and power of the largest likelihood: Nelder and Mead's simplex, as scipy has it, compiled.

    Number by number: whole rows would give the same, and cost four seconds more to compile.
    """
    at, value, middle, tried, other = np.empty((4, 3)), np.empty(4), np.empty(3), np.empty(3), np.empty(3)
    for j in range(4):
        for d in range(3):
            at[j, d] = FIRST_FIT[j, d]
        value[j] = -_log_likelihood(at[j], e, log_e, cap, beyond, ends, k, often)
    calls = 4
    while True:
        _sort_corners(at, value)
        if calls >= FIT_CALLS or _near_enough(at, value):
            return at[0]
        for d in range(3):
            middle[d] = (at[0, d] + at[1, d] + at[2, d]) / 3
        _between(middle, at[3], -1.0, tried)
        now = -_log_likelihood(tried, e, log_e, cap, beyond, ends, k, often)
        calls += 1
        if value[0] <= now < value[2]:
            _replace_last(at, value, tried, now)
            continue
        if calls >= FIT_CALLS:
            return at[0]
        reach = -2.0 if now < value[0] else (-0.5 if now < value[3] else 0.5)
        _between(middle, at[3], reach, other)
        then = -_log_likelihood(other, e, log_e, cap, beyond, ends, k, often)
        calls += 1
        if then < now if reach == -2.0 else (then <= now if reach == -0.5 else then < value[3]):
            _replace_last(at, value, other, then)
        elif reach == -2.0:
            _replace_last(at, value, tried, now)
        else:
            for j in range(1, 4):
                _between(at[0], at[j], 0.5, at[j])
                if calls < FIT_CALLS:
                    value[j] = -_log_likelihood(at[j], e, log_e, cap, beyond, ends, k, often)
                    calls += 1
                else:
                    value[j] = np.inf


@njit(cache=True)
def _sort_corners(at, value):
    """The simplex's corners from the likeliest on; equal ones stay in their order."""
    for j in range(1, 4):
        while j > 0 and value[j] < value[j - 1]:
            value[j], value[j - 1] = value[j - 1], value[j]
            for d in range(3):
                at[j, d], at[j - 1, d] = at[j - 1, d], at[j, d]
            j -= 1


@njit(cache=True)
def _near_enough(at, value):
    """Whether all corners lie within what the fit is exact to."""
    for j in range(1, 4):
        if not abs(value[j] - value[0]) <= FIT_WITHIN:
            return False
        for d in range(3):
            if not abs(at[j, d] - at[0, d]) <= FIT_WITHIN:
                return False
    return True


@njit(cache=True)
def _replace_last(at, value, corner, worth):
    for d in range(3):
        at[3, d] = corner[d]
    value[3] = worth


@njit(cache=True)
def _most_likely_size(e, cap, beyond, ends, k, often):
    """The log size of the largest likelihood where level and power are known (1 and 0), by the golden section."""
    log_e, at, ratio = np.zeros(len(e)), np.zeros(3), (math.sqrt(5.0) - 1) / 2
    low, high = LEAST_FIT[1], SIZE_UP_TO
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at[1] = left
    at_left = _log_likelihood(at, e, log_e, cap, beyond, ends, k, often)
    at[1] = right
    at_right = _log_likelihood(at, e, log_e, cap, beyond, ends, k, often)
    while high - low > FIT_WITHIN:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at[1] = left
            at_left = _log_likelihood(at, e, log_e, cap, beyond, ends, k, often)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at[1] = right
            at_right = _log_likelihood(at, e, log_e, cap, beyond, ends, k, often)
    return (low + high) / 2


@njit(cache=True)
def _between(start, end, part, out):
    """The point at this part of the way, within the limits of the fit."""
    for d in range(3):
        out[d] = min(max(start[d] + part * (end[d] - start[d]), LEAST_FIT[d]), LARGEST_FIT[d])


@njit(cache=True)
def _log_likelihood(at, e, log_e, cap, beyond, ends, k, often):
    """Of negative binomial counts, those above `cap` known only as that; without the factorials of the counts."""
    total = 0.0
    for g in range(len(e)):
        m = math.exp(at[0]) * e[g]
        s = min(max(math.exp(at[1] + at[2] * log_e[g]), 1e-3), 1e7)
        none, one, all_s = s * math.log1p(m / s), math.log(m / (s + m)), math.lgamma(s)
        for i in range(ends[g], ends[g + 1]):
            total += often[i] * (math.lgamma(k[i] + s) - all_s - none + k[i] * one)
        if beyond[g] > 0:
            total += beyond[g] * math.log(max(_beta_share(cap[g] + 1, s, m / (m + s)), 1e-300))
    return total


@njit(cache=True)
def _beta_share(a, b, x):
    """The regularised incomplete beta function I_x(a, b), 0 < x < 1, by its continued fraction (Lentz's way)."""
    turned = x > (a + 1) / (a + b + 2)
    if turned:
        a, b, x = b, a, 1 - x
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1.0 / (1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, 500):
        term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        found *= d * c
        term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        found *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    found = front * found / a
    return 1 - found if turned else found


def _strict(
    p: np.ndarray,
    q: np.ndarray,
    around: np.ndarray,
    expected: np.ndarray,
    side: np.ndarray,
    how: str,
    n_around: np.ndarray,
    of: "Weights | None",
    ring: "_Ring",
) -> _Strict:
    """p and q that allow for ordinary differences. Only cells that the exact tier may find are looked at, and held
    against their surroundings only where they would else be found.

    The others keep p = 1: their strict p is not below their exact one, so they could not be found, and with larger
    p-values the step-up procedure finds no more.
    """
    looked = np.flatnonzero((q <= 0.10) | ((how == "none") & (p <= 0.10)))
    strict = np.where(np.isnan(p), np.nan, 1.0)
    if not len(looked):
        return _Strict(strict, strict.copy())
    there = expected > 0
    fitted = ordinary_differences(n_around[there], expected[there])
    if fitted.rate_spread > STRICT_UP_TO:  # measured not to hold: docs/calibration.md
        unknown = np.full(len(p), np.nan)
        return _Strict(unknown, unknown, fitted.over_poisson, fitted.rate_spread, holds=False)
    mean, kappa = fitted.mean(expected[looked]), ring.caution() * fitted.kappa(expected[looked])
    k, above = around[looked], side[looked] > 0
    if of is None:
        found = _tail_of_mixed(k, mean, kappa, above)
    else:
        found = np.where(above, *compound_tails(k, Law("negative binomial", mean, kappa), of))
    for kind in ("negative binomial", "lognormal"):
        bound = 0.10 if how == "none" else largest_found(2 * found, 0.10, len(p))
        close = np.flatnonzero((2 * found <= bound) & above)
        if kind == "negative binomial":
            raised = np.ones(len(k))
            raised[close] = np.maximum(1.0, ring.level(looked[close], fitted.level))
            mean = mean * raised
        if len(close):
            found[close] = np.maximum(found[close], _upper_tail(k[close], mean[close], kappa[close], of, kind))
    bound = 0.10 if how == "none" else largest_found(2 * found, 0.10, len(p))
    close = np.flatnonzero((2 * found <= bound) & above)
    if len(close):
        found[close] = _beyond_one_cell(found[close], looked[close], k[close], mean[close], fitted, ring, of)
    strict[looked] = np.minimum(1.0, np.maximum(p[looked], 2 * found))
    q_strict = adjust_p(strict, "fdr" if how == "none" else how)
    return _Strict(strict, q_strict, fitted.over_poisson, fitted.rate_spread)


def _beyond_one_cell(
    found: np.ndarray,
    cells: np.ndarray,
    k: np.ndarray,
    mean: np.ndarray,
    fitted: Variation,
    ring: "_Ring",
    of: "Weights | None",
) -> np.ndarray:
    """p of neighbourhoods, `found` or larger where one cell alone may bring as much, for each cell differs for itself.

    The sum of few cells with heavy tails is large where one of them is large, and a law of the sums, fitted to the
    many that are not, does not know of it. A neighbourhood is more than that if no single cell is likely to reach so
    far, or if it is found without the cell that exceeds its share most: twice the smaller p of the two.

    Source: Embrechts, Klüppelberg & Mikosch (1997), Modelling Extremal Events, on sums with heavy tails.
    """
    there = ring.expected > 0
    spread = cells_differ(ring.incidents[there], ring.expected[there], fitted.level)
    each, uneven = (1.0, 1.0) if of is None else (of.mean, of.square / of.mean**2)
    near = ring.near.indptr, ring.near.indices
    chance, rest, likely, mean_rest = _by_one_cell(
        *near, cells, k / each, mean, ring.incidents, ring.expected, spread, uneven
    )
    if of is not None:
        return np.maximum(found, chance)
    left, some = np.ones(len(cells)), (2 * chance > found) & (rest > 0) & (likely > 0)
    kappa = ring.caution() * fitted.kappa(likely[some])
    tails = [_upper_tail(rest[some], mean_rest[some], kappa, None, kind) for kind in ("negative binomial", "lognormal")]
    left[some] = np.maximum(*tails)
    return np.maximum(found, np.minimum(1.0, 2 * np.minimum(chance, left)))


@njit(cache=True)
def _by_one_cell(start, beside, cells, k, mean, incidents, expected, spread, uneven):
    """For each neighbourhood: the chance that a lognormal rate of one of its cells brings its count (a standard
    deviation of what comes by chance granted); then, without the cell of the largest excess, the incidents, what is
    expected, and that times the neighbourhood's level.
    """
    chance, rest = np.zeros(len(cells)), np.zeros(len(cells))
    likely, mean_rest = np.zeros(len(cells)), np.zeros(len(cells))
    for i in range(len(cells)):
        begin, end = start[cells[i]], start[cells[i] + 1]
        came = hoped = 0.0
        for place in range(begin, end + 1):  # the neighbours, and last the cell itself
            j = beside[place] if place < end else cells[i]
            came += incidents[j]
            hoped += expected[j]
        level, most, without = mean[i] / hoped, -np.inf, cells[i]
        for place in range(begin, end + 1):
            j = beside[place] if place < end else cells[i]
            if incidents[j] - level * expected[j] > most:
                most, without = incidents[j] - level * expected[j], j
            if expected[j] > 0:
                jump = (k[i] - math.sqrt(k[i] * uneven) - mean[i]) / (level * expected[j]) + 1
                z = math.log(jump) / spread + spread / 2 if jump > 0 else -np.inf
                chance[i] += math.erfc(z / math.sqrt(2.0)) / 2
        chance[i] = min(chance[i], 1.0)
        rest[i] = came - incidents[without]
        likely[i] = hoped - expected[without]
        mean_rest[i] = level * likely[i]
    return chance, rest, likely, mean_rest


def _tail_of_mixed(k: np.ndarray, mean: np.ndarray, kappa: np.ndarray, above: np.ndarray) -> np.ndarray:
    """P(K ≥ k) of a negative binomial where `above`, else P(K ≤ k)."""
    chance = mean / (mean + kappa)
    none = np.exp(-kappa * np.log1p(mean / kappa))
    found, summed = np.empty(len(k)), (k <= SUMMED) & (none > 1e-250)
    found[summed] = _add_up_mixed(
        k[summed].astype(np.int64), none[summed], kappa[summed], chance[summed], above[summed]
    )
    here = above & ~summed
    found[here] = scipy.special.betainc(k[here], kappa[here], chance[here])
    here = ~above & ~summed
    found[here] = scipy.special.betainc(kappa[here], k[here] + 1, 1 - chance[here])
    return found


@njit(cache=True)
def _add_up_mixed(k, none, kappa, chance, above):
    """One tail of negative binomials from P(K = 0) = `none`, as `_add_up` does it."""
    found = np.empty(len(k))
    for i in range(len(k)):
        term = none[i]
        total = term
        for j in range(k[i]):
            term *= (kappa[i] + j) * (chance[i] / (j + 1))
            total += term
        found[i] = 1.0 - total + term if above[i] else min(total, 1.0)
        if above[i] and found[i] < 1e-3:
            j, total = k[i], term
            while term > 1e-17 * total:
                term *= (kappa[i] + j) * (chance[i] / (j + 1))
                total += term
                j += 1
            found[i] = total
    return found


@dataclass(frozen=True)
class _Ring:
    """What surrounds a neighbourhood and shares no cell with it: the cells three and four steps away."""

    near: sparse.csr_array
    incidents: np.ndarray
    expected: np.ndarray

    def level(self, cells: np.ndarray, level: float) -> np.ndarray:
        """Incidents over expected ones in the ring of each cell, drawn towards 1 by `PRIOR` expected ones."""
        came, likely = _in_rings(self.near.indptr, self.near.indices, cells, self.incidents, level * self.expected)
        return (came + PRIOR) / (likely + PRIOR)

    def caution(self) -> float:
        """By what κ is multiplied: less where a cell that holds more than expected has neighbours that do.

        Then risk changes from quarter to quarter, and quarters as small as a neighbourhood are among them. Excesses
        count up to two standard deviations, so that a few hotspots, which are their own neighbours, change little.
        """
        correlation = _correlation(self.near.indptr, self.near.indices, self.incidents, self.expected)
        return float(np.interp(correlation, list(CAUTION), list(CAUTION.values())))


@njit(cache=True)
def _correlation(start, beside, incidents, expected):
    """Of each cell's excess with the mean excess of its neighbours, where anything is expected."""
    excess = np.zeros(len(expected))
    squares = alike = 0.0
    for i in range(len(expected)):
        if expected[i] > 0:
            excess[i] = min(max((incidents[i] - expected[i]) / math.sqrt(expected[i]), -2.0), 2.0)
            squares += excess[i] * excess[i]
    for i in range(len(expected)):
        if excess[i] != 0:
            total, many = 0.0, 0
            for place in range(start[i], start[i + 1]):
                total += excess[beside[place]]
                many += expected[beside[place]] > 0
            if many:
                alike += excess[i] * total / many
    return alike / max(squares, 1e-12)


@njit(cache=True)
def _in_rings(start, beside, cells, incidents, expected):
    """Sums over the cells that are three or four steps away from each of `cells`."""
    came, likely = np.zeros(len(cells)), np.zeros(len(cells))
    reached = np.full(len(start) - 1, -1)
    queue = np.empty(len(start) - 1, np.int64)
    for i in range(len(cells)):
        queue[0] = cells[i]
        reached[cells[i]] = i
        first, last = 0, 1
        for steps in range(1, 5):
            until = last
            for place in range(first, until):
                for side in range(start[queue[place]], start[queue[place] + 1]):
                    neighbour = beside[side]
                    if reached[neighbour] != i:
                        reached[neighbour] = i
                        queue[last] = neighbour
                        last += 1
                        if steps > 2:
                            came[i] += incidents[neighbour]
                            likely[i] += expected[neighbour]
            first = until
    return came, likely


def _upper_tail(k: np.ndarray, mean: np.ndarray, kappa: np.ndarray, of: "Weights | None", kind: str) -> np.ndarray:
    """P(K ≥ k), all k above 0, of a negative binomial or a Poisson–lognormal with the same mean and variance."""
    if of is not None:
        return compound_tails(k, Law(kind, mean, kappa), of)[0]
    if kind == "negative binomial":
        return _tail_of_mixed(k, mean, kappa, np.ones(len(k), bool))
    spread, small = np.sqrt(np.log1p(1 / kappa)), k <= SUMMED
    found = np.empty(len(k))
    found[small] = _lognormal_tail(k[small], mean[small], spread[small])
    rate = mean[~small, None] * np.exp(spread[~small, None] * NODES - spread[~small, None] ** 2 / 2)
    found[~small] = scipy.special.gammainc(k[~small, None], rate) @ MASS
    return found


@njit(cache=True)
def _lognormal_tail(k, mean, spread):
    """P(K ≥ k) of Poissons with a lognormal mean; the nodes from the largest one down, as far as they matter."""
    found = np.zeros(len(k))
    for i in range(len(k)):
        constant = math.lgamma(k[i] + 1)
        for node in range(len(NODES) - 1, -1, -1):
            log_rate = math.log(mean[i]) + spread[i] * NODES[node] - spread[i] ** 2 / 2
            rate = math.exp(log_rate)
            term = math.exp(k[i] * log_rate - rate - constant)
            total, j = 0.0, k[i]
            if rate < k[i]:
                while term > 1e-17 * total:
                    total += term
                    j += 1
                    term *= rate / j
            else:
                while j > 0 and term > 1e-18:
                    term *= j / rate
                    total += term
                    j -= 1
                total = 1 - total
            found[i] += MASS[node] * total
            if NODES[node] < 0 and MASS[node] * total < 1e-16 * found[i]:
                break
    return found


# ----------------------------------------------------------------------------------------------------
# weighted sums: each incident brings a harm of its own
#
# Under the null K of all incidents fall here, and each brings a weight drawn from those of all incidents: the sum is a
# compound binomial (or, in the strict tier, a compound negative binomial or Poisson-lognormal). Its law is computed,
# not drawn: where few incidents can come, P(S >= s) = sum over k of P(K = k) P(H1 + ... + Hk >= s), from one table for
# all cells; where many can, by the Fourier transform of its generating function. Weights are laid on a lattice, exactly
# where they are multiples of a common step and the lattice is long enough, else shared between the two points beside
# them, which keeps their mean and widens them; an observed sum between two points is taken as the one that is less far
# out. (Panjer 1981 and Gruebel & Hermesmeier 1999 for compound laws on a lattice.)

FEW = 160  # incidents that can come to a cell for which the table is used
LATTICE = 8192  # its length, in steps
FEW_WEIGHTS = 40  # on the lattice, up to which sums are made by shifting; by Fourier transform beyond
CLASSES = 512  # different weights, beyond which those of like size are put together
TRANSFORMED = 4096  # points of the Fourier transform
AT_A_TIME = 32  # laws that are transformed together: bounded memory
BEYOND = 30.0  # chances below exp(-30) are not looked at: no p is below 1e-13
NODES_FROM = 200  # cells with many incidents, from which on the law is computed at nodes of the share
LEAST_P = 1e-13


@dataclass(frozen=True)
class Weights:
    """What the incidents weigh: `value`, and the share of the incidents that do; `known` one by one or not. `tables`
    keeps the laws of sums that were computed, for one test needs them more than once.
    """

    value: np.ndarray
    share: np.ndarray
    known: bool
    tables: dict[float, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @property
    def mean(self) -> float:
        """Of one incident."""
        return float(self.value @ self.share)

    @property
    def square(self) -> float:
        """Mean square."""
        return float(self.value**2 @ self.share)


def incident_weights(counts: pd.DataFrame) -> Weights:
    """What single incidents weigh, from weighted counts.

    `count_by_cell(weight=…)` remembers how often each weight occurs. Of sums that do not (a frame made by hand, or read
    back from a file), cells with one incident tell their weight. In the others the weights are taken as unevenly as the
    sum allows (all but one incident with the smallest weight there is, one with the rest), which can only make a
    large sum less surprising.

    Examples
    --------
    >>> known = incident_weights(pd.DataFrame({"count": [5.0, 0.0, 7.0], "incidents": [1, 0, 3]}))
    >>> known.value.round(2).tolist(), known.share.tolist(), known.known
    ([2.33, 5.0], [0.75, 0.25], False)
    """
    about = about_counts(counts)
    if about.weights:
        value, times = np.array(about.weights, float).T
        return _in_classes(value, times, True)
    total, n = counts["count"].to_numpy(float), counts["incidents"].to_numpy(float)
    held = n > 0
    total, n = total[held], n[held]
    least = float((total / n).min())
    value = np.r_[least, total - (n - 1) * least]
    return _in_classes(value, np.r_[(n - 1).sum(), np.ones(len(n))], False)


def _in_classes(value: np.ndarray, times: np.ndarray, known: bool) -> Weights:
    unit = min(1.0, value.max())  # weights may all be tiny
    value, where = np.unique(np.round(value / unit, 6) * unit, return_inverse=True)
    times = np.bincount(where, times)
    if len(value) > CLASSES:
        edges = np.geomspace(max(value[value > 0][0], value[-1] * 1e-6), value[-1], CLASSES)
        put = np.searchsorted(edges, value)
        held = np.bincount(put, times)
        value = np.bincount(put, times * value)[held > 0] / held[held > 0]
        times = held[held > 0]
    return Weights(value[times > 0], times[times > 0] / times.sum(), known)


@dataclass(frozen=True)
class Law:
    """How many incidents come to each cell.

    Attributes
    ----------
    kind : {"binomial", "negative binomial", "lognormal"}
        The last is a Poisson whose mean is lognormal.
    first, second : ndarray, one a cell
        n and share; or mean and κ, with the variance mean + mean² / κ.
    """

    kind: str
    first: np.ndarray
    second: np.ndarray

    def of(self, which) -> "Law":
        """The law of some cells."""
        return Law(self.kind, self.first[which], self.second[which])

    @property
    def mean(self) -> np.ndarray:
        """Of the number of incidents."""
        return self.first * self.second if self.kind == "binomial" else self.first

    @property
    def variance(self) -> np.ndarray:
        """Of the number of incidents."""
        if self.kind == "binomial":
            return self.first * self.second * (1 - self.second)
        return self.first + self.first**2 / self.second

    def steps(self) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
        """P(K = 0), and of P(K = k + 1) / P(K = k) = max(c + d k, 0) r / (k + 1) the parts c, d and r."""
        a, b = self.first, self.second
        if self.kind == "binomial":
            return np.exp(a * np.log1p(-b)), a, -1.0, b / (1 - b)
        return np.exp(-b * np.log1p(a / b)), b, 1.0, a / (a + b)

    def rates(self) -> np.ndarray:
        """Of the lognormal: its nodes, shape (cells, nodes)."""
        spread = np.sqrt(np.log1p(1 / self.second))[:, None]
        return self.first[:, None] * np.exp(spread * NODES - spread**2 / 2)

    def generated(self, less_one: np.ndarray, which: np.ndarray) -> np.ndarray:
        """E(y^K) by y − 1 on the unit circle or within it, one row a cell; `which` row of `less_one` is its own."""
        if self.kind == "lognormal":
            return _generated_by_nodes(self.rates(), less_one, which)
        binomial = self.kind == "binomial"
        power, scale = (self.first, self.second) if binomial else (-self.second, -self.first / self.second)
        return _generated_by_power(power, scale, less_one, which)

    def limits(self, t: np.ndarray, up: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What sums hardly pass above and below: Chernoff's bounds at exp(−BEYOND), the best of those at `t`, where
        E(y^H) − 1 of one weight is `up` for y = exp(t) and `down` for y = exp(−t).
        """
        binomial = self.kind == "binomial"
        power, scale = (self.first, self.second) if binomial else (-self.second, -self.first / self.second)
        rates = self.rates() if self.kind == "lognormal" else np.empty((len(power), 0))
        return _limits(power, scale, rates, t, up, down)


@njit(cache=True)
def _generated_by_power(power, scale, z, which):
    """(1 + scale z)^power; 0 where it is below exp(−45), which no chance that is used can tell."""
    out = np.zeros((len(power), z.shape[1]), np.complex128)
    for i in range(len(power)):
        for f in range(z.shape[1]):
            u, v = scale[i] * z[which[i], f].real, scale[i] * z[which[i], f].imag
            log = power[i] * 0.5 * math.log1p(u * (2 + u) + v * v)
            if log > -45.0:
                turn, size = power[i] * math.atan2(v, 1 + u), math.exp(log)
                out[i, f] = complex(size * math.cos(turn), size * math.sin(turn))
    return out


@njit(cache=True)
def _generated_by_nodes(rates, z, which):
    """The mean over the nodes of exp(rate z); terms below exp(−45) left out."""
    out = np.zeros((len(rates), z.shape[1]), np.complex128)
    for i in range(len(rates)):
        for f in range(z.shape[1]):
            x, y = z[which[i], f].real, z[which[i], f].imag
            real = imaginary = 0.0
            for node in range(len(MASS)):
                log = rates[i, node] * x
                if log <= -45.0:
                    break  # rates ascend, and x is not above 0
                turn, size = rates[i, node] * y, MASS[node] * math.exp(log)
                real += size * math.cos(turn)
                imaginary += size * math.sin(turn)
            out[i, f] = complex(real, imaginary)
    return out


@njit(cache=True)
def _log_generated(power, scale, rates, less_one):
    """log E(y^K) by a real y − 1; inf where it does not exist."""
    if len(rates) == 0:
        inside = 1 + scale * less_one
        return power * math.log(inside) if inside > 0 else np.inf
    top = max(rates[0] * less_one, rates[-1] * less_one)
    total = 0.0
    for node in range(len(rates)):
        total += MASS[node] * math.exp(rates[node] * less_one - top)
    return top + math.log(total)


@njit(cache=True)
def _limits(power, scale, rates, t, up, down):
    """Of each law the least (log E exp(t S) + BEYOND) / t, and the largest of the same below. Both have one valley (the
    logarithm is convex), so the place is halved into.
    """
    high, low = np.empty(len(power)), np.empty(len(power))
    for i in range(len(power)):
        for side in range(2):
            less_one, first, last = (up, 0, len(t) - 1) if side == 0 else (down, 0, len(t) - 1)
            while first < last:
                middle = (first + last) // 2
                here = (_log_generated(power[i], scale[i], rates[i], less_one[middle]) + BEYOND) / t[middle]
                right = (_log_generated(power[i], scale[i], rates[i], less_one[middle + 1]) + BEYOND) / t[middle + 1]
                if right < here:
                    first = middle + 1
                else:
                    last = middle
            found = (_log_generated(power[i], scale[i], rates[i], less_one[first]) + BEYOND) / t[first]
            if side == 0:
                high[i] = found
            else:
                low[i] = max(0.0, -found)
    return high, low


def compound_tails(sums: np.ndarray, law: Law, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Chance of at least, and of at most, such a sum in each cell, were the weights drawn for each incident alike.

    Parameters
    ----------
    sums : ndarray of float, shape (n,)
    law : Law
        Of n cells.
    weights : Weights

    Returns
    -------
    upper, lower : ndarray, shape (n,)
        Not below 1e-13.

    Examples
    --------
    Three incidents, each here with chance ½, of weight 1 or 9: the chance of 9 or more is that of any 9.

    >>> law = Law("binomial", np.array([3.0]), np.array([0.5]))
    >>> upper, lower = compound_tails(np.array([9.0]), law, Weights(np.array([1.0, 9.0]), np.array([0.5, 0.5]), True))
    >>> upper.round(4).tolist(), (1 - 0.75**3)
    ([0.5781], 0.578125)
    """
    unit = min(1.0, weights.value.max())
    sums, weights = sums / unit, Weights(weights.value / unit, weights.share, weights.known, weights.tables)
    upper, lower = np.ones(len(sums)), np.ones(len(sums))
    most = np.ceil(law.mean + 9 * np.sqrt(law.variance) + 25)
    few = most <= FEW
    if few.any():
        order = np.flatnonzero(few)
        upper[order], lower[order] = _tails_of_few(sums[order], law.of(order), weights, int(most[order].max()))
    many = np.flatnonzero(~few)
    if 0 < len(many) <= NODES_FROM:
        upper[many], lower[many] = _tails_of_many(sums[many], law.of(many), np.arange(len(many)), weights)
    elif len(many):
        upper[many], lower[many] = _tails_at_nodes(sums[many], law.of(many), weights)
    return np.clip(upper, LEAST_P, 1.0), np.clip(lower, LEAST_P, 1.0)


def _common_step(weights: Weights, largest: float, places: int) -> float:
    """The largest number of which all weights are multiples, if the sums then fit; else as fine as fits."""
    whole = np.rint(weights.value[weights.value > 0] * 1e6).astype(np.int64)
    step = float(np.gcd.reduce(whole)) / 1e6
    return step if weights.known and largest / step < places - 2 else max(largest, weights.value.min()) / (places - 2)


def _on_lattice(weights: Weights, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and chances of one incident's weight."""
    at = weights.value / step
    point = np.floor(at + 1e-7)
    beside = np.clip(at - point, 0.0, 1.0)
    return np.r_[point, point + 1].astype(np.int64), np.r_[weights.share * (1 - beside), weights.share * beside]


def _tails_of_few(sums: np.ndarray, law: Law, weights: Weights, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Tails from one table for all cells, to none of which more than `most` incidents come."""
    places = LATTICE
    step = _common_step(weights, float(sums.max()), places)
    places = min(places, int(sums.max() / step) + 3)
    at_most = weights.tables.get(step)
    if at_most is None or at_most.shape[1] < places or len(at_most) <= most:
        point, share = _on_lattice(weights, step)
        one = np.bincount(point[point < places], share[point < places], minlength=places)
        at_most = weights.tables[step] = _sums_at_most(one, most)
    below = np.floor(sums / step + 1e-6).astype(np.int64) - 1
    above = np.minimum(np.ceil(sums / step - 1e-6).astype(np.int64), places - 1)
    place = np.flatnonzero(np.bincount(np.r_[above, below[below >= 0]]))
    column = np.empty(places, np.int64)
    column[place] = np.arange(len(place))
    columns = _columns(at_most, place, most + 1)
    above, below = column[above], np.where(below >= 0, column[below], -1)
    if law.kind == "lognormal":
        lower, less = _mix_nodes(law.rates(), columns, above, below)
    else:
        lower, less = _mix(*law.steps(), law.mean, columns, above, below)
    return 1.0 - less, lower


@njit(cache=True)
def _columns(table, place, many):
    """Some columns of the first rows of a table, each in one run of memory; eight rows at a time."""
    out = np.empty((len(place), many))
    for first in range(0, many, 8):
        last = min(first + 8, many)
        for j in range(len(place)):
            for k in range(first, last):
                out[j, k] = table[k, place[j]]
    return out


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _dot(chance, row):
    """Their sum of products, in steps of several numbers."""
    total = 0.0
    for k in range(len(chance)):
        total += chance[k] * row[k]
    return total


@njit(cache=True)
def _mix(first, c, d, r, mean, columns, above, below):
    """Each cell's chances of k incidents times those of its two places, added up over k; nothing below 0."""
    lower, less = np.zeros(len(first)), np.zeros(len(first))
    chance = np.empty(columns.shape[1])
    part = 1.0 / np.arange(1, len(chance) + 1)
    for i in range(len(first)):
        now, many = first[i], 0
        while many < len(chance) and (many < mean[i] or now > 1e-20):
            chance[many] = now
            now *= max(c[i] + d * many, 0.0) * (r[i] * part[many])
            many += 1
        lower[i] = _dot(chance[:many], columns[above[i], :many])
        if below[i] >= 0:
            less[i] = _dot(chance[:many], columns[below[i], :many])
    return lower, less


@njit(cache=True, fastmath={"reassoc", "nsz", "contract"})
def _next_chance(now, rate, part):
    """The sum of the nodes' chances of so many incidents; then those of one more."""
    total = 0.0
    for node in range(len(now)):
        total += now[node]
        now[node] *= rate[node] * part
    return total


@njit(cache=True)
def _mix_nodes(rates, columns, above, below):
    """`_mix` where means are lognormal, by nodes."""
    lower, less = np.zeros(len(rates)), np.zeros(len(rates))
    chance = np.empty(columns.shape[1])
    for i in range(len(rates)):
        now = np.exp(-rates[i]) * MASS
        for k in range(len(chance)):
            chance[k] = _next_chance(now, rates[i], 1.0 / (k + 1))
        lower[i] = _dot(chance, columns[above[i]])
        if below[i] >= 0:
            less[i] = _dot(chance, columns[below[i]])
    return lower, less


def _sums_at_most(one: np.ndarray, most: int) -> np.ndarray:
    """P(H1 + … + Hk ≤ s) for k = 0 to most, by the law of one weight; shape (most + 1, places)."""
    places = len(one)
    at_most = np.empty((most + 1, places))
    at_most[0] = 1.0
    there = np.flatnonzero(one)
    if len(there) <= FEW_WEIGHTS:
        _added_up(one, there, at_most)
        return at_most
    now = np.zeros(places)
    now[0] = 1.0
    length = 1 << int(np.ceil(np.log2(2 * places)))
    transformed = np.fft.rfft(one, length)
    for k in range(1, most + 1):
        now = np.maximum(np.fft.irfft(np.fft.rfft(now, length) * transformed, length)[:places], 0.0)
        at_most[k] = np.minimum(now.cumsum(), 1.0)
    return at_most


@njit(cache=True)
def _add_times(to, times, values):
    """`to` += times × values; a function of its own, so that it is compiled to steps of several numbers."""
    for s in range(len(to)):
        to[s] += times * values[s]


@njit(cache=True)
def _added_up(one, there, at_most):
    """Row k of `at_most` from row k − 1, shifted by each weight; a piece of a row at a time, which stays at hand."""
    for k in range(1, len(at_most)):
        before = at_most[k - 1]
        for start in range(0, len(before), 512):
            piece = at_most[k, start : start + 512]
            piece[:] = 0.0
            for shift in there:
                behind = max(shift - start, 0)
                if behind < len(piece):
                    _add_times(piece[behind:], one[shift], before[start + behind - shift :])
            for s in range(len(piece)):
                piece[s] = min(piece[s], 1.0)


def _tails_of_many(sums: np.ndarray, law: Law, of: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Tails of sums, each under the law `of` which it is, by the transform of the law's generating function between
    limits that its sums hardly pass.
    """
    largest = weights.value[-1]
    t = np.geomspace(1e-9, 200.0, 120) / largest
    up, down = (np.expm1(sign * np.outer(t, weights.value)) @ weights.share for sign in (1.0, -1.0))
    high, low = law.limits(t, up, down)
    step = (high - low) / (TRANSFORMED - 2)
    whole = np.rint(weights.value[weights.value > 0] * 1e6).astype(np.int64)
    common = float(np.gcd.reduce(whole)) / 1e6
    if weights.known:
        step = np.where(common >= step, common, step)
    upper, lower = np.empty(len(sums)), np.empty(len(sums))
    by_law = np.argsort(of, kind="stable")
    ends = np.searchsorted(of[by_law], np.arange(len(step) + 1))
    first, scaled = np.floor(low / step).astype(np.int64), sums / step[of]
    for part in np.array_split(np.arange(len(step)), -(-len(step) // AT_A_TIME)):
        width, which = np.unique(step[part], return_inverse=True)
        less_one = np.fft.rfft(_around_the_circle(weights.value, weights.share, width), axis=1) - 1.0
        laws = np.fft.irfft(law.of(part).generated(less_one, which), TRANSFORMED, axis=1)
        _tails_in(laws, part, first, by_law, ends, scaled, upper, lower)
    return upper, lower


@njit(cache=True)
def _around_the_circle(value, share, width):
    """The law of one weight on a lattice of each width, as `_on_lattice` lays it, wound around the length."""
    out = np.zeros((len(width), TRANSFORMED))
    for j in range(len(width)):
        for i in range(len(value)):
            at = value[i] / width[j]
            point = math.floor(at + 1e-7)
            beside = min(max(at - point, 0.0), 1.0)
            out[j, int(point) % TRANSFORMED] += share[i] * (1 - beside)
            out[j, (int(point) + 1) % TRANSFORMED] += share[i] * beside
    return out


@njit(cache=True)
def _tails_in(laws, part, first, by_law, ends, steps, upper, lower):
    """Both tails at sums in steps, by the chances of the sums `first`, `first` + 1, …, wound around the length."""
    many = laws.shape[1]
    at_most, at_least = np.empty(many), np.zeros(many + 1)
    for j in range(len(part)):
        one = part[j]
        total = 0.0
        for s in range(many):
            total += max(laws[j, (first[one] + s) % many], 0.0)
            at_most[s] = min(total, 1.0)
        total = 0.0
        for s in range(many - 1, -1, -1):
            total += max(laws[j, (first[one] + s) % many], 0.0)
            at_least[s] = min(total, 1.0)
        for i in by_law[ends[one] : ends[one + 1]]:
            place = math.floor(steps[i] + 1e-6) - first[one]
            upper[i] = at_least[min(max(place, 0), many)]
            place = math.ceil(steps[i] - 1e-6) - first[one]
            lower[i] = at_most[min(place, many - 1)] if place >= 0 else 0.0


def _tails_at_nodes(sums: np.ndarray, law: Law, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """The law at means 5 % apart (and κ 10 % apart, the smaller one); each cell takes the larger p of the two beside
    its own, at the same z.
    """
    mean, sd = _moments(law, weights)
    at = np.log(law.mean) / np.log(1.05)
    binomial = law.kind == "binomial"
    spread = law.first if binomial else np.floor(np.log(law.second) / np.log(1.1))
    z = (sums - mean) / sd
    nodes = np.unique(np.tile(spread, 2) + 1j * np.r_[np.floor(at), np.ceil(at)])
    which, node = nodes.real, nodes.imag
    first, second = which, np.minimum(1.05**node / which, 1 - 1e-9)
    if not binomial:
        first, second = 1.05**node, 1.1**which
    law_at = Law(law.kind, first, second)
    cells, of = _beside(spread, at, which, node)
    node_mean, node_sd = _moments(law_at, weights)
    found = _tails_of_many(np.maximum(node_mean[of] + z[cells] * node_sd[of], 0.0), law_at, of, weights)
    upper, lower = np.zeros(len(sums)), np.zeros(len(sums))
    np.maximum.at(upper, cells, found[0])
    np.maximum.at(lower, cells, found[1])
    return upper, lower


@njit(cache=True)
def _beside(spread, at, which, node):
    """Cells, and the nodes of the same spread that are not more than one step away from them."""
    cells, nodes = [], []
    for j in range(len(node)):
        for i in range(len(at)):
            if spread[i] == which[j] and abs(at[i] - node[j]) <= 1.0:
                cells.append(i)
                nodes.append(j)
    return np.array(cells), np.array(nodes)


def _moments(law: Law, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    own = weights.square - weights.mean**2
    return law.mean * weights.mean, np.sqrt(law.mean * own + law.variance * weights.mean**2)
