"""What lies around, for the reader's bearings: streets, water, railways and the names of places.

One question: which of them are there, how far out is each worth drawing, and what is it called. An OpenStreetMap
extract (.osm.pbf) holds all four; an office's own files hold one each, which their columns, their name or `kind` tells.
Ranks go from 0 (drawn at every scale: motorways, rivers, towns) to 3 (drawn near by: footpaths). OpenStreetMap's keys:
https://wiki.openstreetmap.org/wiki/Map_features; Geofabrik's shapefiles carry the same words in `fclass`.
"""

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap._extras import needs_extras
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.features import read_features
from gridmap.read.file_access import brief, check_file

__all__ = ["CONTEXT_KINDS", "read_context"]

CONTEXT_KINDS = ("streets", "water", "railways", "names")

#: Words of the classes of each kind, by rank.
RANKS = {
    "streets": (
        ("motorway", "trunk", "primary", "高速", "国道", "快速路", "主干路"),
        ("secondary", "tertiary", "motorway_link", "trunk_link", "primary_link", "省道", "县道", "次干路", "街道"),
        ("residential", "unclassified", "living_street", "pedestrian", "road", "secondary_link", "乡道", "支路"),
        ("service", "track", "footway", "path", "cycleway", "bridleway", "steps"),
    ),
    "water": (
        ("river", "riverbank", "sea", "bay"),
        ("canal", "reservoir", "water", "lake"),
        ("stream", "pond", "basin", "drain", "ditch"),
    ),
    "railways": (("rail",), ("light_rail", "subway", "tram", "narrow_gauge", "monorail", "funicular")),
    "names": (
        ("city", "town", "county", "municipality"),
        ("suburb", "village", "borough", "island"),
        ("quarter", "neighbourhood", "hamlet", "locality"),
    ),
}  # fmt: skip
#: A class that is not listed: of middling rank.
ELSE = {"streets": 2, "water": 1, "railways": 1, "names": 1}
CLASS_COLUMNS = (
    "highway",
    "waterway",
    "railway",
    "place",
    "fclass",
    "kind",
    "class",
    "type",
    "natural",
    "道路等级",
    "类型",
    "等级",
)
NAME_COLUMNS = ("name", "NAME", "名称", "road_name", "fullname", "FULLNAME", "道路名称", "路名", "地名")
#: What a file is called, where its columns do not tell what it holds.
FILE_WORDS = {
    "streets": r"street|road|highway|道路|路网|街",
    "water": r"water|river|lake|canal|hydro|水系|河|湖",
    "railways": r"rail|铁路|轨道",
    "names": r"place|settlement|locality|地名|村庄",
}
#: A lake or a bend of a river of this size is drawn at every scale, one of that from the middle ones on.
LARGE_M2, SMALL_M2 = 4e5, 2e4


def read_context(
    path: str | Path, *, kind: str | None = None, crs: Any = None, layer: str | None = None, datum: str | None = None
) -> gpd.GeoDataFrame:
    """Streets, water, railways and names of places from a file, to be drawn under hotspots by `context_layers`.

    Parameters
    ----------
    path : str or Path
        An OpenStreetMap extract (.osm.pbf, .osm, .osm.gz, .osm.bz2; needs `pip install "gridmap[patrol]"`), or any
        file that `read_features` reads: Shapefile, GeoPackage, GeoJSON, a table of points.
    kind : {"streets", "water", "railways", "names"}, optional
        What an office's file holds; by default its columns (`highway`, `fclass`, …) or its file name tell. Of an
        extract: only this kind.
    crs, layer, datum
        As in `read_features`.

    Returns
    -------
    GeoDataFrame in EPSG:4326, index 0 … n − 1
        `kind`, `rank` (int, 0 to 3: from which scale on it is drawn), `name` (str or None), `geometry`.

    Raises
    ------
    ReadError, CRSError
        If the file cannot be read, or does not say where it is.
    InputError
        If there is nothing of the kind in it, or nothing says what it holds.
    SettingError
        For an unknown kind.

    Examples
    --------
    >>> from shapely import LineString
    >>> import tempfile
    >>> lanes = gpd.GeoDataFrame({"highway": ["primary", "footway"], "name": ["High St", None]}, crs=4326,
    ...                          geometry=[LineString([(-1.5, 53.8), (-1.4, 53.8)]), LineString([(0, 53), (0, 54)])])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lanes.to_file(Path(folder) / "lanes.geojson")
    ...     print(read_context(Path(folder) / "lanes.geojson")[["kind", "rank", "name"]].to_string(index=False))
       kind  rank    name
    streets     0 High St
    streets     3    None
    """
    if kind is not None and kind not in CONTEXT_KINDS:
        raise SettingError(Note("read.context_kind", found=kind, meant=did_you_mean(kind, CONTEXT_KINDS)))
    if re.search(r"\.(pbf|osm|osm\.gz|osm\.bz2)$", str(path).lower()):
        found = _of_osm(check_file(path, Note("read.layer_file")), kind)
    else:
        found = _of_office(Path(path), read_features(path, crs=crs, layer=layer, datum=datum), kind)
    found = found[np.isfinite(shapely.bounds(found.geometry.to_numpy())).all(axis=1)]
    if not len(found):
        raise InputError(Note("read.context_nothing", file=Path(path).name, kind=kind or ", ".join(CONTEXT_KINDS)))
    return found.reset_index(drop=True)


def _rank(kind: str, word: Any) -> int:
    word = str(word or "").strip().lower()
    return next((rank for rank, words in enumerate(RANKS[kind]) if word in words), ELSE[kind])


def _frame(rows: list[tuple[str, int, Any]], shapes: Any) -> gpd.GeoDataFrame:
    table = pd.DataFrame(rows, columns=["kind", "rank", "name"])
    names = [name.strip() if isinstance(name, str) and name.strip() else None for _, _, name in rows]
    table["name"] = pd.Series(names, index=table.index, dtype=object)
    found = gpd.GeoDataFrame(table, geometry=shapes, crs=4326)
    areas = (found["kind"] == "water") & found.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    if areas.any():  # of water the size says more than the word
        middle = np.cos(np.radians(shapely.get_y(shapely.centroid(found.loc[areas, "geometry"].to_numpy()))))
        square_m = shapely.area(found.loc[areas, "geometry"].to_numpy()) * 111_320.0**2 * middle
        found.loc[areas, "rank"] = np.where(square_m >= LARGE_M2, 0, np.where(square_m >= SMALL_M2, 1, 2))
    return found


def _of_osm(path: Path, wanted: str | None) -> gpd.GeoDataFrame:
    with needs_extras():
        import osmium  # here, because only OpenStreetMap files need it
    rows: list[tuple[str, int, Any]] = []
    shapes: list[Any] = []

    def take(kind: str, word: str, thing: Any, shape: Any) -> None:
        if shape is not None and wanted in (None, kind):
            rows.append((kind, _rank(kind, word), thing.tags.get("name")))
            shapes.append(shape)

    written = osmium.geom.WKBFactory()
    keys = osmium.filter.KeyFilter("highway", "waterway", "railway", "natural", "landuse", "place")

    def read(things: Any, *, closed_ways: bool) -> None:
        for thing in things.with_filter(keys):
            tags = thing.tags
            if thing.is_node():
                if "place" in tags and tags.get("name"):
                    take("names", tags["place"], thing, shapely.Point(thing.location.lon, thing.location.lat))
            elif thing.is_way():
                points = [(n.lon, n.lat) for n in thing.nodes if n.location.valid()]  # ways are cut at the edge
                if (line := _kind_of_way(tags)) is not None:
                    take(*line, thing, shapely.LineString(points) if len(points) > 1 else None)
                elif closed_ways and _is_water(tags) and len(points) > 3 and points[0] == points[-1]:
                    take("water", "water", thing, shapely.Polygon(points))
            elif thing.is_area() and _is_water(tags):
                take("water", "water", thing, shapely.from_wkb(written.create_multipolygon(thing)))

    try:
        try:
            read(osmium.FileProcessor(str(path)).with_areas(keys), closed_ways=False)
        except RuntimeError as problem:
            if "out of order" not in str(problem):
                raise
            rows.clear()  # an edited extract is not sorted, and lakes of several rings cannot be put together
            shapes.clear()
            read(osmium.FileProcessor(str(path)).with_locations(), closed_ways=True)
    except (RuntimeError, OSError, ValueError) as problem:
        raise ReadError(Note("read.no_osm", file=path.name, why=brief(problem))) from None
    return _frame(rows, np.array(shapes, dtype=object))


#: Values of `highway` and `railway` that are not there, or are none.
NOT_THERE = {"proposed", "construction", "razed", "abandoned", "platform", "disused", "station", "elevator", "corridor"}


def _kind_of_way(tags: Any) -> tuple[str, str] | None:
    if "highway" in tags and tags["highway"] not in NOT_THERE and tags.get("area") != "yes":
        return "streets", tags["highway"]
    if tags.get("waterway") in (*RANKS["water"][0][:1], "canal", "stream"):
        return "water", tags["waterway"]
    if tags.get("railway") in (*RANKS["railways"][0], *RANKS["railways"][1]) and "service" not in tags:
        return "railways", tags["railway"]
    return None


def _is_water(tags: Any) -> bool:
    return tags.get("natural") == "water" or tags.get("waterway") == "riverbank" or tags.get("landuse") == "reservoir"


def _of_office(path: Path, frame: gpd.GeoDataFrame, kind: str | None) -> gpd.GeoDataFrame:
    """An office's file: one kind, with the classes and names that its columns hold."""
    classes = next((frame[c].astype(object) for c in CLASS_COLUMNS if c in frame), pd.Series(None, index=frame.index))
    names = next((frame[c] for c in NAME_COLUMNS if c in frame), pd.Series(None, index=frame.index, dtype=object))
    kind = kind or _kind_of_file(path, frame, classes)
    if kind is None:
        raise InputError(Note("read.context_of_what", file=path.name, kinds=list(CONTEXT_KINDS)))
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    points = shapely.get_type_id(shapes) == 0
    if kind == "names":
        shapes = shapely.point_on_surface(shapes)
    fits = ~points if kind != "names" else names.notna().to_numpy()
    rows = [(kind, _rank(kind, word), name) for word, name in zip(classes[fits], names[fits], strict=True)]
    return _frame(rows, shapes[fits])


def _kind_of_file(path: Path, frame: gpd.GeoDataFrame, classes: pd.Series) -> str | None:
    """By the column that only one kind has, by the words of its classes, or by the file's name."""
    own = {"streets": "highway", "water": "waterway", "railways": "railway", "names": "place"}
    found = next((kind for kind, column in own.items() if column in frame), None)
    if found is not None:
        return found
    words = {str(word).strip().lower() for word in classes.dropna().unique()}
    held = {kind: len(words & {w for ranked in RANKS[kind] for w in ranked}) for kind in CONTEXT_KINDS}
    if any(held.values()):
        return max(held, key=lambda kind: held[kind])
    return next((kind for kind, words in FILE_WORDS.items() if re.search(words, path.stem.lower())), None)
