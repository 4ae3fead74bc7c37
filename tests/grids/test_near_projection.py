"""Squares found by polynomials are PROJ's squares, point for point, also a hair from their sides."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import CRSError
from gridmap.grids.squares import near_projection
from gridmap.grids.systems import make_grid
from gridmap.read.metric_projection import project, unproject


def by_proj(grid, lon, lat):
    size = grid.params["cell_size_m"]
    row = {cell: k for k, cell in enumerate(grid.cells.index)}
    with np.errstate(invalid="ignore"):
        x, y = (np.floor(v / size) for v in project(lon, lat, grid.params["crs"]))
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(lon) & np.isfinite(lat)
    return [row.get(f"{int(i)}_{int(j)}", -1) if ok else -1 for i, j, ok in zip(x, y, good, strict=True)]


def points_around(grid, box, rng, n=400):
    """Anywhere, far outside, and within micrometres of the squares' sides."""
    west, south, east, north = box
    lon, lat = rng.uniform(2 * west - east, 2 * east - west, n), rng.uniform(2 * south - north, 2 * north - south, n)
    size = grid.params["cell_size_m"]
    corner = grid._xy[rng.integers(0, len(grid), n)] * size
    off = rng.choice([0.0, 1e-9, -1e-9, 1e-7, -1e-6, 1e-5, 1e-3], (n, 2)) + rng.choice([0, 0.5 * size], (n, 2))
    beside = unproject(*(corner + off).T, grid.params["crs"])
    odd = [[np.nan, np.inf, -np.inf, 0, 180, -180, 400, west], [lat[0], lat[0], lat[0], 95, 0, -90, lat[0], np.nan]]
    return np.concatenate([lon, beside[0], odd[0]]), np.concatenate([lat, beside[1], odd[1]]).clip(-95, 95)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**9),
    st.sampled_from([(-1.9, 53.7), (113.6, 34.7), (151.2, -33.9), (25.5, 79.0), (0.01, 0.01), (179.2, -17.0)]),
    st.sampled_from([0.02, 0.5, 3.0]),
    st.sampled_from([None, "EPSG:3857", "+proj=laea +lat_0=30 +lon_0=100 +datum=WGS84 +units=m"]),
)
def test_every_point_has_the_square_that_proj_gives_it(seed, place, degrees, crs):
    lon, lat = place
    if crs is not None and "laea" in crs and lon < 0:
        lon, lat = 100.0, 30.0
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.Point(lon, lat).buffer(degrees / 2)], crs=4326)
    if crs == "EPSG:3857" and zone.total_bounds[2] > 180:
        with pytest.raises(CRSError, match="across the antimeridian, where WGS 84 / Pseudo-Mercator is cut"):
            make_grid(zone, system="square", cell_size_m=degrees * 3_000, crs=crs)
        return
    grid = make_grid(zone, system="square", cell_size_m=degrees * 3_000, crs=crs)
    lon, lat = points_around(grid, zone.total_bounds, np.random.default_rng(seed))
    assert grid.locate(lon, lat).tolist() == by_proj(grid, lon, lat)


def test_on_both_sides_of_the_antimeridian_proj_itself_is_asked():
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(178.9, -17, 180, -16)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=2_000, crs="EPSG:32760")
    rng = np.random.default_rng(0)
    lon = np.concatenate([rng.uniform(178.8, 180, 300), rng.uniform(-180, -179.9, 300), rng.uniform(180, 181, 300)])
    lat = rng.uniform(-17.1, -15.9, 900)
    assert grid.locate(lon, lat).tolist() == by_proj(grid, lon, lat)


@pytest.mark.parametrize("lon", [179.6, -179.6, 180.4])
def test_a_territory_across_the_antimeridian_is_tiled_whole(lon):
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.Point(lon, -17).buffer(1)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=5_000)
    west, south, east, north = zone.total_bounds
    held = grid.cells.total_bounds - [west, south, east, north]
    assert (held[:2] <= 0).all()
    assert (held[2:] >= 0).all()
    assert (np.abs(held) < 0.1).all()
    area_m2 = zone.to_crs(grid.params["crs"]).area.sum()
    assert (grid.cells["share_inside"] * grid.cells["area_m2"]).sum() == pytest.approx(area_m2, rel=1e-3)
    inside = zone.geometry[0].representative_point()
    assert (grid.locate([inside.x, inside.x - 360, inside.x + 360], [inside.y] * 3) >= 0).all()


def test_a_country_is_followed_in_pieces():
    crs = "+proj=laea +lat_0=35 +lon_0=104 +datum=WGS84 +units=m"
    near = near_projection(crs, (73, 18, 135, 53))
    assert near.across * near.down > 100
    assert near.error_m < 1e-5


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (-180, 50, 180, 52), (np.nan, 0, 1, 1)])
def test_where_nothing_can_be_followed_there_is_none(box):
    assert near_projection("EPSG:32630", box) is None
