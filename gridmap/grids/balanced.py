"""Management grids (网格): every community divided by load.

The question of a committee: how should our 205 communities be cut into grids, so that each grid leader has about
300 households, no grid crosses a community's border, none is in two places, and the borders are such that
people on the ground can follow them?

`BalancedGrid.over` reads the atoms (buildings, census blocks, squares, …), lays each community out as a mosaic of
pieces around them (`tessellation`), and divides that into connected, compact parts of even load (`partition`).
`.report` says of each grid how near it came, and what stood in the way.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import SettingError
from gridmap.grids.atoms import Atoms, hold, read_atoms
from gridmap.grids.balance_input import above_0, checked_layer, checked_limits, without_overlap
from gridmap.grids.balance_report import assemble, continued_grids
from gridmap.grids.base import Grid
from gridmap.grids.drawing import Task, draw, outline
from gridmap.grids.tessellation import Plane, mosaic_of_areas, mosaic_of_points
from gridmap.grids.zones import ZoneGrid
from gridmap.read.metric import metric_crs

__all__ = ["BalancedGrid"]

PIECES = 60  # squares a grid, when the load is area and no atoms are given


class BalancedGrid(ZoneGrid):
    """Contiguous, compact grids of even load inside communities.

    Attributes
    ----------
    report : DataFrame, one row a grid, indexed by cell_id
        `zone_id, load, target, deviation` (load / target − 1), `within` (the tolerance), `compactness`
        (Polsby–Popper, 1 is a circle), `contiguous`, `atoms`, `moved` (atoms that an existing grid gave up to it)
        and `reason`: what stood in the way, empty where nothing did. `.attrs` has the totals.
    """

    system = "balanced"
    report: pd.DataFrame

    @classmethod
    def over(
        cls,
        boundaries: gpd.GeoDataFrame,
        atoms=None,
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
    ) -> "BalancedGrid":
        """Divide communities into grids of even load.

        Parameters
        ----------
        boundaries : GeoDataFrame in EPSG:4326
            Communities, as `read_boundaries` gives them. No grid crosses their borders.
        atoms : GeoDataFrame, DataFrame with lon and lat, Grid, path of a file, optional
            What is not divided further: buildings or addresses (points), census blocks, squares, H3 cells (areas), the
            cells of a raster (a GeoTIFF, whose value is the load).
            May be left out only for `load="area_m2"`.
        load : str or mapping of str to float
            What is to be even: a column of the atoms, `"area_m2"`, or several columns with weights, as in
            `{"households": 1, "cases": 10}` where a case is as much work as ten households.
        target : float
            The load wanted in a grid.
        tolerance : float
            By how much of the target a grid may miss it. What the atoms do not allow is reported, not raised.
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
            too few merge the lightest into a neighbour; `.report["moved"]` counts the atoms that changed grids.
        random_state : int
            Same seed, same grids, on any number of threads.

        Returns
        -------
        BalancedGrid
            `.cells`: `area_m2, zone_id, name, level, parent_id, kind` and the loads under their own names.

        Raises
        ------
        InputError
            If communities overlap, all atoms lie outside them, or the load is missing.
        SettingError
            If the target is larger than every community, or a setting is out of range.
        """
        target, tolerance = above_0(target, "target"), above_0(tolerance, "tolerance")
        fewest, most = checked_limits(grids_per_community)
        whole_below = above_0(whole_below, "whole_below") if whole_below != 0 else 0.0
        if random_state is not None and not isinstance(random_state, int | np.integer):
            raise SettingError(f"random_state is a whole number; found {random_state!r}.")
        seed = int(np.random.default_rng(random_state).integers(2**31)) if random_state is None else int(random_state)
        zones = without_overlap(boundaries)
        by_area = load == "area_m2" or (isinstance(load, dict) and list(load) == ["area_m2"])
        crs = metric_crs(tuple(boundaries.total_bounds))
        if atoms is None:
            if not by_area:
                raise SettingError(
                    'A grid of system "balanced" needs atoms= (buildings, blocks, squares with the load).'
                )
            read = Atoms(np.array([], object), False, np.zeros(0), pd.DataFrame(), "area_m2")
            held = None
            totals = gpd.GeoSeries(zones, crs=4326).to_crs(crs).area.to_numpy()
        else:
            read = read_atoms(atoms, load, boundaries)
            held = hold(read, boundaries)
            totals = np.bincount(held.community, read.load[held.atom] * held.share, minlength=len(zones))
            if by_area:
                totals = gpd.GeoSeries(zones, crs=4326).to_crs(crs).area.to_numpy()
        if totals.max() < target * (1 - tolerance):
            raise SettingError(
                f"target={target:g} is more than any community holds (the largest: {totals.max():,.0f} {read.name}), "
                'so nothing would be divided. Take a smaller target, or system="zones".'
            )
        extras = {
            "follow": checked_layer(follow, "follow", "line"),
            "barriers": checked_layer(barriers, "barriers", "line"),
            "exclusive": checked_layer(exclusive, "exclusive", "area"),
            "keep": checked_layer(keep.cells if isinstance(keep, Grid) else keep, "keep", "area"),
        }
        tools = _Desk(zones, read, held, by_area, target, extras)

        def one(z: int) -> dict:
            task = Task(target, tolerance, fewest, most, whole_below, seed * 1_000_003 + z)
            return tools.community(z, task)

        workers = min(len(zones), os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            drawn = list(pool.map(one, range(len(zones))))
        cells, report = assemble(drawn, boundaries, read, crs, target, tolerance)
        outside = 0 if held is None else len(held.outside)
        report.attrs = {
            "load": read.name,
            "communities": len(zones),
            "grids": len(cells),
            "atoms": len(read.load),
            "outside": outside,
            "load_outside": float(read.load[held.outside].sum()) if held is not None else 0.0,
            "mean_deviation": float(report["deviation"].abs().mean()),
            "within": float(report["within"].mean()),
            "mean_compactness": float(report["compactness"].mean()),
            "moved": int(report["moved"].sum()),
            "notes": [f"{outside} of {len(read.load)} atoms lie outside every community."] if outside else [],
        }
        params = {"load": load if isinstance(load, str) else dict(load), "target": target, "tolerance": tolerance}
        grid = cls(cells, {**params, "random_state": seed})
        grid.report = report
        return grid


class _Desk:
    """What is needed to draw any one community; read by all threads, changed by none."""

    def __init__(self, zones, atoms, held, by_area, target, extras):
        self.zones, self.atoms, self.held, self.by_area, self.target = zones, atoms, held, by_area, target
        self.extras = {k: v for k, v in extras.items() if v is not None}
        self.trees = {k: shapely.STRtree(v.geometry.to_numpy()) for k, v in self.extras.items()}

    def _near(self, layer: str, zone, plane) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a layer that meet a community, and their shapes on its plane."""
        if layer not in self.extras:
            return np.zeros(0, np.int64), np.zeros(0, object)
        rows = np.sort(self.trees[layer].query(zone, predicate="intersects"))
        return rows, shapely.transform(self.extras[layer].geometry.to_numpy()[rows], plane.to_m)

    def community(self, z: int, task: Task) -> dict:
        zone = self.zones[z]
        middle = shapely.get_coordinates(shapely.centroid(zone))[0]
        plane = Plane(*middle)
        ground = shapely.transform(zone, plane.to_m)
        near = {layer: self._near(layer, zone, plane) for layer in ("follow", "barriers", "exclusive", "keep")}
        lines = [near["follow"][1], near["barriers"][1]]
        lines += [shapely.boundary(near["exclusive"][1]), shapely.boundary(near["keep"][1])]
        lines = np.concatenate(lines)
        lines = shapely.union_all(lines) if len(lines) else None
        rows, share = self.held.of(z) if self.held is not None else (np.zeros(0, np.int64), np.zeros(0))
        if self.atoms.tiles:
            areas = shapely.transform(self.atoms.shapes[rows], plane.to_m)
            mosaic = mosaic_of_areas(ground, areas, share, lines)
        else:
            xy = plane.to_m(shapely.get_coordinates(self.atoms.shapes[rows])) if len(rows) else np.zeros((0, 2))
            if self.held is None:
                xy = _lattice(ground, np.sqrt(self.target / PIECES))
            # Households of one building stand on one point: they are one atom.
            _, first, group = np.unique(
                np.round(xy / 0.01).astype(np.int64), axis=0, return_index=True, return_inverse=True
            )
            group = group.ravel()
            mosaic = mosaic_of_points(ground, xy[first] if len(xy) else xy, lines)
        if self.by_area:
            load = shapely.area(mosaic.shapes)
        elif self.atoms.tiles:
            load = (
                np.where(mosaic.atom >= 0, self.atoms.load[rows[mosaic.atom]] if len(rows) else 0.0, 0.0) * mosaic.share
            )
        else:
            summed = np.bincount(group, self.atoms.load[rows], minlength=len(first)) if len(rows) else np.zeros(1)
            load = np.where(mosaic.atom >= 0, summed[mosaic.atom], 0.0)
        inner = shapely.points(shapely.get_coordinates(shapely.point_on_surface(mosaic.shapes)))
        fixed, home = _in(near["exclusive"], inner), _in(near["keep"], inner)
        side = _sides(ground, near["barriers"][1], inner)
        part, region, notes = draw(mosaic, load, task, fixed=fixed, home=home, side=side)
        count = len(region)
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(1, count))
        shapes = np.array([outline(mosaic.shapes[p], mosaic.block[p]) for p in np.split(order, cuts)], dtype=object)
        grid_of_atom = self._atoms_by_grid(mosaic, part, rows, None if self.atoms.tiles else group)
        moved = np.zeros(count, np.int64)
        kept = np.full(count, -1)
        if (home >= 0).any():
            kept, moved = continued_grids(part, home, load, count)
        return {
            "zone": z,
            "shapes": shapely.transform(shapes, plane.to_degrees),
            "metric": shapes,
            "load": np.bincount(part, load, minlength=count),
            "carried": grid_of_atom,
            "atoms": np.bincount(part[mosaic.atom >= 0], minlength=count),
            "exclusive": -1 - region,
            "kept": kept,
            "moved": moved,
            "notes": notes,
            "names": self.extras["exclusive"]["name"]
            if "exclusive" in self.extras and "name" in self.extras["exclusive"]
            else None,
            "keep_ids": self.extras["keep"].index if "keep" in self.extras else None,
        }

    def _atoms_by_grid(self, mosaic, part, rows, group) -> pd.DataFrame:
        """The atoms' numbers summed up to the grids."""
        count = part.max() + 1
        real = mosaic.atom >= 0
        values = {}
        for name in self.atoms.carried:
            own = self.atoms.carried[name].to_numpy()[rows]
            if group is not None:
                own = np.bincount(group, own, minlength=int(group.max(initial=-1)) + 1)
            of_piece = np.zeros(len(part))
            of_piece[real] = own[mosaic.atom[real]] * mosaic.share[real]
            values[name] = np.bincount(part, of_piece, minlength=count)
        return pd.DataFrame(values, index=range(count))


def _in(layer: tuple[np.ndarray, np.ndarray], points: np.ndarray) -> np.ndarray:
    """The row of the polygon that each point lies in, −1 for none; the lowest row wins."""
    rows, shapes = layer
    found = np.full(len(points), -1)
    if len(rows):
        at, which = shapely.STRtree(shapes).query(points, predicate="intersects")
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
        raise SettingError(f"A target of {step * step * PIECES:g} m² is too small for communities of this size.")
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    shapely.prepare(ground)
    inside = shapely.contains_xy(ground, x.ravel(), y.ravel())
    return np.column_stack([x.ravel()[inside], y.ravel()[inside]])
