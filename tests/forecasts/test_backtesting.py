"""A back-test gives each model the past only, and the same ground."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import Forecaster
from gridmap.messages import Note


@pytest.fixture(scope="module")
def town():
    sample = gm.samples.town(random_state=0, incidents=4_000)
    return sample, gm.make_grid(sample.boundaries, system="square", cell_size_m=250)


class Watching(Forecaster):
    """Notes what it was shown."""

    name = "watching"

    def __init__(self):
        self.log = []

    def rate(self, history, horizon_days, begin=None):
        self.log.append((history.time.max(), begin))
        return history.counts() / history.days

    def _learn(self, history, horizon_days): ...

    def _rate(self, begin, end): ...


def test_models_are_shown_what_lies_before_each_origin_only(town):
    sample, grid = town
    watching = Watching()
    found = gm.backtest(
        sample.incidents, grid, models=[watching], start="2024-09-02", end="2024-10-28", area_share=0.05
    )
    assert len(watching.log) == 8
    assert all(latest < origin for latest, origin in watching.log)
    late = Watching()
    gm.backtest(
        sample.incidents, grid, models=[late], start="2024-09-02", end="2024-10-28", delay="5D", area_share=0.05
    )
    assert all(latest < origin - 5 for latest, origin in late.log)
    assert set(found.scores["model"]) == {"mean_count", "watching"}


def test_a_model_that_is_the_mean_count_does_not_differ_from_it(town):
    sample, grid = town
    found = gm.backtest(
        sample.incidents, grid, models=[Watching()], start="2024-09-02", end="2024-10-28", area_share=0.05
    )
    row = found.summary().loc["watching"]
    assert row["difference"] == row["difference_low"] == row["difference_high"] == 0
    assert not row["better"]


def test_hits_are_those_that_fell_into_the_best_cells(town):
    sample, grid = town
    found = gm.backtest(
        sample.incidents, grid, models=["mean_count"], start="2024-09-02", end="2024-09-09", area_share=0.05
    )
    score = found.scores.iloc[0]
    assert score["incidents"] > 0
    assert score["area_share"] <= 0.05 + 1e-9
    assert score["pai"] == pytest.approx(score["hits"] / score["incidents"] / score["area_share"])
    assert score["least_hits"] <= score["hits"] <= score["most_hits"] <= score["best_hits"]


def test_boundaries_get_squares_of_the_smallest_size_allowed(town):
    sample, _ = town
    found = gm.backtest(
        sample.incidents,
        sample.boundaries,
        models=["mean_count"],
        start="2024-10-01",
        end="2024-10-15",
        cell_area_m2=(40_000, 90_000),
        area_m2=(100_000, 400_000),
    )
    assert found.grid.params["cell_size_m"] == pytest.approx(200)
    assert (found.scores["cells"] == 10).all()


def test_it_says_what_it_cannot_do(town):
    sample, grid = town
    with pytest.raises(InputError, match="Begin later"):
        gm.backtest(sample.incidents, grid, start="2020-01-01", end="2020-03-01")
    with pytest.raises(SettingError, match="holds no cell"):
        gm.backtest(sample.incidents, grid, start="2024-10-01", end="2024-11-01", area_m2=10)
    with pytest.raises(SettingError, match="not both"):
        gm.backtest(sample.incidents, grid, start="2024-10-01", end="2024-11-01", area_m2=1e6, area_share=0.01)
    with pytest.raises(SettingError, match="No period"):
        gm.backtest(sample.incidents, grid, start="2024-10-01", end="2024-10-03")


def test_the_same_data_give_the_same_scores(town):
    sample, grid = town
    given = {"models": ["density_mixture"], "start": "2024-10-01", "end": "2024-10-22", "area_share": 0.05}
    first, second = (gm.backtest(sample.incidents, grid, **given).scores for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert np.isfinite(first["log_score"]).all()


def test_exposure_is_how_often_a_neighbourhood_is_chosen_beside_its_shares():
    """Three zones of a square kilometre; all incidents and all residents are known by hand."""
    import geopandas as gpd
    import shapely

    boxes = [shapely.box(x, 4_000_000, x + 1_000, 4_001_000) for x in (500_000, 501_000, 502_000)]
    zones = gpd.GeoDataFrame({"zone_id": list("abc"), "persons": [300, 100, 0]}, geometry=boxes, crs=32650)
    grid = gm.make_grid(gm.read_boundaries(zones.to_crs(4326)), system="zones")
    lon, lat = grid.centroids.T
    rows = [(0, day) for day in range(0, 56)] + [(1, day) for day in range(0, 56, 4)]
    times = pd.Timestamp("2024-01-01") + pd.to_timedelta([day for _, day in rows], unit="D")
    at = [where for where, _ in rows]
    frame = pd.DataFrame({"lon": lon[at], "lat": lat[at], "time": times, "category": "x"})
    incidents = gm.read_incidents(frame, datum="wgs84")
    given = {"models": ["mean_count"], "start": "2024-01-29", "end": "2024-02-26"}
    table = gm.backtest(incidents, grid, area_share=0.4, **given).exposure("mean_count")
    assert table.index.tolist() == ["a", "b", "c"]
    assert table["chosen"].tolist() == table["periods"].tolist() == table["of_chosen"].tolist() == [1, 0, 0]
    np.testing.assert_allclose(table["of_incidents"], [28 / 35, 7 / 35, 0])
    np.testing.assert_allclose(table["of_residents"], [0.75, 0.25, 0])
    np.testing.assert_allclose(table["of_area"], 1 / 3, rtol=1e-3)
    two = gm.backtest(incidents, grid, area_share=0.7, **given)
    np.testing.assert_allclose(two.exposure("mean_count")["of_chosen"], [0.5, 0.5, 0], rtol=1e-3)
    with pytest.raises(SettingError, match="was not tested"):
        two.exposure("ensemble")


def test_every_score_has_an_interval_and_every_model_a_curve(town):
    sample, grid = town
    given = {"models": ["lasting_density"], "start": "2024-09-02", "end": "2024-10-28", "area_share": 0.05}
    found = gm.backtest(sample.incidents, grid, **given)
    table = found.intervals()
    assert set(table.loc["lasting_density"].index) >= {"hit_rate", "pai", "pei", "rri", "crps", "brier", "log_score"}
    assert (table["low"] <= table["mean"]).all()
    assert (table["mean"] <= table["high"]).all()
    curve = found.curves["lasting_density"]
    assert curve.is_monotonic_increasing
    assert (curve.iloc[0], curve.iloc[-1]) == (0, 1)
    np.testing.assert_allclose(found.calibration.sum(), 1)
    mean, low, high = found.difference("lasting_density", score="brier")
    by_hand = found.scores.pivot_table(index="origin", columns="model", values="brier")
    assert mean == pytest.approx((by_hand["lasting_density"] - by_hand["mean_count"]).mean())
    assert low <= mean <= high


class Counting(Forecaster):
    """The mean count, and how often it was wanted."""

    name = "counting"
    made: ClassVar[list[float]] = []

    def rate(self, history, horizon_days, begin=None):
        self.made.append(begin)
        return history.counts() / history.days

    def _learn(self, history, horizon_days): ...

    def _rate(self, begin, end): ...


def test_a_back_test_that_was_killed_goes_on_and_ends_with_the_same_bytes(town, tmp_path):
    sample, grid = town
    Counting.made.clear()
    given = {"models": [Counting(), "recent_count"], "start": "2024-09-02", "end": "2024-10-14", "area_share": 0.05}
    whole = gm.backtest(sample.incidents, grid, **given)
    assert len(Counting.made) == 6

    def killed(done, of):
        if done == 3:
            raise KeyboardInterrupt

    journal = tmp_path / "kept" / "periods.jsonl"
    with pytest.raises(KeyboardInterrupt):
        gm.backtest(sample.incidents, grid, resume=journal, progress=killed, **given)
    with journal.open("r+b") as file:  # and in the middle of a line
        file.truncate(journal.stat().st_size - 40)
    Counting.made.clear()
    again = gm.backtest(sample.incidents, grid, resume=journal, **given)
    assert len(Counting.made) == 4  # two lines were whole
    for table in ("scores", "curves", "calibration"):
        assert getattr(again, table).to_csv() == getattr(whole, table).to_csv()
        pd.testing.assert_frame_equal(getattr(again, table), getattr(whole, table), check_exact=True)
    pd.testing.assert_frame_equal(pd.DataFrame(again.chosen), pd.DataFrame(whole.chosen))
    Counting.made.clear()
    other = gm.backtest(sample.incidents, grid, resume=journal, **(given | {"area_share": 0.1}))
    assert len(Counting.made) == 6  # of another share: nothing of it is taken
    assert (other.scores["area_share"] > 0.05).all()
    with pytest.raises(InputError, match="cannot be read"):
        gm.backtest(sample.incidents, grid, resume=tmp_path, **given)


def test_several_periods_at_once_give_the_numbers_of_one_after_the_other(town):
    sample, grid = town
    given = {"models": ["density_mixture", "near_repeat"], "start": "2024-10-07", "end": "2024-11-04"}
    one, three = (gm.backtest(sample.incidents, grid, area_share=0.05, workers=n, **given) for n in (1, 3))
    pd.testing.assert_frame_equal(one.scores, three.scores, check_exact=True)
    pd.testing.assert_frame_equal(one.curves, three.curves, check_exact=True)
    with pytest.raises(SettingError, match="found 0"):
        gm.backtest(sample.incidents, grid, workers=0, **given)


class Late(Watching):
    """Needs ten months."""

    name = "late"

    def rate(self, history, horizon_days, begin=None):
        if history.days < 300:
            raise InputError(Note("forecasts.nothing_before", model=self.name, days=history.days))
        return history.counts() / history.days


def test_models_over_different_periods_are_named_and_can_be_compared_over_the_same(town):
    sample, grid = town
    found = gm.backtest(sample.incidents, grid, models=[Late()], start="2024-09-02", end="2024-12-23", area_share=0.05)
    own, same = found.summary(), found.same_periods().summary()
    assert own.loc["late", "periods"] < own.loc["mean_count", "periods"] == 16
    assert same.loc["mean_count", "periods"] == same.loc["late", "periods"] == own.loc["late", "periods"]
    assert same.loc["mean_count", "pai"] == same.loc["late", "pai"] != own.loc["mean_count", "pai"]
    (note,) = [n for n in found.notes if n.code == "forecasts.periods_differ"]
    assert note.values["models"] == [f"late ({own.loc['late', 'periods']})"]
    again = found.same_periods()
    assert again.same_periods() is again


def test_the_table_of_scores_has_the_headings_of_the_language(town, monkeypatch):
    from gridmap.cli import forecasts

    sample, grid = town
    found = gm.backtest(
        sample.incidents, grid, models=["recent_count"], start="2024-09-02", end="2024-10-28", area_share=0.05
    )
    monkeypatch.setattr(forecasts, "language", lambda: "zh")
    head = forecasts._table_of(found.summary()).splitlines()[0]
    assert head.split()[:4] == ["时段", "命中", "案事件", "命中率"]


class Elsewhere(Watching):
    """Chooses cells in which nothing happens."""

    name = "elsewhere"

    def rate(self, history, horizon_days, begin=None):
        return 1.0 / (1.0 + history.counts()) ** 4 + 1e-9 * np.arange(len(history.space))


def test_no_hit_at_all_is_not_known_to_be_none(town):
    sample, grid = town
    given = {"models": [Elsewhere()], "start": "2024-09-02", "area_share": 0.01}
    found = gm.backtest(sample.incidents, grid, end="2024-10-28", **given)
    row, other = found.summary().loc["elsewhere"], found.intervals().loc[("elsewhere", "hit_rate")]
    assert row["hits"] < 3
    assert row["pai_low"] <= row["pai"] < row["pai_high"]
    assert other["high"] > 3 / row["incidents"]  # the rule of three, and more for a hit
    once = gm.backtest(sample.incidents, grid, end="2024-09-09", **given).summary()
    assert once.loc["elsewhere", "pai_high"] > 0  # one period has an interval too
