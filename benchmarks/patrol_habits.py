"""Can a week of shifts be guessed? With the order at random, without, and one plan that is repeated every shift.

python benchmarks/patrol_habits.py
"""

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd

import gridmap as gm
from gridmap.patrol.routes.habits import plan_habits

network = gm.build_network(gm.read_roads(libpysal.examples.get_path("streets.shp")), mode="walk")
rng = np.random.default_rng(0)
nodes = rng.choice(len(network.junctions), 60, replace=False)
places = gpd.GeoDataFrame(geometry=network.junctions.geometry.to_numpy()[nodes], crs=4326)
places = places.assign(place_id=range(60), prize=rng.gamma(1.0, 1.0, 60))
options = {"units": 3, "shift_h": 8, "meal_min": 0, "shift_every_h": 12, "random_state": 0, "rounds": 300}
for random_order, weight in ((True, 0.02), (True, 0.0), (False, 0.0)):
    plan = gm.plan_patrols(places, network, shifts=21, random_order=random_order, habit_weight=weight, **options)
    print(f"random_order={random_order}, habit_weight={weight:g}: prize {plan.objective:.1f}")
    print(plan_habits(plan).round(3).to_string(), flush=True)
one = gm.plan_patrols(places, network, random_order=False, **options)
stops = pd.concat([one.stops.assign(shift=s) for s in range(1, 22)], ignore_index=True)
same = gm.PatrolPlan(stops, one.routes, one.legs, one.unmet, one.places, one.posts, 0.0, 0.0, dict(one.params))
print(f"the same plan every shift: prize {21 * one.objective:.1f}\n{plan_habits(same).round(3).to_string()}")
