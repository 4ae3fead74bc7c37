"""Management grids: how even, how round, how fast; against spopt's regionalisation on the same communities and atoms.

    python benchmarks/grids_balanced.py cases SHARED_DATA OUT    gridmap; writes OUT/cases.pkl and OUT/gridmap.csv
    python benchmarks/grids_balanced.py spopt OUT [BUDGET_S [METHOD …]]   spopt, where it is installed; OUT/spopt.csv
    python benchmarks/grids_balanced.py table OUT                both in one table
    python benchmarks/grids_balanced.py speed                    300,000 households; the simulated county

Cases: West Yorkshire's 299 MSOAs with their 1,388 LSOAs as atoms, target 1,300 households; Memphis' 9 precincts with
10,393 census blocks (points; the contenders get their Voronoi cells), target 1,000 persons. spopt is run community by
community, so that its regions nest as well; each community has BUDGET_S seconds of processor time (default 60), and
what is not finished then is told as such. `table` sets each method beside gridmap on the communities it finished.
"""

import pickle
import signal
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

TOLERANCE = 0.15
WEST_YORKSHIRE = Path(__file__).parents[1] / "data" / "west_yorkshire" / "lsoa_2011.geojson"


def regions(case, method, community, labels, loads, shapes, target) -> pd.DataFrame:
    """One row a region: deviation, compactness, contiguity."""
    rows = []
    for label in np.unique(labels):
        own = labels == label
        whole = shapely.union_all(shapes[own], grid_size=0.01)
        area, rim = shapely.area(whole), shapely.length(whole)
        rows.append((loads[own].sum() / target - 1, 4 * np.pi * area / rim**2, whole.geom_type == "Polygon"))
    frame = pd.DataFrame(rows, columns=["deviation", "compactness", "contiguous"])
    frame.insert(0, "community", str(community))
    frame.insert(0, "method", method)
    frame.insert(0, "case", case)
    return frame


def cases(shared: Path):
    """name, communities, atoms, load, target."""
    lsoa = gpd.read_file(WEST_YORKSHIRE)
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
    from gridmap.grids.regionalization.basic_units import hold, read_units
    from gridmap.grids.regionalization.mosaic import mosaic_of_areas, mosaic_of_points

    found, given = [], []
    for name, communities, atoms, load, target in cases(shared):
        crs = communities.estimate_utm_crs()
        gm.make_grid(communities.iloc[:2], system="balanced", atoms=atoms, load=load, target=target)  # compiles
        start, used = time.perf_counter(), time.process_time()
        grid = gm.make_grid(communities, system="balanced", atoms=atoms, load=load, target=target, tolerance=TOLERANCE)
        used, seconds = time.process_time() - used, time.perf_counter() - start
        shapes = grid.cells.geometry.to_crs(crs).to_numpy()
        loads = grid.cells[load].to_numpy(float)
        print(f"{name}: {len(grid)} grids, {used:.1f} s of processor time, {seconds:.1f} s")
        for zone in communities["zone_id"]:
            own = grid.cells["zone_id"].to_numpy() == zone
            part = regions(name, "gridmap", zone, np.arange(own.sum()), loads[own], shapes[own], target)
            found.append(part.assign(cpu_s=used / len(communities), finished=True))
        read = read_units(atoms, load, communities)
        held = hold(read, communities)
        for z, shape in enumerate(communities.geometry.to_crs(crs)):
            own, share = held.of(z)
            local = gpd.GeoSeries(read.shapes[own], crs=4326).to_crs(crs).to_numpy()
            if read.tiles:
                mosaic = mosaic_of_areas(shape, local, share)
            else:
                mosaic = mosaic_of_points(shape, shapely.get_coordinates(local))
            loads = np.where(mosaic.unit >= 0, read.load[own[mosaic.unit]] * mosaic.share, 0.0)
            i, j, _ = mosaic.borders()
            zone = communities["zone_id"].iloc[z]
            given.append((name, zone, target, shapely.to_wkb(mosaic.shapes), loads, mosaic.xy, i, j))
    pd.concat(found).to_csv(out / "gridmap.csv", index=False)
    with (out / "cases.pkl").open("wb") as file:
        pickle.dump(given, file)


class OutOfTimeError(BaseException):
    """Not an Exception, so that no contender swallows it."""


def _ring(*_):
    raise OutOfTimeError


def theirs(out: Path, budget_s: float, methods=("Skater", "AZP", "MaxP")):
    import warnings

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGVTALRM, _ring)
    with (out / "cases.pkl").open("rb") as file:
        given = pickle.load(file)
    before = out / "spopt.csv"
    found = [pd.read_csv(before, dtype={"community": str})] if before.exists() else []
    found = [frame[~frame["method"].isin([f"spopt {m}" for m in methods])] for frame in found]
    for method in methods:
        for case, zone, target, wkb, loads, xy, i, j in given:
            shapes, k = shapely.from_wkb(wkb), max(1, round(loads.sum() / target))
            labels, finished, used = np.zeros(len(loads), int), True, time.process_time()
            if k > 1 and len(loads) > 1:
                signal.setitimer(signal.ITIMER_VIRTUAL, budget_s)
                try:
                    labels = _solve(method, loads, xy, shapes, i, j, k, target)
                except OutOfTimeError:
                    finished = False
                except Exception as error:
                    print(case, zone, method, repr(error)[:200], flush=True)
                    finished = False
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            used = time.process_time() - used
            part = regions(case, f"spopt {method}", zone, labels, loads, shapes, target)
            found.append(part.assign(cpu_s=used, finished=finished))
            if used > 5:
                print(case, zone, method, f"{used:.0f} s", "finished" if finished else "not finished", flush=True)
        pd.concat(found).to_csv(out / "spopt.csv", index=False)


def _solve(method, loads, xy, shapes, i, j, k, target):
    from libpysal.weights import W
    from spopt.region import AZP, MaxPHeuristic, Skater

    near = {v: [] for v in range(len(loads))}
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        near[a].append(b)
        near[b].append(a)
    frame = gpd.GeoDataFrame({"load": loads, "x": xy[:, 0], "y": xy[:, 1]}, geometry=shapes)
    w = W(near, silence_warnings=True)
    np.random.seed(0)  # noqa: NPY002
    if method == "MaxP":
        floor = target * (1 - TOLERANCE)
        model = MaxPHeuristic(frame, w, ["x", "y"], "load", floor, 2, max_iterations_construction=20)
    elif method == "Skater":
        model = Skater(frame, w, ["x", "y"], n_clusters=k, floor=1)
    else:
        model = AZP(frame, w, ["x", "y"], n_clusters=k, random_state=0)
    model.solve()
    return np.asarray(model.labels_).astype(int)


def table(out: Path):
    """Each method on the communities it finished, and gridmap on the same."""
    mine = pd.read_csv(out / "gridmap.csv", dtype={"community": str})
    other = pd.read_csv(out / "spopt.csv", dtype={"community": str})
    rows = []
    for case in mine["case"].unique():
        all_of_it = mine[mine["case"] == case]
        rows.append(_row(case, "gridmap", all_of_it, all_of_it))
        for method in other["method"].unique():
            run = other[(other["case"] == case) & (other["method"] == method)]
            done = run[run["finished"]]
            rows.append(_row(case, method, done, all_of_it[all_of_it["community"].isin(done["community"])], run))
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def _row(case, method, done, same, run=None):
    run = done if run is None else run
    return {
        "case": case,
        "method": method,
        "communities finished": f"{done['community'].nunique()} of {run['community'].nunique()}",
        "regions": len(done),
        "mean deviation": done["deviation"].abs().mean(),
        "gridmap on the same": same["deviation"].abs().mean(),
        "within 15 %": (done["deviation"].abs() <= TOLERANCE).mean(),
        "Polsby-Popper": done["compactness"].mean(),
        "contiguous": done["contiguous"].mean(),
        "cpu s": run.drop_duplicates("community")["cpu_s"].sum(),
    }


def speed():
    """300,000 households as as many points in 299 communities; the simulated county; wall and processor seconds."""
    import gridmap as gm

    lsoa = gpd.read_file(WEST_YORKSHIRE)
    msoa = lsoa.dissolve("msoa_code").reset_index().rename(columns={"msoa_code": "zone_id"})[["zone_id", "geometry"]]
    rng = np.random.default_rng(1)
    many = rng.multinomial(300_000, lsoa["households"] / lsoa["households"].sum())
    xy = []
    for shape, n in zip(lsoa.geometry, many, strict=True):
        west, south, east, north = shape.bounds
        shapely.prepare(shape)
        own = np.zeros((0, 2))
        while len(own) < n:
            drawn = rng.uniform([west, south], [east, north], (4 * n, 2))
            own = np.vstack([own, drawn[shapely.contains_xy(shape, *drawn.T)]])
        xy.append(own[:n])
    atoms = gpd.GeoDataFrame({"households": 1}, index=range(300_000), geometry=shapely.points(np.vstack(xy)), crs=4326)
    settings = {"system": "balanced", "atoms": atoms, "load": "households", "target": 300}
    gm.make_grid(msoa.iloc[:2], **settings)  # compiles
    gm.samples.simulated_county(random_state=1, households=2_000, events=200)
    for name, work in (
        ("300,000 households", lambda: gm.make_grid(msoa, **settings)),
        ("simulated county, 100,000 households, 50,000 events", lambda: gm.samples.simulated_county(random_state=0)),
    ):
        start, used = time.perf_counter(), time.process_time()
        result = work()
        used, seconds = time.process_time() - used, time.perf_counter() - start
        print(f"{name}: {used:.1f} s of processor time, {seconds:.1f} s: {result!r}")
        if hasattr(result, "report"):
            facts = result.report.attrs
            print({k: facts[k] for k in ("grids", "mean_deviation", "within", "mean_compactness")})
            print("contiguous:", result.report["contiguous"].mean(), "households:", result.cells["households"].sum())


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "cases":
        Path(rest[1]).mkdir(parents=True, exist_ok=True)
        ours(Path(rest[0]), Path(rest[1]))
    elif what == "spopt":
        theirs(Path(rest[0]), float(rest[1]) if len(rest) > 1 else 60, rest[2:] or ("Skater", "AZP", "MaxP"))
    elif what == "table":
        table(Path(rest[0]))
    else:
        speed()
