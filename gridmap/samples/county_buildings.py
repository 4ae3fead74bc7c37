"""The people of the simulated county: blocks of flats and houses along its roads.

Where do people live? Households are shared out among the communities (multinomial, denser in town and near the
seat), then set into buildings beside the streets and lanes; a few stand apart. The sum of households is exact, so a
count by any grid can be checked against it.
"""

import numpy as np
import pandas as pd
import shapely

__all__ = ["make_buildings"]


def make_buildings(zones: pd.DataFrame, roads: pd.DataFrame, households: int, rng) -> pd.DataFrame:
    """Blocks of flats and houses along the roads, with exactly so many households."""
    near_seat = np.exp(-np.hypot(zones["x"], zones["y"]) / 9_000)
    pull = np.select([zones["urban"] == 2, zones["urban"] == 1], [2.3, 1.8], 0.75) * rng.lognormal(0, 0.2, len(zones))
    share = pull * (0.6 + near_seat)
    of_zone = rng.multinomial(households, share / share.sum())
    lines, line_of = shapely.get_parts(roads["geometry"].to_numpy(), return_index=True)
    level = roads["level"].to_numpy()[line_of]
    parts = []
    for z, (shape, urban) in enumerate(zip(zones["geometry"], zones["urban"], strict=True)):
        size = rng.choice([12, 24, 36, 48], 4_000, p=[0.25, 0.4, 0.25, 0.1]) if urban else rng.integers(1, 4, 4_000)
        if urban == 1:
            size = np.where(rng.random(4_000) < 0.6, rng.integers(1, 4, 4_000), size)
        until = np.searchsorted(np.cumsum(size), of_zone[z]) + 1
        size = size[:until].astype(int)
        size[-1] -= size.sum() - of_zone[z]
        own = lines[(level >= 3) & shapely.intersects(lines, shape)]
        own = shapely.get_parts(shapely.intersection(own, shape))
        own = own[shapely.length(own) > 20]
        xy = _along(own, shape, len(size), 90 if urban else 55, rng)
        kind = np.where(size > 8, "住宅楼", "平房" if urban else "村宅")
        parts.append(pd.DataFrame({"zone": z, "x": xy[:, 0], "y": xy[:, 1], "kind": kind, "households": size}))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["households"] > 0].reset_index(drop=True)
    per = np.where(frame["kind"] == "住宅楼", 2.6, 3.1)
    frame["persons"] = (frame["households"] + rng.poisson(frame["households"] * (per - 1))).astype(int)
    frame.insert(0, "building_id", [f"B{k + 1:06d}" for k in range(len(frame))])
    return frame


def _along(lines, shape, n: int, offset_m: float, rng) -> np.ndarray:
    """`n` places beside lines inside a polygon; some stand apart."""
    found = np.zeros((0, 2))
    west, south, east, north = shapely.bounds(shape)
    while len(found) < n:
        m = 2 * (n - len(found)) + 20
        if len(lines):
            length = shapely.length(lines)
            pick = rng.choice(len(lines), m, p=length / length.sum())
            xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[pick], rng.random(m) * length[pick]))
            xy = xy + rng.normal(0, offset_m, (m, 2))
        else:
            xy = np.zeros((m, 2)) + np.inf
        apart = (rng.random(m) < 0.08) | ~np.isfinite(xy[:, 0])
        xy[apart] = np.column_stack([rng.uniform(west, east, apart.sum()), rng.uniform(south, north, apart.sum())])
        found = np.vstack([found, np.round(xy[shapely.contains_xy(shape, *xy.T)], 1)])
    return found[:n]
