"""The forecast stage: what to expect next where counting is beaten, else the mean count."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gridmap.forecasts.checked_forecast import ForecastResult, forecast
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.read.base import Incidents
from gridmap.runs.config import ForecastsStage, HotspotStep, Pipeline
from gridmap.runs.stages.past_forecasts import score_last_forecast

__all__ = ["forecast_stage"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def forecast_stage(
    pipeline: Pipeline, incidents: Incidents, grid: Grid, out: Path
) -> tuple[HotspotStep, HotspotResult]:
    """What the stage `forecasts` asks for, in the form of a step and its result, so that it is drawn and written alike.

    Parameters
    ----------
    pipeline : Pipeline
        With `forecasts`: the options of `gm.forecast`, and `category` and `name`.
    incidents, grid
        Of the run.
    out : Path
        Where the run will stand: the last forecast is looked for there and beside it, and scored.
    """
    stage = pipeline.forecasts or ForecastsStage()
    options, name = stage.options, stage.name
    chosen = incidents if stage.category is None else incidents.where(category=stage.category)
    found = forecast(chosen, grid, **options)
    taken = {key: options[key] for key in ("officer_initiated", "delay") if key in options}
    last = score_last_forecast(out, pipeline.path.name, pipeline.audience, name, chosen, grid, **taken)
    first = not any(step.show for step in pipeline.hotspots)  # the page opens on the forecast where nothing else is
    step = HotspotStep.model_construct(
        method="forecast", settings=options, category=stage.category, name=name, show=first
    )
    result = as_result(found, pipeline.language)
    return step, result if last is None else replace(result, notes=(*result.notes, last))


def as_result(found: ForecastResult, language: str = "en") -> HotspotResult:
    """A forecast as a result that every layer, paper and file can take: reasons as numbers and in words (`why`)."""
    words = ["; ".join(note.say(language) for note in reasons) or None for reasons in found.cells["reasons"]]
    cells = found.cells.drop(columns="reasons").assign(why=pd.Series(words, index=found.cells.index, dtype=object))
    begin, end = (t.strftime("%Y-%m-%d") for t in found.period)
    params = found.params | {"offered": found.offered, "model_used": found.model, "from": begin, "until": end}
    hours = busiest_shift(found)
    return HotspotResult(cells, "forecast", params, notes=(found.verdict, *(() if hours is None else (hours,))))


def busiest_shift(found: ForecastResult, hours: int = 4) -> Note | None:
    """When in the week the most is expected, as a sentence; None where the hours are not known."""
    if found.profile is None:
        return None
    share = found.profile.to_numpy().reshape(7, 24 // hours, hours).sum(axis=2)
    day, shift = np.unravel_index(int(share.argmax()), share.shape)
    return Note(
        "fact.forecast_hours",
        day=Note(f"weekday.{WEEKDAYS[day]}"),
        begin=int(shift) * hours,
        end=(int(shift) + 1) * hours,
        share=float(share[day, shift]),
        even=1 / share.size,
    )
