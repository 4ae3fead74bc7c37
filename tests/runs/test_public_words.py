"""What a run for the public says of its rows and times, which are drawn anew and not those of the file."""

import warnings

import numpy as np
import pandas as pd

import gridmap as gm
from gridmap.runs.config import read_pipeline
from gridmap.runs.run import run_pipeline

PIPELINE = """
title: Public
boundaries: {path: zones.geojson, datum: wgs84}
grid: {system: zones}
incidents: {path: cases.csv, datum: wgs84}
hotspots: [hotspot_test]
forecasts: {horizon: 7D, area_share: 0.05, name: Next week}
timeline: month
audience: public
outputs: {map: index.html}
"""


def test_the_public_is_told_neither_a_located_share_nor_a_timeline_of_times_that_are_not_there(tmp_path):
    rng = np.random.default_rng(0)
    zones = gm.samples.town(random_state=0).boundaries
    zones.to_crs(4326)[["zone_id", "geometry"]].to_file(tmp_path / "zones.geojson", driver="GeoJSON")
    west, south, east, north = zones.to_crs(4326).total_bounds
    n = 600
    cases = pd.DataFrame({"lon": rng.uniform(west, east, n), "lat": rng.uniform(south, north, n)})
    cases["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, n), unit="D")
    cases.loc[:2, "lon"] = np.nan
    cases.to_csv(tmp_path / "cases.csv", index=False)
    (tmp_path / "p.yaml").write_text(PIPELINE, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = run_pipeline(read_pipeline(tmp_path / "p.yaml"), tmp_path / "out")
    codes = [getattr(note, "code", "") for note in report.warnings]
    assert "runs.no_timeline_for_the_public" in codes
    assert "runs.forecast_left_out" in codes
    assert [result.method for _, result in report.results] == ["hotspot_test"]
    assert (
        "Next week" not in (tmp_path / "out" / "index.html").read_text() + (tmp_path / "out" / "run.json").read_text()
    )
    assert "published" in report.summary[0]
    assert not any("set aside" in line or "no time" in line for line in report.summary)
