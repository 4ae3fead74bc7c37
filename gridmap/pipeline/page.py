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
from gridmap.maps.patrols import patrol_layers
from gridmap.pipeline.check import Pipeline
from gridmap.read.base import Incidents

__all__ = ["map_page"]


def map_page(
    pipeline: Pipeline, boundaries: gpd.GeoDataFrame, incidents: Incidents, results, sentences: list[str], plan=None
):
    """The page that shows every result of a run: cells as themes, clusters as overlays, zones as context."""
    layers = []
    shown = False
    for step, result in results:
        name = step.name  # None: the layer's own name, in the page's language
        if not isinstance(result, HotspotResult):
            continue
        if isinstance(result, DensityResult):
            layers.append(density_layer(result, name=name, show=step.show and not shown))
            shown = shown or step.show
        elif len(result.cells):
            layers.append(hotspot_layer(result, name=name, show=step.show and not shown))
            shown = shown or step.show
        if result.clusters is not None and len(result.clusters):
            layers.append(clusters_layer(result, name=name))
    if plan is not None:
        layers.extend(patrol_layers(plan))
    layers.append(boundaries_layer(boundaries))
    return build_map(
        layers,
        title=pipeline.title,
        language=pipeline.language,
        period=period_of(incidents),
        incidents=len(incidents),
        set_aside=len(incidents.set_aside),
        notes=sentences,
        boundaries=boundaries,
        audience=pipeline.audience,
        **pipeline.about,
    )


def period_of(incidents: Incidents) -> str | None:
    """The months or days that the incidents lie in, as in "2018-07" or "2017-07 – 2018-07"."""
    times = incidents.to_frame(["occurred_from", "occurred_to"]).dropna()
    if not len(times):
        return None
    first, last = times["occurred_from"].min(), times["occurred_to"].max()
    vague = (times["occurred_to"] - times["occurred_from"]).median() > pd.Timedelta(days=1)
    if vague:  # ends are exclusive
        last -= pd.Timedelta(microseconds=1)
    unit = "%Y-%m" if vague else "%Y-%m-%d"
    first, last = first.strftime(unit), last.strftime(unit)
    return first if first == last else f"{first} – {last}"
