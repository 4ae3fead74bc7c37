"""The extras of the package: what a part of gridmap needs beyond the core, and one clear line where it is not there.

`pip install gridmap` brings what reading, tiling, counting, testing and the map page need; an extra brings the rest.
pyproject.toml lists the same; a test holds the two together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from gridmap.errors import MissingPackageError
from gridmap.messages import Note

__all__ = ["EXTRAS", "extra_of", "missing_package", "needs_extras"]

#: extra → the modules it brings, by the names that they are imported under.
EXTRAS = {
    "papers": ("matplotlib", "typst", "docx", "pptx", "PIL"),
    "patrol": ("osmium", "segno", "matplotlib"),
    "databases": ("sqlalchemy", "sqlglot"),
    "desk": ("starlette", "uvicorn", "python_multipart", "markdown_it"),
    "spark": ("pyspark",),
    "ray": ("ray",),
    "mcp": ("mcp",),
    "sign": ("cryptography", "bcrypt"),
}


def extra_of(module: str) -> str | None:
    """The first extra that brings a module, or None for one of the core.

    Examples
    --------
    >>> extra_of("docx.shared"), extra_of("numpy")
    ('papers', None)
    """
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def missing_package(error: ModuleNotFoundError) -> MissingPackageError | None:
    """The clear line for a module of an extra that was not found; None where it is of no extra."""
    extra = extra_of(error.name or "")
    if extra is None:
        return None
    return MissingPackageError(Note("extras.missing", package=(error.name or "").partition(".")[0], extra=extra))


@contextmanager
def needs_extras() -> Iterator[None]:
    """A block that imports modules of an extra.

    Raises
    ------
    MissingPackageError
        Where one is not installed: its name, the extra that brings it, and the command.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        clear = missing_package(error)
        if clear is None:
            raise
        raise clear from None
