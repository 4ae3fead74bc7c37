"""`gridmap verify` and `gridmap replay`: is it still what the run left, and does the same come out again."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, watching
from gridmap.errors import InputError

__all__ = ["replay", "verify"]


@app.command()
def verify(
    run_dir: Annotated[Path, typer.Argument(help="The folder that a run wrote into.")],
    head: Annotated[str | None, typer.Option(help="The hash that an earlier verify printed.")] = None,
) -> int:
    """Has any byte of a run's outputs changed since."""
    from gridmap.runs.verify import verify_run

    verdict = verify_run(run_dir, head=head)
    faults = verdict.faults
    for fault in faults:
        print(fault)
    for name in verdict.beside:
        print(f"{name}: not written by a run (no fault)")
    if faults:
        raise InputError(f"{run_dir} is not as its last run left it: {len(faults)} found.")
    print(f"{verdict.files} files are as the run left them. Last line of audit.jsonl: {verdict.head}")
    return 0


@app.command()
def replay(
    record: Annotated[Path, typer.Argument(help="The run.json of a run folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    inputs: Annotated[Path | None, typer.Option(help="The folder that the pipeline file was in.")] = None,
) -> int:
    """Run again what a run.json tells, and compare the data outputs byte by byte."""
    from gridmap.runs.replay import replay_run

    with watching() as watch:
        again = replay_run(record, out, inputs=inputs, on_step=watch)
    for other in again.versions:
        print(f"another version: {other}")
    for path in again.equal:
        print(f"equal      {path}")
    for path in again.different:
        print(f"different  {path}")
    if again.different:
        raise InputError(f"{len(again.different)} of {len(again.equal) + len(again.different)} data outputs differ.")
    print(f"All {len(again.equal)} data outputs are the same bytes → {out}")
    return 0
