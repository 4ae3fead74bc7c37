"""`gridmap methods`: what there is, with its options."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gridmap.cli.app import app
from gridmap.errors import SettingError
from gridmap.messages import did_you_mean

__all__ = ["list_methods"]


@app.command("methods")
def list_methods(
    name: Annotated[str | None, typer.Argument(help="A method, for its options and what it does.")] = None,
) -> None:
    """What methods there are, with their options."""
    import inspect as signatures

    from gridmap.hotspots.methods import METHODS, inputs_of, options_of

    out = Console()
    if name is None:
        table = Table(box=None, pad_edge=False)
        for heading in ("method", "works on", "what it does"):
            table.add_column(heading)
        for method, function in sorted(METHODS.items()):
            first = (signatures.getdoc(function) or "").split("\n")[0]
            table.add_row(method, ", ".join(inputs_of(function)), first)
        out.print(table)
        return
    if name not in METHODS:
        raise SettingError(f"There is no method {name!r}. {did_you_mean(name, METHODS)}")
    function = METHODS[name]
    works_on, options = ", ".join(inputs_of(function)), ", ".join(map(str, options_of(function).values()))
    print(f"{name}({works_on}, *, {options})\n")
    print(signatures.getdoc(function))
