"""How the last forecast did: with every run that makes a forecast, from the runs of the same pipeline beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridmap._intervals import share_interval
from gridmap.errors import GridmapError
from gridmap.forecasts.base import History, moment
from gridmap.grids.base import Grid
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.reports.results_folder import RunFolder, runs_beside

__all__ = ["score_last_forecast"]


def score_last_forecast(
    out: Path, pipeline: str, audience: str, name: str | None, incidents: Incidents, grid: Grid, **taken: Any
) -> Note | None:
    """The score of the newest forecast whose period is over in these incidents; None where there is none.

    Parameters
    ----------
    out : Path
        The folder that the run will write; an earlier run in it, or beside it, holds the forecast.
    pipeline, audience, name : str
        The forecast is one of the same pipeline file, audience and name.
    incidents, grid
        Those of the stage; an earlier forecast on other cells is passed over.
    **taken
        `officer_initiated` and `delay`, as the stage has them.

    Returns
    -------
    Note or None
        `fact.last_forecast`: hits among the incidents of its period, with the 95 % interval of the share, beside those
        of the mean count in the same area; also when it was made, its PAI, and what its back-test promised, for the
        page "did the last forecast hold" of the papers.
    """
    officer = taken.get("officer_initiated", False)
    known = History.of(incidents, grid, officer_initiated=officer)
    late = pd.Timedelta(taken["delay"]) / pd.Timedelta("1D") if taken.get("delay") else 0.0
    scores: list[tuple] = []
    elsewhere: list[tuple[float, dict]] = []
    for run in runs_beside(out, pipeline):
        if run.audience != audience:
            continue
        for entry in run.results:
            if entry.get("method") == "forecast" and entry.get("name") == name:
                end, cells = _forecast_of(run, entry)
                if cells is None or end > known.until - late:
                    continue
                if set(cells.index) == set(grid.cells.index):
                    scores.append((end, run, entry, cells))
                else:
                    elsewhere.append((end, entry["params"]))
    if not scores and elsewhere:
        _, params = max(elsewhere, key=lambda other: other[0])
        return Note("fact.last_forecast_other_cells", begin=params["from"], end=params["until"])
    if not scores:
        return None
    _, run, entry, cells = max(scores, key=lambda score: score[0])
    params = entry["params"]
    cells = cells.reindex(grid.cells.index)
    begin, end = moment(params["from"]), moment(params["until"])
    seen = known.counts(begin, end)
    total, area = float(seen.sum()), cells["area_m2"].to_numpy(float)
    chosen = cells["chosen"].to_numpy(bool)
    order = np.lexsort((area, -cells["a_year"].to_numpy(float)))
    by_count = order[area[order].cumsum() <= area[chosen].sum() * (1 + 1e-9)]
    hits, count_hits = float(seen[chosen].sum()), float(seen[by_count].sum())
    numbers: dict[str, Any] = {"begin": params["from"], "end": params["until"], "incidents": int(total)}
    if not total:
        return Note("fact.last_forecast_empty", **numbers)
    low, high = share_interval(hits, total)
    share, count_share = float(area[chosen].sum() / area.sum()), float(area[by_count].sum() / area.sum())
    return Note(
        "fact.last_forecast",
        **numbers,
        hits=int(hits),
        hit_rate=hits / total,
        low=low,
        confidence=0.95,
        high=high,
        share=share,
        count_hits=int(count_hits),
        expected=float(cells["expected"].sum()),
        made=run.written[:10],
        horizon_days=end - begin,
        offered=bool(params.get("offered")),
        pai=hits / total / share if share else None,
        count_hit_rate=count_hits / total,
        count_share=count_share,
        count_pai=count_hits / total / count_share if count_share else None,
        **_promised_by(run, entry, low, high),
    )


def _promised_by(run: RunFolder, entry: dict, low: float, high: float) -> dict[str, Any]:
    """What the back-test of an earlier forecast promised, and where it lies beside the interval of what happened."""
    verdicts = [f.values for f in run.facts if f.step == entry.get("step") and f.kind.startswith("forecast_")]
    promise = {k: v for values in verdicts for k, v in values.items() if k.startswith("promised_")}
    rate = promise.get("promised_hit_rate")
    if rate is None:
        return promise
    return promise | {"held": "below" if high < rate else "above" if low > rate else "within"}


def _forecast_of(run: RunFolder, entry: dict) -> tuple[float, pd.DataFrame | None]:
    """The end of a forecast's period and its cells, where its table can be read."""
    try:
        end = moment(entry["params"]["until"])
        cells = run.table(next(layer["file"] for layer in entry["layers"]))
    except (GridmapError, KeyError, StopIteration):
        return 0.0, None
    return end, cells if {"chosen", "expected", "a_year", "area_m2"} <= set(cells.columns) else None
