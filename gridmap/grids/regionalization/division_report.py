"""What came of dividing by load: the cells in reading order, and of each how near it came and why not nearer.

A committee does not ask whether the method is good; it asks why grid 7 has 412 households. Each row of the report
gives the load, the deviation from the target, the shape, and where the tolerance was missed the reason: one building
too heavy, an exclusive area, or a community whose whole load does not divide evenly.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.grids.codes import reading_order
from gridmap.messages import Note

__all__ = ["cells_and_report", "continued_grids"]


def cells_and_report(drawn, boundaries, units, crs, target, tolerance):
    """The communities' drawings as the cells of one grid, and its report."""
    ids = boundaries["zone_id"].astype(str).to_numpy()
    most = max(len(d["shapes"]) for d in drawn)
    width = max(3, len(str(most)))
    link = "" if all(i.isdigit() and len(i) == len(ids[0]) for i in ids) else "-"
    names = boundaries["name"].astype(str).to_numpy() if "name" in boundaries else ids
    cells, report = [], []
    for d in drawn:
        order = reading_order(shapely.get_coordinates(shapely.point_on_surface(d["metric"])), d["metric"])
        z = ids[d["zone"]]
        seq = [f"{k + 1:0{width}d}" for k in range(len(order))]
        kind = np.where(d["exclusive"][order] >= 0, "exclusive", "basic")
        own = [
            str(d["names"].iloc[e]) if e >= 0 and d["names"] is not None else f"{names[d['zone']]} {s}"
            for e, s in zip(d["exclusive"][order], seq, strict=True)
        ]
        frame = pd.DataFrame(
            {"zone_id": z, "name": own, "level": "grid", "parent_id": z, "kind": kind},
            index=pd.Index([f"{z}{link}{s}" for s in seq], name="cell_id"),
        )
        values = d["carried"].iloc[order]
        for name in values:
            frame[name] = values[name].to_numpy()
        if units.name not in frame and units.name != "area_m2":
            frame[units.name] = d["load"][order]
        frame["geometry"] = d["shapes"][order]
        if d["keep_ids"] is not None:
            frame["kept_id"] = [str(d["keep_ids"][k]) if k >= 0 else None for k in d["kept"][order]]
        cells.append(frame)
        load = d["load"][order]
        perimeter, area = shapely.length(d["metric"][order]), shapely.area(d["metric"][order])
        report.append(
            pd.DataFrame(
                {
                    "zone_id": z,
                    "load": load,
                    "target": target,
                    "deviation": load / target - 1,
                    "within": np.abs(load / target - 1) <= tolerance + 1e-9,
                    "compactness": 4 * np.pi * area / perimeter**2,
                    "contiguous": shapely.get_num_geometries(d["metric"][order]) == 1,
                    "basic_units": d["units"][order],
                    "atoms": d["units"][order],  # the earlier name
                    "moved": d["moved"][order],
                    "reason": _reasons(d, order, load, target, tolerance, kind),
                },
                index=frame.index,
            )
        )
    cells = gpd.GeoDataFrame(pd.concat(cells), geometry="geometry", crs=4326)
    cells.insert(0, "area_m2", cells.geometry.to_crs(crs).area.to_numpy())
    for name in units.carried:
        given = units.carried[name].to_numpy()
        if (
            name in cells
            and (given == np.round(given)).all()
            and np.abs(cells[name] - cells[name].round()).max() < 1e-6
        ):
            cells[name] = cells[name].round().astype(np.int64)
    return cells, pd.concat(report)


def _reasons(d, order, load, target, tolerance, kind) -> list[str]:
    """Of each grid what stood in the way of its load; empty where nothing did."""
    basic = kind == "basic"
    grids, total = int(basic.sum()), float(load[basic].sum())

    def reason(g: int, value: float, what: str) -> str:
        if what == "exclusive":
            return Note("grids.reason_exclusive")
        if abs(value / target - 1) <= tolerance + 1e-9:
            return ""
        if d["notes"][g]:
            return d["notes"][g]
        if d["units"][g] == 1 and value > target:
            return Note("grids.reason_one_unit", load=float(value))
        if grids and abs(total / grids / target - 1) > tolerance:
            return Note("grids.reason_community", load=total, n=grids, mean=total / grids)
        return Note("grids.reason_coarse")

    return [reason(*row) for row in zip(order, load, kind, strict=True)]


def continued_grids(part, home, load, count) -> tuple[np.ndarray, np.ndarray]:
    """Which existing grid each grid continues (−1: none), and how many loaded pieces came to it from elsewhere."""
    known = home >= 0
    table = np.zeros((count, home.max() + 1))
    np.add.at(table, (part[known], home[known]), load[known] + 1e-6)
    kept = np.full(count, -1)
    left = table.copy()
    for _ in range(min(left.shape)):
        g, h = np.unravel_index(np.argmax(left), left.shape)
        if left[g, h] <= 0:
            break
        kept[g] = h
        left[g], left[:, h] = -1, -1
    foreign = known & (kept[part] != home) & (load > 0)
    return kept, np.bincount(part[foreign], minlength=count)
