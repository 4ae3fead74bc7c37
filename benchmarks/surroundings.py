# ruff: noqa: E501 - what the page is asked stands in one line
"""A county of 2,000 km² with its streets, water, railways and names on one page: how large it is, and how smoothly it moves.

    python benchmarks/surroundings.py

The county is invented from a fixed seed, as dense as an OpenStreetMap extract of a well mapped one: about 5 km of
streets, lanes and paths a km², a corner every 40 m, villages with their lanes, a town of 60 km². Prints the size of the
page and of what is drawn around the hotspots, what was left out, seconds until it is ready, and at four scales frames
per second while the map is dragged by hand, the longest pause between two frames, and the time a new picture takes once
it is let go. Headless Chromium, software rendering, no network.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import gridmap as gm
from tests.browser import Browser

WIDE_M, HIGH_M = 45_000, 44_500
LON, LAT = 113.6, 34.2
STEP_M = 40
#: kind and class of every sort of line, as `read_context` ranks them
RANK = {"trunk": 0, "secondary": 1, "residential": 2, "track": 3, "river": 0, "stream": 2, "rail": 0}


def wobbly(rng: np.random.Generator, start, end, bend: float = 0.12) -> np.ndarray:
    """A way between two points with a corner every 40 m: halves moved aside again and again."""
    line = np.array([start, end], float)
    length = np.hypot(*(line[1] - line[0]))
    while length / (len(line) - 1) > STEP_M:
        step = np.diff(line, axis=0)
        aside = np.column_stack([-step[:, 1], step[:, 0]]) * rng.normal(0, bend, (len(step), 1))
        between = line[:-1] + step / 2 + aside
        line = np.insert(line, np.arange(1, len(line)), between, axis=0)
        bend *= 0.92
    return line


def town_grid(rng, middle, half_m: float, block_m: float, turn: float):
    """Streets of a planned town: two families of parallel lines, cut into pieces, some missing."""
    at = np.arange(-half_m, half_m + 1, block_m)
    c, s = np.cos(turn), np.sin(turn)
    spin = np.array([[c, s], [-s, c]])
    for i, x in enumerate(at):
        for across in (False, True):
            along = at if len(at) < 8 else at[:: 2 if i % 2 else 1]
            points = np.column_stack([np.full(len(along), x), along] if not across else [along, np.full(len(along), x)])
            keep = rng.random(len(points)) > 0.04
            if keep.sum() > 1:
                yield i, points[keep] @ spin + middle


def county(seed: int = 0) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The invented county's surroundings as `read_context` gives them, and its boundary."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, int, str | None, shapely.Geometry]] = []

    def add(kind, rank, name, xy):
        rows.append((kind, rank, name, shapely.LineString(xy)))

    seat = np.array([0.0, 0.0])
    towns = rng.uniform([-20_000, -20_000], [20_000, 20_000], (20, 2))
    villages = rng.uniform([-22_000, -22_000], [22_000, 22_000], (900, 2))
    for i, line in town_grid(rng, seat, 4_000, 160, 0.1):
        add("streets", 0 if i % 12 == 0 else 1 if i % 4 == 0 else 2, f"Street {i}" if i % 2 == 0 else None, line)
    for t, town in enumerate(towns):
        for i, line in town_grid(rng, town, 700, 140, rng.uniform(0, 1)):
            add("streets", 1 if i == 5 else 2, f"Town {t} Street {i}" if i % 2 == 0 else None, line)
        add("streets", 0 if t < 6 else 1, f"Road to Town {t}", wobbly(rng, seat, town))
        add("streets", 1, f"County Road {t}", wobbly(rng, town, towns[(t + 1) % len(towns)]))
    near = cKDTree(villages).query(villages, k=4)[1]
    for v, village in enumerate(villages):
        for other in near[v, 1:]:
            if v < other or rng.random() < 0.1:
                add("streets", 2, None, wobbly(rng, village, villages[other]))
        for _ in range(int(rng.integers(5, 12))):
            start = village + rng.normal(0, 120, 2)
            add(
                "streets",
                2,
                f"Lane {v}" if rng.random() < 0.3 else None,
                wobbly(rng, start, start + rng.normal(0, 160, 2)),
            )
        add(
            "streets", 1, None, wobbly(rng, village, towns[np.hypot(*(towns - village).T).argmin()])
        ) if v % 6 == 0 else None
    for start in rng.uniform([-22_000, -22_000], [22_000, 22_000], (9_000, 2)):
        add("streets", 3, None, wobbly(rng, start, start + rng.normal(0, 420, 2)))
    for r in range(6):
        add(
            "water",
            0,
            f"River {r}",
            wobbly(rng, (-22_000, rng.uniform(-2e4, 2e4)), (22_000, rng.uniform(-2e4, 2e4)), 0.25),
        )
    for start in rng.uniform([-22_000, -22_000], [22_000, 22_000], (200, 2)):
        add("water", 2, None, wobbly(rng, start, start + rng.normal(0, 4_000, 2), 0.2))
    for start in rng.uniform([-22_000, -22_000], [22_000, 22_000], (900, 2)):
        rows.append(("water", 2, None, shapely.Point(start).buffer(rng.uniform(20, 110), quad_segs=5)))
    for r in range(2):
        add(
            "railways",
            0,
            f"Railway {r}",
            wobbly(rng, (-22_000, rng.uniform(-2e4, 2e4)), (22_000, rng.uniform(-2e4, 2e4)), 0.03),
        )
    rows += [("names", 0, f"Town {t}", shapely.Point(p)) for t, p in enumerate(towns)]
    rows += [("names", 1 + v % 2, f"Village {v}", shapely.Point(p)) for v, p in enumerate(villages)]
    narrow = np.cos(np.radians(LAT))
    shapes = shapely.transform(
        np.array([row[3] for row in rows], object), lambda xy: xy / [111_195 * narrow, 111_195] + [LON, LAT]
    )
    frame = gpd.GeoDataFrame(
        pd.DataFrame([r[:3] for r in rows], columns=["kind", "rank", "name"]), geometry=shapes, crs=4326
    )
    half = np.array([WIDE_M / 2 / (111_195 * narrow), HIGH_M / 2 / 111_195])
    edge = shapely.box(LON - half[0], LAT - half[1], LON + half[0], LAT + half[1])
    return frame, gpd.GeoDataFrame({"zone_id": ["county"], "name": ["County"]}, geometry=[edge], crs=4326)


def hotspots(zones: gpd.GeoDataFrame) -> gm.HotspotResult:
    """Counts with three busy places, tested."""
    grid = gm.make_grid(zones, system="h3", resolution=8)
    at = np.array([h3.cell_to_latlng(c)[::-1] for c in grid.cells.index])
    near = sum(
        np.exp(-(((at - p) * [92_000, 111_195] / 900) ** 2).sum(axis=1))
        for p in ((113.6, 34.2), (113.7, 34.3), (113.5, 34.1))
    )
    counts = pd.DataFrame({"count": np.random.default_rng(1).poisson(0.3 + 8 * near)}, index=grid.cells.index)
    return gm.hotspot_test(counts, grid)


PAINT = """(function () { const t = performance.now(); gridmap.layers.concat([]).forEach(function (l) {
  if (l.canvas && l.canvas.redraw && gridmap.map.hasLayer(l.canvas)) { l.canvas.redraw();
    const n = l.canvas.node; if (n) n.getContext('2d').getImageData(0, 0, 1, 1); } }); return performance.now() - t; })()"""
COUNT = """(function () { window.gaps = []; let last = performance.now(); window.counting = true;
  (function step() { if (!window.counting) return; const t = performance.now(); gaps.push(t - last); last = t; requestAnimationFrame(step); })(); })()"""


def main() -> None:
    started = time.process_time()
    around, zones = county()
    lines = around[around["kind"] == "streets"]
    km = lines.to_crs(32649).length.sum() / 1000
    print(f"streets: {len(lines):,} lines, {km:,.0f} km, {km / (WIDE_M * HIGH_M / 1e6):.1f} km a km², "
          f"{int(shapely.get_num_coordinates(around.geometry.to_numpy()).sum()):,} corners in all; "
          f"invented in {time.process_time() - started:.0f} s")  # fmt: skip
    started = time.process_time()
    layers = gm.context_layers(around, boundaries=zones)
    taken = time.process_time() - started
    test = gm.hotspot_layer(hotspots(zones))
    folder = Path(tempfile.mkdtemp())
    bare = gm.build_map([test], boundaries=zones).save(folder / "bare.html").stat().st_size
    path = gm.build_map([test, *layers], boundaries=zones, title="County").save(folder / "county.html")
    size = path.stat().st_size
    print(json.dumps({"page_mb": round(size / 1e6, 2), "surroundings_mb": round((size - bare) / 1e6, 2), "layers_s": round(taken, 1),
                      "rows": {layer.surround: len(layer.frame) for layer in layers}, "notes": [str(n) for n in layers[0].notes]}))  # fmt: skip
    browser = Browser()
    try:
        page = browser.open(path)
        print(
            json.dumps({"opens_s": round(page.run("performance.getEntriesByName('gm-ready')[0].startTime") / 1000, 2)})
        )
        for zoom in (None, 12, 14, 16):
            if zoom:
                page.run(f"gridmap.map.setView([{LAT}, {LON}], {zoom}, {{animate: false}}), 0")
            painted = [page.run(PAINT) for _ in range(3)]
            page.run(COUNT)
            begun = time.monotonic()
            for i in range(4):
                page.drag((700, 450), (700 + 160 * (-1) ** i, 450 + 60 * (-1) ** i), steps=40)
            spent = time.monotonic() - begun
            gaps = page.run("(window.counting = false, window.gaps)")
            print(json.dumps({"zoom": round(page.run("gridmap.map.getZoom()"), 1), "frames_a_second": round(len(gaps) / spent, 1),
                              "longest_pause_ms": round(max(gaps)), "picture_ms": round(float(np.median(painted)))}))  # fmt: skip
        page.screenshot(folder / "county.png")
        print(json.dumps({"requests": page.requests(), "errors": page.errors(), "page": str(path)}))
    finally:
        browser.close()


if __name__ == "__main__":
    main()
