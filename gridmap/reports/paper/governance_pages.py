"""The briefing's pages "areas we named" and "how the grids work", from the tables that the stages of governance left.

Like everything on paper they are made from the folder of a run alone. A page is a list of parts: sentences, a picture,
a table of what a meeting reads; the workbook has the tables whole.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from gridmap._fonts import families
from gridmap.errors import GridmapError
from gridmap.governance.cases import AVERAGE, INDICATORS
from gridmap.hotspots.registry import label_code
from gridmap.maps.figure import draw_scale_bar
from gridmap.maps.layers.named_areas import COLOURS
from gridmap.messages import known, say
from gridmap.reports.charts import alt_text, funnel_chart, step_time_chart
from gridmap.reports.facts import sentences
from gridmap.reports.paper.content import (
    GOVERNED,
    Cell,
    Column,
    Page,
    Picture,
    Section,
    Table,
    number,
    percent,
    signed_percent,
)
from gridmap.reports.paper.pictures import ZoneOutlines, picture_of, plain
from gridmap.reports.results_folder import RunFolder

__all__ = ["governed_pages"]

#: Rows of a table on a page, and sentences of a part.
MOST_ROWS, MOST_LINES = 8, 9


def governed_pages(run: RunFolder, language: str, *, pictures: bool = True) -> list[Page]:
    """The two pages; those for which the run has nothing are left out."""
    found = {entry["method"]: entry for entry in run.results if entry["method"] in GOVERNED}
    zones = run.table("zones.parquet") if found and pictures else pd.DataFrame()
    outlines = ZoneOutlines(zones) if isinstance(zones, gpd.GeoDataFrame) and len(zones) else None
    pages = []
    if "register" in found or "evaluations" in found:
        parts = _named(run, found, outlines if pictures else None, language) + _measures(run, found, language)
        pages.append(Page(say("paper.areas_we_named", language), parts))
    if {"case_life", "together", "denominators", "sites"} & set(found):
        parts = _handling(run, found, language, pictures=pictures) + _others(run, found, language)
        pages.append(Page(say("paper.how_the_grids_work", language), parts))
    return [page for page in pages if any(p.lines or p.table or p.picture for p in page.parts)]


def _lines(run: RunFolder, found: Mapping[str, Any], method: str, language: str) -> list[str]:
    step = found[method]["step"] if method in found else None
    return sentences([f for f in run.facts if step is not None and f.step == step], language)


def _table_of(run: RunFolder, found: Mapping[str, Any], method: str, name: str) -> pd.DataFrame:
    if method not in found:
        return pd.DataFrame()
    return run.table(f"{found[method]['step']}_{method}_{name}.parquet")


Show = Callable[[Any, str], Cell]


def _text(value: Any, language: str) -> Cell:
    return Cell("–" if value is None or value != value or value == "" else str(value))


def _whole(value: Any, language: str) -> Cell:
    known_value = value is not None and np.isfinite(value)
    return Cell(number(value, 0, language), int(value) if known_value else None)


def _decimal(value: Any, language: str) -> Cell:
    known_value = value is not None and np.isfinite(value)
    return Cell(number(value, 1, language) if known_value else "–", float(value) if known_value else None)


def _share(value: Any, language: str) -> Cell:
    known_value = value is not None and np.isfinite(value)
    return Cell(percent(value, language) if known_value else "–", float(value) if known_value else None)


def _change(value: Any, language: str) -> Cell:
    known_value = value is not None and np.isfinite(value)
    return Cell(signed_percent(value, language), float(value) if known_value else None)


def _worded(prefix: str) -> Show:
    """A word of the catalogue, such as a standing or a verdict."""

    def show(value: Any, language: str) -> Cell:
        code = prefix + str(value or "").replace(" ", "_")
        return Cell(say(code, language) if known(code) else str(value or "–"))

    return show


def _label(value: Any, language: str) -> Cell:
    code = label_code(str(value))
    return Cell(say(code, language) if known(code) else str(value))


def _made(frame: pd.DataFrame, shown: Sequence[tuple[str, Show, bool]], language: str) -> Table | None:
    """A table of the columns that are there; the wide ones hold text."""
    there = [(key, show, wide) for key, show, wide in shown if key in frame]
    if not len(frame) or not there:
        return None
    columns = tuple(Column(key, say(f"paper.col_{key}", language), wide=wide) for key, _, wide in there)
    rows = tuple(tuple(show(row[key], language) for key, show, _ in there) for _, row in frame.iterrows())
    return Table(columns, rows)


def _part(
    heading: str, lines: list[str], table: Table | None, picture: Picture | None = None, *, rows: int = MOST_ROWS
) -> Section:
    short = None if table is None else table.head(rows)
    return Section(heading, lines[:MOST_LINES], picture, short, table)


def _named(run: RunFolder, found: Mapping[str, Any], outlines: ZoneOutlines | None, language: str) -> list[Section]:
    areas, due = (_table_of(run, found, "register", name) for name in ("areas", "due"))
    followed = _table_of(run, found, "register", "followed")
    standing = _worded("label.named_")
    shown = [
        *(("name", _text, True), ("category", _text, True), ("standing", standing, False), ("days", _whole, False)),
        *(("became", standing, False), ("review_on", _text, False), ("target", _text, True), ("evidence", _text, True)),
    ]
    used = [s for s in shown if s[0] in areas and (areas[s[0]].fillna("") != "").any()]
    order = {one: k for k, one in enumerate(COLOURS)}
    if len(areas):
        areas = areas.assign(order=areas["standing"].map(order)).sort_values(["order", "days"], ascending=[True, False])
    picture = _areas_picture(areas, followed, outlines, language)
    lines = _lines(run, found, "register", language)
    short = [s for s in used if s[0] != "evidence"]
    table, whole = _made(areas, short, language), _made(areas, used, language)
    parts = [replace(_part("", lines, table, picture), whole=whole)] if len(areas) or lines else []
    if len(due):
        what = [("area", _text, True), ("what", _worded("paper."), False)]
        what += [("day", _text, False), ("days_left", _whole, False)]
        parts.append(Section(say("paper.due_dates", language), whole=_made(due, what, language)))  # for the workbook
    if len(followed):
        what = [
            *(("kind", _text, True), ("place", _text, True), ("identity", _text, False), ("status", standing, False)),
            *(("first", _text, False), ("times", _whole, False), ("count", _whole, False)),
        ]
        followed = followed.assign(order=followed["status"].map(order)).sort_values(
            ["order", "count"], ascending=[True, False]
        )
        shown_kinds = followed if followed["kind"].astype(str).str.len().gt(0).any() else followed.drop(columns="kind")
        heading = say("paper.followed_hotspots", language)
        parts.append(_part(heading, [], _made(shown_kinds, what, language), rows=MOST_ROWS))
    return parts


def _measures(run: RunFolder, found: Mapping[str, Any], language: str) -> list[Section]:
    table = _table_of(run, found, "evaluations", "measures")
    if len(table):
        ends = zip(table["change_low"], table["change_high"], strict=True)
        table = table.assign(
            interval=[
                say("paper.from_to", language, low=signed_percent(a, language), high=signed_percent(b, language))
                for a, b in ends
            ]
        )
    shown = [
        *(("measure", _text, True), ("verdict", _worded("paper.verdict_"), False), ("count_before", _whole, False)),
        *(("count_after", _whole, False), ("change", _change, False), ("interval", _text, False)),
        *(("around", _change, False), ("falls_anyway", _share, False), ("smallest_fall", _share, False)),
    ]
    lines = _lines(run, found, "evaluations", language)
    if not lines:
        return []
    return [_part(say("paper.did_it_work", language), lines, _made(table, shown, language))]


def _handling(run: RunFolder, found: Mapping[str, Any], language: str, *, pictures: bool) -> list[Section]:
    if "case_life" not in found:
        return []
    units, whole = (_table_of(run, found, "case_life", name) for name in ("units", "whole_steps"))
    funnel = _table_of(run, found, "case_life", "funnel")
    judged = str(found["case_life"]["params"].get("judge") or "")
    parts = [_part("", _lines(run, found, "case_life", language), None)]
    if pictures:
        charts = [(funnel_chart, funnel, {"indicator": judged}), (step_time_chart, whole, {})]
        parts.append(Section("", picture=_charted(charts, language)))
    if len(units) and f"{judged}_label" in units:
        label = units[f"{judged}_label"]
        differ = units[(label != AVERAGE).to_numpy()].assign(label=label, share=units[f"{judged}_share"])
        shown = [
            *(("unit", _text, True), ("label", _label, True), ("events", _whole, False), ("share", _share, False)),
            *(("open", _whole, False), ("overdue", _whole, False), ("median_days", _decimal, False)),
        ]
        table = _made(differ.sort_values("share"), shown, language)
        whole_table = _made(units.assign(label=label, share=units[f"{judged}_share"]), shown, language)
        parts.append(
            Section(
                say("paper.units_named", language), table=None if table is None else table.head(6), whole=whole_table
            )
        )
    standards = _table_of(run, found, "case_life", "indicators")
    if len(standards):
        named = [_worded("governance.indicator.")(key, language).text for key in standards.index]
        frame = standards.assign(indicator=named)
        for column in ("formula", "source"):  # gridmap's own in the reader's language, a file's own as they are
            codes = [f"governance.{column}.{key}" for key in frame.index]
            own = [INDICATORS.get(str(k)) for k in frame.index]
            mine = [o is not None and getattr(o, column) == v for o, v in zip(own, frame[column], strict=True)]
            frame[column] = [
                say(code, language) if same and known(code) else value
                for code, same, value in zip(codes, mine, frame[column], strict=True)
            ]
        shown = [("indicator", _text, True), ("share", _share, False), ("n", _whole, False), ("formula", _text, True)]
        part = _part(say("paper.indicators", language), [], _made(frame, shown, language))
        whole_table = _made(frame, [*shown, ("source", _text, True)], language)
        sources = say("messages.list_separator", language).join(dict.fromkeys(frame["source"].astype(str)))
        source = say("paper.label", language, label=say("paper.col_source", language), text=sources)
        parts.append(replace(part, whole=whole_table, notes=[source]))
    return [part for part in parts if part.lines or part.table or part.picture or part.whole]


def _charted(charts: Sequence[tuple[Callable[..., Figure], pd.DataFrame, dict]], language: str) -> Picture | None:
    """Charts side by side as one picture; what has too little to draw is left out."""
    drawn, captions = [], []
    for make, table, options in charts:
        try:
            figure = make(table, language=language, title="", size="half", **options)
        except GridmapError:
            continue
        drawn.append(Image.open(io.BytesIO(picture_of(figure, dpi=220)[0])).convert("RGB"))
        captions.append(alt_text(figure))
    if not drawn:
        return None
    gap = drawn[0].width // 20
    width = sum(image.width for image in drawn) + gap * (len(drawn) - 1)
    whole = Image.new("RGB", (width, max(image.height for image in drawn)), "white")
    left = 0
    for image in drawn:
        whole.paste(image, (left, 0))
        left += image.width + gap
    out = io.BytesIO()
    whole.quantize(160, dither=Image.Dither.NONE).save(out, format="png")
    return Picture.of(out.getvalue(), whole.height / whole.width, " ".join(captions))


def _others(run: RunFolder, found: Mapping[str, Any], language: str) -> list[Section]:
    """What goes together, per whom, at sites: a few sentences each."""
    parts = []
    for method, names in (("together", ()), ("denominators", ("rates",)), ("sites", ("rings",))):
        lines = _lines(run, found, method, language)
        if lines:
            heading = say(f"method.{method}.name", language)
            whole = _all_columns(_table_of(run, found, method, names[0])) if names else None
            parts.append(Section(heading, lines[:5], whole=whole))
    return parts


def _all_columns(frame: pd.DataFrame) -> Table | None:
    """Every column as it is, for the workbook."""
    if not len(frame):
        return None
    columns = tuple(Column(str(c), str(c), wide=frame[c].dtype == object) for c in frame)

    def cell(value: Any) -> Cell:
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            return Cell(number(value, 3), float(value) if np.isfinite(value) else None)
        return Cell("" if value is None or value != value else str(value))

    return Table(columns, tuple(tuple(cell(v) for v in row) for row in frame.itertuples(index=False)))


def _areas_picture(
    areas: pd.DataFrame, followed: pd.DataFrame, outlines: ZoneOutlines | None, language: str, type_pt: float = 8.5
) -> Picture | None:
    """Named areas and followed hotspots as outlines in the colour of their standing, over the zones."""
    pairs = [(areas, "standing"), (followed, "status")]
    drawn = [(f, c) for f, c in pairs if isinstance(f, gpd.GeoDataFrame) and f.geometry.notna().any()]
    if outlines is None or not drawn:
        return None
    flat = [(frame[frame.geometry.notna()].to_crs(outlines.crs), column) for frame, column in drawn]
    kinds: dict[str, None] = {}
    figure = Figure(figsize=(6.9, 2.75))
    whole = np.array(outlines.thin.total_bounds)
    near = np.array(flat[0][0].total_bounds)  # around what was named; else around what was followed
    room = 0.25 * max(near[2] - near[0], near[3] - near[1])
    spread = max(near[2] - near[0], near[3] - near[1]) > 0.6 * max(whole[2] - whole[0], whole[3] - whole[1])
    windows = [(whole, (0, 0, 0.37, 1)), (near + np.array([-room, -room, room, room]), (0.38, 0, 0.37, 1))]
    windows = [(whole, (0, 0, 0.75, 1))] if spread else windows  # what lies all over needs no second map
    for i, (box, place) in enumerate(windows):
        ax = figure.add_axes(place)
        side = max(box[2] - box[0], box[3] - box[1])
        outlines.draw(ax, type_pt=type_pt * 0.8, language=language, fine=i == 1)
        for frame, column in flat:
            for kind in (k for k in COLOURS if (frame[column] == k).any()):
                kinds[kind] = None
                width = 1.8 if column == "standing" else 1.1
                own = frame[frame[column] == kind]
                own.boundary.plot(ax=ax, color=COLOURS[kind], linewidth=width, zorder=5)
        if i == 1 and "name" in flat[0][0]:
            for name, shape in zip(flat[0][0]["name"], flat[0][0].geometry, strict=True):
                x, y = shape.centroid.x, shape.bounds[3]
                ax.text(x, y, plain(str(name), 14), ha="center", va="bottom", fontsize=type_pt * 0.85, zorder=7,
                        fontfamily=families(language), clip_on=True)  # fmt: skip
        draw_scale_bar(ax, box[0] + 0.03 * side, box[1] + 0.03 * side, side, language, type_pt=type_pt * 0.8)
        ax.set(xlim=(box[0], box[2]), ylim=(box[1] - 0.05 * side, box[3]), xlabel="", ylabel="")
        ax.set_aspect("equal")
        ax.set_axis_off()
    key = figure.add_axes((0.76, 0, 0.24, 0.97))
    key.set_axis_off()
    handles = [
        Patch(
            facecolor="none",
            edgecolor=COLOURS[k],
            linewidth=1.8,
            label=say(f"label.named_{k.replace(' ', '_')}", language),
        )
        for k in COLOURS
        if k in kinds
    ]
    font = {"family": families(language), "size": type_pt}
    key.legend(handles=handles, loc="upper left", frameon=False, prop=font)
    return Picture.of(*picture_of(figure, dpi=170), say("paper.named_map", language))
