"""Management grids (网格): every community divided by load.

The question of a committee: how should our 205 communities be cut into grids, so that each grid leader has about
300 households, no grid crosses a community's border, none is in two places, and the borders are such that
people on the ground can follow them?

`BalancedGrid.over` reads the basic units (buildings, census blocks, squares, …), lays each community out as a mosaic of
pieces around them (`mosaic`), and divides that into connected, compact parts of even load (`graph_partition`).
`.report` says of each grid how near it came, and what stood in the way.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.regionalization.basic_units import BasicUnits, hold, read_units
from gridmap.grids.regionalization.community_division import Task, draw, outline
from gridmap.grids.regionalization.division_report import cells_and_report, continued_grids
from gridmap.grids.regionalization.mosaic import Plane, mosaic_of_areas, mosaic_of_points
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs

__all__ = ["BalancedGrid"]


OVERLAP = 0.01  # two communities that share more of the smaller one than this do not partition the ground


def without_overlap(boundaries: gpd.GeoDataFrame) -> np.ndarray:
    """The communities' shapes; slivers that two share go to the first, more is an error."""
    shapes = boundaries.geometry.to_numpy().copy()
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    shared = shapely.area(shapely.intersection(shapes[i], shapes[j]))
    part = shared / np.minimum(shapely.area(shapes[i]), shapely.area(shapes[j]))
    if (part > OVERLAP).any():
        worst = int(np.argmax(part))
        a, b = boundaries["zone_id"].iloc[i[worst]], boundaries["zone_id"].iloc[j[worst]]
        raise InputError(Note("grids.communities_overlap", first=a, second=b, part=part[worst]))
    for a, b in zip(i[shared > 0], j[shared > 0], strict=True):
        shapes[b] = shapely.difference(shapes[b], shapes[a])
    return shapes


def checked_layer(frame, name: str, kind: str):
    """A layer of lines or areas in EPSG:4326, checked."""
    if frame is None:
        return None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(Note("grids.layer_frame", name=name, found=type(frame).__name__))
    if frame.crs is None:
        raise InputError(Note("grids.layer_crs", name=name))
    dimension = shapely.get_dimensions(frame.geometry.to_numpy())
    few = int((dimension < (1 if kind == "line" else 2)).sum())
    if few:
        raise InputError(Note("grids.layer_lines" if kind == "line" else "grids.layer_areas", name=name, n=few))
    frame = frame.to_crs(4326)
    if kind == "line":
        areas = dimension == 2  # a river drawn as an area is a barrier by its banks
        shapes = frame.geometry.to_numpy().copy()
        shapes[areas] = shapely.boundary(shapes[areas])
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=4326))
    return frame


def above_0(value, name: str) -> float:
    """A setting as a number above 0, or an error that names it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not (np.isfinite(number) and number > 0) or isinstance(value, bool):
        raise SettingError(Note("grids.above_0", name=name, found=value))
    return number


def checked_limits(limits) -> tuple[int, int | None]:
    """Fewest and most grids of a community; None for no limit above."""
    if limits is None:
        return 1, None
    try:
        fewest, most = limits
        good = fewest == int(fewest) and most == int(most) and 1 <= fewest <= most
    except (TypeError, ValueError):
        good = False
    if not good:
        raise SettingError(Note("grids.grids_per_community", found=limits))
    return int(fewest), int(most)


PIECES = 60  # squares a grid, when the load is area and no basic units are given


class BalancedGrid(ZoneGrid):
    """Contiguous, compact grids of even load inside communities.

    Attributes
    ----------
    report : DataFrame, one row a grid, indexed by cell_id
        `zone_id, load, target, deviation` (load / target − 1), `within` (the tolerance), `compactness`
        (Polsby–Popper, 1 is a circle), `contiguous`, `basic_units` (`atoms`, its earlier name, is the same), `moved`
        (basic units that an existing grid gave up to it)
        and `reason`: what stood in the way, empty where nothing did. `.attrs` has the totals.
    """

    system = "balanced"
    report: pd.DataFrame

    @classmethod
    def over(
        cls,
        boundaries: gpd.GeoDataFrame,
        basic_units=None,
        load="households",
        target: float = 300,
        tolerance: float = 0.15,
        *,
        grids_per_community: tuple[int, int] | None = None,
        whole_below: float = 0,
        follow: gpd.GeoDataFrame | None = None,
        barriers: gpd.GeoDataFrame | None = None,
        exclusive: gpd.GeoDataFrame | None = None,
        keep=None,
        random_state: int | None = 0,
        atoms=None,
    ) -> "BalancedGrid":
        """Divide communities into grids of even load.

        Parameters
        ----------
        boundaries : GeoDataFrame in EPSG:4326
            Communities, as `read_boundaries` gives them. No grid crosses their borders.
        basic_units : GeoDataFrame, DataFrame with lon and lat, Grid, path of a file, optional
            What is not divided further: buildings or addresses (points), census blocks, squares, H3 cells (areas), the
            cells of a raster (a GeoTIFF, whose value is the load).
            May be left out only for `load="area_m2"`.
        load : str or mapping of str to float
            What is to be even: a column of the basic units, `"area_m2"`, or several columns with weights, as in
            `{"households": 1, "cases": 10}` where a case is as much work as ten households.
        target : float
            The load wanted in a grid.
        tolerance : float
            By how much of the target a grid may miss it. What the basic units do not allow is reported, not raised.
        grids_per_community : (int, int), optional
            Fewest and most grids of a community.
        whole_below : float
            A community with less load than this stays one grid: a village.
        follow : GeoDataFrame of lines, optional
            Streets: borders run along them where that costs little.
        barriers : GeoDataFrame of lines, optional
            Rivers, walls, railways: no grid lies on both sides, unless one side is too light to be a grid.
        exclusive : GeoDataFrame of polygons, optional
            A plant, a market, a school: cut out as a grid of its own (a column `name` is kept).
        keep : Grid or GeoDataFrame, optional
            Existing grids, to be changed as little as the tolerance allows: too many households divide the heaviest,
            too few merge the lightest into a neighbour; `.report["moved"]` counts the basic units that changed grids.
        random_state : int
            Same seed, same grids, on any number of threads.
        atoms : optional
            The earlier name of `basic_units`.

        Returns
        -------
        BalancedGrid
            `.cells`: `area_m2, zone_id, name, level, parent_id, kind` and the loads under their own names.

        Raises
        ------
        InputError
            If communities overlap, all basic units lie outside them, or the load is missing.
        SettingError
            If the target is larger than every community, or a setting is out of range.
        """
        units = basic_units if basic_units is not None else atoms
        target, tolerance = above_0(target, "target"), above_0(tolerance, "tolerance")
        fewest, most = checked_limits(grids_per_community)
        whole_below = above_0(whole_below, "whole_below") if whole_below != 0 else 0.0
        if random_state is not None and not isinstance(random_state, int | np.integer):
            raise SettingError(Note("grids.random_state", found=random_state))
        seed = int(np.random.default_rng(random_state).integers(2**31)) if random_state is None else int(random_state)
        zones = without_overlap(boundaries)
        by_area = load == "area_m2" or (isinstance(load, dict) and list(load) == ["area_m2"])
        crs = metric_crs(tuple(boundaries.total_bounds))
        if units is None:
            if not by_area:
                raise SettingError(Note("grids.needs_units"))
            read = BasicUnits(np.array([], object), False, np.zeros(0), pd.DataFrame(), "area_m2")
            held = None
            totals = gpd.GeoSeries(zones, crs=4326).to_crs(crs).area.to_numpy()
        else:
            read = read_units(units, load, boundaries)
            held = hold(read, boundaries)
            totals = np.bincount(held.community, read.load[held.unit] * held.share, minlength=len(zones))
            if by_area:
                totals = gpd.GeoSeries(zones, crs=4326).to_crs(crs).area.to_numpy()
        if totals.max() < target * (1 - tolerance):
            raise SettingError(Note("grids.target_too_large", target=target, most=totals.max(), name=read.name))
        extras = {
            "follow": checked_layer(follow, "follow", "line"),
            "barriers": checked_layer(barriers, "barriers", "line"),
            "exclusive": checked_layer(exclusive, "exclusive", "area"),
            "keep": checked_layer(keep.cells if isinstance(keep, Grid) else keep, "keep", "area"),
        }
        communities = _Communities(zones, read, held, by_area, target, extras)

        def one(z: int) -> dict:
            task = Task(target, tolerance, fewest, most, whole_below, seed * 1_000_003 + z)
            return communities.divided(z, task)

        workers = min(len(zones), os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            drawn = list(pool.map(one, range(len(zones))))
        cells, report = cells_and_report(drawn, boundaries, read, crs, target, tolerance)
        outside = 0 if held is None else len(held.outside)
        report.attrs = {
            "load": read.name,
            "communities": len(zones),
            "grids": len(cells),
            "basic_units": len(read.load),
            "atoms": len(read.load),
            "outside": outside,
            "load_outside": float(read.load[held.outside].sum()) if held is not None else 0.0,
            "mean_deviation": float(report["deviation"].abs().mean()),
            "within": float(report["within"].mean()),
            "mean_compactness": float(report["compactness"].mean()),
            "moved": int(report["moved"].sum()),
            "notes": [Note("grids.units_outside_some", n=outside, total=len(read.load))] if outside else [],
        }
        params = {"load": load if isinstance(load, str) else dict(load), "target": target, "tolerance": tolerance}
        grid = cls(cells, {**params, "random_state": seed})
        grid.report = report
        return grid


class _Communities:
    """The communities and all that divides them: shapes, basic units, lines; read by all threads, changed by none."""

    def __init__(self, zones, units, held, by_area, target, extras):
        self.zones, self.units, self.held, self.by_area, self.target = zones, units, held, by_area, target
        self.extras = {k: v for k, v in extras.items() if v is not None}
        self.trees = {k: shapely.STRtree(v.geometry.to_numpy()) for k, v in self.extras.items()}

    def _near(self, layer: str, zone, plane) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a layer that meet a community, and their shapes on its plane."""
        if layer not in self.extras:
            return np.zeros(0, np.int64), np.zeros(0, object)
        rows = np.sort(self.trees[layer].query(zone, predicate="intersects"))
        return rows, shapely.transform(self.extras[layer].geometry.to_numpy()[rows], plane.to_m)

    def divided(self, z: int, task: Task) -> dict:
        """One community's grids: their shapes, loads and what the report says of each."""
        zone = self.zones[z]
        middle = shapely.get_coordinates(shapely.centroid(zone))[0]
        plane = Plane(*middle)
        ground = shapely.transform(zone, plane.to_m)
        near = {layer: self._near(layer, zone, plane) for layer in ("follow", "barriers", "exclusive", "keep")}
        drawn = [near["follow"][1], near["barriers"][1]]
        drawn += [shapely.boundary(near["exclusive"][1]), shapely.boundary(near["keep"][1])]
        lines = shapely.union_all(np.concatenate(drawn)) if sum(map(len, drawn)) else None
        rows, share = self.held.of(z) if self.held is not None else (np.zeros(0, np.int64), np.zeros(0))
        if self.units.tiles:
            areas = shapely.transform(self.units.shapes[rows], plane.to_m)
            mosaic = mosaic_of_areas(ground, areas, share, lines)
        else:
            xy = plane.to_m(shapely.get_coordinates(self.units.shapes[rows])) if len(rows) else np.zeros((0, 2))
            if self.held is None:
                xy = _lattice(ground, np.sqrt(self.target / PIECES))
            # Households of one building stand on one point: they are one basic unit.
            _, first, group = np.unique(
                np.round(xy / 0.01).astype(np.int64), axis=0, return_index=True, return_inverse=True
            )
            group = group.ravel()
            mosaic = mosaic_of_points(ground, xy[first] if len(xy) else xy, lines)
        if self.by_area:
            load = shapely.area(mosaic.shapes)
        elif self.units.tiles:
            load = (
                np.where(mosaic.unit >= 0, self.units.load[rows[mosaic.unit]] if len(rows) else 0.0, 0.0) * mosaic.share
            )
        else:
            summed = np.bincount(group, self.units.load[rows], minlength=len(first)) if len(rows) else np.zeros(1)
            load = np.where(mosaic.unit >= 0, summed[mosaic.unit], 0.0)
        inner = shapely.points(shapely.get_coordinates(shapely.point_on_surface(mosaic.shapes)))
        fixed, home = _in(near["exclusive"], inner), _in(near["keep"], inner)
        side = _sides(ground, near["barriers"][1], inner)
        part, region, notes = draw(mosaic, load, task, fixed=fixed, home=home, side=side)
        count = len(region)
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(1, count))
        shapes = np.array([outline(mosaic.shapes[p], mosaic.block[p]) for p in np.split(order, cuts)], dtype=object)
        carried = self._units_by_grid(mosaic, part, rows, None if self.units.tiles else group)
        moved = np.zeros(count, np.int64)
        kept = np.full(count, -1)
        if (home >= 0).any():
            kept, moved = continued_grids(part, home, load, count)
        return {
            "zone": z,
            "shapes": shapely.transform(shapes, plane.to_degrees),
            "metric": shapes,
            "load": np.bincount(part, load, minlength=count),
            "carried": carried,
            "units": np.bincount(part[mosaic.unit >= 0], minlength=count),
            "exclusive": -1 - region,
            "kept": kept,
            "moved": moved,
            "notes": notes,
            "names": self.extras["exclusive"]["name"]
            if "exclusive" in self.extras and "name" in self.extras["exclusive"]
            else None,
            "keep_ids": self.extras["keep"].index if "keep" in self.extras else None,
        }

    def _units_by_grid(self, mosaic, part, rows, group) -> pd.DataFrame:
        """The basic units' numbers summed up to the grids."""
        count = part.max() + 1
        real = mosaic.unit >= 0
        values = {}
        for name in self.units.carried:
            own = self.units.carried[name].to_numpy()[rows]
            if group is not None:
                own = np.bincount(group, own, minlength=int(group.max(initial=-1)) + 1)
            of_piece = np.zeros(len(part))
            of_piece[real] = own[mosaic.unit[real]] * mosaic.share[real]
            values[name] = np.bincount(part, of_piece, minlength=count)
        return pd.DataFrame(values, index=range(count))


def _in(layer: tuple[np.ndarray, np.ndarray], points: np.ndarray) -> np.ndarray:
    """The row of the polygon that each point lies in, −1 for none; the lowest row wins."""
    rows, shapes = layer
    found = np.full(len(points), -1)
    if len(rows):
        which, at = shapely.STRtree(points).query(shapes, predicate="intersects")
        order = np.lexsort((which, at))[::-1]
        found[at[order]] = rows[which[order]]
    return found


def _sides(ground, barriers: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Number of the side of the barriers that each point is on."""
    if not len(barriers):
        return np.zeros(len(points), np.int64)
    edges = shapely.union_all([shapely.boundary(ground), shapely.union_all(shapely.intersection(barriers, ground))])
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(edges)]))
    return shapely.STRtree(faces).nearest(points) if len(faces) else np.zeros(len(points), np.int64)


def _lattice(ground, step: float) -> np.ndarray:
    """Centres of squares over a polygon, (n, 2)."""
    west, south, east, north = shapely.bounds(ground)
    if (east - west) * (north - south) / step**2 > 4_000_000:
        raise SettingError(Note("grids.target_too_small", target=step * step * PIECES))
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    shapely.prepare(ground)
    inside = shapely.contains_xy(ground, x.ravel(), y.ravel())
    return np.column_stack([x.ravel()[inside], y.ravel()[inside]])
