"""Shapes that tell an area and no address.

The hull of a cluster has incidents for corners. A cover has not: it is the union of the H3 cells that the hull touches,
so its corners are those of a lattice that was there before any incident. A density is another way to read points off a
map (around a lone incident it is a bell whose middle can be computed), so before one is made each incident moves to a
random place in its own cell: what the surface then tells is the cells' counts.
"""

import geopandas as gpd
import h3
import numpy as np
import pyarrow as pa
import shapely

from gridmap.errors import InputError
from gridmap.grids.base import Grid
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs, unproject

__all__ = ["COVER_RESOLUTION", "covered", "scattered"]

#: 15,000 m² a cell: the nearest to the 10,000 m² of a 万米单元网格.
COVER_RESOLUTION = 10
MOST_CELLS = 20_000  # of one cover; a larger cluster is covered by coarser cells
#: Columns that a cover has too; all others of a hull follow from its incidents' places.
TOLD_BY_PLACES = ("lon", "lat", "x", "y", "axis_long_m", "axis_short_m", "bearing_deg", "density", "radius")


def covered(clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Clusters with the union of the H3 cells that each touches for its outline, and the area of that.

    Examples
    --------
    >>> ring = shapely.Point(-1.5512345, 53.8012345).buffer(0.001)
    >>> hull = gpd.GeoDataFrame({"count": [9]}, geometry=[ring], crs=4326)
    >>> round(float(covered(hull).area_m2.iloc[0]), -4)
    70000.0
    """
    if clusters.attrs.get("covered"):  # a cover touches the cells around it: a second one would grow
        return clusters
    lonlat = (
        clusters.geometry if clusters.crs is None or clusters.crs == "EPSG:4326" else clusters.geometry.to_crs(4326)
    )
    shapes = [_cover(shape) for shape in lonlat]
    kept = clusters.drop(columns=[c for c in TOLD_BY_PLACES if c in clusters.columns])
    kept = kept.set_geometry(gpd.GeoSeries(shapes, index=clusters.index, crs=4326))
    kept.attrs["covered"] = True
    if not len(kept):
        return kept
    area_m2 = kept.geometry.to_crs(metric_crs(kept.total_bounds)).area.round(-2)
    kept = kept.assign(area_m2=area_m2)
    if "density" in clusters and "count" in kept:
        kept = kept.assign(density=kept["count"] / area_m2 * 1e6)
    return kept


def _cover(shape):
    if shape is None or shape.is_empty:
        return shape
    size = shape.buffer(1e-9) if shape.area == 0 else shape
    resolution = COVER_RESOLUTION
    west, south, east, north = size.bounds
    area_km2 = (east - west) * (north - south) * 111.2**2 * np.cos(np.radians((south + north) / 2))
    while resolution > 0 and area_km2 / h3.average_hexagon_area(resolution) > MOST_CELLS:
        resolution -= 1
    parts = shapely.get_parts(size)
    cells = {c for part in parts for c in h3.h3shape_to_cells_experimental(_as_h3(part), resolution, contain="overlap")}
    hexagons = [shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(c)]) for c in sorted(cells)]
    return shapely.union_all(hexagons, grid_size=1e-7)


def _as_h3(polygon):
    ring = [(y, x) for x, y in polygon.exterior.coords]
    return h3.LatLngPoly(ring)


def scattered(incidents: Incidents, grid: Grid, *, random_state: int | None = 0) -> Incidents:
    """The incidents, each at a random place in its own cell; those outside the grid left out.

    Parameters
    ----------
    incidents : Incidents
    grid : Grid
    random_state : int, optional
        The random places depend on it and on the order of the rows, not on where anything was.

    Returns
    -------
    Incidents
        The same columns; `lon` and `lat` tell the cell and nothing more.

    Raises
    ------
    InputError
        If no incident lies in the grid.
    """
    table = incidents.arrow()
    row = grid.locate(*incidents.lonlat())
    inside = row >= 0
    if not inside.any():
        raise InputError(Note("privacy.none_inside"))
    table, row = table.filter(pa.array(inside)), row[inside]
    lon, lat = places_in_cells(grid, row, np.random.default_rng(random_state))
    for name, values in (("lon", lon), ("lat", lat)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return Incidents(table, incidents.set_aside, incidents.source)


def places_in_cells(grid: Grid, row: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random longitudes and latitudes, one in each of the cells `row`, that `grid.locate` finds there again."""
    shapes = grid.cells.geometry.to_crs(grid.metric_crs).to_numpy()
    bounds = shapely.bounds(shapes)
    middle = shapely.get_coordinates(shapely.point_on_surface(shapes))
    lon, lat = np.empty(len(row)), np.empty(len(row))
    todo = np.arange(len(row))
    for _ in range(200):
        west, south, east, north = bounds[row[todo]].T
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        lon[todo], lat[todo] = unproject(x, y, grid.metric_crs)
        todo = todo[grid.locate(lon[todo], lat[todo]) != row[todo]]
        if not len(todo):
            return lon, lat
    x, y = middle[row[todo]].T
    lon[todo], lat[todo] = unproject(x, y, grid.metric_crs)  # a sliver: its middle
    return lon, lat
