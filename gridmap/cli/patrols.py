"""`gridmap patrol plan` and `gridmap patrol log`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, language, text
from gridmap.cli.runs import run_file
from gridmap.messages import say

__all__ = ["patrol", "patrol_log", "patrol_plan"]

patrol = typer.Typer(help="cli.patrol.help", no_args_is_help=True)
app.add_typer(patrol, name="patrol")


@patrol.command("plan", help="cli.patrol_plan.help")
def patrol_plan(
    pipeline: Annotated[Path, typer.Argument(help="cli.patrol_plan.pipeline")],
    out: Annotated[Path, typer.Option(help="cli.patrol_plan.out")] = Path("out"),
    set_: Annotated[list[str], typer.Option("--set", help="cli.patrol_plan.set")] = [],  # noqa: B006
) -> None:
    """Run a pipeline and plan the patrols for its first hotspots."""
    run_file(pipeline, out, set_, needs="patrol")


@patrol.command("log", help="cli.patrol_log.help")
def patrol_log(
    plan: Annotated[Path, typer.Argument(help="cli.patrol_log.plan")],
    visited: Annotated[list[Path], typer.Argument(help="cli.patrol_log.visited")],
    out: Annotated[Path, typer.Option(help="cli.patrol_log.out")] = Path("out"),
    timezone: Annotated[str | None, typer.Option(help="cli.patrol_log.timezone")] = None,
    counts: Annotated[Path | None, typer.Option(help="cli.patrol_log.counts")] = None,
) -> None:
    """Planned visits against actual ones."""
    from gridmap.patrol.plan_from_options import log_to_folder

    dosage, written = log_to_folder(plan, visited, out, timezone=timezone, counts=counts)
    print(dosage.places.to_string())
    print(text("cli.visits_made", share=dosage.share_done))
    for note in dosage.notes:
        print(say(note, language()))
    for path in written:
        print(f"  → {path}")
