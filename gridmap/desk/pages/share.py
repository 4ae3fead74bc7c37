"""Share: the same run for a meeting or for everyone, what the gate did to it in words, and a folder to carry away."""

import zipfile
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gridmap._io import write_text
from gridmap.audiences import AUDIENCES, check_audience
from gridmap.desk import workers
from gridmap.desk.pages.run import audience_of, gated, outputs_of, record_of, run_of
from gridmap.desk.responses import desk_of, form_of, language_of, page, redirect
from gridmap.desk.workspace import Workspace
from gridmap.errors import InputError
from gridmap.messages import Note, known, say

__all__ = ["ROUTES"]


async def show(request: Request) -> Response:
    """What a run may be made into, or what was done to it."""
    desk, language = desk_of(request), language_of(request)
    folder = run_of(desk.workspace, request.path_params["run"])
    audience = audience_of(folder)
    return page(
        request,
        "share",
        run=folder.name,
        title=str(record_of(folder).get("title") or folder.name),
        audience=audience,
        audiences=[name for name in AUDIENCES if name != "internal"],
        words=[note.say(language) for note in what_the_gate_did(desk.workspace, folder)],
        promises={name: [n.say(language) for n in rules_of(name)] for name in AUDIENCES if name != "internal"},
    )


def rules_of(audience: str) -> list[Note]:
    """What the gate does for an audience, from the table of audiences itself."""
    rules = check_audience(audience)
    out = [Note("desk.rule_points")] if not rules.points else []
    out.append(Note(f"desk.rule_time_{rules.time_unit}"))
    if rules.smallest_count:
        out.append(Note("desk.rule_merged", k=rules.smallest_count))
    if rules.finest_cell_m2:
        out.append(Note("desk.rule_small", m2=rules.finest_cell_m2, n=rules.fewest_persons))
    if rules.clusters != "hulls":
        out.append(Note(f"desk.rule_clusters_{rules.clusters}"))
    if not rules.patrols:
        out.append(Note("desk.rule_patrols"))
    return out


def what_the_gate_did(workspace: Workspace, folder: Path) -> list[Note]:
    """What was merged, hidden and left out of a run on its way to its audience."""
    audience = audience_of(folder)
    if audience == "internal":
        return []
    record, out = record_of(folder), rules_of(audience)
    note = workspace.note(f"shared-{folder.name}.json")
    source = workspace.folder / "runs" / str((note or {}).get("from", "")) if isinstance(note, dict) else None
    if source is not None and (source / "run.json").is_file() and not source.is_symlink():
        before, after = (int((r.get("grid") or {}).get("cells") or 0) for r in (record_of(source), record))
        if before and after and before != after:
            out.insert(0, Note("desk.did_merge", before=before, after=after))
        gone = sorted(set(outputs_of(source)) - set(outputs_of(folder)))
        if gone:
            out.append(Note("desk.did_leave_files", names=gone[:12], n=len(gone)))
    for step in (note or {}).get("left_out", []) if isinstance(note, dict) else []:
        code = next((code for code in (f"method.{step}.name", f"cli.step.{step}") if known(code)), None)
        out.append(Note("desk.did_leave_step", name=str(step) if code is None else Note(code)))
    out += [Note("desk.did_say", text=str(line)) for line in record.get("warnings", [])]
    return out


async def make(request: Request) -> Response:
    """Queue the same run for another audience."""
    desk = desk_of(request)
    form = await form_of(request)
    audience = check_audience(form.get("audience", [""])[0]).name
    folder = run_of(desk.workspace, request.path_params["run"])
    if audience == "internal":
        raise InputError(Note("desk.not_understood"))
    made = await desk.work(workers.for_audience, folder.name, audience)
    stem = f"{folder.name}-{audience}"
    write_text(desk.workspace.inside(f"{stem}.yaml"), made["text"])
    out = desk.queue.free_name(stem)
    desk.workspace.write_note(f"shared-{out}.json", {"from": folder.name, "left_out": made["left_out"]})
    desk.queue.add_run(f"{stem}.yaml", out=out, title=str(record_of(folder).get("title") or stem))
    return redirect("/runs")


async def carry(request: Request) -> Response:
    """Everything of a run that its audience may have, as one archive, with how to verify it."""
    desk, language = desk_of(request), language_of(request)
    folder = run_of(desk.workspace, request.path_params["run"])
    target = await run_in_threadpool(_pack, desk.workspace, folder, language)
    return FileResponse(
        target,
        media_type="application/zip",
        filename=f"{folder.name}.zip",
        background=BackgroundTask(target.unlink, missing_ok=True),
    )


def _pack(workspace: Workspace, folder: Path, language: str) -> Path:
    """Each file through the same gate as a download. The archive's place."""
    audience = audience_of(folder)
    files: list[tuple[str, Path]] = []
    for path in outputs_of(folder):
        files.append((path, gated(workspace, folder.name, audience, path)))
    if not files:
        raise InputError(Note("desk.no_run"))
    readme = "\n".join([*_how_to(workspace, folder, audience, language), ""])
    target = workspace.passing(".zip")
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            archive.writestr(f"{folder.name}/README.txt", readme)
            archive.write(folder / "audit.jsonl", f"{folder.name}/audit.jsonl")
            for path, place in files:
                archive.write(place, f"{folder.name}/{path}")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _how_to(workspace: Workspace, folder: Path, audience: str, language: str) -> list[str]:
    from gridmap.runs.verify import verify_run

    record: dict[str, Any] = record_of(folder)
    about = [str(record["settings"][k]) for k in ("source", "approval") if k in (record.get("settings") or {})]
    done = [f"- {note.say(language)}" for note in what_the_gate_did(workspace, folder)]
    return [
        str(record.get("title") or folder.name),
        say("desk.carry_audience", language, audience=Note(f"audience.{audience}.name")),
        *about,
        *done,
        "",
        say("desk.carry_open", language),
        say("desk.carry_verify", language, folder=folder.name, head=verify_run(folder).head),
        say("desk.carry_licence", language),
    ]


ROUTES = [
    Route("/share/{run}", show),
    Route("/share/{run}", make, methods=["POST"]),
    Route("/share/{run}/carry.zip", carry),
]
