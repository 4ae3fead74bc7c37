"""Zones as they are: jagged borders, a quarter of them in several parts with islands anywhere.

How long do a grid of such zones and the join of points to them take, and does it stay in proportion? Cells of a
territory get fractal borders that neighbours share corner for corner; then a fifth of the cells are given to zones
anywhere else, as islands. Prints time, processor time and memory for 5,000, 20,000 and 80,000 cells (about 200
vertices each), the share of the overlap test, and the exponent. Then the same for real coverages with islands or
jagged borders: those of the shared data that are here, and whatever files GRIDMAP_REAL_ZONES names (separated as in
PATH), such as a country's municipalities; what is not here is passed over by name.

Usage: python benchmarks/jagged_zones.py [zones …]
       python benchmarks/jagged_zones.py --run 100000   (a whole run over so many: page, layers, results)
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
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


SHARED = Path(__file__).parents[2] / "shared" / "data"
REAL = {
    "six municipalities of an island": SHARED / "population" / "concelhos.gpkg",
    "1,388 areas of West Yorkshire": SHARED / "west_yorkshire" / "lsoa_2011.geojson",
    "77 community areas of Chicago": SHARED / "chicago" / "chicago77_wgs84.geojson",
}


def measure(name, frame):
    """Print what a grid of these zones and two million points in it cost; zones and processor seconds of the grid."""
    zones = frame.geometry.to_numpy()
    corners = int(shapely.get_num_coordinates(zones).sum())
    several = int((shapely.get_num_geometries(zones) > 1).sum())
    used = time.process_time()
    overlapping(zones)
    overlaps_s = time.process_time() - used
    used = time.process_time()
    grid = gm.make_grid(frame, system="zones")
    made = time.process_time() - used
    west, south, east, north = frame.total_bounds
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(west, east, 2_000_000), rng.uniform(south, north, 2_000_000)
    used = time.process_time()
    grid.expect(len(lon))
    raster = time.process_time() - used
    used = time.process_time()
    grid.locate(lon, lat)
    join = time.process_time() - used
    used = time.process_time()
    grid.adjacency()
    near = time.process_time() - used
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{name}: {len(zones):,} zones, {several:,} in several parts, {corners:,} corners; processor seconds: "
        f"make_grid {made:.2f} (overlaps {overlaps_s:.2f}), raster {raster:.2f}, 2 M points {join:.2f}, "
        f"neighbours {near:.2f}; peak so far {memory_gb:.2f} GB",
        flush=True,
    )
    return len(zones), made


def real():
    """The real coverages that are here."""
    named = [Path(p) for p in os.environ.get("GRIDMAP_REAL_ZONES", "").split(os.pathsep) if p]
    for name, path in {**REAL, **{path.name: path for path in named}}.items():
        if not path.is_file():
            print(f"{name}: left out, the file is not here")
            continue
        plain = gpd.read_file(path)[["geometry"]]
        plain = plain[~(plain.geometry.isna() | plain.geometry.is_empty)].reset_index(drop=True)
        plain = plain if plain.crs is not None else plain.set_crs(4326)  # TopoJSON says none, and is in degrees
        measure(name, gm.read_boundaries(plain.assign(zone_id=np.arange(len(plain)).astype(str))))


def whole_run(n):
    """Print time and memory of a run over `n` cells of jagged zones with 100,000 incidents."""
    from gridmap.runs.config import read_pipeline
    from gridmap.runs.run import run_pipeline

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if os.fork() == 0:  # made in a process of its own, so that the run's memory is its own
            zones = jagged_zones(n)
            frame = gpd.GeoDataFrame({"zone_id": [f"z{i}" for i in range(len(zones))]}, geometry=zones, crs=4326)
            frame.to_parquet(home / "zones.parquet")
            rng = np.random.default_rng(1)
            (west, south, east, north), middle = frame.total_bounds, rng.integers(0, 300, 100_000)
            near, cx, cy = rng.random(100_000) < 0.6, rng.uniform(west, east, 300), rng.uniform(south, north, 300)
            lon = np.where(near, cx[middle] + rng.normal(0, 0.03, 100_000), rng.uniform(west, east, 100_000))
            lat = np.where(near, cy[middle] + rng.normal(0, 0.03, 100_000), rng.uniform(south, north, 100_000))
            minute = pd.to_timedelta(rng.integers(0, 365 * 24 * 60, 100_000), unit="min")
            when = (pd.Timestamp("2025-01-01") + minute).strftime("%Y-%m-%d %H:%M")
            table = {"incident_id": np.arange(100_000), "time": when, "category": "theft", "lon": lon, "lat": lat}
            pd.DataFrame(table).to_csv(home / "incidents.csv", index=False)
            os._exit(0)
        os.wait()
        text = (
            "title: Theft\nboundaries: {path: zones.parquet}\ngrid: {system: zones}\nincidents: {path: incidents.csv}\n"
            "hotspots:\n  - hotspot_test: {}\noutputs: {map: map.html, layers: layers.gpkg, counts: counts.parquet}\n"
        )
        (home / "run.yaml").write_text(text, encoding="utf-8")

        def said(step):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(f"  {step}: so far {time.process_time():.0f} s of processor time, peak {peak:.2f} GB", flush=True)

        run_pipeline(read_pipeline(home / "run.yaml"), home / "out", on_step=said)
        said("end")


def main():
    if sys.argv[1:2] == ["--run"]:
        whole_run(int(sys.argv[2]))
        return
    before = None
    for n in [int(a) for a in sys.argv[1:]] or [5_000, 20_000, 80_000]:
        zones = jagged_zones(n)
        frame = gpd.GeoDataFrame({"zone_id": np.arange(len(zones)).astype(str)}, geometry=zones, crs=4326)
        found, cpu = measure("invented", frame)
        if before is not None:
            print(f"  exponent of make_grid {np.log(cpu / before[1]) / np.log(found / before[0]):.2f}")
        before = found, cpu
    real()


if __name__ == "__main__":
    main()
