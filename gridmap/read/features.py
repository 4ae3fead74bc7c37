"""Any file of places: buildings, streets, rivers, plants, grids drawn earlier.

Boundaries and incidents have readers that ask much of them. This one reads what lies around: points, lines or areas
from a table (CSV, Excel, Parquet with longitude and latitude under any of their usual names), from a vector file, or
from a raster of counts; in WGS 84 afterwards, whatever datum it came on.
"""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import match_columns
from gridmap.read.coordinates import numbers
from gridmap.read.datum import to_wgs84
from gridmap.read.file_access import check_file
from gridmap.read.metric_projection import as_crs
from gridmap.read.sources import open_table
from gridmap.read.tables.vector import read_vector

__all__ = ["read_features"]

RASTERS = (".tif", ".tiff", ".vrt", ".img", ".asc")
TABLES = (".csv", ".txt", ".tsv", ".tab", ".xlsx", ".xls", ".xlsm", ".ods")


def read_features(
    path,
    *,
    datum: str | None = None,
    where: Mapping | None = None,
    crs=None,
    layer: str | None = None,
    column: str = "value",
    within=None,
) -> gpd.GeoDataFrame:
    """Points, lines or areas from a file, with their columns.

    Parameters
    ----------
    path : str or Path
        CSV, Excel or Parquet with longitude and latitude (also 经度, 纬度); GeoJSON, GeoPackage, Shapefile, GeoParquet;
        a GeoTIFF, whose cells become areas.
    datum : {"wgs84", "gcj02", "bd09", "cgcs2000"}, optional
        Of the coordinates, where it is not WGS 84.
    where : mapping of column to value or list of values, optional
        Keep only these rows, as in `{"level": [1, 2, 3]}`.
    crs : anything pyproj understands, optional
        For a vector file that does not say its own.
    layer : str, optional
        Of a file with several layers.
    column : str
        For a raster: what its cells' values are called.
    within : (west, south, east, north) in degrees, optional
        For a raster: only the cells that meet this box.

    Returns
    -------
    GeoDataFrame in EPSG:4326

    Raises
    ------
    ReadError, CRSError
        If it cannot be read, or does not say where it is.
    InputError
        If a table has no coordinates, some of them are not numbers, or nothing is left.

    Examples
    --------
    >>> zones = read_features("data/west_yorkshire/lsoa_2011.geojson", where={"district_name": "Leeds"})
    >>> len(zones), sorted(zones.geom_type.unique())
    (482, ['Polygon'])
    """
    path = check_file(path, Note("read.layer_file"))
    suffix = path.suffix.lower()
    if suffix in RASTERS:
        from gridmap.read.rasters import read_pixels  # rasterio comes with it

        shapes, values = read_pixels(path, within=within, empty=True)
        frame = gpd.GeoDataFrame({column: values}, geometry=shapes, crs=4326)
    elif suffix in TABLES or (suffix == ".parquet" and not _is_geoparquet(path)):
        frame = _table(path)
    else:
        frame = read_vector(path, layer=layer)
        if not isinstance(frame, gpd.GeoDataFrame):  # a layer without any geometry
            raise InputError(Note("read.nothing_left", file=path.name))
        if frame.crs is None:
            if crs is None:
                raise CRSError(Note("read.no_crs_short", file=path.name))
            frame = frame.set_crs(as_crs(crs))
        frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)].to_crs(4326)
    frame = _kept(frame, where, path)
    if datum not in (None, "wgs84"):
        moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.column_stack(to_wgs84(*xy.T, datum=datum)))
        frame = frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=4326))
    if not len(frame):
        if where:
            raise InputError(Note("read.nothing_left_where", file=path.name, where=str(dict(where))))
        raise InputError(Note("read.nothing_left", file=path.name))
    return frame.reset_index(drop=True)


def _is_geoparquet(path: Path) -> bool:
    from pyarrow import parquet

    try:
        return b"geo" in (parquet.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError, UnicodeError):
        return True  # the reader of GeoParquet says what is wrong with it


def _table(path: Path) -> gpd.GeoDataFrame:
    """The rows of a table as points; text that is a number in every row is one."""
    parts = [batch.table for batch in open_table(path, what=Note("read.layer_file")).batches()]
    rows = pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})
    if not rows.num_rows:
        raise InputError(Note("read.no_rows", file=path.name))
    frame = rows.to_pandas()
    found = match_columns([str(c) for c in frame.columns])
    if "lon" not in found or "lat" not in found:
        shown = ", ".join(map(str, frame.columns[:12]))
        raise InputError(Note("read.no_lonlat", file=path.name, shown=shown))
    at = {role: found[role][0] for role in ("lon", "lat")}
    lon, lat = (numbers(rows.column(at[role]))[0] for role in ("lon", "lat"))
    bad = ~(np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if bad.any():
        raise InputError(
            Note(
                "read.rows_without_place",
                bad=int(bad.sum()),
                rows=len(frame),
                file=path.name,
                lon=at["lon"],
                lat=at["lat"],
                first=int(np.argmax(bad)) + 1,
            )
        )
    for name in frame.columns.difference(list(at.values())):
        as_number = pd.to_numeric(frame[name], errors="coerce")
        code = frame[name].astype(str).str.match(r"0\d")  # 007 is a code
        if len(frame) and (as_number.notna() | frame[name].isna()).all() and not code.any():
            frame[name] = as_number
    return gpd.GeoDataFrame(frame.drop(columns=list(at.values())), geometry=shapely.points(lon, lat), crs=4326)


def _kept(frame: gpd.GeoDataFrame, where, path: Path) -> gpd.GeoDataFrame:
    if where is None:
        return frame
    if not isinstance(where, Mapping):
        raise SettingError(Note("read.where_mapping", where=where))
    for name, values in where.items():
        if name not in frame.columns:
            raise InputError(
                Note("read.no_column", file=path.name, name=name, meant=did_you_mean(str(name), frame.columns))
            )
        wanted = values if isinstance(values, list | tuple | set) else [values]
        frame = frame[frame[name].astype(str).isin([str(v) for v in wanted])]
    return frame
