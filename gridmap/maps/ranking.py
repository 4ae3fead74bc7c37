"""Which places to name first: the ranked table beside the map, and the stops of its tour.

A committee names places, not cells. Hot cells that touch are therefore one hotspot, called after the zone in which
most of its incidents lie, and ranked by their number. Clusters keep the rank their method gave them; plain amounts
have no test behind them, so their highest cells are listed as just that.
"""

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap.maps.layers import Layer

__all__ = ["place_names", "ranked"]

#: Labels that make a hotspot, strongest first.
HOT = ("hot 99", "hot 95", "hot 90", "high-high", "up 99", "up 95", "up 90")
MOST_ROWS = 100


def place_names(frame: pd.DataFrame, names: dict[str, str]) -> pd.Series:
    """What each row is called: its own name, that of its zone, or nothing."""
    if "name" in frame:
        return frame["name"].astype(object).where(frame["name"].notna(), None)
    if "zone_id" in frame:
        return frame["zone_id"].map(lambda z: None if pd.isna(z) else names.get(str(z), str(z)))
    if len(names):
        return pd.Series([names.get(str(i)) for i in frame.index], index=frame.index, dtype=object)
    return pd.Series(None, index=frame.index, dtype=object)


def ranked(layer: Layer, names: dict[str, str]) -> list[dict]:
    """The layer's places, highest first: `name, rows` (positions in the frame), `code` and the numbers of each."""
    frame = layer.frame
    if not len(frame) or layer.facts.get("zones") or layer.facts.get("context"):
        return []
    places = place_names(frame, names)
    if layer.drawing == "lines":
        rows = [_row(layer, frame, [i], places) for i in range(len(frame))]
    elif "labels" in layer.facts:
        rows = _hotspots(layer, frame, places)
    else:
        column = layer.facts.get("rank_by", "count")
        order = frame[column].fillna(-np.inf).to_numpy().argsort(kind="stable")[::-1]
        rows = [_row(layer, frame, [int(i)], places) for i in order[:30] if frame[column].iloc[i] > 0]
    return rows[:MOST_ROWS]


def _hotspots(layer: Layer, frame: pd.DataFrame, places: pd.Series) -> list[dict]:
    label = frame[layer.facts["labels"]].astype(str)
    hot = np.flatnonzero(label.isin(HOT) | label.str.contains("hot", regex=False) & ~label.str.startswith("cold"))
    if not len(hot):
        return []
    group = _touching(frame, hot)
    rows = [_row(layer, frame, hot[group == g].tolist(), places) for g in range(group.max() + 1)]
    by = next((c for c in ("difference", "count", "z_score") if c in frame), None)
    weight = [(r["values"].get(by) or 0) if by else len(r["rows"]) for r in rows]
    return [rows[i] for i in np.argsort(weight, kind="stable")[::-1]]


def _touching(frame: pd.DataFrame, at: np.ndarray) -> np.ndarray:
    """A number for each of the rows `at`: the same where a chain of touching cells joins them."""
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = frame.geometry.to_numpy()[at]
        source, target = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    else:
        ids = {c: i for i, c in enumerate(frame.index[at])}
        pairs = [(i, ids[near]) for c, i in ids.items() for near in h3.grid_disk(c, 1) if near in ids]
        source, target = np.array(pairs).T
    joined = sparse.coo_array((np.ones(len(source), np.int8), (source, target)), shape=(len(at), len(at)))
    return sparse.csgraph.connected_components(joined, directed=False)[1]


def _row(layer: Layer, frame: pd.DataFrame, rows: list[int], places: pd.Series) -> dict:
    part = frame.iloc[rows]
    values: dict[str, float] = {}
    for column in ("count", "expected", "count_before", "count_after", "difference"):
        if column in part:
            values[column] = float(part[column].sum())
    if "count" in values and "expected" not in values and layer.method in ("getis_ord", "local_moran"):
        values["expected_even"] = float(frame["count"].mean() * len(part))
    base = values.get("expected", values.get("expected_even"))
    if "count" in values and base:
        values["ratio"] = values["count"] / base
    elif values.get("count_before"):
        values["ratio"] = values["count_after"] / values["count_before"]
    for column, best in (("z_score", "max"), ("p_value", "min"), ("q_value", "min"), ("stability", "mean")):
        if column in part and pd.api.types.is_numeric_dtype(part[column]):
            values[column] = float(getattr(part[column], best)())
    main = layer.facts.get("rank_by")
    if main and main in part and main not in values and pd.api.types.is_numeric_dtype(part[main]):
        values[main] = float(part[main].max())
    if "area_m2" in part:
        values["area_km2"] = float(part["area_m2"].sum()) / 1e6
    if len(rows) > 1:
        values["cells"] = len(rows)
    values = {k: round(v, 4) for k, v in values.items() if np.isfinite(v)}
    weight = part["count"].to_numpy(float) if "count" in part else np.ones(len(part))
    called = pd.Series(weight, index=places.iloc[rows].to_numpy()).groupby(level=0).sum()
    name = str(called.idxmax())[:200] if len(called) else None
    codes = layer.codes[rows]
    order = {c: i for i, c in enumerate(range(len(layer.classes)))}
    return {"name": name, "rows": rows, "code": int(min(codes, key=lambda c: order.get(int(c), 255))), "values": values}
