"""What became of a measure, against published numbers and planted truths."""

import numpy as np
import pytest

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
