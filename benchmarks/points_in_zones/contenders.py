"""One contender, one job, one process: prints seconds, peak memory and the counts' fingerprint as JSON.

    python benchmarks/points_in_zones/contenders.py NAME ZONES.parquet POINTS.parquet

Seconds run from zones in memory and the path of the points to counts by zone; building any index is included.
Everything is warmed up before on a thousand points, so no compilation or first import is in them.
"""

import hashlib
import json
import sys
import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def by_gridmap(zones, path):
    import gridmap as gm

    grid = gm.make_grid(zones, system="zones")
    return gm.count_by_cell(path, grid)["count"].to_numpy()


def by_geopandas(zones, path):
    table = pq.read_table(path)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"].to_numpy(), table["lat"].to_numpy()), crs=4326)
    joined = gpd.sjoin(points, zones[["geometry"]], predicate="intersects")
    return np.bincount(joined["index_right"], minlength=len(zones))


def by_duckdb_spatial(zones, path):
    import duckdb
    import duckdb_extension_spatial

    con = duckdb.connect()
    file = next(Path(duckdb_extension_spatial.__file__).parent.rglob("spatial.duckdb_extension*"))
    con.execute(f"LOAD '{file}'")
    con.register("wkb", pa.table({"zone": np.arange(len(zones)), "wkb": pa.array(zones.geometry.to_wkb())}))
    con.execute("CREATE TABLE zones AS SELECT zone, ST_GeomFromWKB(wkb) AS shape FROM wkb")
    rows = con.execute(
        "SELECT zone, count(*) FROM read_parquet($path) p JOIN zones ON ST_Intersects(shape, ST_Point(p.lon, p.lat)) "
        "GROUP BY zone",
        {"path": path},
    ).fetchall()
    return scattered(rows, len(zones))


def by_sedonadb(zones, path):
    import sedonadb

    sd = sedonadb.connect()
    sd.read_parquet(path).to_view("points")
    plain = gpd.GeoDataFrame({"zone": np.arange(len(zones))}, geometry=zones.geometry.to_numpy())
    sd.create_data_frame(plain).to_view("zones")
    rows = sd.sql(
        "SELECT z.zone, count(*) AS n FROM points p JOIN zones z ON ST_Intersects(z.geometry, ST_Point(p.lon, p.lat)) "
        "GROUP BY z.zone"
    ).to_pandas()
    return scattered(rows.to_numpy().tolist(), len(zones))


def by_polars_st(zones, path):
    import polars as pl
    import polars_st as st

    points = pl.read_parquet(path).select(geometry=st.point(pl.concat_arr("lon", "lat")))
    plain = gpd.GeoDataFrame({"zone": np.arange(len(zones))}, geometry=zones.geometry.to_numpy())
    joined = points.st.sjoin(st.from_geopandas(plain), on="geometry", predicate="within")
    return scattered(joined.group_by("zone").len().rows(), len(zones))


def by_square_binning(zones, path):
    """The floor: no zones at all, squares of about the zones' number by plain SQL."""
    import duckdb

    size = (1 / len(zones)) ** 0.5
    rows = (
        duckdb.connect()
        .execute(
            "SELECT floor(lon / $size)::INT AS x, floor(lat / $size)::INT AS y, count(*) "
            "FROM read_parquet($path) GROUP BY ALL",
            {"size": size, "path": path},
        )
        .fetchall()
    )
    return np.array([len(rows)])


def scattered(rows, n):
    counts = np.zeros(n, np.int64)
    for zone, count in rows:
        counts[int(zone)] = count
    return counts


CONTENDERS = {name[3:]: work for name, work in list(globals().items()) if name.startswith("by_")}


def main(name, zones_path, points_path):
    warnings.simplefilter("ignore")
    zones = gpd.read_parquet(zones_path)
    small = Path(points_path).with_name(f"warm-{name}.parquet")
    pq.write_table(pq.ParquetFile(points_path).read_row_group(0).slice(0, 1_000), small)
    CONTENDERS[name](zones.iloc[:20].reset_index(drop=True), str(small))
    small.unlink()
    began, spent = time.perf_counter(), time.process_time()
    counts = CONTENDERS[name](zones, points_path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - spent
    digest = hashlib.sha256(np.asarray(counts, np.int64).tobytes()).hexdigest()[:16]
    # Not getrusage: a process that was forked starts with its parent's peak there.
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    print(
        json.dumps({"seconds": seconds, "cpu_s": cpu, "peak_mb": peak, "counts": digest, "inside": int(counts.sum())})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
