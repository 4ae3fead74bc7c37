"""Boundary files: the territory, zone by zone.

One question: which zones are there, what are they called, and which larger zone does each belong to.
Whatever the format, the answer is a GeoDataFrame in WGS 84 with `zone_id, name, level, parent_id,
geometry` and every number that the file carried. Rings that cross themselves are repaired and counted;
a file without a coordinate reference system is refused, because a guess there moves every zone.
"""

import codecs
import contextlib
import json
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj.exceptions import CRSError as ProjError

from gridmap.errors import CRSError, InputError, ReadError, SettingError
from gridmap.messages import did_you_mean
from gridmap.read.files import check_file, check_zip, sha256_of, zip_members
from gridmap.read.levels import find_levels
from gridmap.read.personal import personal_columns

__all__ = ["read_boundaries", "read_vector"]

FORMATS = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".parquet", ".geoparquet", ".kml", ".kmz", ".fgb", ".gml")


def read_boundaries(
    path_or_frame,
    *,
    zone_id: str | None = None,
    name: str | None = None,
    parent_id: str | None = None,
    crs=None,
    layer: str | None = None,
    encoding: str | None = None,
) -> gpd.GeoDataFrame:
    """The zones of a boundary file.

    Parameters
    ----------
    path_or_frame : str, Path or GeoDataFrame
        GeoJSON, GeoPackage, Shapefile (also zipped), GeoParquet, KML, FlatGeobuf.
    zone_id, name, parent_id : str, optional
        The columns that hold them. Undeclared, the finest unique code column is the `zone_id`, the code of the
        level above it the `parent_id`; what was taken is said in `.attrs["notes"]`.
    crs : anything pyproj understands, optional
        For a file that does not say its own, such as a shapefile without .prj. One that is said is kept.
    layer : str, optional
        Of a file with several layers.
    encoding : str, optional
        Of a shapefile's text; undeclared, UTF-8 where it is valid, else GB18030.

    Returns
    -------
    GeoDataFrame in EPSG:4326, index 0 … n − 1
        `zone_id, name, level, parent_id, geometry` + the file's other columns under their own names. `.attrs` has
        `path, sha256, rows, crs, repaired` (number of zones with invalid rings), `dropped` (columns about persons, and
        why), `notes`.

    Raises
    ------
    ReadError
        If the file is absent, unreadable or of an unknown format.
    CRSError
        If it has no CRS, or coordinates that its CRS cannot have.
    InputError
        If it is empty, has no polygons, or the zone ids are missing or not unique.

    Examples
    --------
    >>> lsoa = read_boundaries("data/west_yorkshire/lsoa_2011.geojson")
    >>> lsoa[["zone_id", "name", "level", "parent_id"]].iloc[0].tolist()
    ['E01010568', 'Bradford 016A', 'lsoa', 'E02002198']
    >>> int(lsoa["households"].sum())
    922452
    """
    if isinstance(path_or_frame, gpd.GeoDataFrame):
        frame, origin = path_or_frame.copy(), {"path": "memory", "sha256": None}
        what = "The frame"
    elif isinstance(path_or_frame, str | Path):
        path = check_file(path_or_frame, "the boundary file")
        frame = read_vector(path, layer=layer, encoding=encoding)
        origin, what = {"path": str(path_or_frame), "sha256": sha256_of(path)}, path.name
    else:
        raise InputError(
            f"Boundaries are read from a path or a GeoDataFrame, not from a {type(path_or_frame).__name__}. "
            "A DataFrame needs geometry: gpd.GeoDataFrame(frame, geometry=…, crs=…)."
        )
    return _as_zones(frame, what, origin, zone_id=zone_id, name=name, parent_id=parent_id, crs=crs)


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
            raise ReadError(
                f"{path.name} is not a GeoParquet file ({_brief(problem)}). Save it with to_parquet()."
            ) from None
    if suffix not in FORMATS:
        raise ReadError(f"{path.name} is of no known boundary format. {did_you_mean(suffix, FORMATS)}")
    target = str(path)
    if suffix == ".kmz" and zipfile.is_zipfile(path):
        check_zip(path)
    if suffix == ".zip":
        inside = [m for m in zip_members(path) if Path(m).suffix.lower() in FORMATS and not m.lower().endswith(".zip")]
        if not inside:
            raise ReadError(
                f"{path.name} holds no boundary file (.shp, .geojson, .gpkg, …). Zip all parts of the shapefile."
            )
        if len(inside) > 1 and layer is None:
            raise InputError(f"{path.name} holds several files. Choose one with layer=…: {', '.join(sorted(inside))}.")
        wanted = inside[0] if layer is None else layer
        if wanted not in inside:
            raise InputError(f"{path.name} holds no file {wanted!r}. {did_you_mean(wanted, inside)}")
        with zipfile.ZipFile(path) as archive:
            stored = zip_members(path)[wanted].filename
            archive.getinfo(stored)
        target, layer, suffix = f"/vsizip/{path.resolve()}/{stored}", None, Path(wanted).suffix.lower()
    try:
        names = [str(n) for n in pyogrio.list_layers(target)[:, 0]]
        if layer is not None and layer not in names:
            raise InputError(f"{path.name} has no layer {layer!r}. {did_you_mean(layer, names)}")
        if layer is None and len(names) > 1:
            kinds = dict(pyogrio.list_layers(target))
            areas = [n for n in names if "Polygon" in str(kinds.get(n)) or str(kinds.get(n)) == "Unknown"]
            if len(areas) != 1:
                raise InputError(f"{path.name} has several layers. Choose one with layer=…: {', '.join(names)}.")
            layer = areas[0]
        if suffix == ".shp":
            return _read_shapefile(target, encoding)
        return _unnested(gpd.read_file(target, layer=layer, engine="pyogrio"))
    except (InputError, SettingError):
        raise
    except Exception as problem:
        raise ReadError(f"{path.name} cannot be read ({_brief(problem)}). Open and save it again in a GIS.") from None


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
        raise SettingError(f"encoding={encoding!r} is not known. Use gb18030, utf-8, big5, …") from None
    return frame.rename(columns={c: decoded(c, "ignore") for c in frame.columns if c != geometry})


def _brief(problem: Exception) -> str:
    return " ".join(str(problem).split())[:160].rstrip(".") or type(problem).__name__


def _as_zones(frame, what, origin, *, zone_id, name, parent_id, crs) -> gpd.GeoDataFrame:
    rows, notes = len(frame), []
    if rows == 0:
        raise InputError(f"{what} has no rows, so there are no zones in it. Export it again.")
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name not in frame.columns:
        raise InputError(f"{what} has no geometry column, so there are no zones in it. Boundaries need polygons.")
    if frame.crs is None:
        if crs is None:
            raise CRSError(
                f"{what} does not say its coordinate reference system (a shapefile needs its .prj). "
                'Name it, as in crs="EPSG:4326" or crs="EPSG:4490".'
            )
        try:
            frame = frame.set_crs(crs)
        except (ProjError, ValueError) as problem:
            raise CRSError(f"crs={crs!r} is not a coordinate reference system ({_brief(problem)}).") from None
    said = frame.crs
    geometry = frame.geometry
    if not geometry.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        kinds = ", ".join(sorted(map(str, geometry.geom_type.dropna().unique()))) or "no geometry"
        raise InputError(f"{what} has no polygons but {kinds}. Zones are areas: take the polygon layer.")

    shapes = shapely.force_2d(geometry.to_numpy())
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid])
    mixed = shapely.get_type_id(shapes) == 7
    shapes[mixed] = [_areas_only(shape) for shape in shapes[mixed]]
    usable = pd.Series(shapely.get_type_id(shapes)).isin([3, 6]).to_numpy() & ~shapely.is_empty(shapes)
    if invalid.any():
        notes.append(f"{int(invalid.sum())} of {rows} zones had rings that cross themselves; they were repaired.")
    if not usable.all():
        notes.append(f"{int((~usable).sum())} of {rows} rows have no area and are no zones; they were set aside.")
    if not usable.any():
        raise InputError(f"{what} has no zone with an area, only empty geometries. Export it again.")

    frame = frame.assign(**{frame._geometry_column_name: gpd.GeoSeries(shapes, index=frame.index, crs=said)})
    frame = _to_wgs84(frame.loc[usable].reset_index(drop=True), what)
    table = pd.DataFrame(frame.drop(columns=frame._geometry_column_name))
    table.columns = [str(c) for c in table.columns]
    levels, level, found = find_levels(table, zone_id=zone_id, name=name, parent_id=parent_id)
    carried = table.drop(columns=["zone_id", "name", "level", "parent_id", "geometry"], errors="ignore")
    texts = {
        c: carried[c].dropna().astype(str).tolist() for c in carried if not pd.api.types.is_float_dtype(carried[c])
    }
    dropped = personal_columns(texts.items())
    if dropped:
        carried = carried.drop(columns=list(dropped))
        found = [
            *found,
            "Columns about persons were dropped: " + "; ".join(f"{c}: {w}" for c, w in dropped.items()) + ".",
        ]
    zones = gpd.GeoDataFrame(pd.concat([levels, carried], axis=1), geometry=frame.geometry.to_numpy(), crs=4326)
    zones.attrs = {
        **origin,
        "rows": rows,
        "set_aside": int((~usable).sum()),
        "crs": said.name,
        "level": level,
        "repaired": int(invalid.sum()),
        "dropped": dropped,
        "notes": notes + list(found),
    }
    return zones


def _areas_only(shape):
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _to_wgs84(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    west, south, east, north = frame.total_bounds
    if frame.crs.is_geographic and (max(abs(south), abs(north)) > 90.000001 or max(abs(west), abs(east)) > 360):
        exchanged = max(abs(west), abs(east)) <= 90 and max(abs(south), abs(north)) <= 180
        remedy = (
            "Latitude and longitude are exchanged: write longitude first."
            if exchanged
            else 'They look projected: name their CRS with crs="EPSG:…".'
        )
        raise CRSError(
            f"{what} says {frame.crs.name}, but its coordinates run from ({west:.6g}, {south:.6g}) to "
            f"({east:.6g}, {north:.6g}), which are no degrees. {remedy}"
        )
    moved = frame.to_crs(4326)
    if not pd.Series(moved.total_bounds).map(lambda v: abs(v) < float("inf")).all():
        raise CRSError(
            f"{what} cannot be brought from {frame.crs.name} to WGS 84: some coordinates have no place there."
        )
    return moved
