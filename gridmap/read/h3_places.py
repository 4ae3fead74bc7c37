"""Rows that carry an H3 cell instead of coordinates: where do they lie?

A warehouse often keeps the cell of a place and nothing finer. The place of such a row is the middle of its cell. H3's
finer cells do not lie exactly inside their parents, though, and who counts by hexagons wants a row in the parent of its
cell. So where the middle of a cell lies across its parent's border, the row is put into the middle of the parent: every
count, map and gate that follows then has it in the same hexagon as `count_by_cell(…, h3_column=…)`.
"""

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents

__all__ = ["COARSER", "NONE", "NOT_H3", "cell_number", "no_h3_column", "placed_by_cells", "places_of_cells"]

#: What is wrong with a row's cell: none is given, it is not one, it is coarser than the grid.
NONE, NOT_H3, COARSER = 1, 2, 3


def cell_number(word: object) -> int:
    """An H3 cell, in hexadecimal or as a 64-bit number (also written as text), as a number; 0 for what is none.

    Examples
    --------
    >>> cell_number("8928308280fffff") == cell_number(617700169958293503) == cell_number("617700169958293503")
    True
    >>> cell_number("Kirkgate")
    0
    """
    from h3.api import basic_int as h3

    if isinstance(word, int):
        return word if 0 < word < 1 << 63 and h3.is_valid_cell(word) else 0
    text = str(word).strip()
    for base in (16, 10):  # sixteen digits at most in one, eighteen in the other: no text is a cell in both
        try:
            number = int(text, base)
        except ValueError:
            continue
        if 0 < number < 1 << 63 and h3.is_valid_cell(number):
            return number
    return 0


def places_of_cells(
    column: pa.Array | pa.ChunkedArray, resolution: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where rows lie that carry an H3 cell.

    Parameters
    ----------
    column : pyarrow array of text or whole numbers
    resolution : int, optional
        Of the hexagons that are counted by: each row is put into its cell's parent there.

    Returns
    -------
    lon, lat : arrays of float
        nan where there is no place.
    fault : array of int
        0, or NONE, NOT_H3, COARSER.

    Examples
    --------
    >>> lon, lat, fault = places_of_cells(pa.array(["8928308280fffff", "here", None, "8528347bfffffff"]), 8)
    >>> lon.round(3).tolist()[0], lat.round(3).tolist()[0], fault.tolist()
    (-122.418, 37.777, [0, 2, 1, 3])
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    coded = column.dictionary_encode()
    words = coded.dictionary.to_pylist()
    places = np.array([_place(word, resolution) for word in words] or [(np.nan, np.nan, NONE)])
    given = np.asarray(coded.indices.is_valid())
    found = places[coded.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    lon, lat = (np.where(given, found[:, k], np.nan) for k in (0, 1))
    return lon, lat, np.where(given, found[:, 2], NONE).astype(np.uint8)


def _place(word: object, resolution: int | None) -> tuple[float, float, int]:
    from h3.api import basic_int as h3

    if isinstance(word, str) and not word.strip():
        return np.nan, np.nan, NONE
    cell = cell_number(word)
    if not cell:
        return np.nan, np.nan, NOT_H3
    lat, lon = h3.cell_to_latlng(cell)
    if resolution is None:
        return lon, lat, 0
    if h3.get_resolution(cell) < resolution:
        return np.nan, np.nan, COARSER
    parent = h3.cell_to_parent(cell, resolution)
    if h3.latlng_to_cell(lat, lon, resolution) != parent:
        lat, lon = h3.cell_to_latlng(parent)
    return lon, lat, 0


def placed_by_cells(incidents: Incidents, column: str, resolution: int) -> Incidents:
    """Incidents that were read before, each put into its cell's parent of this resolution.

    Raises
    ------
    InputError
        If they have no such column, or a value of it is not an H3 cell of the resolution or finer.

    Examples
    --------
    >>> table = pa.table({"lon": [-122.0], "lat": [37.0], "cell": ["8928308280fffff"]})
    >>> placed_by_cells(Incidents(table), "cell", 9).to_frame()[["lon", "lat"]].round(3).values.tolist()
    [[-122.418, 37.777]]
    """
    if column not in incidents.columns:
        raise no_h3_column(column, str(incidents.source.get("path", "memory")), incidents.columns)
    table = incidents.arrow()
    lon, lat, fault = places_of_cells(table[column], resolution)
    if fault.any():
        first = table[column][int(np.flatnonzero(fault)[0])].as_py()
        n = int((fault > 0).sum())
        raise InputError(Note("counts.not_h3", n=n, column=column, found=str(first), resolution=resolution))
    for name, values in (("lon", lon), ("lat", lat)):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    return Incidents(table, incidents.set_aside, incidents.source)


def no_h3_column(column: str, name: str, there) -> InputError:
    """The error for a column of cells that is not there."""
    return InputError(Note("read.no_h3_column", column=column, file=name, meant=did_you_mean(column, there)))
