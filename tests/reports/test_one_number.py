"""One number for one thing: page, facts, GeoPackage, table of counts and workbook of one run say the same."""

import base64
import json
import re
import zlib

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd

from gridmap.maps.meeting_questions import SHOWN
from gridmap.reports.briefing import write_briefing
from gridmap.reports.results_folder import read_run


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


def test_one_number_for_one_thing_on_page_in_facts_and_in_the_geopackage(demo):
    """Of each theme: its incidents, its hot and cold cells, its places; and no colour of a claim without a test."""
    folder = demo / "out"
    html = (folder / "index.html").read_text(encoding="utf-8")
    page = json.loads(re.search(r'id="gridmap-data">(.*?)</script>', html, re.S)[1])
    run, file = read_run(folder), folder / "hotspots.gpkg"
    layers = gpd.list_layers(file)["name"]
    themes = [layer for layer in page["layers"] if layer["role"] == "theme" and layer.get("labels")]
    tested = [r for r in run.results if r["layers"] and r["layers"][0]["tested"]]
    assert len(themes) == len(tested) >= 1
    for theme, result in zip(themes, tested, strict=True):
        facts = result["layers"][0]
        cells = gpd.read_file(file, layer=next(n for n in layers if n.startswith(f"{result['step']}_")))
        amount = next(c for c in ("count", "count_after", "after") if c in cells)
        assert theme["total"] == cells[amount].sum()
        if amount == "count":
            assert theme["total"] == result["incidents"]
        codes = np.frombuffer(unpacked(theme["codes"]), np.uint8)
        names = [c["label"]["code"].removeprefix("label.") if c.get("label") else "" for c in theme["classes"]]
        drawn = pd.Series([names[code] for code in codes])
        claims = drawn.str.startswith(("hot_", "up_", "cold_", "down_"))
        assert claims.sum() == cells["significant"].sum()  # no colour named hot contradicts the test
        up = drawn.str.startswith(("hot_", "up_")).sum()
        assert up == (cells["significant"] & cells["label"].str.startswith(("hot", "up"))).sum()
        assert (theme["found"]["values"].get("hot", theme["found"]["values"].get("up"))) == up
        assert [r["values"] for r in theme["ranked"]] == [r["values"] for r in facts["ranked"]]
        strip = theme["answers"]["changed"][1]
        assert strip == facts["answers"]["changed"][1]
        if cards := [r["values"] for r in facts["ranked"] if "change_p" in r["values"]]:
            rose = [v["change_p"] <= 0.05 and v.get("change_ratio", np.inf) > 1 for v in cards]
            fell = [v["change_p"] <= 0.05 and not up for v, up in zip(cards, rose, strict=True)]
            first, values = slice(SHOWN), strip["values"]
            said = [values[k] for k in ("places", "up", "down")]
            assert said == [len(cards[first]), sum(rose[first]), sum(fell[first])]  # the strip says what the cards say
            further = [values.get(k, 0) for k in ("further_up", "further_down")]
            assert further == [sum(rose[SHOWN:]), sum(fell[SHOWN:])]
        if "cell_id" in cells and "count" in cells:
            count = cells.set_index(cells["cell_id"].astype(str))["count"]
            for row in facts["ranked"]:
                assert row["values"]["count"] == count[list(map(str, row["ids"]))].sum() > 0


def test_the_counts_and_the_workbook_say_what_the_page_says(demo, tmp_path):
    folder = demo / "out"
    run = read_run(folder)
    counts = pd.read_parquet(folder / "counts.parquet").reset_index()
    for result in run.results[:2]:
        of_period = counts[
            (counts["category"] == result["category"]) & (counts["period"].astype(str) == result["period"])
        ]
        assert of_period["count"].sum() == result["incidents"]
    ranked = run.results[0]["layers"][0]["ranked"]
    book = openpyxl.load_workbook(write_briefing(folder, tmp_path / "b.xlsx", language="en"), read_only=True)
    sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}
    wanted = [row["values"]["count"] for row in ranked]
    columns = [
        [row[i] for row in rows[1 : len(wanted) + 1]]
        for rows in sheets.values()
        if rows
        for i, name in enumerate(rows[0])
        if name == "count"
    ]
    assert wanted in columns
