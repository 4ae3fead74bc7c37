"""The plugin for QGIS: every method is offered, a run's layers are loaded with their styles."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from gridmap.errors import OutputError
from gridmap.hotspots.registry import METHODS
from gridmap.messages import LANGUAGES
from gridmap.qgis import SOURCE, WORDS, write_plugin

from .command import LONGEST
from .runs.test_inbox import write_zones_and_export

ROOT = Path(__file__).parents[1]
#: What a person would see: each layer that is loaded, its renderer, and its classes.
LOOK = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
path, found = sys.argv[1], {}
whole = QgsVectorLayer(path, "x", "ogr")
names = [e.split("!!::!!")[1] for e in whole.dataProvider().subLayers()]
for name in (n for n in names if n != "layer_styles"):
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    kind = layer.renderer().type()
    classes = [c.label() for c in layer.renderer().categories()] if kind == "categorizedSymbol" else []
    found[name] = [layer.isValid(), layer.featureCount(), kind, classes]
print("FOUND " + json.dumps(found))
"""


def test_the_plugin_offers_every_method_in_every_language(tmp_path):
    folder = write_plugin(tmp_path)
    schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    assert set(schema) == set(words) == set(LANGUAGES)
    for language in LANGUAGES:
        assert set(schema[language]) == set(METHODS)
        assert set(words[language]) == {*WORDS, "steps"}
        assert schema[language]["getis_ord"]["options"]["order"] == {"title": "Order", "type": "integer", "default": 1}
    assert schema["zh"]["hotspot_test"]["title"] == "热点"
    assert json.loads((folder / "command.json").read_text(encoding="utf-8")) == [sys.executable, "-m", "gridmap"]
    assert "@VERSION@" not in (folder / "metadata.txt").read_text(encoding="utf-8")
    assert write_plugin(tmp_path) == folder  # an earlier one is replaced


def test_something_else_is_not_replaced(tmp_path):
    (tmp_path / "gridmap_processing").mkdir()
    (tmp_path / "gridmap_processing" / "mine.py").write_text("x = 1", encoding="utf-8")
    with pytest.raises(OutputError, match="not a plugin of gridmap"):
        write_plugin(tmp_path)
    assert (tmp_path / "gridmap_processing" / "mine.py").read_text(encoding="utf-8") == "x = 1"


def test_the_plugin_imports_nothing_but_qgis_and_the_standard_library():
    for path in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert name.split(".")[0] in sys.stdlib_module_names | {"qgis"}, (path.name, name)


def qgis(home, *arguments, **more):
    """What `qgis_process` printed; Debian's wrapper gives it an option that it does not know."""
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"} | more
    environment = {"PATH": "/usr/bin:/bin", **own}  # of another Python before the system's, QGIS takes its libraries
    done = subprocess.run(
        [program, *arguments], env=environment, capture_output=True, encoding="utf-8", timeout=LONGEST
    )
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.needs("qgis")
def test_qgis_runs_three_methods_and_loads_their_layers_with_styles(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    write_plugin(home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins")
    qgis(home, "plugins", "enable", "gridmap_processing")
    listed = qgis(home, "list")
    assert {
        line.split()[0].split(":")[1] for line in listed.splitlines() if line.strip().startswith("gridmap:")
    } == set(METHODS)
    write_zones_and_export(tmp_path)
    zones, export = str(tmp_path / "zones.geojson"), str(tmp_path / "exports" / "march.csv")
    at = np.random.default_rng(0).normal([-1.56, 53.75], 0.008, (80, 2))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*at.T), crs=4326)
    points.to_file(tmp_path / "points.gpkg")
    runs = {
        "hotspot_test": [f"INCIDENTS_FILE={export}", "GRID=1", "CELL_SIZE_M=1000"],
        "getis_ord": [f"INCIDENTS={tmp_path / 'points.gpkg'}", "GRID=1", "CELL_SIZE_M=1000", "PERMUTATIONS=99"],
        "dbscan": [f"INCIDENTS_FILE={export}", "EPS_M=400", "MIN_SAMPLES=5", "RESOLUTION=7"],
    }
    for method, given in runs.items():
        out = tmp_path / method
        printed = qgis(home, "run", f"gridmap:{method}", "--", f"BOUNDARIES={zones}", f"OUTPUT={out}", *given)
        assert f"LAYERS:\t{out / 'hotspots.gpkg'}" in printed, printed
        settings = json.loads((out / "run.json").read_text(encoding="utf-8"))["settings"]
        assert list(settings["hotspots"][0]) == [method]
    assert settings["hotspots"] == [{"dbscan": {"eps_m": 400, "min_samples": 5}}]
    assert settings["grid"] == {"system": "h3", "resolution": 7}
    look = ["/usr/bin/python3", "-c", LOOK]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "QT_QPA_PLATFORM": "offscreen",
    }
    for method, classes in (("hotspot_test", "hot 99 %"), ("getis_ord", None), ("dbscan", None)):
        done = subprocess.run(
            [*look, str(tmp_path / method / "hotspots.gpkg")],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST,
        )
        found = json.loads(done.stdout.split("FOUND ")[1])
        assert found, method
        for valid, features, kind, labels in found.values():
            assert valid
            assert features > 0
            if classes:
                assert kind == "categorizedSymbol"
                assert classes in labels


@pytest.mark.slow
@pytest.mark.needs("qgis")
def test_what_gridmap_refuses_is_said_in_qgis_in_its_own_line(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    write_plugin(home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins")
    qgis(home, "plugins", "enable", "gridmap_processing")
    write_zones_and_export(tmp_path)
    zones, bad = str(tmp_path / "zones.geojson"), tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n", encoding="utf-8")
    arguments = [f"BOUNDARIES={zones}", f"INCIDENTS_FILE={bad}", f"OUTPUT={tmp_path / 'out'}"]
    printed = qgis(home, "run", "gridmap:hotspot_test", "--", *arguments)
    assert "gridmap: " in printed
    assert "gridmap-note" not in printed
    assert "bad.csv" in printed
    assert not (tmp_path / "out" / "run.json").exists()
    nothing = qgis(home, "run", "gridmap:hotspot_test", "--", f"BOUNDARIES={zones}", f"OUTPUT={tmp_path / 'out'}")
    assert "Name a file of incidents, or a layer of points." in nothing


@pytest.mark.slow
@pytest.mark.needs("qgis")
@pytest.mark.parametrize(
    ("named", "language", "said"),
    [
        ("/nowhere/grid map", "en", "The command gridmap was not found."),
        ("/usr/bin/python3 -I -m gridmap", "zh", "找不到 gridmap 命令"),
    ],
)
def test_a_command_that_is_not_there_is_said(tmp_path, named, language, said):
    home = tmp_path / "家 home"
    home.mkdir(mode=0o700)
    write_plugin(home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins")
    qgis(home, "plugins", "enable", "gridmap_processing")
    write_zones_and_export(tmp_path)
    given = [f"BOUNDARIES={tmp_path / 'zones.geojson'}", f"INCIDENTS_FILE={tmp_path / 'exports' / 'march.csv'}"]
    given += [f"OUTPUT={tmp_path / 'out'}"]
    own = {"GRIDMAP_COMMAND": named, "GRIDMAP_LANGUAGE": language}
    printed = qgis(home, "run", "gridmap:hotspot_test", "--", *given, **own)
    assert said in printed
    assert "Traceback" not in printed


#: The parts of the plugin that need no QGIS, with its classes as plain ones.
ALONE = """
import sys, types
core = types.ModuleType("qgis.core")
core.__getattr__ = lambda name: type(name, (Exception,), {})
sys.modules["qgis"], sys.modules["qgis.core"] = types.ModuleType("qgis"), core
sys.path.insert(0, sys.argv[1])
from gridmap_processing import provider
"""


def alone(folder, code, **more):
    done = subprocess.run(
        [sys.executable, "-c", ALONE + code, str(folder)],
        env={**os.environ, **more},
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_that_prints_nothing_is_cancelled_too(tmp_path):
    write_plugin(tmp_path)
    code = """
import time
process = provider.started([sys.executable, "-c", "import time; print('one', flush=True); time.sleep(600)"])
begun, seen = time.monotonic(), []
for text in provider.printed_by(process, lambda: bool(seen) and time.monotonic() - begun > 2):
    seen.append(text)
provider.ended(process)
print(seen, process.returncode, time.monotonic() - begun < 60)
"""
    assert alone(tmp_path, code).strip() == "['one\\n'] -15 True"


def test_a_command_with_spaces_is_one(tmp_path):
    write_plugin(tmp_path)
    program = tmp_path / "程序 folder" / "grid map"
    program.parent.mkdir()
    program.write_text("", encoding="utf-8")
    code = "print(provider.command())"
    assert alone(tmp_path, code, GRIDMAP_COMMAND=str(program)).strip() == str([str(program)])
    assert alone(tmp_path, code, GRIDMAP_COMMAND="python -m gridmap").strip() == "['python', '-m', 'gridmap']"


def test_steps_are_said_in_the_language_of_qgis(tmp_path):
    write_plugin(tmp_path)
    code = (
        "print(provider.shown_step('read boundaries'), provider.shown_step('hotspot_test'), provider.shown_step('new'))"
    )
    assert alone(tmp_path, code, GRIDMAP_LANGUAGE="zh", PYTHONIOENCODING="utf-8").split() == ["读取边界", "热点", "new"]
