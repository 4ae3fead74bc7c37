"""patrol_layers(): a patrol plan on the map, moving with the time slider.

Each unit has its own colour and number. The page's slider goes through a shift: units move along the streets they
take, a stop lights up while somebody is there and shows its time window. A list in the panel says the same in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.maps.layers.base import Layer
from gridmap.maps.legend_classes import Class
from gridmap.maps.packing import pack_column
from gridmap.messages import LANGUAGES, Note
from gridmap.patrol.plan import PatrolPlan, clock, say_unmet, starts_of
from gridmap.patrol.point_inputs import id_or_note

__all__ = ["RoutesLayer", "patrol_layers"]

#: Told apart by red-green blind readers (Okabe & Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B57F00", "#3A8FC2", "#000000")
#: Columns of a patrol layer besides its name: what a row is (0 a way, 1 a stop, 2 a pause), of which shift, its place
#: in the order, and its times in seconds from the shift's start.
ROW_COLUMNS = ("row", "shift", "order", "from_s", "to_s")


@dataclass(frozen=True, repr=False)
class RoutesLayer(Layer):
    """One unit's ways and stops over all shifts.

    Attributes
    ----------
    number : int
        The unit's, from 1.
    shifts : list of dict
        `shift, start, seconds` of each.
    remarks : mapping from language to list of str
        What the plan could not do, and why.
    """

    kind: ClassVar[str] = "routes"
    content: ClassVar[str] = "patrols"

    number: int = 1
    shifts: Sequence[Mapping[str, Any]] = ()
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """The times of the rows."""
        rows = self.frame.iloc[order]
        times = {name: pack_column(pd.Series(rows[name].to_numpy(), dtype=float), digits=0) for name in ROW_COLUMNS}
        own = {"number": self.number, "shifts": list(self.shifts), "notes": dict(self.remarks)}
        return {"patrol": {**own, "texts": pack_column(rows["place"]), **times}}


def patrol_layers(plan: PatrolPlan, *, shift: int | None = None, start: str = "08:00") -> list[RoutesLayer]:
    """One layer a unit: its way along the streets and its stops, for the time slider and for hover.

    Parameters
    ----------
    plan : PatrolPlan
    shift : int, optional
        Draw this shift alone; by default the reader chooses among all.
    start : str
        When the first shift starts, as HH:MM.

    Returns
    -------
    list of Layer
        For `build_map([hotspot_layer(…), *patrol_layers(plan)])`.

    Raises
    ------
    InputError
        If no unit patrols in that shift.

    Examples
    --------
    >>> import gridmap as gm
    >>> places = gpd.GeoDataFrame({"place_id": ["a", "b"], "prize": [2.0, 1.0]},
    ...                           geometry=gpd.points_from_xy([-1.55, -1.54], [53.80, 53.80]), crs=4326)
    >>> plan = gm.plan_patrols(places, None, units=1, shift_h=1, random_state=0)
    >>> [layer.name for layer in patrol_layers(plan)]
    ['unit 1']
    """
    if not isinstance(plan, PatrolPlan):
        raise InputError(Note("maps.patrol_takes_plan", found=type(plan).__name__))
    if shift is not None and (isinstance(shift, bool) or not isinstance(shift, int | np.integer)):
        raise SettingError(Note("maps.shift_is_a_number", found=str(shift)))
    routes = plan.routes if shift is None else plan.routes[plan.routes["shift"] == shift]
    if not len(routes):
        raise InputError(Note("maps.no_patrols" if shift is None else "maps.no_patrols_in_shift", shift=shift))
    begin = starts_of(plan, start)
    long = int(np.ceil(plan.params["shift_h"] * 3600))
    shifts = [{"shift": int(s), "start": begin[s], "seconds": long} for s in sorted(routes["shift"].unique())]
    unmet = {code: say_unmet(plan, code) for code in LANGUAGES}
    own = {c: [n.say(c) if isinstance(n, Note) else str(n) for n in plan.notes] for c in LANGUAGES}
    notes = {c: [*own[c], *(f"{r.id}: {r.reason}; {r.remedy}" for r in unmet[c].itertuples())] for c in LANGUAGES}
    return [
        RoutesLayer(
            id_or_note(unit),
            _rows(plan, unit, set(routes["shift"]), begin),
            (Class(COLOURS[i % len(COLOURS)]),),
            np.zeros(_count(plan, unit, set(routes["shift"])), np.uint8),
            columns=("name",),
            number=i + 1,
            shifts=shifts,
            remarks=notes,
        )
        for i, unit in enumerate(routes["unit_id"].drop_duplicates())
    ]


def _rows(plan, unit, shifts, begin) -> gpd.GeoDataFrame:
    """Ways, then pauses, then stops (on top), with their times in seconds from the shift's start."""
    tables = (plan.legs, plan.routes, plan.stops)
    legs, routes, stops = (t[(t["unit_id"] == unit) & t["shift"].isin(shifts)] for t in tables)
    rows, shapes = [], []
    for leg in legs.itertuples():
        rows.append((str(unit), "", 0, leg.shift, leg.to_stop, leg.depart_s, leg.arrive_s))
        shapes.append(leg.geometry)
    for route in routes[routes["pause_start_s"].notna()].itertuples():
        here = _stop_before(stops, route)
        rows.append((str(unit), "", 2, route.shift, 0, route.pause_start_s, route.pause_start_s + route.pause_s))
        shapes.append(here)
    for stop in stops.itertuples():
        window = f"{clock(stop.arrive_s, begin[stop.shift])}–{clock(stop.leave_s, begin[stop.shift])}"
        name = f"{stop.stop_order}  {stop.place_id}  {window}"
        rows.append((name, str(stop.place_id), 1, stop.shift, stop.stop_order, stop.arrive_s, stop.leave_s))
        shapes.append(stop.geometry)
    table = pd.DataFrame(rows, columns=["name", "place", *ROW_COLUMNS])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4326)


def _stop_before(stops, route):
    mine = stops[stops["shift"] == route.shift]
    before = mine[mine["arrive_s"] <= route.pause_start_s]
    return (before if len(before) else mine).geometry.iloc[-1 if len(before) else 0]


def _count(plan, unit, shifts) -> int:
    tables = (plan.legs, plan.stops, plan.routes[plan.routes["pause_start_s"].notna()])
    return sum(int(((t["unit_id"] == unit) & t["shift"].isin(shifts)).sum()) for t in tables)
