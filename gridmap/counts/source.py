"""What DuckDB counts from: incidents in memory, or files that stay where they are.

Whatever the source, SQL sees one view, `incidents`, with `lon` and `lat` as numbers and whatever other columns
there are; `occurred_to` is there as soon as `occurred_from` is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

import duckdb

from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.base import Incidents

__all__ = ["Source", "open_source", "paths_of", "see"]

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
TABLES = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".gz": "csv", ".txt": "csv", ".tsv": "csv"}


@dataclass(frozen=True)
class Source:
    """What is known of the points: a name for messages, and their columns with DuckDB's types."""

    name: str
    columns: dict[str, str]

    def need(self, column: str, setting: str) -> None:
        """An InputError when a setting asks for a column that is not there."""
        if column not in self.columns:
            raise InputError(
                Note(
                    "counts.no_column",
                    setting=setting,
                    column=column,
                    name=self.name,
                    meant=did_you_mean(column, self.columns),
                )
            )


def open_source(con: duckdb.DuckDBPyConnection, incidents: Incidents | str | Path | Sequence[str | Path]) -> Source:
    """Make the view `incidents` on a connection.

    Raises
    ------
    InputError
        When there is no `lon` and `lat`, or they are no numbers.
    ReadError
        When a file is absent or cannot be read.
    """
    if isinstance(incidents, Incidents):
        name = Path(str(incidents.source.get("path", "the incident table"))).name
        con.register("source", incidents.data)
    else:
        paths = paths_of(incidents)
        name = Path(paths[0]).name if len(paths) == 1 else f"{len(paths):,} files"
        _scan(con, paths, name)
    return see(con, name)


def see(con: duckdb.DuckDBPyConnection, name: str) -> Source:
    """Make the view `incidents` over what is registered as `source`, whose columns are checked."""
    columns = {row[0]: row[1] for row in con.execute("DESCRIBE source").fetchall()}
    for degree in ("lon", "lat"):
        if degree not in columns:
            raise InputError(Note("counts.no_place", name=name, column=degree, there=", ".join(columns)))
        number = columns[degree]
        if number not in NUMBERS and not number.startswith("DECIMAL"):
            raise InputError(Note("counts.degrees", column=degree, name=name, found=number))
    made = ["* REPLACE (lon::DOUBLE AS lon, lat::DOUBLE AS lat)"]
    if "occurred_from" in columns:
        since = columns["occurred_from"]
        if not since.startswith(("TIMESTAMP", "DATE")):
            raise InputError(Note("counts.times", name=name, found=since))
        made = [made[0][:-1] + ", occurred_from::TIMESTAMP AS occurred_from)"]
        if "occurred_to" in columns:
            made = [made[0][:-1] + ", occurred_to::TIMESTAMP AS occurred_to)"]
        else:
            made.append("occurred_from::TIMESTAMP AS occurred_to")
    con.execute(f"CREATE OR REPLACE TEMP VIEW incidents AS SELECT {', '.join(made)} FROM source")
    return Source(name, columns)


def paths_of(given: str | Path | Sequence[str | Path]) -> list[str]:
    """The files meant, each of which must be there."""
    if isinstance(given, str | Path):
        given = [given]
    if not isinstance(given, Sequence) or not all(isinstance(p, str | Path) for p in given):
        raise InputError(Note("counts.needs_incidents", found=type(given).__name__))
    if not given:
        raise InputError(Note("counts.no_files"))
    paths: list[str] = []
    for path in map(Path, given):
        if path.is_dir():
            inside = sorted(str(p) for p in path.rglob("*") if p.suffix.lower() in (".parquet", ".pq") and p.is_file())
            if not inside:
                raise ReadError(Note("counts.empty_folder", path=path))
            paths += inside
        elif path.is_file():
            paths.append(str(path))
        elif has_magic(str(path)):
            found = sorted(str(p) for p in Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))
            if not found:
                raise ReadError(Note("counts.no_match", path=path))
            paths += found
        else:
            raise ReadError(Note("counts.no_file", path=path))
    return paths


def _scan(con: duckdb.DuckDBPyConnection, paths: list[str], name: str) -> None:
    kinds = {TABLES.get(Path(p).suffix.lower()) for p in paths}
    if len(kinds) > 1 or None in kinds:
        raise ReadError(Note("counts.not_a_table", name=name))
    try:
        if kinds == {"parquet"}:
            con.read_parquet(paths, hive_partitioning=True, union_by_name=True).create_view("source")
        else:
            con.read_csv(paths).create_view("source")
    except duckdb.Error as error:
        raise ReadError(Note("counts.unreadable", name=name, why=str(error).splitlines()[0])) from None
