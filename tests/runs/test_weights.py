"""`weight:` in a pipeline: a column is summed in the cells, and the result says so."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapError, SettingError
from gridmap.runs import read_pipeline, run_pipeline

PIPELINE = """
audience: internal
boundaries: {path: zones.geojson}
grid: {system: zones}
incidents: {path: points.csv}
hotspots:
  - getis_ord: {}
    weight: harm
outputs: {layers: layers.gpkg}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights")
    boxes = [shapely.box(i / 50, j / 50, (i + 1) / 50, (j + 1) / 50) for i in range(8) for j in range(8)]
    gpd.GeoDataFrame({"code": [f"z{k}" for k in range(64)]}, geometry=boxes, crs=4326).to_file(path / "zones.geojson")
    rng = np.random.default_rng(2)
    n = 1_500
    frame = pd.DataFrame({"lon": rng.uniform(0.001, 0.159, n), "lat": rng.uniform(0.001, 0.159, n)})
    frame["category"], frame["occurred_from"] = "theft", "2024-05-01 10:00"
    frame["harm"] = rng.choice([0.5, 19, 365], n)
    frame.to_csv(path / "points.csv", index=False)
    return path


def read(folder, text):
    (folder / "p.yaml").write_text(text, encoding="utf-8")
    return read_pipeline(folder / "p.yaml")


def test_a_step_sums_its_weight_and_says_so(folder, tmp_path):
    report = run_pipeline(read(folder, PIPELINE), tmp_path / "out")
    result = report.results[0][1]
    expected = count_by_cell(report.incidents, report.grid, weight="harm")
    assert result.cells["count"].tolist() == expected["count"].tolist()
    assert result.params["weight"] == "harm"
    said = [note for note in result.notes if "sum of 'harm'" in note]
    assert len(said) == 1
    assert "而不是起数" in said[0].say("zh")


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("weight: harm", "weight: 3", "name of a column"),
        ("weight: harm", "weight: harm\n    stability: 4", "Leave out stability or weight"),
        ("getis_ord: {}", "kernel_density: {bandwidth_m: 300}", "works on incidents"),
        ("audience: internal", "audience: public", "The public is not given sums of a weight"),
    ],
)
def test_a_weight_that_cannot_be_is_told_with_its_line(folder, was, now, words):
    with pytest.raises(SettingError, match=words) as caught:
        read(folder, PIPELINE.replace(was, now))
    assert "line 8" in str(caught.value)


def test_a_column_that_is_not_there_is_told(folder, tmp_path):
    with pytest.raises(GridmapError, match=r"weight='hram' needs a column 'hram'"):
        run_pipeline(read(folder, PIPELINE.replace("weight: harm", "weight: hram")), tmp_path / "out")
