"""KML 2.2 for phones and Google Earth: areas in the map's colours, named, with their numbers in the balloon.

Coordinates are lon,lat in WGS 84, without altitude, on the ground. A folder a layer, a style a class. Everything that
comes from data is escaped; the elements stand in the order that the schema asks for. A plan of patrols is written by
`gridmap.patrol.plan_files`.

Source: OGC 07-147r2, OGC KML 2.2.
"""

import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import pandas as pd

from gridmap import _kml as kml
from gridmap._io import xml_text
from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
from gridmap.exports.result_parts import Part, Stamp, shapes_of
from gridmap.exports.styles import Style, style_of
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.plan_files import to_kml as plan_to_kml

__all__ = ["FORMATS", "to_kml", "to_kmz"]

#: What names a row, the first that there is.
NAMED_BY = ("name", "place", "label_name", "zone_name")
#: How the page draws over a basemap: areas let it show through, what says nothing more so.
FILL, FAINT = "b3", "40"


def to_kml(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """All parts with shapes as folders of one KML document."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_document(parts, stamp))


def to_kmz(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The same, zipped: what phones like to be sent."""
    text = "".join(_document(parts, stamp))
    member = zipfile.ZipInfo("doc.kml", date_time=(1980, 1, 1, 0, 0, 0))  # the same file each time
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, text, compress_type=zipfile.ZIP_DEFLATED)


def _document(parts: list[Part], stamp: Stamp) -> Iterator[str]:
    plan = parts[0].source
    if isinstance(plan, PatrolPlan):
        yield plan_to_kml(plan)
        return
    shapes_of(parts, "KML")
    drawn = [shapes_of([part], "KML") for part in parts if part.is_spatial]
    styles = [style_of(part, stamp.language) for part in drawn]
    looks = (_styles(i, style) for i, style in enumerate(styles))
    folders = (
        kml.folder(_placemarks(i, part, style), name=part.name, description=stamp.as_json(part))
        for i, (part, style) in enumerate(zip(drawn, styles, strict=True))
    )
    content = chain(chain.from_iterable(looks), chain.from_iterable(folders))
    yield from kml.document(content, name=stamp.title, description=stamp.as_json(drawn[0]))


def _styles(i: int, style: Style | None) -> Iterator[str]:
    if style is None:
        yield f'<Style id="s{i}_0"><LineStyle><color>ff44372a</color><width>2</width></LineStyle>'
        yield "<PolyStyle><color>40ffffff</color></PolyStyle></Style>\n"
        return
    for code, rule in enumerate(style.rules):
        bgr = rule.colour[5:7] + rule.colour[3:5] + rule.colour[1:3]
        faint = rule.hatch or rule.values == ("none",) or (rule.above is None and rule.upto == 0.0)
        line = f"<LineStyle><color>{'ff' + bgr if style.outline else '66555555'}</color>"
        line += f"<width>{3 if style.outline else 1}</width></LineStyle>"
        fill = f"<color>{FAINT if faint else FILL}{bgr}</color>" + ("<fill>0</fill>" if style.outline else "")
        yield f'<Style id="s{i}_{code}">{line}<PolyStyle>{fill}</PolyStyle></Style>\n'


def _placemarks(i: int, part: Part, style: Style | None) -> Iterator[str]:
    frame = gpd.GeoDataFrame(plain_frame(part.frame)).to_crs(4326)
    columns = [c for c in frame.columns if c != frame.geometry.name]
    heads = [f"<Data name={quoteattr(xml_text(c))}><value>" for c in columns]
    texts = [_texts(frame[c]) for c in columns]
    codes = style.codes if style is not None else [0] * len(frame)
    for row, (name, code, shape) in enumerate(zip(_names(frame, columns), codes, frame.geometry, strict=True)):
        if shape is None or shape.is_empty:
            continue
        held = "".join(f"{h}{t[row]}</value></Data>" for h, t in zip(heads, texts, strict=True) if t[row] is not None)
        look = f"s{i}_{int(code)}" if int(code) != 255 else ""
        yield kml.placemark(name, shape, style=look, data=held)


def _names(frame: gpd.GeoDataFrame, columns: list[str]) -> list[str]:
    """What each row is called: its name, its rank, or its id."""
    named = next((c for c in NAMED_BY if c in columns), None)
    known = next((c for c in ("cell_id", "cluster_id", "zone_id", "place_id") if c in columns), None)
    ids = frame[known] if known else pd.Series(range(1, len(frame) + 1))
    if known == "cluster_id" and "rank" in columns:
        ids = "#" + frame["rank"].astype(str)
    base = [str(v) for v in ids]
    if named is None:
        return base
    return [b if pd.isna(v) or not str(v) else str(v) for v, b in zip(frame[named], base, strict=True)]


def _texts(values: pd.Series) -> list[str | None]:
    """Each value as escaped text; None where there is none."""
    if values.dtype.kind == "f":
        return [None if v != v else f"{v:.6g}" if abs(v) < 1e6 else f"{v:.0f}" for v in values.tolist()]
    missing = values.isna().to_numpy()
    if values.dtype.kind == "M":
        values = values.map(lambda v: v.isoformat() if v is not pd.NaT else "")
    return [None if gone else kml.safe(v) for v, gone in zip(values.tolist(), missing, strict=True)]


FORMATS = {".kml": Format(to_kml, many=True), ".kmz": Format(to_kmz, many=True)}
