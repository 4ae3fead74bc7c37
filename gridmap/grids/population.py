"""How many people live in each cell.

From what there is: building points (each in one cell), zones with counts (shared by area, or, where buildings are
known, among the buildings of the zone: dasymetric), or a raster of counts (each pixel shared by the exact part of it
that lies in a cell). Totals are conserved: people of a zone that lies partly outside the grid all come to the part
inside, and what lies wholly outside is reported.

References
----------
Eicher & Brewer (2001), Dasymetric mapping and areal interpolation, Cartography and GIS 28, 125–138.
"""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap._moved import in_former_order
from gridmap.errors import CRSError, InputError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.messages import Note, did_you_mean

__all__ = ["RESIDENTS", "population_by_cell", "residents_column", "total_by_cell", "total_by_point"]

#: Columns that hold residents, the first that is there is taken.
RESIDENTS = ("persons", "population", "residents", "常住人口", "人口")


@in_former_order("grid, source", lambda given: isinstance(given[0], Grid))
def population_by_cell(
    source, grid: Grid, *, column: str = "persons", buildings: gpd.GeoDataFrame | None = None, weight: str | None = None
) -> pd.Series:
    """People (or households, or any total) in each cell.

    Parameters
    ----------
    source : GeoDataFrame of points or of zones, or the path of a raster of counts
    grid : Grid
    column : str
        What is summed, in a frame; the name of the answer in any case.
    buildings : GeoDataFrame of points, optional
        With zones: their totals are shared among the buildings inside, in proportion to `weight` (a column of theirs,
        such as floors or floor area; evenly when not given). Zones without a building are shared by area.

    Returns
    -------
    Series of float, indexed by cell_id, named `column`
        `.attrs["outside"]`: the total that lies in no cell, so that sum + outside = the source's total.

    Raises
    ------
    InputError
        If the column is missing or not a number of 0 or more.
    ReadError
        If the raster cannot be read.

    Examples
    --------
    >>> from gridmap.grids.systems import make_grid
    >>> town = shapely.box(0, 0, 0.03, 0.01)
    >>> zones = gpd.GeoDataFrame({"zone_id": ["a"], "persons": [90]}, geometry=[town], crs=4326)
    >>> cells = gpd.GeoDataFrame({"zone_id": ["w", "e"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 0.01, 0.01), shapely.box(0.01, 0, 0.03, 0.01)])
    >>> population_by_cell(zones, make_grid(cells, system="zones")).round(1).tolist()
    [30.0, 60.0]
    """
    grid = as_grid(grid)
    if not isinstance(grid, Grid):
        raise InputError(Note("grids.population_needs_grid", found=type(grid).__name__))
    if isinstance(source, str | Path):
        from gridmap.read.rasters import read_pixels  # rasterio comes with it

        shapes, values = read_pixels(source)
        found, outside = _by_area(grid, shapes, values, whole=False)
    else:
        frame = _checked(source, column, Note("grids.the_population"))
        values, shapes = frame[column].to_numpy(float), frame.geometry.to_numpy()
        if (shapely.get_type_id(shapes) == 0).all():
            found, outside = _by_place(grid, shapes, values)
        elif buildings is None:
            found, outside = _by_area(grid, shapes, values, whole=True)
        else:
            found, outside = _by_building(grid, shapes, values, buildings, weight)
    answer = pd.Series(found, index=grid.cells.index, name=column)
    answer.attrs = {"outside": float(outside)}
    return answer


def residents_column(grid: Grid) -> str | None:
    """The column of the grid's cells, or of the boundaries it divides, that holds residents; None where none does.

    A column counts when its numbers are finite, 0 or more, and not all 0.
    """
    for frame in (grid.cells, grid.territory):
        for name in RESIDENTS:
            if frame is not None and name in frame and _are_totals(frame[name]):
                return name
    return None


def _are_totals(column: pd.Series) -> bool:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all() and numbers.sum() > 0)


def total_by_cell(grid: Grid, column: str) -> pd.Series | None:
    """A total in each cell: the cells' own column, else the boundaries' column shared among the cells by area.

    Returns
    -------
    Series of float, indexed by cell_id, or None where neither has such a column of numbers
    """
    if column in grid.cells:
        return pd.to_numeric(grid.cells[column], errors="coerce").astype(float)
    if grid.territory is None or column not in grid.territory:
        return None
    shared = grid.__dict__.setdefault("_shared_totals", {})
    if column not in shared:
        shared[column] = population_by_cell(grid.territory, grid, column=column)
    return shared[column].rename(column)


def total_by_point(boundaries: gpd.GeoDataFrame, column: str, crs, spacing_m: float) -> tuple[np.ndarray, np.ndarray]:
    """A total of zones as many small amounts: at points of a square lattice, evenly within each zone.

    Parameters
    ----------
    boundaries : GeoDataFrame
    column : str
    crs
        The metric CRS of the points.
    spacing_m : float
        Between points; a zone between them gets one of its own.

    Returns
    -------
    xy : ndarray, shape (k, 2)
    amount : ndarray, shape (k,)
        Sums to the column's total.
    """
    frame = _checked(boundaries, column, Note("grids.the_population"))
    shapes, values = frame.geometry.to_crs(crs).to_numpy(), frame[column].to_numpy(float)
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = np.meshgrid(
        np.arange(west, east, spacing_m) + spacing_m / 2, np.arange(south, north, spacing_m) + spacing_m / 2
    )
    points = shapely.points(x.ravel(), y.ravel())
    zone, at = shapely.STRtree(points).query(shapes, predicate="contains")
    bare = np.setdiff1d(np.arange(len(shapes)), zone)
    own = shapely.get_coordinates(shapely.point_on_surface(shapes[bare])) if len(bare) else np.empty((0, 2))
    xy = np.concatenate([shapely.get_coordinates(points[at]), own])
    zone = np.concatenate([zone, bare])
    return xy, values[zone] / np.bincount(zone, minlength=len(shapes))[zone]


def _checked(frame, column: str, what: Note) -> gpd.GeoDataFrame:
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(Note("grids.people_frame", what=what, found=type(frame).__name__))
    if frame.crs is None:
        raise CRSError(Note("grids.people_crs", what=what))
    if column not in frame:
        raise InputError(
            Note("grids.people_column", what=what, column=column, meant=did_you_mean(column, frame.columns))
        )
    numbers = pd.to_numeric(frame[column], errors="coerce")
    bad = ~(np.isfinite(numbers) & (numbers >= 0))
    if bad.any():
        raise InputError(Note("grids.people_numbers", what=what, column=column, n=int(bad.sum())))
    return frame.to_crs(4326)


def _by_place(grid, points, values):
    row = grid.locate(*shapely.get_coordinates(points).T)
    inside = row >= 0
    return np.bincount(row[inside], values[inside], minlength=len(grid)), values[~inside].sum()


def _by_area(grid, shapes, values, whole: bool):
    """Shared by area. `whole`: all of a zone that is partly outside comes to its part inside; a pixel leaves it out."""
    to_m = gpd.GeoSeries(shapes, crs=4326).to_crs(grid.metric_crs).to_numpy()
    cells = grid.cells.geometry.to_crs(grid.metric_crs).to_numpy()
    i, j = shapely.STRtree(cells).query(to_m, predicate="intersects")
    shared = shapely.area(shapely.intersection(to_m[i], cells[j]))
    held = np.bincount(i, shared, minlength=len(values))
    base = held if whole else np.maximum(shapely.area(to_m), held)
    part = shared / np.where(base[i] > 0, base[i], 1)
    found = np.bincount(j, part * values[i], minlength=len(cells))
    return found, max(values.sum() - found.sum(), 0.0)


def _by_building(grid, shapes, values, buildings, weight):
    buildings = buildings.to_crs(4326)
    if weight is not None:
        _checked(buildings, weight, Note("grids.the_buildings"))
    heavy = np.ones(len(buildings)) if weight is None else buildings[weight].to_numpy(float)
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    zone, at = shapely.STRtree(points).query(shapes, predicate="intersects")
    order = np.lexsort((zone, at))
    at, zone = at[order], zone[order]
    first = np.r_[True, np.diff(at) > 0] if len(at) else np.zeros(0, bool)
    at, zone = at[first], zone[first]
    total = np.bincount(zone, heavy[at], minlength=len(shapes))
    built = total > 0
    own = np.where(built[zone], values[zone] * heavy[at] / np.where(total[zone] > 0, total[zone], 1), 0.0)
    found, outside = _by_place(grid, points[at], own)
    rest, beyond = _by_area(grid, shapes[~built], values[~built], whole=True) if (~built).any() else (0.0, 0.0)
    return found + rest, outside + beyond
