"""Which kinds go together, and have two patterns become one?

Two kinds can be in the same places only because both follow the people. The co-location quotient asks of each event of
one kind who its nearest neighbours are, and holds their kinds against those of all events: shuffling the kinds over
the same places keeps where people are, and breaks only what ties the kinds. It has a direction: disputes may lie
around fights without fights lying around disputes. The bivariate Moran's I asks the same of values of areas; as it
also takes in what both have in common within one and the same area, that correlation stands beside it; its local form
says in which areas. `cross_k` says up to which distance, with envelopes of a null that is named.

`similarity_of_patterns` compares two patterns area by area, as shares (Andresen's S): last year's and this year's, or
reports and convictions.

Source: Leslie & Kronenfeld 2011; Wang et al. 2017; Lee 2001; Lotwick & Silverman 1982; Baddeley, Møller & Waagepetersen
2000; Anselin, Syabri & Smirnov 2002; Andresen 2009; Wheeler, Steenbeek & Andresen 2018.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy import sparse

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.neighbours import given_weights
from gridmap.hotspots.significance import adjust_p, whole_number
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents
from gridmap.read.metric_projection import metric_crs_of_points, project
from gridmap.read.numbers import as_numbers, one_column

__all__ = [
    "CROSS_NULLS",
    "Colocation",
    "CrossK",
    "Similarity",
    "bivariate_moran",
    "colocation_quotient",
    "cross_k",
    "local_bivariate_moran",
    "similarity_of_patterns",
]


@dataclass(frozen=True, repr=False)
class Colocation(ShortForm):
    """How often the nearest neighbours of one kind are of another, against what chance gives.

    Attributes
    ----------
    quotient : DataFrame, from kind × to kind
        1 as chance has it; 2 twice as often.
    p_value, q_value : DataFrame
        Two-sided by permutation, and adjusted for all pairs (Benjamini & Hochberg); nan without permutations.
    count : DataFrame
        Neighbours of each kind found, by kind; a point with k neighbours gives each 1/k.
    local : DataFrame
        One row a point: `kind`, and by kind the quotient of its own neighbourhood.
    params : dict
    """

    quotient: pd.DataFrame
    p_value: pd.DataFrame
    q_value: pd.DataFrame
    count: pd.DataFrame
    local: pd.DataFrame
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        sure = int((self.q_value <= 0.05).to_numpy().sum())
        return f"Colocation: {len(self.local):,} points, {self.quotient.size} pairs of kinds, {sure} at 5 %"


def colocation_quotient(
    points: Any,
    kind: Any = "category",
    other: Any = None,
    *,
    k: int = 1,
    permutations: int = 999,
    random_state: int | None = None,
) -> Colocation:
    """Are the nearest neighbours of one kind more often of another than the kinds' numbers let one expect?

    CLQ(A → B) = (share of B among the neighbours of A) / (share of B among all other points).

    Parameters
    ----------
    points : Incidents, frame with lon and lat, or array of shape (n, 2) in metres
    kind : str or array
        A column, or one value a point: the kinds whose neighbours are looked at, and those looked for.
    other : str or array, optional
        Another kind of each point, looked for among the neighbours, as in regions to sizes of towns.
    k : int
        Nearest neighbours. Points at one place are neighbours at distance 0; ties beyond the k-th are taken in, each
        with the same weight, so the answer does not depend on the order of rows.
    permutations : int
        Shufflings of the kinds over the places; 0 for none.
    random_state : int

    Returns
    -------
    Colocation
        `.quotient`, `.p_value`, `.q_value`, `.local`.

    Raises
    ------
    InputError
        Fewer than k + 2 points, one kind only, a column that is not there.

    Examples
    --------
    >>> xy = [[0, 0], [1, 0], [0, 1.1], [5, 5], [6.05, 5], [5, 6.2], [10, 0], [11.3, 0], [10, 1.45], [20, 20]]
    >>> found = colocation_quotient(xy, list("aabbabcccb"), permutations=0)
    >>> found.quotient.loc["a"].tolist(), found.quotient.loc["b"].tolist()
    ([3.0, 0.75, 0.0], [1.5, 1.5, 0.0])

    References
    ----------
    Leslie & Kronenfeld (2011), Geographical Analysis 43, 306–326. Wang, Hu, Wang & Li (2017), IJGIS, local form.
    """
    k = whole_number(k, "k", least=1)
    permutations = whole_number(permutations, "permutations", least=0)
    xy, frame = _places(points)
    first = _labels(kind, frame, len(xy), "kind")
    second = first if other is None else _labels(other, frame, len(xy), "other")
    if len(xy) < k + 2 or len(np.unique(second)) < 2:
        raise InputError(Note("governance.too_few_points", n=len(xy), k=k, kinds=len(np.unique(second))))
    weights = _nearest(xy, k)
    rows, row = np.unique(first, return_inverse=True)
    cols, col = np.unique(second, return_inverse=True)
    is_row = sparse.csr_array((np.ones(len(xy)), (row, np.arange(len(xy)))), shape=(len(rows), len(xy)))
    n_row, n_col = np.bincount(row), np.bincount(col)
    # A point is not its own neighbour: of the n − 1 others, its own kind has one less (in two sets of
    # kinds there is no own kind: Leslie and Kronenfeld's N'_B is then N_B).
    left = n_col[None].repeat(len(rows), 0).astype(float)
    if other is None:
        left = left - np.eye(len(rows))
    expected = left / (len(xy) - 1)

    def counted(labels: np.ndarray) -> np.ndarray:
        hot = sparse.csr_array((np.ones(len(xy)), (np.arange(len(xy)), labels)), shape=(len(xy), len(cols)))
        return (is_row_of(labels) @ (weights @ hot)).toarray()

    def is_row_of(labels: np.ndarray) -> sparse.csr_array:
        if other is not None:
            return is_row
        return sparse.csr_array((np.ones(len(xy)), (labels, np.arange(len(xy)))), shape=(len(rows), len(xy)))

    seen = counted(col)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = seen / n_row[:, None] / expected
        near = (weights @ sparse.csr_array((np.ones(len(xy)), (np.arange(len(xy)), col)))).toarray()
        own = near / (n_col[None] - (col[:, None] == np.arange(len(cols)))) * (len(xy) - 1)
    p = np.full(seen.shape, np.nan)
    if permutations:
        rng = np.random.default_rng(random_state)
        more, less = np.ones(seen.shape), np.ones(seen.shape)
        for _ in range(permutations):
            shuffled = counted(rng.permutation(col))
            more += shuffled >= seen - 1e-9
            less += shuffled <= seen + 1e-9
        p = np.minimum(1, 2 * np.minimum(more, less) / (permutations + 1))
    q = adjust_p(p.ravel(), "fdr").reshape(p.shape) if permutations else p
    index, columns = pd.Index(rows, name="from"), pd.Index(cols, name="to")
    tables = [pd.DataFrame(v, index, columns) for v in (quotient, p, q, seen)]
    local = pd.DataFrame(own, columns=cols)
    local.insert(0, "kind", first)
    params = {"k": k, "permutations": permutations, "random_state": random_state}
    return Colocation(tables[0], tables[1], tables[2], tables[3], local, params)


def _places(points: Any) -> tuple[np.ndarray, pd.DataFrame | None]:
    """Coordinates in metres, and the frame where there is one."""
    points = as_incidents(points)
    if isinstance(points, Incidents):
        return points.xy_m(), points.to_frame()
    if isinstance(points, pd.DataFrame):
        if not {"lon", "lat"} <= set(points):
            raise InputError(Note("governance.no_column", found="lon", meant=did_you_mean("lon", map(str, points))))
        lon, lat = (as_numbers(one_column(points, c), c, missing=False) for c in ("lon", "lat"))
        return np.column_stack(project(lon, lat, metric_crs_of_points(lon, lat))), points
    xy = as_numbers(points, "points")
    if xy.ndim != 2 or xy.shape[1] != 2 or not np.isfinite(xy).all():
        raise InputError(Note("governance.no_xy", found=str(xy.shape)))
    return xy, None


def _labels(given: Any, frame: pd.DataFrame | None, n: int, name: str) -> np.ndarray:
    if isinstance(given, str):
        if frame is None or given not in frame:
            there = [] if frame is None else list(map(str, frame))
            raise InputError(Note("governance.no_column", found=given, meant=did_you_mean(given, there)))
        given = frame[given]
    labels = np.asarray(given, dtype=object)
    if labels.shape != (n,) or pd.isna(labels).any():
        raise InputError(Note("governance.one_label_each", name=name, n=n, found=len(labels)))
    return labels.astype(str)


def _nearest(xy: np.ndarray, k: int) -> sparse.csr_array:
    """Each point's k nearest others, with weights that add up to one; those as far as the k-th are taken in."""
    tree = scipy.spatial.cKDTree(xy)
    reach = tree.query(xy, k + 1)[0][:, -1]
    found = tree.query_ball_point(xy, reach * (1 + 1e-12) + 1e-12)
    row = np.repeat(np.arange(len(xy)), [len(f) for f in found])
    col = np.concatenate([np.asarray(f, int) for f in found])
    row, col = row[row != col], col[row != col]
    return sparse.csr_array((1 / np.bincount(row, minlength=len(xy))[row], (row, col)), shape=(len(xy),) * 2)


def bivariate_moran(
    x: Any, y: Any, weights: Any, *, permutations: int = 999, random_state: int | None = None
) -> pd.Series:
    """Is one value of an area tied to another value of the areas around it?

    Parameters
    ----------
    x, y : arrays of numbers, one an area
        `x` of the area itself, `y` of its neighbours.
    weights : sparse or dense matrix
        Neighbours; rows are standardised here.
    permutations : int
    random_state : int

    Returns
    -------
    Series
        `I`, `p_value` (two-sided, y shuffled over the areas), and `in_place`: the correlation of x and y within one
        area, without which `I` cannot be read; a high one leaks into `I` wherever y is clustered.

    Raises
    ------
    InputError
        Values of different lengths, or that do not vary.

    Examples
    --------
    >>> chain = np.eye(6, k=1) + np.eye(6, k=-1)
    >>> bivariate_moran([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], chain, permutations=0).round(3).to_dict()
    {'I': 0.714, 'p_value': nan, 'in_place': 1.0}

    References
    ----------
    Anselin, Syabri & Smirnov (2002). Lee (2001), J. Geographical Systems 3, 369–385, on the in-place correlation.
    """
    x, y = as_numbers(x, "x", missing=False), as_numbers(y, "y", missing=False)
    n, w = x.size, given_weights(weights).astype(float)
    if x.shape != (n,) or y.shape != (n,) or w.shape != (n, n) or not n or not x.std() or not y.std():
        raise InputError(Note("governance.bivariate", n=n, m=y.size, rows=w.shape[0]))
    total = w.sum(axis=1)
    w = sparse.diags_array(1 / np.where(total > 0, total, 1)) @ w
    a, b = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    around = w.T @ a  # so that a shuffled y needs one product
    found = float(around @ b / n)
    p = float("nan")
    if permutations:
        rng = np.random.default_rng(random_state)
        drawn = np.array([around @ rng.permutation(b) for _ in range(permutations)]) / n
        side = min((drawn >= found).sum(), (drawn <= found).sum())
        p = min(1.0, 2 * (1 + float(side)) / (permutations + 1))
    return pd.Series({"I": found, "p_value": p, "in_place": float(a @ b / n)})


@dataclass(frozen=True, repr=False)
class Similarity(ShortForm):
    """How alike two patterns are, area by area.

    Attributes
    ----------
    S : float
        Share of the areas whose share of the events does not differ.
    robust_S : float
        The same without areas that are empty in both, which are alike for no reason.
    table : DataFrame
        By area: `base, test` (counts), `share_base, share_test`, `difference` (test − base), and `chi2, p_value,
        q_value` or `low, high`; `label` ("more", "less", "none").
    method : str
    """

    S: float
    robust_S: float
    table: pd.DataFrame
    method: str

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"Similarity S = {self.S:.3f}, robust {self.robust_S:.3f}, {len(self.table):,} areas, by {self.method}"


def similarity_of_patterns(
    base: Any,
    test: Any,
    *,
    method: str = "difference",
    level: float = 0.05,
    samples: int = 200,
    share: float = 0.85,
    random_state: int | None = None,
) -> Similarity:
    """Do two patterns have the same share of their events in each area? Andresen's S.

    Parameters
    ----------
    base, test : Series or array of counts, one an area
    method : {"difference", "resampling"}
        "difference" tests each area's two shares (N − 1 chi², false discovery rate): it is the same either way round.
        "resampling" is the original: the test pattern alone is resampled, so it matters which one is called base.
    level : float
    samples, share, random_state
        Of the resampling: so many samples without replacement of that share of the test events; the base share must lie
        in the middle 1 − level of them.

    Returns
    -------
    Similarity

    Raises
    ------
    InputError
        Counts of different areas, or a pattern without events.

    Examples
    --------
    >>> similarity_of_patterns([20, 30, 50, 0], [22, 28, 10, 40])
    <Similarity S = 0.500, robust 0.500, 4 areas, by difference>

    References
    ----------
    Andresen (2009), Applied Geography 29, 333–345. Wheeler, Steenbeek & Andresen (2018), Transactions in GIS 22,
    760–774, for the difference test.
    """
    if method not in ("difference", "resampling"):
        meant = did_you_mean(str(method), ["difference", "resampling"])
        raise SettingError(Note("governance.similarity_method", found=str(method), meant=meant))
    index = base.index if isinstance(base, pd.Series) else pd.RangeIndex(np.size(base))
    if isinstance(base, pd.Series) and isinstance(test, pd.Series) and not base.index.equals(test.index):
        raise InputError(Note("governance.tables_differ", n=len(base), m=len(test)))
    a, b = as_numbers(base, "base", missing=False), as_numbers(test, "test", missing=False)
    whole = np.concatenate([a.ravel(), b.ravel()])
    if a.shape != b.shape or a.ndim != 1 or (whole < 0).any() or (whole % 1 != 0).any() or not a.sum() or not b.sum():
        raise InputError(Note("governance.two_patterns", n=a.size, m=b.size))
    m, n = a.sum(), b.sum()
    table = pd.DataFrame({"base": a, "test": b, "share_base": a / m, "share_test": b / n}, index=index)
    table["difference"] = table["share_test"] - table["share_base"]
    if method == "difference":
        pooled = (a + b) / (m + n)
        with np.errstate(divide="ignore", invalid="ignore"):
            chi2 = table["difference"] ** 2 / (pooled * (1 - pooled) * (1 / m + 1 / n)) * (m + n - 1) / (m + n)
        table["chi2"] = chi2.fillna(0.0)
        table["p_value"] = scipy.stats.chi2.sf(table["chi2"], 1)
        table["q_value"] = adjust_p(table["p_value"].to_numpy(), "fdr")
        differs = table["q_value"].to_numpy() <= level
    else:
        rng = np.random.default_rng(random_state)
        size = round(share * n)
        drawn = rng.multivariate_hypergeometric(b.astype(np.int64), size, size=samples) / size
        table["low"], table["high"] = np.quantile(drawn, [level / 2, 1 - level / 2], axis=0)
        differs = ((table["share_base"] < table["low"]) | (table["share_base"] > table["high"])).to_numpy()
    table["label"] = np.where(differs, np.where(table["difference"] > 0, "more", "less"), "none")
    lively = (a + b) > 0
    return Similarity(float(1 - differs.mean()), float(1 - differs[lively].mean()), table, method)


# --------------------------------------------------------------------------------------------------
# at which distance


#: What a cross-K is held against.
CROSS_NULLS = ("labels", "independence", "inhomogeneous")


@dataclass(frozen=True, repr=False)
class CrossK(ShortForm):
    """How many events of one kind lie within each distance of those of another, against a null.

    Attributes
    ----------
    table : DataFrame indexed by distance_m
        `K` (square metres: events within the distance, over their density), `expected` (mean of the simulations),
        `theory` (π r²), `low, high` (envelope at each distance by itself), `L` (√(K/π) − r).
    p_value : float
        Of the whole curve, all distances together: the largest deviation, in standard deviations of the simulations.
    together, apart : tuple of float
        Distances at which the curve leaves the envelope that holds for all distances at once, above and below.
    null : str
        One of `CROSS_NULLS`.
    params : dict
    """

    table: pd.DataFrame
    p_value: float
    together: tuple[float, ...]
    apart: tuple[float, ...]
    null: str
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"CrossK: {len(self.table)} distances, null {self.null!r}, p = {self.p_value:.3g}"


def cross_k(
    first: Any,
    second: Any,
    distances_m: Any = (50, 100, 200, 400, 800),
    *,
    null: str = "labels",
    window: tuple[float, float, float, float] | None = None,
    correction: str = "translate",
    bandwidth_m: float | None = None,
    simulations: int = 199,
    level: float = 0.05,
    random_state: int | None = None,
) -> CrossK:
    """Up to which distance do events of the second kind gather around those of the first?

    K₁₂(r) is the mean number of second events within r of a first one, divided by the density of the second. Without
    any tie it is π r² (homogeneous patterns); what "without any tie" means is the null.

    Parameters
    ----------
    first, second : Incidents, frame with lon and lat, or arrays of shape (n, 2) in metres
    distances_m : list of numbers, rising
    null : {"labels", "independence", "inhomogeneous"}
        "labels" shuffles the two kinds over all their places: what both owe to where people are is kept, only the tie
        between the kinds is broken. "independence" shifts the second pattern as a whole, round the rectangle: each
        pattern's own clustering is kept. "inhomogeneous" divides each pair by the smooth densities at both points
        (Baddeley, Møller & Waagepetersen 2000) and draws the second kind anew from its own smooth density: what both
        owe to a common broad density is taken out.
    window : (west, south, east, north) in metres, optional
        The study area; the rectangle around all points by default.
    correction : {"translate", "none"}
        Of edges: each pair is weighed by the share of the window that a pair so far apart can lie in.
    bandwidth_m : float, optional
        Of the smooth densities; the largest distance or a tenth of the window's side, whichever is more, by default.
        What both owe to a density that varies over shorter ways than this counts as a tie; docs/calibration.md.
    simulations : int
    level : float
        Of envelope and claim.
    random_state : int

    Returns
    -------
    CrossK
        `.table`, `.p_value`, `.together`, `.apart`.

    Raises
    ------
    InputError
        Fewer than two points of a kind, or points outside the window.
    SettingError
        Distances that do not rise, an unknown null or correction.

    Examples
    --------
    >>> first, second = [[10, 10], [50, 50], [90, 90]], [[10, 12], [52, 50], [90, 93], [30, 80]]
    >>> found = cross_k(first, second, [5, 60], window=(0, 0, 100, 100), correction="none", simulations=0)
    >>> found.table["K"].round(1).tolist()  # 3 and 8 of 12 pairs, times 10,000 square metres
    [2500.0, 6666.7]

    References
    ----------
    Lotwick & Silverman (1982), JRSS B 44, 406–413. Baddeley, Møller & Waagepetersen (2000), Statistica Neerlandica 54,
    329–350. Myllymäki et al. (2017), JRSS B 79, 381–404, for the test of the whole curve. Ohser (1983), translation.
    """
    if null not in CROSS_NULLS:
        raise SettingError(Note("governance.cross_null", found=str(null), meant=did_you_mean(str(null), CROSS_NULLS)))
    if correction not in ("translate", "none"):
        meant = did_you_mean(str(correction), ("translate", "none"))
        raise SettingError(Note("governance.cross_correction", found=str(correction), meant=meant))
    simulations = whole_number(simulations, "simulations", least=0)
    reach = np.atleast_1d(as_numbers(distances_m, "distances_m", missing=False))
    if reach.ndim != 1 or not len(reach) or (np.diff(reach) <= 0).any() or not reach[0] > 0:
        raise SettingError(Note("governance.bands", found=str(distances_m)))
    a, b = _two_patterns_of(first, second)
    if min(len(a), len(b)) < 2:
        raise InputError(Note("governance.cross_few", n=len(a), m=len(b)))
    both = np.vstack([a, b])
    box = np.r_[both.min(axis=0), both.max(axis=0)] if window is None else as_numbers(window, "window", missing=False)
    if box.shape != (4,):
        raise InputError(Note("governance.cross_window"))
    if (both < box[:2]).any() or (both > box[2:]).any() or not (box[2:] > box[:2]).all():
        raise InputError(Note("governance.cross_window"))
    size = box[2:] - box[:2]
    smooth = _Smooth(float(bandwidth_m or max(reach[-1], size.max() / 10)), box)

    def curve(x: np.ndarray, y: np.ndarray, density: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
        """K at each distance: pairs, weighed for edges and for densities."""
        pairs = scipy.spatial.cKDTree(x).sparse_distance_matrix(
            scipy.spatial.cKDTree(y), reach[-1] * (1 + 1e-12), output_type="coo_matrix"
        )
        i, j = pairs.row, pairs.col
        area = float(size.prod())
        weight = np.ones(len(i))
        if correction == "translate":
            weight = area / np.maximum((size - np.abs(x[i] - y[j])).prod(axis=1), 1e-9)
        if density is None:
            weight = weight * area / (len(x) * len(y))
        else:
            weight = weight / (density[0][i] * density[1][j]) / area
        at = np.searchsorted(reach, pairs.data * (1 - 1e-12))
        return np.cumsum(np.bincount(at, weight, minlength=len(reach) + 1)[: len(reach)])

    dense = (smooth.at(a, a, own=True), smooth.at(b, b, own=True)) if null == "inhomogeneous" else None
    seen = curve(a, b, dense)
    rng = np.random.default_rng(random_state)

    def drawn() -> np.ndarray:
        if null == "labels":
            mixed = rng.permutation(both)
            return curve(mixed[: len(a)], mixed[len(a) :])
        if null == "independence":
            return curve(a, box[:2] + (b - box[:2] + rng.uniform(0, size)) % size)
        other = smooth.draw(b, len(b), rng)
        return curve(a, other, (dense[0], smooth.at(other, other, own=True)))  # type: ignore[index]

    null_curves = np.array([drawn() for _ in range(simulations)]).reshape(simulations, len(reach))
    table, p, outside = _against(seen, null_curves, reach, level)
    params = {"null": null, "correction": correction, "simulations": simulations, "random_state": random_state}
    params |= {"bandwidth_m": smooth.bandwidth_m if null == "inhomogeneous" else None, "level": level}
    far = [tuple(float(r) for r in reach[outside == side]) for side in (1, -1)]
    return CrossK(table, p, far[0], far[1], null, params)


def _two_patterns_of(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both patterns in metres, in one projection."""
    frames = [p.to_frame(["lon", "lat"]) if isinstance(p, Incidents) else p for p in map(as_incidents, (first, second))]
    for name, frame in zip(("first", "second"), frames, strict=True):
        if isinstance(frame, str) or (isinstance(frame, pd.DataFrame) and not {"lon", "lat"} <= set(frame.columns)):
            raise InputError(wrong_kind(name, "points", frame))
    if all(isinstance(f, pd.DataFrame) for f in frames):
        both = pd.concat([f[["lon", "lat"]] for f in frames])
        xy, _ = _places(both.dropna())
        n = int(frames[0][["lon", "lat"]].notna().all(axis=1).sum())
        return xy[:n], xy[n:]
    return _places(frames[0])[0], _places(frames[1])[0]


class _Smooth:
    """A Gaussian density within a rectangle, corrected for what leaks over its edges; and draws from it."""

    def __init__(self, bandwidth_m: float, box: np.ndarray):
        self.bandwidth_m, self.box = bandwidth_m, box

    def at(self, places: np.ndarray, events: np.ndarray, *, own: bool = False) -> np.ndarray:
        """Events per square metre at each place; with `own` an event does not count at its own place."""
        h = self.bandwidth_m
        out = np.zeros(len(places))
        for k in range(0, len(places), 500):
            kernel = scipy.spatial.distance.cdist(places[k : k + 500], events, "sqeuclidean")
            kernel /= -2 * h * h
            out[k : k + 500] = np.exp(kernel, out=kernel).sum(axis=1) / (2 * np.pi * h * h)
        if own:
            out = (out - 1 / (2 * np.pi * h * h)) * len(events) / max(len(events) - 1, 1)
        floor = 1e-3 * len(events) / float((self.box[2:] - self.box[:2]).prod())
        return np.maximum(out / self._inside(places), floor)

    def _inside(self, places: np.ndarray) -> np.ndarray:
        """The share of a kernel at each place that lies within the rectangle."""
        h = self.bandwidth_m
        return (scipy.special.ndtr((self.box[2:] - places) / h) - scipy.special.ndtr((self.box[:2] - places) / h)).prod(
            axis=1
        )

    def draw(self, events: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        """n places from the smooth density of the events, its correction for the edges included.

        A kernel's share that leaks over an edge would leave the margins empty, and the seen pattern crowded beside it.
        """
        found = np.zeros((0, 2))
        least = self._inside(self.box[None, :2])[0]  # in a corner most leaks
        while len(found) < n:
            more = events[rng.integers(0, len(events), 4 * n)] + rng.normal(0, self.bandwidth_m, (4 * n, 2))
            more = more[((more >= self.box[:2]) & (more <= self.box[2:])).all(axis=1)]
            found = np.vstack([found, more[rng.uniform(size=len(more)) < least / self._inside(more)]])
        return found[:n]


def _against(
    seen: np.ndarray, drawn: np.ndarray, reach: np.ndarray, level: float
) -> tuple[pd.DataFrame, float, np.ndarray]:
    """The curve beside its simulations: envelopes, p of the whole, and at which distances it leaves the joint one."""
    table = pd.DataFrame({"K": seen}, index=pd.Index(reach, name="distance_m"))
    table["theory"], table["L"] = np.pi * reach**2, np.sqrt(seen / np.pi) - reach
    if not len(drawn):
        return table.assign(expected=np.nan, low=np.nan, high=np.nan), float("nan"), np.zeros(len(reach), int)
    low, high = np.quantile(drawn, [level / 2, 1 - level / 2], axis=0)
    table["expected"], table["low"], table["high"] = drawn.mean(axis=0), low, high
    every = np.vstack([seen, drawn])  # the observed is one more draw under the null
    spread = np.maximum(every.std(axis=0, ddof=1), 1e-12)
    away = np.abs(every - every.mean(axis=0)) / spread
    most = away.max(axis=1)
    p = float((most >= most[0] - 1e-12).mean())
    limit = np.sort(most)[min(int(np.ceil((1 - level) * len(most))), len(most)) - 1]
    side = np.where(away[0] > limit, np.sign(seen - every.mean(axis=0)), 0).astype(int)
    return table, p, side if p <= level else np.zeros(len(reach), int)


def local_bivariate_moran(
    x: Any,
    y: Any,
    weights: Any,
    *,
    permutations: int = 999,
    fdr: float = 0.05,
    random_state: int | None = None,
) -> pd.DataFrame:
    """Which areas have much (or little) of one thing among neighbours with much (or little) of another?

    Parameters
    ----------
    x, y : arrays of numbers, or Series with one index
        `x` of the area itself (violence), `y` of those around it (disputes).
    weights : sparse or dense matrix
        Neighbours; rows are standardised here.
    permutations : int
        For each area, its neighbours' y are drawn from all other areas, its own left in its place (conditional).
    fdr : float
        Share of false labels that is allowed among all (Benjamini & Hochberg).
    random_state : int

    Returns
    -------
    DataFrame, one row an area
        `I` (as esda's `Moran_Local_BV`), `lag` (standardised y around), `p_value` (two-sided), `q_value`, and `label`:
        "high-high" (much of x, much of y around), "high-low", "low-high", "low-low", "none".

    Raises
    ------
    InputError
        Values of different lengths, or that do not vary.

    Examples
    --------
    >>> chain = np.eye(6, k=1) + np.eye(6, k=-1)
    >>> local_bivariate_moran([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], chain, permutations=0)["I"].round(3).tolist()
    [1.071, 0.643, 0.071, 0.071, 0.643, 1.071]

    References
    ----------
    Anselin (1995), Geographical Analysis 27, 93–115. Anselin, Syabri & Smirnov (2002).
    """
    index = x.index if isinstance(x, pd.Series) else pd.RangeIndex(np.size(x))
    x, y = as_numbers(x, "x", missing=False), as_numbers(y, "y", missing=False)
    n, w = x.size, given_weights(weights).astype(float)
    if x.shape != (n,) or y.shape != (n,) or w.shape != (n, n) or not n or not x.std() or not y.std():
        raise InputError(Note("governance.bivariate", n=n, m=y.size, rows=w.shape[0]))
    permutations = whole_number(permutations, "permutations", least=0)
    total = w.sum(axis=1)
    w = sparse.csr_array(sparse.diags_array(1 / np.where(total > 0, total, 1)) @ w)
    a, b = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    lag = w @ b
    table = pd.DataFrame({"I": (n - 1) / n * a * lag, "lag": lag}, index=index)
    p = np.full(n, np.nan)
    if permutations:
        p = _conditional_p(w, b, lag, permutations, np.random.default_rng(random_state))
    q = adjust_p(np.nan_to_num(p, nan=1.0), "fdr")
    named = np.where(a > 0, np.where(lag > 0, "high-high", "high-low"), np.where(lag > 0, "low-high", "low-low"))
    return table.assign(p_value=p, q_value=q, label=np.where(q <= fdr, named, "none"))


def _conditional_p(
    w: sparse.csr_array, b: np.ndarray, lag: np.ndarray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Two-sided p of each area's lag, its neighbours' values drawn without replacement from all other areas."""
    n = len(b)
    p = np.ones(n)
    for i in range(n):
        own = w.data[w.indptr[i] : w.indptr[i + 1]]
        if not len(own):
            continue
        keys = rng.random((permutations, n - 1))
        chosen = np.argpartition(keys, min(len(own), n - 2), axis=1)[:, : len(own)]
        others = np.delete(b, i)
        drawn = others[rng.permuted(chosen, axis=1)] @ own
        side = min((drawn >= lag[i] - 1e-12).sum(), (drawn <= lag[i] + 1e-12).sum())
        p[i] = min(1.0, 2 * (1 + float(side)) / (permutations + 1))
    return p
