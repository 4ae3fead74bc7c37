"""From a run's results to its map page."""

import geopandas as gpd
import pandas as pd

from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.surfaces import DensityResult
from gridmap.maps import (
    boundaries_layer,
    build_map,
    clusters_layer,
    density_layer,
    hotspot_layer,
)
from gridmap.maps.layers import Layer
from gridmap.maps.patrols import patrol_layers
from gridmap.read.base import Incidents
from gridmap.reports.findings import period_of
from gridmap.runs.check import Pipeline

__all__ = ["map_layers", "map_page"]


def map_layers(pipeline: Pipeline, boundaries: gpd.GeoDataFrame, results, plan=None) -> list[tuple[int | None, Layer]]:
    """Every layer of the page with the number of its result, from 1: cells as themes, clusters as overlays."""
    layers: list[tuple[int | None, Layer]] = []
    shown = False
    for number, (step, result) in enumerate(results, start=1):
        name = step.name  # None: the layer's own name, in the page's language
        if not isinstance(result, HotspotResult):
            continue
        if isinstance(result, DensityResult):
            layers.append((number, density_layer(result, name=name, show=step.show and not shown)))
            shown = shown or step.show
        elif len(result.cells):
            layers.append((number, hotspot_layer(result, name=name, show=step.show and not shown)))
            shown = shown or step.show
        if result.clusters is not None and len(result.clusters):
            layers.append((number, clusters_layer(result, name=name)))
    if plan is not None:
        start = pipeline.patrol.get("start", "08:00")
        layers.extend((None, layer) for layer in patrol_layers(plan, start=start))
    return [*layers, (None, boundaries_layer(boundaries))]


def map_page(
    pipeline: Pipeline,
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    layers: list[tuple[int | None, Layer]],
    sentences: list[str],
    hierarchy: pd.DataFrame | None = None,
):
    """The page that shows every result of a run, of the layers that `map_layers` made."""
    return build_map(
        [layer for _, layer in layers],
        title=pipeline.title,
        language=pipeline.language,
        period=period_of(incidents),
        incidents=len(incidents),
        set_aside=len(incidents.set_aside),
        notes=sentences,
        boundaries=boundaries,
        audience=pipeline.audience,
        hierarchy=hierarchy,
        **pipeline.about,
    )
