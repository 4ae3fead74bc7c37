"""`Layer`: one thing that a page can draw, whatever the drawing.

A layer is a name, a frame with a shape a row, and a style: classes with a colour each, and the class of every row. Each
kind of layer is a class of its own in a file of its own beside this one, which knows what the kind packs for the
browser, how its legend reads, how it is drawn in a figure and by which rules another program colours it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.errors import CRSError, InputError
from gridmap.maps.legend_classes import Class, Rule
from gridmap.maps.packing import h3_outlines
from gridmap.messages import Note
from gridmap.read.numbers import with_geometry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Layer", "checked_shapes"]


@dataclass(frozen=True, repr=False)
class Layer(ShortForm):
    """One thing that a page can draw. The kinds are `CellsLayer`, `SurfaceLayer`, `ClustersLayer`, `BoundariesLayer`, …

    Attributes
    ----------
    name : str or Note
        As the layer control shows it.
    frame : DataFrame or GeoDataFrame
        One row a shape; without geometry its index holds H3 ids. Lines and points only in context layers.
    classes : tuple of Class
        The legend, in its order.
    codes : ndarray of uint8, shape (rows,)
        Which class each row has; 255 draws nothing.
    columns : tuple of str
        Columns of `frame` that the tooltip and the tables show.
    show : bool
        Drawn when the page opens (of several themes, the first with show=True).
    unit : str or Note
        Of the amounts in the legend.
    method, params, notes
        How the numbers were made, for the page's About.
    """

    name: str | Note
    frame: pd.DataFrame
    classes: tuple[Class, ...]
    codes: np.ndarray
    columns: tuple[str, ...] = ()
    show: bool = True
    unit: str | Note = ""
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    #: What the page's code calls this kind.
    kind: ClassVar[str] = "layer"
    #: One theme is shown at a time; overlays lie beside it.
    role: ClassVar[str] = "overlay"
    #: Filled "shapes", "lines" only, or an "image".
    drawing: ClassVar[str] = "lines"
    #: What it holds, for the privacy gate.
    content: ClassVar[str] = "places"
    #: The column by which the places of the layer are ranked; None where there is nothing to rank.
    rank_by: str | None = None
    #: For whom its result was released; None where it was not, and passes the gate itself.
    audience: str | None = None
    #: What its findings are more than, as words; None where it may claim nothing.
    null: Note | None = None
    #: The months or days that its numbers speak of, where they are not those of the whole page.
    period: str | None = None
    #: Scales by which its outlines are simplified, coarsest first; () where they are as they are at every scale.
    zooms: tuple[float, ...] = ()
    #: Whether its shapes were moved to another datum, so that H3 ids no longer tell them.
    shifted: bool = False

    def __post_init__(self):
        codes = np.asarray(self.codes, dtype=np.uint8)
        if codes.shape != (len(self.frame),):
            raise InputError(Note("maps.one_class_a_row", rows=len(self.frame), codes=codes.shape))
        object.__setattr__(self, "codes", codes)
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "notes", tuple(self.notes))

    @property
    def has_geometry(self) -> bool:
        """Whether the frame brings its own shapes; else its index holds H3 ids."""
        return isinstance(self.frame, gpd.GeoDataFrame)

    @property
    def tested(self) -> bool:
        """Whether a test stands behind the classes."""
        return False

    def pack(self, order: np.ndarray) -> dict[str, Any]:
        """What the page needs of this kind besides, rows in the order given."""
        return {}

    def total(self) -> float | None:
        """How many incidents its numbers speak of; None where it counts none."""
        column = next((c for c in ("count", "count_after") if c in self.frame), None)
        if column is None or self.role != "theme":
            return None
        total = float(pd.to_numeric(self.frame[column], errors="coerce").sum())
        return round(total, 2) if np.isfinite(total) else None

    def legend(self) -> list[tuple[Class, int]]:
        """The classes that occur, in their order, each with its number of rows."""
        found = np.bincount(self.codes, minlength=256)
        return [(entry, int(found[i])) for i, entry in enumerate(self.classes) if found[i]]

    def figure_legend(self) -> list[Class]:
        """The classes that a figure's legend shows: all of them, hatched ones only where they occur."""
        used = set(np.unique(self.codes).tolist())
        return [entry for i, entry in enumerate(self.classes) if not entry.hatch or i in used]

    def draw(self, ax: "Axes", shapes: gpd.GeoSeries) -> None:
        """Into a figure: `shapes` are the layer's, in the figure's CRS."""
        shapes.boundary.plot(ax=ax, color=self.classes[0].colour, linewidth=0.8)

    def style_column(self) -> str | None:
        """The column whose values decide the class; None where all rows look the same."""
        return None

    def rules(self, language: str = "en") -> tuple[Rule, ...]:
        """The legend as rules over the columns."""
        return (Rule(self.classes[0].text(language), self.classes[0].colour),)

    def to_lonboard(self, **options: Any) -> Any:
        """The layer for lonboard, which draws millions of shapes in a notebook, in the colours of its legend.

        Parameters
        ----------
        **options
            Of lonboard's own layer (`PolygonLayer`, or `PathLayer` for lines), such as `opacity`.

        Returns
        -------
        lonboard.PolygonLayer or lonboard.PathLayer
            To be given to `lonboard.Map`. Rows that the page does not draw are left out; the columns that the page
            shows come along.

        Raises
        ------
        InputError
            Where lonboard is not installed, or the layer is an image or has no row to draw.
        """
        try:
            import lonboard
        except ModuleNotFoundError:
            raise InputError(Note("maps.no_lonboard")) from None
        drawn = self.codes < len(self.classes)
        if self.drawing == "image" or not drawn.any():
            raise InputError(Note("maps.nothing_to_plot"))
        shapes = self.frame.geometry.to_numpy() if self.has_geometry else h3_outlines(self.frame.index)
        shown = self.frame[[name for name in self.columns if name in self.frame]]
        frame = gpd.GeoDataFrame(pd.DataFrame(shown).reset_index(), geometry=np.asarray(shapes), crs=4326)[drawn]
        colours = np.array([[int(c.colour[i : i + 2], 16) for i in (1, 3, 5)] for c in self.classes], dtype=np.uint8)
        if frame.geometry.iloc[0].geom_type.endswith("LineString"):
            return lonboard.PathLayer.from_geopandas(frame, get_color=colours[self.codes[drawn]], **options)
        return lonboard.PolygonLayer.from_geopandas(frame, get_fill_color=colours[self.codes[drawn]], **options)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        name = self.name.code if isinstance(self.name, Note) else self.name
        return f"Layer {str(name)!r}: {len(self.frame):,} rows, {len(self.classes)} classes, {self.role}"


def checked_shapes(frame: Any, what: str, columns: Sequence[str] = ()) -> gpd.GeoDataFrame:
    """A frame of shapes in lon/lat, the empty ones left out.

    Raises
    ------
    InputError
        If it is not a GeoDataFrame, or empty.
    CRSError
        If it has no CRS.
    """
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(Note("maps.layer_needs_geometry", what=what, found=type(frame).__name__))
    if with_geometry(frame).crs is None:
        raise CRSError(Note("maps.layer_without_crs", what=what))
    frame = frame if frame.crs == "EPSG:4326" else frame.to_crs(4326)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if not len(frame):
        raise InputError(Note("maps.layer_empty", what=what))
    return pd.DataFrame.copy(frame)
