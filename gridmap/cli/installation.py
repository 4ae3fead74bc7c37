"""`gridmap example` and `gridmap doctor`: to begin with, and when something is missing."""

from pathlib import Path
from typing import Annotated

import typer

from gridmap.cli.app import app, language

__all__ = ["doctor", "example"]


@app.command(help="cli.example.help")
def example(
    name: Annotated[str | None, typer.Argument(help="cli.example.name")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="cli.example.output")] = None,
) -> None:
    """Write an example pipeline and its data, or list the examples."""
    from gridmap.examples import example_names, write_example

    if name is None:
        print("\n".join(example_names()))
        return
    for written in write_example(name, output or Path(f"{name}.yaml")):
        print(f"→ {written}")


@app.command(help="cli.doctor.help")
def doctor(as_json: Annotated[bool, typer.Option("--json", help="cli.doctor.as_json")] = False) -> int:
    """What is installed, what is missing, and what that costs; exit code 1 where gridmap cannot work."""
    from gridmap._io import json_text
    from gridmap.installation import check_installation, summary_line

    found = check_installation()
    if as_json:
        rows = [{"about": f.about, "good": f.good, "needed": f.needed, "text": f.text.say(language())} for f in found]
        print(json_text({"version": summary_line(), "findings": rows}, indent=2).rstrip())
    else:
        print(summary_line())
        for finding in found:
            print(f"{'✓' if finding.good else '✗' if finding.needed else '–'} {finding.text.say(language())}")
    return int(any(f.needed and not f.good for f in found))
