"""Crosswalks: nothing lost, there and back; by area, people or the points themselves."""

from functools import cache
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridmap.errors import GridmapError
from gridmap.grids.counts_table import Counts, CountsAbout, about_counts
from gridmap.grids.crosswalks import crosswalk, crosswalk_weights
from gridmap.grids.systems import make_grid
from gridmap.samples import town


def strips(edges, **columns):
    """Zones side by side, from west to east."""
    shapes = [shapely.box(a, 0, b, 0.01) for a, b in pairwise(edges)]
    ids = [f"{a:g} to {b:g}" for a, b in pairwise(edges)]
    return make_grid(gpd.GeoDataFrame({"zone_id": ids, **columns}, geometry=shapes, crs=4326), system="zones")


def test_by_area_each_cell_is_shared_in_proportion():
    source, target = strips([0, 0.02, 0.03]), strips([0, 0.01, 0.03])
    values = pd.Series([10, 4], index=source.cells.index, name="count")
    assert np.allclose(crosswalk(values, source, target), [5, 9], atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10_000), min_size=30, max_size=30), st.sampled_from(["h3", "square"]))
def test_there_and_back_conserves_every_incident(numbers, system):
    zones = strips(np.linspace(0, 0.3, 31))
    option = {"resolution": 7} if system == "h3" else {"cell_size_m": 700}
    other = make_grid(zones.cells.reset_index(drop=True), system=system, **option)
    values = pd.Series(numbers, index=zones.cells.index, name="count")
    there = crosswalk(values, zones, other)
    back = crosswalk(there, other, zones)
    assert there.sum() == values.sum() == back.sum()
    assert (there >= 0).all()
    assert there.attrs["outside"] == back.attrs["outside"] == 0


def test_by_points_nothing_is_assumed():
    sample = town(random_state=1)
    zones = make_grid(sample.boundaries, system="zones")
    squares = make_grid(sample.boundaries, system="square", cell_size_m=500)
    lon, lat = sample.incidents.lonlat()
    at_zone, at_square = zones.locate(lon, lat), squares.locate(lon, lat)
    values = pd.Series(np.bincount(at_zone, minlength=len(zones)), index=zones.cells.index, name="count")
    carried = crosswalk(values, zones, squares, by="points", points=sample.incidents)
    assert np.allclose(carried, np.bincount(at_square, minlength=len(squares)), atol=1e-4)
    assert carried.sum() == values.sum()


def test_carried_counts_say_that_they_are_estimates():
    source, target = strips([0, 0.02, 0.03]), strips([0, 0.01, 0.03])
    counts = Counts({"count": [10, 4]}, index=source.cells.index, about=CountsAbout(rows=14, outside=0))
    carried = crosswalk(counts, source, target)
    assert carried.about.kind == "crosswalked"
    assert about_counts(carried["count"]).kind == about_counts(crosswalk(counts["count"], source, target)).kind
    assert not about_counts(carried["count"]).are_counts
    rates = pd.DataFrame({"rate": [0.5, 0.25], "score": [1.5, 2.5]}, index=source.cells.index)
    assert not hasattr(crosswalk(rates, source, target), "about")  # nothing was summed
    points = pd.DataFrame({"lon": [0.005] * 10 + [0.025] * 4, "lat": 0.005})
    exact = crosswalk(counts, source, target, by="points", points=points)
    assert exact["count"].tolist() == [10, 4]
    assert exact.about.kind == "counts"  # each incident went to its own cell


def test_by_population_people_decide():
    source = strips([0, 0.02])
    target = strips([0, 0.01, 0.02], persons=[900, 100])
    values = pd.Series([10], index=source.cells.index, name="count")
    assert np.allclose(crosswalk(values, source, target, by="population"), [9, 1], atol=1e-6)
    houses = pd.DataFrame({"lon": [0.001, 0.015], "lat": [0.005, 0.005], "persons": [1, 4]})
    assert np.allclose(crosswalk(values, source, target, by="population", population=houses), [2, 8], atol=1e-6)
    blocks = strips([0, 0.005, 0.02], persons=[70, 30])
    by_blocks = crosswalk(values, source, target, by="population", population=blocks)
    assert np.allclose(by_blocks, [8, 2], atol=1e-3)


def test_rates_are_averaged_and_labels_taken_from_the_largest():
    source, target = strips([0, 0.02, 0.03]), strips([0, 0.03])
    values = pd.DataFrame(
        {"count": [4, 2], "z_score": [3.0, 0.0], "label": ["hot 99", "none"]}, index=source.cells.index
    )
    found = crosswalk(values, source, target)
    assert found["count"].tolist() == [6]
    assert found["count_error"].tolist() == [0]  # nothing was cut
    assert found["z_score"].iloc[0] == pytest.approx(2.0, abs=1e-3)
    assert found["label"].tolist() == ["hot 99"]


def test_periods_are_carried_one_by_one():
    source, target = strips([0, 0.02, 0.03]), strips([0, 0.01, 0.03])
    index = pd.MultiIndex.from_product([source.cells.index, pd.period_range("2024-01", periods=3, freq="M")])
    index.names = ["cell_id", "period"]
    values = pd.DataFrame({"count": np.arange(6)}, index=index)
    found = crosswalk(values, source, target)
    assert found.index.names == ["cell_id", "period"]
    assert found.groupby("period")["count"].sum().tolist() == values.groupby("period")["count"].sum().tolist()
    assert found.index.get_level_values(0).unique().tolist() == target.cells.index.tolist()


@pytest.mark.slow
def test_the_error_of_the_area_assumption_is_about_right():
    """Clumped incidents: two standard errors cover the real errors in most target cells."""
    inside, n = [], 0
    for seed in range(10):
        sample = town(random_state=seed)
        squares = make_grid(sample.boundaries, system="square", cell_size_m=600)
        zones = make_grid(sample.boundaries, system="zones")
        lon, lat = sample.incidents.lonlat()
        values = pd.DataFrame(
            {"count": np.bincount(squares.locate(lon, lat), minlength=len(squares))}, index=squares.cells.index
        )
        real = np.bincount(zones.locate(lon, lat), minlength=len(zones))
        found = crosswalk(values, squares, zones)
        inside.append(np.abs(found["count"] - real) <= 2 * found["count_error"])
        n += len(real)
    assert np.concatenate(inside).mean() > 0.85


def test_weights_of_a_cell_sum_to_one():
    weights = crosswalk_weights(strips([0, 0.02, 0.03]), strips([0, 0.01, 0.03]))
    assert np.allclose(weights.sum(axis=1), 1)


A, B = strips([0, 0.02, 0.03]), strips([0, 0.01, 0.03])
FAR = make_grid(gpd.GeoDataFrame({"zone_id": ["f"]}, geometry=[shapely.box(5, 5, 5.1, 5.1)], crs=4326), system="zones")
COUNT = pd.Series([1, 2], index=A.cells.index, name="count")


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((COUNT, A, B), {"by": "are"}, "'area'"),
        ((COUNT, A, B), {"by": "points"}, "points="),
        ((COUNT, A, B), {"by": "population"}, "needs people"),
        ((COUNT, A, FAR), {}, "do not overlap"),
        ((COUNT, B, A), {}, "no cell of the source"),
        ((COUNT.tolist(), A, B), {}, "list"),
        ((COUNT, "squares", B), {}, "source_grid"),
        ((COUNT, A, B), {"how": {"cuont": "sum"}}, "'count'"),
        ((COUNT, A, B), {"how": {"count": "total"}}, "sum, mean or largest"),
        ((pd.concat([COUNT, COUNT]), A, B), {}, "more than one"),
    ],
)
def test_wrong_use_ends_in_one_clear_line(arguments, options, words):
    with pytest.raises(GridmapError) as caught:
        crosswalk(*arguments, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@cache
def four_zonings(seed: int):
    """A town with its houses, and four ways of dividing it, one of them drawn from the houses."""
    rng = np.random.default_rng(seed)
    sample = town(random_state=seed)
    houses = gpd.GeoDataFrame(
        {"households": rng.integers(1, 9, 400)},
        geometry=sample.boundaries.sample_points(400 // len(sample.boundaries) + 1, rng=rng).explode().to_numpy()[:400],
        crs=4326,
    )
    ways = [
        make_grid(sample.boundaries, system="balanced", atoms=houses, target=10, tolerance=0.3),
        make_grid(sample.boundaries, system="h3", resolution=8),
        make_grid(sample.boundaries, system="square", cell_size_m=700),
        make_grid(sample.boundaries, system="zones"),
    ]
    return sample, houses, ways


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2), st.integers(0, 2**32 - 1), st.sampled_from(["area", "population", "points"]))
def test_management_grids_hexagons_and_communities_exchange_without_loss(which, seed, by):
    """Along any way through four zonings and back, by each weighting, not one incident is lost."""
    sample, houses, ways = four_zonings(which)
    rng = np.random.default_rng(seed)
    given = {"population": houses} if by == "population" else {"points": sample.incidents} if by == "points" else {}
    values = pd.Series(rng.integers(0, 300, len(ways[0])), index=ways[0].cells.index, name="count")
    carried, at = values, ways[0]
    for k in [*rng.permutation([1, 2, 3]), 0]:
        carried, at = crosswalk(carried, at, ways[k], by=by, **given), ways[k]
        assert carried.sum() + carried.attrs["outside"] == values.sum()
        assert carried.attrs["outside"] == 0
        assert (carried >= 0).all()
    assert carried.index.equals(values.index)
