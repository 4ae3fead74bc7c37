"""From every kind of hotspot to places with prizes."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, box

import gridmap as gm


def cells(**columns):
    n = len(next(iter(columns.values())))
    shapes = [box(i, 0, i + 1, 1) for i in range(n)]
    return gpd.GeoDataFrame(
        columns, index=pd.Index([f"c{i}" for i in range(n)], name="cell_id"), geometry=shapes, crs=4326
    )


def test_the_prize_is_incidents_an_hour_times_hours_times_the_share_prevented():
    places = gm.patrol_places(cells(predicted=[30.0, 3.0]), days=30, lasting_h=2, effect=0.25)
    np.testing.assert_allclose(places["prize"], np.array([30, 3]) / (30 * 24) * 2 * 0.25)


def test_a_forecast_goes_before_the_count_and_is_not_shrunk():
    places = gm.patrol_places(cells(count=[9, 1, 5], predicted=[1.0, 7.0, 2.0]))
    assert places["place_id"].tolist() == ["c1", "c2", "c0"]
    assert places["prize"].tolist() == [7.0, 2.0, 1.0]


def test_patrols_go_where_a_forecast_expects_most():
    town = gm.samples.town(random_state=0)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
    next_month = gm.forecast(town.incidents, grid, horizon="28D", model="density_mixture")
    places = gm.patrol_places(next_month, most=5)
    best = next_month.cells["expected"].nlargest(5)
    assert places["place_id"].tolist() == best.index.tolist()
    np.testing.assert_allclose(places["prize"], best / (28 * 24) * 2)


def test_counts_are_drawn_to_the_mean_and_the_hot_alone_are_taken():
    frame = cells(count=[12, 3, 0, 0, 1, 0], label=["hot 99", "hot 95", "none", "none", "none", "cold 95"])
    places = gm.patrol_places(frame)
    assert places["place_id"].tolist() == ["c0", "c1"]
    assert frame["count"].mean() < places["prize"].iloc[0] < 12


def test_clusters_streets_and_ranks_are_places(tempe, tempe_crimes):
    hulls = gpd.GeoDataFrame(
        {"count": [9, 4]}, geometry=[Point(-1.55, 53.8).buffer(0.001), Point(-1.5, 53.8).buffer(0.001)]
    )
    clusters = gm.HotspotResult(cells(count=[1])[:0], "dbscan", {}, clusters=hulls.set_crs(4326))
    found = gm.patrol_places(clusters)
    assert found["place_id"].tolist() == ["hotspot 0", "hotspot 1"]
    assert found.within(hulls.union_all()).all()
    streets = gm.patrol_places(gm.street_hotspots(tempe_crimes, tempe))
    assert len(streets) > 0
    plan = gm.plan_patrols(streets, tempe, units=1, shift_h=2, random_state=0, rounds=20)
    assert set(plan.stops["place_id"]) <= set(streets["place_id"])
    ranked = gpd.GeoDataFrame(
        {"place_id": ["a", "b"], "prize": 1 / np.arange(1, 3)}, geometry=tempe_crimes.geometry[:2].to_numpy(), crs=4326
    )
    assert gm.plan_patrols(ranked, tempe, units=1, shift_h=1, random_state=0, rounds=5).stops["place_id"].nunique() == 2


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (cells(count=[0, 0]), "count is 0 in every row"),
        (cells(other=[1]), "no count to make a prize of"),
        (cells(count=[3, 2], label=["none", "none"]), "No cell is labelled hot"),
        (5, "Places are made from"),
    ],
)
def test_nothing_hot_is_said_in_one_line(frame, words):
    with pytest.raises(gm.errors.InputError, match=words) as problem:
        gm.patrol_places(frame)
    assert "\n" not in str(problem.value)
