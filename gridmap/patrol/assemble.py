"""From the search's arrays to the tables that people read, with what was left out and why."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.patrol.plan import PatrolPlan

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
        `(seq, count, arrive, end, pause_after)` or None where no unit could go.
    owed : int (places,)
        Compulsory visits that could not be made.
    """
    stops, routes, legs, spare = [], [], [], []
    visits = np.zeros(len(places), np.int64)
    ids, service = places["place_id"].to_numpy(), places["visit_s"].to_numpy()
    for s, found in enumerate(shifted):
        if found is None:
            continue
        seq, count, arrive, end, pause_after = found
        for u in range(len(count)):
            row = seq[u, : count[u]]
            at, way = arrive[u, : count[u]], travel.between[travel.kind[u]]
            begin, stop = crew.window[u]
            pause_at, pause_s = np.nan, 0.0
            if len(row) and crew.pause[u, 0] > 0:
                before = begin if pause_after[u] == -1 else at[pause_after[u]] + service[row[pause_after[u]]]
                pause_at, pause_s = max(before, crew.pause[u, 1]), crew.pause[u, 0]
            spare.append((u, row, stop - end[u]))
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
        unmet=_unmet(places, crew, travel, visits, spare, staffed, owed, params),
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


def _unmet(places, crew, travel, visits, spare, staffed, owed, params) -> pd.DataFrame:
    """What could not be done, why, and the smallest change that would allow it."""
    rows = []
    for post in staffed[~staffed["met"].astype(bool)].itertuples(index=False):
        lack = post.staff - post.assigned
        rows.append(
            (
                "post",
                post.post_id,
                f"needs {post.staff} officers; {post.assigned} are left for it",
                f"{lack} more {'officer' if lack == 1 else 'officers'}, or a minimum of {post.assigned}",
            )
        )
    for u in travel.stranded:
        rows.append(
            ("unit", crew.unit_id[u], "its depot reaches no place on the network", "move the depot to a street")
        )
    if not len(crew.unit_id):
        rows.append(("unit", "all", "every unit stands at a compulsory post; nobody is left to patrol", "1 more unit"))
    duty = crew.window[:, 1] - crew.window[:, 0] - crew.pause[:, 0]
    ids, service = places["place_id"].to_numpy(), places["visit_s"].to_numpy()
    on = np.isfinite(np.diagonal(travel.between, axis1=1, axis2=2)).any(axis=0)
    for p in np.flatnonzero((visits == 0) | (owed > 0)):
        what = "street" if places["street"].iloc[p] else "place"
        alone = (travel.out[:, p] + service[p] + travel.back[:, p]) if len(crew.unit_id) else np.array([np.inf])
        if not on[p]:
            limit = max(getattr(n, "max_snap_m", 0.0) for n in travel.networks)
            reason, remedy = (
                f"off the network: no street within {limit:g} m",
                f"{_how_far(travel, p)}, or move the point to a street",
            )
        elif not len(crew.unit_id):
            reason, remedy = "nobody is left to patrol", "1 more unit"
        elif not np.isfinite(alone).any():
            reason, remedy = "no unit's kind or depot reaches it", "a unit that can get there"
        elif (alone > duty + 1e-6).all():
            u = int(np.argmin(alone - duty))
            more = (alone[u] - duty[u]) / 60
            whole = (duty[u] + crew.pause[u, 0]) / 3600 + more / 60
            reason = f"the drive and the visit take {alone[u] / 60:.0f} min, more than the shift"
            remedy = f"a shift of at least {np.ceil(whole * 100) / 100:.2f} h"
        elif places["prize"].iloc[p] == 0 and owed[p] == 0:
            reason, remedy = (
                "its prize is 0 in every shift, so a visit earns nothing",
                "a prize above 0, or must_visits",
            )
        else:
            more = max(1, int(np.ceil(_least_more(p, spare, travel, service) / 60)))
            reason, remedy = "no time left for it", f"{more} more min of one unit's shift, or 1 more unit"
        if owed[p] > 0 and visits[p] >= 0:
            asked = int(places["must_visits"].iloc[p])
            reason = f"{int(asked - owed[p])} of {asked} compulsory visits made; {reason}"
        rows.append((what, ids[p], reason, remedy))
    return pd.DataFrame(rows, columns=["what", "id", "reason", "remedy"])


def _how_far(travel, p) -> str:
    """How large max_snap_m would have to be."""
    far = [net.distance_m(travel.points[[p]])[0] for net in travel.networks if hasattr(net, "distance_m")]
    return f"max_snap_m={int(np.ceil(min(far)))}" if far else "a network there"


def _least_more(p, spare, travel, service) -> float:
    """Seconds that the best-placed unit would have to work longer to visit the place."""
    best = np.inf
    for u, row, left in spare:
        way = travel.between[travel.kind[u]]
        if not len(row):
            best = min(best, travel.out[u, p] + service[p] + travel.back[u, p] - left)
            continue
        before = np.r_[travel.out[u, p], way[row, p]]
        after = np.r_[way[p, row], travel.back[u, p]]
        old = np.r_[travel.out[u, row[0]], way[row[:-1], row[1:]], travel.back[u, row[-1]]]
        best = min(best, float((before + after - old).min()) + service[p] - left)
    return best
