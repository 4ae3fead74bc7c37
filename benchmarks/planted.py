"""What does each method find in a town of which everything is known? The tables and pictures of docs/methods.md.

    python benchmarks/planted.py [--towns 20] [--pictures docs/images]

For each simulated town every method flags some ground: hot cells, or the hulls of its clusters. A planted hotspot is
*found* when at least half of its planted incidents lie on flagged ground. A flagged patch (a group of hot cells that
touch, or a cluster) is *false* when it does not come within 100 m of any planted hotspot. In towns without hotspots
every patch is false.
"""

import argparse
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely

import gridmap as gm

mpl.use("Agg")
NEAR_M = 100


def hot(result, labels=("hot 99", "hot 95")) -> gpd.GeoSeries:
    return result.cells.geometry[result.cells["label"].isin(labels).to_numpy()]


def densest(result) -> gpd.GeoSeries:
    """The cells of highest intensity that together hold a fiftieth of the town: a density has no test of its own."""
    cells = result.cells.sort_values("intensity", ascending=False)
    return cells.geometry[(cells["area_m2"].cumsum() <= 0.02 * cells["area_m2"].sum()).to_numpy()]


def methods(sample, seed: int) -> dict:
    """Each method with settings that an analyst might choose without knowing the truth."""
    incidents = sample.incidents
    grid = gm.make_grid(sample.boundaries, system="h3", resolution=9)
    counts = gm.count_by_cell(incidents, grid)
    persons = people(sample, grid)
    test = gm.hotspot_test(counts, grid, at_risk=persons)
    strict = test.cells["strict"].to_numpy(bool)
    return {
        "hotspot_test": lambda: hot(test),
        "hotspot_test, strict": lambda: test.cells.geometry[strict],
        "getis_ord": lambda: hot(gm.getis_ord(counts, grid, fdr=0.05)),
        "getis_ord, exact": lambda: hot(gm.getis_ord(counts, grid, fdr=0.05, inference="exact")),
        "getis_ord, rates": lambda: hot(gm.getis_ord(counts, grid, fdr=0.05, population=persons)),
        "local_moran": lambda: hot(gm.local_moran(counts, grid, permutations=9_999, random_state=seed), ("high-high",)),
        "kernel_density": lambda: densest(gm.kernel_density(incidents, grid, bandwidth_m=400)),
        "relative_risk": lambda: hot(
            gm.relative_risk(incidents, persons, grid, bandwidth_m=400, permutations=999, random_state=seed)
        ),
        "dbscan": lambda: gm.dbscan(incidents).clusters.geometry,
        "hdbscan": lambda: gm.hdbscan(incidents).clusters.geometry,
        "optics": lambda: gm.optics(incidents, max_eps_m=1_000).clusters.geometry,
        "st_dbscan": lambda: gm.st_dbscan(incidents, eps_m=250, eps_days=4, min_samples=6).clusters.geometry,
        "nearest_neighbour_hierarchy": lambda: (
            gm.nearest_neighbour_hierarchy(incidents, min_points=15).clusters.geometry
        ),
        "stac": lambda: gm.stac(incidents, radius_m=250, min_points=15).clusters.geometry,
    }


def people(sample, grid) -> pd.Series:
    """The zones' persons on the cells, by area: all that an analyst without a finer census has."""
    crs = grid.metric_crs
    zones = sample.boundaries.to_crs(crs)
    cells = grid.cells.geometry.to_crs(crs).to_numpy()
    zone, cell = shapely.STRtree(cells).query(zones.geometry.to_numpy(), predicate="intersects")
    shapes = zones.geometry.to_numpy()
    part = shapely.area(shapely.intersection(cells[cell], shapes[zone])) / shapely.area(shapes[zone])
    return pd.Series(np.bincount(cell, zones["persons"].to_numpy()[zone] * part, len(grid)), index=grid.cells.index)


def patches(ground: gpd.GeoSeries, crs) -> np.ndarray:
    """Flagged ground as separate patches, in metres."""
    if not len(ground):
        return np.empty(0, object)
    ground = ground.to_crs(crs)
    touching = shapely.union_all(shapely.buffer(ground.to_numpy(), 1))
    return np.array(shapely.get_parts(touching), dtype=object)


def judge(sample, ground: gpd.GeoSeries) -> dict:
    crs = sample.incidents.metric_crs
    found = patches(ground, crs)
    everything = shapely.union_all(found) if len(found) else shapely.Polygon()
    spots = sample.truth.geometry.to_crs(crs)
    points = sample.incidents.to_geodataframe().to_crs(crs)
    inside = points.intersects(everything).to_numpy()
    planted = points["planted"].to_numpy()
    hit = {name: bool(inside[planted == name].mean() >= 0.5) for name in spots.index}
    near = spots.buffer(NEAR_M).union_all() if len(spots) else shapely.Polygon()
    false = int((~shapely.intersects(found, near)).sum()) if len(found) else 0
    town = sample.boundaries.to_crs(crs).area.sum()
    return {**hit, "patches": len(found), "false": false, "ground": everything.area / town, "incidents": inside.mean()}


def picture(sample, ground: gpd.GeoSeries, name: str, path: Path) -> None:
    """The town, its incidents, the planted hotspots (outlined) and what the method flagged (filled)."""
    import matplotlib.pyplot as plt

    crs = sample.incidents.metric_crs
    figure, axes = plt.subplots(figsize=(6.4, 5.1), dpi=90)
    sample.boundaries.to_crs(crs).plot(ax=axes, color="#F7F7F2", edgecolor="#D8D8D0", linewidth=0.5)
    if len(ground):
        ground.to_crs(crs).plot(ax=axes, color="#ED7551", alpha=0.8, edgecolor="none")
    xy = sample.incidents.xy_m()
    axes.scatter(*xy.T, s=1.2, color="#333333", alpha=0.5, linewidths=0)
    spots = sample.truth.to_crs(crs)
    spots.buffer(60).boundary.plot(ax=axes, color="#1F4E9A", linewidth=1.3)
    for label, spot in spots.iterrows():
        west, _, east, north = spot.geometry.bounds
        axes.annotate(label, ((west + east) / 2, north + 110), ha="center", fontsize=8, color="#1F4E9A")
    axes.set_title(f"{name}: flagged (orange) and planted (blue)", fontsize=10)
    axes.set_axis_off()
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--towns", type=int, default=20)
    options.add_argument("--pictures", type=Path)
    options = options.parse_args()
    rows = []
    for seed in range(options.towns):
        for strength in (1.0, 0.0):
            sample = gm.samples.town(strength=strength, random_state=seed)
            for name, run in methods(sample, seed).items():
                ground = run()
                rows.append({"method": name, "strength": strength, **judge(sample, ground)})
                if options.pictures and seed == 0 and strength:
                    options.pictures.mkdir(parents=True, exist_ok=True)
                    file = f"planted_{name.replace(', ', '_')}.png"
                    picture(sample, ground, name, options.pictures / file)
    frame = pd.DataFrame(rows)
    spots = list(gm.samples.town(random_state=0).truth.index)
    with_, without = (frame[frame["strength"] == s].groupby("method", sort=False) for s in (1.0, 0.0))
    table = with_[spots].mean().astype(float)
    table.insert(0, "recall", table.mean(axis=1))
    table["false discoveries"] = with_["false"].sum() / with_["patches"].sum().clip(lower=1)
    table["patches a town"] = with_["patches"].mean()
    table["ground"] = with_["ground"].mean()
    table["patches in a town without hotspots"] = without["patches"].mean()
    print(f"{options.towns} towns with the six hotspots, {options.towns} without.\n")
    print("| method | " + " | ".join(table.columns) + " |")
    print("|---|" + "---|" * len(table.columns))
    for name, row in table.iterrows():
        shown = [
            f"{v:.1f}" if c.startswith("patches") else f"{v:.1%}" if c == "ground" else f"{v:.0%}"
            for c, v in row.items()
        ]
        print(f"| `{name}` | " + " | ".join(shown) + " |")


if __name__ == "__main__":
    main()
