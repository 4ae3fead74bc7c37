"""How events are handled, unit by unit: worse, better, or neither."""

import geopandas as gpd
import numpy as np

from gridmap.governance.cases import AVERAGE, LABELS, WITHHELD, CaseLife
from gridmap.maps import palette
from gridmap.maps.layers.cells import CellsLayer
from gridmap.maps.legend_classes import Class
from gridmap.messages import Note

__all__ = ["handling_layer"]

#: Label → colour: orange and blue, which everybody can distinguish, and in grey the worse are darker.
COLOURS = {LABELS[-1]: "#C2410C", AVERAGE: palette.ZERO, LABELS[1]: "#93C5E8", WITHHELD: palette.NO_DATA}


def handling_layer(
    life: CaseLife, shapes: gpd.GeoDataFrame, *, name: str | Note | None = None, show: bool = False
) -> CellsLayer:
    """A theme of the indicator by which a `CaseLife` judges, over the shapes of its units.

    Parameters
    ----------
    life : CaseLife
        By cell or zone.
    shapes : GeoDataFrame
        Indexed by unit, such as `grid.cells`.
    name : str, optional
    show : bool

    Returns
    -------
    Layer
        Labels of a test against the rest, held for all units; no unit is ranked by it.
    """
    judged = life.judged_by
    table = life.table.reindex(shapes.index)
    label = table[f"{judged}_label"].fillna(AVERAGE) if judged is not None else AVERAGE
    frame = shapes[[c for c in ("zone_id", "name", "area_m2", "geometry") if c in shapes]].assign(label=label)
    frame["count"] = table["events"].to_numpy(float)
    columns = {"open": "open_events", "overdue": "overdue_events", "due": "due_events", "on_time": "on_time_events"}
    for column, name_there in columns.items():
        frame[name_there] = table[column].to_numpy(float)
    if judged is not None:
        for end in ("share", "low", "high"):
            frame[f"handled_{end}"] = 100 * table[f"{judged}_{end}"].to_numpy(float)
    frame["median_days"] = table["median_days"].replace(np.inf, np.nan).to_numpy(float)
    order = list(COLOURS)
    classes = tuple(
        Class(colour, Note("label." + label.replace(" ", "_")), hatch=label == WITHHELD)
        for label, colour in COLOURS.items()
    )
    codes = np.array([order.index(str(v)) for v in frame["label"]], np.uint8)
    shown = ("handled_share", "handled_low", "handled_high", "median_days", "count", *columns.values())
    return CellsLayer(
        Note("method.case_life.name") if name is None else name,
        gpd.GeoDataFrame(frame, geometry="geometry", crs=shapes.crs),
        classes,
        codes,
        columns=tuple(c for c in shown if c in frame and frame[c].notna().any()),
        show=show,
        method="cells",
        labels="label",
    )
