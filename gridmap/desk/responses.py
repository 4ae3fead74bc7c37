"""What the pages of the desk share: the desk itself, templates, language, answers to a mistake."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gridmap.desk.workspace import Workspace
from gridmap.errors import GridmapError, InputError
from gridmap.messages import LANGUAGES, Note, note_from, say

__all__ = [
    "LANGUAGE_COOKIE",
    "TEXT_LIMIT",
    "Desk",
    "desk_of",
    "environment",
    "form_of",
    "language_of",
    "page",
    "part",
    "redirect",
    "refusal",
]

#: Bytes of a form that carries no file.
TEXT_LIMIT = 1 << 20
LANGUAGE_COOKIE = "gridmap_language"


class Beside:
    """The process beside the desk: started when it is first wanted, and again where it ended."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._process: subprocess.Popen | None = None
        self._lock = threading.Lock()

    def call(self, name: str, given: Sequence[Any]) -> Any:
        """The answer of one function, one at a time."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", "from gridmap.desk.workers import answer_all; answer_all()"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment(),
                )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            try:
                self._process.stdin.write(json.dumps([name, str(self.folder), *given]).encode() + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except OSError:
                line = b""
            if not line:
                self._end()
                raise InputError(Note("desk.reader_ended"))
        answer = json.loads(line)
        if "error" in answer:
            kind = {e.__name__: e for e in GridmapError.__subclasses__()}.get(answer["kind"], InputError)
            raise kind(note_from(answer["error"]))
        return answer["value"]

    def close(self) -> None:
        """End it."""
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            self._process = None


def environment() -> dict[str, str]:
    """The environment of a process of the desk's: it runs the gridmap that the desk is of, from whatever folder."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": path}


@dataclass
class Desk:
    """One running desk: its workspace, and how it was started.

    Attributes
    ----------
    hosts : tuple of str
        The values of `Host:` that are answered.
    upload_limit : int
        Bytes of one file.
    queue, looks : object
        The runs that wait (`gridmap.desk.queue`); tables that are being looked at (`gridmap.desk.pages.look`).
    found : dict
        What was found in finished runs, by the worker that read it and the run's id.
    """

    workspace: Workspace
    token: str
    port: int
    hosts: tuple[str, ...]
    language: str = "en"
    upload_limit: int = 20 << 30
    queue: Any = None
    looks: dict[str, Any] = field(default_factory=dict)
    found: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    _beside: "Beside" = field(init=False)

    def __post_init__(self) -> None:
        self._beside = Beside(self.workspace.folder)

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies of a machine are shared by its ports, so the port is part of it."""
        return f"gridmap_{self.port}"

    async def work(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function of `gridmap.desk.workers` in the process beside this one, which reads strangers' files.

        Raises
        ------
        GridmapError
            As the function raised it; or where its process ended, for want of memory for example.
        """
        return await run_in_threadpool(self._beside.call, function.__name__, given)

    def close(self) -> None:
        """End the process beside, and let the workspace go."""
        if self.queue is not None:
            self.queue.close()
        for look in self.looks.values():
            look.close()
        self._beside.close()
        self.workspace.close()


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def desk_of(request: Request) -> Desk:
    """The desk that a request came to."""
    return request.app.state.desk


def language_of(request: Request) -> str:
    """The language that this browser chose, else the desk's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else desk_of(request).language


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form without files: name → values."""
    form = await request.form(max_files=0, max_fields=400, max_part_size=TEXT_LIMIT)
    out: dict[str, list[str]] = {}
    for key, value in form.multi_items():
        if isinstance(value, str):
            out.setdefault(key, []).append(value)
    return out


def part(request: Request, template: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer, in the language of the reader."""
    language = language_of(request)

    def text(code: str, **fields: Any) -> str:
        return say(f"desk.{code}", language, **fields)

    given = {
        "_": text,
        "language": language,
        "other_language": next(tag for tag in LANGUAGES if tag != language),
        "path": request.url.path,
        "workspace": desk_of(request).workspace.folder.name,
        "problem": None,
        **values,
    }
    return HTMLResponse(_environment.get_template(template).render(given), status_code=status)


def page(request: Request, name: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page: its template, its two sentences of help, and where the manual says more."""
    return part(request, f"{name}.html", status=status, here=name, **values)


def redirect(place: str) -> Response:
    """See there, with GET."""
    return RedirectResponse(place, status_code=303)


def refusal(request: Request, error: GridmapError, *, status: int = 400) -> HTMLResponse:
    """A mistake in one line, on a page of its own."""
    return page(request, "refused", status=status, problem=error.say(language_of(request)))
