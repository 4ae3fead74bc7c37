"""Overlaps are found as intersecting every pair finds them, however clean or muddled the zones."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridmap as gm
from gridmap.grids import zones as zones_module
from gridmap.grids.zones import METRES_PER_DEGREE, ROUNDING_M2, land_of, overlapping
from gridmap.read.boundaries import overlapping_pairs


def by_every_pair(zones):
    """{(first, second): m²} of all pairs, one by one."""
    found = {}
    for i in range(len(zones)):
        for j in range(i + 1, len(zones)):
            middle = sum(shapely.bounds(zones[i])[[1, 3]]) / 2
            area_m2 = shapely.intersection(zones[i], zones[j]).area * METRES_PER_DEGREE**2 * np.cos(np.radians(middle))
            if area_m2 > ROUNDING_M2:
                found[i, j] = area_m2
    return found


def found_in(zones):
    zones = np.asarray(zones, dtype=object)
    first, second, area_m2 = overlapping(zones)
    return dict(zip(zip(first.tolist(), second.tolist(), strict=True), area_m2.tolist(), strict=True))


def assert_same(zones):
    expected, found = by_every_pair(zones), found_in(zones)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[k] for k in expected], list(expected.values()), rtol=1e-6)


def mesh(rng, n):
    """A clean partition: triangles over random points, some of them joined, some missing."""
    points = shapely.multipoints(rng.uniform(0, 1, (n, 2)).round(3))
    triangles = np.array(shapely.get_parts(shapely.delaunay_triangles(points)))
    group = rng.integers(0, max(len(triangles) // 3, 1), len(triangles))
    joined = [shapely.coverage_union_all(triangles[group == g]) for g in np.unique(group)]
    return [zone for zone in joined if rng.random() < 0.9]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(4, 60), st.integers(0, 3))
def test_meshes_with_strangers_laid_over_them(seed, n, strangers):
    rng = np.random.default_rng(seed)
    zones = mesh(rng, n)
    for _ in range(strangers):
        kind = rng.integers(4)
        if kind == 0 and zones:
            zones.append(zones[rng.integers(len(zones))])  # the same zone twice
        elif kind == 1:
            zones.append(shapely.box(*rng.uniform(0, 0.5, 2), *rng.uniform(0.5, 1, 2)))
        elif kind == 2:
            zones.append(shapely.Point(rng.uniform(0, 1, 2)).buffer(0.01, quad_segs=2))  # wholly inside, or nearly
        else:
            zones.insert(0, shapely.box(-1, -1, 2, 2).difference(shapely.box(0.4, 0.4, 0.6, 0.6)))
    assert_same(zones)


def test_zones_that_overlap_on_the_balanced_side_of_a_loose_edge():
    """The stranger's edges lie in the second square, and it reaches the first across an edge in balance."""
    squares = [shapely.box(i, 0, i + 1, 1) for i in range(4)]
    assert found_in(squares) == {}
    assert_same([*squares, shapely.box(0.5, 0.25, 2.5, 0.75)])


def test_a_ring_that_crosses_itself_hides_nothing():
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    found = found_in([bow, shapely.box(0, 0, 1, 1)])
    assert list(found) == [(0, 1)]


def test_points_lines_and_nothing_are_passed_over():
    assert found_in([shapely.Point(0, 0), None, shapely.Polygon(), shapely.box(0, 0, 1, 1)]) == {}
    assert found_in([]) == {}


def scattered(side, rng):
    """Squares that tile a territory, a quarter of them given to other squares far away as islands."""
    squares = np.array([shapely.box(i, j, i + 1, j + 1) for i in range(side) for j in range(side)])
    owner = np.arange(len(squares))
    islands = rng.permutation(len(squares))[: len(squares) // 4]
    owner[islands] = rng.choice(np.setdiff1d(owner, islands), len(islands))
    order = np.argsort(owner, kind="stable")
    return shapely.multipolygons(squares[order], indices=np.unique(owner[order], return_inverse=True)[1])


def test_islands_anywhere_are_asked_about_their_own_neighbours_only(monkeypatch):
    """GEOS holds a polygon against all whose envelopes meet its own: with islands whole, nearly everything."""
    met = []
    coverage = shapely.coverage_invalid_edges

    def counting(shapes, *args, **kwargs):
        met.append(len(shapely.STRtree(shapes).query(shapes)[0]))
        return coverage(shapes, *args, **kwargs)

    monkeypatch.setattr(shapely, "coverage_invalid_edges", counting)
    work = {}
    for side in (20, 40):
        met.clear()
        zones = scattered(side, np.random.default_rng(side))
        stranger = shapely.box(side / 2 + 0.2, side / 2 + 0.2, side / 2 + 0.4, side / 2 + 0.4)
        assert found_in(zones) == {}
        assert len(found_in([*zones, stranger])) == 1
        work[side] = sum(met)
        assert 0 < work[side] <= 2 * 10 * side**2  # nine neighbours and oneself, asked twice
    assert work[40] < 5 * work[20]  # four times the ground


def test_islands_overlap_where_they_lie():
    rng = np.random.default_rng(5)
    zones = list(scattered(6, rng))
    zones.append(shapely.multipolygons([shapely.box(0.5, 0.5, 1.5, 1.5), shapely.box(4.5, 4.5, 5.5, 5.5)]))
    assert_same(zones)


def test_neighbours_of_zones_with_islands_are_found_part_by_part(monkeypatch):
    """20,000 zones did not end: each was held against all whose envelopes met its own, which its islands stretch."""
    shapes = shapely.transform(scattered(12, np.random.default_rng(3)), lambda xy: xy / 100 + [8.0, 50.0])
    names = [f"Z{k}" for k in range(len(shapes))]
    grid = gm.make_grid(gpd.GeoDataFrame({"zone_id": names}, geometry=shapes, crs=4326), system="zones")
    inside = []
    tree = shapely.STRtree

    def counting(parts):
        inside.append(len(tree(parts).query(parts)[0]))
        return tree(parts)

    monkeypatch.setattr(shapely, "STRtree", counting)
    found = grid.adjacency()
    monkeypatch.undo()
    whole = grid.cells.geometry.to_crs(grid.metric_crs).to_numpy()
    expected = shapely.dwithin(whole[:, None], whole[None, :], zones_module.TOUCH_M)
    np.fill_diagonal(expected, False)
    assert np.array_equal(found.toarray(), expected.astype(np.int8))
    assert expected.sum() > 8 * len(shapes)
    assert inside[0] <= 10 * 12**2  # nine of the squares, itself among them


@pytest.mark.parametrize("west", [8.0, 179.93])
def test_neighbours_found_piece_by_piece_are_those_of_the_whole(monkeypatch, west):
    """Few parts are projected at a time; across the antimeridian, where degrees tear neighbours apart, all at once."""
    shapes = shapely.transform(scattered(12, np.random.default_rng(4)), lambda xy: xy / 100 + [west, 50.0])
    if west > 170:
        shapes = shapely.transform(
            shapes, lambda xy: np.c_[np.where(xy[:, 0] > 180, xy[:, 0] - 360, xy[:, 0]), xy[:, 1]]
        )
        shapes = shapes[[np.ptp(shapely.bounds(zone)[::2]) < 180 for zone in shapes]]
    names = [f"Z{k}" for k in range(len(shapes))]
    grid = gm.make_grid(gpd.GeoDataFrame({"zone_id": names}, geometry=shapes, crs=4326), system="zones")
    taken = []
    take = zones_module.Parts.take
    monkeypatch.setattr("gridmap.grids.index.locator.SOME", 12)
    monkeypatch.setattr(
        zones_module.Parts, "take", lambda parts, which: taken.append(len(found := take(parts, which))) or found
    )
    near = grid.adjacency()
    monkeypatch.undo()
    whole = zones_module.touching(grid.cells.geometry.to_crs(grid.metric_crs).to_numpy(), zones_module.TOUCH_M)
    assert (near != whole).nnz == 0
    assert near.nnz > 100
    assert west > 170 or max(taken[1:]) <= 60  # twelve and what surrounds them


def test_a_zone_whose_own_parts_meet_along_an_edge_is_one_zone():
    joined = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    assert found_in([joined, shapely.box(2, 0, 3, 1)]) == {}
    assert_same([shapely.make_valid(joined), shapely.box(0.5, 0.5, 1.5, 0.75)])
    assert list(found_in([joined, shapely.box(0.5, 0.5, 1.5, 0.75)])) == [(0, 1)]


def test_many_copies_of_one_zone_are_all_told():
    assert len(found_in([shapely.box(0, 0, 1, 1)] * 300)) == 300 * 299 // 2


def test_rings_may_be_drawn_either_way_round():
    ring = shapely.box(1, 0, 2, 1).exterior.coords[::-1]
    hole = shapely.Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    assert found_in([shapely.box(0, 0, 1, 1), shapely.Polygon(ring)]) == {}
    assert found_in([hole, shapely.box(1, 1, 2, 2)]) == {}
    assert len(found_in([hole, shapely.box(0.9, 1, 2, 2)])) == 1


def test_zones_of_several_parts_overlap_once_and_by_all_their_parts():
    """A zone whose two islands lie in another zone is one pair, by the sum of both; zones that touch are none."""
    islands = shapely.MultiPolygon(
        [shapely.box(1, 1, 1.1, 1.1), shapely.box(3, 3, 3.1, 3.1), shapely.box(9, 9, 10, 10)]
    )
    zones = gpd.GeoSeries([shapely.box(0, 0, 4, 4), islands, shapely.box(4, 0, 8, 4)], crs=4326)
    assert overlapping_pairs(zones) == 1  # 0.02 of 1.02: more than a hundredth, which neither island is alone
    assert overlapping_pairs(zones.iloc[[0, 2]]) == 0
    assert overlapping_pairs(zones, most=2) == 0


@pytest.mark.parametrize("moved", [0.0, 3e-4])
def test_a_balance_struck_piece_by_piece_finds_the_same_overlaps(monkeypatch, moved):
    """Edges between pieces are held against each other at the end: a clean coverage stays clean, overlaps are found."""
    xs, ys = np.meshgrid(np.arange(12), np.arange(12))
    zones = shapely.box(xs.ravel() / 100, ys.ravel() / 100, (xs.ravel() + 1) / 100, (ys.ravel() + 1) / 100)
    zones[77] = shapely.affinity.translate(zones[77], moved, moved)
    zones[5] = shapely.MultiPolygon([zones[5], zones[120]])
    zones = np.delete(zones, 120)
    whole = overlapping(zones)
    monkeypatch.setattr(zones_module, "SOME", 36)
    monkeypatch.setattr(
        zones_module.shapely, "coverage_invalid_edges", counting := Counting(shapely.coverage_invalid_edges)
    )
    pieces = overlapping(zones)
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(whole[0]) == (3 if moved else 0)
    assert max(counting.sizes) < len(zones) or moved


class Counting:
    """A function, and how much each of its calls was given."""

    def __init__(self, function):
        self.function, self.sizes = function, []

    def __call__(self, given):
        self.sizes.append(len(given))
        return self.function(given)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(4, 60), st.integers(0, 3))
def test_the_land_is_the_union_of_all_zones_whether_they_fit_or_not(seed, n, strangers):
    rng = np.random.default_rng(seed)
    zones = mesh(rng, n)
    for _ in range(strangers):
        if rng.random() < 0.3 and zones:
            zones.append(zones[rng.integers(len(zones))])
        else:
            zones.insert(rng.integers(len(zones) + 1), shapely.box(*rng.uniform(0, 0.5, 2), *rng.uniform(0.5, 1, 2)))
    zones = np.array(zones, dtype=object)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zones_module, "MANY_CORNERS", 0)
        patch.setattr(zones_module, "SOME", 5)
        found = land_of(zones)
    whole = shapely.union_all(zones)
    assert found.is_valid
    assert shapely.symmetric_difference(found, whole).area <= 1e-9


def test_the_land_of_zones_that_fit_is_found_without_a_union(monkeypatch):
    zones = np.array([zone for zone in mesh(np.random.default_rng(1), 40) if zone.geom_type == "Polygon"], dtype=object)
    whole = shapely.union_all(zones)
    monkeypatch.setattr(zones_module, "MANY_CORNERS", 0)
    monkeypatch.setattr(zones_module, "SOME", 7)
    monkeypatch.setattr(zones_module.shapely, "union_all", None)  # it would fail
    assert shapely.equals(land_of(zones), whole)
