"""An independent check of a plan: clocked anew along shortest paths that networkx finds, with no code of the search."""

import networkx as nx
import numpy as np
import pandas as pd


def check_plan(plan, hotspots, travel_s, *, units, shift_h, visit_min=12, revisit_h=2, every_h=None, kind="car"):
    """Raise AssertionError where the plan breaks its promise.

    `travel_s(a, b)`: seconds between two place ids.
    """
    stops, names = plan.stops, set(hotspots["place_id"].astype(str))
    assert set(stops["place_id"]) <= names
    assert stops["unit_id"].nunique() <= units
    prize = dict(zip(hotspots["place_id"].astype(str), hotspots["prize"], strict=True))
    shift_s, every_s = shift_h * 3600, (every_h or shift_h) * 3600
    for (_, _), route in stops.groupby(["unit_id", "shift"]):
        route = route.sort_values("stop_order")
        assert route["stop_order"].tolist() == list(range(1, len(route) + 1))
        assert (route["arrive_s"] >= -1e-6).all()
        assert (route["leave_s"] <= shift_s + 1e-6).all()
        np.testing.assert_allclose(route["leave_s"] - route["arrive_s"], visit_min * 60)
        for a, b in zip(route.iloc[:-1].itertuples(), route.iloc[1:].itertuples(), strict=True):
            assert b.arrive_s >= a.leave_s + travel_s(a.place_id, b.place_id) - 1e-6
    clock = stops.assign(
        begin=stops["arrive_s"] + (stops["shift"] - 1) * every_s, end=stops["leave_s"] + (stops["shift"] - 1) * every_s
    )
    for _, visits in clock.groupby("place_id"):
        visits = visits.sort_values("begin")
        gaps = visits["begin"].to_numpy()[1:] - visits["end"].to_numpy()[:-1]
        assert (gaps >= revisit_h * 3600 - 1e-6).all()
    np.testing.assert_allclose(stops["prize"], stops["place_id"].map(prize))
    np.testing.assert_allclose(plan.objective, stops["prize"].sum())
    assert plan.objective <= plan.bound * (1 + 1e-9) + 1e-9
    unseen = names - set(stops["place_id"])
    assert unseen <= set(plan.unmet["id"])
    assert isinstance(plan.unmet, pd.DataFrame)
    assert plan.unmet["reason"].str.len().gt(0).all()


def shortest_paths(network):
    """Seconds between two points of the network that are junctions, by networkx."""
    graph = nx.MultiDiGraph()
    for edge in network.segments.itertuples():
        if np.isfinite(edge.time_s):
            graph.add_edge(edge.u, edge.v, weight=edge.time_s, length=edge.length_m)
        if np.isfinite(edge.back_time_s):
            graph.add_edge(edge.v, edge.u, weight=edge.back_time_s, length=edge.length_m)
    return graph
