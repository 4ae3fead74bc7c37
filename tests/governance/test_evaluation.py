"""What became of a measure, against published numbers and planted truths."""

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

import gridmap as gm
from gridmap.errors import InputError, SettingError


def test_the_difference_of_wheeler_and_ratcliffe_2018():
    found = gm.weighted_displacement_difference(
        treated=(207, 110),
        control=(308, 318),
        displacement_treated=(178, 157),
        displacement_control=(150, 140),
    )
    assert (found.local, found.displaced, found.estimate, found.variance) == (-107, -11, -118, 1568)
    assert found.z_score == pytest.approx(-2.97995, abs=5e-6)
    assert found.p_value == pytest.approx(0.002883, abs=5e-7)
    assert found.interval_at(0.95) == pytest.approx((-195.610614, -40.389386), abs=1e-6)


def test_the_two_areas_of_the_authors_tool():
    found = gm.weighted_displacement_difference(treated=(20, 10), control=(20, 20))
    assert found.estimate == -10
    assert found.standard_error == pytest.approx(8.4, abs=0.05)
    assert found.interval == pytest.approx((-23.8, 3.8), abs=0.05)


def test_unequal_times_are_put_on_one_unit():
    found = gm.weighted_displacement_difference((80, 20), (100, 50), exposure=(2, 1), confidence=0.95)
    assert (found.estimate, found.variance) == (-20, pytest.approx(115))
    assert found.interval == pytest.approx((-41.018272154956605, 1.018272154956609))


def test_harm_weights_add_up_kind_by_kind():
    found = gm.weighted_displacement_difference(
        treated={"robbery": (10, 4), "theft": (100, 90)},
        control={"robbery": (10, 10), "theft": (100, 105)},
        harm={"robbery": 365, "theft": 2},
    )
    assert found.estimate == 365 * -6 + 2 * -15
    assert found.variance == 365**2 * 34 + 2**2 * 395
    with pytest.raises(InputError, match="'theft'"):
        gm.weighted_displacement_difference({"theft": (1, 2)}, {}, harm={"theft": 2})


@pytest.mark.parametrize("pair", [(1,), (1, -2), (1, np.nan), "ab", None, (1, 2, 3)])
def test_what_is_not_two_counts_is_refused(pair):
    with pytest.raises(InputError, match=r"\(before, after\)"):
        gm.weighted_displacement_difference(treated=pair or "none", control=(1, 2))


def test_a_confidence_of_95_is_refused():
    with pytest.raises(SettingError, match="between 0 and 1"):
        gm.weighted_displacement_difference((1, 2), (3, 4), confidence=95)


@pytest.mark.parametrize(
    "target, buffer, control, quotient, total",
    [
        ((207, 110), (178, 157), (308, 318), 0.25818569, 130.5),
        ((100, 60), (50, 60), (200, 200), -0.25, 30.0),
    ],
)
def test_the_displacement_quotient_of_bowers_and_johnson(target, buffer, control, quotient, total):
    found = gm.displacement_quotient(target, buffer, control)
    assert found["quotient"] == pytest.approx(quotient, abs=1e-8)
    assert found["total_net"] == pytest.approx(total)


def test_a_quotient_without_a_success_has_no_meaning():
    assert np.isnan(gm.displacement_quotient((10, 30), (10, 10), (10, 10))["quotient"])
    with pytest.raises(InputError, match="divides by the control"):
        gm.displacement_quotient((10, 5), (10, 10), (0, 10))


def test_the_poisson_difference_is_the_ratio_of_ratios_of_a_glm():
    found = gm.difference_in_differences([207, 110], [308, 318], [False, True])
    assert found.ratio == pytest.approx(0.51469024, abs=1e-8)
    assert found.standard_error == pytest.approx(0.1425245, abs=1e-7)
    assert (found.low, found.high) == pytest.approx((0.38925021, 0.68055466), abs=1e-7)


def test_months_that_vary_and_hang_together_widen_the_interval():
    rng = np.random.default_rng(1)
    after = np.arange(24) >= 12
    even = gm.difference_in_differences(rng.poisson(30, 24), rng.poisson(300, 24), after)
    slow = 30 * np.exp(np.repeat(rng.normal(0, 0.5, 8), 3))
    wild = gm.difference_in_differences(rng.poisson(slow), rng.poisson(300, 24), after)
    assert even.dispersion < 1.6
    assert wild.dispersion > 2
    assert wild.serial > 0.2
    assert wild.standard_error > 2 * even.standard_error


def test_the_fall_of_areas_chosen_for_their_peak_is_as_computed():
    """Gamma (0.5, 0.5) rates; areas with 5 or more are chosen and nothing is done: 28.35 % fall."""
    y = np.arange(5, 400)
    chance = stats.nbinom.pmf(y, 0.5, 0.5 / 1.5)
    after = np.array([gm.regression_to_mean(v, prior=(0.5, 0.5)).expected for v in y])
    before, later = (chance * y).sum() / chance.sum(), (chance * after).sum() / chance.sum()
    assert before == pytest.approx(6.689102, abs=1e-5)
    assert later == pytest.approx(4.792735, abs=1e-5)
    assert gm.regression_to_mean(10, prior=(0.5, 0.5)).expected == 7.0


def test_the_prior_is_learned_from_the_pool():
    rng = np.random.default_rng(2)
    people = rng.uniform(500, 3000, 400)
    count = rng.poisson(rng.gamma(3, 1 / 100, 400) * people / 30)
    found = gm.regression_to_mean(
        float(count.max()), pool=count, exposure=float(people[count.argmax()]), pool_exposure=people
    )
    assert found.shape == pytest.approx(3, rel=0.3)
    assert found.shape / found.rate == pytest.approx(3 / 100 / 30, rel=0.1)
    with pytest.raises(InputError, match="at least 10 areas"):
        gm.regression_to_mean(5, pool=[1, 2, 3])


def test_the_smallest_visible_fall_is_seen_as_often_as_promised():
    rng = np.random.default_rng(3)
    fall = gm.smallest_visible_fall(150, 900)
    seen = [
        gm.difference_in_differences(
            [rng.poisson(150), rng.poisson(150 * (1 - fall))], rng.poisson(900, 2), [False, True]
        ).high
        < 1
        for _ in range(600)
    ]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.05)
    assert gm.smallest_visible_fall(3, 100) is None


def towns(rng, effect=1.0, moved=0.0, peak=1.0, areas=12):
    """Twelve areas, a year before and after, by month: the treated one, one around it, ten others."""
    mean = np.full((areas, 24), 12.0)
    mean[0, 12:] *= effect
    mean[1, 12:] += moved * 12 * (1 - effect)
    mean[0, :12] *= peak
    counts = pd.DataFrame(rng.poisson(mean), index=["here", "around", *(f"a{k}" for k in range(areas - 2))])
    return counts.iloc[:, :12], counts.iloc[:, 12:]


OTHERS = [f"a{k}" for k in range(10)]


def test_worked_moved_and_nothing_are_told_apart():
    rng = np.random.default_rng(4)
    assert gm.evaluate_intervention(*towns(rng, 0.5), ["here"], OTHERS, ["around"]).verdict == "worked"
    moved = gm.evaluate_intervention(*towns(rng, 0.5, 1.0), ["here"], OTHERS, ["around"])
    assert moved.verdict == "moved"
    assert moved.quotient["quotient"] < -0.5
    assert moved.wdd.local < -40 < moved.wdd.displaced
    assert moved.synthetic["p_value"] < 0.15
    nothing = gm.evaluate_intervention(*towns(rng), ["here"], OTHERS, ["around"])
    assert nothing.verdict == "cannot_tell"
    assert "could have been seen" in nothing.sentence


def test_a_control_of_the_same_size_gives_wheeler_and_ratcliffe_s_numbers():
    index = ["t", "c"]
    before, after = pd.Series([100, 100], index), pd.Series([60, 100], index)
    found = gm.evaluate_intervention(before, after, ["t"], ["c"])
    plain = gm.weighted_displacement_difference((100, 60), (100, 100))
    assert (found.wdd.estimate, found.wdd.variance) == (plain.estimate, plain.variance)


@pytest.mark.slow
def test_nothing_is_claimed_where_nothing_was():
    rng = np.random.default_rng(5)
    verdicts = [gm.evaluate_intervention(*towns(rng), ["here"], OTHERS, ["around"]).verdict for _ in range(400)]
    assert np.mean([v != "cannot_tell" for v in verdicts]) <= 0.05


@pytest.mark.slow
def test_planted_effects_are_found_in_four_of_five():
    rng = np.random.default_rng(6)
    for planted, verdict in ({"effect": 0.5}, "worked"), ({"effect": 0.5, "moved": 1.0}, "moved"):
        found = [
            gm.evaluate_intervention(*towns(rng, **planted), ["here"], OTHERS, ["around"]).verdict for _ in range(100)
        ]
        assert found.count(verdict) >= 80, verdict


def test_an_area_chosen_for_its_peak_falls_back():
    rng = np.random.default_rng(7)
    mean = np.full((60, 24), 1.2)
    counts = pd.DataFrame(rng.poisson(mean), index=[f"a{k}" for k in range(60)])
    chosen = str(counts.iloc[:, :12].sum(axis=1).idxmax())
    rest = [a for a in counts.index if a != chosen]
    before, after = counts.iloc[:, :12], counts.iloc[:, 12:]
    found = gm.evaluate_intervention(before, after, [chosen], rest, chosen_from=counts.index)
    assert found.verdict == "fell_back"
    assert found.regression_to_mean.expected_fall > 0.2
    assert "without any action" in found.sentence


def test_points_areas_and_tables_give_the_same_numbers():
    rng = np.random.default_rng(8)
    n = 600
    points = pd.DataFrame(
        {
            "lon": 113 + rng.uniform(0, 0.04, n),
            "lat": 34 + rng.uniform(0, 0.01, n),
            "occurred_from": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 360, n), unit="D"),
            "category": rng.choice(["theft", "fraud"], n),
        }
    )
    boxes = [shapely.box(113 + k / 100, 34, 113 + (k + 1) / 100, 34.01) for k in range(4)]
    later = points["occurred_from"] >= "2024-07-01"
    found = gm.evaluate_intervention(points[~later], points[later], boxes[0], boxes[2:], boxes[1])
    cell = ((points["lon"] - 113) * 100).astype(int)
    month = points["occurred_from"].dt.to_period("M")
    table = pd.crosstab(cell, month)
    split = [table.loc[:, :"2024-06"], table.loc[:, "2024-07":]]
    same = gm.evaluate_intervention(*split, [0], [2, 3], [1])
    assert found.difference == same.difference
    assert found.buffer_difference == same.buffer_difference
    assert set(found.kinds.index) == {"theft", "fraud"}
    assert found.kinds["before"].sum() == found.difference.before
    weighed = gm.evaluate_intervention(
        points[~later], points[later], boxes[0], boxes[2:], boxes[1], harm={"theft": 1, "fraud": 3}
    )
    assert weighed.wdd.kinds["weight"].tolist() == [1, 3]
    rings = gm.evaluate_intervention(points[~later], points[later], boxes[0], boxes[2:], [200, 500])
    assert rings.bands.index.tolist() == ["0–200 m", "200–500 m"]


@pytest.mark.parametrize(
    "given, words",
    [
        ((["nowhere"], ["a"], None), "not among the rows: nowhere"),
        ((["t"], [], None), "No area is left as control"),
        ((["empty"], ["a"], None), "both need some"),
    ],
)
def test_areas_that_do_not_fit_are_named(given, words):
    before = pd.DataFrame({"m1": [4, 5, 0]}, index=["t", "a", "empty"])
    with pytest.raises(InputError, match=words):
        gm.evaluate_intervention(before, before, *given)


def test_controls_are_the_most_alike_and_lots_are_drawn_within_pairs():
    rng = np.random.default_rng(9)
    areas = pd.DataFrame({"events": rng.poisson(50, 40), "persons": rng.integers(500, 5000, 40)})
    found = gm.comparable_controls(areas, [0], columns=["events", "persons"], n=4, exclude=[1, 2])
    assert found["distance"].is_monotonic_increasing
    assert not set(found.index) & {0, 1, 2}
    drawn = gm.randomised_pairs(areas, columns=["events", "persons"], random_state=3)
    assert drawn.groupby("pair")["treated"].sum().eq(1).all()
    assert drawn.index.is_unique
    again = gm.randomised_pairs(areas, columns=["events", "persons"], random_state=3)
    assert again.equals(drawn)
    coins = [gm.randomised_pairs(areas, columns=["events"], random_state=s)["treated"].iloc[0] for s in range(40)]
    assert 8 < sum(coins) < 32


def some_points(start):
    days = pd.date_range(start, periods=40, freq="5D")
    place = np.tile([0.005, 0.015], 20)
    return pd.DataFrame({"lon": place, "lat": 0.005, "occurred_from": days, "occurred_to": days})


def test_times_the_wrong_way_round_one_time_only_and_no_control_left_are_told_apart():
    area, other = shapely.box(0, 0, 0.01, 0.01), shapely.box(0.01, 0, 0.02, 0.01)
    early, late = some_points("2023-01-01"), some_points("2024-01-01")
    found = gm.evaluate_intervention(early, late, area, other)
    assert found.verdict == "cannot_tell"
    for before, after in ((late, early), (early, early)):
        with pytest.raises(InputError, match="Give the earlier ones as before"):
            gm.evaluate_intervention(before, after, area, other)
    with pytest.raises(InputError, match="All 40 events are of the time before the start"):
        gm.evaluate_intervention(early, late.iloc[:0], area, other)
    with pytest.raises(InputError, match="control area is left when"):
        gm.evaluate_intervention(early, late, area, area)


def test_that_no_fall_could_be_seen_is_said_in_words():
    before = pd.DataFrame({"m1": [2, 60]}, index=["park", "north"])
    found = gm.evaluate_intervention(before, before.rename(columns={"m1": "m2"}), ["park"], ["north"])
    assert found.smallest_fall is None
    assert found.sentence.endswith("With so few events no fall could have been seen.")
    assert found.sentence.say("zh").endswith("降多少都看不出来。")
