"""What every hotspot method answers with.

A result carries its numbers *and* how they were made, because a report must print both.
It shows itself in Jupyter without reaching up the layers: `gridmap.maps` hands its viewer to
`register_viewer` when gridmap is imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import pandas as pd

__all__ = ["HotspotResult", "register_viewer"]

_viewer: Callable | None = None


def register_viewer(viewer: Callable) -> None:
    """Name the function that draws a result: `viewer(result, **options)` → a map with `_repr_html_` and `save`."""
    global _viewer
    _viewer = viewer


@dataclass(frozen=True)
class HotspotResult:
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
    """

    cells: pd.DataFrame
    method: str
    params: Mapping[str, Any]
    clusters: gpd.GeoDataFrame | None = None
    members: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self):
        object.__setattr__(self, "params", MappingProxyType(dict(self.params)))
        object.__setattr__(self, "notes", tuple(self.notes))

    def explore(self, **options):
        """The result as an interactive map (a `gridmap.maps` page; options go to `build_map`)."""
        if _viewer is None:
            raise RuntimeError("No viewer is registered. Import gridmap, not gridmap.hotspots.result alone.")
        return _viewer(self, **options)

    def _repr_html_(self) -> str | None:
        return None if _viewer is None else self.explore()._repr_html_()

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self.params.items())
        parts = [f"{len(self.cells):,} cells"] if len(self.cells) else []
        if "label" in self.cells:
            found = self.cells["label"].value_counts()
            parts += [f"{n:,} {label}" for label, n in found.items() if label != "none"]
        if self.clusters is not None:
            parts.append(f"{len(self.clusters):,} clusters")
        return f"<HotspotResult {self.method}({shown}): {', '.join(parts)}>"
