"""The command line as a person meets it: one line on stderr, the right exit code, no traceback."""

import json
import os
import subprocess
import sys

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from .command import LONGEST, run_here


@pytest.fixture
def gridmap(tmp_path):
    """`gridmap …` beside the test's files; with `process=True` in a process of its own, as a person starts it."""

    def run(*arguments, process=False):
        if not process:
            return run_here(arguments, cwd=tmp_path)
        command = [sys.executable, "-m", "gridmap.cli", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONGEST)

    return run


def refused(done, code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_tile_and_count_from_files_to_files(gridmap, root, tmp_path):
    data = root / "data/west_yorkshire"
    tile = ["tile", data / "lsoa_2011.geojson", "--system", "h3", "--resolution", "7", "-o", "cells.parquet"]
    done = gridmap(*tile)
    assert done.returncode == 0, done.stderr
    points = data / "2018-07-west-yorkshire-street.csv.gz"
    done = gridmap(
        "count", points, "cells.parquet", "-o", "counts.parquet", "--category", "Burglary", "--every", "month"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    counts = pd.read_parquet(tmp_path / "counts.parquet")
    assert 1_900 < counts["count"].sum() < 2_100
    assert (counts["count"] == 0).any()
    assert {p.name for p in tmp_path.iterdir()} == {"cells.parquet", "counts.parquet"}


def test_parquet_is_streamed_to_the_same_counts(gridmap, root, tmp_path):
    data = root / "data/west_yorkshire"
    assert gridmap("tile", data / "lsoa_2011.geojson", "--system", "zones", "-o", "cells.parquet").returncode == 0
    pd.DataFrame({"lon": [-1.55, -1.55, 0.0], "lat": [53.8, 53.8, 0.0]}).to_parquet(tmp_path / "points.parquet")
    done = gridmap("count", "points.parquet", "cells.parquet", "-o", "counts.csv", "--memory-limit", "400MB")
    assert done.returncode == 0, done.stderr
    assert "2 incidents in 1,388 cells, 1 outside" in done.stdout
    assert pd.read_csv(tmp_path / "counts.csv")["count"].sum() == 2


def test_a_weight_is_summed_beside_the_incidents_and_not_for_the_public(gridmap, root, tmp_path):
    data = root / "data/west_yorkshire"
    assert gridmap("tile", data / "lsoa_2011.geojson", "--system", "zones", "-o", "cells.parquet").returncode == 0
    points = pd.DataFrame({"lon": [-1.55, -1.55, 0.0], "lat": [53.8, 53.8, 0.0], "harm": [0.5, 10, 3]})
    points.to_parquet(tmp_path / "points.parquet")
    done = gridmap("count", "points.parquet", "cells.parquet", "-o", "counts.csv", "--weight", "harm")
    assert done.returncode == 0, done.stderr
    assert "2 incidents in 1,388 cells, 1 outside" in done.stdout
    written = pd.read_csv(tmp_path / "counts.csv")
    assert (written["count"].sum(), written["incidents"].sum()) == (10.5, 2)
    arguments = ["count", "points.parquet", "cells.parquet", "-o", "p.csv", "--weight", "harm", "--audience", "public"]
    refused(gridmap(*arguments), 1, "The public is not given sums of a weight ('harm')")


def test_methods_lists_them_and_shows_one(gridmap):
    assert "getis_ord" in gridmap("methods").stdout
    shown = gridmap("methods", "getis_ord").stdout
    assert "order" in shown
    assert "Ord" in shown
    refused(gridmap("methods", "getis"), 1, "no method 'getis'", "getis_ord")


def test_inspect_says_what_is_in_a_file(gridmap, root):
    done = gridmap("inspect", root / "data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rows"], found["used"], found["set_aside"]) == (31_635, 30_752, {"no_coordinates": 883})
    assert {c["name"]: c["role"] for c in found["columns"]}["Month"] == "occurred_from"


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["run", "--nonsense"], ["tile", "x", "--nonsens"]])
def test_an_unknown_command_or_option_ends_with_2(gridmap, arguments):
    refused(gridmap(*arguments, process=arguments == ["nonsense"]), 2)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["run", "nowhere.yaml"], ["nowhere.yaml"]),
        (["run"], ["pipeline"]),
        (["inspect", "nowhere.csv"], ["nowhere.csv"]),
        (["tile", "nowhere.geojson", "-o", "c.parquet", "--resolution", "8"], ["nowhere.geojson"]),
        (["tile", "zones.geojson", "-o", "c.parquet", "--resolution", "eight"], ["resolution", "valid integer"]),
        (["tile", "zones.geojson", "-o", "c.parquet"], ["resolution"]),
        (["count", "empty.csv", "nowhere.parquet", "-o", "c.parquet"], ["nowhere.parquet"]),
        (["count", "empty.csv", "empty.csv", "-o", "c.pdf"], [".parquet or .csv"]),
        (["demo", "taken"], ["taken"]),
    ],
)
def test_what_the_user_can_put_right_ends_with_1_and_one_line(gridmap, tmp_path, arguments, words):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "taken").touch()
    square = '{"type":"Polygon","coordinates":[[[-1.6,53.7],[-1.5,53.7],[-1.5,53.8],[-1.6,53.7]]]}'
    feature = f'{{"type":"Feature","properties":{{"code":"A"}},"geometry":{square}}}'
    (tmp_path / "zones.geojson").write_text(f'{{"type":"FeatureCollection","features":[{feature}]}}', encoding="utf-8")
    refused(gridmap(*arguments, process=arguments == ["run", "nowhere.yaml"]), 1, *words)
    assert {p.name for p in tmp_path.iterdir()} == {"empty.csv", "taken", "zones.geojson"}


def test_text_is_whole_where_the_terminal_knows_no_chinese(root, tmp_path):
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "gridmap.cli", "run", "没有.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, env=environment, check=False, timeout=LONGEST)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_the_demo_writes_what_it_promises(demo):
    out = demo / "out"
    assert {"index.html", "hotspots.gpkg", "counts.parquet", "set_aside.csv", "run.json"} <= {
        p.name for p in out.iterdir()
    }
    assert "Burglary" in (demo / "stdout").read_text(encoding="utf-8")
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    for entry in manifest["inputs"]:
        assert set(entry) >= {"path", "sha256", "rows", "used", "set_aside"}
        assert entry["rows"] == entry["used"] + entry["set_aside"]
    assert (out / "index.html").stat().st_size < 2_500_000


def test_the_command_line_speaks_chinese_in_help_lists_and_errors(gridmap, monkeypatch):
    done = gridmap("--language", "zh", "run", "--help")
    assert "运行一个流程文件" in done.stdout
    assert not any(word in done.stdout for word in ("Usage", "Options", "Arguments", "required", "Show this"))
    assert "聚集与异常" in gridmap("--language", "zh", "methods").stdout
    refused(gridmap("--language", "zh", "runn"), 2, "没有命令 'runn'")
    refused(gridmap("--language", "zh", "methods", "getis_or"), 1, "没有方法 'getis_or'", "getis_ord")
    refused(gridmap("--language", "xx", "methods"), 1, "There is no language 'xx'", "en, zh")
    monkeypatch.setenv("GRIDMAP_LANGUAGE", "zh")
    assert "没有方法" in gridmap("methods", "getis_or").stderr
    monkeypatch.setenv("GRIDMAP_LANGUAGE", "")
    monkeypatch.setenv("LC_ALL", "zh_CN.GBK")
    assert "没有方法" in gridmap("methods", "getis_or").stderr


def test_a_name_that_the_console_cannot_print_fails_nothing(gridmap, monkeypatch, root, tmp_path):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    data = root / "data/west_yorkshire"
    done = gridmap("tile", data / "lsoa_2011.geojson", "--resolution", "6", "-o", "网格.parquet", process=True)
    assert done.returncode == 0
    assert (tmp_path / "网格.parquet").exists()
    assert "cells" in done.stdout


def test_every_help_text_of_a_command_is_in_the_catalogue():
    import typer.main

    from gridmap.cli import app
    from gridmap.messages import known

    def codes(command):
        yield command.help
        yield from (
            param.help for param in command.params if param.name not in ("install_completion", "show_completion")
        )
        for below in getattr(command, "commands", {}).values():
            yield from codes(below)

    assert [code for code in codes(typer.main.get_command(app)) if not known(str(code))] == []


def test_incidents_are_counted_over_a_plain_file_of_zones(gridmap, tmp_path):
    from shapely.geometry import box

    shapes = [box(116.30 + i / 100, 39.9, 116.31 + i / 100, 39.91) for i in range(3)]
    zones = gpd.GeoDataFrame({"adcode": ["a1", "a2", "a3"]}, geometry=shapes, crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    points = pd.DataFrame({"lon": [116.305, 116.305, 116.325], "lat": 39.905, "date": "2024-05-01"})
    points.to_csv(tmp_path / "cases.csv", index=False)
    both = ("--datum", "gcj02", "--zones-datum", "gcj02")
    done = gridmap("count", "cases.csv", "zones.geojson", "-o", "counts.csv", *both)
    assert done.returncode == 0, done.stderr
    counts = pd.read_csv(tmp_path / "counts.csv", index_col="cell_id")["count"]
    assert counts.to_dict() == {"a1": 2, "a2": 0, "a3": 1}


def test_incidents_that_all_lie_outside_are_counted_with_a_word(gridmap, tmp_path):
    zones = gpd.GeoDataFrame({"code": ["A"]}, geometry=[shapely.box(2.0, 48.0, 2.1, 48.1)], crs=4326)
    zones.to_file(tmp_path / "zones.geojson")
    rows = pd.DataFrame({"date": "2024-03-05", "lon": [22.05] * 5, "lat": [48.05] * 5})
    rows.to_csv(tmp_path / "points.csv", index=False)
    ran = gridmap("count", tmp_path / "points.csv", tmp_path / "zones.geojson", "-o", tmp_path / "c.csv")
    assert ran.returncode == 0
    assert "None of the 5 incidents lies in a cell" in ran.stderr
    assert "2.000–2.100, 48.000–48.100" in ran.stderr


@pytest.mark.parametrize("extra", [("--audience", "pubic"), ("--log", "nowhere/run.log")])
def test_what_cannot_be_done_for_each_audience_stops_the_first_run(gridmap, root, tmp_path, extra):
    demo = root / "pipelines" / "demo.yaml"
    ran = gridmap("run", demo, "--out", tmp_path / "out", "--audience", "internal", *extra)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
