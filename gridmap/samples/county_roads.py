"""The roads of the simulated county, and the cameras along them.

A trunk road runs through the seat, main roads lead to the towns and around the county, the seat and the towns have
a net of streets, and lanes join towns and villages along the shortest tree (minimum spanning tree).
Cameras stand at random along all but the lanes.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely
from scipy.sparse.csgraph import minimum_spanning_tree

from gridmap.grids.regionalization.mosaic import Plane
from gridmap.samples.county_territory import ESTATES, SEAT_M

__all__ = ["make_cameras", "make_roads"]


def make_roads(zones: pd.DataFrame, seats: pd.DataFrame, rng) -> pd.DataFrame:
    """A trunk road through the seat, roads to the towns, a street net in the seat, lanes to the villages."""
    rows: list[dict[str, Any]] = []

    def add(name, kind, level, xy):
        rows.append({"road_id": f"R{len(rows) + 1:04d}", "name": name, "kind": kind, "level": level})
        rows[-1]["geometry"] = shapely.linestrings(xy)

    def bent(a, b, sway):
        at = np.linspace(0, 1, 12)[:, None]
        side = np.array([a[1] - b[1], b[0] - a[0]])
        return a + (b - a) * at + side * (np.sin(at * np.pi) * rng.normal(0, sway) + np.sin(at * 6.28) * sway / 3)

    seat = np.array([0.0, 0.0])
    towns = seats.loc[~seats["urban"], ["x", "y"]].to_numpy()
    for k, town in enumerate(towns):
        name = seats["name"].to_numpy()[~seats["urban"]][k]
        add(f"望{name[0]}路", "国道" if k in (0, 3) else "主干路", 1 if k in (0, 3) else 2, bent(seat, town, 0.06))
    ring = np.argsort(np.arctan2(towns[:, 1], towns[:, 0]))
    for a, b in zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True):
        add("环县路", "主干路", 2, bent(towns[a], towns[b], 0.05))
    for k, at in enumerate(np.arange(-2_800, 2_801, 400).tolist()):
        half = np.sqrt(max(SEAT_M**2 - at**2, 0)) * 0.97
        kind, level = ("主干路", 2) if k % 3 == 1 else ("街道", 3)
        add(f"{ESTATES[k % 20]}路", kind, level, np.array([[at, -half], [at, half]]))
        add(f"{ESTATES[(k + 7) % 20]}街", kind, level, np.array([[-half, at], [half, at]]))
    for k, town in enumerate(towns):
        for at in (-450, -150, 150, 450):
            name = seats["name"].to_numpy()[~seats["urban"]][k][:-1]
            add(f"{name}街", "街道", 3, town + np.array([[at, -700], [at, 700]]))
            add(f"{name}巷", "街道", 3, town + np.array([[-700, at], [700, at]]))
    villages = zones.loc[zones["urban"] == 0, ["x", "y"]].to_numpy()
    stops = np.vstack([towns, villages])
    tree = minimum_spanning_tree(scipy.spatial.distance_matrix(stops, stops)).tocoo()
    for a, b in zip(tree.row.tolist(), tree.col.tolist(), strict=True):
        add("村道", "村道", 4, bent(stops[a], stops[b], 0.08))
    for village in villages:
        for _ in range(3):
            turn = rng.uniform(0, np.pi)
            arm = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(220, 450)
            add("村道", "村道", 4, np.vstack([village - arm, village + arm]))
    whole = shapely.buffer(shapely.union_all(zones["geometry"].to_numpy()), 5)
    frame = pd.DataFrame(rows)
    frame["geometry"] = shapely.intersection(frame["geometry"].to_numpy(), whole)
    return frame[~shapely.is_empty(frame["geometry"].to_numpy())].reset_index(drop=True)


def make_cameras(roads: pd.DataFrame, seats: pd.DataFrame, plane: Plane, rng) -> gpd.GeoDataFrame:
    """Cameras along the main roads and in the seats."""
    lines = shapely.get_parts(roads.loc[roads["level"] <= 3, "geometry"].to_numpy())
    length = shapely.length(lines)
    pick = rng.choice(len(lines), 260, p=length / length.sum())
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines[pick], rng.random(260) * length[pick]))
    return gpd.GeoDataFrame(
        {"camera_id": [f"C{k + 1:04d}" for k in range(len(at))]},
        geometry=shapely.points(plane.to_degrees(at)),
        crs=4326,
    )
