"""Killed at any moment: the outputs are absent or whole, `verify` passes, the next run succeeds."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from gridmap import _io
from gridmap._io import COMMIT, finish_move
from gridmap.errors import OutputError
from gridmap.runs.run_folder import staging
from gridmap.runs.verify import verify_run

from ..command import finished as finished_process
from .conftest import ROOT, contents
from .killed import killed_at_step

#: Generation → what it alone holds.
LAST = {1: "old/gone.csv", 2: "new.csv"}


def write(out, generation: int, die_at: int = 0) -> int:
    """A staged write in a process of its own, killed before its n-th step on the file system."""
    names = ("a.csv", "b.csv", "results/c.csv", "run.json", LAST[generation])
    return killed_at_step(die_at, "staged", str(out), {name: f"{name} of {generation}" for name in names})


def finished(out) -> None:
    """`verify` only reads: it says that a move was cut off, and whoever writes next ends it."""
    if (out / COMMIT).exists():
        before = contents(out)
        assert any(fault.startswith(f"{COMMIT}:") for fault in verify_run(out).faults)
        assert contents(out) == before
        assert finish_move(out) is None
    assert verify_run(out).faults == []


def generations(out) -> set[str]:
    """Of the outputs that a person sees."""
    seen = {n: data for n, data in contents(out).items() if n != "audit.jsonl" and not n.startswith(".gridmap-")}
    return {data.decode().split()[-1] for data in seen.values()}


def test_a_kill_at_each_step_of_the_file_system_leaves_one_whole_generation(tmp_path):
    """Not at random: before every single rename, removal and folder, into a new folder and over an earlier run."""
    assert write(tmp_path / "first", 1) > 0
    steps = write(tmp_path / "first", 2)
    assert steps > 15
    for n in range(1, steps + 1):
        out = tmp_path / f"out{n}"
        fresh = write(out, 1, die_at=n)
        if fresh == -signal.SIGKILL and not (out / "run.json").exists():
            assert not out.exists() or contents(out) == {}
            assert write(out, 1) > 0
        finished(out)
        again = write(out, 2, die_at=n)
        finished(out)
        assert len(generations(out)) == 1
        assert again < 0 or generations(out) == {"2"}
        visible = {n for n in contents(out) if not n.startswith(".gridmap-")}
        whole = {"old/gone.csv"} if "new.csv" not in visible else {"new.csv"}
        assert visible == {"a.csv", "b.csv", "results/c.csv", "run.json", "audit.jsonl", *whole}
        assert write(out, 2) > 0
        assert generations(out) == {"2"}
        assert [p.name for p in out.iterdir() if p.name.startswith(".")] == []
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
        assert verify_run(out).faults == []


@pytest.mark.skipif(
    _io.fcntl is None, reason="Windows goes by the age, and the other process here is not seen as Windows"
)
def test_what_a_killed_run_left_is_taken_away_and_what_a_living_one_holds_is_not(tmp_path):
    out = tmp_path / "out"
    assert write(out, 1) > 0
    dead = out / ".gridmap-dead"
    (dead / "files").mkdir(parents=True)
    (dead / "lock").touch()
    with staging(out) as living:
        (living.folder / "run.json").write_text("living", encoding="utf-8")
        assert not dead.exists()
        assert write(out, 2) > 0  # another run starts and ends meanwhile
        assert living.folder.exists()
    assert (out / "run.json").read_text(encoding="utf-8") == "living"
    assert verify_run(out).faults == []
    assert set(contents(out)) == {"run.json", "audit.jsonl"}  # the last that ended, as a whole


def test_two_runs_into_one_new_folder_leave_the_whole_of_the_last(tmp_path):
    out = tmp_path / "out"
    with staging(out) as first:
        (first.folder / "a.csv").write_text("first", encoding="utf-8")
        (first.folder / "run.json").write_text("first", encoding="utf-8")
        with staging(out) as second:
            (second.folder / "b.csv").write_text("second", encoding="utf-8")
            (second.folder / "run.json").write_text("second", encoding="utf-8")
    assert (out / "run.json").read_text(encoding="utf-8") == "first"
    assert set(contents(out)) == {"a.csv", "run.json", "audit.jsonl"}
    assert len((out / "audit.jsonl").read_text(encoding="utf-8").splitlines()) == 2
    assert verify_run(out).faults == []


def test_files_of_somebody_s_own_are_left_and_named(tmp_path):
    out = tmp_path / "out"
    assert write(out, 1) > 0
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (out / "old" / "gone.csv").write_text("changed by hand", encoding="utf-8")
    assert write(out, 2) > 0
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (out / "old" / "gone.csv").exists()  # an output of the earlier run, but not as it was written
    verdict = verify_run(out)
    assert verdict.faults == []
    assert verdict.beside == ["notes.txt", "old/gone.csv"]


def _taken(out, at):
    """Put something in the way of an output."""
    if at == "results":
        (out / "results" / "c.csv").unlink()
        (out / "results").rmdir()
        (out / "results").write_text("a file", encoding="utf-8")
    elif at == "b.csv":
        (out / at).unlink()
        (out / at / "inside").mkdir(parents=True)
    else:
        lines = (out / at).read_text(encoding="utf-8")
        (out / at).write_text(lines.replace("run", "ran", 1), encoding="utf-8")


@pytest.mark.parametrize("at", ["b.csv", "results", "audit.jsonl"])
def test_a_folder_where_a_file_should_be_puts_everything_back(tmp_path, at):
    out = tmp_path / "out"
    assert write(out, 1) > 0
    before = {}

    def rewritten():
        with staging(out) as stage:
            for name in ("a.csv", "b.csv", "results/c.csv", "old/gone.csv", "run.json"):
                (stage.folder / name).parent.mkdir(exist_ok=True)
                (stage.folder / name).write_text("new", encoding="utf-8")
            _taken(out, at)
            before.update({n: data for n, data in contents(out).items() if not n.startswith(".gridmap-")})

    with pytest.raises(OutputError, match=r"Nothing was written|was changed"):
        rewritten()
    assert contents(out) == before


#: `gridmap …` in children of one process that has imported what a run needs: each is named by its id as it begins,
#: and how it ended is answered on the next line.
RUNS = """
import json, os, sys
import gridmap.runs.run, gridmap.maps, gridmap.exports, gridmap.hotspots
from gridmap.cli import main

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(out, stream)
        code = 1
        try:
            main(json.loads(line))
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            os._exit(code)
    print(child, flush=True)
    sys.stdin.readline()  # its id stays its own until it is asked for
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def begin():
    """Begin `gridmap …`: the id of its process, and what waits for its end and gives its exit code."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", RUNS], env=environment, start_new_session=True, **pipes)

    def run(*arguments):
        print(json.dumps([str(argument) for argument in arguments]), file=process.stdin, flush=True)
        return int(process.stdout.readline()), end

    def end() -> int:
        print(file=process.stdin, flush=True)
        return int(process.stdout.readline())

    yield run
    finished_process(process)


@pytest.mark.slow
def test_fifty_kills_at_random_moments_of_gridmap_run(town, tmp_path, begin):
    """Twenty-five into a new folder, twenty-five over an earlier run; the moments from a fixed seed."""

    def whole_run(out) -> int:
        return begin("run", path, "--out", out)[1]()

    path, drawn = town.file(), random.Random(8)
    assert whole_run(tmp_path / "kept") == 0
    began = time.monotonic()
    assert whole_run(tmp_path / "kept") == 0
    whole = time.monotonic() - began
    before = {n: d for n, d in contents(tmp_path / "kept").items() if n not in ("run.json", "audit.jsonl")}
    ended = 0
    for i in range(50):
        out = tmp_path / ("kept" if i % 2 else f"new{i}")
        process, end = begin("run", path, "--out", out)
        time.sleep(whole * drawn.uniform(0, 1.15))
        os.kill(process, signal.SIGKILL)
        ended += end() == 0
        there = contents(out) if out.exists() else {}
        if i % 2 or "run.json" in there:
            finished(out)
            shown = {n: d for n, d in contents(out).items() if not n.startswith(".gridmap-")}
            assert {n: d for n, d in shown.items() if n not in ("run.json", "audit.jsonl")} == before
        else:
            assert there == {}
    assert ended < 50  # or nothing was killed
    for out in tmp_path.glob("new*"):
        assert verify_run(out).faults == []
    assert whole_run(tmp_path / "new0") == 0
    assert whole_run(tmp_path / "kept") == 0
    assert verify_run(tmp_path / "new0").faults == verify_run(tmp_path / "kept").faults == []
    hidden = [p for p in [*tmp_path.iterdir(), *(tmp_path / "kept").iterdir()] if p.name.startswith(".gridmap-")]
    assert hidden == []
