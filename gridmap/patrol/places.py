"""What is worth a visit, and how much: from hotspots to places with prizes.

A prize is what one visit is expected to prevent. A stop of 10–16 minutes keeps a place quiet for about two
hours (Koper 1995), so it can prevent at most what would happen there in those hours::

    prize = expected incidents / (days × 24) × lasting_h × effect

the expected incidents an hour, times the hours, times the share that a visit prevents. Counts alone mislead where they
are few: a cell with three by chance would go before one that has two every month, so counts are first drawn towards
the mean (empirical Bayes, Clayton & Kaldor 1987).

References
----------
Clayton & Kaldor (1987), Biometrics 43, 671–681. Koper (1995), Justice Quarterly 12, 649–672.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError
from gridmap.forecasts.checked_forecast import ForecastResult
from gridmap.hotspots.registry import side_of
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.patrol.point_inputs import as_points, check_number, id_column, lonlat

__all__ = ["patrol_places", "take_places"]


def patrol_places(
    hotspots, *, days: float | None = None, most: int = 60, lasting_h: float = 2.0, effect: float = 1.0
) -> gpd.GeoDataFrame:
    """Points with `place_id` and `prize`, from a hotspot method's answer.

    Parameters
    ----------
    hotspots : HotspotResult, ForecastResult, or GeoDataFrame indexed by cell_id
        With `predicted` (expected incidents, taken as they are), `count` or `intensity`. Clusters become one place
        each; else the cells or street segments that are labelled hot (or, without labels, those above zero). Of a
        forecast the cells with the most expected incidents are taken, as they are expected.
    days : float, optional
        Days that the counts cover; a forecast knows its own. Given, prizes are incidents in `lasting_h` hours; without
        it they are only proportional to that, which plans the same routes.
    most : int
        No more places than this, the largest prizes first.
    lasting_h : float
        Hours for which a visit lasts.
    effect : float
        Share of the incidents in those hours that a visit prevents. 1 is an upper limit, not a finding: put your own
        evaluation's figure here.

    Returns
    -------
    GeoDataFrame in EPSG:4326
        `place_id, prize, count, geometry` (points), by prize, largest first.

    Examples
    --------
    >>> cells = gpd.GeoDataFrame({"count": [9, 0, 4]}, index=pd.Index(["a", "b", "c"], name="cell_id"),
    ...                          geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), crs=4326)
    >>> patrol_places(cells, days=30)["place_id"].tolist()
    ['a', 'c']
    """
    lasting_h, effect = check_number(lasting_h, "lasting_h", most=24), check_number(effect, "effect", most=1)
    most = int(check_number(most, "most", least=1, above=False))
    frame, everything = hotspots, hotspots
    if isinstance(hotspots, ForecastResult) or getattr(hotspots, "method", None) == "forecast":
        days = hotspots.params["horizon_days"] if days is None else days
        frame = everything = hotspots.cells[["expected", "geometry"]].rename(columns={"expected": "predicted"})
    elif isinstance(hotspots, HotspotResult):
        clustered = hotspots.clusters is not None and len(hotspots.clusters) > 0
        frame = everything = hotspots.clusters if clustered else hotspots.cells
    if not isinstance(frame, gpd.GeoDataFrame) or len(frame) == 0:
        raise InputError(Note("patrol.no_places"))
    value = next((c for c in ("predicted", "count", "expected_count", "intensity") if c in frame), None)
    if value is None:
        raise InputError(Note("patrol.no_count", found=list(map(str, frame.columns))))
    counts = pd.to_numeric(everything[value], errors="coerce").fillna(0.0).to_numpy(float)
    smooth = _shrunk(counts) if value == "count" else counts
    if "label" in frame:
        hot = (frame["label"].map(side_of) > 0).to_numpy()
        if not hot.any():
            raise InputError(Note("patrol.none_hot"))
    else:
        hot = counts > 0
        if not hot.any():
            raise InputError(Note("patrol.all_zero", column=value))
    hours = lasting_h / (days * 24) if days is not None else 1.0
    if days is not None:
        check_number(days, "days")
    xy = lonlat(frame, "hotspots")
    prefix = "" if frame.index.name in ("cell_id", "place_id") else "hotspot "
    places = gpd.GeoDataFrame(
        {"place_id": [f"{prefix}{i}" for i in frame.index], "prize": smooth * hours * effect, "count": counts},
        geometry=as_points(xy),
        crs=4326,
    )[hot]
    return places.sort_values(["prize", "place_id"], ascending=[False, True]).head(most).reset_index(drop=True)


def _shrunk(counts: np.ndarray) -> np.ndarray:
    """Counts drawn towards their mean as far as their spread is no more than chance (gamma–Poisson, by moments)."""
    mean, spread = counts.mean(), counts.var()
    true = max(spread - mean, 0.0)  # what is left of the variance when Poisson noise is taken off
    share = true / (true + mean) if true + mean > 0 else 1.0
    return mean + share * (counts - mean) if true > 0 else counts


def take_places(hotspots, streets, visit_min: float, days: float) -> tuple[gpd.GeoDataFrame, dict, list[Note]]:
    """Hotspots and compulsory streets as one table, and how the streets run.

    Parameters
    ----------
    days : float
        How long the plan is, for streets that are to be visited so many times a week.

    Returns
    -------
    places : GeoDataFrame
        `place_id, prize, visit_s, must_visits, street, geometry` (of a street: where it begins).
    lines : dict of int to LineString
        Row of a street → its line in EPSG:4326.
    notes : list of Note
    """
    if not isinstance(hotspots, gpd.GeoDataFrame):
        if not isinstance(hotspots, pd.DataFrame):
            raise InputError(Note("patrol.hotspots_type", found=type(hotspots).__name__))
        hotspots = gpd.GeoDataFrame(hotspots, geometry=as_points(lonlat(hotspots, "hotspots")), crs=4326)
    xy = lonlat(hotspots, "hotspots")
    if "prize" not in hotspots:
        raise InputError(Note("patrol.no_prize", found=list(map(str, hotspots.columns))))
    n = len(hotspots)
    own = _numbers(hotspots, "visit_min", np.nan)
    must = _numbers(hotspots, "must_visits", 0.0)
    own = np.where(np.isnan(own), visit_min, own)
    prize = pd.to_numeric(hotspots["prize"], errors="coerce").to_numpy(float)
    if not np.isfinite(prize).all() or (prize < 0).any():
        i = int(np.argmax(~np.isfinite(prize) | (prize < 0)))
        raise InputError(Note("patrol.bad_prize", row=i, found=hotspots["prize"].iloc[i]))
    if (own <= 0).any() or (must < 0).any() or (must % 1 != 0).any():
        raise InputError(Note("patrol.bad_visits"))
    table = {
        "place_id": id_column(hotspots, ("place_id", "hotspot_id", "cell_id"), "place "),
        "prize": prize,
        "visit_s": own * 60,
        "must_visits": must.astype(np.int64),
        "street": np.zeros(n, bool),
    }
    places = gpd.GeoDataFrame(table, geometry=as_points(xy), crs=4326)
    if streets is None:
        return places, {}, []
    if not isinstance(streets, gpd.GeoDataFrame):
        raise InputError(Note("patrol.streets_type", found=type(streets).__name__))
    times = _times(streets, days)
    lines, notes = _lines(streets)
    xy = lonlat(streets, "streets")
    for row, line in lines.items():
        xy[row] = shapely.get_coordinates(line)[0]
    more = {
        "place_id": id_column(streets, ("place_id", "road_id", "name"), "street "),
        "prize": _numbers(streets, "prize", 0.0),
        "visit_s": _numbers(streets, "visit_min", visit_min) * 60,
        "must_visits": times.astype(np.int64),
        "street": True,
    }
    added = gpd.GeoDataFrame(more, geometry=as_points(xy), crs=4326)
    if "visit_min" not in streets:
        added.loc[list(lines), "visit_s"] = 0.0  # as long as the drive along it takes
    both = sorted(set(added["place_id"]) & set(places["place_id"]))
    if both:
        raise InputError(Note("patrol.street_and_place", found=both[0]))
    return pd.concat([places, added], ignore_index=True), {n + row: line for row, line in lines.items()}, notes


def _times(streets: gpd.GeoDataFrame, days: float) -> np.ndarray:
    """Visits to each street in the whole plan: `times`, or as many as `times_a_week` come to, rounded up."""
    weekly = _numbers(streets, "times_a_week", np.nan)
    times = np.where(np.isnan(weekly), _numbers(streets, "times", 3.0), np.ceil(weekly * days / 7 - 1e-9))
    if (times < 1).any() or (times % 1 != 0).any():
        raise InputError(Note("patrol.bad_times"))
    return times


def _lines(streets: gpd.GeoDataFrame) -> tuple[dict, list[Note]]:
    """Row → the line that is driven along; of a street in several pieces that do not touch, the longest."""
    lonlat(streets, "streets")  # that there are rows, and a CRS
    lines, notes = {}, []
    for row, shape in enumerate(streets.geometry.to_crs(4326)):
        if shape is None or shape.geom_type not in ("LineString", "MultiLineString"):
            continue
        whole = shapely.force_2d(shape)
        pieces = shapely.get_parts(shapely.line_merge(whole) if whole.geom_type == "MultiLineString" else whole)
        if len(pieces) > 1:
            notes.append(Note("patrol.street_in_pieces", street=row + 1, pieces=len(pieces)))
        lines[row] = max(pieces, key=shapely.length)
    return lines, notes


def _numbers(frame, name: str, default: float) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), default)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    return np.where(np.isnan(values), default, values)
