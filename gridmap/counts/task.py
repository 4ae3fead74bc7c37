"""The counting task, whichever engine carries it out: what is wanted, how a batch is counted, what comes back.

Only counting must travel: a cluster counts, one machine tests. So the task is three functions that any engine can run
which hands out Arrow batches:

::

    task = prepare(grid, query)                       # bytes, sent once to every worker
    sums = [count_batch(task, batch) for batch in …]  # on the workers, in any order
    counts = finish(grid, query, combine(sums))       # where the answer is wanted

`count_batch` filters, finds periods, finds cells and adds up, with DuckDB's SQL and the grid's own `locate`; what it
gives back is a small Arrow table, no longer than cells × periods × kinds. All sums are of whole numbers (a weight is
its whole part and millionths), so they are equal to the last digit in whatever order they are added. `duckdb.py` and
`spark.py` are two such engines; `docs/scale.md` shows a third in ten lines.

>>> import geopandas as gpd, shapely
>>> from gridmap.grids.systems import make_grid
>>> zones = gpd.GeoDataFrame({"zone_id": ["a", "b"]}, crs=4326,
...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
>>> grid, query = make_grid(zones, system="zones"), CountQuery(by="category")
>>> task = prepare(grid, query)
>>> batches = [pa.table({"lon": [0.5, 1.5], "lat": [0.5, 0.5], "category": ["theft", "fraud"]}),
...     pa.table({"lon": [0.6, 9.0], "lat": [0.5, 0.5], "category": ["theft", "theft"]})]
>>> finish(grid, query, combine(count_batch(task, batch) for batch in batches))["count"].to_dict()
{('a', 'fraud'): 0, ('a', 'theft'): 2, ('b', 'fraud'): 1, ('b', 'theft'): 0}
"""

import atexit
import copy
import pickle
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from gridmap._notebook_line import ShortForm
from gridmap._periods import FREQUENCIES
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts, CountsAbout, CountsKind
from gridmap.grids.h3 import NOT_A_CELL, HexGrid
from gridmap.grids.index.raster_lookup import tally, tally_sums
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note, did_you_mean
from gridmap.read.h3_places import cell_number

__all__ = [
    "EVERY",
    "MISSING",
    "SUMS",
    "CountQuery",
    "CountResult",
    "Place",
    "Progress",
    "clock_of",
    "combine",
    "count_batch",
    "create_incidents_view",
    "finish",
    "keyed_points",
    "points_query",
    "prepare",
    "quoted",
    "sql",
]

#: Lengths of a period, and pandas' name for each.
EVERY: dict[str, str | None] = {**FREQUENCIES, "hour_of_week": None}
#: The kind of an incident whose `by` column is empty.
MISSING = "(missing)"
MOST_COUNTS = 100_000_000
NUMBERS = {
    "DOUBLE",
    "FLOAT",
    "REAL",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
}
PERIOD = "period_of(occurred_from, occurred_to, $every)"
#: Keyed points: row of the cell, period, kind, how many; where weighted also the weight, in whole units and millionths.
KEYED = pa.schema([("row", pa.int32()), ("period", pa.int64()), ("kind", pa.string()), ("n", pa.int64())])
WEIGHTS = pa.schema([("whole", pa.int64()), ("millionths", pa.int64())])
#: What `count_batch` gives back: the same added up, and how many counts overlapping zones have added.
SUMS = pa.schema([*KEYED, *WEIGHTS, ("repeated", pa.int64())])
#: DuckDB's types that may hold an H3 cell: its number, or that in hexadecimal; and whole numbers of warehouses, which
#: have no 64 bits without a sign, and are read by their digits.
H3_KINDS = ("VARCHAR", "BIGINT", "UBIGINT")
H3_DIGITS = re.compile(r"HUGEINT|UHUGEINT|DECIMAL\((1[6-9]|[23]\d),0\)")
#: Names that a column of WKB is known by, where there is neither `lon` nor `lat`.
GEOMETRY_NAMES = ("geometry", "geom")
OUTSIDE = -1
#: Rows of `SUMS` that count nothing, but tell what there is: periods, kinds and categories of all incidents, how many
#: incidents there are, how many had no usable weight, and no usable place (and one such value).
SEEN_PERIOD, SEEN_KIND, SEEN_TYPE, SEEN_CATEGORY, SEEN_ROWS, NO_WEIGHT, NO_PLACE = -2, -3, -4, -5, -6, -7, -8

#: The periods of a count: of the calendar, hours of the week, or none at all.
Periods = pd.PeriodIndex | pd.RangeIndex | list[None]
#: Called with rows done, rows in all (None where unknown) and seconds gone.
Progress = Callable[[int, int | None, float], None]


@dataclass(frozen=True)
class CountQuery:
    """Which incidents are counted, and by what besides the cell.

    Attributes
    ----------
    categories : tuple of str, optional
        Only these categories.
    by : str, optional
        A column, each value of which is counted by itself.
    every : str, optional
        One of `EVERY`.
    officer_initiated : bool, optional
        Leave out (False) what a patrol came upon, or count only that (True).
    weight : str, optional
        A column of numbers that are summed beside the number of incidents.
    flag : str
        The name that the setting `officer_initiated` was given under, for messages.
    h3_column : str, optional
        A column of H3 cells that incidents are counted by instead of their coordinates.
    timezone : str, optional
        Whose clock periods go by, where times are moments (with a time zone); the zone of the column where not given.
    """

    categories: tuple[str, ...] | None = None
    by: str | None = None
    every: str | None = None
    officer_initiated: bool | None = None
    weight: str | None = None
    flag: str = "officer_initiated"
    h3_column: str | None = None
    timezone: str | None = None

    @property
    def by_cell_alone(self) -> bool:
        """Whether nothing but the cell is counted by."""
        return self.by is None and self.every is None

    @property
    def keyed(self) -> pa.Schema:
        """Columns of keyed points."""
        return pa.schema([*KEYED, *WEIGHTS]) if self.weight is not None else KEYED

    @property
    def kinds_are_given(self) -> bool:
        """Whether the kinds are known before anything is read."""
        return self.by is None or (self.by == "category" and self.categories is not None)

    def needed(self) -> dict[str, str]:
        """Columns that the source must have, and the setting that needs each."""
        needed = {}
        if self.every is not None:
            needed["occurred_from"] = f"every={self.every!r}"
        if self.officer_initiated is not None:
            needed[self.flag] = f"{self.flag}={self.officer_initiated}"
        if self.by is not None:
            needed[self.by] = f"by={self.by!r}"
        if self.categories is not None:
            needed["category"] = "category="
        if self.weight is not None:
            needed[self.weight] = f"weight={self.weight!r}"
        if self.h3_column is not None:
            needed[self.h3_column] = f"h3_column={self.h3_column!r}"
        return needed

    def place(self, name: str, columns: Mapping[str, str]) -> "Place":
        """Which columns of the source `name` say where incidents lie.

        Parameters
        ----------
        name : str
        columns : mapping of str to str
            Its columns with DuckDB's types.

        Raises
        ------
        InputError
            Where there is no such column, or one of the wrong kind.
        """
        if self.h3_column is not None:
            if self.h3_column not in columns:
                meant = did_you_mean(self.h3_column, columns)
                setting = self.needed()[self.h3_column]
                raise InputError(
                    Note("counts.no_column", setting=setting, column=self.h3_column, name=name, meant=meant)
                )
            kind = columns[self.h3_column]
            if kind in H3_KINDS:
                return Place("h3", (self.h3_column,))
            if not H3_DIGITS.fullmatch(kind):
                raise InputError(Note("counts.h3_kind", column=self.h3_column, name=name, found=kind))
            return Place("h3_digits", (self.h3_column,))
        shape = next((c for c in GEOMETRY_NAMES if columns.get(c, "").startswith(("BLOB", "GEOMETRY"))), None)
        if shape is None:
            shape = next((c for c, kind in columns.items() if kind.startswith("GEOMETRY")), None)
        if shape is not None and not {"lon", "lat"} & set(columns):
            return Place("geometry", (shape,))
        for degree in ("lon", "lat"):
            if degree not in columns:
                raise InputError(Note("counts.no_place", name=name, column=degree, there=", ".join(columns)))
            if not _is_number(columns[degree]):
                raise InputError(Note("counts.degrees", column=degree, name=name, found=columns[degree]))
        return Place("degrees", ("lon", "lat"))

    def read_columns(self, name: str, columns: Mapping[str, str]) -> list[str]:
        """The columns of a source that a count reads, once they are checked: the place, then the others; as `place`."""
        place = self.place(name, columns)
        self.check_columns(name, columns)
        names = [*place.columns, *self.needed()]
        if self.every and TIMES[1] in columns:
            names.append(TIMES[1])
        names = [next((f for f in FLAGS if f in columns), n) if n in FLAGS else n for n in names]
        return list(dict.fromkeys(names))

    def check_grid(self, grid: Grid) -> None:
        """A SettingError where incidents are counted by H3 cells on a grid of another kind."""
        if self.h3_column is not None and not isinstance(grid, HexGrid):
            raise SettingError(Note("counts.h3_needs_hexagons", system=grid.system))

    def check_columns(self, name: str, columns: Mapping[str, str]) -> None:
        """An InputError for a column that a setting needs and the source `name` does not have."""
        for column, setting in self.needed().items():
            if column not in columns and not (column in FLAGS and any(flag in columns for flag in FLAGS)):
                apart = [c for c in columns if c not in ONE_BY_ONE] if column == self.by else list(columns)
                meant = did_you_mean(column, apart)
                raise InputError(Note("counts.no_column", setting=setting, column=column, name=name, meant=meant))
        for column in TIMES if self.every else ():
            if column in columns and not columns[column].startswith(("TIMESTAMP", "DATE", '"NULL"')):
                raise InputError(Note("counts.times", name=name, column=column, found=columns[column]))
        if self.weight is not None and not (_is_number(kind := columns[self.weight]) or kind == "VARCHAR"):
            raise InputError(Note("counts.weight_numbers", column=self.weight, name=name, found=kind))

    def check_categories(self, there: Sequence[str]) -> None:
        """An InputError for a category that no incident has."""
        for name in self.categories or ():
            if name not in there:
                raise InputError(Note("counts.no_category", name=name, meant=did_you_mean(name, there)))

    def periods(self, first: int | None, last: int | None, rows: int) -> Periods:
        """All periods from the first to the last that occur, given as microseconds since 1970."""
        if self.every is None:
            return [None]
        if first is None or last is None:
            if not rows:
                raise InputError(Note("counts.no_incidents_by", every=self.every))
            raise InputError(Note("counts.no_times_by", every=self.every, rows=rows))
        if self.every == "hour_of_week":
            return pd.RangeIndex(168)
        freq = EVERY[self.every]
        at = pd.DatetimeIndex(np.array([first, last], "datetime64[us]")).to_period(freq)
        return pd.period_range(at[0], at[1], freq=freq)

    def period_keys(self, periods: Periods) -> list:
        """Periods as the engines know them: microseconds, or the hour of the week."""
        if not isinstance(periods, pd.PeriodIndex):
            return list(periods)
        return periods.to_timestamp(how="start").as_unit("us").asi8.tolist()

    def kinds(self, found: Sequence[tuple]) -> tuple[list, list[str | None]]:
        """The values of `by` in their order, the missing last; as they are, and as the engines know them (text).

        Parameters
        ----------
        found : sequence of (value, text)
            What occurs, None for the missing.
        """
        if self.by is None:
            return [None], [None]
        if self.kinds_are_given:
            names = sorted(set(self.categories or ()))
            return names, list(names)
        there = sorted((pair for pair in found if pair[0] is not None), key=lambda pair: pair[0])
        values, keys = [value for value, _ in there], [key for _, key in there]
        return ([*map(str, values), MISSING], [*keys, None]) if len(there) < len(found) else (values, keys)

    def check_size(self, grid: Grid, periods: Periods, kinds: Sequence) -> None:
        """A SettingError for more counts than can be held."""
        size = len(grid) * len(periods) * len(kinds)
        if size > MOST_COUNTS:
            sizes = {
                "cells": len(grid),
                "periods": len(periods),
                "kinds": len(kinds),
                "size": size,
                "most": MOST_COUNTS,
            }
            if self.every:
                span = {"first": str(periods[0]), "last": str(periods[-1])}
                raise SettingError(Note("counts.too_many_periods", **sizes, **span))
            raise SettingError(Note("counts.too_many", **sizes))


@dataclass(frozen=True)
class Place:
    """Which columns say where incidents lie: `lon` and `lat`, a geometry of points (WKB), or an H3 cell."""

    kind: str
    columns: tuple[str, ...]

    @property
    def selected(self) -> str:
        """These columns in SQL, under the names that `keyed_points` reads."""
        if self.kind == "degrees":
            return "lon, lat"
        column = quoted(self.columns[0])
        return {"h3": f"{column} AS h3", "h3_digits": f"{column}::VARCHAR AS h3"}.get(self.kind, f"{column} AS shape")


@dataclass(frozen=True, repr=False)
class CountResult(ShortForm):
    """Counts of every cell × period × kind, in that order, and what was not counted.

    Attributes
    ----------
    periods, kinds : sequence
    incidents : int64 array (cells × periods × kinds,)
    weights : float array of the same length, optional
        Sums of the weight.
    rows, outside, untimed, repeated : int
        As in `CountsAbout`.
    outside_weight, untimed_weight : float, optional
    how_often : tuple of (float, int), optional
        As `weights` in `CountsAbout`.
    """

    periods: Periods
    kinds: Sequence
    incidents: np.ndarray
    weights: np.ndarray | None
    rows: int
    outside: int
    untimed: int
    repeated: int
    outside_weight: float | None = None
    untimed_weight: float | None = None
    how_often: tuple[tuple[float, int], ...] | None = None

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"CountResult: {int(self.incidents.sum()):,} incidents in {self.incidents.shape[0]:,} cells, "
            f"{self.outside:,} outside, {self.untimed:,} without a time"
        )

    @classmethod
    def of(
        cls, grid: Grid, query: CountQuery, sums: pa.Table, periods: Periods, kinds: Sequence, kind_keys: Sequence
    ) -> "CountResult":
        """The full table from sums (`row, period, kind, n`, with `whole, millionths` where weighted), zeros put in."""
        row = sums["row"].to_numpy()
        period = _position(sums["period"], query.period_keys(periods), pa.int64())
        kind = _position(sums["kind"], kind_keys, pa.string())
        n = sums["n"].to_numpy()
        there = (row >= 0) & (period >= 0) & (kind >= 0)
        at = ((row * len(periods) + period) * len(kinds) + kind)[there]
        size = len(grid) * len(periods) * len(kinds)
        incidents = _added(at, n[there], size)
        outside = row == OUTSIDE
        untimed = (row >= 0) & ~sums["period"].is_valid().to_numpy() if query.every else np.zeros(len(row), bool)
        weight = None
        if query.weight is not None:
            whole, millionths = sums["whole"].to_numpy(), sums["millionths"].to_numpy()

            def total(which: np.ndarray) -> float:
                return float(int(whole[which].sum()) + int(millionths[which].sum()) / 1e6)

            weight = _added(at, whole[there], size) + _added(at, millionths[there], size) / 1e6
        return cls(
            periods=periods,
            kinds=kinds,
            incidents=incidents,
            weights=weight,
            rows=int(n.sum()),
            outside=int(n[outside].sum()),
            untimed=int(n[untimed].sum()),
            repeated=0,
            outside_weight=None if weight is None else total(outside),
            untimed_weight=None if weight is None else total(untimed),
        )

    def frame(self, grid: Grid, query: CountQuery) -> Counts:
        """The counts as `count_by_cell` gives them."""
        levels: dict[str, Any] = {"cell_id": grid.cells.index}
        if query.every:
            levels["period"] = self.periods
        if query.by:
            levels[query.by] = self.kinds
        index = (
            pd.MultiIndex.from_product(list(levels.values()), names=list(levels))
            if len(levels) > 1
            else grid.cells.index
        )
        categories = None if query.categories is None else list(query.categories)
        kind: CountsKind = "weighted" if self.weights is not None else "counts"
        if kind == "counts" and "merged_from" in grid.params:  # the public's areas, each of k incidents or more
            kind = "merged areas"
        about = CountsAbout(
            kind=kind,
            rows=self.rows,
            outside=self.outside,
            untimed=self.untimed,
            repeated=self.repeated,
            category=categories[0] if categories and len(categories) == 1 else categories,
            by=query.by,
            every=query.every,
            officer_initiated=query.officer_initiated,
            weight=query.weight,
            outside_weight=self.outside_weight,
            untimed_weight=self.untimed_weight,
            weights=self.how_often,
        )
        columns = {"count": self.incidents}
        if self.weights is not None:
            columns = {"count": self.weights, "incidents": self.incidents}
        return Counts(columns, index=index, about=about)


def _position(column: pa.ChunkedArray, keys: Sequence, kind: pa.DataType) -> np.ndarray:
    """Where each value stands among `keys`, −1 for one that does not; null is a value like any other."""
    return pc.fill_null(pc.index_in(column, value_set=pa.array(keys, kind)), -1).to_numpy().astype(np.int64)


def _added(at: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    total = np.zeros(size, np.int64)
    np.add.at(total, at, values)
    return total


# The SQL


def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("gridmap.counts").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def quoted(identifier: str) -> str:
    """An identifier that comes from outside, safe to stand in SQL.

    Examples
    --------
    >>> quoted('say "hi"; drop table x')
    '"say ""hi""; drop table x"'
    """
    return '"' + str(identifier).replace('"', '""') + '"'


def prepare_connection(con: duckdb.DuckDBPyConnection, query: CountQuery) -> None:
    """Make the macros that `points_query` uses."""
    if query.every is not None:
        con.execute(sql("period_of"))
    if query.weight is not None:
        con.execute(sql("weights"))


#: Since when and until when an incident may have occurred.
TIMES = ("occurred_from", "occurred_to")
#: A time zone that is only a difference to UTC, as Arrow has them.
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)?")
#: Columns whose values tell one incident from another: nobody counts by them.
ONE_BY_ONE = ("incident_id", "lon", "lat", *TIMES)
#: The column that says whether a patrol came upon an incident: its name, and the earlier one.
FLAGS = ("officer_initiated", "patrol_found")


def create_incidents_view(
    con: duckdb.DuckDBPyConnection, name: str, query: CountQuery, schema: pa.Schema | None = None
) -> tuple[Place, dict[str, str]]:
    """Make the view `incidents` over what is registered as `source`, whose columns are checked.

    Whatever the source, SQL sees `lon` and `lat` (where incidents are placed by them) as numbers and whatever other
    columns there are; where periods are counted, `occurred_from` and `occurred_to` as the clock shows them (see
    `clock_of`), and `officer_initiated` under that name.

    Parameters
    ----------
    con : DuckDB connection
    name : str
        The source's name, for messages.
    query : CountQuery
    schema : pyarrow.Schema, optional
        Arrow's of the source, which knows the time zones of its columns.

    Returns
    -------
    place : Place
        Which columns say where incidents lie.
    columns : dict of str to str
        The source's columns with DuckDB's types.
    """
    columns = {row[0]: row[1] for row in con.execute("DESCRIBE source").fetchall()}
    place = query.place(name, columns)
    replaced: list[str] = []
    added: list[str] = []
    if place.kind == "degrees":
        replaced += ["lon::DOUBLE AS lon", "lat::DOUBLE AS lat"]
    query.check_columns(name, columns)
    if query.every:
        clocks = [_by_the_clock(column, columns[column], query, schema) for column in TIMES if column in columns]
        replaced += clocks
        if TIMES[1] not in columns:
            added.append(clocks[0].replace(f" AS {TIMES[0]}", f" AS {TIMES[1]}"))
    if FLAGS[1] in columns and FLAGS[0] not in columns:
        added.append(f"{FLAGS[1]} AS {FLAGS[0]}")
    elif FLAGS[0] in columns and FLAGS[1] not in columns:
        added.append(f"{FLAGS[0]} AS {FLAGS[1]}")
    made = ", ".join([f"* REPLACE ({', '.join(replaced)})" if replaced else "*", *added])
    con.execute(f"CREATE OR REPLACE TEMP VIEW incidents AS SELECT {made} FROM source")
    return place, columns


def _by_the_clock(column: str, kind: str, query: CountQuery, schema: pa.Schema | None) -> str:
    """A column of times as SQL, a moment as the clock shows it there: whatever the zone of this machine is."""
    if "WITH TIME ZONE" not in kind:
        return f"{column}::TIMESTAMP AS {column}"
    zone = query.timezone or clock_of(schema, column)
    if (offset := OFFSET.fullmatch(zone)) is not None:
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        shifted = f"{offset[1]} to_minutes({minutes})"
        return f"({column} AT TIME ZONE 'UTC' {shifted}) AS {column}"
    return f"({column} AT TIME ZONE '{zone.replace(chr(39), chr(39) * 2)}') AS {column}"


def clock_of(schema: pa.Schema | None, column: str = "occurred_from") -> str:
    """The time zone that a column of moments names; UTC where it names none.

    Examples
    --------
    >>> clock_of(pa.schema([("occurred_from", pa.timestamp("us", tz="Asia/Shanghai"))]))
    'Asia/Shanghai'
    """
    kind = schema.field(column).type if schema is not None and column in schema.names else None
    return kind.tz if kind is not None and pa.types.is_timestamp(kind) and kind.tz else "UTC"


def _is_number(kind: str) -> bool:
    return kind in NUMBERS or kind.startswith("DECIMAL")


def points_query(query: CountQuery, place: Place) -> tuple[str, dict]:
    """The SQL that reads the points to be counted from the view `incidents`, and its parameters."""
    which, values = _filter(query)
    values |= {"every": query.every} if query.every else {}
    besides = []
    if not query.by_cell_alone:
        besides.append(f"{PERIOD if query.every else 'NULL::BIGINT'} AS period")
        besides.append(f"{quoted(query.by)}::VARCHAR AS kind" if query.by else "NULL::VARCHAR AS kind")
    if query.weight is not None:
        weight = quoted(query.weight)
        besides += [f"whole_of({weight}) AS whole", f"millionths_of({weight}) AS millionths"]
    text = "".join(f", {column}" for column in besides)
    return sql("points").format(place=place.selected, besides=text, filter=which), values


def _filter(query: CountQuery) -> tuple[str, dict[str, Any]]:
    """Which incidents are counted, as SQL and its parameters."""
    filters: list[str] = ["true"]
    values: dict[str, Any] = {}
    if query.categories is not None:
        filters.append("list_contains($categories::VARCHAR[], category::VARCHAR)")
        values["categories"] = list(query.categories)
    if query.officer_initiated is not None:
        filters.append("coalesce(officer_initiated, false) = $officer_initiated")
        values["officer_initiated"] = query.officer_initiated
    return " AND ".join(filters), values


#: Different weights that are remembered one by one; more are put into so many classes.
WEIGHT_CLASSES = 4096


def how_often_query(query: CountQuery) -> tuple[str, dict[str, Any]]:
    """The SQL for each weight and how many of the incidents to be counted have it, and its parameters."""
    which, values = _filter(query)
    weight = f"usable({quoted(query.weight or '')})"
    return sql("how_often").format(weight=weight, filter=which, classes=WEIGHT_CLASSES), values


def sums_query(query: CountQuery) -> str:
    """The SQL that adds up `keyed` into the table `counted`."""
    names = [name for name in query.keyed.names if name not in ("row", "period", "kind")]
    return sql("counted").format(sums=", ".join(f"sum({name})::BIGINT AS {name}" for name in names))


@dataclass(frozen=True)
class Keyed:
    """Points of a batch with their cells, and what was noticed on the way."""

    points: pa.RecordBatch
    repeated: int
    no_weight: int
    no_place: tuple[int, str | None] = (0, None)


def keyed_points(batch: pa.RecordBatch, grid: Grid, query: CountQuery) -> Keyed:
    """A batch of `points_query` with the rows of its points in the grid; added up where the cell alone counts."""
    repeated = 0
    no_place: tuple[int, str | None]
    if "h3" in batch.schema.names and isinstance(grid, HexGrid):
        row, no_place = _rows_of_keys(batch["h3"], grid)
    else:
        lon, lat, no_place = _degrees_of(batch)
        row = grid.locate(lon, lat)
    no_weight = batch["whole"].null_count if query.weight is not None else 0
    if isinstance(grid, ZoneGrid) and grid.overlaps == "all":
        point, zone = grid.locate_all(lon, lat)
        outside = np.flatnonzero(row < 0)
        point, row = np.r_[point, outside], np.r_[zone, row[outside]].astype(np.int32)
        repeated = len(row) - batch.num_rows
        batch = batch.take(pa.array(point))
    weights = []
    if query.weight is not None:
        weights = [batch[name].fill_null(0).to_numpy(zero_copy_only=False) for name in WEIGHTS.names]
    if query.by_cell_alone:
        n = tally(row, len(grid))
        hit = np.flatnonzero(n)
        empty = pa.nulls(len(hit))
        columns = [(hit - 1).astype(np.int32), empty.cast(pa.int64()), empty.cast(pa.string()), n[hit]]
        columns += [tally_sums(row, values, len(grid))[hit] for values in weights]
    else:
        columns = [row, batch["period"], batch["kind"], np.ones(len(row), np.int64), *weights]
    return Keyed(pa.record_batch(columns, schema=query.keyed), repeated, no_weight, no_place)


def _degrees_of(batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, tuple[int, str | None]]:
    """Where the points of a batch lie, and how many of its shapes are not points in degrees; a null becomes NaN."""
    if "shape" not in batch.schema.names:
        lon, lat = (batch[name].to_numpy(zero_copy_only=False) for name in ("lon", "lat"))
        return lon, lat, (0, None)
    column = batch["shape"]
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    if (plain := _plain_points(column)) is not None:
        return *plain, _no_degrees(*plain)
    shapes = shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
    given = column.is_valid().to_numpy(zero_copy_only=False)
    odd = given & ((shapely.get_type_id(shapes) != shapely.GeometryType.POINT) | (shapely.get_srid(shapes) % 4326 != 0))
    refused: tuple[int, str | None] = (0, None)
    if odd.any():
        first = shapes[np.flatnonzero(odd)[0]]
        refused = int(odd.sum()), "?" if first is None else f"{first.geom_type}, SRID {shapely.get_srid(first)}"
    shapes[odd | shapely.is_empty(shapes)] = None  # GEOS knows no coordinate of POINT EMPTY
    lon, lat = shapely.get_x(shapes), shapely.get_y(shapes)
    far, example = _no_degrees(lon, lat)
    return lon, lat, (refused[0] + far, refused[1] or example)


def _no_degrees(x: np.ndarray, y: np.ndarray) -> tuple[int, str | None]:
    """How many points cannot lie on the Earth in degrees, as those of a projected CRS; and where the first one is."""
    if not len(x) or (np.nanmax(np.abs(y), initial=0) <= 90 and np.nanmax(np.abs(x), initial=0) <= 360):
        return 0, None
    far = (np.abs(y) > 90) | (np.abs(x) > 360)
    at = np.flatnonzero(far)[0]
    return int(far.sum()), f"POINT ({x[at]:.4g} {y[at]:.4g})"


def _plain_points(column: pa.Array) -> tuple[np.ndarray, np.ndarray] | None:
    """The coordinates in a column of WKB where each value is a plain point as nearly all writers put it: little-endian,
    two coordinates, no SRID. None where one is something else, or missing."""
    if not pa.types.is_binary(column.type) or column.null_count or not len(column):
        return None
    _, offsets, data = column.buffers()
    at = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
    if (np.diff(at) != 21).any():
        return None
    raw = np.frombuffer(data, np.uint8, 21 * len(column), at[0]).reshape(-1, 21)
    if (raw[:, :5] != (1, 1, 0, 0, 0)).any():
        return None
    xy = np.ascontiguousarray(raw[:, 5:]).view("<f8")
    return np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])


def _rows_of_keys(column: pa.Array, grid: HexGrid) -> tuple[np.ndarray, tuple[int, str | None]]:
    """The row of each H3 cell's parent in the grid (−1 outside, and for none), and how many were no cells to count."""
    coded = column.dictionary_encode()
    words = coded.dictionary.to_pylist()
    keys = np.array([cell_number(word) for word in words] or [0], np.uint64)
    row = grid.rows_of_keys(keys)
    codes = coded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    given = column.is_valid().to_numpy(zero_copy_only=False)
    odd = given & (row[codes] == NOT_A_CELL)
    rows = np.where(given, np.maximum(row[codes], OUTSIDE), OUTSIDE).astype(np.int32)
    return rows, ((int(odd.sum()), str(words[codes[np.flatnonzero(odd)[0]]])) if odd.any() else (0, None))


def refuse_missing_weights(query: CountQuery, n: int) -> None:
    """An InputError where incidents have no weight that can be summed."""
    if n:
        raise InputError(Note("counts.no_weight", n=n, column=query.weight))


def refuse_missing_places(grid: Grid, query: CountQuery, n: int, found: str | None) -> None:
    """An InputError where incidents have something else than a point, or an H3 cell of the grid's size or finer."""
    if n and query.h3_column is not None:
        resolution = grid.params["resolution"]
        raise InputError(Note("counts.not_h3", n=n, column=query.h3_column, found=found, resolution=resolution))
    if n:
        raise InputError(Note("counts.not_points", n=n, found=found))


# The task that travels


def prepare(grid: Grid, query: CountQuery) -> bytes:
    """The task as bytes, to be sent to every worker.

    Parameters
    ----------
    grid : Grid
    query : CountQuery

    Returns
    -------
    bytes
        For `count_batch`. They are a pickle: only take them from your own `prepare`.

    Raises
    ------
    SettingError
        For a query that this grid cannot answer.
    """
    query.check_grid(grid)
    return pickle.dumps((_light(grid), query), protocol=pickle.HIGHEST_PROTOCOL)


def _light(grid: Grid) -> Grid:
    """The grid with what `locate` needs and no more."""
    grid.locate([0.0], [0.0])  # tables are made here, not once a worker
    light = copy.copy(grid)
    light.cells = grid.cells[[]]
    light.territory = None
    for name in (
        "_first_order",
        "centroids",
        "centroids_m",
        "_tree",
        "_neighbours_of_order",
        "_shared_totals",
        "report",
    ):
        light.__dict__.pop(name, None)
    return light


class _Task:
    """A task, opened; each thread has a connection of its own."""

    def __init__(self, task: bytes):
        self.grid, self.query = pickle.loads(task)
        self._own = threading.local()

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._own, "con"):
            self._own.con = duckdb.connect(":memory:", config={"threads": 1})  # the engine runs many at once
            self._own.con.execute("SET python_enable_replacements = false")
            self._own.con.execute("SET TimeZone = 'UTC'")  # texts of moments are the same on every worker
            prepare_connection(self._own.con, self.query)
        return self._own.con


@lru_cache(maxsize=4)
def _opened(task: bytes) -> _Task:
    return _Task(task)


atexit.register(_opened.cache_clear)  # DuckDB's connections want to be closed before Python ends


def count_batch(task: bytes, batch: pa.RecordBatch | pa.Table) -> pa.Table:
    """Count one batch of incidents.

    Parameters
    ----------
    task : bytes
        From `prepare`.
    batch : Arrow record batch or table
        Columns `lon` and `lat` (degrees, WGS 84), or `geometry` (points as WKB), or the query's H3 cells; and those
        that the query needs besides.

    Returns
    -------
    Arrow table of `SUMS`
        For `combine`.

    Raises
    ------
    InputError
        For columns that are not there or not of the right kind.
    """
    opened = _opened(task)
    con, grid, query = opened.con, opened.grid, opened.query
    con.register("source", pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch)
    place, columns = create_incidents_view(con, "the batch", query, batch.schema)
    text, values = points_query(query, place)
    points = con.sql(text, params=values).to_arrow_table().combine_chunks()
    rows = list(_seen(con, query, columns))
    repeated = no_weight = 0
    tables = []
    for part in points.to_batches():
        keyed = keyed_points(part, grid, query)
        repeated += keyed.repeated
        no_weight += keyed.no_weight
        if keyed.no_place[0]:
            rows.append({"row": NO_PLACE, "kind": keyed.no_place[1], "n": keyed.no_place[0]})
        tables.append(_as_sums(pa.Table.from_batches([keyed.points])))
    rows.append({"row": NO_WEIGHT, "n": no_weight, "repeated": repeated})
    tables.append(_as_sums(pa.Table.from_pylist(rows, schema=SUMS)))
    return combine(tables)


def _seen(con: duckdb.DuckDBPyConnection, query: CountQuery, columns: dict[str, str]) -> Iterable[dict]:
    """What there is among all incidents, whether counted or not: a quiet month of a category is a zero, not a gap."""
    if query.every is not None:
        first, last, rows, _ = con.execute(sql("extent").format(period=PERIOD), {"every": query.every}).fetchall()[0]
        yield {"row": SEEN_ROWS, "n": rows}
        yield from ({"row": SEEN_PERIOD, "period": at, "n": 0} for at in {first, last} - {None})
    if query.by is not None and not query.kinds_are_given:
        yield {"row": SEEN_TYPE, "kind": columns[query.by], "n": 0}
        yield from ({"row": SEEN_KIND, "kind": key, "n": 0} for _, key in distinct(con, quoted(query.by)))
    if query.categories is not None:
        yield from ({"row": SEEN_CATEGORY, "kind": key, "n": 0} for _, key in distinct(con, "category"))


def distinct(con: duckdb.DuckDBPyConnection, column: str) -> list[tuple]:
    """The values that occur in a column of the view `incidents`, as they are and as text."""
    return list(con.execute(sql("kinds").format(column=column)).fetchall())


def _as_sums(table: pa.Table) -> pa.Table:
    """A table with all columns of `SUMS`, those that are missing 0."""
    none = pa.array(np.zeros(table.num_rows, np.int64))
    columns = [table[name] if name in table.column_names else none for name in SUMS.names]
    columns = [c if name in ("period", "kind") else c.fill_null(0) for name, c in zip(SUMS.names, columns, strict=True)]
    return pa.table(columns, schema=SUMS)


def combine(sums: Iterable[pa.Table]) -> pa.Table:
    """Add up what several calls of `count_batch` (or of `combine`) gave: a table of `SUMS`, each key once."""
    tables = list(sums)
    if not tables:
        return SUMS.empty_table()
    keys = ["row", "period", "kind"]
    values = [name for name in SUMS.names if name not in keys]
    added = pa.concat_tables(tables).group_by(keys).aggregate([(name, "sum") for name in values])
    return (
        added.rename_columns([name.removesuffix("_sum") for name in added.column_names]).select(SUMS.names).cast(SUMS)
    )


def finish(grid: Grid, query: CountQuery, sums: pa.Table) -> Counts:
    """The counts from all sums together, as `count_by_cell` gives them.

    Raises
    ------
    InputError
        For a category that no incident has, incidents without a time or without a weight.
    SettingError
        For more counts than can be held.
    """
    row = sums["row"].to_numpy()

    def seen(marker: int) -> pa.Table:
        return sums.filter(pa.array(row == marker))

    query.check_categories([k for k in seen(SEEN_CATEGORY)["kind"].to_pylist() if k is not None])
    refuse_missing_weights(query, int(np.sum(seen(NO_WEIGHT)["n"].to_numpy())))
    odd = seen(NO_PLACE)
    found = min(odd["kind"].to_pylist(), default=None)
    refuse_missing_places(grid, query, int(np.sum(odd["n"].to_numpy())), found)
    at = seen(SEEN_PERIOD)["period"].to_pylist()
    rows = int(np.sum(seen(SEEN_ROWS)["n"].to_numpy()))
    periods = query.periods(min(at, default=None), max(at, default=None), rows)
    kinds, keys = query.kinds(_typed(seen(SEEN_KIND)["kind"].to_pylist(), seen(SEEN_TYPE)["kind"].to_pylist()))
    query.check_size(grid, periods, kinds)
    counted = sums.filter(pa.array(row >= OUTSIDE))
    result = CountResult.of(grid, query, counted, periods, kinds, keys)
    repeated = int(np.sum(sums["repeated"].to_numpy()))
    return _with_repeated(result, repeated).frame(grid, query)


def _typed(keys: list[str | None], types: list[str]) -> list[tuple]:
    """Values that travelled as text, in the type that their column had (text where batches differ), with their text."""
    of = types[0] if len(types) == 1 else ""
    if not (_is_number(of) or of in ("BOOLEAN", "DATE", "TIME") or of.startswith("TIMESTAMP")):
        return [(key, key) for key in keys]
    with duckdb.connect(":memory:") as con:
        return [(con.execute(f"SELECT $key::{of}", {"key": key}).fetchall()[0][0], key) for key in keys]


def _with_repeated(result: CountResult, repeated: int) -> CountResult:
    fields = {**result.__dict__, "rows": result.rows - repeated, "repeated": repeated}
    return CountResult(**fields)
