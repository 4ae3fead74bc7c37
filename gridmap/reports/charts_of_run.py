"""The charts of a run's briefing: trend, weekday × hour, concentration, from the small tables in `results/`."""

import pandas as pd

from gridmap.errors import GridmapError
from gridmap.reports.charts import alt_text, concentration_chart, ranked_bars, trend_chart, weekday_hour_chart
from gridmap.reports.paper_map import picture_of
from gridmap.reports.run_folder import RunFolder

__all__ = ["run_charts"]

#: Concentration and ranked bars are drawn for so many results: the first ones of the list.
MOST_RESULTS = 2
#: Fewer months or days make no trend: two Julys are compared by a test, not by a line.
LEAST_PERIODS = 3


def run_charts(run: RunFolder, language: str) -> list[tuple[bytes, float, str]]:
    """PNG, height as a share of the width, and caption of each chart that the run has numbers for.

    Parameters
    ----------
    run : RunFolder
    language : {"en", "zh"}
    """
    makers = []
    trend, hours = run.table("trend.parquet"), run.table("hours.parquet")
    concentration = run.table("concentration.parquet")
    for kind, part in trend.groupby("category", sort=True) if len(trend) else ():
        if len(part) >= LEAST_PERIODS:
            makers.append((trend_chart, part, {}, kind))
    for kind, part in hours.groupby("category", dropna=False, sort=True) if len(hours) else ():
        makers.append((weekday_hour_chart, part, {}, kind if isinstance(kind, str) else ""))
    shown = 0
    for entry in run.results:
        layer = next((la for la in entry["layers"] if la["what"] == "cells" and la["tested"]), None)
        counted = len(concentration) and (concentration["step"] == entry["step"]).any()
        if layer is None or not counted or shown == MOST_RESULTS:
            continue
        shown += 1
        counts = concentration.loc[concentration["step"] == entry["step"], "count"]
        name = layer["name"] if isinstance(layer["name"], str) else ""
        makers.append((concentration_chart, counts, {"places": None}, name))
        rows = [{"name": row["name"] or f"{row['rank']}", **row["values"]} for row in layer["ranked"]]
        if rows and "count" in rows[0]:
            makers.append((ranked_bars, pd.DataFrame(rows), {}, name))
    pictures = []
    for maker, table, options, name in makers:
        try:
            figure = maker(table, language=language, title=name or None, **options)
        except GridmapError:  # too little to draw: the sentences and tables have said what there is
            continue
        png, ratio = picture_of(figure, dpi=200)
        joint = "：" if language == "zh" else ": "
        pictures.append((png, ratio, f"{name}{joint}{alt_text(figure)}" if name else alt_text(figure)))
    return pictures
