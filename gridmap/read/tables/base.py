"""What every reader hands on: a table before its columns mean anything.

A file of text, a worksheet, a layer, a frame and the answer of a database differ in how they are opened. From here
on they are the same: named columns, and batches of rows that know their numbers. The readers of each kind build on
this module, and this one knows none of them.
"""

import re
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


#: What a row of sums begins with, in lower case and without blanks.
_TOTAL_WORDS = """
    合计 总计 小计 共计 总数 本页合计 本月合计 合計 總計 小計 共計 總數 計 합계 총계 소계 총합계 計合
    total totals totales totaux totali grandtotal overalltotal sum sums subtotal subtotals
    totalgeneral totalgénéral totalgeral subtotalgeral soustotal totalparcial totalgenerale
    summe gesamt gesamtsumme gesamtergebnis insgesamt zwischensumme totale subtotale totaal subtotaal
    suma sumaczęściowa razem ogółem łącznie celkem součet spolu összesen ukupno skupaj сума разом всего итого
    итог общо σύνολο συνολο γενικόσύνολο toplam geneltoplam yhteensä totalt summa sammanlagt المجموع الإجمالي
    jumlah tổngcộng tổng รวม
"""
TOTALS = frozenset(_TOTAL_WORDS.split())


def is_total(cells) -> bool:
    """Whether a row is a sum of a table: its first words say so, alone, with a name before it or a number behind it.

    Examples
    --------
    >>> is_total(["合计", "", "128"]), is_total(["", "Total:", "3"]), is_total(["Total Wine Store", "1"])
    (True, True, False)
    >>> is_total(["Summe"]), is_total(["Σύνολο", "12"]), is_total(["合计：128起"]), is_total(["盗窃 小计"])
    (True, True, True, True)
    """
    for cell in list(cells)[:3]:
        word = str(cell or "").strip().lower()
        if word:
            word = re.sub(r"[\s\-–—()（）【】\[\]*]+", "", word)
            word = re.sub(r"[:：=]?\d*[\d,.]*(起|件|条|宗|例|行)?$", "", word)
            return word in TOTALS or bool(re.fullmatch(r".{1,12}(合计|小计|总计|合計|小計|總計)", word))
    return False


class ReadAgain(Exception):
    """The quick reader failed midway; the whole file is to be read again by the careful one."""
