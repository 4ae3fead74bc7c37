"""Levels add up: grids to communities, communities to streets, streets to the county."""

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import InputError, SettingError
from gridmap.grids.hierarchy import drill_down, grid_hierarchy, roll_up
from gridmap.grids.population import population_by_cell
from gridmap.grids.tiling import make_grid
from gridmap.samples import simulated_county


@pytest.fixture(scope="module")
def county():
    return simulated_county(random_state=1, households=6_000, events=3_000)


@pytest.fixture(scope="module")
def grid(county):
    return make_grid(county.boundaries, system="balanced", atoms=county.buildings, target=60, tolerance=0.2)


def test_every_level_agrees_with_the_one_below(county, grid):
    table = grid_hierarchy(grid, county.boundaries, county.streets)
    assert table["level"].value_counts().to_dict() == {
        "grid": len(grid),
        "community": len(county.boundaries),
        "street": 10,
        "top": 1,
    }
    row = grid.locate(*county.incidents.lonlat())
    counts = pd.DataFrame(
        {"count": np.bincount(row[row >= 0], minlength=len(grid)), "households": grid.cells["households"]},
        index=grid.cells.index,
    )
    rolled = roll_up(counts, table, rate={"per_1000": ("count", "households", 1000)})
    for level in ("grid", "community", "street", "top"):
        assert rolled.loc[rolled["level"] == level, "count"].sum() == counts["count"].sum()
    top = rolled[rolled["parent_id"].isna()].iloc[0]
    assert top["per_1000"] == pytest.approx(counts["count"].sum() / 6000 * 1000)
    below = drill_down(rolled, "990101001")
    assert below["count"].sum() == rolled.loc["990101001", "count"]
    assert below["count"].is_monotonic_decreasing
    named = county.boundaries.set_index("zone_id")["households"]
    assert (rolled.loc[named.index, "households"] == named).all()


def test_hotspot_labels_become_numbers_of_cells():
    table = pd.DataFrame({"level": list("ccz"), "name": list("xyz"), "parent_id": ["z", "z", None]}, index=list("xyz"))
    values = pd.DataFrame({"count": [1, 2], "z_score": [0.1, 3.0], "label": ["none", "hot 99"]}, index=list("xy"))
    rolled = roll_up(values, table)
    assert rolled.loc["z", ["count", "hot_cells", "cold_cells"]].tolist() == [3, 1, 0]
    assert "z_score" not in rolled


def test_wrong_hierarchies_are_named():
    circle = pd.DataFrame({"level": list("ab"), "name": list("ab"), "parent_id": ["b", "a"]}, index=list("ab"))
    with pytest.raises(InputError, match="circle"):
        roll_up(pd.Series({"a": 1}), circle)
    table = pd.DataFrame({"level": ["z"], "name": ["z"], "parent_id": [None]}, index=["z"])
    with pytest.raises(InputError, match="no unit"):
        roll_up(pd.Series({"q": 1}), table)
    with pytest.raises(SettingError, match="persons"):
        roll_up(pd.Series({"z": 1}, name="count"), table, rate={"r": ("count", "persons", 1)})
    with pytest.raises(InputError, match="no unit"):
        drill_down(roll_up(pd.Series({"z": 1}), table), "q")


def test_population_from_points_zones_and_buildings_is_conserved(county, grid):
    total = county.buildings["households"].sum()
    by_points = population_by_cell(grid, county.buildings, column="households")
    assert by_points.sum() + by_points.attrs["outside"] == total
    assert np.allclose(by_points, grid.cells["households"], atol=8)  # a building on a border may lie on either side
    squares = make_grid(county.boundaries, system="square", cell_size_m=2000)
    for options in ({}, {"buildings": county.buildings}, {"buildings": county.buildings, "weight": "households"}):
        found = population_by_cell(squares, county.boundaries, column="households", **options)
        assert found.sum() + found.attrs["outside"] == pytest.approx(total)
    real = population_by_cell(squares, county.buildings, column="households")
    by_area = population_by_cell(squares, county.boundaries, column="households")
    assert np.allclose(found, real)
    assert np.abs(found - real).sum() < 0.1 * np.abs(by_area - real).sum()
    with pytest.raises(InputError, match="households"):
        population_by_cell(grid, county.boundaries, column="househods")


def test_population_of_a_raster(shared_data):
    import geopandas as gpd
    import rasterio

    places = gpd.read_file(shared_data / "population" / "concelhos.gpkg").to_crs(4326)
    zones = gpd.GeoDataFrame({"zone_id": [str(k) for k in range(len(places))]}, geometry=places.geometry, crs=4326)
    path = shared_data / "population" / "gpw_v411_2020_count_2020.tif"
    found = population_by_cell(make_grid(zones, system="zones"), path)
    with rasterio.open(path) as raster:
        total = raster.read(1, masked=True).sum()
    assert found.sum() + found.attrs["outside"] == pytest.approx(total)
    assert 0.9 * total < found.sum() <= total
