"""What can go wrong, as one small family.

::

    GridmapError                 anything that the user can put right
    ├── InputError               the data: missing, empty, of another shape
    │   ├── ReadError            the file: absent, unreadable, of an unknown format
    │   └── CRSError             the coordinates: no CRS, a wrong one, degrees for metres
    ├── SettingError             an option: misspelt, of a wrong type, out of range
    └── OutputError              the place to write to

    GridmapWarning               nothing is wrong, but the reader of the result should know

Every message says what was wanted, what was found and what to do about it, in one line.
The command line prints it and ends with exit code 1. Whatever is not a GridmapError is a bug and
keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CRSError",
    "GridmapError",
    "GridmapWarning",
    "InputError",
    "OutputError",
    "ReadError",
    "SettingError",
    "did_you_mean",
]


class GridmapError(Exception):
    """Anything that the user can put right."""


class InputError(GridmapError, ValueError):
    """The data are not what the function needs."""


class ReadError(InputError):
    """A file is absent, unreadable or of an unknown format."""


class CRSError(InputError):
    """Coordinates without a CRS, in a wrong one, or degrees where metres are meant."""


class SettingError(GridmapError, ValueError):
    """An option is misspelt, of a wrong type, or out of range."""


class OutputError(GridmapError):
    """A result cannot be written where it should go."""


class GridmapWarning(UserWarning):
    """Nothing is wrong, but the reader of the result should know."""


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """The tail of an error message: the name that was meant, and the names there are.

    Examples
    --------
    >>> did_you_mean("resolutoin", ["resolution", "system"])
    "Did you mean 'resolution'? There are: resolution, system."
    """
    names = sorted(map(str, known))
    near = get_close_matches(str(found), names, n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"{meant}There are: {', '.join(names)}."
