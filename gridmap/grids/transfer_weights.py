"""Which share of a cell goes to which cell of another grid: by area, by people, by points.

By area a cell's content is taken as spread evenly over it; by people, as they are spread (their places, their blocks,
or the finer zoning's own numbers); by points nothing is assumed. Cells that hold no people and no points are shared by
area.
"""

import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import did_you_mean

__all__ = ["cover", "crosswalk_weights"]

WAYS = ("area", "population", "points")
PEOPLE = ("persons", "population", "residents", "households", "人口", "户数")


def crosswalk_weights(
    source_grid: Grid, target_grid: Grid, *, by: str = "area", population=None, points=None
) -> sparse.csr_array:
    """The share of each source cell that goes to each target cell, (sources, targets); rows sum to 1 or to 0."""
    if by not in WAYS:
        raise SettingError(f"A crosswalk goes by area, population or points, not by {by!r}. {did_you_mean(by, WAYS)}")
    if by == "points":
        if points is None:
            raise InputError('by="points" needs points=: the incidents that were counted.')
        raw = _by_points(source_grid, target_grid, *_lonlat(points), None)
        raw = raw + _fallback(raw, source_grid, target_grid)
    elif by == "population":
        raw = _by_population(source_grid, target_grid, population)
        raw = raw + _fallback(raw, source_grid, target_grid)
    else:
        raw = cover(source_grid, target_grid)
    total = np.asarray(raw.sum(axis=1)).ravel()
    if not (total > 0).any():
        raise InputError("The two grids do not overlap, so nothing can be carried over. Are they of the same place?")
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
        from gridmap.grids.tiling import make_grid  # here, because tiling imports the systems that import this layer

        frame = population.assign(zone_id=[str(k) for k in range(len(population))])
        population = make_grid(frame, system="zones")
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
    column = next((c for c in PEOPLE if c in target.cells), None)
    if column is None:
        if not any(c in source.cells for c in PEOPLE):
            raise InputError(
                'by="population" needs people: give population= (points, blocks or a Grid with persons), or a target '
                "grid whose cells have persons or households."
            )
        return cover(source, target)
    i, j, shared, size = _pairs(source, target)
    people = target.cells[column].fillna(0).to_numpy(float)
    held = shared / size[j] * people[j]
    return sparse.csr_array(sparse.coo_array((held, (i, j)), shape=(len(source), len(target))))


def _people(frame, what: str) -> str:
    for column in PEOPLE:
        if column in frame:
            return column
    raise InputError(
        f"{what} has no column persons, population or households. {did_you_mean('persons', frame.columns)}"
    )


def _lonlat(points) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(points, "lonlat"):
        return points.lonlat()
    if hasattr(points, "geometry") and getattr(points, "crs", None) is not None:
        shapes = points.geometry.to_crs(4326)
        return shapes.x.to_numpy(), shapes.y.to_numpy()
    if isinstance(points, pd.DataFrame) and {"lon", "lat"} <= set(points.columns):
        return points["lon"].to_numpy(float), points["lat"].to_numpy(float)
    raise InputError(f"points are Incidents, or a frame with lon and lat; found {type(points).__name__}.")
