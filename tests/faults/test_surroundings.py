"""Odd surroundings: a run ends whole, or absent with one line, wherever it is started."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from gridmap._io import remove_stale_staging
from gridmap.counts import duckdb
from gridmap.counts.duckdb import connect
from gridmap.errors import OutputError, is_want_of_memory
from gridmap.read.incidents import read_incidents
from gridmap.runs.run_folder import staging
from gridmap.runs.verify import verify_run

from .conftest import ROOT, contents, finished, needs_root, refused, start
from .killed import killed_at_step

TITLE = "热点 → São Paulo"


def whole_or_absent(out, done):
    """What every end must be."""
    assert "Traceback" not in done.stderr, done.stderr[-1500:]
    left = [p.name for p in out.parent.iterdir() if p.name.startswith(".gridmap-")]
    assert left == []
    if done.returncode == 0:
        assert verify_run(out).faults == []
        return
    assert not out.exists()
    assert len([line for line in done.stderr.strip().splitlines() if line.startswith("gridmap: ")]) == 1, done.stderr


SURROUNDINGS = {
    "no home, no place for temporary files": {"HOME": "/nowhere", "TMPDIR": "/nowhere", "XDG_CACHE_HOME": ""},
    "plain C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a console of GBK": {"PYTHONIOENCODING": "gbk"},
    "a console of cp1252": {"PYTHONIOENCODING": "cp1252"},
    "a compile cache that cannot be written": {"NUMBA_CACHE_DIR": "/proc/nowhere"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SURROUNDINGS)
def test_a_run_is_whole_wherever_it_is_started(town, tmp_path, name):
    arguments = ("run", town.file(title=TITLE, hotspots=["getis_ord"]), "--out", tmp_path / "new" / "out")
    done = finished(start(*arguments, env=SURROUNDINGS[name], errors="replace"), arguments)
    assert done.returncode == 0, done.stderr[-1500:]
    whole_or_absent(tmp_path / "new" / "out", done)


def run_within(megabytes, town, out):
    """`gridmap run` where the process may have so much address space."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    out.parent.mkdir()
    arguments = ("run", town.file(), "--out", out)
    return finished(start(*arguments, preexec_fn=limited, env={"OPENBLAS_NUM_THREADS": "1"}), arguments)


@pytest.mark.parametrize("megabytes", [300, 1100])
def test_where_the_libraries_have_no_room_nothing_begins(town, tmp_path, megabytes):
    """Arrow waits for ever for a thread that it is refused, OpenBLAS for room: so they are not even loaded."""
    done = run_within(megabytes, town, tmp_path / "o" / "out")
    refused(done, "ulimit -v", f"{(megabytes << 20) // 1_000_000} MB", "nothing was written")
    assert list((tmp_path / "o").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [2500, 3000, 3500])
def test_a_run_that_gets_too_little_memory_leaves_nothing(town, tmp_path, megabytes):
    out = tmp_path / "o" / "out"
    done = run_within(megabytes, town, out)
    if done.returncode not in (0, 1) or "gridmap: " not in done.stderr:  # a library has ended the process at once
        assert not out.exists()
        remove_stale_staging(out.parent)  # as the next writer does
        assert list(out.parent.iterdir()) == []
    else:
        whole_or_absent(out, done)


@pytest.mark.skipif(not hasattr(duckdb.os, "sysconf"), reason="Windows knows no such limit")
def test_a_thread_or_room_that_the_system_refuses_is_want_of_memory(town, monkeypatch):
    """Before the libraries ask: what they do when they are refused is to wait, or to end the process."""
    with monkeypatch.context() as few:
        few.setattr(resource, "getrlimit", lambda kind: (1 << 30, 1 << 30))
        with pytest.raises(MemoryError):
            connect()
    connect().close()

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(MemoryError):
        read_incidents(town.folder / "points.csv")


@pytest.mark.parametrize(
    ("error", "meant"),
    [
        (MemoryError(), True),
        (ImportError("libgdal.so.38: failed to map segment from shared object"), True),
        (OSError("Failed to launch worker thread: Resource temporarily unavailable"), True),
        (ValueError("Unable to allocate 1.2 GiB for an array"), True),
        (ImportError("cannot import name 'x' from 'y'"), False),
        (ValueError("memory of the last run"), False),
    ],
)
def test_what_the_libraries_say_of_memory_is_understood_and_nothing_else(error, meant):
    assert is_want_of_memory(error) is meant
    outer = KeyError("a step")
    outer.__cause__ = error
    assert is_want_of_memory(outer) is meant


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["SIGTERM", "SIGHUP"])
def test_a_command_that_is_ended_leaves_nothing(town, tmp_path, sign):
    out = tmp_path / "o" / "out"
    out.parent.mkdir()
    process = start("run", town.file(), "--out", out)
    until = time.monotonic() + 600
    while time.monotonic() < until and not any(out.parent.iterdir()):
        time.sleep(0.05)  # until it has begun to write
    process.send_signal(getattr(signal, sign))
    done = finished(process, ())
    assert done.returncode in (0, 130)
    whole_or_absent(out, done)


@pytest.mark.slow
def test_a_strict_umask_and_no_terminal_at_all(town, tmp_path):
    out = tmp_path / "out"
    command = f'umask 077; exec "{sys.executable}" -m gridmap.cli run "{town.file(title=TITLE)}" --out "{out}" >&- <&-'
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    assert out.stat().st_mode & 0o077 == 0
    whole_or_absent(out, done)


@needs_root
@pytest.mark.slow
def test_somebody_without_rights_is_refused_in_one_line(town, tmp_path):
    try:
        subprocess.run([sys.executable, "-c", f"open({str(ROOT / 'pyproject.toml')!r})"], user=65534, check=True)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("needs an interpreter and a checkout that others may read")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    arguments = ("run", town.file(), "--out", locked / "out")
    done = finished(start(*arguments, user=65534, env={"HOME": "/nonexistent"}), arguments)
    assert done.returncode != 0
    assert list(locked.iterdir()) == []


def test_a_share_that_vanishes_under_a_run_is_said_and_leaves_nothing(tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    with pytest.raises(OutputError, match="Nothing was written to"), staging(share / "out") as stage:  # noqa: PT012
        (stage.folder / "a.csv").write_text("a")
        shutil.rmtree(share)
        (stage.folder / "b.csv").write_text("b")
    assert not share.exists()
    share.mkdir()
    with pytest.raises(OutputError, match="cannot be written"), staging(share / "out") as stage:  # noqa: PT012
        (stage.folder / "a.csv").write_text("a")
        shutil.rmtree(share)
    assert not share.exists() or contents(share) == {}


def test_a_clock_that_jumps_back_breaks_no_chain(tmp_path, monkeypatch):
    import datetime as dt

    import gridmap._audit as audit

    class Then(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return dt.datetime(1999, 1, 1, tzinfo=tz)

    for clock in (dt.datetime, Then, dt.datetime):
        monkeypatch.setattr(audit, "datetime", clock)
        monkeypatch.setattr(time, "time", lambda at=clock: 0.0 if at is Then else 4e9)
        with staging(tmp_path / "out") as stage:
            (stage.folder / "run.json").write_text("{}")
    assert verify_run(tmp_path / "out").faults == []
    assert len((tmp_path / "out" / "audit.jsonl").read_text().splitlines()) == 3


def test_a_paper_over_an_earlier_one_is_whole_with_its_line_or_not_there(tmp_path):
    """Killed at each step of the file system between the paper and the audit's line of it."""
    from gridmap._audit import write_added
    from gridmap._io import finish_move

    out = tmp_path / "out"
    with staging(out) as stage:
        (stage.folder / "run.json").write_text("{}")
    write_added(out, "paper.pdf", b"one", what="report")
    for die_at in range(1, 40):
        copy = tmp_path / f"{die_at}"
        shutil.copytree(out, copy)
        ended = killed_at_step(die_at, "added", str(copy), "paper.pdf", "two")
        assert finish_move(copy) is None
        assert verify_run(copy).faults == []
        assert (copy / "paper.pdf").read_bytes() in (b"one", b"two")
        if ended != -signal.SIGKILL:
            break
    assert die_at > 3
    assert ended == die_at - 1  # it came to its end after so many steps
