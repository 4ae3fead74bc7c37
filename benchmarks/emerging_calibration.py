"""Emerging hotspots where there are none: how often is anything called hot, by the number expected in a bin?

400 cubes of Poisson counts, 20 x 20 cells with eight neighbours, 12 periods; the default settings, and without
correction. The table of docs/space_and_time.md.

    python benchmarks/emerging_calibration.py [--cubes 400]
"""

import argparse

import numpy as np
import pandas as pd
from scipy import sparse

import gridmap as gm

SIDE, PERIODS = 20, 12


def queen(side: int) -> sparse.csr_array:
    line = sparse.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])
    both = sparse.csr_array(sparse.kron(line, line))
    both.setdiag(0)
    both.eliminate_zeros()
    return both


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cubes", type=int, default=400)
    cubes = parser.parse_args().cubes
    near, rng = queen(SIDE), np.random.default_rng(0)
    print(
        "a bin | in the 18 bins | cubes with a hot bin | with a cold bin | cells with a word, % | without correction, %"
    )
    for expected in (0.1, 0.5, 1, 2, 5, 10, 20):
        hot = cold = words = plain = 0
        for _ in range(cubes):
            cube = pd.DataFrame(rng.poisson(expected, (SIDE * SIDE, PERIODS)))
            found = gm.emerging_hotspots(cube, near).cells
            hot += bool(found["periods_hot"].any())
            cold += bool(found["periods_cold"].any())
            words += (found["label"] != "none").mean()
            plain += (gm.emerging_hotspots(cube, near, fdr=None).cells["label"] != "none").mean()
        print(
            f"{expected:g} | {18 * expected:g} | {hot / cubes:.2f} | {cold / cubes:.2f} | {100 * words / cubes:.2f} | "
            f"{100 * plain / cubes:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
