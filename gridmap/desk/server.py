"""`gridmap serve`: a site on this machine alone, and what it refuses.

Before any page sees a request, in this order: the `Host:` must be this desk's own (a page elsewhere that points its
name at 127.0.0.1 is refused), a request that a browser marks as another site's is refused, the token must be there, a
form must come from this site's own pages, and must not be larger than a form is. `/health` alone needs no token; it
says the version and nothing else.
"""

import errno
import hmac
import ipaddress
import secrets
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from traceback import format_exception
from urllib.parse import parse_qsl, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridmap.desk.pages import ROUTES
from gridmap.desk.queue import Queue
from gridmap.desk.responses import TEXT_LIMIT, Desk, language_of, page, refusal
from gridmap.desk.workspace import STATE, Workspace
from gridmap.errors import GridmapError, InputError, SettingError
from gridmap.messages import Note, check_language, say

__all__ = ["POLICY", "application", "open_desk", "serve_folder"]

DEFAULT_PORT = 8765
SHORTEST_TOKEN = 24
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
#: What somebody without a token sees, in place of a page.
OUTSIDE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>gridmap</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>gridmap</h1><p>{line}</p></main></body></html>
"""
#: Beside the policy, on every answer.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


def _version() -> str:
    try:
        return version("gridmap")
    except PackageNotFoundError:  # run from a clone that was not installed
        return "0"


# ---------------------------------------------------------------------------------------------- the guard


class Guard:
    """Answers what no page should see, and puts the headers on all that is answered."""

    def __init__(self, app: ASGIApp, desk: Desk):
        self.app, self.desk = app, desk
        self.origins = {f"http://{host}" for host in desk.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        answer = self._answer(scope)
        if answer is None:
            await self.app(scope, self._limited(scope, receive), _with_headers(send))
        else:
            await answer(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """A refusal, or the way from the address with the token to the same one with a cookie."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.desk.hosts:
            return self._refused("desk.wrong_host", 403)
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return self._refused("desk.other_site", 403)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return self._refused("desk.no_such_page", 405)
        if scope["path"] == "/health" and scope["method"] in ("GET", "HEAD"):
            return JSONResponse({"gridmap": _version(), "version": _version(), "status": "ok"})
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for key, value in query if key == "token"]
        if given and scope["method"] == "GET" and self._is_token(given[0]):
            return self._let_in(scope["path"], query)
        if not any(self._is_token(value) for value in _cookies(headers, self.desk.cookie)):
            return self._refused("desk.no_token", 403, shown="text/html" in headers.get("accept", ""))
        if scope["method"] == "POST" and headers.get("origin") not in self.origins:
            return self._refused("desk.other_site", 403)
        return None

    def _is_token(self, value: str) -> bool:
        return hmac.compare_digest(value.encode(), self.desk.token.encode())

    def _let_in(self, path: str, query: Iterable[tuple[str, str]]) -> Response:
        rest = urlencode([(key, value) for key, value in query if key != "token"])
        place = "/" + path.lstrip("/\\") + (f"?{rest}" if rest else "")  # never //elsewhere
        answer = Response(status_code=303, headers={"location": place})
        answer.set_cookie(self.desk.cookie, self.desk.token, httponly=True, samesite="strict", path="/")
        return answer

    def _refused(self, code: str, status: int, *, shown: bool = False) -> Response:
        """One line; `shown` to a person whose tab outlived the desk, as a page that needs nothing else of the desk."""
        language, line = self.desk.language, say(code, self.desk.language)
        if shown:
            return HTMLResponse(OUTSIDE.format(language=language, line=escape(line)), status_code=status)
        return PlainTextResponse(f"gridmap: {say(code, self.desk.language)}\n", status_code=status)

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """A form without files ends where a form should; uploads have a limit of their own."""
        if scope["path"] == "/bring/upload":
            return receive
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > TEXT_LIMIT:
                raise HTTPException(413)
            return message

        return counted


def _cookies(headers: Headers, name: str) -> list[str]:
    found = [cookie_parser(line).get(name) for line in headers.getlist("cookie")]
    return [value for value in found if value]


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", POLICY)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent


# ---------------------------------------------------------------------------------------------- the site


def application(desk: Desk) -> ASGIApp:
    """The whole site of a desk, behind its guard."""

    @asynccontextmanager
    async def living(app: Starlette):
        yield
        desk.close()

    app = Starlette(
        routes=[*ROUTES, Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))],
        exception_handlers={GridmapError: _mistake, HTTPException: _http_error, Exception: _failure},  # type: ignore[dict-item]
        lifespan=living,
    )
    app.state.desk = desk
    return Guard(app, desk)


async def _mistake(request: Request, error: GridmapError) -> Response:
    return refusal(request, error)


async def _http_error(request: Request, error: HTTPException) -> Response:
    code = {404: "no_such_page", 413: "form_too_large"}.get(error.status_code, "not_understood")
    return page(request, "refused", status=error.status_code, problem=say(f"desk.{code}", language_of(request)))


async def _failure(request: Request, error: Exception) -> Response:
    log = request.app.state.desk.workspace.folder / STATE / "errors.log"
    with suppress(OSError), log.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {request.url.path}\n{''.join(format_exception(error))}\n")
    return page(request, "refused", status=500, problem=say("desk.failed", language_of(request)))


def open_desk(
    folder: str | Path, *, port: int, address: str = "127.0.0.1", token: str | None = None, language: str = "en"
) -> Desk:
    """A desk over a folder, with its queue begun.

    Raises
    ------
    OutputError
        If the folder cannot be written, or another desk holds it.
    """
    workspace = Workspace.open(folder)
    names = ["127.0.0.1", "localhost"] if ipaddress.ip_address(address).is_loopback else [_bracketed(address)]
    hosts = tuple(f"{name}:{port}" for name in dict.fromkeys([_bracketed(address), *names]))
    desk = Desk(workspace, token or secrets.token_urlsafe(32), port, hosts, check_language(language))
    desk.queue = Queue(workspace, language)
    return desk


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listen(address: str, port: int | None) -> socket.socket:
    """A listening socket; of the default port and those after it where none was given."""
    tried = [port] if port is not None else [*range(DEFAULT_PORT, DEFAULT_PORT + 20), 0]
    for number in tried:
        listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        if sys.platform != "win32":  # there it would let a second program take the same port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address, number))
            listening.listen(128)
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE and number != tried[-1]:
                continue
            code = "desk.port_in_use" if error.errno == errno.EADDRINUSE else "desk.no_listening"
            raise InputError(Note(code, port=number, address=address, why=error.strerror or "")) from None
        return listening
    raise InputError(Note("desk.port_in_use", port=tried[-1], address=address, why=""))


def check_address(address: str, allowed: bool, token: str | None) -> str:
    """The address, or an error where it is another than this machine's own and that was not allowed.

    Raises
    ------
    SettingError
    """
    try:
        own = ipaddress.ip_address(address).is_loopback
    except ValueError:
        raise SettingError(Note("desk.no_address", found=address)) from None
    if ipaddress.ip_address(address).is_unspecified:
        raise SettingError(Note("desk.no_address", found=address))  # which Host would be its own?
    if not own and not (allowed and token):
        raise SettingError(Note("desk.not_loopback", found=address))
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise SettingError(Note("desk.short_token", least=SHORTEST_TOKEN))
    return address


def serve_folder(
    folder: str | Path,
    *,
    port: int | None = None,
    address: str = "127.0.0.1",
    allow_address: bool = False,
    token: str | None = None,
    language: str = "en",
    announce: Callable[[str], None],
) -> None:
    """Serve a workspace until it is interrupted.

    Parameters
    ----------
    folder : str or Path
        Made where it is absent.
    port : int, optional
        8765, or the next free one.
    address, allow_address, token
        Loopback, unless another address is allowed and a token of the user's own is given.
    language : str
    announce : callable
        Given the address with its token, once it is answered.

    Raises
    ------
    SettingError, InputError, OutputError
        For an address that is refused, a port in use, a workspace that is held.
    """
    check_address(address, allow_address, token)
    listening = _listen(address, port)
    try:
        number = listening.getsockname()[1]
        desk = open_desk(folder, port=number, address=address, token=token, language=language)
        config = uvicorn.Config(
            application(desk),
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http="h11",
            lifespan="on",
            timeout_graceful_shutdown=3,
        )
        server = uvicorn.Server(config)
        announce(f"http://{_bracketed(address)}:{number}/?token={desk.token}")
        server.run(sockets=[listening])
    finally:
        listening.close()
