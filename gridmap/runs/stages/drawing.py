"""From a run's results to its map page."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.counts.query import count_by_cell
from gridmap.errors import InputError
from gridmap.forecasts.checked_forecast import ForecastCells
from gridmap.governance.pipeline_results import AGENDA, AreasWeNamed, CaseHandling
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.maps import boundaries_layer, build_map, cells_layer, context_layers, layers_of, patrol_layers
from gridmap.maps.layers import ContextLayer, Layer, handling_layer, named_areas_layer
from gridmap.maps.meeting_questions import VERDICTS
from gridmap.maps.released_layers import ReleasedLayers, release_layers
from gridmap.messages import Note
from gridmap.read.context_features import read_context
from gridmap.read.incident_table import Incidents
from gridmap.read.roads import read_roads
from gridmap.reports.findings import period_of
from gridmap.runs.config import Pipeline, TimelineStage

__all__ = ["map_layers", "map_page"]


def map_layers(
    pipeline: Pipeline,
    boundaries: gpd.GeoDataFrame,
    results,
    plan=None,
    *,
    incidents: Incidents | None = None,
    grid: Grid | None = None,
) -> ReleasedLayers:
    """Every layer of the page, released and ranked: cells as themes, clusters as overlays, patrols, zones.

    Parameters
    ----------
    pipeline, boundaries, results, plan
        Of the run.
    incidents : Incidents, optional
        To tell of each theme which months or days it speaks of, and for the counts of `timeline:`.
    grid : Grid, optional
        For the counts of `timeline:`.
    """
    layers: list[tuple[int | None, Layer]] = []
    shown = False
    first = not any(step.show for step, _ in results)  # no step is shown: the page opens on a stage's own answer
    for number, (step, result) in enumerate(results, start=1):
        if isinstance(result, AGENDA):
            layers.extend((None, layer) for layer in _governed(result, step.name, show=first))
        if not isinstance(result, HotspotResult) or not (len(result.cells) or result.clusters is not None):
            continue
        period = _period_of_step(step, incidents)
        for layer in layers_of(result, name=step.name, show=step.show and not shown):
            if len(layer.frame):
                layers.append((number, replace(layer, period=period, show=layer.show and step.show)))
                shown = shown or (step.show and layer.role == "theme")
        if isinstance(result, ForecastCells):
            clock = not any(timeline.every == "hour_of_week" for timeline in pipeline.timeline)
            layers.extend(
                (None, layer) for layer in _beside_forecast(result, step.name, boundaries, grid if clock else None)
            )
    if grid is not None and incidents is not None:
        layers.extend((None, _in_time(step, incidents, grid, pipeline.engine)) for step in pipeline.timeline)
    if plan is not None:
        start = "08:00" if pipeline.patrol is None else pipeline.patrol.options.get("start", "08:00")
        layers.extend((None, layer) for layer in patrol_layers(plan, start=start))
    layers.extend((None, layer) for layer in _surroundings(pipeline, boundaries))
    layers.append((None, boundaries_layer(boundaries)))
    numbers = [number for number, _ in layers]
    drawn = [layer for _, layer in layers]
    return release_layers(drawn, pipeline.audience, numbers=numbers, streets=_streets(pipeline, drawn))


def _streets(pipeline: Pipeline, layers: Sequence[Layer]) -> gpd.GeoDataFrame | None:
    """The patrols' streets, to name places by, where no surroundings draw any."""
    if pipeline.patrol is None or pipeline.patrol.roads is None:
        return None
    if any(isinstance(layer, ContextLayer) and layer.surround == "streets" for layer in layers):
        return None
    return read_roads(pipeline.patrol.roads)


def _surroundings(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> list[Layer]:
    """Streets, water, railways and names, of all the files of `context:` together."""
    if not pipeline.context:
        return []
    files = [read_context(pipeline.beside(stage.path), **stage.options) for stage in pipeline.context]
    together = gpd.GeoDataFrame(pd.concat(files, ignore_index=True), geometry="geometry", crs=4326)
    layers = context_layers(together, boundaries=boundaries)
    if not layers:
        raise InputError(Note("runs.context_elsewhere", files=[stage.path for stage in pipeline.context]))
    return list(layers)


def _beside_forecast(
    result: ForecastCells, name: str | None, boundaries: gpd.GeoDataFrame, grid: Grid | None
) -> list[Layer]:
    """How often each neighbourhood would have been chosen; and the chosen cells by the hour of the week, on a clock.

    Without a grid there is no clock: the run has one of its own.
    """
    layers: list[Layer] = []
    about = name or Note("method.forecast.name")
    tested = tuple(note for note in result.notes if getattr(note, "code", "") in VERDICTS)
    if result.exposure is not None and set(result.exposure.index) <= set(boundaries["zone_id"]):
        shares = [c for c in ("of_chosen", "of_incidents", "of_residents", "of_area") if c in result.exposure]
        percent = (100 * result.exposure[shares]).round(1)
        zones = boundaries.set_index("zone_id")[[c for c in ("name", "geometry") if c in boundaries]].join(percent)
        zones = zones[zones["of_chosen"].notna()]
        title = Note("page.forecast_exposure", forecast=about)
        unit = Note("page.exposure_unit", periods=result.params["periods_tested"])
        layers.append(cells_layer(zones, "of_chosen", name=title, unit=unit, columns=shares[1:], show=False))
    chosen = result.cells[result.cells["chosen"] & (result.cells["expected"] > 0)]
    if grid is not None and result.hours is not None and len(chosen):
        share = result.hours.to_numpy().ravel() / result.hours.to_numpy().sum()
        index = pd.MultiIndex.from_product([chosen.index, range(168)], names=["cell_id", "period"])
        by_hour = np.outer(chosen["expected"], share).ravel()
        cells = pd.DataFrame({"expected": by_hour.round(5)}, index=index)
        title = Note("page.forecast_by_hour", forecast=about)
        layers.append(cells_layer(cells, "expected", grid=grid, name=title, unit=Note("page.expected"), show=False))
    return [replace(layer, notes=tested) for layer in layers]


def _in_time(step: TimelineStage, incidents: Incidents, grid: Grid, engine: str) -> Layer:
    """Counts of every period, on the slider; of hours of the week, on the clock."""
    of_period = incidents if step.period is None else incidents.where(period=step.period)
    counts = count_by_cell(of_period, grid, every=step.every, category=step.category, engine=engine)
    named = ", ".join([step.category] if isinstance(step.category, str) else step.category or [])
    code = "page.timeline_hours" if step.every == "hour_of_week" else "page.timeline_periods"
    name = step.name or Note(code, kinds=named or Note("page.timeline_all"))
    spoken_of = step.period or period_of(of_period.where(category=step.category))
    return replace(cells_layer(counts, "count", grid=grid, name=name, show=False), period=spoken_of)


def _governed(result: Any, name: str | None, *, show: bool) -> list[Layer]:
    """What the stages of governance have to show: named areas, followed hotspots, units by how they handle."""
    if isinstance(result, CaseHandling) and result.shapes is not None and result.life.judged_by is not None:
        return [handling_layer(result.life, result.shapes, name=name, show=show)]
    if not isinstance(result, AreasWeNamed):
        return []
    out: list[Layer] = []
    drawn = None if result.watched is None else result.watched.areas[result.watched.areas.geometry.notna()]
    if drawn is not None and len(drawn):
        out.append(named_areas_layer(drawn, name=name))
    for kind, found in result.followed.items():
        if len(found.now):
            places = found.now.get("place", found.now.index.to_series().astype(str))
            now = found.now.assign(name=places)
            title = Note("page.followed", kind=kind) if kind else Note("page.followed_all")
            out.append(named_areas_layer(now, column="status", name=title, show=not out))
    return out


def _period_of_step(step, incidents: Incidents | None) -> str | None:
    if step.period is not None:
        return str(step.period)
    before, after = step.options.get("before"), step.options.get("after")
    if before is not None and after is not None:
        return f"{before} – {after}"
    return None if incidents is None else period_of(incidents.where(**step.of_whom))


def map_page(
    pipeline: Pipeline,
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    layers: ReleasedLayers,
    notes: Sequence[Note],
    hierarchy: pd.DataFrame | None = None,
    handled: pd.DataFrame | None = None,
):
    """The page that shows every result of a run, of the layers that `map_layers` made."""
    return build_map(
        layers,
        title=pipeline.title,
        language=pipeline.language,
        period=period_of(incidents),
        incidents=len(incidents),
        set_aside=len(incidents.set_aside),
        notes=notes,
        audience=pipeline.audience,
        hierarchy=hierarchy,
        handled=handled,
        story=pipeline.story,
        **pipeline.about,
    )
