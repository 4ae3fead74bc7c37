"""Progress of a long count in a terminal: rows, rate and an estimate of what is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["bar"]


@contextmanager
def bar(title: str = "Counting") -> Iterator:
    """A `progress=` for `count_by_cell` that draws a bar on stderr, and nothing where that is not a terminal.

    Examples
    --------
    >>> with bar("Counting") as progress:
    ...     progress(500, 1_000, 0.5)
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(title, total=None, rate="")

        def progress(done: int, total: int | None, seconds: float) -> None:
            rate = f"{done / seconds / 1e6:.1f} million/s" if seconds > 0 else ""
            shown.update(task, completed=done, total=total, rate=rate)

        yield progress
