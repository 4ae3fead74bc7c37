"""GeoTIFF: a density's own surface, or cells burnt into pixels.

Squares become one pixel each, in the grid's own metric CRS, so nothing is resampled (give `grid=`). Other cells are
burnt at a quarter of their size: what a pixel's middle lies in. A band a column, its name and unit in the band's
description; classes (`label`) as numbers, with what they mean in the band's tags.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS

from gridmap.errors import InputError
from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
from gridmap.exports.result_parts import Part, Stamp, shapes_of, unit_of
from gridmap.grids.base import Grid
from gridmap.grids.squares import SquareGrid
from gridmap.hotspots.density_result import DensityResult, burnt
from gridmap.messages import Note
from gridmap.read.metric_projection import metric_crs

if TYPE_CHECKING:
    from rasterio.transform import Affine

__all__ = ["FORMATS", "to_geotiff"]

MOST_PIXELS = 25_000_000
SQUARE = re.compile(r"-?\d+_-?\d+")


def to_geotiff(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """A surface where the result has one; else the cells of the first part with shapes."""
    source = parts[0].source
    if isinstance(source, DensityResult) and source.surface is not None:
        source.to_geotiff(
            path,
            tags=stamp.flat(parts[0])
            | {"unit": source.unit, "crs": "" if source.crs is None else source.crs.to_string()},
        )
        return
    import rasterio.crs  # takes a tenth of a second, and few runs write a GeoTIFF

    part = shapes_of(parts, "A GeoTIFF")
    if not len(part.frame) or not part.frame.geom_type.dropna().str.endswith("Polygon").all():
        raise InputError(Note("exports.no_areas", name=part.name))
    if part.frame.index.has_duplicates:
        raise InputError(Note("exports.several_rows_a_cell", name=part.name))
    bands = _bands(part)
    row, transform, crs = _frame(part, len(bands))
    kind = "float32" if all(_exact(values) for _, values, _ in bands) else "float64"
    height, width = row.shape
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": len(bands), "dtype": kind, "nodata": np.nan,
        "crs": rasterio.crs.CRS.from_wkt(crs.to_wkt()), "transform": transform, "compress": "deflate", "tiled": True,
        "predictor": 3,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        for i, (name, values, tags) in enumerate(bands, start=1):
            file.write(np.r_[values, np.nan].astype(kind)[row], i)  # the last stands for outside
            unit = unit_of(name)
            file.set_band_description(i, f"{name}, {unit}" if unit and unit != "1" else name)
            file.update_tags(i, **tags)
        file.update_tags(**stamp.flat(part) | {"crs": crs.to_string()})


def _bands(part: Part) -> list[tuple[str, np.ndarray, dict[str, str]]]:
    """Name, values and tags of each column that is a number or a class."""
    frame = plain_frame(part.frame)
    found: list[tuple[str, np.ndarray, dict[str, str]]] = []
    for column in frame.columns:
        values = frame[column]
        if column == frame.geometry.name:
            continue
        if values.dtype.kind in "bif":
            found.append((column, values.to_numpy("float64", na_value=np.nan), {}))
        elif column == "label":
            names = list(pd.unique(values.dropna()))
            codes = values.map({name: i for i, name in enumerate(names)}).to_numpy("float64", na_value=np.nan)
            found.append((column, codes, {"classes": json.dumps(dict(enumerate(names)), ensure_ascii=False)}))
    if not found:
        raise InputError(Note("exports.no_numbers", name=part.name))
    return found


def _exact(values: np.ndarray) -> bool:
    """Whether float32 keeps these values: whole numbers up to 2²⁴, or fractions to seven figures."""
    there = values[np.isfinite(values)]
    whole = (there % 1 == 0).all()
    return not len(there) or np.abs(there).max() < (2**24 if whole else 1e30)


def _frame(part: Part, bands: int) -> tuple[np.ndarray, "Affine", CRS]:
    """Which row of the frame each pixel shows (−1 outside), from (column, row) to x, y, and the CRS."""
    grid = part.source if isinstance(part.source, Grid) else part.grid
    from rasterio.transform import Affine

    cells = part.frame.geometry
    crs = grid.metric_crs if grid is not None else metric_crs(tuple(cells.to_crs(4326).total_bounds))
    if isinstance(grid, SquareGrid) and all(SQUARE.fullmatch(str(i)) for i in part.frame.index):
        size = grid.params["cell_size_m"]
        at = np.array([i.split("_") for i in part.frame.index], dtype=np.int64)
        (west, south), (east, north) = at.min(axis=0), at.max(axis=0) + 1
        row = np.full((north - south, east - west), -1)
        row[north - 1 - at[:, 1], at[:, 0] - west] = np.arange(len(at))
        return row, Affine(size, 0.0, west * size, 0.0, -size, north * size), crs
    flat = cells.to_crs(crs)
    west, south, east, north = flat.total_bounds
    across, up = max(east - west, 1.0), max(north - south, 1.0)
    pixel = max(np.sqrt(float(flat.area.median())) / 4, np.sqrt(across * up * bands / MOST_PIXELS))
    shape = (max(int(np.ceil(up / pixel)), 1), max(int(np.ceil(across / pixel)), 1))
    transform = Affine(pixel, 0.0, west, 0.0, -pixel, north)
    there = ~(flat.is_empty | flat.isna()).to_numpy()
    row = burnt(flat[there], np.flatnonzero(there).astype(float), transform, shape, -1.0)
    return row.astype(np.int64), transform, crs


FORMATS = {ending: Format(to_geotiff, shapes=False) for ending in (".tif", ".tiff")}
