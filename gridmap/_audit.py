"""`audit.jsonl`: what was written into a run folder, when, from what; one line a run, chained.

Each line holds the SHA-256 of the line before it and its own, over its canonical JSON, so a byte that is changed, a
line that is taken out and a line that is put in between are all found. The chain survives reruns into the same
folder: a run appends. What it does not do: whoever can write the folder can write the whole chain anew. Against that,
keep the last line's hash (`gridmap verify` prints it) somewhere else, such as in the minutes of the meeting, or sign
the chain (`gridmap._ssh_signatures`).

Who ran it is left out unless it is given: a clerk's name is a personal datum, and run folders travel.
"""

import importlib.metadata
import json
import platform
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from gridmap import __version__
from gridmap._io import atomic_file, atomic_folder, locked, sha256_of, sha256_of_text
from gridmap._ssh_signatures import Sign
from gridmap.errors import OutputError
from gridmap.messages import Note

__all__ = [
    "AUDIT",
    "SIGNATURE",
    "START",
    "append_audit",
    "audiences_in",
    "audit_line",
    "entry_of",
    "outputs_in",
    "read_audit",
    "run_id",
    "versions",
    "write_added",
    "write_lines",
    "write_signature",
]

AUDIT = "audit.jsonl"
SIGNATURE = "audit.jsonl.sig"
START = "0" * 64  # what the first line names as the hash of the line before
LARGEST = 100_000_000  # bytes; a larger audit is not gridmap's
TRACED = ("duckdb", "geopandas", "h3", "numpy", "pandas", "scikit-learn", "scipy", "shapely")


def versions() -> dict[str, str]:
    """Python's version and those of the packages that numbers depend on."""
    packages = {name: _version(name) for name in TRACED}
    return {"python": platform.python_version(), "gridmap": __version__} | packages


@cache
def _version(package: str) -> str:
    return importlib.metadata.version(package)


def run_id(settings: Any, inputs: Sequence[Mapping[str, Any]], *, version: str = __version__) -> str:
    """A run's id: the same for the same settings, inputs and version, so that a file can be led back to its run.

    Every id of a run is made here: that of `gridmap run`; that of a result which is written from Python, whose inputs
    are its numbers; that of a folder of an earlier version, which has none.

    Parameters
    ----------
    settings : any
        The whole pipeline file as read, or what a result says of itself.
    inputs : list of mappings
        As in `run.json`: the `sha256` of each file counts, not where it lies.
    version : str
        Of gridmap, as it made the run.

    Returns
    -------
    str
        Sixteen hexadecimal digits: the beginning of a SHA-256.

    Examples
    --------
    >>> len(run_id({"grid": {"resolution": 8}}, [{"path": "a.csv", "sha256": "00"}]))
    16
    """
    counted = [entry.get("sha256") or entry.get("path") for entry in inputs]
    return sha256_of_text(json.dumps([version, settings, counted], sort_keys=True, default=str))[:16]


def audit_line(earlier: Sequence[str], contents: Mapping[str, Any]) -> str:
    """The next line of a chain, without its line end.

    Examples
    --------
    >>> one = audit_line([], {"what": "run"})
    >>> two = audit_line([one], {"what": "run"})
    >>> json.loads(two)["line"], json.loads(two)["before"] == sha256_of_text(one)
    (2, True)
    """
    entry = {
        "line": len(earlier) + 1,
        "before": sha256_of_text(earlier[-1]) if earlier else START,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        **contents,
    }
    entry = json.loads(_canonical(entry))  # what cannot be stated in JSON is stated as text, once and for all
    return _canonical(entry | {"sha256": sha256_of_text(_canonical(entry))})


def read_audit(folder: Path) -> tuple[list[str], list[str]]:
    """The lines of a folder's chain, and what is wrong with it, one sentence a fault."""
    path = folder / AUDIT
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:  # a link, a pipe, a device: not opened
            return [], [Note("runs.audit_not_a_file", file=AUDIT)]
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [Note("runs.audit_unreadable", file=AUDIT, why=error.strerror or error)]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return [], [Note("runs.audit_not_utf8", file=AUDIT)]
    *lines, rest = text.split("\n")
    faults: list[str] = [Note("runs.audit_no_end", file=AUDIT)] if rest or not lines else []
    before = START
    for i, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            own = entry.pop("sha256")
            whole = _canonical(entry | {"sha256": own}) == line and sha256_of_text(_canonical(entry)) == own
            chained = entry["before"] == before and entry["line"] == i
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            whole = chained = False
        if not whole:
            faults.append(Note("runs.audit_line_changed", file=AUDIT, line=i))
        elif not chained:
            faults.append(Note("runs.audit_line_apart", file=AUDIT, line=i, before=i - 1))
        before = sha256_of_text(line)
    return lines, faults


def outputs_in(lines: Sequence[str]) -> dict[str, dict]:
    """Path → entry of every file that the folder should hold: those of the last run, and what was added since."""
    files: dict[str, dict] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            if entry["what"] == "run":
                files = {}
            files |= {output["path"]: output for output in entry["outputs"]}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # a changed line is reported by read_audit
    return files


def audiences_in(lines: Sequence[str]) -> set[str]:
    """The audiences that the runs of a chain were for."""
    found = set()
    for line in lines:
        try:
            found.add(json.loads(line)["audience"])
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return {name for name in found if isinstance(name, str)}


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """Write a chain, whole or not at all; the caller holds its folder."""
    with atomic_file(path, held=True) as part:
        part.write_bytes("".join(f"{text}\n" for text in lines).encode("utf-8"))


def write_signature(folder: Path, sign: Sign) -> None:
    """Sign the chain that stands in a folder."""
    text = sign((folder / AUDIT).read_bytes())
    with atomic_file(folder / SIGNATURE, held=True) as part:
        part.write_text(text, encoding="ascii", newline="\n")


def write_added(
    folder: str | Path, name: str, data: bytes, *, what: str, sign: Sign | None = None, **facts: Any
) -> Path:
    """Write a file into a run folder together with the chain's line about it: both, or neither.

    Parameters
    ----------
    folder : str or Path
        A run folder.
    name : str
        The file's path in it; a file of that name is replaced.
    data : bytes
    what, **facts
        As in `append_audit`.
    sign : callable, optional
        Signs the chain anew.

    Raises
    ------
    OutputError
        If the folder has no chain or a broken one, or cannot be written.
    """
    folder = Path(folder)

    def finish(files: Path, out: Path) -> dict[str, str]:
        lines = _whole_chain(out)
        line = audit_line(lines, {"what": what, **facts, "outputs": [entry_of(files, Path(name))]})
        write_lines(files / AUDIT, [*lines, line])
        if sign is not None:
            write_signature(files, sign)
        return {}

    with atomic_folder(folder, finish=finish) as files:
        (files / name).parent.mkdir(parents=True, exist_ok=True)
        (files / name).write_bytes(data)
    return folder / name


def _whole_chain(folder: Path) -> list[str]:
    lines, faults = read_audit(folder)
    if faults or not lines:
        raise OutputError(
            Note("runs.no_whole_chain", folder=str(folder), file=AUDIT, fault=faults[0] if faults else "–")
        )
    return lines


def append_audit(folder: str | Path, *, what: str, outputs: Sequence[str | Path], **facts: Any) -> str:
    """Tell a run folder's chain of files that were added to it, such as a paper made from it.

    Parameters
    ----------
    folder : str or Path
        A run folder.
    what : str
        One word, as in "report".
    outputs : list of path
        The files, which lie in the folder already.
    **facts
        What else should be reported, as plain values.

    Returns
    -------
    str
        The hash that the next line will hold.

    Raises
    ------
    OutputError
        If the folder has no chain or a broken one, or cannot be written.
    """
    folder = Path(folder)
    with locked(folder):
        lines = _whole_chain(folder)
        entries = [entry_of(folder, Path(path)) for path in outputs]
        line = audit_line(lines, {"what": what, **facts, "outputs": entries})
        write_lines(folder / AUDIT, [*lines, line])
    return sha256_of_text(line)


def entry_of(folder: Path, path: Path) -> dict[str, Any]:
    """A file of a folder as a line holds it: path in the folder, SHA-256, bytes."""
    place = path.relative_to(folder).as_posix() if path.is_absolute() or not (folder / path).exists() else path
    whole = folder / place
    return {"path": Path(place).as_posix(), "sha256": sha256_of(whole), "bytes": whole.stat().st_size}


def _canonical(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
