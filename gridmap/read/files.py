"""Which file is meant, is it there, and what is inside its archive.

Every reader begins here, so a missing file, a directory or an unreadable one is refused in the same
words everywhere. Archives written on a Chinese Windows name their members in GBK without saying so;
those names are put right.
"""

import gzip
import hashlib
import io
import zipfile
import zlib
from pathlib import Path

from gridmap.errors import InputError, ReadError, did_you_mean

__all__ = ["check_file", "open_bytes", "sha256_of", "zip_members"]

#: What a file that cannot be read raises on the way, whoever reads it.
READ_FAILURES = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


def check_file(path, what: str) -> Path:
    """`path` as a Path to a file that is there and not empty, or one clear ReadError.

    Parameters
    ----------
    path : str or Path
    what : str
        What the file is to be, as in "the incident file".

    Raises
    ------
    ReadError
        If it is absent, a directory, unreadable or of zero bytes.
    """
    try:
        path = Path(path)
        if not path.exists():
            there = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
            near = [n for n in there if n.split(".")[0].lower() == path.name.split(".")[0].lower()]
            hint = f" In that folder there is {', '.join(near[:3])}." if near else " Check the path."
            raise ReadError(f"There is no file {str(path)!r} to read {what} from.{hint}")
        if path.is_dir():
            raise ReadError(f"{str(path)!r} is a folder, but {what} is one file. Name the file in it.")
        with path.open("rb") as file:
            if not file.read(1):
                raise ReadError(f"{path.name} is empty (0 bytes), so {what} cannot be read from it. Export it again.")
    except (OSError, ValueError, TypeError) as problem:
        if isinstance(problem, ReadError):
            raise
        reason = getattr(problem, "strerror", None) or problem
        raise ReadError(f"{str(path)!r} cannot be read as {what}: {reason}.") from None
    return path


def sha256_of(path: Path) -> str:
    """The file's SHA-256, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def zip_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Name → entry of the files in a zip archive, folders and system files left out.

    A name without the UTF-8 mark that reads as GBK is taken as GBK: that is what Chinese Windows writes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except READ_FAILURES as problem:
        raise ReadError(f"{Path(path).name} is not a readable zip archive ({problem}). Export it again.") from None
    members = {}
    for entry in entries:
        name = entry.filename
        if not entry.flag_bits & 0x800 and not name.isascii():
            try:
                name = name.encode("cp437").decode("gb18030")
            except UnicodeError:
                name = entry.filename
        last = name.rsplit("/", 1)[-1]
        if last and not last.startswith(".") and not name.startswith("__MACOSX/"):
            members[name] = entry
    return members


def open_bytes(path: Path, member: str | None = None) -> io.BufferedIOBase:
    """The file's bytes as a stream, unpacked when it is .gz or, with `member`, one file of a .zip."""
    path = Path(path)
    if member is not None:
        members = zip_members(path)
        if member not in members:
            raise InputError(f"{path.name} holds no file {member!r}. {did_you_mean(member, members)}")
        with zipfile.ZipFile(path) as archive:
            try:
                return archive.open(members[member])
            except READ_FAILURES as problem:  # a password, an unknown compression
                raise ReadError(f"{member} in {path.name} cannot be unpacked: {problem}.") from None
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")
