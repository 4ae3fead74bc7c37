"""Each incident adds up to one, over the hours in which it may have happened."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.clusters import dbscan
from gridmap.hotspots.hours_of_week import aoristic_weights, hour_of_week, hours_by_hotspot
from gridmap.hotspots.result import HotspotResult
from gridmap.read.incident_table import Incidents


def between(*pairs, lon=None, lat=None, **columns) -> Incidents:
    start, end = (pa.array(np.array([p[i] for p in pairs], "datetime64[us]")) for i in (0, 1))
    n = len(pairs)
    lon, lat = np.zeros(n) if lon is None else lon, np.zeros(n) if lat is None else lat
    ids = [str(i) for i in range(n)]
    return Incidents(
        pa.table({"incident_id": ids, "occurred_from": start, "occurred_to": end, "lon": lon, "lat": lat, **columns})
    )


def test_an_exact_time_falls_into_its_hour():
    week = hour_of_week(
        between(("2024-01-08 09:59:59", "2024-01-08 09:59:59"), ("2024-01-14 23:00", "2024-01-14 23:00"))
    )
    assert week.shape == (7, 24)
    assert week.loc[0, 9] == 1
    assert week.loc[6, 23] == 1
    assert week.to_numpy().sum() == 2
    assert week.attrs["uncertain_share"] == 0


def test_an_interval_is_shared_out_by_the_minute():
    week = hour_of_week(between(("2024-01-12 23:30", "2024-01-13 01:00")))  # Friday night, 90 minutes
    assert week.loc[4, 23] == pytest.approx(1 / 3)
    assert week.loc[5, 0] == pytest.approx(2 / 3)
    assert week.attrs["uncertain"] == 1


def test_an_interval_over_the_end_of_the_week_goes_on_at_its_start():
    week = hour_of_week(between(("2024-01-14 22:00", "2024-01-15 02:00")))
    assert week.loc[6, [22, 23]].tolist() == [0.25, 0.25]
    assert week.loc[0, [0, 1]].tolist() == [0.25, 0.25]
    assert week.to_numpy().sum() == pytest.approx(1)


def test_left_on_friday_found_on_monday():
    week = hour_of_week(between(("2024-01-12 18:00", "2024-01-15 08:00")))  # 62 hours
    assert week.loc[5].sum() == pytest.approx(24 / 62)
    assert week.loc[2].sum() == 0


def test_month_only_dates_are_all_uncertain_and_told_so():
    week = hour_of_week(between(*[("2018-07-01", "2018-08-01")] * 50))
    assert week.to_numpy().sum() == pytest.approx(50)
    assert week.attrs["uncertain_share"] == 1
    assert week.attrs["no_information"] == 50
    assert "say nothing about hours" in week.attrs["notes"][0]
    assert week.to_numpy().max() / week.to_numpy().min() == pytest.approx(5 / 4)  # July 2018 has 31 days


def test_dates_read_as_midnight_are_told():
    week = hour_of_week(between(*[(f"2024-01-{d:02d}", f"2024-01-{d:02d}") for d in range(1, 20)]))
    assert "midnight" in week.attrs["notes"][0]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-(10**9), 10**9), st.one_of(st.just(0), st.integers(1, 4_000_000))),
        min_size=1,
        max_size=30,
    )
)
def test_the_sum_is_kept_and_equals_minute_by_minute(spans):
    pairs = [(pd.Timestamp(a, unit="s"), pd.Timestamp(a + b, unit="s")) for a, b in spans]
    week = hour_of_week(between(*pairs)).to_numpy().ravel()
    assert week.sum() == pytest.approx(len(spans))
    assert (week > -1e-9).all()
    by_hand = np.zeros(168)
    for a, b in spans:
        monday = a - 4 * 86_400
        if b == 0:
            by_hand[monday // 3600 % 168] += 1
            continue
        edges = np.unique(np.r_[monday, np.arange(monday // 3600 + 1, -(-(monday + b) // 3600)) * 3600, monday + b])
        np.add.at(by_hand, edges[:-1] // 3600 % 168, np.diff(edges) / b)
    np.testing.assert_allclose(week, by_hand, atol=1e-9)


def test_rows_are_all_accounted_for():
    start = ["2024-01-08 09:00", None, "2024-01-08 09:00", "2024-01-08"]
    end = ["2024-01-08 09:00", None, None, "2024-02-08"]
    some = between(*zip(start, end, strict=True))
    week = hour_of_week(some, longest_h=72)
    account = week.attrs
    assert (account["rows"], account["counted"], account["untimed"], account["too_long"]) == (4, 2, 1, 1)
    assert week.loc[0, 9] == 2  # a start alone is taken as the time
    assert (week.about.kind, week.about.rows, week.about.untimed) == ("aoristic", 4, 2)
    assert not week.about.are_counts


def test_harm_weighs():
    week = hour_of_week(between(("2024-01-08 09:00",) * 2, ("2024-01-09 09:00",) * 2, harm=[3.0, 0.5]), weights="harm")
    assert week.loc[0, 9] == 3
    assert week.loc[1, 9] == 0.5


def test_each_hotspot_has_its_own_hours():
    rng = np.random.default_rng(0)
    lon = np.r_[rng.normal(-1.55, 0.0002, 40), rng.normal(-1.50, 0.0002, 30)]
    lat = np.r_[rng.normal(53.75, 0.0001, 40), rng.normal(53.75, 0.0001, 30)]
    pairs = [("2024-01-12 22:15", "2024-01-12 22:15")] * 40 + [("2024-01-10 08:00", "2024-01-10 18:00")] * 30
    incidents = between(*pairs, lon=lon, lat=lat)
    clusters = dbscan(incidents, eps_m=100, min_samples=5)
    profile = hours_by_hotspot(incidents, clusters)
    assert profile.loc[0, (4, 22)] == 40
    assert profile.loc[1].loc[2].loc[8:17].tolist() == pytest.approx([3.0] * 10)
    assert profile.attrs["uncertain_by_hotspot"] == {0: 0.0, 1: 1.0}
    with pytest.raises(InputError, match="not the incidents"):
        hours_by_hotspot(between(*pairs[:60]), clusters)


def test_hot_cells_have_their_hours(tmp_path):
    import geopandas as gpd
    import shapely

    from gridmap.grids.systems import make_grid

    town = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    grid = make_grid(town, system="square", cell_size_m=2000)
    row = int(grid.locate([-1.55], [53.75])[0])
    label = np.where(np.arange(len(grid)) == row, "hot 99", "none")
    cells = grid.cells.assign(label=label)
    incidents = between(*[("2024-01-12 22:15",) * 2] * 5, lon=[-1.55] * 4 + [-1.0], lat=[53.75] * 5)
    profile = hours_by_hotspot(incidents, HotspotResult(cells, "getis_ord", {}), grid)
    assert profile.index.tolist() == [grid.cells.index[row]]
    assert profile.iloc[0].sum() == 4
    with pytest.raises(InputError, match="give hours_by_hotspot the grid"):
        hours_by_hotspot(incidents, HotspotResult(cells, "getis_ord", {}))


def test_wrong_input_is_named():
    bare = Incidents(pa.table({"incident_id": ["a"], "lon": [0.0], "lat": [0.0]}))
    with pytest.raises(InputError, match="have no times"):
        hour_of_week(bare)
    with pytest.raises(InputError, match="no incidents"):
        hour_of_week(Incidents(bare.data.slice(0, 0)))
    with pytest.raises(InputError, match="found list"):
        hour_of_week([1])
    with pytest.raises(SettingError, match="longest_h"):
        hour_of_week(between(("2024-01-08",) * 2), longest_h=-1)


def test_aoristic_weights_add_up_to_the_matrix():
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 30, 200), unit="D")
    length = pd.to_timedelta(np.where(rng.uniform(size=200) < 0.3, 0, rng.exponential(30, 200)), unit="h")
    incidents = between(*zip(start.floor("s"), (start + length).floor("s"), strict=True))
    week = hour_of_week(incidents)
    evening = aoristic_weights(incidents, hours=range(18, 24), weekdays=[4, 5])
    assert evening.sum() == pytest.approx(week.loc[[4, 5], 18:23].to_numpy().sum())
    assert ((evening >= 0) & (evening <= 1)).all()
    np.testing.assert_allclose(aoristic_weights(incidents), 1)
    with pytest.raises(SettingError, match="0 to 23"):
        aoristic_weights(incidents, hours=[24])
    with pytest.raises(SettingError, match="weekdays"):
        aoristic_weights(incidents, weekdays="Friday")
