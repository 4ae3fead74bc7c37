"""A script of .ci/ as a module, for the tests that hold it."""

import importlib.util
from pathlib import Path
from types import ModuleType

CI = Path(__file__).parents[1] / ".ci"


def script(name: str) -> ModuleType:
    """The script `.ci/NAME.py`, loaded anew."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", CI / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
