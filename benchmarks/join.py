"""Points in zones: gridmap against its peers, each in its own process, in turn.

    python benchmarks/join.py [--peers .venv-bench/bin/python] [--rounds 3] [--jobs 1e6x600,1e7x600,1e7x20000,1e8x600]

Checks that all answers are identical, prints a table and writes results.json and a plot. `make bench` calls it. The
peers need a virtual environment of their own (points_in_zones/requirements.txt); one that is absent is passed over by
name.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "points_in_zones"))
import data  # noqa: E402 - it stands beside the contenders

PEERS_PYTHON = HERE.parent / ".venv-bench/bin/python"
VERTICES = {600: 200, 20_000: 50}
PEERS = ("geopandas", "sedonadb", "duckdb_spatial", "polars_st")
#: Peers that are left out of a job by default, for their time or memory.
LARGE = 50_000_000


def job_of(text: str) -> tuple[int, int]:
    points, zones = text.split("x")
    return int(float(points)), int(zones)


def prepare(folder: Path, points: int, zones: int) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    zone_file, point_file = folder / f"zones-{zones}.parquet", folder / f"points-{points}.parquet"
    if not zone_file.exists():
        data.partition(zones, VERTICES.get(zones, 50), seed=0).to_parquet(zone_file)
    if not point_file.exists():
        data.points(point_file, points, seed=1)
    return zone_file, point_file


def measure(name: str, python: str, zone_file: Path, point_file: Path, limit_s: int) -> dict | None:
    command = [python, str(HERE / "points_in_zones/contenders.py"), name, str(zone_file), str(point_file)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment["PYTHONPATH"] = str(HERE.parent)
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit_s, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"" if not isinstance(error.stderr, str) else error.stderr) or str(error)
        print(f"  {name}: did not finish ({str(said).strip().splitlines()[-1][:120]})", flush=True)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def run(job: tuple[int, int], names: list[str], pythons: dict[str, str], folder: Path, rounds: int, limit_s: int):
    points, zones = job
    zone_file, point_file = prepare(folder, points, zones)
    print(f"\n{points:,} points × {zones:,} zones", flush=True)
    runs = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            if turn and not runs[name]:
                continue  # it did not finish before
            got = measure(name, pythons[name], zone_file, point_file, limit_s)
            if got:
                runs[name].append(got)
                print(
                    f"  {name:15} {got['seconds']:8.2f} s  cpu {got['cpu_s']:8.2f} s  {got['peak_mb']:7.0f} MB",
                    flush=True,
                )
    result = {"points": points, "zones": zones, "rounds": rounds, "contenders": {}}
    for name, got in runs.items():
        if got:
            middle = statistics.median(g["seconds"] for g in got)
            result["contenders"][name] = {
                "seconds": round(middle, 3),
                "seconds_all": [round(g["seconds"], 3) for g in got],
                "cpu_s": round(statistics.median(g["cpu_s"] for g in got), 3),
                "points_per_s": round(points / middle),
                "peak_mb": round(max(g["peak_mb"] for g in got)),
                "counts": got[0]["counts"],
            }
    answers = {c["counts"] for name, c in result["contenders"].items() if name != "square_binning"}
    result["identical"] = len(answers) == 1
    return result


def table(results: list[dict]) -> str:
    lines = []
    for result in results:
        compared = len(set(result["contenders"]) - {"square_binning"}) > 1
        agree = ("answers identical" if result["identical"] else "answers DIFFER") if compared else "nothing to compare"
        lines += [f"\n{result['points']:,} points × {result['zones']:,} zones, {agree}", ""]
        lines += ["| contender | seconds | cpu s | M points/s | peak MB | × geopandas |", "|---|---|---|---|---|---|"]
        base = result["contenders"].get("geopandas", {}).get("seconds")
        for name, c in sorted(result["contenders"].items(), key=lambda item: item[1]["seconds"]):
            ratio = f"{base / c['seconds']:.1f}" if base else "–"
            million = c["points_per_s"] / 1e6
            peak = f"{c['peak_mb']:,}" if c["peak_mb"] else "–"
            lines.append(f"| {name} | {c['seconds']:.2f} | {c['cpu_s']:.2f} | {million:.2f} | {peak} | {ratio} |")
    return "\n".join(lines)


def plot(results: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(results), figsize=(4.2 * len(results), 3.2), squeeze=False)
    for axis, result in zip(axes[0], results, strict=True):
        ranked = sorted(result["contenders"].items(), key=lambda item: -item[1]["seconds"])
        colour = ["#D62F27" if n == "gridmap" else "#C0CCBE" if n == "square_binning" else "#849EBA" for n, _ in ranked]
        axis.barh([n for n, _ in ranked], [c["points_per_s"] / 1e6 for _, c in ranked], color=colour)
        axis.set_xscale("log")
        axis.set_xlabel("million points a second (log)")
        axis.set_title(f"{result['points']:,} points × {result['zones']:,} zones", fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    peers = str(PEERS_PYTHON) if PEERS_PYTHON.exists() else sys.executable
    ask.add_argument("--peers", default=peers, help="the Python that has the peers")
    ask.add_argument("--jobs", default="1e6x600,1e7x600,1e7x20000,1e8x600")
    ask.add_argument("--only", default="", help="contenders, by comma")
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--limit", type=int, default=900, help="seconds that one run may take")
    ask.add_argument("--data", type=Path, default=Path("build/bench"))
    ask.add_argument("--out", type=Path, default=HERE)
    told = ask.parse_args()
    results = []
    for job in map(job_of, told.jobs.split(",")):
        names = ["gridmap", "square_binning", *(PEERS if job[0] < LARGE else ())]
        names = [n for n in names if not told.only or n in told.only.split(",")]
        pythons = {n: sys.executable if n in ("gridmap", "square_binning") else told.peers for n in names}
        results.append(run(job, names, pythons, told.data, told.rounds, told.limit))
        if not results[-1]["identical"]:
            print("  ANSWERS DIFFER", flush=True)
        machine = {
            "cores": os.cpu_count(),
            "load_1min": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "when": datetime.now(UTC).isoformat(timespec="minutes"),
        }
        told.out.mkdir(parents=True, exist_ok=True)
        (told.out / "results.json").write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
        plot(results, told.out / "results.svg")
    print(table(results))
    if not all(r["identical"] for r in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
