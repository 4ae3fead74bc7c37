"""What every model keeps to, and what each is for: planted truths, and nothing of the future."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import MODELS, History, Space, model_named, moment
from gridmap.forecasts.boosted import Boosted
from gridmap.forecasts.near_repeat_model import NearRepeat
from gridmap.forecasts.risk_terrain import RiskTerrain, risk_factors
from gridmap.forecasts.self_exciting import SelfExciting
from gridmap.read.calendar_days import calendar_features
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import unproject

UNTIL = moment("2024-07-01")


@pytest.fixture(scope="module")
def grid():
    import geopandas as gpd
    import shapely

    side = shapely.segmentize(shapely.box(500_000, 4_000_000, 505_000, 4_005_000), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[side], crs=32650).to_crs(4326)
    return gm.make_grid(zone, system="square", cell_size_m=250)


def history(grid, n=3000, seed=0, days=730.0, end="2025-01-01") -> History:
    """Two years over a lumpy town: a fifth of the cells has four fifths of the incidents."""
    rng = np.random.default_rng(seed)
    space = Space(grid)
    weight = rng.gamma(0.3, 1, len(space))
    row = np.sort(rng.choice(len(space), n, p=weight / weight.sum())).astype(np.int32)[rng.permutation(n)]
    last = moment(end)
    time = np.sort(last - days * rng.random(n))
    return History(space, row, time, space.centre_m[row] + rng.uniform(-100, 100, (n, 2)), last - days, last)


NAMES = [name for name in MODELS if name != "risk_terrain"]


@pytest.fixture(scope="module")
def expected_of(grid):
    """Name of a model, days → what it expects of them after UNTIL, learned once from the whole history."""

    @cache
    def of(name: str, days: int) -> pd.DataFrame:
        return fitted(name).predict((UNTIL, UNTIL + days))

    @cache
    def fitted(name: str):
        return model_named(name)().fit(history(grid), until=UNTIL)

    return lambda name, days=7: of(name, days).copy()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["deleted", "shifted", "scrambled", "multiplied"])
def test_no_model_sees_what_comes_after(grid, expected_of, name, change):
    """The future is deleted, moved elsewhere, put in another order, and had ten times over; nothing changes."""
    whole = history(grid)
    rng = np.random.default_rng(9)
    cut = np.searchsorted(whole.time, UNTIL)
    row, time, xy = whole.row.copy(), whole.time.copy(), whole.xy_m.copy()
    if change == "deleted":
        row, time, xy = row[:cut], time[:cut], xy[:cut]
    elif change == "shifted":
        row[cut:] = (row[cut:] + 37) % len(whole.space)
        xy[cut:] = whole.space.centre_m[row[cut:]]
    elif change == "scrambled":
        order = rng.permutation(len(time) - cut)
        row[cut:], xy[cut:] = row[cut:][order], xy[cut:][order]
    else:
        row, time = np.r_[row, np.repeat(row[cut:], 9)], np.r_[time, np.repeat(time[cut:], 9)]
        xy = np.vstack([xy, np.repeat(xy[cut:], 9, axis=0)])
        order = np.argsort(time, kind="stable")
        row, time, xy = row[order], time[order], xy[order]
    other = History(whole.space, row, time, xy, whole.since, whole.until)
    week = (UNTIL, UNTIL + 7)
    second = model_named(name)().fit(other, until=UNTIL).predict(week)
    pd.testing.assert_frame_equal(expected_of(name), second)


@pytest.mark.parametrize("name", NAMES)
def test_reporting_delay_hides_the_last_days_too(grid, name):
    whole = history(grid)
    late = np.searchsorted(whole.time, UNTIL - 10)
    other = whole.between(whole.since, UNTIL - 10)
    assert len(other) == late
    week = (UNTIL, UNTIL + 7)
    first = model_named(name)().fit(whole, until=UNTIL, delay="10D").predict(week)
    second = model_named(name)().fit(other, until=UNTIL - 10).predict(week)
    assert first["expected"].to_numpy() == pytest.approx(second["expected"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_adds_up_to_about_what_there_is(grid, expected_of, name):
    whole = history(grid)
    expected = expected_of(name, 28)
    seen = whole.counts(UNTIL, UNTIL + 28).sum()
    assert expected.index.equals(grid.cells.index)
    assert expected["expected"].sum() == pytest.approx(seen, rel=0.35)
    assert (expected["low"] <= expected["expected"]).all()
    assert (expected["expected"] <= expected["high"] + 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_model_places_incidents_better_than_chance(grid, expected_of, name):
    whole = history(grid)
    expected = expected_of(name, 28)["expected"]
    top = expected.nlargest(40).index
    share = (
        whole.counts(UNTIL, UNTIL + 28)[expected.index.get_indexer(top)].sum() / whole.counts(UNTIL, UNTIL + 28).sum()
    )
    assert share > 2 * 40 / len(grid)


def test_prediction_intervals_hold_what_they_promise(grid):
    """Counts that vary more than Poisson: over cells with something to expect, 90 % intervals hold at least 85 %."""
    rng = np.random.default_rng(4)
    space = Space(grid)
    rate = rng.gamma(2, 0.4, len(space))
    rows, times = [], []
    for week in range(80):
        row = np.repeat(np.arange(len(space)), rng.poisson(rate * rng.gamma(2, 0.5, len(space))))
        rows.append(row)
        times.append(np.sort(week * 7 + 7 * rng.random(len(row))))
    row, time = np.concatenate(rows).astype(np.int32), np.concatenate(times) + moment("2023-01-02")
    whole = History(space, row, time, space.centre_m[row], moment("2023-01-02"), moment("2023-01-02") + 560)
    at = whole.until - 7
    found = model_named("mean_count")().fit(whole, until=at).predict((at, at + 7))
    seen = whole.counts(at, at + 7)
    inside = (seen >= found["low"].to_numpy()) & (seen <= found["high"].to_numpy())
    assert inside.mean() > 0.85


def test_officer_initiated_incidents_are_left_out(grid):
    lon, lat = grid.centroids[[3, 7, 7]].T
    day = pa.array(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]).astype("datetime64[us]"))
    table = pa.table(
        {"lon": lon, "lat": lat, "occurred_from": day, "occurred_to": day, "patrol_found": [False, True, None]}
    )
    points = Incidents(table)
    assert History.of(points, grid).counts()[[3, 7]].tolist() == [1, 1]
    assert History.of(points, grid, officer_initiated=None).counts()[[3, 7]].tolist() == [1, 2]
    assert History.of(points, grid, officer_initiated=True).counts()[[3, 7]].tolist() == [0, 1]


def test_months_cannot_be_forecast_by_the_week(grid):
    lon, lat = grid.centroids[[3, 7]].T
    begin = pa.array(pd.to_datetime(["2024-01-01", "2024-02-01"]).astype("datetime64[us]"))
    end = pa.array(pd.to_datetime(["2024-02-01", "2024-03-01"]).astype("datetime64[us]"))
    vague = Incidents(pa.table({"lon": lon, "lat": lat, "occurred_from": begin, "occurred_to": end}))
    with pytest.raises(InputError, match="no better than 30 days"):
        model_named("mean_count")().fit(vague, grid, horizon="7D")
    assert model_named("mean_count")().fit(vague, grid, horizon="31D").predict(("2024-04-01", "2024-05-01")).shape[0]


def test_clear_errors(grid):
    with pytest.raises(SettingError, match="Did you mean 'boosted'"):
        model_named("bosted")
    with pytest.raises(InputError, match="not learnt anything"):
        model_named("mean_count")().predict("2024-07")
    model = model_named("mean_count")().fit(history(grid), until=UNTIL)
    with pytest.raises(InputError, match="begins before"):
        model.predict(("2024-06-01", "2024-06-08"))
    with pytest.raises(SettingError, match="date or a period"):
        model.predict("soon")


def planted_triggers(grid, theta, seed, lumpy=True, days=365.0, per_day=6.0) -> History:
    """A branching process over the town: a background, lumpy or even, and offspring with 8 days and 60 m."""
    rng = np.random.default_rng(seed)
    space = Space(grid)
    weight = rng.gamma(0.3, 1, len(space)) if lumpy else np.ones(len(space))
    n = rng.poisson(per_day * (days + 60))
    row = rng.choice(len(space), n, p=weight / weight.sum())
    xy, time = space.centre_m[row] + rng.uniform(-125, 125, (n, 2)), -60 + (days + 60) * rng.random(n)
    parents = (xy, time)
    everything = [parents]
    while len(parents[1]) and theta:
        brought = rng.poisson(theta, len(parents[1]))
        xy = np.repeat(parents[0], brought, axis=0) + rng.normal(0, 60, (brought.sum(), 2))
        time = np.repeat(parents[1], brought) + rng.exponential(8, brought.sum())
        parents = (xy, time)
        everything.append(parents)
    xy, time = np.vstack([e[0] for e in everything]), np.concatenate([e[1] for e in everything])
    lon, lat = unproject(*xy.T, grid.metric_crs)
    row = grid.locate(lon, lat)
    kept = (row >= 0) & (time >= 0) & (time < days)
    order = np.argsort(time[kept])
    return History(space, row[kept][order].astype(np.int32), time[kept][order], xy[kept][order], 0.0, days)


def test_planted_triggers_come_back_over_a_lumpy_background(grid):
    found = [SelfExciting(draws=0).fit(planted_triggers(grid, 0.3, seed)).triggers_ for seed in range(4)]
    assert np.mean([t.theta for t in found]) == pytest.approx(0.3, abs=0.06)
    assert np.mean([1 / t.omega for t in found]) == pytest.approx(8, rel=0.2)
    assert np.mean([t.sigma_m for t in found]) == pytest.approx(60, rel=0.1)


@pytest.mark.slow
def test_the_corrected_branching_ratio_is_the_planted_one_within_a_twentieth(grid):
    """benchmarks/self_exciting.py has the 50 runs; here the mean of six, and that most intervals hold the truth."""
    found = [SelfExciting().fit(planted_triggers(grid, 0.3, seed)) for seed in range(6)]
    assert np.mean([m.triggers_.theta for m in found]) == pytest.approx(0.3, abs=0.03)
    assert sum(m.theta_interval_[0] <= 0.3 <= m.theta_interval_[1] for m in found) >= 4


def test_residuals_of_the_right_model_are_even_in_place_and_time(grid):
    """Super-thinned: counts by quarter of the ground and of the time vary as a Poisson process's do."""
    known = planted_triggers(grid, 0.0, 3, lumpy=False)
    model = SelfExciting(draws=0).fit(known)
    left = model.residuals(random_state=1)
    low, high = known.space.centre_m.min(axis=0), known.space.centre_m.max(axis=0)
    at = np.clip(((left[["x_m", "y_m"]].to_numpy() - low) / (high - low) * 4).astype(int), 0, 3)
    when = np.clip(((left["day"] - known.since) / known.days * 4).astype(int), 0, 3)
    counts = np.bincount((at[:, 0] * 4 + at[:, 1]) * 4 + when, minlength=64)
    inner = counts.reshape(4, 4, 4)[1:3, 1:3].ravel()  # quarters are cut at centres of cells: the outer ones are larger
    assert 0.4 < inner.var(ddof=1) / inner.mean() < 2.2
    assert left["added"].any()
    assert not left["added"].all()
    assert left["day"].is_monotonic_increasing
    with pytest.raises(InputError, match="fit"):
        SelfExciting().residuals()


def test_the_test_of_residuals_sees_what_a_model_leaves_out(grid):
    """Triggers and background leave nothing of the clusters; a background alone leaves pairs that are too many."""
    rejected = 0
    for seed in range(6):
        model = SelfExciting(draws=0).fit(planted_triggers(grid, 0.3, seed))
        whole = model.residual_test(draws=99)
        rejected += min(whole["p_pairs"], whole["p_even"]) < 0.025  # two tests, at 0.05 together
        model.triggers_ = replace(model.triggers_, theta=0.0)
        model.background_ = model._separate(model.history_, model.width_m_, model.triggers_).by_cell
        alone = model.residual_test(draws=99)
        assert alone["p_pairs"] == pytest.approx(0.01)  # the least that 99 draws can give
        assert alone["pairs"] > 1.05 * alone["expected_pairs"]
    assert rejected <= 1


def test_lunar_holidays_are_known_to_the_trees(grid):
    """Three years in which the town is empty at Spring Festival, which moves: the fourth is expected to be so too."""
    rng = np.random.default_rng(4)
    space = Space(grid)
    most = 60  # of its cells have any
    days = pd.date_range("2021-01-04", "2024-02-05", inclusive="left")
    festival = (calendar_features(days)["festival"] == "春节").to_numpy()
    n = rng.poisson(np.where(festival, 1.0, 12.0))
    time = np.sort(np.repeat([moment(d) for d in days], n) + rng.random(n.sum()))
    row = rng.integers(0, most, len(time)).astype(np.int32)
    known = History(space, row, time, space.centre_m[row], moment(days[0]), moment("2024-02-05"))
    week = (moment("2024-02-12"), moment("2024-02-19"))  # the days off were from 10 to 17 February
    total = {
        country: Boosted(holidays=country).fit(known, until=week[0]).predict(week)["expected"].sum()
        for country in (None, "CN")
    }
    assert total[None] > 50
    assert total["CN"] < 40  # five days with 1, two with 12; last year's week was so too
    with pytest.raises(SettingError, match="XX"):
        Boosted(holidays="XX")


def test_a_day_knows_its_weekday(grid):
    """Fridays have six times as many: a model of single days expects it, one of weeks has no such number."""
    rng = np.random.default_rng(5)
    space = Space(grid)
    days = np.arange(moment("2024-01-01"), moment("2024-06-28"))
    n = rng.poisson(np.where((days + 3) % 7 == 4, 60, 10))
    row = rng.integers(0, len(space), n.sum()).astype(np.int32)
    known = History(space, row, np.repeat(days, n) + 0.5, space.centre_m[row], days[0], moment("2024-06-28"))
    friday = Boosted(periods=60).fit(known, until="2024-06-28", horizon="1D").predict(("2024-06-28", "2024-06-29"))
    monday = Boosted(periods=60).fit(known, until="2024-06-24", horizon="1D").predict(("2024-06-24", "2024-06-25"))
    assert friday["expected"].sum() > 3 * monday["expected"].sum()
    weeks, one_day = (Boosted()._features(known, days[-7], length).shape[1] for length in (7.0, 1.0))
    assert one_day == weeks + 7


@pytest.mark.slow
def test_no_contagion_is_claimed_where_there_is_none(grid):
    intervals = [SelfExciting(draws=12).fit(planted_triggers(grid, 0.0, seed)).theta_interval_ for seed in range(6)]
    assert all(low <= 0.02 for low, _ in intervals)


def test_the_published_likelihoods_data_sets_give_their_planted_triggers(shared_data):
    """4,520 simulated events over three busy places: planted θ 0.3 (0.308 of them offspring), 10 days, 100 m."""
    import geopandas as gpd
    import shapely

    events = pd.read_csv(shared_data / "forecast" / "hawkes_planted_b.csv.gz")
    side = shapely.segmentize(shapely.box(500_000, 4_000_000, 510_000, 4_010_000), 500)
    zone = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[side], crs=32650).to_crs(4326)
    grid = gm.make_grid(zone, system="square", cell_size_m=250)
    xy = np.array([500_000, 4_000_000]) + events[["x", "y"]].to_numpy()
    row = grid.locate(*unproject(*xy.T, grid.metric_crs))
    order = np.argsort(events["day"].to_numpy())
    inside = order[row[order] >= 0]
    known = History(Space(grid), row[inside].astype(np.int32), events["day"].to_numpy()[inside], xy[inside], 0.0, 730.0)
    found = SelfExciting(draws=12).fit(known).triggers_
    assert found.theta == pytest.approx(0.308, abs=0.025)
    assert found.omega == pytest.approx(0.1, rel=0.15)
    assert found.sigma_m == pytest.approx(100, rel=0.05)


def planted_risks(grid, seed):
    """Twelve kinds of place, of which one multiplies the risk by four and another by two."""
    import geopandas as gpd

    rng = np.random.default_rng(seed)
    space = Space(grid)
    low, high = space.centre_m.min(axis=0), space.centre_m.max(axis=0)
    factors = {}
    for i in range(12):
        xy = low + rng.random((25, 2)) * (high - low)
        factors[f"kind {i}"] = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=grid.metric_crs)
    forms = risk_factors(factors, space)
    first, second = forms["kind 0"]["within 250 m"], forms["kind 1"]["within 500 m"]
    rate = 1.5 * np.where(first > 0, 4.0, 1) * np.where(second > 0, 2.0, 1)
    row = rng.permutation(np.repeat(np.arange(len(space)), rng.poisson(rate))).astype(np.int32)
    time = np.sort(rng.random(len(row)) * 365)
    return factors, History(space, row, time, space.centre_m[row], 0.0, 365.0)


def test_planted_risk_factors_are_found_and_no_others(grid):
    """Both are found in each of ten towns, nothing else in nine, and at least 16 of 20 intervals hold the truth."""
    alone, inside = 0, 0
    for seed in range(10):
        factors, known = planted_risks(grid, seed)
        risks = RiskTerrain(factors).fit(known).risks_
        assert {"kind 0", "kind 1"} <= set(risks.index)
        alone += len(risks) == 2
        for kind, truth in (("kind 0", 4.0), ("kind 1", 2.0)):
            inside += risks.loc[kind, "low"] <= truth <= risks.loc[kind, "high"]
    assert alone >= 9
    assert inside >= 16


def test_a_factor_that_is_none_is_refused(grid):
    import geopandas as gpd

    known = history(grid, n=200)
    with pytest.raises(InputError, match="no place"):
        RiskTerrain({"bars": gpd.GeoDataFrame(geometry=[], crs=4326)}).fit(known)
    with pytest.raises(InputError, match="GeoDataFrame of places or a Series"):
        RiskTerrain({"bars": [1, 2]}).fit(known)


def planted_repeats(grid, share: float, seed: int = 0) -> Incidents:
    """Incidents anywhere and at any time of a year; a share of them is followed once, 0 to 100 m off, within a week."""
    rng = np.random.default_rng(seed)
    low, high = grid.centroids_m.min(axis=0), grid.centroids_m.max(axis=0)
    xy, day = rng.uniform(low, high, (3_000, 2)), rng.uniform(0, 365, 3_000)
    of = np.flatnonzero(rng.random(3_000) < share)
    turn, far = rng.uniform(0, 2 * np.pi, len(of)), rng.uniform(0, 100, len(of))
    xy = np.vstack([xy, xy[of] + far[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])])
    day = np.r_[day, day[of] + rng.uniform(0, 7, len(of))]
    lon, lat = unproject(*xy.T, grid.metric_crs)
    when = pa.array((pd.Timestamp("2023-01-01") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"))
    return Incidents(pa.table({"lon": lon, "lat": lat, "occurred_from": when, "occurred_to": when}))


def test_near_repeat_finds_the_repeats_that_are_there_and_none_where_none_is(grid):
    found = NearRepeat().fit(planted_repeats(grid, 0.3), grid).added_
    assert found[0, 0] == pytest.approx(0.3 * 3_000 / 3_900, rel=0.12)  # of all incidents, the followers among them
    assert found[1:, 1:].sum() < 0.05
    for seed in range(5):
        assert NearRepeat().fit(planted_repeats(grid, 0.0, seed), grid).added_.sum() < 0.03


def test_near_repeat_expects_more_where_something_has_just_happened(grid):
    incidents = planted_repeats(grid, 0.5)
    history = History.of(incidents, grid, until="2023-12-31")
    model = NearRepeat().fit(history)
    week = model.predict((model.until_, model.until_ + 7.0))["expected"].to_numpy()
    usual = history.counts() / history.days * 7
    struck = np.unique(history.row[history.time > model.until_ - 2])
    assert week[struck].sum() > 1.3 * usual[struck].sum()
    assert week.sum() == pytest.approx(usual.sum())
    with pytest.raises(SettingError, match="ascend"):
        NearRepeat(rings_m=(200, 100))


def test_dense_clusters_do_not_make_near_repeat_expect_more_than_happens(grid):
    """Two places in turn with 12 incidents a week each: every one has dozens of pairs, and 24 a week are still 24."""
    rng = np.random.default_rng(5)
    lon, lat = grid.centroids.T
    week, at = np.repeat(np.arange(40), 24), np.tile([3, 20], 480)
    cell = at + week // 6 * 7 % 40
    day = week * 7 + rng.uniform(0, 7, len(week))
    times = pa.array((pd.Timestamp("2023-01-02") + pd.to_timedelta(day, unit="D")).astype("datetime64[us]"))
    incidents = Incidents(pa.table({"lon": lon[cell], "lat": lat[cell], "occurred_from": times, "occurred_to": times}))
    rate = NearRepeat().rate(History.of(incidents, grid), 7.0)
    assert rate.sum() * 7 == pytest.approx(24, rel=0.05)


def test_the_ensemble_weighs_its_members_by_past_score(grid):
    """A member that knows the places and one that knows nothing; without past incidents the weights are equal."""
    from gridmap.forecasts.base import Forecaster
    from gridmap.forecasts.ensemble import Ensemble

    class Even(Forecaster):
        name = "even"

        def _learn(self, history, horizon_days):
            self.rate_ = np.full(len(history.space), len(history) / history.days / len(history.space))

        def _rate(self, begin, end):
            return self.rate_

    known = history(grid, n=6_000).before(UNTIL)
    model = Ensemble(members=("density_mixture", Even())).fit(known, until=UNTIL)
    assert model.weights_[0] > 0.8
    assert model.weights_.sum() == pytest.approx(1)
    few = Ensemble(members=("density_mixture", Even()), drawn_to_equal=1e6).fit(known, until=UNTIL)
    np.testing.assert_allclose(few.weights_, 0.5, atol=0.01)


def test_trees_and_weights_are_learned_from_the_past_and_kept_for_eight_weeks(grid):
    whole = history(grid)
    moments = {whole.before(UNTIL + day).last_lesson(7.0) for day in range(56)}
    assert len(moments) == 2
    assert all(UNTIL - 56 <= at <= UNTIL + 56 for at in moments)
    assert whole.before(UNTIL).last_lesson(7.0) <= UNTIL


def test_a_smoother_of_some_columns_gives_the_numbers_of_the_whole_matrix():
    rng = np.random.default_rng(3)
    grid = gm.make_grid(gm.samples.town(random_state=0).boundaries, system="square", cell_size_m=500)
    space = Space(grid)
    n, width = len(space), 700.0
    values = np.where(rng.random(n) < 0.2, rng.random(n), 0.0)
    far = np.hypot(*(space.centre_m[:, None] - space.centre_m).T)
    whole = np.where(far <= 3 * width, np.exp(-0.5 * (far / width) ** 2) * space.area_m2[:, None], 0.0)
    whole /= whole.sum(axis=0)
    first = space.smoother(width)(values)
    assert first == pytest.approx(whole @ values, rel=1e-12)
    assert first.sum() == pytest.approx(values.sum())
    rows = rng.integers(0, n, 30)
    assert space.smoother(width).at(rows, np.column_stack([values, 2 * values]))[:, 1] == pytest.approx(2 * first[rows])
    assert space.smoother(width).own(rows) == pytest.approx(whole[rows, rows])  # needs columns that were not made yet
    assert (space.smoother(width)(values) == first).all()


def test_boosting_over_many_cells_learns_from_a_sample_of_the_empty_ones(monkeypatch):
    from gridmap.forecasts import boosted

    town = gm.samples.town(random_state=0, incidents=6_000)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=200)
    history = History.of(town.incidents, grid)
    whole = boosted.Boosted().rate(history, 7.0)
    monkeypatch.setattr(boosted, "MOST_LESSONS", 7 * len(grid))
    sampled = boosted.Boosted().rate(History.of(town.incidents, grid), 7.0)
    assert sampled.sum() == pytest.approx(whole.sum(), rel=0.15)
    assert np.corrcoef(sampled, whole)[0, 1] > 0.8
