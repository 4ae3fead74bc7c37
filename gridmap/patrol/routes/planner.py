"""Which places, by whom, in what order, for how long: `plan_patrols`.

The analyst's question of the week. Visits of 10–16 minutes, at least every two hours and in random order, keep a
place quiet; driving through does not (Koper 1995; Telep, Mitchell & Weisburd 2014, in Sacramento). So a plan is a
team orienteering problem: every visit earns the place's prize (the incidents expected to be prevented), takes its
time, and may be repeated only after `revisit_h`; travel is along the streets; nobody works beyond the shift.
Compulsory posts are staffed first, compulsory streets are visited as often as required, and what does not fit is
listed with the reason and the smallest change that would make it fit.

References
----------
Koper (1995), Justice Quarterly 12, 649–672. Telep, Mitchell & Weisburd (2014), Justice Quarterly 31, 905–933.
"""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, did_you_mean
from gridmap.patrol.network import WALK_KMH, Network, build_network
from gridmap.patrol.places import patrol_places, take_places
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.point_inputs import check_number, lonlat
from gridmap.patrol.routes.bound import prize_bound
from gridmap.patrol.routes.habits import FEAR_S, SLOT_S, Past
from gridmap.patrol.routes.schedule import Case
from gridmap.patrol.routes.search import fill, improve, shuffle
from gridmap.patrol.routes.unmet import unmet_table
from gridmap.patrol.units import staff_posts, take_posts, take_units

__all__ = ["plan_patrols"]

#: Places × units × stops that the default search looks at; some seconds of one core.
WORK = 4e7


def plan_patrols(
    hotspots,
    network,
    *,
    units,
    shift_h: float,
    meal_min: float = 30,
    visit_min: float = 12,
    revisit_h: float | None = 2,
    posts=None,
    streets=None,
    street_kmh: float = 15,
    shifts: int = 1,
    shift_every_h: float | None = None,
    repeat_gain: float = 1.0,
    prize_by_shift: pd.DataFrame | None = None,
    random_order: bool = True,
    habit_weight: float = 0.02,
    rounds: int | None = None,
    random_state=None,
) -> PatrolPlan:
    """Patrol routes with the largest prize that the shifts can hold.

    Parameters
    ----------
    hotspots : GeoDataFrame of points with `place_id` and `prize`, or HotspotResult
        `prize` is what one visit earns (incidents expected to be prevented: see `patrol_places`). Optional columns:
        `visit_min` (this place's own), `must_visits` (least number of visits in the whole plan).
    network : Network, StraightLines, mapping of unit kind to either, or None
        None means straight lines times a detour factor.
    units : int or frame with a row a unit
        Optional columns: `unit_id, kind` ("car", "foot"), `officers` (2), `start_h, end_h, pause_min, pause_from_h,
        pause_to_h`, a geometry or `lon, lat` for the depot. Without a depot a unit starts at its first stop.
    shift_h : float
        Length of a shift, hours.
    meal_min : float
        Break of every unit that is on duty for six hours or longer and has no `pause_min` of its own, minutes.
    visit_min : float
        Length of a visit, minutes.
    revisit_h : float or None
        Least time between leaving a place and the next arrival there by any unit, hours, also from shift to shift.
        None: one visit a shift.
    posts : mapping of name to staff, or frame with `post_id, staff`, optional
        Officers who must stand there all shift. Units are given to posts before any patrol is planned.
    streets : GeoDataFrame of lines, optional
        Compulsory streets, driven along from end to end: `place_id` or `name`; `times` (visits in the whole plan, 3) or
        `times_a_week` (for the length of the plan, rounded up); `prize` (0); `visit_min` (the least time spent there).
    street_kmh : float
        How fast a compulsory street is driven along; units on foot walk.
    shifts : int
        How many shifts, one after the other.
    shift_every_h : float, optional
        From one shift's start to the next, hours; by default they follow without a pause.
    repeat_gain : float
        What each further visit to a place in one shift earns, as a share of the one before; 1 is the full prize.
    prize_by_shift : DataFrame, optional
        Rows by place_id, one column a shift in order: prizes that differ by the time of day.
    random_order : bool
        Change the order at random where no prize is lost, and avoid what earlier shifts did, so that a route cannot be
        guessed.
    habit_weight : float
        What an order or a time that earlier shifts had weighs against the prize, as a share of it: 0 takes the largest
        prize; at 0.02 it costs some 5 % (docs/patrol.md), and an onlooker learns next to nothing from earlier shifts
        (`patrol.routes.habits.plan_habits` measures it).
    rounds : int, optional
        Rounds of the search in a shift; by default as many as take some seconds. Counted, not timed, so that the same
        seed gives the same plan everywhere.
    random_state : int or Generator, optional

    Returns
    -------
    PatrolPlan
        With `.stops`, `.routes`, `.unmet`, `.objective`, `.bound`, `.places`, `.posts`, `.notes`.

    Raises
    ------
    InputError
        If places or units are missing, have no usable coordinates or prizes, or ids that repeat.
    SettingError
        If an option is out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> places = gpd.GeoDataFrame({"place_id": ["inn", "mall", "far"], "prize": [2.0, 1.0, 2.5]},
    ...     geometry=gpd.points_from_xy([-1.55, -1.54, -1.20], [53.80, 53.80, 53.80]), crs=4326)
    >>> plan = plan_patrols(places, None, units=1, shift_h=0.5, random_state=1)
    >>> sorted(plan.stops["place_id"]), plan.objective
    (['inn', 'mall'], 3.0)
    >>> plan.unmet[["id", "reason"]].values.tolist()
    [['far', 'no time left for it']]
    """
    shift_h = check_number(shift_h, "shift_h", most=48)
    visit_min = check_number(visit_min, "visit_min", most=24 * 60)
    gap = 1e9 if revisit_h is None else check_number(revisit_h, "revisit_h", above=False, most=24 * 31) * 3600
    repeat_gain = check_number(repeat_gain, "repeat_gain", most=1.0, above=False)
    habit_weight = check_number(habit_weight, "habit_weight", most=0.5, above=False)
    if isinstance(shifts, bool) or not isinstance(shifts, int | np.integer) or not 1 <= shifts <= 1000:
        raise SettingError(Note("patrol.shifts", found=shifts))
    if rounds is not None and (isinstance(rounds, bool) or not isinstance(rounds, int | np.integer) or rounds < 0):
        raise SettingError(Note("patrol.rounds", found=rounds))
    every_s = 3600 * (
        shift_h if shift_every_h is None else check_number(shift_every_h, "shift_every_h", least=shift_h, above=False)
    )
    if isinstance(hotspots, HotspotResult):
        hotspots = patrol_places(hotspots)
    days = shifts * every_s / 86_400
    places, lines, notes = take_places(hotspots, streets, visit_min, days)
    prizes = _prizes(places, prize_by_shift, shifts)
    crew = take_units(units, shift_h, check_number(meal_min, "meal_min", above=False, most=12 * 60))
    wanted = take_posts(posts)
    rng = np.random.default_rng(random_state)
    staffed, free = staff_posts(wanted, crew, np.arange(len(crew.unit_id))[::-1])
    crew = crew.only(free)
    travel = _Travel(places, crew, network, lines, check_number(street_kmh, "street_kmh", most=200))
    travel.notes += notes
    places["visit_s"] = np.maximum(places["visit_s"], travel.along_s)

    service = places["visit_s"].to_numpy()
    must = places["must_visits"].to_numpy().copy()
    due = _spread(must, shifts, rng)
    owed, release = np.zeros(len(places), np.int64), np.full(len(places), -np.inf)
    shifted, bound, known = [], 0.0, {}
    past = Past(len(places), shift_h * 3600)
    for s in range(shifts):
        owed += due[s]
        found, left = None, None
        problem = _Problem(prizes[s], service, gap, travel, crew, repeat_gain)
        if problem.possible:
            habit_settings = (*past.shares(), habit_weight if random_order and s else 0.0)
            found = problem.solve(owed, release, rng, rounds, random_order, habit_settings)
            past.see(found[1])
            left = problem.leave(found)
            key = prizes[s].tobytes()
            if key not in known:
                known[key] = problem.bound()
            bound += known[key]
        shifted.append(found)
        if left is not None:
            done, when = left
            owed = np.maximum(owed - done, 0)
            release = np.maximum(release, when + gap)
        release = release - every_s if revisit_h is not None else np.full(len(places), -np.inf)
    params = {
        "units": len(crew.unit_id) + sum(map(len, staffed["units"])),
        "shift_h": shift_h,
        "meal_min": meal_min,
        "visit_min": visit_min,
        "revisit_h": revisit_h,
        "street_kmh": street_kmh,
        "shifts": shifts,
        "shift_every_h": every_s / 3600,
        "repeat_gain": repeat_gain,
        "random_order": random_order,
        "habit_weight": habit_weight,
        "rounds": rounds,
        "random_state": random_state if isinstance(random_state, int) else None,
    }
    return _assemble(places, crew, travel, shifted, prizes, repeat_gain, staffed, owed, bound, params)


def _prizes(places, prize_by_shift, shifts) -> np.ndarray:
    """Prize of each place in each shift, shape (shifts, places)."""
    prizes = np.tile(places["prize"].to_numpy(float), (shifts, 1))
    if prize_by_shift is None:
        return prizes
    if not isinstance(prize_by_shift, pd.DataFrame) or prize_by_shift.shape[1] != shifts:
        raise InputError(Note("patrol.prize_shape", shifts=shifts))
    table = prize_by_shift.copy()
    table.index = table.index.astype(str)
    unknown = table.index.difference(places["place_id"])
    if len(unknown) or not table.index.is_unique:
        raise InputError(Note("patrol.prize_unknown", found=[*unknown, *table.index][0]))
    values = table.reindex(places["place_id"]).to_numpy(float).T
    values = np.where(np.isnan(values), prizes, values)
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(Note("patrol.prize_values"))
    return np.ascontiguousarray(values)


def _spread(must, shifts, rng) -> np.ndarray:
    """In which shifts the compulsory visits fall, at random but apart, shape (shifts, places)."""
    due = np.zeros((shifts, len(must)), np.int64)
    for p in np.flatnonzero(must):
        start = rng.random()
        steps = np.floor((np.arange(must[p]) + start) * shifts / must[p]).astype(int)
        np.add.at(due[:, p], np.minimum(steps, shifts - 1), 1)
    return due


class _Problem:
    """One shift, as arrays."""

    def __init__(self, prize, service, gap, travel, crew, repeat):
        self.prize, self.service, self.gap, self.crew, self.repeat = prize, service, gap, crew, repeat
        self.travel, self.kind, self.out, self.back = travel.between, travel.kind, travel.out, travel.back
        units = len(crew.unit_id)
        duty = crew.window[:, 1] - crew.window[:, 0] - crew.pause[:, 0]
        self.possible = False
        if units == 0:
            return
        fits = (self.out + service + self.back <= duty[:, None] + 1e-6).any(axis=0)
        longest = crew.window[:, 1].max() - crew.window[:, 0].min()
        times = np.floor((longest - service + 1e-6) / np.maximum(service + gap, 1e-9)) + 1
        self.cap = np.where(fits, np.clip(times, 1, None), 0).astype(np.int64)
        self.size = int(duty.max() // service[fits].min()) + 3 if fits.any() else 3
        self.possible = bool(fits.any())

    def solve(self, owed, release, rng, rounds, random_order, habit_settings):
        bonus = float(10 * (self.prize * self.cap).sum() + 1)
        required = np.minimum(owed, self.cap)
        crew = self.crew
        case = Case(
            self.prize,
            self.repeat,
            bonus,
            required,
            self.cap,
            self.travel,
            self.kind,
            self.out,
            self.back,
            self.service,
            float(self.gap),
            release,
            crew.window,
            crew.pause,
            habit_settings[0],
            habit_settings[1],
            SLOT_S,
            FEAR_S * min(1.0, habit_settings[2] / 0.02),
            habit_settings[2],
        )
        if rounds is None:
            rounds = int(np.clip(WORK / (len(self.prize) * len(self.kind) * self.size), 500, 20_000))
        routes = improve(rng, case, int(rounds), self.size)
        if random_order:
            shuffle(rng, case, routes, 60 * int(routes.count.sum()))
            fill(case, routes)  # another order may leave room for one more visit
        return case, routes

    def leave(self, found):
        """How often each place was visited, and when it was last left."""
        seq, count, arrive = found[1].seq, found[1].count, found[1].arrive
        done, when = np.zeros(len(self.prize), np.int64), np.full(len(self.prize), -np.inf)
        for u in range(len(count)):
            stops = seq[u, : count[u]]
            np.add.at(done, stops, 1)
            np.maximum.at(when, stops, arrive[u, : count[u]] + self.service[stops])
        return done, when

    def bound(self) -> float:
        return prize_bound(
            self.prize,
            self.repeat,
            self.cap,
            self.service,
            self.gap,
            self.travel,
            self.kind,
            self.out,
            self.back,
            self.crew.window,
            self.crew.pause[:, 0],
        )


# -- travel between the places, by each kind of unit ----------------------------------------------------------------


class _Travel:
    """Seconds between places, and between places and depots.

    Attributes
    ----------
    networks : list, one a kind of unit
    kind : int (units,)
    between : float (kinds, places, places)
    out, back : float (units, places)
        From and to the depot; zeros for a unit without one, inf where its kind cannot go.
    stranded : list of int
        Units whose depot is off the network.
    lines : dict of int to LineString
        A street's row → the way along it, in the direction in which it is driven.
    along_s : float (places,)
        Seconds along it; 0 for a place.
    points : float (places, 2), leaves : float (places, 2)
        Where a visit begins and ends, lon and lat: the two ends of a street, the same point of a place.
    """

    def __init__(self, places, crew, network, lines, street_kmh):
        kinds = list(dict.fromkeys(crew.kind)) or ["car"]
        self.notes: list[str] = []
        self.networks = [self._network(network, kind) for kind in kinds]
        self.kind = np.array([kinds.index(k) for k in crew.kind], dtype=np.int64)
        self.points = lonlat(places, "hotspots")
        self.leaves = self.points.copy()
        self.lines = {row: self._as_driven(line) for row, line in lines.items()}
        self.along_s = np.zeros(len(places))
        walking = any(net.mode == "walk" for net in self.networks)
        geod = pyproj.Geod(ellps="WGS84")
        for row, line in self.lines.items():
            self.points[row], self.leaves[row] = shapely.get_coordinates(line)[[0, -1]]
            kmh = min(street_kmh, WALK_KMH) if walking else street_kmh
            self.along_s[row] = geod.geometry_length(line) / (kmh / 3.6)
        self.between = np.array([net.travel_time_s(self.leaves, self.points) for net in self.networks])
        self.snap_m = np.array(
            [
                net.snap(self.points)["snap_m"].to_numpy() if isinstance(net, Network) else np.zeros(len(places))
                for net in self.networks
            ]
        )
        on = np.isfinite(np.diagonal(self.between, axis1=1, axis2=2))
        self.out, self.back = np.zeros((len(crew.kind), len(places))), np.zeros((len(crew.kind), len(places)))
        self.stranded = []
        for u, depot in enumerate(crew.depot):
            self.out[u, ~on[self.kind[u]]] = np.inf
            if np.isfinite(depot).all():
                net = self.networks[self.kind[u]]
                self.out[u] = net.travel_time_s([depot], self.points)[0]
                self.back[u] = net.travel_time_s(self.leaves, [depot])[:, 0]
                if not np.isfinite(self.out[u][on[self.kind[u]]]).any():
                    self.stranded.append(u)
        for net in self.networks:
            self.notes += [note for note in net.notes if note not in self.notes]

    def _as_driven(self, line):
        """The line from the end from which its other end is reached sooner: a one-way street has only one."""
        ends = shapely.get_coordinates(line)[[0, -1]]
        there, back = (self.networks[0].travel_time_s([a], [b])[0, 0] for a, b in (ends, ends[::-1]))
        return shapely.reverse(line) if back < there else line

    def _network(self, network, kind):
        foot = str(kind).lower() in ("foot", "walk", "bike", "步巡", "步行")
        if isinstance(network, Mapping):
            if kind not in network:
                raise InputError(Note("patrol.no_network", kind=kind, meant=did_you_mean(kind, network)))
            network = network[kind]
        elif isinstance(network, Network) and foot and network.mode == "drive":
            self.notes.append(Note("patrol.on_foot"))
            return build_network(network.roads, mode="walk", max_snap_m=network.max_snap_m)
        if network is None:
            return build_network(None, mode="walk" if foot else "drive")
        if not hasattr(network, "travel_time_s"):
            raise InputError(Note("patrol.network_type", found=type(network).__name__))
        return network


# -- from the search's arrays to the tables that people read --------------------------------------------------------

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


def _assemble(places, crew, travel, shifted, prizes, repeat, staffed, owed, bound, params) -> PatrolPlan:
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
    streets = next((net for net in travel.networks if isinstance(net, Network)), None)
    corners = np.array([""] * len(places) if streets is None else streets.corners(travel.points), dtype=object)
    at_corner = corners[table["place"].to_numpy(int)]
    frame = gpd.GeoDataFrame(table[STOPS].assign(corner=at_corner), geometry=where, crs=4326)
    routes, legs = _route_tables(routes, legs, frame, travel, crew, service)
    return PatrolPlan(
        stops=frame,
        routes=routes,
        legs=legs,
        unmet=unmet_table(places, crew, travel, visits, shifted, staffed, owed, params),
        places=places.drop(columns=["visit_s"]).assign(visits=visits, corner=corners),
        posts=staffed,
        objective=float(frame["prize"].sum()),
        bound=max(float(bound), float(frame["prize"].sum())),
        params=params,
        notes=(*travel.notes, *_visit_notes(params)),
        streets=_lines_of(streets),
    )


def _lines_of(streets) -> gpd.GeoDataFrame | None:
    """The lines of the streets with their names, for the maps on the sheets."""
    if streets is None:
        return None
    roads = streets.roads
    names = roads["name"].fillna("").astype(str) if "name" in roads else ""
    return gpd.GeoDataFrame({"name": names}, geometry=roads.geometry.to_crs(4326), index=roads.index)


def _visit_notes(params):
    if not 10 <= params["visit_min"] <= 16:
        return (Note("patrol.visit_length", minutes=params["visit_min"]),)
    return ()


def _route_tables(rows, legs, stops, travel, crew, service) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The table of routes with the way along the streets, and every leg of it with its times."""
    shapes, metres, table = [], [], []
    wanted: dict = {}
    depot_at: dict = {}
    leave = np.arange(len(travel.points)) + len(travel.points)  # where a visit ends follows where visits begin
    points = np.vstack([travel.points, travel.leaves])
    for u, *_ in legs:  # then come the depots
        if np.isfinite(crew.depot[u]).all() and u not in depot_at:
            depot_at[u] = len(points)
            points = np.vstack([points, crew.depot[u]])
    chains = []
    for u, row, *_ in legs:
        home = [depot_at[u]] if u in depot_at else []
        begins, ends = [*map(int, row), *home], [*home, *map(int, leave[row])]
        chains.append(list(zip(ends, begins if home else begins[1:], strict=False)))
        for leg in chains[-1]:
            wanted.setdefault((int(travel.kind[u]), leg), None)
    for k, network in enumerate(travel.networks):
        mine = [leg for kind, leg in wanted if kind == k]
        for leg, way in zip(mine, network.ways(points, mine), strict=True):
            wanted[(k, leg)] = way
    geod = gpd.GeoSeries([shapely.Point(0, 0)], crs=4326).crs.get_geod()
    for (u, row, shift, at, end), chain in zip(legs, chains, strict=True):
        ways = [wanted[(int(travel.kind[u]), leg)] for leg in chain]
        first = 0 if u in depot_at else 1
        there = at if u in depot_at else at[1:]
        there = [*there, end] if u in depot_at else there  # arrivals, one a leg
        seconds = [
            *([travel.out[u, row[0]]] if u in depot_at else []),
            *travel.between[travel.kind[u]][row[:-1], row[1:]],
            *([travel.back[u, row[-1]]] if u in depot_at else []),
        ]
        mine = []
        for i, way in enumerate(ways):
            to = first + i + 1
            to = 0 if to > len(row) else to
            if way is not None:
                mine.append((crew.unit_id[u], shift, first + i, to, there[i] - seconds[i], there[i], way))
        for i, p in enumerate(row):
            if p in travel.lines:  # along a street: a leg from the stop to itself
                mine.append((crew.unit_id[u], shift, i + 1, i + 1, at[i], at[i] + service[p], travel.lines[p]))
        mine.sort(key=lambda leg: leg[4])
        table += mine
        xy = [shapely.get_coordinates(leg[-1]) for leg in mine] or [np.repeat(points[[row[0]]], 2, axis=0)]
        line = shapely.LineString(np.vstack(xy))
        shapes.append(line)
        metres.append(float(geod.geometry_length(line)))
    routes = pd.DataFrame(rows, columns=ROUTES)
    routes["length_m"] = metres
    prize = stops.groupby(["unit_id", "shift"])["prize"].sum()
    routes["prize"] = [float(prize[key]) for key in zip(routes["unit_id"], routes["shift"], strict=True)]
    made = pd.DataFrame([row[:-1] for row in table], columns=LEGS)
    return _frame(routes, shapes), _frame(made, [row[-1] for row in table])


def _frame(table, shapes) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326), crs=4326)
