"""Run a checked pipeline: read → grid → count → hotspots → map and files.

Outputs are written into a hidden folder and appear when all of them are whole (`gridmap.runs.run_folder`), so a run
that fails or is killed leaves nothing half-written. Where `run.json` stands, the run was whole.
"""

import ctypes
import dataclasses
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from gridmap._audit import entry_of, run_id, versions
from gridmap._io import json_text, write_text
from gridmap._notebook_line import ShortForm
from gridmap._periods import every_of, period_of_text
from gridmap._ssh_signatures import Sign
from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapError, GridmapWarning, InputError, SettingError
from gridmap.exports import export, write_layers, write_released
from gridmap.governance.pipeline_results import CaseHandling
from gridmap.grids.base import Grid
from gridmap.hotspots.density_result import DensityResult
from gridmap.hotspots.registry import inputs_of, method_named, other_incidents
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.stability import hotspot_stability
from gridmap.messages import WEEKDAYS, Note
from gridmap.privacy import Released, gate_text, release
from gridmap.read.boundaries import read_boundaries
from gridmap.read.h3_places import placed_by_cells
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import read_incident_files, require_overlap
from gridmap.read.store_reading import is_store, read_manifest, stored_incidents
from gridmap.reports.briefing import check_pages, check_paper
from gridmap.reports.findings import gather_findings
from gridmap.runs.audience_limits import (
    record_for,
    restrict_inputs,
    run_id_inputs,
    shown_step,
    shown_timeline,
    surface_incidents,
)
from gridmap.runs.config import HotspotStep, Pipeline
from gridmap.runs.input_files import (
    InputFiles,
    exports_of,
    fixed_gdal_date,
    input_of,
    outputs_as_errors,
    portable_relative_path,
)
from gridmap.runs.run_folder import staging
from gridmap.runs.stages.drawing import map_layers, map_page
from gridmap.runs.stages.forecasting import forecast_stage
from gridmap.runs.stages.governing import governance_stages
from gridmap.runs.stages.gridding import (
    OwnGrids,
    check_people,
    drawn_layer,
    grid_facts,
    grid_stage,
    hierarchy_of,
    released_grid_tables,
    with_people,
)
from gridmap.runs.stages.limits import refuse_beyond
from gridmap.runs.stages.patrolling import patrol_stage
from gridmap.runs.stages.reporting import write_report
from gridmap.runs.stages.result_tables import facts_of, tables_of
from gridmap.runs.stages.settings_from_data import step_for_each, with_dates

__all__ = ["RunReport", "read_all_incidents", "run_pipeline"]


@dataclass(frozen=True, repr=False)
class RunReport(ShortForm):
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
        What was stated on the way.
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

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        found = f"{len(self.results)} results, {len(self.outputs)} outputs"
        return f"RunReport {self.pipeline.path.name}: {self.incidents!r}, {found}"


def _give_back_memory() -> None:
    """What was freed goes back to the system: the C library keeps it, and the peaks of a run would pile up."""
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


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
        _give_back_memory()

    def counted(self, name: str) -> Callable[[int, int], None]:
        """Names a step that takes long again, as in "forecast 3/26 40s": how much is done, and the seconds left at the
        pace since the first (which compiles and learns); after the first, and then at most once a second."""
        first = last = 0.0

        def watch(done: int, of: int) -> None:
            nonlocal first, last
            now = time.perf_counter()
            if done == 1 or now - last >= 1:
                left = "" if done < 3 else f" {round((now - first) / (done - 1) * (of - done))}s"
                self.on_step(f"{name} {done}/{of}{left}")
                last = now
            first = now if done == 1 else first

        return watch


def run_pipeline(
    pipeline: Pipeline,
    out: str | Path = "out",
    *,
    on_step: Callable[[str], None] | None = None,
    who: str | None = None,
    sign: Sign | None = None,
) -> RunReport:
    """Run a pipeline and write its outputs into a folder.

    Parameters
    ----------
    pipeline : Pipeline
        As `read_pipeline` gives it.
    out : str or Path
        The folder; made if absent. Files of an earlier run are replaced.
    on_step : callable, optional
        Told the name of each step as it begins; of a long one also how far it is, as in "forecast 3/26 40s" (3 of 26
        done, some 40 seconds left).
    who : str, optional
        For the audit; nobody is named when it is not given.
    sign : callable, optional
        Signs the audit, as `gridmap run --sign` does.

    Returns
    -------
    RunReport

    Raises
    ------
    OutputError
        If the folder cannot be written, before any work starts.
    GridmapError
        For whatever a stage finds wrong.
    """
    if pipeline.outputs.report:
        check_paper(Path(pipeline.outputs.report), pipeline.language)
        check_pages(Path(pipeline.outputs.report), pipeline.outputs.report_pages)
    with (
        staging(out, audience=pipeline.audience, sign=sign) as staged,
        fixed_gdal_date(),
        outputs_as_errors(),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", GridmapWarning)
        run = _Run(pipeline, Path(out), staged.folder, _Clock(on_step))
        _read_boundaries(run)
        _make_grid(run)
        _read_incidents(run)
        _restrict_inputs(run)
        _find_hotspots(run)
        _forecast(run)
        _govern(run)
        _release_tables(run)
        _count(run)
        _plan_patrols(run)
        _gather_findings(run)
        _write_outputs(run)
        run.warnings = _texts_of(caught, pipeline.audience)
        staged.facts |= _write_record(run, caught)
        staged.hashed = run.hashed
        if who is not None:
            staged.facts["who"] = who
    outputs = {key: run.out / path.relative_to(run.folder) for key, path in run.written.items()}
    return RunReport(
        run.pipeline,
        run.boundaries,
        run.grid,
        run.incidents,
        run.results,
        outputs,
        run.sentences,
        run.clock.seconds,
        run.warnings,
    )


@dataclass
class _Run:
    """What a run has come to: each stage reads what stood before it and adds its own.

    Attributes
    ----------
    folder : Path
        Where outputs are written until all of them are whole.
    zones : int
        Zones of the boundary file; those of a drawn grid or of a release are others.
    inputs, drawn_from : list of dict
        Entries of `run.json`: incident files; files that the grid was drawn from.
    steps : tuple of HotspotStep
        The methods that this audience may have.
    releases : list of dict
        The records of the releases for the public into this folder, this one last.
    tables : dict from file name to Released
        Tables of the results, released with them.
    written : dict from output key to Path
    hashed : list of dict
        An entry of each output, as `run.json` and the audit hold it.
    """

    pipeline: Pipeline
    out: Path
    folder: Path
    clock: _Clock
    files: InputFiles = field(init=False)
    boundaries: gpd.GeoDataFrame = field(init=False)
    zones: int = 0
    grid: Grid = field(init=False)
    drawn_from: list[dict] = field(default_factory=list)
    incidents: Incidents = field(init=False)
    inputs: list[dict] = field(default_factory=list)
    steps: tuple[HotspotStep, ...] = ()
    releases: list[dict[str, Any]] = field(default_factory=list)
    results: list[tuple[HotspotStep, Any]] = field(default_factory=list)
    tables: dict[str, Released] = field(default_factory=dict)
    counts: pd.DataFrame = field(init=False)
    plan: Any = None
    layers: Any = None
    findings: Any = None
    run_id: str = ""
    sentences: list[str] = field(default_factory=list)
    written: dict[str, Path] = field(default_factory=dict)
    hashed: list[dict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    periods: list[dict[str, str]] = field(default_factory=list)


def _read_boundaries(run: _Run) -> None:
    """The territory; and whether the run keeps to its limits."""
    pipeline = run.pipeline
    run.files = InputFiles({**pipeline.settings, "exports": exports_of(pipeline)}, pipeline.path.parent)
    with run.clock.step("read boundaries"):
        stage = pipeline.boundaries
        run.boundaries = read_boundaries(input_of(pipeline, stage.path), **stage.options)
    run.zones = len(run.boundaries)
    refuse_beyond(pipeline, run.boundaries)


def _make_grid(run: _Run) -> None:
    with run.clock.step("make grid"):
        run.grid, run.boundaries, run.drawn_from = grid_stage(run.pipeline, run.boundaries)
    for step in run.pipeline.hotspots:
        check_people(step.options, run.grid, run.boundaries)


def _read_incidents(run: _Run) -> None:
    with run.clock.step("read incidents"):
        run.pipeline = _counted_from_stores(run.pipeline)
        everything, run.inputs = read_all_incidents(run.pipeline, run.boundaries)
        filters, steps, run.periods = with_dates(run.pipeline, everything)
        run.incidents = kept_incidents(everything, filters)
        steps, _ = step_for_each(steps, run.incidents, named_only=True)
        run.pipeline = run.pipeline.model_copy(update={"hotspots": steps})
    for entry in run.periods:
        warnings.warn(Note("runs.period_is", **entry), GridmapWarning, stacklevel=2)
    for note in _reading_notes(run.incidents):
        if note.code in DOUBTS:
            warnings.warn(note, GridmapWarning, stacklevel=2)
    run.files.check_unchanged()


def _counted_from_stores(pipeline: Pipeline) -> Pipeline:
    """The pipeline with the newest day of its stores as the day that words such as "last week" are counted from."""
    stores = [place for path in pipeline.incidents.path if is_store(place := pipeline.beside(path))]
    days = [day for store in stores if (day := read_manifest(store).newest_day) is not None]
    if pipeline.as_of is not None or not days or len(stores) < len(pipeline.incidents.path):
        return pipeline
    return pipeline.model_copy(update={"as_of": str(max(days).date())})


#: What reading found that makes a map doubtful, and a run therefore says aloud; all its other notes stand in run.json.
DOUBTS = (
    *("read.counted_once", "read.piled_rows", "read.zones_contradicted", "read.uneven_loss"),
    *("read.boundaries_alike", "read.datum_doubted"),
)


def _reading_notes(incidents: Incidents) -> list[Note]:
    """What reading guessed and found, over all files."""
    parts = incidents.source.get("parts", [incidents.source])
    return list(dict.fromkeys(note for part in parts for note in part.get("notes", []) if isinstance(note, Note)))


def _restrict_inputs(run: _Run) -> None:
    """From here on there is nothing but what the audience may have."""
    narrowed = restrict_inputs(run.pipeline, run.boundaries, run.grid, run.incidents, run.out)
    timeline = shown_timeline(run.pipeline, run.incidents)
    run.boundaries, run.grid, run.incidents, run.steps, run.releases = narrowed
    run.pipeline = run.pipeline.model_copy(update={"timeline": timeline})
    if run.pipeline.audience == "public" and run.pipeline.forecasts is not None:
        warnings.warn(Note("runs.forecast_left_out"), GridmapWarning, stacklevel=2)
        run.pipeline = run.pipeline.model_copy(update={"forecasts": None})
    if any(step.each is not None for step in run.steps):  # of kinds as they may be shown
        run.steps, notes = step_for_each(run.steps, run.incidents)
        run.pipeline = run.pipeline.model_copy(update={"hotspots": run.steps})
        for note in notes:
            warnings.warn(note, GridmapWarning, stacklevel=2)
    run.run_id = run_id(run.pipeline.settings, run_id_inputs(run.pipeline.audience, run.files.sha256, run.incidents))


#: A step refused for one of these is left out, and the others are shown: a quiet week is not a fault of the file.
TOO_FEW = frozenset(
    f"hotspots.{code}"
    for code in (
        *("few_incidents", "few_incidents_plain", "few_cases", "few_events", "few_timed", "no_incidents"),
        *("too_few_for_pattern", "hdbscan_too_few", "optics_too_few", "all_in_one_cell", "values_alike"),
    )
)


def _find_hotspots(run: _Run) -> None:
    """Each method's answer, released for the audience at once."""
    grids = OwnGrids(run.boundaries, run.grid)
    left_out: list[tuple[HotspotStep, InputError]] = []
    for step in run.steps:
        with run.clock.step(step.method):
            grid = grids.of(step)
            try:
                found = _run_step(step, run.incidents, grid, run.boundaries, run.pipeline)
            except InputError as error:
                if len(run.steps) == 1 or _code_of(error) not in TOO_FEW:
                    raise
                left_out.append((step, error))
                continue
            shown = shown_step(step, found, run.incidents, grid, run.pipeline.audience)
            if isinstance(shown, Released):  # a bare table
                run.tables[f"{_file_name(len(run.results) + 1, step)}.csv"] = shown
                shown = shown.value
            run.results.append((step, shown))
    if left_out and not run.results:
        raise left_out[0][1]
    for step, why in left_out:
        named = step.name or method_named(step.method).title
        reason = Note("runs.too_few_to_show") if run.pipeline.audience == "public" else why.args[0]
        warnings.warn(Note("runs.step_left_out", step=named, reason=reason), GridmapWarning, stacklevel=2)
    run.steps = tuple(step for step, _ in run.results)
    run.pipeline = run.pipeline.model_copy(update={"hotspots": run.steps})


def _code_of(error: InputError) -> str | None:
    return getattr(error.args[0], "code", None) if error.args else None


def _forecast(run: _Run) -> None:
    if run.pipeline.forecasts is not None:
        with run.clock.step("forecast"):
            given = (run.pipeline, run.incidents, run.grid, run.out, run.boundaries)
            run.results.append(forecast_stage(*given, progress=run.clock.counted("forecast")))


def _govern(run: _Run) -> None:
    """How the grids work: the stages that a committee's own questions take, each released for the audience."""
    run.results += governance_stages(run.pipeline, run.incidents, run.grid, run.boundaries, run.clock.step)


def _release_tables(run: _Run) -> None:
    """The tables of each result, released for the audience: whoever writes them asserts it."""
    audience = run.pipeline.audience
    for i, (step, result) in enumerate(run.results, start=1):
        for ending, table in tables_of(result).items():
            name = f"{_file_name(i, step)}{ending}.csv"
            if name not in run.tables:
                what = Note("privacy.the_layer", name=name)
                run.tables[name] = release(table, "table", audience=audience, what=what)


def _count(run: _Run) -> None:
    with run.clock.step("count"):
        run.counts = count_by_cell(run.incidents, run.grid, by="category", engine=run.pipeline.engine)


def _plan_patrols(run: _Run) -> None:
    if run.pipeline.patrol is None:
        return
    with run.clock.step("patrol"):
        run.plan = patrol_stage(run.pipeline, run.results, run.boundaries, run.folder / "patrol")
    run.files.check_unchanged()


def _gather_findings(run: _Run) -> None:
    """Layers, ranked places, facts and small tables: what page and papers share."""
    with run.clock.step("results"):
        run.layers = map_layers(
            run.pipeline, run.boundaries, run.results, run.plan, incidents=run.incidents, grid=run.grid
        )
        run.findings = gather_findings(
            run.pipeline,
            run.boundaries,
            run.incidents,
            run.grid,
            run.results,
            run.layers,
            rows=sum(entry["rows"] for entry in run.inputs),
            outside=_outside(run.counts),
            plan=run.plan,
        ).released(run.pipeline.audience)
    run.sentences = [note.say(run.pipeline.language) for note in run.findings.notes]


def _outside(counts: pd.DataFrame) -> int:
    return int(counts.attrs["outside"])


def _texts_of(caught: Iterable[warnings.WarningMessage], audience: str) -> list[str]:
    """What was stated on the way, each once, as the audience may read it; notes stay notes."""
    stated = [w.message for w in caught if issubclass(w.category, GridmapWarning) and isinstance(w.message, Warning)]
    noted = [warning.args[0] if warning.args else "" for warning in stated]
    return [gate_text(text, audience=audience) for text in dict.fromkeys(noted)]


def _write_record(run: _Run, caught: list[warnings.WarningMessage]) -> dict[str, Any]:
    """The paper and `run.json`, last of all; what the audit will say of the run."""
    pipeline, incidents, grid = run.pipeline, run.incidents, run.grid
    inputs = [_input(pipeline.boundaries.path, run.zones, run.zones, 0), *run.drawn_from, *run.inputs]
    inputs = [entry | {"sha256": run.files.sha256.get(entry["path"])} for entry in inputs]
    reasons = incidents.set_aside["reason"].value_counts().to_dict() if len(incidents.set_aside) else {}
    contents = {
        "run_id": run.run_id,
        "pipeline": pipeline.path.name,
        "title": pipeline.title,
        "audience": pipeline.audience,
        "inputs": inputs,
        "also_read": run.files.also_read({entry["path"] for entry in inputs}),
        "found_from": portable_relative_path(run.out, pipeline.path.parent),
        "settings": pipeline.settings,
        "grid": {
            "system": grid.system,
            **grid.params,
            "cells": len(grid),
            "metric_crs": grid.metric_crs.to_string(),
            **grid_facts(grid),
        },
        "incidents": {
            "used": len(incidents),
            "set_aside": len(incidents.set_aside),
            "reasons": reasons,
            "outside_grid": _outside(run.counts),
            "notes": _reading_notes(incidents),
        },
        "periods": run.periods,
        "methods": [facts_of(step, result) for step, result in run.results],
        "summary": run.sentences,
        "warnings": run.warnings,
        "timings_s": run.clock.seconds,
    }
    if pipeline.outputs.report:
        with run.clock.step("write report"):
            run_json = record_for(contents, pipeline.audience)
            try:
                run.written["report"] = write_report(pipeline, run.folder, run.out, run_json)
            except (OSError, MemoryError):
                raise  # nothing else could be written either
            except Exception as problem:  # the work stays, and the paper can be made of its folder later
                (run.folder / str(pipeline.outputs.report)).unlink(missing_ok=True)
                why = problem.args[0] if isinstance(problem, GridmapError) else f"{type(problem).__name__}: {problem}"
                name = str(pipeline.outputs.report)
                warnings.warn(Note("runs.paper_missing", name=name, why=why), GridmapWarning, stacklevel=2)
                contents["warnings"] = run.warnings = _texts_of(caught, pipeline.audience)
    if run.releases:
        contents["releases"] = run.releases
    run.hashed = [entry_of(run.folder, path) for path in run.written.values()]
    contents["outputs"] = run.hashed
    run_json = record_for(contents, pipeline.audience)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_text(run.folder / "run.json", json_text({"written": now, "versions": versions(), **run_json}, indent=2))
    run.written["run"] = run.folder / "run.json"
    return {k: run_json[k] for k in ("pipeline", "title", "audience", "inputs", "also_read", "settings")}


def read_all_incidents(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> tuple[Incidents, list[dict]]:
    """The incidents of all files of a pipeline, each once; and an entry of each for `run.json`."""
    stage, inputs = pipeline.incidents, []
    places = [input_of(pipeline, path) for path in stage.path]
    if any(map(is_store, places)):
        return _stored_incidents(pipeline, boundaries, places)
    if any(isinstance(place, Incidents) for place in places):  # of the simulated county: made, not read
        parts = [p if isinstance(p, Incidents) else read_incident_files([p], **stage.options)[0] for p in places]
    else:
        keyed = {} if stage.options.get("h3_column") is None else {"h3_resolution": _resolution(pipeline)}
        parts = read_incident_files(
            places, boundaries=boundaries, **stage.options, **keyed
        )  # so exchanged coordinates are found
    for path, part in zip(stage.path, parts, strict=True):
        rows = len(part) + len(part.set_aside)
        inputs.append(_input(path, rows, len(part), len(part.set_aside)))
    return _without_cells(Incidents.concat(parts), stage.options.get("h3_column")), inputs


def _resolution(pipeline: Pipeline) -> int:
    """Of the hexagons that incidents with H3 cells are counted by."""
    return pipeline.grid.settings["resolution"]


def _without_cells(incidents: Incidents, column: str | None) -> Incidents:
    """Incidents without their H3 cells: a cell is a place, and what is masked or merged must not lie beside it."""
    if column is None:
        return incidents
    return Incidents(incidents.arrow().drop_columns([column]), incidents.set_aside, incidents.source)


def _stored_incidents(pipeline: Pipeline, boundaries: gpd.GeoDataFrame, places: list) -> tuple[Incidents, list[dict]]:
    """The incidents of a store, of the months that the pipeline's period needs; their entry counts all additions.

    Raises
    ------
    SettingError
        If files stand beside it: what is in the store already could not be distinguished from what is not.
    """
    if len(places) > 1:
        raise SettingError(Note("store.alone"))
    found = stored_incidents(places[0], period=pipeline.incidents.period, as_of=pipeline.as_of)
    if (column := pipeline.incidents.options.get("h3_column")) is not None:
        found = _without_cells(placed_by_cells(found, column, _resolution(pipeline)), column)
    if len(found):
        require_overlap(found, boundaries)
    counted = (found.source[name] for name in ("rows", "used", "set_aside"))
    return found, [_input(exports_of(pipeline)[0], *counted)]


def kept_incidents(incidents: Incidents, filters: Mapping[str, Any]) -> Incidents:
    """What the filters of `incidents:` keep.

    Raises
    ------
    InputError
        If nothing is left.
    """
    kept = incidents.where(**filters) if filters else incidents
    if not len(kept):
        why = str(dict(filters)) if filters else Note("runs.all_rejected")
        raise InputError(Note("runs.nothing_left", filters=why))
    return kept


def _input(path: str, rows: int, used: int, aside: int) -> dict:
    """An entry of `inputs`; the path as the pipeline file writes it, so that no machine's folders are reported."""
    return {"path": path, "sha256": None, "rows": rows, "used": used, "set_aside": aside}


def _run_step(
    step: HotspotStep, incidents: Incidents, grid: Grid, boundaries: gpd.GeoDataFrame, pipeline: Pipeline
) -> Any:
    """Give a method what it works on, and its options; try its hotspots on other grids where `stability` is given."""
    function = method_named(step.method).function
    incidents = surface_incidents(step, incidents, grid, pipeline.audience)
    at = incidents.where(**step.of_whom, period=step.period)
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
            options[other] = incidents.where(**{**step.of_whom, "category": options[other]}, period=step.period)
    options, shared = with_people(options, grid, boundaries)
    result = function(**{name: given[what]() for name, what in inputs_of(function).items()}, **options)
    if shared is not None:
        result = dataclasses.replace(result, notes=(*result.notes, shared))
    only = _only(step, len(at), incidents)
    if only:
        result = dataclasses.replace(result, notes=(*only, *result.notes))
    if step.weight is not None:
        weighed = Note("counts.weighted", weight=step.weight)
        params = {**result.params, "weight": step.weight}
        result = dataclasses.replace(result, params=params, notes=(*result.notes, weighed))
    if not step.stability:
        method = method_named(step.method)
        if not (method.resampled and method.labels) or step.weight is not None:
            return result
        return dataclasses.replace(result, notes=(*result.notes, Note("runs.stability_not_tried")))
    runs = {"variants": step.stability - step.stability // 2, "resamples": step.stability // 2}
    again = hotspot_stability(at, boundaries, step.method, grid=grid, options=options, random_state=0, **runs)
    cells = result.cells.assign(stability=again.cells["hot_share"])
    noted = [note for note in again.notes if getattr(note, "code", "").startswith("hotspots.stability_null")]
    params = {**result.params, "stability_runs": step.stability, "stability_null_share": again.params["null_hot_share"]}
    return dataclasses.replace(result, cells=cells, params=params, notes=(*result.notes, *noted))


def _only(step: HotspotStep, n: int, incidents: Incidents) -> list[Note]:
    """To which hours, weekdays and finders the step is held, and how many incidents of it are left."""
    of = len(incidents.where(category=step.category, period=step.period))
    notes = []
    if step.hours is not None:
        notes.append(Note("runs.only_hours", first=step.hours[0], last=(step.hours[1] + 1) % 24 or 24, n=n, of=of))
    if step.weekdays is not None:
        days = [Note(f"weekday_short.{WEEKDAYS[day]}") for day in sorted(set(step.weekdays))]
        notes.append(Note("runs.only_weekdays", days=days, n=n, of=of))
    if step.officer_initiated is not None:
        code = "runs.only_officer_initiated" if step.officer_initiated else "runs.without_officer_initiated"
        notes.append(Note(code, n=n, of=of))
    return notes


def _counts_by_period(pipeline: Pipeline, incidents: Incidents, grid: Grid, counts: pd.DataFrame) -> pd.DataFrame:
    """Counts by cell and kind, and by period where the results speak of periods: a sum over several is nobody's number.

    Periods without any incident are gaps in the data, not zeros; they have no rows.
    """
    dated = [step for step in pipeline.hotspots if step.period is not None or "before" in step.options]
    if not dated:
        return counts
    every = _every(dated[0]) if dated[0].period is None else every_of(period_of_text(dated[0].period))
    table = count_by_cell(incidents, grid, by="category", every=every, engine=pipeline.engine)
    held = table["count"].groupby(level="period").transform("sum") > 0
    return table[held.to_numpy()]


def _every(step: HotspotStep) -> str:
    """The periods that a step needs: as it says, or as its `before` is written (2017-07 means months)."""
    before = step.options.get("before")
    if step.every is not None or before is None:
        return step.every or "month"
    try:
        found = every_of(period_of_text(before))
    except (ValueError, TypeError):
        found = None
    if found is None:
        raise InputError(Note("runs.before_is_a_period", found=before))
    return found


def _write_outputs(run: _Run) -> None:
    """All outputs but the paper and `run.json`, into the staging folder."""
    pipeline, folder = run.pipeline, run.folder
    hierarchy = hierarchy_of(run.grid, run.boundaries, run.counts)
    for key, table in released_grid_tables(run.grid, hierarchy, pipeline.audience).items():
        run.written[key] = folder / f"{key}.csv"
        write_released(table, run.written[key], audience=pipeline.audience)
    for key, name in ({"set_aside": "set_aside.csv"} | pipeline.outputs.files).items():
        if key == "report":
            continue
        before = set(folder.iterdir())
        with run.clock.step(f"write {key}"):
            run.written[key] = _write_output(run, key, folder / name, hierarchy)
        more = sorted(set(folder.iterdir()) - before - {run.written[key]})  # the sidecar files of a shapefile
        run.written |= {made.name: made for made in more}
    for name, table in run.tables.items():
        write_released(table, folder / name, audience=pipeline.audience)
        run.written[name] = folder / name
    for path in sorted(p for p in (folder / "patrol").rglob("*") if p.is_file()):
        run.written[path.relative_to(folder).as_posix()] = path
    for path in run.findings.write(folder / "results", audience=pipeline.audience):
        run.written[path.relative_to(folder).as_posix()] = path


def _write_output(run: _Run, key: str, path: Path, hierarchy: pd.DataFrame | None) -> Path:
    """One output of the pipeline file; the path that it came to be."""
    pipeline, audience = run.pipeline, run.pipeline.audience
    given: dict[str, Any] = {"audience": audience, "run_id": run.run_id, "language": pipeline.language}
    if key == "map":
        handled = next((r.by_cell for _, r in run.results if isinstance(r, CaseHandling)), None)
        notes = run.findings.notes
        map_page(pipeline, run.boundaries, run.incidents, run.layers, notes, hierarchy, handled).save(path)
    elif key == "layers":
        path, *_ = write_layers(_layers(run.grid, run.results), path, **given)
    elif key == "counts":
        table = _counts_by_period(pipeline, run.incidents, run.grid, run.counts)
        write_released(release(table, "counts", audience=audience), path, audience=audience)
    elif key == "surface":
        export(next(r for _, r in run.results if isinstance(r, DensityResult)), path, **given)
    elif key == "set_aside":
        blank = run.incidents.set_aside.astype(object).where(run.incidents.set_aside.notna(), "")
        rows = release(blank.astype(str), "rows", audience=audience)
        write_released(rows, path, audience=audience)
    return path


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
