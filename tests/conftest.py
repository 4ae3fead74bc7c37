"""What the tests share: the bundled data, and the larger data beside the repository when it is there."""

import gc
import os
import signal
import sys
from collections import Counter
from pathlib import Path

# The workers share the cores; threads of OpenMP that spin while they wait took ten times the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from hypothesis import settings

from gridmap.cli.app import COLLECT_AFTER
from gridmap.errors import GridmapError
from gridmap.messages import Note

from .command import run_here
from .compiled_once import compiled_once
from .made_once import made_once
from .needs import NEEDS, require

# In .ci/run the drawn cases are the same each time, so that a change is judged by itself; elsewhere they are new ones.
# No test is a timing: a machine that is busy fails none.
settings.register_profile("same-cases", derandomize=True, deadline=None)
settings.register_profile("new-cases", deadline=None)
settings.load_profile("new-cases")
if os.environ.get("GRIDMAP_SAME_CASES") == "1":
    settings.load_profile("same-cases")

# A shell's job in the background ignores Ctrl-C, and what the tests start would inherit it and never end by one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collecting makes some millions of objects that live until the end, and the garbage collector went through all
    of them again and again: a fifth of the time. Now it waits until they are there, and passes them over afterwards.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*max(gc.get_threshold(), COLLECT_AFTER))  # as the command line has it
        gc.enable()


def pytest_unconfigure():
    gc.unfreeze()  # what is ended at the end is ended as ever


#: Gigabytes of memory that a worker and what it starts may take.
WORKER_GB = 2.5


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than there are cores, where they have the memory: some tests wait for a browser or a server."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return min(cores + 1, max(int(memory / (WORKER_GB * 1e9)), cores))


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            require(name)


def pytest_terminal_summary(terminalreporter):
    """What was not run on this machine, and the line that would bring it."""
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", []) if report.longrepr]
    absent = Counter(name for reason in reasons for name in NEEDS if f"needs {name}: " in reason)
    for name, number in absent.items():
        terminalreporter.write_line(f"not run for want of {name}: {number} tests ({NEEDS[name].install})")


def error_of_a_note(self: GridmapError, *args) -> None:
    """`GridmapError.__init__` while testing: what the package raises has a code, whichever way its text was made."""
    frame = sys._getframe(1)
    inside = Path(frame.f_code.co_filename).is_relative_to(ROOT / "gridmap")
    if inside and not (args and isinstance(args[0], Note)):
        raise AssertionError(f"{frame.f_code.co_filename}:{frame.f_lineno}: not a Note: {args!r}")
    Exception.__init__(self, *args)


@pytest.fixture(scope="session", autouse=True)
def every_error_has_a_code():
    GridmapError.__init__ = error_of_a_note
    yield
    del GridmapError.__init__


@pytest.fixture(scope="session", autouse=True)
def each_function_is_compiled_once(tmp_path_factory):
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = tmp_path_factory.getbasetemp().parent / "compiling"
        folder.mkdir(exist_ok=True)
        with compiled_once(folder):
            yield
    else:
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """`gridmap demo out` with what it printed in `stdout`; only to be read."""

    def make(folder: Path) -> None:
        done = run_here(["demo", "out"], cwd=folder)
        assert done.returncode == 0, done.stderr
        (folder / "stdout").write_text(done.stdout, encoding="utf-8")

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(os.environ.get("GRIDMAP_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the shared data folder (../shared/data or GRIDMAP_SHARED_DATA) is not here")
    return folder
