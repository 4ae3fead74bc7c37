"""What may be said about a run, as data: a kind and its numbers. No sentence yet, and no language.

A sentence is a template over one fact (`gridmap.reports.sentences`), so nothing is said that the numbers do not
carry, and English and Chinese say the same because they are filled from the same fact. A kind that speaks of chance
is only made where a test was run. What the numbers cannot carry is a fact too: dates known to the month only, too few
incidents for a test, rows set aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.grids.base import Grid
from gridmap.read.base import Incidents

__all__ = ["Fact", "concentration_facts", "fact", "run_facts", "time_facts"]


@dataclass(frozen=True)
class Fact:
    """One thing that may be said.

    Attributes
    ----------
    kind : str
        Names the template, as in "hot".
    values : mapping
        Numbers, and the names that stand beside them: places, the result's own name. Plain values, ready for JSON.
    step : int or None
        Which entry under `hotspots:` it speaks of, from 1; None: the run as a whole.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "values", MappingProxyType({k: _plain(v) for k, v in self.values.items()}))

    def to_dict(self) -> dict[str, Any]:
        """As `results/facts.json` holds it."""
        return {"kind": self.kind, "step": self.step, "values": dict(self.values)}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Fact":
        """The way back from `to_dict`."""
        return cls(str(entry["kind"]), dict(entry.get("values") or {}), entry.get("step"))


def fact(kind: str, step: int | None = None, **values) -> Fact:
    """A fact, written as it is read.

    Examples
    --------
    >>> fact("cold", 1, name="Burglary", n=3).to_dict()
    {'kind': 'cold', 'step': 1, 'values': {'name': 'Burglary', 'n': 3}}
    """
    return Fact(kind, values, step)


def _plain(value: Any) -> Any:
    """A value as JSON says it; numbers keep seven figures, more than any sentence shows."""
    if isinstance(value, str | bool | np.bool_) or value is None:
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.7g}") if np.isfinite(value) else None
    if isinstance(value, Sequence | np.ndarray):
        return [_plain(v) for v in value]
    return str(value)


def run_facts(
    boundaries: gpd.GeoDataFrame, incidents: Incidents, grid: Grid, *, rows: int, outside: int | None = None
) -> list[Fact]:
    """The size of the sample, and what the sample cannot tell.

    Parameters
    ----------
    boundaries, incidents, grid
        What the run worked on.
    rows : int
        Rows that were read, those set aside included; the incidents may be only some of them.
    outside : int, optional
        Incidents that fell in no cell.
    """
    aside = len(incidents.set_aside)
    said = [
        fact(
            "sample",
            rows=rows,
            aside=aside,
            located=1 - aside / max(rows, 1),
            used=len(incidents),
            zones=len(boundaries),
            cells=len(grid),
        )
    ]
    if outside:
        said.append(fact("outside", n=outside, used=len(incidents)))
    vague = int(_longer_than_a_day(incidents).sum())
    if vague:
        said.append(fact("vague_times", n=vague, used=len(incidents)))
    return said


def _longer_than_a_day(incidents: Incidents) -> np.ndarray:
    """Which incidents are dated no better than to some days: a month, or a holiday between two visits."""
    table = incidents.arrow(["occurred_from", "occurred_to"]).to_pandas()
    length = (table["occurred_to"] - table["occurred_from"]).to_numpy()
    return np.isnat(length) | (length > np.timedelta64(1, "D"))


def concentration_facts(count: pd.Series, about: Mapping[str, Any], step: int) -> list[Fact]:
    """The fewest cells that hold half of the incidents; nothing where there are none."""
    total = float(count.sum())
    if total <= 0:
        return []
    held = np.sort(count.to_numpy(float))[::-1].cumsum()
    n = int(np.searchsorted(held, total / 2)) + 1
    return [fact("half", step, **about, n=n, cells=len(count), share=n / len(count), total=int(total))]


def time_facts(week: pd.DataFrame | None, name: str | None = None, step: int | None = None) -> list[Fact]:
    """The three busiest hours of the day and the busiest weekday, where enough incidents have an hour.

    Parameters
    ----------
    week : DataFrame (7 × 24) or None
        As `hour_of_week` gives it.
    """
    if week is None or week.to_numpy().sum() < LEAST_TIMED:
        return []
    table = week.to_numpy(float)
    day = table.sum(axis=0)
    three = day + np.roll(day, -1) + np.roll(day, -2)
    start = int((three + 1e-6 * day).argmax())  # as the map: of equal windows the one that begins with the most
    weekday = int(table.sum(axis=1).argmax())
    timed = float(table.sum())
    values = {"timed": round(timed), "start": start, "end": (start + 3) % 24, "share": three[start] / timed}
    values |= {"weekday": weekday, "weekday_share": table[weekday].sum() / timed}
    return [fact("peak_hours", step, name=name, **values)]


#: Fewer incidents with a known hour say nothing about hours.
LEAST_TIMED = 30
