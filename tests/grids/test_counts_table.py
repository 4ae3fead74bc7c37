"""Counts know what they are, however the table is turned."""

import pickle

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import InputError
from gridmap.grids.counts_table import Counts, CountsAbout, about_counts

CELLS = pd.Index(["a", "b", "c"], name="cell_id")
ABOUT = CountsAbout(kind="weighted", rows=9, outside=1, weight="harm")


@pytest.fixture
def counts():
    return Counts({"count": [5.5, 0, 3], "incidents": [2, 0, 1]}, index=CELLS, about=ABOUT)


@pytest.mark.parametrize(
    "turn",
    [
        lambda c: c.copy(),
        lambda c: c.loc[["a", "c"]],
        lambda c: c.iloc[1:],
        lambda c: c[c["count"] > 0],
        lambda c: c[["count"]],
        lambda c: c.assign(rank=[1, 3, 2]),
        lambda c: c.sort_values("count"),
        lambda c: c.reindex(["a", "z"]).fillna(0),
        lambda c: c.reset_index(),
        lambda c: c.astype(float),
        lambda c: c.join(pd.Series([1, 2, 3], CELLS, name="persons")),
        lambda c: c.merge(pd.DataFrame({"persons": [1, 2, 3]}, CELLS), left_index=True, right_index=True),
        lambda c: c.rename(columns={"incidents": "n"}),
        lambda c: pickle.loads(pickle.dumps(c)),
        lambda c: pd.concat([c.iloc[:1], c.iloc[1:]]),
    ],
)
def test_what_the_numbers_are_survives(counts, turn):
    assert turn(counts).about == ABOUT


def test_unstacking_periods_keeps_it():
    index = pd.MultiIndex.from_product([CELLS, [1, 2]], names=["cell_id", "period"])
    counts = Counts({"count": range(6)}, index=index, about=CountsAbout(kind="aoristic"))
    assert counts.unstack("period").about.kind == "aoristic"  # noqa: PD010
    assert counts.xs(1, level="period").about.kind == "aoristic"


@pytest.mark.parametrize(
    "change", [lambda c: c / 3, lambda c: c * 2, lambda c: 2 * c, lambda c: c.div(3), lambda c: c - c, lambda c: c + 1]
)
def test_arithmetic_makes_something_else_of_counts(counts, change):
    assert change(counts).about is None


def test_adding_counts_of_one_kind_gives_that_kind(counts):
    assert (counts + counts).about == CountsAbout(kind="weighted", weight="harm")
    assert (counts + Counts({"count": [1, 1, 1]}, index=CELLS, about=CountsAbout())).about is None
    assert pd.concat([counts, counts / 2]).about is None


def test_a_column_is_a_plain_series_that_brings_its_kind(counts):
    pd.testing.assert_series_equal(counts["count"], pd.Series([5.5, 0, 3], CELLS, name="count"))
    assert about_counts(counts["count"]) == ABOUT
    assert about_counts(counts["incidents"]).kind == "counts"


def test_what_a_test_is_told_of_any_numbers(counts):
    assert about_counts(counts).kind == "weighted"
    assert about_counts(counts, column="incidents").are_counts
    assert about_counts(pd.DataFrame(counts.to_dict("list"))).kind == "weighted"  # as read back from a file
    assert about_counts(np.array([1, 0, 4])).kind == "counts"
    assert about_counts(pd.Series([1.0, np.nan, 4.0])).kind == "counts"
    assert about_counts(pd.Series([1, -1])).kind == "fractions"
    whole = Counts({"count": [5, 0, 3]}, about=CountsAbout())
    assert about_counts(whole.assign(count=whole["count"] * 0.5)).kind == "fractions"
    assert about_counts(whole * 0.5).kind == "fractions"


def test_attrs_tell_the_same_to_those_who_read_them():
    counts = Counts({"count": [5]}, about=CountsAbout(rows=6, outside=1, officer_initiated=True))
    assert counts.attrs["rows"] == 6
    assert counts.attrs["patrol_found"] is counts.attrs["officer_initiated"] is True


def test_parquet_keeps_the_table(counts, tmp_path):
    counts.to_parquet(tmp_path / "counts.parquet")
    pd.testing.assert_frame_equal(pd.DataFrame(counts), pd.read_parquet(tmp_path / "counts.parquet"))


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"found 'weightd'\. Did you mean 'weighted'") as caught:
        CountsAbout(kind="weightd")
    assert "计数的性质" in caught.value.say("zh")
