"""An inbox: a folder into which exports are put; when a new one is whole, the pipeline runs on all of them.

`gridmap watch` looks at the folder again and again, or once (`--once`, for cron and Windows' own scheduler). An export
is taken when it was the same at two looks some seconds apart and its end is there, so a file that is still being copied
waits. What was taken stands in `watch.json` beside the runs, by the SHA-256 of the bytes: nothing is run twice, also
not after a restart, and a file that could not be read is left out until it, or the pipeline file, changes. Where no
export is at fault (the pipeline file is gone or has a mistake, the boundaries are away, there are too few incidents
yet), the exports wait and are tried again as soon as any of that changes, or another export comes. Each run gets a
folder of its own, is compared with the one before, and adds one line to `watch.log`. Where the pipeline reads a store
(`incidents: {store: DIR}`), each new export is added to it, and the run is of the store.
"""

import gzip
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd

from gridmap._io import json_text, sha256_of, sha256_of_text, take_lock, write_text
from gridmap.counts.store_adding import IncidentStore
from gridmap.errors import GridmapError, InputError, OutputError, ReadError, SettingError
from gridmap.messages import Note
from gridmap.read.boundaries import read_boundaries
from gridmap.read.several_files import READABLE
from gridmap.reports.compare_runs import changes_since
from gridmap.reports.facts import Fact
from gridmap.reports.results_folder import RunFolder, read_run
from gridmap.runs.config import Pipeline, read_pipeline
from gridmap.runs.input_files import check_confined, files_named, input_of
from gridmap.runs.run import RunReport, read_all_incidents, run_pipeline
from gridmap.runs.yamlfile import read_yaml

__all__ = ["Inbox", "Looked", "watch"]

WAITS = "waiting"
STATE, LOG, HELD = "watch.json", "watch.log", ".gridmap-watch"
#: What browsers, copiers and Office call a file that is not whole yet.
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart")
#: Inputs are read in so many bytes at a time, to see whether a compressed one has its end.
STEP = 1 << 20


@dataclass(frozen=True)
class Looked:
    """What one look at the inbox came to.

    Attributes
    ----------
    lines : list of Note or str
        One for each thing that happened; empty where there was nothing new.
    run : Path or None
        The folder of the run that was made.
    failed : bool
        Whether something new could not be used.
    waits : bool
        Whether exports wait for something else than themselves.
    """

    lines: list[Any] = field(default_factory=list)
    run: Path | None = None
    failed: bool = False
    waits: bool = False


class Inbox:
    """The exports of a folder, and the runs that were made of them.

    Parameters
    ----------
    pipeline : str or Path
        The pipeline file; the inbox's exports take the place of its `incidents: path:`.
    inbox : str or Path
    out : str or Path
        Holds a folder for each run, `watch.json` and `watch.log`; made if absent.
    overrides : list of "key=value"
        As `gridmap run --set` takes them.
    latest : bool
        Each export is whole by itself: run the newest alone, not all of them together.
    confined : bool
        Refuse whatever lies outside the pipeline's folder, the inbox among it.
    settle_s : float
        Seconds between the two looks at which an export must be the same.

    Raises
    ------
    ReadError, SettingError
        If the inbox is not a folder, or the pipeline file has a mistake: before anything is waited for.
    """

    def __init__(
        self,
        pipeline: str | Path,
        inbox: str | Path,
        out: str | Path,
        *,
        overrides: Sequence[str] = (),
        latest: bool = False,
        confined: bool = False,
        settle_s: float = 5.0,
    ):
        self.pipeline, self.inbox, self.out = Path(pipeline), Path(inbox), Path(out)
        self.overrides, self.latest, self.confined, self.settle_s = list(overrides), latest, confined, settle_s
        if not self.inbox.is_dir():
            raise ReadError(Note("inbox.no_folder", folder=str(inbox)))
        if self.out.resolve() == self.inbox.resolve() or self.out.resolve().is_relative_to(self.inbox.resolve()):
            raise SettingError(Note("inbox.out_inside", out=str(out)))
        checked = self._read([])
        self.language = checked.language
        #: The store to which each export is added, where the pipeline reads one.
        self.store = IncidentStore(checked.beside(checked.incidents.store)) if checked.incidents.store else None
        self._away = False
        #: Name → (size and time of change, SHA-256): an export that stays as it is is hashed once.
        self._known: dict[str, tuple[tuple[int, int], str]] = {}
        #: Name → the sentence about an export that came into the store; None once it is among the lines.
        self._stored: dict[str, Note | None] = {}
        #: What waited when a run was last tried, and what it then found: as long as both stay, so does the end.
        self._tried: Any = None

    def look(self, *, on_step: Callable[[str], None] | None = None) -> Looked:
        """Look once, and run where an export is new and whole.

        Raises
        ------
        OutputError
            If the folder of the runs cannot be written.
        """
        try:
            names = self._whole()
        except OSError as error:
            gone = Note("inbox.away", folder=self.inbox.name, why=error.strerror or str(error))
            known, self._away = self._away, True
            return Looked([] if known else [gone])
        lines: list[Any] = [Note("inbox.back", folder=self.inbox.name)] if self._away else []
        self._away = False
        seen = self._again_with(self._state())
        digests = {name: digest for name in names if (digest := self._digest(name)) is not None}
        lines += self._again(digests, seen)
        once = {digests[name]: name for name in sorted(digests, reverse=True)}  # the same bytes under two names
        new = sorted(name for digest, name in once.items() if _state_of(seen, digest) == WAITS)
        found = self._circumstances()
        if not new or self._tried == ([digests[name] for name in new], found):
            return Looked(lines)
        if self.latest:
            looked = self._run_newest(new, digests, seen, lines, on_step)
        else:
            used = sorted(name for digest, name in once.items() if _state_of(seen, digest) in ("run", "older"))
            looked = self._run(used, new, digests, seen, lines, on_step)
        waiting = [digests[name] for name in new if _state_of(seen, digests[name]) == WAITS]
        self._tried = (waiting, found) if looked.waits else None
        return looked

    def _run_newest(
        self,
        new: Sequence[str],
        digests: Mapping[str, str],
        seen: dict[str, dict[str, Any]],
        lines: list[Any],
        on_step: Callable[[str], None] | None,
    ) -> Looked:
        """Run the newest export that can be read; older ones that came along are passed over."""
        from_old = sorted(new, key=lambda name: (self._known[name][0][1], name))
        failed = False
        while from_old:
            looked = self._run([], [name := from_old.pop()], digests, seen, lines, on_step)
            lines, failed = looked.lines, failed or looked.failed
            if looked.run is not None:
                for older in from_old:
                    seen[digests[older]] = {"name": older, "when": _now(), "state": "older"}
                self._keep(seen)
            if _state_of(seen, digests[name]) != "failed":
                return Looked(lines, looked.run, failed, looked.waits)
        return Looked(lines, failed=failed)

    def _run(
        self,
        used: Sequence[str],
        new: Sequence[str],
        digests: Mapping[str, str],
        seen: dict[str, dict[str, Any]],
        lines: list[Any],
        on_step: Callable[[str], None] | None,
    ) -> Looked:
        """Run on what was used before and what is new, without those of the new that cannot be read."""
        folder = self._folder_for(datetime.now())
        failed = False
        try:
            try:
                report = self._run_into(folder, used, new, lines, on_step)
            except (InputError, SettingError):
                if not self._still_there(new):
                    return Looked(lines)  # open elsewhere, or not whole after all: the next look takes it
                bad = self._unreadable(folder, used, new)
                if not bad:
                    raise
                new, failed = [name for name in new if name not in bad], True
                for name, why in bad.items():
                    line = Note("inbox.failed", when=_clock(), files=_shown([name]), why=why)
                    entry = {"name": name, "when": _now(), "state": "failed", "why": str(why)}
                    seen[digests[name]] = {**entry, "pipeline": self._pipeline_now()}
                    self._keep(seen, line)
                    lines = [*lines, line]
                if not new:
                    return Looked(lines, failed=True)
                report = self._run_into(folder, used, new, lines, on_step)
        except OutputError:
            raise  # the disk is full, or the folder is gone: not the export's fault
        except GridmapError as error:
            why = error.args[0] if error.args else str(error)
            if getattr(why, "code", "") == "runs.changed_while_read":
                return Looked(lines, failed=failed)
            line = Note("inbox.waits", when=_clock(), files=_shown(new), why=why)
            known = all(seen.get(digests[name], {}).get("why") == str(why) for name in new)
            for name in new:
                seen[digests[name]] = {"name": name, "when": _now(), "state": WAITS, "why": str(why)}
            self._keep(seen, None if known else line)
            return Looked([*lines, line], failed=True, waits=True)
        made = read_run(folder)
        stated = [fact.note() for fact in made.facts if fact.step is not None]
        since = self._since(made, seen)
        line = Note(
            "inbox.line",
            when=_clock(),
            files=_shown(new),
            n=len(report.incidents),
            found=next(iter(stated), None) or "",
            since=next((fact.note() for fact in since), None) or "",
            folder=folder.name,
        )
        for name in new:
            seen[digests[name]] = {"name": name, "when": _now(), "state": "run", "run": folder.name}
        self._keep(seen, line)
        return Looked([*lines, line], folder, failed)

    def _run_into(
        self,
        folder: Path,
        used: Sequence[str],
        new: Sequence[str],
        lines: list[Any],
        on_step: Callable[[str], None] | None,
    ) -> RunReport:
        """One run of these exports; what is new goes into the store first, where there is one."""
        pipeline = self._read(sorted([*used, *new]))
        if self.confined:
            check_confined(pipeline, folder)
        if self.store is not None:
            for name in new:
                self._add(self.store, name, pipeline)
                if (sentence := self._stored[name]) is not None:
                    lines.append(sentence)
                    self._stored[name] = None
        return run_pipeline(pipeline, folder, on_step=on_step)

    def _add(self, store: IncidentStore, name: str, pipeline: Pipeline) -> None:
        """Add an export to the store; that the store has it is news only where it did not come there from here."""
        added = store.add(self.inbox / name, **pipeline.incidents.options)
        if not added.again or name not in self._stored:
            self._stored[name] = added.sentence()

    def _unreadable(self, folder: Path, used: Sequence[str], new: Sequence[str]) -> dict[str, Any]:
        """The new exports that cannot be read, alone or beside the others, and why; none where that lies elsewhere."""
        try:
            pipeline = self._read([])
            boundaries = read_boundaries(input_of(pipeline, pipeline.boundaries.path), **pipeline.boundaries.options)
        except GridmapError:
            return {}
        if used and self._why_not(folder, used, boundaries) is not None:
            return {}  # what was read before is not read now
        bad = {name: why for name in new if (why := self._why_not(folder, [name], boundaries)) is not None}
        kept = list(used)
        for name in [name for name in new if name not in bad] if self.store is None else []:
            if (found := self._why_not(folder, [*kept, name], boundaries)) is None:
                kept.append(name)
            else:
                bad[name] = found
        return bad

    def _why_not(self, folder: Path, names: Sequence[str], boundaries: gpd.GeoDataFrame) -> Any:
        """Why these exports cannot be read; None where they can."""
        try:
            pipeline = self._read(sorted(names))
            if self.confined:
                check_confined(pipeline, folder)
            if self.store is not None:
                for name in names:
                    self._add(self.store, name, pipeline)
            else:
                read_all_incidents(pipeline, boundaries)
        except OutputError:
            raise
        except GridmapError as error:
            return error.args[0] if error.args else str(error)
        return None

    def _still_there(self, names: Sequence[str]) -> bool:
        """Whether exports are what they were when they were taken, and can be opened."""
        try:
            now = self._seen_now()
        except OSError:
            return False
        return all(now.get(n) == self._known[n][0] and has_its_end(self.inbox / n) for n in names)

    def _pipeline_now(self) -> str | None:
        """The hash of the pipeline file."""
        try:
            return sha256_of_text(self.pipeline.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _again_with(self, seen: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """What was seen; what an earlier pipeline file could not read waits for today's."""
        now = self._pipeline_now()
        waits = {
            digest: {**entry, "state": WAITS}
            for digest, entry in seen.items()
            if entry["state"] == "failed" and entry.get("pipeline", now) != now
        }
        return seen | waits

    def _circumstances(self) -> Any:
        """What a run finds beside the exports: the pipeline file, the files that it names, and the day."""
        try:
            text = self.pipeline.read_bytes()
            named = {"file": read_yaml(self.pipeline).values, "set": [o.partition("=")[2] for o in self.overrides]}
            places = sorted(files_named(named, self.pipeline.parent).values())
            states = [(str(place), place.stat().st_size, place.stat().st_mtime_ns) for place in places]
        except (OSError, GridmapError):
            text, states = b"", []
        return text, states, date.today()

    def _since(self, made: RunFolder, seen: Mapping[str, Mapping[str, Any]]) -> list[Fact]:
        """What changed since the run before; empty at the first one, or where it was taken away."""
        runs = sorted({entry["run"] for entry in seen.values() if entry["state"] == "run"})
        before = next((folder for name in reversed(runs) if (folder := self.out / name).is_dir()), None)
        return [] if before is None else changes_since(made, before).facts

    def _read(self, names: Sequence[str]) -> Pipeline:
        """The pipeline with these exports in the place of its own."""
        if "store" in read_yaml(self.pipeline).values.get("incidents", {}):
            return read_pipeline(self.pipeline, overrides=self.overrides)
        # where there is none yet, the pipeline file stands for one, so that its other settings are checked
        exports = [self._as_written(name) for name in names] or [self.pipeline.name]
        return read_pipeline(self.pipeline, overrides=[*self.overrides, f"incidents.path={json.dumps(exports)}"])

    def _as_written(self, name: str) -> str:
        """The path of an export from the pipeline's folder, so that a run tells no machine's folders."""
        place, home = (self.inbox / name).resolve(), self.pipeline.resolve().parent
        try:
            return Path(os.path.relpath(place, home)).as_posix()
        except ValueError:  # another drive
            return str(place)

    def _whole(self) -> list[str]:
        """Names of the exports that are whole: the same at two looks, and with their end."""
        first = self._seen_now()
        if not any(self._is_news(name, entry) for name, entry in first.items()):
            return sorted(first)
        time.sleep(self.settle_s)
        second = self._seen_now()
        steady = [name for name, entry in second.items() if first.get(name) == entry and entry[0] > 0]
        return sorted(
            name for name in steady if not self._is_news(name, second[name]) or has_its_end(self.inbox / name)
        )

    def _seen_now(self) -> dict[str, tuple[int, int]]:
        """Name → size and time of change, of what could be an export."""
        found = {}
        with os.scandir(self.inbox) as entries:
            for entry in entries:
                name, low = entry.name, entry.name.lower()
                hidden = name.startswith((".", "~$")) or low.endswith(UNFINISHED)
                if not hidden and low.endswith(READABLE) and entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    found[name] = (state.st_size, state.st_mtime_ns)
        return found

    def _is_news(self, name: str, entry: tuple[int, int]) -> bool:
        return name not in self._known or self._known[name][0] != entry

    def _digest(self, name: str) -> str | None:
        path = self.inbox / name
        try:
            state = path.stat()
            entry = (state.st_size, state.st_mtime_ns)
            if self._is_news(name, entry):
                self._known[name] = (entry, sha256_of(path))
        except OSError:  # taken away, or open elsewhere: the next look sees it again
            return None
        return self._known[name][1]

    def _again(self, digests: Mapping[str, str], seen: dict[str, dict[str, Any]]) -> list[Note]:
        """An export that was run before under another name is named once, and not run."""
        lines = []
        for name, digest in digests.items():
            entry = seen.get(digest)
            if entry is not None and name != entry["name"] and name not in entry.get("also", []):
                entry["also"] = [*entry.get("also", []), name]
                lines.append(Note("inbox.same_file", name=name, first=entry["name"]))
        for line in lines:
            self._keep(seen, line)
        return lines

    def _folder_for(self, now: datetime) -> Path:
        base = f"{now:%Y-%m-%d_%H%M%S}"
        return next(p for i in range(1000) if not (p := self.out / (base if not i else f"{base}-{i + 1}")).exists())

    def _state(self) -> dict[str, dict[str, Any]]:
        path = self.out / STATE
        try:
            exports = dict(json.loads(path.read_text(encoding="utf-8"))["exports"])
            for entry in exports.values():
                entry["name"], entry["state"], entry["run"] if entry["state"] == "run" else None
            return exports
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            raise ReadError(Note("inbox.bad_state", path=str(path))) from None

    def _keep(self, seen: Mapping[str, Any], line: Note | None = None) -> None:
        """What was taken, and its line: the line first, so that nothing is taken without one."""
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            if line is not None:
                with (self.out / LOG).open("a", encoding="utf-8") as log:
                    log.write(" ".join(line.say(self.language).split()) + "\n")
        except OSError as error:
            raise OutputError(Note("read.cannot_write", path=str(self.out / LOG), why=error.strerror or "")) from None
        write_text(self.out / STATE, json_text({"format": 1, "exports": seen}, indent=1))


def _state_of(seen: Mapping[str, Mapping[str, Any]], digest: str) -> str:
    """`run`, `older`, `failed`; `waiting` also where it was never seen."""
    return str(seen.get(digest, {}).get("state", WAITS))


def watch(
    inbox: Inbox,
    *,
    every_s: float = 30.0,
    once: bool = False,
    on_look: Callable[[Looked], None],
    on_step: Callable[[str], None] | None = None,
) -> Looked:
    """Look at an inbox again and again, until the process is ended; or once.

    Parameters
    ----------
    inbox : Inbox
    every_s : float
        Seconds between looks.
    once : bool
        Return after the first.
    on_look : callable
        Given what each look came to.
    on_step : callable, optional
        Given the name of each step of a run.

    Raises
    ------
    SettingError
        If another process watches for the same folder of runs.
    """
    with _alone(inbox.out):
        while True:
            looked = inbox.look(on_step=on_step)
            on_look(looked)
            if once:
                return looked
            time.sleep(every_s)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """One watcher for a folder of runs; a lock that ends with its process.

    Raises
    ------
    SettingError
    OutputError
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / HELD).open("a+b")
    except OSError as error:
        raise OutputError(Note("read.cannot_write", path=str(out), why=error.strerror or str(error))) from None
    with handle:
        with suppress(OSError):  # a file system without locks: nobody can be kept out
            if not take_lock(handle):
                raise SettingError(Note("inbox.watched", out=str(out)))
        yield


def has_its_end(path: Path) -> bool:
    """Whether a file that has a mark at its end, a compressed one or a Parquet, has it; true of all others.

    Examples
    --------
    >>> has_its_end(Path("no-such-file.xlsx"))
    False
    """
    low = path.name.lower()
    try:
        if low.endswith((".zip", ".xlsx", ".xlsb", ".ods")):
            return zipfile.is_zipfile(path)
        if low.endswith(".parquet"):
            with path.open("rb") as file:
                file.seek(-4, os.SEEK_END)
                return file.read() == b"PAR1"
        if low.endswith(".gz"):
            with gzip.open(path) as packed:
                while packed.read(STEP):
                    pass
            return True
        with path.open("rb"):  # on Windows a file that is being copied does not open
            return True
    except (OSError, EOFError, zlib.error):
        return False


def _clock() -> str:
    return f"{datetime.now():%Y-%m-%d %H:%M}"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _shown(names: Sequence[str]) -> str:
    """Names of files as a line may hold them: without signs that are not seen.

    Examples
    --------
    >>> _shown(["a\\u202e\\n.csv", "b.csv"])
    'a.csv, b.csv'
    """
    return ", ".join("".join(sign for sign in name if sign.isprintable()) for name in names)
