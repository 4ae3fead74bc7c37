"""The patrol stage: routes for a run's first hotspots, with places called by the names people know."""

from pathlib import Path
from typing import Any

import geopandas as gpd

from gridmap.errors import InputError
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.patrol.places import patrol_places
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.plan_folders import plan_to_folder
from gridmap.reports.facts import place_name
from gridmap.runs.config import Pipeline

__all__ = ["patrol_stage"]


def patrol_stage(
    pipeline: Pipeline, results: list[tuple[Any, Any]], boundaries: gpd.GeoDataFrame, folder: Path
) -> PatrolPlan:
    """Plan the patrols and write the papers for the shift into `folder`."""
    by_forecast = pipeline.patrol is not None and pipeline.patrol.prize == "forecast"
    found = [r for _, r in results if isinstance(r, HotspotResult) and len(r.cells)]
    hotspots = next((r for r in found if (r.method == "forecast") == by_forecast), None)
    if hotspots is None:
        raise InputError(Note("runs.patrols_need_hotspots"))
    options = {} if pipeline.patrol is None else pipeline.patrol.options
    choice = {name: options.pop(name) for name in ("days", "most", "effect") if name in options}
    places = patrol_places(hotspots, **choice)
    if "zone_id" in hotspots.cells:
        zones = hotspots.cells["zone_id"].reindex(places["place_id"])
        names = [place_name(zone, boundaries) for zone in zones]
        again = {name: names.count(name) > 1 for name in names}
        seen: dict[str, int] = {}
        for i, name in enumerate(names):  # several cells of one zone: numbered from the most urgent on
            seen[name] = seen.get(name, 0) + 1
            names[i] = f"{name} / {seen[name]}" if again[name] else name
        places = places.assign(place_id=names)
    return plan_to_folder(places, folder, language=pipeline.language, **options)[0]
