"""Databases by a SQLAlchemy address; PostgreSQL with PostGIS on a server that the test starts and ends."""

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

import gridmap.read.databases as databases
from gridmap.errors import InputError, ReadError
from gridmap.read.incidents import read_incidents

from ..command import run_here
from ..needs import find_postgres, require


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "案件.db"
    frame = pd.DataFrame(
        {
            "案件编号": [f"A{i}" for i in range(25)],
            "案发时间": pd.date_range("2024-03-01 10:00", periods=25, freq="D").astype(str),
            "案由": "盗窃",
            "经度": [116.39 + i / 1000 for i in range(24)] + [None],
            "纬度": 39.91,
            "报警人": "张伟",
        }
    )
    with sqlite3.connect(path) as connection:
        frame.to_sql("cases", connection, index=False)
    connection.close()
    return path


def test_sqlite_table_and_query(sqlite, monkeypatch):
    monkeypatch.setattr(databases, "CHUNK", 7)  # several chunks
    incidents = read_incidents(f"sqlite:///{sqlite}", datum="wgs84")
    assert (len(incidents), len(incidents.set_aside)) == (24, 1)
    assert incidents.set_aside["row"].tolist() == [25]
    assert "报警人" in incidents.source["dropped"]
    some = read_incidents(f"sqlite:///{sqlite}", datum="wgs84", table="SELECT * FROM cases WHERE \"案件编号\" < 'A2'")
    assert len(some) == 12


def test_a_database_is_inspected_by_its_address(sqlite):
    done = run_here(["inspect", f"sqlite:///{sqlite}"], cwd=sqlite.parent)
    assert done.returncode == 0, done.stderr
    assert "25" in done.stdout
    absent = run_here(["inspect", "postgresql://reader:geheim@127.0.0.1:1/cases"], cwd=sqlite.parent)
    assert absent.returncode == 1
    assert "geheim" not in absent.stderr


def test_database_mistakes_are_one_clear_line(sqlite, tmp_path):
    with pytest.raises(InputError, match="Did you mean 'cases'"):
        read_incidents(f"sqlite:///{sqlite}", table="case")
    with pytest.raises(ReadError, match="no file"):
        read_incidents(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(ReadError, match="cannot be read"):
        read_incidents(f"sqlite:///{sqlite}", table="SELECT nothing FROM nowhere")
    with pytest.raises(ReadError, match="kind of database"):
        read_incidents("oracel://a/b", table="t")
    with pytest.raises(ReadError, match="cannot be read") as caught:
        read_incidents("postgresql+pg8000://me:secret@127.0.0.1:1/none", table="t")
    assert "secret" not in str(caught.value)
    (tmp_path / "noise.db").write_bytes(b"noise" * 100)
    with pytest.raises(ReadError, match="file is not a database"):
        read_incidents(f"sqlite:///{tmp_path}/noise.db", table="t")


def test_reading_cannot_write(sqlite):
    with pytest.raises(ReadError, match="readonly database"):
        read_incidents(f"sqlite:///{sqlite}", table="WITH a AS (SELECT 1) DELETE FROM cases")
    with sqlite3.connect(sqlite) as connection:
        assert connection.execute("SELECT count(*) FROM cases").fetchone() == (25,)
    connection.close()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """Address of a PostgreSQL server with PostGIS, started for these tests only."""
    require("postgres")
    programs = find_postgres()
    folder = tmp_path_factory.mktemp("postgres")
    run = {"check": True, "capture_output": True}
    as_user = []
    if os.geteuid() == 0:  # the server refuses to run as root
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        folder = Path(tempfile.mkdtemp(prefix="gridmap-postgres-"))  # pytest's own is closed to other users
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    try:
        subprocess.run(
            [*as_user, programs / "initdb", "-D", data, *["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]],
            cwd=folder,
            **run,
        )
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        subprocess.run(
            [*as_user, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60", "-o", options, "start"],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield f"postgresql+pg8000://postgres@127.0.0.1:{port}/postgres"
    finally:
        if (data / "postmaster.pid").exists():
            subprocess.run(
                [*as_user, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"],
                cwd=folder,
                check=False,
                capture_output=True,
            )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cases(postgres):
    engine = sa.create_engine(postgres, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE TABLE cases AS SELECT 'A' || i AS \"案件编号\", timestamp '2024-03-01 10:00' + i "
                "* interval '1 hour' AS \"案发时间\","
                ' \'盗窃\' AS "案由", 116.3 + i / 10000.0 AS "经度", 39.9 AS "纬度", \'13812345678\' '
                'AS "联系电话" FROM generate_series(0, 999) i'
            )
        )
        connection.execute(sa.text("INSERT INTO cases VALUES ('A1000', NULL, NULL, NULL, NULL, NULL)"))
    engine.dispose()
    return postgres


def test_postgresql_table_in_chunks(cases, monkeypatch):
    monkeypatch.setattr(databases, "CHUNK", 300)
    incidents = read_incidents(cases, datum="wgs84", table="cases")
    assert (len(incidents), len(incidents.set_aside)) == (1000, 1)
    assert incidents.set_aside["reason"].tolist() == ["no_coordinates"]
    frame = incidents.to_frame().sort_values("occurred_from")
    assert frame["occurred_from"].iloc[0] == pd.Timestamp("2024-03-01 10:00")
    assert "联系电话" in incidents.source["dropped"]
    assert len(read_incidents(cases, datum="wgs84", table="public.cases")) == 1000


def test_postgresql_streams_what_is_large(cases, monkeypatch):
    import gridmap.read.sources as module

    monkeypatch.setattr(module, "IN_MEMORY", 0)
    monkeypatch.setattr(databases, "CHUNK", 300)
    incidents = read_incidents(cases, datum="wgs84", table="cases")
    assert len(incidents) == 1000
    assert not isinstance(incidents.data, module.pa.Table)


@pytest.mark.needs("postgis")
def test_postgis_geometry_says_its_crs(cases):
    engine = sa.create_engine(cases, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS postgis"))
        connection.execute(
            sa.text(
                "CREATE TABLE spots AS SELECT i AS id, date '2024-03-01' AS 日期, "
                "ST_Transform(ST_SetSRID(ST_MakePoint(116.3 + i / 100.0, 39.9), 4326), "
                "32650)::geometry(Point, 32650) AS geom "
                "FROM generate_series(0, 9) i"
            )
        )
    engine.dispose()
    frame = read_incidents(cases, table="spots").to_frame().sort_values("lon")
    assert frame["lon"].tolist() == pytest.approx([116.3 + i / 100 for i in range(10)], abs=1e-7)
    assert (frame["occurred_to"] - frame["occurred_from"] == pd.Timedelta(days=1)).all()


def test_postgresql_is_read_only(cases):
    with pytest.raises(ReadError, match="read-only transaction"):
        read_incidents(cases, table="WITH gone AS (DELETE FROM cases RETURNING *) SELECT * FROM gone", datum="wgs84")
    assert len(read_incidents(cases, datum="wgs84", table="cases")) == 1000
