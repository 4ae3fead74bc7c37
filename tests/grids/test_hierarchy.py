"""Levels add up: grids to communities, communities to streets, streets to the county."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import InputError, SettingError
from gridmap.grids.hierarchy import drill_down, grid_hierarchy, roll_up
from gridmap.grids.population import population_by_cell
from gridmap.grids.systems import make_grid
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
    by_points = population_by_cell(county.buildings, grid, column="households")
    assert by_points.sum() + by_points.attrs["outside"] == total
    assert np.allclose(by_points, grid.cells["households"], atol=8)  # a building on a border may lie on either side
    squares = make_grid(county.boundaries, system="square", cell_size_m=2000)
    for options in ({}, {"buildings": county.buildings}, {"buildings": county.buildings, "weight": "households"}):
        found = population_by_cell(county.boundaries, squares, column="households", **options)
        assert found.sum() + found.attrs["outside"] == pytest.approx(total)
    real = population_by_cell(county.buildings, squares, column="households")
    by_area = population_by_cell(county.boundaries, squares, column="households")
    assert np.allclose(found, real)
    assert np.abs(found - real).sum() < 0.1 * np.abs(by_area - real).sum()
    with pytest.raises(InputError, match="households"):
        population_by_cell(county.boundaries, grid, column="househods")


def test_population_of_a_raster(shared_data):
    import geopandas as gpd
    import rasterio

    places = gpd.read_file(shared_data / "population" / "concelhos.gpkg").to_crs(4326)
    zones = gpd.GeoDataFrame({"zone_id": [str(k) for k in range(len(places))]}, geometry=places.geometry, crs=4326)
    path = shared_data / "population" / "gpw_v411_2020_count_2020.tif"
    found = population_by_cell(path, make_grid(zones, system="zones"))
    with rasterio.open(path) as raster:
        total = raster.read(1, masked=True).sum()
    assert found.sum() + found.attrs["outside"] == pytest.approx(total)
    assert 0.9 * total < found.sum() <= total


@st.composite
def trees(draw):
    """A random hierarchy of up to five levels, and whole numbers on its leaves; some units have nothing below."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = [["u0"]]
    rows = [("u0", "level 0", None)]
    for depth in range(1, draw(st.integers(1, 4)) + 1):
        own = [f"u{depth}_{k}" for k in range(draw(st.integers(1, 12)))]
        rows += [(unit, f"level {depth}", str(rng.choice(levels[-1]))) for unit in own]
        levels.append(own)
    table = pd.DataFrame(rows, columns=["unit_id", "level", "parent_id"]).set_index("unit_id")
    table.insert(1, "name", table.index)
    values = pd.DataFrame(
        {
            "count": rng.integers(0, 50, len(levels[-1])),
            "persons": rng.integers(0, 900, len(levels[-1])),
            "label": rng.choice(["hot 99", "cold 90", "none"], len(levels[-1])),
        },
        index=levels[-1],
    )
    return table.sample(frac=1, random_state=int(rng.integers(1000))), values


@settings(max_examples=60, deadline=None)
@given(trees())
def test_all_levels_of_any_hierarchy_agree(tree):
    table, values = tree
    rolled = roll_up(values, table, rate={"per_1000": ("count", "persons", 1000)})
    assert rolled.index.equals(table.index)
    for name in ("count", "persons"):
        assert rolled.loc["u0", name] == values[name].sum()
    for kind in ("hot", "cold"):
        assert rolled.loc["u0", f"{kind}_cells"] == values["label"].str.startswith(kind).sum()
    for unit in table.index:
        below = drill_down(rolled, unit)
        if len(below):
            numbers = ["count", "persons", "hot_cells", "cold_cells"]
            assert below[numbers].sum().tolist() == rolled.loc[unit, numbers].tolist()
        if rolled.loc[unit, "persons"] > 0:
            expected = rolled.loc[unit, "count"] / rolled.loc[unit, "persons"] * 1000
            assert rolled.loc[unit, "per_1000"] == pytest.approx(expected)
        else:
            assert np.isnan(rolled.loc[unit, "per_1000"])
