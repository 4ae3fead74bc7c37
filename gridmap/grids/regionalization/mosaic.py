"""A community as a mosaic of small pieces, each with its load and its neighbours.

Whatever the basic units are, the pieces cover the community exactly and do not overlap:

- points (buildings, addresses): Voronoi cells, cut to the community and to the blocks between its streets;
- areas that tile the ground (census blocks, squares, H3 cells): cut to the community; what they leave open
  becomes a piece without load.

A cell that the border cuts in two gives two pieces, and the second has no load. So a part of the mosaic that is
connected is a polygon in one piece, and no border ever has to be repaired afterwards.

Everything here is in metres on a plane of the community's own (`Plane`), which is only a stretched
longitude and latitude: straight lines stay straight, so the borders of neighbours still meet when taken back.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy import sparse

__all__ = ["Mosaic", "Plane", "mosaic_of_areas", "mosaic_of_points", "polygon_parts", "shared_borders"]


SNAP_M = 0.001  # corners nearer than this are one
NEAR_M = 0.001  # edges this far apart still touch; wider gaps are pieces of their own
SHORTEST_M = 0.05  # two pieces that share less border than this only touch at a corner


class Plane:
    """Metres around a middle latitude; an affine map of lon, lat."""

    def __init__(self, lon: float, lat: float):
        phi = np.radians(lat)
        self.origin = np.array([lon, lat])
        self.scale = np.array(
            [
                max(111412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi), 1.0),
                111132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi),
            ]
        )

    def to_m(self, degrees: np.ndarray) -> np.ndarray:
        """lon, lat (n, 2) → metres."""
        return (degrees - self.origin) * self.scale

    def to_degrees(self, metres: np.ndarray) -> np.ndarray:
        """Metres (n, 2) → lon, lat."""
        return metres / self.scale + self.origin


@dataclass
class Mosaic:
    """Pieces of one community.

    Attributes
    ----------
    shapes : array of Polygon, (n,), metres
    unit : array of int, (n,)
        Row of the basic unit that the piece comes from; −1 for a piece that no basic unit covers.
    share : array of float, (n,)
        How much of the basic unit's load the piece carries.
    xy : array of float, (n, 2)
        Where its load lies.
    block : array of int, (n,)
        Which block between the lines it is in.
    """

    shapes: np.ndarray
    unit: np.ndarray
    share: np.ndarray
    xy: np.ndarray
    block: np.ndarray

    def __len__(self) -> int:
        return len(self.shapes)

    def borders(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs of pieces that share a border and its length: (i, j, metres), i < j."""
        return shared_borders(self.shapes)


def polygon_parts(shapes) -> tuple[np.ndarray, np.ndarray]:
    """The polygons in `shapes` that have an area, and the row each comes from."""
    parts, row = shapely.get_parts(shapes, return_index=True)
    deep = shapely.get_type_id(parts) > 3
    if deep.any():  # collections in collections
        inner, at = shapely.get_parts(parts[deep], return_index=True)
        parts, row = np.r_[parts[~deep], inner], np.r_[row[~deep], row[deep][at]]
    keep = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 1e-9)
    return parts[keep], row[keep]


def mosaic_of_points(territory, xy: np.ndarray, lines=None) -> Mosaic:
    """Voronoi cells of points, cut to a polygon and to the blocks between `lines`.

    Parameters
    ----------
    territory : Polygon or MultiPolygon, metres
    xy : array of float, (n, 2)
        Distinct points inside the territory.
    lines : geometry, optional
        Streets, rivers, walls that the pieces must not straddle.
    """
    blocks = _blocks(territory, lines)
    inside = np.zeros(len(xy), np.int64)
    if len(blocks) > 1 and len(xy):
        points = shapely.points(xy)
        block, at = shapely.STRtree(points).query(blocks, predicate="intersects")
        order = np.lexsort((block, at))[::-1]
        inside = np.full(len(xy), -1)
        inside[at[order]] = block[order]
        lost = inside < 0
        if lost.any():
            inside[lost] = shapely.STRtree(blocks).nearest(points[lost])
    by_block = []
    members = np.argsort(inside, kind="stable")
    starts = np.searchsorted(inside[members], np.arange(len(blocks) + 1))
    for b, area in enumerate(blocks):
        rows = members[starts[b] : starts[b + 1]]
        pieces, of, first = _voronoi(area, xy[rows])
        none = np.zeros(len(pieces), bool)
        by_block.append((pieces, rows[of] if len(rows) else of, first if len(rows) else none, np.full(len(pieces), b)))
    shapes, unit, own, block = (np.concatenate(column) for column in zip(*by_block, strict=True))
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    at = centre.copy()
    at[own] = xy[unit[own]]
    return Mosaic(shapes, np.where(own, unit, -1), own.astype(float), at, block)


def _blocks(territory, lines) -> np.ndarray:
    whole = polygon_parts(np.array([territory]))[0]
    if lines is None or shapely.is_empty(lines):
        return whole
    edges = shapely.union_all([shapely.boundary(territory), shapely.intersection(lines, territory)])
    faces = shapely.get_parts(shapely.polygonize([edges]))
    faces = faces[_solid(faces)]
    if not len(faces):
        return whole
    faces = faces[shapely.intersects(shapely.buffer(territory, NEAR_M), shapely.point_on_surface(faces))]
    faces, _ = polygon_parts(shapely.intersection(faces, territory))
    # What rounding leaves open is a block too, or the grids would not cover the community.
    rest, _ = polygon_parts(np.array([shapely.difference(territory, shapely.union_all(faces))]))
    return np.concatenate([faces, rest[_solid(rest)]])


def _solid(shapes: np.ndarray) -> np.ndarray:
    """Which polygons are more than a crack: wider than a millimetre in the mean."""
    return shapely.area(shapes) > SNAP_M * shapely.length(shapes)


def _voronoi(area, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of a polygon, the point each belongs to, and whether it holds that point (one piece a point does)."""
    if len(xy) <= 1:
        pieces = polygon_parts(np.array([area]))[0]
        first = np.zeros(len(pieces), bool)
        first[:1] = len(xy) == 1
        return pieces, np.zeros(len(pieces), np.int64), first
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=shapely.envelope(area), ordered=True)
    )
    shapely.prepare(area)
    whole = shapely.contains_properly(area, cells)
    cut = np.flatnonzero(~whole)
    try:
        parts, row = polygon_parts(shapely.intersection(cells[cut], area))
    except shapely.GEOSException:  # points on a perfect lattice can give cells that touch themselves
        parts, row = polygon_parts(shapely.intersection(shapely.make_valid(cells[cut]), area, grid_size=1e-6))
    row = cut[row]
    away = shapely.distance(parts, shapely.points(xy[row]))
    order = np.lexsort((-shapely.area(parts), away, row))  # the piece that holds the point comes first
    parts, row = parts[order], row[order]
    first = np.r_[True, np.diff(row) > 0] if len(row) else np.zeros(0, bool)
    pieces = np.concatenate([cells[whole], parts])
    return pieces, np.r_[np.flatnonzero(whole), row], np.r_[np.ones(int(whole.sum()), bool), first]


def mosaic_of_areas(territory, areas: np.ndarray, share: np.ndarray, lines=None) -> Mosaic:
    """Areas cut to a polygon and to the blocks between `lines`; what they leave open is a piece without load.

    Parameters
    ----------
    territory : Polygon or MultiPolygon, metres
    areas : array of Polygon or MultiPolygon, (n,)
        Where two overlap, the first keeps the ground.
    share : array of float, (n,)
        How much of each basic unit's load lies in this territory.
    """
    if len(areas):
        first, second = shapely.STRtree(areas).query(areas, predicate="intersects")
        later = first < second
        first, second = first[later], second[later]
        over = shapely.area(shapely.intersection(areas[first], areas[second])) > 1e-6
        for i, j in zip(first[over], second[over], strict=True):
            areas[j] = shapely.difference(areas[j], areas[i])
    parts, row = polygon_parts(shapely.intersection(areas, territory))
    rest = shapely.difference(territory, shapely.union_all(parts)) if len(parts) else territory
    open_ground, _ = polygon_parts(np.array([rest]))
    shapes, unit = np.r_[parts, open_ground], np.r_[row, np.full(len(open_ground), -1)]
    block = np.zeros(len(shapes), np.int64)
    blocks = _blocks(territory, lines)
    if lines is not None and len(blocks) > 1:
        piece, block = shapely.STRtree(blocks).query(shapes, predicate="intersects")
        cut, at = polygon_parts(shapely.intersection(shapes[piece], blocks[block]))
        solid = shapely.area(cut) > 1e-4
        shapes, unit, block = cut[solid], unit[piece[at[solid]]], block[at[solid]]
    size = shapely.area(shapes)
    total = np.bincount(unit[unit >= 0], size[unit >= 0], minlength=len(areas))
    held = np.zeros(len(shapes))
    real = unit >= 0
    held[real] = size[real] / total[unit[real]] * share[unit[real]]
    return Mosaic(shapes, unit, held, shapely.get_coordinates(shapely.centroid(shapes)), block)


def shared_borders(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which polygons share a border, and how long it is, shape (m,) each.

    Edges with the same two corners are found by hashing; those left over, where a corner of one polygon lies on
    an edge of the other, by geometry.

    Examples
    --------
    >>> i, j, metres = shared_borders(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0.5, 2, 3)]))
    >>> int(i[0]), int(j[0]), float(metres[0])
    (0, 1, 0.5)
    """
    rings, ring_of = shapely.get_rings(shapes, return_index=True)
    xy, of = shapely.get_coordinates(rings, return_index=True)
    inner = of[1:] == of[:-1]
    start, end = xy[:-1][inner], xy[1:][inner]
    piece = ring_of[of[:-1][inner]]
    corners = np.round(np.vstack([start, end]) / SNAP_M).astype(np.int64)
    corners -= corners.min(axis=0, initial=0)
    key = corners[:, 0] * np.int64(2**31) + corners[:, 1]
    m = len(start)
    low, high = np.minimum(key[:m], key[m:]), np.maximum(key[:m], key[m:])
    length = np.hypot(*(end - start).T)
    order = np.lexsort((piece, high, low))
    twin = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0)
    a, b = order[:-1][twin], order[1:][twin]
    i, j, metres = piece[a], piece[b], length[a]
    alone = np.ones(m, bool)
    alone[a] = alone[b] = False
    left = np.flatnonzero(alone & (length > SNAP_M))
    if len(left):
        segments = shapely.linestrings(np.stack([start[left], end[left]], axis=1))
        p, q = shapely.STRtree(segments).query(segments, predicate="dwithin", distance=NEAR_M)
        p, q = left[p], left[q]
        fit = (p < q) & (piece[p] != piece[q])
        p, q = p[fit], q[fit]
        along = (end[p] - start[p]) / length[p][:, None]
        across = np.column_stack([-along[:, 1], along[:, 0]])
        s, e = start[q] - start[p], end[q] - start[p]
        s_at, e_at = (s * along).sum(1), (e * along).sum(1)
        overlap = np.minimum(np.maximum(s_at, e_at), length[p]) - np.maximum(np.minimum(s_at, e_at), 0)
        # Only where they run side by side: a long edge may leave at an angle, and then the nearer end decides.
        slope = np.abs(((s - e) * across).sum(1)) / np.maximum(np.abs(s_at - e_at), 1e-12)
        fit = (overlap > SNAP_M) & (slope < 0.05)
        i, j, metres = np.r_[i, piece[p[fit]]], np.r_[j, piece[q[fit]]], np.r_[metres, overlap[fit]]
    i, j = np.minimum(i, j), np.maximum(i, j)
    n = len(shapes)
    table = sparse.coo_array((metres, (i, j)), shape=(n, n)).tocsr()
    table.sum_duplicates()
    table = table.tocoo()
    real = (table.data >= SHORTEST_M) & (table.row != table.col)
    return table.row[real].astype(np.int64), table.col[real].astype(np.int64), table.data[real]
