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

from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts, CountsAbout, about_counts
from gridmap.grids.systems import as_grid
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note, did_you_mean

__all__ = ["cover", "crosswalk", "crosswalk_weights"]


WAYS = ("area", "population", "points")
PEOPLE = ("persons", "population", "residents", "households", "人口", "户数")


def crosswalk_weights(
    source_grid: Grid, target_grid: Grid, *, by: str = "area", population=None, points=None
) -> sparse.csr_array:
    """The share of each source cell that goes to each target cell, (sources, targets); rows sum to 1 or to 0."""
    if by not in WAYS:
        raise SettingError(Note("grids.crosswalk_by", found=by, meant=did_you_mean(by, WAYS)))
    if by == "points":
        if points is None:
            raise InputError(Note("grids.needs_points"))
        raw = _by_points(source_grid, target_grid, *_lonlat(points), None)
        raw = raw + _fallback(raw, source_grid, target_grid)
    elif by == "population":
        raw = _by_population(source_grid, target_grid, population)
        raw = raw + _fallback(raw, source_grid, target_grid)
    else:
        raw = cover(source_grid, target_grid)
    total = np.asarray(raw.sum(axis=1)).ravel()
    if not (total > 0).any():
        raise InputError(Note("grids.apart"))
    return sparse.csr_array(sparse.diags_array(np.where(total > 0, 1 / np.where(total > 0, total, 1), 0)) @ raw)


def _fallback(raw, source_grid, target_grid) -> sparse.csr_array:
    """Area for the source cells that hold no people and no points."""
    empty = np.asarray(raw.sum(axis=1)).ravel() <= 0
    return sparse.csr_array(sparse.diags_array(empty.astype(float)) @ cover(source_grid, target_grid))


def _pairs(source: Grid, target: Grid):
    """Overlapping pairs, the area they share in m², and both cells' areas."""
    crs = source.metric_crs
    a = source.cells.geometry.to_crs(crs).to_numpy()
    b = target.cells.geometry.to_crs(crs).to_numpy()
    i, j = shapely.STRtree(b).query(a, predicate="intersects")
    shared = shapely.area(shapely.intersection(a[i], b[j]))
    real = shared > 1e-9 * np.minimum(shapely.area(a[i]), shapely.area(b[j]))
    # A cell on the rim that only brushes the other grid goes whole to the cell it shares most with, not outside.
    brushes = np.flatnonzero(~real & (np.bincount(i, real, minlength=len(a))[i] == 0))
    brushes = brushes[np.lexsort((j[brushes], -shared[brushes], i[brushes]))]
    first = brushes[np.r_[True, np.diff(i[brushes]) > 0]] if len(brushes) else brushes
    shared[first] = np.maximum(shared[first], 1e-9)
    real[first] = True
    return i[real], j[real], shared[real], shapely.area(b)


def cover(source: Grid, target: Grid) -> sparse.csr_array:
    """The area in m² that each source cell shares with each target cell."""
    i, j, shared, _ = _pairs(source, target)
    return sparse.csr_array(sparse.coo_array((shared, (i, j)), shape=(len(source), len(target))))


def _by_points(source, target, lon, lat, weight) -> sparse.csr_array:
    i, j = source.locate(lon, lat), target.locate(lon, lat)
    both = (i >= 0) & (j >= 0)
    value = np.ones(both.sum()) if weight is None else weight[both]
    table = sparse.csr_array(sparse.coo_array((value, (i[both], j[both])), shape=(len(source), len(target))))
    table.sum_duplicates()
    return table


def _by_population(source, target, population) -> sparse.csr_array:
    if population is not None and not isinstance(population, Grid):
        column = _people(population, "population=")
        if not hasattr(population, "geometry") or (population.geometry.geom_type == "Point").all():
            return _by_points(source, target, *_lonlat(population), population[column].to_numpy(float))
        frame = population.assign(zone_id=[str(k) for k in range(len(population))])
        population = ZoneGrid.over(frame.to_crs(4326))
    if population is not None:
        column = _people(population.cells, "population=")
        people = population.cells[column].to_numpy(float)
        # A block's people are even over it: the piece it shares with source and target both, by their overlay.
        i, j, _, _ = _pairs(source, target)
        crs = source.metric_crs
        a = source.cells.geometry.to_crs(crs).to_numpy()[i]
        b = target.cells.geometry.to_crs(crs).to_numpy()[j]
        pieces = shapely.intersection(a, b)
        blocks = population.cells.geometry.to_crs(crs).to_numpy()
        p, k = shapely.STRtree(blocks).query(pieces, predicate="intersects")
        held = shapely.area(shapely.intersection(pieces[p], blocks[k])) / shapely.area(blocks[k]) * people[k]
        return sparse.csr_array(sparse.coo_array((held, (i[p], j[p])), shape=(len(source), len(target))))
    counted = next((c for c in PEOPLE if c in target.cells), None)
    if counted is None:
        if not any(c in source.cells for c in PEOPLE):
            raise InputError(Note("grids.needs_people"))
        return cover(source, target)
    i, j, shared, size = _pairs(source, target)
    people = target.cells[counted].fillna(0).to_numpy(float)
    held = shared / size[j] * people[j]
    return sparse.csr_array(sparse.coo_array((held, (i, j)), shape=(len(source), len(target))))


def _people(frame, what: str) -> str:
    for column in PEOPLE:
        if column in frame:
            return column
    raise InputError(Note("grids.no_people", what=what, meant=did_you_mean("persons", frame.columns)))


def _lonlat(points) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(points, "lonlat"):
        return points.lonlat()
    if hasattr(points, "geometry") and getattr(points, "crs", None) is not None:
        shapes = points.geometry.to_crs(4326)
        return shapes.x.to_numpy(), shapes.y.to_numpy()
    if isinstance(points, pd.DataFrame) and {"lon", "lat"} <= set(points.columns):
        return points["lon"].to_numpy(float), points["lat"].to_numpy(float)
    raise InputError(Note("grids.not_points", found=type(points).__name__))


UNIT = 2.0**20  # shares are multiples of 1 / UNIT: sums of them are exact


def share_out(values: np.ndarray, weights: sparse.csr_array) -> tuple[np.ndarray, float]:
    """Values times weights, every source's shares in whole 1 / UNIT that sum to its value exactly."""
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    held = np.diff(weights.indptr) > 0
    lost = float(values[~held].sum())
    exact = bool(np.all(values * UNIT == np.round(values * UNIT)) and np.abs(values).sum() < 2**32)
    share = values[rows] * weights.data
    if not exact:
        return np.bincount(weights.indices, share, minlength=weights.shape[1]), lost
    whole = np.floor(share * UNIT)
    missing = np.round(values * UNIT) - np.bincount(rows, whole, minlength=len(values))
    order = np.lexsort((whole - share * UNIT, rows))  # largest remainder first, row by row
    place = np.arange(len(order)) - weights.indptr[rows[order]]
    size = np.diff(weights.indptr)[rows[order]]
    extra = np.floor(missing[rows[order]] / size) + (place < np.mod(missing[rows[order]], size))
    whole[order] += extra
    return np.bincount(weights.indices, whole, minlength=weights.shape[1]) / UNIT, lost


def scatter(frames, ways, grid) -> dict[str, float]:
    """How unevenly incidents lie inside a cell: 0 for even, 1 for all in one place, by column.

    Estimated one scale up: how unevenly the total of a cell and its neighbours lies over them (the intra-class
    correlation of a Dirichlet-multinomial, by moments).
    """
    near = grid.adjacency()
    near = near + sparse.eye_array(near.shape[0], format="csr")
    size = grid.cells["area_m2"].to_numpy(float)
    group = near @ size
    found = {}
    for name in [c for c, w in ways.items() if w == "sum"]:
        count = sum(np.nan_to_num(frame[name].to_numpy(float)) for _, frame in frames)
        total = near @ count
        share = size / group
        spread = (count - total * share) ** 2
        even = total * share * (1 - share)
        many = (total * (total - 1) * share * (1 - share)).clip(0)
        found[name] = float(np.clip((spread.sum() - even.sum()) / max(many.sum(), 1e-12), 0, 1))
    return found


def sharing_error(values, weights, scattered: float, by: str) -> np.ndarray:
    """One standard error of each target's total: what the sharing of cut cells may be off by."""
    if by == "points":
        return np.zeros(weights.shape[1])
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    number = values[rows].clip(0)
    spread = number * weights.data * (1 - weights.data) * (1 + (number - 1).clip(0) * scattered)
    return np.sqrt(np.bincount(weights.indices, spread, minlength=weights.shape[1]))


def average(values: np.ndarray, cover: sparse.csr_array) -> np.ndarray:
    """Means by area; what is not known has no weight."""
    known = np.isfinite(values)
    weight = cover.T @ known.astype(float)
    with np.errstate(invalid="ignore"):
        return np.where(weight > 0, (cover.T @ np.where(known, values, 0.0)) / np.where(weight > 0, weight, 1), np.nan)


def largest(column: pd.Series, cover: sparse.csr_array) -> np.ndarray:
    """The value that covers most of each target."""
    codes, names = pd.factorize(column)
    known = codes >= 0
    table = sparse.coo_array(
        (np.ones(known.sum()), (np.flatnonzero(known), codes[known])), shape=(len(column), max(len(names), 1))
    ).tocsr()
    held = (cover.T @ table).toarray()
    best = held.argmax(axis=1)
    if not len(names):
        return np.full(cover.shape[1], None, object)
    found = np.asarray(names)[best].astype(object)
    found[held.max(axis=1) <= 0] = None
    return found


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
    >>> from gridmap.grids.systems import make_grid
    >>> town = gpd.GeoDataFrame({"zone_id": ["A", "B"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 0.02, 0.01), shapely.box(0.02, 0, 0.03, 0.01)])
    >>> halves = gpd.GeoDataFrame({"zone_id": ["west", "east"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 0.01, 0.01), shapely.box(0.01, 0, 0.03, 0.01)])
    >>> counts = pd.Series([10, 4], index=["A", "B"], name="count")
    >>> crosswalk(counts, make_grid(town, system="zones"), make_grid(halves, system="zones")).round(3).tolist()
    [5.0, 9.0]
    """
    source_grid, target_grid = as_grid(source_grid), as_grid(target_grid)
    for grid, name in ((source_grid, "source_grid"), (target_grid, "target_grid")):
        if not isinstance(grid, Grid):
            raise InputError(Note("grids.not_a_grid", name=name, found=type(grid).__name__))
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
    left_out: Any = outside[next(iter(outside))] if len(outside) == 1 else outside
    attrs: dict[Any, Any] = {"by": by, "outside": left_out}
    if "sum" in ways.values():
        result = Counts(result, about=_about(values, result, by, None if isinstance(left_out, dict) else left_out))
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
    raise InputError(Note("grids.not_values", found=type(values).__name__))


def _on_cells(table: pd.DataFrame, grid: Grid) -> list[tuple]:
    """The values by period or category, each in the order of the source's cells."""
    cells = grid.cells.index
    first = table.index.get_level_values(0)
    unknown = ~first.isin(cells)
    if unknown.any():
        raise InputError(Note("grids.not_of_grid", n=int(unknown.sum()), total=len(table), found=first[unknown][0]))
    if table.index.nlevels == 1:
        if table.index.has_duplicates:
            raise InputError(Note("grids.several_values"))
        return [(None, table.reindex(cells))]
    levels = list(range(1, table.index.nlevels))
    index: Any = table.index
    keys = index.droplevel(0)
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
            raise SettingError(Note("grids.how_column", name=name, meant=did_you_mean(name, table.columns)))
        if way not in ("sum", "mean", "largest"):
            raise SettingError(Note("grids.how", found=way, name=name))
    ways: dict[Any, str] = {}
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
