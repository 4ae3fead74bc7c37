# ruff: noqa: T201
"""A page and its Chinese twin change together: `python docs/manual/twins.py` says what differs.

    python docs/manual/twins.py --record     # after both were changed: keep what they are now
    python docs/manual/twins.py --record --slip methods    # after a slip of the pen was mended in one of them

What is kept (`twins.toml` beside this) is a hash of each page; a page whose twin stayed as it was is not recorded.
"""

import argparse
import hashlib
import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent
RECORD = HERE / "twins.toml"


def pages() -> list[str]:
    """The pages of the manual."""
    sys.path.insert(0, str(HERE))
    from build import PAGES

    return PAGES


def texts(page: str) -> tuple[str, str]:
    """A page and its twin."""
    return tuple((DOCS / f"{page}{end}.md").read_text(encoding="utf-8") for end in ("", ".zh-CN"))


def recorded() -> dict[str, list[str]]:
    """Of each page the two hashes that were kept."""
    return tomllib.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def hashes(page: str) -> list[str]:
    """Of a page and its twin as they are."""
    return [hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts(page)]


def changed(page: str) -> str | None:
    """What to do about a page that is no longer what was recorded."""
    before, now = recorded().get(page, ["", ""]), hashes(page)
    if before == now:
        return None
    which = [new != old for new, old in zip(now, before, strict=True)]
    if all(which):
        return f"{page}: both languages changed; when they say the same, run python docs/manual/twins.py --record"
    one, other = ("English", "Chinese") if which[0] else ("Chinese", "English")
    return f"{page}: the {one} page changed and the {other} one did not"


def differences(page: str) -> list[str]:
    """Where the two say different things: headings, code, pictures, numbers."""
    english, chinese = (anatomy(text) for text in texts(page))
    return [f"{page}: {what}: {a} / {b}" for what, a, b in zip(WHAT, english, chinese, strict=True) if a != b]


WHAT = ("levels of headings", "code", "pictures", "rows of tables", "numbers")
FENCE = re.compile(r"(?ms)^ *```(\w*)\n(.*?)^ *```$")
#: Numbers as digits; what is a name (H3, p95) or a hash is none, and 2018-07, 2018年7月, July 2018 share the year.
NUMBER = re.compile(r"(?<![A-Za-z0-9_.,-])\d+(?:[.,]\d+)*(?![A-Za-z0-9_])")


def anatomy(text: str) -> tuple:
    """Of a page what its twin must have too."""
    code = [(kind, re.sub(r"(?m)\s*#(?!\!).*$", "", block)) for kind, block in FENCE.findall(text) if kind]
    prose = FENCE.sub("", text)
    heads = [len(marks) for marks in re.findall(r"(?m)^(#+) ", prose)]
    pictures = [re.sub(r"_(en|zh)$", "", name) for name in re.findall(r"!\[[^\]]*\]\((?:[\w./]*/)?(\w+)\.\w+\)", prose)]
    rows = [line.count("|") for line in re.sub(r"`[^`]*`", "", prose).splitlines() if line.startswith("|")]
    return heads, code, pictures, len(rows), figures(prose)


def figures(prose: str) -> set[str]:
    """The numbers that stand in it, in digits: with a decimal or of two digits and more."""
    prose = re.sub(r"\]\([^)]*\)|(?<!\d)1?\d月", "]", prose)  # an address is no figure; English has the month's name
    found = {number.replace(",", "") for number in NUMBER.findall(prose)}
    return {number for number in found if len(number) > 1}


def main() -> None:
    """Say what differs, or keep what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--slip", action="append", default=[])
    given = parser.parse_args()
    found = [line for page in pages() for line in differences(page)]
    before, lines = recorded(), []
    for page in pages():
        now, message = hashes(page), changed(page)
        alone = message is not None and page in before and "did not" in message and page not in given.slip
        found += [message] if message and (alone or not given.record) else []
        lines.append(f"{page} = {(before[page] if alone else now)!r}".replace("'", '"'))
    if given.record:
        RECORD.write_text(
            "# A page and its twin, as they were when both said the same.\n" + "\n".join(sorted(lines)) + "\n",
            encoding="utf-8",
        )
    print(*found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
