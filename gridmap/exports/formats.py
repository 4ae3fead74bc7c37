"""Which ending is which format, and what each can hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridmap.exports.contents import Part
from gridmap.exports.stamp import Stamp
from gridmap.exports.tables import to_csv
from gridmap.exports.vectors import to_flatgeobuf, to_geojson, to_geopackage, to_geoparquet

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """One format: what writes it, and whether it holds several layers."""

    write: Callable[[list[Part], Path, Stamp], None]
    many: bool = False


FORMATS = {
    ".gpkg": Format(to_geopackage, many=True),
    ".parquet": Format(to_geoparquet),
    ".geoparquet": Format(to_geoparquet),
    ".fgb": Format(to_flatgeobuf),
    ".geojson": Format(to_geojson),
    ".csv": Format(to_csv),
}
