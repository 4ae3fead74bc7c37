"""`gridmap methods`: what there is, with its options."""

import inspect
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gridmap.cli.app import app, language, text

__all__ = ["list_methods"]


@app.command("methods", help="cli.methods.help")
def list_methods(
    name: Annotated[str | None, typer.Argument(help="cli.methods.name")] = None,
) -> None:
    """What methods there are, with their options."""
    from gridmap.hotspots.registry import described_methods, method_named

    if name is None:
        table = Table(box=None, pad_edge=False)
        for heading in ("method", "works_on", "name"):
            table.add_column(text(f"cli.heading.{heading}"))
        for method in described_methods():
            row = method.question if language() == "en" else text(f"method.{method.name}.name")
            table.add_row(method.name, ", ".join(text(f"cli.given.{w}") for w in method.works_on), row)
        Console().print(table)
        return
    chosen = method_named(name)
    works_on, options = ", ".join(chosen.inputs), ", ".join(map(str, chosen.options.values()))
    print(f"{name}({works_on}, *, {options})\n")
    print(inspect.getdoc(chosen.function))
