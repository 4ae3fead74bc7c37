"""`gridmap …` for the tests: in this process, where nothing of a process of its own is looked at."""

import contextlib
import io
import subprocess
import warnings
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
