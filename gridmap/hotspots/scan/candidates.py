"""What every scan starts from and ends with: places with a distance between them, and the clusters found.

Two ways to measure. "great_circle" takes lon, lat in degrees and measures along the sphere; the points are put on
the unit sphere in three dimensions, where the straight line orders them as the arc does. "planar" takes the numbers
as they are, for coordinates in metres and for published work on raw numbers.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely
from pyproj import Geod

from gridmap.errors import CRSError, GridmapWarning, InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.scan.windows import BLOCK, areas_in_reach, best_windows, replica_maxima
from gridmap.messages import Note, did_you_mean
from gridmap.read.metric_projection import metric_crs

__all__ = [
    "SCAN_COLUMNS",
    "Places",
    "check_names",
    "column_of",
    "likely_clusters",
    "places_from",
    "share_between",
    "simulated_maxima",
]

#: What every cluster of a scan says of itself, beside its circle.
SCAN_COLUMNS = (
    *("cases", "expected", "llr", "ratio", "relative_risk", "p_value", "p_gumbel", "n_areas", "radius"),
    *("x", "y", "count", "rank", "area_m2"),
)

EARTH_M = 6_371_008.8  # mean radius
MOST_STEPS = 3e12  # additions of a simulated count to a circle: about an hour of one core
LONG_STEPS = 1e11  # about two minutes: more is announced
MOST_AT_ONCE = 2**26  # simulated counts held at a time: 256 MB
_COLUMNS = (
    *("cases", "expected", "llr", "ratio", "relative_risk", "n_areas", "radius"),
    *("x", "y", "first", "last", "geometry"),
)
DISTANCES = ("great_circle", "planar")


@dataclass(frozen=True)
class Places:
    """Where the areas are, and how far "near" is."""

    xy: np.ndarray
    distance: str
    outlines: np.ndarray | None = None  # polygons in EPSG:4326, where they are known

    @property
    def points(self) -> np.ndarray:
        """Points whose straight-line distance orders the places as their distance does."""
        if self.distance == "planar":
            return np.ascontiguousarray(self.xy)
        lon, lat = np.radians(self.xy).T
        return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    def squared(self, radius: float | None) -> float:
        """A radius as the squared straight-line distance of `points`."""
        if radius is None:
            return np.inf
        if self.distance == "planar":
            return float(radius) ** 2 * (1 + 1e-9)
        return (2 * np.sin(min(radius / (2 * EARTH_M), np.pi / 2))) ** 2 * (1 + 1e-9)

    def radius(self, squared: float) -> float:
        """The way back from `squared`: metres, or the units of x and y."""
        chord = float(np.sqrt(squared))
        return chord if self.distance == "planar" else 2 * EARTH_M * float(np.arcsin(min(chord / 2, 1.0)))

    def outline(self, members: np.ndarray, radius: float):
        """A cluster's shape: its areas joined where their outlines are known, else the circle."""
        if self.outlines is not None:
            return shapely.union_all(self.outlines[members])
        x, y = self.xy[members[0]]
        if radius == 0:
            return shapely.Point(x, y)
        if self.distance == "planar":
            return shapely.Point(x, y).buffer(radius)
        turn = np.linspace(0, 360, 73)[:-1]
        lon, lat, _ = Geod(ellps="sphere", a=EARTH_M, b=EARTH_M).fwd(
            np.full(72, x), np.full(72, y), turn, np.full(72, radius)
        )
        return shapely.Polygon(np.column_stack([lon, lat]))


def check_names(grid, distance, **columns) -> None:
    """Refuse a grid that is none, an unknown distance, and names of columns that are not text."""
    if grid is not None and not isinstance(grid, Grid):
        raise InputError(Note("hotspots.grid_argument", name=type(grid).__name__))
    if not isinstance(distance, str) or distance not in DISTANCES:
        raise SettingError(Note("hotspots.distance_one_of", value=", ".join(DISTANCES), distance=distance))
    for option, name in columns.items():
        if not isinstance(name, str):
            raise SettingError(Note("hotspots.option_names_column", option=option, name=name))


def column_of(frame: pd.DataFrame, name: str, role: str, *, least: float | None = 0) -> np.ndarray:
    """A column of finite numbers, or an InputError that names it."""
    if not isinstance(name, str) or name not in frame:
        raise InputError(
            Note("hotspots.no_column_for", name=name, role=role, meant=did_you_mean(str(name), frame.columns))
        )
    try:
        values = frame[name].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise InputError(Note("hotspots.column_numbers", name=name, role=role, value=frame[name].iloc[0])) from None
    bad = ~np.isfinite(values)
    if bad.any():
        raise InputError(Note("hotspots.rows_without_number", n=int(bad.sum()), n2=len(values), name=name, role=role))
    if least is not None and (values < least).any():
        raise InputError(Note("hotspots.rows_below", n=int((values < least).sum()), name=name, role=role, least=least))
    return values


def places_from(frame: pd.DataFrame, grid: Grid | None, x: str, y: str, distance: str) -> Places:
    """The places of a table's rows: the grid's cells, the columns x and y, or the middles of its polygons."""
    if grid is not None:
        if distance == "planar":
            return Places(grid.centroids_m, distance, grid.cells.geometry.to_numpy())
        return Places(grid.centroids, distance, grid.cells.geometry.to_numpy())
    if isinstance(frame, gpd.GeoDataFrame) and x not in frame and y not in frame:
        if frame.crs is None:
            raise CRSError(Note("hotspots.areas_no_crs"))
        outlines = frame.geometry.to_crs(4326)
        metric = frame.geometry.to_crs(metric_crs(tuple(outlines.total_bounds))).centroid
        middle = metric if distance == "planar" else metric.to_crs(4326)
        return Places(np.column_stack([middle.x, middle.y]), distance, outlines.to_numpy())
    xy = np.column_stack([column_of(frame, c, "the place", least=None) for c in (x, y)])
    if distance == "great_circle" and ((np.abs(xy[:, 1]) > 90).any() or (np.abs(xy[:, 0]) > 360).any()):
        raise CRSError(Note("hotspots.not_lonlat", x=x, y=y, value=xy[0, 0], value2=xy[0, 1]))
    return Places(xy, distance)


def share_between(value, name: str) -> float:
    """A share above 0 and at most 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value <= 1:
        raise SettingError(Note("hotspots.share_of_one", name=name, value=value))
    return float(value)


def simulated_maxima(
    places: Places, sizes, limits, expected: np.ndarray, total: int, draw: Callable, permutations: int, rng
) -> np.ndarray:
    """The largest LLR of each of `permutations` simulated maps; `draw(rng)` gives one, shape (n, T)."""
    n, spans = expected.shape
    if n * spans * BLOCK > 4 * MOST_AT_ONCE:
        raise SettingError(Note("hotspots.too_many_windows", n=n, spans=spans, value=4 * MOST_AT_ONCE // BLOCK))
    _require_time(places, sizes, limits, spans, permutations)
    at_once = max(1, MOST_AT_ONCE // (n * spans * BLOCK)) * BLOCK
    maxima = []
    for first in range(0, permutations, at_once):
        many = min(at_once, permutations - first)
        replicas = np.empty((many, n, spans), np.int32)
        for r in range(many):
            replicas[r] = draw(rng)
        maxima.append(replica_maxima(places.points, sizes, limits, replicas, expected, total))
    return np.concatenate(maxima) if maxima else np.empty(0)


def _require_time(places: Places, sizes, limits, spans: int, permutations: int) -> None:
    """Announce a scan of many minutes, refuse one of many hours; the message names what makes it short."""
    held = areas_in_reach(places.points, sizes, limits)
    each = len(places.points) * spans * (1 + min(limits[2], spans)) / 2 * (permutations + BLOCK)
    if held * each > MOST_STEPS:
        hours = held * each / MOST_STEPS
        most = max(int(MOST_STEPS / each), 1)
        raise SettingError(
            Note("hotspots.scan_too_long", n=len(places.points), held=held, hours=hours, most=most, n2=permutations)
        )
    if held * each > LONG_STEPS:
        minutes = max(round(60 * held * each / MOST_STEPS), 1)
        long = Note("hotspots.scan_long", n=len(places.points), held=held, minutes=minutes, n2=permutations)
        warnings.warn(long, GridmapWarning, stacklevel=4)


def likely_clusters(
    places: Places, sizes, limits, cases: np.ndarray, expected: np.ndarray, maxima: np.ndarray, most: int
) -> tuple[gpd.GeoDataFrame, np.ndarray, list[np.ndarray]]:
    """The most likely cluster, then the most likely of those that share no area with one before it, and so on.

    Returns
    -------
    clusters : GeoDataFrame indexed by cluster_id, with the positions `first, last` of its span
    cluster_id : ndarray of int64, shape (n,), −1 outside
    members : list of ndarray, the areas of each cluster, its centre first
    """
    n = len(cases)
    points, total = places.points, int(cases.sum())
    taken, home = np.zeros(n, bool), np.full(n, -1)
    best = best_windows(points, sizes, limits, cases, expected, np.arange(n), taken)
    rows: list[dict[str, Any]] = []
    members = []
    while len(rows) < most:
        # A window's LLR only falls when areas are taken, so a centre is looked at again only when it leads.
        at = int(np.argmax(best["llr"] > best["llr"].max() - 1e-9))
        if best["llr"][at] <= 0:
            break
        far = ((points - points[at]) ** 2).sum(axis=1)
        inside = np.argsort(far, kind="stable")[: best["areas"][at]]
        if taken[inside].any():
            best[at] = best_windows(points, sizes, limits, cases, expected, np.array([at]), taken)[0]
            continue
        inside = np.concatenate([[at], inside[inside != at]])  # of places on one spot, the centre first
        span = slice(best["first"][at], best["last"][at] + 1)
        found, mean = int(cases[inside, span].sum()), float(expected[inside, span].sum())
        outside = (total - found) / (total - mean)
        radius = places.radius(far[inside].max())
        home[inside] = len(rows)
        taken[inside] = True
        best["llr"][taken] = 0
        members.append(inside)
        rows.append(
            {
                "cases": found,
                "expected": mean,
                "llr": _llr(found, mean, total),
                "ratio": found / mean,
                "relative_risk": found / mean / outside if outside > 0 else np.inf,
                "n_areas": len(inside),
                "radius": radius,
                "x": places.xy[at, 0],
                "y": places.xy[at, 1],
                "first": int(best["first"][at]),
                "last": int(best["last"][at]),
                "geometry": places.outline(inside, radius),
            }
        )
    columns = list(_COLUMNS)
    crs = 4326 if places.outlines is not None or places.distance == "great_circle" else None
    clusters = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=crs)
    clusters.index.name = "cluster_id"
    at_least = (maxima[None, :] >= clusters["llr"].to_numpy(float)[:, None] - 1e-9).sum(axis=1)
    clusters.insert(5, "p_value", (at_least + 1) / (len(maxima) + 1) if len(maxima) else np.nan)
    clusters.insert(6, "p_gumbel", _gumbel_p(clusters["llr"].to_numpy(float), maxima))
    return clusters, home, members


def _llr(found: float, mean: float, total: float) -> float:
    rest = total - found
    return float(found * np.log(found / mean) + (rest * np.log(rest / (total - mean)) if rest else 0.0))


def _gumbel_p(llr: np.ndarray, maxima: np.ndarray) -> np.ndarray:
    """The upper tail of a Gumbel distribution with the replicas' mean and standard deviation."""
    if len(maxima) < 2 or maxima.std(ddof=1) == 0:
        return np.full(len(llr), np.nan)
    scale = maxima.std(ddof=1) * np.sqrt(6) / np.pi
    return scipy.stats.gumbel_r.sf(llr, loc=maxima.mean() - np.euler_gamma * scale, scale=scale)
