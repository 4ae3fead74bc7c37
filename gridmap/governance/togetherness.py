"""Which kinds go together, and have two patterns become one?

Two kinds can be in the same places only because both follow the people. The co-location quotient asks of each event of
one kind who its nearest neighbours are, and holds their kinds against those of all events: shuffling the kinds over
the same places keeps where people are, and breaks only what ties the kinds. It has a direction: disputes may lie
around fights without fights lying around disputes. The bivariate Moran's I asks the same of values of areas; as it
also takes in what both have in common within one and the same area, that correlation stands beside it.

`similarity_of_patterns` compares two patterns area by area, as shares (Andresen's S): last year's and this year's, or
reports and convictions.

Source: Leslie & Kronenfeld 2011; Wang et al. 2017; Lee 2001; Andresen 2009; Wheeler, Steenbeek & Andresen 2018.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats
from scipy.spatial import cKDTree

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.significance import adjust_p, whole_number
from gridmap.messages import Note, did_you_mean
from gridmap.read.base import Incidents
from gridmap.read.metric import metric_crs_of_points, project

__all__ = ["Colocation", "Similarity", "bivariate_moran", "colocation_quotient", "similarity_of_patterns"]


@dataclass(frozen=True, repr=False)
class Colocation:
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

    def __repr__(self) -> str:
        sure = int((self.q_value <= 0.05).to_numpy().sum())
        return f"<Colocation: {len(self.local):,} points, {self.quotient.size} pairs of kinds, {sure} at 5 %>"


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
    if isinstance(points, Incidents):
        return points.xy_m(), points.to_frame()
    if isinstance(points, pd.DataFrame):
        if not {"lon", "lat"} <= set(points):
            raise InputError(Note("governance.no_column", found="lon", meant=did_you_mean("lon", map(str, points))))
        lon, lat = points["lon"].to_numpy(float), points["lat"].to_numpy(float)
        return np.column_stack(project(lon, lat, metric_crs_of_points(lon, lat))), points
    xy = np.asarray(points, float)
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
    tree = cKDTree(xy)
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
    x, y, w = np.asarray(x, float), np.asarray(y, float), sparse.csr_array(weights, dtype=float)
    n = len(x)
    if y.shape != (n,) or w.shape != (n, n) or not x.std() or not y.std():
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
class Similarity:
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

    def __repr__(self) -> str:
        return f"<Similarity S = {self.S:.3f}, robust {self.robust_S:.3f}, {len(self.table):,} areas, by {self.method}>"


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
    index = base.index if isinstance(base, pd.Series) else pd.RangeIndex(len(base))
    if isinstance(base, pd.Series) and isinstance(test, pd.Series) and not base.index.equals(test.index):
        raise InputError(Note("governance.tables_differ", n=len(base), m=len(test)))
    a, b = np.asarray(base, float), np.asarray(test, float)
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
        table["p_value"] = stats.chi2.sf(table["chi2"], 1)
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
