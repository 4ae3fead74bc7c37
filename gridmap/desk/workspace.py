"""The workspace: one folder with data, pipelines and runs, and nothing outside it.

```
workspace/
  data/            the files that were brought
  data.yaml        how they are read: the `boundaries:` and `incidents:` of every pipeline
  NAME.yaml        pipelines, as `gridmap run` takes them
  runs/NAME/       what they left
  .gridmap-desk/   the desk's own notes: the queue, what inspections found; may be deleted while the desk is closed
```

Every name that arrives with a request goes through `Workspace.inside` (what is there) or `new_name` (what is uploaded).
A name leads nowhere else: not by `..`, an absolute path, a drive letter, a link or a device's name.
"""

import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from gridmap._io import sync, take_lock, write_text
from gridmap.errors import InputError, OutputError
from gridmap.messages import Note

__all__ = ["DATA_PART", "RESERVE", "STATE", "Workspace", "new_name"]

STATE = ".gridmap-desk"
#: Files on their way in or out; what a stopped desk left there is taken away when the next one opens the folder.
PASSING = f"{STATE}/passing"
STATE_FOLDERS = (STATE, f"{STATE}/jobs", PASSING)
DATA_PART = "data.yaml"
#: Bytes of the disk that an upload leaves free.
RESERVE = 1 << 30
#: What can be brought: endings that some reader of gridmap takes.
ENDINGS = (
    *(".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".zip", ".xlsx", ".xls", ".xlsb", ".xlsm", ".ods"),
    *(".parquet", ".geojson", ".json", ".gpkg", ".kml", ".kmz", ".fgb", ".gml", ".shp", ".shx", ".dbf", ".prj"),
    *(".cpg", ".osm.pbf", ".tif", "register.yaml"),
)
#: Names that Windows gives to devices, whatever ending they carry.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\..*)?$", re.IGNORECASE)
LONGEST_NAME = 180


def new_name(sent: str) -> str:
    """A plain file name for what a browser sent under any name.

    Raises
    ------
    InputError
        If nothing usable is left, or no reader takes such a file.

    Examples
    --------
    >>> new_name("C:\\\\fakepath\\\\2024 案件.csv"), new_name("../../etc/data.csv")
    ('2024 案件.csv', 'data.csv')
    """
    name = unicodedata.normalize("NFC", sent).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C")  # controls, and marks that reverse the text
    name = re.sub(r'[<>:"|?*]', "_", name).strip().strip(".").strip()
    ending = next((e for e in sorted(ENDINGS, key=len, reverse=True) if name.lower().endswith(e)), None)
    if ending is None:
        raise InputError(Note("desk.no_such_kind", name=name[:80] or "?"))
    stem = name[: -len(ending)].strip(" .") or ("" if ending == "register.yaml" else "data")
    if DEVICES.match(stem):
        stem = f"_{stem}"
    while len((stem + ending).encode()) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + name[-len(ending) :]


@dataclass
class Workspace:
    """One folder, held by one desk at a time.

    Attributes
    ----------
    folder : Path
        Resolved, so that a name can be held against it.
    """

    folder: Path
    _lock: IO[bytes] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> "Workspace":
        """Make the folder where it is absent, and hold it.

        Raises
        ------
        OutputError
            If it cannot be written, or another desk holds it.
        """
        place = Path(folder).expanduser()
        try:
            for made in ("data", "runs", *STATE_FOLDERS):
                (place / made).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(Note("desk.no_folder", folder=str(folder), why=error.strerror or "")) from None
        workspace = cls(place.resolve())
        for part in ("data", "runs", *STATE_FOLDERS):
            if (workspace.folder / part).is_symlink():
                raise OutputError(Note("desk.folder_is_link", name=part))
        workspace._hold()
        for left in (workspace.folder / PASSING).iterdir():  # of a desk that was stopped in the middle
            if not left.is_dir():
                left.unlink(missing_ok=True)
        return workspace

    def _hold(self) -> None:
        path = self.folder / STATE / "lock"
        if path.is_symlink():
            raise OutputError(Note("desk.folder_is_link", name=f"{STATE}/lock"))
        try:
            handle = path.open("a+b")
        except OSError as error:
            raise OutputError(Note("desk.no_folder", folder=str(self.folder), why=error.strerror or "")) from None
        try:
            ours = take_lock(handle)
        except OSError:  # a file system without locks: one person at a time cannot be promised there
            ours = False
        if not ours:
            handle.close()
            raise OutputError(Note("desk.in_use", folder=str(self.folder)))
        self._lock = handle

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # ------------------------------------------------------------------------------------------ names

    def inside(self, name: str, *, under: str = "") -> Path:
        """The place of a name inside the workspace.

        Parameters
        ----------
        name : str
            Relative, with `/` between folders, as it came with a request.
        under : str
            A folder of the workspace that it must lie in.

        Raises
        ------
        InputError
            If it leads anywhere else, through a link, or to what is hidden.
        """
        parts = name.split("/")
        bad = any(
            not part or part.startswith(".") or part != part.strip() or part.endswith(".") or DEVICES.match(part)
            for part in parts
        )
        if bad or len(name) > 600 or re.search(r"[\x00-\x1f\x7f\\:]", name):
            raise InputError(Note("desk.outside"))
        here = root = self.folder / under if under else self.folder
        for part in parts:
            here = here / part
            if here.is_symlink():
                raise InputError(Note("desk.outside"))
        try:
            within = Path(os.path.realpath(here)).is_relative_to(root)
        except (OSError, ValueError):
            within = False
        if not within:
            raise InputError(Note("desk.outside"))
        return here

    def existing(self, name: str, *, under: str = "") -> Path:
        """The same for a file that must be there.

        Raises
        ------
        InputError
        """
        path = self.inside(name, under=under)
        try:
            found = path.is_file()
        except OSError:
            found = False
        if not found:
            raise InputError(Note("desk.no_file", name=name[:120]))
        return path

    # ------------------------------------------------------------------------------------------ what is there

    def data_files(self) -> list[Path]:
        """The files of `data/`, without links and hidden ones, parts of shapefiles left out."""
        found = sorted((self.folder / "data").iterdir(), key=lambda p: p.name)
        parts = (".shx", ".dbf", ".prj", ".cpg")
        return [
            p
            for p in found
            if not p.name.startswith(".") and not p.is_symlink() and p.is_file() and p.suffix.lower() not in parts
        ]

    def pipelines(self) -> list[Path]:
        """The pipeline files, newest first."""
        found = [p for p in self.folder.glob("*.yaml") if not p.is_symlink() and p.is_file()]
        found = [p for p in found if p.name != DATA_PART and not p.name.startswith(".")]
        return sorted(found, key=lambda p: -p.stat().st_mtime)

    def runs(self) -> list[Path]:
        """The folders of finished runs, newest first."""
        found = [p for p in (self.folder / "runs").iterdir() if not p.is_symlink() and not p.name.startswith(".")]
        found = [p for p in found if (p / "run.json").is_file()]
        return sorted(found, key=lambda p: -(p / "run.json").stat().st_mtime)

    # ------------------------------------------------------------------------------------------ notes

    def note(self, name: str) -> Any:
        """What the desk wrote down under a name, or None."""
        with suppress(OSError, ValueError, RecursionError):
            return json.loads((self.folder / STATE / name).read_text(encoding="utf-8"))
        return None

    def write_note(self, name: str, contents: Mapping[str, Any]) -> None:
        """Write something down, whole or not at all."""
        write_text(self.folder / STATE / name, json.dumps(contents, ensure_ascii=False, default=str))

    # ------------------------------------------------------------------------------------------ uploads

    def passing(self, ending: str) -> Path:
        """A place for a file on its way in or out, which no other request has: two may come or go at a time."""
        return self.folder / PASSING / f"{secrets.token_hex(8)}{ending}"

    def room_for(self, size: int, *, limit: int) -> None:
        """Whether a file of a size may come.

        Raises
        ------
        InputError
            If it is larger than the limit, or would leave less than a gigabyte free.
        """
        if size > limit:
            raise InputError(Note("desk.too_large", most=limit / 1e9))
        if shutil.disk_usage(self.folder).free - size < RESERVE:
            raise InputError(Note("desk.disk_full"))

    def keep_upload(self, part: Path, name: str) -> Path:
        """Move a whole upload to its name in `data/`; a file of that name is kept, and the new one numbered."""
        ending = next(e for e in sorted(ENDINGS, key=len, reverse=True) if name.lower().endswith(e))
        stem, ending = name[: -len(ending)], name[-len(ending) :]
        sync(part)
        for number in range(1, 1000):
            target = self.folder / "data" / (name if number == 1 else f"{stem} ({number}){ending}")
            try:
                os.link(part, target)  # never over a file that is there
            except FileExistsError:
                continue
            except OSError:  # a file system without hard links
                if target.exists() or target.is_symlink():
                    continue
                part.rename(target)
                return target
            part.unlink()
            return target
        raise OutputError(Note("desk.no_folder", folder="data", why=name))
