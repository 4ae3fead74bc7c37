# ruff: noqa: T201
"""Every picture of docs/gallery.md, made anew: `python docs/gallery.py` from the root; needs Chromium and pdftoppm."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import gridmap as gm
from gridmap.runs import read_pipeline, run_pipeline
from gridmap.runs.demos import county_demo
from tests.browser import Browser

DATA = Path("data/west_yorkshire")
IMAGES = Path("docs/images")


def page(language: str):
    """Burglary in West Yorkshire: what a committee would be shown."""
    zones = gm.read_boundaries(DATA / "lsoa_2011.geojson", name="msoa_name")
    grid = gm.make_grid(zones, system="h3", resolution=8)
    years = {y: gm.read_incidents(DATA / f"{y}-07-west-yorkshire-street.csv.gz") for y in (2016, 2017, 2018)}
    burglary = years[2018].where(category="Burglary")
    counts = {y: gm.count_by_cell(i, grid, category="Burglary") for y, i in years.items()}
    long = pd.concat({pd.Period(f"{y}-07", "M"): c["count"] for y, c in counts.items()}, names=["period", "cell_id"])
    by_year = long.swaplevel().to_frame("count")
    hot = gm.hotspot_test(counts[2018], grid)
    change = gm.compare_periods(by_year, grid, before="2017-07", after="2018-07")
    density = gm.kernel_density(burglary, grid, bandwidth_m=1000)
    clusters = gm.hdbscan(burglary, min_cluster_size=15)
    layers = [
        gm.hotspot_layer(hot),
        gm.hotspot_layer(change),
        gm.density_layer(density),
        gm.cells_layer(by_year, "count", grid=grid, name="三年七月" if language == "zh" else "Three Julys"),
        gm.clusters_layer(clusters, show=False),
    ]
    title = "入室盗窃热点 · 西约克郡" if language == "zh" else "Burglary · West Yorkshire"
    return hot, gm.build_map(
        layers,
        title=title,
        language=language,
        period="2018年7月" if language == "zh" else "July 2018",
        source="data.police.uk, ONS (OGL v3.0)",
        incidents=len(burglary),
        set_aside=len(years[2018].set_aside),
        classification="内部资料" if language == "zh" else None,
        boundaries=zones,
    )


SHOTS = {
    "page": ("en", []),
    "page_zh": ("zh", []),
    "tour": ("en", ["gridmap.tour(true); 0"]),
    "change": ("en", ["gridmap.showTheme('l1'); 0"]),
    "density": ("en", ["gridmap.showTheme('l2'); 0"]),
    "timeline": ("zh", ["gridmap.showTheme('l3'); 0"]),
    "compare": ("en", ["gridmap.compare('l2'); 0"]),
    "areas": ("zh", ["gridmap.openTab('areas'); 0", "gridmap.areaGo(3, true); 0"]),
}


#: The demos as they open, seen by everybody: picture → demo, sight, script.
DEMOS = {
    "demo": ("demo", None, []),
    "demo_zh": ("demo_zh", None, []),
    "demo_grey": ("demo", "achromatopsia", []),
    "demo_deuteranopia": ("demo", "deuteranopia", []),
    "demo_protanopia": ("demo", "protanopia", []),
    "room": ("demo", None, ["gridmap.room(true); 0"]),
    "hours": ("hours", None, []),
}


def demos(browser: Browser, folder: Path) -> None:
    """The first screens of the demos."""
    files = {}
    for name in ("demo", "demo_zh"):
        run_pipeline(read_pipeline(f"pipelines/{name}.yaml"), folder / name)
        files[name] = folder / name / "index.html"
    county_demo(folder / "hours", pipeline="hours_en")
    files["hours"] = folder / "hours" / "index.html"
    county_demo(folder / "county")
    files["county"] = folder / "county" / "index.html"
    sizes_and_sheets(browser, files)
    for name, (demo, sight, steps) in DEMOS.items():
        opened = browser.open(files[demo])
        if sight:
            opened.sight(sight)
        for step in steps:
            opened.run(step)
        time.sleep(2)
        keep(opened, name)


#: At other sizes: picture → demo, width and height in CSS pixels, mobile. 683 × 384 is 1366 × 768 at 200 % zoom.
SIZES = {
    "size_1920": ("county", 1920, 1080, False),
    "size_3840": ("demo", 3840, 2160, False),
    "size_zoom_200": ("demo", 683, 384, False),
    "size_phone": ("hours", 390, 844, True),
}
#: Printed: picture → demo, paper, its width and height in inches.
SHEETS = {
    "print_a4": ("demo", "A4", 11.69, 8.27),
    "print_a3": ("demo", "A3", 16.54, 11.69),
    "print_a4_county": ("county", "A4", 11.69, 8.27),
    "print_a4_hours": ("hours", "A4", 11.69, 8.27),
}


def sizes_and_sheets(browser: Browser, files: dict[str, Path]) -> None:
    """The demos at other sizes, and as they print; none wider than 1,200 pixels here."""
    for name, (demo, width, height, mobile) in SIZES.items():
        opened = browser.open(files[demo], width=width, height=height, mobile=mobile)
        time.sleep(1)
        keep(opened, name)
    for name, (demo, paper, width, height) in SHEETS.items():
        opened = browser.open(files[demo])
        opened.run(f"window.print = () => 0, gridmap.print('{paper}'), gridmap.printing.before(), 0")
        sheet = opened.pdf(files[demo].parent / f"{name}.pdf", width_in=width, height_in=height)
        opened.close()
        first = ["pdftoppm", "-png", "-singlefile", "-scale-to-x", "1200", "-scale-to-y", "-1", sheet, IMAGES / name]
        subprocess.run(first, check=True)
        shrink(IMAGES / f"{name}.png")


def keep(opened, name: str) -> None:
    """What is seen, where nothing was asked for and nothing went wrong."""
    problems = opened.requests() + opened.errors()
    if problems:
        raise SystemExit(f"{name}: {problems}")
    shrink(opened.screenshot(IMAGES / f"{name}.png"))
    opened.close()


def main() -> None:
    """Make the pages, open them without a network, and keep what is seen."""
    folder = Path(tempfile.mkdtemp())
    files = {}
    for language in ("en", "zh"):
        hot, made = page(language)
        files[language] = made.save(folder / f"{language}.html")
    browser = Browser()
    try:
        for name, (language, steps) in SHOTS.items():
            opened = browser.open(files[language])
            for step in steps:
                opened.run(step)
                time.sleep(2)
            opened.hover((10, 760))
            time.sleep(0.5)
            keep(opened, name)
        demos(browser, folder)
        opened = browser.open(files["zh"], width=390, height=844, mobile=True)
        time.sleep(0.5)
        shrink(opened.screenshot(IMAGES / "phone.png"))
    finally:
        browser.close()
    hot.plot(language="en", title="Burglary, July 2018").figure.savefig(IMAGES / "figure.png", dpi=110)
    shrink(IMAGES / "figure.png")
    size = {language: file.stat().st_size for language, file in files.items()}
    print("bytes of the pages:", size, "pictures:", int(np.sum([f.stat().st_size for f in IMAGES.glob("*.png")])))


def shrink(path: Path) -> None:
    """To 256 colours, the rare ones of the classes among them: a third of the bytes, and the same to the eye."""
    with Image.open(path) as image:
        image.thumbnail((1366, 1366))
        image.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
