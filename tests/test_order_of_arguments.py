"""Functions of one kind take what is counted first, and then what it is counted in; the former order still works."""

import inspect

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm

BOXES = [shapely.box(i / 100, 51, (i + 1) / 100, 51.01) for i in range(6)]
ZONES = gpd.GeoDataFrame({"zone_id": list("abcdef"), "persons": [500] * 6}, geometry=BOXES, crs=4326)
GRID = gm.make_grid(ZONES, system="zones")
CALLS = pd.Series([3, 4, 30, 4, 2, 5], GRID.cells.index)

#: The first arguments of the functions of each kind.
KINDS = {
    ("counts", "grid"): ("getis_ord", "local_moran", "hotspot_test", "quiet_cells", "incident_rates"),
    ("counts_by_period", "grid"): ("compare_periods", "emerging_hotspots"),
    ("incidents", "grid"): ("kernel_density", "count_by_cell", "forecast"),
    ("incidents", "boundaries"): ("hotspot_stability", "choose_area"),
    ("source", "grid"): ("population_by_cell",),
    ("calls", "grid"): ("patrol_districts",),
    ("incidents", "network"): ("street_counts", "street_density", "street_hotspots"),
    ("stations", "network"): ("response_coverage",),
    ("hotspots", "network"): ("plan_patrols",),
    ("incidents", "units"): ("incident_workload",),
}


@pytest.mark.parametrize(("first", "names"), KINDS.items())
def test_siblings_begin_alike(first, names):
    for name in names:
        assert tuple(inspect.signature(getattr(gm, name)).parameters)[:2] == first, name


def test_the_former_order_works_and_says_so():
    new = gm.population_by_cell(ZONES, GRID)
    with pytest.warns(DeprecationWarning, match="population_by_cell\\(source, grid\\)"):
        pd.testing.assert_series_equal(gm.population_by_cell(GRID, ZONES), new)
    rates = gm.incident_rates(CALLS, population=ZONES["persons"].to_numpy())
    with pytest.warns(DeprecationWarning, match="incident_rates"):
        pd.testing.assert_frame_equal(gm.incident_rates(CALLS, ZONES["persons"].to_numpy()).cells, rates.cells)
    beats = gm.patrol_districts(CALLS, GRID, n=2, random_state=0)
    with pytest.warns(DeprecationWarning, match="patrol_districts"):
        assert gm.patrol_districts(GRID, CALLS, n=2, random_state=0)["calls"].tolist() == beats["calls"].tolist()
    rng = np.random.default_rng(0)
    points = pd.DataFrame({"lon": rng.uniform(0, 0.06, 60), "lat": 51.005, "date": "2024-05-01"})
    incidents = gm.read_incidents(points)
    work = gm.incident_workload(incidents, GRID)
    with pytest.warns(DeprecationWarning, match="incident_workload"):
        assert gm.incident_workload(GRID, incidents).tolist() == work.tolist()
    few = {"variants": 1, "resamples": 1, "null_maps": 0, "random_state": 0, "grid": GRID}
    with pytest.warns(DeprecationWarning, match="hotspot_stability\\(incidents, boundaries, method\\)"):
        former = gm.hotspot_stability("getis_ord", incidents, ZONES, **few)
    assert former.cells.equals(gm.hotspot_stability(incidents, ZONES, "getis_ord", **few).cells)
    roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 51), (0.05, 51)])], crs=4326)
    network = gm.build_network(roads, speed_kmh=36)
    with pytest.warns(DeprecationWarning, match="response_coverage"):
        former = gm.response_coverage(network, [(0, 51)], minutes=2)
    assert former["street_km"].tolist() == gm.response_coverage([(0, 51)], network, minutes=2)["street_km"].tolist()


def test_a_bandwidth_that_nobody_gave_is_in_the_notes():
    rng = np.random.default_rng(1)
    points = pd.DataFrame({"lon": rng.normal(0.03, 0.01, 80), "lat": rng.normal(51.005, 0.002, 80)})
    incidents = gm.read_incidents(points)
    squares = gm.make_grid(ZONES, system="square", cell_size_m=100)
    found = gm.kernel_density(incidents, squares)
    note = next(note for note in found.notes if note.code == "hotspots.bandwidth_chosen")
    assert f"{found.params['bandwidth_m']:,.0f} m" in str(note)
    assert "米" in note.say("zh")
    assert f"bandwidth_m={found.params['bandwidth_m']}"[:14] in repr(found)
    given = gm.kernel_density(incidents, squares, bandwidth_m=300)
    assert all(note.code != "hotspots.bandwidth_chosen" for note in given.notes)
