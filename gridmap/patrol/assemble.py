"""From the search's arrays to the tables that people read, with what was left out and why."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.unmet import unmet_table

__all__ = ["assemble"]

LEGS = ["unit_id", "shift", "from_stop", "to_stop", "depart_s", "arrive_s"]
STOPS = ["unit_id", "shift", "stop_order", "place_id", "arrive_s", "leave_s", "prize"]
ROUTES = [
    "unit_id",
    "shift",
    "kind",
    "stops",
    "prize",
    "start_s",
    "end_s",
    "travel_s",
    "visit_s",
    "wait_s",
    "pause_start_s",
    "pause_s",
    "spare_s",
    "length_m",
]


def assemble(places, crew, travel, shifted, prizes, repeat, staffed, owed, bound, params) -> PatrolPlan:
    """The plan of all shifts.

    Parameters
    ----------
    shifted : list, one a shift
        `(case, routes)` of the search, or None where no unit could go.
    owed : int (places,)
        Compulsory visits that could not be made.
    """
    stops, routes, legs = [], [], []
    visits = np.zeros(len(places), np.int64)
    ids, service = places["place_id"].to_numpy(), places["visit_s"].to_numpy()
    for s, found in enumerate(shifted):
        if found is None:
            continue
        way = found[1]
        seq, count, arrive, end, pause_after = way.seq, way.count, way.arrive, way.end, way.pause_after
        for u in range(len(count)):
            row = seq[u, : count[u]]
            at, way = arrive[u, : count[u]], travel.between[travel.kind[u]]
            begin, stop = crew.window[u]
            pause_at, pause_s = np.nan, 0.0
            if len(row) and crew.pause[u, 0] > 0:
                before = begin if pause_after[u] == -1 else at[pause_after[u]] + service[row[pause_after[u]]]
                pause_at, pause_s = max(before, crew.pause[u, 1]), crew.pause[u, 0]
            if not len(row):
                continue
            moving = travel.out[u, row[0]] + way[row[:-1], row[1:]].sum() + travel.back[u, row[-1]]
            first = at[0] if np.isnan(crew.depot[u]).any() else begin
            resting = service[row].sum()
            routes.append(
                (
                    crew.unit_id[u],
                    s + 1,
                    crew.kind[u],
                    len(row),
                    0.0,
                    first,
                    end[u],
                    moving,
                    resting,
                    max(0.0, end[u] - first - moving - resting - pause_s),
                    pause_at,
                    pause_s,
                    stop - end[u],
                    0.0,
                )
            )
            legs.append((u, row, s + 1, at, end[u]))
            for i, p in enumerate(row):
                stops.append((crew.unit_id[u], s + 1, i + 1, ids[p], at[i], at[i] + service[p], p))
                visits[p] += 1
    table = pd.DataFrame(stops, columns=[*STOPS[:-1], "place"]).sort_values(
        ["shift", "arrive_s", "unit_id"], kind="stable"
    )
    had = table.groupby(["shift", "place"]).cumcount()
    table["prize"] = (
        prizes[table["shift"].to_numpy(int) - 1, table["place"].to_numpy(int)] * repeat**had if len(table) else 0.0
    )
    table = table.sort_values(["shift", "unit_id", "stop_order"], kind="stable").reset_index(drop=True)
    where = places.geometry.to_numpy()[table["place"].to_numpy(int)]
    frame = gpd.GeoDataFrame(table[STOPS], geometry=where, crs=4326)
    routes, legs = _routes(routes, legs, frame, travel, crew)
    return PatrolPlan(
        stops=frame,
        routes=routes,
        legs=legs,
        unmet=unmet_table(places, crew, travel, visits, shifted, staffed, owed, params),
        places=places.drop(columns=["visit_s"]).assign(visits=visits),
        posts=staffed,
        objective=float(frame["prize"].sum()),
        bound=max(float(bound), float(frame["prize"].sum())),
        params=params,
        notes=(*travel.notes, *_visit_notes(params)),
    )


def _visit_notes(params):
    if not 10 <= params["visit_min"] <= 16:
        return (f"Visits last {params['visit_min']:g} min; what is known to work are visits of 10 to 16 min.",)
    return ()


def _routes(rows, legs, stops, travel, crew) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The table of routes with the way along the streets, and every leg of it with its times."""
    shapes, metres, table = [], [], []
    wanted: dict = {}
    depot_at: dict = {}
    points = travel.points
    for u, *_ in legs:  # depots follow the places in the list of points
        if np.isfinite(crew.depot[u]).all() and u not in depot_at:
            depot_at[u] = len(points)
            points = np.vstack([points, crew.depot[u]])
    chains = []
    for u, row, *_ in legs:
        home = [depot_at[u]] if u in depot_at else []
        chains.append([*home, *map(int, row), *home])
        for leg in itertools.pairwise(chains[-1]):
            wanted.setdefault((int(travel.kind[u]), leg), None)
    for k, network in enumerate(travel.networks):
        mine = [leg for kind, leg in wanted if kind == k]
        for leg, way in zip(mine, network.ways(points, mine), strict=True):
            wanted[(k, leg)] = way
    geod = gpd.GeoSeries([shapely.Point(0, 0)], crs=4326).crs.get_geod()
    for (u, row, shift, at, end), chain in zip(legs, chains, strict=True):
        ways = [wanted[(int(travel.kind[u]), leg)] for leg in itertools.pairwise(chain)]
        xy = [shapely.get_coordinates(way) for way in ways if way is not None] or [
            np.repeat(points[[chain[0]]], 2, axis=0)
        ]
        line = shapely.LineString(np.vstack(xy))
        shapes.append(line)
        metres.append(float(geod.geometry_length(line)))
        there = [*at, end] if u in depot_at else at[1:]  # arrivals, one a leg
        first = 0 if u in depot_at else 1
        seconds = [
            *([travel.out[u, row[0]]] if u in depot_at else []),
            *travel.between[travel.kind[u]][row[:-1], row[1:]],
        ]
        seconds += [travel.back[u, row[-1]]] if u in depot_at else []
        for i, way in enumerate(ways):
            to = first + i + 1
            to = 0 if to > len(row) else to
            if way is not None:
                table.append((crew.unit_id[u], shift, first + i, to, there[i] - seconds[i], there[i], way))
    routes = pd.DataFrame(rows, columns=ROUTES)
    routes["length_m"] = metres
    prize = stops.groupby(["unit_id", "shift"])["prize"].sum()
    routes["prize"] = [float(prize[key]) for key in zip(routes["unit_id"], routes["shift"], strict=True)]
    made = pd.DataFrame([row[:-1] for row in table], columns=LEGS)
    return _frame(routes, shapes), _frame(made, [row[-1] for row in table])


def _frame(table, shapes) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326), crs=4326)
