"""A folder whose outputs are those of one whole run, at whatever moment the run is killed.

A run writes into a hidden folder and the outputs appear when all of them are whole. Two cases:

* **The folder is new.** The hidden folder lies beside it and is renamed to it: one step of the file system.
* **The folder is there**, with an earlier run or with files of somebody's own. Files then have to be moved one by
  one, and a run can be killed between two of them. So the hidden folder is first renamed to `.gridmap-commit`, which
  decides that the new outputs hold; `run.json` is taken away before the first file is moved and comes back last, so
  where it stands, the run was whole. Whoever opens the folder next, a run or `gridmap verify`, finds `.gridmap-commit`
  and finishes the move. What is replaced is kept in it until the end: when a file cannot be moved (a folder of its
  name, no permission) everything goes back to where it was.

Outputs of the earlier run that the new one does not write are taken away, so that the folder never mixes two runs
(nor two audiences); a file that somebody changed since is left.

Runs into one folder at the same time: the move holds a lock on the folder, so the last that ends is there as a whole.
A hidden folder holds a lock as long as its run lives: the next run takes away those without one. Locks are flock()'s;
where the system has none (Windows), hidden folders are taken away after a day.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridmap.errors import OutputError
from gridmap.manifest.audit import AUDIT, audit_line, entry_of, outputs_in, read_audit
from gridmap.manifest.record import sha256_of

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["COMMIT", "Stage", "finish_move", "locked", "put_aside", "staging"]

PREFIX = ".gridmap-"
COMMIT = ".gridmap-commit"
LAST = "run.json"
DAY = 86_400
_moving = threading.Lock()
_dropping = threading.Lock()
_unfinished: set[Path] = set()  # hidden folders of this process, for the one that has to leave at once


@dataclass
class Stage:
    """Where a run writes, and what the audit will say of it.

    Attributes
    ----------
    folder : Path
        Everything in it is an output.
    facts : dict
        What the audit's line says beside the outputs: inputs, settings, audience, …
    """

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)


def put_aside() -> None:
    """Take away the hidden folders of this process: for an end that runs no `finally`."""
    _moving.acquire(timeout=5)  # a move that has begun is ended first; nothing starts one afterwards
    for hidden in list(_unfinished):
        _drop(hidden)


def _drop(hidden: Path) -> None:
    """Take a hidden folder away, one thread at a time: of two at once each may fail where the other has just been."""
    with _dropping:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def staging(out: str | Path) -> Iterator[Stage]:
    """A hidden folder to write into, which becomes `out` when the block ends well and vanishes when not.

    Raises
    ------
    OutputError
        Before the block: if `out` cannot be written or an earlier run cannot be finished. After it: if the outputs
        cannot be moved; the folder is then as it was.
    """
    out = Path(out)
    with ExitStack() as stack:
        try:
            hidden, fresh, made = _hidden_folder(out, stack)
        except OSError as error:
            raise OutputError(
                f"The folder {out} cannot be written: {error.strerror}. Name another one with --out."
            ) from None
        _unfinished.add(hidden)
        try:
            stage = Stage(hidden / "files")
            yield stage
            with _moving:
                _commit(stage, hidden, out, fresh)
        except OSError as error:
            raise OutputError(
                f"The run could not be finished: {error.strerror or error}"
                f"{f' ({Path(error.filename).name})' if error.filename else ''}. Nothing was written to {out}."
            ) from error
        finally:
            _drop(hidden)
            _unfinished.discard(hidden)
            for folder in made:
                with suppress(OSError):
                    folder.rmdir()


def _hidden_folder(out: Path, stack: ExitStack) -> tuple[Path, bool, list[Path]]:
    """The hidden folder, whether `out` is new, and the parents that were made for it, the deepest first."""
    if (fault := finish_move(out)) is not None:
        raise OutputError(
            f"An interrupted run has left {out / COMMIT}, and its files cannot be moved ({fault}). "
            "Put that right, or name another folder with --out."
        )
    _check_chain(out)
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
    _take_away_the_dead(out.parent)
    if not fresh:
        _take_away_the_dead(out)
    with locked(home):
        hidden = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        (hidden / "files").mkdir()
        if fcntl is not None:
            lock = stack.enter_context((hidden / "lock").open("wb"))
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return hidden, fresh, made


def _take_away_the_dead(home: Path) -> None:
    """The hidden folders of runs that were killed."""
    with locked(home), suppress(OSError):
        for left in home.glob(f"{PREFIX}*"):
            if left.name != COMMIT and not _alive(left):
                shutil.rmtree(left, ignore_errors=True)


def _alive(hidden: Path) -> bool:
    """Whether the run that made a hidden folder may still be at work."""
    try:
        if fcntl is None:
            return time.time() - hidden.stat().st_mtime < DAY
        with (hidden / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against the moves of other runs."""
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


def _commit(stage: Stage, hidden: Path, out: Path, fresh: bool) -> None:
    """Make the staged files the folder's outputs."""
    if fresh:
        _sign(stage, out)
        stage.folder.chmod(0o777 & ~_umask())
        with suppress(OSError):  # another run has ended here meanwhile: then as into a folder that is there
            stage.folder.rename(out)
            return
    with locked(out):
        finish_move(out, held=True)
        plan = {"remove": _sign(stage, out)}
        plan["files"] = [p.relative_to(stage.folder).as_posix() for p in stage.folder.rglob("*") if p.is_file()]
        (hidden / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        hidden.rename(out / COMMIT)
        if (fault := finish_move(out, held=True)) is not None:
            raise OSError(0, fault)


def _sign(stage: Stage, out: Path) -> list[str]:
    """Write the audit beside the staged outputs; the earlier run's outputs that are to go."""
    lines, folder = _check_chain(out), stage.folder
    (folder / AUDIT).unlink(missing_ok=True)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    entries = [entry_of(folder, Path(name)) for name in names]
    line = audit_line(lines, {"what": "run", **stage.facts, "outputs": entries})
    (folder / AUDIT).write_text("".join(f"{text}\n" for text in [*lines, line]), encoding="utf-8", newline="\n")
    for name in [*names, AUDIT]:  # on the disk before the move, so that a power cut leaves no empty file
        with (folder / name).open("rb") as file:
            os.fsync(file.fileno())
    earlier = outputs_in(lines)
    return [n for n, entry in earlier.items() if n not in names and _unchanged(out / n, entry)]


def _check_chain(out: Path) -> list[str]:
    """The lines of the folder's audit; a run adds to no chain that was tampered with."""
    lines, faults = read_audit(out) if out.is_dir() else ([], [])
    if faults:
        raise OutputError(
            f"{faults[0]}, so {out} is not as its run left it (see gridmap verify). Name another folder with --out."
        )
    return lines


def _unchanged(path: Path, entry: dict) -> bool:
    with suppress(OSError):
        return path.is_file() and not path.is_symlink() and sha256_of(path) == entry["sha256"]
    return False


def finish_move(out: Path, *, held: bool = False) -> str | None:
    """Finish the move that a killed run has left in `out`; the reason when it cannot be, and all is put back."""
    commit = out / COMMIT
    if not commit.is_dir():
        return None
    with ExitStack() as stack:
        if not held:
            stack.enter_context(locked(out))
            if not commit.is_dir():  # the run that held the lock has ended it
                return None
        try:
            _forward(commit, out)
        except OSError as error:
            reason = f"{error.strerror or error} ({Path(error.filename2 or error.filename or out).name})"
            with suppress(OSError):
                _back(commit, out)
                _take_away(commit)
            return reason
        _take_away(commit)
    return None


def _forward(commit: Path, out: Path) -> None:
    """Move the new files in, the old ones out of the way; may be called again at whatever point it was killed."""
    new, old = commit / "files", commit / "old"
    plan = _plan(commit)
    names = [n for n in plan["files"] if (new / n).exists()]
    if LAST in names and (out / LAST).exists():
        _move(out / LAST, old / LAST)
    for name in sorted(names, key=lambda n: (n == LAST, n)):
        if (out / name).is_symlink() or (out / name).exists():
            if (out / name).is_dir():
                raise IsADirectoryError(21, "there is a folder where a file should be", str(out / name))
            _move(out / name, old / name)
        _move(new / name, out / name)
    for name in plan["remove"]:
        if (out / name).is_file():
            _move(out / name, old / name)
        with suppress(OSError):
            (out / name).parent.rmdir()  # an emptied patrol/; never `out`, which holds run.json


def _back(commit: Path, out: Path) -> None:
    """Undo `_forward` as far as it came."""
    new, old = commit / "files", commit / "old"
    for name in _plan(commit)["files"]:
        if not (new / name).exists() and (out / name).is_file():
            _move(out / name, new / name)
    for path in sorted(p for p in old.rglob("*") if not p.is_dir()):
        _move(path, out / path.relative_to(old))


def _plan(commit: Path) -> dict[str, list[str]]:
    return json.loads((commit / "plan.json").read_text(encoding="utf-8"))


def _take_away(commit: Path) -> None:
    """Rename first: a folder that is half taken away must not look like a move to be finished."""
    done = Path(tempfile.mkdtemp(prefix=PREFIX, dir=commit.parent))
    commit.replace(done)
    shutil.rmtree(done, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
