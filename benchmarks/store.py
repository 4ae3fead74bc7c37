"""Ten years of a county in a store: what a week costs to add, and a month to ask for, against a store of that month.

`python benchmarks/store.py [weekly incidents, 2000]`: exports of ten years, one a year; then a weekly export with two
corrected days; then the last month read and counted, ten times each. Processor seconds (user and system), which the
load of the machine changes little.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import gridmap as gm


def export(path: Path, first: str, days: int, n: int, start_id: int, seed: int) -> pd.DataFrame:
    """An export of n incidents in a county of 60 by 60 km."""
    rng = np.random.default_rng(seed)
    when = pd.Timestamp(first) + pd.to_timedelta(np.sort(rng.integers(0, days * 86_400, n)), unit="s")
    frame = pd.DataFrame(
        {
            "case_id": [f"A{start_id + i:09d}" for i in range(n)],
            "time": when.strftime("%Y-%m-%d %H:%M:%S"),
            "category": rng.choice(["burglary", "theft", "fraud", "violence"], n),
            "lon": rng.normal(-1.5, 0.25, n).round(6),
            "lat": rng.normal(53.8, 0.15, n).round(6),
            "street": rng.integers(0, 5000, n),
        }
    )
    frame.to_csv(path, index=False)
    return frame


def cost(work, times: int = 1) -> tuple[float, object]:
    """Processor seconds of one call, and what the last one gave."""
    began = time.process_time()
    for _ in range(times):
        found = work()
    return (time.process_time() - began) / times, found


def main() -> None:
    weekly = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    folder = Path(tempfile.mkdtemp(prefix="gridmap-store-"))
    zone = gpd.GeoDataFrame({"zone_id": ["county"]}, geometry=[shapely.box(-2, 53.5, -1, 54.1)], crs=4326)
    grid = gm.make_grid(zone, system="square", cell_size_m=500)
    ten, one = gm.IncidentStore(folder / "ten"), gm.IncidentStore(folder / "one")
    loaded = 0.0
    for year in range(2014, 2024):
        export(folder / f"{year}.csv", f"{year}-01-01", 365, weekly * 52, (year - 2014) * weekly * 60, year)
        loaded += cost(lambda year=year: ten.add(folder / f"{year}.csv"))[0]
    last = pd.read_csv(folder / "2023.csv", dtype=str)
    last[last["time"].str.startswith("2023-12")].to_csv(folder / "month.csv", index=False)
    one.add(folder / "month.csv")
    rows = {"loading ten years, a year at a time": loaded}
    wanted = {"by": "category", "every": "month"}
    rows["all counted by category and month, first time"] = cost(lambda: ten.counts(grid, **wanted))[0]
    week = export(folder / "week.csv", "2023-12-25", 7, weekly, 10 * weekly * 60, 99)
    corrected = last[last["time"] >= "2023-12-23"].assign(category="fraud")
    pd.concat([corrected, week]).to_csv(folder / "week.csv", index=False)
    rows["a week with two corrected days added"], added = cost(lambda: ten.add(folder / "week.csv"))
    one.add(folder / "week.csv")
    rows["counted again after it"], brought = cost(lambda: ten.counts(grid, **wanted))
    for name, store in (("ten years", ten), ("that month alone", one)):
        store.incidents(period="2023-12")
        rows[f"the last month read, of {name}"] = cost(lambda store=store: store.incidents(period="2023-12"), 10)[0]
        rows[f"the last month counted, of {name}"] = cost(lambda store=store: store.counts(grid, period="2023-12"), 10)[
            0
        ]
    plain, found = cost(lambda: gm.count_by_cell(ten.incidents(), grid, **wanted))
    rows["all counted without what is kept"] = plain
    assert brought.equals(found)
    assert ten.check() == []
    print(f"{len(ten):,} incidents, {len(ten.manifest.parts)} files; {added.sentence()}\n")
    print("| work | processor s |\n|---|---|")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.3f} |")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
