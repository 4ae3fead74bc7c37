"""What lies around the hotspots: streets, water, railways, names, cameras. Grey, and never in the way.

`context_layer` draws a user's own frame as it is; `context_layers` draws what `read_context` read: simplified by zoom,
with a rank for each line that says from which scale on it is drawn, and within a size that a page can carry.
"""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.maps.layers.base import Layer, checked_shapes
from gridmap.maps.legend_classes import Class
from gridmap.maps.packing import pack, pack_outlines
from gridmap.messages import Note

__all__ = ["ContextLayer", "context_layer", "context_layers"]

#: In the order in which they lie over each other.
DRAWN = ("water", "rivers", "railways", "streets", "names")
#: Outlines are simplified for these scales; between two of them, for the finer one.
FINE, MIDDLING, COARSE = (9.0, 11.0, 13.0, 15.0), (9.0, 11.0, 13.0), (9.0, 11.0, 12.0)
#: The least important rank that is kept and the scales, from all there is to what fits anywhere.
LESS_AND_LESS = ((3, FINE), (2, FINE), (2, MIDDLING), (2, COARSE), (1, COARSE), (0, COARSE))
COLOURS = {"streets": "#8A93A0", "water": "#BCD7EA", "rivers": "#8FBBDB", "railways": "#5B6472", "names": "#4B5668"}
#: So far beyond the territory they are drawn, as a share of its extent.
AROUND = 0.06


@dataclass(frozen=True, repr=False)
class ContextLayer(Layer):
    """Lines, areas or points from the user's own file.

    Attributes
    ----------
    width_px : float
        Of lines, in pixels on the screen.
    nearest : str or None
        What to call one of them, where each ranked place tells how far the nearest is.
    surround : str or None
        Of `context_layers`: which of streets, water, railways, names it draws.
    """

    kind: ClassVar[str] = "context"

    width_px: float = 1.0
    nearest: str | None = None
    surround: str | None = None

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """How wide lines are; of surroundings, the rank of each."""
        out: dict[str, Any] = {"width_px": self.width_px}
        if self.surround:
            ranks = self.frame["rank"].to_numpy()[order].astype(np.uint8)
            out |= {"surround": self.surround, "ranks": pack(ranks.tobytes())}
        return out


def context_layer(
    frame: gpd.GeoDataFrame,
    *,
    name: str,
    colour: str = "#9AA5B1",
    width_px: float = 1.0,
    nearest: bool = False,
    show: bool = True,
) -> ContextLayer:
    """Roads, water, buildings, cameras or places from the user's own file, drawn under the hotspots.

    Parameters
    ----------
    frame : GeoDataFrame
        Lines, polygons (filled) or points; a column `name` shows on hover.
    name : str
        As the layer control shows it.
    colour : str
        As #RRGGBB.
    width_px : float
        Of lines, in pixels on the screen.
    nearest : bool
        Tell, for each ranked hotspot, how far the nearest of these is: cameras, alarm points, police posts.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError, CRSError, SettingError
        As for `boundaries_layer`; or for a colour that is none.
    """
    frame = checked_shapes(frame, name)
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", str(colour)):
        raise SettingError(Note("maps.colour", found=str(colour)))
    label = next((c for c in ("name", "名称", "NAME") if c in frame), None)
    return ContextLayer(
        name,
        frame,
        (Class(colour),),
        np.zeros(len(frame), np.uint8),
        columns=(label,) if label else (),
        show=show,
        width_px=float(width_px),
        nearest=str(name)[:60] if nearest else None,
    )


def context_layers(
    frame: gpd.GeoDataFrame, *, boundaries: gpd.GeoDataFrame | None = None, most_mb: float = 2.5, show: bool = True
) -> list[ContextLayer]:
    """Streets, water, railways and names of places as layers of a page: by zoom, and no larger than a page can carry.

    Parameters
    ----------
    frame : GeoDataFrame
        Of `read_context`; several can be put together by `pd.concat`.
    boundaries : GeoDataFrame, optional
        What lies more than a little outside of them is left out.
    most_mb : float
        Of all of them together, as they stand in the page. What does not fit is left out, the least first: footpaths
        and tracks, then corners that only the nearest scale shows, then small streets; the layer's notes say so.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    list of Layer
        One a kind, water first; empty where nothing lies within the boundaries.

    Raises
    ------
    InputError
        If the frame is none of `read_context`.

    Examples
    --------
    >>> from shapely import LineString
    >>> lanes = gpd.GeoDataFrame({"kind": "streets", "rank": [0], "name": ["High St"]}, crs=4326,
    ...                          geometry=[LineString([(-1.5, 53.8), (-1.4, 53.8)])])
    >>> context_layers(lanes)
    [<Layer 'page.context_streets': 1 rows, 1 classes, overlay>]
    """
    if not isinstance(frame, gpd.GeoDataFrame) or not {"kind", "rank", "name"} <= set(frame):
        raise InputError(Note("maps.context_of_read_context", found=type(frame).__name__))
    if most_mb <= 0:
        raise SettingError(Note("maps.context_mb", found=most_mb))
    frame = _near(checked_shapes(frame, Note("maps.context")), boundaries)
    areas = np.isin(shapely.get_type_id(frame.geometry.to_numpy()), (3, 6))
    drawn = frame["kind"].mask((frame["kind"] == "water") & ~areas, "rivers")  # lakes are filled, rivers are lines
    parts = {kind: _joined(frame[(drawn == kind) & (areas == (kind == "water"))]) for kind in DRAWN}
    kept, zooms, left_out = _within(parts, most_mb)
    notes = (Note("maps.context_left_out", mb=f"{most_mb:g}"),) if left_out else ()
    return [
        ContextLayer(
            Note(f"page.context_{kind}"),
            kept[kind],
            (Class(COLOURS[kind]),),
            np.zeros(len(kept[kind]), np.uint8),
            columns=("name",),
            show=show,
            notes=notes,
            surround=kind,
            zooms=() if kind == "names" else zooms,
        )
        for kind in DRAWN
        if len(kept[kind])
    ]


def _within(parts: dict[str, gpd.GeoDataFrame], most_mb: float) -> tuple[dict[str, gpd.GeoDataFrame], tuple, bool]:
    """As much of them as fits, the scales by which it is simplified, and whether anything was left out."""
    kept: dict[str, gpd.GeoDataFrame] = {}
    for number, (most_rank, zooms) in enumerate(LESS_AND_LESS):
        kept = {kind: part[part["rank"] <= most_rank] if len(part) else part for kind, part in parts.items()}
        if sum(_packed_size(part, zooms) for part in kept.values() if len(part)) <= most_mb * 1e6:
            return kept, zooms, number > 0
    return kept, LESS_AND_LESS[-1][1], True


def _near(frame: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """What lies in or just outside the territory, cut at the edge."""
    if boundaries is None:
        return frame
    west, south, east, north = boundaries.to_crs(4326).total_bounds
    room = AROUND * max(east - west, north - south)
    cut = shapely.clip_by_rect(frame.geometry.to_numpy(), west - room, south - room, east + room, north + room)
    frame = frame.set_geometry(gpd.GeoSeries(cut, index=frame.index, crs=4326))
    return frame[~shapely.is_empty(cut)]


def _joined(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Lines of one name and rank that meet are one line, which takes fewer bytes and carries its name once; areas and
    points stay as they are."""
    if not len(frame):
        return gpd.GeoDataFrame(frame)
    shapes = frame.geometry.to_numpy()
    lines = np.isin(shapely.get_type_id(shapes), (1, 5))
    rest = frame[~lines]
    groups = frame[lines].groupby([frame[lines]["rank"], frame[lines]["name"].fillna("")], sort=False)
    rows, merged = [], []
    for (rank, name), group in groups:
        parts = shapely.get_parts(
            shapely.line_merge(shapely.multilinestrings(shapely.get_parts(group.geometry.to_numpy())))
        )
        rows += [(group["kind"].iloc[0], rank, name or None)] * len(parts)
        merged += list(parts)
    joined = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=["kind", "rank", "name"], dtype=object).astype({"rank": int}),
        geometry=np.array(merged, dtype=object),
        crs=4326,
    )
    both = pd.concat([rest[["kind", "rank", "name", "geometry"]], joined], ignore_index=True) if len(rest) else joined
    both = gpd.GeoDataFrame(both, geometry="geometry", crs=4326)
    return both.sort_values("rank", kind="stable", ignore_index=True)


def _packed_size(frame: gpd.GeoDataFrame, zooms: tuple[float, ...]) -> int:
    drawn = pack_outlines(frame.geometry.to_numpy(), simplify=False, zooms=zooms)
    names = frame["name"].dropna().astype(str).str.encode("utf-8").str.len().sum() if len(frame) else 0
    return sum(len(v) for v in drawn.values() if isinstance(v, str)) + int(names)
