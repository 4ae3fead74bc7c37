"""How strongly may places differ until the strict tier no longer holds, and what does its limit cost?

Incidents on West Yorkshire's 3,291 hexagons fall on residents times a field: a smooth lognormal one (its standard
deviation and width varied), a smooth gamma one, a checkerboard, ring roads, a gradient, cells that differ for
themselves, clumps. Nothing is hot on these maps but what the field makes. Each line has the share of maps with a
strict cell without the limit of the registry (`strict_up_to`) and with it, the share of maps on which the tier is
silent, and the share of the cells of ten planted neighbourhoods (ten times the chance) that is found, without and with.

    OMP_NUM_THREADS=1 python benchmarks/strict_spread.py --maps 100
"""

import argparse
import dataclasses
import warnings
from functools import partial

import numpy as np
from calibration import (
    NULLS,
    Town,
    _counts,
    _drawn,
    _planted,
    by_residents_gamma,
    by_residents_smooth,
    clustered_parents,
    hot_cells,
    west_yorkshire,
)
from scipy import ndimage, stats

import gridmap as gm
from gridmap.hotspots import default_method

TIMES = 10.0


def smooth_gamma(town: Town, rng, shape: float, over_m: float = 800.0):
    """Residents times a gamma field of variance 1 / shape, smoothed over `over_m`."""
    at, step = town.grid.centroids_m, over_m / 4
    place = np.rint((at - at.min(axis=0)) / step).astype(int)
    field = ndimage.gaussian_filter(rng.standard_normal(place.max(axis=0) + 1), 4, mode="wrap")
    level = stats.norm.cdf((field / field.std())[tuple(place.T)])
    return _drawn(town, town.residents * stats.gamma.ppf(level, shape), rng)


def checkerboard(town: Town, rng, side_m: float = 2000.0, times: float = 4.0):
    """Every other square of a checkerboard is `times` as risky."""
    at = town.grid.centroids_m + rng.uniform(0, 5000, 2)
    dark = np.floor(at / side_m).sum(axis=1) % 2 == 1
    return _drawn(town, town.residents * np.where(dark, times, 1.0), rng)


def ring_roads(town: Town, rng, times: float = 4.0, width_m: float = 600.0):
    """Three rings of 2 to 5 km around populous places, `times` as risky."""
    at, risk = town.grid.centroids_m, np.ones(len(town.residents))
    for middle in at[rng.choice(len(at), 3, replace=False, p=town.residents / town.residents.sum())]:
        away = np.hypot(*(at - middle).T)
        risk[np.abs(away - rng.uniform(2000, 5000)) < width_m] = times
    return _drawn(town, town.residents * risk, rng)


def gradient(town: Town, rng, times: float = 8.0):
    """Risk grows steadily from one end to the other, to `times` as much."""
    along = town.grid.centroids_m @ np.array([np.cos(turn := rng.uniform(0, 2 * np.pi)), np.sin(turn)])
    return _drawn(town, town.residents * times ** ((along - along.min()) / np.ptp(along)), rng)


def uneven_cells(town: Town, rng, sd: float):
    """Each cell differs for itself by a lognormal factor."""
    return _drawn(town, town.residents * np.exp(sd * rng.standard_normal(len(town.residents))), rng)


def fields() -> dict[str, object]:
    """Name → how a map is drawn."""
    drawn = {
        f"lognormal over {over / 1000:g} km, SD {sd:g}": partial(by_residents_smooth, over_m=over, sd=sd)
        for over in (500.0, 800.0)
        for sd in (1.0, 1.5, 2.0, 2.5)
    }
    drawn |= {
        "gamma over 0.8 km, variance 1": partial(smooth_gamma, shape=1.0),
        "gamma over 0.8 km, variance 2": partial(smooth_gamma, shape=0.5),
        "checkerboard of 2 km, × 4": checkerboard,
        "three ring roads, × 4": ring_roads,
        "gradient, × 8": gradient,
        "cells for themselves, SD 1": partial(uneven_cells, sd=1.0),
        "cells for themselves, SD 1.5": partial(uneven_cells, sd=1.5),
        "residents, gamma": by_residents_gamma,
        "clustered parents": clustered_parents,
    }
    return drawn | {"residents": NULLS["residents"]}


def one_map(town: Town, draw, seed: list[int]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Strict cells without the limit and with it of one map, and whether the tier is silent."""
    counts = _counts(town, draw(town, np.random.default_rng(seed)))
    method = default_method
    limit = method.STRICT_UP_TO
    method.STRICT_UP_TO = np.inf
    try:
        free = gm.hotspot_test(counts, town.grid, strict=True)
    finally:
        method.STRICT_UP_TO = limit
    silent = free.params["rate_spread"] > limit
    found = hot_cells(free)
    return found, found & (not silent), bool(silent)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--maps", type=int, default=100)
    parser.add_argument("--incidents", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--resolution", type=int, default=8)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    base = west_yorkshire(options.resolution)
    print("| field | incidents | alarms before | silent | alarms now | recall before | recall now |")
    print("|---|---|---|---|---|---|---|")
    for n in options.incidents:
        total = np.zeros(len(base.counts), np.int64)
        total[0] = n  # only the sum is used
        town = dataclasses.replace(base, counts=total)
        for number, (name, draw) in enumerate(fields().items()):
            nothing = [one_map(town, draw, [number, k]) for k in range(options.maps)]
            entries = [np.mean([m[0].any() for m in nothing]), np.mean([m[2] for m in nothing])]
            entries += [np.mean([m[1].any() for m in nothing])]
            if name != "clustered parents":  # its maps have no chance of each cell to be raised
                kept = []
                for k in range(options.maps // 4):
                    planted = _planted(draw, TIMES, town, np.random.default_rng([number, k, 1])).planted
                    before, now, _ = one_map(town, partial(_planted, draw, TIMES), [number, k, 1])
                    kept.append((before[planted].mean(), now[planted].mean()))
                entries += np.mean(kept, axis=0).tolist()
            print(f"| {name} | {n:,} | " + " | ".join(f"{e:.2f}" for e in entries) + " |", flush=True)


if __name__ == "__main__":
    main()
