"""The main job once, end to end, as an office does it: files in, `gridmap run`, page, layers, paper, patrols, verified.

`make smoke` runs this with the layers, the public names and the catalogue of messages, in under a minute.
"""

import json
import subprocess
import sys

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
import yaml
from docx import Document

CORNER = shapely.Point(-1.53, 53.77)


def gridmap(*arguments) -> str:
    """What the command prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "gridmap.cli", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A run over 300 thefts around one corner, 60 elsewhere and 5 without a place."""
    folder = tmp_path_factory.mktemp("office")
    rng = np.random.default_rng(7)
    boxes = [shapely.box(-1.60, 53.74, -1.55, 53.80), shapely.box(-1.55, 53.74, -1.50, 53.80)]
    gpd.GeoDataFrame({"code": ["W", "E"], "name": ["西街", "东街"]}, geometry=boxes, crs=4326).to_file(
        folder / "zones.geojson"
    )
    lon = np.r_[rng.normal(CORNER.x, 0.003, 300), rng.uniform(-1.60, -1.50, 60), [np.nan] * 5]
    lat = np.r_[rng.normal(CORNER.y, 0.002, 300), rng.uniform(53.74, 53.80, 60), [np.nan] * 5]
    rows = pd.DataFrame({"date": "2024-03-05", "category": "theft", "lon": lon, "lat": lat})
    rows.to_csv(folder / "points.csv", index=False)
    values = {
        "title": "盗窃警情",
        "language": "zh",
        "audience": "internal",
        "boundaries": {"path": "zones.geojson"},
        "grid": {"system": "square", "cell_size_m": 500},
        "incidents": {"path": "points.csv", "datum": "wgs84"},
        "hotspots": [{"getis_ord": {"order": 1}, "name": "盗窃"}, {"dbscan": {"eps_m": 150, "min_samples": 10}}],
        "patrol": {"units": 1, "shift_h": 2, "most": 5, "rounds": 3, "random_state": 0, "sheets": False},
        "outputs": {"map": "map.html", "layers": "l.gpkg", "counts": "c.parquet", "report": "briefing.docx"},
    }
    (folder / "p.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    gridmap("run", folder / "p.yaml", "--out", folder / "out")
    return folder / "out"


def test_each_row_is_used_or_set_aside_and_each_incident_counted_once(out):
    manifest = json.loads((out / "run.json").read_text(encoding="utf-8"))
    points = manifest["inputs"][1]
    assert (points["rows"], points["used"], points["set_aside"]) == (365, 360, 5)
    counts = pd.read_parquet(out / "c.parquet")["count"]
    assert counts.sum() + manifest["incidents"]["outside_grid"] == 360
    assert (counts == 0).any()  # empty cells are data


def test_the_planted_corner_is_hot_on_the_map_and_first_on_the_page(out):
    cells = gpd.read_file(out / "l.gpkg", layer="1_盗窃")
    assert cells.loc[cells["z_score"].idxmax()].geometry.distance(CORNER) < 0.005
    page = (out / "map.html").read_text(encoding="utf-8")
    assert "盗窃警情" in page
    facts = json.loads((out / "results" / "facts.json").read_text(encoding="utf-8"))
    first = facts["results"][0]["layers"][0]["ranked"][0]
    name = first["name"]
    place = name["values"]["place"] if isinstance(name, dict) else name  # two places of one street: by their parts
    assert (first["rank"], place) == (1, "东街")


def test_the_briefing_speaks_chinese_and_names_the_street(out):
    document = Document(out / "briefing.docx")
    text = "".join(p.text for p in document.paragraphs)
    text += "".join(c.text for t in document.tables for row in t.rows for c in row.cells)
    assert "东街" in text
    assert "热点" in text


def test_the_patrol_goes_to_the_corner(out):
    book = openpyxl.load_workbook(next(out.rglob("plan.xlsx")))
    assert len(book.worksheets) >= 2
    stops = gpd.read_file(next(out.rglob("plan.gpkg")), layer="stops")
    assert shapely.distance(stops.geometry.to_numpy(), CORNER).min() < 0.005


def test_the_run_is_whole_and_a_changed_byte_is_found(out):
    gridmap("verify", out)
    page = out / "map.html"
    kept = page.read_bytes()
    page.write_bytes(kept[:-1] + b" ")
    done = subprocess.run([sys.executable, "-m", "gridmap.cli", "verify", out], capture_output=True, text=True)
    page.write_bytes(kept)
    assert done.returncode == 1
    assert "map.html" in done.stdout + done.stderr
