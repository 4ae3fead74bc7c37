"""Runs of a small town in two months, with a known change, and their papers."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

from gridmap.runs import read_pipeline, run_pipeline

NAMES = ["<script>alert(1)</script> & Söhne", "东门", "-2+3 " + "long " * 30, '=HYPERLINK("x") 南门街道']


def incidents(month: str, corners: list[tuple[float, float, int]], seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    lon = np.concatenate([rng.normal(x, 0.002, n) for x, _, n in corners] + [rng.uniform(-1.60, -1.50, 80)])
    lat = np.concatenate([rng.normal(y, 0.0015, n) for _, y, n in corners] + [rng.uniform(53.72, 53.80, 80)])
    day = rng.integers(1, 29, len(lon))
    hour = np.where(rng.random(len(lon)) < 0.6, 22, rng.integers(0, 24, len(lon)))
    when = [f"{month}-{d:02d} {h:02d}:30" for d, h in zip(day, hour, strict=True)]
    frame = pd.DataFrame({"date": when, "category": "theft", "lon": lon, "lat": lat})
    return pd.concat([frame, frame.head(5).assign(lon=np.nan, lat=np.nan)], ignore_index=True)


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """Folder of files, and a function that writes a pipeline file."""
    folder = tmp_path_factory.mktemp("town")
    boxes = [shapely.box(x, y, x + 0.05, y + 0.04) for y in (53.72, 53.76) for x in (-1.60, -1.55)]
    zones = gpd.GeoDataFrame({"code": list("ABCD"), "name": NAMES}, geometry=boxes, crs=4326)
    zones.to_file(folder / "zones.geojson")
    south, north, east = (-1.575, 53.735), (-1.575, 53.785), (-1.525, 53.785)
    months = {"2024-03": [(*south, 90), (*north, 90)], "2024-04": [(*south, 240), (*east, 90)]}
    for seed, (month, corners) in enumerate(months.items()):
        incidents(month, corners, seed).to_csv(folder / f"{month}.csv", index=False)

    def write(month="2024-04", **changes):
        values = {
            "title": "Theft <b>& more</b>, =1+1",
            "classification": "内部资料",
            "source": "a test",
            "boundaries": {"path": "zones.geojson"},
            "grid": {"system": "square", "cell_size_m": 500},
            "incidents": {"path": f"{month}.csv"},
            "hotspots": [
                {"hotspot_test": {"order": 1}, "name": "Theft", "stability": 10},
                {"dbscan": {"eps_m": 150, "min_samples": 10}},
            ],
            "outputs": {"map": "map.html"},
        }
        path = folder / "weekly.yaml"
        path.write_text(yaml.safe_dump(values | changes, allow_unicode=True), encoding="utf-8")
        return read_pipeline(path)

    return write


@pytest.fixture(scope="session")
def archive(town, tmp_path_factory):
    """`march` and `april` of the same pipeline, side by side, march made a month before."""
    out = tmp_path_factory.mktemp("archive")
    for name, month in (("march", "2024-03"), ("april", "2024-04")):
        run_pipeline(town(month), out / name)
    manifest = json.loads((out / "march" / "run.json").read_text(encoding="utf-8"))
    manifest["written"] = "2024-04-01T08:00:00+00:00"
    (out / "march" / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return out


@pytest.fixture(scope="session")
def april(archive):
    return archive / "april"
