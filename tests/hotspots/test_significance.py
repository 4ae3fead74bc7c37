"""Corrections for many tests, against scipy, statsmodels' published example, and by hand."""

import numpy as np
import pytest
from scipy import stats

from gridmap.errors import InputError, SettingError
from gridmap.hotspots.significance import adjust_p, direction_column, direction_labels

# Benjamini & Hochberg 1995, section 3.2: fifteen p-values, of which FDR control at 0.05 rejects four, Bonferroni three.
PUBLISHED = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
PUBLISHED += [0.7590, 1.0]


def test_the_example_of_benjamini_and_hochberg():
    assert (adjust_p(PUBLISHED) <= 0.05).sum() == 4
    assert (adjust_p(PUBLISHED, "bonferroni") <= 0.05).sum() == 3


def test_fdr_equals_scipy():
    p = np.random.default_rng(0).uniform(size=300) ** 2
    np.testing.assert_allclose(adjust_p(p), stats.false_discovery_control(p))
    np.testing.assert_allclose(adjust_p(p, "fdr_by"), stats.false_discovery_control(p, method="by"))


def test_holm_by_hand():
    assert adjust_p([0.04, 0.01, 0.03], "holm").tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert adjust_p([0.04, 0.01, 0.03], "none").tolist() == [0.04, 0.01, 0.03]


@pytest.mark.parametrize("method", ["fdr", "fdr_by", "holm", "bonferroni", "none"])
def test_untested_cells_do_not_count_as_tests(method):
    p = np.random.default_rng(1).uniform(size=50)
    gaps = np.insert(p, [0, 20, 50], np.nan)
    np.testing.assert_array_equal(adjust_p(gaps, method)[~np.isnan(gaps)], adjust_p(p, method))
    assert np.isnan(adjust_p(gaps, method)).sum() == 3
    assert np.isnan(adjust_p([np.nan, np.nan], method)).all()


@pytest.mark.parametrize("method", ["fdr", "fdr_by", "holm", "bonferroni"])
def test_adjusting_keeps_the_order_and_never_lowers_p(method):
    p = np.sort(np.random.default_rng(2).uniform(size=99))
    q = adjust_p(p, method)
    assert (q >= p).all()
    assert (np.diff(q) >= 0).all()
    assert (q <= 1).all()


def test_borders_of_the_labels_belong_to_the_stricter_class():
    found = direction_labels([1, 1, 1, 1, -1, -1, 0, 1], [0.01, 0.0101, 0.05, 0.1, 0.1, 0.11, 0.001, np.nan])
    assert found.tolist() == ["hot 99", "hot 95", "hot 95", "hot 90", "cold 90", "none", "none", "none"]


def test_wrong_use_is_named():
    with pytest.raises(SettingError, match="Did you mean 'holm'"):
        adjust_p([0.1], "hulm")
    for bad in ([0.1, 1.5], [-0.1], ["a"]):
        with pytest.raises(InputError, match="between 0 and 1"):
            adjust_p(bad)


def test_labels_as_a_column_are_the_labels():
    rng = np.random.default_rng(4)
    side, level = rng.choice([-1.0, 0.0, 2.0, np.nan], 500), rng.choice([0.001, 0.03, 0.08, 0.5, np.nan], 500)
    for words in (("hot", "cold"), ("up", "down")):
        assert list(direction_column(side, level, words)) == direction_labels(side, level, words).tolist()
