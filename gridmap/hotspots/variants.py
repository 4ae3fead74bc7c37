"""The same territory, cut another way: hexagons or squares of any size, shifted and turned.

H3 cells and the usual squares lie where they lie. To ask what a result owes to that, one needs the same kind of cells
elsewhere: `LatticeGrid` lays them with any width, offset and angle, finds a point's cell by arithmetic, and is a
`Grid` like the others.
"""

from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap.grids.base import Grid
from gridmap.read.metric import unproject

__all__ = ["LatticeGrid"]

_SIDES = {"square": [(1, 0), (1, 1), (0, 1), (-1, 1)], "hexagon": [(1, 0), (0, 1), (-1, 1)]}  # the others by symmetry


class LatticeGrid(Grid):
    """Squares (eight neighbours) or hexagons (six) that overlap a territory, shifted and turned.

    Attributes
    ----------
    params : mapping
        `shape, cell_area_m2, offset_m, turn_deg, crs`.
    """

    system = "lattice"

    @classmethod
    def over(
        cls, territory, crs, *, shape: str, cell_area_m2: float, offset_m=(0.0, 0.0), turn_deg: float = 0.0
    ) -> "LatticeGrid":
        """All cells of a lattice that overlap `territory`, a shapely geometry in the metric `crs`."""
        params = {
            "shape": shape,
            "cell_area_m2": float(cell_area_m2),
            "offset_m": tuple(float(v) for v in offset_m),
            "turn_deg": float(turn_deg),
            "crs": crs.to_string(),
        }
        corners = shapely.get_coordinates(shapely.envelope(territory))
        low, high = (f(_lattice_axes(corners, params), axis=0) for f in (np.min, np.max))
        # One lattice step is at least 0.86 cell widths, so two more on each side leave nothing out.
        ranges = [np.arange(np.floor(a) - 2, np.ceil(b) + 3) for a, b in zip(low, high, strict=True)]
        a, b = (v.ravel().astype(np.int64) for v in np.meshgrid(*ranges))
        centre = _centres(a, b, params)
        shapely.prepare(territory)
        near = shapely.dwithin(territory, shapely.points(centre), _step(params) * np.sqrt(0.5) * (1 + 1e-9))
        a, b, centre = a[near], b[near], centre[near]
        rings = centre[:, None, :] + _corners(params)
        hit = shapely.contains_xy(territory, *centre.T)
        hit[~hit] = shapely.intersects(territory, shapely.polygons(rings[~hit]))
        a, b, rings = a[hit], b[hit], rings[hit]
        lonlat = np.stack(unproject(rings[..., 0], rings[..., 1], crs), axis=-1)
        ids = pd.Index(np.char.add(np.char.add(a.astype(str), "_"), b.astype(str)).astype(object), name="cell_id")
        cells = gpd.GeoDataFrame(
            {"area_m2": np.full(len(a), float(cell_area_m2))}, geometry=shapely.polygons(lonlat), index=ids, crs=4326
        )
        grid = cls(cells, params)
        grid.metric_crs = crs
        grid._ab = np.column_stack([a, b])
        return grid

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """A dense table from lattice numbers to row, −1 where there is no cell, and its lowest corner."""
        low = self._ab.min(axis=0)
        table = np.full(self._ab.max(axis=0) - low + 1, -1, np.int32)
        table[tuple((self._ab - low).T)] = np.arange(len(self), dtype=np.int32)
        return table, low

    def _row(self, ab: np.ndarray) -> np.ndarray:
        table, low = self._table
        at = ab - low
        inside = ((at >= 0) & (at < table.shape)).all(axis=1)
        rows = np.full(len(ab), -1, np.int32)
        rows[inside] = table[tuple(at[inside].T)]
        return rows

    def rows_at(self, xy_m: np.ndarray) -> np.ndarray:
        """The row of each point in this grid's metric CRS; −1 outside and where it is not finite."""
        good = np.isfinite(xy_m).all(axis=1)
        rows = np.full(len(xy_m), -1, np.int32)
        rows[good] = self._row(_nearest_cell(_lattice_axes(xy_m[good], self.params), self.params["shape"]))
        return rows

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`."""
        return self.rows_at(self.xy_m(np.atleast_1d(lon), np.atleast_1d(lat)))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        source, target = [], []
        for step in _SIDES[self.params["shape"]]:
            row = self._row(self._ab + step)
            source.append(np.flatnonzero(row >= 0))
            target.append(row[row >= 0])
        source, target = np.concatenate(source), np.concatenate(target)
        entries = np.ones(2 * len(source), np.int8)
        both = np.r_[source, target], np.r_[target, source]
        return sparse.csr_array(sparse.coo_array((entries, both), shape=(len(self), len(self))))


def _step(params) -> float:
    """Side of the square, or distance between centres of neighbouring hexagons."""
    area = params["cell_area_m2"]
    return float(np.sqrt(area) if params["shape"] == "square" else np.sqrt(area * 2 / np.sqrt(3)))


def _lattice_axes(xy: np.ndarray, params) -> np.ndarray:
    """Metres → lattice numbers with fractions: columns and rows, or a hexagon lattice's two axes at 60°."""
    turn = np.radians(params["turn_deg"])
    u, v = _turned(xy - np.asarray(params["offset_m"]), -turn).T
    step = _step(params)
    if params["shape"] == "square":
        return np.column_stack([u, v]) / step
    return np.column_stack([u - v / np.sqrt(3), 2 * v / np.sqrt(3)]) / step


def _turned(xy: np.ndarray, turn: float) -> np.ndarray:
    """Points turned counter-clockwise about the origin."""
    x, y = xy.T
    return np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])


def _nearest_cell(axes: np.ndarray, shape: str) -> np.ndarray:
    """The cell of each point: the square it lies in, or the hexagon whose centre is nearest."""
    if shape == "square":
        return np.floor(axes).astype(np.int64)
    q, r = axes.T
    cube = np.column_stack([q, r, -q - r])
    whole = np.rint(cube)
    wrong = np.abs(whole - cube)
    for k in (0, 1):  # the coordinate that was rounded most is made to fit the two others
        worst = (wrong[:, k] >= wrong[:, (k + 1) % 3]) & (wrong[:, k] >= wrong[:, (k + 2) % 3])
        whole[worst, k] = -whole[worst, (k + 1) % 3] - whole[worst, (k + 2) % 3]
    return whole[:, :2].astype(np.int64)


def _centres(a: np.ndarray, b: np.ndarray, params) -> np.ndarray:
    """The middles of the cells in metres."""
    if params["shape"] == "square":
        centre = np.column_stack([a + 0.5, b + 0.5])
    else:
        centre = np.column_stack([a + b / 2, b * np.sqrt(3) / 2])
    return _turned(centre * _step(params), np.radians(params["turn_deg"])) + np.asarray(params["offset_m"])


def _corners(params) -> np.ndarray:
    """A cell's closed ring about its middle, in metres; no corner is farther than 0.71 steps."""
    sides = 4 if params["shape"] == "square" else 6
    angle = np.radians(np.r_[np.arange(sides), 0] * 360 / sides + 180 / sides + params["turn_deg"])
    return np.column_stack([np.cos(angle), np.sin(angle)]) * _step(params) / (np.sqrt(2) if sides == 4 else np.sqrt(3))
