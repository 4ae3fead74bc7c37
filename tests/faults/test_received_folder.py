"""To stand in a folder that came by mail: what lies in it changes neither what runs nor what is counted."""

import os
import subprocess
import sys

import geopandas as gpd
import matplotlib
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap._fonts import drawing_style
from gridmap.counts import duckdb as counting
from gridmap.errors import InputError
from gridmap.reports.charts.frame import chart

from .conftest import ROOT


def test_a_folder_s_settings_of_numba_name_no_place_of_compiled_code(tmp_path):
    """Compiled code is pickled: whoever names its folder decides what runs."""
    (tmp_path / "evil").mkdir()
    (tmp_path / ".numba_config.yaml").write_text(
        "cache_dir: evil\ncache_locator_classes: evil.Locator\nchrome_trace: t\n"
    )
    lines = (
        "from gridmap.cli.app import _place_for_compiled_code as place",
        "place()",
        "import numba, os",
        "print(numba.config.CACHE_DIR, numba.config.CACHE_LOCATOR_CLASSES, numba.config.CHROME_TRACE, os.getcwd())",
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", "; ".join(lines)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(tmp_path.resolve())]


def test_a_folder_s_settings_of_matplotlib_do_not_change_a_chart():
    """`text.usetex` would hand the names of places to TeX."""
    with matplotlib.rc_context({"text.usetex": True, "axes.facecolor": "red", "savefig.transparent": True}):
        with drawing_style({"font.size": 9}):
            assert not matplotlib.rcParams["text.usetex"]
            assert not matplotlib.rcParams["savefig.transparent"]
            assert matplotlib.rcParams["font.size"] == 9
        with chart("half", "en") as figure:
            ax = figure.add_subplot()
            assert ax.get_facecolor() == (1, 1, 1, 1)
            assert not ax.set_title(r"\input{/etc/passwd}").get_usetex()
        assert matplotlib.rcParams["text.usetex"]


@pytest.fixture
def grid():
    zones = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    return gm.make_grid(gm.read_boundaries(zones), system="square", cell_size_m=5000)


def cases(path, n=1, category="theft"):
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({"lon": [-1.53] * n, "lat": 53.77, "category": category})
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("name", ["cases.parquet", "cases.csv"])
def test_a_folder_named_as_the_home_is_no_home(tmp_path, monkeypatch, grid, name):
    cases(tmp_path / "home" / name, 7)
    cases(tmp_path / "here" / "~" / name, 2)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    assert gm.count_by_cell(f"~/{name}", grid)["count"].sum() == 2


@pytest.mark.parametrize("name", ["cases.parquet", "cases.csv"])
def test_the_name_of_a_folder_is_no_column_of_a_file_in_it(tmp_path, grid, name):
    path = cases(tmp_path / "category=nothing" / "lon=9" / name, 3)
    counts = gm.count_by_cell(path, grid, by="category")["count"]
    assert counts.groupby(level="category").sum().to_dict() == {"theft": 3}


def test_folders_within_a_folder_are_columns_and_those_above_are_refused(tmp_path, grid):
    for kind, n in (("theft", 2), ("fraud", 3)):
        frame = pd.DataFrame({"lon": [-1.53] * n, "lat": 53.77})
        (tmp_path / "data" / f"category={kind}").mkdir(parents=True)
        frame.to_parquet(tmp_path / "data" / f"category={kind}" / "a.parquet")
    for given in (tmp_path / "data", str(tmp_path / "data" / "*" / "*.parquet")):
        counts = gm.count_by_cell(given, grid, by="category")["count"]
        assert counts.groupby(level="category").sum().to_dict() == {"fraud": 3, "theft": 2}
    (tmp_path / "data").rename(tmp_path / "lat=7")
    with pytest.raises(InputError, match="Rename the folder above"):
        gm.count_by_cell(tmp_path / "lat=7", grid, by="category")


@pytest.mark.skipif(not hasattr(counting.os, "getuid"), reason="needs POSIX")
def test_rows_that_do_not_fit_into_memory_go_where_nobody_else_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "gettempdir", lambda: str(tmp_path))
    folder = counting._spill_folder()
    assert folder.stat().st_mode & 0o077 == 0
    assert counting._spill_folder() == folder
    folder.chmod(0o777)  # made by somebody else before
    assert counting._spill_folder() != folder
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    assert counting._spill_folder() != folder
