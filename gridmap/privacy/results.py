"""A method's answer, as an audience may be shown it.

Everything that a result holds is held against its audience here, once, and the result then carries it
(`result.audience`). Clusters keep their number and get a
cover for an outline, members lose their names and their order, notes are read for what they quote. A density that was
made of the points themselves is rounded to two figures: its exact values around a lone incident would tell its place.
"""

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.audiences import DEFAULT_AUDIENCE, Audience, check_audience
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.privacy.audience_gate import gate, gate_text
from gridmap.privacy.columns import without_incidents, without_persons

__all__ = ["SCATTERED", "shown_result"]

#: What `params["places"]` of a density says whose incidents were moved within their cells before.
SCATTERED = "each incident at a random place in its own cell"


def shown_result(result: Any, *, audience: str = DEFAULT_AUDIENCE, what: str = "The result") -> Any:
    """A result that holds what an audience may be shown.

    Parameters
    ----------
    result : HotspotResult, or any other answer of a method
    audience : {"internal", "meeting", "public"}
    what : str
        What to call it in a message.

    Returns
    -------
    The same kind of thing
        With its `audience`; the result itself where it was released for this one already. But for "internal",
        clusters are covered by cells (none for the public), members have their cluster only, and notes tell no places
        and times.

    Examples
    --------
    >>> empty = pd.DataFrame(index=pd.Index([], name="cell_id"))
    >>> found = HotspotResult(empty, "dbscan", {}, members=pd.DataFrame({"incident_id": ["7"], "cluster_id": [-1]}))
    >>> shown_result(found, audience="meeting").members.columns.tolist()
    ['cluster_id']
    """
    who = check_audience(audience)
    if getattr(result, "audience", None) == audience:
        return result
    if not isinstance(result, HotspotResult):
        if who.points or not isinstance(result, pd.DataFrame):
            return result
        return gate(result, "table", audience="meeting", what=what)  # its counts: at the writer
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
    if getattr(result, "surface", None) is not None and result.params.get("places") != SCATTERED:
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
