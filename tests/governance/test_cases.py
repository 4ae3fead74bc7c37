"""Step times with the open ones counted, and no worst grid where there is none."""

import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.governance.cases import AVERAGE, INDICATORS, WITHHELD, Indicator, _counts_as, _judged, _shrunk, _the_worst

FREIREICH = (
    [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35],
    [1] * 9 + [0] * 12,
)
DAYS = [3, 5, 5, 8, 10, 10, 12, 15, 20, 20, 30, 7, 9, 14]
CLOSED = [1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0]


@pytest.fixture(scope="module")
def county():
    return gm.samples.simulated_county(3, households=20_000, events=20_000)


def a_table(days=DAYS, closed=CLOSED, deadline=15):
    """Events watched for `days` from the start of 2024 on, so that `now` is the same for all."""
    now = pd.Timestamp("2024-03-01")
    end = pd.to_timedelta(days, unit="D")
    done = np.array(closed, bool)
    found = pd.Series(np.where(done, pd.Timestamp("2024-01-01"), now - end))
    return pd.DataFrame(
        {
            "found_at": found,
            "closed_at": (found + end).where(done),
            "deadline_at": found + pd.Timedelta(days=deadline),
            "unit": "one",
        }
    )


def test_survival_of_the_6mp_patients_is_as_published():
    table = gm.kaplan_meier(*FREIREICH)
    assert table["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert np.round(table["survival"], 6).tolist() == [
        0.857143,
        0.806723,
        0.752941,
        0.690196,
        0.627451,
        0.537815,
        0.448179,
    ]
    assert np.round(table["standard_error"], 6).tolist() == [
        *(0.07636, 0.086935, 0.09635, 0.106815, 0.114054, 0.128234, 0.134591)
    ]
    assert np.round(table["hazard"], 6).tolist() == [
        *(0.142857, 0.201681, 0.268347, 0.351681, 0.44259, 0.585447, 0.752114)
    ]
    ends = table.loc[[6, 10, 16, 22, 23], ["low", "high"]].round(6).to_numpy().tolist()
    assert ends == [
        *([0.619718, 0.951552], [0.5032, 0.889362], [0.367511, 0.804912], [0.267779, 0.746791], [0.188052, 0.680143])
    ]


def test_survival_is_the_product_to_nine_digits():
    rng = np.random.default_rng(1)
    time, event = rng.integers(1, 30, 300), rng.random(300) < 0.6
    table = gm.kaplan_meier(time, event)
    kept = 1.0
    for t in np.unique(time[event]):
        kept *= 1 - ((time == t) & event).sum() / (time >= t).sum()
        assert table.loc[t, "survival"] == pytest.approx(kept, abs=1e-9)


def test_competing_ends_add_up_to_one():
    rng = np.random.default_rng(2)
    time, cause = rng.integers(1, 30, 200), rng.integers(0, 3, 200)
    table = gm.cumulative_incidence(time, cause)
    assert np.allclose(table.sum(axis=1), 1)
    assert np.allclose(table["open"], gm.kaplan_meier(time, cause > 0)["survival"])
    naive = 1 - gm.kaplan_meier(time, cause == 1)["survival"]
    assert table["cause_1"].iloc[-1] < naive.iloc[-1], "with the other cause as censored one says too much"


def test_a_single_cause_is_kaplan_and_meier_s():
    table = gm.cumulative_incidence(*FREIREICH)
    assert np.allclose(table["cause_1"], 1 - gm.kaplan_meier(*FREIREICH)["survival"])


def test_open_events_count_for_as_long_as_they_were_watched():
    life = gm.case_life(a_table(), now="2024-03-01", by="unit")
    assert life.overall["on_time_by_now"] == pytest.approx(0.65625)
    assert life.overall["median_days"] == 12
    assert life.overall[["open", "overdue"]].tolist() == [5, 2]
    assert life.overall["open"] - life.overall["overdue"] == 3, "open and not yet due"


def test_the_empirical_bayes_share_is_marshall_s():
    x, n = np.array([1, 5, 9, 40]), np.array([10, 20, 30, 100])
    mean = 55 / 160
    between = (n * (x / n - mean) ** 2).sum() / 160 - mean * (1 - mean) * 4 / 160
    weight = max(between, 0) / (max(between, 0) + mean * (1 - mean) / n)
    assert np.allclose(_shrunk(x, n), mean + weight * (x / n - mean))


def test_the_late_and_the_paper_community_are_found(county):
    life = gm.case_life(county.incidents, by="zone_id", alike="category")
    assert life.worst == county.truth.late_community
    named = life.gaming.index[life.gaming["label"] != "none"]
    assert named.tolist() == [county.truth.paper_community]
    assert life.table.loc[county.truth.late_community, "on_time_label"].startswith("worse")
    assert (life.table["on_time_label"] == AVERAGE).mean() > 0.9


def test_rows_in_are_rows_used_and_rows_left_out(county):
    table = county.incidents.to_frame()
    table.loc[:9, "found_at"] = pd.NaT
    table.loc[table.index[20], "closed_at"] = table["found_at"].iloc[20] - pd.Timedelta("1h")
    table.loc[table.index[30:35], "zone_id"] = None
    life = gm.case_life(table, by="zone_id")
    assert life.overall["events"] + sum(note.values["n"] for note in life.notes) == len(table)
    assert [note.values["n"] for note in life.notes] == [10, 1, 5]


def test_empty_cells_of_a_grid_are_kept(county):
    grid = gm.make_grid(county.boundaries, system="zones")
    few = county.incidents.where(category="牲畜盗窃")
    life = gm.case_life(few, grid)
    assert life.table.index.equals(grid.cells.index)
    assert (life.table["events"] == 0).any()
    assert life.table["events"].sum() <= len(few)


def test_the_silent_community_is_marked_beside_its_rates(county):
    grid = gm.make_grid(county.boundaries, system="zones")
    gaming = gm.case_life(county.incidents, grid, population="persons").gaming
    assert gaming.index[gaming["silent"]].tolist() == [county.truth.silent_community]


def test_several_columns_and_months_are_units(county):
    life = gm.case_life(county.incidents, by=["group", "quarter"])
    assert ("纠纷", pd.Period("2023Q1")) in list(life.table.index)
    assert life.table["events"].sum() == life.overall["events"]


def test_persons_are_no_units(county):
    table = county.incidents.to_frame().assign(网格员姓名="王某")
    with pytest.raises(InputError, match="names persons"):
        gm.case_life(table, by="网格员姓名")


def test_small_units_lose_their_numbers_for_the_public():
    many = pd.concat([a_table().assign(unit=u) for u in "abc"] + [a_table().head(3).assign(unit="d")])
    life = gm.case_life(many.reset_index(drop=True), by="unit").released("public")
    assert life.table["events"].isna().tolist() == [True, False, False, True], "one alone could be reckoned"
    assert life.table.loc["d", "on_time_label"] == WITHHELD
    assert set(life.gaming.index) == {"b", "c"} == set(life.steps.index.get_level_values(0))
    with pytest.raises(InputError, match="carries no single times"):
        life.curve()


def test_indicators_are_one_s_own(county):
    own = {"checked": Indicator("checked", "handled", True, "checked / handled", "the county")}
    life = gm.case_life(county.incidents, by="group", indicators=own)
    assert list(life.indicators) == ["checked"] == [life.judged_by]
    with pytest.raises(SettingError, match="'happy'"):
        gm.case_life(county.incidents, indicators={"x": Indicator("happy", "all", True, "", "")})
    assert set(INDICATORS) >= {"filing", "handling", "on_time", "rework", "satisfied"}


def test_values_piled_up_below_a_threshold_are_seen():
    rng = np.random.default_rng(4)
    even = rng.uniform(2000, 4000, 2000)
    assert gm.threshold_pile(even, 3000, 200)["p_value"] > 0.01
    pushed = np.where((even > 3000) & (even < 3100), 2990, even)
    assert gm.threshold_pile(pushed, 3000, 200)["p_value"] < 1e-6


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (pd.DataFrame(), "no events"),
        ("events", "no events"),
        (pd.DataFrame({"found_at": ["2024-01-01"]}), "when an event was closed"),
    ],
)
def test_what_are_no_events_is_refused(bad, words):
    with pytest.raises(InputError, match=words):
        gm.case_life(bad)


@pytest.mark.slow
def test_a_worst_grid_is_named_in_five_of_a_hundred_alike_counties_at_most():
    rng = np.random.default_rng(5)
    named = told_apart = 0
    for _ in range(400):
        n = rng.poisson(25, 80)[:, None]
        x = rng.binomial(n, 0.85)
        named += _the_worst(x, n, True, 0.05) is not None
        told_apart += (_judged(x, n, True, 0.05)[0]["label"] != AVERAGE).any()
    assert named <= 0.05 * 400
    assert told_apart <= 0.065 * 400  # 5 % and two standard errors


def test_two_equally_bad_grids_are_both_worse_and_neither_is_the_worst():
    n = np.full(40, 200)[:, None]
    x = np.full(40, 180)[:, None]
    x[:2] = 100
    assert _the_worst(x, n, True, 0.05) is None
    labels = _judged(x, n, True, 0.05)[0]["label"]
    assert labels.str.startswith("worse").tolist()[:3] == [True, True, False]
    x[0] = 40
    assert _the_worst(x, n, True, 0.05) == 0


def test_where_all_vary_more_than_counts_do_more_is_needed():
    rng = np.random.default_rng(6)
    n = np.full(100, 400)[:, None]
    x = rng.binomial(n, rng.beta(8, 2, (100, 1)))
    found, spread = _judged(x, n, True, 0.05)
    assert spread > 5
    assert (found["label"] == AVERAGE).mean() > 0.9


#: Of lifelines 0.30.3 (KaplanMeierFitter, NelsonAalenFitter, AalenJohansenFitter), run once beside this; on 200 random
#: data sets (ties, heavy censoring, times of 0) the largest difference was 6e-15: docs/governance.md.
DAYS = [3, 5, 5, 8, 10, 10, 12, 15, 20, 20, 30, 7, 9, 14]
ENDED = [1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0]
LIFELINES = {
    "survival": [0.9285714285714287, 0.7857142857142859, 0.7071428571428574, 0.6285714285714286, 0.55,
                 0.4583333333333333, 0.34375000000000006, 0.22916666666666663],
    "low": [0.5907668674267574, 0.4724636799142605, 0.393805004217929, 0.3227211295827117, 0.257841524053956,
            0.18325063248811543, 0.09813035941387364, 0.03992017087648047],
    "high": [0.98961982313685, 0.9253652262552371, 0.8791033170791428, 0.8264503601508999, 0.7682110917166132,
             0.6985965872307516, 0.6118961108891232, 0.5097036477614666],
    "hazard": [0.07142857142857142, 0.22527472527472528, 0.3252747252747253, 0.4363858363858364, 0.5613858363858364,
               0.728052503052503, 0.978052503052503, 1.3113858363858364],
}  # fmt: skip
CAUSES = [1, 1, 2, 1, 2, 0, 1, 1, 0, 2, 0, 0, 1, 0]
CLOSED_BY = {3: 0.07142857142857142, 5.01: 0.14285714285714285, 8.03: 0.22142857142857145, 9.12: 0.30000000000000004,
             12.06: 0.3916666666666667, 15.07: 0.5062500000000001}  # fmt: skip


def test_survival_hazard_and_interval_are_those_of_lifelines():
    found = gm.kaplan_meier(DAYS, ENDED)
    assert found.index.tolist() == [3, 5, 8, 9, 10, 12, 15, 20]
    for column, published in LIFELINES.items():
        assert np.allclose(found[column], published, rtol=0, atol=1e-9), column


def test_competing_ends_are_those_of_lifelines():
    apart = [d + 0.01 * i for i, d in enumerate(DAYS)]  # lifelines moves ties apart at random, so there are none
    found = gm.cumulative_incidence(apart, CAUSES)["cause_1"]
    assert np.allclose(
        [found[found.index <= t + 1e-9].iloc[-1] for t in CLOSED_BY], list(CLOSED_BY.values()), atol=1e-9
    )


def test_times_that_run_backwards_are_left_out_of_the_step_times_alone():
    day = pd.Timestamp("2024-01-01")
    events = pd.DataFrame(
        {
            "found_at": [day] * 6,
            "closed_at": [day + pd.Timedelta(days=d) if d else pd.NaT for d in (1, 2, -1, 4, 0, 0)],
            "withdrawn_at": [pd.NaT] * 4 + [day + pd.Timedelta(days=3), day - pd.Timedelta(hours=1)],
            "deadline_at": [day + pd.Timedelta(days=3)] * 6,
        },
        index=[0, 1, 1, 2, 2, 3],
    )
    life = gm.case_life(events, now="2024-02-01")
    assert life.overall["events"] == 5  # the one closed before it was found is left out as a whole
    ends = life.incidence()
    assert ends.loc[ends.index[-1], ["closed", "withdrawn"]].tolist() == pytest.approx([0.75, 0.25])
    assert life.overall["median_days"] == 2
    assert life.overall["on_time_by_now"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("调解成功", "mediated"),
        ("达成调解协议", "mediated"),
        ("调解不成功", "failed"),
        ("未调解成功", "failed"),
        ("经多次调解未达成协议", "failed"),
        ("正在调解", ""),
        ("尚未办结", ""),
        ("移送公安", "other"),
        ("not mediated", "failed"),
        ("unsolved", "unsolved"),
    ],
)
def test_an_outcome_that_failed_is_no_success_whatever_its_words(words, meant):
    assert _counts_as(words) == meant


def test_a_share_of_mediated_counts_the_failed_and_says_which_words_it_does_not_know():
    table = a_table()
    table["outcome"] = (["调解成功", "调解不成功", "移送公安"] * len(table))[: len(table)]
    life = gm.case_life(table, by="all")
    assert life.table.loc["all", "mediated_share"] == 0.5
    said = next(note for note in life.notes if note.code == "governance.other_outcomes")
    assert (said.values["n"], said.values["words"]) == (4, ["移送公安"])


def noted(table, **how):
    life = gm.case_life(table, by="all", **how)
    return life, {note.code.removeprefix("governance."): note.values for note in life.notes}


def test_times_that_cannot_be_read_are_counted_and_not_taken_for_open_without_a_word():
    table = a_table()
    table["closed_at"] = table["closed_at"].astype("string").where(table.index > 0, "soon")
    life, notes = noted(table)
    assert notes["unread_times"] == {"n": 1, "column": "closed_at", "found": "soon"}
    assert life.table.loc["all", "open"] == CLOSED.count(0) + 1


def test_steps_and_deadlines_in_an_order_that_cannot_be_are_counted():
    table = a_table()
    table["filed_at"] = table["closed_at"] + pd.Timedelta("1D")
    table["deadline_at"] = table["found_at"] - pd.Timedelta("1D")
    _, notes = noted(table)
    assert (notes["steps_backwards"]["n"], notes["deadline_before"]["n"]) == (sum(CLOSED), len(table))
    assert not noted(a_table())[1]


def test_events_found_after_the_day_until_which_they_were_watched_are_left_out():
    table = a_table()
    life, notes = noted(table, now="2024-02-01")
    ahead = int((table["found_at"] > "2024-02-01").sum())
    assert notes["found_later"]["n"] == ahead > 0
    assert life.table.loc["all", "events"] == len(table) - ahead
    with pytest.raises(InputError, match=r"No event is left: .* found after 2020-01-01"):
        gm.case_life(table, by="all", now="2020-01-01")


def test_where_every_event_closes_before_it_was_found_the_refusal_says_so():
    table = a_table()
    table["closed_at"] = table["found_at"] - pd.Timedelta("1D")
    with pytest.raises(InputError, match="closed before they were found"):
        gm.case_life(table, by="all")


def test_times_with_and_without_a_zone_are_refused_and_all_with_one_are_taken():
    table = a_table()
    zoned = table.assign(closed_at=table["closed_at"].dt.tz_localize("UTC"))
    with pytest.raises(InputError, match="time zone"):
        gm.case_life(zoned, by="all")
    for column in zoned.columns[zoned.columns.str.endswith("_at")]:
        zoned[column] = table[column].dt.tz_localize("Asia/Shanghai")
    pd.testing.assert_frame_equal(gm.case_life(zoned, by="all").table, gm.case_life(table, by="all").table)


def test_answers_about_satisfaction_that_are_not_known_are_counted():
    table = a_table().assign(satisfied=(["非常满意", "不满意", "还行"] * 5)[: len(DAYS)])
    life, notes = noted(table)
    assert notes["other_answers"] == {"n": 4, "words": ["还行"]}
    assert life.table.loc["all", "satisfied_share"] == pytest.approx(5 / 14)


def test_indicators_may_be_written_as_in_a_pipeline():
    life = gm.case_life(a_table(), by="all", indicators={"done": {"over": "closed", "of": "all"}})
    assert life.indicators["done"].formula == "closed / all"
    with pytest.raises(SettingError, match="needs over and of"):
        gm.case_life(a_table(), by="all", indicators={"done": {"over": "closed"}})


@pytest.mark.parametrize("column", ["handler", "assignee", "grid_worker", "handled_by", "处置人员"])
def test_a_unit_that_is_the_one_who_does_the_work_is_refused(column):
    with pytest.raises(InputError, match="person"):
        gm.case_life(a_table().assign(**{column: "a"}), by=column)
