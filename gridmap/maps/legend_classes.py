"""The classes of a legend, and how numbers and labels are sorted into them.

Amounts are cut where their own distribution says, but an honest legend keeps three things apart
that such cuts run together: no data, a true zero, and the amounts above it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridmap.errors import SettingError
from gridmap.hotspots.registry import side_of
from gridmap.maps import palette
from gridmap.messages import Note, did_you_mean, known, say

__all__ = [
    "SCHEMES",
    "Class",
    "Rule",
    "amount_classes",
    "breaks_of",
    "codes_of",
    "label_classes",
    "label_text",
    "own_label",
    "packed_text",
]


@dataclass(frozen=True)
class Class:
    """One entry of a legend.

    `label` is text from data or a Note; or, for a range of numbers, `low` and `high` are given and the range is written
    by whoever shows it. `hatch` draws it hatched: too few to tell, or possibly under-reported.
    """

    colour: str
    label: str | Note | None = None
    low: float | None = None
    high: float | None = None
    hatch: bool = False

    def text(self, language: str = "en") -> str:
        """What the legend says of it.

        Examples
        --------
        >>> Class("#D62F27", Note("label.hot_99")).text("zh"), Class("#FFEDA0", low=3.0, high=5.0).text()
        ('热点 99%', '3–5')
        """
        if self.label is not None:
            return say(self.label, language)
        if self.high is None:
            return ""
        digits = 0 if abs(self.high) >= 100 else 1 if abs(self.high) >= 10 else 2
        low, high = (f"{round(v, digits):,.{digits}f}" for v in (self.low or 0.0, self.high))
        low, high = (t.rstrip("0").rstrip(".") if "." in t else t for t in (low, high))
        if self.low == self.high:
            return high
        return f"≤ {high}" if low == "0" else f"{low}–{high}"

    def packed(self) -> dict[str, Any]:
        """As JSON holds it."""
        out: dict[str, Any] = {"colour": self.colour}
        if self.label is not None:
            out["label"] = packed_text(self.label)
        side = side_of(own_label(self.label))
        if side and not self.hatch:
            strong = own_label(self.label).endswith(("99", "high-high", "low-low"))
            out["pale"] = palette.stepping_back(self.colour, side, strong=strong)
        if self.high is not None:
            out |= {"low": self.low, "high": self.high}
        return out | ({"hatch": True} if self.hatch else {})


@dataclass(frozen=True)
class Rule:
    """A class as a rule over the columns, which other programs can apply: what it says, its colour, the rows it takes.

    `values`: the labels; `above`, `upto`: amounts, the lower end not included; `missing`: rows without a value.
    """

    label: str
    colour: str
    hatch: bool = False
    values: tuple[str, ...] = ()
    above: float | None = None
    upto: float | None = None
    missing: bool = False


def own_label(text: Any) -> str:
    """The label that a class is there for, whether or not any cell has it."""
    code = getattr(text, "code", "")
    known = (
        label
        for scale in (*palette.SCALES, palette.QUIET)
        for label in scale
        if getattr(label_text(label), "code", "") == code
    )
    return next(known, "") if code.startswith("label.") else ""


def packed_text(value: str | Note) -> str | dict[str, Any]:
    """A text as JSON holds it: a Note as its code and values, which the page puts into the reader's language."""
    return value.to_dict() if isinstance(value, Note) else str(value)[:200]


SCHEMES = {
    "quantiles": lambda v, k: np.quantile(v, np.arange(1, k + 1) / k),
    "equal_interval": lambda v, k: np.linspace(v.min(), v.max(), k + 1)[1:],
    "head_tail": lambda v, k: _head_tail(v),
    "fisher_jenks": lambda v, k: _natural(_thinned(v), k),
}

#: Labels that say "we cannot tell": drawn hatched, never as safe.
HATCHED = {
    "too few": ("#C9CDD2", "page.too_few"),
    "possibly under-reported": ("#8C96A3", "page.under_reported"),
    "under-reported": ("#8C96A3", "page.under_reported"),
    "quiet": ("#8C96A3", "page.under_reported"),
}


def _thinned(values: np.ndarray, n: int = 600) -> np.ndarray:
    """At most n of the sorted values at even ranks, both ends kept: a sample that is the same each time."""
    values = np.sort(values)
    return values if len(values) <= n else values[np.linspace(0, len(values) - 1, n).astype(int)]


def _head_tail(values: np.ndarray) -> np.ndarray:
    """Cut at the mean, what lies above at its own mean, and so on to the largest (head–tail breaks; Jiang 2013).

    Examples
    --------
    >>> _head_tail(np.array([1.0, 1, 1, 2, 2, 3, 5, 9, 30])).tolist()
    [6.0, 19.5, 30.0]
    """
    bounds = []
    while len(values) > 1 and values.min() < values.max():
        bounds.append(values.mean())
        values = values[values > bounds[-1]]
    return np.array([*bounds, values.max()])


def _natural(values: np.ndarray, k: int) -> np.ndarray:
    """Fisher's exact natural breaks of sorted values: the k groups with the least sum of squares within.

    By dynamic programming over all cuts at once (Fisher 1958).

    Examples
    --------
    >>> _natural(np.array([1.0, 2.0, 2.5, 10.0, 11.0, 50.0]), 3).tolist()
    [2.5, 11.0, 50.0]
    """
    n = len(values)
    s, q = np.concatenate([[0], np.cumsum(values)]), np.concatenate([[0], np.cumsum(values**2)])
    i, j = np.ogrid[:n, 1 : n + 1]
    size = np.where(j > i, j - i, 1)
    within = np.where(j > i, q[j] - q[i] - (s[j] - s[i]) ** 2 / size, np.inf)  # group i … j−1
    best, cuts = within[0], []
    for _ in range(min(k, n) - 1):
        cost = np.concatenate([[np.inf], best[:-1]])[:, None] + within
        cuts.append(cost.argmin(axis=0))
        best = cost.min(axis=0)
    end, bounds = n, [values[-1]]
    for cut in reversed(cuts):
        end = int(cut[end - 1])
        bounds.append(values[end - 1])
    return np.array(bounds[::-1])


def breaks_of(values, *, scheme: str | Sequence[float] = "quantiles", k: int = 5) -> tuple[float, ...]:
    """Upper bounds of at most `k` classes for the amounts above zero, ascending.

    Examples
    --------
    >>> breaks_of([0, 0, 1, 1, 1, 2, 3, 4, 9], k=3)
    (1.0, 3.0, 9.0)
    >>> breaks_of([1, 5, 20], scheme=[10, 100])
    (10.0, 100.0)
    """
    values = np.asarray(values, float).ravel()
    above = values[np.isfinite(values) & (values > 0)]
    if not isinstance(k, int | np.integer) or isinstance(k, bool) or not 1 <= k <= 7:
        raise SettingError(Note("maps.number_of_classes", found=str(k)))
    if not isinstance(scheme, str):
        try:
            given = tuple(float(b) for b in scheme)
        except (TypeError, ValueError):
            given = ()
        if not given or any(b <= a for a, b in itertools.pairwise(given)) or not np.isfinite(given).all():
            raise SettingError(Note("maps.breaks_ascend", found=str(scheme)))
        if len(given) > 7:
            raise SettingError(Note("maps.too_many_breaks", n=len(given)))
        return (*given[:-1], max(given[-1], float(above.max()))) if len(above) else given
    if scheme not in SCHEMES:
        raise SettingError(Note("maps.no_scheme", found=scheme, meant=did_you_mean(scheme, SCHEMES)))
    if not len(above):
        return ()
    distinct = np.unique(above)
    if len(distinct) <= k:
        return tuple(distinct.tolist())
    bins = np.unique(np.asarray(SCHEMES[scheme](above, k), float))[-7:]
    whole = np.allclose(distinct, np.round(distinct))
    bins = np.unique(np.floor(bins)) if whole else bins
    bins[-1] = max(bins[-1], above.max())
    return tuple(bins[bins > 0].tolist())


def amount_classes(values, *, scheme="quantiles", k=5) -> tuple[tuple[Class, ...], np.ndarray, tuple[float, ...]]:
    """Classes, code of each value and upper bounds: "no data", zero, then the amounts above it.

    Negative amounts fall under zero's class only when there are none above; a column with both is a change,
    and is better drawn by its label.
    """
    values = np.asarray(values, float)
    bounds = breaks_of(values, scheme=scheme, k=k)
    classes = [Class(palette.NO_DATA, Note("page.no_data"), hatch=True), Class(palette.ZERO, low=0.0, high=0.0)]
    if (values < 0).any():
        classes[1] = Class(palette.ZERO, Note("page.zero_or_less"))
    low, whole = None, bool(np.allclose(values[np.isfinite(values)] % 1, 0))
    above = values[np.isfinite(values) & (values > 0)]
    for colour, high in zip(palette.amounts(len(bounds)) if bounds else (), bounds, strict=True):
        first = float(above.min()) if low is None else (low + 1 if whole else low)
        classes.append(Class(colour, low=min(first, high), high=high))
        low = high
    return tuple(classes), codes_of(values, bounds), bounds


def codes_of(values, bounds: Sequence[float]) -> np.ndarray:
    """Class code of each value: 0 no data, 1 zero or less, 2 and up the amounts. The browser does the same."""
    values = np.asarray(values, float)
    codes = 2 + np.searchsorted(np.asarray(bounds, float), values, side="left").clip(max=max(len(bounds) - 1, 0))
    codes = np.where(values > 0, codes, 1)
    return np.where(np.isfinite(values), codes, 0).astype(np.uint8)


def label_classes(
    labels: pd.Series, *, scale: str | None = None, beyond: np.ndarray | None = None
) -> tuple[tuple[Class, ...], np.ndarray]:
    """Classes and codes of labels: a known scale in its order, whole; else the kinds that occur, by frequency.

    Parameters
    ----------
    labels : Series of str
    scale : str, optional
        Which scale they are of (`gridmap.hotspots.registry.SCALES`); the first that has all of them, when not given.
    beyond : array of bool, optional
        Which rows the test itself calls significant. A row that it does not is drawn as "none", whatever its label: a
        colour named hot never contradicts the test.
    """
    text = labels.astype(object).where(labels.notna(), None)
    before = {str(x) for x in pd.unique(text[text.notna()])}
    if beyond is not None:
        text = text.where(beyond | ~text.map(_claims), "none")
    found = [str(x) for x in pd.unique(text[text.notna()])]
    denied = before - set(found)  # labels that the test's own level does not allow: no class is left for them
    # the method's own scale: where none but "none" occurs, a change is still no hotspot
    scales = [palette.OF_SCALE[scale]] if scale is not None else [*palette.SCALES, palette.QUIET]
    colours = next((s for s in scales if set(found) - set(HATCHED) <= set(s)), None)
    classes: dict[str | None, Class] = {}
    if colours is not None:
        whole = colours is not palette.EMERGING  # seventeen classes: those that do not occur are left out
        shown = {k: colour for k, colour in colours.items() if k not in denied and (whole or k in found)}
        classes = {label: Class(colour, label_text(label)) for label, colour in shown.items()}
    else:
        by_count = [str(x) for x in text.dropna().astype(str).value_counts().index if str(x) not in HATCHED]
        for i, label in enumerate([x for x in by_count if x not in QUIET]):
            if i >= MOST_KINDS and len(by_count) > MOST_KINDS + 1:  # more colours than anyone can tell apart
                rest = Class("#D3D7DC", Note("page.others"))
                classes.update(dict.fromkeys([x for x in by_count if x not in classes and x not in QUIET], rest))
                break
            classes[label] = Class(palette.kind(i), label_text(label))
        classes.update({x: Class(palette.ZERO, Note("label.none")) for x in QUIET if x in by_count})
    hatched = dict.fromkeys([*(x for x in classes if x in HATCHED), *(x for x in found if x in HATCHED)])
    classes |= {x: Class(HATCHED[x][0], Note(HATCHED[x][1]), hatch=True) for x in hatched}
    if text.isna().any():
        classes[None] = Class(palette.NO_DATA, Note("page.no_data"), hatch=True)
    entries = list(dict.fromkeys(classes.values()))
    at = {label: entries.index(entry) for label, entry in classes.items()}
    codes = np.array([at[None if x is None else str(x)] for x in text], dtype=np.uint8)
    return tuple(entries), codes


#: The nine most frequent kinds have a colour of their own, all others one together.
MOST_KINDS = 9
#: Labels that say that nothing was found.
QUIET = ("none", "no pattern")


def _claims(label: object) -> bool:
    """Whether a label says that something was found, and not that one cannot tell."""
    return label is not None and label not in QUIET and label not in HATCHED


def label_text(label: str) -> str | Note:
    """A label of one of gridmap's methods as a Note, so that it reads in every language; else as it is.

    Examples
    --------
    >>> label_text("hot 99").say("zh"), label_text("Robbery")
    ('热点 99%', 'Robbery')
    """
    code = f"label.{str(label).replace('-', '_').replace(' ', '_')}"
    return Note(code) if known(code) else str(label)
