"""Plans keep their promises, come near the proven optimum, and say what they cannot do."""

import functools

import networkx as nx
import pandas as pd
from patrol_check import check_plan, shortest_paths

import gridmap as gm


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
