"""Management grids against spopt's regionalisation, on the same communities and atoms.

    python benchmarks/grids_balanced.py SHARED_DATA OUT.csv          gridmap; writes the cases beside OUT
    python benchmarks/grids_balanced.py --spopt CASES.pkl OUT.csv    spopt, in an environment that has it

Cases: West Yorkshire's 299 MSOAs with their 1,388 LSOAs as atoms, target 1,300 households; Memphis' 9 precincts with
10,393 census blocks (points; the contenders get their Voronoi cells), target 1,000 persons. spopt is run community by
community, so that its regions nest as well. Where a method fails in a community, the community stays one region.
"""

import pickle
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

TOLERANCE = 0.15


def measures(labels, loads, shapes, target):
    """Mean |deviation|, share within the tolerance, compactness and contiguity of regions."""
    found = []
    for label in np.unique(labels):
        own = labels == label
        whole = shapely.union_all(shapes[own], grid_size=0.01)
        area, rim = shapely.area(whole), shapely.length(whole)
        found.append((loads[own].sum() / target - 1, 4 * np.pi * area / rim**2, whole.geom_type == "Polygon"))
    off, round_, one = np.array(found, float).T
    return {
        "regions": len(off),
        "mean_abs_deviation": np.abs(off).mean(),
        "within": (np.abs(off) <= TOLERANCE).mean(),
        "compactness": round_.mean(),
        "contiguous": one.mean(),
    }


def cases(shared: Path):
    """name, communities, atoms, load, target."""
    lsoa = gpd.read_file(shared / "west_yorkshire" / "lsoa_2011.geojson")
    msoa = lsoa.dissolve("msoa_code").reset_index().rename(columns={"msoa_code": "zone_id"})[["zone_id", "geometry"]]
    yield "West Yorkshire", msoa, lsoa, "households", 1300
    precincts = gpd.read_file(shared / "memphis" / "memphis_precincts.geojson").rename(columns={"precinct": "zone_id"})
    blocks = pd.read_csv(shared / "memphis" / "memphis_population.csv").rename(columns={"population": "persons"})
    atoms = gpd.GeoDataFrame(
        blocks[["persons"]], geometry=gpd.points_from_xy(blocks["longitude"], blocks["latitude"]), crs=4326
    )
    yield "Memphis", precincts, atoms, "persons", 1000


def ours(shared: Path, out: Path):
    import gridmap as gm
    from gridmap.grids.atoms import hold, read_atoms
    from gridmap.grids.tessellation import mosaic_of_areas, mosaic_of_points

    rows, given = [], []
    for name, communities, atoms, load, target in cases(shared):
        crs = communities.estimate_utm_crs()
        gm.make_grid(communities.iloc[:2], system="balanced", atoms=atoms, load=load, target=target)  # compiles
        start = time.perf_counter()
        grid = gm.make_grid(communities, system="balanced", atoms=atoms, load=load, target=target, tolerance=TOLERANCE)
        seconds = time.perf_counter() - start
        labels = np.arange(len(grid))
        shapes = grid.cells.geometry.to_crs(crs).to_numpy()
        row = measures(labels, grid.cells[load].to_numpy(float), shapes, target)
        rows.append({"case": name, "method": "gridmap", **row, "seconds": seconds})
        read = read_atoms(atoms, load, communities)
        held = hold(read, communities)
        for z, shape in enumerate(communities.geometry.to_crs(crs)):
            own, share = held.of(z)
            local = gpd.GeoSeries(read.shapes[own], crs=4326).to_crs(crs).to_numpy()
            if read.tiles:
                mosaic = mosaic_of_areas(shape, local, share)
            else:
                mosaic = mosaic_of_points(shape, shapely.get_coordinates(local))
            loads = np.where(mosaic.atom >= 0, read.load[own[mosaic.atom]] * mosaic.share, 0.0)
            i, j, _ = mosaic.borders()
            given.append((name, target, shapely.to_wkb(mosaic.shapes), loads, mosaic.xy, i, j))
    pd.DataFrame(rows).to_csv(out, index=False)
    with out.with_suffix(".pkl").open("wb") as file:
        pickle.dump(given, file)
    print(pd.DataFrame(rows).round(3).to_string())


def theirs(cases_file: Path, out: Path):
    import warnings

    from libpysal.weights import W
    from spopt.region import AZP, MaxPHeuristic, Skater

    warnings.simplefilter("ignore")
    with cases_file.open("rb") as file:
        given = pickle.load(file)
    rows = []
    for case in dict.fromkeys(g[0] for g in given):
        for method in ("Skater", "AZP", "MaxP"):
            seconds, labels, failed, parts = 0.0, [], 0, []
            for _, target, wkb, loads, xy, i, j in (g for g in given if g[0] == case):
                n = len(loads)
                k = max(1, round(loads.sum() / target))
                label = np.zeros(n, int)
                start = time.perf_counter()
                if k > 1 and n > 1:
                    near = {v: [] for v in range(n)}
                    for a, b in zip(i.tolist(), j.tolist(), strict=True):
                        near[a].append(b)
                        near[b].append(a)
                    frame = gpd.GeoDataFrame(
                        {"load": loads, "x": xy[:, 0], "y": xy[:, 1]}, geometry=shapely.from_wkb(wkb)
                    )
                    w = W(near, silence_warnings=True)
                    np.random.seed(0)  # noqa: NPY002
                    try:
                        if method == "MaxP":
                            model = MaxPHeuristic(
                                frame,
                                w,
                                ["x", "y"],
                                "load",
                                target * (1 - TOLERANCE),
                                2,
                                max_iterations_construction=20,
                            )
                        elif method == "Skater":
                            model = Skater(frame, w, ["x", "y"], n_clusters=k, floor=1)
                        else:
                            model = AZP(frame, w, ["x", "y"], n_clusters=k, random_state=0)
                        model.solve()
                        label = np.asarray(model.labels_).astype(int)
                    except Exception:
                        failed += 1
                seconds += time.perf_counter() - start
                labels.append(label)
                parts.append(measures_raw(label, loads, shapely.from_wkb(wkb), target))
                if seconds > 240:
                    break
            off, round_, one = np.vstack(parts).T
            rows.append(
                {
                    "case": case,
                    "method": method,
                    "communities": len(parts),
                    "regions": len(off),
                    "mean_abs_deviation": np.abs(off).mean(),
                    "within": (np.abs(off) <= TOLERANCE).mean(),
                    "compactness": round_.mean(),
                    "contiguous": one.mean(),
                    "seconds": seconds,
                    "failed": failed,
                }
            )
            pd.DataFrame(rows).to_csv(out, index=False)
            print(rows[-1], flush=True)


def measures_raw(labels, loads, shapes, target):
    """Deviation, compactness and contiguity of each region, (regions, 3)."""
    found = []
    for label in np.unique(labels):
        own = labels == label
        whole = shapely.union_all(shapes[own], grid_size=0.01)
        area, rim = shapely.area(whole), shapely.length(whole)
        found.append((loads[own].sum() / target - 1, 4 * np.pi * area / rim**2, whole.geom_type == "Polygon"))
    return np.array(found, float)


if __name__ == "__main__":
    if sys.argv[1] == "--spopt":
        theirs(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        ours(Path(sys.argv[1]), Path(sys.argv[2]))
