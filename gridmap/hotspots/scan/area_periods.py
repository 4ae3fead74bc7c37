"""Tables of areas by periods, checked and made square, and the spans and dates that scans in space and time share."""

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.cell_vectors import cell_population
from gridmap.hotspots.scan.candidates import column_of, share_between
from gridmap.hotspots.significance import whole_number
from gridmap.messages import Note, did_you_mean

__all__ = ["area_rows", "dated_clusters", "long_table", "longest_span", "over_time"]


def long_table(areas, grid: Grid | None, needed: dict[str, str], population) -> pd.DataFrame:
    """One row an area and period. With a grid: columns `cell_id, period, count, population`.

    `needed` names the columns that must be there and what each is for.
    """
    if not isinstance(areas, pd.DataFrame) or not len(areas):
        found = "no rows" if isinstance(areas, pd.DataFrame) else type(areas).__name__
        raise InputError(Note("hotspots.table_of_area_periods", found=found))
    if grid is None:
        for name, role in needed.items():
            if not isinstance(name, str) or name not in areas:
                raise InputError(
                    Note("hotspots.no_column_for", name=name, role=role, meant=did_you_mean(str(name), areas.columns))
                )
            if areas[name].isna().any():
                raise InputError(Note("hotspots.rows_without", n=int(areas[name].isna().sum()), name=name, role=role))
        return areas
    if areas.index.names != ["cell_id", "period"] or "count" not in areas:
        raise InputError(Note("hotspots.grid_counts_wanted", names=areas.index.names, value=list(areas.columns)))
    frame = areas.reset_index()
    foreign = ~frame["cell_id"].isin(grid.cells.index)
    if foreign.any():
        raise InputError(Note("hotspots.counts_not_in_grid", n=int(foreign.sum())))
    total = frame.groupby("cell_id")["count"].sum().reindex(grid.cells.index, fill_value=0)
    if isinstance(population, str) and population not in grid.cells:
        numbers = grid.cells.select_dtypes("number").columns
        raise SettingError(
            Note("hotspots.cells_no_column", population=population, meant=did_you_mean(population, numbers))
        )
    people = pd.Series(cell_population(population, grid, total.to_numpy(float), grid.cells.index), grid.cells.index)
    return frame.assign(population=people.reindex(frame["cell_id"]).to_numpy())


def area_rows(frame: pd.DataFrame, area: str, grid: Grid | None, xy: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The area's position of each row, and the first row of each area."""
    if grid is not None:
        where = grid.cells.index.get_indexer(frame[area])
        first = np.full(len(grid), -1)
        first[where[::-1]] = np.arange(len(frame))[::-1]
        if (first < 0).any():
            raise InputError(Note("hotspots.cells_count_zero", n=int((first < 0).sum())))
        return where, first
    where, names = pd.factorize(frame[area])
    first = np.full(len(names), -1)
    first[where[::-1]] = np.arange(len(frame))[::-1]
    for name in xy:
        moved = frame[name].to_numpy() != frame[name].to_numpy()[first[where]]
        if moved.any():
            at = names[where[np.flatnonzero(moved)[0]]]
            raise InputError(Note("hotspots.area_moves", at=at, name=name))
    return where, first


def over_time(frame, column: str, role: str, where, when, n: int, spans: int) -> np.ndarray:
    """Values by area and period, rows of the same summed; where there is no row, the mean of the area's others."""
    values = column_of(frame, column, role)
    table, there = np.zeros((n, spans)), np.zeros((n, spans), bool)
    np.add.at(table, (where, when), values)
    there[where, when] = True
    usual = table.sum(axis=1) / there.sum(axis=1)
    return np.where(there, table, usual[:, None])


def longest_span(spans: int, share, most) -> int:
    """The longest span in periods."""
    longest = max(1, int(np.floor(share_between(share, "max_duration_share") * spans + 1e-9)))
    return longest if most is None else min(longest, whole_number(most, "max_duration", least=1))


def dated_clusters(clusters: pd.DataFrame, steps: pd.Index) -> pd.DataFrame:
    """`first` and `last` as the periods they stand for."""
    dates = [pd.Series(steps[clusters[c].to_numpy(np.int64)], index=clusters.index) for c in ("first", "last")]
    out = clusters.drop(columns=["first", "last"])
    before = list(out.columns).index("x")
    out.insert(before, "start", dates[0])
    out.insert(before + 1, "end", dates[1])
    return out
