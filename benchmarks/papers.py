"""How long does each paper of the demo take? Processor and wall seconds of the whole command, and the size.

`python benchmarks/papers.py [RUN_DIR]`; without one, the demo is run first.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "demo"
        if len(sys.argv) < 2:
            gridmap(["demo", str(run)])
        for language in ("en", "zh"):
            for ending in ("pdf", "docx", "pptx", "xlsx"):
                paper = Path(folder) / f"{language}.{ending}"
                began, used = time.perf_counter(), spent()
                gridmap(["report", str(run), "-o", str(paper), "--language", language])
                wall, cpu = time.perf_counter() - began, spent() - used
                print(
                    f"{language} {ending:5} {cpu:6.1f} s processor {wall:6.1f} s wall {paper.stat().st_size:10,} bytes"
                )


def gridmap(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "gridmap.cli", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
