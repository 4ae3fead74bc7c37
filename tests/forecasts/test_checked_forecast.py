"""A forecast is offered where it beats counting, and refused where counting is as good."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.read.incident_table import Incidents


@pytest.fixture(scope="module")
def grid():
    import geopandas as gpd
    import shapely

    side = shapely.segmentize(shapely.box(500_000, 4_000_000, 505_000, 4_005_000), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[side], crs=32650).to_crs(4326)
    return gm.make_grid(zone, system="square", cell_size_m=250)


def incidents(grid, rate_by_week, seed=0) -> Incidents:
    """Points by cell and week, at random within the week; `rate_by_week(week, rng)` gives the expected counts."""
    rng = np.random.default_rng(seed)
    lon, lat = grid.centroids.T
    rows, days = [], []
    for week in range(70):
        row = np.repeat(np.arange(len(grid)), rng.poisson(rate_by_week(week, rng)))
        rows.append(row)
        days.append(week * 7 + 7 * rng.random(len(row)))
    row, day = np.concatenate(rows), np.concatenate(days)
    when = pa.array((pd.Timestamp("2023-01-02") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"))
    return Incidents(pa.table({"lon": lon[row], "lat": lat[row], "occurred_from": when, "occurred_to": when}))


@pytest.mark.slow
def test_without_dynamics_the_mean_count_is_offered_as_what_it_is(grid):
    """A background that is uneven and does not change: nothing is known but how often things happen where."""
    rate = np.random.default_rng(1).gamma(0.5, 0.3, len(grid))
    offered = []
    for seed in range(8):
        found = gm.forecast(
            incidents(grid, lambda week, rng: rate, seed), grid, model="density_mixture", area_share=0.05
        )
        offered.append(found.offered)
        assert found.model == ("density_mixture" if found.offered else "mean_count")
    assert sum(offered) <= 1


def test_places_that_move_make_a_forecast_worth_offering(grid):
    """Four places flare up for six weeks each, one after another: what is recent tells more than what was always so."""

    def moving(week, rng):
        rate = np.full(len(grid), 0.02)
        for k in range(4):
            rate[(int(week // 6) * 97 + k * 131) % len(grid)] = 6.0
        return rate

    found = gm.forecast(incidents(grid, moving), grid, model="density_mixture", area_share=0.02)
    assert found.offered is True
    assert found.verdict.code == "fact.forecast_offered"
    table = found.backtest.summary()
    assert table.loc["density_mixture", "difference_low"] > 0
    assert found.verdict.values["low"] == table.loc["density_mixture", "difference_low"]
    chosen = found.cells[found.cells["chosen"]]
    assert chosen["area_m2"].sum() <= 0.02 * found.cells["area_m2"].sum() * (1 + 1e-9)
    lately = [note.code for why in chosen["reasons"] for note in why]
    assert "forecasts.reason_lately" in lately


def test_too_short_a_past_is_said_and_nothing_is_offered(grid):
    short = incidents(grid, lambda week, rng: np.full(len(grid), 0.05 if week < 12 else 0.0))
    found = gm.forecast(short, grid, until="2023-03-27", model="density_mixture")
    assert not found.offered
    assert found.backtest is None
    assert found.verdict.code == "fact.forecast_untested"
    assert "历史太短" in found.verdict.say("zh")


def test_a_forecast_is_scored_when_its_period_is_known(grid):
    rate = np.random.default_rng(2).gamma(0.5, 0.3, len(grid))
    points = incidents(grid, lambda week, rng: rate)
    earlier = gm.forecast(points, grid, until="2024-04-01", horizon="28D", model="mean_count", area_share=0.05)
    score = gm.score_forecast(earlier, points)
    assert score["expected"] == pytest.approx(score["incidents"], rel=0.15)
    assert score["inside"] > 0.85
    area = earlier.cells["area_m2"]
    share = area[earlier.cells["chosen"]].sum() / area.sum()
    assert score["pai"] == pytest.approx(score["hit_rate"] / share)


def test_few_periods_are_refused(grid):
    with pytest.raises(SettingError, match="at least 16"):
        gm.forecast(incidents(grid, lambda week, rng: np.full(len(grid), 0.05)), grid, periods=5)


def test_shifts_follow_the_hours_of_the_week_and_sum_to_the_forecast(grid):
    """Half of the incidents on Friday evenings, the others at any time; half of them known to within three hours."""
    rng = np.random.default_rng(3)
    n = 4_000
    week, friday = rng.integers(0, 60, n), rng.random(n) < 0.5
    hour = np.where(friday, 4 * 24 + rng.uniform(20, 24, n), rng.uniform(0, 7 * 24, n))
    begin = pd.Timestamp("2023-01-02") + pd.to_timedelta(week * 168 + hour, unit="h")
    end = begin + pd.to_timedelta(np.where(rng.random(n) < 0.5, 3.0, 0.0), unit="h")
    lon, lat = grid.centroids[rng.integers(0, len(grid), n)].T
    times = {
        "occurred_from": pa.array(begin.astype("datetime64[us]")),
        "occurred_to": pa.array(end.astype("datetime64[us]")),
    }
    found = gm.forecast(Incidents(pa.table({"lon": lon, "lat": lat, **times})), grid, model="mean_count")
    shifts = found.by_shift(4)
    assert shifts.shape == (len(grid), 42)
    np.testing.assert_allclose(shifts.sum(axis=1), found.cells["expected"])
    total = shifts.sum()
    assert total.idxmax().weekday() == 4
    assert total.idxmax().hour == 20
    assert 0.38 < total.max() / total.sum() < 0.5  # a quarter of the vague ones may have been later
    with pytest.raises(SettingError, match="found 5"):
        found.by_shift(5)


def test_days_without_hours_have_no_shifts(grid):
    day = pa.array(np.repeat(np.arange("2023-01-02", "2024-01-01", dtype="datetime64[D]"), 3).astype("datetime64[us]"))
    end = pa.array((np.asarray(day) + np.timedelta64(1, "D")).astype("datetime64[us]"))
    lon, lat = grid.centroids[np.arange(len(day)) % len(grid)].T
    dated = Incidents(pa.table({"lon": lon, "lat": lat, "occurred_from": day, "occurred_to": end}))
    with pytest.raises(InputError, match="hours of most incidents are not known"):
        gm.forecast(dated, grid, model="mean_count").by_shift()


def test_where_nothing_changes_no_forecast_is_tried(grid):
    """An uneven background that stays as it is: the quick question is answered first, and the ensemble is not run."""
    rate = np.random.default_rng(5).gamma(0.5, 0.3, len(grid))
    found = gm.forecast(incidents(grid, lambda week, rng: rate), grid, area_share=0.05)
    assert not found.offered
    assert found.verdict.code == "fact.forecast_nothing_changes"
    assert found.verdict.values["low"] <= 0
    assert set(found.backtest.scores["model"]) == {"mean_count", "lasting_density", "density_mixture"}
    assert "看不出" in found.verdict.say("zh")
