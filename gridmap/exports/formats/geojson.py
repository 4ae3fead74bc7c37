"""GeoJSON (RFC 7946): one layer in WGS 84, for the web. Written by GDAL."""

from pathlib import Path
from typing import BinaryIO

import geopandas as gpd
import pyogrio

from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import pieces_of, plain_frame
from gridmap.exports.result_parts import KEY, Part, Stamp, shapes_of

__all__ = ["FORMATS", "to_geojson"]


def to_geojson(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part with shapes as GeoJSON (RFC 7946: WGS 84, lon before lat), the facts as a foreign member."""
    part = shapes_of(parts, "GeoJSON")
    frame = gpd.GeoDataFrame(plain_frame(part.frame, reserved=("id",))).to_crs(4326)
    about = f'"{KEY}": {stamp.as_json(part)},'
    bare = path.with_name("bare.json")
    options = {"RFC7946": "YES", "WRITE_NAME": "NO", "COORDINATE_PRECISION": "7"}
    options["AUTODETECT_JSON_STRINGS"] = "NO"  # text stays text, whatever it begins with
    pieces = pieces_of(frame)
    with path.open("wb") as file:
        for piece in pieces:
            pyogrio.write_dataframe(frame.iloc[piece], bare, driver="GeoJSON", layer_options=options)
            with bare.open("rb") as source:
                file.write(source.readline() if piece is pieces[0] else b"")  # the opening brace
                file.write(f"{about}\n".encode() if piece is pieces[0] else b"")
                _copy(source, file, first=piece is pieces[0], last=piece is pieces[-1])
            bare.unlink()


def _copy(source: BinaryIO, file: BinaryIO, *, first: bool, last: bool) -> None:
    """A piece of the features, one a line: what stands around them is that of the first piece and of the last."""
    if not first:
        while not source.readline().startswith(b'"features"'):
            pass
    before = b""
    for line in source:
        if line.strip() == b"]" and not last:
            file.write(before.rstrip() + b",\n")
            return
        file.write(before)
        before = line
    file.write(before)


FORMATS = {".geojson": Format(to_geojson)}
