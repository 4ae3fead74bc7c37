"""Levels above the zones, found in their columns; zones joined to a level."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.errors import InputError
from gridmap.grids.hierarchy import levels_above, zone_levels


@pytest.fixture(scope="module")
def lsoa():
    return gm.read_boundaries("data/west_yorkshire/lsoa_2011.geojson")


def test_lsoas_joined_to_msoas_keep_their_people_and_their_district(lsoa):
    msoa = gm.join_zones(lsoa, by="msoa_code")
    assert len(msoa) == 299
    assert msoa["households"].sum() == lsoa["households"].sum()
    assert msoa["name"].iloc[0] == "Addingham & Ilkley Moor"
    assert msoa["parent_id"].nunique() == 5
    own = lsoa.set_index("zone_id").loc["E01010568"]
    whole = msoa.set_index("zone_id").loc[own["msoa_code"]]
    assert shapely.area(shapely.difference(own.geometry, whole.geometry)) < 1e-12
    assert [len(level) for level in levels_above(msoa)] == [5]


def test_one_county_above_all_is_the_last_level():
    zones = pd.DataFrame(
        {
            "zone_id": ["990101001001", "990101001002", "990101100200"],
            "parent_id": ["990101001", "990101001", "990101100"],
            "street_name": ["城关街道", "城关街道", "柳林镇"],
            "county": "990101",
            "county_name": "望川县",
            "urban_rural": ["111", "111", "220"],
        }
    )
    street, county = levels_above(zones)
    assert street[["zone_id", "name", "level", "parent_id"]].to_numpy().tolist() == [
        ["990101001", "城关街道", "street", "990101"],
        ["990101100", "柳林镇", "street", "990101"],
    ]
    assert county[["zone_id", "name", "level"]].to_numpy().tolist() == [["990101", "望川县", "county"]]
    assert [level["name"].iloc[0] for level in zone_levels(zones)] == ["城关街道", "望川县"]


def test_averages_are_not_summed():
    boxes = [shapely.box(k, 0, k + 1, 1) for k in range(2)]
    zones = gpd.GeoDataFrame(
        {"zone_id": ["1", "2"], "street_id": "a", "persons": [5, 6], "rate": [0.5, 0.7]}, geometry=boxes, crs=4326
    )
    joined = gm.join_zones(zones, by="street_id")
    assert joined["persons"].tolist() == [11]
    assert "rate" not in joined
    with pytest.raises(InputError, match="street_id"):
        gm.join_zones(zones, by="street")
    with pytest.raises(InputError, match="1 of 2"):
        gm.join_zones(zones.assign(street_id=["a", None]), by="street_id")
    with pytest.raises(InputError, match="DataFrame"):
        gm.join_zones(pd.DataFrame(zones), by="street_id")
