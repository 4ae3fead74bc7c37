"""H3 and square cells of points, and tilings: points a second, beside asking the h3 library point by point.

    python benchmarks/cells.py [POINTS]

Prints wall seconds and processor seconds: on a busy machine only the latter say much.
"""

import sys
import time
from pathlib import Path

import h3.api.numpy_int as h3i
import numpy as np

import gridmap as gm

LSOA = Path(__file__).parents[1] / "data/west_yorkshire/lsoa_2011.geojson"


def timed(label, work, n=None, rounds=3):
    took = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (sorted(v)[rounds // 2] for v in zip(*took, strict=True))
    rate = f"{n / wall / 1e6:7.2f} M/s, {n / cpu / 1e6:6.2f} M per processor second" if n else ""
    print(f"{label:44} {wall:7.2f} s  cpu {cpu:6.2f} s  {rate}", flush=True)


def main(n=3_000_000):
    zones = gm.read_boundaries(LSOA)
    west, south, east, north = zones.total_bounds
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(west, east, n), rng.uniform(south, north, n)
    timed("tiling 2,029 km2, H3 resolution 10", lambda: gm.make_grid(zones, system="h3", resolution=10))
    grids = {
        "H3 resolution 9": gm.make_grid(zones, system="h3", resolution=9),
        "squares of 250 m": gm.make_grid(zones, system="square", cell_size_m=250),
        "1,388 zones": gm.make_grid(zones, system="zones"),
    }
    for name, grid in grids.items():
        grid.locate(lon[:10], lat[:10])
        timed(f"locate, {name}", lambda grid=grid: grid.locate(lon, lat), n)
    some = 200_000
    timed(
        "the h3 library, point by point",
        lambda: [h3i.latlng_to_cell(y, x, 9) for x, y in zip(lon[:some].tolist(), lat[:some].tolist(), strict=True)],
        some,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
