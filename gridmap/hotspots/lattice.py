"""The door of the statistics over cells: counts in, a vector and a table of neighbours out.

Every statistic over cells needs two things that must agree row by row: one value a cell, zeros
included, and who is whose neighbour. A count that sits in the wrong row gives a wrong map without
any error, so the two are compared here, once, before anything is computed.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.spatial import cKDTree

from gridmap.errors import InputError, SettingError, did_you_mean
from gridmap.grids.base import Grid

__all__ = [
    "LEAST_INCIDENTS",
    "cell_population",
    "cell_values",
    "named_cells",
    "neighbour_weights",
    "require_incidents",
    "within_distance",
]

LEAST_INCIDENTS = 30  # below this no statistic over cells says anything

REORDER = (
    "Take the counts from count_by_cell with the same grid, or counts.reindex(grid.cells.index) and check the zeros."
)


def cell_values(counts, grid, *, column: str = "count") -> tuple[np.ndarray, pd.Index]:
    """One finite number a cell, in the grid's order.

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, Series, or 1-d array
        An array, or an index of whole numbers 0, 1, 2 …, is taken by position when `grid` is no `Grid`.
    grid : Grid or adjacency
    column : str
        The column to take from a frame.

    Returns
    -------
    values : ndarray of float, shape (n,)
    index : Index, length n

    Raises
    ------
    InputError
        If cells are missing, foreign, in another order, or a value is no finite number.
    """
    if isinstance(counts, pd.DataFrame):
        if column not in counts:
            raise InputError(f"The counts have no column {column!r}. {did_you_mean(column, counts.columns)}")
        counts = counts[column]
    if isinstance(counts, pd.Series):
        index, raw = counts.index, counts.to_numpy()
    else:
        raw = np.asarray(counts)
        raw = raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw
        if raw.ndim != 1:
            raise InputError(
                f"One value a cell is wanted, as a frame, a Series or a 1-d array; found shape {raw.shape}."
            )
        index = grid.cells.index if isinstance(grid, Grid) and len(raw) == len(grid) else pd.RangeIndex(len(raw))
    if index.nlevels > 1:
        extra = ", ".join(str(n) for n in index.names[1:])
        raise InputError(
            f"The counts are by cell and {extra}; this method takes one value a cell. Take one of them, as in "
            f"counts.xs(key, level={index.names[1]!r}), or sum them: counts.groupby('cell_id', sort=False).sum()."
        )
    if len(raw) == 0:
        raise InputError("There are no cells: the counts are empty. Give one row a cell, zeros included.")
    if isinstance(grid, Grid):
        _same_cells(index, grid.cells.index)
    try:
        values = np.array([] if raw is None else raw, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"The counts must be numbers; found {raw.dtype} with {raw[:1].tolist()}.") from None
    if not np.isfinite(values).all():
        at = np.flatnonzero(~np.isfinite(values))
        raise InputError(
            f"{len(at):,} of {len(values):,} cells have no finite count (the first: {index[at[0]]!r}). "
            "An empty cell counts 0; leave a cell without data out of the grid."
        )
    return values, index


def cell_population(population, grid, counts: np.ndarray) -> np.ndarray:
    """Persons or households a cell, checked against the counts.

    Parameters
    ----------
    population : Series, array, or the name of a column of `grid.cells`
    grid : Grid or adjacency
    counts : ndarray of float, shape (n,)
        The cases, in the same order.
    """
    if isinstance(population, str):
        if not isinstance(grid, Grid):
            raise SettingError(
                f"population={population!r} names a column of a Grid's cells; give the Grid, or the numbers."
            )
        if population not in grid.cells:
            numbers = grid.cells.select_dtypes("number").columns
            raise SettingError(f"The grid's cells have no column {population!r}. {did_you_mean(population, numbers)}")
        population = grid.cells[population]
    people, _ = cell_values(population, grid, column="population")
    if len(people) != len(counts):
        raise InputError(f"There are {len(counts):,} counts but {len(people):,} populations.")
    if (people < 0).any():
        raise InputError(f"{int((people < 0).sum()):,} cells have a population below 0.")
    bare = (people == 0) & (counts > 0)
    if bare.any():
        raise InputError(
            f"{int(bare.sum()):,} cells have {counts[bare].sum():g} cases but a population of 0, so they have no rate. "
            "Take larger cells or zones, another population (workers, visitors), or leave population= out."
        )
    return people


def _same_cells(index: pd.Index, cells: pd.Index) -> None:
    if index.equals(cells):
        return
    if index.has_duplicates:
        raise InputError(f"Cell {index[index.duplicated()][0]!r} occurs twice in the counts. {REORDER}")
    missing, foreign = cells.difference(index, sort=False), index.difference(cells, sort=False)
    if len(missing):
        raise InputError(
            f"{len(missing):,} of the grid's {len(cells):,} cells are missing from the counts "
            f"(the first: {missing[0]!r}). Cells without incidents count 0. {REORDER}"
        )
    if len(foreign):
        raise InputError(f"{len(foreign):,} counted cells are not in the grid (the first: {foreign[0]!r}). {REORDER}")
    raise InputError(f"The counts are not in the grid's order. {REORDER}")


def require_incidents(values: np.ndarray, *, variation: bool = True) -> bool:
    """Refuse counts that no statistic can judge; answer whether the values are counts at all.

    Whole numbers are counts: they must not be negative, must sum to 30 or more and must not all be in one
    cell. Other numbers (rates, percentages) are measurements, of which only variation is asked.
    """
    whole = bool((values == np.floor(values)).all())
    if whole and (values < 0).any():
        raise InputError(f"{int((values < 0).sum()):,} counts are negative; a count is 0 or more.")
    if whole and values.sum() < LEAST_INCIDENTS:
        raise InputError(
            f"There are {int(values.sum()):,} incidents; fewer than {LEAST_INCIDENTS} say nothing about a pattern. "
            "Take a longer period, a wider category or a larger territory."
        )
    if whole and len(values) > 1 and (values > 0).sum() == 1:
        raise InputError(
            f"All {int(values.sum()):,} incidents are in one cell: there is no pattern among cells to test. "
            "Look for a default location in the data, or take smaller cells."
        )
    if variation and (values == values[0]).all():
        raise InputError(f"All {len(values):,} cells have the same value ({values[0]:g}): there is nothing to compare.")
    return whole


def within_distance(xy_m: np.ndarray, distance_m: float) -> sparse.csr_array:
    """Which places lie within a distance of each other, the distance itself included.

    Parameters
    ----------
    xy_m : ndarray of float, shape (n, 2)
        Metres.
    distance_m : float

    Returns
    -------
    csr_array, shape (n, n), 0/1, symmetric, nothing on the diagonal
    """
    pairs = cKDTree(xy_m).query_pairs(distance_m, output_type="ndarray")
    both = np.concatenate([pairs, pairs[:, ::-1]])
    entries = (np.ones(len(both)), (both[:, 0], both[:, 1]))
    return sparse.csr_array(sparse.coo_array(entries, shape=(len(xy_m), len(xy_m))))


def neighbour_weights(grid, *, order: int = 1, distance_m: float | None = None, n: int) -> sparse.csr_array:
    """Who is whose neighbour, as weights ≥ 0.

    Parameters
    ----------
    grid : Grid, scipy sparse, square array, or a libpysal W or Graph
        A `Grid` gives neighbours by `order` or `distance_m`; a matrix is taken as it is: any weights ≥ 0,
        symmetric or not, a diagonal kept for the method to accept or refuse.
    order : int
        Steps between neighbours.
    distance_m : float, optional
        Neighbours are the cells whose centres lie within this distance; replaces `order`.
    n : int
        How many cells there must be.
    """
    if isinstance(grid, Grid):
        weights = grid.adjacency(order) if distance_m is None else _distance_band(grid, order, distance_m)
    else:
        weights = _given_weights(grid)
        if distance_m is not None or order != 1:
            raise SettingError(
                "order= and distance_m= choose neighbours on a Grid; a matrix of neighbours already says who they are. "
                "Leave them out, or give the Grid."
            )
    if weights.shape != (n, n):
        raise InputError(
            f"There are {n:,} values but neighbours for {weights.shape[0]:,} × {weights.shape[1]:,} cells."
        )
    weights = sparse.csr_array(weights, dtype=float)
    weights.sum_duplicates()
    weights.eliminate_zeros()
    if not np.isfinite(weights.data).all() or (weights.data < 0).any():
        raise InputError("Weights between neighbours must be finite and 0 or more.")
    if weights.nnz == np.count_nonzero(weights.diagonal()):
        raise InputError("No cell has a neighbour. Take a larger distance_m or a finer grid, or look at the adjacency.")
    return weights


def _given_weights(matrix) -> sparse.csr_array:
    if isinstance(matrix, pd.DataFrame):
        raise InputError(
            "A Grid or a matrix of neighbours is wanted; found a frame. "
            "For zones as they are: make_grid(zones, system='zones')."
        )
    matrix = getattr(matrix, "sparse", matrix)  # a libpysal W or Graph
    if sparse.issparse(matrix):
        return sparse.csr_array(matrix)
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise InputError(f"A Grid or a scipy sparse matrix of neighbours is wanted; found {type(matrix).__name__}.")
    return sparse.csr_array(matrix)


def _distance_band(grid: Grid, order: int, distance_m: float) -> sparse.csr_array:
    if order != 1:
        raise SettingError("order= and distance_m= both choose the neighbours. Give one of them.")
    if (
        isinstance(distance_m, bool)
        or not isinstance(distance_m, int | float | np.number)
        or not 0 < distance_m < np.inf
    ):
        raise SettingError(f"distance_m is a length in metres, above 0; found {distance_m!r}.")
    if distance_m < 1:
        raise SettingError(
            f"distance_m={distance_m:g} looks like degrees; it is a length in metres, as in distance_m=500."
        )
    weights = within_distance(grid.centroids_m, float(distance_m))
    if weights.nnz == 0:
        near = cKDTree(grid.centroids_m).query(grid.centroids_m, k=min(2, len(grid)))[0][:, -1]
        raise SettingError(
            f"No two cells' centres lie within distance_m={distance_m:g}; the nearest are {near.min():,.0f} m apart."
        )
    return weights


def named_cells(columns: dict, index: pd.Index, grid) -> pd.DataFrame:
    """The method's columns by cell; with `zone_id, name, area_m2, geometry` where a `Grid` tells them."""
    frame = pd.DataFrame(columns, index=index)
    frame.index.name = "cell_id"
    if not isinstance(grid, Grid):
        return frame
    carried = [c for c in ("zone_id", "name", "area_m2") if c in grid.cells and c not in frame]
    for name in carried:
        frame[name] = grid.cells[name].to_numpy()
    return gpd.GeoDataFrame(frame, geometry=grid.cells.geometry.to_numpy(), crs=grid.cells.crs)
