"""Where do high counts sit next to high counts, more than chance would put them?

`getis_ord` adds up a cell and its neighbours and asks whether the sum is larger (hot) or smaller (cold)
than if the counts lay anywhere. Gi* includes the cell itself and is what crime analysts call a hotspot map;
Gi leaves it out and so speaks about a cell's surroundings only.

Source: Getis & Ord 1992; Ord & Getis 1995.
"""

import numpy as np
from scipy import sparse, stats

from gridmap.errors import InputError
from gridmap.hotspots.lattice import (
    cell_values,
    named_cells,
    over_population,
    require_incidents,
    spread_out,
)
from gridmap.hotspots.neighbours import neighbour_weights
from gridmap.hotspots.permutations import permutation_p
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import (
    adjust_p,
    coarseness_notes,
    correction_in_use,
    direction_labels,
    seed_from,
    true_or_false,
    whole_number,
)
from gridmap.messages import Note

__all__ = ["getis_ord", "gi_z"]

TRUSTED_INCIDENTS = 100  # expected in a cell and its neighbours; measured by benchmarks/gi_star_calibration.py


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
    permutations: int = 0,
    refine: int = 100,
    random_state=None,
) -> HotspotResult:
    """Hot and cold spots by Getis and Ord's Gi* (or Gi).

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
        The statistic is then of rates, count / population. Cells with nobody and nothing are left out.
    permutations : int
        0: p from the normal distribution. 999, say: p from conditional permutations, two-sided by doubling the
        smaller tail; the normal one stays beside it as `p_normal`. A permutation never moves the cell's own value,
        so this p speaks of the neighbours, for Gi* too.
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
    table. Permutations have no such limit.

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
    require_incidents(count)
    weights = _with_self(neighbour_weights(grid, order=order, distance_m=distance_m, n=len(count)), star)
    x, weights, kept, columns, notes = over_population(count, index, population, grid, weights)
    z = gi_z(x, weights, star)
    p = p_normal = 2 * stats.norm.sf(np.abs(z))
    if permutations:
        others = weights - sparse.diags_array(weights.diagonal(), format="csr")
        others.eliminate_zeros()
        p = permutation_p(x, others, permutations, seed_from(random_state), refine=refine)
        p[np.isnan(z)] = np.nan
    lonely = np.isnan(z)
    if lonely.any():
        notes.append(
            f"{int(lonely.sum()):,} cells without neighbours, or with all cells as neighbours, were not tested."
        )
    notes += _trust_notes(count[kept], weights, permutations)
    p = spread_out(p, kept)
    q = adjust_p(p, "fdr" if how == "none" else how)
    z = spread_out(z, kept)
    columns |= {"z_score": z, "p_value": p, "q_value": q, "label": direction_labels(z, p if how == "none" else q)}
    columns["significant"] = (p if how == "none" else q) <= (0.05 if level is None else level)
    notes += coarseness_notes(p, columns["significant"], refine * permutations, how)
    if permutations:
        columns["p_normal"] = spread_out(p_normal, kept)
    params = {
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        "star": star,
        "fdr": level,
        "correction": how,
        "population": population if isinstance(population, str) else population is not None,
        "permutations": permutations,
        "refine": refine,
        "random_state": random_state,
    }
    return HotspotResult(named_cells(columns, index, grid), "getis_ord", params, notes=tuple(notes))


def _trust_notes(count: np.ndarray, weights: sparse.csr_array, permutations: int) -> list[str]:
    """The measured limit of the normal approximation (docs/methods.md), for counts of incidents."""
    if permutations or (count != np.floor(count)).any():
        return []
    expected = count.mean() * np.median(np.diff(weights.indptr))
    if expected >= TRUSTED_INCIDENTS:
        return []
    return [Note("note.few_expected", expected=float(expected), trusted_from=TRUSTED_INCIDENTS)]


def _with_self(weights: sparse.csr_array, star: bool) -> sparse.csr_array:
    """Weights with the cell itself (Gi*) or surely without (Gi)."""
    own = weights.diagonal()
    if not star:
        if own.any():
            raise InputError(
                "Gi leaves the cell itself out, but the matrix has a diagonal. Take star=True, or empty the diagonal."
            )
        return weights
    if own.all():
        return weights
    if own.any():
        raise InputError(
            f"{int((own == 0).sum()):,} of {len(own):,} cells have no weight of their own and the others do. "
            "Give every cell one on the diagonal, or none."
        )
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
