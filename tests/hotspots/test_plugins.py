"""A package of somebody else's adds a method, a grid system and a format, and brings its words along.

The package is laid out as pip would install it, and each command runs in a process of its own that finds it: a fork of
one that has imported gridmap's dependencies and nothing of gridmap.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import docx
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = '''
from gridmap.exports.formats.base import Format
from gridmap.grids.squares import SquareGrid
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult

TEXTS = {
    "en": {
        "method.busy_blocks.name": "Busy blocks",
        "method.busy_blocks.explains": "Cells with so many incidents or more.",
        "label.busy": "busy block",
        "null.city_limit": "the city's limit allows",
        "fact.busy_blocks": "{name}: {n:#block has|blocks have} {least:,} incidents or more, more than {null}.",
    },
    "zh": {
        "method.busy_blocks.name": "繁忙街区",
        "method.busy_blocks.explains": "案事件达到给定起数的网格。",
        "label.busy": "繁忙街区格",
        "null.city_limit": "全市限值",
        "fact.busy_blocks": "{name}：{n:#个}街区达到 {least:,} 起以上，超过{null}。",
    },
}


def facts(result):
    return [("busy_blocks", {"n": int((result.cells["label"] == "busy").sum()), "least": result.params["least"]})]


@hotspot_method(
    draws="labels", labels=("busy", "none"), finds=("busy",), columns=("count", "label"), amount="count",
    facts=facts, null="city_limit", texts=TEXTS,
)
def busy_blocks(counts, grid, *, least: int = 5) -> HotspotResult:
    """Cells with so many incidents or more."""
    label = (counts["count"] >= least).map({True: "busy", False: "none"}).astype(object)
    cells = grid.cells.assign(count=counts["count"], label=label)
    return HotspotResult(cells, "busy_blocks", {"least": least})


class Blocks(SquareGrid):
    """Squares of 500 m."""

    system = "blocks"

    @classmethod
    def over(cls, boundaries):
        grid = super().over(boundaries, cell_size_m=500)
        grid.system = "blocks"
        return grid


def _write(parts, path, stamp):
    path.write_text("\\n".join(str(i) for i in parts[0].frame.index), encoding="utf-8")


FORMATS = {".ids": Format(_write)}
'''
POINTS = """
[gridmap.methods]
busy_blocks = city_plugin:busy_blocks
[gridmap.grids]
blocks = city_plugin:Blocks
[gridmap.formats]
ids = city_plugin:FORMATS
"""


#: For each line of its input, a folder and a command, a process in which the packages of that folder are installed.
FORKS = """
import json, os, sys, tempfile
import docx, duckdb, geopandas, matplotlib.pyplot, numba, pydantic, scipy.stats, sklearn.cluster  # what takes long
for line in sys.stdin:
    folder, arguments = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        if (child := os.fork()) == 0:
            os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
            sys.path.insert(0, folder)
            code = 0
            try:
                from gridmap.cli import main

                main(arguments)
            except SystemExit as ended:
                code = ended.code or 0
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts = [(file.seek(0), file.read().decode())[1] for file in (out, err)]
    print(json.dumps([code, *texts]), flush=True)
"""


@pytest.fixture(scope="module")
def gridmap():
    """`gridmap …` where the packages of a folder are installed: how it ended and what it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen([sys.executable, "-c", FORKS], env=environment, **pipes) as process:

        def run(site: Path, *arguments) -> subprocess.CompletedProcess:
            process.stdin.write(json.dumps([str(site), [str(argument) for argument in arguments]]) + "\n")
            process.stdin.flush()
            code, out, err = json.loads(process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out, err)

        yield run
        process.stdin.close()


def installed(folder: Path, package: str = PACKAGE, points: str = POINTS) -> Path:
    """The folder, which now holds the package as if pip had put it there."""
    about = folder / "city_plugin-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "city_plugin.py").write_text(package, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: city-plugin\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(gridmap, tmp_path_factory):
    """A pipeline over the package's grid, with its method and its format, in Chinese."""
    folder = tmp_path_factory.mktemp("plugin")
    site = installed(folder / "site")
    rng = np.random.default_rng(7)
    zones = gpd.GeoDataFrame(
        {"code": ["W"], "name": ["西区"]}, geometry=[shapely.box(-1.6, 53.74, -1.5, 53.8)], crs=4326
    )
    zones.to_file(folder / "zones.geojson")
    lon = np.r_[rng.normal(-1.53, 0.003, 300), rng.uniform(-1.60, -1.50, 60)]
    lat = np.r_[rng.normal(53.77, 0.002, 300), rng.uniform(53.74, 53.80, 60)]
    points = pd.DataFrame({"date": "2024-03-05", "category": "theft", "lon": lon, "lat": lat})
    points.to_csv(folder / "points.csv", index=False)
    pipeline = {
        "title": "城区",
        "language": "zh",
        "boundaries": {"path": "zones.geojson"},
        "grid": {"system": "blocks"},
        "incidents": {"path": "points.csv"},
        "hotspots": [{"busy_blocks": {"least": 20}}],
        "outputs": {"map": "map.html", "report": "paper.docx", "layers": "layers.ids"},
    }
    (folder / "p.yaml").write_text(yaml.safe_dump(pipeline, allow_unicode=True), encoding="utf-8")
    done = gridmap(site, "run", folder / "p.yaml", "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return folder, site, done.stdout


def test_a_method_of_another_package_is_listed_beside_gridmaps_own(gridmap, run):
    _, site, _ = run
    listed = gridmap(site, "methods").stdout
    assert "busy_blocks" in listed
    assert "getis_ord" in listed


def test_it_runs_from_a_pipeline_and_says_its_facts_in_chinese(run):
    folder, _, printed = run
    counted = json.loads((folder / "out/results/facts.json").read_text(encoding="utf-8"))
    found = next(entry for entry in counted["facts"] if entry["kind"] == "busy_blocks")
    assert found["values"]["least"] == 20
    assert 3 <= found["values"]["n"] <= 12  # 300 thefts around one corner, on squares of 500 m
    assert re.search(rf"繁忙街区：{found['values']['n']} 个街区达到 20 起以上，超过全市限值。", printed)


def test_it_stands_on_a_chinese_page_under_its_chinese_name(run):
    folder, _, _ = run
    page = (folder / "out/map.html").read_text(encoding="utf-8")
    data = page.split('id="gridmap-data">')[1].split("</script>")[0]
    for text in ("繁忙街区", "案事件达到给定起数的网格。", "繁忙街区格"):
        assert text in data, text


def test_it_stands_in_a_chinese_paper(run):
    folder, _, _ = run
    paper = docx.Document(folder / "out/paper.docx")
    text = "\n".join(p.text for p in paper.paragraphs)
    assert "超过全市限值" in text
    assert "Busy blocks" not in text


def test_a_paper_is_made_again_from_the_folder_in_a_new_process(gridmap, run):
    folder, site, _ = run
    done = gridmap(site, "report", folder / "out", "--output", folder / "again.docx", "--language", "en")
    assert done.returncode == 0, done.stderr
    text = "\n".join(p.text for p in docx.Document(folder / "again.docx").paragraphs)
    assert "blocks have 20 incidents or more, more than the city's limit allows" in text


def test_its_grid_and_its_format_are_used(run):
    folder, _, _ = run
    manifest = json.loads((folder / "out/run.json").read_text(encoding="utf-8"))
    assert "blocks" in json.dumps(manifest["settings"]["grid"])
    written = next((folder / "out").glob("layers*.ids"))
    ids = written.read_text(encoding="utf-8").split()
    assert len(ids) > 100
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        (('"zh": {', '"en ": {'), "has no words for method.busy_blocks.name (zh)"),
        (('"null.city_limit": "全市限值",', ""), "null.city_limit (zh)"),
        (('null.city_limit": "the', 'null.other": "the'), "null.city_limit (en)"),
        (("@hotspot_method(", "@(lambda **_: lambda f: f)("), "is not declared as a hotspot method"),
    ],
)
def test_a_method_registered_incompletely_is_refused_with_what_it_lacks(gridmap, tmp_path, change, lacking):
    package = PACKAGE.replace(*change)
    assert package != PACKAGE
    done = gridmap(installed(tmp_path, package), "methods", "busy_blocks")
    assert done.returncode == 1
    assert lacking in done.stderr
