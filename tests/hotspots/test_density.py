"""The surface equals the sum written out, keeps its incidents, and refuses what it cannot mean."""

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import rasterio
import shapely
from sklearn.neighbors import KernelDensity

import gridmap.hotspots.density as density
from gridmap.errors import InputError, OutputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.density import kernel_density
from gridmap.hotspots.kernels import REACH, binned_error
from gridmap.read.incident_table import Incidents


def incidents_at(lon, lat, **columns) -> Incidents:
    ids = [str(i) for i in range(len(lon))]
    return Incidents(pa.table({"incident_id": ids, "lon": np.asarray(lon), "lat": np.asarray(lat), **columns}))


@pytest.fixture(scope="module")
def town() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)


@pytest.fixture(scope="module")
def incidents() -> Incidents:
    rng = np.random.default_rng(1)
    lon, lat = rng.normal(-1.55, 0.02, 400), rng.normal(53.75, 0.012, 400)
    lon[:40], lat[:40] = lon[0], lat[0]  # snapped to one place
    return incidents_at(lon, lat, harm=rng.uniform(0, 3, 400))


@pytest.fixture(scope="module", params=["square", "h3"])
def grid(request, town):
    if request.param == "square":
        return make_grid(town, system="square", cell_size_m=400)
    return make_grid(town, system="h3", resolution=8)


def written_out(incidents, grid, h, kernel, weight=1.0) -> np.ndarray:
    u = np.sqrt(((grid.centroids_m[:, None] - incidents.xy_m(grid.metric_crs)) ** 2).sum(axis=2)) / h
    shape = {
        "quartic": np.where(u < 1, 3 / np.pi * (1 - u**2) ** 2, 0),
        "triangular": np.where(u < 1, 3 / np.pi * (1 - u), 0),
        "gaussian": np.exp(-(u**2) / 2) / (2 * np.pi),
    }[kernel]
    return (weight * shape / h**2).sum(axis=1) * 1e6


@pytest.mark.parametrize("kernel", ["quartic", "triangular", "gaussian"])
def test_intensity_equals_the_sum_written_out(incidents, grid, kernel):
    found = kernel_density(incidents, grid, bandwidth_m=900, kernel=kernel)
    assert found.params["computed"] == "exact"
    np.testing.assert_allclose(found.cells["intensity"], written_out(incidents, grid, 900, kernel), atol=1e-9)


@pytest.mark.parametrize("kernel, theirs", [("triangular", "linear"), ("gaussian", "gaussian")])
def test_intensity_equals_scikit_learn(incidents, grid, kernel, theirs):
    model = KernelDensity(bandwidth=900, kernel=theirs).fit(incidents.xy_m(grid.metric_crs))
    expected = np.exp(model.score_samples(grid.centroids_m)) * len(incidents) * 1e6
    found = kernel_density(incidents, grid, bandwidth_m=900, kernel=kernel).cells["intensity"]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_weights_by_column_and_by_array_count_alike(incidents, grid):
    harm = incidents.to_frame()["harm"].to_numpy()
    by_name = kernel_density(incidents, grid, bandwidth_m=900, weights="harm").cells["intensity"]
    np.testing.assert_allclose(by_name, written_out(incidents, grid, 900, "quartic", harm), atol=1e-9)
    np.testing.assert_array_equal(
        by_name, kernel_density(incidents, grid, bandwidth_m=900, weights=harm).cells["intensity"]
    )


@pytest.mark.parametrize("kernel", ["quartic", "triangular", "gaussian"])
def test_the_binned_surface_is_as_near_as_it_says(incidents, town, kernel, monkeypatch):
    grid = make_grid(town, system="h3", resolution=8)
    spread = incidents_at(*(v[40:] for v in incidents.lonlat()))  # without the heap
    cases = [(incidents, False, 0.035), (spread, False, 0.01), (spread, True, 0.015)]
    exact = [kernel_density(i, grid, bandwidth_m=900, kernel=kernel, adaptive=a).cells for i, a, _ in cases]
    monkeypatch.setattr(density, "MOST_PAIRS", 0)
    for cells, (points, adaptive, bound) in zip(exact, cases, strict=True):
        binned = kernel_density(points, grid, bandwidth_m=900, kernel=kernel, adaptive=adaptive)
        assert binned.params["computed"] == "binned"
        off = (binned.cells["intensity"] - cells["intensity"]).abs().max() / cells["intensity"].max()
        assert off < bound


@pytest.mark.parametrize("kernel", ["quartic", "triangular", "gaussian"])
@pytest.mark.parametrize("h, finer", [(900, 1), (410, 5)])
def test_no_value_of_the_binned_sum_is_farther_off_than_its_bound(incidents, town, grid, kernel, h, finer, monkeypatch):
    if grid.system == "h3":
        grid, finer = make_grid(town, system="h3", resolution=9), 1
    exact = kernel_density(incidents, grid, bandwidth_m=h, kernel=kernel).cells["intensity"]
    monkeypatch.setattr(density, "MOST_PAIRS", 0)
    binned = kernel_density(incidents, grid, bandwidth_m=h, kernel=kernel)
    assert "error_at_most" not in kernel_density(incidents, grid, bandwidth_m=h, adaptive=True).params
    off = (binned.cells["intensity"] - exact).abs()
    assert 0 < off.max() <= binned.params["error_at_most"]
    # cell by cell: each incident within reach may add its share, and no other any
    each = binned_error(h, binned.params["pixel_m"] / finer, kernel, between=grid.system == "h3") * 1e6
    apart = np.sqrt(((grid.centroids_m[:, None] - incidents.xy_m(grid.metric_crs)) ** 2).sum(axis=2))
    near = (apart < h * min(REACH[kernel], 5) + 2 * binned.params["pixel_m"] / finer).sum(axis=1)
    rest = len(incidents) * (kernel == "gaussian") * each * 1e-3  # what a Gaussian has beyond 5 h
    assert (off <= each * near + rest + 1e-9).all()


def test_a_finer_raster_for_wide_squares_brings_the_sum_nearer(incidents, town, monkeypatch):
    grid = make_grid(town, system="square", cell_size_m=400)
    exact = kernel_density(incidents, grid, bandwidth_m=500).cells["intensity"]
    monkeypatch.setattr(density, "MOST_PAIRS", 0)
    finer = kernel_density(incidents, grid, bandwidth_m=500)
    monkeypatch.setattr(density, "FINER", 0)
    plain = kernel_density(incidents, grid, bandwidth_m=500)
    far = [(found.cells["intensity"] - exact).abs().max() for found in (finer, plain)]
    assert far[0] < far[1] / 4
    assert finer.params["error_at_most"] < plain.params["error_at_most"] / 4
    assert finer.surface.shape == plain.surface.shape


def test_the_surface_is_in_the_place_of_the_cells(incidents, grid):
    found = kernel_density(incidents, grid, bandwidth_m=900)
    pixel, west, north = found.transform.a, found.transform.c, found.transform.f
    column = np.floor((grid.centroids_m[:, 0] - west) / pixel).astype(int)
    row = np.floor((north - grid.centroids_m[:, 1]) / pixel).astype(int)
    inside = (row >= 0) & (row < found.surface.shape[0]) & (column >= 0) & (column < found.surface.shape[1])
    there = found.surface[row[inside], column[inside]]
    near = np.isfinite(there)
    assert near.mean() > 0.9
    assert np.corrcoef(there[near], found.cells["intensity"][inside][near])[0, 1] > 0.98


def test_geotiff_comes_back_as_it_was(incidents, grid, tmp_path):
    found = kernel_density(incidents, grid, bandwidth_m=900)
    with rasterio.open(found.to_geotiff(tmp_path / "surface.tif")) as file:
        np.testing.assert_allclose(file.read(1), found.surface, rtol=1e-6)
        assert file.transform == found.transform
        assert file.crs.to_epsg() == found.crs.to_epsg()
        assert file.tags()["bandwidth_m"] == "900.0"
    assert [p.name for p in tmp_path.iterdir()] == ["surface.tif"]
    with pytest.raises(OutputError, match="cannot be written"):
        found.to_geotiff(tmp_path / "nowhere" / "surface.tif")


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"bandwidth_m": 0.01}, SettingError, "looks like degrees"),
        ({"bandwidth_m": 100}, SettingError, "smaller than a cell"),
        ({"bandwidth_m": -5}, SettingError, "above 0"),
        ({"bandwidth_m": float("nan")}, SettingError, "bandwidth_m"),
        ({"bandwidth_m": "silverman"}, SettingError, "rule-of-thumb"),
        ({"bandwidth_m": 900, "kernel": "quatric"}, SettingError, "Did you mean 'quartic'"),
        ({"bandwidth_m": 900, "weights": "harmm"}, InputError, "harm"),
        ({"bandwidth_m": 900, "weights": "incident_id"}, InputError, "not of numbers"),
        ({"bandwidth_m": 900, "weights": [1, 2]}, InputError, "one number an incident"),
        ({"bandwidth_m": 900, "weights": np.full(400, np.nan)}, InputError, "finite"),
        ({"bandwidth_m": 900, "weights": np.full(400, -1.0)}, InputError, "not below 0"),
    ],
)
def test_wrong_settings_are_named(incidents, grid, options, error, words):
    with pytest.raises(error, match=words):
        kernel_density(incidents, grid, **options)


def test_wrong_input_is_named(incidents, grid):
    few = incidents_at([-1.55] * 29, [53.75] * 29)
    with pytest.raises(InputError, match=r"at least 30 incidents.*found 29"):
        kernel_density(few, grid, bandwidth_m=900)
    with pytest.raises(InputError, match="found DataFrame"):
        kernel_density(incidents.to_frame(), grid, bandwidth_m=900)
    with pytest.raises(InputError, match="make_grid"):
        kernel_density(incidents, grid.cells.drop(columns="geometry"), bandwidth_m=900)
    with pytest.raises(InputError, match="not finite"):
        kernel_density(incidents_at([np.nan] + [-1.55] * 40, [53.75] * 41), grid, bandwidth_m=900)
    with pytest.raises(InputError, match="one place"):
        kernel_density(incidents_at([-1.55] * 40, [53.75] * 40), grid, bandwidth_m="rule-of-thumb")


def test_adaptive_intensity_is_abramsons_written_out(incidents, grid):
    found = kernel_density(incidents, grid, bandwidth_m=900, adaptive=True)
    xy = incidents.xy_m(grid.metric_crs)
    apart = np.sqrt(((xy[:, None] - xy) ** 2).sum(axis=2))
    pilot = np.where(apart < 900, 3 / (np.pi * 900**2) * (1 - (apart / 900) ** 2) ** 2, 0).sum(axis=1)
    h = np.minimum(900 * np.sqrt(np.exp(np.log(pilot).mean()) / pilot), 4500)
    d = np.sqrt(((grid.centroids_m[:, None] - xy) ** 2).sum(axis=2))
    by_hand = np.where(d < h, 3 / (np.pi * h**2) * (1 - (d / h) ** 2) ** 2, 0).sum(axis=1) * 1e6
    np.testing.assert_allclose(found.cells["intensity"], by_hand, atol=1e-9)


def test_edge_correction_makes_an_even_spread_even(town):
    rng = np.random.default_rng(0)
    even = incidents_at(rng.uniform(-1.6, -1.5, 40_000), rng.uniform(53.7, 53.8, 40_000))
    grid = make_grid(town, system="square", cell_size_m=400)
    plain = kernel_density(even, grid, bandwidth_m=1500).cells
    corrected = kernel_density(even, grid, bandwidth_m=1500, edge_correction=True).cells
    whole = grid.cells["share_inside"] > 0.999
    expected = 40_000 / (grid.cells["area_m2"] * grid.cells["share_inside"]).sum() * 1e6
    assert (plain["intensity"][whole] / expected).min() < 0.5
    assert (corrected["intensity"][whole] / expected).between(0.85, 1.15).all()


def test_edge_correction_leaves_out_what_lies_outside(incidents, town):
    grid = make_grid(town, system="square", cell_size_m=400)
    lon, lat = incidents.lonlat()
    more = incidents_at(np.r_[lon, [-1.7] * 5], np.r_[lat, [53.75] * 5])
    found = kernel_density(more, grid, bandwidth_m=900, edge_correction=True)
    outside = 405 - found.params["incidents"]
    assert outside >= 5
    assert f"{outside} of 405 incidents lie outside" in found.notes[0]
    with pytest.raises(InputError, match="inside the grid"):
        kernel_density(incidents_at([10.0] * 40, [50.0] * 40), grid, bandwidth_m=900, edge_correction=True)


def test_the_rule_of_thumb_is_scotts():
    from gridmap.hotspots.bandwidths import rule_of_thumb

    xy = np.random.default_rng(2).normal(0, [900, 1300], (5000, 2))
    assert rule_of_thumb(xy, "gaussian") == pytest.approx(1100 * 5000 ** (-1 / 6), rel=0.02)


def test_an_automatic_bandwidth_below_a_cell_is_raised_and_told(incidents, town):
    fine = kernel_density(incidents, make_grid(town, system="square", cell_size_m=200), bandwidth_m="rule-of-thumb")
    assert fine.params["bandwidth_m"] > 500
    assert fine.params["bandwidth"] == "rule-of-thumb"
    assert [note.code for note in fine.notes] == ["hotspots.bandwidth_chosen"]
    coarse = kernel_density(incidents, make_grid(town, system="square", cell_size_m=4000), bandwidth_m="rule-of-thumb")
    assert coarse.params["bandwidth_m"] == 4000
    assert "raised to the size of a cell" in coarse.notes[0]


def test_cross_validation_finds_the_likeliest_bandwidth():
    from gridmap.hotspots.bandwidths import cross_validated

    rng = np.random.default_rng(2)
    xy = np.concatenate([rng.normal(c, 150, (60, 2)) for c in rng.uniform(0, 6000, (6, 2))])
    tried = np.geomspace(50, 2000, 60)
    apart = ((xy[:, None] - xy) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    score = [np.log(np.exp(-apart / (2 * h * h)).sum(axis=1) / (2 * np.pi * h * h)).sum() for h in tried]
    found = cross_validated(xy, np.ones(len(xy)), "gaussian")
    assert found == pytest.approx(tried[int(np.argmax(score))], rel=0.08)


def test_cross_validation_is_not_fooled_by_snapped_places(incidents, grid):
    from gridmap.hotspots.bandwidths import cross_validated

    rng = np.random.default_rng(2)
    xy = np.round(rng.normal(0, 1500, (2000, 2)) / 200) * 200
    assert cross_validated(xy, np.ones(2000), "gaussian") > 100  # leave-one-out would say 0


def test_a_bandwidth_smooths_alike_whatever_the_kernel(incidents, town):
    from gridmap.hotspots.kernels import CANONICAL

    grid = make_grid(town, system="square", cell_size_m=200)
    found = {
        k: kernel_density(incidents, grid, bandwidth_m=600 * c, kernel=k).cells["intensity"]
        for k, c in CANONICAL.items()
    }
    assert np.corrcoef(found["quartic"], found["gaussian"])[0, 1] > 0.995
    assert np.corrcoef(found["triangular"], found["gaussian"])[0, 1] > 0.995


def test_every_incident_adds_one_whatever_the_kernel(town):
    rng = np.random.default_rng(3)
    middle = incidents_at(rng.normal(-1.55, 0.004, 300), rng.normal(53.75, 0.003, 300))
    grid = make_grid(town, system="square", cell_size_m=100)
    for kernel in density.KERNELS:
        for adaptive in (False, True):
            cells = kernel_density(middle, grid, bandwidth_m=400, kernel=kernel, adaptive=adaptive).cells
            assert cells["intensity"].sum() * 0.01 == pytest.approx(300, rel=0.01)


def test_zones_take_the_value_at_their_centre(incidents):
    zones = gpd.GeoDataFrame(
        {"zone_id": ["w", "e"]},
        geometry=[shapely.box(-1.56, 53.74, -1.55, 53.75), shapely.box(-1.55, 53.74, -1.54, 53.75)],
        crs=4326,
    )
    grid = make_grid(zones, system="zones")
    found = kernel_density(incidents, grid, bandwidth_m=900)
    np.testing.assert_allclose(found.cells["intensity"], written_out(incidents, grid, 900, "quartic"), atol=1e-9)
    assert found.cells["zone_id"].tolist() == ["w", "e"]
