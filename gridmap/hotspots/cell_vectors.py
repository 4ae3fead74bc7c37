"""The input of the statistics over cells: counts in, a vector in the grid's order out.

Every statistic over cells needs two things that must agree row by row: one value a cell, zeros
included, and who is whose neighbour (`neighbours`). A count that sits in the wrong row gives a wrong map
without any error, so counts and grid are compared here, once, before anything is computed.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import Note, did_you_mean

__all__ = [
    "LEAST_INCIDENTS",
    "as_counts",
    "cell_population",
    "cell_values",
    "named_cells",
    "require_incidents",
    "spread_out",
]

LEAST_INCIDENTS = 30  # below this no statistic over cells says anything


def cell_values(counts, grid, *, column: str = "count", what: str = "counts") -> tuple[np.ndarray, pd.Index]:
    """One finite number a cell, in the grid's order.

    Parameters
    ----------
    counts : DataFrame indexed by cell_id with a column `count`, Series, or 1-d array
        An array, or an index of whole numbers 0, 1, 2 …, is taken by position when `grid` is no `Grid`.
    grid : Grid or adjacency
    column : str
        The column to take from a frame.
    what : str
        What the values are called in messages.

    Returns
    -------
    values : ndarray of float, shape (n,)
    index : Index, length n

    Raises
    ------
    InputError
        If cells are missing, foreign, in another order, or a value is not a finite number.
    """
    if isinstance(counts, pd.DataFrame):
        if column not in counts:
            raise InputError(
                Note("hotspots.no_column_in", what=what, column=column, meant=did_you_mean(column, counts.columns))
            )
        counts = counts[column]
    if isinstance(counts, pd.Series):
        index, raw = counts.index, counts.to_numpy()
    else:
        raw = np.asarray(counts)
        raw = raw[:, 0] if raw.shape[1:] == (1,) else raw
        if raw.ndim != 1:
            found = f"{type(counts).__name__} {raw.shape}" if raw.ndim else type(counts).__name__
            raise InputError(Note("hotspots.one_value_a_cell", found=found))
        index = grid.cells.index if isinstance(grid, Grid) and len(raw) == len(grid) else pd.RangeIndex(len(raw))
    if index.nlevels > 1:
        extra = ", ".join(str(n) for n in index.names[1:])
        raise InputError(Note("hotspots.by_cell_and_more", what=what, extra=extra, value=index.names[1]))
    if len(raw) == 0:
        raise InputError(Note("hotspots.no_cells", what=what))
    if isinstance(grid, Grid):
        _same_cells(index, grid.cells.index, what)
    try:
        if raw.dtype.kind not in "biufO":
            raise TypeError
        values = np.array(raw, dtype=float)
    except (TypeError, ValueError):
        raise InputError(Note("hotspots.must_be_numbers", what=what, dtype=raw.dtype, value=raw[0])) from None
    if not np.isfinite(values).all():
        at = np.flatnonzero(~np.isfinite(values))
        raise InputError(Note("hotspots.no_finite_number", n=len(at), n2=len(values), what=what, value=index[at[0]]))
    return values, index


def cell_population(population, grid, counts: np.ndarray, index: pd.Index | None = None) -> np.ndarray:
    """Persons or households a cell, checked against the counts.

    Parameters
    ----------
    population : Series, array, or the name of a column of `grid.cells`
    grid : Grid or adjacency
    counts : ndarray of float, shape (n,)
        The cases, in the same order.
    index : Index, length n, optional
        Their cells; a population with an index of its own must then have the same.
    """
    if isinstance(population, str):
        if not isinstance(grid, Grid):
            raise SettingError(Note("hotspots.population_needs_grid", population=population))
        if population not in grid.cells:
            numbers = grid.cells.select_dtypes("number").columns
            raise SettingError(
                Note("hotspots.cells_no_column", population=population, meant=did_you_mean(population, numbers))
            )
        population = grid.cells[population]
    people, cells = cell_values(population, grid, column="population", what="population")
    if index is not None and isinstance(population, pd.Series | pd.DataFrame) and not isinstance(grid, Grid):
        _same_cells(cells, index, "population")
    if len(people) != len(counts):
        raise InputError(Note("hotspots.population_length", n=len(counts), n2=len(people)))
    if (people < 0).any():
        raise InputError(Note("hotspots.population_negative", n=int((people < 0).sum())))
    bare = (people == 0) & (counts > 0)
    if bare.any():
        raise InputError(Note("hotspots.cases_without_people", n=int(bare.sum()), value=counts[bare].sum()))
    return people


def spread_out(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Values of the cells that were kept, nan for the others."""
    full = np.full(len(kept), np.nan)
    full[kept] = values
    return full


def as_counts(values: np.ndarray) -> np.ndarray:
    """Whole numbers as int64, other numbers as they are."""
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def _same_cells(index: pd.Index, cells: pd.Index, what: str) -> None:
    if index.equals(cells):
        return
    if index.has_duplicates:
        raise InputError(
            Note("hotspots.cell_twice", value=index[index.duplicated()][0], what=what, reorder=Note("hotspots.reorder"))
        )
    missing, foreign = cells.difference(index, sort=False), index.difference(cells, sort=False)
    if len(missing):
        raise InputError(
            Note(
                "hotspots.cells_missing",
                n=len(missing),
                n2=len(cells),
                what=what,
                value=missing[0],
                reorder=Note("hotspots.reorder"),
            )
        )
    if len(foreign):
        raise InputError(
            Note(
                "hotspots.cells_unknown", n=len(foreign), what=what, value=foreign[0], reorder=Note("hotspots.reorder")
            )
        )
    raise InputError(Note("hotspots.cells_out_of_order", what=what, reorder=Note("hotspots.reorder")))


def require_incidents(values: np.ndarray, *, variation: bool = True) -> bool:
    """Refuse counts that no statistic can judge; answer whether the values are counts at all.

    Whole numbers are counts: they must not be negative, must sum to 30 or more and must not all be in one
    cell. Other numbers (rates, percentages) are measurements, which need only vary.
    """
    whole = bool((values == np.floor(values)).all())
    if whole and (values < 0).any():
        raise InputError(Note("hotspots.negative_counts", n=int((values < 0).sum())))
    if whole and values.sum() < LEAST_INCIDENTS:
        raise InputError(Note("hotspots.few_incidents_plain", n=int(values.sum()), least_incidents=LEAST_INCIDENTS))
    if whole and len(values) > 1 and (values > 0).sum() == 1:
        raise InputError(Note("hotspots.all_in_one_cell", n=int(values.sum())))
    if variation and (values == values[0]).all():
        raise InputError(Note("hotspots.values_alike", n=len(values), value=values[0]))
    return whole


def named_cells(columns: dict, index: pd.Index, grid) -> pd.DataFrame:
    """The method's columns by cell; with `zone_id, name, area_m2, geometry` where a `Grid` tells them."""
    placed = isinstance(grid, Grid)
    if placed:
        known = ("zone_id", "name", "area_m2")
        columns = columns | {c: grid.cells[c].array.copy() for c in known if c in grid.cells and c not in columns}
    index = index.rename("cell_id")
    if not placed:
        return pd.DataFrame(columns, index=index)
    # As an array of geometries that were checked, with their CRS, and in one go: nothing is checked or copied again.
    columns = columns | {"geometry": grid.cells.geometry.array.copy()}
    return gpd.GeoDataFrame(columns, index=index, geometry="geometry")
