"""Run a checked pipeline: read → grid → count → hotspots → map and files.

Outputs are written into a hidden folder and appear when all of them are whole (`gridmap.runs.folder`), so a run
that fails or is killed leaves nothing half-written. Where `run.json` stands, the run was whole.
"""

import dataclasses
import re
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap._io import sha256_of
from gridmap._periods import every_of
from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapWarning, InputError
from gridmap.exports import export, write_layers, write_table
from gridmap.grids.base import Grid
from gridmap.hotspots.methods import METHODS, inputs_of, other_incidents
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.stability import hotspot_stability
from gridmap.hotspots.surfaces import DensityResult
from gridmap.messages import Note
from gridmap.privacy import gate_text
from gridmap.read.base import Incidents
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents
from gridmap.reports.briefing import check_paper
from gridmap.reports.findings import gather_findings
from gridmap.runs.audience import record_for, restrict_inputs, shown_step, surface_incidents, what_is_told
from gridmap.runs.check import HotspotStep, Pipeline
from gridmap.runs.files import InputFiles, fixed_gdal_date, outputs_as_errors, portable_relative_path
from gridmap.runs.folder import staging
from gridmap.runs.grids import drawn_layer, grid_facts, grid_stage, hierarchy_of, write_grid_tables
from gridmap.runs.limits import refuse_beyond
from gridmap.runs.page import in_every_language, map_layers, map_page
from gridmap.runs.record import run_id, write_record
from gridmap.runs.results_folder import write_report
from gridmap.runs.stages.forecast import forecast_stage
from gridmap.runs.stages.patrol import patrol_stage
from gridmap.runs.tables import facts_of, tables_of

__all__ = ["RunReport", "read_all_incidents", "run_pipeline"]


@dataclass(frozen=True)
class RunReport:
    """What a run found and wrote.

    Attributes
    ----------
    results : list of (HotspotStep, result)
        A HotspotResult, or a table or statistic of the whole territory.
    outputs : dict from output key to Path
    summary : list of str
        Plain sentences, in the pipeline's language.
    seconds : dict from step to seconds
    warnings : list of str
        What was said on the way.
    """

    pipeline: Pipeline
    boundaries: gpd.GeoDataFrame
    grid: Grid
    incidents: Incidents
    results: list[tuple[HotspotStep, Any]]
    outputs: dict[str, Path]
    summary: list[str]
    seconds: dict[str, float]
    warnings: list[str] = field(default_factory=list)


class _Clock:
    """Names each step to whoever watches, and keeps its seconds."""

    def __init__(self, on_step: Callable[[str], None] | None):
        self.on_step = on_step or (lambda name: None)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str):
        self.on_step(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - began, 3)


def run_pipeline(
    pipeline: Pipeline,
    out: str | Path = "out",
    *,
    on_step: Callable[[str], None] | None = None,
    who: str | None = None,
) -> RunReport:
    """Run a pipeline and write its outputs into a folder.

    Parameters
    ----------
    pipeline : Pipeline
        As `read_pipeline` gives it.
    out : str or Path
        The folder; made if absent. Files of an earlier run are replaced.
    on_step : callable, optional
        Told the name of each step as it begins.
    who : str, optional
        For the audit; nobody is named when it is not given.

    Returns
    -------
    RunReport

    Raises
    ------
    OutputError
        If the folder cannot be written; asked before any work starts.
    GridmapError
        For whatever a stage finds wrong.
    """
    clock = _Clock(on_step)
    if "report" in pipeline.outputs:
        check_paper(Path(pipeline.outputs["report"]), pipeline.language)
    with (
        staging(out, audience=pipeline.audience) as staged,
        fixed_gdal_date(),
        outputs_as_errors(),
        warnings.catch_warnings(record=True) as said,
    ):
        warnings.simplefilter("always", GridmapWarning)
        stage = staged.folder
        files = InputFiles(pipeline.settings, pipeline.path.parent)
        with clock.step("read boundaries"):
            options = {k: v for k, v in pipeline.boundaries.items() if k != "path"}
            boundaries = read_boundaries(pipeline.beside(pipeline.boundaries["path"]), **options)
        refuse_beyond(pipeline, boundaries)
        zones = len(boundaries)
        with clock.step("make grid"):
            grid, boundaries, drawn_from = grid_stage(pipeline, boundaries)
        with clock.step("read incidents"):
            incidents, inputs = read_all_incidents(pipeline, boundaries)
        files.check_unchanged()
        boundaries, grid, incidents, steps = restrict_inputs(pipeline, boundaries, grid, incidents)
        results = []
        for step in steps:
            with clock.step(step.method):
                found = _run_step(step, incidents, grid, boundaries, pipeline)
                results.append((step, shown_step(step, found, incidents, grid, pipeline.audience)))
        if pipeline.forecasts is not None:
            with clock.step("forecast"):
                results.append(forecast_stage(pipeline, incidents, grid))
        with clock.step("count"):
            counts = count_by_cell(incidents, grid, by="category", engine=pipeline.engine)
        plan = None
        if pipeline.patrol is not None:
            with clock.step("patrol"):
                plan = patrol_stage(pipeline, results, boundaries, stage / "patrol")
            files.check_unchanged()
        rows = sum(entry["rows"] for entry in inputs)
        with clock.step("results"):
            layers = map_layers(pipeline, boundaries, results, plan, incidents=incidents)
            told = {"rows": rows, "outside": int(counts.attrs["outside"]), "plan": plan}
            found = gather_findings(pipeline, boundaries, incidents, grid, results, layers, **told)
        sentences = found.sentences(pipeline.language)
        run = run_id(pipeline.settings, what_is_told(pipeline.audience, files.sha256, incidents))
        notes = in_every_language(found)
        written = _write(pipeline, stage, clock, boundaries, grid, incidents, results, counts, notes, layers, run)
        for path in found.write(stage / "results", audience=pipeline.audience):
            written[path.relative_to(stage).as_posix()] = path
        said = [str(w.message) for w in said if issubclass(w.category, GridmapWarning)]
        said = [gate_text(text, audience=pipeline.audience) for text in dict.fromkeys(said)]
        inputs = [_input(pipeline.boundaries["path"], zones, zones, 0), *drawn_from, *inputs]
        inputs = [entry | {"sha256": files.sha256.get(entry["path"])} for entry in inputs]
        reasons = incidents.set_aside["reason"].value_counts().to_dict() if len(incidents.set_aside) else {}
        contents = {
            "run_id": run,
            "pipeline": pipeline.path.name,
            "title": pipeline.title,
            "audience": pipeline.audience,
            "inputs": inputs,
            "also_read": files.also_read({entry["path"] for entry in inputs}),
            "found_from": portable_relative_path(Path(out), pipeline.path.parent),
            "settings": pipeline.settings,
            "grid": {
                "system": grid.system,
                **grid.params,
                "cells": len(grid),
                "metric_crs": grid.metric_crs.to_string(),
                **grid_facts(grid),
            },
            "incidents": {"used": len(incidents), "set_aside": len(incidents.set_aside), "reasons": reasons}
            | {"outside_grid": int(counts.attrs["outside"])},
            "methods": [facts_of(step, result) for step, result in results],
            "summary": sentences,
            "warnings": said,
            "timings_s": clock.seconds,
        }
        if "report" in pipeline.outputs:
            with clock.step("write report"):
                told = record_for(contents, pipeline.audience)
                written["report"] = write_report(pipeline, stage, Path(out), told)
        contents["outputs"] = [_output(stage, path) for path in written.values()]
        told = record_for(contents, pipeline.audience)
        write_record(stage / "run.json", told)
        staged.facts |= {k: told[k] for k in ("pipeline", "title", "audience", "inputs", "also_read", "settings")}
        if who is not None:
            staged.facts["who"] = who
        written["run"] = stage / "run.json"
    outputs = {key: Path(out) / path.relative_to(stage) for key, path in written.items()}
    return RunReport(pipeline, boundaries, grid, incidents, results, outputs, sentences, clock.seconds, said)


def read_all_incidents(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> tuple[Incidents, list[dict]]:
    """The incidents of all files of a pipeline, filtered as it says; and an entry of each for `run.json`."""
    options = dict(pipeline.incidents)
    options.pop("boundaries", None)
    paths = options.pop("path")
    filters = {key: options.pop(key) for key in ("category", "patrol_found", "period") if key in options}
    parts, inputs = [], []
    for path in [paths] if isinstance(paths, str) else paths:
        place = path if "://" in path else pipeline.beside(path)
        part = read_incidents(place, boundaries=boundaries, **options)  # so that exchanged coordinates are told
        parts.append(part)
        rows = len(part) + len(part.set_aside)
        inputs.append(_input(path, rows, len(part), len(part.set_aside)))
    incidents = Incidents.concat(parts)
    if filters:
        incidents = incidents.where(**filters)
    if not len(incidents):
        raise InputError(f"No incident is left to map: {filters or 'all rows were set aside'}. Look at set_aside.csv.")
    return incidents, inputs


def _input(path: str, rows: int, used: int, aside: int) -> dict:
    """An entry of `inputs`; the path as the pipeline file writes it, so that no machine's folders are told."""
    return {"path": path, "sha256": None, "rows": rows, "used": used, "set_aside": aside}


def _output(stage: Path, path: Path) -> dict:
    """An entry of `outputs`."""
    return {"path": path.relative_to(stage).as_posix(), "sha256": sha256_of(path), "bytes": path.stat().st_size}


def _run_step(
    step: HotspotStep, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame, pipeline: Pipeline
) -> Any:
    """Give a method what it works on, and its options; try its hotspots on other grids where that is asked for."""
    function = METHODS[step.method]
    incidents = surface_incidents(step, incidents, grid, pipeline.audience)
    chosen = incidents if step.category is None else incidents.where(category=step.category)
    at = chosen if step.period is None else chosen.where(period=step.period)
    given: Mapping[str, Callable[[], Any]] = {
        "incidents": lambda: at,
        "grid": lambda: grid,
        "counts": lambda: count_by_cell(at, grid, weight=step.weight, engine=pipeline.engine),
        "counts_by_period": lambda: count_by_cell(
            at, grid, every=_every(step), weight=step.weight, engine=pipeline.engine
        ),
    }
    options = dict(step.options)
    for other in other_incidents(function):
        if other in options:
            options[other] = incidents.where(category=options[other], period=step.period)
    result = function(**{name: given[what]() for name, what in inputs_of(function).items()}, **options)
    if step.weight is not None:
        weighed = Note("counts.weighted", weight=step.weight)
        params = {**result.params, "weight": step.weight}
        result = dataclasses.replace(result, params=params, notes=(*result.notes, weighed))
    if not step.stability:
        return result
    runs = {"variants": step.stability - step.stability // 2, "resamples": step.stability // 2}
    again = hotspot_stability(step.method, at, boundaries, grid=grid, options=options, random_state=0, **runs)
    cells = result.cells.assign(stability=again.cells["hot_share"])
    said = [note for note in again.notes if getattr(note, "code", "").startswith("hotspots.stability_null")]
    params = {**result.params, "stability_runs": step.stability, "stability_null_share": again.params["null_hot_share"]}
    return dataclasses.replace(result, cells=cells, params=params, notes=(*result.notes, *said))


def _counts_by_period(pipeline: Pipeline, incidents: Incidents, grid: Grid, counts: pd.DataFrame) -> pd.DataFrame:
    """Counts by cell and kind, and by period where the results speak of periods: a sum over several is nobody's number.

    Periods without any incident are gaps in the data, not zeros; they have no rows.
    """
    dated = [step for step in pipeline.hotspots if step.period is not None or "before" in step.options]
    if not dated:
        return counts
    every = _every(dated[0]) if dated[0].period is None else every_of(pd.Period(dated[0].period))
    table = count_by_cell(incidents, grid, by="category", every=every, engine=pipeline.engine)
    held = table["count"].groupby(level="period").transform("sum") > 0
    return table[held.to_numpy()]


def _every(step: HotspotStep) -> str:
    """The periods that a step needs: as it says, or as its `before` is written (2017-07 means months)."""
    before = step.options.get("before")
    if step.every is not None or before is None:
        return step.every or "month"
    try:
        found = every_of(pd.Period(before))
    except (ValueError, TypeError):
        found = None
    if found is None:
        raise InputError(f"before is a period, as in 2017, 2017-07 or 2017-07-14; found {before!r}.")
    return found


def _write(
    pipeline, stage, clock, boundaries, grid, incidents, results, counts, sentences, layers, run
) -> dict[str, Path]:
    """All outputs into the staging folder."""
    hierarchy = hierarchy_of(grid, boundaries, counts)
    written = write_grid_tables(grid, hierarchy, stage, pipeline.audience)
    given = {"audience": pipeline.audience, "run_id": run, "language": pipeline.language}
    for key, name in ({"set_aside": "set_aside.csv"} | pipeline.outputs).items():
        path, before = stage / name, set(stage.iterdir())
        with clock.step(f"write {key}"):
            if key == "map":
                map_page(pipeline, boundaries, incidents, layers, sentences, hierarchy).save(path)
            elif key == "layers":
                path, *_ = write_layers(_layers(grid, results), path, **given)
            elif key == "counts":
                table = _counts_by_period(pipeline, incidents, grid, counts)
                write_table(table, path, content="counts", audience=pipeline.audience)
            elif key == "surface":
                export(next(r for _, r in results if isinstance(r, DensityResult)), path, **given)
            elif key == "set_aside":
                write_table(incidents.set_aside.astype(str), path, content="rows", audience=pipeline.audience)
        written[key] = path
        written |= {made.name: made for made in sorted(set(stage.iterdir()) - before - {path})}  # a shapefile's sisters
    for i, (step, result) in enumerate(results, start=1):
        for name, table in tables_of(result).items():
            path = stage / f"{_file_name(i, step)}{name}.csv"
            write_table(table, path, audience=pipeline.audience)
            written[path.name] = path
    for path in sorted(p for p in (stage / "patrol").rglob("*") if p.is_file()):
        written[path.relative_to(stage).as_posix()] = path
    return written


def _file_name(i: int, step: HotspotStep) -> str:
    """A step's own name in files and layers: its number and its name, in letters that every system takes."""
    return f"{i}_" + re.sub(r"[^\w-]+", "_", step.name or step.method)


def _layers(grid: Grid, results) -> dict[str, Any]:
    """Name → result: its cells with its clusters, or the bare grid where there is none."""
    layers: dict[str, Any] = drawn_layer(grid)
    for i, (step, result) in enumerate(results, start=1):
        name = _file_name(i, step)
        if not isinstance(result, HotspotResult):
            continue
        if len(result.cells) or (result.clusters is not None and len(result.clusters)):
            layers[name] = result
    return layers or {"cells": grid.cells}
