"""The locator answers as shapely does, for every point: on edges, corners, holes, slivers, overlaps."""

import os
import pickle
import warnings

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import GridmapWarning, InputError, SettingError
from gridmap.grids.index import locator as locator_module
from gridmap.grids.index.locator import Locator
from gridmap.grids.systems import make_grid


@pytest.fixture(autouse=True, scope="module")
def raster_at_once():
    """Here the raster is tried, also where points are so few that they would be put to shapely."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locator_module, "FEW", -1)
        yield


def by_shapely(zones, lon, lat):
    """The lowest zone that shapely says holds each point."""
    rows = np.full(len(lon), len(zones))
    good = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    point, zone = shapely.STRtree(zones).query(shapely.points(lon[good], lat[good]), predicate="intersects")
    np.minimum.at(rows, good[point], zone)
    return np.where(rows == len(zones), -1, rows)


def assert_as_shapely(zones, lon, lat, found):
    """`found` is what shapely says of every point.

    Prepared geometries, which the tree uses, take a point one denormal number (5e-324) beside a corner for inside;
    shapely's plain predicate does not. So where the two differ, the plain one is asked.
    """
    expected = by_shapely(zones, lon, lat)
    for k in np.flatnonzero(found != expected):
        holding = [z for z, shape in enumerate(zones) if shapely.intersects(shape, shapely.Point(lon[k], lat[k]))]
        expected[k] = holding[0] if holding else -1
    np.testing.assert_array_equal(found, expected)


def awkward_points(zones, rng, n=300):
    """Corners, points on edges and a hair off them, points level with corners, and points anywhere."""
    corner = shapely.get_coordinates(zones)
    pick = corner[rng.integers(0, len(corner), n)]
    at = rng.integers(0, len(corner) - 1, n)
    on_edge = corner[at] + rng.choice([0.5, 0.25, 0.3, 1 / 3], n)[:, None] * (corner[at + 1] - corner[at])
    hair = np.nextafter(on_edge, rng.choice([-1e9, 1e9], on_edge.shape))
    level = np.column_stack([rng.choice(corner[:, 0], n), rng.choice(corner[:, 1], n)])
    low, high = corner.min(axis=0), corner.max(axis=0)
    anywhere = rng.uniform(low - 0.1 * (high - low + 1e-9), high + 0.1 * (high - low + 1e-9), (n, 2))
    return np.concatenate([pick, on_edge, hair, level, anywhere]).T


def only_areas(shape):
    parts = shapely.get_parts(shape)
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == 3])


def partition(seed, pieces, groups, digits):
    """A Voronoi partition whose pieces are put together at random: zones of many parts, with holes, some left out."""
    rng = np.random.default_rng(seed)
    seeds = shapely.multipoints(rng.uniform(0, 10, (pieces, 2)).round(digits))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(0, 0, 10, 10)))
    cells = shapely.intersection(shapely.make_valid(cells), shapely.box(0, 0, 10, 10))
    cells = shapely.get_parts(cells)
    cells = cells[shapely.get_type_id(cells) == 3]  # four seeds on one circle leave lines behind
    group = rng.integers(0, groups + 1, len(cells))  # the last group is nobody's: holes and gaps
    zones = [only_areas(shapely.union_all(cells[group == g])) for g in range(groups)]
    return np.array([z for z in zones if not z.is_empty] or [shapely.box(0, 0, 1, 1)], dtype=object)


@settings(max_examples=25, deadline=None)  # hundreds of larger ones below
@given(
    st.integers(0, 10**6),
    st.integers(3, 60),
    st.integers(1, 12),
    st.sampled_from([0, 1, 6]),
    st.sampled_from([None, 1, 7, 100, 5_000]),
)
def test_random_partitions_answer_as_shapely(seed, pieces, groups, digits, raster_cells):
    zones = partition(seed, pieces, groups, digits)
    lon, lat = awkward_points(zones, np.random.default_rng(seed))
    found = Locator(zones, raster_cells=raster_cells).locate(lon, lat)
    assert_as_shapely(zones, lon, lat, found)


def test_a_gap_of_one_rounding_within_a_zone_is_outside():
    """Two edges of one zone that differ by the last bit of an end are one line in parts of a raster cell."""
    below, above = [2.45, 1.3499999999999996], [2.45, 1.3499999999999999]
    zone = shapely.Polygon([(0, 0), (5, 0), (5, 5), (0, 5)], [[below, [2.7, 1.1], above]])
    lon, lat = np.random.default_rng(0).uniform([[2.46], [0]], [[2.69], [0]], (2, 20_000))
    lat = np.r_[3.8 - lon, np.nextafter(3.8 - lon, 0), np.nextafter(3.8 - lon, 9)]
    lon = np.tile(lon, 3)
    zones = np.array([zone], dtype=object)
    expected = np.where(shapely.intersects(zone, shapely.points(lon, lat)), 0, -1)
    assert 0 < (expected == -1).sum() < len(lon)
    for raster_cells in (1, 10, None):
        np.testing.assert_array_equal(Locator(zones, raster_cells=raster_cells).locate(lon, lat), expected)
    zones, rng = partition(1, 196, 1, 1), np.random.default_rng(1)  # found by chance
    lon, lat = awkward_points(zones, rng, 2_000)
    assert_as_shapely(zones, lon, lat, Locator(zones, raster_cells=10).locate(lon, lat))


@pytest.mark.slow
@settings(max_examples=400 if os.environ.get("GRIDMAP_SAME_CASES") == "1" else 2_000, deadline=None)
@given(st.integers(0, 10**9), st.integers(3, 400), st.integers(1, 60), st.sampled_from([0, 1, 2, 15]))
def test_random_partitions_answer_as_shapely_at_length(seed, pieces, groups, digits):
    zones = partition(seed, pieces, groups, digits)
    lon, lat = awkward_points(zones, np.random.default_rng(seed), 2_000)
    found = Locator(zones, raster_cells=int(10 ** (seed % 6))).locate(lon, lat)
    assert_as_shapely(zones, lon, lat, found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20))
def test_overlapping_zones_give_the_lowest_or_all(seed, n):
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 8, (n, 2)).round(1), rng.uniform(0.1, 6, (n, 2)).round(1)
    zones = shapely.box(*corner.T, *(corner + size).T)
    turned = shapely.buffer(shapely.centroid(zones), size[:, 0] / 2, quad_segs=3)
    zones = np.where(rng.random(n) < 0.5, zones, turned)
    lon, lat = awkward_points(zones, rng)
    np.testing.assert_array_equal(Locator(zones).locate(lon, lat), by_shapely(zones, lon, lat))
    every = Locator(zones, every=True)
    np.testing.assert_array_equal(every.locate(lon, lat), by_shapely(zones, lon, lat))
    point, zone = every.locate_all(lon, lat)
    at, held = shapely.STRtree(zones).query(shapely.points(lon, lat), predicate="intersects")
    order = np.lexsort((held, at))
    np.testing.assert_array_equal(np.column_stack([point, zone]), np.column_stack([at, held])[order])


def test_exactly_one_zone_of_a_partition_has_a_point_on_its_edges():
    zones = partition(3, 80, 80, 6)
    corner = shapely.get_coordinates(zones)
    found = Locator(zones).locate(*corner.T)
    backwards = Locator(zones[::-1]).locate(*corner.T)
    expected = by_shapely(zones, *corner.T)
    np.testing.assert_array_equal(found, expected)
    assert (found >= 0).all()
    assert (len(zones) - 1 - backwards >= found).all()  # the other order of rows, the other end of the tie


def test_holes_parts_and_rims():
    ring = shapely.box(0, 0, 9, 9).difference(shapely.box(3, 3, 6, 6))
    island = shapely.box(4, 4, 5, 5)
    far = shapely.box(20, 0, 21, 1)
    zones = np.array([ring, shapely.union_all([island, far])], dtype=object)
    lon, lat = np.array([[1, 1], [3.5, 3.5], [3, 4], [4.5, 4.5], [20.5, 0.5], [15, 0.5], [6, 6], [4, 4]], float).T
    assert Locator(zones).locate(lon, lat).tolist() == [0, -1, 0, 1, 1, -1, 0, 1]


@pytest.mark.parametrize("width", [1e-3, 1e-9, 1e-12, 3e-14])
def test_slivers(width):
    zones = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 1 + width, 1), shapely.box(1 + width, 0, 2, 1)])
    lon = np.concatenate([np.linspace(1 - 2 * width, 1 + 2 * width, 41), [1, 1 + width]])
    lat = np.full(len(lon), 0.3)
    np.testing.assert_array_equal(Locator(zones).locate(lon, lat), by_shapely(zones, lon, lat))


def test_a_tiny_zone_beside_a_huge_one():
    tiny = shapely.Point(120.123456789, 30.2).buffer(1e-9)
    zones = np.array([tiny, shapely.box(-170, -80, 170, 80)], dtype=object)
    lon, lat = awkward_points(zones[:1], np.random.default_rng(0), 2_000)
    np.testing.assert_array_equal(Locator(zones).locate(lon, lat), by_shapely(zones, lon, lat))


def test_what_is_not_finite_or_far_away_is_outside():
    locator = Locator(np.array([shapely.box(0, 0, 1, 1)]))
    lon = [np.nan, 0.5, np.inf, -np.inf, 0.5, 1e308, -1e308, 181, np.nextafter(1, 2), 1]
    lat = [0.5, np.nan, 0.5, 0.5, np.inf, 0.5, -1e308, 0.5, 1, 1]
    assert locator.locate(lon, lat).tolist() == [-1] * 9 + [0]


def test_only_areas_hold_points():
    mixed = shapely.GeometryCollection(
        [shapely.Point(5, 5), shapely.LineString([(6, 6), (7, 7)]), shapely.box(0, 0, 1, 1)]
    )
    zones = np.array([shapely.Polygon(), None, shapely.Point(3, 3), mixed, shapely.MultiPolygon()], dtype=object)
    assert Locator(zones).locate([0.5, 3, 5, 6.5], [0.5, 3, 5, 6.5]).tolist() == [3, -1, -1, -1]
    assert Locator(zones[:2]).locate([0.5], [0.5]).tolist() == [-1]


def test_zones_past_the_antimeridian_find_points_on_both_sides():
    zones = np.array([shapely.box(178, -20, 180, -15), shapely.box(180, -20, 182, -15)])
    assert Locator(zones).locate([179, 181, -179, -177.5, 0], [-16] * 5).tolist() == [0, 1, 1, -1, -1]


@pytest.mark.parametrize("seed", range(4))
def test_few_points_are_answered_alike_without_a_raster(seed, monkeypatch):
    zones = partition(seed, 60, 12, [1, 6][seed % 2])
    zones = np.r_[zones, shapely.box(3, 3, 7, 8), shapely.GeometryCollection([shapely.Point(1, 1), zones[0]]), None]
    zones = np.r_[zones, shapely.box(178, 2, 182, 4), shapely.Point(2, 2), shapely.Polygon()]
    lon, lat = awkward_points(zones[:-3], np.random.default_rng(seed))
    lon, lat = np.r_[lon, 179, -179, np.nan, 0, np.inf], np.r_[lat, 3, 3, 0, np.nan, 1]
    painted, all_painted = Locator(zones), Locator(zones, every=True)
    expected, pairs = painted.locate(lon, lat), all_painted.locate_all(lon, lat)
    monkeypatch.setattr(locator_module, "FEW", 2 * len(lon))
    bare, all_bare = Locator(zones), Locator(zones, every=True)
    monkeypatch.setattr(locator_module, "paint", None)  # it would fail
    np.testing.assert_array_equal(bare.locate(lon, lat), expected)
    np.testing.assert_array_equal(all_bare.locate_all(lon, lat), pairs)
    with pytest.raises(TypeError):
        bare.locate(np.r_[lon, lat], np.r_[lat, lon])  # more than a few by now


def test_the_more_edges_a_raster_has_to_paint_the_more_points_are_few(monkeypatch):
    zones = partition(1, 60, 12, 1)
    lon, lat = awkward_points(zones, np.random.default_rng(1))
    expected = Locator(zones).locate(lon, lat)
    painted = []
    paint = locator_module.paint
    monkeypatch.setattr(locator_module, "paint", lambda *given: painted.append(1) or paint(*given))
    monkeypatch.setattr(locator_module, "FEW", 10)
    monkeypatch.setattr(locator_module, "FEW_EDGES", 1)
    for expects, paints in ((0, False), (10**9, True)):
        locator = Locator(zones)
        locator.expect(expects)
        assert bool(painted) == paints
        np.testing.assert_array_equal(locator.locate(lon, lat), expected)
        assert bool(painted) == paints


def test_pickled_small_and_the_same():
    zones = partition(5, 300, 40, 15)
    locator = Locator(zones)
    sent = pickle.dumps(locator)
    assert len(sent) < 20 * shapely.get_num_coordinates(zones).sum() + 10_000
    lon, lat = awkward_points(zones, np.random.default_rng(5))
    np.testing.assert_array_equal(pickle.loads(sent).locate(lon, lat), locator.locate(lon, lat))


def test_any_number_of_threads_gives_the_same():
    zones = partition(6, 200, 200, 15)
    lon, lat = np.random.default_rng(1).uniform(0, 10, (2, 400_000))
    locator = Locator(zones)
    np.testing.assert_array_equal(locator.locate(lon, lat, threads=1), locator.locate(lon, lat, threads=4))


def frame_of(*zones):
    return gpd.GeoDataFrame({"zone_id": [f"z{i}" for i in range(len(zones))]}, geometry=list(zones), crs=4326)


def test_an_overlap_beyond_rounding_is_told_and_can_be_refused_or_counted_in_both():
    overlapping = frame_of(shapely.box(0, 0, 1, 1), shapely.box(0.5, 0, 2, 1), shapely.box(2, 0, 3, 1))
    with pytest.warns(GridmapWarning, match=r"1 pairs of zones overlap.*'z0' and 'z1', by 6,1"):
        grid = make_grid(overlapping, system="zones")
    assert grid.locate([0.7], [0.5]).tolist() == [0]
    with pytest.raises(InputError, match=r"overlap by more than 1 m².*Mend"):
        make_grid(overlapping, system="zones", overlaps="refuse")
    every = make_grid(overlapping, system="zones", overlaps="all")
    assert [v.tolist() for v in every.locate_all([0.7, 9, 2.5], [0.5] * 3)] == [[0, 0, 2], [0, 1, 2]]
    with pytest.raises(SettingError, match="Did you mean 'refuse'"):
        make_grid(overlapping, system="zones", overlaps="refused")


def test_overlaps_by_rounding_pass_in_silence():
    off = frame_of(shapely.box(0, 0, 1, 1), shapely.box(1 - 1e-12, 0, 2, 1), shapely.box(2, 0.2, 3, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_grid(off, system="zones", overlaps="refuse")


@pytest.mark.parametrize("inner", [shapely.box(0.2, 0.2, 0.4, 0.4), shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 0.5)])
def test_a_zone_within_another_or_twice_is_an_overlap(inner):
    for zones in ((shapely.box(0, 0, 1, 1), inner), (inner, shapely.box(0, 0, 1, 1))):
        with pytest.raises(InputError, match="overlap"):
            make_grid(frame_of(*zones), system="zones", overlaps="refuse")


def test_locate_takes_scalars_and_refuses_what_is_no_number():
    grid = make_grid(frame_of(shapely.box(0, 0, 1, 1)), system="zones")
    assert grid.locate(0.5, 0.5).tolist() == [0]
    with pytest.raises(InputError, match="numbers"):
        grid.locate(["here"], ["there"])
    with pytest.raises(InputError, match="one length"):
        grid.locate([1, 2, 3], [1, 2])


def test_zones_whose_boxes_meet_but_not_they_themselves_make_a_grid():
    corner = shapely.Polygon([(0, 0), (0.03, 0), (0.03, 0.01), (0.01, 0.01), (0.01, 0.03), (0, 0.03)])
    apart, over = shapely.box(0.02, 0.02, 0.03, 0.03), shapely.box(0.005, 0.005, 0.03, 0.02)
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b", "c"]}, geometry=[corner, apart, over], crs=4326)
    with pytest.warns(GridmapWarning, match="overlap"):
        assert len(make_grid(zones, system="zones")) == 3


def test_on_an_edge_too_a_collection_holds_points_by_its_areas_alone():
    dot = shapely.Point(0.5, 1.0)
    zones = np.array([shapely.GeometryCollection([dot, shapely.box(3, 0, 4, 1)]), shapely.box(0, 0, 1, 1)])
    locator = Locator(zones, raster_cells=100)
    assert locator.locate([0.5, 3.5, 3.0], [1.0, 0.5, 0.5]).tolist() == [1, 0, 0]


@pytest.fixture(scope="module")
def crowd():
    """A coast of 3,000 corners on the ground of a few raster cells, large plain zones beside it, a gap, overlaps."""
    t = np.linspace(0, 2 * np.pi, 3001)[:-1]
    coast = np.column_stack([0.5 + (0.02 + 0.01 * np.sin(40 * t)) * np.cos(t), 0.5 + 0.02 * np.sin(t)])
    island = shapely.Polygon(coast)
    sea = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0, 1)], [coast])
    slanted = shapely.Polygon([(1, 0), (3, 1e-9), (3, 1), (1.5, 1 + 1e-9), (1, 1)])  # borders almost level
    fan = [
        shapely.Polygon([(2, 2), (2 + np.cos(a), 2 + np.sin(a)), (2 + np.cos(a + 0.7), 2 + np.sin(a + 0.7))])
        for a in t[:3000:250]
    ]
    return np.array([island, sea, slanted, *fan])


@pytest.mark.parametrize("raster_cells", [16, 1_000, 200_000])
def test_cells_that_many_edges_cross_answer_as_shapely(crowd, raster_cells):
    rng = np.random.default_rng(4)
    lon, lat = awkward_points(crowd, rng, 1_000)
    near = rng.uniform((0.46, 0.46), (0.54, 0.54), (2_000, 2)).T
    lon, lat = np.r_[lon, near[0]], np.r_[lat, near[1]]
    plain, every = Locator(crowd, raster_cells=raster_cells), Locator(crowd, every=True, raster_cells=raster_cells)
    for _ in range(2):  # again once the edges were put in order of height
        found = plain.locate(lon, lat)
        assert_as_shapely(crowd, lon, lat, found)
        point, zone = every.locate_all(lon, lat)
        first = np.full(len(lon), -1)
        first[point[::-1]] = zone[::-1]
        np.testing.assert_array_equal(first, found)


def test_hardly_a_point_needs_the_exact_test(crowd):
    """The lines of raster cells answer for all but points right beside an edge, and cells that are crowded."""
    rng = np.random.default_rng(5)
    locator = Locator(crowd, raster_cells=200_000)
    lon, lat = rng.uniform((0, 0), (3, 3), (20_000, 2)).T
    rows = np.empty(len(lon), np.int32)
    locator_module.locate(lon, lat, rows, *locator._tables())
    assert (rows == locator_module.LATER).mean() < 0.005


def test_a_raster_painted_in_bands_is_the_raster(monkeypatch):
    """However few rows are painted at a time: label, zones and lines are the same to the last one."""
    zones = partition(5, 40, 9, 6)
    whole = Locator(zones, raster_cells=900)
    monkeypatch.setattr(locator_module, "BAND", 20)
    monkeypatch.setattr(locator_module, "SOME", 3)
    banded = Locator(zones, raster_cells=900)
    assert len(list(banded._bands(banded._size[1]))) > 5
    assert shapely.get_num_geometries(zones).max() > 1
    for one, other in zip(whole._raster, banded._raster, strict=True):
        np.testing.assert_array_equal(one, other)
