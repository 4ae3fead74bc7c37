"""A small territory with results on it, and a browser for it."""

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.hotspots.result import HotspotResult

from ..browser import Browser
from ..needs import require

LABELS = ["hot 99", "hot 95", "hot 90", "none", "cold 90", "cold 95", "cold 99"]


@pytest.fixture(scope="session")
def browser():
    """Chromium without a network."""
    require("browser")
    chromium = Browser()
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def hexes() -> pd.DataFrame:
    """127 H3 cells of resolution 9 around a centre, without geometry, the counts falling off from it."""
    ids = [c for k in range(7) for c in sorted(h3.grid_ring("891942c5d0fffff", k))]
    distance = np.array([h3.grid_distance("891942c5d0fffff", c) for c in ids])
    count = (30 / (1 + distance**2)).astype(int)
    return pd.DataFrame({"count": count}, index=pd.Index(ids, name="cell_id"))


def as_result(cells: pd.DataFrame, **params) -> HotspotResult:
    """A Gi* result made by hand: the middle hot, the rim cold."""
    z = (cells["count"] - 2) / 2.0
    label = pd.cut(cells["count"], [-1, 0, 1, 3, 7, 100], labels=["cold 95", "none", "hot 90", "hot 95", "hot 99"])
    p = np.exp(-z.abs())
    return HotspotResult(
        cells.assign(z_score=z, p_value=p, q_value=p, label=label.astype(str)),
        "getis_ord",
        {"order": 1, "fdr": 0.05} | params,
    )


@pytest.fixture(scope="session")
def hot(hexes) -> HotspotResult:
    return as_result(hexes)


@pytest.fixture(scope="session")
def clustered() -> HotspotResult:
    hulls = [shapely.Point(-1.55, 53.80).buffer(0.004), shapely.Point(-1.535, 53.795).buffer(0.003)]
    clusters = gpd.GeoDataFrame(
        {"count": [48, 20], "rank": [1, 2], "area_m2": [5e5, 3e5]},
        geometry=hulls,
        crs=4326,
        index=pd.Index([0, 1], name="cluster_id"),
    )
    return HotspotResult(pd.DataFrame(), "hdbscan", {"min_cluster_size": 15}, clusters=clusters)


@pytest.fixture(scope="session")
def town(hexes) -> gpd.GeoDataFrame:
    """Four zones in two districts over the hexes."""
    points = np.array([h3.cell_to_latlng(c)[::-1] for c in hexes.index])
    (x0, y0), (x1, y1) = points.min(axis=0) - 0.003, points.max(axis=0) + 0.003
    xm, ym = (x0 + x1) / 2 + 0.002, (y0 + y1) / 2 + 0.001
    boxes = [shapely.box(*b) for b in ((x0, y0, xm, ym), (xm, y0, x1, ym), (x0, ym, xm, y1), (xm, ym, x1, y1))]
    return gpd.GeoDataFrame(
        {
            "zone_id": ["A1", "A2", "B1", "B2"],
            "name": ["Harehills", "Seacroft", "人民街社区", "Gipton"],
            "level": "community",
            "parent_id": ["A", "A", "B", "B"],
            "persons": [1000, 2000, 3000, 4000],
        },
        geometry=boxes,
        crs=4326,
    )


@pytest.fixture(scope="session")
def placed(hexes, town) -> HotspotResult:
    """The Gi* result with shapes and zones, as a method gives it for a Grid."""
    shapes = [shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(c)]) for c in hexes.index]
    cells = gpd.GeoDataFrame(hexes.copy(), geometry=shapes, crs=4326)
    cells["area_m2"] = 105_000.0
    centre = cells.geometry.to_crs(27700).centroid.to_crs(4326)
    cells["zone_id"] = [
        next(z for z, g in zip(town["zone_id"], town.geometry, strict=True) if g.contains(c)) for c in centre
    ]
    return as_result(cells)
