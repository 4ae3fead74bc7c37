"""What takes long to make and is only read afterwards is made once a session, by whichever worker needs it first."""

import os
import shutil
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
            time.sleep(0.05)
            continue
        try:
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        finally:
            lock.rmdir()
    return folder
