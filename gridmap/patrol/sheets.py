"""The pocket sheet of a unit: A5, large type, stops with times, the way, and a QR code that a phone reads.

The code of a page holds that page's stops as a GPX route with their times; the track along the streets is in the GPX
file beside it.
"""

import math
import unicodedata
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import segno
import shapely
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from gridmap._fonts import families
from gridmap._io import xml_text
from gridmap.errors import OutputError
from gridmap.messages import Note, check_language, say
from gridmap.patrol.plan import PatrolPlan, clock, starts_of

__all__ = ["route_code", "write_sheets"]

#: Codes of the catalogue's `[sheet]` that stand on a sheet.
WORDS = ("unit", "shift", "arrive", "leave", "pause", "page", "note", "straight")
A5 = (5.83, 8.27)
ROWS = 16
#: A QR code of this many bytes is still read by a phone off a sheet of this size.
MOST_BYTES = 1_400


def route_code(plan: PatrolPlan, unit_id: str, shift: int, *, start: str = "08:00", orders=None) -> str:
    """Stops of a route as the shortest GPX that phones open, in at most 1,400 bytes; else empty.

    Parameters
    ----------
    plan : PatrolPlan
    unit_id : str
    shift : int
    start : str
        When the first shift starts, as HH:MM.
    orders : collection of int, optional
        Only the stops of these numbers, as one page of a sheet has them.

    Returns
    -------
    str
        With times where there is room for them (about 19 stops), else without.
    """
    begin = starts_of(plan, start)[shift]
    stops = plan.stops[(plan.stops["unit_id"] == unit_id) & (plan.stops["shift"] == shift)]
    stops = stops if orders is None else stops[stops["stop_order"].isin(orders)]
    for digits, timed in ((5, True), (5, False), (4, False)):
        points = "".join(
            f'<rtept lat="{s.geometry.y:.{digits}f}" lon="{s.geometry.x:.{digits}f}"'
            + (f"><name>{s.stop_order} {clock(s.arrive_s, begin)}</name></rtept>" if timed else "/>")
            for s in stops.itertuples()
        )
        text = f'<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><rte>{points}</rte></gpx>'
        if len(text.encode()) <= MOST_BYTES:
            return text
    return ""


def write_sheets(plan: PatrolPlan, path, *, start: str = "08:00", language: str = "en") -> Path:
    """One PDF with a sheet for every unit and shift.

    Parameters
    ----------
    plan : PatrolPlan
    path : str or Path
    start : str
        When the first shift starts, as HH:MM.
    language : str

    Returns
    -------
    Path

    Raises
    ------
    SettingError
        If the language is not known.
    OutputError
        If the file cannot be written.
    """
    check_language(language)
    path = Path(path)
    settings = {"font.family": families(language), "pdf.fonttype": 3}
    try:
        with (
            matplotlib.rc_context(settings),
            warnings.catch_warnings(),
            PdfPages(path, metadata={"CreationDate": None}) as book,
        ):
            warnings.filterwarnings("ignore", message="Glyph")  # a sign that the font lacks prints as a box
            for route in plan.routes.itertuples():
                for page in _pages(plan, route, language, start):
                    book.savefig(page)
    except OSError as problem:
        raise OutputError(
            Note("patrol.cannot_write_sheets", path=str(path), problem=problem.strerror or str(problem))
        ) from None
    return path


def _pages(plan, route, language, start):
    words = {name: say(f"sheet.{name}", language) for name in WORDS}
    begin = starts_of(plan, start)[route.shift]
    stops = plan.stops[(plan.stops["unit_id"] == route.unit_id) & (plan.stops["shift"] == route.shift)]
    lines = [
        (str(s.stop_order), clock(s.arrive_s, begin), clock(s.leave_s, begin), str(s.place_id))
        for s in stops.itertuples()
    ]
    if np.isfinite(route.pause_start_s):
        paused = (
            "–",
            clock(route.pause_start_s, begin),
            clock(route.pause_start_s + route.pause_s, begin),
            words["pause"],
        )
        lines.insert(int((stops["arrive_s"] < route.pause_start_s).sum()), paused)
    count = math.ceil(len(lines) / ROWS)
    for number in range(count):
        figure = Figure(figsize=A5)
        figure.text(0.07, 0.945, f"{words['unit']}: {_safe(route.unit_id, 34)}", fontsize=17, weight="bold")
        head = f"{words['shift']} {route.shift}, {clock(route.start_s, begin)}–{clock(route.end_s, begin)}"
        figure.text(0.07, 0.915, head + (f", {words['page']} {number + 1}/{count}" if count > 1 else ""), fontsize=11)
        for x, name in ((0.15, "arrive"), (0.30, "leave")):
            figure.text(x, 0.885, words[name], fontsize=8, color="0.35")
        for i, (order, arrive, leave, place) in enumerate(lines[number * ROWS : (number + 1) * ROWS]):
            y = 0.857 - 0.0325 * i
            for x, text, weight in (
                (0.07, order, "bold"),
                (0.15, arrive, "bold"),
                (0.30, leave, "normal"),
                (0.45, _safe(place, 34), "normal"),
            ):
                figure.text(x, y, text, fontsize=13, weight=weight)
        orders = {int(line[0]) for line in lines[number * ROWS : (number + 1) * ROWS] if line[0].isdigit()}
        _map(figure, route, stops, orders)
        _code(figure, route_code(plan, route.unit_id, route.shift, start=start, orders=orders))
        straight = any(getattr(note, "code", "") == "patrol.straight_lines" for note in plan.notes)
        if straight:
            figure.text(0.07, 0.04, words["straight"].strip(), fontsize=8)
        figure.text(0.07, 0.02, words["note"], fontsize=8)
        yield figure


def _map(figure, route, stops, orders):
    """The way, with the stops of this page numbered and the others as dots."""
    axes = figure.add_axes((0.06, 0.06, 0.5, 0.26))
    xy = shapely.get_coordinates(route.geometry)
    axes.plot(*xy.T, color="#4575B5", linewidth=1.2)
    here = stops[stops["stop_order"].isin(orders)]
    axes.scatter(stops.geometry.x, stops.geometry.y, s=9, color="#9AA5B1", zorder=3)
    axes.scatter(here.geometry.x, here.geometry.y, s=14, color="#D62F27", zorder=4)
    seen = {}
    for s in here.itertuples():
        seen.setdefault((s.geometry.x, s.geometry.y), []).append(str(s.stop_order))
    for (x, y), orders in seen.items():
        axes.annotate(",".join(orders), (x, y), xytext=(3, 3), textcoords="offset points", fontsize=7)
    axes.set_aspect(1 / max(0.1, math.cos(math.radians(float(xy[:, 1].mean())))), adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])


def _code(figure, text):
    if not text:
        return
    modules = np.array([list(row) for row in segno.make(text, error="l", micro=False).matrix])
    axes = figure.add_axes((0.60, 0.06, 0.36, 0.26))
    axes.imshow(np.pad(modules == 0, 4, constant_values=True), cmap="gray", interpolation="nearest")
    axes.set_axis_off()


def _safe(text, most) -> str:
    """As much of a text as fits (Chinese characters count two), with no sign that matplotlib reads as mathematics."""
    text = xml_text(text)
    wide = np.cumsum([1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text])
    if len(text) and wide[-1] > most:
        text = text[: int(np.searchsorted(wide, most - 1, side="right"))] + "…"
    return text.replace("$", r"\$")
