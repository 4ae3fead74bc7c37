"""Are the numbers of every pipeline the same at two commits? Counts, labels, facts and ranked tables, compared.

`python benchmarks/same_numbers.py BEFORE [AFTER] [--pipelines demo burglary …] [--keep FOLDER]`

Each commit is checked out beside this one and every pipeline of its `pipelines/` is run with this Python. Compared are
the counts by cell and kind, the labels of each method, every fact with its values, the tables in `results/`, the
numbers of rows read, used and set aside. What only one of the two has is listed apart: it is new, or gone.
Ends with 1 where a number that both have differs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
RUN = "from gridmap.cli import main; import sys; main(sys.argv[1:])"


def checked_out(commit: str, folder: Path) -> Path:
    """The files of a commit, in a folder of their own."""
    if not folder.exists():
        folder.mkdir(parents=True)
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=packed, check=True)
    return folder


def run(tree: Path, name: str, out: Path) -> str | None:
    """Run a pipeline of a tree; the last line of what went wrong, if anything did."""
    if (out / "run.json").exists():
        return None
    here = os.environ | {"PYTHONPATH": str(tree), "GRIDMAP_LANGUAGE": "en"}
    command = [sys.executable, "-c", RUN, "run", f"pipelines/{name}.yaml", "--out", str(out)]
    done = subprocess.run(command, cwd=tree, env=here, capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["?"])[-1] if done.returncode else None


def numbers(out: Path) -> dict[str, Any]:
    """Everything that is compared: name → a table or a plain value."""
    run_json = json.loads((out / "run.json").read_text(encoding="utf-8"))
    facts = json.loads((out / "results" / "facts.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    for i, entry in enumerate(run_json["inputs"]):
        found |= {f"inputs[{i}].{key}": entry.get(key) for key in ("rows", "used", "set_aside", "sha256")}
    found["incidents"] = {k: v for k, v in run_json["incidents"].items() if k != "notes"}
    found["cells"] = run_json["grid"]["cells"]
    for i, method in enumerate(run_json["methods"], start=1):
        found |= {f"{i}_{method['method']}.{key}": method.get(key) for key in ("labels", "numbers")}
    seen: dict[str, int] = {}
    for fact in facts["facts"]:
        base = f"fact {fact['kind']} of {fact['step']}"
        seen[base] = seen.get(base, 0) + 1
        found |= {f"{base} #{seen[base]}.{key}": value for key, value in fact["values"].items()}
    for path in sorted([*out.glob("*.parquet"), *(out / "results").glob("*.parquet"), *out.glob("*.csv")]):
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        name = path.relative_to(out).as_posix()
        found |= {f"{name}[{column}]": table[column].to_numpy() for column in table.columns if column != "geometry"}
        found[f"{name} rows"] = len(table)
    return found


def same(a: Any, b: Any) -> bool:
    """Equal, numbers to a relative 1e-9."""
    if isinstance(a, np.ndarray):
        if len(a) != len(b):
            return False
        try:
            return bool(np.allclose(a.astype(float), b.astype(float), rtol=1e-9, atol=0, equal_nan=True))
        except (TypeError, ValueError):
            return [str(v) for v in a] == [str(v) for v in b]
    if isinstance(a, float) and isinstance(b, int | float):
        return bool(np.isclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def compared(before: Path, after: Path) -> tuple[int, list[str], list[str], list[str]]:
    """How many are the same; those that differ, that are gone and that are new."""
    a, b = numbers(before), numbers(after)
    both = [name for name in a if name in b]
    differ = [name for name in both if not same(a[name], b[name])]
    gone, new = [n for n in a if n not in b], [n for n in b if n not in a]
    return len(both) - len(differ), [f"{n}: {_short(a[n])} → {_short(b[n])}" for n in differ], gone, new


def _short(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= 120 else text[:117] + "…"


def main() -> int:
    """Run both, print what differs."""
    parse = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parse.add_argument("before")
    parse.add_argument("after", nargs="?", default="HEAD")
    parse.add_argument("--pipelines", nargs="*")
    parse.add_argument("--keep", type=Path, help="a folder for checkouts and outputs, to go on from")
    given = parse.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="gridmap-same-numbers-"))
    named = {
        side: subprocess.run(
            ["git", "rev-parse", "--short=7", commit], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
        for side, commit in (("before", given.before), ("after", given.after))
    }
    trees = {side: checked_out(commit, folder / commit) for side, commit in named.items()}
    names = given.pipelines or sorted(p.stem for p in (trees["before"] / "pipelines").glob("*.yaml"))
    wrong = 0
    for name in names:
        outs = {side: folder / "out" / commit / name for side, commit in named.items()}
        failed = {side: fault for side, tree in trees.items() if (fault := run(tree, name, outs[side]))}
        if failed:
            print(f"{name}: not run: {failed}")
            wrong += 1
            continue
        equal, differ, gone, new = compared(outs["before"], outs["after"])
        print(f"{name}: {equal} the same, {len(differ)} differ, {len(gone)} gone, {len(new)} new")
        for line in [*differ[:40], *(f"gone: {n}" for n in gone[:20]), *(f"new: {n}" for n in new[:20])]:
            print(f"    {line}")
        wrong += bool(differ)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
