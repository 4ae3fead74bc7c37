"""How often does analytic Gi* cry wolf, by how many incidents a cell expects?

Complete randomness: every cell's count is Poisson with the same mean. Printed is the share of tests that
come out at p ≤ 0.05 on the hot and on the cold side (0.025 each is promised), at p ≤ 0.01 on the hot side
(0.005), and the share of maps on which FDR at 0.05 marks any cell (0.05 at most). The table in docs/methods.md
was made by this script:

    python benchmarks/gi_star_calibration.py
"""

import argparse

import numpy as np
import pandas as pd
from scipy import sparse

import gridmap as gm

MEANS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]


def hexagons(side: int, order: int = 1) -> sparse.csr_array:
    """Six neighbours each, on a sheared lattice of side × side cells."""
    x, y = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    here = (x * side + y).ravel()
    entries = []
    for dx, dy in [(1, 0), (0, 1), (1, -1)]:
        a, b = x + dx, y + dy
        inside = ((a < side) & (b >= 0) & (b < side)).ravel()
        entries.append((here[inside], (a * side + b).ravel()[inside]))
    i, j = (np.concatenate(part) for part in zip(*entries, strict=True))
    half = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(side * side, side * side))
    first = sparse.csr_array(half + half.T)
    reached = first
    for _ in range(order - 1):
        reached = reached + reached @ first
    reached = sparse.csr_array((reached > 0).astype(float))
    reached.setdiag(0)
    reached.eliminate_zeros()
    return reached


def rejections(mean: float, adjacency, nulls: int, permutations: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    hot, cold, hot_1, maps, used = [], [], [], 0, 0
    for _ in range(nulls):
        counts = rng.poisson(mean, adjacency.shape[0])
        if counts.sum() < 30:
            continue
        cells = gm.getis_ord(counts, adjacency, permutations=permutations, random_state=rng).cells
        p, z = cells["p_value"].to_numpy(), cells["z_score"].to_numpy()
        hot.append(((p <= 0.05) & (z > 0)).mean())
        cold.append(((p <= 0.05) & (z < 0)).mean())
        hot_1.append(((p <= 0.01) & (z > 0)).mean())
        maps += bool((cells["q_value"] <= 0.05).any())
        used += 1
    return {
        "expected a cell": mean,
        "hot, p ≤ 0.05": np.mean(hot),
        "cold, p ≤ 0.05": np.mean(cold),
        "both": np.mean(hot) + np.mean(cold),
        "hot, p ≤ 0.01": np.mean(hot_1),
        "maps with any q ≤ 0.05": maps / used,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nulls", type=int, default=400)
    parser.add_argument("--side", type=int, default=30)
    parser.add_argument("--order", type=int, default=1)
    parser.add_argument("--permutations", type=int, default=0)
    options = parser.parse_args()
    adjacency = hexagons(options.side, options.order)
    rows = [rejections(m, adjacency, options.nulls, options.permutations, i) for i, m in enumerate(MEANS)]
    print(f"{options.nulls} nulls of {options.side**2:,} hexagons")
    print(f"order={options.order}, permutations={options.permutations}")
    print(pd.DataFrame(rows).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
