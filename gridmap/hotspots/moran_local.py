"""Which cells stick together with their surroundings, and which stand out from them?

Local Moran's I multiplies a cell's distance from the mean with its neighbours'. Two high ones, or two low
ones, give a positive product (a cluster: high-high, low-low); a high one among low ones a negative product
(an outlier: high-low, low-high). The outliers are what Gi* cannot see: the one busy cell in a quiet quarter.

Source: Anselin 1995; moments under conditional randomisation after Sokal, Oden & Thomson 1998.
"""

import numpy as np
import scipy

from gridmap.hotspots.cell_vectors import cell_values, named_cells, spread_out
from gridmap.hotspots.count_checks import OF_UNKNOWN_LAW, carried_over, counts_only, enough_incidents
from gridmap.hotspots.gi_star import gi_z, people_by_cell
from gridmap.hotspots.neighbours import neighbour_weights, refuse_diagonal, row_standardised
from gridmap.hotspots.permutations import permutation_p
from gridmap.hotspots.rates import standardised_rates
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import (
    adjust_p,
    coarseness_notes,
    correction_in_use,
    seed_from,
    true_or_false,
    whole_number,
)
from gridmap.messages import Note

__all__ = ["local_moran"]


@hotspot_method(
    draws="labels",
    scale="moran",
    amount="count",
    per_area=True,
    resampled=True,
    facts="moran",
    null="shuffled_neighbours",
    trusted_from=float("inf"),
    withdrawn=("population",),
    at_risk="population",
    optional=("population", "rate"),
    columns=("count", "I", "z_score", "p_value", "q_value", "quadrant", "label", "significant"),
)
def local_moran(
    counts,
    grid,
    *,
    order: int = 1,
    distance_m: float | None = None,
    row_standardise: bool = True,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
    population=None,
    permutations: int = 999,
    refine: int = 100,
    random_state=None,
) -> HotspotResult:
    """Clusters and outliers by local Moran's I, with conditional permutations.

    With deviations from the mean c and weights w_ij, ::

        I_i = (n − 1) c_i Σ_j w_ij c_j / Σ_j c_j²

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, or Series
        One value a cell in the grid's order, zeros included.
    grid : Grid or adjacency
        A `Grid`, or a scipy sparse matrix of neighbours: weights ≥ 0, symmetric or not, nothing on the diagonal.
    order, distance_m
        The neighbours, as in `getis_ord`.
    row_standardise : bool
        Weights of a cell's neighbours sum to 1: the mean of the neighbours, not their sum. Changes I, but neither p nor
        label.
    fdr : float or None
        A cell gets its quadrant as label when q ≤ fdr. None: when p ≤ 0.05.
    correction : {"fdr", "fdr_by", "holm", "bonferroni", "none"} or None
        How `q_value` is made from `p_value`. With "none" the label asks p ≤ fdr; `q_value` is then
        Benjamini & Hochberg's, to look at.
    population : Series, array or name of a column of `grid.cells`, optional
        The statistic is then of rates that are standardised to equal variance (Assunção & Reis's empirical Bayes), so
        that a cell of three people does not outweigh the others. Cells with nobody and nothing are left out.
    permutations : int
        0: p from the normal distribution of `z_score`.
    refine : int
        Cells near the edge after `permutations` (fewer than 5 beyond their sum) get `refine` times as many fresh ones,
        so that p can be small enough for FDR over a large map. 1: none, and no p is below 2 / (permutations + 1).
    random_state : int or Generator, optional
        Same seed, same result, on any number of threads.

    Returns
    -------
    HotspotResult
        `cells`: `count` (and `population, rate`), `I`, `z_score` (I under conditional randomisation), `p_value`
        (two-sided), `q_value`, `quadrant` (of every cell), `label` (high-high, low-low, high-low, low-high; none where
        not significant), `significant`. A cell without neighbours has I = 0 and nan for the rest.

    Raises
    ------
    InputError, SettingError
        As `getis_ord`, and for a matrix with a diagonal.

    Notes
    -----
    Given its own value, a cell's I depends on the neighbours' sum only, so `z_score` is Gi's (without star) with the
    sign of c_i, and the permutation p is Gi's too. Local Moran sorts the same evidence into four kinds.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> counts = pd.Series([20, 25, 20, 3, 2, 1, 2, 3, 2, 1], name="count")
    >>> lisa = local_moran(counts, line, permutations=0, fdr=None)
    >>> lisa.cells[["I", "p_value", "quadrant", "label"]].round(3).head(3)
                 I  p_value   quadrant      label
    cell_id
    0        2.236    0.033  high-high  high-high
    1        2.236    0.005  high-high  high-high
    2        0.798    0.192  high-high       none

    References
    ----------
    Assunção & Reis (1999), Statistics in Medicine 18, 2147–2162.
    Anselin (1995), Geographical Analysis 27, 93–115. Sokal, Oden & Thomson (1998), Geographical Analysis 30, 331–354.
    """
    level, how = correction_in_use(fdr, correction)
    permutations = whole_number(permutations, "permutations", least=0)
    refine = whole_number(refine, "refine", least=1)
    row_standardise = true_or_false(row_standardise, "row_standardise")
    count, index = cell_values(counts, grid)
    about = enough_incidents(counts, count)
    if population is not None and about.kind in OF_UNKNOWN_LAW:
        counts_only(counts, "local_moran with population=")
    weights = neighbour_weights(grid, order=order, distance_m=distance_m, n=len(count))
    refuse_diagonal(weights, "Local Moran's I")
    people, kept, columns, notes = people_by_cell(count, index, population, grid)
    x = count if people is None else standardised_rates(count[kept], people[kept])
    weights = weights if kept.all() else weights[kept][:, kept]
    weights = row_standardised(weights) if row_standardise else weights
    c = x - x.mean()
    lag = weights @ c
    z = np.sign(c) * gi_z(x, weights, star=False)
    if permutations:
        p = permutation_p(x, weights, permutations, seed_from(random_state), refine=refine)
        p[np.isnan(z)] = np.nan
    else:
        p = 2 * scipy.special.ndtr(-np.abs(z))
    if np.isnan(z).any():
        notes.append(Note("hotspots.cells_not_tested", n=int(np.isnan(z).sum())))
    p = spread_out(p, kept)
    q = adjust_p(p, "fdr" if how == "none" else how)
    significant = (p if how == "none" else q) <= (0.05 if level is None else level)
    quadrant = np.full(len(count), "none", dtype=object)
    quadrant[kept] = np.where(
        c > 0, np.where(lag > 0, "high-high", "high-low"), np.where(lag > 0, "low-high", "low-low")
    )
    notes += coarseness_notes(p, significant, refine * permutations, how)
    columns |= {
        "I": spread_out((len(x) - 1) * c * lag / (c @ c), kept),
        "z_score": spread_out(z, kept),
        "p_value": p,
        "q_value": q,
        "quadrant": quadrant,
        "label": np.where(significant, quadrant, "none"),
        "significant": significant,
    }
    params = {
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        **carried_over(counts),
        "row_standardise": row_standardise,
        "fdr": level,
        "correction": how,
        "population": population if isinstance(population, str) else population is not None,
        "permutations": permutations,
        "refine": refine,
        "random_state": random_state,
        "null": "shuffled_neighbours" if population is None else "population",
    }
    return HotspotResult(named_cells(columns, index, grid), "local_moran", params, notes=tuple(notes))
