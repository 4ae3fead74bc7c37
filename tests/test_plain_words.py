"""The words of docs/vocabulary.md: what it rules out is counted, and the number only falls."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gridmap"
#: Word → where it reads badly; what is a field's own term elsewhere is left alone.
BANNED = {
    "told": r"\btold\b",
    "said": r"\bsaid\b",
    "asked": r"\basked\b",
    "keen": r"\bkeen\b\s*[=,\[(]",
    "luck": r"\bluck\b\s*[=,\[(]",
    "dear": r"\bdear\b",
    "shy": r"\bshy\b",
    "the dead": r"\bthe dead\b",
    "sisters": r"\bsisters?\b",
    "entrance": r"\bentrances?\b",
    "door": r"\bdoors?\b",
    "is no": r"(?<![Tt]here )\b(?:is|are|was) no (?!longer|more|less|fewer|such|way|need|reason|doubt|chance)[a-z]+",
    "as one that": r"\bas one (?:that|who)\b",
    "patrol_found": r"\bpatrol_found\b",
    "atoms": r"\batoms?\b",
}


def texts() -> list[Path]:
    """Code, catalogues and documents; not the decisions and the changelog, which tell what was."""
    found = [*(ROOT / "gridmap").rglob("*.py"), *(ROOT / "gridmap" / "messages").glob("en.toml")]
    found += [*ROOT.glob("README.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    return [path for path in found if not path.name.startswith("vocabulary.")]


@cache
def counted() -> dict[str, int]:
    """How often each banned word stands in the tree."""
    whole = "\n".join(path.read_text(encoding="utf-8") for path in texts())
    return {word: len(re.findall(pattern, whole)) for word, pattern in BANNED.items()}


@pytest.mark.parametrize("word", BANNED)
def test_a_word_that_reads_badly_does_not_spread(word):
    held = tomllib.loads((ROOT / ".ci" / "held.toml").read_text(encoding="utf-8"))["words"]
    found = counted()[word]
    assert found <= held[word], f"docs/vocabulary.md has the word to write instead of {word!r}"


if __name__ == "__main__":  # python -m tests.test_plain_words [FOLDER]: where they stand
    import sys

    under = (ROOT / (sys.argv[1] if len(sys.argv) > 1 else ".")).resolve()
    for path in texts():
        if path.is_relative_to(under):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for word, pattern in BANNED.items():
                    if re.search(pattern, line):
                        print(f"{path.relative_to(ROOT)}:{number}: {word}: {line.strip()[:110]}")
    print(counted())


def test_chinese_has_one_word_for_a_cell():
    """网格 is a cell. 单元 stands only in what has a name of its own: what is compared, patrols, …"""
    named = r"基本单元|统计单元|巡逻单元|步巡单元|单元格|单元网格|\d\s?单元"
    texts = [*(ROOT / "docs").rglob("*.zh-CN.md"), ROOT / "README.zh-CN.md", PACKAGE / "messages" / "zh.toml"]
    texts += [ROOT / "docs" / "manual" / "reference.toml", *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.yaml")]
    bare = [
        f"{path.relative_to(ROOT)}:{number}: {line[:80]}"
        for path in texts
        if not path.is_relative_to(PACKAGE / "desk" / "manual")  # what `make docs` made of these
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "单元" in re.sub(named, "", line)
    ]
    assert bare == [], "write 网格 for a cell of a grid; docs/vocabulary.zh-CN.md has the words for the others"


def test_chinese_tells_clusters_of_points_from_concentrations_of_cells():
    """聚集区 is a group of incidents close together; 集中区 a cell with more than its share of the land."""
    texts = tomllib.loads((PACKAGE / "messages" / "zh.toml").read_text(encoding="utf-8"))["fact"]
    for code, sentence in texts.items():
        assert not ("聚集区" in sentence and code.startswith("concentrated")), code
        assert not ("集中区" in sentence and not code.startswith("concentrated")), code
