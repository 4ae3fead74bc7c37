# ruff: noqa: T201
"""The pictures of docs/management-grids.md, made anew: `python docs/management_grids_pictures.py` from the root.

The drill-down needs Chromium; the others do not.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import gridmap as gm
from gridmap.runs.demos import county_demo
from tests.browser import Browser, find_chromium

IMAGES = Path("docs/images")


def drawn():
    """Communities, buildings and streets of the county's seat; and the grids drawn from them by their deviation."""
    county = gm.samples.simulated_county(random_state=0)
    seat = county.boundaries[county.boundaries["street"].isin(["001", "002", "003", "004"])]
    streets = county.roads[county.roads["level"] <= 3]
    grid = gm.make_grid(
        seat,
        system="balanced",
        basic_units=county.buildings,
        load="households",
        target=300,
        tolerance=0.15,
        follow=streets,
        barriers=county.river,
    )
    crs = grid.metric_crs
    figure, (before, after) = plt.subplots(1, 2, figsize=(11, 5.4), layout="constrained")
    west, south, east, north = seat[seat["street"] == "001"].to_crs(crs).total_bounds
    streets.to_crs(crs).plot(ax=before, color="#C3C9D0", linewidth=0.7)
    inside = county.buildings[county.buildings["zone_id"].isin(seat["zone_id"])].to_crs(crs)
    before.scatter(inside.geometry.x, inside.geometry.y, s=inside["households"] / 2, color="#37506E", linewidths=0)
    before.set_title(f"{len(inside):,} buildings, {inside['households'].sum():,} households", fontsize=11)
    cells = grid.cells.to_crs(crs)
    off = grid.report["deviation"] * 100
    cells.plot(ax=after, column=off, cmap="RdBu_r", vmin=-30, vmax=30, edgecolor="#333333", linewidth=0.6)
    bar = figure.colorbar(plt.cm.ScalarMappable(plt.Normalize(-30, 30), "RdBu_r"), ax=after, shrink=0.7)
    bar.set_label("households, % off 300")
    after.set_title(f"{len(grid)} grids, {off.abs().mean():.1f} % off on average", fontsize=11)
    county.river.to_crs(crs).plot(ax=after, color="#3B7DD8", linewidth=1.5)
    for axes in (before, after):
        seat.to_crs(crs).boundary.plot(ax=axes, color="#C0392B", linewidth=1.4)
        axes.set_xlim(west, east)
        axes.set_ylim(south, north)
        axes.set_axis_off()
    figure.savefig(IMAGES / "management_grids.png", dpi=80)
    smaller(IMAGES / "management_grids.png")


def drill_down():
    """The page of `gridmap demo --county`, three levels down."""
    with tempfile.TemporaryDirectory() as folder:
        county_demo(folder)
        browser = Browser()
        try:
            page = browser.open(Path(folder) / "index.html")
            page.click("#gm-tabbutton-areas")
            for _ in range(2):
                page.click(".gm-areas tbody button")
            page.run("new Promise(done => setTimeout(done, 1500))")
            page.screenshot(IMAGES / "management_grids_drill_down.png")
        finally:
            browser.close()
    smaller(IMAGES / "management_grids_drill_down.png")


def smaller(path: Path):
    """A palette of 256 colours: a third of the bytes."""
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    drawn()
    if find_chromium() is not None:
        drill_down()
