"""From hotspots to a folder, and back from the filled-in log."""

import libpysal
import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.patrol.plan_from_options import log_to_folder, plan_to_folder


def test_hotspots_of_a_grid_become_a_plan_on_streets_and_a_log(tmp_path, tempe, tempe_crimes):
    land = tempe.edges[["geometry"]].union_all().envelope
    zone = tempe_crimes.iloc[[0]].set_geometry([land]).assign(zone_id="tempe")[["zone_id", "geometry"]]
    grid = gm.make_grid(zone, system="square", cell_size_m=150)
    row = grid.locate(tempe_crimes.geometry.x, tempe_crimes.geometry.y)
    count = np.bincount(row[row >= 0], minlength=len(grid))
    hot = gm.getis_ord(pd.DataFrame({"count": count}, index=grid.cells.index), grid)
    options = {"units": 2, "shift_h": 3, "random_state": 0, "rounds": 20, "mode": "walk", "sheets": False}
    plan, written = plan_to_folder(hot, tmp_path / "plan", roads=libpysal.examples.get_path("streets.shp"), **options)
    hot_cells = hot.cells.index[hot.cells["label"].str.startswith("hot")]
    assert len(plan.stops) > 0
    assert set(plan.stops["place_id"]) <= set(hot_cells)
    assert all(path.exists() for path in written)
    table = pd.read_csv(tmp_path / "plan" / "visits.csv", dtype=str, keep_default_na=False)
    table.assign(arrived=table["planned_arrive"], left=table["planned_leave"]).to_csv(tmp_path / "log.csv", index=False)
    dosage, files = log_to_folder(tmp_path / "plan", tmp_path / "log.csv", tmp_path / "compared")
    assert dosage.share_done == 1.0
    assert all(path.exists() for path in files)


def test_the_same_options_write_the_same_plan(tmp_path, tempe_crimes):
    places = tempe_crimes.iloc[:12][["geometry"]].assign(place_id=range(12), prize=1.0)
    tables = []
    for name in "ab":
        plan_to_folder(places, tmp_path / name, units=1, shift_h=2, random_state=4, rounds=20, sheets=False)
        tables.append((tmp_path / name / "visits.csv").read_bytes())
    assert tables[0] == tables[1]


def record(file, stops, begin):
    """A track as a phone writes it: a point every 30 s while the unit stays, in UTC."""
    points = []
    for stop in stops.itertuples():
        for t in np.arange(stop.arrive_s, stop.leave_s + 1, 30):
            when = (begin + pd.Timedelta(seconds=t)).isoformat()
            points.append(f'<trkpt lat="{stop.geometry.y}" lon="{stop.geometry.x}"><time>{when}</time></trkpt>')
    file.write_text(f"<gpx><trk><trkseg>{''.join(points)}</trkseg></trk></gpx>", encoding="utf-8")


@pytest.fixture
def planned(tmp_path, tempe_crimes):
    places = tempe_crimes.iloc[[0, 40, 90, 140, 200]][["geometry"]].assign(place_id=[*"abcd", "=e"], prize=1.0)
    units = pd.DataFrame({"unit_id": ["car/1", "=2"]})
    plan, _ = plan_to_folder(places, tmp_path / "plan", units=units, shift_h=2, random_state=4, rounds=20, sheets=False)
    return plan, tmp_path


def test_tracks_and_a_filled_in_log_are_compared_together(planned):
    plan, folder = planned
    tracks = folder / "recorded"
    tracks.mkdir()
    first, second = plan.routes["unit_id"]
    for file in (folder / "plan" / "gpx").iterdir():
        if "car_1" in file.name:  # eight in the morning in Shanghai is midnight in UTC
            record(tracks / file.name, plan.stops[plan.stops["unit_id"] == "car/1"], pd.Timestamp("2026-11-02T00:00Z"))
    table = pd.read_csv(folder / "plan" / "visits.csv", dtype=str, keep_default_na=False)
    kept = table[table["unit_id"] != "car/1"]
    kept.assign(arrived=kept["planned_arrive"], left=kept["planned_leave"]).to_csv(tracks / "visits.csv", index=False)
    dosage, _ = log_to_folder(folder / "plan", tracks, folder / "out", timezone="Asia/Shanghai")
    assert {first, second} == {"car/1", "=2"}
    assert dosage.share_done == 1.0
    assert dosage.visits["late_min"].abs().max() <= 1
    assert "=e" in dosage.places.index
    assert not (folder / "out" / "dosage_places.csv").read_text(encoding="utf-8-sig").split("\n")[1].startswith("=")


def test_tracks_without_a_time_zone_or_with_a_strange_name_are_refused(planned):
    plan, folder = planned
    file = folder / "ride.gpx"
    record(file, plan.stops, pd.Timestamp("2026-11-02T00:00Z"))
    with pytest.raises(gm.errors.SettingError, match="timezone"):
        log_to_folder(folder / "plan", file, folder / "out")
    with pytest.raises(gm.errors.InputError, match="not a track of this plan"):
        log_to_folder(folder / "plan", file, folder / "out", timezone="UTC")
    empty = folder / "nothing"
    empty.mkdir()
    with pytest.raises(gm.errors.InputError, match=r"no visits\.csv"):
        log_to_folder(folder / "plan", empty, folder / "out")
    assert not (folder / "out").exists()


@pytest.mark.parametrize("name", ["log.csv", "log.xlsx"])
def test_a_log_as_excel_saves_it_in_china_is_read(tmp_path, name):
    plan = pd.DataFrame({"unit_id": ["一组"] * 2, "shift": [1, 1], "place_id": ["火车站", "汽车站"],
                         "planned_arrive": ["08:00", "08:20"], "planned_leave": ["08:12", "08:32"]})  # fmt: skip
    plan.to_csv(tmp_path / "visits.csv", index=False, encoding="utf-8-sig")
    done = plan.assign(arrived=["08:01", "08:21"], left=["08:13", "08:33"])
    if name.endswith("xlsx"):
        done.to_excel(tmp_path / name, index=False)
    else:
        done.to_csv(tmp_path / name, index=False, encoding="gb18030")
    dosage, _ = log_to_folder(tmp_path / "visits.csv", tmp_path / name, tmp_path / "out")
    assert dosage.share_done == 1.0
    assert dosage.places["actual_min"].tolist() == [12.0, 12.0]


def test_the_log_feeds_the_evaluation(planned):
    _, folder = planned
    table = pd.read_csv(folder / "plan" / "visits.csv", dtype=str, keep_default_na=False)
    table.assign(arrived=table["planned_arrive"], left=table["planned_leave"]).to_csv(folder / "log.csv", index=False)
    pd.DataFrame({"place_id": ["a", "b", "c", "z"], "before": [9, 9, 9, 20], "after": [5, 6, 7, 22]}).to_csv(
        folder / "counts.csv", index=False
    )
    _, files = log_to_folder(folder / "plan", folder / "log.csv", folder / "out", counts=folder / "counts.csv")
    found = pd.read_csv(next(f for f in files if f.name == "dosage_effect.csv"), index_col="dose")
    assert found.loc["any", ["before", "after", "prevented"]].tolist() == [27, 18, 11]
    assert found.loc["none", "places"] == 1
