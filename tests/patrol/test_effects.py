"""Before and after by dose: by hand, and whether the interval holds what was planted."""

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.patrol.log import dosage_effect


def frame(minutes):
    return pd.DataFrame(
        {"actual_min": minutes}, index=pd.Index([f"p{i}" for i in range(len(minutes))], name="place_id")
    )


def test_by_hand_with_the_error_of_four_poisson_counts():
    counts = pd.DataFrame({"before": [40, 25], "after": [24, 30]}, index=["p0", "other"])
    row = dosage_effect(frame([60.0]), counts).loc["any"]
    assert row["prevented"] == (30 - 25) - (24 - 40)
    half = 1.959964 * np.sqrt(40 + 24 + 25 + 30)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=1e-6)


def test_without_a_place_to_hold_against_nothing_is_claimed():
    counts = pd.DataFrame({"before": [4, 5], "after": [2, 3]}, index=["p0", "p1"])
    found = dosage_effect(frame([10.0, 20.0]), counts)
    assert found[["prevented", "low", "high", "p_value"]].isna().all().all()
    assert found.loc["any", ["before", "after", "change"]].tolist() == [9, 5, -4]


@pytest.mark.slow
@pytest.mark.parametrize("effect", [0.0, 12.0])
def test_the_interval_holds_the_planted_effect_95_times_in_100(effect):
    rng, inside, runs = np.random.default_rng(0), 0, 300
    minutes = frame([30.0, 40.0, 0.0, 0.0])
    for _ in range(runs):
        before, after = rng.poisson([15] * 4), rng.poisson([15 - effect / 2] * 2 + [15] * 2)
        row = dosage_effect(minutes, pd.DataFrame({"before": before, "after": after}, index=minutes.index)).loc["any"]
        inside += row["low"] <= effect <= row["high"]
    assert 0.91 <= inside / runs <= 0.98


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (pd.DataFrame({"before": [1]}), "lacks the columns after"),
        (pd.DataFrame({"before": [1, 1], "after": [1, 1]}, index=["a", "a"]), "e row a place"),
        (pd.DataFrame({"before": [-1], "after": [1]}), "one row a place"),
        (pd.DataFrame({"before": ["x"], "after": [1]}), "one row a place"),
        ([1, 2], "found a list"),
    ],
)
def test_wrong_counts_are_refused_in_one_line(counts, words):
    with pytest.raises(gm.errors.InputError, match=words) as problem:
        dosage_effect(frame([1.0]), counts)
    assert "\n" not in str(problem.value)
