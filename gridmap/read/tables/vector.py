"""Frames and layers of points as tables: geometry becomes two columns of coordinates."""

import codecs
import contextlib
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from gridmap.errors import CRSError, InputError, ReadError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.files import brief, check_zip, zip_members
from gridmap.read.tables.base import MemoryTable
from gridmap.read.tables.text import unique_names

__all__ = ["X", "Y", "frame_table", "read_vector"]

#: The names that the coordinates of a geometry column are given.
X, Y = "geometry.x", "geometry.y"


def frame_table(frame: pd.DataFrame, name: str) -> MemoryTable:
    """A DataFrame, or a GeoDataFrame of points, as a table.

    Raises
    ------
    InputError
        If there is a geometry column but no points in it.
    CRSError
        If there is a geometry column without a CRS.
    """
    if len(frame.columns) == 0:
        raise InputError(Note("read.frame_no_columns", file=name))
    crs, faults, rows, table = None, [], None, pd.DataFrame(frame)
    if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame.columns:
        points = frame.geometry
        if frame.crs is None:
            raise CRSError(Note("read.frame_no_crs", file=name))
        kinds = points.geom_type
        odd = kinds.notna() & ~kinds.isin(["Point", "MultiPoint"])
        if odd.any() and odd.sum() == points.notna().sum():
            raise InputError(Note("read.no_points", file=name, kind=kinds[odd].iloc[0]))
        shapes = points.to_numpy()
        single = np.array([s is not None and s.geom_type == "MultiPoint" and len(s.geoms) == 1 for s in shapes], bool)
        shapes = shapes.copy()
        shapes[single] = [s.geoms[0] for s in shapes[single]]
        point = shapely.get_type_id(shapes) == 0
        table = table.drop(columns=frame._geometry_column_name)
        table = table.assign(
            **{X: shapely.get_x(np.where(point, shapes, None)), Y: shapely.get_y(np.where(point, shapes, None))}
        )
        crs = frame.crs
        bad = (odd | (kinds == "MultiPoint")).to_numpy() & ~point
        faults = [(int(i) + 1, "not_a_point", str(kinds.iloc[i])) for i in np.flatnonzero(bad)]
        rows = np.flatnonzero(~bad) + 1
        table = table.loc[~bad]
    table = table.copy(deep=False)
    table.columns = unique_names([str(c) for c in table.columns])
    columns = {}
    for column in table.columns:
        values = table[column]
        try:
            columns[column] = pa.array(values, from_pandas=True)
            if pa.types.is_dictionary(columns[column].type):
                columns[column] = columns[column].dictionary_decode()
            if not _simple(columns[column].type):
                raise pa.ArrowTypeError("nested")
        except (pa.ArrowException, TypeError, ValueError):
            columns[column] = pa.array([None if v is None or v != v else str(v) for v in values], pa.string())
    return MemoryTable(
        name=name,
        columns=list(columns),
        crs=crs,
        data=pa.table(columns),
        faults=faults,
        rows=rows,
        size=int(table.memory_usage().sum()),
    )


def _simple(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


FORMATS = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".parquet", ".geoparquet", ".kml", ".kmz", ".fgb", ".gml")


def _unnested(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Properties that are objects or lists, as GeoJSON allows, as their JSON text."""
    nested = [
        c
        for c in frame.columns
        if frame[c].dtype == object and frame[c].map(lambda v: isinstance(v, dict | list | np.ndarray)).any()
    ]
    as_text = {c: frame[c].map(lambda v: v if v is None else json.dumps(v, default=str)) for c in nested}
    return frame.assign(**as_text) if nested else frame


def read_vector(path: Path, *, layer: str | None = None, encoding: str | None = None) -> gpd.GeoDataFrame:
    """Any vector file as it is, with the text of shapefiles in the right encoding."""
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".geoparquet"):
        try:
            return gpd.read_parquet(path)
        except Exception as problem:
            raise ReadError(Note("read.no_geoparquet", file=path.name, why=brief(problem))) from None
    if suffix not in FORMATS:
        raise ReadError(Note("read.no_boundary_format", file=path.name, meant=did_you_mean(suffix, FORMATS)))
    target = str(path)
    if suffix == ".kmz" and zipfile.is_zipfile(path):
        check_zip(path)
    if suffix == ".zip":
        inside = [m for m in zip_members(path) if Path(m).suffix.lower() in FORMATS and not m.lower().endswith(".zip")]
        if not inside:
            raise ReadError(Note("read.zip_no_boundaries", file=path.name))
        if len(inside) > 1 and layer is None:
            raise InputError(Note("read.zip_many_boundaries", file=path.name, files=sorted(inside)))
        wanted = inside[0] if layer is None else layer
        if wanted not in inside:
            raise InputError(Note("read.no_member", file=path.name, member=wanted, meant=did_you_mean(wanted, inside)))
        with zipfile.ZipFile(path) as archive:
            stored = zip_members(path)[wanted].filename
            archive.getinfo(stored)
        target, layer, suffix = f"/vsizip/{path.resolve()}/{stored}", None, Path(wanted).suffix.lower()
    try:
        names = [str(n) for n in pyogrio.list_layers(target)[:, 0]]
        if layer is not None and layer not in names:
            raise InputError(Note("read.no_layer", file=path.name, layer=layer, meant=did_you_mean(layer, names)))
        if layer is None and len(names) > 1:
            kinds = dict(pyogrio.list_layers(target))
            areas = [n for n in names if "Polygon" in str(kinds.get(n)) or str(kinds.get(n)) == "Unknown"]
            if len(areas) != 1:
                raise InputError(Note("read.many_layers", file=path.name, layers=list(names)))
            layer = areas[0]
        if suffix == ".shp":
            return _read_shapefile(target, encoding)
        return _unnested(gpd.read_file(target, layer=layer, engine="pyogrio"))
    except (InputError, SettingError):
        raise
    except Exception as problem:
        raise ReadError(Note("read.vector_damaged", file=path.name, why=brief(problem))) from None


def _read_shapefile(target: str, encoding: str | None) -> gpd.GeoDataFrame:
    """A shapefile with its text decoded: by its .cpg, else as UTF-8 where that is valid, else as GB18030.

    GDAL takes a shapefile without .cpg for ISO-8859-1, which turns Chinese into mojibake without an error; and a
    field name is cut after 10 bytes, so its last character may be half there.
    """
    try:
        said = pyogrio.read_info(target).get("encoding") or ""
    except UnicodeDecodeError:
        said = ""
    if encoding is None and said.upper() not in ("", "ISO-8859-1", "UTF-8"):
        encoding = said
    frame = gpd.read_file(target, encoding="ISO-8859-1", engine="pyogrio")
    geometry = frame._geometry_column_name if isinstance(frame, gpd.GeoDataFrame) else None
    texts = [c for c in frame.columns if c != geometry and not pd.api.types.is_numeric_dtype(frame[c])]
    texts = [c for c in texts if not pd.api.types.is_datetime64_any_dtype(frame[c])]
    distinct = [str(v) for c in texts for v in frame[c].dropna().unique()]
    if encoding is None:
        raw = "\n".join(distinct).encode("latin-1", "replace")
        names = [str(c).encode("latin-1", "replace") for c in frame.columns]
        encoding = "gb18030"
        with contextlib.suppress(UnicodeDecodeError):
            raw.decode("utf-8")
            for name in names:
                codecs.getincrementaldecoder("utf-8")().decode(name)  # not final: a half character at the end is fine
            encoding = "utf-8"

    def decoded(text, errors="replace"):
        return text.encode("latin-1", "replace").decode(encoding, errors) if isinstance(text, str) else text

    try:
        for column in texts:
            frame[column] = frame[column].map({v: decoded(v) for v in frame[column].dropna().unique()})
    except LookupError:
        raise SettingError(Note("read.no_shp_encoding", encoding=encoding)) from None
    return frame.rename(columns={c: decoded(c, "ignore") for c in frame.columns if c != geometry})
