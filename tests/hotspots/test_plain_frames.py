"""Frames of others: GeoDataFrames as boundaries, grids, incidents and counts; libpysal's neighbours; and back."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph
from libpysal.weights import Queen

import gridmap as gm
from gridmap.errors import InputError

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def town():
    """Sixteen zones with a code and a name as their maker wrote them, and 300 points with a time."""
    corners = [(round(-1.6 + 0.02 * i, 6), round(53.7 + 0.02 * j, 6)) for j in range(4) for i in range(4)]
    boxes = [shapely.box(x, y, round(x + 0.02, 6), round(y + 0.02, 6)) for x, y in corners]
    zones = gpd.GeoDataFrame({"code": [f"Z{i:02d}" for i in range(16)]}, geometry=boxes, crs=4326)
    at = RNG.normal([-1.56, 53.74], 0.012, (300, 2)).clip([-1.599, 53.701], [-1.521, 53.779])
    when = pd.date_range("2024-01-01", periods=300, freq="h")
    points = gpd.GeoDataFrame({"time": when}, geometry=gpd.points_from_xy(*at.T), crs=4326)
    return zones, points


@pytest.fixture(scope="module")
def ours(town):
    """The same by gridmap's own readers."""
    zones, points = town
    grid = gm.make_grid(gm.read_boundaries(zones), system="zones")
    counts = gm.count_by_cell(gm.read_incidents(points), grid)
    return grid, counts, gm.hotspot_test(counts, grid)


def test_frames_are_boundaries_incidents_and_grids(town, ours):
    zones, points = town
    _, counts, tested = ours
    assert gm.make_grid(zones, system="square", cell_size_m=900).cells.equals(
        gm.make_grid(gm.read_boundaries(zones), system="square", cell_size_m=900).cells
    )
    assert gm.count_by_cell(points, zones)["count"].tolist() == counts["count"].tolist()
    assert sum(counts["count"]) == 300
    again = gm.hotspot_test(counts, zones)
    assert again.cells["p_value"].tolist() == tested.cells["p_value"].tolist()
    assert gm.kernel_density(points, zones, bandwidth_m=1500).cells["intensity"].sum() > 0
    assert (
        gm.dbscan(points, eps_m=300, min_samples=5).params
        == gm.dbscan(gm.read_incidents(points), eps_m=300, min_samples=5).params
    )


def test_cells_that_a_result_gave_are_a_grid_again(ours):
    grid, counts, tested = ours
    out = tested.to_geodataframe()
    assert isinstance(out, gpd.GeoDataFrame)
    shuffled = out.sample(frac=1, random_state=1)
    again = gm.getis_ord(shuffled["count"], shuffled)
    wanted = gm.getis_ord(counts, grid).cells
    assert again.cells["z_score"].reindex(wanted.index).to_numpy() == pytest.approx(wanted["z_score"].to_numpy())
    assert again.cells.index.tolist() == shuffled.index.tolist()  # in the frame's own order


@pytest.mark.parametrize(
    "made",
    [
        lambda z: Queen.from_dataframe(z, use_index=True, silence_warnings=True),
        lambda z: Graph.build_contiguity(z, rook=False),
    ],
)
def test_neighbours_of_libpysal_are_taken_where_an_adjacency_is(ours, made):
    grid, counts, _ = ours
    neighbours = made(grid.cells)
    assert gm.getis_ord(counts, neighbours).cells["z_score"].to_numpy() == pytest.approx(
        gm.getis_ord(counts, grid).cells["z_score"].to_numpy()
    )
    assert pytest.approx(gm.global_moran(counts, grid).I) == gm.global_moran(counts, neighbours).I
    assert (
        gm.local_moran(counts, neighbours, random_state=0).cells["label"].tolist()
        == gm.local_moran(counts, grid, random_state=0).cells["label"].tolist()
    )


def test_a_result_as_plain_values_for_a_program(ours):
    _, counts, tested = ours
    plain = tested.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["method"] == "hotspot_test"
    assert plain["cells"] == sum(plain["labels"].values())
    assert plain["cells"] == 16
    assert plain["params"]["order"] == 1
    whole = gm.global_moran(counts, ours[0]).as_dict()
    assert json.loads(json.dumps(whole))["statistic"] == pytest.approx(gm.global_moran(counts, ours[0]).I)


def test_what_cannot_be_a_grid_is_said(town, ours):
    zones, points = town
    _, counts, _ = ours
    with pytest.raises(InputError, match="not named apart"):
        gm.hotspot_test(counts, zones.assign(zone_id="same"))
    with pytest.raises(InputError, match="bare adjacency"):
        gm.getis_ord(
            counts["count"].to_numpy(), Queen.from_dataframe(zones, use_index=True, silence_warnings=True)
        ).to_geodataframe()
    with pytest.raises(InputError, match="no polygon"):
        gm.count_by_cell(points, points)
