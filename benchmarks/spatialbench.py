"""SpatialBench's count of trips by zone: gridmap beside SedonaDB, each in a process of its own.

Usage: python benchmarks/spatialbench.py TRIPS.parquet [--zones 20000] [--peers PYTHON] [--rounds 3]

The trips are those of SpatialBench's own generator (`pip install spatialbench-cli`, then `spatialbench-cli -s 1
--tables trip`): 6 million at scale 1, pick-ups as WKB. Its zones are fetched from Overture, which a machine without
internet cannot, so zones of `jagged_zones.py` are laid over the same ground instead: fractal borders of some 250
vertices, a fifth of the zones in several parts. The question is that of its query 10, trips that start in each zone;
both answers are compared.

The Python of `--peers` needs `pip install sedonadb geoarrow-pyarrow geopandas`: SedonaDB's package asks for
geoarrow-pyarrow when it takes a frame of geopandas, and does not install it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def by_gridmap(trips, zones):
    import geopandas as gpd

    import gridmap as gm

    frame = gpd.read_parquet(zones)
    began = time.perf_counter(), time.process_time()
    counts = gm.count_by_cell(trips, gm.make_grid(frame, system="zones"))
    return began, counts["count"].to_numpy()


def by_sedonadb(trips, zones):
    import geopandas as gpd
    import numpy as np
    import sedonadb

    frame = gpd.read_parquet(zones)
    con = sedonadb.connect()
    con.read_parquet(trips).to_view("trips")
    frame = gpd.GeoDataFrame({"zone": np.arange(len(frame))}, geometry=frame.geometry.to_numpy())
    began = time.perf_counter(), time.process_time()
    con.create_data_frame(frame).to_view("zones")
    rows = con.sql(
        "SELECT z.zone, count(*) AS n FROM trips t JOIN zones z "
        "ON ST_Intersects(z.geometry, ST_GeomFromWKB(t.geometry)) GROUP BY z.zone"
    ).to_pandas()
    counts = np.zeros(len(frame), np.int64)
    counts[rows["zone"].to_numpy()] = rows["n"].to_numpy()
    return began, counts


def work(name, trips, zones):
    import hashlib

    began, counts = {"gridmap": by_gridmap, "sedonadb": by_sedonadb}[name](trips, zones)
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    digest = hashlib.sha256(counts.astype("int64").tobytes()).hexdigest()[:16]
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    found = {"seconds": seconds, "cpu_s": cpu, "peak_mb": peak, "inside": int(counts.sum()), "counts": digest}
    print(json.dumps(found))


def prepare(folder: Path, trips: Path, n: int) -> tuple[Path, Path]:
    """The pick-ups alone under the name `geometry`, and zones over their ground."""
    import geopandas as gpd
    import numpy as np
    import pyarrow.parquet as pq
    import shapely
    from jagged_zones import jagged_zones

    points, zones = folder / "trips.parquet", folder / f"zones-{n}.parquet"
    with pq.ParquetWriter(
        points, pq.read_schema(trips).empty_table().select(["t_pickuploc"]).rename_columns(["geometry"]).schema
    ) as out:
        for batch in pq.ParquetFile(trips).iter_batches(122_880, columns=["t_pickuploc"]):
            out.write_batch(batch.rename_columns(["geometry"]))
    shapes = jagged_zones(n)
    west, south, east, north = shapely.total_bounds(shapes)
    scale = np.array([355 / (east - west), 140 / (north - south)])
    shapes = shapely.transform(shapes, lambda xy: (xy - (west, south)) * scale + (-177.5, -58))
    frame = gpd.GeoDataFrame({"zone_id": np.arange(len(shapes)).astype(str)}, geometry=shapes, crs=4326)
    frame.to_parquet(zones)
    return points, zones


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("trips", type=Path)
    ask.add_argument("--zones", type=int, default=20_000)
    ask.add_argument(
        "--peers", default=sys.executable, help="the Python that has sedonadb, geoarrow-pyarrow and geopandas"
    )
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--work", help=argparse.SUPPRESS)
    ask.add_argument("--with-zones", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.work:
        work(given.work, str(given.trips), given.with_zones)
        return
    sys.path.insert(0, str(HERE))
    with tempfile.TemporaryDirectory(prefix="gridmap-spatialbench-") as folder:
        trips, zones = prepare(Path(folder), given.trips, given.zones)
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
        runs = {"gridmap": [], "sedonadb": []}
        for _ in range(given.rounds):
            for name, python in (("gridmap", sys.executable), ("sedonadb", given.peers)):
                command = [python, __file__, str(trips), "--work", name, "--with-zones", str(zones)]
                done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
                runs[name].append(json.loads(done.stdout.splitlines()[-1]))
                print(name, runs[name][-1], flush=True)
    same = len({run["counts"] for several in runs.values() for run in several}) == 1
    least = {name: min(run["cpu_s"] for run in several) for name, several in runs.items()}
    print(
        f"counts {'identical' if same else 'DIFFER'}; processor seconds, least of {given.rounds}: {least}, "
        f"ratio {least['sedonadb'] / least['gridmap']:.1f}"
    )


if __name__ == "__main__":
    main()
