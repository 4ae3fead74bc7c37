"""Ask: questions in the words of a meeting, and beside them the pipeline file that they are.

The form and the file are one thing: a change of the form changes the file, and a change of the file, when it is right,
changes the form. What is written is a pipeline file as `gridmap run` takes it, and nothing else.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridmap._io import sha256_of, write_text
from gridmap.audiences import AUDIENCES
from gridmap.desk import workers
from gridmap.desk.pages.bring import data_part, incident_facts, zone_facts
from gridmap.desk.questions import QUESTIONS, Facts, facts_of, kind_of, of_kind, questions_in, with_questions
from gridmap.desk.responses import desk_of, form_of, language_of, page, part, redirect
from gridmap.desk.svg_pictures import tiles_picture
from gridmap.desk.workspace import DATA_PART, DEVICES
from gridmap.desk.yaml_edits import edited, yaml_text
from gridmap.errors import InputError
from gridmap.messages import LANGUAGES, Note, say

__all__ = ["ROUTES", "read_settings"]

ORDER = (
    *("title", "language", "audience", "source", "classification", "approval", "engine", "limits"),
    *("boundaries", "grid", "incidents", "hotspots", "forecasts", "register", "case_life", "patrol"),
    "outputs",
)
OUTPUTS = {"map": "index.html", "layers": "hotspots.gpkg", "counts": "counts.parquet", "set_aside": "set_aside.csv"}
PAPERS = ("", ".docx", ".pdf", ".pptx", ".xlsx")
LONGEST = 200_000
#: So many single months a title names.
MOST_MONTHS = 4


def read_settings(text: str) -> dict[str, Any]:
    """The settings of a pipeline file's text, without checking them.

    Raises
    ------
    InputError
        If it is not YAML, or no mapping.
    """
    if len(text) > LONGEST:
        raise InputError(Note("desk.form_too_large"))
    try:
        found = yaml.safe_load(text) if not re.search(r"^[^#'\"]*[:\-,\[{]\s*[&*]\w", text, flags=re.M) else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(Note("desk.not_yaml", line=mark.line + 1 if mark is not None else 1)) from None
    if not isinstance(found, dict):
        raise InputError(Note("desk.not_yaml", line=1))
    return {str(key): value for key, value in found.items()}


def in_order(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings in the order in which a pipeline file has them."""
    return {key: settings[key] for key in (*ORDER, *(k for k in settings if k not in ORDER)) if key in settings}


async def _facts(request: Request) -> Facts:
    desk = desk_of(request)
    methods = await desk.work(workers.warm)
    register = data_part(desk.workspace).get("register", {}).get("path")
    return facts_of(incident_facts(desk.workspace), zone_facts(desk.workspace), methods, register)


def _file_name(title: str) -> str:
    name = re.sub(r"[^\w\-]+", "_", title).strip("_")[:60] or "pipeline"
    return f"_{name}" if DEVICES.match(name) or f"{name}.yaml" == DATA_PART else name


def _name_of(request: Request, form: Mapping[str, list[str]]) -> str:
    """The file's name without its ending: the one that is open, else made from the title."""
    name = form.get("name", [""])[0]
    if name:
        desk_of(request).workspace.inside(f"{name}.yaml")
        if f"{name}.yaml" == DATA_PART or "/" in name:
            raise InputError(Note("desk.outside"))
    return name


# ---------------------------------------------------------------------------------------------- the page


async def show(request: Request) -> Response:
    """The questions, the grid, and the file."""
    workspace = desk_of(request).workspace
    data = data_part(workspace)
    if not {"boundaries", "incidents"} <= set(data):
        return redirect("/bring")
    facts = await _facts(request)
    name = request.query_params.get("name", "")
    if name:
        text = workspace.existing(f"{name}.yaml").read_text(encoding="utf-8", errors="replace")
    else:
        text = yaml_text(await _first_settings(request, data, facts))
    return page(request, "ask", **await _values(request, text, name, facts))


async def _first_settings(request: Request, data: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The pipeline that the page proposes."""
    language = language_of(request)
    kind = facts.kinds[0] if len(facts.kinds) > 1 else None
    grids = await _grids(request, kind, facts)
    best = next(grid for grid in grids if grid["proposed"])
    base = {
        "title": _first_title(kind, facts, language),
        "language": language,
        "audience": "internal",
        "boundaries": data["boundaries"],
        "grid": {"system": "h3", "resolution": best["resolution"]},
        "incidents": data["incidents"],
        "outputs": {**OUTPUTS, "report": "briefing.docx"},
    }
    return in_order(of_kind(with_questions(base, ["where"], facts), kind or "", facts))


def _first_title(kind: str | None, facts: Facts, language: str) -> str:
    """The title that is proposed: a kind of incident, or all, and the months of the data."""
    words = Note("desk.first_title", kind=kind or Note("desk.all_kinds"), span=_months_of(facts))
    return words.say(language).strip(" ,，")


def _follows_kind(title: str, kind: str, facts: Facts) -> str:
    """A title that was proposed, as it is for another kind; one that a person wrote stays."""
    for language in LANGUAGES:
        if title in {_first_title(k, facts, language) for k in (None, *facts.kinds)}:
            return _first_title(kind or None, facts, language)
    return title


def _months_of(facts: Facts) -> str:
    """The months of the data for a title: a span where none is missing in it, else each, or the first and the last."""
    ends = list(dict.fromkeys([*facts.months[:1], *facts.months[-1:]]))
    if not facts.gaps():
        return " – ".join(ends)
    return ", ".join(facts.months if len(facts.months) <= MOST_MONTHS else [ends[0], "…", ends[-1]])


async def _grids(request: Request, kind: str | None, facts: Facts) -> list[dict[str, Any]]:
    desk = desk_of(request)
    counts: dict[str, int] = {}
    for found in incident_facts(desk.workspace):
        for name, n in found.get("categories", {}).items():
            counts[name] = counts.get(name, 0) + n
    incidents = counts.get(kind or "", 0) or facts.incidents
    boundaries = data_part(desk.workspace)["boundaries"]
    key = [boundaries, incidents, (zone_facts(desk.workspace) or {}).get("zones")]
    note = desk.workspace.note("grids.json")
    if isinstance(note, dict) and note.get("key") == key:
        return note["grids"]
    grids = await desk.work(workers.proposed_grids, boundaries, incidents)
    desk.workspace.write_note("grids.json", {"key": key, "grids": grids})
    return grids


async def _values(request: Request, text: str, name: str, facts: Facts) -> dict[str, Any]:
    """What the page shows of a pipeline's text."""
    desk, language = desk_of(request), language_of(request)
    try:
        settings, problem = read_settings(text), None
    except InputError as error:
        settings, problem = {}, error.say(language)
    if problem is None:
        checked = await desk.work(workers.check_text, text, name or "new")
        problem = checked["problem"][language] if checked["problem"] else None
    incidents = _part(settings, "incidents")
    kind = kind_of(settings)
    several = incidents.get("category") is not None  # the file's own filter, which the form leaves alone
    grid = _part(settings, "grid")
    grids = await _grids(request, kind, facts)
    for one in grids:
        one["picture"] = tiles_picture(one["outline"], one["tiles"], one["box"], f"H3 {one['resolution']}")
    outputs = _part(settings, "outputs")
    chosen = questions_in(settings)
    patrol = _part(settings, "patrol")
    return {
        "name": name,
        "seen": _seen(desk.workspace.inside(f"{name}.yaml")) if name else "",
        "text": text,
        "problem_in_file": problem,
        "settings": settings,
        "questions": [
            {
                "code": q.code,
                "on": q.code in chosen,
                "refused": _words(q.refused(facts), language),
            }
            for q in QUESTIONS
        ],
        "kinds": facts.kinds,
        "kind": kind,
        "filtered": several,
        "grids": grids,
        "resolution": grid.get("resolution"),
        "system": grid.get("system"),
        "audiences": tuple(AUDIENCES),
        "papers": PAPERS,
        "paper": next((e for e in PAPERS if e and str(outputs.get("report", "")).endswith(e)), ""),
        "units": patrol.get("units", 4) if isinstance(patrol.get("units", 4), int) else "",
        "facts": facts,
    }


def _part(settings: Mapping[str, Any], stage: str) -> dict[str, Any]:
    found = settings.get(stage)
    return found if isinstance(found, dict) else {}


def _words(note: Note | None, language: str) -> str:
    return note.say(language) if note is not None else ""


# ---------------------------------------------------------------------------------------------- what is sent


async def compose(request: Request) -> Response:
    """From the form to the file."""
    form = await form_of(request)
    name, facts = _name_of(request, form), await _facts(request)
    text = _from_form(request, form, facts)
    return part(request, "_ask.html", **await _values(request, text, name, facts))


def _from_form(request: Request, form: Mapping[str, list[str]], facts: Facts) -> str:
    """The file's text with what the form says; what the form does not speak of stays as it is."""
    text = form.get("text", [""])[0].replace("\r\n", "\n")
    try:
        settings = read_settings(text)
    except InputError:
        return text  # a file that cannot be read is mended by hand, not overwritten
    settings = with_questions(settings, form.get("question", []), facts)
    if title := form.get("title", [""])[0].strip()[:200]:
        settings["title"] = title
    if (audience := form.get("audience", [""])[0]) in AUDIENCES:
        settings["audience"] = audience
    if form.get("kind", ["?"])[0] in ("", *facts.kinds):
        settings = of_kind(settings, form["kind"][0], facts)
        if isinstance(settings.get("title"), str):
            settings["title"] = _follows_kind(settings["title"], form["kind"][0], facts)
    resolution = form.get("resolution", [""])[0]
    if resolution.isdigit() and int(resolution) <= 15 and isinstance(settings.get("grid"), dict):
        settings["grid"] = {**settings["grid"], "system": "h3", "resolution": int(resolution)}
    if (paper := form.get("paper", ["?"])[0]) in PAPERS:
        outputs = {k: v for k, v in (settings.get("outputs") or OUTPUTS).items() if k != "report"}
        settings["outputs"] = {**outputs, **({"report": f"briefing{paper}"} if paper else {})}
    if isinstance(settings.get("patrol"), dict):
        units = form.get("units", [""])[0]
        roads = data_part(desk_of(request).workspace).get("patrol", {})
        settings["patrol"] = {**roads, **settings["patrol"], **({"units": int(units)} if _is_count(units) else {})}
    return edited(text, settings, ORDER)


def _is_count(text: str) -> bool:
    return text.isdigit() and 1 <= int(text) <= 500


async def check(request: Request) -> Response:
    """From the file, as it is typed, to the form."""
    form = await form_of(request)
    name, facts = _name_of(request, form), await _facts(request)
    text = form.get("text", [""])[0].replace("\r\n", "\n")
    return part(request, "_check.html", **await _values(request, text, name, facts))


async def save(request: Request) -> Response:
    """Write the file; queue its run where that is wanted."""
    desk, language = desk_of(request), language_of(request)
    form = await form_of(request)
    name, facts = _name_of(request, form), await _facts(request)
    text = form.get("text", [""])[0].replace("\r\n", "\n")
    if "from_form" in form:  # without JavaScript the two have not met yet
        text = _from_form(request, form, facts)
    settings = read_settings(text)
    if not name:
        name = _free_file(request, _file_name(str(settings.get("title") or "")))
    checked = await desk.work(workers.check_text, text, name)
    path = desk.workspace.inside(f"{name}.yaml")
    if form.get("seen", [""])[0] != _seen(path) and path.exists() and path.read_text(encoding="utf-8") != text:
        values = await _values(request, text, name, facts)  # another tab, or an editor
        values["problem_in_file"] = say("desk.changed_elsewhere", language)
        return page(request, "ask", status=409, **values)
    if checked["problem"]:
        values = await _values(request, text, name if (desk.workspace.folder / f"{name}.yaml").exists() else "", facts)
        return page(request, "ask", status=400, **{**values, "problem_in_file": checked["problem"][language]})
    write_text(path, text)
    if form.get("then", [""])[0] == "run":
        desk.queue.add_run(f"{name}.yaml", out=desk.queue.free_name(name), title=str(checked.get("title") or name))
        return redirect("/runs")
    return redirect(f"/ask?name={name}")


def _seen(path: Path) -> str:
    """The checksum of a file; empty where there is none."""
    return sha256_of(path) if path.is_file() else ""


def _free_file(request: Request, stem: str) -> str:
    workspace = desk_of(request).workspace
    for number in range(1, 1000):
        name = stem if number == 1 else f"{stem}-{number}"
        if not workspace.inside(f"{name}.yaml").exists():
            return name
    raise InputError(Note("desk.no_job"))


ROUTES = [
    Route("/ask", show),
    Route("/ask/compose", compose, methods=["POST"]),
    Route("/ask/check", check, methods=["POST"]),
    Route("/ask/save", save, methods=["POST"]),
]
