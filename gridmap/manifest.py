"""The former name of `gridmap.runs`: the same names, with a DeprecationWarning."""

import importlib
import warnings
from typing import Any

from gridmap.messages import Note

_HOMES = {
    "Verdict": "gridmap.runs.verify",
    "append_audit": "gridmap._audit",
    "sha256_of": "gridmap._io",
    "staging": "gridmap.runs.folder",
    "verify_run": "gridmap.runs.verify",
    "versions": "gridmap._audit",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        Note("errors.moved", old=f"{__name__}.{name}", new=f"{_HOMES[name]}.{name}"), DeprecationWarning, stacklevel=2
    )
    return getattr(importlib.import_module(_HOMES[name]), name)
