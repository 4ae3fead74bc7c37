"""The first minute: what each command costs from an empty cache of compiled code, and what it costs after.

    python benchmarks/first_minute.py [--only demo tile] [--tree OTHER/CHECKOUT]

Each command runs in a process of its own, first with new folders for caches (NUMBA_CACHE_DIR and XDG_CACHE_HOME), then
twice more with the folders that the first left. Seconds are processor seconds of the process and its children; *warm*
is the lower of the two. `--tree` measures another checkout of this project with the same packages.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
DATA = HERE / "data" / "west_yorkshire"
CLI = "from gridmap.cli import main; main()"
PERMUTED = """
import geopandas as gpd, numpy as np, shapely
import gridmap as gm
zones = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.9, 53.6, -1.4, 53.9)], crs=4326)
grid = gm.make_grid(zones, system="square", cell_size_m=1000)
counts = np.random.default_rng(0).poisson(3, len(grid.cells))
cells = grid.cells.assign(count=counts)[["count"]]
gm.getis_ord(cells, grid, permutations=999, random_state=0)
"""


def commands(work: Path) -> dict[str, list[str]]:
    """Each measured command by its name, in an order in which each finds what it reads."""
    crimes = DATA / "2018-07-west-yorkshire-street.csv.gz"
    tile = ["tile", str(DATA / "lsoa_2011.geojson"), "--system", "h3", "--resolution", "9"]
    burglary = str(HERE / "pipelines" / "burglary.yaml")
    lines = {
        "methods": ["methods"],
        "demo": ["demo", str(work / "demo")],
        "tile": [*tile, "--output", str(work / "cells.parquet")],
        "count": ["count", str(crimes), str(work / "cells.parquet"), "--output", str(work / "counts.parquet")],
        "run burglary.yaml": ["run", burglary, "--out", str(work / "burglary")],
        "report": ["report", str(work / "burglary"), "--output", str(work / "briefing.pdf")],
    }
    python = {name: [sys.executable, "-c", CLI, *line] for name, line in lines.items()}
    return python | {
        "permutation Gi*": [sys.executable, "-c", PERMUTED],
        "import gridmap": [sys.executable, "-c", "import gridmap"],
    }


def spent(command: list[str], tree: Path, caches: Path) -> float:
    """Processor seconds of one run."""
    there = {"NUMBA_CACHE_DIR": str(caches / "numba"), "XDG_CACHE_HOME": str(caches / "cache")}
    there["PYTHONDONTWRITEBYTECODE"] = ""  # as an installed package has it: its modules are not read as text each time
    before = os.times()
    done = subprocess.run(
        command,
        env=os.environ | there | {"PYTHONPATH": str(tree), "GRIDMAP_LANGUAGE": "en"},
        cwd=tree,
        capture_output=True,
        text=True,
    )
    after = os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--tree", type=Path, default=HERE)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}\n| command | first | warm |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, command in commands(work).items():
            if options.only and name.split()[0] not in options.only and name not in options.only:
                continue
            caches = work / f"caches of {name}"
            caches.mkdir()
            first, *more = (spent(command, options.tree.resolve(), caches) for _ in range(3))
            print(f"| {name} | {first:.1f} | {min(more):.1f} |", flush=True)


if __name__ == "__main__":
    main()
