"""make_grid: one door to all grids, with clear answers to what cannot be done."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridmap as gm
from gridmap.errors import CRSError, InputError, SettingError


@pytest.fixture(scope="module")
def town():
    return gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(113.6, 34.7, 113.65, 34.75)], crs=4326)


SYSTEMS = [{"system": "h3", "resolution": 8}, {"system": "square", "cell_size_m": 400}, {"system": "zones"}]


@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda s: s["system"])
def test_every_grid_keeps_the_contract(town, settings):
    grid = gm.make_grid(town, **settings)
    assert isinstance(grid, gm.Grid)
    assert grid.cells.crs == "EPSG:4326"
    assert grid.cells.index.name == "cell_id"
    assert {"area_m2", "zone_id", "geometry"} <= set(grid.cells.columns)
    rows = grid.locate([113.62, np.nan, 0.0, np.inf], [34.72, 34.72, 0.0, 34.72])
    assert rows.dtype == np.int32
    assert rows[0] >= 0
    assert rows[1:].tolist() == [-1, -1, -1]
    near = grid.adjacency()
    assert near.shape == (len(grid), len(grid))
    assert near.diagonal().sum() == 0
    assert grid.locate([], []).tolist() == []


@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda s: s["system"])
def test_boundaries_in_any_crs_are_the_same_ground(town, settings):
    a, b = gm.make_grid(town, **settings), gm.make_grid(town.to_crs(32649), **settings)
    assert a.cells.index.tolist() == b.cells.index.tolist()


def test_what_cannot_be_divided_is_said(town):
    with pytest.raises(SettingError, match="Did you mean 'square'"):
        gm.make_grid(town, system="squares")
    with pytest.raises(SettingError, match="Did you mean 'resolution'"):
        gm.make_grid(town, system="h3", resolutoin=8)
    with pytest.raises(SettingError, match="needs resolution="):
        gm.make_grid(town, system="h3")
    with pytest.raises(InputError, match="found str"):
        gm.make_grid("town.geojson", system="zones")
    with pytest.raises(InputError, match="empty"):
        gm.make_grid(town.iloc[:0], system="zones")
    with pytest.raises(CRSError, match="no CRS"):
        gm.make_grid(town.set_crs(None, allow_override=True), system="zones")


@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda s: s["system"])
def test_boundaries_without_an_area_are_refused(settings):
    shapes = [shapely.Point(1, 1), shapely.LineString([(0, 0), (1, 1)]), shapely.Polygon(), None]
    zones = gpd.GeoDataFrame({"zone_id": list("abcd")}, geometry=shapes, crs=4326)
    with pytest.raises(InputError, match=r"no area.*found LineString, Point"):
        gm.make_grid(zones, **settings)


@pytest.mark.parametrize("settings", SYSTEMS, ids=lambda s: s["system"])
def test_an_empty_zone_among_others_does_no_harm(town, settings):
    zones = gpd.GeoDataFrame(
        {"zone_id": ["none", "a", "point"]}, geometry=[None, town.geometry[0], shapely.Point(113.6, 34.7)], crs=4326
    )
    grid = gm.make_grid(zones, **settings)
    row = grid.locate([113.62], [34.72])[0]
    assert grid.cells["zone_id"].iloc[row] == "a"


def test_two_zones_of_one_name_are_refused(town):
    twice = gpd.GeoDataFrame({"zone_id": ["a", "a"]}, geometry=[town.geometry[0], shapely.box(0, 0, 1, 1)], crs=4326)
    with pytest.raises(InputError, match="Two cells have the id 'a'"):
        gm.make_grid(twice, system="zones")
