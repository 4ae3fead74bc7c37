"""What an audience may not see is held against all joins of what it gets, and against each cell by itself."""

import json
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap._io import sha256_of
from gridmap.errors import GridmapWarning, InputError, ReadError
from gridmap.privacy import gate, hours_tell_dates
from gridmap.runs import run_pipeline
from gridmap.runs.audience_limits import record_for, shown_timeline
from gridmap.runs.replay import replay_run
from gridmap.runs.run import read_all_incidents
from tests.faults.conftest import Town


def pinned(hours: pd.DataFrame, trend: pd.DataFrame) -> int:
    """An attacker's join: how many incidents certainly lie on one date and in one hour (Fréchet's lower bound)."""
    known = 0
    by_day = trend.groupby("period")["count"].sum()
    by_day = by_day[by_day.index.str.len() == 10]
    for weekday, of_weekday in hours.groupby("weekday"):
        by_hour = of_weekday.groupby("hour")["count"].sum()
        named = pd.to_datetime(by_day.index).day_name()
        for n in by_day[(named == weekday) | (pd.to_datetime(by_day.index).day_of_week == weekday)]:
            known += int(np.clip(n + by_hour - by_hour.sum(), 0, None).sum())
    return known


def dated(town, days):
    """Six incidents a day, one at 3 and five at 14 o'clock."""
    hours = (3, 14, 14, 14, 14, 14)
    rng = np.random.default_rng(1)
    at = [day + pd.Timedelta(hours=h) for day in pd.date_range("2024-03-04", periods=days) for h in hours]
    rows = pd.DataFrame({"date": at, "category": "theft", "lon": rng.normal(-1.53, 0.003, len(at))})
    rows.assign(lat=rng.normal(53.77, 0.002, len(at))).to_csv(town.folder / "points.csv", index=False)


@pytest.mark.parametrize("days, audience, joined", [(7, "internal", 1), (7, "meeting", 0), (28, "meeting", 0)])
def test_hours_and_days_together_tell_no_incident_s_hour(tmp_path, days, audience, joined):
    town = Town(tmp_path / "town")
    dated(town, days)
    run_pipeline(town.pipeline(audience=audience, hotspots=["getis_ord"]), tmp_path / "out")
    results = tmp_path / "out" / "results"
    trend, hours = pd.read_parquet(results / "trend.parquet"), results / "hours.parquet"
    assert (hours.exists() and pinned(pd.read_parquet(hours), trend) > 0) == joined
    if days == 28:  # the hours are told, and the days are not
        assert set(trend["period"]) == {"2024-03"}
        assert hours.exists()
    if days == 7 and audience == "meeting":  # and no sentence tells them either
        facts = json.loads((results / "facts.json").read_text(encoding="utf-8"))["facts"]
        assert not any("hour" in str(fact.get("kind")) or "clock" in str(fact.get("kind")) for fact in facts)


def test_a_week_s_hours_of_the_week_are_left_out_of_a_meeting(tmp_path):
    town = Town(tmp_path / "town")
    dated(town, 7)
    report = run_pipeline(town.pipeline(audience="meeting", hotspots=["getis_ord", "hour_of_week"]), tmp_path / "out")
    assert [step.method for step, _ in report.results] == ["getis_ord"]
    assert any("hour_of_week is left out" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    "beside, kept",
    [
        ([], ["hour_of_week"]),
        ([{"every": "month"}], ["month", "hour_of_week"]),
        ([{"every": "day"}], ["day"]),
        ([{"every": "week"}], ["week"]),
        ([{"every": "month", "period": "2024-03-05"}], ["month"]),
    ],
)
def test_hours_of_a_cell_are_not_shown_beside_its_days(tmp_path, beside, kept):
    """A cell with one incident would have its date in the one and its hour in the other."""
    town = Town(tmp_path / "town")
    dated(town, 56)
    timeline = [*beside, {"every": "hour_of_week"}]
    for audience, expected in (("meeting", kept), ("internal", [step["every"] for step in timeline])):
        pipeline = town.pipeline(audience=audience, hotspots=["getis_ord"], timeline=timeline)
        incidents = read_all_incidents(pipeline, gpd.read_file(town.folder / "zones.geojson"))[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GridmapWarning)
            shown = shown_timeline(pipeline, incidents)
        assert [step.every for step in shown] == expected


def test_a_run_leaves_out_the_clock_of_cells_beside_their_days(tmp_path):
    town = Town(tmp_path / "town")
    dated(town, 56)
    timeline = [{"every": "day"}, {"every": "hour_of_week"}]
    pipeline = town.pipeline(audience="meeting", hotspots=["getis_ord"], timeline=timeline)
    report = run_pipeline(pipeline, tmp_path / "out")
    assert any("timeline is left out" in warning for warning in report.warnings)
    assert [step.every for step in report.pipeline.timeline] == ["day"]


def test_dates_that_cannot_be_told_apart_are_no_harm():
    at = pd.to_datetime([f"2024-03-{day:02d} {hour:02d}:00" for day in (4, 11, 18, 25) for hour in (1, 7, 13, 19)])
    assert not hours_tell_dates(pd.DataFrame({"occurred_from": at, "occurred_to": at}))


def parcels(**columns):
    """Thirty-nine parcels of 63 m² among a hundred fields."""
    n = 139
    area = np.r_[np.full(39, 63.0), np.full(100, 40_000.0)]
    frame = pd.DataFrame({"area_m2": area, **columns}, index=pd.Index(map(str, range(n)), name="cell_id"))
    shapes = [shapely.box(-1.5 + i * 0.01, 53.7, -1.495 + i * 0.01, 53.705) for i in range(n)]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4326)


@pytest.mark.parametrize("audience", ["meeting", "public"])
def test_small_cells_among_large_ones_are_refused_one_by_one(audience):
    count = np.r_[np.full(39, 1), np.full(100, 9)]
    with pytest.raises(InputError, match="39 cells that hold incidents"):
        gate(parcels(count=count), "cells", audience=audience)
    empty = parcels(count=np.r_[np.zeros(39, int), np.full(100, 9)])
    assert len(gate(empty, "cells", audience="meeting")) == 139  # that nothing happened there is no address


def test_a_cell_of_one_household_is_as_good_as_an_address():
    count, persons = np.r_[np.zeros(39, int), np.full(100, 9)], np.full(139, 900)
    assert len(gate(parcels(count=count, persons=persons), "cells", audience="meeting")) == 139
    persons[[50, 60]] = 3, 0  # nobody lives in the second: a park is no household
    with pytest.raises(InputError, match=r"1 cell that holds incidents and has fewer than 10 residents"):
        gate(parcels(count=count, persons=persons), "cells", audience="meeting")


def test_the_public_s_record_confirms_no_guess_of_a_small_file(tmp_path):
    town = Town(tmp_path / "town")
    run_pipeline(town.pipeline(audience="public", hotspots=["getis_ord"]), tmp_path / "out")
    for name in ("run.json", "audit.jsonl"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        for file in ("points.csv", "zones.geojson"):
            assert sha256_of(town.folder / file) not in text
    first = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    rows = pd.read_csv(town.folder / "points.csv")
    rows.assign(secret="x").to_csv(town.folder / "points.csv", index=False)  # another file, the same is told
    run_pipeline(town.pipeline(audience="public", hotspots=["getis_ord"]), tmp_path / "again")
    again = json.loads((tmp_path / "again" / "run.json").read_text(encoding="utf-8"))
    assert first["run_id"] == again["run_id"]
    assert not 0 < first["incidents"]["set_aside"] < 5


def test_the_public_s_record_tells_nothing_of_how_the_data_lie_at_whoever_made_it(tmp_path):
    town = Town(tmp_path / "town")
    (town.folder / "secret-folder").mkdir()
    (town.folder / "points.csv").rename(town.folder / "secret-folder" / "points.csv")
    columns = {"path": "secret-folder/points.csv", "columns": {"category": "category"}, "category": ["theft"]}
    settings = {"incidents": columns, "limits": {"seconds": 4711}, "hotspots": ["getis_ord"]}
    run_pipeline(town.pipeline(audience="public", **settings), tmp_path / "out")
    for name in ("run.json", "audit.jsonl"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        for held in ("secret-folder", "columns", "4711", "zone_id"):
            assert held not in text, (name, held)
        assert "getis_ord" in text
    with pytest.raises(ReadError, match="Run the pipeline file itself"):
        replay_run(tmp_path / "out" / "run.json", tmp_path / "again")


def test_no_password_of_a_database_stands_in_a_record():
    address = "postgresql+pg8000://reader:hunter2@host/cases?password=hunter3&x=1"
    for audience in ("internal", "meeting", "public"):
        inputs = [{"path": address, "rows": 9}]
        told = record_for({"settings": {"incidents": {"path": address}}, "inputs": inputs}, audience)
        assert "hunter" not in json.dumps(told)
        assert audience == "public" or "reader:***@host" in json.dumps(told)
