"""The pieces of a region as a graph: which share a border, and how much of it."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

__all__ = ["PieceGraph"]


@dataclass
class PieceGraph:
    """A sparse, symmetric table of border lengths, as the three arrays that compiled code takes."""

    indptr: np.ndarray
    indices: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, n, i, j, metres):
        """The graph of `n` pieces from pairs and the metres they share."""
        table = sparse.coo_array((np.r_[metres, metres], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
        table.sort_indices()
        return cls(table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data.astype(float))

    def __iter__(self):
        return iter((self.indptr, self.indices, self.length))

    def within(self, rows: np.ndarray) -> "PieceGraph":
        """The graph of some of the pieces among themselves."""
        n = len(self.indptr) - 1
        table = sparse.csr_array((self.length, self.indices, self.indptr), shape=(n, n))[rows][:, rows]
        table.sort_indices()
        return type(self)(table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data)
