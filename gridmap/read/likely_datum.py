"""Which datum coordinates are probably on, when nobody knows: the evidence of boundaries and roads.

The points are taken in turn as WGS 84, GCJ-02 and BD-09. On the right one they fall inside the territory, in the zone
that their own row names, and near roads; on a wrong one they are some hundreds of metres off. Points that fit on all
three say nothing, so only those that fit on one and not on the other are counted (McNemar's test).
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gridmap.errors import InputError
from gridmap.read.datum import to_wgs84
from gridmap.read.metric import metric_crs, project

__all__ = ["DatumEstimate", "estimate_datum"]

CANDIDATES = ("wgs84", "gcj02", "bd09")


@dataclass(frozen=True)
class DatumEstimate:
    """What the evidence says.

    Attributes
    ----------
    likely : str or None
        None where the evidence does not decide.
    z_score : float
        Of the best against the second best; beyond 3 it counts as decided.
    evidence : dict
        Datum → measure → value, such as `inside` (share in the territory), `in_named_zone`, `road_distance_m` (median).
    """

    likely: str | None
    z_score: float
    evidence: dict

    def sentence(self) -> str:
        """The estimate in one line."""
        names = {"inside": "inside the boundaries", "in_named_zone": "in the zone the row names"}
        parts = []
        for datum, measures in self.evidence.items():
            told = [f"{v:.1%} {names[k]}" for k, v in measures.items() if k in names]
            told += [f"{v:.0f} m from a road" for k, v in measures.items() if k == "road_distance_m"]
            parts.append(f"{datum}: {', '.join(told)}")
        verdict = f"probably {self.likely} (z = {self.z_score:.1f})" if self.likely else "the evidence does not decide"
        return f"{verdict}; as {'; as '.join(parts)}"


def estimate_datum(lon, lat, *, boundaries=None, roads=None, zone=None, random_state=None) -> DatumEstimate:
    """The likely datum of points in China.

    Parameters
    ----------
    lon, lat : float arrays, (n,), degrees
        As they stand in the file.
    boundaries : GeoDataFrame as `read_boundaries` returns it, optional
    roads : GeoDataFrame of lines in EPSG:4326, optional
    zone : list of str, (n,), optional
        The zone (id or name) that each row itself names.
    random_state : int, optional
        Of the sample of 20,000 points that is looked at where there are more.

    Returns
    -------
    DatumEstimate

    Raises
    ------
    InputError
        If there is neither a boundary nor a road to fit against, or no point.

    Examples
    --------
    >>> from gridmap.read.datum import from_wgs84
    >>> town = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(116.40, 39.90, 116.42, 39.92)], crs=4326)
    >>> rng = np.random.default_rng(0)
    >>> lon, lat = from_wgs84(rng.uniform(116.40, 116.42, 500), rng.uniform(39.90, 39.92, 500), datum="gcj02")
    >>> estimate_datum(lon, lat, boundaries=town).likely
    'gcj02'
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    if boundaries is None and roads is None:
        raise InputError("The datum can be estimated only against something on the ground: give boundaries or roads.")
    keep = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    if not len(keep):
        raise InputError("There are no points to estimate the datum from.")
    if len(keep) > 20_000:
        keep = np.sort(np.random.default_rng(random_state or 0).choice(keep, 20_000, replace=False))
    lon, lat = lon[keep], lat[keep]
    own = None if zone is None else np.asarray([None if z is None else str(z) for z in zone], object)[keep]
    fits, evidence = {}, {}
    for datum in CANDIDATES:
        x, y = to_wgs84(lon, lat, datum=datum)
        measures, fit = {}, np.zeros(len(x))
        if boundaries is not None:
            tree = shapely.STRtree(boundaries.geometry.to_numpy())
            point, row = tree.query(shapely.points(x, y), predicate="intersects")
            inside = np.zeros(len(x), bool)
            inside[point] = True
            measures["inside"], fit = float(inside.mean()), inside.astype(float)
            if own is not None:
                names = (
                    boundaries[[c for c in ("zone_id", "name", "parent_id") if c in boundaries]].astype(str).to_numpy()
                )
                same = np.zeros(len(x), bool)
                same[point[(names[row] == own[point][:, None]).any(axis=1)]] = True
                known = np.isin(own.astype(str), names)
                if known.mean() > 0.2:
                    measures["in_named_zone"] = float(same[known].mean())
                    fit = np.where(known, same, fit)
        if roads is not None:
            away = _road_distance(x, y, roads)
            measures["road_distance_m"] = float(np.median(away))
            fit = fit + (away < 30)
        fits[datum], evidence[datum] = fit, measures
    order = sorted(CANDIDATES, key=lambda d: -fits[d].sum())
    first, second = fits[order[0]], fits[order[1]]
    better, worse = int((first > second).sum()), int((first < second).sum())
    z = (better - worse) / np.sqrt(better + worse) if better + worse else 0.0
    return DatumEstimate(order[0] if z > 3 else None, float(z), evidence)


def _road_distance(x, y, roads: gpd.GeoDataFrame) -> np.ndarray:
    crs = metric_crs(tuple(roads.total_bounds))
    lines = roads.to_crs(crs).geometry.to_numpy()
    points = shapely.points(np.column_stack(project(x, y, crs)))
    _, distance = shapely.STRtree(lines).query_nearest(points, return_distance=True, all_matches=False)
    return distance
