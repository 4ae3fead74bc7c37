"""`gridmap watch`: a new export runs once, whole or not at all, and says what changed since the last."""

import gzip
import json
import os
import re
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.counts.store_adding import IncidentStore
from gridmap.errors import ReadError, SettingError
from gridmap.runs import inbox as inbox_module
from gridmap.runs.inbox import LOG, STATE, Inbox, has_its_end, watch

PIPELINE = """
title: 盗窃
language: {language}
boundaries: {{path: zones.geojson}}
incidents: {{path: "exports/*.csv", period: {period}}}
grid: {{system: square, cell_size_m: 1000}}
hotspots: [hotspot_test: {{}}]
outputs: {{map: map.html}}
"""


def export(month, n, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.Timestamp(month) + pd.to_timedelta(rng.integers(0, 28 * 86_400, n), unit="s")
    days = days[:-1].append(pd.DatetimeIndex([pd.Period(month, "M").end_time.floor("s")]))
    return pd.DataFrame(
        {
            "case_id": [f"{month}-{i}" for i in range(n)],
            "time": days.strftime("%Y-%m-%d %H:%M:%S"),
            "lon": rng.normal(-1.58, 0.01, n).clip(-1.599, -1.501).round(5),
            "lat": rng.normal(53.74, 0.01, n).clip(53.721, 53.799).round(5),
        }
    ).to_csv(index=False)


def write_zones_and_export(folder):
    """Four zones, and a month of incidents in `exports`."""
    boxes = [shapely.box(x, y, x + 0.05, y + 0.04) for y in (53.72, 53.76) for x in (-1.60, -1.55)]
    gpd.GeoDataFrame({"code": list("ABCD")}, geometry=boxes, crs=4326).to_file(folder / "zones.geojson")
    (folder / "exports").mkdir()
    (folder / "exports" / "march.csv").write_text(export("2024-03-01", 60), encoding="utf-8")


@pytest.fixture
def office(tmp_path):
    write_zones_and_export(tmp_path)
    (tmp_path / "exports" / "march.csv").unlink()
    (tmp_path / "weekly.yaml").write_text(PIPELINE.format(period="last month", language="en"), encoding="utf-8")
    return tmp_path


def of(office, **options):
    options = {"settle_s": 0, **options}
    return Inbox(office / "weekly.yaml", office / "exports", office / "runs", **options)


def put(office, name, text):
    (office / "exports" / name).write_text(text, encoding="utf-8")


def test_a_new_export_runs_once_and_is_compared_with_the_last(office):
    put(office, "march.csv", export("2024-03-01", 60))
    first = of(office)
    done = first.look()
    assert (done.run / "map.html").is_file()
    assert "60 incidents in all" in done.lines[0]
    assert first.look().lines == []
    put(office, "april.csv", export("2024-04-01", 90, seed=1))
    line = first.look().lines[0]
    assert "april.csv: 90 incidents" in line  # of the last month; March is read and lies before it
    assert "the earlier run was made on" in line
    run = json.loads((first.out / line.rsplit("→ ", 1)[1] / "run.json").read_text(encoding="utf-8"))
    assert [entry["path"] for entry in run["inputs"]][1:] == ["exports/april.csv", "exports/march.csv"]
    again = of(office)  # after a restart
    assert again.look().lines == []
    log = (office / "runs" / LOG).read_text(encoding="utf-8").splitlines()
    assert len(log) == 2
    assert str(office) not in "".join(log)


def test_an_export_that_stays_as_it_is_is_hashed_once_and_not_waited_for(office, monkeypatch):
    hashed, waited, real = [], [], inbox_module.sha256_of

    def counted(path):
        hashed.append(path.name)
        return real(path)

    monkeypatch.setattr(inbox_module, "sha256_of", counted)
    monkeypatch.setattr(inbox_module.time, "sleep", waited.append)
    put(office, "march.csv", export("2024-03-01", 40))
    watched = of(office)
    watched.look()
    assert (hashed, len(waited)) == (["march.csv"], 1)
    assert watched.look().lines == []
    assert (hashed, len(waited)) == (["march.csv"], 1)


def test_the_same_bytes_under_another_name_are_named_and_not_run(office):
    put(office, "march.csv", export("2024-03-01", 40))
    watched = of(office)
    watched.look()
    put(office, "march (1).csv", export("2024-03-01", 40))
    assert [line.code for line in watched.look().lines] == ["inbox.same_file"]
    assert watched.look().lines == []


def test_an_export_that_cannot_be_read_is_left_out_until_it_changes(office):
    put(office, "march.csv", "nothing,of,use\n1,2,3\n")
    watched = of(office)
    bad = watched.look()
    assert bad.failed is True
    assert bad.lines[0].code == "inbox.failed"
    assert not [p for p in (office / "runs").iterdir() if p.is_dir()]
    assert watched.look().lines == []  # said once
    put(office, "april.csv", export("2024-04-01", 40))
    assert "40 incidents" in watched.look().lines[0]  # without the bad one
    put(office, "march.csv", export("2024-03-01", 40))
    assert watched.look().run is not None


def test_a_bad_export_does_not_take_a_good_one_along(office):
    put(office, "good.csv", export("2024-03-01", 60))
    put(office, "bad.csv", "a,b\n1,2\n")
    watched = of(office)
    looked = watched.look()
    assert looked.failed
    assert [line.say("en").split(": ")[0][17:] for line in looked.lines] == ["bad.csv", "good.csv"]
    assert json.loads((looked.run / "run.json").read_text(encoding="utf-8"))["incidents"]["used"] == 60
    assert watched.look().lines == []
    put(office, "april.csv", export("2024-03-01", 30, seed=2).replace("2024-03-01-", "x-"))
    after = watched.look()
    assert not after.failed
    assert "90 incidents in all" in after.lines[0].say("en")


def spoil_pipeline(office):
    (office / "weekly.yaml").write_text("title: [", encoding="utf-8")


def spoil_method(office):
    text = (office / "weekly.yaml").read_text(encoding="utf-8")
    (office / "weekly.yaml").write_text(text.replace("hotspot_test", "hotspt"), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda office: (office / "weekly.yaml").unlink(), "weekly.yaml"),
        (spoil_pipeline, "weekly.yaml"),
        (spoil_method, "weekly.yaml"),
        (lambda office: (office / "zones.geojson").unlink(), "zones.geojson"),
        (lambda office: (office / "zones.geojson").write_text("{", encoding="utf-8"), "zones.geojson"),
    ],
)
def test_an_export_waits_where_the_fault_is_not_its_own(office, spoil, name):
    watched = of(office)
    whole = (office / name).read_bytes()
    spoil(office)
    put(office, "march.csv", export("2024-03-01", 60))
    looked = watched.look()
    assert (looked.failed, looked.waits, looked.run) == (True, True, None)
    assert "march.csv: waiting. " in looked.lines[0].say("en")
    assert "等待中" in looked.lines[0].say("zh")
    assert watched.look().lines == []  # nothing has changed: not tried again
    if name == "zones.geojson" and (office / name).exists():
        assert of(office).look().waits  # but by a new process
    (office / name).write_bytes(whole)
    done = watched.look()
    assert done.run is not None
    assert not done.failed
    log = (office / "runs" / LOG).read_text(encoding="utf-8").splitlines()
    assert len(log) == 2  # the same reason stands there once


def test_too_few_incidents_wait_for_the_next_export(office):
    watched = of(office, overrides=["incidents.period=2024-03"])
    put(office, "first.csv", export("2024-03-01", 20))
    assert watched.look().waits
    put(office, "second.csv", export("2024-03-01", 25, seed=1).replace("2024-03-01-", "y-"))
    done = watched.look()
    assert "45 incidents in all" in done.lines[0].say("en")
    assert "first.csv, second.csv" in done.lines[0].say("en")


def test_what_the_pipeline_could_not_read_is_read_when_it_can(office):
    watched = of(office)
    put(office, "march.csv", export("2024-03-01", 60).replace("lon,lat", "u,v"))
    assert "not used" in watched.look().lines[0].say("en")
    assert watched.look().lines == []
    text = (office / "weekly.yaml").read_text(encoding="utf-8")
    named = text.replace('exports/*.csv",', 'exports/*.csv", columns: {lon: u, lat: v},')
    (office / "weekly.yaml").write_text(named, encoding="utf-8")
    assert watched.look().run is not None


def test_the_newest_that_can_be_read_where_each_export_is_whole(office):
    put(office, "good.csv", export("2024-03-01", 60))
    os.utime(office / "exports" / "good.csv", (1, 1))
    put(office, "bad.csv", "a,b\n1,2\n")
    watched = of(office, latest=True)
    looked = watched.look()
    assert looked.failed
    assert "good.csv: 60 incidents" in looked.lines[-1].say("en")
    assert watched.look().lines == []


def test_a_store_takes_the_good_export_and_not_the_bad_one(office):
    text = (office / "weekly.yaml").read_text(encoding="utf-8")
    (office / "weekly.yaml").write_text(text.replace('path: "exports/*.csv"', "store: years"), encoding="utf-8")
    IncidentStore(office / "years").add(write_first(office))
    watched = of(office)
    put(office, "good.csv", export("2024-03-01", 60))
    put(office, "bad.csv", "a,b\n1,2\n")
    looked = watched.look()
    assert looked.failed
    assert looked.run is not None
    assert len(IncidentStore(office / "years").history) == 2
    assert watched.look().lines == []


def write_first(office):
    (office / "first.csv").write_text(export("2024-02-01", 40, seed=5), encoding="utf-8")
    return office / "first.csv"


@pytest.mark.parametrize("held", ['{"exports": 3}', '{"exports": {"a": 3}}', '{"exports": {"a": {}}}', "[]"])
def test_a_damaged_state_is_said(office, held):
    (office / "runs").mkdir()
    (office / "runs" / STATE).write_text(held, encoding="utf-8")
    with pytest.raises(ReadError, match="Move it away"):
        of(office).look()


def test_signs_that_are_not_seen_are_in_no_line(office):
    put(office, "a\u202e\nb.csv", export("2024-03-01", 60))
    line = of(office).look().lines[0].say("en")
    assert "ab.csv: 60" in line
    assert "\u202e" not in (office / "runs" / LOG).read_text(encoding="utf-8")


def test_what_is_still_being_copied_waits(office, monkeypatch):
    whole = export("2024-03-01", 40)
    put(office, "march.csv", whole[:300])
    put(office, "april.csv.part", whole)
    put(office, "~$may.xlsx", "open in Excel")

    def meanwhile(seconds):
        put(office, "march.csv", whole)

    monkeypatch.setattr(inbox_module.time, "sleep", meanwhile)
    watched = of(office)
    assert watched.look().lines == []
    monkeypatch.setattr(inbox_module.time, "sleep", lambda seconds: None)
    assert "march.csv: 40 incidents" in watched.look().lines[0]


def test_an_export_that_changes_under_the_run_is_taken_at_the_next_look(office, monkeypatch):
    put(office, "march.csv", export("2024-03-01", 40))
    real, calls = inbox_module.run_pipeline, []

    def changing(pipeline, folder, on_step=None):
        def step(name):
            if name == "make grid" and not calls:
                calls.append(name)
                put(office, "march.csv", export("2024-03-01", 50))

        return real(pipeline, folder, on_step=step)

    monkeypatch.setattr(inbox_module, "run_pipeline", changing)
    watched = of(office)
    assert watched.look().lines == []
    assert "50 incidents" in watched.look().lines[0]


def test_the_end_of_a_compressed_file_is_looked_for(tmp_path):
    packed = gzip.compress(export("2024-03-01", 400).encode())
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "x")
    pd.DataFrame({"a": range(99)}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv.gz").write_bytes(packed)
    for name in ("a.zip", "a.parquet", "a.csv.gz"):
        path = tmp_path / name
        assert has_its_end(path), name
        path.write_bytes(path.read_bytes()[:-9])
        assert not has_its_end(path), name
    (tmp_path / "b.csv.gz").write_bytes(b"not packed at all")
    assert not has_its_end(tmp_path / "b.csv.gz")


def test_the_newest_alone_where_each_export_is_whole(office):
    put(office, "march.csv", export("2024-03-01", 40))
    put(office, "march_and_april.csv", export("2024-04-01", 70))
    watched = of(office, latest=True)
    line = watched.look().lines[0]
    assert "70 incidents" in line
    run = json.loads((watched.out / line.rsplit("→ ", 1)[1] / "run.json").read_text(encoding="utf-8"))
    assert [entry["path"] for entry in run["inputs"]][1:] == ["exports/march_and_april.csv"]
    assert watched.look().lines == []


def test_a_folder_that_vanishes_is_said_once_and_found_again(office):
    watched = of(office)
    (office / "exports").rename(office / "away")
    assert [line.code for line in watched.look().lines] == ["inbox.away"]
    assert watched.look().lines == []
    (office / "away").rename(office / "exports")
    assert [line.code for line in watched.look().lines] == ["inbox.back"]


def test_one_watcher_for_a_folder_of_runs(office):
    watched = of(office)

    def second(looked):
        with pytest.raises(SettingError, match="Another gridmap watch"):
            watch(of(office), once=True, on_look=lambda looked: None)

    watch(watched, once=True, on_look=second)
    watch(watched, once=True, on_look=lambda looked: None)  # the lock went with the first


def test_what_cannot_work_is_refused_before_anything_is_waited_for(office):
    with pytest.raises(ReadError, match="not a folder"):
        Inbox(office / "weekly.yaml", office / "none", office / "runs")
    with pytest.raises(SettingError, match="in the inbox itself"):
        Inbox(office / "weekly.yaml", office / "exports", office / "exports" / "runs")
    with pytest.raises(SettingError, match="gird"):
        of(office, overrides=["gird.system=h3"])
    put(office, "march.csv", export("2024-03-01", 40))
    (office / "runs").mkdir()
    (office / "runs" / STATE).write_text("{", encoding="utf-8")
    with pytest.raises(ReadError, match=r"watch\.json cannot be read"):
        of(office).look()


def test_confined_refuses_an_inbox_elsewhere(office, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "march.csv").write_text(export("2024-03-01", 40), encoding="utf-8")
    looked = Inbox(office / "weekly.yaml", elsewhere, office / "runs", confined=True, settle_s=0).look()
    assert looked.failed is True
    assert "folder" in looked.lines[0]


def test_the_command_line_in_chinese_looks_once(office, capsys):
    from gridmap.cli import main

    (office / "weekly.yaml").write_text(PIPELINE.format(period="last month", language="en"), encoding="utf-8")
    put(office, "三月.csv", export("2024-03-01", 60))
    command = ["--language", "zh", "watch", str(office / "weekly.yaml"), "--inbox", str(office / "exports")]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--out", str(office / "runs"), "--once", "--settle", "0"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert "三月.csv：共 60 起" in printed
    assert not re.search(r"\b(hold|cells|than|days)\b", printed)  # what was found too, though the run is in English
    assert "in all" in (office / "runs" / "watch.log").read_text(encoding="utf-8")  # and the log stays in the run's
    put(office, "坏.csv", "a,b\n1,2\n")
    with pytest.raises(SystemExit) as ended:
        main([*command, "--out", str(office / "runs"), "--once", "--settle", "0"])
    assert ended.value.code == 1
    assert "未采用" in capsys.readouterr().out
