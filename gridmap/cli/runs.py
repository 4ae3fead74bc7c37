"""Whole runs: `gridmap demo` and `gridmap run`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, print_report, progress_shown
from gridmap.cli.county import run_county
from gridmap.errors import ReadError, SettingError
from gridmap.messages import Note, check_language

__all__ = ["demo", "run", "run_file"]


@app.command(help="cli.demo.help")
def demo(
    out: Annotated[Path, typer.Argument(help="cli.demo.out")] = Path("out/demo"),
    language: Annotated[str | None, typer.Option(help="cli.demo.language")] = None,
    county: Annotated[bool, typer.Option("--county", help="cli.demo.county")] = False,
) -> None:
    """The bundled police data of West Yorkshire, or a simulated county, end to end."""
    import gridmap

    if county:
        return run_county(out, language)
    language = language or "en"
    path = (
        Path(gridmap.__file__).resolve().parents[1]
        / "pipelines"
        / ("demo.yaml" if language == "en" else "demo_zh.yaml")
    )
    if language not in ("en", "zh"):
        check_language(language)
    if not path.exists():
        raise ReadError(Note("cli.demo_needs_clone"))
    run_file(path, out, [])


@app.command(help="cli.run.help")
def run(
    pipeline: Annotated[Path, typer.Argument(help="cli.run.pipeline")],
    out: Annotated[Path, typer.Option(help="cli.run.out")] = Path("out"),
    set_: Annotated[list[str], typer.Option("--set", help="cli.run.set")] = [],  # noqa: B006
    confined: Annotated[bool, typer.Option("--confined", help="cli.run.confined")] = False,
    who: Annotated[str | None, typer.Option(help="cli.run.who")] = None,
) -> None:
    """Run one pipeline file."""
    run_file(pipeline, out, set_, confined=confined, who=who)


def run_file(
    path: Path,
    out: Path,
    overrides: list[str],
    needs: str | None = None,
    confined: bool = False,
    who: str | None = None,
) -> None:
    """Read, check and run one pipeline file, and print what was found and written."""
    from gridmap.runs import read_pipeline, run_pipeline
    from gridmap.runs.files import check_confined

    pipeline = read_pipeline(path, overrides=overrides)
    if needs is not None and getattr(pipeline, needs) is None:
        raise SettingError(Note("cli.no_stage", path=str(path), stage=needs))
    if confined:
        check_confined(pipeline, out)
    with progress_shown() as watch:
        report = run_pipeline(pipeline, out, on_step=watch, who=who)
    print_report(report)
