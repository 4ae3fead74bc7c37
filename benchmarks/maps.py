"""200,000 H3 cells on one page, in headless Chromium's software rendering with the network cut: ours and folium's.

    python benchmarks/maps.py [--cells 200000] [--folium 10000 50000]

Prints, for each: bytes of the page (and above gridmap's page of one cell), seconds until it is ready, frames per
second while it is panned by hand for two seconds. folium.GeoJson is measured with SVG at the sizes given, since
it does not open at 200,000 within minutes.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import folium
import geopandas as gpd
import h3
import h3.api.numpy_int as h3i
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import gridmap as gm
from gridmap.maps.offline import OfflineFigure
from tests.browser import READY, Browser

# the same, but held down as a mouse holds it: the picture moves with the hand and is painted when let go
DRAG_FRAMES = """new Promise(function (done) {
  window.frames_seen = 0; window.counting = true;
  (function step() { if (!window.counting) return; window.frames_seen++; requestAnimationFrame(step); })();
  done(true);
})"""


DRAWN = "document.readyState === 'complete' && document.querySelectorAll('path').length > 0"


def cells(n: int, resolution: int = 10) -> pd.DataFrame:
    """The n cells around a place, with clustered counts from a fixed seed."""
    centre = h3i.latlng_to_cell(53.8, -1.55, resolution)
    k = int(np.ceil((np.sqrt(12 * n - 3) - 3) / 6))
    ids = np.array(sorted(h3i.grid_disk(centre, k)), dtype=np.uint64)
    ids = ids[np.random.default_rng(0).permutation(len(ids))[:n]]
    at = np.array([h3i.cell_to_latlng(c) for c in ids])
    rng = np.random.default_rng(1)
    towns = at[rng.integers(0, n, 30)]
    rate = sum(np.exp(-(((at - t) / [0.02, 0.034]) ** 2).sum(axis=1)) for t in towns)
    names = pd.Index([h3.int_to_str(int(c)) for c in ids], name="cell_id")
    return pd.DataFrame({"count": rng.poisson(2 * rate)}, index=names)


def folium_page(frame: pd.DataFrame, path: Path) -> None:
    """What one would write by hand, its assets inlined so that it opens at all."""
    shapes = [shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(c)]) for c in frame.index]
    table = gpd.GeoDataFrame(frame.reset_index(), geometry=shapes, crs=4326)
    bare = folium.Map(location=[53.8, -1.55], zoom_start=10, tiles=None)
    bare.default_js, bare.default_css = [("leaflet", "leaflet.js")], [("leaflet_css", "leaflet.css")]
    colour = ["#f7f7f2", "#d62f27"]
    folium.GeoJson(
        table, style_function=lambda f: {"fillColor": colour[f["properties"]["count"] > 2], "weight": 0.3}
    ).add_to(bare)
    bare.add_to(OfflineFigure())
    html = bare.get_root().render()
    name = bare.get_name()
    path.write_text(
        html.replace("script-src ", "script-src 'unsafe-eval' ").replace("</body>", f"<!-- {name} --></body>"),
        encoding="utf-8",
    )


def measure(browser: Browser, path: Path, ready: str) -> dict:
    started = time.monotonic()
    page = browser.open(path, ready=ready)
    opened = time.monotonic() - started
    marks = page.run("performance.getEntriesByName('gm-ready').map(function (m) { return m.startTime; })")
    page.run(DRAG_FRAMES)
    begun = time.monotonic()
    for i in range(3):
        page.drag((700, 400), (700 + 180 * (-1) ** i, 400 + 60 * (-1) ** i), steps=30)
    seen, spent = page.run("(window.counting = false, window.frames_seen)"), time.monotonic() - begun
    errors = page.errors()
    page.close()
    size = path.stat().st_size
    return {
        "bytes": size,
        "opens_s": round(marks[0] / 1000 if marks else opened, 2),
        "pan_fps": round(seen / spent, 1),
        "errors": errors,
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--cells", type=int, default=200_000)
    options.add_argument("--folium", type=int, nargs="*", default=[10_000])
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    out = Path(tempfile.mkdtemp())
    many = cells(chosen.cells)
    base = gm.build_map(gm.cells_layer(many.head(1), "count")).save(out / "base.html").stat().st_size
    started = time.monotonic()
    gm.build_map(gm.cells_layer(many, "count")).save(out / "ours.html")
    print(f"{chosen.cells:,} cells built and written in {time.monotonic() - started:.1f} s")
    browser = Browser()
    try:
        rows = [measure(browser, out / "ours.html", READY) for _ in range(chosen.rounds)]
        row = {k: float(np.median([r[k] for r in rows])) for k in ("bytes", "opens_s", "pan_fps")}
        row |= {"above_base": row["bytes"] - base, "errors": rows[0]["errors"]}
        print(json.dumps({"what": "gridmap", "cells": chosen.cells, **row}))
        for n in chosen.folium:
            folium_page(cells(n), out / "folium.html")
            try:
                row = measure(browser, out / "folium.html", DRAWN)
            except AssertionError as error:
                row = {"bytes": (out / "folium.html").stat().st_size, "failed": str(error)[:120]}
            print(json.dumps({"what": "folium.GeoJson", "cells": n, **row}))
    finally:
        browser.close()


if __name__ == "__main__":
    main()
