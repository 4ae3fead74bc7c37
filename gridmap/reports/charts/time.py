"""When? A trend with last year beside it, and the matrix of weekdays and hours.

A month that lies above last year's is news only if chance alone would seldom bring two counts so far apart. The band
holds the counts that do not differ from last year's at the 5 % level by the exact conditional test of two Poisson
counts (Przyborowski & Wilenski 1940). Where there is no year before, no band is drawn, and the chart says so.

References
----------
Garwood (1936), Biometrika 28, 437–442. Przyborowski & Wilenski (1940), Biometrika 31, 313–323.
Ratcliffe (2000), Int. J. Geographical Information Science 14, 669–679.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from gridmap._intervals import no_change_limits
from gridmap._periods import every_of
from gridmap.errors import InputError
from gridmap.messages import Note
from gridmap.reports.charts.frame import (
    BAND,
    FAINT,
    INK,
    STRONG,
    chart,
    checked,
    head,
    month_names,
    note,
    size_of,
    weekday_names,
    word,
)

__all__ = ["trend_chart", "weekday_hour_chart"]

#: How many periods are drawn as "now", and how many make a year.
IN_A_YEAR = {"M": 12, "Q": 4, "W": 52, "D": 365, "Y": 1}


def trend_chart(
    table: pd.DataFrame, *, language: str = "en", size: str = "page", title: str | None = None, n: int | None = None
) -> Figure:
    """Counts by month (day, quarter, year), with the band of the year before.

    Parameters
    ----------
    table : DataFrame
        `period` (pandas Period, or text such as "2018-07") and `count`. Several rows of a period, such as one a
        category, are added up. A period that is missing is a gap in the line, not a zero.
    language : {"en", "zh"}
    size : {"page", "half", "slide"}
    title : str, optional
        Over the chart; "" for none.
    n : int, optional
        How many periods to draw, the last ones; a year, by default, or all where they are days.

    Returns
    -------
    matplotlib Figure
        `alt_text(figure)` says it in words.

    Raises
    ------
    InputError
        For an empty table, missing columns, or periods that cannot be read.

    Examples
    --------
    >>> months = pd.DataFrame({"period": ["2018-05", "2018-06", "2018-07"], "count": [40, 52, 47]})
    >>> alt = trend_chart(months).get_label()
    >>> alt
    'Line of incidents by month from 2018-05 to 2018-07: lowest 40, highest 52 (2018-06), last 47.'
    """
    table = checked(table, ("period", "count"), Note("chart.what.trend"))
    counts = _by_period(table)
    assert isinstance(counts.index, pd.PeriodIndex)
    freq = counts.index.freqstr[0].upper()
    year = IN_A_YEAR.get(freq, 12)
    most = n or (len(counts) if freq == "D" else max(year, 5))
    span = pd.period_range(
        max(counts.index[0], counts.index[-1] - (most - 1)), counts.index[-1], freq=counts.index.freq
    )
    now = counts.reindex(span)
    before = counts.reindex(span - year)
    x = np.arange(len(span))
    known = before.notna().to_numpy()
    measure = size_of(size)
    with chart(size, language) as figure:
        ax = figure.add_subplot()
        if known.any():
            low, high = no_change_limits(before.fillna(0))
            low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
            _band(ax, x, low, high, word("band", language))
            ax.plot(
                x, before, color="#6B7280", linestyle=(0, (4, 2)), marker="s", markersize=measure.type_pt * 0.4,
                markerfacecolor="white", linewidth=measure.type_pt / 9, label=word("last_year", language),
            )  # fmt: skip
        ax.plot(
            x, now, color=STRONG, marker="o", markersize=measure.type_pt * 0.6, linewidth=measure.type_pt / 5,
            label=word("this_year", language), zorder=3,
        )  # fmt: skip
        if len(span) <= 13:
            for at, value in zip(x, now, strict=True):
                if np.isfinite(value):
                    ax.annotate(f"{value:,.0f}", (at, value), xytext=(0, measure.type_pt * 0.6), ha="center",
                                textcoords="offset points", fontweight="bold", color=STRONG, zorder=4,
                                path_effects=[withStroke(linewidth=2.5, foreground="white")])  # fmt: skip
        _period_axis(ax, span, freq, language, 7 if size == "half" else 13)
        ax.set_ylim(0, max(ax.get_ylim()[1], now.max() * 1.15, 1))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.set_ylabel(word("incidents", language))
        ax.grid(axis="y")
        lines = 0 if not known.any() else 1 if size != "half" else 2  # room for the legend under the title
        head(ax, title, word("trend", language, period=word(every_of(freq) or "period", language)), lines)
        if known.any():
            handles, labels = ax.get_legend_handles_labels()
            ax.legend(handles[::-1], labels[::-1], loc="lower left", bbox_to_anchor=(0, 1.0),
                      ncols=2 if size == "half" else 3, handlelength=2.2, columnspacing=1.2,
                      borderaxespad=0)  # fmt: skip
        stated = [] if known.all() else [word("no_last_year", language)]
        if known.any() and not known.all():
            stated = [word("part_last_year", language, known=int(known.sum()), total=len(span))]
        note(figure, stated, measure.type_pt)
        top = now.idxmax()
        figure.set_label(
            word(
                "alt_trend",
                language,
                period=word(every_of(freq) or "period", language),
                first=str(now.first_valid_index()),
                last=str(span[-1]),
                lowest=now.min(),
                highest=now.max(),
                highest_at=str(top),
                latest=now.iloc[-1],
            )
        )
    return figure


def _by_period(table: pd.DataFrame) -> pd.Series:
    """Counts by period, in order."""
    given = table["period"]
    if isinstance(given.dtype, pd.PeriodDtype):
        periods = pd.PeriodIndex(given)
    else:
        try:
            periods = pd.PeriodIndex([pd.Period(str(p)) for p in given])
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(Note("chart.error.trend_periods", why=str(error))) from None
    count = pd.to_numeric(table["count"], errors="coerce")
    if count.isna().all() or (count < 0).any():
        raise InputError(Note("chart.error.trend_counts"))
    return pd.Series(count.to_numpy(float), index=periods).groupby(level=0).sum(min_count=1).sort_index()


def _band(ax, x, low, high, label):
    """The band; where a period stands alone, a bar of it."""
    lone = np.isfinite(low) & ~np.isfinite(np.r_[np.nan, low[:-1]]) & ~np.isfinite(np.r_[low[1:], np.nan])
    ax.fill_between(x, low, high, color=BAND, linewidth=0, label=label, zorder=1)
    if lone.any():
        ax.bar(x[lone], (high - low)[lone], bottom=low[lone], width=0.3, color=BAND, zorder=1)
    if len(x) == 1:
        ax.set_xlim(-1, 1)


def _period_axis(ax, span: pd.PeriodIndex, freq: str, language: str, most: int) -> None:
    """Ticks under the periods: months by name, the year under the first and under each January."""
    names = month_names(language)
    step = max(1, int(np.ceil(len(span) / most)))
    at = np.arange(len(span))[::-1][::step][::-1]
    texts = []
    for i in at:
        p = span[i]
        year = word("year_label", language, year=str(p.year))
        below = f"\n{year}" if i == at[0] or p.year != span[i - step].year else ""
        written = {"M": names[p.month - 1] + below, "Y": year, "D": f"{p.month}-{p.day}{below}"}
        texts.append(written.get(freq, str(p)))
    ax.set_xticks(at, texts)


def weekday_hour_chart(
    week: pd.DataFrame | None, *, language: str = "en", size: str = "page", title: str | None = None
) -> Figure:
    """The matrix of weekdays and hours, with the sums of each beside it.

    Parameters
    ----------
    week : DataFrame or None
        7 × 24 as `hour_of_week` gives it, with what it says in `attrs`; or a long table `weekday` (0 = Monday), `hour`,
        `count`. None, empty or without any incident: the chart says that the times are not known.
    language, size, title
        As in `trend_chart`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> week = pd.DataFrame({"weekday": [4, 5], "hour": [22, 1], "count": [9, 4]})
    >>> weekday_hour_chart(week).get_label()
    'Matrix of weekday and hour: busiest is Fri from 22:00 to 23:00; busiest day Fri.'
    """
    matrix, attrs = _matrix(week)
    measure = size_of(size)
    names = weekday_names(language)
    with chart(size, language) as figure:
        if matrix is None:
            ax = figure.add_subplot()
            ax.set_axis_off()
            head(ax, title, word("week_title", language))
            ax.text(0.5, 0.5, word("times_unknown", language), ha="center", va="center", fontsize=measure.type_pt * 1.2)
            figure.set_label(word("times_unknown", language).replace("\n", " "))
            return figure
        grid = figure.add_gridspec(2, 2, width_ratios=(24, 4), height_ratios=(2, 7), hspace=0.02, wspace=0.02)
        ax = figure.add_subplot(grid[1, 0])
        over, beside = figure.add_subplot(grid[0, 0], sharex=ax), figure.add_subplot(grid[1, 1], sharey=ax)
        image = ax.pcolormesh(
            np.arange(25), np.arange(8), matrix, cmap="YlOrRd", vmin=0, vmax=max(matrix.max(), 1e-9),
            edgecolor="white", linewidth=measure.type_pt / 20,
        )  # fmt: skip
        ax.set_ylim(7, 0)
        ax.set_yticks(np.arange(7) + 0.5, names)
        ax.set_xticks(range(0, 25, 3), range(0, 25, 3))
        ax.set_xlabel(word("hour", language))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        over.bar(np.arange(24) + 0.5, matrix.sum(axis=0), width=0.86, color=FAINT)
        beside.barh(np.arange(7) + 0.5, matrix.sum(axis=1), height=0.86, color=FAINT)
        for side in (over, beside):
            side.set_axis_off()
        most = matrix.sum(axis=1).max()
        for d, total in enumerate(matrix.sum(axis=1)):
            beside.annotate(f"{total:,.0f}", (total, d + 0.5), xytext=(3, 0), textcoords="offset points", va="center")
        beside.set_xlim(0, most * 1.75)
        d, h = map(int, np.unravel_index(int(matrix.argmax()), matrix.shape))
        ax.plot([h, h + 1, h + 1, h, h], [d, d, d + 1, d + 1, d], color=INK, linewidth=measure.type_pt / 6, zorder=4)
        spread = bool(attrs.get("uncertain")) or not np.allclose(matrix, np.round(matrix))
        bar = figure.colorbar(image, ax=[ax, beside], location="right", aspect=18, pad=0.01, fraction=0.06)
        bar.set_label(word("expected_per_cell" if spread else "per_cell", language))
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(4, integer=matrix.max() >= 4)
        bar.update_ticks()
        head(over, title, word("week_title", language))
        note(figure, _in_words(attrs, language), measure.type_pt)
        figure.set_label(
            word(
                "alt_week",
                language,
                weekday=names[d],
                start=int(h),
                end=int(h) + 1,
                busiest_day=names[int(matrix.sum(axis=1).argmax())],
            )
        )
    return figure


def _matrix(week) -> tuple[np.ndarray | None, dict]:
    """7 × 24 numbers, and what is reported of them; None where there is nothing."""
    if week is None:
        return None, {}
    if not isinstance(week, pd.DataFrame):
        raise InputError(Note("chart.error.week_table", found=type(week).__name__))
    if {"weekday", "hour", "count"} <= set(week.columns):
        day, hour = (pd.to_numeric(week[c], errors="coerce").to_numpy(float) for c in ("weekday", "hour"))
        if not (np.isin(day, range(7)) & np.isin(hour, range(24))).all():
            raise InputError(Note("chart.error.weekday_hour"))
        matrix = np.zeros((7, 24))
        np.add.at(matrix, (day.astype(int), hour.astype(int)), week["count"].to_numpy(float))
    elif week.shape == (7, 24):
        matrix = week.to_numpy(float)
    elif not len(week):
        return None, {}
    else:
        raise InputError(Note("chart.error.week_shape", rows=week.shape[0], columns=week.shape[1]))
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise InputError(Note("chart.error.week_numbers"))
    return (matrix, dict(week.attrs)) if matrix.sum() > 0 else (None, {})


def _in_words(attrs: dict, language: str) -> list[str]:
    """What the matrix does not show, and how sure it is."""
    stated, rows = [], attrs.get("rows", 0)
    missing = attrs.get("untimed", 0) + attrs.get("too_long", 0)
    if missing:
        stated.append(word("untimed", language, untimed=missing, rows=rows))
    if attrs.get("uncertain"):
        stated.append(word("uncertain", language, share=attrs["uncertain_share"]))
    return stated
