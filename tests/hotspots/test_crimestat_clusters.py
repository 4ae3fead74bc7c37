"""NNH and STAC do what CrimeStat's manual says, step by step."""

import numpy as np
import pyarrow as pa
import pytest

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.crimestat_clusters import _threshold_m, nearest_neighbour_hierarchy, stac
from gridmap.read.incident_table import Incidents


def incidents_at(lon, lat) -> Incidents:
    ids = [str(i) for i in range(len(lon))]
    return Incidents(pa.table({"incident_id": ids, "lon": np.asarray(lon), "lat": np.asarray(lat)}))


@pytest.fixture(scope="module")
def incidents() -> Incidents:
    rng = np.random.default_rng(11)
    clumps = rng.uniform([-1.6, 53.7], [-1.5, 53.8], (12, 2))
    at = np.concatenate([rng.normal(c, [0.0012, 0.0007], (25, 2)) for c in clumps])
    at = np.r_[at, rng.uniform([-1.6, 53.7], [-1.5, 53.8], (200, 2))]
    return incidents_at(*rng.permutation(at).T)


def test_the_threshold_is_clark_and_evans():
    assert _threshold_m(1e6, 100, 0.5) == pytest.approx(0.5 * np.sqrt(1e6 / 100))
    below = 0.5 * np.sqrt(1e4) - 1.6448536 * 0.26136 / np.sqrt(100**2 / 1e6)
    assert _threshold_m(1e6, 100, 0.05) == pytest.approx(below, rel=1e-4)


def test_nnh_is_the_greedy_rule_written_out(incidents):
    found = nearest_neighbour_hierarchy(incidents, min_points=8, radius_m=250)
    xy = incidents.xy_m()
    near = np.sqrt(((xy[:, None] - xy) ** 2).sum(axis=2)) <= 250
    free, sizes, groups = np.ones(len(xy), bool), [], []
    while True:
        count = np.where(free, (near & free).sum(axis=1), 0)
        seed = int(np.argmax(count))
        if count[seed] < 8:
            break
        mine = near[seed] & free
        groups.append(set(np.flatnonzero(mine)))
        sizes.append(int(mine.sum()))
        free &= ~mine
    labels = found.members["cluster_id"].to_numpy()
    ours = [set(np.flatnonzero(labels == k)) for k in found.clusters.index]
    assert sorted(sizes, reverse=True) == found.clusters["count"].tolist()
    assert {frozenset(g) for g in groups} == {frozenset(g) for g in ours}
    assert found.members["seed"].sum() == len(groups)


def test_every_member_lies_within_the_threshold_of_its_seed(incidents):
    found = nearest_neighbour_hierarchy(incidents, min_points=10, probability=0.3)
    xy, members = incidents.xy_m(), found.members
    for k in found.clusters.index:
        mine = (members["cluster_id"] == k).to_numpy()
        seed = xy[mine & members["seed"].to_numpy()][0]
        assert np.hypot(*(xy[mine] - seed).T).max() <= found.params["radius_m"]
        assert mine.sum() >= 10


def test_clusters_of_clusters_are_told_with_their_parents():
    rng = np.random.default_rng(2)
    towns = np.array([[-1.8, 53.6], [-1.4, 53.9]])
    spots = np.concatenate([t + [[0.008 * i, 0.004 * j] for i in range(3) for j in range(2)] for t in towns])
    at = np.concatenate([rng.normal(s, 0.0001, (12, 2)) for s in spots])
    found = nearest_neighbour_hierarchy(incidents_at(*at.T), min_points=10, radius_m=100)
    assert len(found.clusters) == 12
    assert found.higher["order"].tolist() == [2, 2]
    assert found.higher["clusters"].tolist() == [6, 6]
    assert found.higher["count"].tolist() == [72, 72]
    for k, above in found.higher.iterrows():
        mine = found.clusters[found.clusters["parent"] == k]
        assert len(mine) == 6
        assert mine.within(above.geometry.buffer(1e-6)).all()
    assert found.params["orders"] == 2


def test_a_larger_area_asks_for_less(incidents):
    small = nearest_neighbour_hierarchy(incidents, area_m2=5e7).params["radius_m"]
    assert nearest_neighbour_hierarchy(incidents, area_m2=20e7).params["radius_m"] == pytest.approx(2 * small)


@pytest.mark.parametrize("scan", ["rectangular", "triangular"])
def test_stac_is_the_circles_written_out(incidents, scan):
    found = stac(incidents, radius_m=350, min_points=10, scan=scan)
    xy = incidents.xy_m()
    (west, south), (east, north) = xy.min(axis=0), xy.max(axis=0)
    dx, dy = (east - west) / 19, (north - south) / 19
    circles = []
    for row in range(20):
        for column in range(20):
            shift = 0.5 if scan == "triangular" and row % 2 else 0
            at = np.array([west + (column + shift) * dx, south + row * dy])
            circles.append(set(np.flatnonzero(np.hypot(*(xy - at).T) <= 350 * np.sqrt(2))))
    circles = sorted(circles, key=len, reverse=True)[:25]  # Python's sort is stable, as ours
    merged = []
    for circle in (c for c in circles if len(c) >= 2):
        touching = [m for m in merged if m & circle]
        merged = [m for m in merged if not m & circle] + [circle.union(*touching)]
    labels = found.members["cluster_id"].to_numpy()
    ours = {frozenset(np.flatnonzero(labels == k)) for k in found.clusters.index}
    assert ours == {frozenset(m) for m in merged if len(m) >= 10}
    assert found.clusters["circles"].sum() <= 25


def test_stac_says_what_its_circles_do_not_cover(incidents):
    found = stac(incidents, radius_m=50, min_points=2)
    assert "lie between the circles" in found.notes[0]
    assert not stac(incidents, radius_m=500).notes


@pytest.mark.parametrize(
    "method, options, error, words",
    [
        (nearest_neighbour_hierarchy, {"probability": 1.5}, SettingError, "between 0 and 1"),
        (nearest_neighbour_hierarchy, {"radius_m": 0.01}, SettingError, "looks like degrees"),
        (nearest_neighbour_hierarchy, {"min_points": 1}, SettingError, "at least 2"),
        (nearest_neighbour_hierarchy, {"area_m2": -3}, SettingError, "area_m2"),
        (stac, {"radius_m": 0.01}, SettingError, "looks like degrees"),
        (stac, {"radius_m": 300, "scan": "hexagonal"}, SettingError, "triangular"),
        (stac, {"radius_m": 300, "nodes": 1}, SettingError, "at least 2"),
    ],
)
def test_wrong_settings_are_named(incidents, method, options, error, words):
    with pytest.raises(error, match=words):
        method(incidents, **options)


def test_a_threshold_of_nothing_is_refused():
    line = incidents_at(np.full(40, -1.55), np.full(40, 53.75))
    with pytest.raises(InputError, match="Give radius_m"):
        nearest_neighbour_hierarchy(line)
    assert nearest_neighbour_hierarchy(line, radius_m=50).clusters["count"].tolist() == [40]
    assert stac(line, radius_m=50).clusters["count"].tolist() == [40]
