"""Ways in which a forecast has looked better than it was, each shut."""

import inspect

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import History, Space, moment
from gridmap.forecasts.near_repeat_model import NearRepeat
from gridmap.forecasts.risk_terrain import RiskTerrain
from gridmap.read.incident_table import Incidents


@pytest.fixture(scope="module")
def grid():
    import geopandas as gpd
    import shapely

    side = shapely.segmentize(shapely.box(500_000, 4_000_000, 503_000, 4_003_000), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[side], crs=32650).to_crs(4326)
    return gm.make_grid(zone, system="square", cell_size_m=500)


def incidents(grid, row, begin, end=None, **more) -> Incidents:
    lon, lat = grid.centroids[np.asarray(row)].T
    times = [pd.DatetimeIndex(t).as_unit("us") for t in (begin, begin if end is None else end)]
    columns = {"lon": lon, "lat": lat, "occurred_from": pa.array(times[0]), "occurred_to": pa.array(times[1]), **more}
    return Incidents(pa.table(columns))


def daily(grid, days=300, a_day=3, seed=0) -> tuple[np.ndarray, pd.DatetimeIndex]:
    rng = np.random.default_rng(seed)
    when = pd.Timestamp("2023-01-02") + pd.to_timedelta(np.sort(rng.uniform(0, days, days * a_day)), unit="D")
    return rng.integers(0, len(grid), days * a_day), pd.DatetimeIndex(when)


def test_what_ends_later_is_not_known_yet(grid):
    """Left on Friday, found on Monday: on Sunday nobody knows of it, though its middle lies before Sunday."""
    row, when = daily(grid)
    friday, monday = pd.Timestamp("2023-09-01 18:00"), pd.Timestamp("2023-09-04 08:00")
    both = incidents(grid, [*row, 7], when.append(pd.DatetimeIndex([friday])), when.append(pd.DatetimeIndex([monday])))
    known = History.of(both, grid)
    sunday, tuesday = moment("2023-09-03 12:00"), moment("2023-09-05")
    assert (
        len(known.before(tuesday)) - len(known.before(sunday))
        == ((when >= "2023-09-03 12:00") & (when < "2023-09-05")).sum() + 1
    )
    without = History.of(incidents(grid, row, when), grid)
    for half_life in (np.inf, 14.0):
        np.testing.assert_allclose(known.decayed(sunday, half_life), without.decayed(sunday, half_life))
    assert known.decayed(tuesday, 14.0)[7] > without.decayed(tuesday, 14.0)[7]


@pytest.mark.parametrize("name", ["mean_count", "density_mixture", "near_repeat", "boosted"])
def test_what_ends_later_changes_no_forecast(grid, name):
    from gridmap.forecasts.base import model_named

    row, when = daily(grid)
    late = pd.DatetimeIndex(["2023-09-01 18:00"] * 40)
    found = pd.DatetimeIndex(["2023-09-04 08:00"] * 40)
    with_late = incidents(grid, [*row, *[7] * 40], when.append(late), when.append(found))
    ask = {"until": "2023-09-03 12:00"}
    first = model_named(name)().fit(incidents(grid, row, when), grid, **ask)
    second = model_named(name)().fit(with_late, grid, **ask)
    week = ("2023-09-03 12:00", "2023-09-10")
    pd.testing.assert_series_equal(first.predict(week)["expected"], second.predict(week)["expected"])


def test_risks_and_forms_are_chosen_on_the_past_alone(grid):
    """A factor that stands where all later incidents happen says nothing of the earlier ones."""
    row, when = daily(grid)
    cut = "2023-08-01"
    later = np.asarray(when >= cut)
    factor = pd.Series(np.random.default_rng(1).normal(size=len(grid)), grid.cells.index, name="x")
    moved = np.where(later, int(factor.argmax()), row)
    fits = [RiskTerrain({"x": factor}).fit(incidents(grid, r, when), grid, until=cut) for r in (row, moved)]
    pd.testing.assert_frame_equal(fits[0].risks_, fits[1].risks_)
    week = (cut, "2023-08-08")
    pd.testing.assert_frame_equal(fits[0].predict(week), fits[1].predict(week))


def test_cells_that_never_had_an_incident_are_those_of_the_past(grid):
    """Half of the cells are empty until May: in April they are expected to be as empty as if they stayed so."""
    row, when = daily(grid)
    early = np.where(np.asarray(when < "2023-05-01"), row // 2, row)
    expected = gm.forecast(incidents(grid, early, when), grid, until="2023-05-01", model="mean_count").cells["expected"]
    assert (expected.to_numpy()[len(grid) // 2 + 1 :] == 0).all()


def test_cells_made_from_the_incidents_are_named(grid):
    row, when = daily(grid)
    ask = {"models": ["mean_count"], "start": "2023-08-07", "end": "2023-09-04", "area_share": 0.1}
    found = gm.backtest(incidents(grid, row, when), grid, **ask)
    assert [note.code for note in found.notes] == ["forecasts.cells_of_events"]
    assert gm.backtest(incidents(grid, row // 2, when), grid, **ask).notes == ()


def test_repeated_incidents_are_one_when_reading_sets_them_aside(grid, tmp_path):
    """The same number at jittered coordinates is no near repeat."""
    row, when = daily(grid, days=100)
    lon, lat = grid.centroids[row].T
    table = pd.DataFrame(
        {"incident_id": np.arange(len(row)), "date": when.strftime("%Y-%m-%d %H:%M"), "lon": lon, "lat": lat}
    )
    again = table.iloc[::3].assign(lon=lambda t: t["lon"] + 1e-4)
    pd.concat([table, again]).to_csv(tmp_path / "twice.csv", index=False)
    read = gm.read_incidents(tmp_path / "twice.csv", duplicates="remove", datum="wgs84")
    assert len(History.of(read, grid)) == len(table)


@pytest.mark.parametrize("twice", [True, False])
def test_an_event_entered_twice_under_another_number_is_no_near_repeat(grid, twice):
    """A fifth of an even town recorded again, some 50 m off: it is stated, and nothing is expected to be repeated."""
    rng = np.random.default_rng(8)
    row, minute = rng.integers(0, len(grid), 1_500), np.sort(rng.integers(0, 300 * 1440, 1_500))
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(minute, unit="min")
    lon, lat = grid.centroids[row].T
    if twice:
        again = np.arange(0, len(row), 5)
        lon, lat = np.r_[lon, lon[again] + 5e-4], np.r_[lat, lat[again] - 2e-4]
        when = when.append(when[again])
    times = pa.array(when.astype("datetime64[us]"))
    known = Incidents(pa.table({"lon": lon, "lat": lat, "occurred_from": times, "occurred_to": times}))
    given = {"models": ["near_repeat"], "start": "2024-09-02", "end": "2024-09-16", "area_share": 0.1}
    notes = [note for note in gm.backtest(known, grid, **given).notes if note.code == "fact.forecast_doubled"]
    assert [note.values["n"] for note in notes] == ([300] if twice else [])
    added = NearRepeat().fit(known, grid).added_
    assert added.sum() < 0.1  # taken for repeats, the first ring alone would have 0.2


def test_the_gate_tests_one_model_that_was_named_before(grid):
    row, when = daily(grid)
    with pytest.raises(SettingError, match="best of several"):
        gm.forecast(incidents(grid, row, when), grid, model=["boosted", "density"])


def test_months_refuse_weekly_models(grid):
    month = pd.date_range("2022-01-01", periods=18, freq="MS")
    dated = incidents(grid, np.arange(18), month, month + pd.offsets.MonthBegin(1))
    with pytest.raises(InputError, match="cannot be forecast"):
        gm.backtest(dated, grid, models=["mean_count"], start="2023-01-01", end="2023-06-01", area_share=0.1)


def test_what_patrols_found_sends_no_patrol(grid):
    row, when = daily(grid)
    found = np.zeros(len(row), bool)
    found[::4] = True
    with_found = incidents(grid, np.where(found, 3, row), when, officer_initiated=pa.array(found))
    without = incidents(grid, row[~found], when[~found])
    ask = {"until": "2023-09-01", "model": "mean_count"}
    maps = [gm.forecast(given, grid, **ask).cells["expected"] for given in (with_found, without)]
    pd.testing.assert_series_equal(*maps)


def test_no_score_rewards_saying_nothing_happens(grid):
    """Accuracy, F1 and mean absolute error are best where 0 is said of every cell: they are not to be had."""
    from gridmap.forecasts import scores

    row, when = daily(grid)
    found = gm.backtest(
        incidents(grid, row, when), grid, models=["mean_count"], start="2023-08-07", end="2023-09-04", area_share=0.1
    )
    columns = {*found.scores, *found.summary(), *found.intervals().index.get_level_values("score"), *scores.__all__}
    assert not [c for c in columns if any(bad in c.lower() for bad in ("accuracy", "f1", "mae", "mean_absolute"))]
    zero, right = np.zeros(100), np.full(100, 0.02)
    seen = np.zeros(100)
    seen[:2] = 1
    assert scores.log_score(zero, seen, floor=1e-4).mean() > scores.log_score(right, seen).mean()


def test_the_names_that_are_called():
    given = inspect.signature(gm.backtest).parameters
    assert list(given)[:2] == ["incidents", "boundaries_or_grid"]
    wanted = {"models", "start", "end", "horizon", "area_share", "area_m2", "cell_area_m2", "random_state"}
    assert wanted <= {n for n, p in given.items() if p.kind is p.KEYWORD_ONLY}
    assert given["models"].default == (
        "mean_count",
        "prospective",
        "self_exciting",
        "boosted",
        "risk_terrain",
        "ensemble",
    )
    assert given["horizon"].default == "7D"


def test_the_default_models_all_have_scores(grid):
    row, when = daily(grid)
    found = gm.backtest(incidents(grid, row, when), Space(grid), start="2023-09-04", end="2023-09-18", area_share=0.1)
    columns = {"model", "origin", "hits", "incidents", "area_share", "hit_rate", "pai", "pei", "log_score"}
    assert columns <= set(found.scores)
    assert len(found.scores) == 6 * 2
    assert {"pai", "pai_low", "pai_high", "difference", "difference_low", "difference_high"} <= set(found.summary())


def test_a_long_time_without_incidents_is_stated(grid):
    """Missing months and a wrong century look like calm; ten quiet days do not."""
    rng = np.random.default_rng(5)
    day = np.sort(rng.uniform(0, 300, 600))
    row = rng.integers(0, len(grid), 600)

    def gap(kept, *more):
        days = np.r_[day[kept], more]
        when = pd.Timestamp("2023-01-02") + pd.to_timedelta(days, unit="D")
        return History.of(incidents(grid, np.r_[row[kept], [0] * len(more)].astype(int), when), grid).longest_gap()

    assert gap(day >= 0) is None
    assert gap((day < 100) | (day > 110)) is None
    missing = gap((day < 100) | (day > 150))
    assert (missing.code, missing.values["begin"][:7], missing.values["end"][:7]) == (
        "fact.forecast_gap",
        "2023-04",
        "2023-06",
    )
    assert missing.values["days"] == pytest.approx(50, abs=2)
    assert gap(day >= 0, 27_000.0).values["end"] == "2096-12-04"
    assert gap(day >= 0, -44_000.0).values["begin"] == "1902-07-16"


def test_a_period_that_is_not_over_is_not_scored(grid):
    rng = np.random.default_rng(6)
    row, day = rng.integers(0, len(grid), 300), np.sort(rng.uniform(0, 200, 300))
    known = incidents(grid, row, pd.Timestamp("2023-01-02") + pd.to_timedelta(day, unit="D"))
    made = gm.forecast(known, grid, until="2023-07-17", model="recent_count", area_share=0.1)
    with pytest.raises(InputError, match="ends on 2023-07-24, and these incidents are known until 2023-07-21"):
        gm.score_forecast(made, known)
    assert gm.score_forecast(made, known, until="2023-07-24")["incidents"] > 0
    with pytest.raises(SettingError, match="confidence"):
        gm.forecast(known, grid, confidence=1.0)
    late = gm.forecast(known, grid, until="2030-01-07", model="recent_count", area_share=0.1)
    assert (late.offered, late.verdict.code) == (False, "fact.forecast_untested")
    assert [note.code for note in late.notes] == ["fact.forecast_gap"]
    nothing = gm.backtest(known, grid, models="recent_count", start="2029-01-01", end="2029-02-05", area_share=0.1)
    with pytest.raises(InputError, match="No incident lies between 2029-01-01 and 2029-02-05"):
        nothing.summary()


def test_why_a_model_could_not_forecast_is_one_line(grid):
    row, when = daily(grid, days=200)
    ask = {"models": ["mean_count", "last_year"], "start": "2023-05-01", "end": "2023-06-05", "area_share": 0.1}
    found = gm.backtest(incidents(grid, row, when), grid, **ask)
    (note,) = (n for n in found.notes if n.code == "forecasts.refused_in")
    assert str(note).startswith("In 5 of 5 periods: last_year has nothing to learn from: 119 days are known")
    assert found.summary().index.tolist() == ["mean_count"]
    assert found.params["start"] == "2023-05-01"
