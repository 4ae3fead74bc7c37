"""A small territory with results of every kind, to be written in every format."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import gridmap as gm


@dataclass
class Answers:
    """A town, its grids, and what the methods said of it."""

    grid: gm.Grid
    hexagons: gm.Grid
    incidents: gm.Incidents
    counts: pd.DataFrame
    hot: gm.HotspotResult
    clusters: gm.HotspotResult
    density: gm.DensityResult


@pytest.fixture(scope="session")
def answers() -> Answers:
    town = gm.samples.town(random_state=0)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=400)
    hexagons = gm.make_grid(town.boundaries, system="h3", resolution=8)
    counts = gm.count_by_cell(town.incidents, grid)
    return Answers(
        grid, hexagons, town.incidents, counts, gm.getis_ord(counts, grid, inference="exact"),
        gm.hdbscan(town.incidents, min_cluster_size=15), gm.kernel_density(town.incidents, grid, bandwidth_m=600),
    )  # fmt: skip


@pytest.fixture
def hostile(answers):
    """Cells whose text would break XML, SQL, a spreadsheet or a table, in types that few formats know."""
    cells = answers.grid.cells.iloc[:6][["geometry"]].copy()
    texts = ["<b>&\"'</b>]]>", "=1+1", "'; DROP TABLE cells; --", "城关街道\u0000第一社区", None, 'a,b\n"c"\tд']
    cells["案件类别"] = texts
    cells["count"] = [0, 1, 2, 3, 4, 5]
    cells["Count"] = [5.5, np.nan, np.inf, -np.inf, 0.0, 1e300]
    cells["fid"] = range(6)
    cells["geom"] = "x"
    cells["月份"] = pd.period_range("2024-01", periods=6, freq="M")
    cells["kind"] = pd.Categorical(["盗窃", "抢夺", "盗窃", None, "诈骗", "盗窃"])
    cells["day_of"] = pd.to_datetime(["2024-01-02", None, "2024-03-04", "2024-01-02", "2024-01-02", "2024-01-02"])
    cells["zoned"] = pd.date_range("2024-03-05 23:30", periods=6, freq="h", tz="Asia/Shanghai")
    cells["whole"] = pd.array([1, None, 3, 4, 5, 6], dtype="Int64")
    cells["yes"] = [True, False, True, True, False, False]
    cells["huge"] = [2**70, 1, 2, 3, 4, 5]
    cells["largest"] = np.array([2**64 - 1, 1, 2, 3, 4, 5], dtype="uint64")
    cells["list"] = [["a", "b"], [], None, [1], ["中"], [None]]
    cells["long"] = ["长" * 300] * 6
    cells["wait"] = pd.to_timedelta([1, 2, 3, 4, 5, None], unit="min")
    cells[("tuple", 1)] = 1
    cells[7] = 7
    return cells
