"""What the commands share: the app, its exit codes, the spinner.

Exit codes: 0 well; 1 for what the user can put right, said in one line; 2 for an unknown command or option;
130 when interrupted.
"""

import sys
from contextlib import contextmanager
from threading import Event

import typer
from rich.console import Console

from gridmap.cli.interrupts import INTERRUPTED, watch_interrupts
from gridmap.errors import GridmapError

__all__ = ["app", "main", "tell", "watching"]

app = typer.Typer(
    name="gridmap",
    help="Boundary files and incident points in, hotspot maps that open without a network out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
err = Console(stderr=True)
UsageError = typer.BadParameter.__mro__[1]  # typer brings its own copy of click and does not name this class


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every mistake of the user ends in one clear line on stderr."""
    with watch_interrupts() as interrupted:
        code = _run(arguments, interrupted)
    sys.exit(code)


def _run(arguments: list[str] | None, interrupted: Event) -> int:
    try:
        code = app(args=arguments, standalone_mode=False) or 0
        return _say(INTERRUPTED, 130) if code == 130 else code  # typer answers Ctrl-C with this number alone
    except GridmapError as error:
        return _say(INTERRUPTED, 130) if interrupted.is_set() else _say(str(error), 1)
    except UsageError as error:
        unknown = "No such" in error.format_message()  # an option or a command; all else is a wrong value
        return _say(f"{error.format_message()} See gridmap --help.", 2 if unknown else 1)
    except (KeyboardInterrupt, typer.Abort):
        return _say(INTERRUPTED, 130)
    except BrokenPipeError:
        return 0
    except Exception:
        if interrupted.is_set():  # a library that turns the signal into an error of its own
            return _say(INTERRUPTED, 130)
        raise


def _say(message: str, code: int) -> int:
    print(f"gridmap: {' '.join(message.split())}", file=sys.stderr)
    return code


@contextmanager
def watching():
    """A function that names the running step: on a terminal as a spinner, elsewhere not at all."""
    if not err.is_terminal:
        yield lambda step: None
        return
    with err.status("…") as status:
        yield lambda step: status.update(f"{step} …")


def tell(report) -> None:
    """Print what a run found, and what it wrote."""
    for warning in report.warnings:
        print(f"gridmap: {warning}", file=sys.stderr)
    if report.pipeline.title:
        print(report.pipeline.title)
    for sentence in report.summary:
        print(f"  {sentence}")
    for key, output in report.outputs.items():
        if not key.startswith("results/"):  # a folder for the papers, not a list to read
            print(f"  → {output}")
