"""Ctrl-C ends a command cleanly and at once, also while a compiled loop is at work.

Python asks for signals between its own instructions, so a loop in numba, DuckDB or SciPy would have to end first. The
signal's number therefore also goes into a pipe, where a thread waits for it: it gives the command half a second to end
by itself, and then takes away what it has begun to write and leaves the process. A move of finished outputs is never
cut in two. (The thread needs Python's lock for a moment; compiled loops of gridmap give it up.)
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["leave_the_ending_to_the_command", "watch_interrupts"]

GRACE_S = 0.5
#: Signals that ask a command to end: Ctrl-C, `kill`, a closed terminal.
ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


#: Seconds that the command in hand was given to end by itself.
_grace_s = [GRACE_S]


@contextmanager
def leave_the_ending_to_the_command(seconds: float) -> Iterator[None]:
    """For a command that stops others first, and says itself how it ended: it has so many seconds for that."""
    _grace_s[0] = seconds
    try:
        yield
    finally:
        _grace_s[0] = GRACE_S


@contextmanager
def watch_interrupts(line: Callable[[], str]) -> Iterator[threading.Event]:
    """Watch for Ctrl-C while the block runs; the event is set when it came.

    Parameters
    ----------
    line : callable
        What to print when the process has to be left at once.
    """
    came, ended = threading.Event(), threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    reading, writing = os.pipe()
    if hasattr(os, "set_blocking"):  # on Windows from Python 3.12 on; before, the wake-up needs none there
        os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    ended_by = {number: signal.signal(number, _as_interrupt) for number in ENDS if number != signal.SIGINT}
    threading.Thread(target=_wait, args=(reading, came, ended, line), daemon=True).start()
    try:
        yield came
    finally:
        ended.set()
        for number, handler in ended_by.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(writing)


def _as_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _wait(reading: int, came: threading.Event, ended: threading.Event, line: Callable[[], str]) -> None:
    while number := os.read(reading, 1):
        if number[0] in ENDS:
            came.set()
            if not ended.wait(_grace_s[0]):
                _leave(line())
    os.close(reading)


def _leave(line: str) -> None:
    folder = sys.modules.get("gridmap._io")
    if folder is not None:
        folder.remove_own_staging()
    os.write(2, f"gridmap: {line}\n".encode(sys.stderr.encoding or "utf-8", "replace"))
    os._exit(130)
