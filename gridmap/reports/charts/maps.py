"""small_multiples(): the same map period by period, with one legend and one scale bar.

The eye compares maps that stand side by side better than frames of an animation, which it must remember (Tufte 1983).
Colours and classes are those of the page's layer, the same in every map.
"""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from gridmap.errors import InputError
from gridmap.maps.figure import class_text, draw_scale_bar
from gridmap.maps.layers import CellsLayer, Layer
from gridmap.maps.legend_classes import codes_of
from gridmap.maps.packing import h3_outlines
from gridmap.messages import Note, say
from gridmap.read.metric_projection import metric_crs
from gridmap.reports.charts.frame import chart, month_names, size_of, word

__all__ = ["small_multiples"]

MOST = 24


def small_multiples(
    layer: Layer,
    *,
    periods: Sequence | None = None,
    columns: int | None = None,
    language: str = "en",
    size: str = "page",
    title: str | None = None,
) -> Figure:
    """One map a period.

    Parameters
    ----------
    layer : Layer
        With periods, as `gm.cells_layer(counts, "count", grid=grid)` gives it for counts by cell and period.
    periods : list, optional
        Which of them; the last twelve (six of size "half"), by default. At most 24.
    columns : int, optional
        Maps in a row.
    language, size, title
        As in `trend_chart`.

    Returns
    -------
    matplotlib Figure
        One axes a period, in order; its title says the period and how many incidents it has.

    Raises
    ------
    InputError
        For a layer without periods, or a period that it does not have.

    Examples
    --------
    >>> import gridmap as gm
    >>> cells = ["8819424409fffff", "881942440bfffff"]
    >>> at = pd.MultiIndex.from_product([cells, pd.period_range("2018-06", periods=2, freq="M")],
    ...                                 names=["cell_id", "period"])
    >>> layer = gm.cells_layer(pd.DataFrame({"count": [0, 2, 7, 1]}, index=at), "count", name="Burglary")
    >>> small_multiples(layer).get_label()
    '2 maps with one legend: 2018-06 to 2018-07.'
    """
    if not isinstance(layer, CellsLayer) or layer.frames is None:
        raise InputError(Note("chart.error.needs_periods"))
    there = list(layer.frames.columns)
    chosen = there[-6 if size == "half" else -12 :] if periods is None else [_found(p, there) for p in periods]
    if not 1 <= len(chosen) <= MOST:
        raise InputError(Note("chart.error.number_of_periods", most=MOST, found=len(chosen)))
    shapes = layer.frame.geometry.to_numpy() if layer.has_geometry else h3_outlines(layer.frame.index)
    flat = gpd.GeoSeries(shapes, crs=4326)
    flat = flat.to_crs(metric_crs(tuple(flat.total_bounds)))
    west, south, east, north = flat.total_bounds
    rings, owner = _rings(flat)
    across, up = max(east - west, 1.0), max(north - south, 1.0)
    measure = size_of(size)
    tallest = 1.1 if size == "slide" else 2.3  # times the height of a chart: a slide ends there
    named_pt = measure.type_pt * (0.72 if size == "slide" else 0.95)
    columns, tall = _layout(
        len(chosen), up / across * 1.12, measure.width_in, measure.height_in * tallest,
        title_in=2.4 * named_pt / 72, rest_in=6 * measure.type_pt / 72, columns=columns,
    )  # fmt: skip
    rows = int(np.ceil(len(chosen) / columns))
    drawn = layer.drawn_frames()
    with chart(size, language, height=tall / measure.height_in) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        used = set()
        for ax, period in zip(axes, chosen, strict=False):
            values = layer.frames[period].to_numpy(float)
            codes = codes_of(drawn[period].to_numpy(float), layer.frame_breaks)
            used |= set(codes.tolist())
            colours = np.array([c.colour for c in layer.classes], dtype=object)[codes]
            ax.add_collection(PolyCollection(rings, facecolors=colours[owner], edgecolors="#00000030", linewidths=0.15))
            ax.set_xlim(west, east)
            ax.set_ylim(south, north)
            ax.set_aspect("equal")
            total = word("n", language, n=round(float(np.nansum(values))))
            ax.set_title(
                f"{_called(period, language)}  {total}", fontsize=named_pt, fontweight="normal", pad=3, loc="center"
            )
        draw_scale_bar(axes[columns * (rows - 1)], west, south, across, language, type_pt=named_pt)
        below = axes[columns * (rows - 1)].get_ylim()[0]
        for ax in axes:
            ax.set_xlim(west, east)
            ax.set_ylim(below, north)  # all of one size, that with the scale bar too
        entries = [c for i, c in enumerate(layer.classes) if not c.hatch or i in used]
        handles = [
            Patch(facecolor=c.colour, edgecolor="#55606E", linewidth=0.5, hatch="////" if c.hatch else None)
            for c in entries
        ]
        figure.legend(
            handles, [class_text(c, language) for c in entries], title=say(layer.unit, language) or None,
            ncols=min(len(entries), 7 if size != "half" else 4), loc="outside lower center",
            handlelength=1.6, columnspacing=1.2,
        )  # fmt: skip
        name = say(layer.name, language)
        heading = word("multiples", language, name=name) if title is None else title
        if heading:
            figure.suptitle(heading, x=0.01, ha="left", fontweight="bold", fontsize=measure.type_pt * 1.15)
        span = word("span", language, first=str(chosen[0]), last=str(chosen[-1]))
        figure.set_label(word("alt_multiples", language, maps=len(chosen), periods=span))
    return figure


def _found(period, there: list):
    for known in there:
        if known == period or str(known) == str(period):
            return known
    ends = {"first": str(there[0]), "last": str(there[-1])}
    raise InputError(Note("chart.error.no_period", found=str(period), **ends))


def _called(period, language: str) -> str:
    if isinstance(period, pd.Period) and period.freqstr[0] == "M":
        return word("month_year", language, month=month_names(language)[period.month - 1], year=str(period.year))
    return str(period)


def _layout(n, shape, width_in, most_in, *, title_in, rest_in, columns) -> tuple[int, float]:
    """Maps in a row so that they come out as large as they can, and the height of the figure in inches.

    `shape` is a map's height over its width.
    """

    def width(columns):
        rows = int(np.ceil(n / columns))
        return max(min(width_in / columns * 0.96, ((most_in - rest_in) / rows - title_in) / shape), 0.05)

    best = columns or max(range(1, min(n, 6) + 1), key=lambda c: (round(width(c), 3), -c))
    rows = int(np.ceil(n / best))
    return best, max(rows * (width(best) * shape + title_in) + rest_in, 1.5)


def _rings(flat: gpd.GeoSeries) -> tuple[list[np.ndarray], np.ndarray]:
    """Outer rings of all shapes, and whose each is. Holes are covered by the cells that lie in them."""
    parts = flat.explode(ignore_index=False, index_parts=False)
    return [np.asarray(p.exterior.coords)[:, :2] for p in parts], parts.index.to_numpy()
