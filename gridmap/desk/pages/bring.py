"""Bring: files come in, are inspected, and what only a person can know is decided with the evidence beside it.

What was found and decided is written as `data.yaml`: the `boundaries:` and `incidents:` of every pipeline.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gridmap._io import sha256_of_text, write_text
from gridmap.desk import workers
from gridmap.desk.responses import Desk, desk_of, form_of, language_of, page, part, redirect
from gridmap.desk.svg_pictures import places_picture
from gridmap.desk.workspace import DATA_PART, Workspace, new_name
from gridmap.desk.yaml_edits import yaml_text
from gridmap.errors import InputError
from gridmap.messages import Note, known, note_from
from gridmap.messages import say as say_code

__all__ = ["ROUTES", "data_part", "incident_facts", "zone_facts"]

DATUMS = ("wgs84", "gcj02", "bd09", "cgcs2000")
ORDERS = ("ymd", "dmy", "mdy")
ROLES = ("incidents", "boundaries", "roads", "register", "unused")
ROLE_OF_KIND = {"incidents": "incidents", "zones": "boundaries", "roads": "roads", "register": "register"}
ROLE_OF_KIND["zones_nowhere"] = "boundaries"
#: What inspections say in the terms of `read_incidents`, and the page in its own: the question on the datum with its
#: pictures, the table of columns.
ON_THE_PAGE = ("read.datum", "read.outside_boundaries", "read.estimate", "read.roles_taken", "read.title_left_out")
#: Bytes of an upload between two looks at the free space.
LOOK_EVERY = 64 << 20


# ---------------------------------------------------------------------------------------------- what is known


def data_part(workspace: Workspace) -> dict[str, Any]:
    """The `boundaries:` and `incidents:` of the workspace, as far as they are there."""
    try:
        found = yaml.safe_load((workspace.folder / DATA_PART).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        k: v for k, v in found.items() if k in ("boundaries", "incidents", "patrol", "register") and isinstance(v, dict)
    }


def _choices(workspace: Workspace) -> dict[str, Any]:
    found = workspace.note("choices.json")
    return found if isinstance(found, dict) else {}


def _note_name(name: str) -> str:
    return f"inspected-{sha256_of_text(name)[:24]}.json"


def _options(workspace: Workspace) -> dict[str, Any]:
    """What the person decided of incident files, as `read_incidents` takes it."""
    chosen = _choices(workspace)
    return {key: chosen[key] for key in ("datum", "date_order", "timezone") if chosen.get(key)}


def _zone_options(workspace: Workspace) -> dict[str, Any]:
    """For boundaries that name no CRS: the one that was chosen, and places of the incidents."""
    points = [next(iter(found["points"].values())) for found in incident_facts(workspace) if found["points"]]
    return {"zone_crs": _choices(workspace).get("zone_crs"), "near": points[0][:400] if points else []}


def _key(workspace: Workspace, path: Path) -> list[Any]:
    """What an inspection depends on: the file as it is, the boundaries, what was decided."""
    state = path.stat()
    role = _choices(workspace).get("roles", {}).get(path.name)
    data = data_part(workspace)
    beside = [data.get("boundaries"), _options(workspace)]
    if role in ("boundaries", "roads"):
        is_open = "crs_open" in (_noted(workspace, path).get("found") or {})
        beside = [_zone_options(workspace)] if is_open else []
    return [state.st_size, state.st_mtime_ns, *beside]


def inspection(workspace: Workspace, path: Path) -> tuple[dict[str, Any] | None, bool]:
    """What is known of a file, and whether it still holds."""
    note = _noted(workspace, path)
    return note.get("found"), bool(note) and note.get("key") == _as_json(_key(workspace, path))


def _noted(workspace: Workspace, path: Path) -> dict[str, Any]:
    """What the last inspection of a file left, whether it still holds or not; empty where there was none."""
    note = workspace.note(_note_name(path.name))
    return note if isinstance(note, dict) and "found" in note else {}


def _as_json(value: Any) -> Any:
    import json

    return json.loads(json.dumps(value, default=str))


def _of_role(workspace: Workspace, role: str) -> list[tuple[Path, dict[str, Any]]]:
    roles = _choices(workspace).get("roles", {})
    out = []
    for path in workspace.data_files():
        if (note := _noted(workspace, path)) and roles.get(path.name) == role:
            out.append((path, note["found"]))
    return out


def incident_facts(workspace: Workspace) -> list[dict[str, Any]]:
    """What inspections found of the incident files that are used."""
    return [found for _, found in _of_role(workspace, "incidents")]


def zone_facts(workspace: Workspace) -> dict[str, Any] | None:
    """What the inspection found of the boundaries."""
    found = _zone_files(workspace)
    return found[0][1] if found else None


def _zone_files(workspace: Workspace) -> list[tuple[Path, dict[str, Any]]]:
    """The boundary files whose place is known."""
    return [(path, found) for path, found in _of_role(workspace, "boundaries") if found["kind"] != "zones_nowhere"]


def write_data_part(workspace: Workspace) -> None:
    """`data.yaml` from what was found and decided."""
    chosen, out = _choices(workspace), {}
    if zones := _zone_files(workspace):
        options = {"crs": zones[0][1]["crs_now"]} if zones[0][1].get("crs_now") else {}
        options |= {key: chosen[key] for key in ("zone_id", "name") if chosen.get(key)}
        out["boundaries"] = {"path": f"data/{zones[0][0].name}", **options}
    if files := _of_role(workspace, "incidents"):
        paths = [f"data/{path.name}" for path, _ in files]
        settings: dict[str, Any] = {}
        for _, found in files:
            for key, value in found.get("settings", {}).items():
                settings.setdefault(key, value)
        if len(files) == 1 and files[0][1].get("roles"):
            settings["columns"] = files[0][1]["roles"]
        out["incidents"] = {"path": paths[0] if len(paths) == 1 else paths, **settings, **_options(workspace)}
    if roads := _of_role(workspace, "roads"):
        out["patrol"] = {"roads": f"data/{roads[0][0].name}"}
    if register := _of_role(workspace, "register"):
        out["register"] = {"path": f"data/{register[0][0].name}"}
    write_text(workspace.folder / DATA_PART, yaml_text(out) if out else "{}\n")


# ---------------------------------------------------------------------------------------------- the page


async def show(request: Request) -> Response:
    """The files, what was found in each, and the questions that are left."""
    return page(request, "bring", **_values(request))


def _values(request: Request) -> dict[str, Any]:
    desk = desk_of(request)
    workspace = desk.workspace
    cards = [_card(request, path) for path in workspace.data_files()]
    data = data_part(workspace)
    ready = {"boundaries", "incidents"} <= set(data) and not any(card["pending"] for card in cards)
    return {
        "cards": cards,
        "ready": ready,
        "missing": [key for key in ("incidents", "boundaries") if key not in data],
        "questions": _questions(request),
        "data_text": yaml_text(data) if data else "",
        "limit_gb": desk.upload_limit / 1e9,
        "free_gb": shutil.disk_usage(workspace.folder).free / 1e9,
    }


def _card(request: Request, path: Path) -> dict[str, Any]:
    desk, language = desk_of(request), language_of(request)
    found, holds = inspection(desk.workspace, path)
    role = _choices(desk.workspace).get("roles", {}).get(path.name, "unused")
    card = {"name": path.name, "size": path.stat().st_size, "pending": not holds, "role": role, "found": None}
    if found is None:
        return card
    shown_elsewhere = ON_THE_PAGE if found.get("datum_open") else ON_THE_PAGE[3:]
    say = {
        key: [_words(n, language) for n in found.get(key, []) if not _code(n).startswith(shown_elsewhere)]
        for key in ("problems", "notes")
    }
    card |= {"found": found, "roles": ROLES, "kind": found["kind"], **say, "picture": None, "columns": []}
    if found["kind"] == "incidents":
        reasons = {f"set_aside_reason.{reason}": n for reason, n in (found.get("set_aside") or {}).items()}
        card["aside"] = [(say_code(code, language), n) for code, n in reasons.items() if known(code)]
        layout = {key: value for key, value in found["layout"].items() if (key, str(value)) != ("titles", "0")}
        card["layout"] = [line for key, value in layout.items() if (line := _layout(key, value, language))]
        times = found.get("times") or {}
        card["dates"] = [_day(times[end], hours=found["hours"]) for end in ("first", "last") if times.get(end)]
        card["columns"] = [{**c, "reason": _words(c["reason"], language)} for c in found["columns"]]
        card["personal"] = [(name, _words(why, language)) for name, why in found["personal"].items()]
        if set(found["points"]) == {""}:
            card["picture"] = _picture(desk, found["points"][""], path.name)
    elif found["kind"] == "zones":
        card["picture"] = places_picture(found["outline"], [], found["box"], path.name)
    return card


def _code(value: Any) -> str:
    return str(value.get("code", "")) if isinstance(value, dict) else ""


def _day(text: str, *, hours: bool) -> str:
    """A time as the page shows it: without the hour where the file knows none."""
    return text.replace("T", " ") if hours else text[:10]


def _layout(key: str, value: Any, language: str) -> str:
    """How a file was read, in words: its encoding, what parts its columns, where its header stands."""
    if key == "encoding":
        return str(value).upper()
    code = f"desk.layout_{key}"
    return say_code(code, language, value=str(value)) if known(code) else ""


def _words(value: Any, language: str) -> str:
    """A stored note, or a plain text, in a language."""
    note = note_from(value) if isinstance(value, dict) and "code" in value else value
    return note.say(language) if isinstance(note, Note) else str(value or "")


def _picture(desk: Desk, points: list[list[float]], label: str) -> Any:
    zones = zone_facts(desk.workspace)
    if zones is not None:
        west, south, east, north = zones["box"]
        wide, high = 0.08 * (east - west), 0.08 * (north - south)
        return places_picture(zones["outline"], points, [west - wide, south - high, east + wide, north + high], label)
    if not points:
        return None
    xs, ys = sorted(p[0] for p in points), sorted(p[1] for p in points)
    cut = len(points) // 100
    box = [xs[cut], ys[cut], xs[-1 - cut], ys[-1 - cut]]
    return places_picture([], points, box, label)


def _questions(request: Request) -> dict[str, Any]:
    """What only a person can know, with what speaks for each answer."""
    desk, chosen = desk_of(request), _choices(desk_of(request).workspace)
    out: dict[str, Any] = dict.fromkeys(("datum", "date_order", "timezone", "zones"))
    out |= {"crs": _crs_question(desk.workspace, language_of(request))}
    for path, found in _of_role(desk.workspace, "incidents"):
        if found.get("datum_open") and out["datum"] is None and zone_facts(desk.workspace) is not None:
            evidence = found["coordinates"].get("datum_estimate", {}).get("evidence", {})
            now = chosen.get("datum") or found["settings"].get("datum")
            pictures = {d: _picture(desk, points, d) for d, points in found["points"].items()}
            question = {"now": now, "evidence": evidence, "pictures": pictures, "choices": DATUMS[:3]}
            out["datum"] = question | {"proposed": found["settings"].get("datum")}
        if found.get("orders") and out["date_order"] is None:
            examples = _examples(path, found)
            now = chosen.get("date_order") or found["settings"].get("date_order")
            out["date_order"] = {"now": now, "choices": found["orders"], "examples": examples}
        if found.get("hours") and out["timezone"] is None:
            now = chosen.get("timezone") or found["times"].get("timezone") or ""
            out["timezone"] = {"now": now, "first": found["times"].get("first"), "last": found["times"].get("last")}
    if (zones := zone_facts(desk.workspace)) is not None:
        unique = [c for c in zones["choices"] if c["n"] == zones["zones"]]
        names = [c for c in zones["choices"] if c["name"] not in ("zone_id", "parent_id")]
        out["zones"] = {"unique": unique, "names": names, "now": chosen, "shown": zones["names"]}
    return out if any(out.values()) else {}


def _crs_question(workspace: Workspace, language: str) -> dict[str, Any] | None:
    """Which CRS boundaries are in that do not say it: each that fits, with the incidents over it."""
    for path, found in _of_role(workspace, "boundaries"):
        if "crs_open" not in found:
            continue
        near = _zone_options(workspace)["near"]
        choices: list[dict[str, Any]] = []
        for one in found["crs_open"]:
            west, south, east, north = one["box"]
            wide, high = 0.08 * (east - west), 0.08 * (north - south)
            box, label = [west - wide, south - high, east + wide, north + high], _crs_name(one["code"], language)
            picture = places_picture(one["outline"], near, box, label)
            proposed = bool(near) and not choices and bool(one["inside"])
            choices.append({**one, "proposed": proposed, "label": label, "picture": picture})
        return {"file": path.name, "choices": choices, "now": found.get("crs_now", "").removeprefix("EPSG:")}
    return None


def _crs_name(code: int, language: str) -> str:
    if code == 4326:
        return say_code("desk.crs_degrees", language, code=code)
    if 4534 <= code <= 4554:
        return say_code("desk.crs_gauss", language, code=code, meridian=75 + 3 * (code - 4534))
    if 32601 <= code <= 32660 or 32701 <= code <= 32760:
        return say_code("desk.crs_utm", language, code=code, zone=f"{code % 100}{'N' if code < 32700 else 'S'}")
    return say_code("desk.crs_web" if code == 3857 else "desk.crs_other", language, code=code)


def _examples(path: Path, found: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in found["times"].get("formats", {})][:3]


# ---------------------------------------------------------------------------------------------- what is sent


async def look(request: Request) -> Response:
    """Inspect one file; with htmx, its card alone."""
    desk = desk_of(request)
    form = await form_of(request)
    path = desk.workspace.existing(form.get("name", [""])[0], under="data")
    await inspect_one(desk, path)
    if request.headers.get("hx-request"):
        pending = any(not inspection(desk.workspace, other)[1] for other in desk.workspace.data_files())
        answer = part(request, "_bring.html", **_values(request))
        answer.headers["HX-Trigger-After-Settle"] = "more" if pending else "ready"
        return answer
    return redirect("/bring")


async def inspect_one(desk: Desk, path: Path) -> dict[str, Any]:
    """Inspect a file, give it the role that its kind has, and write `data.yaml` anew."""
    workspace = desk.workspace
    for _ in range(2):  # its role may change what it is inspected with
        key = _key(workspace, path)
        role = _choices(workspace).get("roles", {}).get(path.name)
        beside = None if role in ("boundaries", "roads") else data_part(workspace).get("boundaries")
        options = {**_options(workspace), **_zone_options(workspace)}
        found = await desk.work(workers.inspected, path.name, beside, options)
        workspace.write_note(_note_name(path.name), {"key": key, "found": found})
        chosen = _choices(workspace)
        roles = chosen.setdefault("roles", {})
        if path.name not in roles:
            role = "unused" if _is_of_no_use(found) else ROLE_OF_KIND.get(found["kind"], "unused")
            taken = role in ("boundaries", "roads") and role in roles.values()
            roles[path.name] = "unused" if taken else role
            workspace.write_note("choices.json", chosen)
        write_data_part(workspace)
        if inspection(workspace, path)[1]:
            break
    return found


def _is_of_no_use(found: Mapping[str, Any]) -> bool:
    """A table without a single row that could be an incident, whatever the person decides of its dates and datum."""
    open_question = found.get("datum_open") or found.get("orders")
    return found["kind"] == "incidents" and not (found["used"] or (found["rows"] and open_question))


async def decide(request: Request) -> Response:
    """Keep what the person decided."""
    desk = desk_of(request)
    form = {key: values[-1] for key, values in (await form_of(request)).items()}
    chosen = _choices(desk.workspace)
    allowed = {"datum": DATUMS, "date_order": ORDERS}
    for key, values in allowed.items():
        if form.get(key) in values:
            chosen[key] = form[key]
    for key in ("crs_other", "crs"):
        if (code := form.get(key, "").strip().upper().removeprefix("EPSG:")).isdigit() and len(code) <= 6:
            chosen["zone_crs"] = int(code)
            break
    for key in ("timezone", "zone_id", "name"):
        if key in form:
            chosen[key] = form[key].strip()[:120]
    there = {path.name for path in desk.workspace.data_files()}
    for key, value in form.items():
        name = key.removeprefix("role:")
        if key.startswith("role:") and name in there and value in ROLES:
            chosen.setdefault("roles", {})[name] = value
    desk.workspace.write_note("choices.json", chosen)
    write_data_part(desk.workspace)
    return redirect("/ask" if form.get("go") == "ask" else "/bring")


async def example(request: Request) -> Response:
    """Bring the data that gridmap carries along: the police data of a clone, else a simulated county."""
    desk = desk_of(request)
    await desk.work(workers.write_example)
    return redirect("/bring")


async def upload(request: Request) -> Response:
    """Files as they stream in, each to the disk; nothing of them is held in memory."""
    desk = desk_of(request)
    kept = await receive_files(request, desk)
    if request.headers.get("x-desk-upload"):
        return Response("\n".join(path.name for path in kept), media_type="text/plain; charset=utf-8")
    return redirect("/bring")


class _Incoming:
    """The files of one multipart body, written as they come."""

    def __init__(self, workspace: Workspace, limit: int):
        self.workspace, self.limit = workspace, limit
        self.kept: list[Path] = []
        self._part = workspace.passing(".part")
        self._header, self._value = b"", b""
        self._file: Any = None
        self._name, self._size, self._looked = "", 0, 0

    def callbacks(self) -> Any:
        """As the parser wants them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._field(data[start:end]),
            "on_header_value": lambda data, start, end: self._add_value(data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": lambda data, start, end: self._data(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._name, self._header, self._value = "", b"", b""

    def _field(self, data: bytes) -> None:
        self._header += data

    def _add_value(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > 8_000:
            raise InputError(Note("desk.not_understood"))

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            if (sent := options.get(b"filename")) is not None and sent.strip():
                self._name = new_name(sent.decode("utf-8", "replace"))
                self._open()
        self._header, self._value = b"", b""

    def _open(self) -> None:
        self.close()
        self._part.unlink(missing_ok=True)
        self._file, self._size, self._looked = self._part.open("xb"), 0, 0

    def _data(self, data: bytes) -> None:
        if self._file is None:
            return
        self._size += len(data)
        if self._size > self.limit or self._size - self._looked > LOOK_EVERY:
            self.workspace.room_for(self._size, limit=self.limit)
            self.workspace.room_for(0, limit=self.limit)
            self._looked = self._size
        self._file.write(data)

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self.kept.append(self.workspace.keep_upload(self._part, self._name))

    def close(self) -> None:
        """Take away what did not come whole."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._part.unlink(missing_ok=True)


async def receive_files(request: Request, desk: Desk) -> list[Path]:
    """Write the files of a multipart request into `data/`.

    Raises
    ------
    InputError
        If it is too large, the disk too full, the kind of file not one that is read, or the body not whole.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
        raise InputError(Note("desk.not_understood"))
    length = request.headers.get("content-length", "")
    desk.workspace.room_for(int(length) if length.isdigit() else 0, limit=desk.upload_limit)
    incoming = _Incoming(desk.workspace, desk.upload_limit)
    parser = MultipartParser(boundary, incoming.callbacks())
    try:
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
    except (FormParserError, ClientDisconnect):
        raise InputError(Note("desk.not_whole")) from None
    except OSError as error:
        raise InputError(Note("desk.no_folder", folder="data", why=error.strerror or "")) from None
    finally:
        incoming.close()
    if not incoming.kept:
        raise InputError(Note("desk.nothing_sent"))
    return incoming.kept


ROUTES = [
    Route("/bring", show),
    Route("/bring/look", look, methods=["POST"]),
    Route("/bring/decide", decide, methods=["POST"]),
    Route("/bring/example", example, methods=["POST"]),
    Route("/bring/upload", upload, methods=["POST"]),
]
