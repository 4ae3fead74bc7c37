"""Years of exports in one folder: `gridmap add`, `gridmap store`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gridmap.cli.app import app, language, progress_shown, text
from gridmap.errors import SettingError
from gridmap.messages import Note

__all__ = ["add", "store"]


@app.command(help="cli.add.help")
def add(
    file: Annotated[list[Path], typer.Argument(help="cli.add.file")],
    store: Annotated[Path, typer.Option(help="cli.add.store")],
    replace: Annotated[str | None, typer.Option(help="cli.add.replace")] = None,
    ids: Annotated[str | None, typer.Option(help="cli.add.ids")] = None,
    datum: Annotated[str | None, typer.Option(help="cli.add.datum")] = None,
    crs: Annotated[str | None, typer.Option(help="cli.add.crs")] = None,
    timezone: Annotated[str | None, typer.Option(help="cli.add.timezone")] = None,
    date_order: Annotated[str | None, typer.Option(help="cli.add.date_order")] = None,
    encoding: Annotated[str | None, typer.Option(help="cli.add.encoding")] = None,
    table: Annotated[str | None, typer.Option(help="cli.add.table")] = None,
    column: Annotated[list[str], typer.Option(help="cli.add.column")] = [],  # noqa: B006
    h3_column: Annotated[str | None, typer.Option(help="cli.add.h3_column")] = None,
) -> None:
    """Add exports to a store, one after another, each whole or not at all."""
    from gridmap.counts.store_adding import IncidentStore

    columns = dict(map(_role_and_column, column)) or None
    given = {"datum": datum, "crs": crs, "timezone": timezone, "date_order": date_order, "encoding": encoding}
    kept, reading = IncidentStore(store), {**given, "table": table, "columns": columns, "h3_column": h3_column}
    for path in file:
        with progress_shown() as watch:
            watch("read incidents")
            added = kept.add(path, replace=replace, ids=ids, **reading)
        for note in added.notes:
            print(f"  {note.say(language())}")
        print(f"{added.sentence().say(language())} → {store}")


@app.command(help="cli.store.help")
def store(
    folder: Annotated[Path, typer.Argument(help="cli.store.folder")],
    check: Annotated[bool, typer.Option("--check", help="cli.store.check")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="cli.store.as_json")] = False,
) -> None:
    """The history of a store, a line for each addition; with --check whether it is whole."""
    from gridmap._io import json_text
    from gridmap.counts.store_adding import IncidentStore
    from gridmap.read.store_reading import read_manifest

    kept = IncidentStore(folder)
    faults = kept.check() if check else []
    if not faults:
        manifest = read_manifest(folder)
        day = None if manifest.newest_day is None else str(manifest.newest_day.date())
        total = {"n": manifest.rows, "rows": manifest.rows_in, "aside": manifest.rows_in - manifest.rows}
        history = kept.history
        if as_json:
            print(json_text({**total, "newest_day": day, "additions": history.to_dict("records")}, indent=2).rstrip())
        else:
            print(text("store.holds", folder=str(folder), additions=len(history), day=day, **total))
            print(_as_lines(history) if len(history) else "")
    for fault in faults:
        print(fault.say(language()))
    if faults:
        raise SettingError(Note("store.unsound", n=len(faults), folder=str(folder)))
    if check and not as_json:
        print(text("store.sound"))


def _as_lines(history: Any) -> str:
    """The history with the headings of the language; Chinese letters are two columns wide."""
    import pandas as pd

    named = history.astype(object).where(history.notna(), "–").rename(columns=lambda c: text(f"store.heading.{c}"))
    with pd.option_context("display.unicode.east_asian_width", True, "display.width", 200):
        return named.to_string(index=False)


def _role_and_column(given: str) -> tuple[str, str]:
    role, equals, name = given.partition("=")
    if not equals or not role or not name:
        raise SettingError(Note("cli.store.bad_column", found=given))
    return role.strip(), name
