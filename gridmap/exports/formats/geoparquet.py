"""GeoParquet: one layer for programs, with its types; plain Parquet for a table without shapes."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from geopandas.array import GeometryDtype

from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import pieces_of, plain_frame
from gridmap.exports.result_parts import KEY, Part, Stamp, shapes_of

__all__ = ["FORMATS", "to_geoparquet", "write_shapes"]


def to_geoparquet(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part as GeoParquet (or plain Parquet, without shapes), the facts in the file's metadata."""
    part = parts[0]
    frame = plain_frame(part.frame)
    facts = {KEY.encode(): stamp.as_json(part).encode()}
    if part.is_spatial:
        shapes_of([part], "GeoParquet")
        write_shapes(gpd.GeoDataFrame(frame), path, index=False, compression="zstd", facts=facts)
    else:
        table = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
        pq.write_table(
            table.replace_schema_metadata({**(table.schema.metadata or {}), **facts}), path, compression="zstd"
        )


def write_shapes(
    frame: gpd.GeoDataFrame,
    path: Path,
    *,
    index: bool | None = None,
    compression: str = "snappy",
    facts: dict[bytes, bytes] | None = None,
) -> None:
    """A frame as GeoParquet, as `GeoDataFrame.to_parquet` writes it, outlines of many corners some rows at a time.

    Parameters
    ----------
    frame : GeoDataFrame
    path : Path
    index, compression
        As for `to_parquet`.
    facts : dict of bytes, optional
        More metadata.
    """
    pieces = pieces_of(frame)
    several = sum(isinstance(kind, GeometryDtype) for kind in frame.dtypes) > 1
    if (len(pieces) == 1 or several) and not facts:
        return frame.to_parquet(path, index=index, compression=compression)
    name, shapes = frame.geometry.name, frame.geometry.to_numpy()
    sample = pa.BufferOutputStream()
    gpd.GeoDataFrame(frame.iloc[:1]).to_parquet(sample, index=index)
    like = pq.read_schema(pa.BufferReader(sample.getvalue()))
    geo = json.loads(like.metadata[b"geo"])
    bounds = frame.total_bounds.tolist()
    geo["columns"][name] |= {
        "geometry_types": _kinds(shapes),
        **({"bbox": bounds} if np.isfinite(bounds).all() else {}),
    }
    others = pa.Table.from_pandas(pd.DataFrame(frame).assign(**{name: None}), preserve_index=index)
    fields = [like.field(name) if field == name else others.schema.field(field) for field in like.names]
    metadata = {**(others.schema.metadata or {}), b"geo": json.dumps(geo).encode(), **(facts or {})}
    schema = pa.schema(fields, metadata=metadata)
    with pq.ParquetWriter(path, schema, compression=compression) as writer:
        for piece in pieces:
            rows = others.slice(piece.start, piece.stop - piece.start)
            columns: dict[str, Any] = {field: rows[field] for field in rows.schema.names}
            columns[name] = pa.array(shapely.to_wkb(shapes[piece], flavor="iso"), pa.binary())
            writer.write_table(pa.table([columns[field] for field in schema.names], schema=schema))


#: By shapely's numbers, as GeoParquet names them; a ring is a line to it.
KINDS = np.array(
    [
        *("Point", "LineString", "LineString", "Polygon"),
        *("MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"),
    ]
)


def _kinds(shapes: np.ndarray) -> list[str]:
    """The kinds of shapes as GeoParquet names them."""
    there = shapes[~shapely.is_missing(shapes)]
    found = set(zip(KINDS[shapely.get_type_id(there)].tolist(), shapely.has_z(there).tolist(), strict=True))
    return sorted(f"{kind} Z" if deep else kind for kind, deep in found)


FORMATS = {".parquet": Format(to_geoparquet), ".geoparquet": Format(to_geoparquet)}
