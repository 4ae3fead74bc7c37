"""What a test must know of its numbers before it tests them: are they incidents, and how many?

Tests of counts rest on incidents coming one by one. A harm score, an estimate carried over from another grid or an
incident spread over the hours of a night has another law: on maps with nothing on them such tests then find hotspots
in most. So each method asks here, and either refuses or takes a form that holds for any values (shuffling them among
the cells). Guards against too little data count incidents, never a weighted sum.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.grids.counts_table import CountsAbout, about_counts
from gridmap.hotspots.cell_vectors import LEAST_INCIDENTS, require_incidents
from gridmap.messages import Note

__all__ = ["OF_UNKNOWN_LAW", "carried_over", "counts_only", "enough_incidents"]

#: Kinds of numbers of which tests of counts, and the normal p of Gi*, are known not to hold.
OF_UNKNOWN_LAW = ("weighted", "crosswalked", "aoristic")


def counts_only(counts: Any, method: str, *, column: str = "count", of_known_law: bool = False) -> CountsAbout:
    """What the numbers are, where they are numbers of incidents.

    Parameters
    ----------
    counts
        As the caller gave them.
    method : str
        Whose test it is, for the message.
    column : str
        The one that is tested.
    of_known_law : bool
        Refuse only numbers that are known to be no counts, not any fraction.

    Raises
    ------
    InputError
        For weighted sums, fractions, crosswalked and aoristic numbers: what they are, and what to take instead.

    Examples
    --------
    >>> counts_only(pd.Series([2, 0, 7]), "compare_periods").kind
    'counts'
    """
    if isinstance(counts, Mapping) and counts:
        return next(reversed([counts_only(one, method, column=column) for one in counts.values()]))
    about = about_counts(counts, column)
    if about.are_counts or (of_known_law and about.kind not in OF_UNKNOWN_LAW):
        return about
    what = Note(f"hotspots.kind_{about.kind}")
    remedy = Note("hotspots.take_incidents" if about.kind == "weighted" else "hotspots.take_counts")
    raise InputError(Note("hotspots.counts_only", method=method, what=what, remedy=remedy))


def enough_incidents(counts: Any, values: np.ndarray) -> CountsAbout:
    """What the numbers are; refuse too few incidents, in whatever they are weighed.

    Parameters
    ----------
    counts
        As the caller gave them.
    values : ndarray
        The same as one number a cell.
    """
    about = about_counts(counts)
    if about.kind == "weighted" and isinstance(counts, pd.DataFrame) and "incidents" in counts:
        require_incidents(counts["incidents"].to_numpy(float))
        return about
    if about.kind == "weighted" and about.rows is not None:
        held = int(about.rows - (about.outside or 0) - about.untimed)
        if held < LEAST_INCIDENTS:
            raise InputError(Note("hotspots.few_incidents", n=held, least=LEAST_INCIDENTS))
    require_incidents(values)
    return about


def carried_over(values: Any) -> dict[str, str]:
    """For a result's `params`: that its numbers were carried over from another grid, of which no test over cells holds.

    A coarse cell that is shared out makes its fine cells alike, so neighbours resemble each other on any map: such a
    result is drawn and claims nothing (`gridmap.hotspots.nulls`).

    Examples
    --------
    >>> from gridmap.grids.counts_table import Counts
    >>> carried_over(Counts({"count": [1.5, 0.5]}, about=CountsAbout(kind="crosswalked")))
    {'kind': 'crosswalked'}
    >>> carried_over(pd.Series([2, 0]))
    {}
    """
    return {"kind": "crosswalked"} if about_counts(values).kind == "crosswalked" else {}
