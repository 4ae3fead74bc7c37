"""What the default costs: `hotspot_test` against the analytic Gi*, the exact permutation against 999 drawn ones, harm.

Over a grid with residents, as a pipeline calls them: West Yorkshire's 22,267 hexagons of resolution 9. Two ways are run
in turn, A B A B …, and the processor's time of each pair is compared, so that what else the machine does falls on both
alike; the median of the pairs' ratios is told.

    python benchmarks/defaults.py
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from calibration import west_yorkshire

import gridmap as gm
from gridmap.grids.cell_counts import Counts, CountsAbout

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


def paired(first: Callable, second: Callable, rounds: int) -> tuple[float, float, float]:
    """Median processor time of each in milliseconds, and the median of the ratios first / second."""
    first(), second()
    times = []
    for _ in range(rounds):
        row = []
        for run in (first, second):
            start = time.process_time()
            run()
            row.append(1000 * (time.process_time() - start))
        times.append(row)
    pairs = np.array(times)
    return *np.median(pairs, axis=0), float(np.median(pairs[:, 0] / pairs[:, 1]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resolution", type=int, default=9)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    town, rng = west_yorkshire(options.resolution), np.random.default_rng(0)
    grid = town.grid
    print("| map | A | B | A, ms | B, ms | A / B |\n|---|---|---|---|---|---|")
    for name, drawn in maps(town.residents, rng).items():
        counts = pd.DataFrame({"count": drawn}, index=grid.cells.index)
        harm = weighted(counts, rng)
        test = partial(gm.hotspot_test, counts, grid)
        compared = [
            ("hotspot_test", test, "getis_ord", partial(gm.getis_ord, counts, grid)),
            (
                'getis_ord, inference="exact"',
                partial(gm.getis_ord, counts, grid, inference="exact"),
                "getis_ord, permutations=999",
                partial(gm.getis_ord, counts, grid, permutations=999, random_state=1),
            ),
            ("hotspot_test, harm", partial(gm.hotspot_test, harm, grid), "hotspot_test", test),
        ]
        for a, first, b, second in compared:
            ours, theirs, ratio = paired(first, second, options.rounds)
            print(f"| {name} | {a} | {b} | {ours:.0f} | {theirs:.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
