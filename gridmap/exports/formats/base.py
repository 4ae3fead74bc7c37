"""What a format is: what writes it, and what it can hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridmap.exports.result_parts import Part, Stamp

__all__ = ["Format"]


@dataclass(frozen=True)
class Format:
    """One format of files.

    Attributes
    ----------
    write : callable
        `write(parts, path, stamp)` writes parts that have passed the gate into a file that does not exist yet.
    many : bool
        Whether a file holds several layers; else the first part is written.
    shapes : bool
        Whether it keeps shapes with all their columns: what a pipeline's `layers:` may be.
    """

    write: Callable[[list[Part], Path, Stamp], None]
    many: bool = False
    shapes: bool = True
