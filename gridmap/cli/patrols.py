"""`gridmap patrol plan` and `gridmap patrol log`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app
from gridmap.cli.runs import run_file

__all__ = ["patrol", "patrol_log", "patrol_plan"]

patrol = typer.Typer(help="Routes for a shift, and what became of them.", no_args_is_help=True)
app.add_typer(patrol, name="patrol")


@patrol.command("plan")
def patrol_plan(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline file with a patrol stage.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
    set_: Annotated[list[str], typer.Option("--set", help="Replace a setting, as in patrol.units=3.")] = [],  # noqa: B006
) -> None:
    """Run a pipeline and plan the patrols for its first hotspots."""
    run_file(pipeline, out, set_, needs="patrol")


@patrol.command("log")
def patrol_log(
    plan: Annotated[Path, typer.Argument(help="The folder patrol/ of a run, or its visits.csv.")],
    visited: Annotated[list[Path], typer.Argument(help="The filled-in visits.csv, recorded tracks (.gpx), a folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
    timezone: Annotated[str | None, typer.Option(help="Of the plan's clock, for tracks: Asia/Shanghai.")] = None,
    counts: Annotated[Path | None, typer.Option(help="CSV place_id,before,after: did it help?")] = None,
) -> None:
    """Planned visits against actual ones."""
    from gridmap.patrol.folders import log_to_folder

    dosage, written = log_to_folder(plan, visited, out, timezone=timezone, counts=counts)
    print(dosage.places.to_string())
    print(f"{dosage.share_done:.0%} of the planned visits were made.")
    for note in dosage.notes:
        print(note)
    for path in written:
        print(f"  → {path}")
