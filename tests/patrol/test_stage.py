"""From hotspots to a folder, and back from the filled-in log."""

import libpysal
import numpy as np
import pandas as pd

import gridmap as gm
from gridmap.patrol.stage import log_to_folder, plan_to_folder


def test_hotspots_of_a_grid_become_a_plan_on_streets_and_a_log(tmp_path, tempe, tempe_crimes):
    land = tempe.edges[["geometry"]].union_all().envelope
    zone = tempe_crimes.iloc[[0]].set_geometry([land]).assign(zone_id="tempe")[["zone_id", "geometry"]]
    grid = gm.make_grid(zone, system="square", cell_size_m=150)
    row = grid.locate(tempe_crimes.geometry.x, tempe_crimes.geometry.y)
    count = np.bincount(row[row >= 0], minlength=len(grid))
    hot = gm.getis_ord(pd.DataFrame({"count": count}, index=grid.cells.index), grid)
    options = {"units": 2, "shift_h": 3, "random_state": 0, "rounds": 20, "mode": "walk", "sheets": False}
    plan, written = plan_to_folder(hot, tmp_path / "plan", roads=libpysal.examples.get_path("streets.shp"), **options)
    hot_cells = hot.cells.index[hot.cells["label"].str.startswith("hot")]
    assert len(plan.stops) > 0
    assert set(plan.stops["place_id"]) <= set(hot_cells)
    assert all(path.exists() for path in written)
    table = pd.read_csv(tmp_path / "plan" / "visits.csv", dtype=str, keep_default_na=False)
    table.assign(arrived=table["planned_arrive"], left=table["planned_leave"]).to_csv(tmp_path / "log.csv", index=False)
    dosage, files = log_to_folder(tmp_path / "plan", tmp_path / "log.csv", tmp_path / "compared")
    assert dosage.share_done == 1.0
    assert all(path.exists() for path in files)


def test_the_same_options_write_the_same_plan(tmp_path, tempe_crimes):
    places = tempe_crimes.iloc[:12][["geometry"]].assign(place_id=range(12), prize=1.0)
    tables = []
    for name in "ab":
        plan_to_folder(places, tmp_path / name, units=1, shift_h=2, random_state=4, rounds=20, sheets=False)
        tables.append((tmp_path / name / "visits.csv").read_bytes())
    assert tables[0] == tables[1]
