"""Is a run folder still as its run left it? Every byte of every output is held against the audit.

`run.json` and every output are held against the SHA-256 of the folder's last audit line, the audit's own lines
against each other. A file that lies where only gridmap writes (`results/`, `patrol/`) and that no line names is found
too. Other files beside the outputs, such as somebody's notes, are named but are no fault.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from gridmap.errors import ReadError
from gridmap.manifest.audit import AUDIT, outputs_in, read_audit
from gridmap.manifest.folder import finish_move
from gridmap.manifest.record import sha256_of

__all__ = ["Verdict", "verify_run"]

OWN_FOLDERS = ("results", "patrol")


@dataclass(frozen=True)
class Verdict:
    """What `verify_run` found.

    Attributes
    ----------
    faults : list of str
        One line each: which file, and what is wrong with it. Empty when all is as it was.
    files : int
        How many files were held against the audit.
    beside : list of str
        Files that no run wrote.
    head : str
        SHA-256 of the last audit line. Kept elsewhere, it shows whether the whole chain was written anew.
    """

    faults: list[str]
    files: int
    beside: list[str] = field(default_factory=list)
    head: str = ""


def verify_run(folder: str | Path) -> Verdict:
    """Hold every file of a run folder against what its run wrote down.

    A run that was killed while its files were moved is finished first (see `gridmap.manifest.folder`).

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    Verdict

    Raises
    ------
    ReadError
        If it is no folder, or no run ever ended in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ReadError(f"There is no folder {folder} to verify. Name the folder that a run wrote into.")
    faults = []
    if (unfinished := finish_move(folder)) is not None:
        faults.append(f"a run was interrupted while its files were moved here, and they cannot be: {unfinished}")
    lines, broken = read_audit(folder)
    faults += broken
    if not lines and not broken:
        if not (folder / "run.json").exists():
            raise ReadError(f"No run ended in {folder}: there is no run.json and no {AUDIT} in it.")
        faults.append(f"{AUDIT}: it is missing")
    expected = outputs_in(lines)
    for name, entry in expected.items():
        if broken and not isinstance(entry.get("bytes"), int):
            continue  # of a changed line, which is told already
        if (fault := _fault(folder / name, entry)) is not None:
            faults.append(f"{name}: {fault}")
    there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or p.is_file())
    strange = [n for n in there if n not in expected and n != AUDIT and not n.startswith(".gridmap-")]
    inside = [n for n in strange if n.split("/")[0] in OWN_FOLDERS and "/" in n]
    faults += [f"{name}: it was added; no run wrote it" for name in inside]
    head = hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
    return Verdict(faults, len(expected), [n for n in strange if n not in inside], head)


def _fault(path: Path, entry: dict) -> str | None:
    try:
        if path.is_symlink():
            return "it was replaced by a link"
        if not path.exists():
            return "it is missing"
        if not path.is_file():
            return "it is no file any more"
        if path.stat().st_size != entry.get("bytes"):
            return f"it was changed: {path.stat().st_size:,} bytes instead of {entry['bytes']:,}"
        return None if sha256_of(path) == entry.get("sha256") else "it was changed: the same length, other bytes"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
