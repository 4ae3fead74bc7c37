"""`DensityResult`: a hotspot result that also carries its surface, as an image in metres.

The surface is a raster over the grid's extent, north up, in incidents per km²; what lies outside the
territory is nan. It can be written as a GeoTIFF that any GIS opens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
from pyproj import CRS

from gridmap._io import atomic_file
from gridmap.grids.base import Grid
from gridmap.grids.squares import SquareGrid
from gridmap.hotspots.result import HotspotResult

if TYPE_CHECKING:
    from rasterio.transform import Affine

__all__ = ["DensityResult", "Raster", "burnt", "raster_over"]

MOST_PIXELS = 1_000_000  # of a surface that gridmap lays out by itself
AT_ONCE = 1 << 17  # points at which a surface is read together


@dataclass(frozen=True, repr=False)
class DensityResult(HotspotResult):
    """A `HotspotResult` with the surface it was made from.

    Attributes
    ----------
    surface : array of float, (rows, columns)
        In `unit`, at the pixel centres, row 0 in the north; nan outside the territory.
    transform : affine.Affine
        From (column, row) to x, y in `crs`.
    crs : pyproj.CRS
        In metres.
    unit : str
        "incidents per square kilometre", or "ratio" of `relative_risk`.
    contours : GeoDataFrame (EPSG:4326) or None
        `relative_risk`'s tolerance contours: `label, p, area_m2, geometry`.
    """

    surface: np.ndarray | None = field(default=None)
    transform: "Affine | None" = field(default=None)
    crs: CRS | None = field(default=None)
    unit: str = field(default="incidents per square kilometre")
    contours: gpd.GeoDataFrame | None = field(default=None)

    def to_geotiff(self, path, *, tags: Mapping[str, str] | None = None) -> Path:
        """Write the surface as a one-band GeoTIFF (float32, deflate, nan outside); whole or not at all.

        `tags` stand in the file beside the settings: who made it, in which run.

        Raises
        ------
        OutputError
            If the file cannot be written there.
        """
        import rasterio  # here, so that what draws no surface does not wait for it

        path = Path(path)
        surface: Any = self.surface
        crs: Any = self.crs
        rows, columns = surface.shape
        profile = {
            "driver": "GTiff", "width": columns, "height": rows, "count": 1, "dtype": "float32", "nodata": np.nan,
            "crs": rasterio.crs.CRS.from_wkt(crs.to_wkt()), "transform": self.transform, "compress": "deflate",
        }  # fmt: skip
        with atomic_file(path) as part, rasterio.open(part, "w", **profile) as file:
            file.write(surface.astype(np.float32), 1)
            file.set_band_description(1, f"{self.method}, {self.unit}")
            file.update_tags(**{name: str(value) for name, value in self.params.items()} | dict(tags or {}))
        return path


@dataclass(frozen=True)
class Raster:
    """A north-up raster over a grid: its frame, and how much of each pixel is territory.

    Attributes
    ----------
    west, north, pixel : float, in metres
    inside : array of float, (rows, columns)
        0 outside; within a cell that cell's `share_inside`, so that a border cell counts for what it holds.
    """

    west: float
    north: float
    pixel: float
    inside: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.inside.shape

    @property
    def transform(self) -> "Affine":
        """From (column, row) to x, y."""
        return _frame(self.west, self.north, self.pixel)

    def at(self, image: np.ndarray, xy: np.ndarray) -> np.ndarray:
        """`image` at points, bilinear between pixel centres."""
        out = np.empty((*image.shape[:-2], len(xy)))
        for start in range(0, len(xy), AT_ONCE):
            here = slice(start, start + AT_ONCE)
            out[..., here] = self._at(image, xy[here])
        return out

    def _at(self, image: np.ndarray, xy: np.ndarray) -> np.ndarray:
        rows, columns = self.shape
        column = ((xy[:, 0] - self.west) / self.pixel - 0.5).clip(0, columns - 1)
        row = ((self.north - xy[:, 1]) / self.pixel - 0.5).clip(0, rows - 1)
        c = np.floor(column).astype(np.int64).clip(0, max(columns - 2, 0))
        r = np.floor(row).astype(np.int64).clip(0, max(rows - 2, 0))
        u, v = column - c, row - r
        c1, r1 = np.minimum(c + 1, columns - 1), np.minimum(r + 1, rows - 1)
        upper = image[..., r, c] * (1 - u) + image[..., r, c1] * u
        lower = image[..., r1, c] * (1 - u) + image[..., r1, c1] * u
        return upper * (1 - v) + lower * v


def raster_over(grid: Grid, fine_m: float, *, most: int = MOST_PIXELS, aligned: bool = True) -> Raster:
    """A raster over `grid`: the squares themselves (if `aligned`), else of `fine_m` or as fine as `most` lets."""
    share = grid.cells["share_inside"].to_numpy(float) if "share_inside" in grid.cells else np.ones(len(grid))
    if aligned and isinstance(grid, SquareGrid):
        size = grid.params["cell_size_m"]
        at = np.round(grid.centroids_m / size - 0.5).astype(np.int64)
        (west, south), (east, north) = at.min(axis=0), at.max(axis=0) + 1
        inside = np.zeros((north - south, east - west))
        inside[north - 1 - at[:, 1], at[:, 0] - west] = share
        return Raster(west * size, north * size, size, inside)
    cells = grid.cells.geometry.to_crs(grid.metric_crs)
    west, south, east, north = cells.total_bounds
    pixel = max(fine_m, np.sqrt((east - west) * (north - south) / most))
    shape = (max(int(np.ceil((north - south) / pixel)), 1), max(int(np.ceil((east - west) / pixel)), 1))
    return Raster(west, north, pixel, burnt(cells, np.maximum(share, 1e-6), _frame(west, north, pixel), shape, 0.0))


def burnt(shapes, values, transform: "Affine", shape: tuple[int, int], fill: float) -> np.ndarray:
    """Each pixel the value of the shape that holds its centre; `fill` where none does."""
    from rasterio.features import rasterize

    pairs = zip(shapes, values, strict=True)
    return rasterize(pairs, out_shape=shape, transform=transform, fill=fill, dtype="float64")


def _frame(west: float, north: float, pixel: float) -> "Affine":
    """From (column, row) to x, y. (rasterio's own `from_origin` warns with affine 3.)"""
    from rasterio.transform import Affine

    return Affine(pixel, 0.0, west, 0.0, -pixel, north)
