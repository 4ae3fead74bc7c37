"""Conditional permutations of local Moran and Gi*: gridmap against esda, same data, same run.

20,000 cells with eight neighbours each, 999 permutations. esda is given its best of the settings it has (one
job or all cores). Every contender runs once beforehand, so that nobody pays for compiling, and then several
times in turn; the least time of each is compared.

    python benchmarks/local_statistics.py
"""

import argparse
import time
import warnings

import esda
import libpysal
import numpy as np
from scipy import sparse

import gridmap as gm


def least_seconds(contenders: dict, rounds: int) -> dict:
    times = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: min(found) for name, found in times.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--permutations", type=int, default=999)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # esda's announcements of its next version
    w = libpysal.weights.lat2W(options.rows, options.columns, rook=False)
    adjacency = sparse.csr_array(w.sparse)
    counts = np.random.default_rng(0).poisson(3, w.n).astype(float)
    n = options.permutations

    def moran_esda(jobs):
        return lambda: esda.Moran_Local(counts, w, permutations=n, n_jobs=jobs, keep_simulations=False, seed=1)

    def g_esda(jobs):
        return lambda: esda.G_Local(
            counts, w, transform="B", star=True, permutations=n, n_jobs=jobs, keep_simulations=False, seed=1
        )

    seconds = least_seconds(
        {
            "gridmap local_moran": lambda: gm.local_moran(counts, adjacency, permutations=n, random_state=1),
            "gridmap getis_ord": lambda: gm.getis_ord(counts, adjacency, permutations=n, random_state=1),
            "esda Moran_Local, 1 job": moran_esda(1),
            "esda Moran_Local, all cores": moran_esda(-1),
            "esda G_Local, 1 job": g_esda(1),
            "esda G_Local, all cores": g_esda(-1),
        },
        options.rounds,
    )
    print(f"{w.n:,} cells, {n:,} permutations, least of {options.rounds} rounds")
    for name, found in seconds.items():
        print(f"  {name:30s} {found:7.2f} s")
    for ours, theirs in (("gridmap local_moran", "esda Moran_Local"), ("gridmap getis_ord", "esda G_Local")):
        best = min(found for name, found in seconds.items() if name.startswith(theirs))
        print(f"{ours} is {best / seconds[ours]:.1f} times as fast as {theirs} at its best (3 asked)")


if __name__ == "__main__":
    main()
