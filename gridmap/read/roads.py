"""Street files: the lines that a patrol drives or walks.

One question: which streets are there, of which class, in which direction may they be driven and how fast.
GeoJSON, GeoPackage and Shapefile come from a city's own survey, `.osm.pbf` from OpenStreetMap. Whatever the
format, the answer is one table of lines in WGS 84; `gridmap.patrol.build_network` makes the graph of it.

A column is taken by its name (English, OpenStreetMap's, Chinese) and what was taken is noted. OpenStreetMap's
keys: https://wiki.openstreetmap.org/wiki/Key:highway, Key:oneway, Key:maxspeed.
"""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap._extras import needs_extras
from gridmap._io import sha256_of
from gridmap.errors import CRSError, InputError, ReadError
from gridmap.messages import Note
from gridmap.read.file_access import check_file
from gridmap.read.metric_projection import as_crs
from gridmap.read.tables.vector import read_vector

__all__ = ["read_roads"]

#: Which column is what, by its lower-case name; the first that is there is taken.
COLUMNS = {
    "road_id": ("road_id", "osm_id", "street_id", "segment_id", "linkid", "id", "道路编号", "路段编号", "编号"),
    "name": ("name", "road_name", "street", "street_name", "fullname", "道路名称", "路名", "名称"),
    "highway": ("highway", "fclass", "road_class", "class", "roadclass", "type", "道路等级", "道路类型", "等级"),
    "oneway": ("oneway", "one_way", "单行", "单向"),
    "maxspeed_kmh": ("maxspeed_kmh", "maxspeed", "speed_limit", "speed_kmh", "限速"),
    "access": ("access",),
    "junction": ("junction",),
    "layer": ("layer",),
}
#: Ways of OpenStreetMap that nobody drives or walks.
NO_STREET = {
    "proposed",
    "construction",
    "razed",
    "abandoned",
    "platform",
    "raceway",
    "corridor",
    "elevator",
    "rest_area",
}
KEPT = ["road_id", "name", "highway", "oneway", "maxspeed_kmh", "access", "layer"]


def read_roads(path_or_frame, *, crs=None, layer: str | None = None, encoding: str | None = None) -> gpd.GeoDataFrame:
    """The streets of a file.

    Parameters
    ----------
    path_or_frame : str, Path or GeoDataFrame
        GeoJSON, GeoPackage, Shapefile (also zipped), GeoParquet, KML, FlatGeobuf, or OpenStreetMap (.osm.pbf, .osm).
    crs : anything pyproj understands, optional
        For a file that does not say its own. A CRS in the file is kept.
    layer : str, optional
        Of a file with several layers.
    encoding : str, optional
        Of a shapefile's text.

    Returns
    -------
    GeoDataFrame in EPSG:4326, index 0 … n − 1
        One row a line: `road_id` (str), `name` (str or missing), `highway` (the class in lower case, "road" where
        nothing is given), `oneway` (int: 1 along the line, −1 against it, 0 both), `maxspeed_kmh` (float, nan where
        nothing is given), `access`, `layer` (int: bridges above 0, tunnels below), `geometry` (LineString).
        `.attrs` has `path, sha256, rows, set_aside, notes`.

    Raises
    ------
    ReadError
        If the file is absent, unreadable or of an unknown format.
    CRSError
        If it does not say its CRS.
    InputError
        If there is no line in it.

    Examples
    --------
    >>> from shapely import LineString
    >>> frame = gpd.GeoDataFrame({"name": ["High St"], "oneway": ["yes"], "maxspeed": ["30 mph"]},
    ...                          geometry=[LineString([(-1.55, 53.80), (-1.54, 53.80)])], crs=4326)
    >>> print(read_roads(frame)[["name", "highway", "oneway", "maxspeed_kmh"]].to_string(index=False))
       name highway  oneway  maxspeed_kmh
    High St    road       1      48.28032
    """
    what: str
    if isinstance(path_or_frame, gpd.GeoDataFrame):
        frame, what, origin = path_or_frame, Note("read.the_frame"), {"path": "memory", "sha256": None}
    elif isinstance(path_or_frame, str | Path):
        path = check_file(path_or_frame, Note("read.street_file"))
        what, origin = path.name, {"path": str(path_or_frame), "sha256": sha256_of(path)}
        osm = path.name.lower().endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2"))
        frame = _read_osm(path) if osm else read_vector(path, layer=layer, encoding=encoding)
    else:
        raise InputError(Note("read.roads_type", kind=type(path_or_frame).__name__))
    return _as_roads(frame, what, origin, crs)


def _read_osm(path: Path) -> gpd.GeoDataFrame:
    with needs_extras():
        import osmium  # here, because only OpenStreetMap files need it

    rows, lines = [], []
    wanted = ("name", "highway", "oneway", "maxspeed", "access", "junction", "layer")
    try:
        ways = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        ways = ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY)).with_filter(
            osmium.filter.KeyFilter("highway")
        )
        way: Any
        for way in ways:
            tags = way.tags
            if tags.get("highway") in NO_STREET or tags.get("area") == "yes":
                continue
            points = [(n.lon, n.lat) for n in way.nodes if n.location.valid()]  # an extract cuts ways at its edge
            if len(points) >= 2:
                rows.append((str(way.id), *(tags.get(key) for key in wanted)))
                lines.append(points)
    except (RuntimeError, OSError, ValueError) as problem:
        raise ReadError(Note("read.no_osm", file=path.name, why=problem)) from None
    if not lines:
        raise InputError(Note("read.osm_no_ways", file=path.name))
    lengths = [len(points) for points in lines]
    shapes = shapely.linestrings(np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), lengths))
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=["road_id", *wanted]), geometry=shapes, crs=4326)


def _as_roads(frame, what: str, origin: dict, crs) -> gpd.GeoDataFrame:
    rows, notes = len(frame), []
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name not in frame.columns or not rows:
        raise InputError(Note("read.no_road_rows", what=what))
    if frame.crs is None:
        if crs is None:
            raise CRSError(Note("read.roads_no_crs", what=what))
        frame = frame.set_crs(as_crs(crs))
    shapes = shapely.force_2d(frame.to_crs(4326).geometry.to_numpy())
    parts, source = shapely.get_parts(shapes, return_index=True)
    line = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > 0)
    line &= np.isfinite(shapely.bounds(parts)).all(axis=1)
    parts, source = parts[line], source[line]
    if not len(parts):
        raise InputError(Note("read.no_lines", what=what))
    lost = rows - len(np.unique(source))
    if lost:
        notes.append(Note("read.rows_without_line", lost=lost, rows=rows))

    lower = {str(c).strip().lower(): c for c in frame.columns if c != frame._geometry_column_name}
    found = {role: next((lower[a] for a in names if a in lower), None) for role, names in COLUMNS.items()}
    taken = [f"{role} from {column!r}" for role, column in found.items() if column is not None and column != role]
    if taken:
        notes.append(Note("read.columns_taken", taken=taken))
    table = {role: frame[column].to_numpy()[source] for role, column in found.items() if column is not None}
    blank = np.full(len(parts), None, dtype=object)
    text = {r: pd.Series(table.get(r, blank), dtype=object) for r in ("name", "access", "junction")}
    roads = {
        "road_id": pd.Series(table["road_id"]).map(_id).to_numpy() if "road_id" in table else source.astype(str),
        "name": text["name"].map(lambda v: str(v) if isinstance(v, str) and v.strip() else None),
        "highway": pd.Series(table.get("highway", blank), dtype=object).map(_road_class),
        "oneway": pd.Series(table.get("oneway", blank), dtype=object).map(_direction).astype("int64"),
        "maxspeed_kmh": pd.Series(table.get("maxspeed_kmh", blank), dtype=object).map(_speed).astype(float),
        "access": text["access"].map(lambda v: v if isinstance(v, str) else None),
        "layer": pd.to_numeric(pd.Series(table.get("layer", blank), dtype=object), errors="coerce")
        .fillna(0)
        .astype(int),
    }
    declared = pd.Series(table.get("oneway", blank), dtype=object).notna()
    roundabout = text["junction"].isin(["roundabout", "circular"]) & ~declared  # one-way without a word
    roads["oneway"] = pd.Series(roads["oneway"]).mask(roundabout | ((roads["highway"] == "motorway") & ~declared), 1)
    carried = frame.drop(columns=[frame._geometry_column_name, *[c for c in found.values() if c is not None]])
    carried = pd.DataFrame(carried).iloc[source].reset_index(drop=True)
    carried = carried.drop(columns=[c for c in carried.columns if c in (*KEPT, "geometry")])
    result = gpd.GeoDataFrame(pd.concat([pd.DataFrame(roads), carried], axis=1), geometry=parts, crs=4326)
    result.attrs = {**origin, "rows": rows, "set_aside": lost, "notes": notes}
    return result


def _id(value) -> str:
    return (
        str(int(value))
        if isinstance(value, float | np.floating) and np.isfinite(value) and value % 1 == 0
        else str(value)
    )


def _road_class(value) -> str:
    return value.strip().lower() if isinstance(value, str) and value.strip() else "road"


def _direction(value) -> int:
    """OpenStreetMap's yes / no / −1, a survey's F / T / B (along, against, both), 是 / 否."""
    word = _id(value).strip().lower() if value is not None else ""
    if word in ("yes", "true", "1", "f", "ft", "是", "单行", "单向"):
        return 1
    return -1 if word in ("-1", "reverse", "t", "tf", "反向") else 0


def _speed(value) -> float:
    """A speed limit in km/h; "30 mph" counts; the first of several; nan where none can be read."""
    word = str(value).split(";")[0].strip().lower() if value is not None else ""
    number = word.removesuffix("mph").removesuffix("km/h").removesuffix("kmh").strip()
    try:
        speed = float(number) * (1.609344 if word.endswith("mph") else 1.0)
    except ValueError:
        return float("nan")
    return speed if 0 < speed <= 200 else float("nan")
