"""`run.json`: what was run, on what, with what; the record beside every result.

So that each number can be traced to its file, its rows, its method, its settings and its version.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gridmap import __version__
from gridmap._audit import versions
from gridmap._io import json_text, write_text

__all__ = ["run_id", "write_record"]


def run_id(settings: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> str:
    """A run's id: the same for the same settings, inputs and version, so that a file can be led back to its run.

    Parameters
    ----------
    settings : mapping
        The whole pipeline file, as read.
    inputs : list of mappings
        As in `run.json`: the `sha256` of each file counts, not where it lies.

    Returns
    -------
    str
        Sixteen hexadecimal digits: the beginning of a SHA-256.

    Examples
    --------
    >>> len(run_id({"grid": {"resolution": 8}}, [{"path": "a.csv", "sha256": "00"}]))
    16
    """
    counted = [entry.get("sha256") or entry.get("path") for entry in inputs]
    whole = [__version__, settings, counted]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]


def write_record(path: Path, contents: Mapping[str, Any]) -> None:
    """Write `run.json`: the contents, with the versions and the time of writing."""
    whole = {"written": datetime.now(UTC).isoformat(timespec="seconds"), "versions": versions(), **contents}
    write_text(path, json_text(whole, indent=2))
