"""The manual, offline: the site that `make docs` builds and a wheel brings; else the documents as pages of the desk."""

import re
import sys
from functools import cache
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

import gridmap
from gridmap.desk.pages.run import SANDBOX
from gridmap.desk.responses import language_of, page
from gridmap.errors import InputError
from gridmap.messages import Note

__all__ = ["ROUTES"]

#: Where `make docs` puts the site.
SITE = Path(__file__).resolve().parents[1] / "manual"
#: Its pages run their own scripts and show its own live pages; nothing of another place.
SITE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SITE_FILE = re.compile(r"[\w-]+(/[\w-]+)*\.(html|css|js|webp|png|svg)(\.map)?")
NAME = re.compile(r"[\w-]{1,60}")
PICTURE = re.compile(r"[\w-]{1,80}\.(png|jpg|jpeg|webp)")
#: The first of the list on the manual's own page.
FIRST = ("desk", "reading", "methods", "privacy", "papers", "patrol", "forecasting", "pipelines", "commands", "trust")


@cache
def documents() -> Path | None:
    """The folder of the documents: of a clone, or as they were installed."""
    places = [
        Path(gridmap.__file__).resolve().parents[1] / "docs",
        Path(sys.prefix) / "share" / "gridmap" / "docs",
    ]
    return next((place for place in places if (place / "desk.md").is_file()), None)


def _file(name: str, language: str) -> tuple[Path, bool]:
    """A document, in the language where it exists in it; and whether it does."""
    folder = documents()
    if folder is None or not NAME.fullmatch(name) or not (folder / f"{name}.md").is_file():
        raise InputError(Note("desk.no_document"))
    own = folder / f"{name}.zh-CN.md"
    return (own, True) if language == "zh" and own.is_file() else (folder / f"{name}.md", language == "en")


def _html(text: str) -> Markup:
    """A document as HTML; HTML in it is shown, not obeyed, and links lead to other documents only."""
    from markdown_it import MarkdownIt  # a start need not wait for it

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token in tokens:
        token.attrs.pop("style", None)  # the pages' policy allows none
        for inner in token.children or []:
            if inner.type == "link_open":
                inner.attrs["href"] = _link(str(inner.attrs.get("href", "")))
            elif inner.type == "image":
                source = str(inner.attrs.get("src", ""))
                found = PICTURE.fullmatch(source.removeprefix("images/"))
                inner.attrs["src"] = f"/manual/images/{found[0]}" if found else ""
    text = parser.renderer.render(tokens, parser.options, {}).replace("<th></th>", "<td></td>")
    return Markup(text.replace("<pre>", '<pre tabindex="0">'))  # code that scrolls sideways, by keyboard too


def _link(target: str) -> str:
    found = re.fullmatch(r"(?:docs/)?([\w-]+?)(?:\.zh-CN)?\.md(#[\w-]*)?", target)
    if found:
        return f"/manual/{found[1]}{found[2] or ''}"
    return target if target.startswith("#") else "/manual"


def _on_site(name: str, language: str) -> Response | None:
    """The way to a page of the site, where there is one."""
    found = SITE / language / f"{name}.html"
    return RedirectResponse(f"/manual/site/{language}/{name}.html", 303) if found.is_file() else None


async def site(request: Request) -> Response:
    """A file of the site."""
    path = request.path_params["path"]
    if not SITE_FILE.fullmatch(path) or not (SITE / path).is_file():
        raise InputError(Note("desk.no_document"))
    live = path.startswith("live/")
    return FileResponse(SITE / path, headers={"Content-Security-Policy": SANDBOX if live else SITE_POLICY})


async def index(request: Request) -> Response:
    """What there is to read."""
    if there := _on_site("index", language_of(request)):
        return there
    language, folder = language_of(request), documents()
    names = sorted(p.stem for p in folder.glob("*.md") if "." not in p.stem) if folder else []
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    shown = []
    for name in names:
        path, own = _file(name, language)
        with path.open(encoding="utf-8") as file:
            title = next((line[2:].strip() for line in file if line.startswith("# ")), name)
        shown.append({"name": name, "title": title, "own": own})
    return page(request, "manual", shown=shown, body="", own=True)


async def document(request: Request) -> Response:
    """One document."""
    name = request.path_params["name"]
    if NAME.fullmatch(name) and (there := _on_site(name, language_of(request))):
        return there
    path, own = _file(name, language_of(request))
    return page(request, "manual", shown=[], body=_html(path.read_text(encoding="utf-8")), own=own)


async def picture(request: Request) -> Response:
    """A picture of a document."""
    name, folder = request.path_params["name"], documents()
    if folder is None or not PICTURE.fullmatch(name) or not (folder / "images" / name).is_file():
        raise InputError(Note("desk.no_document"))
    return FileResponse(folder / "images" / name)


ROUTES = [
    Route("/manual", index),
    Route("/manual/images/{name}", picture),
    Route("/manual/site/{path:path}", site),
    Route("/manual/{name}", document),
]
