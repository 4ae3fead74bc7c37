"""`gridmap serve`: the desk, for people who do not type."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, text
from gridmap.cli.app import language as spoken
from gridmap.cli.interrupts import leave_the_ending_to_the_command
from gridmap.errors import SettingError
from gridmap.messages import Note, check_language

__all__ = ["serve"]

#: Seconds that a desk has to stop what is running when it is to end.
GRACE_S = 30


@app.command(help="cli.serve.help")
def serve(
    folder: Annotated[Path, typer.Argument(help="cli.serve.folder")] = Path("~/gridmap"),
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="cli.serve.port")] = None,
    language: Annotated[str | None, typer.Option(help="cli.serve.language")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="cli.serve.no_browser")] = False,
    address: Annotated[str, typer.Option(help="cli.serve.address")] = "127.0.0.1",
    allow_address: Annotated[bool, typer.Option("--allow-address", help="cli.serve.allow_address")] = False,
    token: Annotated[str | None, typer.Option(help="cli.serve.token", envvar="GRIDMAP_DESK_TOKEN")] = None,
) -> None:
    """A site on this machine alone."""
    speaking = check_language(language) if language else spoken()
    try:
        from gridmap.desk.server import serve_folder
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "markdown_it", "python_multipart"):
            raise
        raise SettingError(Note("cli.serve.no_extra")) from None

    def announce(place: str) -> None:
        print(text("cli.serve.ready", address=place), flush=True)
        if no_browser:
            return
        from gridmap.installation import opens_pages

        if opens_pages():  # a browser of text would take this terminal
            import threading
            import webbrowser

            threading.Timer(0.5, webbrowser.open, [place]).start()

    try:
        with leave_the_ending_to_the_command(GRACE_S):  # a run that is going is stopped first
            serve_folder(
                folder,
                port=port,
                address=address,
                allow_address=allow_address,
                token=token,
                language=speaking,
                announce=announce,
            )
    except KeyboardInterrupt:
        print(f"gridmap: {text('cli.serve.closed')}", file=sys.stderr, flush=True)
