"""A pytest plugin that makes gridmap see Linux as Windows is: `make test-windows` runs the file-handling rooms with it.

    PYTHONPATH=.ci python -m pytest -p seen_as_windows tests/runs tests/exports …

For gridmap's own modules (the tests keep what they need): there is no `fcntl`, no `resource`, no `os.set_blocking`,
`os.getuid`, `os.sysconf`, `os.mkfifo`, no POSIX signal beyond those of Windows, no `/proc`; a folder cannot be opened;
a handle that may not write cannot be synced; a file that this process holds open can be neither replaced nor deleted; a
text file written without `newline=` gets CRLF, and one opened without `encoding=` is an error, since it would be GBK in
one office and cp1252 in the next; two names that differ by case alone are one file. What the shim cannot show: drive
letters, backslashes, 260 characters, other processes' handles.
"""

import builtins
import errno
import importlib
import io
import os
import pathlib
import pkgutil
import shutil
import signal
import sys
import types
from pathlib import Path

ABSENT = {
    "os": {
        *("set_blocking", "getuid", "geteuid", "getgid", "sysconf", "mkfifo", "fork", "killpg", "getpgid", "setsid"),
        *("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC"),
    },
    "signal": {"SIGHUP", "SIGKILL", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGPIPE", "alarm", "setitimer", "pthread_kill"},
}
MODULES = ("fcntl", "resource", "pwd", "grp", "termios")


class _Without(types.ModuleType):
    """A module as gridmap sees it: some names are absent, some behave otherwise."""

    def __init__(self, real: types.ModuleType, absent: set[str], other: dict):
        super().__init__(real.__name__)
        self.__dict__.update({"_real": real, "_absent": absent, **other})

    def __getattr__(self, name: str):
        if name in self.__dict__["_absent"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self.__dict__["_real"], name)


_real_open, _real_replace, _real_rename, _real_unlink = io.open, os.replace, os.rename, os.unlink


def _held(path) -> bool:
    """Whether this process has a file open."""
    try:
        wanted = os.stat(path)
    except OSError:
        return False
    for handle in os.listdir("/proc/self/fd"):
        try:
            found = os.stat(f"/proc/self/fd/{handle}")
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino) and not os.path.isdir(path):
            return True
    return False


def _sharing(path) -> None:
    if _held(path):
        raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used", str(path))


def _open_handle(path, flags, *rest, **options):
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied: a folder cannot be opened on Windows", str(path))
    return os.open(path, flags, *rest, **options)


def _set_wakeup_fd(handle, **options) -> int:
    if handle >= 0:
        os.set_blocking(handle, False)  # which Windows does not ask for
    return signal.set_wakeup_fd(handle, **options)


def _fsync(handle) -> None:
    with _real_open(f"/proc/self/fdinfo/{handle}", encoding="ascii") as info:
        flags = int(next(line.split()[1] for line in info if line.startswith("flags:")), 8)
    if flags & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor: Windows syncs no handle that may not write")
    os.fsync(handle)


def _one_name(path) -> None:
    """Two names that differ by case alone are one file: the second would overwrite the first."""
    folder, name = os.path.split(os.fspath(path))
    try:
        others = os.listdir(folder or ".")
    except OSError:
        return
    if name not in others and name.lower() in {other.lower() for other in others}:
        raise AssertionError(f"{path}: there is a file here whose name differs by case alone")


def _from_gridmap(depth: int = 2) -> bool:
    """Whether the first caller outside pathlib, shutil and this file is gridmap."""
    frame = sys._getframe(depth)
    while frame is not None and frame.f_globals.get("__name__") in ("pathlib", "shutil", "tempfile", __name__):
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__", "")).startswith("gridmap")


def _open(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, *rest, **options):
    if _from_gridmap() and not isinstance(file, int):
        if str(file).startswith("/proc"):
            raise FileNotFoundError(errno.ENOENT, "There is no /proc on Windows", str(file))
        if "b" not in mode and encoding in (None, "locale"):
            raise AssertionError(f"{file} is opened as text without encoding=")
        if any(sign in mode for sign in "wxa"):
            _one_name(file)
            newline = "\r\n" if "b" not in mode and newline is None else newline
    return _real_open(file, mode, buffering, encoding, errors, newline, *rest, **options)


def _replace(source, target, **options):
    if _from_gridmap():
        _sharing(source)
        _sharing(target)
    return _real_replace(source, target, **options)


def _rename(source, target, **options):
    if _from_gridmap():
        _sharing(source)
        if os.path.exists(target):
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
    return _real_rename(source, target, **options)


def _unlink(path, **options):
    if _from_gridmap():
        _sharing(path)
    return _real_unlink(path, **options)


def _msvcrt() -> types.ModuleType:
    """What Windows has in place of `fcntl`: locks of single bytes, here of the whole file."""
    import fcntl

    def locking(handle: int, mode: int, size: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError is the OSError of Windows

    module = types.ModuleType("msvcrt")
    module.__dict__.update(LK_NBLCK=2, locking=locking)
    return module


def _see_as_windows() -> None:
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    import gridmap

    failed = []
    for found in pkgutil.walk_packages(gridmap.__path__, "gridmap."):
        if found.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as error:  # an extra that is not installed
            failed.append((found.name, error.name))
    for name in MODULES:
        del sys.modules[name]
    sys.modules["msvcrt"] = _msvcrt()
    seen_os = _Without(os, ABSENT["os"], {"open": _open_handle, "fsync": _fsync, "name": "nt"})
    seen_signal = _Without(signal, ABSENT["signal"], {"set_wakeup_fd": _set_wakeup_fd})
    for name, module in list(sys.modules.items()):
        if name.startswith("gridmap") and isinstance(module, types.ModuleType):
            if module.__dict__.get("os") is os:
                module.os = seen_os
            if module.__dict__.get("signal") is signal:
                module.signal = seen_signal
    assert "gridmap._io" in sys.modules
    assert sys.modules["gridmap._io"].fcntl is None
    builtins.open = io.open = _open
    os.replace, os.rename, os.unlink, os.remove = _replace, _rename, _unlink, _unlink
    for holder in (pathlib, shutil):
        if hasattr(holder, "io"):
            holder.io.open = _open


_see_as_windows()  # before any conftest imports gridmap


def pytest_report_header() -> str:
    """One line at the top of pytest's output."""
    return f"gridmap sees this machine as Windows ({Path(__file__).name})"
