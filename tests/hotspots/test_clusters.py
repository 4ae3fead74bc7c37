"""Clusters are scikit-learn's to the last point, and their hulls hold their members."""

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely
from sklearn.cluster import DBSCAN, HDBSCAN

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.clusters import dbscan, hdbscan, optics
from gridmap.read.incident_table import Incidents


def incidents_at(lon, lat, **columns) -> Incidents:
    ids = [str(i) for i in range(len(lon))]
    return Incidents(pa.table({"incident_id": ids, "lon": np.asarray(lon), "lat": np.asarray(lat), **columns}))


@pytest.fixture(scope="module")
def incidents() -> Incidents:
    """Three clumps of 80, 60 and 40 over 220 spread evenly, snapped to a lattice so that many coincide."""
    rng = np.random.default_rng(3)
    where = [(-1.57, 53.76, 80), (-1.53, 53.74, 60), (-1.56, 53.72, 40)]
    lon = np.concatenate([rng.normal(x, 0.001, n) for x, _, n in where] + [rng.uniform(-1.6, -1.5, 220)])
    lat = np.concatenate([rng.normal(y, 0.0006, n) for _, y, n in where] + [rng.uniform(53.7, 53.8, 220)])
    mixed = rng.permutation(len(lon))
    return incidents_at(np.round(lon, 3)[mixed], np.round(lat, 3)[mixed], harm=rng.uniform(0, 2, len(lon)))


def same_partition(ours, theirs) -> bool:
    pairs = set(zip(ours, theirs, strict=True))
    return len(pairs) == len(set(ours)) == len(set(theirs)) and all((a < 0) == (b < 0) for a, b in pairs)


@pytest.mark.parametrize("eps_m, min_samples", [(60, 5), (150, 10), (150, 25), (400, 5), (1000, 10)])
def test_dbscan_equals_scikit_learn(incidents, eps_m, min_samples):
    found = dbscan(incidents, eps_m=eps_m, min_samples=min_samples)
    theirs = DBSCAN(eps=eps_m, min_samples=min_samples).fit(incidents.xy_m())
    assert same_partition(found.members["cluster_id"], theirs.labels_)
    assert set(np.flatnonzero(found.members["core"])) == set(theirs.core_sample_indices_)


def test_weighted_dbscan_equals_scikit_learn(incidents):
    harm = incidents.to_frame()["harm"].to_numpy()
    found = dbscan(incidents, eps_m=150, min_samples=12, weights="harm")
    theirs = DBSCAN(eps=150, min_samples=12).fit(incidents.xy_m(), sample_weight=harm)
    assert same_partition(found.members["cluster_id"], theirs.labels_)


def test_hdbscan_equals_scikit_learn(incidents):
    found = hdbscan(incidents, min_cluster_size=15)
    theirs = HDBSCAN(min_cluster_size=15, copy=True).fit(incidents.xy_m())
    assert same_partition(found.members["cluster_id"], theirs.labels_)


@pytest.mark.parametrize("method", [dbscan, hdbscan])
def test_clusters_are_ranked_counted_and_hold_their_members(incidents, method):
    found = method(incidents)
    clusters, members = found.clusters, found.members
    assert len(members) == len(incidents)
    assert clusters["count"].is_monotonic_decreasing
    assert clusters["rank"].tolist() == list(range(1, len(clusters) + 1))
    assert clusters.index.tolist() == list(range(len(clusters)))
    assert clusters["count"].to_dict() == members.query("cluster_id >= 0")["cluster_id"].value_counts().to_dict()
    assert clusters.crs.to_epsg() == 4326
    points = incidents.to_geodataframe().assign(cluster_id=members["cluster_id"].to_numpy())
    for k, cluster in clusters.iterrows():
        assert cluster.geometry.covers(
            shapely.multipoints(points.loc[points["cluster_id"] == k, ["lon", "lat"]].to_numpy())
        )
    np.testing.assert_allclose(clusters.to_crs(incidents.metric_crs).area, clusters["area_m2"], rtol=1e-6)
    assert not len(found.cells)
    assert found.params["clustered"] == (members["cluster_id"] >= 0).sum()


def test_automatic_settings_find_the_planted_clumps_and_are_reported(incidents):
    found = dbscan(incidents)
    assert found.params["automatic"] == ["eps_m", "min_samples"]
    centres = gpd.GeoSeries(gpd.points_from_xy([-1.57, -1.53, -1.56], [53.76, 53.74, 53.72]), crs=4326)
    assert all(found.clusters.covers(p).sum() == 1 for p in centres)
    again = dbscan(incidents, eps_m=found.params["eps_m"], min_samples=found.params["min_samples"])
    assert again.members.equals(found.members)


def test_an_even_spread_has_hardly_a_cluster():
    rng = np.random.default_rng(5)
    found = [
        len(dbscan(incidents_at(rng.uniform(-1.6, -1.5, 500), rng.uniform(53.7, 53.8, 500))).clusters)
        for _ in range(40)
    ]
    assert np.mean(found) < 1.5  # one core incident a map is what the automatic radius expects


def test_hulls_of_one_place_and_of_one_line_are_polygons():
    lon = np.r_[[-1.55] * 40, np.linspace(-1.53, -1.529, 40)]
    found = dbscan(incidents_at(lon, [53.75] * 80), eps_m=50, min_samples=5)
    assert found.clusters.geom_type.tolist() == ["Polygon", "Polygon"]
    assert found.clusters.is_valid.all()
    assert (found.clusters["area_m2"] > 300).all()  # a circle of 10 m radius


def test_no_cluster_is_an_empty_frame_and_a_note(incidents):
    found = dbscan(incidents, eps_m=10, min_samples=300)
    assert found.clusters.empty
    assert found.clusters.crs.to_epsg() == 4326
    assert {"count", "rank", "area_m2", "geometry"} <= set(found.clusters)
    assert "No cluster" in found.notes[0]
    assert (found.members["cluster_id"] == -1).all()


@pytest.mark.parametrize(
    "method, options, error, words",
    [
        (dbscan, {"eps_m": 0.002}, SettingError, "looks like degrees"),
        (dbscan, {"eps_m": "100"}, SettingError, "eps_m must be a number"),
        (dbscan, {"min_samples": 0}, SettingError, "min_samples"),
        (dbscan, {"hull": "concav"}, SettingError, "convex"),
        (dbscan, {"weights": "hram"}, InputError, "harm"),
        (hdbscan, {"min_cluster_size": 1}, SettingError, "at least 2"),
        (hdbscan, {"min_cluster_size": 1000}, InputError, "there are 400"),
        (hdbscan, {"selection": "leaves"}, SettingError, "leaf"),
    ],
)
def test_wrong_settings_are_named(incidents, method, options, error, words):
    with pytest.raises(error, match=words):
        method(incidents, **options)


@pytest.mark.parametrize("method", [dbscan, hdbscan])
def test_fewer_than_thirty_incidents_are_refused(method):
    with pytest.raises(InputError, match="at least 30"):
        method(incidents_at([-1.55] * 29, [53.75] * 29))


def test_incidents_at_one_place_need_a_radius():
    heap = incidents_at([-1.55] * 60, [53.75] * 60)
    with pytest.raises(InputError, match="one place"):
        dbscan(heap)
    assert dbscan(heap, eps_m=50).clusters["count"].tolist() == [60]
    assert len(hdbscan(heap).members) == 60


def test_optics_equals_scikit_learn(incidents):
    from sklearn.cluster import OPTICS

    lon, lat = incidents.lonlat()
    rng = np.random.default_rng(0)
    apart = incidents_at(lon + rng.normal(0, 1e-4, len(lon)), lat + rng.normal(0, 1e-4, len(lat)))  # none coincide
    found = optics(apart, min_samples=8, min_cluster_size=20, max_eps_m=2000)
    theirs = OPTICS(min_samples=8, min_cluster_size=20, max_eps=2000).fit(apart.xy_m())
    assert same_partition(found.members["cluster_id"], theirs.labels_)
    assert len(optics(incidents).members) == len(incidents)
    with pytest.raises(SettingError, match="between 0 and 1"):
        optics(incidents, xi=2)


def test_ellipses_have_their_axes(incidents):
    found = dbscan(incidents, hull="ellipse")
    areas = np.pi * (found.clusters["axis_long_m"] + 10) * (found.clusters["axis_short_m"] + 10)
    np.testing.assert_allclose(found.clusters["area_m2"], areas, rtol=0.01)  # of 72 corners


@pytest.mark.parametrize("turn", [0.3, 1.2, 2.4])
def test_the_standard_ellipse_equals_pointpats(turn):
    from pointpats.centrography import ellipse

    from gridmap.hotspots.hulls import standard_ellipse

    xy = np.random.default_rng(1).normal(0, [900, 300], (200, 2))
    xy = xy @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    one, other, angle = ellipse(xy)
    x, y, long_m, short_m, bearing = standard_ellipse(xy)
    np.testing.assert_allclose([long_m, short_m], sorted([one, other], reverse=True), rtol=1e-9)
    long_axis = np.degrees(angle) if one > other else np.degrees(angle) + 90  # theirs from the east, anticlockwise
    assert bearing == pytest.approx((90 - long_axis) % 180)
    np.testing.assert_allclose([x, y], xy.mean(axis=0))
