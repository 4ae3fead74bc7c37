"""Write what follows from the registry of methods: `python .ci/lists.py`.

A method is declared beside its function. From there it gets its name in `gridmap/__init__.pyi` and its row in
docs/methods.md; nobody writes those by hand, and tests hold them to the registry.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
STUB = ROOT / "gridmap" / "__init__.pyi"
DOCUMENTS = {"en": ROOT / "docs" / "methods.md", "zh": ROOT / "docs" / "methods.zh-CN.md"}
BEGIN, END = "<!-- methods: begin -->\n", "<!-- methods: end -->\n"


def stub(text: str, own: dict[str, str]) -> str:
    """The text of `__init__.pyi` with every method of `own` (name → module) imported and in `__all__`."""
    names = set(re.findall(r'^    "(\w+)",$', text, flags=re.M))
    for name in sorted(set(own) - names):
        line, listed = f"from .hotspots.{own[name]} import ", re.escape(f"from .hotspots.{own[name]} import ")
        if re.search(rf"^{listed}\w", text, flags=re.M):
            text = re.sub(rf"^({listed})(\w.*)$", rf"\1{name}, \2", text, count=1, flags=re.M)
        elif re.search(rf"^{listed}\(", text, flags=re.M):
            text = re.sub(rf"^({listed}\(\n)", rf"\1    {name},\n", text, count=1, flags=re.M)
        else:
            text = text.replace("from .hotspots.", f"{line}{name}\nfrom .hotspots.", 1)
        after = next(other for other in sorted(n for n in names if n[0].islower()) if other > name)
        text = text.replace(f'    "{after}",\n', f'    "{name}",\n    "{after}",\n', 1)
        names.add(name)
    return text


#: What the table says in each language beside the registry's own words.
WORDS = {
    "en": {
        "head": "| method | works on | draws | beyond | at risk | remarks |",
        "labels": "labels ({} … {})",
        "of points": "of points",
        "stability": "stability",
        "compares areas": "compares areas",
        "nothing": "its normal p claims nothing",
        "from": "its normal p claims from {:.0f} expected",
    },
    "zh": {
        "head": "| 方法 | 输入 | 画出 | 超出什么 | 风险人群 | 备注 |",
        "labels": "标签（{} … {}）",
        "of points": "针对点",
        "stability": "可试稳定性",
        "compares areas": "受格子大小影响",
        "nothing": "其正态 p 不作结论",
        "from": "其正态 p 在期望 {:.0f} 起以上才作结论",
    },
}


def table(language: str = "en") -> str:
    """The registry as docs/methods.md has it, or its twin in Chinese."""
    from gridmap.hotspots.registry import methods
    from gridmap.messages import all_texts

    words = WORDS[language]
    rows = [words["head"], "|---|---|---|---|---|---|"]
    for name, method in methods().items():
        drawn = [method.draws if method.scale is None else words["labels"].format(method.labels[0], method.labels[-1])]
        drawn += ["surface"] if method.surface and method.draws != "surface" else []
        null = "–" if method.null is None else all_texts(language)[f"null.{method.null}"]
        remarks = {
            words["of points"]: method.of_points,
            words["stability"]: method.resampled,
            words["compares areas"]: method.per_area,
        }
        if method.trusted_from is not None:
            remarks[words["nothing"]] = method.trusted_from == float("inf")
            remarks[words["from"].format(method.trusted_from)] = method.trusted_from < float("inf")
        true = ", ".join(word for word, holds in remarks.items() if holds)
        cells = [f"`{name}`", ", ".join(method.inputs.values()), ", ".join(drawn), null]
        rows.append("| " + " | ".join([*cells, f"`{method.at_risk}=`" if method.at_risk else "", true]) + " |")
    return "\n".join(rows) + "\n"


def in_document(language: str = "en") -> str:
    """The table as the document has it now."""
    return DOCUMENTS[language].read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write both lists, and put the imports in order."""
    from gridmap.hotspots.registry import OWN

    STUB.write_text(stub(STUB.read_text(encoding="utf-8"), dict(OWN)), encoding="utf-8")
    for task in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        subprocess.run([Path(sys.executable).with_name("ruff"), *task, STUB], cwd=ROOT, check=True)
    for language, document in DOCUMENTS.items():
        before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
        document.write_text(before + BEGIN + table(language) + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
