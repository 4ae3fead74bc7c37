"""Write requirements-image.lock: of requirements.lock what the Dockerfile needs, without the packages of the tests.

    python .ci/image_lock.py

The same versions by the same hashes: those blocks of requirements.lock that the core and the extras (not Spark and Ray)
lead to, and setuptools, which builds gridmap itself. Which package leads to which is read from what is installed.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "requirements-image.lock"


def image_lock() -> str:
    """What the file should hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = {k: v for k, v in project["project"]["optional-dependencies"].items() if k not in ("all", "spark", "ray")}
    wanted = [*project["project"]["dependencies"], *(one for extra in extras.values() for one in extra)]
    ahead = [Requirement(one) for one in (*wanted, *project["build-system"]["requires"])]
    needed: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        one = ahead.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in needed:
            continue
        needed.add(key)
        try:
            below = [Requirement(line) for line in requires(one.name) or ()]
        except PackageNotFoundError:  # of another system
            continue
        ahead += [b for b in below if _asked_for(b, one.extras)]
    names = {name for name, _ in needed}
    blocks = re.split(r"\n(?=\w)", (ROOT / "requirements.lock").read_text(encoding="utf-8").strip())
    return "\n".join(b for b in blocks if canonicalize_name(re.match(r"[\w.-]+", b)[0]) in names) + "\n"


def _asked_for(one: Requirement, extras: set[str]) -> bool:
    """Whether a requirement counts: on any system, but only of those extras."""
    if one.marker is None or "extra" not in str(one.marker):
        return True
    return any(one.marker.evaluate({"extra": extra}) for extra in extras)


if __name__ == "__main__":
    TARGET.write_text(image_lock(), encoding="utf-8")
    print(f"{TARGET.name} is written")
