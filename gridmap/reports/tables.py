"""Tables of a paper: each cell as it is read and as a number, each column with how it is aligned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gridmap.maps.layers import Word
from gridmap.maps.words import say
from gridmap.reports.numbers import number, shown
from gridmap.reports.run_folder import RunFolder
from gridmap.reports.words import words_in

__all__ = ["Cell", "Column", "Table", "ranked_table", "set_aside_table", "since_table", "sources_table"]

#: The order in which numbers stand in a ranked table; a page shows the first of those there are.
ORDER = (
    *("count", "count_before", "count_after", "difference", "ratio", "rate", "intensity", "stability", "q_value"),
    *("p_value", "area_km2", "cells", "z_score", "expected", "expected_even"),
)


@dataclass(frozen=True)
class Cell:
    """What is read, and the number behind it (None for text)."""

    text: str
    value: float | int | None = None


@dataclass(frozen=True)
class Column:
    """`key` names the number, `title` is read, `wide` columns hold text and may wrap."""

    key: str
    title: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Columns and rows of cells."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def head(self, rows: int, *, most_columns: int | None = None) -> "Table":
        """The first rows; of the columns no more than fit on a page."""
        keep = slice(None) if most_columns is None else slice(most_columns)
        return replace(self, columns=self.columns[keep], rows=tuple(row[keep] for row in self.rows[:rows]))


def _number(key: str, value: Any, language: str) -> Cell:
    return Cell("" if value is None else shown(key, value, language), value)


def ranked_table(layer: Mapping[str, Any], language: str) -> Table:
    """The ranked table of a layer: the page's rows and numbers."""
    w, ranked = words_in(language), layer["ranked"]
    there = {key for row in ranked for key in row["values"]}
    change = "count" not in there and "difference" in there
    keys = [k for k in ORDER if k in there] + sorted(there - set(ORDER))
    if not change:  # beside a count, its change is one number
        keys = [k for k in keys if k not in ("count_before", "count_after")] + [
            k for k in ("count_before", "count_after") if k in there
        ]
    labels = layer["tested"] and any(row.get("label") for row in ranked)
    columns = [Column("rank", w("rank")), Column("name", w("place"), wide=True)]
    columns += [Column("label", w("class"))] if labels else []
    columns += [Column(k, w(k)) for k in keys]
    rows = []
    for row in ranked:
        cells = [Cell(str(row["rank"]), row["rank"]), Cell(row["name"] or f"{w('place')} {row['rank']}")]
        cells += [Cell(_label(row.get("label"), language))] if labels else []
        rows.append(tuple(cells + [_number(k, row["values"].get(k), language) for k in keys]))
    return Table(tuple(columns), tuple(rows))


def _label(label: Any, language: str) -> str:
    return say(Word(label["w"]), language) if isinstance(label, Mapping) else str(label or "")


def since_table(changes, run: RunFolder, language: str, statuses: Sequence[str] = ()) -> Table | None:
    """What is new, gone, up or down; None where nothing was compared."""
    rows = changes.rows
    if not len(rows):
        return None
    w = words_in(language)
    order = {s: i for i, s in enumerate(("new", "up", "down", "gone", "same"))}
    names = {e["step"]: e.get("name") or "" for e in run.results}
    several = len(set(rows["step"])) > 1
    rows = rows.assign(order=rows["status"].map(order)).sort_values(["step", "order", "after"], ascending=[1, 1, 0])
    columns = [Column("name", w("place"), wide=True)]
    columns += [Column("result", w("category"), wide=True)] if several else []
    columns += [Column("status", w("status")), Column("before", w("then")), Column("after", w("now"))]
    columns += [Column("difference", w("difference")), Column("p_value", w("p_change"))]
    out = []
    for row in rows.itertuples():
        cells = [Cell(row.name or "–")] + ([Cell(names[row.step])] if several else [])
        cells += [Cell(w(f"status {row.status}"))]
        change = row.after - row.before
        numbers = {"before": row.before, "after": row.after, "difference": change, "p_value": row.p_value}
        out.append(tuple(cells + [_number(k, v, language) for k, v in numbers.items()]))
    return Table(tuple(columns), tuple(out))


def set_aside_table(run: RunFolder, language: str) -> Table | None:
    """Rows that were not used, by file and reason."""
    frame = run.table("set_aside.parquet")
    if not len(frame):
        return None
    w = words_in(language)
    titles = (Column("file", w("file"), wide=True), Column("reason", w("reason"), wide=True))
    columns = (*titles, Column("rows", w("rows")))
    rows = []
    for row in frame.itertuples():
        key = f"reason {row.reason}"
        said = w(key)
        reason = Cell(row.reason if said == key else said)
        rows.append((Cell(str(row.file)), reason, Cell(number(row.rows, 0), int(row.rows))))
    return Table(columns, tuple(rows))


def sources_table(run: RunFolder, language: str) -> Table:
    """The inputs, with their rows and the hash that names each."""
    w = words_in(language)
    inputs = pd.DataFrame(run.manifest.get("inputs") or [])
    keys = [k for k in ("rows", "used", "set_aside") if k in inputs]
    titles = {"rows": w("rows"), "used": w("used"), "set_aside": w("aside")}
    columns = [Column("file", w("file"), wide=True), *(Column(k, titles[k]) for k in keys), Column("sha256", "SHA-256")]
    rows = []
    for entry in run.manifest.get("inputs") or []:
        name = str(entry.get("path", "")).replace("\\", "/").rsplit("/", 1)[-1]
        cells = [Cell(name)] + [Cell(number(entry.get(k), 0), entry.get(k)) for k in keys]
        rows.append((*cells, Cell(str(entry.get("sha256") or "–")[:16])))
    return Table(tuple(columns), tuple(rows))
