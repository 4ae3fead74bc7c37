"""Modules that have moved are still found under their earlier names, with a DeprecationWarning."""

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from gridmap.messages import Note

__all__ = ["keep_old_names"]


def keep_old_names(package: str, moved: Mapping[str, str]) -> None:
    """Let `import package.old` find the module `package.new` and say so.

    Parameters
    ----------
    package : str
        As in "gridmap.grids".
    moved : mapping of str to str
        The earlier name of a module to the one it has now, both inside the package.
    """
    sys.meta_path.append(_Finder({f"{package}.{old}": f"{package}.{new}" for old, new in moved.items()}))


class _Finder(MetaPathFinder, Loader):
    """Asked last, for names that no file has."""

    def __init__(self, moved: Mapping[str, str]):
        self.moved = moved

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in self.moved else None

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        warnings.warn(Note("errors.moved", old=old, new=self.moved[old]), DeprecationWarning, stacklevel=2)
        sys.modules[old] = importlib.import_module(self.moved[old])
