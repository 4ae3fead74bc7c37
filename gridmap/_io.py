"""Files that stand are whole: the one home of writing, hashing and of what a text must not hold.

`atomic_file` and `atomic_folder` give a place to write to that nobody sees, and what was written appears in one step
when the block ends well; when it fails, or the process is killed, nothing is left half-written.

A folder has two cases:

* **The folder is new.** The hidden folder lies beside it and is renamed to it: one step of the file system.
* **The folder is there**, with an earlier run or with files of somebody's own. Files then have to be moved one by
  one, and a process can be killed between two of them. So the hidden folder is first renamed to `.gridmap-commit`,
  which decides that the new outputs hold; `run.json` is taken away before the first file is moved and comes back last,
  so where it stands, the folder was whole. Whoever writes into the folder next finds `.gridmap-commit` and finishes
  the move. What is replaced is kept in it until the end: when a file cannot be moved (a folder of its name, no
  permission) everything goes back to where it was.

The journal of such a move may have been written by a stranger (a folder that came by mail). So it names the numbers by
which the file system knows it and its files (inodes), which nobody can know of a folder that is yet to be unpacked or
copied: a journal that was not begun in this very folder moves nothing. And nothing in it can lead out of the folder: a
name is relative, without `..`, leads through no link, and names a regular file; anything else is refused before the
first step.

A hidden folder holds a lock as long as its process lives, and the next writer takes away those without one. Locks are
flock()'s; where the system has none (Windows), hidden folders are taken away after a day.
"""

import hashlib
import json
import math
import os
import re
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from gridmap.errors import OutputError
from gridmap.messages import Note

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "COMMIT",
    "CONTROL",
    "FORMULA",
    "HIDDEN",
    "as_output_error",
    "atomic_file",
    "atomic_folder",
    "finish_move",
    "guard_formula",
    "json_text",
    "locked",
    "plain_json",
    "remove_own_staging",
    "remove_stale_staging",
    "sha256_of",
    "sha256_of_text",
    "sync",
    "take_lock",
    "unguard_formula",
    "write_bytes",
    "write_text",
    "xml_text",
]

#: How every hidden name of gridmap begins.
HIDDEN = ".gridmap-"
#: A move into a folder that has begun, and must be finished or undone.
COMMIT = ".gridmap-commit"
LAST = "run.json"
DAY_S = 86_400
_moving = threading.RLock()  # a folder's move writes its audit, a file of its own
_dropping = threading.Lock()
_unfinished: set[Path] = set()  # hidden folders of this process, for the one that has to leave at once


# ---------------------------------------------------------------------------------------------- hashes


#: Hashes of this process: which file as it stands on the disk → SHA-256. A file is hashed once, whoever asks.
_hashed: dict[tuple[int, ...], str] = {}
_MOST_HASHED = 10_000
#: A file that was written so shortly ago may change again without its times telling: it is hashed anew.
SETTLED_S = 2.0


def sha256_of_text(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as 64 hexadecimal digits.

    Examples
    --------
    >>> sha256_of_text("a")[:12]
    'ca978112ca1b'
    """
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def sha256_of(path: str | Path, *, follow: bool = True) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits.

    A file that has not changed since (its place, size and times are those that they were) is not read again.

    Parameters
    ----------
    path : str or Path
    follow : bool
        False: a file that has been exchanged for a link or a pipe meanwhile is not opened, but an OSError.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        if not follow and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "not a regular file")
        before = _state(file.fileno())
        if before in _hashed:
            return _hashed[before]
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        settled = time.time() - max(before[3:]) / 1e9 > SETTLED_S
        if settled and _state(file.fileno()) == before and len(_hashed) < _MOST_HASHED:
            _hashed[before] = digest
        return digest


def _state(handle: int) -> tuple[int, ...]:
    found = os.fstat(handle)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


# ---------------------------------------------------------------------------------------------- texts

#: Signs that no XML 1.0 file may hold, and that no table that people read should.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
#: What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_GUARDED = re.compile(r"^'(?=[=+\-@\t\r＝＋－＠])")


def xml_text(text: object) -> str:
    """A text without the signs that XML cannot hold.

    Examples
    --------
    >>> xml_text("a\\x00b\\x0bc")
    'abc'
    """
    return CONTROL.sub("", str(text))


def guard_formula(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe in front; anything else as it is.

    Examples
    --------
    >>> guard_formula("=1+1"), guard_formula("burglary"), guard_formula(-3)
    ("'=1+1", 'burglary', -3)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def unguard_formula(text: str) -> str:
    """The way back from `guard_formula`.

    Examples
    --------
    >>> unguard_formula("'=1+1"), unguard_formula("'s-Hertogenbosch")
    ('=1+1', "'s-Hertogenbosch")
    """
    return _GUARDED.sub("", text)


def plain_json(value: Any) -> Any:
    """A value as JSON holds it: numbers of NumPy as numbers, what is not a number as null, all else as its text.

    Examples
    --------
    >>> import numpy as np
    >>> plain_json({"n": np.int64(3), "share": float("nan"), "at": Path("a"), "list": np.array([1.5, np.inf])})
    {'n': 3, 'share': None, 'at': 'a', 'list': [1.5, None]}
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_json(v) for v in value]
    if hasattr(value, "tolist"):  # of NumPy and pandas
        return plain_json(value.tolist())
    return str(value)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON, in characters as they are, with a line end."""
    return json.dumps(plain_json(value), ensure_ascii=False, indent=indent, allow_nan=False) + "\n"


# ---------------------------------------------------------------------------------------------- failures

#: Errors by which a library says that it could not write; by name, so that none need be imported for it.
_FAILURES = {
    ("pyogrio.errors", "DataSourceError"),
    ("pyogrio.errors", "DataLayerError"),
    ("pyogrio.errors", "FeatureError"),
    ("pyogrio.errors", "FieldError"),
    ("rasterio.errors", "RasterioError"),
    ("xlsxwriter.exceptions", "XlsxWriterException"),
}


def _is_failure(error: BaseException) -> bool:
    named = {(c.__module__, c.__name__) for c in type(error).__mro__}
    return isinstance(error, OSError | sqlite3.Error) or bool(named & _FAILURES)


def _reason(error: BaseException) -> str:
    reason = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
    return "the disk is full" if "disk is full" in reason else reason[:160].rstrip(".")


@contextmanager
def as_output_error(message: Callable[[str], str], *, of_libraries: bool = False) -> Iterator[None]:
    """What the system or a library says of a file that it could not write, as an OutputError.

    Parameters
    ----------
    message : callable
        From the reason, in the library's words, to the message.
    of_libraries : bool
        Whether only libraries' own errors are meant, and those of the system pass.
    """
    try:
        yield
    except Exception as error:
        if not _is_failure(error) or (of_libraries and isinstance(error, OSError)):
            raise
        raise OutputError(message(_reason(error))) from error


# ---------------------------------------------------------------------------------------------- one file


@contextmanager
def atomic_file(
    path: str | Path, *, message: Callable[[str], str] | None = None, make_parents: bool = False, held: bool = False
) -> Iterator[Path]:
    """A place to write to, which becomes the file `path` when the block ends well and vanishes when not.

    Parameters
    ----------
    path : str or Path
        A file of that name is replaced.
    message : callable, optional
        From the reason to what an OutputError should say.
    make_parents : bool
        Whether the folder is made where there is none.
    held : bool
        Whether the caller holds the folder already (`locked`).

    Yields
    ------
    Path
        Of the same name in a hidden folder. Whatever is written beside it there (the sidecar files of a shapefile) is
        moved along, the file itself last.

    Raises
    ------
    OutputError
        If the place cannot be written. Nothing is left there.

    Examples
    --------
    >>> place = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with atomic_file(place) as part:
    ...     _ = part.write_text("whole", encoding="utf-8")
    >>> place.read_text(encoding="utf-8"), [p.name for p in place.parent.iterdir()]
    ('whole', ['a.txt'])
    """
    path = Path(path)
    say = message or (lambda why: Note("io.cannot_write", path=str(path), why=why))
    if path.is_dir():
        raise OutputError(Note("io.is_a_folder", path=str(path)))
    with as_output_error(say), ExitStack() as stack:
        if make_parents:
            path.parent.mkdir(parents=True, exist_ok=True)
        hidden = stack.enter_context(_staged_in(path.parent, held=held))
        yield hidden / path.name
        made = sorted(hidden.iterdir(), key=lambda p: p.name == path.name)
        for part in made:
            sync(part)
        with _moving:
            for part in made:
                part.replace(path.parent / part.name)


def write_text(
    path: str | Path, text: str, *, message: Callable[[str], str] | None = None, make_parents: bool = False
) -> Path:
    """Write a text as UTF-8, whole or not at all."""
    return write_bytes(path, text.encode("utf-8"), message=message, make_parents=make_parents)


def write_bytes(
    path: str | Path, data: bytes, *, message: Callable[[str], str] | None = None, make_parents: bool = False
) -> Path:
    """Write bytes, whole or not at all."""
    with atomic_file(path, message=message, make_parents=make_parents) as part:
        part.write_bytes(data)
    return Path(path)


def sync(path: Path) -> None:
    """Bring a file onto the disk, so that a power cut after a move leaves no empty file."""
    if path.is_file():
        with path.open("r+b") as file:  # a handle that may write: Windows syncs no other
            os.fsync(file.fileno())


# ---------------------------------------------------------------------------------------------- hidden folders


@contextmanager
def _staged_in(home: Path, *, held: bool = False) -> Iterator[Path]:
    """An empty folder in a hidden one in `home`, which is locked by this process; gone when the block ends."""
    with ExitStack() as stack:
        with nullcontext() if held else locked(home):
            hidden = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=home))
            _unfinished.add(hidden)
            stack.callback(_unfinished.discard, hidden)
            stack.callback(_drop, hidden)
            (hidden / "files").mkdir()
            if fcntl is not None:
                lock = stack.enter_context((hidden / "lock").open("wb"))
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield hidden / "files"


def _drop(hidden: Path) -> None:
    """Take a hidden folder away, one thread at a time: of two at once each may fail where the other has just been."""
    with _dropping:
        try:
            shutil.rmtree(hidden, ignore_errors=True)
        finally:  # a Ctrl-C that comes while it is being taken away
            shutil.rmtree(hidden, ignore_errors=True)


def remove_own_staging() -> None:
    """Take away the hidden folders of this process: for an end that runs no `finally`."""
    _moving.acquire(timeout=5)  # a move that has begun is ended first; nothing starts one afterwards
    for hidden in list(_unfinished):
        _drop(hidden)


def remove_stale_staging(home: Path) -> None:
    """Take away the hidden folders of processes that were killed."""
    with locked(home), suppress(OSError):
        for left in home.glob(f"{HIDDEN}*"):
            if left.name != COMMIT and not left.is_symlink() and left.is_dir() and not _alive(left):
                shutil.rmtree(left, ignore_errors=True)


def _alive(hidden: Path) -> bool:
    """Whether the process that made a hidden folder may still be at work."""
    try:
        if fcntl is None:
            return time.time() - hidden.stat().st_mtime < DAY_S
        if not stat.S_ISREG((hidden / "lock").lstat().st_mode):
            return False  # not made by gridmap: a pipe would be waited for
        with (hidden / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def take_lock(handle: IO[bytes]) -> bool:
    """Whether an open file is ours alone from now on, until it is closed or this process ends; never waits.

    Raises
    ------
    OSError
        On a file system that has no locks.
    """
    if fcntl is None:  # Windows
        import msvcrt

        try:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against the moves of other processes."""
    if fcntl is None or not folder.is_dir():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# ---------------------------------------------------------------------------------------------- a whole folder


@contextmanager
def atomic_folder(
    out: str | Path, *, finish: Callable[[Path, Path], Mapping[str, str]] | None = None
) -> Iterator[Path]:
    """A hidden folder to write into, whose files become those of `out` when the block ends well, and vanish when not.

    Parameters
    ----------
    out : str or Path
        Made with its parents if absent. Files of the same names are replaced, others are left.
    finish : callable, optional
        Called with the hidden folder and `out` when all is written and `out` is held: it may write more, and gives
        back which files of `out` are to be taken away: name → SHA-256. One whose hash is another is left.

    Raises
    ------
    OutputError
        Before the block: if `out` cannot be written, or an interrupted move cannot be finished. After it: if the files
        cannot be moved; the folder is then as it was.
    """
    out = Path(out)
    with ExitStack() as stack:
        try:
            files, fresh, made = _hidden_folder(out, stack)
        except OSError as error:
            raise OutputError(Note("io.folder_cannot_write", folder=str(out), why=_reason(error))) from None
        try:
            yield files
            with _moving:
                _commit(files, out, fresh, finish)
        except OSError as error:
            name = f" ({Path(error.filename).name})" if error.filename else ""
            raise OutputError(Note("io.not_finished", folder=str(out), why=_reason(error) + name)) from error
        finally:
            stack.close()
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()


def _hidden_folder(out: Path, stack: ExitStack) -> tuple[Path, bool, list[Path]]:
    """The hidden folder, whether `out` is new, and the parents that were made for it, the deepest first."""
    if (fault := finish_move(out)) is not None:
        raise OutputError(Note("io.interrupted", commit=str(out / COMMIT), why=fault))
    fresh, made = not out.exists(), []
    if fresh:
        home, missing = out.parent, []
        while not home.exists():
            missing.append(home)
            home = home.parent
        out.parent.mkdir(parents=True, exist_ok=True)
        made, home = missing, out.parent
    else:
        home = out
    remove_stale_staging(out.parent)
    if not fresh:
        remove_stale_staging(out)
    return stack.enter_context(_staged_in(home)), fresh, made


def _commit(files: Path, out: Path, fresh: bool, finish: Callable[[Path, Path], Mapping[str, str]] | None) -> None:
    """Make the staged files the folder's own."""
    if fresh:
        if finish is not None:
            finish(files, out)
        _sync_all(files)
        files.chmod(0o777 & ~_umask())
        with suppress(OSError):  # another one has ended here meanwhile: then as into a folder that is there
            files.rename(out)
            return
    hidden = files.parent
    with locked(out):
        finish_move(out, held=True)
        removed = dict(finish(files, out)) if finish is not None else {}
        plan = {"remove": removed, "files": _sync_all(files)}
        _write_journal(hidden, plan)
        hidden.rename(out / COMMIT)
        if (fault := finish_move(out, held=True)) is not None:
            raise OSError(0, fault)


def _write_journal(hidden: Path, plan: dict[str, Any]) -> None:
    """The plan, with the numbers by which the file system knows the journal and the files that wait in it."""
    journal = hidden / "plan.json"
    journal.touch()
    plan["inodes"] = _inodes(hidden, plan["files"])
    journal.write_text(json.dumps(plan), encoding="utf-8", newline="\n")
    sync(journal)


def _inodes(commit: Path, files: list[str]) -> dict[str, int]:
    """Path in the journal → inode, of itself, of its plan, and of the files that still wait in it."""
    parts = {".": commit, "plan.json": commit / "plan.json"} | {f"files/{n}": commit / "files" / n for n in files}
    return {name: place.lstat().st_ino for name, place in parts.items() if place.is_symlink() or place.exists()}


def _sync_all(files: Path) -> list[str]:
    """The names of all staged files, each brought onto the disk."""
    found = sorted(p for p in files.rglob("*") if p.is_file())
    for path in found:
        sync(path)
    return [p.relative_to(files).as_posix() for p in found]


def finish_move(out: Path, *, held: bool = False) -> str | None:
    """Finish the move that a killed process has left in `out`; the reason when it cannot be, and all is put back."""
    commit = out / COMMIT
    if not (commit.is_symlink() or commit.exists()):
        return None
    with ExitStack() as stack:
        if not held:
            stack.enter_context(locked(out))
            if not commit.exists():  # the process that held the lock has ended it
                return None
        try:
            plan = _plan(commit, out)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            return Note("io.foreign_journal", why=_reason(error))  # nothing was touched
        try:
            _forward(commit, out, plan)
        except OSError as error:
            reason = f"{error.strerror or error} ({Path(error.filename2 or error.filename or out).name})"
            with suppress(OSError):
                _back(commit, out, plan)
                _take_away(commit)
            return reason
        _take_away(commit)
    return None


def _forward(commit: Path, out: Path, plan: Mapping[str, Any]) -> None:
    """Move the new files in, the old ones out of the way; may be called again at whatever point it was killed."""
    new, old = commit / "files", commit / "old"
    names = [n for n in plan["files"] if (new / n).exists()]
    if LAST in names and (out / LAST).exists():
        _move(out / LAST, old / LAST)
    for name in sorted(names, key=lambda n: (n == LAST, n)):
        if (out / name).is_symlink() or (out / name).exists():
            if (out / name).is_dir():
                raise IsADirectoryError(21, "there is a folder where a file should be", str(out / name))
            _move(out / name, old / name)
        _move(new / name, out / name)
    for name, digest in plan["remove"].items():
        if (out / name).is_file() and not (out / name).is_symlink() and sha256_of(out / name) == digest:
            _move(out / name, old / name)
        with suppress(OSError):
            (out / name).parent.rmdir()  # an emptied patrol/; never `out`, which holds run.json


def _back(commit: Path, out: Path, plan: Mapping[str, Any]) -> None:
    """Undo `_forward` as far as it came."""
    new, old = commit / "files", commit / "old"
    for name in plan["files"]:
        if not (new / name).exists() and (out / name).is_file():
            _move(out / name, new / name)
    for path in sorted(p for p in old.rglob("*") if not p.is_dir()):
        _move(path, out / path.relative_to(old))


def _plan(commit: Path, out: Path) -> dict[str, Any]:
    """What is to be moved and taken away, every name held against leading out of the folder.

    Raises
    ------
    ValueError, OSError
        If it is not as gridmap writes it.
    """
    _real_folder(commit)
    journal = commit / "plan.json"
    if not stat.S_ISREG(journal.lstat().st_mode):
        raise ValueError("plan.json is not a file")
    plan = json.loads(journal.read_text(encoding="utf-8"))
    files, remove = plan["files"], plan["remove"]
    if not isinstance(files, list) or not isinstance(remove, dict):
        raise ValueError("plan.json")
    for part in ("files", "old"):
        if part == "files" or (commit / part).is_symlink() or (commit / part).exists():
            _real_folder(commit / part)
    for name in (*files, *remove):
        for place in (out, commit / "files", commit / "old"):
            _check_inside(name, place)
        staged = commit / "files" / name
        if (staged.is_symlink() or staged.exists()) and not stat.S_ISREG(staged.lstat().st_mode):
            raise ValueError(f"{name} is not a regular file")
    known = plan["inodes"]
    if any(known.get(name) != inode for name, inode in _inodes(commit, files).items()):
        raise ValueError("it was not begun in this folder")
    old = commit / "old"
    if any(p.is_symlink() and p.is_dir() for p in old.rglob("*")):
        raise ValueError("old leads elsewhere")
    return {"files": files, "remove": remove}


def _real_folder(path: Path) -> None:
    if not stat.S_ISDIR(path.lstat().st_mode):
        raise ValueError(f"{path.name} is not a folder")


def _check_inside(name: Any, folder: Path) -> None:
    """Refuse a name that is not that of a file below `folder`, reached through real folders only."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name or PureWindowsPath(name).drive:
        raise ValueError(f"the name {name!r}")
    pure = PurePosixPath(name)
    if pure.is_absolute() or pure.as_posix() != name or ".." in pure.parts or COMMIT in pure.parts:
        raise ValueError(f"the name {name!r} leads out of the folder")
    here = folder
    for part in pure.parts[:-1]:
        here = here / part
        if here.is_symlink():
            raise ValueError(f"{name!r} leads through a link")


def _take_away(commit: Path) -> None:
    """Rename first: a folder that is half taken away must not look like a move to be finished."""
    done = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=commit.parent))
    commit.replace(done)
    shutil.rmtree(done, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
