"""How long a network, a travel matrix and a plan take: wall seconds, CPU seconds, and whether the bar is kept
by processor time (wall time depends on what else the machine does).

    python benchmarks/patrol_speed.py

The functions are compiled before (numba keeps what it compiled from run to run). CPU seconds are of all threads.
"""

import time

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

import gridmap as gm


def lattice(side):
    """side × side junctions 100 m apart, the streets drawn as whole rows and columns."""
    x = -1.5 + np.arange(side) * 0.0015
    y = 53.8 + np.arange(side) * 0.0009
    rows = [shapely.LineString(np.column_stack([x, np.full(side, b)])) for b in y]
    columns = [shapely.LineString(np.column_stack([np.full(side, a), y])) for a in x]
    return gpd.GeoDataFrame(geometry=rows + columns, crs=4326)


def timed(what, function, bar=None):
    begin, cpu = time.perf_counter(), time.process_time()
    answer = function()
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    verdict = "" if bar is None else f", bar {bar:g} s of CPU {'kept' if cpu <= bar else 'MISSED'}"
    print(f"{what}: {wall:.2f} s, CPU {cpu:.2f} s{verdict}", flush=True)
    return answer


gm.build_network(lattice(5)).travel_time_s([(-1.5, 53.8)])  # compile
streets = lattice(225)
network = timed("100,800 segments to a graph", lambda: gm.build_network(streets), 10)
rng = np.random.default_rng(0)
points = network.junctions.iloc[rng.choice(len(network.nodes), 200, replace=False)]
network.travel_time_s(points.iloc[:2])
ours = timed("200 × 200 travel times on it", lambda: network.travel_time_s(points), 2)
table = network.segments
u, v, t = table["u"].to_numpy(), table["v"].to_numpy(), table["time_s"].to_numpy()
graph = coo_array((np.r_[t, t], (np.r_[u, v], np.r_[v, u])), shape=(len(network.nodes),) * 2).tocsr()
theirs = timed("the same by scipy's Dijkstra", lambda: dijkstra(graph, indices=points.index)[:, points.index])
print("largest difference", np.abs(ours - theirs).max())

near = np.flatnonzero(np.abs(network.nodes - network.nodes.mean(axis=0)).max(axis=1) < 3000)  # a town of 6 km
places = network.junctions.iloc[rng.choice(near, 60, replace=False)]
places = places.assign(place_id=range(60), prize=rng.gamma(1.0, 1.0, 60))
gm.plan_patrols(places, network, units=1, shift_h=1, rounds=1, random_state=0)
plan = timed(
    "5 units × 60 places × 8 h",
    lambda: gm.plan_patrols(places, network, units=5, shift_h=8, meal_min=0, random_state=0),
    30,
)
print(plan, f"gap {plan.gap:.3f}")
week = timed(
    "10 units × 60 places × 21 shifts of 8 h",
    lambda: gm.plan_patrols(places, network, units=10, shift_h=8, meal_min=0, shifts=21, random_state=0),
    60,
)
print(week, f"gap {week.gap:.3f}")
