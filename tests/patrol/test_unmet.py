"""Wishes that cannot be met: what is missing, the smallest change, and the change applied does it."""

import re

import numpy as np
import pandas as pd
import pytest
from shapely import LineString, Point

import gridmap as gm
from gridmap.patrol.plan import say_unmet


def only(plan, **wanted):
    rows = plan.unmet
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    assert len(rows) == 1, plan.unmet
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("posts", "units"), [({"station": 20}, 8), ({"a": 3, "b": 3}, 2), ({"a": 7, "b": 1, "c": 4}, 3)]
)
def test_posts_that_exceed_the_staff_are_met_with_the_officers_named(tempe, hotspots_at_junctions, posts, units):
    places, options = hotspots_at_junctions(5), {"shift_h": 1, "posts": posts, "random_state": 0, "rounds": 5}
    plan = gm.plan_patrols(places, tempe, units=units, **options)
    assert len(plan.stops) == 0
    short = plan.unmet[plan.unmet["what"] == "post"]
    assert len(short) >= 1
    more = pd.DataFrame({"officers": [2] * units + short["value"].astype(int).tolist() + [2]})  # and one to patrol
    better = gm.plan_patrols(places, tempe, units=more, **options)
    assert better.posts["met"].all()
    assert len(better.stops) > 0
    less = pd.DataFrame({"officers": [2] * units + (short["value"].astype(int) - 1).tolist()})
    assert not gm.plan_patrols(places, tempe, units=less[less["officers"] > 0], **options).posts["met"].all()
    lower = dict(posts) | {row.id: row.assigned for row in plan.posts.rename(columns={"post_id": "id"}).itertuples()}
    assert gm.plan_patrols(places, tempe, units=units, **options | {"posts": lower}).posts["met"].all()


def test_the_number_of_officers_missing_is_said(tempe, hotspots_at_junctions):
    plan = gm.plan_patrols(hotspots_at_junctions(5), tempe, units=8, shift_h=1, posts={"station": 20}, random_state=0)
    assert only(plan, what="post")[["id", "remedy"]].tolist() == ["station", "4 more officers, or a minimum of 16"]
    assert only(plan, what="unit")["remedy"] == "1 more unit"


def test_a_place_off_the_network_is_reached_with_the_distance_that_is_named(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(4)
    far = places.iloc[[0]].assign(place_id="far").set_geometry(places.geometry.iloc[[0]].translate(0.05, 0))
    both = pd.concat([places, far])
    plan = gm.plan_patrols(both, tempe, units=1, shift_h=2, random_state=0, rounds=20)
    row = only(plan, id="far")
    assert "off the network" in row["reason"]
    assert row["setting"] == "max_snap_m"
    wider = gm.build_network(tempe.roads, mode="walk", max_snap_m=float(row["value"]))
    assert np.isfinite(wider.travel_time_s(far)).all()
    again = gm.plan_patrols(both.assign(must_visits=1), wider, units=1, shift_h=3, random_state=0, rounds=50)
    assert "far" in set(again.stops["place_id"])
    nearly = gm.build_network(tempe.roads, mode="walk", max_snap_m=float(row["value"]) - 1)
    assert not np.isfinite(nearly.travel_time_s(far)).any()


def test_a_depot_off_the_network_is_reached_with_the_distance_that_is_named(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(4)
    units = pd.DataFrame({"unit_id": ["u"], "lon": places.geometry.iloc[0].x + 0.02, "lat": places.geometry.iloc[0].y})
    plan = gm.plan_patrols(places, tempe, units=units, shift_h=3, random_state=0, rounds=20)
    assert len(plan.stops) == 0
    wider = gm.build_network(tempe.roads, mode="walk", max_snap_m=float(only(plan, what="unit")["value"]))
    assert len(gm.plan_patrols(places, wider, units=units, shift_h=3, random_state=0, rounds=20).stops) > 0


@pytest.mark.parametrize("seed", range(3))
def test_a_shift_shorter_than_the_drive_is_long_enough_as_named(tempe, hotspots_at_junctions, seed):
    places = hotspots_at_junctions(3, 7 + seed)
    depot = tempe.junctions.geometry.iloc[0]
    units = pd.DataFrame({"unit_id": ["u"], "lon": [depot.x], "lat": [depot.y], "pause_min": [5 * seed]})
    plan = gm.plan_patrols(places, tempe, units=units, shift_h=0.25, random_state=0, rounds=5)
    assert len(plan.stops) == 0
    assert plan.unmet["reason"].str.contains("more than the shift").all()
    hours = float(plan.unmet["value"].min())
    enough = gm.plan_patrols(places, tempe, units=units, shift_h=hours, random_state=0, rounds=5)
    assert len(enough.stops) == 1
    assert len(gm.plan_patrols(places, tempe, units=units, shift_h=hours - 0.02, random_state=0, rounds=5).stops) == 0


@pytest.mark.parametrize("seed", range(4))
def test_no_time_left_is_answered_with_minutes_that_are_enough_and_no_more_than_needed(
    tempe, hotspots_at_junctions, seed
):
    """Every place is compulsory, the shift too short: with the minutes named for one unit, fewer are missed."""
    places = hotspots_at_junctions(12, seed).assign(must_visits=1)
    hours, ids = 1.5, ["a", "b"]
    plan = gm.plan_patrols(places, tempe, units=pd.DataFrame({"unit_id": ids}), shift_h=hours, random_state=0)
    late = plan.unmet[plan.unmet["setting"] == "end_h"]
    assert len(late) == len(plan.unmet) > 0
    row = late.loc[late["value"].idxmin()]
    end = [hours + (row["value"] / 60 if name == row["unit_id"] else 0) for name in ids]
    units = pd.DataFrame({"unit_id": ids, "end_h": end})
    longer = gm.plan_patrols(places, tempe, units=units, shift_h=max(end), random_state=0)
    assert len(longer.unmet) < len(plan.unmet)
    # by hand: no visit more fits into the route as it stands with a minute less
    travel, at = tempe.travel_time_s(places), {name: i for i, name in enumerate(places["place_id"])}
    best = np.inf
    for name in ids:
        route = [at[p] for p in plan.stops.loc[plan.stops["unit_id"] == name, "place_id"]]
        for i in range(len(route) + 1):
            tried = [*route[:i], at[row["id"]], *route[i:]]
            best = min(best, travel[tried[:-1], tried[1:]].sum() + 720 * len(tried) - hours * 3600)
    assert row["value"] == np.ceil(best / 60)


def test_a_place_left_out_for_others_is_visited_when_it_must_be(tempe, hotspots_at_junctions):
    places = hotspots_at_junctions(12, 2)
    plan = gm.plan_patrols(places, tempe, units=1, shift_h=1.5, random_state=0, rounds=300)
    left = plan.unmet[plan.unmet["setting"] == "must_visits"]
    assert len(left) > 2
    for name in left["id"].iloc[:3]:
        must = places.assign(must_visits=(places["place_id"] == name).astype(int))
        assert name in set(
            gm.plan_patrols(must, tempe, units=1, shift_h=1.5, random_state=0, rounds=300).stops["place_id"]
        )


@pytest.mark.parametrize("revisit_h", [2, None])
def test_more_visits_than_the_time_between_them_allows_are_made_in_the_shifts_named(
    tempe, hotspots_at_junctions, revisit_h
):
    places = hotspots_at_junctions(2).assign(must_visits=[6, 0])
    options = {"units": 1, "shift_h": 8, "meal_min": 0, "revisit_h": revisit_h, "random_state": 0, "rounds": 50}
    plan = gm.plan_patrols(places, tempe, **options)
    row = only(plan, setting="shifts")
    enough = gm.plan_patrols(places, tempe, shifts=int(row["value"]), **options)
    assert "h0" not in set(enough.unmet["id"])
    assert "h0" in set(gm.plan_patrols(places, tempe, shifts=int(row["value"]) - 1, **options).unmet["id"])


def test_a_street_that_no_vehicle_may_enter_is_named():
    import geopandas as gpd

    roads = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (0.01, 0)])], crs=4326)
    places = gpd.GeoDataFrame(
        {"place_id": ["in", "out"], "prize": 1.0}, geometry=[Point(0, 0), Point(0.2, 0)], crs=4326
    )
    plan = gm.plan_patrols(places, gm.build_network(roads), units=1, shift_h=1, random_state=0, rounds=5)
    assert plan.unmet["id"].tolist() == ["out"]


def test_every_reason_is_said_in_both_languages(tempe, hotspots_at_junctions):
    plan = gm.plan_patrols(hotspots_at_junctions(5), tempe, units=8, shift_h=1, posts={"station": 20}, random_state=0)
    said = say_unmet(plan, "zh")
    assert said["id"].tolist() == plan.unmet["id"].tolist()
    assert "4 名警力" in said["remedy"].iloc[0]
    assert all(re.search("[\u4e00-\u9fff]", text) for text in said["reason"])
    assert say_unmet(plan)["reason"].tolist() == plan.unmet["reason"].tolist()
    with pytest.raises(gm.errors.SettingError, match="There is no language 'fr'"):
        say_unmet(plan, "fr")
