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


def test_a_bivariate_moran_takes_neighbours_of_libpysal(ours):
    grid, counts, _ = ours
    x, y = counts["count"], counts["count"].iloc[::-1].set_axis(counts.index)
    wanted = gm.bivariate_moran(x, y, grid.adjacency(), permutations=0)["I"]
    for neighbours in (
        Queen.from_dataframe(grid.cells, use_index=True, silence_warnings=True),
        Graph.build_contiguity(grid.cells, rook=False),
    ):
        assert gm.bivariate_moran(x, y, neighbours, permutations=0)["I"] == pytest.approx(wanted)
        local = gm.local_bivariate_moran(x, y, neighbours, permutations=0)["I"]
        assert local.index.equals(counts.index)


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


#: What takes incidents or a grid → its arguments; the same by frames of others and by gridmap's own readers.
EITHER = {
    "count_by_cell": "incidents grid",
    "kernel_density": "incidents grid",
    "dbscan": "incidents",
    "hdbscan": "incidents",
    "hour_of_week": "incidents",
    "aoristic_weights": "incidents",
    "hotspot_test": "counts grid",
    "getis_ord": "counts grid",
    "local_moran": "counts grid",
    "quiet_cells": "counts grid",
    "global_moran": "counts grid",
    "grid_hierarchy": "grid",
    "public_release": "incidents grid",
    "cross_k": "incidents incidents",
    "changes_by_area": "incidents boundaries",
    "crosswalk": "counts grid grid",
    "population_by_cell": "boundaries grid",
    "patrol_districts": "counts grid",
    "geomask": "incidents",
    "incident_workload": "incidents grid",
    "relative_risk": "incidents incidents grid",
    "hotspot_stability": "incidents boundaries method",
}
SETTINGS = {
    "kernel_density": {"bandwidth_m": 1500},
    "dbscan": {"eps_m": 300, "min_samples": 5},
    "local_moran": {"random_state": 0},
    "cross_k": {"simulations": 9, "random_state": 0},
    "public_release": {"k": 5},
    "changes_by_area": {"before": "2024-01-02", "after": "2024-01-03"},
    "population_by_cell": {"column": "persons"},
    "patrol_districts": {"n": 2, "rounds": 5, "random_state": 0},
    "geomask": {"min_m": 50, "max_m": 100, "random_state": 0},
    "relative_risk": {"permutations": 99, "bandwidth_m": 1500, "random_state": 0},
    "hotspot_stability": {
        **{"system": "square", "cell_size_m": 1000, "variants": 2, "resamples": 2, "null_maps": 2, "random_state": 0},
    },
}


def as_text(found) -> str:
    """What came of a call, in figures."""
    found = getattr(found, "cells", getattr(found, "moved_m", found))
    found = pd.DataFrame(found.drop(columns="geometry", errors="ignore")) if isinstance(found, pd.DataFrame) else found
    return found.to_csv() if isinstance(found, pd.DataFrame) else str(np.asarray(found))


@pytest.mark.parametrize("name", EITHER)
def test_whatever_takes_incidents_or_a_grid_takes_a_frame_of_others(town, ours, name):
    _, points = town
    own = {"incidents": gm.read_incidents(points), "grid": ours[0], "counts": ours[1]}
    plain = {"incidents": points, "grid": ours[0].cells, "counts": ours[0].cells.assign(count=ours[1]["count"])}
    zones = gm.read_boundaries(town[0].assign(persons=range(100, 116)))
    own |= {"boundaries": zones, "method": "getis_ord"}
    plain |= {"boundaries": zones, "method": "getis_ord"}
    if name in ("crosswalk", "patrol_districts"):
        plain["counts"] = own["counts"] = pd.DataFrame({"count": ours[1]["count"]})
    wanted, settings = EITHER[name].split(), SETTINGS.get(name, {})
    by_frames = getattr(gm, name)(*(plain[w] for w in wanted), **settings)
    by_ours = getattr(gm, name)(*(own[w] for w in wanted), **settings)
    assert as_text(by_frames) == as_text(by_ours)


def test_a_forecast_learns_from_frames(town, ours):
    from gridmap.forecasts.base import History

    _, points = town
    plain, own = History.of(points, ours[0].cells), History.of(gm.read_incidents(points), ours[0])
    assert plain.counts(plain.since, plain.until).tolist() == own.counts(own.since, own.until).tolist()
    assert sum(plain.counts(plain.since, plain.until)) == 300
