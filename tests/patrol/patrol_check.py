"""An independent check of a plan: clocked anew along networkx's shortest paths, with no code of the planner."""

import networkx as nx
import numpy as np
import pandas as pd


def check_plan(plan, hotspots, travel_s, *, units, shift_h, visit_min=12, revisit_h=2, every_h=None, posts=None):
    """Raise AssertionError where the plan breaks its promise.

    `travel_s(a, b)`: seconds between two place ids. `units`: a number, or a frame with `unit_id` and any of `start_h,
    end_h, pause_min, pause_from_h, pause_to_h, officers, depot` (a place id: where it starts and ends). `posts`: name →
    officers.
    """
    stops, names = plan.stops, set(hotspots["place_id"].astype(str))
    crew = pd.DataFrame({"unit_id": [f"unit {i + 1}" for i in range(units)]}) if isinstance(units, int) else units
    crew = crew.assign(unit_id=crew["unit_id"].astype(str)).set_index("unit_id")
    assert set(stops["place_id"]) <= names
    assert set(stops["unit_id"]) <= set(crew.index)
    own = hotspots.set_index(hotspots["place_id"].astype(str))
    minutes = own["visit_min"].to_dict() if "visit_min" in own else dict.fromkeys(names, visit_min)
    shift_s, every_s = shift_h * 3600, (every_h or shift_h) * 3600
    routes = plan.routes.set_index(["unit_id", "shift"])
    assert routes.index.is_unique
    assert set(routes.index) == set(map(tuple, stops[["unit_id", "shift"]].to_numpy()))
    for key, mine in stops.groupby(["unit_id", "shift"]):
        _check_route(mine.sort_values("stop_order"), routes.loc[key], crew.loc[key[0]], travel_s, minutes, shift_s)
    _check_posts(plan, crew, posts or {})
    clock = stops.assign(
        begin=stops["arrive_s"] + (stops["shift"] - 1) * every_s, end=stops["leave_s"] + (stops["shift"] - 1) * every_s
    )
    for _, visits in clock.groupby("place_id" if revisit_h is not None else ["place_id", "shift"]):
        visits = visits.sort_values("begin")
        gaps = visits["begin"].to_numpy()[1:] - visits["end"].to_numpy()[:-1]
        assert (gaps >= revisit_h * 3600 - 1e-6).all() if revisit_h is not None else len(visits) == 1
    np.testing.assert_allclose(stops["prize"], stops["place_id"].map(own["prize"]))
    np.testing.assert_allclose(plan.objective, stops["prize"].sum())
    assert plan.objective <= plan.bound * (1 + 1e-9) + 1e-9
    made = stops["place_id"].value_counts()
    must = own["must_visits"] if "must_visits" in own else pd.Series(0, index=own.index)
    short = {name for name in names if made.get(name, 0) < max(1, must[name])}
    assert short <= set(plan.unmet["id"])
    told = plan.unmet.loc[plan.unmet["what"].isin(["place", "street"]), "id"]
    assert set(told) & names <= short  # and nothing is called unmet that was met
    assert plan.unmet["reason"].str.len().gt(0).all()
    assert plan.unmet["remedy"].str.len().gt(0).all()


def _check_route(stops, route, unit, travel_s, minutes, shift_s):
    """One unit in one shift: order, lengths, ways, depot, hours, pause."""

    def setting(name, default):
        value = unit.get(name, default)
        return default if pd.isna(value) else value

    assert stops["stop_order"].tolist() == list(range(1, len(stops) + 1))
    np.testing.assert_allclose(stops["leave_s"] - stops["arrive_s"], stops["place_id"].map(minutes) * 60)
    begin, end = setting("start_h", 0.0) * 3600, min(setting("end_h", np.inf) * 3600, shift_s)
    depot = setting("depot", None)
    pause, busy = setting("pause_min", 0) * 60, []
    if pause:
        busy = [(route["pause_start_s"], route["pause_start_s"] + pause)]
        assert route["pause_s"] == pause
        if "pause_from_h" in unit:
            assert unit["pause_from_h"] * 3600 - 1e-6 <= busy[0][0] <= unit["pause_to_h"] * 3600 + 1e-6
    seconds = 0.0
    at, here = begin, depot
    for stop in stops.itertuples():
        way = 0.0 if here is None else travel_s(here, stop.place_id)
        rest = sum(b - a for a, b in busy if at - 1e-6 <= a and b <= stop.arrive_s + 1e-6)
        assert stop.arrive_s >= at + way + rest - 1e-6  # the way and the pause both fit in between
        assert all(stop.leave_s <= a + 1e-6 or stop.arrive_s >= b - 1e-6 for a, b in busy)  # no pause during a visit
        seconds, at, here = seconds + way, stop.leave_s, stop.place_id
    home = 0.0 if depot is None else travel_s(here, depot)
    rest = sum(b - a for a, b in busy if a >= at - 1e-6)
    assert at + home + rest <= end + 1e-6
    assert route["end_s"] >= at + home + rest - 1e-6
    np.testing.assert_allclose(route["travel_s"], seconds + home, atol=1e-6)
    spent = route["travel_s"] + route["visit_s"] + route["wait_s"] + route["pause_s"]
    np.testing.assert_allclose(spent, route["end_s"] - route["start_s"], atol=1e-6)
    np.testing.assert_allclose(route["visit_s"], (stops["leave_s"] - stops["arrive_s"]).sum())
    np.testing.assert_allclose(route["prize"], stops["prize"].sum())
    assert route["stops"] == len(stops)


def _check_posts(plan, crew, posts):
    """Minimum staffing: nobody stands at two posts, nobody patrols who stands at one, and the sums are right."""
    officers = crew["officers"] if "officers" in crew else pd.Series(2, index=crew.index)
    standing = [u for units in plan.posts["units"] for u in units]
    assert len(set(standing)) == len(standing)
    assert set(standing).isdisjoint(plan.stops["unit_id"])
    assert set(plan.posts["post_id"]) == set(posts)
    for post in plan.posts.itertuples():
        assert post.assigned == officers[list(post.units)].sum()
        assert post.met == (post.assigned >= posts[post.post_id])
        assert post.met or post.post_id in set(plan.unmet["id"])


def shortest_paths(network):
    """Seconds between two points of the network that are junctions, by networkx."""
    graph = nx.MultiDiGraph()
    for edge in network.segments.itertuples():
        if np.isfinite(edge.time_s):
            graph.add_edge(edge.u, edge.v, weight=edge.time_s, length=edge.length_m)
        if np.isfinite(edge.back_time_s):
            graph.add_edge(edge.v, edge.u, weight=edge.back_time_s, length=edge.length_m)
    return graph
