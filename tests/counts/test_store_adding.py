"""A store of incidents: nothing is counted twice, nothing is lost, and whoever is killed leaves it as it was."""

import errno
import json
import os
import shutil
import signal
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

import gridmap as gm
from gridmap import _io
from gridmap.counts import store_adding
from gridmap.counts.store_adding import IncidentStore
from gridmap.errors import InputError, OutputError, ReadError, SettingError
from gridmap.read.store_reading import MANIFEST, read_manifest
from tests.faults.killed import killed_at_step


def table(n=60, *, first=0, start="2024-01-20", days=20, seed=0, ids=True, month=False):
    """An export of n incidents around Leeds."""
    rng = np.random.default_rng(seed)
    when = pd.Timestamp(start) + pd.to_timedelta(np.sort(rng.integers(0, days * 86_400, n)), unit="s")
    frame = pd.DataFrame(
        {
            "case_id": [f"c{first + i}" for i in range(n)],
            "time": when.strftime("%Y-%m" if month else "%Y-%m-%d %H:%M:%S"),
            "category": rng.choice(["theft", "fraud"], n),
            "lon": rng.normal(-1.5, 0.05, n).round(5),
            "lat": rng.normal(53.8, 0.05, n).round(5),
        }
    )
    return frame if ids else frame.drop(columns="case_id")


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


class Office:
    """A folder of exports and a store."""

    def __init__(self, folder):
        self.folder, self.store = folder, IncidentStore(folder / "store")

    def export(self, frame, name):
        frame.to_csv(self.folder / name, index=False)
        return self.folder / name

    def add(self, frame, name="export.csv", **options):
        added = self.store.add(self.export(frame, name), **options)
        self.hold()
        return added

    def hold(self):
        """The law, of the history, of the files, and of what is read."""
        manifest = read_manifest(self.store.folder)
        assert self.store.check() == []
        read = self.store.incidents()
        assert len(read) + len(read.set_aside) == manifest.rows_in
        assert sum(pq.read_metadata(self.store.folder / p.path).num_rows for p in manifest.parts) == len(read)


def contents(incidents):
    frame = incidents.to_frame()
    return sorted(frame.astype(str).itertuples(index=False, name=None))


def zones():
    boxes = [shapely.box(-1.8, 53.5, -1.5, 54.1), shapely.box(-1.5, 53.5, -1.2, 54.1)]
    return gm.make_grid(gpd.GeoDataFrame({"zone_id": ["w", "e"]}, geometry=boxes, crs=4326), system="zones")


def test_a_store_holds_what_its_exports_hold_each_incident_once(office):
    whole = table(90)
    office.add(whole[:60], "week1.csv")
    second = office.add(whole[40:], "week2.csv")
    assert (second.addition.used, second.addition.set_aside) == (30, {"counted_before": 20})
    assert contents(office.store.incidents()) == contents(gm.read_incidents(office.export(whole, "whole.csv")))
    assert contents(gm.read_incidents(office.store.folder)) == contents(office.store.incidents())
    again = office.store.add(office.export(whole[:60], "the same under another name.csv"))
    assert (again.again, again.addition.number) == (True, 1)
    assert len(office.store.history) == 2


def test_without_ids_the_same_time_kind_and_place_is_the_same_incident_as_often_as_it_stands(office):
    whole = table(50, ids=False)
    twice = pd.concat([whole, whole[:3]])
    office.add(twice, "a.csv")
    assert len(office.store) == 53
    assert office.add(pd.concat([twice, whole[:1]]), "b.csv").addition.used == 1


def test_a_correction_replaces_its_rows_and_the_history_says_so(office):
    whole = table(40)
    office.add(whole, "first.csv")
    corrected = whole[5:15].assign(category="fraud")
    changed = int((whole[5:15]["category"] != "fraud").sum())
    added = office.add(corrected, "corrected.csv")
    assert added.addition.replaced == {"1": changed}
    assert added.addition.used == changed
    held = office.store.incidents().to_frame().set_index("incident_id")
    assert (held.loc[corrected["case_id"], "category"] == "fraud").all()
    assert len(held) == 40
    aside = office.store.incidents().set_aside
    assert (aside["reason"] == "replaced").sum() == changed
    assert set(aside.loc[aside["reason"] == "replaced", "file"]) == {"first.csv"}
    assert list(office.store.history["replaced"]) == [0, changed]


def test_a_correction_may_move_an_incident_to_another_month_and_place(office):
    whole = table(30)
    office.add(whole, "first.csv")
    moved = whole[:2].assign(time="2025-06-01 10:00:00")
    office.add(pd.concat([moved, whole[2:10]]), "moved.csv")
    assert set(office.store.incidents(period="2025-06").to_frame()["incident_id"]) == {"c0", "c1"}
    assert len(office.store) == 30


def test_an_export_that_is_the_whole_truth_of_a_period_takes_away_what_it_does_not_have(office):
    whole = table(60)
    office.add(whole, "first.csv")
    january = whole[whole["time"].str.startswith("2024-01")]
    added = office.add(january[3:], "january.csv", replace="2024-01")
    assert sum(added.addition.replaced.values()) == 3
    assert len(office.store) == 57
    assert added.addition.period == "2024-01"
    assert not set(january[:3]["case_id"]) & set(office.store.incidents().to_frame()["incident_id"])


def test_months_without_ids_cannot_be_told_apart_and_a_note_says_so(office):
    whole = table(40, ids=False, month=True, days=5)
    office.add(whole, "a.csv")
    added = office.add(whole[:30], "b.csv")
    assert [n.code for n in added.notes if n.code == "store.cannot_tell"]
    assert len(office.store) == 70
    office.add(whole, "c.csv", replace="2024-01")
    assert len(office.store) == 40


def test_ids_that_are_numbered_anew_are_refused_until_it_is_said_what_they_are(office):
    office.add(table(40), "a.csv")
    other = table(40, start="2024-03-01", seed=1)
    with pytest.raises(InputError, match="same time or place") as refused:
        office.store.add(office.export(other, "b.csv"))
    assert "--ids" in str(refused.value)
    office.hold()
    office.add(other, "b.csv", ids="own")
    assert len(office.store) == 80
    with pytest.raises(SettingError, match="ids"):
        office.store.add(office.export(other, "b.csv"), ids="mine")


@pytest.mark.parametrize("written", ["{:05d}", "C{}", "c {}", "\N{FULLWIDTH LATIN SMALL LETTER C}{}"])
@pytest.mark.parametrize("together", [1_000_000, 25])
def test_ids_that_are_written_differently_are_refused_until_it_is_said_what_they_are(
    office, written, together, monkeypatch
):
    """Zeros in front lost in a spreadsheet, another prefix: the same incidents would all be counted twice."""
    monkeypatch.setattr(store_adding, "ROWS_TOGETHER", together)
    first = table(60)
    office.add(first, "a.csv")
    again = pd.concat([first.assign(case_id=[written.format(i) for i in range(60)]), table(3, first=900, seed=5)])
    with pytest.raises(InputError, match="under another id") as refused:
        office.store.add(office.export(again, "b.csv"))
    assert "--ids" in str(refused.value)
    office.hold()
    assert len(office.store) == 60
    added = office.add(again, "b.csv", ids="own")
    assert (added.addition.used, len(office.store)) == (3, 63)


def test_other_incidents_at_the_time_and_place_of_known_ones_are_added(office):
    """A few thefts of one minute in one shop are no other way to write an id, nor are two rows for one."""
    first = table(60)
    office.add(first, "a.csv")
    more = pd.concat([first[:12].assign(case_id=[f"x{i}" for i in range(12)]), table(30, first=60, start="2024-02-20")])
    assert office.add(more, "b.csv").addition.used == 42
    assert (
        office.add(pd.concat([first, first.assign(case_id="y" + first["case_id"])]), "c.csv", ids="same").addition.used
        == 60
    )


def test_a_whole_number_with_a_point_is_the_same_id(office):
    """One empty cell makes 7 into 7.0 in an export of pandas or a spreadsheet."""
    first = table(40).assign(case_id=range(40))
    office.add(first, "a.csv")
    office.add(first.assign(case_id=first["case_id"].astype(float)), "b.csv")
    assert len(office.store) == 40


def test_rows_that_cannot_be_read_and_personal_columns_stay_out(office):
    frame = table(30).assign(victim_name="Jane Roe", phone="13812345678")
    frame.loc[:4, "lon"] = None
    added = office.add(frame)
    assert added.addition.rows == 30
    assert added.addition.set_aside == {"no_coordinates": 5}
    assert set(office.store.manifest.dropped) == {"victim_name", "phone"}
    written = b"".join(p.read_bytes() for p in office.store.folder.rglob("*") if p.is_file())
    names = {c for p in office.store.folder.rglob("*.parquet") for c in pq.read_schema(p).names}
    assert not names & {"victim_name", "phone"}
    assert b"Jane Roe" not in written


def test_columns_may_come_and_change_their_kind(office):
    office.add(table(20).assign(beat=7), "numbers.csv")
    office.add(table(20, first=100, seed=1).assign(beat="B7", harm=2.5), "texts.csv")
    held = office.store.incidents().to_frame()
    assert sorted(held["beat"].unique()) == ["7", "B7"]
    assert held["harm"].notna().sum() == 20


def test_counts_of_a_store_are_those_of_one_reading_and_count_only_what_is_new(office, monkeypatch):
    grid, counted = zones(), []
    really = IncidentStore._sums
    monkeypatch.setattr(
        IncidentStore, "_sums", lambda self, m, part, task: counted.append(part.month) or really(self, m, part, task)
    )
    office.add(table(80), "a.csv")
    for settings in (
        {},
        {"by": "category"},
        {"every": "week"},
        {"every": "month", "by": "category"},
        {"category": "theft"},
    ):
        found, plain = (
            office.store.counts(grid, **settings),
            gm.count_by_cell(office.store.incidents(), grid, **settings),
        )
        pd.testing.assert_frame_equal(found, plain)
        assert found.about == plain.about
    counted.clear()
    office.add(table(30, first=500, start="2024-02-01", days=3, seed=2), "b.csv")
    found = office.store.counts(grid, every="month", by="category")
    assert counted == ["2024-02"]
    pd.testing.assert_frame_equal(found, gm.count_by_cell(office.store.incidents(), grid, every="month", by="category"))
    for period in ("2024-01", "2024-01-29/2024-02-04", "last week"):
        within = office.store.incidents(period=period)
        pd.testing.assert_frame_equal(office.store.counts(grid, period=period), gm.count_by_cell(within, grid))
    for kept in (office.store.folder / "counts").iterdir():
        kept.write_bytes(kept.read_bytes()[:-30] + b"x" * 30)  # damaged: counted anew
    pd.testing.assert_frame_equal(office.store.counts(grid), gm.count_by_cell(office.store.incidents(), grid))


def test_a_month_is_answered_without_the_files_of_other_months(office):
    for at, month in enumerate(("2023-11", "2023-12", "2024-01")):
        office.add(table(20, first=100 * at, start=f"{month}-02", seed=at), f"{month}.csv")
    for part in office.store.manifest.parts:
        if part.month != "2024-01":
            (office.store.folder / part.path).unlink()
    assert len(office.store.incidents(period="this month")) == 20
    assert len(office.store.counts(zones(), period="2024-01")) == 2
    with pytest.raises(ReadError, match="missing"):
        office.store.incidents()


def test_a_time_known_to_no_better_than_a_year_lies_in_no_month(office):
    frame = table(20)
    office.add(frame)
    years = pd.DataFrame({"case_id": ["y"], "category": ["theft"], "lon": [-1.5], "lat": [53.8]})
    years["from"], years["to"] = "2024-01-01 00:00:00", "2024-12-31 00:00:00"
    office.add(years, "years.csv", columns={"occurred_from": "from", "occurred_to": "to"})
    whole = gm.read_incidents(office.store.folder)
    for period in ("2024-07", "2024-01", "2024", "2024-01-22/2024-01-28"):
        assert contents(office.store.incidents(period=period)) == contents(whole.where(period=period))
    assert len(office.store.incidents(period="2024")) == 21
    assert len(office.store.incidents(period="2024-07")) == 0


@pytest.mark.parametrize("together", [1_000_000, 7], ids=["whole", "in pieces"])
@pytest.mark.parametrize("seed", range(2))
def test_conservation_over_random_additions(office, seed, together, monkeypatch):
    monkeypatch.setattr(store_adding, "ROWS_TOGETHER", together)
    """Against a list kept by hand: each id in its last version; and rows in = in the store + set aside."""
    rng = np.random.default_rng(seed)
    known: dict[str, tuple] = {}
    for turn in range(5):
        frame = table(int(rng.integers(5, 40)), first=int(rng.integers(0, 60)), seed=int(rng.integers(0, 3)))
        frame["lon"] = [-1.5 + int(i[1:]) / 1000 for i in frame["case_id"]]  # an id keeps its place: it is an incident
        frame["lat"] = 53.8
        frame.loc[rng.random(len(frame)) < 0.1, "lat"] = None
        office.add(frame, f"{turn}.csv")
        good = frame.dropna()
        known |= {row.case_id: (row.time, row.category) for row in good.itertuples()}
        held = office.store.incidents().to_frame()
        assert (
            dict(
                zip(
                    held["incident_id"],
                    zip(held["occurred_from"].astype(str), held["category"], strict=True),
                    strict=True,
                )
            )
            == known
        )


# ---------------------------------------------------------------------------------------------- hostile


def test_two_at_once_and_a_place_that_is_no_store(office, tmp_path):
    office.add(table(10))
    with office.store._alone(), pytest.raises(OutputError, match="running"):
        IncidentStore(office.store.folder).add(office.export(table(5, seed=3), "b.csv"))
    office.hold()
    with pytest.raises(OutputError, match="folder"):
        IncidentStore(tmp_path / "export.csv")
    with pytest.raises(ReadError, match="gridmap add"):
        gm.count_by_cell(IncidentStore(tmp_path / "none").incidents(), zones())
    with pytest.raises(SettingError, match="added"):
        gm.read_incidents(office.store.folder, datum="gcj02")


def test_a_store_that_was_edited_is_named_and_left_as_it_is(office):
    office.add(table(40), "a.csv")
    office.add(table(20, first=200, start="2024-03-02", seed=5), "b.csv")
    place, part = office.store.folder / MANIFEST, office.store.manifest.parts[0]
    whole = place.read_text(encoding="utf-8")

    edited = json.loads(whole)
    edited["additions"][0]["file"] = "another.csv"
    place.write_text(json.dumps(edited), encoding="utf-8")
    assert [fault.code for fault in office.store.check()] == ["store.history_edited"]
    edited["parts"][0]["rows"] -= 1
    for text, code in ((json.dumps(edited), "store.unequal"), (whole[:100], "store.damaged"), ("[]", "store.damaged")):
        place.write_text(text, encoding="utf-8")
        with pytest.raises(ReadError) as refused:
            office.store.add(office.export(table(5, seed=9), "c.csv"))
        assert refused.value.args[0].code == code
    escaped = json.loads(whole)
    escaped["parts"][0]["path"] = "../../etc/passwd.parquet"
    place.write_text(json.dumps(escaped), encoding="utf-8")
    with pytest.raises(ReadError, match="damaged"):
        office.store.incidents()
    place.unlink()
    with pytest.raises(ReadError, match=r"store\.json is gone"):
        office.store.add(office.export(table(5, seed=9), "c.csv"))

    place.write_text(whole, encoding="utf-8")
    data = office.store.folder / part.path
    kept = data.read_bytes()
    data.write_bytes(kept[:50] + bytes([kept[50] ^ 1]) + kept[51:])
    assert [fault.code for fault in office.store.check()] == ["store.part_changed"]
    data.write_bytes(kept[:-1])
    with pytest.raises(ReadError, match="not what was written"):
        office.store.incidents()
    data.write_bytes(kept)
    stranger = data.parent / "mine.parquet"
    pq.write_table(pa.table({"lon": [0.0]}), stranger)  # a file of somebody's own is neither read nor taken away
    office.hold()
    office.add(table(5, first=900, seed=11), "d.csv")
    assert stranger.exists()
    assert len(office.store) == 65


def test_a_full_disk_leaves_the_store_as_it_was(office, monkeypatch):
    office.add(table(40), "a.csv")
    before = {p: p.read_bytes() for p in office.store.folder.rglob("*.parquet")}
    really, writes = pq.write_table, []

    def full(*arguments, **options):
        writes.append(1)
        if len(writes) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return really(*arguments, **options)

    monkeypatch.setattr(store_adding.pq, "write_table", full)
    with pytest.raises(OutputError, match="No space left"):
        office.store.add(office.export(table(60, first=200, seed=3, days=80), "b.csv"))
    assert {p: p.read_bytes() for p in office.store.folder.rglob("*.parquet")} == before
    office.hold()


def test_a_large_export_in_pieces_leaves_what_it_leaves_whole(office, tmp_path, monkeypatch):
    exports = [table(60), pd.concat([table(60)[:50].assign(beat="B7"), table(30, first=70, seed=2)])]
    other = Office(tmp_path / "pieces")
    (tmp_path / "pieces").mkdir()
    for i, frame in enumerate(exports):
        whole = office.add(frame, f"{i}.csv").addition
        with monkeypatch.context() as patch:
            patch.setattr(store_adding, "ROWS_TOGETHER", 7)
            taken = other.add(frame, f"{i}.csv").addition
        assert (taken.used, taken.set_aside, taken.replaced) == (whole.used, whole.set_aside, whole.replaced)
    assert contents(other.store.incidents()) == contents(office.store.incidents())
    assert [p.name for p in other.store.folder.iterdir() if p.name.startswith(".gridmap-")] == [".gridmap-store"]
    named = {part.path for part in other.store.manifest.parts} | set(other.store.manifest.retired)
    assert {p.relative_to(other.store.folder).as_posix() for p in other.store.folder.rglob("h3=*/*.parquet")} <= named


def test_who_reads_while_another_adds_sees_one_state(office):
    office.add(table(40), "a.csv")
    read = office.store.incidents()
    office.add(table(40).assign(category="fraud"), "b.csv")
    assert len(read.arrow()) == 40
    assert "theft" in set(read.to_frame()["category"])


def kill_at(office, steps, frames, work="stored", *arguments):
    """Add the second export, killed before each of these steps: the store is as before or as after, and can go on."""
    first, second = office.export(frames[0], "a.csv"), office.export(frames[1], "b.csv")
    plain, killed = IncidentStore(office.folder / "plain"), 0
    plain.add(first)
    assert killed_at_step(0, work, str(plain.folder), str(second), *arguments) > max(steps)
    expected = contents(plain.incidents())
    begun = IncidentStore(office.folder / "begun")
    begun.add(first)
    before = contents(begun.incidents())
    for step in steps:
        office.store = IncidentStore(office.folder / f"store{step}")
        shutil.copytree(office.folder / "begun", office.store.folder)
        died = killed_at_step(step, work, str(office.store.folder), str(second), *arguments)
        killed += died == -signal.SIGKILL
        office.hold()
        after = len(office.store.history) == 2
        assert contents(office.store.incidents()) == (expected if after else before)
        assert office.store.add(second).again == after
        assert contents(office.store.incidents()) == expected
        assert after or [p for p in office.store.folder.rglob(".gridmap-*") if p.is_dir()] == []
    return killed


class Killed(BaseException):
    """The end of a process that tidies nothing up."""


@pytest.mark.parametrize("step", [1, 2, 5, 6])
def test_an_end_before_a_file_is_moved_leaves_the_store_before_or_after(office, monkeypatch, step):
    """As a kill would: nothing is tidied up. Real kills, before each of 50 steps, are among the slow tests."""
    first, second = (
        table(40),
        pd.concat([table(40)[20:].assign(category="fraud"), table(20, first=70, seed=4, days=60)]),
    )
    office.add(first, "a.csv")
    before, moves, really = contents(office.store.incidents()), [], Path.replace
    path = office.export(second, "b.csv")

    def counting(self, target):
        moves.append(1)
        if len(moves) == step:
            raise Killed
        return really(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counting)
        patch.setattr(store_adding._Addition, "_take_back", lambda self, written: None)
        patch.setattr(_io, "_drop", lambda hidden: None)
        try:
            office.store.add(path)
        except Killed:
            assert contents(office.store.incidents()) == before
    office.hold()
    if _io.fcntl is None:  # on Windows what is left is taken for a living process's until it is a day old
        for left in office.store.folder.rglob(".gridmap-*"):
            os.utime(left, (0, 0))
    assert office.store.add(path).again == (len(moves) < step)
    office.hold()
    held = office.store.incidents().to_frame().set_index("incident_id")["category"]
    assert len(held) == 60
    assert (held[second["case_id"][:20]] == "fraud").all()
    left = [p for p in office.store.folder.rglob(".gridmap-*") if p.is_dir()]
    assert left == [] or len(moves) < step


@pytest.mark.slow
def test_a_kill_at_each_step_leaves_the_store_before_or_after(office):
    frames = table(40), pd.concat([table(40)[20:].assign(category="fraud"), table(40, first=70, seed=4, days=500)])
    assert kill_at(office, range(1, 51), frames) >= 50


@pytest.mark.slow
def test_a_kill_while_an_export_is_taken_in_pieces_leaves_the_store_before_or_after(office):
    """Eleven kills here; fifty at random moments in benchmarks/store_kills.py."""
    frames = table(40), pd.concat([table(40)[20:].assign(category="fraud"), table(40, first=70, seed=4, days=500)])
    assert kill_at(office, range(2, 57, 5), frames, "stored_in_pieces", 20) == 11
