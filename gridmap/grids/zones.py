"""The zones as they are: beats, communities, census areas, existing management grids.

A zone's row in `cells` is its row in the boundaries. Zones are meant to divide the territory, but real partitions
overlap by rounding, and some by mistake. So each point is counted once, in the zone with the lowest row, and an
overlap that is more than rounding is reported.

**How overlaps are found.** Intersecting every pair of neighbours is slow, so the
question is narrowed twice. First by balance: an edge that one zone has on its left and another on its right, corner for
corner, is balanced, and the number of zones that cover the ground does not change across it. It can therefore rise
above one only beside an edge that is out of balance; in a clean partition those are the outer border alone. If the few
zones there fit each other, all do. Then by fit: of two zones that overlap, at least one has an edge that does not match
its neighbour's (GEOS' coverage test), so only pairs with such a zone are intersected.
"""

import warnings
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse

from gridmap.errors import GridmapWarning, InputError, SettingError
from gridmap.grids.base import TOGETHER, Grid, degrees
from gridmap.grids.index.locator import SOME, Locator, Parts, polygons_of
from gridmap.grids.index.zone_raster import compiled
from gridmap.messages import Note, did_you_mean
from gridmap.read.boundaries import common_areas
from gridmap.read.metric_projection import metric_crs

__all__ = ["ROUNDING_M2", "ZoneGrid", "land_of", "overlapping", "touching"]


ROUNDING_M2 = 1.0
METRES_PER_DEGREE = 111_195.0


def overlapping(zones: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of zones that overlap by more than rounding.

    Parameters
    ----------
    zones : array of shapely geometry, (n,)
        In lon/lat.

    Returns
    -------
    first, second : arrays of int
        Rows in `zones`, first < second.
    area_m2 : array of float
        The overlap, above 1 m².

    Examples
    --------
    >>> first, second, area_m2 = overlapping(np.array([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)]))
    >>> first.tolist(), second.tolist(), (area_m2 / 1e6).round().tolist()
    ([0], [1], [12364.0])
    """
    zones, clean = _repaired(zones)
    parts = Parts(zones)
    if not len(parts) or (clean and _fit_at_their_border(parts)):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    every = parts.take(np.arange(len(parts)))
    first, second, shared = common_areas(every, parts.zone, ~shapely.is_empty(shapely.coverage_invalid_edges(every)))
    _, south, _, north = shapely.bounds(zones[first]).T if len(first) else np.empty((4, 0))
    narrow = np.cos(np.radians((south + north) / 2))
    area_m2 = shared * METRES_PER_DEGREE**2 * narrow
    more = area_m2 > ROUNDING_M2
    return first[more], second[more], area_m2[more]


def _repaired(zones: np.ndarray) -> tuple[np.ndarray, bool]:
    """The zones, made valid where they are not, and whether all were."""
    valid = shapely.is_valid(zones) | shapely.is_missing(zones)
    if not valid.all():
        zones = zones.copy()
        zones[~valid] = shapely.make_valid(zones[~valid])
    return zones, bool(valid.all())


def _fit_at_their_border(parts: Parts) -> bool:
    """Whether the polygons at an edge out of balance fit each other.

    The balance is struck for a few thousand neighbouring parts at a time, then for the edges left over from them.
    """
    left, nets, so_far, corners = [np.empty((0, 4))], [np.empty(0, np.int64)], 0, int(parts.corners.sum())
    order = parts.side_by_side()
    for k in range(0, len(parts), SOME):
        _, xy, (ring_starts, part_starts) = shapely.to_ragged_array(parts.take(order[k : k + SOME]), include_z=False)
        xy = np.ascontiguousarray(xy)
        net = _out_of_balance(xy, ring_starts, part_starts)
        loose = np.flatnonzero(net)
        left.append(np.column_stack([xy[loose], xy[loose + 1]]))
        nets.append(net[loose])
        so_far += len(loose)
        if 4 * so_far > corners:
            return False  # nearly all would be tested: digitised borders seldom share their corners
    edges = _still_out_of_balance(np.concatenate(left), np.concatenate(nets))
    (west, east), (south, north) = np.sort(edges[:, [0, 2]]).T, np.sort(edges[:, [1, 3]]).T
    tree = shapely.STRtree(shapely.box(*parts.bounds.T))
    doubtful = np.unique(tree.query(shapely.box(west, south, east, north))[1])
    return not len(doubtful) or bool(shapely.is_empty(shapely.coverage_invalid_edges(parts.take(doubtful))).all())


def _still_out_of_balance(edges: np.ndarray, net: np.ndarray) -> np.ndarray:
    """Of edges (rows of both corners) with their balance in some parts, each once, those without balance in all."""
    if not len(edges):
        return edges
    down = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[down] = edges[down][:, [2, 3, 0, 1]]
    order = np.lexsort(edges.T)
    edges, net = edges[order], net[order]
    begins = np.flatnonzero(np.r_[True, (edges[1:] != edges[:-1]).any(axis=1)])
    return edges[begins][np.add.reduceat(net, begins) != 0]


@compiled
def _slot_of(ax, ay, bx, by):
    """A number that spreads edges over a table, from the bits of both corners."""
    h = ax * np.uint64(0x9E3779B97F4A7C15) + ay * np.uint64(0xC2B2AE3D27D4EB4F)
    h += bx * np.uint64(0x165667B19E3779F9) + by * np.uint64(0xD6E8FEB86659FD93)
    h ^= h >> np.uint64(32)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(29))


@compiled
def _same(xy, o, ax, ay, bx, by):
    """Whether edge `o` runs between these two corners, in whichever direction."""
    px, py, qx, qy = xy[o, 0], xy[o, 1], xy[o + 1, 0], xy[o + 1, 1]
    return (px == ax and py == ay and qx == bx and qy == by) or (px == bx and py == by and qx == ax and qy == ay)


@compiled
def _out_of_balance(xy, ring_starts, part_starts):
    """How much more often each edge is run one way than the other, at its first corner where it is met first.

    Rings are taken as running with their polygon on the left, whichever way they were drawn. Where an edge is that of a
    neighbour, the next one is mostly the edge before or after it there: those are tried before the table, which is
    one by both corners' hash.
    """
    size = 16
    while size < 1.3 * len(xy):
        size *= 2
    bits = xy.view(np.uint64)
    slot, net, same_as = np.full(size, -1, np.int32), np.zeros(len(xy), np.int32), np.full(len(xy), -1, np.int32)
    for part in range(len(part_starts) - 1):
        for ring in range(part_starts[part], part_starts[part + 1]):
            begin, end = ring_starts[ring], ring_starts[ring + 1]
            twice = 0.0
            for k in range(begin, end - 1):
                twice += (xy[k, 0] - xy[begin, 0]) * (xy[k + 1, 1] - xy[begin, 1])
                twice -= (xy[k + 1, 0] - xy[begin, 0]) * (xy[k, 1] - xy[begin, 1])
            left = (twice > 0) == (ring == part_starts[part])  # an outline drawn counter-clockwise, or a hole clockwise
            before = -1
            for e in range(begin, end - 1):
                ax, ay, bx, by = xy[e, 0], xy[e, 1], xy[e + 1, 0], xy[e + 1, 1]
                up = ax < bx or (ax == bx and ay < by)
                found = -1
                if before >= 0:
                    for o in (before - 1, before + 1):
                        if found < 0 and 0 <= o < e and same_as[o] >= 0 and _same(xy, o, ax, ay, bx, by):
                            found = before = o
                if found < 0:
                    one, two = (e, e + 1) if up else (e + 1, e)
                    at = _slot_of(bits[one, 0], bits[one, 1], bits[two, 0], bits[two, 1]) & np.uint64(size - 1)
                    while slot[at] >= 0 and not _same(xy, slot[at], ax, ay, bx, by):
                        at = (at + np.uint64(1)) & np.uint64(size - 1)
                    if slot[at] < 0:
                        slot[at] = e
                        before = -1
                    else:
                        before = slot[at]
                    found = slot[at]
                same_as[e] = found if found == e else same_as[found]
                net[same_as[e]] += 1 if up == left else -1
    return net


MANY_CORNERS = 500_000
TOUCH_M = 1.0  # zones that lie this near are neighbours: digitised borders seldom meet to the millimetre
OVERLAPS = ("first", "refuse", "all")


def _areas_m2(shapes: gpd.GeoSeries, crs) -> np.ndarray:
    """Areas in a metric CRS, some zones at a time, so that the projected outlines are never all held."""
    some = range(0, max(len(shapes), 1), TOGETHER)
    return np.concatenate([shapes.iloc[k : k + TOGETHER].to_crs(crs).area.to_numpy() for k in some])


class ZoneGrid(Grid):
    """One cell a zone; neighbours are the zones that touch."""

    system = "zones"

    @classmethod
    def over(cls, boundaries: gpd.GeoDataFrame, overlaps: str = "first") -> "ZoneGrid":
        """The zones of `boundaries` (EPSG:4326) as cells, all their columns kept."""
        if overlaps not in OVERLAPS:
            raise SettingError(Note("grids.no_overlaps", found=overlaps, meant=did_you_mean(overlaps, OVERLAPS)))
        crs = metric_crs(tuple(boundaries.total_bounds))
        cells = boundaries.copy()
        area_m2 = _areas_m2(boundaries.geometry, crs)
        if "area_m2" in cells.columns:
            cells["area_m2"] = area_m2
        else:
            cells.insert(0, "area_m2", area_m2)
        cells.index = boundaries["zone_id"].astype(str).to_numpy()
        cells.index.name = "cell_id"
        grid = cls(cells, {} if overlaps == "first" else {"overlaps": overlaps})
        if overlaps != "all":
            grid._tell_overlaps(overlaps)
        return grid

    def _tell_overlaps(self, overlaps: str) -> None:
        first, second, area_m2 = overlapping(self.cells.geometry.to_numpy())
        if not len(area_m2):
            return
        worst = np.argmax(area_m2)
        a, b = self.cells.index[first[worst]], self.cells.index[second[worst]]
        found = {
            "n": len(area_m2),
            "least_m2": ROUNDING_M2,
            "total_m2": float(area_m2.sum()),
            "first": str(a),
            "second": str(b),
            "most_m2": float(area_m2[worst]),
        }
        if overlaps == "refuse":
            raise InputError(Note("grids.overlaps_refused", **found))
        warnings.warn(Note("grids.overlaps_first", **found), GridmapWarning, stacklevel=4)

    @property
    def overlaps(self) -> str:
        """What becomes of a point in two zones: "first", "refuse" or "all"."""
        return self.params.get("overlaps", "first")

    @cached_property
    def locator(self) -> Locator:
        """Points → zones; built at the first use, then kept."""
        return Locator(self.cells.geometry.to_numpy(), every=self.overlaps == "all")

    def expect(self, n: int) -> None:
        """See `Grid.expect`."""
        self.locator.expect(n)

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`. A point on a shared edge belongs to the zone with the lowest row."""
        return self.locator.locate(*degrees(lon, lat))

    def locate_all(self, lon, lat) -> tuple[np.ndarray, np.ndarray]:
        """Every zone of each point, where zones overlap: pairs of the point's number and the row in `cells`."""
        return self.locator.locate_all(*degrees(lon, lat))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        west, _, east, _ = self.cells.total_bounds
        if east - west > 180:  # across the antimeridian neighbours lie far apart in degrees
            return touching(self.cells.geometry.to_crs(self.metric_crs).to_numpy(), TOUCH_M)
        return self._touching_by_pieces()

    def _touching_by_pieces(self) -> sparse.csr_array:
        """As `touching` in metres, some parts at a time: those side by side, with whatever their boxes meet."""
        parts = Parts(self.cells.geometry.to_numpy())
        rank = np.empty(len(parts), np.int64)
        rank[parts.side_by_side()] = np.arange(len(parts))
        north = min(float(np.abs(parts.bounds[:, [1, 3]]).max(initial=0.0)), 89.0)
        grown = np.array([1.0 / np.cos(np.radians(north)), 1.0]) * (2 * TOUCH_M / METRES_PER_DEGREE)
        sources, targets = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for some in parts.pieces():
            one, other = parts.meeting(some, grown)
            once = (rank[one] < rank[other]) & (parts.zone[one] != parts.zone[other])
            one, other = one[once], other[once]
            met, place = np.unique(np.r_[one, other], return_inverse=True)
            flat = gpd.GeoSeries(parts.take(met), crs=self.cells.crs).to_crs(self.metric_crs).to_numpy()
            shapely.prepare(flat)
            near = shapely.dwithin(flat[place[: len(one)]], flat[place[len(one) :]], TOUCH_M)
            sources.append(parts.zone[one[near]])
            targets.append(parts.zone[other[near]])
        return _pairs(np.concatenate(sources + targets), np.concatenate(targets + sources), len(self.cells))


def land_of(zones: np.ndarray) -> shapely.Geometry:
    """All zones as one area.

    Zones of many corners that meet corner for corner are joined by leaving out the edges that they share, which takes
    a fifth of the time of a union. It is the union where its area is that of all zones together and it is valid: were
    there overlaps, or borders that do not match, it would not be.

    Parameters
    ----------
    zones : array of shapely geometry, (n,)
        Areas in any CRS.

    Returns
    -------
    shapely geometry, in the units of `zones`; empty where there are none

    Examples
    --------
    >>> land_of(shapely.box([0, 1], 0, [1, 2], 1)).area, land_of(shapely.box([0, 1], 0, [1.5, 2], 1)).area
    (2.0, 2.0)
    """
    parts = Parts(zones)
    if parts.corners.sum() < MANY_CORNERS:
        return shapely.union_all(zones)
    areas = sum(float(shapely.area(parts.take(slice(k, k + SOME))).sum()) for k in range(0, len(parts), SOME))
    order = parts.side_by_side()
    try:
        some = [shapely.coverage_union_all(parts.take(order[k : k + SOME])) for k in range(0, len(parts), SOME)]
        joined = shapely.coverage_union_all(some)
    except shapely.errors.GEOSException:  # of edges that cross
        joined = None
    if joined is not None and abs(joined.area - areas) <= 1e-10 * areas and joined.is_valid:
        return joined
    return shapely.union_all(zones)


def touching(shapes: np.ndarray, within: float = 0.0) -> sparse.csr_array:
    """Which areas touch.

    Found part by part: the box of an area with islands anywhere holds much of the territory, and each would be held
    against nearly all.

    Parameters
    ----------
    shapes : ndarray of geometries, shape (n,)
        Points and lines touch nothing.
    within : float
        In the unit of their coordinates: areas that come as near as this touch as well.

    Returns
    -------
    sparse array of int8, shape (n, n)
        1 where two areas touch, 0 on the diagonal; symmetric.

    Examples
    --------
    >>> touching(shapely.box([0, 1, 5], 0, [1, 2, 6], 1)).toarray().tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    parts, area = polygons_of(shapes)
    tree = shapely.STRtree(parts)
    near = tree.query(parts, predicate="dwithin", distance=within) if within else tree.query(parts, "intersects")
    source, target = area[near]
    apart = source != target
    return _pairs(source[apart], target[apart], len(shapes))


def _pairs(source: np.ndarray, target: np.ndarray, n: int) -> sparse.csr_array:
    """Ones where areas touch, which they may do by several parts."""
    found = sparse.csr_array(sparse.coo_array((np.ones(len(source), np.int32), (source, target)), shape=(n, n)))
    found.data[:] = 1
    return found.astype(np.int8)
