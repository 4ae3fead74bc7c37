"""Zones and points for the benchmark: a true partition with wiggling borders, points in clusters; fixed seeds."""

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

BOUNDS = (120.0, 30.0, 121.0, 31.0)  # about 95 × 111 km


def partition(zones: int, vertices: int, seed: int) -> gpd.GeoDataFrame:
    """A lattice of quadrangles with moved corners and wiggling sides, each side shared by two zones."""
    rng = np.random.default_rng(seed)
    across = int(np.ceil(zones**0.5))
    down = int(np.ceil(zones / across))
    west, south, east, north = BOUNDS
    x, y = np.meshgrid(np.linspace(west, east, across + 1), np.linspace(south, north, down + 1))
    inner_x, inner_y = np.ones_like(x), np.ones_like(y)
    inner_x[:, [0, -1]], inner_y[[0, -1]] = 0, 0
    corner = np.stack(
        [
            x + inner_x * rng.uniform(-0.2, 0.2, x.shape) * (east - west) / across,
            y + inner_y * rng.uniform(-0.2, 0.2, y.shape) * (north - south) / down,
        ],
        axis=-1,
    )
    steps = max(vertices // 4, 2)

    def side(a, b):
        t = np.linspace(0, 1, steps + 1)
        wiggle = np.cumsum(rng.normal(size=steps + 1)) * np.sin(np.pi * t) ** 2
        wiggle *= 0.05 / (np.abs(wiggle).max() + 1e-9)
        along = b - a
        return a + t[:, None] * along + wiggle[:, None] * np.array([-along[1], along[0]])

    flat = [[side(corner[j, i], corner[j, i + 1]) for i in range(across)] for j in range(down + 1)]
    tall = [[side(corner[j, i], corner[j + 1, i]) for i in range(across + 1)] for j in range(down)]
    shapes = [
        shapely.Polygon(np.concatenate([flat[j][i][:-1], tall[j][i + 1][:-1], flat[j + 1][i][:0:-1], tall[j][i][::-1]]))
        for j in range(down)
        for i in range(across)
    ][:zones]
    frame = gpd.GeoDataFrame({"zone_id": [f"z{k}" for k in range(zones)]}, geometry=shapes, crs=4326)
    if not frame.is_valid.all() or not shapely.coverage_is_valid(frame.geometry.to_numpy()):
        raise ValueError("The benchmark's zones are no partition; take another seed.")
    return frame


def points(path, n: int, seed: int, part: int = 10_000_000) -> None:
    """`n` points in 300 clusters over a thin even background, 3 % of them outside; Parquet, written in parts."""
    fixed = np.random.default_rng(seed)
    west, south, east, north = BOUNDS
    centre = fixed.uniform((west, south), (east, north), (300, 2))
    weight, spread = fixed.dirichlet(np.full(300, 0.5)), fixed.uniform(0.002, 0.03, 300)
    schema = pa.schema([("lon", pa.float64()), ("lat", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="snappy") as file:
        for start in range(0, n, part):
            rng = np.random.default_rng([seed, start])
            size = min(part, n - start)
            which = rng.choice(300, size, p=weight)
            xy = centre[which] + rng.normal(size=(size, 2)) * spread[which][:, None]
            even = rng.random(size) < 0.2
            xy[even] = rng.uniform((west - 0.02, south - 0.02), (east + 0.02, north + 0.02), (even.sum(), 2))
            file.write_table(pa.table({"lon": xy[:, 0], "lat": xy[:, 1]}), row_group_size=122_880)
