"""A run's id: the same for the same settings, inputs and version, so that a file can be led back to its run."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["run_id"]


def run_id(settings: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> str:
    """Sixteen hexadecimal digits: the beginning of a SHA-256.

    Parameters
    ----------
    settings : mapping
        The whole pipeline file, as read.
    inputs : list of mappings
        As in `run.json`: the `sha256` of each file counts, not where it lies.

    Examples
    --------
    >>> len(run_id({"grid": {"resolution": 8}}, [{"path": "a.csv", "sha256": "00"}]))
    16
    """
    counted = [entry.get("sha256") or entry.get("path") for entry in inputs]
    whole = [importlib.metadata.version("gridmap"), settings, counted]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]
