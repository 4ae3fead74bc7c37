"""`Plan`: what is decided about a table before its rows are converted.

Roles of the columns, persons, datum, times: made once for the whole file by `plan.py`, `place_plan.py` and
`time_plan.py`, and read by whoever converts or inspects the rows.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from pyproj import CRS

from gridmap.read.coordinates import numbers, split_pairs
from gridmap.read.times import TimeRule

__all__ = ["Plan", "place_columns", "raw_places"]


@dataclass
class Plan:
    """The decisions: see `make_plan`."""

    roles: dict[str, str]
    reasons: dict[str, str]
    personal: dict[str, str]
    datum: str = "wgs84"
    crs: CRS | None = None
    pair_order: str = "lonlat"
    exchange: bool = False
    chinese: bool = False
    clock: str | None = None
    rules: dict[str, TimeRule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def attributes(self) -> set[str]:
        """Columns with a role, which get its name."""
        return set(self.roles.values())


def place_columns(roles) -> list[str]:
    """The roles that hold the coordinates, in order."""
    if "lon" in roles and "lat" in roles:
        return ["lon", "lat"]
    return ["coordinates"] if "coordinates" in roles else []


def raw_places(plan: Plan, table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and second coordinate as written, lon before lat, and whether anything was written."""
    if place_columns(plan.roles) == ["lon", "lat"]:
        x, x_there = numbers(table[plan.roles["lon"]])
        y, y_there = numbers(table[plan.roles["lat"]])
        written = x_there | y_there
    else:
        x, y, written = split_pairs(table[plan.roles["coordinates"]])
        if plan.pair_order == "latlon":
            x, y = y, x
    return (y, x, written) if plan.exchange else (x, y, written)
