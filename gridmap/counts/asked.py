"""What is asked of a count, and what comes back, whichever engine counts.

DuckDB and Spark read the same question (`Asked`) and give the same answer (`Counted`); only the work between differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridmap._periods import FREQUENCIES
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.cell_counts import Counts, CountsAbout
from gridmap.messages import Note, did_you_mean

__all__ = ["EVERY", "MISSING", "Asked", "Counted", "Progress"]

#: Lengths of a period, and pandas' name for each.
EVERY: dict[str, str | None] = {**FREQUENCIES, "hour_of_week": None}
#: The kind of an incident whose `by` column is empty.
MISSING = "(missing)"
MOST_COUNTS = 100_000_000

#: Called with rows done, rows in all (None where unknown) and seconds gone.
Progress = Callable[[int, int | None, float], None]


@dataclass(frozen=True)
class Asked:
    """Which incidents are counted, and by what besides the cell."""

    categories: tuple[str, ...] | None
    by: str | None
    every: str | None
    patrol_found: bool | None

    @property
    def plain(self) -> bool:
        """Whether they are counted by cell alone."""
        return self.by is None and self.every is None

    def needed(self) -> dict[str, str]:
        """Columns that the source must have, and the setting that needs each."""
        needed = {}
        if self.every is not None:
            needed["occurred_from"] = f"every={self.every!r}"
        if self.patrol_found is not None:
            needed["patrol_found"] = f"patrol_found={self.patrol_found}"
        if self.by is not None:
            needed[self.by] = f"by={self.by!r}"
        if self.categories is not None:
            needed["category"] = "category="
        return needed

    def check_categories(self, there: Sequence[str]) -> None:
        """An InputError for a category that no incident has."""
        for name in self.categories or ():
            if name not in there:
                raise InputError(Note("counts.no_category", name=name, meant=did_you_mean(name, there)))

    def periods(self, first: int | None, last: int | None, rows: int, timed: int) -> Sequence:
        """All periods from the first to the last that occur, given as microseconds since 1970."""
        if self.every is None:
            return [None]
        if not timed:
            if not rows:
                raise InputError(Note("counts.no_incidents_by", every=self.every))
            raise InputError(Note("counts.no_times_by", every=self.every, rows=rows))
        if self.every == "hour_of_week":
            return pd.RangeIndex(168)
        freq = EVERY[self.every]
        at = pd.to_datetime([first, last], unit="us").to_period(freq)
        return pd.period_range(at[0], at[1], freq=freq)

    def period_keys(self, periods: Sequence) -> list:
        """Periods as the engines know them: microseconds, or the hour of the week."""
        if self.every in (None, "hour_of_week"):
            return list(periods)
        return periods.to_timestamp(how="start").as_unit("us").asi8.tolist()

    def kinds(self, found: Sequence) -> list:
        """The values of `by` in their order, the missing last."""
        if self.by is None:
            return [None]
        if self.by == "category" and self.categories is not None:
            return sorted(set(self.categories))
        kinds = sorted(k for k in found if k is not None)
        return [*map(str, kinds), MISSING] if len(kinds) < len(found) else kinds

    def kind_keys(self, kinds: Sequence) -> list[str | None]:
        """Kinds as the engines know them: text, null for the missing."""
        return [None if self.by is None or kind == MISSING else str(kind) for kind in kinds]

    def check_size(self, grid: Grid, periods: Sequence, kinds: Sequence) -> None:
        """A SettingError for more counts than can be held."""
        size = len(grid) * len(periods) * len(kinds)
        if size > MOST_COUNTS:
            sizes = {
                "cells": len(grid),
                "periods": len(periods),
                "kinds": len(kinds),
                "size": size,
                "most": MOST_COUNTS,
            }
            if self.every:
                span = {"first": str(periods[0]), "last": str(periods[-1])}
                raise SettingError(Note("counts.too_many_periods", **sizes, **span))
            raise SettingError(Note("counts.too_many", **sizes))


@dataclass(frozen=True)
class Counted:
    """Counts of every cell × period × kind, in that order, and what was not counted."""

    periods: Sequence
    kinds: Sequence
    counts: np.ndarray
    rows: int
    outside: int
    untimed: int
    repeated: int

    def frame(self, grid: Grid, asked: Asked) -> Counts:
        """The counts as `count_by_cell` gives them."""
        levels = {"cell_id": grid.cells.index}
        if asked.every:
            levels["period"] = self.periods
        if asked.by:
            levels[asked.by] = self.kinds
        index = pd.MultiIndex.from_product(levels.values(), names=levels) if len(levels) > 1 else grid.cells.index
        category = asked.categories and list(asked.categories)
        about = CountsAbout(
            rows=self.rows,
            outside=self.outside,
            untimed=self.untimed,
            repeated=self.repeated,
            category=category[0] if category and len(category) == 1 else category,
            by=asked.by,
            every=asked.every,
            officer_initiated=asked.patrol_found,
        )
        return Counts({"count": np.asarray(self.counts, dtype=np.int64)}, index=index, about=about)
