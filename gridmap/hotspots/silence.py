"""Which cells are too quiet to be true?

A cell in which next to nothing is reported, though its neighbours and its population would let one expect a good
deal, is either safe or silent: a unit scored on having no incidents, a post that is not manned, a road name that no
address search finds. `quiet_cells` finds the improbably quiet ones and calls them *possibly under-reported*, never
safe. What made them quiet the numbers cannot say; somebody has to go and look.

Each cell is compared with what its neighbours (not itself) let one expect. Few neighbours say little, so their rate
is drawn towards that of the whole territory (empirical Bayes, Marshall 1991). How far cells usually stray from this
expectation is learned from all cells (the size of a negative binomial distribution, by maximum likelihood), and a
cell is quiet when so low a count or a lower one would be rare by that measure. Where neighbours differ much from each
other, little counts as improbable: the method is careful rather than eager.

Source: Clayton & Kaldor 1987; Marshall 1991; Benjamini & Hochberg 1995.
"""

import numpy as np
import scipy
from scipy import sparse

from gridmap.errors import InputError
from gridmap.grids.base import Grid
from gridmap.hotspots.cell_vectors import as_counts, cell_population, cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import counts_only
from gridmap.hotspots.neighbours import neighbour_weights
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p, correction_in_use
from gridmap.messages import Note

__all__ = ["QUIET", "quiet_cells"]

#: What a quiet cell is called.
QUIET = "possibly under-reported"
LARGEST_SIZE = 1e7  # above this a negative binomial is a Poisson distribution to all digits that matter


@hotspot_method(
    draws="labels",
    scale="quiet",
    amount="expected",
    facts="quiet",
    null="neighbours_expect",
    at_risk="population",
    columns=("count", "population", "expected", "ratio", "p_value", "q_value", "label"),
)
def quiet_cells(
    counts,
    grid,
    *,
    population=None,
    order: int = 1,
    distance_m: float | None = None,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
) -> HotspotResult:
    """Cells that report improbably little, given their neighbours and their population.

    With cases c_j and population n_j of the neighbours j of cell i, and a gamma prior of mean m and variance A for
    rates (m the territory's rate, A Marshall's moment estimate)::

        rate_i = (Σ_j c_j + m² / A) / (Σ_j n_j + m / A),   expected_i = n_i · rate_i
        p_i    = P(X ≤ c_i),   X negative binomial with mean expected_i and size k

    k is fitted to all cells. With A = 0 (no more variation than chance) every cell has the rate m.

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, or Series
        Whole numbers, zeros included.
    grid : Grid or adjacency
        As in `getis_ord`.
    population : Series, array or name of a column of `grid.cells`, optional
        Persons or households. Without it, hexagons and squares are expected to hold cases in proportion to their
        area inside the territory, zones and cells of a bare adjacency one like the other.
    order, distance_m
        Neighbours, as in `getis_ord`. Wider ones see through a silence that spans several cells.
    fdr : float or None
        Cells with q ≤ fdr are labelled. None: those with p ≤ 0.05, uncorrected.
    correction : {"fdr", "fdr_by", "holm", "bonferroni", "none"} or None
        As in `getis_ord`.

    Returns
    -------
    HotspotResult
        `cells`: `count, population` (or the area or 1 in its place), `expected, ratio` (count / expected), `p_value,
        q_value, label`: "possibly under-reported" or "none". Cells that cannot be judged (no neighbours, nobody
        there) have nan and "none". `params["size"]` is k: small where cells differ much for unknown reasons.

    Raises
    ------
    InputError
        Fewer than 30 incidents, all in one cell, no neighbours, cases where the population is 0.

    Examples
    --------
    Twenty cells in a row with about 20 cases each; the eighth reports two:

    >>> import numpy as np, pandas as pd
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(19), np.ones(19)], offsets=[-1, 1])
    >>> counts = pd.Series(np.random.default_rng(3).poisson(20, 20))
    >>> counts[7] = 2
    >>> quiet = quiet_cells(counts, line).cells
    >>> quiet.loc[quiet["label"] != "none", ["count", "label"]]
             count                    label
    cell_id
    7            2  possibly under-reported

    References
    ----------
    Clayton & Kaldor (1987), Biometrics 43, 671–681. Marshall (1991), Applied Statistics 40, 283–294.
    """
    level, how = correction_in_use(fdr, correction)
    count, index = cell_values(counts, grid)
    counts_only(counts, "quiet_cells")
    require_incidents(count, variation=False)
    people, measured = _exposure(population, grid, count, index)
    weights = neighbour_weights(grid, order=order, distance_m=distance_m, n=len(count))
    weights = sparse.csr_array(weights - sparse.diags_array(weights.diagonal(), format="csr"))
    near_cases, near_people = weights @ count, weights @ people
    tested = (people > 0) & (near_people > 0)
    if not tested.any():
        raise InputError(Note("hotspots.nothing_expected"))
    mean, variance = _prior(count[people > 0], people[people > 0])
    if variance > 0:
        rate = (near_cases + mean**2 / variance) / (near_people + mean / variance)
    else:
        rate = np.full(len(count), mean)
    expected = np.where(tested, people * rate, np.nan)
    size = _size(count[tested], expected[tested])
    p = np.full(len(count), np.nan)
    p[tested] = scipy.stats.nbinom.cdf(count[tested], size, size / (size + expected[tested]))
    q = adjust_p(p, "fdr" if how == "none" else how)
    quiet = p <= 0.05 if how == "none" else q <= level
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = count / expected
    columns = {
        "count": as_counts(count),
        "population": people,
        "expected": expected,
        "ratio": ratio,
        "p_value": p,
        "q_value": q,
        "label": np.where(quiet & (count < np.nan_to_num(expected)), QUIET, "none").astype(object),
    }
    notes = []
    if not tested.all():
        notes.append(Note("hotspots.not_judged", n=int((~tested).sum())))
    cut = level if how == "none" or level is None else level / tested.sum()
    least = float(size * np.expm1(-np.log(cut or 0.05) / size))
    notes.append(Note("hotspots.smallest_expected", least=least, n=int((expected[tested] >= least).sum())))
    able = scipy.stats.nbinom.pmf(0, size, size / (size + expected[tested]))
    if how != "none" and (able > level / tested.sum()).all():
        notes.append(Note("hotspots.silence_or_chance"))
    params = {
        "smallest_expected": least,
        "population": population if isinstance(population, str) else measured,
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        "fdr": level,
        "correction": how,
        "size": float(size),
        "prior_mean": float(mean),
        "prior_variance": float(variance),
    }
    return HotspotResult(named_cells(columns, index, grid), "quiet_cells", params, notes=tuple(notes))


def _exposure(population, grid, count: np.ndarray, index) -> tuple[np.ndarray, str]:
    """What a cell's count is expected to be proportional to, and its name."""
    if population is not None:
        return cell_population(population, grid, count, index), "given"
    if isinstance(grid, Grid) and "share_inside" in grid.cells:
        return (grid.cells["area_m2"] * grid.cells["share_inside"]).to_numpy(float), "area inside the territory"
    return np.ones(len(count)), "equal for all cells"


def _prior(count: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """Mean and variance of the cells' true rates by Marshall's moments."""
    mean = count.sum() / people.sum()
    spread = (people * (count / people - mean) ** 2).sum() / people.sum()
    return mean, max(0.0, spread - mean / people.mean())


def _size(count: np.ndarray, expected: np.ndarray) -> float:
    """Size of the negative binomial around the expectations, by maximum likelihood."""

    def lack_of_fit(log_size):
        size = np.exp(log_size)
        return -scipy.stats.nbinom.logpmf(count, size, size / (size + expected)).sum()

    found = scipy.optimize.minimize_scalar(lack_of_fit, bounds=(np.log(1e-3), np.log(LARGEST_SIZE)), method="bounded")
    return float(np.exp(found.x))
