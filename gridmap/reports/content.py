"""What stands in a briefing, before it is paper: headings, sentences, pictures, tables.

One content for every format, so a PDF, a document, slides and a workbook cannot say different things. A table cell
keeps both what is read ("×3.1") and the number behind it, for the format that calculates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gridmap.maps.layers import Word
from gridmap.maps.words import say
from gridmap.reports.charts_of_run import run_charts
from gridmap.reports.numbers import number
from gridmap.reports.paper_map import ZoneOutlines, map_picture, paper_layer
from gridmap.reports.run_folder import RunFolder
from gridmap.reports.sentences import LIMITS, sentences
from gridmap.reports.tables import Table, ranked_table, set_aside_table, since_table, sources_table
from gridmap.reports.watching import Since
from gridmap.reports.words import words_in

__all__ = ["Briefing", "Picture", "Section", "briefing_content"]

#: Rows of a ranked table on a page; all of them stand in the workbook.
MOST_ROWS = 10


@dataclass(frozen=True)
class Picture:
    """A PNG, its height as a share of its width, and what it shows in words."""

    png: bytes
    ratio: float
    caption: str


@dataclass(frozen=True)
class Section:
    """One result: what is said of it, its map, its table.

    `table` is what a page shows, `whole` all rows.
    """

    heading: str
    lines: list[str] = field(default_factory=list)
    picture: Picture | None = None
    table: Table | None = None
    whole: Table | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Briefing:
    """Everything that a paper prints, in one language."""

    language: str
    title: str
    head: list[tuple[str, str]]
    classification: str | None
    run_id: str
    summary: list[str]
    sections: list[Section]
    since: Section
    charts: list[Picture]
    methods: list[tuple[str, str, list[tuple[str, str]]]]
    limits: list[str]
    set_aside: Table | None
    sources: Table
    facts: list[tuple[str, str]]
    run: RunFolder
    changes: Since


def briefing_content(
    run: RunFolder, changes: Since, *, language: str = "en", title: str | None = None, pictures: bool = True
) -> Briefing:
    """Gather a run's findings for paper.

    Parameters
    ----------
    run : RunFolder
    changes : Since
        What `since_last` found.
    language : {"en", "zh"}
    title : str, optional
        In place of the run's own.
    pictures : bool
        Whether maps and charts are drawn; a workbook holds none.

    Returns
    -------
    Briefing
    """
    w = words_in(language)
    zones = run.table("zones.parquet")
    outlines = ZoneOutlines(zones) if len(zones) else None
    sections = [
        _section(run, entry, layer, outlines, language, first=i == 0, pictured=pictures)
        for entry in run.results
        for i, layer in enumerate(entry["layers"])
    ]
    for entry in run.results:
        lines = _said(run, entry["step"], language)
        if lines and not entry["layers"]:
            sections.append(Section(_name(entry, language), lines))
    return Briefing(
        language=language,
        title=title or run.head.get("title") or w("briefing"),
        head=_head(run, language),
        classification=run.head.get("classification") or None,
        run_id=run.run_id,
        summary=sentences([told for told in run.facts if told.kind in IN_SUMMARY], language),
        sections=sections,
        since=Section(w("changes"), sentences(changes.facts, language), table=since_table(changes, run, language)),
        charts=[
            Picture(png, ratio, caption) for png, ratio, caption in (run_charts(run, language) if pictures else ())
        ],
        methods=_methods(run, language),
        limits=[both[0 if language == "en" else 1] for both in LIMITS],
        set_aside=set_aside_table(run, language),
        sources=sources_table(run, language),
        facts=_facts(run, language),
        run=run,
        changes=changes,
    )


#: What the first page says; the rest stands beside its map.
IN_SUMMARY = (
    *("sample", "outside", "vague_times", "peak_hours", "hot", "none_hot", "busiest", "moran", "change"),
    *("change_from_nothing", "most_up", "most_down", "clusters", "no_clusters", "scan", "no_scan", "chance"),
    *("no_chance", "repeats", "no_repeats", "emerging", "quiet", "none_quiet", "rates", "highest_rate", "risk"),
    *("density", "plan"),
)


def _head(run: RunFolder, language: str) -> list[tuple[str, str]]:
    w, head = words_in(language), run.head
    told = [
        (w("period"), head.get("period")),
        (w("incidents_used"), number(head.get("incidents"), 0)),
        (w("incidents_aside"), number(head.get("set_aside"), 0)),
        (w("source"), head.get("source")),
        (w("approval"), head.get("approval")),
        (w("audience"), w(f"audience {run.audience}")),
    ]
    return [(label, str(text)) for label, text in told if text]


def _facts(run: RunFolder, language: str) -> list[tuple[str, str]]:
    """The last lines of the last page: what made this paper."""
    w, manifest = words_in(language), run.manifest
    grid = run.head.get("grid") or {}
    settings = ", ".join(f"{k} {v}" for k, v in grid.items() if v is not None)
    versions = ", ".join(f"{k} {v}" for k, v in (manifest.get("versions") or {}).items())
    told = [
        (w("run_id"), run.run_id),
        (w("written"), run.written.replace("T", " ").replace("+00:00", " UTC")),
        (w("grid"), f"{settings}; {number(run.head.get('cells'), 0)} {w('cells')}"),
        (w("versions"), versions),
        (w("source"), run.head.get("source")),
        (w("left_out"), ", ".join(run.left_out)),
    ]
    return [(label, str(text)) for label, text in told if text]


def _said(run: RunFolder, step: int, language: str) -> list[str]:
    return sentences([told for told in run.facts if told.step == step], language)


def _name(entry: Mapping[str, Any], language: str, layer: Mapping[str, Any] | None = None) -> str:
    if layer is not None:
        name = layer["name"]
        return say(Word(name["w"]), language) if isinstance(name, Mapping) else str(name)
    return entry.get("name") or str(entry["method"]).replace("_", " ")


def _section(run: RunFolder, entry, layer, zones, language: str, *, first: bool, pictured: bool) -> Section:
    w = words_in(language)
    frame = run.table(layer["file"])
    ranked = layer["ranked"]
    picture = None
    heading = _name(entry, language, layer)
    if pictured and len(frame) and "geometry" in frame:
        drawn = paper_layer(layer, frame)
        png, ratio = map_picture(drawn, language=language, zones=zones, ranked=ranked)
        picture = Picture(png, ratio, f"{heading}. {w('map_numbers')}" if ranked else heading)
    notes = []
    if len(ranked) > MOST_ROWS:
        notes.append(w("first_rows", MOST_ROWS, len(ranked)))
    if not layer["tested"] and layer["what"] == "cells":
        notes.append(w("amounts"))
    if not ranked:
        notes.append(w("no_rows"))
    whole = ranked_table(layer, language) if ranked else None
    lines = _said(run, entry["step"], language) if first else []
    page = whole.head(MOST_ROWS, most_columns=8) if whole is not None else None
    return Section(heading, lines, picture, page, whole, notes)


def _methods(run: RunFolder, language: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name of a result, its method in two sentences, its settings."""
    w, out, told = words_in(language), [], {}
    for entry in run.results:
        key = f"method {entry['method']}"
        settings = {k: _setting(v) for k, v in entry["params"].items() if v is not None}
        names = told.setdefault((key, tuple(settings.items())), [])
        names.append(_name(entry, language, entry["layers"][0] if entry["layers"] else None))
    for (key, settings), names in told.items():
        text = w(key)
        out.append(("; ".join(dict.fromkeys(names)), "" if text == key else text, list(settings)))
    return out


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_setting(v) for v in value)
    return str(value)[:200]
