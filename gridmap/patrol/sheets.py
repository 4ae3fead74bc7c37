"""The pocket sheet of a unit: A5, stops with times and corners, blanks to write in, the way, a QR code for the phone.

A post has a sheet of its own, to note who stood there from when to when.

The code of a page holds that page's stops as a GPX route with their times; the track along the streets is in the GPX
file beside it.
"""

import datetime as dt
import itertools
import math
import textwrap
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import segno
import shapely
from matplotlib import patheffects
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gridmap._fonts import drawing_style, families
from gridmap._io import xml_text
from gridmap.errors import OutputError
from gridmap.messages import WEEKDAYS, Note, check_language, say
from gridmap.patrol.plan import PatrolPlan, clock, days_of, starts_of
from gridmap.patrol.point_inputs import shown_id

__all__ = ["route_code", "write_sheets"]

A5 = (5.83, 8.27)
#: Left, bottom and width of the way's map; it is as high as the stops leave room for, within these bounds.
MAP, MAP_HIGH = (0.06, 0.06, 0.54), (0.25, 0.5)
#: Letters of the streets' names on it, and how many names it bears at most.
STREET_PT, MOST_STREETS = 6, 12
#: Stops on a page.
ROWS = 12
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


def write_sheets(
    plan: PatrolPlan, path, *, start: str = "08:00", date: str | dt.date | None = None, language: str = "en"
) -> Path:
    """One PDF with a sheet for every unit and shift, then one for every post and shift.

    Parameters
    ----------
    plan : PatrolPlan
    path : str or Path
    start : str
        When the first shift starts, as HH:MM.
    date : str or date, optional
        The day of the first shift, as 2026-11-30; without it there is a blank to write it in.
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
            drawing_style(settings),
            warnings.catch_warnings(),
            PdfPages(path, metadata={"CreationDate": None}) as book,
        ):
            warnings.filterwarnings("ignore", message="Glyph")  # a sign that the font lacks prints as a box
            paper = _Paper(plan, start, date, language)
            for route in plan.routes.itertuples():
                for page in paper.rounds(route):
                    book.savefig(page)
            for shift in range(1, plan.params["shifts"] + 1):
                for post in plan.posts[plan.posts["units"].map(len) > 0].itertuples():
                    book.savefig(paper.post(post, shift))
    except OSError as problem:
        raise OutputError(
            Note("patrol.cannot_write_sheets", path=str(path), problem=problem.strerror or str(problem))
        ) from None
    return path


#: Letters of a place's name that fit before the blanks at full size; and at the smallest that is still read in a car.
PLACE_WIDTH, MOST_PLACE = 25, 39


class _Paper:
    """The sheets of a plan in one language."""

    def __init__(self, plan, start, date, language):
        self.plan, self.start, self.language = plan, start, language
        self.begins, self.days = starts_of(plan, start), days_of(plan, start, date)
        self.straight = any(getattr(note, "code", "") == "patrol.straight_lines" for note in plan.notes)
        self.along = set(plan.places.loc[plan.places["street"].astype(bool), "place_id"]) if len(plan.places) else set()

    def word(self, name: str) -> str:
        return say(f"sheet.{name}", self.language)

    def rounds(self, route):
        """The pages of one unit's shift."""
        begin, plan = self.begins[route.shift], self.plan
        stops = plan.stops[(plan.stops["unit_id"] == route.unit_id) & (plan.stops["shift"] == route.shift)]
        lines = [self.line(stop, begin) for stop in stops.itertuples()]
        if np.isfinite(route.pause_start_s):
            seconds = (route.pause_start_s, route.pause_start_s + route.pause_s)
            paused = ("–", *(clock(second, begin) for second in seconds), self.word("pause"), "")
            lines.insert(int((stops["arrive_s"] < route.pause_start_s).sum()), paused)
        count = math.ceil(len(lines) / ROWS)
        for number in range(count):
            hours = f"{clock(route.start_s, begin)}–{clock(route.end_s, begin)}"
            pages = f", {self.word('page')} {number + 1}/{count}" if count > 1 else ""
            figure = self.head(
                f"{self.word('unit')}: {_safe(shown_id(route.unit_id, self.language), 30)}", route.shift, hours + pages
            )
            mine = lines[number * ROWS : (number + 1) * ROWS]
            self.table(figure, mine)
            orders = {int(line[0]) for line in mine if line[0].isdigit()}
            _map(figure, route, stops, orders, plan.streets, len(mine), self.language)
            _code(figure, route_code(plan, route.unit_id, route.shift, start=self.start, orders=orders))
            if self.straight:
                figure.text(0.07, 0.04, self.word("straight"), fontsize=7.5)
            figure.text(0.07, 0.02, self.word("note"), fontsize=7.5)
            yield figure

    def line(self, stop, begin) -> tuple[str, ...]:
        """Number, arrival, departure, name and corner of a stop."""
        corner = self.word("along") if stop.place_id in self.along else ""
        if stop.corner and stop.corner not in shown_id(stop.place_id, self.language):
            corner += (", " if corner else "") + f"{self.word('near')} {stop.corner}"
        times = (clock(second, begin) for second in (stop.arrive_s, stop.leave_s))
        return (str(stop.stop_order), *times, shown_id(stop.place_id, self.language), corner)

    def head(self, title: str, shift: int, hours: str) -> Figure:
        """A page with its heading: whose, which shift, and the day or a blank for it."""
        figure = Figure(figsize=A5)
        figure.text(0.07, 0.945, title, fontsize=16, weight="bold")
        figure.text(0.07, 0.917, f"{self.word('shift')} {shift}, {hours}", fontsize=10.5)
        day = self.days[shift]
        named = (
            "________"
            if day is None
            else f"{day:%Y-%m-%d} {say(f'weekday_short.{WEEKDAYS[day.weekday()]}', self.language)}"
        )
        figure.text(0.95, 0.917, f"{self.word('date')}: {named}", fontsize=10.5, ha="right")
        return figure

    def table(self, figure, lines):
        """The stops, with a blank for when the unit really came and left."""
        columns = {"arrive": 0.12, "leave": 0.22, "place": 0.33, "arrived": 0.76, "left": 0.87}
        for name, x in columns.items():
            figure.text(x, 0.890, self.word(name), fontsize=7.5, color="0.35")
        for i, (order, arrive, leave, place, corner) in enumerate(lines):
            y = 0.863 - 0.0445 * i
            for x, text, weight in ((0.07, order, "bold"), (0.12, arrive, "bold"), (0.22, leave, "normal")):
                figure.text(x, y, text, fontsize=11.5, weight=weight)
            size = 11.5 if _width(place) <= PLACE_WIDTH else max(7.5, 11.5 * PLACE_WIDTH / _width(place))
            figure.text(0.33, y, _safe(place, MOST_PLACE, end=4), fontsize=size)
            figure.text(0.33, y - 0.0165, _safe(corner, 54), fontsize=7, color="0.3")
            if order.isdigit():
                for x in (0.76, 0.87):
                    figure.add_artist(Line2D([x, x + 0.085], [y - 0.006] * 2, color="0.45", linewidth=0.6))

    def post(self, post, shift: int) -> Figure:
        """The sheet of a post in a shift: which units stand there, and lines to note who came and went."""
        begin = self.begins[shift]
        hours = f"{begin}–{clock(self.plan.params['shift_h'] * 3600, begin)}"
        figure = self.head(f"{self.word('post')}: {_safe(shown_id(post.post_id, self.language), 30)}", shift, hours)
        figure.text(0.07, 0.885, f"{self.word('officers')}: {post.assigned} / {post.staff}", fontsize=10.5)
        names = f"{self.word('units')}: " + ", ".join(shown_id(unit, self.language) for unit in post.units)
        for i, part in enumerate(textwrap.wrap(names, 58)[:4]):
            figure.text(0.07, 0.858 - 0.024 * i, _safe(part, 70), fontsize=10)
        for x, name in ((0.07, "unit"), (0.36, "arrived"), (0.51, "left"), (0.66, "remark")):
            figure.text(x, 0.745, self.word(name), fontsize=8, color="0.35")
        for i in range(15):
            y = 0.71 - 0.043 * i
            for x, end in ((0.07, 0.34), (0.36, 0.49), (0.51, 0.64), (0.66, 0.95)):
                figure.add_artist(Line2D([x, end], [y, y], color="0.45", linewidth=0.6))
        figure.text(0.07, 0.03, self.word("post_note"), fontsize=7.5)
        return figure


def _map(figure, route, stops, orders, streets, lines: int, language: str):
    """The way over the streets with their names, the stops of this page numbered and the others as dots."""
    tall = min(max(0.773 - 0.0445 * lines, MAP_HIGH[0]), MAP_HIGH[1])
    axes = figure.add_axes((*MAP, tall))
    xy = shapely.get_coordinates(route.geometry)
    shown = np.vstack([xy, shapely.get_coordinates(stops.geometry.to_numpy())])
    (west, south), (east, north) = shown.min(axis=0), shown.max(axis=0)
    stretch = max(0.1, math.cos(math.radians((south + north) / 2)))
    shape = MAP[2] * A5[0] / (tall * A5[1])  # width over height
    high = 0.62 * max(north - south, (east - west) * stretch / shape, 0.002)  # a little more than the way takes
    wide = high * shape / stretch
    middle = ((west + east) / 2, (south + north) / 2)
    if streets is not None:
        inside = streets.cx[middle[0] - wide : middle[0] + wide, middle[1] - high : middle[1] + high]
        drawn = [shapely.get_coordinates(part) for part in shapely.get_parts(inside.geometry.to_numpy())]
        axes.add_collection(LineCollection(drawn, colors="#C3CAD1", linewidths=0.6))
    axes.plot(*xy.T, color="#4575B5", linewidth=1.4)
    here = stops[stops["stop_order"].isin(orders)]
    axes.scatter(stops.geometry.x, stops.geometry.y, s=9, color="#9AA5B1", zorder=3)
    axes.scatter(here.geometry.x, here.geometry.y, s=14, color="#D62F27", zorder=4)
    seen: dict[tuple[float, float], list[str]] = {}
    for stop in here.itertuples():
        seen.setdefault((stop.geometry.x, stop.geometry.y), []).append(str(stop.stop_order))
    for (x, y), numbers in seen.items():
        axes.annotate(",".join(numbers), (x, y), xytext=(3, 3), textcoords="offset points", fontsize=7, weight="bold")
    axes.set_xlim(middle[0] - wide, middle[0] + wide)
    axes.set_ylim(middle[1] - high, middle[1] + high)
    axes.set_xticks([])
    axes.set_yticks([])
    if streets is not None and "name" in streets:
        _street_names(axes, inside, list(seen), stretch, language)


def _street_names(axes, streets, stops: list[tuple[float, float]], stretch: float, language: str) -> None:
    """Names along the longest straight pieces, each once, where neither a stop nor another name stands."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    place = axes.get_position()
    per_pt = (north - south) / (place.height * A5[1] * 72)  # degrees of latitude in a point
    pieces = []
    for name, line in zip(streets["name"], streets.geometry, strict=True):
        for part in shapely.get_parts(shapely.clip_by_rect(line, west, south, east, north)) if name else ():
            xy = shapely.get_coordinates(part) / per_pt * [stretch, 1.0]
            for a, b in itertools.pairwise(xy):
                pieces.append((float(np.hypot(*(b - a))), str(name), (a + b) / 2, b - a))
    taken = [np.array([x * stretch, y]) / per_pt for x, y in stops]
    style = {
        "fontsize": STREET_PT,
        "color": "#3F4854",
        "ha": "center",
        "va": "center",
        "fontfamily": families(language),
    }
    named: set[str] = set()
    for long, name, middle, way in sorted(pieces, key=lambda piece: -piece[0]):
        need = STREET_PT * (_width(name) * 0.55 + 1)
        apart = [np.hypot(*(middle - other)) for other in taken]
        if name in named or long < need or any(far < max(need * 0.6, 2 * STREET_PT) for far in apart):
            continue
        turn = (math.degrees(math.atan2(way[1], way[0])) + 90) % 180 - 90
        x, y = middle * per_pt / [stretch, 1.0]
        text = axes.text(x, y, _safe(name, 30), rotation=turn, zorder=2.5, clip_on=True, **style)
        text.set_path_effects([patheffects.withStroke(linewidth=1.6, foreground="white")])
        named.add(name)
        taken.append(middle)
        if len(named) == MOST_STREETS:
            return


def _code(figure, text):
    if not text:
        return
    modules = np.array([list(row) for row in segno.make(text, error="l", micro=False).matrix])
    axes = figure.add_axes((0.62, 0.06, 0.33, 0.25))
    axes.imshow(np.pad(modules == 0, 4, constant_values=True), cmap="gray", interpolation="nearest")
    axes.set_axis_off()


def _width(text) -> int:
    """The width of a text in Latin letters; Chinese characters count two."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in xml_text(text))


def _safe(text, most, end: int = 0) -> str:
    """As much of a text as fits, with no sign that matplotlib reads as mathematics.

    Of a text that is cut its last `end` letters are kept too: the number that tells two places of one name apart.
    """
    text = xml_text(text)
    if _width(text) > most:
        wide = np.cumsum([_width(letter) for letter in text])
        tail = text[len(text) - end :] if end else ""
        text = text[: int(np.searchsorted(wide, most - 1 - _width(tail), side="right"))] + "…" + tail
    return text.replace("$", r"\$")
