"""A run's folder, read back: the only thing that a paper is made from.

What is missing, of another version or changed since it was written is said in one line before any page is made.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

from gridmap.errors import ReadError
from gridmap.manifest import sha256_of
from gridmap.reports.facts import Fact
from gridmap.reports.findings import FORMAT

__all__ = ["RunFolder", "read_run"]

LARGEST_JSON = 200_000_000


@dataclass(frozen=True)
class RunFolder:
    """What a run left: its manifest, its facts and its tables.

    Attributes
    ----------
    path : Path
    manifest : dict
        Of `run.json`.
    head, results : dict, list of dict
        Of `results/facts.json`, as `gridmap.reports.findings` describes it.
    facts : list of Fact
    audience : str
    left_out : list of str
        Tables that the audience may not have.
    place : Path or None
        Where the run will stand, while it is being written elsewhere; earlier runs are looked for beside it.
    """

    path: Path
    manifest: dict[str, Any]
    head: dict[str, Any]
    facts: list[Fact]
    results: list[dict[str, Any]]
    audience: str = "meeting"
    left_out: list[str] = field(default_factory=list)
    place: Path | None = None

    @property
    def run_id(self) -> str:
        """A short name of the run: of its inputs, its settings and its versions, not of the day it was made."""
        return str(self.manifest.get("run_id") or identity(self.manifest))

    @property
    def written(self) -> str:
        """When the run was made, in UTC, as in 2026-11-22T06:30:00+00:00; empty where it is not told."""
        return str(self.manifest.get("written") or "")

    def table(self, name: str) -> pd.DataFrame:
        """One file of `results/`: a GeoDataFrame where it has shapes; an empty frame where the run has none.

        Raises
        ------
        ReadError
            If the file is gone, was changed since the run, or cannot be read.
        """
        place = f"results/{name}"
        listed = {entry.get("path"): entry for entry in self.manifest.get("outputs", [])}
        if listed and place not in listed:
            return pd.DataFrame()
        path = self.path / place
        if not path.is_file():
            if not listed:
                return pd.DataFrame()
            raise ReadError(f"{path} is missing, which run.json names. Run the pipeline again.")
        if listed and listed[place].get("sha256") not in (None, sha256_of(path)):
            raise ReadError(f"{path} was changed since the run was made. Run the pipeline again.")
        try:
            return gpd.read_parquet(path) if "geometry" in pq.read_schema(path).names else pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise ReadError(f"{path} cannot be read: {error}. Run the pipeline again.") from None


def identity(manifest: Mapping[str, Any]) -> str:
    """Twelve letters that name a run: the same for the same inputs, settings and versions."""
    inputs = [(e.get("path"), e.get("sha256")) for e in manifest.get("inputs", [])]
    told = [inputs, manifest.get("settings"), manifest.get("versions"), manifest.get("audience")]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:12]


def read_run(path: str | Path) -> RunFolder:
    """Read a run's folder.

    Parameters
    ----------
    path : str or Path
        The folder that `gridmap run` or `gridmap demo` wrote into, or its `run.json`.

    Returns
    -------
    RunFolder

    Raises
    ------
    ReadError
        If it is no such folder, of an earlier or later version, or cannot be read.
    """
    path = Path(path)
    folder = path.parent if path.name == "run.json" else path
    if not folder.is_dir():
        raise ReadError(f"There is no folder {folder}. Name the one that gridmap run wrote into (--out).")
    if not (folder / "run.json").is_file():
        raise ReadError(f"{folder} is no run: it has no run.json. Name the folder that gridmap run wrote into (--out).")
    manifest = _json(folder / "run.json")
    facts = folder / "results" / "facts.json"
    if not facts.is_file():
        raise ReadError(
            f"{folder} has no results/facts.json: the run was made by an earlier version, or the file was removed. "
            "Run the pipeline again."
        )
    listed = {entry.get("path"): entry.get("sha256") for entry in manifest.get("outputs") or []}
    if listed.get("results/facts.json") not in (None, sha256_of(facts)):
        raise ReadError(f"{facts} was changed since the run was made. Run the pipeline again.")
    return run_folder(folder, manifest, _json(facts))


def run_folder(folder: Path, manifest: dict, told: dict, *, place: Path | None = None) -> RunFolder:
    """A RunFolder of a manifest and of what `facts.json` tells.

    Raises
    ------
    ReadError
        If it is of a later version, or of another shape.
    """
    if not isinstance(told.get("format"), int) or told["format"] > FORMAT:
        raise ReadError(
            f"{folder}/results/facts.json has the format {told.get('format')!r}; this version of gridmap reads up to "
            f"{FORMAT}. Take the version that made the run, or run the pipeline again."
        )
    try:
        return RunFolder(
            folder,
            manifest,
            dict(told["head"]),
            [Fact.from_dict(entry) for entry in told["facts"]],
            [dict(entry) for entry in told["results"]],
            str(told.get("audience", "meeting")),
            [str(name) for name in told.get("left_out", [])],
            place,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReadError(
            f"{folder}/results/facts.json is not as gridmap writes it ({error}). Run the pipeline again."
        ) from None


def _json(path: Path) -> dict:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ReadError(f"{path} is larger than {LARGEST_JSON:,} bytes, so it is not what gridmap wrote.")
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ReadError(f"{path} is not what gridmap wrote: it is no JSON. Run the pipeline again.") from None
    if not isinstance(found, dict):
        raise ReadError(f"{path} is not what gridmap wrote. Run the pipeline again.")
    return found
