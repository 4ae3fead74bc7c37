"""Squares: a point's cell is arithmetic in a metric CRS."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.errors import CRSError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.read.metric_projection import project, unproject


@pytest.fixture(scope="module")
def town():
    blob = shapely.Point(113.62, 34.75).buffer(0.05).difference(shapely.box(113.6, 34.74, 113.62, 34.76))
    return gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[blob], crs=4326)


@pytest.mark.parametrize("size", [100, 333.3, 1000])
def test_a_cell_is_the_floor_of_metres(town, size):
    grid = make_grid(town, system="square", cell_size_m=size)
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(113.5, 113.75, 20_000), rng.uniform(34.65, 34.85, 20_000)
    x, y = project(lon, lat, grid.params["crs"])
    names = [f"{int(i)}_{int(j)}" for i, j in zip(np.floor(x / size), np.floor(y / size), strict=True)]
    row = {cell: k for k, cell in enumerate(grid.cells.index)}
    assert grid.locate(lon, lat).tolist() == [row.get(name, -1) for name in names]


def test_no_part_of_the_territory_is_lost(town):
    grid = make_grid(town, system="square", cell_size_m=250)
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(113.5, 113.75, 20_000), rng.uniform(34.65, 34.85, 20_000)
    inside = shapely.contains_xy(town.geometry[0], lon, lat)
    assert (grid.locate(lon[inside], lat[inside]) >= 0).all()
    hole = grid.locate([113.61], [34.75])
    assert hole.tolist() == [-1]


def test_shares_add_up_to_the_territory(town):
    grid = make_grid(town, system="square", cell_size_m=250)
    area = town.to_crs(grid.params["crs"]).area.sum()
    assert (grid.cells["share_inside"] * grid.cells["area_m2"]).sum() == pytest.approx(area, rel=1e-4)


def test_the_same_ground_has_the_same_ids_whatever_the_territory(town):
    part = gpd.GeoDataFrame({"zone_id": ["p"]}, geometry=[shapely.box(113.60, 34.76, 113.61, 34.77)], crs=4326)
    whole = make_grid(town, system="square", cell_size_m=200)
    assert set(make_grid(part, system="square", cell_size_m=200).cells.index) <= set(whole.cells.index)


def test_a_point_on_a_corner_belongs_north_east():
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(117, 30, 117.1, 30.1)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=1000)
    lon, lat = unproject([501_000.0], [3_321_000.0], grid.params["crs"])
    x, y = project(lon, lat, grid.params["crs"])
    assert grid.cells.index[grid.locate(lon, lat)[0]] == f"{int(x[0] // 1000)}_{int(y[0] // 1000)}"


def test_eight_neighbours(town):
    grid = make_grid(town, system="square", cell_size_m=500)
    near = grid.adjacency()
    assert (near != near.T).nnz == 0
    assert near.sum(axis=1).max() == 8
    x, y = zip(*(map(int, cell.split("_")) for cell in grid.cells.index), strict=True)
    k = int(np.argmax(near.sum(axis=1)))
    for other in near.indices[near.indptr[k] : near.indptr[k + 1]]:
        assert max(abs(x[k] - x[other]), abs(y[k] - y[other])) == 1


def test_sizes_and_crs_that_make_no_sense(town):
    for size in (0, -5, np.nan, "big", None):
        with pytest.raises(SettingError, match="side of a square in metres"):
            make_grid(town, system="square", cell_size_m=size)
    with pytest.raises(SettingError, match="at most 5,000,000"):
        make_grid(town, system="square", cell_size_m=0.5)
    with pytest.raises(CRSError, match="degree"):
        make_grid(town, system="square", cell_size_m=100, crs=4326)
