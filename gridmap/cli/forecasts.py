"""`gridmap backtest`: would a forecast have been worth more than counting?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from gridmap.cli.app import app, language, progress_shown
from gridmap.messages import Note, say

__all__ = ["backtest"]

SHOWN = ["periods", "hits", "incidents", "hit_rate", "pai", "pai_low", "pai_high", "difference"]
SHOWN += ["difference_low", "difference_high"]


@app.command(help="cli.backtest.help")
def backtest(
    pipeline: Annotated[Path, typer.Argument(help="cli.backtest.pipeline")],
    start: Annotated[str, typer.Option(help="cli.backtest.start")],
    end: Annotated[str, typer.Option(help="cli.backtest.end")],
    horizon: Annotated[str, typer.Option(help="cli.backtest.horizon")] = "7D",
    model: Annotated[list[str], typer.Option(help="cli.backtest.model")] = [],  # noqa: B006
    area_share: Annotated[float | None, typer.Option(help="cli.backtest.area_share")] = None,
    area_m2: Annotated[tuple[float, float] | None, typer.Option(help="cli.backtest.area_m2")] = None,
    cell_area_m2: Annotated[tuple[float, float] | None, typer.Option(help="cli.backtest.cell_area_m2")] = None,
    category: Annotated[str | None, typer.Option(help="cli.backtest.category")] = None,
    set_: Annotated[list[str], typer.Option("--set", help="cli.backtest.set")] = [],  # noqa: B006
    workers: Annotated[int | None, typer.Option(help="cli.backtest.workers")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="cli.backtest.output")] = None,
) -> None:
    """Hold forecasts against the past of a pipeline's incidents."""
    from gridmap.exports import write_table
    from gridmap.hotspots.scan.windows import cores
    from gridmap.runs.backtests import JOURNAL, backtest_pipeline, write_backtest

    journal = output / JOURNAL if output is not None and not output.suffix else None

    with progress_shown() as watch:
        found = backtest_pipeline(
            pipeline,
            start=start,
            end=end,
            models=model or None,
            horizon=horizon,
            area_share=area_share,
            area_m2=area_m2,
            cell_area_m2=cell_area_m2,
            category=category,
            overrides=set_,
            workers=cores() if workers is None else workers,
            resume=journal,
            progress=lambda done, of: watch(f"{done} / {of}"),
        )
    shown, of = found.same_periods(), found.scores["origin"].nunique()
    n = shown.scores["origin"].nunique()
    if n < max(of / 2, 4):  # a model that could hardly forecast does not take the others' periods away
        shown, n = found, of
    print(_table_of(shown.summary()))
    if n < of:
        print(f"  {Note('forecasts.common_periods', n=n, of=of).say(language())}")
    for note in found.notes:
        print(f"  {note.say(language())}")
    if output is not None:
        if output.suffix:
            write_table(found.scores, output)
        else:
            write_backtest(found, output, language=language())
        if journal is not None:
            journal.unlink(missing_ok=True)
        print(f"→ {output}")


def _table_of(table: Any) -> str:
    """The summary as text, with the headings of the language; Chinese letters are two columns wide."""
    import pandas as pd

    names = [c for c in SHOWN if c in table]
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", 200):
        shown = table[names].round(3).rename(columns=lambda c: say(f"forecasts.scores_{c}", language()))
        return shown.rename_axis(say("forecasts.scores_model", language())).to_string(na_rep="–")
