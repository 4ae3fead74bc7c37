"""The patrol stage: routes for a run's first hotspots, with places called by the names people know."""

from pathlib import Path
from typing import Any

import geopandas as gpd

from gridmap.errors import InputError
from gridmap.hotspots.cores import at_corner, street_corners
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, say
from gridmap.patrol.places import patrol_places
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.plan_from_options import plan_to_folder
from gridmap.read.roads import read_roads
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
        names = _at_corners([place_name(zone, boundaries) for zone in zones], places, pipeline)
        again = {name: names.count(name) > 1 for name in names}
        seen: dict[str, int] = {}
        for i, name in enumerate(names):  # still several of one name: numbered from the most urgent on
            seen[name] = seen.get(name, 0) + 1
            names[i] = f"{name} / {seen[name]}" if again[name] else name
        places = places.assign(place_id=names)
    return plan_to_folder(places, folder, language=pipeline.language, **options)[0]


def _at_corners(names: list[str], places: gpd.GeoDataFrame, pipeline: Pipeline) -> list[str]:
    """The names, those of several cells of one zone with the corner each lies at, as the map calls them."""
    roads = None if pipeline.patrol is None else pipeline.patrol.roads
    several = [names.count(name) > 1 for name in names]
    if roads is None or not any(several):
        return names
    at = places.geometry.get_coordinates().to_numpy()
    corners = street_corners(at, [0.0] * len(at), read_roads(roads))
    return [
        say(at_corner(name, corner) or name, pipeline.language) if more else name
        for name, corner, more in zip(names, corners, several, strict=True)
    ]
