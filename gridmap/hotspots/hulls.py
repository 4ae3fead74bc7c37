"""The outline of a cluster: its convex hull, or the ellipse that holds one standard deviation.

Police points are snapped to anonymous places, so a cluster may lie at a single place or along one street. Every hull
is therefore drawn `HULL_BUFFER_M` outside its outermost points: it is a polygon even then, and every member lies in it.

Source: for the ellipse, Lefever (1926), American Journal of Sociology 32, 88–94, in Yuill's (1971) form with √2 and
n − 2, as CrimeStat draws it (Levine, CrimeStat IV manual, chapter 4).
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap.errors import SettingError
from gridmap.hotspots.incident_points import Points
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, did_you_mean
from gridmap.read.metric_projection import unproject

__all__ = ["CLUSTER_COLUMNS", "HULLS", "HULL_BUFFER_M", "clusters_result", "standard_ellipse"]

HULL_BUFFER_M = 10.0
HULLS = ("convex", "ellipse")
#: What every cluster of points says of itself, beside its outline.
CLUSTER_COLUMNS = (
    *("count", "rank", "weight", "area_m2", "density", "axis_long_m", "axis_short_m", "bearing_deg", "lon", "lat"),
)


def standard_ellipse(xy: np.ndarray, weight: np.ndarray | None = None) -> tuple[float, float, float, float, float]:
    """Standard deviational ellipse: centre x, centre y, semi-axes in metres (long, short), and the long axis's bearing.

    Parameters
    ----------
    xy : array (n, 2), n > 2
    weight : array (n,), optional

    Returns
    -------
    tuple of float
        `x, y, long_m, short_m, bearing_deg` (clockwise from the north of the CRS, 0 to 180).

    Examples
    --------
    Four points on a cross; n − 2 = 2, so the long semi-axis is √(2 · (3² + 3²) / 2) = √18:

    >>> x, y, a, b, bearing = standard_ellipse(np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]]))
    >>> round(a, 6), round(b, 6), round(bearing, 6)
    (4.242641, 1.414214, 90.0)
    """
    w = np.ones(len(xy)) if weight is None else np.asarray(weight, float)
    centre = np.average(xy, axis=0, weights=w)
    off = xy - centre
    spread = 2 * (w * off.T) @ off / max(w.sum() - 2, 1)
    (short, long), axes = np.linalg.eigh(spread)
    east, north = axes[:, 1]
    bearing = float(np.degrees(np.arctan2(east, north)) % 180)
    return float(centre[0]), float(centre[1]), float(np.sqrt(max(long, 0))), float(np.sqrt(max(short, 0))), bearing


def _ellipse(x, y, long_m, short_m, bearing_deg):
    turn = np.linspace(0, 2 * np.pi, 73)[:-1]
    along, across = np.cos(turn) * (long_m + HULL_BUFFER_M), np.sin(turn) * (short_m + HULL_BUFFER_M)
    b = np.radians(bearing_deg)
    return shapely.polygons(
        np.column_stack([x + along * np.sin(b) + across * np.cos(b), y + along * np.cos(b) - across * np.sin(b)])
    )


def clusters_result(
    method: str,
    points: Points,
    labels: np.ndarray,
    params: dict,
    *,
    hull: str = "convex",
    notes=(),
    extra: pd.DataFrame | None = None,
    members: dict | None = None,
) -> HotspotResult:
    """A `HotspotResult` from one label a point: clusters renumbered, the one with most incidents first.

    Parameters
    ----------
    method : str
    points : Points
    labels : array of int (n,)
        −1 = in no cluster; other numbers in any order.
    params : dict
    hull : {"convex", "ellipse"}
    notes : iterable of str
    extra : DataFrame, optional
        More columns of the clusters, indexed by the labels given.
    members : dict of name → array (n,), optional
        More columns of the members.
    """
    if hull not in HULLS:
        raise SettingError(Note("hotspots.hull_unknown", hull=hull, meant=did_you_mean(hull, HULLS)))
    found = np.unique(labels[labels >= 0])
    at = np.searchsorted(found, labels).clip(max=max(len(found) - 1, 0))
    counts = np.bincount(at[labels >= 0], minlength=len(found))
    weights = np.bincount(at[labels >= 0], points.weight[labels >= 0], len(found))
    order = np.lexsort((found, -counts, -weights))
    new = np.empty(len(found), np.int64)
    new[order] = np.arange(len(found))
    cluster_id = np.where(labels >= 0, new[at] if len(found) else -1, -1).astype(np.int64)

    by = np.argsort(cluster_id, kind="stable")
    bounds = np.searchsorted(cluster_id[by], np.arange(len(found) + 1))
    rows, shapes = [], []
    for k in range(len(found)):
        mine = by[bounds[k] : bounds[k + 1]]
        x, y, long_m, short_m, bearing = standard_ellipse(points.xy[mine], points.weight[mine])
        convex = shapely.convex_hull(shapely.multipoints(points.xy[mine])).buffer(HULL_BUFFER_M, quad_segs=4)
        shape = convex if hull == "convex" else _ellipse(x, y, long_m, short_m, bearing)
        shapes.append(shape)
        rows.append((len(mine), shape.area, len(mine) / shape.area * 1e6, x, y, long_m, short_m, bearing))
    names = ["count", "area_m2", "density", "x", "y", "axis_long_m", "axis_short_m", "bearing_deg"]
    frame = pd.DataFrame(rows, columns=names).astype({"count": np.int64})
    frame.index.name = "cluster_id"
    lon, lat = unproject(frame.pop("x"), frame.pop("y"), points.crs)
    frame.insert(1, "rank", np.arange(1, len(found) + 1))
    frame.insert(2, "weight", weights[order].astype(float))
    frame = frame.assign(lon=lon, lat=lat)
    if extra is not None:
        more = extra.reindex(found).iloc[order].reset_index(drop=True)
        frame = frame.assign(**{str(name): more[name].to_numpy() for name in more})
    clusters = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=points.crs).to_crs(4326) if shapes else [],
                                crs=4326)  # fmt: skip
    notes = list(notes)
    if not len(found):
        notes.append(Note("hotspots.no_cluster_found"))
    who = pa.table({"incident_id": points.ids}).to_pandas().assign(cluster_id=cluster_id, **(members or {}))
    params = {**params, "hull": hull, "hull_buffer_m": HULL_BUFFER_M, "incidents": len(points),
              "clustered": int((cluster_id >= 0).sum()), "crs": points.crs.to_string()}  # fmt: skip
    nothing = pd.DataFrame(index=pd.Index([], name="cell_id", dtype=object))
    return HotspotResult(nothing, method, params, clusters=clusters, members=who, notes=tuple(notes))
