"""`gridmap verify` and `gridmap replay`: is it still what the run left, and does the same come out again."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, language, progress_shown, text
from gridmap.errors import InputError
from gridmap.messages import Note, say

__all__ = ["replay", "verify"]


@app.command(help="cli.verify.help")
def verify(
    run_dir: Annotated[Path, typer.Argument(help="cli.verify.run_dir")],
    head: Annotated[str | None, typer.Option(help="cli.verify.head")] = None,
    signed_by: Annotated[Path | None, typer.Option("--signed-by", help="cli.verify.signed_by")] = None,
) -> int:
    """Has any byte of a run's outputs changed since."""
    from gridmap.runs.verify import verify_run

    verdict = verify_run(run_dir, head=head, signed_by=signed_by)
    faults = verdict.faults
    for fault in faults:
        print(say(fault, language()))
    for name in verdict.beside:
        print(text("cli.verify_beside", name=name))
    if faults:
        raise InputError(Note("cli.not_verified", folder=str(run_dir), n=len(faults)))
    print(text("cli.verified", files=verdict.files, head=verdict.head))
    if signed_by is not None:
        print(text("cli.verified_signed", key=verdict.signer))
    elif verdict.signer:
        print(text("cli.verified_unsigned", key=verdict.signer))
    return 0


@app.command(help="cli.replay.help")
def replay(
    record: Annotated[Path, typer.Argument(help="cli.replay.record")],
    out: Annotated[Path, typer.Option(help="cli.replay.out")],
    inputs: Annotated[Path | None, typer.Option(help="cli.replay.inputs")] = None,
) -> int:
    """Run again what a run.json tells, and compare the data outputs byte by byte."""
    from gridmap.runs.replay import replay_run

    with progress_shown() as watch:
        again = replay_run(record, out, inputs=inputs, on_step=watch)
    for other in again.versions:
        print(text("cli.other_version", version=other))
    for path in again.equal:
        print(text("cli.equal", path=path))
    for path in again.different:
        print(text("cli.different", path=path))
    if again.different:
        raise InputError(
            Note("cli.replay_differs", n=len(again.different), all=len(again.equal) + len(again.different))
        )
    print(text("cli.replayed", n=len(again.equal)) + f" → {out}")
    return 0
