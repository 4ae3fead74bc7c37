"""KML 2.2 in its elements, for everything that gridmap writes for phones and Google Earth.

Coordinates are lon,lat in WGS 84, without altitude, on the ground. Text that comes from data is escaped; the elements
stand in the order that the schema asks for.

Source: OGC 07-147r2, OGC KML 2.2.
"""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

import numpy as np
import shapely

from gridmap._io import xml_text
from gridmap.errors import InputError
from gridmap.messages import Note

__all__ = ["document", "folder", "geometry", "placemark", "safe"]


def safe(text: object) -> str:
    """Text as it may stand in an element."""
    return escape(xml_text(text))


def document(content: Iterable[str], *, name: str = "", description: str = "") -> Iterator[str]:
    """A whole file: styles and folders in a document."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n'
    yield _head(name, description)
    yield from content
    yield "</Document>\n</kml>\n"


def folder(placemarks: Iterable[str], *, name: str, description: str = "") -> Iterator[str]:
    """Placemarks under one name."""
    yield f"<Folder>\n{_head(name, description)}"
    yield from placemarks
    yield "</Folder>\n"


def placemark(name: str, shape: shapely.Geometry, *, description: str = "", style: str = "", data: str = "") -> str:
    """One shape with its name.

    Parameters
    ----------
    name, description : str
        Texts as they are.
    shape : shapely geometry, lon and lat
    style : str
        The id of a style of the document.
    data : str
        `<Data>` elements, escaped already.

    Examples
    --------
    >>> placemark("A & B", shapely.Point(120.5, 30.25))
    '<Placemark><name>A &amp; B</name><Point><coordinates>120.5000000,30.2500000</coordinates></Point></Placemark>\\n'
    """
    described = f"<description>{safe(description)}</description>" if description else ""
    url = f"<styleUrl>#{style}</styleUrl>" if style else ""
    held = f"<ExtendedData>{data}</ExtendedData>" if data else ""
    return f"<Placemark><name>{safe(name)}</name>{described}{url}{held}{geometry(shape)}</Placemark>\n"


def _head(name: str, description: str) -> str:
    reported = {"name": name, "description": description}
    return "".join(f"<{tag}>{safe(text)}</{tag}>\n" for tag, text in reported.items() if text)


def geometry(shape: shapely.Geometry) -> str:
    """A point, line or area, lon before lat, without altitude.

    Raises
    ------
    InputError
        For any other shape.
    """
    kind = shape.geom_type
    if kind == "Polygon":
        rings = [f"<outerBoundaryIs>{_ring(shape.exterior, True)}</outerBoundaryIs>"]
        rings += [f"<innerBoundaryIs>{_ring(ring, False)}</innerBoundaryIs>" for ring in shape.interiors]
        return f"<Polygon>{''.join(rings)}</Polygon>"
    if kind == "Point":
        return f"<Point><coordinates>{_line(shapely.get_coordinates(shape))}</coordinates></Point>"
    if kind in ("LineString", "LinearRing"):
        return f"<LineString><coordinates>{_line(shapely.get_coordinates(shape))}</coordinates></LineString>"
    if hasattr(shape, "geoms"):
        return f"<MultiGeometry>{''.join(geometry(part) for part in shape.geoms)}</MultiGeometry>"
    raise InputError(Note("exports.kml_shapes", found=kind))


def _ring(ring: shapely.LinearRing, outer: bool) -> str:
    """A ring; the outer one against the clock, the inner ones with it, as the standard wants."""
    points = shapely.get_coordinates(ring)
    if shapely.is_ccw(ring) != outer:
        points = points[::-1]
    return f"<LinearRing><coordinates>{_line(points)}</coordinates></LinearRing>"


def _line(points: np.ndarray) -> str:
    return " ".join(["%.7f,%.7f" % (x, y) for x, y in points.tolist()])  # noqa: UP031 - twice as quick as an f-string
