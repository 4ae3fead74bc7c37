"""GeoJSON, Esri JSON and TopoJSON as layers, read without GDAL: such a file says what it holds and names no other file.

GDAL has a dozen drivers that answer to JSON, some of which open other files or addresses that the text names. Here the
text is parsed as data: features with their properties, the CRS by a name and never by a link.

References
----------
RFC 7946; the GeoJSON specification of 2008 (`crs`); the TopoJSON specification 1.0; ArcGIS REST, feature objects.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely.geometry import mapping, shape

from gridmap.errors import CRSError, InputError, ReadError
from gridmap.messages import Note
from gridmap.read.file_access import MOST_EMPTY, brief, require_few_columns, require_filled
from gridmap.read.metric_projection import as_crs

__all__ = ["read_json_layer"]

GEOMETRIES = {
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
}
#: What a geometry or a feature of another shape than it should have raises on the way.
BROKEN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, shapely.GEOSException)
#: Polygons of so many corners become shapes while the text is read.
MANY_CORNERS = 32
#: Deeper than any collection of collections that a person made.
DEEPEST = 20


def read_json_layer(data: bytes, name: str) -> gpd.GeoDataFrame:
    """The features of a JSON text.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file, for messages.

    Returns
    -------
    GeoDataFrame
        Properties as they stand; objects and lists among them as their JSON text. EPSG:4326 where no CRS is given.

    Raises
    ------
    ReadError
        If it is not JSON, no kind of layer, or a geometry in it is broken.
    InputError
        If a coordinate is not finite.
    CRSError
        If its CRS is given by a link, or not known.
    """
    document = _parsed(data, name)
    crs: CRS | None
    try:
        if not isinstance(document, dict):
            raise ReadError(Note("read.no_json_layer", file=name))
        if document.get("type") == "Topology":
            rows, crs = list(_topology(document, name)), CRS.from_epsg(4326)
        elif isinstance(document.get("features"), list) and (
            "geometryType" in document
            or "spatialReference" in document
            or any("attributes" in f for f in document["features"][:1] if isinstance(f, dict))
        ):
            rows, crs = list(_esri(document)), _esri_crs(document, name)
        else:
            rows, crs = list(_features(document, 0)), _named_crs(document, name)
    except (InputError, CRSError, ReadError):
        raise
    except RecursionError:
        raise ReadError(Note("read.json_too_deep", file=name)) from None
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OverflowError,
        shapely.GEOSException,
    ) as problem:
        raise ReadError(Note("read.json_broken", file=name, why=brief(problem))) from None
    if not rows and not ("features" in document or document.get("type") == "Topology"):
        raise ReadError(Note("read.no_json_layer", file=name))
    shapes = np.empty(len(rows), object)
    shapes[:] = [row[0] for row in rows]
    _require_finite(shapes, name)
    return gpd.GeoDataFrame(_columns([row[1] for row in rows], name), geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)


def _parsed(data: bytes, name: str) -> Any:
    for encoding in ("utf-8-sig", "utf-16", "gb18030"):
        if encoding == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
            continue
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ReadError(Note("read.no_json", file=name, why="utf-8"))
    try:
        if re.search(r"\\u[dD][89a-fA-F]", text):  # half a character, which no table holds
            found = json.loads(text)
            text = json.dumps(found, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(text, object_hook=_with_shape)
    except RecursionError:
        raise ReadError(Note("read.json_too_deep", file=name)) from None
    except ValueError as problem:
        raise ReadError(Note("read.no_json", file=name, why=brief(problem))) from None


class _WithShape(dict):
    """A geometry whose `coordinates` are a shape already."""


def _with_shape(found: dict) -> dict:
    """A polygon of many corners becomes a shape as soon as it is read: as lists it takes ten times the memory."""
    given = found.get("coordinates")
    if found.get("type") not in ("Polygon", "MultiPolygon") or not isinstance(given, list):
        return found
    try:
        parts = [given] if found["type"] == "Polygon" else given
        if sum(len(ring) for rings in parts for ring in rings) < MANY_CORNERS:
            return found
        whole = _plain_shape(found)
    except BROKEN:
        return found  # the error is raised where its feature is looked at
    return found if whole is None else _WithShape(found, coordinates=whole)


def _features(node: Any, depth: int) -> Iterator[tuple[Any, dict]]:
    """(geometry, properties) of a feature, a collection, collections in collections, or a bare geometry."""
    if depth > DEEPEST:
        raise RecursionError
    kind = node.get("type") if isinstance(node, dict) else None
    if kind == "Feature":
        properties = dict(node.get("properties") or {})
        if node.get("id") is not None and "id" not in properties:
            properties = {"id": node["id"], **properties}
        yield (_shape(node.get("geometry")), properties)
    elif isinstance(node, dict) and isinstance(node.get("features"), list):
        for feature in node["features"]:
            yield from _features(feature, depth + 1)
    elif kind in GEOMETRIES:
        yield (_shape(node), {})


def _shape(geometry: Any) -> Any:
    if not geometry:
        return None
    if geometry["type"] == "Point":
        place = [v for v in geometry["coordinates"] or [] if v is not None]
        return shapely.Point(*map(float, place[:3])) if len(place) >= 2 else shapely.Point()
    if geometry["type"] == "GeometryCollection" and any(
        isinstance(g, _WithShape) for g in geometry.get("geometries") or ()
    ):
        return shapely.GeometryCollection([_shape(part) for part in geometry["geometries"]])
    plain = _plain_shape(geometry) if geometry["type"] in ("Polygon", "MultiPolygon") else None
    return shape(geometry) if plain is None else plain


def _plain_shape(geometry: Any) -> Any:
    """A polygon or several whose rings are plain numbers; None for anything else."""
    given = geometry["coordinates"]
    if isinstance(geometry, _WithShape) or not given:
        return given or None
    parts = [_plain_polygon(rings) for rings in ([given] if geometry["type"] == "Polygon" else given)]
    if any(part is None for part in parts):
        return None
    return parts[0] if geometry["type"] == "Polygon" else shapely.multipolygons(parts)


def _plain_polygon(rings: Any) -> Any:
    """A polygon whose rings are lists of numbers in twos or threes, in a third of the time; None for anything else."""
    lines = []
    for ring in rings:
        try:
            corners = np.array(ring)
        except ValueError:  # not all of one length
            return None
        if corners.dtype.kind not in "if" or corners.ndim != 2 or corners.shape[1] not in (2, 3) or len(corners) < 4:
            return None
        lines.append(shapely.linearrings(corners.astype(np.float64, copy=False)))
    return shapely.polygons(lines[0], holes=lines[1:] or None) if lines else None


def _named_crs(document: dict, name: str) -> CRS:
    """The CRS that a GeoJSON of 2008 says by name; WGS 84 where none is given."""
    given = document.get("crs")
    if given is None:
        return CRS.from_epsg(4326)
    properties = given.get("properties") or {} if isinstance(given, dict) else {}
    if isinstance(given, dict) and given.get("type") == "name" and isinstance(properties.get("name"), str):
        return as_crs(properties["name"])
    if isinstance(given, dict) and given.get("type") == "EPSG":
        return as_crs(f"EPSG:{int(properties['code'])}")
    raise CRSError(Note("read.crs_by_link", file=name))


def _esri(document: dict) -> Iterator[tuple[Any, dict]]:
    for feature in document["features"]:
        yield (_esri_shape(feature.get("geometry") or {}), dict(feature.get("attributes") or {}))


def _esri_shape(geometry: dict) -> Any:
    if "rings" in geometry:
        return _polygon_of_rings(geometry["rings"])
    if "paths" in geometry:
        return shapely.MultiLineString([[p[:2] for p in path] for path in geometry["paths"] if len(path) > 1])
    if "points" in geometry:
        return shapely.MultiPoint([p[:2] for p in geometry["points"]])
    if isinstance(geometry.get("x"), int | float) and isinstance(geometry.get("y"), int | float):
        return shapely.Point(geometry["x"], geometry["y"])
    return None


def _polygon_of_rings(rings: Iterable) -> Any:
    """Rings of any order: clockwise ones are outer, the others holes of the outer one that holds them."""
    lines = [shapely.LinearRing([p[:2] for p in ring]) for ring in rings if len(ring) > 2]
    outer = [shapely.Polygon(line) for line in lines if not line.is_ccw] or [shapely.Polygon(line) for line in lines]
    holes = [shapely.Polygon(line) for line in lines if line.is_ccw] if any(not x.is_ccw for x in lines) else []
    inside: list[list] = [[] for _ in outer]
    points = [hole.representative_point() for hole in holes]
    for hole, polygon in zip(*shapely.STRtree(outer).query(points, predicate="within"), strict=True):
        inside[polygon].append(holes[hole].exterior)
    parts = [shapely.Polygon(polygon.exterior, within) for polygon, within in zip(outer, inside, strict=True)]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _esri_crs(document: dict, name: str) -> CRS | None:
    given = document.get("spatialReference") or {}
    for key in ("latestWkid", "wkid"):
        if isinstance(given.get(key), int):
            number = {102100: 3857, 102113: 3857}.get(given[key], given[key])
            return as_crs(f"{'ESRI' if number > 32767 else 'EPSG'}:{number}")
    if isinstance(given.get("wkt"), str):
        return as_crs(given["wkt"])
    return None


def _topology(document: dict, name: str) -> Iterator[tuple[Any, dict]]:
    arcs = [_arc(arc, document.get("transform")) for arc in document["arcs"]]
    there, taken = sum(map(len, arcs)), 0

    def line(indices: list[int]) -> list:
        nonlocal taken
        points: list = []
        for i in indices:
            part = arcs[i] if i >= 0 else arcs[~i][::-1]
            taken += len(part)
            if taken > MOST_EMPTY and taken > 50 * there:
                raise ReadError(Note("read.arcs_bomb", file=name, arcs=there))
            points.extend(part[1:] if points else part)
        return points

    def built(node: dict) -> Any:
        kind = node.get("type")
        of: Any = node.get("arcs")
        if kind == "Polygon":
            rings = [line(ring) for ring in of]
            return shapely.Polygon(rings[0], rings[1:])
        if kind == "MultiPolygon":
            return shapely.MultiPolygon([(line(p[0]), [line(ring) for ring in p[1:]]) for p in of])
        if kind in ("LineString", "MultiLineString"):
            return (
                shapely.LineString(line(of)) if kind == "LineString" else shapely.MultiLineString(list(map(line, of)))
            )
        if kind == "Point":
            return shapely.Point(_arc([node["coordinates"]], document.get("transform"))[0])
        return None

    def walk(node: dict, depth: int) -> Iterator[tuple[Any, dict]]:
        if depth > DEEPEST:
            raise RecursionError
        if node.get("type") == "GeometryCollection":
            for part in node["geometries"]:
                yield from walk(part, depth + 1)
            return
        properties = dict(node.get("properties") or {})
        if node.get("id") is not None and "id" not in properties:
            properties = {"id": node["id"], **properties}
        yield (built(node), properties)

    for node in document["objects"].values():
        yield from walk(node, 0)


def _arc(arc: list, transform: dict | None) -> list:
    points = np.asarray([p[:2] for p in arc], float)
    if transform:
        points = np.cumsum(points, axis=0) * transform["scale"] + transform["translate"]
    return points.tolist()


def _require_finite(shapes: np.ndarray, name: str) -> None:
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not there.any():
        return
    bad = ~np.isfinite(shapely.bounds(shapes[there])).all(axis=1)
    if bad.any():
        first = int(np.flatnonzero(there)[np.argmax(bad)]) + 1
        raise InputError(Note("read.not_finite", file=name, n=int(bad.sum()), first=first))


def _as_text(value: Any) -> str:
    """An object among the properties as its JSON text."""
    return json.dumps(value, ensure_ascii=False, default=lambda found: mapping(found)["coordinates"])


def _columns(records: list[dict], file: str) -> pd.DataFrame:
    """Properties as columns, in the order in which they first appear; mixed ones as text, nested ones as JSON."""
    names = list(dict.fromkeys(str(key) for record in records for key in record))
    require_few_columns(len(names), file)
    require_filled(len(records), len(names), sum(map(len, records)), file)
    columns = {}
    for name in names:
        if name == "geometry":
            continue
        values = [record.get(name) for record in records]
        values = [_as_text(v) if isinstance(v, dict | list) else v for v in values]
        kinds = {bool if isinstance(v, bool) else str if isinstance(v, str) else float for v in values if v is not None}
        if len(kinds) > 1:
            values = [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values]
        columns[name] = pd.Series(values, dtype=object if kinds != {float} else None)
        if kinds == {bool} and all(v is not None for v in values):
            columns[name] = columns[name].astype(bool)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(records)))
