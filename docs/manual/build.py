# ruff: noqa: T201
"""The manual: a site in two languages that opens from a folder without a network. `make docs` calls this.

Its pages are docs/*.md and their twins docs/*.zh-CN.md, in the order of `CHAPTERS`; the reference is made of the
docstrings of the public names (`reference.toml` beside this). In the gallery a picture gives way to the page that it
shows, made here. Sphinx sets each language once; then the pictures of both are put into one folder, and what stood
inside the pages as scripts stands beside them, so that the desk can show them under its own policy.

    python docs/manual/build.py            # into gridmap/desk/manual, which a wheel takes along
    python docs/manual/build.py FOLDER
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCS = ROOT / "docs"
SITE = ROOT / "gridmap" / "desk" / "manual"
LANGUAGES = {"en": "", "zh": ".zh-CN"}
#: What is read first stands first. Each page is `docs/PAGE.md` with its twin.
CHAPTERS = {
    ("Tutorials", "教程"): ["tutorial-analyst", "tutorial-committee", "tutorial-researcher"],
    ("How to", "操作指南"): [
        *(
            "install",
            "desk",
            "commands",
            "pipelines",
            "reading",
            "store",
            "management-grids",
            "space_and_time",
            "governance",
        ),
        *("forecasting", "patrol", "papers", "charts", "exports", "automation", "qgis", "scale", "faq"),
    ],
    ("Methods", "方法"): ["methods", "calibration", "performance"],
    ("Trust", "可信与隐私"): ["privacy", "trust"],
    ("To look at", "图集与词汇"): ["gallery", "vocabulary"],
}
PAGES = [page for pages in CHAPTERS.values() for page in pages if (DOCS / f"{page}.zh-CN.md").is_file()]
#: For those who change gridmap: in the repository only, and in English only.
NOT_IN_THE_MANUAL = {"architecture", "dependencies"}
#: Pictures of the gallery that are shown as live pages: the page, and the view as a fragment.
LIVE = {
    "page": ("burglary", ""),
    "change": ("burglary", "l=l1"),
    "density": ("burglary", "l=l2"),
    "timeline": ("burglary", "l=l3"),
    "compare": ("burglary", "c=l2"),
    "hours": ("hours", ""),
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def main() -> None:
    """Build it, and say how long that took and how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SITE)
    started, folder = time.monotonic(), parser.parse_args().folder.resolve()
    build(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    pages = len(list(folder.rglob("*.html")))
    print(f"{folder}: {pages} pages, {size / 1e6:.1f} MB, {time.monotonic() - started:.0f} s")


def build(folder: Path) -> None:
    """The whole site in `folder`, which is replaced."""
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "site"
        with concurrent.futures.ThreadPoolExecutor(len(LANGUAGES) + 1) as pool:
            live = pool.submit(subprocess.run, [sys.executable, HERE / "live.py", made / "live"], check=True, cwd=ROOT)
            jobs = [pool.submit(sphinx, Path(scratch), made, language) for language in LANGUAGES]
            for job in [*jobs, live]:
                job.result()
        share_pictures(made)
        take_scripts_out(made)
        say_in_chinese(made / "zh")
        (made / "index.html").write_text(FIRST, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)


# ------------------------------------------------------------------------------------------------ what Sphinx is given


def sphinx(scratch: Path, made: Path, language: str) -> None:
    """One language."""
    stage = scratch / language
    staged(stage, language)
    shutil.copy(HERE / "conf.py", stage / "conf.py")
    env = os.environ | {"GRIDMAP_MANUAL": str(HERE), "GRIDMAP_MANUAL_LANGUAGE": language, "SOURCE_DATE_EPOCH": "0"}
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        scratch / f"{language}.d",
    ]
    subprocess.run([*command, stage, made / language], check=True, env=env, cwd=ROOT)
    for useless in (".buildinfo", "objects.inv"):
        (made / language / useless).unlink(missing_ok=True)


def staged(stage: Path, language: str) -> None:
    """The pages of a language as Sphinx reads them."""
    (stage / "reference").mkdir(parents=True)
    texts = {page: (DOCS / f"{page}{LANGUAGES[language]}.md").read_text(encoding="utf-8") for page in PAGES}
    for page, text in texts.items():
        (stage / f"{page}.md").write_text(in_the_manual(text, language, page), encoding="utf-8")
    shutil.copytree(DOCS / "images", stage / "images")
    for chart in (ROOT / "benchmarks").glob("*.svg"):
        shutil.copy(chart, stage / "images")
    at = list(LANGUAGES).index(language)
    chapters = "".join(
        toctree(title[at], [page for page in pages if page in PAGES]) for title, pages in CHAPTERS.items()
    )
    book = tomllib.loads((HERE / "reference.toml").read_text(encoding="utf-8"))
    chapters += toctree(("Reference", "函数参考")[at], [f"reference/{one['page']}" for one in book["chapters"]])
    front = (HERE / f"front{LANGUAGES[language]}.md").read_text(encoding="utf-8")
    (stage / "index.md").write_text(in_the_manual(front, language, "index") + chapters, encoding="utf-8")
    for one in book["chapters"]:
        (stage / "reference" / f"{one['page']}.rst").write_text(reference(one, language), encoding="utf-8")
    names = names_of(book, texts)
    (stage / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")


def toctree(title: str, pages: list[str]) -> str:
    """A part of the table of contents."""
    return "\n```{toctree}\n:maxdepth: 1\n:caption: " + title + "\n\n" + "\n".join(pages) + "\n```\n"


def in_the_manual(text: str, language: str, page: str) -> str:
    """A document with its links as they are inside the site.

    To a page of the manual: that page, in this language. To another file of the repository: its name, without a link.
    """
    text = re.sub(r"(?m)^\[?(English|中文)\]?(: )?(\[[\w.-]+\])?\([\w.-]+\)\.?\n", "", text)

    def link(found: re.Match) -> str:
        picture, words, target = found.groups()
        if picture:
            return live(words, target, language) if page == "gallery" else f"![{words}](images/{Path(target).name})"
        if re.match(r"\w+://|#|mailto:|\.\./(en|zh)/", target):
            return found[0]
        name, _, anchor = target.partition("#")
        stem = re.fullmatch(r"(?:\./|\.\./(?:docs/)?)?([\w-]+?)(?:\.zh-CN)?\.md", name)
        if stem and stem[1] in PAGES:
            return f"[{words}]({stem[1]}.md{'#' + anchor if anchor else ''})"
        if name.startswith("images/"):
            return found[0]
        file = os.path.normpath(f"docs/{name}")
        return words if words.strip("`") in file else f"{words} (`{file}`)"

    if page == "gallery":  # a row a picture becomes the picture, and below it what it shows
        text = text.replace("| | |\n|---|---|\n| ![", "| ![")
        text = re.sub(r"(?m)^\| (!\[[^\]]*\]\([^)]*\)) \| (.*) \|$", r"\n\1\n\n\2\n", text)
    parts = re.split(r"(?s)(```.*?```)", text)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def live(words: str, target: str, language: str) -> str:
    """A live page where the picture stood, or the picture."""
    shown = LIVE.get(Path(target).stem)
    if shown is None:
        return f"![{words}]({target})"
    name, view = shown
    address = f"../live/{name}.html#" + "&".join(part for part in (view, f"g={language}") if part)
    return f'<iframe class="live" src="{address}" title="{words}" loading="lazy"></iframe>'


def reference(chapter: dict, language: str) -> str:
    """A chapter of the reference: its names, in order."""
    at, lines = list(LANGUAGES).index(language), []
    title = chapter[language]
    note = (
        "Every name is `gm.NAME` after ``import gridmap as gm``.",
        "各名称在 ``import gridmap as gm`` 之后写作 ``gm.名称``。各项说明为英文原文，每项之前有一句中文。",
    )
    lines += [
        title,
        "=" * (2 * len(title)),
        "",
        note[at].replace("`gm.NAME`", "``gm.NAME``"),
        "",
        ".. currentmodule:: gridmap",
        "",
    ]
    gm = import_module("gridmap")
    for name in chapter["names"]:
        found = getattr(gm, name)
        if isinstance(found, type):
            lines += [name, "-" * len(name), "", f".. autoclass:: {name}", "   :members:", ""]
        elif callable(found):
            lines += [name, "-" * len(name), "", f".. autofunction:: {name}", ""]
        else:
            lines += [name, "-" * len(name), "", f".. automodule:: {found.__name__}", "   :members:", ""]
    return "\n".join(lines) + "\n"


def names_of(book: dict, texts: dict[str, str]) -> dict[str, dict]:
    """Of each public name: its sentence in Chinese, the names to see beside it, and the pages that speak of it."""
    gm = import_module("gridmap")
    entries = {name: zh for chapter in book["chapters"] for name, zh in chapter["names"].items()}
    out = {}
    for name, zh in entries.items():
        words = re.findall(r"`(\w+)`", getattr(gm, name).__doc__ or "")
        also = book["also"].get(name) or [word for word in dict.fromkeys(words) if word in entries and word != name]
        near = [other for chapter in book["chapters"] if name in chapter["names"] for other in chapter["names"]]
        also = also or [other for other in near if other != name][:4]
        spoken = re.compile(rf"\bgm\.{name}\b|`{name}\b")
        pages = sorted(
            (page for page in PAGES if spoken.search(texts[page])), key=lambda p: -len(spoken.findall(texts[p]))
        )
        out[name] = {"zh": zh, "also": also[:6], "pages": pages[:3]}
    return out


# ------------------------------------------------------------------------------------------------ after Sphinx


def share_pictures(made: Path) -> None:
    """The pictures of both languages in one folder, as WebP: a third of the bytes."""
    from PIL import Image

    shared = made / "images"
    shared.mkdir()
    for language in LANGUAGES:
        for picture in sorted((made / language / "_images").iterdir()):
            if picture.suffix != ".png":
                shutil.copy(picture, shared)
            elif not (shared / f"{picture.stem}.webp").exists():
                with Image.open(picture) as image:
                    image.convert("RGB").save(shared / f"{picture.stem}.webp", quality=80)
        for picture in (made / language / "_downloads").rglob("*.png"):  # what a word leads to
            with Image.open(picture) as image:
                image.convert("RGB").save(shared / f"{picture.stem}.webp", quality=80)
        for useless in ("_images", "_downloads"):
            shutil.rmtree(made / language / useless, ignore_errors=True)
        for page in (made / language).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            text = re.sub(r"((?:\.\./)*)(?:_images|_downloads/\w+)/([\w-]+)\.(png|svg)", moved, text)
            page.write_text(text, encoding="utf-8")


def moved(found: re.Match) -> str:
    """The address of a picture in the folder that both languages share."""
    before, name, kind = found.groups()
    return f"{before}../images/{name}.{'webp' if kind == 'png' else kind}"


def take_scripts_out(made: Path) -> None:
    """What stood inside the pages as a script, beside them: the desk's policy runs files only."""
    for page in sorted(made.glob("*/**/*.html")):
        if page.parent == made / "live":
            continue
        static = made / page.relative_to(made).parts[0] / "_static"
        root = os.path.relpath(static, page.parent).replace(os.sep, "/")

        def beside(found: re.Match, static=static, root=root) -> str:
            name = f"inline-{hashlib.sha256(found[1].encode()).hexdigest()[:8]}.js"
            (static / name).write_text(found[1], encoding="utf-8")
            return f'<script src="{root}/{name}"></script>'

        text = page.read_text(encoding="utf-8")
        text = text.replace("</head>", '<link rel="icon" href="data:,"></head>', 1)  # else a browser requests one
        page.write_text(re.sub(r"(?s)<script>(.*?)</script>", beside, text), encoding="utf-8")


#: What the theme says itself, and has no translation of.
THEME = {
    "On this page": "本页目录",
    "Contents": "目录",
    "Back to top": "回到顶部",
    "Skip to content": "跳到正文",
    "Toggle site navigation sidebar": "显示或隐藏导航",
    "Toggle table of contents sidebar": "显示或隐藏本页目录",
    "Toggle Light / Dark / Auto color theme": "切换浅色、深色或自动",
    "Menu": "菜单",
    "Previous": "上一页",
    "Next": "下一页",
    "Home": "首页",
    "Expand": "展开",
    "Light mode": "浅色",
    "Dark mode": "深色",
    "Auto light/dark, in light mode": "自动（浅色）",
    "Auto light/dark, in dark mode": "自动（深色）",
}


def say_in_chinese(folder: Path) -> None:
    """The theme's own words on the Chinese pages."""
    words = re.compile(r'(?<=[>"])\s*(' + "|".join(map(re.escape, THEME)) + r')\s*(?=[<"])')
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(words.sub(lambda found: THEME[found[1]], text), encoding="utf-8")


FIRST = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>gridmap</title></head>
<body><p><a href="en/index.html">English</a></p><p lang="zh-CN"><a href="zh/index.html">中文</a></p></body></html>
"""

if __name__ == "__main__":
    main()
