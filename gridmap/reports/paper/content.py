"""What stands in a briefing, before it is paper: headings, sentences, pictures, tables.

One content for every format, so a PDF, a document, slides and a workbook cannot say different things. A table cell
keeps both what is read ("×3.1") and the number behind it, for the format that calculates. Numbers are written as the
map page writes them, digit for digit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

from gridmap.messages import known, say
from gridmap.reports.compare_runs import Since
from gridmap.reports.facts import SMALLEST_P, sentences
from gridmap.reports.paper.pictures import ZoneOutlines, map_picture, paper_layer, run_charts
from gridmap.reports.run_folder import RunFolder, said_text

__all__ = [
    "Briefing",
    "Cell",
    "Column",
    "Picture",
    "Section",
    "Table",
    "briefing_content",
    "number",
    "percent",
    "ranked_table",
    "set_aside_table",
    "shown",
    "since_table",
    "sources_table",
    "words_in",
]

#: Rows of a ranked table on a page; all of them stand in the workbook.
MOST_ROWS = 10


def words_in(language: str) -> Callable[..., str]:
    """A function from a key to its words: of the papers, else of the page; a key that neither has is said as it is.

    Examples
    --------
    >>> words_in("zh")("summary"), words_in("en")("ratio")
    ('摘要', 'ratio')
    """

    def words(key: str, /, **values: Any) -> str:
        code = next((c for c in (key, f"paper.{key}", f"page.{key}") if known(c)), None)
        return key if code is None else say(code, language, **values)

    return words


@dataclass(frozen=True)
class Cell:
    """What is read, and the number behind it (None for text)."""

    text: str
    value: float | int | None = None


@dataclass(frozen=True)
class Column:
    """`key` names the number, `title` is read, `wide` columns hold text and may wrap."""

    key: str
    title: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Columns and rows of cells."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def head(self, rows: int, *, most_columns: int | None = None) -> "Table":
        """The first rows; of the columns no more than fit on a page."""
        keep = slice(None) if most_columns is None else slice(most_columns)
        return replace(self, columns=self.columns[keep], rows=tuple(row[keep] for row in self.rows[:rows]))


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
        What `changes_since` found.
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
        limits=[say(code, language) for code in LIMITS],
        set_aside=set_aside_table(run, language),
        sources=sources_table(run, language),
        facts=_facts(run, language),
        run=run,
        changes=changes,
    )


#: What no paper can say, whatever its numbers: stands in every box of limits.
LIMITS = ("page.cannot_say_text", "limits.independence", "limits.selection")
#: What the first page says; the rest stands beside its map.
IN_SUMMARY = (
    *(
        "sample",
        "outside",
        "vague_times",
        "peak_hours",
        "concentrated",
        "concentrated_land",
        "hot",
        "none_hot",
        "busiest",
        "strict",
    ),
    *("none_strict", "few_expected", "no_claim", "moran", "change"),
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
        (w("audience"), w(f"audience.{run.audience}.on_paper")),
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
        return said_text(layer["name"], language)
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
        notes.append(w("first_rows", shown=MOST_ROWS, total=len(ranked)))
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
        key = f"method.{entry['method']}.explains"
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


#: The order in which numbers stand in a ranked table; a page shows the first of those there are.
ORDER = (
    *("count", "count_before", "count_after", "difference", "ratio", "rate", "intensity", "stability", "q_value"),
    *("p_value", "area_km2", "cells", "z_score", "expected", "expected_even"),
)


def _number(key: str, value: Any, language: str) -> Cell:
    return Cell("" if value is None else shown(key, value, language), value)


def ranked_table(layer: Mapping[str, Any], language: str) -> Table:
    """The ranked table of a layer: the page's rows and numbers."""
    w, ranked = words_in(language), layer["ranked"]
    there = {key for row in ranked for key in row["values"]}
    change = "count" not in there and "difference" in there
    keys = [k for k in ORDER if k in there] + sorted(there - set(ORDER))
    if not change:  # beside a count, its change is one number
        keys = [k for k in keys if k not in ("count_before", "count_after")] + [
            k for k in ("count_before", "count_after") if k in there
        ]
    labels = layer["tested"] and any(row.get("label") for row in ranked)
    columns = [Column("rank", w("rank")), Column("name", w("place"), wide=True)]
    columns += [Column("label", w("class"))] if labels else []
    columns += [Column(k, w(k)) for k in keys]
    rows = []
    for row in ranked:
        cells = [
            Cell(str(row["rank"]), row["rank"]),
            Cell(said_text(row["name"], language) or f"{w('place')} {row['rank']}"),
        ]
        cells += [Cell(_label(row.get("label"), language))] if labels else []
        rows.append(tuple(cells + [_number(k, row["values"].get(k), language) for k in keys]))
    return Table(tuple(columns), tuple(rows))


def _label(label: Any, language: str) -> str:
    return said_text(label, language)


def since_table(changes, run: RunFolder, language: str, statuses: Sequence[str] = ()) -> Table | None:
    """What is new, gone, up or down; None where nothing was compared."""
    rows = changes.rows
    if not len(rows):
        return None
    w = words_in(language)
    order = {s: i for i, s in enumerate(("new", "up", "down", "gone", "same"))}
    names = {e["step"]: e.get("name") or "" for e in run.results}
    several = len(set(rows["step"])) > 1
    rows = rows.assign(order=rows["status"].map(order)).sort_values(["step", "order", "after"], ascending=[1, 1, 0])
    columns = [Column("name", w("place"), wide=True)]
    columns += [Column("result", w("category"), wide=True)] if several else []
    columns += [Column("status", w("status")), Column("before", w("then")), Column("after", w("now"))]
    columns += [Column("difference", w("difference")), Column("p_value", w("p_change"))]
    out = []
    for row in rows.itertuples():
        cells = [Cell(said_text(row.name, language) or "–")] + ([Cell(names[row.step])] if several else [])
        cells += [Cell(w(f"status.{row.status}"))]
        change = row.after - row.before
        numbers = {"before": row.before, "after": row.after, "difference": change, "p_value": row.p_value}
        out.append(tuple(cells + [_number(k, v, language) for k, v in numbers.items()]))
    return Table(tuple(columns), tuple(out))


def set_aside_table(run: RunFolder, language: str) -> Table | None:
    """Rows that were not used, by file and reason."""
    frame = run.table("set_aside.parquet")
    if not len(frame):
        return None
    w = words_in(language)
    titles = (Column("file", w("file"), wide=True), Column("reason", w("reason"), wide=True))
    columns = (*titles, Column("rows", w("rows")))
    rows = []
    for row in frame.itertuples():
        code = f"set_aside_reason.{str(row.reason).replace(' ', '_')}"
        reason = Cell(say(code, language) if known(code) else str(row.reason))
        rows.append((Cell(str(row.file)), reason, Cell(number(row.rows, 0), int(row.rows))))
    return Table(columns, tuple(rows))


def sources_table(run: RunFolder, language: str) -> Table:
    """The inputs, with their rows and the hash that names each."""
    w = words_in(language)
    inputs = pd.DataFrame(run.manifest.get("inputs") or [])
    keys = [k for k in ("rows", "used", "set_aside") if k in inputs]
    titles = {"rows": w("rows"), "used": w("used"), "set_aside": w("aside")}
    columns = [Column("file", w("file"), wide=True), *(Column(k, titles[k]) for k in keys), Column("sha256", "SHA-256")]
    rows = []
    for entry in run.manifest.get("inputs") or []:
        name = str(entry.get("path", "")).replace("\\", "/").rsplit("/", 1)[-1]
        cells = [Cell(name)] + [Cell(number(entry.get(k), 0), entry.get(k)) for k in keys]
        rows.append((*cells, Cell(str(entry.get("sha256") or "–")[:16])))
    return Table(tuple(columns), tuple(rows))


def number(value: Any, digits: int = 2, language: str = "en") -> str:
    """A number with at most so many decimals, halves rounded away from zero, as browsers do.

    Examples
    --------
    >>> number(1234.125), number(3.0), number(float("nan"))
    ('1,234.13', '3', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    rounded = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{rounded:f}"
    short = Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
    return say("messages.number", language, n=abs(short) if short == 0 else short)


def percent(share: Any, language: str = "en") -> str:
    """A share as the page writes it: with a space before the sign in English."""
    return "–" if share is None else say("paper.percent", language, n=number(100 * share, 0, language))


def shown(key: str, value: Any, language: str = "en") -> str:
    """A number the way its column is read.

    Examples
    --------
    >>> shown("ratio", 3.14), shown("q_value", 0.0004), shown("difference", -12), shown("stability", 0.884)
    ('×3.1', '< 0.001', '−12', '88 %')
    """
    if value is None or not np.isfinite(value):
        return "–"
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    if key in ("p_value", "q_value"):
        return f"< {number(SMALLEST_P, 3, language)}" if value < SMALLEST_P else number(value, 3, language)
    if key == "difference":
        return ("+" if value > 0 else "−" if value < 0 else "±") + number(size, 1, language)
    if key == "stability":
        return percent(value, language)
    if key == "ratio":
        return "×" + number(value, 1 if value < 10 else 0, language)
    return number(value, 1 if key == "z_score" else digits, language)
