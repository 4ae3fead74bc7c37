"""What every reader hands on: a table before its columns mean anything.

A file of text, a worksheet, a layer, a frame and the answer of a database differ in how they are opened. From here
on they are the same: named columns, and batches of rows that know their numbers. The readers of each kind build on
this module, and this one knows none of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from pyproj import CRS

from gridmap.messages import Note

__all__ = ["Batch", "MemoryTable", "RawTable", "ReadAgain", "is_total"]


@dataclass
class Batch:
    """Some rows: `rows` are their numbers from 1; `faults` are rows that are none, `(row, reason, found)`."""

    table: pa.Table
    rows: np.ndarray
    faults: list = field(default_factory=list)


@dataclass
class RawTable(ABC):
    """A table before its columns mean anything."""

    name: str
    columns: list[str]
    encoding: str | None = None
    notes: list[Note] = field(default_factory=list)
    crs: CRS | None = None
    size: int = 0  # bytes as text, about: decides whether all of it is kept in memory
    layout: dict = field(default_factory=dict)

    @abstractmethod
    def batches(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """The rows in order, all columns or those named."""

    def spreadsheet_rows(self, rows: np.ndarray) -> tuple[list[str], np.ndarray] | None:
        """Sheet and row number of each of these rows as Excel shows them; None for what no spreadsheet opens.

        Parameters
        ----------
        rows : array of int
            Numbers of rows from 1, as batches have them.
        """
        return None


@dataclass
class MemoryTable(RawTable):
    """A table that is in memory already: a frame, a worksheet, the answer of a database."""

    data: pa.Table | None = None
    faults: list = field(default_factory=list)
    rows: np.ndarray | None = None
    #: Of a worksheet: its name and the number that Excel shows beside the row, of each row from the first on.
    shown_at: list[tuple[str, int]] | None = None

    def spreadsheet_rows(self, rows: np.ndarray) -> tuple[list[str], np.ndarray] | None:
        """Sheet and row number of each of these rows as Excel shows them."""
        if self.shown_at is None:
            return None
        places = [self.shown_at[row - 1] for row in rows.tolist()]
        return [sheet for sheet, _ in places], np.array([number for _, number in places], np.int64)

    def batches(self, columns=None):
        """The rows in order."""
        rows = np.arange(1, self.data.num_rows + 1) if self.rows is None else self.rows
        yield Batch(self.data.select(columns) if columns is not None else self.data, rows, self.faults)


def is_total(cells) -> bool:
    """Whether a row is the sum below a table: its first words say so.

    Examples
    --------
    >>> is_total(["合计", "", "128"]), is_total(["", "Total:", "3"]), is_total(["Total Wine Store", "1"])
    (True, True, False)
    """
    for cell in list(cells)[:3]:
        word = str(cell or "").strip().lower().rstrip(":：")
        if word:
            return word.replace(" ", "") in {
                "合计",
                "总计",
                "小计",
                "共计",
                "总数",
                "total",
                "totals",
                "grandtotal",
                "sum",
                "subtotal",
            }
    return False


class ReadAgain(Exception):
    """The quick reader failed midway; the whole file is to be read again by the careful one."""
