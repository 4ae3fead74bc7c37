"""Compiled code that two processes keep under one name for the linker must not be taken the one for the other."""

import re

from numba.core.bytecode import FunctionIdentity

import gridmap._compiled


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
