"""Ctrl-C: the command ends at once, with exit code 130, and nothing half-written, whatever loop it is in."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

import gridmap._io as folder_module
from gridmap.runs.run_folder import staging

from .conftest import ROOT, finished

#: A command that would work for hours, in each of the libraries that do gridmap's heavy work.
BUSY = """
import sys, threading, time
import duckdb, numpy as np, numba, scipy.sparse as sparse
from gridmap.cli import app, main
from gridmap.runs.run_folder import staging

@numba.njit(nogil=True)
def loop(n):
    x = 0.5
    for i in range(n):
        x = 3.9 * x * (1 - x)
    return x

def in_duckdb():
    duckdb.sql("SELECT sum(sin(a.range * b.range)) FROM range(100000000) a, range(100000000) b").fetchall()

def in_scipy():
    m = sparse.random(200_000, 200_000, density=2e-4, format="csr", random_state=0)
    m @ m

def in_numpy():
    a = np.ones((12_000, 12_000))
    while True:
        a @ a

work = {"numba": lambda: loop(10**15), "duckdb": in_duckdb, "scipy": in_scipy, "numpy": in_numpy,
        "python": lambda: time.sleep(10**6)}
loop(1)

@app.command()
def busy(kind: str, out: str):
    with staging(out) as stage:
        (stage.folder / "half.csv").write_text("half")
        print("ready", flush=True)
        work[kind]()

main(["busy", sys.argv[1], sys.argv[2]])
"""


@pytest.mark.parametrize("kind", ["numba", "duckdb", "scipy", "numpy", "python"])
def test_ctrl_c_ends_it_at_once_and_leaves_nothing(tmp_path, kind):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BUSY, kind, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    done = finished(process)  # the work itself would take hours
    assert done.returncode == 130
    assert done.stderr == "gridmap: Interrupted; nothing was written.\n"
    assert list(tmp_path.iterdir()) == []


def test_two_threads_never_take_one_hidden_folder_away_at_once(tmp_path, monkeypatch):
    """The command ends by itself while the watcher's patience ends: neither may be stopped by the other's work."""
    at_work, most = [], []

    def slowly(folder, ignore_errors):
        at_work.append(folder)
        most.append(len(at_work))
        time.sleep(0.05)
        at_work.remove(folder)
        really(folder, ignore_errors=ignore_errors)

    really = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", slowly)
    monkeypatch.setattr(folder_module, "_moving", threading.Lock())  # it keeps it: the process ends
    watcher = threading.Thread(target=folder_module.remove_own_staging)

    def interrupted():
        with staging(tmp_path / "out"):
            watcher.start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    watcher.join()
    assert max(most) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_told_to_end_leaves_nothing_either(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", BUSY, "numba", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert finished(process).returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_a_second_interrupt_while_the_hidden_folder_goes_leaves_nothing(tmp_path, monkeypatch):
    """Ctrl-C in the middle of taking a hidden folder away: what is left of it is taken away all the same."""
    whole, calls = shutil.rmtree, []

    def interrupted(path, **options):
        calls.append(path)
        if len(calls) == 1:
            raise KeyboardInterrupt
        whole(path, **options)

    monkeypatch.setattr(folder_module.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), staging(tmp_path / "out") as stage:
        (stage.folder / "half.csv").write_text("half")
    assert list(tmp_path.iterdir()) == []
