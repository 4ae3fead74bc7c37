"""Areas that a committee named, and hotspots followed over several times: outlines in the colour of their standing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import geopandas as gpd
import numpy as np

from gridmap.errors import InputError
from gridmap.maps.layers.base import Layer, checked_shapes
from gridmap.maps.legend_classes import Class, Rule
from gridmap.messages import Note, did_you_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NamedAreasLayer", "named_areas_layer"]

#: Standing of a named area, or status of a hotspot → colour of its outline; what needs the meeting first.
COLOURS = {
    "back": "#B10026",
    "overdue": "#D95F0E",
    "worsening": "#D95F0E",
    "new": "#7A0177",
    "active": "#0B4F8A",
    "persistent": "#0B4F8A",
    "split": "#5B7FA6",
    "merged": "#5B7FA6",
    "fading": "#2E8B57",
    "struck off": "#8A8F98",
    "ended": "#8A8F98",
    "gone": "#8A8F98",
}


@dataclass(frozen=True, repr=False)
class NamedAreasLayer(Layer):
    """Outlines, not filled, so that the hotspots under them stay to be seen."""

    kind: ClassVar[str] = "named_areas"
    drawing: ClassVar[str] = "shapes"
    content: ClassVar[str] = "zones"

    column: str = "standing"

    def draw(self, ax: "Axes", shapes: gpd.GeoSeries) -> None:
        """Into a figure: each class in its colour."""
        for code, entry in enumerate(self.classes):
            part = shapes[self.codes == code]
            if len(part):
                part.boundary.plot(ax=ax, color=entry.colour, linewidth=1.8)

    def style_column(self) -> str | None:
        """The column whose values decide the class."""
        return self.column

    def rules(self, language: str = "en") -> tuple[Rule, ...]:
        """A rule for each standing."""
        seen = [self.frame[self.column].to_numpy()[self.codes == code] for code in range(len(self.classes))]
        pairs = zip(self.classes, seen, strict=True)
        return tuple(Rule(entry.text(language), entry.colour, values=(str(v[0]),)) for entry, v in pairs if len(v))


def named_areas_layer(
    areas: gpd.GeoDataFrame, *, column: str = "standing", name: str | Note | None = None, show: bool = True
) -> NamedAreasLayer:
    """The areas that were named, with their standing and age; or followed hotspots, with `column="status"`.

    Parameters
    ----------
    areas : GeoDataFrame
        `WatchedAreas.areas`, or `FollowedHotspots.now`. Areas without an outline are left out.
    column : str
        "standing" or "status".
    name : str, optional
        As the layer control shows it.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        No such column, or no area with an outline.

    Examples
    --------
    >>> from shapely import box
    >>> areas = gpd.GeoDataFrame({"name": ["Old town"], "standing": ["overdue"], "days": [200]}, crs=4326,
    ...     geometry=[box(0, 0, 0.01, 0.01)])
    >>> [entry.text() for entry in named_areas_layer(areas).classes]
    ['overdue for review']
    """
    frame = checked_shapes(areas, "named areas")
    if column not in frame:
        raise InputError(Note("maps.no_column", column=column, meant=did_you_mean(column, map(str, frame))))
    kinds = [kind for kind in COLOURS if (frame[column] == kind).any()]
    codes = np.full(len(frame), 255, np.uint8)
    for code, kind in enumerate(kinds):
        codes[(frame[column] == kind).to_numpy()] = code
    classes = tuple(Class(COLOURS[kind], Note(f"label.named_{kind.replace(' ', '_')}")) for kind in kinds)
    shown = ("days", "became", "named_on", "review_on", "sunset_on", "struck_off_on", "first", "times", "count")
    columns = tuple(c for c in shown if c in frame and frame[c].notna().any() and (frame[c] != "").any())
    for day in (c for c in columns if c.endswith("_on")):
        frame[day] = [None if v is None or v != v else str(v) for v in frame[day]]
    if "became" in frame:
        frame["became"] = frame["became"].replace("", None)
    title = Note("method.register.name") if name is None else name
    return NamedAreasLayer(title, frame, classes, codes, columns=columns, show=show, column=column, method="register")
