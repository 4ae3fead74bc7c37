"""Close in space and in time: the same clusters as a full table of distances, and no date invented."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.cluster import DBSCAN

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.space_time_clusters import st_dbscan
from gridmap.read.incident_table import Incidents

START = pd.Timestamp("2024-01-01")


def timed(lon, lat, days, length_days=0.0) -> Incidents:
    begin = START + pd.to_timedelta(np.round(np.asarray(days, float) * 86_400), unit="s")
    end = begin + pd.to_timedelta(np.broadcast_to(length_days, len(begin)), unit="D")
    ids = [str(i) for i in range(len(lon))]
    return Incidents(
        pa.table(
            {
                "incident_id": ids,
                "occurred_from": pa.array(begin, pa.timestamp("us")),
                "occurred_to": pa.array(end, pa.timestamp("us")),
                "lon": np.asarray(lon, float),
                "lat": np.asarray(lat, float),
            }
        )
    )


@pytest.fixture(scope="module")
def year() -> Incidents:
    """Two series of 30 in one week each, in the middle of 400 incidents spread over a town and a year."""
    rng = np.random.default_rng(7)
    lon = np.r_[rng.normal(-1.57, 0.0008, 30), rng.normal(-1.53, 0.0008, 30), rng.uniform(-1.58, -1.52, 400)]
    lat = np.r_[rng.normal(53.76, 0.0005, 30), rng.normal(53.74, 0.0005, 30), rng.uniform(53.73, 53.77, 400)]
    days = np.r_[rng.uniform(50, 57, 30), rng.uniform(200, 207, 30), rng.uniform(0, 365, 400)]
    mixed = rng.permutation(460)
    return timed(lon[mixed], lat[mixed], days[mixed])


@pytest.mark.parametrize(
    "eps_m, eps_days, min_samples", [(150, 3, 4), (300, 7, 5), (600, 20, 4), (2000, 1, 3), (100, 400, 5)]
)
def test_st_dbscan_equals_a_full_table_of_distances(year, eps_m, eps_days, min_samples):
    found = st_dbscan(year, eps_m=eps_m, eps_days=eps_days, min_samples=min_samples)
    xy = year.xy_m()
    t = year.to_frame()["occurred_from"].astype("int64").to_numpy() / 86_400e6
    apart = np.maximum(np.sqrt(((xy[:, None] - xy) ** 2).sum(axis=2)) / eps_m, np.abs(t[:, None] - t) / eps_days)
    theirs = DBSCAN(eps=1, min_samples=min_samples, metric="precomputed").fit(apart)
    ours = found.members["cluster_id"].to_numpy()
    pairs = set(zip(ours, theirs.labels_, strict=True))
    assert len(pairs) == len(set(ours)) == len(set(theirs.labels_))
    assert {a for a, b in pairs if b == -1} <= {-1}
    assert set(np.flatnonzero(found.members["core"])) == set(theirs.core_sample_indices_)


def test_planted_series_are_found_with_their_dates(year):
    found = st_dbscan(year, eps_m=200, eps_days=4, min_samples=8).clusters
    assert len(found) == 2
    assert (found["days"] <= 7).all()
    weeks = sorted((found["first"] - START).dt.days.tolist())
    assert 50 <= weeks[0] <= 53
    assert 200 <= weeks[1] <= 203


def test_the_edge_of_both_radii_counts():
    days = np.repeat(np.arange(30) * 7.0, 2)  # each week two at one place
    there = timed(np.full(60, -1.55), np.full(60, 53.75), days)
    assert st_dbscan(there, eps_m=10, eps_days=7, min_samples=6).clusters["count"].tolist() == [60]
    assert not len(st_dbscan(there, eps_m=10, eps_days=6.99, min_samples=6).clusters)


def test_the_same_place_at_another_time_is_no_series(year):
    lon, lat = year.lonlat()
    once = timed(lon, lat, np.arange(len(lon)) * 30.0)
    assert not len(st_dbscan(once, eps_m=5000, eps_days=10, min_samples=3).clusters)


def test_month_only_dates_are_refused_for_a_week_and_allowed_for_a_quarter():
    rng = np.random.default_rng(1)
    months = timed(rng.normal(-1.55, 0.001, 80), rng.normal(53.75, 0.001, 80), np.repeat([0.0, 31.0], 40), 31)
    with pytest.raises(InputError, match=r"80 of 80 incidents are only known to an interval longer than eps_days=7"):
        st_dbscan(months, eps_m=200, eps_days=7, min_samples=5)
    assert len(st_dbscan(months, eps_m=200, eps_days=92, min_samples=5).clusters)


def test_rows_without_a_usable_time_are_left_out_and_counted():
    rng = np.random.default_rng(1)
    some = timed(
        rng.normal(-1.55, 0.001, 100),
        rng.normal(53.75, 0.001, 100),
        np.zeros(100),
        np.r_[np.zeros(60), np.full(40, 31)],
    )
    frame = some.to_frame()
    frame.loc[:9, ["occurred_from", "occurred_to"]] = pd.NaT
    some = Incidents(pa.Table.from_pandas(frame, preserve_index=False))
    found = st_dbscan(some, eps_m=500, eps_days=3, min_samples=5)
    assert (found.params["untimed"], found.params["too_long"], len(found.members)) == (10, 40, 50)
    assert found.members["incident_id"].tolist() == [str(i) for i in range(10, 60)]
    assert "10 of 100 incidents have no time" in found.notes[0]
    assert "40 of 100" in found.notes[1]


def test_no_time_at_all_is_refused(year):
    bare = Incidents(year.data.select(["incident_id", "lon", "lat"]))
    with pytest.raises(InputError, match="no incident has a time"):
        st_dbscan(bare, eps_m=100, eps_days=7, min_samples=5)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"eps_m": 0.001}, "looks like degrees"),
        ({"eps_days": 0}, "eps_days"),
        ({"eps_days": "week"}, "eps_days"),
        ({"min_samples": -1}, "min_samples"),
    ],
)
def test_wrong_settings_are_named(year, options, words):
    with pytest.raises(SettingError, match=words):
        st_dbscan(year, **{"eps_m": 100, "eps_days": 7, "min_samples": 5, **options})


def test_police_data_that_give_the_month_only_are_refused(root):
    import gridmap as gm

    street = gm.read_incidents(root / "data" / "west_yorkshire" / "2018-07-west-yorkshire-street.csv.gz")
    burglary = street.where(category="Burglary")
    with pytest.raises(InputError, match=r"1,999 of 1,999 incidents are only known to an interval longer"):
        gm.st_dbscan(burglary, eps_m=300, eps_days=7, min_samples=5)
    week = gm.hour_of_week(burglary)
    assert week.attrs["uncertain_share"] == 1
    assert week.attrs["no_information"] == 1_999


def test_memphis_robberies_have_series_and_hours(shared_data):
    import gridmap as gm

    robberies = gm.read_incidents(shared_data / "memphis" / "memphis_robberies.csv")
    assert gm.hour_of_week(robberies).to_numpy().sum() == 2_245
    evening = gm.hour_of_week(robberies).sum(axis=0)
    assert evening[list(range(19, 24))].sum() > 2_245 / 3
    series = gm.st_dbscan(robberies, eps_m=400, eps_days=7, min_samples=5)
    assert len(series.clusters)
    assert (series.clusters["days"] < 31).all()
