"""A store of incidents to which exports are added: what is in it already is not done again.

A weekly export reaches back some days, is sent twice, comes back corrected. `IncidentStore.add` reads it as
`read_incidents` does, and each of its rows becomes one of three: an incident of the store, perhaps in the place of an
earlier version of itself; `counted_before`, because it is there already; or set aside at reading. The history says
which, for each addition, and over all of them

    rows in = incidents in the store + rows set aside + rows replaced since

is checked at each commit (`gridmap.read.store_reading` has the layout and the reading). What is the same incident:

* with an id, the incident of that id. The same id with other content is a correction: the earlier rows are replaced.
  Ids that are numbered anew in each file are recognised by their sharing neither time nor place, and ids that are
  written in another way by standing at the time, kind and place of incidents that the store has under other ids;
  both are refused until `ids=` says what they are;
* without one, the same time of a day or less, kind and place, as often as it stands there. A month at a snapped place
  does not tell an incident;
* in a period given as `replace=`, the export is the whole truth: what it does not have is taken away.

A commit writes new files first and exchanges `store.json` last, in one step: whoever is killed, or finds the disk full,
leaves the store as it was. One adds at a time (a lock that ends with its process); anybody may read meanwhile.

Counts are kept by part: `counts/` holds the sums of each part for each grid and query, under the
part's name, which is new whenever its content is. So a count after an addition counts the parts that are new.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from gridmap._io import HIDDEN, atomic_file, json_text, remove_stale_staging, sha256_of, take_lock, write_text
from gridmap._notebook_line import ShortForm
from gridmap.counts.query import count_by_cell, count_query
from gridmap.counts.task import SUMS, CountQuery, combine, count_batch, finish, prepare
from gridmap.errors import InputError, OutputError, ReadError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts
from gridmap.grids.index.h3_keys import keys_of_points
from gridmap.grids.systems import as_grid
from gridmap.messages import Note, did_you_mean
from gridmap.read.file_access import check_file
from gridmap.read.incident_table import ASIDE, COLUMNS, Incidents, aside_rows
from gridmap.read.incidents import read_with_rows
from gridmap.read.store_reading import (
    MANIFEST,
    OWN_COLUMNS,
    UNDATED,
    Addition,
    Manifest,
    Part,
    is_store,
    part_incidents,
    read_manifest,
    require_parts,
    stored_incidents,
    stored_period,
)

__all__ = ["Added", "IncidentStore"]

LOCK = ".gridmap-store"
#: Ids of a file and of the store must share time or place so often before the same id is taken for the same incident.
SAME_IDS = 0.5
#: Of the incidents whose ids are new, at most so many may have the time, kind and place of one with another id.
OTHER_IDS = 0.5
#: And so many of them make no rule.
FEW_TWINS = 5
#: Files of sums that are kept, one a grid and question; the one that was used longest ago goes first.
KEPT_COUNTS = 24
ROW_GROUP = 122_880
#: Rows of an export that are taken together.
ROWS_TOGETHER = 1_000_000
#: Kept sums: those of `count_batch`, and the SHA-256 of the part that they are of.
KEPT_SUMS = pa.schema([*SUMS, ("part", pa.string())])
#: Rows that were set aside, and those that were replaced.
ASIDE_SCHEMA = pa.schema([(name, pa.int64() if name in ("row", "spreadsheet_row") else pa.string()) for name in ASIDE])
#: Names that gridmap gives to parts, the only files that it ever takes away.
PART_NAME = re.compile(r"\d{6}-[0-9a-f]{8}\.parquet")
#: Bits of a coordinate on the Hilbert curve: cells of some hundred metres.
HILBERT_BITS = 18


@dataclass(frozen=True)
class Added:
    """What an addition came to.

    Attributes
    ----------
    addition : Addition
        Its entry in the history; of a file that was added before, the entry of that time.
    again : bool
        Whether the same file was added before, so that nothing was done.
    notes : list of Note
        What reading found, and what is doubtful about the addition.
    """

    addition: Addition
    again: bool
    notes: list[Note]

    @property
    def replaced(self) -> int:
        """How many incidents of earlier additions were replaced or taken away."""
        return 0 if self.again else sum(self.addition.replaced.values())

    def sentence(self) -> Note:
        """What happened, in a line."""
        entry = self.addition
        if self.again:
            return Note("store.again", file=entry.file, number=entry.number, when=entry.when[:10])
        return Note(
            "store.added",
            file=entry.file,
            rows=entry.rows,
            used=entry.used,
            aside=entry.rows - entry.used,
            before=entry.set_aside.get("counted_before", 0),
            replaced=self.replaced,
        )


class IncidentStore(ShortForm):
    """Years of incident exports in one folder: Parquet by month and place, with the history of what was added.

    Parameters
    ----------
    folder : str or Path
        Made with the first addition where it is absent.
    parent_resolution : int, default 3
        H3's resolution of the cells that part the incidents of a month, for a new store: 3 (12,000 km² each) suits a
        county and a country.

    Examples
    --------
    >>> import tempfile
    >>> store = IncidentStore(tempfile.mkdtemp())
    >>> week = pd.DataFrame({"id": ["a", "b"], "time": ["2024-03-04 10:00", "2024-03-05 11:00"],
    ...     "lon": [-1.5, -1.6], "lat": [53.7, 53.8], "category": ["theft", "fraud"]})
    >>> file = store.folder / "week.csv"
    >>> week.to_csv(file, index=False)
    >>> print(store.add(file).sentence())
    week.csv: 2 rows, 2 used, 0 set aside (0 of them in the store already); 0 incidents replaced.
    >>> store.add(file).again, len(store.incidents(period="2024-03-05"))
    (True, 1)
    """

    def __init__(self, folder: str | Path, *, parent_resolution: int = 3):
        self.folder = Path(folder)
        if isinstance(parent_resolution, bool) or parent_resolution not in range(8):
            raise SettingError(Note("store.parent_resolution", found=parent_resolution))
        self._resolution = int(parent_resolution)
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputError(Note("store.not_a_folder", folder=str(folder)))

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        manifest = self.manifest
        return f"IncidentStore {self.folder}: {manifest.rows:,} incidents of {len(manifest.additions):,} additions"

    def __len__(self) -> int:
        return self.manifest.rows

    @property
    def manifest(self) -> Manifest:
        """What holds now; an empty one before the first addition.

        Raises
        ------
        ReadError
            If `store.json` is damaged.
        """
        if is_store(self.folder):
            return read_manifest(self.folder)
        if any((self.folder / name).exists() for name in ("incidents", "set_aside")):
            raise ReadError(Note("store.no_manifest", folder=str(self.folder)))
        return Manifest(parent_resolution=self._resolution)

    @property
    def history(self) -> pd.DataFrame:
        """The additions, one a row: `number, when, file, rows, used, set_aside, counted_before, replaced, period`."""
        rows = [
            {
                "number": entry.number,
                "when": entry.when,
                "file": entry.file,
                "rows": entry.rows,
                "used": entry.used,
                "set_aside": sum(entry.set_aside.values()),
                "counted_before": entry.set_aside.get("counted_before", 0),
                "replaced": sum(entry.replaced.values()),
                "period": entry.period,
            }
            for entry in self.manifest.additions
        ]
        names = ["number", "when", "file", "rows", "used", "set_aside", "counted_before", "replaced", "period"]
        return pd.DataFrame(rows, columns=names)

    def incidents(self, *, period: Any = None, as_of: Any = None) -> Incidents:
        """The incidents, or those of a period, for which only its months are read: see `stored_incidents`."""
        return stored_incidents(self.folder, period=period, as_of=as_of)

    def check(self) -> list[Note]:
        """What is wrong with the store: files that are gone or changed, a history that was edited; empty when nothing.

        Every byte is read.
        """
        try:
            manifest = read_manifest(self.folder)
        except ReadError as error:
            return [error.args[0]]
        found: list[Note] = []
        chain = ""
        for entry in manifest.additions:
            chain = entry.chained(chain)
            if entry.chain != chain:
                found.append(Note("store.history_edited", number=entry.number))
                break
        for part in manifest.parts:
            try:
                require_parts(self.folder, (part,), hashed=True)
                if pq.read_metadata(self.folder / part.path).num_rows != part.rows:
                    raise ReadError(Note("store.part_changed", path=part.path, month=part.month))
            except ReadError as error:
                found.append(error.args[0])
            except (OSError, pa.ArrowException):
                found.append(Note("store.part_changed", path=part.path, month=part.month))
        try:
            stored_incidents(self.folder)
        except ReadError as error:
            if error.args[0] not in found:
                found.append(error.args[0])
        return found

    # -------------------------------------------------------------------------------------- adding

    def add(self, file: str | Path, *, replace: str | None = None, ids: str | None = None, **options: Any) -> Added:
        """Add an export; whole, or not at all.

        Parameters
        ----------
        file : str or Path
            Whatever `read_incidents` reads. A file whose bytes were added before is recognised, and nothing is done.
        replace : str, optional
            A period of which this export is the whole truth, as in "2024-03": incidents of the store that lie in it
            and are not in the export are taken away. It is then read even if the same file was added before.
        ids : {"same", "own"}, optional
            Whether an incident id means the same incident in all files, or each file numbers its own. Found from the
            ids that both have where it is not given.
        **options
            Of `read_incidents`: `columns, datum, crs, timezone, …`.

        Returns
        -------
        Added

        Raises
        ------
        GridmapError
            For a file that cannot be read, ids that contradict, another addition that is running, a store that is
            damaged, a place that cannot be written. The store is then as it was.
        """
        if ids not in (None, "same", "own"):
            raise SettingError(Note("store.ids", found=ids, meant=did_you_mean(str(ids), ("same", "own"))))
        place = check_file(file, Note("read.incidents_file"))
        with self._alone():
            manifest = self.manifest
            digest = sha256_of(place)
            before = next((entry for entry in manifest.additions if entry.sha256 == digest), None)
            if before is not None and replace is None:
                self._sweep(manifest)  # an addition that was killed just after its commit had no time to tidy up
                return Added(before, True, [])
            period = stored_period(manifest, replace)
            read, rows, shown = read_with_rows(place, **options)
            if sha256_of(place) != digest:
                raise ReadError(Note("runs.changed_while_read", file=place.name))
            self._sweep(manifest)
            return _Addition(self.folder, manifest, read, (rows, shown), period, ids, _plain(options), digest).commit()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else adds meanwhile."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = (self.folder / LOCK).open("a+b")
        except OSError as error:
            why = error.strerror or str(error)
            raise OutputError(Note("io.cannot_write", path=str(self.folder), why=why)) from None
        with handle:
            with suppress(OSError):  # a file system without locks: nobody can be kept out
                if not take_lock(handle):
                    raise OutputError(Note("store.busy", folder=str(self.folder)))
            yield

    def _sweep(self, manifest: Manifest) -> None:
        """Take away what the store no longer names: files of additions that were killed, or replaced long ago."""
        kept = {part.path for part in manifest.parts} | set(manifest.retired)
        for place, folders, names in os.walk(self.folder):
            here = Path(place)
            if any(name.startswith(HIDDEN) for name in folders):
                remove_stale_staging(here)
                folders[:] = [name for name in folders if not name.startswith(HIDDEN)]
            for name in names:
                if PART_NAME.fullmatch(name) and (here / name).relative_to(self.folder).as_posix() not in kept:
                    with suppress(OSError):
                        (here / name).unlink()

    # -------------------------------------------------------------------------------------- counting

    def counts(
        self,
        grid: Grid,
        *,
        period: Any = None,
        category: str | Sequence[str] | None = None,
        by: str | None = None,
        every: str | None = None,
        officer_initiated: bool | None = None,
        weight: str | None = None,
    ) -> Counts:
        """Count the incidents in the cells of a grid: what was counted before is not counted again.

        Parameters
        ----------
        grid : Grid
        period : str or pandas.Period, optional
            Count only what lies in it, as in "2024-03" or "last month".
        category, by, every, officer_initiated, weight
            As in `count_by_cell`, which gives the same table.

        Returns
        -------
        Counts

        Raises
        ------
        GridmapError
            As `count_by_cell` and `stored_incidents`.
        """
        settings: dict[str, Any] = {
            "category": category,
            "by": by,
            "every": every,
            "officer_initiated": officer_initiated,
            "weight": weight,
        }
        manifest = read_manifest(self.folder)
        span = stored_period(manifest, period)
        query, grid = count_query(**settings), as_grid(grid)
        whole = span is None or span.freqstr == "M"  # months lie in parts of their own
        parts = manifest.of_period(span)
        if not whole or weight is not None or not parts or not isinstance(grid, Grid):
            return count_by_cell(stored_incidents(self.folder, period=span), grid, **settings)
        require_parts(self.folder, parts)
        task = prepare(grid, query)
        kept = _KeptCounts(self.folder, _key_of(grid, query), manifest)
        sums = kept.brought_up_to_date(parts, lambda part: self._sums(manifest, part, task))
        return finish(grid, query, combine([sums]))

    def _sums(self, manifest: Manifest, part: Part, task: bytes) -> pa.Table:
        """The sums of one part."""
        batches = part_incidents(self.folder, manifest, (part,)).to_batches(batch_size=1 << 17)
        return combine(count_batch(task, batch) for batch in batches if batch.num_rows)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of reading as the history holds them; a table among them by its kind."""
    known = {name: value for name, value in options.items() if value is not None and value != ()}
    return {
        name: value if isinstance(value, str | int | list | tuple | Mapping) else type(value).__name__
        for name, value in known.items()
    }


# ------------------------------------------------------------------------------------------ one addition


class _Addition:
    """One export on its way into a store: which of its rows are new, and which rows it replaces.

    A large export is taken in pieces, so that memory holds `ROWS_TOGETHER` of its rows and the store's that go with
    them, not all: rows fall to a piece by their id (without one, or where ids tell nothing, by their time), so that all
    that could be the same incident is compared in one piece. Each piece builds on the parts that the one before has
    written, and the manifest is exchanged once, after the last.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        read: Incidents,
        rows: tuple[np.ndarray, Any],
        period: pd.Period | None,
        ids: str | None,
        options: dict[str, Any],
        digest: str,
    ):
        self.folder, self.manifest, self.read, self.period, self.ids = folder, manifest, read, period, ids
        self.options, self.digest = options, digest
        self.number = len(manifest.additions) + 1
        self.name = Path(str(read.source["path"])).name
        self.notes = list(read.source.get("notes", []))
        (self.rows, self.shown), self.parts = rows, manifest.parts
        clash = [name for name in OWN_COLUMNS if name in read.data.schema.names]
        if clash:
            raise InputError(Note("store.own_column", name=clash[0]))
        self.schema = _united(manifest.schema, read.data.schema)
        self.whole = pa.schema([*self.schema, *(pa.field(name, kind) for name, kind in OWN_COLUMNS.items())])
        self.shared = self.alike = self.doubted = 0
        self.unknown = self.twins = 0
        self.twin: tuple[str, str] = ("", "")

    def _begin(self, table: pa.Table, piece: int, pieces: int) -> None:
        """Take up the rows of a piece, and those of the store that they may touch."""
        self.new = _fitted(table, self.whole)
        self.month, self.parent = _months(self.new), self._parents(self.new)
        self.old_parts = self._touched()
        self.old_from, self.old_row, tables = [], [], [self.whole.empty_table()]
        seen = _Twins(self.new) if piece == 0 and self.ids is None else None  # a piece is a sample of the ids
        for at, part in enumerate(self.old_parts):
            rows = self._rows_of(part)
            if seen is not None:
                seen.look_in(rows)
            if pieces > 1:  # not those that an earlier piece has added, nor those that fall to another
                own = rows["store_addition"].to_numpy() == self.number
                mine = np.flatnonzero(~own & (self._piece_of(rows, pieces) == piece))
                rows = rows.take(pa.array(mine))
            else:
                mine = np.arange(rows.num_rows)
            tables.append(rows)
            self.old_row.append(mine)
            self.old_from.append(np.full(len(mine), at))
        self.old = pa.concat_tables(tables)
        if seen is not None:
            self.unknown, self.twins, self.twin = seen.found()

    def _rows_of(self, part: Part) -> pa.Table:
        """The rows of one part, with the columns that the store will have."""
        now = replace(self.manifest, parts=self.parts, schema=self.schema)
        return _fitted(part_incidents(self.folder, now, (part,), own=True).to_table(), self.whole)

    def _numbered(self, table: pa.Table, rows: np.ndarray) -> pa.Table:
        """Rows of the export with the store's own columns."""
        own = [pa.array(np.full(len(rows), self.number, np.int32)), pa.array(rows.astype(np.int64))]
        own.append(pa.array(_id_numbers(table["incident_id"])))
        for name, column in zip(OWN_COLUMNS, own, strict=True):
            table = table.append_column(name, column)
        return _fitted(table, self.whole)

    def _piece_of(self, table: pa.Table, pieces: int) -> np.ndarray:
        """The piece that each row falls to."""
        ids = table["store_id"].to_numpy()
        when = _hashed(table["occurred_from"].to_pandas().to_numpy(), 1)
        return (np.where((ids == 0) | (self.ids == "own"), when, ids) % np.uint64(pieces)).astype(np.int64)

    def _pieces(self) -> Iterator[tuple[pa.Table, int, int]]:
        """The export's rows, piece by piece; a large one by way of a file for each, read once."""
        pieces = max(-(-len(self.rows) // ROWS_TOGETHER), 1)
        if pieces == 1:
            yield self._numbered(self.read.arrow(), self.rows), 0, 1
            return
        with TemporaryDirectory(prefix=HIDDEN, dir=self.folder) as home:
            paths = [Path(home) / f"{piece}.parquet" for piece in range(pieces)]
            with ExitStack() as stack:
                writers = [stack.enter_context(pq.ParquetWriter(path, self.whole)) for path in paths]
                begin = 0
                for batch in self.read.data.to_batches():
                    table = self._numbered(pa.Table.from_batches([batch]), self.rows[begin : begin + batch.num_rows])
                    begin += batch.num_rows
                    of = self._piece_of(table, pieces)
                    for piece in np.unique(of).tolist():
                        writers[piece].write_table(table.filter(pa.array(of == piece)))
            for piece, path in enumerate(paths):
                yield pq.read_table(path, schema=self.whole), piece, pieces

    def _parents(self, table: pa.Table) -> np.ndarray:
        lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
        return keys_of_points(lon, lat, self.manifest.parent_resolution)

    def _touched(self) -> tuple[Part, ...]:
        """The parts that may change: where new rows belong, of the period, and those that hold one of the ids."""
        places = set(zip(self.month.tolist(), [f"{key:x}" for key in self.parent.tolist()], strict=True))
        now = replace(self.manifest, parts=self.parts)
        in_period = set() if self.period is None else {part.path for part in now.of_period(self.period)}
        wanted = np.unique(self.new["store_id"].to_numpy())
        wanted = wanted[wanted != 0]
        touched = []
        for part in self.parts:
            if (part.month, part.parent) in places or part.path in in_period or self._has_id(part, wanted):
                touched.append(part)
        return tuple(touched)

    def _has_id(self, part: Part, wanted: np.ndarray) -> bool:
        if self.ids == "own" or not len(wanted):
            return False
        require_parts(self.folder, (part,))
        held = pq.read_table(self.folder / part.path, columns=["store_id"])["store_id"].to_numpy()
        at = np.searchsorted(wanted, held)  # `wanted` is sorted, and is not sorted anew for each part
        return bool((wanted[np.minimum(at, len(wanted) - 1)] == held).any())

    def commit(self) -> Added:
        """Decide on every row, write the parts that change, and exchange the manifest."""
        written: list[Path] = []
        try:
            return self._commit(written)
        except BaseException:
            self._take_back(written)
            raise

    def _commit(self, written: list[Path]) -> Added:
        asides, used, replaced = [self._set_aside_at_reading()], 0, Counter[int]()
        for table, piece, pieces in self._pieces():
            self._begin(table, piece, pieces)
            stay, take = self._decide()
            asides.append(self._set_aside(stay, take))
            replaced.update(self.old["store_addition"].to_numpy()[~stay].tolist())
            used += int(take.sum())
            made, gone = self._write_parts(stay, take, written)
            self.parts = (*(part for part in self.parts if part.path not in gone), *made)
        if self.shared and self.alike / self.shared < SAME_IDS:
            raise InputError(Note("store.ids_differ", n=self.shared, alike=self.alike, file=self.name))
        if self.twins >= FEW_TWINS and self.twins > OTHER_IDS * self.unknown:
            new, old = self.twin
            found = {"n": self.twins, "unknown": self.unknown, "new": new, "old": old}
            raise InputError(Note("store.ids_written_otherwise", file=self.name, **found))
        if self.doubted:
            self.notes.append(Note("store.cannot_tell", n=self.doubted))
        aside = pa.concat_tables(asides)
        own = [reason for reason in aside["reason"].to_pylist() if reason != "replaced"]
        entry = Addition(
            number=self.number,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            file=self.name,
            sha256=self.digest,
            rows=len(self.read) + len(self.read.set_aside),
            used=used,
            set_aside={str(reason): n for reason, n in sorted(Counter(own).items())},
            replaced={str(number): n for number, n in sorted(replaced.items())},
            period=None if self.period is None else str(self.period),
            options=self.options,
            dropped={
                name: why.to_dict() if isinstance(why, Note) else str(why)
                for name, why in self.read.source.get("dropped", {}).items()
            },
        )
        entry = Addition(**json.loads(json_text(asdict(entry))))  # as it will be read again
        chain = self.manifest.additions[-1].chain if self.manifest.additions else ""
        entry = replace(entry, chain=entry.chained(chain))
        if len(aside):
            self._write(self.folder / "set_aside" / f"{self.number:06d}.parquet", aside, written)
        named = {part.path for part in self.parts}
        manifest = replace(
            self.manifest,
            version=self.manifest.version + 1,
            schema=self.schema,
            parts=tuple(sorted(self.parts, key=lambda part: part.path)),
            additions=(*self.manifest.additions, entry),
            retired=tuple(sorted(part.path for part in self.manifest.parts if part.path not in named)),
        )
        manifest.check_law()
        write_text(self.folder / MANIFEST, manifest.to_text())
        between = [
            path for path in written if path.parent.name.startswith("h3=")
        ]  # of a piece that a later one replaced
        for path in [*(self.folder / old for old in self.manifest.retired), *between]:
            if path.relative_to(self.folder).as_posix() not in named:
                with suppress(OSError):
                    path.unlink()
        return Added(entry, False, self.notes)

    def _take_back(self, written: list[Path]) -> None:
        """Remove what was written, unless the manifest names it already (a Ctrl-C just after the exchange)."""
        named: set[str] = set()
        with suppress(ReadError):
            manifest = read_manifest(self.folder)
            if len(manifest.additions) >= self.number:
                return
            named = {part.path for part in manifest.parts}
        for path in written:
            if path.relative_to(self.folder).as_posix() not in named:
                with suppress(OSError):
                    path.unlink()

    def _decide(self) -> tuple[np.ndarray, np.ndarray]:
        """Which rows of the touched parts stay, and which of the export's are used."""
        stays, used = np.ones(self.old.num_rows, bool), np.ones(self.new.num_rows, bool)
        if not self.old.num_rows:
            return stays, used
        old, new = _Rows(self.old, self.period), _Rows(self.new, self.period)
        by_id = self._ids_are_incidents(old, new)
        old_named, new_named = (old.named, new.named) if by_id else (old.named & False, new.named & False)
        matched = np.zeros(len(stays), bool)
        if by_id:
            same, corrected = _compare_ids(old, new)
            matched |= old_named & np.isin(old.ids, same)
            used &= ~(new_named & np.isin(new.ids, same))
            stays &= ~(old_named & np.isin(old.ids, corrected))
        for within in (False, True):  # in the period of `replace` rows are compared with all their columns
            of_old = ~old_named & (old.inside if within else ~old.inside & old.telling)
            of_new = ~new_named & (new.inside if within else ~new.inside & new.telling)
            keys_old = old.numbered(within, of_old)
            keys_new = new.numbered(within, of_new)
            matched[of_old] |= np.isin(keys_old, keys_new)
            used[of_new] &= ~np.isin(keys_new, keys_old)
        if self.period is not None:
            stays &= ~old.inside | matched
        self._doubt(~old_named & ~old.telling, used & ~new_named & ~new.telling & ~new.inside)
        return stays, used

    def _ids_are_incidents(self, old: "_Rows", new: "_Rows") -> bool:
        """Whether the same id is the same incident: as given, or as seen from those that both have."""
        if self.ids is not None:
            return self.ids == "same"
        shared = np.isin(new.ids, old.ids) & new.named
        alike = (np.isin(new.when, old.when) & new.telling) | np.isin(new.where, old.where)
        self.shared += int(shared.sum())
        self.alike += int(alike[shared].sum())
        return True  # refused after the last piece where too few are alike

    def _doubt(self, old: np.ndarray, new: np.ndarray) -> None:
        """A note on new rows that could be in the store already, and nothing tells: of a month, without an id."""
        self.doubted += int(np.isin(self.month[new], np.unique(_months(self.old)[old])).sum())

    def _set_aside_at_reading(self) -> pa.Table:
        return _as_aside(self.read.set_aside[ASIDE])

    def _set_aside(self, stays: np.ndarray, used: np.ndarray) -> pa.Table:
        """The rows of a piece that were counted before, and those of the store that it replaces."""
        row = self.new["store_row"].to_numpy()[~used]
        before = aside_rows(self.name, row, "counted_before", shown=self.shown)
        files = {entry.number: entry.file for entry in self.manifest.additions}
        gone = self.old.filter(pa.array(~stays))
        of_file = [files[number] for number in gone["store_addition"].to_pylist()]
        replaced = aside_rows(of_file, gone["store_row"].to_numpy(), "replaced")
        return pa.concat_tables([_as_aside(before), _as_aside(replaced)])

    def _write_parts(self, stays: np.ndarray, used: np.ndarray, written: list[Path]) -> tuple[list[Part], set[str]]:
        """Write anew the parts that gain or lose rows; the new ones, and the paths of those that they replace."""
        gone_from = np.concatenate([*self.old_from, np.empty(0, int)])[~stays]
        gone_row = np.concatenate([*self.old_row, np.empty(0, int)])[~stays]
        taken, at_new = self.new.filter(pa.array(used)), _places(self.month[used], self.parent[used])
        of_place = {f"{part.month}/{part.parent}": (at, part) for at, part in enumerate(self.old_parts)}
        names = {at: place for place, (at, _) in of_place.items()}
        changed = {names[at] for at in np.unique(gone_from).tolist()} | set(at_new)
        made, gone = [], set()
        for place in sorted(changed):
            tables = [taken.take(pa.array(np.flatnonzero(at_new == place)))]
            if place in of_place:
                at, part = of_place[place]
                rows = self._rows_of(part)
                stay = np.ones(rows.num_rows, bool)
                stay[gone_row[gone_from == at]] = False
                tables.insert(0, rows.filter(pa.array(stay)))
                gone.add(part.path)
            both = pa.concat_tables(tables)
            if both.num_rows:
                made.append(self._write_part(place, both, written))
        return made, gone

    def _write_part(self, place: str, table: pa.Table, written: list[Path]) -> Part:
        month, parent = place.split("/")
        since = table["occurred_from"].to_numpy(zero_copy_only=False)
        order = np.lexsort((table["store_row"].to_numpy(), table["store_addition"].to_numpy(), since, _hilbert(table)))
        path = f"incidents/month={month}/h3={parent}/{self.number:06d}-{token_hex(4)}.parquet"
        self._write(self.folder / path, table.take(pa.array(order)), written)
        known = since[~np.isnat(since)]
        return Part(
            path=path,
            month=month,
            parent=parent,
            rows=table.num_rows,
            bytes=(self.folder / path).stat().st_size,
            sha256=sha256_of(self.folder / path),
            first=str(known.min()) if len(known) else None,
            last=str(known.max()) if len(known) else None,
            additions=tuple(sorted(set(table["store_addition"].to_pylist()))),
        )

    @staticmethod
    def _write(place: Path, table: pa.Table, written: list[Path]) -> None:
        with atomic_file(place, make_parents=True) as part:
            pq.write_table(table, part, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)
            written.append(place)


def _as_aside(frame: pd.DataFrame) -> pa.Table:
    frame = frame.copy()
    for name in ("file", "sheet", "reason", "found"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
    return pa.Table.from_pandas(frame, schema=ASIDE_SCHEMA, preserve_index=False)


def _places(months: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Month and H3 cell of each row as one text."""
    at, keys = pd.factorize(parents)
    return (pd.Series(months, dtype=object) + np.array([f"/{key:x}" for key in keys] or [""], object)[at]).to_numpy()


#: Between the numbers of equal rows.
TURN = np.uint64(0x9E3779B97F4A7C15)
#: A whole number as a spreadsheet writes it once a cell of its column is empty.
WHOLE = re.compile(r"^(\d+)\.0+$")


class _Rows:
    """Rows of incidents as numbers that can be compared."""

    def __init__(self, table: pa.Table, period: pd.Period | None, *, content: bool = True):
        self.ids = table["store_id"].to_numpy()
        self.named = self.ids != 0
        frame = table.select(["occurred_from", "occurred_to", "category", "lon", "lat"]).to_pandas()
        length = frame["occurred_to"] - frame["occurred_from"]
        self.telling = (length <= pd.Timedelta(days=1)).to_numpy()
        frame[["lon", "lat"]] = (frame[["lon", "lat"]] * 1e6).round()
        self.when = _hashed(frame["occurred_from"].to_numpy(), 1) + self.ids
        self.where = _hashed(frame["lon"].to_numpy(), 2) + _hashed(frame["lat"].to_numpy(), 3) + self.ids
        self.plain = sum(
            (_hashed(frame[name].to_numpy(), at) for at, name in enumerate(frame)), np.zeros(len(frame), np.uint64)
        )
        self.content = np.zeros(len(frame), np.uint64)
        for at, name in enumerate(name for name in table.column_names if content and name not in OWN_COLUMNS):
            column = table[name]
            known = column.is_valid().to_numpy()
            self.content += np.where(known, _hashed(_comparable(column), at + 10), np.uint64(0))
        if period is None:
            self.inside = np.zeros(len(frame), bool)
        else:
            start, end = period.start_time, (period + 1).start_time
            middle = frame["occurred_from"] + length / 2
            self.inside = ((middle >= start) & (middle < end) & (length <= end - start)).to_numpy()

    def numbered(self, whole: bool, chosen: np.ndarray) -> np.ndarray:
        """A number for each of the chosen rows, in which equal rows differ by their turn."""
        key = pd.Series((self.content if whole else self.plain)[chosen])
        turn = key.groupby(key).cumcount().to_numpy().astype(np.uint64)
        return key.to_numpy() + turn * TURN


class _Twins:
    """Rows of an export whose ids the store does not know, though it has their time, kind and place under others."""

    def __init__(self, new: pa.Table):
        self.new, self.rows = new, _Rows(new, None, content=False)
        self.known = np.zeros(new.num_rows, bool)
        self.ids: list[np.ndarray] = []
        self.keys: list[np.ndarray] = []
        self.words: list[pa.ChunkedArray] = []

    def look_in(self, old: pa.Table) -> None:
        """Take up rows of the store."""
        rows = _Rows(old, None, content=False)
        self.known |= np.isin(self.rows.ids, rows.ids)
        plain = np.flatnonzero(rows.named & rows.telling & np.isin(rows.plain, self.rows.plain))
        self.ids.append(rows.ids[plain])
        self.keys.append(rows.plain[plain])
        self.words.append(old["incident_id"].take(pa.array(plain)))

    def found(self) -> tuple[int, int, tuple[str, str]]:
        """How many rows have an unknown id, how many of them a twin, and two ids that may be one.

        A row of the store is the twin of one row at most, and of none where its own id is in the export.
        """
        new = np.flatnonzero(self.rows.named & self.rows.telling & ~self.known)
        if not len(new) or not self.keys:
            return len(new), 0, ("", "")
        ids, keys = np.concatenate(self.ids), np.concatenate(self.keys)
        free = np.flatnonzero(~np.isin(ids, self.rows.ids))
        old = pd.Series(keys[free]).groupby(keys[free]).cumcount().to_numpy().astype(np.uint64) * TURN + keys[free]
        twins = np.isin(self.rows.numbered(False, new), old)
        if not twins.any():
            return len(new), 0, ("", "")
        first = new[np.flatnonzero(twins)[0]]
        at = free[np.flatnonzero(keys[free] == self.rows.plain[first])[0]]
        words = pa.chunked_array([chunk for column in self.words for chunk in column.chunks], pa.string())
        return len(new), int(twins.sum()), (str(self.new["incident_id"][int(first)]), str(words[int(at)]))


def _compare_ids(old: _Rows, new: _Rows) -> tuple[np.ndarray, np.ndarray]:
    """Of the ids that both have: those whose rows are the same, and those whose rows differ."""

    def summed(rows: _Rows) -> pd.DataFrame:
        mixed = rows.content * np.uint64(0xD6E8FEB86659FD93)
        frame = pd.DataFrame({"id": rows.ids, "content": mixed ^ (mixed >> np.uint64(32)), "n": 1})[rows.named]
        return frame.groupby("id").sum()

    both = summed(old).merge(summed(new), left_index=True, right_index=True, suffixes=("_old", "_new"))
    same = (both["content_old"] == both["content_new"]) & (both["n_old"] == both["n_new"])
    return both.index.to_numpy()[same.to_numpy()], both.index.to_numpy()[~same.to_numpy()]


def _comparable(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return column.to_pandas().to_numpy()
    return column.cast(pa.string()).to_pandas().fillna("").to_numpy(object)


def _hashed(values: np.ndarray, at: int) -> np.ndarray:
    """A number for each value, another in each column."""
    if values.dtype == object:
        values = pd.Series(values).fillna("").astype(str).to_numpy(object)
    key = pd.util.hash_array(values, categorize=True)
    return key * np.uint64(2 * at + 1) ^ np.uint64(at * 0x9E3779B9)


def _id_numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A number for each incident id, the same in all additions and versions; 0 where there is none. 7.0 is 7."""
    coded = column.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    words = [
        int.from_bytes(hashlib.blake2b(WHOLE.sub(r"\1", word).encode(), digest_size=8).digest(), "little") or 1
        for word in coded.dictionary.to_pylist()
    ]
    numbers = np.array([*words, 0], np.uint64)
    return numbers[coded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)]


def _united(before: pa.Schema, now: pa.Schema) -> pa.Schema:
    """The columns of both; one that they hold in different types as numbers where both are, else as text."""
    fields = {field.name: field.type for field in before}
    for column in now:
        name, kind = column.name, column.type
        kind = COLUMNS.get(name, kind.value_type if pa.types.is_dictionary(kind) else kind)
        had = fields.get(name, kind)
        if pa.types.is_null(had) or pa.types.is_null(kind):
            had = kind = kind if pa.types.is_null(had) else had
        numbers = all(pa.types.is_integer(k) or pa.types.is_floating(k) for k in (had, kind))
        fields[name] = kind if had == kind else pa.float64() if numbers else pa.string()
    return pa.schema([pa.field(name, pa.string() if pa.types.is_null(kind) else kind) for name, kind in fields.items()])


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with the columns of a schema, those that it lacks empty."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _months(table: pa.Table) -> np.ndarray:
    """The month in which each row lies, by the middle of its interval."""
    since = table["occurred_from"].to_numpy(zero_copy_only=False).astype("datetime64[us]")
    until = table["occurred_to"].to_numpy(zero_copy_only=False).astype("datetime64[us]")
    until = np.where(np.isnat(until), since, until)
    middle = since + (until - since) // 2
    month = middle.astype("datetime64[M]")
    length = (month + 1).astype("datetime64[us]") - month.astype("datetime64[us]")
    dated = ~np.isnat(since) & (np.abs(until - since) <= length)
    out = month.astype(str).astype(object)
    out[~dated] = UNDATED
    return out


def _hilbert(table: pa.Table) -> np.ndarray:
    """The place of each point along a Hilbert curve over the Earth: near ones lie near each other in a file.

    Source: the algorithm of Skilling's and of Wikipedia's "Hilbert curve", for all points at once.
    """
    side = np.int64(1) << HILBERT_BITS
    x = np.clip((table["lon"].to_numpy() + 180) / 360 * side, 0, side - 1).astype(np.int64)
    y = np.clip((table["lat"].to_numpy() + 90) / 180 * side, 0, side - 1).astype(np.int64)
    along = np.zeros(len(x), np.int64)
    step = side >> 1
    while step:
        right, upper = (x & step) > 0, (y & step) > 0
        along += step * step * ((3 * right) ^ upper)
        flipped = ~upper & right
        x, y = np.where(flipped, side - 1 - x, x), np.where(flipped, side - 1 - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        step >>= 1
    return along


# ------------------------------------------------------------------------------------------ kept counts


def _key_of(grid: Grid, query: CountQuery) -> str:
    """A name for a grid and a question: the cells, how points are found in them, and what is counted."""
    digest = hashlib.sha256(b"1")
    params = {key: value for key, value in grid.params.items() if isinstance(value, str | int | float | bool)}
    digest.update(json_text([grid.system, params, getattr(grid, "overlaps", None), asdict(query)]).encode())
    digest.update("\0".join(map(str, grid.cells.index)).encode())
    digest.update(b"".join(shapely.to_wkb(grid.cells.geometry.to_numpy())))
    return digest.hexdigest()[:32]


class _KeptCounts:
    """Sums by part of one grid and question, in a file of the store."""

    def __init__(self, folder: Path, key: str, manifest: Manifest):
        self.home, self.there = folder / "counts", [part.sha256 for part in manifest.parts]
        self.place = self.home / f"{key}.parquet"

    def brought_up_to_date(self, parts: Sequence[Part], count: Callable[[Part], pa.Table]) -> pa.Table:
        """The sums of these parts: those that are kept, and the others counted now and kept.

        Parameters
        ----------
        parts : sequence of Part
        count : callable
            From a part to its sums.
        """
        held = _of_parts(self._held(), self.there)  # without those of parts that the store has no more
        known = set(held["part"].unique().to_pylist())
        new = [part for part in parts if part.sha256 not in known]
        tables = [held]
        for part in new:
            sums = count(part)
            tables.append(sums.append_column("part", pa.array([part.sha256] * sums.num_rows, pa.string())))
        whole = pa.concat_tables(tables)
        if new:
            self._keep(whole)
        else:
            with suppress(OSError):
                os.utime(self.place)  # used just now
        return _of_parts(whole, [part.sha256 for part in parts]).select(SUMS.names)

    def _held(self) -> pa.Table:
        """What is kept; nothing where there is no such file, or it is damaged."""
        try:
            table = pq.read_table(self.place)
            digest = (table.schema.metadata or {}).get(b"sums", b"").decode()
            plain = table.replace_schema_metadata(None)
            if plain.schema == KEPT_SUMS and digest == _digest(plain):
                return plain
        except (OSError, pa.ArrowException):
            pass
        return KEPT_SUMS.empty_table()

    def _keep(self, table: pa.Table) -> None:
        """Keep the sums where the store can be written; a count that cannot be kept is right all the same."""
        with suppress(OutputError, OSError):
            self.home.mkdir(exist_ok=True)
            plain = table.combine_chunks()
            with atomic_file(self.place) as part:
                pq.write_table(plain.replace_schema_metadata({"sums": _digest(plain)}), part, compression="zstd")
            kept = sorted(self.home.glob("*.parquet"), key=lambda p: p.stat().st_mtime_ns)
            for path in kept[:-KEPT_COUNTS]:
                path.unlink()


def _of_parts(table: pa.Table, parts: Sequence[str]) -> pa.Table:
    return table.filter(pc.is_in(table["part"], pa.array(parts, pa.string())))


def _digest(table: pa.Table) -> str:
    """A hash of the values, so that a damaged file is counted anew."""
    return hashlib.sha256(pd.util.hash_pandas_object(table.to_pandas(), index=False).to_numpy().tobytes()).hexdigest()
