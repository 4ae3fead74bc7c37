"""The briefing as a PDF: the templates in `templates/` laid out by typst, with gridmap's own fonts.

typst is one wheel and needs nothing of the system ([decision 0019](../../../docs/decisions)). A folder of one's own may
hold `briefing.typ` or `style.typ`, or both, and the pictures that they name; what it lacks is taken from here. What is
printed reaches the template as text in `briefing.json`, so nothing of the data is read as markup. typst reads what was
put into a folder made for it and no other file of the machine; a package from elsewhere is not fetched.
"""

import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gridmap._fonts import FOLDER, FontFace, font_faces
from gridmap.errors import OutputError, ReadError
from gridmap.messages import Note, all_texts, say
from gridmap.reports.paper.content import (
    MOST_KINDS,
    MOST_METHODS,
    MOST_NOTES,
    MOST_OTHERS,
    Briefing,
    Picture,
    Section,
    Table,
    first_kinds,
    first_places,
    note_of_cut,
    notes_of_one_page,
    words_in,
)

__all__ = ["pdf_bytes"]

#: A meeting gets so many pages, and one more for each of how places are governed.
PAGES = 4
PARTS = ("size", "kinds", "areas", "others", "periods_cm", "methods", "notes", "sources", "rows", "lines")
#: What is put on them: as much as fits, tried from the first on. The workbook holds what is left out.
ROOMS: tuple[dict[str, Any], ...] = tuple(
    dict(zip(PARTS, row, strict=True))
    for row in (
        ("roomy", MOST_KINDS, 12, MOST_OTHERS, 7.6, MOST_METHODS, MOST_NOTES, 5, 8, 9),
        ("", MOST_KINDS, 12, MOST_OTHERS, 6.6, MOST_METHODS, MOST_NOTES, 5, 8, 9),
        ("tight", MOST_KINDS, 12, MOST_OTHERS, 6.0, MOST_METHODS, MOST_NOTES, 5, 8, 9),
        ("tight", MOST_KINDS, 12, 3, 5.6, 6, 1, 4, 7, 9),
        ("tight", 10, 8, 3, 5.6, 6, 1, 4, 7, 9),
        ("tighter", MOST_KINDS, 10, 3, 5.0, 5, 1, 4, 6, 8),
        ("tighter", 10, 8, 2, 5.0, 5, 1, 4, 6, 8),
        ("tighter", 8, 6, 3, 5.0, 5, 1, 4, 6, 8),
        ("tighter", 6, 4, 1, 4.4, 3, 1, 3, 5, 6),
    )
)
#: One page: the size of type, how high the map is, how many places; tried from the first on. Notes are never cut.
ONE_PAGE = tuple(
    {**ROOMS[1], "size": size, "map_cm": map_cm, "places": places}
    for size, map_cm, most in (("", 9.5, 10), ("tight", 8.5, 10), ("tighter", 7.5, 8), ("tighter", 6.0, 5))
    for places in ((10, 8, 6, 5) if most == 10 else (8, 6, 5, 4, 3) if most == 8 else (5, 4, 3, 2, 1, 0))
)
OWN = Path(__file__).parent / "templates"
TEMPLATES = ("briefing.typ", "one_page.typ", "parts.typ", "style.typ")
#: Of a template's folder: so much is handed over, and nothing larger.
MOST_BYTES = 30_000_000
READ = (".typ", ".png", ".jpg", ".jpeg", ".svg", ".json", ".csv", ".txt")
WORDS = (
    *("annex", "areas", "changed_page", "charts", "kinds", "limits", "method_and_limits", "mind", "others", "run_id"),
    *("sources",),
)


def pdf_bytes(briefing: Briefing, *, template: str | Path | None = None, pages: int = PAGES) -> bytes:
    """The briefing as the bytes of a PDF; the same briefing gives the same bytes.

    Parameters
    ----------
    briefing : Briefing
    template : path of a folder, optional
        With `briefing.typ` (`one_page.typ` for one page) and `style.typ` of one's own, or one of them.
    pages : 1 or 4

    Raises
    ------
    ReadError
        If the folder is none, holds none of the two, or its template has a mistake: the line is named.
    OutputError
        If the notes alone do not fit on one page.
    """
    import typst

    files: dict[str, bytes] = {name: (OWN / name).read_bytes() for name in TEMPLATES}
    files |= {} if template is None else _own_files(Path(template))
    families, faces = font_faces(briefing.language)
    with TemporaryDirectory(prefix="gridmap-paper-") as place, _no_network():
        for name, content in files.items():
            _put(Path(place, name), content)
        fonts = typst.Fonts(False, False, _font_folders(faces, Path(place, "fonts")))
        main = str(Path(place, "one_page.typ" if pages == 1 else "briefing.typ"))
        own = template is not None and pages != 1

        def laid_out(room: Mapping[str, Any]) -> tuple[Any, bool]:
            """The paper with so much room for each part, and whether it ends where it should."""
            given, pictures = _given(briefing, room, families)
            for name, content in {**pictures, "briefing.json": given}.items():
                _put(Path(place, name), content)
            try:
                compiler = typst.Compiler(main, root=place, font_paths=fonts, ignore_system_fonts=True)
                return compiler.compile(format="pdf"), own or _fits(compiler, briefing, pages)
            except typst.TypstError as error:
                raise _mistake(error) from None

        rooms = ONE_PAGE if pages == 1 else ROOMS
        for room in rooms:
            data, fits = laid_out(room)
            if fits:
                break
        else:
            if pages == 1:
                raise OutputError(Note("reports.more_than_a_page"))
        if pages != 1 and fits:
            for more in _filled(briefing, room):
                if any(room[key] >= rows for key, rows in more.items()):
                    continue
                better, fits = laid_out({**room, **more})
                if fits:
                    data, room = better, {**room, **more}
    assert isinstance(data, bytes)  # a list of pages only as PNG or SVG
    return data


def _filled(briefing: Briefing, room: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    """What may still stand on pages that are not full: all kinds, all districts, one more of the other results."""
    for key, rows in (("kinds", briefing.kinds), ("areas", briefing.areas)):
        shown = 0 if rows is None else min(len(rows.rows), ROOMS[1][key])
        for more in range(shown, room[key], -2):
            yield {key: more}
    for more in range(min(len(briefing.others), MOST_OTHERS), room["others"], -1):
        yield {"others": more}


def _font_folders(faces: Iterable[FontFace], place: Path) -> list[str]:
    """The folders that typst looks into: it takes folders only, so a font that stands among others is put apart."""
    place.mkdir()
    for path in {face.path for face in faces if face.path.parent != FOLDER}:
        shutil.copyfile(path, place / path.name)
    return [str(FOLDER), str(place)]


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _fits(compiler: Any, briefing: Briefing, pages: int) -> bool:
    """Whether the one page, or the four with those of how places are governed, end where they should."""
    label, most = ("<last-of-one>", 1) if pages == 1 else ("<last-of-four>", PAGES + len(briefing.governed))
    ends = json.loads(compiler.query(label, field="value"))
    return not ends or ends[0] <= most


def _given(briefing: Briefing, room: Mapping[str, Any], families: list[str]) -> tuple[bytes, dict[str, bytes]]:
    """`briefing.json`, and the pictures that it names: all that is printed, as text in the briefing's language."""
    b, say_word = briefing, words_in(briefing.language)
    pictures: dict[str, bytes] = {}

    def picture(p: Picture | None) -> dict[str, Any] | None:
        if p is None:
            return None
        name = f"picture{len(pictures)}.png"
        pictures[name] = p.png
        return {"file": name, "ratio": p.ratio, "caption": p.caption}

    def table(t: Table | None) -> dict[str, Any] | None:
        if t is None or not t.rows:
            return None
        columns = [{"title": c.title, "wide": c.wide} for c in t.columns]
        return {"columns": columns, "rows": [[cell.text for cell in row] for row in t.rows]}

    def section(s: Section) -> dict[str, Any]:
        shown = {"picture": picture(s.picture), "table": table(s.table)}
        return {"heading": s.heading, "lines": s.lines, "notes": s.notes, **shown}

    def part(s: Section) -> dict[str, Any]:
        cut = replace(s, lines=s.lines[: room["lines"]], table=s.table and s.table.head(room["rows"]))
        return section(cut)

    def pairs(rows: Iterable[tuple[str, str]]) -> list[str]:
        return [say_word("label", label=label, text=text) for label, text in rows]

    more = len(b.others) - room["others"]
    lang, *further = all_texts(b.language)["language.locale"].split("_")
    region = next((part.lower() for part in further if len(part) == 2), "cn" if lang == "zh" else None)
    on_one = "map_cm" in room
    if on_one:
        kinds, kinds_note = first_kinds(b)
    else:
        kinds = b.kinds and b.kinds.head(room["kinds"])
        kinds_note = note_of_cut(b.kinds, room["kinds"], b.kinds_note, b.language)
    notes = notes_of_one_page(b)
    words = {key: say_word(key) for key in WORDS} | {
        "page": say("paper.page", b.language, page="{page}", pages="{pages}")
    }
    methods = [
        {"names": m.names, "explains": m.explains or "", "notes": m.notes[: room["notes"]],
         "settings": [f"{key} = {value}" for key, value in m.settings]}
        for m in b.methods[: room["methods"]]
    ]  # fmt: skip
    annex = b.annex if b.with_annex else []
    printed = {
        "lang": lang,
        "region": region,
        "fonts": families,
        "words": words,
        "room": {key: room[key] for key in ("size", "periods_cm", "map_cm") if key in room},
        "title": b.title,
        "title_short": b.title[:90],
        "subtitle": b.subtitle,
        "classification": b.classification or "",
        "run_id": b.run_id,
        "head": pairs(b.head),
        "answers": [{"question": a.question, "headline": a.headline, "detail": a.detail} for a in b.answers],
        "map": picture(b.map),
        "mind": b.mind,
        "notes": notes,
        "summary": b.summary,
        "places": section(first_places(b, room["places"]) if on_one else b.places),
        "kinds": table(kinds),
        "kinds_note": kinds_note,
        "areas": None if on_one else table(b.areas and b.areas.head(room["areas"])),
        "areas_note": note_of_cut(b.areas, room["areas"], b.areas_note, b.language),
        "periods": picture(b.periods),
        "others": [section(s) for s in b.others[: room["others"]]],
        "more_others": say_word("more_others", n=more) if more > 0 else "",
        "since": {
            "heading": b.since.heading,
            "lines": b.since.lines,
            "table": table(b.since.table and b.since.table.head(40)) if b.with_annex else None,
        },
        "methods": methods,
        "limits": b.limits,
        "run_lines": b.run_lines,
        "set_aside": table(b.set_aside and b.set_aside.head(room["sources"])),
        "sources": table(b.sources.ends(room["sources"])),
        "facts": [list(pair) for pair in b.facts],
        "governed": [{"heading": page.heading, "parts": [part(s) for s in page.parts]} for page in b.governed],
        "annex": [section(s) for s in annex],
        "charts": [picture(p) for p in b.charts] if b.with_annex else [],
    }
    return json.dumps(printed, ensure_ascii=False).encode(), pictures


def _own_files(folder: Path) -> dict[str, bytes]:
    """What a template's folder holds: typst is given it as bytes, so a template reads no other file.

    Raises
    ------
    ReadError
        If the folder is none, has no template, or holds more than a paper can need.
    """
    if not folder.is_dir():
        raise ReadError(Note("reports.no_template_folder", folder=str(folder)))
    if not any((folder / name).is_file() for name in TEMPLATES):
        old = any((folder / name).is_file() for name in ("briefing.html", "briefing.css"))
        raise ReadError(Note("reports.html_template" if old else "reports.empty_template_folder", folder=str(folder)))
    files, size = {}, 0
    for path in sorted(folder.rglob("*")):
        inside = path.resolve().is_relative_to(folder.resolve())
        if path.is_file() and inside and path.suffix.lower() in READ:
            size += path.stat().st_size
            if size > MOST_BYTES:
                raise ReadError(Note("reports.template_too_large", folder=str(folder), most=MOST_BYTES))
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def _mistake(error: Any) -> ReadError:
    """What typst found wrong in a template, with its file and line."""
    place = re.search(r"([\w./-]+\.typ):(\d+)", str(error.diagnostic))
    name = "briefing.typ" if place is None or place[1].endswith("main.typ") else Path(place[1]).name
    why = " ".join(str(error.message).split())
    if place is None:
        return ReadError(Note("reports.template_not_filled", why=why))
    return ReadError(Note("reports.template_mistake", file=name, line=int(place[2]), why=why))


_TAKEN = threading.Lock()


@contextmanager
def _no_network() -> Iterator[None]:
    """typst would fetch a package that a template names: here it meets a proxy that is not there."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "NO_PROXY", "no_proxy")
    with _TAKEN:
        before = {name: os.environ.get(name) for name in names}
        os.environ |= {name: "" if name.lower() == "no_proxy" else "http://127.0.0.1:9" for name in names}
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
