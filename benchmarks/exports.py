"""How long does it take to write 200,000 cells in each format, and how large is the file?

    python benchmarks/exports.py [CELLS] [FOLDER]

Hexagons (H3, resolution 9) around Leeds with what getis_ord gives them. The bar of issue 6: 30 s each. Wall and
processor seconds of this process are printed; GDAL writes in it.
"""

import sys
import tempfile
import time
import warnings
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely

import gridmap as gm
from gridmap.exports.formats import all_formats

BAR_S = 30


def hexagons(n: int) -> gpd.GeoDataFrame:
    """So many cells around one, with the columns of getis_ord."""
    rings = int(np.ceil((np.sqrt(12 * n - 3) - 3) / 6))
    ids = sorted(h3.grid_disk(h3.latlng_to_cell(53.8, -1.55, 9), rings))[:n]
    shapes = [shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(i)]) for i in ids]
    rng = np.random.default_rng(0)
    z = rng.normal(size=n)
    labels = np.array(["none", "hot 90", "hot 95", "hot 99", "cold 95"])[rng.integers(0, 5, n)]
    columns = {
        "count": rng.poisson(0.8, n), "z_score": z, "p_value": rng.random(n), "q_value": rng.random(n), "label": labels,
        "zone_id": [f"E010{i % 1388:05d}" for i in range(n)], "area_m2": 105_332.5,
    }  # fmt: skip
    return gpd.GeoDataFrame(columns, index=pd.Index(ids, name="cell_id"), geometry=shapes, crs=4326)


def main(n: int, folder: Path) -> None:
    cells = hexagons(n)
    print(f"{len(cells):,} cells\n\n| format | processor s | wall s | MB | under {BAR_S} s |\n|---|---|---|---|---|")
    for ending in [e for e in all_formats() if e not in (".geoparquet", ".tiff")]:
        path = folder / f"cells{ending}"
        wall, spent = time.perf_counter(), time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gm.errors.GridmapWarning)
            gm.export(cells, path)
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        size = sum(p.stat().st_size for p in folder.iterdir()) / 1e6
        print(
            f"| `{ending}` | {spent:.1f} | {wall:.1f} | {size:.1f} | {'yes' if wall <= BAR_S else 'no'} |", flush=True
        )
        for made in folder.iterdir():
            made.unlink()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000, Path(sys.argv[2] if len(sys.argv) > 2 else place))
