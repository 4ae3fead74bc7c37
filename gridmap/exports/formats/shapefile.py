"""Shapefiles, which every office still asks for: names of ten bytes, text in GBK or UTF-8, zipped or not.

What the format cannot keep is reported: each shortened name in a warning and in a table `<layer>.fields.csv` beside the
file; a time becomes text, because a field has dates only; text beyond 254 bytes is cut at a whole character. The
`.cpg` names the encoding, without which Chinese is read as nonsense.
"""

import csv
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from gridmap.errors import GridmapWarning, InputError
from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import plain_frame
from gridmap.exports.result_parts import Part, Stamp, shapes_of, written_at
from gridmap.messages import Note

__all__ = ["FORMATS", "short_names", "to_shapefile", "to_zipped_shapefile"]

NAME_BYTES, TEXT_BYTES = 10, 254
CPG = {"utf-8": "UTF-8", "gbk": "GBK", "gb18030": "GB18030"}
#: The largest whole number that a field of 18 digits holds.
LARGEST = 10**18 - 1


def short_names(names: list[str], encoding: str) -> dict[str, str]:
    """Each name in at most ten bytes, all different without regard to case.

    Examples
    --------
    >>> short_names(["share_inside", "share_insider", "案件数量统计表"], "gbk")
    {'share_inside': 'share_insi', 'share_insider': 'share_in_2', '案件数量统计表': '案件数量统'}
    """
    found, taken = {}, set()
    for name in names:
        short, n = _cut(name, NAME_BYTES, encoding), 2
        while not short or short.lower() in taken:
            ending = f"_{n}"
            short, n = _cut(name, NAME_BYTES - len(ending), encoding) + ending, n + 1
        taken.add(short.lower())
        found[name] = short
    return found


def to_shapefile(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """The first part with shapes as .shp with its sidecar files .shx, .dbf, .prj, .cpg."""
    _write(shapes_of(parts, "A shapefile"), path, stamp)


def to_zipped_shapefile(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """All parts with shapes, a shapefile each, in one archive."""
    shapes_of(parts, "A shapefile")
    folder = path.with_name("shapefiles")
    folder.mkdir()
    for part in parts:
        if part.is_spatial:
            _write(shapes_of([part], "A shapefile"), folder / f"{part.name}.shp", stamp)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for made in sorted(folder.iterdir()):
            member = zipfile.ZipInfo(made.name, date_time=(1980, 1, 1, 0, 0, 0))  # the same archive each time
            archive.writestr(member, made.read_bytes(), compress_type=zipfile.ZIP_DEFLATED)
            made.unlink()
    folder.rmdir()


def _write(part: Part, path: Path, stamp: Stamp) -> None:
    frame, encoding = plain_frame(part.frame), stamp.encoding
    shapes = set(frame.geom_type.dropna().str.removeprefix("Multi"))
    if len(shapes) > 1:
        raise InputError(Note("exports.several_kinds", name=part.name, kinds=sorted(shapes)))
    columns = [c for c in frame.columns if c != frame.geometry.name]
    names = short_names(columns, encoding)
    made: dict[str, pd.Series] = {}
    lost: dict[str, int] = {}
    for column in columns:
        made[names[column]] = _field(frame[column], encoding, lost)
    table = gpd.GeoDataFrame(pd.DataFrame(made), geometry=frame.geometry.array, crs=frame.crs)
    kind = {"geometry_type": "Polygon"} if not shapes or "Polygon" in shapes else {}
    options = {"DBF_DATE_LAST_UPDATE": f"{written_at():%Y-%m-%d}"}
    pyogrio.write_dataframe(table, path, driver="ESRI Shapefile", encoding=CPG[encoding], layer_options=options, **kind)
    path.with_suffix(".cpg").write_text(CPG[encoding], encoding="ascii", newline="\n")
    with path.with_suffix(".fields.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["field", "column", "unit"])
        units = part.about()["units"]
        writer.writerows([short, column, units.get(column, "")] for column, short in names.items())
        writer.writerow([])
        writer.writerows([name, text] for name, text in stamp.flat(part).items())
    changed = {column: short for column, short in names.items() if column != short}
    if changed:
        shown = [f"{column} → {short}" for column, short in list(changed.items())[:8]]
        shown += [Note("exports.and_more", n=len(changed) - 8)] if len(changed) > 8 else []
        _warn(Note("exports.short_names", names=shown, file=f"{path.stem}.fields.csv"))
    for code, n in lost.items():
        _warn(Note(code, n=n, name=part.name, encoding=encoding, most=TEXT_BYTES))


def _warn(note: Note) -> None:
    """Say what the format could not keep."""
    warnings.warn(note, GridmapWarning, stacklevel=4)


def _field(values: pd.Series, encoding: str, lost: dict[str, int]) -> pd.Series:
    """A column as a field of a dbf holds it."""
    if values.dtype.kind == "M":
        return values.map(lambda v: v.isoformat() if v is not pd.NaT else None).astype("str")
    if values.dtype.kind == "b":
        return values.astype("Int32" if values.isna().any() else "int32")
    if values.dtype.kind == "i" and len(values) and values.abs().max() > LARGEST:
        return values.astype("str")
    if values.dtype.kind == "f" and values.abs().max() > LARGEST:
        return values.map(lambda v: None if v != v else repr(v)).astype("str")
    if values.dtype.kind in "if":
        return values
    return values.astype(object).map(lambda v: _fitting(v, encoding, lost)).astype("str")


def _fitting(value, encoding: str, lost: dict[str, int]):
    """Text in the encoding and of 254 bytes at most; what had to go is counted."""
    if not isinstance(value, str):
        return None
    data = value.encode(encoding, errors="replace")
    if data.decode(encoding) != value:
        lost["exports.letters_replaced"] = lost.get("exports.letters_replaced", 0) + 1
    if len(data) > TEXT_BYTES:
        lost["exports.texts_cut"] = lost.get("exports.texts_cut", 0) + 1
    return _cut(data.decode(encoding), TEXT_BYTES, encoding)


def _cut(text: str, most: int, encoding: str) -> str:
    """As many whole characters as fit into so many bytes."""
    return text.encode(encoding, errors="replace")[:most].decode(encoding, errors="ignore")


FORMATS = {".shp": Format(to_shapefile), ".shp.zip": Format(to_zipped_shapefile, many=True)}
