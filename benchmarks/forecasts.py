"""Does the forecast earn its place? Weekly back-tests on the shared data, each model beside the mean count.

    python benchmarks/forecasts.py chicago_2016 cincinnati_2018      # some; all when none is named
    python benchmarks/forecasts.py nij members vancouver_2020        # the cells and the area of the NIJ challenge

With `members`, only the mean count, the ensemble and what it is made of.

Squares of 250 m, 1 % of the area (or, with nij, squares of 5,806 m² and 1.942 km²), all that is known before each
Monday. Nothing is chosen on the scored weeks.
"""

import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

import gridmap as gm
from gridmap.read.incident_table import Incidents

SHARED = Path(__file__).parents[2] / "shared" / "data"
MODELS = ("mean_count", "recent_count", "last_year", "prospective", "density", "lasting_density", "density_mixture")
MODELS += ("boosted", "near_repeat", "self_exciting", "risk_terrain", "ensemble")


def incidents_of(lon, lat, times) -> Incidents:
    times = pa.array(pd.to_datetime(times).astype("datetime64[us]"))
    return Incidents(pa.table({"lon": lon, "lat": lat, "occurred_from": times, "occurred_to": times}))


def around(lon, lat) -> gpd.GeoDataFrame:
    """A territory drawn around the middle 99.8 % of the points: the data say nothing of their own borders."""
    west, east = np.quantile(lon, [0.001, 0.999])
    south, north = np.quantile(lat, [0.001, 0.999])
    return gpd.GeoDataFrame({"zone_id": ["all"]}, geometry=[shapely.box(west, south, east, north)], crs=4326)


def chicago():
    table = pd.read_csv(SHARED / "chicago" / "chicago_burglary_2014_2017.csv")
    lon, lat = pyproj.Transformer.from_crs(26971, 4326, always_xy=True).transform(table["x"], table["y"])
    times = pd.to_datetime(table["date_single"], format="%d/%m/%Y")
    return gm.read_boundaries(SHARED / "chicago" / "chicago77_wgs84.geojson"), incidents_of(lon, lat, times)


def of_forecast(name: str, once: bool = False, boundaries: gpd.GeoDataFrame | None = None):
    table = pd.read_csv(next((SHARED / "forecast").glob(f"{name}*")), low_memory=False)
    lower = {c.lower(): c for c in table.columns}
    lon, lat = (lower[next(k for k in lower if k.startswith(v))] for v in ("lon", "lat"))
    when = lower[next(k for k in lower if "date" in k or "time" in k or k.startswith("occurred"))]
    if once:  # repeated incident numbers with jittered coordinates are one incident
        number = lower[next(k for k in lower if "id" in k or "number" in k or "no" in k)]
        table = table.drop_duplicates(number)
    table = table.dropna(subset=[lon, lat, when])
    points = incidents_of(table[lon].to_numpy(), table[lat].to_numpy(), table[when])
    return around(table[lon], table[lat]) if boundaries is None else boundaries, points


def memphis():
    table = pd.read_csv(SHARED / "memphis" / "memphis_robberies.csv")
    zones = gm.read_boundaries(SHARED / "memphis" / "memphis_precincts.geojson")
    return zones, incidents_of(table["longitude"].to_numpy(), table["latitude"].to_numpy(), table["date"])


def assault():
    return of_forecast("chicago_agg", boundaries=chicago()[0])


def lancashire():
    """Dated to the month: an incident may have happened on any of its days."""
    table = pd.read_csv(next((SHARED / "forecast").glob("lancashire*"))).dropna(subset=["lon", "lat"])
    month = pd.to_datetime(table["month"])
    begin, end = (pa.array(t.astype("datetime64[us]")) for t in (month, month + pd.offsets.MonthBegin(1)))
    columns = {"lon": table["lon"].to_numpy(), "lat": table["lat"].to_numpy()}
    points = Incidents(pa.table({**columns, "occurred_from": begin, "occurred_to": end}))
    return around(table["lon"], table["lat"]), points


CASES = {
    "chicago_2016": (chicago, "2016-01-04", "2017-01-02", "7D"),
    "chicago_2017": (chicago, "2017-01-02", "2018-01-01", "7D"),
    "chicago_2017_four_weeks": (chicago, "2017-01-02", "2018-01-01", "28D"),
    "cincinnati_2018": (lambda: of_forecast("cincinnati", once=True), "2018-01-01", "2018-12-31", "7D"),
    "chicago_assault_2017": (assault, "2017-01-02", "2018-01-01", "7D"),
    "memphis_2019": (memphis, "2019-07-01", "2019-12-30", "7D"),
    "vancouver_2020": (lambda: of_forecast("vancouver"), "2020-07-06", "2021-01-04", "7D"),
    "lancashire_2022": (lancashire, "2022-05-01", "2023-01-05", "31D"),
}


if __name__ == "__main__":
    if not SHARED.is_dir():
        raise SystemExit("left out: the shared data are not here")
    nij = {"cell_area_m2": (5_806, 33_445), "area_m2": (647_497, 1_942_490)} if "nij" in sys.argv else {}
    models = ("mean_count", "density_mixture", "boosted", "near_repeat", "ensemble")
    models = models if "members" in sys.argv else MODELS
    for name in [a for a in sys.argv[1:] if a not in ("nij", "members")] or CASES:
        load, start, end, horizon = CASES[name]
        zones, incidents = load()
        grid = zones if nij else gm.make_grid(zones, system="square", cell_size_m=250)
        began, used = time.perf_counter(), time.process_time()
        found = gm.backtest(incidents, grid, models=models, start=start, end=end, horizon=horizon, **nij)
        wall, cpu = time.perf_counter() - began, time.process_time() - used
        print(
            f"\n{name}: {len(incidents):,} incidents, {len(found.grid):,} cells, {wall:.0f} s, {cpu:.0f} s of processor"
        )
        shown = ["hits", "incidents", "pai", "pai_low", "pai_high", "difference", "difference_low", "difference_high"]
        print(found.summary()[shown].round(2).to_string(), *found.notes, sep="\n", flush=True)
