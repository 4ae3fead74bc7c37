"""Rasters of counts: how many people, or anything else that can be summed, in each cell of a picture.

Population rasters (GPW, WorldPop, a city's own 100 m grid) know more than zones do where people live. A cell is read
as the polygon it is, so it can be shared between zones by the exact part that lies in each.
"""

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.warp import transform_bounds
from rasterio.windows import Window, from_bounds

from gridmap.errors import CRSError, InputError, ReadError
from gridmap.messages import Note
from gridmap.read.file_access import check_file
from gridmap.read.metric_projection import as_crs

__all__ = ["read_pixels"]

MOST_PIXELS = 4_000_000
#: How a GeoTIFF begins.
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
REFERRING = (".vrt", ".img")
#: Nothing beside the file is looked for, and no request is made.
ALONE = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_TIMEOUT": "1",
}


def read_pixels(path, *, within=None, empty: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The cells of a raster as polygons in lon/lat, and their values.

    Parameters
    ----------
    path : str or Path
        A GeoTIFF or an ASCII grid; its first band. Rasters that refer to other files (.vrt, .img) are refused.
    within : (west, south, east, north) in degrees, optional
        Only the cells that meet this box: a national raster is read for one county.
    empty : bool
        Cells of 0 and without a value (which is 0 then) are given as well.

    Returns
    -------
    shapes : array of Polygon, (n,)
    values : array of float, (n,)

    Raises
    ------
    ReadError
        If it cannot be read as a raster.
    CRSError
        If it does not say its CRS.
    InputError
        If the box has more than 4,000,000 cells, or lies outside the raster.
    """
    path = check_file(path, Note("read.raster_file"))
    driver = _driver_of(path)
    try:
        with rasterio.Env(**ALONE), rasterio.open(_plain_name(path), driver=driver) as raster:
            if raster.crs is None:
                raise CRSError(Note("read.raster_no_crs", file=path.name))
            crs = as_crs(raster.crs.to_wkt())
            window = Window(0, 0, raster.width, raster.height)
            if within is not None:
                window = _window(raster, within, window, path)
            if window.width * window.height > MOST_PIXELS:
                raise InputError(
                    Note("read.raster_too_large", file=path.name, n=int(window.width * window.height), most=MOST_PIXELS)
                )
            values = raster.read(1, masked=True, window=window).filled(0).astype(float)
            transform = raster.window_transform(window)
    except rasterio.errors.RasterioIOError:
        raise ReadError(Note("read.no_raster", path=str(path))) from None
    values = np.where(np.isfinite(values), values, 0.0)
    row, col = (v.ravel() for v in np.indices(values.shape)) if empty else np.nonzero(values > 0)
    corner_x = np.stack([col, col + 1, col + 1, col], axis=1)
    corner_y = np.stack([row, row, row + 1, row + 1], axis=1)
    if not np.isfinite(tuple(transform)).all():
        raise ReadError(Note("read.no_raster", path=str(path)))
    x, y = transform * (corner_x.astype(float), corner_y.astype(float))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):  # reprojected to nowhere
        raise ReadError(Note("read.no_raster", path=str(path)))
    shapes = gpd.GeoSeries(shapely.polygons(np.stack([x, y], axis=-1)), crs=crs).to_crs(4326)
    return shapes.to_numpy(), values[row, col].clip(0)


def _driver_of(path: Path) -> str:
    """The one driver of GDAL that may look at the file; what refers to other files is refused."""
    if path.suffix.lower() in REFERRING:
        raise ReadError(Note("read.vrt_refused", file=path.name))
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] in TIFF:
        return "GTiff"
    if re.match(rb"\s*(ncols|nrows)\s+\d", head, re.IGNORECASE):
        return "AAIGrid"
    raise ReadError(Note("read.no_raster", path=str(path)))


def _plain_name(path: Path) -> str:
    """The path in a form in which no character of it means an archive or an address."""
    return str(path.resolve()) if "!" not in str(path) else f"/vsisubfile/0_{path.stat().st_size},{path.resolve()}"


def _window(raster, within, whole: Window, path: Path) -> Window:
    """The rows and columns that meet a box, by one more on each side."""
    bounds = transform_bounds("EPSG:4326", raster.crs, *within)
    try:
        part = from_bounds(*bounds, transform=raster.transform)
        column, row = int(np.floor(part.col_off)) - 1, int(np.floor(part.row_off)) - 1
        return Window(column, row, int(np.ceil(part.width)) + 3, int(np.ceil(part.height)) + 3).intersection(whole)
    except rasterio.errors.WindowError:
        raise InputError(Note("read.raster_elsewhere", file=path.name, box=[f"{b:.3f}" for b in within])) from None
