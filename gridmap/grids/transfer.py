"""Values from one zoning to another: H3 ↔ squares ↔ management grids ↔ communities.

The analyst counts on hexagons, the committee thinks in communities. A crosswalk says what the one means on the
other. A cell that lies in several targets is shared among them

- by area: as if its incidents were spread evenly over it;
- by population: as if they were spread like the people (weights from the finer zoning, from points or blocks);
- by points: by where the incidents really are; no assumption at all.

Counts are conserved to the last one. Shares are kept in 2⁻²⁰ of an incident, which a binary number holds exactly, so
the sum over the targets *equals* the sum over the sources, there and back again. What the assumption may err by is
carried along as a standard error.

References
----------
Goodchild & Lam (1980), Areal interpolation: a variant of the traditional spatial problem, Geo-Processing 1, 297–312.
"""

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.cell_counts import Counts, CountsAbout, about_counts
from gridmap.grids.transfer_shares import average, largest, scatter, share_out, sharing_error
from gridmap.grids.transfer_weights import cover, crosswalk_weights
from gridmap.messages import did_you_mean

__all__ = ["crosswalk"]

TOTALS = ("count", "expected", "households", "persons", "population", "area_m2", "load", "n")


def crosswalk(
    values,
    source_grid: Grid,
    target_grid: Grid,
    *,
    by: str = "area",
    population=None,
    points=None,
    how: dict[str, str] | None = None,
):
    """Carry values from the cells of one grid to the cells of another.

    Parameters
    ----------
    values : Series, DataFrame or HotspotResult, indexed by the source's cell_id
        Also with further index levels after `cell_id`, as `count_by_cell(every=…)` gives them.
    source_grid, target_grid : Grid
    by : {"area", "population", "points"}
        What a cell is shared by.
    population : Grid, GeoDataFrame or DataFrame with lon and lat, optional
        For by="population": where people are, with a column `persons`, `population` or `households`. Not given, the
        numbers of the target's cells are used, else those of the source's.
    points : Incidents or DataFrame with lon and lat, for by="points"
        The incidents that were counted.
    how : dict of column to {"sum", "mean", "largest"}, optional
        Totals are shared out and summed; rates and scores are averaged by area; labels are taken from the source that
        covers most. Chosen by name and type when not given: whole numbers and `expected` are totals, other numbers
        are rates, text is a label.

    Returns
    -------
    Series or DataFrame, indexed by the target's cell_id in its order
        Totals are marked as estimates (`about_counts(…).kind == "crosswalked"`), which tests must not take for counts;
        by="points" leaves whole counts counts. A DataFrame gets, beside each total, `<name>_error`: one standard error
        of the sharing. `.attrs["outside"]`:
        the totals of source cells that lie in no target, so that sum + outside = the sum before.

    Raises
    ------
    SettingError
        For an unknown `by` or `how`.
    InputError
        If the values are not on the source's cells, the grids do not overlap, or the weights are missing.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from gridmap.grids.tiling import make_grid
    >>> town = gpd.GeoDataFrame({"zone_id": ["A", "B"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 0.02, 0.01), shapely.box(0.02, 0, 0.03, 0.01)])
    >>> halves = gpd.GeoDataFrame({"zone_id": ["west", "east"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 0.01, 0.01), shapely.box(0.01, 0, 0.03, 0.01)])
    >>> counts = pd.Series([10, 4], index=["A", "B"], name="count")
    >>> crosswalk(counts, make_grid(town, system="zones"), make_grid(halves, system="zones")).round(3).tolist()
    [5.0, 9.0]
    """
    for grid, name in ((source_grid, "source_grid"), (target_grid, "target_grid")):
        if not isinstance(grid, Grid):
            raise InputError(f"{name} is a Grid, as make_grid gives it; found {type(grid).__name__}.")
    table, single = _as_frame(values)
    frames = _on_cells(table, source_grid)
    weights = crosswalk_weights(source_grid, target_grid, by=by, population=population, points=points)
    ways = _ways(table, how or {})
    index = target_grid.cells.index
    shared = cover(source_grid, target_grid) if "mean" in ways.values() or "largest" in ways.values() else None
    results, outside = [], dict.fromkeys([c for c, w in ways.items() if w == "sum"], 0.0)
    uneven = None if by == "points" else scatter(frames, ways, source_grid)
    for key, frame in frames:
        columns = {}
        for name, way in ways.items():
            column = frame[name]
            if way == "sum":
                number = column.fillna(0).to_numpy(float)
                columns[name], lost = share_out(number, weights)
                outside[name] += lost
                if not single:
                    columns[f"{name}_error"] = sharing_error(
                        number, weights, 0.0 if uneven is None else uneven[name], by
                    )
            elif way == "mean":
                columns[name] = average(column.to_numpy(float), shared)
            else:
                columns[name] = largest(column, shared)
        result = pd.DataFrame(columns, index=index)
        results.append(result if key is None else pd.concat({key: result}, names=table.index.names[1:]))
    result = results[0] if len(results) == 1 and frames[0][0] is None else _with_keys(results, table, index)
    lost = outside[next(iter(outside))] if len(outside) == 1 else outside
    attrs = {"by": by, "outside": lost}
    if "sum" in ways.values():
        result = Counts(result, about=_about(values, result, by, None if isinstance(lost, dict) else lost))
        attrs = {**result.attrs, **attrs}
    answer = result.iloc[:, 0] if single else result
    answer.attrs = attrs
    return answer


def _about(values, result: pd.DataFrame, by: str, outside: float | None) -> CountsAbout:
    """What the shared numbers are: counts still, where each incident went to its own cell; otherwise estimates."""
    before = about_counts(values.cells if hasattr(values, "cells") else values)
    exact = by == "points" and before.are_counts and about_counts(result).are_counts
    return CountsAbout(
        kind="counts" if exact else "crosswalked", outside=outside, every=before.every, weight=before.weight
    )


def _as_frame(values) -> tuple[pd.DataFrame, bool]:
    if hasattr(values, "cells") and hasattr(values, "method"):
        values = values.cells
    if isinstance(values, pd.Series):
        return values.to_frame(values.name or "value"), True
    if isinstance(values, pd.DataFrame):
        of_cells = ("geometry", "zone_id", "area_m2", "share_inside", "name", "level", "parent_id", "kind")
        drop = [c for c in of_cells if c in values]
        return pd.DataFrame(values.drop(columns=drop)), False
    raise InputError(f"values are a Series, a DataFrame or a HotspotResult by cell_id; found {type(values).__name__}.")


def _on_cells(table: pd.DataFrame, grid: Grid) -> list[tuple]:
    """The values by period or category, each in the order of the source's cells."""
    cells = grid.cells.index
    first = table.index.get_level_values(0)
    unknown = ~first.isin(cells)
    if unknown.any():
        raise InputError(
            f"{int(unknown.sum())} of {len(table)} values are of no cell of the source grid, as {first[unknown][0]!r}. "
            "Give the grid they were counted on."
        )
    if table.index.nlevels == 1:
        if table.index.has_duplicates:
            raise InputError("Some cells have more than one value. Aggregate them first.")
        return [(None, table.reindex(cells))]
    levels = list(range(1, table.index.nlevels))
    keys = table.index.droplevel(0)
    found = []
    for key in keys.unique():
        part = table[keys == key].droplevel(levels).reindex(cells)
        found.append((key, part))
    return found


def _with_keys(results, table, index) -> pd.DataFrame:
    names = list(table.index.names)
    joined = pd.concat(results)
    joined.index.names = [*names[1:], index.name]
    order = pd.Series(np.arange(len(index)), index=index)
    joined = joined.reorder_levels([index.name, *names[1:]])
    rank = order.reindex(joined.index.get_level_values(0)).to_numpy()
    return joined.iloc[np.argsort(rank, kind="stable")]


def _ways(table: pd.DataFrame, how: dict) -> dict[str, str]:
    for name, way in how.items():
        if name not in table:
            raise SettingError(f"how= names a column {name!r} that is not there. {did_you_mean(name, table.columns)}")
        if way not in ("sum", "mean", "largest"):
            raise SettingError(f"how= is sum, mean or largest; found {way!r} for {name!r}.")
    ways = {}
    for name in table:
        column = table[name]
        if name in how:
            ways[name] = how[name]
        elif pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column) or name == "cluster_id":
            ways[name] = "largest"
        elif pd.api.types.is_integer_dtype(column) or str(name) in TOTALS or len(table.columns) == 1:
            ways[name] = "sum"
        else:
            ways[name] = "mean"
    return ways
