"""The quality report as a page of text, as HTML, and as a proposed pipeline file."""

import math
import os
import unicodedata
from pathlib import Path

import h3
import jinja2
import yaml

from gridmap.messages import Note
from gridmap.messages.catalogue import known
from gridmap.read.row_conversion import REASONS

__all__ = ["as_html", "as_pipeline", "as_text", "propose_resolution"]


def say(note, language: str, **values) -> str:
    """A note, a code of `[read]` or a plain text in a language."""
    return note.say(language) if hasattr(note, "say") else Note(f"read.{note}", **values).say(language)


def word(key: str, language: str) -> str:
    """What a key of the report's data is called on the page."""
    return say(f"word_{key.replace(' ', '_')}", language) if known(f"read.word_{key.replace(' ', '_')}") else key


COUNTED = (
    "missing",
    "not_numbers",
    "zero",
    "swapped",
    "sign_lost",
    "outside_range",
    "outside_boundaries",
    "rounded_to_3_decimals",
)


def as_text(report, language: str = "en") -> str:
    """Plain text, one page, in a language."""
    r = report

    def _(note, **values) -> str:
        return say(note, language, **values)

    separator = _(Note("messages.list_separator"))
    lines = [_("page_rows", file=r.file, rows=r.rows, used=r.used, aside=r.rows - r.used)]
    layout = separator.join(f"{word(k, language)} {v!r}" for k, v in r.layout.items() if v is not None)
    lines += ["  " + _("page_layout", layout=layout)] if layout else []
    lines.append("  " + _(f"page_located_{'pass' if r.located_share >= 0.85 else 'fail'}", share=r.located_share))
    if r.problems:
        lines += ["", _("page_problems")] + [f"  ! {_(p)}" for p in r.problems]
    lines += ["", _("page_columns"), *_column_lines(r, language)]
    lines += _time_lines(r, language) if r.times else []
    if r.coordinates:
        c = r.coordinates
        columns = separator.join(map(repr, c["columns"]))
        lines += ["", _("page_coordinates", columns=columns, datum=c["datum"])]
        lines.append("  " + separator.join(f"{word(k, language)} {c[k]:,}" for k in COUNTED if c.get(k) is not None))
        if top := c.get("most_on_one_place"):
            lines.append("  " + _("page_top_place", places=c["different_places"], **top))
    twice = separator.join(f"{word(k, language)} {v:,}" for k, v in r.duplicates.items())
    lines += ["", _("page_duplicates", counts=twice)]
    if r.personal:
        lines += ["", _("page_persons")] + [f"  {k}: {_(v)}" for k, v in r.personal.items()]
    if r.set_aside:
        lines += ["", _("page_aside")] + [
            f"  {n:>8,}  {k}: {_(REASONS[k])}{first_rows(r, k, language)}" for k, n in r.set_aside.items()
        ]
        lines += ["  " + _("page_rows_as_excel")] if r.as_spreadsheet else []
    lines.append("  " + _("page_sum", rows=r.rows, used=r.used, aside=r.rows - r.used))
    if r.notes:
        lines += ["", _("page_notes")] + [f"  {_(n)}" for n in r.notes]
    lines += ["", _("page_pipeline")] + [f"  {line}" for line in as_pipeline(r).splitlines()]
    return "\n".join(lines) + "\n"


def first_rows(report, reason: str, language: str) -> str:
    """Which rows a reason is about, in brackets: the first ones, as a spreadsheet numbers them."""
    rows = report.first_rows.get(reason)
    if not rows:
        return ""
    more = "page_first_rows_more" if report.set_aside[reason] > len(rows) else "page_first_rows"
    return say(more, language, rows=list(rows))


def _column_lines(report, language: str) -> list[str]:
    width = min(28, max((_width(c["name"]) for c in report.columns), default=4))
    lines = []
    for c in report.columns:
        role = say("page_dropped", language) if c["personal"] else c["role"] or "-"
        why = f"  {say(c['reason'], language)}" if c["reason"] else ""
        filled = say("page_filled", language, share=c["filled"])
        lines.append(f"  {_padded(c['name'], width)}  {_padded(role, 13)} {filled}{why}")
    return lines


def _time_lines(report, language: str) -> list[str]:
    t = report.times
    zone = t.get("timezone") or say("page_as_written", language)
    lengths = [f"{word(k, language)}: {v:,}" for k, v in t.get("lengths", {}).items()]
    return [
        "",
        say("page_times", language, column=t.get("column"), formats=time_formats(report, language)),
        "  " + say("page_span", language, first=t.get("first"), last=t.get("last"), timezone=zone),
        "  " + Note("messages.list_separator").say(language).join(lengths),
    ]


def time_formats(report, language: str) -> str:
    """The formats of the time column, as one text."""
    found = {k.replace(" ", "_"): n for k, n in report.times.get("formats", {}).items()}
    formats = [say("page_format", language, name=say(f"time_format.{k}", language), n=n) for k, n in found.items()]
    return Note("messages.list_separator").say(language).join(formats) or say("page_typed", language)


def _width(text: str) -> int:
    """Columns a text takes in a terminal: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[:-1]
    return text + " " * (width - _width(text))


def as_html(report, language: str = "en") -> str:
    """One HTML page that loads nothing, in a language."""
    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    months = report.charts.get("months", {})
    hours = report.charts.get("hours", [])
    cloud = report.charts.get("cloud", [])
    most = max((max(row) for row in cloud), default=0)
    dots = [(x, y, math.log1p(n) / math.log1p(most)) for y, row in enumerate(cloud) for x, n in enumerate(row) if n]
    return environment.get_template("quality.html").render(
        r=report,
        language=language,
        say=lambda note, **values: say(note, language, **values),
        word=lambda key: word(key, language),
        formats=time_formats(report, language) if report.times else "",
        reasons=REASONS,
        first_rows=lambda reason: first_rows(report, reason, language),
        months=_bars(dict(list(months.items())[-60:])),
        hours=_bars({f"{h}": n for h, n in enumerate(hours)}),
        categories=_bars(report.categories),
        dots=dots,
        size=len(cloud),
        pipeline=as_pipeline(report),
    )


def _bars(counts: dict) -> list:
    most = max(counts.values(), default=0) or 1
    return [(label, n, n / most) for label, n in counts.items()]


def propose_resolution(incidents: int, area_km2: float) -> int:
    """The finest H3 resolution at which cells do not mostly stand empty: about one incident for two cells.

    Examples
    --------
    >>> propose_resolution(2000, 2029.0)
    8
    """
    best = 5
    for resolution in range(5, 12):
        if incidents / max(area_km2 / h3.average_hexagon_area(resolution, unit="km^2"), 1) >= 0.5:
            best = resolution
    return best


def as_pipeline(report) -> str:
    """A pipeline file for this data: what was found is filled in, what was not is a name to replace."""
    settings = dict(report.settings)
    path = settings.pop("path")
    incidents = {"path": os.fspath(path)}
    category, count = next(iter(report.categories.items()), (None, report.used))
    if category is not None:
        incidents["category"] = category
    incidents |= {k: v for k, v in settings.items() if k != "boundaries"}
    west, south, east, north = report.coordinates.get("extent", (0, 0, 0.1, 0.1))
    area = (east - west) * (north - south) * 111.2**2 * math.cos(math.radians((south + north) / 2))
    resolution = propose_resolution(count, area)
    chinese = any("\u4e00" <= ch <= "\u9fff" for c in report.columns for ch in c["name"])
    language = "zh" if chinese else "en"
    first, last = ((report.times.get(end) or "")[:7] for end in ("first", "last"))
    title = category or say("page_all_kinds", language)
    if first and last:
        title = say("page_pipeline_title", language, kind=title, first=first, last=last)

    def flow(value) -> str:
        return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000).strip()

    smallest = max(5, min(15, count // 100))
    unsure_datum = any(getattr(p, "code", "") in ("read.datum_alike", "read.datum_not_given") for p in report.problems)
    lines = [
        f"title: {flow(title).removesuffix('...').strip()}",
        f"language: {language}",
        f"boundaries: {flow({'path': os.fspath(settings.get('boundaries', 'BOUNDARIES.geojson'))})}"
        + ("" if "boundaries" in settings else f"   # {say('zone_file_line', language)}"),
        f"grid: {flow({'system': 'h3', 'resolution': resolution})}",
        f"incidents: {flow(incidents)}" + (f"   # {say('page_which_datum', language)}" if unsure_datum else ""),
        "hotspots:",
        "  - hotspot_test: {order: 1, fdr: 0.05}",
        f"  - hdbscan: {{min_cluster_size: {smallest}}}",
        "outputs: {map: map.html, layers: layers.gpkg}",
    ]
    return "\n".join(lines) + "\n"
