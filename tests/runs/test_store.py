"""A store at the command line, in a pipeline and under `gridmap watch`."""

import json

import pandas as pd
import pytest

import gridmap as gm
from gridmap.counts.store_adding import IncidentStore
from gridmap.errors import SettingError
from gridmap.messages import say
from gridmap.runs import read_pipeline, run_pipeline
from gridmap.runs.inbox import Inbox
from gridmap.runs.input_files import check_confined
from tests.command import run_here
from tests.runs.test_inbox import export, write_zones_and_export

PIPELINE = """
title: Thefts
language: en
boundaries: {path: zones.geojson}
incidents: {store: store, period: last month}
grid: {system: square, cell_size_m: 1000}
hotspots: [hotspot_test: {}]
outputs: {counts: counts.parquet}
"""


@pytest.fixture
def office(tmp_path):
    write_zones_and_export(tmp_path)
    (tmp_path / "april.csv").write_text(export("2024-04-01", 40, seed=1), encoding="utf-8")
    IncidentStore(tmp_path / "store").add(tmp_path / "exports" / "march.csv")
    (tmp_path / "store.yaml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


def test_the_commands_add_say_what_is_there_and_count(office):
    added = run_here(["add", office / "april.csv", office / "april.csv", "--store", office / "store"])
    assert added.returncode == 0
    assert "april.csv: 40 rows, 40 used, 0 set aside" in added.stdout
    assert "added already" in added.stdout
    shown = run_here(["store", office / "store", "--check"])
    assert say("store.sound", "en") in shown.stdout
    assert "100 incidents of 2 additions" in shown.stdout
    record = json.loads(run_here(["store", office / "store", "--json"]).stdout)
    assert [entry["used"] for entry in record["additions"]] == [60, 40]
    tiled = run_here(["tile", office / "zones.geojson", "-o", office / "cells.parquet", "--system", "zones"])
    assert tiled.returncode == 0
    for period, n in (("2024-03", 60), ("this month", 40), (None, 100)):
        given = [] if period is None else ["--period", period]
        run = run_here(["count", office / "store", office / "cells.parquet", "-o", office / "n.parquet", *given])
        assert run.returncode == 0, run.stderr
        assert pd.read_parquet(office / "n.parquet")["count"].sum() == n
    part = next((office / "store").rglob("month=2024-03/*/*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    broken = run_here(["store", office / "store", "--check"])
    assert broken.returncode == 1
    assert part.name in broken.stdout
    wrong = run_here(["add", office / "april.csv", "--store", office / "store", "--column", "lon"])
    assert "ROLE=COLUMN" in wrong.stderr


def test_a_pipeline_reads_a_store_and_of_it_the_months_of_its_period(office):
    IncidentStore(office / "store").add(office / "april.csv")
    pipeline = read_pipeline(office / "store.yaml")
    check_confined(pipeline, office / "out")
    report = run_pipeline(pipeline, office / "out")
    record = json.loads((office / "out" / "run.json").read_text(encoding="utf-8"))
    assert len(report.incidents) == 40
    entry = next(entry for entry in record["inputs"] if entry["path"] == "store/store.json")
    assert (entry["rows"], entry["used"], entry["set_aside"]) == (100, 100, 0)
    assert len(entry["sha256"]) == 64
    assert record["periods"] == [{"period": "last month", "dates": "2024-04", "as_of": "2024-04-30"}]


def test_mistakes_about_a_store_are_said_before_any_work(office):
    for text, words in (
        (PIPELINE.replace("store: store,", "store: store, path: april.csv,"), "not both"),
        (PIPELINE.replace("store: store,", "store: exports,"), "gridmap add"),
        (PIPELINE.replace("store: store,", "store: 3,"), "store"),
    ):
        (office / "wrong.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingError, match=words):
            read_pipeline(office / "wrong.yaml")
    (office / "beside.yaml").write_text(
        PIPELINE.replace("store: store,", "path: [store, april.csv],"), encoding="utf-8"
    )
    with pytest.raises(SettingError, match="read alone"):
        run_pipeline(read_pipeline(office / "beside.yaml"), office / "out")


def test_an_inbox_feeds_the_store_that_its_pipeline_reads(office):
    inbox = Inbox(office / "store.yaml", office / "exports", office / "runs", settle_s=0)
    first = inbox.look()  # march.csv is in the store already
    assert [line.code for line in first.lines] == ["store.again", "inbox.line"]
    (office / "april.csv").rename(office / "exports" / "april.csv")
    second = inbox.look()
    assert [line.code for line in second.lines] == ["store.added", "inbox.line"]
    assert len(gm.IncidentStore(office / "store")) == 100
    assert not inbox.look().lines


def test_what_came_into_the_store_beside_a_bad_export_is_said_once(office):
    (office / "april.csv").rename(office / "exports" / "april.csv")
    (office / "exports" / "another.csv").write_text("what,how\n1,2\n", encoding="utf-8")  # before the good one
    inbox = Inbox(office / "store.yaml", office / "exports", office / "runs", settle_s=0)
    looked = inbox.look()
    codes = [line.code for line in looked.lines]
    assert (codes.count("store.added"), codes.count("inbox.failed"), codes[-1]) == (1, 1, "inbox.line")
    assert len(gm.IncidentStore(office / "store")) == 100
    assert not inbox.look().lines
