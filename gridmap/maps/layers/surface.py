"""A density as an image: a surface in incidents per km² that stays put when one zooms.

The usual heat map of the web blurs points by pixels of the screen, so its hot spots come and go with the zoom. Here
the densities that `kernel_density` found, in metres, are drawn as bands between fixed bounds.
"""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import h3
import numpy as np
import scipy
import shapely

from gridmap.maps.layers.cells import CellsLayer
from gridmap.maps.legend_classes import codes_of
from gridmap.maps.packing import h3_outlines
from gridmap.read.metric_projection import project

__all__ = ["SurfaceLayer", "mercator", "palette_png"]

MOST_PIXELS = 900


def mercator(lonlat: np.ndarray) -> np.ndarray:
    """Lon, lat to the unit square of Web Mercator, y downwards."""
    s = np.sin(np.radians(lonlat[:, 1].clip(-85.05, 85.05)))
    return np.column_stack([lonlat[:, 0] / 360 + 0.5, 0.5 - np.log((1 + s) / (1 - s)) / (4 * np.pi)])


@dataclass(frozen=True, repr=False)
class SurfaceLayer(CellsLayer):
    """A density, as bands of an image on the page and as cells in a figure.

    Attributes
    ----------
    bounds : tuple of float
        Upper bounds of the bands.
    surface : (ndarray, Affine, CRS) or None
        The method's own surface; between the middles of the cells where it kept none.
    """

    kind: ClassVar[str] = "surface"
    drawing: ClassVar[str] = "image"

    bounds: Sequence[float] = ()
    surface: tuple[np.ndarray, Any, Any] | None = None

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """The image and its corners."""
        return super().pack(order) | {"image": _image(self)}


def _image(layer: SurfaceLayer) -> dict[str, Any]:
    """The layer's `intensity` between the middles of its cells, as a PNG in a data URI, with its corners."""
    from rasterio.features import rasterize
    from rasterio.transform import Affine

    frame = layer.frame
    shapes = frame.geometry.to_numpy() if layer.has_geometry else h3_outlines(frame.index)
    if layer.has_geometry:
        middle = shapely.get_coordinates(shapely.centroid(shapes))
    else:
        middle = np.array([h3.cell_to_latlng(c)[::-1] for c in frame.index])
    flat = shapely.transform(shapes, mercator)
    west, north, east, south = shapely.total_bounds(flat)  # y runs downwards
    across, down = east - west, south - north
    size = MOST_PIXELS / max(across, down)
    width, height = max(2, round(across * size)), max(2, round(down * size))
    x, y = np.meshgrid(
        west + (np.arange(width) + 0.5) * across / width, north + (np.arange(height) + 0.5) * down / height
    )
    if layer.surface is not None:
        values = _sampled(x, y, *layer.surface)
    else:
        values = _between(x, y, mercator(middle), frame["intensity"].to_numpy(float))
    transform = Affine(across / width, 0, west, 0, down / height, north)
    inside = rasterize(list(flat), out_shape=(height, width), transform=transform, dtype="uint8")
    codes = np.where(inside > 0, codes_of(values, layer.bounds), 0).astype(np.uint8)
    corner = lambda x, y: [np.degrees(2 * np.arctan(np.exp((0.5 - y) * 2 * np.pi))) - 90, (x - 0.5) * 360]  # noqa: E731
    return {
        "url": "data:image/png;base64," + base64.b64encode(palette_png(codes, layer.classes)).decode("ascii"),
        "bounds": [[round(v, 6) for v in corner(west, south)], [round(v, 6) for v in corner(east, north)]],
    }


def _sampled(x: np.ndarray, y: np.ndarray, surface: np.ndarray, transform, crs) -> np.ndarray:
    """The method's own surface at the pixels' middles, linear between its pixels."""
    lon, lat = (x - 0.5) * 360, np.degrees(2 * np.arctan(np.exp((0.5 - y) * 2 * np.pi))) - 90
    x_m, y_m = project(lon.ravel(), lat.ravel(), crs)
    a, b, c, d, e, f = tuple(~transform)[:6]
    column, row = a * x_m + b * y_m + c, d * x_m + e * y_m + f
    there = scipy.ndimage.map_coordinates(np.nan_to_num(surface), [row - 0.5, column - 0.5], order=1, mode="nearest")
    return there.reshape(x.shape)


def _between(x: np.ndarray, y: np.ndarray, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values at the pixels' middles, linear between those at the cells' middles; too few of them are one value."""
    values = np.nan_to_num(values)
    if len(np.unique(at, axis=0)) < 4:
        return np.full(x.shape, values.max(initial=0))
    found = scipy.interpolate.LinearNDInterpolator((at - at[0]) * 1e4, values)(
        (x - at[0, 0]) * 1e4, (y - at[0, 1]) * 1e4
    )
    return np.nan_to_num(found)


def palette_png(codes: np.ndarray, classes) -> bytes:
    """A PNG of class codes: code 0 is transparent, the others have their class's colour.

    Examples
    --------
    >>> from gridmap.maps.legend_classes import Class
    >>> palette_png(np.zeros((2, 2), np.uint8), (Class("#FFFFFF"),))[:4]
    b'\\x89PNG'
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = codes.shape
    colours = b"".join(bytes.fromhex(c.colour[1:]) for c in classes)
    alpha = bytes([0] + [235] * (len(classes) - 1))
    rows = np.concatenate([np.zeros((height, 1), np.uint8), codes], axis=1).tobytes()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + chunk(b"PLTE", colours)
        + chunk(b"tRNS", alpha)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
