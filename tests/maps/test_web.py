"""The page's own code: built from its sources, its tests run under Node, its texts filled as Python fills them."""

import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest

from gridmap.maps.offline import BUILT
from gridmap.messages import LANGUAGES, Note, all_texts, say

WEB = BUILT.parent
SOURCES = {f.relative_to(WEB).as_posix(): f.read_text(encoding="utf-8") for f in sorted((WEB / "src").glob("*.js"))}
#: Values of every kind for the fields of a text.
VALUES = {
    "n": 1234,
    "share": 0.0512,
    "area": 0.009,
    "least": 0.95,
    "level": 0.05,
    "change": -0.0712,
    "low": -0.13,
    "high": 0.02,
}


def digest(path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_the_package_carries_was_built_from_the_sources_that_stand_beside_it():
    manifest = json.loads((BUILT / "manifest.json").read_text())
    sources = [f for folder in ("src", "css") for f in (WEB / folder).iterdir()] + [WEB / "build.mjs"]
    assert {f.relative_to(WEB).as_posix(): digest(f) for f in sources} == manifest["sources"], "npm run build"
    assert {name: digest(BUILT / name) for name in manifest["built"]} == manifest["built"]


def cases() -> dict:
    """Every text of the page filled by Python, with values that show signs, separators, percentages and plurals."""
    out = {}
    for language in LANGUAGES:
        texts = {k: v for k, v in all_texts(language).items() if k.startswith(("page.", "compass.", "messages.list"))}
        told = []
        for code, text in texts.items():
            names = {m[0]: m[1] for m in re.findall(r"\{(\w+)(?:!r)?(?::([^}]*))?\}", text)}
            for one in (0, 1):
                values = {n: VALUES.get(n, 1 + 6 * one) if spec else f"{n} 甲" for n, spec in names.items()}
                told.append({"code": code, "values": values, "said": say(code, language, **values)})
        locale = say("language.locale", language).replace("_", "-")
        out[language] = {"locale": locale, "words": texts, "cases": told}
    return out


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node: apt-get install nodejs")
def test_the_pages_own_tests_pass_under_node_and_texts_are_filled_as_python_fills_them(tmp_path):
    told = tmp_path / "cases.json"
    told.write_text(json.dumps(cases()), encoding="utf-8")
    tests = [str(path) for path in sorted((WEB / "tests").glob("*.test.js"))]
    given = {**os.environ, "GRIDMAP_CASES": str(told)}
    done = subprocess.run(["node", "--test", *tests], capture_output=True, text=True, cwd=WEB, env=given)
    assert done.returncode == 0, done.stdout[-3000:]
    passed = re.search(r"^# pass (\d+)", done.stdout, re.M)
    assert int(passed[1]) >= 12 + len(LANGUAGES)


def test_the_page_touches_nothing_private_of_leaflet():
    for name, code in SOURCES.items():
        assert not re.search(r"\.(_[a-z]\w*)", code), name


def test_class_breaks_come_from_python_only():
    for name, code in SOURCES.items():
        assert "quantile" not in code, name
        assert not re.search(r"bounds\.push|breaks\(", code), name


def test_the_scripts_say_nothing_themselves():
    """No sentence stands in a script: a text node is a text of the catalogue, a number, a sign or data."""
    for name, code in SOURCES.items():
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", code, flags=re.DOTALL)
        for text in re.findall(r'text: "([^"]*)"|aria-label": "([^"]*)"', code):
            assert not re.search(r"[A-Za-z]{2,}|[\u4e00-\u9fff]", "".join(text)), f"{name} says {text!r}"
        assert not re.search("[\u4e00-\u9fff]", code), name


def test_every_text_that_the_scripts_use_is_in_the_catalogue():
    there = all_texts("en")
    for name, code in SOURCES.items():
        for used in re.findall(r'gm\.t\("([\w.]*\w)"', code) + re.findall(r'addTab\("\w+", "(\w+)"', code):
            assert (used if "." in used else f"page.{used}") in there, f"{name}: {used}"


def test_no_language_is_named_in_the_scripts():
    for name, code in SOURCES.items():
        assert not re.search(r"""["'](zh|en)(-\w+)?["']""", code.replace('"--u"', "")), name


def test_notes_travel_whole():
    note = Note("compass.part_of", place="Harehills", part=Note("compass.north"))
    assert note.to_dict()["values"]["part"] == {"code": "compass.north", "values": {}}
