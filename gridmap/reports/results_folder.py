"""`results/`: what a run found, in the form that papers are made from; written by the run, read back by the papers.

A paper is made from that folder alone, never from the incidents, so it can show nothing that the folder does not hold;
and the folder is written through the privacy gate. What is missing, of another version or changed since it was written
is stated in one line before any page is made.

======================= ===============================================================================
`facts.json`            what may be stated: facts, the ranked tables as the map shows them, how each was made
`1_getis_ord.parquet`   the cells of the first entry under `hotspots:`, with geometry and label
`…_clusters.parquet`    its clusters, where the method makes some
`zones.parquet`         outlines and names of the boundaries
`trend.parquet`         incidents by category and month (or day): `category, period, start, count`
`kinds.parquet`         each kind of incident, this period against earlier ones: counts, change, interval
`areas.parquet`         each district or station (the level above the zones), likewise; in all and by kind
`hours.parquet`         incidents by weekday × hour, where the hour is known: `category, weekday, hour, count`
`concentration.parquet` counts of the cells of a result, highest first: `step, rank, count`
`set_aside.parquet`     rows that were not used, by file and reason
======================= ===============================================================================
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from gridmap._audit import run_id
from gridmap._io import sha256_of
from gridmap.audiences import AUDIENCES
from gridmap.errors import GridmapError, InputError, ReadError
from gridmap.exports.formats.geoparquet import write_shapes
from gridmap.hotspots.result import HotspotResult, weight_of
from gridmap.maps.layers import Layer
from gridmap.maps.legend_classes import packed_text
from gridmap.maps.meeting_questions import answers
from gridmap.maps.ranking import Place
from gridmap.messages import Note, known, note_from
from gridmap.privacy import DEFAULT_AUDIENCE, Released, gate_text, is_released, release, value_for
from gridmap.reports.facts import Fact, sentences

__all__ = [
    "FORMAT",
    "Findings",
    "RunFolder",
    "findings_of_run",
    "layer_entry",
    "ranked_rows",
    "read_run",
    "result_tables",
    "rows_of",
    "runs_beside",
    "text_in",
    "zones_table",
]

#: Version of what `facts.json` holds; a reader refuses a later one.
FORMAT = 1
#: A table and what a row of it is; or one that has passed the gate already.
Table = Released | tuple[pd.DataFrame, str]
#: Facts that count rows of the input rather than places.
OF_ROWS = ("outside", "vague_times")
KEPT = ("zone_id", "name", "level", "parent_id", "geometry")


@dataclass(frozen=True)
class Findings:
    """Everything a paper needs of a run.

    Attributes
    ----------
    head : dict
        `title, language, period, source, classification, approval, incidents, set_aside, days`, and what was compared.
    facts : list of Fact
    results : list of dict
        One entry a result: `step, method, name, category, period, params, notes`, and its `layers` (ranked tables).
    tables : dict from file name to Released, where it is of a released result, or (frame, content for the gate)
    """

    head: dict[str, Any]
    facts: list[Fact]
    results: list[dict[str, Any]]
    tables: dict[str, Table] = field(default_factory=dict)

    def sentences(self, language: str = "en") -> list[str]:
        """The facts as sentences."""
        return sentences(self.facts, language)

    def notes(self, audience: str) -> list[Note]:
        """The facts as notes, each of whose values an audience may have: gated as values, before they are sentences."""
        return [gate_text(note, audience=audience) for one in self.facts if (note := one.note()) is not None]

    def released(self, audience: str = DEFAULT_AUDIENCE) -> "ReleasedFindings":
        """What of it an audience may have, decided once: every table and every text of `facts.json`.

        Parameters
        ----------
        audience : {"internal", "meeting", "public"}

        Returns
        -------
        ReleasedFindings
            What is refused to the audience is left out, and `facts.json` says so.
        """
        tables, left_out = {}, []
        few = AUDIENCES[audience].smallest_count  # the public gets no numbers of rows, which may be small
        facts = [stored for stored in self.facts if not (few and stored.kind in OF_ROWS)]
        for name, table in self.tables.items():
            if few and name == "set_aside.parquet":
                left_out.append(name)
                continue
            try:
                tables[name] = _released(name, table, audience)
            except InputError:
                left_out.append(name)
        results = [
            entry | {"layers": [layer for layer in entry["layers"] if layer["file"] not in left_out]}
            for entry in self.results
        ]
        whole = {
            "format": FORMAT,
            "audience": audience,
            "head": {k: v for k, v in self.head.items() if not (few and k in ("rows", "outside"))},
            "facts": [stored.to_dict() for stored in facts],
            "results": results,
            "left_out": left_out,
        }
        return ReleasedFindings(audience, self.notes(audience), _gated(whole, audience), tables)


@dataclass(frozen=True)
class ReleasedFindings:
    """What an audience may have of what a run found; whoever writes it asserts that audience and decides nothing.

    Attributes
    ----------
    audience : {"internal", "meeting", "public"}
    notes : list of Note
        The facts, as sentences for the page.
    document : dict
        What `facts.json` holds.
    tables : dict from file name to Released
    """

    audience: str
    notes: list[Note]
    document: dict[str, Any]
    tables: dict[str, Released]

    def write(self, folder: Path, *, audience: str) -> list[Path]:
        """Write the folder `results/`.

        Parameters
        ----------
        folder : Path
            Made if absent; its parent is where the run is staged.
        audience : {"internal", "meeting", "public"}
            For whom the folder is.

        Returns
        -------
        list of Path

        Raises
        ------
        AssertionError
            If it was released for another audience.
        """
        if not is_released(self, audience):
            raise AssertionError(f"released for {self.audience}, not for {audience}")
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, table in self.tables.items():
            stored = _plain(value_for(table, audience=audience)).copy(deep=False)
            stored.attrs = {}  # a frame remembers the path that it was read from, and Parquet would keep it
            if isinstance(stored, gpd.GeoDataFrame):
                write_shapes(stored, folder / name)
            else:
                stored.to_parquet(folder / name)
            written.append(folder / name)
        path = folder / "facts.json"
        text = json.dumps(self.document, ensure_ascii=False, indent=1, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
        return [*written, path]


def _released(name: str, table: Table, audience: str) -> Released:
    """A table as its audience may have it: held against the gate here, unless it was with the result it is of."""
    if isinstance(table, Released):
        value_for(table, audience=audience)
        return table
    frame, content = table
    return release(frame, content, audience=audience, what=f"results/{name}")


def ranked_rows(layer: Layer, places: Sequence[Place]) -> list[dict[str, Any]]:
    """The rows of the map's cards for a layer, with the cells that each is made of.

    Parameters
    ----------
    layer : Layer
    places : list of Place
        As they were ranked, once, when the layers were released.

    Returns
    -------
    list of dict
        `rank, name, label, values, zones, ids` and, where known, `district, peak_hours, nearest`.
    """
    rows = []
    key = None if layer.tested else layer.rank_by
    shown = [place for place in places if key is None or place.values.get(key, 1)]  # nothing happened there just now
    for rank, place in enumerate(shown, start=1):
        entry = layer.classes[place.code] if place.code < len(layer.classes) else None
        label = packed_text(entry.label) if entry is not None and entry.label is not None else None
        ids = [str(i) for i in layer.frame.index[place.rows]]
        stored = place.packed() | {"rank": rank, "name": place.name, "label": label, "ids": ids}
        rows.append({k: v for k, v in stored.items() if k != "code"})
    return rows


def layer_entry(layer: Layer, places: Sequence[Place], layers: Sequence[Layer], what: str, file: str) -> dict[str, Any]:
    """How `facts.json` tells of one layer of the page, its answers to the four questions of a meeting among it."""
    answered = answers(layer, places, layers)
    weight = weight_of(layer.params)
    return {
        "what": what,
        "file": file,
        "name": packed_text(layer.name),
        "unit": packed_text(layer.unit),
        "tested": layer.tested,
        "rank_by": layer.rank_by,
        "classes": [entry.packed() for entry in layer.classes],
        "answers": {question: [packed_text(line) for line in both] for question, both in answered.items()},
        "ranked": ranked_rows(layer, places),
        **({} if weight is None else {"weight": packed_text(weight)}),
    }


def result_tables(number: int, result: Any, layers: Sequence[Layer]) -> dict[str, Table]:
    """The cells and the clusters of a result, by file name; cells with the class that the page draws them in."""
    if not isinstance(result, HotspotResult):
        return {}
    tables: dict[str, Table] = {}
    stem = f"{number}_{result.method}"
    if len(result.cells):
        drawn = next((layer for layer in layers if len(layer.frame) == len(result.cells)), None)
        cells = result.cells if drawn is None else result.cells.assign(class_code=drawn.codes)
        tables[f"{stem}.parquet"] = _of_result(cells, "cells", result)
    if result.clusters is not None and len(result.clusters):
        tables[f"{stem}_clusters.parquet"] = _of_result(result.clusters, "clusters", result)
    return tables


def rows_of(table: Table) -> int:
    """How many rows it has."""
    return len(table.value if isinstance(table, Released) else table[0])


def _of_result(frame: pd.DataFrame, content: str, result: HotspotResult) -> Table:
    return (frame, content) if result.audience is None else Released(frame, content, result.audience)


def zones_table(boundaries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Outlines and names, without the numbers that came with the boundaries."""
    texts = [c for c in boundaries.columns if str(c).endswith("_name") and c not in KEPT]
    return gpd.GeoDataFrame(boundaries[[c for c in boundaries.columns if c in KEPT or c in texts]])


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Lists, tuples and periods as text, which every reader of Parquet takes."""
    odd = [c for c in frame.columns if isinstance(frame[c].dtype, pd.PeriodDtype | pd.IntervalDtype)]
    text = [c for c in frame.columns if frame[c].dtype == object and c != "geometry"]
    odd += [c for c in text if frame[c].map(lambda v: isinstance(v, list | tuple)).any()]
    return frame.astype(dict.fromkeys(odd, str)) if odd else frame


#: Keys whose texts are keys themselves: never words about anybody, and starred they would lead nowhere.
IDENTIFIERS = ("ids", "file", "left_out", "kind", "method", "code", "w")


def _gated(value: Any, audience: str) -> Any:
    """Plain values for JSON, every text through the gate."""
    if isinstance(value, str) and not isinstance(value, Note):
        return gate_text(value, audience=audience)
    if isinstance(value, bool | np.bool_) or value is None:
        return None if value is None else bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, Note):
        return _gated(value.to_dict(), audience)
    if hasattr(value, "keys"):
        return {str(k): value[k] if k in IDENTIFIERS else _gated(value[k], audience) for k in list(value)}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray | pd.Index | pd.Series):
        return [_gated(v, audience) for v in value]
    return gate_text(str(value), audience=audience)


#: A larger facts.json is not gridmap's.
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
        Of `results/facts.json`, as `gridmap.reports.results_folder` describes it.
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
    _tables: dict[tuple[str, int], pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def run_id(self) -> str:
        """A short name of the run: of its inputs, its settings and its versions, not of the day it was made."""
        own = self.manifest.get("run_id")
        made_by = str(self.manifest.get("versions", {}).get("gridmap", ""))
        return str(own or run_id(self.manifest.get("settings"), self.manifest.get("inputs", []), version=made_by))

    @property
    def written(self) -> str:
        """When the run was made, in UTC, as in 2026-11-22T06:30:00+00:00; empty where it is unknown."""
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
            raise ReadError(Note("reports.run.missing", path=str(path)))
        if listed and listed[place].get("sha256") not in (None, sha256_of(path)):
            raise ReadError(Note("reports.run.changed", path=str(path)))
        try:
            key = (name, path.stat().st_mtime_ns)
            if key not in self._tables:  # the CRS of a GeoParquet file takes longer than its rows
                shaped = "geometry" in pq.read_schema(path).names
                self._tables[key] = gpd.read_parquet(path) if shaped else pd.read_parquet(path)
            return self._tables[key].copy()
        except (OSError, ValueError) as error:
            raise ReadError(Note("reports.run.unreadable_table", path=str(path), why=str(error))) from None


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
        raise ReadError(Note("reports.run.no_folder", folder=str(folder)))
    if not (folder / "run.json").is_file():
        raise ReadError(Note("reports.run.no_record", folder=str(folder)))
    manifest = _json(folder / "run.json")
    facts = folder / "results" / "facts.json"
    if not facts.is_file():
        raise ReadError(Note("reports.run.no_facts", folder=str(folder)))
    listed = {entry.get("path"): entry.get("sha256") for entry in manifest.get("outputs") or []}
    if listed.get("results/facts.json") not in (None, sha256_of(facts)):
        raise ReadError(Note("reports.run.changed", path=str(facts)))
    return findings_of_run(folder, manifest, _json(facts))


def runs_beside(folder: Path, pipeline: str, *, before: str = "") -> Iterator[RunFolder]:
    """The runs of a pipeline in a folder and beside it, the newest first; what cannot be read is passed over.

    Parameters
    ----------
    folder : Path
        Of a run, written or to be written.
    pipeline : str
        The name of its pipeline file, as `run.json` has it.
    before : str
        Only runs written before this time (as `RunFolder.written`); all when empty.
    """
    near = folder.resolve().parent
    found = []
    for path in sorted([*near.glob("*/run.json"), *near.glob("*/*/run.json")]):
        if any(part.startswith(".") for part in path.relative_to(near).parts):
            continue
        try:
            manifest = _json(path)
        except ReadError:
            continue
        written = str(manifest.get("written", ""))
        if manifest.get("pipeline") == pipeline and (not before or written < before):
            found.append((written, path.parent))
    for _, path in sorted(found, reverse=True):
        try:
            yield read_run(path)
        except GridmapError:  # of an earlier version, or half removed: the one before it may do
            continue


def findings_of_run(folder: Path, manifest: dict, stored: dict, *, place: Path | None = None) -> RunFolder:
    """A RunFolder of a manifest and of what `facts.json` tells.

    Raises
    ------
    ReadError
        If it is of a later version, or of another shape.
    """
    if not isinstance(stored.get("format"), int) or stored["format"] > FORMAT:
        facts = {"path": f"{folder}/results/facts.json", "found": stored.get("format")}
        raise ReadError(Note("reports.run.format", **facts, most=FORMAT))
    try:
        return RunFolder(
            folder,
            manifest,
            dict(stored["head"]),
            [Fact.from_dict(entry) for entry in stored["facts"]],
            [dict(entry) for entry in stored["results"]],
            str(stored.get("audience", "meeting")),
            [str(name) for name in stored.get("left_out", [])],
            place,
        )
    except (KeyError, TypeError, ValueError) as error:
        facts = {"path": f"{folder}/results/facts.json", "why": str(error)}
        raise ReadError(Note("reports.run.facts_shape", **facts)) from None


def note_of(value: Any) -> Any:
    """A text of `facts.json`: a Note where it was one, also as earlier versions wrote it; else as it is.

    Examples
    --------
    >>> note_of({"w": "label hot 99"}).code, note_of("Theft")
    ('label.hot_99', 'Theft')
    """
    if not (isinstance(value, Mapping) and "w" in value):
        return note_from(value)
    key = str(value["w"])
    kind, _, rest = key.partition(" ")
    codes = {"label": f"label.{rest.replace(' ', '_').replace('-', '_')}", "layer": f"method.{rest}.name"}
    code = next((c for c in (key, codes.get(kind), f"page.{key}") if c and known(c)), None)
    return rest.replace("_", " ") or key if code is None else Note(code)


def text_in(value: Any, language: str) -> str:
    """A text of `facts.json` in a language.

    Examples
    --------
    >>> text_in({"w": "label hot 99"}, "zh"), text_in({"w": "layer getis_ord"}, "en"), text_in("Theft", "zh")
    ('热点 99%', 'Hotspots (Gi*)', 'Theft')
    """
    note = note_of(value)
    return note.say(language) if isinstance(note, Note) else str(note or "")


def _json(path: Path) -> dict:
    try:
        if path.stat().st_size > LARGEST_JSON:
            raise ReadError(Note("reports.run.too_large", path=str(path), most=LARGEST_JSON))
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(Note("reports.run.unreadable", path=str(path), why=error.strerror or str(error))) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ReadError(Note("reports.run.not_json", path=str(path))) from None
    if not isinstance(found, dict):
        raise ReadError(Note("reports.run.not_ours", path=str(path)))
    return found
