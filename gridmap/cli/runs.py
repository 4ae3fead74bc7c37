"""Whole runs: `gridmap demo`, `gridmap run`, `gridmap schema`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import add_lines, add_to_log, app, opened_key, print_note, print_report, progress_shown
from gridmap.cli.app import language as command_language
from gridmap.messages import check_language

__all__ = ["demo", "run", "run_file", "schema"]


@app.command(help="cli.demo.help")
def demo(
    out: Annotated[Path, typer.Argument(help="cli.demo.out")] = Path("out/demo"),
    language: Annotated[str | None, typer.Option(help="cli.demo.language")] = None,
    county: Annotated[bool, typer.Option("--county", help="cli.demo.county")] = False,
    hours: Annotated[bool, typer.Option("--hours", help="cli.demo.hours")] = False,
) -> None:
    """The bundled police data of West Yorkshire, or a simulated county, end to end."""
    from gridmap.runs.demos import county_demo, demo_pipeline

    spoken = language or command_language()
    if not county and not hours:
        return run_file(demo_pipeline(spoken), out, [])
    settings = [f"language={check_language(language)}"] if language else []
    pipeline = "county" if not hours else "hours" if spoken == "zh" else "hours_en"
    with progress_shown() as watch:
        report = county_demo(out, pipeline=pipeline, overrides=settings, on_step=watch)
    print_report(report)
    print(f"  {report.pipeline.path}, {out / 'data'}")


@app.command(help="cli.run.help")
def run(
    pipeline: Annotated[Path, typer.Argument(help="cli.run.pipeline")],
    out: Annotated[Path, typer.Option(help="cli.run.out")] = Path("out"),
    set_: Annotated[list[str], typer.Option("--set", help="cli.run.set")] = [],  # noqa: B006
    confined: Annotated[bool, typer.Option("--confined", help="cli.run.confined")] = False,
    who: Annotated[str | None, typer.Option(help="cli.run.who")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="cli.run.steps")] = False,
    sign: Annotated[Path | None, typer.Option(help="cli.run.sign")] = None,
    audience: Annotated[list[str], typer.Option("--audience", help="cli.run.audience")] = [],  # noqa: B006
    quiet: Annotated[bool, typer.Option("--quiet", help="cli.run.quiet")] = False,
    log: Annotated[Path | None, typer.Option("--log", help="cli.run.log")] = None,
) -> None:
    """Run one pipeline file, for one audience or for several, each into a folder of its own."""
    from gridmap.runs import read_pipeline

    wanted = list(dict.fromkeys(audience))
    names: list[str | None] = [*wanted] or [None]
    for later in wanted[1:]:  # what one of them cannot have stops the first run too
        read_pipeline(pipeline, overrides=[*set_, f"audience={later}"])
    if log is not None:
        add_lines(log, [])
    for name in names:
        settings = set_ if name is None else [*set_, f"audience={name}"]
        folder = out / name if name is not None and len(wanted) > 1 else out
        run_file(pipeline, folder, settings, confined=confined, who=who, steps=steps, sign=sign, quiet=quiet, log=log)


@app.command(help="cli.schema.help")
def schema() -> None:
    """Print the JSON Schema of a pipeline file, for editors."""
    from gridmap._io import json_text
    from gridmap.runs.config import pipeline_schema

    print(json_text(pipeline_schema(command_language()), indent=2).rstrip())


def run_file(
    path: Path,
    out: Path,
    overrides: list[str],
    needs: str | None = None,
    confined: bool = False,
    who: str | None = None,
    steps: bool = False,
    sign: Path | None = None,
    quiet: bool = False,
    log: Path | None = None,
) -> None:
    """Read, check and run one pipeline file, and print what was found and written."""
    from gridmap.runs import read_pipeline, run_pipeline
    from gridmap.runs.input_files import check_confined

    pipeline = read_pipeline(path, overrides=overrides, needs=needs)
    if confined:
        check_confined(pipeline, out)
    signer = None if sign is None else opened_key(sign)
    with progress_shown(as_lines=steps) as watch:
        report = run_pipeline(pipeline, out, on_step=watch, who=who, sign=signer)
    for note in report.warnings if steps else ():
        print_note(note)
    if log is not None:
        add_to_log(report, log, out)
    if not quiet:
        print_report(report)
