"""What is done in the process beside the desk: reading files, dividing territories, checking pipelines.

Each function takes the workspace's folder first and plain values after it, and returns plain values, so that the desk
itself loads none of what reads files, and a file that breaks a reader breaks that process only.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gridmap.errors import GridmapError
from gridmap.messages import Note

__all__ = [
    "answer_all",
    "check_text",
    "division",
    "findings",
    "for_audience",
    "inspected",
    "look_table",
    "proposed_grids",
    "since_last",
    "warm",
    "write_example",
]

#: Points of a picture, corners of an outline.
MOST_POINTS, MOST_CORNERS, MOST_TILES = 900, 6_000, 2_500
#: Rows of a file past which its picture is drawn from the inspection's own coarse lattice.
MOST_ROWS_READ = 2_000_000


def answer_all() -> None:
    """Answer one line of JSON with one, until there are no more: the desk is gone then, and this process too."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not an answer
    for line in sys.stdin.buffer:
        name, *given = json.loads(line)
        try:
            answer: dict[str, Any] = {"value": CALLS[name](*given)}
        except GridmapError as error:
            answer = {"kind": type(error).__name__, "error": _plain(error.args[0] if error.args else str(error))}
        except MemoryError:
            os._exit(1)
        except Exception:  # a reader's own fault: its file is not read, the desk goes on
            answer = {"kind": "ReadError", "error": Note("desk.reader_failed").to_dict()}
        answers.write(json.dumps(answer, default=_item).encode() + b"\n")
        answers.flush()


def _item(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def warm(folder: str) -> list[str]:
    """Import what the others need, while the person looks at the first page; the methods that there are."""
    import gridmap.grids.systems
    import gridmap.read.quality
    import gridmap.runs  # noqa: F401
    from gridmap.hotspots.registry import method_names

    return sorted(method_names())


# ---------------------------------------------------------------------------------------------- bring


def inspected(folder: str, name: str, boundaries: Mapping[str, Any] | None, options: Mapping[str, Any]) -> dict:
    """What is in a file of `data/`: an incident table, zones, or something else.

    Parameters
    ----------
    folder, name : str
    boundaries : mapping, optional
        The `boundaries:` of `data.yaml`, to hold points against.
    options : mapping
        Of `read_incidents`: what the person decided.

    Returns
    -------
    dict
        `kind` is "incidents", "zones", "zones_nowhere" (in no CRS that is known), "roads", "register" or
        "unreadable"; notes are as `note_from` takes them.
    """
    from gridmap.read.quality import ZoneReport, inspect_file

    path = Path(folder) / "data" / name
    if name.endswith(".yaml"):
        return _register_facts(path)
    zones, known = None, {k: v for k, v in options.items() if k in INSPECTED}
    with suppress(GridmapError):
        zones = _boundaries(folder, boundaries) if boundaries else None
    try:
        report = inspect_file(path, boundaries=zones, **known)
    except GridmapError as problem:
        if getattr(problem.args[0], "code", "").startswith("read.no_crs"):
            return _zones_in_each_crs(path, options)
        return _lines_or_unreadable(path, problem)
    if isinstance(report, ZoneReport):
        return _zone_facts(path, report)
    found: dict[str, Any] = {
        "kind": "incidents",
        "rows": report.rows,
        "used": report.used,
        "located": report.located_share,
        "layout": {k: str(v) for k, v in report.layout.items() if v is not None},
        "columns": [{**c, "reason": _plain(c["reason"])} for c in report.columns],
        "times": _plain(report.times),
        "hours": bool(report.charts.get("hours")) and max(report.charts["hours"]) < sum(report.charts["hours"]),
        "months": report.charts.get("months", {}),
        "categories": report.categories,
        "personal": _plain(report.personal),
        "set_aside": report.set_aside,
        "problems": [_plain(p) for p in report.problems],
        "notes": [_plain(n) for n in report.notes],
        "coordinates": _plain(report.coordinates),
        "settings": {k: v for k, v in report.settings.items() if k not in ("path", "boundaries", "columns")},
        "roles": report.settings.get("columns", {}),
    }
    found["handling"] = _handling(report.columns)
    found["orders"] = _orders(report.problems)
    found["datum_open"] = "datum_estimate" in report.coordinates or any(
        getattr(p, "code", "").startswith("read.datum") for p in report.problems
    )
    points = _sample(path, report, {**found["settings"], **known}, found["datum_open"])
    found["points"] = _in_each_datum(points) if found["datum_open"] else {"": points}
    return found


def _in_each_datum(points: list[list[float]]) -> dict[str, list[list[float]]]:
    """Where the points would lie in WGS 84, if they stood in the file on each datum that could be meant."""
    import numpy as np

    from gridmap.read.datum import CANDIDATES, to_wgs84

    x, y = np.array(points, float).reshape(-1, 2).T
    moved = {datum: to_wgs84(x, y, datum=datum) for datum in CANDIDATES}
    return {d: np.column_stack(xy).round(6).tolist() for d, xy in moved.items()}


INSPECTED = ("columns", "datum", "crs", "timezone", "date_order", "encoding", "table")


def _plain(value: Any) -> Any:
    if isinstance(value, Note):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def _orders(problems: list) -> list[str]:
    """The two orders of day and month that the dates fit, where they fit both."""
    for problem in problems:
        inner = problem.values.get("problem") if isinstance(problem, Note) else None
        note = inner.args[0] if isinstance(inner, Exception) and inner.args else inner
        if isinstance(note, Note) and note.code in ("read.day_or_month", "read.mixed_orders"):
            return [note.values.get("first", "dmy"), note.values.get("second", "mdy")]
    return []


def _sample(path: Path, report: Any, settings: Mapping[str, Any], datum_open: bool) -> list[list[float]]:
    """Some places as they stand in the file, or in WGS 84 where its datum is not in doubt."""
    import numpy as np

    from gridmap.read.incidents import read_incidents

    lon: Any = []
    lat: Any = []
    if report.rows <= MOST_ROWS_READ:
        given = {k: v for k, v in settings.items() if k in (*INSPECTED, "repair")}
        given = {**given, "datum": "wgs84"} if datum_open else given
        with suppress(GridmapError):
            lon, lat = read_incidents(path, **given).lonlat()
    elif (extent := report.coordinates.get("extent")) and (cloud := report.charts.get("cloud")):
        west, south, east, north = extent
        rows, columns = np.nonzero(np.array(cloud))
        lon = west + (columns + 0.5) / len(cloud) * (east - west)
        lat = north - (rows + 0.5) / len(cloud) * (north - south)
    if len(lon) > MOST_POINTS:
        chosen = np.random.default_rng(0).choice(len(lon), MOST_POINTS, replace=False)
        lon, lat = np.asarray(lon)[chosen], np.asarray(lat)[chosen]
    return [[round(float(x), 6), round(float(y), 6)] for x, y in zip(lon, lat, strict=True)]


def _zones_in_each_crs(path: Path, options: Mapping[str, Any]) -> dict:
    """Zones whose file names no CRS: in the one that was chosen or fits best, with a picture of each that fits.

    `options` may carry `zone_crs`, an EPSG code that the person chose, and `near`, places of the incidents.
    """
    import numpy as np
    import shapely

    from gridmap.read.boundaries import read_boundaries
    from gridmap.read.datum import possible_crs
    from gridmap.read.quality.boundary_report import inspect_zones
    from gridmap.read.tables.vector import read_vector

    near, chosen = np.array(options.get("near") or [], float).reshape(-1, 2), options.get("zone_crs")
    fitting = list(possible_crs(read_vector(path).total_bounds, near))[:3]
    each: list[dict[str, Any]] = []
    for code in dict.fromkeys([*fitting, *([int(chosen)] if chosen else [])]):
        with suppress(GridmapError, ValueError, RuntimeError):
            zones = read_boundaries(path, crs=code)
            outline, box = _outline(zones)
            whole = shapely.union_all(zones.geometry.to_numpy())
            inside = float(shapely.contains_xy(whole, *near.T).mean()) if len(near) else None
            each.append({"code": code, "outline": outline, "box": box, "inside": inside})
    each.sort(key=lambda one: (one["code"] not in fitting, -round(one["inside"] or 0, 2)))  # alike: the nearest first
    now = int(chosen) if chosen else next((one["code"] for one in each), None)
    if now is None or now not in [one["code"] for one in each]:
        wrong = [Note("desk.no_such_crs", code=chosen).to_dict()] if chosen else []
        return {"kind": "zones_nowhere", "crs_open": each, "problems": wrong, "notes": []}
    facts = _zone_facts(path, inspect_zones(path, crs=now), crs=now)
    return {**facts, "crs_open": each, "crs_now": f"EPSG:{now}"}


def _zone_facts(path: Path, report: Any, **options: Any) -> dict:
    zones = report.frame
    if options or zones is None:
        zones = _boundaries(str(path.parents[1]), {"path": f"data/{path.name}", **options})
    outline, box = _outline(zones)
    numbers = [c for c in zones.columns if zones[c].dtype.kind in "iuf"]
    return {
        "kind": "zones",
        "zones": report.zones,
        "level": report.level,
        "parents": report.parents,
        "crs": report.crs,
        "area_km2": report.area_km2,
        "columns": {k: _plain(v) for k, v in report.columns.items()},
        "names": [str(n) for n in zones["name"].head(6)],
        "choices": _zone_columns(zones),
        "people": next((c for c in numbers if any(word in c.lower() for word in PEOPLE)), None),
        "problems": [_plain(p) for p in report.problems],
        "notes": [_plain(n) for n in report.notes],
        "outline": outline,
        "box": box,
    }


PEOPLE = ("population", "persons", "residents", "households", "people", "人口", "户数", "居民")


def _zone_columns(zones: Any) -> list[dict]:
    """The columns that could name a zone: how many different values each has."""
    out = []
    for column in zones.columns:
        if column in ("geometry", "level") or zones[column].dtype.kind == "f":
            continue
        values = zones[column].dropna().astype(str)
        if len(values):
            out.append({"name": str(column), "n": int(values.nunique()), "example": values.iloc[0][:40]})
    return out


def _handling(columns: list[Mapping[str, Any]]) -> dict[str, str] | None:
    """The `columns:` that `case_life` needs beside the names that it knows; None where nothing tells of a closing."""
    from gridmap.governance.cases import ROLES

    there = {str(column["name"]): column.get("role") for column in columns if not column.get("personal")}
    if not any(name in there for name in ROLES["closed"]):
        return None
    own = next((name for name in ROLES["found"] if name in there), None)
    return {} if own is not None and not there[own] else {"found": "occurred_from"}


def _register_facts(path: Path) -> dict:
    """A register of named areas."""
    from gridmap.governance.register import Register

    try:
        areas = Register.read(path).areas
    except GridmapError as problem:
        return {"kind": "unreadable", "problems": [_plain(problem.args[0])], "notes": []}
    gone = sum(area.struck_off_on is not None for area in areas)
    return {"kind": "register", "areas": len(areas), "struck_off": gone, "problems": [], "notes": []}


def _lines_or_unreadable(path: Path, problem: GridmapError) -> dict:
    from gridmap.read.roads import read_roads

    with suppress(GridmapError, ValueError, KeyError, TypeError):
        return {"kind": "roads", "streets": len(read_roads(path)), "problems": [], "notes": []}
    return {"kind": "unreadable", "problems": [_plain(problem.args[0] if problem.args else str(problem))], "notes": []}


def _boundaries(folder: str, options: Mapping[str, Any]) -> Any:
    from gridmap.read.boundaries import read_boundaries

    given = dict(options)
    return read_boundaries(Path(folder) / given.pop("path"), **given)


def _outline(zones: Any) -> tuple[list, list[float]]:
    """Rings of the zones in lon/lat, as few corners as a small picture shows, and their box."""
    import shapely

    box = [float(v) for v in zones.total_bounds]
    fine = max(box[2] - box[0], box[3] - box[1]) / 400
    shapes = shapely.simplify(zones.geometry.to_numpy(), fine)
    rings, corners = [], 0
    for part in shapely.get_parts(shapes):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        ring = [[round(x, 5), round(y, 5)] for x, y in part.exterior.coords]
        corners += len(ring)
        if corners > MOST_CORNERS:
            break
        rings.append(ring)
    if corners > MOST_CORNERS:  # neighbours, each simplified by itself, are joined by half a step of the picture
        whole = shapely.simplify(shapely.union_all(shapely.buffer(shapes, fine / 2, quad_segs=1)), fine)
        parts = [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon"]
        rings = [[[round(x, 5), round(y, 5)] for x, y in p.exterior.coords] for p in parts]
    return rings, box


# ---------------------------------------------------------------------------------------------- ask


def proposed_grids(folder: str, boundaries: Mapping[str, Any], incidents: int) -> list[dict]:
    """Three sizes of hexagons around the one that the data support, with a picture's tiles of each."""
    import shapely

    from gridmap.grids.systems import make_grid
    from gridmap.read.metric_projection import metric_crs
    from gridmap.read.quality.rendering import propose_resolution

    zones = _boundaries(folder, boundaries)
    area = float(zones.to_crs(metric_crs(tuple(zones.total_bounds))).area.sum() / 1e6)
    best = min(max(propose_resolution(incidents, area), 6), 10)
    outline, box = _outline(zones)
    out = []
    for resolution in (best - 1, best, best + 1):
        grid = make_grid(zones, system="h3", resolution=resolution)
        cells = grid.cells.geometry.to_numpy()
        west, south, east, north = box
        near = (west, south, east, north)
        if len(cells) > MOST_TILES:  # a part from the middle, or the picture is black
            share = (MOST_TILES / len(cells)) ** 0.5 / 2
            x, y, w, h = (west + east) / 2, (south + north) / 2, (east - west) * share, (north - south) * share
            near = (x - w, y - h, x + w, y + h)
            cells = cells[shapely.STRtree(cells).query(shapely.box(*near), predicate="intersects")]
        tiles = [
            [[round(x, 5), round(y, 5)] for x, y in part.exterior.coords]
            for part in shapely.get_parts(cells)
            if part.geom_type == "Polygon"
        ]
        out.append(
            {
                "resolution": resolution,
                "cells": len(grid),
                "each": incidents / max(len(grid), 1),
                "across_m": float((grid.cells["area_m2"].median() * 2 / 3**0.5) ** 0.5),
                "proposed": resolution == best,
                "tiles": tiles,
                "outline": outline,
                "box": list(near),
            }
        )
    return out


def check_text(folder: str, text: str, out: str) -> dict:
    """Is this pipeline right, as it would run in this workspace; where not, the first mistake.

    Returns
    -------
    dict
        `problem` is None or a text in the form that `note_from` takes.
    """
    import tempfile

    from gridmap.runs import read_pipeline
    from gridmap.runs.input_files import check_confined

    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=folder, prefix=".gridmap-check-", suffix=".yaml", delete=False
    ) as file:
        file.write(text)
    path = Path(file.name)
    try:
        pipeline = read_pipeline(path)
        check_confined(pipeline, Path(folder) / "runs" / out)
    except GridmapError as problem:
        both = {tag: problem.say(tag).replace(str(path), "").replace(path.name, "") for tag in ("en", "zh")}
        return {"problem": {tag: line.lstrip(" :,，：") for tag, line in both.items()}}
    finally:
        path.unlink(missing_ok=True)
    return {"problem": None, "title": pipeline.title, "audience": pipeline.audience, "language": pipeline.language}


# ---------------------------------------------------------------------------------------------- finished runs


def findings(folder: str, run: str) -> list[dict]:
    """What a run found, as `kind` and `note`, for any language; gated as the run was.

    What a hidden step found stands last: no question of the pipeline is about it.
    """
    from gridmap.reports.results_folder import read_run

    place = Path(folder) / "runs" / run
    steps = (_record(place).get("settings") or {}).get("hotspots") or []
    hidden = {n for n, step in enumerate(steps, start=1) if isinstance(step, Mapping) and step.get("show") is False}
    found = sorted(read_run(place).facts, key=lambda one: one.step in hidden)
    return [{"kind": one.kind, "note": note.to_dict()} for one in found if (note := one.note()) is not None]


def since_last(folder: str, run: str) -> list[dict]:
    """What changed since the run of the same pipeline before this one, as notes.

    Runs of two periods are compared place by place (`changes_since`); of two runs of one period it names the files
    and settings that are others.
    """
    from gridmap.reports.compare_runs import changes_since
    from gridmap.reports.results_folder import read_run

    place = Path(folder) / "runs" / run
    record = _record(place)
    before = [
        r for other in place.parent.iterdir() if other != place and (r := _record(other)) and _is_before(r, record)
    ]
    if not before:
        return _since_another(place, record)
    facts = changes_since(read_run(place)).facts
    if [one.kind for one in facts] != ["since_none"]:
        return [note.to_dict() for one in facts if (note := one.note()) is not None]
    last = max(before, key=lambda r: str(r.get("written")))
    files = [{str(e.get("path")): e.get("sha256") for e in r.get("inputs", [])} for r in (last, record)]
    others = sorted(Path(name).name for name in files[1] if files[0].get(name) != files[1][name])
    given = [_flat(r.get("settings") or {}) for r in (last, record)]
    keys = [key for key in dict.fromkeys([*given[1], *given[0]]) if given[0].get(key) != given[1].get(key)]
    out = [Note("desk.since_files", names=others)] if others else []
    out += [Note("desk.since_settings", keys=keys[:8], n=len(keys))] if keys else []
    return [note.to_dict() for note in out or [Note("desk.since_same")]]


def _since_another(place: Path, record: Mapping[str, Any]) -> list[dict]:
    """Of the first run of a pipeline: what changed since the newest run of another that can be compared with it.

    A title names its months, so a new month is a new pipeline; the person asks the same thing of it.
    """
    from gridmap.reports.compare_runs import changes_since
    from gridmap.reports.results_folder import read_run

    run, earlier = read_run(place), []
    for other in place.parent.iterdir():
        one = _record(other)
        if one.get("audience") == record.get("audience") and str(one.get("written")) < str(record.get("written")):
            earlier.append((str(one.get("written")), other))
    for _, other in sorted(earlier, reverse=True)[:MOST_COMPARED]:
        with suppress(GridmapError):
            before = read_run(other)
            facts = changes_since(run, other).facts
            another = before.head.get("period") != run.head.get("period")
            if another and facts and all(one.kind != "incomparable" for one in facts):
                since = Note("desk.since_another", name=str(before.head.get("title") or other.name))
                return [n.to_dict() for n in (since, *(one.note() for one in facts)) if n is not None]
    return [Note("desk.since_first").to_dict()]


#: So many earlier runs are tried for a comparison.
MOST_COMPARED = 5


def _record(place: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((place / "run.json").read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _is_before(other: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether it is an earlier run of the same pipeline for the same audience."""
    same = all(other.get(key) == record.get(key) for key in ("pipeline", "audience"))
    return same and str(other.get("written")) < str(record.get("written"))


def _flat(settings: Any, name: str = "") -> dict[str, str]:
    """Settings as `grid.resolution` → value."""
    if isinstance(settings, Mapping) and settings:
        return {k: v for key, value in settings.items() for k, v in _flat(value, f"{name}.{key}".strip(".")).items()}
    if isinstance(settings, list) and settings:
        return {k: v for i, value in enumerate(settings, 1) for k, v in _flat(value, f"{name}.{i}").items()}
    return {name: json.dumps(settings, default=str)}


# ---------------------------------------------------------------------------------------------- look closer


def division(folder: str, run: str) -> dict:
    """The cells of a run, in the order of `look_table`'s numbers: ids, names, rings, box."""
    import shapely

    _, grid, zones = _of_run(folder, run)
    names = zones.set_index("zone_id")["name"].astype(str) if "zone_id" in zones else None
    shapes = grid.cells.geometry.to_numpy()
    rings = [
        [[[round(x, 5), round(y, 5)] for x, y in part.exterior.coords] for part in shapely.get_parts(shape)]
        for shape in shapes
    ]
    own = grid.cells["zone_id"].astype(str) if "zone_id" in grid.cells else None
    ids = [str(i) for i in grid.cells.index]
    called = ids if own is None or names is None else [str(names.get(z, i)) for z, i in zip(own, ids, strict=True)]
    return {"ids": ids, "names": called, "rings": rings, "box": [float(v) for v in grid.cells.total_bounds]}


def _of_run(folder: str, run: str) -> tuple[Any, Any, Any]:
    """The pipeline, the grid and the zones that a run worked with, from its own record."""
    from gridmap.errors import InputError
    from gridmap.runs import read_pipeline
    from gridmap.runs.input_files import check_confined
    from gridmap.runs.stages.gridding import grid_stage

    place = Path(folder)
    record = json.loads((place / "runs" / run / "run.json").read_text(encoding="utf-8"))
    if record.get("audience") != "internal":
        raise InputError(Note("desk.look_internal_only"))
    import yaml

    _check_inputs(place, record)
    hidden = place / f".gridmap-look-{os.getpid()}.yaml"
    try:
        hidden.write_text(yaml.safe_dump(record["settings"], allow_unicode=True, sort_keys=False), encoding="utf-8")
        pipeline = read_pipeline(hidden)
        check_confined(pipeline, place / "runs" / run)
    finally:
        hidden.unlink(missing_ok=True)
    zones = _boundaries(folder, record["settings"]["boundaries"])
    grid, zones, _ = grid_stage(pipeline, zones)
    return pipeline, grid, zones


def _check_inputs(place: Path, record: Mapping[str, Any]) -> None:
    """Whether the files are those that the run read: else the counts would be of something else."""
    from gridmap._io import sha256_of
    from gridmap.errors import InputError

    for entry in record.get("inputs", []):
        path = place / str(entry.get("path"))
        inside = path.resolve().is_relative_to(place.resolve())
        if not inside or not path.is_file() or sha256_of(path) != entry.get("sha256"):
            raise InputError(Note("desk.look_changed", name=Path(str(entry.get("path"))).name))


def look_table(folder: str, run: str, target: str) -> dict:
    """The incidents of an internal run as numbers, one Parquet file (`write_look`).

    An hour is known where the incident's interval is no longer than an hour, a weekday where it is no longer than a
    day, a month where it is no longer than that; each is that of the interval's middle, as `Incidents.where` takes it.

    Returns
    -------
    dict
        `kinds` (name of each number), `rows`, `cells` and what `division` returns.
    """
    import numpy as np
    import pyarrow as pa

    from gridmap.read.incident_table import COLUMNS
    from gridmap.runs.run import read_all_incidents

    pipeline, grid, zones = _of_run(folder, run)
    incidents, _ = read_all_incidents(pipeline, zones)
    table = incidents.arrow(["lon", "lat", "category", "occurred_from", "occurred_to"])
    coded = table["category"].combine_chunks().dictionary_encode()
    start = table["occurred_from"].to_numpy().astype("datetime64[us]")
    long = table["occurred_to"].to_numpy().astype("datetime64[us]") - start
    middle = start + long // 2
    date, month = middle.astype("datetime64[D]"), middle.astype("datetime64[M]")
    days_of_month = (month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")
    one_day, one_hour = long <= np.timedelta64(1, "D"), long <= np.timedelta64(1, "h")
    found = np.full(len(table), -1, np.int8)
    by_officers = next(name for name, kind in COLUMNS.items() if pa.types.is_boolean(kind))
    if by_officers in incidents.columns:
        values = incidents.arrow([by_officers])[by_officers].combine_chunks()
        found = values.cast(pa.int8()).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int8)
    columns = {
        "cell": grid.locate(table["lon"].to_numpy(), table["lat"].to_numpy()).astype(np.int32),
        "kind": coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int16),
        "month": np.where(long <= days_of_month, month.astype(np.int64), UNKNOWN_MONTH).astype(np.int16),
        "weekday": np.where(one_day, (date.astype(np.int64) + 3) % 7, -1).astype(np.int8),  # 1970-01-01: a Thursday
        "hour": np.where(one_hour, (middle - date) // np.timedelta64(1, "h"), -1).astype(np.int8),
        "found": found,
    }
    write_look(Path(target), columns)
    return {"kinds": [str(k) for k in coded.dictionary.to_pylist()], "rows": len(table), **division(folder, run)}


#: The month of an incident whose month is not known.
UNKNOWN_MONTH = -(1 << 14)
#: The columns of `write_look`.
LOOK_COLUMNS = ["cell", "kind", "month", "weekday", "hour", "found", "code"]


def write_look(target: Path, columns: Mapping[str, Any]) -> None:
    """The table that filters count over (LOOK_COLUMNS), the rows of a cell together.

    `code` numbers what is not a place, so that one lookup a row decides whether a filter keeps it.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from gridmap._io import atomic_file

    code = np.zeros(len(columns["cell"]), np.int64)
    for name in LOOK_COLUMNS[1:-1]:
        values, at = np.unique(columns[name], return_inverse=True)
        code = code * len(values) + at.reshape(-1)
        if name != "kind":  # a number for each that occurs, so that many kinds and many years do not multiply
            code = np.unique(code, return_inverse=True)[1].reshape(-1)
    order = np.argsort(columns["cell"], kind="stable")
    whole = {name: pa.array(np.asarray(values)[order]) for name, values in columns.items()}
    whole["code"] = pa.array(code[order].astype(np.uint32))
    with atomic_file(target) as part:
        pq.write_table(pa.table(whole), part, row_group_size=1 << 20)


# ---------------------------------------------------------------------------------------------- share


def for_audience(folder: str, run: str, audience: str) -> dict:
    """The pipeline of an internal run as another audience may have it, and what had to be left out of it.

    Returns
    -------
    dict
        `text` of the new pipeline file, `left_out` (names of steps and stages).
    """
    import yaml

    from gridmap.runs.audience_limits import why_not_allowed
    from gridmap.runs.config import GOVERNANCE

    pipeline, _, _ = _of_run(folder, run)
    record = json.loads((Path(folder) / "runs" / run / "run.json").read_text(encoding="utf-8"))
    settings, left_out = {**record["settings"], "audience": audience}, []
    kept = []
    for step, entry in zip(pipeline.hotspots, settings["hotspots"], strict=True):
        if why_not_allowed(audience, (step,), None) or (step.weight and audience == "public"):
            left_out.append(step.name or step.method)
        else:
            kept.append(entry)
    settings["hotspots"] = kept
    if "patrol" in settings and why_not_allowed(audience, (), pipeline.patrol):
        del settings["patrol"]
        left_out.append("patrol")
    for stage in ("forecasts", *GOVERNANCE) if audience == "public" else ():
        if settings.pop(stage, None):
            left_out.append(stage)
    if kept and all(isinstance(entry, Mapping) and entry.get("show") is False for entry in kept):
        settings["hotspots"] = [
            {k: v for k, v in kept[0].items() if k != "show"},
            *kept[1:],
        ]  # all that is left to open
    text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=110)
    return {"text": text, "left_out": left_out}


# ---------------------------------------------------------------------------------------------- an example


def write_example(folder: str) -> list[str]:
    """The police data that the package brings, into `data/`; what stands there already is left."""
    import shutil

    from gridmap.examples import example_folder

    target = Path(folder) / "data"
    bundled = sorted((example_folder() / "west_yorkshire").iterdir())
    for path in bundled:
        if not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)
    return [path.name for path in bundled]


CALLS = {
    function.__name__: function
    for function in (
        *(warm, inspected, proposed_grids, check_text, findings, since_last),
        *(division, look_table, for_audience, write_example),
    )
}
