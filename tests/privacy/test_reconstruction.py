"""No cell under k can be computed back from what the public is given."""

import json
import warnings
from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import gridmap as gm
from gridmap.errors import GridmapWarning, InputError
from gridmap.privacy import public_release
from gridmap.privacy.audience_gate import COUNTS
from gridmap.read.incident_table import Incidents
from gridmap.runs import read_pipeline, run_pipeline
from tests.privacy.attack import Facts
from tests.privacy.canaries import plant
from tests.privacy.test_canaries import run

KINDS = ("theft", "fraud")
MONTHS = ("2024-01", "2024-02")
SIDE = 5
CELLS = [f"{i}" for i in range(SIDE * SIDE)]


def town() -> gpd.GeoDataFrame:
    boxes = [
        shapely.box(120 + 0.01 * i, 30 + 0.01 * j, 120 + 0.01 * (i + 1), 30 + 0.01 * (j + 1))
        for j in range(SIDE)
        for i in range(SIDE)
    ]
    return gpd.GeoDataFrame({"zone_id": CELLS, "persons": np.arange(25) * 7 + 100}, geometry=boxes, crs=4326)


def incidents_of(counts: np.ndarray, seed: int = 0) -> Incidents:
    """Incidents at random places: `counts[cell, kind, month]` of them."""
    rng = np.random.default_rng(seed)
    cell, kind, month = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    start = np.array(MONTHS, "datetime64[M]")[month]
    when = pa.array(start.astype("datetime64[us]")), pa.array((start + 1).astype("datetime64[us]"))
    n = len(cell)
    return Incidents(
        pa.table(
            {
                "incident_id": pa.array([str(i) for i in range(n)], pa.string()),
                "occurred_from": when[0],
                "occurred_to": when[1],
                "category": pa.array(np.array(KINDS, object)[kind], pa.string()),
                "lon": 120 + 0.01 * (cell % SIDE + rng.uniform(0.01, 0.99, n)),
                "lat": 30 + 0.01 * (cell // SIDE + rng.uniform(0.01, 0.99, n)),
                "officer_initiated": pa.nulls(n, pa.bool_()),
            }
        )
    )


SERIES = [{"category": kind, "period": month} for kind, month in product(KINDS, MONTHS)]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), k=st.integers(2, 8), mean=st.sampled_from([0.7, 2.0, 6.0]), clustered=st.booleans())
def test_all_layers_of_a_release_together_leave_every_small_cell_open(seed, k, mean, clustered):
    """By kind, by month, by both, before and after, rates times population, shares of the total: all at once."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean * (rng.gamma(0.5, 2, (25, 1, 1)) if clustered else 1), (25, 2, 2))
    zones = gm.read_boundaries(town())
    grid = gm.make_grid(zones, system="zones")
    try:
        release = public_release(incidents_of(counts, seed), grid, series=SERIES, k=k)
    except InputError:  # too few of them for this k: said, and nothing is told
        reject()
    area = release.grid.cells.index.get_indexer(release.area_of)
    facts = Facts(25, 4)
    told = gm.count_by_cell(release.incidents, release.grid, by="category", every="month")["count"]
    for i, name in enumerate(release.grid.cells.index):
        cells = np.flatnonzero(area == i)
        own = told.loc[name]
        for (m, month), (c, kind) in product(enumerate(MONTHS), enumerate(KINDS)):
            facts.add(cells, [2 * c + m], int(own.loc[(pd.Period(month), kind)]))
        for c, kind in enumerate(KINDS):
            facts.add(cells, [2 * c, 2 * c + 1], int(own.xs(kind, level="category").sum()))
        facts.add(cells, range(4), int(own.sum()))
    facts.add(range(25), range(4), len(release.incidents))
    assert told.min() >= k
    for cell in range(25):
        alone = (area == area[cell]).sum() == 1
        for s in range(4):
            true = counts[cell].ravel()[s]
            low, high = facts.bounds([cell], [s])
            assert low <= true <= high
            if alone:
                assert true >= k
            else:
                assert (low, high - low >= k) == (0, True)
        if not alone and counts[cell].sum() < k:
            low, high = facts.bounds([cell], range(4))
            assert high - low >= k


def test_the_attack_works_where_nothing_is_merged():
    """The positive control: a hidden cell, its row's total and the other cells are enough to compute it."""
    facts = Facts(4, 1)
    for cell, count in enumerate((7, 9, 12)):
        facts.add([cell], [0], count)
    facts.add([3], [0], 0, 4)  # "under 5"
    assert facts.bounds([3], [0]) == (0, 4)
    facts.add(range(4), [0], 31)
    assert facts.bounds([3], [0]) == (3, 3)


def test_what_the_public_gets_does_not_depend_on_where_in_an_area_anything_was(tmp_path):
    """Stronger than any attack: two inputs that differ only within an area give the same files to the last byte."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    plant(first)
    plant(second)
    frame = pd.read_csv(first / "cases.csv", dtype=str)
    methods = "\n  - getis_ord: {order: 1}\n  - kernel_density: {bandwidth_m: 1500}\n"
    settings = {"audience": "public", "methods": methods, "grid": "h3, resolution: 8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        zones = gm.read_boundaries(first / "zones.geojson")
        grid = gm.make_grid(zones, system="h3", resolution=8)
        points = gm.read_incidents(first / "cases.csv", datum="wgs84")
        release = public_release(points, grid)
        row = grid.locate(*points.lonlat())
        mate = release.area_of.to_numpy()
        rng, moved = np.random.default_rng(1), 0
        for at in rng.permutation(len(points)):
            others = np.flatnonzero((mate == mate[row[at]]) & (np.arange(len(grid)) != row[at]))
            if not len(others) or moved == 10:
                continue
            table = points.to_frame()
            table.loc[at, ["lon", "lat"]] = to = grid.centroids[rng.choice(others)].round(7)
            tried = Incidents(pa.Table.from_pandas(table, schema=points.arrow().schema, preserve_index=False))
            if public_release(tried, grid).area_of.equals(release.area_of):
                points, row, moved = tried, grid.locate(*tried.lonlat()), moved + 1
                frame.loc[frame["案件编号"] == table.loc[at, "incident_id"], ["经度", "纬度"]] = [
                    f"{v:.7f}" for v in to
                ]
    assert moved == 10
    frame.to_csv(second / "cases.csv", index=False, encoding="utf-8-sig")
    assert (first / "cases.csv").read_bytes() != (second / "cases.csv").read_bytes()
    for folder in (first, second):
        run(folder, folder / "out", **settings)
    files = sorted(p.relative_to(first / "out") for p in (first / "out").rglob("*") if p.is_file())
    assert len(files) > 5
    for name in files:
        if name.name == "run.json" or name.suffix in (".jsonl", ".gpkg"):  # inputs' hashes and times of writing
            continue
        if name.suffix == ".tif":  # its tags hold the run's id
            with rasterio.open(first / "out" / name) as one, rasterio.open(second / "out" / name) as two:
                assert np.array_equal(one.read(), two.read(), equal_nan=True)
            continue
        assert (first / "out" / name).read_bytes() == (second / "out" / name).read_bytes(), name
    a, b = (gpd.read_file(folder / "out" / "layers.gpkg", layer="1_getis_ord") for folder in (first, second))
    assert a.equals(b)


def test_nothing_in_the_public_demo_speaks_of_fewer_than_five(root, tmp_path):
    """Every count of every file of the demo, and the linear programme over a sample of its cells."""
    quick = [f"hotspots.{i}.stability=2" for i in (0, 1)]  # redraws
    pipeline = read_pipeline(root / "pipelines" / "demo.yaml", overrides=["audience=public", *quick])
    report = run_pipeline(pipeline, tmp_path)
    counts = pd.read_parquet(tmp_path / "counts.parquet")
    assert counts["count"].min() >= 5
    seen = 0
    for name in gpd.list_layers(tmp_path / "hotspots.gpkg")["name"]:
        layer = gpd.read_file(tmp_path / "hotspots.gpkg", layer=name)
        for column in [c for c in layer if COUNTS.search(c)]:
            assert layer[column].min() >= 5, (name, column)
            seen += 1
    assert seen >= 6
    for path in (tmp_path / "results").glob("*.parquet"):
        table = pd.read_parquet(path)
        for column in [c for c in table if COUNTS.search(str(c)) and pd.api.types.is_numeric_dtype(table[c])]:
            assert table[column].min() >= 5, (path.name, column)
    said = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert said["audience"] == "public"
    assert not any("rows" in entry for entry in said["inputs"])
    # the attacker lays the areas over the cells and adds up whatever was published
    zones = gm.read_boundaries(root / "data" / "west_yorkshire" / "lsoa_2011.geojson")
    grid = gm.make_grid(zones, **pipeline.grid)
    area = report.grid.locate(*grid.centroids.T)
    many = np.bincount(area[area >= 0], minlength=len(report.grid))
    rng = np.random.default_rng(0)
    series = sorted(counts.droplevel("cell_id").index.unique())  # period and kind
    for chosen in rng.choice(np.flatnonzero(many > 1), 12, replace=False):
        cells = np.flatnonzero(area == chosen)
        facts = Facts(len(cells), len(series))
        own = counts["count"].loc[report.grid.cells.index[chosen]]
        for s, one in enumerate(series):
            facts.add(range(len(cells)), [s], int(own.loc[one]))
        facts.add(range(len(cells)), range(len(series)), int(own.sum()))
        for s in range(len(series)):
            low, high = facts.bounds([0], [s])
            assert low == 0
            assert high >= 5


def test_layers_over_different_cells_are_not_laid_over_each_other_for_the_public():
    zones = gm.read_boundaries(town())
    fine = gm.make_grid(zones, system="zones")
    points = incidents_of(np.full((25, 2, 2), 9))
    release = public_release(points, fine, series=[{}])
    coarse = public_release(points, gm.make_grid(zones, system="h3", resolution=6), series=[{}])
    layers = [
        gm.hotspot_layer(gm.incident_rates(gm.count_by_cell(r.incidents, r.grid), r.grid, population="area_m2"))
        for r in (release, coarse)
    ]
    with pytest.raises(InputError, match="different cells"):
        gm.build_map(layers, audience="public")
    page = gm.build_map(layers[:1], audience="public")
    assert page._data["head"]["audience"] == "public"
    assert len(page._data["layers"]) == 1
    assert gm.count_by_cell(release.incidents, release.grid).about.kind == "merged areas"


def test_a_small_kind_and_a_small_month_are_named_and_refused():
    counts = np.full((25, 2, 2), 3)
    counts[:, 1] = 0
    counts[4, 1, 0] = 3  # three frauds in all
    zones = gm.read_boundaries(town())
    grid = gm.make_grid(zones, system="zones")
    points = incidents_of(counts)
    with pytest.raises(InputError, match=r"fewer than 5 incidents of fraud"):
        public_release(points, grid, series=[{"category": "theft"}, {"category": "fraud"}])
    release = public_release(points, grid, series=[{"category": "theft"}, {}])
    assert set(release.incidents.to_frame()["category"]) == {"theft"}  # the others are too few to be told
    with pytest.raises(InputError, match="all 25 cells would be hidden"):
        public_release(points, grid, k=80)


def test_a_pipeline_says_that_nothing_is_left_for_the_public(tmp_path):
    plant(tmp_path)
    methods = (
        "\n  - getis_ord: {}\n    category: 纠纷(联系***)\n  - kernel_density: {bandwidth_m: 900}\n"  # five of them
    )
    with pytest.raises(InputError, match="cells would be hidden"):
        run(tmp_path, tmp_path / "out", audience="public", methods=methods)
    assert not (tmp_path / "out").exists()
