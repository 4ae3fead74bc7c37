"""Papers: `gridmap report`."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, opened_key, progress_shown

__all__ = ["report"]


@app.command(help="cli.report.help")
def report(
    run: Annotated[Path, typer.Argument(help="cli.report.run")],
    output: Annotated[Path, typer.Option("-o", "--output", help="cli.report.output")],
    language: Annotated[str | None, typer.Option(help="cli.report.language")] = None,
    since: Annotated[Path | None, typer.Option(help="cli.report.since")] = None,
    template: Annotated[Path | None, typer.Option(help="cli.report.template")] = None,
    title: Annotated[str | None, typer.Option(help="cli.report.title")] = None,
    annex: Annotated[bool, typer.Option("--annex", help="cli.report.annex")] = False,
    pages: Annotated[int, typer.Option(help="cli.report.pages")] = 4,
    sign: Annotated[Path | None, typer.Option(help="cli.run.sign")] = None,
) -> None:
    """The briefing of a run: a PDF, a Word document, slides or a workbook."""
    from gridmap.reports.briefing import write_briefing

    signer = None if sign is None else opened_key(sign)
    with progress_shown() as watch:
        watch("write the briefing")
        written = write_briefing(
            run,
            output,
            language=language,
            template=template,
            since=since,
            title=title,
            annex=annex,
            pages=pages,
            sign=signer,
        )
    print(f"→ {written}")
