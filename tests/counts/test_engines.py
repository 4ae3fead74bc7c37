"""Counting anywhere: DuckDB, batches by hand, Spark and Ray give the same table to the last count."""

import os
import re
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridmap.counts import task
from gridmap.counts.query import count_by_cell, count_query
from gridmap.counts.task import combine, count_batch, finish, prepare
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.grids.saved import write_grid
from gridmap.grids.systems import make_grid
from gridmap.read.incident_table import Incidents

from ..command import run_here
from ..needs import require


@pytest.fixture(scope="module")
def spark():
    require("java")
    require("spark")
    from gridmap.counts.spark import local_session

    # a session of half a minute: compiled a little, collected by one thread, it takes half the processor time
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    session = local_session(2)
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def ray_here():
    require("ray")
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


#: A question takes Ray seconds on a small machine, so most are left to `make test-slow`.
ON_RAY = pytest.param("ray", marks=pytest.mark.slow)


@pytest.fixture(params=["batches", "spark", ON_RAY])
def counted_elsewhere(request):
    """`count_by_cell` of a Parquet file on another engine than the embedded one."""
    if request.param == "batches":
        return count_in_batches
    request.getfixturevalue({"spark": "spark", "ray": "ray_here"}[request.param])
    return lambda path, grid, **settings: count_by_cell(path, grid, engine=request.param, **settings)


def count_in_batches(path, grid, **settings):
    """An engine by hand: batches in any order, sums added up in several steps."""
    query = count_query(**settings)
    task = prepare(grid, query)
    sums = [count_batch(task, batch) for batch in pq.ParquetFile(path).iter_batches(batch_size=1_500)][::-1]
    return finish(grid, query, combine([combine(sums[:2]), combine(sums[2:])]))


@pytest.fixture(scope="module")
def zones():
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.Point(3, 0.5).buffer(0.4)]
    return gpd.GeoDataFrame({"zone_id": ["a", "b", "c"]}, geometry=shapes, crs=4326)


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(11)
    n = 6_000
    since = pd.Timestamp("2019-05-01") + pd.to_timedelta(rng.integers(0, 100 * 24 * 60, n), unit="min")
    until = since + pd.to_timedelta(rng.choice([0, 0, 0, 5, 40 * 24], n), unit="h")
    lon = rng.uniform(-0.2, 3.6, n).round(1)
    lon[:5] = np.nan
    return Incidents(
        pa.table(
            {
                "lon": lon,
                "lat": rng.uniform(-0.2, 1.2, n).round(2),
                "category": pa.array(rng.choice(["theft", "fraud", "弄虚作假", None], n)),
                "occurred_from": pa.array(since.as_unit("us")),
                "occurred_to": pa.array(until.as_unit("us")),
                "patrol_found": pa.array(rng.choice([True, False, None], n), pa.bool_()),
                "harm": rng.choice([0.1, 0.25, 5_475.0], n),
            }
        )
    )


GRIDS = [{"system": "zones"}, {"system": "h3", "resolution": 5}, {"system": "square", "cell_size_m": 25_000}]
QUESTIONS = [
    {},
    {"by": "category"},
    {"every": "month", "patrol_found": False},
    {"every": "hour_of_week", "by": "category", "category": ["theft", "弄虚作假"]},
    {"by": "patrol_found", "every": "week", "weight": "harm"},
    {"by": "harm"},
]


@pytest.mark.parametrize("system", GRIDS, ids=lambda s: s["system"])
def test_the_same_table_to_the_last_count(counted_elsewhere, zones, crowd, system, tmp_path):
    """The one test that holds every engine to DuckDB's counts."""
    grid = make_grid(zones, **system)
    pq.write_table(crowd.arrow(), tmp_path / "points.parquet", row_group_size=2_000)
    for question in QUESTIONS[2:] if system["system"] == "zones" else QUESTIONS[2:3]:
        question = {("officer_initiated" if k == "patrol_found" else k): v for k, v in question.items()}
        expected = count_by_cell(crowd, grid, **question)
        found = counted_elsewhere(tmp_path / "points.parquet", grid, **question)
        pd.testing.assert_frame_equal(found, expected)
        assert {**found.attrs, "weights": None} == {**expected.attrs, "weights": None}
        assert expected["count"].sum() > 0


def with_h3(crowd, resolution, kind=str):
    """The incidents with their H3 cells in place of coordinates; none where a coordinate is not finite."""
    table = crowd.arrow()
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    cells = [h3.latlng_to_cell(y, x, resolution) if np.isfinite(x) else None for x, y in zip(lon, lat, strict=True)]
    cells = cells if kind is str else [c if c is None else int(c, 16) for c in cells]
    return table.drop_columns(["lon", "lat"]).append_column("hex", pa.array(cells))


@pytest.mark.parametrize("kind", [str, int])
def test_h3_cells_count_as_their_coordinates_do(counted_elsewhere, zones, crowd, tmp_path, kind):
    grid = make_grid(zones, system="h3", resolution=5)
    pq.write_table(with_h3(crowd, 5, kind), tmp_path / "keyed.parquet", row_group_size=2_000)
    found = counted_elsewhere(tmp_path / "keyed.parquet", grid, by="category", h3_column="hex")
    pd.testing.assert_frame_equal(found, count_by_cell(crowd, grid, by="category"))
    assert found.about.outside > 0


@pytest.mark.parametrize("kind", [pa.uint64(), pa.decimal128(20, 0)])
def test_whole_numbers_of_warehouses_are_h3_cells(counted_elsewhere, zones, crowd, tmp_path, kind):
    """Spark and others have no 64 bits without a sign: there such a number is a decimal."""
    grid = make_grid(zones, system="h3", resolution=5)
    keyed = with_h3(crowd, 5, int)
    keyed = keyed.set_column(keyed.schema.get_field_index("hex"), "hex", keyed["hex"].cast(kind))
    pq.write_table(keyed, tmp_path / "keyed.parquet", row_group_size=2_000)
    expected = count_by_cell(crowd, grid)
    for count in (count_by_cell, counted_elsewhere):
        pd.testing.assert_frame_equal(count(tmp_path / "keyed.parquet", grid, h3_column="hex"), expected)


def test_finer_h3_cells_count_in_their_parents(counted_elsewhere, zones, crowd, tmp_path):
    grid = make_grid(zones, system="h3", resolution=5)
    keyed = with_h3(crowd, 9)
    pq.write_table(keyed, tmp_path / "keyed.parquet", row_group_size=2_000)
    found = counted_elsewhere(tmp_path / "keyed.parquet", grid, h3_column="hex")
    of = pd.Series([c and h3.cell_to_parent(c, 5) for c in keyed["hex"].to_pylist()]).value_counts()
    assert found["count"].to_dict() == of.reindex(grid.cells.index).fillna(0).astype(int).to_dict()
    assert found["count"].sum() + found.about.outside == len(keyed)


def test_points_as_wkb_count_as_their_coordinates_do(counted_elsewhere, zones, crowd, tmp_path):
    grid = make_grid(zones, system="zones")
    table = crowd.arrow()
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    shapes = shapely.points(lon, lat)
    shapes[np.isnan(lon)] = None
    table = table.drop_columns(["lon", "lat"]).append_column("geometry", pa.array(shapely.to_wkb(shapes), pa.binary()))
    pq.write_table(table, tmp_path / "shapes.parquet", row_group_size=2_000)
    expected = count_by_cell(crowd, grid, by="category")
    pd.testing.assert_frame_equal(counted_elsewhere(tmp_path / "shapes.parquet", grid, by="category"), expected)
    pd.testing.assert_frame_equal(count_by_cell(tmp_path / "shapes.parquet", grid, by="category"), expected)


def test_an_empty_point_is_outside_whatever_stands_beside_it(counted_elsewhere, zones, tmp_path):
    grid = make_grid(zones, system="zones")
    plain, tall, empty = shapely.Point(0.5, 0.5), shapely.Point(1.5, 0.5, 9), shapely.Point()
    for shapes, flavour in (([empty, plain], {"byte_order": 0}), ([empty, tall, None], {}), ([tall, empty], {})):
        path = tmp_path / "shapes.parquet"
        pq.write_table(pa.table({"geometry": pa.array(list(shapely.to_wkb(shapes, **flavour)), pa.binary())}), path)
        for found in (counted_elsewhere(path, grid), count_by_cell(path, grid)):
            assert found["count"].sum() == 1
            assert found.about.outside == len(shapes) - 1


def test_what_is_no_place_is_refused_in_one_line(counted_elsewhere, zones, tmp_path):
    hexagons, areas = make_grid(zones, system="h3", resolution=5), make_grid(zones, system="zones")
    path = tmp_path / "odd.parquet"
    # An engine's workers may take seconds to begin: each kind of answer is looked for once there, and on DuckDB always.
    for k, cells in enumerate((["8319fffffffffff", "85754e67fffffff"], ["not a cell", None], [7, 8])):  # 1st: coarser
        pq.write_table(pa.table({"hex": cells}), path)
        for count in (count_by_cell, counted_elsewhere)[: 2 if k == 0 else 1]:
            with pytest.raises(InputError, match="no H3 cell of resolution 5 or finer in column 'hex'"):
                count(path, hexagons, h3_column="hex")
    with pytest.raises(SettingError, match="which a grid of zones does not have"):
        counted_elsewhere(path, areas, h3_column="hex")
    pq.write_table(pa.table({"hex": [0.5]}), path)
    with pytest.raises(InputError, match="should hold H3 cells"):
        counted_elsewhere(path, hexagons, h3_column="hex")
    with pytest.raises(InputError, match="Did you mean 'hex'"):
        counted_elsewhere(path, hexagons, h3_column="hx")
    metres = shapely.Point(13_000_000, 4_800_000)
    for k, shape in enumerate(
        (metres, shapely.box(0, 0, 1, 1), shapely.set_srid(shapely.Point(1, 2), 3857), shapely.Point(3, 91, 0))
    ):
        pq.write_table(pa.table({"geometry": [shapely.to_wkb(shape, include_srid=True)]}), path)
        for count in (count_by_cell, counted_elsewhere)[: 2 if k == 0 else 1]:
            with pytest.raises(InputError, match="1 geometry is not a point in WGS 84 degrees"):
                count(path, areas)


def test_moments_are_counted_by_a_clock_that_is_not_the_machines(counted_elsewhere, zones, tmp_path, monkeypatch):
    """A file's times with a time zone: the same days on every engine and on a machine set to any zone."""
    grid, path = make_grid(zones, system="zones"), tmp_path / "moments.parquet"
    written = pd.DatetimeIndex(["2024-03-01 00:30", "2024-03-01 12:00", "2024-03-02 07:59"])
    there = pd.Period("2024-03-01"), pd.Period("2024-03-02")
    for zone in ("Asia/Shanghai", "+08:00", "America/New_York", "UTC"):
        column = pa.array(written.tz_localize(zone).as_unit("us"), pa.timestamp("us", zone))
        pq.write_table(pa.table({"lon": [0.5] * 3, "lat": [0.5] * 3, "occurred_from": column}), path)
        for machine in ("America/Los_Angeles", "Asia/Tokyo"):
            monkeypatch.setenv("TZ", machine)
            elsewhere = (zone, machine) in (("Asia/Shanghai", "America/Los_Angeles"), ("+08:00", "Asia/Tokyo"))
            for count in (count_by_cell, counted_elsewhere)[: 2 if elsewhere else 1]:
                found = count(path, grid, every="day").loc["a"]["count"]
                assert found.to_dict() == {there[0]: 2, there[1]: 1}, (zone, machine)
    found = counted_elsewhere(path, grid, every="day", timezone="Asia/Tokyo").loc["a"]["count"]  # written in UTC
    assert found.to_dict() == {there[0]: 2, there[1]: 1}
    found = count_by_cell(path, grid, every="day", timezone="America/New_York").loc["a"]["count"]
    assert found.to_dict() == {pd.Period("2024-02-29"): 1, there[0]: 1, there[1]: 1}
    with pytest.raises(SettingError, match="Asia/Shanghai"):
        count_by_cell(path, grid, every="day", timezone="Mars/Olympus")


def test_clocks_of_a_text_stay_as_they_are_written(spark, zones, tmp_path):
    grid, path = make_grid(zones, system="zones"), tmp_path / "clocks.csv"
    path.write_text("lon,lat,occurred_from\n0.5,0.5,2024-03-01 00:30:00\n0.5,0.5,2024-03-01 23:30:00\n")
    expected = count_by_cell(path, grid, every="day", timezone="Asia/Tokyo")
    found = count_by_cell(path, grid, every="day", timezone="Asia/Tokyo", engine="spark", spark=spark)
    pd.testing.assert_frame_equal(found, expected)
    assert found.loc["a"]["count"].to_dict() == {pd.Period("2024-03-01"): 2}


def test_texts_in_place_of_times_are_refused_before_any_work(counted_elsewhere, zones, tmp_path):
    grid, path = make_grid(zones, system="zones"), tmp_path / "texts.parquet"
    pq.write_table(pa.table({"lon": [0.5], "lat": [0.5], "occurred_from": ["2024-03-01"]}), path)
    assert counted_elsewhere(path, grid)["count"].sum() == 1  # nobody asked for times
    with pytest.raises(InputError, match=r"Column .occurred_from. of .* should hold times, but holds "):
        counted_elsewhere(path, grid, every="day")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's, of its own settings
@pytest.mark.slow
def test_a_ray_dataset_and_incidents_in_memory(ray_here, zones, crowd):
    import ray.data

    grid = make_grid(zones, system="zones")
    expected = count_by_cell(crowd, grid, by="category", weight="harm")
    for given in (ray.data.from_arrow(crowd.arrow()), crowd):
        pd.testing.assert_frame_equal(count_by_cell(given, grid, engine="ray", by="category", weight="harm"), expected)


def test_a_table_of_sparks_catalogue_is_counted_by_its_name(spark, zones, crowd, tmp_path, monkeypatch):
    grid = make_grid(zones, system="zones")
    pq.write_table(crowd.arrow(), tmp_path / "points.parquet")
    spark.read.parquet(str(tmp_path / "points.parquet")).createOrReplaceTempView("crowd")
    expected = count_by_cell(crowd, grid)
    for name in ("crowd", f"parquet.`{tmp_path}/points.parquet`"):
        pd.testing.assert_frame_equal(count_by_cell(name, grid, engine="spark", spark=spark), expected)
    monkeypatch.chdir(tmp_path)
    pq.write_table(crowd.arrow().slice(0, 50), tmp_path / "crowd")  # a file of that name goes first
    assert count_by_cell("crowd", grid, engine="spark", spark=spark).about.rows == 50


def test_sparks_own_geometry_is_counted_as_it_is(spark, zones, crowd, tmp_path):
    grid = make_grid(zones, system="zones")
    table = crowd.arrow()
    shapes = shapely.to_wkb(shapely.points(table["lon"].to_numpy(), table["lat"].to_numpy()))
    pq.write_table(pa.table({"wkb": pa.array(shapes, pa.binary())}).slice(5), tmp_path / "shapes.parquet")
    frame = spark.read.parquet(str(tmp_path / "shapes.parquet"))
    frame = frame.selectExpr("ST_GeomFromWKB(wkb) AS place")
    expected = count_by_cell(Incidents(table.slice(5)), grid)
    pd.testing.assert_frame_equal(count_by_cell(frame, grid, engine="spark"), expected)


def test_incidents_in_memory_and_zones_that_overlap(spark, crowd):
    shapes = [shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)]
    grid = make_grid(
        gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=shapes, crs=4326), system="zones", overlaps="all"
    )
    expected = count_by_cell(crowd, grid, by="category")
    assert expected.attrs["repeated"] > 0
    found = count_by_cell(crowd, grid, by="category", engine="spark")  # the active session
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs == expected.attrs


def test_a_literal_name_is_a_literal_name(spark, zones, crowd, tmp_path):
    grid = make_grid(zones, system="zones")
    pq.write_table(crowd.arrow(), tmp_path / "cases1.parquet")
    few = crowd.arrow().slice(0, 500)
    pq.write_table(few, tmp_path / "cases[1].parquet")
    pq.write_table(few, tmp_path / "c{1,2}*?.parquet")
    for name in ("cases[1].parquet", "c{1,2}*?.parquet"):
        found = count_by_cell(tmp_path / name, grid, engine="spark", spark=spark)
        pd.testing.assert_frame_equal(found, count_by_cell(Incidents(few), grid))
        assert found.about.rows == 500


def test_a_spark_frame_counts_as_it_is(spark, zones, crowd, tmp_path):
    grid = make_grid(zones, system="zones")
    pq.write_table(crowd.arrow(), tmp_path / "points.parquet")
    frame = spark.read.parquet(str(tmp_path / "points.parquet"))
    found = count_by_cell(frame, grid, engine="spark", by="category", weight="harm")
    pd.testing.assert_frame_equal(found, count_by_cell(crowd, grid, by="category", weight="harm"))


def test_errors_are_the_same_clear_lines(spark, zones, crowd, tmp_path):
    grid = make_grid(zones, system="zones")
    with pytest.raises(ReadError, match="cannot be read by Spark"):
        count_by_cell(tmp_path / "none.parquet", grid, engine="spark", spark=spark)
    with pytest.raises(InputError, match="Did you mean 'theft'"):
        count_by_cell(crowd, grid, category="thefft", engine="spark", spark=spark)
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="has no column 'lon'; found: x, y"):
        count_by_cell(tmp_path / "other.parquet", grid, engine="spark", spark=spark)
    with pytest.raises(InputError, match="found int"):
        count_by_cell(7, grid, engine="spark", spark=spark)


def test_the_ten_lines_of_the_page_are_an_engine(zones, crowd, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
    (lines,) = (block for block in re.findall(r"```python\n(.*?)```", page, flags=re.S) if "ProcessPool" in block)
    table = crowd.arrow()
    for i in range(2):
        pq.write_table(table.slice(3_000 * i, 3_000), tmp_path / f"{i}.parquet")
    zones.to_parquet(tmp_path / "zones.parquet")
    given = """
import geopandas as gpd, gridmap as gm
grid = gm.make_grid(gpd.read_parquet("zones.parquet"), system="zones")
paths = ["0.parquet", "1.parquet"]
"""
    shown = "    counts.to_csv('counts.csv')\n"
    (tmp_path / "engine.py").write_text(given + lines + shown, encoding="utf-8")
    subprocess.run([sys.executable, "engine.py"], check=True, cwd=tmp_path)
    found = pd.read_csv(tmp_path / "counts.csv", index_col="cell_id", dtype={"cell_id": str})
    expected = count_by_cell(crowd, make_grid(zones, system="zones"), weight="harm")
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected), check_exact=False, rtol=1e-12)
    assert found["incidents"].tolist() == expected["incidents"].tolist()


def test_the_command_line_counts_by_h3_cells_and_leaves_tables_to_the_engine(zones, crowd, tmp_path):
    grid = make_grid(zones, system="h3", resolution=5)
    write_grid(grid, tmp_path / "cells.parquet")
    pq.write_table(with_h3(crowd, 5), tmp_path / "keyed.parquet")
    paths = tmp_path / "keyed.parquet", tmp_path / "cells.parquet", "-o", tmp_path / "counts.csv"
    done = run_here(["count", *paths, "--h3-column", "hex"])
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(paths[3], index_col="cell_id")["count"]
    assert found.to_dict() == count_by_cell(crowd, grid)["count"].to_dict()
    refused = run_here(["count", "lake.crimes", *paths[1:], "--engine", "spark", "--audience", "public"])
    assert refused.returncode != 0
    assert "lake.crimes is read by the engine itself" in refused.stderr


def test_without_java_or_pyspark_one_line_says_what_is_missing(monkeypatch, zones, crowd):
    from gridmap.counts import spark as module

    monkeypatch.setattr(module, "_active", lambda: None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SettingError, match=r"needs PySpark.*gridmap\[spark\]"):
        count_by_cell(crowd, make_grid(zones, system="zones"), engine="spark")


def test_gridmap_does_not_need_pyspark_to_be_imported():
    code = "import sys; import gridmap; assert 'pyspark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_pipeline_counts_on_spark_as_on_one_machine(spark, crowd, tmp_path):
    from gridmap.runs import read_pipeline, run_pipeline

    zones = gpd.GeoDataFrame(
        {"code": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326
    )
    zones.to_file(tmp_path / "zones.geojson")
    rows = crowd.to_frame(["lon", "lat", "category", "occurred_from"])
    rows[rows["lon"].between(0, 2)].to_csv(tmp_path / "points.csv", index=False)
    text = """
        audience: internal
        boundaries: {path: zones.geojson}
        grid: {system: square, cell_size_m: 25000}
        incidents: {path: points.csv}
        hotspots: [{compare_periods: {before: 2019-05, after: 2019-06}}]
        outputs: {counts: counts.parquet}
    """
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    answers = []
    for engine in ("duckdb", "spark"):
        pipeline = read_pipeline(tmp_path / "p.yaml", overrides=[f"engine={engine}"])
        answers.append(run_pipeline(pipeline, tmp_path / engine).results[0][1].cells)
    pd.testing.assert_frame_equal(*answers)
    here, there = ((tmp_path / engine / "counts.parquet").read_bytes() for engine in ("duckdb", "spark"))
    assert here == there


def test_an_engine_that_is_none_is_told_before_any_work(tmp_path):
    from gridmap.runs import read_pipeline

    (tmp_path / "p.yaml").write_text("engine: spakr\nboundaries: {}\ngrid: {}\nincidents: {}\nhotspots: []\n")
    with pytest.raises(SettingError, match=r"engine must be duckdb, spark or ray; found 'spakr'"):
        read_pipeline(tmp_path / "p.yaml")


@pytest.mark.parametrize("odd", [None, "big-endian", "null", "z", "srid"])
def test_points_are_read_from_wkb_as_shapely_reads_them(odd):
    """Plain points take the short way, whatever else stands in the column takes shapely's; the answer is the same."""
    points = shapely.points(np.random.default_rng(0).uniform([-180, -90], [180, 90], (40, 2)))
    wkb = [*shapely.to_wkb(points)]
    other = {
        "big-endian": shapely.to_wkb(points[7], byte_order=0),
        "z": shapely.to_wkb(shapely.Point(1, 2, 3)),
        "srid": shapely.to_wkb(shapely.set_srid(points[7], 4326), include_srid=True),
    }
    if odd is not None:
        wkb[7] = other.get(odd)
    column = pa.array(wkb, pa.binary()).slice(3, 30)
    plain = task._plain_points(column)
    assert (plain is not None) == (odd is None)
    lon, lat, wrong = task._degrees_of(pa.record_batch({"shape": column}))
    expected = shapely.from_wkb(column.to_pylist())
    np.testing.assert_array_equal(lon, shapely.get_x(expected))
    np.testing.assert_array_equal(lat, shapely.get_y(expected))
    assert wrong == (0, None)
