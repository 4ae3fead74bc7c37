"""Several exports as one set of incidents: which files are meant, and how to count once what stands in two of them.

A weekly export usually reaches back some days, so neighbouring files overlap; now and then the same file lies in a
folder twice. An incident that stands in an earlier file is set aside in the later one (`counted_before`), so rows in
are still rows used and rows set aside.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap._io import sha256_of
from gridmap.errors import ReadError
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents, aside_rows
from gridmap.read.store_reading import is_store

__all__ = ["CountedBefore", "export_files"]

#: Endings that a folder of exports is searched for.
READABLE = (".csv", ".tsv", ".txt", ".gz", ".zip", ".xlsx", ".xls", ".xlsb", ".ods", ".parquet", ".geojson", ".gpkg")
#: Of the ids that two files share, so many must also share time and place before an id alone means the same incident;
#: a number that begins anew in each file does not reach it.
SAME_IDS = 0.5


def export_files(written: str, folder: Path) -> list[str]:
    """The files that a text of a pipeline means, written as it is, in order of their names.

    A file of that very name comes first, so `cases[2].csv` is a name where there is such a file, and so does the folder
    of a store, which is one input; then a folder, whose tables are meant; then a pattern with `*`, `?` or `[…]`. What
    is hidden, or open in Excel (`~$…`), is left out.

    Raises
    ------
    ReadError
        If there is no such file, or none in the folder.
    """
    try:
        return _export_files(written, folder)
    except OSError:  # a name longer than names may be, a folder that may not be read
        raise ReadError(Note("runs.no_file", path=written, file=folder.name)) from None


def _export_files(written: str, folder: Path) -> list[str]:
    place = folder / written
    if "://" in written or place.is_file() or is_store(place):
        return [written]
    if place.is_dir():
        found = [p for p in sorted(place.iterdir()) if p.suffix.lower() in READABLE]
    elif any(mark in written for mark in "*?["):
        root = Path(place.anchor) if Path(written).is_absolute() else folder
        pattern = str(place.relative_to(root)) if Path(written).is_absolute() else written
        found = sorted(root.glob(pattern))
    else:
        raise ReadError(Note("runs.no_file", path=written, file=folder.name))
    found = [p for p in found if p.is_file() and not p.name.startswith((".", "~$"))]
    if not found:
        raise ReadError(Note("read.no_exports", path=written))
    return [str(p) if Path(written).is_absolute() else p.relative_to(folder).as_posix() for p in found]


@dataclass
class CountedBefore:
    """What earlier files of the same reading held."""

    files: dict[str, str] = field(default_factory=dict)
    keys: list[np.ndarray] = field(default_factory=list)
    ids: list[np.ndarray] = field(default_factory=list)

    def take(self, incidents: Incidents, rows: np.ndarray, path: Any, shown: Any = None) -> Incidents:
        """The incidents of one more file, without those that an earlier file held; these are set aside.

        Parameters
        ----------
        incidents : Incidents
            Of one file.
        rows : array of int, (n,)
            Their row numbers in the file.
        path : str or Path
            The file.
        shown : callable, optional
            Gives their row numbers as a spreadsheet shows them (`RawTable.spreadsheet_rows`).
        """
        digest = sha256_of(Path(path)) if Path(path).is_file() else str(path)
        table = incidents.arrow()
        key, ids, plain = _keys(table)
        if digest in self.files:
            again = np.ones(len(key), bool)
        else:
            again = plain & np.isin(key, np.concatenate(self.keys)) if self.keys else np.zeros(len(key), bool)
            known = np.isin(ids, np.concatenate(self.ids)) & (ids != 0) if self.ids else np.zeros(len(key), bool)
            if known.any() and again[known].mean() >= SAME_IDS:
                again |= known  # the same incident, whose time or place was put right since
        self.files.setdefault(digest, Path(str(path)).name)
        self.keys.append(key[plain])
        self.ids.append(ids[ids != 0])
        if not again.any():
            return incidents
        name = Path(str(path)).name
        twice = aside_rows(name, rows[again], "counted_before", shown=shown)
        aside = pd.concat([incidents.set_aside, twice], ignore_index=True) if len(incidents.set_aside) else twice
        note = Note("read.counted_once", n=int(again.sum()), file=name)
        source = {**incidents.source, "used": int((~again).sum()), "set_aside": len(aside)}
        source["notes"] = [*source.get("notes", []), note]
        return Incidents(table.filter(pa.array(~again)), aside.sort_values("row", ignore_index=True), source)


def _keys(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A number for id, time, kind and place of each row; one for its id (0: none); and whether the first is telling.

    Rows of one file that are the same are numbered, so that two equal incidents stay two. Without an id, a time of a
    day or less tells an incident; a month at a snapped place does not.
    """
    frame = table.select(["occurred_from", "occurred_to", "category", "lon", "lat"]).to_pandas()
    length = frame["occurred_to"] - frame["occurred_from"]
    frame[["lon", "lat"]] = (frame[["lon", "lat"]] * 1e6).round()
    text = table["incident_id"].to_pandas().astype(object)
    named = text.notna().to_numpy()
    frame["id"] = text.where(named, "").astype(str)
    one = pd.util.hash_pandas_object(frame[["occurred_from", "lon", "lat", "id"]], index=False).to_numpy()
    other = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    key = pd.Series(np.where(named, one, other))
    turn = key.groupby(key).cumcount().to_numpy().astype(np.uint64)
    ids = np.where(named, pd.util.hash_array(frame["id"].to_numpy(object), categorize=False), np.uint64(0))
    plain = named | (length <= pd.Timedelta(days=1)).to_numpy()
    return key.to_numpy() + turn * np.uint64(0x9E3779B97F4A7C15), ids, plain
