"""`gridmap methods`: what there is, with its options."""

import inspect
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gridmap.cli.app import app

__all__ = ["list_methods"]


@app.command("methods")
def list_methods(
    name: Annotated[str | None, typer.Argument(help="A method, for its options and what it does.")] = None,
) -> None:
    """What methods there are, with their options."""
    from gridmap.hotspots.registry import described_methods, method_named

    if name is None:
        table = Table(box=None, pad_edge=False)
        for heading in ("method", "works on", "what it does"):
            table.add_column(heading)
        for method in described_methods():
            table.add_row(method.name, ", ".join(method.works_on), method.question)
        Console().print(table)
        return
    method = method_named(name)
    works_on, options = ", ".join(method.inputs), ", ".join(map(str, method.options.values()))
    print(f"{name}({works_on}, *, {options})\n")
    print(inspect.getdoc(method.function))
