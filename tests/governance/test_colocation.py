"""Which kinds go together, against published numbers and planted ties."""

import json
import sys
from pathlib import Path

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


def test_the_local_bivariate_moran_is_esda_s():
    esda, weights = pytest.importorskip("esda"), pytest.importorskip("libpysal").weights
    rng = np.random.default_rng(0)
    lattice = weights.lat2W(6, 7)
    lattice.transform = "r"
    x, y = rng.normal(size=42), rng.normal(size=42)
    theirs = esda.Moran_Local_BV(x, y, lattice, permutations=0).Is
    assert np.allclose(gm.local_bivariate_moran(x, y, lattice.sparse, permutations=0)["I"], theirs, atol=1e-12)


def test_the_mean_of_the_local_values_is_the_global_one():
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=30), rng.normal(size=30), np.eye(30, k=1) + np.eye(30, k=-1)
    local = gm.local_bivariate_moran(x, y, w, permutations=0)["I"].sum() / 29
    assert local == pytest.approx(gm.bivariate_moran(x, y, w, permutations=0)["I"])


def test_a_planted_corner_of_much_among_much_is_named():
    rng = np.random.default_rng(2)
    lattice = np.kron(np.eye(12), np.eye(12, k=1) + np.eye(12, k=-1)) + np.kron(
        np.eye(12, k=1) + np.eye(12, k=-1), np.eye(12)
    )
    corner = np.add.outer(np.arange(12), np.arange(12)).ravel() < 6
    x, y = rng.poisson(np.where(corner, 30, 5)), rng.poisson(np.where(corner, 40, 8))
    found = gm.local_bivariate_moran(x, y, lattice, random_state=1)
    named = found["label"] == "high-high"
    assert named[corner].mean() > 0.6
    assert not named[~corner].any()


def test_cross_k_by_hand_and_with_edges():
    """Two of the pairs lie within 5 m; a pair 30 m apart in a square of 100 m is weighed by 100 / 70."""
    first, second = [[10, 10], [50, 50]], [[10, 13], [50, 54], [50, 80]]
    plain = gm.cross_k(first, second, [5, 31], window=(0, 0, 100, 100), correction="none", simulations=0).table
    assert plain["K"].tolist() == pytest.approx([2 * 1e4 / 6, 3 * 1e4 / 6])
    edged = gm.cross_k(first, second, [5, 31], window=(0, 0, 100, 100), simulations=0).table
    assert edged["K"].tolist() == pytest.approx(
        [(1 / 0.97 + 1 / 0.96) * 1e4 / 6, (1 / 0.97 + 1 / 0.96 + 1 / 0.7) * 1e4 / 6]
    )


@pytest.mark.parametrize("null", ["labels", "independence", "inhomogeneous"])
def test_a_planted_tie_leaves_the_envelope_at_its_distance(null):
    rng = np.random.default_rng(3)
    first = rng.uniform(0, 2000, (150, 2))
    second = np.clip(first + rng.normal(0, 8, first.shape), 0, 2000)
    found = gm.cross_k(first, second, [20, 60], null=null, window=(0, 0, 2000, 2000), simulations=39, random_state=1)
    assert 20.0 in found.together
    assert found.p_value == pytest.approx(1 / 40)
    assert found.table.loc[20, "K"] > found.table.loc[20, "high"]


def test_a_common_town_is_no_tie():
    """Both kinds follow the people of one town: the homogeneous null of independence is fooled, the others are not."""
    rng = np.random.default_rng(4)
    town = rng.normal(1000, 250, (600, 2)).clip(0, 2000)
    first, second = town[:300], town[300:]
    window = {"window": (0, 0, 2000, 2000), "simulations": 39, "random_state": 2}
    assert gm.cross_k(first, second, [50, 150], null="independence", **window).together
    assert not gm.cross_k(first, second, [50, 150], null="labels", **window).together
    smooth = gm.cross_k(first, second, [50, 150], null="inhomogeneous", bandwidth_m=150, **window)
    assert not smooth.together


@pytest.mark.slow
def test_patterns_without_a_tie_are_called_tied_at_the_promised_rate():
    rng = np.random.default_rng(5)
    for null in ("labels", "independence", "inhomogeneous"):
        p = [
            gm.cross_k(
                rng.uniform(0, 1000, (60, 2)), rng.uniform(0, 1000, (60, 2)), [30, 80], null=null,
                window=(0, 0, 1000, 1000), simulations=39, random_state=k,
            ).p_value
            for k in range(150)
        ]  # fmt: skip
        assert np.mean(np.array(p) <= 0.05) < 0.105, null  # 99.9 % of draws with 5 %


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"null": "lables"}, "labels"),
        ({"correction": "x"}, "no edge correction"),
        ({"window": (0, 0, 1, 1)}, "in the window"),
    ],
)
def test_settings_of_a_cross_k_that_cannot_be_are_refused(settings, what):
    with pytest.raises((InputError, SettingError), match=what):
        gm.cross_k([[0, 0], [5, 5]], [[1, 1], [2, 2]], [1, 3], **settings)


def test_what_is_drawn_from_a_smooth_density_fills_the_margins_too():
    """Of a square of 10 km, 19 % lies within 500 m of its edges; without the correction it was 12 %."""
    from gridmap.governance.colocation import _Smooth

    rng = np.random.default_rng(4)
    smooth = _Smooth(1500.0, np.array([0.0, 0.0, 10_000.0, 10_000.0]))
    drawn = smooth.draw(rng.uniform(0, 10_000, (2_000, 2)), 20_000, rng)
    margin = (np.minimum(drawn, 10_000 - drawn).min(axis=1) < 500).mean()
    assert margin == pytest.approx(0.19, abs=0.02)


def test_each_null_of_cross_k_was_measured_on_its_own_maps_and_the_pages_say_so():
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import cross_k_calibration as study

    rows = study.kept()
    for name, case in study.MAPS.items():
        for null in study.NULLS:
            assert rows[name][null]["maps"] >= 100, (name, null)
        for null in case.own:
            assert rows[name][null]["claimed"] <= study.band(rows[name][null]["maps"]), (name, null)
    assert {null for case in study.MAPS.values() for null in case.own} == set(study.NULLS)
    for page in study.PAGES:
        assert study.table(rows) in page.read_text(encoding="utf-8")
