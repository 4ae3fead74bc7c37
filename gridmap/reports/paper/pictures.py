"""The pictures of a paper, from the folder of a run: the map of a theme, its places one by one, two periods, charts.

Colours and classes are those that the page drew (`class_code` beside each cell), so paper and page cannot differ. Cells
without evidence are left unfilled. The places that were cut out of tested ground are dark and numbered by the rank of
the table, the ground behind them is pale; places of an amount are outlined.
"""

import io
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from PIL import Image
from pyproj import CRS

from gridmap._fonts import families
from gridmap.errors import GridmapError
from gridmap.grids.hierarchy import zone_levels
from gridmap.maps.figure import draw_scale_bar
from gridmap.maps.legend_classes import breaks_of, codes_of
from gridmap.maps.palette import CONCENTRATED, amounts
from gridmap.messages import say
from gridmap.read.metric_projection import metric_crs
from gridmap.reports.charts import alt_text, concentration_chart, ranked_bars, trend_chart, weekday_hour_chart
from gridmap.reports.results_folder import RunFolder, text_in

__all__ = ["ZoneOutlines", "has_places", "period_maps", "picture_of", "place_maps", "run_charts", "theme_map"]

#: As many ranks are numbered on the map as stand in the table of a page.
MOST_NUMBERS = 10
#: Half the width of a rank's badge, in sizes of its type.
BADGE = 0.92
#: What marks the names among the texts of a map, and those that stay where they are.
NAME, FIXED_NAME = "name", "fixed name"
#: More names than this are a grey haze on paper; the level above is named instead.
MOST_NAMES = 30
INK, GREY, LAND, CORE, EDGE = "#111827", "#4B5563", "#FBFAF7", "#B10D1E", "#7F0F1E"
#: Dots on the colour of what is less than expected, so that it is nothing hot in grey either: many and few.
FRAME = "#0B2E6F"
DOTS, DOT_COLOUR = {True: "..", False: "."}, "#7F9CC9"
#: Cells whose areas differ by more than this share of their mean are coloured per km², never by their count.
UNEVEN = 0.25
#: An inset is drawn where so many ranks lie together in so small a part of the map.
LEAST_IN_INSET, INSET_SHARE = 3, 0.22
#: Concentration and ranked bars are drawn for so many results: the first ones of the list.
MOST_RESULTS = 2
#: Fewer months or days make no trend: two Julys are compared by a test, not by a line.
LEAST_PERIODS = 3


#: West, south, east, north of a window, in metres.
Box = tuple[float, float, float, float]


class ZoneOutlines:
    """Outlines and names of the zones for several maps, simplified and joined once.

    Parameters
    ----------
    zones : GeoDataFrame
        `zone_id, name, geometry` and the names of the levels above.
    """

    def __init__(self, zones: gpd.GeoDataFrame):
        self.zones = zones
        self.crs: CRS = metric_crs(tuple(zones.total_bounds))
        outlines = gpd.GeoSeries(zones.geometry.to_numpy(), crs=4326).to_crs(self.crs)
        west, _, east, _ = outlines.total_bounds
        self.fine = max(east - west, 1) / 1500
        self.thin = gpd.GeoSeries(shapely.coverage_simplify(outlines.to_numpy(), self.fine), crs=self.crs)
        named = zones["name"] if "name" in zones else pd.Series([None] * len(zones))
        self.names = [n if isinstance(n, str) else "" for n in named]
        self.middles = shapely.get_coordinates(shapely.point_on_surface(self.thin.to_numpy()))
        self.above: list[tuple[str, shapely.Geometry]] = self._above(outlines)

    def _above(self, outlines: gpd.GeoSeries) -> list[tuple[str, shapely.Geometry]]:
        """Name and outline of each part of the level that a map of the whole names."""
        if len(self.zones) <= MOST_NAMES:
            return list(zip(self.names, self.thin, strict=True))
        levels = [level for level in zone_levels(self.zones) if 1 < level["name"].nunique() <= MOST_NAMES]
        parts = outlines.groupby(levels[0]["name"].to_numpy()) if levels else ()
        # closed by a little, so that neighbours which do not quite meet leave no slivers
        f = self.fine
        return [(str(name), shapely.union_all(p.to_numpy()).buffer(f).buffer(-f).simplify(f)) for name, p in parts]

    def draw(self, ax: Axes, *, type_pt: float, language: str, fine: bool = False, box: Box | None = None) -> None:
        """The land, the outlines of the level above and its names; the zones themselves where `fine`.

        Of a window into the map, `box` (west, south, east, north in metres), what lies outside is left out.
        """
        land = self.thin.to_numpy()[_meeting(self.thin.to_numpy(), box)]
        _fill(ax, land, facecolor=LAND, edgecolor="none", zorder=0)
        if fine and len(land):
            _lines(ax, shapely.boundary(land), color="#9CA3AF", linewidth=0.5, zorder=3)
        outlines = np.array([outline for _, outline in self.above], dtype=object)
        _lines(ax, shapely.boundary(outlines[_meeting(outlines, box)]), color=GREY, linewidth=0.9, zorder=3)
        for name, outline in self.above if not fine else ():
            if name:
                _name(ax, outline.representative_point(), name.upper(), type_pt, language)


def _name(ax: Axes, point: shapely.Point, text: str, type_pt: float, language: str) -> None:
    halo: list[patheffects.AbstractPathEffect] = [patheffects.withStroke(linewidth=2.2, foreground="white")]
    style: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "fontsize": type_pt,
        "color": "#374151",
        "fontfamily": families(language),
    }
    ax.text(point.x, point.y, plain(text, 24), zorder=5, clip_on=True, gid=NAME, **style).set_path_effects(halo)


def _meeting(shapes: np.ndarray, box: Box | None) -> np.ndarray:
    """Which shapes may be seen in a window: their own box meets it, or half its size around it."""
    if box is None or not len(shapes):
        return np.ones(len(shapes), bool)
    room_x, room_y = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    west, south, east, north = shapely.bounds(shapes).T
    beside = (east < box[0] - room_x) | (west > box[2] + room_x)
    return ~beside & (north >= box[1] - room_y) & (south <= box[3] + room_y)


def _fill(ax: Axes, areas: np.ndarray, **style: Any) -> None:
    """Fill areas that do not overlap, as one path; geopandas makes a patch object of each, which takes most of a
    figure's time."""
    rings = shapely.get_rings(shapely.get_parts(shapely.orient_polygons(areas)))
    if not len(rings):
        return
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, Path.code_type)
    codes[np.r_[True, ring[1:] != ring[:-1]]] = Path.MOVETO
    codes[np.r_[ring[1:] != ring[:-1], True]] = Path.CLOSEPOLY
    ax.add_collection(PathCollection([Path(xy, codes)], **style), autolim=False)


def _lines(ax: Axes, lines: np.ndarray, **style: Any) -> None:
    """Draw lines, all in one style."""
    parts = shapely.get_parts(lines)
    if len(parts):
        ends = np.cumsum(shapely.get_num_coordinates(parts))[:-1]
        ax.add_collection(LineCollection(np.split(shapely.get_coordinates(parts), ends), **style), autolim=False)


def _steps_back(entry: Mapping[str, Any]) -> bool:
    """Whether the places were cut out of the tested ground: they are dark, and the ground is pale, as on the page."""
    return bool(entry.get("tested")) and any("share" in row["values"] for row in entry["ranked"])


def _classes(entry: Mapping[str, Any], frame: gpd.GeoDataFrame, language: str) -> list[tuple[int, str, str, str]]:
    """Code, colour, words and hatch of the classes that occur and say something, in the legend's order."""
    pale = _steps_back(entry)
    used = np.bincount(frame["class_code"].to_numpy(np.int64), minlength=len(entry["classes"]))
    found = []
    for code, one in enumerate(entry["classes"]):
        empty = one.get("low") == 0.0 == one.get("high") or "none" in str(one.get("label"))
        if code < len(used) and used[code] and not empty:
            colour = one.get("pale", one["colour"]) if pale else one["colour"]
            found.append((code, colour, _class_words(one, language), _hatch(one)))
    return found


def _hatch(one: Mapping[str, Any]) -> str:
    """How a class is hatched: lines where it cannot be judged, dots where it is less than expected."""
    label = one.get("label")
    code = str(label.get("code", "")) if isinstance(label, Mapping) else ""
    if code.startswith(("label.cold", "label.fall", "label.down")):
        return DOTS[code.endswith("_99")]
    return "////" if one.get("hatch") else ""


def _hatch_colour(hatch: str) -> str:
    return DOT_COLOUR if "." in hatch else "#6B7280"


def _class_words(one: Mapping[str, Any], language: str) -> str:
    if one.get("label") is not None:
        return text_in(one["label"], language)
    low, high = float(one.get("low") or 0), float(one.get("high") or 0)
    digits = 0 if high >= 100 else 1 if high >= 10 else 2
    ends = [f"{v:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{v:,.0f}" for v in (low, high)]
    return ends[1] if low == high else f"≤ {ends[1]}" if low == 0 else f"{ends[0]}–{ends[1]}"


def has_places(entry: Mapping[str, Any], frame: pd.DataFrame) -> bool:
    """Whether any place of the first ranks is among the rows of a frame, to be drawn by itself."""
    there = set(map(str, frame.index))
    return any(str(i) in there for row in list(entry["ranked"])[:MOST_NUMBERS] for i in row.get("ids", ()))


class _Theme:
    """One layer of the page, ready to be drawn in the CRS of the zones."""

    def __init__(self, entry: Mapping[str, Any], frame: gpd.GeoDataFrame, zones: ZoneOutlines, language: str):
        self.entry, self.zones, self.language = entry, zones, language
        self.lines, self.core = entry["what"] == "clusters", _steps_back(entry)
        shapes = gpd.GeoSeries(frame.geometry.to_numpy(), crs=4326).to_crs(zones.crs)
        self.shapes = shapes.to_numpy()
        self.classes = [] if self.lines else _classes(entry, frame, language)
        self.codes = np.zeros(len(frame), int) if self.lines else frame["class_code"].to_numpy(int)
        at = {str(name): i for i, name in enumerate(frame.index)}
        self.ground = np.zeros(len(frame), bool)
        if "concentrated" in frame and not self.lines:
            found = [code for code, *_ in self.classes]
            self.ground = frame["concentrated"].fillna(False).to_numpy(bool) & ~np.isin(self.codes, found)
        self.places = []
        for row in list(entry["ranked"])[:MOST_NUMBERS]:
            rows = [at[str(i)] for i in row.get("ids", ()) if str(i) in at]
            if rows:
                self.places.append((row, shapely.union_all(self.shapes[rows])))

    def draw(self, ax: Axes, *, outline: bool = True, box: Box | None = None) -> None:
        seen = _meeting(self.shapes, box)
        for cluster in self.shapes[seen] if self.lines else ():  # they may overlap
            _fill(ax, np.array([cluster]), facecolor="#D62F2773", edgecolor=INK, linewidth=0.8, zorder=2)
        _fill(
            ax,
            self.shapes[self.ground & seen],
            facecolor=CONCENTRATED,
            edgecolor=CONCENTRATED,
            linewidth=0.15,
            zorder=1,
        )
        for code, colour, _, hatch in self.classes:
            style: dict[str, Any] = {"facecolor": colour, "edgecolor": _hatch_colour(hatch) if hatch else colour}
            style |= {"linewidth": 0.0 if hatch else 0.15, "hatch": hatch or None, "zorder": 1}
            _fill(ax, self.shapes[(self.codes == code) & seen], **style)
        for _, place in self.places if outline and not self.lines else ():
            self.place(ax, place)

    def place(self, ax: Axes, place: shapely.Geometry, *, width: float = 0.9) -> None:
        """A place: dark where it was cut out of tested ground, else its outline."""
        style = {"facecolor": CORE, "zorder": 2} if self.core else {"facecolor": "none", "zorder": 4}
        _fill(ax, np.array([place]), edgecolor=EDGE, linewidth=width, **style)

    def number(
        self, ax: Axes, type_pt: float, skip: Collection[int] = (), *, blocked: Sequence[Box] = (), least_pt: float = 0
    ) -> None:
        """Each place's rank in a badge of one size; where badges would meet, beside the place with a line to it.

        Its name stands beside the badge where it covers nothing: no badge, no other name, none of the boxes `blocked`.
        """
        shown = [(row["rank"], place.centroid) for row, place in self.places if row["rank"] not in skip]
        metres, window = _metres_per_pt(ax), np.array([*ax.get_xlim(), *ax.get_ylim()])[[0, 2, 1, 3]]
        shown = [(rank, point) for rank, point in shown if shapely.box(*window).intersects(point)]
        anchors = shapely.get_coordinates([point for _, point in shown])
        half = BADGE * type_pt * metres
        names = [] if self.lines else [_name_box(t, metres) for t in ax.texts if t.get_gid() in (NAME, FIXED_NAME)]
        spots = badge_spots(anchors, half, window, names)
        for (rank, _), anchor, at in zip(shown, anchors, spots, strict=True):
            _badge(ax, anchor, at, rank, type_pt, half)
        fixed = [_name_box(t, metres) for t in ax.texts if t.get_gid() in (NAME, FIXED_NAME)]
        taken = [*fixed, *blocked, *((x - half, y - half, x + half, y + half) for x, y in spots)]
        called = {row["rank"]: text_in(row.get("name"), self.language) or "" for row, _ in self.places}
        for (rank, _), at in zip(shown, spots, strict=True):
            _place_name(ax, called[rank], at, half, max(type_pt * 0.92, least_pt), self.language, taken)

    def legend(self, ax: Axes, type_pt: float) -> None:
        handles = [
            Patch(facecolor=colour, edgecolor=_hatch_colour(hatch), linewidth=0.5, hatch=hatch or None, label=words)
            for _, colour, words, hatch in self.classes
        ]
        if self.places and not self.lines:
            words = say("paper.place_key", self.language)
            face = CORE if self.core else "none"
            handles.insert(0, Patch(facecolor=face, edgecolor=EDGE, linewidth=1.4, label=words))
        if self.ground.any():
            words = textwrap.fill(say("page.concentrated", self.language), 24 if self.language == "en" else 12)
            handles.append(Patch(facecolor=CONCENTRATED, edgecolor="#55606E", linewidth=0.5, label=words))
        if self.classes:
            words = say("paper.no_evidence", self.language)
            handles.append(Patch(facecolor=LAND, edgecolor="#55606E", linewidth=0.5, label=words))
        unit = text_in(self.entry.get("unit"), self.language) or None
        font = {"family": families(self.language), "size": type_pt}
        if handles:
            ax.legend(
                handles=handles, title=unit, loc="upper left", frameon=False, prop=font, title_fontproperties=font
            )


def _metres_per_pt(ax: Axes) -> float:
    """How many metres a point of type is, in axes of one scale whose window is set."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    wide, high = figure.get_size_inches() * 72
    place = ax.get_position(original=True)
    return max(np.ptp(ax.get_xlim()) / (place.width * wide), np.ptp(ax.get_ylim()) / (place.height * high))


def _name_box(text: Text, metres: float) -> Box:
    """About the box that a name takes: a Chinese character is as wide as it is high, a letter two thirds."""
    (x, y), em = text.get_position(), float(text.get_fontsize()) * metres
    wide = em * sum(1 if ord(c) > 0x2E80 else 0.68 for c in text.get_text())
    west = x - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[text.get_horizontalalignment()]
    return west, y - em * 0.6, west + wide, y + em * 0.6


def _part_names(ax: Axes) -> None:
    """Names that lie over one another are moved up or down, by as little as parts them and two lines at most."""
    metres = _metres_per_pt(ax)
    taken = [_name_box(text, metres) for text in ax.texts if text.get_gid() == FIXED_NAME]
    for text in (t for t in ax.texts if t.get_gid() == NAME):
        (x, y), step = text.get_position(), 0.2 * float(text.get_fontsize()) * metres
        for up in sorted(range(-10, 11), key=abs):
            text.set_position((x, y + up * step))
            west, south, east, north = _name_box(text, metres)
            if all(east <= w or west >= e or north <= s or south >= n for w, s, e, n in taken):
                break
        else:
            text.set_position((x, y))
        taken.append(_name_box(text, metres))


def badge_spots(
    anchors: np.ndarray, half: float, window: Sequence[float] | np.ndarray, names: Sequence[Box] = ()
) -> list[np.ndarray]:
    """Where badges stand so that none lies over another: at their own place where it is free, else near it.

    Parameters
    ----------
    anchors : array (n, 2)
        The places, the first rank first: it has the first choice.
    half : float
        Half a badge's width, in the unit of the places.
    window : west, south, east, north
        What is shown; badges are held inside it while there is room.
    names : list of boxes
        Which are left readable where a free spot is about as near.

    Returns
    -------
    list of array (2,)
    """
    anchors, shown = np.asarray(anchors, float).reshape(-1, 2), np.asarray(window, float)
    low, high = shown[:2] + half, shown[2:] - half
    boxes, middle = np.array(names, float).reshape(-1, 4), anchors.mean(axis=0) if len(anchors) else None
    spots: list[np.ndarray] = []
    for i, anchor in enumerate(anchors):
        away = np.arctan2(*(anchor - middle)[::-1])  # lines that lead outwards do not cross
        turns = away + np.pi / 8 * np.array([0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8])
        rings = np.arange(1, 3 * len(anchors) + 4)[:, None, None] * half * 1.1
        around = (rings * np.column_stack([np.cos(turns), np.sin(turns)])).reshape(-1, 2)
        tried = anchor + np.vstack([np.zeros((1, 2)), around])
        taken = np.array(spots).reshape(-1, 2)
        tried = tried[(np.abs(tried[:, None] - taken).max(axis=2) >= 2 * half).all(axis=1)]
        inside = ((tried >= low) & (tried <= high)).all(axis=1)
        tried = tried[inside] if inside.any() else tried
        others = np.delete(anchors, i, axis=0)
        over = (np.abs(tried[:, None] - others).max(axis=2) < half).sum(axis=1)  # the places of other badges
        named = (
            ((tried[:, None] > boxes[:, :2] - half) & (tried[:, None] < boxes[:, 2:] + half)).all(axis=2).any(axis=1)
        )
        far = np.hypot(*(tried - anchor).T)
        spots.append(tried[(far + half * (2 * over + 3 * named)).argmin()])
    return spots


def _badge(ax: Axes, anchor: np.ndarray, at: np.ndarray, rank: Any, type_pt: float, half: float) -> None:
    if np.hypot(*(at - anchor)) > half / 2:
        ax.plot(*np.array([anchor, at]).T, color=INK, linewidth=1.0, marker="o", markersize=2.6, markevery=[0],
                zorder=5.5)  # fmt: skip
    ax.add_patch(
        Circle((float(at[0]), float(at[1])), half * 0.94, facecolor=INK, edgecolor="white", linewidth=0.8, zorder=6)
    )
    size = type_pt if len(str(rank)) < 2 else type_pt * 0.88
    style: dict[str, Any] = {
        "ha": "center",
        "va": "center_baseline",
        "fontsize": size,
        "fontweight": "bold",
        "color": "white",
    }
    ax.text(at[0], at[1], str(rank), zorder=6.5, clip_on=True, **style)


def _place_name(
    ax: Axes, name: str, at: np.ndarray, half: float, type_pt: float, language: str, taken: list[Box]
) -> None:
    """The name of a place beside its badge, where it lies in the window and over nothing that is `taken`; else none.

    Right of the badge, left of it, over or under it; without what stands in brackets, where only that has room.
    """
    metres, window = _metres_per_pt(ax), np.array([*ax.get_xlim(), *ax.get_ylim()])[[0, 2, 1, 3]]
    style: dict[str, Any] = {"fontsize": type_pt, "fontfamily": families(language), "fontweight": "bold"}
    style |= {"va": "center", "color": INK, "zorder": 6.2, "clip_on": True, "gid": FIXED_NAME}
    sides = [("left", 1.15, 0.0), ("right", -1.15, 0.0), ("center", 0.0, 1.75), ("center", 0.0, -1.75)]
    whole = plain(name, 40)
    for words in dict.fromkeys((whole, re.split(r"\s*[（(]|, ", whole)[0])) if whole else ():
        text = ax.text(at[0], at[1], words, **style)
        text.set_path_effects([patheffects.withStroke(linewidth=2.4, foreground="white")])
        for align, x, y in sides:
            text.set(position=(at[0] + x * half, at[1] + y * half), ha=align)
            west, south, east, north = box = _name_box(text, metres)
            inside = west > window[0] and south > window[1] and east < window[2] and north < window[3]
            if inside and all(east <= w or west >= e or north <= s or south >= n for w, s, e, n in taken):
                taken.append(box)
                return
        text.remove()


def _window(ax: Axes, box: tuple[float, float, float, float]) -> None:
    ax.set_xlim(box[0], box[2])
    ax.set_ylim(box[1], box[3])
    ax.set_aspect("equal", adjustable="box")
    ax.set(xlabel="", ylabel="")
    ax.set_axis_off()


def _dense_window(theme: _Theme, box: np.ndarray) -> tuple[np.ndarray | None, set[int]]:
    """Where several of the numbered places lie together, and which; None where they are spread."""
    side = INSET_SHARE * max(box[2] - box[0], box[3] - box[1])
    middles = np.array([shapely.get_coordinates(p.centroid)[0] for _, p in theme.places]).reshape(-1, 2)
    if not len(middles):
        return None, set()
    near = (np.abs(middles[:, None] - middles[None]) <= side / 2).all(axis=2)
    at = int(near.sum(axis=1).argmax())
    if near[at].sum() < LEAST_IN_INSET:
        return None, set()
    inside = [theme.places[i] for i in np.flatnonzero(near[at])]
    west, south, east, north = shapely.union_all([p for _, p in inside]).bounds
    half = max(east - west, north - south, side * 0.6) * 0.58
    x, y = (west + east) / 2, (south + north) / 2
    return np.array([x - half, y - half, x + half, y + half]), {row["rank"] for row, _ in inside}


def theme_map(
    entry: Mapping[str, Any],
    frame: gpd.GeoDataFrame,
    zones: ZoneOutlines,
    *,
    language: str = "en",
    width_in: float = 6.9,
    tallest: float = 0.72,
    type_pt: float = 8.5,
    least_pt: float = 0.0,
    dpi: int = 170,
) -> tuple[bytes, float]:
    """The map of a theme as a PNG: its classes, its places numbered, the dense part enlarged, a key.

    Parameters
    ----------
    entry : mapping
        One of `results[…]["layers"]` of `facts.json`.
    frame : GeoDataFrame
        The file that it names, with `class_code`.
    zones : ZoneOutlines
    language : str
    width_in : float
        Of the picture.
    tallest : float
        Its height as a share of its width, at most.
    type_pt : float
    least_pt : float
        No type is smaller.
    dpi : int

    Returns
    -------
    (bytes, float)
        And its height as a share of its width.
    """
    theme = _Theme(entry, frame, zones, language)
    box = np.array(zones.thin.total_bounds)
    room = 0.02 * max(box[2] - box[0], box[3] - box[1])
    box += [-room, -5 * room, room, room]
    inset, skip = _dense_window(theme, box)
    ratio = (box[3] - box[1]) / (box[2] - box[0])
    left = min(0.70, tallest / ratio)  # the map's share of the width; beside it inset and key
    height = min(left * ratio, tallest)
    figure = Figure(figsize=(width_in, width_in * height))
    ax = figure.add_axes((0, 0, left, 1))
    zones.draw(ax, type_pt=type_pt, language=language)
    theme.draw(ax)
    _window(ax, tuple(box))
    if inset is not None:
        _enlarged(ax, inset, sorted(skip), type_pt, language)
    _part_names(ax)
    scale_pt, metres = max(type_pt * 0.9, least_pt), _metres_per_pt(ax)
    foot = box[1] + max(4 * room, 1.9 * scale_pt * metres)
    north = (box[0] + 0.93 * (box[2] - box[0]), box[1] + 0.86 * (box[3] - box[1]), box[2], box[3])
    scale = (box[0], box[1], box[0] + 0.25 * (box[2] - box[0]), foot + type_pt * metres)
    enlarged = [] if inset is None else [(inset[0], inset[1], inset[2], inset[3])]
    theme.number(ax, type_pt, skip, blocked=[north, scale, *enlarged], least_pt=least_pt)
    draw_scale_bar(ax, box[0] + room, foot, box[2] - box[0], language, type_pt=scale_pt)
    _window(ax, tuple(box))
    _north(ax, type_pt, language)
    beside = 1 - left - 0.02
    key_top = 0.97
    if inset is not None:
        key_in = (len(theme.classes) + 6) * type_pt * 1.5 / 72
        tall = min(beside / height, 0.6, max(0.25, 1 - key_in / (width_in * height)))
        beside = min(beside, tall * height)
        small = figure.add_axes((left + 0.02, 1 - tall, beside, tall))
        zones.draw(small, type_pt=type_pt, language=language, fine=True, box=tuple(inset))
        theme.draw(small, box=tuple(inset))
        _window(small, tuple(inset))
        across = inset[2] - inset[0]
        corner = (inset[0], inset[1], inset[0] + 0.4 * across, inset[1] + 0.2 * across)
        theme.number(small, type_pt, blocked=[corner], least_pt=least_pt)
        draw_scale_bar(small, inset[0] + 0.05 * (inset[2] - inset[0]), inset[1] + 0.15 * (inset[3] - inset[1]),
                       inset[2] - inset[0], language, type_pt=scale_pt)  # fmt: skip
        _window(small, tuple(inset))
        small.set_axis_on()
        small.set(xticks=[], yticks=[], facecolor="white")
        key_top = 1 - tall - 0.02
    key = figure.add_axes((left + 0.01, 0, 1 - left - 0.01, key_top))
    key.set_axis_off()
    theme.legend(key, type_pt)
    return picture_of(figure, dpi=dpi)


def _enlarged(ax: Axes, inset: np.ndarray, ranks: Sequence[int], type_pt: float, language: str) -> None:
    """The frame of what is enlarged, and over it which ranks stand there."""
    text = say("paper.enlarged", language, ranks=", ".join(str(rank) for rank in ranks))
    size = inset[2] - inset[0], inset[3] - inset[1]
    ax.add_patch(
        Rectangle((float(inset[0]), float(inset[1])), *size, fill=False, edgecolor=FRAME, linewidth=1.4, zorder=7)
    )
    style: dict[str, Any] = {"fontsize": type_pt, "fontfamily": families(language), "fontweight": "bold"}
    style |= {"ha": "center", "va": "center", "color": FRAME, "zorder": 7, "gid": FIXED_NAME}
    drawn = ax.text((inset[0] + inset[2]) / 2, inset[3], text, **style)
    drawn.set_path_effects([patheffects.withStroke(linewidth=2.4, foreground="white")])
    metres = _metres_per_pt(ax)
    west, _, east, _ = _name_box(drawn, metres)
    x = min(max((inset[0] + inset[2]) / 2, ax.get_xlim()[0] + (east - west) / 2), ax.get_xlim()[1] - (east - west) / 2)
    drawn.set_position((x, inset[3] + 0.7 * type_pt * metres))


def _north(ax: Axes, type_pt: float, language: str) -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1}
    style: dict[str, Any] = {
        "ha": "center",
        "va": "top",
        "fontsize": type_pt,
        "fontfamily": families(language),
        "arrowprops": arrow,
    }
    ax.annotate(say("paper.north", language), xy=(0.97, 0.99), xytext=(0.97, 0.90), xycoords="axes fraction", **style)


def place_maps(
    entry: Mapping[str, Any],
    frame: gpd.GeoDataFrame,
    zones: ZoneOutlines,
    *,
    language: str = "en",
    columns: int = 5,
    width_in: float = 6.9,
    tallest: float | None = None,
    type_pt: float = 7.5,
    least_pt: float = 0.0,
    dpi: int = 170,
) -> tuple[bytes, float] | None:
    """One small map a place, all of one scale, with zones and their names; None where nothing is ranked.

    Where no type may be smaller than `least_pt` and the zones' names would be, they are left out.
    """
    theme = _Theme(entry, frame, zones, language)
    if not theme.places:
        return None
    sizes = [max(p.bounds[2] - p.bounds[0], p.bounds[3] - p.bounds[1]) for _, p in theme.places]
    side = 1.7 * max(float(np.quantile(sizes, 0.8)), 400.0)
    columns = min(columns, len(theme.places))
    rows = -(-len(theme.places) // columns)
    lines = 3 if least_pt else 2
    head = lines * type_pt * 1.28 / 72 + 0.06
    cell = pitch = width_in / columns
    if tallest is not None:
        cell = min(cell, tallest * width_in / rows - head)
    figure = Figure(figsize=(width_in, rows * (cell + head)))  # where panels are small, their names have the room
    panels = []
    for i, (row, place) in enumerate(theme.places):
        left, down = i % columns / columns, i // columns
        high = rows * (cell + head)
        ax = figure.add_axes((left + 0.004, 1 - ((down + 1) * (cell + head) - 0.03) / high, cell / width_in - 0.008,
                              (cell - 0.04) / high))  # fmt: skip
        panels.append(ax)
        x, y = shapely.get_coordinates(place.centroid)[0]
        box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
        zones.draw(ax, type_pt=type_pt, language=language, fine=True, box=box)
        theme.draw(ax, outline=False, box=box)
        theme.place(ax, place, width=1.6)
        if type_pt * 0.8 >= least_pt:
            _zone_names(ax, zones, box, type_pt * 0.8, language)
        _window(ax, box)
        ax.set_axis_on()
        ax.set(xticks=[], yticks=[])
        name = f"{row['rank']} {text_in(row.get('name'), language) or '–'}"
        style: dict[str, Any] = {"fontsize": type_pt, "fontfamily": families(language), "loc": "left", "pad": 2.5}
        style["fontweight"] = "normal" if least_pt else "bold"
        ax.set_title(
            "\n".join(_in_lines(name, 0.96 * pitch * 72 / type_pt, lines)),
            linespacing=1.05,
            **style,
        )
    ax = panels[0]
    x, y = ax.get_xlim()[0], ax.get_ylim()[0]
    limits = ax.get_xlim(), ax.get_ylim()
    draw_scale_bar(
        ax,
        x + (0.16 if least_pt else 0.05) * side,
        y + 0.17 * side,
        side,
        language,
        type_pt=max(type_pt * 0.85, least_pt),
    )
    ax.set(xlim=limits[0], ylim=limits[1])
    return picture_of(figure, dpi=dpi)


def _in_lines(text: str, ems: float, most: int) -> list[str]:
    """A text in at most so many lines of so many ems: cut between words, or between Chinese characters, never after
    the number that it begins with, after an opening bracket or before a closing one."""
    lines, used = [""], 0.0
    for word in re.findall(r"^\d+ |[（《]?[^\x00-\u2E7F][）》，、]*|[^\s\u2E80-\uFFFF]+\s*|\s+", plain(text, 200)):
        wide = sum(1.0 if ord(c) > 0x2E80 else 0.69 for c in word.rstrip())
        if used + wide > ems and not lines[-1].strip().isdigit() and lines[-1]:
            if len(lines) == most:
                lines[-1] = lines[-1].rstrip() + "…"
                break
            lines.append("")
            used = 0.0
        lines[-1] += word
        used += wide + 0.3 * (len(word) - len(word.rstrip()))
    return [line.rstrip() for line in lines]


def _zone_names(ax: Axes, zones: ZoneOutlines, box: tuple, type_pt: float, language: str) -> None:
    """Names of the zones whose middle lies in a window; those that would lie over another are left out."""
    side = box[2] - box[0]
    drawn: list[Any] = []
    inside = ((zones.middles > [box[0], box[1]]) & (zones.middles < [box[2], box[3]])).all(axis=1)
    for i in np.flatnonzero(inside):
        x, y = zones.middles[i]
        name = plain(zones.names[i], 18)
        half = 0.012 * side * type_pt * sum(1.9 if ord(c) > 0x2E80 else 1 for c in name) / 2
        free = all(abs(y - oy) > 0.09 * side or abs(x - ox) > half + oh for ox, oy, oh in drawn)
        fits = box[0] + half < x < box[2] - half and y < box[3] - 0.06 * side
        if name and free and fits:
            drawn.append((x, y, half))
            _name(ax, shapely.Point(x, y), name, type_pt, language)


def period_maps(
    frame: gpd.GeoDataFrame,
    zones: ZoneOutlines,
    titles: Sequence[str],
    *,
    language: str = "en",
    width_in: float = 6.9,
    tallest: float | None = None,
    type_pt: float = 8.5,
    least_pt: float = 0.0,
    dpi: int = 170,
) -> tuple[bytes, float]:
    """Two maps of counts side by side, before and after, with the same classes.

    Parameters
    ----------
    frame : GeoDataFrame
        With `before, after` (or `count_before, count_after`).
    zones : ZoneOutlines
    titles : two texts
        Over the maps.
    language, width_in, tallest, type_pt, least_pt, dpi
        As in `theme_map`.
    """
    columns = [next(c for c in (f"count_{end}", end) if c in frame) for end in ("before", "after")]
    values = frame[columns].to_numpy(float)
    area = frame["area_m2"].to_numpy(float) / 1e6 if "area_m2" in frame else np.ones(len(frame))
    uneven = bool(np.std(area) > UNEVEN * np.mean(area))
    if uneven:  # a count coloured over areas of unequal size shows the size
        values = values / area[:, None]
    bounds = breaks_of(values, k=4)
    colours = amounts(max(len(bounds), 1))
    shapes = gpd.GeoSeries(frame.geometry.to_numpy(), crs=4326).to_crs(zones.crs).to_numpy()
    box = zones.thin.total_bounds
    ratio = (box[3] - box[1]) / (box[2] - box[0])
    key, head = 0.35 * type_pt / 8.5, 0.2 * type_pt / 8.5
    high = width_in / 2 * ratio + key + head
    if tallest is not None:
        high = min(high, tallest * width_in)
    figure = Figure(figsize=(width_in, high))
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(0, key / high, 1, 1 - head / high, wspace=0.02)
    for ax, drawn, title in zip(panels, values.T, titles, strict=True):
        zones.draw(ax, type_pt=max(type_pt * 0.8, least_pt), language=language)
        codes = codes_of(drawn, bounds)  # 0: no data, 1: none
        for i, colour in enumerate(colours):
            style: dict[str, Any] = {"facecolor": colour, "edgecolor": colour, "linewidth": 0.15, "zorder": 1}
            _fill(ax, shapes[codes == i + 2], **style)
        _window(ax, tuple(box))
        _part_names(ax)
        ax.set_title(title, fontsize=type_pt, fontfamily=families(language), pad=2)
    handles = []
    for colour, low, high in zip(colours, [None, *bounds], bounds, strict=False):
        text = _amounts(low, high, whole=bool((values % 1 == 0).all()))
        handles.append(Patch(facecolor=colour, edgecolor="#55606E", linewidth=0.5, label=text))
    unit = say("page.per_km2" if uneven else "paper.per_cell", language)
    font = {"family": families(language), "size": max(type_pt * 0.95, least_pt)}
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False, prop=font,
                  title=unit, title_fontproperties=font)  # fmt: skip
    return picture_of(figure, dpi=dpi)


def _amounts(low: float | None, high: float, *, whole: bool) -> str:
    """A class of amounts in words: its ends are in it where they are whole numbers."""
    if not whole:
        return f"≤ {high:.3g}" if low is None else f"{low:.3g}–{high:.3g}"
    first = 1 if low is None else int(low) + 1
    return f"{high:,.0f}" if first == high else f"{first:,}–{high:,.0f}"


def picture_of(figure: Figure, *, dpi: int = 170) -> tuple[bytes, float]:
    """A matplotlib figure as a PNG of few colours, cut to what is drawn, and its height as a share of its width.

    The same figure gives the same bytes.
    """
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    drawn = np.argwhere((pixels < 250).any(axis=2))
    if len(drawn):
        (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0)
        room = dpi // 25
        pixels = pixels[max(top - room, 0) : bottom + room, max(left - room, 0) : right + room]
    image = Image.fromarray(np.ascontiguousarray(pixels)).quantize(160, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, format="png")
    return out.getvalue(), image.height / image.width


def plain(text: str, most: int) -> str:
    """As much of a text as fits, with no sign that matplotlib reads as mathematics, and none that cannot be drawn."""
    text = "".join(c for c in str(text) if c.isprintable()).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 1] + "…"


def run_charts(run: RunFolder, language: str) -> list[tuple[bytes, float, str]]:
    """PNG, height as a share of the width, and caption of each chart that the run has numbers for.

    Parameters
    ----------
    run : RunFolder
    language : str
    """
    pictures = []
    for maker, table, options, name in _charts(run, language):
        try:
            figure = maker(table, language=language, title=name or None, **options)
        except GridmapError:  # too little to draw: the sentences and tables hold what there is
            continue
        png, ratio = picture_of(figure, dpi=200)
        heading = say("fact.heading", language, name=name) if name else ""
        pictures.append((png, ratio, heading + alt_text(figure)))
    return pictures


def _charts(run: RunFolder, language: str) -> list[tuple[Any, Any, dict[str, Any], str]]:
    """What is drawn: the function, its table, its options, its name."""
    makers: list[tuple[Any, Any, dict[str, Any], str]] = []
    trend, hours = run.table("trend.parquet"), run.table("hours.parquet")
    concentration = run.table("concentration.parquet")
    for kind, part in trend.groupby("category", sort=True) if len(trend) else ():
        if len(part) >= LEAST_PERIODS:
            makers.append((trend_chart, part, {}, str(kind)))
    for kind, part in hours.groupby("category", dropna=False, sort=True) if len(hours) else ():
        makers.append((weekday_hour_chart, part, {}, kind if isinstance(kind, str) else ""))
    shown = 0
    for entry in run.results:
        layer = next((la for la in entry["layers"] if la["what"] == "cells" and la["tested"]), None)
        counted = len(concentration) and (concentration["step"] == entry["step"]).any()
        if layer is None or not counted or shown == MOST_RESULTS:
            continue
        shown += 1
        counts = concentration.loc[concentration["step"] == entry["step"], "count"]
        name = layer["name"] if isinstance(layer["name"], str) else ""
        makers.append((concentration_chart, counts, {"places": None}, name))
        names = [text_in(row["name"], language) or str(row["rank"]) for row in layer["ranked"]]
        rows = [{"name": name, **row["values"]} for name, row in zip(names, layer["ranked"], strict=True)]
        if rows and "count" in rows[0]:
            makers.append((ranked_bars, pd.DataFrame(rows), {}, name))
    return makers
