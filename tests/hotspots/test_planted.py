"""Planted hotspots are found, and where none was planted little is made up. (The full table: benchmarks/planted.py.)"""

import numpy as np
import pytest
import shapely

import gridmap as gm


def flagged(shapes, crs):
    return shapely.union_all(shapes.to_crs(crs).to_numpy())


@pytest.fixture(scope="module")
def sample():
    return gm.samples.town(random_state=11)


def found_by(shapes, sample) -> set[str]:
    """The hotspots of which at least half of the planted incidents lie on flagged ground."""
    crs = sample.incidents.metric_crs
    ground = flagged(shapes, crs)
    points = sample.incidents.to_geodataframe().to_crs(crs)
    inside = points.intersects(ground)
    return {name for name in sample.truth.index if inside[points["planted"] == name].mean() >= 0.5}


def test_relative_risk_finds_all_that_was_planted(sample):
    grid = gm.make_grid(sample.boundaries, system="square", cell_size_m=250)
    persons = sample.boundaries.to_crs(grid.metric_crs)
    density = (persons["persons"] / persons.area).to_numpy()
    zone = gm.make_grid(sample.boundaries, system="zones").locate(*grid.centroids.T)
    people = grid.cells["area_m2"] * grid.cells["share_inside"] * np.where(zone >= 0, density[zone], 0)
    risk = gm.relative_risk(sample.incidents, people, grid, bandwidth_m=400, permutations=1_999, random_state=0)
    hot = risk.cells[risk.cells["label"].isin(["hot 95", "hot 99"])]
    assert found_by(hot.geometry, sample) >= {"market", "street", "estate", "address", "outbreak"}
    assert hot["area_m2"].sum() < 0.1 * grid.cells["area_m2"].sum()


def test_dbscan_by_itself_finds_the_dense_ones(sample):
    found = gm.dbscan(sample.incidents)
    assert found_by(found.clusters.geometry, sample) >= {"market", "street", "estate", "address"}
    assert found.clusters["area_m2"].sum() < 1e6  # of 41 km²


def test_st_dbscan_finds_the_outbreak_and_its_ten_days(sample):
    found = gm.st_dbscan(sample.incidents, eps_m=250, eps_days=4, min_samples=6)
    outbreak = sample.truth.loc["outbreak"]
    centre = outbreak.geometry.centroid
    mine = found.clusters[found.clusters.covers(centre)]
    assert len(mine) == 1
    assert mine["first"].iloc[0] >= outbreak["first"] - np.timedelta64(4, "D")
    assert mine["last"].iloc[0] <= outbreak["last"] + np.timedelta64(4, "D")


def test_the_densest_cells_are_planted(sample):
    grid = gm.make_grid(sample.boundaries, system="h3", resolution=10)
    density = gm.kernel_density(sample.incidents, grid, bandwidth_m=200).cells
    peak = density["intensity"].idxmax()
    spots = sample.truth.to_crs(grid.metric_crs)
    cell = density.to_crs(grid.metric_crs).loc[peak].geometry
    assert spots.distance(cell).min() < 50


def test_each_hotspot_shows_its_hours(sample):
    found = gm.dbscan(sample.incidents)
    profile = gm.hours_by_hotspot(sample.incidents, found)
    by_hour = profile.T.groupby(level="hour").sum().T
    for name, hours in (("market", range(9, 18)), ("estate", range(0, 6))):
        centre = sample.truth.loc[name].geometry.centroid
        k = found.clusters.index[found.clusters.covers(centre)][0]
        assert by_hour.loc[k, list(hours)].sum() > 0.6 * by_hour.loc[k].sum()


@pytest.mark.slow
def test_without_hotspots_few_are_made_up():
    series, places, quiet = 0, [], 0
    for seed in range(15):
        sample = gm.samples.town(strength=0, random_state=100 + seed)
        series += len(gm.st_dbscan(sample.incidents, eps_m=250, eps_days=4, min_samples=6).clusters)
        places.append(len(gm.dbscan(sample.incidents).clusters))
        grid = gm.make_grid(sample.boundaries, system="zones")
        risk = gm.relative_risk(sample.incidents, "persons", grid, bandwidth_m=600, permutations=499, random_state=seed)
        quiet += not risk.cells["label"].isin(["hot 95", "hot 99"]).any()
    assert series <= 2
    assert np.mean(places) < 6
    assert quiet >= 13
