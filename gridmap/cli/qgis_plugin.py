"""`gridmap qgis`: the methods as Processing algorithms of QGIS."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, text

__all__ = ["qgis"]


@app.command(help="cli.qgis.help")
def qgis(folder: Annotated[Path | None, typer.Option(help="cli.qgis.folder")] = None) -> None:
    """Write the plugin, and say how to switch it on."""
    from gridmap.qgis import write_plugin

    print(f"→ {write_plugin(folder)}")
    print(text("cli.qgis.next"))
