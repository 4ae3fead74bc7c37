"""The place to write to: full, forbidden, taken. The folder stays as it was, and one line says why."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys

import pytest

from gridmap.errors import OutputError
from gridmap.runs import run as run_module
from gridmap.runs import run_pipeline
from gridmap.runs.verify import verify_run

from .conftest import ROOT, contents, needs_root, refused


@pytest.mark.parametrize("most_bytes", [0, 3_000, 60_000, 300_000])
def test_a_disk_that_is_full_in_whichever_writer(town, tmp_path, most_bytes):
    """No file may grow beyond this, so each writer in its turn is the one that fails."""
    run_pipeline(town.pipeline(patrol={"units": 1, "shift_h": 1, "sheets": False}), tmp_path / "out")
    before = contents(tmp_path / "out")

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "gridmap.cli", "run", town.folder / "p.yaml", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    refused(done)
    assert contents(tmp_path / "out") == before
    assert verify_run(tmp_path / "out").faults == []


@pytest.mark.parametrize("writer", ["map_page", "export", "write_table", "json_text"])
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
