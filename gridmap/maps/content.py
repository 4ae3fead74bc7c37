"""What a page carries, as plain values ready for JSON: packed layers, their rankings, the zones, the words."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.audiences import DEFAULT_AUDIENCE
from gridmap.errors import InputError
from gridmap.maps.basemaps import Basemap, shifted
from gridmap.maps.context import boundaries_layer
from gridmap.maps.drawing import lonlat_bounds, pack, pack_column, pack_h3, pack_outlines
from gridmap.maps.gated import gated_layers
from gridmap.maps.hierarchy import area_tree
from gridmap.maps.layers import Class, Layer, Word
from gridmap.maps.patrols import pack_patrol
from gridmap.maps.ranking import enrich, place_names, ranked
from gridmap.maps.surface import surface_image
from gridmap.maps.words import WORDS

__all__ = ["class_entry", "page_data", "text", "zone_names"]

#: Above this many rows the page carries each row's class and first column only.
MOST_DETAILED = 30_000
DIGITS = {"z_score": 2, "p_value": 4, "q_value": 4, "ratio": 2, "stability": 2}


def page_data(
    layers: list[Layer],
    *,
    head: dict,
    language: str,
    boundaries: gpd.GeoDataFrame | None,
    hierarchy: pd.DataFrame | None = None,
    base: Basemap | None = None,
    audience: str = DEFAULT_AUDIENCE,
) -> dict:
    """Everything the page's scripts read, keyed as they read it."""
    layers = list(layers)
    if boundaries is not None and not any(layer.facts.get("zones") for layer in layers):
        layers.append(boundaries_layer(boundaries))
    layers = gated_layers(layers, audience)
    if base is not None and base.datum != "wgs84":
        layers = [shifted(layer, base.datum) for layer in layers]
    zones = next((layer.frame for layer in layers if layer.facts.get("zones")), None)
    names = zone_names(zones)
    packed = [pack_layer(layer, names, f"l{i}", layers) for i, layer in enumerate(layers)]
    boxes = [box for layer in layers if (box := lonlat_bounds(layer.frame))]
    if not boxes:
        raise InputError("None of the layers has anything to draw.")
    boxes = np.array(boxes)
    return {
        "language": language,
        "words": {key: list(both) for key, both in WORDS.items()},
        "head": head,
        "bounds": [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()],
        "h3": any(layer["draw"]["type"] == "h3" for layer in packed),
        "layers": packed,
        "areas": area_tree(zones, layers, hierarchy),
        "basemap": None if base is None else base.for_page(boxes),
    }


def zone_names(zones: pd.DataFrame | None) -> dict[str, str]:
    """What each zone is called, by its id; none where the zones have no names."""
    if zones is None or "name" not in zones or "zone_id" not in zones:
        return {}
    known = zones[zones["name"].notna()]
    return dict(zip(known["zone_id"].astype(str), known["name"].astype(str), strict=True))


def text(value: str | Word) -> str | dict:
    """A text as the page reads it: `{"w": key}` is said in the page's language."""
    return {"w": value.key} if isinstance(value, Word) else str(value)[:200]


def class_entry(entry: Class) -> dict:
    """A class as JSON tells it."""
    out = {"colour": entry.colour}
    if entry.label is not None:
        out["label"] = text(entry.label)
    if entry.high is not None:
        out |= {"low": entry.low, "high": entry.high}
    return out | ({"hatch": True} if entry.hatch else {})


def pack_layer(layer: Layer, names: dict[str, str], key: str, layers: list[Layer]) -> dict:
    """One layer, packed; `order` has been applied to every row it speaks of."""
    frame, order = layer.frame, np.arange(len(layer.frame))
    draw = None
    as_ids = layer.drawing != "lines" and not layer.facts.get("shifted") and _is_h3(frame)
    found = pack_h3(frame.index) if as_ids or not layer.has_geometry else None
    if found is not None:
        draw, order = found
    elif layer.has_geometry:
        draw = pack_outlines(frame.geometry.to_numpy())
    else:
        raise InputError("The H3 ids of one layer mix resolutions. Draw each resolution as a layer of its own.")
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))
    rows = frame.iloc[order]
    columns = layer.columns if len(frame) <= MOST_DETAILED else layer.columns[:1]
    data = {
        "id": key,
        "name": text(layer.name),
        "role": layer.role,
        "show": bool(layer.show),
        "drawing": layer.drawing,
        "draw": draw,
        "classes": [class_entry(c) for c in layer.classes],
        "codes": pack(layer.codes[order].tobytes()),
        "unit": text(layer.unit),
        "method": layer.method,
        "params": {str(k): _plain(v) for k, v in layer.params.items()},
        "notes": [str(n) for n in layer.notes],
        "facts": {k: _plain(v) for k, v in layer.facts.items() if k not in ("surface", "patrol")},
        "columns": [
            {"key": c, **pack_column(rows[c], digits=DIGITS.get(c))}
            for c in columns
            if c != "label" and c not in ("name", "zone_id")
        ],
        "ranked": [r | {"rows": place_of[r["rows"]].tolist()} for r in enrich(ranked(layer, names), layer, layers)],
    }
    if layer.drawing == "image":
        data["image"] = surface_image(layer)
    places = place_names(frame, names)
    if places.notna().any():
        data["places"] = pack_column(places.iloc[order])
    if not layer.facts.get("context") and len(frame) <= MOST_DETAILED and draw["type"] != "h3":
        data["ids"] = [str(i)[:60] for i in rows.index]
    if "patrol" in layer.facts:
        data["patrol"] = pack_patrol(layer)
    if layer.frames is not None:
        data["frames"] = _frames(layer, order)
    return data


def _is_h3(frame: pd.DataFrame) -> bool:
    import h3

    return len(frame) > 0 and all(isinstance(c, str) and h3.is_valid_cell(c) for c in frame.index)


def _frames(layer: Layer, order: np.ndarray) -> dict:
    """Amounts by row and period: one column's integers after the other."""
    values = layer.frames.iloc[order]
    flat = pd.Series(values.to_numpy(float).T.ravel())
    return {
        "periods": [str(p) for p in values.columns],
        "every": str(layer.facts.get("every", "period")),
        "bounds": [float(b) for b in layer.frame_breaks],
        "totals": [round(float(t), 3) for t in values.sum(axis=0)],
        **pack_column(flat),
    }


def _plain(value):
    """A setting as JSON can say it."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float | np.number):
        number = float(value)
        return (int(number) if number.is_integer() else round(number, 6)) if np.isfinite(number) else str(number)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value[:20]]
    return str(value)[:200]
