"""The pictures of docs/charts.md: the charts of the bundled police data and of the simulated town.

    python docs/charts_pictures.py

The street-level data have no hours and few months, so the hours, the trend and the maps over time are those of the
simulated town, whose year before is made up (the same counts in reverse order).
"""

import warnings
from pathlib import Path

import pandas as pd

import gridmap as gm
from gridmap.errors import GridmapWarning
from gridmap.reports.charts import (
    concentration_chart,
    ranked_bars,
    save_chart,
    small_multiples,
    trend_chart,
    weekday_hour_chart,
)

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
DATA = ROOT / "data" / "west_yorkshire"


def main() -> None:
    """Draw all of them in both languages."""
    warnings.simplefilter("ignore", GridmapWarning)
    lsoa = gm.read_boundaries(DATA / "lsoa_2011.geojson")
    grid = gm.make_grid(lsoa, system="h3", resolution=8)
    incidents = gm.read_incidents(DATA / "2018-07-west-yorkshire-street.csv.gz").where(category="Burglary")
    cells = gm.count_by_cell(incidents, grid)["count"]
    zones = gm.count_by_cell(incidents, gm.make_grid(lsoa, system="zones"))["count"].sort_values(ascending=False)
    names = lsoa.set_index("zone_id")["name"]
    ranked = pd.DataFrame({"name": names.reindex(zones.index).to_numpy(), "count": zones.to_numpy()})
    town = gm.samples.town(random_state=0)
    squares = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    by_month = gm.count_by_cell(town.incidents, squares, every="month")
    months = by_month["count"].groupby(level="period").sum().reset_index()
    last_year = months.assign(period=months["period"] - 12, count=months["count"].to_numpy()[::-1])
    words = {
        "en": {"cells": "H3 cells", "layer": "Simulated town", "bars": "Burglary, July 2018: the first ten zones"},
        "zh": {"cells": "单元", "layer": "模拟城镇", "bars": "入室盗窃，2018年7月：前十个区域"},
    }
    for language, said in words.items():
        charts = {
            "trend": trend_chart(pd.concat([last_year, months]), language=language),
            "hours": weekday_hour_chart(gm.hour_of_week(town.incidents), language=language),
            "concentration": concentration_chart(cells, places=said["cells"], language=language),
            "ranked": ranked_bars(ranked, title=said["bars"], language=language),
            "multiples": small_multiples(
                gm.cells_layer(by_month, "count", grid=squares, name=said["layer"]), language=language, columns=4
            ),
        }
        for name, figure in charts.items():
            save_chart(figure, IMAGES / f"chart_{name}_{language}.png", dpi=110)


if __name__ == "__main__":
    main()
