"""The streets as a graph: the same distances as networkx, one-way kept, islands told."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from shapely import LineString

import gridmap as gm

from .patrol_check import shortest_paths


def streets(*lines, **columns):
    return gpd.GeoDataFrame(columns, geometry=[LineString(line) for line in lines], crs=4326)


def test_times_and_distances_equal_networkx_on_portland(shared_data):
    network = gm.build_network(gm.read_roads(shared_data / "roads" / "portland-central-filtered.osm.pbf"))
    graph = shortest_paths(network)
    table = network.segments[network.segments["stop"]]
    rng = np.random.default_rng(0)
    nodes = rng.choice(np.unique(table[["u", "v"]]), 12, replace=False)
    points = network.junctions.iloc[nodes]
    for weight, found in (("weight", network.travel_time_s(points)), ("length", network.travel_distance_m(points))):
        for i, a in enumerate(nodes):
            expected = nx.single_source_dijkstra_path_length(graph, a, weight=weight)
            np.testing.assert_allclose(found[i], [expected[b] for b in nodes], atol=1e-6)


def test_points_in_the_middle_of_streets_travel_as_if_the_street_were_cut_there(tempe):
    rng = np.random.default_rng(1)
    rows = rng.choice(len(tempe.segments), 8, replace=False)
    shares = rng.uniform(0.1, 0.9, 8)
    shapes = tempe.segments["shape"].to_numpy()[rows]
    points = [s.interpolate(t, normalized=True) for s, t in zip(shapes, shares, strict=True)]
    graph = shortest_paths(tempe)
    for k, (row, share) in enumerate(zip(rows, shares, strict=True)):
        edge = tempe.segments.iloc[row]
        for end, part in ((edge["u"], share), (edge["v"], 1 - share)):
            graph.add_edge(("p", k), end, weight=edge["time_s"] * part)
            graph.add_edge(end, ("p", k), weight=edge["time_s"] * part)
    found = tempe.travel_time_s(gpd.GeoSeries(points, crs=tempe.crs))
    for a in range(8):
        expected = nx.single_source_dijkstra_path_length(graph, ("p", a), weight="weight")
        np.testing.assert_allclose(found[a], [expected[("p", b)] for b in range(8)], atol=1e-3)


def test_a_one_way_street_is_driven_one_way_and_walked_both():
    ring = streets([(0, 0), (0.01, 0)], [(0.01, 0), (0.01, 0.01), (0, 0)], oneway=[1, 1])
    there, back = [(0.001, 0)], [(0.009, 0)]
    drive = gm.build_network(ring, mode="drive")
    assert drive.travel_time_s(there, back)[0, 0] < drive.travel_time_s(back, there)[0, 0]
    walk = gm.build_network(ring, mode="walk")
    np.testing.assert_allclose(walk.travel_time_s(there, back), walk.travel_time_s(back, there))


def test_what_is_cut_off_is_left_out_and_told():
    network = gm.build_network(streets([(0, 0), (0.02, 0)], [(0.05, 0.05), (0.06, 0.05)]))
    assert len(network.segments) == 1
    assert len(network.left_out) == 1
    assert "cut off" in network.notes[0]
    assert np.isinf(network.travel_time_s([(0.055, 0.05)], [(0.01, 0)])[0, 0])


def test_lines_that_cross_do_not_meet_but_a_touching_end_does():
    cross = gm.build_network(streets([(0, 0), (0.02, 0)], [(0.01, -0.01), (0.01, 0.01)]))
    assert len(cross.segments) == 1
    touch = gm.build_network(streets([(0, 0), (0.02, 0)], [(0.01, 0.000001), (0.01, 0.01)]))
    assert len(touch.segments) == 3


def test_the_way_starts_and_ends_where_it_should_and_is_as_long_as_the_distance(tempe, hotspots_at_junctions):
    points = hotspots_at_junctions(6)
    legs = [(a, b) for a in range(6) for b in range(6) if a != b]
    metres = tempe.travel_distance_m(points)
    ways = gpd.GeoSeries(tempe.ways(points, legs), crs=4326)
    np.testing.assert_allclose(ways.to_crs(tempe.crs).length, [metres[leg] for leg in legs], rtol=1e-6)
    for way, (a, b) in zip(ways, legs, strict=True):
        assert way.coords[0] == pytest.approx(points.geometry.iloc[a].coords[0], abs=1e-7)
        assert way.coords[-1] == pytest.approx(points.geometry.iloc[b].coords[0], abs=1e-7)


def test_rush_hour_is_slower_and_a_speed_of_ones_own_goes_before():
    roads = streets([(0, 0), (0.01, 0)], highway=["primary"])
    free, rush, own = (gm.build_network(roads, **k).travel_time_s([(0, 0)], [(0.01, 0)])[0, 0] for k in (
        {}, {"hour": 8}, {"speed_kmh": {"primary": 100}}))  # fmt: skip
    assert rush > free
    assert own == pytest.approx(free / 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "fly"}, "mode must be 'drive' or 'walk'"),
        ({"hour": 24}, "hour is an hour of the day"),
        ({"speed_kmh": 0}, "speed"),
        ({"max_snap_m": -1}, "max_snap_m must be a number above 0"),
        ({"speed_kmh": {"road": "fast"}}, "speed"),
        ({"detour": 0.5}, "detour must be a number 1 or more"),
    ],
)
def test_a_wrong_option_is_refused(options, words):
    roads = None if "detour" in options else streets([(0, 0), (0.01, 0)])
    with pytest.raises(gm.errors.SettingError, match=words):
        gm.build_network(roads, **options)


def test_no_street_for_the_mode_is_refused():
    with pytest.raises(gm.errors.InputError, match="drive"):
        gm.build_network(streets([(0, 0), (0.01, 0)], highway=["steps"]))
