"""Zones as they are: jagged borders, a quarter of them in several parts with islands anywhere.

How long do a grid of such zones and the join of points to them take, and does it stay in proportion? Cells of a
territory get fractal borders that neighbours share corner for corner; then a fifth of the cells are given to zones
anywhere else, as islands. Prints time, processor time and memory for 5,000, 20,000 and 80,000 cells (about 200
vertices each), the share of the overlap test, and the exponent.

Usage: python benchmarks/jagged_zones.py [zones …]
"""

import resource
import sys
import time

import geopandas as gpd
import numpy as np
import shapely

import gridmap as gm
from gridmap.grids.zones import overlapping


def jagged_zones(n, *, vertices=200, multipart=0.25, seed=0):
    """About `n` zones that tile a territory, `multipart` of them with one island or more among the others.

    Returns
    -------
    array of Polygon and MultiPolygon, lon/lat
    """
    rng = np.random.default_rng(seed)
    islands = int(n * multipart)
    side = int(np.ceil(np.sqrt(n + islands)))
    step = 0.02
    steps = max(vertices // 4, 1)
    at = np.stack(np.meshgrid(np.arange(side + 1), np.arange(side + 1), indexing="ij"), axis=-1) * step
    at = at + rng.uniform(-0.1, 0.1, at.shape) * step

    def between(a, b):
        """Fractal lines from a to b, shape (…, steps + 1, 2)."""
        t = np.linspace(0, 1, steps + 1)[:, None]
        line = a[..., None, :] * (1 - t) + b[..., None, :] * t
        width = step * 0.06
        for octave in range(1, 5):
            phase = rng.uniform(0, 2 * np.pi, (*a.shape[:-1], 1, 1))
            wave = np.sin(np.pi * t) ** 2 * np.sin(2 ** (octave + 1) * np.pi * t + phase) / 2**octave
            line = line + width * wave
        return line

    across, up = between(at[:-1], at[1:]), between(at[:, :-1], at[:, 1:])
    south, north = across[:, :-1], across[:, 1:]
    west, east = up[:-1], up[1:]
    rings = np.concatenate([south[..., :-1, :], east[..., :-1, :], north[..., :0:-1, :], west[..., ::-1, :]], axis=-2)
    rings = rings.reshape(-1, rings.shape[-2], 2)
    cells = shapely.polygons(rings)
    order = rng.permutation(len(cells))
    lost, homes = order[:islands], order[islands:]
    owner = np.arange(len(cells))
    owner[lost] = rng.choice(homes, islands)
    place = np.stack(np.divmod(np.arange(len(cells)), side), axis=-1)
    beside = np.abs(place[lost] - place[owner[lost]]).max(axis=1) <= 1
    owner[lost[beside]] = lost[beside]  # an island is not next to its home
    by_zone = np.argsort(owner, kind="stable")
    return shapely.multipolygons(cells[by_zone], indices=np.unique(owner[by_zone], return_inverse=True)[1])


def main():
    sizes = [int(a) for a in sys.argv[1:]] or [5_000, 20_000, 80_000]
    rng = np.random.default_rng(1)
    before = None
    for n in sizes:
        zones = jagged_zones(n)
        corners = int(shapely.get_num_coordinates(zones).sum())
        several = int((shapely.get_num_geometries(zones) > 1).sum())
        frame = gpd.GeoDataFrame({"zone_id": np.arange(len(zones)).astype(str)}, geometry=zones, crs=4326)
        began, used = time.perf_counter(), time.process_time()
        overlapping(zones)
        overlaps_s = time.process_time() - used
        used = time.process_time()
        grid = gm.make_grid(frame, system="zones")
        made, cpu = time.perf_counter() - began - overlaps_s, time.process_time() - used
        west, south, east, north = frame.total_bounds
        lon, lat = rng.uniform(west, east, 2_000_000), rng.uniform(south, north, 2_000_000)
        began = time.perf_counter()
        grid.locate(lon[:1], lat[:1])
        raster = time.perf_counter() - began
        began = time.perf_counter()
        grid.locate(lon, lat)
        join = time.perf_counter() - began
        memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        grown = "" if before is None else f", exponent {np.log(cpu / before[1]) / np.log(n / before[0]):.2f}"
        before = n, cpu
        print(
            f"{len(zones):,} zones, {several:,} in several parts, {corners:,} vertices: make_grid {made:.1f} s "
            f"({cpu:.1f} s processor, overlaps {overlaps_s:.1f}){grown}; raster {raster:.1f} s; "
            f"2 M points {join:.2f} s; peak {memory_gb:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
