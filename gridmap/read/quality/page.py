"""The quality report as a page of text, as HTML, and as a proposed pipeline file."""

import math
import os
import unicodedata
from pathlib import Path

import h3
import jinja2
import yaml

from gridmap.read.convert import REASONS

__all__ = ["as_html", "as_pipeline", "as_text", "propose_resolution"]


def as_text(report) -> str:
    """Plain text, one page."""
    r = report
    lines = [f"{r.file}: {r.rows:,} rows, {r.used:,} can be used, {r.rows - r.used:,} would be set aside"]
    layout = ", ".join(f"{k.replace('_', ' ')} {v!r}" for k, v in r.layout.items() if v is not None)
    lines += [f"  layout: {layout}"] if layout else []
    verdict = "passes" if r.located_share >= 0.85 else "does not pass"
    lines.append(f"  located: {r.located_share:.1%}, which {verdict} the 85 % rule of thumb")
    if r.problems:
        lines += ["", "What to look at"] + [f"  ! {p}" for p in r.problems]
    lines += ["", "Columns"]
    width = min(28, max((_width(c["name"]) for c in r.columns), default=4))
    for c in r.columns:
        role = "DROPPED" if c["personal"] else c["role"] or "-"
        why = f"  {c['reason']}" if c["reason"] else ""
        lines.append(f"  {_padded(c['name'], width)}  {role:<13} {c['filled']:>4.0%} filled{why}")
    if r.times:
        t = r.times
        formats = ", ".join(f"{k} ({v:,} different)" for k, v in t.get("formats", {}).items()) or "typed"
        lines += [
            "",
            f"Times in {t.get('column')!r}: {formats}",
            f"  from {t.get('first')} to {t.get('last')}; time zone {t.get('timezone') or 'as written'}",
        ]
        lines.append("  " + ", ".join(f"{k}: {v:,}" for k, v in t.get("lengths", {}).items()))
    if r.coordinates:
        c = r.coordinates
        counted = (
            "missing",
            "not_numbers",
            "zero",
            "swapped",
            "sign_lost",
            "outside_range",
            "outside_boundaries",
            "rounded_to_3_decimals",
        )
        lines += ["", f"Coordinates in {', '.join(map(repr, c['columns']))}, {c['datum']}"]
        lines.append("  " + ", ".join(f"{k.replace('_', ' ')} {c[k]:,}" for k in counted if c.get(k) is not None))
        if top := c.get("most_on_one_place"):
            lines.append(
                f"  {c['different_places']:,} different places; most on one: {top['rows']:,} rows ({top['share']:.1%}) "
                f"at {top['lon']:.5f}, {top['lat']:.5f}"
            )
    lines += ["", "Duplicates: " + ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in r.duplicates.items())]
    if r.personal:
        lines += ["", "Dropped, because they are about persons"] + [f"  {k}: {v}" for k, v in r.personal.items()]
    if r.set_aside:
        lines += ["", "Would be set aside"] + [f"  {n:>8,}  {k}: {REASONS[k]}" for k, n in r.set_aside.items()]
    lines.append(f"  {r.rows:,} rows = {r.used:,} used + {r.rows - r.used:,} set aside")
    if r.notes:
        lines += ["", "Notes"] + [f"  {n}" for n in r.notes]
    return "\n".join(lines) + "\n"


def _width(text: str) -> int:
    """Columns a text takes in a terminal: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[:-1]
    return text + " " * (width - _width(text))


def as_html(report) -> str:
    """One HTML page that loads nothing."""
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
        reasons=REASONS,
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
    title = (
        f"{category or 'Incidents'}, {(report.times.get('first') or '')[:7]} to {(report.times.get('last') or '')[:7]}"
    )

    def flow(value) -> str:
        return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000).strip()

    smallest = max(5, min(15, count // 100))
    lines = [
        f"title: {flow(title).removesuffix('...').strip()}",
        f"language: {'zh' if chinese else 'en'}",
        f"boundaries: {flow({'path': os.fspath(settings.get('boundaries', 'BOUNDARIES.geojson'))})}"
        + ("" if "boundaries" in settings else "   # the file of your zones"),
        f"grid: {flow({'system': 'h3', 'resolution': resolution})}",
        f"incidents: {flow(incidents)}",
        "hotspots:",
        "  - getis_ord: {order: 1, fdr: 0.05}",
        f"  - hdbscan: {{min_cluster_size: {smallest}}}",
        "outputs: {map: map.html, layers: layers.gpkg}",
    ]
    return "\n".join(lines) + "\n"
