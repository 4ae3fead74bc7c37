"""Which kinds go together, against published numbers and planted ties."""

import json

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError

XY = [[0, 0], [1, 0], [0, 1.1], [5, 5], [6.05, 5], [5, 6.2], [10, 0], [11.3, 0], [10, 1.45], [20, 20]]
KINDS = list("aabbabcccb")


def reference(shared_data, name):
    return next(r for r in json.loads((shared_data / "reference_next.json").read_text()) if r["name"] == name)


def test_the_quotient_of_ten_points_by_hand():
    found = gm.colocation_quotient(XY, KINDS, permutations=0).quotient
    assert found.to_numpy().round(9).tolist() == [[3.0, 0.75, 0.0], [1.5, 1.5, 0.0], [0.0, 0.0, 4.5]]


def test_guerry_s_regions_and_sizes_of_towns(shared_data):
    """As sfdep prints them: there, N'_B is N_B throughout, as regions and sizes are two sets of kinds."""
    one = reference(shared_data, "clq_guerry_region_to_city")
    given, published = one["input"], pd.DataFrame(one["expected"]).T
    found = gm.colocation_quotient(given["points"], given["region"], given["main_city"], k=5, permutations=0).quotient
    assert np.allclose(found, published, atol=1e-6)


def test_the_order_of_rows_plays_no_part_even_with_ties():
    rng = np.random.default_rng(1)
    xy, kinds = rng.integers(0, 6, (80, 2)).astype(float), rng.choice(["a", "b"], 80)
    order = rng.permutation(80)
    one = gm.colocation_quotient(xy, kinds, k=3, permutations=0).quotient
    other = gm.colocation_quotient(xy[order], kinds[order], k=3, permutations=0).quotient
    assert np.allclose(one, other)


def test_a_planted_tie_is_found_and_has_its_direction():
    rng = np.random.default_rng(2)
    fights = rng.uniform(0, 10_000, (60, 2))
    beside = fights + rng.normal(0, 15, fights.shape)
    alone = rng.uniform(0, 10_000, (400, 2))
    kinds = ["fight"] * 60 + ["dispute"] * 60 + ["refuse"] * 400
    found = gm.colocation_quotient(np.vstack([fights, beside, alone]), kinds, permutations=199, random_state=1)
    assert found.quotient.loc["fight", "dispute"] > 4
    assert found.q_value.loc["fight", "dispute"] < 0.05
    assert found.local.loc[found.local["kind"] == "fight", "dispute"].mean() > 4
    again = gm.colocation_quotient(np.vstack([fights, beside, alone]), kinds, permutations=199, random_state=1)
    assert again.p_value.equals(found.p_value)


@pytest.mark.slow
def test_kinds_without_a_tie_are_called_tied_at_the_promised_rate():
    rng = np.random.default_rng(3)
    p = [
        gm.colocation_quotient(
            rng.uniform(0, 1, (80, 2)), rng.choice(["a", "b"], 80), permutations=99, random_state=s
        ).p_value.loc["a", "b"]
        for s in range(200)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_moran_s_i_of_two_values_is_spdep_s(shared_data):
    one = reference(shared_data, "bv_moran_guerry")["input"]
    weights = np.zeros((85, 85))
    for i, near in enumerate(one["neighbours"]):
        weights[i, near] = 1
    found = gm.bivariate_moran(one["x"], one["y"], weights, random_state=1)
    assert found["I"] == pytest.approx(-0.1006674, abs=1e-7)
    assert 0.05 < found["p_value"] <= 1
    assert found["in_place"] == pytest.approx(np.corrcoef(one["x"], one["y"])[0, 1])


BASE, TEST = [2, 2, 2, 1, 0, 1], [2, 1, 2, 2, 1, 1]


def test_andresen_s_toy_patterns():
    found = gm.similarity_of_patterns(BASE, TEST)
    chi2 = [0.017094, 0.529101, 0.017094, 0.259259, 0.888889, 0.007407]
    p = [0.895978, 0.466985, 0.895978, 0.61063, 0.345779, 0.931414]
    assert found.table["chi2"].to_numpy() == pytest.approx(chi2, abs=1e-6)
    assert found.table["p_value"].to_numpy() == pytest.approx(p, abs=1e-6)
    assert found.S == gm.similarity_of_patterns(TEST, BASE).S == 1


def test_the_original_test_is_not_the_same_either_way_round():
    there = gm.similarity_of_patterns(BASE, TEST, method="resampling", random_state=1)
    back = gm.similarity_of_patterns(TEST, BASE, method="resampling", random_state=1)
    assert round(there.S, 7) == 0.8333333
    assert back.S == 0.5


def test_areas_empty_in_both_are_not_alike():
    found = gm.similarity_of_patterns([90, 10, 0, 0], [10, 90, 0, 0])
    assert (found.S, found.robust_S) == (0.5, 0.0)
    assert found.table["label"].tolist() == ["less", "more", "none", "none"]


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="two kinds"):
        gm.colocation_quotient(XY, ["a"] * 10)
    with pytest.raises(InputError, match="one value for each"):
        gm.colocation_quotient(XY, ["a", "b"])
    with pytest.raises(InputError, match="whole counts"):
        gm.similarity_of_patterns([1, 2], [0, 0])
    with pytest.raises(SettingError, match="'chi'"):
        gm.similarity_of_patterns([1, 2], [1, 2], method="chi")
