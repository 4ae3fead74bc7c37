"""Odd surroundings: a run ends whole, or absent with one line, wherever it is started."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from gridmap.errors import OutputError
from gridmap.runs.run_folder import staging
from gridmap.runs.verify import verify_run

from .conftest import ROOT, contents, finished, needs_root, start
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


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [300, 700, 1100])
def test_a_run_that_gets_too_little_memory_leaves_nothing(town, tmp_path, megabytes):
    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    (tmp_path / "o").mkdir()
    arguments = ("run", town.file(), "--out", tmp_path / "o" / "out")
    done = finished(start(*arguments, preexec_fn=limited, env={"OPENBLAS_NUM_THREADS": "1"}), arguments)
    assert done.returncode != 0 or verify_run(tmp_path / "o" / "out").faults == []
    assert not any(p.name.startswith(".gridmap-") for p in (tmp_path / "o").iterdir())
    assert done.returncode == 0 or not (tmp_path / "o" / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["SIGTERM", "SIGHUP"])
def test_a_command_that_is_ended_leaves_nothing(town, tmp_path, sign):
    out = tmp_path / "o" / "out"
    out.parent.mkdir()
    process = start("run", town.file(), "--out", out)
    until = time.monotonic() + 60
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
