"""Speed of the methods over points. The bars: a million points on 1,000 × 1,000 cells < 2 s, st_dbscan of 50,000 ≤ 5 s.

    python benchmarks/points.py

Wall and processor seconds, in one process, after one small run that compiles; the machine's load is printed beside,
because on a busy machine only the processor seconds mean something (with two threads they can exceed the wall's).
"""

import os
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from sklearn.cluster import DBSCAN

import gridmap as gm
from gridmap.grids.squares import SquareGrid
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs, unproject

CRS = metric_crs((-1.8, 53.6, -1.4, 53.9))
CORNER = np.array([580_000.0, 5_950_000.0])


def incidents(n: int, spread_m: float, rng, days: float | None = None) -> Incidents:
    xy = CORNER + 25_000 + rng.normal(0, spread_m, (n, 2))
    lon, lat = unproject(*xy.T, CRS)
    columns = {"incident_id": pa.array(np.arange(n)).cast(pa.string()), "lon": lon, "lat": lat}
    if days:
        when = (rng.uniform(0, days, n) * 86_400e6).astype("int64")
        columns["occurred_from"] = columns["occurred_to"] = pa.array(when).cast(pa.timestamp("us"))
    return Incidents(pa.table(columns))


def squares(side: int, size_m: float) -> SquareGrid:
    low = (CORNER // size_m).astype(int)
    x, y = (a.ravel() for a in np.meshgrid(low[0] + np.arange(side), (low[1] + np.arange(side))[::-1]))
    ids = np.char.add(np.char.add(x.astype(str), "_"), y.astype(str)).astype(object)
    west, south = unproject(x * size_m, y * size_m, CRS)
    east, north = unproject((x + 1) * size_m, (y + 1) * size_m, CRS)
    cells = gpd.GeoDataFrame(
        {"area_m2": size_m**2, "share_inside": 1.0, "zone_id": "A"},
        index=pd.Index(ids, name="cell_id"),
        geometry=shapely.box(west, south, east, north),
        crs=4326,
    )
    grid = SquareGrid(cells, {"cell_size_m": size_m, "crs": CRS.to_string()})
    grid.metric_crs = CRS
    return grid


def best(run, times: int = 3) -> str:
    """The least wall seconds and the least processor seconds of several runs."""
    wall, processor = [], []
    for _ in range(times):
        start, used = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return f"{min(wall):.2f} | {min(processor):.2f}"


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    small = incidents(500, 3_000, rng, days=365)
    gm.kernel_density(small, squares(40, 1_250.0), bandwidth_m=2_000)
    gm.st_dbscan(small, eps_m=500, eps_days=30, min_samples=4)

    million = incidents(1_000_000, 8_000, rng)
    print("| kernel_density, 10⁶ points, 1,000 × 1,000 cells of 50 m | wall, s | processor, s | computed |")
    print("|---|---|---|---|")
    for options in (
        {"bandwidth_m": 100},
        {"bandwidth_m": 300},
        {"bandwidth_m": 1_000},
        {"bandwidth_m": 1_000, "kernel": "gaussian"},
        {"bandwidth_m": 1_000, "edge_correction": True},
        {"bandwidth_m": 1_000, "adaptive": True},
    ):
        grid = squares(1_000, 50.0)
        computed = gm.kernel_density(million, grid, **options).params["computed"]
        took = best(lambda options=options, grid=grid: gm.kernel_density(million, grid, **options))
        print(f"| {options} | {took} | {computed} |")

    print("\n| clusters | wall, s | processor, s |\n|---|---|---|")
    for spread, eps in ((8_000, 200), (2_000, 200)):
        year = incidents(50_000, spread, rng, days=365)
        took = best(lambda year=year, eps=eps: gm.st_dbscan(year, eps_m=eps, eps_days=7, min_samples=6))
        print(f"| st_dbscan, 50,000 events in a year, spread {spread:,} m, eps {eps} m, 7 days | {took} |")
    points = incidents(50_000, 4_000, rng)
    ours = best(lambda: gm.dbscan(points, eps_m=150, min_samples=20))
    xy = points.xy_m()
    theirs = best(lambda: DBSCAN(eps=150, min_samples=20).fit(xy))
    print(f"| dbscan, 50,000, with hulls | {ours} |")
    print(f"| the same by scikit-learn, without hulls | {theirs} |")
    for n in (40_000, 200_000, 1_000_000):
        many = incidents(n, 8_000, rng)
        print(f"| hdbscan, {n:,}, with hulls | {best(lambda many=many: gm.hdbscan(many), 1)} |")
    some = incidents(5_000, 4_000, rng)
    for name, run in (
        ("hdbscan", lambda: gm.hdbscan(some)),
        ("nearest_neighbour_hierarchy", lambda: gm.nearest_neighbour_hierarchy(some)),
        ("stac", lambda: gm.stac(some, radius_m=300)),
        ("optics, max_eps_m=1000", lambda: gm.optics(some, max_eps_m=1_000)),
    ):
        print(f"| {name}, 5,000 | {best(run, 1)} |")


if __name__ == "__main__":
    main()
