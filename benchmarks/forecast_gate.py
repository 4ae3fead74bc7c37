"""Does the gate keep its word? Simulated counties in which the truth is known, each asked for next week's forecast.

    python benchmarks/forecast_gate.py results.jsonl 100            # so many counties of each kind
    python benchmarks/forecast_gate.py results.jsonl 100 repeats    # of one kind

Squares of 250 m over 5 × 5 km, two years, some 50 incidents a week, a forecast of the best 2 % of the area. Nothing
beyond the mean count may be offered where nothing changes over time: pure noise (`noise`), and backgrounds that are
uneven and constant, with addresses of very different weight (`background`) or with smooth centres (`centres`). Where
half of the incidents are drawn by others within days and some 150 m (`repeats`), the forecast should be offered; the
same over addresses (`address_repeats`) shows the limit: there the busiest 1 % hardly changes. Each county is written as
it comes, and one that is written is not run again.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from scipy.stats import binomtest

import gridmap as gm
from gridmap.forecasts.checked_forecast import LASTING, RECENT
from gridmap.read.incident_table import Incidents

SIDE_M, CELL_M, WEEKS, A_WEEK = 5_000, 250, 104, 50
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


def followed(rng: np.random.Generator, first: Callable, theta: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Each incident draws `theta` others, within some 150 m and some 10 days."""
    xy, day = first(rng, A_WEEK * (1 - theta))
    every_xy, every_day, parents, parents_day = [xy], [day], xy, day
    while len(parents):
        of = np.repeat(np.arange(len(parents)), rng.poisson(theta, len(parents)))
        parents, parents_day = (
            parents[of] + rng.normal(0, 150 / np.sqrt(2), (len(of), 2)),
            parents_day[of] + rng.exponential(10, len(of)),
        )
        every_xy.append(parents)
        every_day.append(parents_day)
    return np.concatenate(every_xy), np.concatenate(every_day)


def repeats(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return followed(rng, centres)


def address_repeats(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return followed(rng, background)


KINDS = {f.__name__: f for f in (noise, background, centres, repeats, address_repeats)}


def one(kind: str, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    began = time.process_time()
    found = gm.forecast(incidents_at(*KINDS[kind](rng)), make_grid(), area_share=0.02)
    table = found.backtest.summary()
    row = (
        table.loc["ensemble"] if "ensemble" in table.index else dict.fromkeys(("difference", "difference_low"), np.nan)
    )
    gain = found.backtest.difference(RECENT, LASTING, "gain")
    return {
        "kind": kind,
        "seed": seed,
        "offered": found.offered,
        "difference": round(float(row["difference"]), 3),
        "difference_low": round(float(row["difference_low"]), 3),
        "gain": round(gain[0], 4),
        "gain_low": round(gain[1], 4),
        "seconds": round(time.process_time() - began, 1),
    }


def report(file: Path) -> None:
    table = pd.DataFrame([json.loads(line) for line in file.read_text().splitlines()])
    for kind, part in table.groupby("kind", sort=False):
        n, k = len(part), int(part["offered"].sum())
        low, high = binomtest(k, n).proportion_ci(method="exact")
        above = int((part["difference_low"] > 0).sum()), int((part["gain_low"] > 0).sum())
        print(
            f"{kind:>16}: offered in {k} of {n} [{low:.1%}, {high:.1%}]; "
            f"PAI alone {above[0]}, placing alone {above[1]}; "
            f"mean difference in PAI {part['difference'].mean():+.2f}; {part['seconds'].mean():.1f} s a county"
        )


if __name__ == "__main__":
    file = Path(sys.argv[1])
    counties = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {(row["kind"], row["seed"]) for row in done}
    jobs = [(k, s) for s in range(counties) for k in sys.argv[3:] or KINDS if (k, s) not in known]
    with ProcessPoolExecutor(2) as pool, file.open("a") as out:
        for task in as_completed([pool.submit(one, *job) for job in jobs]):
            out.write(json.dumps(task.result()) + "\n")
            out.flush()
    report(file)
