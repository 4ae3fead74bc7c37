"""The exact test of a neighbourhood: by hand, against scipy, planted, and on maps with nothing on them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import optimize, sparse, special, stats

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.grids.counts_table import Counts, CountsAbout
from gridmap.hotspots import default_method
from gridmap.hotspots.default_method import (
    Law,
    Weights,
    binomial_tails,
    compound_tails,
    ordinary_differences,
    share_interval,
)
from gridmap.hotspots.nulls import may_claim, null_of
from gridmap.hotspots.result import HotspotResult

SIDE = 30


def lattice(side: int = SIDE) -> sparse.csr_array:
    """Squares with eight neighbours."""
    line = sparse.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])
    near = sparse.csr_array(sparse.kron(line, line))
    near.setdiag(0)
    near.eliminate_zeros()
    return near


def doubled(k, n, share) -> float:
    """Twice the smaller tail, from scipy."""
    tails = [stats.binomtest(int(k), int(n), float(share), alternative=a).pvalue for a in ("greater", "less")]
    return min(1.0, 2 * min(tails))


@pytest.fixture(scope="module")
def residents() -> np.ndarray:
    return np.random.default_rng(5).gamma(1.5, 400, SIDE * SIDE).round() + 1


def test_tails_are_those_of_scipys_binomial_test():
    rng = np.random.default_rng(0)
    k, share = rng.integers(0, 41, 300), rng.uniform(0.01, 0.99, 300)
    wanted = [doubled(a, 40, s) for a, s in zip(k, share, strict=True)]
    assert np.allclose(binomial_tails(k, 40, share), wanted, rtol=1e-10)


def test_a_small_tail_keeps_its_digits():
    assert binomial_tails([300.0], 1000, [0.01])[0] == pytest.approx(2 * stats.binom.sf(299, 1000, 0.01), rel=1e-9)


def test_four_cells_in_a_row_by_hand():
    line = sparse.diags_array([np.ones(3), np.ones(3)], offsets=[-1, 1])
    hot = gm.hotspot_test(pd.Series([10, 20, 5, 5]), line, at_risk=np.array([100, 100, 300, 500.0])).cells
    assert hot["expected"].tolist() == [4, 4, 12, 20]
    assert hot["ratio"].tolist() == [2.5, 5, pytest.approx(5 / 12), 0.25]
    assert hot["count_around"].tolist() == [30, 35, 30, 10]
    assert np.allclose(hot["expected_around"], [8, 20, 36, 32])
    wanted = [doubled(k, 40, s) for k, s in ((30, 0.2), (35, 0.5), (30, 0.9), (10, 0.8))]
    assert np.allclose(hot["p_value"], wanted)
    assert np.allclose(hot["q_value"], stats.false_discovery_control(wanted))


def test_intervals_are_clopper_and_pearsons():
    low, high = share_interval([0, 3, 40], 40)
    for i, k in enumerate((0, 3, 40)):
        wanted = stats.binomtest(k, 40).proportion_ci(0.95, method="exact")
        assert (low[i], high[i]) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_counts_of_another_period_are_tested_by_fishers_test():
    rng = np.random.default_rng(3)
    now, before = pd.Series(rng.poisson(3, SIDE**2), name="count"), pd.Series(rng.poisson(4, SIDE**2), name="count")
    result = gm.hotspot_test(now, lattice(), at_risk=before)
    assert result.params["null"] == "earlier"
    near = lattice() + sparse.eye_array(SIDE**2)
    for i in (0, 17, 435):
        a, b = int((near @ now)[i]), int((near @ before)[i])
        table = [[a, b], [int(now.sum()) - a, int(before.sum()) - b]]
        tails = [stats.fisher_exact(table, alternative=side)[1] for side in ("greater", "less")]
        assert result.cells["p_value"][i] == pytest.approx(min(1, 2 * min(tails)), rel=1e-6)


def test_two_periods_of_one_pattern_do_not_differ_but_as_exact_weights_they_would():
    rng = np.random.default_rng(4)
    pattern = rng.gamma(0.5, 2, SIDE**2)
    as_counts = as_weights = 0
    for _ in range(20):
        now, before = (pd.Series(rng.poisson(pattern), name="count") for _ in range(2))
        as_counts += gm.hotspot_test(now, lattice(), at_risk=before).cells["significant"].any()
        as_weights += gm.hotspot_test(now, lattice(), at_risk=before.to_numpy(float) + 0.01).cells["significant"].any()
    assert as_counts <= 4  # binomial(20, 0.05) is above 4 once in 400
    assert as_weights > 10


def test_residents_without_a_hotspot_give_no_hot_cell(residents):
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(60):
        counts = rng.multinomial(1500, residents / residents.sum())
        alarms += gm.hotspot_test(counts, lattice(), at_risk=residents).cells["significant"].any()
    assert alarms <= stats.binom.ppf(0.995, 60, 0.05)


def test_a_planted_hotspot_is_found_with_its_ratio(residents):
    rng = np.random.default_rng(2)
    planted = np.zeros((SIDE, SIDE), bool)
    planted[10:13, 14:17] = True
    planted = planted.ravel()
    chance = residents * np.where(planted, 5, 1)
    counts = rng.multinomial(4000, chance / chance.sum())
    hot = gm.hotspot_test(counts, lattice(), at_risk=residents).cells
    touching = (lattice() @ planted.astype(float) + planted) > 0
    assert hot.loc[planted, "significant"].all()
    assert not (hot["significant"] & (hot["count_around"] > hot["expected_around"]) & ~touching).any()
    middle = 11 * SIDE + 15
    expected_share = (chance * planted).sum() / chance.sum() / ((residents * planted).sum() / residents.sum())
    assert hot["ratio_around_low"][middle] < expected_share < hot["ratio_around_high"][middle]
    assert hot.loc[planted, "strict"].mean() > 0.5


def test_cells_that_differ_for_ordinary_reasons_pass_the_exact_tier_and_not_the_strict_one(residents):
    rng = np.random.default_rng(6)
    exact = strict = 0
    for _ in range(30):
        chance = residents * rng.gamma(1.0, 1.0, len(residents))
        counts = rng.multinomial(2500, chance / chance.sum())
        cells = gm.hotspot_test(counts, lattice(), at_risk=residents).cells
        exact += cells["significant"].any()
        strict += gm.hotspot_test(counts, lattice(), at_risk=residents, strict=True).cells["significant"].any()
    assert exact == 30
    assert strict <= stats.binom.ppf(0.999, 30, 0.05)


def test_extra_variation_that_was_planted_is_estimated():
    rng = np.random.default_rng(7)
    expected = rng.uniform(2, 12, 4000)
    plain = ordinary_differences(rng.poisson(expected).astype(float), expected)
    spread = ordinary_differences(rng.poisson(expected * rng.gamma(2, 1 / 2, 4000)).astype(float), expected)
    assert plain.over_poisson < 1.15
    assert spread.over_poisson == pytest.approx(1 + spread.typical / 2, rel=0.3)
    assert spread.level == pytest.approx(1, abs=0.12)


def test_the_strict_tier_never_finds_what_the_exact_one_does_not(residents):
    rng = np.random.default_rng(8)
    chance = residents * rng.gamma(0.5, 2, len(residents))
    counts = rng.multinomial(6000, chance / chance.sum())
    cells = gm.hotspot_test(counts, lattice(), at_risk=residents).cells
    assert not (cells["strict"] & ~cells["significant"]).any()
    assert (cells["q_strict"] >= cells["q_value"] - 1e-12).all()


@pytest.fixture(scope="module")
def two_quarters() -> gpd.GeoDataFrame:
    """A crowded west and an empty east."""
    shapes = [shapely.box(0, 0, 0.1, 0.1), shapely.box(0.1, 0, 0.2, 0.1)]
    return gpd.GeoDataFrame({"zone_id": ["w", "e"], "persons": [9000, 1000]}, geometry=shapes, crs=4326)


def test_residents_of_the_boundaries_are_used_where_there_are_some(two_quarters):
    grid = gm.make_grid(two_quarters, system="square", cell_size_m=1000)
    west = grid.centroids[:, 0] < 0.1
    rng = np.random.default_rng(9)
    counts = pd.Series(
        rng.poisson(np.where(west, 9.0, 1.0) * grid.cells["share_inside"]), grid.cells.index, name="count"
    )
    by_residents = gm.hotspot_test(counts, grid)
    assert by_residents.params["at_risk"] == "persons"
    assert by_residents.params["null"] == "residents"
    assert by_residents.cells["expected"].sum() == pytest.approx(counts.sum())
    assert not by_residents.cells["significant"].any()
    assert by_residents.cells["concentrated"][west].mean() > 0.9
    by_land = gm.hotspot_test(
        counts, gm.make_grid(two_quarters[["zone_id", "geometry"]], system="square", cell_size_m=1000)
    )
    assert by_land.params["null"] == "land"
    assert by_land.cells["label"][west].str.startswith("hot").mean() > 0.9
    assert by_land.notes[0].code == "hotspots.land_alike"
    assert "常住人口" in by_land.notes[0].say("zh")


def test_where_nothing_is_at_risk_nothing_is_said(two_quarters):
    counts, risk = np.full(SIDE**2, 2), np.ones(SIDE**2)
    risk[:3] = risk[SIDE : SIDE + 3] = risk[2 * SIDE : 2 * SIDE + 3] = 0
    result = gm.hotspot_test(counts, lattice(), at_risk=risk)
    assert np.isnan(result.cells["p_value"][0])
    assert result.cells["label"][0] == "none"
    assert result.notes[0].values == {"n": 4, "incidents": 8, "at_risk": "values"}


@pytest.mark.parametrize(
    ("counts", "code"),
    [(np.full(SIDE**2, 0.5), "hotspots.counts_only"), (np.full(SIDE**2, 2), "hotspots.at_risk_negative")],
)
def test_what_is_no_count_is_refused(counts, code):
    with pytest.raises(InputError) as error:
        gm.hotspot_test(counts, lattice(), at_risk=np.full(SIDE**2, -1.0))
    assert error.value.args[0].code == code


def test_a_column_that_is_not_there_is_named(two_quarters):
    grid = gm.make_grid(two_quarters, system="square", cell_size_m=1000)
    with pytest.raises(SettingError, match="persons"):
        gm.hotspot_test(pd.Series(1, grid.cells.index, name="count"), grid, at_risk="person")


# weighted sums: harm, days, value


def weighed(rng, chance, incidents: int, marks=(1, 5, 15, 365, 1825), often=(0.6, 0.25, 0.1, 0.04, 0.01)):
    """Sums of weights by cell, as count_by_cell(weight=…) gives them, of incidents that fall with a chance."""
    number = rng.multinomial(incidents, chance)
    harm = rng.choice(np.asarray(marks, float), incidents, p=often)
    sums = np.bincount(np.repeat(np.arange(len(chance)), number), harm, minlength=len(chance))
    value, times = np.unique(harm, return_counts=True)
    about = CountsAbout(kind="weighted", weight="harm", rows=incidents, weights=tuple(zip(value, times, strict=True)))
    return Counts({"count": sums, "incidents": number}, index=pd.RangeIndex(len(chance), name="cell_id"), about=about)


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [("binomial", 12, 0.2), ("binomial", 900, 0.3), ("negative binomial", 3.0, 1.5), ("lognormal", 3.0, 1.5)],
)
def test_the_law_of_a_weighted_sum_is_the_one_that_is_drawn(kind, first, second):
    rng = np.random.default_rng(3)
    spread = np.log1p(1 / second)
    number = {
        "binomial": lambda: rng.binomial(int(first), min(second, 1), 100_000),
        "negative binomial": lambda: rng.negative_binomial(second, second / (second + first), 100_000),
        "lognormal": lambda: rng.poisson(first * rng.lognormal(-spread / 2, np.sqrt(spread), 100_000)),
    }[kind]()
    weights = Weights(np.array([1.0, 2.5, 40.0]), np.array([0.7, 0.2, 0.1]), known=True)
    drawn = rng.multinomial(number, weights.share) @ weights.value
    at = np.quantile(drawn, [0.1, 0.5, 0.9, 0.99])
    law = Law(kind, np.full(4, float(first)), np.full(4, float(second)))
    upper, lower = compound_tails(at, law, weights)
    assert np.allclose(upper, (drawn[:, None] >= at).mean(axis=0), atol=0.006)
    assert np.allclose(lower, (drawn[:, None] <= at).mean(axis=0), atol=0.006)


@pytest.mark.parametrize(("incidents", "share"), [(50, 0.1), (3000, 0.2)])
def test_with_all_weights_alike_a_weighted_sum_is_a_number_of_incidents(incidents, share):
    k = np.arange(incidents // 20, incidents // 2, max(1, incidents // 50))
    law = Law("binomial", np.full(len(k), float(incidents)), np.full(len(k), share))
    upper, lower = compound_tails(7.0 * k, law, Weights(np.array([7.0]), np.ones(1), known=True))
    assert np.allclose(upper, np.maximum(stats.binom.sf(k - 1, incidents, share), 1e-13), rtol=1e-3, atol=1e-11)
    assert np.allclose(lower, np.maximum(stats.binom.cdf(k, incidents, share), 1e-13), rtol=1e-3, atol=1e-11)


def test_many_cells_of_many_incidents_take_the_law_beside_their_own(residents):
    share = np.linspace(0.01, 0.02, 900)
    weights = Weights(np.array([1.0, 2.5, 40.0]), np.array([0.7, 0.2, 0.1]), known=True)
    sums = 40_000 * share * weights.mean * np.linspace(0.8, 1.2, 900)
    law = Law("binomial", np.full(900, 40_000.0), share)
    together = compound_tails(sums, law, weights)[0]
    some = np.arange(0, 900, 90)
    alone = compound_tails(sums[some], law.of(some), weights)[0]
    assert np.allclose(np.log(together[some]), np.log(alone), rtol=0.03, atol=0.05)


@pytest.mark.parametrize("known", [True, False])
def test_harm_with_nothing_on_it_is_rarely_hot(residents, known):
    chance, alarms = residents / residents.sum(), 0
    for seed in range(30):
        counts = weighed(np.random.default_rng(seed), chance, 600)
        counts = counts if known else pd.DataFrame(dict(counts))
        result = gm.hotspot_test(counts, lattice(), at_risk=residents)
        alarms += bool(result.cells["significant"].any())
        assert result.notes[0].code == ("hotspots.weights_drawn" if known else "hotspots.weights_unknown")
    assert alarms <= stats.binom.ppf(0.999, 30, 0.05)


def test_harm_that_was_planted_is_found(residents):
    planted = np.zeros(SIDE * SIDE, bool)
    planted[[SIDE * 10 + 10, SIDE * 10 + 11, SIDE * 11 + 10]] = True
    chance = residents * np.where(planted, 40.0, 1.0)
    counts = weighed(np.random.default_rng(1), chance / chance.sum(), 3000)
    cells = gm.hotspot_test(counts, lattice(), at_risk=residents).cells
    assert cells.loc[planted, "label"].str.startswith("hot").all()
    assert cells["count_around"][SIDE * 10 + 10] > cells["expected_around"][SIDE * 10 + 10]
    assert cells["ratio_around_low"].isna().all()


def test_harm_without_incidents_is_refused(residents):
    counts = pd.DataFrame({"count": np.full(SIDE**2, 7.5), "incidents": np.r_[0, np.ones(SIDE**2 - 1, int)]})
    with pytest.raises(InputError) as error:
        gm.hotspot_test(counts, lattice(), at_risk=residents)
    assert error.value.args[0].code == "hotspots.weight_without_incidents"


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e6])
def test_the_unit_of_a_weight_does_not_matter(residents, unit):
    k = np.random.default_rng(4).multinomial(2000, residents / residents.sum())
    harm = k * np.random.default_rng(5).choice([1.0, 3.0], k.size)
    cells = [
        gm.hotspot_test(pd.DataFrame({"count": harm * u, "incidents": k}), lattice(), at_risk=residents).cells
        for u in (1.0, unit)
    ]
    assert np.allclose(cells[0]["p_value"], cells[1]["p_value"], rtol=0.02, atol=0.002)


def test_what_the_strict_tier_cannot_tell_is_said_where_it_finds_something(residents):
    chance = residents * np.where(np.arange(SIDE * SIDE) == SIDE * 10 + 10, 200.0, 1.0)
    counts = np.random.default_rng(1).multinomial(3000, chance / chance.sum())
    found = gm.hotspot_test(counts, lattice(), at_risk=residents, strict=True)
    assert found.cells["strict"].any()
    assert found.notes[-1].code == "hotspots.strict_smooth"


def test_the_strict_tier_finds_a_neighbourhood_and_not_a_wide_region_of_high_risk():
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    even = np.ones(SIDE * SIDE)
    wide = np.where(np.hypot(row - 10, column - 10) < 8, 4.0, 1.0)
    small = np.where((abs(row - 10) <= 1) & (abs(column - 10) <= 1), 10.0, 1.0)
    found = {}
    for name, chance in {"wide": wide, "small": small}.items():
        counts = np.random.default_rng(3).multinomial(4000, chance / chance.sum())
        found[name] = gm.hotspot_test(counts, lattice(), at_risk=even).cells
    assert (found["wide"]["label"] == "hot 99").sum() > 100
    assert not found["wide"]["strict"].any()
    assert found["small"]["strict"].to_numpy()[10 * SIDE + 10]


def test_the_strict_tier_is_more_careful_where_neighbours_differ_alike(residents):
    """Of risk that changes from quarter to quarter fewer neighbourhoods tell than of cells that differ each alone."""
    rng = np.random.default_rng(8)
    rough = rng.standard_normal((SIDE, SIDE))
    smooth = sum(np.roll(rough, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 3
    careful = {}
    for name, field in (("rough", rough), ("smooth", smooth)):
        chance = residents * np.exp(0.7 * field.ravel())
        counts = rng.multinomial(20_000, chance / chance.sum()).astype(float)
        near = sparse.csr_array(lattice(), dtype=float)
        ring = default_method._Ring(near, counts, 20_000 * residents / residents.sum())
        careful[name] = ring.caution()
    most, *_, least = default_method.CAUTION.values()
    assert careful["rough"] == most
    assert least <= careful["smooth"] < 0.75 * most


def test_cells_that_differ_for_themselves_with_a_heavy_tail_pass_the_exact_tier_and_not_the_strict_one():
    """One cell of a few hundred has thirty times the usual rate then, and carries its neighbourhood."""
    rng = np.random.default_rng(21)
    exact = strict = 0
    for _ in range(60):
        chance = np.exp(1.5 * rng.standard_normal(SIDE * SIDE))
        counts = rng.multinomial(8_000, chance / chance.sum())
        cells = gm.hotspot_test(counts, lattice(), at_risk=np.ones(SIDE * SIDE)).cells
        exact += cells["significant"].any()
        strict += cells["strict"].any()
    assert exact == 60
    assert strict <= stats.binom.ppf(0.999, 60, 0.05)


def test_how_much_single_cells_differ_is_found_again():
    rng = np.random.default_rng(22)
    expected = rng.uniform(2.0, 8.0, 4_000)
    for planted in (0.6, 1.0, 1.4):
        differ = np.exp(planted * rng.standard_normal(4_000) - planted**2 / 2)
        found = default_method.cells_differ(rng.poisson(expected * differ).astype(float), expected, 1.0)
        assert planted * 0.9 <= found <= planted * 1.35  # the size is taken a standard error lower
    assert default_method.cells_differ(rng.poisson(expected).astype(float), expected, 1.0) < 0.2


def test_what_one_cell_alone_may_bring_is_what_it_is_by_hand():
    row = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], float))
    incidents, expected = np.array([2.0, 40.0, 3.0]), np.array([4.0, 2.0, 0.0])
    mean, spread, k = 12.0, 0.8, 45.0  # of the middle cell with both its neighbours: twice what is expected
    chance, rest, likely, mean_rest = default_method._by_one_cell(
        row.indptr, row.indices, np.array([1]), np.array([k]), np.array([mean]), incidents, expected, spread, 1.0
    )
    reach = k - np.sqrt(k) - mean
    by_hand = [stats.lognorm.sf(1 + reach / (2 * e), spread, scale=np.exp(-(spread**2) / 2)) for e in (4.0, 2.0)]
    np.testing.assert_allclose(chance, sum(by_hand), rtol=1e-12)
    np.testing.assert_allclose([rest[0], likely[0], mean_rest[0]], [5.0, 4.0, 8.0])


def test_what_is_at_risk_has_a_name_in_each_language():
    result = HotspotResult(
        pd.DataFrame(), "hotspot_test", {"null": "at_risk", "at_risk": "households", "strict": False}
    )
    assert null_of(result) == "what is at risk (households) explains"
    assert null_of(result).say("zh") == "基数（户数）所能解释的程度"


def test_where_places_differ_too_much_the_strict_tier_says_that_it_does_not_know():
    rng = np.random.default_rng(5)
    rough = rng.standard_normal((SIDE, SIDE))
    smooth = sum(np.roll(rough, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 3
    even = np.ones(SIDE * SIDE)
    counts = rng.multinomial(20_000, (chance := np.exp(2.0 * smooth.ravel())) / chance.sum())
    for strict in (False, True):
        silent = gm.hotspot_test(counts, lattice(), at_risk=even, strict=strict)
        assert silent.params["rate_spread"] > 0.6
        assert not silent.cells["strict"].any()
        assert silent.cells["q_strict"].isna().all()
        assert silent.notes[-1].code == "hotspots.strict_silent"
        assert "不作判断" in silent.notes[-1].say("zh")
        assert may_claim(silent) != strict
    assert (silent.cells["label"] == "none").all()
    assert silent.cells["p_exact"].notna().all()


def test_clumps_are_not_taken_for_rates():
    """Seven incidents a clump: κ grows with what is expected, and the tier speaks."""
    rng = np.random.default_rng(6)
    expected = rng.uniform(2, 20, 6000)
    clumped = ordinary_differences(7.0 * rng.poisson(expected / 7), expected)
    rates = ordinary_differences(rng.poisson(expected * np.exp(rng.normal(-0.5, 1.0, 6000))).astype(float), expected)
    assert clumped.rate_spread == 0
    assert 0.6 < rates.rate_spread < 1.1  # 1 was drawn; the highest tenth is censored


@pytest.mark.parametrize("kind", ["negative binomial", "lognormal"])
def test_long_tails_of_equal_weights_are_those_of_numbers(kind):
    """One table for cells of all sizes, and none is cut short where its own counts vary much."""
    mean, kappa = np.array([0.4, 3.0, 9.0]), np.array([0.2, 0.4, 5.0])
    k = np.array([9.0, 30.0, 20.0])
    upper, lower = compound_tails(7.0 * k, Law(kind, mean, kappa), Weights(np.array([7.0]), np.ones(1), known=True))
    if kind == "lognormal":
        spread = np.sqrt(np.log1p(1 / kappa))[:, None]
        law, rates = stats.poisson, mean[:, None] * np.exp(spread * default_method.NODES - spread**2 / 2)
        wanted = law.sf(k[:, None] - 1, rates) @ default_method.MASS, law.cdf(k[:, None], rates) @ default_method.MASS
    else:
        wanted = (
            stats.nbinom.sf(k - 1, kappa, kappa / (kappa + mean)),
            stats.nbinom.cdf(k, kappa, kappa / (kappa + mean)),
        )
    np.testing.assert_allclose(upper, wanted[0], rtol=1e-9)
    np.testing.assert_allclose(lower[:2], wanted[1][:2], rtol=1e-9)


def test_the_table_of_sums_is_that_of_single_weights_added_one_by_one():
    """By shifting rows, against a convolution; weights past the end and a weight of none are among them."""
    one = np.zeros(1200)
    one[[0, 1, 5, 700]] = 0.1, 0.5, 0.3, 0.1
    law, table = np.eye(1, 1200)[0], default_method._sums_at_most(one, 6)
    for k in range(7):
        np.testing.assert_allclose(table[k], law.cumsum(), atol=1e-14)
        law = np.convolve(law, one)[:1200]
    place = np.array([0, 3, 1199])
    np.testing.assert_array_equal(default_method._columns(table, place, 7), table[:, place].T)


@pytest.mark.parametrize("mean", [0.3, 4.0, 60.0])
def test_tails_added_up_are_those_of_scipy(mean):
    k = np.random.default_rng(9).poisson(3 * mean, 3000).astype(float) + 1
    share, twice = np.full(3000, mean / 5000), np.ones(3000)
    by_scipy = stats.binom.sf(k - 1, 5000, share)
    left = default_method._add_up(k, 5000.0, share, twice, 1.0, False)
    looked = (k > mean + np.sqrt(mean * (1 - mean / 5000))) & (k <= default_method.SUMMED)
    assert looked.any()
    assert not (left & looked).any()
    np.testing.assert_allclose(twice, np.where(looked, np.minimum(1, 2 * by_scipy), 1.0), rtol=1e-9, atol=1e-300)
    smaller = np.minimum(1, 2 * np.minimum(by_scipy, stats.binom.cdf(k, 5000, share)))
    np.testing.assert_allclose(binomial_tails(k, 5000, share), smaller, rtol=1e-9, atol=1e-300)
    means, kappa, above = np.full(3000, mean), np.full(3000, 0.7), np.arange(3000) % 2 == 0
    mixed = default_method._tail_of_mixed(k, means, kappa, above)
    law = stats.nbinom(0.7, 0.7 / (0.7 + mean))
    np.testing.assert_allclose(mixed, np.where(above, law.sf(k - 1), law.cdf(k)), rtol=1e-9)
    spread = np.full(3000, 0.8)
    few = slice(0, 20)
    lognormal = default_method._lognormal_tail(k[few], means[few], spread[few])
    rate = mean * np.exp(0.8 * default_method.NODES - 0.32)
    by_scipy = [stats.poisson.sf(one - 1, rate) @ default_method.MASS for one in k[few]]
    np.testing.assert_allclose(lognormal, by_scipy, rtol=1e-9)


def test_the_compiled_fit_takes_the_steps_of_scipy():
    rng = np.random.default_rng(10)
    e = np.arange(1.0, 9.0)
    k = np.tile(np.arange(0.0, 12.0), 8)
    often = rng.integers(0, 9, len(k)).astype(float)
    ends = np.arange(0, len(k) + 1, 12)
    given = (e, np.log(e / 4), np.full(8, 11.0), rng.integers(0, 4, 8).astype(float), ends, k, often)
    ours = default_method._most_likely(*given)
    scipys = optimize.minimize(
        lambda at: -default_method._log_likelihood(at, *given),
        default_method.FIRST_FIT[0],
        method="Nelder-Mead",
        bounds=[(-3.0, 3.0), (-4.0, 12.0), (0.0, 1.0)],
        options={"initial_simplex": default_method.FIRST_FIT, "xatol": 0.02, "fatol": 0.02, "maxfev": 70},
    )
    np.testing.assert_allclose(ours, scipys.x, rtol=1e-12)
    x, a, b = np.array([0.02, 0.3, 0.9]), np.array([3.0, 12.0, 40.0]), np.array([0.4, 7.0, 2.0])
    shares = [default_method._beta_share(*one) for one in zip(a, b, x, strict=True)]
    np.testing.assert_allclose(shares, special.betainc(a, b, x), rtol=1e-10)


def test_neighbours_kept_with_a_grid_are_those_of_the_order_that_is_asked_for(two_quarters):
    grid = gm.make_grid(two_quarters, system="square", cell_size_m=1000)
    for order in (1, 2, 1):
        near = default_method._neighbours(grid, order, None, len(grid))
        assert (near != grid.adjacency(order)).nnz == 0
    with pytest.raises(SettingError, match="found True"):
        default_method._neighbours(grid, True, None, len(grid))
