"""What a run found, in the form that papers are made from: facts, ranked tables, small tables, shapes.

A run writes its findings into `results/`. A paper is made from that folder alone, never from the incidents, so it can
show nothing that the folder does not hold; and the folder is written through the privacy gate.

======================= ===============================================================================
`facts.json`            what may be said: facts, the ranked tables as the map shows them, how each was made
`1_getis_ord.parquet`   the cells of the first entry under `hotspots:`, with geometry and label
`…_clusters.parquet`    its clusters, where the method makes some
`zones.parquet`         outlines and names of the boundaries
`trend.parquet`         incidents by category and month (or day): `category, period, start, count`
`hours.parquet`         incidents by weekday × hour, where the hour is known: `category, weekday, hour, count`
`concentration.parquet` counts of the cells of a result, highest first: `step, rank, count`
`set_aside.parquet`     rows that were not used, by file and reason
======================= ===============================================================================
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.audiences import AUDIENCES
from gridmap.errors import InputError
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.content import class_entry, text, zone_names
from gridmap.maps.layers import Layer
from gridmap.maps.ranking import enrich, ranked
from gridmap.privacy import DEFAULT_AUDIENCE, gate, gate_text
from gridmap.reports.facts import Fact
from gridmap.reports.sentences import sentences

__all__ = ["FORMAT", "Findings", "ranked_rows"]

#: Version of what `facts.json` holds; a reader refuses a later one.
FORMAT = 1
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
    tables : dict from file name to (frame, content for the gate)
    """

    head: dict[str, Any]
    facts: list[Fact]
    results: list[dict[str, Any]]
    tables: dict[str, tuple[pd.DataFrame, str]] = field(default_factory=dict)

    def sentences(self, language: str = "en") -> list[str]:
        """The facts as sentences."""
        return sentences(self.facts, language)

    def write(self, folder: Path, *, audience: str = DEFAULT_AUDIENCE) -> list[Path]:
        """Write the folder `results/`; what the audience may not have is left out, and `facts.json` says so.

        Parameters
        ----------
        folder : Path
            Made if absent; its parent is where the run is staged.
        audience : {"internal", "meeting", "public"}

        Returns
        -------
        list of Path
        """
        folder.mkdir(parents=True, exist_ok=True)
        written, left_out = [], []
        few = AUDIENCES[audience].smallest_count  # the public is not told numbers of rows, which may be small
        facts = [told for told in self.facts if not (few and told.kind in OF_ROWS)]
        for name, (frame, content) in self.tables.items():
            try:
                if few and name == "set_aside.parquet":
                    raise InputError("Rows set aside are not told to the public.")
                frame = gate(frame, content, audience=audience, what=f"results/{name}")
            except InputError:
                left_out.append(name)
                continue
            told = _plain(frame).copy(deep=False)
            told.attrs = {}  # a frame remembers the path that it was read from, and Parquet would keep it
            told.to_parquet(folder / name)
            written.append(folder / name)
        results = [
            entry | {"layers": [layer for layer in entry["layers"] if layer["file"] not in left_out]}
            for entry in self.results
        ]
        whole = {
            "format": FORMAT,
            "audience": audience,
            "head": {k: v for k, v in self.head.items() if not (few and k in ("rows", "outside"))},
            "facts": [told.to_dict() for told in facts],
            "results": results,
            "left_out": left_out,
        }
        path = folder / "facts.json"
        said = json.dumps(_gated(whole, audience), ensure_ascii=False, indent=1, allow_nan=False)
        path.write_text(said + "\n", encoding="utf-8")
        return [*written, path]


def ranked_rows(layer: Layer, layers: Sequence[Layer], names: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of the map's table for a layer, with the cells that each is made of.

    Parameters
    ----------
    layer : Layer
    layers : list of Layer
        All that the page shows; some know more about the same cells.
    names : dict from zone_id to name

    Returns
    -------
    list of dict
        `rank, name, label, values, zones, ids` and, where known, `peak_hours, nearest`.
    """
    rows = []
    for rank, row in enumerate(enrich(ranked(layer, names), layer, list(layers)), start=1):
        entry = layer.classes[row["code"]] if row["code"] < len(layer.classes) else None
        label = text(entry.label) if entry is not None and entry.label is not None else None
        ids = [str(i) for i in layer.frame.index[row["rows"]]]
        kept = {k: row[k] for k in ("values", "zones", "peak_hours", "nearest") if k in row}
        rows.append({"rank": rank, "name": row["name"], "label": label, "ids": ids, **kept})
    return rows


def layer_entry(layer: Layer, layers: Sequence[Layer], zones: gpd.GeoDataFrame, what: str, file: str) -> dict[str, Any]:
    """How `facts.json` tells of one layer of the page."""
    return {
        "what": what,
        "file": file,
        "name": text(layer.name),
        "unit": text(layer.unit),
        "tested": "labels" in layer.facts,
        "rank_by": layer.facts.get("rank_by"),
        "classes": [class_entry(entry) for entry in layer.classes],
        "ranked": ranked_rows(layer, layers, zone_names(zones)),
    }


def result_tables(number: int, result: Any, layers: Sequence[Layer]) -> dict[str, tuple[pd.DataFrame, str]]:
    """The cells and the clusters of a result, by file name; cells with the class that the page draws them in."""
    if not isinstance(result, HotspotResult):
        return {}
    tables: dict[str, tuple[pd.DataFrame, str]] = {}
    stem = f"{number}_{result.method}"
    if len(result.cells):
        drawn = next((layer for layer in layers if len(layer.frame) == len(result.cells)), None)
        cells = result.cells if drawn is None else result.cells.assign(class_code=drawn.codes)
        tables[f"{stem}.parquet"] = (cells, "cells")
    if result.clusters is not None and len(result.clusters):
        tables[f"{stem}_clusters.parquet"] = (result.clusters, "clusters")
    return tables


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
IDENTIFIERS = ("ids", "file", "left_out", "kind", "method")


def _gated(value: Any, audience: str) -> Any:
    """Plain values for JSON, every text through the gate."""
    if isinstance(value, str):
        return gate_text(value, audience=audience)
    if isinstance(value, bool | np.bool_) or value is None:
        return None if value is None else bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if hasattr(value, "keys"):
        return {str(k): value[k] if k in IDENTIFIERS else _gated(value[k], audience) for k in list(value)}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray | pd.Index | pd.Series):
        return [_gated(v, audience) for v in value]
    return gate_text(str(value), audience=audience)
