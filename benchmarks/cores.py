"""Cores against cells ranked by count, at the same area, on months that neither has seen: PAI of both.

`make bench` runs it where the shared data are at hand. A core is compact, so it is bound to give away some of what the
busiest single cells hold; the question is how much of that is there again next month.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj

import gridmap as gm
from gridmap.read.base import Incidents

SHARED = Path(__file__).parents[2] / "shared" / "data"


def incidents_of(lon, lat, times) -> Incidents:
    times = pa.array(pd.to_datetime(times).astype("datetime64[us]"))
    return Incidents(
        pa.table({"lon": lon, "lat": lat, "occurred_from": times, "occurred_to": times, "category": ["x"] * len(times)})
    )


def cities():
    chicago = pd.read_csv(SHARED / "chicago" / "chicago_burglary_2014_2017.csv")
    lon, lat = pyproj.Transformer.from_crs(26971, 4326, always_xy=True).transform(chicago["x"], chicago["y"])
    days = pd.to_datetime(chicago["date_single"], format="%d/%m/%Y")
    zones = gm.read_boundaries(SHARED / "chicago" / "chicago77_wgs84.geojson")
    for year in (2014, 2015, 2016):
        yield f"Chicago burglary {year} → {year + 1}", zones, incidents_of(lon, lat, days), (f"{year}-01", f"{year}-12")
    memphis = pd.read_csv(SHARED / "memphis" / "memphis_robberies.csv")
    zones = gm.read_boundaries(SHARED / "memphis" / "memphis_precincts.geojson")
    points = incidents_of(memphis["longitude"].to_numpy(), memphis["latitude"].to_numpy(), memphis["date"])
    yield "Memphis robbery, January to June → July to December 2019", zones, points, ("2019-01", "2019-06")


def compare(zones, incidents: Incidents, seen: tuple[str, str], cell_size_m: float) -> pd.DataFrame:
    grid = gm.make_grid(zones, system="square", cell_size_m=cell_size_m)
    months = gm.count_by_cell(incidents, grid, every="month")["count"].unstack("period")  # noqa: PD010 - counts by cell and period are unique
    first, last = pd.Period(seen[0], "M"), pd.Period(seen[1], "M")
    known = months.loc[grid.cells.index, first:last].sum(axis=1).to_frame("count")
    later = [months.loc[grid.cells.index, month] for month in months if last < month <= last + (last - first).n + 1]
    cores = gm.hotspot_cores(gm.getis_ord(known, grid), grid)
    area = grid.cells["area_m2"]
    busiest = known["count"].sort_values(ascending=False, kind="stable").index
    rows = []
    for n in (5, 10, 20, 50):
        if len(cores) < n:
            continue
        cells = [cell for ids in cores["cell_ids"].head(n) for cell in ids]
        top = busiest[(area[busiest].cumsum() <= area[cells].sum()).to_numpy()]
        pai = np.array(
            [[month[c].sum() / month.sum() / (area[c].sum() / area.sum()) for c in (cells, top)] for month in later]
        )
        apart = pai[:, 0] - pai[:, 1]
        rows.append({"cores": n, "area_share": area[cells].sum() / area.sum(), "pai_cores": pai[:, 0].mean(),
                     "pai_cells": pai[:, 1].mean(), "difference": apart.mean(),
                     "standard_error": apart.std(ddof=1) / np.sqrt(len(later))})  # fmt: skip
    return pd.DataFrame(rows).round(3)


if __name__ == "__main__":
    if not SHARED.is_dir():
        print("left out: the shared data are not here")
    else:
        for title, zones, incidents, seen in cities():
            for cell_size_m in (250, 500):
                print(f"\n{title}, squares of {cell_size_m} m, month by month")
                print(compare(zones, incidents, seen, cell_size_m).to_string(index=False))
