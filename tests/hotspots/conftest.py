"""A small square territory that the statistics are tried on."""

import geopandas as gpd
import pytest
from shapely.geometry import box

import gridmap as gm


@pytest.fixture(scope="session")
def small_grid():
    """About 12 × 12 squares of 500 m."""
    zone = gpd.GeoDataFrame(
        {"zone_id": ["z"], "name": ["town"]}, geometry=[box(500_100, 5_900_100, 505_900, 5_905_900)], crs=32630
    )
    return gm.make_grid(gm.read_boundaries(zone), system="square", cell_size_m=500)
