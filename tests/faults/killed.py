"""A small process that does its work in children of its own, each killed before its n-th step on the file system.

It has imported next to nothing, so that it divides itself in a millisecond; the process of the tests takes a tenth of
a second. `python tests/faults/killed.py` reads a job as a line of JSON and answers with how its child ended.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What is counted as a step on the file system.
STEPS = ("replace", "rename", "mkdir", "rmdir", "unlink", "write_text")
FAILED = 255


def staged(out: str, files: dict[str, str]) -> None:
    """A run's folder with these files, staged and moved into its place."""
    from gridmap.runs.run_folder import staging

    with staging(Path(out)) as stage:
        for name, text in files.items():
            path = stage.folder / name
            os.makedirs(path.parent, exist_ok=True)  # noqa: PTH103 - not one of the steps that are counted
            path.write_bytes(text.encode())


def added(out: str, name: str, text: str) -> None:
    """A paper laid into a run's folder, with its line in the audit."""
    from gridmap._audit import write_added

    write_added(Path(out), name, text.encode(), what="report")


def stored(store: str, file: str) -> None:
    """An export added to a store of incidents."""
    from gridmap.counts.store_adding import IncidentStore

    IncidentStore(store).add(file)


def stored_in_pieces(store: str, file: str, rows: int) -> None:
    """An export added to a store of incidents, so many rows at a time."""
    from gridmap.counts import store_adding

    store_adding.ROWS_TOGETHER = rows
    store_adding.IncidentStore(store).add(file)


WORKS = {"staged": staged, "added": added, "stored": stored, "stored_in_pieces": stored_in_pieces}


@cache
def _imported_for(work: str) -> None:
    """What a work needs, before any child is made."""
    if work.startswith("stored"):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "a.csv")  # noqa: PTH118 - as above
            with open(file, "w") as text:  # noqa: PTH123
                text.write("id,time,lon,lat\n1,2024-01-02 10:00,-1.5,53.8\n2,2024-01-02 10:00,-1.5,53.8\n")
            stored(folder, file)


def killed_at_step(number: int, work: str, *arguments) -> int:
    """Do one of `WORKS` in a process of its own, killed by SIGKILL before its n-th step on the file system (0: never).

    Nothing is flushed to the disk meanwhile: what a process has written outlives its kill.

    Returns
    -------
    int
        Minus nine where it was killed; otherwise the number of its steps, or 255 where the work failed.
    """
    process = _parent()
    print(json.dumps([number, work, *arguments]), file=process.stdin, flush=True)
    return int(process.stdout.readline())


@cache
def _parent() -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    atexit.register(process.communicate)
    return process


def _counted(number: int, work) -> int:
    """Do the work with its steps counted, and die at one of them; how many there were."""
    step = 0

    def counting(function):
        def call(*arguments, **more):
            nonlocal step
            step += 1
            if step == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **more)

        return call

    for name in STEPS:
        setattr(Path, name, counting(getattr(Path, name)))
    os.unlink, os.rmdir = counting(os.unlink), counting(os.rmdir)
    os.fsync = lambda descriptor: None
    work()
    return step


def main() -> None:
    """Answer jobs until there are no more."""
    import gridmap._audit
    import gridmap.runs.run_folder  # noqa: F401 - before any child is made

    for line in sys.stdin:
        number, work, *arguments = json.loads(line)
        _imported_for(work)
        _imported_for(work)
        child = os.fork()
        if child == 0:
            try:
                os._exit(_counted(number, lambda work=work, arguments=arguments: WORKS[work](*arguments)))
            finally:
                os._exit(FAILED)
        status = os.waitpid(child, 0)[1]
        print(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)


if __name__ == "__main__":
    main()
