"""Which incidents are near in space *and* in time? Series and outbreaks.

`st_dbscan` is DBSCAN with two radii: an incident is core when enough others lie within `eps_m` metres and `eps_days`
days of it, and clusters chain along. A street with one burglary a month for a year is not a series; six in a week are.

It needs to know *when*. Where only the month is known, two incidents "of the same day" may be thirty days apart: an
incident whose interval is longer than `eps_days` cannot be placed, is left out, and the result says how many. If that
leaves too few, the method refuses.

Source: Birant & Kut (2007), Data & Knowledge Engineering 60, 208–221 (without their third, non-spatial radius).
"""

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.hotspots.clusters import place_of
from gridmap.hotspots.dbscan_kernel import dbscan_labels
from gridmap.hotspots.hulls import CLUSTER_COLUMNS, clusters_result
from gridmap.hotspots.incident_points import FEWEST, Points, a_length_m, a_number, points_of
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = ["interval_us", "st_dbscan"]

DAY_US = 86_400_000_000


@hotspot_method(
    draws="clusters",
    of_points=True,
    amount="count",
    facts="clusters",
    columns=(*CLUSTER_COLUMNS, "first", "last", "days"),
)
def st_dbscan(
    incidents: Incidents,
    *,
    eps_m: float,
    eps_days: float,
    min_samples: float,
    weights=None,
    hull: str = "convex",
    min_incidents: int = FEWEST,
) -> HotspotResult:
    """Clusters of incidents that are close in space and in time.

    Parameters
    ----------
    incidents : Incidents
        With times. An interval counts as its middle, if it is not longer than `eps_days`; else it is left out.
    eps_m : float
        Radius in space, in metres.
    eps_days : float
        Radius in time, in days: two incidents reach each other up to this far apart, before or after.
    min_samples : float
        Incidents (or weight) within both radii of a core incident, itself included.
    weights : str or array of float (n,), optional
        A numeric column or one number an incident.
    hull : {"convex", "ellipse"}
    min_incidents : int
        Fewer with a usable time are refused.

    Returns
    -------
    HotspotResult
        `.clusters` as `dbscan`'s, with `first` and `last` (times of its incidents) and `days` between them.
        `.members`: `incident_id, cluster_id, core, occurred` of the incidents that could be placed in time;
        `params["untimed"]` and `params["too_long"]` count those that could not.

    Raises
    ------
    InputError
        Where no incident has a time, or too few have one that is precise enough.
    SettingError
        For radii in degrees or out of range.

    Notes
    -----
    Index-based: incidents are sorted into boxes of `eps_m` × `eps_m` × `eps_days`, and only the 27 boxes around each
    are searched; memory grows with the incidents, not with their pairs.

    Examples
    --------
    Forty burglaries in one street, half of them within a week, the others over a year:

    >>> import pyarrow as pa
    >>> days = np.r_[np.linspace(100, 106, 20), np.linspace(0, 365, 20)]
    >>> when = pa.array((days * 86_400e6).astype("int64")).cast(pa.timestamp("us"))
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(40)], "occurred_from": when,
    ...     "occurred_to": when, "lon": np.full(40, -1.55), "lat": np.linspace(53.75, 53.751, 40)}))
    >>> st_dbscan(points, eps_m=200, eps_days=2, min_samples=5).clusters[["count", "days"]].round().values.tolist()
    [[20.0, 6.0]]

    References
    ----------
    Birant & Kut (2007), Data & Knowledge Engineering 60, 208–221.
    """
    points = points_of(incidents, "st_dbscan", weights=weights, fewest=min_incidents)
    radius, days = a_length_m(eps_m, "eps_m"), a_number(eps_days, "eps_days", above=0)
    least = a_number(min_samples, "min_samples", above=0)
    start, end, timed = interval_us(incidents)
    if not timed.any():
        raise InputError(Note("hotspots.no_time_at_all"))
    long = timed & (end - start > days * DAY_US)
    used = timed & ~long
    notes = []
    if untimed := int((~timed).sum()):
        notes.append(Note("hotspots.untimed_left_out", untimed=untimed, n=len(used)))
    if long.any():
        typical = np.median((end - start)[long]) / DAY_US
        found = {"n": int(long.sum()), "of": len(used), "typical": typical}
        if used.sum() < min_incidents:
            raise InputError(Note("hotspots.coarse_all", **found, days=days, left=int(used.sum())))
        notes.append(Note("hotspots.coarse_some", **found))
    if used.sum() < min_incidents:
        raise InputError(Note("hotspots.few_timed", min_incidents=min_incidents, n=int(used.sum())))
    points = Points(points.ids.filter(used), points.xy[used], points.weight[used], points.crs)
    middle = (start[used] + end[used]) // 2
    order, place = place_of(middle, *points.xy.T)
    heap = np.bincount(place, points.weight)
    t = (middle - middle.min()).astype(float)  # whole microseconds are exact as floats for 285 years
    labels, core = dbscan_labels(points.xy[order], heap, radius, least, t=t[order], eps_t=days * DAY_US)
    labels, core = labels[place], core[place]
    occurred = pd.to_datetime(middle, unit="us")
    inside = pd.DataFrame({"label": labels, "t": occurred})[labels >= 0].groupby("label")["t"]
    span = pd.DataFrame({"first": inside.min(), "last": inside.max()})
    span["days"] = (span["last"] - span["first"]).dt.total_seconds() / 86_400
    params = {"eps_m": radius, "eps_days": days, "min_samples": least, "untimed": untimed, "too_long": int(long.sum()),
              "weights": weights if weights is None or isinstance(weights, str) else "array"}  # fmt: skip
    return clusters_result("st_dbscan", points, labels, params, hull=hull, notes=notes, extra=span,
                           members={"core": core, "occurred": occurred})  # fmt: skip


def interval_us(incidents: Incidents) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start and end of each incident in microseconds since 1970, and which have a time at all.

    Where only one end is known, the other is taken to be the same.
    """
    there = [name for name in ("occurred_from", "occurred_to") if name in incidents.columns]
    if not there:
        nothing = np.zeros(len(incidents), np.int64)
        return nothing, nothing, np.zeros(len(incidents), bool)
    frame = incidents.to_frame(there)
    found = [frame[name] if name in frame else frame[there[0]] for name in ("occurred_from", "occurred_to")]
    start, end = found[0].fillna(found[1]), found[1].fillna(found[0])
    timed = start.notna().to_numpy()
    whole = [v.fillna(pd.Timestamp(0)).astype("datetime64[us]").astype("int64").to_numpy() for v in (start, end)]
    return np.minimum(*whole), np.maximum(*whole), timed
