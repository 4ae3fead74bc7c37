"""What the default costs: `hotspot_test` against the analytic Gi*, the exact permutation against 999 drawn ones, harm.

As a pipeline calls them, over some 20,000 cells of each kind: hexagons, squares and zones, with residents and without.
All five ways are run in turn, round after round, in one process; the least processor time of each is printed, and the
three ratios. Run with OMP_NUM_THREADS=1: BLAS spins on every core it may have.

    OMP_NUM_THREADS=1 python benchmarks/defaults.py --grid square --bare
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
from calibration import WEST_YORKSHIRE

import gridmap as gm
from gridmap.grids.counts_table import Counts, CountsAbout
from gridmap.hotspots.default_method import at_risk_by_cell

HARM = np.array([1.0, 5.0, 15.0, 365.0, 1825.0])
OFTEN = np.array([0.60, 0.25, 0.10, 0.04, 0.01])


def maps(residents: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Counts a cell: by residents, few and many; with ordinary differences; with forty hotspots; shuffled."""
    chance, cells = residents / residents.sum(), len(residents)
    hot = np.zeros(cells, bool)
    hot[rng.choice(cells, 40, replace=False, p=chance)] = True
    differ = chance * rng.gamma(0.5, 2.0, cells)
    planted = chance * np.where(hot, 10.0, 1.0)
    drawn = {
        "by residents, 2,000": rng.multinomial(2_000, chance),
        "by residents, 60,000": rng.multinomial(60_000, chance),
        "with ordinary differences, 60,000": rng.multinomial(60_000, differ / differ.sum()),
        "with forty hotspots, 60,000": rng.multinomial(60_000, planted / planted.sum()),
    }
    return drawn | {"shuffled, 60,000": rng.permutation(drawn["with ordinary differences, 60,000"])}


def weighted(counts: pd.DataFrame, rng: np.random.Generator) -> Counts:
    """The same incidents with a harm each."""
    number = counts["count"].to_numpy()
    cell = np.repeat(np.arange(len(counts)), number)
    harm = np.bincount(cell, rng.choice(HARM, len(cell), p=OFTEN), minlength=len(counts))
    often = tuple(zip(HARM.tolist(), (OFTEN * 1000).astype(int).tolist(), strict=True))
    about = CountsAbout(kind="weighted", weight="harm", rows=int(number.sum()), weights=often)
    return Counts({"count": harm, "incidents": number}, index=counts.index, about=about)


def in_turn(ways: list[Callable], rounds: int) -> np.ndarray:
    """Least processor time of each in milliseconds."""
    times = np.empty((rounds, len(ways)))
    for run in ways:
        run()
    for row in times:
        for k, run in enumerate(ways):
            start = time.process_time()
            run()
            row[k] = 1000 * (time.process_time() - start)
    return times.min(axis=0)


def some_grid(kind: str, bare: bool):
    """West Yorkshire in about 20,000 cells."""
    zones = gm.read_boundaries(WEST_YORKSHIRE / "lsoa_2011.geojson")
    if bare:
        zones = zones[["geometry"]]
    if kind == "h3":
        return gm.make_grid(zones, system="h3", resolution=9)
    squares = gm.make_grid(zones, system="square", cell_size_m=320)
    if kind == "square":
        return squares
    columns = {"zone_id": [f"z{i}" for i in range(len(squares))]}
    if not bare:
        columns["persons"] = np.random.default_rng(5).poisson(100, len(squares))
    parts = gpd.GeoDataFrame(columns, geometry=squares.cells.geometry.to_numpy(), crs=squares.cells.crs)
    return gm.make_grid(parts, system="zones")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--grid", choices=("h3", "square", "zones"), default="h3")
    parser.add_argument("--bare", action="store_true", help="without residents: the null is land")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    grid, rng = some_grid(options.grid, options.bare), np.random.default_rng(0)
    at_risk = at_risk_by_cell(None, grid, grid.cells.index).weight
    print(f"{len(grid):,} cells, load {os.getloadavg()[0]:.1f}\n")
    print("| map | hotspot_test | getis_ord | ratio | exact permutation | 999 drawn | ratio | harm | over without |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, drawn in maps(at_risk, rng).items():
        counts = pd.DataFrame({"count": drawn}, index=grid.cells.index)
        ways = [
            partial(gm.hotspot_test, counts, grid),
            partial(gm.getis_ord, counts, grid),
            partial(gm.getis_ord, counts, grid, inference="exact"),
            partial(gm.getis_ord, counts, grid, permutations=999, random_state=1),
            partial(gm.hotspot_test, weighted(counts, rng), grid),
        ]
        ours, gi, exact, shuffled, harm = in_turn(ways, options.rounds)
        row = f"{ours:.0f} | {gi:.0f} | {ours / gi:.2f} | {exact:.0f} | {shuffled:.0f} | {exact / shuffled:.2f}"
        print(f"| {name} | {row} | {harm:.0f} | {harm / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
