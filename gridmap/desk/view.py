"""What the pages of the desk share: the desk itself, templates, language, answers to a mistake."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gridmap.desk.workers import end_with_parent
from gridmap.desk.workspace import Workspace
from gridmap.errors import GridmapError
from gridmap.messages import LANGUAGES, say

__all__ = ["TEXT_LIMIT", "Desk", "desk_of", "form_of", "language_of", "page", "part", "redirect", "refusal"]

#: Bytes of a form that carries no file.
TEXT_LIMIT = 1 << 20
LANGUAGE_COOKIE = "gridmap_language"


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
    """

    workspace: Workspace
    token: str
    port: int
    hosts: tuple[str, ...]
    language: str = "en"
    upload_limit: int = 20 << 30
    queue: Any = None
    looks: dict[str, Any] = field(default_factory=dict)
    _workers: Executor | None = None

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies of a machine are shared by its ports, so the port is part of it."""
        return f"gridmap_{self.port}"

    async def work(self, function: Callable[..., Any], *given: Any) -> Any:
        """Call a function of `gridmap.desk.workers` in a process beside this one, which reads strangers' files."""
        if self._workers is None:
            self._workers = ProcessPoolExecutor(
                1, mp_context=get_context("spawn"), initializer=end_with_parent, max_tasks_per_child=50
            )
        try:
            waiting: Future = self._workers.submit(function, str(self.workspace.folder), *given)
            return await asyncio.wrap_future(waiting)
        except (BrokenPipeError, RuntimeError) as error:  # the process ended: out of memory, or killed
            if isinstance(error, GridmapError):
                raise
            self._workers = None
            raise

    def close(self) -> None:
        """End the process beside, and let the workspace go."""
        if self.queue is not None:
            self.queue.close()
        for look in self.looks.values():
            look.close()
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)
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


def part(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
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


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page: its template, its two sentences of help, and where the manual says more."""
    return part(request, f"{name}.html", status=status, here=name, **values)


def redirect(place: str) -> Response:
    """See there, with GET."""
    return RedirectResponse(place, status_code=303)


def refusal(request: Request, error: GridmapError, *, status: int = 400) -> HTMLResponse:
    """A mistake in one line, on a page of its own."""
    return page(request, "refused", status=status, problem=error.say(language_of(request)))
