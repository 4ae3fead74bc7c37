"""What every hotspot method answers with.

A result carries its numbers *and* how they were made, because a report must print both.
It shows itself in Jupyter without reaching up the layers: `gridmap.maps` hands its viewer to
`register_viewer` when it is imported, at the latest when a result is to be shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap._io import plain_json
from gridmap._notebook_line import ShortForm, settings_in_short
from gridmap.errors import GridmapError, InputError
from gridmap.messages import Note

__all__ = ["GlobalResult", "HotspotResult", "NearRepeatResult", "register_viewer", "weight_of"]

_viewer: Callable | None = None
_plotter: Callable | None = None


def register_viewer(viewer: Callable, plotter: Callable | None = None) -> None:
    """Name what draws a result: `viewer(result, **options)` → a map, `plotter(…)` → a matplotlib figure."""
    global _viewer, _plotter
    _viewer, _plotter = viewer, plotter


def _drawn_by() -> tuple[Callable, Callable]:
    """The viewer and the plotter that were registered, at the latest when the public name `build_map` is looked up."""
    if _viewer is None:
        import gridmap

        _ = gridmap.build_map  # brings what draws, which registers itself
    assert _viewer is not None
    assert _plotter is not None
    return _viewer, _plotter


@dataclass(frozen=True, repr=False)
class HotspotResult(ShortForm):
    """The answer of a hotspot method, and how it was made.

    Attributes
    ----------
    cells : DataFrame or GeoDataFrame (EPSG:4326), indexed by cell_id, in the grid's order
        The method's columns among `count, expected, z_score, p_value, q_value, intensity, cluster_id, label`.
        A GeoDataFrame when the method was given a `Grid`, a DataFrame when it was given a bare adjacency.
        Empty (no rows) when the method works on points alone.
    method : str
        The function's name, as in "getis_ord".
    params : mapping
        Every setting as it was used, those chosen automatically included; lengths in metres.
    clusters : GeoDataFrame (EPSG:4326) or None
        One row a cluster, indexed by `cluster_id`, largest first: `count, rank, area_m2, geometry` (a hull) and more.
    members : DataFrame or None
        `incident_id, cluster_id` (−1 = noise), one row an incident used.
    notes : tuple of str
        What the reader must know: rows left out, approximations, few incidents.
    audience : str or None
        For whom it was released (`gridmap.privacy.release_result`); None for a method's own answer.
    """

    cells: pd.DataFrame
    method: str
    params: Mapping[str, Any]
    clusters: gpd.GeoDataFrame | None = None
    members: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())
    audience: str | None = field(default=None, kw_only=True)

    def __post_init__(self):
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))
        object.__setattr__(self, "notes", tuple(self.notes))

    def to_geodataframe(self) -> gpd.GeoDataFrame:
        """The cells with their shapes, indexed by `cell_id`; of a method that works on points, its clusters.

        Raises
        ------
        InputError
            If the method was given a bare adjacency, whose cells have no shapes.
        """
        shapes = self.cells if len(self.cells) or self.clusters is None else self.clusters
        if not isinstance(shapes, gpd.GeoDataFrame):
            raise InputError(Note("hotspots.result_without_shapes"))
        return shapes.copy()

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values, ready for JSON: method, params, notes, the columns, and the cells of each label.

        Examples
        --------
        >>> HotspotResult(pd.DataFrame({"label": ["hot 99", "none"]}), "getis_ord", {"order": 1}).as_dict()["labels"]
        {'hot 99': 1, 'none': 1}
        """
        labels = self.cells["label"].value_counts(sort=False).to_dict() if "label" in self.cells else {}
        return plain_json(
            {
                "method": self.method,
                "params": self.params,
                "notes": list(self.notes),
                "audience": self.audience,
                "cells": len(self.cells),
                "columns": [str(name) for name in self.cells.columns if name != "geometry"],
                "labels": {str(label): int(n) for label, n in labels.items()},
                "clusters": None if self.clusters is None else len(self.clusters),
            }
        )

    def explore(self, **options):
        """The result as an interactive map (a `gridmap.maps` page; options go to `build_map`)."""
        return _drawn_by()[0](self, **options)

    def plot(self, **options):
        """The result drawn for a paper, with legend and scale bar, on the Axes `ax=` or new ones; returns the Axes."""
        return _drawn_by()[1](self, **options)

    def _repr_html_(self) -> str | None:
        try:
            return self.explore()._repr_html_()
        except GridmapError:  # cells without shapes, as over a bare adjacency: the text form says what there is
            return None

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        shown = settings_in_short(self.params)
        parts = [f"{len(self.cells):,} cells"] if len(self.cells) else []
        if "label" in self.cells:
            found = self.cells["label"].value_counts()
            parts += [f"{n:,} {label}" for label, n in found.items() if label != "none"]
        if self.clusters is not None:
            parts.append(f"{len(self.clusters):,} clusters")
        return f"{type(self).__name__} {self.method}({shown}): {', '.join(parts)}"


_SYMBOLS = {"global_moran": "I", "global_geary": "C", "global_getis_ord": "G"}


@dataclass(frozen=True, repr=False)
class GlobalResult(ShortForm):
    """One statistic of a whole territory, and how it was made.

    Attributes
    ----------
    statistic : float
        Also under its own letter: `.I` (Moran), `.C` (Geary), `.G` (Getis & Ord).
    expected : float
        Without pattern.
    p_value : float
        Two-sided; by `params["assumption"]`, or by permutations where there were any.
    variance_normality, z_normality, p_normality : float
        The values are draws from one normal distribution; nan for G, which has no such form.
    variance_randomisation, z_randomisation, p_randomisation : float
        The values are as they are, and any arrangement of them is as likely as another.
    p_permutation : float
        Two-sided, nan without permutations.
    method, params, notes
        As in `HotspotResult`.
    """

    statistic: float
    expected: float
    p_value: float
    variance_normality: float
    z_normality: float
    p_normality: float
    variance_randomisation: float
    z_randomisation: float
    p_randomisation: float
    p_permutation: float
    method: str
    params: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self):
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))

    @property
    def z_score(self) -> float:
        """The z that belongs to `params["assumption"]`."""
        return self.z_normality if self.params["assumption"] == "normality" else self.z_randomisation

    def as_dict(self) -> dict[str, Any]:
        """The statistic and how it was made, as plain values ready for JSON."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain_json({**own, "z_score": self.z_score})

    def __getattr__(self, name: str):
        if name in ("I", "C", "G") and _SYMBOLS.get(str(self.__dict__.get("method"))) == name:
            return self.statistic
        raise AttributeError(f"{type(self).__name__} of {self.__dict__.get('method')} has no attribute {name!r}")

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"GlobalResult {self.method}: {_SYMBOLS[self.method]} = {self.statistic:.4f}, "
            f"expected {self.expected:.4f}, z = {self.z_score:.2f}, p = {self.p_value:.2g}"
        )


@dataclass(frozen=True, repr=False)
class NearRepeatResult(HotspotResult):
    """A table of space bands × time bands, and which event began or followed.

    Attributes
    ----------
    observed : DataFrame of int, space bands × time bands
        Pairs of events, each pair once.
    expected_mean, expected_median : DataFrame
        Over the permutations.
    ratio_mean, ratio_median : DataFrame
        observed / expected; nan where both are 0, inf where only the expected is.
    p_value : DataFrame
        (1 + permutations with as many pairs or more) / (1 + permutations).
    q_value : DataFrame
        p adjusted for the number of bands (Benjamini & Hochberg).
    members : DataFrame
        One row an event: its id (or index label) and `role`.
    """

    observed: pd.DataFrame = field(default_factory=pd.DataFrame)
    expected_mean: pd.DataFrame = field(default_factory=pd.DataFrame)
    expected_median: pd.DataFrame = field(default_factory=pd.DataFrame)
    ratio_mean: pd.DataFrame = field(default_factory=pd.DataFrame)
    ratio_median: pd.DataFrame = field(default_factory=pd.DataFrame)
    p_value: pd.DataFrame = field(default_factory=pd.DataFrame)
    q_value: pd.DataFrame = field(default_factory=pd.DataFrame)

    def _repr_html_(self) -> str:
        shown = self.ratio_mean.round(2).astype(str) + " (p " + self.p_value.round(3).astype(str) + ")"
        return shown.to_html()


def weight_of(params: Mapping[str, Any]) -> str | Note | None:
    """What is summed in place of incidents: the weight's column, or the word for it; None where they are counted."""
    return params.get("weight") or (Note("page.weight") if params.get("weighted") else None)
