"""What of gridmap works on this machine: what is installed, what is missing, and what that costs.

`gridmap doctor` prints it. Nothing is changed, nothing is fetched. Browsers are looked for as files, so that one is
found where there is no screen; whether a page can be opened from here is another question: `opens_pages`.
"""

import importlib.metadata
import os
import re
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from gridmap import __version__
from gridmap._extras import EXTRAS
from gridmap._fonts import FOLDER, families
from gridmap.errors import GridmapError
from gridmap.messages import Note

__all__ = ["Finding", "check_installation", "find_browser", "find_java", "java_version", "opens_pages", "summary_line"]

#: What gridmap reads or writes through GDAL.
DRIVERS = ("ESRI Shapefile", "FlatGeobuf", "GPKG", "GeoJSON", "LIBKML|KML")

#: What a package of the core is imported as, where that is another name.
IMPORTED = {"pyyaml": "yaml", "scikit-learn": "sklearn", "python-stdnum": "stdnum"}
#: Browsers that draw gridmap's pages, as commands: the usual ones, and those of Kylin and UOS.
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
    *("microsoft-edge-stable", "firefox", "firefox-esr", "brave-browser", "opera", "vivaldi", "epiphany-browser"),
    *("epiphany", "konqueror", "falkon", "qaxbrowser-safe-stable", "browser360-cn-stable", "uos-browser-stable"),
    *("x-www-browser", "org.chromium.Chromium", "com.google.Chrome", "com.microsoft.Edge", "org.mozilla.firefox"),
)
#: Folders of commands that the PATH of a service or of a scheduled job leaves out.
MORE_FOLDERS = (
    *("/usr/local/bin", "/usr/bin", "/snap/bin", "/opt/google/chrome", "/opt/microsoft/msedge", "/usr/lib/chromium"),
    *("/var/lib/flatpak/exports/bin", "~/.local/share/flatpak/exports/bin"),
)
#: On Windows below Program Files or the user's own folder of programs.
WINDOWS_BROWSERS = (
    r"Microsoft\Edge\Application\msedge.exe",
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Mozilla Firefox\firefox.exe",
)
MAC_BROWSERS = ("Safari", "Google Chrome", "Microsoft Edge", "Firefox", "Chromium")
#: What `webbrowser` takes where there is no screen: they show text, and take the terminal from `gridmap serve`.
TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}
#: The lowest Java that Spark 4 runs on, and that Spark 3.5 does.
JAVA, JAVA_OF_SPARK_3 = 17, 8


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
    return [_core(), *_extras(), *_fonts(), *_system(), *_formats(), _compiled(), _terminal()]


def _finding(about: str, good: bool, *, needed: bool = False, **values: object) -> Finding:
    return Finding(about, good, Note(f"installation.{about if good else f'{about}_missing'}", **values), needed)


def _core() -> Finding:
    """Each package of the core: there, of a version that will do, and one that can be loaded."""
    try:
        wanted = [r for r in importlib.metadata.requires("gridmap") or () if "extra ==" not in r]
    except importlib.metadata.PackageNotFoundError:  # run from a folder: nothing says what it needs
        return Finding("core", True, Note("installation.core_unlisted"))
    found = {name: _why_not_usable(name, wants) for name, wants in map(_name_and_versions, wanted)}
    missing = [f"{name} ({why})" if why else name for name, why in found.items() if why is not None]
    return _finding("core", not missing, needed=True, n=len(wanted), packages=", ".join(missing))


def _name_and_versions(requirement: str) -> tuple[str, str]:
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return name, requirement.partition(";")[0][len(name) :].strip()


def _why_not_usable(name: str, wants: str) -> str | None:
    """None for a package that works; why not, which is empty for one that is not there."""
    version = _version_of(name)
    if version is None:
        return ""
    lowest = re.search(r">=\s*([\d.]+)", wants)
    if lowest and _numbers(version) < _numbers(lowest[1]):
        return f"{version} < {lowest[1]}"
    try:
        import_module(IMPORTED.get(name, name.replace("-", "_")))
    except Exception as problem:  # whatever the package raises: a library of the system is missing, files are damaged
        return f"{type(problem).__name__}: {' '.join(str(problem).split())}"
    return None


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


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
    yield _java()
    yield _browser()


def _java() -> Finding:
    path = find_java()
    version = java_version(path) if path else None
    lowest = JAVA_OF_SPARK_3 if (_version_of("pyspark") or "4").startswith("3.") else JAVA
    if path and version is not None and version < lowest:
        return Finding("java", False, Note("installation.java_old", path=path, version=version, lowest=lowest))
    return _finding("java", path is not None, path=path or "")


def find_java() -> str | None:
    """The program that Spark would start: that of JAVA_HOME where it is set, else the first on the PATH."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def java_version(path: str) -> int | None:
    """The first number of a Java's version, from the file `release` beside it; None where it has none.

    `1.8` counts as 8.
    """
    try:
        text = (Path(path).resolve().parents[1] / "release").read_text(encoding="utf-8", errors="replace")
    except (OSError, IndexError):
        return None
    found = re.search(r'JAVA_VERSION="(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def _browser() -> Finding:
    path, opens = find_browser(), opens_pages()
    if path and not opens:
        return Finding("browser", True, Note("installation.browser_no_screen", path=path))
    return _finding("browser", opens, path=path or _chosen_browser())


def find_browser() -> str | None:
    """The path of a browser that draws gridmap's pages, whether or not there is a screen; None where none is found."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() fails where there is no home
    known: list[Path] = []
    if sys.platform == "win32":
        named = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        places = [folder for name in named if (folder := os.environ.get(name))]
        known = [Path(place, browser) for browser in WINDOWS_BROWSERS for place in places]
    elif sys.platform == "darwin":
        known = [
            place / f"{name}.app" for name in MAC_BROWSERS for place in (Path("/Applications"), home / "Applications")
        ]
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *(f.replace("~", str(home)) for f in MORE_FOLDERS)])
    commands = (shutil.which(name, path=folders) for name in BROWSERS)
    return next((str(path) for path in known if path.exists()), None) or next(filter(None, commands), None)


def opens_pages() -> bool:
    """Whether a page can be opened from here: there is a screen, and a browser that draws on it."""
    return bool(_chosen_browser())


def _chosen_browser() -> str:
    """What Python would open a page with; empty where there is nothing, or one that shows text alone."""
    try:
        browser = webbrowser.get()
    except (OSError, webbrowser.Error):
        return ""
    name = Path(str(getattr(browser, "name", "") or type(browser).__name__)).name
    return "" if name in TEXT_BROWSERS else name


def _formats() -> Iterator[Finding]:
    try:
        import pyogrio
    except Exception:  # the line of the core says it
        return
    there = set(pyogrio.list_drivers())
    missing = [named for named in DRIVERS if not there & set(named.split("|"))]
    version = ".".join(map(str, pyogrio.__gdal_version__))
    yield _finding("formats", not missing, needed=True, version=version, drivers=", ".join(missing))


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
