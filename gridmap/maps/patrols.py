"""patrol_layers(): a patrol plan on the map: each unit in its own colour, its stops in order with their times."""

import dataclasses

import geopandas as gpd

from gridmap.errors import InputError
from gridmap.maps.context import context_layer
from gridmap.maps.layers import Layer
from gridmap.patrol.files import clock, starts_of
from gridmap.patrol.plan import PatrolPlan

__all__ = ["patrol_layers"]

#: Told apart by red-green blind readers (Okabe & Ito).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def patrol_layers(plan: PatrolPlan, *, shift: int = 1, start: str = "08:00") -> list[Layer]:
    """One layer a unit: its way along the streets, and its stops with order and times on hover.

    Parameters
    ----------
    plan : PatrolPlan
    shift : int
        Which shift is drawn.
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
        raise InputError(f"patrol_layers takes what plan_patrols gives; found a {type(plan).__name__}.")
    routes = plan.routes[plan.routes["shift"] == shift]
    if not len(routes):
        raise InputError(
            f"No unit patrols in shift {shift}. plan.unmet says why; plan.routes has the shifts there are."
        )
    begin, layers = starts_of(plan, start)[shift], []
    for i, route in enumerate(routes.itertuples()):
        stops = plan.stops[(plan.stops["shift"] == shift) & (plan.stops["unit_id"] == route.unit_id)]
        names = [
            f"{s.stop_order}  {s.place_id}  {clock(s.arrive_s, begin)}–{clock(s.leave_s, begin)}"
            for s in stops.itertuples()
        ]
        discs = stops.geometry.to_crs(stops.estimate_utm_crs()).buffer(15).to_crs(4326)
        shapes = [route.geometry, *discs] if route.geometry.length > 0 else list(discs)
        table = {"name": [str(route.unit_id), *names][-len(shapes) :]}
        frame = gpd.GeoDataFrame(table, geometry=shapes, crs=4326)
        layer = context_layer(frame, name=str(route.unit_id), colour=COLOURS[i % len(COLOURS)], width_px=3.0)
        layers.append(dataclasses.replace(layer, facts={**layer.facts, "above": True}))  # over the hotspots
    return layers
