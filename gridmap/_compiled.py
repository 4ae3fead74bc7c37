"""numba's `njit` for compiled code that is kept between processes: its names are this process's own.

numba numbers the functions that it compiles, 1, 2, 3 … in every process, and a function made within another (each
variant of `np.sort` and `np.argsort` is one) is known to the linker by its name and that number alone. Kept code of two
processes that happened to number two variants alike then called the one for the other: wrong numbers, or the end of the
process. Each process begins at a number of its own here.
"""

import itertools
import secrets

from numba import njit
from numba.core.bytecode import FunctionIdentity

__all__ = ["FIRST", "njit"]

#: The number at which this process begins.
FIRST = (1 + secrets.randbits(40)) << 12

if hasattr(FunctionIdentity, "_unique_ids"):
    FunctionIdentity._unique_ids = itertools.count(FIRST)
