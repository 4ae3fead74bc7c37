"""Where do high counts sit next to high counts, more than chance would put them?

`getis_ord` adds up a cell and its neighbours and asks whether the sum is larger (hot) or smaller (cold)
than if the counts lay anywhere. Gi* includes the cell itself and is what crime analysts call a hotspot map;
Gi leaves it out and so speaks about a cell's surroundings only.

Source: Getis & Ord 1992; Ord & Getis 1995.
"""

import numpy as np
import scipy
from scipy import sparse

from gridmap._compiled import njit
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.cell_vectors import as_counts, cell_population, cell_values, named_cells, spread_out
from gridmap.hotspots.count_checks import OF_UNKNOWN_LAW, carried_over, counts_only, enough_incidents
from gridmap.hotspots.default_method import binomial_tails
from gridmap.hotspots.neighbours import neighbour_weights
from gridmap.hotspots.nulls import TRUSTED_INCIDENTS, normal_fits
from gridmap.hotspots.permutations import permutation_p
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import (
    adjust_p,
    coarseness_notes,
    correction_in_use,
    direction_column,
    seed_from,
    true_or_false,
    whole_number,
)
from gridmap.messages import Note, did_you_mean

__all__ = ["getis_ord", "gi_z", "people_by_cell", "subset_sum_p", "subset_sum_tails"]


@hotspot_method(
    draws="labels",
    scale="hot_cold",
    amount="count",
    per_area=True,
    resampled=True,
    facts="hot",
    null="shuffled",
    trusted_from=TRUSTED_INCIDENTS,
    at_risk="population",
    optional=("population", "rate", "expected", "p_normal"),
    columns=("count", "z_score", "p_value", "q_value", "label", "significant"),
)
def getis_ord(
    counts,
    grid,
    *,
    order: int = 1,
    distance_m: float | None = None,
    star: bool = True,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
    population=None,
    inference: str | None = None,
    permutations: int = 0,
    refine: int = 100,
    random_state=None,
) -> HotspotResult:
    """Hot and cold spots by Getis and Ord's Gi* (or Gi).

    The classical question: is the sum over a cell and its neighbours larger than if the values lay anywhere alike?
    Good for drawing and ranking. Whether a place holds more than its residents explain is `hotspot_test`'s question.

    For cell i with weights w_ij, the standardised statistic of Ord & Getis (1995) is::

        z_i = (Σ_j w_ij x_j − W_i x̄) / (s √((n Σ_j w_ij² − W_i²) / (n − 1))),   W_i = Σ_j w_ij

    For Gi* the sums, the mean x̄ and the standard deviation s run over all n cells, i included; for Gi they leave
    i out (and n is n − 1).

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, or Series
        One value a cell in the grid's order, zeros included.
    grid : Grid or adjacency
        A `Grid`, or a scipy sparse matrix of neighbours. Weights may be any numbers ≥ 0 and need not be symmetric.
        A diagonal is refused for Gi; for Gi* it must be all zero (then a cell's own weight is 1, or its row's largest
        weight where weights are not 0/1) or nowhere zero (then it is used).
    order : int
        Neighbours are the cells within this many steps.
    distance_m : float, optional
        Neighbours are the cells whose centres lie within this distance, itself included. Replaces `order`.
    star : bool
        Gi* (True) or Gi.
    fdr : float or None
        The level of the column `significant` (q ≤ fdr). It does not move the labels, whose levels are fixed.
        None asks for no correction: labels from p, and `significant` is p ≤ 0.05.
    correction : {"fdr", "fdr_by", "holm", "bonferroni", "none"} or None
        How `q_value` is made from `p_value`. Labels come from q (99: q ≤ 0.01, 95: q ≤ 0.05, 90: q ≤ 0.10); with
        "none" they come from p at the same levels, and `q_value` is still Benjamini & Hochberg's, to look at.
    population : Series, array or name of a column of `grid.cells`, optional
        Sums of counts are then compared with the sums expected of so many people: z = (Σ w x − Σ w e) / √(Σ w² e −
        (Σ w e)² / N), with e = N × population / all. Cells with nobody and nothing are left out.
    inference : {"normal", "exact", "conditional"}, optional
        Where p comes from. "normal": z's own distribution, were the sums normal. "exact": all ways to shuffle the
        values among all cells, the cell's own value too, counted (`subset_sum_p`), without a seed; with
        `population`, the binomial law of the sum. "conditional": `permutations` random shuffles of the other cells'
        values. These never move the cell's own value, so p speaks of the neighbours only, and a busy cell among quiet
        ones cannot be found however busy it is: a question of its own, and not the one that Gi* asks. None: "exact"
        for weighted sums and with `population` where it can be had, "conditional" where `permutations` are given, else
        "normal".
    permutations : int
        For "conditional" (999 when not given): two-sided by doubling the smaller tail. `p_normal` stands beside it.
    refine : int
        Cells near the edge after `permutations` (fewer than 5 beyond their sum) get `refine` times as many fresh ones,
        so that p can be small enough for FDR over a large map. 1: none, and no p is below 2 / (permutations + 1).
    random_state : int or Generator, optional
        Same seed, same result, on any number of threads.

    Returns
    -------
    HotspotResult
        `cells`: `count` (and `population, rate`), `z_score, p_value, q_value, label` (hot 99, hot 95, hot 90, none,
        cold 90, cold 95, cold 99), `significant`. z, p and q are nan where nothing can be tested.

    Raises
    ------
    InputError
        Fewer than 30 incidents, all in one cell, cells missing or in another order, no neighbours, negative or
        missing values, cases where the population is 0.
    SettingError
        A distance in degrees or without neighbours; an option of a wrong type.

    Notes
    -----
    The normal p-value needs sums of neighbours that are nearly normal. Below about 100 incidents expected in a cell and
    its neighbours together it is too small on the hot side (a note then says so): `docs/methods.md` has the measured
    table. Such labels may be drawn; they enter no sentence and no legend as a finding (`gridmap.hotspots.nulls`). The
    exact p has no such limit.

    Examples
    --------
    A row of ten cells, the first three busy:

    >>> import numpy as np, pandas as pd
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> counts = pd.Series([20, 25, 20, 3, 2, 1, 2, 3, 2, 1], name="count")
    >>> hot = getis_ord(counts, line)
    >>> hot.cells[["z_score", "q_value", "label"]].round(3).head(4)
             z_score  q_value   label
    cell_id
    0          2.400    0.082  hot 90
    1          2.963    0.031  hot 95
    2          1.743    0.271    none
    3          0.093    0.926    none

    References
    ----------
    Getis & Ord (1992), Geographical Analysis 24, 189–206. Ord & Getis (1995), Geographical Analysis 27, 286–306.
    """
    level, how = correction_in_use(fdr, correction)
    permutations = whole_number(permutations, "permutations", least=0)
    refine = whole_number(refine, "refine", least=1)
    star = true_or_false(star, "star")
    count, index = cell_values(counts, grid)
    about = enough_incidents(counts, count)
    if population is not None and about.kind in OF_UNKNOWN_LAW:
        counts_only(counts, "getis_ord with population=")
    weights = _with_self(neighbour_weights(grid, order=order, distance_m=distance_m, n=len(count)), star)
    inference, permutations = _inference(inference, permutations, about, count, weights, star, population is not None)
    people, kept, columns, notes = people_by_cell(count, index, population, grid)
    x, weights = count[kept], weights[kept][:, kept] if not kept.all() else weights
    z = gi_z(x, weights, star) if people is None else _z_of_expected(x, weights, people[kept])
    p = p_normal = 2 * scipy.special.ndtr(-np.abs(z))
    if inference == "exact":
        p = subset_sum_p(x - x.min(), weights) if people is None else _binomial_p(x, weights, people[kept])
    elif inference == "conditional":
        moved = x if people is None else _standardised(x, people[kept])
        others = weights if people is None else _for_standardised(weights, people[kept])
        p = permutation_p(moved, _without_diagonal(others), permutations, seed_from(random_state), refine=refine)
    p = np.where(np.isnan(z), np.nan, p)
    if (lonely := int(np.isnan(z).sum())) > 0:
        notes.append(Note("hotspots.not_tested_alone", n=lonely))
    expected = float(count.mean() * np.sort(np.diff(weights.indptr))[len(count) // 2]) if about.are_counts else None
    notes += _trust_notes(inference, about, expected)
    p = spread_out(p, kept)
    q = adjust_p(p, "fdr" if how == "none" else how)
    z = spread_out(z, kept)
    columns |= {"z_score": z, "p_value": p, "q_value": q, "label": direction_column(z, p if how == "none" else q)}
    columns["significant"] = (p if how == "none" else q) <= (0.05 if level is None else level)
    notes += coarseness_notes(p, columns["significant"], refine * permutations, how)
    if inference != "normal":
        columns["p_normal"] = spread_out(p_normal, kept)
    params = {
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        **carried_over(counts),
        "star": star,
        "fdr": level,
        "correction": how,
        "population": population if isinstance(population, str) else population is not None,
        "inference": inference,
        "permutations": permutations,
        "refine": refine,
        "random_state": random_state,
        "null": _null(inference, population),
        "expected_around": expected,
        "normal_fits": normal_fits(count, float(np.median(np.diff(weights.indptr)))),
    }
    return HotspotResult(named_cells(columns, index, grid), "getis_ord", params, notes=tuple(notes))


INFERENCES = ("normal", "exact", "conditional")


def _inference(wanted, permutations: int, about, count, weights, star: bool, of_people: bool) -> tuple[str, int]:
    """Where p comes from, and how many permutations that takes."""
    if wanted is not None and wanted not in INFERENCES:
        raise SettingError(
            Note("hotspots.inference_unknown", found=wanted, meant=did_you_mean(str(wanted), INFERENCES))
        )
    if permutations and wanted in ("normal", "exact"):
        raise SettingError(Note("hotspots.inference_permutations", permutations=permutations, found=wanted))
    if permutations or wanted == "conditional":
        return "conditional", permutations or 999
    why_not = _why_not_exact(about, count, weights, star, of_people)
    if wanted == "exact" and why_not:
        raise SettingError(Note(why_not))
    if wanted is None and (of_people or about.kind in OF_UNKNOWN_LAW):
        if why_not is None:
            return "exact", 0
        return ("normal", 0) if of_people else ("conditional", 999)
    return wanted or "normal", 0


def _why_not_exact(about, count, weights: sparse.csr_array, star: bool, of_people: bool) -> str | None:
    starts = weights.indptr[:-1][np.diff(weights.indptr) > 0]
    equal = bool((np.maximum.reduceat(weights.data, starts) == np.minimum.reduceat(weights.data, starts)).all())
    if of_people:
        return None if equal and about.are_counts else "hotspots.exact_not_of_rates"
    if not star:
        return "hotspots.exact_needs_star"
    return None if equal else "hotspots.exact_needs_equal"


def _null(inference: str, population) -> str:
    if population is not None:
        return "land" if isinstance(population, str) and population in ("area_km2", "area_m2") else "population"
    return "shuffled_neighbours" if inference == "conditional" else "shuffled"


def people_by_cell(count: np.ndarray, index, population, grid):
    """Persons a cell or None, which cells are tested, the columns to begin with, and notes."""
    columns, everywhere = {"count": as_counts(count)}, np.ones(len(count), bool)
    if population is None:
        return None, everywhere, columns, []
    people = cell_population(population, grid, count, index)
    kept = people > 0
    expected = count.sum() * people / people.sum()
    rate = np.divide(count, people, out=np.full(len(count), np.nan), where=kept)
    columns |= {"population": people, "rate": rate, "expected": expected}
    if np.ptp(rate[kept]) == 0:
        raise InputError(Note("hotspots.one_rate", rate=float(rate[kept][0])))
    notes = [] if kept.all() else [Note("hotspots.nobody_there", n=int((~kept).sum()))]
    return people, kept, columns, notes


def _z_of_expected(x: np.ndarray, weights: sparse.csr_array, people: np.ndarray) -> np.ndarray:
    """Weighted sums of counts against their expectation, were each incident as likely with each person."""
    total, e = x.sum(), x.sum() * people / people.sum()
    variance = weights.power(2) @ e - (weights @ e) ** 2 / total
    variance[variance <= 1e-12 * total] = np.nan
    return (weights @ (x - e)) / np.sqrt(variance)


def _binomial_p(x: np.ndarray, weights: sparse.csr_array, people: np.ndarray) -> np.ndarray:
    """Exact p of the sums: binomial, with the joint share of the people as chance."""
    members = sparse.csr_array((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    share = np.clip(members @ (people / people.sum()), 1e-300, 1 - 1e-16)
    return binomial_tails(members @ x, x.sum(), share)


def _standardised(x: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Residuals of equal variance, which may be dealt anew among the cells."""
    e = x.sum() * people / people.sum()
    return (x - e) / np.sqrt(e)


def _for_standardised(weights: sparse.csr_array, people: np.ndarray) -> sparse.csr_array:
    """Weights under which sums of standardised residuals are sums of counts less expected ones, up to a factor."""
    return sparse.csr_array(weights @ sparse.diags_array(np.sqrt(people / people.mean())))


def _without_diagonal(weights: sparse.csr_array) -> sparse.csr_array:
    others = weights - sparse.diags_array(weights.diagonal(), format="csr")
    others.eliminate_zeros()
    return others


def _trust_notes(inference: str, about, expected: float | None) -> list[str]:
    """What is known of the p-value that was used (docs/methods.md has the measured table)."""
    if inference == "exact" and about.kind in OF_UNKNOWN_LAW:
        return [Note("hotspots.shuffled_weights", what=Note(f"hotspots.kind_{about.kind}"))]
    if inference != "normal":
        return []
    if expected is None:
        return [Note("hotspots.not_counts_normal")] if about.rows is not None else []
    if expected >= TRUSTED_INCIDENTS:
        return []
    return [Note("note.few_expected", expected=float(expected), trusted_from=TRUSTED_INCIDENTS)]


def _with_self(weights: sparse.csr_array, star: bool) -> sparse.csr_array:
    """Weights with the cell itself (Gi*) or surely without (Gi)."""
    own = weights.diagonal()
    if not star:
        if own.any():
            raise InputError(Note("hotspots.gi_diagonal"))
        return weights
    if own.all():
        return weights
    if own.any():
        raise InputError(Note("hotspots.own_weight_missing", n=int((own == 0).sum()), n2=len(own)))
    largest = weights.max(axis=1).toarray().ravel() if (weights.data != 1).any() else np.ones(len(own))
    return sparse.csr_array(weights + sparse.diags_array(np.where(largest > 0, largest, 1.0)))


def gi_z(x: np.ndarray, weights: sparse.csr_array, star: bool) -> np.ndarray:
    """Ord & Getis's standardised statistic; nan where its variance is 0.

    Parameters
    ----------
    x : ndarray of float, shape (n,)
    weights : csr_array, shape (n, n)
        With a diagonal where `star`, without one otherwise.
    star : bool
    """
    n = len(x)
    c = x - x.mean()
    total = weights.sum(axis=1)
    squares = weights.power(2).sum(axis=1)
    if star:
        mean, variance, m = 0.0, (c @ c) / n, n
    else:
        m = n - 1
        mean = -c / m  # of the other cells, for values that sum to 0
        variance = (c @ c - c * c) / m - mean**2
    spread = variance * (m * squares - total**2) / (m - 1)
    spread[(m * squares - total**2) <= 1e-12 * m * squares] = np.nan  # no neighbours, or all cells are
    return (weights @ c - total * mean) / np.sqrt(spread)


# --------------------------------------------------------------------------------------------------
# How likely is so large a sum, if the values of all cells were dealt anew? Counted, not drawn.
#
# Shuffle the values of all n cells and look at the sum over a neighbourhood of m cells: it is the sum of m values drawn
# without replacement. Of the (n choose m) ways to draw them, how many give at least the sum that was seen? For whole
# numbers this can be counted: multiply, over the different values v with multiplicity c, the polynomials (1 + t x^v)^c
# and read the coefficient of t^m x^s. No seed, no normal approximation, and p-values as small as they are.
#
# The cell's own value takes part in the shuffle, as it does in Gi*. (Conditional permutations, in `permutations`, never
# move it: they test a cell's neighbours, given the cell.)
#
# Values that are not whole, or large, are rounded to 32,768 steps of the largest sum first. The p-value is then the
# exact one of the sum of the rounded values, so the test keeps its level whatever the values are: weighted sums,
# fractions.
#
# Source: Pagano & Tritchler 1983; Streitberg & Röhmel 1986 (the shift algorithm).

STEPS = 32_768  # of the largest sum that m cells can have


def subset_sum_p(values: np.ndarray, weights: sparse.csr_array) -> np.ndarray:
    """Two-sided exact permutation p-values of sums over neighbourhoods.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        0 or more.
    weights : csr_array, shape (n, n)
        The cells that are summed, the cell itself among them; within a row all weights are equal.

    Returns
    -------
    ndarray of float, shape (n,)
        Twice the smaller tail, at most 1; the observed sum belongs to both tails.
    """
    members = sparse.csr_array((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    sizes = np.diff(weights.indptr)
    steps = _in_steps(values, int(sizes.max()))
    sums = np.rint(members @ steps).astype(np.int64)
    upper, lower = subset_sum_tails(steps.astype(np.int64), int(sizes.max()))
    return np.minimum(1.0, 2 * np.minimum(upper[sizes, sums], lower[sizes, sums]))


def _in_steps(values: np.ndarray, size: int) -> np.ndarray:
    """Whole numbers as they are where sums stay small, else rounded to steps."""
    size = min(size, len(values))
    largest = np.sort(values)[-size:].sum()  # among many alike, sorting is quicker than selecting
    if largest <= STEPS and (values == np.floor(values)).all():
        return values
    return np.rint(values * (STEPS / largest))


def subset_sum_tails(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Chance that m values drawn without replacement sum to at least, and to at most, s.

    Parameters
    ----------
    values : ndarray of int, 0 or more
    size : int
        The largest m.

    Returns
    -------
    upper, lower : ndarray, shape (size + 1, largest sum + 1)
        By m and s.

    Examples
    --------
    Two of the values 0, 1, 1, 2: of six pairs, one sums to 3 twice over.

    >>> upper, lower = subset_sum_tails(np.array([0, 1, 1, 2]), 2)
    >>> (upper[2] * 6).round(6).tolist(), (lower[2] * 6).round(6).tolist()
    ([6.0, 6.0, 4.0, 2.0], [0.0, 2.0, 4.0, 6.0])
    """
    different, times = np.unique(values, return_counts=True)
    largest = int(np.sort(values)[-size:].sum())
    ways = np.zeros((size + 1, largest + 1))
    ways[0, 0] = 1.0
    # Each value carries the factor size / (e n), so that (n choose m) of them stays within a float's range.
    _multiply(ways, different, times, size / (np.e * len(values)))
    ways /= ways.sum(axis=1, keepdims=True)
    upper = ways[:, ::-1].cumsum(axis=1)[:, ::-1]
    return np.minimum(upper, 1.0), np.minimum(ways.cumsum(axis=1), 1.0)


@njit(cache=True)
def _multiply(ways, different, times, factor):
    """`ways` times (1 + factor t x^v)^c for each value v that occurs c times; t up to its last row."""
    size, largest = ways.shape[0] - 1, ways.shape[1] - 1
    reach = np.zeros(size + 1, np.int64)  # the largest sum of k values so far
    for d in range(len(different)):
        value, most = different[d], min(times[d], size)
        chosen = np.empty(most + 1)
        chosen[0] = 1.0
        for j in range(1, most + 1):
            chosen[j] = chosen[j - 1] * (times[d] - j + 1) / j * factor
        for k in range(size, 0, -1):  # from above: rows below are still without this value
            for j in range(1, min(k, most) + 1):
                shift = j * value
                for s in range(min(reach[k - j], largest - shift) + 1):
                    if ways[k - j, s] > 0.0:
                        ways[k, s + shift] += chosen[j] * ways[k - j, s]
        for k in range(size, 0, -1):
            for j in range(1, min(k, most) + 1):
                reach[k] = max(reach[k], reach[k - j] + j * value)
