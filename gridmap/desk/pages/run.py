"""Run: the queue, finished runs, and what each left: map, briefing, files, audit.

A file leaves only through the gate: it must be named in the audit of its run with the bytes that it has, and the run
must be for the audience that the address names. What lies beside a run's outputs is never given out.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gridmap._audit import audiences_in, outputs_in, read_audit
from gridmap._io import sha256_of
from gridmap.desk import workers
from gridmap.desk.queue import PAPERS
from gridmap.desk.responses import Desk, desk_of, form_of, language_of, page, part, redirect
from gridmap.desk.workspace import Workspace
from gridmap.errors import GridmapError, InputError
from gridmap.messages import LANGUAGES, Note, known, note_from, say, step_name

__all__ = ["ROUTES", "audience_of", "gated", "outputs_of", "record_of", "run_of"]

#: A page of a run lives in a world of its own: it runs its scripts, and can neither read nor ask the desk anything.
SANDBOX = (
    "sandbox allow-scripts allow-downloads allow-popups allow-modals; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'; base-uri 'none'; "
    "form-action 'none'"
)
#: Facts that speak of rows and no place: never the first finding.
OF_ROWS = ("sample", "sample_public", "outside", "vague_times")
#: Jobs of the queue that are over and did not end well, which are shown until they are this many.
LAST_FAILED = 5
TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json", ".csv": "text/csv; charset=utf-8"}


# ---------------------------------------------------------------------------------------------- one run


def run_of(workspace: Workspace, name: str) -> Path:
    """The folder of a finished run.

    Raises
    ------
    InputError
    """
    folder = workspace.inside(name, under="runs")
    if "/" in name or not (folder / "run.json").is_file() or (folder / "run.json").is_symlink():
        raise InputError(Note("desk.no_run"))
    return folder


def record_of(folder: Path) -> dict[str, Any]:
    """`run.json`, or nothing of it where it cannot be read."""
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def audience_of(folder: Path) -> str:
    """For whom a run was, by its audit; "internal" where the audit does not tell."""
    lines, faults = read_audit(folder)
    found = audiences_in(lines)
    return next(iter(found)) if len(found) == 1 and not faults else "internal"


def outputs_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The outputs that the audit names: path in the folder → size and hash."""
    lines, faults = read_audit(folder)
    return {} if faults else outputs_in(lines)


def gated(workspace: Workspace, name: str, audience: str, path: str) -> Path:
    """A file of a run, if this audience may have it.

    Raises
    ------
    InputError
        If the run is for another audience, the audit does not name the file, or its bytes are others than the run left.
    """
    folder = run_of(workspace, name)
    if audience_of(folder) != audience:
        raise InputError(Note("desk.other_audience", audience=Note(f"audience.{audience_of(folder)}.name")))
    place = workspace.existing(path, under=f"runs/{folder.name}")
    entry = outputs_of(folder).get(path)
    if entry is None:
        raise InputError(Note("desk.not_an_output", name=place.name))
    try:
        same = sha256_of(place, follow=False) == entry.get("sha256")
    except OSError:
        same = False
    if not same:
        raise InputError(Note("desk.changed_since", name=place.name))
    return place


def _summary(folder: Path, language: str) -> dict[str, Any]:
    """How the list tells of a run."""
    record = record_of(folder)
    audience = audience_of(folder)
    return {
        "name": folder.name,
        "title": str(record.get("title") or folder.name),
        "written": str(record.get("written", ""))[:16].replace("T", " "),
        "audience": say(f"audience.{audience}.name", language) if known(f"audience.{audience}.name") else audience,
        "audience_key": audience,
        "pipeline": str(record.get("pipeline", "")),
        "has_map": _map_of(folder) is not None,
        "map": _map_of(folder),
        "used": (record.get("incidents") or {}).get("used"),
        "took": sum(v for v in (record.get("timings_s") or {}).values() if isinstance(v, int | float)),
    }


def _map_of(folder: Path) -> str | None:
    return next((name for name in outputs_of(folder) if name.endswith(".html") and "/" not in name), None)


async def _read(desk: Desk, folder: Path, worker: Any) -> list[Any]:
    """What a worker reads of a run, once a run id; nothing where the run cannot be read."""
    key = _key_of(worker, folder)
    if key not in desk.found:
        try:
            desk.found[key] = await desk.work(worker, folder.name)
        except GridmapError:  # a folder of another version, or one that was changed: it says so where it is verified
            desk.found[key] = []
    return desk.found[key]


def _key_of(worker: Any, folder: Path) -> tuple[str, str]:
    return worker.__name__, f"{folder.name}/{record_of(folder).get('run_id')}"


async def _sentences(desk: Desk, folder: Path, language: str) -> list[str]:
    """What a run found, in the reader's language; as the run wrote it where its facts cannot be read."""
    found = await _read(desk, folder, workers.findings)
    lines = [_worded(entry["note"], language) for entry in found]
    return lines or [str(line) for line in record_of(folder).get("summary", [])]


def _worded(entry: Any, language: str) -> str:
    note = note_from(entry)
    return note.say(language) if isinstance(note, Note) else str(note)


def _warnings(desk: Desk, folder: Path, language: str) -> list[str]:
    """What a run warned of: in the reader's language where it ran in this desk, else as it wrote it."""
    jobs = [j for j in desk.queue.jobs() if j.kind == "run" and j.out == folder.name and j.state == "done"]
    if jobs and jobs[0].notes:
        return [_worded(entry, language) for entry in jobs[0].notes]
    return [str(line) for line in record_of(folder).get("warnings", [])]


async def _since(desk: Desk, folder: Path, language: str) -> list[str]:
    return [_worded(entry, language) for entry in await _read(desk, folder, workers.since_last)]


async def since(request: Request) -> Response:
    """What a run found first, and what changed since the last run of the same pipeline, for the list."""
    desk = desk_of(request)
    folder = run_of(desk.workspace, request.path_params["run"])
    for worker in (workers.findings, workers.since_last):
        await _read(desk, folder, worker)
    return part(request, "_since.html", run=_in_list(desk, folder, language_of(request)))


def _in_list(desk: Desk, folder: Path, language: str) -> dict[str, Any]:
    """A run as the list shows it; what takes reading only where it was read already."""
    found, changed = (desk.found.get(_key_of(worker, folder)) for worker in (workers.findings, workers.since_last))
    places = [entry for entry in found or [] if entry["kind"] not in OF_ROWS]
    shown = {
        "read": found is not None and changed is not None,
        "first": _worded(places[0]["note"], language) if places else "",
        "since": [_worded(entry, language) for entry in (changed or [])[:3]],
    }
    return {**_summary(folder, language), **shown}


# ---------------------------------------------------------------------------------------------- the list


async def runs(request: Request) -> Response:
    """What waits, what runs, what is done."""
    return page(request, "runs", **_queue_values(request))


async def queue(request: Request) -> Response:
    """The same, without the page around it."""
    return part(request, "_queue.html", **_queue_values(request))


def _queue_values(request: Request) -> dict[str, Any]:
    desk, language = desk_of(request), language_of(request)
    known_jobs = desk.queue.jobs()
    failed = [job for job in known_jobs if job.is_over and job.state != "done"][:LAST_FAILED]
    # a finished run stands in the list below; the newest job here too, for who waited for it
    shown = [job for i, job in enumerate(known_jobs) if not job.is_over or job in failed or (i == 0)]
    jobs = [_job_view(job, language) for job in shown]
    finished = [_in_list(desk, folder, language) for folder in desk.workspace.runs()[:100]]
    pipelines = [path.stem for path in desk.workspace.pipelines()[:50]]
    active = any(job["state"] in ("waiting", "running") for job in jobs)
    return {"jobs": jobs, "finished": finished, "pipelines": pipelines, "active": active}


def _job_view(job: Any, language: str) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title or job.out,
        "out": job.out,
        "state": job.state,
        "seconds": job.seconds(),
        "remaining": job.remaining(),
        "expected": job.expected_s,
        "steps": [(step_name(name, language), at) for name, at in job.steps],
        "error": job.error,
    }


async def start(request: Request) -> Response:
    """Queue a pipeline file."""
    desk = desk_of(request)
    form = await form_of(request)
    path = desk.workspace.existing(f"{form.get('pipeline', [''])[0]}.yaml")
    desk.queue.add_run(path.name, out=desk.queue.free_name(path.stem), title=path.stem)
    return redirect("/runs")


async def cancel(request: Request) -> Response:
    """End a job."""
    desk_of(request).queue.cancel((await form_of(request)).get("job", [""])[0])
    return redirect("/runs")


async def again(request: Request) -> Response:
    """Queue a job once more."""
    desk_of(request).queue.again((await form_of(request)).get("job", [""])[0])
    return redirect("/runs")


# ---------------------------------------------------------------------------------------------- one run's page


async def one(request: Request) -> Response:
    """What a run found and left."""
    desk, language = desk_of(request), language_of(request)
    folder = run_of(desk.workspace, request.path_params["run"])
    record, outputs = record_of(folder), outputs_of(folder)
    others = [_summary(other, language) for other in desk.workspace.runs() if other != folder]
    files = [
        {"path": path, "bytes": entry.get("bytes", 0), "href": _href(folder, path)} for path, entry in outputs.items()
    ]
    return page(
        request,
        "run",
        run=_summary(folder, language),
        record=record,
        sentences=await _sentences(desk, folder, language),
        warnings=_warnings(desk, folder, language),
        since=await _since(desk, folder, language),
        top=[f for f in files if "/" not in f["path"]],
        inner=[f for f in files if "/" in f["path"]],
        map_href=_href(folder, _map_of(folder)) if _map_of(folder) else "",
        others=others,
        papers=PAPERS,
        languages=LANGUAGES,
        briefings=[f for f in files if re.fullmatch(r"briefing(\.\w+)?\.(pdf|docx|pptx|xlsx)", f["path"])],
    )


def _href(folder: Path, path: str | None) -> str:
    return f"/runs/{quote(folder.name)}/for/{audience_of(folder)}/{quote(path or '')}"


async def download(request: Request) -> Response:
    """A file of a run, through the gate."""
    given = request.path_params
    place = gated(desk_of(request).workspace, given["run"], given["audience"], given["path"])
    kind = TYPES.get(place.suffix.lower())
    if place.suffix.lower() == ".html":
        return FileResponse(place, media_type=kind, headers={"Content-Security-Policy": SANDBOX})
    return FileResponse(
        place,
        media_type=kind or "application/octet-stream",
        filename=place.name,
        headers={"Content-Security-Policy": "sandbox; default-src 'none'"},
    )


async def verify(request: Request) -> Response:
    """Hold every byte of a run against its audit."""
    from starlette.concurrency import run_in_threadpool

    from gridmap.runs.verify import verify_run

    desk, language = desk_of(request), language_of(request)
    folder = run_of(desk.workspace, request.path_params["run"])
    verdict = await run_in_threadpool(verify_run, folder)
    faults = [fault.say(language) if isinstance(fault, Note) else str(fault) for fault in verdict.faults]
    values: dict[str, Any] = {"verdict": verdict, "faults": faults, "name": folder.name}
    if request.headers.get("hx-request"):
        return part(request, "_verdict.html", **values)
    return page(request, "verdict", **values)


async def report(request: Request) -> Response:
    """Queue a briefing of a run."""
    desk = desk_of(request)
    form = {key: values[0] for key, values in (await form_of(request)).items()}
    folder = run_of(desk.workspace, request.path_params["run"])
    if form.get("paper") not in PAPERS or form.get("language") not in LANGUAGES:
        raise InputError(Note("desk.not_understood"))
    desk.queue.add_report(folder.name, form["paper"], language=form["language"])
    return redirect("/runs")


async def beside(request: Request) -> Response:
    """Two runs side by side: their maps, their sentences."""
    desk, language = desk_of(request), language_of(request)
    both = []
    for key in ("left", "right"):
        folder = run_of(desk.workspace, request.query_params.get(key, ""))
        lines = await _sentences(desk, folder, language)
        both.append({**_summary(folder, language), "sentences": lines, "href": _href(folder, _map_of(folder))})
    return page(request, "beside", both=both)


ROUTES = [
    Route("/runs", runs),
    Route("/runs/queue", queue),
    Route("/runs/start", start, methods=["POST"]),
    Route("/runs/cancel", cancel, methods=["POST"]),
    Route("/runs/again", again, methods=["POST"]),
    Route("/beside", beside),
    Route("/runs/{run}", one),
    Route("/runs/{run}/since", since),
    Route("/runs/{run}/verify", verify, methods=["POST"]),
    Route("/runs/{run}/report", report, methods=["POST"]),
    Route("/runs/{run}/for/{audience}/{path:path}", download),
]
