"""Whole runs: `gridmap demo` and `gridmap run`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, tell, watching
from gridmap.cli.county import run_county
from gridmap.errors import ReadError, SettingError

__all__ = ["demo", "run", "run_file"]


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="The folder to write into.")] = Path("out/demo"),
    language: Annotated[str | None, typer.Option(help="en or zh; zh with --county, else en.")] = None,
    county: Annotated[bool, typer.Option("--county", help="A simulated Chinese county, its files too.")] = False,
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
        raise SettingError(f"language is en or zh; found {language!r}.")
    if not path.exists():
        raise ReadError(
            "The demo's data come with a clone of the project, not with the installed package. Clone it first."
        )
    run_file(path, out, [])


@app.command()
def run(
    pipeline: Annotated[Path, typer.Argument(help="A pipeline file, as those in pipelines/.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("out"),
    set_: Annotated[
        list[str], typer.Option("--set", help="Replace a setting: key=value, as in grid.resolution=9.")
    ] = [],  # noqa: B006
    confined: Annotated[bool, typer.Option("--confined", help="Refuse whatever lies outside its folder.")] = False,
    who: Annotated[str | None, typer.Option(help="Who runs it, for audit.jsonl; nobody is named otherwise.")] = None,
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
        raise SettingError(f"{path} has no stage {needs!r}; docs/patrol.md shows one.")
    if confined:
        check_confined(pipeline, out)
    with watching() as watch:
        report = run_pipeline(pipeline, out, on_step=watch, who=who)
    tell(report)
