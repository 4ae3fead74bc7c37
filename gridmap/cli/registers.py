"""`gridmap due`: reviews and sunsets of the register of named areas, before they pass."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, language, text

__all__ = ["due"]


@app.command("due", help="cli.due.help")
def due(
    register: Annotated[Path, typer.Argument(help="cli.due.register", exists=True, dir_okay=False)],
    day: Annotated[str | None, typer.Option(help="cli.due.day")] = None,
    within: Annotated[int, typer.Option(help="cli.due.within", min=0)] = 30,
) -> None:
    """Reviews and sunsets that come, and reviews that have passed."""
    from gridmap.governance.register import Register, watch_areas

    found = watch_areas(Register.read(register), on=day, within_days=within)
    for note in found.notes:
        print(note.say(language()))
    if not found.notes:
        print(text("cli.nothing_due", day=found.params["on"], within=within))
