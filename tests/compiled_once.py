"""What numba compiles is compiled by one worker; the others wait for it and load it from where it is kept."""

from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path

import pytest
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher


@contextmanager
def compiled_once(folder: Path):
    """Until the end of the block only one process of those with this folder compiles a function at a time.

    No two can wait for each other: a function is held only while those that it calls are compiled, and none calls one
    that calls it. numba's own lock, of this process, is taken first.
    """
    try:
        import fcntl
    except ImportError:  # Windows: each compiles its own
        yield
        return
    compile_alone = Dispatcher.compile
    held: set[str] = set()

    def compile_(self, sig):
        function = self.py_func
        name = blake2b(f"{function.__module__}.{function.__qualname__}".encode(), digest_size=16).hexdigest()
        with global_compiler_lock, ExitStack() as until:
            if name not in held:
                lock = until.enter_context((folder / f"{name}.lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)  # given up when the file is closed, or its process ended
                held.add(name)
                until.callback(held.discard, name)
            return compile_alone(self, sig)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "compile", compile_)
        yield
