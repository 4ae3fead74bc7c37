"""Which ending is which format, and what each can hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridmap.exports.contents import Part
from gridmap.exports.geotiff import to_geotiff
from gridmap.exports.kml import to_kml, to_kmz
from gridmap.exports.shapefile import to_shapefile, to_zipped_shapefile
from gridmap.exports.stamp import Stamp
from gridmap.exports.tables import to_csv, to_xlsx
from gridmap.exports.vectors import to_flatgeobuf, to_geojson, to_geopackage, to_geoparquet

__all__ = ["FORMATS", "LAYERS", "Format"]


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
    ".kml": Format(to_kml, many=True),
    ".kmz": Format(to_kmz, many=True),
    ".shp": Format(to_shapefile),
    ".shp.zip": Format(to_zipped_shapefile, many=True),
    ".tif": Format(to_geotiff),
    ".tiff": Format(to_geotiff),
    ".csv": Format(to_csv),
    ".xlsx": Format(to_xlsx, many=True),
}

#: The endings that hold shapes with their columns: what a pipeline's `layers:` may be.
LAYERS = tuple(ending for ending in FORMATS if ending not in (".tif", ".tiff", ".csv", ".xlsx"))
