"""What stands in a briefing, before it is paper: headings, sentences, pictures, tables.

One content for every format, so a PDF, a document, slides and a workbook cannot say different things. A table cell
keeps both what is read ("×3.1") and the number behind it, for the format that calculates. Numbers are written as the
map page writes them, digit for digit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from gridmap.messages import known, say
from gridmap.reports.charts import alt_text, weekday_hour_chart
from gridmap.reports.compare_runs import Since
from gridmap.reports.facts import SMALLEST_P, TIMES, method_name, sentences
from gridmap.reports.paper.pictures import (
    ZoneOutlines,
    has_places,
    period_maps,
    picture_of,
    place_maps,
    run_charts,
    theme_map,
)
from gridmap.reports.results_folder import RunFolder, text_in

__all__ = [
    "GOVERNED",
    "Answer",
    "Briefing",
    "Cell",
    "Column",
    "Method",
    "Page",
    "Picture",
    "Section",
    "Table",
    "areas_by_kind_table",
    "areas_table",
    "briefing_content",
    "first_kinds",
    "first_places",
    "forecast_pages",
    "kinds_table",
    "notes_of_one_page",
    "number",
    "page_table",
    "percent",
    "ranked_table",
    "set_aside_table",
    "shown",
    "signed_percent",
    "since_table",
    "sources_table",
    "words_in",
]

#: Rows of a ranked table on a page; all of them stand in the workbook.
MOST_ROWS = 10
#: Columns of it that fit beside a name.
MOST_COLUMNS = 9
#: Other results on the third page, and sentences of each; the rest stands in the annex and in the workbook.
MOST_OTHERS, MOST_LINES = 4, 3
#: Kinds of incident in a table of a page.
MOST_KINDS = 12
#: Methods explained on the fourth page, and notes of each; the workbook has them all.
MOST_METHODS, MOST_NOTES = 6, 2
#: Facts that the third page leaves to the annex.
IN_THE_ANNEX = ("half", "busiest", "stable", "unequal_periods", "cold")
#: Methods whose results have pages of their own (`paper/governed.py`).
GOVERNED = ("case_life", "register", "evaluations", "together", "denominators", "sites")
#: The four questions of a meeting, in their order.
QUESTIONS = ("where", "sure", "changed", "next")
#: What no paper can say, whatever its numbers: stands in every box of limits.
SELECTION = "limits.selection"
LIMITS = ("page.cannot_say_text", "limits.independence", SELECTION)
#: What is stated of the run as a whole; the rest is stated of a result.
OF_THE_RUN = ("sample", "sample_public", "outside", "vague_times", "plan")
#: Facts that stand beside their result alone; the workbook's first sheet says all others.
NOT_IN_SUMMARY = ("half", "stable", "unequal_periods", "cold")


def words_in(language: str) -> Callable[..., str]:
    """A function from a key to its words: of the papers, else of the page; a key that neither has is stated as it is.

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

    def ends(self, rows: int) -> "Table":
        """The first row and the last ones, where they do not all fit: of the inputs, boundaries and incidents."""
        return self if len(self.rows) <= rows else replace(self, rows=(self.rows[0], *self.rows[1 - rows :]))


@dataclass(frozen=True)
class Picture:
    """A PNG, its height as a share of its width, and what it shows in words; drawn when it is first wanted."""

    draw: Callable[[], tuple[bytes, float]] = field(compare=False, repr=False)
    caption: str
    #: Draws it anew for another width in inches, tallest share of it, and smallest type in points.
    again: Callable[[float, float, float], tuple[bytes, float] | None] | None = field(
        default=None, compare=False, repr=False
    )

    @classmethod
    def of(cls, png: bytes, ratio: float, caption: str) -> "Picture":
        """One that is drawn already."""
        return cls(lambda: (png, ratio), caption)

    @cached_property
    def _drawn(self) -> tuple[bytes, float]:
        return self.draw()

    @property
    def png(self) -> bytes:
        """The file."""
        return self._drawn[0]

    @property
    def ratio(self) -> float:
        """Its height as a share of its width."""
        return self._drawn[1]

    def at(self, width_in: float, tallest: float, least_pt: float) -> "Picture":
        """The same picture drawn for another size, so that its type can be read there."""
        drawn = None if self.again is None else self.again(width_in, tallest, least_pt)
        return self if drawn is None else Picture.of(*drawn, self.caption)


@dataclass(frozen=True)
class Answer:
    """What a meeting asks, its answer in a few words, and the numbers behind it."""

    question: str
    headline: str
    detail: str


@dataclass(frozen=True)
class Method:
    """The results that were made alike, how, with which settings, and what the method itself must tell."""

    names: str
    explains: str
    settings: list[tuple[str, str]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """One result: what is stated of it, its map, its table.

    `table` is what a page shows, `whole` all rows.
    """

    heading: str
    lines: list[str] = field(default_factory=list)
    picture: Picture | None = None
    table: Table | None = None
    whole: Table | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A page of its own: a heading and what stands under it."""

    heading: str
    parts: list[Section] = field(default_factory=list)


@dataclass(frozen=True)
class Briefing:
    """Everything that a paper prints, in one language.

    Four pages: the answer (`answers`, `map`, `mind`), the places (`places`), what changed, by kind and by area
    (`kinds`, `areas`, `periods`, `others`, `since`), how it was made and what it cannot say. Before the last stand the
    pages of whether the last forecast held and of how places are governed (`governed`), where the run has such stages.
    `annex` and `charts` follow where they are wanted; the workbook holds all of it.
    One page holds `answers`, `map`, the first of `places`, `kinds`, and what it may not leave out: `claims`, `mind`,
    `limits`, `head`.
    """

    language: str
    title: str
    subtitle: str
    classification: str | None
    run_id: str
    head: list[tuple[str, str]]
    answers: list[Answer]
    map: Picture | None
    mind: list[str]
    places: Section
    kinds: Table | None
    kinds_note: str
    areas: Table | None
    areas_note: str
    periods: Picture | None
    others: list[Section]
    since: Section
    methods: list[Method]
    limits: list[str]
    run_lines: list[str]
    set_aside: Table | None
    sources: Table
    facts: list[tuple[str, str]]
    summary: list[str]
    annex: list[Section]
    charts: list[Picture]
    run: RunFolder
    changes: Since
    with_annex: bool = False
    governed: list[Page] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)


def briefing_content(
    run: RunFolder,
    changes: Since,
    *,
    language: str = "en",
    title: str | None = None,
    annex: bool = False,
    pictures: bool = True,
) -> Briefing:
    """Gather a run's findings for paper.

    Parameters
    ----------
    run : RunFolder
    changes : Since
        What `changes_since` found.
    language : str
    title : str, optional
        In place of the run's own.
    annex : bool
        Whether every result gets a page of its own, and the charts theirs, after the four.
    pictures : bool
        Whether maps and charts are drawn; a workbook holds none.

    Returns
    -------
    Briefing
    """
    w = words_in(language)
    zones = run.table("zones.parquet")
    outlines = ZoneOutlines(zones) if pictures and len(zones) else None
    lead_entry, lead = _lead(run)
    sections = [
        _section(run, entry, layer, outlines if annex else None, language, first=i == 0)
        for entry in run.results
        for i, layer in enumerate(entry["layers"])
    ]
    for entry in run.results:
        lines = _lines_of(run, entry["step"], language)
        if lines and not entry["layers"] and entry["method"] not in GOVERNED:
            sections.append(Section(_name(entry, language), lines))
    charts = run_charts(run, language) if pictures and annex else ()
    named = any(layer["ranked"] for entry in run.results for layer in entry["layers"])
    limits = [code for code in LIMITS if named or code != SELECTION]  # where no place is named, none was chosen
    return Briefing(
        language=language,
        title=title or run.head.get("title") or w("briefing"),
        subtitle=_subtitle(run, lead_entry, lead, language),
        classification=run.head.get("classification") or None,
        run_id=run.run_id,
        head=_head(run, lead_entry, lead, language),
        answers=_answers(run, lead_entry, lead, language),
        map=_map(run, lead, outlines, language),
        mind=_mind(run, language, limits),
        places=_places(run, lead_entry, lead, outlines, language),
        kinds=kinds_table(run, language),
        kinds_note=_varying_note(run.table("kinds.parquet"), language),
        areas=areas_table(run, language),
        areas_note=_areas_note(run, language),
        periods=_periods(run, lead_entry, outlines, language),
        others=_others(run, lead_entry, language),
        since=Section(w("changes"), sentences(changes.facts, language), table=since_table(changes, run, language)),
        methods=_methods(run, language),
        limits=[say(code, language) for code in limits],
        run_lines=sentences([f for f in run.facts if f.kind in OF_THE_RUN], language),
        set_aside=set_aside_table(run, language),
        sources=sources_table(run, language),
        facts=_facts(run, language),
        summary=sentences([f for f in run.facts if f.kind not in NOT_IN_SUMMARY], language),
        annex=sections,
        charts=[Picture.of(png, ratio, caption) for png, ratio, caption in charts],
        run=run,
        changes=changes,
        with_annex=annex,
        claims=_claims(run, lead_entry, language),
    )


def forecast_pages(run: RunFolder, language: str, *, pictures: bool = True) -> list[Page]:
    """The pages of a forecast: what is expected when, and whom it would keep choosing; did the last one hold?

    Parameters
    ----------
    run : RunFolder
    language : str
    pictures : bool
        Whether the hours of the week are drawn.

    Returns
    -------
    list of Page
        The first where the run has a forecast whose hours are known or that was tested over several neighbourhoods;
        the second where an earlier forecast has been scored by the new data.
    """
    w = words_in(language)
    parts = []
    for entry in run.results:
        if entry["method"] == "forecast":
            parts += _outlook(run, entry, language, pictures=pictures)
    outlook = [Page(w("what_is_expected"), parts)] if parts else []
    parts = []
    for found in run.facts:
        if found.kind not in ("last_forecast", "last_forecast_empty"):
            continue
        values, lines = found.values, [found.say(language)]
        if "made" not in values:  # no incident in its time, or a run of an earlier version
            parts.append(Section("", lines))
            continue
        lines.append(w("forecast_made", made=values["made"], begin=values["begin"], days=values["horizon_days"]))
        lines += [] if values.get("offered") else [w("forecast_was_count")]
        lines += [w(f"forecast_{values['held']}")] if "held" in values else []
        table, whole = _forecast_tables(values, language)
        parts.append(Section("", lines, table=table, whole=whole, notes=[w("forecast_scores")]))
    return [*outlook, *([Page(w("did_it_hold"), parts)] if parts else [])]


#: Neighbourhoods that a page names; the workbook has all.
MOST_EXPOSED = 10


def _outlook(run: RunFolder, entry: Mapping[str, Any], language: str, *, pictures: bool) -> list[Section]:
    """What is stated of a forecast, its hours of the week, and how often it would have chosen each neighbourhood."""
    w = words_in(language)
    hours, exposure = (run.table(f"{entry['step']}_forecast_{name}.parquet") for name in ("hours", "exposure"))
    if not len(hours) and not len(exposure):
        return []
    kinds = ("last_forecast", "last_forecast_empty")
    own = [f for f in run.facts if f.step == entry["step"] and f.kind not in kinds]
    picture = None
    if len(hours) and pictures:
        figure = weekday_hour_chart(hours, language=language, title=w("expected_hours"))
        png, ratio = picture_of(figure)
        alike = any(f.kind == "forecast_hours_alike" for f in own)  # then no hour is named under it either
        picture = Picture.of(png, ratio, w("expected_hours") if alike else alt_text(figure))
    parts = [Section("", [f.say(language) for f in own], picture)]
    if not len(exposure):
        return parts
    shares = [c for c in ("of_chosen", "of_incidents", "of_residents", "of_area", "periods") if c in exposure]
    columns = (Column("neighbourhood", w("exposure_zone"), wide=True), *(Column(c, w(f"exposure_{c}")) for c in shares))

    def share(value: float) -> Cell:
        return Cell("–", None) if value != value else Cell(percent(value, language), float(value))

    rows = tuple((Cell(str(row["neighbourhood"])), *(share(row[c]) for c in shares)) for _, row in exposure.iterrows())
    whole = Table(columns, rows)
    notes = [w("exposure_note")]
    return [*parts, Section(w("exposure_title"), table=whole.head(MOST_EXPOSED), whole=whole, notes=notes)]


def _forecast_tables(values: Mapping[str, Any], language: str) -> tuple[Table, Table]:
    """A row a score; what happened, the mean count, and what the back-test promised. For a page, and as numbers."""
    w = words_in(language)
    rows = (
        ("hits", ("hits", None, None), "count_hits", ""),
        ("incidents_in_all", ("incidents", None, None), "incidents", ""),
        ("area_share", ("share", None, None), "count_share", ""),
        ("hit_rate", ("hit_rate", "low", "high"), "count_hit_rate", "promised_hit_rate"),
        ("pai", ("pai", None, None), "count_pai", "promised_pai"),
    )

    def text(score: str, *numbers: Any) -> str:
        read = [
            number(v, 1 if score == "pai" else 0, language) if score in ("hits", "incidents_in_all", "pai")
            else shown("share", v, language)
            for v in numbers if v is not None
        ]  # fmt: skip
        return w("with_interval", value=read[0], low=read[1], high=read[2]) if len(read) == 3 else (read or ["–"])[0]

    short, long = [], []
    for score, (key, low, high), count, promised in rows:
        happened = [values.get(k) if k else None for k in (key, low, high)]
        promise = [values.get(promised + end) if promised else None for end in ("", "_low", "_high")]
        name, usual = Cell(w(score)), values.get(count)
        texts = [text(score, *happened), text(score, usual), text(score, *promise)]
        short.append((name, *(Cell(one) for one in texts)))
        long.append((name, *(Cell("–" if v is None else number(v, 3), v) for v in (*happened, usual, *promise))))
    ends = [w("low_end"), w("high_end")]
    titles = [w("forecast_shown"), w("forecast_by_count"), w("forecast_promised")]
    wide = Column("measure", w("forecast_score"), wide=True)
    columns = [Column(f"column_{i}", title) for i, title in enumerate(titles)]
    spread = [titles[0], *ends, titles[1], titles[2], *ends]
    whole = [Column(f"column_{i}", title) for i, title in enumerate(spread)]
    return Table((wide, *columns), tuple(short)), Table((wide, *whole), tuple(long))


Entry = Mapping[str, Any]


def _lead(run: RunFolder) -> tuple[Entry | None, Entry | None]:
    """The result that the first two pages speak of, and its layer: the first that was tested, else the first."""
    found = [(entry, layer) for entry in run.results for layer in entry["layers"]]
    tested = [pair for pair in found if pair[1]["tested"] and pair[1]["what"] == "cells"]
    return next(iter(tested or found), (None, None))


def _counted(run: RunFolder, layer: Entry | None) -> int | None:
    """The incidents that the map of a layer counts: its total, and no other number."""
    frame = run.table(layer["file"]) if layer is not None else pd.DataFrame()
    column = next((c for c in ("count", "count_after", "after") if c in frame), None)
    return None if column is None else round(float(frame[column].sum()))


def _subtitle(run: RunFolder, entry: Entry | None, layer: Entry | None, language: str) -> str:
    """Which theme, of when, how many: the theme's own, not the run's."""
    if entry is None or layer is None:
        return str(run.head.get("period") or "")
    counted = _counted(run, layer)
    parts = [_name(entry, language, layer), entry.get("period")]
    weight = layer.get("weight")
    if counted is not None:
        code, of = ("paper.incidents", {}) if weight is None else ("page.incidents_n_weight", {"weight": weight})
        parts.append(say(code, language, n=counted, **{key: text_in(v, language) for key, v in of.items()}))
    return " · ".join(str(part) for part in parts if part)


def _head(run: RunFolder, entry: Entry | None, layer: Entry | None, language: str) -> list[tuple[str, str]]:
    w, head = words_in(language), run.head
    counted = _counted(run, layer)
    lines = [
        (w("period"), (entry or {}).get("period") or head.get("period")),
        (_column("incidents_used", layer, language), None if counted is None else number(counted, 0, language)),
        (w("source"), head.get("source")),
        (w("approval"), head.get("approval")),
        (w("audience"), w(f"audience.{run.audience}.on_paper")),
    ]
    return [(label, str(text)) for label, text in lines if text]


def _column(key: str, layer: Entry | None, language: str) -> str:
    """What a number is called; a count, where incidents are weighed, after what is summed."""
    weight = (layer or {}).get("weight") if key in ("count", "incidents_used") else None
    return words_in(language)(key) if weight is None else text_in(weight, language)


def _answers(run: RunFolder, entry: Entry | None, layer: Entry | None, language: str) -> list[Answer]:
    """Where, how sure, what changed, what next: as the page answers them."""
    given = (layer or {}).get("answers") or {}
    found = []
    for question in QUESTIONS:
        if question in given:
            headline, detail = (text_in(v, language) for v in given[question])
            found.append(Answer(say(f"paper.ask_{question}", language), headline, detail))
    if found or entry is None:
        return found
    lines = _lines_of(run, entry["step"], language)
    return [Answer(say("paper.ask_where", language), lines[0], " ".join(lines[1:2]))] if lines else []


def _map(run: RunFolder, layer: Entry | None, outlines: ZoneOutlines | None, language: str) -> Picture | None:
    frame = run.table(layer["file"]) if layer is not None and outlines is not None else pd.DataFrame()
    if layer is None or outlines is None or not len(frame) or "geometry" not in frame:
        return None
    caption = text_in(layer["name"], language)
    if layer["ranked"]:
        caption = say("paper.label", language, label=caption, text=say("paper.map_numbers", language))
    return _drawn(theme_map, layer, frame, outlines, language=language, caption=caption)


def _drawn(draw: Any, *given: Any, language: str, caption: str) -> Picture:
    """A picture that is drawn when it is wanted, and can be in another size: a slide takes only its own."""

    def again(width_in: float, tallest: float, least_pt: float) -> tuple[bytes, float] | None:
        size = {"width_in": width_in, "tallest": tallest, "type_pt": least_pt, "least_pt": least_pt}
        return draw(*given, language=language, **size)

    return Picture(lambda: draw(*given, language=language), caption, again)


def _mind(run: RunFolder, language: str, limits: Sequence[str]) -> list[str]:
    """What to keep in mind while the first page is on the table."""
    facts = [f for f in run.facts if f.kind in ("no_claim", "few_expected", "vague_times", "outside")]
    chosen = [say(SELECTION, language)] if SELECTION in limits else []
    return [*chosen, *sentences(facts[:2], language)]


def _claims(run: RunFolder, entry: Entry | None, language: str) -> list[str]:
    """What the first result claims and against what; or that it claims nothing."""
    of_it = [f for f in run.facts if entry is not None and f.step == entry["step"] and f.kind not in IN_THE_ANNEX]
    return sentences([f for f in of_it if "null" in f.values or f.kind in ("no_claim", "few_expected")], language)


def first_places(briefing: Briefing, rows: int) -> Section:
    """The places with so many rows of their table, and a note of what was cut."""
    places, w = briefing.places, words_in(briefing.language)
    if places.table is None or len(places.table.rows) <= rows:
        return places
    total = len(places.whole.rows if places.whole is not None else places.table.rows)
    replaced = w("first_rows", shown=MOST_ROWS, total=total)
    cut = w("first_rows", shown=rows, total=total) if rows else w("no_places", total=total)
    notes = [cut, *(note for note in places.notes if note != replaced)]
    return replace(places, table=places.table.head(rows) if rows else None, notes=notes)


def note_of_cut(table: Table | None, rows: int, note: str, language: str) -> str:
    """What stands under a table of which so many rows are shown: where some are left out, how many of how many."""
    if table is None or len(table.rows) <= rows:
        return note
    cut = words_in(language)("first_of", shown=rows, total=len(table.rows))
    return say("paper.two_notes", language, first=cut, second=note)


def first_kinds(briefing: Briefing) -> tuple[Table | None, str]:
    """The kinds that a page holds, and the note below them, with what was cut."""
    kinds, w = briefing.kinds, words_in(briefing.language)
    if kinds is None or len(kinds.rows) <= MOST_KINDS:
        return kinds, briefing.kinds_note
    cut = w("first_rows", shown=MOST_KINDS, total=len(kinds.rows))
    return kinds.head(MOST_KINDS), say("paper.two_notes", briefing.language, first=cut, second=briefing.kinds_note)


def notes_of_one_page(briefing: Briefing) -> list[str]:
    """What a page on its own may not leave out: each sentence once."""
    return list(dict.fromkeys([*briefing.claims, *briefing.mind, *briefing.limits]))


def _places(
    run: RunFolder, entry: Entry | None, layer: Entry | None, outlines: ZoneOutlines | None, language: str
) -> Section:
    """The second page: the ranked places in a table and one by one on small maps."""
    w = words_in(language)
    if entry is None or layer is None:
        return Section(w("places"), notes=[w("no_rows")])
    frame, ranked = run.table(layer["file"]), layer["ranked"]
    notes = []
    if len(ranked) > MOST_ROWS:
        notes.append(w("first_rows", shown=MOST_ROWS, total=len(ranked)))
    notes += [] if layer["tested"] or layer["what"] != "cells" else [w("amounts")]
    notes += [w("interval_of_one")] if any("change_low" in row["values"] for row in ranked) else []
    notes += [] if ranked else [w("no_rows")]
    picture = None
    if outlines is not None and "geometry" in frame and has_places(layer, frame):
        picture = _drawn(place_maps, layer, frame, outlines, language=language, caption=w("place_maps"))
    dates = _before_dates(run, entry)
    whole = ranked_table(layer, language, dates) if ranked else None
    table = page_table(layer, language, dates) if ranked else None
    code = "paper.places_of" if layer.get("weight") is None else "paper.places_of_sums"
    name = _name(entry, language, layer)
    heading = say(code, language, n=min(len(ranked), MOST_ROWS), name=name) if ranked else name
    hours = [f for f in run.facts if f.kind in TIMES.values() and f.values.get("name") == entry.get("category")]
    lines = _lines_of(run, entry["step"], language) + sentences(hours, language)
    return Section(heading, lines, picture, table, whole, notes)


def _periods(run: RunFolder, lead: Entry | None, outlines: ZoneOutlines | None, language: str) -> Picture | None:
    """Two maps of the first comparison, of the lead's kind where there is one."""
    found = [e for e in run.results if {"before", "after"} <= set(e.get("columns", ())) or
             {"count_before", "count_after"} <= set(e.get("columns", ()))]  # fmt: skip
    found.sort(key=lambda e: lead is None or e.get("category") != lead.get("category"))
    if outlines is None or not found or not found[0]["layers"]:
        return None
    entry = found[0]
    frame = run.table(entry["layers"][0]["file"])
    if "geometry" not in frame:
        return None
    columns = [next(c for c in (f"count_{end}", end) if c in frame) for end in ("before", "after")]
    spans = [_one_period(entry["params"].get(end)) for end in ("before", "after")]
    counts = [say("paper.incidents", language, n=round(float(frame[c].sum()))) for c in columns]
    titles = [say("paper.label", language, label=span, text=n) for span, n in zip(spans, counts, strict=True)]
    name = _name(entry, language, entry["layers"][0])
    return _drawn(period_maps, frame, outlines, titles, language=language, caption=name)


def _one_period(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return str(value[0]) if len(value) == 1 else f"{value[0]} – {value[-1]}" if value else "–"
    return str(value)


def _others(run: RunFolder, lead: Entry | None, language: str) -> list[Section]:
    """The other results, a few sentences each, with the names of their first places."""
    found = []
    for entry in run.results:
        if (lead is not None and entry["step"] == lead["step"]) or entry["method"] in GOVERNED:
            continue
        layer = entry["layers"][0] if entry["layers"] else None
        facts = [f for f in run.facts if f.step == entry["step"] and f.kind not in IN_THE_ANNEX]
        lines = sentences(facts, language)[:MOST_LINES]
        names = [text_in(row["name"], language) for row in layer["ranked"][:5]] if layer else []
        names = [f"{i} {name}" for i, name in enumerate(names, start=1) if name]
        notes = [say("paper.first_places", language, names=names)] if names and layer and layer["tested"] else []
        if lines or notes:
            found.append(Section(_name(entry, language, layer), lines, notes=notes))
    return found


def _facts(run: RunFolder, language: str) -> list[tuple[str, str]]:
    """The last lines of the last page: what made this paper, and how to check it."""
    w, manifest = words_in(language), run.manifest
    grid = run.head.get("grid") or {}
    settings = ", ".join(f"{k} {v}" for k, v in grid.items() if v is not None)
    versions = ", ".join(f"{k} {v}" for k, v in (manifest.get("versions") or {}).items())
    lines = [
        (w("run_id"), run.run_id),
        (w("written"), run.written.replace("T", " ").replace("+00:00", " UTC")),
        (w("grid"), f"{settings}; {number(run.head.get('cells'), 0, language)} {w('cells')}"),
        (w("versions"), versions),
        (w("source"), run.head.get("source")),
        (w("left_out"), ", ".join(run.left_out)),
        (w("check"), "gridmap verify · gridmap replay run.json"),
    ]
    return [(label, str(text)) for label, text in lines if text]


def _lines_of(run: RunFolder, step: int, language: str) -> list[str]:
    return sentences([f for f in run.facts if f.step == step], language)


def _name(entry: Entry, language: str, layer: Entry | None = None) -> str:
    if layer is not None:
        return text_in(layer["name"], language)
    return entry.get("name") or method_name(entry["method"], language)


def _section(
    run: RunFolder, entry: Entry, layer: Entry, outlines: ZoneOutlines | None, language: str, *, first: bool
) -> Section:
    """One result on a page of the annex; one that found nothing takes no map."""
    w = words_in(language)
    frame, ranked = run.table(layer["file"]), layer["ranked"]
    picture, heading = None, _name(entry, language, layer)
    shown_at_all = bool(ranked) or not layer["tested"]
    if outlines is not None and shown_at_all and len(frame) and "geometry" in frame:
        drawn = theme_map(layer, frame, outlines, language=language)
        caption = say("paper.label", language, label=heading, text=w("map_numbers")) if ranked else heading
        picture = Picture.of(*drawn, caption)
    notes = []
    if len(ranked) > MOST_ROWS:
        notes.append(w("first_rows", shown=MOST_ROWS, total=len(ranked)))
    if not layer["tested"] and layer["what"] == "cells":
        notes.append(w("amounts"))
    if not ranked:
        notes.append(w("no_rows"))
    lines = _lines_of(run, entry["step"], language) if first else []
    dates = _before_dates(run, entry)
    page = page_table(layer, language, dates) if ranked else None
    whole = ranked_table(layer, language, dates) if ranked else None
    return Section(heading, lines, picture, page, whole, notes)


def _methods(run: RunFolder, language: str) -> list[Method]:
    """Results that were made alike, each method in two sentences, its settings and notes."""
    found = []
    for method in dict.fromkeys(entry["method"] for entry in run.results):
        entries = [entry for entry in run.results if entry["method"] == method]
        names = [_name(entry, language, entry["layers"][0] if entry["layers"] else None) for entry in entries]
        joined = say("messages.list_separator", language).join(dict.fromkeys(names))
        code = f"method.{method}.explains"
        explains = say(code, language) if known(code) else ""
        notes = [text_in(note, language) for entry in entries for note in entry.get("notes", ())]
        found.append(Method(joined, explains, _settings(entries, language), list(dict.fromkeys(notes))))
    return found


def _settings(entries: Sequence[Entry], language: str) -> list[tuple[str, str]]:
    """Settings by name; where the results of a method differ in one, all its values."""
    found = [k for entry in entries for k, v in entry["params"].items() if v is not None]
    names = dict.fromkeys(k for k in found if not k.startswith("total_ratio"))  # a number found, not a setting
    values = {k: [_setting(e["params"][k], language) for e in entries if e["params"].get(k) is not None] for k in names}
    return [(name, " / ".join(dict.fromkeys(each))) for name, each in values.items()]


def _setting(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value, 4, language)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_setting(v, language) for v in value)
    return str(value)[:200]


#: The numbers that a page shows, in this order; the others stand in the workbook.
ON_A_PAGE = (
    *("count", "share", "area_km2", "count_before", "count_after", "difference", "ratio", "rate", "intensity"),
    *("stability", "cells"),
)
#: The order in which numbers stand in a ranked table; a page shows the first of those there are.
ORDER = (
    *("count", "count_before", "count_after", "difference", "ratio", "rate", "intensity", "stability", "q_value"),
    *("p_value", "area_km2", "cells", "z_score", "expected", "expected_even"),
)


def _number(key: str, value: Any, language: str) -> Cell:
    return Cell("" if value is None else shown(key, value, language), value)


def ranked_table(layer: Mapping[str, Any], language: str, dates: Mapping[str, str] | None = None) -> Table:
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
    columns += [Column(k, _dated(_column(k, layer, language), (dates or {}).get(k))) for k in keys]
    rows = []
    for row in ranked:
        cells = [
            Cell(str(row["rank"]), row["rank"]),
            Cell(text_in(row["name"], language) or f"{w('place')} {row['rank']}"),
        ]
        cells += [Cell(_label(row.get("label"), language))] if labels else []
        rows.append(tuple(cells + [_number(k, row["values"].get(k), language) for k in keys]))
    return Table(tuple(columns), tuple(rows))


def _dated(heading: str, dates: str | None) -> str:
    """前期 2023-06: a heading of an earlier or a later count with its dates."""
    return f"{heading} {dates}" if dates else heading


def _before_dates(run: RunFolder, entry: Entry) -> dict[str, str]:
    """`count_before` and `count_after` → their periods: of the comparison, or of the one that the places took."""
    named = [e for e in run.results if e["params"].get("before") and e["params"].get("after")]
    own = [e for e in named if e["step"] == entry["step"]]
    alike = [e for e in named if e.get("category") == entry.get("category")]
    spans = {tuple(_one_period(e["params"][end]) for end in ("before", "after")) for e in own or alike}
    if len(spans) != 1:  # several comparisons: which of them the places took is not recorded
        return {}
    before, after = spans.pop()
    return {"count_before": before, "count_after": after}


def _label(label: Any, language: str) -> str:
    return text_in(label, language)


def page_table(layer: Mapping[str, Any], language: str, dates: Mapping[str, str] | None = None) -> Table:
    """The first ten rows of a ranked table in the columns that a meeting reads; all columns stand in the workbook."""
    w, ranked = words_in(language), layer["ranked"]
    there = {key for row in ranked for key in row["values"]}
    keys = [key for key in ON_A_PAGE if key in there]
    if "share" in keys or "change_low" in there:  # then what is now, what was, and the interval of the change
        keys = [key for key in keys if key not in ("ratio", "difference", "count_after", "cells")]
    several = {row.get("district") for row in ranked if row.get("district")}
    columns = [Column("rank", w("rank")), Column("name", w("place"), wide=True)]
    columns += [Column("district", w("district"), wide=True)] if len(several) > 1 else []
    columns += [Column(key, _dated(_column(key, layer, language), (dates or {}).get(key))) for key in keys]
    if "change_low" in there:
        at = next((i for i, c in enumerate(columns) if c.key == "stability"), len(columns))
        columns.insert(at, Column("change_interval", w("change_interval")))
    rows = []
    for row in ranked[:MOST_ROWS]:
        values = row["values"]
        made = {
            "rank": Cell(str(row["rank"]), row["rank"]),
            "name": Cell(text_in(row["name"], language) or f"{w('place')} {row['rank']}"),
            "district": Cell(str(row.get("district") or "–")),
            "change_interval": Cell(_ratio_interval(values, language)),
        }
        rows.append(tuple(made.get(c.key) or _number(c.key, values.get(c.key), language) for c in columns))
    return Table(tuple(columns), tuple(rows)).head(MOST_ROWS, most_columns=MOST_COLUMNS)


def _ratio_interval(values: Mapping[str, Any], language: str) -> str:
    """After over before with its interval, as in ×1.6 (0.9–2.9)."""
    ratio, low, high = (values.get(f"change_{key}") for key in ("ratio", "low", "high"))
    if ratio is None or low is None or high is None or not np.isfinite([ratio, low, high]).all():
        return "–"
    return f"×{number(ratio, 1, language)} ({number(low, 1, language)}–{number(high, 1, language)})"


def kinds_table(run: RunFolder, language: str) -> Table | None:
    """Every kind of incident, this period against earlier ones, with the interval of each change."""
    frame = run.table("kinds.parquet")
    return _changes_table(frame, "category", "category", language) if len(frame) else None


def areas_table(run: RunFolder, language: str) -> Table | None:
    """Every district or station, likewise; all kinds of the run together."""
    frame = run.table("areas.parquet")
    if not len(frame):
        return None
    return _changes_table(frame[frame["category"].isna()], "area_id", "name", language)


def areas_by_kind_table(run: RunFolder, language: str) -> Table | None:
    """Kinds of each district or station against earlier periods, for the workbook; None where there is one kind."""
    frame = run.table("areas.parquet")
    if not len(frame) or frame["category"].nunique() < 2:
        return None
    frame = frame[frame["category"].notna()]
    parts = []
    for _, part in frame.groupby("area_id", sort=False):
        table = _changes_table(part, "category", "category", language)
        name = Cell(str(part["name"].iloc[0]))
        parts.append(Table((Column("name", words_in(language)("area_above"), wide=True), *table.columns),
                           tuple((name, *row) for row in table.rows)))  # fmt: skip
    against = list(dict.fromkeys(frame["against"]))
    same = [t for t in parts if len(t.columns) == 3 + 3 * len(against)]
    return Table(same[0].columns, tuple(row for t in same for row in t.rows)) if same else None


def _changes_table(frame: pd.DataFrame, key: str, name: str, language: str) -> Table:
    """A row for each value of `key`, called as `name` says, with its change against each earlier period."""
    w = words_in(language)
    now, against = frame["period"].iloc[0], list(dict.fromkeys(frame["against"]))
    title = w("category") if key == "category" else w("area_above")
    columns = [Column(name, title, wide=True), Column("count", _span(str(now), language))]
    for period in against:
        columns += [
            Column("count", _span(str(period), language)),
            Column("percent", w("change")),
            Column("interval", w("interval_95")),
        ]
    rows = []
    for _, part in frame.groupby(key, sort=False):
        by = {row.against: row for row in part.itertuples()}
        cells = [Cell(str(part[name].iloc[0])), _number("count", int(part["count_after"].iloc[0]), language)]
        for period in against:
            cells += _change_cells(by.get(period), language)
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def _span(period: str, language: str) -> str:
    """A period as the head of a narrow column: of days in one year, the year once."""
    first, _, last = period.partition("/")
    if not last:
        return period
    return say("paper.from_to", language, low=first, high=last[5:] if first[:4] == last[:4] else last)


def _areas_note(run: RunFolder, language: str) -> str:
    """Which kinds are counted, and what the intervals of the areas allow for."""
    frame = run.table("areas.parquet")
    if not len(frame):
        return ""
    kinds = list(dict.fromkeys(frame["category"].dropna()))
    counted = say("paper.areas_count", language, kinds=kinds[:MOST_KINDS])
    varying = _varying_note(frame[frame["category"].isna()], language)
    return say("paper.two_notes", language, first=counted, second=varying)


def _varying_note(frame: pd.DataFrame, language: str) -> str:
    """What the intervals of a table of changes allow for."""
    extra = frame["extra_variation"].dropna() if "extra_variation" in frame else pd.Series(dtype=float)
    if not len(extra):
        return say("paper.kinds_counting", language) if len(frame) else ""
    return say("paper.kinds_varying", language, low=float(extra.min()), high=float(extra.max()))


def _change_cells(row: Any, language: str) -> list[Cell]:
    if row is None:
        return [Cell("–")] * 3
    change = signed_percent(row.change, language)
    ends = [signed_percent(v, language) for v in (row.change_low, row.change_high)]
    interval = say("paper.from_to", language, low=ends[0], high=ends[1]) if np.isfinite(row.change) else "–"
    known_change = float(row.change) if np.isfinite(row.change) else None
    return [_number("count", int(row.count_before), language), Cell(change, known_change), Cell(interval)]


def signed_percent(share: Any, language: str = "en") -> str:
    """A change as a share, with its sign.

    Examples
    --------
    >>> signed_percent(-0.0749), signed_percent(0.052), signed_percent(float("nan"))
    ('−7 %', '+5 %', '–')
    """
    if share is None or not np.isfinite(share):
        return "–"
    size = percent(abs(share), language)
    return ("+" if share > 0 else "−" if share < 0 else "±") + size


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
        cells = [Cell(text_in(row.name, language) or "–")] + ([Cell(names[row.step])] if several else [])
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
    for file, why, n in zip(frame["file"], frame["reason"], frame["rows"].astype(int).tolist(), strict=True):
        code = f"set_aside_reason.{str(why).replace(' ', '_')}"
        reason = Cell(say(code, language) if known(code) else str(why))
        rows.append((Cell(str(file)), reason, Cell(number(n, 0), n)))
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
    if key in ("stability", "share", "area_share"):
        small = key != "stability" and value < 0.0995
        return say("paper.percent", language, n=number(100 * value, 1 if small else 0, language))
    if key == "ratio":
        return "×" + number(value, 1 if value < 10 else 0, language)
    return number(value, 1 if key == "z_score" else digits, language)
