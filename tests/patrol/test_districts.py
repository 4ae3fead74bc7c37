"""Districts are contiguous, cover everything once and are more even than a plain cut."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.sparse.csgraph import connected_components
from shapely import box

import gridmap as gm
from gridmap.patrol.districts import patrol_districts


@pytest.fixture(scope="module")
def town():
    land = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[box(0, 0, 0.1, 0.1)], crs=4326)
    grid = gm.make_grid(land, system="square", cell_size_m=500)
    x, y = grid.centroids.T
    middle = np.exp(-((x - 0.03) ** 2 + (y - 0.05) ** 2) / 0.001)
    return grid, pd.Series(np.random.default_rng(0).poisson(20 * middle + 0.5), grid.cells.index)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_every_cell_is_in_one_contiguous_district(town, n):
    grid, calls = town
    found = patrol_districts(calls, grid, n=n, random_state=1)
    district = found.attrs["district"]
    assert sorted(district.unique()) == list(range(1, n + 1))
    assert district.index.equals(grid.cells.index)
    assert found["calls"].sum() == calls.sum()
    links = grid.adjacency()
    for k in range(1, n + 1):
        mine = np.flatnonzero(district == k)
        assert connected_components(links[mine][:, mine], directed=False)[0] == 1


def test_work_is_more_even_than_in_columns_of_equal_area(town):
    grid, calls = town
    columns = np.digitize(grid.centroids[:, 0], np.quantile(grid.centroids[:, 0], [0.2, 0.4, 0.6, 0.8]))
    found = patrol_districts(calls, grid, n=5, today=columns, random_state=0)
    assert found.attrs["inequality"] < 0.05 < found.attrs["today"]["inequality"]
    assert 0 < found.attrs["moved"] < 1


def test_the_same_seed_gives_the_same_districts(town):
    grid, calls = town
    a, b = (patrol_districts(calls, grid, n=4, random_state=3).attrs["district"] for _ in range(2))
    pd.testing.assert_series_equal(a, b)


def test_two_islands_cannot_be_one_contiguous_district():
    land = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=[box(0, 0, 0.02, 0.02), box(1, 0, 1.02, 0.02)], crs=4326)
    grid = gm.make_grid(land, system="square", cell_size_m=500)
    with pytest.raises(gm.errors.InputError, match="2 or more"):
        patrol_districts(pd.Series(1, grid.cells.index), grid, n=1)


def test_wrong_calls_are_refused(town):
    grid, calls = town
    for bad, words in (
        (calls.iloc[1:], "a value for every cell"),
        (calls * 0, "not all 0"),
        (calls.astype(float).where(lambda s: s > 0), "must be finite"),
        ([1, 2], "must be a Series"),
    ):
        with pytest.raises(gm.errors.InputError, match=words):
            patrol_districts(bad, grid, n=2)
    with pytest.raises(gm.errors.SettingError, match="n counts the districts"):
        patrol_districts(calls, grid, n=0)
