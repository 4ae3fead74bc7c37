"""Several exports as one: the same incident in two of them is counted once, and nothing else is lost."""

import shutil

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import InputError, ReadError
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import read_incident_files
from gridmap.read.several_files import export_files


def _rows(n, *, seed=0, day="2024-03-01", ids=True):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "case_id": [f"C{i:05d}" for i in range(n)],
            "occurred": pd.Timestamp(day) + pd.to_timedelta(rng.integers(0, 28 * 24 * 60, n), unit="m"),
            "category": rng.choice(["theft", "burglary"], n),
            "lon": rng.uniform(-0.2, 0.1, n).round(5),
            "lat": rng.uniform(51.4, 51.6, n).round(5),
        }
    ).sort_values("occurred", ignore_index=True)
    return frame if ids else frame.drop(columns="case_id")


def _used(folder):
    parts = read_incident_files([folder / name for name in export_files("*.csv", folder)])
    whole = Incidents.concat(parts)
    rows = sum(len(pd.read_csv(p)) for p in folder.glob("*.csv"))
    assert len(whole) + len(whole.set_aside) == rows
    return whole


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_weekly_exports_that_overlap_hold_each_incident_once(tmp_path, ids, seed):
    rows = _rows(400, seed=seed, ids=ids)
    for week, start in enumerate(range(0, 400, 100)):
        rows.iloc[max(0, start - 30) : start + 100].to_csv(tmp_path / f"week{week}.csv", index=False)
    whole = _used(tmp_path)
    assert len(whole) == 400
    assert whole.set_aside["reason"].value_counts().to_dict() == {"counted_before": 90}


def test_a_file_that_lies_there_twice_is_counted_once(tmp_path):
    rows = _rows(50, ids=False).assign(occurred="2024-03")  # a month at a place tells no incident, the bytes do
    rows.to_csv(tmp_path / "a.csv", index=False)
    shutil.copy(tmp_path / "a.csv", tmp_path / "copy of a.csv")
    assert len(_used(tmp_path)) == 50


def test_a_number_that_begins_anew_in_each_file_means_nothing_across_files(tmp_path):
    for month in (1, 2, 3):
        rows = _rows(40, seed=month, day=f"2024-0{month}-01").assign(case_id=range(1, 41))
        rows.to_csv(tmp_path / f"{month}.csv", index=False)
    assert len(_used(tmp_path)) == 120


def test_an_incident_that_was_put_right_since_is_still_the_same(tmp_path):
    rows = _rows(60)
    rows.to_csv(tmp_path / "1.csv", index=False)
    rows.loc[:9, "lon"] += 0.01
    rows.loc[50:].to_csv(tmp_path / "2.csv", index=False)
    rows.loc[:40].to_csv(tmp_path / "3.csv", index=False)
    assert len(_used(tmp_path)) == 60


def test_two_equal_incidents_of_one_file_stay_two(tmp_path):
    rows = _rows(20, ids=False)
    twice = pd.concat([rows, rows.iloc[:3]])
    twice.to_csv(tmp_path / "1.csv", index=False)
    pd.concat([twice, _rows(5, seed=9, ids=False)]).to_csv(tmp_path / "2.csv", index=False)
    assert len(_used(tmp_path)) == 28


def test_months_at_snapped_places_of_two_files_are_not_joined(tmp_path):
    rows = _rows(30, ids=False).assign(occurred="2024-03")
    rows.to_csv(tmp_path / "north.csv", index=False)
    rows.assign(category="fraud").to_csv(tmp_path / "south.csv", index=False)
    assert len(_used(tmp_path)) == 60


def test_the_rows_that_are_set_aside_are_those_that_were_there_before(tmp_path):
    rows = _rows(30)
    rows.iloc[:20].to_csv(tmp_path / "1.csv", index=False)
    rows.iloc[[25, 3, 26, 7]].to_csv(tmp_path / "2.csv", index=False)
    aside = _used(tmp_path).set_aside
    assert aside[["file", "row"]].to_numpy().tolist() == [["2.csv", 2], ["2.csv", 4]]


def test_brackets_in_a_name_are_a_name_and_a_folder_is_its_tables(tmp_path):
    for name in ("cases[2].csv", "cases2.csv", "~$cases.xlsx", ".hidden.csv", "notes.docx"):
        (tmp_path / name).write_text("x")
    assert export_files("cases[2].csv", tmp_path) == ["cases[2].csv"]
    assert export_files("cases[0-9].csv", tmp_path) == ["cases2.csv"]
    assert export_files(".", tmp_path) == ["cases2.csv", "cases[2].csv"]
    with pytest.raises(ReadError, match="no pattern that fits"):
        export_files("none*.csv", tmp_path)


def test_incidents_are_chosen_by_mask_slice_and_function(tmp_path):
    _rows(30).to_csv(tmp_path / "1.csv", index=False)
    incidents = _used(tmp_path)
    frame = incidents.to_frame()
    theft = frame["category"] == "theft"
    assert incidents[theft].to_frame().equals(frame[theft].reset_index(drop=True))
    assert len(incidents.select(lambda rows: rows["category"] == "theft")) == len(incidents.select(category="theft"))
    assert incidents[5:8].to_frame()["incident_id"].tolist() == frame["incident_id"][5:8].tolist()
    assert incidents.head(3).equals(frame.head(3))
    for wrong in ([True], "theft", [1, 2, 3]):
        with pytest.raises(InputError, match="yes and no"):
            incidents[wrong]
