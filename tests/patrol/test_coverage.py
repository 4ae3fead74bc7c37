"""Who is reached in time, and sites that are proven best."""

from itertools import combinations

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from shapely import LineString

import gridmap as gm
from gridmap.patrol.camera_sites import covered_by

from .patrol_check import shortest_paths


def test_reached_places_are_those_within_time_by_networkx(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(30)
    station = places.iloc[[0]]
    reach = gm.response_coverage(station, tempe, minutes=[5, 10], hotspots=places)
    times = nx.single_source_dijkstra_path_length(shortest_paths(tempe), places["node"].iloc[0], weight="weight")
    for row in reach[reach["station_id"] == "all"].itertuples():
        inside = np.array([times[n] <= row.minutes * 60 for n in places["node"]])
        assert row.hotspots == pytest.approx(places["prize"][inside].sum() / places["prize"].sum())
        assert all(row.geometry.intersects(p) for p in places.geometry[inside])


def test_more_time_reaches_more_street_and_all_time_reaches_all(tempe, hotspots_at_junctions):
    stations = hotspots_at_junctions(2)
    reach = gm.response_coverage(stations, tempe, minutes=[2, 5, 600], each=False)
    assert reach["street_km"].is_monotonic_increasing
    assert reach["street_share"].iloc[-1] == pytest.approx(1)


def test_street_km_on_one_street_by_hand():
    network = gm.build_network(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (0.1, 0)])], crs=4326), speed_kmh=60)
    reach = gm.response_coverage([(0.05, 0)], network, minutes=3, each=False)
    assert reach["street_km"].iloc[0] == pytest.approx(6.0, rel=1e-3)


def test_the_standard_asks_for_places_near_enough_only(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(10)
    reach = gm.response_coverage(places.iloc[[0]], tempe, minutes="town", hotspots=places, each=False)
    assert reach["minutes"].tolist() == [10.0]
    assert reach["hotspots_kept"].iloc[0] == pytest.approx(reach["hotspots"].iloc[0])  # all lie within 5 km


@pytest.mark.parametrize("seed", range(3))
def test_best_sites_are_the_best_of_all_combinations(seed):
    rng = np.random.default_rng(seed)
    sites, demand = rng.uniform(0, 0.02, (9, 2)), rng.uniform(0, 0.02, (40, 2))
    weight = rng.integers(1, 9, 40)
    frame = gpd.GeoDataFrame({"weight": weight}, geometry=gpd.points_from_xy(*demand.T), crs=4326)
    found = gm.best_sites(sites, frame, n=3, reach_m=500)
    best = max(weight[covered_by(frame, sites[list(three)], reach_m=500)].sum() for three in combinations(range(9), 3))
    assert found.attrs["covered"] == best
    assert found.attrs["optimal"]
    assert found["adds"].sum() == best
    assert found["adds"].is_monotonic_decreasing


def test_what_is_covered_already_is_not_covered_twice():
    demand = [(0, 0), (0, 0.0001), (0.01, 0)]
    found = gm.best_sites([(0, 0), (0.01, 0)], demand, n=1, reach_m=100, existing=[(0, 0)])
    assert found["site_id"].tolist() == ["site 2"]
    assert (found.attrs["before"], found.attrs["share"]) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0, "reach_m": 5}, "n counts the sites"),
        ({"n": 1, "reach_m": -5}, "reach_m must be a number above 0"),
        ({"n": 1, "reach_m": 5, "weight": "x"}, "weight='x'"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(gm.errors.SettingError, match=words):
        gm.best_sites([(0, 0)], [(0, 0)], **options)


def test_straight_lines_have_no_isochrone(tempe):
    with pytest.raises(gm.errors.InputError, match="Response times need streets"):
        gm.response_coverage([(0, 0)], gm.build_network(None), minutes=5)
    with pytest.raises(gm.errors.SettingError, match="town"):
        gm.response_coverage([(-111.82, 33.41)], tempe, minutes="towns")


def test_minimum_staffing_is_checked_without_a_plan():
    table = gm.check_posts({"railway station": 20, "bus station": 10, "town": 5}, 17)
    assert table["assigned"].tolist() == [20, 10, 4]
    assert table["lacking"].tolist() == [0, 0, 1]
    assert (table.attrs["officers"], table.attrs["needed"], table.attrs["left"]) == (34, 35, 0)
    assert gm.check_posts({"town": 5}, 4).attrs["free"] == ["unit 1"]
    with pytest.raises(gm.errors.SettingError, match="staff of a post must be a number"):
        gm.check_posts({"town": "many"}, 4)
