"""Cells coloured by a class: labels of a test, counts, rates, forecasts, kinds; with periods where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely

from gridmap._periods import every_of
from gridmap.errors import InputError
from gridmap.grids.base import Grid
from gridmap.hotspots.registry import side_of
from gridmap.maps import palette
from gridmap.maps.layers.base import Layer
from gridmap.maps.legend_classes import (
    Class,
    Rule,
    amount_classes,
    codes_of,
    label_classes,
    own_label,
    packed_text,
)
from gridmap.maps.packing import pack, pack_column
from gridmap.messages import Note, did_you_mean
from gridmap.read.numbers import one_column, with_geometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CellsLayer", "cells_layer", "shaped"]

#: Shown in a tooltip when the caller names no columns, in this order.
SHOWN = (
    *("count", "expected", "ratio", "count_before", "count_after", "difference", "rate", "intensity"),
    *("label", "z_score", "p_value", "q_value", "stability", "persons", "households"),
)


#: Counts are drawn as they are where the larger cells have no more than so many times the area of the smaller ones.
UNEQUAL = 1.6


@dataclass(frozen=True, repr=False)
class CellsLayer(Layer):
    """Cells, filled in the colour of their class.

    Attributes
    ----------
    labels : str or None
        The column of the labels, where the classes are labels; else the classes are amounts of `rank_by`.
    frames : DataFrame or None
        Amounts by row × period, where the layer has periods; columns are the periods.
    frame_km2 : ndarray or None
        The area of each row, where the amounts are counts of areas of unequal size: then they are drawn per km².
    frame_breaks : tuple of float
        Upper bounds of the amount classes, fixed over all periods.
    every : str
        The unit of the periods: "month", "day", "hour_of_week", ….
    """

    kind: ClassVar[str] = "cells"
    role: ClassVar[str] = "theme"
    drawing: ClassVar[str] = "shapes"
    content: ClassVar[str] = "cells"

    labels: str | None = None
    frames: pd.DataFrame | None = None
    frame_breaks: tuple[float, ...] = ()
    frame_km2: np.ndarray | None = None
    every: str = "period"

    @property
    def tested(self) -> bool:
        """Whether a test stands behind the classes."""
        return self.labels is not None and self.method != "cells"

    @property
    def of_zones(self) -> bool:
        """Whether its rows are zones of the boundaries, and not cells of a grid laid over them."""
        if "zone_id" not in self.frame or not len(self.frame):
            return False
        return bool((self.frame["zone_id"].astype(str).to_numpy() == self.frame.index.astype(str).to_numpy()).all())

    def units(self, *, one: bool = False) -> Note:
        """What its rows are called, in a sentence about several of them, or about one."""
        return Note(f"page.unit_{'zone' if self.of_zones else 'cell'}{'' if one else 's'}")

    def side(self) -> np.ndarray:
        """+1 where a cell is drawn as hot, high or up, −1 where as cold, low or down, 0 elsewhere; one a row."""
        sides = np.zeros(256, np.int64)
        for code, entry in enumerate(self.classes):
            sides[code] = side_of(own_label(entry.label))
        return sides[self.codes]

    def ground(self) -> np.ndarray:
        """Where the test found more than if all land were alike, but nothing that is drawn hot; one a row."""
        if not self.tested or "concentrated" not in self.frame:
            return np.zeros(len(self.frame), bool)
        return self.frame["concentrated"].fillna(False).to_numpy(bool) & (self.side() == 0)

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """The amounts of the periods: one column's integers after the other, and their classes' bounds."""
        out: dict[str, Any] = {"labels": self.tested, "rank_by": self.rank_by, "of_zones": self.of_zones}
        if (ground := self.ground()).any():
            out["ground"] = {
                "colour": palette.CONCENTRATED,
                "rows": pack(np.packbits(ground[order]).tobytes()),
                "n": int(self.frame["concentrated"].sum()),  # the hot ones among them, as the findings count them
            }
        if self.frames is None:
            return out
        return out | {"frames": self._packed_frames(order)}

    def drawn_frames(self) -> pd.DataFrame:
        """The amounts of the periods as they are coloured: per km² where the areas are of unequal size.

        Raises
        ------
        InputError
            For a layer without periods.
        """
        if self.frames is None:
            raise InputError(Note("maps.no_periods"))
        return self.frames if self.frame_km2 is None else self.frames.div(self.frame_km2, axis=0)

    def _packed_frames(self, order: np.ndarray) -> dict[str, Any]:
        assert self.frames is not None
        values = self.frames.iloc[order]
        amounts = values.to_numpy(float)
        size = np.ones(len(order)) if self.frame_km2 is None else self.frame_km2[order]
        packed: dict[str, Any] = {
            "periods": [str(p) for p in values.columns],
            "every": self.every,
            "bounds": [float(b) for b in self.frame_breaks],
            "totals": [round(float(t), 3) for t in amounts.sum(axis=0)],
            **pack_column(pd.Series(amounts.T.ravel())),
        }
        # sums of periods are larger than one period: their classes are decided here too, not by the page
        sums = np.nan_to_num(amounts).sum(axis=1)
        whole, _, bounds = amount_classes(sums / size, k=len(self.frame_breaks) or 1)
        if self.frame_km2 is not None:
            packed |= {
                "km2": pack_column(pd.Series(size), digits=_km2_digits(size)),
                "counted": packed_text(Note("page.incidents")),
            }
        packed["sums"] = {"classes": [c.packed() for c in whole], "bounds": [float(b) for b in bounds]}
        return packed

    def draw(self, ax: "Axes", shapes: gpd.GeoSeries) -> None:
        """Into a figure: filled, class by class, hatched where hatched."""
        ground = self.ground()
        for code, entry in enumerate(self.classes):
            part = shapes[(self.codes == code) & ~ground]
            if len(part):
                edge, hatch = ("#6B7280", "////") if entry.hatch else ("#00000022", None)
                _fill(ax, part.to_numpy(), facecolor=entry.colour, edgecolor=edge, linewidth=0.2, hatch=hatch)
        if ground.any():
            colour = palette.CONCENTRATED
            _fill(ax, shapes[ground].to_numpy(), facecolor=colour, edgecolor=colour, linewidth=0.2)

    def figure_legend(self) -> list[Class]:
        """The classes, and the ground of what is concentrated where there is any."""
        ground = [Class(palette.CONCENTRATED, Note("page.concentrated"))] if self.ground().any() else []
        return [*super().figure_legend(), *ground]

    def style_column(self) -> str | None:
        """The column whose values decide the class."""
        return self.labels or self.rank_by

    def rules(self, language: str = "en") -> tuple[Rule, ...]:
        """A rule a class, in the legend's order, so that every row has the class that the map gives it."""
        return tuple(self._label_rules(language) if self.labels else self._amount_rules(language))

    def _label_rules(self, language: str):
        values = self.frame[self.labels]
        text = values.astype(object).where(values.notna(), None)
        by_class: dict[int, list[str]] = {}
        for label, code in zip(text, self.codes, strict=True):
            if label is not None and str(label) not in (found := by_class.setdefault(int(code), [])):
                found.append(str(label))
        taken = {label for labels in by_class.values() for label in labels}
        for code, entry in enumerate(self.classes):
            own = own_label(entry.label)
            labels = by_class.get(code) or ([own] if own and own not in taken else [])
            missing = entry.hatch and getattr(entry.label, "code", "") == "page.no_data"
            yield Rule(entry.text(language), entry.colour, entry.hatch, tuple(labels), missing=missing)

    def _amount_rules(self, language: str):
        nodata, zero, *amounts = self.classes
        yield Rule(nodata.text(language), nodata.colour, True, missing=True)
        yield Rule(zero.text(language), zero.colour, upto=0.0)
        low = 0.0
        for i, entry in enumerate(amounts):
            upto = None if i == len(amounts) - 1 else entry.high
            yield Rule(entry.text(language), entry.colour, above=low, upto=upto)
            low = entry.high or 0.0


def _fill(ax: "Axes", areas: np.ndarray, **style: Any) -> None:
    """Fill areas, one path each; geopandas makes a patch object of each, which takes most of a figure's time."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    parts, area = shapely.get_parts(shapely.orient_polygons(areas), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    codes = np.full(len(xy), Path.LINETO, Path.code_type)
    codes[np.r_[True, ring[1:] != ring[:-1]]] = Path.MOVETO
    codes[np.r_[ring[1:] != ring[:-1], True]] = Path.CLOSEPOLY
    cuts = np.flatnonzero(np.diff(area[part][ring])) + 1
    paths = [Path(p, c) for p, c in zip(np.split(xy, cuts), np.split(codes, cuts), strict=True)]
    ax.add_collection(PathCollection(paths, **style))
    ax.autoscale_view()


def cells_layer(
    frame_or_grid,
    column: str,
    *,
    grid: Grid | None = None,
    name: str | Note | None = None,
    unit: str | Note = "",
    scheme: str | Sequence[float] = "quantiles",
    k: int = 5,
    columns: Sequence[str] | None = None,
    show: bool = True,
) -> CellsLayer:
    """A layer that colours cells by one column.

    Parameters
    ----------
    frame_or_grid : DataFrame, GeoDataFrame or Grid
        One row a cell. A frame indexed by H3 ids needs no geometry; any other needs its own, or `grid`.
        With a MultiIndex (`cell_id`, `period`), as `count_by_cell(…, every=…)` gives it, the layer has periods:
        the page gets a time slider, or for hours of the week a clock.
    column : str
        Numbers are cut into classes, text is drawn by kind. Counts of areas of unequal size are drawn per km², in
        periods too, as the legend says: as they are, large areas would look worse than they are; breaks of your own
        keep the counts.
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
        raise InputError(Note("maps.cells_layer_needs_frame", found=type(frame_or_grid).__name__))
    if column not in frame:
        raise InputError(_no_column(column, frame))
    if not len(frame):
        raise InputError(Note("maps.no_cells"))
    name = (Note("method.counts.name") if column == "count" else str(column)) if name is None else name
    if not unit and column in ("intensity", "count"):
        unit = Note("page.per_km2") if column == "intensity" else Note("page.incidents")
    if frame.index.nlevels > 1:
        return _with_periods(frame, column, grid=grid, name=name, unit=unit, scheme=scheme, k=k, show=show)
    cells = shaped(frame, grid)
    values, labels = one_column(cells, column), None
    known = [c for c in (columns if columns is not None else SHOWN) if c in cells and c != column]
    if columns is not None and (missing := [c for c in columns if c not in cells]):
        raise InputError(_no_column(missing[0], cells))
    km2 = _unequal_km2(cells) if column == "count" and isinstance(scheme, str) and "intensity" not in cells else None
    if km2 is not None:
        cells = cells.assign(intensity=cells["count"] / km2)
        known, column, values, unit = ["count", *known], "intensity", cells["intensity"], Note("page.per_km2")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        classes, codes, _ = amount_classes(values, scheme=scheme, k=k)
    else:
        if values.dtype == object:  # a list or a mapping is shown by its text, as any other word
            values = values.astype(object).map(str, na_action="ignore")
            cells = cells.assign(**{column: values})
        classes, codes = label_classes(values)
        labels = column
    shown: dict[str, Any] = {"columns": (column, *known), "unit": unit, "show": show, "method": "cells"}
    return CellsLayer(name, cells, classes, codes, **shown, rank_by=column, labels=labels)


def _unequal_km2(cells: pd.DataFrame) -> np.ndarray | None:
    """The areas, where they are so unequal that counts in colour would show the size and not the incidents."""
    if len(cells) < 2:
        return None
    if "area_m2" in cells:
        km2 = cells["area_m2"].to_numpy(float) / 1e6
    elif isinstance(cells, gpd.GeoDataFrame):
        km2 = cells.geometry.to_crs("ESRI:54034").area.to_numpy() / 1e6
    else:
        return None
    small, large = np.quantile(km2, [0.1, 0.9])
    if not large > UNEQUAL * small > 0 or not (km2 > 0).all():
        return None
    return np.round(km2, _km2_digits(km2))  # as the page has them, so that every class is decided by the same numbers


def _km2_digits(km2: np.ndarray) -> int:
    """So many decimals that the smallest area keeps four figures, and the largest fits into 31 bits."""
    digits = 3 - int(np.floor(np.log10(km2.min())))
    return max(0, min(digits, 9 - int(np.ceil(np.log10(km2.max())))))


def _no_column(column: str, frame: pd.DataFrame) -> Note:
    return Note("maps.no_column", column=column, meant=did_you_mean(column, map(str, frame.columns)))


def _with_periods(frame, column, *, grid, name, unit, scheme, k, show) -> CellsLayer:
    """A layer over a (cell, period) index: the sum over all periods, and every period with the same breaks."""
    if frame.index.nlevels != 2 or "category" in frame.index.names:
        raise InputError(Note("maps.cells_or_periods", names=[str(n) for n in frame.index.names]))
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise InputError(Note("maps.periods_need_amounts", column=column, found=str(frame[column].dtype)))
    if frame.index.has_duplicates:
        raise InputError(Note("maps.cell_and_period_twice", cell=str(frame.index[frame.index.duplicated()][0])))
    order = frame.index.get_level_values(0).unique()
    wide = frame[column].unstack(level=1).reindex(order)  # noqa: PD010 - the index is unique, nothing to pool
    wide = wide[sorted(wide.columns)]
    total = shaped(pd.DataFrame({column: wide.sum(axis=1)}, index=order), grid)
    km2 = _unequal_km2(total) if column == "count" and isinstance(scheme, str) else None
    drawn = wide.to_numpy(float)
    columns: tuple[str, ...] = (column,)
    if km2 is not None:
        drawn, columns, unit = drawn / km2[:, None], ("intensity", "count"), Note("page.per_km2")
        total = total.assign(intensity=total["count"] / km2)
    # one set of breaks for every period: cut where the amounts of single periods say
    classes, _, bounds = amount_classes(drawn, scheme=scheme, k=k)
    last = codes_of(drawn[:, -1], bounds)
    return CellsLayer(
        name,
        total,
        classes,
        last,
        columns=columns,
        unit=unit,
        show=show,
        method="cells",
        rank_by=columns[0],
        frames=wide,
        frame_km2=km2,
        frame_breaks=bounds,
        every=frame.attrs.get("every") or _every(wide.columns),
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
        raise InputError(Note("maps.cell_twice", cell=str(frame.index[frame.index.duplicated()][0])))
    if grid is not None:
        lost = frame.index.difference(grid.cells.index)
        if len(lost):
            raise InputError(Note("maps.cells_not_in_grid", n=len(lost), first=str(lost[0])))
        carried = grid.cells.loc[frame.index, [c for c in grid.cells if c not in frame]]
        return gpd.GeoDataFrame(pd.concat([frame, carried], axis=1), geometry="geometry", crs=grid.cells.crs)
    if isinstance(frame, gpd.GeoDataFrame):
        if with_geometry(frame).crs is None:
            raise InputError(Note("maps.cells_without_crs"))
        cells = frame if frame.crs == "EPSG:4326" else frame.to_crs(4326)
        bare = cells.geometry.isna() | cells.geometry.is_empty
        if bare.any():
            raise InputError(
                Note("maps.cells_without_shape", n=int(bare.sum()), first=str(cells.index[bare.to_numpy()][0]))
            )
        return cells
    strange = next((c for c in frame.index if not (isinstance(c, str) and h3.is_valid_cell(c))), None)
    if strange is not None:
        raise InputError(Note("maps.no_shapes", found=str(strange)))
    return frame
