"""What all charts share: sizes, fonts, a quiet frame, a note under it, words for those who cannot see it, saving.

A chart is read from the back of the room or on a grey photocopy: large type, few lines, lightness that runs one way,
and never a colour alone to tell two things apart. Figures are made without pyplot, so they can be made in threads,
and the same data give the same file to the byte.
"""

import textwrap
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gridmap._fonts import drawing_style, families
from gridmap._io import atomic_file
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, check_language, did_you_mean, say

__all__ = ["FAINT", "INK", "SIZES", "STRONG", "Size", "alt_text", "chart", "checked", "note", "save_chart"]

#: Text in SVG as outlines, whole fonts in PDF; without hints, which give bold digits serifs on small pictures.
SAVED = {"svg.fonttype": "path", "svg.hashsalt": "gridmap", "pdf.fonttype": 42, "text.hinting": "none"}
INK = "#1F2937"
STRONG = "#0B4F8A"
FAINT = "#9CA3AF"
BAND = "#D6DAE0"


@dataclass(frozen=True)
class Size:
    """Width and height in inches, and the type in points."""

    width_in: float
    height_in: float
    type_pt: float


#: The width of a text column of A4, half of it, and a slide of 13.3 × 7.5 inches.
SIZES = {"page": Size(6.5, 3.6, 9.5), "half": Size(3.2, 3.0, 7.5), "slide": Size(12.0, 5.6, 18.0)}


def size_of(size: str) -> Size:
    """The size of that name."""
    if size not in SIZES:
        raise SettingError(Note("chart.error.no_size", found=size, meant=did_you_mean(str(size), SIZES)))
    return SIZES[size]


@contextmanager
def chart(size: str, language: str, *, height: float = 1.0):
    """A new figure, in the type that gridmap's charts have.

    Parameters
    ----------
    size : {"page", "half", "slide"}
    language : {"en", "zh"}
    height : float
        Times the height of that size.
    """
    check_language(language)
    measure = size_of(size)
    with drawing_style(_style(measure.type_pt, language)):
        yield Figure(figsize=(measure.width_in, measure.height_in * height), layout="constrained")


def _style(type_pt: float, language: str) -> dict:
    line = max(0.6, type_pt / 14)
    return {
        "font.family": families(language), "font.size": type_pt, "axes.titlesize": type_pt * 1.15,
        "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlecolor": INK, "axes.labelcolor": INK,
        "axes.edgecolor": FAINT, "axes.linewidth": line, "axes.spines.top": False, "axes.spines.right": False,
        "xtick.color": INK, "ytick.color": INK, "xtick.labelsize": type_pt * 0.95, "ytick.labelsize": type_pt * 0.95,
        "text.color": INK, "legend.frameon": False, "legend.fontsize": type_pt * 0.95, "axes.unicode_minus": False,
        "grid.color": "#E5E7EB", "grid.linewidth": line, "axes.axisbelow": True, "hatch.linewidth": line,
        "axes.titlepad": type_pt * 0.7, "text.parse_math": False,
    }  # fmt: skip


def word(key: str, language: str, /, **values: Any) -> str:
    """A text of the charts.

    Examples
    --------
    >>> word("n", "en", n=1200), word("n", "zh", n=1200)
    ('n = 1,200', '1,200 起')
    """
    return say(f"chart.{key}", language, **values)


def weekday_names(language: str) -> list[str]:
    """Monday first, in short."""
    return [say(f"weekday_short.{day}", language) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]


def month_names(language: str) -> list[str]:
    """January first, in short."""
    return [say(f"month_short.m{month}", language) for month in range(1, 13)]


def note(figure: Figure, texts: list[str], type_pt: float) -> None:
    """Small lines under the chart: what it does not show."""
    if texts:
        across = int(figure.get_figwidth() * 72 / (type_pt * 0.85) / 0.6)
        wide = any(ord(c) > 0x2E80 for t in texts for c in t)
        lines = [line for text in texts for line in textwrap.wrap(text, across // 2 + 6 if wide else across)]
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=type_pt * 0.85, color="#4B5563")


def head(ax: Axes, title: str | None, default: str, lines: int = 0) -> None:
    """The title, with room for so many lines under it; none for an empty text, so that a paper can write its own."""
    text = default if title is None else title
    ax.set_title(text, pad=matplotlib.rcParams["font.size"] * (0.7 + 1.6 * lines))


def checked(table, needed: tuple[str, ...], what: str) -> pd.DataFrame:
    """A table that has rows and the columns that are needed."""
    if not isinstance(table, pd.DataFrame):
        raise InputError(Note("chart.error.needs_table", what=what, found=type(table).__name__))
    for column in needed:
        if column not in table:
            meant = did_you_mean(column, map(str, table.columns))
            raise InputError(Note("chart.error.no_column", what=what, column=column, meant=meant))
    if not len(table):
        raise InputError(Note("chart.error.empty", what=what))
    return table


def alt_text(figure: Figure) -> str:
    """The chart in one sentence, for those who hear it read: what goes into a paper's alternative text."""
    return str(figure.get_label())


def save_chart(figure: Figure, path: str | Path, *, dpi: int = 200) -> Path:
    """Save a chart as .png, .svg (text as outlines) or .pdf (fonts embedded), whole or not at all.

    The same figure gives the same file to the byte.

    Raises
    ------
    SettingError
        For another ending.
    OutputError
        If it cannot be written there.
    """
    path = Path(path)
    quiet = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}, ".pdf": {"CreationDate": None}}
    if path.suffix.lower() not in quiet:
        raise SettingError(Note("chart.error.ending", found=path.name))
    kind = path.suffix.lower()
    with atomic_file(path) as part, drawing_style(SAVED):
        figure.savefig(part, format=kind[1:], dpi=dpi, metadata=quiet[kind], facecolor="white")
    return path
