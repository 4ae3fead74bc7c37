"""The donut: how far, how even, in which zone, and what it achieves."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from scipy import stats

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.read.incident_table import Incidents


def points(n: int = 4000, seed: int = 0) -> Incidents:
    rng = np.random.default_rng(seed)
    table = {"incident_id": [str(i) for i in range(n)], "lon": rng.uniform(120.01, 120.09, n)}
    return Incidents(pa.table({**table, "lat": rng.uniform(30.01, 30.09, n)}))


@pytest.fixture(scope="module")
def grid():
    """West half dense, east half sparse."""
    boxes = [shapely.box(120, 30, 120.05, 30.1), shapely.box(120.05, 30, 120.1, 30.1)]
    zones = gpd.GeoDataFrame({"zone_id": ["town", "country"], "persons": [40_000, 1_000]}, geometry=boxes, crs=4326)
    return gm.make_grid(gm.read_boundaries(zones), system="zones")


def test_distances_lie_in_the_ring_and_places_are_even_over_it():
    before = points()
    masked = gm.geomask(before, min_m=100, max_m=400, random_state=1)
    off = masked.xy_m(before.metric_crs) - before.xy_m()
    distance = np.hypot(*off.T)
    assert 100 <= distance.min() <= distance.max() <= 400.001
    assert np.allclose(distance, masked.moved_m, atol=0.01)
    even = (distance**2 - 100**2) / (400**2 - 100**2)  # over the ring's area, not over its radius
    assert stats.kstest(even, "uniform").pvalue > 0.001
    angle = (np.arctan2(off[:, 1], off[:, 0]) / (2 * np.pi)) % 1
    assert stats.kstest(angle, "uniform").pvalue > 0.001
    assert masked.k_anonymity.isna().all()


def test_displacement_follows_the_population_and_reaches_k(grid):
    masked = gm.geomask(points(), k=50, grid=grid, random_state=1)
    row = grid.locate(*points().lonlat())
    density = (grid.cells["persons"] / grid.cells["area_m2"]).to_numpy()[row]
    people = density * np.pi * masked.moved_m**2  # around the true place: by construction between k and 4 k
    assert people.between(49.9, 200.1).all()
    town, country = masked.moved_m[row == 0].median(), masked.moved_m[row == 1].median()
    assert country == pytest.approx(town * np.sqrt(40), rel=0.05)
    settled = grid.locate(*masked.lonlat()) == row  # whose surroundings are the same before and after
    assert masked.k_anonymity[settled].between(49.9, 200.1).all()


def test_measured_k_counts_simulated_people(grid):
    """Against people put down one by one."""
    rng = np.random.default_rng(3)
    few = points(200, seed=5)
    masked = gm.geomask(few, k=100, grid=grid, random_state=2)
    people = rng.uniform([120, 30], [120.05, 30.1], (40_000, 2))
    people = gpd.GeoSeries(gpd.points_from_xy(*people.T), crs=4326).to_crs(grid.metric_crs)
    tree = shapely.STRtree(people.to_numpy())
    at, row = masked.xy_m(grid.metric_crs), grid.locate(*masked.lonlat())
    west, _, east, north = shapely.bounds(gpd.GeoSeries(grid.cells.geometry.iloc[[0]]).to_crs(grid.metric_crs)).T
    inner = (row == 0) & (at[:, 0] - west[0] > 700) & (east[0] - at[:, 0] > 900) & (north[0] - at[:, 1] > 700)
    inner &= grid.locate(*few.lonlat()) == 0
    assert inner.sum() > 30
    discs = shapely.buffer(shapely.points(at[inner]), masked.moved_m[inner].to_numpy(), quad_segs=32)
    counted = np.bincount(tree.query(discs, predicate="contains")[0], minlength=inner.sum())
    assert counted.mean() == pytest.approx(masked.k_anonymity[inner].mean(), rel=0.05)


def test_points_stay_in_their_zone_when_asked(grid):
    before = points()
    free = gm.geomask(before, min_m=500, max_m=2000, grid=grid, random_state=1)
    kept = gm.geomask(before, min_m=500, max_m=2000, grid=grid, within_zone=True, random_state=1)
    row = grid.locate(*before.lonlat())
    assert (grid.locate(*free.lonlat()) != row).mean() > 0.1
    ids = kept.to_frame(["incident_id"])["incident_id"].astype(int)
    assert (grid.locate(*kept.lonlat()) == row[ids]).all()
    assert len(kept) + kept.left_out == len(before)


def test_what_cannot_be_moved_is_counted(grid):
    lost = Incidents(pa.table({"incident_id": ["a", "b"], "lon": [120.02, 121.0], "lat": [30.05, 30.05]}))
    masked = gm.geomask(lost, k=20, grid=grid, random_state=0)
    assert len(masked) == 1
    assert masked.left_out == 1
    nowhere = gm.geomask(lost, min_m=50_000, max_m=60_000, grid=grid, within_zone=True, random_state=0)
    assert (len(nowhere), nowhere.left_out) == (0, 2)


def test_the_same_seed_is_the_same_mask_and_another_is_another():
    a, b, c = (gm.geomask(points(), min_m=50, max_m=200, random_state=s).lonlat()[0] for s in (4, 4, 5))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize(
    "options, error, said",
    [
        ({}, SettingError, "needs min_m= and max_m="),
        ({"k": 1}, SettingError, "2 or more"),
        ({"k": True}, SettingError, "2 or more"),
        ({"k": 2.5}, SettingError, "2 or more"),
        ({"min_m": 0.001, "max_m": 0.003}, SettingError, "looks like degrees"),
        ({"min_m": 300, "max_m": 100}, SettingError, "smaller than the largest"),
        ({"min_m": "near", "max_m": 100}, SettingError, "length in metres"),
        ({"min_m": -5, "max_m": 100}, SettingError, "length in metres"),
        ({"min_m": 5, "max_m": float("nan")}, SettingError, "length in metres"),
        ({"min_m": 5, "max_m": 100, "within_zone": True}, SettingError, "needs grid="),
        ({"grid": "a grid"}, InputError, "make_grid"),
    ],
)
def test_wrong_settings_are_said_in_one_line(options, error, said):
    with pytest.raises(error, match=said) as caught:
        gm.geomask(points(10), **options)
    assert "\n" not in str(caught.value)


def test_a_grid_without_people_is_said(grid):
    with pytest.raises(InputError, match="no numbers 'households'"):
        gm.geomask(points(10), grid=grid, population="households")
    for nothing in (pd.DataFrame(), None, Incidents(points(1).arrow().slice(0, 0))):
        with pytest.raises(InputError, match="moves the points"):
            gm.geomask(nothing, min_m=10, max_m=20)
