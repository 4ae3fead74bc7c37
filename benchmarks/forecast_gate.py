"""Does the gate keep its word? Simulated counties in which the truth is known, each asked for next week's forecast.

    python benchmarks/forecast_gate.py 100            # so many counties of each kind
    python benchmarks/forecast_gate.py 100 repeats    # of one kind

Squares of 400 m over 8 × 8 km, two years of incidents, the ensemble with its default settings. Nothing beyond the
mean count may be offered where nothing changes over time (pure noise; a background that is uneven and constant, with
addresses or with smooth centres); where half of the incidents are drawn by others within days and a few hundred metres,
the forecast should be offered.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

import gridmap as gm
from gridmap.read.base import Incidents

SIDE_M, CELL_M, WEEKS, A_WEEK = 8_000, 400, 104, 80
WEST, SOUTH = 500_000, 4_000_000


def make_grid():
    outline = shapely.segmentize(shapely.box(WEST, SOUTH, WEST + SIDE_M, SOUTH + SIDE_M), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[outline], crs=32650)
    return gm.make_grid(zone.to_crs(4326), system="square", cell_size_m=CELL_M)


def incidents_at(xy: np.ndarray, day: np.ndarray) -> Incidents:
    inside = ((xy >= 0) & (xy < SIDE_M)).all(axis=1) & (day < 7 * WEEKS)
    xy, day = xy[inside], day[inside]
    points = gpd.GeoSeries(gpd.points_from_xy(xy[:, 0] + WEST, xy[:, 1] + SOUTH), crs=32650).to_crs(4326)
    when = pa.array((pd.Timestamp("2023-01-02") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"))
    return Incidents(pa.table({"lon": points.x, "lat": points.y, "occurred_from": when, "occurred_to": when}))


def noise(rng: np.random.Generator, a_week: float = A_WEEK) -> tuple[np.ndarray, np.ndarray]:
    n = rng.poisson(a_week * WEEKS)
    return rng.uniform(0, SIDE_M, (n, 2)), rng.uniform(0, 7 * WEEKS, n)


def background(rng: np.random.Generator, a_week: float = A_WEEK) -> tuple[np.ndarray, np.ndarray]:
    """Half of it in eight centres of 300 to 1,200 m, half of it at 400 addresses of very different weight."""
    n = rng.poisson(a_week * WEEKS)
    centre, width = rng.uniform(0, SIDE_M, (8, 2)), rng.uniform(300, 1_200, 8)
    address, weight = rng.uniform(0, SIDE_M, (400, 2)), rng.gamma(0.3, 1, 400)
    at = rng.integers(0, 8, n)
    around = centre[at] + rng.normal(size=(n, 2)) * width[at, None]
    exact = address[rng.choice(400, n, p=weight / weight.sum())]
    return np.where(rng.random(n)[:, None] < 0.5, around, exact), rng.uniform(0, 7 * WEEKS, n)


def centres(rng: np.random.Generator, a_week: float = A_WEEK) -> tuple[np.ndarray, np.ndarray]:
    """Half of it in eight centres of 300 to 1,200 m, half of it anywhere; constant."""
    n = rng.poisson(a_week * WEEKS)
    centre, width = rng.uniform(0, SIDE_M, (8, 2)), rng.uniform(300, 1_200, 8)
    at = rng.integers(0, 8, n)
    around = centre[at] + rng.normal(size=(n, 2)) * width[at, None]
    anywhere = rng.uniform(0, SIDE_M, (n, 2))
    return np.where(rng.random(n)[:, None] < 0.5, around, anywhere), rng.uniform(0, 7 * WEEKS, n)


def repeats(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same centres, and each incident draws .5 others, within some 150 m and some 10 days."""
    xy, day = centres(rng, A_WEEK * 0.5)
    every_xy, every_day, parents, parents_day = [xy], [day], xy, day
    while len(parents):
        of = np.repeat(np.arange(len(parents)), rng.poisson(0.5, len(parents)))
        parents, parents_day = (
            parents[of] + rng.normal(0, 150 / np.sqrt(2), (len(of), 2)),
            parents_day[of] + rng.exponential(10, len(of)),
        )
        every_xy.append(parents)
        every_day.append(parents_day)
    return np.concatenate(every_xy), np.concatenate(every_day)


KINDS = {"noise": noise, "background": background, "centres": centres, "repeats": repeats}


def one(kind: str, seed: int) -> tuple[str, bool, float, float]:
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    found = gm.forecast(incidents_at(*KINDS[kind](rng)), make_grid())
    row = found.backtest.summary().loc["ensemble"]
    return kind, found.offered, row["difference"], row["difference_low"]


if __name__ == "__main__":
    counties = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    began = time.perf_counter()
    jobs = [(kind, seed) for seed in range(counties) for kind in sys.argv[2:] or KINDS]
    with ProcessPoolExecutor(2) as pool:
        done = list(pool.map(one, *zip(*jobs, strict=True)))
    table = pd.DataFrame(done, columns=["kind", "offered", "difference", "lower bound"])
    print(
        table.groupby("kind", sort=False).agg(
            {"offered": ["sum", "count"], "difference": "mean", "lower bound": "mean"}
        )
    )
    print(f"{time.perf_counter() - began:.0f} s")
