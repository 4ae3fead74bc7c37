"""How shapes and numbers travel to the browser: as few bytes as the eye needs.

H3 cells go as sorted ids, each as the step from the one before (a hexagon's corners are not sent at all: the
page computes them). Other shapes go as corners rounded to about 0.1 m or 1 m, again as steps. Numbers go as the
smallest integers that keep the digits shown. All of it is zlib in base64; 200,000 cells take about half a megabyte.
"""

import base64
import zlib
from collections.abc import Sequence

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely

from gridmap.grids.index.locator import SOME, Parts

__all__ = ["around", "lonlat_bounds", "pack", "pack_column", "pack_h3", "pack_outlines", "varints"]

#: Above this many corners, outlines are simplified as a coverage: neighbours keep their shared edges.
MOST_CORNERS = 120_000


def pack(data: bytes) -> str:
    """Bytes as text: zlib, then base64."""
    return base64.b64encode(zlib.compress(data, 9)).decode("ascii")


def varints(values) -> bytes:
    """Whole numbers ≥ 0 as LEB128: seven bits a byte, small numbers in one.

    Examples
    --------
    >>> list(varints([1, 127, 128]))
    [1, 127, 128, 1]
    """
    values = np.asarray(values, np.uint64)
    if not len(values):
        return b""
    length = np.ones(len(values), np.int64)
    for bits in range(7, 64, 7):
        length += values >= np.uint64(1 << bits)
    at = np.concatenate([[0], np.cumsum(length)])
    out = np.zeros(at[-1], np.uint8)
    for i in range(int(length.max())):
        has = length > i
        byte = (values[has] >> np.uint64(7 * i)) & np.uint64(127)
        more = (length[has] > i + 1).astype(np.uint8) << 7
        out[at[:-1][has] + i] = byte.astype(np.uint8) | more
    return out.tobytes()


def _zigzag(steps: np.ndarray) -> np.ndarray:
    return ((steps << 1) ^ (steps >> 63)).astype(np.uint64)


def pack_h3(ids: pd.Index) -> tuple[dict, np.ndarray] | None:
    """H3 ids of one resolution as steps, and the order that sorts them; None when they mix resolutions."""
    keys = np.array([int(c, 16) for c in ids], dtype=np.uint64)
    resolutions = np.unique((keys >> np.uint64(52)) & np.uint64(15))
    if len(resolutions) != 1:
        return None
    resolution = int(resolutions[0])
    order = np.argsort(keys, kind="stable")
    # the digits below the resolution are all ones, the twelve bits on top all alike: neither is sent
    short = (keys[order] & np.uint64((1 << 52) - 1)) >> np.uint64(3 * (15 - resolution))
    steps = np.diff(short, prepend=np.uint64(0))
    return {"type": "h3", "resolution": resolution, "n": len(ids), "ids": pack(varints(steps))}, order


def h3_outlines(ids: pd.Index) -> np.ndarray:
    """Polygons of H3 cells, for what needs them in Python."""
    return np.array([shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(c)]) for c in ids], dtype=object)


def pack_outlines(shapes: np.ndarray, *, simplify: bool = True, zooms: Sequence[float] = ()) -> dict:
    """Polygons, lines or points as rounded steps.

    Parameters
    ----------
    shapes : array of shapely geometries in lon/lat
    simplify : bool
        Thin out what has more corners than a screen can show.
    zooms : list of float, coarsest first
        Corners that no screen shows at the last of them are left out, and `levels` says of each corner from which of
        them on it is drawn: one geometry, simplified by zoom.
    """
    shapes = np.asarray(shapes, dtype=object)
    areal = bool(len(shapes)) and set(np.unique(shapely.get_type_id(shapes)).tolist()) <= {3, 6}
    corners = int(shapely.get_num_coordinates(shapes).sum())
    bounds = shapely.bounds(shapes)
    extent = max(float(np.nanmax(bounds[:, 2]) - np.nanmin(bounds[:, 0])), 1e-6) if len(shapes) else 1e-6
    tolerance = extent / 8000 * np.sqrt(corners / MOST_CORNERS) if simplify and corners > MOST_CORNERS else None
    size = float(np.nanmedian(np.hypot(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]))) if len(shapes) else 1
    scale = 100_000 if size > 0.004 else 1_000_000
    if areal:
        xy, counts, owner = _rings_of(shapes, tolerance)
        of_ring, n_rings, kinds = np.repeat(np.arange(len(counts)), counts), len(counts), np.array([3])
    else:
        if tolerance is not None:
            thin = shapely.simplify(shapes, tolerance)
            shapes = np.where(shapely.is_empty(thin), shapes, thin)
        parts, owner = shapely.get_parts(shapes, return_index=True)
        kinds = shapely.get_type_id(parts)
        xy, of_ring = shapely.get_coordinates(parts, return_index=True)
        n_rings = len(parts)
    by_zoom = {}
    if zooms:
        level, drawn = _levels(xy, of_ring, zooms, closed=areal)
        xy, of_ring = xy[drawn], of_ring[drawn]
        by_zoom = {"levels": pack(level[drawn].astype(np.uint8).tobytes())}
    steps = np.diff(np.round(xy * scale).astype(np.int64), axis=0, prepend=0)
    return {
        "type": "outlines",
        "n": len(shapes),
        "scale": scale,
        "closed": areal or (bool(np.isin(kinds, (2, 3)).all()) and areal),
        "points": bool((kinds == 0).all()) if len(kinds) else False,
        "xy": pack(varints(_zigzag(steps.ravel()))),
        "rings": pack(varints(np.bincount(of_ring, minlength=n_rings))),
        "parts": pack(varints(np.bincount(owner, minlength=len(shapes)))),
        **by_zoom,
    }


def _rings_of(shapes: np.ndarray, tolerance: float | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners of the rings of areas without the last of each, which is its first; how many each has, and its area.

    With a tolerance they are simplified as a coverage: neighbours keep their shared edges. Some thousand parts are
    taken at a time, with all whose boxes meet theirs. What an edge becomes is decided by the areas on both its sides
    and by what lies between its corners: all of them have boxes that meet, so each piece has what it needs, and the
    answer is that of all at once, in a tenth of the memory.
    """
    if tolerance is None:
        return _rings(*shapely.get_parts(shapely.orient_polygons(shapes), return_index=True))
    parts = Parts(shapes)
    corners, counts, part = [np.empty((0, 2))], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for own in parts.pieces() if len(parts) > SOME else [np.arange(len(parts))]:
        near = np.unique(parts.meeting(own)[1])  # always in the same order
        whole = parts.take(near)
        thin = shapely.coverage_simplify(whole, tolerance)
        thin = np.where(shapely.is_empty(thin), whole, thin)[np.searchsorted(near, own)]
        xy, number, of_part = _rings(shapely.orient_polygons(thin), own)
        corners.append(xy)
        counts.append(number)
        part.append(of_part)
    xy, number, of_part = np.concatenate(corners), np.concatenate(counts), np.concatenate(part)
    order = np.argsort(of_part, kind="stable")
    first, number = (np.cumsum(number) - number)[order], number[order]
    at = np.repeat(first - np.cumsum(number) + number, number) + np.arange(len(xy))
    return xy[at], number, parts.zone[of_part[order]]


def _rings(polygons: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rings, of = shapely.get_rings(polygons, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    keep = np.append(of_ring[1:] == of_ring[:-1], False) if len(of_ring) else np.zeros(0, bool)
    return xy[keep], np.bincount(of_ring[keep], minlength=len(rings)), owner[of]


#: What two thirds of a pixel are, in degrees of longitude, at zoom 0.
TWO_THIRDS_PX = 360 / 256 * 2 / 3


def _levels(
    xy: np.ndarray, of_ring: np.ndarray, zooms: Sequence[float], *, closed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """From which of the zooms on each corner is drawn, and which corners any of them draws.

    Lines are simplified in Mercator's plane by Douglas & Peucker (1973), the finest first and each of the one before,
    so that what a scale draws is part of what the next one draws.
    """
    if not len(xy):
        return np.zeros(0, int), np.zeros(0, bool)
    plane = np.column_stack([xy[:, 0], np.degrees(np.arcsinh(np.tan(np.radians(xy[:, 1]))))])
    count = np.bincount(of_ring)
    least = 3 if closed else 2
    rings = np.flatnonzero(count >= 2)
    inside = np.isin(of_ring, rings)
    level = np.full(len(xy), len(zooms))
    level[~inside] = 0  # points
    lines = shapely.linestrings(plane[inside], indices=np.searchsorted(rings, of_ring[inside]))
    key = pd.MultiIndex.from_arrays([of_ring, *plane.T])
    for at in range(len(zooms) - 1, -1, -1):
        lines = shapely.simplify(lines, TWO_THIRDS_PX / 2 ** zooms[at], preserve_topology=False)
        kept, owner = shapely.get_coordinates(lines, return_index=True)
        level[key.isin(pd.MultiIndex.from_arrays([rings[owner], *kept.T])) & inside] = at
    drawn = level < len(zooms)
    few = np.bincount(of_ring[drawn], minlength=len(count)) < least
    drawn |= few[of_ring]  # what would vanish keeps its corners
    return np.minimum(level, len(zooms) - 1), drawn


def digits_for(values: np.ndarray) -> int:
    """How many decimals keep about four figures of the largest amount."""
    top = np.nanmax(np.abs(values), initial=0)
    if not top or not np.isfinite(top) or np.allclose(values[np.isfinite(values)] % 1, 0):
        return 0
    return int(np.clip(3 - np.floor(np.log10(top)), 0, 6))


def pack_column(values: pd.Series, *, digits: int | None = None) -> dict:
    """One column: numbers as scaled integers, anything else as a list of texts and the place of each row's in it."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        number = values.to_numpy(dtype=float, na_value=np.nan)
        number = np.where(np.isfinite(number), number, np.nan)
        digits = digits_for(number) if digits is None else digits
        return {"digits": digits, **_pack_integers(np.round(number * 10.0**digits))}
    code, texts = pd.factorize(values.astype(object).where(values.notna(), None), use_na_sentinel=True)
    number = np.where(code < 0, np.nan, code.astype(float))
    return {"texts": [str(t)[:MOST_CHARACTERS] for t in texts], **_pack_integers(number)}


#: A name longer than this is cut on the page; nobody reads ten thousand characters in a tooltip.
MOST_CHARACTERS = 200


def _pack_integers(values: np.ndarray) -> dict:
    """Whole numbers, nan where missing, in the smallest signed type; its lowest value stands for missing."""
    low, high = np.nanmin(values, initial=0), np.nanmax(values, initial=0)
    for kind, top in (("i1", 127), ("i2", 32767), ("i4", 2**31 - 1)):
        if -top <= low and high <= top:
            missing = -top - 1
            data = np.where(np.isnan(values), missing, values).astype(f"<{kind}")
            return {"type": kind, "data": pack(data.tobytes())}
    return {"type": "f4", "data": pack(values.astype("<f4").tobytes())}


def lonlat_bounds(frame: pd.DataFrame) -> list[float] | None:
    """West, south, east, north of a layer's frame; None when it is empty.

    East is above 180 where the frame lies on both sides of the antimeridian.
    """
    if not len(frame):
        return None
    if isinstance(frame, gpd.GeoDataFrame):
        boxes = frame.bounds.to_numpy()
    else:
        centre = np.array([h3.cell_to_latlng(c) for c in frame.index])[:, ::-1]
        edge = 1.5 * h3.average_hexagon_edge_length(h3.get_resolution(frame.index[0]), unit="km") / 111
        boxes = np.concatenate([centre - edge, centre + edge], axis=1)
    box = around(boxes[np.isfinite(boxes).all(axis=1)])
    return [round(float(v), 6) for v in box] if box else None


def around(boxes) -> list[float]:
    """The smallest box around boxes of west, south, east, north: across the antimeridian where that is shorter.

    Examples
    --------
    >>> around([[177, -18, 180, -16], [-180, -18, -178, -16]])
    [177.0, -18.0, 182.0, -16.0]
    """
    boxes = np.asarray(boxes, float)
    if not len(boxes):
        return []
    west, east = boxes[:, 0], boxes[:, 2]
    plain = [west.min(), east.max()]
    if plain[1] - plain[0] > 180:
        turn = np.where((west < 0) & (east - west < 180), 360.0, 0.0)
        turned = [(west + turn).min(), (east + turn).max()]
        if turned[1] - turned[0] < plain[1] - plain[0]:
            plain = turned
    return [float(v) for v in (plain[0], boxes[:, 1].min(), plain[1], boxes[:, 3].max())]
