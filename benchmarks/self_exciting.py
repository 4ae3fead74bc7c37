"""Does the self-exciting model find what was planted, and nothing where nothing was? Fifty runs of each truth.

    python benchmarks/self_exciting.py          # 50 runs of each
    python benchmarks/self_exciting.py 10       # quicker
    python benchmarks/self_exciting.py none 200 # is 0 in the interval where nothing brings anything?
    python benchmarks/self_exciting.py speed    # 50,000 events

Events on 10 × 10 km over two years, four of the background a day: over three busy places (`places`, those of the
planted catalogue b), or over squares of 250 m of very different weight (`squares`). Each brings 0.3 others, or none.
The model is fitted with its defaults on squares of 250 m. Parents beyond the border and before the first day are
simulated too, so that edges are lost as in life. The residuals are tested twice (`residual_test`): are they even, and
is any of the clusters left in them; the same of the model with its triggers taken out, which both should see.
"""

import copy
import sys
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import stats

import gridmap as gm
from gridmap.forecasts.base import History, Space
from gridmap.forecasts.self_exciting import SelfExciting
from gridmap.read.metric_projection import unproject

SIDE_M, DAYS, LEAD_DAYS, MARGIN_M = 10_000.0, 730.0, 120.0, 600.0
CORNER = np.array([500_000.0, 4_000_000.0])
#: x, y, standard deviation, height above a ground of 1.
BUSY = [(3000, 3000, 400, 30), (7000, 6500, 300, 60), (6000, 2000, 800, 10)]


def space_of(cell_m: float = 250.0) -> Space:
    outline = shapely.segmentize(shapely.box(*CORNER, *(CORNER + SIDE_M)), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[outline], crs=32650)
    return Space(gm.make_grid(zone.to_crs(4326), system="square", cell_size_m=cell_m))


def places(rng: np.random.Generator, a_day: float) -> np.ndarray:
    mass = np.array([(SIDE_M + 2 * MARGIN_M) ** 2, *(2 * np.pi * s**2 * h for _, _, s, h in BUSY)])
    n = rng.poisson(a_day * (DAYS + LEAD_DAYS) * mass.sum() / (SIDE_M**2 + mass[1:].sum()))
    of = rng.choice(len(mass), n, p=mass / mass.sum())
    xy = rng.uniform(-MARGIN_M, SIDE_M + MARGIN_M, (n, 2))
    for k, (x, y, s, _) in enumerate(BUSY, 1):
        xy[of == k] = rng.normal((x, y), s, ((of == k).sum(), 2))
    return xy


def squares(rng: np.random.Generator, a_day: float) -> np.ndarray:
    side = 250.0
    across = int((SIDE_M + 2 * side) / side)
    weight = rng.gamma(0.3, 1, across**2)
    n = rng.poisson(a_day * (DAYS + LEAD_DAYS) * (across * side / SIDE_M) ** 2)
    of = rng.choice(across**2, n, p=weight / weight.sum())
    return (np.column_stack([of // across, of % across]) + rng.random((n, 2)) - 1) * side


def history(space: Space, seed: int, background, theta: float, mean_delay: float, sigma: float, a_day: float = 4.0):
    rng = np.random.default_rng(seed)
    xy = background(rng, a_day)
    day = rng.uniform(-LEAD_DAYS, DAYS, len(xy))
    parts = [(xy, day)]
    while len(day):
        brought = rng.poisson(theta, len(day))
        xy = np.repeat(xy, brought, axis=0) + rng.normal(0, sigma, (brought.sum(), 2))
        day = np.repeat(day, brought) + rng.exponential(mean_delay, brought.sum())
        parts.append((xy, day))
    return as_history(space, np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def as_history(space: Space, xy: np.ndarray, day: np.ndarray) -> History:
    inside = (day >= 0) & (day < DAYS) & ((xy >= 0) & (xy < SIDE_M)).all(axis=1)
    place, day = CORNER + xy[inside], day[inside]
    lon, lat = unproject(*place.T, 32650)
    row, order = space.grid.locate(lon, lat), np.argsort(day)
    order = order[row[order] >= 0]
    xy_m = space.grid.xy_m(lon, lat)
    return History(space, row[order].astype(np.int32), day[order], xy_m[order], 0.0, DAYS)


def without_triggers(model: SelfExciting) -> SelfExciting:
    """The same model as it would be if nothing brought anything: does the test of the residuals see what is missing?"""
    blind = copy.copy(model)
    blind.triggers_ = replace(model.triggers_, theta=0.0)
    blind.background_ = model._separate(model.history_, model.width_m_, blind.triggers_).by_cell
    return blind


def study(runs: int) -> None:
    space = space_of()
    truths = [(places, 0.3, 10, 100), (squares, 0.3, 8, 60), (places, 0.0, 10, 100), (squares, 0.0, 8, 60)]
    for background, theta, delay, sigma in truths:
        rows = []
        began = time.process_time()
        for seed in range(runs):
            model = SelfExciting().fit(history(space, seed, background, theta, delay, sigma))
            low, high = model.theta_interval_
            found, left, blind = model.triggers_, model.residual_test(), without_triggers(model).residual_test()
            rows.append(
                {
                    "theta": found.theta,
                    "uncorrected": model.theta_uncorrected_,
                    "delay_days": 1 / found.omega,
                    "sigma_m": found.sigma_m,
                    "holds": low <= theta <= high,
                    "half_width": (high - low) / 2,
                    "uneven": left["p_even"] < 0.05,
                    "clusters_left": left["p_pairs"] < 0.05,
                    "uneven_without_triggers": blind["p_even"] < 0.05,
                    "clusters_left_without_triggers": blind["p_pairs"] < 0.05,
                }
            )
        table = pd.DataFrame(rows)
        print(f"\n{background.__name__}, θ {theta}, {runs} runs, {(time.process_time() - began) / runs:.1f} s each")
        print(pd.DataFrame({"mean": table.mean(), "se": table.astype(float).sem()}).round(4).to_string(), flush=True)


def none(runs: int) -> None:
    """Only the catalogues without contagion, and only whether the interval holds 0."""
    space = space_of()
    for background in (places, squares):
        held, found = 0, []
        for seed in range(runs):
            model = SelfExciting().fit(history(space, 1_000 + seed, background, 0.0, 10, 100))
            held += model.theta_interval_[0] <= 0
            found.append(model.triggers_.theta)
        low, high = stats.binomtest(int(held), runs).proportion_ci(method="exact")
        mean = np.mean(found)
        print(f"{background.__name__}, θ 0: 0 in {held} of {runs} intervals [{low:.1%}, {high:.1%}], mean θ {mean:.4f}")


def speed() -> None:
    space = space_of()
    for background in (places, squares):
        known = history(space, 0, background, 0.3, 10, 100, a_day=48)
        wall, used = time.perf_counter(), time.process_time()
        found = SelfExciting().fit(known)
        print(
            f"{background.__name__}: {len(known):,} events, {time.perf_counter() - wall:.0f} s, "
            f"{time.process_time() - used:.0f} s of processor: θ {found.triggers_.theta:.3f} "
            f"[{found.theta_interval_[0]:.3f}, {found.theta_interval_[1]:.3f}]",
            flush=True,
        )


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "50"
    if what == "speed":
        speed()
    elif what == "none":
        none(int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    else:
        study(int(what))
