"""Which places to name first: the ranked table beside the map, and the stops of its tour.

A committee names places, not cells. Hot cells from which one climbs, neighbour by neighbour, to the same peak of the
z-score are therefore one hotspot, called after the zone in which most of its incidents lie, ranked by their number.
Clusters keep the rank their method gave them; plain amounts have no test behind them, so their highest cells are
listed as just that.
"""

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely

from gridmap.maps.layers import Layer

__all__ = ["enrich", "place_names", "ranked"]

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
    by = next((c for c in ("difference", "count", "z_score") if c in frame), None)
    height = next((c for c in ("z_score", "difference", "count") if c in frame), None)
    group = _peaks(frame, hot, frame[height].to_numpy(float)[hot] if height else np.zeros(len(hot)))
    rows = [_row(layer, frame, hot[group == g].tolist(), places) for g in range(group.max() + 1)]
    weight = [(r["values"].get(by) or 0) if by else len(r["rows"]) for r in rows]
    return [rows[i] for i in np.argsort(weight, kind="stable")[::-1]]


def _peaks(frame: pd.DataFrame, at: np.ndarray, height: np.ndarray) -> np.ndarray:
    """A number for each of the rows `at`: the same where going uphill from cell to cell ends at the same peak.

    Touching cells alone would make one hotspot of a whole inner city.
    """
    if isinstance(frame, gpd.GeoDataFrame):
        shapes = frame.geometry.to_numpy()[at]
        source, target = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    else:
        ids = {c: i for i, c in enumerate(frame.index[at])}
        pairs = [(i, ids[near]) for c, i in ids.items() for near in h3.grid_disk(c, 1) if near in ids]
        source, target = np.array(pairs).T
    height = np.nan_to_num(height, nan=-np.inf)
    rank = np.empty(len(at), np.int64)
    rank[np.lexsort((-np.arange(len(at)), height))] = np.arange(len(at))  # ties: the earlier row is the higher one
    up = np.arange(len(at))
    order = np.argsort(rank[target], kind="stable")
    up[source[order]] = target[order]  # the last written is the highest neighbour, or the cell itself
    while (up[up] != up).any():
        up = up[up]
    return np.unique(up, return_inverse=True)[1]


def _row(layer: Layer, frame: pd.DataFrame, rows: list[int], places: pd.Series) -> dict:
    part = frame.iloc[rows]
    values: dict[str, float] = {}
    for column in ("count", "expected", "count_before", "count_after", "difference"):
        if column in part:
            values[column] = float(part[column].sum())
    if "count" in values and "expected" not in values and layer.method in ("getis_ord", "local_moran"):
        share = len(part) / len(frame)
        if (
            "population" in frame and frame["population"].sum() > 0
        ):  # the statistic is of rates: even per head, or per km²
            share = float(part["population"].sum() / frame["population"].sum())
        values["expected_even"] = float(frame["count"].sum() * share)
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
    zones = int(part["zone_id"].nunique()) if "zone_id" in part else 0
    codes = layer.codes[rows]
    order = {c: i for i, c in enumerate(range(len(layer.classes)))}
    best = int(min(codes, key=lambda c: order.get(int(c), 255)))
    return {"name": name, "rows": rows, "code": best, "values": values, "zones": zones}


def enrich(rows: list[dict], layer: Layer, layers: list[Layer]) -> list[dict]:
    """What the page's other layers know about the same cells: change, stability, peak hours, the nearest camera."""
    for other in layers:
        frame = other.frame
        if other is not layer and other.role == "theme" and frame.index.equals(layer.frame.index):
            for row in rows:
                _borrow(row, layer, other)
        if other.facts.get("nearest") and len(rows):
            _nearest(rows, layer, other)
    return rows


def _borrow(row: dict, layer: Layer, other: Layer) -> None:
    part, values = other.frame.iloc[row["rows"]], row["values"]
    if "difference" not in values and _same_counts(layer, other, "count_after"):
        before, after = float(part["count_before"].sum()), float(part["count_after"].sum())
        values |= {"count_before": before, "count_after": after, "difference": after - before}
    if "stability" in part and "stability" not in values and _same_counts(layer, other, "count"):
        values["stability"] = round(float(part["stability"].mean()), 4)
    if other.frames is not None and other.facts.get("every") == "hour_of_week" and _same_total(layer, other):
        day = other.frames.iloc[row["rows"]].to_numpy(float).sum(axis=0).reshape(7, 24).sum(axis=0)
        three = day + np.roll(day, -1) + np.roll(day, -2)
        if day.sum() >= 10:  # fewer tell nothing about hours
            start = int((three + 1e-6 * day).argmax())  # of equal windows, the one that begins with the most
            row["peak_hours"] = [start, (start + 3) % 24, round(float(three[start] / day.sum()), 3)]


def _same_counts(layer: Layer, other: Layer, column: str) -> bool:
    """Whether two layers speak of the same incidents: burglary's change is not to stand beside robbery's hotspots."""
    here, there = layer.frame.get("count"), other.frame.get(column)
    return here is not None and there is not None and np.array_equal(here.to_numpy(float), there.to_numpy(float))


def _same_total(layer: Layer, other: Layer) -> bool:
    """The same for hours of the week, where incidents without an hour are missing from the cells' sums."""
    if "count" not in layer.frame:
        return False
    here, there = layer.frame["count"].to_numpy(float), other.frames.to_numpy(float).sum(axis=1)
    return bool((there <= here + 1e-6).all() and there.sum() > 0.5 * here.sum())


def _nearest(rows: list[dict], layer: Layer, other: Layer) -> None:
    """Metres from each hotspot's middle to the nearest point of another layer, on a sphere."""
    points = shapely.get_coordinates(shapely.centroid(other.frame.geometry.to_numpy()))
    if layer.has_geometry:
        middle = [
            np.array(shapely.union_all(layer.frame.geometry.to_numpy()[r["rows"]]).centroid.coords[0]) for r in rows
        ]
    else:
        middle = [np.mean([h3.cell_to_latlng(layer.frame.index[i])[::-1] for i in r["rows"]], axis=0) for r in rows]
    for row, at in zip(rows, middle, strict=True):
        step = np.radians(points - at) * [np.cos(np.radians(at[1])), 1]
        row.setdefault("nearest", []).append(
            [str(other.facts["nearest"]), round(float(np.hypot(*step.T).min() * 6371008.8))]
        )
