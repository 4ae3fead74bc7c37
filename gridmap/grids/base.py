"""`Grid`: a territory divided into cells.

H3 cells, squares and zones find points differently; everything after is the same. So a grid is its
cells, a way to find the cell of a point, and a table of neighbours.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import geopandas as gpd
import numpy as np
from pyproj import CRS
from scipy import sparse

from gridmap._notebook_line import ShortForm, settings_in_short
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs, project, unproject

__all__ = ["TOGETHER", "Grid", "degrees"]

TOGETHER = 2_000  # cells projected at a time, so that the projected outlines are never all held


class Grid(ShortForm, ABC):
    """Cells over a territory.

    Attributes
    ----------
    cells : GeoDataFrame in EPSG:4326, indexed by `cell_id` (str)
        `area_m2`, `zone_id`, the numbers carried over from the boundaries, `geometry`.
    system : str
        "h3", "square", "zones" or "balanced".
    params : mapping
        The settings as used, as in {"resolution": 8}.
    territory : GeoDataFrame (EPSG:4326) or None
        The boundaries that were divided, whose residents `total_by_cell` shares among the cells; None for a grid that
        was read from a file.
    """

    system: str
    territory: gpd.GeoDataFrame | None = None

    def __init__(self, cells: gpd.GeoDataFrame, params: Mapping):
        if cells.index.has_duplicates:
            twice = cells.index[cells.index.duplicated()][0]
            raise InputError(Note("grids.same_id", found=twice))
        self.cells = cells
        self.params = MappingProxyType(dict(params))

    def __len__(self) -> int:
        return len(self.cells)

    def __getstate__(self):
        return {**self.__dict__, "params": dict(self.params)}  # a mapping proxy cannot be pickled

    def __setstate__(self, state):
        self.__dict__.update(state, params=MappingProxyType(state["params"]))

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        shown = settings_in_short(self.params)
        return f"Grid {self.system}({shown}): {len(self):,} cells, median {self.cells['area_m2'].median():,.0f} m²"

    @abstractmethod
    def locate(self, lon, lat) -> np.ndarray:
        """The row in `cells` of each point.

        Parameters
        ----------
        lon, lat : array-like of float
            Degrees, WGS 84.

        Returns
        -------
        ndarray of int32
            Row in `cells`; −1 outside and where a coordinate is not finite. Each point is in at most one cell.
        """

    def expect(self, n: int) -> None:
        """Tell that about `n` points are to be located, some at a time; only speed depends on it.

        Parameters
        ----------
        n : int
            How many, as far as is known.
        """

    @property
    @abstractmethod
    def _first_order(self) -> sparse.csr_array:
        """Cells × cells, 1 where two cells touch, 0 on the diagonal."""

    def adjacency(self, order: int = 1) -> sparse.csr_array:
        """Which cells are neighbours: sparse, 0/1, symmetric, no cell its own neighbour, rows in the order of `cells`.

        Parameters
        ----------
        order : int
            Neighbours are the cells that can be reached in at most `order` steps.
        """
        if not isinstance(order, int | np.integer) or isinstance(order, bool) or order < 1:
            raise SettingError(Note("grids.order", found=order))
        reached = self._first_order
        if order > 1:
            first = reached = reached.astype(np.int32)  # int8 would overflow where many paths meet
            for _ in range(order - 1):
                reached = ((reached + reached @ first) > 0).astype(np.int32)
        reached = sparse.csr_array(reached, dtype=np.int8, copy=True)
        if reached.diagonal().any():
            reached.setdiag(0)
        reached.eliminate_zeros()
        reached.sort_indices()
        return reached

    @cached_property
    def metric_crs(self) -> CRS:
        """The CRS in metres that lengths on this grid are taken in."""
        return metric_crs(tuple(self.cells.total_bounds))

    @cached_property
    def centroids_m(self) -> np.ndarray:
        """Centres of the cells in `metric_crs`, shape (n, 2)."""
        centres = [np.empty((0, 2))]
        for k in range(0, len(self), TOGETHER):
            centre = self.cells.geometry.iloc[k : k + TOGETHER].to_crs(self.metric_crs).centroid
            centres.append(np.column_stack([centre.x, centre.y]))
        return np.concatenate(centres)

    @cached_property
    def centroids(self) -> np.ndarray:
        """Centres of the cells as lon, lat, shape (n, 2)."""
        return np.column_stack(unproject(self.centroids_m[:, 0], self.centroids_m[:, 1], self.metric_crs))

    def xy_m(self, lon, lat) -> np.ndarray:
        """Points in this grid's `metric_crs`, shape (n, 2)."""
        return np.column_stack(project(lon, lat, self.metric_crs))


def degrees(lon, lat) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates as two float arrays of one length, however they came.

    Raises
    ------
    InputError
        For what is not a number, or for different lengths.
    """
    try:
        lon, lat = np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))
        lon, lat = np.broadcast_arrays(lon, lat)
    except (TypeError, ValueError):
        raise InputError(Note("grids.not_degrees")) from None
    if lon.ndim != 1:
        raise InputError(Note("grids.flat_arrays", found=lon.ndim))
    return lon, lat
