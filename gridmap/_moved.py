"""What has another name or another home now is still found under the earlier one, with a DeprecationWarning."""

import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from gridmap.messages import Note

__all__ = ["in_former_order", "keep_old_names", "old_functions"]


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


def in_former_order(former: str, is_former: Callable[[tuple], bool]) -> Callable:
    """For a function whose first arguments changed places: calls in the former order still work, and say so.

    Parameters
    ----------
    former : str
        The former order, as in "grid, source".
    is_former : function of the positional arguments
        Whether they came in that order, by their types.

    Examples
    --------
    >>> @in_former_order("unit, amount", lambda given: isinstance(given[0], str))
    ... def written(amount, unit):
    ...     return f"{amount} {unit}"
    >>> written(3, "km")
    '3 km'
    """
    names = [name.strip() for name in former.split(",")]

    def keep(function: Callable) -> Callable:
        now = ", ".join(list(inspect.signature(function).parameters)[: len(names)])

        @wraps(function)
        def either(*args: Any, **kwargs: Any) -> Any:
            if len(args) >= 2 and not set(names[: len(args)]) & set(kwargs) and is_former(args):
                note = Note("errors.moved", old=f"{function.__name__}({former})", new=f"{function.__name__}({now})")
                warnings.warn(note, DeprecationWarning, stacklevel=2)
                return function(*args[len(names) :], **dict(zip(names, args, strict=False)), **kwargs)
            return function(*args, **kwargs)

        return either

    return keep


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
