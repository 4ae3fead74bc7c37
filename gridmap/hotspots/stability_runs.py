"""From many runs to words and ranks: what a place's being hot depends on, and how far a hotspot's rank moves."""

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse.csgraph import connected_components

from gridmap.grids.base import Grid

__all__ = ["joined_cells", "places_of", "ranked_hotspots", "verdicts"]

FIRM = 0.9  # hot in at least this share of runs


def places_of(grid: Grid, territory) -> np.ndarray:
    """The middle of each cell, or of what of it lies inside the territory."""
    middle = grid.centroids_m.copy()
    shapely.prepare(territory)
    out = ~shapely.contains_xy(territory, *middle.T)
    if out.any():
        cells = grid.cells.geometry[out].to_crs(grid.metric_crs).to_numpy()
        inside = shapely.point_on_surface(shapely.intersection(cells, territory))
        there = ~shapely.is_empty(inside)
        middle[np.flatnonzero(out)[there]] = shapely.get_coordinates(inside[there])
    return middle


def joined_cells(hot: np.ndarray, grid: Grid) -> np.ndarray:
    """The hotspot each cell belongs to: hot cells that touch are one; −1 elsewhere."""
    label = np.full(len(hot), -1)
    if hot.any():
        label[hot] = connected_components(grid.adjacency()[hot][:, hot], directed=False)[1]
    return label


def verdicts(hot: np.ndarray, runs_hot: np.ndarray, variants: int) -> np.ndarray:
    """A word for each place: what its being hot depends on. The first `variants` rows are of other cells."""
    of_grid = runs_hot[:variants].mean(axis=0) >= FIRM if variants else np.ones(len(hot), bool)
    of_draw = runs_hot[variants:].mean(axis=0) >= FIRM if len(runs_hot) > variants else np.ones(len(hot), bool)
    words = np.select(
        [hot & of_grid & of_draw, hot & of_draw, hot & of_grid, hot, runs_hot.mean(axis=0) >= 0.5],
        ["drawn again", "depends on the grid", "depends on few incidents", "depends on both", "missed by this grid"],
        default="none",
    )
    return words.astype(object)


def ranked_hotspots(hotspots: np.ndarray, score: np.ndarray, runs_score: np.ndarray, cells) -> gpd.GeoDataFrame:
    """Hotspots by rank, with the ranks between which 90 % of the runs lie."""
    names = ["rank", "rank_low", "rank_high", "hot_share", "n_cells", "count", "area_m2", "geometry"]
    number = int(hotspots.max()) + 1 if len(hotspots) else 0
    if number == 0:
        return gpd.GeoDataFrame({n: [] for n in names}, geometry="geometry", crs=4326).rename_axis("cluster_id")
    members = [np.flatnonzero(hotspots == k) for k in range(number)]
    means = np.array([score[m].mean() for m in members])
    order = np.argsort(-means, kind="stable")
    runs = np.array([np.nanmean(runs_score[:, members[k]], axis=1) for k in order])
    ranks = (-runs).argsort(axis=0, kind="stable").argsort(axis=0) + 1
    low, high = np.quantile(ranks, [0.05, 0.95], axis=1, method="nearest")
    rows = [
        {
            "rank": i + 1,
            "rank_low": int(low[i]),
            "rank_high": int(high[i]),
            "hot_share": float(cells["hot_share"].to_numpy()[members[k]].mean()),
            "n_cells": len(members[k]),
            "count": int(cells["count"].to_numpy()[members[k]].sum()),
            "area_m2": float(cells["area_m2"].to_numpy()[members[k]].sum()),
            "geometry": shapely.union_all(cells.geometry.to_numpy()[members[k]]),
        }
        for i, k in enumerate(order)
    ]
    return gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=4326).rename_axis("cluster_id")
