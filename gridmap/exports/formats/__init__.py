"""The formats that files can have, one a module: each declares its endings in `FORMATS`.

To add a format, add a module here with `FORMATS = {".ending": Format(write)}`; a package of its own names such a
mapping as an entry point of the group `gridmap.formats`:

    [project.entry-points."gridmap.formats"]
    mine = "my_package.my_format:FORMATS"
"""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from gridmap.errors import SettingError
from gridmap.exports.formats.base import Format
from gridmap.messages import Note

__all__ = ["GROUP", "Format", "all_formats", "layer_endings"]

#: The entry points by which other packages add formats.
GROUP = "gridmap.formats"


@cache
def all_formats() -> dict[str, Format]:
    """Ending → format: gridmap's own, then those of other packages.

    Raises
    ------
    SettingError
        If another package names an ending that is taken, or something that is not a mapping of formats.
    """
    formats: dict[str, Format] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        formats |= getattr(import_module(f"{__name__}.{module}"), "FORMATS", {})
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        _add(formats, point.load(), point.value)
    return formats


def _add(formats: dict[str, Format], found: object, source: str) -> None:
    if not isinstance(found, dict) or not all(isinstance(form, Format) for form in found.values()):
        raise SettingError(Note("exports.not_formats", source=source))
    for ending, form in found.items():
        if not str(ending).startswith(".") or ending in formats:
            raise SettingError(Note("exports.ending_taken", ending=ending, source=source))
        formats[ending] = form


def layer_endings() -> tuple[str, ...]:
    """The endings that hold shapes with their columns: what a pipeline's `layers:` may be."""
    return tuple(ending for ending, form in all_formats().items() if form.shapes)
