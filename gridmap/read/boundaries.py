"""Boundary files: the territory, zone by zone.

One question: which zones are there, what are they called, and which larger zone does each belong to.
Whatever the format, the answer is a GeoDataFrame in WGS 84 with `zone_id, name, level, parent_id,
geometry` and every number that the file carried. Rings that cross themselves are repaired and counted;
a file without a coordinate reference system is refused, because a guess there moves every zone.
"""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gridmap._io import sha256_of
from gridmap.errors import CRSError, InputError
from gridmap.messages import Note, did_you_mean
from gridmap.read.files import check_file
from gridmap.read.metric import as_crs
from gridmap.read.persons import personal_columns
from gridmap.read.tables.vector import read_vector

__all__ = ["find_levels", "read_boundaries", "stem"]

CODE_WORDS = (
    "zone_id",
    "code",
    "_id",
    "id",
    "geoid",
    "fips",
    "编码",
    "代码",
    "编号",
    "编",
    "码",
    "cd",
    "gss",
    "adcode",
)
NAME_WORDS = ("name", "名称", "名", "nm", "label", "title", "precinct", "community", "beat", "ward", "district")
NUMBER_WORDS = ("number", "numbe", "nbr", "no")


def _words(column: str) -> str:
    return str(column).strip().lower()


def _is_code(column: str) -> bool:
    word = _words(column)
    return word in {"id", "zone_id"} or any(word.endswith(end) for end in CODE_WORDS)


def _is_name(column: str) -> bool:
    word = _words(column)
    return any(part in word for part in NAME_WORDS)


def stem(column: str) -> str:
    """What a column is about: `msoa` of `msoa_code` and of `msoa_name`, 街道 of 街道名称."""
    word = _words(column)
    for end in sorted((*CODE_WORDS, *NUMBER_WORDS, "name", "名称", "nm"), key=len, reverse=True):
        if word.endswith(end):
            return word[: -len(end)].strip("_ -")
    return word


def _filled(values: pd.Series) -> bool:
    return bool(values.notna().all() and (values.astype(str).str.strip() != "").all())


def _text(values: pd.Series) -> pd.Series:
    """Codes as text; 44030.0, which is how a code with a gap in its column arrives, becomes 44030."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("string").str.strip().astype(object)


def find_levels(
    table: pd.DataFrame, *, zone_id: str | None = None, name: str | None = None, parent_id: str | None = None
) -> tuple[pd.DataFrame, str, list[str]]:
    """Zone code, name, level and parent of each row of a boundary table.

    Parameters
    ----------
    table : DataFrame
        The attributes, without the geometry.
    zone_id, name, parent_id : str, optional
        Columns that are declared rather than found.

    Returns
    -------
    frame : DataFrame, same index
        `zone_id, name, level, parent_id`; the last is None where there is no level above.
    level : str
    notes : list of str
        What was found rather than declared, in words.

    Raises
    ------
    InputError
        If a declared column is absent, or the codes are missing or not unique.

    Examples
    --------
    >>> frame = pd.DataFrame({"town_code": ["A", "A", "B"], "grid_code": ["A1", "A2", "B1"]})
    >>> levels, level, notes = find_levels(frame)
    >>> levels[["zone_id", "parent_id"]].values.tolist()
    [['A1', 'A'], ['A2', 'A'], ['B1', 'B']]
    """
    notes = []
    columns = [c for c in table.columns if not pd.api.types.is_float_dtype(table[c]) or _is_code(c)]
    for role, column in (("zone_id", zone_id), ("name", name), ("parent_id", parent_id)):
        if column is not None and column not in table.columns:
            raise InputError(
                Note("read.no_boundary_column", column=column, role=role, meant=did_you_mean(column, table.columns))
            )

    if zone_id is None:
        whole = [c for c in columns if _filled(table[c])]
        unique = [c for c in whole if table[c].is_unique and not pd.api.types.is_bool_dtype(table[c])]
        codes = [c for c in unique if _is_code(c)]
        if "zone_id" in whole and not table["zone_id"].is_unique:
            codes = ["zone_id"]  # it says what it is: its repeats are a mistake to name, not to step around
        codes = codes or [c for c in unique if any(w in _words(c) for w in NUMBER_WORDS)]
        texts = [c for c in unique if _is_name(c) or not pd.api.types.is_numeric_dtype(table[c])]
        if codes:
            zone_id = "zone_id" if "zone_id" in codes else codes[-1]  # files go from the coarse level to the fine one
            named = [c for c in codes if _words(c) not in {"id", "fid", "objectid", "gid"}]
            if zone_id != "zone_id" and named:
                zone_id = named[-1]
        elif texts:
            zone_id = texts[0]
        elif (repeated := [c for c in whole if _is_code(c)]) and len(table) > 1:
            column = max(repeated, key=lambda c: table[c].nunique())
            raise InputError(
                Note("read.zones_not_told_apart", zones=len(table), column=column, values=table[column].nunique())
            )
        if zone_id is not None:
            others = [c for c in codes if c != zone_id]
            code = "read.zone_id_found_of" if others else "read.zone_id_found"
            notes.append(Note(code, column=zone_id, others=others))
        else:
            notes.append(Note("read.zones_numbered"))

    if zone_id is None:
        ids = pd.Series([str(i) for i in range(1, len(table) + 1)], index=table.index, dtype=object)
    else:
        if not _filled(table[zone_id]):
            empty = int((table[zone_id].isna() | (table[zone_id].astype(str).str.strip() == "")).sum())
            raise InputError(Note("read.zones_without_id", empty=empty, zones=len(table), zone_id=zone_id))
        ids = _text(table[zone_id])
        twice = ids[ids.duplicated(keep=False)]
        if len(twice):
            raise InputError(
                Note(
                    "read.zone_ids_repeat",
                    zone_id=zone_id,
                    n=twice.nunique(),
                    examples=list(map(repr, twice.unique()[:3])),
                )
            )

    if parent_id is None and zone_id != "parent_id" and "parent_id" in table.columns:
        parent_id = "parent_id"
    if parent_id is None and len(table) > 1:
        above = [
            c
            for c in columns
            if c != zone_id and _is_code(c) and _filled(table[c]) and 1 <= table[c].nunique() < len(table)
        ]
        above = [c for c in above if stem(c) not in {"", "object", "f", "g"}]
        # The codes that every coarser one nests in, finest first: each value of it has one value of the next.
        above.sort(key=lambda c: -table[c].nunique())
        for column in above:
            coarser = [c for c in above if table[c].nunique() < table[column].nunique()]
            if all(table.groupby(column)[c].nunique().max() == 1 for c in coarser):
                parent_id = column
                notes.append(Note("read.parent_found", column=column, n=table[column].nunique()))
                break
    parents = _text(table[parent_id]) if parent_id is not None else pd.Series(None, index=table.index, dtype=object)

    if name is None:
        names = [c for c in columns if _is_name(c) and c not in (zone_id, parent_id)]
        same = [c for c in names if zone_id is not None and stem(c) == stem(zone_id)]
        unique_names = [c for c in names if table[c].is_unique and not _is_code(c)]
        name = (same or unique_names or ([zone_id] if zone_id is not None else []) or [None])[0]
    titles = table[name].astype("string").str.strip().astype(object) if name is not None else ids
    titles = titles.where(titles.notna(), ids)

    if "level" in table.columns:
        level = table["level"].astype("string").astype(object)
    else:
        level = pd.Series((stem(zone_id) or "zone") if zone_id not in (None, "zone_id") else "zone", index=table.index)
    frame = pd.DataFrame({"zone_id": ids, "name": titles, "level": level.astype(object), "parent_id": parents})
    return frame, str(level.iloc[0]) if len(level) else "zone", notes


def read_boundaries(
    path_or_frame,
    *,
    zone_id: str | None = None,
    name: str | None = None,
    parent_id: str | None = None,
    crs=None,
    layer: str | None = None,
    encoding: str | None = None,
) -> gpd.GeoDataFrame:
    """The zones of a boundary file.

    Parameters
    ----------
    path_or_frame : str, Path or GeoDataFrame
        GeoJSON, GeoPackage, Shapefile (also zipped), GeoParquet, KML, FlatGeobuf.
    zone_id, name, parent_id : str, optional
        The columns that hold them. Undeclared, the finest unique code column is the `zone_id`, the code of the
        level above it the `parent_id`; what was taken is said in `.attrs["notes"]`.
    crs : anything pyproj understands, optional
        For a file that does not say its own, such as a shapefile without .prj. One that is said is kept.
    layer : str, optional
        Of a file with several layers.
    encoding : str, optional
        Of a shapefile's text; undeclared, UTF-8 where it is valid, else GB18030.

    Returns
    -------
    GeoDataFrame in EPSG:4326, index 0 … n − 1
        `zone_id, name, level, parent_id, geometry` + the file's other columns under their own names. `.attrs` has
        `path, sha256, rows, crs, repaired` (number of zones with invalid rings), `dropped` (columns about persons, and
        why), `notes`.

    Raises
    ------
    ReadError
        If the file is absent, unreadable or of an unknown format.
    CRSError
        If it has no CRS, or coordinates that its CRS cannot have.
    InputError
        If it is empty, has no polygons, or the zone ids are missing or not unique.

    Examples
    --------
    >>> lsoa = read_boundaries("data/west_yorkshire/lsoa_2011.geojson")
    >>> lsoa[["zone_id", "name", "level", "parent_id"]].iloc[0].tolist()
    ['E01010568', 'Bradford 016A', 'lsoa', 'E02002198']
    >>> int(lsoa["households"].sum())
    922452
    """
    if isinstance(path_or_frame, gpd.GeoDataFrame):
        frame, origin = path_or_frame.copy(), {"path": "memory", "sha256": None}
        what = Note("read.the_frame")
    elif isinstance(path_or_frame, str | Path):
        path = check_file(path_or_frame, Note("read.boundary_file"))
        frame = read_vector(path, layer=layer, encoding=encoding)
        origin, what = {"path": str(path_or_frame), "sha256": sha256_of(path)}, path.name
    else:
        raise InputError(Note("read.boundaries_type", kind=type(path_or_frame).__name__))
    return _as_zones(frame, what, origin, zone_id=zone_id, name=name, parent_id=parent_id, crs=crs)


def _as_zones(frame, what, origin, *, zone_id, name, parent_id, crs) -> gpd.GeoDataFrame:
    rows, notes = len(frame), []
    if rows == 0:
        raise InputError(Note("read.no_zone_rows", what=what))
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name not in frame.columns:
        raise InputError(Note("read.no_zone_geometry", what=what))
    if frame.crs is None:
        if crs is None:
            raise CRSError(Note("read.no_crs", what=what))
        frame = frame.set_crs(as_crs(crs))
    said = frame.crs
    geometry = frame.geometry
    if not geometry.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        kinds = ", ".join(sorted(map(str, geometry.geom_type.dropna().unique()))) or "no geometry"
        raise InputError(Note("read.no_polygons", what=what, kinds=kinds))

    shapes = shapely.force_2d(geometry.to_numpy())
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[invalid] = shapely.make_valid(shapes[invalid])
    mixed = shapely.get_type_id(shapes) == 7
    shapes[mixed] = [_areas_only(shape) for shape in shapes[mixed]]
    usable = pd.Series(shapely.get_type_id(shapes)).isin([3, 6]).to_numpy() & ~shapely.is_empty(shapes)
    if invalid.any():
        notes.append(Note("read.rings_repaired", n=int(invalid.sum()), rows=rows))
    if not usable.all():
        notes.append(Note("read.rows_without_area", n=int((~usable).sum()), rows=rows))
    if not usable.any():
        raise InputError(Note("read.only_empty_geometry", what=what))

    frame = frame.assign(**{frame._geometry_column_name: gpd.GeoSeries(shapes, index=frame.index, crs=said)})
    frame = _to_wgs84(frame.loc[usable].reset_index(drop=True), what)
    table = pd.DataFrame(frame.drop(columns=frame._geometry_column_name))
    table.columns = [str(c) for c in table.columns]
    levels, level, found = find_levels(table, zone_id=zone_id, name=name, parent_id=parent_id)
    carried = table.drop(columns=["zone_id", "name", "level", "parent_id", "geometry"], errors="ignore")
    texts = {
        c: carried[c].dropna().astype(str).tolist() for c in carried if not pd.api.types.is_float_dtype(carried[c])
    }
    dropped = personal_columns(texts.items())
    if dropped:
        carried = carried.drop(columns=list(dropped))
        found = [
            *found,
            Note("read.persons_dropped", columns=[f"{c}: {w}" for c, w in dropped.items()]),
        ]
    zones = gpd.GeoDataFrame(pd.concat([levels, carried], axis=1), geometry=frame.geometry.to_numpy(), crs=4326)
    zones.attrs = {
        **origin,
        "rows": rows,
        "set_aside": int((~usable).sum()),
        "crs": said.name,
        "level": level,
        "repaired": int(invalid.sum()),
        "dropped": dropped,
        "notes": notes + list(found),
    }
    return zones


def _areas_only(shape):
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _to_wgs84(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    west, south, east, north = frame.total_bounds
    if frame.crs.is_geographic and (max(abs(south), abs(north)) > 90.000001 or max(abs(west), abs(east)) > 360):
        exchanged = max(abs(west), abs(east)) <= 90 and max(abs(south), abs(north)) <= 180
        remedy = Note("read.latitude_first_in_file") if exchanged else Note("read.looks_projected")
        raise CRSError(
            Note(
                "read.no_degrees",
                what=what,
                crs=frame.crs.name,
                west=west,
                south=south,
                east=east,
                north=north,
                remedy=remedy,
            )
        )
    moved = frame.to_crs(4326)
    if not pd.Series(moved.total_bounds).map(lambda v: abs(v) < float("inf")).all():
        raise CRSError(Note("read.cannot_reproject", what=what, crs=frame.crs.name))
    return moved
