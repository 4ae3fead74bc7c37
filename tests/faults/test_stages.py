"""The disk fills, or the memory ends, at each stage of a run in its turn: a whole run or nothing, and one line."""

import json
import os
import subprocess
import sys

import pytest

from gridmap.runs.verify import verify_run

from .conftest import ROOT, Town

#: A process that forks for each stage: in the child, the disk is full (no file may grow) or the memory ends from there.
FORKING = """
import contextlib, io, json, os, resource, signal, sys
from pathlib import Path
from gridmap.cli import main
from gridmap.runs import run as runs
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
own = runs._Clock.step

def run(out, at=None, end=None):
    names = []
    def step(clock, name):
        names.append(name)
        if name == at:
            end()
        return own(clock, name)
    runs._Clock.step = step
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main(["run", sys.argv[1], "--out", out])
        except SystemExit as ended:
            return names, ended.code, said.getvalue()

def full():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

def short():
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (4 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))

names, code, said = run("warm")
assert code == 0, said
print(json.dumps(names), flush=True)
for what in sys.argv[2:]:
    stages = list(dict.fromkeys(names))
    half = stages.index("count")  # before it little is written, after it little is taken
    for n, name in enumerate(stages[half:] if what == "full" else stages[: half + 2]):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            _, code, said = run(f"{what}{n}/out", name, {"full": full, "short": short}[what])
            os.write(write, json.dumps([code, said[-3000:]]).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            got = pipe.read()
        ended = os.waitpid(child, 0)[1]
        code, said = json.loads(got) if got else (f"signal {ended}", "")
        print(json.dumps([what, n, name, code, said]), flush=True)
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """(what ends, stage) → exit code, what was said, the folder that the run's folder was to lie in."""
    folder = tmp_path_factory.mktemp("stages")
    town = Town(folder / "town")
    file = town.file(patrol={"units": 1, "shift_h": 1, "sheets": False})
    for name in ("full", "short"):
        for n in range(12):
            (folder / f"{name}{n}").mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", FORKING, file, "full", "short"],
        capture_output=True, text=True, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    names, *lines = map(json.loads, done.stdout.splitlines())
    return names, {(what, name): (code, said, folder / f"{what}{n}") for what, n, name, code, said in lines}


@pytest.mark.slow
@pytest.mark.parametrize("what", ["full", "short"])
def test_what_ends_at_whichever_stage_leaves_a_whole_run_or_nothing(ends, what):
    names, found = ends
    assert {name for _, name in found} == set(names)
    assert any(code == 1 for (kind, _), (code, _, _) in found.items() if kind == what)
    for (kind, name), (code, said, place) in found.items():
        if kind != what:
            continue
        there = sorted(p.name for p in place.iterdir())
        assert "Traceback" not in said, (name, said[-1500:])
        if code == 0:
            assert there == ["out"], name
            assert verify_run(place / "out").faults == []
            continue
        assert code == 1, (name, code, said)
        assert there == [], name
        assert len([line for line in said.strip().splitlines() if line.startswith("gridmap: ")]) == 1, (name, said)
