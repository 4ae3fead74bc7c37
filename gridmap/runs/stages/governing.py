"""How the grids work: the stages of a pipeline that a committee's own questions take.

`case_life`, `register`, `evaluations`, `together`, `denominators` and `sites` are each a function of
`gridmap.governance` with the options of the file, over the incidents and the grid of the run. Each gives a step and a
result, so that page, papers and files treat it like any other; and what it gives is already what the audience may have.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.audiences import AUDIENCES
from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapError, SettingError
from gridmap.governance.cases import case_life, lateness_hotspots
from gridmap.governance.colocation import colocation_quotient, cross_k
from gridmap.governance.denominators import standardised_rates
from gridmap.governance.evaluation import evaluate_intervention
from gridmap.governance.pipeline_results import (
    AreasWeNamed,
    CaseHandling,
    KindsTogether,
    Measures,
    RatesPerWhom,
    SitesAndRings,
)
from gridmap.governance.register import Register, WatchedAreas, follow_hotspots, hotspot_areas, watch_areas
from gridmap.governance.surroundings import site_rings
from gridmap.grids.base import Grid
from gridmap.grids.systems import make_grid
from gridmap.hotspots.default_method import hotspot_test
from gridmap.messages import Note, did_you_mean
from gridmap.privacy import release_result
from gridmap.privacy.safe_shapes import covered
from gridmap.read.features import read_features
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs
from gridmap.runs.config import GOVERNANCE, HotspotStep, Pipeline
from gridmap.runs.input_files import input_of

__all__ = ["governance_stages"]

Results = list[tuple[HotspotStep, Any]]


def governance_stages(
    pipeline: Pipeline,
    incidents: Incidents,
    grid: Grid,
    boundaries: gpd.GeoDataFrame,
    on_step: Callable[[str], Any],
) -> Results:
    """The results of all these stages that the file has, in the order in which a meeting asks.

    Parameters
    ----------
    pipeline, incidents, grid, boundaries
        Of the run, as the audience may have them.
    on_step : callable
        A context that names each stage, and keeps its seconds.
    """
    make = {
        "case_life": _case_life,
        "register": _register,
        "evaluations": _evaluations,
        "together": _together,
        "denominators": _denominators,
        "sites": _sites,
    }
    out: Results = []
    for name in GOVERNANCE:
        if getattr(pipeline, name):
            with on_step(name):
                out += make[name](pipeline, incidents, grid, boundaries)
    return out


def _step(method: str, stage: Any, **more: Any) -> HotspotStep:
    given = {key: getattr(stage, key, None) for key in ("category", "period", "name")}
    given |= {"settings": {}, "show": False} | more
    return HotspotStep.model_construct(method=method, **given)


def _chosen(incidents: Incidents, stage: Any) -> Incidents:
    filters = {key: getattr(stage, key, None) for key in ("category", "period")}
    return incidents.where(**{key: value for key, value in filters.items() if value is not None})


def _zone_names(boundaries: gpd.GeoDataFrame) -> pd.Series:
    ids = boundaries["zone_id"].astype(str)
    shown = boundaries.get("name", ids)
    names = pd.Series(shown.where(shown.notna(), ids).astype(str).to_numpy(), index=ids.to_numpy())
    twice = names.duplicated(keep=False)  # two villages of one name: with their codes
    return names.where(~twice, names + " (" + names.index.to_series() + ")")


def _case_life(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    stage = pipeline.case_life
    assert stage is not None
    chosen = _chosen(incidents, stage)
    options = {key: value for key, value in stage.options.items() if key != "by"}
    options |= {"columns": stage.columns, "now": stage.now, "indicators": stage.chosen, "thresholds": stage.thresholds}
    zones = make_grid(boundaries, system="zones")
    places = {"zone": zones, "cell": grid}
    by_place = places.get(stage.by)
    units = {"grid": by_place} if by_place is not None else {"by": stage.by}
    life = case_life(chosen, **units, **options)
    names = _zone_names(boundaries)
    if stage.by == "cell":
        names = _cell_names(grid, names)
    shapes = None if by_place is None else by_place.cells
    plain = {key: value for key, value in options.items() if key not in ("population", "judge", "thresholds")}
    more = {column: case_life(chosen, by=column, **plain).released(pipeline.audience) for column in stage.breakdowns}
    cells = case_life(chosen, grid, **plain).table
    cells = cells[["due", "on_time", "open", "overdue"]].add_prefix("handled_")
    params = {"by": stage.by, "alike": options.get("alike"), "now": str(life.params["now"])[:10]}
    params |= {"judge": life.judged_by, "level": life.params["level"]}
    found = CaseHandling(life.released(pipeline.audience), names, more, cells, shapes, params, life.notes)
    out: Results = [(_step("case_life", stage), found)]
    if stage.lateness:
        by = zones if by_place is None else by_place
        plain = {"alike": options.get("alike"), "columns": stage.columns, "now": stage.now}
        try:
            late = lateness_hotspots(chosen, by, permutations=199, random_state=0, **plain)
        except GridmapError as error:  # too few late events for a scan: a note, and the rest stands
            out[0] = (out[0][0], _noted(found, error))
        else:
            named = _step("spatial_scan", stage, name=Note("governance.lateness"))
            out.append((named, release_result(late, audience=pipeline.audience)))
    return out


def _noted(found: Any, error: GridmapError) -> Any:
    return replace(found, notes=(*found.notes, error.args[0]))


def _cell_names(grid: Grid, zones: pd.Series) -> pd.Series:
    """A grid by its code, else by its zone and id."""
    if "code" in grid.cells:
        return grid.cells["code"].astype(str)
    if "zone_id" not in grid.cells:
        return pd.Series(grid.cells.index.astype(str), index=grid.cells.index)
    zone = grid.cells["zone_id"].astype(str)
    return zone.map(zones).fillna(zone) + " " + grid.cells.index.astype(str)


def _register(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    stage = pipeline.register
    assert stage is not None
    watched = None
    if stage.path is not None:
        register = Register.read(pipeline.beside(stage.path))
        on = stage.day or str(incidents.to_frame(["occurred_to"])["occurred_to"].max())[:10]
        hot = _hotspots_of_kinds(pipeline, register, incidents, grid)
        watched = watch_areas(register, hot, on=on, within_days=stage.within_days, **stage.options)
        watched = _no_addresses(watched, pipeline.audience)
    followed = {}
    for follow in stage.follow:
        own = incidents if follow.category is None else incidents.where(category=follow.category)
        at = {str(period): own.where(period=period) for period in follow.periods}
        name = follow.name or _kinds_name(follow.category)
        hot_then = {period: _hotspots(part, grid, pipeline) for period, part in at.items()}
        totals = {period: float(len(part)) for period, part in at.items()}
        found = follow_hotspots(hot_then, totals=totals, **stage.options)
        followed[name] = replace(found, now=found.now.assign(place=_place_of(found.now, boundaries)))
    params = {"within_days": stage.within_days, **stage.options}
    notes = tuple(watched.notes) if watched is not None else ()
    return [(_step("register", stage), AreasWeNamed(watched, followed, params, notes))]


def _no_addresses(watched: WatchedAreas, audience: str) -> WatchedAreas:
    """Outlines smaller than the audience's smallest cell, which are as good as an address, as the cells they touch."""
    least, areas = AUDIENCES[audience].finest_cell_m2, watched.areas
    drawn = areas[areas.geometry.notna()]
    if not least or not len(drawn):
        return watched
    size = drawn.geometry.to_crs(metric_crs(tuple(drawn.total_bounds))).area
    small = drawn[size < least]
    if not len(small):
        return watched
    areas = areas.copy()
    areas.loc[small.index, "geometry"] = covered(small[["geometry"]]).geometry
    note = Note("governance.small_areas_widened", names=list(small["name"]), least=least)
    return replace(watched, areas=areas, notes=(*watched.notes, note))


def _hotspots_of_kinds(
    pipeline: Pipeline, register: Register, incidents: Incidents, grid: Grid
) -> dict[str | None, gpd.GeoDataFrame]:
    """Hotspots of now of each kind that an area was named for; of the file's `category` alone, where it has one."""
    stage = pipeline.register
    assert stage is not None
    at = incidents if stage.period is None else incidents.where(period=stage.period)
    there = set(at.to_frame(["category"])["category"].dropna())
    wanted = stage.category if isinstance(stage.category, list) else [stage.category]
    kinds = sorted({a.category for a in register.areas} & there) if stage.category is None else wanted
    return {kind: _hotspots(at.where(category=kind), grid, pipeline) for kind in kinds}


def _place_of(areas: gpd.GeoDataFrame, boundaries: gpd.GeoDataFrame) -> list[str | None]:
    """The name of the zone in which the middle of each area lies."""
    names = _zone_names(boundaries).to_numpy()
    middles = areas.geometry.representative_point().to_numpy()
    row, zone = shapely.STRtree(boundaries.geometry.to_numpy()).query(middles, predicate="intersects")
    at = dict(zip(row.tolist()[::-1], zone.tolist()[::-1], strict=True))
    return [str(names[at[i]]) if i in at else None for i in range(len(areas))]


def _kinds_name(category: Any) -> str:
    if category is None:
        return ""
    return category if isinstance(category, str) else "、".join(category)


def _hotspots(incidents: Incidents, grid: Grid, pipeline: Pipeline) -> gpd.GeoDataFrame:
    """The hotspots of some incidents, by the settings that the file has for its first `hotspot_test`."""
    first = next((step.options for step in pipeline.hotspots if step.method == "hotspot_test"), {})
    return hotspot_areas(hotspot_test(count_by_cell(incidents, grid), grid, **first))


def _evaluations(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    register = None
    if pipeline.register is not None and pipeline.register.path is not None:
        register = Register.read(pipeline.beside(pipeline.register.path))
    found, areas, notes = {}, {}, []
    for stage in pipeline.evaluations:
        area = _area(pipeline, stage, register)
        areas[stage.name] = shapely.union_all(area.geometry.to_numpy())
        frame = _chosen(incidents, stage).to_frame()
        at = frame["occurred_from"] + (frame["occurred_to"] - frame["occurred_from"]) / 2
        kept = at.notna()
        kept &= True if stage.since is None else at >= pd.Timestamp(stage.since)
        kept &= True if stage.end is None else at < pd.Timestamp(stage.end)
        late = at >= pd.Timestamp(stage.start)
        options = dict(stage.options)
        if stage.chosen_for_its_peak:
            options["chosen_from"] = boundaries
        else:
            options.pop("exposure", None)
        try:
            found[stage.name] = evaluate_intervention(
                frame[kept & ~late], frame[kept & late], area, boundaries, stage.buffer, **options
            )
        except GridmapError as error:
            notes.append(Note("governance.not_judged", name=stage.name, why=error.args[0]))
    frame = gpd.GeoDataFrame(geometry=list(areas.values()), index=pd.Index(list(areas), name="name"), crs=4326)
    names = {"measures": list(areas)}
    step = HotspotStep.model_construct(method="evaluations", settings={}, category=None, name=None, show=False)
    return [(step, Measures(found, frame, names, tuple(notes)))]


def _area(pipeline: Pipeline, stage: Any, register: Register | None) -> gpd.GeoDataFrame:
    """The area of a measure: a file, or an area of the register by its id or name."""
    written = stage.area
    if register is not None:
        one = next((a for a in register.areas if written in (a.id, a.name)), None)
        if one is not None:
            if not one.area:
                raise SettingError(Note("runs.area_not_drawn", found=written))
            return gpd.GeoDataFrame(geometry=[shapely.from_wkt(one.area)], crs=4326)
    if written.startswith("sample:") or pipeline.beside(written).is_file():
        place = input_of(pipeline, written)
        return place if isinstance(place, gpd.GeoDataFrame) else read_features(place)
    known = [] if register is None else [a.name for a in register.areas]
    meant = did_you_mean(written, known)
    raise SettingError(Note("runs.evaluation_area", found=written, name=stage.name, meant=meant))


def _together(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    stage = pipeline.together
    assert stage is not None
    own = incidents if stage.period is None else incidents.where(period=stage.period)
    kinds = own if stage.kinds is None else own.where(category=stage.kinds)
    frame = kinds.to_frame(["lon", "lat", "category"]).dropna()
    quotients = colocation_quotient(frame, k=stage.k, permutations=stage.permutations, random_state=0)
    quotients = _without_points(quotients, pipeline.audience)
    curves = {}
    for first, second in stage.pairs:
        curves[first, second] = cross_k(
            own.where(category=first),
            own.where(category=second),
            stage.distances_m,
            null=stage.null,
            simulations=stage.permutations,
            random_state=0,
        )
    params = {"k": stage.k, "permutations": stage.permutations, "null": stage.null, "distances_m": stage.distances_m}
    return [(_step("together", stage, category=stage.kinds), KindsTogether(quotients, curves, params))]


def _without_points(found: Any, audience: str) -> Any:
    """A row for each point is the analyst's alone."""
    return found if audience == "internal" else replace(found, local=found.local.iloc[:0])


def _denominators(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    stage = pipeline.denominators
    assert stage is not None
    zones = make_grid(boundaries, system="zones")
    counts = count_by_cell(_chosen(incidents, stage), zones)["count"]
    areas = pd.DataFrame(boundaries.drop(columns="geometry")).set_index(boundaries["zone_id"].astype(str).to_numpy())
    areas["count"] = counts.reindex(areas.index, fill_value=0).to_numpy()
    if stage.unit is None:
        areas.index = pd.Index(_zone_names(boundaries).reindex(areas.index).to_numpy(), name="unit")
    found = standardised_rates(areas, unit=stage.unit, **stage.options)
    params = dict(found.params) | {"unit": stage.unit}
    return [(_step("denominators", stage), RatesPerWhom(found, params))]


def _sites(pipeline: Pipeline, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame) -> Results:
    stage = pipeline.sites
    assert stage is not None
    sites, roads = (_features(pipeline, path) for path in (stage.path, stage.roads))
    options = {key: value for key, value in stage.options.items() if key != "rings_m"}
    whole = gpd.GeoDataFrame(geometry=boundaries.geometry.to_numpy(), crs=4326)
    chosen = _chosen(incidents, stage)
    found = site_rings(sites, chosen, stage.rings_m, roads=roads, territory=whole, **options)
    params = {key: value for key, value in found.params.items() if not isinstance(value, np.ndarray)}
    return [(_step("sites", stage, name=stage.title), SitesAndRings(found, params))]


def _features(pipeline: Pipeline, path: str | None) -> gpd.GeoDataFrame | None:
    if path is None:
        return None
    place = input_of(pipeline, path)
    return place if isinstance(place, gpd.GeoDataFrame) else read_features(place)
