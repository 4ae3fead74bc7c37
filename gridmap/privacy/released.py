"""What was released carries for whom: decided once, asserted wherever it is written.

Whatever leaves gridmap passes `release` or `release_result` once. `release` gives back a `Released`: the table that the
audience may have, what it holds, and the audience. `release_result` holds everything in a method's answer against the
audience, and the result then carries it itself (`result.audience`); a bare table comes back as a `Released`. A layer of
a map or a part of a file that is made of a released result takes its audience over, because it is a selection of
columns and can hold nothing more. A writer then asserts (`value_for`, `is_released`) and decides nothing.

Clusters keep their number and get a cover for an outline, members lose their names and their order, notes are read for
what they quote. A density that was made of the points themselves is rounded to two figures: its exact values around a
lone incident would tell its place.
"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._moved import old_functions
from gridmap.audiences import AUDIENCES, DEFAULT_AUDIENCE, Audience, check_audience
from gridmap.hotspots.density_result import DensityResult
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.privacy.audience_gate import gate, gate_text
from gridmap.privacy.disclosive_columns import without_incidents, without_persons

__all__ = ["SCATTERED", "Released", "is_released", "release", "release_result", "two_figures", "value_for"]

#: What `params["places"]` of a density says whose incidents were moved within their cells before.
SCATTERED = "each incident at a random place in its own cell"
__getattr__ = old_functions(__name__, {"shown_result": "release_result"})


@dataclasses.dataclass(frozen=True)
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


def release_result(result: Any, *, audience: str = DEFAULT_AUDIENCE, what: str = "The result") -> Any:
    """A method's answer that holds what an audience may be shown.

    Parameters
    ----------
    result : HotspotResult, or any other answer of a method
    audience : {"internal", "meeting", "public"}
    what : str
        What to call it in a message.

    Returns
    -------
    The same kind of thing, or Released
        With its `audience`; the result itself where it was released for this one already. But for "internal",
        clusters are covered by cells (none for the public), members have their cluster only, and notes tell no places
        and times. A bare table comes back as a `Released`; an answer of numbers alone as it is.

    Examples
    --------
    >>> empty = pd.DataFrame(index=pd.Index([], name="cell_id"))
    >>> found = HotspotResult(empty, "dbscan", {}, members=pd.DataFrame({"incident_id": ["7"], "cluster_id": [-1]}))
    >>> release_result(found, audience="meeting").members.columns.tolist()
    ['cluster_id']
    """
    who = check_audience(audience)
    if getattr(result, "audience", None) == audience:
        return result
    if not isinstance(result, HotspotResult):
        return release(result, "table", audience=audience, what=what) if isinstance(result, pd.DataFrame) else result
    cells = gate(result.cells, "cells", audience=audience, what=what)
    if who.points:  # all but persons
        drawn = {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if f.name != "cells"}
        shapes = {n: v for n, v in drawn.items() if isinstance(v, gpd.GeoDataFrame)}
        shapes = {n: gate(v, "clusters", audience=audience, what=what) for n, v in shapes.items()}
        return dataclasses.replace(result, cells=cells, audience=audience, **shapes)
    notes = tuple(gate_text(note, audience=audience) for note in result.notes)
    changes: dict[str, Any] = {"notes": notes, "cells": cells, "audience": audience}
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if field.name in changes or value is None:
            continue
        if field.name == "members":
            changes["members"] = _members(value)
        elif isinstance(value, gpd.GeoDataFrame):
            changes[field.name] = _outlines(value, who, audience)
        elif isinstance(value, pd.DataFrame):
            changes[field.name] = without_incidents(value, "table", who.time_unit, str)
    if isinstance(result, DensityResult) and result.surface is not None and result.params.get("places") != SCATTERED:
        changes["surface"] = two_figures(result.surface)
        changes["cells"] = cells.assign(
            **{c: two_figures(cells[c]) for c in ("intensity", "ratio", "log_ratio") if c in cells}
        )
    return dataclasses.replace(result, **changes)


def two_figures(values) -> np.ndarray:
    """Numbers rounded to two figures.

    Examples
    --------
    >>> two_figures([1234.5, 0.0456, 0.0]).tolist()
    [1200.0, 0.046, 0.0]
    """
    values = np.asarray(values, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = 10.0 ** (1 - np.floor(np.log10(np.abs(values))))
        rounded = np.round(values * step) / step
    return np.where(np.isfinite(rounded), rounded, values)


def _members(members: pd.DataFrame) -> pd.DataFrame | None:
    """Which cluster, not which incident; sorted, because the order of the rows is the order of the input."""
    kept = [c for c in ("area", "cluster_id") if c in members]
    return members[kept].sort_values(kept, ignore_index=True) if "cluster_id" in kept else None


def _outlines(frame: gpd.GeoDataFrame, who: Audience, audience: str) -> gpd.GeoDataFrame | None:
    if who.clusters == "none":
        return None
    if not len(frame):
        return without_persons(frame, "clusters", "The clusters")
    return gate(frame, "clusters", audience=audience, what=Note("privacy.the_clusters"))
