"""The briefing as a PDF: the templates in `templates/` filled by jinja2, laid out by weasyprint, fonts embedded.

A folder of one's own may hold `briefing.html` or `briefing.css`, or both; what it lacks is taken from here. Text from
data is escaped, and nothing is fetched: a template's pictures and styles come from its own folder.
"""

import base64
import re
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from gridmap._fonts import font_faces
from gridmap.errors import GridmapError, ReadError
from gridmap.messages import Note, say
from gridmap.reports.paper.content import MOST_KINDS, MOST_METHODS, MOST_NOTES, MOST_OTHERS, Briefing, Picture, words_in

__all__ = ["load_weasyprint", "pdf_bytes"]

#: A meeting gets so many pages.
PAGES = 4
#: What is put on them: as much as fits, tried from the first on. The workbook holds what is left out.
ROOMS = tuple(
    dict(zip(("body", "kinds", "others", "periods_cm", "methods", "notes", "sources"), row, strict=True))
    for row in (
        ("", MOST_KINDS, MOST_OTHERS, 6.6, MOST_METHODS, MOST_NOTES, 5),
        ("tight", 10, 3, 5.6, 6, 1, 4),
        ("tighter", 8, 3, 5.0, 5, 1, 4),
        ("tighter", 6, 1, 4.4, 3, 1, 3),
    )
)
OWN = Path(__file__).parent / "templates"


def pdf_bytes(briefing: Briefing, *, template: str | Path | None = None) -> bytes:
    """The briefing as the bytes of a PDF; the same briefing gives the same bytes.

    Parameters
    ----------
    briefing : Briefing
    template : path of a folder, optional
        With `briefing.html` and `briefing.css` of one's own, or one of them.

    Raises
    ------
    ReadError
        If the folder is none, or its template has a mistake: the line is named.
    GridmapError
        If weasyprint cannot find Pango.
    """
    folders = [OWN]
    if template is not None:
        if not Path(template).is_dir():
            raise ReadError(Note("reports.no_template_folder", folder=str(template)))
        folders.insert(0, Path(template))
        if not any((Path(template) / name).is_file() for name in ("briefing.html", "briefing.css")):
            raise ReadError(Note("reports.empty_template_folder", folder=str(template)))
    html = load_weasyprint()
    names, faces = font_faces(briefing.language)
    family = ", ".join(f'"{name}"' for name in names)
    loader = jinja2.FileSystemLoader([str(f) for f in folders])
    around = ImmutableSandboxedEnvironment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    base = str(folders[0].resolve()) + "/"
    fetcher = _own_files(folders, {face.path for face in faces})
    for room in ROOMS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a user's style sheet asks for and paper has not
            text = _filled(briefing, loader, around, family, faces, room)
            document = html(string=text, base_url=base, url_fetcher=fetcher).render()
            if template is not None or _pages_before_annex(document) <= PAGES:
                break
    return document.write_pdf()


def _filled(briefing: Briefing, loader, around, family: str, faces, room: dict[str, Any]) -> str:
    """The template with the briefing in it.

    Raises
    ------
    ReadError
        If the template has a mistake.
    """
    try:
        style = loader.get_source(around, "briefing.css")[0]
        style = style.replace("{page}", _page_counter(briefing.language)).replace("{family}", family)
        given = {"b": briefing, "w": words_in(briefing.language), "picture": _address, "fit": fit, "room": room}
        style = "\n".join([*map(_font_face, faces), style]).replace("</", "<\\/")
        return around.get_template("briefing.html").render(**given, style=Markup(style))
    except jinja2.TemplateSyntaxError as error:
        place = {"file": str(error.filename or error.name), "line": error.lineno}
        raise ReadError(Note("reports.template_mistake", **place, why=str(error.message))) from None
    except (jinja2.TemplateError, OSError, TypeError, ValueError) as error:
        raise ReadError(Note("reports.template_not_filled", why=str(error))) from None


def _pages_before_annex(document: Any) -> int:
    """How many pages the four pages have become."""
    return next((i for i, page in enumerate(document.pages) if "annex" in page.anchors), len(document.pages))


def _page_counter(language: str) -> str:
    """What stands at the foot of a page, as a style sheet counts."""
    parts = re.split("(PAGE|NUMPAGES)", say("paper.page", language, page="PAGE", pages="NUMPAGES"))
    counters = {"PAGE": "counter(page)", "NUMPAGES": "counter(pages)"}
    return " ".join(counters.get(part) or f'"{part}"' for part in parts if part)


def _font_face(face) -> str:
    weight = "bold" if face.bold else "normal"
    return f'@font-face {{ font-family: "{face.family}"; font-weight: {weight}; src: url("{face.path.as_uri()}"); }}'


def load_weasyprint():
    """weasyprint's `HTML`.

    Raises
    ------
    GridmapError
        If Pango is not there: what to install.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No fonts configured")  # ours are handed over as files
            from weasyprint import HTML
    except ModuleNotFoundError:
        raise  # weasyprint itself: said with the extra that brings it
    except (ImportError, OSError) as error:
        raise GridmapError(Note("reports.needs_pango", why=str(error)[:80])) from None
    return HTML


def _own_files(folders: list[Path], fonts: set[Path]):
    """A fetcher that reads pictures in the page, the fonts, and files of the template's folder, and nothing else."""
    from weasyprint.urls import URLFetcher, URLFetchingError

    roots, allowed = [folder.resolve() for folder in folders], {font.resolve() for font in fonts}

    class OwnFiles(URLFetcher):
        def fetch(self, url, headers=None):
            if not url.startswith("data:"):
                place = Path(unquote(url.removeprefix("file://"))).resolve() if url.startswith("file://") else None
                known = place in allowed or (place and any(place.is_relative_to(root) for root in roots))
                if not known:
                    raise URLFetchingError(f"a paper fetches nothing: {url[:60]}")
            return super().fetch(url, headers)

    return OwnFiles()


def _address(picture: Picture) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.png).decode("ascii")


def fit(picture: Picture, width_cm: float = 17.4, height_cm: float = 10.6) -> str:
    """The size of a picture that fits into a box: as wide as it may be, unless that makes it too tall."""
    width = min(width_cm, height_cm / picture.ratio)
    return f"width:{width:.2f}cm;height:{width * picture.ratio:.2f}cm"
