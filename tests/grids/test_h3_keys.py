"""H3 cells by arithmetic: the library's answer, everywhere on Earth."""

import h3.api.numpy_int as h3i
import numpy as np
import pytest

from gridmap.grids.index.h3_keys import KeyTable, keys_of_points


def by_library(lon, lat, resolution):
    return np.array([h3i.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)], np.uint64)


def around_the_globe(rng, n):
    return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def near_corners_and_edges(rng, resolution, n):
    """Corners of cells, middles of their edges, and a hair off either."""
    lon, lat = around_the_globe(rng, n)
    cells = by_library(lon, lat, resolution)
    out = []
    for cell in cells:
        ring = np.array(h3i.cell_to_boundary(cell))[:, ::-1]
        a, b = ring[0], ring[1]
        if abs(a[0] - b[0]) < 180:
            for p in (a, (a + b) / 2):
                out += [p, np.nextafter(p, 1e9), np.nextafter(p, -1e9), p + rng.normal(0, 1e-12, 2)]
    return np.array(out).T


@pytest.mark.parametrize("resolution", range(16))
def test_every_resolution_all_over_the_globe(resolution):
    rng = np.random.default_rng(resolution)
    lon, lat = around_the_globe(rng, 2_000)
    np.testing.assert_array_equal(keys_of_points(lon, lat, resolution), by_library(lon, lat, resolution))


@pytest.mark.parametrize("resolution", [0, 1, 2, 7, 8, 9, 10, 15])
def test_corners_and_edges_of_cells(resolution):
    lon, lat = near_corners_and_edges(np.random.default_rng(resolution), resolution, 200)
    np.testing.assert_array_equal(keys_of_points(lon, lat, resolution), by_library(lon, lat, resolution))


@pytest.mark.parametrize("resolution", [1, 4, 9, 14])
def test_pentagons_poles_and_the_antimeridian(resolution):
    rng = np.random.default_rng(1)
    spread = 100 * 0.37**resolution
    lat, lon = np.array([h3i.cell_to_latlng(c) for c in h3i.get_pentagons(resolution)]).T
    lat, lon = (np.repeat(v, 150) + rng.normal(0, spread, 1_800) for v in (lat.clip(-89, 89), lon))
    lon = np.concatenate([lon, rng.uniform(-180, 180, 300), [180, -180, 180, 0, 77, 0], rng.normal(180, spread, 300)])
    lat = np.concatenate([lat.clip(-90, 90), rng.choice([-1, 1], 300) * (90 - rng.exponential(0.1, 300).clip(0, 90))])
    lat = np.concatenate([lat, [0, 0, 90, 90, -90, -90], rng.uniform(-90, 90, 300)])
    np.testing.assert_array_equal(keys_of_points(lon, lat, resolution), by_library(lon, lat, resolution))


def test_middles_of_faces_and_of_their_edges():
    """Where H3's own rounding is poorest, and where a point is as near to one face as to the next."""
    corner = np.radians([h3i.cell_to_latlng(c) for c in h3i.get_pentagons(15)])
    at = np.column_stack([np.cos(corner[:, 0]) * np.cos(corner[:, 1]), np.cos(corner[:, 0]) * np.sin(corner[:, 1])])
    at = np.column_stack([at, np.sin(corner[:, 0])])
    near = (at @ at.T > 0.4) & (at @ at.T < 0.5)
    a, b = np.nonzero(np.triu(near))
    edges = [at[a] * t + at[b] * (1 - t) for t in (0.5, 0.3, 0.1)]
    faces = [
        at[i] + at[j] + at[k] for i, j in zip(a, b, strict=True) for k in range(j, 12) if near[i, k] and near[j, k]
    ]
    xyz = np.concatenate([*edges, faces])
    lon, lat = np.degrees(np.arctan2(xyz[:, 1], xyz[:, 0])), np.degrees(np.arctan2(xyz[:, 2], np.hypot(*xyz[:, :2].T)))
    rng = np.random.default_rng(3)
    for off in (0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3):
        x, y = (np.repeat(v, 10) + off * rng.normal(size=10 * len(v)) for v in (lon, lat))
        for resolution in (0, 2, 9, 15):
            np.testing.assert_array_equal(keys_of_points(x, y, resolution), by_library(x, y, resolution))


def test_what_is_no_place_has_no_cell():
    lon = [np.nan, 0, np.inf, 0, 0, 400, 1e300]
    lat = [0, np.nan, 0, np.inf, 90.1, 0, 0]
    assert keys_of_points(lon, lat, 9).tolist() == [0] * 7


def test_longitudes_may_go_round():
    np.testing.assert_array_equal(
        keys_of_points([190.0, -170.0], [10.0, 10.0], 9), by_library([-170, -170], [10, 10], 9)
    )


def test_a_key_table_finds_what_it_holds():
    rng = np.random.default_rng(0)
    keys = np.unique(rng.integers(0, 2**63, 5_000, dtype=np.uint64))
    rng.shuffle(keys)
    table = KeyTable(keys[:4_000])
    np.testing.assert_array_equal(table.rows(keys), np.r_[np.arange(4_000), np.full(len(keys) - 4_000, -1)])
    assert KeyTable(keys[:0]).rows(keys[:3]).tolist() == [-1] * 3


@pytest.mark.slow
@pytest.mark.parametrize("resolution", [5, 8, 9, 10, 12, 15])
def test_millions_of_points(resolution):
    rng = np.random.default_rng(100 + resolution)
    lon, lat = around_the_globe(rng, 1_000_000)
    np.testing.assert_array_equal(
        keys_of_points(lon, lat, resolution), by_library(lon.tolist(), lat.tolist(), resolution)
    )
    lon, lat = near_corners_and_edges(rng, resolution, 20_000)
    np.testing.assert_array_equal(keys_of_points(lon, lat, resolution), by_library(lon, lat, resolution))
