# ruff: noqa: E501 -- lists of words
"""A coverage-guided fuzzer of the readers: `python -m tests.messy.fuzz --seconds 300 --seed 0`.

It starts from the dirty files of `dirt.py` and small files of every other format, mutates their bytes (flip, cut, repeat,
splice, put in words that readers care about), and keeps a mutant that reaches a line of gridmap/read which none had
reached. Whatever is no GridmapError, and every break of rows in = used + set aside, is a finding; the input is printed.
(atheris would do the same, but has no wheel for Python 3.11.)
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
from shapely.geometry import Point, box

import gridmap.read
from gridmap.errors import GridmapError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents
from gridmap.read.quality import inspect_file
from tests.messy.dirt import KINDS, write

READ = str(Path(gridmap.read.__file__).parent)
WORDS = [
    *(w.encode("gb18030") for w in ("经度", "案发时间", "合计", "2024年3月5日下午3时", "至", "，")),
    *(
        b'"',
        b",",
        b"\r\n",
        b"\n",
        b"\t",
        b";",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"-",
        b"1e309",
        b"nan",
        b"0",
        b"999999999999999999999",
    ),
    *(b"2024-02-30", b"24/3/5", b"116.4", b"39.9", b"{", b"}", b"[", b"null", b'"coordinates"', b"Polygon", b"type"),
]


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    """(suffix, content) of a file of each kind."""
    out = []
    for name in KINDS:
        path = write(folder, name).path
        out.append((".csv.gz" if path.name.endswith(".csv.gz") else path.suffix, path.read_bytes()))
    points = gpd.GeoDataFrame(
        {"type": ["a", "b"], "date": ["2024-01-02", "2024-01-03"]}, geometry=[Point(1, 50), Point(2, 51)], crs=4326
    )
    zones = gpd.GeoDataFrame(
        {"code": ["a", "b"], "name": ["x", "y"]}, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326
    )
    for frame, name in ((points, "p.geojson"), (zones, "z.geojson"), (zones, "z.gpkg"), (points, "p.parquet")):
        path = folder / name
        frame.to_parquet(path) if name.endswith("parquet") else frame.to_file(path)
        out.append((path.suffix, path.read_bytes()))
    pd.DataFrame({"lon": [1.5], "lat": [50.0], "date": ["2024-01-02"]}).to_excel(folder / "a.xlsx", index=False)
    out.append((".xlsx", (folder / "a.xlsx").read_bytes()))
    return out


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """One to six small accidents."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice([1, 2, 8, 64, 512]))
        match rng.randrange(6):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * rng.randint(1, 20)
            case 3:
                data[at:at] = rng.choice(WORDS)
            case 4:
                data[at:end] = rng.choice(WORDS)
            case _:
                cut = rng.randrange(len(other) + 1)
                data[at:end] = other[cut : cut + 200]
    return bytes(data[: 1 << 16])


def reached(action) -> set:
    """The lines of gridmap/read that an action runs."""
    lines = set()

    def local(frame, event, arg):
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def trace(frame, event, arg):
        return local if frame.f_code.co_filename.startswith(READ) else None

    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(None)
    return lines


def attempt(path: Path, rng: random.Random) -> None:
    """Read the file by one of the doors; anything but a GridmapError with one line is a finding."""
    datum = rng.choice([None, "wgs84", "gcj02"])
    doors = [
        lambda: read_incidents(
            path, datum=datum, date_order=rng.choice([None, "dmy"]), repair=rng.choice([(), ("swapped",)])
        ),
        lambda: inspect_file(path).to_html(),
    ]
    if path.suffix in (".geojson", ".gpkg", ".parquet", ".zip"):
        doors.append(lambda: read_boundaries(path))
    try:
        result = rng.choice(doors)()
    except GridmapError as problem:
        if "\n" in str(problem):
            raise AssertionError(f"an error of several lines: {problem}") from None
        return
    if hasattr(result, "set_aside"):
        assert len(result) + len(result.set_aside) == result.source["rows"]


def main() -> int:
    """Fuzz for some seconds; exit code 1 and a traceback at the first finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng, runs, findings = random.Random(options.seed), 0, 0
    with tempfile.TemporaryDirectory(prefix="gridmap-fuzz-") as name:
        folder = Path(name)
        pool = seeds(folder)
        known: set = set()
        for number, (suffix, data) in enumerate(pool):
            path = folder / f"seed-{number}{suffix}"
            path.write_bytes(data)
            known |= reached(lambda path=path: attempt(path, rng))
        stop = time.monotonic() + options.seconds
        while time.monotonic() < stop:
            suffix, data = rng.choice(pool)
            mutant = mutate(rng, data, rng.choice(pool)[1])
            path = folder / f"mutant{suffix}"
            path.write_bytes(mutant)
            runs += 1
            try:
                lines = reached(lambda path=path: attempt(path, rng))
            except Exception:
                findings += 1
                traceback.print_exc()
                print("input:", suffix, repr(mutant[:2000]), file=sys.stderr)
                if findings >= 5:
                    break
                continue
            if lines - known:
                known |= lines
                pool.append((suffix, mutant))
        print(f"{runs} inputs, {len(pool)} kept, {len(known)} lines reached, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
