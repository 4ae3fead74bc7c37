"""Plans keep their promises, come near the proven optimum, and say what they cannot do."""

import functools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm

from .patrol_check import check_plan, shortest_paths


def travel_between(network, places):
    graph, node = shortest_paths(network), dict(zip(places["place_id"], places["node"], strict=True))

    @functools.cache
    def from_node(source):
        return nx.single_source_dijkstra_path_length(graph, source, weight="weight")

    return lambda a, b: from_node(node[a])[node[b]]


def test_a_plan_on_tempe_survives_an_independent_check(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(40)
    plan = gm.plan_patrols(places, tempe, units=3, shift_h=6, random_state=1, rounds=60)
    check_plan(plan, places, travel_between(tempe, places), units=3, shift_h=6)
    assert len(plan.stops) > 3 * 12


def test_the_same_seed_gives_the_same_plan_and_another_seed_another_order(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(20)
    plans = [gm.plan_patrols(places, tempe, units=2, shift_h=4, random_state=s, rounds=50) for s in (5, 5, 6)]
    pd.testing.assert_frame_equal(pd.DataFrame(plans[0].stops), pd.DataFrame(plans[1].stops))
    assert plans[0].stops["place_id"].tolist() != plans[2].stops["place_id"].tolist()


def best_by_enumeration(prize, travel, service, duty, units):
    """The optimum with one visit a place and no depot, exactly: dynamic programming over sets of places."""
    n = len(prize)
    end = np.full((1 << n, n), np.inf)  # least time to have visited a set, last at j
    for j in range(n):
        end[1 << j, j] = service
    for mask in range(1, 1 << n):
        for j in range(n):
            if end[mask, j] <= duty:
                for k in range(n):
                    if not mask >> k & 1:
                        t = end[mask, j] + travel[j, k] + service
                        end[mask | 1 << k, k] = min(end[mask | 1 << k, k], t)
    value = np.array([sum(prize[i] for i in range(n) if m >> i & 1) for m in range(1 << n)])
    one = np.where(end.min(axis=1) <= duty, value, 0.0)
    one[0] = 0.0
    best = one.copy()
    for _ in range(units - 1):
        total = best.copy()
        for mask in range(1 << n):
            part = mask
            while part:
                total[mask] = max(total[mask], one[part] + best[mask ^ part])
                part = (part - 1) & mask
        best = total
    return best.max()


@pytest.mark.parametrize(("n", "seed"), [(9, 0), (9, 1), (9, 2), (9, 3), (12, 0)])
def test_small_cases_come_within_one_percent_of_the_proven_optimum(tempe, hotspots_at_junctions, n, seed):
    places = hotspots_at_junctions(n, seed)
    travel = tempe.travel_time_s(places)
    best = best_by_enumeration(places["prize"].to_numpy(), travel, 720.0, 3600.0, 2)
    plan = gm.plan_patrols(places, tempe, units=2, shift_h=1, revisit_h=None, random_state=seed)
    assert plan.objective >= 0.99 * best
    assert plan.objective <= best + 1e-9
    assert plan.bound >= best - 1e-9


def greedy_nearest(prize, travel, service, shift_s, gap, units):
    """Each unit goes on to the nearest place that may be visited."""
    return _by_hand(
        lambda here, p: travel[here, p] if here is not None else -prize[p], prize, travel, service, shift_s, gap, units
    )


def by_rank(prize, travel, service, shift_s, gap, units):
    """Each unit goes on to the place that ranks first among those that may be visited."""
    return _by_hand(lambda here, p: -prize[p], prize, travel, service, shift_s, gap, units)


def _by_hand(key, prize, travel, service, shift_s, gap, units):
    free = np.zeros(len(prize))  # when each place may be visited again
    clock, here, total = np.zeros(units), [None] * units, 0.0
    idle = np.zeros(units, bool)
    while not idle.all():
        u = int(np.argmin(np.where(idle, np.inf, clock)))
        fits = []
        for p in range(len(prize)):
            at = clock[u] + (0.0 if here[u] is None else travel[here[u], p])
            if at >= free[p] and at + service <= shift_s and here[u] != p:
                fits.append((key(here[u], p), p, at))
        if not fits:
            idle[u] = True
            continue
        _, p, at = min(fits)
        clock[u], here[u], free[p] = at + service, p, at + service + gap
        total += prize[p]
    return total


@pytest.mark.slow
def test_plans_earn_fifteen_percent_more_than_plans_by_hand(tempe, hotspots_at_junctions):
    """Demand (visits that could be made) is more than twice what the units can do."""
    gains = []
    for seed in range(3):
        places = hotspots_at_junctions(60, seed)
        plan = gm.plan_patrols(places, tempe, units=2, shift_h=8, meal_min=0, random_state=seed)
        prize, travel = places["prize"].to_numpy(), tempe.travel_time_s(places)
        hand = [f(prize, travel, 720.0, 8 * 3600.0, 7200.0, 2) for f in (greedy_nearest, by_rank)]
        gains.append([plan.objective / h - 1 for h in hand])
    assert np.mean(gains, axis=0).min() >= 0.15


@pytest.mark.parametrize(("shift_h", "given", "pause_s"), [(8, None, 1800), (5, None, 0), (8, 45, 2700), (8, 0, 0)])
def test_a_long_shift_has_a_meal_break_unless_told_otherwise(tempe, hotspots_at_junctions, shift_h, given, pause_s):
    units = pd.DataFrame({"unit_id": ["a"]} | ({} if given is None else {"pause_min": [given]}))
    plan = gm.plan_patrols(hotspots_at_junctions(10), tempe, units=units, shift_h=shift_h, random_state=0, rounds=5)
    (route,) = plan.routes.itertuples()
    assert route.pause_s == pause_s
    if pause_s:
        assert shift_h * 3600 / 3 < route.pause_start_s < shift_h * 3600 * 2 / 3
    none = gm.plan_patrols(hotspots_at_junctions(10), tempe, units=1, shift_h=8, meal_min=0, random_state=0, rounds=5)
    assert none.routes["pause_s"].tolist() == [0]


def test_pauses_and_depots_are_kept(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(25, 3)
    depot = places.geometry.iloc[0]
    units = pd.DataFrame({"unit_id": ["a", "b"], "pause_min": [30, 20], "pause_from_h": [2, 1.5], "pause_to_h": [3, 2],
                          "start_h": [0, 1], "lon": [depot.x, np.nan], "lat": [depot.y, np.nan]})  # fmt: skip
    plan = gm.plan_patrols(places, tempe, units=units, shift_h=6, random_state=0, rounds=80)
    check_plan(plan, places, travel_between(tempe, places), units=units.assign(depot=["h0", None]), shift_h=6)
    for route in plan.routes.itertuples():
        unit = units.set_index("unit_id").loc[route.unit_id]
        assert unit.pause_from_h * 3600 - 1e-6 <= route.pause_start_s <= unit.pause_to_h * 3600 + 1e-6
        stops = plan.stops[plan.stops["unit_id"] == route.unit_id]
        pause_end = route.pause_start_s + unit.pause_min * 60
        assert ((stops["leave_s"] <= route.pause_start_s + 1e-6) | (stops["arrive_s"] >= pause_end - 1e-6)).all()
        assert route.travel_s + route.visit_s + route.wait_s + route.pause_s == pytest.approx(
            route.end_s - route.start_s
        )
        assert route.end_s <= 6 * 3600 + 1e-6
    a = plan.stops[plan.stops["unit_id"] == "a"].iloc[[0, -1]]
    there = travel_between(tempe, places)
    assert a["arrive_s"].iloc[0] >= there("h0", a["place_id"].iloc[0]) - 1e-6
    home = plan.routes.set_index("unit_id").loc["a", "end_s"]
    assert home >= a["leave_s"].iloc[1] + there(a["place_id"].iloc[1], "h0") - 1e-6
    assert plan.stops.loc[plan.stops["unit_id"] == "b", "arrive_s"].min() >= 3600


def test_the_way_of_a_route_is_as_long_as_its_travel(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(15, 4)
    plan = gm.plan_patrols(places, tempe, units=2, shift_h=3, random_state=0, rounds=50)
    metres = plan.routes["travel_s"] * 4.8 / 3.6
    np.testing.assert_allclose(plan.routes["length_m"], metres, rtol=2e-3)  # ellipsoid against UTM


def test_several_shifts_keep_the_time_between_visits_and_change_the_order(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(15, 5)
    plan = gm.plan_patrols(places, tempe, units=1, shift_h=4, shifts=4, random_state=0, rounds=50)
    check_plan(plan, places, travel_between(tempe, places), units=1, shift_h=4)
    orders = [tuple(g["place_id"]) for _, g in plan.stops.groupby("shift")]
    assert len(set(orders)) == 4


def test_compulsory_posts_are_staffed_before_anybody_patrols(tempe, hotspots_at_junctions):
    places, posts = hotspots_at_junctions(10), {"station": 20, "bus": 10}
    plan = gm.plan_patrols(places, tempe, units=16, shift_h=1, posts=posts, random_state=0, rounds=20)
    assert plan.posts["met"].all()
    assert plan.posts["assigned"].tolist() == [20, 10]
    posted = {u for units in plan.posts["units"] for u in units}
    assert len(posted) == 15
    assert set(plan.stops["unit_id"]).isdisjoint(posted)
    assert len(set(plan.stops["unit_id"])) == 1


def test_compulsory_streets_are_visited_as_often_as_asked(tempe, tempe_roads, hotspots_at_junctions):
    streets = tempe_roads.iloc[[10, 100]].assign(place_id=["main", "mill"])
    options = {"shift_h": 3, "shifts": 5, "random_state": 0, "rounds": 50}
    plan = gm.plan_patrols(hotspots_at_junctions(30), tempe, units=1, streets=streets, **options)
    assert plan.stops["place_id"].value_counts()[["main", "mill"]].ge(3).all()
    assert not plan.unmet["id"].isin(["main", "mill"]).any()


def lattice(oneway=0):
    """A road of 6 km from west to east with a place at its western end, and a second road back."""
    x = np.linspace(0, 0.054, 13)  # on the equator, so that a degree is 111.3 km both ways
    there = shapely.LineString(np.column_stack([x, np.zeros(13)]))
    back = shapely.LineString([(0.054, 0), (0.054, 0.01), (0, 0.01), (0, 0)])
    return gpd.GeoDataFrame({"name": ["key", "other"], "oneway": [oneway, 0]}, geometry=[there, back], crs=4326)


def test_a_key_street_is_driven_along_from_end_to_end():
    roads = lattice()
    network = gm.build_network(roads, speed_kmh=60)
    inn = gpd.GeoDataFrame({"place_id": ["inn"], "prize": [1.0]}, geometry=[shapely.Point(0.054, 0.01)], crs=4326)
    options = {"units": 1, "streets": roads[:1].assign(times=1), "random_state": 0, "random_order": False}
    plan = gm.plan_patrols(inn, network, shift_h=1.5, **options)
    visit = plan.stops.set_index("place_id").loc["key"]
    metres = 0.054 * 111_319.5
    assert visit["leave_s"] - visit["arrive_s"] == pytest.approx(metres / (15 / 3.6), rel=1e-3)  # 6 km: 24 min
    along = plan.legs[plan.legs["from_stop"] == plan.legs["to_stop"]].iloc[0]
    assert along.geometry.equals(roads.geometry[0]) or along.geometry.equals(roads.geometry[0].reverse())
    assert (along["depart_s"], along["arrive_s"]) == (visit["arrive_s"], visit["leave_s"])
    assert plan.stops.sort_values("stop_order")["place_id"].tolist() == ["key", "inn"]
    far_end = shapely.get_coordinates(along.geometry)[-1]  # it goes on from there, not from where it began
    way = network.travel_time_s([far_end], inn)[0, 0]
    assert plan.stops.set_index("place_id").loc["inn", "arrive_s"] == pytest.approx(visit["leave_s"] + way)
    assert plan.routes["length_m"].iloc[0] >= metres * 0.999
    slow = gm.plan_patrols(inn, network, shift_h=2, street_kmh=6, **options)
    visit = slow.stops.set_index("place_id").loc["key"]
    assert visit["leave_s"] - visit["arrive_s"] == pytest.approx(metres / (6 / 3.6), rel=1e-3)


@pytest.mark.parametrize(("oneway", "first_lon"), [(1, 0.0), (-1, 0.054)])
def test_a_key_street_is_driven_in_the_direction_that_is_allowed(oneway, first_lon):
    roads = lattice(oneway)
    network = gm.build_network(roads)
    inn = gpd.GeoDataFrame({"place_id": ["inn"], "prize": [1.0]}, geometry=[shapely.Point(0.054, 0.01)], crs=4326)
    plan = gm.plan_patrols(inn, network, units=1, shift_h=2, streets=roads[:1].assign(times=1), random_state=0)
    along = plan.legs[plan.legs["from_stop"] == plan.legs["to_stop"]].geometry.iloc[0]
    assert shapely.get_coordinates(along)[0, 0] == pytest.approx(first_lon, abs=1e-9)


@pytest.mark.parametrize(("shifts", "every_h", "visits"), [(7, 24, 3), (1, 24, 1), (14, 12, 3), (14, 24, 6)])
def test_three_times_a_week_is_counted_by_the_length_of_the_plan(shifts, every_h, visits):
    roads = lattice()
    inn = gpd.GeoDataFrame({"place_id": ["inn"], "prize": [1.0]}, geometry=[shapely.Point(0.054, 0.01)], crs=4326)
    options = {"units": 1, "shift_h": 2, "shifts": shifts, "shift_every_h": every_h, "random_state": 0, "rounds": 5}
    plan = gm.plan_patrols(inn, gm.build_network(roads), streets=roads[:1].assign(times_a_week=3), **options)
    assert plan.stops["place_id"].value_counts()["key"] >= visits
    wanted = plan.unmet.loc[plan.unmet["id"] == "key"]
    assert wanted.empty


def test_of_a_street_in_pieces_the_longest_is_driven_and_the_plan_says_so():
    roads = lattice()
    two = shapely.MultiLineString([[(0, 0), (0.0045, 0)], [(0.009, 0), (0.054, 0)]])
    inn = gpd.GeoDataFrame({"place_id": ["inn"], "prize": [1.0]}, geometry=[shapely.Point(0.054, 0.01)], crs=4326)
    streets = gpd.GeoDataFrame({"name": ["key"], "times": [1]}, geometry=[two], crs=4326)
    plan = gm.plan_patrols(inn, gm.build_network(roads), units=1, shift_h=2, streets=streets, random_state=0, rounds=5)
    assert any("2 pieces that do not touch" in note for note in plan.notes)
    along = plan.legs[plan.legs["from_stop"] == plan.legs["to_stop"]].geometry.iloc[0]
    assert along.equals(two.geoms[1]) or along.equals(two.geoms[1].reverse())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"units": 0}, "units"), ({"units": True}, "units"), ({"units": "five"}, "units"), ({"shift_h": -1}, "shift_h"),
        ({"visit_min": float("nan")}, "visit_min"), ({"revisit_h": "two"}, "revisit_h"), ({"shifts": 0}, "shifts"),
        ({"posts": {"station": -3}}, "staff"), ({"repeat_gain": 2}, "repeat_gain"), ({"rounds": -1}, "rounds"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_in_one_line(tempe, hotspots_at_junctions, change, word):
    with pytest.raises(gm.errors.GridmapError, match=word) as problem:
        gm.plan_patrols(hotspots_at_junctions(3), tempe, **({"units": 1, "shift_h": 1} | change))
    assert "\n" not in str(problem.value)


def test_wrong_hotspots_are_refused(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(3)
    for bad, words in (
        (places.drop(columns="prize"), "need the column prize"),
        (places.assign(prize=np.nan), "prize must be a finite number"),
        (places.assign(prize=-1), "prize must be a finite number"),
        (places.iloc[:0], "no row in the hotspots"),
        ("places", "hotspots are points"),
        (places.assign(place_id="same"), "'same' stands in several rows"),
        (places.set_crs(None, allow_override=True), "CRS of the hotspots"),
        (places.set_geometry([shapely.Point(), *places.geometry[1:]]), "no usable coordinates"),
    ):
        with pytest.raises(gm.errors.GridmapError, match=words):
            gm.plan_patrols(bad, tempe, units=1, shift_h=1)


def test_without_streets_the_plan_says_so(hotspots_at_junctions):
    plan = gm.plan_patrols(hotspots_at_junctions(5), None, units=1, shift_h=1, random_state=0)
    assert "No streets were given" in " ".join(plan.notes)
    assert len(plan.stops) > 0
