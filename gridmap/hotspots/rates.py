"""How many per thousand residents, and what can be claimed of a place with three cases?

A rate of few cases leaps: one burglary among forty residents tops every league table. So a rate comes with its
exact interval, with the funnel it would stay in by chance, and with an estimate that borrows strength: empirical
Bayes draws a rate towards the mean of all (or of the neighbourhood), the more the smaller its population.

Source: Garwood 1936 (interval); Marshall 1991 (empirical Bayes); Spiegelhalter 2005 (funnel).
"""

import numpy as np
import scipy
from scipy import sparse

from gridmap._intervals import poisson_interval
from gridmap._moved import in_former_order
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.cell_vectors import as_counts, cell_population, cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import counts_only
from gridmap.hotspots.neighbours import neighbour_weights, refuse_diagonal
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p, binomial_p, correction_in_use, direction_labels, whole_number
from gridmap.messages import Note

__all__ = ["empirical_bayes", "funnel_limits", "incident_rates", "standardised_rates"]

SMALL_NUMBER = 20  # below this a rate's standard error is more than 22 % of it


@hotspot_method(
    draws="labels",
    scale="rates",
    unit="rate",
    amount="rate",
    facts="rates",
    null="one_rate",
    at_risk="population",
    optional=("rate_eb_local",),
    columns=(
        "count",
        "population",
        "rate",
        "rate_low",
        "rate_high",
        "expected",
        "ratio",
        "ratio_low",
        "ratio_high",
        "rate_eb",
        "funnel_95_low",
        "funnel_95_high",
        "funnel_998_low",
        "funnel_998_high",
        "funnel",
        "p_value",
        "q_value",
        "label",
        "significant",
        "small_number",
    ),
)
@in_former_order("counts, population", lambda given: isinstance(given[1], str) or np.ndim(given[1]) == 1)
def incident_rates(
    counts,
    grid=None,
    *,
    population,
    per: float = 1000,
    expected=None,
    confidence: float = 0.95,
    least_count: int = SMALL_NUMBER,
    order: int = 1,
    distance_m: float | None = None,
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
) -> HotspotResult:
    """Rates per 1,000 persons or households, with what chance alone would do to them.

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, or Series
        Incidents a cell, zeros included.
    grid : Grid or adjacency, optional
        With it: smoothing within the neighbourhood (`rate_eb_local`), and geometry in the result.
    population : Series, array, or the name of a column of `grid.cells`
        Persons, households, shops, … a cell; the same cells in the same order. 0 only where nothing happened.
    per : float
        Rates are per so many.
    expected : Series or array, optional
        Expected incidents a cell, standardised by the caller (by age, by kind of housing). By default the cell's share
        of the population times all incidents.
    confidence : float
        Of the intervals.
    least_count : int
        Below so many incidents a cell is flagged in `small_number`.
    order, distance_m
        The neighbours, as in `getis_ord`; for `rate_eb_local` only.
    fdr, correction
        As in `getis_ord`: how `q_value` and the labels are made from `p_value`.

    Returns
    -------
    HotspotResult
        `cells`: `count, population, rate, rate_low, rate_high` (Garwood's exact interval), `expected, ratio` (count /
        expected, the standardised ratio), `ratio_low, ratio_high, rate_eb` (drawn to the overall rate), `rate_eb_local`
        (drawn to the neighbourhood's; with a grid), `funnel_95_low, funnel_95_high, funnel_998_low, funnel_998_high`
        (rates between which 95 % and 99.8 % of places like this one lie by chance), `funnel` (within, above 95, above
        99.8, below 95, below 99.8), `p_value` (exact, two-sided, of count against expected), `q_value`, `label` (high
        99, high 95, high 90, none, low 90, low 95, low 99), `significant, small_number`. All but `count, population,
        expected` are nan in a cell of population 0.

    Raises
    ------
    InputError
        Cases where the population is 0, fewer than 30 incidents, all in one cell, cells that do not match.

    Examples
    --------
    >>> import pandas as pd
    >>> counts = pd.Series([3, 40, 12], index=["a", "b", "c"])
    >>> people = pd.Series([150, 4_000, 2_000], index=["a", "b", "c"])
    >>> rates = incident_rates(counts, population=people)
    >>> rates.cells[["rate", "rate_low", "rate_high", "rate_eb", "small_number"]].round(1)
             rate  rate_low  rate_high  rate_eb  small_number
    cell_id
    a        20.0       4.1       58.4      9.3          True
    b        10.0       7.1       13.6      9.5         False
    c         6.0       3.1       10.5      8.0          True

    References
    ----------
    Garwood (1936), Biometrika 28, 437–442. Marshall (1991), Applied Statistics 40, 283–294.
    Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.
    """
    level, how = correction_in_use(fdr, correction)
    for name, value in (("per", per), ("confidence", confidence)):
        good = isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 < value < np.inf
        if not good or (name == "confidence" and value >= 1):
            if name == "confidence":
                raise SettingError(Note("hotspots.confidence", found=value))
            raise SettingError(Note("hotspots.size_above_zero", name=name, found=f"{value!r}"))
    least_count = whole_number(least_count, "least_count", least=0)
    count, index = cell_values(counts, grid)
    counts_only(counts, "incident_rates")
    require_incidents(count, variation=False)
    people = cell_population(population, grid, count, index)
    lived = people > 0
    if expected is None:
        share = people / people.sum()
        e = share * count.sum()
        p = np.where(
            lived, binomial_p(count, np.full(len(count), count.sum()), np.clip(share, 1e-300, 1 - 1e-16)), np.nan
        )
    else:
        e, _ = cell_values(expected, grid, column="expected", what="expected counts")
        if len(e) != len(count) or (e[lived] <= 0).any() or (e < 0).any():
            raise InputError(Note("hotspots.expected_above_zero"))
        p = np.where(
            lived,
            np.minimum(1, 2 * np.minimum(scipy.stats.poisson.cdf(count, e), scipy.stats.poisson.sf(count - 1, e))),
            np.nan,
        )
    q = adjust_p(p, "fdr" if how == "none" else how)
    judged = p if how == "none" else q
    low, high = poisson_interval(count, confidence)
    scale = per / np.where(lived, people, np.nan)
    over = 1 / np.where(lived & (e > 0), e, np.nan)
    columns = {
        "count": as_counts(count),
        "population": people,
        "rate": count * scale,
        "rate_low": low * scale,
        "rate_high": high * scale,
        "expected": e,
        "ratio": count * over,
        "ratio_low": low * over,
        "ratio_high": high * over,
        "rate_eb": empirical_bayes(count, people) * per,
    }
    if grid is not None:
        weights = neighbour_weights(grid, order=order, distance_m=distance_m, n=len(count))
        refuse_diagonal(weights, "Local smoothing")
        columns["rate_eb_local"] = empirical_bayes(count, people, weights) * per
    funnel = np.full(len(count), "within", dtype=object)
    for name, coverage in (("95", 0.95), ("998", 0.998)):
        least, most = funnel_limits(e, coverage)
        columns |= {f"funnel_{name}_low": least * scale, f"funnel_{name}_high": most * scale}
        word = name.replace("998", "99.8")
        funnel[count > most] = f"above {word}"
        funnel[count < least] = f"below {word}"
    columns |= {
        "funnel": np.where(lived, funnel, np.array(None)),
        "p_value": p,
        "q_value": q,
        "label": direction_labels(count - e, judged, ("high", "low")),
        "significant": judged <= (0.05 if level is None else level),
        "small_number": count < least_count,
    }
    params = {"per": per, "confidence": confidence, "least_count": least_count, "fdr": level, "correction": how}
    params |= {"overall_rate": float(per * count.sum() / people.sum()), "expected": expected is not None}
    params |= {"overdispersion": _overdispersion(count[lived], e[lived])}
    if grid is not None:
        params |= {"order": order if distance_m is None else None, "distance_m": distance_m}
    return HotspotResult(
        named_cells(columns, index, grid), "incident_rates", params, notes=_notes(count, lived, params)
    )


def empirical_bayes(count: np.ndarray, people: np.ndarray, weights: sparse.csr_array | None = None) -> np.ndarray:
    """Marshall's empirical-Bayes rates, per head.

    With m the mean rate and v the variance of the true rates, estimated as s² − m / mean population and not below 0,
    a rate r of n persons becomes m + (r − m) v / (v + m / n).

    Parameters
    ----------
    count, people : ndarray of float, shape (n,)
    weights : csr_array, shape (n, n), optional
        Neighbours (any weight above 0 counts as one): m and v are then those of the cell and its neighbours.

    Returns
    -------
    ndarray of float, shape (n,); nan where nobody lives

    Examples
    --------
    >>> empirical_bayes(np.array([1., 30, 10]), np.array([20., 1000, 1000])).round(4).tolist()
    [0.0224, 0.028, 0.0121]
    """
    lived = people > 0
    rate = np.where(lived, count / np.where(lived, people, 1), 0.0)
    if weights is None:
        mean = count.sum() / people.sum()
        variance = (people * (rate - mean) ** 2).sum() / people.sum() - mean / people[lived].mean()
    else:
        near = sparse.csr_array((weights > 0).astype(float)) + sparse.eye_array(len(count), format="csr")
        living, cases = near @ people, near @ count
        living = np.where(living > 0, living, np.nan)
        mean = cases / living
        # Σ n (r − m)² over the neighbourhood, expanded: Σ n r² − 2 m Σ n r + m² Σ n
        spread = (near @ (people * rate**2) - 2 * mean * cases + mean**2 * living) / living
        variance = spread - mean / (living / (near @ lived.astype(float)))
    variance = np.maximum(variance, 0.0)
    chance = mean / np.where(lived, people, np.nan)
    total = variance + chance
    return mean + (rate - mean) * np.divide(variance, total, out=np.zeros_like(total), where=total > 0) + 0 * chance


def standardised_rates(count: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Assunção and Reis's empirical-Bayes rates, of equal variance whatever the population.

    With b = Σ count / Σ people and a the variance of the true rates (Marshall's, not below 0), a rate r of n people
    becomes (r − b) / √(a + b / n). Without this a cell of three people with one burglary outweighs every other.

    Parameters
    ----------
    count, people : ndarray of float, shape (n,)
        People above 0.

    Examples
    --------
    >>> standardised_rates(np.array([1.0, 30, 10]), np.array([20.0, 1000, 1000])).round(3).tolist()
    [0.899, 0.98, -1.04]

    References
    ----------
    Assunção & Reis (1999), Statistics in Medicine 18, 2147–2162.
    """
    rate, b = count / people, count.sum() / people.sum()
    a = (people * (rate - b) ** 2).sum() / people.sum() - b / people.mean()
    return (rate - b) / np.sqrt(max(a, 0.0) + b / people)


def funnel_limits(expected, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts between which a Poisson count of this expectation falls with the given probability.

    Exact quantiles, interpolated between whole numbers as Spiegelhalter does, so that the funnel is smooth.

    Examples
    --------
    >>> [v.round(2).tolist() for v in funnel_limits([10.0], 0.95)]
    [[3.78], [16.16]]
    """
    expected = np.asarray(expected, float)
    limits = []
    for target in ((1 - coverage) / 2, (1 + coverage) / 2):
        whole = scipy.stats.poisson.ppf(target, expected)
        mass = scipy.stats.poisson.pmf(whole, expected)
        part = (scipy.stats.poisson.cdf(whole, expected) - target) / np.where(mass > 0, mass, 1)
        limits.append(np.maximum(whole - part, 0.0))
    return limits[0], limits[1]


def _overdispersion(count: np.ndarray, expected: np.ndarray) -> float:
    """Variance over that of Poisson counts, by Pearson's statistic; 1 where only chance is at work.

    A cell that expects less than 1 has a say in proportion to what it expects: one incident where 0.001 are expected
    would otherwise outweigh the map.
    """
    there = expected > 0
    e, say = expected[there], np.minimum(expected[there], 1.0)
    chance = (say * (1 - e / e.sum())).sum()  # the counts sum to what is expected
    return float((say * (count[there] - e) ** 2 / e).sum() / chance)


def _notes(count: np.ndarray, lived: np.ndarray, params: dict) -> tuple[str, ...]:
    notes = []
    if not lived.all():
        notes.append(Note("hotspots.no_population_no_rate", n=int((~lived).sum())))
    few = int((count[lived] < params["least_count"]).sum())
    if few:
        notes.append(Note("hotspots.small_counts", few=few, value=params["least_count"]))
    if params["overdispersion"] > 2:
        notes.append(Note("hotspots.rates_spread", value=params["overdispersion"]))
    return tuple(notes)
