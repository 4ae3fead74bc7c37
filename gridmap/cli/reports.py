"""Papers: `gridmap report`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, watching

__all__ = ["report"]


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="The folder that a run wrote into.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="briefing.pdf, .docx, .pptx or .xlsx.")],
    language: Annotated[str | None, typer.Option(help="en or zh; the run's own when not given.")] = None,
    since: Annotated[Path | None, typer.Option(help="The earlier run; the newest one beside it by default.")] = None,
    template: Annotated[Path | None, typer.Option(help="A folder with templates of one's own.")] = None,
    title: Annotated[str | None, typer.Option(help="In place of the run's title.")] = None,
) -> None:
    """The briefing of a run: a PDF, a Word document, slides or a workbook."""
    from gridmap.reports.briefing import write_briefing

    with watching() as watch:
        watch("write the briefing")
        written = write_briefing(run, output, language=language, template=template, since=since, title=title)
    print(f"→ {written}")
