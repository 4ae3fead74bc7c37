"""What an onlooker learns from earlier shifts: everything from a plan that repeats, next to nothing from ours."""

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.patrol.routes.habits import plan_habits


@pytest.fixture(scope="module")
def week(tempe):
    import geopandas as gpd

    rng = np.random.default_rng(0)
    nodes = rng.choice(len(tempe.junctions), 40, replace=False)
    places = gpd.GeoDataFrame(geometry=tempe.junctions.geometry.to_numpy()[nodes], crs=4326)
    places = places.assign(place_id=range(40), prize=rng.gamma(1.0, 1.0, 40))

    def plan(**options):
        settings = {"units": 3, "shift_h": 4, "shift_every_h": 8, "random_state": 0, "rounds": 150}
        return gm.plan_patrols(places, tempe, **settings | options)

    return plan


def repeated(plan, times):
    stops = pd.concat([plan.stops.assign(shift=s + 1) for s in range(times)], ignore_index=True)
    return gm.PatrolPlan(stops, plan.routes, plan.legs, plan.unmet, plan.places, plan.posts, 0, 0, dict(plan.params))


def test_a_plan_that_repeats_is_known_to_who_watched_it(week):
    known = plan_habits(repeated(week(), 8))
    assert known.loc["quiet slot", "right"] == 1.0
    assert known.loc["next place", "right"] > 0.5


def test_a_planned_week_cannot_be_guessed(week):
    plan = week(shifts=21)
    habits, naive = plan_habits(plan), plan_habits(repeated(week(), 21))
    assert habits.loc["next place", "right"] < naive.loc["next place", "right"] / 2
    assert habits.loc["first place", "right"] < 0.25  # 60 tries; a third when three units always begin alike
    more = [t.loc["quiet slot", "right"] - t.loc["quiet slot", "blind"] for t in (habits, naive)]
    assert more[0] < more[1] / 2  # what watching tells beyond guessing blind
    assert (habits["bits"] > 0.55 * habits["most"]).all()
    assert (habits["bits"] > naive["bits"]).all()


def test_what_it_costs_is_little(week):
    free = week(shifts=9, habit_weight=0.0).objective
    assert week(shifts=9).objective > 0.9 * free


def test_a_single_shift_has_no_past_to_avoid(week):
    a, b = week(habit_weight=0.0), week(habit_weight=0.5)
    pd.testing.assert_frame_equal(pd.DataFrame(a.stops), pd.DataFrame(b.stops))
    with pytest.raises(gm.errors.InputError, match="fewer than two"):
        plan_habits(a)


def test_the_same_seed_gives_the_same_week_on_any_number_of_threads(week, monkeypatch):
    import gridmap.patrol.network as network

    plans = [week(shifts=3)]
    real = network.ThreadPoolExecutor
    for threads in (1, 7):
        monkeypatch.setattr(network, "ThreadPoolExecutor", lambda n, t=threads: real(t))
        plans.append(week(shifts=3))
    for other in plans[1:]:
        pd.testing.assert_frame_equal(pd.DataFrame(plans[0].stops), pd.DataFrame(other.stops))
