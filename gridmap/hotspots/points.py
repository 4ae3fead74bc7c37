"""What every method over points asks of its incidents, checked once at the door.

Points are measured in metres, in one projected CRS that the result names. A length below one metre is
taken for degrees and refused; fewer than 30 incidents are refused, because any pattern in them is as
likely to be chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS

from gridmap.errors import InputError, SettingError
from gridmap.messages import did_you_mean
from gridmap.read.base import Incidents

__all__ = ["FEWEST", "Points", "a_count", "a_length_m", "a_number", "one_of", "points_of", "weights_of"]

#: Fewer incidents than this answer no question about concentration.
FEWEST = 30


@dataclass(frozen=True)
class Points:
    """Incidents as a method sees them: `incident_id` (Arrow), `xy` in metres (n, 2) in `crs`, `weight` (n,)."""

    ids: pa.ChunkedArray
    xy: np.ndarray
    weight: np.ndarray
    crs: CRS

    def __len__(self) -> int:
        return len(self.xy)


def points_of(
    incidents: Incidents, method: str, *, crs: CRS | None = None, weights=None, fewest: int = FEWEST
) -> Points:
    """The points of `incidents` in metres, or an InputError that says what is wrong with them."""
    if not isinstance(incidents, Incidents):
        raise InputError(f"{method} needs incidents as read_incidents gives them; found {type(incidents).__name__}.")
    fewest = a_count(fewest, "min_incidents", least=1)
    if len(incidents) < fewest:
        raise InputError(
            f"{method} needs at least {fewest} incidents to tell a pattern from chance; found {len(incidents)}. "
            "Take a longer period, a wider category or a larger area."
        )
    crs = incidents.metric_crs if crs is None else crs
    xy = np.ascontiguousarray(incidents.xy_m(crs))
    if not np.isfinite(xy).all():
        bad = int((~np.isfinite(xy).all(axis=1)).sum())
        raise InputError(
            f"{bad} of {len(xy)} incidents cannot be placed in {crs.name}: their coordinates are not finite or "
            "too far away. Read them with read_incidents, which sets such rows aside."
        )
    ids = incidents.arrow(["incident_id"])["incident_id"]
    return Points(ids, xy, weights_of(incidents, weights), crs)


def weights_of(incidents: Incidents, weights) -> np.ndarray:
    """One weight an incident: ones, a numeric column by name, or an array of the incidents' length."""
    n = len(incidents)
    if weights is None:
        return np.ones(n)
    if isinstance(weights, str):
        column = incidents.arrow([weights])[weights]
        if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            numeric = [
                f.name for f in incidents.arrow().schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)
            ]
            raise InputError(
                f"weights={weights!r} names a column of {column.type}, not of numbers. {did_you_mean(weights, numeric)}"
            )
        found = pc.cast(column, pa.float64()).to_numpy()
    else:
        try:
            found = np.asarray(weights, float)
        except (TypeError, ValueError):
            raise InputError("weights is the name of a numeric column, or one number an incident.") from None
    if found.shape != (n,):
        raise InputError(f"weights must be one number an incident, {n} in all; found shape {found.shape}.")
    if not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise InputError("weights must be finite, not below 0 and not all 0. Fill or leave out the rows without one.")
    return found


def a_number(value, name: str, *, above: float | None = None, least: float | None = None) -> float:
    """`value` as a finite float in its range, or a SettingError that names the setting."""
    good = isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_) and np.isfinite(float(value))
    if good and (above is None or value > above) and (least is None or value >= least):
        return float(value)
    bound = f" above {above:g}" if above is not None else f" of at least {least:g}" if least is not None else ""
    raise SettingError(f"{name} must be a number{bound}; found {value!r}.")


def a_length_m(value, name: str) -> float:
    """`value` as a length in metres; below one metre it was meant in degrees, and is refused."""
    value = a_number(value, name, above=0)
    if value < 1:
        raise SettingError(f"{name} is in metres, but {value:g} looks like degrees. One degree is about 111,000 m.")
    return value


def a_count(value, name: str, *, least: int) -> int:
    """`value` as a whole number of at least `least`, or a SettingError that names the setting."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise SettingError(f"{name} must be a whole number of at least {least}; found {value!r}.")


def one_of(value, name: str, known: Sequence[str]) -> str:
    """`value` if it is among `known`, or a SettingError that names what was meant."""
    if isinstance(value, str) and value in known:
        return value
    raise SettingError(f"{name} has no choice {value!r}. {did_you_mean(value, known)}")
