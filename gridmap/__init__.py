"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from typing import Any

import lazy_loader

#: The version, written here and nowhere else: pyproject.toml reads it.
__version__ = "0.1.0"

# The names and their modules stand in `__init__.pyi`, for people and for editors; each is imported when it is first
# needed, so that `gridmap --help` need not wait for matplotlib.
_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        from gridmap._extras import missing_package

        raise missing_package(error) or error from None
