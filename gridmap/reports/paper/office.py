"""What the office formats share: text that XML takes, and archives that are the same for the same content."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from gridmap._io import xml_text as all_xml_text

__all__ = ["steady_zip", "template_file", "written_at", "xml_text"]


def xml_text(text: object, most: int = 2000) -> str:
    """A text without signs that would make the file unreadable, cut where nobody reads on.

    Examples
    --------
    >>> xml_text("a\\x00b\\x0bc")
    'abc'
    """
    stated = all_xml_text(text)
    return stated if len(stated) <= most else stated[: most - 1] + "…"


def written_at(written: str) -> datetime:
    """When the run was made, as a time without zone; a fixed day where it is unknown."""
    try:
        return datetime.fromisoformat(written).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return datetime(2000, 1, 1)


def steady_zip(data: bytes) -> bytes:
    """The same archive with its members in order and without times of day: same content, same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():  # the first member of an office file says what it is: the order stays
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, old.read(name))
    return out.getvalue()


def template_file(template: str | Path | None, name: str) -> Path | None:
    """The template that is meant: the file itself, or the one of this name in a folder; None for our own."""
    if template is None:
        return None
    path = Path(template)
    if not path.is_dir():
        return path
    return path / name if (path / name).is_file() else None
