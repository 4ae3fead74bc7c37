"""Does the risk terrain find the planted factors, and no others? A hundred towns with 20 kinds of place.

    python benchmarks/risk_terrain.py           # 100 towns
    python benchmarks/risk_terrain.py speed     # 20 factors × 20,000 cells

Each town has 5 × 5 km in squares of 125 m and 20 kinds of place of 25 each, anywhere. Three multiply the risk: by 3
within 125 m, by 2 within 250 m, by 1.8 within 375 m. Counts are Poisson, or vary twice as much (negative binomial).
"""

import sys
import time

import geopandas as gpd
import numpy as np
import shapely

import gridmap as gm
from gridmap.forecasts.base import History, Space
from gridmap.forecasts.risk_terrain import RiskTerrain, risk_factors

CORNER, KINDS, PLACES = np.array([500_000.0, 4_000_000.0]), 20, 25
PLANTED = {"kind 0": ("within 125 m", 3.0), "kind 1": ("within 250 m", 2.0), "kind 2": ("within 375 m", 1.8)}


def space_of(side_m: float, cell_m: float) -> Space:
    outline = shapely.segmentize(shapely.box(*CORNER, *(CORNER + side_m)), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[outline], crs=32650)
    return Space(gm.make_grid(zone.to_crs(4326), system="square", cell_size_m=cell_m))


def town(space: Space, seed: int, dispersion: float, mean: float = 1.0) -> tuple[dict, History]:
    rng = np.random.default_rng(seed)
    low, high = space.centre_m.min(axis=0), space.centre_m.max(axis=0)
    factors = {
        f"kind {k}": gpd.GeoDataFrame(
            geometry=gpd.points_from_xy(*(low + rng.random((PLACES, 2)) * (high - low)).T), crs=space.grid.metric_crs
        )
        for k in range(KINDS)
    }
    forms = risk_factors({name: factors[name] for name in PLANTED}, space)
    rate = np.full(len(space), mean)
    for name, (form, risk) in PLANTED.items():
        rate = rate * np.where(forms[name][form] > 0, risk, 1.0)
    if dispersion > 1:
        rate = rng.gamma(rate / (dispersion - 1), dispersion - 1)
    row = rng.permutation(np.repeat(np.arange(len(space)), rng.poisson(rate))).astype(np.int32)
    return factors, History(space, row, np.sort(rng.random(len(row)) * 365), space.centre_m[row], 0.0, 365.0)


def study(towns: int) -> None:
    space = space_of(5_000, 125)
    for dispersion in (1.0, 2.0):
        found = forms = alone = held = wholly = 0
        for seed in range(towns):
            factors, known = town(space, seed, dispersion)
            risks = RiskTerrain(factors).fit(known).risks_
            there = set(PLANTED) <= set(risks.index)
            inside = [
                n in risks.index and risks.loc[n, "low"] <= risk <= risks.loc[n, "high"]
                for n, (_, risk) in PLANTED.items()
            ]
            found += there
            forms += there and all(risks.loc[n, "form"] == form for n, (form, _) in PLANTED.items())
            alone += len(risks) == len(PLANTED)
            held += sum(inside)
            wholly += all(inside)
        print(
            f"variance {dispersion:g} times the mean: all three found in {found} of {towns}, in their planted form in "
            f"{forms}, no other factor in {alone}; {held} of {3 * towns} intervals hold the planted risk, all three "
            f"in {wholly}",
            flush=True,
        )


if __name__ == "__main__":
    if "speed" in sys.argv:
        space = space_of(17_700, 125)
        factors, known = town(space, 0, 1.0)
        began = time.process_time()
        RiskTerrain(factors).fit(known)
        print(f"{len(space):,} cells, {len(factors)} factors: {time.process_time() - began:.1f} s of processor")
    else:
        study(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
