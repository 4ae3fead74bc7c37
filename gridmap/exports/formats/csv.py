"""CSV for offices: UTF-8 with a byte order mark, so that Excel reads Chinese; shapes as the lon and lat of a point."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap._io import guard_formula
from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
from gridmap.exports.result_parts import Part, Stamp

__all__ = ["FORMATS", "csv_table", "flat", "to_csv"]


def csv_table(frame: pd.DataFrame, path: Path) -> None:
    """A frame as CSV, its named index first; UTF-8 with a byte order mark, so that Excel reads Chinese."""
    named = isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None
    safe = (frame.reset_index() if named else frame).copy()
    for column in safe.columns:
        if safe[column].dtype.kind not in "biufMm":
            safe[column] = safe[column].map(guard_formula)
    safe.to_csv(path, index=False, encoding="utf-8-sig")


def to_csv(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part as a table: shapes become the lon and lat of a point inside them."""
    csv_table(flat(parts[0]), path)


def flat(part: Part) -> pd.DataFrame:
    """A part as a plain table, with `lon` and `lat` (WGS 84) of a point inside each shape."""
    table = plain_frame(part.frame)
    if not part.is_spatial:
        return table
    shapes = part.frame.geometry
    points = gpd.GeoSeries(shapes.representative_point().to_numpy(), crs=shapes.crs)
    points = points.to_crs(4326) if shapes.crs is not None else points
    bare = pd.DataFrame(table.drop(columns=table.geometry.name))
    taken = {str(c).lower() for c in bare.columns}
    at = {"lon": points.x.round(7), "lat": points.y.round(7)}
    return bare.assign(**{name: values for name, values in at.items() if name not in taken})


FORMATS = {".csv": Format(to_csv, shapes=False)}
