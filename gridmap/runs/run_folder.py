"""A run folder: its outputs are those of one whole run, each named in a chained audit, for one audience.

The files appear when all of them are whole (`gridmap._io.atomic_folder`). Outputs of the earlier run that the new one
does not write are taken away, so that a folder never mixes two runs; a file that somebody changed since is left. The
audit (`gridmap._audit`) goes on over reruns, so a folder is kept to one audience: what an internal run wrote down must
not be read by everyone because a public run came after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridmap._audit import (
    AUDIT,
    SIGNATURE,
    audiences_in,
    audit_line,
    entry_of,
    outputs_in,
    read_audit,
    write_lines,
    write_signature,
)
from gridmap._io import atomic_folder, finish_move, sha256_of
from gridmap._ssh_signatures import Sign
from gridmap.errors import OutputError
from gridmap.messages import Note

__all__ = ["Stage", "staging"]


@dataclass
class Stage:
    """Where a run writes, and what the audit will say of it.

    Attributes
    ----------
    folder : Path
        Everything in it is an output.
    facts : dict
        What the audit's line says beside the outputs: inputs, settings, audience, …
    hashed : list of dict
        Entries of outputs that were hashed already, so that each file is hashed once.
    """

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)
    hashed: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def staging(out: str | Path, *, audience: str | None = None, sign: Sign | None = None) -> Iterator[Stage]:
    """A hidden folder to write into, which becomes `out` when the block ends well and vanishes when not.

    Parameters
    ----------
    out : str or Path
    audience : str, optional
        For whom the run is.
    sign : callable, optional
        Signs the audit. Without, the signature of an earlier run is taken away.

    Raises
    ------
    OutputError
        Before the block: if `out` cannot be written, was made for another audience, has a broken audit, or an earlier
        run cannot be finished. After it: if the outputs cannot be moved; the folder is then as it was.
    """
    out = Path(out)
    stage = Stage(Path())

    def finish(files: Path, out: Path) -> dict[str, str]:
        gone = _write_audit(files, stage.facts, _lines(out, audience), stage.hashed)
        if sign is not None:
            write_signature(files, sign)
        elif (out / SIGNATURE).is_file() and not (out / SIGNATURE).is_symlink():
            gone[SIGNATURE] = sha256_of(out / SIGNATURE)
        return gone

    if out.is_dir() and finish_move(out) is None:
        _lines(out, audience)
    with atomic_folder(out, finish=finish) as files:
        stage.folder = files
        yield stage


def _write_audit(files: Path, facts: dict[str, Any], lines: list[str], hashed: list[dict[str, Any]]) -> dict[str, str]:
    """Write the audit beside the staged outputs; the earlier run's outputs that are to go, with their hashes."""
    for name in (AUDIT, SIGNATURE):
        (files / name).unlink(missing_ok=True)
    names = sorted(p.relative_to(files).as_posix() for p in files.rglob("*") if p.is_file())
    known = {entry["path"]: entry for entry in hashed}
    entries = [known.get(name) or entry_of(files, Path(name)) for name in names]
    write_lines(files / AUDIT, [*lines, audit_line(lines, {"what": "run", **facts, "outputs": entries})])
    return {name: str(entry.get("sha256")) for name, entry in outputs_in(lines).items() if name not in names}


def _lines(out: Path, audience: str | None) -> list[str]:
    """The lines of the folder's audit; a run adds to no chain that was tampered with, and to none of other readers."""
    lines, faults = read_audit(out) if out.is_dir() else ([], [])
    if faults:
        raise OutputError(Note("runs.broken_chain", fault=faults[0], folder=str(out)))
    others = audiences_in(lines) - {audience}
    if audience is not None and others:
        raise OutputError(Note("runs.other_audience", folder=str(out), there=sorted(others), audience=audience))
    return lines
