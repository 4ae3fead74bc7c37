"""`gridmap …` for the tests: in this process, or in one of its own that is never left behind."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gridmap.cli import main


def run_here(arguments, *, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Run the command line in this process: how it ends and what it prints, as `subprocess.run` would say it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())


def awaited(coroutine):
    """What a coroutine gives, in a thread of its own: a browser of another test keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


#: Seconds after which a process is taken to hang. No test is a timing: a machine may be ten times slower than ours.
LONGEST = 600


def finished(process: subprocess.Popen, arguments=(), *, seconds: float = LONGEST) -> subprocess.CompletedProcess:
    """What a process has said and how it ended; one that hangs is ended with its children, its pipes are closed."""
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException:
        end(process)
        raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def end(process: subprocess.Popen) -> None:
    """Kill a process, with the session that it leads, and leave nothing of it open."""
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg") and os.getsid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()
