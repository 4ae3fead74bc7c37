"""What can go wrong, as one small family.

::

    GridmapError                 anything that the user can put right
    ├── InputError               the data: missing, empty, of another shape
    │   ├── ReadError            the file: absent, unreadable, of an unknown format
    │   └── CRSError             the coordinates: no CRS, a wrong one, degrees for metres
    ├── SettingError             an option: misspelt, of a wrong type, out of range
    ├── OutputError              the place to write to
    └── MissingPackageError      a package of an extra: not installed

    GridmapWarning               nothing is wrong, but the reader of the result should know

Every message says what was wanted, what was found and what to do about it, in one line. It is given as a
`gridmap.messages.Note` (a code of the catalogue with values), so that it can be put into any language; `say` does that.
The command line prints it and ends with exit code 1. Whatever is not a GridmapError is a bug and keeps its traceback.
"""

import re

__all__ = [
    "CRSError",
    "GridmapError",
    "GridmapWarning",
    "InputError",
    "MissingPackageError",
    "OutputError",
    "ReadError",
    "SettingError",
]


class GridmapError(Exception):
    """Anything that the user can put right."""

    def say(self, language: str = "en") -> str:
        """The message in a language; in English where it is given as a bare text."""
        text = self.args[0] if self.args else ""
        return text.say(language) if hasattr(text, "say") else str(text)


class InputError(GridmapError, ValueError):
    """The data are not what the function needs."""


class ReadError(InputError):
    """A file is absent, unreadable or of an unknown format."""


class CRSError(InputError):
    """Coordinates without a CRS, in a wrong one, or degrees where metres are meant."""


class SettingError(GridmapError, ValueError):
    """An option is misspelt, of a wrong type, or out of range.

    Attributes
    ----------
    option : str or None
        Its name, where the mistake is known to be in one.
    """

    option: str | None = None


class OutputError(GridmapError):
    """A result cannot be written where it should go."""


class MissingPackageError(GridmapError, ImportError):
    """A package of an extra is not installed."""


class GridmapWarning(UserWarning):
    """Nothing is wrong, but the reader of the result should know."""


#: How the system and the libraries say that there was no memory for data, a thread or a library's own file.
_NO_MEMORY = re.compile(
    "MemoryError|bad_alloc|can't start new thread|Failed to launch worker thread|failed to map segment|malloc of size"
    "|cannot allocate memory|could not allocate|unable to allocate|failed to allocate|out of memory",
    re.IGNORECASE,
)


def is_want_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that the memory is used up."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
