"""Is it the grid or the crime: lattices that lose nothing, and shares that tell a firm hotspot from a lucky one."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.gi_star import getis_ord
from gridmap.hotspots.stability import LatticeGrid, hotspot_stability
from gridmap.read.incident_table import COLUMNS, Incidents
from gridmap.read.metric_projection import metric_crs, unproject

CRS = metric_crs((-1.7, 53.7, -1.5, 53.8))
CORNER = np.array([590_000.0, 5_950_000.0])
TOWN = shapely.box(*CORNER, *(CORNER + 6000))
ZONES = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[TOWN], crs=CRS).to_crs(4326)


def as_incidents(xy, category="Burglary"):
    lon, lat = unproject(*(xy + CORNER).T, CRS)
    n, day = len(xy), pd.Timestamp("2020-01-01")
    columns = [[str(k) for k in range(n)], [day] * n, [day] * n, [category] * n, lon, lat, [None] * n]
    return Incidents(pa.table({k: pa.array(v, t) for (k, t), v in zip(COLUMNS.items(), columns, strict=True)}))


def town(seed=0, background=400, spots=((1500, 1500, 250, 120), (4500, 4200, 250, 90))):
    rng = np.random.default_rng(seed)
    parts = [rng.random((background, 2)) * 6000]
    parts += [rng.normal((x, y), s, (n, 2)) for x, y, s, n in spots]
    return as_incidents(np.concatenate(parts).clip(1, 5999))


@pytest.mark.parametrize("turn", [0, 17, 45, 59])
@pytest.mark.parametrize("shape", ["square", "hexagon"])
def test_lattice_covers_the_territory_and_finds_every_point(shape, turn):
    grid = LatticeGrid.over(TOWN, CRS, shape=shape, cell_area_m2=90_000, offset_m=(37, -211), turn_deg=turn)
    xy = CORNER + np.random.default_rng(turn).random((10_000, 2)) * 6000  # more than are found at a time
    rows = grid.rows_at(xy)
    assert (rows >= 0).all()
    cells = grid.cells.geometry.to_crs(CRS)
    sample = np.arange(0, 10_000, 17)
    inside = shapely.dwithin(cells.to_numpy()[rows[sample]], shapely.points(xy[sample]), 0.01)
    assert inside.all()
    assert cells.area.to_numpy() == pytest.approx(90_000, rel=1e-4)
    assert shapely.union_all(cells.to_numpy()).area == pytest.approx(cells.area.sum(), rel=1e-4)  # no overlap, no gap
    assert shapely.intersects(cells.to_numpy(), TOWN).all()
    assert (grid.locate(*unproject(*xy.T, CRS)) == rows).mean() > 0.999  # the way over degrees rounds at edges
    assert grid.rows_at(np.array([[0.0, 0.0], [np.nan, 1.0], xy[0], [1e300, -np.inf]])).tolist() == [
        -1,
        -1,
        rows[0],
        -1,
    ]


@pytest.mark.parametrize(("shape", "most"), [("square", 8), ("hexagon", 6)])
def test_lattice_neighbours_touch(shape, most):
    grid = LatticeGrid.over(TOWN, CRS, shape=shape, cell_area_m2=250_000, turn_deg=23)
    near = grid.adjacency()
    assert (near != near.T).nnz == 0
    assert near.sum(axis=1).max() == most
    cells = grid.cells.geometry.to_crs(CRS).to_numpy()
    a, b = near.nonzero()
    assert shapely.dwithin(cells[a], cells[b], 0.5).all()
    touching = shapely.STRtree(cells).query(cells, predicate="dwithin", distance=0.5).shape[1] - len(cells)
    assert near.nnz == touching


def test_firm_hotspots_are_told_from_lucky_ones():
    rng = np.random.default_rng(3)
    luck = np.array([3020.0, 1010.0]) + rng.normal(0, 15, (6, 2))  # six incidents in one yard
    incidents = as_incidents(
        np.concatenate([rng.random((150, 2)) * 6000, rng.normal((1500, 4500), 350, (150, 2)).clip(1, 5999), luck])
    )
    found = hotspot_stability(
        incidents, ZONES, "getis_ord", system="square", cell_size_m=500, variants=30, resamples=30, random_state=1
    )
    cells = found.cells
    yard, at = make_grid(ZONES, system="square", cell_size_m=500).locate(
        *unproject(*np.add(CORNER, [(3020, 1010), (1500, 4500)]).T, CRS)
    )
    assert cells["verdict"].iloc[at] == "drawn again"
    assert cells["count"].iloc[yard] >= 6
    assert cells["verdict"].iloc[yard] != "drawn again"
    assert cells["hot_share"].iloc[at] > 0.95
    assert found.clusters["rank_low"].iloc[0] == found.clusters["rank_high"].iloc[0] == 1
    away = cells.loc[cells["count"] == 0, "hot_share"]
    assert away.median() == 0


def test_shares_are_counted_over_the_runs_that_were_made():
    """With one width, no shift that matters and no resampling by hand: the shares of a method that is always hot."""

    def always(counts, grid):
        return getis_ord(counts, grid).__class__(
            pd.DataFrame({"label": "hot 99", "z_score": 1.0}, index=counts.index), "always", {}
        )

    found = hotspot_stability(town(), ZONES, always, system="h3", resolution=8, variants=3, resamples=2, random_state=0)
    assert (found.cells["hot_share"] == 1).all()
    assert (found.cells["verdict"] == "drawn again").all()
    assert len(found.clusters) == 1
    assert found.clusters["n_cells"].iloc[0] == len(found.cells)
    assert found.clusters["count"].iloc[0] == found.cells["count"].sum() == 610


def test_a_hotspot_of_the_grid_alone_depends_on_the_grid():
    """A method that is hot where a cell's own number is even owes all to the grid, nothing to the incidents."""

    def even(counts, grid):
        hot = np.arange(len(counts)) % 2 == 0
        label = np.where(hot, "hot 99", "none")
        return type(getis_ord(counts, grid))(pd.DataFrame({"label": label}, index=counts.index), "even", {})

    found = hotspot_stability(town(), ZONES, even, system="square", cell_size_m=500, random_state=0, resamples=5)
    hot = found.cells["label"] == "hot 99"
    assert (found.cells.loc[hot, "hot_share_resamples"] == 1).all()
    assert found.cells["hot_share_variants"].mean() == pytest.approx(0.5, abs=0.05)
    assert (found.cells.loc[hot, "verdict"] == "depends on the grid").mean() > 0.95


def test_same_seed_same_answer():
    runs = [
        hotspot_stability(town(), ZONES, "getis_ord", resolution=8, variants=4, resamples=4, random_state=7)
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(runs[0].cells.drop(columns="geometry"), runs[1].cells.drop(columns="geometry"))
    pd.testing.assert_frame_equal(runs[0].clusters.drop(columns="geometry"), runs[1].clusters.drop(columns="geometry"))


def test_methods_with_an_intensity_and_zones_work_too():
    found = hotspot_stability(
        town(),
        ZONES,
        "kernel_density",
        system="square",
        cell_size_m=500,
        options={"bandwidth_m": 800},
        variants=3,
        resamples=3,
        random_state=0,
    )
    assert (found.cells["label"] == "hot").sum() == round(0.05 * len(found.cells))
    assert found.cells["hot_share"].max() == 1
    boxes = [
        shapely.box(*np.add(CORNER, (x, y)), *np.add(CORNER, (x + 1000, y + 1000)))
        for x in range(0, 6000, 1000)
        for y in range(0, 6000, 1000)
    ]
    zones = gpd.GeoDataFrame({"zone_id": [str(k) for k in range(36)]}, geometry=boxes, crs=CRS).to_crs(4326)
    by_zone = hotspot_stability(town(), zones, "getis_ord", system="zones", variants=3, resamples=3, random_state=0)
    assert by_zone.params["shape"] == "square"
    assert len(by_zone.cells) == 36


def test_a_map_without_hotspots_says_so():
    even = as_incidents(np.random.default_rng(1).random((300, 2)) * 6000)
    found = hotspot_stability(
        even,
        ZONES,
        "getis_ord",
        system="square",
        cell_size_m=1000,
        variants=2,
        resamples=2,
        random_state=0,
        options={"correction": "bonferroni"},
    )
    assert len(found.clusters) == 0
    assert "No place is hot" in found.notes[0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"method": "getis_or"}, SettingError, "Did you mean 'getis_ord'"),
        ({"options": {"ordre": 2}}, SettingError, "Did you mean 'order'"),
        ({"options": {"population": "persons"}}, SettingError, "carried over"),
        ({"options": 3}, SettingError, "options are"),
        ({"variants": 0, "resamples": 0}, SettingError, "nothing to compare"),
        ({"variants": -1}, SettingError, "variants"),
        ({"widths": [0]}, SettingError, "widths"),
        ({"widths": 1}, SettingError, "widths"),
        ({"resolution": None}, SettingError, "resolution"),
        ({"incidents": pd.DataFrame()}, InputError, "read_incidents"),
        ({"boundaries": pd.DataFrame()}, InputError, "GeoDataFrame"),
        ({"incidents": as_incidents(np.full((10, 2), 3000.0))}, InputError, "fewer than 30|10 incidents"),
        ({"incidents": as_incidents(np.full((99, 2), 3000.0))}, InputError, "one cell"),
        ({"category": "Arson"}, InputError, "Arson"),
    ],
)
def test_bad_input_is_refused_by_name(change, error, message):
    call = {
        "method": "getis_ord",
        "incidents": town(),
        "boundaries": ZONES,
        "resolution": 8,
        "variants": 1,
        "resamples": 1,
    }
    call |= change
    with pytest.raises(error, match=message):
        hotspot_stability(call.pop("incidents"), call.pop("boundaries"), call.pop("method"), **call)


def test_false_hotspots_are_drawn_again_and_the_null_maps_say_so():
    """The normal p of Gi* on few incidents marks cells of maps that hold nothing, and other grids mark them again."""
    incidents, grid = town(background=100, spots=()), make_grid(ZONES, system="square", cell_size_m=250)
    few = {"grid": grid, "variants": 2, "resamples": 2, "null_maps": 8, "random_state": 0}
    normal = hotspot_stability(incidents, ZONES, "getis_ord", **few)
    assert normal.params["null_maps_hot"] >= 4
    assert normal.params["null_hot_share"] > 0.2
    exact = hotspot_stability(incidents, ZONES, "hotspot_test", **few)
    assert exact.params["null_maps_hot"] <= 2
    codes = [getattr(note, "code", "") for note in (*normal.notes, *exact.notes)]
    assert "hotspots.stability_null" in codes
