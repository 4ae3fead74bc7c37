"""What some tests need of the system, each told in one place: how it is found, and the one line that installs it.

A test says `@pytest.mark.needs("java")`, a fixture calls `require("browser")`. Where the thing is absent the test is
skipped by that name, and the closing lines of pytest list what was not run and how to install it. With
`GRIDMAP_REQUIRE=all` (or some of the names, with commas), as in .ci/run, its absence is a failure instead.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Need:
    """Something of the system: found or not, and the line that installs it on Debian or Ubuntu."""

    found: Callable[[], bool]
    install: str


def find_chromium() -> str | None:
    """The browser's path, or None."""
    return next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)


def find_postgres() -> Path | None:
    """The folder of PostgreSQL's server programs, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _has_postgis() -> bool:
    return any(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))


def _has_java() -> bool:
    return bool(shutil.which("java") or os.environ.get("JAVA_HOME"))


NEEDS = {
    "browser": Need(lambda: find_chromium() is not None, "apt-get install chromium"),
    "postgres": Need(lambda: find_postgres() is not None, "apt-get install postgresql"),
    "postgis": Need(_has_postgis, "apt-get install postgresql-postgis"),
    "java": Need(_has_java, "apt-get install openjdk-17-jre-headless"),
    "spark": Need(lambda: find_spec("pyspark") is not None, "make spark"),
    "ray": Need(lambda: find_spec("ray") is not None, "make ray"),
    "qgis": Need(lambda: shutil.which("qgis_process") is not None, "apt-get install qgis python3-qgis"),
    "node": Need(lambda: shutil.which("node") is not None, "apt-get install nodejs"),
}


@cache
def is_here(name: str) -> bool:
    """Whether the machine has it."""
    return NEEDS[name].found()


def required(name: str) -> bool:
    """Whether its absence is a failure."""
    names = os.environ.get("GRIDMAP_REQUIRE", "").replace(" ", "").split(",")
    return "all" in names or name in names


def require(name: str) -> None:
    """Go on where it is here; else skip by its name, or fail where it is required."""
    if is_here(name):
        return
    if required(name):
        pytest.fail(f"GRIDMAP_REQUIRE wants {name}, which is not here: {NEEDS[name].install}", pytrace=False)
    pytest.skip(f"needs {name}: {NEEDS[name].install}")
