"""A small town that every fault is tried on, and the command line as a person meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gridmap.runs import read_pipeline

from ..command import finished, run_here
from ..scripts import script

ROOT = Path(__file__).parents[2]
VALUES = {
    "title": "A town",
    "audience": "internal",
    "boundaries": {"path": "zones.geojson"},
    "grid": {"system": "square", "cell_size_m": 500},
    "incidents": {"path": "points.csv"},
    "hotspots": [{"getis_ord": {"order": 1}}, {"dbscan": {"eps_m": 150, "min_samples": 10}}],
    "outputs": {"map": "map.html", "layers": "l.gpkg", "counts": "c.parquet"},
}


class Town:
    """A folder with boundaries, points and a pipeline file."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        script("way").write_town(folder)

    def file(self, **changes):
        """The pipeline file, with these stages replaced."""
        path = self.folder / "p.yaml"
        path.write_text(yaml.safe_dump(VALUES | changes, allow_unicode=True), encoding="utf-8")
        return path

    def pipeline(self, **changes):
        return read_pipeline(self.file(**changes))


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path / "town")


def start(*arguments, **more) -> subprocess.Popen:
    """`gridmap …` as a process of its own."""
    command = [sys.executable, "-m", "gridmap.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | more.pop("env", {})  # wherever it stands
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True} | more
    return subprocess.Popen(command, env=environment, **settings)


@pytest.fixture
def gridmap():
    """`gridmap …`: in this process, or in one of its own where it is given an environment or `process=True`."""

    def run(*arguments, process=False, **more):
        if process or "env" in more:
            return finished(start(*arguments, **more), arguments)
        return run_here(arguments, **more)

    return run


def refused(done, *words: str) -> None:
    """One clear line, exit code 1, no traceback."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


def contents(folder) -> dict[str, bytes]:
    """Path → bytes of every file below a folder, hidden ones too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
