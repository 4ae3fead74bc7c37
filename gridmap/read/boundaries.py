"""Boundary files: the territory, zone by zone.

One question: which zones are there, what are they called, and which larger zone does each belong to.
Whatever the format, the answer is a GeoDataFrame in WGS 84 with `zone_id, name, level, parent_id,
geometry` and every number that the file carried. Rings that cross themselves are repaired and counted;
a file without a coordinate reference system is refused, because a guess there moves every zone.
"""

import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap._io import sha256_of
from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.datum import DATUMS, possible_crs, to_wgs84
from gridmap.read.file_access import check_file
from gridmap.read.metric_projection import as_crs
from gridmap.read.persons import AREA_WORDS, is_person_column, personal_columns
from gridmap.read.tables.vector import read_vector

__all__ = ["common_areas", "find_levels", "names_areas", "overlapping_pairs", "read_boundaries", "stem", "to_degrees"]

CODE_WORDS = (
    *(
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
        "pcode",
    ),
    *("codigo", "cod", "kode", "schluessel", "ags", "コード", "番号", "코드"),
)
#: Codes whose heading begins with the word: CD_BAIRRO, CODE_IRIS, GID_2, INSEE_COM, CVE_MUN, CUSEC, N03_007.
#: Chinese land surveys write 代码 and 名称 as dm and mc: XZQDM, XZQMC, QHDM, PAC.
CODE_FIRST = re.compile(
    r"(cd|cod|code|codigo|insee|gid|cve|clave|ags|ars)(?=_|\d|$)|cvegeo|cusec|n03_007|(xz|xzq|qh|xzqh|zl|sq|jd|wg|dw|pcs|jwq|zrq|cun|cj|jwh|cwh)(dm|bm|bh)$|pac$"
    r"|id_?(?=dist|prov|dep|dpto|barr|zon|com|mun|sec)|ubigeo|natcode|\w+_(ccdgo|ccnct|cdpmp|ccodigo)$|oktmo|okato"
)
NAME_FIRST = re.compile(r"(nm|nom|nome|nombre|name|no|bez|gen)_")
NAME_WORDS = (
    "name",
    "名称",
    "名",
    "nm",
    "label",
    "title",
    "nombre",
    "nome",
    "nom",
    "naam",
    "bezeichnung",
    "이름",
    "название",
)
NUMBER_WORDS = ("number", "numbe", "nbr", "no", "num", "nro")
#: Units whose own name heads the column of their numbers or names, as in DISTRICT, COMUNA, 社区.
UNIT = re.compile(
    r"^(district|ward|beat|precinct|comuna|barrio|bairro|distrito|sector|zone|zona|quartier|arrondissement|bezirk|stadtteil|borough"
    r"|comune|commune|gemeinde|kommune|municipio|municipality|parish|township|colonia|alcaldia|parroquia|vereda|localidad|freguesia|concelho"
    r"|community|neighbou?rhood|tract|区|区县|县|街道|镇|乡镇|社区|村|村居|网格|町丁|읍면동|동|район|округ"
    r"|village|hamlet|sub-?district|派出所|分局|警务区|警务室|责任区|辖区|片区|管区|小区|行政村|自然村|街道办|街道办事处|居委会|居民委员会|村委会|村民委员会"
    r"|警察署|派出所管區|里|村里|지구대|파출소)s?"
    r"([ _]?(no|num|number|nbr|n))?$"
)
#: Numbers that a program gave to the rows: they name nothing, and change when the file is written again.
ROW_NUMBER = re.compile(
    r"^(object_?id|fid|gid|oid|ogc_fid|poly_?id|shape_id|row_?(id|num|no)?|global_?id|index|idx|id_0|subfeatureindex|feature_?id|_id|pk"
    r"|objectid_\d+|fid_\w+|__.*|seq|serial|序号|id)$"
)
#: Lengths, areas, places, dates and drawing styles: never a code.
MEASURE = re.compile(
    r"shape_?(le|ar)|(^|_)area(_?(km|sq|m2|ha|acre)\w*)?$|(^|_)(perim\w*|length|len|acres|hectares|km2|sqkm|sqmi|lon|lat|lng|x|y|center|centre|centroid|bbox|extent)(_|$)"
    r"|date|time|created|edited|updated|version|url|color|colour|fill|stroke|style|icon|面积|周长|长度|经度|纬度|日期|时间"
    r"|^(description|timestamp|begin|end|altitudemode|tessellate|extrude|visibility|draworder|snippet)$"
)
AREA_VALUE = re.compile(
    r"(?:街道|地区|[省市区县旗乡镇村]|社区|居委会|村委会|村民委员会|新区|开发区|林场|农场|派出所|分局|网格|片区|[都道府県町]|[시도군구읍면동리])$"
    r"|\b(?:district|ward|county|borough|parish|division|precinct|area|zone|beat|sector|township|city|region|quarter)\b"
    r"|\b(?:north|south|east|west|central)\b",
    re.IGNORECASE,
)


def _words(column: str) -> str:
    return str(column).strip().lower()


_OF_A_YEAR = re.compile(r"(?<=[a-z_])_?((19|20)\d{2}|[0-389]\d)$")


def _is_code(column: str) -> bool:
    word = _words(column)
    dated = _OF_A_YEAR.sub("", word)  # SA2_CODE21 and CODE_2021 are codes of that year
    ends = any(w.endswith(end) for w in (word, dated) for end in CODE_WORDS)
    return word in {"id", "zone_id"} or ends or bool(CODE_FIRST.match(word))


def _is_name(column: str) -> bool:
    """Whether a heading says that its column holds names of areas: NAME, NOMBRE, ADM2_EN, SIG_KOR_NM, 社区."""
    word = _words(column)
    if is_person_column(column) and not re.fullmatch(r"name|nombre|nome|nom|имя", word):
        return False
    return (
        any(part in word for part in NAME_WORDS)
        or bool(UNIT.match(word))
        or bool(
            re.fullmatch(
                r"adm\d_?[a-z]{2}|(xz|xzq|qh|xzqh|sq|jd|wg|dw|pcs|jwq|zrq|cun|cj|jwh|cwh)mc|\w+_(cnmbr|cnombre)|gen|n03_00[1-4]|s_name|name_\d|kor_nm",
                word,
            )
        )
    )


def names_areas(column: str, values: pd.Series) -> bool:
    """Whether a column holds codes or names of areas, by what it says: being the same over neighbours does not suffice.

    Parameters
    ----------
    column : str
    values : Series

    Examples
    --------
    >>> streets, wardens = pd.Series(["东街道", "西街道"]), pd.Series(["张三", "李四"])
    >>> names_areas("所属", streets), names_areas("所属", wardens), names_areas("warden", streets)
    (True, False, False)
    """
    if is_person_column(column) and not re.fullmatch(r"name|nombre|nome|nom|имя", _words(column)):
        return False
    texts = values.dropna().astype(str).str.strip()
    if personal_columns(
        [(f"{column} area" if _is_code(column) or UNIT.match(_words(column)) else "x", texts.tolist())]
    ):
        return False
    if _is_code(column) or UNIT.match(_words(column)) or AREA_WORDS.search(re.sub("所属|单位", "", _words(column))):
        return True
    return len(texts) > 0 and sum(AREA_VALUE.search(text) is not None for text in texts) > 0.6 * len(texts)


def stem(column: str) -> str:
    """What a column is about: `msoa` of `msoa_code` and of `msoa_name`, 街道 of 街道名称."""
    word = _words(column)
    for first in (CODE_FIRST, NAME_FIRST):
        if (found := first.match(word)) and re.search(r"[^\W\d_]", word[found.end() :]):
            return word[found.end() :].strip("_ -")
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
    notes: list[str] = []
    for role, column in (("zone_id", zone_id), ("name", name), ("parent_id", parent_id)):
        if column is not None and column not in table.columns:
            raise InputError(
                Note("read.no_boundary_column", column=column, role=role, meant=did_you_mean(column, table.columns))
            )
    columns = [c for c in table.columns if _could_name(c, table[c])]
    if zone_id is None:
        zone_id, found = _code_column(table, columns)
        notes.append(found)
    if zone_id is None:
        ids = pd.Series([str(i) for i in range(1, len(table) + 1)], index=table.index, dtype=object)
    else:
        ids = _require_unique(table, zone_id)
    if parent_id is None and zone_id != "parent_id" and "parent_id" in table.columns:
        parent_id = "parent_id"
    if parent_id is None and len(table) > 1:
        parent_id = _parent_column(table, columns, zone_id)
        if parent_id is not None:
            notes.append(Note("read.parent_found", column=parent_id, n=table[parent_id].nunique()))
    parents = _text(table[parent_id]) if parent_id is not None else pd.Series(None, index=table.index, dtype=object)
    if name is None:
        name = _name_column(table, columns, zone_id, parent_id)
    titles = _text(table[name]) if name is not None else ids
    titles = titles.where(titles.notna() & (titles != ""), ids)
    if "level" in table.columns:
        level = table["level"].astype("string").astype(object)
    else:
        level = pd.Series((stem(zone_id) or "zone") if zone_id not in (None, "zone_id") else "zone", index=table.index)
    frame = pd.DataFrame({"zone_id": ids, "name": titles, "level": level.astype(object), "parent_id": parents})
    return frame, str(level.iloc[0]) if len(level) else "zone", notes


def _could_name(column: str, values: pd.Series) -> bool:
    """Whether a column can hold codes or names at all: no measure, no list, no fraction, nothing about a person."""
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_datetime64_any_dtype(values) or not values.notna().any():
        return False
    numbered = _words(column).endswith(NUMBER_WORDS)
    if pd.api.types.is_float_dtype(values) and not (_is_code(column) or UNIT.match(_words(column)) or numbered):
        return False
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 != 0).any():
        return False
    first = str(values.dropna().iloc[0]).strip()
    if first[:1] in "[{" and first[-1:] in "]}":
        return False
    return not MEASURE.search(_words(column))


def _code_column(table: pd.DataFrame, columns: list[str]) -> tuple[str | None, Note]:
    """The column of the zones' own codes, and the note that says so.

    In this order: `zone_id`; codes (GSS_CODE, adcode, 编码); a unit's own number or name (DISTRICT, COMUNA); other
    numbers; names; and only then the numbers that a program gave to the rows.
    """
    whole = [c for c in columns if _filled(table[c])]
    unique = [c for c in whole if table[c].is_unique]
    if "zone_id" in whole and not table["zone_id"].is_unique:
        unique = ["zone_id"]  # it says what it is: its repeats are a mistake to name, not to step around
    real = [c for c in unique if not ROW_NUMBER.match(_words(c))]
    named = [c for c in real if _is_name(c) or not pd.api.types.is_numeric_dtype(table[c])]
    named.sort(key=lambda c: not _is_name(c))
    ranks = (
        ["zone_id"] if "zone_id" in unique else [],
        [c for c in real if _is_code(c)],
        [c for c in real if UNIT.match(_words(c)) and _text(table[c]).str.contains(r"\d").all()],
        [c for c in real if not is_person_column(c) and _holds_codes(table[c])],
        [c for c in real if any(w in _words(c) for w in NUMBER_WORDS) and not _is_name(c)],
        [c for c in real if UNIT.match(_words(c))],
        [c for c in named if not is_person_column(c) or _words(c) in ("name", "nombre", "nom", "nome")],
        [c for c in unique if ROW_NUMBER.match(_words(c))],
    )
    for rank, found in enumerate(ranks):
        if found:
            chosen = found[0] if rank in (6, 7) else found[-1]  # files go from the coarse level to the fine one
            if rank == 1:  # 09002 holds the 002 that is its last part
                text = {c: _text(table[c]).astype(str) for c in found}
                wholes = [c for c in found if c != chosen and _ends_with(text[c], text[chosen])]
                chosen = wholes[-1] if wholes else chosen
                undated = [c for c in found if c != chosen and _dated(text[chosen], text[c])]
                chosen = undated[-1] if undated else chosen
            others = [c for c in found if c != chosen] if rank in (1, 3, 4, 7) else []
            return chosen, Note(
                "read.zone_id_found_of" if others else "read.zone_id_found", column=chosen, others=others
            )
    if (repeated := [c for c in whole if _is_code(c)]) and len(table) > 1:
        column = max(repeated, key=lambda c: table[c].nunique())
        raise InputError(
            Note("read.zones_not_told_apart", zones=len(table), column=column, values=table[column].nunique())
        )
    return None, Note("read.zones_numbered")


def _holds_codes(values: pd.Series) -> bool:
    """Whether texts are codes by their look: MN0101, E05000405, one length, digits and no blanks, no dates."""
    if pd.api.types.is_numeric_dtype(values):
        return False
    texts = values.astype(str)
    return bool(
        (texts.str.len() == len(texts.iloc[0])).all()
        and texts.str.fullmatch(r"(?=.*\d)[A-Z0-9][A-Z0-9_.-]{2,19}").all()
        and not texts.str.fullmatch(r"\d{4}[-./]\d{2}[-./]\d{2}|\d{2}[-./]\d{2}[-./]\d{4}").all()
    )


def _dated(longer: pd.Series, shorter: pd.Series) -> bool:
    """Whether each text of one column is that of the other behind a year: 2021GM0363 and GM0363."""
    return _ends_with(longer, shorter) and all(
        re.fullmatch(r"(19|20)\d{2}(S\d{4})?", a[: -len(b)]) for a, b in zip(longer, shorter, strict=True)
    )


def _ends_with(longer: pd.Series, shorter: pd.Series) -> bool:
    """Whether each text of one column is longer and ends with that of the other."""
    return all(len(a) > len(b) and a.endswith(b) for a, b in zip(longer, shorter, strict=True))


def _require_unique(table: pd.DataFrame, zone_id: str) -> pd.Series:
    if not _filled(table[zone_id]):
        empty = int((table[zone_id].isna() | (table[zone_id].astype(str).str.strip() == "")).sum())
        raise InputError(Note("read.zones_without_id", empty=empty, zones=len(table), zone_id=zone_id))
    ids = _text(table[zone_id])
    twice = ids[ids.duplicated(keep=False)]
    if len(twice):
        examples = list(map(repr, twice.unique()[:3]))
        raise InputError(Note("read.zone_ids_repeat", zone_id=zone_id, n=twice.nunique(), examples=examples))
    return ids


def _parent_column(table: pd.DataFrame, columns: list[str], zone_id: str | None) -> str | None:
    """The finest code column above the zones that nests in every coarser one."""
    above = [
        c
        for c in columns
        if c != zone_id
        and _is_code(c)
        and not ROW_NUMBER.match(_words(c))
        and not is_person_column(c)
        and _filled(table[c])
    ]
    above = [
        c
        for c in above
        if _filled(table[c]) and 1 <= table[c].nunique() < len(table) and stem(c) not in {"", "object", "f", "g"}
    ]
    above.sort(key=lambda c: -table[c].nunique())
    for column in above:
        coarser = [c for c in above if table[c].nunique() < table[column].nunique()]
        if all(table.groupby(column)[c].nunique().max() == 1 for c in coarser):
            return column
    return None


def _name_column(table: pd.DataFrame, columns: list[str], zone_id: str | None, parent_id: str | None) -> str | None:
    """The column of the zones' names: of the code's stem, else one that differs from zone to zone, else any."""
    names = [c for c in columns if _is_name(c) and c not in (zone_id, parent_id)]
    names = [c for c in names if not pd.api.types.is_numeric_dtype(table[c]) or UNIT.match(_words(c))]
    same = [c for c in names if zone_id is not None and stem(zone_id) and stem(c) == stem(zone_id)]
    same.sort(key=lambda c: "eng" in _words(c))  # EMD_KOR_NM before EMD_ENG_NM
    plain = [c for c in names if re.fullmatch(r"name|nombre|nome|nom|名称|naam|label", _words(c))]
    whole = [c for c in names if table[c].notna().mean() > 0.5 and not _is_code(c)]
    unique = sorted(
        (c for c in whole if table[c].dropna().is_unique),
        key=lambda c: (bool(UNIT.match(_words(c))), c not in plain, bool(re.search(r"_eng?(_|$)|_eng", _words(c)))),
    )
    repeated = [c for c in whole if c in plain and table[c].nunique() > 0.5 * len(table)]
    return next(iter([*same, *unique, *repeated, *([zone_id] if zone_id is not None else [])]), None)


def read_boundaries(
    path_or_frame,
    *,
    zone_id: str | None = None,
    name: str | None = None,
    parent_id: str | None = None,
    crs=None,
    layer: str | None = None,
    encoding: str | None = None,
    datum: str | None = None,
) -> gpd.GeoDataFrame:
    """The zones of a boundary file.

    Parameters
    ----------
    path_or_frame : str, Path or GeoDataFrame
        GeoJSON, GeoPackage, Shapefile (also zipped), GeoParquet, KML, FlatGeobuf.
    zone_id, name, parent_id : str, optional
        The columns that hold them. Undeclared, the finest unique code column is the `zone_id`, the code of the
        level above it the `parent_id`; what was taken is source_crs in `.attrs["notes"]`.
    crs : anything pyproj understands, optional
        For a file that does not say its own, such as a shapefile without .prj. A CRS in the file is kept.
    layer : str, optional
        Of a file with several layers.
    encoding : str, optional
        Of a shapefile's text; undeclared, what its .cpg says, UTF-8 where it is valid, else what the bytes look like.
    datum : {"wgs84", "gcj02", "bd09", "cgcs2000"}, optional
        Of boundaries in degrees that were drawn over a map of China: "gcj02" and "bd09" are moved to WGS 84.

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
        what: str = Note("read.the_frame")
    elif isinstance(path_or_frame, str | Path):
        path = check_file(path_or_frame, Note("read.boundary_file"))
        frame = read_vector(path, layer=layer, encoding=encoding)
        origin, what = {"path": str(path_or_frame), "sha256": sha256_of(path)}, path.name
    else:
        raise InputError(Note("read.boundaries_type", kind=type(path_or_frame).__name__))
    if datum is not None and datum not in DATUMS:
        raise SettingError(Note("read.no_datum", datum=datum, meant=did_you_mean(str(datum), DATUMS)))
    return _as_zones(frame, what, origin, zone_id=zone_id, name=name, parent_id=parent_id, crs=crs, datum=datum)


def _finite(shapes: np.ndarray) -> np.ndarray:
    """Whether each shape has no corner at infinity or at not-a-number; bounds alone pass over the latter."""
    found = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    for k in range(0, len(shapes), TOGETHER):
        corners, of = shapely.get_coordinates(shapes[k : k + TOGETHER], return_index=True)
        found[k + of[~np.isfinite(corners).all(axis=1)]] = False
    return found


def _as_zones(frame, what, origin, *, zone_id, name, parent_id, crs, datum=None) -> gpd.GeoDataFrame:
    rows, notes = len(frame), []
    if rows == 0:
        raise InputError(Note("read.no_zone_rows", what=what))
    if not isinstance(frame, gpd.GeoDataFrame) or frame._geometry_column_name not in frame.columns:
        raise InputError(Note("read.no_zone_geometry", what=what))
    if frame.crs is None:
        if crs is None:
            fits = possible_crs(frame.total_bounds)
            raise CRSError(
                Note("read.no_crs_fits", what=what, code=fits[0]) if fits else Note("read.no_crs", what=what)
            )
        frame = frame.set_crs(as_crs(crs))
    source_crs = frame.crs
    geometry = frame.geometry
    if not geometry.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        kinds = ", ".join(sorted(map(str, geometry.geom_type.dropna().unique()))) or "no geometry"
        raise InputError(Note("read.no_polygons", what=what, kinds=kinds))

    shapes = geometry.to_numpy().copy()
    tall = shapely.has_z(shapes) | shapely.has_m(shapes)  # flat ones are not copied: outlines are most of the memory
    shapes[tall] = shapely.force_2d(shapes[tall])
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if (bad := ~_finite(shapes[there])).any():
        first = int(np.flatnonzero(there)[np.argmax(bad)]) + 1
        raise InputError(Note("read.not_finite", file=what, n=int(bad.sum()), first=first))
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

    frame = frame.assign(**{frame._geometry_column_name: gpd.GeoSeries(shapes, index=frame.index, crs=source_crs)})
    frame = _on_wgs84(to_degrees(frame.loc[usable].reset_index(drop=True), what), datum, source_crs)
    if pairs := overlapping_pairs(frame.geometry):
        notes.append(Note("read.zones_overlap", pairs=pairs))
    table = pd.DataFrame(frame.drop(columns=frame._geometry_column_name))
    table.columns = [str(c) for c in table.columns]
    levels, level, found = find_levels(table, zone_id=zone_id, name=name, parent_id=parent_id)
    carried = table.drop(columns=["zone_id", "name", "level", "parent_id", "geometry"], errors="ignore")
    texts = {
        c: carried[c].dropna().astype(str).tolist() for c in carried if not pd.api.types.is_float_dtype(carried[c])
    }
    dropped = personal_columns((str(c), v) for c, v in texts.items() if not _is_named(carried[c], levels))
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
        "crs": source_crs.name,
        "level": level,
        "repaired": int(invalid.sum()),
        "dropped": dropped,
        "notes": notes + list(found),
    }
    return zones


def _on_wgs84(frame: gpd.GeoDataFrame, datum: str | None, source_crs) -> gpd.GeoDataFrame:
    """Boundaries in WGS 84 that were on another datum of China."""
    if datum not in ("gcj02", "bd09"):
        return frame
    if not source_crs.is_geographic:
        raise SettingError(Note("read.datum_for_degrees", datum=datum, crs=source_crs.name))
    moved = shapely.transform(frame.geometry.to_numpy(), lambda xy: np.column_stack(to_wgs84(*xy.T, datum=datum)))
    return frame.set_geometry(gpd.GeoSeries(moved, index=frame.index, crs=frame.crs))


#: Shapes whose corners are looked at together.
TOGETHER = 2_000
#: Above so many zones overlaps are looked for by `gridmap inspect` only.
MOST_COMPARED = 5_000


def overlapping_pairs(shapes: gpd.GeoSeries, most: int = MOST_COMPARED) -> int:
    """Pairs of zones whose common area is more than a hundredth of the smaller; 0 where there are more than `most`."""
    areas = shapes.to_numpy()
    if len(areas) > most:
        return 0
    parts, zone = shapely.get_parts(areas, return_index=True)
    first, second, common = common_areas(parts, zone, ~shapely.is_empty(shapely.coverage_invalid_edges(parts)))
    size = shapely.area(areas)
    return int((common > 0.01 * np.minimum(size[first], size[second])).sum())


def common_areas(parts: np.ndarray, zone: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The area that each pair of zones has in common.

    Zones are intersected part by part: the envelope of one with an island far away holds half the territory, and GEOS
    would hold each of its edges against everything there.

    Parameters
    ----------
    parts : array of Polygon, (p,)
        Valid, in any units.
    zone : array of int, (p,)
        The zone of each part.
    odd : array of bool, (p,)
        Which parts may overlap others; of two that overlap, at least one.

    Returns
    -------
    first, second : arrays of int
        Zones, first < second; each pair once.
    common : array of float
        Their common area, in the square of the parts' units; pairs that only touch have 0.

    Examples
    --------
    >>> parts = np.array([shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)])
    >>> first, second, common = common_areas(parts, np.array([0, 1]), np.array([True, True]))
    >>> first.tolist(), second.tolist(), common.tolist()
    ([0], [1], [1.0])
    """
    misfits = np.flatnonzero(odd)
    if not len(misfits):
        return np.empty(0, int), np.empty(0, int), np.empty(0)
    at, second = shapely.STRtree(parts).query(parts[misfits])
    first = misfits[at]
    once = ((first < second) | ~odd[second]) & (zone[first] != zone[second])
    first, second = first[once], second[once]
    shared = shapely.area(shapely.intersection(parts[first], parts[second]))
    # The parts' pairs added up by the zones'.
    zones = int(zone.max()) + 1
    low, high = np.minimum(zone[first], zone[second]), np.maximum(zone[first], zone[second])
    key, pair = np.unique(low * zones + high, return_inverse=True)
    return *np.divmod(key, zones), np.bincount(pair, shared, minlength=len(key))


def _areas_only(shape):
    parts = list(shapely.get_parts(shape))
    while any(part.geom_type == "GeometryCollection" for part in parts):  # collections in collections
        parts = [piece for part in parts for piece in shapely.get_parts(part)]
    parts = [p for p in parts if p.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _is_named(values: pd.Series, levels: pd.DataFrame) -> bool:
    """Whether a column is the zones' own code or name, which stays whatever its heading is."""
    text = values.astype("string").str.strip()
    return any((text == levels[role].astype("string")).fillna(False).all() for role in ("zone_id", "name", "parent_id"))


def _moved_to_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The frame in EPSG:4326, some rows at a time, so that the corners of all are never held besides the shapes."""
    some = (frame.geometry.iloc[k : k + TOGETHER].to_crs(4326) for k in range(0, len(frame), TOGETHER))
    return frame.set_geometry(pd.concat(some))


def to_degrees(frame: gpd.GeoDataFrame, what: str) -> gpd.GeoDataFrame:
    """The frame in EPSG:4326.

    Raises
    ------
    CRSError
        If it says degrees and its coordinates are none, or cannot be brought into degrees.
    """
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
    moved = frame if frame.crs == "EPSG:4326" else _moved_to_degrees(frame)
    if not pd.Series(moved.total_bounds).map(lambda v: abs(v) < float("inf")).all():
        raise CRSError(Note("read.cannot_reproject", what=what, crs=frame.crs.name))
    return moved
