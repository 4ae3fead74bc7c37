"""Near repeats: published counts to the digit, every band by brute force, and the promise under the null."""

import json

import libpysal
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pointpats import Knox
from scipy import stats

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.hotspots import near_repeats
from gridmap.hotspots.near_repeats import cross_near_repeat, near_repeat
from gridmap.read.incident_table import COLUMNS, Incidents
from gridmap.read.metric_projection import metric_crs, unproject

BANDS = {"space_breaks_m": [0, 50, 100, 200], "time_breaks_days": [0, 3, 7, 14]}


def random_events(seed=0, n=120, days=60, size=600):
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, size // 10, (n, 2)) * 10.0  # on a lattice, so that distances meet the edges of the bands
    return pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "date": rng.integers(0, days, n)})


def inside(value, low, high, closed, first):
    if closed == "left":
        return low <= value < high
    return (low <= value if first else low < value) and value <= high


def by_hand(first, second, space, when, metric, closed, signed):
    """Every pair looked at, one by one."""
    table = np.zeros((len(space) - 1, len(when) - 1), int)
    a = first[["x", "y", "date"]].to_numpy(float)
    b = a if second is None else second[["x", "y", "date"]].to_numpy(float)
    for i in range(len(a)):
        for j in range(len(b)) if signed else range(i):
            dx, dy = np.abs(a[i, :2] - b[j, :2])
            far = np.hypot(dx, dy) if metric == "euclidean" else dx + dy
            late = b[j, 2] - a[i, 2] if signed else abs(b[j, 2] - a[i, 2])
            for s in range(len(space) - 1):
                for t in range(len(when) - 1):
                    table[s, t] += inside(far, space[s], space[s + 1], closed, s == 0) and inside(
                        late, when[t], when[t + 1], closed, t == 0
                    )
    return table


@pytest.fixture(scope="module")
def chicago_2016(shared_data):
    frame = pd.read_csv(shared_data / "chicago" / "chicago_burglary_2014_2017.csv")
    frame["date"] = pd.to_datetime(frame["date_single"], format="%d/%m/%Y")
    return frame[frame["date"].dt.year == 2016]


def test_published_table_of_chicago_comes_out_exactly(chicago_2016, shared_data):
    known = json.loads((shared_data / "reference.json").read_text())["knox_chicago_2016"]
    breaks = {k: known[k] for k in ("space_breaks_m", "time_breaks_days")}
    found = near_repeat(chicago_2016, **breaks, permutations=199, random_state=0)
    assert found.observed.to_numpy().tolist() == known["observed"]
    # The published medians are of 99 permutations of their own; small bands move most.
    assert found.ratio_median.to_numpy() == pytest.approx(np.array(known["median_ratio_99_permutations"]), rel=0.05)
    assert (found.p_value.to_numpy() <= 0.05).all()


def test_burkitts_lymphoma_as_pointpats_counts_it():
    import geopandas as gpd

    burkitt = gpd.read_file(libpysal.examples.get_path("burkitt.shp"))
    frame = pd.DataFrame({"x": burkitt["X"], "y": burkitt["Y"], "date": burkitt["T"]})
    found = near_repeat(frame, space_breaks_m=[0, 20], time_breaks_days=[0, 5], random_state=0)
    oracle = Knox(frame[["x", "y"]], frame[["date"]], delta=20, tau=5, permutations=1)
    assert found.observed.iloc[0, 0] == oracle.statistic_ == 13
    assert found.expected_mean.iloc[0, 0] == pytest.approx(oracle.expected[0, 0], rel=0.05)


@pytest.mark.parametrize("closed", ["right", "left"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
@pytest.mark.parametrize("unit", [1, 1 / 3, np.pi / 7])
def test_every_band_holds_the_pairs_counted_one_by_one(metric, closed, unit):
    """Whole days, whole seconds and any other times take three ways through the code."""
    events = random_events().assign(date=lambda f: f.date * unit)
    found = near_repeat(events, **BANDS, metric=metric, closed=closed, permutations=1)
    when = np.array(BANDS["time_breaks_days"])
    if unit == 1 / 3:  # thirds of a day meet the edges exactly only when they are counted in seconds
        events, when = events.assign(date=(events.date * 86_400).round()), when * 86_400
    known = by_hand(events, None, BANDS["space_breaks_m"], when, metric, closed, False)
    assert found.observed.to_numpy().tolist() == known.tolist()


@pytest.mark.parametrize("closed", ["right", "left"])
def test_bands_that_do_not_begin_at_zero_leave_out_what_is_nearer(closed):
    events = random_events(1)
    bands = {"space_breaks_m": [50, 100], "time_breaks_days": [3, 7]}
    found = near_repeat(events, **bands, closed=closed, permutations=1)
    assert (
        found.observed.to_numpy().tolist()
        == by_hand(events, None, *bands.values(), "euclidean", closed, False).tolist()
    )
    assert found.observed.index[0] == ("[50, 100]" if closed == "right" else "[50, 100)")


@pytest.mark.parametrize("closed", ["right", "left"])
def test_cross_pairs_are_ordered_in_time(closed):
    first, second = random_events(2), random_events(3, n=80)
    when = [-7, -3, 0, 3, 7]
    found = cross_near_repeat(
        first, second, space_breaks_m=[0, 50, 100], time_breaks_days=when, closed=closed, permutations=1
    )
    known = by_hand(first, second, [0, 50, 100], when, "euclidean", closed, True)
    assert found.observed.to_numpy().tolist() == known.tolist()


def test_shuffled_tables_have_the_mean_and_spread_that_theory_gives():
    """Under shuffled dates a pair's chance of being close in time is that of any pair of dates."""
    events = random_events(4, n=200)
    found = near_repeat(events, **BANDS, permutations=999, random_state=3)
    anywhere = by_hand(events.assign(x=0, y=0), None, [0, 1], BANDS["time_breaks_days"], "euclidean", "right", False)
    near = by_hand(events.assign(date=0), None, BANDS["space_breaks_m"], [0, 1], "euclidean", "right", False)
    expected = near * anywhere / (200 * 199 / 2)
    assert found.expected_mean.to_numpy() == pytest.approx(expected, rel=0.02)


def test_planted_repeats_stand_out_in_their_band_only():
    rng = np.random.default_rng(5)
    first = pd.DataFrame({"x": rng.random(300) * 9000, "y": rng.random(300) * 9000, "date": rng.integers(0, 365, 300)})
    later = first.head(60).assign(x=lambda f: f.x + 30, date=lambda f: f.date + 2)
    found = near_repeat(pd.concat([first, later], ignore_index=True), **BANDS, random_state=1)
    assert found.p_value.iloc[0, 0] == 0.001
    assert found.ratio_mean.iloc[0, 0] > 10
    assert found.p_value.iloc[2, 2] > 0.05
    assert found.params["link"] == (50.0, 3.0)
    assert found.members["role"].value_counts()["near repeat"] >= 60
    assert (found.members["role"][300:] == "near repeat").all()


def test_roles_by_hand():
    far = pd.DataFrame({"x": np.arange(30) * 5000.0, "y": 9e5, "date": np.arange(30)})
    story = pd.DataFrame({"x": [0.0, 0.0, 40.0, 0.0], "y": 0.0, "date": [0, 2, 3, 30]})
    found = near_repeat(pd.concat([story, far], ignore_index=True), **BANDS, link=(50, 7), permutations=9)
    assert found.members["role"][:4].tolist() == ["originator", "repeat", "near repeat", "none"]
    assert (found.members["role"][4:] == "none").all()


def test_real_precursor_shows_after_and_not_before():
    rng = np.random.default_rng(6)
    disputes = pd.DataFrame(
        {"x": rng.random(400) * 9000, "y": rng.random(400) * 9000, "date": rng.integers(0, 365, 400)}
    )
    violence = pd.DataFrame(
        {"x": rng.random(200) * 9000, "y": rng.random(200) * 9000, "date": rng.integers(0, 365, 200)}
    )
    violence.iloc[:50] = disputes.head(50).assign(x=lambda f: f.x + 20, date=lambda f: f.date + 5)
    found = cross_near_repeat(
        disputes, violence, space_breaks_m=[0, 100], time_breaks_days=[-14, -7, 0, 7, 14], random_state=0
    )
    p = found.p_value.iloc[0]
    assert p["(0, 7]"] == 0.001
    assert p["(-7, 0]"] > 0.05
    assert p["(7, 14]"] > 0.05


def test_same_seed_same_answer_on_any_number_of_threads(monkeypatch):

    answers = []
    for threads in (1, 4):
        monkeypatch.setattr(near_repeats, "cores", lambda threads=threads: threads)
        answers.append(near_repeat(random_events(7), **BANDS, permutations=200, random_state=5))
    pd.testing.assert_frame_equal(answers[0].p_value, answers[1].p_value)
    pd.testing.assert_frame_equal(answers[0].ratio_mean, answers[1].ratio_mean)
    other = near_repeat(random_events(7), **BANDS, permutations=200, random_state=6)
    assert not answers[0].expected_mean.equals(other.expected_mean)


def test_order_of_rows_does_not_matter():
    events = random_events(8)
    one = near_repeat(events, **BANDS, permutations=1).observed
    other = near_repeat(events.sample(frac=1, random_state=1), **BANDS, permutations=1).observed
    pd.testing.assert_frame_equal(one, other)


def as_incidents(frame, hours=0):
    crs = metric_crs((116.3, 39.8, 116.5, 40.0))
    lon, lat = unproject(frame.x.to_numpy() + 450_000, frame.y.to_numpy() + 4_420_000, crs)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.date, unit="D")
    n = len(frame)
    columns = [
        [str(k) for k in range(n)],
        start,
        start + pd.Timedelta(hours=hours),
        ["Burglary"] * n,
        lon,
        lat,
        [None] * n,
    ]
    return Incidents(pa.table({k: pa.array(v, t) for (k, t), v in zip(COLUMNS.items(), columns, strict=True)}))


def test_incidents_are_projected_and_their_ids_kept():
    events = random_events(9)
    found = near_repeat(as_incidents(events), space_breaks_m=[0, 55, 105], time_breaks_days=[0, 3, 7], permutations=1)
    plain = near_repeat(events, space_breaks_m=[0, 55, 105], time_breaks_days=[0, 3, 7], permutations=1)
    assert found.observed.to_numpy().tolist() == plain.observed.to_numpy().tolist()
    assert found.members["incident_id"].tolist() == [str(k) for k in range(len(events))]
    assert found.params["crs"] == "EPSG:32650"
    both = cross_near_repeat(as_incidents(events), as_incidents(random_events(10)), **BANDS, permutations=1)
    assert both.observed.to_numpy().sum() > 0


def test_month_only_incidents_are_refused_for_near_repeats():
    with pytest.raises(InputError, match="month-only"):
        near_repeat(as_incidents(random_events(), hours=700), **BANDS)


def test_events_without_place_or_time_are_set_aside_and_told():
    events = random_events().astype({"date": float})
    events.loc[:2, "x"] = np.nan
    events.loc[3:4, "date"] = np.nan
    found = near_repeat(events, **BANDS, permutations=1)
    assert "5 of 120 events were set aside: 3 without a place, 2 without a time" in found.notes[0]
    assert len(found.members) == found.params["events"] == 115


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.head(29), InputError, "29 events"),
        (lambda f: f.assign(x=1.0, y=2.0), InputError, "one place"),
        (lambda f: f.assign(date=3), InputError, "one time"),
        (lambda f: f.assign(date=pd.NaT), InputError, "needs dates"),
        (lambda f: f.assign(date="01/02/2018"), InputError, "pd.to_datetime"),
        (lambda f: f.drop(columns="date"), InputError, "no column 'date'"),
        (lambda f: f.assign(x="here"), InputError, "must be numbers"),
        (lambda f: f.assign(x=f.x / 1e5 + 116, y=f.y / 1e5 + 39), CRSError, "look like degrees"),
        (lambda f: f.iloc[:0], InputError, "no events"),
        (lambda f: f.to_numpy(), InputError, "ndarray"),
    ],
)
def test_bad_events_are_refused_by_name(change, error, message):
    with pytest.raises(error, match=message):
        near_repeat(change(random_events()), **BANDS)


@pytest.mark.parametrize(
    "setting",
    [
        {"space_breaks_m": [0, 100, 50]},
        {"space_breaks_m": 100},
        {"space_breaks_m": [-5, 100]},
        {"space_breaks_m": [0, 0.002]},
        {"time_breaks_days": ["a", "b"]},
        {"metric": "great_circle"},
        {"closed": "both"},
        {"permutations": 0},
        {"link": 50},
    ],
)
def test_bad_settings_are_refused(setting):
    with pytest.raises(SettingError, match=f"^{next(iter(setting))} "):
        near_repeat(random_events(), **(BANDS | setting))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["near", "cross"])
def test_false_alarms_are_as_many_as_promised(kind):
    """Events clustered in space and in time, but not in both together."""
    rng = np.random.default_rng(31)
    p = []
    for k in range(400):
        n = 300
        spots = rng.normal(0, 300, (n, 2)) * rng.choice([1, 5], (n, 1))
        events = pd.DataFrame({"x": spots[:, 0], "y": spots[:, 1], "date": rng.gamma(2, 30, n)})
        bands = {"space_breaks_m": [0, 200], "time_breaks_days": [0, 10]}
        if kind == "near":
            found = near_repeat(events, **bands, permutations=99, random_state=k)
        else:
            found = cross_near_repeat(events[:150], events[150:], **bands, permutations=99, random_state=k)
        p.append(found.p_value.iloc[0, 0])
    low, high = stats.binom.ppf([0.005, 0.995], 400, 0.05)
    assert low <= (np.array(p) <= 0.05).sum() <= high


def test_seasons_of_districts_are_no_repetition_within_strata():
    """Two quarters far apart, busy in different months, nothing repeated: shuffling over both finds repetition."""
    rng = np.random.default_rng(11)
    where, day = rng.random((400, 2)) * 1000, rng.integers(0, 60, 400)
    events = pd.DataFrame(where, columns=["x", "y"]).assign(date=day, quarter=np.repeat(["east", "west"], 200))
    events.loc[events["quarter"] == "west", ["x", "date"]] += [50_000, 200]
    bands = {"space_breaks_m": [0, 150, 300], "time_breaks_days": [0, 10, 20], "permutations": 199, "random_state": 1}
    over_all = near_repeat(events, **bands)
    within = near_repeat(events, strata="quarter", **bands)
    assert over_all.p_value.iloc[0, 0] <= 0.01
    assert within.p_value.iloc[0, 0] > 0.05
    assert within.params["strata"] == 2
    same = near_repeat(events, strata=events["quarter"], **bands)
    pd.testing.assert_frame_equal(within.p_value, same.p_value)
    with pytest.raises(SettingError, match="Did you mean 'quarter'"):
        near_repeat(events, strata="quarters", **bands)
