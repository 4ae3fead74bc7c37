"""Rates with several denominators: published intervals, hand figures, and ranks that depend on the choice."""

import json

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError


def test_direct_rates_and_their_interval_are_esda_s(shared_data):
    esda = pytest.importorskip("esda.smoothing")
    one = next(r for r in json.loads((shared_data / "reference_next.json").read_text()) if r["name"] == "std_direct")
    given = one["input"]
    table = pd.DataFrame({"area": np.repeat([0, 1], 4), "age": np.tile(range(4), 2)})
    table = table.assign(count=given["events"], people=given["population"])
    found = gm.standardised_rates(table, per=["people"], unit="area", stratum="age", scale=1, draws=0).table
    standard = np.tile(table.groupby("age")["people"].sum(), 2)
    direct = esda.direct_age_standardization(np.array(given["events"]), np.array(given["population"]), standard, 2)
    assert np.allclose(found[["direct", "direct_low", "direct_high"]], np.array(direct), atol=1e-9)


def test_indirect_by_hand():
    """Standard rates 10 and 1 per hundred; A has 50 and 100 people: 5 + 1 events are expected of it, 9 were seen."""
    table = pd.DataFrame({"unit": list("aabb"), "kind": ["town", "land"] * 2, "count": [8, 1, 2, 9]})
    table["people"] = [50, 100, 50, 900]
    found = gm.standardised_rates(table, per=["people"], unit="unit", stratum="kind", draws=0).table
    assert found.loc[("a", "people"), "expected"] == pytest.approx(6)
    assert found.loc[("a", "people"), "ratio"] == pytest.approx(1.5)
    assert found.loc[("a", "people"), "ratio_low"] == pytest.approx(4.1154 / 6, abs=1e-4)  # Garwood for 9


def test_a_rank_that_depends_on_the_denominator_is_said_and_no_other():
    """Ten alike streets, but one has many floating workers and few registered households."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"persons": 20_000.0, "households": 7_000.0}, index=[f"street {k}" for k in range(10)])
    table.loc["street 3", "households"] = 700.0
    table["count"] = rng.poisson(400, 10)
    found = gm.standardised_rates(table, per=["persons", "households"])
    assert found.table.loc[("street 3", "households"), "rank"] == 1
    assert "street 3" in found.moved.index
    assert any("street 3" in note and "depends on the denominator" in note for note in found.notes)
    assert all("户数" in note.say("zh") and "households" not in note.say("zh") for note in found.notes)
    same = gm.standardised_rates(table.assign(households=table["persons"] / 3), per=["persons", "households"])
    assert len(same.moved) == 0
    assert same.notes == ()


def test_a_unit_without_people_in_a_stratum_has_no_direct_rate_and_keeps_its_indirect_one():
    table = pd.DataFrame(
        {"unit": list("aab"), "kind": ["town", "land", "town"], "count": [8, 1, 2], "people": [50, 100, 90]}
    )
    found = gm.standardised_rates(table, per=["people"], unit="unit", stratum="kind", draws=0).table
    assert np.isnan(found.loc[("b", "people"), "direct"])
    assert np.isfinite(found.loc[("b", "people"), "ratio"])


@pytest.mark.parametrize("wrong", [{"count": [-1, 2]}, {"people": [np.nan, 5]}, {"people": [0, 0]}, {"count": [0, 0]}])
def test_numbers_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="0 or more"):
        gm.standardised_rates(pd.DataFrame({"count": [1, 2], "people": [3, 4]} | wrong), per=["people"])
