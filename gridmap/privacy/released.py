"""What was released carries for whom: decided once, asserted wherever it is written.

Whatever leaves gridmap passes `release` once. It gives back a `Released`: the value that the audience may have, what
it holds, and the audience. A hotspot result is released as a whole (`shown_result`) and carries its audience itself
(`result.audience`); a layer of a map or a part of a file that is made of it takes that over, because it is a selection
of columns and can hold nothing more. A writer then asserts (`value_for`, `is_released`) and decides nothing.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gridmap.audiences import AUDIENCES, DEFAULT_AUDIENCE, check_audience
from gridmap.privacy.audience_gate import gate

__all__ = ["Released", "is_released", "release", "value_for"]


@dataclass(frozen=True)
class Released:
    """A table that was held against its audience.

    Attributes
    ----------
    value : DataFrame or GeoDataFrame
        What the audience may have.
    content : str
        What a row is, one of `gridmap.privacy.CONTENTS`.
    audience : {"internal", "meeting", "public"}
    """

    value: pd.DataFrame
    content: str
    audience: str


def release(
    frame: pd.DataFrame, content: str, *, audience: str = DEFAULT_AUDIENCE, what: str = "The table"
) -> Released:
    """Hold a table against an audience, once.

    Raises
    ------
    InputError
        If the audience may not have it.

    Examples
    --------
    >>> counts = pd.DataFrame({"count": [7, 9]}, index=pd.Index(["a", "b"], name="cell_id"))
    >>> released = release(counts, "counts", audience="public")
    >>> released.audience, value_for(released, audience="public") is released.value
    ('public', True)
    """
    return Released(gate(frame, content, audience=audience, what=what), content, audience)


def is_released(thing: Any, audience: str) -> bool:
    """Whether something was released for this audience, or for one that may have less.

    Examples
    --------
    >>> table = release(pd.DataFrame({"hour": [1]}), "table", audience="meeting")
    >>> [is_released(table, audience) for audience in ("internal", "meeting", "public")]
    [True, True, False]
    """
    order = tuple(AUDIENCES)
    found = getattr(thing, "audience", None)
    return found in order and order.index(found) >= order.index(check_audience(audience).name)


def value_for(released: Released, *, audience: str) -> pd.DataFrame:
    """The table that was released for this audience: what a writer asks.

    Raises
    ------
    AssertionError
        If it was not: a writer was reached past the gate, which is a bug.
    """
    if not isinstance(released, Released) or not is_released(released, audience):
        raise AssertionError(f"not released for {audience}: {type(released).__name__}")
    return released.value
