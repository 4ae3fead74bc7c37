"""GeoJSON (RFC 7946): one layer in WGS 84, for the web. Written by GDAL."""

from pathlib import Path

import geopandas as gpd
import pyogrio

from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
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
    pyogrio.write_dataframe(frame, bare, driver="GeoJSON", layer_options=options)
    with bare.open("rb") as source, path.open("wb") as file:
        file.write(source.readline())  # the opening brace
        file.write(f"{about}\n".encode())
        while block := source.read(1 << 20):
            file.write(block)
    bare.unlink()


FORMATS = {".geojson": Format(to_geojson)}
