"""The command line in Chinese says nothing in English: its help pages, its methods, and what each command prints."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
import typer.main
from shapely import box

from gridmap.cli import main
from gridmap.hotspots.registry import method_names, methods
from gridmap.messages import LANGUAGES, known

from .command import run_here

cli_app = sys.modules[main.__module__]
#: Latin words in a row that are no English: what is typed, file formats, names of columns.
TYPED = re.compile(
    r"gridmap: |gridmap [a-z]+|--[a-z-]+|-> |[\w./-]+\.(parquet|csv|yaml|geojson)"
    r"|boundaries: \{path: |\{[a-z_]+\}|(?m:^  [a-z_.]+ )"  # a pipeline, the names of arguments
    r"|python -m pydoc \S+|qgis_process plugins enable \S+|(?:pip|apt-get) install \S+"
)
PHRASE = re.compile(r"\b[A-Za-z]{2,}'?(?: [a-z']{2,})+\b")
WORDS = re.compile(
    r"(?<![-\w])(the|of|is|are|and|not|with|than|cells|median|text|list|range|error|such|numbers?)(?![-\w])"
)


def english_in(text: str) -> list[str]:
    """What is English in a text of the command line."""
    rest = TYPED.sub("·", text)
    return [found[0] for line in rest.splitlines() for pattern in (PHRASE, WORDS) for found in pattern.finditer(line)]


def test_what_is_english_is_seen():
    assert english_in("<Grid h3(resolution=8): 175 cells, median 529,494 m²>") == ["cells", "median"]
    assert english_in("无法读取 x.csv：No such file or directory。")[0] == "No such file or directory"
    assert english_in("写入 a.parquet；请看 gridmap inspect，WGS 84、CGCS2000。--workers <整数>") == []


def commands(command, before=()):
    yield list(before)
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*before, name))


@pytest.mark.parametrize("command", list(commands(typer.main.get_command(cli_app.app))), ids=" ".join)
def test_every_help_page_is_chinese_and_no_wider_than_a_terminal(command):
    done = run_here(["--language", "zh", *command, "--help"])
    assert done.returncode == 0
    assert english_in(done.stdout) == []
    options = done.stdout.partition("选项:")[2]  # the sentence above them is broken by the terminal itself
    assert max(map(cli_app._columns, options.splitlines())) <= 80


@pytest.mark.parametrize("name", method_names())
def test_every_method_is_told_in_chinese_with_each_of_its_options(name):
    done = run_here(["--language", "zh", "methods", name])
    assert done.returncode == 0
    told = done.stdout.partition("\n")[2]
    assert english_in(told) == []
    for option in methods()[name].options:
        assert re.search(rf"(?m)^  {option}(?: \[默认: .*?\])?  .*[\u4e00-\u9fff]", told), option


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_option_of_every_method_has_its_sentence(language):
    options = {option for method in methods().values() for option in method.options}
    assert {o for o in options if not known(f"option.{o}", language)} == set()


def test_the_schema_is_described_in_chinese():
    done = run_here(["--language", "zh", "schema"])
    said = re.findall(r'"description": (".*")', done.stdout)
    assert len(said) > 200
    assert [text for text in map(json.loads, said) if not re.search("[\u4e00-\u9fff]", text)] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Chinese zones and incidents, with rows that are set aside, and a pipeline over them."""
    import geopandas as gpd

    folder = tmp_path_factory.mktemp("zh")
    rng = np.random.default_rng(1)
    names = [f"{'东西南北中'[i % 5]}{'山河街湖'[i // 5]}社区" for i in range(20)]
    squares = [
        box(116 + i % 5 * 0.02, 39.8 + i // 5 * 0.02, 116.02 + i % 5 * 0.02, 39.82 + i // 5 * 0.02) for i in range(20)
    ]
    table = {"编码": [f"1101{i:05d}" for i in range(20)], "名称": names, "常住人口": rng.integers(1000, 5000, 20)}
    gpd.GeoDataFrame(table, geometry=squares, crs=4326).to_file(folder / "社区.geojson")
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 180 * 1440, 900), unit="min")
    cases = pd.DataFrame({"警情编号": [f"A{i}" for i in range(900)], "发生时间": days.strftime("%Y-%m-%d %H:%M:%S")})
    cases["类别"] = rng.choice(["盗窃", "打架"], 900)
    cases["经度"] = np.r_[rng.uniform(116, 116.1, 600), rng.normal(116.05, 0.002, 300)].round(6)
    cases["纬度"] = np.r_[rng.uniform(39.8, 39.88, 600), rng.normal(39.84, 0.002, 300)].round(6)
    cases.loc[:4, "经度"] = None
    cases.loc[5:7, "发生时间"] = "不详"
    cases.to_csv(folder / "警情.csv", index=False)
    cases.iloc[:50].to_csv(folder / "补.csv", index=False)
    (folder / "不存在.yaml").write_text("title: 试验\n", encoding="utf-8")
    (folder / "箱").mkdir()
    cases.to_csv(folder / "箱" / "周.csv", index=False)
    pipeline = """title: 试验
language: zh
boundaries: {path: 社区.geojson}
grid: {system: square, cell_size_m: 1000}
incidents: {path: 警情.csv, datum: wgs84}
hotspots: [{hotspot_test: {}, name: 全部}]
outputs: {map: map.html, layers: layers.gpkg}
"""
    (folder / "流程.yaml").write_text(pipeline, encoding="utf-8")
    return folder


#: In this order: what one writes the next reads. The last ones end in an error, in Chinese too.
LINES = [
    ("inspect 社区.geojson", 0),
    ("inspect 警情.csv --boundaries 社区.geojson --html 报告.html", 0),
    ("tile 社区.geojson --system square --cell-size-m 1000 -o 网格.parquet", 0),
    ("tile 社区.geojson --system zones -o 区.parquet", 0),
    ("count 警情.csv 网格.parquet -o 数.csv --every month --datum wgs84", 0),
    ("warehouse 区.parquet police.crimes -o 仓库", 0),
    ("add 警情.csv 补.csv --store 库 --datum wgs84", 0),
    ("store 库 --check", 0),
    ("run 流程.yaml --out 结果", 0),
    ("verify 结果", 0),
    ("report 结果 -o 简报.xlsx", 0),
    (
        "backtest 流程.yaml --start 2024-04-01 --end 2024-06-01 --horizon 28D --area-share 0.05 -o 得分.csv",
        0,
    ),
    ("watch 流程.yaml --inbox 箱 --out 看 --once --settle 0", 0),
    ("methods", 0),
    ("example", 0),
    ("example demo_zh -o 例/流程.yaml", 0),
    ("doctor", 0),
    ("qgis --folder 插件", 0),
    ("inspect 没有.csv", 1),
    ("inspect 箱", 1),
    ("run 没有.yaml", 1),
    ("run 不存在.yaml", 1),
    ("run 流程.yaml --set grid.cell_size_m=abc", 1),
    ("replay 没有/run.json --out 重放", 1),
    ("replay 箱 --out 重放", 1),
    ("report 没有 -o 简报.pdf", 1),
    ("report 结果 -o 没有/在里面/简报.abc", 1),
    ("tile 社区.geojson --system square -o 网.parquet", 1),
    ("tile 社区.geojson -o 箱", 1),
    ("count 警情.csv 没有.parquet -o 数.csv", 1),
    ("backtest 流程.yaml --start 2024 --end 2023", 1),
    ("due 没有.yaml", 1),
    ("patrol plan 流程.yaml", 1),
    ("patrol log 没有 没有", 1),
    ("mcp --root 没有", 1),
    ("serve --port 99999999", 1),
    ("serve --port 0", 1),
    ("watch 流程.yaml --inbox 箱 --settle x", 1),
    ("methods 没有", 1),
    ("example 没有", 1),
]


def test_what_each_command_prints_is_chinese(folder, monkeypatch):
    monkeypatch.setattr(cli_app, "_announce_compiling", lambda: None)
    english = {}
    for line, code in LINES:
        done = run_here(["--language", "zh", *line.split()], cwd=folder)
        said = done.stdout + done.stderr
        assert done.returncode == code, (line, said)
        if found := english_in(said):
            english[line] = (found, said)
    assert english == {}
    assert {line.split()[0] for line, _ in LINES} >= set(typer.main.get_command(cli_app.app).commands) - {
        "demo",
        "schema",
    }
