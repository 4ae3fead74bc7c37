"""The forecast stage: what to expect next where counting is beaten, else the mean count."""

from dataclasses import replace
from pathlib import Path

from gridmap.forecasts.offered import ForecastResult, forecast
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.read.base import Incidents
from gridmap.runs.config import ForecastsStage, HotspotStep, Pipeline
from gridmap.runs.stages.past_forecasts import score_last_forecast

__all__ = ["forecast_stage"]


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
    step = HotspotStep.model_construct(
        method="forecast", settings=options, category=stage.category, name=name, show=False
    )
    result = as_result(found)
    return step, result if last is None else replace(result, notes=(*result.notes, last))


def as_result(found: ForecastResult) -> HotspotResult:
    """A forecast as a result that every layer, paper and file can take: its reasons as numbers, not as sentences."""
    cells = found.cells.drop(columns="reasons")
    begin, end = (t.strftime("%Y-%m-%d") for t in found.period)
    params = found.params | {"offered": found.offered, "model_used": found.model, "from": begin, "until": end}
    return HotspotResult(cells, "forecast", params, notes=(found.verdict,))
