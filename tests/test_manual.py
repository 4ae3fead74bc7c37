"""The manual: every page in both languages and alike, its code runs, its links lead somewhere, it asks nobody."""

import doctest
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import typer

import gridmap as gm
from gridmap.runs.config import read_pipeline

from .command import awaited, run_here
from .made_once import made_once

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "docs" / "manual"
sys.path.insert(0, str(MANUAL))
build, twins = import_module("build"), import_module("twins")
sys.path.remove(str(MANUAL))
#: Pages whose twin is being written.
AWAITED = {"reading", "forecasting"} - set(build.PAGES)
FENCE = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")


def pages_with(language: str) -> list[str]:
    """The English pages that have such code; a twin's is the same."""
    return [page for page in build.PAGES if any(kind == language for kind, _ in FENCE.findall(twins.texts(page)[0]))]


def test_every_document_is_a_page_of_the_manual_or_said_not_to_be():
    documents = {path.stem for path in (ROOT / "docs").glob("*.md") if "." not in path.stem}
    assert set(build.PAGES) | build.NOT_IN_THE_MANUAL == documents - AWAITED
    assert len(build.PAGES) == len(set(build.PAGES))
    twin = {path.name.removesuffix(".zh-CN.md") for path in (ROOT / "docs").glob("*.zh-CN.md")}
    assert twin == set(build.PAGES)


@pytest.mark.parametrize("page", build.PAGES)
def test_a_page_and_its_twin_say_the_same(page):
    assert twins.differences(page) == []
    assert not (found := twins.changed(page)), found


def test_the_words_of_the_theme_on_a_page_have_a_translation():
    import furo

    page = Path(furo.__file__).parent / "theme" / "furo" / "page.html"
    said = set(re.findall(r'_\("([^"]+)"\)', page.read_text(encoding="utf-8")))
    assert {"Previous", "Next", "Home"} <= said
    theirs = {"Edit this page", "View this page"}  # of pages on a server
    assert said - set(build.THEME) <= theirs


def test_a_page_that_changed_alone_is_named(monkeypatch):
    page = build.PAGES[0]
    english, chinese = twins.texts(page)
    monkeypatch.setattr(twins, "texts", lambda _: (english + "\nOne more.\n", chinese))
    assert twins.changed(page) == f"{page}: the English page changed and the Chinese one did not"
    monkeypatch.setattr(twins, "texts", lambda _: (english, chinese + "\n## 又一节\n\n共 815 起。\n"))
    assert [line.split(": ")[1] for line in twins.differences(page)] == ["levels of headings", "numbers"]


def test_the_reference_has_every_public_name_once_and_a_sentence_in_chinese():
    import tomllib

    book = tomllib.loads((MANUAL / "reference.toml").read_text(encoding="utf-8"))
    names = [name for chapter in book["chapters"] for name in chapter["names"]]
    assert sorted(names) == sorted(gm.__all__)
    assert all(
        re.search("[\u4e00-\u9fff].*[。？…]$", zh) for chapter in book["chapters"] for zh in chapter["names"].values()
    )
    assert {word for words in book["also"].values() for word in words} | set(book["also"]) <= set(names)


# ------------------------------------------------------------------------------------------------ its code


def command_names() -> dict[tuple[str, ...], set[str]]:
    """Every command with its options."""
    from gridmap.cli.app import app

    found: dict[tuple[str, ...], set[str]] = {}

    def walk(command, path):
        found[path] = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))

    walk(typer.main.get_command(app), ())
    return found


def test_every_command_that_a_page_types_exists_with_its_options():
    commands = command_names()
    seen = 0
    for page in build.PAGES:
        for line in re.findall(
            r"(?m)^(gridmap .*)$", "".join(re.findall(r"(?ms)^```\w*\n(.*?)^```$", twins.texts(page)[0]))
        ):
            words = shlex.split(line.replace("…", ""), comments=True)[1:]
            words = words[2:] if words[0] == "--language" else words
            path: tuple[str, ...] = ()
            while words and (*path, words[0]) in commands:
                path = (*path, words.pop(0))
            options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert path, line
            assert options <= commands[path], line
            seen += 1
    assert seen > 12


HEAD = (
    "title: steps\nboundaries: {path: zones.geojson}\ngrid: {system: h3, resolution: 8}\nincidents: {path: cases.csv}\n"
)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in build.PAGES if page.startswith("tutorial")])
def test_what_a_tutorial_types_does_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = ""
    names: dict = {}
    for kind, block in FENCE.findall(twins.texts(page)[0]):
        if kind == "bash":
            for line in block.splitlines():
                done = run_here(shlex.split(line)[1:])
                assert done.returncode == 0, (line, done.stderr)
                printed += done.stdout
        elif kind == "text":
            missing = [line for line in block.splitlines() if line not in printed]
            assert missing == []
        elif kind == "yaml":  # steps of a pipeline: they are read as one's own would be
            for name in ("zones.geojson", "cases.csv"):
                (tmp_path / name).touch()
            steps = tmp_path / "steps.yaml"
            steps.write_text(f"{HEAD}hotspots:\n{block}\noutputs: {{map: map.html}}\n", encoding="utf-8")
            assert read_pipeline(steps).hotspots
        else:
            assert kind == "python"
            test = doctest.DocTestParser().get_doctest(block, names, page, None, 0)
            assert test.examples
            said: list[str] = []
            outcome = doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
            assert outcome.failed == 0, "".join(said)
            names = test.globs


#: What a page's code takes as there: made of the bundled samples.
GIVEN = {
    "exports": "",
    "forecasting": "",
    "governance": "import gridmap as gm\n",
    "patrol": """
import gridmap as gm
county = gm.samples.simulated_county(random_state=0, households=20_000, events=3_000)
county.roads.to_file("streets.gpkg")
grid = gm.make_grid(county.boundaries, system="square", cell_size_m=500)
hot = gm.kernel_density(county.incidents, grid, bandwidth_m=800)
""",
    "store": """
import gridmap as gm
town = gm.samples.town(random_state=0)
grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
rows = town.incidents.to_frame()[["incident_id", "occurred_from", "category", "lon", "lat"]]
rows.rename(columns={"lon": "lon_wgs84", "lat": "lat_wgs84"}).to_csv("week-2024-31.csv", index=False)
""",
}
#: A page's Python that is not run here, and why.
NOT_RUN = {
    "management-grids": "tests/grids/test_management_grids_page.py runs it",
    "scale": "needs a cluster; tests/counts/test_engines.py runs the same on one machine",
}
#: What is made smaller, so that it takes seconds.
SMALLER = {"patrol": ("shifts=21", "shifts=2")}
#: Put between the blocks of a page: what the reader has at that point.
BETWEEN = {("exports", 1): "zones = town.boundaries"}


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages_with("python") if not page.startswith("tutorial")])
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    if page in NOT_RUN:
        pytest.skip(NOT_RUN[page])
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(GIVEN[page], names)
    for i, (_, block) in enumerate(pair for pair in FENCE.findall(twins.texts(page)[0]) if pair[0] == "python"):
        exec(BETWEEN.get((page, i), ""), names)
        before, after = SMALLER.get(page, ("", ""))
        assert before in block
        exec(compile(block.replace(before, after) if before else block, f"docs/{page}.md", "exec"), names)


# ------------------------------------------------------------------------------------------------ the site


#: The addresses of other places that its pages name.
LEADS_OUT = {"https://typst.app", "https://modelcontextprotocol.io", "https://github.com/pradyunsg/furo"}


class Links(HTMLParser):
    """What a page leads to and loads, and what can be led to on it."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.loaded, self.ids, self.scripts_inside = [], [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.links += [given[key] for key in ("href", "src") if given.get(key)]
        self.loaded += [given[key] for key in ("href", "src") if given.get(key) and (key == "src" or tag == "link")]
        self.ids |= {given[key] for key in ("id", "name") if given.get(key)}
        self.scripts_inside += tag == "script" and "src" not in given


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The manual, built; only to be read."""

    def make(folder: Path) -> None:
        command = [sys.executable, MANUAL / "build.py", folder / "site"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "manual", make) / "site"


@pytest.mark.slow
def test_no_link_of_the_manual_is_broken_and_none_leaves_it(site):
    found = {
        path: Links(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.parent.name != "live"
    }
    assert len(found) > 60
    broken, outside = [], set()
    for path, page in found.items():
        assert not page.scripts_inside, path
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                outside.add(link)
            elif parts.scheme != "data":
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                anchor = unquote(parts.fragment)
                here = target.is_file() and (target not in found or not anchor or anchor in found[target].ids)
                broken += [] if here else [f"{path.relative_to(site)}: {link}"]
    assert broken == []
    assert outside <= LEADS_OUT  # to be clicked on, never loaded
    assert not [link for page in found.values() for link in page.loaded if "://" in link]


@pytest.mark.slow
def test_both_languages_of_the_manual_are_whole(site):
    pages = [{p.relative_to(site / tag) for p in (site / tag).rglob("*.html")} for tag in ("en", "zh")]
    assert pages[0] == pages[1]
    for page in sorted(pages[1]):
        text = (site / "zh" / page).read_text(encoding="utf-8")
        assert '<html class="no-js" lang="zh-CN"' in text
        (body,) = re.findall(r'(?s)<article role="main"[^>]*>(.*?)</article>', text)
        assert re.search("[一-鿿]{2}", body), page
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    assert size < 15_000_000


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.needs("browser")
def test_the_manual_opens_from_its_folder_and_finds_words_without_a_request(site):
    from .browser import Browser

    browser = Browser()
    ready = "document.readyState === 'complete'"
    try:
        for path in sorted(site.glob("*/*.html")):
            if path.parent.name != "live":
                opened = browser.open(path, ready=ready)
                assert opened.errors() == [], path
                assert [r for r in opened.requests() if not r.startswith(site.resolve().as_uri())] == []
                opened.close()
        for language, word in (("en", "bandwidth"), ("zh", "常住人口"), ("zh", "hotspot_test")):
            opened = browser.open(site / language / "search.html", fragment=f"?q={word}", ready=ready)
            opened.wait(
                "[...document.querySelectorAll('#search-results a')].some(a => /methods.html/.test(a.href))", 20
            )
            assert opened.errors() == []
            opened.close()
    finally:
        browser.close()


def test_the_desk_shows_the_manual_that_was_built(tmp_path, monkeypatch):

    from starlette.requests import Request

    from gridmap.desk.pages import manual
    from gridmap.errors import InputError

    (tmp_path / "zh" / "reference").mkdir(parents=True)
    (tmp_path / "live").mkdir()
    for name in ("zh/desk.html", "zh/reference/maps.html", "live/burglary.html"):
        (tmp_path / name).write_text("<p>x", encoding="utf-8")
    (tmp_path.parent / "secret.html").write_text("x", encoding="utf-8")
    monkeypatch.setattr(manual, "SITE", tmp_path)
    monkeypatch.setattr(manual, "language_of", lambda _: "zh")

    def answer(function, **given):
        return awaited(function(Request({"type": "http", "path_params": given, "headers": []})))

    assert answer(manual.document, name="desk").headers["location"] == "/manual/site/zh/desk.html"
    assert answer(manual.site, path="zh/reference/maps.html").headers["content-security-policy"] == manual.SITE_POLICY
    assert "sandbox" in answer(manual.site, path="live/burglary.html").headers["content-security-policy"]
    for path in ("../secret.html", "zh/../../secret.html", "zh/none.html", "zh", "", "zh//desk.html", "zh/desk.py"):
        with pytest.raises(InputError, match="no such page"):
            answer(manual.site, path=path)
