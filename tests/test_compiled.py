"""Compiled code that two processes keep under one name for the linker must not be taken the one for the other."""

import re

import pytest
from numba.core import event
from numba.core.bytecode import FunctionIdentity

import gridmap._compiled
from gridmap._compiled import njit

from .compiled_once import compiled_once


def test_each_process_numbers_its_compiled_functions_from_a_number_of_its_own():
    """numba begins at 1 in each: then kept variants of `np.sort` and `np.argsort` of two processes had one name."""
    assert gridmap._compiled.FIRST >= 1 << 12
    before = FunctionIdentity.from_function(test_each_process_numbers_its_compiled_functions_from_a_number_of_its_own)
    assert gridmap._compiled.FIRST <= before.unique_id < gridmap._compiled.FIRST + (1 << 24)


def test_all_compiled_code_is_compiled_there(root):
    """Whoever decorated with numba's own `njit` first would begin at 1."""
    own = root / "gridmap" / "_compiled.py"
    by_itself = re.compile(r"from numba import [^\n]*jit|numba\.n?jit|import numba as")
    found = [p.name for p in (root / "gridmap").rglob("*.py") if p != own and by_itself.search(p.read_text("utf-8"))]
    assert found == []


def test_of_the_workers_one_compiles_a_function_and_the_others_wait_for_it(tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="no locks of files here: each worker compiles its own")
    free = []

    def is_free(lock) -> bool:
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    @njit
    def doubled(number):
        return number * 2

    @njit
    def doubled_and_one(number):
        return doubled(number) + 1

    with compiled_once(tmp_path), event.install_listener("numba:compile", compiling := Compiling()):
        compiling.do = lambda: free.append([is_free(lock) for lock in tmp_path.iterdir()])
        assert doubled_and_one(3) == 7
    assert free[:2] == [[False], [False, False]]  # the outer one is held while the one that it calls is compiled
    assert all(map(is_free, tmp_path.iterdir()))


class Compiling(event.Listener):
    """Does something whenever numba begins to compile a function."""

    do = staticmethod(lambda: None)

    def on_start(self, event):
        self.do()

    def on_end(self, event):
        pass
