"""engine="spark": the same table to the last count, on a real Spark."""

import os
import subprocess
import sys

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gridmap.counts.query import count_by_cell
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.grids.tiling import make_grid
from gridmap.read.base import Incidents

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
def test_the_same_table_to_the_last_count(spark, zones, crowd, system, tmp_path):
    grid = make_grid(zones, **system)
    pq.write_table(crowd.arrow(), tmp_path / "points.parquet", row_group_size=2_000)
    for question in QUESTIONS if system["system"] == "zones" else QUESTIONS[2:3]:
        expected = count_by_cell(crowd, grid, **question)
        found = count_by_cell(tmp_path / "points.parquet", grid, engine="spark", spark=spark, **question)
        pd.testing.assert_frame_equal(found, expected)
        assert found.attrs == expected.attrs
        assert expected["count"].sum() > 0


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
    with pytest.raises(SettingError, match=r"engine must be duckdb or spark; found 'spakr'"):
        read_pipeline(tmp_path / "p.yaml")
