"""What the desk takes: its start, its memory, a large upload, a change of filter over ten million incidents.

    python -m benchmarks.desk [--rows 10000000] [--upload-gb 1] [--changes 100]

Everything is measured from outside, over the socket, as a browser would see it. The ten million incidents are drawn at
random over a grid of hexagons, with kinds, months, weekdays and hours; the table is the one that `look_table` writes.
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

import h3
import numpy as np

from gridmap._audit import audit_line, write_lines
from gridmap.desk.workers import LOOK_COLUMNS, write_look

ROOT = Path(__file__).parents[1]


def memory(pid: int, field: str) -> float:
    """Megabytes of a process: VmRSS now, VmHWM at its highest."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) / 1000


def processor_s(pid: int) -> float:
    """Seconds of all processors that a process took: what is left when others want them too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Served:
    """`gridmap serve` over a folder."""

    def __init__(self, folder: Path):
        began = time.perf_counter()
        command = [sys.executable, "-m", "gridmap.cli", "serve", str(folder), "--no-browser"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", self.process.stdout.readline())
        self.port, self.token = int(found[1]), found[2]
        assert self.get("/health")[0] == 200
        self.start_s = time.perf_counter() - began

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def headers(self) -> dict[str, str]:
        return {"Cookie": f"gridmap_{self.port}={self.token}", "Origin": f"http://127.0.0.1:{self.port}"}

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = self.connection()
        connection.request("GET", path, headers={**self.headers(), **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def upload(served: Served, size: int) -> float:
    """Send a file of a size; the seconds it took."""
    head = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="large.csv"\r\n\r\n'
    tail, block = b"\r\n--xx--\r\n", os.urandom(1 << 20)
    began = time.perf_counter()
    connection = served.connection()
    connection.putrequest("POST", "/bring/upload")
    for name, value in served.headers().items():
        connection.putheader(name, value)
    connection.putheader("Content-Type", "multipart/form-data; boundary=xx")
    connection.putheader("Content-Length", str(len(head) + (size << 20) + len(tail)))
    connection.endheaders()
    connection.send(head)
    for _ in range(size):
        connection.send(block)
    connection.send(tail)
    assert connection.getresponse().status == 303
    return time.perf_counter() - began


def write_run(folder: Path, rows: int) -> None:
    """An internal run with its table of incidents."""
    rng = np.random.default_rng(0)
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(53.8, -1.55, 8), 33))
    rings = [[[[lon, lat] for lat, lon in h3.cell_to_boundary(cell)]] for cell in cells]
    points = np.array([h3.cell_to_latlng(cell)[::-1] for cell in cells])
    day = rng.integers(17_500, 17_500 + 730, rows).astype(np.int32)
    month = ((day * 12) // 365.2425).astype(np.int16)
    columns = {
        "cell": np.minimum(rng.exponential(len(cells) / 4, rows), len(cells) - 1).astype(np.int32),
        "kind": rng.integers(0, 12, rows).astype(np.int16),
        "month": month,
        "weekday": ((day + 3) % 7).astype(np.int8),
        "hour": rng.integers(-1, 24, rows).astype(np.int8),
        "found": rng.integers(-1, 2, rows).astype(np.int8),
    }
    (folder / "runs" / "R").mkdir(parents=True)
    (folder / ".gridmap-desk").mkdir()
    record = {"run_id": "benchmark", "audience": "internal", "title": "benchmark"}
    (folder / "runs" / "R" / "run.json").write_text(json.dumps(record))
    write_lines(folder / "runs" / "R" / "audit.jsonl", [audit_line([], {"what": "run", **record, "outputs": []})])
    key = hashlib.sha256(b"R").hexdigest()[:24]
    write_look(folder / ".gridmap-desk" / f"look-{key}.parquet", columns)
    about = {
        "run_id": "benchmark",
        "columns": LOOK_COLUMNS,
        "kinds": [f"kind {i}" for i in range(12)],
        "ids": cells,
        "names": cells,
    }
    about |= {"ids": cells, "names": cells, "rings": rings}
    about |= {"box": [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]}
    (folder / ".gridmap-desk" / f"look-{key}.json").write_text(json.dumps(about))


def change(rng: random.Random) -> str:
    """A filter as a person would set it."""
    fields: list[tuple[str, str]] = [("kind", str(k)) for k in rng.sample(range(12), rng.randint(0, 4))]
    fields += [("weekday", str(d)) for d in rng.sample(range(7), rng.choice([0, 0, 2, 5]))]
    if rng.random() < 0.5:
        fields += [("from_hour", str(rng.randint(0, 23))), ("to_hour", str(rng.randint(0, 23)))]
    if rng.random() < 0.5:
        fields += [("first", f"2018-{rng.randint(1, 12):02}")]
    return urlencode(fields)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--upload-gb", type=float, default=1)
    parser.add_argument("--changes", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "workspace"
        write_run(folder, given.rows)
        served = Served(folder)
        try:
            served.get("/")
            idle = memory(served.process.pid, "VmRSS")
            print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            print(
                f"start until /health answers   {served.start_s:.2f} s (of at most 2), "
                f"processor {processor_s(served.process.pid):.2f} s"
            )
            print(f"memory while idle             {idle:.0f} MB (of at most 250)")
            seconds = upload(served, int(given.upload_gb * 1024))
            more = memory(served.process.pid, "VmHWM") - idle
            print(f"upload of {given.upload_gb:g} GB              {seconds:.1f} s, +{more:.0f} MB (of at most 100)")
            assert served.get("/look/R")[0] == 200
            rng, taken = random.Random(22), []
            for number in range(given.changes + 5):
                began = time.perf_counter()
                status, body = served.get(f"/look/R/view?{change(rng)}", **{"HX-Request": "true"})
                assert status == 200
                assert b"data-shades" in body
                if number == 4:
                    before = processor_s(served.process.pid)
                if number >= 5:  # warm
                    taken.append(1000 * (time.perf_counter() - began))
            spent = (processor_s(served.process.pid) - before) / given.changes
            quantile = np.quantile(taken, [0.5, 0.95])
            print(
                f"change of filter, {given.rows:,} incidents: median {quantile[0]:.0f} ms, "
                f"95th percentile {quantile[1]:.0f} ms (of at most 300); "
                f"processor {1000 * spent:.0f} ms each; memory {memory(served.process.pid, 'VmRSS'):.0f} MB"
            )
        finally:
            served.close()


if __name__ == "__main__":
    main()
