"""What of gridmap works on this machine: what is installed, what is missing, and what that costs.

`gridmap doctor` prints it. Nothing is changed, nothing is fetched.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gridmap import __version__
from gridmap._extras import EXTRAS
from gridmap._fonts import FOLDER, families
from gridmap.errors import GridmapError
from gridmap.messages import Note

__all__ = ["Finding", "check_installation", "summary_line"]

#: What gridmap reads or writes through GDAL.
DRIVERS = ("ESRI Shapefile", "FlatGeobuf", "GPKG", "GeoJSON", "LIBKML|KML")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    about : str
        What: `core`, `papers`, `patrol`, `java`, …
    good : bool
        Whether it is there.
    text : Note
        What was found; where it is missing, what that costs and what to do.
    needed : bool
        Whether gridmap does not work without it.
    """

    about: str
    good: bool
    text: Note
    needed: bool = False


def check_installation() -> list[Finding]:
    """Everything that gridmap needs or can use, in the order in which it matters.

    Examples
    --------
    >>> found = check_installation()
    >>> [f.about for f in found][:3]
    ['core', 'papers', 'patrol']
    >>> found[0].good
    True
    """
    return [_core(), *_extras(), *_fonts(), *_system(), _formats(), _compiled(), _terminal()]


def _finding(about: str, good: bool, *, needed: bool = False, **values: object) -> Finding:
    return Finding(about, good, Note(f"installation.{about if good else f'{about}_missing'}", **values), needed)


def _core() -> Finding:
    wanted = [r for r in importlib.metadata.requires("gridmap") or () if "extra ==" not in r]
    names = [re.split(r"[^\w.-]", r, maxsplit=1)[0] for r in wanted]
    missing = [name for name in names if not _installed(name)]
    return _finding("core", not missing, needed=True, n=len(names), packages=", ".join(missing))


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _extras() -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        code = "installation.extra_missing" if missing else "installation.extra_here"
        what = Note(f"installation.what.{extra}")
        yield Finding(extra, not missing, Note(code, extra=extra, packages=", ".join(missing), what=what))


def _fonts() -> Iterator[Finding]:
    own = all((FOLDER / f"GridmapSansSC-{weight}.ttf").is_file() for weight in ("Regular", "Bold"))
    yield _finding("own_fonts", own, folder=str(FOLDER))
    if os.environ.get("GRIDMAP_FONT") and find_spec("matplotlib"):
        try:
            families("zh")
        except GridmapError as problem:
            yield Finding("asked_font", False, Note("installation.asked_font", why=problem.args[0]))


def _system() -> Iterator[Finding]:
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    yield _finding("java", bool(java), path=java or "")
    yield _finding("browser", _quietly(webbrowser.get))


def _quietly(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (OSError, webbrowser.Error):
        return False
    return True


def _formats() -> Finding:
    import pyogrio

    there = set(pyogrio.list_drivers())
    missing = [named for named in DRIVERS if not there & set(named.split("|"))]
    version = ".".join(map(str, pyogrio.__gdal_version__))
    return _finding("formats", not missing, needed=True, version=version, drivers=", ".join(missing))


def _compiled() -> Finding:
    named = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(named) if named else Path(__file__).parent
    lasting = not folder.name.startswith("gridmap-compiled-")  # one of this process alone
    return _finding("compiled", lasting and os.access(folder, os.W_OK), folder=str(folder))


def _terminal() -> Finding:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "热点 →".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _finding("terminal", False, encoding=encoding)
    return _finding("terminal", True, encoding=encoding)


def summary_line() -> str:
    """The version of gridmap, of Python, and the system, in one line."""
    return f"gridmap {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
