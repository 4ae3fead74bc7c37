"""Squares of points without projecting each of them, and still exactly.

A square's column and row are the projected coordinates, divided by its side. PROJ takes 0.2 µs a point for them, most
of it in sines. Over a small piece of the earth, though, a projection is nearly a plane: a polynomial of degree five in
longitude and latitude follows it to the hundredth of a millimetre. So the territory is cut into pieces, each with a
polynomial through PROJ's own answers (tensor Chebyshev nodes), whose error is measured on points between the nodes. A
point that lies further from every side of a square than a hundred times that error has its square for certain; the few
others are put to PROJ itself. The answer is PROJ's for every point.
"""

from dataclasses import dataclass

import numpy as np

from gridmap.grids.raster import compiled
from gridmap.read.metric import project

__all__ = ["SAFETY", "UNSURE", "NearProjection", "near_projection", "square_rows_near"]

UNSURE = -2
DEGREE = 5
FINEST_M = 1e-5  # the error that a piece may have
MOST_PIECES = 1 << 12
SAFETY = 100.0


@dataclass(frozen=True)
class NearProjection:
    """Polynomials in place of a projection, over a box of longitudes and latitudes.

    Attributes
    ----------
    box : (west, south, east, north) in degrees
    across, down : int
        Pieces of the box.
    terms : array (pieces, 2, 6, 6)
        x and y in metres: the factor of sⁱ·tʲ, where s and t run from −1 to 1 over the piece.
    error_m : float
        The largest difference to PROJ that was measured.
    """

    box: tuple[float, float, float, float]
    across: int
    down: int
    terms: np.ndarray
    error_m: float


def near_projection(crs, box: tuple[float, float, float, float]) -> NearProjection | None:
    """Polynomials that follow a projection to a hundredth of a millimetre, or None where none do.

    Parameters
    ----------
    crs : pyproj.CRS
        In metres.
    box : (west, south, east, north) in degrees
        What must be covered; a hundredth more on each side is.

    Examples
    --------
    >>> near_projection("EPSG:32630", (-2.2, 53.5, -1.2, 54.0)).error_m < 1e-5
    True
    >>> near_projection("EPSG:32601", (-180, 50, 180, 52)) is None  # on both sides of the antimeridian
    True
    """
    west, south, east, north = (float(v) for v in box)
    if not (np.isfinite(box).all() and 0 < east - west < 180 and north > south):
        return None  # nothing to follow, or the antimeridian or a pole is in it
    wider, higher = (east - west) / 100, (north - south) / 100
    west, south, east, north = west - wider, max(south - higher, -90), east + wider, min(north + higher, 90)
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    inverse = np.linalg.inv(np.vander(nodes, increasing=True))
    between = np.linspace(-1, 1, 2 * DEGREE + 3)
    side = 1.0
    while True:
        across, down = (max(int(np.ceil(width / side)), 1) for width in (east - west, north - south))
        if across * down > MOST_PIECES:
            return None
        at = _sampled(crs, (west, south, east, north), across, down, nodes)
        terms = np.einsum("ij,pcjk,lk->pcil", inverse, at, inverse)
        powers = np.vander(between, DEGREE + 1, increasing=True)
        drawn = np.einsum("ij,pcjk,lk->pcil", powers, terms, powers)
        error_m = np.abs(drawn - _sampled(crs, (west, south, east, north), across, down, between)).max()
        if error_m < FINEST_M:
            return NearProjection((west, south, east, north), across, down, terms, float(error_m))
        side /= 2


def _sampled(crs, box, across: int, down: int, at: np.ndarray) -> np.ndarray:
    """PROJ's x and y at the same places of every piece, shape (pieces, 2, west → east, south → north)."""
    west, south, east, north = box
    lon = west + (np.arange(across)[:, None] + (at + 1) / 2) * (east - west) / across
    lat = south + (np.arange(down)[:, None] + (at + 1) / 2) * (north - south) / down
    shape = (down, across, len(at), len(at))
    lon = np.broadcast_to(lon[None, :, :, None], shape)
    lat = np.broadcast_to(lat[:, None, None, :], shape)
    with np.errstate(invalid="ignore"):
        x, y = project(lon.ravel(), lat.ravel(), crs)
        return np.stack([x.reshape(shape), y.reshape(shape)], axis=2).reshape(down * across, 2, len(at), len(at))


@compiled
def square_rows_near(lon, lat, rows, box, across, down, terms, origin, size, near, table):
    """Write each point's row of `table` (−1 outside), or UNSURE where it lies within `near` squares of a side.

    Parameters
    ----------
    lon, lat, rows : arrays (n,)
    box, across, down, terms :
        Of a NearProjection.
    origin : (x, y)
        Lower left corner of `table` in metres.
    size : float
        Side of a square in metres.
    near : float
        As a share of the side.
    table : int32 array (rows, columns)
    """
    west, south, east, north = box
    wide, high = across / (east - west), down / (north - south)
    height, width = table.shape
    for k in range(len(lon)):
        px, py = lon[k], lat[k]
        if not (west <= px <= east and south <= py <= north):
            rows[k] = -1 if abs(px) <= 180 or not np.isfinite(px) or not np.isfinite(py) else UNSURE
            continue
        s, t = (px - west) * wide, (py - south) * high
        i, j = min(int(s), across - 1), min(int(t), down - 1)
        s, t = 2 * (s - i) - 1, 2 * (t - j) - 1
        of = terms[j * across + i]
        x, y = 0.0, 0.0
        for a in range(DEGREE, -1, -1):
            cx, cy = 0.0, 0.0
            for b in range(DEGREE, -1, -1):
                cx = cx * t + of[0, a, b]
                cy = cy * t + of[1, a, b]
            x, y = x * s + cx, y * s + cy
        x, y = (x - origin[0]) / size, (y - origin[1]) / size
        column, row = np.floor(x), np.floor(y)
        if min(x - column, y - row) < near or max(x - column, y - row) > 1 - near:
            rows[k] = UNSURE
        elif 0 <= column < width and 0 <= row < height:
            rows[k] = table[int(row), int(column)]
        else:
            rows[k] = -1
