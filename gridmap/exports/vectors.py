"""GeoPackage, FlatGeobuf, GeoJSON and GeoParquet: shapes with their columns, for GIS and for programs.

The first three are written by GDAL, so GDAL and all that stand on it read them. Each keeps the CRS, the index as a
column, and in its metadata the run's id, method, settings and units (`Stamp`).
"""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from gridmap.errors import CRSError, InputError
from gridmap.exports.contents import Part
from gridmap.exports.plain import plain
from gridmap.exports.qgis import add_styles
from gridmap.exports.stamp import KEY, Stamp
from gridmap.exports.styles import style_of

__all__ = ["shapes_of", "to_flatgeobuf", "to_geojson", "to_geopackage", "to_geoparquet"]


def shapes_of(parts: list[Part], what: str) -> Part:
    """The first part that has shapes.

    Raises
    ------
    InputError
        If none has.
    CRSError
        If it does not say where on earth they are.
    """
    part = next((p for p in parts if p.is_spatial), None)
    if part is None:
        raise InputError(
            f"{what} holds shapes, and {parts[0].name!r} is a table without. Give grid=, or write "
            "it as .csv or .parquet."
        )
    if part.crs is None:
        raise CRSError(f"{part.name!r} has no CRS, so no program would know where it is. Set it: frame.set_crs(4326).")
    return part


def to_geopackage(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """All parts as layers of one GeoPackage; tables without shapes as attribute tables."""
    shapes_of(parts, "A GeoPackage")
    styles = []
    for part in parts:
        if part.is_spatial:
            shapes_of([part], "A GeoPackage")
        frame = _in_utc(plain(part.frame, reserved=("fid", "geom")))
        options = {"driver": "GPKG", "layer": part.name, "layer_metadata": stamp.flat(part), "append": path.exists()}
        if (style := style_of(part, stamp.language)) is not None:
            styles.append((part.name, "geom", style))
        pyogrio.write_dataframe(frame, path, **options, **_kind(frame))
    if styles:
        add_styles(path, styles)


def to_flatgeobuf(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part with shapes as FlatGeobuf, with its spatial index; the facts stand in its description."""
    part = shapes_of(parts, "FlatGeobuf")
    frame = plain(part.frame, reserved=("fid",))
    about = {"TITLE": part.name, "DESCRIPTION": stamp.as_json(part)}
    if (frame.geometry.isna() | frame.geometry.is_empty).any():
        about["SPATIAL_INDEX"] = "NO"  # which cannot hold a row without a shape
    pyogrio.write_dataframe(frame, path, driver="FlatGeobuf", layer=part.name, layer_options=about, **_kind(frame))


def to_geojson(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part with shapes as GeoJSON (RFC 7946: WGS 84, lon before lat), the facts as a foreign member."""
    part = shapes_of(parts, "GeoJSON")
    frame = plain(part.frame, reserved=("id",)).to_crs(4326)
    about = f'"{KEY}": {stamp.as_json(part)},'
    bare = path.with_name("bare.json")
    options = {"RFC7946": "YES", "WRITE_NAME": "NO", "COORDINATE_PRECISION": "7"}
    options["AUTODETECT_JSON_STRINGS"] = "NO"  # text stays text, whatever it begins with
    pyogrio.write_dataframe(frame, bare, driver="GeoJSON", layer_options=options)
    with bare.open("rb") as source, path.open("wb") as file:
        file.write(source.readline())  # the opening brace
        file.write(f"{about}\n".encode())
        while block := source.read(1 << 20):
            file.write(block)
    bare.unlink()


def to_geoparquet(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part as GeoParquet (or plain Parquet, without shapes), the facts in the file's metadata."""
    part = parts[0]
    frame = plain(part.frame)
    if part.is_spatial:
        shapes_of([part], "GeoParquet")
        frame.to_parquet(path, index=False, compression="zstd")
    else:
        pd.DataFrame(frame).to_parquet(path, index=False, compression="zstd")
    table = pq.read_table(path)
    facts = {KEY.encode(): stamp.as_json(part).encode()}
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **facts}), path, compression="zstd")


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Times of a known zone as the same moment in UTC, the one zone that GeoPackage has."""
    zoned = [c for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{c: frame[c].dt.tz_convert("UTC") for c in zoned}) if zoned else frame


def _kind(frame: pd.DataFrame) -> dict:
    """The kind of shape, said where an empty or mixed frame does not show it."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return {}
    kinds = set(frame.geom_type.dropna())
    if kinds <= {"Polygon", "MultiPolygon"}:
        several = kinds != {"Polygon"}
        return {"geometry_type": "MultiPolygon" if several else "Polygon", "promote_to_multi": several}
    return {"promote_to_multi": False} if len(kinds) == 1 else {"geometry_type": "Unknown"}
