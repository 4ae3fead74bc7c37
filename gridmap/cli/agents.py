"""`gridmap mcp`: finished runs, for programs that ask."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app

__all__ = ["mcp"]


@app.command(help="cli.mcp.help")
def mcp(
    root: Annotated[Path, typer.Option(help="cli.mcp.root")] = Path(),
    audience: Annotated[str, typer.Option(help="cli.mcp.audience")] = "meeting",
    read_only: Annotated[bool, typer.Option("--read-only", help="cli.mcp.read_only")] = False,
    confined: Annotated[bool, typer.Option("--confined", help="cli.mcp.confined")] = True,
) -> None:
    """Answer on standard input and output until the program that asks has gone."""
    from gridmap.agents import mcp_server

    mcp_server(root, audience=audience, read_only=read_only).run()
