"""The map of a result as a picture for paper: the page's colours and classes, a scale bar, north, numbers and names.

Drawn by `gridmap.maps.figure` from the shapes in `results/`; the class of each cell is the one that the page drew it
in, so paper and page cannot differ.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib import patheffects
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from gridmap._fonts import families
from gridmap.errors import GridmapError
from gridmap.grids.hierarchy import zone_levels
from gridmap.maps.figure import figure_of
from gridmap.maps.layers import CellsLayer, Class, ClustersLayer, Layer
from gridmap.messages import say
from gridmap.read.metric import metric_crs
from gridmap.reports.charts import alt_text, concentration_chart, ranked_bars, trend_chart, weekday_hour_chart
from gridmap.reports.run_folder import RunFolder, note_of, said_text

__all__ = ["ZoneOutlines", "map_picture", "paper_layer", "picture_of", "run_charts"]

#: As many ranks are numbered on the map as on the page.
MOST_NUMBERS = 10
#: More names than this are a grey haze on paper; the level above is named instead.
MOST_NAMES = 30


def paper_layer(entry: Mapping[str, Any], frame: gpd.GeoDataFrame) -> Layer:
    """A layer of the page, back from `facts.json` and its shapes.

    Parameters
    ----------
    entry : mapping
        One of `results[…]["layers"]`.
    frame : GeoDataFrame
        The file that it names.
    """
    classes = [
        Class(c["colour"], _text(c.get("label")), c.get("low"), c.get("high"), bool(c.get("hatch")))
        for c in entry["classes"]
    ]
    lines = entry["what"] == "clusters"
    codes = np.zeros(len(frame), np.uint8) if lines else frame["class_code"].to_numpy(np.uint8)
    kind = ClustersLayer if lines else CellsLayer
    return kind(_text(entry["name"]), frame, tuple(classes), codes, unit=_text(entry.get("unit")) or "")


def _text(value: Any) -> Any:
    return note_of(value)


def map_picture(
    layer: Layer,
    *,
    language: str = "en",
    zones: "ZoneOutlines | None" = None,
    ranked: Sequence[Mapping[str, Any]] = (),
    width_in: float = 5.4,
    dpi: int = 170,
) -> tuple[bytes, float]:
    """A layer as a PNG, and its height as a share of its width.

    Parameters
    ----------
    layer : Layer
    language : {"en", "zh"}
        Of the legend.
    zones : ZoneOutlines, optional
        Outlines to draw under it, and names to write: of the zones where they are few, else of the level above.
    ranked : list of table rows
        `rank` and `ids` (of the layer's rows): the first ten are numbered.
    width_in, dpi
        Of the panel; the legend stands beside it.

    Returns
    -------
    (bytes, float)
    """
    extent = None if zones is None else zones.extent
    figure = figure_of(layer, language=language, title="", width_in=width_in, extent=extent)
    (axes, *_) = figure.axes
    limits = axes.get_xlim(), axes.get_ylim()
    shapes = gpd.GeoSeries(layer.frame.geometry.to_numpy(), crs=4326)
    shapes = shapes.to_crs(metric_crs(tuple(shapes.total_bounds)))
    if layer.drawing == "lines":
        shapes.plot(ax=axes, color="#D62F27", alpha=0.45, edgecolor=layer.classes[0].colour, linewidth=1.2, zorder=4)
    if zones is not None:
        zones.draw(axes, shapes.crs, faint=layer.drawing != "lines")
    _numbers(axes, layer, shapes, ranked)
    axes.annotate(
        say("paper.north", language),
        xy=(0.985, 0.99),
        xytext=(0.985, 0.90),
        xycoords="axes fraction",
        ha="center",
        va="top",
        fontsize=9,
        fontfamily=families(language),
        arrowprops={"arrowstyle": "-|>", "color": "#111827", "linewidth": 1},
    )
    across, up = limits
    axes.set(xlim=across, ylim=up)
    axes.set_aspect("equal", adjustable="box")
    ratio = (up[1] - up[0]) / max(across[1] - across[0], 1)
    figure.set_size_inches(width_in + 1.8, width_in * min(max(ratio, 0.35), 1.25))
    return picture_of(figure, dpi=dpi)


def picture_of(figure, *, dpi: int = 170) -> tuple[bytes, float]:
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


class ZoneOutlines:
    """Outlines and names of the zones for several maps: simplified and joined once for each CRS.

    Parameters
    ----------
    zones : GeoDataFrame
        `zone_id, name, geometry` and the names of the levels above.
    """

    def __init__(self, zones: gpd.GeoDataFrame):
        self.zones = zones
        self.extent = tuple(float(v) for v in zones.total_bounds)
        self._made: dict[str, tuple] = {}

    def in_crs(self, crs) -> tuple[gpd.GeoSeries, gpd.GeoSeries, list[tuple[str, shapely.Point]]]:
        """Zones thinned to what paper shows, outlines of the level that is named, and names with their places."""
        key = crs.to_string()
        if key not in self._made:
            self._made[key] = self._make(crs)
        return self._made[key]

    def _make(self, crs):
        zones = self.zones
        outlines = gpd.GeoSeries(zones.geometry.to_numpy(), crs=4326).to_crs(crs)
        west, _, east, _ = outlines.total_bounds
        fine = max(east - west, 1) / 1500
        thin = gpd.GeoSeries(shapely.coverage_simplify(outlines.to_numpy(), fine), crs=crs)
        if "name" in zones and len(zones) <= MOST_NAMES:
            return thin, thin, list(zip(zones["name"], outlines.representative_point(), strict=True))
        levels = [level for level in zone_levels(zones) if 1 < level["name"].nunique() <= MOST_NAMES]
        above, named = [], []
        for name, parts in outlines.groupby(levels[0]["name"].to_numpy()) if levels else ():
            # closed by a little, so that neighbours which do not quite meet leave no slivers
            whole = shapely.union_all(parts.to_numpy()).buffer(fine).buffer(-fine).simplify(fine)
            above.append(whole)
            named.append((name, whole.representative_point()))
        return thin, gpd.GeoSeries(above, crs=crs), named

    def draw(self, axes, crs, *, faint: bool) -> None:
        """Into a map that is drawn in `crs`."""
        thin, above, named = self.in_crs(crs)
        thin.boundary.plot(ax=axes, color="#6B7280", linewidth=0.15 if faint else 0.3, alpha=0.6, zorder=1)
        if len(above):
            above.boundary.plot(ax=axes, color="#374151", linewidth=0.8, zorder=2)
        halo = [patheffects.withStroke(linewidth=2.2, foreground="white")]
        for name, point in named:
            if isinstance(name, str) and name:
                style = {"ha": "center", "va": "center", "fontsize": 8, "color": "#374151", "fontfamily": families()}
                text = axes.text(point.x, point.y, plain(name, 24), zorder=5, clip_on=True, **style)
                text.set_path_effects(halo)


def _numbers(axes, layer: Layer, shapes: gpd.GeoSeries, ranked) -> None:
    at = {str(name): i for i, name in enumerate(layer.frame.index)}
    for row in reversed(list(ranked)[:MOST_NUMBERS]):  # the first lies on top
        rows = [at[i] for i in row.get("ids", ()) if i in at]
        if not rows:
            continue
        middle = shapely.union_all(shapes.to_numpy()[rows]).centroid
        axes.text(
            middle.x,
            middle.y,
            str(row["rank"]),
            ha="center",
            va="center",
            fontsize=7.5,
            fontweight="bold",
            color="#111827",
            zorder=6,
            bbox={"boxstyle": "circle,pad=0.22", "facecolor": "white", "edgecolor": "#111827", "linewidth": 0.7},
        )


def plain(text: str, most: int) -> str:
    """As much of a text as fits, with no sign that matplotlib reads as mathematics, and none that cannot be drawn."""
    text = "".join(c for c in str(text) if c.isprintable()).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 1] + "…"


#: Concentration and ranked bars are drawn for so many results: the first ones of the list.
MOST_RESULTS = 2
#: Fewer months or days make no trend: two Julys are compared by a test, not by a line.
LEAST_PERIODS = 3


def run_charts(run: RunFolder, language: str) -> list[tuple[bytes, float, str]]:
    """PNG, height as a share of the width, and caption of each chart that the run has numbers for.

    Parameters
    ----------
    run : RunFolder
    language : {"en", "zh"}
    """
    makers = []
    trend, hours = run.table("trend.parquet"), run.table("hours.parquet")
    concentration = run.table("concentration.parquet")
    for kind, part in trend.groupby("category", sort=True) if len(trend) else ():
        if len(part) >= LEAST_PERIODS:
            makers.append((trend_chart, part, {}, kind))
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
        rows = [
            {"name": said_text(row["name"], language) or f"{row['rank']}", **row["values"]} for row in layer["ranked"]
        ]
        if rows and "count" in rows[0]:
            makers.append((ranked_bars, pd.DataFrame(rows), {}, name))
    pictures = []
    for maker, table, options, name in makers:
        try:
            figure = maker(table, language=language, title=name or None, **options)
        except GridmapError:  # too little to draw: the sentences and tables have said what there is
            continue
        png, ratio = picture_of(figure, dpi=200)
        heading = say("fact.heading", language, name=name) if name else ""
        pictures.append((png, ratio, heading + alt_text(figure)))
    return pictures
