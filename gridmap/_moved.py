"""What has another name or another home now is still found under the earlier one, with a DeprecationWarning."""

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from gridmap.messages import Note

__all__ = ["keep_old_names", "old_functions"]


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


def old_functions(module: str, moved: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__`, by which its functions and classes are found under their earlier names.

    Parameters
    ----------
    module : str
        Its `__name__`.
    moved : mapping of str to str
        The earlier name to the one it has now, in this module; or "gridmap.runs:read_pipeline", in another.
    """

    def find(name: str) -> Any:
        if name not in moved:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, new = moved[name].rpartition(":")
        home = home or module
        warnings.warn(
            Note("errors.moved", old=f"{module}.{name}", new=f"{home}.{new}"), DeprecationWarning, stacklevel=2
        )
        return getattr(importlib.import_module(home), new)

    return find


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
