"""Plans by the search against plans by hand, on Tempe's streets on foot, seeds 0–19.

    python benchmarks/patrol_plans.py [seeds]

By hand: go on to the nearest place that may be visited; go on to the one that ranks first. Both share clock and rules
with the plan (12 min a visit, 2 h between visits), and demand is more than twice what the units can do.
"""

import sys
import time
from pathlib import Path

import geopandas as gpd
import libpysal
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import gridmap as gm
from tests.patrol.test_routes import by_rank, greedy_nearest

network = gm.build_network(gm.read_roads(libpysal.examples.get_path("streets.shp")), mode="walk")
seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
for units in (2, 3):
    rows = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        nodes = rng.choice(len(network.junctions), 60, replace=False)
        places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
        places = places.assign(place_id=[f"h{i}" for i in range(60)], prize=rng.gamma(1.0, 1.0, 60))
        begin = time.perf_counter()
        plan = gm.plan_patrols(places, network, units=units, shift_h=8, meal_min=0, random_state=seed)
        seconds = time.perf_counter() - begin
        prize, travel = places["prize"].to_numpy(), network.travel_time_s(places)
        near = greedy_nearest(prize, travel, 720.0, 28800.0, 7200.0, units)
        rank = by_rank(prize, travel, 720.0, 28800.0, 7200.0, units)
        demand = 60 * 4 / len(plan.stops)
        rows.append((plan.objective / near - 1, plan.objective / rank - 1, plan.gap, seconds, demand))
    table = np.array(rows)
    mean, error = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(len(table))
    t = 2.093  # two-sided 95 %, 19 degrees of freedom
    for k, what in enumerate(("over nearest", "over rank", "gap to bound", "seconds", "demand / visits")):
        low, high = mean[k] - t * error[k], mean[k] + t * error[k]
        least = table[:, k].min()
        print(f"{units} units: {what:16} mean {mean[k]:.3f} [{low:.3f}, {high:.3f}], least {least:.3f}", flush=True)
