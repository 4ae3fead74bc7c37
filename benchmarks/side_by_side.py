"""The methods side by side on the same real data: burglary in West Yorkshire, July 2018. For docs/methods.md.

python benchmarks/side_by_side.py [--picture docs/images/side_by_side.png]
"""

import argparse
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import shapely

import gridmap as gm

mpl.use("Agg")
DATA = Path(__file__).resolve().parent.parent / "data" / "west_yorkshire"


def flagged(result) -> gpd.GeoSeries:
    if result.clusters is not None:
        return result.clusters.geometry
    return result.cells.geometry[result.cells["label"].isin(["hot 99", "hot 95", "high-high"]).to_numpy()]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--picture", type=Path)
    options = options.parse_args()
    zones = gm.read_boundaries(DATA / "lsoa_2011.geojson")
    burglary = gm.read_incidents(DATA / "2018-07-west-yorkshire-street.csv.gz").where(category="Burglary")
    grid = gm.make_grid(zones, system="h3", resolution=8)
    counts = gm.count_by_cell(burglary, grid)
    crs = grid.metric_crs
    persons = _people(zones, grid)
    results = {
        "getis_ord": gm.getis_ord(counts, grid, fdr=0.05),
        "getis_ord, rates": gm.getis_ord(counts, grid, fdr=0.05, population=persons),
        "local_moran": gm.local_moran(counts, grid, permutations=9_999, random_state=0),
        "relative_risk": gm.relative_risk(
            burglary, persons, grid, bandwidth_m=1_500, permutations=4_999, random_state=0
        ),
        "dbscan": gm.dbscan(burglary),
        "hdbscan": gm.hdbscan(burglary),
        "nearest_neighbour_hierarchy": gm.nearest_neighbour_hierarchy(burglary),
        "stac": gm.stac(burglary, radius_m=500),
    }
    ground = {name: flagged(result).to_crs(crs) for name, result in results.items()}
    density = gm.kernel_density(burglary, grid, bandwidth_m=1_500)
    order = density.cells.sort_values("intensity", ascending=False)
    ground["kernel_density"] = order.geometry[(order["area_m2"].cumsum() <= 0.02 * order["area_m2"].sum()).to_numpy()]
    ground["kernel_density"] = ground["kernel_density"].to_crs(crs)
    points = shapely.points(burglary.xy_m(crs))
    territory = zones.to_crs(crs).area.sum()
    print(f"{len(burglary):,} burglaries, {len(grid):,} cells of H3 resolution 8\n")
    print("| method | patches | largest, km² | ground | burglaries in it | overlap with `getis_ord` |")
    print("|---|---|---|---|---|---|")
    first = shapely.union_all(ground["getis_ord"].to_numpy())
    for name, shapes in ground.items():
        union = shapely.union_all(shapely.buffer(shapes.to_numpy(), 1))
        parts = shapely.get_parts(union)
        inside = shapely.intersects(union, points).mean()
        both = shapely.area(shapely.intersection(union, first)) / max(shapely.area(shapely.union(union, first)), 1)
        largest = max((p.area for p in parts), default=0) / 1e6
        print(f"| `{name}` | {len(parts)} | {largest:.1f} | {union.area / territory:.1%} | {inside:.0%} | {both:.0%} |")
    if options.picture:
        _picture(zones.to_crs(crs), ground, burglary.xy_m(crs), options.picture)


def _people(zones, grid):
    """Persons of the zones on the cells, by area."""
    import numpy as np
    import pandas as pd

    cells = grid.cells.geometry.to_crs(grid.metric_crs).to_numpy()
    shapes = zones.geometry.to_crs(grid.metric_crs).to_numpy()
    zone, cell = shapely.STRtree(cells).query(shapes, predicate="intersects")
    part = shapely.area(shapely.intersection(cells[cell], shapes[zone])) / shapely.area(shapes[zone])
    return pd.Series(np.bincount(cell, zones["persons"].to_numpy()[zone] * part, len(grid)), index=grid.cells.index)


def _picture(zones, ground, xy, path: Path) -> None:
    import matplotlib.pyplot as plt

    outline = zones.union_all().simplify(100)
    figure, axes = plt.subplots(3, 3, figsize=(12, 9.6), dpi=80)
    for axis, (name, shapes) in zip(axes.ravel(), ground.items(), strict=True):
        gpd.GeoSeries([outline]).plot(ax=axis, color="#F7F7F2", edgecolor="#B8B8B0", linewidth=0.5)
        if len(shapes):
            shapes.plot(ax=axis, color="#ED7551", edgecolor="#D62F27", linewidth=0.3)
        axis.scatter(*xy.T, s=0.4, color="#333333", alpha=0.4, linewidths=0)
        axis.set_title(name, fontsize=10)
        axis.set_axis_off()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()
