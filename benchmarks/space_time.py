"""Scans, near repeats, the emerging cube and stability: how long they take, beside pointpats where it has the same.

Seconds are wall time and, beside it, the processor's time of all threads (which a busy machine disturbs less), each
the least of `--rounds`, after one short run that compiles. Where Chicago's burglaries are not
found (GRIDMAP_SHARED_DATA or ../shared/data), as many random events with the same density stand in for them.

    python benchmarks/space_time.py [--rounds 2]
"""

import argparse
import os
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pointpats import Knox

import gridmap as gm

ROOT = Path(__file__).resolve().parent.parent
BREAKS = {"space_breaks_m": [0, 0.1, 200, 400, 600], "time_breaks_days": [0, 7, 14, 21]}


def least_seconds(run, rounds: int) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, busy = [], []
    for _ in range(rounds):
        start = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start[0])
        busy.append(time.process_time() - start[1])
    return min(wall), min(busy)


def burglaries() -> pd.DataFrame:
    folder = Path(os.environ.get("GRIDMAP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    path = folder / "chicago" / "chicago_burglary_2014_2017.csv"
    if path.exists():
        frame = pd.read_csv(path)
        return frame.assign(date=pd.to_datetime(frame["date_single"], format="%d/%m/%Y"))
    print("Chicago's burglaries are not here: random events stand in for them.")
    rng = np.random.default_rng(0)
    days = pd.to_datetime("2014-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 1461, 45_319)), unit="D")
    return pd.DataFrame({"x": rng.random(45_319) * 20_000, "y": rng.random(45_319) * 22_000, "date": days})


def report(what: str, seconds: tuple[float, float], bar: str) -> None:
    print(f"{what:<70} {seconds[0]:8.2f} s {seconds[1]:8.2f} s   {bar}", flush=True)


def near_repeats(rounds: int) -> None:
    events = burglaries()
    year = events[events["date"].dt.year == 2016]
    days = (year["date"] - year["date"].min()).dt.days.to_numpy()[:, None]
    places = year[["x", "y"]].to_numpy()
    one = {"space_breaks_m": [0, 200], "time_breaks_days": [0, 7], "permutations": 99, "random_state": 0}
    gm.near_repeat(year.head(500), **(one | {"permutations": 2}))
    ours, theirs = [], []
    for _ in range(rounds):  # in turn, so that a busy machine is busy for both
        theirs.append(least_seconds(lambda: Knox(places, days, delta=200, tau=7, permutations=99), 1))
        ours.append(least_seconds(lambda: gm.near_repeat(year, **one), 1))
    report(f"pointpats Knox, {len(year):,} events, 99 permutations, one band", min(theirs), "")
    report(f"near_repeat, the same, {min(theirs)[0] / min(ours)[0]:.0f} x as fast", min(ours), "bar: 20 x")
    table = least_seconds(lambda: gm.near_repeat(year, **BREAKS, random_state=0), rounds)
    report(f"near_repeat, {len(year):,} events, 999 permutations, 4 x 3 bands", table, "")
    table = least_seconds(lambda: gm.near_repeat(events, **BREAKS, random_state=0), rounds)
    report(f"near_repeat, {len(events):,} events, 999 permutations, 4 x 3 bands", table, "bar: 30 s")


def scans(rounds: int) -> None:
    rng = np.random.default_rng(0)
    n = 5_000
    areas = pd.DataFrame({"x": rng.random(n), "y": rng.random(n), "population": rng.integers(500, 3_000, n)})
    chance = areas["population"] / areas["population"].sum()
    areas["cases"] = rng.multinomial(10_000, chance)
    plane = {"x": "x", "y": "y", "distance": "planar", "random_state": 0}
    gm.spatial_scan(areas.head(200), permutations=2, **plane)
    scan = least_seconds(lambda: gm.spatial_scan(areas, **plane), rounds)
    report("spatial_scan, 5,000 areas, 10,000 cases, 999 replicas", scan, "bar: 60 s")
    cube = (
        areas.head(500)
        .loc[np.repeat(np.arange(500), 52)]
        .assign(area=np.repeat(np.arange(500), 52), date=np.tile(np.arange(52), 500))
    )
    cube["cases"] = rng.poisson(0.2, len(cube))
    seconds = least_seconds(lambda: gm.space_time_scan(cube, max_duration=8, **plane), rounds)
    report("space_time_scan, 500 areas x 52 weeks, spans up to 8, 999 replicas", seconds, "")
    events = cube.iloc[np.repeat(np.arange(len(cube)), cube["cases"])].drop(columns="cases")
    seconds = least_seconds(lambda: gm.space_time_permutation_scan(events, max_duration=8, **plane), rounds)
    report(f"space_time_permutation_scan, {len(events):,} cases there, 999 replicas", seconds, "")


def cubes(rounds: int) -> None:
    zone = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.9, 53.5, -1.2, 53.9)], crs=4326)
    grid = gm.make_grid(zone, system="square", cell_size_m=320)
    weeks = pd.period_range("2020-01-06", periods=52, freq="W-SUN")
    index = pd.MultiIndex.from_product([grid.cells.index, weeks], names=["cell_id", "period"])
    counts = pd.DataFrame({"count": np.random.default_rng(0).poisson(1, len(index))}, index=index)
    gm.emerging_hotspots(counts, grid)
    seconds = least_seconds(lambda: gm.emerging_hotspots(counts, grid), rounds)
    report(f"emerging_hotspots, {len(grid):,} cells x 52 weeks", seconds, "bar: 10 s")


def stability(rounds: int) -> None:
    zones = gm.read_boundaries(ROOT / "data/west_yorkshire/lsoa_2011.geojson")
    crime = gm.read_incidents(ROOT / "data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz")
    what = {"resolution": 8, "category": "Burglary", "random_state": 0}
    gm.hotspot_stability(crime, zones, "getis_ord", **what, variants=1, resamples=1)
    seconds = least_seconds(lambda: gm.hotspot_stability(crime, zones, "getis_ord", **what), rounds)
    report("hotspot_stability, getis_ord, 3,291 hexagons, 50 + 50 runs", seconds, "")
    grid = gm.make_grid(zones, system="h3", resolution=8)
    counts = gm.count_by_cell(crime, grid, category="Burglary")
    report("quiet_cells, the same hexagons", least_seconds(lambda: gm.quiet_cells(counts, grid), rounds), "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    for part in (near_repeats, scans, cubes, stability):
        part(rounds)


if __name__ == "__main__":
    main()
