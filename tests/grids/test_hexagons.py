"""H3 tilings: no part of the territory is lost, and each cell is H3's own."""

import pickle

import geopandas as gpd
import h3
import h3.api.numpy_int as h3i
import numpy as np
import pytest
import shapely

from gridmap.errors import SettingError
from gridmap.grids import h3 as hexagons
from gridmap.grids.h3 import draw, neighbours
from gridmap.grids.index.h3_keys import lattice_over
from gridmap.grids.systems import h3_cells, make_grid


def frame_of(*zones):
    return gpd.GeoDataFrame({"zone_id": [f"z{i}" for i in range(len(zones))]}, geometry=list(zones), crs=4326)


def ring_of(cell):
    ring = np.array(h3i.cell_to_boundary(int(cell)))[:, ::-1]
    ring[:, 0] += 360 * np.round((ring[0, 0] - ring[:, 0]) / 360)
    return ring


@pytest.mark.parametrize("resolution", [0, 1, 3, 6, 9, 12])
def test_outlines_middles_areas_and_neighbours_are_h3s(resolution):
    rng = np.random.default_rng(resolution)
    lon, lat = rng.uniform(-180, 180, 400), np.degrees(np.arcsin(rng.uniform(-1, 1, 400)))
    lat = np.r_[lat, [h3i.cell_to_latlng(c)[0] for c in h3i.get_pentagons(resolution)]]
    lon = np.r_[lon, [h3i.cell_to_latlng(c)[1] for c in h3i.get_pentagons(resolution)]]
    ids = np.array([h3i.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)], np.uint64)
    outlines, middles, area_m2 = draw(ids, lon, lat, resolution)
    for cell, outline, middle, area in zip(ids.tolist(), outlines, middles, area_m2, strict=True):
        expected = ring_of(cell)
        drawn = shapely.get_coordinates(outline)[:-1]
        assert len(drawn) == len(expected)
        apart = np.abs(drawn[:, None] - expected[None])
        apart[..., 0] = np.minimum(apart[..., 0] % 360, 360 - apart[..., 0] % 360) * np.cos(np.radians(middle[1]))
        assert apart.max(axis=2).min(axis=1).max() < 1e-9
        here = h3i.cell_to_latlng(cell)
        assert middle[1] == pytest.approx(here[0], abs=1e-9)
        assert h3.great_circle_distance(here, middle[::-1].tolist(), unit="m") < 1e-3
        assert area == pytest.approx(h3i.cell_area(cell, unit="m^2"), rel=1e-6)
    source, near = neighbours(ids, lon, lat, resolution)
    for k in range(len(ids)):
        assert set(near[source == k].tolist()) == set(h3i.grid_ring(int(ids[k]), 1).tolist())


@pytest.fixture(scope="module")
def ragged():
    """Three zones with a hole, an island and a spike, as no territory is neat."""
    rng = np.random.default_rng(4)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 60))
    blob = shapely.Polygon(
        np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(0.03, 0.1, 60)[:, None] + [113.5, 34.7]
    )
    hole = shapely.Point(113.5, 34.7).buffer(0.02)
    west = blob.intersection(shapely.box(113, 34, 113.5, 35)).difference(hole)
    east = blob.intersection(shapely.box(113.5, 34, 114, 35)).difference(hole)
    island = shapely.union_all([shapely.box(113.7, 34.7, 113.7001, 34.9), shapely.Point(113.75, 34.75).buffer(0.0001)])
    return frame_of(west, east, island)


@pytest.mark.parametrize("resolution", [5, 7, 8, 9])
def test_no_part_of_the_territory_is_lost(ragged, resolution):
    grid = make_grid(ragged, system="h3", resolution=resolution)
    covered = shapely.union_all(grid.cells.geometry.to_numpy())
    territory = shapely.union_all(ragged.geometry.to_numpy())
    assert shapely.area(shapely.difference(territory, covered)) < 1e-9 * territory.area
    corners = shapely.get_coordinates(territory)
    rng = np.random.default_rng(0)
    anywhere = rng.uniform(*np.reshape(territory.bounds, (2, 2)), (20_000, 2))
    inside = anywhere[shapely.contains_xy(territory, anywhere)]
    assert (grid.locate(*inside.T) >= 0).all()
    assert (grid.locate(*corners.T) >= 0).mean() > 0.99  # a corner may lie in a cell that shares no area


@pytest.mark.parametrize("resolution", [6, 8])
def test_the_cells_are_those_that_h3_finds_to_overlap(ragged, resolution):
    grid = make_grid(ragged, system="h3", resolution=resolution)
    expected = set()
    for part in shapely.get_parts(shapely.union_all(ragged.geometry.to_numpy())):
        expected |= set(h3.h3shape_to_cells_experimental(h3.geo_to_h3shape(part), resolution, contain="overlap"))
    assert set(grid.cells.index) == expected
    assert list(grid.cells.index) == sorted(grid.cells.index)


def test_shares_and_zones(ragged):
    grid = make_grid(ragged, system="h3", resolution=8)
    cells = grid.cells
    assert set(cells["zone_id"]) == {"z0", "z1", "z2"}
    territory = shapely.union_all(ragged.geometry.to_numpy())
    outlines = cells.geometry.to_numpy()
    expected = shapely.area(shapely.intersection(outlines, territory)) / shapely.area(outlines)
    np.testing.assert_allclose(cells["share_inside"], expected, atol=1e-9)
    in_west = shapely.contains(ragged.geometry[0], shapely.centroid(outlines))
    assert (cells["zone_id"][in_west] == "z0").all()


def test_adjacency_is_h3s_ring(ragged):
    grid = make_grid(ragged, system="h3", resolution=8)
    near = grid.adjacency()
    row = {cell: k for k, cell in enumerate(grid.cells.index)}
    for k, cell in enumerate(grid.cells.index):
        expected = sorted(row[c] for c in h3.grid_ring(cell, 1) if c in row)
        assert near.indices[near.indptr[k] : near.indptr[k + 1]].tolist() == expected


def test_a_thirty_metre_box_has_a_cell():
    box = shapely.box(116.3, 39.9, 116.30035, 39.90027)
    for resolution in (0, 5, 9, 12):
        grid = make_grid(frame_of(box), system="h3", resolution=resolution)
        assert len(grid) >= 1
        assert grid.locate([116.3002], [39.9001])[0] >= 0
        assert (grid.cells["zone_id"] == "z0").all()
    assert len(make_grid(frame_of(box), system="square", cell_size_m=500)) >= 1


def test_a_territory_across_the_antimeridian():
    zones = frame_of(shapely.box(179.5, -17, 180, -16), shapely.box(180, -17, 180.5, -16))
    grid = make_grid(zones, system="h3", resolution=5)
    assert (grid.locate([179.75, -179.75, 180.25], [-16.5] * 3) >= 0).all()
    assert grid.locate([-179.75], [-16.5]) == grid.locate([180.25], [-16.5])
    lon = shapely.get_coordinates(grid.cells.geometry.to_numpy())[:, 0]
    assert lon.max() - lon.min() < 2


def test_a_resolution_too_fine_for_the_territory_is_refused():
    with pytest.raises(SettingError, match="at most 5,000,000"):
        make_grid(frame_of(shapely.box(100, 20, 120, 40)), system="h3", resolution=12)
    for wrong in (-1, 16, 8.5, "8", True, None):
        with pytest.raises(SettingError, match="whole number from 0 to 15"):
            make_grid(frame_of(shapely.box(100, 20, 101, 21)), system="h3", resolution=wrong)


def test_a_stray_zone_far_away_is_named():
    zones = frame_of(
        shapely.box(113.5, 34.7, 113.6, 34.8), shapely.box(113.6, 34.7, 113.7, 34.8), shapely.box(0, 0, 0.01, 0.01)
    )
    for settings in ({"system": "h3", "resolution": 10}, {"system": "square", "cell_size_m": 100}):
        with pytest.raises(SettingError, match=r"zone 'z2' lies 1.,... km from the middle of the others"):
            make_grid(zones, **settings)
    assert make_grid(zones, system="zones").locate([0.005], [0.005]).tolist() == [2]
    assert len(make_grid(zones, system="h3", resolution=6)) > 3


def test_grids_can_be_pickled(ragged):
    for settings in ({"system": "h3", "resolution": 8}, {"system": "square", "cell_size_m": 500}, {"system": "zones"}):
        grid = make_grid(ragged, **settings)
        again = pickle.loads(pickle.dumps(grid))
        assert (again.system, again.params) == (grid.system, grid.params)
        assert again.cells.equals(grid.cells)
        assert (
            again.locate([113.5, 113.45], [34.75, 34.7]).tolist()
            == grid.locate([113.5, 113.45], [34.75, 34.7]).tolist()
        )


PLACES = {
    "Zhengzhou": (113.3, 34.7, 2.0),
    "astride 180°": (180.0, -17.0, 3.0),
    "past 180°": (183.0, 51.0, 2.0),
    "on two faces": (117.2, 7.7, 3.0),
    "a pentagon": (10.536, 64.7, 2.0),
    "the far north": (20.0, 84.5, 1.0),
}


def blobs(place):
    """Two ragged zones with a hole and an island, around a place; at a scale at which few cells are needed."""
    lon, lat, size = PLACES[place]
    rng = np.random.default_rng(len(place))
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    reach = size * rng.uniform(0.2, 0.5, 60)
    blob = shapely.Polygon(np.column_stack([lon + reach * np.cos(angle), lat + 0.5 * reach * np.sin(angle)]))
    rest = blob.difference(shapely.box(lon - 0.03 * size, lat - 0.02 * size, lon + 0.02 * size, lat + 0.02 * size))
    west = rest.intersection(shapely.box(lon - size, lat - size, lon, lat + size))
    east = rest.difference(west).union(shapely.box(lon + 0.6 * size, lat, lon + 0.65 * size, lat + 0.05 * size))
    return frame_of(west, east)


@pytest.mark.parametrize("place", PLACES)
def test_counted_out_on_the_lattice_the_cells_are_those_of_the_net(place, monkeypatch):
    zones = blobs(place)
    by_lattice = {r: make_grid(zones, system="h3", resolution=r).cells for r in (3, 5, 6)}
    alone = {r: h3_cells(zones, r) for r in by_lattice}
    monkeypatch.setattr(hexagons, "AT_ONCE", 500)  # a few rows of the lattice at a time
    in_blocks = h3_cells(zones, 6)
    monkeypatch.setattr(hexagons, "lattice_over", lambda *_: None)
    for resolution, cells in by_lattice.items():
        by_net = make_grid(zones, system="h3", resolution=resolution).cells
        assert by_net.equals(cells)
        assert [f"{cell:x}" for cell in alone[resolution].tolist()] == list(by_net.index)
        np.testing.assert_array_equal(h3_cells(zones, resolution), alone[resolution])
    np.testing.assert_array_equal(in_blocks, alone[6])


@pytest.mark.parametrize("resolution", [6, 7, 9])
def test_the_lattice_names_its_cells_as_h3_does(resolution):
    known = lattice_over((113.0, 34.0, 113.5, 34.4), resolution)
    at = np.arange(len(known))[:: max(len(known) // 50, 1)]
    lon, lat = known.middles(at)
    expected = [h3i.latlng_to_cell(y, x, resolution) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    assert known.keys(at).tolist() == expected
    np.testing.assert_array_equal(known.numbers(lon, lat), at)
    for x, y, cell in zip(lon.tolist(), lat.tolist(), expected, strict=True):
        assert h3i.cell_to_latlng(cell) == pytest.approx((y, x), abs=1e-9)


def test_the_lattice_is_of_one_face():
    on_several = [place for place, (lon, lat, size) in PLACES.items() if lattice_over((lon - size / 2, lat - size / 4,
        lon + 0.65 * size, lat + size / 4), 5) is None]  # fmt: skip
    assert {"on two faces", "a pentagon"} <= set(on_several) < set(PLACES)
