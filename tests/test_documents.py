"""What the documents say can be typed, can be typed."""

import re
from pathlib import Path

import pytest
import yaml

from gridmap.runs import read_pipeline

ROOT = Path(__file__).parents[1]
READMES = ["README.md", "README.zh-CN.md"]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), flags=re.S)


@pytest.mark.parametrize("name", READMES)
def test_the_readme_s_python_runs(name, tmp_path, monkeypatch):
    (tmp_path / "data").symlink_to(ROOT / "data")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(name, "python")
    exec(compile(code, name, "exec"), {})
    assert (tmp_path / "burglary.html").stat().st_size > 100_000


@pytest.mark.parametrize("name", [*READMES, "docs/pipelines.md"])
def test_the_readme_s_pipeline_is_right(name, tmp_path):
    (text, *_) = blocks(name, "yaml")
    (tmp_path / "data").symlink_to(ROOT / "data")
    (tmp_path / "pipelines").mkdir()
    path = tmp_path / "pipelines" / "p.yaml"
    path.write_text(text, encoding="utf-8")
    assert yaml.safe_load(text)["grid"] == read_pipeline(path).grid


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]), ids=lambda p: p.name)
def test_every_link_of_a_document_leads_somewhere(path):
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert broken == []


def test_the_vocabulary_has_the_same_words_in_both_languages(root):
    """Row by row: an English word with its Chinese one."""

    def words(name):
        rows = [line.split("|")[1:3] for line in (root / "docs" / name).read_text("utf-8").splitlines() if "|" in line]
        return [tuple(cell.strip() for cell in row) for row in rows if "-" not in row[0][:3]]

    chinese = {(word, term) for term, word in words("vocabulary.zh-CN.md") if re.search("[\u4e00-\u9fff]", term)}
    english = {row for row in words("vocabulary.md") if re.search("[\u4e00-\u9fff]", row[1])}
    assert len(english) > 40
    assert chinese == english


@pytest.mark.parametrize("name", ["commands", "pipelines"])
def test_a_page_in_chinese_has_the_commands_keys_and_code_of_the_english_one(root, name):
    english, chinese = ((root / "docs" / f"{name}{end}.md").read_text("utf-8") for end in ("", ".zh-CN"))
    heads = [re.findall(r"(?m)^## (.+)$", text) for text in (english, chinese)]
    assert len(heads[0]) == len(heads[1])
    assert [h for h in heads[0] if h.startswith("gridmap ")] == [h for h in heads[1] if h.startswith("gridmap ")]
    code = [re.findall(r"(?s)```\w+\n.*?```", text) for text in (english, chinese)]
    assert code[0] == code[1]
    stages = [
        sorted(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"(?m)^\| (`[^|]+) \|", text))))
        for text in (english, chinese)
    ]
    assert stages[0] == stages[1]
