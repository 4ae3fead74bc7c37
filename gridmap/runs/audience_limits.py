"""What a run's audience changes: before the methods for the public, after them for a meeting.

For the public the gate stands before the methods: incidents and grid are replaced by those of `public_release`, and
nothing that runs afterwards has seen anything else. For a meeting the methods work on the points, and what they answer
is shown without them; densities are made of incidents moved at random within their own cells.
"""

import dataclasses
import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gridmap._periods import every_of, period_of_text
from gridmap.audiences import AUDIENCES
from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapWarning, InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.density import cell_reach_m
from gridmap.hotspots.registry import inputs_of, method_named, options_of, other_incidents
from gridmap.messages import Note
from gridmap.privacy.audience_gate import PERSONS, gate, gate_text
from gridmap.privacy.linkage import hours_beside_days
from gridmap.privacy.public_incidents import public_release
from gridmap.privacy.release_series import check_series
from gridmap.privacy.released import SCATTERED, release_result
from gridmap.privacy.safe_shapes import scattered
from gridmap.read.file_access import without_passwords
from gridmap.read.incident_table import Incidents
from gridmap.read.persons import mask

__all__ = [
    "record_for",
    "releases_in",
    "restrict_inputs",
    "run_id_inputs",
    "shown_step",
    "shown_timeline",
    "surface_incidents",
    "why_not_allowed",
]

#: A SHA-256 holds eleven digits in a row now and then, and is not a telephone number for it.
HASH = re.compile("[0-9a-f]{64}")
#: Stages of a pipeline that say how numbers were made, and nothing of files, columns and machines.
SETTINGS_FOR_ALL = ("title", "language", "audience", "source", "classification", "hotspots", "forecasts", "outputs")
#: So many earlier releases of a folder are remembered, and a new one is held against each.
EARLIER_KEPT = 24


def why_not_allowed(audience: str, steps, patrol) -> Note | None:
    """What an audience cannot have of a pipeline, known before any work starts; None when all is well."""
    if patrol is not None and not AUDIENCES[audience].patrols:
        return Note("runs.no_patrols_for_the_public")
    if audience != "public":
        return None
    held = sorted({key for step in steps for key in step.of_whom if key != "category"})
    if held:
        return Note("runs.only_for_inside", keys=held)
    if all(method_named(step.method).of_points for step in steps):
        return Note("runs.only_of_points", methods=sorted({step.method for step in steps}))
    try:
        check_series([s for step in steps if not method_named(step.method).of_points for s in _series(step)])
    except SettingError as error:
        return error.args[0]
    return None


def restrict_inputs(pipeline, boundaries: gpd.GeoDataFrame, grid: Grid, incidents: Incidents, out: Path | None = None):
    """Boundaries, grid, incidents and steps, as the methods may have them; and what a release for the public tells.

    Parameters
    ----------
    out : Path, optional
        The run folder, whose earlier releases this one is held against.

    Returns
    -------
    boundaries, grid, incidents, steps, records
    """
    _warn_of_dropped(boundaries, incidents)
    incidents = _kinds_without_persons(incidents)
    who = AUDIENCES[pipeline.audience]
    if who.finest_cell_m2:
        row = grid.locate(*incidents.lonlat())
        held = np.bincount(row[row >= 0], minlength=len(grid))
        sizes = grid.cells[["area_m2", *(c for c in PERSONS if c in grid.cells)]].assign(count=held)
        if pipeline.audience != "public":  # whose cells are merged before anything is made of them
            gate(sizes, "cells", audience=pipeline.audience, what=Note("runs.the_grid"))
    if pipeline.audience != "public":
        return boundaries, grid, incidents, _without_hours(pipeline, incidents), []
    steps = [_over_areas(step) for step in pipeline.hotspots if not method_named(step.method).of_points]
    of_points = sorted({step.method for step in pipeline.hotspots if method_named(step.method).of_points})
    if of_points:
        warnings.warn(Note("runs.left_out_of_points", methods=of_points), GridmapWarning, stacklevel=2)
    names = (
        dict(zip(boundaries["zone_id"].astype(str), boundaries["name"], strict=True)) if "name" in boundaries else {}
    )
    names = {zone: name for zone, name in names.items() if isinstance(name, str) and name}
    earlier = [] if out is None else releases_in(out)
    series = [s for step in steps for s in _series(step)]
    release = public_release(incidents, grid, series=series, names=names, earlier=earlier)
    left = len(incidents) + len(incidents.set_aside) - len(release.incidents)
    left = left if left >= who.smallest_count else 0  # a small number of rows is a small number too
    aside = pd.DataFrame(
        {
            "file": "",
            "row": range(1, left + 1),
            "reason": "not told to the public",
            "found": "",
        }
    )
    drawn = Incidents(release.incidents.data, aside, release.incidents.source)
    for note in release.notes:
        warnings.warn(note, GridmapWarning, stacklevel=2)
    wide = tuple(_as_wide(step, release.grid) for step in steps)
    records = [record for record in earlier if record != release.record][-EARLIER_KEPT:]
    return release.boundaries, release.grid, drawn, wide, [*records, release.record]


def releases_in(folder: Path) -> list[dict[str, Any]]:
    """The records of a folder's releases so far, as its `run.json` holds it; nothing where it cannot be understood.

    Whoever gives a folder to others may have changed it, so each part is held to its form before it is used.
    """
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))["releases"]
        return [record for record in found if _is_record(record)][-EARLIER_KEPT - 1 :]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _is_record(record: Any) -> bool:
    series, areas = record.get("series"), record.get("areas")
    return (
        isinstance(record.get("cells"), str)
        and isinstance(series, list)
        and all(isinstance(name, str) for name in series)
        and len(set(series)) == len(series)
        and isinstance(areas, dict)
        and all(re.fullmatch("[01]{0,2000}", way) for way in areas)
        and all(
            isinstance(row, list) and len(row) == len(series) and all(type(n) is int and 0 <= n < 1 << 53 for n in row)
            for row in areas.values()
        )
    )


def _without_hours(pipeline, incidents: Incidents) -> tuple:
    """The steps without hours of the week, where these would tell dates beside the period and the days of the run."""
    kept = []
    for step in pipeline.hotspots:
        by_hour = step.method == "hour_of_week" or _tells_hours_of_cells(step)
        if by_hour and _hours_tell_dates(pipeline, step, incidents):
            warnings.warn(Note("privacy.hours_tell_dates", method=step.method), GridmapWarning, stacklevel=2)
            continue
        kept.append(step)
    if not kept:
        raise InputError(Note("privacy.only_hours"))
    return tuple(kept)


def shown_timeline(pipeline, incidents: Incidents) -> tuple:
    """The counts in time that the page shows, without hours of the week where these would tell dates.

    The public sees months of cells only where a method's own counts show them: only for these were areas merged.
    """
    kept = []
    for step in pipeline.timeline:
        if pipeline.audience == "public" and not _shown_to_the_public(pipeline, step):
            warnings.warn(Note("runs.no_timeline_for_the_public", every=step.every), GridmapWarning, stacklevel=2)
            continue
        if step.every == "hour_of_week" and _hours_tell_dates(pipeline, step, incidents):
            warnings.warn(Note("privacy.hours_tell_dates", method="timeline"), GridmapWarning, stacklevel=2)
        else:
            kept.append(step)
    return tuple(kept)


def _shown_to_the_public(pipeline, step) -> bool:
    """Whether some method for the public shows the counts of a timeline's very periods and kinds."""
    shown = [s for other in pipeline.hotspots if not method_named(other.method).of_points for s in _series(other)]
    wanted = {"every": step.every} | ({} if step.category is None else {"category": step.category})
    return step.period is None and wanted in shown


def _hours_tell_dates(pipeline, step, incidents: Incidents) -> bool:
    """Whether hours of the week may not stand beside what else the run tells of when.

    A cell with one incident has its date in counts by day or week, or of one short period, and its hour in counts by
    hour of the week: beside each other these two are never published of cells. Of the whole territory, the counts
    decide.
    """
    if AUDIENCES[pipeline.audience].points:
        return False
    others = [*pipeline.hotspots, *pipeline.timeline]
    spans = [getattr(other, "period", None) for other in others]
    spans += [other.options.get(key) for other in pipeline.hotspots for key in ("before", "after")]
    days = any(other.every in ("week", "day") for other in others) or any(map(_is_short, spans))
    if days and _tells_hours_of_cells(step):
        return True
    at = incidents.where(**{k: v for k in ("category", "period") if (v := getattr(step, k, None)) is not None})
    return hours_beside_days(at, audience=pipeline.audience, days_written=days) == "days"


def _tells_hours_of_cells(step) -> bool:
    held = (getattr(step, "hours", None), getattr(step, "weekdays", None))
    return step.every == "hour_of_week" or held != (None, None)


def _is_short(period: Any) -> bool:
    """Whether a period is a day, a week, or one that is not made of whole months."""
    if period is None:
        return False
    try:
        span = period_of_text(period)
    except (ValueError, TypeError):
        return True
    whole_months = span.start_time.day == 1 and (span + 1).start_time.day == 1
    return every_of(span) not in ("month", "quarter", "year") and not whole_months


def _warn_of_dropped(boundaries: gpd.GeoDataFrame, incidents: Incidents) -> None:
    """Name the columns that were dropped at reading because they are about persons."""
    parts = incidents.source.get("parts", [incidents.source])
    dropped = {column: why for part in parts for column, why in part.get("dropped", {}).items()}
    for what, found in (("incidents", dropped), ("boundaries", boundaries.attrs.get("dropped") or {})):
        if found:
            columns = [Note("runs.dropped_column", column=column, why=why) for column, why in found.items()]
            warnings.warn(Note(f"runs.dropped_{what}", columns=columns), GridmapWarning, stacklevel=3)


def _kinds_without_persons(incidents: Incidents) -> Incidents:
    """Incidents whose categories quote nobody."""
    table = incidents.arrow()
    there = [kind for kind in pc.unique(table["category"]).to_pylist() if kind is not None]
    masked = {kind: mask(kind) for kind in there if mask(kind) != kind}
    if not masked:
        return incidents
    shown = [masked.get(kind, kind) for kind in table["category"].to_pylist()]
    column = table.schema.get_field_index("category")
    table = table.set_column(column, "category", pa.array(shown, table.schema.field(column).type))
    warnings.warn(Note("runs.masked_kinds", n=len(masked)), GridmapWarning, stacklevel=3)
    return Incidents(table, incidents.set_aside, incidents.source)


def _over_areas(step):
    """A step over areas of very different size: of incidents per km² where it can be, and on no other grid."""
    options = dict(step.options)
    if "population" in options_of(method_named(step.method).function) and method_named(step.method).per_area:
        options.setdefault("population", "area_km2")
    return step.model_copy(update={"stability": 0, "settings": options})


def _as_wide(step, grid: Grid):
    """A density whose bandwidth is not smaller than the areas."""
    given, least = step.options.get("bandwidth_m"), float(np.ceil(cell_reach_m(grid)))
    if not method_named(step.method).surface or isinstance(given, str) or given is None or given >= least:
        return step
    wide = Note("runs.bandwidth_for_the_public", method=step.method, least=least, given=given)
    warnings.warn(wide, GridmapWarning, stacklevel=3)
    return step.model_copy(update={"settings": {**step.options, "bandwidth_m": least}})


def _series(step) -> list[dict[str, Any]]:
    """What a step tells apart."""
    kinds = [
        step.category,
        *(
            step.options[other]
            for other in other_incidents(method_named(step.method).function)
            if other in step.options
        ),
    ]
    spans = [{"period": step.options[o]} for o in ("before", "after") if isinstance(step.options.get(o), str)]
    if "counts_by_period" in inputs_of(method_named(step.method).function).values() and not spans:
        spans = [{"every": step.every or "month"}]
    if not spans:
        spans = [{"period": step.period}] if step.period is not None else [{}]
    return [{**({} if kind is None else {"category": kind}), **span} for kind in kinds for span in spans]


def surface_incidents(step, incidents: Incidents, grid: Grid, audience: str) -> Incidents:
    """What a density is made of."""
    if method_named(step.method).surface and AUDIENCES[audience].surfaces == "cells" and audience != "public":
        return scattered(incidents, grid)
    return incidents


def shown_step(step, result: Any, incidents: Incidents, grid: Grid, audience: str) -> Any:
    """A step's result, released for the audience; a bare table as a `Released`."""
    if method_named(step.method).surface and AUDIENCES[audience].surfaces == "cells":
        result = dataclasses.replace(result, params={**result.params, "places": SCATTERED})
        if audience == "public":  # a density beside its count, so that the gate sees of how many it speaks
            counts = count_by_cell(incidents.where(category=step.category, period=step.period), grid)
            cells = result.cells.assign(count=counts["count"].reindex(result.cells.index).to_numpy())
            result = dataclasses.replace(result, cells=cells)
    return release_result(result, audience=audience)


def run_id_inputs(audience: str, hashes: Mapping[str, str], incidents: Incidents) -> list[dict[str, str]]:
    """What a run's id is made of: the hashes of its files; for the public, of what is reported and of nothing else."""
    if not AUDIENCES[audience].smallest_count:
        return [{"path": path, "sha256": digest} for path, digest in hashes.items()]
    table = incidents.to_frame(["category", "occurred_from", "occurred_to", "lon", "lat"])
    digest = hashlib.sha256(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()).hexdigest()
    return [{"path": "public release", "sha256": digest}]


def record_for(contents: Mapping[str, Any], audience: str) -> dict[str, Any]:
    """`run.json` as the audience may read it: nobody is quoted, and no password of a database.

    The public gets no numbers of rows by file, nor the folders, columns, filters and queries of who made it.
    """
    as_is = (
        {"releases": contents["releases"]} if "releases" in contents else {}
    )  # digits that are not a telephone number
    out = {key: _rewritten(value, _masked) for key, value in contents.items() if key not in as_is} | as_is
    for key in ("warnings", "methods"):  # the values of the summary were gated before they became sentences
        if key in out:
            out[key] = _rewritten(out[key], lambda text: gate_text(text, audience=audience))
    if AUDIENCES[audience].smallest_count:  # a hash confirms whatever somebody guesses of a small file
        for key in ("inputs", "also_read"):
            out[key] = [{"path": _file_name(entry["path"])} for entry in out.get(key, [])]
        out["settings"] = _settings_for_all(out.get("settings") or {})
        if audience == "public":  # which has no forecast
            out["settings"].pop("forecasts", None)
        out["found_from"] = None
        if "incidents" in out:
            out["incidents"] = {k: v for k, v in out["incidents"].items() if k in ("used", "set_aside")}
    return out


def _masked(text: str) -> str:
    return mask(without_passwords(text))


def _file_name(path: str) -> str:
    """A file without its folders; of a database, that it was one."""
    return path.split("://")[0] + "://" if "://" in path else re.split(r"[\\/]", path)[-1]


def _settings_for_all(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of a pipeline's settings, what explains the numbers; not how the data lie at whoever made it."""
    kept: dict[str, Any] = {key: settings[key] for key in SETTINGS_FOR_ALL if key in settings}
    for stage, keys in (("incidents", ("category", "period")), ("grid", ("system", "resolution", "cell_size_m"))):
        found = settings.get(stage)
        kept[stage] = {key: found[key] for key in keys if key in found} if isinstance(found, Mapping) else {}
    return kept


def _rewritten(value: Any, say) -> Any:
    if isinstance(value, Note):  # by its values, never the sentence that they make
        return Note(value.code, **_rewritten(dict(value.values), say))
    if isinstance(value, str):
        return value if HASH.fullmatch(value) else say(value)
    if isinstance(value, Mapping):
        return {say(k) if isinstance(k, str) else k: _rewritten(v, say) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rewritten(v, say) for v in value]
    return value
