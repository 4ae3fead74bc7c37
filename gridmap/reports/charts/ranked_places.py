"""Where? How concentrated it is, and which places come first.

Any count is concentrated somewhere: throw 100 incidents at 1,000 places blindly, and at least 900 places have none. So
the curve is drawn with the one that chance alone would give for as many incidents (Bernasco & Steenbeek 2017), and a
rank with the interval of its count: where two intervals overlap widely, the order says little.

References
----------
Bernasco & Steenbeek (2017), Journal of Quantitative Criminology 33, 451–467. Weisburd (2015), Criminology 53, 133–157.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gridmap._intervals import poisson_interval
from gridmap.errors import InputError
from gridmap.messages import Note
from gridmap.reports.charts.frame import STRONG, chart, checked, head, note, size_of, word

__all__ = ["concentration_chart", "ranked_bars"]

DRAWS = 199  # of the curve under chance


def concentration_chart(
    counts,
    *,
    weights=None,
    of: float = 0.5,
    places: str | None = None,
    language: str = "en",
    size: str = "page",
    title: str | None = None,
    random_state: int | None = 0,
) -> Figure:
    """Which share of the places holds half of the incidents, against chance.

    Parameters
    ----------
    counts : Series or array of int, or DataFrame with `count`
        One number a place (cell, street, zone), zeros included.
    weights : array of float, optional
        How likely chance is to choose each place: its length, area or population. All alike by default; a frame's
        `length_m` is taken by itself.
    of : float
        The share of incidents that is read off.
    places : str, optional
        What to call them, as in "cells" or "street segments".
    language, size, title
        As in `trend_chart`.
    random_state : int, optional
        Of the draws under chance.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        For no places, no incident, or numbers that are not counts.

    Examples
    --------
    >>> concentration_chart([6, 2, 2, 0, 0, 0, 0, 0, 0, 0], places="cells").get_label().split("(")[0]
    '10% of the cells hold half of the incidents '
    """
    from gridmap.patrol.streets import street_concentration  # numba comes with it

    values, weights = _counts(counts, weights)
    total = int(values.sum())
    found = street_concentration(
        pd.DataFrame({"count": values, "length_m": weights}), of=of, samples=DRAWS, random_state=random_state
    )
    rng = np.random.default_rng(random_state)
    chance = np.zeros(len(values))
    for _ in range(DRAWS):
        chance += np.cumsum(np.sort(rng.multinomial(total, weights / weights.sum()))[::-1])
    chance /= DRAWS * total
    share = np.r_[0.0, np.arange(1, len(values) + 1) / len(values)]
    held = np.r_[0.0, found.curve["incidents"].to_numpy()]
    called = places or word("places", language)
    part = word("half_of", language) if of == 0.5 else word("part_of", language, share=f"{of:.0%}")
    shares = {"share_places": found.share, "low": found.low, "high": found.high, "chance": found.expected}
    percents = {key: _percent(value) for key, value in shares.items()}
    stated = word("half", language, places=called, held=part, **percents)
    measure = size_of(size)
    with chart(size, language, height=1.15) as figure:
        ax = figure.add_subplot()
        kept = _thinned(len(share))
        ax.plot([0, 1], [0, 1], color="#9CA3AF", linestyle=":", linewidth=measure.type_pt / 8,
                label=word("equal", language))  # fmt: skip
        ax.plot(share[kept], np.r_[0.0, chance][kept], color="#4B5563", linestyle=(0, (5, 2)),
                linewidth=measure.type_pt / 6, label=word("chance", language))  # fmt: skip
        ax.plot(
            share[kept], held[kept], color=STRONG, linewidth=measure.type_pt / 3.6, label=word("observed", language)
        )
        ax.plot([0, found.share, found.share], [of, of, 0], color="#1F2937", linewidth=measure.type_pt / 10)
        ax.plot([found.share], [of], marker="o", color=STRONG, markersize=measure.type_pt * 0.75, zorder=4,
                markeredgecolor="white")  # fmt: skip
        ax.annotate(
            stated, (found.share, of), xytext=(0.98, 0.42), textcoords="axes fraction", va="top", ha="right",
            fontweight="bold", color=STRONG, fontsize=measure.type_pt * 1.05,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 2},
        )  # fmt: skip
        ax.set_xlim(0, 1)
        ax.set_ylim(0, 1.02)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_xlabel(word("share_places", language, places=called))
        ax.set_ylabel(word("share_incidents", language))
        ax.grid()
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles[::-1], labels[::-1], loc="lower left", ncols=2 if size == "half" else 3, handlelength=2.4,
                  columnspacing=1.2, bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)  # fmt: skip
        head(ax, title, word("concentration", language), 1 if size != "half" else 2)
        figure.set_label(stated.replace("\n", " "))
    return figure


def _counts(counts, weights) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(counts, pd.DataFrame):
        checked(counts, ("count",), Note("chart.what.concentration"))
        weights = counts["length_m"] if weights is None and "length_m" in counts else weights
        counts = counts["count"]
    try:
        values = np.asarray(counts, float).ravel()
        chance = np.ones(len(values)) if weights is None else np.asarray(weights, float).ravel()
    except (TypeError, ValueError):
        raise InputError(Note("chart.error.counts_as_numbers")) from None
    if not len(values) or not np.isfinite(values).all() or (values < 0).any() or (values % 1 != 0).any():
        raise InputError(Note("chart.error.whole_counts"))
    if chance.shape != values.shape or not np.isfinite(chance).all() or (chance < 0).any() or chance.sum() <= 0:
        raise InputError(Note("chart.error.weights"))
    return values.astype(np.int64), chance


def _thinned(n: int, most: int = 2000) -> np.ndarray:
    """At most about so many points of a curve, its steep beginning whole."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.r_[np.arange(most // 2), np.linspace(most // 2, n - 1, most // 2).astype(int)])


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.0995 and round(share * 100, 1) % 1 else f"{share:.0%}"


def ranked_bars(
    table: pd.DataFrame,
    *,
    name: str = "name",
    value: str = "count",
    low: str | None = None,
    high: str | None = None,
    expected: str | None = None,
    most: int = 10,
    unit: str | None = None,
    language: str = "en",
    size: str = "page",
    title: str | None = None,
) -> Figure:
    """Places in the order of the table, each with its value and the interval of it.

    Parameters
    ----------
    table : DataFrame
        One row a place, first rank first.
    name, value : str
        Its columns.
    low, high : str, optional
        Columns with the ends of the interval. Without them, `value` must be whole counts: the exact Poisson interval.
    expected : str, optional
        A column with what was expected there, drawn as a tick.
    most : int
        Rows to draw.
    unit : str, optional
        Under the axis; "incidents", by default.
    language, size, title
        As in `trend_chart`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        For an empty table or missing columns, or where no interval is given and the values are not counts.

    Examples
    --------
    >>> places = pd.DataFrame({"name": ["Station", "Market"], "count": [31, 12]})
    >>> ranked_bars(places).get_label()
    'Bars of 2 places; first Station with 31, last Market with 12.'
    """
    ends = tuple(c for c in (low, high, expected) if c is not None)
    table = checked(table, (name, value, *ends), Note("chart.what.ranking")).head(most)
    values = pd.to_numeric(table[value], errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        raise InputError(Note("chart.error.number_a_place", column=value))
    if (low is None) != (high is None):
        raise InputError(Note("chart.error.two_ends"))
    if low is None and ((values < 0).any() or (values % 1 != 0).any()):
        raise InputError(Note("chart.error.not_counts", column=value))
    if low is None:
        bounds = poisson_interval(values)
    else:
        below, above = (pd.to_numeric(table[c], errors="coerce").to_numpy(float) for c in (low, high))
        bounds = below, above
    names = [str(v) if pd.notna(v) and str(v) else "–" for v in table[name]]
    measure = size_of(size)
    wrap = 24 if size != "half" else 16
    shown = [_two_lines(t, wrap // 2 if any(ord(c) > 0x2E80 for c in t) else wrap) for t in names]
    digits = 0 if (values % 1 == 0).all() else 1 if np.abs(values).max() >= 10 else 2
    with chart(size, language, height=max(0.5, 0.16 + 0.1 * len(values))) as figure:
        ax = figure.add_subplot()
        y = np.arange(len(values))
        ax.barh(y, values, height=0.66, color="#7FA8CC", edgecolor=STRONG, linewidth=measure.type_pt / 14)
        spread = [np.clip(values - bounds[0], 0, None), np.clip(bounds[1] - values, 0, None)]
        whiskers = ax.errorbar(
            values, y, xerr=np.nan_to_num(spread), fmt="none", ecolor="#111827", elinewidth=measure.type_pt / 7,
            capsize=measure.type_pt / 3, capthick=measure.type_pt / 7,
            label=word("poisson" if low is None else "interval", language),
        )  # fmt: skip
        handles = [whiskers]
        if expected is not None:
            (ticks,) = ax.plot(
                pd.to_numeric(table[expected], errors="coerce"), y, linestyle="none", marker="D", color="white",
                markeredgecolor="#111827", markersize=measure.type_pt * 0.6, label=word("expected", language), zorder=5,
            )  # fmt: skip
            handles.append(ticks)
        right = np.nanmax(np.r_[bounds[1], values, 1e-9])
        for at, v, end in zip(y, values, np.fmax(bounds[1], values), strict=True):
            ax.annotate(f"{v:,.{digits}f}", (end, at), xytext=(5, 0), textcoords="offset points", va="center",
                        fontweight="bold")  # fmt: skip
        ax.set_xlim(min(0, np.nanmin(np.r_[bounds[0], values])), right * 1.14)
        ax.set_yticks(y, [f"{t}" for t in shown])
        ax.set_ylim(len(values) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=digits == 0))
        ax.set_xlabel(unit or word("incidents", language))
        ax.grid(axis="x")
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.1)
        head(ax, title, word("ranked", language), 1)
        stated = [f"{values[i]:,.{digits}f}" for i in (0, -1)]
        figure.set_label(
            word(
                "alt_bars",
                language,
                places=len(values),
                first=names[0],
                first_value=stated[0],
                last=names[-1],
                last_value=stated[1],
            )
        )
        note(figure, [], measure.type_pt)
    return figure


def _two_lines(text: str, width: int) -> str:
    """A long name on two lines, with an ellipsis for the rest."""
    return "\n".join(textwrap.wrap(text, width, max_lines=2, placeholder="…")) or text
