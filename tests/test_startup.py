"""What starting costs, and that a long first wait says why."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KERNEL = "from numba import njit\n\n\n@njit(cache=True)\ndef double(x):\n    return 2 * x\n"
COMMAND = """
import sys
import gridmap.cli.app
app = sys.modules["gridmap.cli.app"]
app._spoken = sys.argv[1]
with app.progress_shown(as_lines=sys.argv[2:] == ["steps"]):
    import kernel
    print(kernel.double(21), kernel.double(2.5))
"""


def processor_seconds(*arguments: str) -> float:
    """Of a process of its own, the better of two."""
    spent = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""}
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


@pytest.mark.parametrize(
    ("arguments", "most"),
    [(("-c", "import gridmap"), 0.1), (("-m", "gridmap", "--help"), 0.3), (("-m", "gridmap", "methods"), 0.3)],
)
def test_starting_is_quick(arguments, most):
    """Twice the limit of the issue, as this machine may be slower than the one that it was measured on."""
    assert processor_seconds(*arguments) < 2 * most


def test_the_first_grid_is_drawn_at_once():
    """Beyond the imports of geopandas, which any territory needs before there is a grid."""
    town = 'gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)'
    start = f"import geopandas as gpd, gridmap as gm, shapely; town = {town}"
    waited = processor_seconds("-c", f"{start}; gm.make_grid(town, system='h3', resolution=8)")
    assert waited - processor_seconds("-c", start) < 2


@pytest.mark.parametrize(("language", "words"), [("en", "Compiling for this machine"), ("zh", "正在为本机编译")])
def test_the_first_wait_is_announced_and_the_second_run_is_silent(tmp_path, language, words):
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path / "c")}
    environment["PYTHONIOENCODING"] = "utf-8"

    def run(*more: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-c", COMMAND, language, *more]
        return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)

    first, again = run(), run()
    assert len(first.stderr.strip().splitlines()) == 1
    assert words in first.stderr
    assert again.stderr == ""
    assert first.stdout == again.stdout == "42 5.0\n"


def test_a_program_that_reads_the_steps_is_given_nothing_else(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path / "c")}
    command = [sys.executable, "-c", COMMAND, "en", "steps"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
