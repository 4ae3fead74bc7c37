"""`verify` finds one byte, `replay` gives the same bytes: the two promises that a number can be traced and repeated."""

import json
import os
import shutil

import pandas as pd
import pytest

from gridmap._audit import append_audit, audit_line
from gridmap._io import sha256_of
from gridmap.errors import OutputError, ReadError
from gridmap.runs import run_pipeline
from gridmap.runs.replay import replay_run
from gridmap.runs.run_folder import staging
from gridmap.runs.verify import verify_run

from .conftest import Town, contents, refused

PATROL = {"units": 1, "shift_h": 2}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A town, and a run of it with everything that a folder may hold."""
    town = Town(tmp_path_factory.mktemp("town"))
    run_pipeline(town.pipeline(patrol=PATROL), town.folder / "out")
    return town


@pytest.fixture
def copy(ran, tmp_path):
    return shutil.copytree(ran.folder / "out", tmp_path / "out")


def test_one_flipped_bit_in_any_file_is_found_and_named(copy):
    assert verify_run(copy).faults == []
    names = contents(copy)
    assert {"run.json", "audit.jsonl", "map.html", "l.gpkg", "c.parquet"} <= set(names)
    assert {name.split("/")[0] for name in names if "/" in name} == {"results", "patrol"}
    for name, whole in names.items():
        for at in (0, len(whole) // 2, len(whole) - 1):
            if not whole:
                continue
            (copy / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert any(fault.startswith(f"{name}:") for fault in verify_run(copy).faults), (name, at)
        (copy / name).write_bytes(whole + b" ")
        assert any(fault.startswith(f"{name}:") for fault in verify_run(copy).faults), name
        (copy / name).unlink()
        assert any(fault.startswith(f"{name}:") for fault in verify_run(copy).faults), name
        (copy / name).write_bytes(whole)
    assert verify_run(copy).faults == []


def test_every_byte_of_the_audit_counts(copy):
    run = (copy / "audit.jsonl").read_bytes()
    for at in range(0, len(run), 37):
        (copy / "audit.jsonl").write_bytes(run[:at] + bytes([run[at] ^ 1]) + run[at + 1 :])
        assert any(fault.startswith("audit.jsonl:") for fault in verify_run(copy).faults), at


def test_a_file_that_no_run_wrote_is_found_where_only_runs_write(copy):
    (copy / "results" / "more.parquet").write_bytes(b"x")
    (copy / "notes.txt").write_bytes(b"mine")
    verdict = verify_run(copy)
    assert verdict.faults == ["results/more.parquet: it was added; no run wrote it"]
    assert verdict.beside == ["notes.txt"]


def test_a_file_replaced_by_a_link_to_itself_is_found(copy, tmp_path):
    (copy / "map.html").rename(tmp_path / "elsewhere.html")
    (copy / "map.html").symlink_to(tmp_path / "elsewhere.html")
    assert verify_run(copy).faults == ["map.html: it was replaced by a link"]


def test_the_chain_goes_on_over_reruns_and_a_line_taken_out_is_found(town, tmp_path):
    out = tmp_path / "out"
    for who in (None, "clerk 7", None):
        run_pipeline(town.pipeline(hotspots=["getis_ord"]), out, who=who)
    lines = (out / "audit.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    entries = [json.loads(line) for line in lines]
    assert [entry["line"] for entry in entries] == [1, 2, 3]
    assert [entry.get("who") for entry in entries] == [None, "clerk 7", None]
    assert all(entry["inputs"][1]["sha256"] for entry in entries)
    assert verify_run(out).faults == []
    for broken in ([lines[0], lines[2]], lines[1:], lines[:2], [lines[1], lines[0], lines[2]], [*lines, lines[2]]):
        (out / "audit.jsonl").write_text("".join(broken), encoding="utf-8")
        assert verify_run(out).faults != []
    (out / "audit.jsonl").write_text("".join([lines[0], lines[2]]), encoding="utf-8")
    before = contents(out)
    with pytest.raises(OutputError, match=r"audit\.jsonl"):  # no run adds to a chain that was tampered with
        run_pipeline(town.pipeline(), out)
    assert contents(out) == before


def test_a_paper_made_later_is_added_to_the_chain(copy):
    (copy / "briefing.pdf").write_bytes(b"%PDF")
    append_audit(copy, what="report", outputs=["briefing.pdf"])
    assert verify_run(copy).faults == []
    (copy / "briefing.pdf").write_bytes(b"%PDX")
    assert verify_run(copy).faults == ["briefing.pdf: it was changed: the same length, other bytes"]


def test_verify_on_the_command_line(copy, gridmap, tmp_path):
    done = gridmap("verify", copy)
    assert done.returncode == 0, done.stderr
    head = done.stdout.split()[-1]
    assert gridmap("verify", copy, "--head", head).returncode == 0
    refused(gridmap("verify", copy, "--head", "0" * 64), "1 found")
    (copy / "c.parquet").write_bytes(b"x")
    (copy / "map.html").unlink()
    done = gridmap("verify", copy)
    refused(done, "2 found")
    assert "map.html: it is missing\n" in done.stdout
    assert "c.parquet: it was changed" in done.stdout
    refused(gridmap("verify", tmp_path / "nowhere"), "no folder")
    refused(gridmap("verify", tmp_path), "No run ended")


def test_replay_gives_the_same_bytes_with_other_threads_hashes_and_place(ran, gridmap, tmp_path):
    other = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "77", "TZ": "Asia/Shanghai"}
    done = gridmap("replay", ran.folder / "out" / "run.json", "--out", tmp_path / "again", env=other, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    first, again = contents(ran.folder / "out"), contents(tmp_path / "again")
    assert first.keys() == again.keys()
    assert {n for n in first if first[n] != again[n]} == {"run.json", "audit.jsonl"}
    assert verify_run(tmp_path / "again").faults == []


def test_replay_refuses_an_input_that_changed_and_asks_for_one_that_is_gone(town, gridmap, tmp_path):
    run_pipeline(town.pipeline(hotspots=["getis_ord"]), tmp_path / "out")
    record = tmp_path / "out" / "run.json"
    kept = shutil.copytree(town.folder, tmp_path / "elsewhere" / "kept")
    points = pd.read_csv(town.folder / "points.csv")
    points.iloc[1:].to_csv(town.folder / "points.csv", index=False)
    refused(gridmap("replay", record, "--out", tmp_path / "again"), "points.csv was changed since")
    (town.folder / "points.csv").unlink()
    refused(gridmap("replay", record, "--out", tmp_path / "again"), "points.csv is not there", "--inputs")
    assert not (tmp_path / "again").exists()
    replay = replay_run(record, tmp_path / "again", inputs=kept)
    assert replay.different == []
    assert "c.parquet" in replay.equal
    with pytest.raises(ReadError, match="folder of the record"):
        replay_run(record, tmp_path / "out", inputs=kept)
    for text in ("", "[]", "{}", '{"pipeline": "../p", "settings": {}, "inputs": [], "outputs": []}'):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(ReadError, match=r"is not the run\.json"):
            replay_run(tmp_path / "bad.json", tmp_path / "again2", inputs=kept)


def test_no_folder_of_the_machine_is_told(ran):
    told = (ran.folder / "out" / "run.json").read_text(encoding="utf-8")
    told += (ran.folder / "out" / "audit.jsonl").read_text(encoding="utf-8")
    assert str(ran.folder) not in told
    assert os.path.expanduser("~") + "/" not in told  # noqa: PTH111
    assert json.loads((ran.folder / "out" / "run.json").read_text(encoding="utf-8"))["found_from"] == ".."


def planted(folder, plan, **links):
    """A journal of a stranger: what `.gridmap-commit` may hold in a folder that came by mail."""
    commit = folder / ".gridmap-commit"
    (commit / "files").mkdir(parents=True)
    (commit / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    for name, target in links.items():
        if (commit / name).is_dir():
            (commit / name).rmdir()
        (commit / name).symlink_to(target)


@pytest.mark.parametrize("kind", ["remove", "absolute", "files", "old", "link", "pipe", "itself", "through"])
def test_a_planted_journal_moves_and_deletes_nothing_outside_its_folder(copy, town, gridmap, tmp_path, kind):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "precious.txt").write_text("mine", encoding="utf-8")
    digest = sha256_of(mine / "precious.txt")
    plan = {"files": [], "remove": {}}
    if kind in ("remove", "absolute"):
        plan["remove"] = {"../mine/precious.txt" if kind == "remove" else str(mine / "precious.txt"): digest}
        planted(copy, plan)
    elif kind == "files":
        planted(copy, plan | {"files": ["../mine/planted.txt"]})
        (copy / ".gridmap-commit" / "mine").mkdir()
        (copy / ".gridmap-commit" / "mine" / "planted.txt").write_text("planted", encoding="utf-8")
    elif kind == "old":
        planted(copy, plan | {"remove": {"c.parquet": sha256_of(copy / "c.parquet")}}, old=mine)
    elif kind == "link":
        planted(copy, plan | {"files": ["notes.txt"]})
        (copy / ".gridmap-commit" / "files" / "notes.txt").symlink_to(mine / "precious.txt")
    elif kind == "pipe":
        planted(copy, plan)
        (copy / ".gridmap-commit" / "plan.json").unlink()
        os.mkfifo(copy / ".gridmap-commit" / "plan.json")
    elif kind == "itself":
        planted(mine, plan | {"remove": {"precious.txt": digest}})
        (copy / ".gridmap-commit").symlink_to(mine / ".gridmap-commit")
    else:
        (copy / "sub").symlink_to(mine)
        planted(copy, plan | {"remove": {"sub/precious.txt": digest}})
    before, here = contents(mine), contents(copy) if kind != "pipe" else None
    done = gridmap("verify", copy)
    refused(done, "is not as its last run left it")
    assert ".gridmap-commit" in done.stdout
    assert here is None or contents(copy) == here  # it only read
    refused(gridmap("run", town.file(), "--out", copy), ".gridmap-commit", "not as gridmap writes it")
    assert contents(mine) == before


def test_verify_opens_no_pipe_follows_no_link_and_looks_at_nothing_outside(copy, gridmap, tmp_path):
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    secret = {"path": "../secret", "sha256": sha256_of(tmp_path / "secret"), "bytes": 6}
    lines = (copy / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    line = audit_line(lines, {"what": "report", "outputs": [secret, secret | {"path": str(tmp_path / "secret")}]})
    (copy / "audit.jsonl").write_text("".join(f"{text}\n" for text in [*lines, line]), encoding="utf-8")
    (copy / "map.html").unlink()
    os.mkfifo(copy / "map.html")
    (copy / "elsewhere").symlink_to(tmp_path)
    (copy / ".gridmap-x").mkdir()
    done = gridmap("verify", copy)  # a pipe that was opened would be waited for
    refused(done, "3 found")
    said = done.stdout.splitlines()
    assert "../secret: the name leads out of the folder; it was not looked at" in said
    assert f"{tmp_path}/secret: the name leads out of the folder; it was not looked at" in said
    assert "map.html: it is not a file any more" in said
    assert {line.split(":")[0] for line in said if "not written by a run" in line} == {"elsewhere", ".gridmap-x"}


def test_an_audit_that_is_a_pipe_or_a_device_is_not_read(copy):
    for made in (lambda place: os.mkfifo(place), lambda place: place.symlink_to("/dev/zero")):
        (copy / "audit.jsonl").unlink()
        made(copy / "audit.jsonl")
        assert any("audit.jsonl: it is not a regular file" in fault for fault in verify_run(copy).faults)


def test_the_meetings_number_is_found_again_after_a_paper_was_added(copy):
    noted = verify_run(copy).head
    (copy / "briefing.pdf").write_bytes(b"%PDF")
    append_audit(copy, what="report", outputs=["briefing.pdf"])
    assert verify_run(copy, head=noted).faults == []
    lines = (copy / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    forged = audit_line([], {k: v for k, v in json.loads(lines[0]).items() if k in ("what", "outputs", "audience")})
    (copy / "audit.jsonl").write_text(forged + "\n", encoding="utf-8")  # a deliberate forger writes both anew
    assert verify_run(copy).faults == []
    assert verify_run(copy, head=noted).faults == [
        f"audit.jsonl: none of its lines has the hash {noted}; the last has {verify_run(copy).head}"
    ]


def test_a_folder_has_one_audience(town, tmp_path):
    out = tmp_path / "out"
    run_pipeline(town.pipeline(hotspots=["getis_ord"]), out, who="clerk 7")
    before = contents(out)
    for audience in ("meeting", "public"):
        with pytest.raises(OutputError, match="a folder has one audience"):
            run_pipeline(town.pipeline(hotspots=["getis_ord"], audience=audience), out)
    assert contents(out) == before


def test_a_planted_journal_moves_nothing_within_its_folder_either(copy, town, gridmap):
    """It does not know the numbers by which this file system knows its files, so it was not begun here."""
    journal = copy / ".gridmap-commit"
    (journal / "files").mkdir(parents=True)
    (journal / "files" / "c.parquet").write_bytes(b"forged")
    plan = {"files": ["c.parquet"], "remove": {"l.gpkg": sha256_of(copy / "l.gpkg")}}
    for inodes in ({}, {".": 1, "plan.json": 2, "files/c.parquet": 3}):
        (journal / "plan.json").write_text(json.dumps(plan | {"inodes": inodes}), encoding="utf-8")
        before = contents(copy)
        refused(gridmap("run", town.file(), "--out", copy), ".gridmap-commit", "not as gridmap writes it")
        assert contents(copy) == before


def test_folders_within_folders_without_end_are_named_and_not_gone_into(tmp_path, monkeypatch):
    """A thousand and more of them ended `verify` in a traceback."""
    out = tmp_path / "out"
    with staging(out) as stage:
        (stage.folder / "run.json").write_text("{}", encoding="utf-8")
    monkeypatch.chdir(out)
    for _ in range(1_200):
        os.mkdir("d")  # noqa: PTH102 - by a path of its own it would be longer than paths may be
        os.chdir("d")
    found = verify_run(out)
    for _ in range(1_200):  # what tidies up after tests does not get so deep
        os.chdir("..")
        os.rmdir("d")  # noqa: PTH106
    assert found.faults == []
    assert [set(name.split("/")) for name in found.beside] == [{"d"}]
