"""A third language is one new file and no edit elsewhere: with that file, nothing a person reads stays in English.

The file is made of the English one, each vowel with a mark, and laid beside the others in a package whose every other
file is the real one. Then the command line, a run, its warnings and its papers are read, and each word that has a plain
vowel and no marked one is a word that did not come from the catalogue. The data are Chinese, so no word is theirs.
What the page shows is read in a browser by tests/maps/test_third_language.py.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pypdf
import pytest
from docx import Document
from pptx import Presentation

import gridmap
from gridmap.messages import all_texts
from tests.made_once import made_once
from tests.privacy.canaries import plant

MARKS = str.maketrans("aeiouyAEIOUY", "àéîõüÿÀÉÎÕÜŸ")
FIELD = re.compile(r"(\{[^}]*\})")
#: A word of three letters and more with none but plain ones; not a name with a dot, a stroke or a bracket at it.
WORD = re.compile(r"(?<![\w./<{=-])[A-Za-z]{3,}(?![\w./(>}=-])")
#: Names, not words: what is called so in every language.
NAMES = {"gridmap", "SHA"}
PIPELINE = """
title: 热点
language: xx
source: 某局
boundaries: {path: zones.geojson}
grid: {system: h3, resolution: 8}
incidents: {path: cases.csv, datum: wgs84}
hotspots:
  - hotspot_test: {order: 1}
    stability: 2
  - compare_periods: {before: 2024-01, after: 2024-03}
  - kernel_density: {bandwidth_m: 900}
  - hour_of_week: {}
patrol: {units: 2, shift_h: 4, visit_min: 12, most: 5, random_state: 0}
outputs: {map: 图.html, layers: 层.gpkg, report: 简报.docx}
"""


def marked(text: str) -> str:
    """The text with marked vowels; of its fields only the words of plural forms."""

    def field(part: str) -> str:
        found = re.fullmatch(r"(\{\w+:[#?])(.*)\}", part)
        return part if not found else found[1] + found[2].translate(MARKS) + "}"

    return "".join(field(part) if FIELD.fullmatch(part) else part.translate(MARKS) for part in FIELD.split(text))


def catalogue_file() -> str:
    """`xx.toml`: every text of English with marks; numbers by the rules of French."""
    texts = {code: marked(text) for code, text in all_texts("en").items()}
    texts |= {"language.name": "Psèüdõ", "language.locale": "fr", "messages.number": "{n:,f}"}
    tables: dict[str, list[str]] = {}
    for code, text in texts.items():
        table, _, key = code.rpartition(".")
        tables.setdefault(table, []).append(f"{key} = {json.dumps(text, ensure_ascii=False)}")
    return "\n".join(line for table, rows in tables.items() for line in (f"[{table}]", *rows))


#: One process that gives each of several command lines to gridmap: how it ended, what it printed.
DRIVER = """
import contextlib, io, json, sys, warnings
from gridmap.cli import main
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        try:
            main(line)
        except SystemExit as ended:
            print(json.dumps([ended.code, out.getvalue(), err.getvalue()]), file=sys.__stdout__)
"""
COMMANDS = [
    "",
    "run",
    "schema",
    "backtest",
    "report",
    "verify",
    "replay",
    "inspect",
    "tile",
    "count",
    "methods",
    "patrol",
]
MISTAKES = {
    ("verify", "无"): 1,
    ("run", "无.yaml"): 1,
    ("report", "无", "-o", "b.docx"): 1,
    ("report", "无", "-o", "b.xyz"): 1,
    ("tile", "无.geojson", "-o", "c.parquet"): 1,
    ("inspect", "无.csv"): 1,
    ("无",): 2,
    ("run",): 1,
    ("run", "--无"): 2,
}
PAPERS = ("a.pptx", "a.xlsx")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Command line → (exit code, stdout, stderr), of a package that has one file more, in its language."""
    lines = [(*name.split(), "--help") for name in COMMANDS]
    lines += [*MISTAKES, ("run", "p.yaml", "--out", "run"), *(("report", "run", "-o", paper) for paper in PAPERS)]
    folder = made_once(tmp_path_factory, "third_language", lambda folder: speak(folder, lines))
    answers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return folder, dict(zip(lines, answers, strict=True))


def speak(folder: Path, lines: list[tuple[str, ...]]) -> None:
    """Lay the package out in a folder, and leave in it what each command line answers."""
    package = Path(gridmap.__file__).parent
    (folder / "gridmap" / "messages").mkdir(parents=True)
    for original in [*package.iterdir(), *(package / "messages").iterdir()]:
        if original.name not in ("messages", "__pycache__"):
            (folder / "gridmap" / original.relative_to(package)).symlink_to(original)
    (folder / "gridmap" / "messages" / "xx.toml").write_text(catalogue_file(), encoding="utf-8")
    plant(folder)
    (folder / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(folder), "GRIDMAP_LANGUAGE": "xx", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(lines),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines), done.stderr
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def untranslated(text: str) -> set[str]:
    return {word for word in WORD.findall(text) if re.search("[aeiouy]", word) and word not in NAMES}


def test_the_search_finds_a_word_that_was_left():
    assert untranslated("Thé cells õf gridmap, run.json, --out, <str>, {path}") == {"cells"}


@pytest.mark.parametrize("name", COMMANDS)
def test_help(spoken, name):
    code, page, _ = spoken[1][(*name.split(), "--help")]
    assert code == 0
    rows = re.sub(r"^  ([a-z]+|-.*?--[a-z-]+|--[a-z-]+) +(<[^>]*>)? ", "", page, flags=re.MULTILINE)  # names
    rows = re.sub(r"\[[^\[\]]*: [^\[\]]*\]|\[[a-z_]+\]|gridmap \w+ ", "", rows)  # values by default
    assert untranslated(rows) == set()


@pytest.mark.parametrize("line", MISTAKES)
def test_errors(spoken, line):
    code, _, error = spoken[1][line]
    assert code == MISTAKES[line]
    assert error.count("\n") == 1
    assert untranslated(error.replace("'pipeline'", "")) == set()  # the name of an argument


def test_what_a_run_prints(spoken):
    code, printed, warned = spoken[1]["run", "p.yaml", "--out", "run"]
    assert code == 0, warned
    assert len(printed.splitlines()) > 10
    assert untranslated(printed) == set()


def test_what_a_run_warns_of(spoken):
    _, _, warned = spoken[1]["run", "p.yaml", "--out", "run"]
    assert "àbõüt pérsõns" in warned
    assert untranslated(warned) == set()
    assert untranslated(warned) == set()


def read(path: Path) -> list[str]:
    """What is written in a paper."""
    if path.suffix == ".pdf":
        return [page.extract_text() for page in pypdf.PdfReader(path).pages]
    if path.suffix == ".docx":
        document = Document(path)
        cells = [c.text for table in document.tables for row in table.rows for c in row.cells]
        return [*(p.text for p in document.paragraphs), *cells]
    if path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        cells = [c for sheet in book for row in sheet.iter_rows(values_only=True) for c in row]
        return [*book.sheetnames, *(c for c in cells if isinstance(c, str))]
    shapes = [shape for slide in Presentation(path).slides for shape in slide.shapes]
    texts = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
    return texts + [c.text for s in shapes if s.has_table for row in s.table.rows for c in row.cells]


def names_of_settings(run: Path) -> set[str]:
    """The settings of the results and their values, as a pipeline file gives them."""
    names: set[str] = set()

    def walk(value) -> None:
        for part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
            names.update(str(part[0]).split("_"))
            walk(part[1])
        names.update(re.findall(r"\w+", str(value).lower()) if isinstance(value, str | bool) else ())

    walk([result["params"] for result in json.loads((run / "results" / "facts.json").read_text("utf-8"))["results"]])
    return names


@pytest.mark.parametrize("paper", ["run/简报.docx", *PAPERS])
def test_papers(spoken, paper):
    folder, _ = spoken
    found = [text for text in read(folder / paper) if " = " not in text]  # lines of settings
    found = [
        re.sub(r"[\w-]+ \d[\d.]+|gridmap \w+ ?[\w.]*|system \w+|resolution \d+|metric_crs", "", text) for text in found
    ]
    assert len(found) > 40
    left = {word: text[:80] for text in found for word in untranslated(text)}
    assert {word: text for word, text in left.items() if word not in names_of_settings(folder / "run")} == {}


def test_patrol_sheets(spoken):
    sheets = read(spoken[0] / "run" / "patrol" / "sheets.pdf")
    assert {word for text in sheets for word in untranslated(text)} <= {"unit"}  # "unit 1", as the plan's table has it
