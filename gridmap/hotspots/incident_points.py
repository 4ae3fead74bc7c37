"""What every method over points asks of its incidents, checked once, where they come in.

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
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents

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
        raise InputError(Note("hotspots.needs_incidents", method=method, name=type(incidents).__name__))
    fewest = a_count(fewest, "min_incidents", least=1)
    if len(incidents) < fewest:
        raise InputError(Note("hotspots.too_few_for_pattern", method=method, fewest=fewest, n=len(incidents)))
    crs = incidents.metric_crs if crs is None else crs
    xy = np.ascontiguousarray(incidents.xy_m(crs))
    if not np.isfinite(xy).all():
        bad = int((~np.isfinite(xy).all(axis=1)).sum())
        raise InputError(Note("hotspots.cannot_be_placed", bad=bad, n=len(xy), name=crs.name))
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
                Note(
                    "hotspots.weights_not_numeric",
                    weights=weights,
                    type=column.type,
                    meant=did_you_mean(weights, numeric),
                )
            )
        found = pc.cast(column, pa.float64()).to_numpy()
    else:
        try:
            found = np.asarray(weights, float)
        except (TypeError, ValueError):
            raise InputError(Note("hotspots.weights_what")) from None
    if found.shape != (n,):
        raise InputError(Note("hotspots.weights_length", n=n, shape=found.shape))
    if not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise InputError(Note("hotspots.weights_finite"))
    return found


def a_number(value, name: str, *, above: float | None = None, least: float | None = None) -> float:
    """`value` as a finite float in its range, or a SettingError that names the setting."""
    good = isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_) and np.isfinite(float(value))
    if good and (above is None or value > above) and (least is None or value >= least):
        return float(value)
    kind = "number_above" if above is not None else "number_at_least" if least is not None else "number_any"
    bound = above if above is not None else least
    raise SettingError(Note(f"hotspots.{kind}", name=name, least=bound, found=f"{value!r}"))


def a_length_m(value, name: str) -> float:
    """`value` as a length in metres; below one metre it was meant in degrees, and is refused."""
    value = a_number(value, name, above=0)
    if value < 1:
        raise SettingError(Note("hotspots.metres_not_degrees", name=name, value=value))
    return value


def a_count(value, name: str, *, least: int) -> int:
    """`value` as a whole number of at least `least`, or a SettingError that names the setting."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise SettingError(Note("hotspots.whole_number_of", name=name, least=least, value=value))


def one_of(value, name: str, known: Sequence[str]) -> str:
    """`value` if it is among `known`, or a SettingError that names what was meant."""
    if isinstance(value, str) and value in known:
        return value
    raise SettingError(Note("hotspots.no_choice", name=name, value=value, meant=did_you_mean(value, known)))
