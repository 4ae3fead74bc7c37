"""`gridmap methods`: what there is, with its options."""

import inspect
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gridmap.cli.app import app, language, text
from gridmap.messages import known

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
    if language() == "en":
        print(inspect.getdoc(chosen.function))
    else:
        print("\n".join(_in_words(chosen)))


def _in_words(method: Any) -> list[str]:
    """A method in the language that is spoken, from the catalogue: docstrings are English."""
    lines = [text(f"method.{method.name}.name"), text(f"method.{method.name}.explains"), ""]
    lines += [f"{text('cli.heading.works_on')}: {', '.join(text(f'cli.given.{w}') for w in method.inputs.values())}"]
    lines += ["", text("cli.heading.options")]
    for option, parameter in method.options.items():
        default = (
            "" if parameter.default in (None, parameter.empty) else f" [{text('cli.default')}: {parameter.default}]"
        )
        sentence = text(f"option.{option}") if known(f"option.{option}") else ""  # a plug-in may leave it out
        lines.append(f"  {option}{default}  {sentence}".rstrip())
    if method.columns:
        lines += ["", text("cli.methods.columns")]
        lines += [f"  {c}  {text(f'column.{c}') if known(f'column.{c}') else ''}".rstrip() for c in method.columns]
    return [*lines, "", text("cli.methods.whole", name=method.name)]
