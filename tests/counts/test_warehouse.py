"""Counting in SQL alone: the lookup and the query give count_by_cell's table, wherever that is promised."""

import sqlite3

import duckdb
import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridmap.counts.query import count_by_cell
from gridmap.counts.warehouse import warehouse_count
from gridmap.errors import InputError, SettingError
from gridmap.grids.saved import write_grid
from gridmap.grids.systems import make_grid
from gridmap.read.incident_table import Incidents

from ..command import run_here

pytest.importorskip("sqlglot")


@pytest.fixture(scope="module")
def zones():
    """Zones with a hole, an island, a slant border, and two that overlap."""
    holed = shapely.box(0, 0, 1, 1).difference(shapely.box(0.25, 0.25, 0.5, 0.5))
    apart = shapely.MultiPolygon([shapely.box(1, 0, 2, 1), shapely.box(0.3, 0.3, 0.4, 0.45)])
    slant = shapely.Polygon([(2, 0), (3.3, 0), (2.6, 1), (2, 1)])
    shapes = [holed, apart, slant, shapely.Point(2.6, 0.4).buffer(0.4)]
    return gpd.GeoDataFrame({"zone_id": ["a", "b", "c", "d"]}, geometry=shapes, crs=4326)


@pytest.fixture(scope="module")
def crowd():
    """Points anywhere, on a net that meets the borders, and in places that are none."""
    rng = np.random.default_rng(3)
    n = 4_000
    lon, lat = rng.uniform(-0.2, 3.6, n), rng.uniform(-0.2, 1.2, n)
    lon[: n // 2], lat[: n // 2] = (lon[: n // 2] * 8).round() / 8, (lat[: n // 2] * 8).round() / 8
    lon[:3] = np.nan
    return Incidents(pa.table({"lon": lon, "lat": lat, "category": rng.choice(["theft", "o'clock", None], n)}))


def in_duckdb(needed, table):
    with duckdb.connect() as con:
        con.register("crimes", table)
        for name, lookup in needed.tables.items():
            con.register(name, lookup)
        return con.sql(needed.query).to_arrow_table()


def in_sqlite(needed, table):
    con = sqlite3.connect(":memory:")
    for name, lookup in {"crimes": table, **needed.tables}.items():
        lookup.to_pandas().to_sql(name, con, index=False)
    return con.execute(needed.query).fetchall()


def in_sedonadb(needed, table):
    sedonadb = pytest.importorskip("sedonadb")
    con = sedonadb.connect()
    for name, lookup in {"crimes": table, **needed.tables}.items():
        con.create_data_frame(lookup).to_view(name)
    return con.sql(needed.query).to_arrow_table()


ENGINES = [(in_duckdb, "duckdb"), (in_sqlite, "sqlite"), (in_sedonadb, "postgres")]


@pytest.mark.parametrize(("run", "dialect"), ENGINES, ids=["duckdb", "sqlite", "sedonadb"])
@pytest.mark.parametrize("by", [None, "category"])
def test_the_query_gives_the_same_table(zones, crowd, run, dialect, by):
    with pytest.warns(UserWarning, match="overlap"):
        grid = make_grid(zones, system="zones")
    needed = warehouse_count(grid, "crimes", dialect=dialect, by=by)
    found = needed.counts(run(needed, crowd.arrow()))
    expected = count_by_cell(crowd, grid, by=by)
    pd.testing.assert_frame_equal(found, expected)
    assert found.about.outside == expected.about.outside > 0
    assert (expected["count"] > 0).any()


@pytest.mark.parametrize(("run", "dialect"), ENGINES, ids=["duckdb", "sqlite", "sedonadb"])
def test_h3_cells_are_counted_by_their_parents(zones, crowd, run, dialect):
    grid = make_grid(zones.iloc[:3], system="h3", resolution=5)
    table = crowd.arrow().slice(3)
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    cells = [int(h3.latlng_to_cell(y, x, 8), 16) for x, y in zip(lon, lat, strict=True)]
    table = table.append_column("cell", pa.array([*cells[:-1], None], pa.int64()))
    needed = warehouse_count(grid, "crimes", dialect=dialect, by="category", h3_column="cell")
    found = needed.counts(run(needed, table))
    expected = count_by_cell(Incidents(table), grid, by="category", h3_column="cell")
    pd.testing.assert_frame_equal(found, expected)
    assert found.about.outside == expected.about.outside > 0


def test_random_zones_random_points(tmp_path):
    rng = np.random.default_rng(8)
    for turn in range(4):
        sites = shapely.MultiPoint(rng.uniform(0, 1, (25, 2)) * (10, 3) + (100, 30))
        shapes = np.array(shapely.voronoi_polygons(sites).geoms)
        grid = make_grid(
            gpd.GeoDataFrame({"zone_id": np.arange(len(shapes))}, geometry=shapes, crs=4326), system="zones"
        )
        corners = shapely.get_coordinates(shapes)
        lon, lat = np.r_[rng.uniform(98, 112, (3_000, 2)), corners].T
        lat[:3_000] = rng.uniform(29, 34, 3_000)
        crowd = Incidents(pa.table({"lon": lon, "lat": lat}))
        needed = warehouse_count(grid, "crimes")
        pd.testing.assert_frame_equal(needed.counts(in_duckdb(needed, crowd.arrow())), count_by_cell(crowd, grid))
        assert turn or len(needed.write(tmp_path)) == 3
    assert set(pq.read_table(tmp_path / "gridmap_lookup.parquet").column_names) == {"kx", "ky", "zone", "border"}
    assert (tmp_path / "query.sql").read_text().startswith("WITH points AS")


def test_what_rounding_could_decide_is_decided_by_the_locator(zones):
    grid = make_grid(zones.iloc[[2]], system="zones")
    lat = np.linspace(0.01, 0.99, 99)
    crowd = Incidents(pa.table({"lon": 3.3 - 0.7 * lat, "lat": lat}))  # on the slant border, but for rounding
    needed = warehouse_count(grid, "crimes")
    rows = in_duckdb(needed, crowd.arrow())
    assert (rows["zone"].to_numpy() == -2).sum() > 50
    pd.testing.assert_frame_equal(needed.counts(rows), count_by_cell(crowd, grid))


def test_other_dialects_quote_and_name_as_theirs_do(zones):
    grid = make_grid(zones.iloc[:2], system="zones")
    text = warehouse_count(grid, "police.crimes", dialect="bigquery", by="offence type").query
    assert "`offence type`" in text
    assert "FLOAT64" in text
    assert "police.crimes" in text
    assert '"offence ""x"""' in warehouse_count(grid, "crimes", dialect="snowflake", by='offence "x"').query
    with pytest.raises(SettingError, match="Did you mean 'snowflake'"):
        warehouse_count(grid, "crimes", dialect="snowflak")


def test_what_has_no_lookup_is_refused(zones):
    for system in ({"system": "square", "cell_size_m": 20_000}, {"system": "h3", "resolution": 4}):
        with pytest.raises(SettingError, match="has no lookup table"):
            warehouse_count(make_grid(zones.iloc[:2], **system), "crimes")
    needed = warehouse_count(make_grid(zones.iloc[:1], system="zones"), "crimes")
    with pytest.raises(InputError, match="does not have"):
        needed.counts([(3, None, 1, None, None), (-1, None, 1, None, None)])
    with pytest.raises(InputError, match="The query gives zone, kind, n, lon, lat"):
        needed.counts([(3, 1)])


def test_the_command_line_writes_what_is_to_be_loaded_and_reads_the_answer(zones, crowd, tmp_path):
    grid = make_grid(zones.iloc[:3], system="zones")
    write_grid(grid, tmp_path / "cells.parquet")
    command = ["warehouse", tmp_path / "cells.parquet", "crimes", "--by", "category", "-o"]
    done = run_here([*command, tmp_path / "load"])
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as con:
        con.register("crimes", crowd.arrow())
        for name in ("gridmap_lookup", "gridmap_edges"):
            con.register(name, pq.read_table(tmp_path / "load" / f"{name}.parquet"))
        con.sql((tmp_path / "load" / "query.sql").read_text(encoding="utf-8")).write_csv(str(tmp_path / "rows.csv"))
    counts = tmp_path / "counts.csv"
    assert run_here([*command, counts, "--result", tmp_path / "rows.csv"]).returncode == 0
    expected = count_by_cell(crowd, grid, by="category")["count"]
    assert pd.read_csv(counts).set_index(["cell_id", "category"])["count"].to_dict() == expected.to_dict()
    refused = run_here([*command, counts, "--result", tmp_path / "rows.csv", "--audience", "public"])
    assert refused.returncode != 0
    assert not counts.with_name("counts_areas.parquet").exists()
