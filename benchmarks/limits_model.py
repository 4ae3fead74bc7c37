"""What a cell costs: CPU seconds and memory of the grid, of Gi*, of permutations, of the files. For pipeline/limits.py.

`python benchmarks/limits_model.py RESOLUTION [PERMUTATIONS]`, a process a measurement, as memory is told by its peak.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from gridmap.runs import read_pipeline, run_pipeline

TEXT = """
audience: internal
boundaries: {{path: {data}/lsoa_2011.geojson}}
grid: {{system: h3, resolution: {resolution}}}
incidents: {{path: {data}/2018-07-west-yorkshire-street.csv.gz, category: Burglary}}
hotspots: [{method}]
"""

if __name__ == "__main__":
    resolution, permutations = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    method = f"local_moran: {{permutations: {permutations}}}" if permutations else "getis_ord: {order: 1}"
    data = Path(__file__).resolve().parents[1] / "data" / "west_yorkshire"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.yaml"
        path.write_text(TEXT.format(data=data, resolution=resolution, method="{" + method + "}"), encoding="utf-8")
        began = time.process_time()
        report = run_pipeline(read_pipeline(path), Path(folder) / "out")
        seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    steps = {name: s for name, s in report.seconds.items() if s > 0.3}
    print(
        f"resolution {resolution}, {len(report.grid):,} cells, {permutations} permutations: "
        f"{seconds:.1f} CPU s, {peak:,.0f} MB at most; {steps}"
    )
