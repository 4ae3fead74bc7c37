"""The search against PyVRP, on what both can express: one visit a place, no depot, the same seconds.

python benchmarks/patrol_solvers.py      (needs pyvrp, which gridmap does not)
"""

import time

import geopandas as gpd
import libpysal
import numpy as np
from pyvrp import Model
from pyvrp.stop import MaxRuntime

import gridmap as gm


def by_pyvrp(prize, travel, service, duty, units, seconds, seed):
    """Team orienteering as prize collecting: ways cost nothing, so only what is not visited does."""
    model = Model()
    away = model.add_location(0, 0)
    depot = model.add_depot(away)
    model.add_vehicle_type(units, start_depot=depot, end_depot=depot, shift_duration=int(duty), unit_distance_cost=0)
    where = [model.add_location(i + 1, 0) for i in range(len(prize))]
    for place, p in zip(where, prize, strict=True):
        model.add_client(place, service_duration=int(service), prize=round(p * 10_000), required=False)
        model.add_edge(away, place, distance=0, duration=0)
        model.add_edge(place, away, distance=0, duration=0)
    for i, a in enumerate(where):
        for j, b in enumerate(where):
            if i != j:
                model.add_edge(a, b, distance=0, duration=int(np.ceil(travel[i, j])))
    result = model.solve(MaxRuntime(seconds), seed=seed, display=False)
    return result.best.prizes() / 10_000 if result.is_feasible() else 0.0


network = gm.build_network(gm.read_roads(libpysal.examples.get_path("streets.shp")), mode="walk")
ratios = []
for seed in range(6):
    rng = np.random.default_rng(seed)
    nodes = rng.choice(len(network.junctions), 60, replace=False)
    places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
    places = places.assign(place_id=range(60), prize=rng.gamma(1.0, 1.0, 60))
    options = {"units": 3, "shift_h": 3, "revisit_h": None}
    gm.plan_patrols(places, network, rounds=1, **options)
    begin = time.perf_counter()
    plan = gm.plan_patrols(places, network, random_state=seed, rounds=1500, random_order=False, **options)
    seconds = time.perf_counter() - begin
    other = by_pyvrp(places["prize"].to_numpy(), network.travel_time_s(places), 720, 10_800, 3, seconds, seed)
    ratios.append(plan.objective / other)
    print(
        f"seed {seed}, {seconds:.1f} s each: search {plan.objective:.3f}, PyVRP {other:.3f}, bound {plan.bound:.3f}",
        flush=True,
    )
print(f"search / PyVRP: mean {np.mean(ratios):.4f}, least {min(ratios):.4f}, most {max(ratios):.4f}")
