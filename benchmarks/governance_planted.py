"""What is planted in the simulated county, and how often is it found? `python benchmarks/governance_planted.py [SEEDS]`

Six truths a county (a silent community, a measure that worked, one that only moved things, one that only fell back to
normal, a community that is late, one that closes on paper), two measures that were never taken, and 400 counties in
which all grids are alike. Printed results, with exact (Clopper & Pearson) 95 % intervals, stand in docs/governance.md.
"""

import sys
from collections import Counter

import numpy as np
import pandas as pd
from scipy.stats import binomtest

import gridmap as gm

NOTHING = ((0, "路灯故障"), (1, "乱倒垃圾"))  # kinds on which nothing was done, at the targets of two measures
CLAIMS = ("worked", "partly_moved", "moved", "rose")


def one_county(seed: int) -> dict[str, bool]:
    county = gm.samples.simulated_county(seed)
    truth, frame = county.truth, county.incidents.to_frame()
    life = gm.case_life(county.incidents, by="zone_id", alike="category")
    grid = gm.make_grid(county.boundaries, system="zones")
    counts = gm.count_by_cell(county.incidents, grid)
    quiet = gm.quiet_cells(counts, grid, population="persons").cells
    silent = list(quiet.index[quiet["label"] != "none"])
    paper = list(life.gaming.index[life.gaming["label"] != "none"])
    found = {
        "silent community": truth.silent_community in silent,
        "late community, named the worst": life.worst == truth.late_community,
        "community that closes on paper": truth.paper_community in paper,
        "false: another is silent": bool(set(silent) - {truth.silent_community}),
        "false: another is named the worst": life.worst not in (None, truth.late_community),
        "false: another closes on paper": bool(set(paper) - {truth.paper_community}),
    }

    def verdict(m: int, category: str, buffer: float | None) -> str:
        own = frame[frame["category"] == category]
        late = own["occurred_to"] >= truth.measures["start"].iloc[m]
        more = {"chosen_from": county.boundaries, "exposure": "persons"} if buffer is None else {}
        area = truth.measures.geometry.iloc[m]
        return gm.evaluate_intervention(own[~late], own[late], area, county.boundaries, buffer, **more).verdict

    kinds = truth.measures["category"]
    found["measure that worked"] = verdict(0, kinds[0], 400) == "worked"
    found["measure that only moved things"] = verdict(1, kinds[1], 400) == "moved"
    found["measure that only fell back"] = verdict(2, kinds[2], None) == "fell_back"
    for m, category in NOTHING:
        found[f"false: claimed where nothing was ({category})"] = verdict(m, category, 400) in CLAIMS
    found["false: any of these in the county"] = any(hit for name, hit in found.items() if name.startswith("false"))
    return found


def interval(k: int, n: int) -> str:
    """A share with its exact interval."""
    exact = binomtest(k, n).proportion_ci()
    return f"{k} of {n} ({k / n:.1%}; {exact.low:.1%} to {exact.high:.1%})"


def alike(counties: int = 400, grids: int = 30, mean: int = 25) -> tuple[int, int]:
    """Counties in which all grids are alike: in how many is a worst named, in how many is any labelled."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01")
    worst = labelled = 0
    for _ in range(counties):
        n = int(rng.poisson(grids * mean))
        hours = rng.lognormal(3, 1, n)
        table = pd.DataFrame({"found_at": start, "grid_id": rng.integers(0, grids, n)}, index=range(n))
        table["closed_at"] = table["found_at"] + pd.to_timedelta(hours, unit="h")
        table["deadline_at"] = table["found_at"] + pd.Timedelta("72h")
        life = gm.case_life(table, by="grid_id")
        worst += life.worst is not None
        labelled += bool((life.table["on_time_label"] != "cannot be told from the average").any())
    return worst, labelled


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    total: Counter = Counter()
    for seed in range(seeds):
        total.update(one_county(seed))
        print(seed + 1, dict(total), flush=True)
    claims = sum(n for name, n in total.items() if "where nothing was" in name)
    for name, n in sorted(total.items(), key=lambda item: item[0].startswith("false")):
        print(f"{name}: {interval(n, seeds)}")
    print(f"false claims of measures, both kinds: {interval(claims, seeds * len(NOTHING))}")
    worst, labelled = alike()
    print(f"counties of alike grids: a worst is named in {interval(worst, 400)}")
    print(f"counties of alike grids: any is labelled in {interval(labelled, 400)}")
