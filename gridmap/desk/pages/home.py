"""The first page: where one is, and the one thing to do next; and the choice of a language."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridmap.desk import workers
from gridmap.desk.pages.bring import data_part
from gridmap.desk.responses import LANGUAGE_COOKIE, desk_of, form_of, page, redirect
from gridmap.messages import check_language

__all__ = ["ROUTES"]


async def show(request: Request) -> Response:
    """What is here, and what comes next."""
    desk = desk_of(request)
    data = data_part(desk.workspace)
    runs = desk.workspace.runs()
    files = desk.workspace.data_files()
    after = "look" if runs else "ask"
    step = after if {"boundaries", "incidents"} <= set(data) else "bring"
    return page(request, "home", step=step, files=len(files), runs=len(runs), latest=runs[0].name if runs else "")


async def warm(request: Request) -> Response:
    """Start the process beside, so that the first inspection need not wait for it."""
    await desk_of(request).work(workers.warm)
    return Response(status_code=204)


async def choose_language(request: Request) -> Response:
    """Keep a language in a cookie, and go back."""
    form = await form_of(request)
    tag = check_language(form.get("language", ["en"])[0])
    back = form.get("back", ["/"])[0]
    answer = redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    answer.set_cookie(LANGUAGE_COOKIE, tag, httponly=True, samesite="strict", path="/")
    return answer


ROUTES = [
    Route("/", show),
    Route("/warm", warm, methods=["POST"]),
    Route("/language", choose_language, methods=["POST"]),
]
