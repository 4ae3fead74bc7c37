"""Counts by cell: a table that knows what its numbers are.

A test of hotspots must know what it tests: 12 burglaries are a count, a harm score of 12 days is a weighted sum, 12.4
burglaries carried over from another grid are an estimate. The number alone does not tell. So counts are a `Counts`: a
DataFrame in every way, with one attribute more, `about`, which says what the numbers are and what was left out.

>>> about = CountsAbout(kind="counts", rows=9, outside=1)
>>> counts = Counts({"count": [5, 0, 3]}, index=pd.Index(["a", "b", "c"], name="cell_id"), about=about)
>>> counts.about.outside, counts.assign(rank=[1, 3, 2]).about.kind, counts.loc[["a", "c"]].copy().about.rows
(1, 'counts', 9)

**What keeps it**: indexing rows and columns, `assign`, `copy`, sorting, filtering, `reset_index`, `astype`, `unstack`,
pickling, joining on the left, and `concat` of counts that agree. **What drops it**: arithmetic other than adding counts
of one kind, because `counts / residents` holds rates, not counts; there `about` is None. One column,
`counts["count"]`, is a plain Series, so that it equals any other; it brings its kind along in `attrs`.

A test asks `about_counts(counts)`, which answers for any Series or DataFrame: what the table says of itself, and for
one that says nothing (read back from Parquet, or made by hand) what its numbers show.

>>> about_counts(counts["count"]).kind
'counts'
>>> about_counts(pd.Series([2, 0, 7])).kind, about_counts(pd.Series([2.5, 0, 7])).kind
('counts', 'fractions')
>>> about_counts(pd.DataFrame({"count": [70.5, 0.0], "incidents": [3, 0]})).kind
'weighted'
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import wraps
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.messages import Note, did_you_mean

__all__ = ["Counts", "CountsAbout", "CountsKind", "about_counts"]

CountsKind = Literal["counts", "weighted", "fractions", "crosswalked", "aoristic", "merged areas"]


@dataclass(frozen=True)
class CountsAbout:
    """What the numbers of a table of counts are, and what was left out of them.

    Attributes
    ----------
    kind : str
        - "counts": whole incidents, each counted once;
        - "weighted": sums of a weight, such as a harm score; the number of incidents stands in the column `incidents`;
        - "fractions": numbers that are not whole counts, of unknown origin;
        - "crosswalked": carried over from another grid, shared out by area, people or points;
        - "aoristic": incidents known as an interval, spread over the hours that it covers;
        - "merged areas": whole incidents of areas that were merged, because each must hold at least some number.
    rows : int, optional
        Incidents that were read and passed the filters. count.sum() + outside + untimed == rows + repeated for counts.
    outside : int or float, optional
        Of those, in no cell; for crosswalked numbers the total that lay in no target cell.
    untimed : int
        Of those, in no period (no time, or one too wide); 0 where the counts are not by period.
    repeated : int
        Counts added because overlapping zones count a point in each.
    category, by, every, officer_initiated, weight : optional
        The settings that they were counted with.
    outside_weight, untimed_weight : float, optional
        For weighted counts: the weight of the incidents outside and untimed.
    weights : tuple of (float, int), optional
        For weighted counts: each weight and how many of the incidents read have it; of more than 4,096 different ones,
        the means of 4,096 classes. A test needs it to know what chance alone adds up. Not in `attrs`.
    """

    kind: CountsKind = "counts"
    rows: int | None = None
    outside: float | None = None
    untimed: int = 0
    repeated: int = 0
    category: str | list[str] | None = None
    by: str | None = None
    every: str | None = None
    officer_initiated: bool | None = None
    weight: str | None = None
    outside_weight: float | None = None
    untimed_weight: float | None = None
    weights: tuple[tuple[float, int], ...] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in get_args(CountsKind):
            raise InputError(
                Note("grids.no_such_kind", found=self.kind, meant=did_you_mean(self.kind, get_args(CountsKind)))
            )

    @property
    def are_counts(self) -> bool:
        """Whether each number is a number of incidents, which a test of counts (Poisson, binomial) may take."""
        return self.kind in ("counts", "merged areas")

    def as_attrs(self) -> dict[str, Any]:
        """The same as a plain dict, as it stands in the `attrs` of the frame for those who read it there."""
        reported = asdict(replace(self, weights=None)).items()
        attrs = {name: value for name, value in reported if name in _ALWAYS or value}
        attrs["patrol_found"] = self.officer_initiated  # the name before officer_initiated
        return attrs


_ALWAYS = ("rows", "outside", "untimed", "category", "by", "every", "kind", "officer_initiated")


class Counts(pd.DataFrame):
    """Counts by cell: a DataFrame in every way, with `about`.

    Parameters
    ----------
    data, index, columns, dtype, copy
        As of a DataFrame.
    about : CountsAbout, optional
        What the numbers are. A copy of it stands in `attrs`, for those who read it there.
    """

    _metadata: ClassVar[list[str]] = ["_about"]  # what pandas hands on by itself
    _about: CountsAbout | None = None

    def __init__(self, data: Any = None, *args: Any, about: CountsAbout | None = None, **kwargs: Any):
        super().__init__(data, *args, **kwargs)  # type: ignore[call-arg]
        self._about = about or getattr(data, "_about", None)
        if about is not None:
            self.attrs.update(about.as_attrs())

    @property
    def about(self) -> CountsAbout | None:
        """What the numbers are; None where arithmetic made something else of them."""
        return self._about

    def marked(self, **changes: Any) -> "Counts":
        """A copy that says something else about itself: fields of `CountsAbout`, changed.

        Examples
        --------
        >>> counts = Counts({"count": [5, 0]}, about=CountsAbout(rows=5))
        >>> counts.marked(kind="merged areas").about.kind, counts.about.kind
        ('merged areas', 'counts')
        """
        result = self.copy()
        result._about = replace(self._about or CountsAbout(), **changes)
        result.attrs.update(result._about.as_attrs())
        return result

    def unstack(self, *args: Any, **kwargs: Any) -> Any:
        """As of a DataFrame; `about` stays."""
        return self._with(super().unstack(*args, **kwargs), self._about)  # noqa: PD010 - this is unstack

    @property
    def _constructor(self) -> Callable[..., "Counts"]:
        return Counts

    def __finalize__(self, other: Any, method: str | None = None, **kwargs: Any) -> "Counts":
        result = super().__finalize__(other, method=method, **kwargs)  # type: ignore[misc]
        if method in ("concat", "merge"):
            parts = [other.left] if method == "merge" else list(getattr(other, "input_objs", None) or other.objs)
            found = [getattr(part, "_about", None) for part in parts]
            result._about = found[0] if all(about == found[0] for about in found) else None
        return result

    @staticmethod
    def _with(result: Any, about: CountsAbout | None) -> Any:
        if isinstance(result, Counts):
            result._about = about
            result.attrs.clear()
            result.attrs.update(about.as_attrs() if about else {})
        return result


def _adding(name: str) -> Callable[..., Any]:
    method = getattr(pd.DataFrame, name)

    @wraps(method)
    def add(self: Counts, other: Any, *args: Any, **kwargs: Any) -> Any:
        mine, theirs = self._about, getattr(other, "_about", None)
        both = mine is not None and theirs is not None and (mine.kind, mine.weight) == (theirs.kind, theirs.weight)
        about = CountsAbout(kind=mine.kind, weight=mine.weight) if both and mine else None
        return Counts._with(method(self, other, *args, **kwargs), about)

    return add


def _changing(name: str) -> Callable[..., Any]:
    method = getattr(pd.DataFrame, name)

    @wraps(method)
    def change(self: Counts, *args: Any, **kwargs: Any) -> Any:
        return Counts._with(method(self, *args, **kwargs), None)

    return change


for _name in ("__add__", "__radd__", "add", "radd"):
    setattr(Counts, _name, _adding(_name))
for _name in ("sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _form in (f"__{_name}__", f"__r{_name}__", _name, f"r{_name}"):
        setattr(Counts, _form, _changing(_form))
for _name in ("div", "divide", "rdiv", "multiply", "subtract", "__neg__"):
    setattr(Counts, _name, _changing(_name))


def about_counts(values: Any, column: str = "count") -> CountsAbout:
    """What the numbers of any Series or DataFrame are, for a test that must know.

    Parameters
    ----------
    values : Series, DataFrame or array
        Counts as `count_by_cell` gives them, or any numbers.
    column : str
        The column of a DataFrame that is looked at; all numeric columns where it is not there.

    Returns
    -------
    CountsAbout
        `values.about` where there is one (or the `attrs` of one of its columns). Without it, "weighted" where a column
        `incidents` stands beside the numbers, else "counts" where all are whole and none is negative, else
        "fractions". Numbers that say they are counts but are not whole (somebody multiplied them) are "fractions" too,
        and the column `incidents` of weighted counts holds counts.

    Examples
    --------
    >>> counts = Counts({"count": [5, 0, 3]}, about=CountsAbout(kind="aoristic"))
    >>> about_counts(counts).are_counts, about_counts(pd.Series([5, 0, 3])).are_counts
    (False, True)
    """
    about = _what_it_says(values)
    frame = isinstance(values, pd.DataFrame)
    name = column if frame else getattr(values, "name", None)
    if about is None:
        weighted = frame and column != "incidents" and column in values and "incidents" in values
        about = CountsAbout(kind="weighted" if weighted else "counts")
    if about.kind == "weighted" and name == "incidents":
        about = replace(about, kind="counts")
    if not frame:
        numbers = np.asarray(values)
    else:
        numbers = (values[column] if column in values else values.select_dtypes("number")).to_numpy()
    return replace(about, kind="fractions") if about.are_counts and not _whole(numbers) else about


def _what_it_says(values: Any) -> CountsAbout | None:
    about = getattr(values, "_about", None)
    if about is not None or isinstance(values, Counts):  # arithmetic on Counts has made it None
        return about
    attrs = getattr(values, "attrs", {})
    if attrs.get("kind") not in get_args(CountsKind):
        return None
    return CountsAbout(**{one.name: attrs[one.name] for one in fields(CountsAbout) if one.name in attrs})


def _whole(numbers: np.ndarray) -> bool:
    try:
        numbers = numbers.astype(float)
    except ValueError:
        return True  # texts: refused by name where they are to be counted
    numbers = numbers[np.isfinite(numbers)]
    return bool((numbers >= 0).all() and (numbers == np.round(numbers)).all())
