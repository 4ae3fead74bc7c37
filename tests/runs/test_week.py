"""A week of an office's work: exports that overlap, words for periods, a map for each kind."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from gridmap._intervals import variation_of_periods
from gridmap._periods import period_of_text, relative_period
from gridmap.errors import GridmapError
from gridmap.messages import note_from
from gridmap.reports.findings import _variation_in_days
from gridmap.runs import read_pipeline, run_pipeline
from tests.runs.test_run import town  # noqa: F401 - the fixture's folder has its zones

pytestmark = pytest.mark.usefixtures("town")


@pytest.fixture
def week(tmp_path, town):  # noqa: F811
    """Four weekly exports that reach back three days, 6 weeks of three kinds; and a pipeline over them."""
    rng = np.random.default_rng(3)
    n = 600
    rows = pd.DataFrame(
        {
            "case_id": [f"C{i}" for i in range(n)],
            "occurred": pd.Timestamp("2024-02-05") + pd.to_timedelta(np.sort(rng.integers(0, 42 * 1440, n)), unit="m"),
            "category": rng.choice(["theft", "burglary", "fraud"], n, p=[0.6, 0.38, 0.02]),
            "lon": rng.normal(-1.53, 0.01, n).round(5),
            "lat": rng.normal(53.77, 0.008, n).round(5),
        }
    )
    folder = tmp_path / "exports"
    folder.mkdir()
    for number, start in enumerate(pd.date_range("2024-02-05", periods=6, freq="7D")):
        since = start - pd.Timedelta(days=3)
        part = rows[(rows["occurred"] >= since) & (rows["occurred"] < start + pd.Timedelta(days=7))]
        part.to_csv(folder / f"week {number}.csv", index=False)

    def write(**changes):
        values = {
            "boundaries": {"path": "zones.geojson"},
            "grid": {"system": "square", "cell_size_m": 500},
            "incidents": {"path": "exports/*.csv"},
            "hotspots": [{"getis_ord": {"order": 1, "inference": "exact"}}],
            "outputs": {"counts": "c.parquet"},
        } | changes
        (tmp_path / "w.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        return read_pipeline(tmp_path / "w.yaml")

    return rows, write


def test_words_for_periods_become_dates_that_the_run_says(week, tmp_path):
    rows, write = week
    report = run_pipeline(
        write(hotspots=[{"getis_ord": {"order": 1, "inference": "exact"}, "period": "last week"}]), tmp_path / "out"
    )
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    newest = rows["occurred"].max().normalize()
    assert record["periods"] == [{"period": "last week", "dates": "2024-03-11/2024-03-17", "as_of": str(newest.date())}]
    step, result = report.results[0]
    inside = rows["occurred"].between("2024-03-11", "2024-03-18", inclusive="left")
    assert step.period == "2024-03-11/2024-03-17"
    assert int(result.cells["count"].sum()) <= int(inside.sum())
    assert int(result.cells["count"].sum()) > 0.9 * inside.sum()
    assert any("2024-03-11/2024-03-17" in str(line) for line in report.warnings)


def test_the_exports_count_each_incident_once_and_the_summary_says_so(week, tmp_path):
    rows, write = week
    report = run_pipeline(write(), tmp_path / "out")
    assert len(report.incidents) == len(rows)
    twice = int((report.incidents.set_aside["reason"] == "counted_before").sum())
    assert twice > 50
    assert any(f"{twice} rows stand in two exports" in line for line in report.summary)
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    exports = [entry for entry in record["inputs"] if entry["path"].startswith("exports/")]
    assert [entry["path"] for entry in exports] == [f"exports/week {i}.csv" for i in range(6)]
    assert all(entry["sha256"] and entry["rows"] == entry["used"] + entry["set_aside"] for entry in exports)


def test_as_of_sets_the_day_that_words_count_from(week, tmp_path):
    _, write = week
    report = run_pipeline(
        write(as_of="2024-02-18", incidents={"path": "exports", "period": "last week"}), tmp_path / "out"
    )
    times = report.incidents.to_frame()["occurred_from"]
    assert times.min() >= pd.Timestamp("2024-02-12")
    assert times.max() < pd.Timestamp("2024-02-19")


def test_each_kind_has_its_own_map_and_the_rare_one_is_named(week, tmp_path):
    _, write = week
    report = run_pipeline(
        write(hotspots=[{"getis_ord": {"order": 1, "inference": "exact"}, "each": "category"}]), tmp_path / "out"
    )
    assert [step.category for step, _ in report.results] == ["theft", "burglary"]
    assert any("fraud" in str(line) for line in report.warnings)


def test_a_step_with_too_few_incidents_is_left_out_and_the_others_are_made(week, tmp_path):
    _, write = week
    only = ({}, {"category": "fraud", "name": "the rare kind"}, {"category": "theft"})
    steps = [{"getis_ord": {"order": 1, "inference": "exact"}, **which} for which in only]
    report = run_pipeline(write(hotspots=steps), tmp_path / "out")
    assert [step.category for step, _ in report.results] == [None, "theft"]
    left_out = next(note for note in report.warnings if getattr(note, "code", "") == "runs.step_left_out")
    assert left_out.values["step"] == "the rare kind"
    assert left_out.values["reason"].code == "hotspots.few_incidents_plain"
    assert left_out.say("zh").startswith("“the rare kind”未做：只有 ")
    with pytest.raises(GridmapError, match="fewer than 30"):  # nothing else was asked for
        run_pipeline(write(hotspots=[steps[1]]), tmp_path / "alone")


def test_weeks_vary_as_the_weeks_at_hand_do(week):
    """The intervals of the kinds allow for the variation of weeks, though the trend has months."""
    rows, _ = week
    times = rows.assign(occurred_from=rows["occurred"], occurred_to=rows["occurred"])
    last = period_of_text("2024-03-11/2024-03-17")
    assert _variation_in_days(times, "theft", last) is None  # six weeks
    days = period_of_text("2024-03-17")
    counts = times[times["category"] == "theft"].groupby(times["occurred"].dt.normalize()).size()
    assert _variation_in_days(times, "theft", days) == pytest.approx(variation_of_periods(counts.to_numpy()[1:]))


def test_for_the_public_each_needs_the_kinds(week):
    _, write = week
    with pytest.raises(GridmapError, match="needs the kinds beside it"):
        write(audience="public", hotspots=[{"getis_ord": {"order": 1}, "each": "category"}])


@pytest.mark.parametrize(
    "text, day, dates",
    [
        ("last week", "2024-03-10", "2024-03-04/2024-03-10"),  # a Sunday: that week is over
        ("Last  Week", "2024-03-11", "2024-03-04/2024-03-10"),
        ("last 4 weeks", "2024-03-12", "2024-02-12/2024-03-10"),
        ("last month", "2024-02-29", "2024-02"),
        ("last month", "2024-02-28", "2024-01"),
        ("last 3 months", "2024-01-15", "2023-10-01/2023-12-31"),
        ("this month", "2024-03-05", "2024-03"),
        ("last quarter", "2024-05-05", "2024Q1"),
        ("去年", "2024-05-05", "2023"),
        ("上周", "2024-03-11", "2024-03-04/2024-03-10"),
        ("上个月", "2024-03-11", "2024-02"),
        ("最近4周", "2024-03-12", "2024-02-12/2024-03-10"),
        ("近30天", "2024-03-13", "2024-02-13/2024-03-13"),
        ("2024-03", "2024-03-13", None),
        ("last fortnight", "2024-03-13", None),
        ("last 0 weeks", "2024-03-13", None),
    ],
)
def test_words_for_periods(text, day, dates):
    found = relative_period(text, pd.Timestamp(day))
    assert found == dates
    if found is not None:
        assert period_of_text(found).start_time <= pd.Timestamp(day)


def test_several_audiences_have_a_folder_each_and_the_log_holds_both(week, tmp_path, capsys):
    from gridmap.cli import main

    _, write = week
    write()
    flags = ["--audience", "internal", "--audience", "meeting", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main(["run", *f"{tmp_path / 'w.yaml'} --out {tmp_path / 'out'} --log {tmp_path / 'log.txt'}".split(), *flags])
    assert ended.value.code == 0
    for audience in ("internal", "meeting"):
        record = json.loads((tmp_path / "out" / audience / "run.json").read_text(encoding="utf-8"))
        assert record["audience"] == audience
    assert capsys.readouterr().out == ""
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").count("w.yaml →") == 2


def test_a_report_is_short_to_look_at(week, tmp_path):
    _, write = week
    said = repr(run_pipeline(write(), tmp_path / "out"))
    assert said.startswith("<RunReport w.yaml: <Incidents: 600 used,")
    assert len(said) < 400


def test_a_step_is_held_to_hours_weekdays_and_a_stretch_of_days(week, tmp_path):
    rows, write = week
    method = {"getis_ord": {"order": 1, "inference": "exact"}}
    held = {"hours": [22, 5], "weekdays": [5, 6], "period": "2024-02-12/2024-03-10", "name": "weekend nights"}
    run_pipeline(write(hotspots=[method | held], outputs={"layers": "l.gpkg"}, audience="internal"), tmp_path / "out")
    at = rows["occurred"]
    wanted = at.dt.hour.isin([22, 23, 0, 1, 2, 3, 4, 5]) & at.dt.day_of_week.isin([5, 6])
    wanted &= (at >= "2024-02-12") & (at < "2024-03-11")
    facts = json.loads((tmp_path / "out" / "results" / "facts.json").read_text(encoding="utf-8"))
    noted = [note_from(note) for note in facts["results"][0]["notes"]]
    assert f"Only incidents between 22:00 and 6:00 whose hour is known: {wanted.sum()} of " in str(noted[0])
    assert f"Only incidents on Sat, Sun whose day is known: {wanted.sum()} of " in str(noted[1])
    cells = pd.read_parquet(tmp_path / "out" / "results" / "1_getis_ord.parquet")
    assert cells["count"].sum() == wanted.sum() > 10


@pytest.mark.parametrize(
    "held, named",
    [
        ({"hours": [22]}, r"hours.*\[22, 5\]"),
        ({"hours": [0, 24]}, r"0 to 23"),
        ({"hours": "night"}, r"0 to 23"),
        ({"weekdays": [7]}, r"from 0 \(Monday\)"),
        ({"weekdays": []}, r"from 0 \(Monday\)"),
        ({"officer_initiated": "yes"}, "officer_initiated"),
    ],
)
def test_hours_and_weekdays_that_are_none_are_refused(week, held, named):
    with pytest.raises(GridmapError, match=named):
        week[1](hotspots=[{"getis_ord": {}} | held])


def test_hours_of_a_step_are_not_for_the_public_nor_beside_days_for_a_meeting(week, tmp_path):
    method = {"getis_ord": {"order": 1, "inference": "exact"}}
    with pytest.raises(GridmapError, match="hours: a step held to these cannot be released for the public"):
        week[1](hotspots=[method | {"hours": [22, 5]}], audience="public")
    short = [{"global_moran": {}, "period": "2024-02-12/2024-02-18"}, method | {"hours": [22, 5], "name": "nights"}]
    report = run_pipeline(week[1](hotspots=short, audience="meeting", outputs={"counts": "c.csv"}), tmp_path / "out")
    assert any("getis_ord" in note and "hours" in note for note in report.warnings)
    assert not list((tmp_path / "out" / "results").glob("*getis_ord*"))
    months = [{"global_moran": {}, "period": "2024-02-01/2024-03-31"}, method | {"hours": [8, 20], "name": "days"}]
    run_pipeline(week[1](hotspots=months, audience="meeting", outputs={"layers": "m.gpkg"}), tmp_path / "two")
    assert len(pd.read_parquet(tmp_path / "two" / "results" / "2_getis_ord.parquet"))
