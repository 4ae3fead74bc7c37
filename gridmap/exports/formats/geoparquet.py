"""GeoParquet: one layer for programs, with its types; plain Parquet for a table without shapes."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
from gridmap.exports.result_parts import KEY, Part, Stamp, shapes_of

__all__ = ["FORMATS", "to_geoparquet"]


def to_geoparquet(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part as GeoParquet (or plain Parquet, without shapes), the facts in the file's metadata."""
    part = parts[0]
    frame = plain_frame(part.frame)
    if part.is_spatial:
        shapes_of([part], "GeoParquet")
        frame.to_parquet(path, index=False, compression="zstd")
    else:
        pd.DataFrame(frame).to_parquet(path, index=False, compression="zstd")
    table = pq.read_table(path)
    facts = {KEY.encode(): stamp.as_json(part).encode()}
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **facts}), path, compression="zstd")


FORMATS = {".parquet": Format(to_geoparquet), ".geoparquet": Format(to_geoparquet)}
