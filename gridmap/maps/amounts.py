"""cells_layer(): any column over cells (counts, rates, forecasts, labels), with periods where it has them."""

from collections.abc import Sequence

import geopandas as gpd
import h3
import numpy as np
import pandas as pd

from gridmap._periods import every_of
from gridmap.errors import InputError
from gridmap.grids.base import Grid
from gridmap.maps.classes import amount_classes, codes_of, label_classes
from gridmap.maps.layers import Layer, Word
from gridmap.messages import did_you_mean

__all__ = ["cells_layer", "shaped"]

#: Shown in a tooltip when the caller names no columns, in this order.
SHOWN = (
    *("count", "expected", "ratio", "count_before", "count_after", "difference", "rate", "intensity"),
    *("label", "z_score", "p_value", "q_value", "stability", "persons", "households"),
)


def cells_layer(
    frame_or_grid,
    column: str,
    *,
    grid: Grid | None = None,
    name: str | Word | None = None,
    unit: str | Word = "",
    scheme: str | Sequence[float] = "quantiles",
    k: int = 5,
    columns: Sequence[str] | None = None,
    show: bool = True,
) -> Layer:
    """A layer that colours cells by one column.

    Parameters
    ----------
    frame_or_grid : DataFrame, GeoDataFrame or Grid
        One row a cell. A frame indexed by H3 ids needs no geometry; any other needs its own, or `grid`.
        With a MultiIndex (`cell_id`, `period`), as `count_by_cell(…, every=…)` gives it, the layer has periods:
        the page gets a time slider, or for hours of the week a clock.
    column : str
        Numbers are cut into classes, text is drawn by kind.
    grid : Grid, optional
        Brings the shapes (and zones) of the cells named by the index.
    name, unit : str, optional
        As the page says them. The column's name and nothing, by default.
    scheme : {"quantiles", "fisher_jenks", "equal_interval", "head_tail"} or list of numbers
        How amounts above zero are cut, or the upper bounds themselves.
    k : int
        Number of classes, 1 to 7.
    columns : list of str, optional
        What the tooltip shows besides; the known ones, by default.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        For an unknown column, an empty frame, cells without a shape, or a cell given twice.
    SettingError
        For an unknown scheme, or k out of range.

    Examples
    --------
    >>> counts = pd.DataFrame({"count": [0, 2, 7]}, index=["8819424409fffff", "881942440bfffff", "881942440dfffff"])
    >>> cells_layer(counts, "count", name="Burglary")
    <Layer 'Burglary': 3 rows, 4 classes, theme>
    """
    frame = frame_or_grid.cells if isinstance(frame_or_grid, Grid) else frame_or_grid
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"cells_layer needs a frame or a Grid; found {type(frame_or_grid).__name__}.")
    if column not in frame:
        raise InputError(f"The cells have no column {column!r}. {did_you_mean(column, map(str, frame.columns))}")
    if not len(frame):
        raise InputError("There are no cells to draw: the frame is empty.")
    name = (Word("layer counts") if column == "count" else str(column)) if name is None else name
    if not unit and column in ("intensity", "count"):
        unit = Word("per_km2") if column == "intensity" else Word("incidents")
    if frame.index.nlevels > 1:
        return _with_periods(frame, column, grid=grid, name=name, unit=unit, scheme=scheme, k=k, show=show)
    cells = shaped(frame, grid)
    values = cells[column]
    known = [c for c in (columns if columns is not None else SHOWN) if c in cells and c != column]
    if columns is not None and (missing := [c for c in columns if c not in cells]):
        raise InputError(
            f"The cells have no column {missing[0]!r}. {did_you_mean(missing[0], map(str, cells.columns))}"
        )
    facts = {"rank_by": column}
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        classes, codes, _ = amount_classes(values, scheme=scheme, k=k)
    else:
        classes, codes = label_classes(values)
        facts = {"labels": column}
    return Layer(
        name, cells, classes, codes, columns=(column, *known), unit=unit, show=show, method="cells", facts=facts
    )


def _with_periods(frame, column, *, grid, name, unit, scheme, k, show) -> Layer:
    """A layer over a (cell, period) index: the sum over all periods, and every period with the same breaks."""
    if frame.index.nlevels != 2 or "category" in frame.index.names:
        raise InputError(
            f"A layer takes cells, or cells × periods; the frame is indexed by {list(frame.index.names)}. "
            "Select one category first, as in counts.xs('Burglary', level='category')."
        )
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise InputError(f"A layer with periods needs amounts; the column {column!r} is {frame[column].dtype}.")
    if frame.index.has_duplicates:
        raise InputError(f"The cell and period {frame.index[frame.index.duplicated()][0]!r} occur twice.")
    order = frame.index.get_level_values(0).unique()
    wide = frame[column].unstack(level=1).reindex(order)  # noqa: PD010 - the index is unique, nothing to pool
    wide = wide[sorted(wide.columns)]
    total = shaped(pd.DataFrame({column: wide.sum(axis=1)}, index=order), grid)
    # one set of breaks for every period: cut where the amounts of single periods say
    classes, _, bounds = amount_classes(wide.to_numpy(), scheme=scheme, k=k)
    last = codes_of(wide.iloc[:, -1], bounds)
    return Layer(
        name,
        total,
        classes,
        last,
        columns=(column,),
        unit=unit,
        show=show,
        method="cells",
        frames=wide,
        frame_breaks=bounds,
        facts={"rank_by": column, "every": frame.attrs.get("every") or _every(wide.columns)},
    )


def _every(periods: pd.Index) -> str:
    if isinstance(periods, pd.PeriodIndex):
        return every_of(periods) or "period"
    whole = pd.api.types.is_integer_dtype(periods)
    return "hour_of_week" if whole and len(periods) == 168 else "period"


def shaped(frame: pd.DataFrame, grid: Grid | None = None) -> pd.DataFrame:
    """`frame` with shapes: its own, the grid's, or none when its index holds H3 ids.

    Raises
    ------
    InputError
        If a cell has no shape, or occurs twice.
    """
    if frame.index.has_duplicates:
        raise InputError(f"The cell {frame.index[frame.index.duplicated()][0]!r} occurs twice.")
    if grid is not None:
        lost = frame.index.difference(grid.cells.index)
        if len(lost):
            raise InputError(f"{len(lost):,} cells are not in the grid, the first is {lost[0]!r}.")
        carried = grid.cells.loc[frame.index, [c for c in grid.cells if c not in frame]]
        return gpd.GeoDataFrame(pd.concat([frame, carried], axis=1), geometry="geometry", crs=grid.cells.crs)
    if isinstance(frame, gpd.GeoDataFrame):
        if frame.crs is None:
            raise InputError("The cells have no CRS. Set it, as in cells.set_crs(4326).")
        cells = frame if frame.crs == "EPSG:4326" else frame.to_crs(4326)
        bare = cells.geometry.isna() | cells.geometry.is_empty
        if bare.any():
            raise InputError(
                f"{int(bare.sum()):,} cells have no shape, the first is {cells.index[bare.to_numpy()][0]!r}."
            )
        return cells
    strange = next((c for c in frame.index if not (isinstance(c, str) and h3.is_valid_cell(c))), None)
    if strange is not None:
        raise InputError(
            f"The frame has no geometry and its index is no H3 id ({strange!r}). Give a GeoDataFrame, or grid=."
        )
    return frame


def finite(values) -> np.ndarray:
    """Values as floats, infinities as nan."""
    values = np.asarray(pd.to_numeric(pd.Series(values), errors="coerce"), float)
    return np.where(np.isfinite(values), values, np.nan)
