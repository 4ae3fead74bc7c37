"""The ratio of two densities, and a contour that keeps its promise."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from scipy import stats

from gridmap.errors import InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.kernels import exact
from gridmap.hotspots.risk_surface import relative_risk
from gridmap.read.incident_table import Incidents


def incidents_at(lon, lat) -> Incidents:
    ids = [str(i) for i in range(len(lon))]
    return Incidents(pa.table({"incident_id": ids, "lon": np.asarray(lon), "lat": np.asarray(lat)}))


def evenly(n, rng) -> np.ndarray:
    return rng.uniform([-1.6, 53.7], [-1.5, 53.8], (n, 2))


@pytest.fixture(scope="module")
def town() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)


@pytest.fixture(scope="module")
def grid(town):
    return make_grid(town, system="h3", resolution=8)


@pytest.fixture(scope="module")
def planted() -> tuple[Incidents, Incidents]:
    """500 of each kind; a fifth of the cases at one place; both dense in the middle of the town."""
    rng = np.random.default_rng(4)
    middle = rng.normal([-1.55, 53.75], [0.02, 0.012], (900, 2))
    cases = np.r_[middle[:400], rng.normal([-1.52, 53.73], [0.003, 0.002], (100, 2))]
    return incidents_at(*cases.T), incidents_at(*middle[400:].T)


def test_the_ratio_is_that_of_the_two_sums(planted, grid):
    found = relative_risk(*planted, grid, bandwidth_m=1500, permutations=39, random_state=0)
    inside = [i.xy_m(grid.metric_crs)[grid.locate(*i.lonlat()) >= 0] for i in planted]
    each = [exact(grid.centroids_m, xy, np.ones(len(xy)), 1500, "quartic") * 1e6 for xy in inside]
    np.testing.assert_allclose(found.cells["intensity"], each[0], atol=0.02 * each[0].max())
    sure = each[1] > 0.2 * each[1].max()
    by_hand = (each[0][sure] / len(inside[0])) / (each[1][sure] / len(inside[1]))
    np.testing.assert_allclose(found.cells["relative_risk"][sure], by_hand, rtol=0.05)


def test_the_planted_place_is_in_the_contour_and_the_middle_is_not(planted, grid):
    found = relative_risk(*planted, grid, bandwidth_m=1500, permutations=199, random_state=0)
    hot = found.contours[found.contours["label"] == "hot"]
    assert hot.covers(shapely.Point(-1.52, 53.73)).sum() == 1
    at = int(grid.locate([-1.52], [53.73])[0])
    assert found.cells["label"].iloc[at].startswith("hot")
    assert found.cells["relative_risk"].iloc[at] > 2
    middle = int(grid.locate([-1.55], [53.75])[0])
    assert not found.cells["label"].iloc[middle].startswith("hot")  # dense, but of both
    assert found.surface.shape == (found.surface.shape[0], found.surface.shape[1])
    assert found.unit == "ratio"


def test_population_by_column_and_by_series_are_the_same(planted, grid):
    persons = pd.Series(np.arange(1, len(grid) + 1), index=grid.cells.index)
    other = make_grid(
        gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326),
        system="h3",
        resolution=8,
    )
    other.cells = other.cells.assign(persons=persons)
    options = {"bandwidth_m": 1500, "permutations": 39, "random_state": 3}
    a = relative_risk(planted[0], "persons", other, **options)
    b = relative_risk(planted[0], persons.sample(frac=1, random_state=0), grid, **options)
    pd.testing.assert_series_equal(a.cells["relative_risk"], b.cells["relative_risk"])
    assert a.params["against"] == "persons"


def test_risk_in_step_with_the_population_is_one(grid):
    rng = np.random.default_rng(0)
    cases = incidents_at(*evenly(20_000, rng).T)
    inside = grid.cells["share_inside"] * grid.cells["area_m2"]
    found = relative_risk(cases, inside, grid, bandwidth_m=2500, permutations=39, random_state=0)
    middle = grid.cells["share_inside"] == 1
    assert found.cells["relative_risk"][middle].between(0.85, 1.15).all()


def test_the_same_seed_gives_the_same_answer(planted, grid):
    a, b = (relative_risk(*planted, grid, bandwidth_m=1500, permutations=39, random_state=5) for _ in range(2))
    pd.testing.assert_frame_equal(a.cells.drop(columns="geometry"), b.cells.drop(columns="geometry"))


@pytest.mark.slow
@pytest.mark.parametrize("against", ["population", "incidents"])
def test_one_place_is_called_different_as_often_as_promised(town, against):
    grid = make_grid(town, system="square", cell_size_m=1500)
    at = int(grid.locate([-1.55], [53.75])[0])
    even = grid.cells["share_inside"]
    false = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        cases = incidents_at(*evenly(150, rng).T)
        other = incidents_at(*evenly(150, rng).T) if against == "incidents" else even
        p = relative_risk(cases, other, grid, bandwidth_m=2500, permutations=99, random_state=seed).cells["p_value"]
        false += p.iloc[at] <= 0.05
    low, high = stats.binom.interval(0.99, 400, 0.05)
    assert low <= false <= high


@pytest.mark.parametrize(
    "at_risk, options, error, words",
    [
        ("persns", {}, InputError, "no column 'persns'"),
        ("zone_id", {}, InputError, "must be numbers"),
        (pd.Series([1.0], index=["x"]), {}, InputError, "cells are missing"),
        ([1, 2], {}, InputError, "found list"),
        ("area_m2", {"tolerance": 0.001}, SettingError, "more permutations"),
        ("area_m2", {"permutations": 5}, SettingError, "at least 19"),
        ("area_m2", {"bandwidth_m": 0.01}, SettingError, "looks like degrees"),
        ("area_m2", {"bandwidth_m": 100}, SettingError, "smaller than a cell"),
    ],
)
def test_wrong_use_is_named(planted, grid, at_risk, options, error, words):
    with pytest.raises(error, match=words):
        relative_risk(planted[0], at_risk, grid, **{"bandwidth_m": 1500, "permutations": 39, **options})


def test_a_population_of_nothing_is_refused(planted, grid):
    with pytest.raises(InputError, match="not all 0"):
        relative_risk(planted[0], grid.cells["area_m2"] * 0, grid, bandwidth_m=1500)
    far = incidents_at(np.full(40, 10.0), np.full(40, 50.0))
    with pytest.raises(InputError, match="lie inside the grid"):
        relative_risk(far, "area_m2", grid, bandwidth_m=1500)


def test_too_few_permutations_for_so_many_cells_are_told(planted, town):
    fine = make_grid(town, system="square", cell_size_m=400)
    few = relative_risk(*planted, fine, bandwidth_m=800, permutations=39, random_state=0)
    assert "Ask for more permutations" in few.notes[-1]
    assert not len(few.contours)  # a contour asks each place alone, so it is drawn around labelled cells only
    many = relative_risk(*planted, fine, bandwidth_m=800, permutations=1_999, random_state=0)
    assert many.cells["label"].isin(["hot 95", "hot 99"]).any()
    assert (many.contours["label"] == "hot").any()
    assert not any("permutations" in note for note in many.notes)
