"""A store of incidents as it is read: years of exports in one folder, of which a question reads only what it needs.

::

    store.json                                       what holds: the parts, the additions, the columns
    incidents/month=2024-03/h3=83194efffffffff/*.parquet   the parts: a month and an H3 cell each, Hilbert-sorted
    set_aside/000012.parquet                         the rows that addition 12 set aside, and those that it replaced
    counts/*.parquet                                 sums of parts that have been counted (by `counts.store_adding`)

`store.json` is exchanged in one step of the file system, and a part is never changed once it is written, so whoever
reads sees one state of the store, whatever is added meanwhile. A file that `store.json` does not name is not part of
the store. An incident lies in the month that holds the middle of its interval; one without a time, or known to no
better than a month, lies in `undated`. So a month is read as one folder, and a year as twelve and `undated`.

`gridmap.counts.store_adding` writes; this module reads.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from gridmap._io import json_text, sha256_of
from gridmap._periods import period_of_text, relative_period
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.messages import Note, note_from
from gridmap.read.incident_table import ASIDE, COLUMNS, PARQUET, Incidents

__all__ = [
    "FORMAT",
    "MANIFEST",
    "OWN_COLUMNS",
    "UNDATED",
    "Addition",
    "Manifest",
    "Part",
    "files_of_store",
    "is_store",
    "months_of",
    "part_incidents",
    "read_manifest",
    "require_parts",
    "stored_incidents",
    "stored_period",
]

MANIFEST = "store.json"
FORMAT = 1
#: The month of an incident without a time, or known to no better than a month.
UNDATED = "undated"
#: Columns of a part beside the incidents': the addition and the row in its file, and a number for the incident id.
OWN_COLUMNS = {"store_addition": pa.int32(), "store_row": pa.int64(), "store_id": pa.uint64()}


@dataclass(frozen=True)
class Part:
    """One file of incidents of a store.

    Attributes
    ----------
    path : str
        In the store's folder.
    month : str
        As in "2024-03", or `UNDATED`.
    parent : str
        The H3 cell that holds its points.
    rows, bytes : int
    sha256 : str
    first, last : str or None
        The first and the last time at which an incident began, ISO 8601.
    additions : tuple of int
        The additions that its rows came with.
    """

    path: str
    month: str
    parent: str
    rows: int
    bytes: int
    sha256: str
    first: str | None
    last: str | None
    additions: tuple[int, ...]


@dataclass(frozen=True)
class Addition:
    """One export that was added, and what became of its rows: `rows == used + sum(set_aside.values())`.

    Attributes
    ----------
    number : int
        From 1.
    when : str
        ISO 8601, UTC.
    file, sha256 : str
        The name of the file, and the hash of its bytes.
    rows, used : int
        Rows in, and rows that became incidents of the store.
    set_aside : mapping of str to int
        Reason → rows. `counted_before`: in the store already, as they are.
    replaced : mapping of str to int
        Number of an earlier addition → how many of its incidents this one replaced or took away.
    period : str, optional
        The period of which the export is declared the whole truth.
    options : mapping
        How the file was read.
    dropped : mapping
        Columns about persons that were left out at reading, and why.
    chain : str
        SHA-256 over this entry and the chain of the one before.
    """

    number: int
    when: str
    file: str
    sha256: str
    rows: int
    used: int
    set_aside: Mapping[str, int]
    replaced: Mapping[str, int]
    period: str | None
    options: Mapping[str, Any]
    dropped: Mapping[str, Any]
    chain: str = ""

    def chained(self, before: str) -> str:
        """The chain that this entry has after one whose chain is `before`."""
        plain = {key: value for key, value in asdict(self).items() if key != "chain"}
        return hashlib.sha256((before + json_text(plain)).encode()).hexdigest()


@dataclass(frozen=True)
class Manifest:
    """What holds in a store.

    Attributes
    ----------
    version : int
        Counts the commits.
    parent_resolution : int
        H3's, of the cells that part the incidents.
    schema : pyarrow.Schema
        Of the incidents, without the store's own columns.
    parts : tuple of Part
    additions : tuple of Addition
    retired : tuple of str
        Files that the last commit replaced; they stay until the next, for whoever is reading them.
    """

    version: int = 0
    parent_resolution: int = 3
    schema: pa.Schema = field(default_factory=lambda: pa.schema(list(COLUMNS.items())))
    parts: tuple[Part, ...] = ()
    additions: tuple[Addition, ...] = ()
    retired: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Incidents in the store."""
        return sum(part.rows for part in self.parts)

    @property
    def rows_in(self) -> int:
        """Rows of all files that were added."""
        return sum(addition.rows for addition in self.additions)

    @property
    def newest_day(self) -> pd.Timestamp | None:
        """The last day on which an incident began; None where none has a time."""
        last = max((part.last for part in self.parts if part.last is not None), default=None)
        return None if last is None else pd.Timestamp(last).normalize()

    @property
    def dropped(self) -> dict[str, Any]:
        """Columns about persons that any addition left out, and why."""
        return {name: note_from(why) for entry in self.additions for name, why in entry.dropped.items()}

    def of_period(self, period: pd.Period | None) -> tuple[Part, ...]:
        """The parts that can hold incidents of a period; all without one."""
        if period is None:
            return self.parts
        wanted = months_of(period)
        return tuple(part for part in self.parts if part.month in wanted)

    def check_law(self) -> None:
        """Rows in = used + set aside, and incidents in the store = used − replaced.

        Raises
        ------
        ReadError
            Where they differ.
        """
        for entry in self.additions:
            if entry.rows != entry.used + sum(entry.set_aside.values()):
                raise ReadError(Note("store.unequal_addition", number=entry.number))
        used = sum(entry.used for entry in self.additions)
        replaced = sum(sum(entry.replaced.values()) for entry in self.additions)
        if self.rows != used - replaced:
            raise ReadError(Note("store.unequal", rows=self.rows, used=used, replaced=replaced))

    def to_text(self) -> str:
        """As `store.json` holds it."""
        return json_text(
            {
                "format": FORMAT,
                "version": self.version,
                "parent_resolution": self.parent_resolution,
                "columns": {name: str(kind) for name, kind in zip(self.schema.names, self.schema.types, strict=True)},
                "schema": base64.b64encode(self.schema.serialize().to_pybytes()).decode(),
                "retired": list(self.retired),
                "additions": [asdict(entry) for entry in self.additions],
                "parts": [asdict(part) for part in self.parts],
            },
            indent=1,
        )


def is_store(path: Any) -> bool:
    """Whether a path is a folder that holds a store of incidents."""
    try:
        return isinstance(path, str | Path) and "://" not in str(path) and (Path(path) / MANIFEST).is_file()
    except (OSError, ValueError):
        return False


def read_manifest(folder: str | Path) -> Manifest:
    """What holds in a store.

    Raises
    ------
    ReadError
        If the folder holds none, or its `store.json` is damaged or of a later gridmap.
    """
    place = Path(folder) / MANIFEST
    try:
        held = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ReadError(Note("store.none", folder=str(folder))) from None
    except (OSError, ValueError) as error:
        raise ReadError(Note("store.damaged", folder=str(folder), why=str(error)[:80])) from None
    if isinstance(held, dict) and isinstance(held.get("format"), int) and held["format"] > FORMAT:
        raise ReadError(Note("store.later", folder=str(folder)))
    try:
        manifest = Manifest(
            int(held["version"]),
            int(held["parent_resolution"]),
            pa.ipc.read_schema(pa.py_buffer(base64.b64decode(held["schema"]))),
            tuple(Part(**{**part, "additions": tuple(part["additions"])}) for part in held["parts"]),
            tuple(Addition(**entry) for entry in held["additions"]),
            tuple(map(_inside, held["retired"])),
        )
        for part in manifest.parts:
            _inside(part.path)
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException, OSError) as error:
        raise ReadError(Note("store.damaged", folder=str(folder), why=str(error)[:80])) from None
    manifest.check_law()
    return manifest


def _inside(name: Any) -> str:
    """A path of a manifest, which must not lead out of the store."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name or pure.suffix != ".parquet":
        raise ValueError(f"the path {name!r}")
    return name


def require_parts(folder: Path, parts: tuple[Part, ...], *, hashed: bool = False) -> None:
    """Refuse a store one of whose files is gone or another.

    Raises
    ------
    ReadError
        Naming the first such file. Its size is looked at, and with `hashed` all of its bytes.
    """
    for part in parts:
        place = folder / part.path
        try:
            size = place.stat().st_size
        except OSError:
            raise ReadError(Note("store.part_missing", path=part.path, month=part.month, rows=part.rows)) from None
        if size != part.bytes or (hashed and sha256_of(place) != part.sha256):
            raise ReadError(Note("store.part_changed", path=part.path, month=part.month))


def files_of_store(folder: str | Path) -> list[str]:
    """The Parquet files of a store's incidents, for whatever reads Parquet.

    Raises
    ------
    ReadError
        As `read_manifest`, or if a file is missing.
    """
    manifest = read_manifest(folder)
    require_parts(Path(folder), manifest.parts)
    return [str(Path(folder) / part.path) for part in manifest.parts]


def stored_period(manifest: Manifest, period: Any, as_of: Any = None) -> pd.Period | None:
    """A period as a question gives it; words such as "last month" are counted from the store's newest day.

    Raises
    ------
    InputError
        If a word refers to a day and no incident has a time.
    SettingError
        For what is not a period.
    """
    if period is None or isinstance(period, pd.Period):
        return period
    if relative_period(period, pd.Timestamp("2000-01-01")) is not None:
        day = manifest.newest_day if as_of is None else pd.Timestamp(as_of)
        if day is None:
            raise InputError(Note("runs.no_day_for_period", period=period))
        period = relative_period(period, day)
    try:
        return period_of_text(period)
    except (ValueError, TypeError):
        raise SettingError(Note("read.period_form", period=period)) from None


def months_of(period: pd.Period) -> frozenset[str]:
    """The months in which incidents of a period lie.

    Examples
    --------
    >>> sorted(months_of(pd.Period("2024-03"))), sorted(months_of(period_of_text("2024-02-26/2024-03-03")))
    (['2024-03'], ['2024-02', '2024-03'])
    >>> len(months_of(pd.Period("2024")))
    13
    """
    first, end = period.start_time, (period + 1).start_time
    months = {str(month) for month in pd.period_range(first, end - pd.Timedelta(1, "us"), freq="M")}
    return frozenset(months if period.freqstr == "M" or end - first < pd.Timedelta(days=28) else {*months, UNDATED})


def stored_incidents(folder: str | Path, *, period: Any = None, as_of: Any = None) -> Incidents:
    """The incidents of a store, or those of a period, for which only the months that it needs are read.

    Parameters
    ----------
    folder : str or Path
    period : str or pandas.Period, optional
        As in "2024", "2024-03", "2024-03-04/2024-03-10", "last month" (from the store's newest day).
    as_of : str or Timestamp, optional
        The day that words such as "last month" are counted from.

    Returns
    -------
    Incidents
        `set_aside` has the rows that the additions set aside or replaced: of all additions, or with a period of those
        that its incidents came with. `source` has the numbers of all additions.

    Raises
    ------
    ReadError
        If the folder holds no store, or a part that is needed is missing or was changed.
    InputError, SettingError
        For a period that cannot be understood.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    span = stored_period(manifest, period, as_of)
    parts = manifest.of_period(span)
    numbers = {n for part in parts for n in part.additions} if span is not None else None
    source: dict[str, Any] = {
        "path": str(folder),
        "sha256": None,
        "rows": manifest.rows_in,
        "used": manifest.rows,
        "set_aside": manifest.rows_in - manifest.rows,
        "additions": len(manifest.additions),
        "columns": {},
        "dropped": manifest.dropped,
        "notes": [],
    }
    found = Incidents(part_incidents(folder, manifest, parts), _set_aside(folder, manifest, numbers), source)
    return found if span is None else found.where(period=span)


def part_incidents(folder: Path, manifest: Manifest, parts: tuple[Part, ...], *, own: bool = False) -> ds.Dataset:
    """Some parts of a store as one dataset; with `own`, the store's own columns too.

    Raises
    ------
    ReadError
        If a part is missing or was changed.
    """
    require_parts(folder, parts)
    schema = manifest.schema
    if own:
        schema = pa.schema([*schema, *(pa.field(name, kind) for name, kind in OWN_COLUMNS.items())])
    if not parts:
        return ds.dataset(schema.empty_table())
    return ds.dataset([str(folder / part.path) for part in parts], schema=schema, format=PARQUET)


def _set_aside(folder: Path, manifest: Manifest, numbers: set[int] | None) -> pd.DataFrame:
    """The rows that additions set aside, and those of earlier ones that they replaced."""
    tables = []
    for entry in manifest.additions:
        held = sum(entry.set_aside.values()) + sum(entry.replaced.values())
        if not held or (numbers is not None and entry.number not in numbers):
            continue
        place = folder / "set_aside" / f"{entry.number:06d}.parquet"
        try:
            table = pq.read_table(place)
        except (OSError, pa.ArrowException):
            raise ReadError(Note("store.aside_missing", number=entry.number)) from None
        if table.num_rows != held:
            raise ReadError(Note("store.part_changed", path=f"set_aside/{place.name}", month="–"))
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=ASIDE)
    frame = pa.concat_tables(tables, promote_options="default").to_pandas()  # older ones lack two columns
    rows = frame.get("spreadsheet_row", pd.Series(pd.NA, frame.index)).astype("Int64")
    sheet = frame.get("sheet", pd.Series("", frame.index)).fillna("")
    return frame.assign(sheet=sheet, spreadsheet_row=rows)[ASIDE]
