"""The page's drill-down: district → community → grid, with the counts of each level.

The levels are found in the boundaries themselves: columns in which every zone of a finer level has one value only.
Counts of cells go to the zone that the cell belongs to (the one in which its centre lies), and zones add up.
"""

import numpy as np
import pandas as pd

from gridmap.maps.layers import Layer
from gridmap.maps.ranking import HOT

__all__ = ["area_tree", "levels_of"]


def levels_of(zones: pd.DataFrame) -> list[pd.DataFrame]:
    """The levels above the zones, finest first: each `code, name` by zone row.

    Examples
    --------
    >>> zones = pd.DataFrame({"zone_id": ["1", "2", "3"], "street_name": ["东街", "东街", "西街"]})
    >>> [level["name"].tolist() for level in levels_of(zones)]
    [['东街', '东街', '西街']]
    """
    n, columns = len(zones), {}
    for column in zones.columns:
        if column in ("zone_id", "name", "level", "geometry") or pd.api.types.is_numeric_dtype(zones[column]):
            continue
        values = zones[column]
        if values.isna().any():
            continue
        code, names = pd.factorize(values.astype(str))
        if 1 < len(names) < n:
            columns[column] = (code, len(names))
    levels: list[tuple[np.ndarray, int, list[str]]] = []
    for column, (code, k) in sorted(columns.items(), key=lambda item: -item[1][1]):
        if levels and levels[-1][1] == k and _decides(levels[-1][0], code):
            levels[-1][2].append(column)  # the same zones under another name
        elif not levels or _decides(levels[-1][0], code):
            levels.append((code, k, [column]))
    out = []
    for code, _, same in levels:
        named = next((c for c in same if "name" in str(c).lower() or "名" in str(c)), same[-1])
        out.append(pd.DataFrame({"code": code, "name": zones[named].astype(str).to_numpy()}))
    return out


def _decides(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether each value of `fine` goes with one value of `coarse`."""
    return len(np.unique(np.column_stack([fine, coarse]), axis=0)) == len(np.unique(fine))


def area_tree(zones: pd.DataFrame | None, layers: list[Layer]) -> dict | None:
    """Nodes from the top level down, and the counts of every theme by zone; None without zones."""
    if zones is None or "zone_id" not in zones or len(zones) > 20_000:
        return None
    levels = levels_of(zones)[::-1]
    names, parents, node_of = [], [], np.full(len(zones), -1)
    for level in levels:
        first = level.assign(parent=node_of).groupby("code", sort=True).first()
        base = len(names)
        names += [str(n)[:200] for n in first["name"]]
        parents += [int(p) for p in first["parent"]]
        node_of = base + level["code"].to_numpy()
    base = len(names)
    shown = zones["name"] if "name" in zones else zones["zone_id"]
    names += [str(z if n is None or n != n else n)[:200] for n, z in zip(shown, zones["zone_id"], strict=True)]
    parents += [int(p) for p in node_of]
    ids = pd.Index(zones["zone_id"].astype(str))
    tree = {"names": names, "parents": parents, "zones": base, "layers": {}}
    if "persons" in zones and pd.api.types.is_numeric_dtype(zones["persons"]):
        tree["persons"] = [None if v != v else float(v) for v in zones["persons"].astype(float)]
    for i, layer in enumerate(layers):
        if (sums := _sums(layer, ids)) is not None:
            tree["layers"][f"l{i}"] = sums
    return tree if tree["layers"] else None


def _sums(layer: Layer, ids: pd.Index) -> dict | None:
    frame = layer.frame
    if layer.role != "theme" or ids.has_duplicates:
        return None
    zone = frame["zone_id"].astype(str).to_numpy() if "zone_id" in frame else frame.index.astype(str)
    at = ids.get_indexer(pd.Index(zone))
    if (at < 0).all():
        return None
    out = {}
    for column in ("count", "count_before", "count_after"):
        if column in frame:
            values = np.nan_to_num(frame[column].to_numpy(float)[at >= 0])
            out[column] = np.bincount(at[at >= 0], values, minlength=len(ids)).round(2).tolist()
    if "labels" in layer.facts and "count" in out:
        hot = frame[layer.facts["labels"]].isin(HOT).to_numpy() & (at >= 0)
        out["hot"] = np.bincount(at[hot], minlength=len(ids)).tolist()
    return out or None
