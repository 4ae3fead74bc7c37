"""Sites with rings: counts by hand, a site that differs, sides of the street."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.read.metric_projection import metric_crs, unproject

CRS = metric_crs((113.6, 34.2, 113.7, 34.3))


def at(x, y):
    """Metres from a corner as longitude and latitude."""
    east, north = (
        float(v)
        for v in shapely.get_coordinates(gpd.GeoSeries.from_xy([113.6], [34.2], crs=4326).to_crs(CRS).iloc[0])[0]
    )
    return np.column_stack(unproject(east + np.asarray(x, float), north + np.asarray(y, float), CRS))


def events(x, y):
    return pd.DataFrame(at(x, y), columns=["lon", "lat"])


def schools(*x):
    return gpd.GeoDataFrame(
        {"name": [f"school {k}" for k in range(len(x))]},
        geometry=list(shapely.points(at(x, [1000] * len(x)))),
        crs=4326,
    )


def test_each_event_lies_in_one_ring():
    found = gm.site_rings(schools(1000), events([1000, 1100, 1400, 1600], [1000] * 4), [200, 500])
    assert found.table["count"].tolist() == [1, 1, 1]
    assert found.table.index.get_level_values("ring").tolist() == ["inside", "0–200 m", "200–500 m"]
    assert found.table["area_km2"].tolist() == pytest.approx(np.pi * np.diff([0, 0.03**2, 0.23**2, 0.53**2]), rel=0.01)


def test_ground_between_two_sites_belongs_to_the_nearer():
    found = gm.site_rings(schools(1000, 1300), events([1120, 1180], [1000, 1000]), [200])
    assert found.table["count"].tolist() == [0, 1, 0, 1]


def test_the_school_that_differs_is_told_and_alike_ones_are_not():
    rng = np.random.default_rng(1)
    where = np.arange(8) * 2000 + 1000
    x = np.repeat(where, 40) + rng.uniform(-180, 180, 320)
    y = 1000 + rng.uniform(-100, 100, 320)
    alike = gm.site_rings(schools(*where), events(x, y), [200])
    assert set(alike.table["label"]) == {"none"}
    more = np.r_[x, where[2] + rng.uniform(60, 150, 80)], np.r_[y, 1000 + rng.uniform(-60, 60, 80)]
    found = gm.site_rings(schools(*where), events(*more), [200]).table
    assert found[found["label"] == "more"].index.tolist() == [("school 2", "0–200 m")]
    assert found.loc[("school 2", "0–200 m"), "low"] > 1.5


def test_the_side_that_leads_to_the_site_is_told_from_the_one_that_leads_away():
    """A road from west to east ends at the school; one drives on the right, so the south side leads there."""
    road = gpd.GeoDataFrame(geometry=[shapely.LineString(at([0, 1000], [1000, 1000]))], crs=4326)
    x = [700, 750, 800, 850, 900]
    seen = pd.concat([events(x, [990] * 5), events(x[:2], [1010] * 2)])
    found = gm.site_rings(schools(1000), seen, [400], roads=road).sides
    assert found[["entry", "exit"]].values.tolist() == [[5, 2]]
    backwards = road.set_geometry([shapely.reverse(road.geometry.iloc[0])], crs=4326)
    assert gm.site_rings(schools(1000), seen, [400], roads=backwards).sides.equals(found), "whichever way it was drawn"
    left = gm.site_rings(schools(1000), seen, [400], roads=road, drive_on="left").sides
    assert left[["entry", "exit"]].values.tolist() == [[2, 5]]


def test_one_of_its_kind_is_compared_with_none_and_this_is_said():
    found = gm.site_rings(schools(1000), events([1000] * 30, [1000] * 30), [200])
    assert found.table["p_value"].isna().all()
    assert "one site only" in found.notes[0]


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingError, match="rise"):
        gm.site_rings(schools(1000), events([1], [1]), [500, 200])
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326)
    with pytest.raises(InputError, match="polygons"):
        gm.site_rings(lines, events([1], [1]))
    with pytest.raises(InputError, match="'kindd'"):
        gm.site_rings(schools(1000), events([1], [1]), similar="kindd")
