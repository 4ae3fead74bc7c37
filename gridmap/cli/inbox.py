"""`gridmap watch`: a new export in a folder, and the pipeline runs."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, language, progress_shown
from gridmap.messages import Note

__all__ = ["watch"]


@app.command(help="cli.watch.help")
def watch(
    pipeline: Annotated[Path, typer.Argument(help="cli.watch.pipeline")],
    inbox: Annotated[Path, typer.Option(help="cli.watch.inbox")],
    out: Annotated[Path, typer.Option(help="cli.watch.out")] = Path("out/watch"),
    every: Annotated[float, typer.Option(min=1, help="cli.watch.every")] = 30,
    settle: Annotated[float, typer.Option(min=0, help="cli.watch.settle")] = 5,
    once: Annotated[bool, typer.Option("--once", help="cli.watch.once")] = False,
    latest: Annotated[bool, typer.Option("--latest", help="cli.watch.latest")] = False,
    set_: Annotated[list[str], typer.Option("--set", help="cli.run.set")] = [],  # noqa: B006
    confined: Annotated[bool, typer.Option("--confined", help="cli.run.confined")] = False,
) -> None:
    """Look at a folder of exports, run on what is new, and print a line for each run."""
    from gridmap.runs.inbox import Inbox, Looked
    from gridmap.runs.inbox import watch as watch_inbox

    def show(looked: Looked) -> None:
        for line in looked.lines:
            print(" ".join((line.say(language()) if isinstance(line, Note) else str(line)).split()), flush=True)

    found = Inbox(pipeline, inbox, out, overrides=set_, latest=latest, confined=confined, settle_s=settle)
    with progress_shown() as on_step:
        looked = watch_inbox(found, every_s=every, once=once, on_look=show, on_step=on_step)
    if looked.failed:
        raise typer.Exit(1)
