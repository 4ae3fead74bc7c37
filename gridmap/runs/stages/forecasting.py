"""The forecast stage: what to expect next where counting is beaten, else the mean count."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._intervals import fullest_window
from gridmap.forecasts.checked_forecast import ForecastCells, ForecastResult, forecast
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.ranking import zone_names
from gridmap.messages import WEEKDAYS, Note
from gridmap.read.incident_table import Incidents
from gridmap.runs.config import ForecastsStage, HotspotStep, Pipeline
from gridmap.runs.stages.past_forecasts import score_last_forecast

__all__ = ["forecast_stage"]


def forecast_stage(
    pipeline: Pipeline,
    incidents: Incidents,
    grid: Grid,
    out: Path,
    boundaries: gpd.GeoDataFrame | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
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
    boundaries : GeoDataFrame, optional
        For the names of the neighbourhoods.
    progress : callable, optional
        Called with the past periods tested and in all.
    """
    stage = pipeline.forecasts or ForecastsStage()
    options, name = stage.options, stage.name
    chosen = incidents if stage.category is None else incidents.where(category=stage.category)
    found = forecast(chosen, grid, **options, progress=progress)
    taken = {key: options[key] for key in ("officer_initiated", "delay") if key in options}
    last = score_last_forecast(out, pipeline.path.name, pipeline.audience, name, chosen, grid, **taken)
    first = not any(step.show for step in pipeline.hotspots)  # the page opens on the forecast where nothing else is
    step = HotspotStep.model_construct(
        method="forecast", settings=options, category=stage.category, name=name, show=first
    )
    result = as_result(found, pipeline.language, zone_names(boundaries).names)
    return step, result if last is None else replace(result, notes=(*result.notes, last))


def as_result(found: ForecastResult, language: str = "en", names: dict[str, str] | None = None) -> ForecastCells:
    """A forecast as a result that every layer, paper and file can take: reasons as numbers and in words (`why`).

    Beside it stand how often each neighbourhood would have been chosen, and the hours of the week.
    """
    words = ["; ".join(note.say(language) for note in reasons) or None for reasons in found.cells["reasons"]]
    cells = found.cells.drop(columns="reasons").assign(why=pd.Series(words, index=found.cells.index, dtype=object))
    begin, end = (t.strftime("%Y-%m-%d") for t in found.period)
    params = found.params | {"offered": found.offered, "model_used": found.model, "from": begin, "until": end}
    exposure = exposure_of(found, names or {})
    stated = [found.verdict, busiest_shift(found), None if exposure is None else most_exposed(exposure)]
    days = (found.period[1] - found.period[0]) / pd.Timedelta("1D")
    hours = None if found.profile is None else found.profile * float(cells["expected"].sum()) * 7 / days
    stated += found.notes
    notes = tuple(note for note in stated if note is not None)
    return ForecastCells(cells, "forecast", params, notes=notes, exposure=exposure, hours=hours)


def exposure_of(found: ForecastResult, names: dict[str, str]) -> pd.DataFrame | None:
    """How often what is offered would have chosen each neighbourhood; None untested, or where there is only one."""
    tested = found.backtest
    if tested is None or found.model not in tested.chosen or not tested.chosen[found.model].any():
        return None
    table = tested.exposure(found.model)
    if len(table) < 2:
        return None
    if table["of_residents"].isna().all():
        table = table.drop(columns="of_residents")
    table.insert(0, "neighbourhood", [names.get(str(zone), str(zone)) for zone in table.index])
    return table


def most_exposed(exposure: pd.DataFrame) -> Note:
    """The neighbourhood that is chosen most beyond its share of the incidents, in a sentence."""
    row = exposure.iloc[int((exposure["of_chosen"] - exposure["of_incidents"]).to_numpy().argmax())]
    shares = {key: float(row[key]) for key in ("of_chosen", "of_incidents", "of_area")}
    if "of_residents" in exposure and np.isfinite(row["of_residents"]):
        return Note(
            "fact.forecast_exposure_people", zone=row["neighbourhood"], residents=float(row["of_residents"]), **shares
        )
    return Note("fact.forecast_exposure", zone=row["neighbourhood"], **shares)


def busiest_shift(found: ForecastResult, hours: int = 4) -> Note | None:
    """When in the week the most is expected, as a sentence; None where the hours are not known.

    Shifts are named only where they hold more incidents of the past than if all were alike.
    """
    if found.profile is None:
        return None
    share = found.profile.to_numpy().reshape(7, 24 // hours, hours).sum(axis=2)
    busiest, _, by_chance = fullest_window(share.ravel() * found.params["timed"])
    if by_chance > 0.05:
        return Note("fact.forecast_hours_alike")
    day, shift = np.unravel_index(busiest, share.shape)
    return Note(
        "fact.forecast_hours",
        day=Note(f"weekday.{WEEKDAYS[day]}"),
        begin=int(shift) * hours,
        end=(int(shift) + 1) * hours,
        share=float(share[day, shift]),
        even=1 / share.size,
    )
