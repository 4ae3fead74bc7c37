"""What was run, on what, with what: the `run.json` beside every result.

So that each number can be traced to its file, its rows, its method, its settings and its version.
"""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["sha256_of", "versions", "write_manifest"]

TRACED = ("gridmap", "duckdb", "geopandas", "h3", "numpy", "pandas", "scikit-learn", "scipy", "shapely")


def sha256_of(path: str | Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Python's version and those of the packages that numbers depend on."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in TRACED}


def write_manifest(path: Path, contents: Mapping[str, Any]) -> None:
    """Write `run.json`: the contents, with the versions and the time of writing."""
    whole = {"written": datetime.now(UTC).isoformat(timespec="seconds"), "versions": versions(), **contents}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=2, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | pd.Index | pd.Series):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
