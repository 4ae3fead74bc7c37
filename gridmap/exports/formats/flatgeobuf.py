"""FlatGeobuf: one layer with its spatial index, for programs that read a part of a large file. Written by GDAL."""

from pathlib import Path

import pyogrio

from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import geometry_kind, plain_frame
from gridmap.exports.result_parts import Part, Stamp, shapes_of

__all__ = ["FORMATS", "to_flatgeobuf"]


def to_flatgeobuf(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part with shapes as FlatGeobuf, with its spatial index; the facts stand in its description."""
    part = shapes_of(parts, "FlatGeobuf")
    frame = plain_frame(part.frame, reserved=("fid",))
    about = {"TITLE": part.name, "DESCRIPTION": stamp.as_json(part)}
    if (frame.geometry.isna() | frame.geometry.is_empty).any():
        about["SPATIAL_INDEX"] = "NO"  # which cannot hold a row without a shape
    pyogrio.write_dataframe(
        frame, path, driver="FlatGeobuf", layer=part.name, layer_options=about, **geometry_kind(frame)
    )


FORMATS = {".fgb": Format(to_flatgeobuf)}
