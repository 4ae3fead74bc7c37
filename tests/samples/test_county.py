"""The county is the same for the same seed, and its truth is true."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.errors import SettingError
from gridmap.governance.cases import case_life
from gridmap.read.datum import to_wgs84
from gridmap.samples import simulated_county
from gridmap.samples.county_files import write_county


@pytest.fixture(scope="module")
def county():
    return simulated_county(random_state=2, households=20_000, events=20_000)


def inside(frame, shape):
    return shapely.contains_xy(shape, frame["lon"].to_numpy(), frame["lat"].to_numpy())


def test_the_same_seed_gives_the_same_county(county):
    again = simulated_county(random_state=2, households=20_000, events=20_000)
    assert again.incidents.data.equals(county.incidents.data)
    assert again.boundaries.equals(county.boundaries)
    assert not simulated_county(random_state=3, households=5_000, events=2_000).boundaries.equals(county.boundaries)


def test_the_numbers_that_were_asked_for_are_there(county):
    assert county.buildings["households"].sum() == 20_000 == county.boundaries["households"].sum()
    assert 18_000 < len(county.incidents) < 22_000
    assert len(county.streets) == 10
    assert 70 <= len(county.boundaries) <= 90
    assert county.boundaries["zone_id"].str.fullmatch("[0-9]{12}").all()
    assert (county.boundaries.geometry.geom_type == "Polygon").all()


def test_communities_partition_the_county(county):
    shapes = county.boundaries.geometry.to_numpy()
    assert shapely.area(shapes).sum() == pytest.approx(shapely.area(shapely.union_all(shapes)), rel=1e-6)
    joined = county.buildings.sjoin(county.boundaries[["zone_id", "geometry"]], predicate="intersects")
    assert (joined["zone_id_left"] == joined["zone_id_right"]).mean() > 0.999


def test_planted_hotspots_are_as_strong_as_the_truth_says(county):
    frame = county.incidents.to_frame()
    for _, spot in county.truth.hotspots.iterrows():
        own = frame[frame["category"] == spot["category"]]
        own = own[(own["occurred_to"] >= spot["since"]) & (own["occurred_to"] < spot["until"])]
        assert spot["events"] <= inside(own, spot.geometry.buffer(0.0004)).sum()


def test_the_silent_community_is_silent(county):
    frame = county.incidents.to_frame()
    rate = frame["zone_id"].value_counts() / county.boundaries.set_index("zone_id")["persons"]
    rural = county.boundaries.loc[county.boundaries["urban_rural"] == "220", "zone_id"]
    others = rate.reindex(rural).drop(county.truth.silent_community)
    assert rate.get(county.truth.silent_community, 0) < 0.3 * others.median()


def test_one_measure_worked_and_one_only_moved_things(county):
    frame = county.incidents.to_frame()
    worked, moved = county.truth.measures.iloc[0], county.truth.measures.iloc[1]

    def before_after(measure, shape):
        own = frame[(frame["category"] == measure["category"]) & inside(frame, shape)]
        after = own["occurred_to"] >= measure["start"]
        return (~after).sum(), after.sum()

    before, after = before_after(worked, worked.geometry)
    assert after < 0.7 * before
    before, after = before_after(moved, moved.geometry)
    near_before, near_after = before_after(moved, moved["moved_to"])
    assert after < 0.7 * before
    assert near_after > near_before
    assert abs((after + near_after) - (before + near_before)) < 4 * np.sqrt(before + near_before)


def test_the_six_steps_follow_each_other(county):
    frame = county.incidents.to_frame()
    steps = ["found_at", "filed_at", "dispatched_at", "handled_at", "checked_at", "closed_at"]
    for first, second in pairwise(steps):
        both = frame[second].notna()
        assert (frame.loc[both, second] >= frame.loc[both, first]).all()
    assert (frame["occurred_to"] >= frame["occurred_from"]).all()
    assert (frame["occurred_to"] > frame["occurred_from"]).mean() > 0.05
    assert 0.3 < frame.loc[frame["group"] == "案件", "closed_at"].notna().mean() < 0.55


def test_coordinates_are_there_on_both_datums(county):
    frame = county.incidents.to_frame()
    lon, lat = to_wgs84(frame["lon_gcj02"].to_numpy(), frame["lat_gcj02"].to_numpy(), datum="gcj02")
    assert np.allclose(lon, frame["lon"], atol=1e-7)
    assert np.allclose(lat, frame["lat"], atol=1e-7)
    assert np.hypot(frame["lon_gcj02"] - frame["lon"], frame["lat_gcj02"] - frame["lat"]).median() > 0.002


@pytest.mark.parametrize("options", [{"households": 10}, {"events": "many"}, {"random_state": 1.5}])
def test_wrong_sizes_are_refused(options):
    with pytest.raises(SettingError, match=f"^{next(iter(options))} is a whole number"):
        simulated_county(**options)


def test_what_was_withdrawn_and_reopened_is_read_back_from_the_county_s_files(county, tmp_path):
    write_county(county, tmp_path)
    incidents = county.incidents.to_frame()
    read = case_life(pd.read_csv(tmp_path / "data" / "incidents.csv"), now="2025-01-01").table
    known = case_life(incidents, now="2025-01-01").table
    assert read["withdrawn"].sum() == incidents["withdrawn_at"].notna().sum() > 20
    assert read["reopened"].sum() == incidents["reopened_at"].notna().sum() > 20
    shares = [c for c in known.columns if c.endswith("_share")]
    assert "rework_share" in shares
    np.testing.assert_allclose(read[shares].to_numpy(float), known[shares].to_numpy(float), atol=0.002)
