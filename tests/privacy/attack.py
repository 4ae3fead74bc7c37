"""The attack: everything that was published, as linear facts about cells, and what they leave open about each.

A fact says that the incidents of some series in some cells are together so many. The attacker knows the cells, which of
them make an area, and every fact; for each cell and series a linear programme asks for the least and the most that all
facts allow. A number is computed back when the two are the same, or too near.
"""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_array


class Facts:
    """Sums over cells × series that were published."""

    def __init__(self, cells: int, series: int):
        self.shape = (cells, series)
        self.rows: list[np.ndarray] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add(self, cells: Iterable[int], series: Iterable[int], low: float, high: float | None = None) -> None:
        """The incidents of these series in these cells are between `low` and `high` (the same when not given)."""
        at = np.ravel_multi_index(np.array([(c, s) for c in cells for s in series]).T, self.shape)
        self.rows.append(at)
        self.low.append(low)
        self.high.append(low if high is None else high)

    def bounds(self, cells: Iterable[int], series: Iterable[int]) -> tuple[float, float]:
        """The least and the most that the incidents of these series in these cells can be together."""
        n = int(np.prod(self.shape))
        matrix = lil_array((2 * len(self.rows), n))
        for i, at in enumerate(self.rows):
            matrix[2 * i, at] = 1
            matrix[2 * i + 1, at] = -1
        limit = np.ravel(np.column_stack([self.high, -np.array(self.low)]))
        target = np.zeros(n)
        target[np.ravel_multi_index(np.array([(c, s) for c in cells for s in series]).T, self.shape)] = 1
        found = []
        for sign in (1, -1):
            solved = linprog(sign * target, A_ub=matrix.tocsr(), b_ub=limit, bounds=(0, None), method="highs")
            assert solved.status in (0, 3), solved.message
            found.append(sign * solved.fun if solved.status == 0 else np.inf)
        return round(found[0], 6), round(found[1], 6)
