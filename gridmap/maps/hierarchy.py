"""The page's drill-down: county → street → community → grid, with counts, rates and hot cells of each.

The levels above the zones are found in the boundaries (`grids.hierarchy`), and counts of cells go to the zone
that the cell belongs to (the one in which its centre lies). Where management grids were drawn, a table of
`grid_hierarchy` leads one level further down, to the grids. Either way only the lowest level carries numbers to the
page; what stands above is added up from it there, so all levels agree.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridmap.grids.hierarchy import zone_levels
from gridmap.maps.layers import CellsLayer, Layer

__all__ = ["area_tree"]

MOST = 20_000  # units at the lowest level
PEOPLE = ("persons", "population", "人口", "households", "户数")


def area_tree(
    zones: pd.DataFrame | None, layers: Sequence[Layer], hierarchy: pd.DataFrame | None = None
) -> dict | None:
    """Nodes from the top level down, and the counts of every theme by leaf; None without zones.

    `names` and `parents` of all nodes, the leaves last, from `zones` on; `layers`: counts by leaf; `top`: what the
    whole is called; `people` by leaf, and `per`, who they are. With grids: `leaf`, the layer whose rows the leaves
    are, and `zone`, each leaf's row in the layer of zones.
    """
    if hierarchy is not None and (tree := _tree_of_units(hierarchy, zones, layers)) is not None:
        return tree
    if zones is None or "zone_id" not in zones or len(zones) > MOST:
        return None
    levels = zone_levels(zones)[::-1]
    top = None
    if levels and levels[0]["code"].max() == 0:  # one county: the whole is called by its name
        top = str(levels.pop(0)["name"].iloc[0])[:200]
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
    return _with_numbers({"names": names, "parents": parents, "zones": base, "top": top}, ids, layers, zones)


def _tree_of_units(table: pd.DataFrame, zones: pd.DataFrame | None, layers: Sequence[Layer]) -> dict | None:
    """The tree of a table of units; None where no layer shows its lowest level."""
    parent = table["parent_id"].where(table["parent_id"].notna(), None)
    leaf = ~table.index.isin(parent.dropna())
    drawn = next(
        (
            i
            for i, layer in enumerate(layers)
            if layer.role == "theme" and layer.has_geometry and set(layer.frame.index) == set(table.index[leaf])
        ),
        None,
    )
    if drawn is None or leaf.sum() > MOST or (table.loc[leaf, "level"] == "cell").any():
        return None
    ids = pd.Index(layers[drawn].frame.index)
    depth, at = pd.Series(0, index=table.index), parent
    while at.notna().any() and depth.max() < 64:
        depth += at.notna().astype(int)
        at = at.map(parent).where(at.notna(), None)
    inner = table.index[~leaf][np.argsort(depth[~leaf].to_numpy(), kind="stable")]
    top = None
    if len(inner) and (depth[inner] == 0).sum() == 1 and not leaf[depth.to_numpy() == 0].any():
        top, inner = str(table.loc[inner[0], "name"])[:200], inner[1:]
    order = inner.append(ids)
    place = pd.Series(np.arange(len(order)), index=order)
    names = [str(u if n is None or n != n else n)[:200] for u, n in table.loc[order, "name"].items()]
    parents = [int(place.get(p, -1)) if p is not None else -1 for p in parent.loc[order]]
    tree = {"names": names, "parents": parents, "zones": len(inner), "top": top, "leaf": f"l{drawn}"}
    if zones is not None and "zone_id" in zones:
        rows = pd.Index(zones["zone_id"].astype(str))
        if rows.is_unique:
            tree["zone"] = rows.get_indexer(parent.loc[ids].astype(str)).tolist()
    return _with_numbers(tree, ids, layers, table.loc[ids])


def _with_numbers(tree: dict, ids: pd.Index, layers: Sequence[Layer], people: pd.DataFrame) -> dict | None:
    """The tree with what every layer counts by leaf; None where none counts anything."""
    column = next((c for c in PEOPLE if c in people and pd.api.types.is_numeric_dtype(people[c])), None)
    if column is not None:
        tree["people"] = [None if v != v else float(v) for v in people[column].astype(float)]
        tree["per"] = "per_1000_households" if column in ("households", "户数") else "per_1000"
    own = "leaf" in tree
    sums = {f"l{i}": _sums(layer, ids, own) for i, layer in enumerate(layers)}
    tree["layers"] = {key: value for key, value in sums.items() if value is not None}
    return tree if tree["layers"] else None


def _sums(layer: Layer, ids: pd.Index, own: bool) -> dict | None:
    """Counts and hot cells by leaf: the layer's rows are the leaves (`own`), or lie in them by their `zone_id`."""
    frame = layer.frame
    if layer.role != "theme" or ids.has_duplicates:
        return None
    unit = frame["zone_id"].astype(str).to_numpy() if "zone_id" in frame and not own else frame.index.astype(str)
    at = ids.get_indexer(pd.Index(unit))
    if (at < 0).all():
        return None
    out = {}
    for column in ("count", "count_before", "count_after"):
        if column in frame:
            values = np.nan_to_num(frame[column].to_numpy(float)[at >= 0])
            out[column] = np.bincount(at[at >= 0], values, minlength=len(ids)).round(2).tolist()
    if isinstance(layer, CellsLayer) and layer.labels is not None and "count" in out:
        hot = (layer.side() > 0) & (at >= 0)  # the cells that the map draws hot, and no others
        out["hot"] = np.bincount(at[hot], minlength=len(ids)).tolist()
    return out or None
