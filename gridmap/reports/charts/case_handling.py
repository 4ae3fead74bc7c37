"""How are events handled? The funnel of units, and how long each step takes.

A league table of shares puts small units at both ends. In a funnel a share stands over the number of events it is of,
between limits that chance alone would keep, wider where there are few: what lies inside may be chance
(Spiegelhalter 2005). Step times count the open events for as long as they were watched.

References
----------
Spiegelhalter (2005), Statistics in Medicine 24, 1185–1202.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gridmap.governance.cases import AVERAGE, LABELS
from gridmap.messages import say
from gridmap.reports.charts.frame import FAINT, STRONG, chart, checked, head, note, size_of, word

__all__ = ["funnel_chart", "step_time_chart"]

WORSE, BETTER = "#C2410C", STRONG


def funnel_chart(
    table: pd.DataFrame,
    *,
    indicator: str = "on_time",
    language: str = "en",
    size: str = "page",
    title: str | None = None,
) -> Figure:
    """Shares of units over the number of events they are of, within the limits of chance.

    Parameters
    ----------
    table : DataFrame
        `CaseLife.funnel`: `n, share, low_95, high_95, low_998, high_998, label`, and where known `unit`, `of_all` (the
        share of all) and `spread` (over-dispersion).
    indicator : str
        What the share is of.
    language, size, title
        As in `trend_chart`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> labels = [AVERAGE, AVERAGE, LABELS[-1]]
    >>> table = pd.DataFrame({"unit": ["A", "B", "C"], "n": [200, 150, 80], "share": [0.8, 0.79, 0.4], "label": labels})
    >>> funnel_chart(table).get_label()
    'Funnel of 3 units around 72%: outside the limits lie C.'
    """
    table = checked(table, ("n", "share", "label"), word("what.funnel", language))
    table = table[(table["n"] > 0) & table["share"].notna()]
    table = checked(table, (), word("what.funnel", language))
    weight = table["n"].to_numpy(float)
    share = table["share"].to_numpy(float)
    middle = float(table["of_all"].iloc[0]) if "of_all" in table else float((share * weight).sum() / weight.sum())
    spread = float(table["spread"].iloc[0]) if "spread" in table else 1.0
    measure = size_of(size)
    across = np.linspace(max(weight.min() * 0.7, 1), weight.max() * 1.06, 200)
    error = np.sqrt(middle * (1 - middle) / across * spread)
    with chart(size, language, height=1.05) as figure:
        ax = figure.add_subplot()
        for z, style, code in ((1.96, (0, (4, 2)), "limit_95"), (3.09, "-", "limit_998")):
            for sign in (-1, 1):
                ax.plot(across, np.clip(middle + sign * z * error, 0, 1), color="#6B7280", linestyle=style,
                        linewidth=measure.type_pt / 11, label=word(code, language) if sign == 1 else None)  # fmt: skip
        ax.axhline(middle, color="#374151", linewidth=measure.type_pt / 9)
        sides = ((AVERAGE, FAINT, "o", "alike"), (LABELS[-1], WORSE, "v", "worse"), (LABELS[1], BETTER, "^", "better"))
        for label, colour, marker, code in sides:
            own = (table["label"] == label).to_numpy()
            size_pt = measure.type_pt * (0.5 if label == AVERAGE else 0.8)
            if own.any():
                ax.plot(weight[own], share[own], linestyle="", marker=marker, color=colour, label=word(code, language),
                        markersize=size_pt, markeredgecolor="white")  # fmt: skip
        outside = table[table["label"] != AVERAGE].sort_values("share")
        names = outside["unit"] if "unit" in outside else outside.index.to_series()
        for text, (_, row) in zip(names, outside.iterrows(), strict=True):
            ax.annotate(str(text)[:24], (row["n"], row["share"]), xytext=(6, 4), textcoords="offset points",
                        fontsize=measure.type_pt * 0.9, fontweight="bold")  # fmt: skip
        low = min(share.min(), float(np.clip(middle - 3.09 * error[0], 0, 1)))
        ax.set_ylim(max(0, low - 0.05), min(1.02, max(share.max(), middle + 3.09 * error[0]) + 0.04))
        ax.set_xlim(0, across[-1])
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_xlabel(word("events_due", language))
        code = f"governance.indicator.{indicator}"
        ax.set_ylabel(say(code, language))
        ax.grid()
        ax.legend(loc="lower right", ncols=2 if size != "half" else 1, handlelength=2)
        head(ax, title, word("funnel", language))
        note(figure, [word("funnel_note", language)], measure.type_pt)
        out = list(map(str, names))
        code = "alt_funnel" if out else "alt_funnel_none"
        figure.set_label(word(code, language, n=len(table), share=middle, names=out[:5]))
    return figure


def step_time_chart(
    table: pd.DataFrame, *, language: str = "en", size: str = "page", title: str | None = None
) -> Figure:
    """How long each step takes: half of the events, and nine tenths of them.

    Parameters
    ----------
    table : DataFrame indexed by step
        `CaseLife.whole_steps`: `n, open, median_hours, p90_hours` (inf: not yet so many).
    language, size, title
        As in `trend_chart`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> table = pd.DataFrame({"n": [90, 90], "open": [0, 9], "median_hours": [2, 30], "p90_hours": [8, np.inf]},
    ...     index=["filed", "handled"])
    >>> step_time_chart(table).get_label()
    'Step times: the longest is handled, half within 30 hours.'
    """
    table = checked(table, ("n", "open", "median_hours", "p90_hours"), word("what.step_times", language))
    measure = size_of(size)
    half, most = (table[c].to_numpy(float) for c in ("median_hours", "p90_hours"))
    known = np.concatenate([half[np.isfinite(half)], most[np.isfinite(most)], [1.0]])
    end = float(known.max()) * 1.12
    steps = [say(f"governance.step.{step}", language) for step in table.index]
    with chart(size, language, height=0.95) as figure:
        ax = figure.add_subplot()
        y = np.arange(len(table))[::-1]
        for place, middle, long, n, left in zip(y, half, most, table["n"], table["open"], strict=True):
            upto = long if np.isfinite(long) else end
            ax.barh(place, min(middle, end), height=0.5, color=STRONG, zorder=3)
            ax.plot([min(middle, end), upto], [place, place], color="#4B5563", linewidth=measure.type_pt / 5, zorder=2)
            marker = "|" if np.isfinite(long) else ">"
            ax.plot([upto], [place], marker=marker, color="#4B5563", markersize=measure.type_pt, zorder=4)
            text = word("step_says", language, n=int(n), open=int(left))
            ax.annotate(text, (0, place), xytext=(2, -measure.type_pt * 1.35), textcoords="offset points",
                        fontsize=measure.type_pt * 0.8, color="#4B5563", va="center")  # fmt: skip
        ax.set_yticks(y, steps)
        ax.set_ylim(-0.8, len(table) - 0.5)
        ax.set_xlim(0, end * 1.02)
        ax.set_xlabel(word("step_hours", language))
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        head(ax, title, word("step_times", language))
        note(figure, [word("step_note", language)], measure.type_pt)
        ranked = np.where(np.isfinite(half), half, np.inf)
        longest = int(np.argmax(ranked))
        hours = float(half[longest]) if np.isfinite(half[longest]) else float("nan")
        figure.set_label(word("alt_steps", language, step=steps[longest], hours=hours))
    return figure
