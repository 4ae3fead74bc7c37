"""An addition to a store, killed at random moments while the export is taken in pieces: is anything lost, or half done?

`python benchmarks/store_kills.py [kills, 50] [rows together, 300]`: a store of a quarter, and an export of the next one
with corrections of the last month. `gridmap add` runs in a process of its own that SIGKILL ends after a random time.
Then the store passes its own check, rows in = incidents + rows set aside, and it holds exactly what it held before or
exactly what it holds after. The same file again is recognised, or added whole; nothing half-written is left.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from store import export

import gridmap.counts.store_adding as store_adding
from gridmap.cli import main as gridmap
from gridmap.counts.store_adding import IncidentStore


def contents(store: IncidentStore) -> str:
    """What the store holds, whatever its files are."""
    frame = store.incidents().to_frame().sort_values("incident_id", ignore_index=True)
    return str(pd.util.hash_pandas_object(frame[sorted(frame)], index=False).sum())


def added(folder: Path, file: Path, seconds: float | None) -> float:
    """`gridmap add` in a process of its own, killed after so many seconds; how long it took."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            gridmap(["add", str(file), "--store", str(folder)])
        finally:
            os._exit(0)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return time.perf_counter() - began


def held(store: IncidentStore) -> None:
    """The store's own check, and the law of rows."""
    faults = store.check()
    incidents = store.incidents()
    assert faults == [], faults
    assert store.manifest.rows_in == len(incidents) + len(incidents.set_aside)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    store_adding.ROWS_TOGETHER = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    folder = Path(tempfile.mkdtemp(prefix="gridmap-kills-"))
    first = export(folder / "a.csv", "2022-10-01", 92, 2_000, 0, 1)
    later = export(folder / "b.csv", "2023-01-01", 90, 2_000, 2_000, 2)
    corrected = first[first["time"] >= "2022-12"].assign(category="fraud")
    pd.concat([corrected, later]).to_csv(folder / "b.csv", index=False)
    begun, plain = IncidentStore(folder / "begun"), IncidentStore(folder / "plain")
    begun.add(folder / "a.csv")
    shutil.copytree(begun.folder, plain.folder)
    whole = added(plain.folder, folder / "b.csv", None)
    before, expected = contents(begun), contents(plain)
    rng = np.random.default_rng(0)
    fell = {"before anything was written": 0, "with pieces on the disk": 0, "after the exchange": 0}
    for k in range(kills):
        store = IncidentStore(folder / f"store{k}")
        shutil.copytree(begun.folder, store.folder)
        files = set(begun.folder.rglob("*.parquet"))
        added(store.folder, folder / "b.csv", rng.uniform(0, 1.1 * whole))
        after = len(store.history) == 2
        more = len(set(store.folder.rglob("*.parquet"))) > len(files) or any(store.folder.rglob(".gridmap-*/*"))
        fell[
            "after the exchange" if after else ("with pieces on the disk" if more else "before anything was written")
        ] += 1
        held(store)
        assert contents(store) == (expected if after else before)
        assert store.add(folder / "b.csv").again == after
        held(store)
        assert contents(store) == expected
        named = {part.path for part in store.manifest.parts} | set(store.manifest.retired)
        there = {p.relative_to(store.folder).as_posix() for p in store.folder.rglob("h3=*/*.parquet")}
        assert there <= named, there - named
        assert [p for p in store.folder.rglob(".gridmap-*") if p.is_dir()] == []
        shutil.rmtree(store.folder)
    shutil.rmtree(folder)
    where = ", ".join(f"{n} {name}" for name, n in fell.items())
    print(f"{kills} kills, within {1.1 * whole:.1f} s of the start of an addition of {whole:.1f} s: {where}")
    print("each time the store was as before or as after, its check passed, and the same file again completed it")


if __name__ == "__main__":
    main()
