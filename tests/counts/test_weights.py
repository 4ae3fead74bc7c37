"""Weights: the sum of a column beside the number of incidents, exact, in every engine."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridmap.counts.query import about_counts, count_by_cell
from gridmap.counts.task import CountQuery, combine, count_batch, finish, prepare
from gridmap.errors import InputError
from gridmap.grids.systems import make_grid
from gridmap.read.incident_table import Incidents


@pytest.fixture(scope="module")
def grid():
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(2, 0, 3, 1)]
    return make_grid(gpd.GeoDataFrame({"zone_id": ["a", "b", "c"]}, geometry=shapes, crs=4326), system="zones")


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(3)
    n = 20_000
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 90 * 24 * 60, n), unit="min")
    return pd.DataFrame(
        {
            "lon": rng.uniform(-0.2, 3.4, n),
            "lat": rng.uniform(-0.2, 1.2, n),
            "category": rng.choice(["theft", "fraud"], n),
            "occurred_from": since.as_unit("us"),
            "harm": rng.choice([0.0, 0.1, 0.25, 3.0, 365.0, 5_475.0], n),
        }
    )


def incidents_of(frame):
    return Incidents(pa.Table.from_pandas(frame, preserve_index=False))


def test_by_hand(grid):
    points = pd.DataFrame({"lon": [0.5, 0.6, 1.5, 9.0], "lat": 0.5, "harm": [0.1, 0.2, 5.0, 7.5]})
    counts = count_by_cell(incidents_of(points), grid, weight="harm")
    assert counts["count"].tolist() == [0.3, 5.0, 0.0]  # 0.1 + 0.2 without the rounding of binary numbers
    assert counts["incidents"].tolist() == [2, 1, 0]
    about = counts.about
    assert (about.kind, about.weight, about.rows, about.outside, about.outside_weight) == (
        "weighted",
        "harm",
        4,
        1,
        7.5,
    )
    assert about_counts(counts).kind == "weighted"
    assert about_counts(counts["count"]).kind == "weighted"
    assert about_counts(counts, column="incidents").are_counts


def test_weighted_counts_equal_a_groupby_and_nothing_is_lost(grid, crowd):
    counts = count_by_cell(incidents_of(crowd), grid, weight="harm", by="category", every="month")
    row = grid.locate(crowd["lon"], crowd["lat"])
    inside = crowd[row >= 0].assign(cell_id=grid.cells.index[row[row >= 0]])
    keys = ["cell_id", inside["occurred_from"].dt.to_period("M").rename("period"), "category"]
    by_hand = inside.groupby(keys)["harm"].agg(["sum", "size"])
    np.testing.assert_allclose(counts["count"].loc[by_hand.index], by_hand["sum"], rtol=1e-12)
    assert counts["incidents"].loc[by_hand.index].tolist() == by_hand["size"].tolist()
    assert counts["incidents"].sum() + counts.about.outside == counts.about.rows == len(crowd)
    assert counts["count"].sum() + counts.about.outside_weight == pytest.approx(crowd["harm"].sum(), rel=1e-12)
    plain = count_by_cell(incidents_of(crowd), grid, by="category", every="month")
    assert counts["incidents"].tolist() == plain["count"].tolist()


def test_a_weight_of_one_is_the_count(grid, crowd):
    counts = count_by_cell(incidents_of(crowd.assign(one=1)), grid, weight="one")
    assert counts["count"].tolist() == counts["incidents"].tolist()


def test_the_order_of_the_rows_and_the_threads_do_not_change_a_digit(grid, crowd):
    expected = count_by_cell(incidents_of(crowd), grid, weight="harm")
    mixed = crowd.sample(frac=1, random_state=1)
    for threads in (1, 3):
        pd.testing.assert_frame_equal(
            count_by_cell(incidents_of(mixed), grid, weight="harm", threads=threads), expected
        )


def test_a_point_in_two_zones_brings_its_weight_to_both():
    shapes = [shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)]
    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=shapes, crs=4326)
    points = incidents_of(pd.DataFrame({"lon": [1.5, 0.5], "lat": 0.5, "harm": [4.0, 2.0]}))
    counts = count_by_cell(points, make_grid(zones, system="zones", overlaps="all"), weight="harm")
    assert counts["count"].tolist() == [6.0, 4.0]
    assert (counts.about.rows, counts.about.repeated) == (2, 1)


@pytest.mark.parametrize("bad", [None, np.nan, -1.0, np.inf, 1e10])
def test_a_weight_that_cannot_be_summed_is_refused(grid, bad):
    points = pd.DataFrame({"lon": [0.5, 0.5], "lat": 0.5, "harm": [1.0, bad], "category": ["theft", "fraud"]})
    with pytest.raises(InputError, match="1 incident has no usable weight in column 'harm'"):
        count_by_cell(incidents_of(points), grid, weight="harm")
    # only those that are counted need one
    assert count_by_cell(incidents_of(points), grid, weight="harm", category="theft")["count"].sum() == 1


def test_the_column_must_be_there_and_hold_numbers(grid, crowd):
    points = incidents_of(crowd.assign(words="much", text=crowd["harm"].astype(str)))
    with pytest.raises(InputError, match=r"weight='hram' needs a column 'hram'.*Did you mean 'harm'"):
        count_by_cell(points, grid, weight="hram")
    with pytest.raises(InputError, match="20,000 incidents have no usable weight in column 'words'"):
        count_by_cell(points, grid, weight="words")
    with pytest.raises(InputError, match="'occurred_from' of the incident table should hold weights as numbers, but"):
        count_by_cell(points, grid, weight="occurred_from")
    text = count_by_cell(points, grid, weight="text")  # as an attribute of a CSV file is read
    assert text["count"].tolist() == count_by_cell(points, grid, weight="harm")["count"].tolist()
    with pytest.raises(InputError, match="name of a column"):
        count_by_cell(points, grid, weight=3)


QUERIES = [
    CountQuery(),
    CountQuery(weight="harm"),
    CountQuery(categories=("fraud",), every="week"),
    CountQuery(by="category", every="hour_of_week", weight="harm"),
    CountQuery(by="number"),
    CountQuery(by="night"),
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_batches_counted_anywhere_give_the_same_table(grid, crowd, query, tmp_path):
    frame = crowd.assign(number=crowd.index % 7, night=crowd["occurred_from"].dt.hour < 6)
    frame.loc[::9, "category"] = None
    table = pa.Table.from_pandas(frame, preserve_index=False)
    settings = {"category": query.categories, "by": query.by, "every": query.every, "weight": query.weight}
    expected = count_by_cell(Incidents(table), grid, **settings)
    task = prepare(grid, query)
    sums = [count_batch(task, batch) for batch in table.to_batches(max_chunksize=3_000)]
    halves = [combine(sums[:3]), combine(sums[3:][::-1])]  # in any order, in steps
    found = finish(grid, query, combine(halves))
    pd.testing.assert_frame_equal(found, expected)
    assert found.about == expected.about
    assert expected["count"].sum() > 0
    pq.write_table(table, tmp_path / "points.parquet")
    pd.testing.assert_frame_equal(count_by_cell(tmp_path / "points.parquet", grid, **settings), expected)


def test_a_task_tells_the_same_errors(grid, crowd):
    def run(frame, **query):
        asked = CountQuery(**query)
        batch = pa.Table.from_pandas(frame, preserve_index=False)
        return finish(grid, asked, combine([count_batch(prepare(grid, asked), batch)]))

    with pytest.raises(InputError, match="Did you mean 'fraud'"):
        run(crowd, categories=("frraud",))
    with pytest.raises(InputError, match="needs a column 'kind'"):
        run(crowd, by="kind")
    with pytest.raises(InputError, match="2 incidents have no usable weight"):
        run(crowd.assign(harm=[-1.0, np.nan, *crowd["harm"][2:]]), weight="harm")
    with pytest.raises(InputError, match="none of the 3 has a time that lies in one day"):
        run(crowd.head(3).assign(occurred_from=pd.NaT), every="day")
    with pytest.raises(InputError, match="there are none"):
        run(crowd.head(0), every="day")


def test_how_often_each_weight_occurs_is_remembered(grid, crowd):
    fraud = crowd[crowd["category"] == "fraud"]
    counts = count_by_cell(incidents_of(crowd), grid, weight="harm", category="fraud")
    value, times = np.unique(fraud["harm"].to_numpy(), return_counts=True)
    assert [n for _, n in counts.about.weights] == times.tolist()
    assert np.allclose([v for v, _ in counts.about.weights], value)
    assert "weights" not in counts.attrs


def test_of_many_different_weights_the_means_of_classes_are_remembered(grid, crowd):
    fine = crowd.assign(harm=np.random.default_rng(1).lognormal(2, 1, len(crowd)))
    weights = count_by_cell(incidents_of(fine), grid, weight="harm").about.weights
    assert len(weights) == 4096
    assert sum(n for _, n in weights) == len(fine)
    assert np.isclose(sum(v * n for v, n in weights), fine["harm"].sum())
