"""Is there any pattern at all over the whole territory, before anyone points at a cell?

Three answers in one number each. Moran's I: do neighbours resemble each other (above its expectation), or
alternate (below)? Geary's C: the same by squared differences, 1 without pattern and *below* 1 when neighbours
resemble each other. Getis and Ord's G: is it the high values that gather (above), or the low ones (below)?

Source: Cliff & Ord 1981; Getis & Ord 1992.
"""

import numpy as np
import pandas as pd
import scipy
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.counts_table import about_counts
from gridmap.hotspots.cell_vectors import cell_population, cell_values, require_incidents
from gridmap.hotspots.count_checks import carried_over, counts_only
from gridmap.hotspots.neighbours import neighbour_weights, refuse_diagonal, row_standardised
from gridmap.hotspots.permutations import two_sided_p
from gridmap.hotspots.rates import standardised_rates
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import GlobalResult
from gridmap.hotspots.significance import seed_from, true_or_false, whole_number
from gridmap.messages import Note, did_you_mean

__all__ = ["global_geary", "global_getis_ord", "global_moran"]

#: Of weighted sums, one heavy incident makes no moments of a normal law: of 600 incidents, one of which weighed 10,000
#: and the others 1, Geary's C raised alarms on 0.32 of the maps. Their p is from so many rearrangements.
SHUFFLES_OF_WEIGHTS = 999
#: What a global statistic says: its value, what chance would bring, and how far it is from that.
STATISTIC_COLUMNS = ("statistic", "expected", "z_score", "p_value")


@hotspot_method(
    draws="statistic",
    unit="statistic",
    facts="chance",
    null="shuffled",
    columns=STATISTIC_COLUMNS,
    at_risk="population",
)
def global_moran(
    values,
    adjacency,
    *,
    order: int = 1,
    distance_m: float | None = None,
    row_standardise: bool = True,
    assumption: str = "normality",
    population=None,
    permutations: int = 0,
    random_state=None,
) -> GlobalResult:
    """Moran's I: do neighbours resemble each other?

    With deviations from the mean c and S0 = Σ w_ij, I = (n / S0) Σ w_ij c_i c_j / Σ c_i²; expected −1 / (n − 1).

    Parameters
    ----------
    values : Series, frame with a column `count`, or array, shape (n,)
        One number a cell: rates or any measurement. A frame, or a Series named `count`, is counts of incidents.
    adjacency : scipy sparse, shape (n, n), or Grid
        Weights ≥ 0, symmetric or not, nothing on the diagonal. A cell without neighbours stays in n and in the mean.
    order, distance_m
        The neighbours on a `Grid`, as in `getis_ord`.
    row_standardise : bool
        Each cell's weights sum to 1, so that every cell with neighbours has the same say.
    assumption : {"normality", "randomisation"}
        Where `p_value` comes from. Both sets of moments are always in the result.
    population : Series, array or name of a column of the grid's cells, optional
        The values are then counts, and I is of their rates, standardised to equal variance (Assunção & Reis's
        empirical-Bayes Moran): the small numbers of small places make no pattern. Nobody may live in no cell.
    permutations : int
        Above 0: `p_value` from so many rearrangements of the values, twice the smaller tail. 0: from the normal law;
        of weighted sums (`count_by_cell(weight=…)`), for which that does not hold, from 999 rearrangements.
    random_state : int or Generator, optional

    Returns
    -------
    GlobalResult
        `.I`, `.expected`, `.p_value` (two-sided), …

    Raises
    ------
    InputError
        Constant or missing values, counts of fewer than 30 incidents, no neighbours, a diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> moran = global_moran(np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1]), line)
    >>> round(moran.I, 4), round(moran.expected, 4), round(moran.p_value, 4)
    (0.8251, -0.1111, 0.0021)

    References
    ----------
    Moran (1950), Biometrika 37, 17–23. Assunção & Reis (1999), Statistics in Medicine 18, 2147–2162.
    Cliff & Ord (1981), Spatial Processes, ch. 2.
    """
    x, weights = _checked(values, adjacency, order, distance_m, row_standardise, "Moran's I")
    if population is not None:
        x = _of_equal_variance(values, x, adjacency, population)
    n, (s0, s1, s2) = len(x), _sums(weights)
    c = x - x.mean()

    def moran(columns: np.ndarray) -> np.ndarray:
        return n / s0 * (columns * (weights @ columns)).sum(axis=0) / (c @ c)

    expected = -1 / (n - 1)
    kurtosis = n * (c**4).sum() / (c @ c) ** 2
    normal = (n**2 * s1 - n * s2 + 3 * s0**2) / ((n**2 - 1) * s0**2) - expected**2
    a = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    b = kurtosis * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    randomised = (a - b) / ((n - 1) * (n - 2) * (n - 3) * s0**2) - expected**2
    params = _params(values, order, distance_m, row_standardise, assumption, permutations, random_state)
    params |= {"population": population if isinstance(population, str) else population is not None}
    return _result("global_moran", moran, c, expected, normal, randomised, params)


def _of_equal_variance(values, count: np.ndarray, grid, population) -> np.ndarray:
    counts_only(values, "global_moran with population=")
    people = cell_population(population, grid, count)
    if (people <= 0).any():
        raise InputError(Note("hotspots.nobody_somewhere", n=int((people <= 0).sum())))
    return standardised_rates(count, people)


@hotspot_method(draws="statistic", unit="statistic", facts="chance", null="shuffled", columns=STATISTIC_COLUMNS)
def global_geary(
    values,
    adjacency,
    *,
    order: int = 1,
    distance_m: float | None = None,
    row_standardise: bool = True,
    assumption: str = "normality",
    permutations: int = 0,
    random_state=None,
) -> GlobalResult:
    """Geary's C: how different are neighbours?

    C = (n − 1) Σ w_ij (x_i − x_j)² / (2 S0 Σ c_i²); expected 1, *less* when neighbours resemble each other.

    Parameters
    ----------
    values, adjacency, order, distance_m, row_standardise, assumption, permutations, random_state
        As in `global_moran`, which also names the errors.

    Returns
    -------
    GlobalResult
        `.C`, `.expected`, `.p_value` (two-sided), …

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> geary = global_geary(np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1]), line)
    >>> round(geary.C, 4), round(geary.p_value, 4)
    (0.1934, 0.0043)

    References
    ----------
    Geary (1954), The Incorporated Statistician 5, 115–145. Cliff & Ord (1981), Spatial Processes, ch. 2.
    """
    x, weights = _checked(values, adjacency, order, distance_m, row_standardise, "Geary's C")
    n, (s0, s1, s2) = len(x), _sums(weights)
    c = x - x.mean()
    out, into = weights.sum(axis=1), weights.sum(axis=0)

    def geary(columns: np.ndarray) -> np.ndarray:
        squares = columns**2  # Σ w (x_i − x_j)² = Σ w_i. x_i² + Σ w_.j x_j² − 2 Σ w x_i x_j
        apart = (out + into) @ squares - 2 * (columns * (weights @ columns)).sum(axis=0)
        return (n - 1) * apart / (2 * s0 * (c @ c))

    k = n * (c**4).sum() / (c @ c) ** 2
    normal = ((2 * s1 + s2) * (n - 1) - 4 * s0**2) / (2 * (n + 1) * s0**2)
    randomised = (
        (n - 1) * s1 * (n**2 - 3 * n + 3 - (n - 1) * k)
        - (n - 1) * s2 * (n**2 + 3 * n - 6 - (n**2 - n + 2) * k) / 4
        + s0**2 * (n**2 - 3 - (n - 1) ** 2 * k)
    ) / (n * (n - 2) * (n - 3) * s0**2)
    params = _params(values, order, distance_m, row_standardise, assumption, permutations, random_state)
    return _result("global_geary", geary, c, 1.0, normal, randomised, params)


@hotspot_method(draws="statistic", unit="statistic", facts="chance", null="shuffled", columns=STATISTIC_COLUMNS)
def global_getis_ord(
    values,
    adjacency,
    *,
    order: int = 1,
    distance_m: float | None = None,
    permutations: int = 0,
    random_state=None,
) -> GlobalResult:
    """Getis and Ord's general G: is it the high values that gather, or the low ones?

    G = Σ w_ij x_i x_j / Σ_{i≠j} x_i x_j; expected S0 / (n (n − 1)). Its moments are those under randomisation.

    Parameters
    ----------
    values : Series, frame with a column `count`, or array, shape (n,)
        0 or more.
    adjacency : scipy sparse, shape (n, n), or Grid
        Usually 0/1; other weights are used as they are. Nothing on the diagonal.
    order, distance_m, permutations, random_state
        As in `global_moran`.

    Returns
    -------
    GlobalResult
        `.G`; above `.expected` where high values gather.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> general = global_getis_ord(np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1]), line)
    >>> round(general.G, 4), round(general.expected, 4), round(general.p_value, 4)
    (0.4532, 0.2, 0.0135)

    References
    ----------
    Getis & Ord (1992), Geographical Analysis 24, 189–206.
    """
    x, weights = _checked(values, adjacency, order, distance_m, False, "The general G")
    if (x < 0).any():
        raise InputError(Note("hotspots.general_g_negative", n=int((x < 0).sum())))
    n, (s0, s1, s2) = len(x), _sums(weights)
    x = x / x.mean()  # the moments add fourth powers: keep them near 1
    m1, m2, m3, m4 = ((x**power).sum() for power in (1, 2, 3, 4))

    def general(columns: np.ndarray) -> np.ndarray:
        return (columns * (weights @ columns)).sum(axis=0) / (m1**2 - m2)

    expected = s0 / (n * (n - 1))
    b0 = (n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2
    b1 = -((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    b2 = -(2 * n * s1 - (n + 3) * s2 + 6 * s0**2)
    b3 = 4 * (n - 1) * s1 - 2 * (n + 1) * s2 + 8 * s0**2
    b4 = s1 - s2 + s0**2
    second = b0 * m2**2 + b1 * m4 + b2 * m1**2 * m2 + b3 * m1 * m3 + b4 * m1**4
    second /= (m1**2 - m2) ** 2 * n * (n - 1) * (n - 2) * (n - 3)
    params = _params(values, order, distance_m, False, "randomisation", permutations, random_state)
    return _result("global_getis_ord", general, x, expected, np.nan, second - expected**2, params)


def _checked(values, adjacency, order, distance_m, row_standardise, statistic) -> tuple[np.ndarray, sparse.csr_array]:
    row_standardise = true_or_false(row_standardise, "row_standardise")
    x, _ = cell_values(values, adjacency)
    if isinstance(values, pd.DataFrame) or getattr(values, "name", None) == "count":
        require_incidents(x)
    elif np.ptp(x) == 0:
        raise InputError(Note("hotspots.values_alike", n=len(x), value=x[0]))
    if len(x) < 4:
        raise InputError(Note("hotspots.needs_four_cells", statistic=statistic, n=len(x)))
    weights = neighbour_weights(adjacency, order=order, distance_m=distance_m, n=len(x))
    refuse_diagonal(weights, statistic)
    return x, row_standardised(weights) if row_standardise else weights


def _sums(weights: sparse.csr_array) -> tuple[float, float, float]:
    """S0, S1 and S2 of Cliff & Ord, for weights that need not be symmetric."""
    both = weights + weights.T
    return weights.sum(), (both.data**2).sum() / 2, ((weights.sum(axis=1) + weights.sum(axis=0)) ** 2).sum()


def _params(values, order, distance_m, row_standardise, assumption, permutations, random_state) -> dict:
    known = ("normality", "randomisation")
    if assumption not in known:
        raise SettingError(
            Note("hotspots.assumption_unknown", assumption=assumption, meant=did_you_mean(assumption, known))
        )
    permutations = whole_number(permutations, "permutations", least=0)
    if not permutations and about_counts(values).kind == "weighted":
        permutations, random_state = SHUFFLES_OF_WEIGHTS, 0 if random_state is None else random_state
    return carried_over(values) | {
        "order": order if distance_m is None else None,
        "distance_m": distance_m,
        "row_standardise": bool(row_standardise),
        "assumption": assumption,
        "permutations": permutations,
        "random_state": random_state,
    }


def _result(method, statistic, x, expected, normal, randomised, params) -> GlobalResult:
    observed = float(statistic(x[:, None])[0])
    z = [(observed - expected) / np.sqrt(v) if v > 0 else np.nan for v in (normal, randomised)]
    p = [2 * scipy.special.ndtr(-abs(v)) for v in z]
    by_permutation = np.nan
    if params["permutations"]:
        by_permutation = _permuted_p(statistic, x, observed, params["permutations"], params["random_state"])
    by_assumption = p[0] if params["assumption"] == "normality" else p[1]
    return GlobalResult(
        statistic=observed,
        expected=float(expected),
        p_value=float(by_permutation if params["permutations"] else by_assumption),
        variance_normality=float(normal),
        z_normality=float(z[0]),
        p_normality=float(p[0]),
        variance_randomisation=float(randomised),
        z_randomisation=float(z[1]),
        p_randomisation=float(p[1]),
        p_permutation=float(by_permutation),
        method=method,
        params=params,
    )


def _permuted_p(statistic, x: np.ndarray, observed: float, permutations: int, random_state) -> float:
    """Two-sided p over rearrangements of all values, some at a time."""
    rng = np.random.default_rng(seed_from(random_state))
    tie = 1e-10 * max(abs(observed), 1e-300)
    at_least = at_most = 0
    batch = max(1, min(permutations, 4_000_000 // len(x)))
    for start in range(0, permutations, batch):
        deals = np.repeat(x[:, None], min(batch, permutations - start), axis=1)
        drawn = statistic(rng.permuted(deals, axis=0))
        at_least += int((drawn >= observed - tie).sum())
        at_most += int((drawn <= observed + tie).sum())
    return float(two_sided_p(np.asarray(at_least), np.asarray(at_most), permutations))
