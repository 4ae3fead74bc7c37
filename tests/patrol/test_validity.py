"""Plans of every sort on Tempe's and Portland's streets, held against a validator that shares no code with them."""

import functools
import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest

import gridmap as gm

from .patrol_check import check_plan, shortest_paths


def ways(network, places):
    graph, node = shortest_paths(network), dict(zip(places["place_id"].astype(str), places["node"], strict=True))

    @functools.cache
    def from_node(source):
        return nx.single_source_dijkstra_path_length(graph, source, weight="weight")

    return lambda a, b: from_node(node[a])[node[b]]


@pytest.mark.parametrize("seed", range(8))
def test_any_plan_keeps_every_promise(tempe, hotspots_at_junctions, seed):
    """Depots, hours, pauses, posts, compulsory visits, own lengths of visit, several shifts: drawn at random."""
    rng = np.random.default_rng(100 + seed)
    places = hotspots_at_junctions(int(rng.integers(3, 40)), seed)
    places = places.assign(visit_min=rng.choice([10, 12, 15], len(places)), must_visits=rng.integers(0, 2, len(places)))
    n, shift_h = int(rng.integers(2, 6)), float(rng.choice([2, 4.5, 8]))
    home = rng.choice(places["place_id"], n)
    where = places.set_index("place_id").geometry
    start = np.round(rng.uniform(0, 0.2 * shift_h, n), 2)
    units = pd.DataFrame({
        "unit_id": [f"u{i}" for i in range(n)], "officers": rng.integers(1, 5, n), "start_h": start,
        "end_h": shift_h, "pause_min": rng.choice([0, 20], n), "pause_from_h": np.maximum(start, 0.4 * shift_h),
        "pause_to_h": 0.7 * shift_h, "depot": np.where(rng.random(n) < 0.6, home, None),
    })  # fmt: skip
    units["lon"] = [where[d].x if isinstance(d, str) else np.nan for d in units["depot"]]
    units["lat"] = [where[d].y if isinstance(d, str) else np.nan for d in units["depot"]]
    posts = {"station": int(rng.integers(0, 4)), "market": int(rng.integers(0, 3))}
    shifts, revisit_h = int(rng.integers(1, 4)), rng.choice([0.5, 2, None])
    plan = gm.plan_patrols(places, tempe, units=units.drop(columns="depot"), shift_h=shift_h, shifts=shifts,
                           revisit_h=revisit_h, posts=posts, random_state=seed, rounds=60)  # fmt: skip
    check_plan(plan, places, ways(tempe, places), units=units, shift_h=shift_h, revisit_h=revisit_h, posts=posts)


def test_the_validator_finds_what_is_wrong(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(20)
    plan = gm.plan_patrols(places, tempe, units=2, shift_h=3, random_state=1, rounds=40)
    options = {"hotspots": places, "travel_s": ways(tempe, places), "units": 2, "shift_h": 3}
    check_plan(plan, **options)
    for change in (
        {"arrive_s": lambda s: s["arrive_s"] - 30, "leave_s": lambda s: s["leave_s"] - 30},  # earlier than one can be
        {"leave_s": lambda s: s["leave_s"] - 60},  # shorter than a visit
        {"prize": lambda s: s["prize"] + 0.1},
        {"place_id": lambda s: s["place_id"].iloc[::-1].to_numpy()},
        {"stop_order": lambda s: s["stop_order"] + 1},
    ):
        import dataclasses

        broken = dataclasses.replace(plan, stops=plan.stops.assign(**change))
        with pytest.raises(AssertionError):
            check_plan(broken, **options)
    with pytest.raises(AssertionError):
        check_plan(plan, **options | {"shift_h": 2.5})


def test_a_plan_on_portlands_one_way_streets_keeps_every_promise(shared_data):
    network = gm.build_network(gm.read_roads(shared_data / "roads" / "portland-central-filtered.osm.pbf"), mode="drive")
    rng = np.random.default_rng(5)
    can_stop = np.unique(network.segments.loc[network.segments["stop"], ["u", "v"]].to_numpy())
    nodes = rng.choice(can_stop, 40, replace=False)
    places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
    places = places.assign(place_id=[f"p{i}" for i in range(40)], prize=rng.gamma(1, 1, 40), node=nodes)
    assert (network.segments["time_s"].map(np.isinf) | network.segments["back_time_s"].map(np.isinf)).any()
    plan = gm.plan_patrols(places, network, units=4, shift_h=8, shifts=2, random_state=2, rounds=60)
    check_plan(plan, places, ways(network, places), units=4, shift_h=8)
    assert len(plan.stops) > 100


def best_sequence(prize, travel, service, duty, gap):
    """The optimum for one unit that may come back to a place after `gap`: every order of visits, early."""
    best = 0.0

    def go(here, t, value, left):
        nonlocal best
        best = max(best, value)
        for p in range(len(prize)):
            at = max(t + (travel[here, p] if here is not None else 0.0), left[p] + gap)
            if at + service <= duty + 1e-9:
                go(p, at + service, value + prize[p], (*left[:p], at + service, *left[p + 1 :]))

    go(None, 0.0, 0.0, (-1e9,) * len(prize))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_small_cases_with_repeat_visits_come_within_one_percent_of_the_optimum(tempe, hotspots_at_junctions, seed):
    places = hotspots_at_junctions(4, 20 + seed)
    prize, travel = places["prize"].to_numpy(), tempe.travel_time_s(places)
    best = best_sequence(prize, travel, 720.0, 1.6 * 3600.0, 1800.0)
    plan = gm.plan_patrols(places, tempe, units=1, shift_h=1.6, revisit_h=0.5, random_state=seed, rounds=2000)
    assert 0.99 * best <= plan.objective <= best + 1e-9
    assert plan.bound >= best - 1e-9


def test_distances_are_those_of_networkx_between_any_points_of_the_streets(tempe):
    """Points inside segments too: put into the graph as nodes of their own, and asked of networkx."""
    rng, n = np.random.default_rng(1), 12
    rows = rng.choice(len(tempe.segments), n, replace=False)
    share = rng.uniform(0.05, 0.95, n)
    shapes = tempe.segments["shape"].to_numpy()
    at = gpd.GeoSeries(
        [shapes[r].interpolate(s, normalized=True) for r, s in zip(rows, share, strict=True)], crs=tempe.crs
    )
    graph = shortest_paths(tempe)
    for i, (r, s) in enumerate(zip(rows, share, strict=True)):
        u, v, time = tempe.segments.loc[r, ["u", "v", "time_s"]]
        for a, b, w in (
            (f"p{i}", u, s * time),
            (u, f"p{i}", s * time),
            (f"p{i}", v, (1 - s) * time),
            (v, f"p{i}", (1 - s) * time),
        ):
            graph.add_edge(a, b, weight=w)
    found = tempe.travel_time_s(at.to_crs(4326))
    for i, j in itertools.permutations(range(n), 2):
        assert found[i, j] == pytest.approx(nx.dijkstra_path_length(graph, f"p{i}", f"p{j}"), abs=1e-3)
