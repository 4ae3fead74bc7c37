"""How fast a street is driven or walked.

A posted limit counts where there is one; else the class says it. The speeds are round figures for an urban
patrol in free traffic, not measurements: give your own with `speed_kmh={"primary": 35, …}` when you have them.
Rush hours slow the driving by `HOUR_FACTORS`, which are likewise an assumption to replace.
"""

import numpy as np
import pandas as pd

from gridmap.errors import SettingError
from gridmap.messages import did_you_mean

__all__ = ["CLASS_WORDS", "DRIVE_KMH", "HOUR_FACTORS", "NO_STOP", "WALK_KMH", "street_speeds"]

DRIVE_KMH = {
    "motorway": 90.0,
    "motorway_link": 50.0,
    "trunk": 70.0,
    "trunk_link": 45.0,
    "primary": 50.0,
    "primary_link": 40.0,
    "secondary": 45.0,
    "secondary_link": 35.0,
    "tertiary": 40.0,
    "tertiary_link": 30.0,
    "unclassified": 35.0,
    "residential": 30.0,
    "living_street": 15.0,
    "service": 20.0,
    "road": 30.0,
    "busway": 30.0,
}
NOT_DRIVEN = {"footway", "path", "steps", "pedestrian", "cycleway", "bridleway", "track"}
NOT_WALKED = {"motorway", "motorway_link", "trunk_link", "busway"}
WALK_KMH, STEPS_KMH = 4.8, 2.4
#: Where no car stops for a visit: nothing is snapped there.
NO_STOP = {"motorway", "motorway_link", "trunk_link"}
CLOSED = {"private", "no"}
#: Chinese road classes, as survey files name them.
CLASS_WORDS = {
    "高速": "motorway",
    "高速公路": "motorway",
    "快速路": "trunk",
    "国道": "trunk",
    "省道": "primary",
    "主干路": "primary",
    "主干道": "primary",
    "县道": "secondary",
    "次干路": "secondary",
    "次干道": "secondary",
    "乡道": "tertiary",
    "支路": "tertiary",
    "村道": "unclassified",
    "街道": "residential",
    "小区道路": "living_street",
    "内部道路": "service",
    "人行道": "footway",
    "步行街": "pedestrian",
}
#: Share of the free speed left at an hour of the day (driving).
HOUR_FACTORS = {7: 0.75, 8: 0.65, 9: 0.8, 16: 0.8, 17: 0.65, 18: 0.65, 19: 0.8}


def street_speeds(roads: pd.DataFrame, mode: str, *, speed_kmh=None, hour=None, hour_factors=None) -> np.ndarray:
    """Speed in km/h on each street, 0 where the mode may not go.

    Parameters
    ----------
    roads : frame with `highway`, `maxspeed_kmh`, `access` (what is missing counts as unsaid)
    mode : "drive" or "walk"
    speed_kmh : number or mapping of class to number, optional
        A speed for all streets, or for some classes; it goes before class and limit.
    hour : int, optional
        Hour of the day, 0–23; None is free traffic.
    hour_factors : mapping of hour to share, optional

    Examples
    --------
    >>> street_speeds(pd.DataFrame({"highway": ["primary", "footway"]}), "drive").tolist()
    [50.0, 0.0]
    """
    if mode not in ("drive", "walk"):
        raise SettingError(f"mode={mode!r} is not known. {did_you_mean(mode, ('drive', 'walk'))}")
    n = len(roads)
    kind = pd.Series(roads["highway"].to_numpy() if "highway" in roads else np.full(n, "road", object), dtype=object)
    kind = kind.where(kind.notna(), "road").astype(str).str.lower().replace(CLASS_WORDS)
    if mode == "walk":
        speed = np.where(kind == "steps", STEPS_KMH, WALK_KMH)
        speed[kind.isin(NOT_WALKED)] = 0.0
    else:
        speed = kind.map(DRIVE_KMH).fillna(DRIVE_KMH["road"]).to_numpy(float).copy()
        if "maxspeed_kmh" in roads:
            limit = pd.to_numeric(roads["maxspeed_kmh"], errors="coerce").to_numpy(float)
            speed = np.where(np.isfinite(limit) & (limit > 0), limit, speed)
        speed[kind.isin(NOT_DRIVEN)] = 0.0
    if "access" in roads:
        speed[roads["access"].isin(CLOSED).to_numpy()] = 0.0
    if isinstance(speed_kmh, dict):
        for name, value in speed_kmh.items():
            speed[((kind == name) & (speed > 0)).to_numpy()] = _speed(value)
    elif speed_kmh is not None:
        speed[speed > 0] = _speed(speed_kmh)
    if hour is not None and mode == "drive":
        if isinstance(hour, bool) or not isinstance(hour, int | np.integer) or not 0 <= hour <= 23:
            raise SettingError(f"hour is an hour of the day, 0 to 23; found {hour!r}.")
        factors = HOUR_FACTORS if hour_factors is None else dict(hour_factors)
        speed = speed * _speed(factors.get(int(hour), 1.0))
    return speed


def _speed(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < 400:
        raise SettingError(f"A speed (or a share of it) must be a number above 0; found {value!r}.")
    return float(value)
