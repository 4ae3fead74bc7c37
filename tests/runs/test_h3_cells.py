"""Incidents that carry an H3 cell and no coordinates, from the file to what a run writes."""

import h3
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import gridmap as gm
from gridmap.errors import GridmapError, InputError, SettingError
from gridmap.read.h3_places import places_of_cells
from gridmap.runs.config import read_pipeline
from gridmap.runs.run import run_pipeline
from tests.command import run_here

TOWN = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"zone_id": "town"},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[-1.6, 53.7], [-1.5, 53.7], [-1.5, 53.76], [-1.6, 53.76], [-1.6, 53.7]]],
            },
        }
    ],
}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A folder with boundaries, and rows by cells of resolution 11 of which the grid's parents are of 8."""
    import json

    folder = tmp_path_factory.mktemp("cells")
    (folder / "town.geojson").write_text(json.dumps(TOWN))
    rng = np.random.default_rng(1)
    lon, lat = np.r_[rng.uniform(-1.6, -1.5, 300), rng.normal(-1.55, 0.003, 200)], np.r_[
        rng.uniform(53.7, 53.76, 300), rng.normal(53.73, 0.003, 200)]  # fmt: skip
    cells = [h3.latlng_to_cell(y, x, 11) for x, y in zip(lon, lat, strict=True)]
    frame = pd.DataFrame({"date": "2024-03-04 10:00", "category": "theft", "hex": cells})
    frame.to_csv(folder / "good.csv", index=False)
    bad = pd.DataFrame(
        {"date": "2024-03-04 10:00", "category": "theft", "hex": ["", "Kirkgate", h3.cell_to_parent(cells[0], 7)]}
    )
    pd.concat([frame, bad]).to_csv(folder / "mixed.csv", index=False)
    return folder


def pipeline(folder, name, *, incidents=None, only=None, **changes):
    settings = {
        "boundaries": {"path": "town.geojson"},
        "grid": {"system": "h3", "resolution": 8},
        "incidents": only or {"path": "good.csv", "h3_column": "hex", **(incidents or {})},
        "hotspots": ["getis_ord"],
        "outputs": {"counts": "counts.parquet", "map": "index.html", "set_aside": "aside.csv"},
        **changes,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    return read_pipeline(folder / f"{name}.yaml")


def test_a_run_counts_by_the_parents_of_the_cells(town, tmp_path):
    report = run_pipeline(
        pipeline(town, "plain", incidents={"path": "mixed.csv"}, audience="internal"), tmp_path / "out"
    )
    grid = gm.make_grid(gm.read_boundaries(town / "town.geojson"), system="h3", resolution=8)
    expected = gm.count_by_cell(str(town / "good.csv"), grid, h3_column="hex")["count"]
    found = pq.read_table(tmp_path / "out" / "counts.parquet").to_pandas().groupby("cell_id")["count"].sum()
    pd.testing.assert_series_equal(found.reindex(expected.index), expected, check_dtype=False)
    aside = report.incidents.set_aside
    assert aside[["row", "reason"]].values.tolist() == [
        [501, "no_coordinates"], [502, "not_h3"], [503, "h3_coarser"]]  # fmt: skip
    assert aside["found"].iloc[1] == "hex=Kirkgate"
    assert len(report.incidents) + len(aside) == 503


@pytest.mark.parametrize("audience", ["internal", "meeting", "public"])
def test_no_cell_finer_than_the_grid_is_written(town, tmp_path, audience):
    hotspots = ["getis_ord"] if audience != "public" else [{"hotspot_test": {}, "category": "theft"}]
    run_pipeline(pipeline(town, audience, audience=audience, hotspots=hotspots), tmp_path / "out")
    fine = {c[:9] for c in pd.read_csv(town / "good.csv")["hex"]}  # resolution 11 begins with 8b
    for path in (p for p in (tmp_path / "out").rglob("*") if p.is_file()):
        assert not [c for c in fine if c.encode() in path.read_bytes()], path.name


def test_a_store_of_cells_is_counted_by_their_parents(town, tmp_path):
    store = tmp_path / "store"
    done = run_here(["add", town / "good.csv", "--store", store, "--h3-column", "hex"])
    assert done.returncode == 0, done.stderr
    of_store = {"store": str(store), "h3_column": "hex"}
    report = run_pipeline(pipeline(town, "stored", only=of_store, audience="internal"), tmp_path / "out")
    grid = gm.make_grid(gm.read_boundaries(town / "town.geojson"), system="h3", resolution=8)
    expected = gm.count_by_cell(str(town / "good.csv"), grid, h3_column="hex")["count"]
    assert (gm.count_by_cell(report.incidents, grid)["count"] == expected).all()


def test_what_cannot_be_counted_by_cells_is_refused(town, tmp_path):
    with pytest.raises(InputError, match="no column 'hx' of H3 cells"):
        run_pipeline(pipeline(town, "a", incidents={"h3_column": "hx"}), tmp_path / "a")
    with pytest.raises(InputError, match="resolution 12 or finer"):
        run_pipeline(pipeline(town, "b", grid={"system": "h3", "resolution": 12}), tmp_path / "b")
    with pytest.raises(SettingError, match="square"):
        run_pipeline(pipeline(town, "c", grid={"system": "square", "cell_size_m": 500}), tmp_path / "c")
    own = [{"getis_ord": {}, "grid": {"system": "h3", "resolution": 7}}]
    with pytest.raises(SettingError, match="a grid of its own"):
        run_pipeline(pipeline(town, "d", hotspots=own), tmp_path / "d")
    with pytest.raises(GridmapError, match="WGS 84"):
        run_pipeline(pipeline(town, "e", incidents={"datum": "gcj02"}), tmp_path / "e")


def test_a_cell_lies_in_its_parent_whatever_its_middle():
    rng = np.random.default_rng(3)
    cells = [h3.latlng_to_cell(*at, 11) for at in np.column_stack([rng.uniform(53, 54, 400), rng.uniform(-2, -1, 400)])]
    lon, lat, fault = places_of_cells(pd.array(cells, "string[pyarrow]").__arrow_array__(), 7)
    assert not fault.any()
    there = [h3.latlng_to_cell(y, x, 7) for x, y in zip(lon, lat, strict=True)]
    assert there == [h3.cell_to_parent(c, 7) for c in cells]
    own = [h3.latlng_to_cell(*h3.cell_to_latlng(c), 7) for c in cells]
    assert own != there  # some middles do lie across the border
    numbers = pd.array([int(c, 16) for c in cells], "int64[pyarrow]").__arrow_array__()
    np.testing.assert_array_equal(places_of_cells(numbers, 7)[0], lon)
