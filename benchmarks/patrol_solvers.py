"""The search against PyVRP and OR-Tools: prize, gap to the bound, seconds, on Tempe's streets on foot.

    python benchmarks/patrol_solvers.py [seconds] [seeds]

Needs pyvrp and ortools, which gridmap does not (install them into an environment of their own). Two problems:

- "once": one visit a place, no depot, 3 units × 3 h × 60 places. All three solvers can say this.
- "repeat": gridmap's own: 5 units × 8 h × 60 places, a place again 2 h after it was left, by any unit. PyVRP has no
  such constraint between routes; OR-Tools gets a copy of each place for each visit, in order and far enough apart.

All are given the same seconds on one thread. The search counts rounds, not seconds, so its rounds are set by its own
pace on a short run before. Prizes found are checked: every answer of another solver is clocked again here.
"""

import itertools
import sys
import time

import geopandas as gpd
import libpysal
import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from pyvrp import Model
from pyvrp.stop import MaxRuntime

import gridmap as gm

SERVICE, SCALE = 720, 10_000


def by_pyvrp(prize, travel, duty, units, seconds, seed):
    """Team orienteering as prize collecting: ways cost nothing, so only what is not visited does."""
    model = Model()
    away = model.add_location(0, 0)
    depot = model.add_depot(away)
    model.add_vehicle_type(units, start_depot=depot, end_depot=depot, shift_duration=int(duty), unit_distance_cost=0)
    where = [model.add_location(i + 1, 0) for i in range(len(prize))]
    for place, p in zip(where, prize, strict=True):
        model.add_client(place, service_duration=SERVICE, prize=round(p * SCALE), required=False)
        model.add_edge(away, place, distance=0, duration=0)
        model.add_edge(place, away, distance=0, duration=0)
    for i, a in enumerate(where):
        for j, b in enumerate(where):
            if i != j:
                model.add_edge(a, b, distance=0, duration=int(np.ceil(travel[i, j])))
    result = model.solve(MaxRuntime(seconds), seed=seed, display=False)
    return result.best.prizes() / SCALE if result.is_feasible() else 0.0


def by_ortools(prize, travel, duty, units, seconds, gap=None):
    """The routing library: optional stops with a penalty, time as a dimension, guided local search.

    With `gap`, a place has as many copies as visits are possible; a later copy begins `gap` after the earlier one ends.
    """
    n = len(prize)
    copies = 1 if gap is None else int((duty - SERVICE) // (SERVICE + gap)) + 1
    place = np.repeat(np.arange(n), copies)
    manager = pywrapcp.RoutingIndexManager(len(place) + 1, units, 0)
    model = pywrapcp.RoutingModel(manager)
    table = np.zeros((len(place) + 1, len(place) + 1), np.int64)
    table[1:, 1:] = SERVICE + np.ceil(travel[np.ix_(place, place)])
    table[1:, 0] = SERVICE
    step = model.RegisterTransitMatrix(table.tolist())
    ways = np.zeros_like(table)  # guided local search needs a cost of ways to guide it; a second weighs next to nothing
    ways[1:, 1:] = np.ceil(travel[np.ix_(place, place)])
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(ways.tolist()))
    model.AddDimension(step, int(duty), int(duty), False, "time")
    clock, solver = model.GetDimensionOrDie("time"), model.solver()
    for k, p in enumerate(place):
        model.AddDisjunction([manager.NodeToIndex(k + 1)], round(prize[p] * SCALE))
    for p in range(n):
        for c in range(copies - 1):
            a, b = (manager.NodeToIndex(p * copies + c + x + 1) for x in (0, 1))
            solver.Add(model.ActiveVar(b) <= model.ActiveVar(a))
            far = clock.CumulVar(b) + (1 - model.ActiveVar(b)) * (2 * int(duty)) >= clock.CumulVar(a) + SERVICE + gap
            solver.Add(far)
    settings = pywrapcp.DefaultRoutingSearchParameters()
    settings.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    settings.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    settings.time_limit.FromMilliseconds(int(seconds * 1000))
    found = model.SolveWithParameters(settings)
    if found is None:
        return 0.0
    routes = []
    for u in range(units):
        route, node = [], found.Value(model.NextVar(model.Start(u)))
        while not model.IsEnd(node):
            route.append((int(place[manager.IndexToNode(node) - 1]), found.Value(clock.CumulVar(node))))
            node = found.Value(model.NextVar(node))
        routes.append(route)
    return checked(routes, prize, travel, duty, gap)


def checked(routes, prize, travel, duty, gap) -> float:
    """The prize of an answer, after its clock and the time between visits were looked at."""
    visits = {}
    for route in routes:
        for (a, t), (b, s) in itertools.pairwise(route):
            assert s + 1e-6 >= t + SERVICE + travel[a, b]
        assert not route or route[-1][1] + SERVICE <= duty
        for p, t in route:
            visits.setdefault(p, []).append(t)
    for times in visits.values():
        assert len(times) == 1 or gap is not None
        assert all(b - a >= SERVICE + gap for a, b in itertools.pairwise(sorted(times)))
    return float(sum(prize[p] * len(times) for p, times in visits.items()))


def by_search(places, seconds, seed, **options):
    """gridmap's plan, with as many rounds as the seconds allow at the pace of a short run."""

    def run(rounds):
        begin = time.process_time()
        plan = gm.plan_patrols(places, network, random_state=seed, rounds=rounds, random_order=False, **options)
        return plan, time.process_time() - begin

    run(1)
    rest, more = run(100)[1], run(600)[1]  # the rest: the matrix and the bound, which take no part in the search
    return run(max(100, int(500 * seconds / (more - rest))))[0]


budget = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
seeds = int(sys.argv[2]) if len(sys.argv) > 2 else 6
network = gm.build_network(gm.read_roads(libpysal.examples.get_path("streets.shp")), mode="walk")
for name, units, hours, gap in (("once", 3, 3, None), ("repeat", 5, 8, 7200)):
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        nodes = rng.choice(len(network.junctions), 60, replace=False)
        places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
        places = places.assign(place_id=range(60), prize=rng.gamma(1.0, 1.0, 60))
        prize, travel = places["prize"].to_numpy(), network.travel_time_s(places)
        revisit = None if gap is None else gap / 3600
        plan = by_search(places, budget, seed, units=units, shift_h=hours, revisit_h=revisit)
        bound = plan.bound
        rival = by_ortools(prize, travel, hours * 3600, units, budget, gap)
        third = by_pyvrp(prize, travel, hours * 3600, units, budget, seed) if gap is None else np.nan
        rows.append((plan.objective, rival, third, bound))
        print(f"{name}, seed {seed}, {budget:g} s each: search {plan.objective:.3f}, OR-Tools {rival:.3f}, "
              f"PyVRP {third:.3f}, bound {bound:.3f}", flush=True)  # fmt: skip
    table = np.array(rows)
    for k, solver in enumerate(("search", "OR-Tools", "PyVRP")):
        gaps, share = 1 - table[:, k] / table[:, 3], table[:, k] / table[:, 0]
        print(f"{name}: {solver:8} prize {table[:, k].mean():7.3f}, gap mean {gaps.mean():.3f} most {gaps.max():.3f}, "
              f"of the search's {share.mean():.4f} [{share.min():.4f}, {share.max():.4f}]", flush=True)  # fmt: skip
