"""What takes long to make and is only read afterwards is made once a session, by whichever worker needs it first."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` fills; the workers of pytest-xdist share it, so that nobody may write to it afterwards.

    The first to come makes it, the others wait. Where `make` fails, the next one tries, so that each test that needs
    the folder shows the error.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, lock, done = (base / f"{name}{ending}" for ending in ("", ".lock", ".done"))
    while not done.exists():
        try:
            lock.mkdir()
        except FileExistsError:
            if _is_left(lock):  # its maker was ended, as by a lack of memory
                shutil.rmtree(lock, ignore_errors=True)
            time.sleep(0.05)
            continue
        try:
            (lock / "maker").write_text(str(os.getpid()))
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        finally:
            shutil.rmtree(lock, ignore_errors=True)
    return folder


def _is_left(lock: Path) -> bool:
    """Whether the process that held it is no more."""
    if sys.platform == "win32":  # no signal there only asks
        return False
    try:
        os.kill(int((lock / "maker").read_text()), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError):  # not yet written, or just given up
        return False
    return False
