"""Is a run folder still as its run left it? Every byte of every output is held against the audit.

`run.json` and every output are held against the SHA-256 of the folder's last audit line, the audit's own lines
against each other. A file that lies where only gridmap writes (`results/`, `patrol/`) and that no line names is found
too. Whatever else lies beside the outputs, such as somebody's notes, a link or a hidden folder, is named.

The folder may be a stranger's, so it is only read: nothing is written or finished, no link is followed, no pipe or
device is opened, and a name in the audit that leads out of the folder is a fault and not looked at.
"""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from gridmap._audit import AUDIT, SIGNATURE, outputs_in, read_audit
from gridmap._io import COMMIT, sha256_of, sha256_of_text
from gridmap._notebook_line import ShortForm
from gridmap._ssh_signatures import fingerprint, is_signed, read_public_keys, signed_with
from gridmap.errors import ReadError
from gridmap.messages import Note

__all__ = ["Verdict", "verify_run"]

OWN_FOLDERS = ("results", "patrol")
LARGEST_SIGNATURE = 10_000  # bytes


@dataclass(frozen=True, repr=False)
class Verdict(ShortForm):
    """What `verify_run` found.

    Attributes
    ----------
    faults : list of str
        One line each: which file, and what is wrong with it. Empty when all is as it was.
    files : int
        How many files were held against the audit.
    beside : list of str
        What no run wrote: files, links, hidden folders.
    head : str
        SHA-256 of the last audit line. Kept elsewhere, it shows whether the whole chain was written anew.
    signer : str
        The key that the folder's signature names, in short. Whether it is its signature was only looked at for
        `signed_by`.
    """

    faults: list[str]
    files: int
    beside: list[str] = field(default_factory=list)
    head: str = ""
    signer: str = ""

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"Verdict: {self.files:,} files, {len(self.faults)} faults, {len(self.beside)} beside the record"


def verify_run(folder: str | Path, *, head: str | None = None, signed_by: str | Path | None = None) -> Verdict:
    """Hold every file of a run folder against what its run wrote down. Nothing is changed.

    Parameters
    ----------
    folder : str or Path
    head : str, optional
        The hash that an earlier `gridmap verify` gave, as noted in the minutes: the chain must still hold that line.
    signed_by : str or Path, optional
        A public key of OpenSSH, or a file of several: one of them must have signed the whole chain.

    Returns
    -------
    Verdict

    Raises
    ------
    ReadError
        If it is not a folder, or no run ever ended in it; if `signed_by` holds no key.
    """
    keys = None if signed_by is None else read_public_keys(signed_by)
    folder = Path(folder)
    if not folder.is_dir():
        raise ReadError(Note("runs.no_folder", folder=str(folder)))
    faults: list[str] = []
    unfinished = folder / COMMIT
    if unfinished.is_symlink() or unfinished.exists():
        faults.append(Note("runs.unfinished", file=COMMIT))
    lines, broken = read_audit(folder)
    faults += broken
    if not lines and not broken and not faults:
        if not (folder / "run.json").exists():
            raise ReadError(Note("runs.no_run_ended", folder=str(folder), file=AUDIT))
        faults.append(Note("runs.file_fault", file=AUDIT, what=Note("runs.missing")))
    expected = outputs_in(lines)
    for name, entry in expected.items():
        if (fault := _fault(folder, name, entry)) is not None:
            faults.append(Note("runs.file_fault", file=name, what=fault))
    strange = [name for name in _entries(folder) if name not in expected and name not in (AUDIT, SIGNATURE)]
    inside = [n for n in strange if n.split("/")[0] in OWN_FOLDERS and "/" in n]
    faults += [Note("runs.file_fault", file=name, what=Note("runs.added")) for name in inside]
    hashes = [sha256_of_text(line) for line in lines]
    last = hashes[-1] if hashes else ""
    if head is not None and head.strip().lower() not in hashes:
        faults.append(Note("runs.other_head", file=AUDIT, found=last or "–", head=head))
    beside = [name for name in strange if name not in inside and name.split("/")[0] != COMMIT]
    signed = _signature(folder)
    if keys is not None and (fault := _fault_of_signature(signed, lines, keys)) is not None:
        faults.append(Note("runs.file_fault", file=SIGNATURE, what=fault))
    return Verdict(faults, len(expected), beside, last, fingerprint(signed[0]) if signed else "")


def _signature(folder: Path) -> tuple[bytes, bytes] | None:
    """The key and the signature that lie in a folder; None where there is none that can be understood."""
    path = folder / SIGNATURE
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_SIGNATURE:
            return None
        return signed_with(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def _fault_of_signature(signed: tuple[bytes, bytes] | None, lines: list[str], keys: list[bytes]) -> Note | None:
    if signed is None:
        return Note("runs.no_signature")
    key, signature = signed
    if key not in keys:
        return Note("runs.other_signer", found=fingerprint(key))
    for n in range(len(lines), 0, -1):  # a paper may have been added without being signed
        if is_signed("".join(f"{line}\n" for line in lines[:n]).encode(), key, signature):
            return None if n == len(lines) else Note("runs.signed_before", signed=n, lines=len(lines))
    return Note("runs.signature_of_other")


#: Folders within folders, deeper than any run makes them: what lies below is named as one thing.
DEEPEST = 50


def _entries(folder: Path) -> Iterator[str]:
    """Everything in a folder that is not itself a folder, links to folders included; no link is followed."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            inside = sorted(here.iterdir())
        except OSError:  # it may not be read
            yield here.relative_to(folder).as_posix()
            continue
        for path in inside:
            name = path.relative_to(folder)
            whole = path.name.startswith(".gridmap-") or len(name.parts) > DEEPEST
            if path.is_dir() and not path.is_symlink() and not whole:
                waiting.append(path)
            else:  # a hidden folder is named as one thing: what is in it is not anybody's output
                yield name.as_posix()


def _fault(folder: Path, name: str, entry: Mapping[str, Any]) -> str | None:
    if not _stays_inside(folder, name):
        return Note("runs.leads_out")
    path = folder / name
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            return Note("runs.is_link")
        if not stat.S_ISREG(found.st_mode):
            return Note("runs.not_a_file")
        if found.st_size != entry.get("bytes"):
            return Note("runs.other_size", found=found.st_size, expected=str(entry.get("bytes")))
        return None if sha256_of(path, follow=False) == entry.get("sha256") else Note("runs.other_bytes")
    except (FileNotFoundError, NotADirectoryError):
        return Note("runs.missing")
    except (OSError, ValueError) as error:
        return Note("runs.unreadable", why=getattr(error, "strerror", None) or error)


def _stays_inside(folder: Path, name: str) -> bool:
    """Whether a name is that of something below the folder, reached through real folders only."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name or PureWindowsPath(name).drive:
        return False
    here = folder
    for part in pure.parts[:-1]:
        here = here / part
        if here.is_symlink():
            return False
    return True
