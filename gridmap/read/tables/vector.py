"""Layers: vector files of every format, and frames and layers of points as tables.

A file is only what its name says. Its content is checked before GDAL sees it, GDAL sees its bytes and never a path, and
the drivers that open what a file names (other files, addresses) are taken out of it; JSON is read without GDAL at all.
"""

import codecs
import contextlib
import functools
import io
import json
import re
import sqlite3
import warnings
import xml.parsers.expat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely

from gridmap.errors import CRSError, InputError, ReadError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.file_access import MOST_UNPACKED, brief, check_zip, require_few_columns, require_filled, zip_members
from gridmap.read.metric_projection import as_crs, names_a_file
from gridmap.read.tables.base import MemoryTable
from gridmap.read.tables.encodings import code_page
from gridmap.read.tables.geojson import read_json_layer
from gridmap.read.tables.text import unique_names

__all__ = ["X", "Y", "frame_table", "read_vector", "require_no_bomb"]

#: A coordinate beyond this stands for none in every CRS.
NO_PLACE = 1e30
MOST_CELLS = 256 << 20  # bytes of cells, below which nobody worries
LARGE = 64 << 20  # bytes of a GeoParquet file, unpacked, beyond which it is read some rows at a time
TOGETHER = 16 << 20  # bytes of it that are read at a time

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
        kinds = points.geom_type
        odd = kinds.notna() & ~kinds.isin(["Point", "MultiPoint"])
        if odd.any() and odd.sum() == points.notna().sum():
            raise InputError(Note("read.no_points", file=name, kind=kinds[odd].iloc[0]))
        if frame.crs is None:
            raise CRSError(Note("read.frame_no_crs", file=name))
        shapes = points.to_numpy()
        single = np.array([s is not None and s.geom_type == "MultiPoint" and len(s.geoms) == 1 for s in shapes], bool)
        shapes = shapes.copy()
        shapes[single] = [s.geoms[0] for s in shapes[single]]
        shapes[shapely.is_empty(shapes)] = None  # GEOS knows no coordinate of POINT EMPTY
        point = shapely.get_type_id(shapes) == 0
        table = table.drop(columns=frame._geometry_column_name)
        x, y = (part(np.where(point, shapes, None)) for part in (shapely.get_x, shapely.get_y))
        null = (np.abs(x) > NO_PLACE) | (np.abs(y) > NO_PLACE)  # a shapefile's null point is −1.8e308
        table = table.assign(**{X: np.where(null, np.nan, x), Y: np.where(null, np.nan, y)})
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
            if pa.types.is_large_string(columns[column].type) or pa.types.is_string_view(columns[column].type):
                columns[column] = columns[column].cast(pa.string())
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

#: Drivers of GDAL that open what a file names: other files, or addresses. They are taken out of pyogrio's GDAL.
REFERRING = (
    "OGR_VRT",
    "GDALG",
    "WFS",
    "OAPIF",
    "OGCAPI",
    "CSW",
    "EEDA",
    "PLSCENES",
    "Carto",
    "AmigoCloud",
    "Elasticsearch",
    "NGW",
    "HTTP",
    "ADBC",
    "GPSBabel",
    "MapML",
    "GeoRSS",
    "PDS4",
    "OGR_PDS",
    "VICAR",
    "GTFS",
)
#: What such drivers look for in a text: an XML file with one of these is none of ours.
FOREIGN_XML = (
    b"OGRVRTDataSource",
    b"VRTDataset",
    b"OGRWFSDataSource",
    b"WFS_Capabilities",
    b"GDALTileIndex",
    b"GDAL_WMS",
    b"<!DOCTYPE",
    b"<!ENTITY",
    b"gdal_streamed_alg",
    b"xi:include",
)
#: Virtual tables that a GeoPackage may have: indexes. Others read files.
INDEXES = ("rtree", "rtree_i32", "fts3", "fts4", "fts5", "geopoly")
#: Functions of SQL that reach out of the database.
REACHES_OUT = re.compile(
    rb"\b(gdal_\w+|ogr_\w+|load_extension|readfile|writefile|importshp|blobfromfile|attach)\b", re.I
)
CALLS_OUT = re.compile(rb"\b(gdal_\w+|ogr_\w+|load_extension|readfile|writefile|importshp|blobfromfile)\s*\(", re.I)


@functools.cache
def _restrict_gdal() -> None:
    """Once a process: no network, no drivers that open what a file names, neither in GDAL nor in PROJ."""
    pyproj.network.set_network_enabled(False)
    before = pyogrio.get_gdal_config_option("GDAL_SKIP")
    pyogrio.set_gdal_config_options(
        {
            "GDAL_SKIP": ",".join([*([str(before)] if before else []), *REFERRING]),
            "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
            "GDAL_HTTP_TIMEOUT": "1",
            "GML_SKIP_RESOLVE_ELEMS": "ALL",
            "GML_DOWNLOAD_SCHEMA": "NO",
        }
    )
    register = getattr(pyogrio._ogr, "_register_drivers", None)  # applies GDAL_SKIP to what is registered already
    if register is not None:
        register()


def read_vector(path: Path, *, layer: str | None = None, encoding: str | None = None) -> gpd.GeoDataFrame:
    """Any vector file as it is, with the text of shapefiles in the right encoding.

    A file is only what its name says: its content must begin as that format does, GDAL is given the bytes of this file
    alone (with the parts of a shapefile) and no path, and what refers to other files or addresses is refused.

    Raises
    ------
    ReadError
        If it is of another format than its name says, refers to other files, or is damaged.
    InputError
        If there is no such layer, or it is not declared which of several.
    """
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".geoparquet"):
        return _read_geoparquet(path)
    if suffix not in FORMATS:
        raise ReadError(Note("read.no_boundary_format", file=path.name, meant=did_you_mean(suffix, FORMATS)))
    try:
        if suffix == ".zip":
            member = _zipped_layer(path, layer)
            layer, suffix = None, Path(member).suffix.lower()
            parts = _zipped_parts(path, member)
        elif suffix == ".kmz":
            parts, suffix = {".kml": _kml_of(path)}, ".kml"
        elif suffix == ".shp":
            parts = _parts_beside(path)
        else:
            parts = {suffix: _snapshot(path) if suffix == ".gpkg" else path.read_bytes()}
        return _read_parts(parts, suffix, path.name, layer, encoding)
    except (InputError, SettingError):
        raise
    except Exception as problem:
        raise ReadError(Note("read.vector_damaged", file=path.name, why=brief(problem))) from None


def _read_parts(parts: dict[str, bytes], suffix: str, name: str, layer: str | None, encoding: str | None):
    data = parts[suffix]
    if suffix in (".geojson", ".json"):
        return read_json_layer(data, name)
    _require_content(data, suffix, name)
    _restrict_gdal()
    if suffix == ".shp":
        return _with_safe_crs(_read_shapefile(parts, encoding, name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of bytes without a name that ends in .gpkg
        layers = pyogrio.list_layers(data)
        names = [str(n) for n in layers[:, 0]]
        if layer is not None and layer not in names:
            raise InputError(Note("read.no_layer", file=name, layer=layer, meant=did_you_mean(layer, names)))
        if layer is None and len(names) > 1:
            kinds = dict(layers)
            areas = [n for n in names if "Polygon" in str(kinds.get(n)) or str(kinds.get(n)) == "Unknown"]
            if len(areas) > 1:  # a folder of folders in a KML is a layer without features
                areas = [n for n in areas if pyogrio.read_info(data, layer=n)["features"] != 0] or areas
            if len(areas) != 1:
                raise InputError(Note("read.many_layers", file=name, layers=names))
            layer = areas[0]
        frame = pyogrio.read_dataframe(data, layer=layer)
    return _with_safe_crs(_unnested(frame))


def _require_content(data: bytes, suffix: str, name: str) -> None:
    """Refuse a file that does not begin as its format does, or that refers to others."""
    begins = {
        ".gpkg": data[:16] == b"SQLite format 3\0",
        ".shp": data[:4] == b"\0\0\x27\x0a",
        ".fgb": data[:3] == b"fgb",
        ".kml": _root_of(data) == "kml",
        ".gml": _root_of(data) in ("FeatureCollection", "MultiSurface", "Feature") or b"opengis.net/gml" in data[:4000],
    }
    if not begins[suffix]:
        raise ReadError(Note("read.not_what_it_says", file=name, wanted=suffix))
    if suffix in (".kml", ".gml"):
        foreign = next((word for word in FOREIGN_XML if word in data), None)
        if foreign is not None or (b"\0" in data[:200] and data[:2] not in (b"\xff\xfe", b"\xfe\xff")):
            what = foreign.decode() if foreign is not None else "NUL"
            raise ReadError(Note("read.names_another", file=name, what=what))
        _require_few_fields(data, name)
        _require_known_crs(data, name)
    if suffix == ".gpkg":
        _require_plain_database(data, name)


def _require_few_fields(data: bytes, name: str) -> None:
    """Refuse an XML text of thousands of fields of different names: GDAL gives each of them to all features."""
    fields = set(re.findall(rb"<([\w:.-]+)", data))
    fields |= set(
        re.findall(rb"<(?:[\w.-]+:)?(?:Data|SimpleData|SimpleField)\s[^>]*?\bname\s*=\s*[\"']([^\"']*)", data)
    )
    features = len(re.findall(rb"<(?:[\w.-]+:)?(?:Placemark|featureMember|member)\b", data))
    require_few_columns(len(fields), name)
    require_filled(features, len(fields), data.count(b"</"), name)


#: A CRS by its code, as GML and KML write it. PROJ searches its whole database for any other text, some seconds each.
CRS_CODE = re.compile(
    rb"\s*(urn:(x-)?ogc:def:crs:[\w.:-]+|https?://www\.opengis\.net/[\w./#-]+|(epsg|esri|crs|ogc|osgb):[\w.:-]+)?\s*",
    re.I,
)


def _require_known_crs(data: bytes, name: str) -> None:
    for found in set(re.findall(rb"srsName\s*=\s*[\"']([^\"']*)", data)):
        if CRS_CODE.fullmatch(found) is None:
            why = Note("read.crs_without_code", found=found.decode("utf-8", "replace")[:80])
            raise ReadError(Note("read.vector_damaged", file=name, why=why))


def _root_of(data: bytes) -> str | None:
    """The name of an XML text's root element, without its namespace; None where it is no XML."""
    found: list[str] = []
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")

    def begin(name: str, _attributes: Any) -> None:
        if not found:
            found.append(name.rsplit(" ", 1)[-1])

    parser.StartElementHandler = begin
    with contextlib.suppress(xml.parsers.expat.ExpatError, ValueError):
        for start in range(0, min(len(data), 1 << 20), 1 << 14):
            parser.Parse(data[start : start + (1 << 14)], False)
            if found:
                break
    return found[0] if found else None


def _require_plain_database(data: bytes, name: str) -> None:
    """Refuse a GeoPackage whose tables, views or triggers would read something else."""
    image = bytearray(data)
    image[18:20] = b"\x01\x01"  # not WAL: an image in memory has no second file
    con = sqlite3.connect(":memory:")
    try:
        con.deserialize(bytes(image))
        rows = con.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
        _require_ends(con, rows, name)
    except sqlite3.Error as problem:
        raise ReadError(Note("read.vector_damaged", file=name, why=brief(problem))) from None
    finally:
        con.close()
    if not any(item == "gpkg_contents" for _, item, _ in rows):
        raise ReadError(Note("read.not_what_it_says", file=name, wanted=".gpkg"))
    for kind, item, sql in rows:
        virtual = (
            re.search(r"USING\s+[\"'`\[]?(\w+)", sql, re.I) if re.match(r"\s*CREATE\s+VIRTUAL", sql, re.I) else None
        )
        reaches = REACHES_OUT if kind in ("view", "trigger") else CALLS_OUT
        if (virtual and virtual[1].lower() not in INDEXES) or reaches.search(sql.encode()):
            raise ReadError(Note("read.names_another", file=name, what=f"{kind} {item}"))


#: Some seconds of SQLite's time, in steps of 10,000 operations; and the most bytes that computed columns may hold.
MOST_STEPS, MOST_COMPUTED = 20_000, 1 << 30


def _is_at_its_end(steps: Iterator[int]) -> bool:
    return next(steps, None) is None


def _first(*given: Any) -> Any:
    return given[0] if given else None


def _require_ends(con: sqlite3.Connection, schema: list[tuple[str, str, str]], name: str) -> None:
    """Refuse a GeoPackage whose views or computed columns never end, or make of few bytes more than a memory holds."""
    for kind, item, sql in schema:
        if not (kind == "view" or (kind == "table" and re.search(r"\bAS\s*\(", sql, re.I))):
            continue
        for function in set(re.findall(r"\b(ST_\w+|gpkg_?\w*)\s*\(", sql, re.I)):  # GDAL's own, which SQLite lacks
            con.create_function(function, -1, _first)
        con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_COMPUTED)
        steps, total = iter(range(MOST_STEPS)), 0
        con.set_progress_handler(functools.partial(_is_at_its_end, steps), 10_000)
        try:
            quoted = item.replace('"', '""')
            for row in con.execute(f'SELECT * FROM "{quoted}"'):
                total += sum(len(value) for value in row if isinstance(value, str | bytes))
                if total > MOST_COMPUTED:
                    break
        except (sqlite3.OperationalError, sqlite3.DataError) as problem:
            if not re.search("interrupted|too big", str(problem)):
                continue  # GDAL does not get further with it
            total = MOST_COMPUTED + 1
        finally:
            con.set_progress_handler(None, 0)
        if total > MOST_COMPUTED:
            raise ReadError(Note("read.view_bomb", file=name, item=item))


def _snapshot(path: Path) -> bytes:
    """The bytes of a GeoPackage, with what a program that has it open wrote beside it."""
    beside = path.with_name(path.name + "-wal")
    if not (beside.is_file() and beside.stat().st_size):
        return path.read_bytes()
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as con:
        return con.serialize()


def _parts_beside(path: Path) -> dict[str, bytes]:
    """The bytes of a shapefile's parts, which have its name and nothing else."""
    wanted = (".shx", ".dbf", ".prj", ".cpg")
    parts = {".shp": path.read_bytes()}
    for other in path.parent.iterdir():
        end = other.suffix.lower()
        if other.stem == path.stem and end in wanted and end not in parts and other.is_file():
            parts[end] = other.read_bytes()
    return parts


def _zipped_layer(path: Path, wanted: str | None) -> str:
    inside = [m for m in zip_members(path) if Path(m).suffix.lower() in FORMATS and not m.lower().endswith(".zip")]
    if not inside:
        raise ReadError(Note("read.zip_no_boundaries", file=path.name))
    if len(inside) > 1 and wanted is None:
        raise InputError(Note("read.zip_many_boundaries", file=path.name, files=sorted(inside)))
    member = inside[0] if wanted is None else wanted
    if member not in inside:
        raise InputError(Note("read.no_member", file=path.name, member=member, meant=did_you_mean(member, inside)))
    return member


def _zipped_parts(path: Path, member: str) -> dict[str, bytes]:
    members, stem, end = zip_members(path), member[: member.rfind(".")], Path(member).suffix.lower()
    wanted = (".shp", ".shx", ".dbf", ".prj", ".cpg") if end == ".shp" else (end,)
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for other, entry in members.items():
            kind = Path(other).suffix.lower()
            if other[: other.rfind(".")] == stem and kind in wanted and kind not in parts:
                parts[kind] = archive.read(entry)
    if end == ".kmz":
        parts[".kml"] = _kml_in(io.BytesIO(parts[end]), path.name)
    return parts


def _kml_of(path: Path) -> bytes:
    check_zip(path)
    return _kml_in(path, path.name)


def _kml_in(source: Any, name: str) -> bytes:
    """The KML in a KMZ: doc.kml, or the first."""
    with zipfile.ZipFile(source) as archive:
        inside = [e for e in archive.infolist() if e.filename.lower().endswith(".kml")]
        if not inside:
            raise ReadError(Note("read.not_what_it_says", file=name, wanted=".kmz"))
        return archive.read(next((e for e in inside if e.filename.lower() == "doc.kml"), inside[0]))


def _read_geoparquet(path: Path) -> gpd.GeoDataFrame:
    about = require_no_bomb(path)
    try:
        if about is not None and sum(about.row_group(k).total_byte_size for k in range(about.num_row_groups)) > LARGE:
            return _with_safe_crs(_read_large_geoparquet(path))
        with path.open("rb") as file:
            return _with_safe_crs(gpd.read_parquet(file))
    except InputError:
        raise
    except Exception as problem:
        raise ReadError(Note("read.no_geoparquet", file=path.name, why=brief(problem))) from None


def _read_large_geoparquet(path: Path) -> gpd.GeoDataFrame:
    """A GeoParquet file some rows at a time, so that its outlines are held once, and not also as Arrow's and as bytes.

    geopandas reads each piece, as a small file: what the columns and the metadata mean stays its business.
    """
    pieces = []
    with pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
        packed = sum(file.metadata.row_group(k).total_byte_size for k in range(file.num_row_groups))
        rows = max(1, file.metadata.num_rows * TOGETHER // packed)
        for batch in file.iter_batches(batch_size=rows, use_threads=False):
            piece = io.BytesIO()
            pq.write_table(pa.Table.from_batches([batch], file.schema_arrow), piece, compression="none")
            pieces.append(gpd.read_parquet(piece))
    numbered = all(isinstance(piece.index, pd.RangeIndex) for piece in pieces)
    return pd.concat(pieces, ignore_index=numbered)


def require_no_bomb(path: Path) -> pq.FileMetaData | None:
    """Refuse a Parquet file that unpacks to far more rows than its size can honestly hold.

    Raises
    ------
    ReadError
        If its rows and columns would take more than 256 MB and 200 times the file.
    """
    try:
        about = pq.read_metadata(path)
    except (pa.ArrowException, OSError, UnicodeError):
        return None  # who reads it says what is wrong
    require_few_columns(about.num_columns, path.name)
    packed, cells = path.stat().st_size, about.num_rows * max(about.num_columns, 1) * 8
    if cells > MOST_CELLS and cells > MOST_UNPACKED * packed:
        raise ReadError(
            Note("read.columns_bomb", file=path.name, packed=packed, rows=about.num_rows, columns=about.num_columns)
        )
    return about


def _with_safe_crs(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The layer, if its CRS names no file."""
    if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame.columns and frame.crs is not None:
        as_crs(frame.crs)
    return frame


def _unnested(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Properties that are objects or lists as their JSON text."""
    nested = [
        c
        for c in frame.columns
        if frame[c].dtype == object and frame[c].map(lambda v: isinstance(v, dict | list | np.ndarray)).any()
    ]
    as_text = {c: frame[c].map(lambda v: v if v is None else json.dumps(v, default=str)) for c in nested}
    return frame.assign(**as_text) if nested else frame


def _read_shapefile(parts: dict[str, bytes], encoding: str | None, name: str) -> gpd.GeoDataFrame:
    """A shapefile with its text decoded: as declared, as its .cpg or .dbf says, else as the bytes say.

    GDAL takes a shapefile without .cpg for ISO-8859-1, which turns Chinese into mojibake without an error; and a
    field name is cut after 10 bytes, so its last character may be half there. So GDAL is given the parts without .cpg,
    and its ISO-8859-1, which keeps every byte, is decoded here.
    """
    if names_a_file(parts.get(".prj", b"").decode("latin-1")):
        raise CRSError(Note("read.crs_names_a_file", crs=f"{name} (.prj)"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for end in (".shp", ".shx", ".dbf", ".prj"):
            if end in parts:
                archive.writestr(f"layer{end}", parts[end])
    frame = pyogrio.read_dataframe(packed.getvalue(), encoding="ISO-8859-1")
    geometry = frame._geometry_column_name if isinstance(frame, gpd.GeoDataFrame) else None
    texts = [c for c in frame.columns if c != geometry and not pd.api.types.is_numeric_dtype(frame[c])]
    texts = [c for c in texts if not pd.api.types.is_datetime64_any_dtype(frame[c])]
    distinct = [str(v) for c in texts for v in frame[c].dropna().unique()]
    if encoding is None:
        raw = "\n".join([*map(str, frame.columns), *distinct]).encode("latin-1", "replace")
        encoding = _declared_encoding(parts, raw) or _encoding_found(raw)
        if encoding is None:
            raise ReadError(Note("read.encoding_needed", file=name))

    def decoded(text: Any, errors: str = "replace") -> Any:
        return text.encode("latin-1", "replace").decode(encoding, errors) if isinstance(text, str) else text

    try:
        for column in texts:
            frame[column] = frame[column].map({v: decoded(v) for v in frame[column].dropna().unique()})
    except LookupError:
        raise SettingError(Note("read.no_shp_encoding", encoding=encoding)) from None
    return frame.rename(columns={c: decoded(c, "ignore") for c in frame.columns if c != geometry})


#: The byte of a .dbf that says its code page, where it says one that matters.
DBF_CODE_PAGES = {
    0x13: "cp932",
    0x7B: "cp932",
    0x4D: "gb18030",
    0x7A: "gb18030",
    0x4E: "cp949",
    0x79: "cp949",
    0x4F: "big5",
    0x78: "big5",
    0xC9: "cp1251",
    0x26: "cp866",
    0x65: "cp866",
}


def _declared_encoding(parts: dict[str, bytes], raw: bytes) -> str | None:
    """The encoding that a shapefile says of itself, if its text can be in it."""
    declared = parts.get(".cpg", b"").decode("ascii", "ignore").strip().strip("\0").lower()
    declared = re.sub(
        r"^(cp|ansi|oem|windows)?[ _-]?(\d{3,5})$", lambda m: {"65001": "utf-8"}.get(m[2], f"cp{m[2]}"), declared
    )
    declared = {"cp936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "cp88591": "latin-1"}.get(declared, declared)
    declared = declared or DBF_CODE_PAGES.get((parts.get(".dbf") or bytes(32))[29], "")
    try:
        name = codecs.lookup(declared).name if declared else None
        if name in ("utf-8", "cp932", "shift_jis", "cp949", "euc_kr", "big5", "gb18030"):
            _decode_names_and_text(raw, name)
            if name != "utf-8" and sum(byte >= 0x80 for byte in raw) >= 12 and _encoding_found(raw) == "utf-8":
                return "utf-8"  # six characters of two bytes are all UTF-8 by chance once in some thousand files
        if name in ("iso8859-1", "cp1252", "iso8859-15"):
            return _written_by_others(raw) or "cp1252"
        return name
    except (LookupError, UnicodeDecodeError):
        return None


def _written_by_others(raw: bytes) -> str | None:
    """What a file that calls itself Latin-1 is in, where no Western text looks so; every byte is a letter of Latin-1.

    UTF-8 of several bytes is never Latin-1 by chance. Values of high bytes for the most part, in pairs, are Chinese,
    Japanese or Korean: in FUNDAÇÃO and SÃO PAULO most letters are plain.
    """
    with contextlib.suppress(UnicodeDecodeError):
        _decode_names_and_text(raw, "utf-8")
        return None if raw.isascii() else "utf-8"
    values = [line for line in raw.split(b"\n") if not line.isascii()]
    high = [bytes(b for b in value if b >= 0x80) for value in values]
    if any(len(h) % 2 or len(h) < 0.6 * len(value.replace(b" ", b"")) for h, value in zip(high, values, strict=True)):
        return None
    found = code_page(raw)
    return found if found in ("gb18030", "big5", "cp932", "euc_jp", "cp949") else None


def _decode_names_and_text(raw: bytes, encoding: str) -> None:
    """Raise where the bytes are not in an encoding; a character that a field's end cut in half is passed over."""
    for line in raw.split(b"\n"):
        codecs.getincrementaldecoder(encoding)().decode(line)  # not final: a half character at the end is fine


def _encoding_found(raw: bytes) -> str | None:
    """UTF-8 where that is valid, else what the bytes look like; None where that cannot be decided."""
    with contextlib.suppress(UnicodeDecodeError):
        _decode_names_and_text(raw, "utf-8")
        return "utf-8"
    return code_page(raw)
