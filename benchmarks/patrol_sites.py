"""best_sites against spopt's MCLP: the demand covered must be the same, for both prove their optimum.

python benchmarks/patrol_sites.py      (needs spopt and pulp, which gridmap does not)
"""

import geopandas as gpd
import numpy as np
import pulp
from scipy.spatial.distance import cdist
from spopt.locate import MCLP

import gridmap as gm
from gridmap.read.metric_projection import metric_crs, project

same = 0
for seed in range(10):
    rng = np.random.default_rng(seed)
    sites, demand = rng.uniform(0, 0.05, (60, 2)), rng.uniform(0, 0.05, (400, 2))
    weight = rng.integers(1, 10, 400)
    frame = gpd.GeoDataFrame({"weight": weight}, geometry=gpd.points_from_xy(*demand.T), crs=4326)
    ours = gm.best_sites(sites, frame, n=6, reach_m=500)
    both = np.vstack([sites, demand])
    xy = np.column_stack(project(*both.T, metric_crs((*both.min(axis=0), *both.max(axis=0)))))
    model = MCLP.from_cost_matrix(cdist(xy[60:], xy[:60]), weight, 500, p_facilities=6)
    theirs = model.solve(pulp.PULP_CBC_CMD(msg=False)).problem.objective.value()
    same += abs(ours.attrs["covered"] - theirs) < 1e-6
    print(f"seed {seed}: best_sites {ours.attrs['covered']:g}, MCLP {theirs:g}", flush=True)
print(f"the same in {same} of 10")
