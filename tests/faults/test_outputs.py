"""The place to write to: full, forbidden, taken. The folder stays as it was, and one line says why."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from gridmap.errors import OutputError
from gridmap.runs import run as run_module
from gridmap.runs import run_pipeline
from gridmap.runs.verify import verify_run

from .conftest import ROOT, Town, contents, needs_root, refused

#: A process in which no file may grow beyond so many bytes: one run for each of several numbers, and how it ended.
SMALL_FILES = """
import contextlib, io, json, resource, signal, sys, warnings
from gridmap.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for most_bytes in map(int, sys.argv[2:]):
    out, err = io.StringIO(), io.StringIO()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        try:
            main(["run", sys.argv[1], "--out", f"out{most_bytes}"])
        except SystemExit as ended:
            print(json.dumps([ended.code, out.getvalue(), err.getvalue()]), file=sys.__stdout__)
"""
LIMITS = (0, 3_000, 60_000, 300_000)


@pytest.fixture(scope="module")
def on_small_disks(tmp_path_factory):
    """Most bytes of a file → how a run into a folder that has an earlier one ended, the folder, what was in it."""
    folder = tmp_path_factory.mktemp("disks")
    town = Town(folder / "town")
    run_pipeline(town.pipeline(patrol={"units": 1, "shift_h": 1, "sheets": False}), folder / "kept")
    for most_bytes in LIMITS:
        shutil.copytree(folder / "kept", folder / f"out{most_bytes}")
    done = subprocess.run(
        [sys.executable, "-B", "-c", SMALL_FILES, town.folder / "p.yaml", *map(str, LIMITS)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    ended = [subprocess.CompletedProcess((), *json.loads(line)) for line in done.stdout.splitlines()]
    return {n: (end, folder / f"out{n}", contents(folder / "kept")) for n, end in zip(LIMITS, ended, strict=True)}


@pytest.mark.parametrize("most_bytes", LIMITS)
def test_a_disk_that_is_full_in_whichever_writer(on_small_disks, most_bytes):
    """No file may grow beyond this, so each writer in its turn is the one that fails."""
    done, out, before = on_small_disks[most_bytes]
    refused(done)
    assert contents(out) == before
    assert verify_run(out).faults == []


@pytest.mark.parametrize("writer", ["map_page", "export", "write_released", "json_text"])
def test_a_disk_that_is_full_is_told_whoever_meets_it(town, tmp_path, monkeypatch, writer):
    def full(*arguments, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(run_module, writer, full)
    monkeypatch.setattr(run_module, "write_layers", full if writer == "export" else run_module.write_layers)
    with pytest.raises(OutputError, match="No space left"):
        run_pipeline(town.pipeline(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"town"}


@needs_root
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_file_system_that_really_is_full(town, tmp_path):
    (tmp_path / "disk").mkdir()
    line = (
        f"mount -t tmpfs -o size=200k none '{tmp_path}/disk' && "
        f"'{sys.executable}' -m gridmap.cli run '{town.file()}' --out '{tmp_path}/disk/out'; code=$?; "
        f"ls -A '{tmp_path}/disk'; exit $code"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("no file system may be mounted here")
    refused(done)
    assert done.stdout == ""  # nothing is left on it


def test_no_permission_is_said_before_any_work(town, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()

    def forbidden(*arguments, **more):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("tempfile.mkdtemp", forbidden)
    steps = []
    with pytest.raises(OutputError, match="cannot be written: Permission denied"):
        run_pipeline(town.pipeline(), tmp_path / "out", on_step=steps.append)
    assert steps == []


@needs_root
@pytest.mark.skipif(shutil.which("chattr") is None, reason="needs chattr")
def test_an_output_that_may_not_be_replaced_leaves_all_as_it_was(town, tmp_path):
    out = tmp_path / "out"
    run_pipeline(town.pipeline(), out)
    before = contents(out)
    if subprocess.run(["chattr", "+i", out / "map.html"], capture_output=True, check=False).returncode:
        pytest.skip("the file system knows no immutable files")
    try:
        with pytest.raises(OutputError, match=r"Nothing was written"):
            run_pipeline(town.pipeline(hotspots=["getis_ord"]), out)
        assert contents(out) == before
        assert verify_run(out).faults == []
    finally:
        subprocess.run(["chattr", "-i", out / "map.html"], check=True)
    run_pipeline(town.pipeline(hotspots=["getis_ord"]), out)
    assert verify_run(out).faults == []


def test_a_folder_where_an_output_should_be(town, gridmap, tmp_path):
    (tmp_path / "out" / "map.html" / "mine").mkdir(parents=True)
    refused(gridmap("run", town.file(), "--out", tmp_path / "out"), "map.html", "folder")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["map.html"]


def test_a_file_where_the_folder_should_be_and_a_folder_where_an_input_should_be(town, gridmap, tmp_path):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    refused(gridmap("run", town.file(), "--out", tmp_path / "out"), "out cannot be written")
    (town.folder / "points.csv").unlink()
    (town.folder / "points.csv").mkdir()
    refused(gridmap("run", town.file(), "--out", tmp_path / "new"), "points.csv", "folder")
    (town.folder / "p.yaml").unlink()
    (town.folder / "p.yaml").mkdir()
    refused(gridmap("run", town.folder / "p.yaml", "--out", tmp_path / "new"), "p.yaml")
    assert not (tmp_path / "new").exists()
