"""Under complete randomness, the share of false alarms is what was promised: 400 nulls a test.

A test that promises 5 % and is continuous must reject 10 to 32 times in 400 (the binomial's 99 % band); one that
is discrete, or controls the false discovery rate of a whole map, at most 32 times.
"""

import libpysal
import numpy as np
import pytest
from scipy import sparse, stats

import gridmap as gm
from gridmap.hotspots.nulls import may_claim
from gridmap.hotspots.significance import binomial_p

pytestmark = pytest.mark.slow

NULLS = 400
LEAST, MOST = (int(v) for v in stats.binom.ppf([0.005, 0.995], NULLS, 0.05))
LATTICE = sparse.csr_array(libpysal.weights.lat2W(15, 15, rook=False).sparse)
N = LATTICE.shape[0]


def nulls(seed, draw):
    rng = np.random.default_rng(seed)
    return [draw(rng) for _ in range(NULLS)]


def normal(rng):
    return rng.normal(10, 2, N)


def skewed(rng):
    return rng.gamma(1.5, 2, N)


def counts(mean):
    return lambda rng: rng.poisson(mean, N)


def test_the_band_is_the_binomials():
    assert (LEAST, MOST) == (10, 32)
    assert stats.binom.cdf(LEAST - 1, NULLS, 0.05) < 0.005 <= stats.binom.cdf(LEAST, NULLS, 0.05)
    assert stats.binom.sf(MOST, NULLS, 0.05) <= 0.005


@pytest.mark.parametrize(
    "method, options, draw",
    [
        (gm.global_moran, {}, normal),
        (gm.global_moran, {"row_standardise": False}, normal),
        (gm.global_moran, {"assumption": "randomisation"}, skewed),
        (gm.global_moran, {"permutations": 199}, skewed),
        (gm.global_geary, {}, normal),
        (gm.global_geary, {"assumption": "randomisation"}, skewed),
        (gm.global_geary, {"permutations": 199}, skewed),
        (gm.global_getis_ord, {"permutations": 199}, skewed),
        (gm.global_getis_ord, {}, skewed),
    ],
)
def test_global_tests_reject_five_in_a_hundred(method, options, draw):
    seed = {"random_state": 1} if "permutations" in options else {}
    rejected = sum(method(x, LATTICE, **options, **seed).p_value <= 0.05 for x in nulls(11, draw))
    assert LEAST <= rejected <= MOST


@pytest.mark.parametrize("draw", [normal, skewed, counts(20)])
@pytest.mark.parametrize("star", [True, False])
def test_permutation_p_of_one_cell_rejects_five_in_a_hundred(draw, star):
    options = {"permutations": 199, "star": star}
    rejected = sum(
        gm.getis_ord(x, LATTICE, **options, random_state=i).cells["p_value"].iloc[112] <= 0.05
        for i, x in enumerate(nulls(12, draw))
    )
    assert (0 if draw not in (normal, skewed) else LEAST) <= rejected <= MOST


@pytest.mark.parametrize("draw", [normal, skewed, counts(1), counts(0.3)])
def test_maps_by_permutations_and_fdr_cry_wolf_in_at_most_five_in_a_hundred(draw):
    gi = lisa = 0
    for i, x in enumerate(nulls(13, draw)):
        gi += gm.getis_ord(x, LATTICE, permutations=199, random_state=i).cells["significant"].any()
        lisa += gm.local_moran(x, LATTICE, permutations=199, random_state=i).cells["significant"].any()
    assert gi <= MOST
    assert lisa <= MOST


@pytest.mark.parametrize("correction", ["fdr", "holm", "bonferroni"])
def test_analytic_gi_star_holds_where_the_documents_say_it_can_be_trusted(correction):
    """100 incidents and more expected in a neighbourhood: 12 a cell with eight neighbours."""
    found = [gm.getis_ord(x, LATTICE, correction=correction).cells for x in nulls(14, counts(12))]
    assert sum(cells["significant"].any() for cells in found) <= MOST
    hot = np.mean([((c["p_value"] <= 0.05) & (c["z_score"] > 0)).mean() for c in found])
    cold = np.mean([((c["p_value"] <= 0.05) & (c["z_score"] < 0)).mean() for c in found])
    assert 0.022 < hot < 0.030
    assert 0.018 < cold < 0.025


def test_analytic_gi_star_is_too_eager_where_incidents_are_few_and_says_so():
    found = [gm.getis_ord(x, LATTICE) for x in nulls(15, counts(0.3))]
    assert sum(result.cells["significant"].any() for result in found) > 2 * MOST
    assert all(result.notes[-1].code == "note.few_expected" for result in found)
    assert not any(may_claim(result) for result in found)


def test_rates_and_changes_of_nothing_are_seldom_marked():
    rng = np.random.default_rng(16)
    people = rng.integers(100, 3_000, N).astype(float)
    rates = changes = cells_p = 0
    for _ in range(NULLS):
        before, after = rng.poisson(0.003 * people), rng.poisson(0.003 * people)
        rates += gm.incident_rates(before, population=people).cells["significant"].any()
        change = gm.compare_periods({"a": before, "b": after}, before="a", after="b").cells
        changes += change["significant"].any()
        cells_p += change["p_value"].iloc[0] <= 0.05
    assert rates <= MOST
    assert changes <= MOST
    assert cells_p <= MOST


def test_the_exact_test_never_rejects_more_than_promised():
    for n in (5, 20, 60):
        for share in (0.5, 0.3, 31 / 59):
            k = np.arange(n + 1)
            p = binomial_p(k, np.full(n + 1, n), share)
            assert stats.binom.pmf(k, n, share)[p <= 0.05].sum() <= 0.05
