"""What a package from the wheel brings: examples, extras, the version; and what it says where something is missing."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import webbrowser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import gridmap as gm
from gridmap import installation
from gridmap._extras import EXTRAS, needs_extras
from gridmap.errors import InputError, MissingPackageError, OutputError
from gridmap.examples import example_names, example_path, write_example
from gridmap.installation import check_installation, opens_pages
from gridmap.messages import all_texts
from gridmap.runs.config import read_pipeline
from tests.command import run_here
from tests.scripts import script

ROOT = Path(__file__).parents[1]
#: What a distribution is imported as, where that is another name.
IMPORTED = {
    "python-docx": "docx",
    "python-pptx": "pptx",
    "pillow": "PIL",
    "python-multipart": "python_multipart",
    "markdown-it-py": "markdown_it",
}


def test_the_examples_in_the_package_are_made_from_pipelines_and_data():
    examples = script("examples")
    assert examples.differing() == []
    assert sum(map(len, examples.files().values())) <= 400_000


def test_every_example_is_a_pipeline_that_can_be_read_where_it_stands():
    assert example_names() == sorted(name.removesuffix(".yaml") for name in script("examples").pipelines())
    for name in example_names():
        pipeline = read_pipeline(example_path(name))
        written = (pipeline.boundaries.path, pipeline.incidents.path)
        files = [file for paths in written for file in ([paths] if isinstance(paths, str) else paths)]
        files = [file for file in files if not file.startswith("sample://")]  # the simulated county is made, not read
        assert [file for file in files if not (pipeline.path.parent / file).exists()] == []


def test_an_example_is_written_whole_and_replaces_nothing(tmp_path):
    pipeline = tmp_path / "mine.yaml"
    written = write_example("burglary", pipeline)
    assert written[0] == pipeline
    assert read_pipeline(pipeline).title == "Burglary, West Yorkshire, July 2018"
    assert write_example("disorder", tmp_path / "other.yaml") == [tmp_path / "other.yaml"]  # the data are there
    pipeline.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match=r"mine\.yaml exists already"):
        write_example("burglary", pipeline)
    assert pipeline.read_text(encoding="utf-8") == "mine"
    written[1].write_bytes(b"another month")
    with pytest.raises(OutputError, match=r"street\.csv\.gz exists already"):
        write_example("burglary", tmp_path / "third.yaml")
    assert not (tmp_path / "third.yaml").exists()


def test_an_example_for_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    done = run_here(["example", "burglary", "-o", str(tmp_path / "file" / "mine.yaml")])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr


def test_an_unknown_example_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'burglary'"):
        example_path("burglry")


def test_the_version_has_one_home():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "gridmap.__version__"
    assert run_here(["--version"]).stdout == f"gridmap {gm.__version__}\n"


def test_python_m_gridmap_is_the_command_line():
    done = subprocess.run(
        [sys.executable, "-m", "gridmap", "example"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == example_names()


def test_the_extras_are_those_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        extra: {IMPORTED.get(r.name, r.name) for r in map(Requirement, packages)}
        for extra, packages in project["optional-dependencies"].items()
        if extra != "all"
    }
    assert declared == {extra: set(modules) for extra, modules in EXTRAS.items()}
    assert {"installation.what." + extra for extra in EXTRAS} <= set(all_texts("en"))
    (all_of_them,) = map(Requirement, project["optional-dependencies"]["all"])
    assert all_of_them.extras == set(EXTRAS)


#: For a child process: as if no package of an extra were installed.
WITHOUT = """
import sys
from gridmap._extras import EXTRAS
sys.modules.update({module: None for modules in EXTRAS.values() for module in modules})
"""


def without_extras(code: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, encoding="utf-8", cwd=ROOT, **options
    )


def test_the_core_alone_makes_a_map(tmp_path):
    out = tmp_path / "out"
    command = ["run", str(example_path("burglary")), "--out", str(out)]
    done = without_extras(f"from gridmap.cli import main; main({command!r})")
    assert done.returncode == 0, done.stderr
    assert "42 cells of 3,291, neighbours included, hold more than the residents explain" in done.stdout
    assert (out / "burglary.html").stat().st_size > 500_000


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        (
            "import gridmap as gm, pandas as pd; from gridmap.maps.figure import figure_of\n"
            "counts = pd.DataFrame({'count': [1]}, index=['8819424409fffff'])\n"
            "figure_of(gm.cells_layer(counts, 'count', name='Burglary'))",
            "papers",
        ),
        ("import gridmap as gm; gm.read_incidents('sqlite:///x.db')", "databases"),
        ("import gridmap as gm; gm.read_roads(__import__('sys').argv[1])", "patrol"),
    ],
)
def test_a_missing_extra_is_one_clear_line_with_its_name(code, extra, tmp_path):
    (tmp_path / "roads.osm").write_text("<osm version='0.6'/>", encoding="utf-8")
    code = f"import sys; sys.argv = ['', {str(tmp_path / 'roads.osm')!r}]\n" + code
    done = without_extras(code)
    assert done.returncode == 1
    assert "MissingPackageError: This needs the package" in done.stderr
    assert f"pip install 'gridmap[{extra}]'" in done.stderr


def test_a_missing_extra_on_the_command_line_is_one_line_in_the_language_spoken(demo, tmp_path):
    command = ["--language", "zh", "report", str(demo / "out"), "-o", str(tmp_path / "brief.docx")]
    done = without_extras(f"from gridmap.cli import main; main({command!r})")
    assert done.returncode == 1
    assert done.stderr.startswith("gridmap: 此功能需要软件包")
    assert done.stderr.count("\n") == 1
    assert "pip install 'gridmap[papers]'" in done.stderr
    assert not (tmp_path / "brief.docx").exists()


def test_a_module_of_no_extra_keeps_its_own_error():
    with pytest.raises(ModuleNotFoundError, match="no_such_module") as caught, needs_extras():
        import no_such_module  # noqa: F401
    assert not isinstance(caught.value, MissingPackageError)


def test_doctor_says_what_is_missing_and_what_that_costs():
    done = without_extras("from gridmap.cli import main; main(['doctor'])")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"gridmap {gm.__version__}, Python 3.")
    assert lines[1].startswith("✓ Everything that reading")
    for extra in EXTRAS:
        (line,) = (line for line in lines if f"'gridmap[{extra}]'" in line)
        assert line.startswith(f"– {extra}: not installed (")


def test_doctor_finds_what_a_terminal_cannot_show(monkeypatch):
    class Console:
        encoding = "cp1252"

    monkeypatch.setattr(sys, "stdout", Console())
    (terminal,) = (f for f in check_installation() if f.about == "terminal")
    assert not terminal.good
    assert "(cp1252)" in terminal.text


def finding(about: str):
    (found,) = (f for f in check_installation() if f.about == about)
    return found


def program(folder: Path, name: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def nothing_here(monkeypatch, tmp_path):
    """A machine without screen, browser or Java."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "JAVA_HOME", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(installation, "MORE_FOLDERS", (str(tmp_path / "more"),))
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    return tmp_path


linux = pytest.mark.skipif(sys.platform != "linux", reason="how Linux starts browsers")


@linux
def test_doctor_finds_a_browser_where_there_is_no_screen(nothing_here):
    assert not finding("browser").good
    assert finding("browser").text.startswith("No browser was found here")
    path = program(nothing_here / "more", "microsoft-edge")  # not on the PATH, as in a scheduled job
    found = finding("browser")
    assert found.good
    assert path in found.text
    assert "This session has no screen, so nothing opens by itself" in found.text
    assert "当前会话没有屏幕" in found.text.say("zh")
    assert not opens_pages()


@linux
def test_a_browser_of_text_is_none_that_opens_maps(nothing_here, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    program(nothing_here / "bin", "w3m")
    assert webbrowser.get().name == "w3m"
    assert not opens_pages()
    assert not finding("browser").good
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setenv("BROWSER", program(nothing_here / "bin", "my-helper"))  # as an editor's remote session sets it
    assert opens_pages()
    assert "my-helper" in finding("browser").text


@linux
def test_a_screen_and_a_browser_open_maps(nothing_here, monkeypatch):
    path = program(nothing_here / "bin", "firefox")
    monkeypatch.setenv("DISPLAY", ":0")
    assert opens_pages()
    assert finding("browser").text == f"A browser is there, which opens the maps: {path}"


def test_doctor_finds_the_java_that_spark_would_start(nothing_here, monkeypatch):
    assert not finding("java").good
    monkeypatch.setenv("JAVA_HOME", str(nothing_here / "gone"))
    program(nothing_here / "bin", "java")
    assert not finding("java").good  # Spark takes that of JAVA_HOME, and there is none
    path = program(nothing_here / "jdk" / "bin", "java")
    monkeypatch.setenv("JAVA_HOME", str(nothing_here / "jdk"))
    assert finding("java").good
    release = nothing_here / "jdk" / "release"
    monkeypatch.setattr(installation, "_version_of", lambda name: "4.0.1")
    for version, good in (("1.8.0_402", False), ("11.0.2", False), ("17.0.9", True), ("21", True)):
        release.write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n', encoding="utf-8")
        assert finding("java").good is good
    release.write_text('JAVA_VERSION="1.8.0_402"\n', encoding="utf-8")
    assert finding("java").text.startswith(f"Java 8 is there ({path}), but Spark needs 17.")
    monkeypatch.setattr(installation, "_version_of", lambda name: "3.5.6")
    assert finding("java").good  # which Spark 3.5 runs on


def test_doctor_tells_a_package_of_the_core_that_is_there_but_cannot_be_used(monkeypatch):
    real, load = importlib.metadata.version, installation.import_module
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.5.3" if name == "pandas" else real(name))

    def broken(name: str):
        if name == "rasterio":
            raise ImportError("libexpat.so.1: cannot open shared object file")
        return load(name)

    monkeypatch.setattr(installation, "import_module", broken)
    core = finding("core")
    assert (core.needed, core.good) == (True, False)
    assert "pandas (1.5.3 < 2.2), " in core.text
    assert "rasterio (ImportError: libexpat.so.1: cannot open shared object file)" in core.text


def test_doctor_says_where_gridmap_runs_without_being_installed(monkeypatch):
    def absent(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    assert finding("core").text.startswith("gridmap is run from a folder and is not installed")


def test_the_conda_recipe_renders_and_has_the_same_dependencies():
    import re

    import jinja2
    import yaml

    from .test_setup import CONDA_NAMES

    def load_file_regex(load_file, regex_pattern):
        return re.search(regex_pattern, (ROOT / load_file).read_text(encoding="utf-8"))

    text = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    recipe = yaml.safe_load(
        jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(load_file_regex=load_file_regex)
    )
    assert recipe["package"] == {"name": "gridmap", "version": gm.__version__}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        package
        for name, extra in project["optional-dependencies"].items()
        if name not in ("all", "spark", "ray")
        for package in extra
    ]
    wanted = {
        f"{CONDA_NAMES.get(r.name, r.name)} {r.specifier}" for r in map(Requirement, project["dependencies"] + extras)
    }
    assert set(recipe["requirements"]["run"]) == wanted | {"python >=3.11"}
    assert recipe["build"]["entry_points"] == ["gridmap = gridmap.cli:main"]
    assert recipe["about"]["license"] == project["license"]
    assert (ROOT / recipe["about"]["license_file"]).is_file()


def test_the_dockerfile_installs_by_hash_what_the_papers_need_and_runs_as_nobody_special():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    assert lines[0].startswith("FROM debian:12")
    run = " ".join(line for line in lines if line.startswith("RUN"))
    assert "fonts-noto-cjk" in run
    assert "--require-hashes -r requirements-image.lock" in run
    assert "USER gridmap" in lines
    copied = {name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    assert lines.index("USER gridmap") < next(i for i, line in enumerate(lines) if line.startswith("ENTRYPOINT"))


def test_the_image_gets_what_the_lock_holds_without_the_packages_of_the_tests():
    """`python .ci/image_lock.py` writes it anew."""
    found = script("image_lock").image_lock()
    assert (ROOT / "requirements-image.lock").read_text(encoding="utf-8") == found
    names = {name.lower() for name in re.findall(r"(?m)^([\w.-]+)==", found)}
    assert {"duckdb", "typst", "uvicorn", "mcp", "setuptools"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "esda", "playwright", "sphinx"}


def test_the_citation_names_this_version():
    import yaml

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["version"] == gm.__version__
