"""make_grid(): a territory, divided.

Which containment? A cell belongs to the grid when it *overlaps* the territory, so that no part of the
territory is lost and no incident in it falls out. `share_inside` says how much of a border cell is territory.
Each cell is given the zone in which its centre lies, or, for a border cell whose centre is outside, the zone
it shares most area with.
"""

import inspect
from functools import cache
from importlib.metadata import entry_points

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.h3 import HexGrid, cells_over
from gridmap.grids.squares import SquareGrid
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note, did_you_mean
from gridmap.read.boundaries import read_boundaries, to_degrees
from gridmap.read.numbers import with_geometry

__all__ = ["as_grid", "grid_systems", "h3_cells", "make_grid"]

#: gridmap's own systems but the management grids, which read layers and rasters: only who draws them waits for that.
SYSTEMS: dict[str, type[Grid]] = {"h3": HexGrid, "square": SquareGrid, "zones": ZoneGrid}
#: The entry points by which other packages add systems: each a class of `Grid` with `over(boundaries, …)`, called after
#: the point.
GROUP = "gridmap.grids"


@cache
def grid_systems() -> dict[str, type[Grid]]:
    """Every system by its name: gridmap's own, then those of other packages.

    Raises
    ------
    SettingError
        If another package names a system that there is, or something that is not a class of `Grid` with `over`.

    Examples
    --------
    >>> sorted(grid_systems())[:3]
    ['balanced', 'h3', 'square']
    """
    from gridmap.grids.regionalization.balanced import BalancedGrid

    systems: dict[str, type[Grid]] = {"balanced": BalancedGrid, **SYSTEMS}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        found = point.load()
        if not (isinstance(found, type) and issubclass(found, Grid) and callable(getattr(found, "over", None))):
            raise SettingError(Note("grids.not_a_system", source=point.value))
        if point.name in systems:
            raise SettingError(Note("grids.system_taken", name=point.name, source=point.value))
        systems[point.name] = found
    return systems


def make_grid(boundaries: gpd.GeoDataFrame, *, system: str = "h3", **settings) -> Grid:
    """Divide a territory into cells.

    Parameters
    ----------
    boundaries : GeoDataFrame
        As `read_boundaries` gives it; a frame without `zone_id` is given to it first.
    system : {"h3", "square", "zones", "balanced"}
        H3 hexagons, squares in a metric CRS, or the zones as they are.
    resolution : int, for system="h3"
        0 (4,357,449 km² a cell) to 15 (0.9 m²); 8 is 0.7 km², 9 is 0.1 km², 10 is 0.015 km².
    cell_size_m : float, for system="square"
        Side of a cell in metres.
    crs : optional, for system="square"
        The metric CRS of the squares; chosen from the territory when not given.
    overlaps : {"first", "refuse", "all"}, for system="zones"
        What becomes of a point where zones overlap: the upper row has it, and overlaps beyond 1 m² are warned of
        (the default); such boundaries are an InputError; or every zone has it (`count_by_cell` then counts it in each).

    basic_units, load, target, tolerance, …, for system="balanced"
        Management grids: communities divided by load; `BalancedGrid.over` has all the settings. `atoms` is the earlier
        name of `basic_units`.

    Returns
    -------
    Grid

    Raises
    ------
    SettingError
        For an unknown system, a setting that the system does not have, or one out of range.
    InputError
        For boundaries without a polygon, or of which no column tells the zones apart.

    Examples
    --------
    >>> import shapely, geopandas as gpd
    >>> town = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    >>> make_grid(town, system="square", cell_size_m=1000)
    <Grid square(cell_size_m=1000.0, crs='EPSG:32630'): 86 cells, median 1,000,000 m²>
    """
    systems = SYSTEMS if system in SYSTEMS else grid_systems()
    if system not in systems:
        raise SettingError(Note("grids.no_system", found=system, meant=did_you_mean(system, systems)))
    over = systems[system].over  # type: ignore[attr-defined]  # each has its own settings
    known = [name for name in inspect.signature(over).parameters if name != "boundaries"]
    for name in settings:
        if name not in known:
            has = did_you_mean(name, known) if known else Note("grids.no_settings")
            raise SettingError(Note("grids.no_setting", system=system, name=name, meant=has))
    missing = [n for n, p in inspect.signature(over).parameters.items() if p.default is p.empty and n != "boundaries"]
    for name in missing:
        if name not in settings:
            raise SettingError(Note("grids.missing_setting", system=system, name=name))
    boundaries = _zones(boundaries)
    grid = over(boundaries, **settings)
    grid.territory = boundaries
    return grid


def h3_cells(boundaries: gpd.GeoDataFrame, resolution: int) -> np.ndarray:
    """The H3 cells that overlap a territory, and nothing else about them.

    For joins by key, where the rest of a grid (outlines, areas, zones, what of a cell lies inside) is not needed: five
    to ten times as fast as `make_grid`.

    Parameters
    ----------
    boundaries : GeoDataFrame
        As `read_boundaries` gives it.
    resolution : int
        0 to 15.

    Returns
    -------
    ndarray of uint64, (n,)
        H3's cells as integers, sorted: those of `make_grid(boundaries, system="h3", resolution=…)`, in its order.

    Raises
    ------
    SettingError
        For a resolution out of range, or so fine that there would be more than five million cells.
    InputError
        For boundaries without a polygon.

    Examples
    --------
    >>> import shapely, geopandas as gpd
    >>> town = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    >>> cells = h3_cells(town, 7)
    >>> len(cells), hex(cells[0]) == "0x" + make_grid(town, system="h3", resolution=7).cells.index[0]
    (28, True)
    """
    return cells_over(_zones(boundaries), resolution)


def _zones(boundaries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`boundaries` in EPSG:4326 with `zone_id`, or an error that says what they lack."""
    if not isinstance(boundaries, gpd.GeoDataFrame):
        raise InputError(Note("grids.needs_boundaries", found=type(boundaries).__name__))
    if not len(boundaries):
        raise InputError(Note("grids.empty_boundaries"))
    if with_geometry(boundaries).crs is None:
        raise CRSError(Note("grids.boundaries_crs"))
    if "zone_id" not in boundaries.columns:
        boundaries = read_boundaries(boundaries)  # a frame of somebody else's: which column names the zones is found
    shapes = boundaries.geometry.to_numpy()
    if not (shapely.area(shapes) > 0).any():
        kinds = sorted({shape.geom_type for shape in shapes if shape is not None and not shape.is_empty})
        found = ", ".join(kinds) or Note("grids.nothing")
        raise InputError(Note("grids.no_area", found=found))
    return to_degrees(boundaries, "boundaries")


def as_grid(given: Grid | gpd.GeoDataFrame) -> Grid:
    """A Grid as it is; a GeoDataFrame of polygons as the grid of its rows, in their order.

    Parameters
    ----------
    given : Grid or GeoDataFrame
        A frame's cells are named by its index where that is more than 0, 1, 2, …, else by its column `cell_id` or
        `zone_id`; else `read_boundaries` finds the column that names them.

    Raises
    ------
    InputError
        If it is neither, or the frame is not one of polygons with different names.

    Examples
    --------
    >>> import shapely, geopandas as gpd
    >>> two = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    >>> as_grid(gpd.GeoDataFrame(geometry=two, index=["west", "east"], crs=4326)).cells.index.tolist()
    ['west', 'east']
    """
    if isinstance(given, Grid) or not isinstance(given, gpd.GeoDataFrame):
        return given  # what it is instead of a grid is reported where it is used
    given = with_geometry(given)
    numbered = isinstance(given.index, pd.RangeIndex) or given.index.dtype.kind in "iuf"
    names = [] if numbered else [given.index.astype(str)]
    names += [given[column].astype(str) for column in ("cell_id", "zone_id") if column in given.columns]
    apart = next((name for name in names if not name.duplicated().any()), None)
    if names and apart is None:
        raise InputError(Note("grids.names_repeat", examples=list(names[0][names[0].duplicated()].unique()[:3])))
    plain = given.reset_index(drop=True)
    frame = read_boundaries(plain) if apart is None else plain.assign(zone_id=apart.to_numpy())
    return make_grid(frame, system="zones")
