"""Which file is meant, is it there, and what is inside its archive.

Every reader begins here, so a missing file, a directory or an unreadable one is refused in the same
words everywhere. Archives written on a Chinese Windows name their members in GBK without saying so;
those names are put right.
"""

import gzip
import io
import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import cast

from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean

__all__ = [
    "brief",
    "check_file",
    "check_text",
    "check_zip",
    "is_web_address",
    "open_bytes",
    "require_few_columns",
    "require_filled",
    "without_passwords",
    "zip_members",
]

#: What a file that cannot be read raises on the way, whoever reads it.
READ_FAILURES = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, UnicodeError)

#: What no honest table or archive reaches: a line of 16 MB, text that unpacks to 200 times its packed size.
LONGEST_LINE = 16 << 20
MOST_UNPACKED = 200
SMALL = 64 << 20  # unpacked, below which the ratio is nobody's worry
#: More columns than any table has (Excel's sheets end at 16,384): each costs more than its name.
MOST_COLUMNS = 16_384
#: A table with more cells between its corners than this, and few of them filled, would fill the memory.
MOST_EMPTY = 20_000_000


#: A password within an address: of the user before the host, or of a parameter.
SECRET = re.compile(r"(?i)(\w://[^\s:/@]*:|[?&;](?:password|passwd|pwd|token|key|tk|secret)=)[^\s@&;]+")
#: An address of any kind, written as one or taken for a Path, which has lost a slash. C:/ is a drive.
ADDRESS = re.compile(r"([a-z][\w+.-]+):/+", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """A text whose addresses show no password.

    Examples
    --------
    >>> without_passwords("postgresql://reader:secret@host/cases")
    'postgresql://reader:***@host/cases'
    """
    return SECRET.sub(r"\1***", text)


def is_web_address(path: str | Path) -> bool:
    """Whether a path is an address of the web or of a cloud's store, written as one or taken for a Path."""
    return bool(re.match(r"(https?|ftps?|s3|gs|abfss?|wasbs?):/", str(path), re.IGNORECASE))


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
    if ADDRESS.match(str(path)) is not None:
        shown = without_passwords(ADDRESS.sub(r"\1://", str(path), count=1))
        raise ReadError(Note("read.is_address", path=shown, what=what))
    try:
        path = Path(path)
        if not path.exists():
            there = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
            near = [n for n in there if n.split(".")[0].lower() == path.name.split(".")[0].lower()]
            hint = Note("read.near_files", files=near[:3]) if near else Note("read.check_path")
            raise ReadError(Note("read.no_file", path=str(path), what=what, hint=hint))
        if path.is_dir():
            raise ReadError(Note("read.is_folder", path=str(path), what=what))
        if not path.is_file():  # a pipe would wait for ever, a device never end
            raise ReadError(Note("read.not_regular", path=str(path), what=what))
        with path.open("rb") as file:
            if not file.read(1):
                raise ReadError(Note("read.empty_file", file=path.name, what=what))
    except (OSError, ValueError, TypeError) as problem:
        if isinstance(problem, ReadError):
            raise
        reason = getattr(problem, "strerror", None) or problem
        raise ReadError(Note("read.cannot_read_as", path=str(path), what=what, why=reason)) from None
    return path


def brief(problem: BaseException, longest: int = 160) -> str:
    """What another library says went wrong, on one line."""
    words = getattr(problem, "orig", None) or problem  # a database's own words are behind SQLAlchemy's
    return " ".join(str(words).split())[:longest].rstrip(".") or type(problem).__name__


def require_few_columns(columns: int, name: str) -> None:
    """Refuse a table of more columns than any sheet has.

    Raises
    ------
    ReadError
    """
    if columns > MOST_COLUMNS:
        raise ReadError(Note("read.too_many_columns", file=name, n=columns, most=MOST_COLUMNS))


def require_filled(rows: int, columns: int, cells: int, name: str) -> None:
    """Refuse a table whose few cells lie so far apart that all between them would fill the memory.

    Raises
    ------
    ReadError
    """
    if rows * columns > MOST_EMPTY and rows * columns > 50 * cells:
        raise ReadError(Note("read.sheet_bomb", file=name, rows=rows, columns=columns, cells=cells))


def zip_members(path: Path) -> dict[str, zipfile.ZipInfo]:
    """Name → entry of the files in a zip archive, folders and system files left out.

    A name without the UTF-8 mark that reads as GBK is taken as GBK: that is what Chinese Windows writes.
    """
    entries = check_zip(path)
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


def check_zip(path: Path) -> list[zipfile.ZipInfo]:
    """The entries of an archive (also .xlsx, .ods, .kmz) that can be unpacked without harm.

    Raises
    ------
    ReadError
        If it is not an archive, if a member's name leads out of it (`..`, an absolute path), if one is a link, or if it
        unpacks to far more than any table does (a zip bomb).
    """
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except READ_FAILURES as problem:
        raise ReadError(Note("read.no_zip", file=name, why=problem)) from None
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise ReadError(Note("read.zip_escape", file=name, member=entry.filename))
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ReadError(Note("read.zip_link", file=name, member=entry.filename))
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    if unpacked > SMALL and unpacked > MOST_UNPACKED * max(packed, 1):
        raise ReadError(Note("read.zip_bomb", file=name, packed=packed, unpacked=unpacked))
    return entries


def check_text(path: Path, member: str | None = None) -> None:
    """Read a text once, in bounded memory: is it made of lines, and does it unpack to a sensible size.

    Raises
    ------
    ReadError
        If a line has more than 16 MB, or it unpacks to more than 200 times its packed size, whatever it declares.
    """
    name = member or Path(path).name
    packed = path.stat().st_size if member or path.suffix.lower() == ".gz" else None
    length = total = 0
    with open_bytes(path, member) as stream:
        while block := stream.read(1 << 20):
            total += len(block)
            if packed is not None and total > SMALL and total > MOST_UNPACKED * packed:
                raise ReadError(Note("read.text_bomb", file=name, packed=packed, total=total))
            last = max(block.rfind(b"\n"), block.rfind(b"\r"))
            length = length + len(block) if last < 0 else len(block) - last
            if length > LONGEST_LINE:
                raise ReadError(Note("read.long_line", file=name, mb=LONGEST_LINE >> 20))


def open_bytes(path: Path, member: str | None = None) -> io.BufferedIOBase:
    """The file's bytes as a stream, unpacked when it is .gz or, with `member`, one file of a .zip."""
    path = Path(path)
    if member is not None:
        members = zip_members(path)
        if member not in members:
            raise InputError(Note("read.no_member", file=path.name, member=member, meant=did_you_mean(member, members)))
        with zipfile.ZipFile(path) as archive:
            try:
                return cast(zipfile.ZipExtFile, archive.open(members[member]))
            except READ_FAILURES as problem:  # a password, an unknown compression
                raise ReadError(Note("read.member_locked", member=member, file=path.name, why=problem)) from None
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")
